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

export const Protocol = Type.Union([Type.Literal("ocpp1.6"), Type.Literal("ocpp2.0.1")]);
export type Protocol = Static<typeof Protocol>;

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
]);
export type CommandOutcome = Static<typeof CommandStatus>;

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
});

export const StationOnline = Type.Object({
  ...head,
  kind: Type.Literal("station.online"),
  stationId: StationId,
  protocol: Protocol,
  remoteAddress: Type.Optional(Type.String({ maxLength: 64 })),
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

export const LeaseGranted = Type.Object({
  ...head,
  kind: Type.Literal("lease.granted"),
  first: Type.Integer({ minimum: 1 }),
  count: Type.Integer({ minimum: 1 }),
});

/** Time arrived: entries of this boot are viewed shifted by `offsetMs` (true time minus ER time). */
export const ClockSynced = Type.Object({
  ...head,
  kind: Type.Literal("clock.synced"),
  offsetMs: Type.Integer(),
});

export const ErStarted = Type.Object({
  ...head,
  kind: Type.Literal("er.started"),
  boot: Uuid,
  release: Type.String({ maxLength: 64 }),
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
  PolicyApplied,
  LeaseGranted,
  ClockSynced,
  ErStarted,
  ErStopped,
]);
export type Entry = Static<typeof Entry>;
export type EntryKind = Entry["kind"];
export type EntryOf<K extends EntryKind> = Extract<Entry, { kind: K }>;

/** What a core hands over to be journalled: an entry without the head, which the step adds. */
type Bare<E> = E extends unknown ? Omit<E, "seq" | "at" | "upMs" | "clock"> : never;
export type EntryBody = Bare<Entry>;
