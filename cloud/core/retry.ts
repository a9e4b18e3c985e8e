/** When something that failed is tried again. Pure: the caller brings the randomness. */

/** Of a mail: nine tries in about two days. */
export const MAIL_PAUSES_MS = [1, 5, 15, 60, 180, 360, 720, 1_440].map((minutes) => minutes * 60_000);

/** Of an event for a webhook: ten tries in about three days and a quarter. */
export const WEBHOOK_PAUSES_MS = [5, 300, 1_800, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * 3_600)].map(
  (seconds) => seconds * 1_000,
);

/**
 * The pause before the next try, or undefined when there is none left.
 * @param attempts tries so far. @param random from [0, 1).
 * @param askedMs what the other side asked to wait at least (Retry-After).
 */
export function pauseAfter(
  pausesMs: readonly number[],
  attempts: number,
  random: number,
  askedMs = 0,
): number | undefined {
  const base = pausesMs[attempts - 1];
  if (base === undefined) return undefined;
  // Up to a tenth later, never earlier: many that failed together do not come back together.
  return Math.max(Math.round(base * (1 + random / 10)), askedMs);
}
