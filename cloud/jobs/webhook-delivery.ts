/**
 * The outbox of events → the endpoints. A delivery is claimed for a while, tried, and its outcome written; a
 * copy that dies in between has claimed it in vain, and it goes out again after that while, under the same
 * webhook-id.
 *
 * An endpoint that is slow or away holds up nobody else: so many tries at a time, and of them so many to one
 * endpoint. No order is promised.
 */
import {
  OUTBOX_LEASE_MS,
  WEBHOOK_AT_ONCE,
  WEBHOOK_AT_ONCE_PER_ENDPOINT,
  WEBHOOK_RETRY_AFTER_MS_MAX,
} from "../../shared/limits.ts";
import { pauseAfter, WEBHOOK_PAUSES_MS } from "../core/retry.ts";
import { AppError } from "../../shared/errors.ts";
import type { Pool } from "../db/pool.ts";
import type { SecretBox } from "../pay/secrets.ts";
import { openWebhookSecret, type StoredSecret } from "../webhook-secrets.ts";
import { sendWebhook, succeeded, type Answer, type WebhookSettings } from "../webhook-send.ts";

type Claimed = {
  delivery_id: string;
  endpoint_id: string;
  event_id: string;
  attempts: number;
  url: string;
  secret: string | null;
  sealed_secret: Buffer | null;
  old_secret: string | null;
  sealed_old_secret: Buffer | null;
  type: string;
  at: Date;
  data: unknown;
};

/** $1 how many, $2 of one endpoint at most, $3 endpoints with enough under way, $4 lease in ms. */
const CLAIM = `
  with due as (
    select d.delivery_id from webhook_endpoint w
    cross join lateral (
      select x.delivery_id, x.next_at from webhook_delivery x
      where x.endpoint_id = w.endpoint_id and x.status = 'pending' and x.next_at <= now()
      order by x.next_at limit $2 for update skip locked
    ) d
    where w.enabled and w.endpoint_id <> all ($3::uuid[])
    order by d.next_at limit $1
  )
  update webhook_delivery d set attempts = d.attempts + 1, next_at = now() + $4 * interval '1 millisecond'
  from due, webhook_endpoint w, webhook_event e
  where d.delivery_id = due.delivery_id and w.endpoint_id = d.endpoint_id and e.event_id = d.event_id
  returning d.delivery_id, d.endpoint_id, d.event_id, d.attempts, w.url, w.secret, w.sealed_secret,
    case when w.old_secret_until > now() then w.old_secret end as old_secret,
    case when w.old_secret_until > now() then w.sealed_old_secret end as sealed_old_secret, e.type, e.at, e.data`;

/** $6: the pause in ms; null: there is no other try. What a person has sent again meanwhile stays sent again. */
const SETTLE = `
  update webhook_delivery set last_at = now(), last_status = $3, last_error = $4, last_response = $5,
    status = case when $7 then 'delivered' when $6::float8 is null then 'failed' else 'pending' end,
    finished_at = case when $7 or $6::float8 is null then now() end,
    next_at = case when $7 or $6::float8 is null then next_at else now() + $6 * interval '1 millisecond' end
  where delivery_id = $1 and status = 'pending' and attempts = $2`;

const FARES_WELL = `
  update webhook_endpoint set failing_since = null where endpoint_id = $1 and failing_since is not null`;
const FARES_ILL = `
  update webhook_endpoint set failing_since = now() where endpoint_id = $1 and failing_since is null`;
const GONE = `
  update webhook_endpoint set enabled = false, disabled_because = 'gone', updated_at = now()
  where endpoint_id = $1 and enabled and url = $2`;

/** What is posted: Standard Webhooks' envelope. */
export const bodyOf = (event: { type: string; at: Date; data: unknown }): string =>
  JSON.stringify({ type: event.type, timestamp: event.at.toISOString(), data: event.data });

