/**
 * What is known of a transaction → the course that its price is made of (`shared/decide/tariff.ts`).
 *
 * Pure. The register of the start and that of the end decide how much; samples on the way only say when. Where a
 * clock was wrong, and by how much is known, everything that was told by it moves with it; where it was wrong by
 * different amounts at start and end, or nobody knows, the time counts as estimated.
 */
import { chargeStates } from "../../shared/decide/charge-state.ts";
import type { Timeline } from "../../shared/decide/tariff.ts";

/** A moment as it was stored, and as it is seen with what is known now. */
export type Moment = { raw: number; at: number };

export type TransactionFacts = {
  timeZone: string;
  start: Moment;
  /** Of one that runs: the last that was heard of it. */
  end: Moment;
  timeQuality: "station" | "er" | "estimated";
  flags: readonly string[];
  meterStartWh: number | null;
  /** Of one that runs: the highest so far. */
  meterEndWh: number | null;
};

/** With these nobody knows how long it took. */
const NO_DURATION: ReadonlySet<string> = new Set([
  ...["time-implausible", "time-estimated", "start-missing", "orphan-stop"],
]);

/** Clocks that differ by less agree. */
const TOLERANCE_MS = 5_000;

export function timelineOf(
  facts: TransactionFacts,
  samples: readonly { at: number; wh: number }[],
  words: readonly { at: number; word: string }[],
): Timeline {
  const { start, end, meterStartWh, meterEndWh } = facts;
  const [shiftMs, endShiftMs] = [start.at - start.raw, end.at - end.raw];
  const disagree = Math.abs(shiftMs - endShiftMs) > TOLERANCE_MS;
  const endedAt = Math.max(start.at, end.at);
  const moved = (at: number) => at + shiftMs;
  const known = meterStartWh !== null && meterEndWh !== null;
  const last = known ? Math.max(meterStartWh, meterEndWh) : 0;
  const registers = known
    ? [
        { at: start.at, wh: meterStartWh },
        ...samples
          .map(({ at, wh }) => ({ at: moved(at), wh }))
          // What another stop or a reset meter has told is not what is billed.
          .filter(({ at, wh }) => wh >= meterStartWh && wh <= last && at > start.at && at < endedAt),
        { at: endedAt, wh: last },
      ]
    : [];
  return {
    timeZone: facts.timeZone,
    startedAt: start.at,
    endedAt,
    registers,
    states: chargeStates(
      words.map(({ at, word }) => ({ at: moved(at), word })),
      start.at,
    ),
    timeQuality: facts.timeQuality === "estimated" || disagree ? "estimated" : "known",
    ...(facts.flags.some((flag) => NO_DURATION.has(flag)) ? { energyOnly: true } : {}),
  };
}
