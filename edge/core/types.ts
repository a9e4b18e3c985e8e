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
import type { ClockState, Entry, LeasedResource, Protocol } from "../../shared/entry.ts";
import type { RandomState } from "../../shared/ids.ts";
import type { ConnectorStatus, StationMessage } from "../../shared/ocpp/message.ts";
import type { TokenSet } from "../../shared/decide/token-set.ts";
import type { Policy, PolicyStation, SignedPolicy, UnknownTokenRule } from "../../shared/policy.ts";
import type { Reading } from "../../shared/reading.ts";
import type { Ack, Answer, Ask, ErGauges, Hello } from "../../shared/wire.ts";
import type { Make } from "../../shared/ocpp/quirks.ts";
import type { CostsTold } from "./cost.ts";
import type { FileEffect, FileInput, FileProtocol } from "./file-types.ts";
import type { Told } from "./health.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { MeterModel, MeterState } from "./meter.ts";
import type { Provision, Provisioning } from "./provision-state.ts";
import type { Registering } from "./registration.ts";
import type { Configuration } from "./template-state.ts";

/** `at`: wall clock, Unix ms. `upMs`: monotonic since the boot of the ER. */
export type Now = { at: number; upMs: number };

export type Input =
  | {
      kind: "start";
      boot: string;
      release: string;
      clock: ClockState;
      seed: readonly number[];
      /** How the process before this one ended, and why; absent for the first one of a journal. */
      previousEnd?: "clean" | "crash" | "watchdog";
      reason?: string;
      /** A journal that could not be used stood where this new one stands. */
      setAside?: SetAside;
    }
  | { kind: "stop" }
  | { kind: "tick" }
  | {
      kind: "station.connected";
      connectionId: number;
      stationId: string;
      protocol: Protocol;
      remoteAddress: string;
      passwordMark?: string;
    }
  | { kind: "station.disconnected"; connectionId: number; reason: string }
  | { kind: "station.frame"; connectionId: number; text: string }
  | { kind: "meter.read"; meterId: string; reading: Reading }
  | { kind: "meter.health"; meterId: string; state: "ok" | "lost"; model: string; reason: string }
  /** How short of disk the journal is. */
  | { kind: "pressure"; level: Pressure }
  /** How the box is, as the shell has measured it. */
  | { kind: "gauges"; gauges: BoxGauges }
  | { kind: "link.up" }
  | { kind: "link.down" }
  | { kind: "link.ack"; ack: Ack }
  | { kind: "link.answer"; answer: Answer }
  | { kind: "link.commands"; commands: Command[] }
  | { kind: "link.policy"; signed: SignedPolicy }
  | FileInput
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
  | FileEffect
  | { kind: "publish.hello"; hello: Hello }
  | { kind: "publish.ask"; ask: Ask }
  /** Publish the next blocks after this entry, as many as fit one batch. */
  | { kind: "publish.batch"; afterSeq: number }
  /** Everything up to here is in PostgreSQL: the journal may drop it after its retention. */
  | { kind: "acked"; seq: number }
  | { kind: "log"; level: "info" | "warn" | "error"; message: string; fields: Record<string, unknown> };

/** Documents that are stored whole in the commit of their entry. */
export type Doc = { key: "policy"; value: Policy } | { key: "policy-keys"; value: string[] };

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
  /** What it said it is, at its last boot. */
  make?: Make;
  connectors: Map<string, ConnectorState>;
  /** The register of each EVSE when it was last heard. */
  registers?: Record<number, { at: number; energyWh: number }>;
  /** OCPP 1.6, by EVSE without a transaction: its last word for the charging (`connector-word.ts`). */
  words?: Record<number, { at: number; word: string }>;
  /** By EVSE: our id of the last transaction that began there, ended or not. */
  latest?: Record<number, string>;
  /** Our ids of the transactions that run here. */
  open: string[];
  /** Oldest first, at most RECENT_ANSWERS_PER_STATION. */
  recent: RecentAnswer[];
  /** Ended transactions by their wire id, oldest first, so that late messages find their transaction. */
  ended: { ocppTransactionId: string; transactionId: string; meterStopWh?: number }[];
  /** How it can move files, as it says: a list such as `FTP,HTTP`. */
  fileProtocols?: string;
  /** What it was told when it booted last, unless it was accepted: it must not speak, or be spoken to. */
  registration?: "Pending" | "Rejected";
  /** What it was given for the time without us; absent: nothing yet. */
  provision?: Provision;
  /** What is known of the values that templates want; absent: nothing yet. */
  configuration?: Configuration;
};

/** A journal that was moved away: its new file name, and what is known of it. */
export type SetAside = { file: string; reason: string; journalId?: string; lastSeq?: number };

/** What only the shell can see of the box. */
export type BoxGauges = Pick<
  ErGauges,
  | "journalBytes"
  | "journalBudgetBytes"
  | "diskFreeBytes"
  | "writtenBytes"
  | "diskWearPercent"
  | "temperatureC"
  | "rssBytes"
>;

/** How short of disk the journal is; from `refuse` on nobody may start. */
export type Pressure = "none" | "compact" | "thin-60" | "thin-300" | "refuse";

