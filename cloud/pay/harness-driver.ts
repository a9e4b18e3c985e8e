/** For tests of paying what is owed: drivers who sign in and owe something, and what they ask of the API. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import {
  createMember,
  openBrowser,
  openPeopleApi,
  type Answer,
  type Browser,
} from "../api/harness-people.ts";
import type { OwnDebt, OwnPayment } from "../api/own-schemas.ts";
import { accounts, charge, type Account } from "../core/ledger.ts";
import { inTransaction } from "../db/pool.ts";
import { post } from "../ledger.ts";
import { openPayBench, type PayBench } from "./harness.ts";
import type { ProviderKind } from "./provider.ts";

export type PayersBench = PayBench & {
  /** The API with people, beside that of the bench: the same database and providers. */
  people: Awaited<ReturnType<typeof openPeopleApi>>;
};

export async function openPayersBench(): Promise<PayersBench> {
  const bench = await openPayBench();
  const people = await openPeopleApi(bench.db.pool, {}, { pay: bench.pay });
  const close = async () => {
    await people.close();
    await bench.close();
  };
  return { ...bench, people, close };
}

/** Somebody who signs in as a driver. */
export class Payer {
  readonly bench: PayBench;
  readonly driverId: string;
  readonly browser: Browser;
  readonly account: Account;

  private constructor(bench: PayBench, driverId: string, browser: Browser) {
    this.bench = bench;
    this.driverId = driverId;
    this.browser = browser;
    this.account = accounts.driver(driverId);
  }

  static async create(bench: PayersBench, owedMinor = 0): Promise<Payer> {
    const driverId = randomUUID();
    const email = `${driverId.slice(0, 8)}@example.com`;
    const userId = await createMember(bench.db.pool, email, "driver");
    await bench.db.pool.query(
      `insert into driver (driver_id, operator_id, name, email, user_id)
       values ($1, 'default', 'Ana Souza', $2, $3)`,
      [driverId, email, userId],
    );
    const browser = openBrowser(bench.people.app);
    expect((await browser.signIn(email)).status).toBe(200);
    const payer = new Payer(bench, driverId, browser);
    if (owedMinor > 0) await payer.owes(owedMinor);
    return payer;
  }

  /** Has charged, somewhere, at some time. */
  async owes(minor: number, account = this.account, currency = "BRL"): Promise<void> {
    const bill = { reference: `test:${randomUUID()}`, occurredAt: Date.now(), currency };
    await inTransaction(this.bench.db.pool, (client) =>
      post(client, "default", charge({ ...bill, payer: account, netMinor: minor, taxMinor: 0 })),
    );
  }

  wish(amountMinor: number, provider: ProviderKind = "stripe", more: object = {}): Promise<Answer> {
    const body = { requestId: randomUUID(), currency: "BRL", amountMinor, provider, ...more };
    return this.browser.post("/v1/own/payments", body);
  }

  async begin(
    amountMinor: number,
    provider: ProviderKind = "stripe",
    more: object = {},
  ): Promise<OwnPayment> {
    const answer = await this.wish(amountMinor, provider, more);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body as unknown as OwnPayment;
  }

  async see(paymentId: string): Promise<OwnPayment> {
    const answer = await this.browser.get(`/v1/own/payments/${paymentId}`);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body as unknown as OwnPayment;
  }

  cancel = (paymentId: string): Promise<Answer> => this.browser.post(`/v1/own/payments/${paymentId}/cancel`);

  debts = async (): Promise<OwnDebt[]> =>
    (await this.browser.get("/v1/own/debts")).body["items"] as OwnDebt[];

  /** Above 0: owed; below: to its credit. */
  async balanceMinor(account = this.account): Promise<number> {
    const [row] = await this.bench.db.rows<{ sum: number }>(
      "select coalesce(sum(amount_minor), 0)::float8 as sum from ledger_entry where account = $1",
      account,
    );
    return row?.sum ?? 0;
  }

  /** Pays at the provider; it tells, and all is done that follows. */
  async pays({ paymentId, provider }: OwnPayment): Promise<void> {
    const { stripe, pix } = this.bench;
    if (provider === "stripe") stripe.pay(stripe.sessionOf(paymentId).id, "authorize");
    else pix.pay(paymentId);
    await this.told();
  }

  /** What providers have to say arrives, until they have nothing to say. */
  async told(): Promise<void> {
    const { stripe, pix, deliver, run } = this.bench;
    await run();
    while (stripe.outbox.length + pix.outbox.length > 0) {
      await deliver(stripe);
      await deliver(pix);
      await run();
    }
  }
}
