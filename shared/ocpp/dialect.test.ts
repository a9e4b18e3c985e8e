/** Both dialects: what is read means what was sent, and all that is written passes the official schemas. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { COMMAND_KINDS, type CommandBody } from "../command.ts";
import type { Decision } from "../decide/authorize.ts";
import type { Protocol } from "../entry.ts";
import { OCPP_MESSAGE_ID_LENGTH_MAX } from "../limits.ts";
import { COMMAND_SAMPLES } from "./command-samples.ts";
import { commandProblems } from "./command-schema.ts";
import { dialectOf } from "./dialect.ts";
import { checkPayload, isKnownAction } from "./schemas.ts";

const PROTOCOLS: Protocol[] = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"];
const uuid = "01900000-0000-7000-8000-000000000001";
const at = Date.UTC(2026, 10, 1, 10);
const timestamp = "2026-11-01T10:00:00Z";

const decision: fc.Arbitrary<Decision> = fc
  .record(
    {
      status: fc.constantFrom("Accepted", "Blocked", "Expired", "Invalid", "Unknown"),
      reason: fc.constant("listed"),
      groupId: fc.string({ maxLength: 36 }),
      expiresAt: fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
    },
    { requiredKeys: ["status", "reason"] },
  )
  .map((d) => d as Decision);

describe("every answer that we send passes the official schema", () => {
  test.each(PROTOCOLS)("%s: authorize and transactions, for every decision", (protocol) => {
    const dialect = dialectOf(protocol);
    const valid = (action: string, payload: unknown) => {
      expect([action, checkPayload(protocol, action, "Response", payload)]).toEqual([action, undefined]);
    };
    fc.assert(
      fc.property(decision, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (decided, id) => {
        valid("Authorize", dialect.authorizeAnswer(decided));
        for (const event of ["Started", "Updated", "Ended"] as const) {
          const actions = { Started: "StartTransaction", Updated: "", Ended: "StopTransaction" };
          const action = protocol === "ocpp1.6" ? actions[event] : "TransactionEvent";
          if (action === "") continue;
          valid(action, dialect.transactionAnswer(event, decided, String(id)));
          valid(action, dialect.transactionAnswer(event, undefined, String(id)));
        }
      }),
    );
  });

  const DECIDED = new Set(["Authorize", "StartTransaction", "StopTransaction", "TransactionEvent"]);
  const FROM_STATION_201_NEW_IN_21 = [
    ...["BatterySwap", "ClosePeriodicEventStream", "NotifyDERAlarm", "NotifyDERStartStop"],
    ...["NotifyPriorityCharging", "NotifySettlement", "ReportDERControl", "OpenPeriodicEventStream"],
    ...["PullDynamicScheduleUpdate", "VatNumberValidation"],
  ];
  const FROM_STATION: Record<Exclude<Protocol, "ocpp2.1">, string[]> = {
    "ocpp1.6": [
      ...[
        "BootNotification",
        "Heartbeat",
        "StatusNotification",
        "MeterValues",
        "DataTransfer",
        "SignCertificate",
      ],
      ...["DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification"],
      ...["SecurityEventNotification", "SignedFirmwareStatusNotification"],
    ],
    "ocpp2.0.1": [
      ...[
        "BootNotification",
        "Heartbeat",
        "StatusNotification",
        "MeterValues",
        "DataTransfer",
        "SignCertificate",
      ],
      ...[
        "ClearedChargingLimit",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
      ],
      ...[
        "LogStatusNotification",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
      ],
      ...[
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
      ],
      ...["PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate"],
      ...["SecurityEventNotification"],
    ],
  };
  test.each(PROTOCOLS)("%s: every message of a station to a CSMS has an answer", (protocol) => {
    const now = { currentTime: "2026-11-01T10:00:00.000Z", heartbeatIntervalS: 300 };
    const actions =
      protocol === "ocpp2.1"
        ? [...FROM_STATION["ocpp2.0.1"], ...FROM_STATION_201_NEW_IN_21]
        : FROM_STATION[protocol];
    for (const action of actions) {
      expect(isKnownAction(protocol, action)).toBe(true);
      const answer = dialectOf(protocol).plainAnswer(action, now);
      expect([action, checkPayload(protocol, action, "Response", answer)]).toEqual([action, undefined]);
    }
    for (const action of ["Reset", "RemoteStartTransaction", "constructor", ...DECIDED]) {
      expect(dialectOf(protocol).plainAnswer(action, now)).toBeUndefined();
    }
  });
});

const evse = { evseId: fc.nat({ max: 1_000 }), connectorId: fc.nat({ max: 1_000 }) };
const short = fc.string({ minLength: 1, maxLength: 50, unit: "grapheme-ascii" });
const idToken = fc.record(
  {
    idToken: fc.string({ minLength: 1, maxLength: 36, unit: "grapheme-ascii" }),
    type: fc.constantFrom("Central", "ISO14443"),
  },
  { requiredKeys: ["idToken"] },
);
const component = fc.record({ name: short, instance: short }, { requiredKeys: ["name"] });
const variable = fc.record(
  { component, variable: fc.record({ name: short, instance: short }, { requiredKeys: ["name"] }) },
  { requiredKeys: ["variable"] },
);
const params: Partial<Record<CommandBody["kind"], fc.Arbitrary<object>>> = {
  RequestStartTransaction: fc.record({ idToken, ...evse }, { requiredKeys: ["idToken"] }),
  RequestStopTransaction: fc.record({ transactionId: fc.constant(uuid) }),
  Reset: fc.record(
    { type: fc.constantFrom("Immediate", "OnIdle"), evseId: evse.evseId },
    { requiredKeys: ["type"] },
  ),
  TriggerMessage: fc.record(
    {
      requestedMessage: fc.constantFrom("BootNotification", "MeterValues", "LogStatusNotification"),
      ...evse,
    },
    { requiredKeys: ["requestedMessage"] },
  ),
  ChangeAvailability: fc.record(
    { operationalStatus: fc.constantFrom("Operative", "Inoperative"), ...evse },
    { requiredKeys: ["operationalStatus"] },
  ),
  UnlockConnector: fc.record(evse, { requiredKeys: ["evseId"] }),
  GetConfiguration: fc.record({ key: fc.array(short, { maxLength: 5 }) }, { requiredKeys: [] }),
  ChangeConfiguration: fc.record({
    key: short,
    value: fc.string({ maxLength: 500, unit: "grapheme-ascii" }),
  }),
  GetVariables: fc.record({ getVariableData: fc.array(variable, { minLength: 1, maxLength: 5 }) }),
  SetVariables: fc.record({
    setVariableData: fc.array(
      variable.map((v) => ({ ...v, attributeValue: "1" })),
      { minLength: 1, maxLength: 2 },
    ),
  }),
};

describe("every call that we make passes the official schema", () => {
  const both = PROTOCOLS.flatMap((protocol) => COMMAND_KINDS.map((kind) => [protocol, kind] as const));
  test.each(both)("%s %s", (protocol, kind) => {
    const ocppTransactionId = () => (protocol === "ocpp1.6" ? "17" : "tx-17");
    const context = { ocppTransactionId, requestId: 4_711, now: timestamp };
    fc.assert(
      fc.property(params[kind] ?? fc.constant(COMMAND_SAMPLES[kind]), (value) => {
        expect(commandProblems(kind, value)).toEqual([]);
        const call = dialectOf(protocol).toCall({ kind, params: value } as CommandBody, context);
        if ("refused" in call) {
          expect(call.refused.length).toBeGreaterThan(10);
          return;
        }
        // The keys of OCPP 1.6 may be of any length in our commands; the schema's refusal is told to the
        // user.
        const violation = checkPayload(protocol, call.action, "Request", call.payload);
        if (violation !== undefined) expect(violation.code).toBe("PropertyConstraintViolation");
        const fits = !["ChangeConfiguration", "SetVariables", "Reset"].includes(kind);
        if (fits) expect(violation).toBeUndefined();
      }),
      { numRuns: scaled(60) },
    );
  });

  test("what a version cannot do is refused with the reason, not bent into something else", () => {
    const none = { ocppTransactionId: () => undefined, requestId: 1, now: timestamp };
    const refused = (protocol: Protocol, command: CommandBody) => dialectOf(protocol).toCall(command, none);
    const long = { idToken: "x".repeat(21) };
    expect(refused("ocpp1.6", { kind: "RequestStartTransaction", params: { idToken: long } })).toHaveProperty(
      "refused",
    );
    const item = { variable: { name: "A" }, attributeValue: "1" };
    const two = { setVariableData: [item, item] };
    expect(refused("ocpp1.6", { kind: "SetVariables", params: two })).toHaveProperty("refused");
    expect(refused("ocpp2.0.1", { kind: "GetConfiguration", params: {} })).toHaveProperty("refused");
    expect(
      refused("ocpp2.0.1", { kind: "ChangeConfiguration", params: { key: "A", value: "1" } }),
    ).toHaveProperty("refused");
    for (const protocol of PROTOCOLS) {
      const stop = refused(protocol, { kind: "RequestStopTransaction", params: { transactionId: uuid } });
      expect(stop).toEqual({ refused: "the transaction is not running on this station" });
    }
  });

  test("EVSE 0 is the whole station: it is left out where the standard wants it left out", () => {
    const start: CommandBody = {
      kind: "RequestStartTransaction",
      params: { idToken: { idToken: "T" }, evseId: 0 },
    };
    const context = { ocppTransactionId: () => undefined, requestId: 9, now: timestamp };
    expect(dialectOf("ocpp1.6").toCall(start, context)).toMatchObject({ payload: { idTag: "T" } });
    expect(dialectOf("ocpp2.0.1").toCall(start, context)).toEqual({
      action: "RequestStartTransaction",
      payload: { idToken: { idToken: "T", type: "Central" }, remoteStartId: 9 },
    });
    expect(OCPP_MESSAGE_ID_LENGTH_MAX).toBeGreaterThanOrEqual(uuid.length);
  });
});

describe("how a command ended", () => {
  test.each<[Protocol, string, object, string]>([
    ["ocpp1.6", "Reset", { status: "Accepted" }, "succeeded"],
    ["ocpp1.6", "ChangeAvailability", { status: "Scheduled" }, "succeeded"],
    ["ocpp1.6", "ChangeConfiguration", { status: "RebootRequired" }, "succeeded"],
    ["ocpp1.6", "ChangeConfiguration", { status: "NotSupported" }, "rejected"],
    ["ocpp1.6", "UnlockConnector", { status: "UnlockFailed" }, "rejected"],
    ["ocpp1.6", "UnlockConnector", { status: "Unlocked" }, "succeeded"],
    ["ocpp1.6", "GetConfiguration", {}, "succeeded"],
    ["ocpp2.0.1", "UnlockConnector", { status: "OngoingAuthorizedTransaction" }, "rejected"],
    ["ocpp2.0.1", "TriggerMessage", { status: "NotImplemented" }, "rejected"],
    ["ocpp2.0.1", "Reset", {}, "rejected"],
  ])("%s %s %j", (protocol, action, payload, status) => {
    expect(dialectOf(protocol).outcome(action, payload as Record<string, unknown>).status).toBe(status);
  });

  test("variables: all of them, or the names of those that failed", () => {
    const result = (attributeStatus: string, name: string) => ({ attributeStatus, variable: { name } });
    const outcome = (list: unknown) =>
      dialectOf("ocpp2.0.1").outcome("SetVariables", { setVariableResult: list });
    expect(outcome([result("Accepted", "A"), result("RebootRequired", "B")])).toEqual({
      status: "succeeded",
    });
    const failed = outcome([
      result("Accepted", "A"),
      result("Rejected", "B"),
      result("UnknownVariable", "C"),
    ]);
    expect(failed).toEqual({ status: "rejected", reason: "B: Rejected, C: UnknownVariable" });
  });

  test("an answer that breaks the schema never breaks us, and never counts as done", () => {
    for (const list of [undefined, null, 7, [null], [7], [{}], [{ variable: null }], [{ variable: [] }]]) {
      for (const [action, key] of [
        ["GetVariables", "getVariableResult"],
        ["SetVariables", "setVariableResult"],
      ] as const) {
        expect(dialectOf("ocpp2.0.1").outcome(action, { [key]: list }).status).toBe("rejected");
      }
    }
  });
});

describe("reading 1.6", () => {
  const { read } = dialectOf("ocpp1.6");

  test("connector N is EVSE N; connector 0 is the station", () => {
    const status = { connectorId: 0, status: "Available", errorCode: "NoError" };
    expect(read("StatusNotification", status)).toMatchObject({
      evseId: 0,
      connectorId: 0,
      status: "Available",
    });
    const second = { connectorId: 2, status: "SuspendedEV", errorCode: "EVCommunicationError", timestamp };
    expect(read("StatusNotification", second)).toEqual({
      ...{ kind: "status", evseId: 2, connectorId: 1, status: "Occupied", detail: "SuspendedEV" },
      ...{ errorCode: "EVCommunicationError", at },
    });
  });

  test("StopTransaction: the id as text, the reason Local when none is given", () => {
    const stop = { transactionId: -1, meterStop: 5, timestamp };
    expect(read("StopTransaction", stop)).toMatchObject({
      ocppTransactionId: "-1",
      meterStopWh: 5,
      stoppedReason: "Local",
    });
  });

  test("a StopTransaction that breaks the schema is still read", () => {
    for (const transactionData of [
      null,
      "x",
      [null],
      [{}],
      [{ sampledValue: 7 }],
      [{ sampledValue: [null, 1] }],
    ]) {
      const stop = { transactionId: 4, meterStop: 5, timestamp, transactionData, idTag: 7, reason: {} };
      expect(read("StopTransaction", stop)).toMatchObject({ ocppTransactionId: "4", meterStopWh: 5 });
    }
  });

  test("a time that is none leaves the text and no number", () => {
    const start = { connectorId: 1, idTag: "T", meterStart: 0, timestamp: "soon" };
    expect(read("StartTransaction", start)).toMatchObject({ at: undefined, atText: "soon" });
  });
});

describe("reading 2.0.1", () => {
  const { read } = dialectOf("ocpp2.0.1");
  const register = (value: number, context: string) => ({ timestamp, sampledValue: [{ value, context }] });
  const event = {
    ...{
      eventType: "Ended",
      timestamp,
      triggerReason: "StopAuthorized",
      seqNo: 4,
      transactionInfo: { transactionId: "t" },
    },
    meterValue: [
      register(10, "Transaction.Begin"),
      register(30, "Sample.Periodic"),
      register(40, "Transaction.End"),
    ],
  };

  test("Ended that repeats all values knows begin and end, even when Started was lost", () => {
    expect(read("TransactionEvent", event)).toMatchObject({
      ...{
        event: "Ended",
        meterStartWh: 10,
        meterStopWh: 40,
        stoppedReason: "Local",
        seqNo: 4,
        at,
        atText: timestamp,
      },
    });
  });

  test("the last register counts where no value is marked as the end", () => {
    const meterValue = [register(10, "Sample.Periodic"), register(35, "Sample.Periodic")];
    const message = read("TransactionEvent", { ...event, meterValue });
    expect(message).toMatchObject({ meterStopWh: 35 });
    expect(message).not.toHaveProperty("meterStartWh");
    expect(read("TransactionEvent", { ...event, eventType: "Started", meterValue })).toMatchObject({
      meterStartWh: 10,
    });
  });

  test("BootNotification with its reason", () => {
    const chargingStation = { vendorName: "V", model: "M", firmwareVersion: "1" };
    expect(read("BootNotification", { reason: "PowerUp", chargingStation })).toEqual({
      ...{ kind: "booted", vendor: "V", model: "M", firmwareVersion: "1", reason: "PowerUp" },
    });
  });
});
