/** OCPP 2.0.1, N: monitoring and events, logs, customer information. */
import { timeAgo } from "./flow-16.ts";
import { boot, inTimeline, notifyEvent, obeyed, reported, tokenOf } from "./flow-201.ts";
import type { Fields } from "./frames.ts";
import { check, checkEqual } from "./outcome.ts";
import { test, type Case, type Tools } from "./suite.ts";

const EVSE = { name: "EVSE", evse: { id: 1 } };
const AVAILABILITY = { component: EVSE, variable: { name: "AvailabilityState" } };
const OF_STATION = { ...AVAILABILITY, component: { name: "ChargingStation" } };

/** The monitors of one variable, as a station reports them. */
const monitored = (type: string, value: number): Fields => ({
  ...AVAILABILITY,
  variableMonitoring: [{ id: 1, transaction: false, value, type, severity: 8 }],
});

/** The operator asks which monitors there are: once there is none, then there is one. */
const monitoringReport = (id: string, title: string, componentVariable?: Fields[], criteria = true): Case =>
  test(id, `Get Monitoring ${title}`, async (t) => {
    await boot(t);
    const asked = (criterion: string): Fields => ({
      ...(criteria ? { monitoringCriteria: [criterion] } : {}),
      ...(componentVariable === undefined ? {} : { componentVariable }),
    });
    const none = { answer: { status: "EmptyResultSet" }, outcome: "rejected" as const };
    await obeyed(t, "GetMonitoringReport", asked("DeltaMonitoring"), none);
    const params = asked("ThresholdMonitoring");
    const { payload, commandId } = await obeyed(t, "GetMonitoringReport", params);
    const { requestId, ...rest } = payload;
    checkEqual("the GetMonitoringReport", rest, params);
    const part = { requestId, generatedAt: timeAgo() };
    await reported(t, commandId, "NotifyMonitoringReport", [
      { ...part, seqNo: 0, tbc: true, monitor: [monitored("UpperThreshold", 90)] },
      { ...part, seqNo: 1, tbc: false, monitor: [monitored("LowerThreshold", 10)] },
    ]);
  });

type Monitor = { place: Fields; type?: string; value?: number };

/** The operator sets monitors; the station takes them. */
async function setMonitors(t: Tools, monitors: Monitor[]): Promise<void> {
  const setMonitoringData = monitors.map(({ place, type = "Delta", value = 1 }) => ({
    ...{ ...place, type, value, severity: 8 },
  }));
  const setMonitoringResult = monitors.map(({ place, type = "Delta" }, index) => ({
    ...{ ...place, id: index + 1, status: "Accepted", type, severity: 8 },
  }));
  await boot(t);
  const params = { setMonitoringData };
  const { payload } = await obeyed(t, "SetVariableMonitoring", params, { answer: { setMonitoringResult } });
  checkEqual("the SetVariableMonitoring", payload, params);
}

const IDS_MAX = 2;

/** More monitors are cleared than the station takes in one message. */
async function clearMany(t: Tools): Promise<void> {
  t.station.on("GetVariables", (p) => ({
    getVariableResult: (p["getVariableData"] as Fields[]).map((item) =>
      JSON.stringify(item).includes("ClearVariableMonitoring")
        ? { ...item, attributeStatus: "Accepted", attributeValue: String(IDS_MAX) }
        : { ...item, attributeStatus: "UnknownComponent" },
    ),
  }));
  t.station.on("ClearVariableMonitoring", (p) => ({
    clearMonitoringResult: (p["id"] as number[]).map((id) => ({ id, status: "Accepted" })),
  }));
  await boot(t);
  await t.untilKnown();
  // How many the station takes is known by its own word.
  await t.until("the CSMS has asked for ItemsPerMessage of ClearVariableMonitoring", () =>
    t.station.received.some((call) => JSON.stringify(call.payload).includes("ClearVariableMonitoring")),
  );
  const id = [1, 2, 3];
  const ended = await t.api.ended(await t.api.command(t.station.id, "ClearVariableMonitoring", { id }));
  checkEqual(`the outcome (${ended.reason ?? "no reason"})`, ended.status, "succeeded");
  const calls = t.station.received.filter((call) => call.action === "ClearVariableMonitoring");
  const cleared = calls.map(({ payload }) => payload["id"] as number[]);
  const most = Math.max(...cleared.map((ids) => ids.length));
  check(most <= IDS_MAX, `${most} ids in one ClearVariableMonitoring, not ${IDS_MAX} at most`);
  checkEqual("the ids", cleared.flat(), id);
}

