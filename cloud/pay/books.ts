/**
 * What a payment's moves of money mean outside of it: postings in the ledger, events for whoever listens,
 * findings for people. Always in the transaction in which the payment's row changes.
 */
import { chargeback, overpaymentRefund, paymentReceived, refund, writeOff } from "../core/ledger.ts";
import { paysBalance, type Move, type PaymentStatus } from "../core/payment.ts";
import type { WebhookType } from "../core/webhook-types.ts";
import type { Queryable } from "../db/pool.ts";
import { post, reverse } from "../ledger.ts";
import { emit } from "../webhooks.ts";
import type { PaymentRow, RefundRow } from "./rows.ts";

/** A move of money, in the ledger: once, by a reference of its own. */
export async function bookMove(
  client: Queryable,
  row: PaymentRow,
  refunds: readonly RefundRow[],
  move: Move,
): Promise<void> {
  const base = {
    occurredAt: Date.now(),
    currency: row.currency,
    amountMinor: move.amountMinor,
    paymentId: row.payment_id,
    payer: row.account,
    provider: row.kind,
  };
  const reference = `payment:${row.payment_id}`;
  switch (move.kind) {
    case "captured": {
      // More than once only where a provider takes more than it was asked for.
      const first = move.amountMinor === row.captured_minor;
      const what = row.flow === "prepay" ? "paid" : "captured";
      const name = first ? what : `${what}:${row.captured_minor}`;
      await post(client, row.operator_id, paymentReceived({ ...base, reference: `${reference}:${name}` }));
      return;
    }
    case "refunded":
    case "refund-failed": {
      const known = refunds.find(({ provider_refund_id: id }) => id === move.providerRefundId);
      const name = `${reference}:refund:${known?.refund_id ?? move.providerRefundId}`;
      if (move.kind === "refunded")
        // Of a balance all was owed: what goes back is owed again.
        await post(
          client,
          row.operator_id,
          (paysBalance(row.account) ? refund : overpaymentRefund)({ ...base, reference: name }),
        );
      else
        await reverse(client, row.operator_id, name, { occurredAt: Date.now(), note: "the refund failed" });
      return;
    }
    case "disputed": {
      // Again where the bank wants more than it did, or takes what it had given back.
      const before = await chargebacks(client, row);
      const name = `${reference}:chargeback${before.length === 0 ? "" : `:${before.length + 1}`}`;
      await post(client, row.operator_id, chargeback({ ...base, reference: name }));
      return;
    }
    case "dispute-ended":
      for (const { reference: name, open } of await chargebacks(client, row))
        if (open)
          await reverse(client, row.operator_id, name, {
            occurredAt: Date.now(),
            note: "the dispute ended in our favour",
          });
  }
}

/** What is given back though it is owed. */
export async function bookGoodwill(
  client: Queryable,
  row: PaymentRow,
  refundId: string,
  amountMinor: number,
  note: string,
): Promise<void> {
  const posting = writeOff({
    reference: `payment:${row.payment_id}:goodwill:${refundId}`,
    occurredAt: Date.now(),
    ...{ currency: row.currency, amountMinor, paymentId: row.payment_id, note: note.slice(0, 200) },
    payer: row.account,
  });
  await post(client, row.operator_id, posting);
}

/** What banks took back of a payment; open: and did not give again. The payment's row is locked. */
async function chargebacks(
  client: Queryable,
  row: PaymentRow,
): Promise<{ reference: string; open: boolean }[]> {
  const { rows } = await client.query<{ reference: string; open: boolean }>(
    `select p.reference, not exists (
       select from ledger_posting r where r.operator_id = p.operator_id and r.reverses = p.reference) as open
     from ledger_posting p where p.operator_id = $1 and p.payment_id = $2 and p.kind = 'chargeback'
     order by p.booked_at`,
    [row.operator_id, row.payment_id],
  );
  return rows;
}

const STATUS_EVENT: Partial<Record<PaymentStatus, WebhookType>> = {
  authorized: "payment.authorized",
  paid: "payment.captured",
  captured: "payment.captured",
  cancelled: "payment.cancelled",
  failed: "payment.failed",
  expired: "payment.failed",
};

/** Whoever listens outside, and people who must look. */
export async function tellOf(
  client: Queryable,
  before: PaymentStatus,
  row: PaymentRow,
  moves: readonly Move[],
): Promise<void> {
  const data = { paymentId: row.payment_id, stationId: row.station_id, currency: row.currency };
  const type = STATUS_EVENT[row.status];
  if (type !== undefined && row.status !== before) {
    const amountMinor = row.captured_minor > 0 ? row.captured_minor : row.authorized_minor;
    const key = `${type}:${row.payment_id}:${row.status}`;
    await emit(
      client,
      row.operator_id,
      type,
      { ...data, amountMinor },
      { siteId: row.site_id ?? undefined, key },
    );
  }
  for (const move of moves) {
    if (move.kind === "refunded") {
      const key = `payment.refunded:${row.payment_id}:${move.providerRefundId}`;
      const told = { ...data, amountMinor: move.amountMinor };
      await emit(client, row.operator_id, "payment.refunded", told, {
        siteId: row.site_id ?? undefined,
        key,
      });
    }
    if (move.kind === "refund-failed")
      await find(client, row, "refund-failed", { amountMinor: move.amountMinor }, false);
    if (move.kind === "disputed" || move.kind === "dispute-ended")
      await find(client, row, "disputed", { amountMinor: move.amountMinor }, move.kind === "dispute-ended");
  }
  if (row.flow === "prepay" && row.captured_minor > row.amount_minor)
    await find(
      client,
      row,
      "amount-differs",
      { askedMinor: row.amount_minor, paidMinor: row.captured_minor },
      false,
    );
}

export type FindingKind =
  | "webhook-missing"
  | "provider-unreachable"
  | "provider-refused"
  | "amount-differs"
  | "refund-failed"
  | "shortfall"
  | "late-transaction"
  | "disputed"
  | "currency-differs";

/**
 * Something that a person should know. One of a kind for each payment, the last word counts; what a person
 * has closed stays closed until there is something else to say.
 */
export async function find(
  client: Queryable,
  row: Pick<PaymentRow, "operator_id" | "site_id" | "payment_id">,
  kind: FindingKind,
  detail: object,
  repaired: boolean,
): Promise<void> {
  await client.query(
    `insert into payment_finding (operator_id, site_id, payment_id, kind, detail, repaired)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (payment_id, kind) do update
       set detail = excluded.detail, found_at = now(), repaired = excluded.repaired,
         resolved_at = null, resolved_by = null, note = null
       where payment_finding.resolved_at is null or payment_finding.detail <> excluded.detail`,
    [row.operator_id, row.site_id, row.payment_id, kind, JSON.stringify(detail), repaired],
  );
}
