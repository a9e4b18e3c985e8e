/**
 * Asks providers for what is wanted of payments: captures, cancellations, refunds. Level-triggered: what is
 * to be done follows from the rows each time, and a write that may have been done is asked again with the
 * same key.
 *
 * Invariants: nothing is asked inside a transaction; a payment is worked on by one copy at a time, for as
 * long as its lease (`due_at`) lasts, and the keys hold where a lease runs out; amounts of a write that was
 * sent once do not change until it is known that it was not done.
 */
import { describeError } from "../../shared/errors.ts";
import { nextAction } from "../core/payment.ts";
import { inTransaction, type Client } from "../db/pool.ts";
import { find } from "./books.ts";
import { ProviderFault, type Provider, type Told } from "./provider.ts";
import type { Pay } from "./providers.ts";
import type { PaymentRow, RefundRow } from "./rows.ts";
import { lockPayment, refOf, requestRefund, takeTold } from "./store.ts";

const LEASE_S = 120;
const BATCH = 20;
const AT_A_TIME = 4;
/** Steps of one payment in one go: refund after refund, each of them one. */
const STEPS_MAX = 6;
/** A provider that does not answer: told to people after so many tries. */
const TRIES_TOLD = 5;
const BACKOFF_S_MAX = 600;
/** What was refused is asked anew, later and later: somebody may have put right what it was refused for. */
const REFUSED_AGAIN_S = 3_600;
const REFUSED_AGAIN_S_MAX = 86_400;

type Plan =
  | { do: "capture"; row: PaymentRow; amountMinor: number }
  | { do: "cancel"; row: PaymentRow }
  | { do: "refund"; row: PaymentRow; refund: RefundRow };

/** @returns how many payments there was something to do about. */
export async function workPayments(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<{ payment_id: string }>(
    `with due as (
       select payment_id from payment where due_at <= now() order by due_at limit ${BATCH} for update skip locked
     )
     update payment p set due_at = now() + interval '${LEASE_S} seconds', attempts = p.attempts + 1
     from due where p.payment_id = due.payment_id returning p.payment_id`,
  );
  const failures: unknown[] = [];
  const work = (id: string) => workPayment(pay, id).catch((error: unknown) => failures.push(error));
  for (let from = 0; from < rows.length; from += AT_A_TIME)
    await Promise.all(rows.slice(from, from + AT_A_TIME).map((row) => work(row.payment_id)));
  // After all others: what fails here is our database, and their lease need not run out for it.
  if (failures.length > 0) throw failures[0];
  return rows.length;
}

/** Everything there is to do about one payment. Never throws for what a provider does. */
export async function workPayment(pay: Pay, paymentId: string): Promise<void> {
  let taken: Plan["do"] | undefined;
  for (let step = 0; step < STEPS_MAX; step++) {
    const plan = await inTransaction(pay.pool, (client) => planOf(client, paymentId));
    if (plan === undefined) return;
    if (plan.do === taken)
      return onUnreachable(pay, plan.row, `the provider took the ${plan.do}, and nothing has changed there`);
    let provider: Provider | undefined;
    try {
      provider = (await pay.providers.get(pay.pool, plan.row.provider_id)).provider;
      const told = await perform(provider, plan);
      const { changed } = await inTransaction(pay.pool, async (client) => {
        await reachable(client, paymentId);
        return takeTold(client, paymentId, told, "answer");
      });
      taken = changed ? undefined : plan.do;
    } catch (error) {
      const refused = error instanceof ProviderFault && error.kind === "refused" && provider !== undefined;
      if (refused) await onRefused(pay, provider as Provider, plan, error);
      else await onUnreachable(pay, plan.row, describeError(error));
      return;
    }
  }
}

/** What comes next, written down before it is asked. */
async function planOf(client: Client, paymentId: string): Promise<Plan | undefined> {
  const { row, state, refunds, unsentMinor } = await lockPayment(client, paymentId);
  const unsent = refunds.find((refund) => refund.status === "requested");
  if (unsent !== undefined) return sent(client, row, unsent);
  const action = nextAction(state, row.keep_minor ?? undefined, unsentMinor);
  switch (action.do) {
    case "nothing":
      await client.query("update payment set due_at = null, attempts = 0 where payment_id = $1", [paymentId]);
      return undefined;
    case "cancel":
      return { do: "cancel", row };
    case "capture": {
      const amountMinor = row.capture_asked_minor ?? action.amountMinor;
      await client.query("update payment set capture_asked_minor = $2 where payment_id = $1", [
        paymentId,
        amountMinor,
      ]);
      return { do: "capture", row, amountMinor };
    }
    case "refund": {
      const asked = { by: "sg", reason: row.keep_reason ?? "more than the price" };
      return sent(client, row, await requestRefund(client, row, action.amountMinor, asked));
    }
  }
}

