/**
 * One view of a station's configuration: keys of OCPP 1.6 and variables of OCPP 2.x, and what the answers to
 * reading and writing them say.
 *
 * A place is a variable of 2.x, or, with an empty component, a key of 1.6. Names are compared without regard to
 * case, as both versions ask for. Only what a station may be set to, and means the same in both versions, is in
 * the table. Answers are read tolerantly and never throw.
 */
import type { Protocol } from "../entry.ts";
import { defined, fieldsOf, given, listOf, text } from "../given.ts";
import type { Call } from "./dialect.ts";
import type { VariablePlace } from "./message.ts";
import { placeOf } from "./reports.ts";

type Fields = Record<string, unknown>;

/** Keys of 1.6, its errata and security paper, and what became of them. */
const STANDARD: readonly [key: string, component: string, variable: string, instance?: string][] = [
  ["AllowOfflineTxForUnknownId", "AuthCtrlr", "OfflineTxForUnknownIdEnabled"],
  ["AuthorizationCacheEnabled", "AuthCacheCtrlr", "Enabled"],
  ["AuthorizeRemoteTxRequests", "AuthCtrlr", "AuthorizeRemoteStart"],
  ["ClockAlignedDataInterval", "AlignedDataCtrlr", "Interval"],
  ["ConnectionTimeOut", "TxCtrlr", "EVConnectionTimeOut"],
  ["HeartbeatInterval", "OCPPCommCtrlr", "HeartbeatInterval"],
  ["LocalAuthListEnabled", "LocalAuthListCtrlr", "Enabled"],
  ["LocalAuthorizeOffline", "AuthCtrlr", "LocalAuthorizeOffline"],
  ["LocalPreAuthorize", "AuthCtrlr", "LocalPreAuthorize"],
  ["MaxEnergyOnInvalidId", "TxCtrlr", "MaxEnergyOnInvalidId"],
  ["MeterValuesAlignedData", "AlignedDataCtrlr", "Measurands"],
  ["MeterValuesSampledData", "SampledDataCtrlr", "TxUpdatedMeasurands"],
  ["MeterValueSampleInterval", "SampledDataCtrlr", "TxUpdatedInterval"],
  ["MinimumStatusDuration", "ChargingStation", "MinimumStatusDuration"],
  ["ResetRetries", "OCPPCommCtrlr", "ResetRetries"],
  ["StopTransactionOnEVSideDisconnect", "TxCtrlr", "StopTxOnEVSideDisconnect"],
  ["StopTransactionOnInvalidId", "TxCtrlr", "StopTxOnInvalidId"],
  ["StopTxnAlignedData", "AlignedDataCtrlr", "TxEndedMeasurands"],
  ["StopTxnSampledData", "SampledDataCtrlr", "TxEndedMeasurands"],
  ["TransactionMessageAttempts", "OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"],
  ["TransactionMessageRetryInterval", "OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"],
  ["UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr", "UnlockOnEVSideDisconnect"],
  ["WebSocketPingInterval", "OCPPCommCtrlr", "WebSocketPingInterval"],
  ["AuthorizationKey", "SecurityCtrlr", "BasicAuthPassword"],
  ["SecurityProfile", "SecurityCtrlr", "SecurityProfile"],
  ["CpoName", "SecurityCtrlr", "OrganizationName"],
  ["AdditionalRootCertificateCheck", "SecurityCtrlr", "AdditionalRootCertificateCheck"],
  ["CertSigningWaitMinimum", "SecurityCtrlr", "CertSigningWaitMinimum"],
  ["CertSigningRepeatTimes", "SecurityCtrlr", "CertSigningRepeatTimes"],
];

/**
 * Names a place, for people and as an identity. No character that joins the parts may stand in an OCPP identifier:
 * `HeartbeatInterval`, `OCPPCommCtrlr/MessageAttempts[TransactionEvent]`, `Connector{1.2}/Available`.
 */
