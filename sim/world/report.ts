/** An outcome as text for a person: what was run, what was found, how to see it again. */
import { inspect } from "node:util";
import type { Outcome } from "./world.ts";

export function report(
  outcome: Outcome,
  run: { seconds: number; mutant?: string | undefined; ms?: number; given?: string },
): string {
  const { seed, counts, digest, violation, faults } = outcome;
  const mutant = run.mutant === undefined ? "" : ` --mutant ${run.mutant}`;
  const took = run.ms === undefined ? "" : `, ${Math.round(run.ms)} ms`;
  if (violation === undefined) {
    const total = ["station.sent", "er.commit", "er.died", "sg.command"].map(
      (name) => `${name} ${counts[name] ?? 0}`,
    );
    return `seed ${seed}: nothing wrong (${total.join(", ")}${took}, ${digest.slice(0, 12)})`;
  }
  return [
    `seed ${seed} FAILED${took}`,
    `faults: ${inspect(faults, { depth: 4, breakLength: 110, compact: 3 })}`,
    `checker "${violation.checker}" saw: ${violation.saw}`,
    "last events:",
    ...violation.events.map((line) => `  ${line}`),
    `replay: npm run sim -- --seed ${seed} --seconds ${run.seconds}${mutant}${run.given ?? ""} --verbose`,
  ].join("\n");
}
