/**
 * Who asks, and whether they may: an API key or a signed-in person → an actor. Routes take the actor as an
 * argument; nothing is hung onto the request.
 *
 * What a route needs stands in its schema (`needs`), so that the API's description, its check and the test
 * of the whole matrix read one and the same line. It is checked before anything of the request is read.
 * Only the SHA-256 of a key is stored. Known keys are remembered for a short while, and forgotten when one is
 * revoked (`live.ts` hears of it); a person's session is asked for each time.
 */
import { createHash, randomBytes } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { API_RATE_PER_MIN } from "../../shared/limits.ts";
import { permissionsOf, ROLES, type Permission, type Role, type SiteScope } from "../core/access.ts";
import type { Pool, Queryable } from "../db/pool.ts";
import { tenantDb, type TenantDb } from "../db/tenant.ts";
import { createKeyGuard } from "./key-guard.ts";
import { ApiProblem } from "./problem.ts";

export type Actor = {
  operatorId: string;
  /** `key:<id>` or `user:<id>`: whose idempotency keys and rate these are. */
  id: string;
  /** As it stands in the audit: a key's name, a person's e-mail address. */
  name: string;
  role: Role;
  permissions: ReadonlySet<Permission>;
  siteIds: SiteScope;
  /** When the membership or the key ends by itself: nothing that is given with it lasts longer. */
  expiresAt: Date | null;
  /** Of a person. */
  userId?: string;
  /** The database as this actor sees it. */
  db: TenantDb;
};

/** A signed-in person. */
export type SessionUser = { userId: string; email: string; name: string; sessionId: string };
export type SessionReader = (request: FastifyRequest) => Promise<SessionUser | undefined>;

type Who = Omit<Actor, "db">;
type Security = { security: Record<string, string[]>[] };

/** For a route's schema: what its actor must be allowed. Without a permission: only that there is one. */
export const needs = (permission?: Permission): Security => {
  const scopes = permission === undefined ? [] : [permission];
  return { security: [{ apiKey: scopes }, { session: scopes }] };
};

/** For the schema of a route without an actor: why nobody has to be known. */
export const open = (why: string): Security & { "x-open": string } => ({ security: [], "x-open": why });

/** What the route's schema says that it needs; undefined: the schema says nothing. */
export function neededBy(schema: unknown): { permission: Permission | undefined; open: boolean } | undefined {
  const security = (schema as Partial<Security> | undefined)?.security;
  if (security === undefined) return undefined;
  const [scope] = Object.values(security[0] ?? {})[0] ?? [];
  return { permission: scope as Permission | undefined, open: security.length === 0 };
}

const REMEMBER_MS = 30_000;
const KEYS_MAX = 1_000;
const ACTORS_MAX = 10_000;

const digest = (key: string) => createHash("sha256").update(key).digest();

export type KeyGrant = {
  role?: Role;
  permissions?: readonly string[] | null;
  siteIds?: SiteScope;
  expiresAt?: Date | null;
  createdBy?: string;
};

