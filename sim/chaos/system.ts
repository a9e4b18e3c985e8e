/**
 * The system that is broken: (proxy) → ER → (proxy) → RabbitMQ → SG → (proxy) → PostgreSQL, all as processes,
 * with what is needed to break and to mend each of them.
 *
 * Everything lies in one directory, which stays when something was wrong. RabbitMQ and PostgreSQL are its
 * own: they are killed.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { migrate } from "../../cloud/db/migrate.ts";
import { issueApiKey } from "../../cloud/sg.ts";
import type { Status } from "../../edge/io/http.ts";
import { ER_NODE_FLAGS } from "../../edge/node-flags.ts";
import { unreachable } from "../../shared/errors.ts";
import { freePort } from "../services/child.ts";
import { startPostgres, type PostgresServer } from "../services/postgres.ts";
import { startProxy, type FaultProxy } from "../services/proxy.ts";
import { startRabbitmq, type RabbitmqServer } from "../services/rabbitmq.ts";
import { until } from "../services/until.ts";
import { createProgram, type Program } from "./program.ts";
import type { Fault } from "./schedule.ts";

export const SITE = "chaos";
const DELAY_MS_MAX = 800;
const BOOT_MS = 60_000;

export type System = {
  /** Logs, the journal, PostgreSQL's data. */
  dir: string;
  er: Program;
  sg: Program;
  /** `ws://…/ocpp` of the ER, through a proxy. */
  ocppUrl: string;
  apiUrl: string;
  apiKey: string;
  /** Past the proxy. */
  databaseUrl: string;
  /** Breaks a part, waits, and mends it. Sockets that stations lose by themselves are not this file's. */
  breakFor(fault: Fault): Promise<void>;
  /** What the ER says of itself; undefined while it cannot be asked. */
  status(): Promise<Status | undefined>;
  /** Ends ER and SG in order. @returns their exit statuses. */
  stopPrograms(): Promise<{ er: number | string; sg: number | string }>;
  /** Ends what still runs. */
  stop(keepFiles: boolean): Promise<void>;
};

export type SystemOptions = {
  link: "amqp" | "mqtt";
  /** Tokens that may charge. */
  tokens: readonly string[];
};

type Services = {
  dir: string;
  rabbitmq: RabbitmqServer;
  postgres: PostgresServer;
  link: FaultProxy;
  databaseLink: FaultProxy;
  /** Between the stations and the ER. */
  siteLink: FaultProxy;
  ocppPort: number;
};

