/**
 * One simulated charging station on the command line, to try any CSMS with.
 *
 * Prints every frame and what the official schemas have against it. Commands come from stdin, one a line.
 */
import { createInterface } from "node:readline";
import { randomFillSync } from "node:crypto";
import { parseArgs, styleText } from "node:util";
import { AppError, describeError } from "../shared/errors.ts";
import { driversComeAndGo } from "./station/behaviours/drivers.ts";
import { drawCar } from "./station/car.ts";
import { systemClock } from "./station/clock.ts";
import { httpFiles } from "./station/http-files.ts";
import { frameChecker } from "./station/schemas.ts";
import { socketTransport } from "./station/socket.ts";
import { createStation } from "./station/station.ts";
import type { EvseOptions, OcppVersion, Station, StationEvent } from "./station/types.ts";

const HELP = `A simulated charging station.

Usage: npm run sim:station -- --url ws://host:9220/ocpp --id CP1 [options]

  --url URL         the CSMS, without the station's id (default ws://127.0.0.1:9220/ocpp)
  --id ID           the station's identity, the last part of its URL (default CP1)
  --version V       1.6, 2.0.1 or 2.1 (default 1.6)
  --password TEXT   for HTTP Basic authentication; the user is the id
  --connectors N    how many cars can charge at the same time, 1 to 20 (default 1)
  --power KW        of each connector, 1 to 400 (default 22); from 50 on it is a DC station
  --token TOKEN     the card that drivers carry (default DEMO-1)
  --auto            drivers come and go by themselves
  --ping SECONDS    send a WebSocket ping this often (default 0: never)
  --help            this text

While it runs, type commands:

  plug [N]          put a cable into a car at connector N (default 1)
  token [TOKEN] [N] show a card at connector N: starts a charge, or stops the one it started
  unplug [N]        drive away
  fault [N] [CODE]  break connector N (GroundFailure, …); without a code it is well again
  lose [SECONDS]    lose the network (default 30); charging goes on, messages wait
  reboot            restart the station
  status            how things are
  quit              stop charging, say so, and leave (like Ctrl-C; twice leaves at once)

→ is what the station says, ← what the CSMS says, ! what the standard has against it.
`;

type Settings = {
  url: string;
  id: string;
  version: OcppVersion;
  password: string | undefined;
  evses: EvseOptions[];
  token: string;
  auto: boolean;
  pingIntervalMs: number;
};

const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  process.stdout.isTTY ? styleText(style, text) : text;
const print = (text: string) => process.stdout.write(`${text}\n`);

function readSettings(args: string[]): Settings | "help" {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: "string", default: "ws://127.0.0.1:9220/ocpp" },
      id: { type: "string", default: "CP1" },
      version: { type: "string", default: "1.6" },
      password: { type: "string" },
      connectors: { type: "string", default: "1" },
      power: { type: "string", default: "22" },
      token: { type: "string", default: "DEMO-1" },
      auto: { type: "boolean", default: false },
      ping: { type: "string", default: "0" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const { url, id, version, password, token, auto } = values;
  if (version !== "1.6" && version !== "2.0.1" && version !== "2.1")
    throw usage(`--version is 1.6, 2.0.1 or 2.1, not ${version}`);
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) {
    throw usage(`--url begins with ws:// or wss://, ${url} does not`);
  }
  const tokenMax = version === "1.6" ? 20 : 36;
  if (token.length > tokenMax) throw usage(`--token has at most ${tokenMax} characters in OCPP ${version}`);
  const connectors = number("--connectors", values.connectors, 1, 20);
  const maxPowerW = Math.round(number("--power", values.power, 1, 400) * 1_000);
  const kind = maxPowerW >= 50_000 ? "DC" : "AC";
  const phases = kind === "AC" && maxPowerW <= 7_400 ? 1 : 3;
  return {
    url,
    id,
    version,
    password,
    token,
    auto,
    evses: Array.from({ length: connectors }, () => ({ connectors: 1, maxPowerW, phases, kind })),
    pingIntervalMs: number("--ping", values.ping, 0, 3_600) * 1_000,
  };
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw usage(`${name} is a number from ${min} to ${max}, not ${text}`);
}

function usage(message: string): AppError {
  return new AppError("usage", message, { hint: "See --help." });
}

