/**
 * What is a person's own: name, password, second factor, sessions, mailbox (`passkeys.ts`: passkeys). Of
 * `GET /v1/me` also a key's.
 *
 * All but that belongs to a session, not to an operator, and no key may do it. Invariants: what weakens an
 * account (another password, no second factor) asks for the password again, and each try counts like one of
 * signing in; what happened stands in the audit of the person's operators.
 */
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { changeOf, type AuditAction } from "../../core/audit.ts";
import { inTransaction } from "../../db/pool.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { isoOf } from "../page.ts";
import { ownSession, passOn, type SignedIn } from "../people.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { Me, Session } from "../user-schemas.ts";
import { auditOf, auditPerson, operatorsOf, toPerson } from "./auth.ts";
import { passkeyRoutes } from "./passkeys.ts";

const DONE = { done: true } as const;
const ID = Type.String({ maxLength: 64 });

function meRoutes(app: App, { pool, people, requireActor }: Context): void {
  app.get(
    "/v1/me",
    {
      schema: {
        operationId: "getMe",
        ...needs(),
        tags: ["me"],
        description: "Who asks, for which operator, and what they may there.",
        response: { 200: Type.Ref("Me") },
      },
    },
    async (request): Promise<Me> => {
      const { operatorId, name, role, permissions, siteIds, userId } = await requireActor(request);
      const person = userId === undefined ? undefined : await people.readSession(request);
      return {
        operatorId,
        keyName: name,
        role,
        permissions: [...permissions],
        siteIds: siteIds === null ? null : [...siteIds],
        person: person === undefined ? null : toPerson(person),
        operators: userId === undefined ? [] : await operatorsOf(pool, userId),
      };
    },
  );

  app.patch(
    "/v1/me",
    {
      schema: {
        operationId: "updateMe",
        ...ownSession,
        tags: ["me"],
        body: Type.Ref("PersonPatch"),
        response: { 200: Type.Ref("Person") },
      },
    },
    async (request) => {
      const person = await people.requireSession(request);
      const { name } = request.body as { name: string };
      await inTransaction(pool, async (client) => {
        await client.query("update auth_user set name = $2, updated_at = now() where id = $1", [
          ...[person.userId, name],
        ]);
        const change = changeOf({ name: person.name }, { name });
        await auditPerson(client, person, request, "person.update", change);
      });
      return { ...toPerson(person), name };
    },
  );
}

function sessionRoutes(app: App, { pool, people }: Context): void {
  type Row = {
    id: string;
    ip_address: string | null;
    user_agent: string | null;
    created_at: Date;
    expires_at: Date;
  };
  app.get(
    "/v1/me/sessions",
    {
      schema: {
        operationId: "listMySessions",
        ...ownSession,
        tags: ["me"],
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("Session")) }) },
      },
    },
    async (request): Promise<{ items: Session[] }> => {
      const { userId, sessionId } = await people.requireSession(request);
      const { rows } = await pool.query<Row>(
        `select id, ip_address, user_agent, created_at, expires_at from auth_session
         where user_id = $1 and expires_at > now() order by created_at desc limit 100`,
        [userId],
      );
      const items = rows.map((row) => ({
        sessionId: row.id,
        current: row.id === sessionId,
        address: row.ip_address || null,
        userAgent: row.user_agent || null,
        createdAt: isoOf(row.created_at),
        expiresAt: isoOf(row.expires_at),
      }));
      return { items };
    },
  );

  app.delete(
    "/v1/me/sessions/:sessionId",
    {
      schema: {
        operationId: "revokeMySession",
        ...ownSession,
        tags: ["me"],
        params: Type.Object({ sessionId: ID }),
        response: { 200: Type.Ref("RevokedSessions") },
      },
    },
    async (request) => {
      const person = await people.requireSession(request);
      const { sessionId } = request.params;
      return inTransaction(pool, async (client) => {
        const { rowCount } = await client.query("delete from auth_session where user_id = $1 and id = $2", [
          ...[person.userId, sessionId],
        ]);
        if (rowCount === 0) throw notFound("session", sessionId);
        await auditPerson(client, person, request, "session.revoke", { sessionId });
        return { revoked: 1 };
      });
    },
  );

  app.delete(
    "/v1/me/sessions",
    {
      schema: {
        operationId: "revokeMyOtherSessions",
        ...ownSession,
        tags: ["me"],
        description: "All but the one that asks.",
        response: { 200: Type.Ref("RevokedSessions") },
      },
    },
    async (request) => {
      const person = await people.requireSession(request);
      return inTransaction(pool, async (client) => {
        const { rowCount } = await client.query("delete from auth_session where user_id = $1 and id <> $2", [
          ...[person.userId, person.sessionId],
        ]);
        await auditPerson(client, person, request, "session.revoke", { others: rowCount });
        return { revoked: rowCount ?? 0 };
      });
    },
  );
}

