/**
 * What stations tell of themselves, in PostgreSQL: reports, variables, events, requests for certificates.
 *
 * Lines are named by the entry that told them, so that what comes twice stands there once. A station may tell of
 * thousands of variables in one message: rows go in parts.
 */
import { FACT_ROWS_PER_STATEMENT } from "../../shared/limits.ts";
import type { Changes } from "../core/changes.ts";

const ms = (column: string) => `to_timestamp(${column} / 1000.0)`;

/** $1 rows, $2 ER, $3 journal, $4 operator; as in all of these. */
const REPORTS = `
  insert into station_report (er_id, journal_id, operator_id, station_id, seq, at, up_ms, of, request_id, seq_no, last,
    action, payload)
  select $2, $3, $4, r.station_id, r.seq, ${ms("r.at")}, r.up_ms, r.of, r.request_id, r.seq_no, r.last, r.action,
    r.payload
  from json_to_recordset($1::json) as r(station_id text, seq bigint, at float8, up_ms bigint, of text,
    request_id bigint, seq_no bigint, last boolean, action text, payload json)
  on conflict do nothing`;

/** Of one journal the later entry counts, however late it is read; of several the later time. */
const NEWER = `case when v.journal_id = excluded.journal_id then excluded.seq >= v.seq
  else excluded.read_at >= v.read_at end`;

/** What was told without its kind leaves the kind as it is known. */
const latest = (column: string) =>
  `${column} = case when ${NEWER} then excluded.${column} else v.${column} end`;
const known = (column: string) =>
  `${column} = case when ${NEWER} then coalesce(excluded.${column}, v.${column})
    else coalesce(v.${column}, excluded.${column}) end`;

const VARIABLES = `
  insert into station_variable as v (er_id, journal_id, operator_id, station_id,  variable_key, component,
    component_instance, evse_id, connector_id, variable, variable_instance, attribute, value, secret, mutability, unit,
    data_type, read_at, source, seq)
  select $2, $3, $4, r.station_id, r.variable_key, r.component, r.component_instance, r.evse_id, r.connector_id,
    r.variable, r.variable_instance, r.attribute, r.value, r.secret, r.mutability, r.unit, r.data_type,
    ${ms("r.read_at")}, r.source, r.seq
  from json_to_recordset($1::json) as r(station_id text, variable_key text, component text, component_instance text,
    evse_id integer, connector_id integer, variable text, variable_instance text, attribute text, value text,
    secret boolean, mutability text, unit text, data_type text, read_at float8, source text, seq bigint)
  on conflict (station_id, variable_key) do update set
    ${["component", "component_instance", "variable", "variable_instance", "value"].map(latest).join(", ")},
    ${["mutability", "unit", "data_type"].map(known).join(", ")},
    ${["read_at", "source", "er_id", "journal_id", "seq"].map(latest).join(", ")}`;

const EVENTS = `
  insert into station_event (er_id, journal_id, operator_id, station_id, seq, idx, at, up_ms, told_at, kind, type,
    severity, cleared, evse_id, detail)
  select $2, $3, $4, r.station_id, r.seq, r.idx, ${ms("r.at")}, r.up_ms, ${ms("r.told_at")}, r.kind, r.type,
    r.severity, r.cleared, r.evse_id, r.detail
  from json_to_recordset($1::json) as r(station_id text, seq bigint, idx integer, at float8, up_ms bigint,
    told_at float8, kind text, type text, severity bigint, cleared boolean, evse_id bigint, detail json)
  on conflict do nothing`;

const CERTIFICATE_REQUESTS = `
  insert into certificate_request (er_id, journal_id, operator_id, station_id, seq, at, up_ms, csr, certificate_type,
    request_id)
  select $2, $3, $4, r.station_id, r.seq, ${ms("r.at")}, r.up_ms, r.csr, r.certificate_type, r.request_id
  from json_to_recordset($1::json) as r(station_id text, seq bigint, at float8, up_ms bigint, csr text,
    certificate_type text, request_id bigint)
  on conflict do nothing`;

const CERTIFICATE_ANSWERS = `
  insert into certificate_answer (er_id, journal_id, operator_id, station_id, seq, at, certificate_type, request_id,
    command_id)
  select $2, $3, $4, r.station_id, r.seq, ${ms("r.at")}, r.certificate_type, r.request_id, r.command_id
  from json_to_recordset($1::json) as r(station_id text, seq bigint, at float8, certificate_type text,
    request_id bigint, command_id uuid)
  on conflict do nothing`;

/** Statements with the rows of each, in parts that PostgreSQL takes at ease. */
export function* stationStatements(changes: Changes): Generator<[sql: string, rows: unknown[]]> {
  const all: [string, unknown[]][] = [
    [REPORTS, changes.reports],
    [VARIABLES, [...changes.variables.values()]],
    [EVENTS, changes.events],
    [CERTIFICATE_REQUESTS, changes.certificateRequests],
    [CERTIFICATE_ANSWERS, changes.certificateAnswers],
  ];
  for (const [sql, rows] of all)
    for (let from = 0; from < rows.length; from += FACT_ROWS_PER_STATEMENT)
      yield [sql, rows.slice(from, from + FACT_ROWS_PER_STATEMENT)];
}
