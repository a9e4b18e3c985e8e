/**
 * A guest at a connector: what is to be done next, from what is known now. Pure.
 *
 * Level, not edge: the same view gives the same step, however often it is asked and whatever was missed. A
 * transaction that exists counts more than anything that was believed before: what was charged is billed,
 * what was given back before is owed. Money goes back by itself whenever it is certain that nothing will be
 * charged, and not before.
 */
import type { PaymentFlow } from "./payment.ts";

export const GUEST_STATES = [
  "awaiting-payment",
  "starting",
  "plug-in",
  "charging",
  "finishing",
  "settled",
  "released",
  "expired",
] as const;
export type GuestState = (typeof GUEST_STATES)[number];

/** Stable words for pages and people. */
export const GUEST_REASONS = [
  "site-offline",
  "connector-taken",
  "start-refused",
  "start-failed",
  "start-expired",
  "start-uncertain",
  "not-plugged-in",
  "nothing-charged",
  "cancelled",
  "payment-expired",
  "payment-cancelled",
  "late-start",
  "amount-used",
  "too-long",
  "guest-stopped",
  "held",
] as const;
export type GuestReason = (typeof GUEST_REASONS)[number];

export type GuestView = {
  state: GuestState;
  reason: GuestReason | undefined;
  flow: PaymentFlow;
  payment: {
    /** The payer has done his part, and it still stands. */
    good: boolean;
    /** Nothing will come of it. */
    over: boolean;
    paidAtMs: number | undefined;
    /** What may be charged at most. */
    limitMinor: number;
    /** What is to be kept of it is decided. */
    kept: boolean;
  };
  /** The ER and the station are there; nobody else is at the EVSE, and it works. */
  place: { online: boolean; free: boolean };
  start: { status: string; issuedAtMs: number } | undefined;
  stop: { status: string; issuedAtMs: number } | undefined;
  stopAsked: boolean;
  cancelAsked: boolean;
  transaction: { running: boolean; startedAtMs: number } | undefined;
  /** Price of what has been charged so far, as well as it is known; of several transactions together. */
  runningMinor: number | undefined;
  billing:
    | { status: "pending" | "held" | "billed" | "none"; cdrId: string | undefined; totalMinor: number }
    | undefined;
  /** Priced in the currency that was paid in: anything else is for a person to compare. */
  comparable: boolean;
  /** The CDR by which it was settled last. */
  settledBy: string | undefined;
};

export type GuestStep =
  /** Nothing to do. `lookInMs` undefined: nothing more to come by itself. */
  | { do: "wait"; state: GuestState; reason: GuestReason | undefined; lookInMs: number | undefined }
  | { do: "start" }
  | { do: "stop"; reason: GuestReason }
  /** Everything goes back. */
  | { do: "release"; reason: GuestReason }
  /** That much is kept. `cdrId` undefined: by what is known now, since a hold does not last for ever. */
  | { do: "settle"; cdrId: string | undefined; totalMinor: number };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A station that took the start waits for the cable; most give up after one or two minutes. */
export const PLUG_IN_MS = 10 * MINUTE_MS;
/** An ER observes for ten minutes whether an uncertain start has happened after all. */
export const UNCERTAIN_MS = 12 * MINUTE_MS;
/** A start that nobody has heard of again. */
const START_LOST_MS = 15 * MINUTE_MS;
/**
 * The site went away after the start: it may be charging all the same. A hold costs nothing, a Pix is the
 * guest's money.
 */
export const OFFLINE_WAIT_MS: Record<PaymentFlow, number> = { authorize: 24 * HOUR_MS, prepay: 2 * HOUR_MS };
/** Longer than that nobody charges. */
export const GUEST_SESSION_MS_MAX = 24 * HOUR_MS;
/** Holds lapse after 7 days. */
export const HOLD_MS = 6 * 24 * HOUR_MS;
/** After a start was given up, a transaction of it may still turn up for as long. */
const LATE_MS = 3 * 24 * HOUR_MS;
const STOP_AGAIN_MS = MINUTE_MS;

export function guestStep(view: GuestView, nowMs: number): GuestStep {
  if (view.transaction !== undefined)
    return view.transaction.running
      ? whileCharging(view, view.transaction, nowMs)
      : afterCharging(view, nowMs);
  if (view.state === "released" || view.state === "expired") return afterwards(view, nowMs);
  return beforeCharging(view, nowMs);
}

