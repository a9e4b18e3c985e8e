/**
 * The wall clock of one boot: never behind what the journal has seen, since a box without a battery wakes up
 * in the past.
 *
 * It reads no clock of its own and corrects nothing that was written. Once the box is told the time (NTP,
 * a person), that is the time.
 */
import type { ClockState } from "../shared/entry.ts";

export type BootClock = {
  /** `untrusted`: the box does not know the time, only that it must be later than the floor. */
  state: ClockState;
  /** Unix ms. */
  now: () => number;
};

/** The boot comes at least this long after what the journal, or the release, has seen. */
const OFF_MS = 1_000;

/**
 * @param floor Unix ms before which it cannot be: the journal's last block, the date of the release.
 * @param wall what the box takes for the time, Unix ms.
 */
export function bootClock(floor: number, wall: () => number): BootClock {
  const shiftMs = floor + OFF_MS - wall();
  if (shiftMs <= OFF_MS) return { state: "holdover", now: wall };
  return {
    state: "untrusted",
    // A wall clock that has passed the floor was set in the meantime: shifting it as well would lead far
    // into the future, and the next boot would take that for its floor.
    now: () => {
      const at = wall();
      return at >= floor ? at : at + shiftMs;
    },
  };
}
