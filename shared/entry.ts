/**
 * The journal entry: everything that happened at a site, in the order in which the ER committed it.
 *
 * Invariants: `seq` has no gaps within one journalId; an entry is immutable; its identity everywhere is
 * (erId, journalId, seq). Frames stand here as they were on the wire, byte for byte, so that a mistake in
 * our reading of them can be mended later. Entries are read, never written, by the cloud.
 */
import { Type, type Static } from "typebox";
import { StationId, TopicId, Uuid } from "./ids.ts";
import { Reading } from "./reading.ts";
import { OneOf } from "./schema.ts";
import { TariffName, type TariffTerms } from "./tariff.ts";

export const Protocol = Type.Union([
  Type.Literal("ocpp1.6"),
  Type.Literal("ocpp2.0.1"),
  Type.Literal("ocpp2.1"),
]);
export type Protocol = Static<typeof Protocol>;
export const PROTOCOLS: readonly Protocol[] = Protocol.anyOf.map((protocol) => protocol.const);

/** How far the ER trusts its wall clock. `holdover`: not confirmed since boot, but not behind the journal. */
export const ClockState = Type.Union([
  Type.Literal("synced"),
  Type.Literal("holdover"),
  Type.Literal("untrusted"),
]);
export type ClockState = Static<typeof ClockState>;

/** On which basis a token was accepted or refused. */
export const Basis = Type.Union([
  /** The cloud answered in time. */
  Type.Literal("sg"),
  /** Decided at the site, from the policy snapshot. */
  Type.Literal("policy"),
  /** A repeated message got its first answer again. */
  Type.Literal("repeat"),
  /** Nothing had to be decided. */
  Type.Literal("none"),
]);
export type Basis = Static<typeof Basis>;

const head = {
  seq: Type.Integer({ minimum: 1 }),
  /** Wall time of the ER, Unix milliseconds. Corrected only in views, never here. */
  at: Type.Integer(),
  /** Monotonic milliseconds since the ER's boot. */
  upMs: Type.Integer({ minimum: 0 }),
  clock: ClockState,
};

export const CommandStatus = Type.Union([
  Type.Literal("succeeded"),
  Type.Literal("rejected"),
  Type.Literal("failed"),
  Type.Literal("expired"),
  /** The call may have left, no answer came: never repeated, put in front of a person. */
  Type.Literal("uncertain"),
  /** A newer wish for the same thing has taken its place. */
  Type.Literal("superseded"),
]);
export type CommandOutcome = Static<typeof CommandStatus>;

/** On which facts a token was decided, so that a person can see later why a car charged or did not. */
export const DecisionBasis = Type.Object({
  status: Type.String({ maxLength: 32 }),
  /** Stable words: `listed`, `blocked`, `unknown-capped`, `journal-full`, … (`shared/decide/authorize.ts`). */
  reason: Type.String({ maxLength: 64 }),
  /** How old the site's knowledge was. Absent when the cloud decided. */
  freshness: Type.Optional(OneOf(["none", "fresh", "stale", "old"])),
  policyVersion: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The transaction is ended by the ER at these bounds. */
  cap: Type.Optional(
    Type.Object({
      energyWh: Type.Optional(Type.Integer({ minimum: 1 })),
      durationS: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
  ),
});
export type DecisionBasis = Static<typeof DecisionBasis>;

const Frame = Type.String({ maxLength: 512 * 1024 });
const Reason = Type.String({ maxLength: 1_000 });

/** A station's CALL that was answered with a CALLRESULT. */
export const OcppHandled = Type.Object({
  ...head,
  kind: Type.Literal("ocpp.handled"),
  stationId: StationId,
  protocol: Protocol,
  action: Type.String({ maxLength: 64 }),
  request: Frame,
  response: Frame,
  basis: Type.Optional(Basis),
  /** The decision on a token, where the message presented one. */
  decision: Type.Optional(DecisionBasis),
  /** What the ER last knew of that connector, for a transaction whose start nobody has seen. */
  assumed: Type.Optional(
    Type.Object({ startedAt: Type.Optional(Type.Integer()), meterStartWh: Type.Optional(Type.Integer()) }),
  ),
  /**
   * By which tariff the site shows the cost, where it knows one: told when a transaction, or its token, begins. With
   * its terms where the cloud has told them as an offer, for a new start of the ER; nobody else reads them.
   */
  tariff: Type.Optional(
    Type.Object({ ...TariffName.properties, terms: Type.Optional(Type.Unsafe<TariffTerms>({})) }),
  ),
  /** OCPP 1.6: what the connector had said of the charging when the transaction began, where the ER knows it. */
  stateAtStart: Type.Optional(Type.String({ maxLength: 32 })),
  /** Our id of the transaction that this message belongs to, where it belongs to one. */
  transactionId: Type.Optional(Uuid),
  /** Why a person should look: `orphan`, `replayed`, `repeat`, `conflicting-stop`, … */
  flags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })),
});

