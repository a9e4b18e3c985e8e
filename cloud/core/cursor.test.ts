/** The ingest cursor: repeats, gaps, overlaps, damage, and every order in which a broker may deliver. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { firstChain } from "../../shared/block.ts";
import type { Entry, EntryBody } from "../../shared/entry.ts";
import type { Batch } from "../../shared/wire.ts";
import { Journal, online } from "../harness.ts";
import { readBlocks } from "./blocks.ts";
import { admit, type Cursor } from "./cursor.ts";

const happenings = (n: number): EntryBody[] => Array.from({ length: n }, () => online("CP1"));

/** A journal whose blocks hold the given numbers of entries. */
function journalOf(...counts: number[]): Journal {
  const journal = new Journal();
  for (const count of counts) journal.commit(happenings(count));
  return journal;
}

const start = (journal: Journal): Cursor => ({
  seq: 0,
  chain: firstChain(journal.journalId),
  halted: undefined,
});

/** The cursor after `blocks` blocks. */
const after = (journal: Journal, blocks: number): Cursor => {
  const last = journal.blocks[blocks - 1];
  if (last === undefined) return start(journal);
  return { seq: last.firstSeq + last.count - 1, chain: last.chain, halted: undefined };
};

const damaged = (batch: Batch): Batch => ({
  ...batch,
  bytes: batch.bytes.map((bytes, i) =>
    i === 0 ? Buffer.concat([bytes.subarray(1), Buffer.from([0])]) : bytes,
  ),
});

describe("what is new is applied", () => {
  test("the first batch of a journal moves the cursor to its end", () => {
    const journal = journalOf(2, 3);
    expect(admit(start(journal), journal.batch())).toMatchObject({
      kind: "apply",
      blocks: [
        { firstSeq: 1, lastSeq: 2 },
        { firstSeq: 3, lastSeq: 5 },
      ],
      cursor: after(journal, 2),
      gap: undefined,
    });
  });

  test("a batch that follows is applied", () => {
    const journal = journalOf(2, 3, 1);
    const verdict = admit(after(journal, 2), journal.batch(2));
    expect(verdict).toMatchObject({ kind: "apply", cursor: { seq: 6 } });
  });

  test("of a batch that overlaps, only the unknown blocks are applied", () => {
    const journal = journalOf(2, 3, 1);
    const verdict = admit(after(journal, 1), journal.batch());
    expect(verdict).toMatchObject({
      kind: "apply",
      blocks: [{ firstSeq: 3 }, { firstSeq: 6 }],
      cursor: after(journal, 3),
    });
  });
});

describe("what is known is only acked", () => {
  test("the same batch again is a repeat", () => {
    const journal = journalOf(2, 3);
    expect(admit(after(journal, 2), journal.batch())).toEqual({ kind: "repeat" });
  });

  test("an older batch is a repeat even when its bytes were damaged on the way", () => {
    const journal = journalOf(2, 3);
    expect(admit(after(journal, 2), damaged(journal.batch(0, 1)))).toEqual({ kind: "repeat" });
  });
});

describe("what is missing is asked for", () => {
  test("a gap before the batch asks to resume", () => {
    const journal = journalOf(2, 3, 1);
    expect(admit(after(journal, 1), journal.batch(2))).toEqual({ kind: "resume" });
  });

  test("damaged bytes ask to resume and never halt", () => {
    const journal = journalOf(2, 3);
    expect(admit(start(journal), damaged(journal.batch()))).toEqual({ kind: "resume" });
    expect(admit(after(journal, 1), damaged(journal.batch(1)))).toEqual({ kind: "resume" });
  });

  test("missing bytes ask to resume", () => {
    const journal = journalOf(2, 3);
    expect(admit(start(journal), { ...journal.batch(), bytes: [] })).toEqual({ kind: "resume" });
  });

  test("entries that the ER no longer holds are taken as lost, with their range", () => {
    const journal = journalOf(2, 3, 1);
    journal.oldestSeq = 6;
    const verdict = admit(after(journal, 1), journal.batch(2));
    expect(verdict).toMatchObject({
      kind: "apply",
      gap: { firstSeq: 3, lastSeq: 5 },
      cursor: after(journal, 3),
    });
  });

  test("a gap is not a loss while the ER still holds what is missing", () => {
    const journal = journalOf(2, 3, 1);
    journal.oldestSeq = 3;
    expect(admit(after(journal, 1), journal.batch(2))).toEqual({ kind: "resume" });
  });

  test("after a roll-back of the SG the ER's next batch asks to resume", () => {
    const journal = journalOf(2, 3, 1);
    expect(admit(after(journal, 0), journal.batch(1))).toEqual({ kind: "resume" });
    expect(admit(after(journal, 0), journal.batch(0))).toMatchObject({ kind: "apply", cursor: { seq: 6 } });
  });
});

