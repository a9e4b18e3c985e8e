/** Tariffs and their versions. A new version of one that is assigned is a new policy of the sites. */
import { randomUUID } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { TARIFF_VERSIONS_AHEAD_MAX, TARIFFS_MAX } from "../../../shared/limits.ts";
import { termsProblem, type TariffTerms } from "../../../shared/tariff.ts";
import { changeOf } from "../../core/audit.ts";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { bumpPolicy } from "../policy-version.ts";
import { ApiProblem } from "../problem.ts";
import type { NewTariff, Tariff } from "../tariff-schemas.ts";
import {
  readTariff,
  TARIFFS,
  toTariff,
  toTariffVersion,
  type TariffRow,
  type TariffVersionRow,
} from "../tariff-view.ts";
import { audit, writeOnce } from "../write.ts";

const Params = Type.Object({ tariffId: Type.String({ maxLength: 64 }) });
const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });
const etagOf = ({ version }: Tariff) => `"${version}"`;

/** @throws ApiProblem 400 TARIFF_TERMS. */
export function checkTerms(terms: TariffTerms): void {
  const problem = termsProblem(terms);
  if (problem === undefined) return;
  const { pointer, message } = problem;
  throw new ApiProblem(400, "TARIFF_TERMS", `nobody can charge by these terms: ${pointer} ${message}`, [
    { pointer: `/body/terms${pointer}`, message },
  ]);
}

/** What a clock and the way of a request may take from "now". */
const NOW_TOLERANCE_MS = 60_000;

/**
 * It begins now at the earliest, whatever the clock of the one who asks says: what began before has its price. Now is
 * the database's.
 * @throws ApiProblem 400 VALID_FROM_PAST, VALID_TO_BEFORE_FROM.
 */
async function insertVersion(
  client: Client,
  actor: Actor,
  tariffId: string,
  version: number,
  { validFrom, validTo, terms }: NewTariff,
): Promise<void> {
  if (validFrom !== undefined && Date.parse(validFrom) < Date.now() - NOW_TOLERANCE_MS)
    throw new ApiProblem(400, "VALID_FROM_PAST", "what has begun was priced already: choose a time to come");
  const { rowCount } = await client.query(
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, valid_to, terms, created_by)
     select $1, $2, $3, f.valid_from, $5, $6, $7
     from (select greatest($4::timestamptz, now()) as valid_from) f
     where $5::timestamptz is null or $5::timestamptz > f.valid_from`,
    [tariffId, version, actor.operatorId, validFrom, validTo, JSON.stringify(terms), actor.name],
  );
  if (rowCount === 0)
    throw new ApiProblem(400, "VALID_TO_BEFORE_FROM", "validTo must be later than validFrom");
}

/** @throws ApiProblem 409 TARIFF_EXISTS where another has the name. */
const unlessNameTaken = (name: string) => (error: unknown) => {
  if ((error as { constraint?: string }).constraint !== "tariff_operator_id_name_key_key") throw error;
  throw new ApiProblem(409, "TARIFF_EXISTS", `there is a tariff "${name}" already`);
};

async function createTariff(client: Client, actor: Actor, body: NewTariff): Promise<Tariff> {
  checkTerms(body.terms);
  const { rows } = await client.query<{ count: number }>(
    "select count(*)::int as count from tariff where operator_id = $1",
    [actor.operatorId],
  );
  if ((rows[0]?.count ?? 0) >= TARIFFS_MAX)
    throw new ApiProblem(409, "TOO_MANY_TARIFFS", `an operator has at most ${TARIFFS_MAX} tariffs`);
  const tariffId = randomUUID();
  await client
    .query("insert into tariff (tariff_id, operator_id, name) values ($1, $2, $3)", [
      ...[tariffId, actor.operatorId, body.name],
    ])
    .catch(unlessNameTaken(body.name));
  await insertVersion(client, actor, tariffId, 1, body);
  return readTariff(client, actor.operatorId, tariffId);
}

/** @throws ApiProblem 428, 412. */
function checkMatch(request: FastifyRequest, tariff: Tariff): void {
  const header = request.headers["if-match"];
  if (header === undefined)
    throw new ApiProblem(
      428,
      "IF_MATCH_MISSING",
      "send If-Match with the ETag of the tariff that you have read",
    );
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (tags.includes("*") || tags.includes(etagOf(tariff))) return;
  const detail = `the tariff is at version ${tariff.version} by now: read it again, then decide`;
  throw new ApiProblem(412, "STALE_ETAG", detail);
}

async function publishVersion(
  client: Client,
  actor: Actor,
  request: FastifyRequest,
  tariffId: string,
): Promise<{ before: Tariff; after: Tariff }> {
  const body = request.body as NewTariff;
  checkTerms(body.terms);
  // Two who publish at once take turns, and the second one is told.
  await client.query("select from tariff where operator_id = $1 and tariff_id::text = $2 for update", [
    ...[actor.operatorId, tariffId],
  ]);
  const before = await readTariff(client, actor.operatorId, tariffId);
  checkMatch(request, before);
  if (before.terms.currency !== body.terms.currency)
    throw new ApiProblem(
      400,
      "TARIFF_CURRENCY",
      `its currency is ${before.terms.currency}: make another tariff`,
    );
  const { rows } = await client.query<{ ahead: number }>(
    "select count(*)::int as ahead from tariff_version where tariff_id = $1 and valid_from > now()",
    [before.tariffId],
  );
  if ((rows[0]?.ahead ?? 0) >= TARIFF_VERSIONS_AHEAD_MAX) {
    const detail = `${TARIFF_VERSIONS_AHEAD_MAX} versions wait for their time already`;
    throw new ApiProblem(409, "TOO_MANY_VERSIONS_AHEAD", detail);
  }
  await insertVersion(client, actor, before.tariffId, before.version + 1, body);
  await client
    .query("update tariff set version = $2, name = $3, updated_at = now() where tariff_id = $1", [
      ...[before.tariffId, before.version + 1, body.name],
    ])
    .catch(unlessNameTaken(body.name));
  return { before, after: await readTariff(client, actor.operatorId, tariffId) };
}

export function tariffRoutes(app: App, context: Context): void {
  readRoutes(app, context);
  createRoutes(app, context);
  changeRoutes(app, context);
}

function readRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/tariffs",
    {
      schema: {
        operationId: "listTariffs",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("Tariff") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("t.operator_id = $1", actor.operatorId);
      const after = readCursor(request.query, 2);
      where.add("(t.name_key, t.tariff_id::text) > (?, ?)", after?.[0], after?.[1]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<TariffRow & { name_key: string }>(
        `select x.*, lower(x.name) as name_key from (${TARIFFS} where ${where.sql}
         order by t.name_key, t.tariff_id::text limit ${limit}) x order by lower(x.name), x.tariff_id::text`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.name_key, r.tariff_id], toTariff);
    },
  );

  app.get(
    "/v1/tariffs/:tariffId",
    {
      schema: {
        operationId: "getTariff",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        description: "With its last version. The ETag is what a new version is published on.",
        params: Params,
        response: { 200: Type.Ref("Tariff") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const tariff = await readTariff(actor.db, actor.operatorId, request.params.tariffId);
      return reply.header("ETag", etagOf(tariff)).send(tariff);
    },
  );

  app.get(
    "/v1/tariffs/:tariffId/versions",
    {
      schema: {
        operationId: "listTariffVersions",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        description: "Newest first. At a moment the highest version counts that has begun by then.",
        params: Params,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("TariffVersion") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { tariffId } = await readTariff(actor.db, actor.operatorId, request.params.tariffId);
      const where = conditions("operator_id = $1 and tariff_id = $2", actor.operatorId, tariffId);
      where.add("version < ?::int", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<TariffVersionRow>(
        `select * from tariff_version where ${where.sql} order by version desc limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [String(r.version)], toTariffVersion);
    },
  );
}