/** A station's frame that was refused: no CALLRESULT, nothing else happened because of it. */
export const OcppRejected = Type.Object({
  ...head,
  kind: Type.Literal("ocpp.rejected"),
  stationId: StationId,
  protocol: Protocol,
  action: Type.Optional(Type.String({ maxLength: 64 })),
  /** The frame as received, cut at OCPP_REJECTED_BYTES_MAX. */
  request: Frame,
  response: Type.Optional(Frame),
  code: Type.String({ maxLength: 64 }),
  reason: Reason,
});

/** A CALL of ours to a station, with the answer, the error or the lack of both. */
export const OcppCalled = Type.Object({
  ...head,
  kind: Type.Literal("ocpp.called"),
  stationId: StationId,
  protocol: Protocol,
  action: Type.String({ maxLength: 64 }),
  request: Frame,
  response: Type.Optional(Frame),
  /** Why there is no response: `timeout`, `disconnected`, `restarted`. */
  failure: Type.Optional(Type.String({ maxLength: 64 })),
  commandId: Type.Optional(Uuid),
  /** Why the ER called by itself: `cap-energy`, `revoked`, `local-list`, `resume`, … (`edge/core/calls.ts`). */
  cause: Type.Optional(Type.String({ maxLength: 64 })),
  transactionId: Type.Optional(Uuid),
});

export const StationOnline = Type.Object({
  ...head,
  kind: Type.Literal("station.online"),
  stationId: StationId,
  protocol: Protocol,
  remoteAddress: Type.Optional(Type.String({ maxLength: 64 })),
  /** Which of its passwords it has shown (`passwordMark`). */
  passwordMark: Type.Optional(Type.String({ maxLength: 64 })),
});

export const StationOffline = Type.Object({
  ...head,
  kind: Type.Literal("station.offline"),
  stationId: StationId,
  reason: Reason,
});

export const MeterSampled = Type.Object({
  ...head,
  kind: Type.Literal("meter.sampled"),
  meterId: TopicId,
  reading: Reading,
  /** Failed plausibility checks: `energy-fell`, `voltage-range`, `phase-sum`, … */
  flags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })),
});

export const MeterHealth = Type.Object({
  ...head,
  kind: Type.Literal("meter.health"),
  meterId: TopicId,
  state: Type.Union([Type.Literal("ok"), Type.Literal("lost")]),
  model: Type.String({ maxLength: 64 }),
  reason: Type.Optional(Reason),
});

export const CommandAccepted = Type.Object({
  ...head,
  kind: Type.Literal("command.accepted"),
  commandId: Uuid,
  stationId: StationId,
  commandKind: Type.String({ maxLength: 64 }),
  /** The whole command, where it is a wish that is repeated until the station has answered. */
  command: Type.Optional(Type.Unknown()),
});

export const CommandFinished = Type.Object({
  ...head,
  kind: Type.Literal("command.finished"),
  commandId: Uuid,
  stationId: StationId,
  status: CommandStatus,
  /** The payload of the station's answer, as it was read. */
  response: Type.Optional(Type.Unknown()),
  reason: Type.Optional(Reason),
});

export const PolicyApplied = Type.Object({
  ...head,
  kind: Type.Literal("policy.applied"),
  version: Type.Integer({ minimum: 1 }),
});

/** Ids that the ER gives out itself, from blocks that the cloud has leased to it alone. */
export const LeasedResource = OneOf(["transaction", "reservation", "profile"]);
export type LeasedResource = Static<typeof LeasedResource>;

export const LeaseGranted = Type.Object({
  ...head,
  kind: Type.Literal("lease.granted"),
  /** Absent: transaction ids. */
  resource: Type.Optional(LeasedResource),
  first: Type.Integer({ minimum: 1 }),
  count: Type.Integer({ minimum: 1 }),
});

/** What became of a running transaction whose token may not charge any more. */
export const TransactionRevoked = Type.Object({
  ...head,
  kind: Type.Literal("transaction.revoked"),
  stationId: StationId,
  transactionId: Uuid,
  /** Of the decision that revoked it: `blocked`, `expired`, `out-of-scope`. */
  reason: Type.String({ maxLength: 64 }),
  rule: OneOf(["finish", "stop-now", "min-energy"]),
  /** Register at which it is ended, for `min-energy`. */
  stopAtWh: Type.Optional(Type.Integer()),
});

/** A transaction that the ER ends without a word of the station: its stop never came. */
export const TransactionClosed = Type.Object({
  ...head,
  kind: Type.Literal("transaction.closed"),
  stationId: StationId,
  transactionId: Uuid,
  reason: Type.String({ maxLength: 64 }),
  /** When the station was last heard of it, and its register then. */
  endedAt: Type.Integer(),
  meterStopWh: Type.Optional(Type.Integer()),
});