function run(settings: Settings): void {
  const check = frameChecker(settings.version);
  const station = createStation({
    id: settings.id,
    version: settings.version,
    evses: settings.evses,
    ...(settings.password === undefined ? {} : { password: settings.password }),
    clock: systemClock,
    random: () => randomFillSync(new Uint32Array(1))[0] ?? 0,
    transportFactory: socketTransport(settings),
    files: httpFiles,
    behaviours: settings.auto
      ? [driversComeAndGo({ tokens: [{ idToken: settings.token }], firstArrivalMs: [200, 1_000] })]
      : [],
    onFrame(direction, text) {
      const arrow = direction === "sent" ? paint("cyan", "→") : paint("magenta", "←");
      print(`${time()} ${arrow} ${paintFrame(text)}`);
      const fault = check(direction, text);
      if (fault !== undefined) print(`${time()} ${paint("red", `! ${fault}`)}`);
    },
    onEvent: (event) => printEvent(event, settings),
  });
  let leaving = false;
  const leave = () => {
    if (leaving) process.exit(130);
    leaving = true;
    commands.close();
    print("leaving …");
    void station.stop();
  };
  const commands = createInterface({ input: process.stdin });
  commands.on("line", (line) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === "quit") return leave();
    try {
      obey(station, words, settings);
    } catch (error) {
      print(paint("red", describeError(error)));
    }
  });
  process.on("SIGINT", leave);
  process.on("SIGTERM", leave);
}

function obey(station: Station, [word = "", first, second]: string[], settings: Settings): void {
  const at = (text: string | undefined) => number("the connector", text ?? "1", 1, settings.evses.length);
  switch (word) {
    case "":
      return;
    case "plug":
      return station.plugIn(at(first), drawCar(station.random));
    case "token":
      return station.presentToken(at(second), { idToken: first ?? settings.token });
    case "unplug":
      if (station.unplug(at(first)) === undefined) print("no car is plugged in there");
      return;
    case "fault":
      return station.fault(at(first), second);
    case "lose":
      return station.loseSocket(number("the duration in seconds", first ?? "30", 0, 86_400) * 1_000);
    case "reboot":
      return station.reboot();
    case "status":
      return printStatus(station);
    case "help":
      print(HELP);
      return;
    default:
      throw usage(`there is no command ${word}`);
  }
}

function printStatus(station: Station): void {
  const { connected, booted, queued, evses } = station.state();
  const link = booted ? "in service" : connected ? "connected, not accepted" : "not connected";
  print(`${station.id} (OCPP ${station.version}): ${link}, ${queued} message(s) waiting`);
  for (const { evseId, connectors, powerW, meterWh, socPercent, transaction, reservedFor } of evses) {
    const state = connectors.map((connector) => connector.state).join(", ");
    const soc = socPercent === undefined ? "" : `, car at ${socPercent.toFixed(0)} %`;
    const energy =
      transaction === undefined
        ? ""
        : `, ${(transaction.energyWh / 1_000).toFixed(2)} kWh for ${transaction.idToken}`;
    const meter = `meter ${(meterWh / 1_000).toFixed(2)} kWh`;
    const kept = reservedFor === undefined ? "" : `, kept for ${reservedFor}`;
    print(`  ${evseId}: ${state}, ${(powerW / 1_000).toFixed(1)} kW, ${meter}${soc}${energy}${kept}`);
  }
}

function printEvent(event: StationEvent, { url, id }: Settings): void {
  const say = (text: string) => print(`${time()} ${paint("dim", `· ${text}`)}`);
  if (event.kind === "connected") say(`connected to ${url} as ${id}`);
  if (event.kind === "disconnected") {
    say(`not connected: ${event.reason === "" ? `closed with ${event.code}` : event.reason}`);
  }
  if (event.kind === "authorized" && !event.accepted) say("the card was refused");
  if (event.kind === "status" && event.evseId > 0) say(`connector ${event.evseId}: ${event.state}`);
}

/** The action or answer first, in colour, then the payload. */
function paintFrame(text: string): string {
  try {
    const [type, id, third, fourth] = JSON.parse(text) as unknown[];
    const rest = (value: unknown) => paint("dim", JSON.stringify(value));
    if (type === 2) return `${paint("bold", String(third))} ${rest(fourth)} ${paint("dim", String(id))}`;
    if (type === 3) return `${paint("green", "result")} ${rest(third)} ${paint("dim", String(id))}`;
    return `${paint("red", `error ${String(third)}`)} ${String(fourth)} ${paint("dim", String(id))}`;
  } catch {
    return text;
  }
}

function time(): string {
  return paint("dim", new Date(systemClock.now()).toISOString().slice(11, 23));
}

try {
  const settings = readSettings(process.argv.slice(2));
  if (settings === "help") print(HELP);
  else run(settings);
} catch (error) {
  const hint = error instanceof AppError && error.hint ? ` ${error.hint}` : " See --help.";
  process.stderr.write(`${describeError(error)}.${hint}\n`);
  process.exitCode = 2;
}
