/**
 * The ledger in PostgreSQL: books postings, tells balances. What a posting is: `core/ledger.ts`.
 *
 * Invariants: a reference is booked once, whoever comes with it and how often; a posting is booked whole, in
 * the caller's transaction, or not at all; nothing is ever changed (the database refuses it as well, and sums
 * every posting at commit). Booked under a shared lock, and booked_at is the time at which it was held:
 * `settle`, which takes the lock alone, knows that everything before it is visible.
 */
import { AppError } from "../shared/errors.ts";
import {
  faultOf,
  isPayer,
  parseAccount,
  reversal,
  type Account,
  type Entry,
  type Posting,
  type PostingKind,
} from "./core/ledger.ts";
import type { Queryable } from "./db/pool.ts";

/** `postingId` is null where there was nothing to book. */
export type Booked = { postingId: string | null; isNew: boolean };

const lockName = (operatorId: string) => `moov.ledger ${operatorId}`;

/** Accounts come into being with their first posting. */
const ACCOUNTS = `
  insert into ledger_account (operator_id, account, kind, subject)
  select $1, account, kind, subject from unnest($2::text[], $3::text[], $4::text[]) as a(account, kind, subject)
  on conflict do nothing`;

/** SQL: the time of the books, for an operator that is $1, held still by `openBooks`. */
export const BOOK_TIME =
  "greatest(clock_timestamp(), (select at from ledger_settled where operator_id = $1))";

const POSTING = `
  with posting as (
    insert into ledger_posting (operator_id, reference, kind, occurred_at, booked_at, cdr_id, payment_id, reverses,
      note, booked_by)
    values ($1, $2, $3, to_timestamp($4::float8 / 1000),
      ${BOOK_TIME}, $5, $6, $7, $8, $9)
    on conflict (operator_id, reference) do nothing
    returning operator_id, posting_id, booked_at
  )
  insert into ledger_entry (operator_id, posting_id, line, account, currency, amount_minor, booked_at)
  select p.operator_id, p.posting_id, e.ordinality, e.account, e.currency, e.amount, p.booked_at
  from posting p, unnest($10::text[], $11::text[], $12::bigint[]) with ordinality as e(account, currency, amount)
  returning posting_id`;

type PostingRow = {
  posting_id: string;
  kind: PostingKind;
  occurred_at: Date;
  cdr_id: string | null;
  payment_id: string | null;
  reverses: string | null;
  entries: Entry[];
};

const READ = `
  select p.posting_id, p.kind, p.occurred_at, p.cdr_id, p.payment_id, p.reverses,
    (select json_agg(json_build_object('account', e.account, 'currency', e.currency,
       'amountMinor', e.amount_minor) order by e.line)
     from ledger_entry e where e.operator_id = p.operator_id and e.posting_id = p.posting_id) as entries
  from ledger_posting p where p.operator_id = $1 and p.reference = $2`;

/**
 * Waits for everybody who is booking now. What was booked before the returned moment is visible from then on,
 * and nothing will ever be booked before it: a period that lies before it is complete.
 * @param client inside a transaction, which keeps others from booking until it ends: a short one.
 * @returns the moment, as PostgreSQL writes it.
 */
export async function settle(client: Queryable, operatorId: string): Promise<string> {
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [lockName(operatorId)]);
  const { rows } = await client.query<{ at: string }>(
    `insert into ledger_settled as s (operator_id, at) values ($1, clock_timestamp())
     on conflict (operator_id) do update set at = greatest(s.at, excluded.at)
     returning at::text`,
    [operatorId],
  );
  if (rows[0] === undefined) throw new AppError("DATABASE_SILENT", "PostgreSQL does not tell the time");
  return rows[0].at;
}

/**
 * From here to the end of the transaction no moment is settled: what it books is booked before or after one.
 */
export async function openBooks(client: Queryable, operatorId: string): Promise<void> {
  await client.query("select pg_advisory_xact_lock_shared(hashtextextended($1, 0))", [lockName(operatorId)]);
}

const sameEntries = (a: readonly Entry[], b: readonly Entry[]) => {
  const text = (entries: readonly Entry[]) =>
    entries.map((e) => `${e.currency} ${e.account} ${e.amountMinor}`).sort();
  return JSON.stringify(text(a)) === JSON.stringify(text(b));
};

/**
 * Books a posting, once per reference.
 * @param client inside a transaction.
 * @throws AppError LEDGER_POSTING_INVALID, LEDGER_REFERENCE_REUSED (booked before with other entries).
 */
