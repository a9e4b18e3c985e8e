/**
 * One suite for every payment provider, on real wires: the official SDKs against local servers that speak the
 * providers' APIs, and the sandbox on its database.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMercadoPagoServer, type MercadoPagoServer } from "../../sim/pay/mercado-pago-server.ts";
import type { PayServer } from "../../sim/pay/server.ts";
import { startStripeServer, type StripeServer } from "../../sim/pay/stripe-server.ts";
import {
  applyFacts,
  isGood,
  newPayment,
  refundedMinor,
  statusOf,
  type PaymentFlow,
} from "../core/payment.ts";
import { feeMinorIn } from "../core/settlement.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { createMercadoPago } from "./mercado-pago.ts";
import {
  ProviderFault,
  WebhookRefused,
  type NewCheckout,
  type PaymentRef,
  type Provider,
  type Told,
  type WebhookRequest,
} from "./provider.ts";
import { createSandbox, decideSandboxCheckout, sandboxWebhook } from "./sandbox.ts";
import { createStripe } from "./stripe.ts";

const TIMEOUT_MS = 400;

let db: TestDb;
let stripe: StripeServer;
let pix: MercadoPagoServer;
beforeAll(async () => {
  db = await openTestDb();
  stripe = await startStripeServer(() => "/hook");
  pix = await startMercadoPagoServer();
  Object.assign(stripe.balance, { feeBp: 100, feeFixed: 39 });
  pix.feeBp = 99;
});
afterAll(async () => {
  await Promise.all([stripe.stop(), pix.stop(), db.close()]);
});

type Bench = {
  provider: Provider;
  /** The payer pays, and the provider says so: what it has to say. */
  pay: (ref: PaymentRef) => Promise<WebhookRequest>;
  /** Nobody comes. */
  expire: (ref: PaymentRef) => Promise<void>;
  wire: PayServer | undefined;
  /** Kept of what is captured in the test of it; absent: nothing. */
  feeMinor?: number;
};

const hookOf = (server: PayServer): WebhookRequest => {
  const webhook = server.outbox.at(-1);
  if (webhook === undefined) throw new Error("the provider has said nothing");
  const { searchParams } = new URL(webhook.path, "http://x");
  return {
    headers: webhook.headers,
    query: Object.fromEntries(searchParams),
    body: Buffer.from(webhook.body),
  };
};

const sandboxBench = (flow: PaymentFlow) => (): Bench => {
  const webhookSecret = "sandbox-secret";
  const publicUrl = "http://127.0.0.1:1";
  return {
    provider: createSandbox({ pool: db.pool, operatorId: "default", flow, webhookSecret, publicUrl }),
    async pay(ref) {
      await decideSandboxCheckout(db.pool, ref.checkoutId ?? "", true);
      return sandboxWebhook(webhookSecret, ref.paymentId, "paid");
    },
    expire: async (ref) => {
      await db.pool.query(
        "update sandbox_payment set expires_at = now() - interval '1 s' where sandbox_id = $1",
        [ref.checkoutId],
      );
    },
    wire: undefined,
  };
};

const benches: Record<string, () => Bench> = {
  stripe: () => {
    const secrets = { secretKey: "sk_test_local", webhookSecret: stripe.webhookSecret };
    return {
      provider: createStripe(secrets, stripe.url, TIMEOUT_MS),
      async pay(ref) {
        stripe.pay(ref.checkoutId ?? "", "authorize");
        // The page is complete a moment later; the intent has told before.
        stripe.outbox.pop();
        return hookOf(stripe);
      },
      expire: async (ref) => stripe.expire(ref.checkoutId ?? ""),
      wire: stripe,
      // 1 % of 32.00, and 0.39.
      feeMinor: 71,
    };
  },
  "mercado-pago": () => {
    const secrets = { accessToken: "TEST-1", webhookSecret: pix.webhookSecret };
    return {
      provider: createMercadoPago(secrets, { payerEmail: "guest@operator.test" }, pix.url, TIMEOUT_MS),
      async pay(ref) {
        pix.pay(ref.paymentId);
        return hookOf(pix);
      },
      expire: async (ref) => pix.expire(ref.paymentId),
      wire: pix,
      // 0.99 % of 50.00.
      feeMinor: 50,
    };
  },
  "sandbox, cards": sandboxBench("authorize"),
  "sandbox, prepaid": sandboxBench("prepay"),
};

