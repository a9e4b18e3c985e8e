/** A journal that cannot be used is moved away with every byte, whatever interrupts that; the site goes on. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../shared/entry.ts";
import { TEN, uuid } from "../core/harness.ts";
import type { Journal } from "./journal.ts";
import {
  createFaultCount,
  openSiteJournal,
  replaceSiteJournal,
  settleSetAside,
  suspectJournal,
  type SiteJournal,
} from "./site-journal.ts";

const base = mkdtempSync(join(tmpdir(), "er-site-"));
const opened: Journal[] = [];
let folder = "";
let count = 0;
let ids = 0;
let logs: { level: string; message: string; fields: Record<string, unknown> }[] = [];
beforeEach(() => {
  folder = join(base, String(++count));
  logs = [];
  ids = 0;
});
afterAll(() => {
  for (const journal of opened) journal.close();
  rmSync(base, { recursive: true });
});

const options = () => ({
  folder,
  newJournalId: () => uuid(++ids),
  now: () => Date.UTC(2026, 10, 22, 12, 30, 5),
  onLog: (level: string, message: string, fields: Record<string, unknown>) =>
    void logs.push({ level, message, fields }),
});
function open(): SiteJournal {
  const site = openSiteJournal(options());
  opened.push(site.journal);
  return site;
}
const entry = (seq: number): Entry => ({
  ...{
    seq,
    at: TEN + seq,
    upMs: seq,
    clock: "synced",
    kind: "station.offline",
    stationId: "CP-1",
    reason: "r",
  },
});
const POLICY = { version: 7, tokens: Array.from({ length: 200 }, (_, i) => `token ${i}`) };

/** A journal with entries, rules and a lease, as it lies there after a crash: with its write-ahead log. */
function left(): void {
  const { journal } = open();
  const list = Array.from({ length: 40 }, (_, i) => entry(i + 1));
  journal.append(uuid(0xb), list, [
    { key: "policy", value: POLICY },
    { key: "policy-keys", value: ["k"] },
    { key: "snapshot", value: "the state" },
  ]);
  const copy = join(base, `${count}-copy`);
  cpSync(folder, copy, { recursive: true });
  journal.close();
  opened.pop();
  rmSync(folder, { recursive: true });
  cpSync(copy, folder, { recursive: true });
}
const file = (suffix = "") => join(folder, `journal.sqlite${suffix}`);
const names = () => readdirSync(folder).sort();
function failure(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe("a journal that can be used", () => {
  test("is used, and nothing is said", () => {
    left();
    const { journal, setAside } = open();
    expect(journal).toMatchObject({ journalId: uuid(1), lastSeq: 40 });
    expect(setAside).toBeUndefined();
    expect(logs).toEqual([]);
  });

  test("begins in a folder that is not there yet", () => {
    expect(open()).toMatchObject({ journal: { journalId: uuid(1), lastSeq: 0 }, setAside: undefined });
  });
});

describe("a journal that cannot be used", () => {
  test("of a format that nobody knows: moved with its write-ahead log; rules are inherited, nothing else", () => {
    left();
    const db = new Database(file());
    db.exec("UPDATE meta SET value = '99' WHERE key = 'format'");
    db.close();
    const bytes = readFileSync(file());
    const { journal, setAside } = open();
    const name = "journal-20261122T123005Z-format.sqlite";
    expect(setAside).toEqual({
      ...{ file: name, journalId: uuid(1), lastSeq: 40 },
      reason: expect.stringContaining("has format 99") as string,
    });
    expect(readFileSync(join(folder, name))).toEqual(bytes);
    expect(journal).toMatchObject({ journalId: uuid(3), lastSeq: 0, oldestSeq: 1, lastAt: TEN + 40 });
    expect(journal.readDoc("policy")).toEqual(POLICY);
    expect(journal.readDoc("policy-keys")).toEqual(["k"]);
    expect(journal.readDoc("snapshot")).toBeUndefined();
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatchObject({ level: "error", fields: { file: name } });
    expect(String(logs[0]?.fields["what to do"])).toContain("keep");
  });

  test("that is no database: moved as it is; what could be read of it is not invented", () => {
    mkdirSync(folder);
    const garbage = "not a database at all ".repeat(100);
    writeFileSync(file(), garbage);
    writeFileSync(file("-wal"), "half a log");
    const { journal, setAside } = open();
    expect(setAside).toEqual({
      file: "journal-20261122T123005Z-damaged.sqlite",
      reason: expect.stringContaining("cannot be opened") as string,
    });
    expect(journal.lastSeq).toBe(0);
    expect(readFileSync(join(folder, setAside?.file ?? ""), "utf8")).toBe(garbage);
    expect(readFileSync(join(folder, `${setAside?.file}-wal`), "utf8")).toBe("half a log");
  });

  test("whose entries cannot be taken in: moved when the loop says so", () => {
    left();
    const { journal } = open();
    opened.pop();
    const error = Object.assign(new Error("the block cannot be read"), { code: "BLOCK_UNREADABLE" });
    const site = replaceSiteJournal(options(), journal, error);
    opened.push(site.journal);
    expect(site.setAside).toMatchObject({
      file: "journal-20261122T123005Z-unreadable.sqlite",
      reason: "the block cannot be read",
      lastSeq: 40,
    });
    expect(site.journal.readDoc("policy")).toEqual(POLICY);
    expect(site.journal.lastSeq).toBe(0);
  });

  test("never takes the place of one that was moved before", () => {
    mkdirSync(folder);
    for (const suffix of ["", "-2", "-3"]) {
      writeFileSync(file(), `garbage ${suffix} `.repeat(100));
      const { journal, setAside } = openSiteJournal(options());
      const name = `journal-20261122T123005Z-damaged${suffix}.sqlite`;
      expect(setAside?.file).toBe(name);
      expect(readFileSync(join(folder, name), "utf8")).toContain(`garbage ${suffix} `);
      settleSetAside(folder);
      journal.close();
    }
    expect(names().filter((name) => name.endsWith("sqlite") && name.includes("damaged"))).toHaveLength(3);
  });
});

describe("a move that is interrupted", () => {
  test("after any of its steps is finished at the next start, and told until it is in the journal", () => {
    left();
    rmSync(file("-shm"), { force: true });
    writeFileSync(file(), "garbage".repeat(400));
    const wal = readFileSync(file("-wal"));
    const plan = { file: "journal-20260101T000000Z-damaged.sqlite", reason: "it was damaged" };
    writeFileSync(join(folder, "set-aside.json"), JSON.stringify(plan));
    const target = join(folder, plan.file);
    // The log was moved, then the power went.
    writeFileSync(`${target}-wal`, wal);
    rmSync(file("-wal"));
    const first = open();
    expect(first.setAside).toMatchObject(plan);
    expect(readFileSync(`${target}-wal`)).toEqual(wal);
    expect(readFileSync(target, "utf8")).toBe("garbage".repeat(400));
    expect(existsSync(file())).toBe(true);
    // And went again before anything was committed.
    const second = open();
    expect(second.setAside).toMatchObject(plan);
    expect(second.journal.journalId).toBe(first.journal.journalId);
    expect(names().filter((n) => n.startsWith("journal-") && !n.endsWith("-shm"))).toEqual([
      plan.file,
      `${plan.file}-wal`,
    ]);
    second.journal.append(uuid(0xb), [entry(1)]);
    expect(open().setAside).toBeUndefined();
    expect(names()).not.toContain("set-aside.json");
  });

  test("a plan that was not written whole is none", () => {
    left();
    writeFileSync(join(folder, "set-aside.json"), '{"fi');
    expect(open()).toMatchObject({ journal: { lastSeq: 40 }, setAside: undefined });
  });

  test("a log without its journal is kept: SQLite would delete it", () => {
    left();
    const wal = readFileSync(file("-wal"));
    rmSync(file());
    rmSync(file("-shm"), { force: true });
    expect(open().journal.lastSeq).toBe(0);
    expect(readFileSync(join(folder, "journal-20261122T123005Z-orphan.sqlite-wal"))).toEqual(wal);
    expect(logs[0]?.level).toBe("error");
  });
});

describe("a journal under suspicion", () => {
  test("is checked; a good one is used", () => {
    left();
    suspectJournal(folder, TEN, "the disk did not take it");
    expect(open()).toMatchObject({ journal: { lastSeq: 40 }, setAside: undefined });
    expect(logs).toMatchObject([
      { level: "warn", fields: { suspect: { reason: "the disk did not take it" } } },
    ]);
    open();
    expect(logs).toHaveLength(1);
  });

  test("a bad one, that would still open, is moved", () => {
    left();
    const db = new Database(file());
    db.pragma("wal_checkpoint(TRUNCATE)");
    const fill = db.prepare("INSERT INTO doc VALUES (?, ?)");
    for (let i = 0; i < 200; i++) fill.run(`d${i}`, "x".repeat(300));
    db.pragma("wal_checkpoint(TRUNCATE)");
    db.close();
    const bytes = readFileSync(file());
    for (let page = 10; page * 1_024 < bytes.length - 1_024; page++)
      bytes.fill(0xee, page * 1_024, page * 1_024 + 64);
    writeFileSync(file(), bytes);
    suspectJournal(folder, TEN, "the journal is damaged");
    const { setAside } = open();
    expect(setAside?.file).toBe("journal-20261122T123005Z-damaged.sqlite");
    expect(names()).not.toContain("journal-suspect.json");
  });
});

test("a folder that cannot be made or written is an error to mend, and moves nothing", () => {
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "");
  const inside = { ...options(), folder: join(folder, "file", "deeper") };
  expect(failure(() => openSiteJournal(inside))).toMatchObject({
    code: "JOURNAL_UNUSABLE",
    hint: expect.stringContaining("data_dir"),
  });
  expect(failure(() => openSiteJournal({ ...options(), folder: "/proc" }))).toMatchObject({
    code: "JOURNAL_UNUSABLE",
  });
  expect(logs).toEqual([]);
});

describe("failing commits", () => {
  const of = (code: string) => Object.assign(new Error(code), { code });
  const times = (n: number, error: unknown, count = createFaultCount()) =>
    Array.from({ length: n }, () => count(error)).findIndex((reason) => reason !== undefined) + 1;

  test("of a damaged file end it soon, of a failing disk later, of a full disk never", () => {
    expect(times(100, of("SQLITE_CORRUPT"))).toBe(3);
    expect(times(100, of("SQLITE_IOERR_WRITE"))).toBe(30);
    expect(times(1_000, of("SQLITE_FULL"))).toBe(0);
    expect(times(1_000, new Error("a bug"))).toBe(0);
  });

  test("count in a row only", () => {
    const count = createFaultCount();
    for (let i = 0; i < 50; i++) {
      expect(times(2, of("SQLITE_CORRUPT"), count)).toBe(0);
      expect(count(undefined)).toBeUndefined();
    }
  });
});
