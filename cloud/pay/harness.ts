/**
 * For tests of payments: an SG with its API, stand-ins for the providers on the wire, a site whose station is
 * online, and guests at it. What ERs do comes as entries of their journals; what jobs do is done until
 * nothing is left to do.
 */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { EntryBody } from "../../shared/entry.ts";
import { startMercadoPagoServer, type MercadoPagoServer } from "../../sim/pay/mercado-pago-server.ts";
import type { PayServer, Webhook } from "../../sim/pay/server.ts";
import { startStripeServer, type StripeServer } from "../../sim/pay/stripe-server.ts";
import type { GuestSessionView } from "../api/guest-schemas.ts";
import type { PaymentDetailView, PaymentProviderView } from "../api/payment-schemas.ts";
import {
  introduce,
  Journal,
  meter16,
  NOON,
  online,
  openTestApi,
  openTestDb,
  start16,
  status16,
  stop16,
  toldAt,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import { giveTariff } from "../harness-money.ts";
import { storeBatches } from "../ingest/journal.ts";
import { makeCdrs } from "../jobs/cdrs.ts";
import { workEvents } from "./events.ts";
import { workGuests } from "./guest.ts";
import type { ProviderKind } from "./provider.ts";
import { createPay, type Pay } from "./providers.ts";
import { secretBox } from "./secrets.ts";
import { workPayments } from "./work.ts";

export const SETTINGS = {
  currency: "BRL",
  defaultAmountMinor: 5_000,
  minAmountMinor: 500,
  maxAmountMinor: 30_000,
  payMinutes: 40,
};

export type PayBench = {
  db: TestDb;
  api: TestApi;
  pay: Pay;
  stripe: StripeServer;
  pix: MercadoPagoServer;
  /** Everything that is due, until nothing is. */
  run: () => Promise<void>;
  /** What a provider has to say reaches us. */
  deliver: (server: PayServer, order?: (webhooks: Webhook[]) => Webhook[]) => Promise<number[]>;
  close: () => Promise<void>;
};

/** R$ 2.00 per kWh. */
export async function openPayBench(): Promise<PayBench> {
  const db = await openTestDb();
  let endpoint = "";
  const stripe = await startStripeServer(() => endpoint);
  const pix = await startMercadoPagoServer();
  const pay = createPay(db.pool, secretBox(Buffer.alloc(32, 7)), {
    publicUrl: () => "http://sg.test",
    ...{ sandbox: true, stripeUrl: stripe.url, mercadoPagoUrl: pix.url, timeoutMs: 400 },
  });
  const api = await openTestApi(db.pool, { pay });
  await giveTariff(db, "default");
  const put = async (kind: ProviderKind, body: object): Promise<PaymentProviderView> => {
    const reply = await api.send("PUT", `/v1/payment-providers/${kind}`, body);
    expect(reply.status, reply.text).toBe(200);
    return reply.body as PaymentProviderView;
  };
  const { webhookUrl } = await put("stripe", {
    settings: SETTINGS,
    secrets: { secretKey: "sk_test_bench", webhookSecret: stripe.webhookSecret },
  });
  endpoint = new URL(webhookUrl).pathname;
  await put("mercado-pago", {
    settings: { ...SETTINGS, payerEmail: "guest@operator.test" },
    secrets: { accessToken: "TEST-bench", webhookSecret: pix.webhookSecret },
  });
  await put("sandbox", { settings: SETTINGS });

  async function run(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      await db.pool.query("update guest_session set look_at = now() where look_at is not null");
      const [guests, payments, events, cdrs] = [
        await workGuests(pay),
        await workPayments(pay),
        await workEvents(pay),
        await makeCdrs(db.pool),
      ];
      if (payments + events + cdrs === 0 && (guests === 0 || round > 2)) return;
    }
  }

  return {
    ...{ db, api, pay, stripe, pix, run },
    async deliver(server, order = (webhooks) => webhooks) {
      const statuses: number[] = [];
      for (const webhook of order(server.outbox.splice(0))) {
        const { path: url, headers, body: payload } = webhook;
        const reply = await api.app.inject({ method: "POST", url, headers, payload });
        statuses.push(reply.statusCode);
      }
      return statuses;
    },
    async close() {
      await Promise.all([api.close(), stripe.stop(), pix.stop()]);
      await db.close();
    },
  };
}

