/** For whom tariffs hold, and which one holds at a station. Every change becomes a new policy version. */
import { randomUUID } from "node:crypto";
import { Type } from "typebox";
import { TARIFF_ASSIGNMENTS_MAX } from "../../../shared/limits.ts";
import type { Client } from "../../db/pool.ts";
import { tariffFor } from "../../pricing.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { bumpPolicy } from "../policy-version.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { NewTariffAssignment, TariffAssignment, TariffTarget } from "../tariff-schemas.ts";
import { ASSIGNMENTS, readTariff, toAssignment, type AssignmentRow } from "../tariff-view.ts";
import { audit, writeOnce } from "../write.ts";

const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

type Target = { target: string; siteId: string | null; stationId: string | null; groupId: string | null };

/** @throws ApiProblem 400 TARIFF_TARGET, UNKNOWN_SITE, UNKNOWN_STATION. */
async function targetOf(client: Client, actor: Actor, given: TariffTarget): Promise<Target> {
  const { siteId, stationId, groupId } = given;
  if (Object.values(given).length > 1)
    throw new ApiProblem(
      400,
      "TARIFF_TARGET",
      "a target is one of siteId, stationId, groupId, or none of them",
    );
  const nobody = { siteId: null, stationId: null, groupId: null };
  if (groupId !== undefined) return { ...nobody, target: `group:${groupId}`, groupId };
  if (siteId !== undefined) {
    const found = await client.query("select from site where operator_id = $1 and site_id = $2", [
      ...[actor.operatorId, siteId],
    ]);
    if (found.rowCount === 0) throw new ApiProblem(400, "UNKNOWN_SITE", `there is no site "${siteId}"`);
    return { ...nobody, target: `site:${siteId}`, siteId };
  }
  if (stationId === undefined) return { ...nobody, target: "operator" };
  const { rows } = await client.query<{ site_id: string }>(
    "select site_id from station where operator_id = $1 and station_id = $2",
    [actor.operatorId, stationId],
  );
  if (rows[0] === undefined)
    throw new ApiProblem(400, "UNKNOWN_STATION", `there is no station "${stationId}"`);
  return { ...nobody, target: `station:${stationId}`, siteId: rows[0].site_id, stationId };
}

async function assign(client: Client, actor: Actor, body: NewTariffAssignment): Promise<TariffAssignment> {
  const { operatorId } = actor;
  // One after the other: the bound is of all of them, and a target has one tariff.
  await client.query("select pg_advisory_xact_lock(hashtext('sg.tariffs'), hashtext($1))", [operatorId]);
  const { tariffId } = await readTariff(client, operatorId, body.tariffId);
  const { target, siteId, stationId, groupId } = await targetOf(client, actor, body.target);
  await client.query(
    `update tariff_assignment set assigned_until = now()
     where operator_id = $1 and target = $2 and assigned_until is null`,
    [operatorId, target],
  );
  const { rows: counted } = await client.query<{ count: number }>(
    `select count(*)::int as count from tariff_assignment where operator_id = $1 and assigned_until is null`,
    [operatorId],
  );
  if ((counted[0]?.count ?? 0) >= TARIFF_ASSIGNMENTS_MAX) {
    const detail = `tariffs hold for ${TARIFF_ASSIGNMENTS_MAX} places and groups already: assign to sites`;
    throw new ApiProblem(409, "TOO_MANY_ASSIGNMENTS", detail);
  }
  const assignmentId = randomUUID();
  await client.query(
    `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, site_id, station_id, group_id,
       assigned_from, assigned_by)
     values ($1, $2, $3, $4, $5, $6, $7, now(), $8)`,
    [assignmentId, operatorId, tariffId, target, siteId, stationId, groupId, actor.name],
  );
  const { rows } = await client.query<AssignmentRow>(`${ASSIGNMENTS} where a.assignment_id = $1`, [
    assignmentId,
  ]);
  return toAssignment(rows[0] as AssignmentRow);
}

/** @throws ApiProblem 404. */
async function unassign(client: Client, actor: Actor, assignmentId: string): Promise<TariffAssignment> {
  const { rowCount } = await client.query(
    `update tariff_assignment set assigned_until = now()
     where operator_id = $1 and assignment_id::text = $2 and assigned_until is null`,
    [actor.operatorId, assignmentId],
  );
  if (rowCount === 0) throw notFound("assignment", assignmentId);
  const { rows } = await client.query<AssignmentRow>(`${ASSIGNMENTS} where a.assignment_id::text = $1`, [
    assignmentId,
  ]);
  return toAssignment(rows[0] as AssignmentRow);
}

