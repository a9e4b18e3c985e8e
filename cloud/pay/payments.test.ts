/**
 * Payments between us and the providers: webhooks in any order and number, ones that never come, providers
 * that are ill, refunds of operators, and what the API tells of it.
 */
import { createHash } from "node:crypto";
import { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import type {
  PaymentEventView,
  PaymentFindingView,
  PaymentView,
  RefundView,
} from "../api/payment-schemas.ts";
import { createApiKey } from "../api/actor.ts";
import { Guest, openPayBench, openStand, SETTINGS, type PayBench, type Stand } from "./harness.ts";
import type { Webhook } from "../../sim/pay/server.ts";
import { reconcile } from "./reconcile.ts";
import { workPayments } from "./work.ts";
import { ensureSecretBox, readSecretsKey, secretBox } from "./secrets.ts";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => {
  stand = await openStand(bench);
  bench.stripe.outbox.length = 0;
  bench.pix.outbox.length = 0;
  bench.pix.refundStatus = "approved";
  for (const server of [bench.stripe, bench.pix]) server.recover();
});

const list = async <T>(path: string): Promise<T[]> => {
  const reply = await bench.api.get(path);
  expect(reply.status, reply.text).toBe(200);
  return (reply.body as { items: T[] }).items;
};
const eventsOf = (paymentId: string) => list<PaymentEventView>(`/v1/payment-events?paymentId=${paymentId}`);
const findingsOf = async (paymentId: string) =>
  (await list<PaymentFindingView>("/v1/payment-findings?limit=200"))
    .filter((finding) => finding.paymentId === paymentId)
    .map(({ kind, repaired }) => ({ kind, repaired }));

async function begun(provider: "stripe" | "mercado-pago", more: object = {}): Promise<Guest> {
  const guest = new Guest(bench, stand, provider);
  await guest.begin(more);
  return guest;
}

/** Started and charged; what the provider has to say of the end is not said yet. */
async function charged(provider: "stripe" | "mercado-pago", energyWh = 6_000): Promise<Guest> {
  const guest = await begun(provider);
  await guest.paysAndIsTold();
  await stand.finish("RequestStartTransaction", "succeeded");
  await guest.charges();
  await guest.ends(energyWh);
  return guest;
}

/** Time passes: what is due later is due now. */
const later = (paymentId: string) =>
  bench.db.pool.query(
    `update payment set due_at = case when due_at is null then null else now() end,
       checked_at = checked_at - interval '2 hours',
       check_at = check_at - interval '2 hours', created_at = created_at - interval '2 hours' where payment_id = $1`,
    [paymentId],
  );

