/**
 * Everything that a provider has to say of a payment, from the first word on, in any order and number: it
 * ends in one payment, the same refunds and the same books. With the database: what is told of a refund or a
 * dispute before the payment is known to be paid must find its place, too.
 */
import { randomUUID } from "node:crypto";
import { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import type { Webhook } from "../../sim/pay/server.ts";
import type { PaymentDetailView } from "../api/payment-schemas.ts";
import { workEvents } from "./events.ts";
import { Guest, openPayBench, openStand, type PayBench, type Stand } from "./harness.ts";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => void (stand = await openStand(bench)));

/** A payment that is asked for, and of which nothing was told yet: with its own names at the provider. */
async function fresh(of: Guest, names: { checkoutId?: string; providerPaymentId?: string }): Promise<string> {
  const paymentId = randomUUID();
  await bench.db.pool.query(
    `insert into payment (payment_id, operator_id, account, site_id, station_id, provider_id, kind, flow, amount_minor, currency,
       description, expires_at, checkout_id, provider_payment_id)
     select $2::uuid, operator_id, 'guest:' || $2::uuid, site_id, station_id, provider_id, kind, flow, amount_minor, currency, description,
       now() + interval '1 day', $3, $4 from payment where payment_id = $1`,
    [of.paymentId, paymentId, names.checkoutId ?? null, names.providerPaymentId ?? null],
  );
  return paymentId;
}

/** What became of it: no ids and no times. */
async function picture(paymentId: string) {
  const { payment, refunds } = (await bench.api.get(`/v1/payments/${paymentId}`)).body as PaymentDetailView;
  const { status, authorizedMinor, capturedMinor, refundedMinor, flags, declineCode } = payment;
  const balances = await bench.db.rows(
    `select e.account, sum(e.amount_minor)::float8 as sum from ledger_entry e
     join ledger_posting p using (operator_id, posting_id) where p.payment_id = $1 and e.account like 'clearing:%'
     group by e.account`,
    paymentId,
  );
  return {
    ...{ status, authorizedMinor, capturedMinor, refundedMinor, flags, declineCode, balances },
    refunds: refunds.map((refund) => `${refund.amountMinor} ${refund.status}`).sort(),
  };
}

/** Each message at least once, some again, in any order. */
const orders = (said: readonly unknown[]) => {
  const all = said.map((_message, index) => index);
  return fc
    .shuffledSubarray([...all, ...all])
    .chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length }));
};

let deliveries = 0;
/** Each time from another address: one alone may not say so much in a minute. */
const deliver = async (webhooks: readonly Webhook[]) => {
  const count = ++deliveries;
  const remoteAddress = `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`;
  for (const { path: url, headers, body: payload } of webhooks) {
    const reply = await bench.api.app.inject({ method: "POST", url, headers, payload, remoteAddress });
    expect(reply.statusCode).toBe(200);
  }
};

