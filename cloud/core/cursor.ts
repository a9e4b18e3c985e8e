/**
 * The ingest cursor: what to do with a batch, given how far this journal has been taken. Pure.
 *
 *   repeats only → ack again · gap → ask to resume · overlap → the rest · chain broken → halt
 *
 * A block that the ER has rewritten for want of disk (merged, thinned) covers the numbers of several: it may
 * begin before the cursor, and says what the chain after it is, since its bytes do not give it any more.
 *
 * Correctness rests on this rule and on one PostgreSQL transaction per batch, never on the broker's order
 * or memory.
 */
import { nextChain } from "../../shared/block.ts";
import type { Batch } from "../../shared/wire.ts";

export type Cursor = {
  seq: number;
  chain: string;
  /** Set when the chain broke: nothing more is taken until a person has decided. */
  halted: string | undefined;
};

/** `afterSeq`: what is in it up to here was taken before. */
export type Block = { firstSeq: number; lastSeq: number; afterSeq: number; bytes: Buffer };

type Chained = Omit<Block, "afterSeq"> & { prevChain: string; chain: string; rewritten: boolean };

export type Verdict =
  | { kind: "apply"; blocks: Block[]; cursor: Cursor; gap: { firstSeq: number; lastSeq: number } | undefined }
  /** Known already: the ack was lost. */
  | { kind: "repeat" }
  /** Something is missing before it: dropped, the ER sends again from `seq + 1`. */
  | { kind: "resume" }
  | { kind: "halt"; reason: string };

/** The batch's blocks with their sequence numbers and the chain after each. */
function chained(batch: Batch): Chained[] {
  let firstSeq = batch.firstSeq;
  let chain = batch.prevChain;
  return batch.blocks.map(([count, , claimed], index) => {
    const bytes = batch.bytes[index] ?? Buffer.alloc(0);
    const prevChain = chain;
    chain = claimed ?? nextChain(prevChain, firstSeq, bytes);
    const rewritten = claimed !== undefined;
    const block = { firstSeq, lastSeq: firstSeq + count - 1, bytes, prevChain, chain, rewritten };
    firstSeq += count;
    return block;
  });
}

export function admit(cursor: Cursor, batch: Batch): Verdict {
  if (cursor.halted !== undefined) return { kind: "halt", reason: cursor.halted };
  const all = chained(batch);
  const last = all.at(-1);
  if (last === undefined || last.lastSeq <= cursor.seq) return { kind: "repeat" };
  // Bytes that do not give the chain they claim were damaged on the way: ask for them again.
  if (last.chain !== batch.chain) return { kind: "resume" };

  const lost = batch.firstSeq > cursor.seq + 1 && batch.oldestSeq === batch.firstSeq;
  if (batch.firstSeq > cursor.seq + 1 && !lost) return { kind: "resume" };
  const fresh = all.filter((block) => block.lastSeq > cursor.seq);
  const [first] = fresh;
  if (first === undefined) return { kind: "repeat" };
  // Else blocks never change, so a block that straddles the cursor belongs to another history.
  const straddles = first.firstSeq <= cursor.seq;
  if (straddles && !first.rewritten) {
    return {
      kind: "halt",
      reason: `block ${first.firstSeq}–${first.lastSeq} straddles the cursor ${cursor.seq}`,
    };
  }
  if (!lost && !straddles && first.prevChain !== cursor.chain) {
    return { kind: "halt", reason: `the chain breaks before entry ${first.firstSeq}` };
  }
  return {
    kind: "apply",
    blocks: fresh.map(({ firstSeq, lastSeq, bytes }) => ({
      ...{ firstSeq, lastSeq, bytes },
      afterSeq: Math.max(cursor.seq, firstSeq - 1),
    })),
    cursor: { seq: last.lastSeq, chain: last.chain, halted: undefined },
    gap: lost ? { firstSeq: cursor.seq + 1, lastSeq: batch.firstSeq - 1 } : undefined,
  };
}
