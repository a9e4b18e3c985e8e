/**
 * OCPP 2.0.1 (edition 3): its messages in the common tongue of `message.ts`, and back.
 */
import type { CommandBody } from "../command.ts";
import type { Decision } from "../decide/authorize.ts";
import { defined, given, text } from "../given.ts";
import { formatTime, parseTime } from "../time.ts";
import type { Call, CallContext, Dialect, Refusal } from "./dialect.ts";
import type { ChargingState, ConnectorStatus, StationMessage, StationSample } from "./message.ts";
import { toReading } from "./sampled.ts";

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
    // Ended may repeat all values of the transaction, so the begin is known even when Started was lost.
    meterStartWh: registerAt(samples, "Transaction.Begin") ?? (event === "Started" ? first : undefined),
    meterStopWh: event === "Ended" ? (registerAt(samples, "Transaction.End") ?? last) : undefined,
    samples,
  });
  return { ...message, at: parseTime(p["timestamp"]) };
}

function read(action: string, p: Fields): StationMessage {
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
      };
    }
    case "TransactionEvent":
      return readTransactionEvent(p);
    case "MeterValues":
      return { kind: "sampled", evseId: p["evseId"] as number, samples: readSamples(p["meterValue"]) };
    case "DataTransfer":
      return { kind: "data", vendorId: p["vendorId"] as string, ...given("messageId", text(p["messageId"])) };
    default:
      return { kind: "other" };
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

const evseOf = (evseId: number | undefined, connectorId?: number) =>
  given(
    "evse",
    evseId === undefined || evseId === 0 ? undefined : { id: evseId, ...given("connectorId", connectorId) },
  );

const componentOf = (item: {
  component?: { name: string; instance?: string };
  variable: { name: string };
}) => ({
  component: item.component ?? { name: "ChargingStation" },
  variable: item.variable,
});

function toCall(command: CommandBody, context: CallContext): Call | Refusal {
  switch (command.kind) {
    case "RequestStartTransaction": {
      const { evseId, idToken } = command.params;
      return {
        action: "RequestStartTransaction",
        payload: {
          ...given("evseId", evseId === 0 ? undefined : evseId),
          idToken: { idToken: idToken.idToken, type: idToken.type ?? "Central" },
          remoteStartId: context.requestId,
        },
      };
    }
    case "RequestStopTransaction": {
      const id = context.ocppTransactionId(command.params.transactionId);
      if (id === undefined) return { refused: "the transaction is not running on this station" };
      return { action: "RequestStopTransaction", payload: { transactionId: id } };
    }
    case "Reset":
      return { action: "Reset", payload: { ...command.params } };
    case "TriggerMessage": {
      const { requestedMessage, evseId, connectorId } = command.params;
      return { action: "TriggerMessage", payload: { requestedMessage, ...evseOf(evseId, connectorId) } };
    }
    case "ChangeAvailability": {
      const { operationalStatus, evseId, connectorId } = command.params;
      return { action: "ChangeAvailability", payload: { operationalStatus, ...evseOf(evseId, connectorId) } };
    }
    case "UnlockConnector": {
      const { evseId, connectorId } = command.params;
      return { action: "UnlockConnector", payload: { evseId, connectorId: connectorId ?? 1 } };
    }
    case "GetConfiguration":
    case "ChangeConfiguration":
      return { refused: `${command.kind} is OCPP 1.6; this station speaks 2.0.1: use Get/SetVariables` };
    case "GetVariables":
      return {
        action: "GetVariables",
        payload: { getVariableData: command.params.getVariableData.map((item) => componentOf(item)) },
      };
    case "SetVariables":
      return {
        action: "SetVariables",
        payload: {
          setVariableData: command.params.setVariableData.map((item) => ({
            ...componentOf(item),
            attributeValue: item.attributeValue,
          })),
        },
      };
  }
}

const SUCCESS = new Set(["Accepted", "Scheduled", "Unlocked"]);

/**
 * Set/GetVariables answer per variable: the command succeeded when all did. The answer may break the
 * schema.
 */
function variablesOutcome(results: unknown): { status: "succeeded" | "rejected"; reason?: string } {
  if (!Array.isArray(results)) return { status: "rejected", reason: "the station answered for no variable" };
  const failed = (results as (Partial<Fields> | null)[])
    .filter((r) => r?.["attributeStatus"] !== "Accepted" && r?.["attributeStatus"] !== "RebootRequired")
    .map((r) => {
      const name = text((r?.["variable"] as Fields | null | undefined)?.["name"]) ?? "?";
      return `${name}: ${text(r?.["attributeStatus"]) ?? "no status"}`;
    });
  if (failed.length === 0) return { status: "succeeded" };
  return { status: "rejected", reason: failed.join(", ").slice(0, 500) };
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
  read,
  plainAnswer(action, { currentTime, heartbeatIntervalS }) {
    if (NOTIFICATIONS.has(action)) return {};
    switch (action) {
      case "BootNotification":
        return { status: "Accepted", currentTime, interval: heartbeatIntervalS };
      case "Heartbeat":
        return { currentTime };
      case "DataTransfer":
        return { status: "UnknownVendorId" };
      case "SignCertificate":
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
  authorizeAnswer: (decision) => ({ idTokenInfo: idTokenInfo(decision) }),
  transactionAnswer: (_event, decision) =>
    decision === undefined ? {} : { idTokenInfo: idTokenInfo(decision) },
  toCall,
  outcome(action, payload) {
    if (action === "GetVariables") return variablesOutcome(payload["getVariableResult"]);
    if (action === "SetVariables") return variablesOutcome(payload["setVariableResult"]);
    const status = text(payload["status"]) ?? "no status";
    return SUCCESS.has(status)
      ? { status: "succeeded" }
      : { status: "rejected", reason: `the station said ${status}` };
  },
};
