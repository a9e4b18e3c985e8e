/**
 * OCPP 2.0.1 and 2.1: translates between the station's version-free words and the wire. Holds no state.
 *
 * Transactions start and stop with the power path (TxStartPoint and TxStopPoint `PowerPathClosed`): there is
 * one exactly while somebody is authorized and a cable is plugged in.
 */
import type { IdToken } from "../../shared/command.ts";
import { call, integer, iso, list, meterValue, object, oneOf, text } from "./dialect.ts";
import { select } from "./inventory.ts";
import { readTimetable, type Profile, type ProfileFilter } from "./profiles.ts";
import type { ListedToken } from "./provisions.ts";
import { occupancyOf } from "./states.ts";
import { encodeUpkeep201, namedVariable, UPKEEP_HANDLERS_201 } from "./v201-upkeep.ts";
import type {
  Answer,
  Commands,
  Dialect,
  EncodedCall,
  Json,
  Outgoing,
  StopReason,
  TransactionMessage,
} from "./types.ts";

const FORMAT_ERROR_CODE = "FormatViolation";
const TRIGGERS = {
  BootNotification: "boot",
  Heartbeat: "heartbeat",
  MeterValues: "meter",
  StatusNotification: "status",
  TransactionEvent: "transaction",
  FirmwareStatusNotification: "firmware",
  LogStatusNotification: "log",
} as const;

/** Reasons that OCPP 2.0.1 calls differently. */
const STOPPED_REASON: Partial<Record<StopReason, string>> = {
  HardReset: "ImmediateReset",
  SoftReset: "ImmediateReset",
  UnlockCommand: "Other",
};

/** What this station says and understands is the same in both versions, but for a field or two. */
export function createDialect201(version: "2.0.1" | "2.1"): Dialect {
  return {
    subprotocol: `ocpp${version}`,
    formatErrorCode: FORMAT_ERROR_CODE,
    encode: (message) => encode(message, version),
    read,
    wireId: (tx) => tx.id,
    visibleState: occupancyOf,
    handlers: HANDLERS,
  };
}

function encode(message: Outgoing, version: "2.0.1" | "2.1"): EncodedCall | undefined {
  switch (message.kind) {
    case "boot":
      return call("BootNotification", {
        reason: message.reason,
        chargingStation: {
          model: message.identity.model,
          vendorName: message.identity.vendor,
          serialNumber: message.identity.serialNumber.slice(0, 25),
          firmwareVersion: message.identity.firmwareVersion,
        },
      });
    case "heartbeat":
      return call("Heartbeat", {});
    case "authorize":
      return call("Authorize", { idToken: wireToken(message.idToken) });
    case "status":
      if (message.evseId === 0) return undefined;
      return call("StatusNotification", {
        timestamp: iso(message.at),
        connectorStatus: occupancyOf(message.state),
        evseId: message.evseId,
        connectorId: message.connectorId,
      });
    case "meter":
      return call("MeterValues", {
        evseId: message.evseId,
        meterValue: [meterValue(message.sample, writeValue)],
      });
    case "transaction":
      return call("TransactionEvent", transactionEvent(message));
    default:
      return encodeUpkeep201(message, version);
  }
}

function transactionEvent(message: TransactionMessage): Json {
  const { tx, event, stoppedReason, sample } = message;
  const started = event === "Started";
  const idToken = started ? tx.idToken : message.idToken;
  return {
    eventType: event,
    timestamp: iso(message.at),
    triggerReason: message.trigger,
    seqNo: message.seqNo,
    ...(message.offline ? { offline: true } : {}),
    transactionInfo: {
      transactionId: tx.id,
      chargingState: stoppedReason === "EVDisconnected" ? "Idle" : message.chargingState,
      timeSpentCharging: Math.round(message.chargingMs / 1_000),
      ...(stoppedReason === undefined
        ? {}
        : { stoppedReason: STOPPED_REASON[stoppedReason] ?? stoppedReason }),
      ...(started && tx.remoteStartId !== undefined ? { remoteStartId: tx.remoteStartId } : {}),
    },
    ...(started && tx.reservationId !== undefined ? { reservationId: tx.reservationId } : {}),
    ...(started ? { evse: { id: tx.evseId, connectorId: tx.connectorId } } : {}),
    ...(idToken === undefined ? {} : { idToken: wireToken(idToken) }),
    ...(sample === undefined ? {} : { meterValue: [meterValue(sample, writeValue)] }),
  };
}

