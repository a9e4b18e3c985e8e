/**
 * Changes → PostgreSQL: a fixed number of set-based statements for any number of entries.
 *
 * Each statement takes its rows as one JSON parameter, expanded by PostgreSQL (measured: faster than arrays
 * and, up to a few hundred rows, than COPY). Runs inside the caller's transaction, after the cursor was
 * locked.
 */
import type { Changes } from "../core/changes.ts";
import type { Client } from "../db/pool.ts";

/** The ER and its place, which every row carries. */
export type Origin = { erId: string; journalId: string; siteId: string; operatorId: string };

const ms = (column: string) => `to_timestamp(${column} / 1000.0)`;

const MESSAGES = `
  insert into message (at, station_id, seq, er_id, journal_id, operator_id, kind, protocol, action,
                       request, response, reason, transaction_id, command_id, flags)
  select ${ms("r.at")}, r.station_id, r.seq, $2, $3, $4, r.kind, r.protocol, r.action, r.request, r.response,
         r.reason, r.transaction_id, r.command_id, r.flags
  from json_to_recordset($1::json) as r(at float8, station_id text, seq bigint, kind text, protocol text,
       action text, request text, response text, reason text, transaction_id uuid, command_id uuid,
       flags text[])`;

const SAMPLES = `
  insert into transaction_sample (at, transaction_id, operator_id, energy_import_wh, power_w, current_phases_ma,
                                  voltage_phases_mv, soc_percent)
  select ${ms("r.at")}, r.transaction_id, $2, r.energy_import_wh, r.power_w, r.current_phases_ma,
         r.voltage_phases_mv, r.soc_percent
  from json_to_recordset($1::json) as r(at float8, transaction_id uuid, energy_import_wh bigint, power_w bigint,
       current_phases_ma integer[], voltage_phases_mv integer[], soc_percent smallint)`;

const METER_SAMPLES = `
  insert into meter_sample (at, meter_id, operator_id, energy_import_wh, energy_export_wh, power_w,
    power_phases_w)
  select ${ms("r.at")}, r.meter_id, $2, r.energy_import_wh, r.energy_export_wh, r.power_w, r.power_phases_w
  from json_to_recordset($1::json) as r(at float8, meter_id text, energy_import_wh bigint,
       energy_export_wh bigint, power_w bigint, power_phases_w integer[])`;

const ALL_OFFLINE = `
  update station set online = false, online_changed_at = ${ms("$2::float8")}
  where er_id = $1 and online and station_id <> all ($3::text[])`;

/** Rows exist: `ensureStations` made them before. An ER that now speaks for a station owns it. */
const STATIONS = `
  update station s set
    er_id = $2,
    protocol = coalesce(r.protocol, s.protocol),
    online = coalesce(r.online, s.online),
    online_changed_at = case when r.online is null or (r.online = s.online and r.flapped is null)
          then s.online_changed_at
                             else ${ms("r.online_changed_at")} end,
    last_message_at = greatest(s.last_message_at, ${ms("r.last_message_at")}),
    vendor = coalesce(r.vendor, s.vendor),
    model = coalesce(r.model, s.model),
    serial_number = coalesce(r.serial_number, s.serial_number),
    firmware_version = coalesce(r.firmware_version, s.firmware_version),
    booted_at = coalesce(${ms("r.booted_at")}, s.booted_at)
  from json_to_recordset($1::json) as r(station_id text, protocol text, online boolean,
       online_changed_at float8, flapped boolean, last_message_at float8, vendor text, model text,
         serial_number text, firmware_version text, booted_at float8)
  where s.station_id = r.station_id`;

/** Rows of connectors, and of the EVSEs they belong to: told by a status or by a hello. */
export const CONNECTORS = `
  with incoming as (
    select * from json_to_recordset($1::json) as r(station_id text, evse_id integer, connector_id integer,
         status text, detail text, error_code text, status_at float8)
  ), evses as (
    insert into evse (station_id, evse_id, operator_id)
    select distinct station_id, evse_id, $2 from incoming where evse_id > 0
    on conflict do nothing
  )
  insert into connector (station_id, evse_id, connector_id, operator_id, status, detail, error_code, status_at)
  select station_id, evse_id, connector_id, $2, status, detail, error_code, ${ms("status_at")} from incoming
  on conflict (station_id, evse_id, connector_id) do update set
    status = excluded.status, detail = excluded.detail, error_code = excluded.error_code,
    status_at = excluded.status_at`;

