/**
 * Drivers who pay what they owe: by card and by Pix, once and not twice, whatever the providers tell and when; what
 * an operator gives back is owed again. With the database, the API and providers' servers on the wire.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Webhook } from "../../sim/pay/server.ts";
import { fc, scaled } from "../../sim/services/property.ts";
import { createApiKey } from "../api/actor.ts";
import type { OwnPayment } from "../api/own-schemas.ts";
import type { PaymentDetailView, PaymentView } from "../api/payment-schemas.ts";
import { accounts } from "../core/ledger.ts";
import { eraseDriver } from "../erasure.ts";
import { inTransaction } from "../db/pool.ts";
import { justAfter } from "../harness-money.ts";
import { openStand, SETTINGS } from "./harness.ts";
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
  bench.pix.refundStatus = "approved";
});

const payer = (owedMinor = 0) => Payer.create(bench, owedMinor);

const detail = async (paymentId: string): Promise<PaymentDetailView> => {
  const reply = await bench.api.get(`/v1/payments/${paymentId}`);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as PaymentDetailView;
};
const giveBack = async (paymentId: string, amountMinor: number) => {
  const body = { amountMinor, reason: "the cable was broken" };
  const reply = await bench.api.send("POST", `/v1/payments/${paymentId}/refunds`, body);
  expect(reply.status, reply.text).toBe(202);
};
const findings = (paymentId: string) =>
  bench.db.rows<{ kind: string }>("select kind from payment_finding where payment_id = $1", paymentId);
/** Time passes: what is due later is due now. */
const later = (paymentId: string) =>
  bench.db.pool.query(
    `update payment set due_at = case when due_at is null then null else now() end,
       check_at = now(), created_at = created_at - interval '2 hours', expires_at = expires_at - interval '2 hours'
     where payment_id = $1`,
    [paymentId],
  );
const isEven = async () => {
  const sums = await bench.db.rows(
    "select 1 from ledger_entry group by posting_id having sum(amount_minor) <> 0",
  );
  expect(sums).toEqual([]);
};

