/**
 * So many requests of one address in a minute, for routes that nobody has to be known for. Counted in memory,
 * by each copy of the API for itself: it keeps one address from wearing out the database; it is no guard
 * against guessing (`throttle.ts` is). IPv6 addresses count by their /64.
 */
import { addressGroup } from "../throttle.ts";
import { ApiProblem } from "./problem.ts";

const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;

/** @returns what counts a request of an address. @throws ApiProblem 429 TOO_MANY_REQUESTS (what it returns). */
export function createReadLimit(perMin: number): (address: string) => void {
  const used = new Map<string, { count: number; sinceMs: number }>();
  return (address) => {
    const nowMs = performance.now();
    const group = addressGroup(address);
    const entry = used.get(group);
    if (entry === undefined || nowMs - entry.sinceMs > WINDOW_MS) {
      if (used.size >= ADDRESSES_MAX) used.clear();
      used.set(group, { count: 1, sinceMs: nowMs });
      return;
    }
    entry.count += 1;
    if (entry.count > perMin)
      throw new ApiProblem(429, "TOO_MANY_REQUESTS", `more than ${perMin} requests in a minute`);
  };
}
