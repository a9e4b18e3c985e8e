/**
 * Who sends keys that are none: so many in a minute from one address, then none of its keys is looked up any
 * more. Counted in memory, by each copy of the API for itself: it keeps wrong keys from wearing out the
 * database; they are far too long to be guessed.
 *
 * Invariant: a key that is good is never refused for what others of its address do. While an address is over
 * its limit, its keys are compared with all that there are, which are read once a second at most.
 */
import { API_FAILURES_PER_MIN } from "../../shared/limits.ts";
import type { Pool } from "../db/pool.ts";
import { ApiProblem } from "./problem.ts";
import { createAddressCounter } from "./read-limit.ts";

const REREAD_MS = 1_000;

const tooMany = () =>
  new ApiProblem(
    429,
    "TOO_MANY_REQUESTS",
    `more than ${API_FAILURES_PER_MIN} requests without a valid key in a minute from this address`,
  );

export function createKeyGuard(pool: Pool) {
  const failures = createAddressCounter(API_FAILURES_PER_MIN);
  let hashes: Promise<Set<string>> | undefined;
  let readMs = -Infinity;

  async function readHashes(): Promise<Set<string>> {
    const { rows } = await pool.query<{ key_hash: Buffer }>(
      "select key_hash from api_key where revoked_at is null and (expires_at is null or expires_at > now())",
    );
    return new Set(rows.map(({ key_hash: hash }) => hash.toString("base64")));
  }

  return {
    /** Before a key that is not remembered is looked up. @throws ApiProblem 429. */
    async check(address: string, keyHash: Buffer): Promise<void> {
      if (!failures.isOver(address)) return;
      const nowMs = performance.now();
      if (hashes === undefined || nowMs - readMs > REREAD_MS) {
        readMs = nowMs;
        hashes = readHashes();
      }
      if (!(await hashes).has(keyHash.toString("base64"))) throw tooMany();
    },
    /** Nobody is known by what was sent. @throws ApiProblem 429. */
    count(address: string): void {
      if (failures.count(address)) throw tooMany();
    },
  };
}