const writeValue = (value: number, unit: string): Json => ({ value, unitOfMeasure: { unit } });

function read(message: Outgoing, payload: Json): Answer {
  if (message.kind === "boot") {
    return { status: String(payload["status"]), intervalS: Number(payload["interval"]) };
  }
  const info = payload["idTokenInfo"] as { status?: string; groupIdToken?: { idToken: string } } | undefined;
  return {
    ...(info?.status === undefined ? {} : { status: info.status }),
    ...(info?.groupIdToken === undefined ? {} : { groupId: info.groupIdToken.idToken }),
  };
}

const HANDLERS: Dialect["handlers"] = {
  RequestStartTransaction(payload, station) {
    const token = object(payload, "idToken");
    const { groupIdToken, chargingProfile } = payload;
    return {
      status: station.requestStart({
        ...(groupIdToken === undefined ? {} : { groupId: text(object(payload, "groupIdToken"), "idToken") }),
        ...(chargingProfile === undefined
          ? {}
          : { profile: readProfile(object(payload, "chargingProfile"), 0) }),
        idToken: { idToken: text(token, "idToken"), type: text(token, "type") },
        remoteStartId: integer(payload, "remoteStartId"),
        ...(payload["evseId"] === undefined ? {} : { evseId: integer(payload, "evseId") }),
      }),
    };
  },
  RequestStopTransaction: (payload, station) => ({
    status: station.requestStop(text(payload, "transactionId")),
  }),
  Reset(payload, station) {
    const type = oneOf(payload, "type", ["Immediate", "OnIdle"]);
    // This station cannot restart a single EVSE.
    return { status: payload["evseId"] === undefined ? station.reset(type) : "Rejected" };
  },
  TriggerMessage(payload, station) {
    const what = TRIGGERS[text(payload, "requestedMessage") as keyof typeof TRIGGERS];
    if (what === undefined) return { status: "NotImplemented" };
    // F06.FR.17: once accepted, a station does not register again on demand.
    if (what === "boot" && station.registered) return { status: "Rejected" };
    return { status: station.trigger(what, ...place(payload)) };
  },
  ChangeAvailability: (payload, station) => ({
    status: station.changeAvailability(
      oneOf(payload, "operationalStatus", ["Operative", "Inoperative"]) === "Operative",
      ...place(payload),
    ),
  }),
  UnlockConnector(payload, station) {
    const result = station.unlock(integer(payload, "evseId"), integer(payload, "connectorId"), "keep");
    const status = {
      Unlocked: "Unlocked",
      Fixed: "UnlockFailed",
      Unknown: "UnknownConnector",
      Ongoing: "OngoingAuthorizedTransaction",
    }[result];
    return { status };
  },
  GetVariables: (payload, station) => ({
    getVariableResult: list(payload, "getVariableData").map((asked) => getVariable(asked, station)),
  }),
  SetVariables: (payload, station) => ({
    setVariableResult: list(payload, "setVariableData").map((asked) => setVariable(asked, station)),
  }),
  GetLocalListVersion: (_payload, station) => ({ versionNumber: station.provisions.listVersion }),
  SendLocalList: (payload, station) => ({
    status: station.provisions.sendList(
      oneOf(payload, "updateType", ["Full", "Differential"]),
      integer(payload, "versionNumber"),
      payload["localAuthorizationList"] === undefined
        ? []
        : list(payload, "localAuthorizationList").map(listedToken),
    ),
  }),
  SetChargingProfile(payload, station) {
    const profile = object(payload, "chargingProfile");
    const { transactionId } = profile;
    // K01.FR.03: a profile of a transaction names it.
    const unnamed = profile["chargingProfilePurpose"] === "TxProfile" && transactionId === undefined;
    if (unnamed) return { status: "Rejected" };
    const ofTransaction = transactionId === undefined ? undefined : text(profile, "transactionId");
    return { status: station.setProfile(readProfile(profile, integer(payload, "evseId")), ofTransaction) };
  },
  ClearChargingProfile(payload, station) {
    const {
      evseId,
      chargingProfilePurpose: purpose,
      stackLevel,
    } = payload["chargingProfileCriteria"] === undefined ? {} : object(payload, "chargingProfileCriteria");
    const { chargingProfileId } = payload;
    const ids = chargingProfileId === undefined ? undefined : [integer(payload, "chargingProfileId")];
    const filter = { ids, evseId, purpose, stackLevel } as ProfileFilter;
    return { status: station.clearProfiles(filter) };
  },
  // It stands on a display that nobody looks at.
  CostUpdated: () => ({}),
  DataTransfer: () => ({ status: "UnknownVendorId" }),
  ClearCache: () => ({ status: "Accepted" }),
  ...UPKEEP_HANDLERS_201,
};

