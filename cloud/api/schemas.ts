/**
 * The nouns of the HTTP API as JSON Schema: they validate, they make the OpenAPI document, they type the
 * page.
 *
 * Invariants: times are RFC 3339 UTC text, numbers are integers with the unit in the name, unknown is `null`
 * (present and null, never absent), ids are opaque text. No code here, so that the browser may import the
 * types.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Wh = Type.Integer();

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    /** Stable, safe to match on. */
    code: Type.String(),
    detail: Type.String(),
    /** Id of the request, for the support. */
    instance: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), message: Type.String() }))),
  },
  { $id: "Problem" },
);
export type Problem = Static<typeof Problem>;

export const ConnectorStatus = OneOf([
  "Available",
  "Occupied",
  "Reserved",
  "Unavailable",
  "Faulted",
  "Unknown",
]);

export const Connector = Type.Object(
  {
    stationId: Type.String(),
    evseId: Type.Integer(),
    connectorId: Type.Integer(),
    status: ConnectorStatus,
    /** The finer word of OCPP 1.6 (`Preparing`, `SuspendedEV`, …) or the chargingState, where known. */
    detail: Nullable(Type.String()),
    errorCode: Nullable(Type.String()),
    statusAt: Nullable(Time),
    /** The running transaction of the EVSE. */
    transactionId: Nullable(Type.String()),
    powerW: Nullable(Type.Integer()),
  },
  { $id: "Connector" },
);
export type Connector = Static<typeof Connector>;

export const Site = Type.Object(
  {
    siteId: Type.String(),
    operatorId: Type.String(),
    name: Type.String(),
    timeZone: Type.String(),
    erOnline: Type.Boolean(),
    stationCount: Type.Integer(),
    stationsOnline: Type.Integer(),
    stationsFaulted: Type.Integer(),
    connectorCount: Type.Integer(),
    activeTransactions: Type.Integer(),
    /** Sum of what the running transactions last reported. */
    powerW: Type.Integer(),
    /** Energy of today (site's zone) by transactions started today. */
    energyTodayWh: Wh,
  },
  { $id: "Site" },
);
export type Site = Static<typeof Site>;

export const Er = Type.Object(
  {
    erId: Type.String(),
    siteId: Type.String(),
    operatorId: Type.String(),
    online: Type.Boolean(),
    lastSeenAt: Nullable(Time),
    release: Nullable(Type.String()),
    startedAt: Nullable(Time),
    journalId: Nullable(Type.String()),
    /**
     * Last entry that is in PostgreSQL, and the last one the ER has said it holds: the difference is the
     * backlog.
     */
    ackedSeq: Type.Integer(),
    journalSeq: Type.Integer(),
    backlog: Type.Integer(),
    policyVersion: Nullable(Type.Integer()),
    clock: Nullable(Type.String()),
    clockOffsetMs: Nullable(Type.Integer()),
    parkedEntries: Type.Integer(),
  },
  { $id: "Er" },
);
export type Er = Static<typeof Er>;

export const Station = Type.Object(
  {
    stationId: Type.String(),
    siteId: Type.String(),
    erId: Type.String(),
    operatorId: Type.String(),
    online: Type.Boolean(),
    /** When it went online or offline. */
    onlineChangedAt: Nullable(Time),
    lastMessageAt: Nullable(Time),
    protocol: Nullable(Type.String()),
    vendor: Nullable(Type.String()),
    model: Nullable(Type.String()),
    serialNumber: Nullable(Type.String()),
    firmwareVersion: Nullable(Type.String()),
    bootedAt: Nullable(Time),
    connectors: Type.Array(Type.Ref("Connector")),
  },
  { $id: "Station" },
);
export type Station = Omit<Static<typeof Station>, "connectors"> & { connectors: Connector[] };

