/**
 * Monthly partitions of the big tables: made ahead of time, so that rows never wait in the default partition.
 *
 * Rows of a month that came before its partition (a clock in the future) are moved out of the default one.
 */
import { inTransaction, type Client, type Pool } from "./pool.ts";

export const PARTITIONED = ["message", "transaction_sample", "meter_sample"] as const;
const MONTHS_BEHIND = 1;
const MONTHS_AHEAD = 2;

/** First day of the month `offset` months from `date`, UTC, as `YYYY-MM-01`. */
export function monthStart(date: Date, offset: number): string {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1)).toISOString().slice(0, 10);
}

async function ensureMonth(client: Client, table: string, from: string, to: string): Promise<boolean> {
  const name = `${table}_${from.slice(0, 7).replace("-", "_")}`;
  const { rows } = await client.query("select to_regclass($1) is not null as found", [name]);
  if ((rows[0] as { found: boolean }).found) return false;
  // Attached only after the move: PostgreSQL refuses a partition whose rows still lie in the default one.
  // Writers wait meanwhile, so that none adds such a row; readers do not.
  await client.query(`lock table ${table} in share row exclusive mode`);
  await client.query(`create table ${name} (like ${table} including defaults)`);
  await client.query(
    `with moved as (delete from ${table}_default where at >= '${from}' and at < '${to}' returning *)
     insert into ${name} select * from moved`,
  );
  await client.query(
    `alter table ${table} attach partition ${name} for values from ('${from}') to ('${to}')`,
  );
  return true;
}

/** Makes what is missing for the months around `now`. @returns how many partitions were made. */
export async function ensurePartitions(pool: Pool, now: Date): Promise<number> {
  return inTransaction(pool, async (client) => {
    await client.query("set local timezone = 'UTC'");
    await client.query("select pg_advisory_xact_lock(hashtext('sg.partitions'))");
    let made = 0;
    for (const table of PARTITIONED) {
      for (let offset = -MONTHS_BEHIND; offset <= MONTHS_AHEAD; offset++) {
        const [from, to] = [monthStart(now, offset), monthStart(now, offset + 1)];
        if (await ensureMonth(client, table, from, to)) made += 1;
      }
    }
    return made;
  });
}
