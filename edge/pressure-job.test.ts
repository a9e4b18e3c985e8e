/** A journal, filled as a busy site fills it, under every pressure: in memory, and where it matters on a file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Entry, EntryOf } from "../shared/entry.ts";
import { BLOCK_ENTRIES_MAX } from "../shared/limits.ts";
import { formatTime } from "../shared/time.ts";
import { encodeSnapshot } from "./core/fold.ts";
import { TEN, uuid } from "./core/harness.ts";
import { openJournal, type Journal } from "./io/journal.ts";
import { createPressureJob, type PressureOptions } from "./pressure-job.ts";
import { recover } from "./runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "er-pressure-"));
const opened: Journal[] = [];
let path = "";
let files = 0;
beforeEach(() => {
  path = join(folder, `${++files}.sqlite`);
});
afterAll(() => {
  for (const journal of opened) journal.close();
  rmSync(folder, { recursive: true });
});
function open(at = ":memory:"): Journal {
  const journal = openJournal({ path: at, newJournalId: uuid(1) });
  opened.push(journal);
  return journal;
}

const CONNECTORS = 20;
const EVERY_MS = 10_000;
const PER_COMMIT = 10;

function message(seq: number, at: number, action: string, payload: object, connector: number): Entry {
  const head = { seq, at, upMs: at - TEN, clock: "synced" } as const;
  return {
    ...{ ...head, kind: "ocpp.handled", stationId: `CP-${connector}`, protocol: "ocpp1.6", action },
    ...{ request: JSON.stringify([2, String(seq), action, payload]), response: `[3,"${seq}",{}]` },
    transactionId: uuid(connector),
  };
}
function reading(seq: number, at: number, connector: number): Entry {
  const sampledValue = [
    { value: String(seq), context: "Sample.Periodic", measurand: "Energy.Active.Import.Register" },
  ];
  const meterValue = [{ timestamp: formatTime(at), sampledValue }];
  return message(seq, at, "MeterValues", { connectorId: 1, transactionId: connector, meterValue }, connector);
}

/** A reading per connector every 10 s, a status every ten minutes, `minutes` long. */
function fill(journal: Journal, minutes: number, boot = uuid(0xb), from = TEN): number {
  let at = from;
  let waiting: Entry[] = [];
  const add = (entry: Entry) => {
    waiting.push(entry);
    if (waiting.length < PER_COMMIT) return;
    journal.append(boot, waiting);
    waiting = [];
  };
  for (; at < from + minutes * 60_000; at += EVERY_MS) {
    for (let c = 1; c <= CONNECTORS; c++) {
      const step = Math.floor(((c - 1) * EVERY_MS) / CONNECTORS);
      const seq = journal.lastSeq + waiting.length + 1;
      const first = (at - from) % 600_000 === 0;
      const status = { connectorId: 1, status: "Charging", errorCode: "NoError" };
      add(first ? message(seq, at + step, "StatusNotification", status, c) : reading(seq, at + step, c));
    }
  }
  journal.append(boot, waiting);
  return at;
}

function jobFor(journal: Journal, more: Partial<PressureOptions> = {}) {
  const clock = { at: TEN + 24 * 3_600_000, upMs: 0 };
  const logs: string[] = [];
  const { journal: used = journal } = more;
  const job = createPressureJob({
    budgetBytes: 1e9,
    reserveBytes: 0,
    diskFreeBytes: () => undefined,
    coveredSeq: () => journal.lastSeq - 1,
    now: () => ({ ...clock }),
    onLog: (_level, text) => logs.push(text),
    ...more,
    journal: Object.create(used, { usedBytes: { value: () => bytesOf(journal) } }) as Journal,
  });
  return { job, clock, logs };
}
/** Bytes of its blocks alone: pages and write-ahead log of so small a file would only blur them. */
const bytesOf = (journal: Journal) => journal.places(0, 1e6).reduce((sum, { size }) => sum + size, 0);
/** A budget of which the journal takes this share. */
const budgetAt = (journal: Journal, share: number) => ({
  budgetBytes: Math.ceil(bytesOf(journal) / share),
});
/** Slices until it rests. Each makes at most one block. */
function work(job: ReturnType<typeof createPressureJob>): number {
  let slices = 0;
  while (job.slice()) slices += 1;
  return slices;
}
const entriesOf = (journal: Journal) => [...journal.entries(0)];
const isShed = (entry: Entry): entry is EntryOf<"journal.shed"> => entry.kind === "journal.shed";
/** Every number, from entries and ranges. */
const numbersOf = (entries: readonly Entry[]) =>
  entries
    .flatMap((entry) =>
      isShed(entry)
        ? entry.ranges.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i))
        : [entry.seq],
    )
    .sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

