/** Reports of stations as the API shows them, and which of them belong to a command. */
import { COMMAND_REPORT_BYTES_MAX, COMMAND_REPORTS_MAX } from "../../shared/limits.ts";
import { correctionMs } from "../core/time.ts";
import type { Queryable } from "../db/pool.ts";
import { isoOf } from "./page.ts";
import type { StationReport } from "./station-schemas.ts";

/** An entry's place on its ER's clocks: see `SEEN`. */
export type SeenRow = { at: Date; up_ms: number; zero_ms: number | null };

/** The column that `seenAt` needs besides `at` and `up_ms`. */
export const zeroMs = (t: string) =>
  `er_zero_ms(${t}.er_id, ${t}.journal_id, ${t}.seq, ${t}.up_ms) as zero_ms`;

/** When the ER heard of it, as well as it is known now. */
export const seenAt = ({ at, up_ms: upMs, zero_ms: zero }: SeenRow): string =>
  isoOf(new Date(at.getTime() + correctionMs({ at: at.getTime(), upMs, zeroMs: zero })));

export type ReportRow = SeenRow & {
  station_id: string;
  journal_id: string;
  seq: number;
  of: string;
  request_id: number | null;
  seq_no: number | null;
  last: boolean;
  action: string;
  payload: unknown;
};

export const toReport = (r: ReportRow): StationReport => ({
  stationId: r.station_id,
  at: seenAt(r),
  of: r.of,
  requestId: r.request_id,
  seqNo: r.seq_no,
  last: r.last,
  action: r.action,
  payload: r.payload,
});

/** OCPP 1.6 has no ids of requests: what comes belongs to the latest command of its kind. */
const WITHOUT_ID: Record<string, string> = { UpdateFirmware: "firmware", GetLog: "log" };

type Asked = { command_id: string; station_id: string; kind: string; request_id: number | null };

/**
 * Ids may be used again: a report belongs to the latest command under its id that was accepted before it came.
 * $1 station, $2 command, $3 request id, or without one the kind of command, $4 what its reports are of.
 */
const reportsSql = (hasId: boolean) => `
  with asked as materialized (
    select c.command_id, c.journal_id, c.accepted_seq, c.issued_at from command c
    where c.station_id = $1 and c.accepted_at is not null
      and ${hasId ? "c.request_id = $3" : "c.request_id is null and c.kind = $3"}
      -- One that was issued before it gets none of its reports.
      and (c.issued_at, c.command_id) >= (select x.issued_at, x.command_id from command x where x.command_id = $2)
  ), own as (
    select r.*, octet_length(r.payload::text) as bytes from station_report r
    where r.station_id = $1 and ${hasId ? "r.request_id = $3" : "r.request_id is null and r.of = $4"}
      and $2 = (
        select a.command_id from asked a
        where a.journal_id is distinct from r.journal_id or a.accepted_seq < r.seq
        order by a.issued_at desc, a.command_id desc limit 1)
    order by r.at, r.seq limit ${COMMAND_REPORTS_MAX + 1}
  ), sized as (select r.*, sum(bytes) over (order by r.at, r.seq)::int as bytes_so_far from own r)
  select r.*, ${zeroMs("r")} from sized r
  where bytes_so_far - bytes < ${COMMAND_REPORT_BYTES_MAX} order by r.at, r.seq`;

/** In the order in which they came, as far as they are shown. */
export async function reportsOf(
  db: Queryable,
  command: Asked,
): Promise<{ reports: StationReport[]; reportsTruncated: boolean }> {
  const { station_id: stationId, request_id: requestId, command_id: commandId, kind } = command;
  const of = WITHOUT_ID[kind] ?? null;
  if (requestId === null && of === null) return { reports: [], reportsTruncated: false };
  const { rows } = await db.query<ReportRow & { bytes_so_far: number }>(
    reportsSql(requestId !== null),
    requestId === null ? [stationId, commandId, kind, of] : [stationId, commandId, requestId],
  );
  const shown = rows
    .slice(0, COMMAND_REPORTS_MAX)
    .filter((row) => row.bytes_so_far <= COMMAND_REPORT_BYTES_MAX);
  return { reports: shown.map(toReport), reportsTruncated: shown.length < rows.length };
}
