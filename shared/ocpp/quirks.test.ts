/**
 * Each row of the quirk table that is about what stations write, with the frame as it was observed: what is read
 * in it, what the timeline says, and that a second reading of the journal gives the same.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Protocol } from "../entry.ts";
import { dialectOf } from "./dialect.ts";
import { parseFrame } from "./frame.ts";
import type { StationMessage } from "./message.ts";
import type { Offset } from "./notice.ts";
import { habitsOf, QUIRKS, quirksOf } from "./quirks.ts";
import { stationsPage } from "./quirks-page.ts";
import { readFrame, readHandled, readPayload } from "./read-call.ts";
import { flagOf, readFlag, TOLERANCES, type ToleranceId } from "./tolerance.ts";

type Said = { message: StationMessage; flags: string[]; protocol: Protocol };

/** Reads a frame as the ER does, and again as the journal is read. */
function read(protocol: Protocol, text: string, zoneOffset?: Offset): Said | undefined {
  const { frame, flags: broken } = readFrame(text);
  if (frame.type !== "call") return undefined;
  const found = readPayload(protocol, frame.action, frame.payload, zoneOffset);
  if (!("payload" in found)) return undefined;
  const flags = [...broken, ...found.flags];
  const again = readHandled(found.protocol, text, flags);
  expect(again).toEqual({ action: frame.action, payload: found.payload });
  const message = dialectOf(found.protocol).read(frame.action, found.payload);
  return { message, flags, protocol: found.protocol };
}

const call = (action: string, payload: object) => JSON.stringify([2, "4711", action, payload]);
const AT = "2026-11-01T10:00:00Z";
const AT_MS = Date.parse(AT);
const boot = (more: object) =>
  call("BootNotification", { chargePointVendor: "Acme", chargePointModel: "One", ...more });
const meter = (sampledValue: unknown, more: object = {}) =>
  call("MeterValues", { connectorId: 1, meterValue: [{ timestamp: AT, sampledValue }], ...more });
const stop = (more: object) =>
  call("StopTransaction", { transactionId: 7, meterStop: 5_000, timestamp: AT, ...more });
const energy = (value: unknown) => ({ value, measurand: "Energy.Active.Import.Register", unit: "Wh" });

const LONG_SERIAL = "EVB1A22P4RI-3N2231028A4VE14000001";

type Row = { id: string; protocol?: Protocol; text: string; says: object; zone?: Offset };
const row = (
  id: string,
  text: string,
  says: object,
  more: { protocol?: Protocol; zone?: Offset } = {},
): Row => ({
  ...{ id, text, says },
  ...more,
});

