/**
 * The nouns of a signed-in driver: what is its own, without what the operator notes for itself (whose account
 * it is booked on, who decided what, which tariff by what assignment). No code here either.
 *
 * Amounts are whole minor units of their currency.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { AMOUNT_MINOR_MAX } from "../../shared/tariff.ts";
import { PaymentProviderKind, PaymentStatus } from "./payment-schemas.ts";
import { payerPayment } from "./payer-schemas.ts";
import { cdrFields, statementFields, type CdrLineView, type StatementLineView } from "./money-schemas.ts";
import type { PriceView } from "./tariff-schemas.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Minor = Type.Integer();
const Wh = Type.Integer();

export const OwnProfile = Type.Object(
  {
    driverId: Type.String(),
    /** blocked: the idTokens are refused at every site. */
    status: OneOf(["active", "blocked", "erased"]),
    operatorName: Type.String(),
    name: Nullable(Type.String()),
    email: Nullable(Type.String()),
    phone: Nullable(Type.String()),
    taxId: Nullable(Type.String()),
    language: Type.String(),
    createdAt: Time,
    /** Since when the driver wishes to be erased; null: it does not. */
    erasureRequestedAt: Nullable(Time),
    /** Above 0: the driver owes it; below: has it as credit. */
    balances: Type.Array(Type.Ref("LedgerBalance")),
  },
  { $id: "OwnProfile" },
);
export type OwnProfile = Omit<Static<typeof OwnProfile>, "balances"> & {
  balances: { currency: string; amountMinor: number }[];
};

export const OwnErasureRequest = Type.Object(
  { erasureRequestedAt: Nullable(Time) },
  { $id: "OwnErasureRequest" },
);
export type OwnErasureRequest = Static<typeof OwnErasureRequest>;

export const OwnIdToken = Type.Object(
  {
    idToken: Type.String(),
    type: Nullable(Type.String()),
    status: OneOf(["Accepted", "Blocked"]),
    label: Nullable(Type.String()),
    expiresAt: Nullable(Time),
  },
  { $id: "OwnIdToken" },
);
export type OwnIdToken = Static<typeof OwnIdToken>;

const place = {
  siteId: Type.String(),
  siteName: Type.String(),
  timeZone: Type.String(),
  stationId: Type.String(),
  /** As it stands on the station. */
  stationName: Type.String(),
  evseId: Type.Integer(),
};

export const OwnTransaction = Type.Object(
  {
    transactionId: Type.String(),
    ...place,
    status: OneOf(["active", "ended"]),
    chargingState: Nullable(Type.String()),
    startedAt: Time,
    endedAt: Nullable(Time),
    energyWh: Nullable(Wh),
    powerW: Nullable(Type.Integer()),
    socPercent: Nullable(Type.Number()),
    /** When the last reading of it came; null: none has. */
    heardAt: Nullable(Time),
    /** held: somebody looks at it first; none: nothing is charged for it; null: it is not over. */
    billing: Nullable(OneOf(["pending", "held", "billed", "none"])),
    /** As it is billed; null: not yet, or not at all. */
    cdrId: Nullable(Type.String()),
    totalMinor: Nullable(Minor),
    currency: Nullable(Type.String()),
  },
  { $id: "OwnTransaction" },
);
export type OwnTransaction = Static<typeof OwnTransaction>;

export const OwnCdr = Type.Object(
  {
    ...cdrFields,
    ...place,
    /** Who owes it: the driver, its fleet, or another account. */
    payer: OneOf(["driver", "fleet", "other"]),
  },
  { $id: "OwnCdr" },
);
export type OwnCdr = Omit<Static<typeof OwnCdr>, "lines"> & { lines: CdrLineView[] };

export const OwnTransactionDetail = Type.Object(
  {
    transaction: Type.Ref("OwnTransaction"),
    tariffName: Nullable(Type.String()),
    /** What it costs so far, or will as far as is known; null: it is billed, or no tariff holds for it. */
    price: Nullable(Type.Ref("Price")),
    /** As it is billed. */
    cdr: Nullable(Type.Ref("OwnCdr")),
  },
  { $id: "OwnTransactionDetail" },
);
export type OwnTransactionDetail = {
  transaction: OwnTransaction;
  tariffName: string | null;
  price: PriceView | null;
  cdr: OwnCdr | null;
};

export const OwnStatement = Type.Object(statementFields, { $id: "OwnStatement" });
export type OwnStatement = Static<typeof OwnStatement>;

export const OwnStatementDetail = Type.Object(
  {
    statement: Type.Ref("OwnStatement"),
    lines: Type.Array(Type.Ref("StatementLine")),
    /** There are more than are told. */
    linesTruncated: Type.Boolean(),
  },
  { $id: "OwnStatementDetail" },
);
export type OwnStatementDetail = {
  statement: OwnStatement;
  lines: StatementLineView[];
  linesTruncated: boolean;
};

export const OwnDebt = Type.Object(
  {
    account: Type.String(),
    /** Charged by this idToken before it was the driver's; null: the driver's own account. */
    idToken: Nullable(Type.String()),
    currency: Type.String(),
    owedMinor: Minor,
    /** By whom it may be paid, from how much on. Empty: the operator takes no payments in this currency. */
    ways: Type.Array(
      Type.Object({
        provider: PaymentProviderKind,
        method: OneOf(["card", "pix", "sandbox"]),
        leastMinor: Minor,
      }),
    ),
    /** One that may still be paid, or is being taken: there is no other until it is paid or cancelled. */
    openPaymentId: Nullable(Type.String()),
  },
  { $id: "OwnDebt" },
);
export type OwnDebt = Static<typeof OwnDebt>;

export const NewOwnPayment = Type.Object(
  {
    /** The driver's own random name for this wish: sent twice, it is one payment. */
    requestId: Type.String({ pattern: "^[0-9A-Za-z_-]{16,64}$" }),
    /** Of its debts; the driver's own where nothing is said. */
    account: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    currency: Type.String({ pattern: "^[A-Z]{3}$" }),
    amountMinor: Type.Integer({ minimum: 1, maximum: AMOUNT_MINOR_MAX }),
    provider: PaymentProviderKind,
    /** Of the provider's page. */
    language: Type.Optional(OneOf(["pt-BR", "en", "es"])),
  },
  { $id: "NewOwnPayment", additionalProperties: false },
);
export type NewOwnPayment = Static<typeof NewOwnPayment>;

export const OwnPayment = Type.Object(
  {
    paymentId: Type.String(),
    account: Type.String(),
    provider: PaymentProviderKind,
    ...payerPayment,
    status: PaymentStatus,
    /** It may still be paid, or is being taken. */
    open: Type.Boolean(),
    hasReceipt: Type.Boolean(),
    createdAt: Time,
    paidAt: Nullable(Time),
  },
  { $id: "OwnPayment" },
);
export type OwnPayment = Static<typeof OwnPayment>;
