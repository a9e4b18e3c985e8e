/**
 * The CSMS that the suite starts itself when it is given none: ER and SG as the processes that are delivered,
 * between them an embedded broker, below an embedded PostgreSQL or a given database. Stations have passwords.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../../cloud/db/migrate.ts";
import { issueApiKey } from "../../cloud/sg.ts";
import type { Status } from "../../edge/io/http.ts";
import { hashPassword } from "../../shared/password.ts";
import { ER_NODE_FLAGS } from "../../edge/node-flags.ts";
import { startProgram, untilPrinted, type Program } from "../e2e/processes.ts";
import { startAedes } from "../services/aedes.ts";
import { freePort } from "../services/child.ts";
import { startPostgres } from "../services/postgres.ts";
import { until } from "../services/until.ts";
import { CASE_IDS } from "./case-ids.ts";
import type { Csms } from "./csms.ts";
import { createMoovApi } from "./moov.ts";
import { startProvider } from "./provider.ts";
import { stationIdOf } from "./suite.ts";

const PREFIX = "CS-";
const PASSWORD = "a-password-of-stations";
/** The API takes so many requests per key and minute, and the suite is in a hurry. */
const KEYS = 6;
const READY_MS = 60_000;

export type System = { csms: Csms; stop(): Promise<void>; logs(): string };

async function erConfig(brokerUrl: string, ocppPort: number, httpPort: number): Promise<string> {
  const hash = await hashPassword(Buffer.from(PASSWORD));
  const stations = CASE_IDS.map(
    ({ id }) =>
      `[[ocpp.stations]]\nid = "${stationIdOf({ prefix: PREFIX }, id)}"\npassword_hash = "${hash}"\n`,
  );
  return `er = "er-conformance"
site = "conformance"
data_dir = "data"
[broker]
url = "${brokerUrl}"
[http]
port = ${httpPort}
[log]
level = "warn"
[ocpp]
host = "127.0.0.1"
port = ${ocppPort}
auth = "basic"
${stations.join("")}`;
}

async function isReady(httpPort: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/status`, { signal: AbortSignal.timeout(2_000) });
    const status = (await answer.json()) as Status;
    return status.link === "up" && status.policyVersion > 0 && status.leasedIdsLeft > 0;
  } catch {
    return false;
  }
}

/** Starts it and waits until the ER has its rules and ids. @param databaseUrl an empty database, if there is one. */
export async function startSystem(databaseUrl?: string): Promise<System> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  const programs: Program[] = [];
  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Program => {
    const program = startProgram(args, env);
    programs.push(program);
    stops.push(() => (program.running ? program.end() : Promise.resolve()));
    return program;
  };
  try {
    const dir = await mkdtemp(join(tmpdir(), "moov-conformance-"));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    if (databaseUrl === undefined) {
      const postgres = await startPostgres({ fsync: false, alwaysPrivate: true });
      stops.push(() => postgres.stop());
      databaseUrl = postgres.url;
    }
    const broker = await startAedes();
    stops.push(() => broker.stop());
    const provider = await startProvider();
    stops.push(() => provider.stop());
    await migrate(databaseUrl);
    const keys: string[] = [];
    while (keys.length < KEYS) keys.push(await issueApiKey(databaseUrl, "default", `suite-${keys.length}`));
    const [sgPort, ocppPort, httpPort] = [await freePort(), await freePort(), await freePort()];
    const config = join(dir, "er.toml");
    await writeFile(config, await erConfig(broker.url, ocppPort, httpPort), { mode: 0o600 });
    const [DATABASE_URL, BROKER_URL, SG_PORT] = [databaseUrl, broker.url, String(sgPort)];
    const sg = start(["cloud/main.ts", "all"], {
      DATABASE_URL,
      BROKER_URL,
      SG_PORT,
      SG_PASS_ON_URL: provider.url,
    });
    const er = start([...ER_NODE_FLAGS, "edge/main.js", "run", "--config", config]);
    await untilPrinted(sg, "SG started", READY_MS);
    await until(
      "the ER has its rules and ids",
      () => {
        if (er.running) return isReady(httpPort);
        throw new Error(`the ER has ended: ${er.output()}`);
      },
      READY_MS,
    );
    const api = createMoovApi(`http://127.0.0.1:${sgPort}`, keys);
    const ocppUrl = `ws://127.0.0.1:${ocppPort}/ocpp`;
    return {
      csms: { ocppUrl, prefix: PREFIX, password: PASSWORD, token: undefined, api, provider },
      stop,
      logs: () => programs.map((program) => program.output()).join("\n"),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
