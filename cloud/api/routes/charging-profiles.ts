/**
 * Charging profiles: ours, made by SetChargingProfile, whoever orders it; and beside them those that a station
 * reports, whoever has set them.
 */
import { Type } from "typebox";
import type { Client, Queryable } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { UUID } from "../command-objects.ts";
import type { ChargingProfile, NewChargingProfile, ReportedChargingProfile } from "../control-schemas.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { takeOwnId } from "../own-ids.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";
import { insertCommand } from "./commands.ts";

const PATH = "/v1/stations/:stationId/charging-profiles";
const StationParams = Type.Object({ stationId: Type.String() });
const OneParams = Type.Object({
  stationId: Type.String(),
  profileId: Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
});
const IdempotencyKey = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

type Row = {
  profile_id: number;
  operator_id: string;
  site_id: string;
  station_id: string;
  evse_id: number;
  purpose: string;
  stack_level: number;
  transaction_id: string | null;
  profile: Record<string, unknown>;
  state: ChargingProfile["state"];
  reason: string | null;
  command_id: string;
  clear_command_id: string | null;
  issued_by: string;
  created_at: Date;
  updated_at: Date;
};

const toProfile = (r: Row): ChargingProfile => ({
  profileId: r.profile_id,
  operatorId: r.operator_id,
  siteId: r.site_id,
  stationId: r.station_id,
  evseId: r.evse_id,
  purpose: r.purpose,
  stackLevel: r.stack_level,
  transactionId: r.transaction_id,
  chargingProfile: r.profile,
  state: r.state,
  reason: r.reason,
  commandId: r.command_id,
  clearCommandId: r.clear_command_id,
  issuedBy: r.issued_by,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/** @throws ApiProblem 404. */
async function readProfile(
  db: Queryable,
  actor: Actor,
  stationId: string,
  profileId: number,
): Promise<ChargingProfile> {
  const { rows } = await db.query<Row>(
    `select p.* from charging_profile_state p
     where p.operator_id = $1 and p.station_id = $2 and p.profile_id = $3`,
    [actor.operatorId, stationId, profileId],
  );
  if (rows[0] === undefined) throw notFound("charging profile", String(profileId));
  return toProfile(rows[0]);
}

/**
 * A TxProfile is for a transaction of ours that runs at this station.
 * @throws ApiProblem 400 TRANSACTION_REQUIRED, UNKNOWN_TRANSACTION.
 */
async function checkTransaction(
  client: Client,
  stationId: string,
  { chargingProfile: profile }: NewChargingProfile,
): Promise<void> {
  if (profile["chargingProfilePurpose"] !== "TxProfile") return;
  const { transactionId } = profile;
  if (typeof transactionId !== "string")
    throw new ApiProblem(
      400,
      "TRANSACTION_REQUIRED",
      "a TxProfile is for a transaction: tell its transactionId",
    );
  const { rows } = UUID.test(transactionId)
    ? await client.query(
        "select from transaction where transaction_id = $1 and station_id = $2 and running",
        [transactionId, stationId],
      )
    : { rows: [] };
  if (rows.length > 0) return;
  const detail = `no transaction "${transactionId}" runs at the station`;
  throw new ApiProblem(400, "UNKNOWN_TRANSACTION", detail);
}

async function order(
  client: Client,
  actor: Actor,
  stationId: string,
  profileId: number,
  { evseId, chargingProfile }: NewChargingProfile,
): Promise<ChargingProfile> {
  const params = { evseId, chargingProfile: { ...chargingProfile, id: profileId } };
  await insertCommand(client, actor, stationId, { kind: "SetChargingProfile", params }, { at: "/body" });
  await checkTransaction(client, stationId, { evseId, chargingProfile });
  return readProfile(client, actor, stationId, profileId);
}

function writeRoutes(app: App, { requireActor }: Context): void {
  app.post(
    PATH,
    {
      schema: {
        operationId: "createChargingProfile",
        ...needs("commands:send"),
        tags: ["chargingProfiles"],
        description: "Ordered, not yet set: follow its `state`, or its command. Send an Idempotency-Key.",
        params: StationParams,
        headers: IdempotencyKey,
        body: Type.Ref("NewChargingProfile"),
        response: { 201: Type.Ref("ChargingProfile") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { stationId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const id = await takeOwnId(client, "profile");
        const profile = await order(client, actor, stationId, id, request.body as NewChargingProfile);
        await audit(client, actor, request, "chargingProfile.create", stationId, profile);
        return { status: 201, body: profile };
      });
      const made = body as ChargingProfile;
      const path = `/v1/stations/${encodeURIComponent(stationId)}/charging-profiles/${made.profileId}`;
      return reply.code(201).header("Location", path).send(made);
    },
  );

  app.put(
    `${PATH}/:profileId`,
    {
      schema: {
        operationId: "replaceChargingProfile",
        ...needs("commands:send"),
        tags: ["chargingProfiles"],
        description: "Another profile under the same id takes its place in the station.",
        params: OneParams,
        headers: IdempotencyKey,
        body: Type.Ref("NewChargingProfile"),
        response: { 200: Type.Ref("ChargingProfile") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { stationId, profileId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await readProfile(client, actor, stationId, profileId);
        const profile = await order(client, actor, stationId, profileId, request.body as NewChargingProfile);
        await audit(client, actor, request, "chargingProfile.replace", stationId, profile);
        return { status: 200, body: profile };
      });
      return body as ChargingProfile;
    },
  );

  app.delete(
    `${PATH}/:profileId`,
    {
      schema: {
        operationId: "clearChargingProfile",
        ...needs("commands:send"),
        tags: ["chargingProfiles"],
        description: "Ordered, not yet done: follow its `state`, or its clearCommandId.",
        params: OneParams,
        headers: IdempotencyKey,
        response: { 202: Type.Ref("ChargingProfile") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { stationId, profileId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await readProfile(client, actor, stationId, profileId);
        const params = { chargingProfileId: profileId };
        await insertCommand(client, actor, stationId, { kind: "ClearChargingProfile", params });
        await audit(client, actor, request, "chargingProfile.clear", stationId, params);
        return { status: 202, body: await readProfile(client, actor, stationId, profileId) };
      });
      return reply.code(202).send(body as ChargingProfile);
    },
  );
}

type ReportRow = {
  at: Date;
  payload: { evseId?: number; chargingLimitSource?: string; chargingProfile?: Record<string, unknown>[] };
};

/**
 * The parts of the last report of each EVSE: ids of requests are used again, so that a part from before the last
 * call under its id is of an older one. A station that says afterwards that it has none at all has none.
 * $1 operator, $2 station.
 */
const REPORTED = `
  with part as (
    select r.at, r.request_id, r.payload, r.seq, (r.payload->>'evseId') as evse,
      first_value(r.request_id) over last as last_request, first_value(r.at) over last as last_at
    from station_report r where r.operator_id = $1 and r.station_id = $2 and r.of = 'profiles'
    window last as (partition by r.payload->>'evseId' order by r.at desc, r.seq desc)
  )
  select p.at, p.payload from part p
  where p.request_id is not distinct from p.last_request and not exists (
    select from command c where c.station_id = $2 and c.request_id = p.request_id
      and c.accepted_at > p.at and c.accepted_at <= p.last_at
  ) and not exists (
    select from command c where c.station_id = $2 and c.kind = 'GetChargingProfiles'
      and c.response->>'status' = 'NoProfiles' and c.finished_at > p.at
      and coalesce(c.params->>'evseId', p.evse) = p.evse
      and coalesce(c.params->>'chargingProfile', '{}') = '{}')
  order by p.at, p.seq`;

function reportRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/stations/:stationId/reported-charging-profiles",
    {
      schema: {
        operationId: "listReportedChargingProfiles",
        ...needs("stations:read"),
        tags: ["chargingProfiles"],
        description: "What the station last said that it has (command GetChargingProfiles; OCPP 2.x).",
        params: StationParams,
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("ReportedChargingProfile")) }) },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { stationId } = request.params;
      const { rows } = await actor.db.query<ReportRow>(REPORTED, [actor.operatorId, stationId]);
      const items = rows.flatMap(({ at, payload }): ReportedChargingProfile[] =>
        (payload.chargingProfile ?? []).map((chargingProfile) => ({
          ...{ stationId, evseId: payload.evseId ?? 0, source: payload.chargingLimitSource ?? "" },
          ...{ chargingProfile, reportedAt: isoOf(at) },
        })),
      );
      return { items };
    },
  );
}

export function chargingProfileRoutes(app: App, context: Context): void {
  const { requireActor } = context;
  writeRoutes(app, context);
  reportRoute(app, context);

  app.get(
    PATH,
    {
      schema: {
        operationId: "listChargingProfiles",
        ...needs("stations:read"),
        tags: ["chargingProfiles"],
        params: StationParams,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("ChargingProfile") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions(
        "p.operator_id = $1 and p.station_id = $2",
        actor.operatorId,
        request.params.stationId,
      );
      where.add("p.profile_id > ?::int", readCursor(request.query, 1)?.[0]);
      const { rows } = await actor.db.query<Row>(
        `select p.* from charging_profile_state p where ${where.sql}
         order by p.profile_id limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [String(r.profile_id)], toProfile);
    },
  );

  app.get(
    `${PATH}/:profileId`,
    {
      schema: {
        operationId: "getChargingProfile",
        ...needs("stations:read"),
        tags: ["chargingProfiles"],
        params: OneParams,
        response: { 200: Type.Ref("ChargingProfile") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readProfile(actor.db, actor, request.params.stationId, request.params.profileId);
    },
  );
}
