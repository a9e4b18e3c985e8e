/**
 * A journal that is taken again from its oldest entry on: which of its entries are stored already?
 *
 * An entry is the same when the same thing stands under its number and its time. Entries that leave no line of
 * their own are let through: storing them again changes nothing.
 */
import type { Entry } from "../../shared/entry.ts";
import type { Names } from "../core/project.ts";
import type { Client } from "../db/pool.ts";
import { toJson } from "./apply.ts";

type Table = "message" | "meter_sample" | "er_health" | "journal_shed" | "journal_set_aside";

/** Where an entry leaves its line: `key` is the station or the meter. */
export type Trace = { table: Table; seq: number; at: number; key?: string; kind?: string; request?: string };

const KNOWN = `
  with r as (
    select row_number() over () - 1 as n, to_timestamp(x.at / 1000.0) as at, x.seq, x.key, x.kind, x.request, x."table"
    from json_to_recordset($1::json) as x("table" text, seq bigint, at float8, key text, kind text, request text)
  )
  select r.n::int as n from r join message m on r."table" = 'message' and m.station_id = r.key and m.at = r.at
    and m.seq = r.seq and m.kind = r.kind and m.request is not distinct from r.request
    and m.er_id = $2 and m.journal_id = any($3::uuid[])
  union
  select r.n::int from r join meter_sample m on r."table" = 'meter_sample' and m.meter_id = r.key and m.at = r.at
  union
  select r.n::int from r join er_health h on r."table" = 'er_health' and h.er_id = $2 and h.journal_id = any($3::uuid[])
    and h.seq = r.seq and h.at = r.at
  union
  select r.n::int from r join journal_shed h on r."table" = 'journal_shed' and h.er_id = $2
    and h.journal_id = any($3::uuid[]) and h.seq = r.seq and h.first_at = r.at
  union
  select r.n::int from r join journal_set_aside h on r."table" = 'journal_set_aside' and h.er_id = $2
    and h.journal_id = any($3::uuid[]) and h.seq = r.seq and h.at = r.at`;

/** @returns which of the rows (by index) are stored under one of the journals. */
export async function knownRows(
  client: Client,
  rows: readonly Trace[],
  erId: string,
  journalIds: readonly string[],
): Promise<Set<number>> {
  if (rows.length === 0) return new Set();
  const traces = rows.map(({ table, seq, at, key, kind, request }) => ({
    table,
    seq,
    at,
    key,
    kind,
    request,
  }));
  const found = await client.query<{ n: number }>(KNOWN, [toJson(traces), erId, journalIds]);
  return new Set(found.rows.map((row) => row.n));
}

function traceOf(entry: Entry, names: Names): Trace | undefined {
  const { seq, at, kind } = entry;
  switch (kind) {
    case "ocpp.handled":
    case "ocpp.rejected":
    case "ocpp.called": {
      const { stationId, request } = entry;
      return { table: "message", seq, at, key: names.stationId(stationId), kind, request };
    }
    case "station.online":
    case "station.offline":
      return { table: "message", seq, at, key: names.stationId(entry.stationId), kind };
    case "meter.sampled":
      return { table: "meter_sample", seq, at, key: names.meterId(entry.meterId) };
    case "er.health":
      return { table: "er_health", seq, at };
    case "journal.shed":
      return { table: "journal_shed", seq, at };
    case "journal.set-aside":
      return { table: "journal_set_aside", seq, at };
    default:
      return undefined;
  }
}

/**
 * The entries that are not stored yet.
 * @param first the number of the oldest entry that its ER still has, where these begin with it. `continues`: one of
 *   these is known, so that what lies before them is known as well.
 */
export async function withoutKnown(
  client: Client,
  entries: readonly Entry[],
  names: Names,
  erId: string,
  history: readonly string[],
): Promise<{ entries: Entry[]; continues: boolean }> {
  const traced = entries.flatMap((entry) => {
    const trace = traceOf(entry, names);
    return trace === undefined ? [] : [{ entry, trace }];
  });
  const found = await knownRows(
    client,
    traced.map(({ trace }) => trace),
    erId,
    history,
  );
  const known = new Set(traced.filter((_, index) => found.has(index)).map(({ entry }) => entry));
  const [first] = traced;
  return {
    entries: entries.filter((entry) => !known.has(entry)),
    continues: first !== undefined && known.has(first.entry),
  };
}
