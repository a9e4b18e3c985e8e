/** idTokens: who may charge. Every change becomes a new policy version for the operator's sites. */
import { Type } from "typebox";
import { POLICY_TOKENS_MAX } from "../../../shared/policy.ts";
import { OneOf } from "../../../shared/schema.ts";
import { changeOf } from "../../core/audit.ts";
import type { TokenRow as TokenTerms } from "../../core/policy.ts";
import type { IdTokenGroup } from "../driver-schemas.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { IdTokenPatch, IdTokenView, NewIdToken } from "../rule-schemas.ts";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { bumpPolicy } from "../policy-version.ts";
import { audit, writeOnce } from "../write.ts";

/** What the rule knows of a token, and what it is to people. */
export type TokenRow = TokenTerms & {
  operator_id: string;
  type: string | null;
  label: string | null;
  driver_id: string | null;
  created_at: Date;
  updated_at: Date;
};

export const toToken = (r: TokenRow): IdTokenView => ({
  idToken: r.id_token,
  operatorId: r.operator_id,
  type: r.type,
  status: r.status,
  label: r.label,
  groupId: r.group_id,
  master: r.master,
  expiresAt: iso(r.expires_at),
  siteIds: r.site_ids,
  stationIds: r.station_ids,
  trusted: r.trusted,
  maxConcurrent: r.max_concurrent,
  maxEnergyWh: r.max_energy_wh,
  driverId: r.driver_id,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/** Fields of a new token or a patch, and the columns they are kept in. */
const COLUMNS = [
  ["type", "type"],
  ["status", "status"],
  ["label", "label"],
  ["groupId", "group_id"],
  ["master", "master"],
  ["expiresAt", "expires_at"],
  ["siteIds", "site_ids"],
  ["stationIds", "station_ids"],
  ["trusted", "trusted"],
  ["maxConcurrent", "max_concurrent"],
  ["maxEnergyWh", "max_energy_wh"],
] as const satisfies readonly (readonly [keyof NewIdToken | keyof IdTokenPatch, string])[];

/** Column and value of every field that the body tells. */
const told = (body: NewIdToken | IdTokenPatch): [string, unknown][] =>
  COLUMNS.flatMap(([field, column]) =>
    Object.hasOwn(body, field) ? [[column, (body as Record<string, unknown>)[field] ?? null]] : [],
  );

/**
 * A scope that names what does not exist would lock its token out without a word.
 * @throws ApiProblem 400 UNKNOWN_SITE, UNKNOWN_STATION.
 */
async function checkScope(client: Client, actor: Actor, body: NewIdToken | IdTokenPatch): Promise<void> {
  const missing = async (table: "site" | "station", ids: readonly string[] | null | undefined) => {
    if (ids === undefined || ids === null || ids.length === 0) return undefined;
    const { rows } = await client.query<{ id: string }>(
      `select id from unnest($2::text[]) id where not exists (
         select from ${table} x where x.operator_id = $1 and x.${table}_id = id) limit 1`,
      [actor.operatorId, ids],
    );
    return rows[0]?.id;
  };
  const site = await missing("site", body.siteIds);
  if (site !== undefined) throw new ApiProblem(400, "UNKNOWN_SITE", `there is no site "${site}"`);
  const station = await missing("station", body.stationIds);
  if (station !== undefined) throw new ApiProblem(400, "UNKNOWN_STATION", `there is no station "${station}"`);
}

/** @throws ApiProblem 409 when a policy cannot hold one more, or the token exists. */
async function insertToken(client: Client, actor: Actor, body: NewIdToken): Promise<TokenRow> {
  await checkScope(client, actor, body);
  const { rows: counted } = await client.query<{ count: number }>(
    "select count(*)::int as count from id_token where operator_id = $1",
    [actor.operatorId],
  );
  if ((counted[0]?.count ?? 0) >= POLICY_TOKENS_MAX) {
    throw new ApiProblem(409, "TOO_MANY_ID_TOKENS", `an operator has at most ${POLICY_TOKENS_MAX} idTokens`);
  }
  const fields: [string, unknown][] = [
    ["operator_id", actor.operatorId],
    ["id_token", body.idToken],
    ...told(body),
  ];
  const { rows } = await client.query<TokenRow>(
    `insert into id_token (${fields.map(([column]) => column).join(", ")})
     values (${fields.map((_, index) => `$${index + 1}`).join(", ")}) on conflict do nothing returning *`,
    fields.map(([, value]) => value),
  );
  if (rows[0] !== undefined) return rows[0];
  throw new ApiProblem(409, "ID_TOKEN_EXISTS", `the idToken "${body.idToken}" exists; change it with PATCH`);
}

/** @throws ApiProblem 404. */
async function patchToken(
  client: Client,
  actor: Actor,
  idToken: string,
  patch: IdTokenPatch,
): Promise<{ before: TokenRow; after: TokenRow }> {
  await checkScope(client, actor, patch);
  const { rows: found } = await client.query<TokenRow>(
    "select * from id_token where operator_id = $1 and token_key = lower($2) for update",
    [actor.operatorId, idToken],
  );
  const fields = told(patch);
  const changes = ["updated_at = now()", ...fields.map(([column], index) => `${column} = $${index + 3}`)];
  const { rows } = await client.query<TokenRow>(
    `update id_token set ${changes.join(", ")}
     where operator_id = $1 and token_key = lower($2) returning *`,
    [actor.operatorId, idToken, ...fields.map(([, value]) => value)],
  );
  const [[before], [after]] = [found, rows];
  if (before === undefined || after === undefined) throw notFound("idToken", idToken);
  return { before, after };
}

function groupRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/id-token-groups",
    {
      schema: {
        operationId: "listIdTokenGroups",
        ...needs("id-tokens:read"),
        tags: ["idTokens"],
        description:
          "Groups are named by their tokens: whoever is in one may stop what another of it has started.",
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("IdTokenGroup") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("t.operator_id = $1 and t.group_id is not null", actor.operatorId);
      where.add("t.group_id > ?", readCursor(request.query, 1)?.[0]);
      const { rows } = await actor.db.query<IdTokenGroup>(
        `select t.group_id as "groupId", count(*)::int as "tokenCount",
           count(*) filter (where t.status = 'Blocked')::int as "blockedCount",
           count(distinct t.driver_id)::int as "driverCount"
         from id_token t where ${where.sql} group by t.group_id order by t.group_id
         limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(
        rows,
        request.query,
        (group) => [group.groupId],
        (group) => group,
      );
    },
  );
}

export function idTokenRoutes(app: App, context: Context): void {
  const { requireActor } = context;
  groupRoute(app, context);
  const TokenParams = Type.Object({ idToken: Type.String({ maxLength: 36 }) });

  app.get(
    "/v1/id-tokens",
    {
      schema: {
        operationId: "listIdTokens",
        ...needs("id-tokens:read"),
        tags: ["idTokens"],
        description: "`q` looks for a part of the idToken or its label.",
        querystring: Type.Object({
          ...PageQuery,
          q: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
          status: Type.Optional(OneOf(["Accepted", "Blocked"])),
          groupId: Type.Optional(Type.String({ maxLength: 36 })),
          driverId: Type.Optional(Type.String({ format: "uuid" })),
        }),
        response: { 200: PageOf("IdToken") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("t.operator_id = $1", actor.operatorId);
      const { q, status, groupId, driverId } = request.query;
      where.add("(position(lower(?) in t.token_key) > 0 or position(lower(?) in lower(t.label)) > 0)", q, q);
      where.add("t.status = ?", status);
      where.add("t.group_id = ?", groupId);
      where.add("t.driver_id = ?", driverId);
      where.add("t.id_token > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const sql = `select t.* from id_token t where ${where.sql} order by t.id_token limit ${limit}`;
      const { rows } = await actor.db.query<TokenRow>(sql, where.params);
      return toPage(rows, request.query, (r) => [r.id_token], toToken);
    },
  );

  app.get(
    "/v1/id-tokens/:idToken",
    {
      schema: {
        operationId: "getIdToken",
        ...needs("id-tokens:read"),
        tags: ["idTokens"],
        params: TokenParams,
        response: { 200: Type.Ref("IdToken") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { rows } = await actor.db.query<TokenRow>(
        "select * from id_token where operator_id = $1 and token_key = lower($2)",
        [actor.operatorId, request.params.idToken],
      );
      if (rows[0] === undefined) throw notFound("idToken", request.params.idToken);
      return toToken(rows[0]);
    },
  );

  app.post(
    "/v1/id-tokens",
    {
      schema: {
        operationId: "createIdToken",
        ...needs("id-tokens:write"),
        tags: ["idTokens"],
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewIdToken"),
        response: { 201: Type.Ref("IdToken") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewIdToken;
      const { body: token } = await writeOnce(actor, request, async (client) => {
        const row = await insertToken(client, actor, body);
        await bumpPolicy(client, actor.operatorId);
        await audit(client, actor, request, "idToken.create", body.idToken, body);
        return { status: 201, body: toToken(row) };
      });
      const view = token as IdTokenView;
      const location = `/v1/id-tokens/${encodeURIComponent(view.idToken)}`;
      return reply.code(201).header("Location", location).send(view);
    },
  );

  app.patch(
    "/v1/id-tokens/:idToken",
    {
      schema: {
        operationId: "updateIdToken",
        ...needs("id-tokens:write"),
        tags: ["idTokens"],
        description: 'Merge patch: fields that are absent stay. `{"status":"Blocked"}` blocks.',
        params: TokenParams,
        body: Type.Ref("IdTokenPatch"),
        response: { 200: Type.Ref("IdToken") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const patch = request.body as IdTokenPatch;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { before, after } = await patchToken(client, actor, request.params.idToken, patch);
        await bumpPolicy(client, actor.operatorId);
        const change = changeOf(toToken(before), toToken(after));
        await audit(client, actor, request, "idToken.update", before.id_token, change);
        return { status: 200, body: toToken(after) };
      });
      return body as IdTokenView;
    },
  );
}