export type CommandState = {
  commandId: string;
  stationId: string;
  finished: boolean;
  /** The whole command, as long as it may still matter. */
  command?: Command;
  /** It may have been done: wall time when that was found. */
  uncertainAt?: number;
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
  /** The same for other ids that the ER gives out. */
  otherLeases: {
    [R in Exclude<LeasedResource, "transaction">]?: {
      blocks: { next: number; end: number }[];
      end: number;
    };
  };
  /** Next id of the emergency range; 0 until it is first needed. */
  emergencyNext: number;
  /** Accepted commands; finished ones are kept for a while so that the same command is done once. */
  commands: Map<string, CommandState>;
  meters: Map<string, MeterState>;
  /** Files of stations that wait here for the cloud. */
  uploads: Map<string, { stationId: string }>;
  policyVersion: number;
  /** Wall time when the cloud last said that this policy is its current one; 0: never. */
  policySyncedAt: number;
  /** Wall time of the last entry. */
  lastAt: number;
  /** Tokens that charged here, by `tokenKey`, least recently used first. */
  tokenUse: Map<string, { idToken: string; type?: string; at: number }>;
  /** Starts of unknown tokens within the last 24 hours, and what each may take. */
  unknownStarts: { key: string; at: number; energyWh: number }[];
};

/* Live: gone with the process. */

export type OutgoingCall = {
  /** Of somebody's command; or `cause`: the ER's own. */
  commandId?: string;
  cause?: string;
  /** The transaction that it is about: it is not sent when that has ended. */
  transactionId?: string;
  background?: boolean;
  action: string;
  payload: Record<string, unknown>;
  deadlineUpMs: number;
  /** It is a part of a command (`parts.ts`): what is still to be called, what was answered before. */
  parts?: { rest: Record<string, unknown>[]; answers: Record<string, unknown>[] };
};

export type Connection = {
  connectionId: number;
  stationId: string;
  protocol: Protocol;
  openedUpMs: number;
  /** It has sent a CALL that was answered: it may be called. */
  talked: boolean;
  /** It has sent its BootNotification on this connection; false: it was asked for it. */
  booted?: boolean;
  /** It has told the state of a connector. */
  toldStatus: boolean;
  /** Transactions that it has named: of others something may have gone unheard while it was away. */
  named: Set<string>;
  /** It has been asked for what it did not tell by itself. */
  resumed: boolean;
  /** The station's clock minus the best time of the ER, as last measured. */
  clockSkewMs?: number;
  skewAskedUpMs?: number;
  lastMessageAt: number;
  lastReplyUpMs: number;
  /** Messages in a row that came soon after one another. */
  burst: number;
  /** Messages that a held station was asked for (`registration.ts`), and when. */
  invited?: Map<string, number>;
  outstanding?: OutgoingCall & { messageId: string; text: string; sentUpMs: number };
  timeouts: number;
  /** The last answers of this connection, by message id, for a frame that is repeated as it was. */
  answered: { messageId: string; request: string; response: string }[];
};

/** Messages that somebody behind the cloud answers. */
export type PassedOn = Extract<StationMessage, { kind: "pass-on" | "charging-needs" }>;

/** A station's CALL that waits for the cloud's word. */
export type PendingDecision = {
  correlationId: string;
  connectionId: number;
  frameText: string;
  messageId: string;
  action: string;
  payload: Record<string, unknown>;
  /** What had to be tolerated to read it. */
  flags?: readonly string[];
  message: Extract<StationMessage, { kind: "authorize" | "transaction" | PassedOn["kind"] }>;
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
  /** Stations that were told a time in this boot. */
  timeTold: Set<string>;
  /** Of the others, while the time is not known: their time minus ours. */
  stationOffsetsMs: Map<string, number>;
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
  /** The rules of the policy in use; its tokens are packed beside them. */
  policy: Omit<Policy, "tokens"> | undefined;
  tokens: TokenSet;
  /** What the policy wants of single stations. */
  stationRules: ReadonlyMap<string, PolicyStation>;
  /** Stations that were asked to boot, so that they learn whether they are held. */
  registering: { lookedUpMs: number; stations: Map<string, Registering> };
  /** Keys (`tokenKey`) of the tokens that the cloud knows to be used here. */
  recent: ReadonlySet<string>;
  /** Public keys that a policy may be signed with; none yet: the first one is believed. */
  policyKeys: string[];
  /** When the cloud last said, in this boot, that the policy is its current one. */
  policySyncedUpMs: number | undefined;
  /** Wall time of the last entry before this boot. */
  lastAtBeforeBoot: number;
  /** How short of disk the journal is. */
  pressure: Pressure;
  gauges: BoxGauges | undefined;
  /** What the last `er.health` of this boot said. */
  healthTold: Told | undefined;
  /** When all running transactions were last looked at. */
  guardUpMs: number;
  /** When their tokens were last looked up, and in the policy of which issue. */
  tokensUpMs: number;
  guardedPolicy: number | undefined;
  /** `<cause> <transactionId>`: when the station was last asked. */
  guarded: Map<string, number>;
  /** Commands whose file is fetched, or has its address. */
  preparing: Map<string, { command: Command; deadlineUpMs: number; location?: string }>;
  leaseAsks: Map<LeasedResource, { correlationId: string; upMs: number }>;
  provisioning: Provisioning;
  /** What stations were told of running costs. */
  costs: CostsTold;
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
  /** Time zones of stations that write their own time without one, where the installer has given them. */
  stationZones?: ReadonlyMap<string, string>;
  /** `online-first`: ask the cloud where it is reachable. `local`: decide from the policy alone. */
  authorization: "online-first" | "local";
  /** Before any policy has arrived. */
  unknownToken: UnknownTokenRule;
  /** Stations are kept able to work alone: their own lists, offline settings, a safe profile. */
  provision: boolean;
  /** How stations move files that do not say what they can; absent: `http`. */
  fileProtocol?: FileProtocol;
  /** The SG's public key, where the installer has given it: then no other is believed. */
  policyKey?: string;
};

export type State = { identity: Identity; durable: Durable; live: Live };
