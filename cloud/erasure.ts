/**
 * A person goes (LGPD, Art. 18): at once from everything that is about it, then (`jobs/erasures.ts`) from
 * what only mentions it.
 *
 * Invariants: transactions, CDRs and postings stay with their amounts, under pseudonyms, and go on being owed
 * by the same driver's account; a token of somebody who is gone is refused at every site; nobody is erased
 * while they charge; what is done is done in one transaction, and asked for again changes nothing. What is open
 * between the operator and the person is told before (`openOf`): afterwards nobody can be asked.
 */
import { randomBytes } from "node:crypto";
import { wordsOf } from "./core/erasure.ts";
import type { Client } from "./db/pool.ts";
import { kindsThatName, type ExportKind } from "./exports/kinds.ts";
import { balances, type Balance } from "./ledger.ts";

export type Erased = { tokens: number; accountDeleted: boolean; exportsRemoved: number };

type Driver = {
  name: string | null;
  email: string | null;
  phone: string | null;
  tax_id: string | null;
  user_id: string | null;
};
type Token = { idToken: string; key: string; pseudonym: string; groupId: string | null };
type Work = { client: Client; operatorId: string; driverId: string };

const newPseudonym = () => `erased-${randomBytes(12).toString("hex")}`;

/** Ids of transactions of the driver, or of its tokens, that run. */
export async function runningOf(client: Client, operatorId: string, driverId: string): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select transaction_id as id from transaction t where operator_id = $1 and running and (driver_id = $2
       or token_key in (select token_key from id_token where operator_id = $1 and driver_id = $2)) limit 10`,
    [operatorId, driverId],
  );
  return rows.map(({ id }) => id);
}

/** What is owed or paid in advance on accounts of the person's own, and how many transactions have no bill yet. */
export async function openOf(
  client: Client,
  operatorId: string,
  driverId: string,
): Promise<{ balances: Balance[]; unbilled: number }> {
  const { rows } = await client.query<{ account: Balance["account"] }>(
    `select 'token:' || token_key as account from id_token where operator_id = $1 and driver_id = $2`,
    [operatorId, driverId],
  );
  const accounts = [`driver:${driverId}` as const, ...rows.map(({ account }) => account)];
  const { rows: waiting } = await client.query<{ count: number }>(
    `select count(*)::int as count from transaction t join transaction_billing b using (transaction_id)
     where t.operator_id = $1 and t.driver_id = $2 and b.status in ('pending', 'held')`,
    [operatorId, driverId],
  );
  const all = await balances(client, operatorId, accounts);
  return { balances: all.filter((one) => one.amountMinor !== 0), unbilled: waiting[0]?.count ?? 0 };
}

/**
 * Files that may hold the person are fetched by nobody any more, and removed by the job; one that is being made
 * begins anew. @returns how many.
 */
export async function forgetExports(
  client: Client,
  operatorId: string,
  ...ways: NonNullable<ExportKind["names"]>[]
): Promise<number> {
  const { rowCount } = await client.query(
    `update export set status = case status when 'running' then 'waiting' else status end,
       expires_at = case status when 'running' then expires_at else now() end
     where operator_id = $1 and kind = any ($2) and status in ('running', 'done')
       and (expires_at is null or expires_at > now())`,
    [operatorId, kindsThatName(...ways)],
  );
  return rowCount ?? 0;
}

/** What is over and has no bill yet is owed by whom it would have been, had the token stayed. */
const PAYERS = `
  insert into transaction_payer (transaction_id, operator_id, account, driver_id)
  select t.transaction_id, t.operator_id,
    case when k.group_id is null then 'driver:' || $2 else 'fleet:' || k.group_id end, $2
  from transaction t
  left join id_token k on k.operator_id = t.operator_id and k.token_key = t.token_key and k.driver_id = $2::uuid
  where t.operator_id = $1 and (t.driver_id = $2::uuid or (t.driver_id is null and k.driver_id is not null))
    and not exists (select from cdr c where c.transaction_id = t.transaction_id)
  on conflict do nothing`;

const REFUSED = `
  insert into erased_token (site_id, hash, operator_id, driver_id, pseudonym, group_id)
  select s.site_id, moov_token_hash(s.policy_salt, r.key), $1, $2, r.pseudonym, r."groupId"
  from site s, json_to_recordset($3::json) as r(key text, pseudonym text, "groupId" text) where s.operator_id = $1
  on conflict (site_id, hash) do update
    set driver_id = excluded.driver_id, pseudonym = excluded.pseudonym, group_id = excluded.group_id`;

/** Tables whose rows are of a token, with a column that names it. */
const NAMED = ["cdr", "transaction", "reservation", "guest_session"] as const;

async function renameTokens({ client, operatorId, driverId }: Work, tokens: readonly Token[]): Promise<void> {
  const json = JSON.stringify(tokens);
  for (const table of NAMED)
    await client.query(
      `update ${table} x set id_token = r.pseudonym
       from json_to_recordset($2::json) as r(key text, pseudonym text)
       where x.operator_id = $1 and lower(x.id_token) = r.key`,
      [operatorId, json],
    );
  // With tokens that are somebody else's by now.
  const once = newPseudonym();
  for (const table of ["cdr", "transaction"])
    await client.query(
      `update ${table} set id_token = $3 where operator_id = $1 and driver_id::text = $2
         and id_token not like 'erased-%'`,
      [operatorId, driverId, once],
    );
  await client.query(
    `update station_local_list l set entries = l.entries - (
       select coalesce(array_agg(k), '{}') from jsonb_object_keys(l.entries) k where lower(k) = any($2))
     where l.operator_id = $1 and jsonb_typeof(l.entries) = 'object'`,
    [operatorId, tokens.map(({ key }) => key)],
  );
  await client.query(
    `update audit a set subject = r.pseudonym from json_to_recordset($2::json) as r(key text, pseudonym text)
     where a.operator_id = $1 and a.action like 'idToken.%' and lower(a.subject) = r.key`,
    [operatorId, json],
  );
}

/** What was charged before the token had a driver is in an account named by the token. */
async function renameAccount({ client, operatorId }: Work, { key, pseudonym }: Token): Promise<void> {
  const [from, to] = [`token:${key}`, `token:${pseudonym}`];
  const known = await client.query(
    `insert into ledger_account (operator_id, account, kind, subject, opened_at)
     select operator_id, $3, kind, $4, opened_at from ledger_account where operator_id = $1 and account = $2`,
    [operatorId, from, to, pseudonym],
  );
  for (const [table, column] of [
    // Money that comes in for it holds its payment's row while it is booked: what is booked is seen after that.
    ["payment", "account"],
    ...[
      ["ledger_entry", "account"],
      ["ledger_balance", "account"],
      ["statement", "account"],
    ],
    ...[
      ["transaction_payer", "account"],
      ["cdr", "payer"],
    ],
  ])
    await client.query(`update ${table} set ${column} = $3 where operator_id = $1 and ${column} = $2`, [
      ...[operatorId, from, to],
    ]);
  await client.query(
    `update cdr set basis = replace(basis, $2, $3)
     where operator_id = $1 and payer = $4 and position($2 in basis) > 0`,
    [operatorId, JSON.stringify(from), JSON.stringify(to), to],
  );
  if (known.rowCount === 0) return;
  await client.query("select set_config('moov.account_gone', $1, true)", [from]);
  await client.query("delete from ledger_account where operator_id = $1 and account = $2", [
    operatorId,
    from,
  ]);
}

/** Who the receipts were made out to, and what was mailed. */
async function forgetPapers(work: Work, driver: Driver): Promise<void> {
  const { client, operatorId, driverId } = work;
  await client.query(
    `update receipt_customer p set name = null, tax_id = null from receipt r
     where p.operator_id = $1 and r.receipt_id = p.receipt_id and (p.tax_id = $3
       or exists (select from cdr c where c.cdr_id = r.cdr_id and c.driver_id = $2)
       or exists (select from ledger_entry e where e.operator_id = r.operator_id and e.posting_id = r.posting_id
                  and e.account = 'driver:' || $2)
       or exists (select from ledger_posting b where b.operator_id = r.operator_id and b.posting_id = r.posting_id
                  and b.payment_id in (select y.payment_id::text from payment y
                    where y.operator_id = $1 and y.driver_id = $2::uuid)))`,
    [operatorId, driverId, driver.tax_id],
  );
  await client.query(
    `update guest_session set email = null, tax_id = null
     where operator_id = $1 and (lower(email) = $2 or tax_id = $3)`,
    [operatorId, driver.email?.toLowerCase() ?? null, driver.tax_id],
  );
  await client.query(
    "delete from idempotency where operator_id = $1 and position($2 in response::text) > 0",
    [...[operatorId, driverId]],
  );
}

type Account = { deleted: boolean; isStaff: boolean };

/** The account for signing in goes, unless it is good for something else. */
async function forgetAccount({ client, operatorId }: Work, driver: Driver): Promise<Account> {
  const email = driver.email?.toLowerCase() ?? null;
  const { rows } = await client.query<{ id: string; role: string; others: number }>(
    `select u.id, m.role,
       (select count(*)::int from member o where o.user_id = u.id and o.operator_id <> $1) as others
     from auth_user u join member m on m.user_id = u.id and m.operator_id = $1
     where u.id = $2 or ($2::text is null and u.email = $3)`,
    [operatorId, driver.user_id, email],
  );
  const [user] = rows;
  const isStaff = user !== undefined && user.role !== "driver";
  const deleted = user !== undefined && !isStaff && user.others === 0;
  if (isStaff) return { deleted: false, isStaff };
  await client.query("delete from invitation where operator_id = $1 and email = $2 and role = 'driver'", [
    ...[operatorId, email],
  ]);
  if (user !== undefined)
    await client.query("delete from member where operator_id = $1 and user_id = $2", [operatorId, user.id]);
  if (deleted) {
    // What the person did before belonging to any operator is in nobody's audit.
    await client.query(
      "update audit set actor = 'erased', detail = null where operator_id is null and subject = $1",
      [user.id],
    );
    await client.query("delete from auth_user where id = $1", [user.id]);
  }
  await client.query(
    `delete from mail where lower(recipient) = $2 and (operator_id = $1 or (operator_id is null and $3))`,
    [operatorId, email, deleted],
  );
  return { deleted, isStaff };
}

/**
 * Everything that can be done at once. The caller has seen that nothing runs, and makes the sites hear of it.
 * @param client of the tables' owner: accounts for signing in are out of reach of anybody else.
 */
export async function eraseDriver(
  client: Client,
  operatorId: string,
  driverId: string,
  by: string,
): Promise<Erased> {
  const work: Work = { client, operatorId, driverId };
  const found = await client.query<Driver>(
    "select name, email, phone, tax_id, user_id from driver where operator_id = $1 and driver_id = $2",
    [operatorId, driverId],
  );
  const [driver] = found.rows;
  if (driver === undefined) return { tokens: 0, accountDeleted: false, exportsRemoved: 0 };
  const { rows } = await client.query<{ id_token: string; token_key: string; group_id: string | null }>(
    "select id_token, token_key, group_id from id_token where operator_id = $1 and driver_id = $2",
    [operatorId, driverId],
  );
  const tokens = rows.map((row) => ({
    idToken: row.id_token,
    key: row.token_key,
    pseudonym: newPseudonym(),
    groupId: row.group_id,
  }));
  await client.query(PAYERS, [operatorId, driverId]);
  await client.query(REFUSED, [operatorId, driverId, JSON.stringify(tokens)]);
  await renameTokens(work, tokens);
  for (const token of tokens) await renameAccount(work, token);
  await client.query("delete from id_token where operator_id = $1 and driver_id = $2", [
    operatorId,
    driverId,
  ]);
  await forgetPapers(work, driver);
  const account = await forgetAccount(work, driver);
  // Whoever works here keeps standing in the audit as who they are.
  const of = { ...driver, taxId: driver.tax_id, ...(account.isStaff ? { name: null, email: null } : {}) };
  const words = wordsOf({ ...of, tokens, pseudonym: newPseudonym() });
  await client.query(
    `update driver set status = 'erased', name = null, email = null, phone = null, tax_id = null,
       group_id = null, user_id = null, notes = null, language = default, version = version + 1, updated_at = now(),
       erased_at = now()
     where operator_id = $1 and driver_id = $2`,
    [operatorId, driverId],
  );
  const exportsRemoved = await forgetExports(client, operatorId, "columns", "texts");
  await client.query(
    `insert into driver_erasure (driver_id, operator_id, words, requested_by, exports_removed)
     values ($1, $2, $3, $4, $5)`,
    [driverId, operatorId, JSON.stringify(words), by, exportsRemoved],
  );
  return { tokens: tokens.length, accountDeleted: account.deleted, exportsRemoved };
}