/** Makes a key and stores its hash. The key itself is returned once and never again. */
export async function createApiKey(
  db: Queryable,
  operatorId: string,
  name: string,
  grant: KeyGrant = {},
): Promise<string> {
  const key = `sg_${randomBytes(32).toString("base64url")}`;
  await db.query(
    `insert into api_key (key_hash, operator_id, name, prefix, role, permissions, site_ids, expires_at, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...[digest(key), operatorId, name, key.slice(0, 7), grant.role ?? "owner"],
      ...[grant.permissions ?? null, grant.siteIds ?? null, grant.expiresAt ?? null, grant.createdBy ?? null],
    ],
  );
  return key;
}

/** No more than so many requests of one actor in a minute. */
function createLimiter() {
  const used = new Map<string, { count: number; sinceMs: number }>();
  return function limit(actorId: string): void {
    const nowMs = performance.now();
    const entry = used.get(actorId);
    if (entry === undefined || nowMs - entry.sinceMs > 60_000) {
      if (used.size >= ACTORS_MAX) used.clear();
      used.set(actorId, { count: 1, sinceMs: nowMs });
      return;
    }
    entry.count += 1;
    if (entry.count > API_RATE_PER_MIN) {
      throw new ApiProblem(
        429,
        "TOO_MANY_REQUESTS",
        `more than ${API_RATE_PER_MIN} requests in a minute with this key`,
      );
    }
  };
}

const asRole = (text: string): Role => {
  // A role of a newer release may nothing here.
  if (!Object.hasOwn(ROLES, text)) throw new ApiProblem(403, "UNKNOWN_ROLE", `there is no role "${text}"`);
  return text as Role;
};

type KeyRow = {
  key_id: string;
  operator_id: string;
  name: string;
  role: string;
  permissions: string[] | null;
  site_ids: string[] | null;
  expires_at: Date | null;
};

async function actorOfKey(pool: Pool, key: string): Promise<Who> {
  const { rows } = await pool.query<KeyRow>(
    `update api_key set last_used_at = now() where key_hash = $1 and revoked_at is null
       and (expires_at is null or expires_at > now())
     returning key_id, operator_id, name, role, permissions, site_ids, expires_at`,
    [digest(key)],
  );
  const row = rows[0];
  if (row === undefined)
    throw new ApiProblem(401, "UNKNOWN_KEY", "this API key is not known, was revoked, or has expired");
  const role = asRole(row.role);
  return {
    operatorId: row.operator_id,
    id: `key:${row.key_id}`,
    name: row.name,
    role,
    permissions: permissionsOf(role, row.site_ids, row.permissions),
    siteIds: row.site_ids,
    expiresAt: row.expires_at,
  };
}

/**
 * The person as a member of the operator that the request names, or of the first that they belong to. A session
 * that an operator has ended goes on for the others.
 */
async function actorOfUser(pool: Pool, user: SessionUser, operatorId: string | undefined): Promise<Who> {
  const { rows } = await pool.query<{
    operator_id: string;
    role: string;
    site_ids: string[] | null;
    expires_at: Date | null;
    ended: boolean;
  }>(
    `select operator_id, role, site_ids, expires_at, exists (
       select from session_end e where e.session_id = $3 and e.operator_id = m.operator_id) as ended
     from member m
     where user_id = $1 and (expires_at is null or expires_at > now()) and ($2::text is null or operator_id = $2)
     order by ended, created_at, operator_id limit 1`,
    [user.userId, operatorId ?? null, user.sessionId],
  );
  const row = rows[0];
  if (row === undefined)
    throw new ApiProblem(
      403,
      "NO_MEMBER",
      operatorId === undefined
        ? "you are signed in and belong to no operator: ask for an invitation"
        : `you do not belong to the operator "${operatorId}"`,
    );
  if (row.ended)
    throw new ApiProblem(
      401,
      "NO_SESSION",
      `your session was ended for the operator "${row.operator_id}": sign in again`,
    );
  const role = asRole(row.role);
  return {
    operatorId: row.operator_id,
    id: `user:${user.userId}`,
    name: user.email,
    role,
    permissions: permissionsOf(role, row.site_ids),
    siteIds: row.site_ids,
    expiresAt: row.expires_at,
    userId: user.userId,
  };
}

function checkPermission(who: Who, permission: Permission | undefined): void {
  if (permission === undefined || who.permissions.has(permission)) return;
  const scoped = who.siteIds !== null && permissionsOf(who.role, null).has(permission);
  throw new ApiProblem(
    403,
    "FORBIDDEN",
    scoped
      ? `this needs ${permission} for the whole operator; "${who.name}" has named sites only`
      : `this needs ${permission}, which "${who.name}" (${who.role}) does not have: ask an owner`,
  );
}

/** @param behind a `tenantPool`. @param readSession who is signed in, where people can sign in. */
export function createAuthenticator(pool: Pool, behind: Pool, readSession?: SessionReader) {
  const known = new Map<string, { actor: Who; untilMs: number }>();
  const limit = createLimiter();
  const guard = createKeyGuard(pool);

  async function byKey(key: string, address: string): Promise<Who> {
    const nowMs = performance.now();
    const found = known.get(key);
    if (found !== undefined && found.untilMs > nowMs) return found.actor;
    known.delete(key);
    if (found === undefined) await guard.check(address, digest(key));
    const actor = await actorOfKey(pool, key);
    const expiresAtMs = actor.expiresAt?.getTime() ?? Infinity;
    if (known.size >= KEYS_MAX) known.clear();
    known.set(key, { actor, untilMs: nowMs + Math.min(REMEMBER_MS, expiresAtMs - Date.now()) });
    return actor;
  }

  async function identify(request: FastifyRequest): Promise<Who> {
    const { authorization } = request.headers;
    const key = /^Bearer (\S{1,200})$/.exec(authorization ?? "")?.[1];
    if (key !== undefined) return byKey(key, request.ip);
    const user = authorization === undefined ? await readSession?.(request) : undefined;
    if (user === undefined)
      throw new ApiProblem(401, "NO_KEY", "sign in, or send `Authorization: Bearer <apiKey>`");
    const operatorId = request.headers["moov-operator"];
    return actorOfUser(pool, user, typeof operatorId === "string" ? operatorId : undefined);
  }

  const admitted = new WeakMap<FastifyRequest, Actor>();
  return {
    /** Keys that are asked for anew. null: all of them. */
    forget(actorIds: readonly string[] | null): void {
      for (const [key, { actor }] of known)
        if (actorIds === null || actorIds.includes(actor.id)) known.delete(key);
    },
    /** Before anything of a request is read. @throws ApiProblem 401, 403, 429. */
    async admit(request: FastifyRequest): Promise<void> {
      const needed = neededBy(request.routeOptions.schema);
      if (needed === undefined || needed.open) return;
      const who = await identify(request).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.status === 401) guard.count(request.ip);
        throw error;
      });
      limit(who.id);
      checkPermission(who, needed.permission);
      admitted.set(request, { ...who, db: tenantDb(behind, who.operatorId, who.siteIds) });
    },
    /** Who was let in. @throws ApiProblem 403 on a route that does not say whom it lets in. */
    async requireActor(request: FastifyRequest): Promise<Actor> {
      const actor = admitted.get(request);
      if (actor === undefined)
        throw new ApiProblem(403, "FORBIDDEN", "this route does not say who may use it");
      return actor;
    },
  };
}