describe("webhooks", () => {
  test("in any order and number they end in the same payment and the same books", async () => {
    // One whole story of a card at the provider, with everything it has to say.
    const tell = async (guest: Guest): Promise<Webhook[]> => {
      const { stripe } = bench;
      stripe.pay(stripe.sessionOf(guest.paymentId).id, "decline");
      guest.pays();
      const said = stripe.outbox.splice(0);
      await bench.deliver({ ...stripe, outbox: [...said] });
      await bench.run();
      await stand.finish("RequestStartTransaction", "succeeded");
      await guest.charges();
      await guest.ends(6_000);
      const { id } = stripe.intentOf(guest.paymentId);
      await bench.api.send("POST", `/v1/payments/${guest.paymentId}/refunds`, {
        amountMinor: 300,
        reason: "goodwill",
      });
      await bench.run();
      stripe.dispute(id, "needs_response");
      stripe.dispute(id, "won");
      return [...said, ...stripe.outbox.splice(0)];
    };
    const guest = await begun("stripe");
    const said = await tell(guest);
    await bench.deliver({ ...bench.stripe, outbox: [...said] });
    await bench.run();
    const picture = async () => {
      const { payment, refunds } = await guest.payment();
      const { updatedAt: _updated, ...rest } = payment;
      return {
        rest,
        refunds: refunds.map(({ status, amountMinor }) => [status, amountMinor]),
        owes: await guest.owesMinor(),
      };
    };
    const first = await picture();
    expect(first).toMatchObject({
      ...{
        rest: { status: "partially_refunded", capturedMinor: 1_200 },
        refunds: [["succeeded", 300]],
        owes: 0,
      },
    });
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...said, ...said], { minLength: 1 }), async (again) => {
        // As if nothing of it had ever come.
        await bench.db.pool.query("delete from payment_event where payment_id = $1", [guest.paymentId]);
        expect(await bench.deliver({ ...bench.stripe, outbox: [...again] })).toEqual(again.map(() => 200));
        await bench.run();
        expect(await picture()).toEqual(first);
      }),
      { numRuns: scaled(12) },
    );
  });

  test("a bank wants more than it did, gives it back, and takes it again: the books follow", async () => {
    const guest = await charged("stripe");
    const { id } = bench.stripe.intentOf(guest.paymentId);
    const signer = new Stripe("sk_test_signer");
    const told = async (status: string, amount: number) => {
      bench.stripe.outbox.length = 0;
      bench.stripe.dispute(id, status);
      const said = bench.stripe.outbox.splice(0).map((webhook) => {
        const event = JSON.parse(webhook.body) as { data: { object: { amount: number } } };
        event.data.object.amount = amount;
        const body = JSON.stringify(event);
        const { webhookSecret: secret } = bench.stripe;
        const signature = signer.webhooks.generateTestHeaderString({ payload: body, secret });
        return { ...webhook, body, headers: { ...webhook.headers, "stripe-signature": signature } };
      });
      expect(await bench.deliver({ ...bench.stripe, outbox: [...said] })).toEqual(said.map(() => 200));
      return guest.owesMinor();
    };
    expect(await told("needs_response", 1_000)).toBe(1_000);
    expect(await told("needs_response", 1_200)).toBe(1_200);
    expect(await told("won", 1_200)).toBe(0);
    expect(await told("lost", 1_200)).toBe(1_200);
  });

  test("an earlier word that comes late changes nothing; the same one is stored once", async () => {
    const guest = await begun("stripe");
    guest.pays();
    await bench.deliver(bench.stripe, (webhooks) => [...webhooks, ...webhooks].reverse());
    await bench.run();
    expect((await guest.payment()).payment.status).toBe("authorized");
    const events = await eventsOf(guest.paymentId);
    expect(Object.fromEntries(events.map((event) => [event.type, event.deliveries]))).toEqual({
      ...{ "checkout.session.completed": 2, "payment_intent.amount_capturable_updated": 2 },
      "payment_intent.created": 2,
    });
    expect(new Set(events.map((event) => event.outcome))).toEqual(new Set(["applied", "unchanged"]));
  });

  test("what nobody has signed is refused and not stored; who does not know the address finds nothing", async () => {
    const guest = await begun("stripe");
    guest.pays();
    const [webhook] = bench.stripe.outbox.splice(0);
    if (webhook === undefined) throw new Error("nothing was said");
    const { path: url, headers, body } = webhook;
    const send = async (more: { url?: string; headers?: object; payload?: string }) =>
      (await bench.api.app.inject({ method: "POST", url, headers, payload: body, ...more } as never))
        .statusCode;
    expect(await send({ payload: `${body} ` })).toBe(400);
    expect(await send({ headers: {} })).toBe(400);
    expect(await send({ headers: { ...headers, "stripe-signature": "t=1,v1=00" } })).toBe(400);
    expect(await send({ url: url.replace("stripe", "mercado-pago") })).toBe(404);
    expect(await send({ url: `${url}x` })).toBe(404);
    expect(await send({ payload: "x".repeat(300_000) })).toBe(413);
    expect(await eventsOf(guest.paymentId)).toEqual([]);
    expect(await send({})).toBe(200);
  });

  test("what is not ours is kept apart; what is faster than our own answer waits for it", async () => {
    const guest = await begun("mercado-pago");
    const providerPaymentId = (await guest.payment()).payment.providerPaymentId;
    await bench.db.pool.query("update payment set provider_payment_id = null where payment_id = $1", [
      guest.paymentId,
    ]);
    guest.pays();
    await bench.deliver(bench.pix);
    await bench.run();
    expect(await list("/v1/payment-events?outcome=applied&limit=200")).not.toContainEqual(
      expect.objectContaining({ paymentId: guest.paymentId }),
    );
    await bench.db.pool.query("update payment set provider_payment_id = $2 where payment_id = $1", [
      ...[guest.paymentId, providerPaymentId],
    ]);
    await bench.db.pool.query("update payment_event set due_at = now() where due_at is not null");
    await bench.run();
    expect((await guest.payment()).payment.status).toBe("paid");
  });

  test("an operator has one read again", async () => {
    const guest = await begun("stripe");
    guest.pays();
    await bench.deliver(bench.stripe);
    const before = await eventsOf(guest.paymentId);
    for (const { eventId } of before) {
      const reply = await bench.api.send("POST", `/v1/payment-events/${eventId}/replay`, undefined);
      expect(reply.status, reply.text).toBe(202);
    }
    await bench.run();
    const after = await eventsOf(guest.paymentId);
    expect(after.map((event) => event.outcome)).toEqual(before.map(() => "unchanged"));
    expect((await bench.api.send("POST", "/v1/payment-events/999999/replay", undefined)).status).toBe(404);
  });
});