const newCheckout = (more: Partial<NewCheckout> = {}): NewCheckout => {
  const paymentId = randomUUID();
  return {
    ...{ paymentId, amountMinor: 5_000, currency: "BRL", description: "Garagem, 1", language: "pt-BR" },
    ...{ email: undefined, taxId: { type: "CPF", number: "52998224725" } },
    ...{ returnUrl: "http://127.0.0.1:1/g/x", webhookUrl: "http://127.0.0.1:1/hook" },
    expiresAt: new Date(Date.now() + 40 * 60_000),
    idempotencyKey: `${paymentId}:checkout`,
    ...more,
  };
};

const fault = async (work: Promise<unknown>): Promise<ProviderFault> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderFault);
  return error as ProviderFault;
};

/** State after what was told, in this order. */
const stateOf = (flow: PaymentFlow, ...told: Told[]) =>
  told.reduce((state, { facts }) => applyFacts(state, facts).state, newPayment(flow));

describe.each(Object.entries(benches))("%s", (_name, make) => {
  let bench: Bench;
  let provider: Provider;
  beforeAll(() => {
    bench = make();
    provider = bench.provider;
  });

  async function opened(): Promise<{
    ref: PaymentRef;
    checkout: Awaited<ReturnType<Provider["createCheckout"]>>;
  }> {
    const asked = newCheckout();
    const checkout = await provider.createCheckout(asked);
    const { checkoutId, providerPaymentId } = checkout;
    return { checkout, ref: { paymentId: asked.paymentId, currency: "BRL", checkoutId, providerPaymentId } };
  }

  async function paid(): Promise<PaymentRef> {
    const { ref } = await opened();
    await bench.pay(ref);
    const { providerPaymentId = ref.providerPaymentId } = await provider.fetch(ref);
    return { ...ref, providerPaymentId };
  }

  test("a place to pay, open until then; asked for twice it is one", async () => {
    const asked = newCheckout();
    const checkout = await provider.createCheckout(asked);
    expect(checkout.url ?? checkout.pixCode).toBeTruthy();
    expect(checkout.expiresAt.getTime()).toBeGreaterThan(Date.now() + 60_000);
    expect(statusOf(stateOf(provider.flow, checkout))).toBe("pending");
    const again = await provider.createCheckout(asked);
    expect([again.checkoutId, again.providerPaymentId, again.pixCode]).toEqual([
      ...[checkout.checkoutId, checkout.providerPaymentId, checkout.pixCode],
    ]);
  });

  test("paid: told by a webhook that is theirs, and by asking", async () => {
    const { ref } = await opened();
    const webhook = await bench.pay(ref);
    provider.verifyWebhook(webhook);
    const event = provider.readEvent(webhook.body);
    expect(event.eventId).toBeTruthy();
    const { paymentId, providerPaymentId, checkoutId } = event.about ?? {};
    const known = paymentId === ref.paymentId || checkoutId === ref.checkoutId;
    expect(known || providerPaymentId === ref.providerPaymentId).toBe(true);
    const told = event.told ?? (await provider.fetch(ref));
    expect(isGood(stateOf(provider.flow, told))).toBe(true);
    const asked = await provider.fetch(ref);
    expect(statusOf(stateOf(provider.flow, asked))).toBe(provider.flow === "prepay" ? "paid" : "authorized");
  });

  test("a webhook that was changed, unsigned or is none is refused", async () => {
    const { ref } = await opened();
    const webhook = await bench.pay(ref);
    const other = Buffer.from(
      webhook.body.toString().replaceAll(/\d(?=\d)/g, (d) => String((Number(d) + 1) % 10)),
    );
    const signature = Object.keys(webhook.headers).find((name) => name.endsWith("-signature")) ?? "";
    const spoilt = String(webhook.headers[signature]).replace(/[0-9a-f]$/, (d) => (d === "0" ? "1" : "0"));
    for (const bad of [
      { ...webhook, body: other },
      { ...webhook, headers: {} },
      { ...webhook, headers: { ...webhook.headers, [signature]: spoilt } },
      { ...webhook, headers: { ...webhook.headers, [signature]: "ts=1,v1=0" } },
    ])
      expect(() => provider.verifyWebhook(bad)).toThrow(WebhookRefused);
    for (const body of ["", "[]", "{}", "null", '{"id":1}'])
      expect(() => provider.readEvent(Buffer.from(body))).toThrow(WebhookRefused);
  });

  test("nobody pays: it expires; one that is open is closed, and stays closed", async () => {
    const first = await opened();
    await bench.expire(first.ref);
    expect(statusOf(stateOf(provider.flow, await provider.fetch(first.ref)))).toBe("expired");
    const { ref } = await opened();
    const told = await provider.cancel(ref, { idempotencyKey: `${ref.paymentId}:cancel` });
    expect(["cancelled", "expired"]).toContain(statusOf(stateOf(provider.flow, told)));
    expect(["cancelled", "expired"]).toContain(statusOf(stateOf(provider.flow, await provider.fetch(ref))));
    const again = await provider.cancel(ref, { idempotencyKey: `${ref.paymentId}:cancel:2` });
    expect(isGood(stateOf(provider.flow, again))).toBe(false);
  });

  test("the price is taken, the rest let go; a part goes back, then the rest, never more", async () => {
    const ref = await paid();
    if (provider.flow === "authorize") {
      const write = { amountMinor: 3_200, idempotencyKey: `${ref.paymentId}:capture` };
      const taken = await provider.capture(ref, write);
      expect(taken.facts.capturedMinor).toBe(3_200);
      expect((await provider.capture(ref, write)).facts.capturedMinor).toBe(3_200);
      const twice = { amountMinor: 100, idempotencyKey: `${ref.paymentId}:capture:2` };
      expect((await fault(provider.capture(ref, twice))).kind).toBe("refused");
    }
    const captured = provider.flow === "authorize" ? 3_200 : 5_000;
    const kept = await provider.cancel(ref, { idempotencyKey: `${ref.paymentId}:late-cancel` });
    expect(kept.facts.capturedMinor).toBe(captured);
    const refund = async (amountMinor: number, refundId: string = randomUUID()) =>
      provider.refund(ref, { refundId, amountMinor, idempotencyKey: refundId });
    const first = randomUUID();
    await refund(1_234, first);
    await refund(1_234, first);
    const part = stateOf(provider.flow, await provider.fetch(ref));
    expect([refundedMinor(part), statusOf(part)]).toEqual([1_234, "partially_refunded"]);
    expect((await fault(refund(captured))).kind).toBe("refused");
    await refund(captured - 1_234);
    expect(statusOf(stateOf(provider.flow, await provider.fetch(ref)))).toBe("refunded");
  });

  test("what is kept of it is told once money has come, again and again the same", async () => {
    const ref = await paid();
    if (provider.flow === "authorize") {
      const write = { amountMinor: 3_200, idempotencyKey: `${ref.paymentId}:capture` };
      expect((await provider.fetch(ref)).facts.settlements).toBeUndefined();
      await provider.capture(ref, write);
    }
    const [first, second] = [await provider.fetch(ref), await provider.fetch(ref)];
    expect(first.facts.settlements).toMatchObject([
      { of: "charge", currency: "BRL", feeMinor: bench.feeMinor ?? 0 },
    ]);
    expect(second.facts.settlements).toEqual(first.facts.settlements);
    expect(feeMinorIn(stateOf(provider.flow, first, second).settlements, "BRL")).toBe(bench.feeMinor ?? 0);
  });

  test("a debt: the whole amount is taken, from the least that the provider takes on", async () => {
    const least = provider.leastMinor("BRL");
    expect(Number.isInteger(least) && least >= 1 && least <= 100).toBe(true);
    const ref = await paid();
    if (provider.flow === "authorize")
      await provider.capture(ref, { amountMinor: 5_000, idempotencyKey: `${ref.paymentId}:capture:5000` });
    const whole = stateOf(provider.flow, await provider.fetch(ref));
    expect([whole.capturedMinor, isGood(whole)]).toEqual([5_000, true]);
    // Closed too late: it tells that it was paid, and keeps it.
    const late = await provider.cancel(ref, { idempotencyKey: `${ref.paymentId}:cancel` });
    expect(stateOf(provider.flow, late).capturedMinor).toBe(5_000);
  });

  test("what was authorized is let go", async () => {
    if (provider.flow === "prepay") return;
    const ref = await paid();
    const told = await provider.cancel(ref, { idempotencyKey: `${ref.paymentId}:cancel` });
    expect(statusOf(stateOf("authorize", told))).toBe("cancelled");
    const write = { amountMinor: 100, idempotencyKey: `${ref.paymentId}:capture` };
    expect((await fault(provider.capture(ref, write))).kind).toBe("refused");
  });

  test("no answer, or a lost one: asked again with the same key it is done once", async () => {
    const { wire } = bench;
    if (wire === undefined) return;
    const ref = await paid();
    if (provider.flow === "authorize") {
      await provider.capture(ref, { amountMinor: 5_000, idempotencyKey: `${ref.paymentId}:capture` });
    }
    const refundId = randomUUID();
    const write = { refundId, amountMinor: 700, idempotencyKey: refundId };
    for (const how of ["hang", { status: 503 }, { status: 429 }, "lose"] as const) {
      // The SDK of Stripe sends again by itself what went out on a connection that was cut.
      const times = how === "lose" && provider.kind === "stripe" ? 2 : 1;
      wire.fault({ method: "POST", path: /refunds/, how, times });
      expect((await fault(provider.refund(ref, write))).kind).toBe("unreachable");
    }
    await provider.refund(ref, write);
    expect(refundedMinor(stateOf(provider.flow, await provider.fetch(ref)))).toBe(700);
  });
});

