/**
 * So many requests of one address in a minute, for routes that nobody has to be known for. Counted in memory,
 * by each copy of the API for itself: it keeps one address from wearing out the database; it is no guard
 * against guessing (`throttle.ts` is). IPv6 addresses count by their /64.
 */
import { addressGroup } from "../throttle.ts";
import { ApiProblem } from "./problem.ts";

const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;

/** Counts by address group. `count` and `isOver` tell whether there were more than `perMin` in this minute. */
export function createAddressCounter(perMin: number) {
  const used = new Map<string, { count: number; sinceMs: number }>();
  const current = (group: string, nowMs: number) => {
    const entry = used.get(group);
    return entry === undefined || nowMs - entry.sinceMs > WINDOW_MS ? undefined : entry;
  };
  return {
    isOver: (address: string): boolean =>
      (current(addressGroup(address), performance.now())?.count ?? 0) > perMin,
    count(address: string): boolean {
      const nowMs = performance.now();
      const group = addressGroup(address);
      const entry = current(group, nowMs);
      if (entry === undefined) {
        if (used.size >= ADDRESSES_MAX) used.clear();
        used.set(group, { count: 1, sinceMs: nowMs });
        return perMin < 1;
      }
      entry.count += 1;
      return entry.count > perMin;
    },
  };
}

/** @returns what counts a request of an address. @throws ApiProblem 429 TOO_MANY_REQUESTS (what it returns). */
export function createReadLimit(perMin: number): (address: string) => void {
  const counter = createAddressCounter(perMin);
  return (address) => {
    if (counter.count(address))
      throw new ApiProblem(429, "TOO_MANY_REQUESTS", `more than ${perMin} requests in a minute`);
  };
}
