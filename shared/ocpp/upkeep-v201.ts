/**
 * OCPP 2.0.1: what the ER asks of a station by itself (`upkeep.ts`), and what the answers say.
 *
 * A station may answer anything: what is not there, or not of its type, counts as not said.
 */
import { fieldsOf, given, listOf, text } from "../given.ts";
import { formatTime, parseTime } from "../time.ts";
import { toDecimal } from "./cost.ts";
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
type Place = [component: string, variable: string, instance?: string];

/** Component and variable, with the variable's instance where there are several. */
export const VARIABLES_201: Partial<Record<Setting, Place>> = {
  itemsPerRead: ["DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"],
  itemsPerWrite: ["DeviceDataCtrlr", "ItemsPerMessage", "SetVariables"],
  listItemsPerMessage: ["LocalAuthListCtrlr", "ItemsPerMessage"],
  listBytesPerMessage: ["LocalAuthListCtrlr", "BytesPerMessage"],
  listAvailable: ["LocalAuthListCtrlr", "Available"],
  listEnabled: ["LocalAuthListCtrlr", "Enabled"],
  smartCharging: ["SmartChargingCtrlr", "Enabled"],
  localAuthorizeOffline: ["AuthCtrlr", "LocalAuthorizeOffline"],
  localPreAuthorize: ["AuthCtrlr", "LocalPreAuthorize"],
  offlineTxForUnknownId: ["AuthCtrlr", "OfflineTxForUnknownIdEnabled"],
  stopTxOnInvalidId: ["TxCtrlr", "StopTxOnInvalidId"],
  maxEnergyOnInvalidId: ["TxCtrlr", "MaxEnergyOnInvalidId"],
  messageAttempts: ["OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"],
  messageAttemptInterval: ["OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"],
  monitorsPerWrite: ["MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring"],
  monitorsPerClear: ["MonitoringCtrlr", "ItemsPerMessage", "ClearVariableMonitoring"],
  costShown: ["TariffCostCtrlr", "Enabled", "Cost"],
};

const LIST_LENGTH = { component: { name: "LocalAuthListCtrlr" }, variable: { name: "Entries" } };

function variableOf(setting: Setting): Fields {
  const [component, name, instance] = VARIABLES_201[setting] ?? ["", setting];
  return { component: { name: component }, variable: { name, ...given("instance", instance) } };
}

/** An instance that the station leaves out in its answer is taken as meant. */
function settingOf(item: Fields, asked: readonly Setting[]): Setting | undefined {
  const { name: component } = fieldsOf(item["component"]);
  const { name, instance } = fieldsOf(item["variable"]);
  return asked.find((setting) => {
    const [c, v, i] = VARIABLES_201[setting] ?? [];
    return c === component && v === name && (instance === undefined || i === instance);
  });
}

const TRIGGERS = {
  boot: "BootNotification",
  status: "StatusNotification",
  heartbeat: "Heartbeat",
  meter: "MeterValues",
  transaction: "TransactionEvent",
} as const;

export function call201(wanted: Upkeep): Call | undefined {
  switch (wanted.kind) {
    case "stop":
      return { action: "RequestStopTransaction", payload: { transactionId: wanted.ocppTransactionId } };
    case "limit-transaction": {
      const chargingProfile = {
        id: TX_PROFILE_ID,
        stackLevel: 1,
        chargingProfilePurpose: "TxProfile",
        chargingProfileKind: "Relative",
        transactionId: wanted.ocppTransactionId,
        chargingSchedule: [{ id: TX_PROFILE_ID, ...schedule(wanted.limitA) }],
      };
      return { action: "SetChargingProfile", payload: { evseId: wanted.evseId, chargingProfile } };
    }
    case "trigger": {
      const requestedMessage = TRIGGERS[wanted.message];
      const evse = wanted.evseId === undefined ? undefined : { id: wanted.evseId };
      return { action: "TriggerMessage", payload: { requestedMessage, ...given("evse", evse) } };
    }
    case "read-settings":
      return { action: "GetVariables", payload: { getVariableData: wanted.settings.map(variableOf) } };
    case "write-settings":
      return {
        action: "SetVariables",
        payload: {
          setVariableData: wanted.values.map(({ setting, value }) => ({
            ...variableOf(setting),
            attributeValue: value,
          })),
        },
      };
    case "read-list-version":
      return { action: "GetLocalListVersion", payload: {} };
    case "ask-list-limit":
      return { action: "GetReport", payload: { requestId: 1, componentVariable: [LIST_LENGTH] } };
    case "send-list":
      return {
        action: "SendLocalList",
        payload: {
          versionNumber: wanted.version,
          updateType: wanted.update,
          // Never empty, by the schema: a full list of nothing comes without one.
          ...(wanted.entries.length === 0 ? {} : { localAuthorizationList: wanted.entries.map(writeEntry) }),
        },
      };
    case "default-profile":
      return defaultProfile(wanted.limitA);
    case "running-cost": {
      const totalCost = toDecimal(wanted.price.totalMinor, wanted.price.currency);
      return { action: "CostUpdated", payload: { totalCost, transactionId: wanted.ocppTransactionId } };
    }
    case "final-cost":
    case "user-price":
      return undefined;
  }
}