export function nameOf(place: VariablePlace): string {
  const { component, componentInstance, evseId, connectorId, variable, variableInstance } = place;
  const instance = (of: string | undefined) => (of === undefined ? "" : `[${of}]`);
  const evse = evseId === undefined ? "" : `{${evseId}${connectorId === undefined ? "" : `.${connectorId}`}}`;
  const owner = component === "" ? "" : `${component}${instance(componentInstance)}${evse}/`;
  return `${owner}${variable}${instance(variableInstance)}`;
}

/** The same for every way to write a name. */
export const placeId = (place: VariablePlace): string => nameOf(place).toLowerCase();

const placeOfRow = ([, component, variable, variableInstance]: (typeof STANDARD)[number]): VariablePlace => ({
  ...{ component, variable },
  ...given("variableInstance", variableInstance),
});
const BY_KEY = new Map(STANDARD.map((row) => [row[0].toLowerCase(), placeOfRow(row)]));
const BY_PLACE = new Map(STANDARD.map((row) => [placeId(placeOfRow(row)), row[0]]));

/** The 2.x variable of a standard 1.6 key. */
export const variableOfKey = (key: string): VariablePlace | undefined => BY_KEY.get(key.toLowerCase());
/** The 1.6 key of a standard 2.x variable. */
export const keyOfVariable = (place: VariablePlace): string | undefined => BY_PLACE.get(placeId(place));

/** Whether a station's value is the wanted one: stations write booleans, numbers and lists as they like. */
export function sameValue(has: string, wanted: string): boolean {
  const [a, b] = [plain(has), plain(wanted)];
  return a === b || (a !== "" && b !== "" && Number(a) === Number(b));
}

function plain(value: string): string {
  const text = value.trim().toLowerCase();
  if (text === "true") return "1";
  if (text === "false") return "0";
  if (!text.includes(",")) return text;
  const parts = text.split(",").map((part) => part.trim());
  return parts.sort().join(",");
}

/* Calls */

const itemOf = ({
  component,
  componentInstance,
  evseId,
  connectorId,
  variable,
  variableInstance,
}: VariablePlace) => {
  const evse = evseId === undefined ? undefined : { id: evseId, ...given("connectorId", connectorId) };
  return {
    component: { name: component, ...given("instance", componentInstance), ...given("evse", evse) },
    variable: { name: variable, ...given("instance", variableInstance) },
  };
};

export function readCall(protocol: Protocol, places: readonly VariablePlace[]): Call {
  return protocol === "ocpp1.6"
    ? { action: "GetConfiguration", payload: { key: places.map(({ variable }) => variable) } }
    : { action: "GetVariables", payload: { getVariableData: places.map(itemOf) } };
}

/** One at a time: every station takes that, and a refusal is about one thing. */
export function writeCall(protocol: Protocol, place: VariablePlace, value: string): Call {
  return protocol === "ocpp1.6"
    ? { action: "ChangeConfiguration", payload: { key: place.variable, value } }
    : { action: "SetVariables", payload: { setVariableData: [{ ...itemOf(place), attributeValue: value }] } };
}

/* Answers */

export type ReadItem = VariablePlace & {
  /** The station has no such variable. */
  missing: boolean;
  /** Absent: it does not tell it (write-only). */
  value?: string;
  /** Absent: the answer does not say (2.x). */
  readOnly?: boolean;
};

export type WriteStatus = "accepted" | "reboot-required" | "refused" | "read-only" | "missing";
export type WriteItem = VariablePlace & { value: string; status: WriteStatus };

/** What the answer to a call says about values of the configuration. `failed`: the station refused the call. */
export type ConfigurationAnswer =
  | { kind: "read"; failed: boolean; items: ReadItem[] }
  | { kind: "written"; items: WriteItem[] };

/**
 * @param request payload of our call.
 * @param response payload of the answer; undefined: CALLERROR.
 * @returns undefined when the call neither reads nor writes single values.
 */
