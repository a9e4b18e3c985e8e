/**
 * Names of a site's things in the whole system. A station is known by its OCPP identity, unless another site already uses it:
 * then by `<site>~<identity>`, so that two parks with a station "1" never share a row.
 */
import type { Names } from "../core/project.ts";
import type { Queryable } from "../db/pool.ts";

export type NameCache = Map<string, string>;

/** Makes the rows of stations not seen before, and fills the cache. Runs in the transaction of the batch. */
export async function ensureStations(
  db: Queryable,
  cache: NameCache,
  identities: Iterable<string>,
  er: { erId: string; siteId: string; operatorId: string },
): Promise<void> {
  const unknown = [...new Set(identities)].filter((identity) => !cache.has(`${er.siteId}/${identity}`));
  if (unknown.length === 0) return;
  await db.query(
    `insert into station (station_id, identity, site_id, er_id, operator_id)
     select case when exists (select 1 from station s where s.station_id = i) then $2 || '~' || i else i end, i, $2, $3, $4
     from unnest($1::text[]) as i
     where not exists (select 1 from station s where s.site_id = $2 and s.identity = i)
     on conflict do nothing`,
    [unknown, er.siteId, er.erId, er.operatorId],
  );
  const { rows } = await db.query<{ identity: string; station_id: string }>(
    "select identity, station_id from station where site_id = $1 and identity = any($2)",
    [er.siteId, unknown],
  );
  for (const row of rows) cache.set(`${er.siteId}/${row.identity}`, row.station_id);
}

export function namesOf(cache: NameCache, er: { erId: string; siteId: string }): Names {
  return {
    stationId: (identity) => cache.get(`${er.siteId}/${identity}`) ?? identity,
    meterId: (meterId) => `${er.erId}.${meterId}`,
  };
}
