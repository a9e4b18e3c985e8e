/**
 * OCPP 2.0.1 and 2.1, everything besides charging: reservations, reports, logs, firmware, display messages,
 * monitors, customers. Holds no state.
 */
import { given } from "../../shared/given.ts";
import { call, integer, integerIn, iso, list, object, oneOf, text, textIn, timeIn } from "./dialect.ts";
import type { InventoryFilter, Named } from "./inventory.ts";
import type { ProfileFilter } from "./profiles.ts";
import type { Commands, Dialect, EncodedCall, Json } from "./types.ts";
import type { ReportMessage, UpkeepMessage, Variable } from "./upkeep.ts";

const MUTABILITY = { RO: "ReadOnly", RW: "ReadWrite", WO: "WriteOnly" } as const;
/** Kinds of monitors, in the words of a request for a report. */
const MONITOR_CRITERIA: Record<string, RegExp> = {
  ThresholdMonitoring: /Threshold$/,
  DeltaMonitoring: /Delta/,
  PeriodicMonitoring: /^Periodic/,
};

export function encodeUpkeep201(message: UpkeepMessage, version: "2.0.1" | "2.1"): EncodedCall | undefined {
  switch (message.kind) {
    case "firmwareStatus":
      return call("FirmwareStatusNotification", ofRequest(message));
    case "logStatus":
      return call("LogStatusNotification", ofRequest(message));
    case "reservationEnded":
      return call("ReservationStatusUpdate", {
        reservationId: message.reservationId,
        reservationUpdateStatus: message.status,
      });
    case "report":
      return encodeReport(message, version === "2.1" ? { eventNotificationType: "CustomMonitor" } : {});
  }
}

const ofRequest = ({ status, requestId }: { status: string; requestId?: number }): Json => ({
  status,
  ...given("requestId", requestId),
});

/** @param ofMonitors what the version wants to know of a monitor besides. */
function encodeReport(message: ReportMessage, ofMonitors: Json): EncodedCall {
  const { requestId, seqNo, last, at } = message;
  const part = { requestId, tbc: !last };
  const numbered = { ...part, seqNo, generatedAt: iso(at) };
  switch (message.of) {
    case "variables":
      return call("NotifyReport", { ...numbered, reportData: message.items.map(reportItem) });
    case "monitors": {
      const monitor = message.items.map((item) => monitorItem({ ...item, ...ofMonitors }));
      return call("NotifyMonitoringReport", { ...numbered, monitor });
    }
    case "customer":
      return call("NotifyCustomerInformation", { ...numbered, data: message.items.join("\n") });
    case "displayMessages":
      return call("NotifyDisplayMessages", { ...part, messageInfo: message.items });
    case "profiles":
      return call("ReportChargingProfiles", {
        ...part,
        chargingLimitSource: "CSO",
        evseId: message.evseId,
        chargingProfile: message.items.map(({ raw }) => raw),
      });
  }
}

function reportItem(variable: Variable): Json {
  const { component, evseId, connectorId, name, instance, access, type, value, maxLimit } = variable;
  const evse = evseId === undefined ? undefined : { id: evseId, ...given("connectorId", connectorId) };
  return {
    component: { name: component, ...given("evse", evse) },
    variable: { name, ...given("instance", instance) },
    // A write-only value is never told.
    variableAttribute: [
      { type: "Actual", mutability: MUTABILITY[access], ...(access === "WO" ? {} : { value }) },
    ],
    variableCharacteristics: { dataType: type, supportsMonitoring: false, ...given("maxLimit", maxLimit) },
  };
}

function monitorItem({ component, variable, periodicEventStream: _unused, ...monitor }: Json): Json {
  return { component, variable, variableMonitoring: [{ transaction: false, ...monitor }] };
}

/** Component and variable, as requests name them. */
export function namedVariable(asked: Json): Named {
  const component = object(asked, "component");
  const variable = asked["variable"] === undefined ? {} : object(asked, "variable");
  const evse = component["evse"] === undefined ? {} : object(component, "evse");
  return {
    component: text(component, "name"),
    ...given("evseId", integerIn(evse, "id")),
    ...given("connectorId", integerIn(evse, "connectorId")),
    ...given("variable", textIn(variable, "name")),
    ...given("instance", textIn(variable, "instance")),
  };
}

