/**
 * Guests whose charging is not one transaction at one price: a cable that is plugged in again, a tariff that
 * changes on the way, a bill in another currency.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NOON, start16, stop16 } from "../harness.ts";
import {
  chargingGuest,
  Guest,
  makeCheaper,
  makeDearer,
  openPayBench,
  openStand,
  type PayBench,
  type Stand,
} from "./harness.ts";

const START = "RequestStartTransaction";
const STOP = "RequestStopTransaction";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => void (stand = await openStand(bench)));

const findings = (paymentId: string) =>
  bench.db.rows("select kind, repaired from payment_finding where payment_id = $1 order by kind", paymentId);

const charging = (provider: "stripe" | "mercado-pago", more: object = {}) =>
  chargingGuest(bench, stand, provider, more);

/** The station lets the same token in again. */
async function second(guest: Guest): Promise<{ id: string; ends: (energyWh: number) => Promise<void> }> {
  const id = randomUUID();
  const at = () => Date.now() - NOON;
  await stand.happens(start16(stand.cp, id, { at: at(), idTag: await guest.idToken(), meterStart: 9_000 }));
  await bench.run();
  return {
    id,
    async ends(energyWh) {
      await stand.happens(stop16(stand.cp, id, { at: at(), meterStop: 9_000 + energyWh }));
      await bench.run();
    },
  };
}

describe("a guest with two transactions", () => {
  test("the second before the first is settled: both are one bill", async () => {
    const guest = await charging("stripe");
    const at = Date.now() - NOON;
    // Both in one delivery: nobody has looked in between.
    await stand.happens(stop16(stand.cp, guest.transactionId, { at, meterStop: 3_000 }));
    const again = await second(guest);
    expect(await guest.see()).toMatchObject({ state: "charging", payment: { capturedMinor: 0 } });
    await again.ends(4_000);
    expect(await guest.see()).toMatchObject({
      ...{ state: "settled", price: { totalMinor: 1_200, final: true }, charging: { energyWh: 6_000 } },
      payment: { capturedMinor: 1_200 },
    });
    expect(await guest.owesMinor()).toBe(0);
  });

  test.each(["stripe", "mercado-pago"] as const)(
    "%s: after it was settled: stopped, and owed",
    async (provider) => {
      const guest = await charging(provider);
      await guest.ends(6_000);
      expect(await guest.see()).toMatchObject({ state: "settled" });
      const again = await second(guest);
      expect(await guest.see()).toMatchObject({ state: "charging", reason: "late-start" });
      expect((await stand.commands(STOP)).at(-1)?.params).toEqual({ transactionId: again.id });
      await again.ends(1_000);
      expect(await guest.see()).toMatchObject({ state: "settled", price: { totalMinor: 1_400 } });
      expect(await guest.owesMinor()).toBe(200);
      expect(await findings(guest.paymentId)).toEqual([
        { kind: "late-transaction", repaired: false },
        { kind: "shortfall", repaired: false },
      ]);
    },
  );

  test("days later, when nobody looks at the session any more", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    await guest.paysAndIsTold();
    await stand.finish(START, "failed");
    await bench.run();
    await bench.db.pool.query("update guest_session set look_at = null where guest_session_id = $1", [
      guest.id,
    ]);
    await guest.charges();
    await guest.ends(1_000);
    expect(await guest.see()).toMatchObject({ state: "settled", price: { totalMinor: 200 } });
    expect(await guest.owesMinor()).toBe(200);
  });
});

describe("the price that a guest was shown", () => {
  const dearer = () => makeDearer(bench);
  const cheaper = () => makeCheaper(bench);

  test("holds, though the tariff becomes dearer before the car is plugged in", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    await guest.paysAndIsTold();
    await dearer();
    try {
      await stand.finish(START, "succeeded");
      await guest.charges();
      await guest.takes(4_000);
      expect(await guest.see()).toMatchObject({ price: { totalMinor: 800 } });
      const seen = (await bench.api.get(`/v1/transactions/${guest.transactionId}`)).body;
      expect(seen).toMatchObject({ price: { assignedBy: "offer", tariffVersion: 1 } });
      await guest.ends(6_000);
      expect(await guest.see()).toMatchObject({ price: { totalMinor: 1_200, final: true } });
    } finally {
      await cheaper();
    }
  });

  test("is asked for again when it has changed before the guest pays", async () => {
    const tariffId = await dearer();
    try {
      const guest = new Guest(bench, stand, "stripe");
      const reply = await guest.wish({ tariff: { tariffId, version: 1 } });
      expect([reply.statusCode, reply.json()]).toMatchObject([409, { code: "PRICE_CHANGED" }]);
      expect((await guest.wish({ tariff: { tariffId, version: 2 } })).statusCode).toBe(201);
    } finally {
      await bench.db.pool.query("update guest_session set tariff_version = 1 where tariff_version = 2");
      await cheaper();
    }
  });
});

test("a bill in another currency than was paid in: nothing is taken, and a person is asked", async () => {
  const guest = await charging("stripe");
  await bench.db.pool.query("update payment set currency = 'USD' where payment_id = $1", [guest.paymentId]);
  await guest.ends(6_000);
  expect(await guest.see()).toMatchObject({
    state: "finishing",
    reason: "held",
    payment: { capturedMinor: 0 },
  });
  expect(await findings(guest.paymentId)).toEqual([{ kind: "currency-differs", repaired: false }]);
});

test("what a guest does stands in the audit, once each, without who they are", async () => {
  const guest = new Guest(bench, stand, "stripe");
  const wish = { email: "guest@example.com", amountMinor: 2_000 };
  await guest.begin(wish);
  await guest.begin(wish);
  await guest.cancel();
  await guest.cancel();
  const other = await charging("stripe");
  await other.stop();
  await other.stop();
  // It charges: nothing can be called off any more.
  await other.cancel();
  const rows = await bench.db.rows<{ subject: string; action: string; actor: string; detail: unknown }>(
    "select subject, action, actor, detail from audit where subject = any($1) order by audit_id",
    [guest.id, other.id],
  );
  expect(rows).toMatchObject([
    { subject: guest.id, action: "guest.create", actor: "guest", detail: { amountMinor: 2_000 } },
    { subject: guest.id, action: "guest.cancel", actor: "guest" },
    { subject: other.id, action: "guest.create" },
    { subject: other.id, action: "guest.stop", actor: "guest" },
  ]);
  expect(JSON.stringify(rows)).not.toContain("guest@example.com");
});
