/** What stations tell of themselves: reports, variables, events, requests for certificates. */
import type { VariableRow as ActualRow } from "../../core/configuration.ts";
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { seenAt, toReport, zeroMs, type ReportRow, type SeenRow } from "../report-view.ts";
import {
  EVENT_KINDS,
  REPORT_KINDS,
  type CertificateRequest,
  type StationEvent,
  type StationVariable,
} from "../station-schemas.ts";

type VariableRow = Omit<ActualRow, "journal_id" | "seq"> & {
  variable_key: string;
  attribute: string;
  source: string;
};

const toVariable = (r: VariableRow): StationVariable => ({
  stationId: r.station_id,
  component: r.component,
  componentInstance: r.component_instance,
  evseId: r.evse_id,
  connectorId: r.connector_id,
  variable: r.variable,
  variableInstance: r.variable_instance,
  attribute: r.attribute,
  value: r.value,
  secret: r.secret,
  mutability: r.mutability,
  unit: r.unit,
  dataType: r.data_type,
  readAt: isoOf(r.read_at),
  source: r.source,
});

type EventRow = SeenRow & {
  journal_id: string;
  seq: number;
  idx: number;
  site_id: string;
  station_id: string;
  told_at: Date | null;
  kind: string;
  type: string;
  severity: number | null;
  cleared: boolean | null;
  evse_id: number | null;
  detail: unknown;
};

const toEvent = (r: EventRow): StationEvent => ({
  eventId: `${r.journal_id}.${r.seq}.${r.idx}`,
  siteId: r.site_id,
  stationId: r.station_id,
  at: seenAt(r),
  toldAt: iso(r.told_at),
  kind: r.kind,
  type: r.type,
  severity: r.severity,
  cleared: r.cleared,
  evseId: r.evse_id,
  detail: r.detail,
});

/** A certificate for every use answers any request, one under another id does not. */
const CERTIFICATES = `
  select r.*, ${zeroMs("r")}, s.site_id, a.at as answered_at, a.command_id
  from certificate_request r join station s using (station_id)
  left join lateral (
    select a.at, a.command_id from certificate_answer a
    where a.station_id = r.station_id
      and (a.certificate_type is null
        or a.certificate_type = coalesce(r.certificate_type, 'ChargingStationCertificate'))
      and (a.request_id is null or r.request_id is null or a.request_id = r.request_id)
      and case when a.journal_id = r.journal_id then a.seq > r.seq else a.at >= r.at end
    order by a.at, a.seq limit 1
  ) a on true`;

type CertificateRow = SeenRow & {
  journal_id: string;
  seq: number;
  site_id: string;
  station_id: string;
  csr: string;
  certificate_type: string | null;
  request_id: number | null;
  answered_at: Date | null;
  command_id: string | null;
};

const toCertificateRequest = (r: CertificateRow): CertificateRequest => ({
  certificateRequestId: `${r.journal_id}.${r.seq}`,
  siteId: r.site_id,
  stationId: r.station_id,
  at: seenAt(r),
  csr: r.csr,
  certificateType: r.certificate_type,
  requestId: r.request_id,
  state: r.answered_at === null ? "open" : "answered",
  answeredAt: iso(r.answered_at),
  commandId: r.command_id,
});

const StationParams = Type.Object({ stationId: Type.String() });
const EventKind = Type.Optional(OneOf(EVENT_KINDS));

export function stationFactRoutes(app: App, context: Context): void {
  reportRoutes(app, context);
  variableRoutes(app, context);
  eventRoutes(app, context);
  certificateRoutes(app, context);
}

function reportRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/stations/:stationId/reports",
    {
      schema: {
        operationId: "listStationReports",
        ...needs("stations:read"),
        tags: ["stations"],
        description: "What the station said later to calls, newest first. With a command: see getCommand.",
        params: StationParams,
        querystring: Type.Object({
          ...PageQuery,
          of: Type.Optional(OneOf(REPORT_KINDS)),
          requestId: Type.Optional(Type.Integer({ minimum: -(2 ** 53), maximum: 2 ** 53 })),
        }),
        response: { 200: PageOf("StationReport") },
      },
    },
    async (request) => {
      const { operatorId, db } = await requireActor(request);
      const { query } = request;
      const where = conditions(
        "r.operator_id = $1 and r.station_id = $2",
        operatorId,
        request.params.stationId,
      );
      where.add("r.of = ?", query.of);
      where.add("r.request_id = ?::bigint", query.requestId);
      const after = readCursor(query, 3);
      where.add(
        "(r.at, r.seq, r.journal_id) < (?::timestamptz, ?::bigint, ?::uuid)",
        ...(after ?? [undefined]),
      );
      const { rows } = await db.query<ReportRow>(
        `select r.*, ${zeroMs("r")} from station_report r where ${where.sql}
         order by r.at desc, r.seq desc, r.journal_id desc limit ${(query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, query, (r) => [isoOf(r.at), String(r.seq), r.journal_id], toReport);
    },
  );
}

function variableRoutes(app: App, { requireActor }: Context): void {
  const Name = Type.Optional(Type.String({ maxLength: 100 }));
  app.get(
    "/v1/stations/:stationId/variables",
    {
      schema: {
        operationId: "listStationVariables",
        ...needs("stations:read"),
        tags: ["stations"],
        description:
          "The configuration as it was last told: keys of OCPP 1.6, variables of 2.x. Passwords are not kept.",
        params: StationParams,
        querystring: Type.Object({ ...PageQuery, component: Name, variable: Name }),
        response: { 200: PageOf("StationVariable") },
      },
    },
    async (request) => {
      const { operatorId, db } = await requireActor(request);
      const { query } = request;
      const where = conditions(
        "v.operator_id = $1 and v.station_id = $2",
        operatorId,
        request.params.stationId,
      );
      where.add("lower(v.component) = lower(?)", query.component);
      where.add("lower(v.variable) = lower(?)", query.variable);
      where.add('v.variable_key > ? collate "C"', readCursor(query, 1)?.[0]);
      const { rows } = await db.query<VariableRow>(
        `select v.* from station_variable v where ${where.sql}
         order by v.variable_key limit ${(query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, query, (r) => [r.variable_key], toVariable);
    },
  );
}

