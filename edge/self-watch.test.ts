/** The ER's look at itself, with its timers, on a real file: what it tells the core, and when it gives up. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Entry } from "../shared/entry.ts";
import { until } from "../sim/services/until.ts";
import { parseConfig, type Config } from "./config.ts";
import { TEN, uuid } from "./core/harness.ts";
import type { Input } from "./core/types.ts";
import { openJournal, type Journal } from "./io/journal.ts";
import { roomOf, startSelfWatch, type SelfWatch } from "./self-watch.ts";

const base = mkdtempSync(join(tmpdir(), "er-self-"));
let count = 0;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(() => rmSync(base, { recursive: true }));

const configOf = (folder: string, journal = ""): Config =>
  parseConfig(
    `er = "er-1"\nsite = "s"\ndata_dir = "${folder}"\nbroker = { url = "mqtt://127.0.0.1:1" }
     ocpp = { port = 0, auth = "open" }\njournal = { ${journal} }`,
    "test.toml",
  );

function watched(prepare: (journal: Journal) => void = () => undefined, budgetMb = 64) {
  const folder = mkdtempSync(join(base, `${++count}-`));
  const journal = openJournal({ path: join(folder, "journal.sqlite"), newJournalId: uuid(1) });
  prepare(journal);
  const inputs: Input[] = [];
  const ends: string[] = [];
  const counters = { inputs: 0, entries: 0, commits: 0, commitFailures: 0 };
  let relieved = 0;
  const config = configOf(folder);
  const selfWatch: SelfWatch = startSelfWatch({
    config: { ...config, journal: { budget_mb: budgetMb, reserve_mb: 0 } },
    journal,
    runtime: { coveredSeq: journal.lastSeq, counters, relieve: () => void (relieved += 1) },
    now: () => ({ at: TEN + 86_400_000, upMs: performance.now() }),
    input: (value) => inputs.push(value),
    onLog: () => undefined,
    end: (reason) => ends.push(reason),
  });
  stops.push(
    () => selfWatch.stop(),
    () => journal.close(),
  );
  return { folder, journal, inputs, ends, counters, selfWatch, relieved: () => relieved };
}

const sampled = (seq: number): Entry => ({
  ...{ seq, at: TEN + seq * 1_000, upMs: seq, clock: "synced", kind: "meter.sampled", meterId: "grid" },
  reading: { powerW: seq, energyImportWh: seq * 7, voltagePhasesMv: [230_000 + (seq % 7_919), 229_000] },
});

describe("the box", () => {
  test("is told to the core at once: gauges with the journal's bytes and budget", () => {
    const { inputs, journal, selfWatch } = watched();
    expect(inputs).toMatchObject([
      { kind: "gauges", gauges: { journalBytes: journal.usedBytes(), journalBudgetBytes: 64 * 1024 * 1024 } },
    ]);
    expect(selfWatch.gauges.rssBytes).toBeGreaterThan(1e6);
  });

  test("has a budget of 2 GB and a reserve of 64 MB; a small budget keeps a quarter", () => {
    const mb = (text: string) => {
      const { budgetBytes, reserveBytes } = roomOf(configOf(base, text));
      return [budgetBytes / 1024 ** 2, reserveBytes / 1024 ** 2];
    };
    expect(mb("")).toEqual([2_048, 64]);
    expect(mb("budget_mb = 100")).toEqual([100, 25]);
    expect(mb("budget_mb = 100, reserve_mb = 10")).toEqual([100, 10]);
    expect(() => configOf(base, "budget_mb = 100, reserve_mb = 26")).toThrow("journal.reserve_mb");
  });
});

test("a journal that outgrows its budget is told to the core, relieved and rewritten, until there is room", async () => {
  const box = watched((journal) => {
    for (let n = 0; n < 60; n++) {
      const first = journal.lastSeq + 1;
      journal.append(
        uuid(0xb),
        Array.from({ length: 250 }, (_, i) => sampled(first + i)),
      );
    }
  }, 0.3);
  expect(box.inputs[0]).toEqual({ kind: "pressure", level: "refuse" });
  await until("blocks are thinned", () => box.selfWatch.job.counters.shedEntries > 5_000);
  expect(box.relieved()).toBeGreaterThan(0);
  expect([...box.journal.entries(0)].length).toBeLessThan(10_000);
});

describe("commits that fail", () => {
  const failed = (box: ReturnType<typeof watched>, code: string) => {
    box.counters.commitFailures += 1;
    box.selfWatch.onFailed(Object.assign(new Error(code), { code }));
    box.selfWatch.turned();
  };

  test("because the file is damaged end the process, and the next one will check it", () => {
    const box = watched();
    failed(box, "SQLITE_CORRUPT");
    failed(box, "SQLITE_CORRUPT");
    expect(box.ends).toEqual([]);
    failed(box, "SQLITE_CORRUPT");
    expect(box.ends).toEqual(["the journal is damaged: SQLITE_CORRUPT"]);
    expect(existsSync(join(box.folder, "journal-suspect.json"))).toBe(true);
  });

  test("because the disk is full are waited for", () => {
    const box = watched();
    for (let i = 0; i < 200; i++) failed(box, "SQLITE_FULL");
    expect(box.ends).toEqual([]);
  });

  test("and then succeed begin to count anew", () => {
    const box = watched();
    for (let i = 0; i < 10; i++) {
      failed(box, "SQLITE_CORRUPT");
      failed(box, "SQLITE_CORRUPT");
      box.counters.commitFailures = 0;
      box.selfWatch.turned();
    }
    expect(box.ends).toEqual([]);
  });
});
