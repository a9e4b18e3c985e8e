/** Sites and their ERs: is everything charging, and does the box there talk to us? */
import { Type } from "typebox";
import { notFound } from "../problem.ts";
import { conditions, iso, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Er, Site } from "../schemas.ts";
import type { App, Context } from "../app.ts";

/** An ER that said nothing for this long counts as offline: two and a half hellos. */
export const ER_ONLINE = "(e.stopped_at is null and e.last_seen_at > now() - interval '150 seconds')";

const SITES = `
  select s.site_id, s.operator_id, s.name, s.time_zone,
    exists (select 1 from er e where e.site_id = s.site_id and ${ER_ONLINE}) as er_online,
    st.station_count, st.stations_online, c.connector_count, c.stations_faulted, t.active, t.power_w, d.energy_today_wh
  from site s
  cross join lateral (
    select count(*)::int as station_count,
      count(*) filter (where x.online and ${ER_ONLINE})::int as stations_online
    from station x join er e using (er_id) where x.site_id = s.site_id
  ) st
  cross join lateral (
    select count(*) filter (where c.evse_id > 0)::int as connector_count,
      count(distinct c.station_id) filter (where c.status = 'Faulted')::int as stations_faulted
    from connector c join station x using (station_id) where x.site_id = s.site_id
  ) c
  cross join lateral (
    select count(*)::int as active,
      coalesce(sum(t.power_w) filter (where t.last_sample_at > now() - interval '15 minutes'), 0)::bigint as power_w
    from transaction t where t.site_id = s.site_id and t.ended_at is null
  ) t
  cross join lateral (
    select coalesce(sum(greatest(0, coalesce(t.meter_stop_wh, t.last_energy_wh) - t.meter_start_wh)), 0)::bigint
      as energy_today_wh
    from transaction t where t.site_id = s.site_id
      and t.started_at >= date_trunc('day', now() at time zone s.time_zone) at time zone s.time_zone
  ) d`;

type SiteRow = {
  site_id: string;
  operator_id: string;
  name: string;
  time_zone: string;
  er_online: boolean;
  station_count: number;
  stations_online: number;
  stations_faulted: number;
  connector_count: number;
  active: number;
  power_w: number;
  energy_today_wh: number;
};

const toSite = (r: SiteRow): Site => ({
  siteId: r.site_id,
  operatorId: r.operator_id,
  name: r.name,
  timeZone: r.time_zone,
  erOnline: r.er_online,
  stationCount: r.station_count,
  stationsOnline: r.stations_online,
  stationsFaulted: r.stations_faulted,
  connectorCount: r.connector_count,
  activeTransactions: r.active,
  powerW: r.power_w,
  energyTodayWh: r.energy_today_wh,
});

const ERS = `
  select e.*, ${ER_ONLINE} as online, coalesce(j.seq, 0) as acked_seq,
    (select count(*)::int from parked_entry p where p.er_id = e.er_id) as parked
  from er e left join journal j on j.er_id = e.er_id and j.journal_id = e.journal_id`;

type ErRow = {
  er_id: string;
  site_id: string;
  operator_id: string;
  online: boolean;
  last_seen_at: Date | null;
  release: string | null;
  started_at: Date | null;
  journal_id: string | null;
  journal_seq: number;
  acked_seq: number;
  policy_version: number;
  clock: string | null;
  clock_offset_ms: number | null;
  parked: number;
};

const toEr = (r: ErRow): Er => ({
  erId: r.er_id,
  siteId: r.site_id,
  operatorId: r.operator_id,
  online: r.online,
  lastSeenAt: iso(r.last_seen_at),
  release: r.release,
  startedAt: iso(r.started_at),
  journalId: r.journal_id,
  ackedSeq: r.acked_seq,
  journalSeq: Math.max(r.journal_seq, r.acked_seq),
  backlog: Math.max(0, r.journal_seq - r.acked_seq),
  policyVersion: r.policy_version === 0 ? null : r.policy_version,
  clock: r.clock,
  clockOffsetMs: r.clock_offset_ms,
  parkedEntries: r.parked,
});

export function siteRoutes(app: App, { pool, requireActor }: Context): void {
  app.get(
    "/v1/sites",
    {
      schema: {
        operationId: "listSites",
        tags: ["sites"],
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("Site") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("s.operator_id = $1", actor.operatorId);
      const after = readCursor(request.query, 1);
      where.add("s.site_id > ?", after?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await pool.query<SiteRow>(
        `${SITES} where ${where.sql} order by s.site_id limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.site_id], toSite);
    },
  );

  app.get(
    "/v1/sites/:siteId",
    {
      schema: {
        operationId: "getSite",
        tags: ["sites"],
        params: Type.Object({ siteId: Type.String() }),
        response: { 200: Type.Ref("Site") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { siteId } = request.params;
      const { rows } = await pool.query<SiteRow>(`${SITES} where s.operator_id = $1 and s.site_id = $2`, [
        actor.operatorId,
        siteId,
      ]);
      if (rows[0] === undefined) throw notFound("site", siteId);
      return toSite(rows[0]);
    },
  );

  const ErQuery = Type.Object({ ...PageQuery, siteId: Type.Optional(Type.String()) });
  app.get(
    "/v1/ers",
    {
      schema: {
        operationId: "listErs",
        tags: ["ers"],
        querystring: ErQuery,
        response: { 200: PageOf("Er") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("e.operator_id = $1", actor.operatorId);
      where.add("e.site_id = ?", request.query.siteId);
      where.add("e.er_id > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await pool.query<ErRow>(
        `${ERS} where ${where.sql} order by e.er_id limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.er_id], toEr);
    },
  );

  app.get(
    "/v1/ers/:erId",
    {
      schema: {
        operationId: "getEr",
        tags: ["ers"],
        params: Type.Object({ erId: Type.String() }),
        response: { 200: Type.Ref("Er") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { erId } = request.params;
      const { rows } = await pool.query<ErRow>(`${ERS} where e.operator_id = $1 and e.er_id = $2`, [
        actor.operatorId,
        erId,
      ]);
      if (rows[0] === undefined) throw notFound("ER", erId);
      return toEr(rows[0]);
    },
  );
}
