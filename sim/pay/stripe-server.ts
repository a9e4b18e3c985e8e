/**
 * A stand-in for Stripe: Checkout Sessions, payment intents with manual capture, refunds, disputes, balance
 * transactions (`stripe-balance.ts`), payouts and signed events, in the shapes of the pinned API version. What a
 * card does is told by `pay`. It keeps no card data, since none is ever sent to it.
 */
import { randomBytes } from "node:crypto";
import { Stripe } from "stripe";
import { createBalance, type StripeBalance } from "./stripe-balance.ts";
import { startPayServer, type PayServer, type Request, type Response, type Webhook } from "./server.ts";

type Session = {
  id: string;
  object: "checkout.session";
  status: "open" | "complete" | "expired";
  payment_status: "unpaid" | "paid";
  payment_intent: string | null;
  metadata: Record<string, string>;
  client_reference_id: string | null;
  url: string | null;
  expires_at: number;
  amount_total: number;
  currency: string;
};
type Intent = {
  id: string;
  object: "payment_intent";
  status: Stripe.PaymentIntent["status"];
  amount: number;
  amount_capturable: number;
  amount_received: number;
  currency: string;
  capture_method: "manual";
  cancellation_reason: string | null;
  last_payment_error: { code: string; decline_code?: string; message: string } | null;
  latest_charge: string | null;
  metadata: Record<string, string>;
  created: number;
};
type Refund = {
  id: string;
  object: "refund";
  amount: number;
  currency: string;
  payment_intent: string;
  charge: string | null;
  metadata: Record<string, string>;
  status: string;
  created: number;
  balance_transaction: string | null;
};
type Dispute = {
  id: string;
  object: "dispute";
  amount: number;
  currency: string;
  payment_intent: string;
  charge: string | null;
  reason: string;
  status: string;
  created: number;
  balance_transactions: object[];
};

/** What the payer's card does: `authenticate` asks for 3-D Secure and waits. */
export type CardOutcome = "authorize" | "decline" | "authenticate";

export type StripeServer = PayServer & {
  /** What it keeps, in which currency, and what it pays out. */
  balance: StripeBalance;
  webhookSecret: string;
  /** The payer acts on the hosted page. */
  pay: (sessionId: string, outcome: CardOutcome) => void;
  /** Nobody came to the page in time. */
  expire: (sessionId: string) => void;
  /** The card's bank lets the authorization lapse. */
  lapse: (intentId: string) => void;
  refundStatus: "succeeded" | "pending" | "failed";
  settleRefund: (refundId: string, status: "succeeded" | "failed") => void;
  dispute: (intentId: string, status: string) => void;
  sessionOf: (paymentId: string) => Session;
  intentOf: (paymentId: string) => Intent;
};

const id = (prefix: string) => `${prefix}_${randomBytes(12).toString("hex")}`;
const nowS = () => Math.trunc(Date.now() / 1_000);
const missing = (what: string): Response => ({
  status: 404,
  body: { error: { type: "invalid_request_error", code: "resource_missing", message: `No such ${what}` } },
});
const notAllowed: Response = {
  status: 403,
  body: {
    error: {
      type: "invalid_request_error",
      message: "The provided key does not have the required permissions for this endpoint",
    },
  },
};
const wrongState = (message: string): Response => ({
  status: 400,
  body: { error: { type: "invalid_request_error", code: "payment_intent_unexpected_state", message } },
});

/** Form fields `a[b]` of one object. */
const nested = (form: URLSearchParams, name: string): Record<string, string> =>
  Object.fromEntries(
    [...form]
      .filter(([key]) => key.startsWith(`${name}[`) && key.endsWith("]"))
      .map(([key, value]) => [key.slice(name.length + 1, -1), value]),
  );

