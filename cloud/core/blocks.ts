/**
 * Admitted blocks → entries. Pure. What cannot be read is parked with its bytes; the rest proceeds.
 *
 * The entries of a block and the ranges that its `journal.shed` tells cover its numbers exactly: each entry's
 * number follows from its place. Of a rewritten block that was taken in part before, only the rest counts.
 */
import { decodeBlock } from "../../shared/block.ts";
import type { Entry, EntryOf } from "../../shared/entry.ts";
import { describeError } from "../../shared/errors.ts";
import type { Changes } from "./changes.ts";
import type { Block } from "./cursor.ts";
import { readEntry } from "./project.ts";

type Shed = EntryOf<"journal.shed">;
type Slot = { seq: number; value: unknown; shed: Shed | undefined };

/** The values of a block with their numbers, or why they are not those of this block. */
function slotsOf(block: Block, values: readonly unknown[]): Slot[] | string {
  const sheds = values.map((value) => {
    if ((value as { kind?: unknown } | null)?.kind !== "journal.shed") return undefined;
    const entry = readEntry(value);
    return typeof entry !== "string" && entry.kind === "journal.shed" ? entry : undefined;
  });
  const misplaced = sheds.find((shed) => shed !== undefined && shed.ranges[0]?.[0] !== shed.seq);
  if (misplaced !== undefined) return `entry ${misplaced.seq} does not stand where its ranges begin`;
  const gone = sheds.flatMap((shed) => shed?.ranges ?? []).sort((a, b) => a[0] - b[0]);
  const slots: Slot[] = [];
  let next = block.firstSeq;
  const skipGone = () => {
    for (let range = gone[0]; range !== undefined && range[0] === next; range = gone[0]) {
      if (range[1] < range[0]) return;
      next = range[1] + 1;
      gone.shift();
    }
  };
  values.forEach((value, index) => {
    const shed = sheds[index];
    if (shed !== undefined) return slots.push({ seq: shed.seq, value, shed });
    skipGone();
    return slots.push({ seq: next++, value, shed });
  });
  skipGone();
  if (gone.length === 0 && next === block.lastSeq + 1) return slots;
  return `holds ${values.length} entries and not those up to ${block.lastSeq}`;
}

/** What of it lies behind the cursor; undefined when nothing does. */
function clipped(shed: Shed, afterSeq: number): Shed | undefined {
  const ranges = shed.ranges
    .filter(([, last]) => last > afterSeq)
    .map(([first, last]): [number, number] => [Math.max(first, afterSeq + 1), last]);
  const seq = ranges[0]?.[0];
  return seq === undefined ? undefined : { ...shed, seq, ranges };
}

/** JSON of anything that was read, or a word about why there is none. */
export function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    return `not to be written as JSON: ${describeError(error)}`;
  }
}

/** The entries of admitted blocks; what cannot be read goes to `parked`. */
export function readBlocks(blocks: readonly Block[], parked: Changes["parked"]): Entry[] {
  const entries: Entry[] = [];
  for (const block of blocks) {
    let slots: Slot[] | string;
    try {
      slots = slotsOf(block, decodeBlock(block.bytes).entries);
    } catch (error) {
      slots = describeError(error);
    }
    if (typeof slots === "string") {
      const entry = block.bytes.toString("base64");
      parked.push({ seq: block.afterSeq + 1, entry, reason: `block: ${slots}` });
      continue;
    }
    for (const { seq, value, shed } of slots) {
      const entry = shed === undefined ? readEntry(value) : clipped(shed, block.afterSeq);
      if (entry === undefined || (shed === undefined && seq <= block.afterSeq)) continue;
      if (typeof entry !== "string" && (shed !== undefined || entry.seq === seq)) entries.push(entry);
      else {
        const reason = typeof entry === "string" ? entry : `says it is entry ${entry.seq}`;
        parked.push({ seq, entry: textOf(value), reason });
      }
    }
  }
  return entries;
}
