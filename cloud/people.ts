/**
 * People and operators in PostgreSQL: invitations, memberships, the first owner, what signs cookies. Used by
 * the API, the command line and `npm start`; whoever calls has checked that it may be.
 *
 * Invariants: of a link only the hash of its secret is stored, and it works once; an invitation makes an
 * account or gives one that exists a membership, and never changes a password of somebody who has one, unless
 * it was made on the command line of the SG (`recovery`); an operator has at least one owner from the first
 * one on.
 */
import { createHash, randomBytes, randomInt, randomUUID } from "node:crypto";
import { AppError } from "../shared/errors.ts";
import { writeAudit } from "./audit.ts";
import type { Role, SiteScope } from "./core/access.ts";
import { inTransaction, type Client, type Pool, type Queryable } from "./db/pool.ts";
import { hashPassword } from "./password.ts";

export const INVITATION_DAYS = 7;
const SETUP_CODE_HOURS = 24;
/** Without letters that look like others. */
const CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789";
const CODE_LENGTH = 16;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
const newSecret = (): string => randomBytes(32).toString("base64url");

/** What signs cookies: the given text, or the one of the database, made when first asked for. */
export async function ensureAuthSecret(pool: Pool, own?: string): Promise<string> {
  if (own !== undefined) return own;
  await pool.query("insert into auth_secret (secret) values ($1) on conflict do nothing", [newSecret()]);
  const { rows } = await pool.query<{ secret: string }>("select secret from auth_secret");
  const secret = rows[0]?.secret;
  if (secret === undefined) throw new AppError("NO_AUTH_SECRET", "the table auth_secret stays empty");
  return secret;
}

/* The first owner */

/** Without an owner nobody could be invited. */
export async function ownerMissing(db: Queryable, operatorId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    "select from member where operator_id = $1 and role = 'owner' limit 1",
    [operatorId],
  );
  return rowCount === 0;
}

/** People read it off a screen: case, blanks and dashes do not count. */
const plainCode = (code: string): string => code.toUpperCase().replace(/[\s-]/g, "");

/** Makes a code that lets somebody become the first owner. Codes of other copies of the SG stay good. */
export async function createSetupCode(db: Queryable, operatorId: string): Promise<string> {
  const letters = Array.from({ length: CODE_LENGTH }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]);
  const code = letters.join("");
  await db.query(
    "insert into setup_code (code_hash, operator_id, expires_at) values ($1, $2, now() + make_interval(hours => $3))",
    [digest(code), operatorId, SETUP_CODE_HOURS],
  );
  return code.replace(/(.{4})(?=.)/g, "$1-");
}

/** Takes a code: it and all others of the operator are used up. @returns the operator it was for. */
export async function takeSetupCode(client: Client, code: string): Promise<string | undefined> {
  const { rows } = await client.query<{ operator_id: string }>(
    `delete from setup_code where operator_id = (
       select operator_id from setup_code where code_hash = $1 and expires_at > now())
     returning operator_id`,
    [digest(plainCode(code))],
  );
  return rows[0]?.operator_id;
}

/* People */

export type NewPerson = { email: string; name: string; password: string; emailVerified: boolean };

/** @throws AppError EMAIL_TAKEN. */
export async function createPerson(client: Client, person: NewPerson): Promise<string> {
  const userId = randomUUID();
  const { rowCount } = await client.query(
    `insert into auth_user (id, email, name, email_verified) values ($1, $2, $3, $4) on conflict do nothing`,
    [userId, person.email.toLowerCase(), person.name, person.emailVerified],
  );
  if (rowCount === 0) throw new AppError("EMAIL_TAKEN", `there is an account for ${person.email}`);
  await setPassword(client, userId, person.password);
  return userId;
}

async function setPassword(client: Client, userId: string, password: string): Promise<void> {
  await client.query(
    `insert into auth_account (id, user_id, provider_id, account_id, password)
     values ($1, $2, 'credential', $2, $3)
     on conflict (provider_id, account_id) do update set password = excluded.password, updated_at = now()`,
    [randomUUID(), userId, await hashPassword(password)],
  );
}

/** A new password for somebody who lost all they had: other ways in and sessions end. */
async function recoverPerson(client: Client, userId: string, password: string): Promise<void> {
  await setPassword(client, userId, password);
  for (const table of ["auth_session", "auth_two_factor", "auth_passkey"])
    await client.query(`delete from ${table} where user_id = $1`, [userId]);
  await client.query("update auth_user set two_factor_enabled = false where id = $1", [userId]);
}

export type Membership = { role: Role; siteIds: SiteScope; expiresAt: Date | null };

/** @param widen whether somebody who is a member gets this membership instead. @returns whether it was made. */
export async function addMember(
  client: Client,
  operatorId: string,
  userId: string,
  membership: Membership,
  createdBy: string,
  widen = false,
): Promise<boolean> {
  // A membership that has ended is none.
  await client.query("delete from member where operator_id = $1 and user_id = $2 and expires_at <= now()", [
    operatorId,
    userId,
  ]);
  const { rowCount } = await client.query(
    `insert into member as m (operator_id, user_id, role, site_ids, expires_at, created_by)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (operator_id, user_id) do update
       set role = excluded.role, site_ids = excluded.site_ids, expires_at = excluded.expires_at
       where $7`,
    [operatorId, userId, membership.role, membership.siteIds, membership.expiresAt, createdBy, widen],
  );
  return rowCount === 1;
}

/* Invitations */

