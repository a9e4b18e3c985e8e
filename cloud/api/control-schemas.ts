/**
 * What an operator wants of stations, as JSON Schema: registration, passwords, reservations, charging profiles,
 * local lists. Like `schemas.ts`, and no code here either.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { StationId } from "../../shared/ids.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Registration = OneOf(["Accepted", "Pending", "Rejected"]);
const RetryInterval = Type.Integer({ minimum: 1, maximum: 86_400 });
const SiteId = Type.String({ minLength: 1, maxLength: 64 });
const Token = Type.Object(
  {
    idToken: Type.String({ minLength: 1, maxLength: 36 }),
    /** OCPP 2.x only: `ISO14443`, `Central`, … Absent: that of the known token. */
    type: Type.Optional(Type.String({ minLength: 1, maxLength: 20 })),
  },
  { additionalProperties: false },
);

/** A station before it is bolted on. */
export const NewStation = Type.Object(
  {
    /** Absent: the operator's only site. */
    siteId: Type.Optional(SiteId),
    /** What it will call itself in its URL. */
    identity: StationId,
    registration: Type.Optional(Registration),
    retryIntervalS: Type.Optional(RetryInterval),
  },
  { $id: "NewStation", additionalProperties: false },
);
export type NewStation = Static<typeof NewStation>;

export const StationRegistration = Type.Object(
  {
    status: Registration,
    /** A held station boots again after this; absent: 60 s. */
    retryIntervalS: Type.Optional(RetryInterval),
    /** Of a station that never connected. Absent: the operator's only site. */
    siteId: Type.Optional(SiteId),
  },
  { $id: "StationRegistration", additionalProperties: false },
);
export type StationRegistration = Static<typeof StationRegistration>;

export const NewPassword = Type.Object(
  {
    password: Type.String({ minLength: 1, maxLength: 64 }),
    /** The station is told; until it has shown the new one, the old one counts as well. */
    tellStation: Type.Optional(Type.Boolean()),
    /** Of a station that never connected. Absent: the operator's only site. */
    siteId: Type.Optional(SiteId),
  },
  { $id: "NewPassword", additionalProperties: false },
);
export type NewPassword = Static<typeof NewPassword>;

export const StationPassword = Type.Object(
  {
    stationId: Type.String(),
    /** `configured`: the one in its ER's configuration; `changing`: it has not shown the new one yet. */
    state: OneOf(["configured", "set", "changing"]),
    setAt: Nullable(Time),
    /** That tells the station. */
    commandId: Nullable(Type.String()),
  },
  { $id: "StationPassword" },
);
export type StationPassword = Static<typeof StationPassword>;

export const ReservationState = OneOf([
  ...(["requested", "accepted", "rejected", "failed"] as const),
  ...(["used", "cancelled", "expired", "removed"] as const),
]);

export const Reservation = Type.Object(
  {
    reservationId: Type.Integer(),
    operatorId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    /** null: any EVSE of the station. */
    evseId: Nullable(Type.Integer()),
    connectorType: Nullable(Type.String()),
    idToken: Type.String(),
    idTokenType: Nullable(Type.String()),
    groupId: Nullable(Type.String()),
    expiresAt: Time,
    /** `removed`: the station gave it up; `failed`: the station was not reached. */
    state: ReservationState,
    reason: Nullable(Type.String()),
    /** That used it. */
    transactionId: Nullable(Type.String()),
    commandId: Type.String(),
    cancelCommandId: Nullable(Type.String()),
    issuedBy: Type.String(),
    createdAt: Time,
  },
  { $id: "Reservation" },
);
export type Reservation = Static<typeof Reservation>;

export const NewReservation = Type.Object(
  {
    /** Absent: any EVSE. */
    evseId: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    /** OCPP 2.x only: `cType2`, `cCCS2`, … */
    connectorType: Type.Optional(Type.String({ minLength: 1, maxLength: 20 })),
    idToken: Token,
    groupIdToken: Type.Optional(Token),
    expiresAt: Time,
  },
  { $id: "NewReservation", additionalProperties: false },
);
export type NewReservation = Static<typeof NewReservation>;

export const ChargingProfile = Type.Object(
  {
    profileId: Type.Integer(),
    operatorId: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    /** 0: the whole station. */
    evseId: Type.Integer(),
    purpose: Type.String(),
    stackLevel: Type.Integer(),
    /** Ours, of a TxProfile. */
    transactionId: Nullable(Type.String()),
    /** In OCPP 2.x words, whatever the station speaks. */
    chargingProfile: Type.Record(Type.String(), Type.Unknown()),
    /** `ended`: with its transaction; `failed`: the station was not reached. */
    state: OneOf(["wanted", "set", "rejected", "failed", "cleared", "ended"]),
    reason: Nullable(Type.String()),
    commandId: Type.String(),
    clearCommandId: Nullable(Type.String()),
    issuedBy: Type.String(),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "ChargingProfile" },
);
export type ChargingProfile = Static<typeof ChargingProfile>;

/** What a station itself says it has (GetChargingProfiles), whoever has set it. */
export const ReportedChargingProfile = Type.Object(
  {
    stationId: Type.String(),
    evseId: Type.Integer(),
    /** `CSO`: us; `EMS`, `SO`, `Other`: somebody else. */
    source: Type.String(),
    chargingProfile: Type.Record(Type.String(), Type.Unknown()),
    reportedAt: Time,
  },
  { $id: "ReportedChargingProfile" },
);
export type ReportedChargingProfile = Static<typeof ReportedChargingProfile>;

export const NewChargingProfile = Type.Object(
  {
    evseId: Type.Integer({ minimum: 0, maximum: 1_000 }),
    /** The official ChargingProfileType of OCPP 2.0.1 without its id. `transactionId`: ours. */
    chargingProfile: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: "NewChargingProfile", additionalProperties: false },
);
export type NewChargingProfile = Static<typeof NewChargingProfile>;

export const LocalList = Type.Object(
  {
    stationId: Type.String(),
    /** null: the station has not told one. */
    version: Nullable(Type.Integer()),
    /** null: nobody knows what is in it. */
    entries: Nullable(
      Type.Array(
        Type.Object({
          idToken: Type.String(),
          type: Nullable(Type.String()),
          status: Type.String(),
          groupId: Nullable(Type.String()),
          expiresAt: Nullable(Time),
        }),
      ),
    ),
    /** When it last told its version; when it last took an update. */
    checkedAt: Nullable(Time),
    updatedAt: Nullable(Time),
    /** Of the last update: `accepted`, `mismatch`, `failed`; `unsupported`: it keeps no list. */
    lastResult: Nullable(Type.String()),
    lastResultAt: Nullable(Time),
  },
  { $id: "LocalList" },
);
export type LocalList = Static<typeof LocalList>;