/** A station with one free connector, at a site of its own, and its sticker. */
export type Stand = {
  journal: Journal;
  cp: string;
  code: string;
  /** What happens there now: the journal arrives at once. */
  happens: (...bodies: EntryBody[]) => Promise<void>;
  commands: (
    kind: string,
  ) => Promise<{ command_id: string; status: string; params: Record<string, unknown> }[]>;
  /** The ER has carried out the newest command of the kind. */
  finish: (kind: string, status: string) => Promise<void>;
};

export async function openStand({ db, api }: PayBench): Promise<Stand> {
  const name = randomUUID().slice(0, 8);
  const cp = `CP-${name}`;
  const journal = new Journal(`er-${name}`, `site-${name}`);
  await introduce(db.pool, journal);
  let sent = 0;
  async function happens(...bodies: EntryBody[]): Promise<void> {
    // Clocks of these tests are those of the wall: what guests wait for is counted by them.
    for (const body of bodies) journal.commit([toldAt(body, Date.now() - NOON, Date.now() - NOON)]);
    await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(sent)]);
    sent = journal.blocks.length;
  }
  await happens(online(cp), status16(cp, 1, "Available"));
  const reply = await api.get(`/v1/stations/${encodeURIComponent(cp)}/evses/1/qr`);
  expect(reply.status, reply.text).toBe(200);
  const commands: Stand["commands"] = (kind) =>
    db.rows(
      "select command_id, status, params from command where station_id = $1 and kind = $2 order by issued_at",
      cp,
      kind,
    );
  return {
    ...{ journal, cp, happens, commands },
    code: (reply.body as { code: string }).code,
    async finish(kind, status) {
      const command = (await commands(kind)).at(-1);
      if (command === undefined) throw new Error(`no ${kind} was sent`);
      const { command_id: commandId } = command;
      const commandKind = kind as "RequestStartTransaction";
      if (status !== "rejected")
        await happens({ kind: "command.accepted", commandId, stationId: cp, commandKind });
      await happens({ kind: "command.finished", commandId, stationId: cp, status: status as "succeeded" });
    },
  };
}

/** Somebody at a stand who pays in one of the ways. */
export class Guest {
  readonly requestId = randomUUID();
  readonly bench: PayBench;
  readonly stand: Stand;
  readonly provider: ProviderKind;
  readonly transactionId = randomUUID();
  id = "";
  token = "";
  paymentId = "";

  constructor(bench: PayBench, stand: Stand, provider: ProviderKind) {
    this.bench = bench;
    this.stand = stand;
    this.provider = provider;
  }

  wish(more: object = {}) {
    const { requestId, provider } = this;
    const body = { code: this.stand.code, requestId, provider, language: "pt-BR", ...more };
    return this.bench.api.app.inject({ method: "POST", url: "/v1/guest/sessions", payload: body });
  }

  /** Scans, and gets a place to pay. */
  async begin(more: object = {}): Promise<GuestSessionView> {
    const reply = await this.wish(more);
    expect(reply.statusCode, reply.body).toBe(201);
    const { session, token } = reply.json<{ session: GuestSessionView; token: string }>();
    this.id = session.guestSessionId;
    this.token = token;
    const [row] = await this.bench.db.rows<{ payment_id: string }>(
      "select payment_id from guest_session where guest_session_id = $1",
      this.id,
    );
    this.paymentId = row?.payment_id ?? "";
    return session;
  }

