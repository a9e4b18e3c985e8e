/**
 * OCPP 2.0.1 and 2.1: commands → CALLs, and what the answers mean.
 *
 * Standard commands are the request itself; only what our side fills in is added.
 */
import type { CommandBody } from "../command.ts";
import type { CommandOutcome, Protocol } from "../entry.ts";
import { defined, fieldsOf, given, listOf, text } from "../given.ts";
import type { Call, CallContext, Refusal } from "./dialect.ts";
import type { StationVariable } from "./message.ts";
import { placeOf } from "./reports.ts";
import { hasStatus, schemaOf } from "./schemas.ts";

type Fields = Record<string, unknown>;

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

/** 1.6 words for messages that 2.x calls otherwise. */
const TRIGGERS: Record<string, string> = {
  DiagnosticsStatusNotification: "LogStatusNotification",
  SignChargePointCertificate: "SignChargingStationCertificate",
};

const toCallOf =
  (protocol: Protocol) =>
  (command: CommandBody, context: CallContext): Call | Refusal => {
    switch (command.kind) {
      case "Call":
        return { action: command.params.action, payload: command.params.payload };
      case "CloseConnection":
        return { refused: "is no OCPP message" };
      case "RequestStartTransaction": {
        const { evseId, idToken, groupIdToken, chargingProfile } = command.params;
        return {
          action: "RequestStartTransaction",
          payload: {
            ...given("evseId", evseId === 0 ? undefined : evseId),
            idToken: { idToken: idToken.idToken, type: idToken.type ?? "Central" },
            ...given("groupIdToken", groupIdToken),
            ...given("chargingProfile", chargingProfile),
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
        const { requestedMessage: wanted, evseId, connectorId } = command.params;
        const requestedMessage = TRIGGERS[wanted] ?? wanted;
        return { action: "TriggerMessage", payload: { requestedMessage, ...evseOf(evseId, connectorId) } };
      }
      case "ChangeAvailability": {
        const { operationalStatus, evseId, connectorId } = command.params;
        return {
          action: "ChangeAvailability",
          payload: { operationalStatus, ...evseOf(evseId, connectorId) },
        };
      }
      case "UnlockConnector": {
        const { evseId, connectorId } = command.params;
        return { action: "UnlockConnector", payload: { evseId, connectorId: connectorId ?? 1 } };
      }
      case "GetConfiguration":
      case "ChangeConfiguration":
        return {
          refused: `${command.kind} is OCPP 1.6; this station speaks ${protocol.slice(4)}: use Get/SetVariables`,
        };
      case "GetVariables":
        return {
          action: "GetVariables",
          payload: {
            getVariableData: command.params.getVariableData.map((item) => ({
              ...componentOf(item),
              ...given("attributeType", item.attributeType),
            })),
          },
        };
      case "SetVariables":
        return {
          action: "SetVariables",
          payload: {
            setVariableData: command.params.setVariableData.map((item) => ({
              ...componentOf(item),
              attributeValue: item.attributeValue,
              ...given("attributeType", item.attributeType),
            })),
          },
        };
      default:
        return standardCall(protocol, command.kind, command.params, context);
    }
  };

function standardCall(
  protocol: Protocol,
  kind: string,
  params: Fields,
  context: CallContext,
): Call | Refusal {
  const schema = schemaOf(protocol, kind, "Request");
  if (schema === undefined) return { refused: `OCPP ${protocol.slice(4)} has no ${kind}` };
  const asksForId = "requestId" in fieldsOf(schema["properties"]) && params["requestId"] === undefined;
  const payload: Fields = { ...params, ...(asksForId ? { requestId: context.requestId } : {}) };
  switch (kind) {
    case "ReserveNow":
      payload["id"] ??= context.reservationId ?? context.requestId;
      break;
    case "SetChargingProfile": {
      const profile = fieldsOf(params["chargingProfile"]);
      const id = text(profile["transactionId"]);
      // Our id of a transaction, or the station's own.
      const transactionId = id === undefined ? undefined : (context.ocppTransactionId(id) ?? id);
      payload["chargingProfile"] = { ...profile, ...given("transactionId", transactionId) };
      break;
    }
    case "SetDisplayMessage": {
      const message = fieldsOf(params["message"]);
      const id = text(message["transactionId"]);
      const transactionId = id === undefined ? undefined : (context.ocppTransactionId(id) ?? id);
      payload["message"] = { ...message, ...given("transactionId", transactionId) };
      break;
    }
    case "CostUpdated":
    case "GetTransactionStatus": {
      const id = text(params["transactionId"]);
      if (id !== undefined) payload["transactionId"] = context.ocppTransactionId(id) ?? id;
      break;
    }
    case "UpdateFirmware": {
      const { fileId: _fetched, ...firmware } = fieldsOf(params["firmware"]);
      if (firmware["location"] === undefined) return { refused: "the firmware has no address yet" };
      payload["firmware"] = { ...firmware, retrieveDateTime: firmware["retrieveDateTime"] ?? context.now };
      break;
    }
    case "GetLog": {
      const log = fieldsOf(params["log"]);
      if (log["remoteLocation"] === undefined) return { refused: "the log has no address to be sent to yet" };
      break;
    }
    default:
  }
  return { action: kind, payload };
}

export const toCall201 = toCallOf("ocpp2.0.1");
export const toCall21 = toCallOf("ocpp2.1");

const SUCCESS = new Set([
  "Accepted",
  "Scheduled",
  "Unlocked",
  "AcceptedCanceled",
  "Unpublished",
  "RebootRequired",
]);

/** Answers that tell a status per item: the command succeeded when all did. The answer may break the schema. */
const PER_ITEM: Record<string, [results: string, status: string]> = {
  GetVariables: ["getVariableResult", "attributeStatus"],
  SetVariables: ["setVariableResult", "attributeStatus"],
  SetVariableMonitoring: ["setMonitoringResult", "status"],
  ClearVariableMonitoring: ["clearMonitoringResult", "status"],
  ClearTariffs: ["clearTariffsResult", "status"],
};

/** A station may answer anything, also what cannot be made a text of. */
const wordOf = (value: unknown): string => (typeof value === "number" ? String(value) : (text(value) ?? "?"));

function itemsOutcome(
  results: unknown,
  field: string,
): { status: "succeeded" | "rejected"; reason?: string } {
  if (!Array.isArray(results)) return { status: "rejected", reason: "the station answered for nothing" };
  const failed = listOf(results)
    .filter((result) => !SUCCESS.has(text(result[field]) ?? ""))
    .map((result) => {
      const name = text(fieldsOf(result["variable"])["name"]) ?? wordOf(result["id"] ?? result["tariffId"]);
      return `${name}: ${text(result[field]) ?? "no status"}`;
    });
  if (failed.length === 0) return { status: "succeeded" };
  return { status: "rejected", reason: failed.join(", ").slice(0, 500) };
}

const outcomeOf =
  (protocol: Protocol) =>
  (action: string, payload: Fields): { status: CommandOutcome; reason?: string } => {
    const perItem = PER_ITEM[action];
    if (perItem !== undefined) return itemsOutcome(payload[perItem[0]], perItem[1]);
    const status = text(payload["status"]) ?? (hasStatus(protocol, action) ? "no status" : "Accepted");
    if (SUCCESS.has(status)) return { status: "succeeded" };
    const info = fieldsOf(payload["statusInfo"]);
    const detail = [text(info["reasonCode"]), text(info["additionalInfo"])].filter(
      (word) => word !== undefined,
    );
    const why = detail.length === 0 ? "" : ` (${detail.join(": ")})`;
    return { status: "rejected", reason: `the station said ${status}${why}` };
  };

export const outcome201 = outcomeOf("ocpp2.0.1");
export const outcome21 = outcomeOf("ocpp2.1");

/** Values read, or written and accepted. */
export function variables201(action: string, request: Fields, response: Fields): StationVariable[] {
  const attributeOf = (item: Fields) => text(item["attributeType"]) ?? "Actual";
  if (action === "GetVariables")
    return listOf(response["getVariableResult"])
      .filter((item) => item["attributeStatus"] === "Accepted")
      .map((item) =>
        defined({ ...placeOf(item), attribute: attributeOf(item), value: text(item["attributeValue"]) }),
      );
  if (action !== "SetVariables") return [];
  const key = (item: Fields) => JSON.stringify([placeOf(item), attributeOf(item)]);
  const accepted = new Set(
    listOf(response["setVariableResult"])
      .filter((item) => item["attributeStatus"] === "Accepted")
      .map(key),
  );
  return listOf(request["setVariableData"])
    .filter((item) => accepted.has(key(item)))
    .map((item) => ({
      ...placeOf(item),
      attribute: attributeOf(item),
      value: text(item["attributeValue"]) ?? "",
    }));
}