const told = (count: number) => ({ status: count === 0 ? "EmptyResultSet" : "Accepted" });
const transfer = (payload: Json) => ({
  requestId: integer(payload, "requestId"),
  ...given("retries", integerIn(payload, "retries")),
  ...given("retryIntervalS", integerIn(payload, "retryInterval")),
});

const RESERVATION_HANDLERS: Dialect["handlers"] = {
  ReserveNow(payload, station) {
    const { connectorType, evseId, groupIdToken } = payload;
    // It cannot tell its connectors apart by their type.
    if (connectorType !== undefined) return { status: "Rejected" };
    const status = station.reservations.reserve({
      id: integer(payload, "id"),
      idToken: text(object(payload, "idToken"), "idToken"),
      expiresAt: Date.parse(text(payload, "expiryDateTime")),
      ...(evseId === undefined ? {} : { evseId: integer(payload, "evseId") }),
      ...(groupIdToken === undefined ? {} : { groupId: text(object(payload, "groupIdToken"), "idToken") }),
    });
    return { status };
  },
  CancelReservation: (payload, station) => ({
    status: station.reservations.cancel(integer(payload, "reservationId")),
  }),
};

const REPORT_HANDLERS: Dialect["handlers"] = {
  GetBaseReport(payload, station) {
    const base = oneOf(payload, "reportBase", [
      "ConfigurationInventory",
      "FullInventory",
      "SummaryInventory",
    ]);
    return told(station.reports.tellVariables(integer(payload, "requestId"), { base }));
  },
  GetReport(payload, station) {
    const { componentVariable, componentCriteria } = payload;
    const named =
      componentVariable === undefined ? undefined : list(payload, "componentVariable").map(namedVariable);
    const filter = { ...given("named", named), ...given("criteria", componentCriteria) };
    return told(station.reports.tellVariables(integer(payload, "requestId"), filter as InventoryFilter));
  },
  GetChargingProfiles(payload, station) {
    const { evseId } = payload;
    const wanted = object(payload, "chargingProfile");
    const { chargingProfileId: ids, chargingProfilePurpose: purpose, stackLevel } = wanted;
    const sources = wanted["chargingLimitSource"];
    // All of them come from the CSMS.
    if (Array.isArray(sources) && !sources.includes("CSO")) return { status: "NoProfiles" };
    const filter = { ids, evseId, purpose, stackLevel } as ProfileFilter;
    const count = station.reports.tellProfiles(integer(payload, "requestId"), filter);
    return { status: count === 0 ? "NoProfiles" : "Accepted" };
  },
  GetCompositeSchedule(payload, station) {
    const evseId = integer(payload, "evseId");
    const unit = payload["chargingRateUnit"] === "W" ? "W" : "A";
    const composite = station.compositeSchedule(evseId, integer(payload, "duration"), unit);
    if (composite === undefined) return { status: "Rejected" };
    const { startAt, durationS: duration, periods: chargingSchedulePeriod } = composite;
    const schedule = { evseId, duration, chargingRateUnit: unit, chargingSchedulePeriod };
    return { status: "Accepted", schedule: { ...schedule, scheduleStart: iso(startAt) } };
  },
  CustomerInformation(payload, station) {
    // It keeps nothing of customers beyond the list that it was given: there is nothing to clear.
    const data = "This station holds no data of customers.";
    if (payload["report"] === true) station.reports.tellCustomer(integer(payload, "requestId"), data);
    return { status: "Accepted" };
  },
  GetTransactionStatus(payload, station) {
    const { transactionId } = payload;
    const asked = transactionId === undefined ? undefined : text(payload, "transactionId");
    const { ongoing, queued } = station.transactionStatus(asked);
    return { ...given("ongoingIndicator", ongoing), messagesInQueue: queued };
  },
};

