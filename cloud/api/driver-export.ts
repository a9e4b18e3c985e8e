/**
 * Everything that is kept about a driver as one JSON document (LGPD, Art. 18), written piece by piece:
 * however much it is, little of it is in memory.
 *
 * Pages of each kind, by a key that does not move. What cannot be told apart from other people's things (raw
 * messages of a station) is not in it: what they say of the driver is in its transactions. Of the accounts of its
 * cards there is what is the driver's, and nothing of whoever had a card before or after.
 */
import type { Queryable } from "../db/pool.ts";
import { toDriver, type DriverRow } from "./driver-store.ts";
import { toToken, type TokenRow } from "./routes/id-tokens.ts";
import { TRANSACTION_COLUMNS, toTransaction, type TransactionRow } from "./transaction-view.ts";

const PORTION = 500;

/** A query of rows with the text `key`, by which they are sorted: $1 operator, $2 driver, $3 the key before. */
type Section = { name: string; sql: string; toItem: (row: Record<string, unknown>) => unknown };

const withoutKey = ({ key: _key, ...row }: Record<string, unknown>): unknown => row;

const PAYMENTS = `
  select payment_id from cdr where operator_id = $1 and driver_id = $2 and payment_id is not null
  union select payment_id from transaction_payer where operator_id = $1 and driver_id = $2
  union select payment_id::text from payment where operator_id = $1 and driver_id = $2::uuid`;

/**
 * `own`: entries of cards' accounts that are the driver's, by its CDR or payment; what is of neither (booked by hand)
 * is whose `card` it was when it was booked, and what takes that back with it. Since when a card is somebody's is
 * known of now alone.
 */
const CARDS = `
  with card as materialized (
    select 'token:' || k.token_key as account, k.driver_since as since from id_token k
    where k.operator_id = $1 and k.driver_id = $2::text::uuid
  ), own as materialized (
    select e.posting_id, e.line, e.account from cdr c
    join ledger_posting p on p.operator_id = $1 and p.cdr_id = c.cdr_id
    join ledger_entry e on e.operator_id = $1 and e.posting_id = p.posting_id and e.account = c.payer
    where c.operator_id = $1 and c.driver_id = $2 and c.payer like 'token:%'
    union
    select e.posting_id, e.line, e.account from ledger_posting p
    join ledger_entry e on e.operator_id = $1 and e.posting_id = p.posting_id and e.account like 'token:%'
    where p.operator_id = $1 and p.payment_id in (${PAYMENTS})
    union
    select e.posting_id, e.line, e.account from card k
    join ledger_entry e on e.operator_id = $1 and e.account = k.account and e.booked_at >= k.since
    join ledger_posting p on p.operator_id = $1 and p.posting_id = e.posting_id
    left join ledger_posting r on r.operator_id = $1 and r.reference = p.reverses
    where p.cdr_id is null and p.payment_id is null and (r.booked_at is null or r.booked_at >= k.since)
  )`;

/** Of a card's account: all that was booked in its time is the driver's, or nothing was while it was its card. */
const OWN_STATEMENT = `
  s.account in (select account from own union select account from card)
  and (select coalesce(bool_and((e.posting_id, e.line) in (select posting_id, line from own)),
      (select k.since <= s.period_from from card k where k.account = s.account))
    from ledger_entry e where e.operator_id = $1 and e.account = s.account and e.currency = s.currency
      and e.booked_at >= s.period_from and e.booked_at < s.period_to)`;

