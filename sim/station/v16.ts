/**
 * OCPP 1.6: translates between the station's version-free words and the wire. Holds no state.
 *
 * OCPP 1.6 knows no EVSEs: connectors are numbered through the station, 0 is the station itself.
 */
import type { IdToken } from "../../shared/command.ts";
import { call, integer, iso, list, meterValue, object, oneOf, text } from "./dialect.ts";
import { readTimetable, type Profile, type ProfileFilter } from "./profiles.ts";
import type { ListedToken } from "./provisions.ts";
import { encodeUpkeep16, upkeepHandlers16 } from "./v16-upkeep.ts";
import type {
  Answer,
  Commands,
  Dialect,
  EncodedCall,
  EvseOptions,
  Json,
  Outgoing,
  TransactionMessage,
} from "./types.ts";

const FORMAT_ERROR_CODE = "FormationViolation";
const TRIGGERS = {
  BootNotification: "boot",
  Heartbeat: "heartbeat",
  MeterValues: "meter",
  StatusNotification: "status",
  FirmwareStatusNotification: "firmware",
  DiagnosticsStatusNotification: "log",
  LogStatusNotification: "log",
} as const;

type Place = { evseId: number; connectorId: number };

export function createDialect16(evses: EvseOptions[]): Dialect {
  const places: Place[] = evses.flatMap((evse, index) =>
    Array.from({ length: evse.connectors }, (_, at) => ({ evseId: index + 1, connectorId: at + 1 })),
  );
  const numberOf = (place: Place) =>
    places.findIndex((p) => p.evseId === place.evseId && p.connectorId === place.connectorId) + 1;
  return {
    subprotocol: "ocpp1.6",
    formatErrorCode: FORMAT_ERROR_CODE,
    encode: (message) => encode(message, numberOf),
    read,
    wireId: (tx) => tx.numberOfCsms?.toString(),
    visibleState: (state) => state,
    handlers: createHandlers((number) => places[number - 1]),
  };
}

function encode(message: Outgoing, numberOf: (place: Place) => number): EncodedCall | undefined {
  switch (message.kind) {
    case "boot":
      return call("BootNotification", {
        chargePointVendor: message.identity.vendor,
        chargePointModel: message.identity.model,
        chargePointSerialNumber: message.identity.serialNumber.slice(0, 25),
        firmwareVersion: message.identity.firmwareVersion,
      });
    case "heartbeat":
      return call("Heartbeat", {});
    case "authorize":
      return call("Authorize", { idTag: message.idToken.idToken });
    case "status":
      return call("StatusNotification", {
        connectorId: numberOf(message),
        errorCode: message.errorCode,
        status: message.state,
        timestamp: iso(message.at),
      });
    case "meter":
      return call("MeterValues", {
        connectorId: numberOf(message),
        ...(message.tx?.numberOfCsms === undefined ? {} : { transactionId: message.tx.numberOfCsms }),
        meterValue: [meterValue(message.sample, writeValue)],
      });
    case "transaction":
      return encodeTransaction(message, numberOf);
    default:
      return encodeUpkeep16(message);
  }
}

function encodeTransaction(
  message: TransactionMessage,
  numberOf: (place: Place) => number,
): EncodedCall | undefined {
  const { tx, sample } = message;
  // Made when sent: by then the CSMS has numbered the transaction, or has refused for good.
  const transactionId = () => tx.numberOfCsms ?? -1;
  if (message.event === "Started") {
    return call("StartTransaction", {
      connectorId: numberOf(tx),
      idTag: tx.idToken.idToken,
      meterStart: tx.meterStartWh,
      ...(tx.reservationId === undefined ? {} : { reservationId: tx.reservationId }),
      timestamp: iso(message.at),
    });
  }
  if (message.event === "Ended") {
    const payload = () => ({
      transactionId: transactionId(),
      ...(message.idToken === undefined ? {} : { idTag: message.idToken.idToken }),
      meterStop: sample?.energyWh ?? tx.meterStartWh,
      timestamp: iso(message.at),
      reason: message.stoppedReason,
      ...(sample === undefined ? {} : { transactionData: [meterValue(sample, writeValue)] }),
    });
    return { action: "StopTransaction", payload };
  }
  if (sample === undefined) return undefined;
  const payload = () => ({
    connectorId: numberOf(tx),
    transactionId: transactionId(),
    meterValue: [meterValue(sample, writeValue)],
  });
  return { action: "MeterValues", payload };
}

const writeValue = (value: number, unit: string): Json => ({ value: String(value), unit });

function read(message: Outgoing, payload: Json): Answer {
  if (message.kind === "boot") {
    return { status: String(payload["status"]), intervalS: Number(payload["interval"]) };
  }
  const info = payload["idTagInfo"] as { status?: string; parentIdTag?: string } | undefined;
  const number = payload["transactionId"];
  return {
    ...(info?.status === undefined ? {} : { status: info.status }),
    ...(info?.parentIdTag === undefined ? {} : { groupId: info.parentIdTag }),
    ...(typeof number === "number" ? { transactionNumber: number } : {}),
  };
}

