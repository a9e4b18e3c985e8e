/**
 * A bounded number of worlds: seeds that found something once, seeds that nobody has seen before, planted
 * mistakes, and the same batches in a real PostgreSQL. `npm run sim -- --seed N` repeats any of them.
 */
import { randomInt } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { migrate } from "../../cloud/db/migrate.ts";
import { createTestDatabase } from "../services/test-database.ts";
import { mergeFaults, noFaults } from "./faults.ts";
import { MUTANTS } from "./mutants.ts";
import { startTwin } from "./postgres.ts";
import { report } from "./report.ts";
import { runWorld, type Outcome, type WorldOptions } from "./world.ts";

const SECONDS = 300;
const LONG_MS = 180_000;

/** Each of these found a mistake when it was first run. */
const REGRESSIONS: readonly [seed: number, found: string][] = [
  [104, "a stop without an id was taken for the one before it"],
  [112, "a command that came while the disk was full was done after its deadline"],
  [205, "a snapshot on a full disk ended the process"],
  [208, "a start said twice at once became two transactions"],
];
const UNSEEN = 12;
const MUTANT_SEEDS_MAX = 40;

async function run(options: WorldOptions): Promise<Outcome> {
  const outcome = await runWorld(options);
  expect(outcome.violation === undefined ? "" : report(outcome, options)).toBe("");
  return outcome;
}

describe("the world under faults", () => {
  test.for(REGRESSIONS)("seed %i (%s)", { timeout: LONG_MS }, async ([seed]) => {
    await run({ seed, seconds: SECONDS });
  });

  const first = randomInt(1_000_000_000);
  test(`seeds ${first}–${first + UNSEEN - 1}, drawn now`, { timeout: LONG_MS }, async () => {
    for (let seed = first; seed < first + UNSEEN; seed++) await run({ seed, seconds: SECONDS });
  });

  test("does something: transactions, crashes, commands, roll-backs", { timeout: LONG_MS }, async () => {
    const total: Record<string, number> = {};
    for (const seed of [3, 7, 8, 12]) {
      const { counts } = await run({ seed, seconds: 150 });
      for (const [what, count] of Object.entries(counts)) total[what] = (total[what] ?? 0) + count;
    }
    const er = ["er.died", "er.commit-failed", "er.clock-jump", "er.snapshot"];
    const sg = ["sg.died", "sg.rolled-back", "sg.resume", "sg.repeat", "sg.command", "sg.token"];
    const network = ["broker.lost", "broker.duplicate", "broker.partition", "socket.cut", "socket.hangs"];
    for (const what of [...er, ...sg, ...network]) expect(total[what] ?? 0, what).toBeGreaterThan(0);
  });
});

test("without faults everything agrees at once", { timeout: LONG_MS }, async () => {
  const { counts } = await run({ seed: 7, seconds: 120, faults: noFaults });
  expect(counts["er.died"]).toBeUndefined();
  expect(counts["sg.resume"]).toBeUndefined();
});

test("the same seed is the same run, another seed is another", { timeout: LONG_MS }, async () => {
  const digests = [];
  for (const seed of [42, 42, 43]) digests.push((await run({ seed, seconds: 120 })).digest);
  expect(digests[0]).toBe(digests[1]);
  expect(digests[0]).not.toBe(digests[2]);
});

describe("planted mistakes are found", () => {
  test.for(Object.keys(MUTANTS))("%s", { timeout: LONG_MS }, async (mutant) => {
    for (let seed = 1; seed <= MUTANT_SEEDS_MAX; seed++) {
      const { violation } = await runWorld({ seed, seconds: 200, mutant });
      if (violation === undefined) continue;
      console.log(
        `${mutant}: found in seed ${seed} by "${violation.checker}": ${violation.saw.slice(0, 150)}`,
      );
      expect(violation.checker).not.toBe("no exception");
      return;
    }
    expect.fail(`${mutant} was not found in ${MUTANT_SEEDS_MAX} seeds`);
  });
});

describe("PostgreSQL holds what the tables in memory hold", () => {
  test.for([11, 13])("seed %i", { timeout: LONG_MS }, async (seed) => {
    const database = await createTestDatabase(
      inject("databaseUrl"),
      async (url) => void (await migrate(url)),
    );
    const twin = await startTwin(database.url);
    try {
      await run({ seed, seconds: 120, twin });
    } finally {
      await twin.stop();
      await database.drop();
    }
  });
});

describe("faults given by hand", () => {
  test("change what they name and nothing else", () => {
    const faults = mergeFaults(noFaults(), '{"broker":{"loss":0.5},"er":{"restart":{"everyMs":1000}}}');
    expect(faults.broker).toMatchObject({ loss: 0.5, duplicate: 0 });
    expect(faults.er.restart).toEqual({ everyMs: 1_000, forMs: 0 });
  });

  test("that do not exist are refused", () => {
    expect(() => mergeFaults(noFaults(), '{"broker":{"los":0.5}}')).toThrow("no such fault: broker.los");
    expect(() => mergeFaults(noFaults(), "{")).toThrow("no JSON");
  });
});
