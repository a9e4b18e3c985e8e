/**
 * One good set of parameters for every command: what the tests send, and the examples of the API's description.
 */
import type { CommandKind } from "../command.ts";

const id = "01900000-0000-7000-8000-000000000001";
const idToken = { idToken: "AA", type: "ISO14443" };
const variable = { component: { name: "OCPPCommCtrlr" }, variable: { name: "HeartbeatInterval" } };
const hash = {
  ...{ hashAlgorithm: "SHA256", issuerNameHash: "ab", issuerKeyHash: "cd", serialNumber: "1f" },
};
const pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const profile = {
  ...{
    id: 100_001,
    stackLevel: 1,
    chargingProfilePurpose: "TxDefaultProfile",
    chargingProfileKind: "Absolute",
  },
  chargingSchedule: [
    {
      ...{ id: 1, chargingRateUnit: "A", startSchedule: "2026-11-22T12:00:00.000Z" },
      chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }],
    },
  ],
};
const tariff = { tariffId: "T1", currency: "EUR", energy: { prices: [{ priceKwh: 0.5 }] } };

export const COMMAND_SAMPLES: Record<CommandKind, Record<string, unknown>> = {
  AFRRSignal: { timestamp: "2026-11-22T12:00:00.000Z", signal: 1 },
  AdjustPeriodicEventStream: { id: 1, params: { interval: 60 } },
  Call: { action: "ClearCache", payload: {} },
  CancelReservation: { reservationId: 7 },
  CertificateSigned: { certificateChain: pem },
  ChangeAvailability: { operationalStatus: "Inoperative" },
  ChangeConfiguration: { key: "HeartbeatInterval", value: "60" },
  ChangeTransactionTariff: { transactionId: "tx-17", tariff },
  ClearCache: {},
  ClearChargingProfile: { chargingProfileId: 100_001 },
  ClearDERControl: { isDefault: true },
  ClearDisplayMessage: { id: 1 },
  ClearTariffs: {},
  ClearVariableMonitoring: { id: [1] },
  CloseConnection: {},
  CostUpdated: { totalCost: 1.5, transactionId: id },
  CustomerInformation: { report: true, clear: false, idToken },
  DataTransfer: { vendorId: "com.example", messageId: "hello", data: "world" },
  DeleteCertificate: { certificateHashData: hash },
  GetBaseReport: { reportBase: "FullInventory" },
  GetChargingProfiles: { chargingProfile: { chargingProfilePurpose: "TxDefaultProfile" } },
  GetCompositeSchedule: { duration: 3_600, evseId: 1 },
  GetConfiguration: { key: ["HeartbeatInterval"] },
  GetDERControl: { isDefault: true },
  GetDisplayMessages: {},
  GetInstalledCertificateIds: { certificateType: ["CSMSRootCertificate"] },
  GetLocalListVersion: {},
  GetLog: { logType: "DiagnosticsLog" },
  GetMonitoringReport: { monitoringCriteria: ["ThresholdMonitoring"] },
  GetPeriodicEventStream: {},
  GetReport: { componentVariable: [variable] },
  GetTariffs: { evseId: 0 },
  GetTransactionStatus: { transactionId: id },
  GetVariables: { getVariableData: [variable] },
  InstallCertificate: { certificateType: "CSMSRootCertificate", certificate: pem },
  NotifyAllowedEnergyTransfer: { transactionId: "tx-17", allowedEnergyTransfer: ["AC_three_phase"] },
  NotifyWebPaymentStarted: { evseId: 1, timeout: 60 },
  PublishFirmware: { location: "https://example.org/fw.bin", checksum: "0123456789abcdef0123456789abcdef" },
  RequestBatterySwap: { idToken, requestId: 1 },
  RequestStartTransaction: { idToken, evseId: 1 },
  RequestStopTransaction: { transactionId: id },
  ReserveNow: { id: 7, expiryDateTime: "2026-11-22T13:00:00.000Z", idToken, evseId: 1 },
  Reset: { type: "Immediate" },
  SendLocalList: {
    ...{ versionNumber: 3, updateType: "Full" },
    localAuthorizationList: [{ idToken, idTokenInfo: { status: "Accepted" } }],
  },
  SetChargingProfile: { evseId: 1, chargingProfile: profile },
  SetDERControl: { isDefault: false, controlId: "C1", controlType: "LimitMaxDischarge" },
  SetDefaultTariff: { evseId: 0, tariff },
  SetDisplayMessage: {
    message: {
      id: 1,
      priority: "NormalCycle",
      message: { format: "UTF8", content: "Welcome", language: "en" },
    },
  },
  SetMonitoringBase: { monitoringBase: "All" },
  SetMonitoringLevel: { severity: 4 },
  SetNetworkProfile: {
    configurationSlot: 1,
    connectionData: {
      ...{ ocppVersion: "OCPP20", ocppTransport: "JSON", ocppCsmsUrl: "ws://er.local:8180/ocpp" },
      ...{ messageTimeout: 30, securityProfile: 1, ocppInterface: "Wired0" },
    },
  },
  SetVariableMonitoring: {
    setMonitoringData: [{ value: 50, type: "UpperThreshold", severity: 5, ...variable }],
  },
  SetVariables: { setVariableData: [{ ...variable, attributeValue: "60" }] },
  TriggerMessage: { requestedMessage: "StatusNotification", evseId: 1 },
  UnlockConnector: { evseId: 1 },
  UnpublishFirmware: { checksum: "0123456789abcdef0123456789abcdef" },
  UpdateDynamicSchedule: { chargingProfileId: 100_001, scheduleUpdate: { limit: 16 } },
  UpdateFirmware: { firmware: { location: "https://example.org/fw.bin" } },
  UsePriorityCharging: { transactionId: "tx-17", activate: true },
};
