/**
 * The token of a guest, as ERs ask about it: it stands in no list and no policy, and lives as long as its
 * session charges or is about to.
 */
import type { OfferedTariff } from "../../shared/tariff.ts";
import type { Queryable } from "../db/pool.ts";

export type GuestToken = {
  /** The station's own name. */
  identity: string;
  cap_energy_wh: number | null;
  /** What was shown before paying: it is what is billed, so it is what the station shows. */
  tariff: OfferedTariff | null;
};

/** What a guest's token may at a site, while its session is open: as the cloud answers an ER. */
export async function guestTokenAt(
  db: Queryable,
  siteId: string,
  idToken: string,
): Promise<GuestToken | undefined> {
  const { rows } = await db.query<GuestToken>(
    `select s.identity, g.cap_energy_wh, case when v.version is not null then
       json_build_object('tariffId', v.tariff_id, 'version', v.version, 'terms', v.terms) end as tariff
     from guest_session g join station s using (station_id)
       left join tariff_version v on v.tariff_id = g.tariff_id::uuid and v.version = g.tariff_version
     where g.site_id = $1 and g.operator_id = s.operator_id and g.id_token_key = lower($2)
       and g.state in ('starting', 'plug-in', 'charging')`,
    [siteId, idToken],
  );
  return rows[0];
}
