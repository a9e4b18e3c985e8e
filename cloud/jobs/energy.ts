/**
 * Hours: how much energy each transaction took, and how long it held its connector, in each full hour of its
 * site's clock (`energy_hour`), for reports that need not read samples.
 *
 * A transaction's hours are made anew from what is known of it now, so that late data, a corrected end and a
 * merge by a person are included whenever they come, and doing it twice changes nothing. What changed stands in
 * `energy_due`; what runs is looked at every time. Between two readings energy is spread evenly over the time;
 * the hours of a transaction add up to its end register minus its start register, to the watt-hour.
 */
import { ROLL_UP_BATCH } from "../../shared/limits.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";

/** Longer ones have a clock that is wrong: only their last days count. */
const DAYS_MAX = 60;

/**
 * $1: transactions. A reading counts once it is higher than those before it, and not beyond the final one. The
 * even spread makes fractions: each hour gets the whole watt-hours that the sum has reached, so that none is lost.
 */
const HOURS = `
  with tx as (
    select t.transaction_id, t.operator_id, t.site_id, t.station_id, t.evse_id, coalesce(s.time_zone, 'UTC') as zone,
      greatest(t.started_at, coalesce(t.ended_at, t.closed_at, now()) - interval '${DAYS_MAX} days') as from_at,
      coalesce(t.ended_at, t.closed_at, case when t.running then now() else t.last_sample_at end,
        t.started_at) as to_at,
      t.meter_start_wh as start_wh,
      coalesce(t.meter_stop_wh, greatest(t.closed_meter_wh, t.last_energy_wh)) as stop_wh
    from transaction t left join site s using (site_id)
    where t.transaction_id = any ($1) and t.merged_into is null
  ), bounded as (
    select tx.*, coalesce(start_wh, (select min(x.energy_import_wh) from transaction_sample x
      where x.transaction_id = tx.transaction_id), stop_wh) as first_wh
    from tx where to_at > from_at
  ), reading as (
    select transaction_id, from_at as at, first_wh as wh from bounded where first_wh is not null
    union all
    select b.transaction_id, x.at, least(greatest(x.energy_import_wh, b.first_wh), b.stop_wh)
    from bounded b join transaction_sample x using (transaction_id)
    where x.energy_import_wh is not null and x.at > b.from_at and x.at < b.to_at
    union all
    select transaction_id, to_at, stop_wh from bounded where stop_wh is not null
  ), rising as (
    select transaction_id, at, max(wh) over (partition by transaction_id order by at, wh) as wh from reading
  ), step as (
    select transaction_id, lag(at) over w as from_at, at as to_at, (wh - lag(wh) over w)::float8 as wh
    from rising window w as (partition by transaction_id order by at, wh)
  ), hour as (
    select b.*, h.hour from bounded b cross join lateral generate_series(
      date_trunc('hour', b.from_at, b.zone), b.to_at - interval '1 microsecond', interval '1 hour') h(hour)
  ), part as (
    select h.transaction_id, h.hour, sum(s.wh * case when s.to_at = s.from_at then 1 else
        extract(epoch from least(s.to_at, h.hour + interval '1 hour') - greatest(s.from_at, h.hour))::float8
        / extract(epoch from s.to_at - s.from_at)::float8 end) as wh
    from hour h join step s on s.transaction_id = h.transaction_id and s.wh > 0
      and case when s.to_at = s.from_at
        then s.to_at >= h.hour and s.to_at < h.hour + interval '1 hour'
        else s.from_at < h.hour + interval '1 hour' and s.to_at > h.hour end
    group by 1, 2
  ), total as (
    select h.*, round(coalesce(sum(p.wh) over (partition by h.transaction_id order by h.hour), 0)) as reached
    from hour h left join part p using (transaction_id, hour)
  )
  select transaction_id, hour, operator_id, site_id, station_id, evse_id,
    (reached - coalesce(lag(reached) over (partition by transaction_id order by hour), 0))::bigint as energy_wh,
    round(extract(epoch from least(to_at, hour + interval '1 hour') - greatest(from_at, hour)))::int as occupied_s
  from total`;

const UPSERT = `
  with fresh as materialized (${HOURS}), kept as (
    insert into energy_hour as e (transaction_id, hour, operator_id, site_id, station_id, evse_id,
      energy_wh, occupied_s)
    select * from fresh
    on conflict (transaction_id, hour) do update set site_id = excluded.site_id, station_id = excluded.station_id,
      evse_id = excluded.evse_id, energy_wh = excluded.energy_wh, occupied_s = excluded.occupied_s
    where (e.site_id, e.station_id, e.evse_id, e.energy_wh, e.occupied_s) is distinct from
      (excluded.site_id, excluded.station_id, excluded.evse_id, excluded.energy_wh, excluded.occupied_s)
  )
  delete from energy_hour e where e.transaction_id = any ($1)
    and not exists (select from fresh f where f.transaction_id = e.transaction_id and f.hour = e.hour)`;

const rollUp = (client: Client, ids: readonly string[]) => client.query(UPSERT, [ids]);

/** What changed. @returns how many transactions. */
async function rollUpDue(pool: Pool): Promise<number> {
  for (let count = 0; ;) {
    const taken = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `delete from energy_due where due_id in (
           select due_id from energy_due order by due_id limit $1 for update skip locked)
         returning transaction_id as id`,
        [ROLL_UP_BATCH],
      );
      // Sorted, so that two copies that meet the same one wait for each other and do not lock each other out.
      const ids = [...new Set(rows.map((row) => row.id))].sort();
      if (ids.length > 0) await rollUp(client, ids);
      return rows.length;
    });
    count += taken;
    if (taken < ROLL_UP_BATCH) return count;
  }
}

/** What runs. */
async function rollUpRunning(pool: Pool): Promise<void> {
  for (let after = "00000000-0000-0000-0000-000000000000"; ;) {
    const { rows } = await pool.query<{ id: string }>(
      `select transaction_id as id from transaction where running and transaction_id > $1
       order by transaction_id limit $2`,
      [after, ROLL_UP_BATCH],
    );
    const ids = rows.map((row) => row.id);
    if (ids.length > 0) await inTransaction(pool, (client) => rollUp(client, ids));
    if (ids.length < ROLL_UP_BATCH) return;
    after = ids.at(-1) ?? after;
  }
}

/** @returns how many transactions that had changed. */
export async function rollUpEnergy(pool: Pool): Promise<number> {
  await rollUpRunning(pool);
  return rollUpDue(pool);
}
