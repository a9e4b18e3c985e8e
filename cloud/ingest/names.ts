/**
 * Names of a site's things in the whole system. A station is known by its OCPP identity, unless another
 * site already uses it: then by `<site>~<identity>`, so that two parks with a station "1" never share a
 * row.
 */
import { AppError } from "../../shared/errors.ts";
import type { Names } from "../core/project.ts";
import type { Queryable } from "../db/pool.ts";

/**
 * `<site>/<identity>` → station id. Holds committed rows only, which never change, so that nothing has to
 * be forgotten.
 */
export type NameCache = Map<string, string>;

type Place = { erId: string; siteId: string; operatorId: string };

/**
 * More than the plain and the long name are needed only where somebody chose the long name of another site.
 */
const CANDIDATES = 5;

function candidate(identity: string, siteId: string, attempt: number): string {
  if (attempt === 0) return identity;
  return attempt === 1 ? `${siteId}~${identity}` : `${siteId}~${identity}~${attempt}`;
}

async function find(db: Queryable, siteId: string, identities: string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ identity: string; station_id: string }>(
    "select identity, station_id from station where site_id = $1 and identity = any($2)",
    [siteId, identities],
  );
  return new Map(rows.map((row) => [row.identity, row.station_id]));
}

/**
 * Makes the rows of stations not seen before, in the transaction of the batch.
 * @returns the station id of each identity.
 */
export async function ensureStations(
  db: Queryable,
  cache: NameCache,
  identities: Iterable<string>,
  er: Place,
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const unknown: string[] = [];
  // Sorted, so that two ERs that make the same names at the same time wait for each other and never in a
  // circle.
  for (const identity of [...new Set(identities)].sort()) {
    const known = cache.get(`${er.siteId}/${identity}`);
    if (known === undefined) unknown.push(identity);
    else names.set(identity, known);
  }
  if (unknown.length === 0) return names;
  for (const [identity, id] of await find(db, er.siteId, unknown)) {
    names.set(identity, id);
    cache.set(`${er.siteId}/${identity}`, id);
  }
  for (let attempt = 0; attempt < CANDIDATES; attempt++) {
    const missing = unknown.filter((identity) => !names.has(identity));
    if (missing.length === 0) break;
    await db.query(
      `insert into station (station_id, identity, site_id, er_id, operator_id)
       select id, identity, $3, $4, $5 from unnest($1::text[], $2::text[]) as n(id, identity)
       on conflict do nothing`,
      [missing.map((i) => candidate(i, er.siteId, attempt)), missing, er.siteId, er.erId, er.operatorId],
    );
    for (const [identity, id] of await find(db, er.siteId, missing)) names.set(identity, id);
  }
  return names;
}

/** @throws AppError NAME_UNKNOWN from `stationId` for an identity that got no row: never another site's. */
export function namesOf(stations: ReadonlyMap<string, string>, er: { erId: string }): Names {
  return {
    stationId(identity) {
      const id = stations.get(identity);
      if (id === undefined)
        throw new AppError("NAME_UNKNOWN", `no row could be made for the station "${identity}"`);
      return id;
    },
    meterId: (meterId) => `${er.erId}.${meterId}`,
  };
}
