/**
 * A journal that is packed and thinned while it drains: what the ER sends, the SG's own rule takes, and every
 * number arrives once, as an entry or as one that was given up.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fc, scaled } from "./services/property.ts";
import { readBlocks } from "../cloud/core/blocks.ts";
import type { ParkedRow } from "../cloud/core/changes.ts";
import { admit, type Cursor } from "../cloud/core/cursor.ts";
import { nextBatch } from "../edge/io/broker.ts";
import { openJournal, type Journal } from "../edge/io/journal.ts";
import { createPressureJob } from "../edge/pressure-job.ts";
import { firstChain } from "../shared/block.ts";
import type { Entry } from "../shared/entry.ts";
import { decodeBatch } from "../shared/wire.ts";

const folder = mkdtempSync(join(tmpdir(), "er-drain-"));
afterAll(() => rmSync(folder, { recursive: true }));
const T0 = 1_793_527_200_000;
const BOOT = "01900000-0000-7000-8000-00000000b007";
const JOURNAL = "01900000-0000-7000-8000-000000000001";
const METERS = 8;

/** Readings of some meters every 10 s, and now and then something that must not go. */
function fill(journal: Journal, entries: number): void {
  while (journal.lastSeq < entries) {
    const first = journal.lastSeq + 1;
    const block = Array.from({ length: METERS }, (_, i): Entry => {
      const seq = first + i;
      const head = { seq, at: T0 + (seq / METERS) * 10_000, upMs: seq, clock: "synced" } as const;
      if (seq % 50 === 0) return { ...head, kind: "clock.synced", offsetMs: seq };
      return { ...head, kind: "meter.sampled", meterId: `m${i}`, reading: { energyImportWh: seq } };
    });
    journal.append(BOOT, block);
  }
}

function receiver() {
  let cursor: Cursor = { seq: 0, chain: firstChain(JOURNAL), halted: undefined };
  const numbers: number[] = [];
  const precious: number[] = [];
  return {
    numbers,
    precious,
    get seq() {
      return cursor.seq;
    },
    /** As the SG does: everything of a batch that is admitted. @returns the verdict. */
    take(payload: Buffer): string {
      const verdict = admit(cursor, decodeBatch(payload));
      if (verdict.kind !== "apply") return verdict.kind;
      const parked: ParkedRow[] = [];
      for (const entry of readBlocks(verdict.blocks, parked)) {
        if (entry.kind === "journal.shed")
          for (const [a, b] of entry.ranges) for (let n = a; n <= b; n++) numbers.push(n);
        else numbers.push(entry.seq);
        if (entry.kind === "clock.synced") precious.push(entry.seq);
      }
      expect(parked).toEqual([]);
      cursor = verdict.cursor;
      return verdict.kind;
    },
  };
}

const ENTRIES = 4_000;
const LEVELS = { none: 0.1, compact: 0.6, "thin-60": 0.75, "thin-300": 0.9, refuse: 1.1 };
type Step = { do: "send" | "lose" | "repeat" | "work"; pressure: keyof typeof LEVELS; slices: number };

function run(journal: Journal, steps: readonly Step[]): void {
  const sg = receiver();
  let pressure: keyof typeof LEVELS = "none";
  let upMs = 0;
  const job = createPressureJob({
    journal: Object.create(journal, { usedBytes: { value: () => 1e6 * LEVELS[pressure] } }) as Journal,
    budgetBytes: 1e6,
    reserveBytes: 0,
    diskFreeBytes: () => undefined,
    coveredSeq: () => journal.lastSeq - METERS,
    now: () => ({ at: T0 + 30 * 86_400_000, upMs }),
    onLog: () => undefined,
  });
  let before: Buffer | undefined;
  const send = (arrives: boolean) => {
    const batch = nextBatch(journal, sg.seq);
    if (batch === undefined) return;
    if (arrives) expect(sg.take(batch.payload)).toBe("apply");
    before = batch.payload;
  };
  for (const step of steps) {
    if (step.do === "send") send(true);
    else if (step.do === "lose") send(false);
    // What was under way when the journal was rewritten arrives late: in part, whole, or not at all known.
    else if (step.do === "repeat" && before !== undefined) expect(sg.take(before)).not.toBe("halt");
    else {
      ({ pressure } = step);
      upMs += 100_000;
      job.measure();
      for (let i = 0; i < step.slices; i++) job.slice();
    }
  }
  while (sg.seq < journal.lastSeq) send(true);
  expect(sg.numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: journal.lastSeq }, (_, i) => i + 1));
  const kept = Array.from({ length: Math.floor(journal.lastSeq / 50) }, (_, i) => (i + 1) * 50);
  expect(sg.precious.sort((a, b) => a - b)).toEqual(kept);
}

test("whatever is sent, lost, repeated and rewritten in between, nothing is missing and nothing comes twice", () => {
  const step = fc.record({
    do: fc.constantFrom<Step["do"]>("send", "lose", "repeat", "work", "work"),
    pressure: fc.constantFrom(...(Object.keys(LEVELS) as (keyof typeof LEVELS)[])),
    slices: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const journal = openJournal({ path: ":memory:", newJournalId: JOURNAL });
      fill(journal, ENTRIES);
      run(journal, steps);
      journal.close();
    }),
    { numRuns: scaled(20) },
  );
});

test("on a file it is the same, and it stays so after a restart", () => {
  const path = join(folder, "journal.sqlite");
  const open = () => openJournal({ path, newJournalId: JOURNAL });
  const first = open();
  fill(first, ENTRIES);
  run(first, [{ do: "work", pressure: "thin-60", slices: 20 }]);
  first.close();
  const second = open();
  run(second, [
    { do: "send", pressure: "none", slices: 0 },
    { do: "work", pressure: "refuse", slices: 20 },
  ]);
  second.close();
});
