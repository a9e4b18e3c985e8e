/** Clocks for simulated stations: the real one, one that jumps, and one whose timers end together. */
import type { Clock } from "./types.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until `advance` is called. Timers of one moment run in the order of setting. */
export function virtualClock(startMs: number): Clock & { advance: (ms: number) => void } {
  type Timer = { at: number; order: number; fn: () => void };
  const timers = new Set<Timer>();
  let now = startMs;
  let orders = 0;
  const due = (until: number): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > until) continue;
      const earlier = first === undefined || timer.at < first.at;
      if (earlier || (timer.at === first?.at && timer.order < first.order)) first = timer;
    }
    return first;
  };
  return {
    now: () => now,
    setTimer(ms, fn) {
      orders += 1;
      const timer = { at: now + Math.max(0, ms), order: orders, fn };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = now + ms;
      for (let timer = due(until); timer !== undefined; timer = due(until)) {
        timers.delete(timer);
        now = timer.at;
        timer.fn();
      }
      now = until;
    },
  };
}

/** The same clock, with all timers set through it cancelled by `clear`. */
export function scopedClock(clock: Clock): Clock & { clear: () => void } {
  const running = new Set<() => void>();
  return {
    now: () => clock.now(),
    setTimer(ms, fn) {
      const cancelTimer = clock.setTimer(ms, () => {
        running.delete(cancel);
        fn();
      });
      const cancel = () => {
        running.delete(cancel);
        cancelTimer();
      };
      running.add(cancel);
      return cancel;
    },
    clear() {
      for (const cancel of running) cancel();
    },
  };
}
