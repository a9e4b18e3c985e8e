/** Worlds on all cores: one process per core, one world at a time in each. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AppError } from "../../shared/errors.ts";
import type { Done, Task } from "./task.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

export type Pool = ReturnType<typeof startPool>;

export function startPool(jobs: number) {
  const workers = Array.from({ length: jobs }, () => fork(WORKER, { execArgv: [] }));

  function run(worker: ChildProcess, task: Task): Promise<Done> {
    return new Promise((resolve, reject) => {
      const died = (code: number | null, signal: string | null) =>
        reject(
          new AppError(
            "SIM_WORKER",
            `the process of seed ${task.seed} ended with ${signal ?? `status ${code}`}`,
          ),
        );
      worker.once("exit", died);
      worker.once("message", (done) => {
        worker.off("exit", died);
        resolve(done as Done);
      });
      worker.send(task);
    });
  }

  return {
    /**
     * Runs the tasks, at most one per worker at a time.
     * @param onDone in the order in which they end; false: the tasks that have not begun are not run.
     * @throws AppError SIM_WORKER when a process ends by itself.
     */
    async each(tasks: Iterable<Task>, onDone: (done: Done) => boolean): Promise<void> {
      const iterator = tasks[Symbol.iterator]();
      let goesOn = true;
      const work = async (worker: ChildProcess) => {
        while (goesOn) {
          const next = iterator.next();
          if (next.done === true) return;
          const done = await run(worker, next.value);
          if (goesOn) goesOn = onDone(done);
        }
      };
      await Promise.all(workers.map(work));
    },
    stop(): void {
      for (const worker of workers) worker.disconnect();
    },
  };
}
