/**
 * A payment as its provider tells of it: facts in, state and money that moved out.
 *
 * Facts come as webhooks, as answers and from reconciliation: several times, late, in any order. So the state
 * only ever rises: amounts by their highest, progress and refunds by rank, disputes by rank or by the newest
 * word. Whatever the order, the same facts end in the same state, and the moves of money add up to the same
 * sums. Nothing here decides what we want of a payment beyond `nextAction`; nothing asks a provider.
 *
 * It pays for an account of the ledger: a guest's own, which its charging will be billed to, or a balance that
 * is owed already. Of a balance all is wanted from the beginning, and what is not had of it stays owed where it was.
 */
import { parseAccount, type Account } from "./ledger.ts";

/** What is owed already is paid, and not what a guest is about to charge. */
export const paysBalance = (account: Account): boolean => parseAccount(account)?.kind !== "guest";

import {
  mergeSettlements,
  type SettlementFact,
  type SettlementMove,
  type Settlements,
} from "./settlement.ts";

/**
 * `authorize`: reserved, then captured up to what was reserved. `prepay`: paid at once, the rest is given
 * back.
 */
export type PaymentFlow = "authorize" | "prepay";

/**
 * By rank. A declined attempt may be followed by a good one, an expired page by money that was on its way.
 */
export const PROGRESS = ["created", "pending", "failed", "expired", "authorized", "cancelled"] as const;
export type Progress = (typeof PROGRESS)[number];

/** A provider may say that a refund has succeeded and later that the bank sent it back. */
export const REFUND_STATUS = ["requested", "pending", "succeeded", "failed"] as const;
export type RefundStatus = (typeof REFUND_STATUS)[number];

/** By rank, where the provider says not when it said so. */
export const DISPUTE = ["none", "open", "won", "lost"] as const;
export type Dispute = (typeof DISPUTE)[number];

export const PAYMENT_STATUS = [
  "created",
  "pending",
  "authorized",
  "paid",
  "captured",
  "partially_refunded",
  "refunded",
  "cancelled",
  "failed",
  "expired",
  "disputed",
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUS)[number];

export type RefundFact = {
  providerRefundId: string;
  amountMinor: number;
  status: Exclude<RefundStatus, "requested">;
  /** Ours, where the provider carries it. */
  refundId?: string;
};

/** What one message of a provider says. Absent: it says nothing of that. */
export type PaymentFacts = {
  progress?: Exclude<Progress, "created">;
  authorizedMinor?: number;
  capturedMinor?: number;
  refunds?: readonly RefundFact[];
  dispute?: DisputeFact;
  settlements?: readonly SettlementFact[];
};

/**
 * `atMs`: when the provider last changed what it tells, where disputes may end as if there had been none (a
 * mediation at Mercado Pago): the newest word counts then, whenever it is heard.
 */
export type DisputeFact = { state: Dispute; amountMinor: number; atMs?: number };

export type PaymentState = {
  flow: PaymentFlow;
  progress: Progress;
  authorizedMinor: number;
  capturedMinor: number;
  /** By the provider's id. */
  refunds: Readonly<Record<string, { amountMinor: number; status: RefundStatus }>>;
  dispute: Dispute;
  disputedMinor: number;
  /** When the provider said so; 0 where it does not say. */
  disputeAtMs: number;
  /** By the provider's id of the entry in its own books. */
  settlements: Settlements;
};

/**
 * Money that has moved between the provider and us since the state before, and moves that were taken back.
 */
export type Move =
  | { kind: "captured"; amountMinor: number }
  | { kind: "refunded" | "refund-failed"; providerRefundId: string; amountMinor: number }
  | { kind: "disputed" | "dispute-ended"; amountMinor: number };

export const newPayment = (flow: PaymentFlow): PaymentState => ({
  flow,
  progress: "created",
  authorizedMinor: 0,
  capturedMinor: 0,
  refunds: {},
  dispute: "none",
  disputedMinor: 0,
  disputeAtMs: 0,
  settlements: {},
});

const higher = <T extends string>(order: readonly T[], a: T, b: T): T =>
  order.indexOf(a) >= order.indexOf(b) ? a : b;

function mergeRefunds(known: PaymentState["refunds"], told: readonly RefundFact[]): PaymentState["refunds"] {
  if (told.length === 0) return known;
  const merged: Record<string, { amountMinor: number; status: RefundStatus }> = { ...known };
  for (const { providerRefundId, amountMinor, status } of told) {
    const before = Object.hasOwn(merged, providerRefundId) ? merged[providerRefundId] : undefined;
    merged[providerRefundId] = {
      amountMinor: Math.max(amountMinor, before?.amountMinor ?? 0),
      status: before === undefined ? status : higher(REFUND_STATUS, before.status, status),
    };
  }
  return merged;
}

