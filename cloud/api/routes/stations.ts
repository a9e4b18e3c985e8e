/** Stations, their connectors and what they say: the raw OCPP timeline. */
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { correctionMs } from "../../core/time.ts";
import { countDrift } from "../configuration-view.ts";
import { notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Connector, Message, Station } from "../schemas.ts";
import type { Queryable } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ER_ONLINE } from "./sites.ts";

const CONNECTOR_COLUMNS = `c.station_id, c.evse_id, c.connector_id, c.status, c.detail, c.error_code, c.status_at,
  t.transaction_id, t.power_w`;
/** The newest open transaction of an EVSE is the one that runs. */
const CONNECTORS = `
  from connector c join station s using (station_id)
  left join lateral (
    select t.transaction_id, t.power_w from transaction t
    where t.station_id = c.station_id and t.evse_id = c.evse_id and t.running
      and (t.connector_id is null or t.connector_id = c.connector_id)
    order by t.started_at desc limit 1
  ) t on true`;

type ConnectorRow = {
  station_id: string;
  evse_id: number;
  connector_id: number;
  status: Connector["status"];
  detail: string | null;
  error_code: string | null;
  status_at: Date | string | null;
  transaction_id: string | null;
  power_w: number | null;
};

const toConnector = (r: ConnectorRow): Connector => ({
  stationId: r.station_id,
  evseId: r.evse_id,
  connectorId: r.connector_id,
  status: r.status,
  detail: r.detail,
  errorCode: r.error_code,
  statusAt: r.status_at === null ? null : new Date(r.status_at).toISOString(),
  transactionId: r.transaction_id,
  powerW: r.power_w,
});

const LAST_STATUS = "select e.type, e.at from station_event e where e.station_id = s.station_id";
const LATEST = "order by e.at desc, e.seq desc limit 1";
const STATIONS = `
  select s.*, s.online and ${ER_ONLINE} as is_online, coalesce(k.connectors, '[]') as connectors,
    firmware.type as firmware_status, firmware.at as firmware_status_at, log.type as log_status, log.at as log_status_at
  from station s join er e using (er_id)
  left join lateral (${LAST_STATUS} and e.kind = 'firmware-status' ${LATEST}) firmware on true
  left join lateral (${LAST_STATUS} and e.kind = 'log-status' ${LATEST}) log on true
  left join lateral (
    select json_agg(x order by x.evse_id, x.connector_id) as connectors
    from (select ${CONNECTOR_COLUMNS} ${CONNECTORS.replace("join station s using (station_id)", "")}
          where c.station_id = s.station_id and c.evse_id > 0) x
  ) k on true`;

type StationRow = {
  station_id: string;
  site_id: string;
  er_id: string;
  operator_id: string;
  is_online: boolean;
  online_changed_at: Date | null;
  last_message_at: Date | null;
  protocol: string | null;
  vendor: string | null;
  model: string | null;
  serial_number: string | null;
  firmware_version: string | null;
  booted_at: Date | null;
  clock_skew_ms: number | null;
  firmware_status: string | null;
  firmware_status_at: Date | null;
  log_status: string | null;
  log_status_at: Date | null;
  identity: string;
  registration: Station["registration"];
  registration_told: string | null;
  retry_interval_s: number | null;
  connectors: ConnectorRow[];
};

const toStation = (r: StationRow, drift: ReadonlyMap<string, number>): Station => ({
  stationId: r.station_id,
  identity: r.identity,
  siteId: r.site_id,
  erId: r.er_id,
  operatorId: r.operator_id,
  online: r.is_online,
  onlineChangedAt: iso(r.online_changed_at),
  lastMessageAt: iso(r.last_message_at),
  protocol: r.protocol,
  vendor: r.vendor,
  model: r.model,
  serialNumber: r.serial_number,
  firmwareVersion: r.firmware_version,
  bootedAt: iso(r.booted_at),
  clockSkewMs: r.clock_skew_ms,
  firmwareStatus: r.firmware_status,
  firmwareStatusAt: iso(r.firmware_status_at),
  logStatus: r.log_status,
  logStatusAt: iso(r.log_status_at),
  registration: r.registration,
  registrationTold: r.registration_told,
  retryIntervalS: r.retry_interval_s,
  configurationDrift: drift.get(r.station_id) ?? 0,
  connectors: r.connectors.map(toConnector),
});

type MessageRow = {
  at: Date;
  seq: number;
  journal_id: string;
  kind: Message["kind"];
  protocol: string | null;
  action: string | null;
  request: string | null;
  response: string | null;
  reason: string | null;
  transaction_id: string | null;
  command_id: string | null;
  cause: string | null;
  up_ms: number | null;
  zero_ms: number | null;
  flags: string[] | null;
};

const DIRECTION: Record<string, Message["direction"]> = {
  "ocpp.handled": "in",
  "ocpp.rejected": "in",
  "ocpp.called": "out",
};

