/**
 * Invitations: how people come to an operator. Made by who may give the role, accepted by who has the link.
 *
 * Invariants: one open invitation per address and operator, a newer one replaces it; the link that the inviter
 * sees makes an account whose address is not verified, the one in the mail makes one whose address is; an
 * address that has an account joins only when signed in.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type, type Static } from "typebox";
import { AppError } from "../../../shared/errors.ts";
import { writeAudit } from "../../audit.ts";
import type { Role } from "../../core/access.ts";
import { invitationMail } from "../../core/mail-texts.ts";
import { inTransaction, type Client } from "../../db/pool.ts";
import { acceptInvitation, createInvitation, findInvitation, type OpenInvitation } from "../../people.ts";
import { addressGroup, uncountAttempt } from "../../throttle.ts";
import { needs, open, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { checkEnd, checkGrant, checkMembership, checkSites, type Grant } from "../grant.ts";
import { lockDriver } from "../driver-store.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { passOn, type People } from "../people.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type {
  AcceptInvitation,
  Invitation,
  InvitationToMe,
  MadeInvitation,
  NewInvitation,
} from "../user-schemas.ts";
import { audit, writeOnce } from "../write.ts";
import { auditSignIn } from "./auth.ts";

type InvitationRow = {
  invitation_id: string;
  email: string;
  role: Role;
  site_ids: string[] | null;
  member_expires_at: Date | null;
  state: Invitation["state"];
  created_by: string;
  created_at: Date;
  expires_at: Date;
};

const toInvitation = (r: InvitationRow): Invitation => ({
  invitationId: r.invitation_id,
  email: r.email,
  role: r.role,
  siteIds: r.site_ids,
  expiresAt: iso(r.member_expires_at),
  state: r.state,
  createdBy: r.created_by,
  createdAt: isoOf(r.created_at),
  validUntil: isoOf(r.expires_at),
});

const SELECT = `select i.invitation_id, i.email, i.role, i.site_ids, i.member_expires_at,
  case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null then 'revoked'
       when i.expires_at < now() then 'expired' else 'open' end as state,
  coalesce(u.email, k.name, i.created_by) as created_by, i.created_at, i.expires_at
  from invitation i left join auth_user u on 'user:' || u.id = i.created_by
  left join api_key k on k.operator_id = i.operator_id and 'key:' || k.key_id = i.created_by`;

async function oneInvitation(client: Client, actor: Actor, invitationId: string): Promise<InvitationRow> {
  const { rows } = await client.query<InvitationRow>(
    `${SELECT} where i.operator_id = $1 and i.invitation_id::text = $2`,
    [actor.operatorId, invitationId],
  );
  if (rows[0] === undefined) throw notFound("invitation", invitationId);
  return rows[0];
}

/** @throws ApiProblem 400, 403, 409. */
async function invite(client: Client, actor: Actor, body: NewInvitation) {
  const email = body.email.toLowerCase();
  const given: Grant = {
    role: body.role,
    siteIds: body.siteIds ?? null,
    expiresAt: body.expiresAt === undefined || body.expiresAt === null ? null : new Date(body.expiresAt),
  };
  checkGrant(actor, given);
  checkEnd(actor, given);
  checkMembership(given);
  await checkSites(client, actor, given.siteIds);
  await checkDriver(client, actor, body);
  const { rowCount } = await client.query(
    `select from member m join auth_user u on u.id = m.user_id
     where m.operator_id = $1 and u.email = $2 and (m.expires_at is null or m.expires_at > now())`,
    [actor.operatorId, email],
  );
  if (rowCount !== 0)
    throw new ApiProblem(409, "ALREADY_MEMBER", `${email} is a user already: change the role there`);
  await client.query(
    `update invitation set revoked_at = now() where operator_id = $1 and email = $2
       and accepted_at is null and revoked_at is null`,
    [actor.operatorId, email],
  );
  const { driverId } = body;
  return createInvitation(client, actor.operatorId, { ...given, email, createdBy: actor.id, driverId });
}

