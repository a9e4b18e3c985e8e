/** A driver's payments of what it owes: what is asked for, how long it is looked at, how each state looks. */
import { queryOptions, type QueryClient } from "@tanstack/react-query";
import type { OwnDebt, OwnPayment } from "../../api/own-schemas.ts";
import { call } from "./client.ts";
import { PAYMENT_LOOK } from "./payments.ts";

/** Somebody waits for it. */
const OPEN_MS = 2_000;
/** Money that goes back takes its time. */
const BACK_MS = 15_000;

export const ownDebtsQuery = () =>
  queryOptions({
    queryKey: ["own", "debts"],
    queryFn: ({ signal }) => call("listOwnDebts", { signal }),
  });

/** All that is owed in a currency: what a card had charged before it was the driver's, too. Pure. */
export const owedIn = (debts: readonly Pick<OwnDebt, "currency" | "owedMinor">[], currency: string): number =>
  debts.reduce((sum, debt) => sum + (debt.currency === currency ? debt.owedMinor : 0), 0);

/** When to look again; false: nothing will change by itself. Pure. */
export const lookAgainMs = ({ open, refundPendingMinor }: OwnPayment): number | false =>
  open ? OPEN_MS : refundPendingMinor > 0 ? BACK_MS : false;

export const ownPaymentQuery = (paymentId: string) =>
  queryOptions<OwnPayment>({
    queryKey: ["own", "payment", paymentId],
    refetchInterval: ({ state: { data } }) => (data === undefined ? false : lookAgainMs(data)),
    queryFn: ({ signal }) => call("getOwnPayment", { path: { paymentId }, signal }),
  });

/** What is owed, and was paid, is asked for anew. */
export const forgetOwed = (client: QueryClient): Promise<unknown> =>
  Promise.all(
    ["debts", "profile", "payments"].map((part) => client.invalidateQueries({ queryKey: ["own", part] })),
  );

export const OWN_PAYMENT_LOOK = {
  ...PAYMENT_LOOK,
  authorized: { icon: "clock", tone: "neutral" },
  paid: { icon: "check", tone: "accent" },
  refunded: { icon: "out", tone: "neutral" },
} as const satisfies typeof PAYMENT_LOOK;
