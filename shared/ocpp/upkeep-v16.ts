/**
 * OCPP 1.6: what the ER asks of a station by itself (`upkeep.ts`), and what the answers say.
 *
 * A station may answer anything: what is not there, or not of its type, counts as not said.
 */
import { fieldsOf, given, listOf, text } from "../given.ts";
import { formatTime, parseTime } from "../time.ts";
import { finalCost16, runningCost16, userPrice16 } from "./cost.ts";
import type { Call } from "./dialect.ts";
import {
  DEFAULT_PROFILE_ID,
  schedule,
  statusOf,
  TX_PROFILE_ID,
  type ListEntry,
  type Setting,
  type Upkeep,
  type UpkeepAnswer,
} from "./upkeep.ts";

type Fields = Record<string, unknown>;

/** A parent that is longer cannot be told to a station of this version; nor can a token. */
export const ID_TAG_LENGTH_MAX = 20;

/** Keys of the standard, and of its errata and security paper where they are wider spread. */
export const KEYS_16: Partial<Record<Setting, string>> = {
  itemsPerRead: "GetConfigurationMaxKeys",
  features: "SupportedFeatureProfiles",
  listEntriesMax: "LocalAuthListMaxLength",
  listItemsPerMessage: "SendLocalListMaxLength",
  listEnabled: "LocalAuthListEnabled",
  localAuthorizeOffline: "LocalAuthorizeOffline",
  localPreAuthorize: "LocalPreAuthorize",
  offlineTxForUnknownId: "AllowOfflineTxForUnknownId",
  stopTxOnInvalidId: "StopTransactionOnInvalidId",
  maxEnergyOnInvalidId: "MaxEnergyOnInvalidId",
  messageAttempts: "TransactionMessageAttempts",
  messageAttemptInterval: "TransactionMessageRetryInterval",
  costShown: "CustomDisplayCostAndPrice",
};

const keyOf = (setting: Setting): string => KEYS_16[setting] ?? setting;
const settingOf = (key: unknown): Setting | undefined =>
  (Object.keys(KEYS_16) as Setting[]).find(
    (setting) => keyOf(setting).toLowerCase() === text(key)?.toLowerCase(),
  );

const TRIGGERS = {
  boot: "BootNotification",
  status: "StatusNotification",
  heartbeat: "Heartbeat",
  meter: "MeterValues",
  transaction: "MeterValues",
} as const;

export function call16(wanted: Upkeep): Call | undefined {
  switch (wanted.kind) {
    case "stop": {
      const transactionId = Number(wanted.ocppTransactionId);
      return { action: "RemoteStopTransaction", payload: { transactionId } };
    }
    case "limit-transaction": {
      const csChargingProfiles = {
        chargingProfileId: TX_PROFILE_ID,
        transactionId: Number(wanted.ocppTransactionId),
        stackLevel: 1,
        chargingProfilePurpose: "TxProfile",
        chargingProfileKind: "Relative",
        chargingSchedule: schedule(wanted.limitA),
      };
      return { action: "SetChargingProfile", payload: { connectorId: wanted.evseId, csChargingProfiles } };
    }
    case "trigger": {
      const requestedMessage = TRIGGERS[wanted.message];
      return {
        action: "TriggerMessage",
        payload: { requestedMessage, ...given("connectorId", wanted.evseId) },
      };
    }
    case "read-settings":
      return { action: "GetConfiguration", payload: { key: wanted.settings.map(keyOf) } };
    case "write-settings": {
      const [first] = wanted.values;
      if (first === undefined) return undefined;
      return { action: "ChangeConfiguration", payload: { key: keyOf(first.setting), value: first.value } };
    }
    case "read-list-version":
      return { action: "GetLocalListVersion", payload: {} };
    case "ask-list-limit":
      return undefined;
    case "send-list":
      return {
        action: "SendLocalList",
        payload: {
          listVersion: wanted.version,
          updateType: wanted.update,
          localAuthorizationList: wanted.entries.map(writeEntry),
        },
      };
    case "default-profile":
      return defaultProfile(wanted.limitA);
    case "running-cost":
      return runningCost16(wanted);
    case "final-cost":
      return finalCost16(wanted.ocppTransactionId, wanted.price);
    case "user-price":
      return userPrice16(wanted.idToken, wanted.text);
  }
}

