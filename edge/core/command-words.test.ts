/**
 * Commands in the words of each OCPP version: what every kind sends, and the answer that makes it a
 * success.
 */
import { describe, expect, test } from "vitest";
import { COMMAND_CLASS, COMMAND_KINDS, type CommandBody } from "../../shared/command.ts";
import type { Protocol } from "../../shared/entry.ts";
import { Bench, policyOf, TAG, time, uuid } from "./harness.ts";

const reset: CommandBody = { kind: "Reset", params: { type: "Immediate" } };
const unlock: CommandBody = { kind: "UnlockConnector", params: { evseId: 1 } };

/** A site with a link, and a station that has spoken. */
function site(protocol: Protocol = "ocpp1.6") {
  const bench = new Bench({ policy: policyOf([TAG]), identity: { authorization: "local" } });
  bench.online();
  const cp = bench.connect("CP-1", protocol);
  bench.result(cp, "Heartbeat", {});
  return { bench, cp };
}
function reply(bench: Bench, cp: number, payload: object): void {
  bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, payload]));
}
const finished = (bench: Bench, n = 1) => {
  const entry = bench.all("command.finished").filter((e) => e.commandId === uuid(n));
  expect(entry).toHaveLength(1);
  return entry[0];
};

describe("every kind reaches the station in its own words", () => {
  const idToken = { idToken: "TAG" };
  const variable = { variable: { name: "HeartbeatInterval" } };
  const item = { component: { name: "ChargingStation" }, variable: { name: "HeartbeatInterval" } };
  type Case = {
    name: string;
    protocol: Protocol;
    body: CommandBody;
    action: string;
    payload: object;
    answer: object;
  };
  const v16 = (name: string, body: CommandBody, action: string, payload: object, answer: object): Case => ({
    ...{ name, protocol: "ocpp1.6", body, action, payload, answer },
  });
  const v201 = (name: string, body: CommandBody, payload: object, answer: object): Case => ({
    ...{ name, protocol: "ocpp2.0.1", body, action: body.kind, payload, answer },
  });
  const accepted = { status: "Accepted" };
  const set = [{ ...variable, attributeValue: "60" }];
  const cases: Case[] = [
    v16(
      "TC_010_CSMS remote start",
      { kind: "RequestStartTransaction", params: { idToken, evseId: 1 } },
      "RemoteStartTransaction",
      { connectorId: 1, idTag: "TAG" },
      accepted,
    ),
    v16("TC_013_CSMS hard reset", reset, "Reset", { type: "Hard" }, accepted),
    v16(
      "TC_014_CSMS soft reset",
      { kind: "Reset", params: { type: "OnIdle" } },
      "Reset",
      { type: "Soft" },
      accepted,
    ),
    v16(
      "TC_017_1_CSMS unlock connector",
      unlock,
      "UnlockConnector",
      { connectorId: 1 },
      { status: "Unlocked" },
    ),
    v16(
      "TC_019_1_CSMS retrieve all configuration keys",
      { kind: "GetConfiguration", params: {} },
      "GetConfiguration",
      {},
      { configurationKey: [] },
    ),
    v16(
      "TC_019_2_CSMS retrieve a specific configuration key",
      { kind: "GetConfiguration", params: { key: ["A"] } },
      "GetConfiguration",
      { key: ["A"] },
      {},
    ),
    v16(
      "TC_021_CSMS change configuration",
      { kind: "ChangeConfiguration", params: { key: "A", value: "1" } },
      "ChangeConfiguration",
      { key: "A", value: "1" },
      { status: "RebootRequired" },
    ),
    v16(
      "TC_054_CSMS trigger message",
      { kind: "TriggerMessage", params: { requestedMessage: "LogStatusNotification" } },
      "TriggerMessage",
      { requestedMessage: "DiagnosticsStatusNotification" },
      accepted,
    ),
    v16(
      "change availability of the station",
      { kind: "ChangeAvailability", params: { operationalStatus: "Inoperative" } },
      "ChangeAvailability",
      { connectorId: 0, type: "Inoperative" },
      { status: "Scheduled" },
    ),
    v16(
      "variables as configuration keys",
      { kind: "GetVariables", params: { getVariableData: [variable] } },
      "GetConfiguration",
      { key: ["HeartbeatInterval"] },
      { configurationKey: [] },
    ),
    v16(
      "one variable as a configuration key",
      { kind: "SetVariables", params: { setVariableData: set } },
      "ChangeConfiguration",
      { key: "HeartbeatInterval", value: "60" },
      accepted,
    ),
    v201(
      "TC_F_01 remote start transaction",
      { kind: "RequestStartTransaction", params: { idToken, evseId: 1 } },
      { idToken: { idToken: "TAG", type: "Central" }, evseId: 1, remoteStartId: expect.any(Number) },
      accepted,
    ),
    v201(
      "TC_B_20 reset without ongoing transaction, OnIdle",
      { kind: "Reset", params: { type: "OnIdle" } },
      { type: "OnIdle" },
      { status: "Scheduled" },
    ),
    v201(
      "TC_B_25 reset EVSE",
      { kind: "Reset", params: { type: "Immediate", evseId: 1 } },
      { type: "Immediate", evseId: 1 },
      accepted,
    ),
    v201("TC_F_06 remote unlock connector", unlock, { evseId: 1, connectorId: 1 }, { status: "Unlocked" }),
    v201(
      "TC_F_11 trigger MeterValues of an EVSE",
      { kind: "TriggerMessage", params: { requestedMessage: "MeterValues", evseId: 1 } },
      { requestedMessage: "MeterValues", evse: { id: 1 } },
      accepted,
    ),
    v201(
      "TC_G_03 change availability of an EVSE",
      { kind: "ChangeAvailability", params: { operationalStatus: "Inoperative", evseId: 1 } },
      { operationalStatus: "Inoperative", evse: { id: 1 } },
      accepted,
    ),
    v201(
      "TC_B_06 get a variable",
      { kind: "GetVariables", params: { getVariableData: [variable] } },
      { getVariableData: [item] },
      { getVariableResult: [{ ...item, attributeStatus: "Accepted" }] },
    ),
    v201(
      "TC_B_09 set a variable",
      { kind: "SetVariables", params: { setVariableData: set } },
      { setVariableData: [{ ...item, attributeValue: "60" }] },
      { setVariableResult: [{ ...item, attributeStatus: "Accepted" }] },
    ),
  ];
  test.each(cases)("$protocol $name", ({ protocol, body, action, payload, answer }) => {
    const { bench, cp } = site(protocol);
    bench.command(1, body);
    expect(bench.last("command.accepted")).toMatchObject({
      commandId: uuid(1),
      stationId: "CP-1",
      commandKind: body.kind,
    });
    expect(bench.lastCall(cp)).toMatchObject({ action, payload });
    expect(bench.all("command.finished")).toEqual([]);
    reply(bench, cp, answer);
    expect(finished(bench)).toMatchObject({ status: "succeeded", response: answer });
    expect(bench.last("ocpp.called")).toMatchObject({ action, commandId: uuid(1) });
    expect(bench.last("ocpp.called")).not.toHaveProperty("failure");
  });

  test.each<Protocol>(["ocpp1.6", "ocpp2.0.1"])(
    "%s TC_012_CSMS, TC_E_21 remote stop by our id of the transaction",
    (protocol) => {
      const { bench, cp } = site(protocol);
      const old = protocol === "ocpp1.6";
      const started = {
        eventType: "Started",
        seqNo: 0,
        timestamp: time(),
        triggerReason: "Authorized",
        transactionInfo: { transactionId: "t-1" },
      };
      const begin = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time() };
      const { transactionId } = bench.result(
        cp,
        old ? "StartTransaction" : "TransactionEvent",
        old ? begin : started,
      );
      const own = bench.last("ocpp.handled").transactionId ?? "";
      bench.command(1, { kind: "RequestStopTransaction", params: { transactionId: own } });
      const action = old ? "RemoteStopTransaction" : "RequestStopTransaction";
      expect(bench.lastCall(cp)).toMatchObject({
        action,
        payload: { transactionId: old ? transactionId : "t-1" },
      });
      reply(bench, cp, { status: "Accepted" });
      expect(finished(bench)?.status).toBe("succeeded");
    },
  );

  test("every kind has a class", () => {
    for (const kind of COMMAND_KINDS) expect(COMMAND_CLASS[kind].ttlMs).toBeGreaterThan(0);
  });
});