export const Transaction = Type.Object(
  {
    transactionId: Type.String(),
    /** The id the station knows: an integer of ours (1.6) or the station's own text (2.0.1). */
    ocppTransactionId: Nullable(Type.String()),
    operatorId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    evseId: Type.Integer(),
    connectorId: Nullable(Type.Integer()),
    status: Type.Union([Type.Literal("active"), Type.Literal("ended")]),
    chargingState: Nullable(Type.String()),
    startedAt: Time,
    endedAt: Nullable(Time),
    meterStartWh: Nullable(Wh),
    meterStopWh: Nullable(Wh),
    /** Running or final energy; null while no register was seen. Never negative. */
    energyWh: Nullable(Wh),
    powerW: Nullable(Type.Integer()),
    socPercent: Nullable(Type.Integer()),
    idToken: Nullable(Type.String()),
    /**
     * `sg`: the cloud answered; `policy`: the site decided alone; `none`: nobody was asked; `unknown`: not
     * recorded.
     */
    authorizedBy: Type.String(),
    authorizationStatus: Nullable(Type.String()),
    stoppedReason: Nullable(Type.String()),
    /**
     * Why a person should look: `orphan-stop`, `replayed`, `conflicting-stop`, `time-estimated`, `register-
     * fell`, …
     */
    flags: Type.Array(Type.String()),
    needsReview: Type.Boolean(),
  },
  { $id: "Transaction" },
);
export type Transaction = Static<typeof Transaction>;

export const Sample = Type.Object(
  {
    at: Time,
    energyImportWh: Nullable(Wh),
    powerW: Nullable(Type.Integer()),
    currentPhasesMa: Nullable(Type.Array(Type.Integer())),
    voltagePhasesMv: Nullable(Type.Array(Type.Integer())),
    socPercent: Nullable(Type.Integer()),
  },
  { $id: "Sample" },
);
export type Sample = Static<typeof Sample>;

export const TransactionDetail = Type.Object(
  {
    transaction: Type.Ref("Transaction"),
    samples: Type.Array(Type.Ref("Sample")),
    samplesTruncated: Type.Boolean(),
  },
  { $id: "TransactionDetail" },
);
export type TransactionDetail = { transaction: Transaction; samples: Sample[]; samplesTruncated: boolean };

export const Meter = Type.Object(
  {
    meterId: Type.String(),
    siteId: Type.String(),
    erId: Type.String(),
    operatorId: Type.String(),
    model: Nullable(Type.String()),
    state: Type.Union([Type.Literal("ok"), Type.Literal("lost"), Type.Literal("unknown")]),
    stateReason: Nullable(Type.String()),
    sampledAt: Nullable(Time),
    powerW: Nullable(Type.Integer()),
    powerPhasesW: Nullable(Type.Array(Type.Integer())),
    currentPhasesMa: Nullable(Type.Array(Type.Integer())),
    voltagePhasesMv: Nullable(Type.Array(Type.Integer())),
    energyImportWh: Nullable(Wh),
    energyExportWh: Nullable(Wh),
    flags: Type.Array(Type.String()),
  },
  { $id: "Meter" },
);
export type Meter = Static<typeof Meter>;

export const MeterSample = Type.Object(
  {
    at: Time,
    powerW: Nullable(Type.Integer()),
    powerPhasesW: Nullable(Type.Array(Type.Integer())),
    energyImportWh: Nullable(Wh),
    energyExportWh: Nullable(Wh),
  },
  { $id: "MeterSample" },
);
export type MeterSample = Static<typeof MeterSample>;

/** One line of a station's OCPP timeline: a message with its answer, or a change of the connection. */
export const Message = Type.Object(
  {
    /** Position in the ER's journal: stable, ordered. */
    messageId: Type.String(),
    at: Time,
    kind: OneOf(["ocpp.handled", "ocpp.rejected", "ocpp.called", "station.online", "station.offline"]),
    /** `in`: from the station, `out`: to the station, `none`: neither. */
    direction: Type.Union([Type.Literal("in"), Type.Literal("out"), Type.Literal("none")]),
    protocol: Nullable(Type.String()),
    action: Nullable(Type.String()),
    /** Frames as they were on the wire. */
    request: Nullable(Type.String()),
    response: Nullable(Type.String()),
    /** Refusal code, failure of our call, or reason of the disconnection. */
    reason: Nullable(Type.String()),
    transactionId: Nullable(Type.String()),
    commandId: Nullable(Type.String()),
    flags: Type.Array(Type.String()),
  },
  { $id: "Message" },
);
export type Message = Static<typeof Message>;