function defaultProfile(limitA: number | undefined): Call {
  if (limitA === undefined) return { action: "ClearChargingProfile", payload: { id: DEFAULT_PROFILE_ID } };
  const csChargingProfiles = {
    chargingProfileId: DEFAULT_PROFILE_ID,
    stackLevel: 0,
    chargingProfilePurpose: "TxDefaultProfile",
    chargingProfileKind: "Relative",
    chargingSchedule: schedule(limitA),
  };
  return { action: "SetChargingProfile", payload: { connectorId: 0, csChargingProfiles } };
}

function writeEntry({ idToken, status, groupId, expiresAt }: ListEntry): Fields {
  if (status === undefined) return { idTag: idToken };
  const expiryDate = expiresAt === undefined ? undefined : formatTime(expiresAt);
  return {
    idTag: idToken,
    idTagInfo: { status, ...given("parentIdTag", groupId), ...given("expiryDate", expiryDate) },
  };
}

function readEntry(entry: Fields): ListEntry {
  const info = entry["idTagInfo"] === undefined ? undefined : fieldsOf(entry["idTagInfo"]);
  return {
    idToken: text(entry["idTag"]) ?? "",
    ...given("status", text(info?.["status"]) as ListEntry["status"]),
    ...given("groupId", text(info?.["parentIdTag"])),
    ...given("expiresAt", parseTime(info?.["expiryDate"])),
  };
}

export function answer16(
  action: string,
  request: Fields,
  response: Fields | undefined,
): UpkeepAnswer | undefined {
  const status = statusOf(response);
  switch (action) {
    case "GetConfiguration":
      return { kind: "settings-read", settings: readSettings(request, response) };
    case "ChangeConfiguration": {
      const setting = settingOf(request["key"]);
      if (setting === undefined) return undefined;
      const accepted = status === "Accepted" || status === "RebootRequired";
      const value = text(request["value"]) ?? "";
      return { kind: "settings-written", settings: [{ setting, value, accepted }] };
    }
    case "GetLocalListVersion": {
      // -1: it has no list. Where it is empty: 0.
      const version = response?.["listVersion"];
      const known = typeof version === "number" && Number.isInteger(version) && version >= 0;
      return { kind: "list-version", ...given("version", known ? version : undefined) };
    }
    case "SendLocalList":
      return {
        kind: "list-sent",
        status: SENT.get(status) ?? (response === undefined ? "unsupported" : "failed"),
        update: request["updateType"] === "Full" ? "Full" : "Differential",
        version: Number(request["listVersion"]),
        entries: listOf(request["localAuthorizationList"]).map(readEntry),
      };
    case "SetChargingProfile":
    case "ClearChargingProfile":
      return readProfileAnswer(action, fieldsOf(request["csChargingProfiles"]), status);
    default:
      return undefined;
  }
}

const SENT = new Map<string, Extract<UpkeepAnswer, { kind: "list-sent" }>["status"]>([
  ["Accepted", "accepted"],
  ["Failed", "failed"],
  ["VersionMismatch", "mismatch"],
  ["NotSupported", "unsupported"],
]);

function readSettings(request: Fields, response: Fields | undefined) {
  const told = listOf(response?.["configurationKey"]);
  const asked = Array.isArray(request["key"]) ? (request["key"] as unknown[]) : [];
  return asked.flatMap((key) => {
    const setting = settingOf(key);
    if (setting === undefined) return [];
    const found = told.find((entry) => settingOf(entry["key"]) === setting);
    return [{ setting, readOnly: found?.["readonly"] === true, ...given("value", text(found?.["value"])) }];
  });
}

function readProfileAnswer(action: string, profile: Fields, status: string): UpkeepAnswer {
  // Nothing there to clear: that is what was wanted.
  if (action === "ClearChargingProfile")
    return { kind: "default-profile", accepted: status === "Accepted" || status === "Unknown" };
  const [period] = listOf(fieldsOf(profile["chargingSchedule"])["chargingSchedulePeriod"]);
  return { kind: "default-profile", limitA: Number(period?.["limit"]), accepted: status === "Accepted" };
}
