/**
 * Checker `recovery`: what a starting ER knows is the fold of what was committed, nothing less and nothing
 * more; and while it runs, what it knows beyond that is what waits for its commit.
 */
import { encodeSnapshot } from "../../../edge/core/fold.ts";
import type { Durable } from "../../../edge/core/types.ts";
import type { Runtime } from "../../../edge/runtime.ts";
import { Violation } from "../trace.ts";
import type { Committed } from "./journal.ts";

function firstDifference(live: Durable, committed: Durable): string {
  for (const key of Object.keys(committed) as (keyof Durable)[]) {
    const part = (durable: Durable) => encodeSnapshot({ [key]: durable[key] } as unknown as Durable);
    if (part(live) !== part(committed))
      return `${key}: ${part(live).slice(0, 300)} instead of ${part(committed).slice(0, 300)}`;
  }
  return "the order of its fields";
}

export function checkRecovered(runtime: Runtime, committed: Committed): void {
  const { durable } = runtime.state;
  if (encodeSnapshot(durable) === encodeSnapshot(committed.durable)) return;
  throw new Violation(
    "recovery",
    `a new start differs from what was committed: ${firstDifference(durable, committed.durable)}`,
  );
}

/** Only while nothing waits: then the live state and the fold of the journal are the same. */
export function checkLive(runtime: Runtime, committed: Committed): void {
  const { durable } = runtime.state;
  if (durable.seq !== committed.seq || encodeSnapshot(durable) === encodeSnapshot(committed.durable)) return;
  throw new Violation(
    "recovery",
    `the live state differs from the journal's: ${firstDifference(durable, committed.durable)}`,
  );
}