describe("the webhook never comes", () => {
  test.each(["stripe", "mercado-pago"] as const)("%s: paid, and we ask", async (provider) => {
    const guest = await begun(provider);
    guest.pays();
    bench.stripe.outbox.length = 0;
    bench.pix.outbox.length = 0;
    bench.pix.refundStatus = "approved";
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "awaiting-payment" });
    await later(guest.paymentId);
    expect(await reconcile(bench.pay)).toBe(1);
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "starting" });
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "webhook-missing", repaired: true }]);
    expect(await reconcile(bench.pay)).toBe(0);
  });

  test("a refund between the banks is asked about until it is through; one that fails is asked for again", async () => {
    bench.pix.refundStatus = "in_process";
    const guest = await charged("mercado-pago");
    const [first] = (await guest.payment()).refunds;
    expect(first).toMatchObject({ status: "pending", amountMinor: 3_800 });
    expect(await guest.owesMinor()).toBe(-3_800);
    bench.pix.settleRefund(Number(first?.providerRefundId), "rejected");
    bench.pix.outbox.length = 0;
    bench.pix.refundStatus = "approved";
    bench.pix.refundStatus = "approved";
    await later(guest.paymentId);
    await reconcile(bench.pay);
    await bench.run();
    const { refunds, payment } = await guest.payment();
    expect(refunds.map(({ status, amountMinor }) => [status, amountMinor])).toEqual([
      ["failed", 3_800],
      ["succeeded", 3_800],
    ]);
    expect([payment.status, await guest.owesMinor()]).toEqual(["partially_refunded", 0]);
  });

  test("a hold that its bank let go of: what was charged is owed", async () => {
    const guest = await begun("stripe");
    await guest.paysAndIsTold();
    await stand.finish("RequestStartTransaction", "succeeded");
    await guest.charges();
    bench.stripe.lapse(bench.stripe.intentOf(guest.paymentId).id);
    bench.stripe.outbox.length = 0;
    await later(guest.paymentId);
    await reconcile(bench.pay);
    await bench.run();
    expect(await stand.commands("RequestStopTransaction")).toHaveLength(1);
    await guest.ends(1_000);
    expect((await guest.payment()).payment).toMatchObject({ status: "cancelled", flags: ["shortfall"] });
    expect(await guest.owesMinor()).toBe(200);
  });
});

