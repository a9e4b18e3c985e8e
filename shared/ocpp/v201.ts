/**
 * OCPP 2.0.1 (edition 3): its messages in the common tongue of `message.ts`, and back.
 */
import type { Decision } from "../decide/authorize.ts";
import { defined, given, text } from "../given.ts";
import { formatTime, parseTime } from "../time.ts";
import type { Dialect } from "./dialect.ts";
import type { ChargingState, ConnectorStatus, StationMessage, StationSample } from "./message.ts";
import { readReport } from "./reports.ts";
import { toReading } from "./sampled.ts";
import { outcome201, toCall201, variables201 } from "./v201-calls.ts";

type Fields = Record<string, unknown>;

function readSamples(list: unknown): StationSample[] {
  if (!Array.isArray(list)) return [];
  return (list as Fields[]).map((entry) => {
    const sampled = entry["sampledValue"] as Fields[];
    const values = sampled.map((v) => {
      const unit = v["unitOfMeasure"] as Fields | undefined;
      return {
        value: v["value"] as number,
        measurand: text(v["measurand"]) ?? "Energy.Active.Import.Register",
        phase: text(v["phase"]),
        unit: text(unit?.["unit"]),
        multiplier: unit?.["multiplier"] as number | undefined,
      };
    });
    const context = text(sampled[0]?.["context"]);
    return { ...toReading(values), at: parseTime(entry["timestamp"]), ...given("context", context) };
  });
}

const registerAt = (samples: StationSample[], context: string) =>
  samples.find((s) => s.context === context && s.energyImportWh !== undefined)?.energyImportWh;

function readTransactionEvent(p: Fields): StationMessage {
  const info = p["transactionInfo"] as Fields;
  const evse = p["evse"] as Fields | undefined;
  const token = p["idToken"] as Fields | undefined;
  const event = p["eventType"] as "Started" | "Updated" | "Ended";
  const samples = readSamples(p["meterValue"]);
  const first = samples.find((s) => s.energyImportWh !== undefined)?.energyImportWh;
  const last = samples.findLast((s) => s.energyImportWh !== undefined)?.energyImportWh;
  const message = defined({
    kind: "transaction" as const,
    event,
    ocppTransactionId: info["transactionId"] as string,
    evseId: evse?.["id"] as number | undefined,
    connectorId: evse?.["connectorId"] as number | undefined,
    idToken:
      token === undefined
        ? undefined
        : { idToken: token["idToken"] as string, type: token["type"] as string },
    atText: p["timestamp"] as string,
    seqNo: p["seqNo"] as number,
    triggerReason: p["triggerReason"] as string,
    chargingState: info["chargingState"] as ChargingState | undefined,
    stoppedReason: event === "Ended" ? (text(info["stoppedReason"]) ?? "Local") : undefined,
    offline: p["offline"] as boolean | undefined,
    reservationId: p["reservationId"] as number | undefined,
    // Ended may repeat all values of the transaction, so the begin is known even when Started was lost.
    meterStartWh: registerAt(samples, "Transaction.Begin") ?? (event === "Started" ? first : undefined),
    meterStopWh: event === "Ended" ? (registerAt(samples, "Transaction.End") ?? last) : undefined,
    samples,
  });
  return { ...message, at: parseTime(p["timestamp"]) };
}

/** A contract certificate, where the car shows one instead of a card. */
function contractOf(p: Fields) {
  const certificate = text(p["certificate"]);
  const hashData = p["iso15118CertificateHashData"] as unknown[] | undefined;
  if (certificate === undefined && hashData === undefined) return undefined;
  return { ...given("certificate", certificate), ...given("hashData", hashData) };
}

