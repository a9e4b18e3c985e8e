/**
 * The nouns of payments, for operators: providers, payments, refunds, what providers told, what was found.
 * Amounts are integers in minor units of the currency. No code here.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { AMOUNT_MINOR_MAX } from "../../shared/tariff.ts";
import { PAYMENT_STATUS } from "../core/payment.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Minor = Type.Integer();
const AmountMinor = Type.Integer({ minimum: 1, maximum: AMOUNT_MINOR_MAX });

export const PaymentProviderKind = OneOf(["stripe", "mercado-pago", "sandbox"]);

export const PaymentProviderSettings = Type.Object(
  {
    currency: Type.String({ pattern: "^[A-Z]{3}$" }),
    /** Reserved or prepaid where the guest chooses nothing, and bounds of what may be chosen. */
    defaultAmountMinor: AmountMinor,
    minAmountMinor: AmountMinor,
    maxAmountMinor: AmountMinor,
    /** How long a guest has to pay: Stripe takes 35 minutes or more, Mercado Pago 30. */
    payMinutes: Type.Integer({ minimum: 30, maximum: 1_380, default: 40 }),
    /** Mercado Pago asks for an e-mail: this one stands for guests who give none. */
    payerEmail: Type.Optional(Type.String({ format: "email", maxLength: 254 })),
    /** `false`: the account takes money of something else, too, and its payouts are booked by hand. */
    bookPayouts: Type.Optional(Type.Boolean()),
    /** The sandbox: as a card, or paid at once. */
    flow: Type.Optional(OneOf(["authorize", "prepay"])),
  },
  { $id: "PaymentProviderSettings", additionalProperties: false },
);
export type PaymentProviderSettings = Static<typeof PaymentProviderSettings>;

export const PaymentProvider = Type.Object(
  {
    providerId: Type.String(),
    kind: PaymentProviderKind,
    enabled: Type.Boolean(),
    settings: Type.Ref("PaymentProviderSettings"),
    /** How each secret ends. Secrets themselves are never told. */
    secretHints: Type.Record(Type.String(), Type.String()),
    /** To be entered at the provider. */
    webhookUrl: Type.String(),
    /** Its payouts to the bank come into the ledger by themselves: `false` also where it tells of none. */
    booksPayouts: Type.Boolean(),
    /** Everything that was made before then was read. */
    payoutsReadAt: Nullable(Time),
    /** Why they could not be read last. */
    payoutsError: Nullable(Type.String()),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "PaymentProvider" },
);
export type PaymentProviderView = Omit<Static<typeof PaymentProvider>, "settings"> & {
  settings: PaymentProviderSettings;
};

export const PaymentProviderPut = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean()),
    settings: Type.Ref("PaymentProviderSettings"),
    /**
     * Written only: `secretKey` and `webhookSecret` (Stripe), `accessToken` and `webhookSecret` (Mercado
     * Pago).
     */
    secrets: Type.Optional(
      Type.Partial(
        Type.Object({
          secretKey: Type.String({ minLength: 8, maxLength: 500 }),
          accessToken: Type.String({ minLength: 8, maxLength: 500 }),
          webhookSecret: Type.String({ minLength: 8, maxLength: 500 }),
        }),
        { additionalProperties: false },
      ),
    ),
  },
  { $id: "PaymentProviderPut", additionalProperties: false },
);
export type PaymentProviderPut = {
  enabled?: boolean;
  settings: PaymentProviderSettings;
  secrets?: Record<string, string>;
};

export const PaymentStatus = OneOf(PAYMENT_STATUS);

export const Payment = Type.Object(
  {
    paymentId: Type.String(),
    /** Of the ledger: what it pays for. `guest:…` has a place; what a driver or a token owes was charged anywhere. */
    account: Type.String(),
    siteId: Nullable(Type.String()),
    stationId: Nullable(Type.String()),
    provider: PaymentProviderKind,
    /** `authorize`: reserved, then captured. `prepay`: paid at once, the rest given back. */
    flow: OneOf(["authorize", "prepay"]),
    status: PaymentStatus,
    currency: Type.String(),
    amountMinor: Minor,
    authorizedMinor: Minor,
    capturedMinor: Minor,
    refundedMinor: Minor,
    /** What the provider keeps of it, in its currency; null: not told yet, or booked by hand. */
    feeMinor: Nullable(Minor),
    /** Its money came before fees came by themselves. */
    feesByHand: Type.Boolean(),
    /** What is kept in the end; null: not known yet. */
    keepMinor: Nullable(Minor),
    keepReason: Nullable(Type.String()),
    declineCode: Nullable(Type.String()),
    /** The payment at its provider. */
    providerPaymentId: Nullable(Type.String()),
    /** `shortfall`: the price was more than could be taken. */
    flags: Type.Array(Type.String()),
    /** Why the provider did not do what was asked last. */
    lastError: Nullable(Type.String()),
    createdAt: Time,
    expiresAt: Time,
    paidAt: Nullable(Time),
    updatedAt: Time,
  },
  { $id: "Payment" },
);
export type PaymentView = Static<typeof Payment>;

