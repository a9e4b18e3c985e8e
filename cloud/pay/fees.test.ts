/**
 * What providers keep, through the whole SG: told with the capture or later, in the currency of the payment or in
 * another one, corrected, given back. Whatever comes when, a fee is booked once, and the books sum to zero.
 */
import { randomUUID } from "node:crypto";
import { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import type { Webhook } from "../../sim/pay/server.ts";
import { inTransaction } from "../db/pool.ts";
import { workEvents } from "./events.ts";
import { chargingGuest, Guest, openPayBench, openStand, type PayBench, type Stand } from "./harness.ts";
import type { ProviderKind } from "./provider.ts";
import { reconcile } from "./reconcile.ts";
import { refOf, takeTold } from "./store.ts";
import type { PaymentRow } from "./rows.ts";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => {
  stand = await openStand(bench);
  Object.assign(bench.stripe.balance, {
    ...{ feeBp: 399, feeFixed: 39, disputeFee: 5_500, late: false, readable: true, settles: undefined },
  });
  bench.pix.feeBp = 99;
});

/** 16 kWh for 32.00, paid, captured and settled. */
async function charged(provider: ProviderKind): Promise<Guest> {
  const guest = await chargingGuest(bench, stand, provider);
  await guest.ends(16_000);
  await bench.run();
  await bench.deliver(provider === "stripe" ? bench.stripe : bench.pix);
  await bench.run();
  return guest;
}

/** What is due is compared with the provider, and so is this one. */
async function look({ paymentId }: Guest): Promise<void> {
  await bench.db.pool.query("update payment set check_at = now() where payment_id = $1", [paymentId]);
  await reconcile(bench.pay);
}

/** Sums per account and currency of everything that was booked for a payment. */
async function books(paymentId: string): Promise<Record<string, number>> {
  const rows = await bench.db.rows<{ account: string; currency: string; sum: number }>(
    `select e.account, e.currency, sum(e.amount_minor)::float8 as sum from ledger_entry e
     join ledger_posting p using (operator_id, posting_id) where p.payment_id = $1
     group by 1, 2 having sum(e.amount_minor) <> 0 order by 1, 2`,
    paymentId,
  );
  const sums = new Map<string, number>();
  for (const { currency, sum } of rows) sums.set(currency, (sums.get(currency) ?? 0) + sum);
  expect([...sums.values()].every((sum) => sum === 0)).toBe(true);
  return Object.fromEntries(
    rows
      .filter(({ account }) => !account.startsWith("guest:"))
      .map(({ account, currency, sum }) => [`${account} ${currency}`, sum]),
  );
}

const feePostings = (paymentId: string) =>
  bench.db.rows<{ reference: string; kind: string }>(
    `select reference, kind from ledger_posting where payment_id = $1
       and (kind = 'provider-fee' or reverses like '%:fee:%') order by booked_at`,
    paymentId,
  );

const checkInS = async (paymentId: string): Promise<number> => {
  const [row] = await bench.db.rows<{ s: number }>(
    "select extract(epoch from check_at - now())::float8 as s from payment where payment_id = $1",
    paymentId,
  );
  return row?.s ?? 0;
};

