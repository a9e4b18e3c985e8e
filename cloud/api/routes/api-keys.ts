/**
 * API keys: made by who may do themselves what the key may, shown once, revoked at once (the authenticator
 * hears of it, or forgets a key within half a minute), with the keys and open invitations that were made with it.
 */
import { Type } from "typebox";
import { PERMISSIONS, ROLES, type Role } from "../../core/access.ts";
import type { Client } from "../../db/pool.ts";
import { createApiKey, needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { endGifts } from "../gifts.ts";
import { checkEnd, checkGrant, checkSites } from "../grant.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { ApiKey, NewApiKey } from "../user-schemas.ts";
import { audit, writeOnce } from "../write.ts";

type KeyRow = {
  key_id: string;
  prefix: string;
  name: string;
  role: Role;
  permissions: string[] | null;
  site_ids: string[] | null;
  expires_at: Date | null;
  created_by: string | null;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
};

const toKey = (r: KeyRow): ApiKey => ({
  keyId: r.key_id,
  prefix: r.prefix,
  name: r.name,
  role: r.role,
  permissions: r.permissions,
  siteIds: r.site_ids,
  expiresAt: iso(r.expires_at),
  createdBy: r.created_by,
  createdAt: isoOf(r.created_at),
  lastUsedAt: iso(r.last_used_at),
  revokedAt: iso(r.revoked_at),
});

const SELECT = `select k.key_id, k.prefix, k.name, k.role, k.permissions, k.site_ids, k.expires_at,
  coalesce(u.email, o.name, k.created_by) as created_by, k.created_at, k.last_used_at, k.revoked_at
  from api_key k left join auth_user u on 'user:' || u.id = k.created_by
  left join api_key o on o.operator_id = k.operator_id and 'key:' || o.key_id = k.created_by`;

const KEYS_MAX = 500;

async function oneKey(client: Client, actor: Actor, keyId: string): Promise<KeyRow> {
  const { rows } = await client.query<KeyRow>(`${SELECT} where k.operator_id = $1 and k.key_id::text = $2`, [
    actor.operatorId,
    keyId,
  ]);
  if (rows[0] === undefined) throw notFound("API key", keyId);
  return rows[0];
}

/** @throws ApiProblem 400: a permission that does not exist, or that the role does not have. */
function checkPermissions(role: Role, only: readonly string[] | null): void {
  const unknown = only?.find((permission) => !(PERMISSIONS as readonly string[]).includes(permission));
  if (unknown !== undefined)
    throw new ApiProblem(400, "UNKNOWN_PERMISSION", `there is no permission "${unknown}"`);
  const beyond = only?.find((permission) => !(ROLES[role] as readonly string[]).includes(permission));
  if (beyond !== undefined)
    throw new ApiProblem(400, "PERMISSION_BEYOND_ROLE", `the role ${role} does not have ${beyond}`);
}

async function makeKey(client: Client, actor: Actor, body: NewApiKey): Promise<{ key: string; row: KeyRow }> {
  const { name, role } = body;
  const only = body.permissions ?? null;
  const siteIds = body.siteIds ?? null;
  const expiresAt = body.expiresAt === undefined || body.expiresAt === null ? null : new Date(body.expiresAt);
  checkPermissions(role, only);
  checkGrant(actor, { role, siteIds, expiresAt, only });
  checkEnd(actor, { role, siteIds, expiresAt });
  if (expiresAt !== null && expiresAt.getTime() <= Date.now())
    throw new ApiProblem(400, "EXPIRED", "expiresAt is in the past");
  await checkSites(client, actor, siteIds);
  const { rows: counted } = await client.query<{ count: number }>(
    "select count(*)::int as count from api_key where operator_id = $1 and revoked_at is null",
    [actor.operatorId],
  );
  if ((counted[0]?.count ?? 0) >= KEYS_MAX)
    throw new ApiProblem(409, "TOO_MANY_KEYS", `an operator has at most ${KEYS_MAX} keys: revoke some`);
  const grant = { role, permissions: only, siteIds, expiresAt, createdBy: actor.id };
  const key = await createApiKey(client, actor.operatorId, name, grant);
  const { rows } = await client.query<{ key_id: string }>(
    "select key_id from api_key where operator_id = $1 and key_hash = sha256($2::bytea)",
    [actor.operatorId, Buffer.from(key)],
  );
  return { key, row: await oneKey(client, actor, rows[0]?.key_id ?? "") };
}

const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

export function apiKeyRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/api-keys",
    {
      schema: {
        operationId: "listApiKeys",
        ...needs("keys:read"),
        tags: ["keys"],
        description: "Newest first, revoked ones included.",
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("ApiKey") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("k.operator_id = $1", actor.operatorId);
      const [at, id] = readCursor(request.query, 2) ?? [];
      where.add("(k.created_at, k.key_id) < (?, ?)", at, id);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<KeyRow & { key: string }>(
        `select *, x.created_at::text as key from (${SELECT} where ${where.sql}
           order by k.created_at desc, k.key_id desc limit ${limit}) x
         order by x.created_at desc, x.key_id desc`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.key, r.key_id], toKey);
    },
  );

  app.post(
    "/v1/api-keys",
    {
      schema: {
        operationId: "createApiKey",
        ...needs("keys:write"),
        tags: ["keys"],
        description: "Never with more permissions, wider sites or a later end than who makes it has.",
        headers: Once,
        body: Type.Ref("NewApiKey"),
        response: { 201: Type.Ref("MadeApiKey") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewApiKey;
      let key: string | undefined;
      const { body: view } = await writeOnce(actor, request, async (client) => {
        const made = await makeKey(client, actor, body);
        key = made.key;
        await audit(client, actor, request, "key.create", made.row.key_id, body);
        return { status: 201, body: toKey(made.row) };
      });
      void reply.header("Cache-Control", "no-store");
      return reply.code(201).send({ ...(view as ApiKey), key: key ?? null });
    },
  );

  app.delete(
    "/v1/api-keys/:keyId",
    {
      schema: {
        operationId: "revokeApiKey",
        ...needs("keys:write"),
        tags: ["keys"],
        description:
          "Any key of the operator, also a mightier one: taking away is what an emergency needs. " +
          "Keys and open invitations that were made with it end too.",
        params: Type.Object({ keyId: Type.String({ maxLength: 64 }) }),
        headers: Once,
        response: { 200: Type.Ref("ApiKey") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { keyId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await client.query(
          `update api_key set revoked_at = now()
           where operator_id = $1 and key_id::text = $2 and revoked_at is null`,
          [actor.operatorId, keyId],
        );
        const row = await oneKey(client, actor, keyId);
        const ended = await endGifts(client, actor, `key:${row.key_id}`, undefined);
        await audit(client, actor, request, "key.revoke", keyId, { name: row.name, ...ended });
        return { status: 200, body: toKey(row) };
      });
      return body as ApiKey;
    },
  );
}
