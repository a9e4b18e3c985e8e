/**
 * Sums of what is booked, kept beside the entries: a balance is such a sum and the entries since. Derived;
 * the entries are the truth, and a missing or old sum only makes a balance dearer to read.
 */
import { inTransaction, type Pool } from "../db/pool.ts";
import { settle } from "../ledger.ts";

/** Entries since the last sum from which it is worth a new one. */
const WORTH = 200;

const SUM = `
  insert into ledger_balance as b (operator_id, account, currency, upto, amount_minor)
  select e.operator_id, e.account, e.currency, $2::timestamptz, sum(e.amount_minor)
  from ledger_entry e
  left join ledger_balance o on o.operator_id = e.operator_id and o.account = e.account
    and o.currency = e.currency
  where e.operator_id = $1 and e.booked_at < $2::timestamptz and e.booked_at >= coalesce(o.upto, '-infinity')
  group by e.operator_id, e.account, e.currency
  having count(*) >= $3
  on conflict (operator_id, account, currency) do update
    set amount_minor = b.amount_minor + excluded.amount_minor, upto = excluded.upto`;

/** @returns how many sums were renewed. */
export async function snapshotBalances(pool: Pool, operatorId: string, worth = 1): Promise<number> {
  return inTransaction(pool, async (client) => {
    // One at a time: two that add the same entries would count them twice.
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `moov.balances ${operatorId}`,
    ]);
    const upto = await settle(client, operatorId);
    return (await client.query(SUM, [operatorId, upto, worth])).rowCount ?? 0;
  });
}

/** Of every operator, where enough has been booked since. */
export async function refreshBalances(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ operator_id: string }>("select operator_id from operator order by 1");
  let renewed = 0;
  for (const row of rows) renewed += await snapshotBalances(pool, row.operator_id, WORTH);
  return renewed;
}
