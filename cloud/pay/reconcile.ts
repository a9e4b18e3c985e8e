/**
 * Asks providers about payments that they should have told of by now: whose webhook never came, that are
 * pending for long, whose refunds are under way. What is found is applied as if it had been told, and written
 * down for people.
 *
 * A payment is asked about after a quarter of its age, at least 45 s and at most an hour after the time
 * before. One that nobody paid in its time is let go of.
 */
import { describeError } from "../../shared/errors.ts";
import { inTransaction } from "../db/pool.ts";
import { find } from "./books.ts";
import type { Pay } from "./providers.ts";
import type { PaymentRow } from "./rows.ts";
import { keep, lockPayment, refOf, takeTold } from "./store.ts";

const BATCH = 20;
const AT_A_TIME = 4;
/** Holds lapse after a week, disputes and refunds take longer: nobody is asked for ever. */
const DAYS_MAX = 30;
/** What was heard so recently needs no asking. */
const FRESH_S = 45;
/** The provider closes the page or the code itself; where it does not, we do. */
const GRACE_S = 120;

/** @returns how many payments stood otherwise than we knew. */
export async function reconcile(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<PaymentRow>(
    `with due as (
       select p.payment_id from payment p
       where (p.status in ('created', 'pending', 'failed', 'authorized')
           or p.payment_id in (select r.payment_id from refund r where r.status = 'pending'))
         and p.created_at > now() - interval '${DAYS_MAX} days'
         and coalesce(p.checked_at, p.created_at) < now() - interval '${FRESH_S} seconds'
         and coalesce(p.checked_at, p.created_at)
           < now() - least(interval '1 hour', (now() - p.created_at) / 4)
       order by coalesce(p.checked_at, p.created_at) limit ${BATCH} for update of p skip locked
     )
     update payment p set checked_at = now() from due where p.payment_id = due.payment_id returning p.*`,
  );
  let found = 0;
  for (let from = 0; from < rows.length; from += AT_A_TIME) {
    const part = rows.slice(from, from + AT_A_TIME);
    const changed = await Promise.all(part.map((row) => check(pay, row)));
    found += changed.filter(Boolean).length;
  }
  return found + (await letGo(pay));
}

async function check(pay: Pay, row: PaymentRow): Promise<boolean> {
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
      return changed;
    });
  } catch (error) {
    const reason = describeError(error).slice(0, 500);
    await inTransaction(pay.pool, async (client) => {
      await client.query("update payment set last_error = $2 where payment_id = $1", [
        row.payment_id,
        reason,
      ]);
      await find(client, row, "provider-unreachable", { reason }, false);
    });
    return false;
  }
}

/** Nobody has paid in time: nobody may pay any more. */
async function letGo(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<{ payment_id: string }>(
    `select payment_id from payment where status in ('created', 'pending', 'failed') and keep_minor is null
       and expires_at < now() - interval '${GRACE_S} seconds' and created_at > now() - interval '${DAYS_MAX} days'
     order by expires_at limit ${BATCH}`,
  );
  for (const { payment_id: paymentId } of rows) {
    await inTransaction(pay.pool, async (client) => {
      const { row } = await lockPayment(client, paymentId);
      const waits = row.status === "created" || row.status === "pending" || row.status === "failed";
      if (waits && row.keep_minor === null) await keep(client, paymentId, 0, "payment-expired");
    });
  }
  return rows.length;
}
