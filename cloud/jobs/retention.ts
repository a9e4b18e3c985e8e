/**
 * What was kept long enough goes (`core/retention.ts` says what, and after how long): rows in portions, each a
 * transaction of its own, months of the big tables as a whole, logs with their bytes.
 *
 * Bounded: a run ends after RUN_MS_MAX and the next one goes on, so that a database that was never trimmed is
 * trimmed without anybody noticing. A table that cannot be trimmed stops no other.
 */
import { KEEP_GROUPS, RETENTION, type KeepDays, type Retention } from "../core/retention.ts";
import { inTransaction, type Pool } from "../db/pool.ts";
import type { FileFolder } from "../files.ts";

const BATCH_ROWS = 5_000;
const BATCH_FILES = 500;
const RUN_MS_MAX = 60_000;
/** Whoever writes or reads waits no longer than this for a month to be let go; it is tried again. */
const LOCK_MS_MAX = 2_000;

type Work = { pool: Pool; keep: KeepDays; files: FileFolder | undefined; endMs: number };

const inTime = ({ endMs }: Work) => performance.now() < endMs;

/** Portions until there is no more, or the time is up. @param portion says how many it did. */
async function portions(work: Work, size: number, portion: () => Promise<number>): Promise<number> {
  let all = 0;
  while (inTime(work)) {
    const count = await portion();
    all += count;
    if (count < size) break;
  }
  return all;
}

function deleteRows(work: Work, table: string, days: number, age: string, and = "true"): Promise<number> {
  const sql = `delete from ${table} where ctid = any (array(
    select t.ctid from ${table} t where t.${age} < now() - make_interval(secs => $1::float8 * 86400) and ${and}
    limit ${BATCH_ROWS}))`;
  return portions(work, BATCH_ROWS, async () => (await work.pool.query(sql, [days])).rowCount ?? 0);
}

const MONTHS = `
  select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = $1::regclass and c.relname ~ '_\\d{4}_\\d{2}$'
    and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= now() - make_interval(days => $2)
  order by 1`;

/** Months that are over for long enough, and rows of the default partition. @returns how many of both. */
async function dropMonths(work: Work, table: string, days: number): Promise<number> {
  const { rows } = await work.pool.query<{ name: string }>(MONTHS, [table, days]);
  for (const { name } of rows)
    await inTransaction(work.pool, async (client) => {
      await client.query(`set local lock_timeout = ${LOCK_MS_MAX}`);
      await client.query(`drop table if exists ${name}`);
    });
  return rows.length + (await deleteRows(work, `${table}_default`, days, "at"));
}

/** Logs of stations; the bytes first: a row without them can be seen to have none. */
async function deleteLogs(work: Work, days: number): Promise<number> {
  const { files, pool } = work;
  if (files === undefined) return 0;
  return portions(work, BATCH_FILES, async () => {
    const { rows } = await pool.query<{ id: string }>(
      `select file_id as id from file where kind = 'log' and created_at < now() - make_interval(days => $1)
       order by created_at limit ${BATCH_FILES}`,
      [days],
    );
    for (const { id } of rows) await files.remove(id);
    await pool.query("delete from file where file_id = any ($1::uuid[])", [rows.map(({ id }) => id)]);
    return rows.length;
  });
}

async function trim(work: Work, table: string, rule: Retention): Promise<number> {
  const daysOf = (days: keyof typeof KEEP_GROUPS | number) =>
    typeof days === "number" ? days : work.keep[days];
  switch (rule.how) {
    case "delete":
      return deleteRows(work, table, daysOf(rule.days), rule.age, rule.and);
    case "partitions":
      return dropMonths(work, table, daysOf(rule.days));
    case "files":
      return deleteLogs(work, daysOf(rule.days));
    default:
      return 0;
  }
}

/** @returns how many rows, months and files went. @throws the first failure, after everything else. */
export async function trimOld(pool: Pool, keep: KeepDays, files?: FileFolder): Promise<number> {
  const work: Work = { pool, keep, files, endMs: performance.now() + RUN_MS_MAX };
  const failures: unknown[] = [];
  let all = 0;
  for (const [table, rule] of Object.entries(RETENTION))
    try {
      all += await trim(work, table, rule);
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
  return all;
}
