/**
 * The configuration of an ER: one TOML file, checked before anything starts.
 *
 * Every error names the key and says what is wrong with it; an unknown key is an error too, since it is
 * mostly a typo. Secrets come from files (`password_file`, or systemd's $CREDENTIALS_DIRECTORY), never from
 * the command line.
 */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../shared/schema.ts";
import { Compile } from "typebox/compile";
import { Errors } from "typebox/value";
import { Protocol } from "../shared/entry.ts";
import { AppError } from "../shared/errors.ts";
import { given } from "../shared/given.ts";
import { StationId, TopicId } from "../shared/ids.ts";
import { UnknownTokenRule } from "../shared/policy.ts";
import { PASSWORD_HASH_PATTERN } from "../shared/password.ts";

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

const TcpBus = { host: Name, port: Port, meters: Type.Array(Meter) };
const BUSES = {
  tcp: Type.Object({ kind: Type.Literal("tcp"), ...TcpBus }, strict),
  "rtu-over-tcp": Type.Object({ kind: Type.Literal("rtu-over-tcp"), ...TcpBus }, strict),
  rtu: Type.Object(
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
};
const Bus = Type.Union([BUSES.tcp, BUSES["rtu-over-tcp"], BUSES.rtu]);

/** What a station needs before it has said what it is. */
const Quirk = Type.Object(
  {
    station: StationId,
    assume_protocol: Type.Optional(Protocol),
    ping: Type.Optional(Type.Boolean()),
    time_zone: Type.Optional(Name),
  },
  strict,
);

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
        unknown_token: Type.Optional(UnknownTokenRule),
        provision: Type.Optional(Type.Boolean()),
        quirks: Type.Optional(Type.Array(Quirk, { maxItems: 5_000 })),
        stations: Type.Optional(
          Type.Array(
            Type.Object(
              { id: StationId, password_hash: Type.String({ pattern: PASSWORD_HASH_PATTERN }) },
              strict,
            ),
            { maxItems: 5_000 },
          ),
        ),
      },
      strict,
    ),
    policy: Type.Optional(
      Type.Object({ public_key: Type.String({ pattern: "^[A-Za-z0-9+/]{40,160}=*$" }) }, strict),
    ),
    http: Type.Optional(Type.Object({ port: Port }, strict)),
    files: Type.Optional(
      Type.Object(
        {
          host: Type.Optional(Name),
          http_port: Type.Optional(Port),
          ftp_port: Type.Optional(Port),
          ftp: Type.Optional(Type.Boolean()),
          /** IPv4 address or name, where stations see the box under another one than it has itself. */
          advertise: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9.-]{1,253}$" })),
          default_protocol: Type.Optional(OneOf(["http", "ftp"])),
          budget_mb: Type.Optional(Type.Integer({ minimum: 16, maximum: 1_000_000 })),
          upload_max_mb: Type.Optional(Type.Integer({ minimum: 1, maximum: 512 })),
        },
        strict,
      ),
    ),
    journal: Type.Optional(
      Type.Object(
        {
          retention_hours: Type.Optional(Type.Integer({ minimum: 0, maximum: 24 * 366 })),
          budget_mb: Type.Optional(Type.Integer({ minimum: 64, maximum: 1_000_000 })),
          reserve_mb: Type.Optional(Type.Integer({ minimum: 4, maximum: 250_000 })),
        },
        strict,
      ),
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

/** For the journal, where the configuration says nothing. */
export const DEFAULT_BUDGET_MB = 2_048;

const validator = Compile(ConfigFile);

/** `/ocpp/port` → `[ocpp] port`; `/modbus/0/host` → `modbus[0].host`. */
function keyOf(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  if (parts.length === 0) return "the file";
  return parts.reduce(
    (path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === "" ? part : `${path}.${part}`),
    "",
  );
}

type Issue = { keyword: string; instancePath: string; message: string; params: unknown };
type Params = {
  additionalProperties?: string[];
  requiredProperties?: string[];
  allowedValue?: unknown;
  allowedValues?: unknown[];
};

function describeIssue(issue: Issue, all: readonly Issue[]): string {
  const params = issue.params as Params;
  const key = keyOf(issue.instancePath);
  const names = (list: string[] | undefined) => list?.map((name) => `"${name}"`).join(", ") ?? "";
  if (issue.keyword === "additionalProperties")
    return `${key}: unknown key ${names(params.additionalProperties)}`;
  if (issue.keyword === "required") return `${key}: missing ${names(params.requiredProperties)}`;
  const allowed =
    params.allowedValues ??
    all
      .filter((other) => other.keyword === "const" && other.instancePath === issue.instancePath)
      .map((other) => (other.params as Params).allowedValue);
  return allowed.length > 0 ? `${key}: must be one of ${allowed.join(", ")}` : `${key}: ${issue.message}`;
}

function issuesOf(schema: TSchema, value: unknown, at = ""): Issue[] {
  return (Errors(schema, value) as Issue[])
    .filter(({ keyword }) => keyword !== "boolean")
    .map((issue) => ({ ...issue, instancePath: at + issue.instancePath }));
}

/** What is wrong with the file, one line per mistake. A bus is held against the schema of its kind only. */
function mistakes(value: unknown): string[] {
  const { modbus } = value as { modbus?: unknown };
  const buses = Array.isArray(modbus) ? (modbus as unknown[]) : [];
  const issues = [
    ...issuesOf(ConfigFile, value).filter(({ instancePath }) => !instancePath.startsWith("/modbus/")),
    ...buses.flatMap((bus, index) => {
      const kind = (bus as { kind?: unknown } | null)?.kind;
      const known = typeof kind === "string" && Object.hasOwn(BUSES, kind);
      if (known) return issuesOf(BUSES[kind as keyof typeof BUSES], bus, `/modbus/${index}`);
      const params = { allowedValues: Object.keys(BUSES) };
      return [{ keyword: "enum", instancePath: `/modbus/${index}/kind`, message: "is unknown", params }];
    }),
  ];
  return [...new Set(issues.map((issue) => describeIssue(issue, issues)))];
}

function isTimeZone(timeZone: string | undefined): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** Rules that a schema cannot say. */
function contradictions(config: Config): string[] {
  const found: string[] = [];
  const scheme = /^(amqps?|mqtts?):\/\//.test(config.broker.url);
  if (!scheme) found.push("broker.url: must begin with amqp://, amqps://, mqtt:// or mqtts://");
  else if (!URL.canParse(config.broker.url)) found.push("broker.url: is no URL: check host and port");
  if (config.ocpp.auth === "basic" && (config.ocpp.stations ?? []).length === 0) {
    found.push(
      'ocpp.stations: empty, so with auth = "basic" no station could ever connect (er hash-password makes a hash)',
    );
  }
  if (config.ocpp.auth === "open" && (config.ocpp.stations ?? []).length > 0) {
    found.push('ocpp.stations: passwords are given, but auth = "open" would not check them');
  }
  const { budget_mb: budget = DEFAULT_BUDGET_MB, reserve_mb: reserve = 0 } = config.journal ?? {};
  if (reserve > budget / 4)
    found.push(`journal.reserve_mb: more than a quarter of the budget (${budget} MB)`);
  const stationIds = (config.ocpp.stations ?? []).map((station) => station.id);
  const same = stationIds.find((id, index) => stationIds.indexOf(id) !== index);
  if (same !== undefined) found.push(`ocpp.stations: the station "${same}" is there twice`);
  const odd = (config.ocpp.quirks ?? []).map(({ station }) => station);
  const again = odd.find((id, index) => odd.indexOf(id) !== index);
  if (again !== undefined) found.push(`ocpp.quirks: the station "${again}" is there twice`);
  const meterIds = (config.modbus ?? []).flatMap((bus) => bus.meters.map((meter) => meter.id));
  const twice = meterIds.find((id, index) => meterIds.indexOf(id) !== index);
  if (twice !== undefined) found.push(`modbus: the meter id "${twice}" is used twice`);
  const zones = (config.ocpp.quirks ?? []).map((quirk) => ["ocpp.quirks: time_zone", quirk.time_zone]);
  for (const [key, timeZone] of [["time_zone", config.time_zone], ...zones])
    if (!isTimeZone(timeZone))
      found.push(`${key}: "${timeZone ?? ""}" is no IANA time zone such as "America/Sao_Paulo"`);
  return found;
}

/** @throws AppError CONFIG_INVALID listing every problem. */
export function parseConfig(text: string, path: string): Config {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new AppError("CONFIG_INVALID", `${path} is no TOML: line ${error.line}, column ${error.column}`, {
      cause: error,
    });
  }
  const problems = validator.Check(value) ? contradictions(value) : mistakes(value);
  if (problems.length > 0) {
    throw new AppError(
      "CONFIG_INVALID",
      `${path} is not valid:\n${problems.map((p) => `  - ${p}`).join("\n")}`,
      {
        hint: "docs/operating.md lists every key; `er config check` tries the file without starting anything",
      },
    );
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
  const folder = dirname(resolve(path));
  const { password_file: password, ca_file: ca } = config.broker;
  const broker = {
    ...config.broker,
    ...given("password_file", password === undefined ? undefined : resolve(folder, password)),
    ...given("ca_file", ca === undefined ? undefined : resolve(folder, ca)),
  };
  return { ...config, data_dir: resolve(folder, config.data_dir), broker };
}

/** Broker URL with its password from a file, and the CA to trust. */
export function brokerAccess(config: Config): { url: string; ca?: string } {
  const url = new URL(config.broker.url);
  const credentials = process.env["CREDENTIALS_DIRECTORY"];
  const file =
    config.broker.password_file ??
    (credentials === undefined ? undefined : join(credentials, "broker-password"));
  if (file !== undefined) url.password = encodeURIComponent(readText(file, "the broker password").trim());
  const ca = config.broker.ca_file;
  return { url: url.toString(), ...(ca === undefined ? {} : { ca: readText(ca, "the CA") }) };
}