const sumOf = (refunds: PaymentState["refunds"], counts: (status: RefundStatus) => boolean): number =>
  Object.values(refunds).reduce((sum, refund) => sum + (counts(refund.status) ? refund.amountMinor : 0), 0);

/** What has gone back to the payer. */
export const refundedMinor = (state: PaymentState): number =>
  sumOf(state.refunds, (status) => status === "succeeded");

/** What has gone back, or is on its way. */
export const givenBackMinor = (state: PaymentState): number =>
  sumOf(state.refunds, (status) => status !== "failed");

/** Held back by the provider, or lost to the payer. */
const withheldMinor = ({ dispute, disputedMinor }: PaymentState): number =>
  dispute === "open" || dispute === "lost" ? disputedMinor : 0;

/** What we have of it now. */
export const keptMinor = (state: PaymentState): number =>
  state.capturedMinor - refundedMinor(state) - withheldMinor(state);

function movesBetween(before: PaymentState, after: PaymentState): Move[] {
  const moves: Move[] = [];
  const captured = after.capturedMinor - before.capturedMinor;
  if (captured > 0) moves.push({ kind: "captured", amountMinor: captured });
  for (const [providerRefundId, { amountMinor, status }] of Object.entries(after.refunds)) {
    const was = Object.hasOwn(before.refunds, providerRefundId)
      ? before.refunds[providerRefundId]?.status
      : undefined;
    if (status === "succeeded" && was !== "succeeded")
      moves.push({ kind: "refunded", providerRefundId, amountMinor });
    if (status === "failed" && was === "succeeded")
      moves.push({ kind: "refund-failed", providerRefundId, amountMinor });
  }
  const withheld = withheldMinor(after) - withheldMinor(before);
  if (withheld > 0) moves.push({ kind: "disputed", amountMinor: withheld });
  if (withheld < 0) moves.push({ kind: "dispute-ended", amountMinor: -withheld });
  return moves;
}

type Disputed = Pick<PaymentState, "dispute" | "disputedMinor" | "disputeAtMs">;

function mergeDispute(
  { dispute, disputedMinor, disputeAtMs }: Disputed,
  told: DisputeFact | undefined,
): Disputed {
  if (told === undefined) return { dispute, disputedMinor, disputeAtMs };
  const atMs = told.atMs ?? 0;
  return {
    dispute:
      atMs === disputeAtMs ? higher(DISPUTE, dispute, told.state) : atMs > disputeAtMs ? told.state : dispute,
    disputedMinor: Math.max(disputedMinor, told.amountMinor),
    disputeAtMs: Math.max(disputeAtMs, atMs),
  };
}

/**
 * The state after one more message, the money that has moved by it, and what the provider's own books say anew.
 */
export function applyFacts(
  state: PaymentState,
  facts: PaymentFacts,
): { state: PaymentState; moves: Move[]; settled: SettlementMove[] } {
  const { settlements, moves: settled } = mergeSettlements(state.settlements, facts.settlements ?? []);
  const captured = Math.max(state.capturedMinor, facts.capturedMinor ?? 0);
  const after: PaymentState = {
    flow: state.flow,
    progress:
      facts.progress === undefined ? state.progress : higher(PROGRESS, state.progress, facts.progress),
    // What was captured had been authorized, whether or not anybody told.
    authorizedMinor: Math.max(state.authorizedMinor, facts.authorizedMinor ?? 0, captured),
    capturedMinor: captured,
    refunds: mergeRefunds(state.refunds, facts.refunds ?? []),
    ...mergeDispute(state, facts.dispute),
    settlements,
  };
  return { state: after, moves: movesBetween(state, after), settled };
}

/** The one word for it. Money that has moved counts more than any word about the attempt. */
export function statusOf(state: PaymentState): PaymentStatus {
  if (state.dispute === "open" || state.dispute === "lost") return "disputed";
  if (state.capturedMinor > 0) {
    const refunded = refundedMinor(state);
    if (refunded >= state.capturedMinor) return "refunded";
    if (refunded > 0) return "partially_refunded";
    return state.flow === "prepay" ? "paid" : "captured";
  }
  return state.progress;
}

/** Nothing more will come of it by itself. */
export const isOver = (state: PaymentState): boolean =>
  state.capturedMinor === 0 && (state.progress === "cancelled" || state.progress === "expired");

/**
 * What may be charged at most. @param unsentMinor refunds that have not reached the provider yet.
 */
export const availableMinor = (state: PaymentState, unsentMinor = 0): number =>
  state.capturedMinor > 0
    ? Math.max(0, state.capturedMinor - givenBackMinor(state) - unsentMinor)
    : state.authorizedMinor;

/** The payer has done his part: a card is authorized, or money has come and was not given back. */
export const isGood = (state: PaymentState, unsentMinor = 0): boolean =>
  state.capturedMinor > 0 ? availableMinor(state, unsentMinor) > 0 : state.progress === "authorized";