/**
 * Telemetry given up for want of disk. It stands in the place of the first entry that went: `ranges` are
 * exactly the sequence numbers that went, its own the first of them.
 */
export const JournalShed = Type.Object({
  ...head,
  kind: Type.Literal("journal.shed"),
  /** What was kept: one reading per minute, or one per five minutes. */
  keptEveryS: Type.Integer({ minimum: 1 }),
  ranges: Type.Array(Type.Tuple([Type.Integer({ minimum: 1 }), Type.Integer({ minimum: 1 })]), {
    minItems: 1,
    maxItems: 500,
  }),
});

/** How the box is: every five minutes, and when something changes for the worse. */
export const ErHealth = Type.Object({
  ...head,
  kind: Type.Literal("er.health"),
  backlog: Type.Integer({ minimum: 0 }),
  /** Bytes of the journal in use, and its budget. */
  journalBytes: Type.Integer({ minimum: 0 }),
  journalBudgetBytes: Type.Integer({ minimum: 0 }),
  pressure: OneOf(["none", "compact", "thin-60", "thin-300", "refuse"]),
  diskFreeBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Bytes appended since the boot of the ER. */
  writtenBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Wear of the flash in percent of its rated life, where the disk tells. */
  diskWearPercent: Type.Optional(Type.Number()),
  temperatureC: Type.Optional(Type.Number()),
  rssBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  linkUp: Type.Boolean(),
  clockOffsetMs: Type.Integer(),
  policyVersion: Type.Integer({ minimum: 0 }),
  /** Since the cloud last said that the policy is the current one; absent when it never did. */
  policyAgeS: Type.Optional(Type.Integer({ minimum: 0 })),
  stationsConnected: Type.Integer({ minimum: 0 }),
  activeTransactions: Type.Integer({ minimum: 0 }),
});

/** Time arrived: entries of this boot are viewed shifted by `offsetMs` (true time minus ER time). */
export const ClockSynced = Type.Object({
  ...head,
  kind: Type.Literal("clock.synced"),
  offsetMs: Type.Integer(),
  /** Who told: the cloud, or several stations that agree. */
  source: Type.Optional(OneOf(["cloud", "stations"])),
});

export const ErStarted = Type.Object({
  ...head,
  kind: Type.Literal("er.started"),
  boot: Uuid,
  release: Type.String({ maxLength: 64 }),
  /** How the process before this one ended; absent for the first one of a journal. */
  previousEnd: Type.Optional(OneOf(["clean", "crash", "watchdog"])),
  /** What the watchdog said, or what became of a journal that could not be used. */
  reason: Type.Optional(Reason),
});

/** A journal that could not be used was moved away with its bytes; this one took its place. */
export const JournalSetAside = Type.Object({
  ...head,
  kind: Type.Literal("journal.set-aside"),
  /** File name of what was moved away, in the data folder. */
  file: Type.String({ maxLength: 255 }),
  reason: Reason,
  journalId: Type.Optional(Uuid),
  lastSeq: Type.Optional(Type.Integer({ minimum: 0 })),
});

/** A station has left a file at the box: it waits there until the cloud has it. */
export const FileReceived = Type.Object({
  ...head,
  kind: Type.Literal("file.received"),
  uploadId: Uuid,
  stationId: StationId,
  /** The command that asked for it. */
  commandId: Type.Optional(Uuid),
  /** As the station calls it. */
  name: Type.String({ minLength: 1, maxLength: 128 }),
  bytes: Type.Integer({ minimum: 1 }),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});

/** It is not kept at the box any more. */
export const FileForwarded = Type.Object({
  ...head,
  kind: Type.Literal("file.forwarded"),
  uploadId: Uuid,
  stationId: StationId,
  /** The cloud has it; does not want it any more; the disk of the box has damaged it before the cloud had it. */
  result: OneOf(["complete", "unwanted", "damaged"]),
});

export const ErStopped = Type.Object({ ...head, kind: Type.Literal("er.stopped") });

export const Entry = Type.Union([
  OcppHandled,
  OcppRejected,
  OcppCalled,
  StationOnline,
  StationOffline,
  MeterSampled,
  MeterHealth,
  CommandAccepted,
  CommandFinished,
  TransactionRevoked,
  TransactionClosed,
  PolicyApplied,
  LeaseGranted,
  ClockSynced,
  JournalShed,
  JournalSetAside,
  ErStarted,
  ErHealth,
  FileReceived,
  FileForwarded,
  ErStopped,
]);
export type Entry = Static<typeof Entry>;
export type EntryKind = Entry["kind"];
export type EntryOf<K extends EntryKind> = Extract<Entry, { kind: K }>;

/** What a core hands over to be journalled: an entry without the head, which the step adds. */
type Bare<E> = E extends unknown ? Omit<E, "seq" | "at" | "upMs" | "clock"> : never;
export type EntryBody = Bare<Entry>;
