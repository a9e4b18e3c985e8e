/** A station that never connected gets its row beforehand, so that what is wanted of it is there when it comes. */
import { Check } from "typebox/value";
import { StationId } from "../../shared/ids.ts";
import type { Client } from "../db/pool.ts";
import { ensureStations } from "../ingest/names.ts";
import type { Actor } from "./actor.ts";
import { ApiProblem, notFound } from "./problem.ts";
import { bumpPolicy } from "./policy-version.ts";
import { notifyLive } from "./write.ts";

export type Place = { stationId: string; siteId: string; protocol: string | null };

const PLACE = "select station_id, site_id, protocol from station where operator_id = $1";
type Row = { station_id: string; site_id: string; protocol: string | null };
const toPlace = (row: Row): Place => ({
  stationId: row.station_id,
  siteId: row.site_id,
  protocol: row.protocol,
});

/** @throws ApiProblem 404. */
export async function findStation(client: Client, actor: Actor, stationId: string): Promise<Place> {
  const { rows } = await client.query<Row>(`${PLACE} and station_id = $2`, [actor.operatorId, stationId]);
  if (rows[0] === undefined) throw notFound("station", stationId);
  return toPlace(rows[0]);
}

/** @throws ApiProblem 404 no such site; 400 SITE_REQUIRED; 409 NO_ER. */
async function siteFor(client: Client, actor: Actor, siteId: string | undefined) {
  const { rows } = await client.query<{ site_id: string; er_id: string | null }>(
    `select s.site_id, (select e.er_id from er e where e.site_id = s.site_id
       order by e.last_seen_at desc nulls last limit 1) as er_id
     from site s where s.operator_id = $1 and ($2::text is null or s.site_id = $2) limit 2`,
    [actor.operatorId, siteId ?? null],
  );
  const [site, other] = rows;
  if (site === undefined && siteId !== undefined) throw notFound("site", siteId);
  if (site === undefined || other !== undefined)
    throw new ApiProblem(400, "SITE_REQUIRED", "the station is new: tell its siteId");
  const { site_id, er_id: erId } = site;
  if (erId === null)
    throw new ApiProblem(409, "NO_ER", `the site "${site_id}" has no ER: it comes with its first connection`);
  return { siteId: site_id, erId, operatorId: actor.operatorId };
}

/** @throws ApiProblem 400 INVALID_IDENTITY; 409 STATION_EXISTS; those of a site that cannot be found. */
export async function createStation(
  client: Client,
  actor: Actor,
  identity: string,
  siteId: string | undefined,
): Promise<Place> {
  // An ER takes no policy that names a station as none can be named.
  if (!Check(StationId, identity))
    throw new ApiProblem(400, "INVALID_IDENTITY", "a station is named by 1 to 64 characters, none of / ? #");
  const place = await siteFor(client, actor, siteId);
  const known = await client.query<Row>(`${PLACE} and site_id = $2 and identity = $3`, [
    ...[actor.operatorId, place.siteId, identity],
  ]);
  if (known.rows[0] !== undefined)
    throw new ApiProblem(409, "STATION_EXISTS", `the site has the station "${known.rows[0].station_id}"`);
  // Not the cache of the ingest: this row may be rolled back.
  const names = await ensureStations(client, new Map(), [identity], place);
  const stationId = names.get(identity);
  if (stationId === undefined)
    throw new ApiProblem(409, "NAME_TAKEN", `no name can be found for the station "${identity}"`);
  return findStation(client, actor, stationId);
}

/** The station, or a new one of this name. @throws ApiProblem as `createStation` does. */
export async function findOrCreate(
  client: Client,
  actor: Actor,
  stationId: string,
  siteId: string | undefined,
): Promise<Place> {
  const { rows } = await client.query<Row>(`${PLACE} and station_id = $2`, [actor.operatorId, stationId]);
  return rows[0] === undefined ? createStation(client, actor, stationId, siteId) : toPlace(rows[0]);
}

/** The site's ER hears of it. @returns the version of the policy that says so. */
export async function tellSite(client: Client, actor: Actor, { siteId, stationId }: Place): Promise<number> {
  await bumpPolicy(client, actor.operatorId, siteId);
  await notifyLive(client, actor.operatorId, [{ type: "station", siteId, stationId }]);
  const { rows } = await client.query<{ policy_version: number }>(
    "select policy_version from site where site_id = $1",
    [siteId],
  );
  return rows[0]?.policy_version ?? 0;
}