/** Somebody who becomes a driver sees what is that driver's. @throws ApiProblem 400, 403, 404, 409. */
async function checkDriver(client: Client, actor: Actor, { role, driverId }: NewInvitation): Promise<void> {
  if (driverId === undefined) return;
  if (role !== "driver")
    throw new ApiProblem(
      400,
      "NOT_A_DRIVER",
      `whoever is invited as ${role} is no driver: leave driverId out`,
    );
  if (!actor.permissions.has("drivers:write"))
    throw new ApiProblem(403, "FORBIDDEN", `this needs drivers:write, which "${actor.name}" does not have`);
  const driver = await lockDriver(client, actor.operatorId, driverId);
  if (driver.user_id !== null)
    throw new ApiProblem(409, "DRIVER_SIGNS_IN", "this driver signs in already, with another account");
}

/** With the invitation or not at all. @returns whether there is a mail server. */
async function mailInvitation(
  people: People,
  client: Client,
  { operatorId, name }: Actor,
  to: string,
  secret: string,
): Promise<boolean> {
  const { rows } = await client.query<{ name: string }>("select name from operator where operator_id = $1", [
    operatorId,
  ]);
  const letter = invitationMail(rows[0]?.name ?? "", name, people.mailer.link("invitation", secret));
  return people.mailer.sendWithin({ client, operatorId, kind: "invitation" }, to, letter);
}

