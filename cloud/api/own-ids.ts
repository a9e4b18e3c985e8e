/** Ids that this SG gives to reservations and charging profiles: never those that it leases to an ER. */
import type { LeasedResource } from "../../shared/entry.ts";
import { LEASE_BLOCK_SIZE } from "../../shared/limits.ts";
import type { Client } from "../db/pool.ts";
import { takeBlock } from "../ingest/ask.ts";

/** The next id. Two that take the last one of a block at the same time lose the rest of a block: no harm. */
export async function takeOwnId(
  client: Client,
  resource: Exclude<LeasedResource, "transaction">,
): Promise<number> {
  const taken = await client.query<{ id: number }>(
    "update own_id set next = next + 1 where resource = $1 and next < past returning next - 1 as id",
    [resource],
  );
  const [row] = taken.rows;
  if (row !== undefined) return row.id;
  const first = await takeBlock(client, resource);
  await client.query(
    `insert into own_id (resource, next, past) values ($1, $2, $3)
     on conflict (resource) do update set next = excluded.next, past = excluded.past`,
    [resource, first + 1, first + LEASE_BLOCK_SIZE],
  );
  return first;
}
