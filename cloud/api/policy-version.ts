/**
 * The rules changed: sites get a new policy version, and their ERs hear of it at once.
 *
 * Versions grow with the time, so that a database restored from a backup never gives other rules a version
 * that an ER already has.
 */
import type { Client } from "../db/pool.ts";

/** @param siteId only this site; without it every site of the operator. */
export async function bumpPolicy(client: Client, operatorId: string, siteId?: string): Promise<void> {
  await client.query(
    `update site set policy_version =
       greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
     where operator_id = $1 and ($2::text is null or site_id = $2)`,
    [operatorId, siteId ?? null],
  );
  await client.query("select pg_notify('sg_policy', $1)", [operatorId]);
}
