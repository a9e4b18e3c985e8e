/**
 * The configuration of a simulated station: one table for both versions, each row with its OCPP 1.6 key, its
 * OCPP 2.0.1 variable, or both. Values are text, as on the wire.
 *
 * Invariant: a value that has been accepted can be read by its type. It does not know who reads it.
 */
import { assert } from "../../shared/errors.ts";

export type ConfigResult = "Accepted" | "Rejected" | "Unknown" | "RebootRequired";

export type ConfigEntry = {
  /** OCPP 1.6 key, when that version has it. */
  key?: string;
  /** OCPP 2.0.1 component and variable, joined by a dot, when that version has them. */
  variable?: string;
  access: "RW" | "RO" | "WO";
  type: "integer" | "boolean" | "string";
  value: string;
  /** What is written counts from the next restart; until then it is kept here. */
  nextValue?: string;
};

export type StationConfig = {
  /** The entry by either of its names. */
  find(name: string): ConfigEntry | undefined;
  set(name: string, value: string): ConfigResult;
  integer(name: string): number;
  flag(name: string): boolean;
  entries: ConfigEntry[];
  /** What waited for a restart counts from now on. */
  restart(): void;
};

type Row = [
  key: string | undefined,
  variable: string | undefined,
  ConfigEntry["access"],
  ConfigEntry["type"],
  string,
];

/** Written at any time, in force from the next restart. */
const AFTER_RESTART = new Set(["WebSocketPingInterval"]);

const MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC";

const ROWS: Row[] = [
  ["HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval", "RW", "integer", "300"],
  ["MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval", "RW", "integer", "10"],
  ["MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands", "RO", "string", MEASURANDS],
  ["ClockAlignedDataInterval", "AlignedDataCtrlr.Interval", "RO", "integer", "0"],
  ["WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval", "RW", "integer", "0"],
  ["ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", "RW", "integer", "60"],
  ["StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId", "RW", "boolean", "true"],
  ["StopTransactionOnEVSideDisconnect", "TxCtrlr.StopTxOnEVSideDisconnect", "RO", "boolean", "true"],
  [undefined, "TxCtrlr.TxStartPoint", "RO", "string", "PowerPathClosed"],
  [undefined, "TxCtrlr.TxStopPoint", "RO", "string", "PowerPathClosed"],
  ["AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled", "RW", "boolean", "true"],
  ["AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart", "RW", "boolean", "false"],
  ["LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline", "RW", "boolean", "true"],
  ["LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize", "RO", "boolean", "false"],
  ["MaxEnergyOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId", "RW", "integer", "0"],
  [undefined, "LocalAuthListCtrlr.Available", "RO", "boolean", "true"],
  ["LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled", "RW", "boolean", "true"],
  ["LocalAuthListMaxLength", undefined, "RO", "integer", "100"],
  ["SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage", "RO", "integer", "20"],
  [undefined, "LocalAuthListCtrlr.BytesPerMessage", "RO", "integer", "8000"],
  [undefined, "SmartChargingCtrlr.Enabled", "RO", "boolean", "true"],
  ["ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel", "RO", "integer", "8"],
  ["ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr.RateUnit", "RO", "string", "Current,Power"],
  [undefined, "ReservationCtrlr.Enabled", "RO", "boolean", "true"],
  ["ReserveConnectorZeroSupported", "ReservationCtrlr.NonEvseSpecific", "RO", "boolean", "true"],
  ["CustomDisplayCostAndPrice", "TariffCostCtrlr.Enabled", "RW", "boolean", "true"],
  ["SupportedFileTransferProtocols", "OCPPCommCtrlr.FileTransferProtocols", "RO", "string", "HTTP,HTTPS"],
  [undefined, "DeviceDataCtrlr.ItemsPerMessage", "RO", "integer", "50"],
  ["TransactionMessageAttempts", "OCPPCommCtrlr.MessageAttempts", "RW", "integer", "3"],
  ["TransactionMessageRetryInterval", "OCPPCommCtrlr.MessageAttemptInterval", "RW", "integer", "10"],
  ["AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", "WO", "string", ""],
  ["StopTxnSampledData", undefined, "RO", "string", ""],
  ["UnlockConnectorOnEVSideDisconnect", undefined, "RO", "boolean", "true"],
  ["ConnectorPhaseRotation", undefined, "RO", "string", "NotApplicable"],
  ["NumberOfConnectors", undefined, "RO", "integer", "1"],
  ["GetConfigurationMaxKeys", undefined, "RO", "integer", "50"],
  [
    "SupportedFeatureProfiles",
    undefined,
    "RO",
    "string",
    "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
  ],
];

/** A fresh table with these starting values, by either name. Throws on a name or value it does not take. */
export function createConfig(start: Record<string, string>): StationConfig {
  const entries = ROWS.map(([key, variable, access, type, value]): ConfigEntry => ({
    ...(key === undefined ? {} : { key }),
    ...(variable === undefined ? {} : { variable }),
    access,
    type,
    value,
  }));
  const find = (name: string) => entries.find((entry) => entry.key === name || entry.variable === name);
  const known = (name: string) => {
    const entry = find(name);
    assert(entry !== undefined, `the station has no configuration ${name}`);
    return entry;
  };
  for (const [name, value] of Object.entries(start)) {
    assert(fits(known(name), value), `${name} cannot be ${JSON.stringify(value)}`);
    known(name).value = value;
  }
  return {
    entries,
    find,
    integer: (name) => Number(known(name).value),
    flag: (name) => known(name).value === "true",
    set(name, value): ConfigResult {
      const entry = find(name);
      if (entry === undefined) return "Unknown";
      if (entry.access === "RO" || !fits(entry, value)) return "Rejected";
      const plain = entry.type === "boolean" ? value.toLowerCase() : value;
      if (entry.key !== undefined && AFTER_RESTART.has(entry.key)) {
        entry.nextValue = plain;
        return "RebootRequired";
      }
      entry.value = plain;
      return "Accepted";
    },
    restart() {
      for (const entry of entries) if (entry.nextValue !== undefined) entry.value = entry.nextValue;
    },
  };
}

function fits(entry: ConfigEntry, value: string): boolean {
  if (entry.type === "integer") return /^\d{1,9}$/.test(value);
  if (entry.type === "boolean") return /^(true|false)$/i.test(value);
  return true;
}
