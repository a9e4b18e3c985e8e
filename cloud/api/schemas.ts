/**
 * The nouns of the HTTP API as JSON Schema: they validate, they make the OpenAPI document, they type the
 * page.
 *
 * Invariants: times are RFC 3339 UTC text, numbers are integers with the unit in the name, unknown is `null`
 * (present and null, never absent), ids are opaque text. No code here, so that the browser may import the
 * types.
 */
import { Type, type Static, type TSchema } from "typebox";
import type { TransactionPrice } from "./tariff-schemas.ts";
import { OneOf } from "../../shared/schema.ts";
import type { SiteRules } from "./rule-schemas.ts";

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
    rules: Type.Ref("SiteRules"),
    /** Of the rules and tokens as they are now; an ER tells which one it has. */
    policyVersion: Type.Integer(),
  },
  { $id: "Site" },
);
export type Site = Omit<Static<typeof Site>, "rules"> & { rules: SiteRules };

export const Station = Type.Object(
  {
    stationId: Type.String(),
    /** What it calls itself in its URL. */
    identity: Type.String(),
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
    /** The station's clock minus the true time, as its ER last measured it. */
    clockSkewMs: Nullable(Type.Integer()),
    /** How its last update of firmware and its last upload of logs go, in its own words. */
    firmwareStatus: Nullable(Type.String()),
    firmwareStatusAt: Nullable(Time),
    logStatus: Nullable(Type.String()),
    logStatusAt: Nullable(Time),
    /** What is wanted of it: Pending and Rejected hold it. What it was told when it booted last. */
    registration: OneOf(["Accepted", "Pending", "Rejected"]),
    registrationTold: Nullable(Type.String()),
    retryIntervalS: Nullable(Type.Integer()),
    /** Values that templates want and the station is not known to have. */
    configurationDrift: Type.Integer(),
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
    /** As well as it is known now; the raw ones as they were recorded, where they differ. */
    startedAt: Time,
    startedAtRaw: Nullable(Time),
    endedAt: Nullable(Time),
    endedAtRaw: Nullable(Time),
    /**
     * `station`: its own times; `er`: when the ER heard of it; `estimated`: not to be priced by the time of
     * day.
     */
    timeQuality: OneOf(["station", "er", "estimated"]),
    /** It runs no more, but its end has not arrived yet. */
    endedUnseen: Type.Boolean(),
    meterStartWh: Nullable(Wh),
    /** Of several stops the lowest register; the highest one of them, where they differ. */
    meterStopWh: Nullable(Wh),
    meterStopOtherWh: Nullable(Wh),
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
    /** Of the decision: `listed`, `blocked`, `unknown-capped`, … */
    authorizationReason: Nullable(Type.String()),
    /** Bounds at which its ER ends it. */
    capEnergyWh: Nullable(Wh),
    capDurationS: Nullable(Type.Integer()),
    /** Why its token was revoked while it ran. */
    revokedReason: Nullable(Type.String()),
    stoppedReason: Nullable(Type.String()),
    /**
     * Why a person should look: `orphan-stop`, `replayed`, `conflicting-stop`, `time-estimated`, `register-
     * fell`, …
     */
    flags: Type.Array(Type.String()),
    needsReview: Type.Boolean(),
    /** What a person decided: its energy is in another one now; it is not billed. */
    mergedInto: Nullable(Type.String()),
    writtenOff: Type.Boolean(),
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

export const TransactionBilling = Type.Object(
  {
    status: OneOf(["pending", "held", "billed", "none"]),
    /** Why it waits for a person, or why there is nothing to bill. */
    reasons: Type.Array(Type.String()),
    cdrId: Nullable(Type.String()),
  },
  { $id: "TransactionBilling" },
);
export type TransactionBilling = Static<typeof TransactionBilling>;

export const TransactionDetail = Type.Object(
  {
    transaction: Type.Ref("Transaction"),
    samples: Type.Array(Type.Ref("Sample")),
    samplesTruncated: Type.Boolean(),
    /** So far, where it runs; null: no tariff held when it began. */
    price: Nullable(Type.Ref("TransactionPrice")),
    /** How far its billing is; null: it runs. The CDR itself is `GET /v1/cdrs/{cdrId}`. */
    billing: Nullable(Type.Ref("TransactionBilling")),
  },
  { $id: "TransactionDetail" },
);
export type TransactionDetail = {
  transaction: Transaction;
  samples: Sample[];
  samplesTruncated: boolean;
  price: TransactionPrice | null;
  billing: TransactionBilling | null;
};

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
    /** When it happened, as well as it is known now; on the ER's clock then, where that differs. */
    at: Time,
    atRaw: Nullable(Time),
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
    /** Why the ER called by itself: `cap-energy`, `revoked`, `local-list`, `resume`, … */
    cause: Nullable(Type.String()),
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
  "superseded",
]);

export const CommandView = Type.Object(
  {
    commandId: Type.String(),
    operatorId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    kind: Type.String(),
    /** Passwords are not told: they are `***`. */
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

const LIVE_TYPES = [
  "reset",
  "er",
  "station",
  "transaction",
  "meter",
  "command",
  "message",
  "review",
  "alarm",
] as const;

/**
 * Live events carry ids only; the client fetches what it shows. `reset`: events were missed, fetch
 * everything.
 */
export const LiveEvent = Type.Object(
  {
    type: OneOf(LIVE_TYPES),
    siteId: Type.Optional(Type.String()),
    erId: Type.Optional(Type.String()),
    stationId: Type.Optional(Type.String()),
    transactionId: Type.Optional(Type.String()),
    meterId: Type.Optional(Type.String()),
    commandId: Type.Optional(Type.String()),
    alarmId: Type.Optional(Type.String()),
  },
  { $id: "LiveEvent" },
);
export type LiveEvent = {
  type: (typeof LIVE_TYPES)[number];
  siteId?: string;
  erId?: string;
  stationId?: string;
  transactionId?: string;
  meterId?: string;
  commandId?: string;
  alarmId?: string;
};

/** A page of a list. `nextCursor` is null on the last page. */
export type Page<T> = { items: T[]; nextCursor: string | null };
