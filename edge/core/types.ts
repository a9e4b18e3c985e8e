/**
 * The nouns of the ER's core: what comes in, what goes out, what is remembered.
 *
 * The core is a deterministic state machine: `step(state, input, now)` changes the state it is given and
 * returns the entries to commit and the effects to perform after the commit. It reads no clock, sets no
 * timer, draws no randomness (the generator's state is part of `live`) and does no I/O. `durable` is a fold
 * of the journal and nothing else: replaying the journal gives the same value, which is how the ER starts
 * again. `live` is forgotten at a stop.
 */
import type { Command } from "../../shared/command.ts";
import type { ClockState, Entry, Protocol } from "../../shared/entry.ts";
import type { RandomState } from "../../shared/ids.ts";
import type { ConnectorStatus, StationMessage } from "../../shared/ocpp/message.ts";
import type { Policy, PolicyToken } from "../../shared/policy.ts";
import type { Reading } from "../../shared/reading.ts";
import type { Ack, Answer, Ask, Hello } from "../../shared/wire.ts";
import type { MeterModel, Previous } from "./meter.ts";

/** `at`: wall clock, Unix ms. `upMs`: monotonic since the boot of the ER. */
export type Now = { at: number; upMs: number };

export type Input =
  | { kind: "start"; boot: string; release: string; clock: ClockState; seed: readonly number[] }
  | { kind: "stop" }
  | { kind: "tick" }
  | {
      kind: "station.connected";
      connectionId: number;
      stationId: string;
      protocol: Protocol;
      remoteAddress: string;
    }
  | { kind: "station.disconnected"; connectionId: number; reason: string }
  | { kind: "station.frame"; connectionId: number; text: string }
  | { kind: "meter.read"; meterId: string; reading: Reading }
  | { kind: "meter.health"; meterId: string; state: "ok" | "lost"; model: string; reason: string }
  | { kind: "link.up" }
  | { kind: "link.down" }
  | { kind: "link.ack"; ack: Ack }
  | { kind: "link.answer"; answer: Answer }
  | { kind: "link.commands"; commands: Command[] }
  | { kind: "link.policy"; policy: Policy }
  /** The shell has published the blocks (firstSeq … lastSeq) that `publish.batch` asked for. */
  | { kind: "batch.published"; lastSeq: number }
  /** A publish failed: the link is up but the broker did not take it. */
  | { kind: "batch.failed" }
  /** Entries up to here are durable. */
  | { kind: "committed"; seq: number; oldestSeq: number };

export type Effect =
  /** `notAfterUpMs`: dropped when its commit took longer than this. A CALL that comes too late does harm. */
  | { kind: "send"; connectionId: number; text: string; notAfterUpMs?: number }
  | { kind: "close"; connectionId: number; code: number; reason: string }
  | { kind: "publish.hello"; hello: Hello }
  | { kind: "publish.ask"; ask: Ask }
  /** Publish the next blocks after this entry, as many as fit one batch. */
  | { kind: "publish.batch"; afterSeq: number }
  /** Everything up to here is in PostgreSQL: the journal may drop it after its retention. */
  | { kind: "acked"; seq: number }
  | { kind: "log"; level: "info" | "warn" | "error"; message: string; fields: Record<string, unknown> };

/** Documents that are stored whole in the commit of their entry. */
export type Doc = { key: "policy"; value: Policy };

export type Output = {
  entries: Entry[];
  effects: Effect[];
  docs: Doc[];
  /** Somebody waits, or money or state is at stake: commit now. Telemetry may wait for company. */
  urgent: boolean;
};

/* Durable: a fold of the journal. */

export type ConnectorState = {
  evseId: number;
  connectorId: number;
  status: ConnectorStatus;
  detail?: string;
  errorCode?: string;
  /** Wall time of the ER when it was told. */
  at: number;
};

/** A transaction message that was answered: a retry gets the same answer. */
export type RecentAnswer = { key: string; payload: unknown; transactionId: string };

export type StationState = {
  stationId: string;
  protocol: Protocol;
  online: boolean;
  booted: boolean;
  connectors: Map<string, ConnectorState>;
  /** Our ids of the transactions that run here. */
  open: string[];
  /** Oldest first, at most RECENT_ANSWERS_PER_STATION. */
  recent: RecentAnswer[];
  /** Ended transactions by their wire id, oldest first, so that late messages find their transaction. */
  ended: { ocppTransactionId: string; transactionId: string; meterStopWh?: number }[];
};

