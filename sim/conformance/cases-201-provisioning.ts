/** OCPP 2.0.1, B: boot and registration, variables, reports, resets, network profiles. */
import { timeAgo } from "./flow-16.ts";
import {
  ACCEPTED,
  boot,
  bootNotification,
  connectorStatus,
  createSession,
  obeyed,
  reboot,
  reported,
  shown,
} from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

type Place = [component: string, variable: string, instance?: string];
const placeOf = ([component, name, instance]: Place): Fields => ({
  component: { name: component },
  variable: { name, ...(instance === undefined ? {} : { instance }) },
});

const OFFLINE_THRESHOLD: Place = ["OCPPCommCtrlr", "OfflineThreshold"];
const AUTHORIZE_REMOTE: Place = ["AuthCtrlr", "AuthorizeRemoteStart"];

/** The operator reads these variables, one value each. */
async function getVariables(t: Tools, values: readonly [Place, string][]): Promise<void> {
  const getVariableResult = values.map(([place, attributeValue]) => ({
    ...placeOf(place),
    ...{ attributeStatus: "Accepted", attributeValue },
  }));
  const getVariableData = values.map(([place]) => placeOf(place));
  await obeyed(t, "GetVariables", { getVariableData }, { answer: { getVariableResult } });
}

/** The operator writes these variables. */
async function setVariables(t: Tools, values: readonly [Place, string][]): Promise<void> {
  const setVariableData = values.map(([place, attributeValue]) => ({ ...placeOf(place), attributeValue }));
  const setVariableResult = values.map(([place]) => ({ ...placeOf(place), attributeStatus: "Accepted" }));
  await obeyed(t, "SetVariables", { setVariableData }, { answer: { setVariableResult } });
}

/** One item of a NotifyReport. */
const reportItem = (place: Place, value: string): Fields => ({
  ...placeOf(place),
  variableAttribute: [{ value, mutability: "ReadWrite" }],
  variableCharacteristics: { dataType: "string", supportsMonitoring: false },
});

/** A report that comes in so many parts, each with one variable. */
async function notifyReport(t: Tools, payload: Fields, commandId: string, items: readonly Fields[]) {
  const parts = items.map((item, seqNo) => ({
    ...{ requestId: payload["requestId"], generatedAt: timeAgo(), seqNo },
    ...{ tbc: seqNo < items.length - 1, reportData: [item] },
  }));
  await reported(t, commandId, "NotifyReport", parts);
}

async function baseReport(t: Tools, reportBase: string): Promise<void> {
  await boot(t);
  const { payload, commandId } = await obeyed(t, "GetBaseReport", { reportBase });
  await notifyReport(t, payload, commandId, [
    reportItem(OFFLINE_THRESHOLD, "60"),
    reportItem(AUTHORIZE_REMOTE, "false"),
  ]);
}

/**
 * Boots again and again until the CSMS answers so: an order to hold a station takes its way to the site. A CSMS
 * may close the socket of a station that runs, to make it boot.
 */
async function untilRegisteredAs(t: Tools, status: string): Promise<void> {
  t.station.on("TriggerMessage", () => ACCEPTED);
  await t.until(`a BootNotification is answered with ${status}`, async () => {
    if (!t.station.connected) await t.station.connect();
    const chargingStation = { vendorName: "Conformance", model: "Suite" };
    try {
      const answer = await t.station.call("BootNotification", { reason: "PowerUp", chargingStation });
      return answer["status"] === status;
    } catch (error) {
      if (t.station.connected) throw error;
      return false;
    }
  });
}

/** The station is held before it says anything. */
async function heldAs(t: Tools, status: "Pending" | "Rejected"): Promise<void> {
  await t.station.connect();
  await t.untilKnown();
  await t.api.setRegistration(t.station.id, status);
  await untilRegisteredAs(t, status);
}

async function released(t: Tools): Promise<void> {
  await t.api.setRegistration(t.station.id, "Accepted");
  await untilRegisteredAs(t, "Accepted");
  await connectorStatus(t, "Available");
}

/** What a station may not say before it is accepted. */
async function refusedBeforeAccepted(t: Tools): Promise<void> {
  const told = { timestamp: timeAgo(), connectorStatus: "Available", evseId: 1, connectorId: 1 };
  const answer = await t.station.ask("StatusNotification", told);
  checkEqual("the answer", "error" in answer ? answer.error.errorCode : "a CALLRESULT", "SecurityError");
}

type ResetHow = { evseId?: number; type: "Immediate" | "OnIdle"; charging: boolean };