const ROWS: Row[] = [
  row(
    "other-version",
    call("BootNotification", { reason: "PowerUp", chargingStation: { vendorName: "EVBox", model: "Livo" } }),
    { kind: "booted", vendor: "EVBox", model: "Livo", reason: "PowerUp" },
  ),
  row("blank-vendor", boot({ chargePointVendor: "", chargePointModel: "SmartCharger-22KT-S0" }), {
    ...{ kind: "booted", vendor: "", model: "SmartCharger-22KT-S0" },
  }),
  row("schneider-long-serial", boot({ chargeBoxSerialNumber: LONG_SERIAL }), { serialNumber: LONG_SERIAL }),
  row(
    "grizzl-e-long-model",
    boot({ chargePointVendor: "United Chargers", chargePointModel: "Grizzl-E Smart Connect" }),
    { model: "Grizzl-E Smart Connect" },
  ),
  row(
    "stray-comma",
    `[2,"4711","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[{"timestamp":"${AT}","sampledValue":[,{"value":"230.4","measurand":"Voltage","unit":"V"}]}]}]`,
    { kind: "sampled", ocppTransactionId: "7", samples: [{ voltagePhasesMv: [230_400], at: AT_MS }] },
  ),
  row(
    "missing-value",
    `[2,"4711","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-11-01T10:00:00","sampledValue":[{"value":"1000"}]}]}]`,
    { kind: "sampled", evseId: 1, samples: [{ energyImportWh: 1_000, at: AT_MS }] },
  ),
  row(
    "legrand-error-code",
    call("StatusNotification", { connectorId: 1, errorCode: "Error", status: "Faulted", timestamp: AT }),
    { kind: "status", status: "Faulted", errorCode: "OtherError", at: AT_MS },
  ),
  row(
    "vestel-empty-samples",
    `[\n  2,\n  "4711",\n  "MeterValues",\n  {\n    "connectorId": 1,\n    "meterValue": [{ "timestamp": "${AT}", "sampledValue": [] }]\n  }\n]`,
    { kind: "sampled", evseId: 1, samples: [{ at: AT_MS }] },
  ),
  row("amperfied-empty-value", meter([energy(""), { value: "230", measurand: "Voltage", unit: "V" }]), {
    samples: [{ voltagePhasesMv: [230_000], at: AT_MS }],
  }),
  row("unknown-unit", meter([{ value: "50.01", measurand: "Frequency", unit: "Hertz" }, energy("1000")]), {
    samples: [{ energyImportWh: 1_000, at: AT_MS }],
  }),
  row(
    "wrong-types-in-boot",
    call("BootNotification", {
      reason: "PowerUp",
      chargingStation: { vendorName: "Acme", model: "A model of more than twenty", firmwareVersion: 1.42 },
    }),
    { model: "A model of more than twenty", firmwareVersion: "1.42" },
    { protocol: "ocpp2.0.1" },
  ),
  row(
    "growatt-local-time",
    call("StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status: "Available", timestamp: "2023-10-19T15:28:07" },
    }),
    { kind: "status", at: Date.parse("2023-10-19T18:28:07Z") },
    { zone: () => "-03:00" },
  ),
  row(
    "reservation-zero",
    call("StartTransaction", {
      connectorId: 1,
      idTag: "TAG",
      meterStart: 1,
      reservationId: 0,
      timestamp: AT,
    }),
    { kind: "transaction", event: "Started", evseId: 1 },
  ),
  row(
    "short-offset",
    call("StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status: "Available", timestamp: "2026-11-01T13:00:00+03" },
    }),
    { at: AT_MS },
  ),
  row(
    "time-before-2000",
    call("MeterValues", {
      connectorId: 1,
      meterValue: [{ timestamp: "1970-01-01T00:32:33Z", sampledValue: [{ value: "12.345", unit: "kWh" }] }],
    }),
    { samples: [{ energyImportWh: 12_345, at: undefined }] },
  ),
  row("alfen-context", meter([{ ...energy("1000"), context: "Sample.Stored" }]), {
    samples: [{ energyImportWh: 1_000, context: "Sample.Stored", at: AT_MS }],
  }),
  row("stop-without-id", stop({ transactionId: -1 }), { event: "Ended", ocppTransactionId: "-1" }),
  row(
    "etrel-negative-id",
    meter(
      [
        { value: "1.5", unit: "kWh" },
        { value: "7.4", measurand: "Power.Active.Import", unit: "kW" },
      ],
      { transactionId: -1_234 },
    ),
    { kind: "sampled", evseId: 1, samples: [{ energyImportWh: 1_500, powerW: 7_400, at: AT_MS }] },
  ),
  row("meter-stop-minus-one", stop({ meterStop: -1 }), { event: "Ended", meterStopWh: undefined }),
  row("zaptec-connector-zero", meter([energy("1000")], { connectorId: 0, transactionId: 7 }), {
    ...{ evseId: 0, ocppTransactionId: "7" },
  }),
  row(
    "zaptec-wrapped-register",
    meter([energy("4296944685"), { value: "16", measurand: "Current.Import" }]),
    {
      samples: [{ currentPhasesMa: [16_000], at: AT_MS }],
    },
  ),
  row("teison-power-unit", meter([{ value: "7200", measurand: "Power.Active.Export", unit: "Wh" }]), {
    samples: [{ powerW: -7_200, at: AT_MS }],
  }),
  row(
    "numbers-as-text",
    call("StartTransaction", {
      ...{ connectorId: "1", idTag: 12_345_678, meterStart: "1500", reservationId: null },
      ...{ timestamp: AT, sessionToken: "x" },
    }),
    { evseId: 1, idToken: { idToken: "12345678" }, meterStartWh: 1_500 },
  ),
];