export const Refund = Type.Object(
  {
    refundId: Type.String(),
    paymentId: Type.String(),
    amountMinor: Minor,
    currency: Type.String(),
    status: OneOf(["requested", "pending", "succeeded", "failed"]),
    reason: Type.String(),
    /** `sg`: what was more than the price; `provider`: made there. */
    requestedBy: Type.String(),
    providerRefundId: Nullable(Type.String()),
    failure: Nullable(Type.String()),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "Refund" },
);
export type RefundView = Static<typeof Refund>;

export const PaymentDetail = Type.Object(
  {
    payment: Type.Ref("Payment"),
    refunds: Type.Array(Type.Ref("Refund")),
    /** What the provider keeps, in each currency in which it keeps something. */
    fees: Type.Array(Type.Object({ currency: Type.String(), feeMinor: Minor })),
    /** How much may still be given back. */
    refundableMinor: Minor,
    guest: Nullable(
      Type.Object({
        guestSessionId: Type.String(),
        state: Type.String(),
        reason: Nullable(Type.String()),
        idToken: Type.String(),
        commandId: Nullable(Type.String()),
        transactionId: Nullable(Type.String()),
        cdrId: Nullable(Type.String()),
        priceMinor: Nullable(Minor),
      }),
    ),
  },
  { $id: "PaymentDetail" },
);
export type PaymentDetailView = {
  payment: PaymentView;
  refunds: RefundView[];
  fees: Static<typeof PaymentDetail>["fees"];
  refundableMinor: number;
  guest: Static<typeof PaymentDetail>["guest"];
};

export const NewRefund = Type.Object(
  { amountMinor: AmountMinor, reason: Type.String({ minLength: 1, maxLength: 200 }) },
  { $id: "NewRefund", additionalProperties: false },
);
export type NewRefund = Static<typeof NewRefund>;

export const PaymentCancellation = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 200 }) },
  { $id: "PaymentCancellation", additionalProperties: false },
);

export const PaymentEvent = Type.Object(
  {
    eventId: Type.String(),
    providerId: Type.String(),
    providerEventId: Type.String(),
    type: Type.String(),
    paymentId: Nullable(Type.String()),
    occurredAt: Nullable(Time),
    receivedAt: Time,
    /** null: waits to be read. `not-ours`: of something that we do not keep. */
    outcome: Nullable(OneOf(["applied", "unchanged", "not-ours", "unknown-payment", "failed"])),
    deliveries: Type.Integer(),
    processedAt: Nullable(Time),
    lastError: Nullable(Type.String()),
  },
  { $id: "PaymentEvent" },
);
export type PaymentEventView = Static<typeof PaymentEvent>;

export const PaymentFinding = Type.Object(
  {
    findingId: Type.String(),
    paymentId: Type.String(),
    siteId: Nullable(Type.String()),
    kind: OneOf([
      "webhook-missing",
      "provider-unreachable",
      "provider-refused",
      "amount-differs",
      "refund-failed",
      "shortfall",
      "late-transaction",
      "disputed",
      "currency-differs",
    ]),
    detail: Type.Unknown(),
    /** It has been put right by itself, or somebody has seen to it. */
    repaired: Type.Boolean(),
    foundAt: Time,
    resolvedAt: Nullable(Time),
    resolvedBy: Nullable(Type.String()),
    note: Nullable(Type.String()),
  },
  { $id: "PaymentFinding" },
);
export const PaymentFindingResolution = Type.Object(
  { note: Type.String({ minLength: 1, maxLength: 500 }) },
  { $id: "PaymentFindingResolution", additionalProperties: false },
);

export type PaymentFindingView = Static<typeof PaymentFinding>;
