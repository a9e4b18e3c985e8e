/**
 * Keeps the journal within its room: measures, says how short it is, rewrites old blocks one at a time.
 *
 * Invariants: only blocks that the snapshot covers are rewritten, never young ones; one call of `slice` makes
 * at most one block, in a transaction of its own, so that stations are answered in between. It sets no timer
 * and reads no clock: the shell calls it.
 */
import type { Entry } from "../shared/entry.ts";
import { BATCH_BYTES_MAX, BLOCK_ENTRIES_MAX, BLOCK_SEQS_MAX } from "../shared/limits.ts";
import { pressureOf, rewriteLevel, thin, type Room } from "./core/pressure.ts";
import type { Now, Pressure } from "./core/types.ts";
import { faultOf } from "./io/journal-file.ts";
import type { BlockPlace, Journal } from "./io/journal.ts";

export type PressureOptions = {
  journal: Pick<Journal, "places" | "block" | "rewrite" | "usedBytes" | "freeBytes" | "lastSeq">;
  /** What the operator allows the journal, and what of it is kept for transactions that run. */
  budgetBytes: number;
  reserveBytes: number;
  /** What the file system has left, or undefined where it does not tell. */
  diskFreeBytes: () => number | undefined;
  /** Entries up to here are in the stored snapshot: no start replays them. */
  coveredSeq: () => number;
  now: () => Now;
  /** Blocks younger than this are not rewritten. */
  youngMs?: number;
  /** Entries that one rewritten block comes to hold. */
  blockEntries?: number;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};
export type PressureJob = ReturnType<typeof createPressureJob>;

const MEASURE_MS = 1_000;
const DISK_MS = 10_000;
/** Left on the disk for everything else. */
const DISK_MARGIN_BYTES = 8 * 1024 * 1024;
/** Blocks younger than this are about to be sent, or read by a person: they stay … */
const YOUNG_MS = 10 * 60_000;
/** … unless so many entries came after them, whatever the clock says. */
const YOUNG_ENTRIES = 20_000;
/** After a pass that found nothing worth it, and after an error. */
const REST_MS = 60_000;
/** Compressed bytes that go into one block, so that it fits into a batch. */
const RUN_BYTES_MAX = BATCH_BYTES_MAX / 2;
/** Text of frames that goes into one block: bounds the time that one slice takes. */
const RUN_TEXT_MAX = 1024 * 1024;

const textOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, e) => sum + ("request" in e ? e.request.length + (e.response?.length ?? 0) : 0), 0);

/** The blocks that make one: as many as fit, up to the first one that may not be touched. */
function runOf(places: readonly BlockPlace[], blockEntries: number, isOld: (place: BlockPlace) => boolean) {
  const run: BlockPlace[] = [];
  let entries = 0;
  let bytes = 0;
  for (const place of places) {
    if (!isOld(place)) return { run, ended: true };
    entries += place.entries;
    bytes += place.size;
    const span = place.lastSeq - (run[0]?.firstSeq ?? place.firstSeq) + 1;
    const fits = entries <= blockEntries && bytes <= RUN_BYTES_MAX && span <= BLOCK_SEQS_MAX;
    if (run.length > 0 && !fits) return { run, ended: false };
    run.push(place);
  }
  return { run, ended: true };
}

/** A block must come to hold a quarter more than its largest part did: so nothing is rewritten often. */
function isWorthMerging(run: readonly BlockPlace[]): boolean {
  const sum = run.reduce((total, { entries }) => total + entries, 0);
  return 4 * sum >= 5 * Math.max(...run.map(({ entries }) => entries));
}