async function sent(client: Client, row: PaymentRow, refund: RefundRow): Promise<Plan> {
  await client.query("update refund set sent_at = coalesce(sent_at, now()) where refund_id = $1", [
    refund.refund_id,
  ]);
  return { do: "refund", row, refund };
}

function perform(provider: Provider, plan: Plan): Promise<Told> {
  const ref = refOf(plan.row);
  switch (plan.do) {
    case "capture": {
      const idempotencyKey = writeKey(plan.row, `capture:${plan.amountMinor}`);
      return provider.capture(ref, { amountMinor: plan.amountMinor, idempotencyKey });
    }
    case "cancel":
      // The provider never gave a place to pay, or its answer was lost: no payer has ever seen one.
      if (ref.checkoutId === undefined && ref.providerPaymentId === undefined)
        return Promise.resolve({ facts: { progress: "cancelled" } });
      return provider.cancel(ref, { idempotencyKey: writeKey(plan.row, "cancel") });
    case "refund": {
      const { refund_id: refundId, amount_minor: amountMinor } = plan.refund;
      return provider.refund(ref, { refundId, amountMinor, idempotencyKey: refundId });
    }
  }
}

/** A provider gives the same answer to the same key: what was refused is another write the next time. */
const writeKey = (row: PaymentRow, write: string): string =>
  [row.payment_id, write, ...(row.refusals === 0 ? [] : [row.refusals])].join(":");

async function reachable(client: Client, paymentId: string): Promise<void> {
  await client.query(
    "update payment set last_error = null where payment_id = $1 and last_error is not null",
    [paymentId],
  );
  await client.query(
    `update payment_finding set repaired = true
     where payment_id = $1 and kind in ('provider-unreachable', 'provider-refused') and not repaired`,
    [paymentId],
  );
}

/** It may have been done: asked again, later and later. */
async function onUnreachable(pay: Pay, row: PaymentRow, reason: string): Promise<void> {
  await inTransaction(pay.pool, async (client) => {
    const { rows } = await client.query<{ attempts: number }>(
      `update payment set last_error = $2,
         due_at = now() + least(${BACKOFF_S_MAX}, 2 * 2 ^ least(attempts, 12)) * interval '1 second'
       where payment_id = $1 returning attempts`,
      [row.payment_id, reason.slice(0, 500)],
    );
    if ((rows[0]?.attempts ?? 0) >= TRIES_TOLD)
      await find(client, row, "provider-unreachable", { reason: reason.slice(0, 500) }, false);
  });
}

/** It was not done, and the same will not be: what is there instead decides what comes next. */
async function onRefused(pay: Pay, provider: Provider, plan: Plan, fault: ProviderFault): Promise<void> {
  const { row } = plan;
  const reason = fault.message.slice(0, 500);
  let told: Told;
  try {
    told = await provider.fetch(refOf(row));
  } catch (error) {
    return onUnreachable(pay, row, describeError(error));
  }
  await inTransaction(pay.pool, async (client) => {
    await takeTold(client, row.payment_id, told, "fetch");
    if (plan.do === "refund") {
      await client.query(
        `update refund set status = 'failed', failure = $2, updated_at = now()
         where refund_id = $1 and provider_refund_id is null`,
        [plan.refund.refund_id, reason],
      );
      await find(client, row, "refund-failed", { amountMinor: plan.refund.amount_minor, reason }, false);
    }
    const { state, row: now, unsentMinor } = await lockPayment(client, row.payment_id);
    const again = nextAction(state, now.keep_minor ?? undefined, unsentMinor).do;
    if (again === plan.do && plan.do !== "refund")
      await find(client, row, "provider-refused", { what: plan.do, reason }, false);
    // It was certainly not done: the next time it may be another amount, and is another write.
    await client.query(
      `update payment set last_error = $2, capture_asked_minor = null,
         refusals = refusals + case when $4 then 1 else 0 end,
         due_at = case when not $3 then now() + interval '1 second' *
           least(${REFUSED_AGAIN_S_MAX}, ${REFUSED_AGAIN_S} * 2 ^ least(refusals, 10)) end
       where payment_id = $1`,
      [row.payment_id, reason, again === "nothing", plan.do !== "refund"],
    );
  });
}
