/**
 * Checker `cursor`: the SG's cursor never exceeds what the ER has committed, and what the SG has applied is
 * exactly the journal up to its cursor, each entry once.
 *
 * Checker `ack`: nobody acks what is not committed in the SG, and nothing is trimmed at the ER that the SG
 * does not hold.
 */
import type { Journal } from "../../../edge/io/journal.ts";
import type { Runtime } from "../../../edge/runtime.ts";
import type { Tables, Taken } from "../store.ts";
import { Violation } from "../trace.ts";
import type { Committed, Journals } from "./journal.ts";

export function createCursorCheckers(journals: Journals) {
  /** By journalId, over all roll-backs. */
  const heldEver = new Map<string, number>();
  const cursorOf = (tables: Tables, journalId: string) => tables.cursors.get(journalId)?.seq ?? 0;

  function prefix(tables: Tables, committed: Committed): void {
    const { journalId } = committed;
    const saw = (text: string) => new Violation("cursor", text);
    const cursor = tables.cursors.get(journalId);
    if (cursor === undefined) return;
    if (cursor.halted !== undefined) throw saw(`the journal was halted: ${cursor.halted}`);
    if (cursor.seq > committed.seq)
      throw saw(`the SG holds ${cursor.seq}, the ER has committed ${committed.seq}`);
    if (tables.gaps.length > 0) throw saw(`a gap was taken for granted: ${JSON.stringify(tables.gaps)}`);
    if (tables.parked.length > 0) throw saw(`an entry was parked: ${JSON.stringify(tables.parked[0])}`);
    const counts = tables.applied.get(journalId) ?? [];
    for (let seq = 1; seq <= Math.max(cursor.seq, counts.length - 1); seq++) {
      const times = counts[seq] ?? 0;
      const wanted = seq <= cursor.seq ? 1 : 0;
      if (times !== wanted) throw saw(`entry ${seq} was applied ${times} times, the cursor is ${cursor.seq}`);
    }
  }

  return {
    taken(tables: Tables, taken: Taken, journalId: string): void {
      const committed = journals.of(journalId);
      if (committed === undefined) throw new Violation("cursor", `foreign journal ${journalId}`);
      for (const entry of taken.entries) {
        if (entry.kind === "journal.shed") {
          for (const [first, last] of entry.ranges)
            for (let seq = first; seq <= last; seq++) committed.mayGo(seq);
          continue;
        }
        const block = committed.blocks.findLast((b) => b.firstSeq <= entry.seq);
        const own = block?.entries[entry.seq - block.firstSeq];
        if (JSON.stringify(own) === JSON.stringify(entry)) continue;
        throw new Violation("cursor", `entry ${entry.seq} was applied and is not the one that was committed`);
      }
      prefix(tables, committed);
      heldEver.set(journalId, Math.max(heldEver.get(journalId) ?? 0, cursorOf(tables, journalId)));
    },

    acked(tables: Tables, journalId: string, seq: number): void {
      const cursor = cursorOf(tables, journalId);
      if (seq > cursor) throw new Violation("ack", `the SG acks ${seq} and holds ${cursor}`);
    },

    everyTick(runtime: Runtime, journal: Journal, tables: Tables): void {
      const { ackedSeq, committedSeq } = runtime.state.live.uplink;
      const held = heldEver.get(journal.journalId) ?? 0;
      if (ackedSeq > held)
        throw new Violation("ack", `the ER takes ${ackedSeq} for acked, the SG held ${held}`);
      if (committedSeq > journal.lastSeq) {
        throw new Violation(
          "ack",
          `the ER takes ${committedSeq} for committed, the journal ends at ${journal.lastSeq}`,
        );
      }
      const trimmed = journal.oldestSeq - 1;
      const cursor = cursorOf(tables, journal.journalId);
      if (trimmed > cursor)
        throw new Violation("ack", `the ER has trimmed ${trimmed}, the SG holds ${cursor}`);
    },
  };
}
