/**
 * Reports, as SQL: energy, revenue, utilisation and uptime of sites or stations, by hour, day or month of each
 * site's own clock. Read as the actor, so that a scope of sites is kept by the database as well.
 *
 * Parameters of all: $1 operator, $2 from, $3 to, $4 site or null, $5 station or null, $6 hour, day or month.
 * What is not known is told as such: while an ER is silent nobody knows whether its stations are connected.
 */
import { REPORT_LINES_MAX } from "../shared/limits.ts";
import type { Queryable } from "./db/pool.ts";

export type ReportGroup = "site" | "station";
export type ReportStep = "hour" | "day" | "month";
export type ReportQuery = {
  operatorId: string;
  from: string;
  to: string;
  by: ReportStep;
  group: ReportGroup;
  siteId?: string | undefined;
  stationId?: string | undefined;
};

/** One line: numbers are integers, a currency is the only text besides the keys. */
export type ReportLine = {
  siteId: string;
  stationId: string | null;
  /** Beginning of the hour, day or month. */
  start: string;
  values: Readonly<Record<string, number | string | null>>;
};

export type Report = { columns: readonly string[]; sql: (group: ReportGroup) => string };

const keys = (group: ReportGroup, of: string) =>
  group === "site" ? `${of}.site_id, null::text as station_id` : `${of}.site_id, ${of}.station_id`;
const filter = (of: string) =>
  `${of}.operator_id = $1 and ($4::text is null or ${of}.site_id = $4) and ($5::text is null or ${of}.station_id = $5)`;

/** What comes of rows of `energy_hour`. */
const energy = (group: ReportGroup) => `
  select ${keys(group, "h")}, date_trunc($6, h.hour, s.time_zone) as start, sum(h.energy_wh)::bigint as "energyWh",
    sum(h.occupied_s)::bigint as "occupiedS", count(distinct h.transaction_id) as transactions
  from energy_hour h join site s using (site_id)
  where ${filter("h")} and h.hour >= $2 and h.hour < $3
  group by 1, 2, 3 order by 3, 1, 2`;

/** CDRs that stand: one that was corrected does not. */
const revenue = (group: ReportGroup) => `
  select ${keys(group, "c")}, date_trunc($6, c.ended_at, s.time_zone) as start, c.currency, count(*) as cdrs,
    sum(c.energy_wh)::bigint as "energyWh", sum(c.net_minor)::bigint as "netMinor",
    sum(c.tax_minor)::bigint as "taxMinor", sum(c.total_minor)::bigint as "totalMinor"
  from cdr c join site s using (site_id)
  where ${filter("c")} and c.ended_at >= $2 and c.ended_at < $3
    and not exists (select from cdr n where n.corrects = c.cdr_id)
  group by 1, 2, 3, 4 order by 3, 1, 2, 4`;

/**
 * Stations and the parts of the time that they have existed in, of it up to now. A part may be cut by the ends of
 * the report.
 */
const PARTS = `
  place as materialized (
    select st.station_id, st.site_id, st.er_id, s.time_zone as zone,
      greatest(1, (select count(*) from evse e where e.station_id = st.station_id and e.evse_id > 0)) as evses,
      greatest($2::timestamptz, st.created_at) as from_at, least($3::timestamptz, now()) as to_at
    from station st join site s using (site_id)
    where ${filter("st")}
  ), part as materialized (
    select p.station_id, p.site_id, p.evses, b.at at time zone p.zone as start,
      greatest(p.from_at, b.at at time zone p.zone) as from_at,
      least(p.to_at, (b.at + ('1 ' || $6)::interval) at time zone p.zone) as to_at
    from place p cross join lateral generate_series(date_trunc($6, p.from_at at time zone p.zone),
      p.to_at at time zone p.zone, ('1 ' || $6)::interval) b(at)
    where p.to_at > p.from_at
  )`;

const length = (of: string) => `extract(epoch from ${of}.to_at - ${of}.from_at)`;

/** Time with a transaction, of the time of all EVSEs. */
const utilisation = (group: ReportGroup) => `
  with ${PARTS}, used as (
    select h.station_id, date_trunc($6, h.hour, p.zone) as start, sum(h.occupied_s) as occupied_s
    from energy_hour h join place p using (station_id) where h.hour >= $2 and h.hour < $3 and h.operator_id = $1
    group by 1, 2
  )
  select site_id, ${group === "site" ? "null::text" : "station_id"} as station_id, start, "occupiedS", "availableS",
    case when "availableS" > 0 then
      least(10000, round("occupiedS" * 10000.0 / "availableS"))::int end as "utilisationBp"
  from (
    select ${keys(group, "part")}, part.start, coalesce(sum(u.occupied_s), 0)::bigint as "occupiedS",
      sum(${length("part")} * part.evses)::bigint as "availableS"
    from part left join used u on u.station_id = part.station_id and u.start = part.start
    where part.to_at > part.from_at
    group by 1, 2, 3
  ) x order by start, site_id, station_id`;

