/** Tariffs, what they hold for, and what something costs by them, as JSON Schema. No code here either. */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { TariffTerms } from "../../shared/tariff.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Minor = Type.Integer({ description: "In the currency's minor unit" });
const Id = Type.String({ maxLength: 64 });

export const Terms = Type.Object(TariffTerms.properties, { $id: "TariffTerms", additionalProperties: false });

/** What one version says; none of it changes. */
export const TariffVersionView = Type.Object(
  {
    tariffId: Type.String(),
    version: Type.Integer(),
    /** Transactions that start from then on, and before `validTo`. */
    validFrom: Time,
    validTo: Nullable(Time),
    terms: Type.Ref("TariffTerms"),
    createdAt: Time,
    createdBy: Type.String(),
  },
  { $id: "TariffVersion" },
);
export type TariffVersionView = Omit<Static<typeof TariffVersionView>, "terms"> & { terms: TariffTerms };

export const Tariff = Type.Object(
  {
    tariffId: Type.String(),
    operatorId: Type.String(),
    name: Type.String(),
    /** Number of the last version: its ETag. It may begin later. */
    version: Type.Integer(),
    /** Version that a transaction which starts now is priced by; null: none. */
    currentVersion: Nullable(Type.Integer()),
    /** Of the last version. */
    validFrom: Time,
    validTo: Nullable(Time),
    terms: Type.Ref("TariffTerms"),
    /** How many places and groups it holds for now. */
    assignments: Type.Integer(),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "Tariff" },
);
export type Tariff = Omit<Static<typeof Tariff>, "terms"> & { terms: TariffTerms };

export const NewTariff = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    terms: Type.Ref("TariffTerms"),
    validFrom: Type.Optional(
      Type.String({ format: "date-time", description: "Not in the past; absent: now" }),
    ),
    validTo: Type.Optional(Time),
  },
  { $id: "NewTariff", additionalProperties: false },
);
export type NewTariff = Omit<Static<typeof NewTariff>, "terms"> & { terms: TariffTerms };

/** For whom it holds: one of the three, or none of them: for everybody who has no other. */
export const TariffTarget = Type.Object(
  {
    siteId: Type.Optional(Id),
    stationId: Type.Optional(Id),
    groupId: Type.Optional(Type.String({ minLength: 1, maxLength: 36 })),
  },
  { $id: "TariffTarget", additionalProperties: false },
);
export type TariffTarget = Static<typeof TariffTarget>;

export const NewTariffAssignment = Type.Object(
  { tariffId: Id, target: Type.Ref("TariffTarget") },
  { $id: "NewTariffAssignment", additionalProperties: false },
);
export type NewTariffAssignment = { tariffId: string; target: TariffTarget };

export const TariffAssignment = Type.Object(
  {
    assignmentId: Type.String(),
    tariffId: Type.String(),
    tariffName: Type.String(),
    basis: OneOf(["group", "station", "site", "operator"]),
    /** Of a site, and of a station's site. */
    siteId: Nullable(Type.String()),
    stationId: Nullable(Type.String()),
    groupId: Nullable(Type.String()),
    assignedFrom: Time,
    /** It held until then; null: it holds. */
    assignedUntil: Nullable(Time),
    assignedBy: Type.String(),
  },
  { $id: "TariffAssignment" },
);
export type TariffAssignment = Static<typeof TariffAssignment>;

/** The tariff of a transaction that starts now, or started then. */
export const ApplicableTariff = Type.Object(
  {
    tariffId: Type.String(),
    version: Type.Integer(),
    name: Type.String(),
    /** What it was assigned to, of what holds here. */
    assignedBy: OneOf(["group", "station", "site", "operator"]),
    terms: Type.Ref("TariffTerms"),
  },
  { $id: "ApplicableTariff" },
);
export type ApplicableTariff = Omit<Static<typeof ApplicableTariff>, "terms"> & { terms: TariffTerms };

