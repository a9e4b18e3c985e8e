/** What a site's policy says of single stations: which are held, and which passwords count for them. */
import { given } from "../../shared/given.ts";
import { POLICY_STATIONS_MAX } from "../../shared/limits.ts";
import type { PolicyStation } from "../../shared/policy.ts";
import type { Queryable } from "../db/pool.ts";

type Row = {
  identity: string;
  registration: "Accepted" | "Pending" | "Rejected";
  retry_interval_s: number | null;
  passwords: { hash: string; state: "current" | "told" }[];
};

const STATIONS = `
  select s.identity, s.registration, s.retry_interval_s, coalesce(p.passwords, '[]') as passwords
  from station s
  left join lateral (
    -- What is shown most often comes first.
    select json_agg(json_build_object('hash', p.hash, 'state', p.state) order by p.state, p.set_at desc) as passwords
    from station_password p where p.station_id = s.station_id
  ) p on true
  where s.site_id = $1 and (s.registration <> 'Accepted' or p.passwords is not null)
  order by s.identity limit ${POLICY_STATIONS_MAX}`;

function toStation({ identity, registration, retry_interval_s: retry, passwords }: Row): PolicyStation {
  const hashes = passwords.map(({ hash }) => hash);
  const proved = passwords.some(({ state }) => state === "current");
  const held = registration === "Accepted" ? undefined : registration;
  return {
    stationId: identity,
    ...given("registration", held),
    ...given("retryIntervalS", held === undefined ? undefined : (retry ?? undefined)),
    ...given("passwordHashes", hashes.length === 0 ? undefined : hashes),
    ...(hashes.length > 0 && !proved ? { configuredPassword: true } : {}),
  };
}

/** Of a site's stations those of which something unusual is wanted. */
export async function readPolicyStations(db: Queryable, siteId: string): Promise<PolicyStation[]> {
  const { rows } = await db.query<Row>(STATIONS, [siteId]);
  return rows.map(toStation);
}
