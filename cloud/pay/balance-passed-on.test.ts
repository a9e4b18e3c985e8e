/** Payments of balances that somebody looks at later: a card that was passed on, a payment that is over. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accounts } from "../core/ledger.ts";
import { openPayBench, type PayBench } from "./harness.ts";
import { openPeople, Payer, type People } from "./harness-driver.ts";

let bench: PayBench;
let people: People;
beforeAll(async () => {
  bench = await openPayBench();
  people = await openPeople(bench);
});
afterAll(async () => {
  await people.close();
  await bench.close();
});

test("a card that is somebody else's by now: who began to pay for it may go on, and nobody else sees that", async () => {
  const [ana, bia] = [await Payer.create(bench, people), await Payer.create(bench, people)];
  const token = `T-${randomUUID().slice(0, 8)}`;
  const give = async (to: Payer) => {
    await bench.db.pool.query("delete from id_token where id_token = $1", [token]);
    await bench.db.pool.query(
      "insert into id_token (operator_id, id_token, driver_id, driver_since) values ('default', $1, $2, now())",
      [token, to.driverId],
    );
  };
  await give(ana);
  const account = accounts.token(token.toLowerCase());
  await ana.owes(2_000, account);
  const begun = await ana.begin(2_000, "stripe", { account });
  await give(bia);
  expect(await bia.debts()).toMatchObject([{ account, owedMinor: 2_000, openPaymentId: null }]);
  expect((await bia.wish(2_000, "stripe", { account })).body).toMatchObject({ code: "PAYMENT_OPEN" });
  await ana.pays(begun);
  expect(await bia.debts()).toEqual([]);
});

test("what is paid is not cancelled, however long ago; what is closed is closed", async () => {
  const ana = await Payer.create(bench, people, 2_000);
  const paid = await ana.begin(1_000, "mercado-pago");
  await ana.pays(paid);
  expect(await ana.cancel(paid.paymentId)).toMatchObject({ status: 409, body: { code: "ALREADY_PAID" } });
  const closed = await ana.begin(1_000, "mercado-pago");
  for (let time = 0; time < 2; time++)
    expect(await ana.cancel(closed.paymentId)).toMatchObject({ status: 200, body: { open: false } });
});
