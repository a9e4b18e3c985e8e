/** The configuration: every mistake is named with its key, its reason, and together with all others. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../shared/errors.ts";
import { brokerAccess, loadConfig, parseConfig } from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "er-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HASH = `scrypt$16384$${"A".repeat(22)}$${"B".repeat(43)}`;
const good = `
er = "er-1"
site = "site-1"
data_dir = "data"

[broker]
url = "amqps://er-1@broker.example/moov"

[ocpp]
port = 8180
auth = "basic"

[[ocpp.stations]]
id = "CP-1"
password_hash = "${HASH}"
`;
const meter = (id: string) => `
[[modbus]]
kind = "tcp"
host = "10.0.0.9"
port = 502
meters = [{ id = "${id}", model = "eastron-sdm630", unit_id = 1, interval_s = 10 }]
`;
function problem(text: string): string {
  try {
    parseConfig(text, "er.toml");
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    return (error as AppError).message;
  }
  throw new Error("the configuration was taken");
}
const without = (text: string) => good.replace(text, "");
const instead = (text: string, other: string) => good.replace(text, other);

test("a good file is taken as it is", () => {
  const config = parseConfig(good + meter("grid"), "er.toml");
  expect(config).toMatchObject({
    er: "er-1",
    ocpp: { port: 8180, stations: [{ id: "CP-1" }] },
    modbus: [{ kind: "tcp" }],
  });
});

describe("a mistake names its key and why", () => {
  test.each<[string, string, RegExp]>([
    ["no TOML", 'er = "er-1\n', /er\.toml is no TOML: line 1, column/],
    ["a missing key", without('er = "er-1"'), /the file: missing "er"/],
    ["a missing table", without('[broker]\nurl = "amqps://er-1@broker.example/moov"'), /missing "broker"/],
    [
      "an unknown key",
      instead('site = "site-1"', 'site = "site-1"\nsiet_name = "x"'),
      /unknown key "siet_name"/,
    ],
    ["an unknown key inside", instead("port = 8180", "port = 8180\nprot = 1"), /ocpp: unknown key "prot"/],
    ["a wrong type", instead("port = 8180", 'port = "8180"'), /ocpp\.port: must be integer/],
    ["a number out of range", instead("port = 8180", "port = 70000"), /ocpp\.port: must be <= 65535/],
    ["a name that is no topic", instead('er = "er-1"', 'er = "er.1"'), /er: must match/],
    ["an unknown word", instead('auth = "basic"', 'auth = "none"'), /ocpp\.auth: .*basic.*open/],
    ["a password in clear", instead(HASH, "secret"), /ocpp\.stations\[0\]\.password_hash: must match/],
    ["a broker of another kind", instead("amqps://", "http://"), /broker\.url: must begin with amqp:\/\//],
    [
      "a broker URL that is none",
      instead("amqps://er-1@broker.example/moov", "amqp://host:99999"),
      /broker\.url: .*URL/,
    ],
    [
      "no time zone",
      instead('site = "site-1"', 'site = "site-1"\ntime_zone = "Brazil"'),
      /time_zone: "Brazil" is no IANA time zone/,
    ],
    ["basic without stations", good.slice(0, good.indexOf("[[ocpp.stations]]")), /ocpp\.stations: empty/],
    [
      "open with passwords",
      instead('auth = "basic"', 'auth = "open"'),
      /ocpp\.stations: passwords are given/,
    ],
    [
      "a station twice",
      `${good}\n[[ocpp.stations]]\nid = "CP-1"\npassword_hash = "${HASH}"\n`,
      /ocpp\.stations: .*"CP-1" is there twice/,
    ],
    [
      "a quirk of one station twice",
      `${good}\n[[ocpp.quirks]]\nstation = "CP-1"\nping = false\n[[ocpp.quirks]]\nstation = "CP-1"\n`,
      /ocpp\.quirks: .*"CP-1" is there twice/,
    ],
    [
      "a quirk with no time zone",
      `${good}\n[[ocpp.quirks]]\nstation = "CP-1"\ntime_zone = "-03:00x"\n`,
      /ocpp\.quirks: time_zone: "-03:00x" is no IANA/,
    ],
    ["a meter twice", good + meter("grid") + meter("grid"), /modbus: the meter id "grid" is used twice/],
    ["a bus of an unknown kind", good + meter("grid").replace('"tcp"', '"udp"'), /modbus\[0\]\.kind/],
    [
      "a meter without unit",
      good + meter("grid").replace(", unit_id = 1", ""),
      /modbus\[0\]\.meters\[0\]: missing "unit_id"/,
    ],
    ["a log level", `${good}\n[log]\nlevel = "loud"\n`, /log\.level: .*info/],
    [
      "retention without end",
      `${good}\n[journal]\nretention_hours = -1\n`,
      /journal\.retention_hours: must be >= 0/,
    ],
  ])("%s", (_name, text, reason) => {
    const message = problem(text);
    expect(message).toMatch(reason);
    expect(message).toContain("er.toml");
  });

  test("all mistakes are told at once", () => {
    const message = problem(instead("port = 8180", "port = -1").replace('site = "site-1"', "site = 7"));
    expect(message).toContain("ocpp.port");
    expect(message).toContain("site");
  });

  test("one mistake on one bus is not told as mistakes of the other kinds of bus", () => {
    const lines = problem(good + meter("grid").replace(", unit_id = 1", ""))
      .split("\n")
      .slice(1);
    expect(lines).toHaveLength(1);
  });
});

describe("files and secrets", () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test("a file that is not there is named", () => {
    const path = join(folder, "missing.toml");
    expect(() => loadConfig(path)).toThrow(
      expect.objectContaining({ code: "FILE_UNREADABLE", message: expect.stringContaining(path) }),
    );
  });

  test("relative paths are relative to the file's folder", () => {
    write("password", "s3cret/@\n");
    write("ca.pem", "CA");
    const files = 'password_file = "password"\nca_file = "ca.pem"';
    const config = loadConfig(write("er.toml", instead("[ocpp]", `${files}\n\n[ocpp]`)));
    expect(config.data_dir).toBe(join(folder, "data"));
    expect(brokerAccess(config)).toEqual({ url: "amqps://er-1:s3cret%2F%40@broker.example/moov", ca: "CA" });
  });

  test("without a password file, the supervisor's credentials are used; a missing file is named", () => {
    const config = parseConfig(good, "er.toml");
    expect(brokerAccess(config)).toEqual({ url: "amqps://er-1@broker.example/moov" });
    process.env["CREDENTIALS_DIRECTORY"] = folder;
    write("broker-password", "from-systemd");
    expect(brokerAccess(config).url).toBe("amqps://er-1:from-systemd@broker.example/moov");
    delete process.env["CREDENTIALS_DIRECTORY"];
    const broken = { ...config, broker: { ...config.broker, password_file: "/nowhere/password" } };
    expect(() => brokerAccess(broken)).toThrow(expect.objectContaining({ code: "FILE_UNREADABLE" }));
  });
});