describe("what is owed is paid", () => {
  test("by card: all of it is taken as soon as it is authorized, and stands in receipt, statement and books", async () => {
    await bench.db.pool.query(
      "insert into webhook_endpoint (operator_id, url, secret, event_types) values ('default', 'https://x', 's', '{payment.*}')",
    );
    const ana = await payer(4_250);
    const [debt] = await ana.debts();
    expect(debt).toMatchObject({
      account: ana.account,
      idToken: null,
      owedMinor: 4_250,
      openPaymentId: null,
    });
    expect(debt?.ways).toEqual([
      { provider: "mercado-pago", method: "pix", leastMinor: 1 },
      { provider: "sandbox", method: "sandbox", leastMinor: 1 },
      { provider: "stripe", method: "card", leastMinor: 50 },
    ]);
    const begun = await ana.begin(4_250, "stripe", { language: "es" });
    expect(begun).toMatchObject({ open: true, status: "pending", method: "card", hasReceipt: false });
    expect(begun.checkoutUrl).toMatch(/^https:\/\/checkout\.stripe\.test/);
    const form = new URLSearchParams(bench.stripe.requests.at(-1)?.body);
    expect(form.get("success_url")).toBe(`http://localhost/my/payments/${begun.paymentId}`);
    expect(form.get("locale")).toBe("es");
    expect((await ana.debts())[0]?.openPaymentId).toBe(begun.paymentId);
    expect((await ana.browser.get(`/v1/own/payments/${begun.paymentId}/receipt`)).status).toBe(409);
    await ana.pays(begun);
    const paid = await ana.see(begun.paymentId);
    expect(paid).toMatchObject({ open: false, status: "captured", capturedMinor: 4_250, hasReceipt: true });
    expect(paid.checkoutUrl).toBeNull();
    expect(await ana.balanceMinor()).toBe(0);
    expect(await ana.debts()).toEqual([]);
    const list = (await ana.browser.get("/v1/own/payments")).body["items"] as OwnPayment[];
    expect(list.map(({ paymentId }) => paymentId)).toEqual([begun.paymentId]);
    const told = await bench.db.rows<{ type: string; data: object; site_id: string | null }>(
      "select type, data, site_id from webhook_event where data ->> 'paymentId' = $1 order by type",
      begun.paymentId,
    );
    expect(told).toMatchObject([
      { type: "payment.authorized", site_id: null, data: { stationId: null, amountMinor: 4_250 } },
      { type: "payment.captured", site_id: null, data: { stationId: null, amountMinor: 4_250 } },
    ]);
    const receipt = await ana.browser.get(`/v1/own/payments/${begun.paymentId}/receipt`);
    expect([receipt.status, (receipt.headers as Record<string, string>)["content-type"]]).toEqual([
      200,
      "application/pdf",
    ]);
    const [posting] = await bench.db.rows<{ posting_id: string }>(
      "select posting_id from ledger_posting where payment_id = $1",
      begun.paymentId,
    );
    const issued = await bench.api.send("POST", "/v1/receipts", { postingId: posting?.posting_id });
    expect(issued.body).toMatchObject({ customerName: "Ana Souza" });
    const to = await justAfter();
    const made = await bench.api.send("POST", "/v1/statements", {
      ...{ account: ana.account, from: "2026-01-01T00:00:00Z", to },
    });
    expect(made.body).toMatchObject({ paymentsMinor: -4_250, closingMinor: 0 });
    await isEven();
  });

  test("by Pix, in parts: nothing of it goes back, the rest stays owed", async () => {
    const ana = await payer(3_000);
    await bench.db.pool.query("update driver set tax_id = '52998224725' where driver_id = $1", [
      ana.driverId,
    ]);
    const first = await ana.begin(1, "mercado-pago");
    expect(first.pixCode).toBeTruthy();
    expect(first.pixQrSvg).toContain("<svg");
    expect(bench.pix.pixOf(first.paymentId).payer).toMatchObject({
      identification: { number: "52998224725" },
    });
    await ana.pays(first);
    expect(await ana.see(first.paymentId)).toMatchObject({
      status: "paid",
      refundedMinor: 0,
      refundPendingMinor: 0,
    });
    await ana.pays(await ana.begin(2_999, "mercado-pago"));
    expect(await ana.balanceMinor()).toBe(0);
    expect((await ana.wish(1, "mercado-pago")).body).toMatchObject({ code: "NOTHING_OWED" });
    expect((await detail(first.paymentId)).payment.flags).toEqual([]);
    expect(await findings(first.paymentId)).toEqual([]);
  });

  test("of a token that was charged before it was the driver's, too; not of anybody else's", async () => {
    const [ana, bia] = [await payer(100), await payer(100)];
    const token = `T-${randomUUID().slice(0, 8)}`;
    await bench.db.pool.query(
      "insert into id_token (operator_id, id_token, driver_id, driver_since) values ('default', $1, $2, now())",
      [token, ana.driverId],
    );
    const account = accounts.token(token.toLowerCase());
    await ana.owes(700, account);
    expect((await ana.debts()).map((debt) => [debt.idToken, debt.owedMinor])).toEqual([
      [null, 100],
      [token, 700],
    ]);
    const begun = await ana.begin(700, "stripe", { account });
    await ana.pays(begun);
    expect(await ana.balanceMinor(account)).toBe(0);
    expect((await detail(begun.paymentId)).payment).toMatchObject({ account, siteId: null, stationId: null });
    for (const strange of [account, ana.account, "revenue", "guest:x", "driver:", "%"])
      expect((await bia.wish(50, "stripe", { account: strange })).status).toBe(404);
    for (const path of ["", "/receipt"])
      expect((await bia.browser.get(`/v1/own/payments/${begun.paymentId}${path}`)).status).toBe(404);
    expect((await bia.cancel(begun.paymentId)).status).toBe(404);
    expect((await bia.browser.get("/v1/own/payments")).body["items"]).toEqual([]);
    expect((await bia.browser.get("/v1/own/payments/nothing")).status).toBe(404);
    // It goes with the person: the account of its token, and so what was paid on it, gets another name.
    await inTransaction(bench.db.pool, (client) => eraseDriver(client, "default", ana.driverId, "test"));
    const { payment } = await detail(begun.paymentId);
    expect(payment.account).toMatch(/^token:erased-/);
    expect(await ana.balanceMinor(payment.account)).toBe(0);
  });

  test("what cannot be is refused, and says why", async () => {
    const ana = await payer(1_000);
    const code = async (...wish: Parameters<Payer["wish"]>) => {
      const { status, body } = await ana.wish(...wish);
      return `${status} ${String(body["code"])}`;
    };
    expect(await code(1_001)).toBe("409 MORE_THAN_OWED");
    expect(await code(49)).toBe("400 INVALID_AMOUNT");
    expect(await code(0)).toMatch(/^400/);
    expect(await code(100, "stripe", { currency: "USD" })).toBe("409 NOTHING_OWED");
    await ana.owes(900, ana.account, "USD");
    expect(await code(100, "stripe", { currency: "USD" })).toBe("409 NO_PROVIDER");
    expect((await ana.debts()).find(({ currency }) => currency === "USD")?.ways).toEqual([]);
    const put = (enabled: boolean) =>
      bench.api.send("PUT", "/v1/payment-providers/stripe", { enabled, settings: SETTINGS });
    await put(false);
    expect(await code(100)).toBe("409 NO_PROVIDER");
    await put(true);
    const { count } = (
      await bench.db.rows<{ count: number }>(
        "select count(*)::int as count from payment where driver_id = $1",
        ana.driverId,
      )
    )[0] ?? { count: -1 };
    expect(count).toBe(0);
    const key = { authorization: `Bearer ${bench.api.key}` };
    const asKey = await bench.people.app.inject({ method: "GET", url: "/v1/own/debts", headers: key });
    expect(asKey.statusCode).toBe(403);
  });

  test("a provider that does not answer is asked again for the same; one that refuses is done with", async () => {
    const ana = await payer(1_000);
    const requestId = randomUUID();
    bench.stripe.fault({ method: "POST", path: /sessions/, how: { status: 503 }, times: 1 });
    expect((await ana.wish(1_000, "stripe", { requestId })).body).toMatchObject({
      code: "PROVIDER_UNREACHABLE",
    });
    const begun = await ana.begin(1_000, "stripe", { requestId });
    expect(begun.checkoutUrl).toBeTruthy();
    await ana.cancel(begun.paymentId);
    bench.stripe.fault({ method: "POST", path: /sessions/, how: { status: 400 }, times: 1 });
    expect((await ana.wish(1_000)).body).toMatchObject({ code: "PROVIDER_REFUSED" });
    expect((await ana.debts())[0]?.openPaymentId).toBeNull();
    await ana.pays(await ana.begin(1_000));
    expect(await ana.balanceMinor()).toBe(0);
  });
});

