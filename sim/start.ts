/**
 * `npm start`: the whole system on one machine, with nothing to install.
 *
 * SG (all roles) in this process on an embedded PostgreSQL and an embedded MQTT broker, one ER as its own
 * process, simulated stations and a simulated meter. DATABASE_URL and BROKER_URL replace the embedded parts with
 * real ones, MERCADO_PAGO_URL the payment provider with one that moves no money (`sim/pay`). Data live under DATA_DIR
 * (./data) and are kept. Stations are not asked for a password, so the ER listens on this machine only unless ER_HOST
 * says otherwise.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pino, { type Logger } from "pino";
import pretty from "pino-pretty";
import { migrate } from "../cloud/db/migrate.ts";
import { ROLES, startSg } from "../cloud/sg.ts";
import { loadMeterModels } from "../edge/io/modbus.ts";
import { ER_NODE_FLAGS } from "../edge/node-flags.ts";
import { AppError, describeError } from "../shared/errors.ts";
import {
  asking,
  ensureCredentials,
  ensurePrices,
  ensureTokens,
  guestAddress,
  TOKENS,
  type Credentials,
} from "./demo.ts";
import { GUEST_STATION_ID, startFleet } from "./fleet.ts";
import { createLoad, startSimMeter } from "./modbus-meter.ts";
import { buildPage } from "./page-build.ts";
import { startAedes } from "./services/aedes.ts";
import { startPostgres } from "./services/postgres.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const METER_MODEL = "eastron-sdm630";
/** For the first simulated station to be heard of. */
const STATION_MS_MAX = 10_000;
/** What else draws power at the demo site. */
const BUILDING_W = 3_800;

type Settings = {
  dataDir: string;
  databaseUrl: string | undefined;
  brokerUrl: string | undefined;
  sgPort: number;
  erPort: number;
  erHost: string;
  withSim: boolean;
  mercadoPagoUrl: string | undefined;
};
type Stop = () => Promise<unknown>;

function portOf(name: string, fallback: number): number {
  const text = process.env[name];
  const port = text === undefined || text === "" ? fallback : Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new AppError("CONFIG_INVALID", `${name} is "${text ?? ""}", not a port number`);
}

function readSettings(): Settings {
  const { values } = parseArgs({ options: { "no-sim": { type: "boolean" } } });
  return {
    dataDir: resolve(process.env["DATA_DIR"] ?? join(ROOT, "data")),
    databaseUrl: process.env["DATABASE_URL"],
    brokerUrl: process.env["BROKER_URL"],
    sgPort: portOf("SG_PORT", 8080),
    erPort: portOf("ER_PORT", 9220),
    erHost: process.env["ER_HOST"] ?? "127.0.0.1",
    withSim: values["no-sim"] !== true,
    mercadoPagoUrl: process.env["MERCADO_PAGO_URL"],
  };
}

function erConfig(settings: Settings, brokerUrl: string, meterPort: number | undefined): string {
  const meter = `
[[modbus]]
kind = "tcp"
host = "127.0.0.1"
port = ${meterPort ?? 0}
[[modbus.meters]]
id = "grid"
model = "${METER_MODEL}"
unit_id = 1
interval_s = 5
`;
  return `# Written by \`npm start\` at every start.
er = "er-demo"
site = "demo"
site_name = "Demo"
time_zone = "${Intl.DateTimeFormat().resolvedOptions().timeZone}"
data_dir = "."
[broker]
url = "${brokerUrl}"
[ocpp]
host = "${settings.erHost}"
port = ${settings.erPort}
auth = "open"
heartbeat_interval_s = 60
[http]
port = 0
[log]
level = "warn"
${meterPort === undefined ? "" : meter}`;
}

/** A log line of the ER, said again by this process's logger. */
function relay(line: string, logger: Logger): void {
  try {
    const {
      level,
      msg,
      time: _time,
      pid: _pid,
      hostname: _hostname,
      ...fields
    } = JSON.parse(line) as Record<string, unknown>;
    logger[logger.levels.labels[Number(level)] as "info" | "warn" | "error"](fields, String(msg));
  } catch {
    logger.warn(line);
  }
}