describe("another history stops the journal", () => {
  test("a chain that does not continue ours halts", () => {
    const ours = journalOf(2, 1);
    const other = new Journal(ours.erId, ours.siteId, ours.journalId)
      .commit(happenings(2))
      .commit(happenings(1));
    const verdict = admit(after(ours, 1), other.batch(1));
    expect(verdict).toEqual({ kind: "halt", reason: "the chain breaks before entry 3" });
  });

  test("a first batch that does not begin at the journal's own hash halts", () => {
    const journal = journalOf(2);
    const cursor = { ...start(journal), chain: firstChain("another journal") };
    expect(admit(cursor, journal.batch())).toMatchObject({ kind: "halt" });
  });

  test("a block that straddles the cursor halts, because blocks never change", () => {
    const journal = journalOf(2, 3);
    const cursor = { ...after(journal, 1), seq: 3 };
    const verdict = admit(cursor, journal.batch(1));
    expect(verdict).toEqual({ kind: "halt", reason: "block 3–5 straddles the cursor 3" });
  });

  test("a halted journal stays halted, whatever comes", () => {
    const journal = journalOf(2, 3);
    const cursor: Cursor = { ...after(journal, 1), halted: "the chain breaks before entry 3" };
    for (const batch of [journal.batch(0, 1), journal.batch(1), damaged(journal.batch())]) {
      expect(admit(cursor, batch)).toEqual({ kind: "halt", reason: cursor.halted });
    }
  });
});

/** Entries `first` to `last` without those that are named, which one shed tells of. */
function without(journal: Journal, first: number, last: number, gone: readonly number[]): Entry[] {
  const all = journal.entries.slice(first - 1, last);
  const place = all.find(({ seq }) => seq === gone[0]);
  if (place === undefined) return all;
  const { seq, at, upMs, clock } = place;
  const ranges = gone.map((g): [number, number] => [g, g]);
  const shed: Entry = { seq, at, upMs, clock, kind: "journal.shed", keptEveryS: 60, ranges };
  return all.flatMap((entry) => (entry.seq === seq ? [shed] : gone.includes(entry.seq) ? [] : [entry]));
}

describe("blocks that the ER has rewritten", () => {
  /** Four blocks of two, the middle ones merged, without entry 4. */
  const rewritten = () => {
    const journal = journalOf(2, 2, 2, 2);
    const cursors = [0, 1, 2, 3].map((n) => after(journal, n));
    journal.rewrite(1, 3, without(journal, 3, 6, [4]));
    return { journal, at: (n: number) => cursors[n] ?? start(journal) };
  };

  test("are taken with the chain that they tell", () => {
    const { journal, at } = rewritten();
    for (const n of [0, 1]) {
      expect(admit(at(n), journal.batch(n))).toMatchObject({
        kind: "apply",
        cursor: after(journal, 3),
        gap: undefined,
      });
    }
  });

  test("that begin before the cursor are taken from there on, and the next ones fit", () => {
    const { journal, at } = rewritten();
    const verdict = admit(at(2), journal.batch(1));
    expect(verdict).toMatchObject({
      kind: "apply",
      blocks: [
        { firstSeq: 3, lastSeq: 6, afterSeq: 4 },
        { firstSeq: 7, lastSeq: 8, afterSeq: 6 },
      ],
      cursor: after(journal, 3),
    });
    const middle = { ...at(1), seq: 5, chain: "0".repeat(32) };
    expect(admit(middle, journal.batch(1, 2))).toMatchObject({ kind: "apply", cursor: after(journal, 2) });
  });

  test("that are known whole are a repeat", () => {
    const { journal, at } = rewritten();
    expect(admit(at(3), journal.batch(0, 2))).toEqual({ kind: "repeat" });
  });

  test("of another history halt where they begin, like any block", () => {
    const { journal, at } = rewritten();
    const other = { ...at(1), chain: "0".repeat(32) };
    expect(admit(other, journal.batch(1))).toMatchObject({ kind: "halt" });
  });

  test("do not excuse an untouched block that straddles the cursor", () => {
    const { journal } = rewritten();
    const cursor = { ...after(journal, 2), seq: 7 };
    expect(admit(cursor, journal.batch(1))).toMatchObject({ kind: "halt" });
  });
});

