/** Each row of the quirk table that is about what a station does, played against the core. */
import { describe, expect, test } from "vitest";
import type { CommandBody } from "../../shared/command.ts";
import type { Protocol } from "../../shared/entry.ts";
import { OCPP_BOOT_GRACE_MS, OCPP_CALL_TIMEOUT_MS, OCPP_CALL_TIMEOUTS_MAX } from "../../shared/limits.ts";
import { formatTime } from "../../shared/time.ts";
import { Bench, policyOf, recovered, TAG, TEN, time, uuid } from "./harness.ts";

const row = test;

const site = (protocol: Protocol = "ocpp1.6", more: ConstructorParameters<typeof Bench>[0] = {}) => {
  const bench = new Bench({
    ...{ policy: policyOf([TAG]), identity: { authorization: "local", provision: false } },
    ...more,
  });
  return { bench, cp: bench.connect("CP-1", protocol) };
};
const boot = (bench: Bench, cp: number, vendor: string, model = "One") =>
  bench.result(cp, "BootNotification", { chargePointVendor: vendor, chargePointModel: model });
const status = (bench: Bench, cp: number, more: object = {}) =>
  bench.result(cp, "StatusNotification", {
    ...{ connectorId: 1, errorCode: "NoError", status: "Available", ...more },
  });
const start = (bench: Bench, cp: number, more: object = {}) =>
  bench.result(cp, "StartTransaction", {
    ...{ connectorId: 1, idTag: "TAG", meterStart: 1_000, timestamp: formatTime(bench.now.at), ...more },
  })["transactionId"] as number;
const stop = (transactionId: number, more: object = {}) => ({
  ...{ transactionId, meterStop: 5_000, timestamp: time(60), ...more },
});
const meter = (value: string, more: object = {}) => ({
  ...{ connectorId: 1, meterValue: [{ timestamp: time(30), sampledValue: [{ value }] }], ...more },
});
const calls = (bench: Bench, cp: number) => bench.sent(cp).filter((frame) => frame[0] === 2);
const flags = (bench: Bench) => bench.last("ocpp.handled").flags ?? [];
const answerLast = (bench: Bench, cp: number, payload: object) =>
  bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, payload]));
const GET: CommandBody = { kind: "GetConfiguration", params: {} };

describe("starts without a time", () => {
  test("repeat one that runs; after its end the same words are a new start", () => {
    const { bench, cp } = site();
    const first = start(bench, cp, { timestamp: "", meterStart: 0 });
    expect(start(bench, cp, { timestamp: "", meterStart: 0 })).toBe(first);
    bench.result(cp, "StopTransaction", stop(first, { timestamp: "" }));
    const second = start(bench, cp, { timestamp: "", meterStart: 0 });
    expect(second).not.toBe(first);
    bench.result(cp, "StopTransaction", stop(second, { timestamp: "", meterStop: 7_000 }));
    expect(flags(bench)).not.toContain("conflicting-stop");
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });
});

