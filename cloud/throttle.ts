/**
 * What keeps guessing slow: attempts counted in PostgreSQL, so that they count whichever copy of the API they
 * come to.
 *
 * Invariants: an attempt is counted before it is looked at, so that many at once are not many free guesses; a
 * name that nobody has is counted like any other; names and addresses are stored hashed; a block ends by
 * itself and the count begins anew. IPv6 addresses count by their /64, which is what one subscriber has.
 */
import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import type { Pool, Queryable } from "./db/pool.ts";

export type ThrottleRule = {
  /** Attempts within the window; one more blocks. */
  attempts: number;
  windowS: number;
  blockS: number;
};

export const THROTTLES = {
  /** Wrong passwords of one account from one address: closed for who tries, not for its owner elsewhere. */
  "account-here": { attempts: 8, windowS: 900, blockS: 900 },
  /** Wrong passwords of one account, wherever they come from: it takes many addresses to close it for all. */
  account: { attempts: 50, windowS: 900, blockS: 900 },
  /** From one address, over all accounts: an office behind one address has room. */
  address: { attempts: 60, windowS: 900, blockS: 900 },
  /** Challenges for passkeys, each of which is a row: a sign-in page asks for one when it opens. */
  challenge: { attempts: 240, windowS: 900, blockS: 300 },
  /** Mails to one mailbox. */
  mailbox: { attempts: 4, windowS: 3_600, blockS: 3_600 },
  /** Mails that one address may cause. */
  mailer: { attempts: 20, windowS: 3_600, blockS: 3_600 },
  /** Payments that guests of one address begin: a parking garage may be behind one. */
  guest: { attempts: 60, windowS: 600, blockS: 300 },
  /** Payments that one driver begins for what it owes. */
  payer: { attempts: 30, windowS: 600, blockS: 300 },
  /** Invitations of one operator. */
  inviter: { attempts: 200, windowS: 3_600, blockS: 3_600 },
} as const satisfies Record<string, ThrottleRule>;
export type ThrottleKind = keyof typeof THROTTLES;

/** What of an address counts as one. */
export function addressGroup(address: string): string {
  if (!ipaddr.isValid(address)) return address.slice(0, 100);
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${parsed.toByteArray().slice(0, 8).join(".")}/64`;
}

const keyOf = (kind: ThrottleKind, name: string): string =>
  `${kind}:${createHash("sha256").update(name).digest("base64url")}`;

/**
 * Counts one attempt. @returns in how many seconds to come back; undefined: go on.
 */
export async function countAttempt(
  pool: Queryable,
  kind: ThrottleKind,
  name: string,
): Promise<number | undefined> {
  const { attempts, windowS, blockS } = THROTTLES[kind];
  const { rows } = await pool.query<{ retry_after_s: number | null }>(
    `insert into auth_throttle as t (key, count, since) values ($1, 1, now())
     on conflict (key) do update set (count, since, blocked_until) = (
       select case when blocked then t.count when anew then 1 else t.count + 1 end,
              case when anew then now() else t.since end,
              case when blocked then t.blocked_until
                   when not anew and t.count >= $2 then now() + make_interval(secs => $4) end
       from (select t.blocked_until is not null and t.blocked_until > now() as blocked) b,
            lateral (select not blocked and (t.blocked_until is not null
                       or t.since < now() - make_interval(secs => $3)) as anew) a)
     returning ceil(extract(epoch from blocked_until - now()))::int as retry_after_s`,
    [keyOf(kind, name), attempts, windowS, blockS],
  );
  return rows[0]?.retry_after_s ?? undefined;
}

/** The attempts were no guesses. */
export async function forgetAttempts(pool: Queryable, kind: ThrottleKind, name: string): Promise<void> {
  await pool.query("delete from auth_throttle where key = $1", [keyOf(kind, name)]);
}

/** The last attempt was no guess. */
export async function uncountAttempt(pool: Queryable, kind: ThrottleKind, name: string): Promise<void> {
  await pool.query(
    "update auth_throttle set count = greatest(count - 1, 0) where key = $1 and blocked_until is null",
    [keyOf(kind, name)],
  );
}

/** Removes what has run out: sessions, challenges, codes, counts. @returns how many. */
export async function cleanSignIn(pool: Pool): Promise<number> {
  let removed = 0;
  for (const sql of [
    "delete from auth_session where expires_at < now()",
    "delete from auth_verification where expires_at < now()",
    "delete from auth_used_code where used_at < now() - interval '1 hour'",
    `delete from auth_throttle where since < now() - interval '1 day'
       and (blocked_until is null or blocked_until < now())`,
    "delete from setup_code where expires_at < now()",
  ])
    removed += (await pool.query(sql)).rowCount ?? 0;
  return removed;
}