/** The station tells of an event; it is answered, and the operator can read it. */
const alerts = (id: string, title: string, actualValue: string, more: Fields): Case =>
  test(id, `Alert Event - ${title}`, async (t) => {
    await boot(t);
    const techCode = `conformance-${id}`;
    const event = { eventNotificationType: "HardWiredMonitor", techCode, ...more };
    await notifyEvent(t, EVSE, "AvailabilityState", actualValue, event);
    await inTimeline(t, "NotifyEvent", techCode);
  });

const level = (id: string, title: string, severity: number, status: string): Case =>
  test(id, `Set Monitoring Level - ${title}`, async (t) => {
    await boot(t);
    const outcome = status === "Accepted" ? "succeeded" : "rejected";
    const params = { severity };
    const { payload } = await obeyed(t, "SetMonitoringLevel", params, { answer: { status }, outcome });
    checkEqual("the SetMonitoringLevel", payload, params);
  });

export const MONITORING_201: readonly Case[] = [
  monitoringReport("TC_N_01", "Report - with monitoringCriteria"),
  monitoringReport("TC_N_02", "Report - with component/variable", [AVAILABILITY], false),
  monitoringReport("TC_N_03", "Report - with component criteria and component/variable", [AVAILABILITY]),
  monitoringReport("TC_N_47", "report - Report all", undefined, false),
  monitoringReport("TC_N_60", "Report - with component criteria and list of components/variables", [
    OF_STATION,
    AVAILABILITY,
  ]),

  test("TC_N_05", "Set Monitoring Base - success", async (t) => {
    await boot(t);
    for (const monitoringBase of ["All", "FactoryDefault", "HardWiredOnly"]) {
      const { payload } = await obeyed(t, "SetMonitoringBase", { monitoringBase });
      checkEqual("the SetMonitoringBase", payload, { monitoringBase });
    }
  }),
  test("TC_N_08", "Set Variable Monitoring - One SetMonitoringData element", (t) =>
    setMonitors(t, [{ place: AVAILABILITY }]),
  ),
  test("TC_N_09", "Set Variable Monitoring - Multiple elements on different component and variable", (t) =>
    setMonitors(t, [{ place: AVAILABILITY }, { place: OF_STATION }]),
  ),
  level("TC_N_16", "Success", 4, "Accepted"),
  level("TC_N_17", "Out of range", 10, "Rejected"),
  test("TC_N_18", "Clear Monitoring - Too many elements", clearMany),

  alerts("TC_N_21", "HardWiredMonitor", "Faulted", { trigger: "Alerting" }),
  test("TC_N_24", "Set Variable Monitoring - Periodic event", async (t) => {
    await setMonitors(t, [{ place: AVAILABILITY, type: "Periodic", value: 60 }]);
    const event = { trigger: "Periodic", variableMonitoringId: 1, eventNotificationType: "CustomMonitor" };
    await notifyEvent(t, EVSE, "AvailabilityState", "Available", event);
    await inTimeline(t, "NotifyEvent", '"Periodic"');
  }),
  test("TC_N_44", "Clear Monitoring - Rejected", async (t) => {
    await boot(t);
    const clearMonitoringResult = [{ id: 1, status: "Rejected" }];
    const how = { answer: { clearMonitoringResult }, outcome: "rejected" as const };
    const { payload } = await obeyed(t, "ClearVariableMonitoring", { id: [1] }, how);
    checkEqual("the ClearVariableMonitoring", payload, { id: [1] });
  }),
  alerts("TC_N_48", "Variable monitoring on write only", "", { trigger: "Alerting" }),
  alerts("TC_N_49", "LowerThreshold/UpperThreshold cleared after reboot", "0", {
    ...{ trigger: "Alerting", cleared: true },
  }),
  alerts("TC_N_50", "Periodic Triggered", "42", { trigger: "Periodic" }),
];

type Job = { requestId: number; commandId: string };

/** The operator asks for a log; checks what arrives. */
async function getLog(t: Tools, logType: string, status = "Accepted"): Promise<Job> {
  const log = { remoteLocation: "http://127.0.0.1/logs/", oldestTimestamp: timeAgo(86_400_000) };
  const { payload, commandId } = await obeyed(
    t,
    "GetLog",
    { logType, log },
    {
      answer: { status, ...(status === "Rejected" ? {} : { filename: "station.log" }) },
      outcome: status === "Rejected" ? "rejected" : "succeeded",
    },
  );
  const { requestId } = payload;
  check(Number.isInteger(requestId), "the requestId is no integer");
  return { requestId: requestId as number, commandId };
}

