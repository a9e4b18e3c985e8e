/**
 * Payouts to the bank: told by webhook, read page by page, sent back by banks. Whatever comes when, one is booked
 * once, and what is left with the provider is what it holds.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PaymentProviderView } from "../api/payment-schemas.ts";
import { workEvents } from "./events.ts";
import { openPayBench, SETTINGS, type PayBench } from "./harness.ts";
import { readPayouts } from "./payouts.ts";

let bench: PayBench;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
// Stripe counts whole seconds: nothing here was made before the account was set up.
beforeEach(() => bench.db.pool.query("update payment_provider set payouts_from = now() - interval '1 hour'"));
afterEach(async () => {
  bench.stripe.outbox.splice(0);
  bench.stripe.recover();
  bench.stripe.balance.readable = true;
  await bench.api.send("PUT", "/v1/payment-providers/stripe", { settings: SETTINGS });
});

/** What stands in the ledger of one payout: debit of the bank and of the fees, and what is left at the provider. */
async function booked(payoutId: string): Promise<Record<string, number>> {
  const rows = await bench.db.rows<{ account: string; sum: number }>(
    `select e.account, sum(e.amount_minor)::float8 as sum from ledger_entry e
     join ledger_posting p using (operator_id, posting_id)
     where p.reference like '%' || $1 || '%' group by 1 having sum(e.amount_minor) <> 0`,
    payoutId,
  );
  expect(rows.reduce((sum, row) => sum + row.sum, 0)).toBe(0);
  return Object.fromEntries(rows.map(({ account, sum }) => [account, sum]));
}

async function read(): Promise<number> {
  await bench.db.pool.query("update payment_provider set payouts_check_at = now()");
  return readPayouts(bench.pay);
}

const provider = async (): Promise<PaymentProviderView> =>
  (await bench.api.get("/v1/payment-providers/stripe")).body as PaymentProviderView;

const asked = () => bench.stripe.requests.filter(({ path }) => path === "/v1/payouts").length;

