/**
 * The journal on SQLite (better-sqlite3): one row per commit, holding one compressed block.
 *
 * Invariants: `append` returns only after an fdatasync'd commit (WAL, synchronous=FULL); blocks follow each
 * other without a gap; only blocks that are acked, old enough and covered by the snapshot are ever deleted. A
 * rewritten block keeps place and chain of the blocks it replaces. It knows nothing of what the entries mean.
 *
 * Why this layout: a row per commit with a compressed block writes a fifth of the bytes of a row per entry
 * at the same speed, and the block goes to the broker as it is. See docs/adr/0002-journal-blocks.md.
 */
import { statSync } from "node:fs";
import { encodeBlock, decodeBlock, firstChain, nextChain } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { assert } from "../../shared/errors.ts";
import { decodeDoc, encodeDoc, openDatabase, type JournalOptions } from "./journal-file.ts";

/** Of zstd, for blocks that are rewritten: they stay for long, and nobody waits. */
const REWRITE_EFFORT = 6;

export type StoredBlock = {
  firstSeq: number;
  lastSeq: number;
  chain: string;
  /** 0: as it was committed; 1: merged; else thinned to one reading per so many seconds. */
  level: number;
  /** Entries in it; fewer than its numbers when it was thinned. */
  entries: number;
  bytes: Buffer;
};
/** A block without its bytes. */
export type BlockPlace = Omit<StoredBlock, "bytes" | "chain"> & { at: number; size: number };
/** What SQLite itself allows. */
const PAGES_MAX = 4_294_967_294;

export type Journal = ReturnType<typeof openJournal>;
type BlockRow = {
  first_seq: number;
  last_seq: number;
  at: number;
  chain: string;
  level: number;
  entries: number | null;
  bytes: Buffer;
};

const toBlock = (row: BlockRow): StoredBlock => ({
  firstSeq: row.first_seq,
  lastSeq: row.last_seq,
  chain: row.chain,
  level: row.level,
  entries: row.entries ?? row.last_seq - row.first_seq + 1,
  bytes: row.bytes,
});

/**
 * Opens or creates the journal.
 * @throws AppError JOURNAL_UNUSABLE (folder, rights, disk), JOURNAL_DAMAGED, JOURNAL_FORMAT.
 */
