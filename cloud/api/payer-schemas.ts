/** A payment as whoever pays it is told: a guest at a connector, a driver who owes. No code here. */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Minor = Type.Integer();

export const payerPayment = {
  method: OneOf(["card", "pix", "sandbox"]),
  flow: OneOf(["authorize", "prepay"]),
  status: Type.String(),
  currency: Type.String(),
  amountMinor: Minor,
  capturedMinor: Minor,
  refundedMinor: Minor,
  /** On its way back to the payer. */
  refundPendingMinor: Minor,
  declineCode: Nullable(Type.String()),
  /** While it is to be paid. */
  checkoutUrl: Nullable(Type.String()),
  pixCode: Nullable(Type.String()),
  pixQrSvg: Nullable(Type.String()),
  expiresAt: Type.String({ format: "date-time" }),
};

const PayerPayment = Type.Object(payerPayment);
export type PayerPaymentView = Static<typeof PayerPayment>;
