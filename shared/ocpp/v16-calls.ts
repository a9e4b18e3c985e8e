/**
 * OCPP 1.6 (edition 2, with the security extension): commands in OCPP 2.x words → its CALLs, and what the answers
 * mean.
 *
 * What 1.6 cannot do is refused with the reason, never narrowed without a word.
 */
import type { CommandBody, StandardKind } from "../command.ts";
import type { CommandOutcome } from "../entry.ts";
import { defined, fieldsOf, given, listOf, text } from "../given.ts";
import type { Call, CallContext, Refusal } from "./dialect.ts";
import type { StationVariable } from "./message.ts";
import { hasStatus } from "./schemas.ts";

type Fields = Record<string, unknown>;

const ID_TAG_LENGTH_MAX = 20;

const refused = (reason: string): Refusal => ({ refused: `OCPP 1.6 ${reason}` });

/** What a 1.6 station sends for a message that 2.x calls otherwise, and which call can ask for it. */
const TRIGGERS: Record<string, [action: "TriggerMessage" | "ExtendedTriggerMessage", message: string]> = {
  BootNotification: ["TriggerMessage", "BootNotification"],
  Heartbeat: ["TriggerMessage", "Heartbeat"],
  StatusNotification: ["TriggerMessage", "StatusNotification"],
  MeterValues: ["TriggerMessage", "MeterValues"],
  TransactionEvent: ["TriggerMessage", "MeterValues"],
  FirmwareStatusNotification: ["TriggerMessage", "FirmwareStatusNotification"],
  DiagnosticsStatusNotification: ["TriggerMessage", "DiagnosticsStatusNotification"],
  LogStatusNotification: ["TriggerMessage", "DiagnosticsStatusNotification"],
  SignChargingStationCertificate: ["ExtendedTriggerMessage", "SignChargePointCertificate"],
  SignChargePointCertificate: ["ExtendedTriggerMessage", "SignChargePointCertificate"],
};

/** The 1.6 word for a use of a certificate: the CSMS is the central system, firmware is the manufacturer's. */
const CERTIFICATE_USE: Record<string, string> = {
  CSMSRootCertificate: "CentralSystemRootCertificate",
  ManufacturerRootCertificate: "ManufacturerRootCertificate",
};

function idTag(token: Fields): string | Refusal {
  const id = text(token["idToken"]) ?? "";
  return id.length > ID_TAG_LENGTH_MAX
    ? refused(`takes idTags of at most ${ID_TAG_LENGTH_MAX} characters`)
    : id;
}

/** @param context what only our side knows: names of transactions, new ids. */
export function toCall16(command: CommandBody, context: CallContext): Call | Refusal {
  switch (command.kind) {
    case "Call":
      return { action: command.params.action, payload: command.params.payload };
    case "CloseConnection":
      return { refused: "is no OCPP message" };
    case "RequestStartTransaction": {
      const { evseId, idToken, chargingProfile } = command.params;
      const tag = idTag(idToken);
      if (typeof tag !== "string") return tag;
      const profile = chargingProfile === undefined ? undefined : profile16(chargingProfile, context);
      if (profile !== undefined && "refused" in profile) return profile as Refusal;
      const connectorId = evseId === 0 ? undefined : evseId;
      return {
        action: "RemoteStartTransaction",
        payload: { ...given("connectorId", connectorId), idTag: tag, ...given("chargingProfile", profile) },
      };
    }
    case "RequestStopTransaction": {
      const id = context.ocppTransactionId(command.params.transactionId);
      if (id === undefined) return { refused: "the transaction is not running on this station" };
      return { action: "RemoteStopTransaction", payload: { transactionId: Number(id) } };
    }
    case "Reset":
      return command.params.evseId === undefined
        ? { action: "Reset", payload: { type: command.params.type === "Immediate" ? "Hard" : "Soft" } }
        : refused("resets the whole station, not one EVSE");
    case "TriggerMessage": {
      const { requestedMessage, evseId } = command.params;
      const trigger = TRIGGERS[requestedMessage];
      if (trigger === undefined) return refused(`stations cannot be asked for ${requestedMessage}`);
      const [action, message] = trigger;
      return { action, payload: { requestedMessage: message, ...given("connectorId", evseId) } };
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
      if (item === undefined || more.length > 0) return refused("sets one configuration key per call");
      return {
        action: "ChangeConfiguration",
        payload: { key: item.variable.name, value: item.attributeValue },
      };
    }
    default: {
      const { kind, params } = command;
      const translate = STANDARD_16[kind];
      return translate === undefined ? refused(`has no ${kind}`) : translate(params, context);
    }
  }
}

