/**
 * The port to payment providers: what we ask of them and how they tell us, whoever they are.
 *
 * Invariants: amounts are integers in minor units; card data never passes here (the payer types it at the
 * provider's own page); every write carries an idempotency key, so that it may be asked again after a
 * timeout; what comes back is facts (`core/payment.ts`), never a decision. An implementation keeps no state
 * of its own and knows nothing of our database (the sandbox, which is its own provider, excepted).
 */
import type { PaymentFacts, PaymentFlow } from "../core/payment.ts";
import type { PayoutFact } from "../core/payout.ts";

export const PROVIDER_KINDS = ["stripe", "mercado-pago", "sandbox"] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

/** Where a payer pays, in the provider's words. */
export type PaymentMethod = "card" | "pix" | "sandbox";

/** What names a payment at its provider. A page that nobody has paid at may have no payment yet. */
export type PaymentRef = {
  paymentId: string;
  currency: string;
  checkoutId: string | undefined;
  providerPaymentId: string | undefined;
};

export type NewCheckout = {
  paymentId: string;
  amountMinor: number;
  currency: string;
  /** What the payer reads: site and connector. */
  description: string;
  language: "pt-BR" | "en" | "es";
  email: string | undefined;
  taxId: { type: "CPF" | "CNPJ"; number: string } | undefined;
  /** Where the payer comes back to, having paid or not. */
  returnUrl: string;
  /** Where the provider reports, for those that are told with each payment. */
  webhookUrl: string;
  expiresAt: Date;
  idempotencyKey: string;
};

/** What a provider says of one payment. */
export type Told = {
  checkoutId?: string;
  providerPaymentId?: string;
  facts: PaymentFacts;
  /** A decline in the provider's words: `insufficient_funds`, … */
  declineCode?: string;
};

export type Checkout = Told & {
  /** A page to send the payer to, or a Pix code to show, or both. */
  url?: string;
  pixCode?: string;
  expiresAt: Date;
};

export type WebhookRequest = {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  query: Readonly<Record<string, string | undefined>>;
  /** As it came: signatures are over bytes. */
  body: Buffer;
};

export type ProviderEvent = {
  /** The provider's id of the message: the same for every delivery of it. */
  eventId: string;
  type: string;
  occurredAt: Date | undefined;
  /** Which payment; undefined: none of ours, or nothing that we keep. */
  about: { paymentId?: string; checkoutId?: string; providerPaymentId?: string } | undefined;
  /** What it says. Absent: it says only that something has happened; the provider must be asked. */
  told?: Told;
  /** It is about a payout to the bank, and says everything of it. */
  payout?: PayoutFact;
};

/** Payouts, the latest first; `next`: there are older ones, from there on. */
export type PayoutPage = { payouts: PayoutFact[]; next: string | undefined };

export type Provider = {
  readonly kind: ProviderKind;
  readonly method: PaymentMethod;
  readonly flow: PaymentFlow;
  /** Less than this it takes of nobody. */
  leastMinor(currency: string): number;
  createCheckout(checkout: NewCheckout): Promise<Checkout>;
  /** Takes that much of what was authorized and lets go of the rest. Once. */
  capture(ref: PaymentRef, write: { amountMinor: number; idempotencyKey: string }): Promise<Told>;
  /** Lets go of what was authorized, or closes the page. Of one that was paid meanwhile it tells so. */
  cancel(ref: PaymentRef, write: { idempotencyKey: string }): Promise<Told>;
  refund(
    ref: PaymentRef,
    write: { refundId: string; amountMinor: number; idempotencyKey: string },
  ): Promise<Told>;
  /** The payment as it is there now. */
  fetch(ref: PaymentRef): Promise<Told>;
  /** What went to the bank and was made since then. Absent: the provider does not tell. */
  payouts?(since: Date, from: string | undefined): Promise<PayoutPage>;
  /** @throws WebhookRefused when it was not the provider who sent this. */
  verifyWebhook(request: WebhookRequest): void;
  /** Reads a webhook that was verified, also one that was stored. @throws WebhookRefused when it is none. */
  readEvent(body: Buffer): ProviderEvent;
};

/** It was not the provider, or not a webhook at all. */
export class WebhookRefused extends Error {}

/**
 * What a provider did not do. `unreachable`: it may have been done; ask again with the same key. `refused`:
 * it was not done, and asking the same again is of no use.
 */
export class ProviderFault extends Error {
  readonly kind: "unreachable" | "refused";
  readonly code: string;

  constructor(kind: ProviderFault["kind"], code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }
}

/** Bound of one request to a provider; a person waits for the page. */
export const PROVIDER_TIMEOUT_MS = 20_000;

/** The id that a write needs. @throws ProviderFault NOT_PAYABLE when nobody has paid yet. */
export function paidRef(ref: PaymentRef): string {
  if (ref.providerPaymentId !== undefined) return ref.providerPaymentId;
  throw new ProviderFault("refused", "NOT_PAYABLE", `nothing was paid for payment ${ref.paymentId} yet`);
}

/** JSON of a webhook. @throws WebhookRefused. */
export function parseWebhook(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new WebhookRefused("the body is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new WebhookRefused("the body is no JSON object");
  return value as Record<string, unknown>;
}