function beforeCharging(view: GuestView, nowMs: number): GuestStep {
  const { payment, place, start, cancelAsked } = view;
  if (start === undefined) {
    if (payment.over) return { do: "release", reason: cancelAsked ? "cancelled" : "payment-expired" };
    if (cancelAsked) return { do: "release", reason: "cancelled" };
    if (!payment.good) return wait("awaiting-payment", MINUTE_MS);
    if (!place.online) return { do: "release", reason: "site-offline" };
    return place.free ? { do: "start" } : { do: "release", reason: "connector-taken" };
  }
  const ageMs = nowMs - start.issuedAtMs;
  switch (start.status) {
    case "succeeded":
      // Somebody at the provider has let go of the hold meanwhile: no transaction may begin on it.
      if (payment.over || cancelAsked)
        return { do: "release", reason: payment.over ? "payment-cancelled" : "cancelled" };
      if (ageMs < PLUG_IN_MS) return wait("plug-in", 3_000);
      if (!place.online && ageMs < OFFLINE_WAIT_MS[view.flow])
        return wait("plug-in", MINUTE_MS, "site-offline");
      return { do: "release", reason: "not-plugged-in" };
    case "rejected":
    case "superseded":
      return { do: "release", reason: "start-refused" };
    case "failed":
      return { do: "release", reason: "start-failed" };
    case "expired":
      return { do: "release", reason: "start-expired" };
    case "uncertain":
      if (ageMs < UNCERTAIN_MS) return wait("starting", 5_000, "start-uncertain");
      if (!place.online && ageMs < OFFLINE_WAIT_MS[view.flow])
        return wait("starting", MINUTE_MS, "start-uncertain");
      return { do: "release", reason: "start-uncertain" };
    default:
      return ageMs < START_LOST_MS ? wait("starting", 2_000) : { do: "release", reason: "start-uncertain" };
  }
}

const wait = (state: GuestState, lookInMs: number | undefined, reason?: GuestReason): GuestStep => ({
  do: "wait",
  state,
  reason,
  lookInMs,
});

/** Given up. A transaction that was under way nevertheless is looked for, for some days. */
function afterwards({ state, reason, start }: GuestView, nowMs: number): GuestStep {
  if (start === undefined) return wait(state, undefined, reason);
  const ageMs = nowMs - start.issuedAtMs;
  return wait(state, ageMs > LATE_MS ? undefined : Math.max(30_000, Math.trunc(ageMs / 4)), reason);
}

/** A hold lapses at the bank, whether or not the end of the charging has been heard of. */
const holdEnds = ({ flow, payment, comparable }: GuestView, nowMs: number): boolean =>
  flow === "authorize" &&
  comparable &&
  payment.good &&
  !payment.kept &&
  payment.paidAtMs !== undefined &&
  nowMs - payment.paidAtMs > HOLD_MS;

function whileCharging(view: GuestView, { startedAtMs }: { startedAtMs: number }, nowMs: number): GuestStep {
  if (holdEnds(view, nowMs)) return { do: "settle", cdrId: undefined, totalMinor: view.runningMinor ?? 0 };
  const reason = stopReason(view, startedAtMs, nowMs);
  if (reason === undefined) return wait("charging", 5_000);
  // Nobody hears it there; when the site is back, it is looked at again.
  if (!view.place.online) return wait("charging", MINUTE_MS, reason);
  const { stop } = view;
  const againMs = Math.max(STOP_AGAIN_MS, (nowMs - startedAtMs) / 60);
  const asked = stop !== undefined && (!isOver(stop.status) || nowMs - stop.issuedAtMs < againMs);
  return asked ? wait("charging", 3_000, reason) : { do: "stop", reason };
}

const isOver = (status: string): boolean => !["pending", "sent", "accepted"].includes(status);

function stopReason(view: GuestView, startedAtMs: number, nowMs: number): GuestReason | undefined {
  // After everything was given back, or settled: what is charged now nobody has paid for.
  const ended = view.state === "released" || view.state === "expired" || view.state === "settled";
  if (ended || view.payment.over) return "late-start";
  // One that was going on for ever, or that nobody has paid for: its stop was asked for before.
  if (view.reason === "late-start" || view.reason === "too-long") return view.reason;
  if (view.stopAsked || view.cancelAsked) return "guest-stopped";
  if (view.comparable && view.runningMinor !== undefined && view.runningMinor >= view.payment.limitMinor)
    return "amount-used";
  return nowMs - startedAtMs > GUEST_SESSION_MS_MAX ? "too-long" : undefined;
}

function afterCharging(view: GuestView, nowMs: number): GuestStep {
  const { billing, settledBy, reason } = view;
  if (!view.comparable) return wait("finishing", HOUR_MS, "held");
  if (billing?.status === "billed" && billing.cdrId !== undefined) {
    if (billing.cdrId !== settledBy)
      return { do: "settle", cdrId: billing.cdrId, totalMinor: billing.totalMinor };
    return wait(view.state === "released" ? "released" : "settled", undefined, reason);
  }
  if (billing?.status === "none") {
    if (view.state === "released") return wait("released", undefined, reason);
    return { do: "release", reason: "nothing-charged" };
  }
  if (holdEnds(view, nowMs)) return { do: "settle", cdrId: undefined, totalMinor: view.runningMinor ?? 0 };
  return wait("finishing", billing?.status === "held" ? HOUR_MS : 10_000, reason);
}

/**
 * The most energy that an amount buys. A price that does not rise with energy buys everything there is.
 * @param priceOf price of so much energy, never falling.
 */
export function energyFor(amountMinor: number, priceOf: (energyWh: number) => number): number | undefined {
  const most = 1_000_000;
  if (priceOf(most) <= amountMinor) return undefined;
  let [fits, exceeds] = [0, most];
  while (exceeds - fits > 1) {
    const middle = Math.trunc((fits + exceeds) / 2);
    if (priceOf(middle) <= amountMinor) fits = middle;
    else exceeds = middle;
  }
  return fits;
}
