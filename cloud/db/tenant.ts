/**
 * PostgreSQL as one operator sees it: queries under row-level security (migration 0012), the second wall
 * behind the conditions that every query carries itself.
 *
 * Connections of their own, as the role `moov_tenant`. Each remembers whom it was told to ask for, so that
 * telling it costs a question only when it changes hands. What is nobody's (whose key is this?) and what is
 * everybody's (ingest, jobs) asks the ordinary pool.
 */
import type { SiteScope } from "../core/access.ts";
import { createPool, inTransactionOn, isRefusal, type Client, type Pool, type Queryable } from "./pool.ts";

export type TenantDb = Queryable & {
  /** One transaction; rolled back and rethrown on any error. */
  transaction: <T>(work: (client: Client) => Promise<T>) => Promise<T>;
};

/** A pool to the same database whose connections stand behind the wall and see nothing until they are told. */
export function tenantPool({ options }: Pool): Pool {
  const name = `${options.application_name ?? "sg"}-tenant`;
  return createPool(options.connectionString ?? "", { max: options.max, name, role: "moov_tenant" });
}

/** Whom a connection asks for now. */
const toldTo = new WeakMap<Client, string>();

async function take(pool: Pool, operatorId: string, sites: string): Promise<Client> {
  const client = await pool.connect();
  const who = `${operatorId}\n${sites}`;
  if (toldTo.get(client) === who) return client;
  try {
    // Outside of any transaction: a roll-back would take it back, and the map would not know.
    await client.query(
      "select set_config('moov.operator_id', $1, false), set_config('moov.site_ids', $2, false)",
      [operatorId, sites],
    );
    toldTo.set(client, who);
    return client;
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}

/** @param behind a `tenantPool`. @param siteIds null: every site of the operator. */
export function tenantDb(behind: Pool, operatorId: string, siteIds: SiteScope): TenantDb {
  const sites = siteIds === null ? "*" : siteIds.join("\n");
  async function query(...args: Parameters<Pool["query"]>) {
    const client = await take(behind, operatorId, sites);
    let broken: Error | undefined;
    try {
      return await (client.query as (...all: unknown[]) => Promise<unknown>)(...args);
    } catch (error) {
      if (!isRefusal(error)) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }
  return {
    query: query as unknown as Queryable["query"],
    transaction: async (work) => inTransactionOn(await take(behind, operatorId, sites), work),
  };
}