/** The ER as its own process, started again when it ends by itself. */
function superviseEr(configPath: string, logger: Logger): { ready: Promise<void>; stop: Stop } {
  let child: ChildProcess | undefined;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  const ready = new Promise<void>((done, failed) => {
    const start = (first: boolean) => {
      child = spawn(
        process.execPath,
        [...ER_NODE_FLAGS, join(ROOT, "edge/main.js"), "run", "--config", configPath],
        {
          stdio: ["ignore", "pipe", "inherit", "ipc"],
        },
      );
      if (child.stdout !== null) createInterface(child.stdout).on("line", (line) => relay(line, logger));
      child.once("message", () => done());
      child.once("exit", (code) => {
        if (stopping) return;
        if (first)
          failed(
            new AppError(
              "ER_NOT_STARTED",
              `the ER ended with code ${String(code)}; its reason stands above`,
              {
                hint: "if a port is taken, ER_PORT moves it",
              },
            ),
          );
        else logger.error({ code }, "the ER ended; starting it again");
        timer = setTimeout(() => start(false), 1_000);
      });
    };
    start(true);
  });
  return {
    ready,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      if (child === undefined || child.exitCode !== null) return;
      const ended = new Promise((done) => child?.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function startMeter(): Promise<{
  port: number;
  onPower: (watts: number, mA: number[]) => void;
  stop: Stop;
}> {
  const load = createLoad(() => Date.now(), { importWh: 48_211_000 });
  load.setPower("building", BUILDING_W);
  const model = loadMeterModels().get(METER_MODEL);
  if (model === undefined) throw new AppError("METER_MODEL", `no data file for ${METER_MODEL}`);
  const meter = await startSimMeter({ model, unitId: 1, reading: () => load.reading(), listen: { tcp: 0 } });
  return {
    port: meter.port ?? 0,
    onPower: (watts, currentsMa) => {
      const total = currentsMa.reduce((sum, mA) => sum + mA, 0);
      currentsMa.forEach((mA, phase) => {
        load.setPower(`stations-L${phase + 1}`, total === 0 ? 0 : (watts * mA) / total, [
          (phase + 1) as 1 | 2 | 3,
        ]);
      });
    },
    stop: () => meter.close(),
  };
}

function banner(
  settings: Settings,
  { apiKey, owner }: Credentials,
  path: string,
  guest: string | undefined,
): string {
  const pay =
    guest === undefined
      ? ""
      : `\n    guest      ${guest}   what the code at a connector opens; no money moves`;
  const person = owner === undefined ? "" : `\n    sign in    ${owner.email}   ${owner.password}`;
  return `
  Moov.olt is running.

    page       http://localhost:${settings.sgPort}/#key=${apiKey}${person}
    API        http://localhost:${settings.sgPort}/docs        Authorization: Bearer ${apiKey}${pay}
    stations   ws://localhost:${settings.erPort}/ocpp/<stationId>   OCPP 1.6, 2.0.1 and 2.1, no password (lab mode)
    tokens     ${TOKENS.map((t) => t.idToken).join(", ")}
    data       ${settings.dataDir}   (key and password are in ${path})

  Ctrl-C ends it; the data stay.
`;
}

async function start(settings: Settings, stops: Stop[]): Promise<void> {
  const { dataDir } = settings;
  mkdirSync(join(dataDir, "er"), { recursive: true, mode: 0o700 });
  const logger = pino(
    { level: process.env["LOG_LEVEL"] ?? "warn" },
    pretty({ colorize: process.stdout.isTTY, sync: true }),
  );
  console.log("Starting PostgreSQL, broker, SG and ER …");
  const page = buildPage();
  let databaseUrl = settings.databaseUrl;
  if (databaseUrl === undefined) {
    const postgres = await startPostgres({
      dir: join(dataDir, "postgres"),
      persistent: true,
      binaries: "embedded",
    });
    stops.push(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  let brokerUrl = settings.brokerUrl;
  if (brokerUrl === undefined) {
    const password = randomBytes(24).toString("base64url");
    const broker = await startAedes({ users: { moov: password } });
    stops.push(() => broker.stop());
    brokerUrl = `mqtt://moov:${password}@127.0.0.1:${broker.port}`;
  }
  await migrate(databaseUrl);
  const credentials = join(dataDir, "credentials.json");
  const known = await ensureCredentials(credentials, databaseUrl);
  await ensureTokens(databaseUrl);
  await page;
  const sg = await startSg(
    {
      roles: ROLES,
      databaseUrl,
      brokerUrl,
      host: "127.0.0.1",
      port: settings.sgPort,
      defaultOperatorId: "default",
      filesDir: join(dataDir, "files"),
      // A demonstration may show how a guest pays: no money moves.
      sandboxPayments: true,
      ...(settings.mercadoPagoUrl === undefined ? {} : { mercadoPagoUrl: settings.mercadoPagoUrl }),
    },
    logger.child({ part: "sg" }),
  );
  stops.push(() => sg.stop());
  const ask = asking(`http://127.0.0.1:${settings.sgPort}`, known.apiKey);
  // Prices belong to whoever runs a database of their own.
  if (settings.databaseUrl === undefined) await ensurePrices(ask, credentials);

  const meter = settings.withSim ? await startMeter() : undefined;
  if (meter !== undefined) stops.push(meter.stop);
  const configPath = join(dataDir, "er", "er.toml");
  writeFileSync(configPath, erConfig(settings, brokerUrl, meter?.port), { mode: 0o600 });
  const er = superviseEr(configPath, logger.child({ part: "er" }));
  stops.push(er.stop);
  await er.ready;
  if (meter !== undefined) {
    const url = `ws://127.0.0.1:${settings.erPort}/ocpp`;
    const tokens = TOKENS.map(({ idToken }) => ({ idToken, type: "ISO14443" }));
    const fleet = startFleet({ url, tokens, seed: Date.now() % 1_000_000, onTotalPower: meter.onPower });
    stops.push(() => fleet.stop());
  }
  const guest = settings.withSim ? await guestAddress(ask, GUEST_STATION_ID, STATION_MS_MAX) : undefined;
  console.log(banner(settings, known, credentials, guest));
}

async function main(): Promise<void> {
  const stops: Stop[] = [];
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    for (const end of stops.reverse()) {
      await end().catch((error: unknown) => console.error(`stopping: ${describeError(error)}`));
    }
    process.exit(code);
  };
  process.on("SIGINT", () => void stop(0));
  process.on("SIGTERM", () => void stop(0));
  try {
    await start(readSettings(), stops);
  } catch (error) {
    const hint = error instanceof AppError && error.hint !== undefined ? `\n  what to do: ${error.hint}` : "";
    console.error(
      `npm start: ${error instanceof AppError ? `${error.code}: ` : ""}${describeError(error)}${hint}`,
    );
    await stop(1);
  }
}

void main();
