/**
 * What an operator may want a station to do, in groups; how the form of each begins, and the command that it makes.
 *
 * An intent is mostly one kind of command with the kind's own schema. Where the standard's words are more than a
 * person should have to think of ("limit to 16 A"), an intent has a small schema of its own. Pure; the words are in
 * the message files under `intent`.
 */
import type { Station } from "../../api/schemas.ts";
import type { Fields, JsonSchema } from "./schema-form.ts";
import type { IconName } from "../components/icon.tsx";

/** As `GET /v1/command-kinds` tells it. */
export type CommandKind = {
  kind: string;
  ttlSeconds: number;
  waitsForStation: boolean;
  protocols: string[];
  params: JsonSchema;
  example: Fields;
};

export const GROUPS = [
  "charging",
  "station",
  "power",
  "reservations",
  "files",
  "configuration",
  "access",
  "certificates",
  "display",
  "monitoring",
  "other",
] as const;
export type Group = (typeof GROUPS)[number];

export const GROUP_ICON: Record<Group, IconName> = {
  charging: "bolt",
  station: "power",
  power: "meter",
  reservations: "bookmark",
  files: "download",
  configuration: "settings",
  access: "card",
  certificates: "block",
  display: "screen",
  monitoring: "bell",
  other: "list",
};

/** What is known when a form opens. */
export type Start = { station: Station; nowMs: number };

export type Intent = {
  id: string;
  kind: string;
  group: Group;
  /** Ends or endangers something: asked in red. */
  danger?: boolean;
  /** The form opens with this over what its schema says. */
  initial?: (start: Start) => Fields;
  /** The form instead of the kind's own schema. */
  schema?: JsonSchema;
  /** The parameters out of the form, where it is not the kind's own. */
  toParams?: (value: Fields) => Fields;
};

const HOUR_MS = 3_600_000;
const later = (nowMs: number, hours: number) => new Date(nowMs + hours * HOUR_MS).toISOString();

/** The EVSE that a person most probably means: the only one. */
function onlyEvse({ station }: Start): Fields {
  const ids = new Set(station.connectors.map((connector) => connector.evseId));
  const [evseId] = ids;
  return ids.size === 1 && evseId !== undefined ? { evseId } : {};
}

function runningTransaction({ station }: Start): Fields {
  const running = station.connectors.flatMap(({ transactionId }) => transactionId ?? []);
  return running.length === 1 ? { transactionId: running[0] } : {};
}

/** Limits of operators, apart from the profiles that the ER keeps by itself (1, 2) and from given ids (100 001 …). */
export const operatorProfileId = (evseId: number) => 1_000 + evseId;

const evseField: JsonSchema = { type: "integer", minimum: 0, maximum: 1_000 };

/** "No more than 16 A": a default profile of one period, above the one that the ER keeps. */
function limitProfile({ limitA, evseId, validTo }: Fields): Fields {
  const evse = typeof evseId === "number" ? evseId : 0;
  const id = operatorProfileId(evse);
  return {
    evseId: evse,
    chargingProfile: {
      ...{ id, stackLevel: 2, chargingProfilePurpose: "TxDefaultProfile", chargingProfileKind: "Absolute" },
      ...(typeof validTo === "string" ? { validTo } : {}),
      chargingSchedule: [
        { id, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: limitA }] },
      ],
    },
  };
}

const of = (group: Group, ...kinds: string[]): Intent[] =>
  kinds.map((kind) => ({ ...{ id: kind, kind, group }, ...MORE[kind] }));

/** What a kind's form knows beyond its schema. */
const MORE: Record<string, Omit<Intent, "id" | "kind" | "group">> = {
  RequestStartTransaction: { initial: onlyEvse },
  RequestStopTransaction: { initial: runningTransaction, danger: true },
  UnlockConnector: { initial: onlyEvse, danger: true },
  Reset: { initial: () => ({ type: "OnIdle" }), danger: true },
  TriggerMessage: { initial: () => ({ requestedMessage: "StatusNotification" }) },
  ReserveNow: { initial: (start) => ({ expiryDateTime: later(start.nowMs, 1), ...onlyEvse(start) }) },
  GetLog: { initial: () => ({ logType: "DiagnosticsLog" }) },
  GetBaseReport: { initial: () => ({ reportBase: "FullInventory" }) },
  GetCompositeSchedule: { initial: (start) => ({ duration: 3_600, evseId: 0, ...onlyEvse(start) }) },
  GetChargingProfiles: { initial: () => ({ chargingProfile: {} }) },
  ClearCache: { danger: true },
  ClearChargingProfile: { danger: true },
  DeleteCertificate: { danger: true },
  SetNetworkProfile: { danger: true },
  CloseConnection: { danger: true },
};