describe("without pressure", () => {
  test("nothing is touched", () => {
    const journal = open();
    fill(journal, 20);
    const { job } = jobFor(journal, budgetAt(journal, 0.4));
    const before = journal.places(0, 1e6);
    expect(job.measure()).toBe("none");
    expect(work(job)).toBe(0);
    expect(journal.places(0, 1e6)).toEqual(before);
  });
});

describe("compaction", () => {
  test("makes few rows of it and loses nothing", () => {
    const journal = open(path);
    fill(journal, 40);
    const before = entriesOf(journal);
    const rows = journal.places(0, 1e6).length;
    const used = bytesOf(journal);
    const { job } = jobFor(journal, budgetAt(journal, 0.6));
    expect(job.measure()).toBe("compact");
    work(job);
    expect(entriesOf(journal)).toEqual(before);
    expect(entriesOf(open(path))).toEqual(before);
    expect(journal.places(0, 1e6).length).toBeLessThan(rows / 5);
    expect(bytesOf(journal)).toBeLessThan(used);
    expect(job.counters.shedEntries).toBe(0);
  });

  test("keeps boots apart", () => {
    const journal = open();
    const next = fill(journal, 20, uuid(0xa));
    fill(journal, 20, uuid(0xb), next);
    const border = journal.places(0, 1e6).find((p) => journal.block(p.firstSeq).boot === uuid(0xb))?.firstSeq;
    const before = entriesOf(journal);
    const { job } = jobFor(journal, budgetAt(journal, 0.6));
    job.measure();
    work(job);
    expect(journal.places(0, 1e6).map((p) => p.firstSeq)).toContain(border);
    expect(entriesOf(journal)).toEqual(before);
  });

  test("comes to an end: what was merged is not merged again and again", () => {
    const journal = open();
    fill(journal, 60);
    const { job, clock } = jobFor(journal, budgetAt(journal, 0.9));
    job.measure();
    work(job);
    const done = journal.writtenBytes;
    for (let i = 0; i < 5; i++) {
      clock.upMs += 120_000;
      work(job);
    }
    expect(journal.writtenBytes).toBe(done);
  });
});

describe("thinning", () => {
  test.each([
    ["thin-60", 0.75, 60],
    ["thin-300", 0.9, 300],
    ["refuse", 1.1, 300],
  ] as const)(
    "under %s one reading per connector stays for each so many seconds",
    (pressure, share, everyS) => {
      const journal = open();
      fill(journal, 60);
      const before = entriesOf(journal);
      const { job } = jobFor(journal, budgetAt(journal, share));
      expect(job.measure()).toBe(pressure);
      work(job);
      const after = entriesOf(journal);
      expect(numbersOf(after)).toEqual(upTo(journal.lastSeq));
      const kept = after.filter((entry) => !isShed(entry));
      expect(kept).toEqual(before.filter(({ seq }) => kept.some((e) => e.seq === seq)));
      const statuses = (list: readonly Entry[]) =>
        list.filter((e) => "action" in e && e.action === "StatusNotification");
      expect(statuses(after)).toEqual(statuses(before));
      // The newest blocks wait for company; of the rest a few windows are cut by a border of blocks.
      const readings = kept.length - statuses(kept).length;
      expect(readings).toBeLessThan(((60 * 60) / everyS) * CONNECTORS * 1.5 + 2 * BLOCK_ENTRIES_MAX);
      expect(readings).toBeGreaterThanOrEqual(((60 * 60) / everyS) * CONNECTORS);
      expect(after.filter(isShed).every((shed) => shed.ranges.length <= 500)).toBe(true);
      expect(job.counters.shedEntries).toBeGreaterThan(0);
    },
  );

  test("what was thinned to a minute is thinned to five when it gets worse", () => {
    const journal = open();
    fill(journal, 120);
    const used = bytesOf(journal);
    const mild = jobFor(journal, budgetAt(journal, 0.75)).job;
    mild.measure();
    work(mild);
    const minutely = entriesOf(journal).length;
    const severe = jobFor(journal, { ...budgetAt(journal, 0.9) }).job;
    expect(severe.measure()).toBe("thin-300");
    work(severe);
    expect(entriesOf(journal).length).toBeLessThan(minutely / 2);
    expect(numbersOf(entriesOf(journal))).toEqual(upTo(journal.lastSeq));
    expect(bytesOf(journal)).toBeLessThan(used / 2);
  });

  test("stops as soon as there is room again, oldest first", () => {
    const journal = open();
    fill(journal, 120);
    const { job, clock } = jobFor(journal, budgetAt(journal, 0.75));
    job.measure();
    while (job.slice()) {
      clock.upMs += 1_000;
      if (job.measure() === "compact") break;
    }
    const levels = journal.places(0, 1e6).map((place) => place.level);
    expect(levels).toEqual([...levels].sort((a, b) => b - a));
    expect(levels[0]).toBe(60);
    expect(levels.filter((level) => level === 0).length).toBeGreaterThan(40);
  });
});