describe("what only one of them can do", () => {
  test("Stripe: 3-D Secure waits, a declined card may be followed by a good one", async () => {
    const { provider } = benches["stripe"]!();
    const asked = newCheckout();
    const { checkoutId } = await provider.createCheckout(asked);
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId, providerPaymentId: undefined };
    stripe.pay(checkoutId ?? "", "authenticate");
    expect(statusOf(stateOf("authorize", await provider.fetch(ref)))).toBe("pending");
    stripe.pay(checkoutId ?? "", "decline");
    const declined = await provider.fetch(ref);
    expect([statusOf(stateOf("authorize", declined)), declined.declineCode]).toEqual([
      "failed",
      "insufficient_funds",
    ]);
    stripe.pay(checkoutId ?? "", "authorize");
    expect(statusOf(stateOf("authorize", await provider.fetch(ref)))).toBe("authorized");
    stripe.lapse(stripe.intentOf(asked.paymentId).id);
    expect(statusOf(stateOf("authorize", await provider.fetch(ref)))).toBe("cancelled");
  });

  test("Stripe: somebody pays while the page is closed; what was authorized is let go all the same", async () => {
    const { provider } = benches["stripe"]!();
    const asked = newCheckout();
    const { checkoutId = "" } = await provider.createCheckout(asked);
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId, providerPaymentId: undefined };
    const { requests } = stripe;
    const push = requests.push.bind(requests);
    requests.push = (request) => {
      if (request.path.endsWith("/expire")) stripe.pay(checkoutId, "authorize");
      return push(request);
    };
    const write = { idempotencyKey: `${asked.paymentId}:cancel` };
    try {
      expect((await fault(provider.cancel(ref, write))).kind).toBe("refused");
    } finally {
      requests.push = push;
    }
    expect(statusOf(stateOf("authorize", await provider.cancel(ref, write)))).toBe("cancelled");
  });

  test("Stripe: a refund that a bank sends back, a dispute won and one lost", async () => {
    const { provider } = benches["stripe"]!();
    const asked = newCheckout();
    const { checkoutId } = await provider.createCheckout(asked);
    stripe.pay(checkoutId ?? "", "authorize");
    const { id } = stripe.intentOf(asked.paymentId);
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId, providerPaymentId: id };
    await provider.capture(ref, { amountMinor: 4_000, idempotencyKey: randomUUID() });
    stripe.refundStatus = "pending";
    const write = { refundId: randomUUID(), amountMinor: 500, idempotencyKey: randomUUID() };
    const [refund] = (await provider.refund(ref, write)).facts.refunds ?? [];
    stripe.refundStatus = "succeeded";
    expect(refund).toMatchObject({ status: "pending", refundId: write.refundId });
    stripe.settleRefund(refund?.providerRefundId ?? "", "failed");
    const event = provider.readEvent(hookOf(stripe).body);
    expect(event.about?.paymentId).toBe(asked.paymentId);
    expect(event.told?.facts.refunds?.[0]?.status).toBe("failed");
    for (const [status, state] of [
      ["warning_needs_response", undefined],
      ["needs_response", "open"],
      ["won", "won"],
      ["lost", "lost"],
    ] as const) {
      stripe.dispute(id, status);
      expect(provider.readEvent(hookOf(stripe).body).told?.facts.dispute?.state).toBe(state);
      expect((await provider.fetch(ref)).facts.dispute?.state).toBe(state);
    }
  });

  test("Stripe: an entry of its books that is late, of a refund and a dispute, and a key that may not see them", async () => {
    const { provider } = benches["stripe"]!();
    const asked = newCheckout();
    const { checkoutId } = await provider.createCheckout(asked);
    stripe.pay(checkoutId ?? "", "authorize");
    const { id } = stripe.intentOf(asked.paymentId);
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId, providerPaymentId: id };
    const { balance } = stripe;
    Object.assign(balance, { late: true, disputeFee: 1_500 });
    await provider.capture(ref, { amountMinor: 4_000, idempotencyKey: randomUUID() });
    expect((await provider.fetch(ref)).facts).not.toHaveProperty("settlements");
    balance.settle();
    balance.late = false;
    const event = provider.readEvent(hookOf(stripe).body);
    expect(event).toMatchObject({ type: "charge.updated", about: { paymentId: asked.paymentId } });
    expect(event.told).toBeUndefined();
    await provider.refund(ref, { refundId: randomUUID(), amountMinor: 500, idempotencyKey: randomUUID() });
    stripe.dispute(id, "needs_response");
    const taken = provider.readEvent(hookOf(stripe).body).told?.facts.settlements;
    expect(taken).toMatchObject([{ of: "dispute", feeMinor: 1_500, currency: "BRL" }]);
    const { facts } = await provider.fetch(ref);
    expect(facts.settlements?.map(({ of, feeMinor }) => [of, feeMinor])).toEqual([
      ["charge", 79],
      ["refund", 0],
      ["dispute", 1_500],
    ]);
    balance.readable = false;
    const blind = (await provider.fetch(ref)).facts;
    balance.readable = true;
    expect(blind).toMatchObject({ capturedMinor: 4_000, dispute: { state: "open" } });
    expect(blind.settlements?.map(({ of }) => of)).toEqual(["dispute"]);
  });

  test("Stripe: in another currency, both amounts are told; payouts by webhook and by pages", async () => {
    const { provider } = benches["stripe"]!();
    const { balance } = stripe;
    const asked = newCheckout();
    const { checkoutId } = await provider.createCheckout(asked);
    stripe.pay(checkoutId ?? "", "authorize");
    const { id } = stripe.intentOf(asked.paymentId);
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId, providerPaymentId: id };
    balance.settles = { currency: "usd", rate: 0.2 };
    await provider.capture(ref, { amountMinor: 4_000, idempotencyKey: randomUUID() });
    balance.settles = undefined;
    expect((await provider.fetch(ref)).facts.settlements).toMatchObject([
      { currency: "USD", feeMinor: 47, exchanged: { fromMinor: 4_000, toMinor: 800 } },
    ]);
    const since = new Date(Date.now() - 60_000);
    const ids = Array.from({ length: 130 }, () => balance.payOut(100, "brl", { fee: 2 }));
    balance.payoutEnds(ids[0] ?? "", "failed");
    expect(provider.readEvent(hookOf(stripe).body).payout).toMatchObject({
      ...{ payoutId: ids[0], status: "failed", amountMinor: 100, currency: "BRL" },
      failure: "The account is closed.",
    });
    const first = await provider.payouts?.(since, undefined);
    const second = await provider.payouts?.(since, first?.next);
    expect([first?.payouts.length, second?.payouts.length, second?.next]).toEqual([100, 30, undefined]);
    const told = [...(first?.payouts ?? []), ...(second?.payouts ?? [])];
    expect(told.map(({ payoutId }) => payoutId)).toEqual(ids.toReversed());
    expect(told.every(({ feeMinor }) => feeMinor === 2)).toBe(true);
    expect((await provider.payouts?.(new Date(Date.now() + 60_000), undefined))?.payouts).toEqual([]);
    // Amounts that Stripe counts in other units than we do are left to people.
    balance.payOut(100, "isk");
    expect(provider.readEvent(hookOf(stripe).body).payout).toBeUndefined();
  });

  test("Mercado Pago: the fee by charges, by fees, or by what is received; the newest word counts", async () => {
    const { provider, pay } = benches["mercado-pago"]!();
    const asked = newCheckout();
    const { providerPaymentId } = await provider.createCheckout(asked);
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId: undefined, providerPaymentId };
    expect((await provider.fetch(ref)).facts.settlements).toBeUndefined();
    await pay(ref);
    const first = await provider.fetch(ref);
    pix.returnFee(asked.paymentId, 0.2);
    const second = await provider.fetch(ref);
    const feeOf = (...told: Told[]) => feeMinorIn(stateOf("prepay", ...told).settlements, "BRL");
    expect([feeOf(first), feeOf(first, second), feeOf(second, first)]).toEqual([50, 30, 30]);
    const own = pix.pixOf(asked.paymentId);
    Object.assign(own, { charges_details: [], fee_details: [] });
    expect(feeOf(await provider.fetch(ref))).toBe(50);
    own.transaction_details.net_received_amount = 0;
    expect(feeOf(await provider.fetch(ref))).toBeUndefined();
  });

  test("Mercado Pago: a refund between the banks, a Pix that is charged back, an id that was not signed", async () => {
    const { provider, pay } = benches["mercado-pago"]!();
    const asked = newCheckout({ email: "ana@example.com" });
    const { providerPaymentId } = await provider.createCheckout(asked);
    expect(pix.pixOf(asked.paymentId).payer).toEqual({
      email: "ana@example.com",
      identification: { type: "CPF", number: "52998224725" },
    });
    const ref = { paymentId: asked.paymentId, currency: "BRL", checkoutId: undefined, providerPaymentId };
    await pay(ref);
    pix.refundStatus = "in_process";
    const write = { refundId: randomUUID(), amountMinor: 1_999, idempotencyKey: randomUUID() };
    const [refund] = (await provider.refund(ref, write)).facts.refunds ?? [];
    pix.refundStatus = "approved";
    expect(refund).toMatchObject({ status: "pending", amountMinor: 1_999 });
    pix.settleRefund(Number(refund?.providerRefundId), "approved");
    expect(refundedMinor(stateOf("prepay", await provider.fetch(ref)))).toBe(1_999);
    pix.chargeBack(asked.paymentId, "settled");
    expect((await provider.fetch(ref)).facts.dispute).toMatchObject({ state: "lost", amountMinor: 3_001 });
    const webhook = hookOf(pix);
    const swapped = Buffer.from(webhook.body.toString().replace(String(providerPaymentId), "1"));
    expect(() => provider.verifyWebhook({ ...webhook, body: swapped })).toThrow("another payment");
  });

  test("each of two accounts asks its own server", async () => {
    const elsewhere = await startMercadoPagoServer();
    try {
      const secrets = { accessToken: "TEST-2", webhookSecret: elsewhere.webhookSecret };
      const there = createMercadoPago(secrets, { payerEmail: "a@b.test" }, elsewhere.url, TIMEOUT_MS);
      const { provider: here } = benches["mercado-pago"]!();
      const asked = [newCheckout(), newCheckout(), newCheckout(), newCheckout()];
      await Promise.all(asked.map((checkout, i) => (i % 2 === 0 ? here : there).createCheckout(checkout)));
      for (const [i, { paymentId }] of asked.entries())
        expect((i % 2 === 0 ? pix : elsewhere).pixOf(paymentId).external_reference).toBe(paymentId);
      const keys = elsewhere.requests.map((request) => request.headers["x-idempotency-key"]);
      expect(new Set(keys).size).toBe(keys.length);
    } finally {
      await elsewhere.stop();
    }
  });
});