describe("a row of the table, with what was observed", () => {
  test.each(ROWS.map((one) => [one.id, one] as const))("%s", (id, { protocol, text, says, zone }) => {
    const said = read(protocol ?? "ocpp1.6", text, zone);
    expect(said?.message).toMatchObject(says);
    const quirk = QUIRKS.find((one) => one.id === id);
    const ids = (said?.flags ?? []).map((flag) => readFlag(flag)?.id);
    expect(ids).toEqual(expect.arrayContaining([...(quirk?.tolerances ?? [])]));
    expect(ids).not.toContain(undefined);
  });

  test("what was set aside is not read all the same", () => {
    const start = ROWS.find(({ id }) => id === "reservation-zero");
    expect(read("ocpp1.6", start?.text ?? "")?.message).not.toHaveProperty("reservationId");
    const local = ROWS.find(({ id }) => id === "etrel-negative-id");
    expect(read("ocpp1.6", local?.text ?? "")?.message).not.toHaveProperty("ocppTransactionId");
    const spoken = read("ocpp1.6", ROWS[0]?.text ?? "");
    expect(spoken?.protocol).toBe("ocpp2.0.1");
  });

  test("blanks-in-frames", () => {
    expect(parseFrame('[2, "17", "Heartbeat", {}]')).toMatchObject({ type: "call", action: "Heartbeat" });
  });

  test("error-code-of-1.6", () => {
    expect(parseFrame('[4,"17","FormationViolation","",{}]')).toMatchObject({
      ...{ type: "error", code: "FormatViolation" },
    });
  });
});

describe("what is beyond doubt is read", () => {
  test.each<[string, ToleranceId, Protocol, string, object]>([
    ["a truth value as text", "boolean-as-text", "ocpp2.0.1", event({ offline: "true" }), { offline: true }],
    [
      "a register with a fraction",
      "fraction-rounded",
      "ocpp1.6",
      stop({ meterStop: 5000.4 }),
      { meterStopWh: 5_000 },
    ],
    [
      "a value as number",
      "text-as-number",
      "ocpp1.6",
      meter([energy(1000)]),
      { samples: [{ energyImportWh: 1_000 }] },
    ],
    ["seconds since 1970", "epoch-time", "ocpp1.6", stop({ timestamp: AT_MS / 1_000 }), { at: AT_MS }],
    ["milliseconds since 1970", "epoch-time", "ocpp1.6", stop({ timestamp: AT_MS }), { at: AT_MS }],
    ["no time", "time-missing", "ocpp1.6", stop({ timestamp: undefined }), { at: undefined, atText: "" }],
    ["a time that is none", "time-unreadable", "ocpp1.6", stop({ timestamp: "now" }), { at: undefined }],
    ["no error code", "error-code-missing", "ocpp1.6", status({ errorCode: undefined }), { kind: "status" }],
    [
      "small letters",
      "enum-spelling",
      "ocpp1.6",
      status({ status: "suspendedEv" }),
      { detail: "SuspendedEV" },
    ],
    [
      "a word of 2.0.1",
      "other-version-word",
      "ocpp1.6",
      status({ status: "Occupied" }),
      { detail: "Preparing" },
    ],
    [
      "a reason of its own",
      "unknown-reason",
      "ocpp1.6",
      stop({ reason: "Boredom" }),
      { stoppedReason: "Other" },
    ],
    [
      "a state of its own",
      "unknown-state",
      "ocpp2.0.1",
      event({}, { chargingState: "Pausing" }),
      { event: "Updated" },
    ],
    [
      "a stop without anything",
      "stop-salvaged",
      "ocpp1.6",
      call("StopTransaction", {}),
      { ocppTransactionId: "-1" },
    ],
    [
      "samples without a number",
      "sample-without-value",
      "ocpp2.0.1",
      event({ meterValue: [{ timestamp: AT, sampledValue: [{ value: "" }, { value: 5 }] }] }),
      { samples: [{ energyImportWh: 5 }] },
    ],
  ])("%s", (_name, id, protocol, text, says) => {
    const said = read(protocol, text);
    expect(said?.message).toMatchObject(says);
    expect(said?.flags).toContain(flagOf(id));
  });

  test("many faults in many samples are mended in one go", () => {
    const samples = Array.from({ length: 300 }, (_, n) => ({
      value: n,
      context: "Old",
      unit: "Hz",
      extra: n,
    }));
    const said = read("ocpp1.6", meter(samples));
    expect(said?.flags.map((flag) => readFlag(flag)?.id).sort()).toEqual([
      "extra-property",
      "text-as-number",
      "unknown-meter-word",
    ]);
  });
});