type Translate = (p: Fields, context: CallContext) => Call | Refusal;

const call = (action: string, payload: Fields): Call => ({ action, payload: defined(payload) });

/** Standard commands that 1.6 can fulfil. */
const STANDARD_16: Partial<Record<StandardKind, Translate>> = {
  ClearCache: () => call("ClearCache", {}),
  GetLocalListVersion: () => call("GetLocalListVersion", {}),
  CancelReservation: (p) => call("CancelReservation", { reservationId: p["reservationId"] }),
  DataTransfer(p) {
    const { vendorId, messageId, data } = p;
    const sent = data === undefined || typeof data === "string" ? data : JSON.stringify(data);
    return call("DataTransfer", { vendorId, messageId, data: sent });
  },
  ReserveNow(p, context) {
    if (p["connectorType"] !== undefined)
      return refused("reserves a connector by its number, not by its type");
    const tag = idTag(fieldsOf(p["idToken"]));
    if (typeof tag !== "string") return tag;
    const group = p["groupIdToken"] === undefined ? undefined : idTag(fieldsOf(p["groupIdToken"]));
    if (group !== undefined && typeof group !== "string") return group;
    return call("ReserveNow", {
      connectorId: p["evseId"] ?? 0,
      expiryDate: p["expiryDateTime"],
      idTag: tag,
      parentIdTag: group,
      reservationId: p["id"] ?? context.reservationId ?? context.requestId,
    });
  },
  SetChargingProfile(p, context) {
    const profile = profile16(fieldsOf(p["chargingProfile"]), context);
    if ("refused" in profile) return profile as Refusal;
    return call("SetChargingProfile", { connectorId: p["evseId"], csChargingProfiles: profile });
  },
  ClearChargingProfile(p) {
    const criteria = fieldsOf(p["chargingProfileCriteria"]);
    return call("ClearChargingProfile", {
      id: p["chargingProfileId"],
      connectorId: criteria["evseId"],
      chargingProfilePurpose: purpose16(criteria["chargingProfilePurpose"]),
      stackLevel: criteria["stackLevel"],
    });
  },
  GetCompositeSchedule: (p) =>
    call("GetCompositeSchedule", {
      connectorId: p["evseId"],
      duration: p["duration"],
      chargingRateUnit: p["chargingRateUnit"],
    }),
  SendLocalList(p) {
    const entries = listOf(p["localAuthorizationList"]).map(listEntry16);
    const wrong = entries.find((entry): entry is Refusal => "refused" in entry);
    if (wrong !== undefined) return wrong;
    const localAuthorizationList = p["localAuthorizationList"] === undefined ? undefined : entries;
    const { versionNumber: listVersion, updateType } = p;
    return call("SendLocalList", { listVersion, updateType, localAuthorizationList });
  },
  UpdateFirmware(p, context) {
    const firmware = fieldsOf(p["firmware"]);
    const { retries, retryInterval } = p;
    const { location, retrieveDateTime: retrieveDate = context.now } = firmware;
    if (location === undefined) return { refused: "the firmware has no address yet" };
    if (firmware["signature"] === undefined)
      return call("UpdateFirmware", { location, retrieveDate, retries, retryInterval });
    const { installDateTime, signingCertificate, signature } = firmware;
    return call("SignedUpdateFirmware", {
      ...{ requestId: p["requestId"] ?? context.requestId, retries, retryInterval },
      firmware: defined({
        ...{ location, retrieveDateTime: retrieveDate, installDateTime, signingCertificate, signature },
      }),
    });
  },
  GetLog(p, context) {
    const { remoteLocation: location, oldestTimestamp, latestTimestamp } = fieldsOf(p["log"]);
    const { retries, retryInterval, logType } = p;
    if (location === undefined) return { refused: "the log has no address to be sent to yet" };
    // Diagnostics are of the base protocol; a security log needs the security extension.
    if (logType === "DiagnosticsLog") {
      const times = { startTime: oldestTimestamp, stopTime: latestTimestamp };
      return call("GetDiagnostics", { location, ...times, retries, retryInterval });
    }
    const log = defined({ remoteLocation: location, oldestTimestamp, latestTimestamp });
    const requestId = p["requestId"] ?? context.requestId;
    return call("GetLog", { log, logType, requestId, retries, retryInterval });
  },
  GetBaseReport: () => call("GetConfiguration", {}),
  GetReport(p) {
    const key = listOf(p["componentVariable"]).flatMap(
      (item) => text(fieldsOf(item["variable"])["name"]) ?? [],
    );
    return call("GetConfiguration", { key: key.length === 0 ? undefined : key });
  },
  InstallCertificate(p) {
    const certificateType = CERTIFICATE_USE[String(p["certificateType"])];
    if (certificateType === undefined) return refused(`has no ${String(p["certificateType"])}`);
    return call("InstallCertificate", { certificateType, certificate: p["certificate"] });
  },
  DeleteCertificate: (p) => call("DeleteCertificate", { certificateHashData: p["certificateHashData"] }),
  GetInstalledCertificateIds(p) {
    const [use, ...more] = (p["certificateType"] ?? []) as string[];
    const certificateType = CERTIFICATE_USE[use ?? ""];
    if (certificateType === undefined || more.length > 0)
      return refused("asks for one of CSMSRootCertificate and ManufacturerRootCertificate at a time");
    return call("GetInstalledCertificateIds", { certificateType });
  },
  CertificateSigned: (p) => call("CertificateSigned", { certificateChain: p["certificateChain"] }),
};

