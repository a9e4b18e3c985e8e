/**
 * The journal on SQLite (better-sqlite3): one row per commit, holding one compressed block.
 *
 * Invariants: `append` returns only after an fdatasync'd commit (WAL, synchronous=FULL); blocks follow each
 * other without a gap; only blocks that are acked, older than the retention and covered by the snapshot are
 * ever deleted. It knows nothing of what the entries mean.
 *
 * Why this layout: a row per commit with a compressed block writes a fifth of the bytes of a row per entry
 * at the same speed, and the block goes to the broker as it is. See docs/adr/0002-journal-blocks.md.
 */
import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { encodeBlock, decodeBlock, firstChain, nextChain } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { AppError, assert } from "../../shared/errors.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    chain TEXT NOT NULL,
    bytes BLOB NOT NULL
  );
  CREATE TABLE IF NOT EXISTS doc (key TEXT PRIMARY KEY, value TEXT NOT NULL);
`;
const FORMAT = "1";

export type StoredBlock = { firstSeq: number; lastSeq: number; chain: string; bytes: Buffer };
export type Journal = ReturnType<typeof openJournal>;
export type JournalOptions = {
  /** File, or `:memory:` for benchmarks of everything but the disk. */
  path: string;
  /** Identity of a journal that is created now; ignored when one exists. */
  newJournalId: string;
};

type BlockRow = { first_seq: number; last_seq: number; at: number; chain: string; bytes: Buffer };

const toBlock = (row: BlockRow): StoredBlock => ({
  firstSeq: row.first_seq,
  lastSeq: row.last_seq,
  chain: row.chain,
  bytes: row.bytes,
});

function openDatabase(path: string): Database.Database {
  try {
    const db = new Database(path);
    db.pragma("page_size = 1024");
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("wal_autocheckpoint = 4000");
    db.exec(SCHEMA);
    return db;
  } catch (cause) {
    throw new AppError("JOURNAL_UNUSABLE", `the journal ${path} cannot be opened`, {
      cause,
      hint:
        "check that the folder exists, is writable and not full; " +
        "never delete the file: it holds what was not sent yet",
    });
  }
}

/** Opens or creates the journal. @throws AppError JOURNAL_UNUSABLE, JOURNAL_FORMAT. */
export function openJournal(options: JournalOptions) {
  const db = openDatabase(options.path);
  const getMeta = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const setMeta = db.prepare(
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  if (getMeta.get("journalId") === undefined) {
    db.transaction(() => {
      setMeta.run("journalId", options.newJournalId);
      setMeta.run("format", FORMAT);
    })();
  }
  if (getMeta.get("format")?.value !== FORMAT) {
    throw new AppError(
      "JOURNAL_FORMAT",
      `the journal ${options.path} has a format this release does not know`,
      {
        hint: "install the release that wrote it, let it drain to the cloud, then upgrade",
      },
    );
  }
  const journalId = getMeta.get("journalId")?.value ?? "";

  const lastRow = db.prepare<[], BlockRow>("SELECT * FROM block ORDER BY first_seq DESC LIMIT 1");
  const firstRow = db.prepare<[], { first_seq: number }>(
    "SELECT first_seq FROM block ORDER BY first_seq LIMIT 1",
  );
  const insert = db.prepare("INSERT INTO block VALUES (?, ?, ?, ?, ?)");
  const blocksAfter = db.prepare<[number, number], BlockRow>(
    "SELECT * FROM block WHERE first_seq > ? ORDER BY first_seq LIMIT ?",
  );
  const blockBefore = db.prepare<[number], BlockRow>(
    "SELECT * FROM block WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
  );
  // The clock may have jumped between two blocks: only what comes before the first one to keep may go.
  const firstKept = db.prepare<[number, number], { first_seq: number }>(
    "SELECT first_seq FROM block WHERE last_seq > ? OR at >= ? ORDER BY first_seq LIMIT 1",
  );
  const trimRows = db.prepare("DELETE FROM block WHERE first_seq <= ?");
  const setDoc = db.prepare(
    "INSERT INTO doc VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const getDoc = db.prepare<[string], { value: string }>("SELECT value FROM doc WHERE key = ?");

  const last = lastRow.get();
  // After everything was trimmed, the position lives in meta.
  let lastSeq = last?.last_seq ?? Number(getMeta.get("lastSeq")?.value ?? 0);
  let chain = last?.chain ?? getMeta.get("lastChain")?.value ?? firstChain(journalId);
  let oldestSeq = firstRow.get()?.first_seq ?? lastSeq + 1;
  let lastAt = last?.at ?? Number(getMeta.get("lastAt")?.value ?? 0);
  let writtenBytes = 0;

  const commit = db.transaction(
    (block: StoredBlock, at: number, docs: readonly { key: string; value: unknown }[]) => {
      insert.run(block.firstSeq, block.lastSeq, at, block.chain, block.bytes);
      for (const doc of docs) setDoc.run(doc.key, JSON.stringify(doc.value));
    },
  );

  /**
   * The block that holds the entry after `seq`; a cursor inside a block means the block is sent again
   * whole.
   */
  function startOf(afterSeq: number): number {
    const row = blockBefore.get(afterSeq + 1);
    return row !== undefined && row.last_seq > afterSeq ? row.first_seq : afterSeq + 1;
  }

  return {
    journalId,
    get lastSeq() {
      return lastSeq;
    },
    /** Wall time of the last block. */
    get lastAt() {
      return lastAt;
    },
    /** First entry still held (lastSeq + 1 when none is). */
    get oldestSeq() {
      return oldestSeq;
    },
    /** Compressed bytes appended since the start. */
    get writtenBytes() {
      return writtenBytes;
    },

    /**
     * Commits entries (and documents) durably. Entries must follow the last one without a gap.
     * @throws what SQLite throws (disk full, I/O error); nothing is changed then, and the same call may be
     * repeated.
     */
    append(
      boot: string,
      entries: readonly Entry[],
      docs: readonly { key: string; value: unknown }[] = [],
    ): void {
      const [first] = entries;
      const end = entries.at(-1);
      if (first === undefined || end === undefined) return;
      assert(first.seq === lastSeq + 1, `journal ends at ${lastSeq}, got ${first.seq}`);
      assert(end.seq === lastSeq + entries.length, "entries of a block follow each other");
      const bytes = encodeBlock(boot, entries);
      const block = {
        firstSeq: first.seq,
        lastSeq: end.seq,
        chain: nextChain(chain, first.seq, bytes),
        bytes,
      };
      commit(block, end.at, docs);
      lastSeq = block.lastSeq;
      chain = block.chain;
      lastAt = end.at;
      writtenBytes += bytes.length;
    },

    /**
     * Blocks after an entry, in order, until `bytesMax` or `entriesMax` is reached (at least one, if there
     * is one), and the chain before the first of them.
     */
    read(
      afterSeq: number,
      bytesMax: number,
      entriesMax: number,
    ): { prevChain: string; blocks: StoredBlock[] } {
      const start = Math.max(startOf(afterSeq), oldestSeq);
      const before = blockBefore.get(start - 1);
      const prevChain = before?.chain ?? getMeta.get(`chain:${start - 1}`)?.value ?? firstChain(journalId);
      const blocks: StoredBlock[] = [];
      let bytes = 0;
      let entries = 0;
      for (const row of blocksAfter.iterate(start - 1, entriesMax)) {
        bytes += row.bytes.length;
        entries += row.last_seq - row.first_seq + 1;
        if (blocks.length > 0 && (bytes > bytesMax || entries > entriesMax)) break;
        blocks.push(toBlock(row));
      }
      return { prevChain, blocks };
    },

    /** Entries after `afterSeq`, for the replay at a start. */
    *entries(afterSeq: number): Generator<Entry> {
      let position = afterSeq;
      for (;;) {
        const rows = blocksAfter.all(startOf(position) - 1, 200);
        if (rows.length === 0) return;
        for (const row of rows) {
          for (const entry of decodeBlock(row.bytes).entries as Entry[])
            if (entry.seq > position) yield entry;
          position = row.last_seq;
        }
      }
    },

    /**
     * Deletes blocks that end at or before `seq` and were written before `beforeAt`. @returns rows deleted.
     */
    trim(seq: number, beforeAt: number): number {
      return db.transaction(() => {
        const kept = firstKept.get(seq, beforeAt)?.first_seq;
        const end = blockBefore.get(kept === undefined ? lastSeq : kept - 1);
        if (end === undefined) return 0;
        db.prepare("DELETE FROM meta WHERE key LIKE 'chain:%'").run();
        setMeta.run(`chain:${end.last_seq}`, end.chain);
        setMeta.run("lastSeq", String(lastSeq));
        setMeta.run("lastChain", chain);
        setMeta.run("lastAt", String(lastAt));
        const { changes } = trimRows.run(end.first_seq);
        oldestSeq = firstRow.get()?.first_seq ?? lastSeq + 1;
        return changes;
      })();
    },

    /** Documents that are not entries: the policy, the snapshot. */
    readDoc(key: string): unknown {
      const row = getDoc.get(key);
      return row === undefined ? undefined : JSON.parse(row.value);
    },
    writeDoc(key: string, value: unknown): void {
      setDoc.run(key, JSON.stringify(value));
    },

    /** Bytes of the database files. */
    sizeBytes(): number {
      if (options.path === ":memory:") return 0;
      return ["", "-wal"].reduce(
        (sum, suffix) => sum + (statSync(options.path + suffix, { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
    },
    close(): void {
      db.close();
    },
  };
}
