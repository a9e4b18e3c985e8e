/**
 * Stripe: cards. A hosted Checkout page authorizes (`capture_method: manual`), the real amount is captured
 * later.
 *
 * Invariants: the API version is pinned to the one that the SDK's types describe; prices are never converted
 * (adaptive pricing off), so that what is authorized is what was asked; our ids travel as metadata. A session
 * that is open is closed by expiring it: its payment intent cannot be cancelled then.
 */
import { Stripe } from "stripe";
import type { PaymentFacts, RefundFact } from "../core/payment.ts";
import { given } from "../../shared/given.ts";
import {
  paidRef,
  parseWebhook,
  PROVIDER_TIMEOUT_MS,
  ProviderFault,
  WebhookRefused,
  type Checkout,
  type NewCheckout,
  type PaymentRef,
  type Provider,
  type ProviderEvent,
  type Told,
} from "./provider.ts";
import {
  chargeEntries,
  disputeEntries,
  listPayouts,
  payoutFact,
  refundEntries,
  withBooks,
} from "./stripe-books.ts";

export const STRIPE_API_VERSION = "2026-10-28.endive";

/**
 * What it takes at least, where it says so; of other currencies it is what comes to the least of the account's own.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const LEAST_MINOR: Readonly<Record<string, number>> = {
  ...{ AED: 200, AUD: 50, BRL: 50, CAD: 50, CHF: 50, CZK: 1_500, DKK: 250, EUR: 50, GBP: 30, HKD: 400 },
  ...{ HUF: 17_500, INR: 50, JPY: 50, MXN: 1_000, MYR: 200, NOK: 300, NZD: 50, PLN: 200, RON: 200 },
  ...{ SEK: 300, SGD: 50, THB: 1_000, USD: 50 },
};

export type StripeSecrets = { secretKey: string; webhookSecret: string };

/** @param baseUrl another place than api.stripe.com: a test server, a proxy. */
export function createStripe(
  secrets: StripeSecrets,
  baseUrl?: string,
  timeoutMs = PROVIDER_TIMEOUT_MS,
): Provider {
  const stripe = new Stripe(secrets.secretKey, {
    apiVersion: STRIPE_API_VERSION,
    timeout: timeoutMs,
    // We ask again ourselves, after looking at what is there.
    maxNetworkRetries: 0,
    telemetry: false,
    appInfo: { name: "Moov.olt" },
    ...placeOf(baseUrl),
  });

  async function fetchState(ref: PaymentRef): Promise<Told> {
    const session =
      ref.providerPaymentId === undefined && ref.checkoutId !== undefined
        ? await stripe.checkout.sessions.retrieve(ref.checkoutId)
        : undefined;
    const id = ref.providerPaymentId ?? idOf(session?.payment_intent);
    if (id === undefined) return session === undefined ? { facts: {} } : sessionTold(session);
    const intent = await withBooks(
      (expand) => stripe.paymentIntents.retrieve(id, { expand: ["latest_charge", ...expand] }),
      "latest_charge.balance_transaction",
    );
    const told = intentTold(intent);
    const facts: PaymentFacts = { ...told.facts, ...(await afterCapture(intent)) };
    // Declined, and the page is closed by now.
    if (session?.status === "expired" && facts.progress !== "authorized" && facts.progress !== "cancelled")
      return { ...told, checkoutId: session.id, facts: { ...facts, progress: "expired" } };
    return { ...told, facts };
  }

  /** What it cost, refunds and disputes are no part of the intent. */
  async function afterCapture(intent: Stripe.PaymentIntent): Promise<PaymentFacts> {
    const charge = intent.latest_charge;
    if (intent.amount_received === 0 || charge === null || typeof charge === "string") return {};
    const refunds = await withBooks(
      (expand) => stripe.refunds.list({ payment_intent: intent.id, limit: 100, expand }),
      "data.balance_transaction",
      "data.failure_balance_transaction",
    );
    const disputes = charge.disputed
      ? (await stripe.disputes.list({ payment_intent: intent.id, limit: 10 })).data
      : [];
    const settlements = [
      ...chargeEntries(charge),
      ...refunds.data.flatMap(refundEntries),
      ...disputes.flatMap(disputeEntries),
    ];
    return {
      ...(refunds.data.length === 0 ? {} : { refunds: refunds.data.map(refundFact) }),
      ...given(
        "dispute",
        disputes.map(disputeFact).find((fact) => fact !== undefined),
      ),
      ...(settlements.length === 0 ? {} : { settlements }),
    };
  }

  async function cancel(ref: PaymentRef, { idempotencyKey }: { idempotencyKey: string }): Promise<Told> {
    if (ref.checkoutId !== undefined) {
      const session = await stripe.checkout.sessions.retrieve(ref.checkoutId);
      if (session.status === "open") {
        // A key is good for one kind of request: somebody may pay meanwhile, and the intent be cancelled next.
        const write = { idempotencyKey: `${idempotencyKey}:expire` };
        return sessionTold(await stripe.checkout.sessions.expire(ref.checkoutId, {}, write));
      }
    }
    const now = await fetchState(ref);
    if (now.facts.progress !== "authorized" || now.providerPaymentId === undefined) return now;
    if ((now.facts.capturedMinor ?? 0) > 0) return now;
    return intentTold(
      await stripe.paymentIntents.cancel(
        now.providerPaymentId,
        { cancellation_reason: "abandoned" },
        { idempotencyKey },
      ),
    );
  }

  return {
    kind: "stripe",
    method: "card",
    flow: "authorize",
    leastMinor: (currency) => LEAST_MINOR[currency] ?? 1,
    createCheckout: (checkout) => asking(() => open(stripe, checkout)),
    cancel: (ref, write) => asking(() => cancel(ref, write)),
    fetch: (ref) => asking(() => fetchState(ref)),
    capture: (ref, { amountMinor, idempotencyKey }) =>
      asking(async () =>
        intentTold(
          await stripe.paymentIntents.capture(
            paidRef(ref),
            { amount_to_capture: amountMinor },
            { idempotencyKey },
          ),
        ),
      ),
    refund: (ref, { refundId, amountMinor, idempotencyKey }) =>
      asking(async () => {
        const refund = await stripe.refunds.create(
          {
            payment_intent: paidRef(ref),
            amount: amountMinor,
            metadata: { payment_id: ref.paymentId, refund_id: refundId },
          },
          { idempotencyKey },
        );
        return { facts: { refunds: [refundFact(refund)] } };
      }),
    verifyWebhook({ body, headers }) {
      const signature = headers["stripe-signature"];
      if (typeof signature !== "string") throw new WebhookRefused("there is no Stripe-Signature");
      try {
        stripe.webhooks.constructEvent(body, signature, secrets.webhookSecret);
      } catch (cause) {
        throw new WebhookRefused("the Stripe-Signature does not fit", { cause });
      }
    },
    readEvent,
    payouts: (since, from) => asking(() => listPayouts(stripe, since, from)),
  };
}

