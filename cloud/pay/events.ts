/**
 * Webhooks of providers: verified, stored as they came, then read. What says everything by itself is read in
 * the transaction that stores it; what says only that something has happened waits for the job, which asks
 * the provider.
 *
 * Invariants: a message is stored once, however often it is delivered; reading it again changes nothing that
 * was right.
 */
import { AppError, describeError } from "../../shared/errors.ts";
import { inTransaction, type Client } from "../db/pool.ts";
import { takePayout } from "./payouts.ts";
import { WebhookRefused, type ProviderEvent, type WebhookRequest } from "./provider.ts";
import type { KnownProvider, Pay, ProviderRow } from "./providers.ts";
import type { PaymentRow } from "./rows.ts";
import { refOf, takeTold } from "./store.ts";

const LEASE_S = 60;
const BATCH = 20;
const AT_A_TIME = 4;
/** The first webhook of a payment may be faster than the answer that tells us its id. */
const UNKNOWN_TRIES_MAX = 8;
const TRIES_MAX = 20;
const BACKOFF_S_MAX = 900;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Outcome = "applied" | "unchanged" | "not-ours" | "unknown-payment" | "failed";
type EventRow = { event_id: number; provider_id: string; body: Buffer; attempts: number };

export type Taken = "unknown-endpoint" | "refused" | "taken" | "repeated";

/** A webhook has come in. Answered once it is stored; nobody is asked anything meanwhile. */
export async function takeWebhook(
  pay: Pay,
  kind: string,
  endpointId: string,
  request: WebhookRequest,
): Promise<Taken> {
  const { rows } = await pay.pool.query<ProviderRow>(
    "select * from payment_provider where endpoint_id = $1 and kind = $2",
    [endpointId, kind],
  );
  if (rows[0] === undefined) return "unknown-endpoint";
  const known = pay.providers.open(rows[0]);
  let event: ProviderEvent;
  try {
    known.provider.verifyWebhook(request);
    event = known.provider.readEvent(request.body);
  } catch (error) {
    if (error instanceof WebhookRefused) return "refused";
    throw error;
  }
  return inTransaction(pay.pool, (client) => storeEvent(client, known, event, request.body));
}

async function storeEvent(
  client: Client,
  { row }: KnownProvider,
  event: ProviderEvent,
  body: Buffer,
): Promise<"taken" | "repeated"> {
  const { rows } = await client.query<{ event_id: number; deliveries: number }>(
    `insert into payment_event as e (operator_id, provider_id, provider_event_id, type, occurred_at, body)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (provider_id, provider_event_id) do update set deliveries = e.deliveries + 1
     returning event_id, deliveries`,
    [
      ...[row.operator_id, row.provider_id, event.eventId.slice(0, 200), event.type.slice(0, 100)],
      ...[event.occurredAt ?? null, body],
    ],
  );
  const [stored] = rows;
  if (stored === undefined) throw new AppError("EVENT_LOST", "a stored event was not returned");
  if (stored.deliveries > 1) return "repeated";
  if (event.payout !== undefined)
    await close(client, stored.event_id, await takePayout(client, row, event.payout));
  else if (event.about === undefined) await close(client, stored.event_id, "not-ours");
  else if (event.told !== undefined) await readTold(client, row.provider_id, stored.event_id, event);
  return "taken";
}

/** Which payment of this provider it is about, if we know it yet. */
async function paymentAbout(
  client: Client,
  providerId: string,
  about: NonNullable<ProviderEvent["about"]>,
): Promise<PaymentRow | undefined> {
  const { paymentId, providerPaymentId, checkoutId } = about;
  const { rows } = await client.query<PaymentRow>(
    `select * from payment where provider_id = $1
       and (payment_id = $2::uuid or provider_payment_id = $3 or checkout_id = $4) limit 1`,
    [
      providerId,
      paymentId !== undefined && UUID.test(paymentId) ? paymentId : null,
      providerPaymentId ?? null,
      checkoutId ?? null,
    ],
  );
  return rows[0];
}

