/**
 * A bounded number of worlds: seeds that found something once, seeds that grow with `PROPERTY_RUNS`, planted
 * mistakes, and the same batches in a real PostgreSQL. `npm run sim -- --seed N` repeats any of them.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { migrate } from "../../cloud/db/migrate.ts";
import { scaled, SEED } from "../services/property.ts";
import { createTestDatabase } from "../services/test-database.ts";
import { mergeFaults, noFaults } from "./faults.ts";
import { MUTANTS } from "./mutants.ts";
import { startPool, type Pool } from "./pool.ts";
import { startTwin } from "./postgres.ts";
import { report } from "./report.ts";
import { runTask, type Done, type Task } from "./task.ts";

const LONG_MS = 180_000;
const CORES = 2;

const LOSES_JOURNALS = '{"er":{"journalLost":0.3},"sg":{"rollback":{"everyMs":0}}}';

/** Each of these found a mistake when it was first run. */
const REGRESSIONS: readonly [seed: number, faults: string, found: string][] = [
  [
    11,
    '{"er":{"journalLost":0.3}}',
    "a stop that a lost journal had numbered ended the transaction of another EVSE",
  ],
  [30, LOSES_JOURNALS, "a command that a lost journal had accepted was never finished"],
  [7, LOSES_JOURNALS, "two orphans were given the same energy"],
  [100103, "{}", "a reading without an id went to a transaction that had ended unheard"],
  [400222, "{}", "a reading that was asked for after a reconnection went to one that had ended unheard"],
  [400932, "{}", "the state of charge depended on how the journal was cut into batches"],
  [400134, "{}", "a station that was reset while it closed down took its last stop along"],
  [401712, "{}", "entries looked old when a box without time was told it"],
  [401488, "{}", "what a lost connection to the broker still held was in the way of the next one"],
];
const DRAWN = scaled(6);
const MUTANT_SEEDS_MAX = 200;

const task = (seed: number, given: Partial<Task> = {}): Task => ({
  seed,
  seconds: 300,
  faults: "{}",
  calm: false,
  mutant: undefined,
  ...given,
});

let pool: Pool;
beforeAll(() => {
  pool = startPool(CORES);
});
afterAll(() => pool.stop());

function mustHold(done: Done): Done {
  expect(done.outcome.violation === undefined ? "" : report(done)).toBe("");
  return done;
}

/** All of them, in the order of their seeds. */
async function runAll(tasks: readonly Task[]): Promise<Done[]> {
  const all: Done[] = [];
  await pool.each(tasks, (done) => all.push(done) > 0);
  return all.map(mustHold).sort((a, b) => a.task.seed - b.task.seed);
}

describe("the world under faults", () => {
  test("seeds that have found something once", { timeout: LONG_MS }, async () => {
    await runAll(REGRESSIONS.map(([seed, faults]) => task(seed, { faults })));
  });

  test(`seeds ${SEED}–${SEED + DRAWN - 1}`, { timeout: scaled(LONG_MS) }, async () => {
    await runAll(Array.from({ length: DRAWN }, (_, index) => task(SEED + index)));
  });

  test("does something: every fault that there is comes up", { timeout: LONG_MS }, async () => {
    const always =
      '{"er":{"journalLost":0.2,"crashBeforeAppend":0.01,"powerCut":0.5,"diskFull":{"everyMs":20000,"forMs":3000},' +
      '"diskShort":{"everyMs":10000,"forMs":60000},"snapshotEveryMs":10000,"retentionMs":60000,' +
      '"clockJump":{"everyMs":30000}},"stations":{"blackout":{"everyMs":60000,"forMs":20000},"halfOpen":{"everyMs":30000,"forMs":10000},"sampleS":1},' +
      '"broker":{"down":{"everyMs":20000,"forMs":60000}},"sg":{"rollback":{"everyMs":0}}}';
    const total: Record<string, number> = {};
    for (const { outcome } of await runAll(
      [3, 4, 5, 6, 7].map((seed) => task(seed, { seconds: 150, faults: always })),
    ))
      for (const [what, count] of Object.entries(outcome.counts)) total[what] = (total[what] ?? 0) + count;
    const box = ["er.shed", "er.packed", "er.torn", "er.journal-lost", "er.disk-full", "er.clock-jump"];
    const er = ["er.died", "er.commit-failed", "er.snapshot"];
    const sg = ["sg.died", "sg.resume", "sg.repeat", "sg.command", "sg.token"];
    const network = ["broker.lost", "broker.duplicate", "broker.partition"];
    const sockets = ["socket.cut", "socket.hangs", "socket.blackout"];
    for (const what of [...box, ...er, ...sg, ...network, ...sockets])
      expect(total[what] ?? 0, what).toBeGreaterThan(0);
  });
});

