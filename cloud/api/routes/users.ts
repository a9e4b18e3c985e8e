/**
 * Users: the people of an operator, what they may, and the end of that.
 *
 * Invariants: one owner is left (the rows of owners are locked before any of them changes); what somebody gave
 * while they could (keys, open invitations) does not outlive their right to give it.
 */
import { Type } from "typebox";
import type { Role } from "../../core/access.ts";
import { changeOf } from "../../core/audit.ts";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { endGifts } from "../gifts.ts";
import { checkEnd, checkGrant, checkMembership, checkSites, type Grant } from "../grant.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { User, UserPatch } from "../user-schemas.ts";
import { audit, notifyChanged, writeOnce } from "../write.ts";

type UserRow = {
  user_id: string;
  email: string;
  name: string;
  email_verified: boolean;
  two_factor_enabled: boolean;
  role: Role;
  site_ids: string[] | null;
  expires_at: Date | null;
  created_at: Date;
};

const toUser = (r: UserRow): User => ({
  userId: r.user_id,
  email: r.email,
  name: r.name,
  emailVerified: r.email_verified,
  twoFactor: r.two_factor_enabled,
  role: r.role,
  siteIds: r.site_ids,
  expiresAt: iso(r.expires_at),
  createdAt: isoOf(r.created_at),
});

const SELECT = `select m.user_id, u.email, u.name, u.email_verified, u.two_factor_enabled, m.role, m.site_ids,
  m.expires_at, m.created_at from member m join auth_user u on u.id = m.user_id`;

const grantOf = (r: UserRow): Grant => ({ role: r.role, siteIds: r.site_ids, expiresAt: r.expires_at });

/** The member and, locked, all owners. @throws ApiProblem 404. */
async function lockUser(client: Client, actor: Actor, userId: string): Promise<UserRow> {
  await client.query(
    "select from member where operator_id = $1 and (role = 'owner' or user_id = $2) order by user_id for update",
    [actor.operatorId, userId],
  );
  const { rows } = await client.query<UserRow>(`${SELECT} where m.operator_id = $1 and m.user_id = $2`, [
    actor.operatorId,
    userId,
  ]);
  if (rows[0] === undefined) throw notFound("user", userId);
  return rows[0];
}

/** @throws ApiProblem 409 LAST_OWNER. */
async function checkOwnerLeft(client: Client, actor: Actor, without: string): Promise<void> {
  const { rowCount } = await client.query(
    "select from member where operator_id = $1 and role = 'owner' and user_id <> $2 limit 1",
    [actor.operatorId, without],
  );
  if (rowCount === 0)
    throw new ApiProblem(409, "LAST_OWNER", "an operator needs an owner: make somebody else one first");
}

async function patchUser(client: Client, actor: Actor, userId: string, patch: UserPatch) {
  const user = await lockUser(client, actor, userId);
  const before = grantOf(user);
  const given: Grant = {
    role: patch.role ?? before.role,
    siteIds: patch.siteIds === undefined ? before.siteIds : patch.siteIds,
    expiresAt:
      patch.expiresAt === undefined
        ? before.expiresAt
        : patch.expiresAt === null
          ? null
          : new Date(patch.expiresAt),
  };
  checkGrant(actor, before);
  checkGrant(actor, given);
  if (patch.expiresAt !== undefined) checkEnd(actor, given);
  checkMembership(given);
  await checkSites(client, actor, given.siteIds);
  if (before.role === "owner" && given.role !== "owner") await checkOwnerLeft(client, actor, userId);
  const { rows } = await client.query<Pick<UserRow, "role" | "site_ids" | "expires_at">>(
    `update member set role = $3, site_ids = $4, expires_at = $5 where operator_id = $1 and user_id = $2
     returning role, site_ids, expires_at`,
    [actor.operatorId, userId, given.role, given.siteIds, given.expiresAt],
  );
  await endGifts(client, actor, `user:${userId}`, given);
  return { before: user, after: { ...user, ...rows[0] } };
}

const UserParams = Type.Object({ userId: Type.String({ maxLength: 64 }) });
const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

function readRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/users",
    {
      schema: {
        operationId: "listUsers",
        ...needs("users:read"),
        tags: ["users"],
        description: "Drivers are left out unless asked for by their role.",
        querystring: Type.Object({ ...PageQuery, role: Type.Optional(Type.String({ maxLength: 20 })) }),
        response: { 200: PageOf("User") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("m.operator_id = $1", actor.operatorId);
      if (request.query.role === undefined) where.add("m.role <> ?", "driver");
      where.add("m.role = ?", request.query.role);
      where.add("u.email > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<UserRow>(
        `${SELECT} where ${where.sql} order by u.email limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.email], toUser);
    },
  );

  app.get(
    "/v1/users/:userId",
    {
      schema: {
        operationId: "getUser",
        ...needs("users:read"),
        tags: ["users"],
        params: UserParams,
        response: { 200: Type.Ref("User") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { rows } = await actor.db.query<UserRow>(
        `${SELECT} where m.operator_id = $1 and m.user_id = $2`,
        [actor.operatorId, request.params.userId],
      );
      if (rows[0] === undefined) throw notFound("user", request.params.userId);
      return toUser(rows[0]);
    },
  );
}

function writeRoutes(app: App, { requireActor }: Context): void {
  app.patch(
    "/v1/users/:userId",
    {
      schema: {
        operationId: "updateUser",
        ...needs("users:write"),
        tags: ["users"],
        description:
          "Merge patch. Keys and open invitations that the person made, and could not make any more, end with it.",
        params: UserParams,
        headers: Once,
        body: Type.Ref("UserPatch"),
        response: { 200: Type.Ref("User") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { userId } = request.params;
      const patch = request.body as UserPatch;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { before, after } = await patchUser(client, actor, userId, patch);
        const change = changeOf(toUser(before), toUser(after));
        await audit(client, actor, request, "user.update", userId, { email: before.email, ...change });
        return { status: 200, body: toUser(after) };
      });
      return body as User;
    },
  );

  app.delete(
    "/v1/users/:userId",
    {
      schema: {
        operationId: "removeUser",
        ...needs("users:write"),
        tags: ["users"],
        description:
          "Ends the membership at once, with the keys and open invitations that the person made. Tells it as it was.",
        params: UserParams,
        headers: Once,
        response: { 200: Type.Ref("User") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { userId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const row = await lockUser(client, actor, userId);
        checkGrant(actor, grantOf(row));
        if (row.role === "owner") await checkOwnerLeft(client, actor, userId);
        const ended = await endGifts(client, actor, `user:${userId}`, undefined);
        await client.query("delete from member where operator_id = $1 and user_id = $2", [
          actor.operatorId,
          userId,
        ]);
        const { email, role, siteIds, expiresAt } = toUser(row);
        const detail = { email, before: { role, siteIds, expiresAt }, after: {}, ...ended };
        await audit(client, actor, request, "user.remove", userId, detail);
        return { status: 200, body: toUser(row) };
      });
      return body as User;
    },
  );

  app.delete(
    "/v1/users/:userId/sessions",
    {
      schema: {
        operationId: "revokeUserSessions",
        ...needs("users:write"),
        tags: ["users"],
        description:
          "Signs the person out of this operator, at once: who belongs to no other is signed out altogether, " +
          "else sessions go on elsewhere.",
        params: UserParams,
        headers: Once,
        response: { 200: Type.Ref("RevokedSessions") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { userId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        checkGrant(actor, grantOf(await lockUser(client, actor, userId)));
        const { rows } = await client.query<{ revoked: number }>("select moov_sign_out($1) as revoked", [
          userId,
        ]);
        const revoked = rows[0]?.revoked ?? 0;
        await notifyChanged(client, actor.operatorId, [`user:${userId}`]);
        await audit(client, actor, request, "user.sign-out", userId, { revoked });
        return { status: 200, body: { revoked } };
      });
      return body as { revoked: number };
    },
  );
}

export function userRoutes(app: App, context: Context): void {
  readRoutes(app, context);
  writeRoutes(app, context);
}
