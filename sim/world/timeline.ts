/**
 * The world's only time: a queue of what happens next, a clock that stands still between two events.
 *
 * Invariants: events run in the order of their time, and those of one moment in the order of their setting;
 * time never runs backwards. True time: clocks that lie are built on top of it by whoever owns them.
 */
import type { Clock } from "../station/types.ts";

type Timer = { at: number; order: number; fn: () => void; cancelled: boolean };

export type Timeline = Clock & {
  /** Runs the next event that is due until then. False when there is none: then it is `until`. */
  step(until: number): boolean;
};

export function createTimeline(startMs: number): Timeline {
  const heap: Timer[] = [];
  let now = startMs;
  let orders = 0;
  const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(timer: Timer): void {
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || before(parent, timer)) break;
      heap[index] = parent;
      heap[parentIndex] = timer;
      index = parentIndex;
    }
  }

  function pop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const least = left !== undefined && right !== undefined && before(right, left) ? right : left;
      if (least === undefined || before(last, least)) break;
      heap[index] = least;
      index = least === left ? 2 * index + 1 : 2 * index + 2;
    }
    heap[index] = last;
  }

  return {
    now: () => now,
    setTimer(ms, fn) {
      orders += 1;
      const timer = { at: now + Math.max(0, Math.ceil(ms)), order: orders, fn, cancelled: false };
      push(timer);
      return () => {
        timer.cancelled = true;
      };
    },
    step(until) {
      for (let first = heap[0]; first !== undefined && first.at <= until; first = heap[0]) {
        pop();
        if (first.cancelled) continue;
        now = first.at;
        first.fn();
        return true;
      }
      now = Math.max(now, until);
      return false;
    },
  };
}
