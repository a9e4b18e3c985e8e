/**
 * Mercado Pago: Pix. The payer pays a QR code at once; what the charging did not cost is refunded.
 *
 * Invariants: a webhook is a hint and no fact: its signature covers the payment's id and not its body, so the
 * payment is always fetched. The SDK keeps the options of a call in the configuration of its client, the
 * idempotency key among them: each call gets a client of its own. Its address is a field of a class of the
 * SDK, read while a call is made: it is set right before each.
 */
import {
  MercadoPagoConfig,
  MercadoPagoError,
  Payment,
  PaymentRefund,
  WebhookSignatureValidator,
} from "mercadopago";
import { AppConfig } from "mercadopago/dist/utils/config/index.js";
import type { Dispute, DisputeFact, PaymentFacts, RefundFact } from "../core/payment.ts";
import type { SettlementFact } from "../core/settlement.ts";
import { given } from "../../shared/given.ts";
import { minorDigits } from "../../shared/currency.ts";
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

export type MercadoPagoSecrets = { accessToken: string; webhookSecret: string };

/** A payer's e-mail is required there: this one stands for guests who gave none. */
export type MercadoPagoSettings = { payerEmail: string };

const API_URL = AppConfig.BASE_URL;

type PaymentResponse = Awaited<ReturnType<Payment["get"]>>;
type RefundResponse = Awaited<ReturnType<PaymentRefund["create"]>>;

/** @param baseUrl another place than api.mercadopago.com: a test server, a proxy. */
export function createMercadoPago(
  secrets: MercadoPagoSecrets,
  settings: MercadoPagoSettings,
  baseUrl = API_URL,
  timeoutMs = PROVIDER_TIMEOUT_MS,
): Provider {
  /** One call, by a client that nobody else uses. */
  function ask<T>(call: (config: MercadoPagoConfig) => Promise<T>, idempotencyKey?: string): Promise<T> {
    const config = new MercadoPagoConfig({
      accessToken: secrets.accessToken,
      options: { timeout: timeoutMs, maxRetries: 0, ...given("idempotencyKey", idempotencyKey) },
    });
    return asking(() => {
      (AppConfig as { BASE_URL: string }).BASE_URL = baseUrl.replace(/\/+$/, "");
      return call(config);
    });
  }

  async function fetchState(ref: PaymentRef): Promise<Told> {
    const id = ref.providerPaymentId;
    if (id === undefined) return { facts: {} };
    const payment = await ask((config) => new Payment(config).get({ id }));
    const told = paymentTold(payment, ref.currency);
    const missing = (payment.transaction_amount_refunded ?? 0) > 0 && (payment.refunds ?? []).length === 0;
    if (!missing) return told;
    const refunds = await ask((config) => new PaymentRefund(config).list({ payment_id: id }));
    return { ...told, facts: { ...told.facts, refunds: refundFacts(refunds, ref.currency) } };
  }

  return {
    kind: "mercado-pago",
    method: "pix",
    flow: "prepay",
    leastMinor: () => 1,
    fetch: fetchState,
    createCheckout: (checkout) => open(checkout),
    async capture() {
      throw new ProviderFault(
        "refused",
        "NOT_SUPPORTED",
        "a Pix is paid at once: there is nothing to capture",
      );
    },
    async cancel(ref, { idempotencyKey }) {
      const id = paidRef(ref);
      const now = await fetchState(ref);
      if (now.facts.progress !== "pending") return now;
      return paymentTold(
        await ask((config) => new Payment(config).cancel({ id }), idempotencyKey),
        ref.currency,
      );
    },
    async refund(ref, { refundId, amountMinor, idempotencyKey }) {
      const refund = await ask(
        (config) =>
          new PaymentRefund(config).create({
            payment_id: paidRef(ref),
            body: { amount: toMajor(amountMinor, ref.currency) },
          }),
        idempotencyKey,
      );
      return {
        facts: { refunds: refundFacts([refund], ref.currency).map((fact) => ({ ...fact, refundId })) },
      };
    },
    verifyWebhook({ headers, query, body }) {
      const dataId = query["data.id"] ?? dataIdOf(parseWebhook(body));
      try {
        WebhookSignatureValidator.validate({
          xSignature: headers["x-signature"],
          xRequestId: headers["x-request-id"],
          dataId,
          secret: secrets.webhookSecret,
        });
      } catch (cause) {
        throw new WebhookRefused("the x-signature does not fit", { cause });
      }
      // The id that was signed is the one that will be read.
      if (dataId === undefined || dataId !== dataIdOf(parseWebhook(body)))
        throw new WebhookRefused("the body names another payment than the one that was signed");
    },
    readEvent,
  };

  async function open(checkout: NewCheckout): Promise<Checkout> {
    const { taxId } = checkout;
    const payment = await ask(
      (config) =>
        new Payment(config).create({
          body: {
            transaction_amount: toMajor(checkout.amountMinor, checkout.currency),
            description: checkout.description,
            payment_method_id: "pix",
            external_reference: checkout.paymentId,
            notification_url: checkout.webhookUrl,
            date_of_expiration: checkout.expiresAt.toISOString().replace("Z", "+00:00"),
            payer: {
              email: checkout.email ?? settings.payerEmail,
              ...(taxId === undefined ? {} : { identification: { type: taxId.type, number: taxId.number } }),
            },
          },
        }),
      checkout.idempotencyKey,
    );
    const data = payment.point_of_interaction?.transaction_data;
    if (data?.qr_code === undefined)
      throw new ProviderFault(
        "refused",
        "NO_PIX_CODE",
        "Mercado Pago gave no Pix code: is Pix enabled there?",
      );
    const expiresAt = new Date(payment.date_of_expiration ?? checkout.expiresAt);
    return {
      ...paymentTold(payment, checkout.currency),
      pixCode: data.qr_code,
      ...given("url", data.ticket_url),
      expiresAt,
    };
  }
}