/** In the order in which they are shown. */
export const INTENTS: readonly Intent[] = [
  ...of("charging", "RequestStartTransaction", "RequestStopTransaction", "UnlockConnector"),
  ...of("charging", "GetTransactionStatus", "CostUpdated"),
  ...of("station", "Reset", "ChangeAvailability", "TriggerMessage", "CloseConnection"),
  {
    ...{ id: "limit", kind: "SetChargingProfile", group: "power" },
    schema: {
      ...{ type: "object", additionalProperties: false, required: ["limitA", "evseId"] },
      properties: {
        limitA: { type: "number", minimum: 0, maximum: 1_000, multipleOf: 0.1 },
        evseId: evseField,
        validTo: { type: "string", format: "date-time" },
      },
    },
    initial: (start) => ({ limitA: 16, evseId: 0, ...onlyEvse(start) }),
    toParams: limitProfile,
  },
  {
    ...{ id: "unlimit", kind: "ClearChargingProfile", group: "power" },
    schema: {
      ...{ type: "object", additionalProperties: false, required: ["evseId"] },
      properties: { evseId: evseField },
    },
    initial: (start) => ({ evseId: 0, ...onlyEvse(start) }),
    toParams: ({ evseId }) => ({ chargingProfileId: operatorProfileId(Number(evseId)) }),
  },
  ...of("power", "GetCompositeSchedule", "SetChargingProfile", "GetChargingProfiles", "ClearChargingProfile"),
  ...of("reservations", "ReserveNow", "CancelReservation"),
  ...of("files", "GetLog", "UpdateFirmware", "PublishFirmware", "UnpublishFirmware"),
  ...of("configuration", "GetBaseReport", "GetReport", "GetVariables", "SetVariables"),
  ...of("configuration", "GetConfiguration", "ChangeConfiguration", "SetNetworkProfile"),
  ...of("access", "ClearCache", "GetLocalListVersion", "SendLocalList"),
  ...of("certificates", "GetInstalledCertificateIds", "InstallCertificate", "DeleteCertificate"),
  ...of("certificates", "CertificateSigned"),
  ...of("display", "SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage"),
  ...of("monitoring", "GetMonitoringReport", "SetMonitoringBase", "SetMonitoringLevel"),
  ...of("monitoring", "SetVariableMonitoring", "ClearVariableMonitoring"),
  ...of("other", "CustomerInformation", "DataTransfer"),
  ...of("other", "SetDefaultTariff", "GetTariffs", "ClearTariffs", "ChangeTransactionTariff"),
  ...of("other", "UsePriorityCharging", "UpdateDynamicSchedule", "NotifyAllowedEnergyTransfer"),
  ...of("other", "NotifyWebPaymentStarted", "RequestBatterySwap", "AFRRSignal"),
  ...of("other", "SetDERControl", "GetDERControl", "ClearDERControl"),
  ...of("other", "AdjustPeriodicEventStream", "GetPeriodicEventStream"),
];

export const intentOf = (id: string | undefined): Intent | undefined =>
  INTENTS.find((intent) => intent.id === id);

export const PROTOCOL_NAME: Record<string, string> = {
  "ocpp1.6": "OCPP 1.6",
  "ocpp2.0.1": "OCPP 2.0.1",
  "ocpp2.1": "OCPP 2.1",
};

export const protocolName = (protocol: string) => PROTOCOL_NAME[protocol] ?? protocol;

/** Whether a station can do it. `unknown`: it has never said what it speaks, so it may be tried. */
export function canDo(kind: CommandKind | undefined, protocol: string | null): "yes" | "no" | "unknown" {
  if (protocol === null || kind === undefined) return "unknown";
  return kind.protocols.includes(protocol) ? "yes" : "no";
}
