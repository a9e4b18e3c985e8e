/**
 * OCPP 1.6, everything besides charging: reservations, diagnostics and logs, firmware, composite schedules. Holds
 * no state. Requests of the base protocol have no id: what is told of them goes by the old messages.
 */
import { given } from "../../shared/given.ts";
import { call, integer, integerIn, iso, object, oneOf, text, textIn, timeIn } from "./dialect.ts";
import type { Dialect, EncodedCall, Json } from "./types.ts";
import type { UpkeepMessage } from "./upkeep.ts";

const OLD_FIRMWARE_STATUSES = /^(Download(ed|Failed|ing)|Idle|Installed|Installing)$/;

export function encodeUpkeep16(message: UpkeepMessage): EncodedCall | undefined {
  switch (message.kind) {
    case "firmwareStatus": {
      const { status, requestId } = message;
      if (requestId !== undefined) return call("SignedFirmwareStatusNotification", { status, requestId });
      return OLD_FIRMWARE_STATUSES.test(status) ? call("FirmwareStatusNotification", { status }) : undefined;
    }
    case "logStatus": {
      const { status, requestId } = message;
      // There is no word for it.
      if (status === "AcceptedCanceled") return undefined;
      if (requestId !== undefined) return call("LogStatusNotification", { status, requestId });
      const old = status === "UploadFailure" ? "UploadFailed" : status;
      return call("DiagnosticsStatusNotification", { status: old });
    }
    default:
      return undefined;
  }
}

/** @param evseOf the EVSE of a connector's number. */
export function upkeepHandlers16(evseOf: (number: number) => number | undefined): Dialect["handlers"] {
  return {
    ReserveNow(payload, station) {
      const number = integer(payload, "connectorId");
      const evseId = number === 0 ? undefined : evseOf(number);
      if (number !== 0 && evseId === undefined) return { status: "Rejected" };
      const status = station.reservations.reserve({
        id: integer(payload, "reservationId"),
        idToken: text(payload, "idTag"),
        expiresAt: Date.parse(text(payload, "expiryDate")),
        ...(evseId === undefined ? {} : { evseId }),
        ...given("groupId", textIn(payload, "parentIdTag")),
      });
      return { status };
    },
    CancelReservation: (payload, station) => ({
      status: station.reservations.cancel(integer(payload, "reservationId")),
    }),
    GetDiagnostics(payload, station) {
      const { fileName } = station.logbook.request({
        kind: "DiagnosticsLog",
        location: text(payload, "location"),
        ...given("retries", integerIn(payload, "retries")),
        ...given("retryIntervalS", integerIn(payload, "retryInterval")),
        ...given("from", timeIn(payload, "startTime")),
        ...given("to", timeIn(payload, "stopTime")),
      });
      return fileName === undefined ? {} : { fileName };
    },
    GetLog(payload, station) {
      const log = object(payload, "log");
      const { status, fileName } = station.logbook.request({
        kind: oneOf(payload, "logType", ["DiagnosticsLog", "SecurityLog"]),
        location: text(log, "remoteLocation"),
        requestId: integer(payload, "requestId"),
        ...given("retries", integerIn(payload, "retries")),
        ...given("retryIntervalS", integerIn(payload, "retryInterval")),
        ...given("from", timeIn(log, "oldestTimestamp")),
        ...given("to", timeIn(log, "latestTimestamp")),
      });
      return { status, ...given("filename", fileName) };
    },
    UpdateFirmware(payload, station) {
      station.firmware.update({
        location: text(payload, "location"),
        retrieveAt: Date.parse(text(payload, "retrieveDate")),
        ...given("retries", integerIn(payload, "retries")),
        ...given("retryIntervalS", integerIn(payload, "retryInterval")),
      });
      return {};
    },
    SignedUpdateFirmware(payload, station) {
      const firmware = object(payload, "firmware");
      const status = station.firmware.update({
        location: text(firmware, "location"),
        requestId: integer(payload, "requestId"),
        retrieveAt: Date.parse(text(firmware, "retrieveDateTime")),
        signed: {
          certificate: text(firmware, "signingCertificate"),
          signature: text(firmware, "signature"),
        },
        ...given("installAt", timeIn(firmware, "installDateTime")),
        ...given("retries", integerIn(payload, "retries")),
        ...given("retryIntervalS", integerIn(payload, "retryInterval")),
      });
      return { status };
    },
    GetCompositeSchedule(payload, station) {
      const connectorId = integer(payload, "connectorId");
      const evseId = connectorId === 0 ? 0 : evseOf(connectorId);
      const unit = payload["chargingRateUnit"] === "W" ? "W" : "A";
      const schedule =
        evseId === undefined
          ? undefined
          : station.compositeSchedule(evseId, integer(payload, "duration"), unit);
      if (schedule === undefined) return { status: "Rejected" };
      const { startAt, durationS: duration, periods: chargingSchedulePeriod } = schedule;
      const chargingSchedule: Json = { duration, chargingRateUnit: unit, chargingSchedulePeriod };
      return { status: "Accepted", connectorId, scheduleStart: iso(startAt), chargingSchedule };
    },
  };
}