test("a card: declined, authorized, captured, given back in parts, a refund that fails, a dispute won and lost", async () => {
  const { stripe } = bench;
  const guest = new Guest(bench, stand, "stripe");
  await guest.begin();
  const session = stripe.sessionOf(guest.paymentId);
  const post = (path: string, form: Record<string, string>) =>
    fetch(`${stripe.url}/v1/${path}`, { method: "POST", body: new URLSearchParams(form).toString() });
  stripe.pay(session.id, "decline");
  stripe.pay(session.id, "authenticate");
  stripe.pay(session.id, "authorize");
  const { id: intentId } = stripe.intentOf(guest.paymentId);
  await post(`payment_intents/${intentId}/capture`, { amount_to_capture: "3200" });
  await post("refunds", { payment_intent: intentId, amount: "200" });
  stripe.refundStatus = "pending";
  for (const [amount, ends] of [
    ["300", "succeeded"],
    ["400", "failed"],
  ] as const) {
    const refund = (await (await post("refunds", { payment_intent: intentId, amount })).json()) as {
      id: string;
    };
    stripe.settleRefund(refund.id, ends);
  }
  stripe.refundStatus = "succeeded";
  for (const status of ["needs_response", "under_review", "won", "lost"]) stripe.dispute(intentId, status);
  const said = stripe.outbox.splice(0);
  expect(said.length).toBeGreaterThan(12);

  const signer = new Stripe("sk_test_signer");
  /** The same story of another payment. */
  const told = async (order: readonly number[]) => {
    const mark = randomUUID().slice(0, 8);
    const paymentId = await fresh(guest, { checkoutId: `${session.id}${mark}` });
    await deliver(
      order.map((index) => {
        const webhook = said[index] as Webhook;
        const body = webhook.body
          .replaceAll(guest.paymentId, paymentId)
          .replace(/"((?:evt|pi|cs_test|re|du|ch)_[0-9a-f]{20,})"/g, `"$1${mark}"`);
        const signature = signer.webhooks.generateTestHeaderString({
          payload: body,
          secret: stripe.webhookSecret,
        });
        return { ...webhook, body, headers: { ...webhook.headers, "stripe-signature": signature } };
      }),
    );
    // What came before its payment had a name there is read again.
    for (let round = 0; round < 3; round++) {
      await bench.db.pool.query("update payment_event set due_at = now() where due_at is not null");
      await workEvents(bench.pay);
    }
    return picture(paymentId);
  };
  const first = await told(said.map((_webhook, index) => index));
  expect(first).toEqual({
    ...{ status: "disputed", authorizedMinor: 5_000, capturedMinor: 3_200, refundedMinor: 500, flags: [] },
    ...{ declineCode: "insufficient_funds", balances: [{ account: "clearing:stripe", sum: -500 }] },
    refunds: ["200 succeeded", "300 succeeded", "400 failed"],
  });
  await fc.assert(
    fc.asyncProperty(orders(said), async (order) => {
      expect(await told(order)).toEqual(first);
    }),
    { numRuns: scaled(25) },
  );
});

test("a Pix: what it is at the provider counts, whichever of its messages comes when", async () => {
  const { pix } = bench;
  const guest = new Guest(bench, stand, "mercado-pago");
  await guest.begin();
  const wholeStory = () => {
    pix.pay(guest.paymentId);
    pix.mediate(guest.paymentId, true);
    pix.mediate(guest.paymentId, false);
  };
  wholeStory();
  const said = pix.outbox.splice(0);
  expect(said).toHaveLength(4);
  const own = pix.pixOf(guest.paymentId);
  const providerPaymentId = String(own.id);
  /** Each message is read when the provider stands somewhere in its story: at its end at last. */
  const told = async (order: readonly number[], stages: readonly string[]) => {
    await bench.db.pool.query(
      "update payment set provider_payment_id = payment_id::text where provider_payment_id = $1",
      [providerPaymentId],
    );
    await bench.db.pool.query("delete from payment_event where type like 'payment.%'");
    const paymentId = await fresh(guest, { providerPaymentId });
    for (const [position, index] of order.entries()) {
      own.status =
        position === order.length - 1 ? "approved" : (stages[position % stages.length] ?? "approved");
      own.date_last_updated = new Date(Date.parse(own.date_last_updated) + 1_000).toISOString();
      await deliver([said[index] as Webhook]);
      await bench.db.pool.query(
        "update payment_event set due_at = now(), outcome = null where payment_id is null or payment_id = $1",
        [paymentId],
      );
      await workEvents(bench.pay);
    }
    return picture(paymentId);
  };
  const first = await told([0, 1, 2, 3], ["pending", "approved", "in_mediation"]);
  expect(first).toMatchObject({
    ...{ status: "paid", capturedMinor: 5_000, refundedMinor: 0 },
    balances: [{ account: "clearing:mercado-pago", sum: 5_000 }],
  });
  await fc.assert(
    fc.asyncProperty(
      orders(said),
      fc.array(fc.constantFrom("pending", "approved", "in_mediation", "charged_back"), {
        minLength: 1,
        maxLength: 5,
      }),
      async (order, stages) => {
        expect(await told(order, stages)).toEqual(first);
      },
    ),
    { numRuns: scaled(15) },
  );
});
