/**
 * What time it was: what a station said and what its ER wrote, seen with what was learned later about the
 * ER's clock. Pure; raw times are never rewritten, this is a way to look at them.
 *
 * A station takes its time from its ER. So a stamp near the clock of an ER that was wrong is as wrong as that
 * clock, and one near the true time is right.
 */

/** Less than this is the way of a message, not a wrong clock. */
const TOLERANCE_MS = 5_000;
/** A station's clock may be off by this much and is still believed. */
const NEAR_MS = 5 * 60_000;
/** A station may tell of things this long past: it was without its ER. */
const PAST_MS = 366 * 86_400_000;

/** `station`: its own stamp; `er`: when the ER heard of it; `estimated`: neither can be relied upon. */
export type TimeQuality = "station" | "er" | "estimated";
export type SeenTime = { at: number; raw: number; quality: TimeQuality };

/** An entry's place on its ER's clocks; `zeroMs`: the true time of the ER's start, where it was learned. */
export type EntryClock = { at: number; upMs: number | null; zeroMs: number | null };

/** True time minus the ER's at this entry, in ms: 0 where they agree or nothing is known. */
export function correctionMs({ at, upMs, zeroMs }: EntryClock): number {
  if (upMs === null || zeroMs === null) return 0;
  const offset = Math.round(zeroMs + upMs - at);
  return Math.abs(offset) > TOLERANCE_MS ? offset : 0;
}

const near = (a: number, b: number) => Math.abs(a - b) <= NEAR_MS;

/**
 * @param raw the time as it was stored, shown where nothing better is known.
 * @param stamp what the station said, where it said something.
 */
export function seenTime(raw: number, stamp: number | undefined, clock: EntryClock): SeenTime {
  const correction = correctionMs(clock);
  const truth = clock.at + correction;
  if (stamp === undefined) return { at: raw + correction, raw, quality: "er" };
  if (near(stamp, truth)) return { at: stamp, raw, quality: "station" };
  if (correction !== 0) {
    return near(stamp, clock.at)
      ? { at: stamp + correction, raw, quality: "station" }
      : { at: truth, raw, quality: "estimated" };
  }
  const past = stamp < truth && stamp > truth - PAST_MS;
  return past ? { at: stamp, raw, quality: "station" } : { at: truth, raw, quality: "estimated" };
}

const WORSE: readonly TimeQuality[] = ["station", "er", "estimated"];

/** Of several times of one thing, the worst. */
export const worstOf = (...qualities: TimeQuality[]): TimeQuality =>
  WORSE[Math.max(0, ...qualities.map((quality) => WORSE.indexOf(quality)))] ?? "estimated";
