/** A balance whose time to pay is over: what was paid in time is kept, though nobody told; else it is closed. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openPayersBench, Payer, type PayersBench } from "./harness-driver.ts";
import { reconcile } from "./reconcile.ts";

let bench: PayersBench;
beforeAll(async () => void (bench = await openPayersBench()));
afterAll(() => bench.close());
beforeEach(() => {
  for (const server of [bench.stripe, bench.pix]) {
    server.outbox.length = 0;
    server.recover();
  }
});

const payer = (owedMinor: number) => Payer.create(bench, owedMinor);

/** Its time is over, and it is not due to be asked about yet. */
const isOver = (paymentId: string) =>
  bench.db.pool.query(
    `update payment set expires_at = now() - interval '3 minutes', created_at = now() - interval '43 minutes',
       checked_at = now() - interval '9 minutes', check_at = now() + interval '1 minute' where payment_id = $1`,
    [paymentId],
  );
const kindsOf = (paymentId: string) =>
  bench.db.rows<{ kind: string }>("select kind from payment_finding where payment_id = $1", paymentId);
const look = async () => {
  await reconcile(bench.pay);
  await bench.run();
};

test("paid in time, and no webhook has come: it is kept", async () => {
  for (const provider of ["mercado-pago", "stripe"] as const) {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000, provider);
    if (provider === "stripe") bench.stripe.pay(bench.stripe.sessionOf(begun.paymentId).id, "authorize");
    else bench.pix.pay(begun.paymentId);
    bench.stripe.outbox.length = 0;
    bench.pix.outbox.length = 0;
    await isOver(begun.paymentId);
    await look();
    expect(await ana.see(begun.paymentId)).toMatchObject({
      open: false,
      capturedMinor: 2_000,
      refundedMinor: 0,
    });
    expect(await ana.balanceMinor()).toBe(0);
    expect(await kindsOf(begun.paymentId)).toEqual([{ kind: "webhook-missing" }]);
  }
});

test("the provider does not answer then: it stays open until it does, and is not asked without a pause", async () => {
  const ana = await payer(2_000);
  const begun = await ana.begin(2_000, "mercado-pago");
  bench.pix.pay(begun.paymentId);
  bench.pix.outbox.length = 0;
  bench.pix.fault({ method: "GET", path: /./, how: "hang", times: 1 });
  await isOver(begun.paymentId);
  await look();
  await look();
  expect(await ana.see(begun.paymentId)).toMatchObject({ open: true, capturedMinor: 0 });
  await isOver(begun.paymentId);
  await look();
  expect(await ana.see(begun.paymentId)).toMatchObject({ open: false, status: "paid", refundedMinor: 0 });
  expect(await ana.balanceMinor()).toBe(0);
});

test("a provider whose secrets do not open any more keeps nobody from paying otherwise", async () => {
  const ana = await payer(2_000);
  const begun = await ana.begin(1_000, "mercado-pago");
  await isOver(begun.paymentId);
  const set = "update payment_provider set version = version + 1, secrets = ";
  const { rows } = await bench.db.pool.query<{ secrets: Buffer }>(
    "select secrets from payment_provider where kind = 'mercado-pago'",
  );
  await bench.db.pool.query(`${set} 'damaged' where kind = 'mercado-pago'`);
  await look();
  expect(await ana.see(begun.paymentId)).toMatchObject({ open: false });
  await ana.pays(await ana.begin(2_000));
  expect(await ana.balanceMinor()).toBe(0);
  await bench.db.pool.query(`${set} $1 where kind = 'mercado-pago'`, [rows[0]?.secrets]);
});

test("not paid: it is closed there; so it is where the provider does not know it", async () => {
  const ana = await payer(2_000);
  const begun = await ana.begin(1_000, "mercado-pago");
  await isOver(begun.paymentId);
  await look();
  expect(await ana.see(begun.paymentId)).toMatchObject({ open: false, status: "cancelled" });
  const lost = await ana.begin(1_000, "mercado-pago");
  await bench.db.pool.query("update payment set provider_payment_id = '404' where payment_id = $1", [
    lost.paymentId,
  ]);
  await isOver(lost.paymentId);
  await look();
  expect(await ana.see(lost.paymentId)).toMatchObject({ open: false });
  expect(await ana.balanceMinor()).toBe(2_000);
});