/**
 * A transaction's row may be made by any of its messages. Registers only rise; of two stops the lower one
 * counts, and a person is told. What falls below an earlier batch is found here, what falls within the
 * batch was found before. The latest power counts, none after the end.
 */
const TRANSACTIONS = `
  insert into transaction as t (transaction_id, ocpp_transaction_id, operator_id, site_id, er_id,
    station_id, evse_id, connector_id, charging_state, started_at, ended_at, meter_start_wh, meter_stop_wh,
    last_energy_wh, power_w, soc_percent, last_sample_at, id_token, authorized_by, authorization_status,
      stopped_reason, flags, needs_review)
  select r.transaction_id, r.ocpp_transaction_id, $2, $3, $4, r.station_id, coalesce(r.evse_id, 0),
    r.connector_id, r.charging_state, ${ms("coalesce(r.started_at, r.seen_at)")}, ${ms("r.ended_at")},
    r.meter_start_wh, r.meter_stop_wh, r.last_energy_wh, r.power_w, r.soc_percent,
    ${ms("r.last_sample_at")}, r.id_token, coalesce(r.authorized_by, 'unknown'), r.authorization_status,
    r.stopped_reason, r.flags || case when r.started_at is null then '{time-estimated}'::text[] else '{}' end
      || case when r.min_energy_wh < old.last_energy_wh then '{register-fell}'::text[] else '{}' end
      || case when r.meter_stop_wh < old.last_energy_wh then '{stop-below-register}'::text[] else '{}' end,
        r.needs_review
  from json_to_recordset($1::json) as r(transaction_id uuid, station_id text, ocpp_transaction_id text,
    evse_id integer, connector_id integer, charging_state text, seen_at float8, started_at float8,
    ended_at float8, meter_start_wh bigint, meter_stop_wh bigint, last_energy_wh bigint,
    min_energy_wh bigint, power_w bigint, soc_percent integer, last_sample_at float8, id_token text,
      authorized_by text, authorization_status text, stopped_reason text, flags text[], needs_review boolean)
    left join transaction old on old.transaction_id = r.transaction_id
  on conflict (transaction_id) do update set
    ocpp_transaction_id = coalesce(excluded.ocpp_transaction_id, t.ocpp_transaction_id),
    evse_id = case when excluded.evse_id = 0 then t.evse_id else excluded.evse_id end,
    connector_id = coalesce(excluded.connector_id, t.connector_id),
    charging_state = coalesce(excluded.charging_state, t.charging_state),
    started_at = case when 'time-estimated' = any(excluded.flags) then t.started_at else excluded.started_at end,
    ended_at = coalesce(excluded.ended_at, t.ended_at),
    meter_start_wh = coalesce(t.meter_start_wh, excluded.meter_start_wh),
    meter_stop_wh = least(t.meter_stop_wh, excluded.meter_stop_wh),
    last_energy_wh = greatest(t.last_energy_wh, excluded.last_energy_wh),
    power_w = case when coalesce(excluded.ended_at, t.ended_at) is not null then 0
                   when excluded.last_sample_at < t.last_sample_at then t.power_w
                   else coalesce(excluded.power_w, t.power_w) end,
    soc_percent = case when excluded.last_sample_at < t.last_sample_at then t.soc_percent
                       else coalesce(excluded.soc_percent, t.soc_percent) end,
    last_sample_at = greatest(t.last_sample_at, excluded.last_sample_at),
    id_token = coalesce(excluded.id_token, t.id_token),
    authorized_by = case when excluded.authorized_by = 'unknown' then t.authorized_by else excluded.authorized_by end,
    authorization_status = coalesce(excluded.authorization_status, t.authorization_status),
    stopped_reason = coalesce(excluded.stopped_reason, t.stopped_reason),
    flags = case when excluded.flags = t.flags then t.flags
                 else array(select distinct f from unnest(t.flags || excluded.flags) f
                            -- The time is not estimated any more as soon as one start has told it.
                            where f <> 'time-estimated' or (f = any (t.flags) and f = any (excluded.flags))
                            order by 1) end,
    needs_review = t.needs_review or excluded.needs_review`;

