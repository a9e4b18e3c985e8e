/**
 * The configuration of an ER: one TOML file, checked before anything starts.
 *
 * Every error names the key and says what is wrong with it; an unknown key is an error too, since it is mostly a typo.
 * Secrets come from files (`password_file`, or systemd's $CREDENTIALS_DIRECTORY), never from the command line.
 */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { Type, type Static } from "typebox";
import { OneOf } from "../shared/schema.ts";
import { Compile } from "typebox/compile";
import { Protocol } from "../shared/entry.ts";
import { AppError } from "../shared/errors.ts";
import { StationId, TopicId } from "../shared/ids.ts";
import { PASSWORD_HASH_PATTERN } from "./io/password.ts";

const strict = { additionalProperties: false } as const;
const Port = Type.Integer({ minimum: 0, maximum: 65_535 });
const Name = Type.String({ minLength: 1, maxLength: 100 });

const Meter = Type.Object(
  {
    id: TopicId,
    model: Type.String({ minLength: 1, maxLength: 64 }),
    unit_id: Type.Integer({ minimum: 1, maximum: 247 }),
    interval_s: Type.Number({ minimum: 0.2, maximum: 3_600, default: 10 }),
  },
  strict,
);

const Bus = Type.Union([
  Type.Object({ kind: Type.Literal("tcp"), host: Name, port: Port, meters: Type.Array(Meter) }, strict),
  Type.Object({ kind: Type.Literal("rtu-over-tcp"), host: Name, port: Port, meters: Type.Array(Meter) }, strict),
  Type.Object(
    {
      kind: Type.Literal("rtu"),
      path: Name,
      baud_rate: Type.Integer({ minimum: 1_200, maximum: 115_200 }),
      parity: Type.Union([Type.Literal("none"), Type.Literal("even"), Type.Literal("odd")]),
      stop_bits: Type.Union([Type.Literal(1), Type.Literal(2)]),
      meters: Type.Array(Meter),
    },
    strict,
  ),
]);

const ConfigFile = Type.Object(
  {
    er: TopicId,
    site: TopicId,
    site_name: Type.Optional(Name),
    time_zone: Type.Optional(Name),
    data_dir: Name,
    broker: Type.Object(
      { url: Name, password_file: Type.Optional(Name), ca_file: Type.Optional(Name) },
      strict,
    ),
    ocpp: Type.Object(
      {
        host: Type.Optional(Name),
        port: Port,
        auth: Type.Union([Type.Literal("basic"), Type.Literal("open")]),
        heartbeat_interval_s: Type.Optional(Type.Integer({ minimum: 10, maximum: 86_400 })),
        assume_protocol: Type.Optional(Protocol),
        authorization: Type.Optional(Type.Union([Type.Literal("online-first"), Type.Literal("local")])),
        unknown_token: Type.Optional(Type.Union([Type.Literal("allow"), Type.Literal("deny")])),
        stations: Type.Optional(
          Type.Array(
            Type.Object({ id: StationId, password_hash: Type.String({ pattern: PASSWORD_HASH_PATTERN }) }, strict),
            { maxItems: 5_000 },
          ),
        ),
      },
      strict,
    ),
    http: Type.Optional(Type.Object({ port: Port }, strict)),
    journal: Type.Optional(
      Type.Object({ retention_hours: Type.Integer({ minimum: 0, maximum: 24 * 366 }) }, strict),
    ),
    log: Type.Optional(
      Type.Object(
        {
          level: OneOf(["trace", "debug", "info", "warn", "error"]),
        },
        strict,
      ),
    ),
    modbus: Type.Optional(Type.Array(Bus, { maxItems: 32 })),
  },
  strict,
);
export type Config = Static<typeof ConfigFile>;

const validator = Compile(ConfigFile);

/** `/ocpp/port` → `[ocpp] port`; `/modbus/0/host` → `modbus[0].host`. */
function keyOf(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  if (parts.length === 0) return "the file";
  return parts.reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === "" ? part : `${path}.${part}`), "");
}

type Issue = { keyword: string; instancePath: string; message: string; params: unknown };

function describeIssue(issue: Issue): string {
  const params = issue.params as { additionalProperties?: string[]; requiredProperties?: string[]; allowedValue?: unknown };
  const key = keyOf(issue.instancePath);
  if (issue.keyword === "additionalProperties") {
    return `${key}: unknown key ${params.additionalProperties?.map((name) => `"${name}"`).join(", ") ?? ""}`;
  }
  if (issue.keyword === "required") {
    return `${key}: missing ${params.requiredProperties?.map((name) => `"${name}"`).join(", ") ?? "a key"}`;
  }
  return `${key}: ${issue.message}`;
}

/** Rules that a schema cannot say. */
function contradictions(config: Config): string[] {
  const found: string[] = [];
  const scheme = /^(amqps?|mqtts?):\/\//.test(config.broker.url);
  if (!scheme) found.push('broker.url: must begin with amqp://, amqps://, mqtt:// or mqtts://');
  if (config.ocpp.auth === "basic" && (config.ocpp.stations ?? []).length === 0) {
    found.push('ocpp.stations: empty, so with auth = "basic" no station could ever connect (er hash-password makes a hash)');
  }
  if (config.ocpp.auth === "open" && (config.ocpp.stations ?? []).length > 0) {
    found.push('ocpp.stations: passwords are given, but auth = "open" would not check them');
  }
  const meterIds = (config.modbus ?? []).flatMap((bus) => bus.meters.map((meter) => meter.id));
  const twice = meterIds.find((id, index) => meterIds.indexOf(id) !== index);
  if (twice !== undefined) found.push(`modbus: the meter id "${twice}" is used twice`);
  try {
    new Intl.DateTimeFormat("en", { timeZone: config.time_zone });
  } catch {
    found.push(`time_zone: "${config.time_zone ?? ""}" is no IANA time zone such as "America/Sao_Paulo"`);
  }
  return found;
}

/** @throws AppError CONFIG_INVALID listing every problem. */
export function parseConfig(text: string, path: string): Config {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new AppError("CONFIG_INVALID", `${path} is no TOML: line ${error.line}, column ${error.column}`, { cause: error });
  }
  const problems = validator.Check(value)
    ? contradictions(value)
    : [...new Set([...validator.Errors(value)].map((issue) => describeIssue(issue as Issue)))];
  if (problems.length > 0) {
    throw new AppError("CONFIG_INVALID", `${path} is not valid:\n${problems.map((p) => `  - ${p}`).join("\n")}`, {
      hint: "docs/operating.md lists every key; `er config check` tries the file without starting anything",
    });
  }
  return value as Config;
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("FILE_UNREADABLE", `${what} ${path} cannot be read`, { cause });
  }
}

/** Reads the file; relative paths inside it are relative to its folder. */
export function loadConfig(path: string): Config {
  const config = parseConfig(readText(path, "the configuration"), path);
  return { ...config, data_dir: resolve(dirname(resolve(path)), config.data_dir) };
}

/** Broker URL with its password from a file, and the CA to trust. */
export function brokerAccess(config: Config): { url: string; ca?: string } {
  const url = new URL(config.broker.url);
  const credentials = process.env["CREDENTIALS_DIRECTORY"];
  const file = config.broker.password_file ?? (credentials === undefined ? undefined : join(credentials, "broker-password"));
  if (file !== undefined) url.password = encodeURIComponent(readText(file, "the broker password").trim());
  const ca = config.broker.ca_file;
  return { url: url.toString(), ...(ca === undefined ? {} : { ca: readText(ca, "the CA") }) };
}
