/** Sites: is everything charging there, and how do they decide when they are alone? */
import { Type } from "typebox";
import { changeOf } from "../../core/audit.ts";
import { readPublicKey } from "../../ingest/policy.ts";
import type { Queryable } from "../../db/pool.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Site } from "../schemas.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { REGISTER_DIFFERENCE_WH } from "../transaction-view.ts";
import { bumpPolicy } from "../policy-version.ts";
import type { SitePatch, SiteRules } from "../rule-schemas.ts";
import { audit, notifyLive, writeOnce } from "../write.ts";

/** An ER that said nothing for this long counts as offline: two and a half hellos. */
export const ER_ONLINE = "(e.stopped_at is null and e.last_seen_at > now() - interval '150 seconds')";

const SITES = `
  select s.site_id, s.operator_id, s.name, s.time_zone, s.policy_version, s.unknown_token, s.unknown_cap,
    s.revocation, s.default_limit_a, s.stale_after_s, s.old_after_s,
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
    -- The offset keeps it at one look per station: a page of sites does not read the connectors of all of them.
    from station x cross join lateral (select * from connector o where o.station_id = x.station_id offset 0) c
    where x.site_id = s.site_id
  ) c
  cross join lateral (
    select count(*)::int as active,
      coalesce(sum(t.power_w) filter (where t.last_sample_at > now() - interval '15 minutes'), 0)::bigint as power_w
    from transaction t where t.site_id = s.site_id and t.running
  ) t
  cross join lateral (
    select coalesce(sum(greatest(0, ${REGISTER_DIFFERENCE_WH})), 0)::bigint as energy_today_wh
    from transaction t where t.site_id = s.site_id and t.merged_into is null
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
  policy_version: number;
  unknown_token: SiteRules["unknownToken"];
  unknown_cap: SiteRules["unknownCap"];
  revocation: SiteRules["revocation"];
  default_limit_a: number | null;
  stale_after_s: number;
  old_after_s: number;
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
  rules: {
    unknownToken: r.unknown_token,
    unknownCap: r.unknown_cap,
    revocation: r.revocation,
    defaultLimitA: r.default_limit_a,
    staleAfterS: r.stale_after_s,
    oldAfterS: r.old_after_s,
  },
  policyVersion: r.policy_version,
});

/** Fields of a patch and the columns they are kept in. */
const RULE_COLUMNS = [
  ["unknownToken", "unknown_token"],
  ["unknownCap", "unknown_cap"],
  ["revocation", "revocation"],
  ["defaultLimitA", "default_limit_a"],
  ["staleAfterS", "stale_after_s"],
  ["oldAfterS", "old_after_s"],
] as const satisfies readonly (readonly [keyof SitePatch, string])[];

/** @throws ApiProblem 404. */
async function readSite(db: Queryable, actor: Actor, siteId: string): Promise<Site> {
  const { rows } = await db.query<SiteRow>(`${SITES} where s.operator_id = $1 and s.site_id = $2`, [
    actor.operatorId,
    siteId,
  ]);
  if (rows[0] === undefined) throw notFound("site", siteId);
  return toSite(rows[0]);
}

export function siteRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/sites",
    {
      schema: {
        operationId: "listSites",
        ...needs("sites:read"),
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
      const { rows } = await actor.db.query<SiteRow>(
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
        ...needs("sites:read"),
        tags: ["sites"],
        params: Type.Object({ siteId: Type.String() }),
        response: { 200: Type.Ref("Site") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readSite(actor.db, actor, request.params.siteId);
    },
  );

  app.patch(
    "/v1/sites/:siteId",
    {
      schema: {
        operationId: "updateSite",
        ...needs("sites:write"),
        tags: ["sites"],
        description:
          "Merge patch of the site's rules: fields that are absent stay. Its ER hears of it at once.",
        params: Type.Object({ siteId: Type.String() }),
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("SitePatch"),
        response: { 200: Type.Ref("Site") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { siteId } = request.params;
      const patch = request.body as SitePatch;
      const { body } = await writeOnce(actor, request, async (client) => {
        await client.query("select from site where operator_id = $1 and site_id = $2 for update", [
          ...[actor.operatorId, siteId],
        ]);
        const before = await readSite(client, actor, siteId);
        const set = conditions("operator_id = $1 and site_id = $2", actor.operatorId, siteId);
        const changes = RULE_COLUMNS.flatMap(([field, column]) => {
          if (!Object.hasOwn(patch, field)) return [];
          const value = patch[field];
          set.params.push(typeof value === "object" && value !== null ? JSON.stringify(value) : value);
          return [`${column} = $${set.params.length}`];
        });
        const { rows } = await client.query<{ stale_after_s: number; old_after_s: number }>(
          `update site set ${["site_id = site_id", ...changes].join(", ")} where ${set.sql}
           returning stale_after_s, old_after_s`,
          set.params,
        );
        const [row] = rows;
        if (row === undefined) throw notFound("site", siteId);
        if (row.old_after_s < row.stale_after_s)
          throw new ApiProblem(400, "INVALID_RULES", "oldAfterS is not before staleAfterS");
        await bumpPolicy(client, actor.operatorId, siteId);
        const after = await readSite(client, actor, siteId);
        await audit(client, actor, request, "site.update", siteId, changeOf(before.rules, after.rules));
        await notifyLive(client, actor.operatorId, [{ type: "er", siteId }]);
        return { status: 200, body: after };
      });
      return body as Site;
    },
  );

  app.get(
    "/v1/policy-key",
    {
      schema: {
        operationId: "getPolicyKey",
        ...needs("sites:read"),
        tags: ["sites"],
        description: "The public key that signs the policies: an installer pins it in an ER's configuration.",
        response: { 200: Type.Ref("PolicyKey") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const publicKey = await readPublicKey(actor.db);
      if (publicKey === undefined)
        throw new ApiProblem(404, "NO_POLICY_KEY", "no key yet: it is made when the first ingest starts");
      return { publicKey };
    },
  );
}