function listedToken(entry: Json): ListedToken {
  const info = entry["idTokenInfo"] as
    | { status?: string; cacheExpiryDateTime?: string; groupIdToken?: { idToken: string } }
    | undefined;
  return {
    idToken: text(object(entry, "idToken"), "idToken"),
    ...(info?.status === undefined ? {} : { status: info.status }),
    ...(info?.groupIdToken === undefined ? {} : { groupId: info.groupIdToken.idToken }),
    ...(info?.cacheExpiryDateTime === undefined ? {} : { expiresAt: Date.parse(info.cacheExpiryDateTime) }),
  };
}

function readProfile(profile: Json, evseId: number): Profile {
  const [schedule] = list(profile, "chargingSchedule");
  return {
    id: integer(profile, "id"),
    evseId,
    purpose: text(profile, "chargingProfilePurpose"),
    stackLevel: integer(profile, "stackLevel"),
    ...readTimetable(profile, schedule ?? {}),
  };
}

function getVariable(asked: Json, station: Commands): Json {
  const { found, status, echo } = lookUp(asked, station);
  if (found === undefined) return { attributeStatus: status, ...echo };
  if (found.access === "WO") return { attributeStatus: "Rejected", ...echo };
  return { attributeStatus: "Accepted", attributeValue: found.value, ...echo };
}

function setVariable(asked: Json, station: Commands): Json {
  const { found, status, echo } = lookUp(asked, station);
  if (found === undefined) return { attributeStatus: status, ...echo };
  const name = `${found.component}.${found.name}`;
  const result = station.config.set(name, text(asked, "attributeValue"));
  const why = found.access === "RO" ? { attributeStatusInfo: { reasonCode: "ReadOnly" } } : {};
  // What is no configuration cannot be written at all.
  return { attributeStatus: result === "Unknown" ? "Rejected" : result, ...why, ...echo };
}

function lookUp(asked: Json, station: Commands) {
  const component = object(asked, "component");
  const variable = object(asked, "variable");
  const attributeType = asked["attributeType"];
  const echo = { component, variable, ...(attributeType === undefined ? {} : { attributeType }) };
  if (attributeType !== undefined && attributeType !== "Actual") {
    return { found: undefined, status: "NotSupportedAttributeType", echo };
  }
  const wanted = namedVariable(asked);
  const ofComponent = station.reports.variables().filter((each) => each.component === wanted.component);
  const [found] = select(ofComponent, { named: [wanted] });
  return { found, status: ofComponent.length > 0 ? "UnknownVariable" : "UnknownComponent", echo };
}

function place(payload: Json): [evseId?: number, connectorId?: number] {
  if (payload["evse"] === undefined) return [];
  const evse = object(payload, "evse");
  const evseId = integer(evse, "id");
  return evse["connectorId"] === undefined ? [evseId] : [evseId, integer(evse, "connectorId")];
}

function wireToken(idToken: IdToken): Json {
  return { idToken: idToken.idToken, type: idToken.type ?? "ISO14443" };
}
