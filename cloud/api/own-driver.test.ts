/** What a signed-in driver sees: its own, and nothing of anybody else. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  introduce,
  Journal,
  NOON,
  online,
  openTestDb,
  start16,
  stop16,
  storeAll,
  type TestDb,
} from "../harness.ts";
import { giveTariff } from "../harness-money.ts";
import { makeCdrs } from "../jobs/cdrs.ts";
import { createMember, openBrowser, openPeopleApi, type Browser } from "./harness-people.ts";

let db: TestDb;
let people: Awaited<ReturnType<typeof openPeopleApi>>;
let ana: Browser;
let bia: Browser;
let stranger: Browser;
const transactions = {
  ana: [randomUUID(), randomUUID(), randomUUID()],
  bia: [randomUUID()],
  nobody: [randomUUID()],
};

async function driver(name: string, email: string, userId: string | null): Promise<string> {
  const driverId = randomUUID();
  await db.pool.query(
    "insert into driver (driver_id, operator_id, name, email, user_id, notes) values ($1, 'default', $2, $3, $4, 'note')",
    [driverId, name, email, userId],
  );
  return driverId;
}
const give = (idToken: string, driverId: string) =>
  db.pool.query(
    "insert into id_token (operator_id, id_token, driver_id, driver_since) values ('default', $1, $2, '2026-01-01')",
    [idToken, driverId],
  );

beforeAll(async () => {
  db = await openTestDb();
  people = await openPeopleApi(db.pool);
  await giveTariff(db, "default");
  const journal = new Journal();
  await introduce(db.pool, journal);
  const anaUser = await createMember(db.pool, "ana@example.com", "driver");
  await createMember(db.pool, "bia@example.com", "driver");
  await createMember(db.pool, "stranger@example.com", "driver");
  // One is linked by the operator, under another address; one is known by her own.
  await give("ANA-1", await driver("Ana", "ana@work.example", anaUser));
  await give("BIA-1", await driver("Bia", "Bia@Example.com", null));
  journal.commit([online("CP1")]);
  for (const [i, [idTag, id]] of [
    ...transactions.ana.map((id) => ["ANA-1", id] as const),
    ...transactions.bia.map((id) => ["BIA-1", id] as const),
    ...transactions.nobody.map((id) => ["CARD-OF-NOBODY", id] as const),
  ].entries()) {
    const at = i * 7_200_000;
    journal.commit([
      start16("CP1", id, { at, idTag, wireId: i + 1, meterStart: 0 }),
      stop16("CP1", id, { at: at + 3_600_000, wireId: i + 1, meterStop: 10_000 }),
    ]);
  }
  await storeAll(db.pool, journal);
  await makeCdrs(db.pool);
  [ana, bia, stranger] = [openBrowser(people.app), openBrowser(people.app), openBrowser(people.app)];
  for (const [browser, email] of [
    [ana, "ana"],
    [bia, "bia"],
    [stranger, "stranger"],
  ] as const)
    expect((await browser.signIn(`${email}@example.com`)).status).toBe(200);
}, 60_000);
afterAll(async () => {
  await people.close();
  await db.close();
});

type Items = { items: Record<string, unknown>[]; nextCursor: string | null };
const items = async (browser: Browser, path: string) =>
  ((await browser.get(path)).body as unknown as Items).items;

describe("a driver", () => {
  test("sees its profile, without what the operator notes for itself", async () => {
    const reply = await ana.get("/v1/own/profile");
    expect(reply.body).toMatchObject({ name: "Ana", email: "ana@work.example", status: "active" });
    expect(reply.body).not.toHaveProperty("notes");
    expect((await bia.get("/v1/own/profile")).body).toMatchObject({ name: "Bia" });
  });

  test("sees its own tokens and transactions, with what they cost, page by page", async () => {
    expect((await items(ana, "/v1/own/tokens")).map((t) => t["idToken"])).toEqual(["ANA-1"]);
    const own = await items(ana, "/v1/own/transactions");
    expect(own.map((t) => t["transactionId"])).toEqual([...transactions.ana].reverse());
    expect(own[2]).toMatchObject({
      ...{ energyWh: 10_000, totalMinor: 2_000, currency: "BRL", status: "ended", stationId: "CP1" },
      startedAt: new Date(NOON).toISOString(),
    });
    const first = (await ana.get("/v1/own/transactions?limit=2")).body as unknown as Items;
    const next = await items(ana, `/v1/own/transactions?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...next]).toEqual(own);
    expect((await items(bia, "/v1/own/transactions")).map((t) => t["transactionId"])).toEqual(
      transactions.bia,
    );
  });

  test("takes its data along: all of its own, nothing of others", async () => {
    const reply = await ana.get("/v1/own/data");
    expect(reply.status).toBe(200);
    const data = reply.body as Record<string, { transactionId: string }[]>;
    expect(data["transactions"]?.map((t) => t.transactionId).sort()).toEqual([...transactions.ana].sort());
    expect(data["cdrs"]).toHaveLength(3);
    const text = JSON.stringify(data);
    for (const other of [...transactions.bia, ...transactions.nobody, "BIA-1", "bia@", "CARD-OF-NOBODY"])
      expect(text.toLowerCase()).not.toContain(other.toLowerCase());
  });

  test("reaches nothing that is the operator's", async () => {
    for (const path of [
      "/v1/drivers",
      "/v1/id-tokens",
      "/v1/transactions",
      "/v1/cdrs",
      "/v1/id-token-exports",
    ])
      expect((await ana.get(path)).status, path).toBe(403);
  });
});

describe("nobody's driver", () => {
  test("is who has an account and is known under no such address, or has not shown to read it", async () => {
    for (const path of ["profile", "tokens", "transactions", "data"]) {
      const reply = await stranger.get(`/v1/own/${path}`);
      expect([reply.status, reply.body["code"]], path).toEqual([404, "NO_DRIVER"]);
    }
    await db.pool.query("update auth_user set email_verified = false where email = 'bia@example.com'");
    expect((await bia.get("/v1/own/profile")).status).toBe(404);
    await db.pool.query("update auth_user set email_verified = true where email = 'bia@example.com'");
  });
});
