/**
 * The journal on a real file: what was committed is there, in order, whatever was trimmed or reopened
 * between.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { decodeBlock, firstChain, nextChain } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { openJournal, type Journal } from "./journal.ts";

const folder = mkdtempSync(join(tmpdir(), "er-journal-"));
const boot = "01900000-0000-7000-8000-00000000b007";
const journalId = "01900000-0000-7000-8000-000000000001";
let path = "";
let count = 0;
const opened: Journal[] = [];

beforeEach(() => {
  path = join(folder, `journal-${++count}.sqlite`);
});
afterAll(() => {
  for (const journal of opened) journal.close();
  rmSync(folder, { recursive: true });
});

function open(file = path): Journal {
  const journal = openJournal({ path: file, newJournalId: journalId });
  opened.push(journal);
  return journal;
}
const entry = (seq: number, at = seq): Entry => ({
  ...{ seq, at, upMs: seq, clock: "synced", kind: "station.offline", stationId: "CP-1", reason: `r${seq}` },
});
/** Appends blocks of the given sizes; entry n is written at time n, or at the time given per block. */
function append(journal: Journal, sizes: readonly number[], ats: readonly number[] = []): void {
  sizes.forEach((size, i) => {
    const first = journal.lastSeq + 1;
    journal.append(
      boot,
      Array.from({ length: size }, (_, k) => entry(first + k, ats[i] ?? first + k)),
    );
  });
}
const seqs = (journal: Journal, afterSeq: number) => [...journal.entries(afterSeq)].map((e) => e.seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** Blocks as [first, last], checked against the chain that leads to them. */
function read(journal: Journal, afterSeq: number, bytesMax = 1e6, entriesMax = 1e6): [number, number][] {
  const { prevChain, blocks } = journal.read(afterSeq, bytesMax, entriesMax);
  let chain = prevChain;
  for (const block of blocks) {
    chain = nextChain(chain, block.firstSeq, block.bytes);
    expect(block.chain).toBe(chain);
  }
  return blocks.map((b) => [b.firstSeq, b.lastSeq]);
}
function failure(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe("append and read", () => {
  test("a new journal is empty and keeps its identity", () => {
    const journal = open();
    expect(journal).toMatchObject({ journalId, lastSeq: 0, oldestSeq: 1, lastAt: 0, writtenBytes: 0 });
    expect(journal.read(0, 1e6, 500)).toEqual({ prevChain: firstChain(journalId), blocks: [] });
    expect(seqs(journal, 0)).toEqual([]);
    const again = openJournal({ path, newJournalId: "another" });
    opened.push(again);
    expect(again.journalId).toBe(journalId);
  });

  test("blocks come back as they were written, after a reopen too", () => {
    append(open(), [3, 1, 2]);
    const journal = open();
    expect(journal).toMatchObject({ lastSeq: 6, oldestSeq: 1, lastAt: 6 });
    expect(read(journal, 0)).toEqual([
      [1, 3],
      [4, 4],
      [5, 6],
    ]);
    const [block] = journal.read(0, 1e6, 500).blocks;
    expect(decodeBlock(block?.bytes ?? Buffer.alloc(0))).toEqual({
      boot,
      entries: [entry(1), entry(2), entry(3)],
    });
    append(journal, [1]);
    expect(read(journal, 6)).toEqual([[7, 7]]);
  });

  test("a cursor inside a block gives the block whole; replay gives only what comes after it", () => {
    const journal = open();
    append(journal, [3, 3]);
    expect(read(journal, 1)).toEqual([
      [1, 3],
      [4, 6],
    ]);
    expect(read(journal, 4)).toEqual([[4, 6]]);
    expect(read(journal, 6)).toEqual([]);
    expect(seqs(journal, 1)).toEqual(range(2, 6));
    expect(seqs(journal, 6)).toEqual([]);
  });

  test("a batch is bounded in entries and bytes, but never empty while there is something", () => {
    const journal = open();
    append(journal, [3, 3, 3]);
    expect(read(journal, 0, 1e6, 6)).toEqual([
      [1, 3],
      [4, 6],
    ]);
    expect(read(journal, 0, 1e6, 1)).toEqual([[1, 3]]);
    expect(read(journal, 0, 1, 500)).toEqual([[1, 3]]);
  });

  test("replay goes through more blocks than one query takes", () => {
    const journal = open();
    append(
      journal,
      Array.from({ length: 210 }, () => 1),
    );
    expect(seqs(journal, 3)).toEqual(range(4, 210));
  });

  test("nothing is appended for no entries", () => {
    const journal = open();
    journal.append(boot, []);
    expect(journal.lastSeq).toBe(0);
  });

  test("a gap, a repeat or a hole is a broken invariant and changes nothing", () => {
    const journal = open();
    append(journal, [2]);
    for (const list of [[entry(4)], [entry(2)], [entry(3), entry(5)], [entry(1)]]) {
      expect(failure(() => journal.append(boot, list))).toMatchObject({
        message: expect.stringContaining("invariant"),
      });
    }
    expect(read(journal, 0)).toEqual([[1, 2]]);
    append(journal, [1]);
    expect(journal.lastSeq).toBe(3);
  });
});

describe("trim", () => {
  test("drops whole blocks that are acked and old, and goes on with the right chain", () => {
    const journal = open();
    append(journal, [3, 3, 3]);
    expect(journal.trim(5, 1_000)).toBe(1);
    expect(journal.oldestSeq).toBe(4);
    expect(read(journal, 0)).toEqual([
      [4, 6],
      [7, 9],
    ]);
    expect(seqs(journal, 0)).toEqual(range(4, 9));
    expect(journal.trim(9, 7)).toBe(1);
    expect(read(journal, 6)).toEqual([[7, 9]]);
    expect(read(open(), 0)).toEqual([[7, 9]]);
  });

  test("drops nothing that is not acked or not old enough", () => {
    const journal = open();
    append(journal, [3, 3]);
    expect(journal.trim(2, 1_000)).toBe(0);
    expect(journal.trim(6, 3)).toBe(0);
    expect(read(journal, 0)).toEqual([
      [1, 3],
      [4, 6],
    ]);
  });

  test("of everything keeps place, chain and time, across a reopen", () => {
    const before = open();
    append(before, [3, 3]);
    const { blocks } = before.read(0, 1e6, 500);
    expect(before.trim(6, 1_000)).toBe(2);
    for (const journal of [before, open()]) {
      expect(journal).toMatchObject({ lastSeq: 6, oldestSeq: 7, lastAt: 6 });
      expect(journal.read(0, 1e6, 500)).toEqual({ prevChain: blocks.at(-1)?.chain, blocks: [] });
    }
    const journal = open();
    append(journal, [2]);
    expect(journal.read(6, 1e6, 500).prevChain).toBe(blocks.at(-1)?.chain);
    expect(read(journal, 6)).toEqual([[7, 8]]);
    expect(read(open(), 0)).toEqual([[7, 8]]);
  });

  test("never tears a hole, also when the clock jumped between the blocks", () => {
    const journal = open();
    append(journal, [1, 1, 1, 1], [10, 9_000, 20, 30]);
    expect(journal.trim(4, 1_000)).toBe(1);
    expect(read(journal, 0)).toEqual([
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(read(open(), 1)).toEqual([
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(journal.trim(4, 10_000)).toBe(3);
    append(journal, [1]);
    expect(read(journal, 0)).toEqual([[5, 5]]);
  });
});

describe("documents", () => {
  test("are stored with their entries or not at all", () => {
    const journal = open();
    journal.append(boot, [entry(1)], [{ key: "policy", value: { version: 1 } }]);
    expect(open().readDoc("policy")).toEqual({ version: 1 });
    const broken = { toJSON: () => failsToWrite() };
    expect(
      failure(() => journal.append(boot, [entry(2)], [{ key: "policy", value: broken }])),
    ).toBeInstanceOf(Error);
    expect(journal.lastSeq).toBe(1);
    expect(read(open(), 0)).toEqual([[1, 1]]);
    journal.append(boot, [entry(2)], [{ key: "policy", value: { version: 2 } }]);
    expect(open().readDoc("policy")).toEqual({ version: 2 });
  });

  test("that were never written are undefined; others are replaced", () => {
    const journal = open();
    expect(journal.readDoc("snapshot")).toBeUndefined();
    journal.writeDoc("snapshot", "a");
    journal.writeDoc("snapshot", "b");
    expect(journal.readDoc("snapshot")).toBe("b");
  });
});
const failsToWrite = (): never => {
  throw new Error("no space left on device");
};

describe("others at the file", () => {
  test("a reader in the middle of a transaction keeps its view and hinders nobody", () => {
    const journal = open();
    append(journal, [2]);
    const reader = new Database(path, { readonly: true });
    const rows = reader.prepare("SELECT count(*) AS n FROM block");
    reader.exec("BEGIN");
    expect(rows.get()).toEqual({ n: 1 });
    append(journal, [2, 2]);
    journal.trim(2, 1_000);
    expect(rows.get()).toEqual({ n: 1 });
    reader.exec("COMMIT");
    expect(rows.get()).toEqual({ n: 2 });
    reader.close();
  });

  test("size and written bytes are counted", () => {
    const journal = open();
    append(journal, [50]);
    expect(journal.writtenBytes).toBeGreaterThan(50);
    expect(journal.sizeBytes()).toBeGreaterThan(journal.writtenBytes);
  });
});

describe("a file that cannot be used", () => {
  test("of a future format is left alone, with a word on what to do", () => {
    open().close();
    opened.pop();
    const db = new Database(path);
    db.exec("UPDATE meta SET value = '2' WHERE key = 'format'");
    db.close();
    expect(failure(() => open())).toMatchObject({
      code: "JOURNAL_FORMAT",
      hint: expect.stringContaining("upgrade"),
    });
  });

  test("that is no database, or in a folder that is missing or cannot be written, is JOURNAL_UNUSABLE", () => {
    writeFileSync(
      path,
      "this is not a database, and it is longer than a header of one hundred bytes".repeat(20),
    );
    const unusable = {
      name: "AppError",
      code: "JOURNAL_UNUSABLE",
      hint: expect.stringContaining("never delete"),
    };
    expect(failure(() => open())).toMatchObject(unusable);
    expect(failure(() => open(join(folder, "missing", "j.sqlite")))).toMatchObject(unusable);
    expect(failure(() => open("/proc/j.sqlite"))).toMatchObject(unusable);
    expect(failure(() => open(folder))).toMatchObject(unusable);
  });
});
