/**
 * Statements of the months that are over: for each driver, fleet and token whose account moved, or has a
 * balance.
 *
 * Level-triggered: each of the last months that is not marked as done is looked at, and gets the statements
 * it lacks. A month is over by the operator's own calendar. Each statement is a transaction of its own, so a
 * restart loses none and makes none twice.
 */
import type { Account } from "../core/ledger.ts";
import { inTransaction, type Pool } from "../db/pool.ts";
import { settle } from "../ledger.ts";
import { createStatement, type Period } from "../statements.ts";

const MONTHS_BACK = 6;

/** Months that are over, of operators that had books then, and are not done. */
const DUE = `
  select o.operator_id, m.from::text, m.to::text
  from operator o
  cross join lateral (
    select (d at time zone o.time_zone) as from, ((d + interval '1 month') at time zone o.time_zone) as to
    from generate_series(date_trunc('month', now() at time zone o.time_zone) - $1 * interval '1 month',
      date_trunc('month', now() at time zone o.time_zone) - interval '1 month', interval '1 month') d) m
  where exists (select from ledger_posting p where p.operator_id = o.operator_id and p.booked_at < m.to)
    and not exists (select from statement_month s where s.operator_id = o.operator_id and s.period_from = m.from
      and s.period_to = m.to)
  order by o.operator_id, m.from`;

const ACCOUNTS = `
  select a.account, e.currency
  from ledger_account a
  join ledger_entry e on e.operator_id = a.operator_id and e.account = a.account and e.booked_at < $3::timestamptz
  where a.operator_id = $1 and a.kind in ('driver', 'fleet', 'token')
    and not exists (select from statement s where s.operator_id = a.operator_id and s.account = a.account
      and s.currency = e.currency and s.period_from = $2::timestamptz and s.period_to = $3::timestamptz)
  group by a.account, e.currency
  having bool_or(e.booked_at >= $2::timestamptz) or sum(e.amount_minor) <> 0
  order by a.account, e.currency`;

/** @returns how many statements were made. */
export async function makeStatements(pool: Pool): Promise<number> {
  const { rows: months } = await pool.query<Period & { operator_id: string }>(DUE, [MONTHS_BACK]);
  let made = 0;
  for (const { operator_id: operatorId, from, to } of months) {
    await inTransaction(pool, (client) => settle(client, operatorId));
    const { rows } = await pool.query<{ account: Account; currency: string }>(ACCOUNTS, [
      operatorId,
      from,
      to,
    ]);
    for (const { account, currency } of rows) {
      const statement = { account, currency, period: { from, to }, createdBy: "month-end" };
      const { isNew } = await inTransaction(pool, (client) => createStatement(client, operatorId, statement));
      if (isNew) made++;
    }
    await pool.query(
      `insert into statement_month (operator_id, period_from, period_to) values ($1, $2, $3) on conflict do nothing`,
      [operatorId, from, to],
    );
  }
  return made;
}