const uploads = (t: Tools, { requestId, commandId }: Job, ...statuses: string[]) =>
  reported(
    t,
    commandId,
    "LogStatusNotification",
    statuses.map((status) => ({ status, requestId })),
  );

const log = (id: string, title: string, logType: string): Case =>
  test(id, `Retrieve Log Information - ${title} - Success`, async (t) => {
    await boot(t);
    await uploads(t, await getLog(t, logType), "Uploading", "Uploaded");
  });

export const LOGS_201: readonly Case[] = [
  log("TC_N_25", "Diagnostics Log", "DiagnosticsLog"),
  test("TC_N_34", "Retrieve Log Information - Rejected", async (t) => {
    await boot(t);
    await getLog(t, "DiagnosticsLog", "Rejected");
  }),
  log("TC_N_35", "Security Log", "SecurityLog"),
  test("TC_N_36", "Retrieve Log Information - Second Request", async (t) => {
    await boot(t);
    const first = await getLog(t, "DiagnosticsLog");
    await uploads(t, first, "Uploading");
    const second = await getLog(t, "DiagnosticsLog", "AcceptedCanceled");
    check(first.requestId !== second.requestId, "two requests have one requestId");
    await uploads(t, first, "AcceptedCanceled");
    await uploads(t, second, "Uploading", "Uploaded");
  }),
];

const HASH = {
  ...{ hashAlgorithm: "SHA256", issuerNameHash: "a1".repeat(32), issuerKeyHash: "b2".repeat(32) },
  serialNumber: "2d19d15e8688",
};

type Customer = {
  report?: boolean;
  clear?: boolean;
  who: Fields;
  /** What the station tells of him, in parts. */
  data?: string[];
  status?: string;
};

/** The operator asks what the station knows of somebody, or has it forget him. */
async function customer(t: Tools, how: Customer): Promise<void> {
  const { report = true, clear = false, who, data = [], status = "Accepted" } = how;
  const params = { report, clear, ...who };
  const outcome = status === "Accepted" ? "succeeded" : "rejected";
  const { payload, commandId } = await obeyed(t, "CustomerInformation", params, {
    answer: { status },
    outcome,
  });
  const { requestId, ...rest } = payload;
  checkEqual("the CustomerInformation", rest, params);
  if (data.length === 0) return;
  const parts = data.map((text, seqNo) => ({
    ...{ requestId, generatedAt: timeAgo(), seqNo, tbc: seqNo < data.length - 1, data: text },
  }));
  await reported(t, commandId, "NotifyCustomerInformation", parts);
}

const TOKEN = { idToken: tokenOf("A-CUSTOMER") };
const SOME = ["A-CUSTOMER charged on Monday", " and on Tuesday"];

const tells = (id: string, title: string, how: Customer): Case =>
  test(id, title, async (t) => {
    await boot(t);
    await customer(t, how);
  });

export const CUSTOMERS_201: readonly Case[] = [
  tells("TC_N_27", "Get Customer Information - Accepted + data", { who: TOKEN, data: SOME }),
  tells("TC_N_28", "Get Customer Information - Accepted + no data", { who: TOKEN, data: [""] }),
  tells("TC_N_29", "Get Customer Information - Not Accepted", { who: TOKEN, status: "Rejected" }),
  tells("TC_N_30", "Clear Customer Information - Clear and report + data", {
    ...{ who: TOKEN, clear: true, data: SOME },
  }),
  tells("TC_N_31", "Clear Customer Information - Clear and report + no data", {
    ...{ who: TOKEN, clear: true, data: [""] },
  }),
  tells("TC_N_32", "Clear Customer Information - Clear and no report", {
    ...{ who: TOKEN, clear: true, report: false },
  }),
  test("TC_N_46", "Clear Customer Information - Update Local Authorization List", async (t) => {
    await boot(t);
    const localAuthorizationList = [{ ...TOKEN, idTokenInfo: { status: "Accepted" } }];
    await obeyed(t, "SendLocalList", { versionNumber: 1, updateType: "Full", localAuthorizationList });
    await customer(t, { who: TOKEN, clear: true, data: SOME });
    const without = { versionNumber: 2, updateType: "Differential", localAuthorizationList: [TOKEN] };
    const { payload } = await obeyed(t, "SendLocalList", without);
    checkEqual("the SendLocalList", payload, without);
  }),
  tells("TC_N_62", "Clear Customer Information - Clear and report - customerIdentifier", {
    ...{ who: { customerIdentifier: "customer-62" }, clear: true, data: SOME },
  }),
  tells("TC_N_63", "Clear Customer Information - Clear and report - customerCertificate", {
    ...{ who: { customerCertificate: HASH }, clear: true, data: SOME },
  }),
];
