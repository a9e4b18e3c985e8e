/**
 * The journal on a real file: what was committed is there, in order, whatever was trimmed or reopened
 * between.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { decodeBlock, encodeBlock, firstChain, nextChain } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { faultOf, quickCheck, readRemains } from "./journal-file.ts";
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

/** A block of [first, last] without some of its entries, as thinning leaves it. */
const thinned = (first: number, last: number, kept: readonly number[]): Entry[] => {
  const gone = range(first, last).filter((seq) => !kept.includes(seq));
  const shed: Entry = {
    ...{ seq: gone[0] ?? 0, at: gone[0] ?? 0, upMs: 0, clock: "synced" },
    ...{ kind: "journal.shed", keptEveryS: 60, ranges: gone.map((seq): [number, number] => [seq, seq]) },
  };
  return [...kept.map((seq) => entry(seq)), shed].sort((a, b) => a.seq - b.seq);
};

describe("rewrite", () => {
  test("merged blocks stand where the old ones stood, with the chain after the last of them", () => {
    const journal = open();
    append(journal, [2, 3, 1, 2]);
    const before = journal.read(0, 1e6, 500);
    journal.rewrite(
      { firstSeq: 1, lastSeq: 6, level: 1 },
      boot,
      range(1, 6).map((seq) => entry(seq)),
    );
    for (const view of [journal, open()]) {
      expect(view.places(0, 10)).toMatchObject([
        { firstSeq: 1, lastSeq: 6, level: 1, entries: 6, at: 6 },
        { firstSeq: 7, lastSeq: 8, level: 0, entries: 2, at: 8 },
      ]);
      expect(seqs(view, 0)).toEqual(range(1, 8));
      const { prevChain, blocks } = view.read(0, 1e6, 500);
      expect(prevChain).toBe(before.prevChain);
      expect(blocks.map((b) => b.chain)).toEqual([before.blocks[2]?.chain, before.blocks[3]?.chain]);
      expect(view.read(6, 1e6, 500).prevChain).toBe(before.blocks[2]?.chain);
      expect(view).toMatchObject({ lastSeq: 8, oldestSeq: 1, lastAt: 8 });
      expect(decodeBlock(view.read(0, 1, 1).blocks[0]?.bytes ?? Buffer.alloc(0)).boot).toBe(boot);
    }
    append(journal, [1]);
    expect(read(journal, 6)).toEqual([
      [7, 8],
      [9, 9],
    ]);
  });

  test("a thinned block counts its entries, is replayed by what is left and goes up whole", () => {
    const journal = open();
    append(journal, [4, 4, 2]);
    journal.rewrite({ firstSeq: 1, lastSeq: 8, level: 60 }, boot, thinned(1, 8, [3, 7]));
    expect(seqs(journal, 0)).toEqual([1, 3, 7, 9, 10]);
    expect(seqs(journal, 4)).toEqual([7, 9, 10]);
    expect(seqs(journal, 8)).toEqual([9, 10]);
    const { blocks } = journal.read(5, 1e6, 5);
    expect(blocks).toMatchObject([
      { firstSeq: 1, lastSeq: 8, level: 60, entries: 3 },
      { firstSeq: 9, lastSeq: 10, level: 0, entries: 2 },
    ]);
    expect(journal.block(1)).toEqual({ boot, entries: thinned(1, 8, [3, 7]) });
    expect(journal.trim(7, 1e6)).toBe(0);
    expect(journal.trim(8, 1e6)).toBe(1);
    expect(journal.read(0, 1e6, 5).prevChain).toBe(blocks[0]?.chain);
  });

  test("room that it frees is used again, and counted as free", () => {
    const journal = open();
    append(journal, [...Array.from({ length: 400 }, () => 1), 1]);
    const used = journal.usedBytes();
    const size = journal.sizeBytes();
    for (let first = 1; first < 400; first += 100) {
      const list = range(first, first + 99).map((seq) => entry(seq));
      journal.rewrite({ firstSeq: first, lastSeq: first + 99, level: 1 }, boot, list);
    }
    journal.close();
    opened.pop();
    const again = open();
    expect(again.usedBytes()).toBeLessThan(used / 2);
    expect(again.freeBytes()).toBeGreaterThan(0);
    expect(again.sizeBytes()).toBeLessThanOrEqual(size);
    expect(seqs(again, 0)).toEqual(range(1, 401));
  });

  test("half a block, a hole or the last block is a broken invariant and changes nothing", () => {
    const journal = open();
    append(journal, [2, 2, 2]);
    for (const [firstSeq, lastSeq] of [
      [1, 3],
      [2, 4],
      [3, 6],
      [5, 6],
      [3, 2],
    ] as const) {
      const place = { firstSeq, lastSeq, level: 1 };
      expect(failure(() => journal.rewrite(place, boot, [entry(firstSeq)]))).toMatchObject({
        message: expect.stringContaining("invariant"),
      });
    }
    expect(read(journal, 0)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });
});

describe("a journal of the release before", () => {
  /** As format 1 made it. */
  function formatOne(): void {
    const db = new Database(path);
    db.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE block (first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, at INTEGER NOT NULL,
        chain TEXT NOT NULL, bytes BLOB NOT NULL);
      CREATE TABLE doc (key TEXT PRIMARY KEY, value TEXT NOT NULL);
      INSERT INTO meta VALUES ('journalId', '${journalId}'), ('format', '1');
      INSERT INTO doc VALUES ('policy', '{"version":7}');
    `);
    let chain = firstChain(journalId);
    for (const [first, last] of [
      [1, 2],
      [3, 3],
    ] as const) {
      const bytes = encodeBlock(
        boot,
        range(first, last).map((seq) => entry(seq)),
      );
      chain = nextChain(chain, first, bytes);
      db.prepare("INSERT INTO block VALUES (?, ?, ?, ?, ?)").run(first, last, last, chain, bytes);
    }
    db.close();
  }

  test("goes on under its identity, with all it holds, and may be rewritten", () => {
    formatOne();
    for (const journal of [open(), open()]) {
      expect(journal).toMatchObject({ journalId, lastSeq: 3, oldestSeq: 1 });
      expect(journal.readDoc("policy")).toEqual({ version: 7 });
      expect(journal.places(0, 5)).toMatchObject([
        { firstSeq: 1, level: 0, entries: 2 },
        { firstSeq: 3, level: 0, entries: 1 },
      ]);
    }
    const journal = open();
    append(journal, [1]);
    expect(read(journal, 0)).toEqual([
      [1, 2],
      [3, 3],
      [4, 4],
    ]);
    journal.rewrite(
      { firstSeq: 1, lastSeq: 3, level: 1 },
      boot,
      range(1, 3).map((seq) => entry(seq)),
    );
    expect(seqs(open(), 0)).toEqual(range(1, 4));
  });
});

describe("the last entry", () => {
  test("is the one committed last; an empty journal has none", () => {
    const journal = open();
    expect(journal.lastEntry()).toBeUndefined();
    append(journal, [2, 3]);
    expect(open().lastEntry()).toEqual(entry(5));
  });
});

describe("the remains of a journal", () => {
  test("tell its identity, place and documents without touching a byte of it", () => {
    const journal = open();
    const policy = { tokens: Array.from({ length: 500 }, (_, i) => `token ${i}`) };
    journal.append(boot, [entry(1, 77)], [{ key: "policy", value: policy }]);
    const files = () => readdirSync(folder).filter((n) => n.startsWith(path.slice(folder.length + 1)));
    const bytes = () =>
      files()
        .filter((n) => !n.endsWith("-shm"))
        .map((n) => readFileSync(join(folder, n)));
    const before = bytes();
    expect(before).toHaveLength(2);
    expect(readRemains(path, ["policy", "policy-keys"])).toEqual({
      ...{ journalId, lastSeq: 1, lastAt: 77 },
      docs: [{ key: "policy", value: policy }],
    });
    expect(bytes()).toEqual(before);
  });

  test("of something that is no journal are nothing", () => {
    writeFileSync(path, "no database".repeat(200));
    expect(readRemains(path, ["policy"])).toEqual({ docs: [] });
    expect(readRemains(join(folder, "nowhere"), ["policy"])).toEqual({ docs: [] });
  });
});

test("errors are told apart: a damaged file, a disk that fails, a disk that is full, something else", () => {
  const of = (code: string) => faultOf(Object.assign(new Error("x"), { code }));
  expect(["SQLITE_CORRUPT_VTAB", "SQLITE_NOTADB", "BLOCK_UNREADABLE"].map(of)).toEqual(
    Array(3).fill("damaged"),
  );
  expect(["SQLITE_IOERR_WRITE", "SQLITE_FULL", "SQLITE_BUSY"].map(of)).toEqual(["io", "full", undefined]);
  expect(faultOf(new Error("x", { cause: { code: "SQLITE_FULL" } }))).toBeUndefined();
  expect(faultOf(new TypeError("a bug"))).toBeUndefined();
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
    const large = "a word of a snapshot ".repeat(1_000);
    const before = journal.usedBytes();
    journal.writeDoc("snapshot", large);
    expect(open().readDoc("snapshot")).toBe(large);
    expect(journal.usedBytes() - before).toBeLessThan(large.length);
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
    db.exec("UPDATE meta SET value = '3' WHERE key = 'format'");
    db.close();
    const before = readFileSync(path);
    expect(failure(() => open())).toMatchObject({
      code: "JOURNAL_FORMAT",
      hint: expect.stringContaining("upgrade"),
    });
    expect(readFileSync(path)).toEqual(before);
  });

  test("that is no database, or whose pages are damaged, is JOURNAL_DAMAGED", () => {
    const damaged = { code: "JOURNAL_DAMAGED" };
    writeFileSync(
      path,
      "this is not a database, and it is longer than a header of one hundred bytes".repeat(20),
    );
    expect(failure(() => open())).toMatchObject(damaged);
    path = join(folder, `journal-${++count}.sqlite`);
    open().close();
    opened.pop();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xff, 100, 1_024));
    expect(failure(() => open())).toMatchObject(damaged);
    expect(quickCheck(path)).toMatch(/malformed|corrupt|not a database/);
  });

  test("in a folder that is missing or cannot be written is JOURNAL_UNUSABLE", () => {
    const unusable = {
      name: "AppError",
      code: "JOURNAL_UNUSABLE",
      hint: expect.stringContaining("never delete"),
    };
    expect(failure(() => open(join(folder, "missing", "j.sqlite")))).toMatchObject(unusable);
    expect(failure(() => open("/proc/j.sqlite"))).toMatchObject(unusable);
    expect(failure(() => open(folder))).toMatchObject(unusable);
  });
});
