/** The nouns of guests: what somebody without an account sees at a connector. No code here. */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { AMOUNT_MINOR_MAX, type TariffTerms } from "../../shared/tariff.ts";
import { payerPayment } from "./payer-schemas.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Minor = Type.Integer();

export const GuestLanguage = OneOf(["pt-BR", "en", "es"]);

export const GuestConnector = Type.Object(
  {
    code: Type.String(),
    operatorName: Type.String(),
    siteName: Type.String(),
    timeZone: Type.String(),
    /** What the station calls itself. */
    stationName: Type.String(),
    evseId: Type.Integer(),
    /** Whether one may pay and charge here now, and if not, why. */
    offered: Type.Boolean(),
    reason: Nullable(OneOf(["offline", "taken", "no-tariff", "no-provider"])),
    /** What holds now; null: no tariff does. */
    tariff: Nullable(
      Type.Object({
        tariffId: Type.String(),
        version: Type.Integer(),
        name: Type.String(),
        terms: Type.Ref("TariffTerms"),
      }),
    ),
    methods: Type.Array(
      Type.Object({
        provider: OneOf(["stripe", "mercado-pago", "sandbox"]),
        method: OneOf(["card", "pix", "sandbox"]),
        flow: OneOf(["authorize", "prepay"]),
        currency: Type.String(),
        defaultAmountMinor: Minor,
        minAmountMinor: Minor,
        maxAmountMinor: Minor,
        payMinutes: Type.Integer(),
      }),
    ),
  },
  { $id: "GuestConnector" },
);
export type GuestConnectorView = Omit<Static<typeof GuestConnector>, "tariff"> & {
  tariff: { tariffId: string; version: number; name: string; terms: TariffTerms } | null;
};

export const NewGuestSession = Type.Object(
  {
    code: Type.String({ pattern: "^[0-9A-Za-z]{6,16}$" }),
    /** The guest's own random name for this wish: sent twice, it is one. */
    requestId: Type.String({ pattern: "^[0-9A-Za-z_-]{16,64}$" }),
    provider: OneOf(["stripe", "mercado-pago", "sandbox"]),
    amountMinor: Type.Optional(Type.Integer({ minimum: 1, maximum: AMOUNT_MINOR_MAX })),
    /** The price that the guest was shown: nothing begins at another one. */
    tariff: Type.Optional(
      Type.Object(
        { tariffId: Type.String({ maxLength: 36 }), version: Type.Integer({ minimum: 1 }) },
        { additionalProperties: false },
      ),
    ),
    language: GuestLanguage,
    /** For the receipt. */
    email: Type.Optional(Type.String({ format: "email", maxLength: 254 })),
    /** CPF or CNPJ, for the receipt. */
    taxId: Type.Optional(Type.String({ maxLength: 20 })),
  },
  { $id: "NewGuestSession", additionalProperties: false },
);
export type NewGuestSession = Static<typeof NewGuestSession>;

export const GuestSession = Type.Object(
  {
    guestSessionId: Type.String(),
    code: Type.String(),
    siteName: Type.String(),
    stationName: Type.String(),
    evseId: Type.Integer(),
    timeZone: Type.String(),
    language: GuestLanguage,
    state: OneOf([
      "awaiting-payment",
      "starting",
      "plug-in",
      "charging",
      "finishing",
      "settled",
      "released",
      "expired",
    ]),
    /** `site-offline`, `connector-taken`, `start-refused`, …: why it ended so, or what is waited for. */
    reason: Nullable(Type.String()),
    payment: Type.Object(payerPayment),
    charging: Nullable(
      Type.Object({
        startedAt: Time,
        endedAt: Nullable(Time),
        energyWh: Nullable(Type.Integer()),
        powerW: Nullable(Type.Integer()),
        socPercent: Nullable(Type.Integer()),
      }),
    ),
    /** So far, or in the end; `final`: it was billed. */
    price: Nullable(Type.Object({ totalMinor: Minor, taxMinor: Minor, final: Type.Boolean() })),
    /** The energy at which it ends by itself. */
    capEnergyWh: Nullable(Type.Integer()),
    stopAsked: Type.Boolean(),
    hasReceipt: Type.Boolean(),
    createdAt: Time,
  },
  { $id: "GuestSession" },
);
export type GuestSessionView = Static<typeof GuestSession>;

export const NewGuestSessionResult = Type.Object(
  {
    session: Type.Ref("GuestSession"),
    /** Opens this session, and nothing else: sent as `x-guest-token`. */
    token: Type.String(),
  },
  { $id: "NewGuestSessionResult" },
);
