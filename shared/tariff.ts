/**
 * What charging costs: the terms of one version of a tariff, as they are stored, sent to sites and priced with
 * (`decide/tariff.ts`).
 *
 * Invariants: terms never change once published, a new version takes their place; prices are integers in
 * millionths of the currency's major unit (`…Micro`), whole amounts integers in its minor unit (`…Minor`), rates
 * in basis points (`…Bp`). Wall-clock times are those of the site where the car stands, so one tariff serves sites
 * of several time zones.
 */
import { Type, type Static } from "typebox";
import { StationId, TopicId } from "./ids.ts";
import { POLICY_TARIFF_ASSIGNMENTS_MAX, POLICY_TARIFF_VERSIONS_MAX } from "./limits.ts";

const TIME_OF_DAY = "^([01][0-9]|2[0-3]):[0-5][0-9]$";
/** A million of the major unit per kWh: no price is higher, and sums stay far from the largest integer. */
const PRICE_MICRO_MAX = 1_000_000_000_000;
export const AMOUNT_MINOR_MAX = 100_000_000_000;

const PriceMicro = (description: string) =>
  Type.Integer({ minimum: 0, maximum: PRICE_MICRO_MAX, description });
const TimeOfDay = (description: string) => Type.String({ pattern: TIME_OF_DAY, description });

/** When an element counts. Nothing given: always. */
export const TariffRestrictions = Type.Object(
  {
    daysOfWeek: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
        minItems: 1,
        maxItems: 7,
        uniqueItems: true,
        description:
          "1 is Monday. A band that crosses midnight belongs to the day on which it begins, to its end",
      }),
    ),
    from: Type.Optional(TimeOfDay("Wall clock of the site, inclusive; absent: midnight")),
    to: Type.Optional(
      TimeOfDay("Wall clock of the site, exclusive; earlier than `from`: of the next day; absent: midnight"),
    ),
  },
  { additionalProperties: false },
);
export type TariffRestrictions = Static<typeof TariffRestrictions>;

/**
 * Prices that count at certain times. Of several elements that count at a moment, the first one that names a
 * component gives its price; a component that none names costs nothing then.
 */
export const TariffElement = Type.Object(
  {
    startFeeMicro: Type.Optional(PriceMicro("Once, by the moment of the start")),
    perKwhMicro: Type.Optional(PriceMicro("Per kWh")),
    perChargingMinuteMicro: Type.Optional(PriceMicro("Per minute in which the car charges")),
    perIdleMinuteMicro: Type.Optional(
      PriceMicro("Per minute in which the car takes nothing although it could"),
    ),
    restrictions: Type.Optional(TariffRestrictions),
  },
  { additionalProperties: false },
);
export type TariffElement = Static<typeof TariffElement>;

export const TariffTax = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 40, description: "As it stands on a receipt" }),
    rateBp: Type.Integer({ minimum: 0, maximum: 10_000, description: "Hundredths of a percent" }),
    included: Type.Boolean({ description: "The prices, minimum and maximum hold the tax already" }),
  },
  { additionalProperties: false },
);
export type TariffTax = Static<typeof TariffTax>;

export const TARIFF_ELEMENTS_MAX = 20;

const terms = {
  currency: Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217" }),
  elements: Type.Array(TariffElement, { minItems: 1, maxItems: TARIFF_ELEMENTS_MAX }),
  freeMinutes: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10_080,
      description: "Minutes from the start in which time costs nothing; energy does",
    }),
  ),
  idleGraceMinutes: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10_080,
      description: "Idle minutes of a transaction, all together, that cost nothing",
    }),
  ),
  minimumMinor: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: AMOUNT_MINOR_MAX,
      description: "Least that a transaction with energy costs; with tax where prices include it",
    }),
  ),
  maximumMinor: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: AMOUNT_MINOR_MAX,
      description: "Most that it costs; with tax where prices include it",
    }),
  ),
  tax: Type.Optional(TariffTax),
};

/** Everything that decides a price. */
export const TariffTerms = Type.Object(terms, { additionalProperties: false });
export type TariffTerms = Static<typeof TariffTerms>;

/** Terms with their name: which version of which tariff, and when it holds. */
export const TariffVersion = Type.Object({
  tariffId: Type.String({ minLength: 1, maxLength: 36 }),
  version: Type.Integer({ minimum: 1 }),
  /** Unix milliseconds: transactions that start from then on. */
  validFrom: Type.Integer(),
  /** Exclusive; absent: until further notice. */
  validTo: Type.Optional(Type.Integer()),
  terms: TariffTerms,
});
export type TariffVersion = Static<typeof TariffVersion>;

/** A version by its name, as the ER tells which one it shows. */
export const TariffName = Type.Object({
  tariffId: Type.String({ pattern: "^[0-9A-Za-z_-]{1,36}$" }),
  version: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
});

/** What somebody was offered before the start. It holds for what they charge, whatever holds there by then. */
export const OfferedTariff = Type.Object({ ...TariffName.properties, terms: TariffTerms });
export type OfferedTariff = Static<typeof OfferedTariff>;

/**
 * What a site knows of tariffs: those that hold there, held of late, or will. Stations by their own names.
 */
export const PolicyTariffs = Type.Object({
  versions: Type.Array(TariffVersion, { maxItems: POLICY_TARIFF_VERSIONS_MAX }),
  assignments: Type.Array(
    Type.Object({
      tariffId: TariffVersion.properties.tariffId,
      /** One of these, or none: for everybody. */
      groupId: Type.Optional(Type.String({ minLength: 1, maxLength: 36 })),
      stationId: Type.Optional(StationId),
      siteId: Type.Optional(TopicId),
      /** Unix milliseconds; `until` exclusive. */
      from: Type.Integer(),
      until: Type.Optional(Type.Integer()),
    }),
    { maxItems: POLICY_TARIFF_ASSIGNMENTS_MAX },
  ),
});
export type PolicyTariffs = Static<typeof PolicyTariffs>;

/** Why nobody could charge by these terms, in words for whoever wrote them; undefined: they hold. */
export function termsProblem(given: TariffTerms): { pointer: string; message: string } | undefined {
  const { minimumMinor, maximumMinor } = given;
  if (minimumMinor !== undefined && maximumMinor !== undefined && minimumMinor > maximumMinor)
    return { pointer: "/maximumMinor", message: "must not be less than minimumMinor" };
  const empty = given.elements.findIndex(
    (e) =>
      e.startFeeMicro === undefined &&
      e.perKwhMicro === undefined &&
      e.perChargingMinuteMicro === undefined &&
      e.perIdleMinuteMicro === undefined,
  );
  if (empty >= 0) return { pointer: `/elements/${empty}`, message: "must name at least one price; 0 is one" };
  return undefined;
}