export function configurationAnswer(
  action: string,
  request: unknown,
  response: unknown,
): ConfigurationAnswer | undefined {
  const [asked, told] = [fieldsOf(request), fieldsOf(response)];
  const failed = response === undefined;
  switch (action) {
    case "GetConfiguration":
      return { kind: "read", failed, items: readKeys(asked, told) };
    case "GetVariables":
      return { kind: "read", failed, items: readVariables(asked, told) };
    case "ChangeConfiguration": {
      const { key, value } = asked;
      const status = failed ? "refused" : writtenStatus(told["status"]);
      const place = { component: "", variable: text(key) ?? "" };
      return { kind: "written", items: [{ ...place, value: text(value) ?? "", status }] };
    }
    case "SetVariables":
      return { kind: "written", items: writtenVariables(asked, told) };
    default:
      return undefined;
  }
}

/** A station may answer anything. */
const writtenStatus = (status: unknown): WriteStatus =>
  typeof status === "string" && Object.hasOwn(WRITTEN, status) ? (WRITTEN[status] ?? "refused") : "refused";

const WRITTEN: Record<string, WriteStatus> = {
  Accepted: "accepted",
  RebootRequired: "reboot-required",
  Rejected: "refused",
  NotSupported: "missing",
  UnknownComponent: "missing",
  UnknownVariable: "missing",
};

function readKeys(asked: Fields, told: Fields): ReadItem[] {
  const keys = Array.isArray(asked["key"]) ? (asked["key"] as unknown[]).map(String) : [];
  const found = new Map(
    listOf(told["configurationKey"]).map((entry) => [text(entry["key"])?.toLowerCase(), entry]),
  );
  return keys.map((key) => {
    const entry = found.get(key.toLowerCase());
    return defined({
      ...{ component: "", variable: key, missing: entry === undefined },
      value: text(entry?.["value"]),
      readOnly: entry === undefined ? undefined : entry["readonly"] === true,
    });
  });
}

/** The results for the items that were asked for. What a station leaves out in its answer is taken as meant. */
function resultsOf(
  asked: Fields[],
  results: Fields[],
): { place: VariablePlace; item: Fields; result: Fields }[] {
  const byId = new Map(results.map((result) => [placeId(placeOf(result)), result]));
  return asked.filter(isActual).map((item, index) => {
    const place = placeOf(item);
    const beside = fieldsOf(results[index]);
    const same = placeId(bare(placeOf(beside))) === placeId(bare(place));
    return { place, item, result: byId.get(placeId(place)) ?? (same ? beside : {}) };
  });
}

const bare = ({ component, variable }: VariablePlace): VariablePlace => ({ component, variable });
const isActual = (item: Fields): boolean => (item["attributeType"] ?? "Actual") === "Actual";

function readVariables(asked: Fields, told: Fields): ReadItem[] {
  const results = listOf(told["getVariableResult"]);
  return resultsOf(listOf(asked["getVariableData"]), results).map(({ place, result }) => {
    const { attributeStatus: status } = result;
    // B06.FR.09: what can only be written is Rejected.
    const missing = status !== "Accepted" && status !== "Rejected";
    const value = status === "Accepted" ? text(result["attributeValue"]) : undefined;
    return { ...place, missing, ...given("value", value) };
  });
}

function writtenVariables(asked: Fields, told: Fields): WriteItem[] {
  const results = listOf(told["setVariableResult"]);
  return resultsOf(listOf(asked["setVariableData"]), results).map(({ place, item, result }) => {
    const status = writtenStatus(result["attributeStatus"]);
    const reason = fieldsOf(result["attributeStatusInfo"])["reasonCode"];
    const readOnly = status === "refused" && reason === "ReadOnly";
    return {
      ...place,
      value: text(item["attributeValue"]) ?? "",
      status: readOnly ? "read-only" : status,
    };
  });
}