  private async ask(method: "GET" | "POST", path: string): Promise<GuestSessionView> {
    const url = `/v1/guest/sessions/${this.id}${path}`;
    const reply = await this.bench.api.app.inject({ method, url, headers: { "x-guest-token": this.token } });
    expect(reply.statusCode, reply.body).toBe(200);
    return reply.json<GuestSessionView>();
  }
  see = () => this.ask("GET", "");
  stop = () => this.ask("POST", "/stop");
  cancel = () => this.ask("POST", "/cancel");

  /** Pays at the provider; its webhooks wait. */
  pays(): void {
    const { stripe, pix } = this.bench;
    if (this.provider === "stripe") stripe.pay(stripe.sessionOf(this.paymentId).id, "authorize");
    else pix.pay(this.paymentId);
  }

  /** … and they arrive, and everything is done that follows. */
  async paysAndIsTold(): Promise<void> {
    this.pays();
    await this.bench.deliver(this.provider === "stripe" ? this.bench.stripe : this.bench.pix);
    await this.bench.run();
  }

  async idToken(): Promise<string> {
    const [row] = await this.bench.db.rows<{ id_token: string }>(
      "select id_token from guest_session where guest_session_id = $1",
      this.id,
    );
    return row?.id_token ?? "";
  }

  /** The station has started: its transaction arrives. */
  async charges(): Promise<void> {
    const { stand, transactionId } = this;
    const at = Date.now() - NOON;
    await stand.happens(
      start16(stand.cp, transactionId, { at, idTag: await this.idToken(), meterStart: 1_000 }),
    );
    await this.bench.run();
  }

  async takes(energyWh: number): Promise<void> {
    const { stand, transactionId } = this;
    const at = Date.now() - NOON;
    await stand.happens(meter16(stand.cp, transactionId, { at, wh: 1_000 + energyWh, powerW: 7_000 }));
    await this.bench.run();
  }

  async ends(energyWh: number): Promise<void> {
    const { stand, transactionId } = this;
    const at = Date.now() - NOON;
    await stand.happens(stop16(stand.cp, transactionId, { at, meterStop: 1_000 + energyWh }));
    await this.bench.run();
  }

  /** As the operator sees it. */
  async payment(): Promise<PaymentDetailView> {
    const reply = await this.bench.api.get(`/v1/payments/${this.paymentId}`);
    expect(reply.status, reply.text).toBe(200);
    return reply.body as PaymentDetailView;
  }

  /** What the ledger says that the guest owes; below 0: has to its credit. */
  async owesMinor(): Promise<number> {
    const [row] = await this.bench.db.rows<{ sum: number }>(
      "select coalesce(sum(amount_minor), 0)::float8 as sum from ledger_entry where account = $1",
      `guest:${this.paymentId}`,
    );
    return row?.sum ?? 0;
  }
}

/** A guest who has paid, and whose car charges. */
export async function chargingGuest(
  bench: PayBench,
  stand: Stand,
  provider: ProviderKind,
  more: object = {},
): Promise<Guest> {
  const guest = new Guest(bench, stand, provider);
  await guest.begin(more);
  await guest.paysAndIsTold();
  await stand.finish("RequestStartTransaction", "succeeded");
  await guest.charges();
  return guest;
}

/** The tariff of guests has another version, more than four times as dear. @returns its id. */
export async function makeDearer({ db }: PayBench): Promise<string> {
  const [row] = await db.rows<{ tariff_id: string }>("select tariff_id from tariff limit 1");
  await db.pool.query(
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
     select tariff_id, version + 1, operator_id, now(), replace(terms::text, '2000000', '9000000')::json, 'test'
     from tariff_version where tariff_id = $1 and version = 1`,
    [row?.tariff_id],
  );
  return row?.tariff_id ?? "";
}

export const makeCheaper = ({ db }: PayBench) =>
  db.pool.query("delete from tariff_version where version > 1");
