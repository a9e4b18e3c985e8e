/**
 * The official schemas: which violation gets which CALLERROR code, and where reading is more tolerant
 * than the letter.
 */
import { describe, expect, test } from "vitest";
import type { Protocol } from "../entry.ts";
import type { RpcErrorCode } from "./frame.ts";
import { checkPayload, isKnownAction } from "./schemas.ts";

const start16 = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: "2026-11-01T10:00:00Z" };
const event201 = {
  eventType: "Started",
  timestamp: "2026-11-01T10:00:00Z",
  triggerReason: "CablePluggedIn",
  seqNo: 0,
  transactionInfo: { transactionId: "t1" },
};

describe("a violation gets its code", () => {
  const cases: [Protocol, string, string, unknown, RpcErrorCode, string][] = [
    [
      "ocpp1.6",
      "StartTransaction",
      "a wrong type",
      { ...start16, meterStart: "0" },
      "TypeConstraintViolation",
      "/meterStart",
    ],
    [
      "ocpp1.6",
      "StartTransaction",
      "a fraction for an integer",
      { ...start16, meterStart: 0.5 },
      "TypeConstraintViolation",
      "/meterStart",
    ],
    [
      "ocpp1.6",
      "StartTransaction",
      "a missing field",
      { connectorId: 1 },
      "OccurrenceConstraintViolation",
      "idTag",
    ],
    [
      "ocpp1.6",
      "StartTransaction",
      "an unknown field",
      { ...start16, colour: "red" },
      "FormatViolation",
      "colour",
    ],
    [
      "ocpp1.6",
      "StartTransaction",
      "text that is too long",
      { ...start16, idTag: "x".repeat(21) },
      "PropertyConstraintViolation",
      "/idTag",
    ],
    [
      "ocpp1.6",
      "StartTransaction",
      "a time that is none",
      { ...start16, timestamp: "yesterday" },
      "PropertyConstraintViolation",
      "/timestamp",
    ],
    [
      "ocpp1.6",
      "StatusNotification",
      "an unknown word",
      { connectorId: 1, status: "Sleeping", errorCode: "NoError" },
      "PropertyConstraintViolation",
      "/status",
    ],
    ["ocpp1.6", "Nonsense", "an unknown action", {}, "NotImplemented", "Nonsense"],
    [
      "ocpp2.0.1",
      "TransactionEvent",
      "a wrong type",
      { ...event201, seqNo: "0" },
      "TypeConstraintViolation",
      "/seqNo",
    ],
    [
      "ocpp2.0.1",
      "TransactionEvent",
      "a missing field",
      { ...event201, seqNo: undefined },
      "OccurrenceConstraintViolation",
      "seqNo",
    ],
    [
      "ocpp2.0.1",
      "TransactionEvent",
      "an empty list",
      { ...event201, meterValue: [] },
      "OccurrenceConstraintViolation",
      "/meterValue",
    ],
    [
      "ocpp2.0.1",
      "TransactionEvent",
      "an unknown field",
      { ...event201, colour: "red" },
      "FormatViolation",
      "colour",
    ],
    [
      "ocpp2.0.1",
      "TransactionEvent",
      "an unknown word",
      { ...event201, eventType: "Paused" },
      "PropertyConstraintViolation",
      "/eventType",
    ],
    ["ocpp2.0.1", "StartTransaction", "an action of 1.6", start16, "NotImplemented", "StartTransaction"],
  ];
  test.each(cases)("%s %s: %s", (protocol, action, _name, payload, code, where) => {
    const violation = checkPayload(protocol, action, "Request", JSON.parse(JSON.stringify(payload)));
    expect(violation?.code).toBe(code);
    expect(violation?.reason).toContain(where);
    expect(violation?.reason.length).toBeLessThanOrEqual(255);
  });

  test("a valid payload has none, in both directions", () => {
    expect(checkPayload("ocpp1.6", "StartTransaction", "Request", start16)).toBeUndefined();
    expect(checkPayload("ocpp2.0.1", "TransactionEvent", "Request", event201)).toBeUndefined();
    expect(checkPayload("ocpp2.0.1", "TransactionEvent", "Response", {})).toBeUndefined();
    expect(checkPayload("ocpp1.6", "Reset", "Response", { status: "Accepted" })).toBeUndefined();
  });
});

describe("tolerance", () => {
  test.each([
    "2026-11-01T10:00:00",
    "2026-11-01T10:00:00+03",
    "2026-11-01T10:00:00.123456Z",
    "2026-11-01T10:00:00+0530",
  ])("the time %s is accepted in both versions", (timestamp) => {
    expect(checkPayload("ocpp1.6", "StartTransaction", "Request", { ...start16, timestamp })).toBeUndefined();
    expect(
      checkPayload("ocpp2.0.1", "TransactionEvent", "Request", { ...event201, timestamp }),
    ).toBeUndefined();
  });

  test("meter values in tenths are multiples of a tenth, whatever binary fractions say", () => {
    const limit = { startPeriod: 0, limit: 16.1 };
    const schedule = { chargingRateUnit: "A", chargingSchedulePeriod: [limit], minChargingRate: 6.3 };
    const csChargingProfiles = {
      chargingProfileId: 1,
      stackLevel: 0,
      chargingProfilePurpose: "TxDefaultProfile",
      chargingProfileKind: "Absolute",
      chargingSchedule: schedule,
    };
    expect(
      checkPayload("ocpp1.6", "SetChargingProfile", "Request", { connectorId: 1, csChargingProfiles }),
    ).toBeUndefined();
  });
});

describe("actions", () => {
  test("names of JavaScript's own are no actions", () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", ""]) {
      expect(isKnownAction("ocpp1.6", name)).toBe(false);
      expect(checkPayload("ocpp2.0.1", name, "Request", {})).toMatchObject({ code: "NotImplemented" });
    }
  });

  test("the security extensions of 1.6 are known", () => {
    for (const name of ["SecurityEventNotification", "SignCertificate", "LogStatusNotification"]) {
      expect(isKnownAction("ocpp1.6", name)).toBe(true);
    }
    expect(isKnownAction("ocpp2.0.1", "StartTransaction")).toBe(false);
  });
});