function createHandlers(placeOf: (number: number) => Place | undefined): Dialect["handlers"] {
  return {
    RemoteStartTransaction(payload, station) {
      const idToken: IdToken = { idToken: text(payload, "idTag") };
      const profile = payload["chargingProfile"] === undefined ? {} : { profile: profileOf(payload) };
      const request = { idToken, ...profile };
      if (payload["connectorId"] === undefined) return { status: station.requestStart(request) };
      const place = placeOf(integer(payload, "connectorId"));
      return { status: place === undefined ? "Rejected" : station.requestStart({ ...request, ...place }) };
    },
    RemoteStopTransaction: (payload, station) => ({
      status: station.requestStop(String(integer(payload, "transactionId"))),
    }),
    Reset(payload, station) {
      station.reset(oneOf(payload, "type", ["Hard", "Soft"]));
      return { status: "Accepted" };
    },
    TriggerMessage: (payload, station) => trigger(payload, station, placeOf),
    ExtendedTriggerMessage: (payload, station) => trigger(payload, station, placeOf),
    ChangeAvailability(payload, station) {
      const operative = oneOf(payload, "type", ["Operative", "Inoperative"]) === "Operative";
      const number = integer(payload, "connectorId");
      if (number === 0) return { status: station.changeAvailability(operative) };
      const place = placeOf(number);
      if (place === undefined) return { status: "Rejected" };
      return { status: station.changeAvailability(operative, place.evseId, place.connectorId) };
    },
    UnlockConnector(payload, station) {
      const place = placeOf(integer(payload, "connectorId"));
      const result = place && station.unlock(place.evseId, place.connectorId, "stop");
      const status =
        result === "Unlocked" ? "Unlocked" : result === "Fixed" ? "NotSupported" : "UnlockFailed";
      return { status };
    },
    GetConfiguration: getConfiguration,
    ChangeConfiguration(payload, station) {
      const name = text(payload, "key");
      if (station.config.find(name)?.key !== name) return { status: "NotSupported" };
      const result = station.config.set(name, text(payload, "value"));
      return { status: result === "Unknown" ? "NotSupported" : result };
    },
    GetLocalListVersion: (_payload, station) => ({ listVersion: station.provisions.listVersion }),
    SendLocalList: (payload, station) => ({
      status: station.provisions.sendList(
        oneOf(payload, "updateType", ["Full", "Differential"]),
        integer(payload, "listVersion"),
        payload["localAuthorizationList"] === undefined
          ? []
          : list(payload, "localAuthorizationList").map(listedToken),
      ),
    }),
    SetChargingProfile(payload, station) {
      const number = integer(payload, "connectorId");
      const place = number === 0 ? { evseId: 0 } : placeOf(number);
      if (place === undefined) return { status: "Rejected" };
      const profile = object(payload, "csChargingProfiles");
      const { transactionId } = profile;
      const ofTransaction =
        transactionId === undefined ? undefined : String(integer(profile, "transactionId"));
      return { status: station.setProfile(readProfile(profile, place.evseId), ofTransaction) };
    },
    ClearChargingProfile(payload, station) {
      const number = payload["connectorId"];
      const place = number === undefined ? undefined : number === 0 ? { evseId: 0 } : placeOf(Number(number));
      const { id, chargingProfilePurpose, stackLevel } = payload;
      const purpose = chargingProfilePurpose && plainPurpose(text(payload, "chargingProfilePurpose"));
      const ids = id === undefined ? undefined : [integer(payload, "id")];
      const filter = { ids, purpose, stackLevel, evseId: place?.evseId } as ProfileFilter;
      return { status: station.clearProfiles(filter) };
    },
    // What it costs stands on a display that nobody looks at.
    DataTransfer: ({ vendorId }) => ({
      status: vendorId === "org.openchargealliance.costmsg" ? "Accepted" : "UnknownVendorId",
    }),
    ClearCache: () => ({ status: "Accepted" }),
    ...upkeepHandlers16((number) => placeOf(number)?.evseId),
  };
}

function trigger(payload: Json, station: Commands, placeOf: (number: number) => Place | undefined): Json {
  const what = TRIGGERS[text(payload, "requestedMessage") as keyof typeof TRIGGERS];
  if (what === undefined) return { status: "NotImplemented" };
  if (payload["connectorId"] === undefined) return { status: station.trigger(what) };
  const place = placeOf(integer(payload, "connectorId"));
  if (place === undefined) return { status: "Rejected" };
  return { status: station.trigger(what, place.evseId, place.connectorId) };
}

function listedToken(entry: Json): ListedToken {
  const info = entry["idTagInfo"] as
    | { status?: string; expiryDate?: string; parentIdTag?: string }
    | undefined;
  return {
    idToken: text(entry, "idTag"),
    ...(info?.status === undefined ? {} : { status: info.status }),
    ...(info?.parentIdTag === undefined ? {} : { groupId: info.parentIdTag }),
    ...(info?.expiryDate === undefined ? {} : { expiresAt: Date.parse(info.expiryDate) }),
  };
}

const profileOf = (payload: Json): Profile => readProfile(object(payload, "chargingProfile"), 0);

function readProfile(profile: Json, evseId: number): Profile {
  return {
    id: integer(profile, "chargingProfileId"),
    evseId,
    purpose: plainPurpose(text(profile, "chargingProfilePurpose")),
    stackLevel: integer(profile, "stackLevel"),
    ...readTimetable(profile, object(profile, "chargingSchedule")),
  };
}

const plainPurpose = (word: string): string =>
  word === "ChargePointMaxProfile" ? "ChargingStationMaxProfile" : word;

function getConfiguration(payload: Json, station: Commands): Json {
  const known = station.config.entries.filter((entry) => entry.key !== undefined);
  const asked = Array.isArray(payload["key"]) ? payload["key"].map(String) : [];
  const listed = asked.length === 0 ? known : known.filter((entry) => asked.includes(entry.key ?? ""));
  const unknownKey = asked.filter((name) => !known.some((entry) => entry.key === name));
  return {
    configurationKey: listed.map(({ key, access, value }) => ({
      key,
      readonly: access === "RO",
      // A write-only value is never told.
      ...(access === "WO" ? {} : { value }),
    })),
    ...(unknownKey.length === 0 ? {} : { unknownKey }),
  };
}