export const CommandStatus = OneOf([
  "pending",
  "sent",
  "accepted",
  "succeeded",
  "rejected",
  "failed",
  "expired",
  "uncertain",
]);

export const CommandView = Type.Object(
  {
    commandId: Type.String(),
    operatorId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    kind: Type.String(),
    params: Type.Unknown(),
    status: CommandStatus,
    issuedBy: Type.String(),
    issuedAt: Time,
    expiresAt: Time,
    sentAt: Nullable(Time),
    acceptedAt: Nullable(Time),
    finishedAt: Nullable(Time),
    /** Payload of the station's answer. */
    response: Type.Unknown(),
    reason: Nullable(Type.String()),
  },
  { $id: "Command" },
);
export type CommandView = Static<typeof CommandView>;

export const NewCommand = Type.Object(
  {
    kind: Type.String({
      description: "RequestStartTransaction, RequestStopTransaction, Reset, …: see CommandKind",
    }),
    params: Type.Record(Type.String(), Type.Unknown()),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  },
  { $id: "NewCommand", additionalProperties: false },
);
export type NewCommand = Static<typeof NewCommand>;

export const IdTokenView = Type.Object(
  {
    idToken: Type.String(),
    operatorId: Type.String(),
    type: Nullable(Type.String()),
    status: Type.Union([Type.Literal("Accepted"), Type.Literal("Blocked")]),
    label: Nullable(Type.String()),
    groupId: Nullable(Type.String()),
    master: Type.Boolean(),
    expiresAt: Nullable(Time),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "IdToken" },
);
export type IdTokenView = Static<typeof IdTokenView>;

export const NewIdToken = Type.Object(
  {
    idToken: Type.String({ minLength: 1, maxLength: 36 }),
    type: Type.Optional(Type.String({ maxLength: 20 })),
    label: Type.Optional(Type.String({ maxLength: 100 })),
    groupId: Type.Optional(Type.String({ minLength: 1, maxLength: 36 })),
    master: Type.Optional(Type.Boolean()),
    expiresAt: Type.Optional(Time),
  },
  { $id: "NewIdToken", additionalProperties: false },
);
export type NewIdToken = Static<typeof NewIdToken>;

export const IdTokenPatch = Type.Object(
  {
    status: Type.Optional(Type.Union([Type.Literal("Accepted"), Type.Literal("Blocked")])),
    label: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
    groupId: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 36 }))),
    master: Type.Optional(Type.Boolean()),
    expiresAt: Type.Optional(Nullable(Time)),
  },
  { $id: "IdTokenPatch", additionalProperties: false },
);
export type IdTokenPatch = Static<typeof IdTokenPatch>;

/**
 * Live events carry ids only; the client fetches what it shows. `reset`: events were missed, fetch
 * everything.
 */
export const LiveEvent = Type.Object(
  {
    type: OneOf(["reset", "er", "station", "transaction", "meter", "command", "message"]),
    siteId: Type.Optional(Type.String()),
    erId: Type.Optional(Type.String()),
    stationId: Type.Optional(Type.String()),
    transactionId: Type.Optional(Type.String()),
    meterId: Type.Optional(Type.String()),
    commandId: Type.Optional(Type.String()),
  },
  { $id: "LiveEvent" },
);
export type LiveEvent = {
  type: "reset" | "er" | "station" | "transaction" | "meter" | "command" | "message";
  siteId?: string;
  erId?: string;
  stationId?: string;
  transactionId?: string;
  meterId?: string;
  commandId?: string;
};

/** A page of a list. `nextCursor` is null on the last page. */
export type Page<T> = { items: T[]; nextCursor: string | null };