function passwordRoutes(app: App, { people }: Context): void {
  /** A call that holds the password. Wrong ones count as at the sign-in. */
  async function withPassword(request: FastifyRequest, path: string, body: object, action: AuditAction) {
    const person = await people.requireSession(request);
    await people.countPassword(request, person.email);
    const after = auditOf(person, request, action);
    const answer = await people.call(request, "POST", path, { body, after });
    if (answer.status < 400) await people.rightPassword(request, person.email);
    return answer;
  }

  app.post(
    "/v1/me/password",
    {
      schema: {
        operationId: "changePassword",
        ...ownSession,
        tags: ["me"],
        description: "Ends all other sessions; this one gets a new cookie.",
        body: Type.Ref("PasswordChange"),
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      const { password, newPassword } = request.body as { password: string; newPassword: string };
      const body = { currentPassword: password, newPassword, revokeOtherSessions: true };
      passOn(reply, await withPassword(request, "/change-password", body, "password.change"));
      return DONE;
    },
  );

  app.post(
    "/v1/me/totp",
    {
      schema: {
        operationId: "enrolTotp",
        ...ownSession,
        tags: ["me"],
        description: "A secret for an authenticator app. It is asked for from `confirmTotp` on, not before.",
        body: Type.Ref("PasswordOnly"),
        response: { 200: Type.Ref("TotpSecret") },
      },
    },
    async (request, reply) => {
      const body = request.body as object;
      const answer = await withPassword(request, "/two-factor/enable", body, "totp.enrol");
      const { totpURI, backupCodes } = passOn(reply, answer) as { totpURI: string; backupCodes: string[] };
      return { totpUri: totpURI, backupCodes };
    },
  );

  app.post(
    "/v1/me/totp/confirm",
    {
      schema: {
        operationId: "confirmTotp",
        ...ownSession,
        tags: ["me"],
        description: "With a code of the app: from now on it is asked for. This session gets a new cookie.",
        body: Type.Ref("CodeOnly"),
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      const person = await people.requireSession(request);
      await people.countPassword(request, person.email);
      const answer = await people.call(request, "POST", "/two-factor/verify-totp", {
        body: request.body as object,
        after: auditOf(person, request, "totp.enable"),
      });
      passOn(reply, answer);
      await people.rightPassword(request, person.email);
      return DONE;
    },
  );

  app.post(
    "/v1/me/totp/disable",
    {
      schema: {
        operationId: "disableTotp",
        ...ownSession,
        tags: ["me"],
        body: Type.Ref("PasswordOnly"),
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      const body = request.body as object;
      passOn(reply, await withPassword(request, "/two-factor/disable", body, "totp.disable"));
      return DONE;
    },
  );

  app.post(
    "/v1/me/backup-codes",
    {
      schema: {
        operationId: "renewBackupCodes",
        ...ownSession,
        tags: ["me"],
        description: "New codes; the old ones let nobody in any more.",
        body: Type.Ref("PasswordOnly"),
        response: { 200: Type.Ref("BackupCodes") },
      },
    },
    async (request, reply) => {
      const path = "/two-factor/generate-backup-codes";
      const answer = await withPassword(request, path, request.body as object, "totp.renew-backup-codes");
      const { backupCodes } = passOn(reply, answer) as { backupCodes: string[] };
      return { backupCodes };
    },
  );
}

/** The address that a token of a verification mail is for. It is not believed: the library checks it next. */
function addressOf(token: string): string | undefined {
  try {
    const text = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
    const { email } = JSON.parse(text) as { email?: unknown };
    return typeof email === "string" ? email : undefined;
  } catch {
    return undefined;
  }
}

function emailRoutes(app: App, { people }: Context): void {
  app.post(
    "/v1/me/email-verifications",
    {
      schema: {
        operationId: "requestEmailVerification",
        ...ownSession,
        tags: ["me"],
        description: "Sends a link to the person's address.",
        response: { 202: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      const { email } = await people.requireSession(request);
      await people.count(request, "mailbox", email);
      passOn(reply, await people.call(request, "POST", "/send-verification-email", { body: { email } }));
      return reply.code(202).send(DONE);
    },
  );

  app.post(
    "/v1/me/email-verifications/confirm",
    {
      schema: {
        operationId: "confirmEmail",
        ...ownSession,
        tags: ["me"],
        description: "With the token of the link, by the person that it was sent to.",
        body: Type.Ref("TokenOnly"),
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      const person: SignedIn = await people.requireSession(request);
      const { token } = request.body as { token: string };
      // Else a click on a stranger's mail would vouch for an account that the stranger has made.
      if (addressOf(token) !== person.email)
        throw new ApiProblem(400, "LINK_OF_ANOTHER", "this link is not for the address that is signed in");
      const after = auditOf(person, request, "email.verify");
      passOn(reply, await people.call(request, "GET", "/verify-email", { query: { token }, after }));
      return DONE;
    },
  );
}

export function ownRoutes(app: App, context: Context): void {
  meRoutes(app, context);
  sessionRoutes(app, context);
  passwordRoutes(app, context);
  passkeyRoutes(app, context);
  emailRoutes(app, context);
}
