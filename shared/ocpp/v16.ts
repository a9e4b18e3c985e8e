/**
 * OCPP 1.6 (edition 2, with errata): its messages in the common tongue of `message.ts`, and back.
 *
 * 1.6 has connectors only: connector N is EVSE N with connector 1; connector 0 is the station itself (EVSE
 * 0, connector 0).
 */
import type { CommandBody } from "../command.ts";
import type { Decision } from "../decide/authorize.ts";
import { given, text } from "../given.ts";
import { formatTime, parseTime } from "../time.ts";
import type { Call, CallContext, Dialect, Refusal } from "./dialect.ts";
import type { ConnectorStatus, StationMessage, StationSample } from "./message.ts";
import { toReading } from "./sampled.ts";

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

/** OCPP 1.6 names what OCPP 2.x calls differently. */
const TRIGGERS: Record<string, string> = { LogStatusNotification: "DiagnosticsStatusNotification" };

function toCall(command: CommandBody, context: CallContext): Call | Refusal {
  switch (command.kind) {
    case "RequestStartTransaction": {
      const { evseId, idToken } = command.params;
      if (idToken.idToken.length > 20) return { refused: "OCPP 1.6 takes idTags of at most 20 characters" };
      const payload = { ...given("connectorId", evseId === 0 ? undefined : evseId), idTag: idToken.idToken };
      return { action: "RemoteStartTransaction", payload };
    }
    case "RequestStopTransaction": {
      const id = context.ocppTransactionId(command.params.transactionId);
      if (id === undefined) return { refused: "the transaction is not running on this station" };
      return { action: "RemoteStopTransaction", payload: { transactionId: Number(id) } };
    }
    case "Reset":
      return { action: "Reset", payload: { type: command.params.type === "Immediate" ? "Hard" : "Soft" } };
    case "TriggerMessage": {
      const { requestedMessage, evseId } = command.params;
      const message = TRIGGERS[requestedMessage] ?? requestedMessage;
      return {
        action: "TriggerMessage",
        payload: { requestedMessage: message, ...given("connectorId", evseId) },
      };
    }
    case "ChangeAvailability":
      return {
        action: "ChangeAvailability",
        payload: { connectorId: command.params.evseId ?? 0, type: command.params.operationalStatus },
      };
    case "UnlockConnector":
      return { action: "UnlockConnector", payload: { connectorId: command.params.evseId } };
    case "GetConfiguration":
      return { action: "GetConfiguration", payload: { ...given("key", command.params.key) } };
    case "ChangeConfiguration":
      return { action: "ChangeConfiguration", payload: { ...command.params } };
    case "GetVariables": {
      const key = command.params.getVariableData.map((item) => item.variable.name);
      return { action: "GetConfiguration", payload: { key } };
    }
    case "SetVariables": {
      const [item, ...more] = command.params.setVariableData;
      if (item === undefined || more.length > 0)
        return { refused: "OCPP 1.6 sets one configuration key per call" };
      return {
        action: "ChangeConfiguration",
        payload: { key: item.variable.name, value: item.attributeValue },
      };
    }
  }
}

const SUCCESS = new Set(["Accepted", "Scheduled", "RebootRequired", "Unlocked"]);

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
    if (action === "SignCertificate") return { status: "Rejected" };
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
  toCall,
  outcome(action, payload) {
    if (action === "GetConfiguration") return { status: "succeeded" };
    const status = text(payload["status"]) ?? "no status";
    return SUCCESS.has(status)
      ? { status: "succeeded" }
      : { status: "rejected", reason: `the station said ${status}` };
  },
};
