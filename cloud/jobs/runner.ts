/**
 * Runs what must happen now and then. A job is level-triggered: each run looks at what is and does what is
 * missing, so that several copies, missed runs and runs that fail do no harm.
 *
 * Runs of one job never overlap in one program; those of different jobs may. Nothing is logged of a run that
 * had nothing to do.
 */
import { describeError } from "../../shared/errors.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";

export type Job = {
  name: string;
  everyMs: number;
  /** What is said when a run fails: "… could not be …". */
  fails: string;
  /** What is said when there was something to do; absent: nothing, it is ordinary. */
  done?: string;
  /** @returns how many things it did. */
  run: () => Promise<number>;
  /** Ends what a run has left under way. */
  stop?: () => Promise<void>;
};

export type OnLog = (
  level: "info" | "warn" | "error",
  message: string,
  fields: Record<string, unknown>,
) => void;

const HOUR_MS = 3_600_000;

const again = (everyMs: number) =>
  everyMs === HOUR_MS ? "tried again in an hour" : `tried again in ${Math.round(everyMs / 1_000)} s`;

/** Each job runs at once, and then `everyMs` after its last run has begun, or when that has ended. */
export function startRunner(jobs: readonly Job[], onLog: OnLog) {
  async function attempt(job: Job): Promise<void> {
    try {
      const count = await job.run();
      if (count > 0 && job.done !== undefined) onLog("info", job.done, { count });
    } catch (error) {
      onLog("error", `${job.fails}; ${again(job.everyMs)}`, { reason: describeError(error) });
    }
  }

  const running = jobs.map((job) => {
    let run: Promise<void> | undefined;
    const start = () => {
      run ??= attempt(job).finally(() => (run = undefined));
    };
    start();
    const timer = setInterval(start, job.everyMs);
    return async () => {
      clearInterval(timer);
      await run;
      await job.stop?.();
    };
  });
  return {
    async stop(): Promise<void> {
      await Promise.all(running.map((stop) => stop()));
    },
  };
}

/**
 * Work that one copy at a time does, in one transaction: where another copy is at it, there is nothing to do.
 * @param what names it among all jobs.
 */
export async function alone(
  pool: Pool,
  what: string,
  work: (client: Client) => Promise<number>,
): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ mine: boolean }>(
      "select pg_try_advisory_xact_lock(hashtext($1)) as mine",
      [`sg.${what}`],
    );
    return rows[0]?.mine === true ? work(client) : 0;
  });
}
