/** The pause after a failed transfer: exponential with full jitter, longer than the broker's. Pure. */
import { TRANSFER_BACKOFF_MS_MAX, TRANSFER_BACKOFF_MS_MIN } from "../shared/limits.ts";

/** @param random yields numbers in [0, 1). @returns whole ms, at least half a second. */
export function transferBackoffMs(failures: number, random: () => number): number {
  const ceiling = Math.min(TRANSFER_BACKOFF_MS_MAX, TRANSFER_BACKOFF_MS_MIN * 2 ** Math.min(failures, 30));
  return Math.floor(TRANSFER_BACKOFF_MS_MIN / 2 + random() * ceiling);
}