describe("a provider that is ill", () => {
  test("captures: no answer, then an error, then a lost answer; captured once", async () => {
    const guest = await begun("stripe");
    await guest.paysAndIsTold();
    await stand.finish("RequestStartTransaction", "succeeded");
    await guest.charges();
    for (const how of ["hang", { status: 500 }] as const) {
      bench.stripe.fault({ method: "POST", path: /capture/, how });
    }
    bench.stripe.fault({ method: "POST", path: /capture/, how: "lose", times: 2 });
    await guest.ends(6_000);
    for (let i = 0; i < 4; i++) {
      await later(guest.paymentId);
      await bench.run();
    }
    expect((await guest.payment()).payment).toMatchObject({
      status: "captured",
      capturedMinor: 1_200,
      lastError: null,
    });
    const keys = bench.stripe.requests
      .filter(({ path }) => path.endsWith(`${bench.stripe.intentOf(guest.paymentId).id}/capture`))
      .map(({ headers }) => headers["idempotency-key"]);
    expect(keys.length).toBeGreaterThan(2);
    expect(new Set(keys)).toEqual(new Set([`${guest.paymentId}:capture:1200`]));
    expect(await guest.owesMinor()).toBe(0);
  });

  test("refunds: however often it is asked, the money goes back once; people hear of a provider that is away", async () => {
    const guest = await begun("mercado-pago");
    await guest.paysAndIsTold();
    await stand.finish("RequestStartTransaction", "succeeded");
    await guest.charges();
    bench.pix.fault({ method: "POST", path: /refunds/, how: { status: 503 }, times: 5 });
    bench.pix.fault({ method: "POST", path: /refunds/, how: "lose" });
    await guest.ends(6_000);
    for (let i = 0; i < 5; i++) {
      await later(guest.paymentId);
      await bench.run();
    }
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "provider-unreachable", repaired: false }]);
    await later(guest.paymentId);
    await bench.run();
    await bench.deliver(bench.pix);
    await bench.run();
    expect(bench.pix.pixOf(guest.paymentId).refunds).toHaveLength(1);
    expect((await guest.payment()).refunds.map(({ status }) => status)).toEqual(["succeeded"]);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "provider-unreachable", repaired: true }]);
    expect(await guest.owesMinor()).toBe(0);
  });

  test("a refund that is refused for ever is a person's after three tries", async () => {
    const guest = await begun("mercado-pago");
    await guest.paysAndIsTold();
    await stand.finish("RequestStartTransaction", "succeeded");
    await guest.charges();
    bench.pix.fault({ method: "POST", path: /refunds/, how: { status: 400 }, times: 10 });
    await guest.ends(6_000);
    for (let i = 0; i < 6; i++) {
      await later(guest.paymentId);
      await bench.run();
    }
    const { refunds } = await guest.payment();
    expect(refunds.map(({ status }) => status)).toEqual(["failed", "failed", "failed"]);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "refund-failed", repaired: false }]);
    expect(await guest.owesMinor()).toBe(-3_800);
  });
});

describe("what a provider refuses", () => {
  test("a capture: asked anew as another write, later and later, for what is wanted by then", async () => {
    const guest = await begun("stripe");
    await guest.paysAndIsTold();
    await stand.finish("RequestStartTransaction", "succeeded");
    await guest.charges();
    const refused = { method: "POST", path: /capture/, how: { status: 402 } } as const;
    bench.stripe.fault({ ...refused, times: 2 });
    await guest.ends(6_000);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "provider-refused", repaired: false }]);
    const waits = async () =>
      (
        await bench.db.rows<{ s: number }>(
          "select extract(epoch from due_at - now())::float8 as s from payment where payment_id = $1",
          guest.paymentId,
        )
      )[0]?.s;
    expect(await waits()).toBeGreaterThan(3_500);
    // The CDR is corrected before the next try.
    await bench.db.pool.query("update transaction set meter_stop_wh = 6000 where transaction_id = $1", [
      guest.transactionId,
    ]);
    await bench.run();
    expect(await waits()).toBeGreaterThan(7_000);
    await later(guest.paymentId);
    await bench.run();
    const { payment } = await guest.payment();
    expect([payment.status, payment.capturedMinor, await guest.owesMinor()]).toEqual(["captured", 1_000, 0]);
    const captures = bench.stripe.requests.filter(({ path }) => path.endsWith("/capture")).slice(-3);
    expect(new Set(captures.map(({ headers }) => headers["idempotency-key"])).size).toBe(3);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "provider-refused", repaired: true }]);
  });

  test("one payment that our database cannot work on holds up no other", async () => {
    const [ill, well] = [await begun("mercado-pago"), await charged("stripe")];
    await bench.db.pool.query(
      `update payment set keep_minor = 700, due_at = now() where payment_id = any($1::uuid[])`,
      [[ill.paymentId, well.paymentId]],
    );
    await bench.db.pool.query(
      `alter table payment add constraint ill check (payment_id <> '${ill.paymentId}' or due_at is not null) not valid`,
    );
    try {
      await expect(workPayments(bench.pay)).rejects.toThrow(/ill/);
    } finally {
      await bench.db.pool.query("alter table payment drop constraint ill");
    }
    expect((await well.payment()).payment.refundedMinor).toBe(500);
  });
});

