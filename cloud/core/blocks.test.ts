/** What stands in a block and what its sheds tell must be its numbers exactly; else nothing of it is believed. */
import { expect, test } from "vitest";
import { encodeBlock } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { Journal, online } from "../harness.ts";
import { readBlocks } from "./blocks.ts";
import type { ParkedRow } from "./changes.ts";

const { entries, boot } = new Journal().commit(Array.from({ length: 9 }, () => online("CP1")));
type Ranges = [number, number][];
const shedOf = (ranges: Ranges, seq = ranges[0]?.[0] ?? 0): Entry => {
  const { at, upMs, clock } = entries[0] as Entry;
  return { seq, at, upMs, clock, kind: "journal.shed", keptEveryS: 60, ranges };
};
const some = (...seqs: number[]) => entries.filter(({ seq }) => seqs.includes(seq));

/** A block of 1 to 9 with these values, taken after an entry: the numbers of what is read, and what is parked. */
function read(values: readonly unknown[], afterSeq = 0) {
  const parked: ParkedRow[] = [];
  const bytes = encodeBlock(boot, values as Entry[]);
  const list = readBlocks([{ firstSeq: 1, lastSeq: 9, afterSeq, bytes }], parked);
  const told = list.map((entry) => (entry.kind === "journal.shed" ? entry.ranges : entry.seq));
  return { told, parked: parked.map(({ seq, reason }) => [seq, reason]) };
}

test("entries and ranges together are the numbers of the block", () => {
  expect(read(entries).told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const ranges: Ranges = [
    [2, 3],
    [5, 8],
  ];
  expect(read([...some(1), shedOf(ranges), ...some(4, 9)])).toEqual({ told: [1, ranges, 4, 9], parked: [] });
  expect(read([shedOf([[1, 9]])]).told).toEqual([[[1, 9]]]);
  expect(read([shedOf([[1, 2]]), ...some(3, 4, 5), shedOf([[6, 9]])]).told).toEqual([
    ...[[[1, 2]], 3, 4, 5, [[6, 9]]],
  ]);
});

test("what was taken before is left out, of the ranges too", () => {
  const values = [
    ...some(1),
    shedOf([
      [2, 3],
      [5, 8],
    ]),
    ...some(4, 9),
  ];
  expect(read(values, 3).told).toEqual([[[5, 8]], 4, 9]);
  expect(read(values, 6).told).toEqual([[[7, 8]], 9]);
  expect(read(values, 8).told).toEqual([9]);
  expect(read(entries, 7).told).toEqual([8, 9]);
});

test.each<[string, readonly unknown[]]>([
  ["too few", entries.slice(1)],
  ["too many", [...entries, entries[8]]],
  ["a range beside what is there", [...some(1, 2, 3, 4, 5, 6), shedOf([[6, 9]])]],
  ["a hole", [...some(1), shedOf([[3, 9]])]],
  ["ranges beyond the block", [...some(1), shedOf([[2, 10]])]],
  ["a range backwards", [...some(1), shedOf([[3, 2]]), ...some(2, 3, 4, 5, 6, 7, 8, 9)]],
  [
    "the same range twice",
    [
      ...some(1),
      shedOf([
        [2, 5],
        [2, 5],
      ]),
      ...some(6, 7, 8, 9),
    ],
  ],
  ["a shed that stands elsewhere", [...some(1), shedOf([[2, 9]], 3)]],
  ["an endless range", [...some(1), shedOf([[2, Number.MAX_SAFE_INTEGER]])]],
])("%s: the block is parked whole", (_, values) => {
  const { told, parked } = read(values);
  expect(told).toEqual([]);
  expect(parked).toEqual([[1, expect.stringContaining("block: ")]]);
  expect(read(values, 5).parked).toEqual([[6, expect.stringContaining("block: ")]]);
});

test("an entry that is none is parked at its own place, the rest is taken", () => {
  const values = [
    ...some(1),
    shedOf([[2, 3]]),
    { kind: "er.dreamt" },
    ...some(5, 6, 7, 8),
    { ...entries[8], seq: 8 },
  ];
  expect(read(values)).toEqual({
    told: [1, [[2, 3]], 5, 6, 7, 8],
    parked: [
      [4, "unknown kind er.dreamt"],
      [9, "says it is entry 8"],
    ],
  });
});
