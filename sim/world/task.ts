/** One world to run, told so that another process can run it, and what came of it. */
import { mergeFaults, noFaults } from "./faults.ts";
import { runWorld, type Outcome } from "./world.ts";

export type Task = {
  seed: number;
  seconds: number;
  /** JSON over the faults that the seed draws, or over none. */
  faults: string;
  calm: boolean;
  mutant: string | undefined;
};
export type Done = { task: Task; outcome: Outcome; ms: number };

export async function runTask(
  task: Task,
  extra: Pick<Parameters<typeof runWorld>[0], "twin" | "verbose"> = {},
) {
  const { seed, seconds, faults, calm, mutant } = task;
  const startedMs = performance.now();
  const outcome = await runWorld({
    seed,
    seconds,
    faults: (drawn) => mergeFaults(calm ? noFaults() : drawn, faults),
    ...(mutant === undefined ? {} : { mutant }),
    ...extra,
  });
  return { task, outcome, ms: performance.now() - startedMs } satisfies Done;
}
