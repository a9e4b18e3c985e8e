/**
 * The jobs role: what must happen now and then. Level-triggered: every run looks at what is and does what
 * is missing, so that several copies and missed runs do no harm.
 */
import { describeError } from "../../shared/errors.ts";
import { ensurePartitions } from "../db/partitions.ts";
import type { Pool } from "../db/pool.ts";

const EVERY_MS = 60 * 60_000;
const HEALTH_DAYS = 90;

/** Readings of the boxes that are too old. @returns how many. */
export async function trimHealth(pool: Pool): Promise<number> {
  const sql = "delete from er_health where at < now() - $1 * interval '1 day'";
  return (await pool.query(sql, [HEALTH_DAYS])).rowCount ?? 0;
}

/**
 * Sites where listed tokens were used since yesterday's policy get a new one: it names the tokens that the
 * stations there keep in lists of their own. @returns how many sites.
 */
export async function refreshPolicies(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `with refreshed as (
       update site s set policy_version =
         greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
       where to_timestamp(s.policy_version / 1000.0) < now() - interval '1 day' and exists (
         select from transaction t
         join id_token k on k.operator_id = s.operator_id and lower(k.id_token) = lower(t.id_token)
         where t.site_id = s.site_id and t.started_at > to_timestamp(s.policy_version / 1000.0))
       returning s.operator_id, s.site_id
     )
     select pg_notify('sg_policy', operator_id) from refreshed group by operator_id, site_id`,
  );
  return rows.length;
}

export function startJobs(options: {
  pool: Pool;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
}) {
  const { pool, onLog } = options;
  let running: Promise<void> = Promise.resolve();

  /** @param done what is said when there was something to do. */
  async function attempt(what: string, done: string, work: () => Promise<number>): Promise<void> {
    try {
      const count = await work();
      if (count > 0) onLog("info", done, { count });
    } catch (error) {
      onLog("error", `${what}; tried again in an hour`, { reason: describeError(error) });
    }
  }

  async function run(): Promise<void> {
    await attempt("partitions could not be made", "partitions made", () =>
      ensurePartitions(pool, new Date()),
    );
    await attempt("old readings of ERs could not be removed", "old readings of ERs removed", () =>
      trimHealth(pool),
    );
    await attempt("policies could not be renewed", "policies renewed: tokens used of late", () =>
      refreshPolicies(pool),
    );
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
