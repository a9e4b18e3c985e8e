/**
 * The disk of the box: what is left of the journal's files when a process ends at a moment that nobody chose.
 *
 *   killed     the files as they are, half a write among them
 *   power cut  what was synced, whole; of what was not: any sectors, in any order, or garbage
 *
 * It relies on what SQLite promises of its write-ahead log: bytes of a commit that returned are synced, later
 * writes never touch them before they are in the database too. The dead process keeps its hold on nothing.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import type { Chance } from "./chance.ts";

/** The database and its write-ahead log. */
type Image = { db: Buffer; wal: Buffer };

const SECTOR = 512;
const GARBAGE_SECTORS_MAX = 8;
const WAL_HEADER = 32;

export type Disk = ReturnType<typeof createDisk>;

export function createDisk(path: string, chance: Chance) {
  /** What the next process finds, when it was decided in the middle of a write. */
  let torn: Image | undefined;

  function read(suffix: string): Buffer {
    try {
      return readFileSync(path + suffix);
    } catch {
      return Buffer.alloc(0);
    }
  }
  const image = (): Image => ({ db: read(""), wal: read("-wal") });

  function remove(...suffixes: string[]): void {
    for (const suffix of suffixes) rmSync(path + suffix, { force: true });
  }

  const garbage = (length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(chance.word(), at);
    return bytes;
  };

  /** `after`, but of its bytes from `from` on only a part, or not in order. */
  function partOf(before: Buffer, after: Buffer, from: number, sectors: boolean): Buffer {
    if (!sectors) {
      const to = chance.between(from, after.length);
      return Buffer.concat([after.subarray(0, to), before.subarray(to)]);
    }
    const mixed = Buffer.from(after);
    for (let at = from; at < after.length; at = at - (at % SECTOR) + SECTOR) {
      const end = Math.min(after.length, at - (at % SECTOR) + SECTOR);
      const fate = chance.word() % 4;
      // 0, 1: it was written. 2: it was not. 3: neither the old nor the new.
      if (fate === 2)
        Buffer.concat([before.subarray(at, end), Buffer.alloc(end - at)]).copy(mixed, at, 0, end - at);
      if (fate === 3) garbage(end - at).copy(mixed, at);
    }
    return mixed;
  }

  return {
    /**
     * A write in whose middle the process ends: decides what is left of it, from nothing to all of it.
     * @param write performs it whole; what it throws is as good as half a write.
     * @returns what was torn, in words.
     */
    tear(write: () => void, powerCut: boolean): string {
      const before = image();
      try {
        write();
      } catch {
        // A full disk: what SQLite has rolled back is left of it.
      }
      const after = image();
      const sectors = powerCut && chance.happens(0.5);
      if (before.db.equals(after.db) || chance.happens(0.5)) {
        const from = firstDifference(before.wal, after.wal);
        torn = { db: before.db, wal: partOf(before.wal, after.wal, from, sectors) };
        return `${sectors ? "sectors" : "tail"} of ${after.wal.length - from} bytes`;
      }
      // The log was whole, and synced, before its pages went into the database.
      const db = partOf(before.db, after.db, firstDifference(before.db, after.db), sectors);
      torn = { db, wal: after.wal };
      return `${sectors ? "sectors" : "tail"} of the database`;
    },

    /**
     * The process is gone.
     * @param close lets go of the files; whatever that writes is undone.
     * @param unsynced a journal that does not sync: a power cut takes commits that returned.
     */
    end(close: () => void, powerCut: boolean, unsynced: boolean): void {
      const left = torn ?? image();
      torn = undefined;
      close();
      let { wal } = left;
      if (powerCut && unsynced && wal.length > WAL_HEADER)
        wal = wal.subarray(0, chance.between(WAL_HEADER, wal.length));
      if (powerCut) wal = Buffer.concat([wal, garbage(SECTOR * chance.between(0, GARBAGE_SECTORS_MAX))]);
      remove("-wal", "-shm");
      writeFileSync(path, left.db);
      if (wal.length > 0) writeFileSync(`${path}-wal`, wal);
    },

    /** The card is dead, or somebody has replaced the box. */
    lose(): void {
      remove("", "-wal", "-shm");
    },

    /** What SQLite does by itself every few megabytes: the log goes into the database and starts anew. */
    checkpoint(): void {
      const db = new Database(path);
      try {
        db.pragma("wal_checkpoint(RESTART)");
      } finally {
        db.close();
      }
    },
  };
}

function firstDifference(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.subarray(at, at + SECTOR).equals(b.subarray(at, at + SECTOR))) at += SECTOR;
  while (at < length && a[at] === b[at]) at += 1;
  return Math.min(at, length);
}