const FILE_HANDLERS: Dialect["handlers"] = {
  GetLog(payload, station) {
    const log = object(payload, "log");
    const { status, fileName } = station.logbook.request({
      ...transfer(payload),
      kind: oneOf(payload, "logType", ["DiagnosticsLog", "SecurityLog"]),
      location: text(log, "remoteLocation"),
      ...given("from", timeIn(log, "oldestTimestamp")),
      ...given("to", timeIn(log, "latestTimestamp")),
    });
    return { status, ...given("filename", fileName) };
  },
  UpdateFirmware(payload, station) {
    const firmware = object(payload, "firmware");
    const signed =
      firmware["signature"] === undefined
        ? undefined
        : { certificate: text(firmware, "signingCertificate"), signature: text(firmware, "signature") };
    const status = station.firmware.update({
      ...transfer(payload),
      location: text(firmware, "location"),
      retrieveAt: Date.parse(text(firmware, "retrieveDateTime")),
      ...given("signed", signed),
      ...given("installAt", timeIn(firmware, "installDateTime")),
    });
    return { status };
  },
};

const DISPLAY_HANDLERS: Dialect["handlers"] = {
  SetDisplayMessage(payload, station) {
    const message = object(payload, "message");
    const { transactionId } = message;
    const gone =
      transactionId !== undefined && !station.transactionStatus(text(message, "transactionId")).ongoing;
    if (gone) return { status: "UnknownTransaction" };
    const id = station.provisions.displayMessages.put(message, integer(message, "id"));
    return { status: id === undefined ? "Rejected" : "Accepted" };
  },
  GetDisplayMessages(payload, station) {
    const { id: ids, priority, state } = payload as { id?: number[]; priority?: string; state?: string };
    const matches = (id: number, message: Json) =>
      (ids?.includes(id) ?? true) &&
      (priority ?? message["priority"]) === message["priority"] &&
      (state ?? message["state"]) === message["state"];
    const count = station.reports.tellDisplayMessages(integer(payload, "requestId"), matches);
    return { status: count === 0 ? "Unknown" : "Accepted" };
  },
  ClearDisplayMessage: (payload, station) => ({
    status: station.provisions.displayMessages.remove(integer(payload, "id")) ? "Accepted" : "Unknown",
  }),
};

const MONITOR_HANDLERS: Dialect["handlers"] = {
  SetVariableMonitoring: (payload, station) => ({
    setMonitoringResult: list(payload, "setMonitoringData").map((asked) => setMonitor(asked, station)),
  }),
  ClearVariableMonitoring: (payload, station) => ({
    clearMonitoringResult: ((payload["id"] ?? []) as number[]).map((id) => ({
      id,
      status: station.provisions.monitors.remove(id) ? "Accepted" : "NotFound",
    })),
  }),
  GetMonitoringReport(payload, station) {
    const { componentVariable, monitoringCriteria } = payload;
    const named =
      componentVariable === undefined ? undefined : list(payload, "componentVariable").map(namedVariable);
    const kinds = monitoringCriteria as string[] | undefined;
    const matches = (monitor: Json) => {
      const { component, variable } = namedVariable(monitor);
      const type = text(monitor, "type");
      const kind = kinds?.some((each) => MONITOR_CRITERIA[each]?.test(type)) ?? true;
      const place = (each: ReturnType<typeof namedVariable>) =>
        each.component === component && (each.variable ?? variable) === variable;
      return kind && (named?.some(place) ?? true);
    };
    return told(station.reports.tellMonitors(integer(payload, "requestId"), matches));
  },
  // Monitors of its own it has none: every base is the same to it, and so is every level.
  SetMonitoringBase: () => ({ status: "Accepted" }),
  SetMonitoringLevel: (payload) => {
    const severity = integer(payload, "severity");
    return { status: severity >= 0 && severity <= 9 ? "Accepted" : "Rejected" };
  },
};

function setMonitor(asked: Json, station: Commands): Json {
  const { component, variable, type, severity, id } = asked;
  const echo = { component, variable, type, severity };
  const wanted = namedVariable(asked);
  const variables = station.reports.variables().filter((each) => each.component === wanted.component);
  if (variables.length === 0) return { ...echo, status: "UnknownComponent" };
  const known = variables.some((each) => each.name === wanted.variable);
  if (!known) return { ...echo, status: "UnknownVariable" };
  const own = station.provisions.monitors.put(asked, id as number | undefined);
  return own === undefined ? { ...echo, status: "Rejected" } : { ...echo, id: own, status: "Accepted" };
}

export const UPKEEP_HANDLERS_201: Dialect["handlers"] = {
  ...RESERVATION_HANDLERS,
  ...REPORT_HANDLERS,
  ...FILE_HANDLERS,
  ...DISPLAY_HANDLERS,
  ...MONITOR_HANDLERS,
};
