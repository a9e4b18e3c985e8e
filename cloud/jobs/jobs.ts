/**
 * The jobs role: what must happen now and then. Level-triggered: every run looks at what is and does what
 * is missing, so that several copies and missed runs do no harm.
 */
import { describeError } from "../../shared/errors.ts";
import { ensurePartitions } from "../db/partitions.ts";
import type { Pool } from "../db/pool.ts";

const EVERY_MS = 60 * 60_000;

export function startJobs(options: {
  pool: Pool;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}) {
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    try {
      const made = await ensurePartitions(options.pool, new Date());
      if (made > 0) options.onLog("info", "partitions made", { made });
    } catch (error) {
      options.onLog("error", "partitions could not be made; tried again in an hour", {
        reason: describeError(error),
      });
    }
  }

  running = run();
  const timer = setInterval(() => (running = running.then(run)), EVERY_MS);
  return {
    async stop(): Promise<void> {
      clearInterval(timer);
      await running;
    },
  };
}
