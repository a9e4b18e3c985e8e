/**
 * The vocabulary of the station simulator: what it needs from outside, what it offers, and what its
 * version-free half says to the two dialects (`v16.ts`, `v201.ts`).
 *
 * The simulator's logic reads time, randomness and the network only through the types of this file, so that
 * a seeded world can drive it with a virtual clock and a virtual network. Words are those of OCPP 2.x,
 * except connector states, which are kept in the finer words of OCPP 1.6.
 */
import type { IdToken } from "../../shared/command.ts";
import type { Random } from "../../shared/ids.ts";
import type { Car } from "./car.ts";
import type { StationConfig } from "./config.ts";
import type { Firmware } from "./firmware.ts";
import type { Logbook } from "./logbook.ts";
import type { Profile, ProfileFilter } from "./profiles.ts";
import type { Provisions } from "./provisions.ts";
import type { Reports } from "./reports.ts";
import type { Reservations } from "./reservations.ts";
import type { FilePort, UpkeepMessage } from "./upkeep.ts";

export type OcppVersion = "1.6" | "2.0.1" | "2.1";

export type Clock = {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `fn` once after `ms`; the returned function cancels it. */
  setTimer(ms: number, fn: () => void): () => void;
};

export type Transport = {
  send(text: string): void;
  /** With a code: a WebSocket closing handshake. Without: cut, as when the cable is pulled. */
  close(code?: number): void;
};

export type TransportEvents = {
  onOpen(): void;
  onMessage(text: string): void;
  /** Exactly once per transport, also when it never opened. */
  onClose(code: number, reason: string): void;
};

export type Handshake = { stationId: string; protocols: string[]; password?: string };

/** Opens one connection to the CSMS. Must not call back before it has returned. */
export type TransportFactory = (handshake: Handshake, events: TransportEvents) => Transport;

export type EvseOptions = {
  /** An EVSE feeds one car at a time, whatever the number of its connectors. */
  connectors: number;
  maxPowerW: number;
  phases: 1 | 2 | 3;
  kind: "AC" | "DC";
};

export type StationOptions = {
  id: string;
  version: OcppVersion;
  evses: EvseOptions[];
  clock: Clock;
  random: Random;
  transportFactory: TransportFactory;
  /** Its way to firmware and for its logs; without one it has to refuse. */
  files?: FilePort;
  behaviours?: Behaviour[];
  vendor?: string;
  model?: string;
  password?: string;
  /** Starting values of the configuration, by OCPP 1.6 key or OCPP 2.0.1 `Component.Variable`. */
  config?: Record<string, string>;
  timing?: Partial<Timing>;
  /** What an EVSE draws from the site, at each measurement. Currents by phase of the site, L1 first. */
  onPower?: (evseId: number, watts: number, phaseCurrentsMa: number[]) => void;
  /** Every frame as it crosses the wire. */
  onFrame?: (direction: "sent" | "received", text: string) => void;
  onEvent?: (event: StationEvent) => void;
};

export type Timing = {
  callTimeoutMs: number;
  /** How long a reset or reboot keeps the station away. */
  rebootMs: number;
  reconnectMinMs: number;
  reconnectMaxMs: number;
  /** Between authorization and the closing of the contactor. */
  contactorMs: number;
  /** How often the meter is read while a transaction runs. */
  tickMs: number;
  /** How long new firmware takes to install, before the restart. */
  installMs: number;
};

export const DEFAULT_TIMING: Timing = {
  callTimeoutMs: 30_000,
  rebootMs: 3_000,
  reconnectMinMs: 1_000,
  reconnectMaxMs: 60_000,
  contactorMs: 1_500,
  tickMs: 1_000,
  installMs: 3_000,
};

/** The OCPP 1.6 connector states. OCPP 2.0.1 folds the middle ones into `Occupied`. */
export type ConnectorState =
  | "Available"
  | "Preparing"
  | "Charging"
  | "SuspendedEV"
  | "SuspendedEVSE"
  | "Finishing"
  | "Reserved"
  | "Unavailable"
  | "Faulted";

export type ChargingState = "EVConnected" | "Charging" | "SuspendedEV" | "SuspendedEVSE";

export type StopReason =
  | "DeAuthorized"
  | "EmergencyStop"
  | "EVDisconnected"
  | "HardReset"
  | "Local"
  | "Reboot"
  | "Remote"
  | "SoftReset"
  | "UnlockCommand";

export type TriggerReason =
  | "AbnormalCondition"
  | "Authorized"
  | "CablePluggedIn"
  | "ChargingStateChanged"
  | "Deauthorized"
  | "EVCommunicationLost"
  | "MeterValuePeriodic"
  | "RemoteStart"
  | "RemoteStop"
  | "ResetCommand"
  | "StopAuthorized"
  | "Trigger"
  | "UnlockCommand";

