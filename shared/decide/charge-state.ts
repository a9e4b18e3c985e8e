/**
 * What a station's word for the charging means for the price: OCPP 2.x `chargingState`, and the status of a
 * connector on OCPP 1.6.
 *
 * Pure. What waits before the first energy is nobody's to pay; the same word afterwards means that the car stands
 * there and takes nothing. Of what a connector was before its transaction only that counts which a transaction can
 * be in: a start takes it out of everything else.
 */
import type { ChargeState } from "./tariff.ts";

const WORDS: Readonly<Record<string, ChargeState>> = {
  Charging: "charging",
  SuspendedEV: "idle",
  /** The charging was ended, the car still stands there. */
  EVConnected: "idle",
  Finishing: "idle",
  SuspendedEVSE: "suspended",
  /** No car, or none that may charge yet. */
  Idle: "suspended",
  Available: "suspended",
  Preparing: "suspended",
  Reserved: "suspended",
  Unavailable: "suspended",
  Faulted: "suspended",
};

/** A word that says something of the charging. */
export const isChargeWord = (word: string | undefined): word is string =>
  word !== undefined && Object.hasOwn(WORDS, word);

/** What a connector is that has no transaction, or none any more. */
const WITHOUT_TRANSACTION: ReadonlySet<string> = new Set([
  ...["Available", "Preparing", "Finishing", "Reserved", "Unavailable", "Faulted"],
]);

/** A word that goes on to hold when a transaction begins. */
export const isWordAtStart = (word: string | undefined): word is string =>
  isChargeWord(word) && !WITHOUT_TRANSACTION.has(word);

/**
 * The words of one transaction, in the order of time → its states; what changes nothing is left out.
 * @param startedAt what was said then, or before, was said of the connector without it.
 */
export function chargeStates(
  words: readonly { at: number; word: string }[],
  startedAt: number,
): { at: number; state: ChargeState }[] {
  const states: { at: number; state: ChargeState }[] = [];
  let charged = false;
  for (const { at, word } of words) {
    const counts = at > startedAt ? isChargeWord(word) : isWordAtStart(word);
    const meant = counts ? WORDS[word] : undefined;
    if (meant === undefined) continue;
    charged ||= meant === "charging";
    const state = meant === "idle" && !charged ? "suspended" : meant;
    if (states.at(-1)?.state !== state) states.push({ at, state });
  }
  return states;
}
