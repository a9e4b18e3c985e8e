/**
 * Signing in and out: by password and second factor, passkey, single sign-on, a mail.
 *
 * Nobody has to be known for these. Invariants: each attempt is counted before it is looked at; an unknown
 * e-mail address gets the same answer, after the same work, as a known one; the browser gets a cookie, and the
 * page no secret; each success and each refused password of a member stands in the audit of their operators.
 */
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { AuditAction } from "../../core/audit.ts";
import type { Pool, Queryable } from "../../db/pool.ts";
import { AUTH_PATH, SSO_ID } from "../../sign-in.ts";
import { uncountAttempt, addressGroup } from "../../throttle.ts";
import { open } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { passOn, type AfterCall, type People } from "../people.ts";
import { ApiProblem } from "../problem.ts";
import type { PasswordSignIn, SecondFactor, SsoStart } from "../user-schemas.ts";

const BODY_BYTES_MAX = 32 * 1024;
const DONE = { done: true } as const;
const base = { bodyLimit: BODY_BYTES_MAX };

/** A person's doing, in the audit of every operator that they belong to; of nobody's operator if there is none. */
export async function auditPerson(
  db: Queryable,
  who: { userId: string } | { email: string },
  request: FastifyRequest,
  action: AuditAction,
  detail: unknown = null,
): Promise<void> {
  const [column, value] = "userId" in who ? ["id", who.userId] : ["email", who.email.toLowerCase()];
  await db.query(
    `insert into audit (operator_id, actor, request_id, action, subject, detail)
     select m.operator_id, u.email, $2, $3, u.id, $4
     from auth_user u left join member m on m.user_id = u.id where u.${column} = $1`,
    [value, request.id, action, JSON.stringify(detail)],
  );
}

type Parts = { pool: Pool; people: People };

/** For a call by which somebody changes what is theirs: the row goes with the change. */
export const auditOf =
  (person: { userId: string }, request: FastifyRequest, action: AuditAction, detail?: unknown): AfterCall =>
  async ({ status }, db) => {
    if (status < 400) await auditPerson(db, person, request, action, detail);
  };

/** For a call that may sign somebody in: the row goes with the session. */
export const auditSignIn =
  (people: People, request: FastifyRequest, by: string): AfterCall =>
  async (answer, db) => {
    const person = answer.status < 400 ? await people.signedInBy(answer) : undefined;
    if (person !== undefined)
      await auditPerson(db, person, request, "session.create", { by, address: request.ip });
  };