export type SampleContext = "Transaction.Begin" | "Sample.Periodic" | "Transaction.End" | "Trigger";

/** One reading at the outlet. AC: one current and voltage per phase in use; DC: one of each. */
export type OutletSample = {
  at: number;
  context: SampleContext;
  energyWh: number;
  powerW: number;
  currentsA: number[];
  voltagesV: number[];
  kind: "AC" | "DC";
  socPercent?: number;
};

export type Transaction = {
  /** The station's own id: the wire id in OCPP 2.0.1. */
  id: string;
  /** OCPP 1.6: the number the CSMS gave, once it has answered. */
  numberOfCsms?: number;
  evseId: number;
  connectorId: number;
  idToken: IdToken;
  remoteStartId?: number;
  /** The reservation that it used. */
  reservationId?: number;
  startedAt: number;
  meterStartWh: number;
  seqNo: number;
  chargingState: ChargingState;
  chargingMs: number;
};

/** `Unknown`: the station has not restarted, it only reconnected. */
export type BootReason =
  | "PowerUp"
  | "FirmwareUpdate"
  | "RemoteReset"
  | "LocalReset"
  | "Triggered"
  | "Unknown";

export type Identity = { vendor: string; model: string; serialNumber: string; firmwareVersion: string };

/** What the version-free half wants said. A dialect turns it into a CALL, or into nothing. */
export type Outgoing =
  | UpkeepMessage
  | { kind: "boot"; reason: BootReason; identity: Identity }
  | { kind: "heartbeat" }
  | {
      kind: "status";
      /** 0 is the station itself (OCPP 1.6 only). */
      evseId: number;
      connectorId: number;
      state: ConnectorState;
      errorCode: string;
      at: number;
    }
  | { kind: "authorize"; idToken: IdToken }
  | { kind: "meter"; evseId: number; connectorId: number; tx?: Transaction; sample: OutletSample }
  | {
      kind: "transaction";
      event: "Started" | "Updated" | "Ended";
      tx: Transaction;
      seqNo: number;
      at: number;
      trigger: TriggerReason;
      chargingState: ChargingState;
      chargingMs: number;
      offline: boolean;
      /** Who stopped it, on an Ended. */
      idToken?: IdToken;
      stoppedReason?: StopReason;
      sample?: OutletSample;
    };

export type TransactionMessage = Extract<Outgoing, { kind: "transaction" }>;

export type CallOutcome =
  | { kind: "answered"; payload: Json }
  | { kind: "refused"; code: string; description: string }
  | { kind: "unanswered" };

export type Json = Record<string, unknown>;

/** What a dialect reads out of the answer to one of our calls. */
export type Answer = {
  /** Of a registration or of an idToken. */
  status?: string;
  /** Of the idToken. */
  groupId?: string;
  intervalS?: number;
  transactionNumber?: number;
};

/** A CALL ready to go. The payload is made when first sent: OCPP 1.6 learns the transaction's number late. */
export type EncodedCall = { action: string; payload: () => Json };

/** One protocol version: how to say things, and what the CSMS may ask. Holds no state. */
export type Dialect = {
  subprotocol: string;
  /** The CALLERROR code for a payload we cannot read: the standard changed its spelling between versions. */
  formatErrorCode: string;
  encode(message: Outgoing): EncodedCall | undefined;
  read(message: Outgoing, payload: Json): Answer;
  /** What the CSMS calls it, once it can. */
  wireId(tx: Transaction): string | undefined;
  /** The state as the CSMS sees it, to report only changes. */
  visibleState(state: ConnectorState): string;
  handlers: Record<string, (payload: Json, station: Commands) => Json>;
};

/** What the CSMS can make a station do, in version-free words. */
export type Commands = {
  /** Whether the CSMS has accepted the registration on this connection. */
  readonly registered: boolean;
  requestStart(request: {
    idToken: IdToken;
    groupId?: string;
    evseId?: number;
    connectorId?: number;
    remoteStartId?: number;
    /** For the transaction that is to begin. */
    profile?: Profile;
  }): "Accepted" | "Rejected";
  requestStop(transactionId: string): "Accepted" | "Rejected";
  reset(kind: "Hard" | "Soft" | "Immediate" | "OnIdle"): "Accepted" | "Scheduled";
  trigger(
    what: "boot" | "heartbeat" | "status" | "meter" | "transaction" | "firmware" | "log",
    evseId?: number,
    connectorId?: number,
  ): "Accepted" | "Rejected";
  changeAvailability(
    operative: boolean,
    evseId?: number,
    connectorId?: number,
  ): "Accepted" | "Rejected" | "Scheduled";
  unlock(
    evseId: number,
    connectorId: number,
    transaction: "stop" | "keep",
  ): "Unlocked" | "Fixed" | "Unknown" | "Ongoing";
  provisions: Omit<Provisions, "profiles">;
  reservations: Pick<Reservations, "reserve" | "cancel">;
  reports: Reports;
  logbook: Pick<Logbook, "request">;
  firmware: Pick<Firmware, "update">;
  /** The transaction by its wire id; it must run on that EVSE. Without one: the one that runs there. */
  setProfile(profile: Profile, transactionId?: string): "Accepted" | "Rejected";
  clearProfiles(filter: ProfileFilter): "Accepted" | "Unknown";
  /** The limits to come, in that unit; EVSE 0 is the station. Undefined: there is no such EVSE. */
  compositeSchedule(evseId: number, durationS: number, unit: "A" | "W"): CompositeSchedule | undefined;
  /** Whether a transaction, by its wire id, runs; and whether messages about any wait to be sent. */
  transactionStatus(transactionId?: string): { ongoing?: boolean; queued: boolean };
  config: StationConfig;
};

