/**
 * Paying what is owed already: what an account owes, how it may be paid, and a payment of it with a place to pay.
 *
 * Invariants: of an account one payment at a time is under way, so that nobody pays the same debt twice; it asks for
 * no more than was owed when it was begun. All of it is wanted from the beginning (`keep`): it is taken as soon as
 * somebody has paid, and none of it goes back by itself. A payment that is closed before it is paid is asked about
 * first: what has been paid is not given back for being paid late.
 */
import { randomUUID } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import { ApiProblem, notFound } from "../api/problem.ts";
import { writeAudit } from "../audit.ts";
import type { Account } from "../core/ledger.ts";
import { isUnderWay } from "../core/payment.ts";
import { inTransaction, type Client, type Queryable } from "../db/pool.ts";
import { balance, balances } from "../ledger.ts";
import { openCheckout, type Payer } from "./checkout.ts";
import { ProviderFault, type PaymentMethod, type ProviderKind } from "./provider.ts";
import type { KnownProvider, Pay } from "./providers.ts";
import type { PaymentRow } from "./rows.ts";
import { keep, lockPayment, paymentOf, refOf, takeTold } from "./store.ts";
import { workPayment } from "./work.ts";

export type Way = { provider: ProviderKind; method: PaymentMethod; leastMinor: number };
export type Debt = { account: Account; currency: string; owedMinor: number; ways: Way[] };

const waysFor = (offered: readonly KnownProvider[], currency: string): Way[] =>
  offered
    .filter(({ row }) => row.settings.currency === currency)
    .map(({ row: { kind }, provider }) => ({
      ...{ provider: kind, method: provider.method, leastMinor: provider.leastMinor(currency) },
    }));

/** What is owed on accounts now, and by whom it may be paid. */
export async function debtsOf(pay: Pay, operatorId: string, accounts: readonly Account[]): Promise<Debt[]> {
  const offered = await pay.providers.offered(pay.pool, operatorId);
  const all = await balances(pay.pool, operatorId, accounts);
  return all
    .filter(({ amountMinor }) => amountMinor > 0)
    .map(({ account, currency, amountMinor: owedMinor }) => ({
      ...{ account, currency, owedMinor, ways: waysFor(offered, currency) },
    }));
}

export type BalanceWish = {
  requestId: string;
  account: Account;
  currency: string;
  amountMinor: number;
  provider: ProviderKind;
  language: Payer["language"];
};

export type Debtor = {
  operatorId: string;
  driverId: string;
  /** As it stands in the audit, with the request that it was. */
  actor: string;
  apiRequestId: string;
  /** Of the page that asks: there the payer comes back to, signed in, and sees whether it has come in. */
  origin: string;
  email: string | null;
  taxId: string | null;
};

/**
 * Begins to pay, or goes on with what was begun. @returns the payment's id.
 * @throws ApiProblem 400 INVALID_AMOUNT; 409 NOTHING_OWED, MORE_THAN_OWED, NO_PROVIDER, PAYMENT_OPEN,
 *   PROVIDER_REFUSED; 503 PROVIDER_UNREACHABLE.
 */
export async function payBalance(pay: Pay, who: Debtor, wish: BalanceWish): Promise<string> {
  const offered = await pay.providers.offered(pay.pool, who.operatorId);
  const begin = () => inTransaction(pay.pool, (client) => beginPayment(client, who, wish, offered));
  let row = await begin();
  if (isStale(row)) {
    // It may have been paid in time.
    if (!(await hear(pay, row)))
      throw new ApiProblem(
        503,
        "PROVIDER_UNREACHABLE",
        "the provider of an earlier payment does not answer; try again in a moment",
      );
    await close(pay, row.payment_id, "payment-expired");
    row = await begin();
  }
  const placeless = row.checkout_url === null && row.pix_code === null;
  if (placeless && isOpen(row))
    await openCheckout(pay, row, {
      ...{ language: (row.language ?? "en") as Payer["language"], email: who.email, taxId: who.taxId },
      returnUrl: `${who.origin}/my/payments/${row.payment_id}`,
    });
  return row.payment_id;
}

/** It may still be paid, or its money is being taken. */
export const isOpen = (row: PaymentRow): boolean =>
  isUnderWay(paymentOf(row, []).state, row.keep_minor ?? undefined);

/** Nobody can pay it any more, and nobody has looked yet. */
const isStale = (row: PaymentRow): boolean =>
  isOpen(row) && row.progress !== "authorized" && row.expires_at.getTime() < Date.now();

