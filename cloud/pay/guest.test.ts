/**
 * Guests from the code at the connector to the receipt, on real wires and a real database: what must work,
 * and each thing that can go wrong on the way.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { GuestConnectorView } from "../api/guest-schemas.ts";
import { offline, status16 } from "../harness.ts";
import { chargingGuest, Guest, openPayBench, openStand, type PayBench, type Stand } from "./harness.ts";
import { answerQuestion } from "../ingest/ask.ts";
import { expireCommands } from "../ingest/dispatch.ts";
import { workGuests } from "./guest.ts";
import { reconcile } from "./reconcile.ts";

const START = "RequestStartTransaction";
const STOP = "RequestStopTransaction";

let bench: PayBench;
let stand: Stand;
beforeAll(async () => void (bench = await openPayBench()));
afterAll(() => bench.close());
beforeEach(async () => void (stand = await openStand(bench)));

const offer = async (code = stand.code) =>
  (await bench.api.app.inject({ url: `/v1/guest/connectors/${code}` })).json<GuestConnectorView>();

const findings = (paymentId: string) =>
  bench.db.rows("select kind, repaired from payment_finding where payment_id = $1 order by kind", paymentId);

const charging = (provider: "stripe" | "mercado-pago", more: object = {}) =>
  chargingGuest(bench, stand, provider, more);

describe("what a guest sees first", () => {
  test("the price, that the connector is free, how to pay; and when it is not", async () => {
    expect(await offer()).toMatchObject({
      ...{
        offered: true,
        reason: null,
        stationName: stand.cp,
        evseId: 1,
        tariff: { terms: { currency: "BRL" } },
      },
      methods: [
        { provider: "mercado-pago", method: "pix", flow: "prepay", defaultAmountMinor: 5_000 },
        { provider: "sandbox" },
        { provider: "stripe", method: "card", flow: "authorize" },
      ],
    });
    await stand.happens(status16(stand.cp, 1, "Charging"));
    expect(await offer()).toMatchObject({ offered: false, reason: "taken" });
    await stand.happens(status16(stand.cp, 1, "Preparing"));
    expect(await offer()).toMatchObject({ offered: true });
    await stand.happens(offline(stand.cp));
    expect(await offer(stand.code.toLowerCase())).toMatchObject({ offered: false, reason: "offline" });
    const reply = await new Guest(bench, stand, "stripe").wish();
    expect([reply.statusCode, reply.json()]).toMatchObject([409, { code: "NOT_OFFERED" }]);
    expect((await bench.api.app.inject({ url: "/v1/guest/connectors/AAAAAAAAA" })).statusCode).toBe(404);
  });

  test("the sticker: the same code each time, as SVG and as PNG", async () => {
    const path = `/v1/stations/${stand.cp}/evses/1/qr`;
    expect((await bench.api.get(path)).body).toEqual({
      code: stand.code,
      url: `http://sg.test/c/${stand.code}`,
    });
    const svg = await bench.api.get(`${path}?format=svg`);
    expect([svg.headers["content-type"], svg.text.startsWith("<svg")]).toEqual(["image/svg+xml", true]);
    const png = await bench.api.app.inject({
      url: `${path}?format=png&scale=3`,
      headers: { authorization: `Bearer ${bench.api.key}` },
    });
    expect(png.headers["content-type"]).toBe("image/png");
    expect(png.rawPayload.subarray(1, 4).toString()).toBe("PNG");
    expect((await bench.api.get("/v1/stations/nobody/evses/1/qr")).status).toBe(404);
    expect((await bench.api.get(`/v1/stations/${stand.cp}/evses/2/qr`)).status).toBe(404);
  });

  test("what is no wish: amounts, tax numbers, languages", async () => {
    for (const [more, code] of [
      [{ amountMinor: 499 }, "INVALID_AMOUNT"],
      [{ amountMinor: 30_001 }, "INVALID_AMOUNT"],
      [{ taxId: "111.111.111-11" }, "INVALID_TAX_ID"],
      [{ language: "fr" }, "INVALID_REQUEST"],
      [{ email: "nobody" }, "INVALID_REQUEST"],
    ] as const)
      expect((await new Guest(bench, stand, "stripe").wish(more)).json(), code).toMatchObject({
        status: 400,
        code,
      });
    await new Guest(bench, stand, "stripe").begin({ taxId: "529.982.247-25", email: "ana@example.com" });
    const rows = await bench.db.rows(
      "select tax_id, email from guest_session where station_id = $1",
      stand.cp,
    );
    expect(rows).toEqual([{ tax_id: "52998224725", email: "ana@example.com" }]);
  });
});

describe("all goes well", () => {
  test("a card: authorized, started, charged, the real price captured", async () => {
    const guest = new Guest(bench, stand, "stripe");
    const session = await guest.begin({ email: "ana@example.com", taxId: "529.982.247-25" });
    expect(session).toMatchObject({
      state: "awaiting-payment",
      capEnergyWh: 25_002,
      payment: { amountMinor: 5_000 },
    });
    expect(session.payment.checkoutUrl).toContain("checkout.stripe.test");
    await guest.paysAndIsTold();
    expect(await guest.see()).toMatchObject({ state: "starting", payment: { status: "authorized" } });
    const [command] = await stand.commands(START);
    expect(command?.params).toMatchObject({
      idToken: { idToken: await guest.idToken(), type: "Central" },
      evseId: 1,
    });
    await stand.finish(START, "succeeded");
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "plug-in" });
    await guest.charges();
    await guest.takes(4_000);
    expect(await guest.see()).toMatchObject({
      ...{ state: "charging", charging: { energyWh: 4_000, powerW: 7_000 } },
      price: { totalMinor: 800, final: false },
    });
    await guest.stop();
    await bench.run();
    const [stop] = await stand.commands(STOP);
    expect(stop?.params).toEqual({ transactionId: guest.transactionId });
    await stand.finish(STOP, "succeeded");
    await guest.ends(6_000);
    await bench.deliver(bench.stripe);
    expect(await guest.see()).toMatchObject({
      ...{ state: "settled", price: { totalMinor: 1_200, final: true }, hasReceipt: true },
      payment: { status: "captured", capturedMinor: 1_200, refundedMinor: 0, checkoutUrl: null },
    });
    expect(bench.stripe.intentOf(guest.paymentId)).toMatchObject({
      status: "succeeded",
      amount_received: 1_200,
    });
    expect(await guest.owesMinor()).toBe(0);
    expect(await findings(guest.paymentId)).toEqual([]);
  });

  test("Pix: prepaid, charged, the rest given back", async () => {
    const guest = new Guest(bench, stand, "mercado-pago");
    const session = await guest.begin({ amountMinor: 3_000 });
    expect(session.payment).toMatchObject({
      method: "pix",
      status: "pending",
      pixCode: expect.stringContaining("br.gov.bcb"),
    });
    expect(session.payment.pixQrSvg).toContain("<svg");
    await guest.paysAndIsTold();
    await stand.finish(START, "succeeded");
    await guest.charges();
    expect(await guest.owesMinor()).toBe(-3_000);
    await guest.ends(6_000);
    await bench.deliver(bench.pix);
    await bench.run();
    expect(await guest.see()).toMatchObject({
      ...{ state: "settled", price: { totalMinor: 1_200, final: true } },
      payment: { status: "partially_refunded", capturedMinor: 3_000, refundedMinor: 1_800 },
    });
    expect(bench.pix.pixOf(guest.paymentId).transaction_amount_refunded).toBe(18);
    expect(await guest.owesMinor()).toBe(0);
  });

  test("the sandbox: a page where one presses pay", async () => {
    const guest = new Guest(bench, stand, "sandbox");
    const { payment } = await guest.begin();
    const none = await bench.api.app.inject({
      url: `/v1/guest/sessions/${guest.id}/receipt`,
      headers: { "x-guest-token": guest.token },
    });
    expect(none.json()).toMatchObject({ status: 409, code: "NO_RECEIPT" });
    const { pathname: url } = new URL(payment.checkoutUrl ?? "");
    const page = await bench.api.app.inject({ url });
    expect(page.body).toContain('value="pay"');
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    await bench.api.app.inject({ method: "POST", url, headers, payload: "decision=decline" });
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "awaiting-payment", payment: { status: "failed" } });
    const back = await bench.api.app.inject({ method: "POST", url, headers, payload: "decision=pay" });
    expect(back.headers["location"]).toBe(`http://sg.test/g/${guest.id}#${guest.token}`);
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "starting" });
  });

  test("the ER asks about the guest's token: let in at this station, with the energy that was paid for", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    const ask = async (stationId: string) =>
      answerQuestion(bench.db.pool, stand.journal.erId, {
        ...{ kind: "authorize", purpose: "start", stationId, idToken: (await guest.idToken()).toLowerCase() },
      });
    expect(await ask(stand.cp)).toMatchObject({ status: "Unknown" });
    await guest.paysAndIsTold();
    expect(await ask(stand.cp)).toMatchObject({
      ...{ kind: "authorize", status: "Accepted", reason: "guest", cap: { energyWh: 25_002 } },
    });
    expect(await ask("another")).toMatchObject({ status: "Unknown" });
  });
});

describe("the way there", () => {
  test("a second tap, a closed browser: one session, one payment, one start", async () => {
    const guest = new Guest(bench, stand, "stripe");
    const first = await guest.begin();
    const again = (await guest.wish()).json<{ session: object; token: string }>();
    expect(again).toMatchObject({ session: { guestSessionId: first.guestSessionId }, token: guest.token });
    expect(await bench.db.rows("select 1 from payment where station_id = $1", stand.cp)).toHaveLength(1);
    await guest.paysAndIsTold();
    await Promise.all([bench.run(), bench.run()]);
    expect(await stand.commands(START)).toHaveLength(1);
    for (const token of ["", "gs_x", `${guest.token}x`]) {
      const headers = { "x-guest-token": token };
      const reply = await bench.api.app.inject({ url: `/v1/guest/sessions/${guest.id}`, headers });
      expect(reply.statusCode).toBe(404);
    }
  });

  test("a card that is declined, and then another one", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    bench.stripe.pay(bench.stripe.sessionOf(guest.paymentId).id, "decline");
    await bench.deliver(bench.stripe);
    await bench.run();
    const declined = await guest.see();
    expect(declined).toMatchObject({
      ...{ state: "awaiting-payment", payment: { status: "failed", declineCode: "insufficient_funds" } },
    });
    expect(declined.payment.checkoutUrl).not.toBeNull();
    await guest.paysAndIsTold();
    expect(await guest.see()).toMatchObject({ state: "starting" });
  });

  test("nobody pays: it expires, and cannot be paid any more", async () => {
    for (const provider of ["stripe", "mercado-pago"] as const) {
      const guest = new Guest(bench, stand, provider);
      await guest.begin();
      await bench.db.pool.query(
        "update payment set expires_at = now() - interval '3 minutes' where payment_id = $1",
        [guest.paymentId],
      );
      await reconcile(bench.pay);
      await bench.run();
      const seen = await guest.see();
      expect([seen.state, seen.payment.checkoutUrl, seen.payment.pixCode]).toEqual(["expired", null, null]);
      expect(["expired", "cancelled"]).toContain(seen.payment.status);
    }
    expect(await stand.commands(START)).toEqual([]);
  });

  test("the provider does not answer: the guest is asked to try again, and it is one payment", async () => {
    const guest = new Guest(bench, stand, "mercado-pago");
    for (const how of ["hang", { status: 500 }, "lose"] as const) {
      bench.pix.fault({ method: "POST", path: /payments$/, how });
      const reply = await guest.wish();
      expect([reply.statusCode, reply.json()]).toMatchObject([503, { code: "PROVIDER_UNREACHABLE" }]);
    }
    const { payment } = await guest.begin();
    const made = bench.pix.pixOf(guest.paymentId);
    expect(payment.pixCode).toBe(made.point_of_interaction.transaction_data.qr_code);
    expect(await bench.db.rows("select 1 from payment where station_id = $1", stand.cp)).toHaveLength(1);
  });

  test("the provider refuses: the guest is told, nothing is left open", async () => {
    const guest = new Guest(bench, stand, "mercado-pago");
    bench.pix.fault({ method: "POST", path: /payments$/, how: { status: 400 } });
    expect((await guest.wish()).json()).toMatchObject({ code: "PROVIDER_REFUSED", status: 409 });
    await bench.run();
    const [row] = await bench.db.rows(
      "select status, keep_minor from payment where station_id = $1",
      stand.cp,
    );
    expect(row).toEqual({ status: "cancelled", keep_minor: 0 });
  });
});

describe("paid, and it does not start: everything goes back by itself", () => {
  test("a provider's word and a step of the session at the same moment do not lock each other out", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    await guest.cancel();
    const { pool } = bench.db;
    const word = await pool.connect();
    await word.query("begin");
    await word.query("select from payment where payment_id = $1 for update", [guest.paymentId]);
    const step = workGuests(bench.pay);
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await bench.db.rows(waiting)).length).toBe(1);
    await word.query("update guest_session set look_at = now() where payment_id = $1", [guest.paymentId]);
    await word.query("commit");
    word.release();
    await step;
    expect(await guest.see()).toMatchObject({ state: "released", reason: "cancelled" });
  });

  test("a session that fails for a reason of ours holds up no other", async () => {
    const first = new Guest(bench, stand, "stripe");
    await first.begin();
    const second = new Guest(bench, await openStand(bench), "stripe");
    await second.begin();
    for (const guest of [first, second]) await guest.cancel();
    await bench.db.pool.query(
      `alter table guest_session add constraint ill check (guest_session_id <> '${first.id}' or state <> 'released')`,
    );
    await expect(workGuests(bench.pay)).rejects.toThrow(first.id);
    await bench.db.pool.query("alter table guest_session drop constraint ill");
    expect(await second.see()).toMatchObject({ state: "released", reason: "cancelled" });
    await bench.run();
    expect(await first.see()).toMatchObject({ state: "released" });
  });

  async function goesBack(guest: Guest, reason: string): Promise<void> {
    await bench.run();
    await bench.deliver(bench.stripe);
    await bench.deliver(bench.pix);
    await bench.run();
    const seen = await guest.see();
    expect(seen).toMatchObject({ state: "released", reason });
    const pix = guest.provider === "mercado-pago";
    expect(seen.payment.status).toBe(pix ? "refunded" : "cancelled");
    expect(await guest.owesMinor()).toBe(0);
  }

  test.each(["stripe", "mercado-pago"] as const)(
    "%s: the site went away before it was paid",
    async (provider) => {
      const guest = new Guest(bench, stand, provider);
      await guest.begin();
      await stand.happens(offline(stand.cp));
      await guest.paysAndIsTold();
      await goesBack(guest, "site-offline");
      expect(await stand.commands(START)).toEqual([]);
    },
  );

  test.each(["stripe", "mercado-pago"] as const)(
    "%s: it goes away after: the command expires",
    async (provider) => {
      const guest = new Guest(bench, stand, provider);
      await guest.begin();
      await guest.paysAndIsTold();
      await bench.db.pool.query(
        "update command set expires_at = now() - interval '1 minute' where station_id = $1",
        [stand.cp],
      );
      await expireCommands(bench.db.pool);
      await goesBack(guest, "start-expired");
    },
  );

  test("the station refuses", async () => {
    const guest = new Guest(bench, stand, "mercado-pago");
    await guest.begin();
    await guest.paysAndIsTold();
    await stand.finish(START, "rejected");
    await goesBack(guest, "start-refused");
  });

  test("nobody knows whether it started: observed for a while, then everything goes back", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    await guest.paysAndIsTold();
    await stand.finish(START, "uncertain");
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "starting", reason: "start-uncertain" });
    await bench.db.pool.query(
      "update command set issued_at = issued_at - interval '13 minutes' where station_id = $1",
      [stand.cp],
    );
    await goesBack(guest, "start-uncertain");
  });

  test("nobody plugs in; the guest changes his mind", async () => {
    const first = new Guest(bench, stand, "stripe");
    await first.begin();
    await first.paysAndIsTold();
    await stand.finish(START, "succeeded");
    await bench.db.pool.query(
      "update command set issued_at = issued_at - interval '11 minutes' where station_id = $1",
      [stand.cp],
    );
    await goesBack(first, "not-plugged-in");
    const second = new Guest(bench, stand, "mercado-pago");
    await second.begin();
    await second.paysAndIsTold();
    await stand.finish(START, "succeeded");
    await second.cancel();
    await goesBack(second, "cancelled");
  });

  test("two pay for one connector: the second gets everything back", async () => {
    const [first, second] = [new Guest(bench, stand, "stripe"), new Guest(bench, stand, "mercado-pago")];
    await first.begin();
    await second.begin();
    await first.paysAndIsTold();
    await second.paysAndIsTold();
    expect(await first.see()).toMatchObject({ state: "starting" });
    await goesBack(second, "connector-taken");
    expect(await stand.commands(START)).toHaveLength(1);
  });
});

describe("while it charges, and after", () => {
  test("what was paid is used up: it is stopped", async () => {
    const guest = await charging("mercado-pago", { amountMinor: 500 });
    await guest.takes(2_600);
    expect(await guest.see()).toMatchObject({ state: "charging", reason: "amount-used" });
    expect(await stand.commands(STOP)).toHaveLength(1);
  });

  test("the price is above what was authorized: all of it is taken, the rest is owed and flagged", async () => {
    const guest = await charging("stripe", { amountMinor: 1_000 });
    await guest.ends(6_000);
    expect(await guest.see()).toMatchObject({ state: "settled", payment: { capturedMinor: 1_000 } });
    expect((await guest.payment()).payment.flags).toEqual(["shortfall"]);
    expect(await findings(guest.paymentId)).toEqual([{ kind: "shortfall", repaired: false }]);
    expect(await guest.owesMinor()).toBe(200);
  });

  test("nothing was charged: everything goes back", async () => {
    const guest = await charging("mercado-pago");
    await guest.ends(0);
    await bench.run();
    const seen = await guest.see();
    expect(["settled", "released"]).toContain(seen.state);
    expect(seen.payment.refundedMinor + seen.payment.refundPendingMinor).toBe(5_000);
    expect(await guest.owesMinor()).toBe(0);
  });

  test("a CDR that is corrected after the capture: the difference goes back", async () => {
    const guest = await charging("stripe");
    await guest.ends(6_000);
    expect((await guest.payment()).payment.capturedMinor).toBe(1_200);
    await bench.db.pool.query("update transaction set meter_stop_wh = 6000 where transaction_id = $1", [
      guest.transactionId,
    ]);
    await bench.run();
    expect(await guest.see()).toMatchObject({
      ...{ state: "settled", price: { totalMinor: 1_000 }, payment: { refundedMinor: 200 } },
    });
    expect(await guest.owesMinor()).toBe(0);
  });

  test("it started after everything had gone back: stopped, billed, owed and flagged", async () => {
    const guest = new Guest(bench, stand, "stripe");
    await guest.begin();
    await guest.paysAndIsTold();
    await stand.finish(START, "failed");
    await bench.run();
    expect(await guest.see()).toMatchObject({ state: "released", reason: "start-failed" });
    await guest.charges();
    expect(await stand.commands(STOP)).toHaveLength(1);
    await guest.ends(1_000);
    expect(await guest.see()).toMatchObject({
      state: "settled",
      reason: "late-start",
      price: { totalMinor: 200 },
    });
    expect(await findings(guest.paymentId)).toEqual([
      { kind: "late-transaction", repaired: false },
      { kind: "shortfall", repaired: false },
    ]);
    expect(await guest.owesMinor()).toBe(200);
  });

  test("a name of one request belongs to one connector", async () => {
    const elsewhere = await openStand(bench);
    const requestId = randomUUID();
    const guest = new Guest(bench, stand, "stripe");
    expect((await guest.wish({ requestId })).statusCode).toBe(201);
    expect((await guest.wish({ requestId, code: elsewhere.code })).json()).toMatchObject({ status: 409 });
  });
});
