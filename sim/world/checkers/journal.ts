/**
 * The journal, followed as it is committed: the world's own copy, against which everything else is compared.
 *
 * Checker `journal`: blocks follow each other without a gap, their chain verifies from the first one on,
 * their entries carry the numbers that the block says, what was committed once is never different later.
 */
import type { Journal } from "../../../edge/io/journal.ts";
import { emptyDurable, fold } from "../../../edge/core/fold.ts";
import { decodeBlock, firstChain, nextChain } from "../../../shared/block.ts";
import type { Entry } from "../../../shared/entry.ts";
import { BATCH_ENTRIES_MAX } from "../../../shared/limits.ts";
import { Violation } from "../trace.ts";

export type CommittedBlock = { firstSeq: number; lastSeq: number; chain: string; entries: Entry[] };
export type Committed = ReturnType<typeof createCommitted>;

const fail = (saw: string): never => {
  throw new Violation("journal", saw);
};

export function createCommitted(journalId: string, onEntry: (entry: Entry) => void) {
  const blocks: CommittedBlock[] = [];
  const durable = emptyDurable();
  const start = firstChain(journalId);
  const last = () => blocks.at(-1) ?? { lastSeq: 0, chain: start };

  /** Chain before the block that begins with this entry, as it was when it was committed. */
  function chainBefore(firstSeq: number): string | undefined {
    if (firstSeq === 1) return start;
    return blocks.findLast((block) => block.lastSeq === firstSeq - 1)?.chain;
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
      for (;;) {
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
        }
      }
      if (journal.lastSeq !== last().lastSeq) fail(`it says ${journal.lastSeq} and holds ${last().lastSeq}`);
    },

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
        seq = block.lastSeq;
      }
      if (seq !== last().lastSeq) fail(`entries ${seq + 1}–${last().lastSeq} were committed and are gone`);
    },
  };
}