export function openJournal(options: JournalOptions) {
  const db = openDatabase(options);
  const getMeta = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const setMeta = db.prepare(
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const journalId = getMeta.get("journalId")?.value ?? "";

  const lastRow = db.prepare<[], BlockRow>("SELECT * FROM block ORDER BY first_seq DESC LIMIT 1");
  const firstRow = db.prepare<[], { first_seq: number }>(
    "SELECT first_seq FROM block ORDER BY first_seq LIMIT 1",
  );
  const insert = db.prepare(
    "INSERT INTO block (first_seq, last_seq, at, chain, level, entries, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const placesAfter = db.prepare<[number, number], Omit<BlockRow, "chain" | "bytes"> & { size: number }>(
    `SELECT first_seq, last_seq, at, level, entries, length(bytes) AS size
     FROM block WHERE first_seq > ? ORDER BY first_seq LIMIT ?`,
  );
  const blockAt = db.prepare<[number], BlockRow>("SELECT * FROM block WHERE first_seq = ?");
  const within = db.prepare<[number, number], { first_seq: number; at: number; chain: string }>(
    "SELECT first_seq, at, chain FROM block WHERE first_seq >= ? AND last_seq <= ? ORDER BY first_seq",
  );
  const dropWithin = db.prepare("DELETE FROM block WHERE first_seq >= ? AND last_seq <= ?");
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
  const getDoc = db.prepare<[string], { value: string | Buffer }>("SELECT value FROM doc WHERE key = ?");

  const last = lastRow.get();
  // After everything was trimmed, the position lives in meta.
  let lastSeq = last?.last_seq ?? Number(getMeta.get("lastSeq")?.value ?? 0);
  let chain = last?.chain ?? getMeta.get("lastChain")?.value ?? firstChain(journalId);
  let oldestSeq = firstRow.get()?.first_seq ?? lastSeq + 1;
  let lastAt = last?.at ?? Number(getMeta.get("lastAt")?.value ?? 0);
  let writtenBytes = 0;
  const pageSize = db.pragma("page_size", { simple: true }) as number;
  const pages = (what: "page_count" | "freelist_count") =>
    (db.pragma(what, { simple: true }) as number) * pageSize;
  const fileBytes = (suffix: string) =>
    options.path === ":memory:" ? 0 : (statSync(options.path + suffix, { throwIfNoEntry: false })?.size ?? 0);

  const commit = db.transaction(
    (
      block: Pick<StoredBlock, "firstSeq" | "lastSeq" | "chain" | "bytes">,
      at: number,
      docs: readonly { key: string; value: unknown }[],
    ) => {
      insert.run(block.firstSeq, block.lastSeq, at, block.chain, 0, null, block.bytes);
      for (const doc of docs) setDoc.run(doc.key, encodeDoc(doc.value));
    },
  );

  const replace = db.transaction((block: Omit<StoredBlock, "chain">) => {
    const rows = within.all(block.firstSeq, block.lastSeq);
    const end = blockBefore.get(block.lastSeq);
    assert(rows[0]?.first_seq === block.firstSeq && end?.last_seq === block.lastSeq, "whole blocks");
    const at = rows.reduce((latest, row) => Math.max(latest, row.at), 0);
    dropWithin.run(block.firstSeq, block.lastSeq);
    const { firstSeq, lastSeq: to, level, entries, bytes } = block;
    insert.run(firstSeq, to, at, end.chain, level, entries, bytes);
  });

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
    /** Compressed bytes of blocks written since the start, of rewritten ones too. */
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
        entries += row.entries ?? row.last_seq - row.first_seq + 1;
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

    /** The last entry, or undefined when none is held. */
    lastEntry(): Entry | undefined {
      const row = lastRow.get();
      return row === undefined ? undefined : (decodeBlock(row.bytes).entries.at(-1) as Entry | undefined);
    },

    /** Places of the blocks that begin after an entry, in order, without reading them. */
    places(afterSeq: number, max: number): BlockPlace[] {
      return placesAfter.all(afterSeq, max).map(({ first_seq: firstSeq, last_seq: to, ...row }) => ({
        ...{ firstSeq, lastSeq: to, at: row.at, level: row.level, size: row.size },
        entries: row.entries ?? to - firstSeq + 1,
      }));
    },

    /** Boot and entries of the block that begins there. @throws AppError BLOCK_UNREADABLE. */
    block(firstSeq: number): { boot: string; entries: Entry[] } {
      const row = blockAt.get(firstSeq);
      assert(row !== undefined, `no block begins at ${firstSeq}`);
      return decodeBlock(row.bytes) as { boot: string; entries: Entry[] };
    },

    /**
     * Puts one block in the place of those from `firstSeq` to `lastSeq`, which must be whole blocks and not
     * the last one. It keeps the chain after the last of them.
     * @throws what SQLite throws; nothing is changed then.
     */
    rewrite(
      place: { firstSeq: number; lastSeq: number; level: number },
      boot: string,
      entries: Entry[],
    ): void {
      assert(place.level > 0 && place.lastSeq < lastSeq, "the last block stays as it is");
      const bytes = encodeBlock(boot, entries, REWRITE_EFFORT);
      replace({ ...place, entries: entries.length, bytes });
      writtenBytes += bytes.length;
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
      return row === undefined ? undefined : decodeDoc(row.value);
    },
    writeDoc(key: string, value: unknown): void {
      setDoc.run(key, encodeDoc(value));
    },

    /** Bytes of the database files. */
    sizeBytes: (): number => fileBytes("") + fileBytes("-wal"),
    /** Bytes that hold something: pages in use, and the write-ahead log. */
    usedBytes: (): number => pages("page_count") - pages("freelist_count") + fileBytes("-wal"),
    /** Bytes of the file that are free for new blocks. */
    freeBytes: (): number => pages("freelist_count"),
    /** The file grows no further: what needs more room fails with SQLITE_FULL. `undefined`: no such limit. */
    limitBytes(bytes: number | undefined): void {
      const pageBytes = db.pragma("page_size", { simple: true }) as number;
      db.pragma(
        `max_page_count = ${bytes === undefined ? PAGES_MAX : Math.ceil(Math.max(1, bytes) / pageBytes)}`,
      );
    },
    close(): void {
      db.close();
    },
  };
}
