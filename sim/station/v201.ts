/**
 * OCPP 2.0.1 and 2.1: translates between the station's version-free words and the wire. Holds no state.
 *
 * Transactions start and stop with the power path (TxStartPoint and TxStopPoint `PowerPathClosed`): there is
 * one exactly while somebody is authorized and a cable is plugged in.
 */
import type { IdToken } from "../../shared/command.ts";
import { call, integer, iso, list, meterValue, object, oneOf, text } from "./dialect.ts";
import { readSchedule, type ListedToken, type Profile, type ProfileFilter } from "./provisions.ts";
import type {
  Answer,
  Commands,
  ConnectorState,
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
} as const;

/** Reasons that OCPP 2.0.1 calls differently. */
const STOPPED_REASON: Partial<Record<StopReason, string>> = {
  HardReset: "ImmediateReset",
  SoftReset: "ImmediateReset",
  UnlockCommand: "Other",
};

/** What this station says and understands is the same in both versions. */
export function createDialect201(version: "2.0.1" | "2.1"): Dialect {
  return {
    subprotocol: `ocpp${version}`,
    formatErrorCode: FORMAT_ERROR_CODE,
    encode,
    read,
    wireId: (tx) => tx.id,
    visibleState,
    handlers: HANDLERS,
  };
}

function visibleState(state: ConnectorState): string {
  return state === "Available" || state === "Unavailable" || state === "Faulted" ? state : "Occupied";
}

function encode(message: Outgoing): EncodedCall | undefined {
  switch (message.kind) {
    case "boot":
      return call("BootNotification", {
        reason: message.reason,
        chargingStation: {
          model: message.model,
          vendorName: message.vendor,
          serialNumber: message.serialNumber.slice(0, 25),
          firmwareVersion: "1.0.0",
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
        connectorStatus: visibleState(message.state),
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
  const info = payload["idTokenInfo"] as { status?: string } | undefined;
  return info?.status === undefined ? {} : { status: info.status };
}

const HANDLERS: Dialect["handlers"] = {
  RequestStartTransaction(payload, station) {
    const token = object(payload, "idToken");
    return {
      status: station.requestStart({
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
  SetChargingProfile: (payload, station) => ({
    status: station.setProfile(readProfile(object(payload, "chargingProfile"), integer(payload, "evseId"))),
  }),
  ClearChargingProfile(payload, station) {
    const {
      evseId,
      chargingProfilePurpose: purpose,
      stackLevel,
    } = payload["chargingProfileCriteria"] === undefined ? {} : object(payload, "chargingProfileCriteria");
    const filter = { id: payload["chargingProfileId"], evseId, purpose, stackLevel } as ProfileFilter;
    return { status: station.clearProfiles(filter) };
  },
  DataTransfer: () => ({ status: "UnknownVendorId" }),
  ClearCache: () => ({ status: "Accepted" }),
};

function listedToken(entry: Json): ListedToken {
  const info = entry["idTokenInfo"] as { status?: string; cacheExpiryDateTime?: string } | undefined;
  return {
    idToken: text(object(entry, "idToken"), "idToken"),
    ...(info?.status === undefined ? {} : { status: info.status }),
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
    ...(profile["transactionId"] === undefined ? {} : { transactionId: text(profile, "transactionId") }),
    ...readSchedule(schedule),
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
  if (found?.variable === undefined) return { attributeStatus: status, ...echo };
  const attributeStatus = station.config.set(found.variable, text(asked, "attributeValue"));
  const why = found.access === "RO" ? { attributeStatusInfo: { reasonCode: "ReadOnly" } } : {};
  return { attributeStatus, ...why, ...echo };
}

function lookUp(asked: Json, station: Commands) {
  const component = object(asked, "component");
  const variable = object(asked, "variable");
  const prefix = `${text(component, "name")}.`;
  const name = prefix + text(variable, "name");
  const attributeType = asked["attributeType"];
  const echo = { component, variable, ...(attributeType === undefined ? {} : { attributeType }) };
  if (attributeType !== undefined && attributeType !== "Actual") {
    return { found: undefined, status: "NotSupportedAttributeType", echo };
  }
  const found = station.config.entries.find((entry) => entry.variable === name);
  const knownComponent = station.config.entries.some((entry) => entry.variable?.startsWith(prefix));
  return { found, status: knownComponent ? "UnknownVariable" : "UnknownComponent", echo };
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