export function createPressureJob(options: PressureOptions) {
  const { journal, reserveBytes, now, onLog, youngMs = YOUNG_MS } = options;
  const { blockEntries = BLOCK_ENTRIES_MAX } = options;
  let pressure: Pressure = "none";
  let room: Room = { usedBytes: 0, budgetBytes: options.budgetBytes, reserveBytes };
  let measuredUpMs = -Infinity;
  let disk: { upMs: number; freeBytes: number | undefined } | undefined;
  /** The pass goes on after this entry. */
  let position = 0;
  let rewrittenInPass = 0;
  let restUntilUpMs = -Infinity;
  const counters = { rewrittenBlocks: 0, shedEntries: 0 };

  function diskFree(upMs: number): number | undefined {
    if (disk === undefined || upMs - disk.upMs >= DISK_MS)
      disk = { upMs, freeBytes: options.diskFreeBytes() };
    return disk.freeBytes;
  }

  /** How short the journal is now. Looks at most once a second. */
  function measure(): Pressure {
    const { upMs } = now();
    if (upMs - measuredUpMs < MEASURE_MS) return pressure;
    measuredUpMs = upMs;
    const usedBytes = journal.usedBytes();
    const free = diskFree(upMs);
    const left = free === undefined ? Infinity : usedBytes + journal.freeBytes() + free - DISK_MARGIN_BYTES;
    room = { usedBytes, budgetBytes: Math.max(0, Math.min(options.budgetBytes, left)), reserveBytes };
    const before = pressure;
    pressure = pressureOf(room, before);
    if (rewriteLevel(pressure) > rewriteLevel(before)) {
      position = 0;
      restUntilUpMs = -Infinity;
    }
    return pressure;
  }

  /** What one block holds, as long as it is of the same boot and can be read. */
  function readRun(run: readonly BlockPlace[]) {
    let boot: string | undefined;
    let text = 0;
    const entries: Entry[] = [];
    const read: BlockPlace[] = [];
    for (const place of run) {
      let block: { boot: string; entries: Entry[] };
      try {
        block = journal.block(place.firstSeq);
      } catch (error) {
        if (faultOf(error) === undefined) throw error;
        onLog("error", "a block of the journal cannot be read; it stays as it is", { ...place });
        break;
      }
      text += textOf(block.entries);
      boot ??= block.boot;
      if (block.boot !== boot || (read.length > 0 && text > RUN_TEXT_MAX)) break;
      read.push(place);
      entries.push(...block.entries);
    }
    return { boot, entries, read };
  }

  function rewrite(run: readonly BlockPlace[], level: 1 | 60 | 300): void {
    const { boot, entries, read } = readRun(run);
    const [first, last] = [read[0], read.at(-1)];
    // The first one cannot be read, or stands alone and is good as it is: on to the next.
    if (boot === undefined || first === undefined || last === undefined) {
      position = run[0]?.lastSeq ?? position;
      return;
    }
    position = last.lastSeq;
    if (first.firstSeq === last.firstSeq && first.level >= level) return;
    const thinned = thin(entries, level);
    const strictest = Math.max(level, ...read.map((place) => place.level));
    journal.rewrite({ firstSeq: first.firstSeq, lastSeq: last.lastSeq, level: strictest }, boot, thinned);
    rewrittenInPass += 1;
    counters.rewrittenBlocks += read.length;
    counters.shedEntries += entries.length - thinned.length;
  }

  function endPass(upMs: number): void {
    restUntilUpMs = rewrittenInPass > 0 ? upMs : upMs + REST_MS;
    position = 0;
    rewrittenInPass = 0;
  }

  /** Looks at the next blocks, makes one of them where that is worth it. @returns false to rest. */
  function slice(): boolean {
    const level = rewriteLevel(pressure);
    const { at, upMs } = now();
    if (level === 0 || upMs < restUntilUpMs) return false;
    const covered = options.coveredSeq();
    const isOld = ({ lastSeq, at: writtenAt }: BlockPlace) =>
      lastSeq <= covered && (writtenAt < at - youngMs || lastSeq <= journal.lastSeq - YOUNG_ENTRIES);
    const { run, ended } = runOf(journal.places(position, blockEntries + 1), blockEntries, isOld);
    // What is not full yet gets more company later.
    if (ended) {
      endPass(upMs);
      return restUntilUpMs <= upMs;
    }
    const raw = run.some((place) => place.level < level);
    if (!raw && (run.length === 1 || !isWorthMerging(run))) {
      position = run.at(-1)?.lastSeq ?? position;
      return true;
    }
    try {
      rewrite(run, level);
      return true;
    } catch (error) {
      if (faultOf(error) === undefined) throw error;
      onLog("warn", "old blocks could not be rewritten now", { reason: String(error) });
      restUntilUpMs = upMs + REST_MS;
      return false;
    }
  }

  return {
    measure,
    slice,
    counters,
    get pressure() {
      return pressure;
    },
    get room() {
      return room;
    },
    get diskFreeBytes() {
      return disk?.freeBytes;
    },
  };
}