const METERS = `
  insert into meter as m (meter_id, er_id, site_id, operator_id, model, state, state_reason, sampled_at,
    reading, flags)
  select r.meter_id, $2, $3, $4, r.model, coalesce(r.state, 'unknown'), r.state_reason,
         ${ms("r.sampled_at")}, r.reading, coalesce(r.flags, '{}')
  from json_to_recordset($1::json) as r(meter_id text, model text, state text, state_reason text,
       sampled_at float8, reading json, flags text[])
  on conflict (meter_id) do update set
    model = coalesce(excluded.model, m.model),
    state = case when excluded.state = 'unknown' then m.state else excluded.state end,
    state_reason = case when excluded.state = 'ok' then null else coalesce(excluded.state_reason,
    m.state_reason) end, sampled_at = coalesce(excluded.sampled_at, m.sampled_at),
    reading = coalesce(excluded.reading, m.reading),
    flags = case when excluded.reading is null then m.flags else excluded.flags end`;

/**
 * What happened at the site wins over what the SG believed: an \`expired\` command may have been done after
 * all.
 */
const COMMANDS = `
  update command c set
    accepted_at = coalesce(${ms("r.accepted_at")}, c.accepted_at),
    finished_at = case when r.status is null and c.status = 'expired' then null
                       else coalesce(${ms("r.finished_at")}, c.finished_at) end,
    status = coalesce(r.status, case when c.status in ('pending', 'sent',
    'expired') then 'accepted' else c.status end), response = coalesce(r.response, c.response),
    reason = case when r.status is null and c.status <> 'expired' then c.reason else r.reason end
  from json_to_recordset($1::json) as r(command_id uuid, accepted_at float8, finished_at float8,
       status text, response json, reason text)
  where c.command_id = r.command_id and c.er_id = $2`;

const ER = `
  update er set
    boot = coalesce($2, boot), release = coalesce($3, release), started_at = coalesce(${ms("$4::float8")},
    started_at), stopped_at = case when $5 then ${ms("$6::float8")} else stopped_at end,
    policy_version = coalesce($7, policy_version), clock = coalesce($8, clock),
    clock_offset_ms = coalesce($9, clock_offset_ms), last_seen_at = now()
  where er_id = $1`;

const PARKED = `
  insert into parked_entry (er_id, journal_id, seq, operator_id, entry, reason)
  select $2, $3, r.seq, $4, r.entry, r.reason from json_to_recordset($1::json) as r(seq bigint, entry text,
    reason text)
  on conflict do nothing`;

/**
 * JSON that PostgreSQL can read as text: NUL and half surrogates, which no text of its can hold, become
 * U+FFFD. Frames hold them escaped, as they were on the wire.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes("\\u0000") && !text.includes("\\ud")) return text;
  return text.replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escape) =>
    /^.(u0000|ud)/.test(escape) ? "\\ufffd" : escape,
  );
}

/** Writes all changes of a batch. Statements without rows are left out. */
export async function applyChanges(client: Client, changes: Changes, origin: Origin): Promise<void> {
  const { erId, journalId, siteId, operatorId } = origin;
  const rows = async (sql: string, values: Iterable<unknown>, ...rest: unknown[]) => {
    const list = [...values];
    if (list.length > 0) await client.query(sql, [toJson(list), ...rest]);
  };
  const { er } = changes;
  if (changes.allOffline) {
    const told = [...changes.stations.values()]
      .filter((s) => s.online !== undefined)
      .map((s) => s.station_id);
    await client.query(ALL_OFFLINE, [erId, changes.offlineAt ?? Date.now(), told]);
  }
  await rows(STATIONS, changes.stations.values(), erId);
  await rows(CONNECTORS, changes.connectors.values(), operatorId);
  await rows(TRANSACTIONS, changes.transactions.values(), operatorId, siteId, erId);
  await rows(SAMPLES, changes.samples, operatorId);
  await rows(METERS, changes.meters.values(), erId, siteId, operatorId);
  await rows(METER_SAMPLES, changes.meterSamples, operatorId);
  await rows(COMMANDS, changes.commands.values(), erId);
  await rows(MESSAGES, changes.messages, erId, journalId, operatorId);
  await rows(PARKED, changes.parked, erId, journalId, operatorId);
  await client.query(ER, [
    erId,
    er.boot ?? null,
    er.release ?? null,
    er.started_at ?? null,
    er.stopped_at !== undefined,
    er.stopped_at ?? null,
    er.policy_version ?? null,
    er.clock ?? null,
    er.clock_offset_ms ?? null,
  ]);
}