describe("what is in doubt is refused", () => {
  test.each([
    ["no token", call("Authorize", {})],
    ["a token that is an object", call("Authorize", { idTag: {} })],
    ["a token that loses digits as number", '[2,"1","Authorize",{"idTag":123456789012345678901}]'],
    ["a token of more than 36 characters", call("Authorize", { idTag: "x".repeat(37) })],
    ["a status that nobody knows", status({ status: "Dancing" })],
    ["a connector that is no number", status({ connectorId: "left" })],
    ["an unknown action", call("MakeTea", {})],
    ["__proto__", '[2,"1","__proto__",{}]'],
  ])("%s", (_name, text) => {
    expect(read("ocpp1.6", text)).toBeUndefined();
  });

  test.each(['[2,"1","MeterValues",{"connectorId":', '[2,"1","Heartbeat"', "[,]", '[3,"1",{"a":,}]', '"'])(
    "%j is not mended",
    (text) => {
      expect(readFrame(text)).toMatchObject({ frame: { type: "malformed" }, flags: [] });
    },
  );

  test("a text that only looks like a slip stays as it is", () => {
    const payload = { vendorId: "x", data: '{"a":,[,NaN,]}' };
    expect(readFrame(call("DataTransfer", payload)).frame).toMatchObject({ payload });
    const broken = `[2,"1","DataTransfer",{"vendorId":"x","data":"[,{\\"a\\":,}","messageId":,}]`;
    expect(readFrame(broken)).toMatchObject({
      frame: { payload: { vendorId: "x", data: '[,{"a":,}' } },
      flags: [flagOf("broken-json")],
    });
  });
});

function status(more: object): string {
  return call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Available", ...more });
}

function event(more: object, info: object = {}): string {
  return call("TransactionEvent", {
    ...{ eventType: "Updated", timestamp: AT, triggerReason: "MeterValuePeriodic", seqNo: 1 },
    ...{ transactionInfo: { transactionId: "t-1", ...info }, ...more },
  });
}

describe("the table", () => {
  const text = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const ids = QUIRKS.map(({ id }) => id);

  test("names every row once, with what was seen and what is done", () => {
    expect(new Set(ids).size).toBe(ids.length);
    for (const quirk of QUIRKS) {
      expect(quirk.observation).toMatch(/\.$/);
      expect(quirk.handling).toMatch(/\.$/);
      for (const url of quirk.source) expect(url).toMatch(/^https:\/\/github\.com\//);
    }
  });

  test("has a test for every row", () => {
    const tests = [
      "quirks.test.ts",
      "../../edge/core/quirks.test.ts",
      "../../edge/io/csms-quirks.test.ts",
    ].map(text);
    const tested = tests.flatMap((file) =>
      [...file.matchAll(/(?:row|test)\(\s*"([a-z0-9.-]+)(?:"|: )/g)].map((match) => match[1] ?? ""),
    );
    expect(ids.filter((id) => !tested.includes(id))).toEqual([]);
  });

  test("finds a station by what it says it is", () => {
    expect(quirksOf({ vendor: "Growatt", model: "THOR 11AS" }).map(({ id }) => id)).toEqual([
      "growatt-local-time",
    ]);
    expect(habitsOf({ vendor: "Wallbox Chargers", model: "Pulsar Pro" })).toEqual({ callsAfterBoot: true });
    expect(habitsOf({ vendor: "Acme", model: "One" })).toEqual({});
    expect(habitsOf(undefined)).toEqual({});
  });

  test("every tolerance has words in both languages, and no words are left over", () => {
    for (const language of ["en", "pt-BR"]) {
      const words = JSON.parse(text(`../../cloud/web/messages/${language}/flags.json`)) as Record<
        string,
        object
      >;
      expect(Object.keys(words["tolerance"] ?? {}).sort()).toEqual(Object.keys(TOLERANCES).sort());
      expect(Object.keys(words["toleranceHint"] ?? {}).sort()).toEqual(Object.keys(TOLERANCES).sort());
    }
  });

  test("stands in the documents as it stands here", async () => {
    await expect(stationsPage()).toMatchFileSnapshot("../../docs/stations.md");
  });
});
