/** idTokens: who may charge. Every change becomes a new policy version for the operator's sites. */
import { Type } from "typebox";
import { ApiProblem, notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { IdTokenPatch, IdTokenView, NewIdToken } from "../schemas.ts";
import type { Client } from "../../db/pool.ts";
import type { App, Context } from "../app.ts";
import { audit, writeOnce } from "../write.ts";

type TokenRow = {
  id_token: string;
  operator_id: string;
  type: string | null;
  status: IdTokenView["status"];
  label: string | null;
  group_id: string | null;
  master: boolean;
  expires_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

const toToken = (r: TokenRow): IdTokenView => ({
  idToken: r.id_token,
  operatorId: r.operator_id,
  type: r.type,
  status: r.status,
  label: r.label,
  groupId: r.group_id,
  master: r.master,
  expiresAt: iso(r.expires_at),
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/**
 * The rules changed: every site of the operator gets a new policy version, and its ER hears of it at once.
 * Versions grow with the time, so that a database restored from a backup never gives other rules a version
 * that an ER already has.
 */
export async function bumpPolicy(client: Client, operatorId: string): Promise<void> {
  await client.query(
    `update site set policy_version =
       greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
     where operator_id = $1`,
    [operatorId],
  );
  await client.query("select pg_notify('sg_policy', $1)", [operatorId]);
}

export function idTokenRoutes(app: App, { pool, requireActor }: Context): void {
  const TokenParams = Type.Object({ idToken: Type.String({ maxLength: 36 }) });

  app.get(
    "/v1/id-tokens",
    {
      schema: {
        operationId: "listIdTokens",
        tags: ["idTokens"],
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("IdToken") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("t.operator_id = $1", actor.operatorId);
      where.add("t.id_token > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const sql = `select t.* from id_token t where ${where.sql} order by t.id_token limit ${limit}`;
      const { rows } = await pool.query<TokenRow>(sql, where.params);
      return toPage(rows, request.query, (r) => [r.id_token], toToken);
    },
  );

  app.get(
    "/v1/id-tokens/:idToken",
    {
      schema: {
        operationId: "getIdToken",
        tags: ["idTokens"],
        params: TokenParams,
        response: { 200: Type.Ref("IdToken") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { rows } = await pool.query<TokenRow>(
        "select * from id_token where operator_id = $1 and lower(id_token) = lower($2)",
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
        tags: ["idTokens"],
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewIdToken"),
        response: { 201: Type.Ref("IdToken") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewIdToken;
      const { body: token } = await writeOnce(pool, actor, request, async (client) => {
        const { rows } = await client.query<TokenRow>(
          `insert into id_token (operator_id, id_token, type, label, group_id, master, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning *`,
          [
            actor.operatorId,
            body.idToken,
            body.type ?? null,
            body.label ?? null,
            body.groupId ?? null,
            body.master ?? false,
            body.expiresAt ?? null,
          ],
        );
        if (rows[0] === undefined) {
          throw new ApiProblem(
            409,
            "ID_TOKEN_EXISTS",
            `the idToken "${body.idToken}" exists; change it with PATCH`,
          );
        }
        await bumpPolicy(client, actor.operatorId);
        await audit(client, actor, request, "idToken.create", body.idToken, body);
        return { status: 201, body: toToken(rows[0]) };
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
      const { body } = await writeOnce(pool, actor, request, async (client) => {
        const has = (key: keyof IdTokenPatch) => Object.hasOwn(patch, key);
        const { rows } = await client.query<TokenRow>(
          `update id_token set status = coalesce($3, status), label = case when $4 then $5 else label end,
             group_id = case when $6 then $7 else group_id end, master = coalesce($8, master),
             expires_at = case when $9 then $10::timestamptz else expires_at end, updated_at = now()
           where operator_id = $1 and lower(id_token) = lower($2) returning *`,
          [
            actor.operatorId,
            request.params.idToken,
            patch.status ?? null,
            has("label"),
            patch.label ?? null,
            has("groupId"),
            patch.groupId ?? null,
            patch.master ?? null,
            has("expiresAt"),
            patch.expiresAt ?? null,
          ],
        );
        if (rows[0] === undefined) throw notFound("idToken", request.params.idToken);
        await bumpPolicy(client, actor.operatorId);
        await audit(client, actor, request, "idToken.update", request.params.idToken, patch);
        return { status: 200, body: toToken(rows[0]) };
      });
      return body as IdTokenView;
    },
  );
}