/** The operator resets; with a transaction that runs, the station ends it before. */
async function reset(t: Tools, { evseId, type, charging }: ResetHow): Promise<void> {
  const idToken = await t.token();
  await boot(t);
  const session = createSession(t);
  if (charging) await session.charge(idToken);
  const scheduled = charging && type === "OnIdle";
  const params = { type, ...(evseId === undefined ? {} : { evseId }) };
  const { payload } = await obeyed(t, "Reset", params, {
    answer: { status: scheduled ? "Scheduled" : "Accepted" },
  });
  checkEqual("the Reset", payload, params);
  if (scheduled) {
    await session.stopAuthorized(idToken);
    await session.unplug();
  } else if (charging) {
    await session.end("ResetCommand", "ImmediateReset");
  }
  if (evseId === undefined) await reboot(t, scheduled ? "ScheduledReset" : "RemoteReset");
  else await connectorStatus(t, "Available");
  if (charging) {
    await shown(t, session, "ended", { stoppedReason: scheduled ? "EVDisconnected" : "ImmediateReset" });
  }
}

const NETWORK_PROFILE = {
  configurationSlot: 1,
  connectionData: {
    ...{ ocppVersion: "OCPP20", ocppTransport: "JSON", ocppInterface: "Wired0", messageTimeout: 30 },
    ...{ ocppCsmsUrl: "ws://127.0.0.1/ocpp", securityProfile: 1 },
  },
};

const ITEMS_MAX = 4;
const FIVE: Place[] = [
  ["DeviceDataCtrlr", "ItemsPerMessage", "GetReport"],
  ["DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"],
  ["DeviceDataCtrlr", "BytesPerMessage", "GetReport"],
  ["DeviceDataCtrlr", "BytesPerMessage", "GetVariables"],
  AUTHORIZE_REMOTE,
];

/** More variables are read than the station takes in one message. */
async function limitedVariables(t: Tools): Promise<void> {
  t.station.on("GetVariables", (p) => ({
    getVariableResult: (p["getVariableData"] as Fields[]).map((item) => ({
      ...item,
      ...{ attributeStatus: "Accepted", attributeValue: String(ITEMS_MAX) },
    })),
  }));
  await boot(t);
  await getVariablesOnce(t);
  const calls = t.station.received.filter((call) => call.action === "GetVariables");
  const sizes = calls.map(({ payload }) => (payload["getVariableData"] as Fields[]).length);
  check(
    Math.max(...sizes) <= ITEMS_MAX,
    `${Math.max(...sizes)} variables in one GetVariables, not 4 at most`,
  );
  const asked = JSON.stringify(calls);
  check(asked.includes("BytesPerMessage") && asked.includes("AuthorizeRemoteStart"), "not all were read");
}

async function getVariablesOnce(t: Tools): Promise<void> {
  await t.untilKnown();
  // How many the station takes is known by its own word.
  await t.until("the CSMS has asked for ItemsPerMessage", () =>
    t.station.received.some((call) => JSON.stringify(call.payload).includes("ItemsPerMessage")),
  );
  const getVariableData = FIVE.map(placeOf);
  const ended = await t.api.ended(await t.api.command(t.station.id, "GetVariables", { getVariableData }));
  checkEqual(`the outcome (${ended.reason ?? "no reason"})`, ended.status, "succeeded");
  checkEqual(
    "the number of results shown",
    (ended.response?.["getVariableResult"] as unknown[] | undefined)?.length,
    FIVE.length,
  );
}