const ASSIGN = `From now on, transactions that start there are priced by this tariff. A token's group counts before the
station, the station before its site, the site before the operator's default (an empty target). A target has one tariff:
the one before ends.`;

export function tariffAssignmentRoutes(app: App, context: Context): void {
  readRoutes(app, context);
  writeRoutes(app, context);
}

function readRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/tariff-assignments",
    {
      schema: {
        operationId: "listTariffAssignments",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        description: "Newest first; those that hold, or with `ended` those that held.",
        querystring: Type.Object({
          ...PageQuery,
          tariffId: Type.Optional(Type.String({ maxLength: 64 })),
          siteId: Type.Optional(Type.String({ maxLength: 64 })),
          ended: Type.Optional(Type.Boolean({ default: false })),
        }),
        response: { 200: PageOf("TariffAssignment") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { tariffId, siteId, ended = false } = request.query;
      const where = conditions("a.operator_id = $1", actor.operatorId);
      where.add("a.tariff_id::text = ?", tariffId);
      where.add("a.site_id = ?", siteId);
      where.add("(a.assigned_until is not null) = ?", ended);
      const after = readCursor(request.query, 2);
      where.add("(a.assigned_from, a.assignment_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<AssignmentRow & { from_key: string }>(
        `select x.*, x.assigned_from::text as from_key from (${ASSIGNMENTS} where ${where.sql}
           order by a.assigned_from desc, a.assignment_id desc limit ${limit}) x
         order by x.assigned_from desc, x.assignment_id desc`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.from_key, r.assignment_id], toAssignment);
    },
  );

  app.get(
    "/v1/stations/:stationId/tariff",
    {
      schema: {
        operationId: "getStationTariff",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        description: "Which tariff a transaction is priced by that starts at this station now, or did then.",
        params: Type.Object({ stationId: Type.String() }),
        querystring: Type.Object({
          idToken: Type.Optional(Type.String({ minLength: 1, maxLength: 36 })),
          at: Type.Optional(Type.String({ format: "date-time" })),
        }),
        response: { 200: Type.Ref("StationTariff") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { operatorId } = actor;
      const { stationId } = request.params;
      const { idToken, at } = request.query;
      const { rows } = await actor.db.query<{ site_id: string; time_zone: string }>(
        `select s.site_id, x.time_zone from station s join site x on x.site_id = s.site_id
         where s.operator_id = $1 and s.station_id = $2`,
        [operatorId, stationId],
      );
      const [station] = rows;
      if (station === undefined) throw notFound("station", stationId);
      const atMs = at === undefined ? Date.now() : Date.parse(at);
      const place = { operatorId, siteId: station.site_id, stationId, atMs };
      const tariff = await tariffFor(actor.db, { ...place, idToken });
      return { stationId, timeZone: station.time_zone, tariff: tariff ?? null };
    },
  );
}

function writeRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/tariff-assignments",
    {
      schema: {
        operationId: "assignTariff",
        ...needs("tariffs:write"),
        tags: ["tariffs"],
        description: ASSIGN,
        headers: Once,
        body: Type.Ref("NewTariffAssignment"),
        response: { 201: Type.Ref("TariffAssignment") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewTariffAssignment;
      const { body: assignment } = await writeOnce(actor, request, async (client) => {
        const made = await assign(client, actor, body);
        await bumpPolicy(client, actor.operatorId, made.siteId ?? undefined);
        await audit(client, actor, request, "tariff.assign", made.tariffId, made);
        return { status: 201, body: made };
      });
      return reply.code(201).send(assignment as TariffAssignment);
    },
  );

  app.delete(
    "/v1/tariff-assignments/:assignmentId",
    {
      schema: {
        operationId: "unassignTariff",
        ...needs("tariffs:write"),
        tags: ["tariffs"],
        description: "Ends it now. What began before is priced by it all the same.",
        params: Type.Object({ assignmentId: Type.String({ maxLength: 64 }) }),
        headers: Once,
        response: { 200: Type.Ref("TariffAssignment") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { assignmentId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const ended = await unassign(client, actor, assignmentId);
        await bumpPolicy(client, actor.operatorId, ended.siteId ?? undefined);
        await audit(client, actor, request, "tariff.unassign", ended.tariffId, ended);
        return { status: 200, body: ended };
      });
      return body as TariffAssignment;
    },
  );
}
