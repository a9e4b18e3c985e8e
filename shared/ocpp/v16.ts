/**
 * OCPP 1.6 (edition 2, with errata): its messages in the common tongue of `message.ts`, and back.
 *
 * 1.6 has connectors only: connector N is EVSE N with connector 1; connector 0 is the station itself (EVSE
 * 0, connector 0).
 */
import type { Decision } from "../decide/authorize.ts";
import { given, text } from "../given.ts";
import { formatTime, parseTime } from "../time.ts";
import type { Dialect } from "./dialect.ts";
import type { ConnectorStatus, StationMessage, StationSample } from "./message.ts";
import { toReading } from "./sampled.ts";
import { outcome16, toCall16, variables16 } from "./v16-calls.ts";

type Fields = Record<string, unknown>;

const STATUS: Record<string, ConnectorStatus> = {
  Available: "Available",
  Preparing: "Occupied",
  Charging: "Occupied",
  SuspendedEVSE: "Occupied",
  SuspendedEV: "Occupied",
  Finishing: "Occupied",
  Reserved: "Reserved",
  Unavailable: "Unavailable",
  Faulted: "Faulted",
};

const connectorOf = (connectorId: number) => (connectorId === 0 ? 0 : 1);

/** Blank text is no value, and a signature is none either, even when it looks like a number. */
const valueOf = (v: Fields): number => {
  const value = text(v["value"])?.trim() ?? "";
  return value === "" || v["format"] === "SignedData" ? Number.NaN : Number(value);
};

const objectsIn = (list: unknown): Fields[] =>
  Array.isArray(list) ? list.filter((item): item is Fields => typeof item === "object" && item !== null) : [];

/**
 * `meterValue` or `transactionData` → samples. A StopTransaction is read even when its data breaks the
 * schema.
 */
function readSamples(list: unknown): StationSample[] {
  return objectsIn(list).map((entry) => {
    const sampled = objectsIn(entry["sampledValue"]);
    const values = sampled.map((v) => ({
      value: valueOf(v),
      measurand: text(v["measurand"]) ?? "Energy.Active.Import.Register",
      phase: text(v["phase"]),
      unit: text(v["unit"]),
    }));
    const context = text(sampled[0]?.["context"]);
    return { ...toReading(values), at: parseTime(entry["timestamp"]), ...given("context", context) };
  });
}

/** Some stations write 0 where there is none. */
const reservationOf = (id: unknown) => (typeof id === "number" && id !== 0 ? id : undefined);

const requestIdOf = (p: Fields) => given("requestId", p["requestId"] as number | undefined);

function read(action: string, p: Fields): StationMessage {
  switch (action) {
    case "BootNotification":
      return {
        kind: "booted",
        vendor: text(p["chargePointVendor"]) ?? "",
        model: text(p["chargePointModel"]) ?? "",
        ...given("serialNumber", text(p["chargePointSerialNumber"]) ?? text(p["chargeBoxSerialNumber"])),
        ...given("firmwareVersion", text(p["firmwareVersion"])),
      };
    case "Heartbeat":
      return { kind: "heartbeat" };
    case "StatusNotification": {
      const connector = p["connectorId"] as number;
      const detail = p["status"] as string;
      return {
        kind: "status",
        evseId: connector,
        connectorId: connectorOf(connector),
        status: STATUS[detail] ?? "Unavailable",
        detail,
        ...given("errorCode", p["errorCode"] === "NoError" ? undefined : text(p["errorCode"])),
        at: parseTime(p["timestamp"]),
      };
    }
    case "Authorize":
      return { kind: "authorize", idToken: { idToken: p["idTag"] as string } };
    case "StartTransaction":
      return {
        kind: "transaction",
        event: "Started",
        evseId: p["connectorId"] as number,
        connectorId: 1,
        idToken: { idToken: p["idTag"] as string },
        at: parseTime(p["timestamp"]),
        atText: p["timestamp"] as string,
        meterStartWh: p["meterStart"] as number,
        ...given("reservationId", reservationOf(p["reservationId"])),
        samples: [],
      };
    case "StopTransaction":
      return {
        kind: "transaction",
        event: "Ended",
        ocppTransactionId: String(p["transactionId"]),
        ...given("idToken", text(p["idTag"]) === undefined ? undefined : { idToken: p["idTag"] as string }),
        at: parseTime(p["timestamp"]),
        atText: p["timestamp"] as string,
        meterStopWh: p["meterStop"] as number,
        stoppedReason: text(p["reason"]) ?? "Local",
        samples: readSamples(p["transactionData"]),
      };
    case "MeterValues":
      return {
        kind: "sampled",
        evseId: p["connectorId"] as number,
        ...given(
          "ocppTransactionId",
          p["transactionId"] === undefined ? undefined : String(p["transactionId"]),
        ),
        samples: readSamples(p["meterValue"]),
      };
    case "DataTransfer":
      return { kind: "data", vendorId: p["vendorId"] as string, ...given("messageId", text(p["messageId"])) };
    case "FirmwareStatusNotification":
    case "SignedFirmwareStatusNotification":
      return { kind: "firmware-status", status: p["status"] as string, ...requestIdOf(p) };
    case "DiagnosticsStatusNotification":
    case "LogStatusNotification":
      return { kind: "log-status", status: p["status"] as string, ...requestIdOf(p) };
    case "SecurityEventNotification":
      return {
        kind: "security-event",
        type: p["type"] as string,
        ...given("techInfo", text(p["techInfo"])),
        at: parseTime(p["timestamp"]),
      };
    case "SignCertificate":
      return { kind: "sign-certificate", csr: p["csr"] as string };
    default:
      return { kind: "other" };
  }
}

function idTagInfo(decision: Decision) {
  return {
    // 1.6 has no word for "not now": the driver must at least see that nothing begins.
    status: /^(Unknown|NotAtThisTime)$/.test(decision.status) ? "Invalid" : decision.status,
    ...given("parentIdTag", decision.groupId?.slice(0, 20)),
    ...given("expiryDate", decision.expiresAt === undefined ? undefined : formatTime(decision.expiresAt)),
  };
}

const NOTIFICATIONS = new Set([
  "StatusNotification",
  "MeterValues",
  "DiagnosticsStatusNotification",
  "FirmwareStatusNotification",
  "LogStatusNotification",
  "SecurityEventNotification",
  "SignedFirmwareStatusNotification",
]);

export const v16: Dialect = {
  read,
  plainAnswer(action, { currentTime, heartbeatIntervalS }) {
    if (NOTIFICATIONS.has(action)) return {};
    if (action === "BootNotification")
      return { status: "Accepted", currentTime, interval: heartbeatIntervalS };
    if (action === "Heartbeat") return { currentTime };
    // Never "Accepted" for something nobody understood.
    if (action === "DataTransfer") return { status: "UnknownVendorId" };
    // The request waits in the cloud for somebody who signs.
    if (action === "SignCertificate") return { status: "Accepted" };
    return undefined;
  },
  authorizeAnswer: (decision) => ({ idTagInfo: idTagInfo(decision) }),
  transactionAnswer(event, decision, ocppTransactionId) {
    if (event === "Started") {
      const info = idTagInfo(decision ?? { status: "Invalid", reason: "undecided" });
      return { transactionId: Number(ocppTransactionId), idTagInfo: info };
    }
    return decision === undefined ? {} : { idTagInfo: idTagInfo(decision) };
  },
  toCall: toCall16,
  outcome: outcome16,
  variables: variables16,
};
