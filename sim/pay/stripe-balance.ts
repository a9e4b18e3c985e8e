/**
 * The balance of the stand-in for Stripe: an entry per charge, refund and dispute with what is kept of it, and
 * payouts to the bank. Entries of charges may come late, as they do where a capture is carried out behind.
 */
import { randomBytes } from "node:crypto";
import type { Request, Response } from "./server.ts";

type Entry = {
  id: string;
  object: "balance_transaction";
  type: string;
  amount: number;
  currency: string;
  exchange_rate: number | null;
  fee: number;
  net: number;
  created: number;
};
type Payout = {
  id: string;
  object: "payout";
  amount: number;
  currency: string;
  status: string;
  created: number;
  arrival_date: number;
  balance_transaction: Entry | string;
  failure_code: string | null;
  failure_message: string | null;
};
type Wish = { type: string; amount: number; currency: string; fee?: number };

export type StripeBalance = ReturnType<typeof createBalance>;

const id = (prefix: string) => `${prefix}_${randomBytes(12).toString("hex")}`;
const nowS = () => Math.trunc(Date.now() / 1_000);

export function createBalance(emit: (type: string, object: object) => void) {
  const entries = new Map<string, Entry>();
  const payouts: Payout[] = [];
  const late: (() => void)[] = [];

  const balance = {
    /** Of a charge, in hundredths of a percent, and what is kept of each besides. */
    feeBp: 0,
    feeFixed: 0,
    disputeFee: 0,
    /** The account is kept in this currency, and one unit of others is so many of it. */
    settles: undefined as { currency: string; rate: number } | undefined,
    /** Entries of charges come when `settle` is called. */
    late: false,
    /** The key may read balances and payouts. */
    readable: true,

    entry({ type, amount, currency, fee }: Wish): Entry {
      const { settles } = balance;
      const other = settles !== undefined && settles.currency !== currency;
      const kept = other ? Math.round(amount * settles.rate) : amount;
      const own = type === "charge" ? Math.round((kept * balance.feeBp) / 10_000) + balance.feeFixed : 0;
      return {
        ...{ id: id("txn"), object: "balance_transaction", type, amount: kept, created: nowS() },
        ...{ currency: other ? settles.currency : currency, exchange_rate: other ? settles.rate : null },
        ...{ fee: fee ?? own, net: kept - (fee ?? own) },
      };
    },
    /** @param then it was late, and is there now. */
    enter(source: string, wish: Wish, then?: () => void): void {
      const now = () => entries.set(source, balance.entry(wish));
      if (!balance.late || wish.type !== "charge") return void now();
      late.push(() => {
        now();
        then?.();
      });
    },
    /** What was late is there. */
    settle: () => late.splice(0).forEach((one) => one()),
    of(source: string, expanded: boolean): Entry | string | null {
      const entry = entries.get(source);
      return entry === undefined ? null : expanded ? entry : entry.id;
    },

    payOut(amount: number, currency: string, more: { fee?: number; createdS?: number } = {}): string {
      const created = more.createdS ?? nowS();
      const entry = { type: "payout", amount: -amount, currency, fee: more.fee ?? 0 };
      const payout: Payout = {
        ...{ id: id("po"), object: "payout", amount, currency, status: "in_transit", created },
        ...{ arrival_date: created + 86_400, balance_transaction: balance.entry(entry) },
        ...{ failure_code: null, failure_message: null },
      };
      payouts.unshift(payout);
      emit("payout.created", told(payout, false));
      return payout.id;
    },
    payoutEnds(payoutId: string, status: "paid" | "failed" | "canceled"): void {
      const payout = payouts.find((one) => one.id === payoutId);
      if (payout === undefined) throw new Error("the stand-in for Stripe knows no such payout");
      payout.status = status;
      if (status === "failed")
        Object.assign(payout, { failure_code: "account_closed", failure_message: "The account is closed." });
      emit(`payout.${status}`, told(payout, false));
    },
    list({ query }: Request): Response {
      const since = Number(query.get("created[gte]") ?? 0);
      const limit = Number(query.get("limit") ?? 10);
      const after = query.get("starting_after");
      const from = after === null ? 0 : payouts.findIndex((one) => one.id === after) + 1;
      const fit = payouts.slice(from).filter((one) => one.created >= since);
      const data = fit.slice(0, limit).map((one) => told(one, query.has("expand[0]")));
      return {
        status: 200,
        body: { object: "list", data, has_more: fit.length > limit, url: "/v1/payouts" },
      };
    },
  };

  const told = (payout: Payout, expanded: boolean) => {
    const entry = payout.balance_transaction;
    return { ...payout, balance_transaction: expanded || typeof entry === "string" ? entry : entry.id };
  };
  return balance;
}