function placeOf(baseUrl: string | undefined): { host?: string; port?: string; protocol?: "http" | "https" } {
  if (baseUrl === undefined) return {};
  const { hostname, port, protocol } = new URL(baseUrl);
  const plain = protocol === "http:";
  return { host: hostname, port: port || (plain ? "80" : "443"), protocol: plain ? "http" : "https" };
}

async function open(stripe: Stripe, checkout: NewCheckout): Promise<Checkout> {
  const metadata = { payment_id: checkout.paymentId };
  const session = await stripe.checkout.sessions.create(
    {
      mode: "payment",
      ui_mode: "hosted_page",
      allowed_payment_method_types: ["card"],
      adaptive_pricing: { enabled: false },
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency: checkout.currency.toLowerCase(),
            unit_amount: checkout.amountMinor,
            product_data: { name: checkout.description },
          },
        },
      ],
      payment_intent_data: { capture_method: "manual", description: checkout.description, metadata },
      metadata,
      client_reference_id: checkout.paymentId,
      ...given("customer_email", checkout.email),
      locale: checkout.language,
      success_url: checkout.returnUrl,
      cancel_url: checkout.returnUrl,
      // At least 30 minutes away: see the settings. Asked again with the same key, it must be the same.
      expires_at: Math.trunc(checkout.expiresAt.getTime() / 1_000),
    },
    { idempotencyKey: checkout.idempotencyKey },
  );
  return {
    ...sessionTold(session),
    ...given("url", session.url ?? undefined),
    expiresAt: new Date(session.expires_at * 1_000),
  };
}

const idOf = (object: string | { id: string } | null | undefined): string | undefined =>
  typeof object === "string" ? object : object?.id;

function sessionTold(session: Stripe.Checkout.Session): Told {
  return {
    checkoutId: session.id,
    ...given("providerPaymentId", idOf(session.payment_intent)),
    // That it is complete says nothing of the money: the intent does.
    facts: { progress: session.status === "expired" ? "expired" : "pending" },
  };
}

function intentTold(intent: Stripe.PaymentIntent): Told {
  const declined = intent.last_payment_error;
  const code = declined?.decline_code ?? declined?.code;
  return {
    providerPaymentId: intent.id,
    facts: intentFacts(intent),
    ...given("declineCode", code ?? undefined),
  };
}