const purpose16 = (purpose: unknown): unknown =>
  purpose === "ChargingStationMaxProfile" ? "ChargePointMaxProfile" : purpose;

function profile16(profile: Fields, context: CallContext): Fields | Refusal {
  const { id, transactionId, stackLevel, chargingProfileKind, recurrencyKind, validFrom, validTo } = profile;
  const purpose = purpose16(profile["chargingProfilePurpose"]);
  if (purpose === "ChargingStationExternalConstraints") return refused("has no external constraints");
  const [schedule, ...more] = listOf(profile["chargingSchedule"]);
  if (schedule === undefined || more.length > 0) return refused("takes one schedule per profile");
  const name = text(transactionId);
  // Our id of a transaction, or the station's own.
  const wireId = name === undefined ? undefined : (context.ocppTransactionId(name) ?? name);
  if (wireId !== undefined && !/^-?\d+$/.test(wireId))
    return { refused: "the transaction is not running on this station" };
  const { duration, startSchedule, chargingRateUnit, minChargingRate } = schedule;
  const chargingSchedulePeriod = listOf(schedule["chargingSchedulePeriod"]).map(
    ({ startPeriod, limit, numberPhases }) => defined({ startPeriod, limit, numberPhases }),
  );
  return defined({
    ...{ chargingProfileId: id, transactionId: wireId === undefined ? undefined : Number(wireId) },
    ...{
      stackLevel,
      chargingProfilePurpose: purpose,
      chargingProfileKind,
      recurrencyKind,
      validFrom,
      validTo,
    },
    chargingSchedule: defined({
      ...{ duration, startSchedule, chargingRateUnit, chargingSchedulePeriod, minChargingRate },
    }),
  });
}

function listEntry16(entry: Fields): Fields | Refusal {
  const tag = idTag(fieldsOf(entry["idToken"]));
  if (typeof tag !== "string") return tag;
  if (entry["idTokenInfo"] === undefined) return { idTag: tag };
  const info = fieldsOf(entry["idTokenInfo"]);
  const group = info["groupIdToken"] === undefined ? undefined : idTag(fieldsOf(info["groupIdToken"]));
  if (group !== undefined && typeof group !== "string") return group;
  const status = /^(Accepted|Blocked|Expired|ConcurrentTx)$/.test(String(info["status"]))
    ? info["status"]
    : "Invalid";
  const idTagInfo = defined({ status, parentIdTag: group, expiryDate: info["cacheExpiryDateTime"] });
  return { idTag: tag, idTagInfo };
}

const SUCCESS = new Set(["Accepted", "Scheduled", "RebootRequired", "Unlocked"]);

export function outcome16(action: string, payload: Fields): { status: CommandOutcome; reason?: string } {
  const status = text(payload["status"]) ?? (hasStatus("ocpp1.6", action) ? "no status" : "Accepted");
  return SUCCESS.has(status)
    ? { status: "succeeded" }
    : { status: "rejected", reason: `the station said ${status}` };
}

/** Keys read, or written and accepted. */
export function variables16(action: string, request: Fields, response: Fields): StationVariable[] {
  const key = { component: "", attribute: "Actual" };
  if (action === "GetConfiguration")
    return listOf(response["configurationKey"]).map((item) =>
      defined({
        ...key,
        variable: text(item["key"]) ?? "",
        value: text(item["value"]),
        mutability: item["readonly"] === true ? ("ReadOnly" as const) : ("ReadWrite" as const),
      }),
    );
  if (action !== "ChangeConfiguration" || response["status"] !== "Accepted") return [];
  const { key: variable, value } = request;
  return [{ ...key, ...{ variable: text(variable) ?? "", value: text(value) ?? "" } }];
}