function defaultProfile(limitA: number | undefined): Call {
  if (limitA === undefined)
    return { action: "ClearChargingProfile", payload: { chargingProfileId: DEFAULT_PROFILE_ID } };
  const chargingProfile = {
    id: DEFAULT_PROFILE_ID,
    stackLevel: 0,
    chargingProfilePurpose: "TxDefaultProfile",
    chargingProfileKind: "Relative",
    chargingSchedule: [{ id: DEFAULT_PROFILE_ID, ...schedule(limitA) }],
  };
  return { action: "SetChargingProfile", payload: { evseId: 0, chargingProfile } };
}

function writeEntry({ idToken, type, status, groupId, expiresAt }: ListEntry): Fields {
  const token = { idToken, type: type ?? "ISO14443" };
  if (status === undefined) return { idToken: token };
  const group = groupId === undefined ? undefined : { idToken: groupId, type: "Central" };
  const expiry = expiresAt === undefined ? undefined : formatTime(expiresAt);
  return {
    idToken: token,
    idTokenInfo: { status, ...given("groupIdToken", group), ...given("cacheExpiryDateTime", expiry) },
  };
}

function readEntry(entry: Fields): ListEntry {
  const token = fieldsOf(entry["idToken"]);
  const info = entry["idTokenInfo"] === undefined ? undefined : fieldsOf(entry["idTokenInfo"]);
  return {
    idToken: text(token["idToken"]) ?? "",
    ...given("type", text(token["type"])),
    ...given("status", text(info?.["status"]) as ListEntry["status"]),
    ...given("groupId", text(fieldsOf(info?.["groupIdToken"])["idToken"])),
    ...given("expiresAt", parseTime(info?.["cacheExpiryDateTime"])),
  };
}

export function answer201(
  action: string,
  request: Fields,
  response: Fields | undefined,
): UpkeepAnswer | undefined {
  const status = statusOf(response);
  switch (action) {
    case "GetVariables":
      return { kind: "settings-read", settings: readSettings(request, response) };
    case "SetVariables":
      return { kind: "settings-written", settings: readWritten(request, response) };
    case "GetLocalListVersion": {
      const version = response?.["versionNumber"];
      const known = typeof version === "number" && Number.isInteger(version) && version >= 0;
      return { kind: "list-version", ...given("version", known ? version : undefined) };
    }
    case "GetReport":
      return { kind: "list-limit-asked" };
    case "SendLocalList":
      return {
        kind: "list-sent",
        status:
          status === "Accepted"
            ? "accepted"
            : status === "VersionMismatch"
              ? "mismatch"
              : response === undefined
                ? "unsupported"
                : "failed",
        update: request["updateType"] === "Full" ? "Full" : "Differential",
        version: Number(request["versionNumber"]),
        entries: listOf(request["localAuthorizationList"]).map(readEntry),
      };
    case "SetChargingProfile":
    case "ClearChargingProfile":
      return readProfileAnswer(action, fieldsOf(request["chargingProfile"]), status);
    default:
      return undefined;
  }
}

const settingsIn = (items: Fields[]): Setting[] =>
  items
    .map((item) => settingOf(item, Object.keys(VARIABLES_201) as Setting[]))
    .filter((setting) => setting !== undefined);

function readSettings(request: Fields, response: Fields | undefined) {
  const asked = settingsIn(listOf(request["getVariableData"]));
  const told = listOf(response?.["getVariableResult"]);
  return asked.map((setting) => {
    const found = told.find((item) => settingOf(item, asked) === setting);
    const value = found?.["attributeStatus"] === "Accepted" ? text(found["attributeValue"]) : undefined;
    return { setting, readOnly: false, ...given("value", value) };
  });
}

function readWritten(request: Fields, response: Fields | undefined) {
  const told = listOf(response?.["setVariableResult"]);
  return listOf(request["setVariableData"]).flatMap((item) => {
    const [setting] = settingsIn([item]);
    if (setting === undefined) return [];
    const found = told.find((result) => settingOf(result, [setting]) === setting);
    const status = found?.["attributeStatus"];
    const accepted = status === "Accepted" || status === "RebootRequired";
    return [{ setting, value: text(item["attributeValue"]) ?? "", accepted }];
  });
}

function readProfileAnswer(action: string, profile: Fields, status: string): UpkeepAnswer {
  if (action === "ClearChargingProfile")
    return { kind: "default-profile", accepted: status === "Accepted" || status === "Unknown" };
  const [schedules] = listOf(profile["chargingSchedule"]);
  const [period] = listOf(schedules?.["chargingSchedulePeriod"]);
  return { kind: "default-profile", limitA: Number(period?.["limit"]), accepted: status === "Accepted" };
}

/** The length of its list, where a NotifyReport tells it. @param report payload of the report. */
export function readListLimit(report: unknown): number | undefined {
  for (const item of listOf(fieldsOf(report)["reportData"])) {
    const { name: component } = fieldsOf(item["component"]);
    const { name } = fieldsOf(item["variable"]);
    if (component !== LIST_LENGTH.component.name || name !== LIST_LENGTH.variable.name) continue;
    const limit = fieldsOf(item["variableCharacteristics"])["maxLimit"];
    if (typeof limit === "number" && limit >= 0) return Math.floor(limit);
  }
  return undefined;
}
