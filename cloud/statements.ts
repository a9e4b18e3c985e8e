/**
 * Statements: what an account's books say of a period, from what it began with to what it ended with.
 *
 * Invariants: the closing balance is the ledger's at the end of the period, the opening one that at its
 * beginning; the period is over and settled (`ledger.ts`), so nothing is ever booked into it again and the
 * statement stays true. Energy and sessions are of the CDRs that came less those that were taken back, so that
 * statements one after the other add up to what stands. One per account, currency and period, numbered per
 * operator without gaps.
 */
import { AppError } from "../shared/errors.ts";
import { nextNumber } from "./cdr-store.ts";
import type { Account, PostingKind } from "./core/ledger.ts";
import type { Queryable } from "./db/pool.ts";
import { settle } from "./ledger.ts";
import { emit } from "./webhooks.ts";

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

/**
 * $1 operator, $2 account, $3 currency, $4 and $5 the period: everything that moved the account, what was charged at
 * nothing included. `takes`: 1 where a CDR comes to the account with its energy, -1 where it goes from it again.
 */
const MOVES = `
  select e.booked_at, p.kind, p.reference, e.amount_minor, p.note, p.cdr_id,
    case when p.reference = 'cdr:' || p.cdr_id then 1 when p.reverses = 'cdr:' || p.cdr_id then -1 else 0 end as takes
  from ledger_entry e join ledger_posting p on p.operator_id = e.operator_id and p.posting_id = e.posting_id
  where e.operator_id = $1 and e.account = $2 and e.currency = $3 and e.booked_at >= $4::timestamptz
    and e.booked_at < $5::timestamptz
  union all
  select c.created_at, 'free', 'cdr:' || c.cdr_id, 0, null, c.cdr_id, 1
  from cdr c
  where c.operator_id = $1 and c.payer = $2 and c.currency = $3 and c.total_minor = 0
    and c.created_at >= $4::timestamptz and c.created_at < $5::timestamptz
  union all
  select n.created_at, 'reversal', 'reversal:cdr:' || c.cdr_id, 0, 'corrected by ' || n.cdr_id, c.cdr_id, -1
  from cdr c join cdr n on n.corrects = c.cdr_id
  where c.operator_id = $1 and c.payer = $2 and c.currency = $3 and c.total_minor = 0
    and n.created_at >= $4::timestamptz and n.created_at < $5::timestamptz`;

/** Charges and what takes them back; money that came and went; the rest. What was merged away was no session. */
const SUMS = `
  select
    coalesce((select sum(amount_minor) from ledger_entry where operator_id = $1 and account = $2 and currency = $3
      and booked_at < $4::timestamptz), 0)::bigint as opening,
    coalesce(sum(m.amount_minor) filter (where m.cdr_id is not null and m.kind in ('charge', 'reversal')),
      0)::bigint as charges,
    coalesce(sum(m.amount_minor) filter (where m.kind in ('payment', 'refund', 'overpayment-refund', 'chargeback',
      'transfer')), 0)::bigint as payments,
    coalesce(sum(m.amount_minor), 0)::bigint as moved,
    coalesce(sum(m.takes * c.energy_wh), 0)::bigint as energy,
    coalesce(sum(m.takes) filter (where not c.flags && '{merged,refused}'), 0)::integer as cdrs
  from (${MOVES}) m left join cdr c on c.cdr_id = m.cdr_id`;

const CDRS = `
  insert into statement_cdr (statement_id, cdr_id, operator_id)
  select $6, m.cdr_id, $1 from (${MOVES}) m where m.takes > 0`;

const INSERT = `
  insert into statement (operator_id, account, currency, period_from, period_to, number, time_zone, opening_minor,
    charges_minor, payments_minor, other_minor, closing_minor, cdr_count, energy_wh, created_by)
  select $1, $2, $3, $4, $5, $6, o.time_zone, $7, $8, $9, $10, $11, $12, $13, $14
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
  type Sums = {
    opening: number;
    charges: number;
    payments: number;
    moved: number;
    energy: number;
    cdrs: number;
  };
  const sums = (await client.query<Sums>(SUMS, key)).rows[0];
  if (sums === undefined) throw new AppError("DATABASE_SILENT", "no sums came back");
  const { opening, charges, payments, moved, energy, cdrs } = sums;
  const number = await nextNumber(client, operatorId, "statement");
  const { rows } = await client.query<StatementRow>(INSERT, [
    ...[...key, number, opening, charges, payments, moved - charges - payments, opening + moved],
    ...[cdrs, energy, createdBy],
  ]);
  const [row] = rows;
  if (row === undefined) throw new AppError("STATEMENT_NOT_WRITTEN", `no statement for ${account}`);
  await client.query(CDRS, [...key, row.statement_id]);
  // The account may be named by a card: it is not told.
  const data = {
    ...{ statementId: row.statement_id, number: row.number, currency, closingMinor: row.closing_minor },
    ...{ from: row.period_from, to: row.period_to },
  };
  await emit(client, operatorId, "statement.created", data, { key: `statement.created:${row.statement_id}` });
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
  transaction_id: string | null;
  station_id: string | null;
  site_name: string | null;
  id_token: string | null;
  started_at: Date | null;
  ended_at: Date | null;
  /** Below 0 where it is taken back. The lines add up to the statement's, as their amounts do. */
  energy_wh: number | null;
};

export const STATEMENT_LINES_MAX = 10_000;

const LINES = `
  select l.booked_at, l.kind, l.reference, l.amount_minor, l.note, l.cdr_id, c.number as cdr_number, c.transaction_id,
    c.station_id, s.name as site_name, c.id_token, c.started_at, c.ended_at, l.takes * c.energy_wh as energy_wh
  from (${MOVES}) l
  left join cdr c on c.cdr_id = l.cdr_id
  left join site s on s.site_id = c.site_id
  order by l.booked_at, l.takes, l.reference limit ${STATEMENT_LINES_MAX + 1}`;

/** The period is the one that is stored: a `Date` of it would have lost its microseconds, and lines with them. */
export async function readLines(db: Queryable, row: StatementRow): Promise<StatementLine[]> {
  const { rows: periods } = await db.query<Period>(
    `select period_from::text as from, period_to::text as to from statement where statement_id = $1`,
    [row.statement_id],
  );
  const [period] = periods;
  if (period === undefined)
    throw new AppError("STATEMENT_UNKNOWN", `there is no statement "${row.statement_id}"`);
  const { rows } = await db.query<StatementLine>(LINES, [
    ...[row.operator_id, row.account, row.currency, period.from, period.to],
  ]);
  return rows;
}