const CREATE = `The first version of a tariff. It holds for nobody until it is assigned. Prices are in millionths of
the currency's major unit; of several elements that count at a moment, the first one that names a component prices it.`;

function createRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/tariffs",
    {
      schema: {
        operationId: "createTariff",
        ...needs("tariffs:write"),
        tags: ["tariffs"],
        description: CREATE,
        headers: Once,
        body: Type.Ref("NewTariff"),
        response: { 201: Type.Ref("Tariff") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewTariff;
      const { body: written } = await writeOnce(actor, request, async (client) => {
        const created = await createTariff(client, actor, body);
        await audit(client, actor, request, "tariff.create", created.tariffId, body);
        return { status: 201, body: created };
      });
      const tariff = written as Tariff;
      const location = `/v1/tariffs/${tariff.tariffId}`;
      return reply.code(201).header("Location", location).header("ETag", etagOf(tariff)).send(tariff);
    },
  );
}

function changeRoutes(app: App, { requireActor }: Context): void {
  app.put(
    "/v1/tariffs/:tariffId",
    {
      schema: {
        operationId: "publishTariffVersion",
        ...needs("tariffs:write"),
        tags: ["tariffs"],
        description:
          "Publishes a new version; needs If-Match. Transactions that began before it keep theirs. It takes the " +
          "place of versions that were published before and have not begun.",
        params: Params,
        headers: Type.Object({
          ...Once.properties,
          "if-match": Type.Optional(Type.String({ maxLength: 200 })),
        }),
        body: Type.Ref("NewTariff"),
        response: { 200: Type.Ref("Tariff") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { tariffId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { before, after } = await publishVersion(client, actor, request, tariffId);
        if (after.assignments > 0) await bumpPolicy(client, actor.operatorId);
        await audit(client, actor, request, "tariff.publish", tariffId, changeOf(before, after));
        return { status: 200, body: after };
      });
      const tariff = body as Tariff;
      return reply.header("ETag", etagOf(tariff)).send(tariff);
    },
  );

  app.delete(
    "/v1/tariffs/:tariffId",
    {
      schema: {
        operationId: "deleteTariff",
        ...needs("tariffs:write"),
        tags: ["tariffs"],
        description: "Only one that was never assigned: what has priced something stays to be looked up.",
        params: Params,
        headers: Once,
        response: { 200: Type.Ref("Tariff") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { tariffId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const tariff = await readTariff(client, actor.operatorId, tariffId);
        await client
          .query("delete from tariff where tariff_id = $1", [tariff.tariffId])
          .catch((error: unknown) => {
            if ((error as { code?: string }).code !== "23503") throw error;
            const detail =
              "it was assigned once, and transactions may have been priced by it: unassign it instead";
            throw new ApiProblem(409, "TARIFF_IN_USE", detail);
          });
        await audit(client, actor, request, "tariff.delete", tariffId, null);
        return { status: 200, body: tariff };
      });
      return body as Tariff;
    },
  );
}
