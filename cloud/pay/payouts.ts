/**
 * Payouts of providers to the operator's bank: told by webhook, and read from time to time, since a webhook may
 * be missing and a bank may send back what was paid.
 *
 * Invariants: a payout is known by the provider's id and booked once, from the provider's account to the bank,
 * when it is paid; one that fails afterwards is reversed. What was made before `payouts_from` is a person's. A
 * reading goes from the latest to the oldest, page by page, and goes on where it was broken off. Nothing is asked
 * inside a transaction.
 */
import { describeError } from "../../shared/errors.ts";
import { payout, providerFee } from "../core/ledger.ts";
import {
  applyPayout,
  isPaidOut,
  type PayoutFact,
  type PayoutState,
  type PayoutStatus,
} from "../core/payout.ts";
import { inTransaction, type Client } from "../db/pool.ts";
import { post, reverse } from "../ledger.ts";
import { ProviderFault, type ProviderKind } from "./provider.ts";
import type { Pay, ProviderRow } from "./providers.ts";

/** Mercado Pago tells of withdrawals in reports only, which are made on demand; in the sandbox nothing moves. */
const TELLS_PAYOUTS: ReadonlySet<ProviderKind> = new Set(["stripe"]);
const BATCH = 20;
const PAGES_MAX = 5;
const EVERY_S = 3_600;
/** A reading that is not at its end goes on so much later. */
const ON_S = 30;
/** Banks send back within days: so far each reading goes behind the one before. */
const BACK_DAYS = 30;

type Account = Pick<ProviderRow, "operator_id" | "provider_id" | "kind" | "settings" | "payouts_from">;
type PayoutRow = {
  status: PayoutStatus;
  amount_minor: number;
  currency: string;
  fee_minor: number | null;
  failure: string | null;
};

/**
 * Whether payouts of the account are booked by themselves: where the provider tells of them, and the account does
 * not take money of something else, too.
 */
export const booksPayouts = ({ kind, settings }: Pick<ProviderRow, "kind" | "settings">): boolean =>
  TELLS_PAYOUTS.has(kind) && settings.bookPayouts !== false;

/**
 * What a provider has told of a payout.
 * @param client inside a transaction.
 * @returns `not-ours`: it is a person's.
 */
export async function takePayout(
  client: Client,
  account: Account,
  told: PayoutFact,
): Promise<"applied" | "unchanged" | "not-ours"> {
  const key = [account.provider_id, told.payoutId];
  const ofPerson = !booksPayouts(account) || told.createdAt < account.payouts_from;
  if (ofPerson && !(await isBooked(client, key))) return "not-ours";
  const { rowCount } = await client.query(
    `insert into payout (provider_id, provider_payout_id, operator_id, kind, status, amount_minor, currency, made_at,
       arrives_at)
     values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8) on conflict do nothing`,
    [
      ...[...key, account.operator_id, account.kind, told.amountMinor, told.currency],
      ...[told.createdAt, told.arrivesAt],
    ],
  );
  const { rows } = await client.query<PayoutRow>(
    "select * from payout where provider_id = $1 and provider_payout_id = $2 for update",
    key,
  );
  const [row] = rows;
  if (row === undefined) throw new Error("a payout that was written is not there");
  const before: PayoutState = {
    status: row.status,
    feeMinor: row.fee_minor ?? undefined,
    failure: row.failure ?? undefined,
  };
  const after = applyPayout(before, told);
  if (after === before) return rowCount === 0 ? "unchanged" : "applied";
  await client.query(
    `update payout set status = $3, fee_minor = $4, failure = $5, updated_at = now()
     where provider_id = $1 and provider_payout_id = $2`,
    [...key, after.status, after.feeMinor ?? null, after.failure ?? null],
  );
  await book(client, account, row, told, after);
  return "applied";
}

/** What stands in the books is taken back when it fails, whatever was set since. */
async function isBooked(client: Client, key: readonly string[]): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from payout where provider_id = $1 and provider_payout_id = $2 and status = 'paid'",
    [...key],
  );
  return rowCount === 1;
}

async function book(
  client: Client,
  account: Account,
  row: PayoutRow,
  told: PayoutFact,
  { status, feeMinor, failure }: PayoutState,
): Promise<void> {
  const reference = `payout:${account.provider_id}:${told.payoutId}`;
  const fee = `${reference}:fee`;
  if (isPaidOut(status)) {
    const base = { occurredAt: told.arrivesAt.getTime(), currency: row.currency, provider: account.kind };
    await post(client, account.operator_id, payout({ ...base, reference, amountMinor: row.amount_minor }));
    const kept = providerFee({ ...base, reference: fee, amountMinor: feeMinor ?? 0 });
    await post(client, account.operator_id, kept);
    return;
  }
  // One that never was paid stands nowhere: there is nothing to take back then.
  const event = { occurredAt: Date.now(), note: (failure ?? "the payout failed").slice(0, 200) };
  if (status === "failed" || status === "canceled")
    for (const name of [reference, fee]) await reverse(client, account.operator_id, name, event);
}

/** Reads what is due. @returns how many payouts stood otherwise than we knew. */
export async function readPayouts(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<ProviderRow & { since: Date }>(
    `with due as (
       select provider_id from payment_provider where payouts_check_at <= now()
       order by payouts_check_at limit ${BATCH} for update skip locked
     )
     update payment_provider p set payouts_check_at = now() + interval '${EVERY_S} seconds',
       payouts_began_at = case when p.payouts_page is null then now() else p.payouts_began_at end
     from due where p.provider_id = due.provider_id
     returning p.*, greatest(p.payouts_from, p.payouts_read_at - interval '${BACK_DAYS} days') as since`,
  );
  let found = 0;
  const failures: unknown[] = [];
  for (const row of rows.filter(booksPayouts)) {
    try {
      found += await readAccount(pay, row, row.since);
    } catch (error) {
      failures.push(error);
      await pay.pool.query(
        // What the pages were counted from may be gone there.
        `update payment_provider set payouts_error = $2, payouts_page = case when not $3 then payouts_page end
         where provider_id = $1`,
        [
          ...[row.provider_id, describeError(error).slice(0, 500)],
          error instanceof ProviderFault && error.kind === "refused",
        ],
      );
    }
  }
  if (failures.length > 0) throw failures[0];
  return found;
}

async function readAccount(pay: Pay, row: ProviderRow, since: Date): Promise<number> {
  const { provider } = pay.providers.open(row);
  if (provider.payouts === undefined) return 0;
  let found = 0;
  let from = row.payouts_page ?? undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { payouts, next } = await provider.payouts(since, from);
    found += await inTransaction(pay.pool, async (client) => {
      let applied = 0;
      for (const told of payouts) if ((await takePayout(client, row, told)) === "applied") applied++;
      await client.query(
        `update payment_provider set payouts_page = $2::text, payouts_error = null,
           payouts_read_at = case when $2 is null then payouts_began_at else payouts_read_at end,
           payouts_check_at = now()
             + case when $2 is null then interval '${EVERY_S} seconds' else interval '${ON_S} seconds' end
         where provider_id = $1`,
        [row.provider_id, next ?? null],
      );
      return applied;
    });
    if (next === undefined) break;
    from = next;
  }
  return found;
}