/** A receiver that does what the rule says and remembers the number of everything it took or was told of. */
function receiver(journal: Journal) {
  let cursor = start(journal);
  const taken: number[] = [];
  return {
    taken,
    get seq() {
      return cursor.seq;
    },
    receive(batch: Batch): void {
      const verdict = admit(cursor, batch);
      expect(verdict.kind).not.toBe("halt");
      if (verdict.kind !== "apply") return;
      const parked: unknown[] = [];
      const entries = readBlocks(verdict.blocks, parked as []);
      expect(parked).toEqual([]);
      const numbers = entries.flatMap((entry) =>
        entry.kind === "journal.shed" ? entry.ranges.map(([seq]) => seq) : [entry.seq],
      );
      taken.push(...numbers.sort((x, y) => x - y));
      cursor = verdict.cursor;
    },
  };
}

test("any loss, repetition and order of batches, with retransmission, takes every entry exactly once and in order", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
  const delivery = fc.record({
    from: fc.nat(7),
    length: fc.integer({ min: 1, max: 4 }),
    broken: fc.boolean(),
  });
  fc.assert(
    fc.property(sizes, fc.array(delivery, { maxLength: 30 }), (counts, deliveries) => {
      const journal = journalOf(...counts);
      const sg = receiver(journal);
      for (const { from, length, broken } of deliveries) {
        const at = from % counts.length;
        const batch = journal.batch(at, Math.min(at + length, counts.length));
        sg.receive(broken ? damaged(batch) : batch);
      }
      // The network heals: the ER sends again, batch after batch, from the cursor that the SG tells.
      for (let i = 0; i < counts.length; i++) {
        const next = journal.blocks.findIndex((block) => block.firstSeq > sg.seq);
        if (next !== -1) sg.receive(journal.batch(next, next + 1));
      }
      expect(sg.taken).toEqual(Array.from({ length: journal.lastSeq }, (_, i) => i + 1));
    }),
    { numRuns: scaled(300) },
  );
});

test("it stays so while the ER merges and thins what it sends", () => {
  const step = fc.record({
    from: fc.nat(7),
    length: fc.integer({ min: 1, max: 4 }),
    what: fc.constantFrom("send", "send", "damage", "merge", "thin"),
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(sizes, fc.array(step, { maxLength: 30 }), (counts, steps) => {
      const journal = journalOf(...counts);
      const gone = new Set<number>();
      const sg = receiver(journal);
      for (const { from, length, what } of steps) {
        const at = from % journal.blocks.length;
        const to = Math.min(at + length, journal.blocks.length);
        if (what === "send") sg.receive(journal.batch(at, to));
        // The chain proves nothing up to a block that tells its own: the ER sends those first, or alone.
        else if (what === "damage") {
          const proven = journal.blocks.slice(at, to).every((block) => block.rewritten === undefined);
          if (proven) sg.receive(damaged(journal.batch(at, to)));
        } else {
          const [first, last] = [journal.blocks[at], journal.blocks[to - 1]];
          if (first === undefined || last === undefined) continue;
          const [lowest, highest] = [first.firstSeq, last.firstSeq + last.count - 1];
          if (what === "thin") for (let seq = lowest; seq <= highest; seq += 2) gone.add(seq);
          const missing = [...gone].filter((s) => s >= lowest && s <= highest).sort((x, y) => x - y);
          journal.rewrite(at, to, without(journal, lowest, highest, missing));
        }
      }
      while (sg.seq < journal.lastSeq) {
        const next = journal.blocks.findIndex((block) => block.firstSeq + block.count - 1 > sg.seq);
        sg.receive(journal.batch(next, next + 1));
      }
      expect(sg.taken).toEqual(Array.from({ length: journal.lastSeq }, (_, i) => i + 1));
    }),
    { numRuns: scaled(500) },
  );
});
