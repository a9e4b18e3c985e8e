/**
 * A cloud operator's database at full size, for `api.ts`: made in PostgreSQL by `generate_series`, with the
 * columns that ingest would have written. Nine tenths belong to the operator that asks, one tenth to
 * another.
 */
import { snapshotBalances } from "../cloud/jobs/balances.ts";
import type { Pool } from "../cloud/db/pool.ts";

import { moneyStatements } from "./api-fill-money.ts";

export type Size = { sites: number; stations: number; transactions: number };
export const FULL: Size = { sites: 200, stations: 10_000, transactions: 1_000_000 };
export const QUICK: Size = { sites: 40, stations: 1_000, transactions: 100_000 };

const SPREAD_DAYS = 540;
/** The operator of row `n`. */
const OWNER = "case when n % 10 = 9 then 'other' else 'big' end";

const statements = ({ sites, stations, transactions }: Size): readonly string[] => [
  "insert into operator (operator_id, name) values ('big', 'Big'), ('other', 'Other') on conflict do nothing",
  `insert into site (site_id, operator_id, name, time_zone)
     select 'site-' || n, ${OWNER}, 'Site ' || n, 'America/Sao_Paulo' from generate_series(0, ${sites - 1}) n`,
  `insert into er (er_id, site_id, operator_id, release, last_seen_at)
     select 'er-' || n, 'site-' || n, ${OWNER}, '1.0.0', now() from generate_series(0, ${sites - 1}) n`,
  `insert into station (station_id, identity, site_id, er_id, operator_id, protocol, online, online_changed_at,
       last_message_at, vendor, model, serial_number, firmware_version)
     select 'CP-' || i, 'CP-' || i, 'site-' || n, 'er-' || n, ${OWNER}, 'ocpp1.6', i % 20 <> 0, now(), now(),
       'Vendor' || i % 7, 'Model' || i % 5, 'S' || i, '1.' || i % 3
     from generate_series(0, ${stations - 1}) i, lateral (select i % ${sites} as n) s`,
  `insert into evse (station_id, evse_id, operator_id)
     select station_id, e, operator_id from station, generate_series(1, 2) e`,
  `insert into connector (station_id, evse_id, connector_id, operator_id, status, status_at)
     select station_id, e, 1, operator_id,
       (array['Available', 'Occupied', 'Faulted'])[1 + abs(hashtext(station_id)) % 3], now()
     from station, generate_series(1, 2) e`,
  `insert into id_token (operator_id, id_token, label)
     select ${OWNER}, 'TAG' || n, 'Card ' || n from generate_series(0, ${transactions / 20}) n`,
  `insert into transaction (transaction_id, ocpp_transaction_id, operator_id, site_id, er_id, station_id, evse_id,
       connector_id, started_at, ended_at, meter_start_wh, meter_stop_wh, last_energy_wh, power_w, id_token,
       authorized_by, authorization_status, flags)
     select gen_random_uuid(), i::text, s.operator_id, s.site_id, s.er_id, s.station_id, 1 + i % 2, 1, at,
       case when i % 500 = 0 then null else at + interval '1 hour' end, i * 10, i * 10 + 9000, i * 10 + 9000, 0,
       'TAG' || i % ${transactions / 20}, 'sg', 'Accepted',
       case when i % 1001 = 1 then '{conflicting-stop}'::text[] else '{}' end
     from generate_series(0, ${transactions - 1}) i
     join station s on s.station_id = 'CP-' || (i * 7919::bigint) % ${stations},
     lateral (select now() - i * interval '1 second' * ${(SPREAD_DAYS * 86_400) / transactions} as at) t`,
  `insert into transaction_sample (at, transaction_id, operator_id, energy_import_wh, power_w)
     select t.started_at + n * interval '1 minute', t.transaction_id, t.operator_id, t.meter_start_wh + n * 150, 7400
     from (select * from transaction order by started_at desc limit ${transactions / 50}) t, generate_series(0, 59) n`,
  `insert into message (at, station_id, seq, er_id, journal_id, operator_id, kind, protocol, action, request,
       response, up_ms)
     select t.started_at, t.station_id, row_number() over (), t.er_id, gen_random_uuid(), t.operator_id, 'ocpp.handled',
       'ocpp1.6', 'MeterValues', '[2,"1","MeterValues",{}]', '[3,"1",{}]', 1 from transaction t`,
  `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, status, issued_by, issued_at,
       expires_at)
     select gen_random_uuid(), s.operator_id, s.site_id, s.er_id, s.station_id, 'Reset', '{"type":"OnIdle"}',
       case when i % 1000 = 0 then 'uncertain' else 'succeeded' end, 'bench', now() - i * interval '1 minute',
       now() - i * interval '1 minute' + interval '1 hour'
     from generate_series(0, ${transactions / 10}) i join station s on s.station_id = 'CP-' || i % ${stations}`,
  `insert into station_event (er_id, journal_id, seq, idx, operator_id, station_id, at, up_ms, kind, type)
     select s.er_id, gen_random_uuid(), i, 0, s.operator_id, s.station_id, now() - i * interval '1 minute', 1,
       'security-event', 'X' from generate_series(0, ${transactions / 10}) i
     join station s on s.station_id = 'CP-' || i % ${stations}`,
  `insert into meter (meter_id, er_id, site_id, operator_id, model)
     select er_id || '.main', er_id, site_id, operator_id, 'em' from er`,
  `insert into meter_sample (at, meter_id, operator_id, energy_import_wh, power_w)
     select now() - n * interval '1 minute', m.meter_id, m.operator_id, 1000000 - n, 5000
     from meter m, generate_series(0, ${Math.round(transactions / 1_000)}) n`,
  `insert into audit (operator_id, at, actor, request_id, action, subject, detail)
     select ${OWNER}, now() - (${transactions / 10} - n) * interval '1 minute', 'bench', n::text, 'idToken.update',
       'TAG' || n, '{}'
     from generate_series(0, ${transactions / 10}) n`,
  ...moneyStatements(stations, transactions),
];

/** Fills a migrated database; triggers and references are left out for the time of filling. */
export async function fillBig(pool: Pool, size: Size): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("set session_replication_role = replica");
    for (const sql of statements(size)) await client.query(sql);
    await client.query("set session_replication_role = origin");
    await client.query("vacuum analyze");
    // As the job does it, every few minutes.
    await snapshotBalances(pool, "big");
  } finally {
    client.release(true);
  }
}
