/**
 * Changes → PostgreSQL: a fixed number of set-based statements for any number of entries.
 *
 * Each statement takes its rows as one JSON parameter, expanded by PostgreSQL (measured: faster than arrays
 * and, up to a few hundred rows, than COPY). Runs inside the caller's transaction, after the cursor was
 * locked.
 */
import type { Changes } from "../core/changes.ts";
import type { Client } from "../db/pool.ts";
import { applyControl } from "./control-sql.ts";
import { recheckTimes } from "./recheck.ts";
import { stationStatements } from "./station-sql.ts";
import { VARIABLE_WRITES } from "./template-sql.ts";
import { TRANSACTIONS } from "./transaction-sql.ts";

/** The ER and its place, which every row carries. */
export type Origin = { erId: string; journalId: string; siteId: string; operatorId: string };

const ms = (column: string) => `to_timestamp(${column} / 1000.0)`;

const MESSAGES = `
  insert into message (at, station_id, seq, er_id, journal_id, operator_id, kind, protocol, action,
                       request, response, reason, transaction_id, command_id, flags, up_ms, cause)
  select ${ms("r.at")}, r.station_id, r.seq, $2, $3, $4, r.kind, r.protocol, r.action, r.request, r.response,
         r.reason, r.transaction_id, r.command_id, r.flags, r.up_ms, r.cause
  from json_to_recordset($1::json) as r(at float8, station_id text, seq bigint, kind text, protocol text,
       action text, request text, response text, reason text, transaction_id uuid, command_id uuid,
       flags text[], up_ms bigint, cause text)`;

const SAMPLES = `
  insert into transaction_sample (at, transaction_id, operator_id, energy_import_wh, power_w, current_phases_ma,
                                  voltage_phases_mv, soc_percent)
  select ${ms("r.at")}, r.transaction_id, $2, r.energy_import_wh, r.power_w, r.current_phases_ma,
         r.voltage_phases_mv, r.soc_percent
  from json_to_recordset($1::json) as r(at float8, transaction_id uuid, energy_import_wh bigint, power_w bigint,
       current_phases_ma integer[], voltage_phases_mv integer[], soc_percent smallint)`;

