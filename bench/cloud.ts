/**
 * The cloud's side of a benchmark: `sg ingest` as its own process on a database of its own, and the limit of
 * that database: COPY of the same rows into tables of the same shape.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import pg from "pg";
import { migrate } from "../cloud/db/migrate.ts";
import { createPool, type Pool } from "../cloud/db/pool.ts";
import { AppError } from "../shared/errors.ts";
import { freePort, spawnGuarded } from "../sim/services/child.ts";
import { ID_TOKEN } from "./frames.ts";
import { ROOT, type Context } from "./harness.ts";

export type Cloud = {
  pid: number;
  pool: Pool;
  /** Last entry of an ER that is committed. */
  cursor(erId: string): Promise<number>;
  /** Resolves when everything up to `seq` is committed. */
  until(erId: string, seq: number, deadlineMs: number): Promise<void>;
  /** Messages per second of a COPY of those after `seq` with their samples, and how many they are. */
  copy(afterSeq: number): Promise<{ rows: number; perS: number }>;
  /** Ends it: the next one's queues are the same. */
  stop(): Promise<void>;
  /** Waits until PostgreSQL has written what it holds, so that one round does not pay for another. */
  checkpoint(): Promise<void>;
};

const READY_MS = 20_000;
const POLL_MS = 20;

/** Starts it and resolves when it answers; the bench's token is known, its operator is `default`. */
export async function startCloud(context: Context, brokerUrl: string): Promise<Cloud> {
  const databaseUrl = await context.services.database();
  await migrate(databaseUrl);
  const port = await freePort();
  const dir = context.dir();
  const profile =
    context.profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${context.profileDir}`];
  const child = spawnGuarded({
    command: process.execPath,
    args: [...profile, join(ROOT, "cloud/main.ts"), "ingest"],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      BROKER_URL: brokerUrl,
      SG_PORT: String(port),
      LOG_LEVEL: "warn",
    },
    cwd: ROOT,
    logFile: join(dir, "sg.log"),
    lastSignal: "KILL",
  });
  const pool = createPool(databaseUrl, { max: 2, name: "bench" });
  const stop = async () => {
    await child.end("SIGTERM", 10_000);
    if (!pool.ended) await pool.end();
  };
  context.onEnd(stop);
  const deadline = performance.now() + READY_MS;
  for (let ready = false; !ready; await sleep(POLL_MS)) {
    if (performance.now() > deadline)
      throw new AppError("BENCH_CLOUD", `sg ingest does not start:\n${child.logTail()}`);
    const said = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      (response) => response.text(),
      () => "",
    );
    ready = said.includes('"broker":"ok"');
  }
  await pool.query("insert into id_token (operator_id, id_token) values ('default', $1)", [ID_TOKEN]);

  const cursor = async (erId: string) => {
    const { rows } = await pool.query<{ seq: number }>(
      "select max(seq)::bigint as seq from journal where er_id = $1",
      [erId],
    );
    return Number(rows[0]?.seq ?? 0);
  };
  return {
    pid: child.pid,
    pool,
    cursor,
    async until(erId, seq, deadlineMs) {
      const end = performance.now() + deadlineMs;
      for (let at = await cursor(erId); at < seq; at = await cursor(erId)) {
        if (performance.now() > end) {
          throw new AppError(
            "BENCH_CLOUD",
            `only ${at} of ${seq} entries arrived in ${deadlineMs} ms:\n${child.logTail()}`,
          );
        }
        await sleep(POLL_MS);
      }
    },
    stop,
    copy: (afterSeq) => copySame(pool, afterSeq),
    async checkpoint() {
      await pool.query("checkpoint");
    },
  };
}

/**
 * Out to a file of the server, then in from it, as one transaction each. Only the way in is timed. Both
 * tables have the columns and indexes of the real ones, without their partitions.
 */
async function copySame(pool: Pool, afterSeq: number): Promise<{ rows: number; perS: number }> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ dir: string }>("select current_setting('data_directory') as dir");
    const file = (name: string) => pg.escapeLiteral(join(rows[0]?.dir ?? "", `bench-${name}.copy`));
    const messages = `select * from message where seq > ${afterSeq}`;
    const since = `(select min(at) from message where seq > ${afterSeq})`;
    const samples = `select * from transaction_sample where at >= ${since}`;
    const sources = { message: messages, transaction_sample: samples };
    for (const [name, source] of Object.entries(sources)) {
      await client.query(`copy (${source}) to ${file(name)}`);
      await client.query(`drop table if exists bench_${name}`);
      await client.query(`create table bench_${name} (like ${name} including all)`);
    }
    await client.query("checkpoint");
    const start = performance.now();
    const copied = await client.query(`copy bench_message from ${file("message")}`);
    await client.query(`copy bench_transaction_sample from ${file("transaction_sample")}`);
    const perS = ((copied.rowCount ?? 0) / (performance.now() - start)) * 1_000;
    return { rows: copied.rowCount ?? 0, perS };
  } finally {
    client.release();
  }
}