export type OpenTransaction = {
  transactionId: string;
  stationId: string;
  ocppTransactionId: string;
  evseId: number;
  startedAt: number;
  idToken?: string;
  groupId?: string;
  meterStartWh?: number;
  /** Highest register seen. */
  energyImportWh?: number;
  /** Content of the last Updated event, to know a retry. */
  lastEventKey?: string;
};

export type CommandState = { commandId: string; stationId: string; finished: boolean };

export type MeterState = {
  previous?: Previous;
  upMs?: number;
  model?: string;
  state: "ok" | "lost" | "unknown";
};

export type Durable = {
  /** Last entry. */
  seq: number;
  boot: string;
  startedAt: number;
  stations: Map<string, StationState>;
  /** By our id. */
  transactions: Map<string, OpenTransaction>;
  /** Unused transaction ids for OCPP 1.6: [next, end). */
  leases: { next: number; end: number }[];
  /** One past the highest id that was ever leased. */
  leasedEnd: number;
  /** Next id of the emergency range; 0 until it is first needed. */
  emergencyNext: number;
  /** Accepted commands; finished ones are kept for a while so that the same command is done once. */
  commands: Map<string, CommandState>;
  meters: Map<string, MeterState>;
  policyVersion: number;
};

/* Live: gone with the process. */

export type OutgoingCall = {
  commandId: string;
  action: string;
  payload: Record<string, unknown>;
  deadlineUpMs: number;
};

export type Connection = {
  connectionId: number;
  stationId: string;
  protocol: Protocol;
  openedUpMs: number;
  /** It has sent a CALL that was answered: it may be called. */
  talked: boolean;
  lastMessageAt: number;
  lastReplyUpMs: number;
  outstanding?: OutgoingCall & { messageId: string; text: string; sentUpMs: number };
  timeouts: number;
  /** The last answers of this connection, by message id, for a frame that is repeated as it was. */
  answered: { messageId: string; request: string; response: string }[];
};

/** A station's CALL that waits for the cloud's word. */
export type PendingDecision = {
  correlationId: string;
  connectionId: number;
  frameText: string;
  messageId: string;
  action: string;
  message: Extract<StationMessage, { kind: "authorize" | "transaction" }>;
  deadlineUpMs: number;
};

export type Uplink = {
  up: boolean;
  /** The cloud was heard since the last silence: worth asking. */
  present: boolean;
  committedSeq: number;
  oldestSeq: number;
  ackedSeq: number;
  sentSeq: number;
  /** The cloud's cursor is known since the link came up. */
  resumed: boolean;
  publishing: boolean;
  /**
   * The cloud asked for older entries while a batch was on its way to the broker: that batch does not
   * count.
   */
  rewound: boolean;
  inFlight: { lastSeq: number; upMs: number }[];
  helloUpMs: number | undefined;
  lastResume: { seq: number; upMs: number } | undefined;
};

export type Live = {
  clock: ClockState;
  /** True time minus ER time, as far as known. */
  clockOffsetMs: number;
  random: RandomState;
  connections: Map<number, Connection>;
  /** The connection that counts, by station. */
  byStation: Map<string, number>;
  pending: Map<string, PendingDecision>;
  /** Calls that wait for their turn, by station. */
  queues: Map<string, OutgoingCall[]>;
  /** Commands that wait for a station that is not connected. Not yet accepted: the cloud sends them again. */
  waiting: Map<string, { command: Command; deadlineUpMs: number }>;
  uplink: Uplink;
  policy: Policy | undefined;
  /** By `tokenKey`. */
  tokens: Map<string, PolicyToken>;
  leaseAsk: { correlationId: string; upMs: number } | undefined;
  stopping: boolean;
};

/** What never changes while the ER runs. */
export type Identity = {
  erId: string;
  siteId: string;
  siteName: string;
  timeZone: string;
  release: string;
  journalId: string;
  heartbeatIntervalS: number;
  meterModels: ReadonlyMap<string, MeterModel>;
  /** `online-first`: ask the cloud where it is reachable. `local`: decide from the policy alone. */
  authorization: "online-first" | "local";
  /** Before any policy has arrived. */
  unknownToken: "allow" | "deny";
};

export type State = { identity: Identity; durable: Durable; live: Live };