function passwordRoutes(app: App, { pool, people }: Parts): void {
  app.post(
    "/v1/auth/sign-in",
    {
      ...base,
      schema: {
        operationId: "signIn",
        ...open("who signs in is not known yet"),
        tags: ["sign-in"],
        description: "Sets the session's cookie, or asks for the second factor.",
        body: Type.Ref("PasswordSignIn"),
        response: { 200: Type.Ref("SignInStep") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      const { email, password, remember } = request.body as PasswordSignIn;
      const account = email.toLowerCase();
      await people.count(request, "address");
      await people.countPassword(request, account);
      const answer = await people.call(request, "POST", "/sign-in/email", {
        body: { email: account, password, rememberMe: remember ?? true },
        async after(result, db) {
          if (result.status === 401)
            await auditPerson(db, { email: account }, request, "session.refuse", { address: request.ip });
          else await auditSignIn(people, request, "password")(result, db);
        },
      });
      const body = passOn(reply, answer);
      await people.rightPassword(request, account);
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      return { next: body["twoFactorRedirect"] === true ? "second-factor" : "done" };
    },
  );

  app.post(
    "/v1/auth/second-factor",
    {
      ...base,
      schema: {
        operationId: "signInSecondFactor",
        ...open("who signs in is not known yet; the cookie of the step before vouches"),
        tags: ["sign-in"],
        description: "Within ten minutes after the password: a code of the app, or one of the backup codes.",
        body: Type.Ref("SecondFactor"),
        response: { 200: Type.Ref("SignInStep") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      const { method, code } = request.body as SecondFactor;
      await people.count(request, "address");
      const path = method === "totp" ? "/two-factor/verify-totp" : "/two-factor/verify-backup-code";
      const after = auditSignIn(people, request, method);
      const answer = await people.call(request, "POST", path, { body: { code }, after });
      passOn(reply, answer);
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      return { next: "done" };
    },
  );

  app.post(
    "/v1/auth/sign-out",
    {
      ...base,
      schema: {
        operationId: "signOut",
        ...open("ends the session of the cookie, if there is one"),
        tags: ["sign-in"],
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      const person = await people.readSession(request);
      const after: AfterCall = async ({ status }, db) => {
        if (status < 400 && person !== undefined)
          await auditPerson(db, person, request, "session.revoke", { by: "sign-out" });
      };
      passOn(reply, await people.call(request, "POST", "/sign-out", { body: {}, after }));
      return DONE;
    },
  );
}

function mailRoutes(app: App, { pool, people }: Parts): void {
  app.post(
    "/v1/auth/password-resets",
    {
      ...base,
      schema: {
        operationId: "requestPasswordReset",
        ...open("who has forgotten a password cannot sign in"),
        tags: ["sign-in"],
        description: "Sends a link by mail if the address is known. The answer is the same if it is not.",
        body: Type.Ref("PasswordResetRequest"),
        response: { 202: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      const { email } = request.body as { email: string };
      const mailbox = email.toLowerCase();
      await people.count(request, "mailer");
      await people.count(request, "mailbox", mailbox);
      const answer = await people.call(request, "POST", "/request-password-reset", {
        body: { email: mailbox },
      });
      passOn(reply, answer);
      return reply.code(202).send(DONE);
    },
  );

  app.post(
    "/v1/auth/passwords",
    {
      ...base,
      schema: {
        operationId: "resetPassword",
        ...open("the token of the mail vouches"),
        tags: ["sign-in"],
        description: "Sets the password and ends all sessions. Then sign in.",
        body: Type.Ref("PasswordReset"),
        response: { 200: Type.Ref("Done") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      const { token, password } = request.body as { token: string; password: string };
      await people.count(request, "address");
      const body = { token, newPassword: password };
      const after: AfterCall = async ({ resetOf }, db) => {
        if (resetOf !== undefined) await auditPerson(db, { userId: resetOf }, request, "password.reset");
      };
      passOn(reply, await people.call(request, "POST", "/reset-password", { body, after }));
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      return DONE;
    },
  );
}

function passkeyRoutes(app: App, { pool, people }: Parts): void {
  app.post(
    "/v1/auth/passkeys/options",
    {
      ...base,
      schema: {
        operationId: "getPasskeySignInOptions",
        ...open("who signs in is not known yet"),
        tags: ["sign-in"],
        description: "For `PublicKeyCredential.parseRequestOptionsFromJSON`; good for five minutes.",
        response: { 200: Type.Ref("PasskeyOptions") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      await people.count(request, "challenge");
      return passOn(reply, await people.call(request, "GET", "/passkey/generate-authenticate-options"));
    },
  );

  app.post(
    "/v1/auth/passkeys",
    {
      ...base,
      schema: {
        operationId: "signInWithPasskey",
        ...open("who signs in is not known yet"),
        tags: ["sign-in"],
        description:
          "Takes `credential.toJSON()`. A passkey is both factors: its device has asked for a PIN or a finger.",
        body: Type.Ref("PasskeySignIn"),
        response: { 200: Type.Ref("SignInStep") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      await people.count(request, "address");
      const { credential } = request.body as { credential: object };
      const answer = await people.call(request, "POST", "/passkey/verify-authentication", {
        body: { response: credential },
        after: auditSignIn(people, request, "passkey"),
      });
      passOn(reply, answer);
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      return { next: "done" };
    },
  );
}

function ssoRoutes(app: App, { people }: Parts): void {
  app.post(
    "/v1/auth/sso",
    {
      ...base,
      schema: {
        operationId: "startSingleSignOn",
        ...open("who signs in is not known yet"),
        tags: ["sign-in"],
        description: "Where to send the browser. It comes back signed in, or to `/sign-in?error=…`.",
        body: Type.Ref("SsoStart"),
        response: { 200: Type.Object({ url: Type.String() }) },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      await people.count(request, "address");
      if (people.sso === undefined)
        throw new ApiProblem(404, "NO_SSO", "single sign-on is not set up on this server");
      if (!(await people.signIn.ssoReady()))
        throw new ApiProblem(503, "SSO_AWAY", "the single sign-on cannot be reached; try again in a moment");
      const { returnTo = "/" } = request.body as SsoStart;
      const body = {
        provider: SSO_ID,
        callbackURL: returnTo,
        errorCallbackURL: "/sign-in",
        disableRedirect: true,
      };
      const { url } = passOn(reply, await people.call(request, "POST", "/sign-in/social", { body }));
      return { url: String(url) };
    },
  );

  app.get(
    `${AUTH_PATH}/callback/${SSO_ID}`,
    { schema: { hide: true, ...open("the single sign-on sends the browser here; state and code vouch") } },
    async (request, reply) => {
      const query = Object.fromEntries(
        Object.entries(request.query as Record<string, unknown>).filter(
          (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1].length <= 4_000,
        ),
      );
      const answer = await people.call(request, "GET", `/callback/${SSO_ID}`, {
        query,
        after: auditSignIn(people, request, "sso"),
      });
      if (answer.location === undefined) passOn(reply, answer);
      void reply.header("Cache-Control", "no-store").header("Set-Cookie", answer.cookies);
      return reply.redirect(answer.location ?? "/sign-in?error=sso", 302);
    },
  );
}

export function authRoutes(app: App, { pool, people }: Context): void {
  app.get(
    "/v1/auth/methods",
    {
      schema: {
        operationId: "getSignInMethods",
        ...open("the sign-in page shows them"),
        tags: ["sign-in"],
        response: { 200: Type.Ref("SignInMethods") },
      },
    },
    async () => ({
      password: true,
      passkeys: true,
      sso: people.sso === undefined ? null : { name: people.sso.name },
      mail: people.mailer.configured,
    }),
  );

  app.get(
    "/v1/auth/session",
    {
      schema: {
        operationId: "getSignedIn",
        ...open("tells whether somebody is signed in, also when nobody is"),
        tags: ["sign-in"],
        description: "The page asks once when it opens: this prolongs the session, at most once a day.",
        response: { 200: Type.Ref("SignedInState") },
      },
    },
    async (request, reply) => {
      const answer = await people.call(request, "GET", "/get-session");
      passOn(reply, answer);
      const person = await people.readSession(request);
      if (person === undefined) return { person: null, operators: [] };
      return { person: toPerson(person), operators: await operatorsOf(pool, person.userId) };
    },
  );
  passwordRoutes(app, { pool, people });
  mailRoutes(app, { pool, people });
  passkeyRoutes(app, { pool, people });
  ssoRoutes(app, { pool, people });
}

type PersonView = { userId: string; email: string; name: string; emailVerified: boolean; twoFactor: boolean };
export const toPerson = ({ userId, email, name, emailVerified, twoFactor }: PersonView): PersonView => ({
  userId,
  email,
  name,
  emailVerified,
  twoFactor,
});

export async function operatorsOf(
  pool: Pool,
  userId: string,
): Promise<{ operatorId: string; name: string; role: string }[]> {
  const { rows } = await pool.query<{ operator_id: string; name: string; role: string }>(
    `select m.operator_id, o.name, m.role from member m join operator o using (operator_id)
     where m.user_id = $1 and (m.expires_at is null or m.expires_at > now())
     order by m.created_at, m.operator_id limit 1000`,
    [userId],
  );
  return rows.map((row) => ({ operatorId: row.operator_id, name: row.name, role: row.role }));
}