export function read201(action: string, p: Fields): StationMessage {
  switch (action) {
    case "BootNotification": {
      const station = p["chargingStation"] as Fields;
      return {
        kind: "booted",
        vendor: text(station["vendorName"]) ?? "",
        model: text(station["model"]) ?? "",
        ...given("serialNumber", text(station["serialNumber"])),
        ...given("firmwareVersion", text(station["firmwareVersion"])),
        ...given("reason", text(p["reason"])),
      };
    }
    case "Heartbeat":
      return { kind: "heartbeat" };
    case "StatusNotification":
      return {
        kind: "status",
        evseId: p["evseId"] as number,
        connectorId: p["connectorId"] as number,
        status: p["connectorStatus"] as ConnectorStatus,
        at: parseTime(p["timestamp"]),
      };
    case "Authorize": {
      const token = p["idToken"] as Fields;
      return {
        kind: "authorize",
        idToken: { idToken: token["idToken"] as string, type: token["type"] as string },
        ...given("contract", contractOf(p)),
      };
    }
    case "TransactionEvent":
      return readTransactionEvent(p);
    case "MeterValues":
      return { kind: "sampled", evseId: p["evseId"] as number, samples: readSamples(p["meterValue"]) };
    case "DataTransfer":
      return { kind: "data", vendorId: p["vendorId"] as string, ...given("messageId", text(p["messageId"])) };
    default:
      return readReport(action, p) ?? { kind: "other" };
  }
}

/** What the driver reads, in the language that every station can show. */
const NOT_NOW = { format: "UTF8", language: "en", content: "No new charging here at the moment" };

function idTokenInfo(decision: Decision) {
  return {
    status: decision.status,
    ...given(
      "cacheExpiryDateTime",
      decision.expiresAt === undefined ? undefined : formatTime(decision.expiresAt),
    ),
    ...given(
      "groupIdToken",
      decision.groupId === undefined ? undefined : { idToken: decision.groupId, type: "Central" },
    ),
    ...given("personalMessage", decision.status === "NotAtThisTime" ? NOT_NOW : undefined),
  };
}

const NOTIFICATIONS = new Set([
  "StatusNotification",
  "MeterValues",
  "ClearedChargingLimit",
  "FirmwareStatusNotification",
  "LogStatusNotification",
  "NotifyChargingLimit",
  "NotifyCustomerInformation",
  "NotifyDisplayMessages",
  "NotifyEvent",
  "NotifyMonitoringReport",
  "NotifyReport",
  "PublishFirmwareStatusNotification",
  "ReportChargingProfiles",
  "ReservationStatusUpdate",
  "SecurityEventNotification",
]);

export const v201: Dialect = {
  read: read201,
  plainAnswer(action, { currentTime, heartbeatIntervalS }) {
    if (NOTIFICATIONS.has(action)) return {};
    switch (action) {
      case "BootNotification":
        return { status: "Accepted", currentTime, interval: heartbeatIntervalS };
      case "Heartbeat":
        return { currentTime };
      case "DataTransfer":
        return { status: "UnknownVendorId" };
      // The request waits in the cloud for somebody who signs.
      case "SignCertificate":
        return { status: "Accepted" };
      case "NotifyEVChargingNeeds":
        return { status: "Rejected" };
      case "NotifyEVChargingSchedule":
        return { status: "Accepted" };
      case "GetCertificateStatus":
        return { status: "Failed" };
      case "Get15118EVCertificate":
        return { status: "Failed", exiResponse: "" };
      default:
        return undefined;
    }
  },
  authorizeAnswer: (decision, certificateStatus) => ({
    idTokenInfo: idTokenInfo(decision),
    ...given("certificateStatus", certificateStatus),
  }),
  transactionAnswer: (event, decision, _id, totalCost) => ({
    ...(decision === undefined ? {} : { idTokenInfo: idTokenInfo(decision) }),
    // OCPP 2.0.1 has it only at the end; running costs are told by CostUpdated.
    ...given("totalCost", event === "Ended" ? totalCost : undefined),
  }),
  toCall: toCall201,
  outcome: outcome201,
  variables: variables201,
};