test("without faults everything agrees at once", { timeout: LONG_MS }, async () => {
  const { counts } = mustHold(await runTask(task(7, { seconds: 120, calm: true }))).outcome;
  expect(counts["er.died"]).toBeUndefined();
  expect(counts["sg.resume"]).toBeUndefined();
});

test(
  "the same seed is the same run, in any process; another seed is another",
  { timeout: LONG_MS },
  async () => {
    const short = { seconds: 120 };
    const [a, b, c] = await runAll([task(42, short), task(42, short), task(43, short)]);
    expect(a?.outcome.digest).toBe(b?.outcome.digest);
    expect(a?.outcome.digest).not.toBe(c?.outcome.digest);
  },
);

/** Faults that make a mistake show soon. `npm run sim -- --mutants` finds each without. */
const SHORT =
  '{"er":{"diskShort":{"everyMs":10000,"forMs":60000},"snapshotEveryMs":10000},"broker":{"down":{"everyMs":20000,"forMs":60000}},' +
  '"sg":{"rollback":{"everyMs":0}},"stations":{"sampleS":1}}';
const SOONER: Readonly<Record<string, string>> = {
  "clock-rewritten": '{"er":{"clockJump":{"everyMs":20000,"maxMs":3600000}}}',
  "command-after-deadline": '{"workload":{"shortDeadline":1,"commandEveryMs":2000}}',
  "commit-without-sync": '{"er":{"powerCut":1,"crashAfterAppend":0.02}}',
  "emergency-id-given-twice":
    '{"er":{"journalLost":0.3,"crashAfterAppend":0.01},"sg":{"leases":{"count":1,"everyMs":300000}}}',
  "shed-too-much": SHORT,
  "shed-without-entry": SHORT,
  "leased-id-given-twice": '{"er":{"crashAfterAppend":0.01}}',
};

describe("planted mistakes are found", () => {
  test.for(Object.keys(MUTANTS))("%s", { timeout: LONG_MS }, async (mutant) => {
    const faults = SOONER[mutant] ?? "{}";
    const tasks = Array.from({ length: MUTANT_SEEDS_MAX }, (_, index) =>
      task(index + 1, { seconds: 120, mutant, faults }),
    );
    let found: Done | undefined;
    await pool.each(tasks, (done) => {
      // An exception would be a mistake of the planting.
      if (done.outcome.violation === undefined || done.outcome.violation.checker === "no exception")
        return true;
      found = done;
      return false;
    });
    expect(found?.outcome.violation?.checker, `${mutant} in ${MUTANT_SEEDS_MAX} seeds`).toBeDefined();
  });
});

describe("PostgreSQL holds what the tables in memory hold", () => {
  test.for([11, 13, 17])("seed %i", { timeout: LONG_MS }, async (seed) => {
    const database = await createTestDatabase(
      inject("databaseUrl"),
      async (url) => void (await migrate(url)),
    );
    const twin = await startTwin(database.url);
    try {
      mustHold(await runTask(task(seed, { seconds: 120 }), { twin }));
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
