/**
 * A pool for code that knows pools only (a library): what it writes within `run` is one transaction of ours.
 *
 * It begins with the first write, so that nobody holds a connection while a password is being hashed; reads
 * before that ask the pool. Statements go one after the other, each in a savepoint of its own: one that fails
 * fails alone, as it would without us. A transaction that the code begins by itself before ours has begun is
 * its own; after that it is a part of ours. What it does when `run` is over asks the pool again.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Client, Pool, Queryable } from "./pool.ts";

type Result = { command: string; rowCount: number | null; rows: unknown[] };
type Ask = (sql: string, params?: readonly unknown[]) => Promise<Result>;
type Joined = { client: Client | undefined; tail: Promise<unknown>; over: boolean };

const READS = /^\s*select\b(?!.*\bfor (update|share)\b)/is;
/** What is used up must stay so, whatever becomes of the rest; and it is used up before others are waited for. */
const APART = /^\s*(insert into|delete from|update) "?auth_verification\b/i;
const BEGINS = /^\s*(begin|start transaction)\b/i;
const ENDS = /^\s*(commit|rollback)\s*$/i;
const OWN_SAVEPOINT = "joined";

const asAsk = (db: { query: unknown }): Ask => (db.query as Ask).bind(db);

/** One statement after the other. */
function inTurn<T>(joined: Joined, work: () => Promise<T>): Promise<T> {
  const done = joined.tail.then(work);
  joined.tail = done.catch(() => undefined);
  return done;
}

async function alone(ask: Ask, work: () => Promise<Result>): Promise<Result> {
  await ask(`savepoint ${OWN_SAVEPOINT}`);
  try {
    const result = await work();
    await ask(`release savepoint ${OWN_SAVEPOINT}`);
    return result;
  } catch (error) {
    await ask(`rollback to savepoint ${OWN_SAVEPOINT}`);
    throw error;
  }
}

/** A statement of the transaction; without one yet it begins with the first write. */
function askJoined(pool: Pool, joined: Joined, ...args: Parameters<Ask>): Promise<Result> {
  return inTurn(joined, async () => {
    const [sql] = args;
    if (joined.over || (joined.client === undefined && (READS.test(sql) || APART.test(sql))))
      return asAsk(pool)(...args);
    if (joined.client === undefined) {
      const client = await pool.connect();
      joined.client = client;
      await client.query("begin");
    }
    const ask = asAsk(joined.client);
    return alone(ask, () => ask(...args));
  });
}

/** What a library gets from `connect`: a part of the transaction, or a connection of its own until there is one. */
function connection(pool: Pool, joined: Joined) {
  let own: Client | undefined;
  let depth = 0;
  async function begin(sql: string): Promise<Result> {
    if (joined.client === undefined || joined.over) {
      own = await pool.connect();
      return asAsk(own)(sql);
    }
    const ask = asAsk(joined.client);
    depth += 1;
    return inTurn(joined, () => ask("savepoint part"));
  }
  return {
    async query(sql: string, params?: readonly unknown[]): Promise<Result> {
      if (own !== undefined) return asAsk(own)(sql, params);
      if (BEGINS.test(sql)) return begin(sql);
      if (depth === 0 || joined.client === undefined || !ENDS.test(sql))
        return askJoined(pool, joined, sql, params);
      depth -= 1;
      const ask = asAsk(joined.client);
      return inTurn(joined, async () => {
        if (/rollback/i.test(sql)) await ask("rollback to savepoint part");
        return ask("release savepoint part");
      });
    },
    release(error?: Error | boolean): void {
      own?.release(error);
      own = undefined;
    },
  };
}

export type JoinedPool = {
  /** For the code that knows pools only. */
  pool: Pool;
  /** The same, for statements of ours. */
  db: Queryable;
  /** @returns what `work` does, when all of it is committed; on an error nothing of it is. */
  run: <T>(work: () => Promise<T>) => Promise<T>;
};

export function joinedPool(pool: Pool): JoinedPool {
  const current = new AsyncLocalStorage<Joined>();
  const now = () => {
    const joined = current.getStore();
    return joined === undefined || joined.over ? undefined : joined;
  };
  const facade = {
    connect: () => {
      const joined = now();
      return joined === undefined ? pool.connect() : Promise.resolve(connection(pool, joined));
    },
    query: (...args: Parameters<Ask>) => {
      const joined = now();
      return joined === undefined ? asAsk(pool)(...args) : askJoined(pool, joined, ...args);
    },
    end: async () => undefined,
    options: pool.options,
  };

  async function run<T>(work: () => Promise<T>): Promise<T> {
    const joined: Joined = { client: undefined, tail: Promise.resolve(), over: false };
    let broken: Error | undefined;
    try {
      const result = await current.run(joined, work);
      await inTurn(joined, async () => joined.client?.query("commit"));
      return result;
    } catch (error) {
      await inTurn(joined, async () => joined.client?.query("rollback")).catch((failure: unknown) => {
        broken = failure instanceof Error ? failure : new Error(String(failure));
      });
      throw error;
    } finally {
      joined.over = true;
      joined.client?.release(broken);
    }
  }
  return { pool: facade as unknown as Pool, db: facade as unknown as Queryable, run };
}