/** The time on the ER's clock, corrected where it was learned since that it was wrong. */
function toMessage(r: MessageRow): Message {
  const { at } = r;
  const correction = correctionMs({ at: at.getTime(), upMs: r.up_ms, zeroMs: r.zero_ms });
  return {
    messageId: `${r.journal_id}.${r.seq}`,
    at: isoOf(new Date(at.getTime() + correction)),
    atRaw: correction === 0 ? null : isoOf(at),
    kind: r.kind,
    direction: DIRECTION[r.kind] ?? "none",
    protocol: r.protocol,
    action: r.action,
    request: r.request,
    response: r.response,
    reason: r.reason,
    cause: r.cause,
    transactionId: r.transaction_id,
    commandId: r.command_id,
    flags: r.flags ?? [],
  };
}

/** @throws ApiProblem 404. */
export async function readStation(db: Queryable, actor: Actor, stationId: string): Promise<Station> {
  const { rows } = await db.query<StationRow>(`${STATIONS} where s.operator_id = $1 and s.station_id = $2`, [
    actor.operatorId,
    stationId,
  ]);
  if (rows[0] === undefined) throw notFound("station", stationId);
  return toStation(rows[0], await countDrift(db, actor.operatorId, rows));
}

export function stationRoutes(app: App, { requireActor }: Context): void {
  const StationParams = Type.Object({ stationId: Type.String() });

  app.get(
    "/v1/stations",
    {
      schema: {
        operationId: "listStations",
        ...needs("stations:read"),
        tags: ["stations"],
        querystring: Type.Object({ ...PageQuery, siteId: Type.Optional(Type.String()) }),
        response: { 200: PageOf("Station") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("s.operator_id = $1", actor.operatorId);
      where.add("s.site_id = ?", request.query.siteId);
      where.add("s.station_id > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const sql = `${STATIONS} where ${where.sql} order by s.station_id limit ${limit}`;
      const { rows } = await actor.db.query<StationRow>(sql, where.params);
      const drift = await countDrift(actor.db, actor.operatorId, rows);
      return toPage(
        rows,
        request.query,
        (r) => [r.station_id],
        (r) => toStation(r, drift),
      );
    },
  );

  app.get(
    "/v1/stations/:stationId",
    {
      schema: {
        operationId: "getStation",
        ...needs("stations:read"),
        tags: ["stations"],
        params: StationParams,
        response: { 200: Type.Ref("Station") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readStation(actor.db, actor, request.params.stationId);
    },
  );

  app.get(
    "/v1/connectors",
    {
      schema: {
        operationId: "listConnectors",
        ...needs("stations:read"),
        tags: ["stations"],
        querystring: Type.Object({
          ...PageQuery,
          siteId: Type.Optional(Type.String()),
          stationId: Type.Optional(Type.String()),
          status: Type.Optional(OneOf(["Available", "Occupied", "Reserved", "Unavailable", "Faulted"])),
        }),
        response: { 200: PageOf("Connector") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { siteId, stationId, status } = request.query;
      const where = conditions("c.operator_id = $1 and c.evse_id > 0", actor.operatorId);
      where.add("s.site_id = ?", siteId);
      where.add("c.station_id = ?", stationId);
      where.add("c.status = ?", status);
      const after = readCursor(request.query, 3);
      where.add(
        "(c.station_id, c.evse_id, c.connector_id) > (?, ?::int, ?::int)",
        after?.[0],
        after?.[1],
        after?.[2],
      );
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<ConnectorRow>(
        `select ${CONNECTOR_COLUMNS} ${CONNECTORS} where ${where.sql}
         order by c.station_id, c.evse_id, c.connector_id limit ${limit}`,
        where.params,
      );
      const keyOf = (r: ConnectorRow) => [r.station_id, String(r.evse_id), String(r.connector_id)];
      return toPage(rows, request.query, keyOf, toConnector);
    },
  );

  app.get(
    "/v1/stations/:stationId/messages",
    {
      schema: {
        operationId: "listMessages",
        ...needs("stations:read"),
        tags: ["stations"],
        description: "What the station said and was told, newest first, frames as they were on the wire.",
        params: StationParams,
        querystring: Type.Object({
          ...PageQuery,
          action: Type.Optional(Type.String({ maxLength: 64 })),
          kind: Type.Optional(Type.String({ maxLength: 32 })),
        }),
        response: { 200: PageOf("Message") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions(
        "m.operator_id = $1 and m.station_id = $2",
        actor.operatorId,
        request.params.stationId,
      );
      where.add("m.action = ?", request.query.action);
      where.add("m.kind = ?", request.query.kind);
      const after = readCursor(request.query, 2);
      where.add("(m.at, m.seq) < (?::timestamptz, ?::bigint)", after?.[0], after?.[1]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<MessageRow>(
        `select m.*, er_zero_ms(m.er_id, m.journal_id, m.seq, m.up_ms) as zero_ms from message m
         where ${where.sql} order by m.at desc, m.seq desc limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [isoOf(r.at), String(r.seq)], toMessage);
    },
  );
}
