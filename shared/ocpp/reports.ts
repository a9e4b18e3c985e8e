/**
 * OCPP 2.x: what a station tells of itself besides charging: reports, events, security, firmware, logs, limits.
 *
 * Read for facts that the site and the cloud use; the whole of it stays in the raw frame.
 */
import { defined, given, listOf, text } from "../given.ts";
import { parseTime } from "../time.ts";
import type { ReportKind, StationEvent, StationMessage, StationVariable } from "./message.ts";

type Fields = Record<string, unknown>;

const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const requestIdOf = (p: Fields) => given("requestId", numberOf(p["requestId"]));

/** Where a variable belongs: its component, and the EVSE or connector of which it is. */
export function placeOf(item: Fields) {
  const component = (item["component"] ?? {}) as Fields;
  const variable = (item["variable"] ?? {}) as Fields;
  const evse = component["evse"] as Fields | undefined;
  return defined({
    component: text(component["name"]) ?? "",
    componentInstance: text(component["instance"]),
    evseId: numberOf(evse?.["id"]),
    connectorId: numberOf(evse?.["connectorId"]),
    variable: text(variable["name"]) ?? "",
    variableInstance: text(variable["instance"]),
  });
}

function readVariables(p: Fields): StationVariable[] {
  return listOf(p["reportData"]).flatMap((item) => {
    const characteristics = item["variableCharacteristics"] as Fields | undefined;
    return listOf(item["variableAttribute"]).map((attribute) =>
      defined({
        ...placeOf(item),
        attribute: text(attribute["type"]) ?? "Actual",
        value: text(attribute["value"]),
        mutability: text(attribute["mutability"]) as StationVariable["mutability"],
        unit: text(characteristics?.["unit"]),
        dataType: text(characteristics?.["dataType"]),
      }),
    );
  });
}

function readEvents(p: Fields): StationEvent[] {
  return listOf(p["eventData"]).map((event) => {
    const { component, variable, evseId } = placeOf(event);
    const read = defined({
      ...{ component, variable, evseId },
      trigger: text(event["trigger"]) ?? "",
      actualValue: text(event["actualValue"]) ?? "",
      cleared: event["cleared"] as boolean | undefined,
      severity: numberOf(event["severity"]),
      techCode: text(event["techCode"]),
      techInfo: text(event["techInfo"]),
    });
    return { ...read, at: parseTime(event["timestamp"]) };
  });
}

const REPORTS: Record<string, ReportKind> = {
  NotifyReport: "variables",
  NotifyMonitoringReport: "monitoring",
  NotifyCustomerInformation: "customer",
  NotifyDisplayMessages: "display",
  ReportChargingProfiles: "profiles",
  ReportDERControl: "der",
};

const PASSED_ON = new Set([
  "Get15118EVCertificate",
  "GetCertificateStatus",
  "GetCertificateChainStatus",
  "VatNumberValidation",
]);

/** @returns undefined for what is no report. */
export function readReport(action: string, p: Fields): StationMessage | undefined {
  const of = REPORTS[action];
  if (of !== undefined)
    return {
      ...{ kind: "report", of, requestId: p["requestId"] as number },
      seqNo: numberOf(p["seqNo"]) ?? 0,
      last: p["tbc"] !== true,
      variables: action === "NotifyReport" ? readVariables(p) : [],
    };
  if (PASSED_ON.has(action)) return { kind: "pass-on" };
  switch (action) {
    case "FirmwareStatusNotification":
      return { kind: "firmware-status", status: p["status"] as string, ...requestIdOf(p) };
    case "PublishFirmwareStatusNotification": {
      const locations = (p["location"] ?? []) as string[];
      return { kind: "publish-status", status: p["status"] as string, ...requestIdOf(p), locations };
    }
    case "LogStatusNotification":
      return { kind: "log-status", status: p["status"] as string, ...requestIdOf(p) };
    case "SecurityEventNotification": {
      const { type, techInfo, timestamp } = p;
      const event = { kind: "security-event" as const, type: type as string, at: parseTime(timestamp) };
      return { ...event, ...given("techInfo", text(techInfo)) };
    }
    case "NotifyEvent":
      return { kind: "events", events: readEvents(p) };
    case "ReservationStatusUpdate":
      return {
        kind: "reservation",
        reservationId: p["reservationId"] as number,
        status: p["reservationUpdateStatus"] as string,
      };
    case "NotifyChargingLimit": {
      const limit = p["chargingLimit"] as Fields;
      const source = text(limit["chargingLimitSource"]) ?? "";
      return { kind: "charging-limit", evseId: numberOf(p["evseId"]) ?? 0, source, cleared: false };
    }
    case "ClearedChargingLimit": {
      const source = text(p["chargingLimitSource"]) ?? "";
      return { kind: "charging-limit", evseId: numberOf(p["evseId"]) ?? 0, source, cleared: true };
    }
    case "NotifyEVChargingNeeds":
      return { kind: "charging-needs", evseId: p["evseId"] as number };
    case "SignCertificate":
      return {
        ...{ kind: "sign-certificate", csr: p["csr"] as string },
        ...given("certificateType", text(p["certificateType"])),
        ...requestIdOf(p),
      };
    default:
      return undefined;
  }
}