export const StationTariff = Type.Object(
  {
    stationId: Type.String(),
    /** Whose wall clock the restrictions mean. */
    timeZone: Type.String(),
    /** null: none holds, charging costs nothing. */
    tariff: Nullable(Type.Ref("ApplicableTariff")),
  },
  { $id: "StationTariff" },
);
export type StationTariff = Omit<Static<typeof StationTariff>, "tariff"> & {
  tariff: ApplicableTariff | null;
};

/** What a tariff makes lines of. */
export const PRICE_COMPONENTS = [
  "start",
  "energy",
  "charging-time",
  "idle-time",
  "minimum",
  "maximum",
] as const;
/** Of a line, whatever it is of. */
export const lineFields = {
  /** Into the terms' elements; null: none of them, a bound of the whole. */
  elementIndex: Nullable(Type.Integer()),
  /** First and last moment at which something of it was taken. */
  from: Time,
  to: Time,
  quantity: Type.Integer(),
  unit: OneOf(["Wh", "s", "start", "adjustment"]),
  /** Per kWh, per minute, or per start, in millionths of the major unit; 0 for an adjustment. */
  priceMicro: Type.Integer(),
  /** Below 0 where the maximum takes something back. */
  amountMinor: Minor,
};

export const PriceLine = Type.Object(
  { component: OneOf(PRICE_COMPONENTS), ...lineFields },
  { $id: "PriceLine" },
);
export type PriceLine = Static<typeof PriceLine>;

export const Price = Type.Object(
  {
    currency: Type.String(),
    netMinor: Minor,
    taxMinor: Minor,
    totalMinor: Minor,
    energyWh: Type.Integer(),
    chargingS: Type.Integer(),
    idleS: Type.Integer(),
    /** They add up to the total where prices include tax, and to the net amount where they do not. */
    lines: Type.Array(Type.Ref("PriceLine")),
    /** What could not be known, and how it was priced instead. */
    flags: Type.Array(
      OneOf([
        ...(["cheaper-band", "energy-only", "energy-unknown", "register-fell"] as const),
        ...(["site-price", "site-price-unknown"] as const),
      ]),
    ),
  },
  { $id: "Price" },
);
export type PriceView = Omit<Static<typeof Price>, "lines"> & { lines: PriceLine[] };

/** What a transaction costs, and by which tariff. */
export const TransactionPrice = Type.Object(
  {
    tariffId: Type.String(),
    tariffVersion: Type.Integer(),
    tariffName: Type.String(),
    /** `offer`: a guest was shown it before paying. `shown`: the site showed it, and it was less than what held. */
    assignedBy: OneOf(["group", "station", "site", "operator", "offer", "shown"]),
    price: Type.Ref("Price"),
  },
  { $id: "TransactionPrice" },
);
export type TransactionPrice = Omit<Static<typeof TransactionPrice>, "price"> & { price: PriceView };

const Minutes = (minimum: number) => Type.Integer({ minimum, maximum: 31 * 1_440 });

/** A session that has not happened. How much it takes: one of `energyWh`, `powerW` and `curve`. */
const PreviewSession = {
  startedAt: Type.Optional(Type.String({ format: "date-time", description: "Absent: now" })),
  /** Whose wall clock the restrictions mean: a site's, or named. */
  siteId: Type.Optional(Id),
  timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  chargingMinutes: Minutes(1),
  /** Afterwards the car stands there. */
  idleMinutes: Type.Optional(Minutes(0)),
  energyWh: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000 })),
  powerW: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
  curve: Type.Optional(
    Type.Array(
      Type.Object(
        {
          minute: Type.Integer({ minimum: 0, maximum: 31 * 1_440, description: "From then on" }),
          powerW: Type.Integer({ minimum: 0, maximum: 10_000_000 }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 1_000 },
    ),
  ),
};

export const TariffPreview = Type.Object(PreviewSession, {
  $id: "TariffPreview",
  additionalProperties: false,
});
export type TariffPreview = Static<typeof TariffPreview>;

export const TermsPreview = Type.Object(
  { ...PreviewSession, terms: Type.Ref("TariffTerms") },
  { $id: "TermsPreview", additionalProperties: false },
);
export type TermsPreview = TariffPreview & { terms: TariffTerms };