describe("a card", () => {
  test("its fee is told after the capture: asked for soon, booked once, then asked rarely", async () => {
    bench.stripe.balance.late = true;
    const guest = await charged("stripe");
    expect(await books(guest.paymentId)).toMatchObject({ "clearing:stripe BRL": 3_200 });
    expect((await guest.payment()).payment).toMatchObject({ capturedMinor: 3_200, feeMinor: null });
    expect(await checkInS(guest.paymentId)).toBeLessThan(3_700);
    await look(guest);
    expect((await guest.payment()).payment.feeMinor).toBeNull();
    expect(await checkInS(guest.paymentId)).toBeLessThan(3_700);

    bench.stripe.balance.settle();
    await look(guest);
    await look(guest);
    // 3.99 % of 32.00 and 0.39.
    const kept = 128 + 39;
    expect(await books(guest.paymentId)).toMatchObject({
      ...{ "clearing:stripe BRL": 3_200 - kept, "fees BRL": kept },
    });
    expect(await feePostings(guest.paymentId)).toHaveLength(1);
    const { payment, fees } = await guest.payment();
    expect([payment.feeMinor, fees]).toEqual([kept, [{ currency: "BRL", feeMinor: kept }]]);
    expect(await checkInS(guest.paymentId)).toBeGreaterThan(80_000);
  });

  test("the webhook that says that it is there has it asked for at once", async () => {
    bench.stripe.balance.late = true;
    const guest = await charged("stripe");
    bench.stripe.balance.settle();
    expect(await bench.deliver(bench.stripe)).toEqual([200]);
    await workEvents(bench.pay);
    expect((await guest.payment()).payment.feeMinor).toBe(167);
  });

  test("a key that may not read balances: payments go on, the fee is not known", async () => {
    bench.stripe.balance.readable = false;
    const guest = await charged("stripe");
    await look(guest);
    const { payment } = await guest.payment();
    expect(payment).toMatchObject({ status: "captured", feeMinor: null, lastError: null });
    bench.stripe.balance.readable = true;
    await look(guest);
    expect((await guest.payment()).payment.feeMinor).toBe(167);
  });

  test("a dispute has a fee of its own, and the money comes back when it is won", async () => {
    const guest = await charged("stripe");
    const { id } = bench.stripe.intentOf(guest.paymentId);
    for (const status of ["needs_response", "won"]) {
      bench.stripe.dispute(id, status);
      await bench.deliver(bench.stripe);
      await look(guest);
      const withheld = status === "won" ? 0 : 3_200;
      expect(await books(guest.paymentId)).toMatchObject({
        "clearing:stripe BRL": 3_200 - withheld - 167 - 5_500,
        "fees BRL": 5_667,
      });
    }
  });

  test("the account is kept in another currency: what it became there, and the fee, in that one", async () => {
    bench.stripe.balance.settles = { currency: "usd", rate: 0.2 };
    const guest = await charged("stripe");
    await look(guest);
    // 32.00 BRL are 6.40 USD; 3.99 % of them, and 0.39.
    expect(await books(guest.paymentId)).toMatchObject({
      ...{ "exchange BRL": 3_200, "exchange USD": -640, "clearing:stripe USD": 640 - 65, "fees USD": 65 },
    });
    expect(await books(guest.paymentId)).not.toHaveProperty("clearing:stripe BRL");
    const reply = await bench.api.send("POST", `/v1/payments/${guest.paymentId}/refunds`, {
      ...{ amountMinor: 1_000, reason: "too slow" },
    });
    expect(reply.status, reply.text).toBe(202);
    await bench.run();
    await look(guest);
    expect(await books(guest.paymentId)).toMatchObject({
      ...{ "exchange BRL": 2_200, "exchange USD": -440, "clearing:stripe USD": 440 - 65, "fees USD": 65 },
    });
    const { payment, fees } = await guest.payment();
    expect([payment.feeMinor, fees]).toEqual([0, [{ currency: "USD", feeMinor: 65 }]]);
  });

  test("money that had come before fees came by themselves: they stay a person's", async () => {
    const guest = await charged("stripe");
    await bench.db.pool.query("update payment set fees_by_hand = true where payment_id = $1", [
      guest.paymentId,
    ]);
    await look(guest);
    expect(await feePostings(guest.paymentId)).toEqual([]);
    expect((await guest.payment()).payment).toMatchObject({ feeMinor: null, feesByHand: true });
    expect(await checkInS(guest.paymentId)).toBeGreaterThan(80_000);
  });
});

describe("a Pix", () => {
  test("its fee is told with the payment; another one later is booked instead", async () => {
    const guest = await charged("mercado-pago");
    // 0.99 % of 50.00 that were paid; 18.00 went back.
    expect(await books(guest.paymentId)).toMatchObject({
      ...{ "clearing:mercado-pago BRL": 3_200 - 50, "fees BRL": 50 },
    });
    bench.pix.returnFee(guest.paymentId, 0.18);
    await bench.deliver(bench.pix);
    await workEvents(bench.pay);
    expect(await books(guest.paymentId)).toMatchObject({
      ...{ "clearing:mercado-pago BRL": 3_200 - 32, "fees BRL": 32 },
    });
    bench.pix.returnFee(guest.paymentId, 0.5);
    await look(guest);
    expect(await books(guest.paymentId)).not.toHaveProperty("fees BRL");
    expect((await feePostings(guest.paymentId)).map(({ kind }) => kind)).toEqual([
      ...["provider-fee", "reversal", "provider-fee", "reversal"],
    ]);
  });

  test("what was told first and is heard last changes nothing", async () => {
    const guest = await charged("mercado-pago");
    const [row] = await bench.db.rows<PaymentRow>(
      "select * from payment where payment_id = $1",
      guest.paymentId,
    );
    const { provider } = await bench.pay.providers.get(bench.db.pool, row?.provider_id ?? "");
    const before = await provider.fetch(refOf(row as PaymentRow));
    bench.pix.returnFee(guest.paymentId, 0.18);
    await look(guest);
    await inTransaction(bench.db.pool, (client) => takeTold(client, guest.paymentId, before, "fetch"));
    expect((await guest.payment()).payment.feeMinor).toBe(32);
  });
});

