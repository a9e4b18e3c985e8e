/**
 * What a provider keeps of a payment, in the ledger: from the provider's account to the fees, once per entry of
 * its own books. An entry that says something else later is reversed and booked anew. Where the provider keeps
 * its books in another currency, the fee is booked in that one, and so is what the money became there.
 */
import { exchanged, providerFee, type Posting } from "../core/ledger.ts";
import { feeMinorIn, isSettled, type SettlementMove } from "../core/settlement.ts";
import type { PaymentState } from "../core/payment.ts";
import type { Queryable } from "../db/pool.ts";
import { post, reverse } from "../ledger.ts";
import type { PaymentRow } from "./rows.ts";

/** A fee that is not told with the capture comes within minutes: asked for more often for so long. */
const SOON_MS = 86_400_000;

/** Money has come, and its provider has not said yet what it keeps. Older ones are asked about rarely. */
export const awaitsFee = (row: PaymentRow, state: PaymentState): boolean =>
  state.capturedMinor > 0 &&
  !row.fees_by_hand &&
  !isSettled(state.settlements) &&
  Date.now() - row.created_at.getTime() < SOON_MS;

/** SQL: the same of a payment `p`. */
export const AWAITS_FEE = `(p.captured_minor > 0 and p.fee_minor is null and not p.fees_by_hand
  and p.created_at > now() - interval '${SOON_MS / 1_000} seconds')`;

/**
 * Writes down and books what the provider's own books say anew.
 * @param client inside a transaction, which has locked the payment.
 * @returns the row as it is then.
 */
export async function takeSettlements(
  client: Queryable,
  row: PaymentRow,
  { settlements }: PaymentState,
  moves: readonly SettlementMove[],
): Promise<PaymentRow> {
  const fee_minor = feeMinorIn(settlements, row.currency) ?? null;
  await client.query("update payment set settlements = $2, fee_minor = $3 where payment_id = $1", [
    ...[row.payment_id, JSON.stringify(settlements), fee_minor],
  ]);
  for (const move of moves) await bookEntry(client, row, move);
  return { ...row, settlements, fee_minor };
}

async function bookEntry(
  client: Queryable,
  row: PaymentRow,
  { entryId, settlement }: SettlementMove,
): Promise<void> {
  const { currency, feeMinor, exchanged: change } = settlement;
  const base = { occurredAt: Date.now(), paymentId: row.payment_id, provider: row.kind };
  await renew(client, row, `fee:${entryId}`, (reference) =>
    providerFee({ ...base, reference, currency, amountMinor: feeMinor }),
  );
  if (change !== undefined)
    await renew(client, row, `exchange:${entryId}`, (reference) =>
      exchanged({
        ...{ ...base, reference, currency: row.currency, amountMinor: change.fromMinor },
        into: { currency, amountMinor: change.toMinor },
      }),
    );
}

/** What stands under the name is taken back, and the posting takes its place. */
async function renew(
  client: Queryable,
  row: PaymentRow,
  name: string,
  make: (reference: string) => Posting,
): Promise<void> {
  const reference = `payment:${row.payment_id}:${name}`;
  const { rows } = await client.query<{ reference: string; open: boolean }>(
    `select p.reference, not exists (
       select from ledger_posting r where r.operator_id = p.operator_id and r.reverses = p.reference) as open
     from ledger_posting p where p.operator_id = $1 and p.payment_id = $2 and p.reverses is null
       and (p.reference = $3 or starts_with(p.reference, $3 || ':'))`,
    [row.operator_id, row.payment_id, reference],
  );
  for (const { reference: before, open } of rows)
    if (open)
      await reverse(client, row.operator_id, before, {
        occurredAt: Date.now(),
        note: "the provider says something else now",
      });
  const next = rows.length === 0 ? reference : `${reference}:${rows.length + 1}`;
  await post(client, row.operator_id, make(next));
}
