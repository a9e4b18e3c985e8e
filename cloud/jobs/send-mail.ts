/**
 * The outbox of mails → the mail server. A mail is claimed for a while, tried, and its outcome written; a copy
 * that dies in between has claimed it in vain, and another one tries after that while.
 */
import { MAIL_AT_ONCE, OUTBOX_LEASE_MS } from "../../shared/limits.ts";
import { MAIL_PAUSES_MS, pauseAfter } from "../core/retry.ts";
import type { Pool } from "../db/pool.ts";
import type { Mailer, MailOutcome, OutgoingMail } from "../mail.ts";

type Claimed = OutgoingMail & { attempts: number };

const CLAIM = `
  update mail m set attempts = m.attempts + 1, next_at = now() + $2 * interval '1 millisecond'
  from (select mail_id from mail where status = 'waiting' and next_at <= now()
        order by next_at limit $1 for update skip locked) due
  where m.mail_id = due.mail_id
  returning m.mail_id, m.recipient, m.title, m.content, m.attempts`;

const SENT = `
  update mail set status = 'sent', content = null, last_error = null, finished_at = now() where mail_id = $1`;
// What was refused may be tried again by a person: its content stays until it is trimmed.
const FAILED = "update mail set status = 'failed', last_error = $2, finished_at = now() where mail_id = $1";
const LATER = `
  update mail set last_error = $2, next_at = now() + $3 * interval '1 millisecond' where mail_id = $1`;

async function settle(pool: Pool, mail: Claimed, outcome: MailOutcome): Promise<void> {
  if (outcome.kind === "sent") return void (await pool.query(SENT, [mail.mail_id]));
  const pause =
    outcome.kind === "refused" ? undefined : pauseAfter(MAIL_PAUSES_MS, mail.attempts, Math.random());
  if (pause === undefined) await pool.query(FAILED, [mail.mail_id, outcome.reason]);
  else await pool.query(LATER, [mail.mail_id, outcome.reason, pause]);
}

/** Tries what is due until nothing is. @returns how many tries. */
export async function sendMails(pool: Pool, mailer: Mailer): Promise<number> {
  for (let tried = 0; ;) {
    const { rows } = await pool.query<Claimed>(CLAIM, [MAIL_AT_ONCE, OUTBOX_LEASE_MS]);
    await Promise.all(rows.map(async (mail) => settle(pool, mail, await mailer.send(mail))));
    tried += rows.length;
    if (rows.length < MAIL_AT_ONCE) return tried;
  }
}