/** Told again, it is the same. Stations name the EVSE of a transaction once. */
const CHARGE_STATES = `
  insert into charge_state (station_id, evse_id, at, operator_id, state)
  select distinct on (r.station_id, evse, r.at) r.station_id, evse, ${ms("r.at")}, $2, r.state
  from json_to_recordset($1::json) as r(station_id text, evse_id integer, transaction_id uuid, at float8, state text)
    left join transaction t on r.evse_id is null and t.transaction_id = r.transaction_id
    cross join coalesce(r.evse_id, t.evse_id) evse
  where evse > 0
  on conflict (station_id, evse_id, at) do update set state = excluded.state`;

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
    booted_at = coalesce(${ms("r.booted_at")}, s.booted_at),
    registration_told = coalesce(r.registration_told, s.registration_told)
  from json_to_recordset($1::json) as r(station_id text, protocol text, online boolean,
       online_changed_at float8, flapped boolean, last_message_at float8, vendor text, model text,
         serial_number text, firmware_version text, booted_at float8, registration_told text)
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
    accepted_seq = coalesce(r.accepted_seq, c.accepted_seq),
    journal_id = case when r.accepted_seq is null then c.journal_id else $3 end,
    request_id = coalesce(r.request_id, c.request_id),
    -- Its ER has it: passwords need not stay here.
    params = coalesce(c.masked_params, c.params), masked_params = null,
    finished_at = case when r.status is null and c.status = 'expired' then null
                       else coalesce(${ms("r.finished_at")}, c.finished_at) end,
    status = coalesce(r.status, case when c.status in ('pending', 'sent',
    'expired') then 'accepted' else c.status end), response = coalesce(r.response, c.response),
    reason = case when r.status is null and c.status <> 'expired' then c.reason else r.reason end
  from json_to_recordset($1::json) as r(command_id uuid, accepted_at float8, accepted_seq bigint,
       request_id bigint, finished_at float8, status text, response json, reason text)
  where c.command_id = r.command_id and c.er_id = $2
    -- What a person has said about it stands against hearing once more that nobody knows.
    and (r.status is distinct from 'uncertain' or c.status not in ('succeeded', 'failed'))`;

const ER = `
  update er set
    boot = coalesce($2, boot), release = coalesce($3, release), started_at = coalesce(${ms("$4::float8")},
    started_at), stopped_at = case when $5 then ${ms("$6::float8")} else stopped_at end,
    policy_version = coalesce($7, policy_version), clock = coalesce($8, clock),
    clock_offset_ms = coalesce($9, clock_offset_ms), last_seen_at = now(),
    gauges = coalesce($10, gauges), gauges_at = case when $10::json is null then gauges_at else now() end
  where er_id = $1`;

const BOOTS = `
  insert into er_boot (er_id, journal_id, operator_id, first_seq, boot, started_at, up_ms, clock,
    previous_end, reason)
  select $2, $3, $4, r.first_seq, r.boot, ${ms("r.started_at")}, r.up_ms, r.clock, r.previous_end, r.reason
  from json_to_recordset($1::json) as r(first_seq bigint, boot uuid, started_at float8, up_ms bigint,
       clock text, previous_end text, reason text)
  on conflict do nothing`;

/** What was learned of the time belongs to the start before it. */
const CLOCKS = `
  with told as (
    select r.*, (select b.first_seq from er_boot b where b.er_id = $2 and b.journal_id = $3
                   and b.first_seq <= r.seq order by b.first_seq desc limit 1) as first_seq
    from json_to_recordset($1::json) as r(seq bigint, at float8, up_ms bigint, offset_ms bigint, source text)
  ), points as (
    insert into er_clock (er_id, journal_id, operator_id, first_seq, seq, at, up_ms, offset_ms, source)
    select $2, $3, $4, first_seq, seq, ${ms("at")}, up_ms, offset_ms, source from told
    where first_seq is not null
    on conflict do nothing
  )
  update er_boot b set offset_ms = l.offset_ms, source = l.source
  from (select distinct on (first_seq) * from told order by first_seq, seq desc) l
  where b.er_id = $2 and b.journal_id = $3 and b.first_seq = l.first_seq`;

const HEALTH = `
  insert into er_health (er_id, journal_id, operator_id, seq, at, gauges)
  select $2, $3, $4, r.seq, ${ms("r.at")}, r.gauges
  from json_to_recordset($1::json) as r(seq bigint, at float8, gauges json)
  on conflict do nothing`;

const SET_ASIDES = `
  insert into journal_set_aside (er_id, journal_id, operator_id, seq, at, file, reason, old_journal_id,
    old_last_seq)
  select $2, $3, $4, r.seq, ${ms("r.at")}, r.file, r.reason, r.old_journal_id, r.old_last_seq
  from json_to_recordset($1::json) as r(seq bigint, at float8, file text, reason text, old_journal_id uuid,
       old_last_seq bigint)
  on conflict do nothing`;

const SHED = `
  insert into journal_shed (er_id, journal_id, seq, operator_id, kept_every_s, first_at, ranges, entries)
  select $2, $3, r.seq, $4, r.kept_every_s, ${ms("r.first_at")}, r.ranges, r.entries
  from json_to_recordset($1::json) as r(seq bigint, kept_every_s integer, first_at float8, ranges json,
       entries bigint)
  on conflict do nothing`;

/** What was parked before a journal was taken again is not parked twice. */
const PARKED = `
  insert into parked_entry (er_id, journal_id, seq, operator_id, entry, reason)
  select $2, $3, r.seq, $4, r.entry, r.reason from json_to_recordset($1::json) as r(seq bigint, entry text,
    reason text)
  where not exists (select from parked_entry p where p.er_id = $2 and p.seq = r.seq and p.entry = r.entry)
  on conflict do nothing`;

/**
 * The ER may have told of a file by bringing it already. One that is only said to be forwarded was told of in
 * entries that are gone. A command is named only where it is this operator's.
 */
const FILES = `
  with told as (
    select * from json_to_recordset($1::json) as r(file_id uuid, station_id text, command_id uuid, name text,
      size bigint, sha256 text, received_at float8, forwarded_at float8, forwarded text)
  ), known as (
    insert into file as f (file_id, operator_id, kind, name, size, sha256, station_id, command_id, er_id,
      received_at, forwarded_at, forwarded)
    select r.file_id, $2, 'log', r.name, r.size, r.sha256, r.station_id,
      (select c.command_id from command c where c.command_id = r.command_id and c.operator_id = $2), $3,
      ${ms("r.received_at")}, ${ms("r.forwarded_at")}, r.forwarded
    from told r where r.name is not null
    on conflict (file_id) do update set
      received_at = coalesce(f.received_at, excluded.received_at),
      forwarded_at = coalesce(excluded.forwarded_at, f.forwarded_at),
      forwarded = coalesce(excluded.forwarded, f.forwarded)
    where f.operator_id = excluded.operator_id and f.er_id = excluded.er_id
  )
  update file f set forwarded_at = ${ms("r.forwarded_at")}, forwarded = r.forwarded
  from told r where r.name is null and f.file_id = r.file_id and f.operator_id = $2 and f.er_id = $3`;

/**
 * PostgreSQL refuses a value (SQLSTATE classes 21 to 23, 54), or JavaScript cannot write it: no retry would
 * help.
 */
export function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return error instanceof RangeError || (typeof code === "string" && /^(21|22|23|54)...$/.test(code));
}

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
  await rows(TRANSACTIONS, changes.transactions.values(), operatorId, siteId, erId, journalId);
  await rows(SAMPLES, changes.samples, operatorId);
  await rows(CHARGE_STATES, changes.chargeStates.values(), operatorId);
  await rows(METERS, changes.meters.values(), erId, siteId, operatorId);
  await rows(METER_SAMPLES, changes.meterSamples, operatorId);
  await rows(COMMANDS, changes.commands.values(), erId, journalId);
  await rows(MESSAGES, changes.messages, erId, journalId, operatorId);
  await rows(FILES, changes.files.values(), operatorId, erId);
  for (const [sql, part] of stationStatements(changes)) await rows(sql, part, erId, journalId, operatorId);
  await rows(VARIABLE_WRITES, changes.variableWrites.values(), erId, journalId, operatorId);
  await applyControl(client, changes, origin);
  await rows(SHED, changes.shed, erId, journalId, operatorId);
  await rows(PARKED, changes.parked, erId, journalId, operatorId);
  await rows(BOOTS, changes.boots, erId, journalId, operatorId);
  await rows(HEALTH, changes.health, erId, journalId, operatorId);
  await rows(SET_ASIDES, changes.setAsides, erId, journalId, operatorId);
  await rows(CLOCKS, changes.clocks, erId, journalId, operatorId);
  // Nothing is said of the ER itself by what comes out of its order.
  if (Object.keys(er).length > 0)
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
      er.gauges === undefined ? null : toJson(er.gauges),
    ]);
  // Last: it looks at what was written.
  if (changes.clocks.length > 0) await recheckTimes(client, erId, journalId, changes.clocks);
}