describe("nobody pays the same twice", () => {
  test("one that is open is offered again; another amount or provider has to wait for it", async () => {
    const ana = await payer(2_000);
    const requestId = randomUUID();
    const first = await ana.begin(2_000, "stripe", { requestId });
    expect(await ana.begin(2_000)).toEqual(first);
    expect(await ana.begin(2_000, "stripe", { requestId })).toEqual(first);
    expect(bench.stripe.requests.filter(({ body }) => body.includes(first.paymentId))).toHaveLength(1);
    expect((await ana.wish(1_000)).body).toMatchObject({ code: "PAYMENT_OPEN" });
    expect((await ana.wish(2_000, "mercado-pago")).body).toMatchObject({ code: "PAYMENT_OPEN" });
    bench.stripe.pay(bench.stripe.sessionOf(first.paymentId).id, "decline");
    await ana.told();
    expect(await ana.see(first.paymentId)).toMatchObject({ open: true, status: "failed" });
    expect((await ana.wish(2_000, "mercado-pago")).body).toMatchObject({ code: "PAYMENT_OPEN" });
    const cancelled = await ana.cancel(first.paymentId);
    expect([cancelled.status, cancelled.body]).toMatchObject([200, { open: false, status: "expired" }]);
    expect((await ana.cancel(first.paymentId)).status).toBe(200);
    const second = await ana.begin(2_000, "mercado-pago");
    expect(second.paymentId).not.toBe(first.paymentId);
    await ana.pays(second);
    expect(await ana.balanceMinor()).toBe(0);
    // The wish that was cancelled is not begun anew by being told again.
    expect(await ana.begin(2_000, "stripe", { requestId })).toMatchObject({
      paymentId: first.paymentId,
      open: false,
    });
  });

  test("wishes at the same moment: one payment", async () => {
    const ana = await payer(2_000);
    const same = await Promise.all(Array.from({ length: 6 }, () => ana.wish(2_000)));
    expect(new Set(same.map(({ body }) => body["paymentId"])).size).toBe(1);
    const bia = await payer(2_000);
    const amounts = [500, 600, 700, 800, 900, 2_000];
    const answers = await Promise.all(amounts.map((amount) => bia.wish(amount)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(5);
    const cleo = await payer(2_000);
    const requestId = randomUUID();
    const one = await Promise.all(
      Array.from({ length: 5 }, () => cleo.wish(2_000, "mercado-pago", { requestId })),
    );
    expect(new Set(one.map(({ body }) => body["paymentId"])).size).toBe(1);
    const rows = await bench.db.rows(
      "select 1 from payment where driver_id = any ($1)",
      [ana, bia, cleo].map(({ driverId }) => driverId),
    );
    expect(rows).toHaveLength(3);
  });

  test("cancelled when it has just been paid: it is paid, and kept", async () => {
    for (const provider of ["stripe", "mercado-pago"] as const) {
      const ana = await payer(2_000);
      const begun = await ana.begin(2_000, provider);
      if (provider === "stripe") bench.stripe.pay(bench.stripe.sessionOf(begun.paymentId).id, "authorize");
      else bench.pix.pay(begun.paymentId);
      const said = [bench.stripe, bench.pix].flatMap(({ outbox }) => outbox.splice(0));
      expect((await ana.cancel(begun.paymentId)).body).toMatchObject({ code: "ALREADY_PAID" });
      expect((await ana.wish(1_000, provider)).status).toBe(409);
      (provider === "stripe" ? bench.stripe : bench.pix).outbox.push(...said);
      await ana.told();
      expect((await ana.see(begun.paymentId)).capturedMinor).toBe(2_000);
      expect(await ana.balanceMinor()).toBe(0);
    }
  });

  test("cancelled while the provider is away, and paid after all: it goes back", async () => {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000, "mercado-pago");
    bench.pix.fault({ method: "GET", path: /./, how: "hang", times: 2 });
    expect((await ana.cancel(begun.paymentId)).body).toMatchObject({ open: false, pixCode: null });
    bench.pix.recover();
    await ana.pays(begun);
    await later(begun.paymentId);
    await ana.told();
    expect(await ana.see(begun.paymentId)).toMatchObject({ status: "refunded", refundedMinor: 2_000 });
    expect(await ana.balanceMinor()).toBe(2_000);
    await isEven();
  });

  test("nobody pays in time: it is closed, and paid anew", async () => {
    const ana = await payer(2_000);
    const first = await ana.begin(2_000);
    await later(first.paymentId);
    // Whoever may have been paid in time is asked first; then at once, without waiting for the job that looks.
    bench.stripe.fault({ method: "GET", path: /./, how: "hang", times: 1 });
    expect((await ana.wish(1_500)).body).toMatchObject({ code: "PROVIDER_UNREACHABLE" });
    expect(await ana.see(first.paymentId)).toMatchObject({ open: true, status: "pending" });
    bench.stripe.recover();
    const second = await ana.begin(1_500);
    expect(second.paymentId).not.toBe(first.paymentId);
    expect(await ana.see(first.paymentId)).toMatchObject({ open: false, status: "expired" });
    await later(second.paymentId);
    await reconcile(bench.pay);
    await bench.run();
    expect(await ana.see(second.paymentId)).toMatchObject({ open: false, status: "expired" });
    expect((await detail(second.paymentId)).payment).toMatchObject({
      keepMinor: 0,
      keepReason: "payment-expired",
    });
    await ana.pays(await ana.begin(2_000));
    expect(await ana.balanceMinor()).toBe(0);
  });

  test("what is owed becomes less meanwhile: the rest is to the driver's credit, and shown as such", async () => {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000);
    const posting = await bench.api.send("POST", "/v1/ledger/postings", {
      ...{ kind: "transfer", note: "in cash" },
      entries: [
        { account: "bank", currency: "BRL", amountMinor: 500 },
        { account: ana.account, currency: "BRL", amountMinor: -500 },
      ],
    });
    expect(posting.status, posting.text).toBe(201);
    await ana.pays(begun);
    expect((await ana.see(begun.paymentId)).capturedMinor).toBe(2_000);
    expect((await ana.browser.get("/v1/own/profile")).body["balances"]).toEqual([
      { currency: "BRL", amountMinor: -500 },
    ]);
    expect(await ana.debts()).toEqual([]);
  });
});

