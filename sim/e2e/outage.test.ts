/**
 * Real processes under faults: stations → ER → RabbitMQ (through our fault proxy) → SG → PostgreSQL.
 * Programs are killed and the wire is cut in a loop; in the end, what the stations were told must stand in
 * PostgreSQL, each message once.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterEach, describe, expect, inject, it } from "vitest";
import { migrate } from "../../cloud/db/migrate.ts";
import { freePort } from "../services/child.ts";
import { startProxy, type FaultProxy } from "../services/proxy.ts";
import { createTestDatabase, type TestDatabase } from "../services/test-database.ts";
import { until } from "../services/until.ts";
import { startProgram, untilPrinted, type Program } from "./processes.ts";
import { startStationClient } from "./station-client.ts";

type World = {
  dir: string;
  database: TestDatabase;
  proxy: FaultProxy;
  erPort: number;
  startEr: () => Promise<Program>;
  startSg: () => Promise<Program>;
};

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function createWorld(brokerUrl: string, erId: string): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "moov-outage-"));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const database = await createTestDatabase(inject("databaseUrl"), (url) =>
    migrate(url).then(() => undefined),
  );
  cleanups.push(() => database.drop());
  const broker = new URL(brokerUrl);
  const proxy = await startProxy(Number(broker.port));
  cleanups.push(() => proxy.stop());
  const erUrl = new URL(brokerUrl);
  erUrl.port = String(proxy.port);
  const [erPort, httpPort] = [await freePort(), await freePort()];
  const config = join(dir, "er.toml");
  await writeFile(
    config,
    `er = "${erId}"\nsite = "${erId}-site"\ndata_dir = "data"\n[broker]\nurl = "${erUrl.toString()}"\n` +
      `[ocpp]\nhost = "127.0.0.1"\nport = ${erPort}\nauth = "open"\nunknown_token = "allow"\n[http]\nport = ${httpPort}\n`,
  );
  const keep = (program: Program) => {
    cleanups.push(() => (program.running ? program.end("SIGKILL") : Promise.resolve()));
    return program;
  };
  return {
    dir,
    database,
    proxy,
    erPort,
    async startEr() {
      const er = keep(startProgram(["edge/main.js", "run", "--config", config]));
      await untilPrinted(er, "ER started");
      return er;
    },
    async startSg() {
      const env = { DATABASE_URL: database.url, BROKER_URL: brokerUrl, SG_PORT: "0" };
      const sg = keep(startProgram(["cloud/main.ts", "ingest"], env));
      await untilPrinted(sg, "SG started");
      return sg;
    },
  };
}

async function query<T extends pg.QueryResultRow>(
  url: string,
  sql: string,
  params: unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql, params)).rows;
  } finally {
    await client.end();
  }
}

/** Cuts, halves, kills and restarts everything once; the stations go on all the while. */
async function tortureOnce(world: World, er: Program, sg: Program): Promise<{ er: Program; sg: Program }> {
  world.proxy.cut();
  await sleep(700);
  await er.end("SIGKILL");
  er = await world.startEr();
  world.proxy.heal();
  await sleep(700);
  await sg.end("SIGKILL");
  await sleep(300);
  sg = await world.startSg();
  world.proxy.halfOpen();
  await sleep(500);
  world.proxy.heal();
  await sleep(500);
  return { er, sg };
}

describe.each(["amqp", "mqtt"] as const)("outages between ER and SG over %s", (scheme) => {
  it(
    "loses nothing and doubles nothing when programs are killed and the wire is cut",
    { timeout: 120_000 },
    async () => {
      const world = await createWorld(inject(scheme === "amqp" ? "amqpUrl" : "mqttUrl"), `outage-${scheme}`);
      let sg = await world.startSg();
      let er = await world.startEr();
      const stations = Array.from({ length: 5 }, (_, i) =>
        startStationClient({
          url: `ws://127.0.0.1:${world.erPort}/ocpp`,
          id: `${scheme}-${i + 1}`,
          idTag: "TAG",
          intervalMs: 20,
        }),
      );
      await until("every station charges", () => stations.every((s) => s.told.meterValues.length > 3));
      for (let round = 0; round < 2; round++) ({ er, sg } = await tortureOnce(world, er, sg));
      await Promise.all(stations.map((s) => s.finish()));

      const { url } = world.database;
      await until(
        "every transaction has ended in PostgreSQL",
        async () => {
          const [row] = await query<{ n: number }>(
            url,
            // Its stop is the last that a station says: a start that was refused counts as ended before that.
            "select count(*)::int as n from transaction where meter_stop_wh is not null",
          );
          return row?.n === stations.length;
        },
        60_000,
      );
      expect(await query(url, "select * from parked_entry")).toEqual([]);
      expect(await query(url, "select * from journal_gap")).toEqual([]);
      expect(
        await query(url, "select er_id, journal_id, halted from journal where halted is not null"),
      ).toEqual([]);
      expect(await query(url, "select er_id, journal_id from journal")).toHaveLength(1);
      for (const [index, station] of stations.entries()) {
        const stationId = `${scheme}-${index + 1}`;
        const samples = await query<{ wh: string; n: number }>(
          url,
          `select s.energy_import_wh::text as wh, count(*)::int as n from transaction_sample s
         join transaction t using (transaction_id) where t.station_id = $1 group by 1`,
          [stationId],
        );
        const stored = new Set(samples.map((row) => Number(row.wh)));
        const missing = station.told.meterValues.filter((reading) => !stored.has(reading));
        expect(missing, `${stationId} was told that these readings are kept`).toEqual([]);
        const [transaction] = await query<{ n: number; energy: number; ocpp: string }>(
          url,
          `select count(*) over ()::int as n, (meter_stop_wh - meter_start_wh)::int as energy, ocpp_transaction_id as ocpp
         from transaction where station_id = $1`,
          [stationId],
        );
        expect(transaction).toEqual({
          n: 1,
          energy: station.reading - 1_000,
          ocpp: String(station.told.transactionId),
        });
      }
      const doubled = await query(
        url,
        "select journal_id, seq from message group by 1, 2 having count(*) > 1",
      );
      expect(doubled).toEqual([]);
      expect(await er.end("SIGTERM")).toBe(0);
      expect(await sg.end("SIGTERM")).toBe(0);
    },
  );
});