/** Applies an event that says everything. @returns false: its payment is not known yet. */
async function readTold(
  client: Client,
  providerId: string,
  eventId: number,
  { about, told }: ProviderEvent,
): Promise<boolean> {
  if (about === undefined || told === undefined) return false;
  const row = await paymentAbout(client, providerId, about);
  if (row === undefined) return false;
  const { changed } = await takeTold(client, row.payment_id, told, "webhook");
  await close(client, eventId, changed ? "applied" : "unchanged", row);
  return true;
}

async function close(
  client: Client,
  eventId: number,
  outcome: Outcome,
  row?: PaymentRow,
  error?: string,
): Promise<void> {
  await client.query(
    `update payment_event set outcome = $2, due_at = null, processed_at = now(), last_error = $5,
       payment_id = coalesce($3, payment_id), site_id = coalesce($4, site_id) where event_id = $1`,
    [eventId, outcome, row?.payment_id ?? null, row?.site_id ?? null, error ?? null],
  );
}

/**
 * Reads what waits to be read: what has to be asked, what came too early, what is replayed. @returns how
 * many.
 */
export async function workEvents(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<EventRow>(
    `with due as (
       select event_id from payment_event where due_at <= now() order by due_at limit ${BATCH} for update skip locked
     )
     update payment_event e set due_at = now() + interval '${LEASE_S} seconds', attempts = e.attempts + 1
     from due where e.event_id = due.event_id returning e.event_id, e.provider_id, e.body, e.attempts`,
  );
  for (let from = 0; from < rows.length; from += AT_A_TIME)
    await Promise.all(rows.slice(from, from + AT_A_TIME).map((row) => workEvent(pay, row)));
  return rows.length;
}

async function workEvent(pay: Pay, row: EventRow): Promise<void> {
  try {
    const { provider, row: account } = await pay.providers.get(pay.pool, row.provider_id);
    const event = provider.readEvent(row.body);
    const { about, payout } = event;
    if (payout !== undefined)
      return await inTransaction(pay.pool, async (client) =>
        close(client, row.event_id, await takePayout(client, account, payout)),
      );
    if (about === undefined)
      return await inTransaction(pay.pool, (client) => close(client, row.event_id, "not-ours"));
    const payment = await inTransaction(pay.pool, (client) => paymentAbout(client, row.provider_id, about));
    if (payment === undefined)
      return await later(
        pay,
        row,
        "its payment is not known",
        UNKNOWN_TRIES_MAX,
        // Without our id it may be of anything that the account sells.
        about.paymentId === undefined ? "not-ours" : "unknown-payment",
      );
    const told = event.told ?? (await provider.fetch(refOf(payment)));
    await inTransaction(pay.pool, (client) =>
      readTold(client, row.provider_id, row.event_id, { ...event, told }),
    );
  } catch (error) {
    await later(pay, row, describeError(error), TRIES_MAX, "failed");
  }
}

async function later(
  pay: Pay,
  row: EventRow,
  reason: string,
  triesMax: number,
  outcome: Outcome,
): Promise<void> {
  if (row.attempts >= triesMax)
    return inTransaction(pay.pool, (client) =>
      close(client, row.event_id, outcome, undefined, reason.slice(0, 500)),
    );
  await pay.pool.query(
    `update payment_event set last_error = $2,
       due_at = now() + least(${BACKOFF_S_MAX}, 2 ^ least(attempts, 12)) * interval '1 second' where event_id = $1`,
    [row.event_id, reason.slice(0, 500)],
  );
}

/** Has an event read again. @returns false: there is none. */
export async function replayEvent(
  db: Pick<Client, "query">,
  operatorId: string,
  eventId: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update payment_event set outcome = null, due_at = now(), attempts = 0, last_error = null
     where operator_id = $1 and event_id = $2`,
    [operatorId, eventId],
  );
  return (rowCount ?? 0) > 0;
}
