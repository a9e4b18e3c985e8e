/**
 * PostgreSQL access: one pool per program, transactions, LISTEN. Nothing else wraps `pg`.
 */
import pg from "pg";
import { describeError } from "../../shared/errors.ts";

export type Pool = pg.Pool;
export type Client = pg.PoolClient;
export type Queryable = Pick<pg.Pool, "query">;

// bigint columns hold Wh, sequence numbers and milliseconds: all far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** @param options.role as whom its connections ask, where that is not who they sign in as. */
export function createPool(url: string, options: { max: number; name: string; role?: string }): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: 10_000,
    // Compiling a plan takes seconds where running it takes milliseconds: row-level security makes plans look dear.
    options: `-c jit=off${options.role === undefined ? "" : ` -c role=${options.role}`}`,
  });
  // A connection that breaks, idle or between two statements, is replaced by the pool, and whoever uses it
  // hears of it from the next statement; without these listeners it would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => void client.on("error", () => undefined));
  return pool;
}

/** Whether the database refused a statement: the connection is as good as before. */
export const isRefusal = (error: unknown): boolean => error instanceof pg.DatabaseError;

/** Runs `work` in one transaction; rolls back and rethrows on any error. */
export const inTransaction = async <T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> =>
  inTransactionOn(await pool.connect(), work);

/** The same on a connection that was taken from its pool for this, and goes back to it. */
export async function inTransactionOn<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

const LISTEN_RETRY_MS = 1_000;

/**
 * LISTENs on channels for as long as the program runs, over connection losses.
 * `onGap` is called after every (re)connect: what was notified meanwhile is unknown, look at the tables.
 */
export function listen(
  url: string,
  channels: readonly string[],
  handlers: {
    onNotify: (channel: string, payload: string) => void;
    onGap: () => void;
    onLost: (reason: string) => void;
  },
) {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, application_name: "sg-listen", keepAlive: true });
    let lost = false;
    const onLost = (reason: string) => {
      if (lost) return;
      lost = true;
      client = undefined;
      void next.end().catch(() => undefined);
      if (stopped) return;
      handlers.onLost(reason);
      timer = setTimeout(() => void connect(), LISTEN_RETRY_MS);
    };
    next.on("error", (error) => onLost(describeError(error)));
    next.on("end", () => onLost("the connection ended"));
    next.on("notification", (message) => handlers.onNotify(message.channel, message.payload ?? ""));
    try {
      await next.connect();
      for (const channel of channels) await next.query(`listen ${channel}`);
      client = next;
      if (stopped) await next.end();
      else handlers.onGap();
    } catch (error) {
      onLost(describeError(error));
    }
  }

  void connect();
  return {
    async stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