/** @param webhookPath where events go, on whatever server they are delivered to. */
export async function startStripeServer(webhookPath: () => string): Promise<StripeServer> {
  const sessions = new Map<string, Session>();
  const intents = new Map<string, Intent>();
  const refunds = new Map<string, Refund>();
  const disputes = new Map<string, Dispute>();
  const webhookSecret = `whsec_${randomBytes(24).toString("base64")}`;
  const signer = new Stripe("sk_test_signer");

  function emit(type: string, object: object): void {
    const body = JSON.stringify({
      ...{ id: id("evt"), object: "event", type, api_version: "2026-10-28.endive", created: nowS() },
      ...{ livemode: false, pending_webhooks: 1, request: null, data: { object: structuredClone(object) } },
    });
    const signature = signer.webhooks.generateTestHeaderString({ payload: body, secret: webhookSecret });
    const webhook: Webhook = {
      path: webhookPath(),
      headers: { "stripe-signature": signature, "content-type": "application/json" },
      body,
      id: (JSON.parse(body) as { id: string }).id,
    };
    server.outbox.push(webhook);
  }

  const balance = createBalance(emit);

  const charge = (intent: Intent, expanded = false) => ({
    id: intent.latest_charge,
    object: "charge",
    amount: intent.amount,
    amount_captured: intent.amount_received,
    currency: intent.currency,
    payment_intent: intent.id,
    metadata: intent.metadata,
    balance_transaction: balance.of(intent.latest_charge ?? "", expanded),
    disputed: [...disputes.values()].some((dispute) => dispute.payment_intent === intent.id),
  });

  function createSession(form: URLSearchParams): Response {
    if (form.get("payment_intent_data[capture_method]") !== "manual")
      return wrongState("capture_method is not manual");
    const expiresAt = Number(form.get("expires_at"));
    if (expiresAt < nowS() + 30 * 60 || expiresAt > nowS() + 86_400)
      return wrongState("The `expires_at` timestamp must be within 30 minutes and 24 hours from creation");
    const session: Session = {
      ...{ id: id("cs_test"), object: "checkout.session", status: "open", payment_status: "unpaid" },
      ...{ payment_intent: null, metadata: nested(form, "metadata"), expires_at: expiresAt },
      client_reference_id: form.get("client_reference_id"),
      amount_total: Number(form.get("line_items[0][price_data][unit_amount]")),
      currency: form.get("line_items[0][price_data][currency]") ?? "",
      url: null,
    };
    session.url = `https://checkout.stripe.test/c/pay/${session.id}`;
    sessions.set(session.id, session);
    return { status: 200, body: session };
  }

  function cancelIntent(intent: Intent, reason: string): Response {
    if (intent.status === "succeeded" || intent.status === "canceled")
      return wrongState(`You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`);
    Object.assign(intent, { status: "canceled", cancellation_reason: reason, amount_capturable: 0 });
    emit("payment_intent.canceled", intent);
    return { status: 200, body: intent };
  }

  function capture(intent: Intent, form: URLSearchParams): Response {
    if (intent.status !== "requires_capture")
      return wrongState(
        `This PaymentIntent could not be captured because it has a status of ${intent.status}.`,
      );
    const amount = Number(form.get("amount_to_capture") ?? intent.amount_capturable);
    if (amount <= 0 || amount > intent.amount_capturable)
      return {
        status: 400,
        body: { error: { type: "invalid_request_error", code: "amount_too_large", message: "too much" } },
      };
    Object.assign(intent, { status: "succeeded", amount_received: amount, amount_capturable: 0 });
    emit("payment_intent.succeeded", intent);
    const entry = { type: "charge", amount, currency: intent.currency };
    balance.enter(intent.latest_charge ?? "", entry, () => emit("charge.updated", charge(intent)));
    return { status: 200, body: intent };
  }

  function createRefund(form: URLSearchParams): Response {
    const intent = intents.get(form.get("payment_intent") ?? "");
    if (intent === undefined) return missing("payment_intent");
    const amount = Number(form.get("amount"));
    const back = [...refunds.values()]
      .filter((r) => r.payment_intent === intent.id && r.status !== "failed")
      .reduce((sum, r) => sum + r.amount, 0);
    if (amount > intent.amount_received - back)
      return {
        status: 400,
        body: {
          error: { type: "invalid_request_error", code: "charge_already_refunded", message: "too much" },
        },
      };
    const refund: Refund = {
      ...{ id: id("re"), object: "refund", amount, currency: intent.currency, payment_intent: intent.id },
      ...{ charge: intent.latest_charge, metadata: nested(form, "metadata"), created: nowS() },
      ...{ status: server.refundStatus, balance_transaction: null },
    };
    balance.enter(refund.id, { type: "refund", amount: -amount, currency: intent.currency });
    refunds.set(refund.id, refund);
    emit("refund.created", refund);
    return { status: 200, body: refund };
  }

  const expandOf = ({ query }: Request) =>
    new Set([...query].filter(([name]) => name.startsWith("expand[")).map(([, value]) => value));

  function handle(request: Request): Response {
    // A key of fewer rights: what is refused is refused as a whole.
    const books = [...expandOf(request)].some((path) => path.endsWith("balance_transaction"));
    if (!balance.readable && (books || request.path === "/v1/payouts")) return notAllowed;
    const form = new URLSearchParams(request.body);
    const [, , noun = "", key = "", verb, last] = request.path.split("/");
    const list = (data: object[]): Response => ({
      status: 200,
      body: { object: "list", data, has_more: false, url: request.path },
    });
    const ofIntent = (x: { payment_intent: string }) =>
      x.payment_intent === request.query.get("payment_intent");
    if (noun === "checkout") {
      if (request.method === "POST" && verb === undefined) return createSession(form);
      const session = sessions.get(verb ?? "");
      if (session === undefined) return missing("checkout.session");
      if (request.method === "GET") return { status: 200, body: session };
      if (last === "expire" && session.status === "open") {
        server.expire(session.id);
        return { status: 200, body: session };
      }
      return wrongState('Only Checkout Sessions with a status in ["open"] can be expired.');
    }
    if (noun === "payment_intents") {
      const intent = intents.get(key);
      if (intent === undefined) return missing("payment_intent");
      if (verb === "capture") return capture(intent, form);
      if (verb === "cancel") return cancelIntent(intent, form.get("cancellation_reason") ?? "automatic");
      const expand = expandOf(request);
      const latest_charge = charge(intent, expand.has("latest_charge.balance_transaction"));
      const expanded = expand.has("latest_charge") && intent.latest_charge !== null;
      return { status: 200, body: expanded ? { ...intent, latest_charge } : intent };
    }
    if (noun === "refunds" && request.method === "POST") return createRefund(form);
    if (noun === "refunds") {
      const expanded = expandOf(request).has("data.balance_transaction");
      const entered = (r: Refund) => ({ ...r, balance_transaction: balance.of(r.id, expanded) });
      return list([...refunds.values()].filter(ofIntent).map(entered));
    }
    if (noun === "payouts") return balance.list(request);
    if (noun === "disputes") return list([...disputes.values()].filter(ofIntent));
    return missing(request.path);
  }

  function intentFor(session: Session): Intent {
    const known = intents.get(session.payment_intent ?? "");
    if (known !== undefined) return known;
    const intent: Intent = {
      ...{
        id: id("pi"),
        object: "payment_intent",
        status: "requires_payment_method",
        amount: session.amount_total,
      },
      ...{ amount_capturable: 0, amount_received: 0, currency: session.currency, capture_method: "manual" },
      ...{ cancellation_reason: null, last_payment_error: null, latest_charge: null },
      ...{ metadata: session.metadata, created: nowS() },
    };
    intents.set(intent.id, intent);
    session.payment_intent = intent.id;
    emit("payment_intent.created", intent);
    return intent;
  }

  const found = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the stand-in for Stripe knows no such object");
    return value;
  };

  function pay(sessionId: string, outcome: CardOutcome): void {
    const session = found(sessions.get(sessionId));
    if (session.status !== "open") throw new Error(`the page is ${session.status}`);
    const intent = intentFor(session);
    switch (outcome) {
      case "decline":
        intent.status = "requires_payment_method";
        intent.last_payment_error = {
          code: "card_declined",
          decline_code: "insufficient_funds",
          message: "declined",
        };
        return emit("payment_intent.payment_failed", intent);
      case "authenticate":
        intent.status = "requires_action";
        return emit("payment_intent.requires_action", intent);
      case "authorize":
        Object.assign(intent, {
          status: "requires_capture",
          amount_capturable: intent.amount,
          latest_charge: id("ch"),
        });
        intent.last_payment_error = null;
        session.status = "complete";
        emit("payment_intent.amount_capturable_updated", intent);
        return emit("checkout.session.completed", session);
    }
  }

  const server: StripeServer = Object.assign(await startPayServer(handle, "idempotency-key"), {
    ...{ webhookSecret, balance },
    refundStatus: "succeeded" as const,
    pay,
    expire(sessionId: string) {
      const session = found(sessions.get(sessionId));
      session.status = "expired";
      const intent = intents.get(session.payment_intent ?? "");
      if (intent !== undefined) cancelIntent(intent, "expired");
      emit("checkout.session.expired", session);
    },
    lapse: (intentId: string) => void cancelIntent(found(intents.get(intentId)), "automatic"),
    settleRefund(refundId: string, status: "succeeded" | "failed") {
      const refund = found(refunds.get(refundId));
      refund.status = status;
      emit(status === "failed" ? "refund.failed" : "refund.updated", refund);
    },
    dispute(intentId: string, status: string) {
      const intent = found(intents.get(intentId));
      const known = [...disputes.values()].find((dispute) => dispute.payment_intent === intentId);
      const dispute: Dispute = known ?? {
        ...{ id: id("du"), object: "dispute", amount: intent.amount_received, currency: intent.currency },
        ...{
          payment_intent: intentId,
          charge: intent.latest_charge,
          reason: "fraudulent",
          created: nowS(),
          status,
        },
        balance_transactions: [],
      };
      dispute.status = status;
      disputes.set(dispute.id, dispute);
      // Taken with the first word that is no warning, given back when it is won.
      const taken = dispute.balance_transactions.length > 0;
      const entry = (sign: -1 | 1) =>
        balance.entry({
          ...{ type: "adjustment", amount: sign * dispute.amount, currency: dispute.currency },
          fee: sign < 0 ? balance.disputeFee : 0,
        });
      if (!taken && !status.startsWith("warning")) dispute.balance_transactions.push(entry(-1));
      if (taken && status === "won") dispute.balance_transactions.push(entry(1));
      emit(known === undefined ? "charge.dispute.created" : "charge.dispute.closed", dispute);
    },
    sessionOf: (paymentId: string) =>
      found([...sessions.values()].find((s) => s.metadata["payment_id"] === paymentId)),
    intentOf: (paymentId: string) =>
      found([...intents.values()].find((i) => i.metadata["payment_id"] === paymentId)),
  });
  return server;
}