test(
  "everything that Stripe has to say, in any order, asked at any moment: the same books",
  async () => {
    const { stripe } = bench;
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    const session = stripe.sessionOf(guest.paymentId);
    const post = (path: string, form: Record<string, string>) =>
      fetch(`${stripe.url}/v1/${path}`, { method: "POST", body: new URLSearchParams(form).toString() });
    stripe.balance.late = true;
    stripe.pay(session.id, "authorize");
    const { id: intentId } = stripe.intentOf(guest.paymentId);
    await post(`payment_intents/${intentId}/capture`, { amount_to_capture: "3200" });
    stripe.balance.settle();
    await post("refunds", { payment_intent: intentId, amount: "200" });
    for (const status of ["needs_response", "won"]) stripe.dispute(intentId, status);
    const said = stripe.outbox.splice(0);
    const signer = new Stripe("sk_test_signer");

    /** The same story of another payment; what is asked for is asked for under the first one's name. */
    const told = async (order: readonly number[]) => {
      const mark = randomUUID().slice(0, 8);
      const paymentId = randomUUID();
      await bench.db.pool.query(
        `insert into payment (payment_id, operator_id, account, site_id, station_id, provider_id, kind, flow, amount_minor,
         currency, description, expires_at, checkout_id)
       select $2, operator_id, 'guest:' || $4, site_id, station_id, provider_id, kind, flow, amount_minor, currency, description,
         now() + interval '1 day', $3 from payment where payment_id = $1`,
        [guest.paymentId, paymentId, `${session.id}${mark}`, paymentId],
      );
      for (const index of order) {
        const webhook = said[index] as Webhook;
        const body = webhook.body
          .replaceAll(guest.paymentId, paymentId)
          .replace(/"((?:evt|pi|cs_test|re|du|ch)_[0-9a-f]{20,})"/g, `"$1${mark}"`);
        const payload = { payload: body, secret: stripe.webhookSecret };
        const headers = {
          ...webhook.headers,
          "stripe-signature": signer.webhooks.generateTestHeaderString(payload),
        };
        const reply = await bench.api.app.inject({
          method: "POST",
          url: webhook.path,
          headers,
          payload: body,
        });
        expect(reply.statusCode).toBe(200);
        // Asked now and then, as events that say nothing by themselves ask for it.
        if (index % 2 === 0) await ask(paymentId, mark);
      }
      await bench.db.pool.query("update payment_event set due_at = now() where due_at is not null");
      await workEvents(bench.pay);
      await ask(paymentId, mark);
      const sums = await books(paymentId);
      const fees = await feePostings(paymentId);
      return { sums, fees: fees.length };
    };
    const ask = async (paymentId: string, mark: string) => {
      const [row] = await bench.db.rows<PaymentRow>("select * from payment where payment_id = $1", paymentId);
      const { provider } = await bench.pay.providers.get(bench.db.pool, row?.provider_id ?? "");
      const ref = { paymentId, currency: "BRL", checkoutId: session.id, providerPaymentId: intentId };
      const { facts } = await provider.fetch(ref);
      const refunds = facts.refunds?.map((refund) => ({
        ...{ ...refund, providerRefundId: `${refund.providerRefundId}${mark}` },
      }));
      const found = { facts: { ...facts, ...(refunds === undefined ? {} : { refunds }) } };
      await inTransaction(bench.db.pool, (client) => takeTold(client, paymentId, found, "fetch"));
    };

    const first = await told(said.map((_webhook, index) => index));
    expect(first).toEqual({
      sums: { "clearing:stripe BRL": 3_200 - 200 - 167 - 5_500, "fees BRL": 5_667 },
      fees: 2,
    });
    const all = said.map((_webhook, index) => index);
    const orders = fc
      .shuffledSubarray([...all, ...all])
      .chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length }));
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        expect(await told(order)).toEqual(first);
      }),
      { numRuns: scaled(12) },
    );
  },
  scaled(60_000),
);
