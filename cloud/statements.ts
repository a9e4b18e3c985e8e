/**
 * Statements: what an account's books say of a period, from what it began with to what it ended with.
 *
 * Invariants: the closing balance is the ledger's at the end of the period, the opening one that at its
 * beginning; the period is over and settled (`ledger.ts`), so nothing is ever booked into it again and the
 * statement stays true. One per account, currency and period, numbered per operator without gaps.
 */
import { AppError } from "../shared/errors.ts";
import { nextNumber } from "./cdr-store.ts";
import type { Account, PostingKind } from "./core/ledger.ts";
import type { Queryable } from "./db/pool.ts";
import { settle } from "./ledger.ts";

/** Times as PostgreSQL writes them: in full precision. */
export type Period = { from: string; to: string };

export type StatementRow = {
  statement_id: string;
  operator_id: string;
  number: number;
  account: Account;
  currency: string;
  period_from: Date;
  period_to: Date;
  time_zone: string;
  opening_minor: number;
  charges_minor: number;
  payments_minor: number;
  other_minor: number;
  closing_minor: number;
  cdr_count: number;
  energy_wh: number;
  created_by: string;
  created_at: Date;
};

/** A month of an operator's calendar: `2026-05`. @throws AppError UNKNOWN_TIME_ZONE. */
export async function monthOf(db: Queryable, operatorId: string, month: string): Promise<Period> {
  const { rows } = await db.query<Period>(
    `select (d at time zone o.time_zone)::text as from, ((d + interval '1 month') at time zone o.time_zone)::text as to
     from operator o, (select ($2 || '-01')::timestamp as d) m where o.operator_id = $1`,
    [operatorId, month],
  );
  if (rows[0] === undefined) throw new AppError("OPERATOR_UNKNOWN", `there is no operator "${operatorId}"`);
  return rows[0];
}

/** Charges and what takes them back; money that came and went; the rest. */
const SUMS = `
  select
    coalesce((select sum(amount_minor) from ledger_entry where operator_id = $1 and account = $2 and currency = $3
      and booked_at < $4::timestamptz), 0)::bigint as opening,
    coalesce(sum(e.amount_minor) filter (where p.cdr_id is not null and p.kind in ('charge', 'reversal')),
      0)::bigint as charges,
    coalesce(sum(e.amount_minor) filter (where p.kind in ('payment', 'refund', 'overpayment-refund', 'chargeback',
      'transfer')), 0)::bigint as payments,
    coalesce(sum(e.amount_minor), 0)::bigint as moved,
    (coalesce(sum(c.energy_wh) filter (where p.kind = 'charge'), 0)
      - coalesce(sum(c.energy_wh) filter (where p.kind = 'reversal'), 0))::bigint as energy
  from ledger_entry e
  join ledger_posting p on p.operator_id = e.operator_id and p.posting_id = e.posting_id
  left join cdr c on c.cdr_id = p.cdr_id
  where e.operator_id = $1 and e.account = $2 and e.currency = $3 and e.booked_at >= $4::timestamptz
    and e.booked_at < $5::timestamptz`;

const FREE_ENERGY = `
  select coalesce(sum(energy_wh), 0)::bigint as energy from cdr
  where operator_id = $1 and payer = $2 and currency = $3 and created_at >= $4::timestamptz
    and created_at < $5::timestamptz and total_minor = 0`;

const CDRS = `
  insert into statement_cdr (statement_id, cdr_id, operator_id)
  select $6, cdr_id, operator_id from cdr
  where operator_id = $1 and payer = $2 and currency = $3 and created_at >= $4::timestamptz
    and created_at < $5::timestamptz`;

const INSERT = `
  insert into statement (operator_id, account, currency, period_from, period_to, number, time_zone, opening_minor,
    charges_minor, payments_minor, other_minor, closing_minor, cdr_count, energy_wh, created_by)
  select $1, $2, $3, $4, $5, $6, o.time_zone, $7, $8, $9, $10, $11,
    (select count(*) from cdr where operator_id = $1 and payer = $2 and currency = $3 and created_at >= $4
       and created_at < $5),
    $12, $13
  from operator o where o.operator_id = $1 returning *`;