export async function post(client: Queryable, operatorId: string, posting: Posting): Promise<Booked> {
  const fault = faultOf(posting);
  if (fault !== undefined) throw new AppError("LEDGER_POSTING_INVALID", `${posting.reference}: ${fault}`);
  if (posting.entries.length === 0) return { postingId: null, isNew: false };
  const names = posting.entries.map((entry) => entry.account).sort();
  const parsed = names.map(parseAccount);
  await client.query(ACCOUNTS, [
    operatorId,
    names,
    parsed.map((account) => account?.kind),
    parsed.map((account) => account?.subject),
  ]);
  await openBooks(client, operatorId);
  const { rows } = await client.query<{ posting_id: string }>(POSTING, [
    ...[operatorId, posting.reference, posting.kind, posting.occurredAt],
    ...[posting.cdrId ?? null, posting.paymentId ?? null, posting.reverses ?? null, posting.note ?? null],
    posting.bookedBy ?? null,
    posting.entries.map((entry) => entry.account),
    posting.entries.map((entry) => entry.currency),
    posting.entries.map((entry) => entry.amountMinor),
  ]);
  if (rows[0] !== undefined) return { postingId: rows[0].posting_id, isNew: true };
  const first = (await client.query<PostingRow>(READ, [operatorId, posting.reference])).rows[0];
  if (first === undefined)
    throw new AppError("LEDGER_POSTING_LOST", `${posting.reference} is booked, and cannot be read`);
  if (first.kind !== posting.kind || !sameEntries(first.entries, posting.entries)) {
    throw new AppError("LEDGER_REFERENCE_REUSED", `${posting.reference} is booked already, and differently`, {
      hint: "an event has one reference; another event, or a correction, has one of its own",
    });
  }
  return { postingId: first.posting_id, isNew: false };
}

/** A posting as it was booked. */
export async function readPosting(
  db: Queryable,
  operatorId: string,
  reference: string,
): Promise<Posting | undefined> {
  const row = (await db.query<PostingRow>(READ, [operatorId, reference])).rows[0];
  if (row === undefined) return undefined;
  return {
    reference,
    kind: row.kind,
    occurredAt: row.occurred_at.getTime(),
    entries: row.entries,
    ...(row.cdr_id === null ? {} : { cdrId: row.cdr_id }),
    ...(row.payment_id === null ? {} : { paymentId: row.payment_id }),
    ...(row.reverses === null ? {} : { reverses: row.reverses }),
  };
}

/** Takes back what was booked under a reference, once. @returns undefined where nothing was booked. */
export async function reverse(
  client: Queryable,
  operatorId: string,
  reference: string,
  event: { occurredAt: number; note?: string; bookedBy?: string },
): Promise<Booked | undefined> {
  const first = await readPosting(client, operatorId, reference);
  return first === undefined ? undefined : post(client, operatorId, reversal(first, event));
}

export type Balance = { account: Account; currency: string; amountMinor: number };

/** Sums of accounts as they stand, those that come to zero too; accounts without entries are left out. */
export async function balances(
  db: Queryable,
  operatorId: string,
  accounts: readonly Account[],
): Promise<Balance[]> {
  const { rows } = await db.query<Balance>(
    // Currency by currency, each one step in the index: what lies before a kept sum is not read again.
    `with recursive pair(account, currency) as (
       select a.account, (select min(e.currency) from ledger_entry e
         where e.operator_id = $1 and e.account = a.account)
       from unnest($2::text[]) a(account)
       union all
       select p.account, (select min(e.currency) from ledger_entry e
         where e.operator_id = $1 and e.account = p.account and e.currency > p.currency)
       from pair p where p.currency is not null
     )
     select p.account, p.currency, (b.amount_minor + coalesce(s.amount_minor, 0))::bigint as "amountMinor"
     from pair p
     cross join lateral (select coalesce(max(k.amount_minor), 0) as amount_minor,
         coalesce(max(k.upto), '-infinity') as upto
       from ledger_balance k where k.operator_id = $1 and k.account = p.account and k.currency = p.currency) b
     cross join lateral (select sum(e.amount_minor) as amount_minor from ledger_entry e where e.operator_id = $1
       and e.account = p.account and e.currency = p.currency and e.booked_at >= b.upto) s
     where p.currency is not null order by p.account, p.currency`,
    [operatorId, accounts],
  );
  return rows;
}

/** Above 0: it is owed to the operator. */
export async function balance(
  db: Queryable,
  operatorId: string,
  account: Account,
  currency: string,
): Promise<number> {
  const found = await balances(db, operatorId, [account]);
  return found.find((one) => one.currency === currency)?.amountMinor ?? 0;
}

/**
 * Who pays for a transaction, where its token does not say it: a guest's payment, a driver who paid in the
 * app. May be told before or after the end; a CDR that was made for somebody else is corrected.
 */
export async function setPayer(
  client: Queryable,
  payer: {
    operatorId: string;
    transactionId: string;
    account: Account;
    paymentId?: string;
    driverId?: string;
  },
): Promise<void> {
  if (!isPayer(payer.account)) throw new AppError("LEDGER_NO_PAYER", `"${payer.account}" can owe nothing`);
  await client.query(
    `insert into transaction_payer (transaction_id, operator_id, account, payment_id, driver_id)
     values ($1, $2, $3, $4, $5)
     on conflict (transaction_id) do update
       set account = excluded.account, payment_id = excluded.payment_id, driver_id = excluded.driver_id`,
    [payer.transactionId, payer.operatorId, payer.account, payer.paymentId ?? null, payer.driverId ?? null],
  );
}
