/** What a station tells of itself: which facts an entry holds, and that nothing odd breaks a batch. */
import { describe, expect, test } from "vitest";
import type { Entry, EntryBody, Protocol } from "../../shared/entry.ts";
import { callText, errorText, resultText } from "../../shared/ocpp/frame.ts";
import { handled, isoAt, NOON } from "../harness.ts";
import { emptyChanges, type Changes } from "./changes.ts";
import { project } from "./project.ts";

const CP = "CP1";
const ID = "0196a000-0000-7000-8000-000000000001";
const NAMES = { stationId: (identity: string) => identity, meterId: (id: string) => id };

function changesOf(...bodies: EntryBody[]): Changes {
  const changes = emptyChanges();
  for (const [i, body] of bodies.entries()) {
    const seq = i + 1;
    const head = { seq, at: NOON + seq * 1_000, upMs: seq * 1_000, clock: "synced" };
    project(changes, { ...head, ...body } as Entry, NAMES);
  }
  return changes;
}

const says = (action: string, payload: object, protocol: Protocol = "ocpp2.0.1") =>
  handled(CP, protocol, action, payload, {});

function called(action: string, request: object, answer?: object | string, more: object = {}): EntryBody {
  const { protocol = "ocpp2.0.1" } = more as { protocol?: Protocol };
  const response = typeof answer === "string" ? answer : answer && resultText("m1", answer);
  return {
    ...{ kind: "ocpp.called", stationId: CP, protocol, action, request: callText("m1", action, request) },
    ...(response === undefined ? { failure: "timeout" } : { response }),
    ...more,
  } as EntryBody;
}

const at = { component: { name: "OCPPCommCtrlr" }, variable: { name: "HeartbeatInterval" } };
const reportItem = (value: string, more: object = {}) => ({
  ...at,
  variableAttribute: [{ value, mutability: "ReadWrite" }],
  variableCharacteristics: { unit: "s", dataType: "integer", supportsMonitoring: false },
  ...more,
});
const report = (reportData: object[], more: object = {}) =>
  says("NotifyReport", { requestId: 7, generatedAt: isoAt(0), seqNo: 0, reportData, ...more });

const variables = (changes: Changes) => [...changes.variables.values()];

