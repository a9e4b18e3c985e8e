/**
 * The journal's file: opened, brought to this release's layout, or found unusable and looked into read-only.
 *
 * Invariant: what is not to be used is never written to. What lies in the file is `journal.ts`'s business.
 */
import { existsSync } from "node:fs";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import Database from "better-sqlite3";
import { AppError, describeError } from "../../shared/errors.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    chain TEXT NOT NULL,
    -- 0: as it was committed. 1: merged. Else thinned to one reading per so many seconds.
    level INTEGER NOT NULL DEFAULT 0,
    -- Entries in a rewritten block; absent: one per number.
    entries INTEGER,
    bytes BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS doc (key TEXT PRIMARY KEY, value TEXT NOT NULL);
`;
const FORMAT = "2";
/** Format 1 knew no rewritten blocks, and only plain documents. */
const FROM_FORMAT_1 = `
  ALTER TABLE block ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE block ADD COLUMN entries INTEGER;
  UPDATE meta SET value = '2' WHERE key = 'format';
`;
/** Documents with more text than this are stored compressed: the snapshot is written again and again. */
const PLAIN_DOC_MAX = 2_048;

export type JournalOptions = {
  /** File, or `:memory:` for benchmarks of everything but the disk. */
  path: string;
  /** Identity of a journal that is created now; ignored when one exists. */
  newJournalId: string;
  /** Of a journal that is created now: time does not go back behind this. */
  newLastAt?: number;
};

/** `damaged`: the file itself. `io`: the disk did not do it. `full`: it has no room. */
export type Fault = "damaged" | "io" | "full";

/** What stands behind an error of the journal, or undefined when it is none of the disk's. */
export function faultOf(error: unknown): Fault | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code !== "string") return undefined;
  if (/^(SQLITE_(CORRUPT|NOTADB)|BLOCK_UNREADABLE|JOURNAL_DAMAGED)/.test(code)) return "damaged";
  if (code === "SQLITE_FULL" || code === "ENOSPC") return "full";
  if (code.startsWith("SQLITE_IOERR")) return "io";
  return cause === undefined ? undefined : faultOf(cause);
}

/** Opens or creates the file. @throws AppError JOURNAL_UNUSABLE, JOURNAL_DAMAGED, JOURNAL_FORMAT. */
export function openDatabase(options: JournalOptions): Database.Database {
  const { path } = options;
  let db: Database.Database | undefined;
  try {
    inspect(path);
    db = new Database(path);
    db.pragma("page_size = 1024");
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("wal_autocheckpoint = 4000");
    db.exec(SCHEMA);
    useFormat(db, options);
    return db;
  } catch (cause) {
    db?.close();
    if (cause instanceof AppError) throw cause;
    const hint =
      "check that the folder exists, is writable and not full; " +
      "never delete the file: it holds what was not sent yet";
    const code = faultOf(cause) === "damaged" ? "JOURNAL_DAMAGED" : "JOURNAL_UNUSABLE";
    throw new AppError(code, `the journal ${path} cannot be opened`, { cause, hint });
  }
}

/**
 * A look at what is there, before it is opened for writing: even closing it would change its bytes.
 * @throws AppError JOURNAL_FORMAT, and what SQLite throws.
 */
function inspect(path: string): void {
  if (path === ":memory:" || !existsSync(path)) return;
  const db = new Database(path, { readonly: true });
  let value: string | undefined;
  try {
    const known = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get() !== undefined;
    const row = known ? db.prepare("SELECT value FROM meta WHERE key = 'format'").get() : undefined;
    value = (row as { value: string } | undefined)?.value;
  } finally {
    db.close();
  }
  if (value === undefined || value === "1" || value === FORMAT) return;
  throw new AppError("JOURNAL_FORMAT", `the journal ${path} has format ${value}, not ${FORMAT}`, {
    hint: "install the release that wrote it, let it drain to the cloud, then upgrade",
  });
}

/** A new file gets its identity, one of format 1 is brought to this one. */
function useFormat(db: Database.Database, options: JournalOptions): void {
  const meta = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const set = db.prepare("INSERT INTO meta VALUES (?, ?)");
  db.transaction(() => {
    if (meta.get("format")?.value === "1") db.exec(FROM_FORMAT_1);
    if (meta.get("journalId") !== undefined) return;
    set.run("journalId", options.newJournalId);
    set.run("format", FORMAT);
    set.run("lastAt", String(options.newLastAt ?? 0));
  })();
}

/** A document as it is stored: text, or compressed text. */
export function encodeDoc(value: unknown): string | Buffer {
  const text = JSON.stringify(value);
  return text.length > PLAIN_DOC_MAX ? zstdCompressSync(text) : text;
}

export const decodeDoc = (value: string | Buffer): unknown =>
  JSON.parse(typeof value === "string" ? value : zstdDecompressSync(value).toString("utf8"));

/** What is left to read of a journal that is not used any more. Never writes to it. */
export type Remains = {
  journalId?: string;
  lastSeq?: number;
  lastAt?: number;
  docs: { key: string; value: unknown }[];
};

/** @param keys documents to read; each that cannot be read is left out. */
export function readRemains(path: string, keys: readonly string[]): Remains {
  const remains: Remains = { docs: [] };
  let db: Database.Database | undefined;
  const attempt = (read: (from: Database.Database) => void) => {
    try {
      if (db !== undefined) read(db);
    } catch {
      // That part is lost; the others may still be there, and the file stays as it is.
    }
  };
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
  } catch {
    return remains;
  }
  attempt((from) => {
    const row = from.prepare("SELECT value FROM meta WHERE key = 'journalId'").get();
    remains.journalId = (row as { value: string }).value;
  });
  attempt((from) => {
    const row = from.prepare("SELECT last_seq, at FROM block ORDER BY first_seq DESC LIMIT 1").get();
    const { last_seq: lastSeq, at } = row as { last_seq: number; at: number };
    Object.assign(remains, { lastSeq, lastAt: at });
  });
  for (const key of keys) {
    attempt((from) => {
      const row = from.prepare("SELECT value FROM doc WHERE key = ?").get(key);
      remains.docs.push({ key, value: decodeDoc((row as { value: string }).value) });
    });
  }
  attempt((from) => from.close());
  return remains;
}

/** SQLite's own look at the whole file. @returns what is wrong with it, or undefined. */
export function quickCheck(path: string): string | undefined {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    const [row] = db.pragma("quick_check(1)") as { quick_check: string }[];
    return row?.quick_check === "ok" ? undefined : (row?.quick_check ?? "no answer");
  } catch (error) {
    return describeError(error);
  } finally {
    db?.close();
  }
}