describe("told by webhook", () => {
  test("booked when it is paid, taken back when the bank sends it back", async () => {
    const { balance } = bench.stripe;
    const id = balance.payOut(90_000, "brl");
    await bench.deliver(bench.stripe);
    expect(await booked(id)).toEqual({});
    balance.payoutEnds(id, "paid");
    expect(await bench.deliver(bench.stripe)).toEqual([200]);
    expect(await booked(id)).toEqual({ bank: 90_000, "clearing:stripe": -90_000 });
    balance.payoutEnds(id, "failed");
    await bench.deliver(bench.stripe);
    expect(await booked(id)).toEqual({});
    const [row] = await bench.db.rows("select status, failure from payout where provider_payout_id = $1", id);
    expect(row).toEqual({ status: "failed", failure: "The account is closed." });
  });

  test("twice, late and in another order: the same", async () => {
    const { balance } = bench.stripe;
    const id = balance.payOut(5_000, "brl");
    balance.payoutEnds(id, "paid");
    balance.payoutEnds(id, "failed");
    const said = [...bench.stripe.outbox];
    await bench.deliver(bench.stripe, (webhooks) => webhooks.toReversed());
    bench.stripe.outbox.push(...said);
    await bench.deliver(bench.stripe);
    expect(await booked(id)).toEqual({});
    const events = await bench.db.rows<{ event_id: number; outcome: string }>(
      "select event_id, outcome from payment_event where type like 'payout.%' order by event_id desc limit 3",
    );
    expect(events.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged", "applied"]);
    // Read again by a person: no payment is looked for.
    for (const { event_id: eventId } of events)
      await bench.api.send("POST", `/v1/payment-events/${eventId}/replay`, {});
    await workEvents(bench.pay);
    expect(await booked(id)).toEqual({});
  });

  test("below zero: taken from the bank", async () => {
    const id = bench.stripe.balance.payOut(-700, "brl");
    bench.stripe.balance.payoutEnds(id, "paid");
    await bench.deliver(bench.stripe);
    expect(await booked(id)).toEqual({ bank: -700, "clearing:stripe": 700 });
  });
});

describe("read at the provider", () => {
  test("whose webhooks never came, with what was kept for them; again it is no news", async () => {
    const { balance } = bench.stripe;
    const [paid, failed, instant] = [
      balance.payOut(1_000, "brl"),
      balance.payOut(2_000, "brl"),
      balance.payOut(3_000, "brl", { fee: 45 }),
    ];
    balance.payoutEnds(paid, "paid");
    balance.payoutEnds(failed, "failed");
    balance.payoutEnds(instant, "paid");
    expect(await read()).toBeGreaterThanOrEqual(3);
    expect(await booked(paid)).toEqual({ bank: 1_000, "clearing:stripe": -1_000 });
    expect(await booked(failed)).toEqual({});
    expect(await booked(instant)).toEqual({ bank: 3_000, fees: 45, "clearing:stripe": -3_045 });
    expect(await read()).toBe(0);
    // The bank sends it back days later: the reading goes behind the one before.
    balance.payoutEnds(instant, "failed");
    expect(await read()).toBe(1);
    expect(await booked(instant)).toEqual({});
    expect((await provider()).payoutsReadAt).not.toBeNull();
  });

  test("an hour after the last time, by one copy", async () => {
    await read();
    const before = asked();
    await readPayouts(bench.pay);
    expect(asked()).toBe(before);
    await bench.db.pool.query("update payment_provider set payouts_check_at = now()");
    await Promise.all([readPayouts(bench.pay), readPayouts(bench.pay), readPayouts(bench.pay)]);
    expect(asked()).toBe(before + 1);
  });

  test("many: page by page, a bounded number at once, and on from where it was broken off", async () => {
    const { balance } = bench.stripe;
    const ids = Array.from({ length: 620 }, () => balance.payOut(10, "brl"));
    for (const id of ids) balance.payoutEnds(id, "paid");
    bench.stripe.outbox.splice(0);
    const before = asked();
    expect(await read()).toBe(500);
    expect(asked()).toBe(before + 5);
    const rows = () =>
      bench.db.rows<{ page: string | null; soon: boolean }>(
        `select payouts_page as page, payouts_check_at < now() + interval '1 minute' as soon
         from payment_provider where kind = 'stripe'`,
      );
    expect((await rows())[0]).toMatchObject({ page: expect.stringMatching(/^po_/) as unknown, soon: true });
    bench.stripe.fault({ path: /payouts/, how: { status: 503 } });
    await expect(read()).rejects.toThrow(/Stripe/);
    expect((await provider()).payoutsError).toMatch(/Stripe/);
    expect(await read()).toBe(120);
    expect((await rows())[0]).toEqual({ page: null, soon: false });
    expect((await provider()).payoutsError).toBeNull();
    const [sum] = await bench.db.rows<{ n: number }>(
      "select count(*)::int as n from ledger_posting p join payout o on p.reference like '%' || o.provider_payout_id " +
        "where o.amount_minor = 10",
    );
    expect(sum?.n).toBe(620);
  }, 60_000);

  test("a key that may not read them: said, and told again when it may", async () => {
    bench.stripe.balance.readable = false;
    await expect(read()).rejects.toThrow(/permission/);
    expect((await provider()).payoutsError).toMatch(/permission/);
    bench.stripe.balance.readable = true;
    await read();
    expect((await provider()).payoutsError).toBeNull();
  });
});

describe("what is a person's", () => {
  test("payouts from before they came by themselves", async () => {
    const createdS = Math.trunc(Date.now() / 1_000) - 7 * 86_400;
    const id = bench.stripe.balance.payOut(4_000, "brl", { createdS });
    bench.stripe.balance.payoutEnds(id, "paid");
    await bench.deliver(bench.stripe);
    await read();
    expect(await booked(id)).toEqual({});
  });

  test("those of an account that takes money of something else, too, and those from that time", async () => {
    const { balance } = bench.stripe;
    const settings = { ...SETTINGS, bookPayouts: false };
    const early = balance.payOut(800, "brl");
    balance.payoutEnds(early, "paid");
    await bench.deliver(bench.stripe);
    const reply = await bench.api.send("PUT", "/v1/payment-providers/stripe", { settings });
    expect(reply.body).toMatchObject({ booksPayouts: false });
    const id = balance.payOut(900, "brl", { createdS: Math.trunc(Date.now() / 1_000) - 2 });
    balance.payoutEnds(id, "paid");
    const before = asked();
    await bench.deliver(bench.stripe);
    await read();
    expect([await booked(id), asked()]).toEqual([{}, before]);
    await bench.api.send("PUT", "/v1/payment-providers/stripe", { settings: SETTINGS });
    await read();
    expect(await booked(id)).toEqual({});
    // What was booked before is taken back all the same.
    balance.payoutEnds(early, "failed");
    await bench.deliver(bench.stripe);
    expect(await booked(early)).toEqual({});
  });

  test("what a person has booked has a name of its own", async () => {
    const posting = {
      ...{ kind: "payout", note: "July", occurredAt: new Date().toISOString() },
      entries: [
        { account: "bank", currency: "BRL", amountMinor: 1_500 },
        { account: "clearing:stripe", currency: "BRL", amountMinor: -1_500 },
      ],
    };
    const reply = await bench.api.send("POST", "/v1/ledger/postings", posting);
    expect(reply.status, reply.text).toBe(201);
    expect((reply.body as { reference: string }).reference).toMatch(/^manual:/);
  });
});
