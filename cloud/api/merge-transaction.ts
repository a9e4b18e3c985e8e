/**
 * An orphan becomes part of the transaction it belongs to: its end, its registers, its samples and messages.
 *
 * Nothing that was recorded is thrown away: the orphan's row stays as it was told, names where it went, and
 * counts no energy of its own. A stop of its own that the other transaction has, or gets later, counts for it.
 */
import type { Client } from "../db/pool.ts";
import { ApiProblem, notFound } from "./problem.ts";

type Row = {
  transaction_id: string;
  station_id: string;
  running: boolean;
  merged_into: string | null;
  meter_start_wh: number | null;
  end_wh: number | null;
  ended: boolean;
  /** The orphan that gave it its end. */
  ended_from: string | null;
};

const LOCKED = `
  select t.transaction_id, t.station_id, t.running, t.merged_into, t.meter_start_wh,
    coalesce(t.meter_stop_wh, greatest(t.closed_meter_wh, t.last_energy_wh)) as end_wh,
    t.ended_at is not null as ended, t.end_time->>'from' as ended_from
  from transaction t where t.operator_id = $1 and t.transaction_id = any($2)
  order by t.transaction_id for update`;

/**
 * $1 orphan, $2 target, $3 whether the end is taken: where the target has none, or has it from this orphan, whose
 * end may have become another one since. It was told in the orphan's journal, which tells what its clock was
 * worth. Stamps that are not to be believed make the target's end one that is not to be believed.
 */
const MERGE = `
  update transaction t set
    ended_at = case when $3 then o.ended_at else t.ended_at end,
    end_time = case when $3 then (coalesce(o.end_time::jsonb, '{}') || jsonb_build_object(
      'from', o.transaction_id, 'erId', o.er_id, 'journalId', o.journal_id))::json else t.end_time end,
    meter_stop_wh = case when $3 then o.meter_stop_wh else t.meter_stop_wh end,
    meter_stop_max_wh = case when $3 then o.meter_stop_max_wh else t.meter_stop_max_wh end,
    stopped_reason = case when $3 then coalesce(o.stopped_reason, t.stopped_reason)
                          else t.stopped_reason end,
    closed_at = coalesce(t.closed_at, case when t.ended_at is null and o.ended_at is null then o.closed_at end),
    closed_meter_wh = case when t.ended_at is null then greatest(t.closed_meter_wh, o.closed_meter_wh)
                           else t.closed_meter_wh end,
    last_energy_wh = greatest(t.last_energy_wh, o.last_energy_wh),
    last_sample_at = greatest(t.last_sample_at, o.last_sample_at),
    id_token = coalesce(t.id_token, o.id_token),
    power_w = case when $3 then 0 else t.power_w end,
    ended_unseen = t.ended_unseen and not $3,
    time_doubt = t.time_doubt or ($3 and o.time_doubt),
    flags = case when $3 and 'time-implausible' = any (o.flags) and 'time-implausible' <> all (t.flags)
                 then t.flags || '{time-implausible}' else t.flags end,
    reviewed_kinds = case when $3 and (o.time_doubt or 'time-implausible' = any (o.flags))
                               and 'time-implausible' <> all (t.reviewed_kinds)
                          then t.reviewed_kinds || '{time-implausible}' else t.reviewed_kinds end
  from transaction o
  where o.transaction_id = $1 and t.transaction_id = $2`;

const REVIEWED = `
  update transaction set reviewed_registers = case when running then null else
    final_registers(meter_start_wh, meter_stop_wh, meter_stop_max_wh, closed_meter_wh, last_energy_wh) end
  where transaction_id = any($1)`;

/** @throws ApiProblem 404 NOT_FOUND, 422 INVALID_TARGET, 409 TARGET_MERGED, REGISTERS_DO_NOT_FIT. */
export async function mergeInto(
  client: Client,
  operatorId: string,
  orphanId: string,
  targetId: string,
  kinds: readonly string[],
): Promise<void> {
  const { rows } = await client.query<Row>(LOCKED, [operatorId, [orphanId, targetId]]);
  const orphan = rows.find((row) => row.transaction_id === orphanId);
  const target = rows.find((row) => row.transaction_id === targetId.toLowerCase());
  if (orphan === undefined || target === undefined) throw notFound("transaction", targetId);
  if (orphan === target) throw new ApiProblem(422, "INVALID_TARGET", "that is the same transaction");
  if (target.station_id !== orphan.station_id) {
    const detail = `${targetId} is of station "${target.station_id}", the orphan of "${orphan.station_id}"`;
    throw new ApiProblem(422, "INVALID_TARGET", detail);
  }
  if (target.merged_into !== null) {
    const detail = `${targetId} is part of ${target.merged_into} itself: merge into that one`;
    throw new ApiProblem(409, "TARGET_MERGED", detail);
  }
  if (orphan.end_wh !== null && (target.meter_start_wh ?? 0) > orphan.end_wh) {
    const detail = `it began at ${target.meter_start_wh} Wh, which is after the orphan's end at ${orphan.end_wh} Wh`;
    throw new ApiProblem(409, "REGISTERS_DO_NOT_FIT", detail);
  }
  const takes = orphan.ended && (!target.ended || target.ended_from === orphanId);
  await client.query(MERGE, [orphanId, targetId, takes]);
  await client.query("update transaction_sample set transaction_id = $2 where transaction_id = $1", [
    orphanId,
    targetId,
  ]);
  await client.query("update message set transaction_id = $2 where station_id = $3 and transaction_id = $1", [
    orphanId,
    targetId,
    orphan.station_id,
  ]);
  await client.query(
    `update transaction set merged_into = $2, power_w = 0,
       reviewed_kinds = array(select distinct k from unnest(reviewed_kinds || $3::text[]) k order by 1)
     where transaction_id = $1`,
    [orphanId, targetId, kinds],
  );
  await client.query(REVIEWED, [[orphanId, targetId]]);
}
