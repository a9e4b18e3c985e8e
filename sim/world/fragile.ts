/**
 * The journal with its weak points: a disk that fills up, a process that dies in the middle of a write or
 * right after it.
 */
import type { Journal } from "../../edge/io/journal.ts";
import type { Chance } from "./chance.ts";
import type { Disk } from "./disk.ts";
import type { Faults } from "./faults.ts";
import type { Trace } from "./trace.ts";

/** The process dies here. */
export class Crash extends Error {
  readonly powerCut: boolean;

  constructor(where: string, powerCut: boolean) {
    super(where);
    this.powerCut = powerCut;
  }
}

export type Fragility = {
  chance: Chance;
  trace: Trace;
  disk: Disk;
  faults: () => Faults["er"];
  /** Nothing can be written at all. That there is no room for more is the journal's own limit. */
  diskFull: () => boolean;
  /** Thrown from here on, for those who take every error for one of the disk. */
  onThrow: (error: Error) => void;
  /** Entries up to here were about to be written when it died: they may be there or not. */
  onUnsure: (lastSeq: number) => void;
  onCommitted: (journal: Journal) => void;
};

/** @param journal what SQLite holds. */
export function fragile(journal: Journal, options: Fragility): Journal {
  const { chance, trace, disk } = options;

  function dies(probability: number, where: string, write?: () => void): void {
    if (!chance.happens(probability)) return;
    const crash = new Crash(where, chance.happens(options.faults().powerCut));
    options.onThrow(crash);
    if (write !== undefined) trace.say("er.torn", `${where}: ${disk.tear(write, crash.powerCut)}`);
    throw crash;
  }

  function mustHaveRoom(): void {
    if (options.diskFull())
      throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
  }

  /** A write that is no append: it fails on a full disk, and the process may die in it. */
  function written<T>(where: string, write: () => T): T {
    mustHaveRoom();
    dies(options.faults().crashInSnapshot, `in ${where}`, write);
    return write();
  }

  const overrides: Pick<Journal, "append" | "writeDoc" | "trim" | "rewrite"> = {
    append(boot, entries, docs) {
      const [first] = entries;
      const last = entries.at(-1);
      if (first === undefined || last === undefined) return;
      mustHaveRoom();
      const write = () => {
        options.onUnsure(last.seq);
        journal.append(boot, entries, docs);
      };
      dies(options.faults().crashBeforeAppend, "in append", write);
      journal.append(boot, entries, docs);
      trace.say("er.commit", `${first.seq}–${last.seq} ${entries.map((e) => e.kind).join(" ")}`);
      try {
        options.onCommitted(journal);
      } catch (violation) {
        options.onThrow(violation as Error);
        throw violation;
      }
      dies(options.faults().crashAfterAppend, "after append");
    },
    writeDoc: (key, value) => written(`writing ${key}`, () => journal.writeDoc(key, value)),
    rewrite: (place, boot, entries) => written("rewrite", () => journal.rewrite(place, boot, entries)),
    trim: (seq, beforeAt) => written("trim", () => journal.trim(seq, beforeAt)),
  };
  return Object.assign(Object.create(journal) as Journal, overrides);
}
