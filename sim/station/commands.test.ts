/** What the CSMS asks, what the station answers, and what then really happens. Both versions. */
import { expect, test } from "vitest";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import type { Car } from "./car.ts";
import { virtualWorld, type Script } from "./harness.ts";
import { createStation } from "./station.ts";
import type { EvseOptions, Json, OcppVersion, StationOptions } from "./types.ts";

const CAR: Car = { batteryWh: 58_000, socPercent: 40, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 1 };
const TOKEN = { idToken: "04A2B3C4", type: "ISO14443" };
const AC: EvseOptions = { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" };
const SECOND = 1_000;

function world(version: OcppVersion, more: Partial<StationOptions> & { script?: Script } = {}) {
  const { script, ...options } = more;
  const virtual = virtualWorld(version, script);
  const state = seedRandom([1]);
  const station = createStation({
    id: "CP1",
    version,
    evses: [AC, AC],
    clock: virtual.clock,
    random: () => nextRandom(state),
    transportFactory: virtual.transportFactory,
    ...options,
  });
  virtual.clock.advance(SECOND);
  const charge = () => {
    station.plugIn(1, CAR);
    station.presentToken(1, TOKEN);
    virtual.clock.advance(5 * SECOND);
  };
  const stateOf = (evse: number) => station.state().evses[evse - 1]?.connectors[0]?.state;
  return { ...virtual, station, charge, stateOf };
}

const info = (payload: Json | undefined) => payload?.["transactionInfo"] as Json | undefined;

test("1.6 remote start: where a car waits; refused where there is already a transaction", async () => {
  const w = world("1.6");
  w.station.plugIn(2, CAR);
  expect(await w.ask("RemoteStartTransaction", { idTag: "R1" })).toEqual({ status: "Accepted" });
  w.clock.advance(SECOND);
  expect(w.brain.of("StartTransaction")[0]?.payload).toMatchObject({ connectorId: 2, idTag: "R1" });
  const again = { idTag: "R1", connectorId: 2 };
  expect(await w.ask("RemoteStartTransaction", again)).toEqual({ status: "Rejected" });
  expect(await w.ask("RemoteStartTransaction", { ...again, connectorId: 3 })).toEqual({ status: "Rejected" });
  expect(w.brain.faults).toEqual([]);
});

test("1.6 remote start waits for the cable; with AuthorizeRemoteTxRequests it asks first", async () => {
  const w = world("1.6", { config: { AuthorizeRemoteTxRequests: "true" } });
  await w.ask("RemoteStartTransaction", { idTag: "R1", connectorId: 1 });
  expect(w.brain.of("Authorize")).toHaveLength(1);
  expect(w.stateOf(1)).toBe("Preparing");
  w.station.plugIn(1, CAR);
  w.clock.advance(SECOND);
  expect(w.brain.of("StartTransaction")).toHaveLength(1);
});

test("1.6 remote stop ends that transaction and no other", async () => {
  const w = world("1.6");
  w.charge();
  expect(await w.ask("RemoteStopTransaction", { transactionId: 99 })).toEqual({ status: "Rejected" });
  expect(await w.ask("RemoteStopTransaction", { transactionId: 1 })).toEqual({ status: "Accepted" });
  expect(w.brain.of("StopTransaction")[0]?.payload).toMatchObject({ transactionId: 1, reason: "Remote" });
  expect(w.stateOf(1)).toBe("Finishing");
});

test("2.0.1 remote start and stop carry remoteStartId, triggers and reason", async () => {
  const w = world("2.0.1");
  w.station.plugIn(1, CAR);
  const request = { idToken: TOKEN, remoteStartId: 42, evseId: 1 };
  expect(await w.ask("RequestStartTransaction", request)).toEqual({ status: "Accepted" });
  expect(await w.ask("RequestStartTransaction", request)).toEqual({ status: "Rejected" });
  w.clock.advance(5 * SECOND);
  const [first] = w.brain.of("TransactionEvent");
  expect(first?.payload).toMatchObject({
    eventType: "Started",
    triggerReason: "RemoteStart",
    idToken: TOKEN,
  });
  expect(info(first?.payload)).toMatchObject({ remoteStartId: 42 });
  const transactionId = info(first?.payload)?.["transactionId"];
  expect(await w.ask("RequestStopTransaction", { transactionId: "no such" })).toEqual({ status: "Rejected" });
  expect(await w.ask("RequestStopTransaction", { transactionId })).toEqual({ status: "Accepted" });
  const last = w.brain.of("TransactionEvent").at(-1);
  expect(last?.payload).toMatchObject({ eventType: "Ended", triggerReason: "RemoteStop" });
  expect(info(last?.payload)).toMatchObject({ stoppedReason: "Remote" });
  expect(w.brain.faults).toEqual([]);
});

test.each([
  ["Hard", "HardReset"],
  ["Soft", "SoftReset"],
])("1.6 %s reset stops the transaction, closes, comes back and boots", async (type, reason) => {
  const w = world("1.6");
  w.charge();
  expect(await w.ask("Reset", { type })).toEqual({ status: "Accepted" });
  w.clock.advance(SECOND);
  expect(w.station.state().connected).toBe(false);
  w.clock.advance(10 * SECOND);
  expect(w.net.opened).toBe(2);
  expect(w.brain.of("BootNotification")).toHaveLength(2);
  expect(w.brain.of("StopTransaction").map(({ payload }) => payload["reason"])).toEqual([reason]);
  // The car is still there, but nobody is authorized any more.
  expect(w.stateOf(1)).toBe("Preparing");
});

test("2.0.1 reset: Immediate ends the transaction, OnIdle waits for its end", async () => {
  const w = world("2.0.1");
  w.charge();
  expect(await w.ask("Reset", { type: "Immediate", evseId: 1 })).toEqual({ status: "Rejected" });
  expect(await w.ask("Reset", { type: "OnIdle" })).toEqual({ status: "Scheduled" });
  w.clock.advance(30 * SECOND);
  expect(w.net.opened).toBe(1);
  w.station.unplug(1);
  w.clock.advance(10 * SECOND);
  expect(w.net.opened).toBe(2);
  expect(w.brain.of("BootNotification").at(-1)?.payload).toMatchObject({ reason: "RemoteReset" });

  w.charge();
  expect(await w.ask("Reset", { type: "Immediate" })).toEqual({ status: "Accepted" });
  w.clock.advance(10 * SECOND);
  const ended = w.brain.of("TransactionEvent").at(-1)?.payload;
  expect(ended).toMatchObject({ eventType: "Ended", triggerReason: "ResetCommand" });
  expect(info(ended)).toMatchObject({ stoppedReason: "ImmediateReset" });
  expect(w.brain.faults).toEqual([]);
});

test.each(["1.6", "2.0.1"] as const)(
  "%s availability: at once when idle, scheduled during a transaction",
  async (version) => {
    const w = world(version);
    const request = (operative: boolean, evse?: number): Json => {
      const word = operative ? "Operative" : "Inoperative";
      if (version === "1.6") return { connectorId: evse ?? 0, type: word };
      return { operationalStatus: word, ...(evse === undefined ? {} : { evse: { id: evse } }) };
    };
    expect(await w.ask("ChangeAvailability", request(false, 2))).toEqual({ status: "Accepted" });
    expect(w.stateOf(2)).toBe("Unavailable");
    w.charge();
    expect(await w.ask("ChangeAvailability", request(false))).toEqual({ status: "Scheduled" });
    expect(w.stateOf(1)).toBe("Charging");
    w.station.unplug(1);
    expect(w.stateOf(1)).toBe("Unavailable");
    w.station.plugIn(1, CAR);
    w.station.presentToken(1, TOKEN);
    w.clock.advance(SECOND);
    expect(w.station.state().evses[0]?.transaction).toBeUndefined();
    w.station.unplug(1);
    expect(await w.ask("ChangeAvailability", request(true))).toEqual({ status: "Accepted" });
    expect([w.stateOf(1), w.stateOf(2)]).toEqual(["Available", "Available"]);
    expect(await w.ask("ChangeAvailability", request(true, 7))).toEqual({ status: "Rejected" });
  },
);

test("unlocking stops a transaction on 1.6, is refused on 2.0.1; DC cables are fixed", async () => {
  const old = world("1.6");
  old.charge();
  expect(await old.ask("UnlockConnector", { connectorId: 1 })).toEqual({ status: "Unlocked" });
  expect(old.brain.of("StopTransaction")[0]?.payload).toMatchObject({ reason: "UnlockCommand" });
  expect(await old.ask("UnlockConnector", { connectorId: 9 })).toEqual({ status: "UnlockFailed" });

  const w = world("2.0.1");
  w.charge();
  const ask = (evseId: number) => w.ask("UnlockConnector", { evseId, connectorId: 1 });
  expect(await ask(1)).toEqual({ status: "OngoingAuthorizedTransaction" });
  expect(await ask(2)).toEqual({ status: "Unlocked" });
  expect(await ask(9)).toEqual({ status: "UnknownConnector" });

  const dc = world("1.6", { evses: [{ ...AC, kind: "DC" }] });
  expect(await dc.ask("UnlockConnector", { connectorId: 1 })).toEqual({ status: "NotSupported" });
});

test("1.6 triggers: the message comes after the answer", async () => {
  const w = world("1.6");
  w.charge();
  for (const requestedMessage of ["BootNotification", "Heartbeat", "MeterValues", "StatusNotification"]) {
    const before = w.brain.said.length;
    expect(await w.ask("TriggerMessage", { requestedMessage })).toEqual({ status: "Accepted" });
    expect(w.brain.said.slice(before).map(({ action }) => action)).toContain(requestedMessage);
    const answered = w.frames.findLastIndex((frame) => frame.includes('> [3,"csms-'));
    const caused = w.frames.findLastIndex((frame) => frame.includes("> [2,"));
    expect(caused).toBeGreaterThan(answered);
  }
  const requestedMessage = "SignChargePointCertificate";
  expect(await w.ask("ExtendedTriggerMessage", { requestedMessage })).toEqual({ status: "NotImplemented" });
  const ofConnector = { requestedMessage: "StatusNotification", connectorId: 9 };
  expect(await w.ask("TriggerMessage", ofConnector)).toEqual({ status: "Rejected" });
  expect(w.brain.faults).toEqual([]);
});

test("2.0.1 triggers: transaction events only while there is one, no second registration", async () => {
  const w = world("2.0.1");
  const ask = (requestedMessage: string) => w.ask("TriggerMessage", { requestedMessage, evse: { id: 1 } });
  expect(await ask("TransactionEvent")).toEqual({ status: "Rejected" });
  expect(await ask("BootNotification")).toEqual({ status: "Rejected" });
  w.charge();
  expect(await ask("TransactionEvent")).toEqual({ status: "Accepted" });
  expect(w.brain.of("TransactionEvent").at(-1)?.payload).toMatchObject({ triggerReason: "Trigger" });
  expect(await ask("MeterValues")).toEqual({ status: "Accepted" });
  expect(w.brain.of("MeterValues")[0]?.payload).toMatchObject({ evseId: 1 });
  expect(await ask("StatusNotification")).toEqual({ status: "Accepted" });
  expect(w.brain.of("StatusNotification").at(-1)?.payload).toMatchObject({ connectorStatus: "Occupied" });
  expect(w.brain.faults).toEqual([]);
});

test("1.6 configuration: readable, writable, read-only, write-only and unknown keys", async () => {
  const w = world("1.6");
  const { configurationKey } = (await w.ask("GetConfiguration", {})) as { configurationKey: Json[] };
  expect(configurationKey).toContainEqual({ key: "NumberOfConnectors", readonly: true, value: "2" });
  expect(configurationKey).toContainEqual({ key: "AuthorizationKey", readonly: false });
  const some = await w.ask("GetConfiguration", { key: ["HeartbeatInterval", "Nonsense"] });
  expect(some).toMatchObject({ configurationKey: [{ value: "300" }], unknownKey: ["Nonsense"] });
  const change = (key: string, value: string) => w.ask("ChangeConfiguration", { key, value });
  expect(await change("NumberOfConnectors", "3")).toEqual({ status: "Rejected" });
  expect(await change("HeartbeatInterval", "soon")).toEqual({ status: "Rejected" });
  expect(await change("Nonsense", "1")).toEqual({ status: "NotSupported" });
  expect(await change("HeartbeatInterval", "2")).toEqual({ status: "Accepted" });
  w.clock.advance(5 * SECOND);
  expect(w.brain.of("Heartbeat").length).toBeGreaterThanOrEqual(2);
  expect(w.brain.faults).toEqual([]);
});

test("2.0.1 variables: the same table under its new names", async () => {
  const w = world("2.0.1");
  const at = (component: string, variable: string) => ({
    component: { name: component },
    variable: { name: variable },
  });
  const { getVariableResult } = (await w.ask("GetVariables", {
    getVariableData: [
      at("SampledDataCtrlr", "TxUpdatedInterval"),
      at("SecurityCtrlr", "BasicAuthPassword"),
      at("SampledDataCtrlr", "Nonsense"),
      at("Nonsense", "Nonsense"),
      { ...at("TxCtrlr", "TxStartPoint"), attributeType: "Target" },
    ],
  })) as { getVariableResult: Json[] };
  expect(getVariableResult.map((each) => each["attributeStatus"])).toEqual([
    "Accepted",
    "Rejected",
    "UnknownVariable",
    "UnknownComponent",
    "NotSupportedAttributeType",
  ]);
  const interval = { ...at("SampledDataCtrlr", "TxUpdatedInterval"), attributeValue: "60" };
  const { setVariableResult } = (await w.ask("SetVariables", {
    setVariableData: [interval, { ...at("TxCtrlr", "TxStartPoint"), attributeValue: "EVConnected" }],
  })) as { setVariableResult: Json[] };
  expect(setVariableResult.map((each) => each["attributeStatus"])).toEqual(["Accepted", "Rejected"]);
  w.charge();
  w.clock.advance(50 * SECOND);
  const readings = w.brain
    .of("TransactionEvent")
    .filter((e) => e.payload["triggerReason"] === "MeterValuePeriodic");
  expect(readings).toEqual([]);
  expect(w.brain.faults).toEqual([]);
});

test.each(["1.6", "2.0.1"] as const)("%s: a value that takes a restart counts after one", async (version) => {
  const w = world(version);
  const place = { component: { name: "OCPPCommCtrlr" }, variable: { name: "WebSocketPingInterval" } };
  const set = async (value: string) =>
    version === "1.6"
      ? (await w.ask("ChangeConfiguration", { key: "WebSocketPingInterval", value }))["status"]
      : (
          (await w.ask("SetVariables", {
            setVariableData: [{ ...place, attributeValue: value }],
          })) as { setVariableResult: Json[] }
        ).setVariableResult[0]?.["attributeStatus"];
  const value = async () =>
    version === "1.6"
      ? (
          (await w.ask("GetConfiguration", { key: ["WebSocketPingInterval"] })) as {
            configurationKey: Json[];
          }
        ).configurationKey[0]?.["value"]
      : ((await w.ask("GetVariables", { getVariableData: [place] })) as { getVariableResult: Json[] })
          .getVariableResult[0]?.["attributeValue"];
  expect(await set("30")).toBe("RebootRequired");
  expect(await value()).toBe("0");
  w.station.reboot();
  w.clock.advance(20 * SECOND);
  expect(await value()).toBe("30");
  expect(w.brain.faults).toEqual([]);
});

test("what a station does not know or cannot read is refused by the code of its version", async () => {
  const old = world("1.6");
  expect(await old.ask("InstallCertificate", {})).toEqual({ error: "NotImplemented" });
  expect(await old.ask("toString", {})).toEqual({ error: "NotImplemented" });
  expect(await old.ask("RemoteStopTransaction", { transactionId: "1" })).toEqual({
    error: "FormationViolation",
  });
  expect(await old.ask("DataTransfer", { vendorId: "x" })).toEqual({ status: "UnknownVendorId" });
  const w = world("2.0.1");
  expect(await w.ask("RemoteStartTransaction", {})).toEqual({ error: "NotImplemented" });
  expect(await w.ask("RequestStartTransaction", { idToken: "A" })).toEqual({ error: "FormatViolation" });
});

test("a fault ends the transaction and is told with its code; clearing it frees the connector", () => {
  const w = world("1.6");
  w.charge();
  w.station.fault(1, "GroundFailure");
  w.clock.advance(SECOND);
  expect(w.brain.of("StopTransaction")[0]?.payload).toMatchObject({ reason: "EmergencyStop" });
  expect(w.brain.of("StatusNotification").at(-1)?.payload).toMatchObject({
    status: "Faulted",
    errorCode: "GroundFailure",
  });
  w.station.fault(1, undefined);
  w.station.unplug(1);
  w.clock.advance(SECOND);
  expect(w.stateOf(1)).toBe("Available");
});
