/**
 * Payments in PostgreSQL: what was told becomes rows, postings and events, in one transaction.
 *
 * Invariants: the row of the payment is locked while facts are applied, so that copies apply them one after
 * another; whatever is still to be asked of the provider follows from the rows (`nextAction`) and is marked
 * by `due_at`. Nothing here talks to a provider.
 */
import { randomUUID } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import {
  applyFacts,
  goodwillMinor,
  keepAfterRefund,
  keptMinor,
  matchRefunds,
  nextAction,
  paysBalance,
  refundedMinor,
  shortfallMinor,
  statusOf,
  type PaymentState,
  type PaymentStatus,
} from "../core/payment.ts";
import type { Client, Queryable } from "../db/pool.ts";
import { bookGoodwill, bookMove, find, tellOf } from "./books.ts";
import { AWAITS_FEE, awaitsFee, takeSettlements } from "./fees.ts";
import type { PaymentRef, Told } from "./provider.ts";
import type { Payment, PaymentRow, RefundRow } from "./rows.ts";

/**
 * Rows → the state that facts are applied to. A refund that failed before it had a name counts as one of
 * ours.
 */
export function paymentOf(row: PaymentRow, refunds: RefundRow[]): Payment {
  const told = refunds.filter((refund) => refund.provider_refund_id !== null || refund.status === "failed");
  const state: PaymentState = {
    flow: row.flow,
    progress: row.progress,
    authorizedMinor: row.authorized_minor,
    capturedMinor: row.captured_minor,
    refunds: Object.fromEntries(
      told.map((refund) => [
        refund.provider_refund_id ?? `own:${refund.refund_id}`,
        { amountMinor: refund.amount_minor, status: refund.status },
      ]),
    ),
    dispute: row.dispute,
    disputedMinor: row.disputed_minor,
    disputeAtMs: row.dispute_told_at?.getTime() ?? 0,
    settlements: row.settlements,
  };
  const unsentMinor = refunds
    .filter((refund) => refund.provider_refund_id === null && refund.status !== "failed")
    .reduce((sum, refund) => sum + refund.amount_minor, 0);
  return { row, refunds, state, unsentMinor };
}

/** Reads a payment and keeps others from changing it. @param client inside a transaction. */
export async function lockPayment(client: Client, paymentId: string): Promise<Payment> {
  const { rows } = await client.query<PaymentRow>("select * from payment where payment_id = $1 for update", [
    paymentId,
  ]);
  const [row] = rows;
  if (row === undefined) throw new AppError("PAYMENT_UNKNOWN", `there is no payment ${paymentId}`);
  return paymentOf(row, await readRefunds(client, paymentId));
}

export async function readRefunds(db: Queryable, ...paymentIds: string[]): Promise<RefundRow[]> {
  const sql = "select * from refund where payment_id = any($1::uuid[]) order by created_at, refund_id";
  return (await db.query<RefundRow>(sql, [paymentIds])).rows;
}

export const refOf = (row: PaymentRow): PaymentRef => ({
  paymentId: row.payment_id,
  currency: row.currency,
  checkoutId: row.checkout_id ?? undefined,
  providerPaymentId: row.provider_payment_id ?? undefined,
});

/** What is owed and cannot be had from it. A balance stays owed on its own account: nothing of it is missing here. */
const missingMinor = ({ account }: PaymentRow, state: PaymentState, keepMinor: number | undefined): number =>
  paysBalance(account) ? 0 : shortfallMinor(state, keepMinor);

/** SQL: when a payment `p` is to be compared with its provider next, as it stands. */
export const CHECK_AT = `payment_check_at(p.status,
  ${AWAITS_FEE} or exists (select from refund r where r.payment_id = p.payment_id and r.status = 'pending'),
  p.created_at)`;

/** Who tells: a webhook, an answer to a write, or the provider asked what it has. */
export type Teller = "webhook" | "answer" | "fetch";

/**
 * What a provider has told of a payment.
 * @param client inside a transaction.
 * @returns whether anything was new, and the status before and after.
 */
