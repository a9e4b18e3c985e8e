/**
 * The token of a guest, as ERs ask about it: it stands in no list and no policy, and lives as long as its
 * session charges or is about to.
 */
import type { Queryable } from "../db/pool.ts";

/** What a guest's token may at a site, while its session is open: as the cloud answers an ER. */
export async function guestTokenAt(
  db: Queryable,
  siteId: string,
  idToken: string,
): Promise<{ identity: string; capEnergyWh: number | null } | undefined> {
  const { rows } = await db.query<{ identity: string; cap: number | null }>(
    `select s.identity, g.cap_energy_wh as cap from guest_session g join station s using (station_id)
     where g.site_id = $1 and g.operator_id = s.operator_id and g.id_token_key = lower($2)
       and g.state in ('starting', 'plug-in', 'charging')`,
    [siteId, idToken],
  );
  return rows[0] === undefined ? undefined : { identity: rows[0].identity, capEnergyWh: rows[0].cap };
}