/** Of the audit what was done, and not by whom: those are other people. */
const SECTIONS: readonly Section[] = [
  {
    name: "idTokens",
    sql: `select t.*, t.id_token as key from id_token t
      where t.operator_id = $1 and t.driver_id = $2::uuid and t.id_token > $3 collate "C"`,
    toItem: (row) => toToken(row as TokenRow),
  },
  {
    name: "transactions",
    sql: `select ${TRANSACTION_COLUMNS}, t.transaction_id::text as key from transaction t
      where t.operator_id = $1 and t.driver_id = $2::uuid and t.transaction_id::text > $3 collate "C"`,
    toItem: (row) => toTransaction(row as TransactionRow),
  },
  {
    name: "cdrs",
    sql: `select c.cdr_id::text as key, c.cdr_id as "cdrId", c.number, c.transaction_id as "transactionId",
        c.corrects, c.started_at as "startedAt", c.ended_at as "endedAt", c.id_token as "idToken", c.payer,
        c.energy_wh as "energyWh", c.currency, c.net_minor as "netMinor", c.tax_minor as "taxMinor",
        c.total_minor as "totalMinor", c.price
      from cdr c where c.operator_id = $1 and c.driver_id = $2 and c.cdr_id::text > $3 collate "C"`,
    toItem: withoutKey,
  },
  {
    name: "ledger",
    sql: `${CARDS}
      select l.key, p.reference, p.kind, p.occurred_at as "occurredAt", l.account, l.currency,
        l.amount_minor as "amountMinor"
      from (
        select e.posting_id::text || ':' || e.line as key, e.* from ledger_entry e
        where e.operator_id = $1 and e.account = 'driver:' || $2
        union all
        select e.posting_id::text || ':' || e.line, e.* from own o
        join ledger_entry e on e.operator_id = $1 and e.posting_id = o.posting_id and e.line = o.line
      ) l join ledger_posting p using (operator_id, posting_id)
      where l.key > $3 collate "C"`,
    toItem: withoutKey,
  },
  {
    name: "payments",
    sql: `select p.payment_id::text as key, p.payment_id as "paymentId", p.amount_minor as "amountMinor",
        p.currency, p.description, p.status, p.captured_minor as "capturedMinor", p.refunded_minor as "refundedMinor",
        p.created_at as "createdAt"
      from payment p where p.operator_id = $1 and p.payment_id::text in (${PAYMENTS})
        and p.payment_id::text > $3 collate "C"`,
    toItem: withoutKey,
  },
  {
    name: "statements",
    sql: `${CARDS}
      select s.statement_id::text as key, s.number, s.account, s.currency, s.period_from as "periodFrom",
        s.period_to as "periodTo", s.opening_minor as "openingMinor", s.closing_minor as "closingMinor"
      from statement s where s.operator_id = $1 and (s.account = 'driver:' || $2 or (${OWN_STATEMENT}))
        and s.statement_id::text > $3 collate "C"`,
    toItem: withoutKey,
  },
  {
    name: "audit",
    sql: `select lpad(a.audit_id::text, 20, '0') as key, a.at, a.action, a.subject, a.detail
      from audit a where a.operator_id = $1 and lpad(a.audit_id::text, 20, '0') > $3 collate "C"
        and (a.subject = $2
        or a.actor = (select d.email from driver d where d.driver_id = $2::uuid)
        or (a.action like 'idToken.%' and exists (
              select from id_token k where k.operator_id = $1 and k.driver_id = $2::uuid
                and k.token_key = lower(a.subject) and k.driver_since <= a.at)))`,
    toItem: withoutKey,
  },
];

async function* itemsOf(db: Queryable, driver: DriverRow, section: Section): AsyncGenerator<string> {
  let after = "";
  for (let first = true; ; first = false) {
    const { rows } = await db.query<Record<string, unknown> & { key: string }>(
      `select * from (${section.sql}) s order by key collate "C" limit ${PORTION}`,
      [driver.operator_id, driver.driver_id, after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    const text = rows.map((row) => JSON.stringify(section.toItem(row))).join(",");
    yield first ? text : `,${text}`;
    after = last.key;
  }
}

/** The document, in pieces. */
export async function* exportDriver(db: Queryable, driver: DriverRow): AsyncGenerator<string> {
  yield `{"exportedAt":${JSON.stringify(new Date())},"driver":${JSON.stringify(toDriver(driver))}`;
  for (const section of SECTIONS) {
    yield `,${JSON.stringify(section.name)}:[`;
    yield* itemsOf(db, driver, section);
    yield "]";
  }
  yield "}";
}