async function beginPayment(
  client: Client,
  who: Debtor,
  wish: BalanceWish,
  offered: readonly KnownProvider[],
): Promise<PaymentRow> {
  const { operatorId } = who;
  const { account, currency, amountMinor } = wish;
  // Two wishes at the same moment come one after the other.
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `moov.balance ${operatorId} ${account}`,
  ]);
  // Whoever is being erased at this moment has no account under this name any more.
  const { rowCount } = await client.query(
    "select from driver where operator_id = $1 and driver_id = $2 and status <> 'erased' for key share",
    [operatorId, who.driverId],
  );
  if (rowCount === 0) throw notFound("driver", who.driverId);
  const { rows: known } = await client.query<PaymentRow>(
    `select * from payment where operator_id = $1 and account = $2
       and (request_id = $3 or (currency = $4 and status in ('created', 'pending', 'failed', 'authorized')
         and keep_minor is distinct from 0))
     order by request_id is distinct from $3, created_at`,
    [operatorId, account, wish.requestId, currency],
  );
  const [before] = known;
  if (before?.request_id === wish.requestId) return before;
  if (before !== undefined) {
    const same =
      before.kind === wish.provider &&
      before.amount_minor === amountMinor &&
      before.driver_id === who.driverId;
    if (same || isStale(before)) return before;
    const detail = `payment ${before.payment_id} of ${before.amount_minor} minor units is open: pay or cancel it first`;
    throw new ApiProblem(409, "PAYMENT_OPEN", detail);
  }
  const owedMinor = await balance(client, operatorId, account, currency);
  if (owedMinor <= 0) throw new ApiProblem(409, "NOTHING_OWED", `nothing is owed in ${currency}`);
  const chosen = offered.find(({ row }) => row.kind === wish.provider && row.settings.currency === currency);
  if (chosen === undefined)
    throw new ApiProblem(
      409,
      "NO_PROVIDER",
      `the operator takes no payments in ${currency} by ${wish.provider}: ask them how to pay`,
    );
  const leastMinor = chosen.provider.leastMinor(currency);
  if (amountMinor < leastMinor) {
    const message = `${wish.provider} takes ${leastMinor} minor units or more`;
    throw new ApiProblem(400, "INVALID_AMOUNT", message, [{ pointer: "/body/amountMinor", message }]);
  }
  if (amountMinor > owedMinor)
    throw new ApiProblem(409, "MORE_THAN_OWED", `${owedMinor} minor units are owed: pay that or less`);
  return insertPayment(client, who, wish, chosen);
}

async function insertPayment(
  client: Client,
  who: Debtor,
  wish: BalanceWish,
  { row: provider, provider: { flow } }: KnownProvider,
): Promise<PaymentRow> {
  const { rows } = await client.query<PaymentRow>(
    `insert into payment (payment_id, operator_id, account, driver_id, request_id, language, provider_id, kind, flow,
       amount_minor, currency, keep_minor, keep_reason, description, expires_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, 'balance', left(coalesce(o.legal_name, o.name), 120),
       now() + $12 * interval '1 minute'
     from operator o where o.operator_id = $2 returning *`,
    [
      ...[randomUUID(), who.operatorId, wish.account, who.driverId, wish.requestId, wish.language],
      ...[provider.provider_id, provider.kind, flow, wish.amountMinor, wish.currency],
      provider.settings.payMinutes,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw notFound("operator", who.operatorId);
  const { operatorId, actor, apiRequestId: requestId } = who;
  const { amountMinor, currency } = wish;
  const detail = { driverId: who.driverId, provider: provider.kind, amountMinor, currency };
  await writeAudit(client, {
    ...{ operatorId, actor, requestId, action: "payment.create", subject: row.payment_id, detail },
  });
  return row;
}

/** What the provider has to say of it. @returns false: it does not answer. */
async function hear(pay: Pay, row: PaymentRow): Promise<boolean> {
  const ref = refOf(row);
  if (ref.checkoutId === undefined && ref.providerPaymentId === undefined) return true;
  try {
    const { provider } = await pay.providers.get(pay.pool, row.provider_id);
    const told = await provider.fetch(ref);
    await inTransaction(pay.pool, (client) => takeTold(client, row.payment_id, told, "fetch"));
    return true;
  } catch (error) {
    if (error instanceof ProviderFault) return error.kind !== "unreachable";
    // Its secrets do not open: nobody will ever be heard.
    if (error instanceof AppError) return true;
    throw error;
  }
}

/** @returns false: it is paid, or is being taken at this moment. */
async function close(pay: Pay, paymentId: string, reason: string): Promise<boolean> {
  const closed = await inTransaction(pay.pool, async (client) => {
    const { row, state } = await lockPayment(client, paymentId);
    if (state.capturedMinor > 0 || state.progress === "authorized") return false;
    if (isOpen(row)) await keep(client, paymentId, 0, reason);
    return true;
  });
  if (closed) await workPayment(pay, paymentId);
  return closed;
}

/**
 * The payer does not want it any more. Where the provider cannot be asked, it is told to close it later, and what
 * slips in goes back.
 * @returns false: it is paid, or is being taken at this moment.
 */
export async function cancelBalance(pay: Pay, row: PaymentRow): Promise<boolean> {
  await hear(pay, row);
  return close(pay, row.payment_id, CANCELLED);
}

export const CANCELLED = "cancelled by the payer";

/** Of one driver. @throws ApiProblem 404. */
export async function ownPayment(
  db: Queryable,
  of: { operatorId: string; driverId: string; paymentId: string },
): Promise<PaymentRow> {
  const { rows } = await db.query<PaymentRow>(
    "select * from payment where operator_id = $1 and driver_id = $2 and payment_id::text = $3",
    [of.operatorId, of.driverId, of.paymentId.toLowerCase()],
  );
  if (rows[0] === undefined) throw notFound("payment", of.paymentId);
  return rows[0];
}