describe("reports", () => {
  test("a part of a device report, with its variables", () => {
    const changes = changesOf(report([reportItem("300")], { tbc: true, seqNo: 3 }));
    expect(changes.reports).toMatchObject([
      {
        station_id: CP,
        seq: 1,
        of: "variables",
        request_id: 7,
        seq_no: 3,
        last: false,
        action: "NotifyReport",
      },
    ]);
    expect(variables(changes)).toEqual([
      {
        ...{ station_id: CP, component: "OCPPCommCtrlr", variable: "HeartbeatInterval", attribute: "Actual" },
        variable_key: '["ocppcommctrlr","",-1,-1,"heartbeatinterval","","actual"]',
        ...{ value: "300", secret: false, mutability: "ReadWrite", unit: "s", data_type: "integer" },
        ...{ read_at: NOON + 1_000, seq: 1, source: "NotifyReport" },
      },
    ]);
  });

  test.each([
    ["NotifyMonitoringReport", { requestId: 7, seqNo: 0, generatedAt: isoAt(0) }, "monitoring", true],
    [
      "NotifyCustomerInformation",
      { data: "x", requestId: 7, seqNo: 1, generatedAt: isoAt(0), tbc: true },
      "customer",
      false,
    ],
    ["NotifyDisplayMessages", { requestId: 7 }, "display", true],
    [
      "ReportChargingProfiles",
      { requestId: 7, chargingLimitSource: "CSO", evseId: 1, chargingProfile: [], tbc: true },
      ...["profiles", false],
    ],
    ["FirmwareStatusNotification", { status: "Downloading", requestId: 7 }, "firmware", false],
    ["FirmwareStatusNotification", { status: "InstallVerificationFailed", requestId: 7 }, "firmware", true],
    [
      "PublishFirmwareStatusNotification",
      { status: "Published", location: ["x"], requestId: 7 },
      "publish",
      true,
    ],
    ["LogStatusNotification", { status: "Uploading", requestId: 7 }, "log", false],
    ["LogStatusNotification", { status: "UploadFailure", requestId: 7 }, "log", true],
  ] as [string, object, string, boolean][])(
    "%s %j is of %s, the last one: %s",
    (action, payload, of, last) => {
      expect(changesOf(says(action, payload)).reports).toMatchObject([
        { of, last, request_id: 7, action, payload },
      ]);
    },
  );

  test("OCPP 1.6 has no ids: its statuses are kept without; Idle tells nothing of a call", () => {
    const { reports } = changesOf(
      says("DiagnosticsStatusNotification", { status: "Uploaded" }, "ocpp1.6"),
      says("FirmwareStatusNotification", { status: "Installed" }, "ocpp1.6"),
      says("FirmwareStatusNotification", { status: "Idle" }, "ocpp1.6"),
    );
    expect(reports.map(({ of, last, request_id }) => [of, last, request_id])).toEqual([
      ["log", true, undefined],
      ["firmware", true, undefined],
    ]);
  });

  test("a call of a command tells the id under which its reports come; the ER's own calls do not", () => {
    const { commands } = changesOf(
      { kind: "command.accepted", commandId: ID, stationId: CP, commandKind: "GetBaseReport" },
      called(
        "GetBaseReport",
        { requestId: 9, reportBase: "FullInventory" },
        { status: "Accepted" },
        { commandId: ID },
      ),
      called("GetBaseReport", { requestId: 10, reportBase: "FullInventory" }, undefined, { cause: "model" }),
    );
    expect([...commands.values()]).toEqual([
      { command_id: ID, accepted_at: NOON + 1_000, accepted_seq: 1, request_id: 9 },
    ]);
  });
});

describe("variables", () => {
  test("the newest word on a value counts; what kind of variable it is stays known", () => {
    const set = { setVariableData: [{ ...at, attributeValue: "60" }] };
    const changes = changesOf(
      report([reportItem("300")]),
      called("SetVariables", set, { setVariableResult: [{ ...at, attributeStatus: "Accepted" }] }),
    );
    expect(variables(changes)).toMatchObject([
      { value: "60", unit: "s", mutability: "ReadWrite", source: "SetVariables", seq: 2 },
    ]);
  });

  test("names are one variable whatever their case; instances, places and attributes are variables of their own", () => {
    const of = (more: object) => reportItem("1", more);
    const changes = changesOf(
      report([
        of({}),
        of({ component: { name: "ocppcommctrlr" } }),
        of({ component: { name: "OCPPCommCtrlr", instance: "a" } }),
        of({ component: { name: "OCPPCommCtrlr", evse: { id: 1 } } }),
        of({ component: { name: "OCPPCommCtrlr", evse: { id: 1, connectorId: 2 } } }),
        of({ variable: { name: "HeartbeatInterval", instance: "b" } }),
        of({ variableAttribute: [{ type: "Target", value: "1" }] }),
      ]),
    );
    expect(changes.variables.size).toBe(6);
  });

  test("OCPP 1.6: keys read and keys changed", () => {
    const protocol = "ocpp1.6";
    const keys = [
      { key: "HeartbeatInterval", readonly: false, value: "300" },
      { key: "NumberOfConnectors", readonly: true, value: "2" },
      { key: "Empty", readonly: false },
    ];
    const change = { key: "heartbeatInterval", value: "60" };
    const changes = changesOf(
      called("GetConfiguration", {}, { configurationKey: keys }, { protocol }),
      called("ChangeConfiguration", change, { status: "Accepted" }, { protocol }),
      called("ChangeConfiguration", { key: "Empty", value: "x" }, { status: "Rejected" }, { protocol }),
    );
    expect(variables(changes)).toMatchObject([
      { component: "", variable: "heartbeatInterval", value: "60", mutability: "ReadWrite" },
      { variable: "NumberOfConnectors", value: "2", mutability: "ReadOnly" },
      { variable: "Empty", source: "GetConfiguration" },
    ]);
    expect(variables(changes)[2]).not.toHaveProperty("value");
  });

  test("a password is not kept, neither its value nor its report", () => {
    const protocol = "ocpp1.6";
    const password = { component: { name: "SecurityCtrlr" }, variable: { name: "BasicAuthPassword" } };
    const changes = changesOf(
      called(
        "ChangeConfiguration",
        { key: "AuthorizationKey", value: "geheim" },
        { status: "Accepted" },
        { protocol },
      ),
      called(
        "SetVariables",
        { setVariableData: [{ ...password, attributeValue: "geheim" }] },
        { setVariableResult: [{ ...password, attributeStatus: "Accepted" }] },
      ),
      report([reportItem("geheim", password)]),
    );
    expect(variables(changes)).toMatchObject([{ secret: true }, { secret: true, source: "NotifyReport" }]);
    expect(JSON.stringify([variables(changes), changes.reports])).not.toContain("geheim");
  });
});