export type NewInvitation = Membership & {
  email: string;
  createdBy: string;
  recovery?: boolean;
  /** Who accepts is this driver from then on. */
  driverId?: string | undefined;
};

/**
 * @returns two secrets of one invitation: `mail` goes to the mailbox and nowhere else, `link` is shown to who
 * invites, and proves no mailbox.
 */
export async function createInvitation(
  client: Queryable,
  operatorId: string,
  invitation: NewInvitation,
): Promise<{ invitationId: string; mail: string; link: string }> {
  const [mail, link] = [newSecret(), newSecret()];
  const { rows } = await client.query<{ invitation_id: string }>(
    `insert into invitation (operator_id, email, role, site_ids, member_expires_at, mail_hash, link_hash, recovery,
       created_by, expires_at, driver_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(days => $10), $11) returning invitation_id`,
    [
      ...[
        operatorId,
        invitation.email.toLowerCase(),
        invitation.role,
        invitation.siteIds,
        invitation.expiresAt,
      ],
      ...[digest(mail), digest(link), invitation.recovery ?? false, invitation.createdBy, INVITATION_DAYS],
      invitation.driverId ?? null,
    ],
  );
  return { invitationId: rows[0]?.invitation_id ?? "", mail, link };
}

export type OpenInvitation = Membership & {
  invitationId: string;
  operatorId: string;
  operatorName: string;
  email: string;
  recovery: boolean;
  createdBy: string;
  /** The secret came by mail. */
  mailed: boolean;
  /** The account of its address, if there is one. */
  userId: string | null;
  /** Who accepts is this driver. */
  driverId: string | null;
};

/** The invitation of a secret, while it can be accepted; its row is locked. */
export async function findInvitation(client: Queryable, secret: string): Promise<OpenInvitation | undefined> {
  const { rows } = await client.query<{
    invitation_id: string;
    operator_id: string;
    operator_name: string;
    email: string;
    role: Role;
    site_ids: string[] | null;
    member_expires_at: Date | null;
    recovery: boolean;
    created_by: string;
    mailed: boolean;
    user_id: string | null;
    driver_id: string | null;
  }>(
    `select i.*, o.name as operator_name, i.mail_hash = $1 as mailed,
       (select u.id from auth_user u where u.email = i.email) as user_id
     from invitation i join operator o using (operator_id)
     where (i.mail_hash = $1 or i.link_hash = $1) and i.accepted_at is null and i.revoked_at is null
       and i.expires_at > now() and (i.member_expires_at is null or i.member_expires_at > now())
     for update of i`,
    [digest(secret)],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    invitationId: row.invitation_id,
    operatorId: row.operator_id,
    operatorName: row.operator_name,
    email: row.email,
    role: row.role,
    siteIds: row.site_ids,
    expiresAt: row.member_expires_at,
    recovery: row.recovery,
    createdBy: row.created_by,
    mailed: row.mailed,
    userId: row.user_id,
    driverId: row.driver_id,
  };
}

/** Makes the membership; the invitation is used up. `person`: who has no account yet, or recovers theirs. */
export async function acceptInvitation(
  client: Client,
  invitation: OpenInvitation,
  person: { name: string; password: string } | undefined,
): Promise<string> {
  let { userId } = invitation;
  if (userId === null) {
    if (person === undefined) throw new AppError("NAME_MISSING", "a new account needs a name and a password");
    const { email, mailed } = invitation;
    userId = await createPerson(client, { ...person, email, emailVerified: mailed });
  } else if (invitation.recovery && person !== undefined) {
    await recoverPerson(client, userId, person.password);
  }
  // Of somebody who is a member an invitation changes nothing: it could take away as well as give.
  const { operatorId, recovery, createdBy } = invitation;
  const widen = recovery && invitation.role === "owner";
  const made = await addMember(client, operatorId, userId, invitation, createdBy, widen);
  if (!made && !recovery) throw new AppError("ALREADY_MEMBER", `${invitation.email} is a member already`);
  await client.query("update invitation set accepted_at = now(), accepted_by = $2 where invitation_id = $1", [
    invitation.invitationId,
    userId,
  ]);
  await linkDriver(client, invitation, userId);
  return userId;
}

/** A driver that is somebody already, or nobody any more, stays as it is. */
async function linkDriver(client: Client, invitation: OpenInvitation, userId: string): Promise<void> {
  const { operatorId, driverId } = invitation;
  if (driverId === null) return;
  await client.query(
    `update driver d set user_id = $3, version = version + 1, updated_at = now()
     where operator_id = $1 and driver_id = $2 and user_id is null and status <> 'erased'
       and not exists (select from driver o where o.operator_id = $1 and o.user_id = $3)`,
    [operatorId, driverId, userId],
  );
}

/**
 * From the command line of the SG: an invitation that also lets in again who has lost password or second
 * factor. @returns the secret of the link.
 */
export function inviteFromConsole(
  pool: Pool,
  operatorId: string,
  email: string,
  role: Role,
): Promise<string> {
  return inTransaction(pool, async (client) => {
    const invitation = { email, role, siteIds: null, expiresAt: null, createdBy: "console", recovery: true };
    const { invitationId, link } = await createInvitation(client, operatorId, invitation);
    const by = { operatorId, actor: "console", requestId: "console" };
    const what = { subject: invitationId, detail: { email, role, recovery: true } };
    await writeAudit(client, { ...by, action: "invitation.create", ...what });
    return link;
  });
}
