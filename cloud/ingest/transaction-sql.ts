/**
 * Transactions in PostgreSQL: how what a batch says is merged with what is there, and what a hello knows.
 *
 * A row may be made by any message of its transaction. Whatever is said later fills in; what was said before
 * and must not be lost is kept: the first start register, the lowest and the highest stop, every flag.
 */
const ms = (column: string) => `to_timestamp(${column} / 1000.0)`;

/** As merged, where entries have told of it before; a hello alone does not count. */
const known = (column: string, merged: string) =>
  `${column} = case when t.snapshot_only then excluded.${column} else ${merged} end`;

/**
 * Registers only rise; of two stops the lower one counts, and a person is told. What falls below an earlier
 * batch is found here, what falls within the batch was found before. The latest power counts, none after the
 * end. What was believed over is running again when something says so that is no history.
 *
 * $1 rows, $2 operator, $3 site, $4 ER, $5 journal.
 */
export const TRANSACTIONS = `
  insert into transaction as t (transaction_id, ocpp_transaction_id, operator_id, site_id, er_id, journal_id,
    station_id, evse_id, connector_id, charging_state, started_at, ended_at, meter_start_wh, meter_stop_wh,
    meter_stop_max_wh, last_energy_wh, power_w, power_at, soc_percent, soc_at, last_sample_at, id_token, authorized_by,
    authorization_status, authorization_reason, cap_energy_wh, cap_duration_s, stopped_reason, revoked_reason,
    closed_at, closed_meter_wh, seen_time, start_time, end_time, told_tariff_id, told_tariff_version, ended_unseen,
    flags, needs_review)
  select r.transaction_id, r.ocpp_transaction_id, $2, $3, $4, $5, r.station_id, coalesce(r.evse_id, 0),
    r.connector_id, r.charging_state, ${ms("coalesce(r.started_at, r.seen_at)")}, ${ms("r.ended_at")},
    r.meter_start_wh, r.meter_stop_wh, r.meter_stop_max_wh, r.last_energy_wh, r.power_w,
    ${ms("r.power_at")}, r.soc_percent, ${ms("r.soc_at")}, ${ms("r.last_sample_at")}, r.id_token,
    coalesce(r.authorized_by, 'unknown'), r.authorization_status,
    r.authorization_reason, r.cap_energy_wh, r.cap_duration_s, r.stopped_reason, r.revoked_reason,
    ${ms("r.closed_at")}, r.closed_meter_wh, r.seen_time, r.start_time, r.end_time, r.told_tariff_id,
    r.told_tariff_version,
    coalesce(old.ended_unseen, false) and r.seen_running is not true,
    r.flags || case when r.started_at is null then '{time-estimated}'::text[] else '{}' end
      || case when r.min_energy_wh < old.last_energy_wh then '{register-fell}'::text[] else '{}' end
      || case when r.meter_stop_wh < old.last_energy_wh then '{stop-below-register}'::text[] else '{}' end,
    r.needs_review
  from json_to_recordset($1::json) as r(transaction_id uuid, station_id text, ocpp_transaction_id text,
    evse_id integer, connector_id integer, charging_state text, seen_at float8, started_at float8,
    ended_at float8, meter_start_wh bigint, meter_stop_wh bigint, meter_stop_max_wh bigint,
    last_energy_wh bigint, min_energy_wh bigint, power_w bigint, power_at float8,
    soc_percent integer, soc_at float8, last_sample_at float8,
    id_token text, authorized_by text, authorization_status text, authorization_reason text,
    cap_energy_wh bigint, cap_duration_s integer, stopped_reason text, revoked_reason text, closed_at float8,
    closed_meter_wh bigint, seen_time json, start_time json, end_time json, seen_running boolean,
    told_tariff_id text, told_tariff_version integer, flags text[], needs_review boolean)
    left join transaction old on old.transaction_id = r.transaction_id
  on conflict (transaction_id) do update set
    ${known("ocpp_transaction_id", "coalesce(excluded.ocpp_transaction_id, t.ocpp_transaction_id)")},
    journal_id = excluded.journal_id,
    ${known("evse_id", "case when excluded.evse_id = 0 then t.evse_id else excluded.evse_id end")},
    connector_id = coalesce(excluded.connector_id, t.connector_id),
    charging_state = coalesce(excluded.charging_state, t.charging_state),
    ${known(
      "started_at",
      "case when 'time-estimated' = any(excluded.flags) then t.started_at else excluded.started_at end",
    )},
    ended_at = coalesce(excluded.ended_at, t.ended_at),
    ${known("meter_start_wh", "coalesce(t.meter_start_wh, excluded.meter_start_wh)")},
    meter_stop_wh = least(t.meter_stop_wh, excluded.meter_stop_wh),
    meter_stop_max_wh = greatest(t.meter_stop_max_wh, excluded.meter_stop_max_wh),
    last_energy_wh = greatest(t.last_energy_wh, excluded.last_energy_wh),
    power_w = case when coalesce(excluded.ended_at, t.ended_at) is not null then 0
                   when excluded.power_at >= coalesce(t.power_at, '-infinity') then excluded.power_w
                   else t.power_w end,
    power_at = greatest(t.power_at, excluded.power_at),
    soc_percent = case when excluded.soc_at >= coalesce(t.soc_at, '-infinity') then excluded.soc_percent
                       else t.soc_percent end,
    soc_at = greatest(t.soc_at, excluded.soc_at),
    last_sample_at = greatest(t.last_sample_at, excluded.last_sample_at),
    ${known("id_token", "coalesce(excluded.id_token, t.id_token)")},
    authorized_by = case when excluded.authorized_by = 'unknown' then t.authorized_by else excluded.authorized_by end,
    authorization_status = coalesce(excluded.authorization_status, t.authorization_status),
    authorization_reason = coalesce(excluded.authorization_reason, t.authorization_reason),
    cap_energy_wh = coalesce(excluded.cap_energy_wh, t.cap_energy_wh),
    cap_duration_s = coalesce(excluded.cap_duration_s, t.cap_duration_s),
    stopped_reason = coalesce(excluded.stopped_reason, t.stopped_reason),
    revoked_reason = coalesce(excluded.revoked_reason, t.revoked_reason),
    closed_at = coalesce(excluded.closed_at, t.closed_at),
    closed_meter_wh = coalesce(excluded.closed_meter_wh, t.closed_meter_wh),
    seen_time = coalesce(t.seen_time, excluded.seen_time),
    start_time = coalesce(excluded.start_time, t.start_time),
    end_time = coalesce(excluded.end_time, t.end_time),
    told_tariff_id = coalesce(excluded.told_tariff_id, t.told_tariff_id),
    told_tariff_version = coalesce(excluded.told_tariff_version, t.told_tariff_version),
    ended_unseen = excluded.ended_unseen,
    snapshot_only = false,
    flags = case when excluded.flags = t.flags or t.snapshot_only then excluded.flags
                 else array(select distinct f from unnest(t.flags || excluded.flags) f
                            -- The time is not estimated any more as soon as one start has told it.
                            where f <> 'time-estimated' or (f = any (t.flags) and f = any (excluded.flags))
                            order by 1) end,
    needs_review = t.needs_review or excluded.needs_review`;

