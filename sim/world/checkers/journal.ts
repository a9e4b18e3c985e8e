/**
 * The journal, followed as it is committed: the world's own copy, against which everything else is compared.
 *
 * Checker `journal`: blocks follow each other without a gap, their chain verifies from the first one on,
 * their entries carry the numbers that the block says, what was committed once is never different later,
 * but for readings that were given up for want of disk and told so. A new journal begins only when the file of
 * the one before was lost.
 */
import { readBlocks } from "../../../cloud/core/blocks.ts";
import type { Journal, StoredBlock } from "../../../edge/io/journal.ts";
import { emptyDurable, fold } from "../../../edge/core/fold.ts";
import { decodeBlock, firstChain, nextChain } from "../../../shared/block.ts";
import type { Entry, EntryOf } from "../../../shared/entry.ts";
import { BATCH_ENTRIES_MAX } from "../../../shared/limits.ts";
import { Violation } from "../trace.ts";

export type CommittedBlock = { firstSeq: number; lastSeq: number; chain: string; entries: Entry[] };
export type Committed = ReturnType<typeof createCommitted>;

const fail = (saw: string): never => {
  throw new Violation("journal", saw);
};

/** A message that tells a reading and nothing else, in either version. */
const isReading = (entry: EntryOf<"ocpp.handled">): boolean =>
  entry.action === "MeterValues" ||
  (entry.action === "TransactionEvent" &&
    entry.request.includes('"Updated"') &&
    !entry.request.includes('"idToken"'));

/** All journals of one box. */
export type Journals = ReturnType<typeof createJournals>;

export function createJournals(onEntry: (entry: Entry) => void) {
  const all: Committed[] = [];
  let lost = true;
  const current = (): Committed => all.at(-1) ?? fail("there is none");
  return {
    all,
    get current() {
      return current();
    },
    of: (journalId: string) => all.find((each) => each.journalId === journalId),
    /** Its file is gone. */
    lose(): void {
      lost = true;
    },
    /**
     * A process has opened it.
     * @param unsure last entry of an append that never returned: all of it may be there, or nothing.
     */
    opened(journal: Journal, unsure: number | undefined): void {
      if (all.at(-1)?.journalId !== journal.journalId) {
        if (!lost) fail(`${current().journalId} was replaced by ${journal.journalId}`);
        all.push(createCommitted(journal.journalId, onEntry));
      }
      lost = false;
      if (unsure !== undefined && journal.lastSeq === unsure) current().follow(journal);
      current().audit(journal);
    },
  };
}

function createCommitted(journalId: string, onEntry: (entry: Entry) => void) {
  const blocks: CommittedBlock[] = [];
  const durable = emptyDurable();
  const start = firstChain(journalId);
  /** By the last entry of a block: the chain after it. */
  const chains = new Map<number, string>();
  const last = () => blocks.at(-1) ?? { lastSeq: 0, chain: start };

  /** Chain before the block that begins with this entry, as it was when it was committed. */
  function chainBefore(firstSeq: number): string | undefined {
    if (firstSeq === 1) return start;
    return chains.get(firstSeq - 1);
  }

  function entryOf(seq: number): Entry {
    const block = blocks.findLast((each) => each.firstSeq <= seq);
    return block?.entries[seq - block.firstSeq] ?? fail(`entry ${seq} was never committed`);
  }

  /** Only periodic readings are given up, whatever the disk is like. */
  function mayGo(seq: number): void {
    const entry = entryOf(seq);
    const periodic = entry.kind === "meter.sampled" || (entry.kind === "ocpp.handled" && isReading(entry));
    if (!periodic) fail(`entry ${seq} (${entry.kind}) was given up for want of disk`);
  }

  /** It ends where committed blocks end, holds what was committed there, and tells exactly what it does not. */
  function checkRewritten(block: StoredBlock): void {
    if (chainBefore(block.firstSeq) === undefined) fail(`block ${block.firstSeq} begins inside another`);
    const parked: { reason: string }[] = [];
    const entries = readBlocks([{ ...block, afterSeq: block.firstSeq - 1 }], parked as never[]);
    if (parked[0] !== undefined) fail(`rewritten block ${block.firstSeq}: ${parked[0].reason}`);
    for (const entry of entries) {
      if (entry.kind === "journal.shed") {
        for (const [first, last] of entry.ranges) for (let seq = first; seq <= last; seq++) mayGo(seq);
      } else if (JSON.stringify(entry) !== JSON.stringify(entryOf(entry.seq)))
        fail(`entry ${entry.seq} is not what was committed`);
    }
  }

  return {
    journalId,
    blocks,
    /** The fold of everything committed, with frames read anew: what an ER that starts now must know. */
    durable,
    get seq() {
      return last().lastSeq;
    },

    /** Reads what was committed since the last time, as the next start of an ER would. */
    follow(journal: Journal): void {
      while (last().lastSeq < journal.lastSeq) {
        const { lastSeq, chain } = last();
        const { prevChain, blocks: fresh } = journal.read(lastSeq, Number.MAX_SAFE_INTEGER, 1_000);
        if (fresh.length === 0) break;
        if (prevChain !== chain) fail(`chain before entry ${lastSeq + 1} is ${prevChain}, was ${chain}`);
        for (const block of fresh) {
          const before = last();
          if (block.firstSeq !== before.lastSeq + 1)
            fail(`block ${block.firstSeq} follows entry ${before.lastSeq}`);
          const chained = nextChain(before.chain, block.firstSeq, block.bytes);
          if (chained !== block.chain) fail(`the chain after entry ${block.lastSeq} does not verify`);
          const entries = decodeBlock(block.bytes).entries as Entry[];
          const counted = block.firstSeq + entries.length - 1;
          if (counted !== block.lastSeq) fail(`block ${block.firstSeq} holds ${entries.length} entries`);
          if (entries.length > BATCH_ENTRIES_MAX) fail(`block ${block.firstSeq} does not fit into a batch`);
          entries.forEach((entry, index) => {
            if (entry.seq !== block.firstSeq + index)
              fail(`entry ${block.firstSeq + index} calls itself ${entry.seq}`);
            fold(durable, entry);
            onEntry(entry);
          });
          const { firstSeq, lastSeq: end } = block;
          blocks.push({ firstSeq, lastSeq: end, chain: block.chain, entries });
          chains.set(end, block.chain);
        }
      }
      if (journal.lastSeq !== last().lastSeq) fail(`it says ${journal.lastSeq} and holds ${last().lastSeq}`);
    },

    mayGo,

    /** Everything that the journal still holds is what was committed, in order, up to the end. */
    audit(journal: Journal): void {
      const { prevChain, blocks: held } = journal.read(
        journal.oldestSeq - 1,
        Number.MAX_SAFE_INTEGER,
        10_000_000,
      );
      if (held.length > 0 && prevChain !== chainBefore(journal.oldestSeq)) {
        fail(`the chain before the oldest entry ${journal.oldestSeq} was forgotten`);
      }
      let seq = journal.oldestSeq - 1;
      for (const block of held) {
        if (block.firstSeq !== seq + 1)
          fail(`entries ${seq + 1}–${block.firstSeq - 1} are gone from the middle`);
        if (block.chain !== chainBefore(block.lastSeq + 1)) fail(`block ${block.firstSeq} has changed`);
        if (block.level > 0) checkRewritten(block);
        seq = block.lastSeq;
      }
      if (seq !== last().lastSeq) fail(`entries ${seq + 1}–${last().lastSeq} were committed and are gone`);
    },
  };
}