export type CompositeSchedule = {
  startAt: number;
  durationS: number;
  periods: { startPeriod: number; limit: number }[];
};

export type StationEvent =
  | { kind: "connected" }
  | { kind: "disconnected"; code: number; reason: string }
  | { kind: "booted" }
  | { kind: "status"; evseId: number; connectorId: number; state: ConnectorState }
  | { kind: "authorized"; evseId: number; accepted: boolean }
  | { kind: "transactionStarted"; evseId: number }
  | { kind: "transactionEnded"; evseId: number; reason: StopReason }
  /** The CSMS answered a call; `result` is absent when it refused. */
  | { kind: "answered"; action: string; payload: Json; result?: Json };

/**
 * Something a station does on top of what every station does: a driver, a habit, a fault.
 * Hooks are called in the order of the list; what one returns the next one gets.
 */
export type Behaviour = {
  name: string;
  /** Once, when the station is switched on. */
  started?(station: Station): void;
  event?(event: StationEvent, station: Station): void;
  handshake?(handshake: Handshake): Handshake;
  /** False: this station says BootNotification only after a boot, not after every reconnect. */
  bootsAfterReconnect?: boolean;
  /** The id of the nth CALL (from 1) of this connection. */
  messageId?(nth: number): string;
  /** Rewrites the payload of a CALL before it is first sent. Retries repeat the result. */
  call?(action: string, payload: Json, station: Station): Json;
  /** The texts that go onto the wire in place of this one. */
  frame?(text: string, station: Station): string[];
  /** False: the CALL of the CSMS is not answered. */
  answers?(action: string): boolean;
};

export type ConnectorReport = { connectorId: number; state: ConnectorState };

export type EvseReport = {
  evseId: number;
  connectors: ConnectorReport[];
  plugged: boolean;
  powerW: number;
  meterWh: number;
  socPercent?: number;
  /** The token for which it is kept. */
  reservedFor?: string;
  transaction?: {
    id: string;
    numberOfCsms?: number;
    connectorId: number;
    idToken: string;
    energyWh: number;
    chargingState: ChargingState;
  };
};

export type StationReport = {
  connected: boolean;
  booted: boolean;
  /** Transaction messages that wait for an answer of the CSMS. */
  queued: number;
  evses: EvseReport[];
};

/**
 * A running station: what a person in front of it, or a fault, can do to it.
 * An EVSE that it does not have throws `sim_no_evse`.
 */
export type Station = {
  readonly id: string;
  readonly version: OcppVersion;
  readonly clock: Clock;
  readonly random: Random;
  readonly evseIds: number[];
  /** Throws `sim_evse_taken`, or `sim_no_connector`. */
  plugIn(evseId: number, car: Car, connectorId?: number): void;
  /** Gives the car back, charged. Undefined when nothing was plugged in. */
  unplug(evseId: number): Car | undefined;
  /** Starts with an idle EVSE, stops the transaction that the same token started, else does nothing. */
  presentToken(evseId: number, idToken: IdToken): void;
  /** An error code of OCPP 1.6 (`GroundFailure`, …); undefined clears the fault. */
  fault(evseId: number, errorCode: string | undefined): void;
  /** 0 suspends charging (SuspendedEVSE); undefined lifts the limit. */
  limitPower(evseId: number, watts: number | undefined): void;
  loseSocket(ms: number): void;
  reboot(): void;
  state(): StationReport;
  /** Ends transactions, says what is still unsaid for at most `graceMs`, then closes. 0 cuts at once. */
  stop(graceMs?: number): Promise<void>;
  /** For misbehaviours only: past the rules of the protocol. */
  wire: {
    sendRaw(text: string): void;
    call(action: string, payload: Json): void;
    /** A second socket beside the first, which stays open and unheard. */
    openSecond(): void;
  };
};