export const PROVISIONING_201: readonly Case[] = [
  test("TC_B_01", "Cold Boot Charging Station - Accepted", async (t) => {
    await boot(t);
    if (t.csms.api === undefined) return;
    await t.until("the station is shown with its model", async () => {
      const seen = await t.api.station(t.station.id);
      return seen?.online === true && seen.vendor === "Conformance" && seen.model === "Suite";
    });
  }),

  test("TC_B_02", "Cold Boot Charging Station - Pending", async (t) => {
    await heldAs(t, "Pending");
    await released(t);
  }),

  test("TC_B_06", "Get Variables - single value", async (t) => {
    await boot(t);
    await getVariables(t, [[OFFLINE_THRESHOLD, "60"]]);
  }),

  test("TC_B_07", "Get Variables - multiple values", async (t) => {
    await boot(t);
    await getVariables(t, [
      [OFFLINE_THRESHOLD, "60"],
      [AUTHORIZE_REMOTE, "false"],
    ]);
  }),

  test("TC_B_08", "Get Variables - limit to maximum number of values", limitedVariables),

  test("TC_B_09", "Set Variables - single value", async (t) => {
    await boot(t);
    await setVariables(t, [[OFFLINE_THRESHOLD, "123"]]);
  }),

  test("TC_B_10", "Set Variables - multiple values", async (t) => {
    await boot(t);
    await setVariables(t, [
      [OFFLINE_THRESHOLD, "123"],
      [AUTHORIZE_REMOTE, "false"],
    ]);
  }),

  test("TC_B_12", "Get Base Report - ConfigurationInventory", (t) => baseReport(t, "ConfigurationInventory")),
  test("TC_B_13", "Get Base Report - FullInventory", (t) => baseReport(t, "FullInventory")),
  test("TC_B_14", "Get Base Report - SummaryInventory", (t) => baseReport(t, "SummaryInventory")),

  test("TC_B_18", "Get Custom Report - with componentCriteria and component/variables", async (t) => {
    await boot(t);
    const evse = { name: "EVSE", evse: { id: 1 } };
    const componentVariable = [{ component: evse, variable: { name: "AvailabilityState" } }];
    await obeyed(
      t,
      "GetReport",
      { componentCriteria: ["Problem"], componentVariable },
      { answer: { status: "EmptyResultSet" }, outcome: "rejected" },
    );
    const wanted = { componentCriteria: ["Available"], componentVariable };
    const { payload, commandId } = await obeyed(t, "GetReport", wanted);
    const item = { ...reportItem(["EVSE", "AvailabilityState"], "Available"), component: evse };
    await notifyReport(t, payload, commandId, [item]);
  }),

  test("TC_B_20", "Reset Charging Station - Without ongoing transaction - OnIdle", (t) =>
    reset(t, { type: "OnIdle", charging: false }),
  ),
  test("TC_B_21", "Reset Charging Station - With Ongoing Transaction - OnIdle", (t) =>
    reset(t, { type: "OnIdle", charging: true }),
  ),
  test("TC_B_22", "Reset Charging Station - With Ongoing Transaction - Immediate", (t) =>
    reset(t, { type: "Immediate", charging: true }),
  ),
  test("TC_B_25", "Reset EVSE - Without ongoing transaction", (t) =>
    reset(t, { evseId: 1, type: "OnIdle", charging: false }),
  ),
  test("TC_B_26", "Reset EVSE - With Ongoing Transaction - OnIdle", (t) =>
    reset(t, { evseId: 1, type: "OnIdle", charging: true }),
  ),
  test("TC_B_27", "Reset EVSE - With Ongoing Transaction - Immediate", (t) =>
    reset(t, { evseId: 1, type: "Immediate", charging: true }),
  ),

  test("TC_B_30", "Cold Boot Charging Station - Pending/Rejected - SecurityError", async (t) => {
    await heldAs(t, "Pending");
    await refusedBeforeAccepted(t);
    await t.api.setRegistration(t.station.id, "Rejected");
    await untilRegisteredAs(t, "Rejected");
    await refusedBeforeAccepted(t);
    await released(t);
  }),

  test("TC_B_31", "Cold Boot Charging Station - Pending/Rejected - TriggerMessage", async (t) => {
    await heldAs(t, "Pending");
    const [trigger] = await Promise.all([
      t.station.expect({
        ...{ action: "TriggerMessage", answer: ACCEPTED },
        match: (p) => p["requestedMessage"] === "BootNotification",
      }),
      t.api.command(t.station.id, "TriggerMessage", { requestedMessage: "BootNotification" }),
    ]);
    checkEqual("the TriggerMessage", trigger, { requestedMessage: "BootNotification" });
    await bootNotification(t, "Triggered", "Pending");
    await released(t);
  }),

  test("TC_B_42", "Set new NetworkConnectionProfile - Accepted", async (t) => {
    await boot(t);
    await obeyed(t, "SetNetworkProfile", NETWORK_PROFILE);
  }),

  test("TC_B_44", "Set new NetworkConnectionProfile - Failed", async (t) => {
    await boot(t);
    await obeyed(t, "SetNetworkProfile", NETWORK_PROFILE, {
      ...{ answer: { status: "Failed" }, outcome: "rejected" },
    });
  }),

  test("TC_B_58", "WebSocket Subprotocol validation", async (t) => {
    const unknown = await t.station.tryConnect({ protocols: ["ocpp0.1"] });
    checkEqual("the subprotocol for a version that nobody speaks", unknown.protocol, "");
    await t.station.disconnect();
    const known = await t.station.tryConnect({ protocols: ["ocpp0.1", "ocpp2.0.1"] });
    checkEqual("the handshake", known, { status: 101, protocol: "ocpp2.0.1" });
    await bootNotification(t);
  }),
];