export async function takeTold(
  client: Client,
  paymentId: string,
  told: Told,
  by: Teller,
): Promise<{ changed: boolean; before: PaymentStatus; after: PaymentStatus; payment: Payment }> {
  const known = await lockPayment(client, paymentId);
  await nameRefunds(client, known, told);
  const named = told.facts.refunds === undefined ? known : await lockPayment(client, paymentId);
  const { settlements = [], ...facts } = told.facts;
  const { state, moves, settled } = applyFacts(named.state, {
    ...facts,
    settlements: known.row.fees_by_hand ? [] : settlements,
  });
  await writeRefunds(client, named, state);
  const written = await writeState(client, named, state, told, by);
  const isSettledAnew = state.settlements !== named.state.settlements;
  const row = isSettledAnew ? await takeSettlements(client, written, state, settled) : written;
  for (const move of moves) await bookMove(client, row, named.refunds, move);
  const payment = paymentOf(row, await readRefunds(client, paymentId));
  await tellOf(client, known.row.status, row, moves);
  const before = known.row.status;
  const changed = JSON.stringify(state) !== JSON.stringify(known.state);
  if (changed) await wakeGuest(client, paymentId);
  return { changed, before, after: row.status, payment };
}

/** Refunds that the provider names get their names; those made there get a row. */
async function nameRefunds(client: Client, { row, refunds }: Payment, told: Told): Promise<void> {
  const own = refunds.map((refund) => ({
    refundId: refund.refund_id,
    providerRefundId: refund.provider_refund_id ?? undefined,
    amountMinor: refund.amount_minor,
    sent: refund.sent_at !== null && refund.status !== "failed",
  }));
  for (const { fact, refundId } of matchRefunds(own, told.facts.refunds ?? [])) {
    if (refundId === undefined) {
      const madeThere = randomUUID();
      if (fact.status !== "failed")
        await forgive(
          client,
          await lockPayment(client, row.payment_id),
          madeThere,
          fact.amountMinor,
          "made at the provider",
        );
      await client.query(
        `insert into refund (refund_id, operator_id, site_id, payment_id, amount_minor, currency, status, reason,
           requested_by, provider_refund_id, sent_at)
         values ($1, $2, $3, $4, $5, $6, 'pending', 'made at the provider', 'provider', $7, now())`,
        [
          ...[madeThere, row.operator_id, row.site_id, row.payment_id, fact.amountMinor, row.currency],
          fact.providerRefundId,
        ],
      );
    } else {
      await client.query(
        `update refund set provider_refund_id = $2, updated_at = now(),
           status = case when status = 'requested' then 'pending' else status end
         where refund_id = $1 and provider_refund_id is null`,
        [refundId, fact.providerRefundId],
      );
    }
  }
}

async function writeRefunds(client: Client, before: Payment, state: PaymentState): Promise<void> {
  for (const [providerRefundId, { status }] of Object.entries(state.refunds)) {
    if (before.state.refunds[providerRefundId]?.status === status) continue;
    await client.query(
      `update refund set status = $3, updated_at = now(),
         failure = case when $3 = 'failed' then coalesce(failure, 'the bank or the provider did not take it') end
       where payment_id = $1 and provider_refund_id = $2`,
      [before.row.payment_id, providerRefundId, status],
    );
  }
}

async function writeState(
  client: Client,
  { row, refunds }: Payment,
  state: PaymentState,
  told: Told,
  by: Teller,
): Promise<PaymentRow> {
  const now = paymentOf(row, refunds);
  const due =
    nextAction(state, row.keep_minor ?? undefined, now.unsentMinor).do !== "nothing" || hasUnsent(refunds);
  const missing = missingMinor(row, state, row.keep_minor ?? undefined);
  const shortfall = missing > 0;
  const { rows } = await client.query<PaymentRow>(
    `update payment set progress = $2, authorized_minor = $3, captured_minor = $4, refunded_minor = $5, dispute = $6,
       disputed_minor = $7, status = $8, decline_code = coalesce($9, decline_code),
       checkout_id = coalesce(checkout_id, $10), provider_payment_id = coalesce(provider_payment_id, $11),
       paid_at = case when $12 then coalesce(paid_at, now()) else paid_at end,
       heard_at = case when $13 = 'webhook' then now() else heard_at end,
       checked_at = case when $13 = 'webhook' then checked_at else now() end,
       due_at = case when not $14 then null else coalesce(due_at, now()) end,
       check_at = payment_check_at($8, $17, created_at),
       attempts = case when $14 then attempts else 0 end,
       flags = case when $15 and not 'shortfall' = any (flags) then flags || '{shortfall}'
                    when not $15 then array_remove(flags, 'shortfall') else flags end,
       dispute_told_at = case when $16::float8 > 0 then to_timestamp($16::float8 / 1000) end, updated_at = now()
     where payment_id = $1 returning *`,
    [
      ...[row.payment_id, state.progress, state.authorizedMinor, state.capturedMinor, refundedMinor(state)],
      ...[state.dispute, state.disputedMinor, statusOf(state), told.declineCode ?? null],
      ...[told.checkoutId ?? null, told.providerPaymentId ?? null],
      ...[state.progress === "authorized" || state.capturedMinor > 0, by, due, shortfall, state.disputeAtMs],
      awaitsFee(row, state) || Object.values(state.refunds).some((refund) => refund.status === "pending"),
    ],
  );
  const [written] = rows;
  if (written === undefined) throw new AppError("PAYMENT_UNKNOWN", `there is no payment ${row.payment_id}`);
  if (shortfall)
    await find(client, written, "shortfall", { owedMinor: missing, keptMinor: keptMinor(state) }, false);
  return written;
}