/**
 * Connections and their ends as the ERs told them, however late. A box that started again had lost all of them
 * when it was last heard of. What a silent box would tell is not known.
 */
const uptime = (group: ReportGroup) => `
  with ${PARTS}, heard as (
    select p.*, least(p.to_at, case when e.last_seen_at > now() - interval '150 seconds' then now()
      else coalesce(e.last_seen_at, p.from_at) end) as known_to
    from place p left join er e using (er_id)
  ), word as (
    select h.station_id, h.from_at as at, case when l.at > coalesce(b.at, '-infinity') then l.online
      when b.at is not null then false end as online
    from heard h
    left join lateral (
      select m.at, m.kind = 'station.online' as online from message m where m.station_id = h.station_id
        and m.kind in ('station.online', 'station.offline') and m.at < h.from_at
      order by m.at desc, m.seq desc limit 1) l on true
    left join lateral (
      select max(x.started_at) as at from er_boot x where x.er_id = h.er_id and x.started_at < h.from_at) b on true
    union all
    select m.station_id, m.at, m.kind = 'station.online' from heard h join message m using (station_id)
    where m.kind in ('station.online', 'station.offline') and m.at >= h.from_at and m.at < h.known_to
    union all
    select h.station_id, greatest(h.from_at, coalesce((select max(x.at) from er_health x where x.er_id = b.er_id
      and x.at < b.started_at), b.started_at)), false
    from heard h join er_boot b using (er_id) where b.started_at >= h.from_at and b.started_at < h.known_to
  ), span as (
    select w.station_id, w.online, w.at as from_at,
      greatest(w.at, coalesce(lead(w.at) over (partition by w.station_id order by w.at, w.online nulls first),
        h.known_to)) as to_at
    from word w join heard h using (station_id)
  ), told as (
    select part.station_id, part.start,
      sum(extract(epoch from least(s.to_at, part.to_at) - greatest(s.from_at, part.from_at)))
        filter (where s.online) as online_s,
      sum(extract(epoch from least(s.to_at, part.to_at) - greatest(s.from_at, part.from_at)))
        filter (where not s.online) as offline_s
    from part join span s on s.station_id = part.station_id and s.from_at < part.to_at and s.to_at > part.from_at
    group by 1, 2
  ), line as (
    select ${keys(group, "part")}, part.start, coalesce(sum(t.online_s), 0) as online_s,
      coalesce(sum(t.offline_s), 0) as offline_s, sum(${length("part")}) as all_s
    from part left join told t on t.station_id = part.station_id and t.start = part.start
    where part.to_at > part.from_at
    group by 1, 2, 3
  )
  select site_id, station_id, start, round(online_s)::bigint as "onlineS", round(offline_s)::bigint as "offlineS",
    greatest(0, round(all_s - online_s - offline_s))::bigint as "unknownS",
    case when online_s + offline_s > 0 then round(online_s * 10000 / (online_s + offline_s))::int end as "uptimeBp"
  from line order by start, site_id, station_id`;

export const REPORTS = {
  energy: { columns: ["energyWh", "occupiedS", "transactions"], sql: energy },
  revenue: {
    columns: ["currency", "cdrs", "energyWh", "netMinor", "taxMinor", "totalMinor"],
    sql: revenue,
  },
  utilisation: { columns: ["occupiedS", "availableS", "utilisationBp"], sql: utilisation },
  uptime: { columns: ["onlineS", "offlineS", "unknownS", "uptimeBp"], sql: uptime },
} as const satisfies Readonly<Record<string, Report>>;
export type ReportName = keyof typeof REPORTS;

type Row = { site_id: string; station_id: string | null; start: Date } & Record<string, unknown>;

/** The lines, one more than are allowed where there are too many. */
export async function readReport(db: Queryable, name: ReportName, query: ReportQuery): Promise<ReportLine[]> {
  const report: Report = REPORTS[name];
  const { operatorId, from, to, siteId = null, stationId = null, by, group } = query;
  const { rows } = await db.query<Row>(`${report.sql(group)} limit ${REPORT_LINES_MAX + 1}`, [
    ...[operatorId, from, to, siteId, stationId, by],
  ]);
  return rows.map((row) => ({
    siteId: row.site_id,
    stationId: row.station_id,
    start: row.start.toISOString(),
    values: Object.fromEntries(
      report.columns.map((column) => {
        const value = row[column];
        return [column, value === null || column === "currency" ? (value as string | null) : Number(value)];
      }),
    ),
  }));
}

/** Stations times steps: what utilisation and uptime have to look at. */
export async function stationsOf(db: Queryable, query: ReportQuery): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from station st where st.operator_id = $1
       and ($2::text is null or st.site_id = $2) and ($3::text is null or st.station_id = $3)`,
    [query.operatorId, query.siteId ?? null, query.stationId ?? null],
  );
  return rows[0]?.n ?? 0;
}
