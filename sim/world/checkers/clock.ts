/**
 * Checker `clock`: an entry carries the time that the ER's clock showed when it was made, right or wrong.
 * Corrections are views; what was written is never written again.
 */
import type { Now } from "../../../edge/core/types.ts";
import type { Entry } from "../../../shared/entry.ts";
import { Violation } from "../trace.ts";

export function createClockChecker() {
  /** `at upMs` of every look at the clock. */
  const shown = new Set<string>();
  return {
    onNow({ at, upMs }: Now): void {
      shown.add(`${at} ${Math.trunc(upMs)}`);
    },

    onEntry({ seq, kind, at, upMs }: Entry): void {
      if (shown.has(`${at} ${upMs}`)) return;
      throw new Violation("clock", `entry ${seq} ${kind} says ${at} at ${upMs} ms of its boot; no clock did`);
    },
  };
}
