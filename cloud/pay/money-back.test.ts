/**
 * Money that comes back after all: what operators forgive, what banks take, what nobody has told of; and
 * what a person closes.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PaymentFindingView } from "../api/payment-schemas.ts";
import { offline, online } from "../harness.ts";
import { workEvents } from "./events.ts";
import {
  chargingGuest,
  Guest,
  openPayBench,
  openStand,
  SETTINGS,
  type PayBench,
  type Stand,
} from "./harness.ts";
import { reconcile } from "./reconcile.ts";
import { workPayments } from "./work.ts";

const START = "RequestStartTransaction";
const STOP = "RequestStopTransaction";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => {
  stand = await openStand(bench);
  for (const server of [bench.stripe, bench.pix]) {
    server.outbox.length = 0;
    server.recover();
  }
});

const charging = (provider: "stripe" | "mercado-pago") => chargingGuest(bench, stand, provider);

async function charged(provider: "stripe" | "mercado-pago"): Promise<Guest> {
  const guest = await charging(provider);
  await guest.ends(6_000);
  await bench.deliver(provider === "stripe" ? bench.stripe : bench.pix);
  await bench.run();
  return guest;
}

const givesBack = (guest: Guest, amountMinor: number) =>
  bench.api.send("POST", `/v1/payments/${guest.paymentId}/refunds`, {
    amountMinor,
    reason: "the cable was dirty",
  });

const findingsOf = async (guest: Guest): Promise<PaymentFindingView[]> => {
  const reply = await bench.api.get("/v1/payment-findings?limit=200");
  const { items } = reply.body as { items: PaymentFindingView[] };
  return items.filter((finding) => finding.paymentId === guest.paymentId);
};

/** Days pass, and nobody has told anything. */
async function afterDays(guest: Guest, days: number): Promise<void> {
  await bench.db.pool.query(
    `update payment set created_at = created_at - $2 * interval '1 day', check_at = check_at - $2 * interval '1 day'
     where payment_id = $1`,
    [guest.paymentId, days],
  );
  await reconcile(bench.pay);
  await bench.run();
}

describe("what an operator gives back", () => {
  test("though it was owed is written off, and stays forgiven when the bill is corrected", async () => {
    const guest = await charged("stripe");
    expect((await givesBack(guest, 300)).status).toBe(202);
    await bench.run();
    expect((await guest.payment()).payment).toMatchObject({ refundedMinor: 300, keepMinor: 900, flags: [] });
    expect(await guest.owesMinor()).toBe(0);
    const writtenOff = await bench.db.rows(
      `select amount_minor from ledger_entry e join ledger_posting p using (operator_id, posting_id)
       where p.payment_id = $1 and p.kind = 'write-off' and e.account = 'write-off'`,
      guest.paymentId,
    );
    expect(writtenOff).toEqual([{ amount_minor: 300 }]);
    await bench.db.pool.query("update transaction set meter_stop_wh = 6500 where transaction_id = $1", [
      guest.transactionId,
    ]);
    await bench.run();
    expect((await guest.payment()).payment).toMatchObject({ refundedMinor: 400, keepMinor: 800, flags: [] });
    expect(await guest.owesMinor()).toBe(0);
  });

  test("while it charges is no gift: it is less to charge for", async () => {
    const guest = await charging("mercado-pago");
    await givesBack(guest, 4_000);
    await bench.run();
    await guest.takes(4_900);
    expect(await guest.see()).toMatchObject({ state: "charging", reason: null });
    await guest.takes(5_000);
    expect(await guest.see()).toMatchObject({ state: "charging", reason: "amount-used" });
    await guest.ends(5_000);
    expect(await guest.see()).toMatchObject({ state: "settled", payment: { refundedMinor: 4_000 } });
    expect([(await guest.payment()).payment.flags, await guest.owesMinor()]).toEqual([[], 0]);
  });

  test("everything, before it starts: nothing starts", async () => {
    const guest = new Guest(bench, stand, "mercado-pago");
    await guest.begin();
    guest.pays();
    await bench.deliver(bench.pix);
    // Paid, and given back before anybody has looked at the guest.
    await workEvents(bench.pay);
    await givesBack(guest, 5_000);
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "expired", payment: { refundedMinor: 5_000 } });
    expect(await stand.commands(START)).toEqual([]);
    expect(await guest.owesMinor()).toBe(0);
  });
});