describe("what comes after", () => {
  test("what an operator gives back is owed again; where the bank does not take it, it is asked anew", async () => {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000, "mercado-pago");
    await ana.pays(begun);
    await giveBack(begun.paymentId, 700);
    await ana.told();
    expect(await ana.balanceMinor()).toBe(700);
    expect(await ana.see(begun.paymentId)).toMatchObject({
      status: "partially_refunded",
      refundedMinor: 700,
    });
    const { payment } = await detail(begun.paymentId);
    expect(payment).toMatchObject({ keepMinor: 1_300, flags: [] });
    const kinds = await bench.db.rows<{ kind: string }>(
      "select kind from ledger_posting where payment_id = $1 order by booked_at",
      begun.paymentId,
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(["payment", "refund"]);
    // Owed again, it is paid again.
    await ana.pays(await ana.begin(700));
    expect(await ana.balanceMinor()).toBe(0);
    bench.pix.refundStatus = "in_process";
    await giveBack(begun.paymentId, 300);
    await ana.told();
    const [failing] = (await detail(begun.paymentId)).refunds.filter(({ status }) => status === "pending");
    bench.pix.refundStatus = "approved";
    bench.pix.settleRefund(Number(failing?.providerRefundId), "rejected");
    await ana.told();
    expect(
      (await detail(begun.paymentId)).refunds.map((one) => `${one.amountMinor} ${one.status}`).sort(),
    ).toEqual(["300 failed", "300 succeeded", "700 succeeded"]);
    expect(await ana.balanceMinor()).toBe(300);
    await isEven();
  });

  test("a dispute raises the debt until it ends in our favour; a refund at the provider raises it for good", async () => {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000);
    await ana.pays(begun);
    const { id } = bench.stripe.intentOf(begun.paymentId);
    bench.stripe.dispute(id, "needs_response");
    await ana.told();
    expect([await ana.balanceMinor(), (await ana.see(begun.paymentId)).status]).toEqual([2_000, "disputed"]);
    bench.stripe.dispute(id, "won");
    await ana.told();
    expect(await ana.balanceMinor()).toBe(0);
    await fetch(`${bench.stripe.url}/v1/refunds`, {
      ...{ method: "POST", body: new URLSearchParams({ payment_intent: id, amount: "400" }).toString() },
    });
    await ana.told();
    expect(await ana.balanceMinor()).toBe(400);
    expect((await detail(begun.paymentId)).payment).toMatchObject({ keepMinor: 2_000, flags: [] });
    expect((await findings(begun.paymentId)).map(({ kind }) => kind)).toEqual(["disputed"]);
    await isEven();
  });

  test("webhooks that never come: the provider is asked, what it says is done", async () => {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000);
    bench.stripe.pay(bench.stripe.sessionOf(begun.paymentId).id, "authorize");
    bench.stripe.outbox.length = 0;
    await bench.db.pool.query("update payment set check_at = now() where payment_id = $1", [begun.paymentId]);
    await reconcile(bench.pay);
    await bench.run();
    expect(await ana.balanceMinor()).toBe(0);
    expect((await findings(begun.paymentId)).map(({ kind }) => kind)).toEqual(["webhook-missing"]);
    const found = await bench.api.get("/v1/payment-findings?limit=200");
    expect(found.body).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ paymentId: begun.paymentId, siteId: null }),
      ]) as [],
    });
  });

  test("operators see whose account it pays, and may cancel it; who has named sites only sees it not", async () => {
    const ana = await payer(2_000);
    const begun = await ana.begin(2_000);
    const reply = await bench.api.get(`/v1/payments?account=${encodeURIComponent(ana.account)}`);
    const { items } = reply.body as { items: PaymentView[] };
    expect(items).toMatchObject([
      {
        paymentId: begun.paymentId,
        account: ana.account,
        siteId: null,
        keepMinor: 2_000,
        keepReason: "balance",
      },
    ]);
    expect((await detail(begun.paymentId)).guest).toBeNull();
    const stand = await openStand(bench);
    const site = stand.journal.siteId;
    const key = await createApiKey(bench.db.pool, "default", "of a site", {
      role: "support",
      siteIds: [site],
    });
    expect((await bench.api.get(`/v1/payments/${begun.paymentId}`, key)).status).toBe(404);
    const body = { reason: "agreed on the phone" };
    const cancelled = await bench.api.send("POST", `/v1/payments/${begun.paymentId}/cancel`, body);
    expect(cancelled.status, cancelled.text).toBe(202);
    await ana.told();
    expect(await ana.see(begun.paymentId)).toMatchObject({ open: false, checkoutUrl: null });
    expect(await ana.balanceMinor()).toBe(2_000);
    const data = (await ana.browser.get("/v1/own/data")).body as { payments: { paymentId: string }[] };
    expect(data.payments.map(({ paymentId }) => paymentId)).toEqual([begun.paymentId]);
    const actions = await bench.db.rows<{ action: string }>(
      "select action from audit where subject = $1 order by audit_id",
      begun.paymentId,
    );
    expect(actions.map(({ action }) => action)).toEqual(["payment.create", "payment.cancel"]);
  });
});

