/** For tests of money: tariffs in the tables, transactions that happen, and the books against the CDRs. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { TariffTerms } from "../shared/tariff.ts";
import { introduce, Journal, type TestDb } from "./harness.ts";
import { ensureOperator } from "./sg.ts";

/** R$ 2.00 per kWh with 10 % tax in it. */
export const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [{ perKwhMicro: 2_000_000 }],
  tax: { name: "ISS", rateBp: 1_000, included: true },
};

/** A tariff that holds for all of an operator's sites. */
export async function giveTariff(
  db: TestDb,
  operatorId: string,
  terms: TariffTerms = TERMS,
): Promise<string> {
  const tariffId = randomUUID();
  const long = "2020-01-01T00:00:00Z";
  await db.pool.query("insert into tariff (tariff_id, operator_id, name) values ($1, $2, 'Standard')", [
    tariffId,
    operatorId,
  ]);
  await db.pool.query(
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
     values ($1, 1, $2, $3, $4, 'test')`,
    [tariffId, operatorId, long, JSON.stringify(terms)],
  );
  await db.pool.query(
    `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, assigned_from, assigned_by)
     values ($1, $2, $3, 'operator', $4, 'test')`,
    [randomUUID(), operatorId, tariffId, long],
  );
  return tariffId;
}

export type MoneySite = { operatorId: string; journal: Journal; cp: string };

/** An operator of its own with a site; its ER has introduced itself. */
export async function openSite(db: TestDb): Promise<MoneySite> {
  const name = randomUUID().slice(0, 8);
  const operatorId = `op-${name}`;
  await ensureOperator(db.pool, operatorId);
  const journal = new Journal(`er-${name}`, `site-${name}`);
  await introduce(db.pool, journal, operatorId);
  return { operatorId, journal, cp: `CP-${name}` };
}

export type CdrView = {
  cdr_id: string;
  number: number;
  corrects: string | null;
  cause: string;
  payer: string;
  energy_wh: number;
  net_minor: number;
  tax_minor: number;
  total_minor: number;
  flags: string[];
  time_quality: string;
  energy_quality: string;
};

/** Of one transaction, in the order of their numbers. */
export const cdrsOf = (db: TestDb, transactionId: string) =>
  db.rows<CdrView>("select * from cdr where transaction_id = $1 order by number", transactionId);

export const billingOf = async (db: TestDb, transactionId: string) =>
  (
    await db.rows<{ status: string; reasons: string[]; cdr_id: string | null; due_at: Date | null }>(
      "select status, reasons, cdr_id, due_at from transaction_billing where transaction_id = $1",
      transactionId,
    )
  )[0];

/** What is wrong with an operator's books, by CDRs that stand and by numbers: nothing, if all is well. */
export async function auditBooks(db: TestDb, operatorId: string): Promise<unknown[]> {
  const one = (what: string, sql: string) =>
    db.rows(`select '${what}' as what, w.* from (${sql}) w`, operatorId);
  const standing =
    "cdr c where c.operator_id = $1 and not exists (select from cdr n where n.corrects = c.cdr_id)";
  const found = await Promise.all([
    one(
      "two CDRs stand for one",
      `select transaction_id, count(*) from ${standing} group by 1 having count(*) > 1`,
    ),
    one(
      "the one that stands is another",
      `select b.transaction_id from transaction_billing b left join (select * from ${standing}) s using (transaction_id)
       where b.operator_id = $1 and b.cdr_id is distinct from s.cdr_id`,
    ),
    one(
      "a payer owes something else",
      `select * from (select payer as account, sum(total_minor) as owes from ${standing} group by 1) o
       full join (select e.account, sum(e.amount_minor) as booked from ledger_entry e
         join ledger_posting p using (operator_id, posting_id)
         join ledger_account a on a.operator_id = e.operator_id and a.account = e.account
         where e.operator_id = $1 and p.cdr_id is not null
           and a.kind in ('driver', 'fleet', 'token', 'guest', 'unassigned') group by 1) b
       using (account) where coalesce(owes, 0) <> coalesce(booked, 0)`,
    ),
    one(
      "revenue or tax is not that of the CDRs",
      `select account, sum(amount_minor) from (
         select 'revenue' as account, net_minor as amount_minor from ${standing} union all
         select 'tax', tax_minor from ${standing} union all
         select account, amount_minor from ledger_entry where operator_id = $1 and account in ('revenue', 'tax')) s
       group by 1 having sum(amount_minor) <> 0`,
    ),
    one(
      "numbers have gaps",
      `select count(*), max(number), min(number) from cdr where operator_id = $1
       having count(*) <> coalesce(max(number), 0) or min(number) > 1`,
    ),
  ]);
  return found.flat();
}

/** A moment after all that is booked by now, whose microseconds ours does not have. */
export async function justAfter(): Promise<string> {
  await sleep(2);
  return new Date().toISOString();
}