/**
 * Transactions that a hello says are running: on the page at once, whatever history still drains. A row that
 * is there already keeps what the journal said.
 *
 * $1 rows, $2 operator, $3 site, $4 ER, $5 journal.
 */
export const RUNNING = `
  insert into transaction as t (transaction_id, ocpp_transaction_id, operator_id, site_id, er_id, journal_id,
    station_id, evse_id, started_at, id_token, meter_start_wh, snapshot_energy_wh, snapshot_only)
  select r.transaction_id, r.ocpp_transaction_id, $2, $3, $4, $5, r.station_id, r.evse_id,
    ${ms("r.started_at")}, r.id_token, r.meter_start_wh, r.energy_import_wh, true
  from json_to_recordset($1::json) as r(transaction_id uuid, ocpp_transaction_id text, station_id text,
    evse_id integer, started_at float8, id_token text, meter_start_wh bigint, energy_import_wh bigint)
  on conflict (transaction_id) do update set
    ended_unseen = false, snapshot_energy_wh = excluded.snapshot_energy_wh
  where (t.ended_unseen, t.snapshot_energy_wh) is distinct from (false, excluded.snapshot_energy_wh)`;

/**
 * Open here, and not running at the ER: over, although the end has not arrived. Where a station is connected to this
 * ER, that goes for what it began at another one: a box that was replaced.
 *
 * $1 ER, $2 stations that tell of their transactions, $3 transactions that run, $4 stations that are online.
 */
export const ENDED_UNSEEN = `
  update transaction set ended_unseen = true
  where station_id = any($2::text[]) and (er_id = $1 or station_id = any($4::text[]))
    and ended_at is null and not ended_unseen and transaction_id <> all($3::uuid[])`;