describe("events", () => {
  const EVENT = {
    ...at,
    eventId: 1,
    timestamp: isoAt(-5_000),
    trigger: "Alerting",
    eventNotificationType: "CustomMonitor",
  };
  test.each([
    [
      says("SecurityEventNotification", {
        type: "TamperDetectionActivated",
        timestamp: isoAt(-5_000),
        techInfo: "lid",
      }),
      [
        {
          kind: "security-event",
          type: "TamperDetectionActivated",
          told_at: NOON - 5_000,
          detail: { techInfo: "lid" },
        },
      ],
    ],
    [
      says("NotifyEvent", {
        ...{ generatedAt: isoAt(0), seqNo: 0 },
        eventData: [
          { ...EVENT, actualValue: "9", severity: 2, techCode: "E1" },
          { ...EVENT, actualValue: "1", cleared: true },
        ],
      }),
      [
        {
          ...{
            kind: "event",
            idx: 0,
            type: "OCPPCommCtrlr.HeartbeatInterval",
            severity: 2,
            told_at: NOON - 5_000,
          },
          detail: { actualValue: "9", trigger: "Alerting", techCode: "E1" },
        },
        { kind: "event", idx: 1, cleared: true },
      ],
    ],
    [
      says("NotifyChargingLimit", { evseId: 2, chargingLimit: { chargingLimitSource: "EMS" } }),
      [{ kind: "charging-limit", type: "EMS", evse_id: 2, cleared: false }],
    ],
    [
      says("ClearedChargingLimit", { chargingLimitSource: "EMS" }),
      [{ kind: "charging-limit", type: "EMS", evse_id: 0, cleared: true }],
    ],
    [
      says("NotifyEVChargingNeeds", { evseId: 2, chargingNeeds: { requestedEnergyTransfer: "DC" } }),
      [
        {
          kind: "charging-needs",
          type: "DC",
          evse_id: 2,
          detail: { chargingNeeds: { requestedEnergyTransfer: "DC" } },
        },
      ],
    ],
    [
      says("ReservationStatusUpdate", { reservationId: 5, reservationUpdateStatus: "Expired" }),
      [{ kind: "reservation", type: "Expired", detail: { reservationId: 5 } }],
    ],
    [
      says("FirmwareStatusNotification", { status: "Idle" }, "ocpp1.6"),
      [{ kind: "firmware-status", type: "Idle" }],
    ],
    [
      says("LogStatusNotification", { status: "Uploaded", requestId: 1 }),
      [{ kind: "log-status", type: "Uploaded" }],
    ],
  ] as [EntryBody, object[]][])("%j", (body, events) => {
    const changes = changesOf(body);
    expect(changes.events).toMatchObject(events);
    expect(changes.events).toHaveLength(events.length);
  });

  test("a time that no database holds is left out", () => {
    const changes = changesOf(
      says("SecurityEventNotification", { type: "X", timestamp: "0001-01-01T00:00:00Z" }),
    );
    expect(changes.events[0]).not.toHaveProperty("told_at");
  });

  test("heartbeats, charging and statuses of connectors are none", () => {
    const status = { timestamp: isoAt(0), connectorStatus: "Available", evseId: 1, connectorId: 1 };
    const changes = changesOf(says("Heartbeat", {}), says("StatusNotification", status));
    expect([changes.events, changes.reports, changes.variables.size]).toEqual([[], [], 0]);
  });
});