describe("what cannot be read", () => {
  row("truncated-answer: only its call fails, and at once", () => {
    const { bench, cp } = site();
    boot(bench, cp, "United Chargers", "Grizzl-E Smart");
    bench.command(1, GET);
    bench.frame(cp, `[3,"${bench.lastCall(cp)?.messageId ?? ""}",{"configurationKey":[]`);
    expect(bench.last("command.finished")).toMatchObject({ status: "failed", reason: /broken/ });
    expect(bench.last("ocpp.called")).toMatchObject({ failure: "broken-answer" });
    bench.command(2, GET);
    answerLast(bench, cp, { configurationKey: [] });
    expect(bench.last("command.finished")).toMatchObject({ commandId: uuid(2), status: "succeeded" });
    expect(bench.effectsOf("close")).toEqual([]);
  });

  row("empty-message-id: kept, not answered", () => {
    const { bench, cp } = site();
    bench.frame(cp, '[3,"",{"status":"Accepted"}]');
    expect(bench.sent(cp)).toEqual([]);
    expect(bench.last("ocpp.rejected").request).toContain('""');
  });

  row("short-call: one error, the socket stays", () => {
    const { bench, cp } = site();
    bench.frame(cp, '[2,"id","Authorize"]');
    expect(bench.sent(cp)).toMatchObject([[4, "id", "FormationViolation", expect.any(String), {}]]);
    expect(bench.effectsOf("close")).toEqual([]);
  });

  row("metron-stop-error: any StopTransaction gets a result", () => {
    const { bench, cp } = site();
    for (const payload of [{}, { transactionId: null }, { meterStop: "?", timestamp: [], transactionId: {} }])
      expect(bench.call(cp, "StopTransaction", payload)?.[0]).toBe(3);
    expect(flags(bench)).toContain("tolerated:stop-salvaged");
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  row("answer-everything: known or not, every call gets one answer", () => {
    const { bench, cp } = site();
    expect(bench.call(cp, "DataTransfer", { vendorId: "x" })?.[0]).toBe(3);
    expect(bench.call(cp, "FirmwareStatusNotification", { status: "Idle" })?.[0]).toBe(3);
    expect(bench.call(cp, "DiagnosticsStatusNotification", { status: "Idle" })?.[0]).toBe(3);
    expect(bench.call(cp, "VendorMessage", {})?.[0]).toBe(4);
  });

  test("a message whose JSON was mended is in the journal as it came, and read again the same", () => {
    const { bench, cp } = site();
    const transactionId = start(bench, cp);
    const text = `[2,"9","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[{"timestamp":"2026-11-01T10:00:30","sampledValue":[{"value":"1500"}]}]}]`;
    bench.frame(cp, text);
    expect(bench.last("ocpp.handled")).toMatchObject({ request: text, transactionId: expect.any(String) });
    expect(flags(bench)).toEqual(["tolerated:broken-json", "tolerated:time-without-zone"]);
    const [open] = bench.state.durable.transactions.values();
    expect(open).toMatchObject({ ocppTransactionId: String(transactionId), energyImportWh: 1_500 });
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });
});

describe("sessions", () => {
  test("a station that speaks 2.0.1 on a socket of 1.6 charges, and is called in 2.0.1", () => {
    const { bench, cp } = site();
    const chargingStation = { vendorName: "EVBox", model: "Livo" };
    const answer = bench.result(cp, "BootNotification", { reason: "PowerUp", chargingStation });
    expect(answer).toMatchObject({ status: "Accepted" });
    bench.result(cp, "TransactionEvent", {
      ...{ eventType: "Started", timestamp: time(), triggerReason: "Authorized", seqNo: 0 },
      ...{ transactionInfo: { transactionId: "t-1" }, idToken: { idToken: "TAG", type: "ISO14443" } },
    });
    expect(bench.state.durable.transactions.size).toBe(1);
    bench.command(1, { kind: "Reset", params: { type: "Immediate" } });
    expect(bench.lastCall(cp)?.payload).toEqual({ type: "Immediate" });
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
    const next = bench.connect("CP-1", "ocpp1.6");
    expect(boot(bench, next, "EVBox", "Livo")).toMatchObject({ status: "Accepted" });
    expect(bench.state.durable.stations.get("CP-1")?.protocol).toBe("ocpp1.6");
  });

  row("deaf-until-reconnect: its socket is closed after calls without an answer", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Acme");
    for (let n = 1; n <= OCPP_CALL_TIMEOUTS_MAX; n++) {
      bench.command(n, GET);
      bench.result(cp, "Heartbeat", {});
      bench.pass(OCPP_CALL_TIMEOUT_MS);
    }
    expect(bench.effectsOf("close")).toMatchObject([{ connectionId: cp }]);
  });

  row("second-socket: the newest counts, the old one's close does not touch it", () => {
    const { bench, cp } = site();
    const second = bench.connect();
    bench.disconnect(cp);
    expect(bench.state.durable.stations.get("CP-1")?.online).toBe(true);
    expect(bench.call(second, "Heartbeat", {})?.[0]).toBe(3);
  });

  row("starcharge-hours-off: its boot is answered at once with the time", () => {
    const { bench, cp } = site();
    expect(boot(bench, cp, "StarCharge")).toMatchObject({ status: "Accepted", currentTime: time() });
    status(bench, cp, { timestamp: time(-8 * 3_600) });
    expect(bench.lastCall(cp)?.payload).toEqual({ requestedMessage: "Heartbeat" });
  });

  row("chago-local-as-utc: the time of receipt counts, and its clock is set again", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Chago");
    status(bench, cp, { timestamp: time(7_200) });
    expect(bench.state.durable.stations.get("CP-1")?.connectors.get("1:1")?.at).toBe(TEN);
    expect(bench.lastCall(cp)?.payload).toEqual({ requestedMessage: "Heartbeat" });
  });

  row("wallbox-no-boot: it is asked what it is, once, and may charge meanwhile", () => {
    const { bench, cp } = site();
    status(bench, cp);
    expect(start(bench, cp)).toBeGreaterThan(0);
    bench.pass(60_000);
    expect(bench.lastCall(cp)?.payload).toEqual({ requestedMessage: "BootNotification" });
    answerLast(bench, cp, { status: "Accepted" });
    boot(bench, cp, "Wallbox", "Pulsar Pro");
    bench.pass(60_000);
    expect(calls(bench, cp)).toHaveLength(1);
    expect(bench.state.durable.stations.get("CP-1")?.make).toEqual({
      vendor: "Wallbox",
      model: "Pulsar Pro",
    });
  });

  row("wallbox-calls-before-boot: calls wait for its boot, 30 s at most", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Wallbox", "Copper SB");
    bench.restart();
    const again = bench.connect();
    status(bench, again);
    bench.command(1, GET);
    bench.pass(5_000);
    expect(calls(bench, again)).toEqual([]);
    boot(bench, again, "Wallbox", "Copper SB");
    bench.pass(100);
    expect(calls(bench, again)).toHaveLength(1);
    const third = bench.connect();
    status(bench, third, { status: "Preparing" });
    bench.command(2, GET);
    bench.pass(OCPP_BOOT_GRACE_MS);
    expect(calls(bench, third)).toHaveLength(1);
  });

  row("queued-before-status: what was queued finds its transaction, without a boot", () => {
    const { bench, cp } = site();
    const id = start(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.restart();
    const again = bench.connect();
    bench.result(again, "MeterValues", meter("2000", { transactionId: id }));
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
    bench.result(again, "StopTransaction", stop(id));
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  row("message-ids-restart: the same id on another connection is another message", () => {
    const { bench, cp } = site();
    bench.call(
      cp,
      "StartTransaction",
      { connectorId: 1, idTag: "TAG", meterStart: 1, timestamp: time() },
      "1",
    );
    const again = bench.connect();
    const answer = bench.call(again, "Heartbeat", {}, "1");
    expect(answer).toMatchObject([3, "1", { currentTime: time() }]);
  });

  row("status-before-boot-answer: taken in", () => {
    const { bench, cp } = site();
    status(bench, cp);
    expect(bench.state.durable.stations.get("CP-1")?.connectors.get("1:1")?.status).toBe("Available");
  });

  row("evse-zero: the state of the whole station", () => {
    const { bench, cp } = site("ocpp2.0.1");
    const said = { timestamp: time(), connectorStatus: "Available", evseId: 0, connectorId: 0 };
    expect(bench.call(cp, "StatusNotification", said)?.[0]).toBe(3);
    expect(bench.state.durable.stations.get("CP-1")?.connectors.get("0:0")?.status).toBe("Available");
  });

  row("alfen-old-status: what was told last counts, by our time", () => {
    const { bench, cp } = site();
    status(bench, cp, { status: "Charging", timestamp: time() });
    bench.pass(1_000);
    status(bench, cp, { status: "Available", timestamp: time(-86_400) });
    const known = bench.state.durable.stations.get("CP-1")?.connectors.get("1:1");
    expect(known).toMatchObject({ status: "Available", at: TEN + 1_000 });
  });
});

describe("transactions", () => {
  const event = (eventType: string, seqNo: number, more: object = {}) => ({
    ...{ eventType, timestamp: time(), triggerReason: "Trigger", seqNo },
    ...{ transactionInfo: { transactionId: "t-1" }, ...more },
  });

  row("grizzl-e-lost-stop: readings go to the new transaction only", () => {
    const { bench, cp } = site();
    start(bench, cp);
    const old = bench.last("ocpp.handled").transactionId;
    const again = bench.connect();
    boot(bench, again, "United Chargers", "Grizzl-E");
    start(bench, again, { meterStart: 2_000, timestamp: time(100) });
    const fresh = bench.last("ocpp.handled").transactionId;
    bench.result(again, "MeterValues", meter("2500"));
    expect(bench.last("ocpp.handled").transactionId).toBe(fresh);
    expect(fresh).not.toBe(old);
    status(bench, again, { status: "Available" });
    bench.pass(25 * 3_600_000);
    bench.pass(1_000);
    expect(bench.all("transaction.closed").map((e) => e.transactionId)).toContain(old);
  });

  row("wallbox-unknown-stop: answered, and a transaction of its own", () => {
    const { bench, cp } = site();
    expect(bench.call(cp, "StopTransaction", stop(4_711))?.[0]).toBe(3);
    expect(flags(bench)).toContain("orphan-stop");
  });

  row("en-late-meter-values: the ended transaction stays ended", () => {
    const { bench, cp } = site();
    const id = start(bench, cp);
    bench.result(cp, "StopTransaction", stop(id));
    expect(bench.call(cp, "MeterValues", meter("5000", { transactionId: id }))?.[0]).toBe(3);
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  row("openevse-resumes: it goes on under its id; silent for a day it is closed", () => {
    const { bench, cp } = site();
    const id = start(bench, cp);
    bench.disconnect(cp);
    const again = bench.connect();
    bench.result(again, "MeterValues", meter("2000", { transactionId: id }));
    const [open] = bench.state.durable.transactions.values();
    expect(open?.energyImportWh).toBe(2_000);
    bench.disconnect(again);
    bench.pass(25 * 3_600_000);
    bench.pass(1_000);
    expect(bench.last("transaction.closed").meterStopWh).toBe(2_000);
  });

  row("huawei-stop-below-start: accepted and flagged", () => {
    const { bench, cp } = site();
    const id = start(bench, cp);
    expect(bench.call(cp, "StopTransaction", stop(id, { meterStop: 999 }))?.[0]).toBe(3);
    expect(flags(bench)).toContain("tolerated:stop-below-start");
  });

  row("offline-unsaid: its own time says that it is a replay", () => {
    const { bench, cp } = site("ocpp2.0.1");
    bench.pass(600_000);
    bench.result(cp, "TransactionEvent", event("Started", 0));
    expect(flags(bench)).toContain("replayed");
  });

  row("same-seq-no: start and end with one number are two events", () => {
    const { bench, cp } = site("ocpp2.0.1");
    bench.result(cp, "TransactionEvent", event("Started", 0));
    bench.result(cp, "TransactionEvent", event("Ended", 0));
    expect(flags(bench)).not.toContain("repeat");
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  row("libocpp-retries: under the same id or a new one, it counts once", () => {
    const { bench, cp } = site();
    const begin = { connectorId: 1, idTag: "TAG", meterStart: 1, timestamp: time() };
    const ids = ["a", "a", "b"].map((id) => bench.call(cp, "StartTransaction", begin, id)?.[2]);
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
    expect(bench.state.durable.transactions.size).toBe(1);
  });

  test("readings with a station's own negative id go to the transaction on their connector", () => {
    const { bench, cp } = site();
    start(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.result(cp, "MeterValues", meter("2000", { transactionId: -12 }));
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
  });

  test("a wrapped register ends no capped transaction", () => {
    const unknownCap = { energyWh: 10_000 };
    const policy = policyOf([TAG], 1, { unknownToken: "cap", unknownCap } as never);
    const { bench, cp } = site("ocpp1.6", { policy, identity: { authorization: "local", provision: false } });
    const id = start(bench, cp, { idTag: "STRANGER" });
    bench.result(cp, "MeterValues", meter("4296944685", { transactionId: id }));
    bench.pass(5_000);
    expect(calls(bench, cp)).toEqual([]);
    bench.result(cp, "MeterValues", meter("12000", { transactionId: id }));
    bench.pass(5_000);
    expect(calls(bench, cp)).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", {}]]);
  });

  test("a Growatt's times are those of the site, and the journal is read so again", () => {
    const identity = { authorization: "local", provision: false, timeZone: "America/Sao_Paulo" } as const;
    const { bench, cp } = site("ocpp1.6", { policy: policyOf([TAG]), identity });
    boot(bench, cp, "Growatt", "THOR 11AS");
    start(bench, cp, { timestamp: "2026-11-01T07:00:00" });
    const [open] = bench.state.durable.transactions.values();
    expect(open?.startedAt).toBe(TEN);
    expect(flags(bench)).toContain("tolerated:local-time:-03:00");
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("a station's own zone, as the installer gave it, counts before it has said what it is", () => {
    const stationZones = new Map([["CP-1", "Europe/Berlin"]]);
    const { bench, cp } = site("ocpp1.6", {
      ...{ policy: policyOf([TAG]), identity: { authorization: "local", provision: false, stationZones } },
    });
    for (const [timestamp, offset] of [
      ["2026-10-25T01:30:00", "+02:00"],
      ["2026-10-25T03:30:00", "+01:00"],
    ]) {
      bench.result(cp, "StopTransaction", stop(7, { timestamp }));
      expect(flags(bench)).toContain(`tolerated:local-time:${offset ?? ""}`);
    }
  });
});

describe("commands", () => {
  const profile = (more: object, place = 1): CommandBody => ({
    kind: "SetChargingProfile",
    params: {
      evseId: place,
      chargingProfile: {
        ...{ id: 100_001, stackLevel: 1, chargingProfileKind: "Relative", ...more },
        chargingSchedule: [
          { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
        ],
      },
    },
  });

  row("entratek-four-keys: never more than four, and the reason is said", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Entratek", "Power Dot Pro");
    bench.command(1, GET);
    expect(bench.last("command.finished")).toMatchObject({ status: "rejected", reason: /at most 4 keys/ });
    const key = ["a", "b", "c", "d", "e"];
    bench.command(2, { kind: "GetConfiguration", params: { key } });
    expect(bench.lastCall(cp)?.payload).toEqual({ key: key.slice(0, 4) });
    answerLast(bench, cp, {
      configurationKey: key.slice(0, 4).map((name) => ({ key: name, readonly: false })),
    });
    expect(bench.lastCall(cp)?.payload).toEqual({ key: ["e"] });
    answerLast(bench, cp, { unknownKey: ["e"] });
    expect(bench.last("command.finished")).toMatchObject({
      status: "succeeded",
      response: { configurationKey: { length: 4 }, unknownKey: ["e"] },
    });
    bench.command(3, { kind: "Call", params: { action: "GetConfiguration", payload: {} } });
    answerLast(bench, cp, {});
    expect(bench.lastCall(cp)?.payload).toEqual({});
  });

  row("elvi-max-profile: a limit of the station is its default profile", () => {
    const { bench, cp } = site();
    boot(bench, cp, "EV-BOX", "Elvi");
    bench.command(1, profile({ chargingProfilePurpose: "ChargingStationMaxProfile" }, 0));
    expect(bench.lastCall(cp)?.payload).toMatchObject({
      ...{ connectorId: 0, csChargingProfiles: { chargingProfilePurpose: "TxDefaultProfile" } },
    });
  });

  row("tx-profile-without-id: the id of the transaction there is written", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Acme");
    const transactionId = start(bench, cp);
    bench.command(1, profile({ chargingProfilePurpose: "TxProfile" }));
    expect(bench.lastCall(cp)?.payload).toMatchObject({ csChargingProfiles: { transactionId } });
  });

  row("charx-connector: a connector is named, one with a car first", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Phoenix Contact", "CHARX");
    status(bench, cp, { connectorId: 1 });
    status(bench, cp, { connectorId: 2, status: "Preparing" });
    bench.command(1, { kind: "RequestStartTransaction", params: { idToken: { idToken: "TAG" } } });
    expect(bench.lastCall(cp)?.payload).toMatchObject({ connectorId: 2, idTag: "TAG" });
  });

  row("odd-composite-schedule: the status counts, the answer is kept", () => {
    const { bench, cp } = site();
    boot(bench, cp, "Heidelberg", "Amperfied");
    const ask: CommandBody = { kind: "GetCompositeSchedule", params: { evseId: 1, duration: 60 } };
    bench.command(1, ask);
    const body = { status: "Rejected", connectorId: 1, scheduleStart: "0", chargingSchedule: {} };
    answerLast(bench, cp, body);
    expect(bench.last("command.finished")).toMatchObject({ status: "rejected", response: body });
    bench.command(2, ask);
    const schedule = { duration: 8_638_204_657_753, chargingRateUnit: "A", chargingSchedulePeriod: [] };
    answerLast(bench, cp, { status: "Accepted", connectorId: 1, chargingSchedule: schedule });
    expect(bench.last("command.finished")).toMatchObject({ status: "succeeded" });
  });

  row("abl-no-trigger: a refusal is taken, and not asked for again", () => {
    const { bench, cp } = site();
    boot(bench, cp, "ABL", "eMH2");
    start(bench, cp);
    const again = bench.connect();
    bench.result(again, "Heartbeat", {});
    bench.pass(10_000);
    expect(bench.lastCall(again)?.payload).toEqual({ requestedMessage: "MeterValues", connectorId: 1 });
    answerLast(bench, again, { status: "Rejected" });
    bench.pass(300_000);
    expect(calls(bench, again)).toHaveLength(1);
    expect(bench.state.durable.transactions.size).toBe(1);
  });
});

/** A station that is kept up to date: what it was asked, answered by `answer`. */
function upkeep(vendor: string, model: string, answer: (action: string, payload: never) => object) {
  const policy = policyOf([TAG], 1, { defaultLimitA: 6 } as never);
  const { bench, cp } = site("ocpp1.6", { policy, identity: { authorization: "local" } });
  boot(bench, cp, vendor, model);
  const asked: { action: string; payload: never }[] = [];
  for (let n = 0; n < 60; n++) {
    bench.pass(2_000);
    const call = bench.lastCall(cp);
    if (call === undefined || bench.state.live.connections.get(cp)?.outstanding === undefined) continue;
    asked.push(call as never);
    answerLast(bench, cp, answer(call.action, call.payload as never));
  }
  return { bench, asked };
}
type Keys = { key: string[] };
const configured = (values: Record<string, string | undefined>) => (action: string, payload: never) => {
  if (action !== "GetConfiguration") return { status: "Accepted" };
  const { key } = payload as Keys;
  return {
    configurationKey: key
      .filter((name) => name in values)
      .map((name) => ({
        key: name,
        readonly: false,
        ...(values[name] === undefined ? {} : { value: values[name] }),
      })),
    unknownKey: key.filter((name) => !(name in values)),
  };
};

describe("upkeep", () => {
  row("go-e-booleans: both spellings are one value", () => {
    const values = { LocalAuthorizeOffline: "1", LocalPreAuthorize: "0", StopTransactionOnInvalidId: "true" };
    const { asked } = upkeep("go-e", "Gemini", configured(values));
    expect(asked.filter(({ action }) => action === "ChangeConfiguration")).toEqual([]);
  });

  row("abb-value-missing: a key without a value is one that is not told", () => {
    const { asked, bench } = upkeep("ABB", "Terra", configured({ LocalAuthorizeOffline: undefined }));
    expect(asked.filter(({ action }) => action === "ChangeConfiguration")).toEqual([]);
    expect(bench.state.durable.stations.get("CP-1")?.provision?.settings.localAuthorizeOffline).toEqual({
      readOnly: false,
    });
  });

  row("abb-profile-without-transaction: refused once, not asked in a loop", () => {
    const values = configured({ SupportedFeatureProfiles: "Core,SmartCharging" });
    const { asked } = upkeep("ABB", "Terra AC", (action, payload) =>
      action === "SetChargingProfile" ? { status: "Rejected" } : values(action, payload),
    );
    expect(asked.filter(({ action }) => action === "SetChargingProfile")).toHaveLength(1);
  });

  test("a station that answers for four keys is never asked for more", () => {
    const values = configured({ GetConfigurationMaxKeys: "50" });
    const { asked } = upkeep("Entratek", "Power Dot Pro", values);
    const sizes = asked
      .filter(({ action }) => action === "GetConfiguration")
      .map(({ payload }) => {
        return (payload as Keys).key.length;
      });
    expect(Math.max(...sizes)).toBe(4);
  });
});
