/**
 * What a station's word for the charging means for the price: OCPP 2.x `chargingState`, and the status of a
 * connector on OCPP 1.6.
 *
 * Pure. What waits before the first energy is nobody's to pay; the same word afterwards means that the car stands
 * there and takes nothing.
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

/** The words of one transaction, in the order of time → its states; what changes nothing is left out. */
export function chargeStates(
  words: readonly { at: number; word: string }[],
): { at: number; state: ChargeState }[] {
  const states: { at: number; state: ChargeState }[] = [];
  let charged = false;
  for (const { at, word } of words) {
    const meant = isChargeWord(word) ? WORDS[word] : undefined;
    if (meant === undefined) continue;
    charged ||= meant === "charging";
    const state = meant === "idle" && !charged ? "suspended" : meant;
    if (states.at(-1)?.state !== state) states.push({ at, state });
  }
  return states;
}