test("an operator asks a driver to pay: a mail says how much and where, once; what cannot be paid is not asked for", async () => {
  const ana = await payer(1_234);
  const ask = (headers: Record<string, string> = {}) =>
    bench.api.send("POST", `/v1/drivers/${ana.driverId}/payment-requests`, undefined, headers);
  const code = async () => {
    const { status, body } = await ask();
    return `${status} ${(body as { code: string }).code}`;
  };
  const set = (column: string, value: string | null) =>
    bench.db.pool.query(`update driver set ${column} = $2 where driver_id = $1`, [ana.driverId, value]);
  const [driver] = await bench.db.rows<{ email: string; user_id: string }>(
    "select email, user_id from driver where driver_id = $1",
    ana.driverId,
  );
  await set("email", null);
  expect(await code()).toBe("409 NO_EMAIL");
  await set("email", "nobody@example.com");
  await set("user_id", null);
  expect(await code()).toBe("409 DRIVER_CANNOT_SIGN_IN");
  // By the address that it has shown to read, or as the operator has linked it.
  await set("email", driver?.email ?? "");
  const key = { "idempotency-key": randomUUID() };
  const asked = await ask(key);
  expect([asked.status, asked.body]).toMatchObject([
    202,
    { email: driver?.email, mailed: false, owed: [{ currency: "BRL", amountMinor: 1_234 }] },
  ]);
  expect((await ask(key)).body).toEqual(asked.body);
  const { url } = asked.body as { url: string };
  expect(url).toMatch(/\/my\/statements$/);
  const mails = await bench.db.rows<{ title: string; content: { text: string } }>(
    "select title, content from mail where recipient = $1 and kind = 'payment-request'",
    driver?.email,
  );
  expect(mails).toHaveLength(1);
  expect(mails[0]?.content.text).toContain(url);
  expect(mails[0]?.content.text).toMatch(/R\$\s12,34/);
  const audit = await bench.db.rows<{ detail: unknown }>(
    "select detail from audit where subject = $1 and action = 'driver.payment-request'",
    ana.driverId,
  );
  expect(audit).toEqual([{ detail: { owed: [{ currency: "BRL", amountMinor: 1_234 }] } }]);
  await ana.pays(await ana.begin(1_234));
  expect(await code()).toBe("409 NOTHING_OWED");
  await ana.owes(500, ana.account, "USD");
  expect(await code()).toBe("409 NO_PROVIDER");
});