describe("what nobody has told of", () => {
  test("a refund at the provider, a dispute and its end: found days later", async () => {
    const guest = await charged("stripe");
    const { id } = bench.stripe.intentOf(guest.paymentId);
    const payload = new URLSearchParams({ payment_intent: id, amount: "200" }).toString();
    await fetch(`${bench.stripe.url}/v1/refunds`, { method: "POST", body: payload });
    await afterDays(guest, 2);
    expect((await guest.payment()).payment).toMatchObject({
      status: "partially_refunded",
      refundedMinor: 200,
    });
    bench.stripe.dispute(id, "needs_response");
    await afterDays(guest, 2);
    expect((await guest.payment()).payment.status).toBe("disputed");
    bench.stripe.dispute(id, "won");
    await afterDays(guest, 20);
    expect((await guest.payment()).payment.status).toBe("partially_refunded");
    expect((await findingsOf(guest)).map(({ kind, repaired }) => [kind, repaired])).toEqual([
      ["disputed", true],
      ["webhook-missing", true],
    ]);
    expect(await guest.owesMinor()).toBe(0);
  });

  test("a page that was taken for expired and was paid all the same: the money goes back", async () => {
    const guest = new Guest(bench, stand, "mercado-pago");
    await guest.begin();
    bench.pix.expire(guest.paymentId);
    await bench.deliver(bench.pix);
    await bench.run();
    expect((await guest.payment()).payment.status).toBe("expired");
    guest.pays();
    bench.pix.outbox.length = 0;
    await afterDays(guest, 1);
    await workPayments(bench.pay);
    expect((await guest.payment()).payment).toMatchObject({ capturedMinor: 5_000, refundedMinor: 5_000 });
    expect(await guest.owesMinor()).toBe(0);
  });

  test("nobody is asked for ever", async () => {
    const guest = await charged("stripe");
    await afterDays(guest, 130);
    const [row] = await bench.db.rows("select check_at from payment where payment_id = $1", guest.paymentId);
    expect(row).toEqual({ check_at: null });
  });
});

test("a Pix that the provider rejects is over: the guest is told, and nobody is asked again and again", async () => {
  const guest = new Guest(bench, stand, "mercado-pago");
  await guest.begin();
  bench.pix.reject(guest.paymentId);
  await bench.deliver(bench.pix);
  await bench.run();
  expect(await guest.see()).toMatchObject({
    state: "expired",
    payment: { status: "cancelled", declineCode: "rejected_high_risk" },
  });
  const before = bench.pix.requests.length;
  await afterDays(guest, 0);
  await bench.run();
  expect(bench.pix.requests.length).toBe(before);
});

describe("a site that is away while it charges", () => {
  test("no stop is sent to nobody; the hold is taken before it lapses, the rest is owed when it is known", async () => {
    const guest = await charging("stripe");
    await guest.takes(4_000);
    await guest.stop();
    await stand.happens(offline(stand.cp));
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "charging", reason: "guest-stopped" });
    expect(await stand.commands(STOP)).toEqual([]);
    await bench.db.pool.query(
      "update payment set paid_at = paid_at - interval '7 days' where payment_id = $1",
      [guest.paymentId],
    );
    await bench.run();
    expect((await guest.payment()).payment).toMatchObject({ status: "captured", capturedMinor: 800 });
    await stand.happens(online(stand.cp));
    await bench.run();
    expect(await stand.commands(STOP)).toHaveLength(1);
    await guest.ends(6_000);
    expect(await guest.see()).toMatchObject({ state: "settled", price: { totalMinor: 1_200 } });
    expect(await guest.owesMinor()).toBe(400);
  });
});

test("a finding that a person has seen to is closed, until there is something else to say", async () => {
  const guest = await charging("stripe");
  await guest.ends(30_000);
  const [finding] = await findingsOf(guest);
  expect(finding).toMatchObject({ kind: "shortfall", repaired: false, note: null });
  const path = `/v1/payment-findings/${finding?.findingId}/resolve`;
  expect((await bench.api.send("POST", path, {})).status).toBe(400);
  const closed = await bench.api.send("POST", path, { note: "paid in cash" });
  expect(closed.body).toMatchObject({ repaired: true, note: "paid in cash", resolvedBy: "test" });
  // Found again as it was: still closed.
  await bench.db.pool.query(
    "update guest_session set look_at = now(), cdr_id = null where guest_session_id = $1",
    [guest.id],
  );
  await bench.run();
  expect((await findingsOf(guest))[0]).toMatchObject({ repaired: true });
  await bench.db.pool.query("update transaction set meter_stop_wh = 36000 where transaction_id = $1", [
    guest.transactionId,
  ]);
  await bench.run();
  expect((await findingsOf(guest))[0]).toMatchObject({ repaired: false, note: null });
  expect((await bench.api.send("POST", "/v1/payment-findings/999999999/resolve", { note: "x" })).status).toBe(
    404,
  );
});

test("currencies whose amounts Stripe counts otherwise are refused", async () => {
  for (const currency of ["UGX", "MGA", "KWD"]) {
    const reply = await bench.api.send("PUT", "/v1/payment-providers/stripe", {
      settings: { ...SETTINGS, currency },
    });
    expect([reply.status, reply.body]).toMatchObject([400, { code: "INVALID_SETTINGS" }]);
  }
});

test("an account that sells other things, too: what is not ours is nobody's work", async () => {
  const foreign = {
    id: "pi_foreign",
    object: "payment_intent",
    status: "succeeded",
    amount_received: 900,
    metadata: {},
  };
  const { rows } = await bench.db.pool.query<{ provider_id: string }>(
    "select provider_id from payment_provider where kind = 'stripe'",
  );
  const { provider } = await bench.pay.providers.get(bench.pay.pool, rows[0]?.provider_id ?? "");
  const body = {
    id: "evt_1",
    object: "event",
    type: "payment_intent.succeeded",
    created: 1,
    data: { object: foreign },
  };
  expect(provider.readEvent(Buffer.from(JSON.stringify(body))).about).toBeUndefined();
});