function eventRoutes(app: App, { requireActor }: Context): void {
  type Query = { limit?: number; cursor?: string; kind?: string; siteId?: string };

  const ORDER = "order by e.at desc, e.seq desc, e.idx desc, e.journal_id desc limit";

  async function listEvents({ operatorId, db }: Actor, query: Query, stationId?: string) {
    const limit = (query.limit ?? 50) + 1;
    const where = conditions("e.operator_id = $1", operatorId);
    where.add("e.station_id = ?", stationId);
    where.add("e.kind = ?", query.kind);
    const after = readCursor(query, 4);
    where.add(
      "(e.at, e.seq, e.idx, e.journal_id) < (?::timestamptz, ?::bigint, ?::int, ?::uuid)",
      ...(after ?? [undefined]),
    );
    const all = `station_event e join station s using (station_id) where ${where.sql}`;
    // The latest of each station: a quiet site among busy ones would be looked for among all events.
    const ofSite = `station s cross join lateral (
        select * from station_event e where e.station_id = s.station_id and ${where.sql} ${ORDER} ${limit}
      ) e where s.operator_id = $1 and s.site_id = $${where.params.length + 1}`;
    const { siteId } = query;
    const { rows } = await db.query<EventRow>(
      `select e.*, ${zeroMs("e")}, s.site_id from ${siteId === undefined ? all : ofSite} ${ORDER} ${limit}`,
      siteId === undefined ? where.params : [...where.params, siteId],
    );
    const keyOf = (r: EventRow) => [isoOf(r.at), String(r.seq), String(r.idx), r.journal_id];
    return toPage(rows, query, keyOf, toEvent);
  }

  app.get(
    "/v1/stations/:stationId/events",
    {
      schema: {
        operationId: "listStationEvents",
        ...needs("stations:read"),
        tags: ["stations"],
        description: "What happened at the station besides charging, newest first.",
        params: StationParams,
        querystring: Type.Object({ ...PageQuery, kind: EventKind }),
        response: { 200: PageOf("StationEvent") },
      },
    },
    async (request) => listEvents(await requireActor(request), request.query, request.params.stationId),
  );

  app.get(
    "/v1/station-events",
    {
      schema: {
        operationId: "listEvents",
        ...needs("stations:read"),
        tags: ["stations"],
        description: "Of all stations, newest first.",
        querystring: Type.Object({ ...PageQuery, kind: EventKind, siteId: Type.Optional(Type.String()) }),
        response: { 200: PageOf("StationEvent") },
      },
    },
    async (request) => listEvents(await requireActor(request), request.query),
  );
}

function certificateRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/certificate-requests",
    {
      schema: {
        operationId: "listCertificateRequests",
        ...needs("stations:read"),
        tags: ["stations"],
        description:
          "Certificates that stations want, newest first. The answer is a CertificateSigned command.",
        querystring: Type.Object({
          ...PageQuery,
          state: Type.Optional(OneOf(["open", "answered"])),
          siteId: Type.Optional(Type.String()),
          stationId: Type.Optional(Type.String()),
        }),
        response: { 200: PageOf("CertificateRequest") },
      },
    },
    async (request) => {
      const { operatorId, db } = await requireActor(request);
      const { query } = request;
      const where = conditions("r.operator_id = $1", operatorId);
      where.add("s.site_id = ?", query.siteId);
      where.add("r.station_id = ?", query.stationId);
      where.add("(a.at is not null) = ?", query.state === undefined ? undefined : query.state === "answered");
      const after = readCursor(query, 3);
      where.add(
        "(r.at, r.seq, r.journal_id) < (?::timestamptz, ?::bigint, ?::uuid)",
        ...(after ?? [undefined]),
      );
      const { rows } = await db.query<CertificateRow>(
        `${CERTIFICATES} where ${where.sql}
         order by r.at desc, r.seq desc, r.journal_id desc limit ${(query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, query, (r) => [isoOf(r.at), String(r.seq), r.journal_id], toCertificateRequest);
    },
  );
}