describe("certificates", () => {
  test("a request, and the answer that the station took", () => {
    const { certificateRequests, certificateAnswers } = changesOf(
      says("SignCertificate", { csr: "CSR", certificateType: "V2GCertificate" }),
      called("CertificateSigned", { certificateChain: "X" }, { status: "Rejected" }, { commandId: ID }),
      called(
        "CertificateSigned",
        { certificateChain: "X", certificateType: "V2GCertificate" },
        { status: "Accepted" },
        { commandId: ID },
      ),
    );
    expect(certificateRequests).toMatchObject([{ seq: 1, csr: "CSR", certificate_type: "V2GCertificate" }]);
    expect(certificateAnswers).toEqual([
      { seq: 3, at: NOON + 3_000, station_id: CP, certificate_type: "V2GCertificate", command_id: ID },
    ]);
  });
});

describe("odd answers break nothing", () => {
  const long = "x".repeat(101);
  const result = (more: object) => ({ ...at, attributeStatus: "Accepted", attributeValue: "1", ...more });
  test.each([
    ["no call", { request: "[3]" }, undefined],
    ["no JSON", { response: "{" }, undefined],
    ["an error", {}, errorText("ocpp2.0.1", "m1", "NotSupported", "no")],
    ["null in the list", {}, { getVariableResult: [null, 7, "x", []] }],
    ["no list", {}, { getVariableResult: { length: 3 } }],
    [
      "names that are none",
      {},
      { getVariableResult: [result({ variable: { name: 7 } }), result({ variable: null })] },
    ],
    ["a name beyond bounds", {}, { getVariableResult: [result({ variable: { name: long } })] }],
    [
      "an instance beyond bounds",
      {},
      { getVariableResult: [result({ component: { name: "a", instance: long } })] },
    ],
    [
      "an EVSE beyond bounds",
      {},
      { getVariableResult: [result({ component: { name: "a", evse: { id: 1e300 } } })] },
    ],
    ["half an EVSE", {}, { getVariableResult: [result({ component: { name: "a", evse: { id: 1.5 } } })] }],
    ["an attribute that is none", {}, { getVariableResult: [result({ attributeType: "constructor" })] }],
  ] as [string, object, object | string | undefined][])("%s", (_what, more, answer) => {
    const changes = changesOf(called("GetVariables", { getVariableData: [] }, answer ?? {}, more));
    expect(changes.variables.size).toBe(0);
    expect(changes.messages).toHaveLength(1);
  });

  test("names of a prototype are names, and a number that is no id of a request is none", () => {
    const item = (name: string) => ({
      component: { name },
      variable: { name },
      variableAttribute: [{ value: "1" }],
    });
    const changes = changesOf(
      report([item("__proto__"), item("constructor")]),
      called("GetBaseReport", { requestId: 1e300 }, { status: "Accepted" }, { commandId: ID }),
    );
    expect(variables(changes).map((v) => v.variable)).toEqual(["__proto__", "constructor"]);
    expect(changes.commands.size).toBe(0);
  });

  test("what PostgreSQL cannot tell apart is one variable", () => {
    const changes = changesOf(
      ...["a\0", "a\ud800", "a\ufffd"].map((name) => report([reportItem("1", { variable: { name } })])),
    );
    expect(variables(changes)).toMatchObject([{ variable: "a\ufffd", seq: 3 }]);
  });
});