const hasUnsent = (refunds: readonly RefundRow[]): boolean =>
  refunds.some((refund) => refund.status === "requested");

/** What we want to keep in the end. Asked of the provider by the job, and at once where somebody waits. */
export async function keep(
  client: Client,
  paymentId: string,
  priceMinor: number,
  reason: string,
): Promise<Payment> {
  const payment = await lockPayment(client, paymentId);
  const { row, state, refunds, unsentMinor } = payment;
  // What was forgiven stays forgiven when the price becomes another one.
  const keepMinor = Math.max(0, priceMinor - row.goodwill_minor);
  const due = nextAction(state, keepMinor, unsentMinor).do !== "nothing" || hasUnsent(refunds);
  const owedMinor = missingMinor(row, state, keepMinor);
  const { rows } = await client.query<PaymentRow>(
    `update payment set keep_minor = $2, keep_reason = $3, updated_at = now(), attempts = 0,
       due_at = case when $4 then now() end,
       flags = case when $5 and not 'shortfall' = any (flags) then flags || '{shortfall}' else flags end
     where payment_id = $1 returning *`,
    [row.payment_id, keepMinor, reason, due, owedMinor > 0],
  );
  const written = rows[0] ?? row;
  if (owedMinor > 0)
    await find(client, written, "shortfall", { owedMinor, keptMinor: keptMinor(state) }, false);
  return paymentOf(written, refunds);
}

/**
 * What is given back of a guest's bill though it is owed is written off, and the price of this payment is so
 * much lower from then on.
 */
async function forgive(
  client: Client,
  { row, state, unsentMinor }: Payment,
  refundId: string,
  amountMinor: number,
  note: string,
): Promise<void> {
  if (paysBalance(row.account)) return;
  const forgivenMinor = goodwillMinor(state, row.keep_minor ?? undefined, unsentMinor, amountMinor);
  if (forgivenMinor === 0) return;
  await bookGoodwill(client, row, refundId, forgivenMinor, note);
  await client.query(
    `update payment set keep_minor = keep_minor - $2, goodwill_minor = goodwill_minor + $2 where payment_id = $1`,
    [row.payment_id, forgivenMinor],
  );
}

/** An operator gives money back. @param client inside a transaction, which has locked the payment. */
export async function giveBack(
  client: Client,
  payment: Payment,
  amountMinor: number,
  asked: { by: string; reason: string },
): Promise<RefundRow> {
  const { row } = payment;
  const refund = await requestRefund(client, row, amountMinor, asked);
  await forgive(client, payment, refund.refund_id, amountMinor, asked.reason);
  const left =
    paysBalance(row.account) && row.keep_minor !== null
      ? keepAfterRefund(payment.state, row.keep_minor, payment.unsentMinor, amountMinor)
      : null;
  await client.query(
    `update payment set keep_minor = coalesce($2, keep_minor), due_at = now(), attempts = 0, updated_at = now()
     where payment_id = $1`,
    [row.payment_id, left],
  );
  await wakeGuest(client, row.payment_id);
  return refund;
}

/** A refund that is to be asked for; it goes out with the next look at the payment. */
export async function requestRefund(
  client: Client,
  row: PaymentRow,
  amountMinor: number,
  asked: { by: string; reason: string },
): Promise<RefundRow> {
  const { rows } = await client.query<RefundRow>(
    `insert into refund (refund_id, operator_id, site_id, payment_id, amount_minor, currency, reason, requested_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
    [
      ...[randomUUID(), row.operator_id, row.site_id, row.payment_id, amountMinor, row.currency],
      ...[asked.reason, asked.by],
    ],
  );
  const [refund] = rows;
  if (refund === undefined) throw new Error("insert returned no row");
  return refund;
}

/** The guest's session is looked at next. */
export async function wakeGuest(client: Queryable, paymentId: string): Promise<void> {
  await client.query("update guest_session set look_at = now() where payment_id = $1", [paymentId]);
}