test("whatever a card's provider tells, in any order and number: one payment, the same books", async () => {
  const { stripe } = bench;
  const ana = await payer(5_000);
  const begun = await ana.begin(5_000);
  const post = (path: string, form: Record<string, string>) =>
    fetch(`${stripe.url}/v1/${path}`, { method: "POST", body: new URLSearchParams(form).toString() });
  const session = stripe.sessionOf(begun.paymentId);
  stripe.pay(session.id, "decline");
  stripe.pay(session.id, "authorize");
  const { id } = stripe.intentOf(begun.paymentId);
  await post(`payment_intents/${id}/capture`, { amount_to_capture: "5000" });
  await post("refunds", { payment_intent: id, amount: "300" });
  stripe.refundStatus = "pending";
  const failing = (await (await post("refunds", { payment_intent: id, amount: "400" })).json()) as {
    id: string;
  };
  stripe.refundStatus = "succeeded";
  stripe.settleRefund(failing.id, "failed");
  stripe.dispute(id, "needs_response");
  stripe.dispute(id, "won");
  const said = stripe.outbox.splice(0);
  const settled = async (order: readonly Webhook[]) => {
    for (const { path: url, headers, body: payload } of order) {
      await bench.api.app.inject({ method: "POST", url, headers, payload });
      await bench.run();
    }
    await bench.run();
    const { payment, refunds } = await detail(begun.paymentId);
    const { status, capturedMinor, refundedMinor, keepMinor, flags } = payment;
    return {
      ...{ status, capturedMinor, refundedMinor, keepMinor, flags, owed: await ana.balanceMinor() },
      refunds: refunds.map((one) => `${one.amountMinor} ${one.status}`).sort(),
    };
  };
  const forget = async () => {
    await bench.db.pool.query("delete from payment_event where payment_id = $1", [begun.paymentId]);
    await bench.db.pool.query("delete from payment_finding where payment_id = $1", [begun.paymentId]);
    await bench.db.pool.query("delete from refund where payment_id = $1", [begun.paymentId]);
    await inTransaction(bench.db.pool, async (client) => {
      await client.query("set local session_replication_role = replica");
      const mine = "select posting_id from ledger_posting where payment_id = $1";
      await client.query(`delete from ledger_entry where posting_id in (${mine})`, [begun.paymentId]);
      await client.query("delete from ledger_posting where payment_id = $1", [begun.paymentId]);
    });
    await bench.db.pool.query(
      `update payment set status = 'created', progress = 'created', authorized_minor = 0, captured_minor = 0,
         refunded_minor = 0, dispute = 'none', disputed_minor = 0, paid_at = null, due_at = null,
         capture_asked_minor = null where payment_id = $1`,
      [begun.paymentId],
    );
  };
  const first = await settled(said);
  expect(first).toEqual({
    ...{
      status: "partially_refunded",
      capturedMinor: 5_000,
      refundedMinor: 300,
      keepMinor: 5_000,
      flags: [],
    },
    ...{ owed: 300, refunds: ["300 succeeded", "400 failed"] },
  });
  const all = said.map((_webhook, index) => index);
  const orders = fc
    .shuffledSubarray([...all, ...all])
    .chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length }));
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      await forget();
      expect(await settled(order.map((index) => said[index] as Webhook))).toEqual(first);
    }),
    { numRuns: scaled(12) },
  );
  await isEven();
});