/** @throws AppError where it is sealed with a key that we do not have. */
function secretOf(box: SecretBox | undefined, endpointId: string, stored: StoredSecret): string | undefined {
  if (box !== undefined) return openWebhookSecret(box, endpointId, stored);
  if (stored.sealed === null) return stored.plain ?? undefined;
  throw new AppError("SECRETS_KEY_MISSING", "its secret is sealed, and there is no key");
}

/**
 * What signs: while a secret is being changed there are two. Of an old one that does not open any more nothing
 * is told: the change may have been made because of that. @throws AppError.
 */
function secretsOf(box: SecretBox | undefined, c: Claimed): string[] {
  const own = secretOf(box, c.endpoint_id, { plain: c.secret, sealed: c.sealed_secret });
  let old: string | undefined;
  try {
    old = secretOf(box, c.endpoint_id, { plain: c.old_secret, sealed: c.sealed_old_secret });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  return [own, old].filter((secret) => secret !== undefined);
}

/** @param box opens secrets. */
export function createDeliverer(pool: Pool, settings: WebhookSettings, box?: SecretBox) {
  const underWay = new Map<string, number>();
  const tries = new Set<Promise<void>>();

  async function settle(claimed: Claimed, answer: Answer): Promise<void> {
    const { delivery_id, endpoint_id, attempts } = claimed;
    const done = succeeded(answer);
    const asked = Math.min(answer.retryAfterMs ?? 0, WEBHOOK_RETRY_AFTER_MS_MAX);
    const pause =
      done || answer.status === 410
        ? undefined
        : pauseAfter(WEBHOOK_PAUSES_MS, attempts, Math.random(), asked);
    const error = done ? null : (answer.error ?? `it answered ${answer.status}`);
    await pool.query(SETTLE, [
      ...[delivery_id, attempts, answer.status ?? null, error?.slice(0, 500) ?? null],
      ...[answer.response ?? null, pause ?? null, done],
    ]);
    await pool.query(done ? FARES_WELL : FARES_ILL, [endpoint_id]);
    if (answer.status === 410) await pool.query(GONE, [endpoint_id, claimed.url]);
  }

  async function send(claimed: Claimed): Promise<Answer> {
    const { event_id: eventId, url } = claimed;
    try {
      const secrets = secretsOf(box, claimed);
      return await sendWebhook({ eventId, url, secrets, body: bodyOf(claimed) }, settings);
    } catch (error) {
      // Told to people with the delivery, and tried again: the right key may come back.
      if (error instanceof AppError) return { error: `not signed: ${error.message}` };
      throw error;
    }
  }

  async function attempt(claimed: Claimed): Promise<void> {
    const { endpoint_id: id } = claimed;
    underWay.set(id, (underWay.get(id) ?? 0) + 1);
    try {
      await settle(claimed, await send(claimed));
    } catch {
      // The database is away: the claim ends by itself, and it is tried again.
    } finally {
      const left = (underWay.get(id) ?? 1) - 1;
      if (left === 0) underWay.delete(id);
      else underWay.set(id, left);
    }
  }

  return {
    /** Begins what is due, as far as there is room. @returns how many tries it began. */
    async begin(): Promise<number> {
      const room = WEBHOOK_AT_ONCE - tries.size;
      if (room <= 0) return 0;
      const busy = [...underWay]
        .filter(([, count]) => count >= WEBHOOK_AT_ONCE_PER_ENDPOINT)
        .map(([id]) => id);
      const params = [room, WEBHOOK_AT_ONCE_PER_ENDPOINT, busy, OUTBOX_LEASE_MS];
      const { rows } = await pool.query<Claimed>(CLAIM, params);
      for (const claimed of rows) {
        const one: Promise<void> = attempt(claimed).finally(() => tries.delete(one));
        tries.add(one);
      }
      return rows.length;
    },
    /** Until what was begun has ended: tries are bounded in time. */
    async settled(): Promise<void> {
      while (tries.size > 0) await Promise.all(tries);
    },
  };
}