describe("operators", () => {
  test("give money back, at most what was captured, once per key", async () => {
    const guest = await charged("stripe");
    const path = `/v1/payments/${guest.paymentId}/refunds`;
    const body = { amountMinor: 400, reason: "the cable was dirty" };
    const key = { "idempotency-key": `refund-${guest.id}` };
    const first = await bench.api.send("POST", path, body, key);
    const again = await bench.api.send("POST", path, body, key);
    expect([first.status, (again.body as RefundView).refundId]).toEqual([
      202,
      (first.body as RefundView).refundId,
    ]);
    await bench.run();
    const tooMuch = await bench.api.send("POST", path, { ...body, amountMinor: 801 });
    expect([tooMuch.status, tooMuch.body]).toMatchObject([409, { code: "REFUND_TOO_LARGE" }]);
    expect(await guest.payment()).toMatchObject({
      ...{ payment: { status: "partially_refunded", refundedMinor: 400 }, refundableMinor: 800 },
      refunds: [{ status: "succeeded", requestedBy: "test", reason: "the cable was dirty" }],
      guest: { state: "settled", priceMinor: 1_200, transactionId: guest.transactionId },
    });
    await bench.api.send("POST", path, { amountMinor: 800, reason: "all of it" });
    await bench.run();
    expect((await guest.payment()).payment.status).toBe("refunded");
    const audited = await bench.db.rows("select action from audit where subject = $1", guest.paymentId);
    expect(audited).toEqual([{ action: "payment.refund" }, { action: "payment.refund" }]);
  });

  test("let go of a hold, before it was captured", async () => {
    const guest = await begun("stripe");
    await guest.paysAndIsTold();
    const path = `/v1/payments/${guest.paymentId}/cancel`;
    const reply = await bench.api.send("POST", path, { reason: "asked on the phone" });
    expect(reply.status, reply.text).toBe(202);
    await bench.run();
    expect((await guest.payment()).payment).toMatchObject({
      status: "cancelled",
      keepReason: "asked on the phone",
    });
    stand = await openStand(bench);
    const other = await charged("mercado-pago");
    const late = await bench.api.send("POST", `/v1/payments/${other.paymentId}/cancel`, { reason: "late" });
    expect([late.status, late.body]).toMatchObject([409, { code: "ALREADY_CAPTURED" }]);
  });

  test("a refund that was made at the provider is found", async () => {
    const guest = await charged("stripe");
    const { id } = bench.stripe.intentOf(guest.paymentId);
    const payload = new URLSearchParams({ payment_intent: id, amount: "200" }).toString();
    await fetch(`${bench.stripe.url}/v1/refunds`, { method: "POST", body: payload });
    await bench.deliver(bench.stripe);
    await bench.run();
    const { refunds, payment } = await guest.payment();
    expect(refunds).toMatchObject([{ requestedBy: "provider", amountMinor: 200, status: "succeeded" }]);
    // Given back though it was owed: forgiven.
    expect([payment.refundedMinor, payment.flags, await guest.owesMinor()]).toEqual([200, [], 0]);
  });

  test("a dispute: the money is away, then back, and somebody is told", async () => {
    const guest = await charged("stripe");
    const { id } = bench.stripe.intentOf(guest.paymentId);
    bench.stripe.dispute(id, "needs_response");
    await bench.deliver(bench.stripe);
    expect([(await guest.payment()).payment.status, await guest.owesMinor()]).toEqual(["disputed", 1_200]);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "disputed", repaired: false }]);
    bench.stripe.dispute(id, "won");
    await bench.deliver(bench.stripe);
    expect([(await guest.payment()).payment.status, await guest.owesMinor()]).toEqual(["captured", 0]);
  });

  test("a mediation that ends in our favour, and another one: the money goes and comes back", async () => {
    const guest = await charged("mercado-pago");
    await bench.deliver(bench.pix);
    await bench.run();
    const told = async (open: boolean) => {
      bench.pix.mediate(guest.paymentId, open);
      await bench.deliver(bench.pix);
      await bench.run();
      return [(await guest.payment()).payment.status, await guest.owesMinor()];
    };
    expect(await told(true)).toEqual(["disputed", 1_200]);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "disputed", repaired: false }]);
    expect(await told(false)).toEqual(["partially_refunded", 0]);
    expect(await findingsOf(guest.paymentId)).toEqual([{ kind: "disputed", repaired: true }]);
    expect(await told(true)).toEqual(["disputed", 1_200]);
    expect(await told(false)).toEqual(["partially_refunded", 0]);
  });

  test("lists are pages, by site, station, state and provider", async () => {
    const guests = [await begun("stripe"), await begun("mercado-pago"), await begun("stripe")];
    const path = `/v1/payments?siteId=${stand.journal.siteId}&stationId=${stand.cp}`;
    const ids = (payments: PaymentView[]) => payments.map((payment) => payment.paymentId);
    const all = guests.map((guest) => guest.paymentId).reverse();
    expect(ids(await list(path))).toEqual(all);
    expect(ids(await list(`${path}&provider=mercado-pago&status=pending`))).toEqual([all[1]]);
    const page = (await bench.api.get(`${path}&limit=2`)).body as {
      items: PaymentView[];
      nextCursor: string;
    };
    expect(ids(await list(`${path}&limit=2&cursor=${page.nextCursor}`))).toEqual([all[2]]);
    for (const wrong of ["x", "00000000-0000-7000-8000-000000000000"])
      expect((await bench.api.get(`/v1/payments/${wrong}`)).status).toBe(404);
  });

  test("whoever has named sites sees their payments, and none of others", async () => {
    const guest = await begun("stripe");
    const elsewhere = await openStand(bench);
    const keyFor = (siteId: string) =>
      createApiKey(bench.db.pool, "default", "host", { role: "billing", siteIds: [siteId] });
    const [mine, other] = [await keyFor(stand.journal.siteId), await keyFor(elsewhere.journal.siteId)];
    const path = `/v1/payments/${guest.paymentId}`;
    expect([(await bench.api.get(path, mine)).status, (await bench.api.get(path, other)).status]).toEqual([
      200, 404,
    ]);
  });
});

