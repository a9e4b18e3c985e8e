/** An outcome as text for a person: what was run, what was found, how to see it again. */
import { inspect } from "node:util";
import type { Done, Task } from "./task.ts";

const replayOf = ({ seed, seconds, calm, faults, mutant }: Task): string => {
  const given = `${calm ? " --calm" : ""}${faults === "{}" ? "" : ` --faults '${faults}'`}`;
  const planted = mutant === undefined ? "" : ` --mutant ${mutant}`;
  return `npm run sim -- --seed ${seed} --seconds ${seconds}${planted}${given} --verbose`;
};

export function report({ task, outcome, ms }: Done): string {
  const { seed, counts, digest, violation, faults } = outcome;
  if (violation === undefined) {
    const total = ["station.sent", "er.commit", "er.died", "sg.command"].map(
      (name) => `${name} ${counts[name] ?? 0}`,
    );
    return `seed ${seed}: nothing wrong (${total.join(", ")}, ${Math.round(ms)} ms, ${digest.slice(0, 12)})`;
  }
  return [
    `seed ${seed} FAILED after ${Math.round(ms)} ms`,
    `faults: ${inspect(faults, { depth: 4, breakLength: 110, compact: 3 })}`,
    `checker "${violation.checker}" saw: ${violation.saw}`,
    "last events:",
    ...violation.events.map((line) => `  ${line}`),
    `replay: ${replayOf(task)}`,
  ].join("\n");
}

const PROGRESS_MS = 10_000;

/** Says now and then how far it is. */
export function progress(seeds: number): (done: number, failed: number) => void {
  const startedMs = performance.now();
  let saidMs = startedMs;
  return (done, failed) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < PROGRESS_MS) return;
    saidMs = nowMs;
    const leftS = ((nowMs - startedMs) / 1_000 / done) * (seeds - done);
    console.log(`${done} of ${seeds} seeds, ${failed} failed, about ${Math.round(leftS)} s left`);
  };
}

/** What happened in all of them together. */
export function summary(all: readonly Done[], run: { seed: number; seeds: number; seconds: number }): string {
  const total: Record<string, number> = {};
  for (const { outcome } of all)
    for (const [what, times] of Object.entries(outcome.counts)) total[what] = (total[what] ?? 0) + times;
  const failed = all.filter(({ outcome }) => outcome.violation !== undefined);
  const ms = all.reduce((sum, done) => sum + done.ms, 0) / all.length;
  const counts = Object.entries(total).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    counts.map(([what, times]) => `${what} ${times}`).join(", "),
    `${all.length} of ${run.seeds} seeds from ${run.seed} on, ${run.seconds} s of faults each, ` +
      `${Math.round(ms)} ms per seed and core: ${failed.length} failed`,
    ...failed.map(({ task }) => `  replay: ${replayOf(task)}`),
  ].join("\n");
}
