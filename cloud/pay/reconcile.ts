/**
 * Asks providers about payments that they should have told of by now: whose webhook never came, that are
 * pending for long, whose refunds are under way; and, rarely, about those whose money has moved or that have
 * ended, since a bank may take it back, somebody may refund at the provider, a payer may pay after all. What
 * is found is applied as if it had been told, and written down for people.
 *
 * When each is asked about next stands with it (`payment_check_at` in `0040_payment_checks.sql`). One that
 * nobody paid in its time is let go of. Of a balance the provider is asked first: nobody waits for its money to go
 * back, and what was paid in time is kept though nobody told.
 */
import { describeError } from "../../shared/errors.ts";
import { paysBalance } from "../core/payment.ts";
import { inTransaction } from "../db/pool.ts";
import { find } from "./books.ts";
import { ProviderFault } from "./provider.ts";
import type { Pay } from "./providers.ts";
import type { PaymentRow } from "./rows.ts";
import { CHECK_AT, keep, lockPayment, refOf, takeTold } from "./store.ts";

const BATCH = 20;
const AT_A_TIME = 4;
/** What nobody has paid since then nobody will. */
const DAYS_MAX = 30;
/** The provider closes the page or the code itself; where it does not, we do. */
const GRACE_S = 120;
/** A provider that did not answer about a balance whose time is over. */
const ASK_AGAIN_S = 120;

/** @returns how many payments stood otherwise than we knew. */
export async function reconcile(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<PaymentRow>(
    `with due as (
       select p.payment_id from payment p where p.check_at <= now()
       order by p.check_at limit ${BATCH} for update of p skip locked
     )
     update payment p set checked_at = now(), check_at = ${CHECK_AT}
     from due where p.payment_id = due.payment_id returning p.*`,
  );
  let found = 0;
  for (let from = 0; from < rows.length; from += AT_A_TIME) {
    const part = rows.slice(from, from + AT_A_TIME);
    const changed = await Promise.all(part.map((row) => check(pay, row)));
    found += changed.filter((heard) => heard === "changed").length;
  }
  return found + (await letGo(pay));
}

type Heard = "changed" | "unchanged" | "refused" | "unreachable";

async function check(pay: Pay, row: PaymentRow): Promise<Heard> {
  try {
    const { provider } = await pay.providers.get(pay.pool, row.provider_id);
    const told = await provider.fetch(refOf(row));
    return await inTransaction(pay.pool, async (client) => {
      const { changed, before, after } = await takeTold(client, row.payment_id, told, "fetch");
      // That somebody opened the page is no news that a webhook should have told.
      if (changed && before !== after && after !== "pending")
        await find(client, row, "webhook-missing", { before, after }, true);
      await client.query(
        `update payment_finding set repaired = true
         where payment_id = $1 and kind = 'provider-unreachable' and not repaired`,
        [row.payment_id],
      );
      return changed ? "changed" : "unchanged";
    });
  } catch (error) {
    const reason = describeError(error).slice(0, 500);
    await inTransaction(pay.pool, async (client) => {
      await client.query("update payment set last_error = $2, checked_at = now() where payment_id = $1", [
        row.payment_id,
        reason,
      ]);
      await find(client, row, "provider-unreachable", { reason }, false);
    });
    return error instanceof ProviderFault && error.kind === "unreachable" ? "unreachable" : "refused";
  }
}

/**
 * Nobody has paid in time: nobody may pay any more. A balance whose provider does not answer stays open until it does,
 * and is asked about again later, so that it keeps nobody else waiting.
 */
async function letGo(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<PaymentRow>(
    `select * from payment where status in ('created', 'pending', 'failed')
       and (keep_minor is null or (keep_minor > 0 and account not like 'guest:%'
         and (last_error is null or checked_at is null or checked_at < now() - interval '${ASK_AGAIN_S} seconds')))
       and expires_at < now() - interval '${GRACE_S} seconds' and created_at > now() - interval '${DAYS_MAX} days'
     order by expires_at limit ${BATCH}`,
  );
  let closed = 0;
  for (let from = 0; from < rows.length; from += AT_A_TIME) {
    const part = rows.slice(from, from + AT_A_TIME);
    closed += (await Promise.all(part.map((row) => letGoOf(pay, row)))).filter(Boolean).length;
  }
  return closed;
}

async function letGoOf(pay: Pay, row: PaymentRow): Promise<boolean> {
  if (paysBalance(row.account) && (await check(pay, row)) === "unreachable") return false;
  const paymentId = row.payment_id;
  return inTransaction(pay.pool, async (client) => {
    const { row: now } = await lockPayment(client, paymentId);
    const waits = now.status === "created" || now.status === "pending" || now.status === "failed";
    const open = now.keep_minor === null || (now.keep_minor > 0 && paysBalance(now.account));
    if (waits && open) await keep(client, paymentId, 0, "payment-expired");
    return waits && open;
  });
}