describe("providers", () => {
  test("secrets come in, are sealed, and never go out", async () => {
    const secret = "sk_live_0123456789abcdef";
    const put = (body: object) => bench.api.send("PUT", "/v1/payment-providers/stripe", body);
    const before = await bench.api.get("/v1/payment-providers/stripe");
    const { stripe } = bench;
    const changed = await put({ settings: SETTINGS, secrets: { secretKey: secret } });
    expect(changed.status, changed.text).toBe(200);
    expect(changed.body).toMatchObject({
      ...{ kind: "stripe", enabled: true, secretHints: { secretKey: "…cdef" } },
      webhookUrl: (before.body as { webhookUrl: string }).webhookUrl,
    });
    for (const path of ["/v1/payment-providers", "/v1/payment-providers/stripe"])
      expect((await bench.api.get(path)).text).not.toContain(secret.slice(0, 12));
    const [row] = await bench.db.rows<{ secrets: Buffer }>(
      "select secrets from payment_provider where kind = 'stripe'",
    );
    expect(row?.secrets.includes(secret)).toBe(false);
    const audits = await bench.db.rows("select detail from audit where action = 'paymentProvider.put'");
    expect(JSON.stringify(audits)).not.toContain(secret);
    // The other secret has stayed: its webhooks are still understood.
    const guest = await begun("stripe");
    await guest.paysAndIsTold();
    expect((await guest.payment()).payment.status).toBe("authorized");
    expect((await put({ settings: SETTINGS, enabled: false })).body).toMatchObject({ enabled: false });
    const [last] = await bench.db.rows(
      "select detail from audit where action = 'paymentProvider.put' order by audit_id desc limit 1",
    );
    expect(last).toEqual({
      detail: { before: { enabled: true }, after: { enabled: false }, secretsChanged: [] },
    });
    const offer = await bench.api.app.inject({ url: `/v1/guest/connectors/${stand.code}` });
    expect(offer.json<{ methods: { provider: string }[] }>().methods.map((m) => m.provider)).toEqual([
      ...["mercado-pago", "sandbox"],
    ]);
    await put({
      settings: SETTINGS,
      enabled: true,
      secrets: { secretKey: "sk_test_bench", webhookSecret: stripe.webhookSecret },
    });
  });

  test.each([
    ["stripe", { settings: { ...SETTINGS, payMinutes: 30 } }, "INVALID_SETTINGS"],
    ["stripe", { settings: { ...SETTINGS, minAmountMinor: 6_000 } }, "INVALID_SETTINGS"],
    ["stripe", { settings: SETTINGS, secrets: { accessToken: "TEST-00000" } }, "INVALID_SECRETS"],
    ["mercado-pago", { settings: SETTINGS }, "INVALID_SETTINGS"],
    [
      "mercado-pago",
      { settings: { ...SETTINGS, payerEmail: "a@b.co", currency: "EUR" } },
      "INVALID_SETTINGS",
    ],
    ["paypal", { settings: SETTINGS }, "INVALID_REQUEST"],
  ])("%s with what cannot be: %j", async (kind, body, code) => {
    const reply = await bench.api.send("PUT", `/v1/payment-providers/${kind}`, body);
    expect([reply.status, reply.body]).toMatchObject([400, { code }]);
  });

  test("the sandbox is not for production, and not where nobody has asked for it", async () => {
    const before = process.env["NODE_ENV"];
    process.env["NODE_ENV"] = "production";
    try {
      const reply = await bench.api.send("PUT", "/v1/payment-providers/sandbox", { settings: SETTINGS });
      expect([reply.status, reply.body]).toMatchObject([409, { code: "SANDBOX_REFUSED" }]);
    } finally {
      process.env["NODE_ENV"] = before;
    }
    bench.pay.settings.sandbox = false;
    const reply = await bench.api.send("PUT", "/v1/payment-providers/sandbox", { settings: SETTINGS });
    bench.pay.settings.sandbox = true;
    expect([reply.status, reply.body]).toMatchObject([409, { code: "SANDBOX_REFUSED" }]);
  });
});

