/**
 * Where an orphan may belong: transactions of the same station that have its id in another journal of the ER, or
 * that fit by time, register and EVSE. Suggestions only; a person decides.
 */
import type { Queryable } from "../db/pool.ts";
import type { ReviewSuggestion } from "./review-schemas.ts";
import { toTransaction, TRANSACTION_COLUMNS, type TransactionRow } from "./transaction-view.ts";

const SUGGESTIONS_MAX = 10;
/** How long before the end of the orphan a transaction may have begun. */
const DAYS_BACK = 14;

/**
 * Ids that are 0 or negative are no ids: stations use them for transactions whose own they do not know. Of what
 * has ended by itself only those fit whose end is near: the station has told it twice.
 */
const CANDIDATES = `
  with orphan as (
    select o.*, coalesce(o.ended_at, o.closed_at, o.last_sample_at, o.started_at) as end_at,
      coalesce(o.meter_stop_wh, greatest(o.closed_meter_wh, o.last_energy_wh)) as end_wh
    from transaction o where o.operator_id = $1 and o.transaction_id = $2
  ), fitting as (
    select t.transaction_id, o.end_wh, o.end_at,
      t.ocpp_transaction_id = o.ocpp_transaction_id and t.ocpp_transaction_id !~ '^(0|-[0-9]+)$' as same_id
    from orphan o join transaction t on t.station_id = o.station_id and t.operator_id = o.operator_id
    where t.transaction_id <> o.transaction_id and t.merged_into is null and 'orphan-stop' <> all (t.flags)
      and t.started_at > o.end_at - interval '${DAYS_BACK} days'
      and (o.end_wh is null or coalesce(t.meter_start_wh, 0) <= o.end_wh)
  )
  select ${TRANSACTION_COLUMNS}, f.end_wh as orphan_end_wh,
    case when f.same_id then 'same-id' when t.ended_at is null then 'open' else 'ended' end as fit
  from fitting f join transaction t using (transaction_id) cross join orphan o
  where f.same_id or (
    t.started_at <= f.end_at and (o.evse_id = 0 or t.evse_id in (0, o.evse_id))
    and (case when t.ended_at is null then f.end_wh is null or coalesce(t.last_energy_wh, 0) <= f.end_wh
              else t.ended_at between f.end_at - interval '1 hour' and f.end_at + interval '1 hour' end))
  order by f.same_id is true and t.journal_id is distinct from o.journal_id desc, f.same_id is true desc,
    t.ended_at is null desc, t.started_at desc, t.transaction_id
  limit ${SUGGESTIONS_MAX}`;

type Candidate = TransactionRow & { orphan_end_wh: number | null; fit: ReviewSuggestion["reason"] };

export async function suggestionsFor(
  db: Queryable,
  operatorId: string,
  transactionId: string,
): Promise<ReviewSuggestion[]> {
  const { rows } = await db.query<Candidate>(CANDIDATES, [operatorId, transactionId]);
  return rows.map((row) => {
    const transaction = toTransaction(row);
    const { orphan_end_wh: endWh, meter_start_wh: startWh } = row;
    const after = endWh === null || startWh === null ? null : Math.max(0, endWh - startWh);
    return {
      transaction,
      reason: row.fit,
      // An end of its own stays.
      energyWhAfter: row.ended_at === null ? after : transaction.energyWh,
    };
  });
}
