/**
 * Stripe's own books: balance transactions, which say what it keeps of charges, refunds and disputes and what
 * they became in the currency of the account, and payouts.
 *
 * Invariants: a balance transaction never changes, so its id is the entry's; it may be missing for a moment after
 * a capture. A key that may not read balances or payouts still tells everything else of payments.
 */
import { Stripe } from "stripe";
import { PAYOUT_STATUS, type PayoutFact } from "../core/payout.ts";
import type { SettlementFact } from "../core/settlement.ts";
import { given } from "../../shared/given.ts";
import type { PayoutPage } from "./provider.ts";

/**
 * Stripe counts these otherwise than ISO 4217: two digits where there are none, none where there are two, or a last
 * digit that must be 0.
 * https://docs.stripe.com/currencies#special-cases
 */
const OTHER_UNITS = new Set("ISK UGX MGA BHD JOD KWD OMR TND IQD LYD UYI".split(" "));
export const isStripeCurrency = (currency: string): boolean => !OTHER_UNITS.has(currency);

const PAYOUTS_A_PAGE = 100;

/** Asks for the books as well, and without them where the key may not read them. */
export async function withBooks<T>(ask: (expand: string[]) => Promise<T>, ...expand: string[]): Promise<T> {
  try {
    return await ask(expand);
  } catch (cause) {
    if (!(cause instanceof Stripe.errors.StripePermissionError)) throw cause;
    return ask([]);
  }
}

/** @param source what it is about, by the amount and the currency that the payer sees. */
function entryFact(
  of: SettlementFact["of"],
  entry: Stripe.BalanceTransaction | string | null | undefined,
  source: { amountMinor: number; currency: string },
): SettlementFact[] {
  if (entry === null || entry === undefined || typeof entry === "string") return [];
  const currency = entry.currency.toUpperCase();
  if (!isStripeCurrency(currency)) return [];
  const fromMinor = entry.amount < 0 ? -source.amountMinor : source.amountMinor;
  const same = currency === source.currency.toUpperCase();
  return [
    {
      ...{ entryId: entry.id, of, currency, feeMinor: entry.fee },
      ...(same ? {} : { exchanged: { fromMinor, toMinor: entry.amount } }),
    },
  ];
}

export const chargeEntries = (charge: Stripe.Charge): SettlementFact[] =>
  entryFact("charge", charge.balance_transaction, {
    amountMinor: charge.amount_captured,
    currency: charge.currency,
  });

export const refundEntries = (refund: Stripe.Refund): SettlementFact[] =>
  [refund.balance_transaction, refund.failure_balance_transaction].flatMap((entry) =>
    entryFact("refund", entry, { amountMinor: refund.amount, currency: refund.currency }),
  );

/** What was taken, and given back where it ended in our favour. */
export const disputeEntries = (dispute: Stripe.Dispute): SettlementFact[] =>
  dispute.balance_transactions.flatMap((entry) =>
    entryFact("dispute", entry, { amountMinor: dispute.amount, currency: dispute.currency }),
  );

/** undefined: in a currency whose amounts we do not count as Stripe does. */
export function payoutFact(payout: Stripe.Payout): PayoutFact | undefined {
  const currency = payout.currency.toUpperCase();
  if (!isStripeCurrency(currency)) return undefined;
  const entry = payout.balance_transaction;
  return {
    payoutId: payout.id,
    amountMinor: payout.amount,
    currency,
    status: PAYOUT_STATUS.find((status) => status === payout.status) ?? "pending",
    createdAt: new Date(payout.created * 1_000),
    arrivesAt: new Date(payout.arrival_date * 1_000),
    ...given("feeMinor", entry === null || typeof entry === "string" ? undefined : entry.fee),
    ...given("failure", payout.failure_message ?? payout.failure_code ?? undefined),
  };
}

export async function listPayouts(
  stripe: Stripe,
  since: Date,
  from: string | undefined,
): Promise<PayoutPage> {
  const list = await withBooks(
    (expand) =>
      stripe.payouts.list({
        created: { gte: Math.trunc(since.getTime() / 1_000) },
        limit: PAYOUTS_A_PAGE,
        expand,
        ...given("starting_after", from),
      }),
    "data.balance_transaction",
  );
  return {
    payouts: list.data.flatMap((payout) => payoutFact(payout) ?? []),
    next: list.has_more ? list.data.at(-1)?.id : undefined,
  };
}
