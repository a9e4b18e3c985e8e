/** A driver is erased at the moment at which its money comes in, for what its card had charged before it was its. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDriver } from "../api/driver-store.ts";
import { accounts } from "../core/ledger.ts";
import { inTransaction } from "../db/pool.ts";
import { eraseDriver } from "../erasure.ts";
import { openPayersBench, Payer, type PayersBench } from "./harness-driver.ts";
import { takeTold } from "./store.ts";

let bench: PayersBench;
beforeAll(async () => void (bench = await openPayersBench()));
afterAll(() => bench.close());

const WAITS = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

const byCard = async (driverId: string): Promise<string> => {
  const token = `T-${randomUUID().slice(0, 8)}`;
  await bench.db.pool.query(
    "insert into id_token (operator_id, id_token, driver_id, driver_since) values ('default', $1, $2, now())",
    [token, driverId],
  );
  return accounts.token(token.toLowerCase());
};

test("the erasure waits for it, and the money goes with the account", async () => {
  const { pool, rows } = bench.db;
  const ana = await Payer.create(bench);
  const account = await byCard(ana.driverId);
  await ana.owes(2_000, account);
  const { paymentId } = await ana.begin(700, "mercado-pago", { account });
  let erased: Promise<unknown> = Promise.resolve();
  await inTransaction(pool, async (client) => {
    const facts = { progress: "authorized", capturedMinor: 700 } as const;
    await takeTold(client, paymentId, { facts }, "webhook");
    erased = inTransaction(pool, (other) => eraseDriver(other, "default", ana.driverId, "test"));
    await expect.poll(async () => (await rows(WAITS)).length, { timeout: 10_000 }).toBe(1);
  });
  expect(await erased).toMatchObject({ tokens: 1 });
  const [payment] = await rows<{ account: string }>(
    "select account from payment where payment_id = $1",
    paymentId,
  );
  expect(payment?.account).toMatch(/^token:erased-/);
  expect(await ana.balanceMinor(payment?.account)).toBe(1_300);
  expect(await rows("select 1 from ledger_account where account = $1", account)).toEqual([]);
});

test("a payment that is begun while the driver is erased is not begun", async () => {
  const { pool, rows } = bench.db;
  const ana = await Payer.create(bench);
  const account = await byCard(ana.driverId);
  await ana.owes(2_000, account);
  let wish: ReturnType<Payer["wish"]> | undefined;
  await inTransaction(pool, async (client) => {
    await readDriver(client, "default", ana.driverId, true);
    wish = ana.wish(700, "mercado-pago", { account });
    await expect.poll(async () => (await rows(WAITS)).length, { timeout: 10_000 }).toBe(1);
    await eraseDriver(client, "default", ana.driverId, "test");
  });
  expect((await wish)?.status).toBe(404);
  expect(await rows("select 1 from payment where driver_id = $1", ana.driverId)).toEqual([]);
});

test("a name that was put by hand on the receipt of what it has paid for its card goes; another payer's stays", async () => {
  const { pool, rows } = bench.db;
  const [ana, bia] = [await Payer.create(bench), await Payer.create(bench)];
  const account = await byCard(bia.driverId);
  await bia.owes(2_000, account);
  const made = async (who: Payer, name: string) => {
    const begun = await who.begin(700, "mercado-pago", { account });
    await who.pays(begun);
    const [posting] = await rows<{ posting_id: string }>(
      "select posting_id from ledger_posting where payment_id = $1 and kind = 'payment'",
      begun.paymentId,
    );
    const put = { postingId: posting?.posting_id, customer: { name } };
    const { receiptId } = (await bench.api.send("POST", "/v1/receipts", put)).body as { receiptId: string };
    const seen = async () =>
      (await bench.api.get(`/v1/receipts/${receiptId}`)).body as { customerName: unknown };
    return async () => (await seen()).customerName;
  };
  const before = await made(bia, "Bruno Lima");
  await pool.query("update id_token set driver_id = $2 where driver_id = $1", [bia.driverId, ana.driverId]);
  const own = await made(ana, "Carla Dias");
  expect([await before(), await own()]).toEqual(["Bruno Lima", "Carla Dias"]);
  await inTransaction(pool, (client) => eraseDriver(client, "default", ana.driverId, "test"));
  expect([await before(), await own()]).toEqual(["Bruno Lima", null]);
});
