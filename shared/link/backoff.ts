/**
 * How long to wait before the next attempt: exponential with full jitter, so that a thousand boxes
 * which lost the same broker do not come back in the same second. Pure.
 */
import { LINK_BACKOFF_MS_MAX, LINK_BACKOFF_MS_MIN } from "../limits.ts";

/** The longest pause after this many failed attempts in a row (0 = the first retry), in ms. */
export function backoffCeilingMs(failures: number): number {
  return Math.min(LINK_BACKOFF_MS_MAX, LINK_BACKOFF_MS_MIN * 2 ** Math.max(0, failures));
}

/**
 * The pause to take, in whole ms: uniformly between 0 and the ceiling.
 *
 * @param random yields numbers in [0, 1).
 */
export function backoffMs(failures: number, random: () => number): number {
  return Math.floor(random() * backoffCeilingMs(failures));
}