export type NewStatement = { account: Account; currency: string; period: Period; createdBy: string };

const FIND = `
  select * from statement where operator_id = $1 and account = $2 and currency = $3 and period_from = $4::timestamptz
    and period_to = $5::timestamptz`;

/**
 * Makes a statement, or finds the one that was made.
 * @param client inside a transaction that has booked nothing.
 * @throws AppError PERIOD_NOT_OVER, ACCOUNT_UNKNOWN.
 */
export async function createStatement(
  client: Queryable,
  operatorId: string,
  statement: NewStatement,
): Promise<{ row: StatementRow; isNew: boolean }> {
  const { account, currency, period, createdBy } = statement;
  const key = [operatorId, account, currency, period.from, period.to];
  const settled = await settle(client, operatorId);
  const { rows: checks } = await client.query<{ over: boolean; known: boolean }>(
    `select $3::timestamptz <= $4::timestamptz as over,
       exists (select from ledger_account where operator_id = $1 and account = $2) as known`,
    [operatorId, account, period.to, settled],
  );
  if (checks[0]?.known !== true)
    throw new AppError("ACCOUNT_UNKNOWN", `nothing was ever booked on an account "${account}"`);
  if (!checks[0].over)
    throw new AppError("PERIOD_NOT_OVER", "a statement is of a period that is over: choose an earlier end");
  // Nobody makes another one at this moment: `settle` holds the books.
  const found = (await client.query<StatementRow>(FIND, key)).rows[0];
  if (found !== undefined) return { row: found, isNew: false };
  type Sums = { opening: number; charges: number; payments: number; moved: number; energy: number };
  const sums = (await client.query<Sums>(SUMS, key)).rows[0];
  const free = (await client.query<{ energy: number }>(FREE_ENERGY, key)).rows[0];
  if (sums === undefined || free === undefined) throw new AppError("DATABASE_SILENT", "no sums came back");
  const { opening, charges, payments, moved, energy } = sums;
  const number = await nextNumber(client, operatorId, "statement");
  const { rows } = await client.query<StatementRow>(INSERT, [
    ...[...key, number, opening, charges, payments, moved - charges - payments, opening + moved],
    ...[energy + free.energy, createdBy],
  ]);
  const [row] = rows;
  if (row === undefined) throw new AppError("STATEMENT_NOT_WRITTEN", `no statement for ${account}`);
  await client.query(CDRS, [...key, row.statement_id]);
  return { row, isNew: true };
}

/** What moved the account, or was charged at nothing, in the order of the books. */
export type StatementLine = {
  booked_at: Date;
  kind: PostingKind | "free";
  reference: string;
  amount_minor: number;
  note: string | null;
  cdr_id: string | null;
  cdr_number: number | null;
  station_id: string | null;
  site_name: string | null;
  id_token: string | null;
  started_at: Date | null;
  ended_at: Date | null;
  energy_wh: number | null;
};

export const STATEMENT_LINES_MAX = 10_000;

const LINES = `
  select l.*, c.number as cdr_number, c.station_id, s.name as site_name, c.id_token, c.started_at, c.ended_at,
    c.energy_wh
  from (
    select e.booked_at, p.kind, p.reference, e.amount_minor, p.note, p.cdr_id
    from ledger_entry e join ledger_posting p on p.operator_id = e.operator_id and p.posting_id = e.posting_id
    where e.operator_id = $1 and e.account = $2 and e.currency = $3 and e.booked_at >= $4 and e.booked_at < $5
    union all
    select c.created_at, 'free', 'cdr:' || c.cdr_id, 0, null, c.cdr_id from cdr c
    where c.operator_id = $1 and c.payer = $2 and c.currency = $3 and c.total_minor = 0
      and c.created_at >= $4 and c.created_at < $5
  ) l
  left join cdr c on c.cdr_id = l.cdr_id
  left join site s on s.site_id = c.site_id
  order by l.booked_at, l.reference limit ${STATEMENT_LINES_MAX + 1}`;

export async function readLines(db: Queryable, row: StatementRow): Promise<StatementLine[]> {
  const { rows } = await db.query<StatementLine>(LINES, [
    ...[row.operator_id, row.account, row.currency, row.period_from, row.period_to],
  ]);
  return rows;
}