describe("what is never touched", () => {
  test("entries that the snapshot does not cover, and young ones", () => {
    const journal = open();
    fill(journal, 60);
    const half = journal.places(0, 1e6)[120]?.lastSeq ?? 0;
    const young = journal.places(0, 1e6)[80] as { at: number; firstSeq: number };
    const covered = jobFor(journal, { ...budgetAt(journal, 0.9), coveredSeq: () => half });
    const fresh = jobFor(journal, budgetAt(journal, 0.9));
    fresh.clock.at = young.at + 10 * 60_000;
    const untouched = () => journal.places(0, 1e6).find((place) => place.level === 0)?.firstSeq ?? 0;
    fresh.job.measure();
    work(fresh.job);
    expect(untouched()).toBeLessThanOrEqual(young.firstSeq);
    covered.job.measure();
    work(covered.job);
    expect(untouched()).toBeGreaterThan(young.firstSeq);
    expect(untouched()).toBeLessThanOrEqual(half + 1);
  });

  test("a clock that fell back does not keep blocks young for ever", () => {
    const journal = open();
    fill(journal, 240);
    const { job, clock } = jobFor(journal, budgetAt(journal, 0.9));
    clock.at = 0;
    job.measure();
    work(job);
    const old = journal.places(0, 1e6).filter((place) => place.level > 0);
    expect(old.length).toBeGreaterThan(0);
    expect(old.at(-1)?.lastSeq).toBeLessThanOrEqual(journal.lastSeq - 20_000);
  });

  test("a block that cannot be read: it stays as it is, the others are rewritten", () => {
    const journal = open();
    fill(journal, 60);
    const bad = journal.places(0, 1e6)[50]?.firstSeq ?? 0;
    const { job, logs } = jobFor(journal, {
      ...budgetAt(journal, 0.9),
      journal: Object.create(journal, {
        block: {
          value(firstSeq: number) {
            if (firstSeq !== bad) return journal.block(firstSeq);
            throw Object.assign(new Error("the block cannot be read"), { code: "BLOCK_UNREADABLE" });
          },
        },
      }) as Journal,
    });
    job.measure();
    work(job);
    const places = journal.places(0, 1e6);
    expect(places.find((place) => place.firstSeq === bad)).toMatchObject({ level: 0 });
    expect(places.filter((place) => place.level > 0).length).toBeGreaterThan(1);
    expect(logs.some((text) => text.includes("cannot be read"))).toBe(true);
  });

  test("a disk that is full ends the work, not the process", () => {
    const journal = open();
    fill(journal, 60);
    const { job, clock } = jobFor(journal, {
      ...budgetAt(journal, 0.9),
      journal: Object.create(journal, {
        rewrite: {
          value() {
            throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
          },
        },
      }) as Journal,
    });
    job.measure();
    expect(job.slice()).toBe(false);
    expect(job.slice()).toBe(false);
    clock.upMs += 60_000;
    expect(job.slice()).toBe(false);
  });
});

describe("the room", () => {
  test("is what the disk has left, where that is less than the budget", () => {
    const journal = open();
    fill(journal, 10);
    let free = 1e9;
    const { job, clock } = jobFor(journal, {
      budgetBytes: 1e9,
      reserveBytes: 1e6,
      diskFreeBytes: () => free,
    });
    expect(job.measure()).toBe("none");
    free = 9e6;
    clock.upMs += 5_000;
    expect(job.measure()).toBe("none");
    clock.upMs += 5_000;
    expect(job.measure()).toBe("refuse");
    expect(job.room.budgetBytes).toBeLessThan(bytesOf(journal) + 2e6);
    free = 1e9;
    clock.upMs += 10_000;
    expect(job.measure()).toBe("none");
  });

  test("is measured at most once a second", () => {
    const journal = open();
    fill(journal, 10);
    const { job, clock } = jobFor(journal, budgetAt(journal, 0.45));
    expect(job.measure()).toBe("none");
    fill(journal, 10, uuid(0xb), TEN + 600_000);
    expect(job.measure()).toBe("none");
    clock.upMs += 1_000;
    expect(job.measure()).not.toBe("none");
  });
});

test("a start after it knows what it knew: the snapshot stands, the rest is replayed", () => {
  const journal = open(path);
  fill(journal, 30);
  const known = recover(journal).durable;
  journal.writeDoc("snapshot", encodeSnapshot(known));
  const covered = journal.lastSeq;
  fill(journal, 30, uuid(0xb), TEN + 30 * 60_000);
  const before = recover(journal);
  const { job } = jobFor(journal, { ...budgetAt(journal, 1.2), coveredSeq: () => covered });
  job.measure();
  work(job);
  expect(job.counters.shedEntries).toBeGreaterThan(0);
  const after = recover(open(path));
  expect(encodeSnapshot(after.durable)).toBe(encodeSnapshot(before.durable));
  expect(after).toMatchObject({ replayed: before.replayed, coveredSeq: covered });
});