function intentFacts(intent: Stripe.PaymentIntent): PaymentFacts {
  switch (intent.status) {
    case "requires_capture":
      return { progress: "authorized", authorizedMinor: intent.amount_capturable };
    case "succeeded":
      return { progress: "authorized", capturedMinor: intent.amount_received };
    case "canceled":
      return { progress: "cancelled" };
    case "requires_payment_method":
      return { progress: intent.last_payment_error === null ? "pending" : "failed" };
    default:
      // 3-D Secure, processing, confirmation: the payer or a bank is at it.
      return { progress: "pending" };
  }
}

const REFUND_STATUS: Record<string, RefundFact["status"]> = {
  succeeded: "succeeded",
  failed: "failed",
  canceled: "failed",
};

const refundFact = (refund: Stripe.Refund): RefundFact => ({
  providerRefundId: refund.id,
  amountMinor: refund.amount,
  status: REFUND_STATUS[refund.status ?? ""] ?? "pending",
  ...given("refundId", refund.metadata?.["refund_id"]),
});

/** A warning or an inquiry holds no money back. */
function disputeFact({ status, amount: amountMinor }: Stripe.Dispute): PaymentFacts["dispute"] {
  if (status.startsWith("warning") || status === "prevented") return undefined;
  return { state: status === "won" ? "won" : status === "lost" ? "lost" : "open", amountMinor };
}

/** Events carry the object as it was then: older ones change nothing, whenever they come. */
function readEvent(body: Buffer): ProviderEvent {
  const raw = parseWebhook(body);
  if (raw["object"] !== "event" || typeof raw["id"] !== "string" || typeof raw["type"] !== "string")
    throw new WebhookRefused("the body is no event of Stripe");
  const event = raw as unknown as Stripe.Event;
  const head = {
    eventId: event.id,
    type: event.type,
    occurredAt: Number.isFinite(event.created) ? new Date(event.created * 1_000) : undefined,
  };
  const object = event.data.object as { object?: string };
  switch (object.object) {
    case "payment_intent": {
      const intent = object as Stripe.PaymentIntent;
      const paymentId = intent.metadata["payment_id"];
      // The account sells other things, too.
      if (paymentId === undefined) return { ...head, about: undefined };
      return { ...head, about: { providerPaymentId: intent.id, paymentId }, told: intentTold(intent) };
    }
    case "checkout.session": {
      const session = object as Stripe.Checkout.Session;
      const paymentId = session.metadata?.["payment_id"];
      if (paymentId === undefined) return { ...head, about: undefined };
      return { ...head, about: { checkoutId: session.id, paymentId }, told: sessionTold(session) };
    }
    case "refund": {
      const refund = object as Stripe.Refund;
      return {
        ...head,
        about: {
          ...given("providerPaymentId", idOf(refund.payment_intent)),
          ...given("paymentId", refund.metadata?.["payment_id"]),
        },
        told: { facts: { refunds: [refundFact(refund)] } },
      };
    }
    case "dispute": {
      const dispute = object as Stripe.Dispute;
      const about = given("providerPaymentId", idOf(dispute.payment_intent));
      const settlements = disputeEntries(dispute);
      const facts = {
        ...given("dispute", disputeFact(dispute)),
        ...(settlements.length === 0 ? {} : { settlements }),
      };
      return { ...head, about, told: { facts } };
    }
    case "charge": {
      const charge = object as Stripe.Charge;
      const paymentId = charge.metadata["payment_id"];
      const providerPaymentId = idOf(charge.payment_intent);
      // Its fee is there now, and is asked for. All else of a charge the intent tells.
      const settles = event.type === "charge.updated" && charge.balance_transaction !== null;
      if (paymentId === undefined || !settles) return { ...head, about: undefined };
      return { ...head, about: { paymentId, ...given("providerPaymentId", providerPaymentId) } };
    }
    case "payout":
      return { ...head, about: undefined, ...given("payout", payoutFact(object as Stripe.Payout)) };
    default:
      return { ...head, about: undefined };
  }
}

/** The SDK's errors → ours. */
async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Stripe.errors.StripeError)) throw cause;
    const code = cause.code ?? cause.type;
    const status = cause.statusCode ?? 0;
    // 409: the same key is being worked on at this moment. 401, 403: our keys, which a person will set right.
    const later =
      status === 0 || status >= 500 || status === 429 || status === 409 || status === 401 || status === 403;
    throw new ProviderFault(later ? "unreachable" : "refused", code, `Stripe: ${cause.message}`, { cause });
  }
}