function staffRoutes(app: App, { requireActor, people }: Context): void {
  app.post(
    "/v1/invitations",
    {
      schema: {
        operationId: "createInvitation",
        ...needs("users:write"),
        tags: ["users"],
        description: "Sends the link by mail, where mail is set up, and tells another one to hand over.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewInvitation"),
        response: { 201: Type.Ref("MadeInvitation") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewInvitation;
      await people.count(request, "inviter", actor.operatorId);
      await people.count(request, "mailbox", `${actor.operatorId} ${body.email.toLowerCase()}`);
      const { body: view } = await writeOnce(actor, request, async (client) => {
        const made = await invite(client, actor, body);
        const row = await oneInvitation(client, actor, made.invitationId);
        await audit(client, actor, request, "invitation.create", made.invitationId, body);
        const mailed = await mailInvitation(people, client, actor, body.email, made.mail);
        const link = people.mailer.link("invitation", made.link);
        return { status: 201, body: { ...toInvitation(row), link, mailed }, once: ["link"] };
      });
      void reply.header("Cache-Control", "no-store");
      return reply.code(201).send(view as Static<typeof MadeInvitation>);
    },
  );

  app.get(
    "/v1/invitations",
    {
      schema: {
        operationId: "listInvitations",
        ...needs("users:read"),
        tags: ["users"],
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("Invitation") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("i.operator_id = $1", actor.operatorId);
      const [at, id] = readCursor(request.query, 2) ?? [];
      where.add("(i.created_at, i.invitation_id) < (?, ?)", at, id);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<InvitationRow & { key: string }>(
        `select *, x.created_at::text as key from (${SELECT} where ${where.sql}
           order by i.created_at desc, i.invitation_id desc limit ${limit}) x
         order by x.created_at desc, x.invitation_id desc`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.key, r.invitation_id], toInvitation);
    },
  );

  app.delete(
    "/v1/invitations/:invitationId",
    {
      schema: {
        operationId: "revokeInvitation",
        ...needs("users:write"),
        tags: ["users"],
        params: Type.Object({ invitationId: Type.String({ maxLength: 64 }) }),
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        response: { 200: Type.Ref("Invitation") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { invitationId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await client.query(
          `update invitation set revoked_at = now() where operator_id = $1 and invitation_id::text = $2
             and accepted_at is null and revoked_at is null`,
          [actor.operatorId, invitationId],
        );
        const row = await oneInvitation(client, actor, invitationId);
        await audit(client, actor, request, "invitation.revoke", invitationId, { email: row.email });
        return { status: 200, body: toInvitation(row) };
      });
      return body as Invitation;
    },
  );
}

const how = ({ userId, recovery }: OpenInvitation): InvitationToMe["how"] =>
  userId === null ? "create" : recovery ? "recover" : "sign-in";

async function inviteOf(client: Client, token: string): Promise<OpenInvitation> {
  const invitation = await findInvitation(client, token);
  if (invitation !== undefined) return invitation;
  throw new ApiProblem(
    404,
    "INVITATION_GONE",
    "this invitation was used, taken back, or its time is over: ask for a new one",
  );
}

/** Who accepts, and with what. @throws ApiProblem 400, 401. */
async function acceptedBy(
  people: People,
  request: FastifyRequest,
  invitation: OpenInvitation,
): Promise<{ name: string; password: string } | undefined> {
  const { name, password } = request.body as AcceptInvitation;
  if (how(invitation) === "sign-in") {
    const person = await people.readSession(request);
    if (person?.userId === invitation.userId) return undefined;
    throw new ApiProblem(
      401,
      "SIGN_IN_FIRST",
      `there is an account for ${invitation.email}: sign in with it`,
    );
  }
  if (password === undefined || (name === undefined && invitation.userId === null))
    throw new ApiProblem(400, "NAME_MISSING", "choose a name and a password");
  return { name: name ?? "", password };
}

/** Signs in with what was just chosen, so that nobody has to type it again. */
export async function signInAtOnce(
  people: People,
  request: FastifyRequest,
  reply: FastifyReply,
  email: string,
  password: string,
): Promise<void> {
  const body = { email: email.toLowerCase(), password, rememberMe: true };
  const after = auditSignIn(people, request, "password");
  passOn(reply, await people.call(request, "POST", "/sign-in/email", { body, after }));
}

/** @returns what the person signs in with now; undefined: they are signed in. */
async function accept(
  { pool, people }: Context,
  request: FastifyRequest,
): Promise<{ email: string; password: string } | undefined> {
  const { token } = request.body as AcceptInvitation;
  try {
    return await inTransaction(pool, async (client) => {
      const invitation = await inviteOf(client, token);
      const person = await acceptedBy(people, request, invitation);
      const userId = await acceptInvitation(client, invitation, person);
      if (invitation.mailed)
        await client.query("update auth_user set email_verified = true where id = $1", [userId]);
      const { operatorId, email, invitationId, role, recovery } = invitation;
      const by = { operatorId, actor: email, requestId: request.id };
      const what = { subject: invitationId, detail: { role, recovery } };
      await writeAudit(client, { ...by, action: "invitation.accept", ...what });
      return person && { email, password: person.password };
    });
  } catch (error) {
    if (error instanceof AppError && error.code === "ALREADY_MEMBER")
      throw new ApiProblem(409, "ALREADY_MEMBER", "you belong to this operator already");
    throw error;
  }
}

function guestRoutes(app: App, context: Context): void {
  const { pool, people } = context;
  app.post(
    "/v1/invitations/lookup",
    {
      bodyLimit: 16_384,
      schema: {
        operationId: "lookUpInvitation",
        ...open("who is invited has no account yet; the token vouches"),
        tags: ["sign-in"],
        description: "What the page shows to who has followed the link.",
        body: Type.Ref("TokenOnly"),
        response: { 200: Type.Ref("InvitationToMe") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      await people.count(request, "address");
      const { token } = request.body as { token: string };
      const invitation = await inTransaction(pool, (client) => inviteOf(client, token));
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      void reply.header("Cache-Control", "no-store");
      const { email, operatorName, role } = invitation;
      return { email, operatorName, role, how: how(invitation) };
    },
  );

  app.post(
    "/v1/invitations/accept",
    {
      bodyLimit: 16_384,
      schema: {
        operationId: "acceptInvitation",
        ...open("who is invited has no account yet; the token vouches"),
        tags: ["sign-in"],
        description:
          "With name and password where `how` is `create` or `recover`: signs in at once. Else as who is signed in.",
        body: Type.Ref("AcceptInvitation"),
        response: { 200: Type.Ref("SignInStep") },
      },
    },
    async (request, reply) => {
      people.checkOrigin(request);
      await people.count(request, "address");
      const chosen = await accept(context, request);
      await uncountAttempt(pool, "address", addressGroup(request.ip));
      if (chosen !== undefined) await signInAtOnce(people, request, reply, chosen.email, chosen.password);
      return { next: "done" };
    },
  );
}

export function invitationRoutes(app: App, context: Context): void {
  staffRoutes(app, context);
  guestRoutes(app, context);
}