const toMajor = (amountMinor: number, currency: string): number =>
  Number((amountMinor / 10 ** minorDigits(currency)).toFixed(minorDigits(currency)));

const toMinor = (amount: number | undefined, currency: string): number =>
  Math.round((amount ?? 0) * 10 ** minorDigits(currency));

function paymentTold(payment: PaymentResponse, currency: string): Told {
  const rejected = payment.status === "rejected";
  return {
    ...given("providerPaymentId", payment.id === undefined ? undefined : String(payment.id)),
    facts: paymentFacts(payment, currency),
    ...given("declineCode", rejected ? payment.status_detail : undefined),
  };
}

function paymentFacts(payment: PaymentResponse, currency: string): PaymentFacts {
  const amountMinor = toMinor(payment.transaction_amount, currency);
  const updatedMs = Date.parse(payment.date_last_updated ?? "");
  // What was given back before cannot be asked back.
  const disputedMinor = amountMinor - toMinor(payment.transaction_amount_refunded, currency);
  const dispute = (state: Dispute): DisputeFact => ({
    ...{ state, amountMinor: state === "none" ? 0 : disputedMinor },
    ...given("atMs", Number.isNaN(updatedMs) ? undefined : updatedMs),
  });
  const fee = keptMinor(payment, currency);
  const settlement = (feeMinor: number): SettlementFact => ({
    ...{ entryId: "payment", of: "charge", currency, feeMinor },
    ...given("atMs", Number.isNaN(updatedMs) ? undefined : updatedMs),
  });
  // A mediation that ends in our favour ends as if there had been none.
  const money: PaymentFacts = {
    progress: "authorized",
    capturedMinor: amountMinor,
    refunds: refundFacts(payment.refunds ?? [], currency),
    dispute: dispute("none"),
    ...(fee === undefined ? {} : { settlements: [settlement(fee)] }),
  };
  switch (payment.status) {
    case "approved":
    case "refunded":
      return money;
    case "in_mediation":
      return { ...money, dispute: dispute("open") };
    case "charged_back": {
      const state =
        payment.status_detail === "reimbursed"
          ? "won"
          : payment.status_detail === "settled"
            ? "lost"
            : "open";
      return { ...money, dispute: dispute(state) };
    }
    // The attempt is the payment: there is no other one.
    case "rejected":
      return { progress: "cancelled" };
    case "cancelled":
      return { progress: payment.status_detail === "expired" ? "expired" : "cancelled" };
    default:
      return { progress: "pending" };
  }
}

/**
 * What is kept of a payment by now, in the most exact of the three ways in which it may be told: charges with
 * what was given back of each, fees, what is received in the end. undefined: it is not told yet.
 */
function keptMinor(payment: PaymentResponse, currency: string): number | undefined {
  const { charges_details: charges = [], fee_details: fees = [], transaction_details: details } = payment;
  if (charges.length > 0)
    return charges
      .filter((charge) => charge.accounts?.from === "collector")
      .reduce((sum, { amounts }) => {
        const refunded = toMinor(amounts?.refunded, currency);
        return sum + toMinor(amounts?.original, currency) - refunded;
      }, 0);
  if (fees.length > 0)
    return fees
      .filter((fee) => fee.fee_payer === "collector")
      .reduce((sum, fee) => sum + toMinor(fee.amount, currency), 0);
  const net = details?.net_received_amount;
  if (net === undefined || net <= 0) return undefined;
  return toMinor(payment.transaction_amount, currency) - toMinor(net, currency);
}

const REFUND_STATUS: Record<string, RefundFact["status"]> = {
  approved: "succeeded",
  rejected: "failed",
  cancelled: "failed",
};

const refundFacts = (refunds: readonly RefundResponse[], currency: string): RefundFact[] =>
  refunds.flatMap(({ id, amount, status }) =>
    id === undefined
      ? []
      : [
          {
            providerRefundId: String(id),
            amountMinor: toMinor(amount, currency),
            status: REFUND_STATUS[status ?? ""] ?? "pending",
          },
        ],
  );

function dataIdOf(body: Record<string, unknown>): string | undefined {
  const data = body["data"];
  if (typeof data !== "object" || data === null) return undefined;
  const { id } = data as { id?: unknown };
  return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
}

function readEvent(body: Buffer): ProviderEvent {
  const raw = parseWebhook(body);
  const dataId = dataIdOf(raw);
  const [id, type, action] = [raw["id"], raw["type"], raw["action"]];
  if (dataId === undefined || (typeof id !== "string" && typeof id !== "number") || typeof type !== "string")
    throw new WebhookRefused("the body is no notification of Mercado Pago");
  const created = typeof raw["date_created"] === "string" ? Date.parse(raw["date_created"]) : Number.NaN;
  return {
    eventId: String(id),
    type: typeof action === "string" ? action : type,
    occurredAt: Number.isNaN(created) ? undefined : new Date(created),
    about: type === "payment" ? { providerPaymentId: dataId } : undefined,
  };
}

/** The SDK's errors → ours. */
async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof MercadoPagoError)) throw cause;
    const { status } = cause;
    // 423, 424, 429 and 409 pass by themselves; 401 and 403 are our keys, which a person will set right.
    const later = status === 0 || status >= 500 || [401, 403, 409, 423, 424, 429].includes(status);
    const code = cause.error === "" ? `HTTP_${status}` : cause.error;
    throw new ProviderFault(later ? "unreachable" : "refused", code, `Mercado Pago: ${cause.message}`, {
      cause,
    });
  }
}
