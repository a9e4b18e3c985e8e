/**
 * A payout of a provider to the operator's bank, as it is told of: by webhook and by asking, twice, late and out
 * of order. Its status only rises, and what has been paid out may still come back: that is a rank of its own.
 * What stands in the ledger follows from the status alone. Pure.
 */

/** By rank: a bank may send back what had been paid. */
export const PAYOUT_STATUS = ["pending", "in_transit", "paid", "canceled", "failed"] as const;
export type PayoutStatus = (typeof PAYOUT_STATUS)[number];

export type PayoutFact = {
  payoutId: string;
  /** Below 0: taken from the bank, where the account at the provider had less than nothing. */
  amountMinor: number;
  currency: string;
  status: PayoutStatus;
  createdAt: Date;
  /** When it is in the bank, as far as the provider knows. */
  arrivesAt: Date;
  /** Kept for the payout itself. Absent: not said. */
  feeMinor?: number;
  failure?: string;
};

export type PayoutState = { status: PayoutStatus; feeMinor: number | undefined; failure: string | undefined };

/** The state after one more message; the same one where there is nothing new. */
export function applyPayout(state: PayoutState, told: PayoutFact): PayoutState {
  const rises = PAYOUT_STATUS.indexOf(told.status) > PAYOUT_STATUS.indexOf(state.status);
  const feeMinor =
    told.feeMinor === undefined ? state.feeMinor : Math.max(told.feeMinor, state.feeMinor ?? told.feeMinor);
  const failure = state.failure ?? told.failure;
  if (!rises && feeMinor === state.feeMinor && failure === state.failure) return state;
  return { status: rises ? told.status : state.status, feeMinor, failure };
}

/** It is in the bank, and stands in the books. */
export const isPaidOut = (status: PayoutStatus): boolean => status === "paid";