describe("secrets", () => {
  const key = createHash("sha256").update("a").digest();

  test("open for what they belong to, with the key they were sealed with, as they were", () => {
    const box = secretBox(key);
    const sealed = box.seal("whsec_ü", "op/1");
    expect(box.open(sealed, "op/1")).toBe("whsec_ü");
    expect(box.seal("whsec_ü", "op/1").equals(sealed)).toBe(false);
    expect(() => box.open(sealed, "op/2")).toThrow("does not open");
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    expect(() => box.open(sealed, "op/1")).toThrow("does not open");
    const other = secretBox(createHash("sha256").update("b").digest());
    expect(() => other.open(box.seal("x", "op/1"), "op/1")).toThrow("another key");
  });

  test("a key in a file: raw, hex or base64; one in the database is made once", async () => {
    for (const form of [
      key,
      Buffer.from(`${key.toString("hex")}\n`),
      Buffer.from(`${key.toString("base64")}\n`),
    ])
      expect(readSecretsKey(form).equals(key)).toBe(true);
    for (const wrong of ["", "short", key.toString("hex").slice(1)])
      expect(() => readSecretsKey(Buffer.from(wrong))).toThrow("32 bytes");
    const boxes = await Promise.all([1, 2, 3].map(() => ensureSecretBox(bench.db.pool)));
    const sealed = boxes[0]?.seal("x", "y") ?? Buffer.alloc(0);
    expect(boxes.map((box) => box.open(sealed, "y"))).toEqual(["x", "x", "x"]);
  });
});