export type PaymentAction =
  | { do: "nothing" }
  | { do: "capture"; amountMinor: number }
  | { do: "cancel" }
  | { do: "refund"; amountMinor: number };

/** After so many refunds of one payment have failed, a person must look. */
export const REFUND_FAILURES_MAX = 3;

/**
 * What is to be asked of the provider, so that in the end we keep what we want to keep.
 * @param keepMinor undefined: not known yet. 0: everything goes back.
 * @param unsentMinor refunds that are written down already and have not reached the provider.
 */
export function nextAction(
  state: PaymentState,
  keepMinor: number | undefined,
  unsentMinor = 0,
): PaymentAction {
  if (keepMinor === undefined) return { do: "nothing" };
  if (state.capturedMinor > 0) {
    const failures = Object.values(state.refunds).filter(({ status }) => status === "failed").length;
    // The bank decides about the money in dispute.
    if (failures >= REFUND_FAILURES_MAX || state.dispute === "open" || state.dispute === "lost")
      return { do: "nothing" };
    const excess = state.capturedMinor - keepMinor - givenBackMinor(state) - unsentMinor;
    return excess > 0 ? { do: "refund", amountMinor: excess } : { do: "nothing" };
  }
  if (state.progress === "cancelled" || state.progress === "expired") return { do: "nothing" };
  if (keepMinor === 0) return { do: "cancel" };
  return state.progress === "authorized"
    ? { do: "capture", amountMinor: Math.min(keepMinor, state.authorizedMinor) }
    : { do: "nothing" };
}

/** What is owed and can not be had from this payment any more; 0 while that is not certain. */
export function shortfallMinor(state: PaymentState, keepMinor: number | undefined): number {
  if (keepMinor === undefined) return 0;
  const settled = state.capturedMinor > 0 || state.progress === "cancelled" || state.progress === "expired";
  return settled ? Math.max(0, keepMinor - (state.capturedMinor - givenBackMinor(state))) : 0;
}

/**
 * What of an amount that is given back is owed all the same: that much is forgiven.
 * @param keepMinor what we want to keep; undefined: the price is not known, nothing is forgiven.
 */
export function goodwillMinor(
  state: PaymentState,
  keepMinor: number | undefined,
  unsentMinor: number,
  amountMinor: number,
): number {
  if (keepMinor === undefined) return 0;
  const excess = Math.max(0, state.capturedMinor - keepMinor - givenBackMinor(state) - unsentMinor);
  return Math.min(keepMinor, Math.max(0, amountMinor - excess));
}

/**
 * What is to be kept of a balance that was paid, once an operator gives an amount back: that much is owed again.
 * @param unsentMinor without this refund.
 */
export const keepAfterRefund = (
  state: PaymentState,
  keepMinor: number,
  unsentMinor: number,
  amountMinor: number,
): number =>
  Math.min(keepMinor, Math.max(0, state.capturedMinor - givenBackMinor(state) - unsentMinor - amountMinor));

/** Somebody may still pay it, or its money is being taken: of an account there is one such at a time. */
export const isUnderWay = (state: PaymentState, keepMinor: number | undefined): boolean =>
  state.capturedMinor === 0 &&
  keepMinor !== 0 &&
  state.progress !== "cancelled" &&
  state.progress !== "expired";

/** How much of it an operator may still give back. */
export const refundableMinor = (state: PaymentState, unsentMinor = 0): number =>
  Math.max(0, state.capturedMinor - givenBackMinor(state) - withheldMinor(state) - unsentMinor);

/**
 * Which refunds of ours the provider's refunds are. One that carries our id, or whose id we know, is that
 * one; else the first of ours that has been sent, has no id yet and is of the same amount; else it was made
 * at the provider.
 */
export function matchRefunds(
  own: readonly {
    refundId: string;
    providerRefundId: string | undefined;
    amountMinor: number;
    sent: boolean;
  }[],
  told: readonly RefundFact[],
): { fact: RefundFact; refundId: string | undefined }[] {
  const taken = new Set<string>();
  const known = (fact: RefundFact) =>
    own.find(
      (refund) => refund.providerRefundId === fact.providerRefundId || refund.refundId === fact.refundId,
    );
  const matches = told.map((fact) => {
    const refundId = known(fact)?.refundId;
    if (refundId !== undefined) taken.add(refundId);
    return { fact, refundId };
  });
  return matches.map(({ fact, refundId }) => {
    if (refundId !== undefined) return { fact, refundId };
    const fits = own.find(
      (refund) =>
        refund.sent &&
        refund.providerRefundId === undefined &&
        refund.amountMinor === fact.amountMinor &&
        !taken.has(refund.refundId),
    );
    if (fits !== undefined) taken.add(fits.refundId);
    return { fact, refundId: fits?.refundId };
  });
}