/** Starts everything and waits until the ER has its policy and ids from the SG. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const services = await startServices(options.link);
  const { dir, rabbitmq, postgres, link, databaseLink, siteLink, ocppPort } = services;
  await migrate(postgres.url);
  const apiKey = await issueApiKey(postgres.url, "default", "chaos");
  await addTokens(postgres.url, options.tokens);
  const [httpPort, sgPort] = [await freePort(), await freePort()];
  const config = join(dir, "er.toml");
  await writeFile(config, erConfig(withPort(rabbitmq[`${options.link}Url`], link.port), ocppPort, httpPort), {
    mode: 0o600,
  });
  const er = createProgram({
    name: "er",
    args: [...ER_NODE_FLAGS, "edge/main.js", "run", "--config", config],
    logFile: join(dir, "er.log"),
  });
  const sg = createProgram({
    name: "sg",
    args: ["cloud/main.ts", "all"],
    env: {
      DATABASE_URL: withPort(postgres.url, databaseLink.port),
      BROKER_URL: rabbitmq.amqpUrl,
      SG_PORT: String(sgPort),
    },
    logFile: join(dir, "sg.log"),
  });
  const status = async (): Promise<Status | undefined> => {
    try {
      const response = await fetch(`http://127.0.0.1:${httpPort}/status`, {
        signal: AbortSignal.timeout(2_000),
      });
      return (await response.json()) as Status;
    } catch {
      return undefined;
    }
  };
  sg.start();
  er.start();
  const ready = async () => {
    const is = await status();
    return is !== undefined && is.link === "up" && is.leasedIdsLeft > 0 && is.policyVersion > 0;
  };
  const system = {
    dir,
    er,
    sg,
    ocppUrl: `ws://127.0.0.1:${siteLink.port}/ocpp`,
    apiUrl: `http://127.0.0.1:${sgPort}`,
    apiKey,
    databaseUrl: postgres.url,
    status,
    breakFor: (fault: Fault) => breakFor(services, { er, sg }, fault),
    stopPrograms: async () => ({ er: await er.stop(), sg: await sg.stop() }),
    stop: async (keepFiles: boolean) => {
      await Promise.all([er.kill(), sg.kill()]);
      await stopServices(services, keepFiles);
    },
  };
  try {
    await until("the ER has heard from the SG", ready, BOOT_MS);
  } catch (error) {
    await system.stop(true);
    throw new Error(`the system did not come up; its logs are in ${dir}`, { cause: error });
  }
  return system;
}

async function startServices(scheme: SystemOptions["link"]): Promise<Services> {
  const dir = await mkdtemp(join(tmpdir(), "moov-chaos-"));
  const [rabbitmq, postgres] = await Promise.all([
    startRabbitmq({ alwaysPrivate: true }),
    // Flushed as in production: what was acknowledged must survive the kill.
    startPostgres({ dir: join(dir, "postgres"), persistent: true, alwaysPrivate: true }),
  ]);
  const link = await startProxy(Number(new URL(rabbitmq[`${scheme}Url`]).port));
  const databaseLink = await startProxy(postgres.port);
  const ocppPort = await freePort();
  const siteLink = await startProxy(ocppPort);
  return { dir, rabbitmq, postgres, link, databaseLink, siteLink, ocppPort };
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

function erConfig(brokerUrl: string, ocppPort: number, httpPort: number): string {
  return `er = "er-chaos"
site = "${SITE}"
data_dir = "er"
[broker]
url = "${brokerUrl}"
[ocpp]
host = "127.0.0.1"
port = ${ocppPort}
auth = "open"
heartbeat_interval_s = 30
unknown_token = "deny"
[http]
port = ${httpPort}
`;
}

async function addTokens(databaseUrl: string, tokens: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("insert into id_token (operator_id, id_token) select 'default', unnest($1::text[])", [
      tokens,
    ]);
  } finally {
    await client.end();
  }
}

async function breakFor(
  services: Services,
  programs: { er: Program; sg: Program },
  fault: Fault,
): Promise<void> {
  const { rabbitmq, postgres } = services;
  const forMs = () => sleep(fault.forMs);
  switch (fault.part) {
    case "er":
    case "sg": {
      const program = programs[fault.part];
      await program.kill();
      await forMs();
      return program.start();
    }
    case "rabbitmq":
      await rabbitmq.stopNode("SIGKILL");
      await forMs();
      return rabbitmq.startNode();
    case "postgres":
      await postgres.kill("SIGKILL");
      await forMs();
      return postgres.restart();
    case "link":
    case "database link":
    case "stations": {
      const { link, databaseLink, siteLink } = services;
      const proxy = { link, "database link": databaseLink, stations: siteLink }[fault.part];
      breakLink(proxy, fault);
      await forMs();
      return proxy.heal();
    }
    default:
      unreachable(fault.part);
  }
}

function breakLink(proxy: FaultProxy, { kind, dice }: Fault): void {
  switch (kind) {
    case "cut":
      return proxy.cut();
    case "reset":
      return proxy.reset();
    case "delay":
      return proxy.delay(50 + (dice % DELAY_MS_MAX));
    case "stall":
      return proxy.stall();
    case "half-open":
      return proxy.halfOpen();
    case "half-open up":
      return proxy.halfOpen("up");
    case "half-open down":
      return proxy.halfOpen("down");
    case "kill":
    case "lose sockets":
      return;
    default:
      unreachable(kind);
  }
}

async function stopServices(services: Services, keepFiles: boolean): Promise<void> {
  const { dir, rabbitmq, postgres, link, databaseLink, siteLink } = services;
  await Promise.all([link.stop(), databaseLink.stop(), siteLink.stop()]);
  if (keepFiles && rabbitmq.logDir !== undefined) {
    await mkdir(join(dir, "rabbitmq"), { recursive: true });
    await cp(rabbitmq.logDir, join(dir, "rabbitmq"), { recursive: true });
  }
  await Promise.all([rabbitmq.stop(), postgres.stop()]);
  if (!keepFiles) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}
