/** Payments of balances that somebody looks at later: a card that was passed on, a payment that is over. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accounts, writeOff } from "../core/ledger.ts";
import { inTransaction } from "../db/pool.ts";
import { post, reverse } from "../ledger.ts";
import { createStatement } from "../statements.ts";
import { openPayersBench, Payer, type PayersBench } from "./harness-driver.ts";

let bench: PayersBench;
beforeAll(async () => void (bench = await openPayersBench()));
afterAll(() => bench.close());

const give = async (token: string, to: Payer) => {
  await bench.db.pool.query("delete from id_token where id_token = $1", [token]);
  await bench.db.pool.query(
    "insert into id_token (operator_id, id_token, driver_id, driver_since) values ('default', $1, $2, clock_timestamp())",
    [token, to.driverId],
  );
};

test("a card that is somebody else's by now: who began to pay for it may go on, and nobody else sees that", async () => {
  const [ana, bia] = [await Payer.create(bench), await Payer.create(bench)];
  const token = `T-${randomUUID().slice(0, 8)}`;
  await give(token, ana);
  const account = accounts.token(token.toLowerCase());
  await ana.owes(2_000, account);
  const begun = await ana.begin(2_000, "stripe", { account });
  await give(token, bia);
  expect(await bia.debts()).toMatchObject([{ account, owedMinor: 2_000, openPaymentId: null }]);
  expect((await bia.wish(2_000, "stripe", { account })).body).toMatchObject({ code: "PAYMENT_OPEN" });
  await ana.pays(begun);
  expect(await bia.debts()).toEqual([]);
});

test("what is paid is not cancelled, however long ago; what is closed is closed", async () => {
  const ana = await Payer.create(bench, 2_000);
  const paid = await ana.begin(1_000, "mercado-pago");
  await ana.pays(paid);
  expect(await ana.cancel(paid.paymentId)).toMatchObject({ status: 409, body: { code: "ALREADY_PAID" } });
  const closed = await ana.begin(1_000, "mercado-pago");
  for (let time = 0; time < 2; time++)
    expect(await ana.cancel(closed.paymentId)).toMatchObject({ status: 200, body: { open: false } });
});

type Told = {
  account: string;
  amountMinor: number;
  openingMinor: number;
  closingMinor: number;
};

test("each takes along what is its own of the card's account: by its payments and its time, not what others had", async () => {
  const { pool, rows } = bench.db;
  const [ana, bia] = [await Payer.create(bench), await Payer.create(bench)];
  const token = `T-${randomUUID().slice(0, 8)}`;
  const account = accounts.token(token.toLowerCase());
  const now = async () => (await rows<{ at: string }>("select clock_timestamp()::text as at"))[0]?.at ?? "";
  const waived = async (amountMinor: number) => {
    const reference = `test:${randomUUID()}`;
    const booked = { reference, occurredAt: Date.now(), currency: "BRL", payer: account, amountMinor };
    await inTransaction(pool, (client) => post(client, "default", writeOff(booked)));
    return reference;
  };
  const said = async (from: string, to: string) => {
    const wanted = { account, currency: "BRL", period: { from, to }, createdBy: "test" };
    const { row } = await inTransaction(pool, (client) => createStatement(client, "default", wanted));
    return [row.account, row.opening_minor, row.closing_minor];
  };
  const data = async (of: Payer) => {
    const { ledger, statements } = (await of.browser.get("/v1/own/data")).body as Record<string, Told[]>;
    return {
      ledger: ledger?.map((e) => [e.account, e.amountMinor]).sort(([, a], [, b]) => Number(a) - Number(b)),
      statements: statements?.map((s) => [s.account, s.openingMinor, s.closingMinor]),
    };
  };
  const times = [await now()];
  await ana.owes(2_000, account);
  times.push(await now());
  await give(token, ana);
  await ana.pays(await ana.begin(500, "mercado-pago", { account }));
  times.push(await now());
  const taken = await waived(40);
  await give(token, bia);
  times.push(await now());
  await bia.pays(await bia.begin(700, "mercado-pago", { account }));
  await waived(60);
  times.push(await now(), await now());
  await inTransaction(pool, (client) => reverse(client, "default", taken, { occurredAt: Date.now() }));
  await bia.owes(3);
  times.push(await now());
  const [t0 = "", t1 = "", t2 = "", t3 = "", t4 = "", t5 = "", t6 = ""] = times;
  const nobodys = await said(t0, t1);
  const anas = await said(t1, t2);
  const both = await said(t2, t4);
  const bias = await said(t3, t4);
  const still = await said(t4, t5);
  const undone = await said(t5, t6);
  expect([nobodys, anas, both, bias, still, undone].map(([, from, to]) => `${from} ${to}`)).toEqual([
    ...["0 2000", "2000 1500", "1500 700", "1460 700", "700 700", "700 740"],
  ]);
  expect(await data(ana)).toEqual({ ledger: [[account, -500]], statements: [anas] });
  const told = await data(bia);
  expect(told.ledger).toEqual([
    [account, -700],
    [account, -60],
    [bia.account, 3],
  ]);
  expect(told.statements).toHaveLength(2);
  expect(told.statements).toEqual(expect.arrayContaining([bias, still]));
});
