/** What a signed-in driver sees: its own, and nothing of anybody else. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  introduce,
  Journal,
  meter16,
  NOON,
  online,
  openTestDb,
  start16,
  stop16,
  storeAll,
  type TestDb,
} from "../harness.ts";
import { cdrsOf, giveTariff, openSite } from "../harness-money.ts";
import { makeCdrs } from "../jobs/cdrs.ts";
import { inTransaction } from "../db/pool.ts";
import { createStatement } from "../statements.ts";
import {
  createMember,
  openBrowser,
  openPeopleApi,
  PASSWORD,
  tokenOf,
  type Browser,
} from "./harness-people.ts";

let db: TestDb;
let people: Awaited<ReturnType<typeof openPeopleApi>>;
let ana: Browser;
let bia: Browser;
let stranger: Browser;
let anaId: string;
/** Of everybody but Ana: a transaction, its CDR, a statement. */
const foreign = { transactions: [] as string[], cdrs: [] as string[], statements: [] as string[] };
let anaStatement: string;
const running = randomUUID();
const transactions = {
  ana: [randomUUID(), randomUUID(), randomUUID()],
  bia: [randomUUID()],
  nobody: [randomUUID()],
};

async function driver(
  name: string,
  email: string,
  userId: string | null,
  operatorId = "default",
): Promise<string> {
  const driverId = randomUUID();
  await db.pool.query(
    "insert into driver (driver_id, operator_id, name, email, user_id, notes) values ($1, $5, $2, $3, $4, 'note')",
    [driverId, name, email, userId, operatorId],
  );
  return driverId;
}
const give = (idToken: string, driverId: string, operatorId = "default") =>
  db.pool.query(
    "insert into id_token (operator_id, id_token, driver_id, driver_since) values ($3, $1, $2, '2026-01-01')",
    [idToken, driverId, operatorId],
  );

async function statementOf(operatorId: string, driverId: string): Promise<string> {
  const { rows } = await db.pool.query<{ to: string }>("select clock_timestamp()::text as to");
  const period = { from: "2026-01-01T00:00:00Z", to: rows[0]?.to ?? "" };
  const wanted = { account: `driver:${driverId}`, currency: "BRL", period, createdBy: "test" };
  const made = await inTransaction(db.pool, (client) => createStatement(client, operatorId, wanted));
  return made.row.statement_id;
}

/** Another operator with a driver of the same address, who has charged there. */
async function otherOperator(): Promise<void> {
  const { operatorId, journal, cp } = await openSite(db);
  await giveTariff(db, operatorId);
  const driverId = await driver("Ana", "ana@work.example", null, operatorId);
  await give("ANA-1", driverId, operatorId);
  const id = randomUUID();
  journal.commit([
    online(cp),
    start16(cp, id, { idTag: "ANA-1", meterStart: 0 }),
    stop16(cp, id, { at: 3_600_000, meterStop: 5_000 }),
  ]);
  await storeAll(db.pool, journal);
  await makeCdrs(db.pool);
  foreign.transactions.push(id);
  foreign.cdrs.push(...(await cdrsOf(db, id)).map(({ cdr_id }) => cdr_id));
  foreign.statements.push(await statementOf(operatorId, driverId));
}

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
  anaId = await driver("Ana", "ana@work.example", anaUser);
  const biaId = await driver("Bia", "Bia@Example.com", null);
  await give("ANA-1", anaId);
  await give("BIA-1", biaId);
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
  const since = 10 * 7_200_000;
  journal.commit([
    start16("CP1", running, { at: since, idTag: "ANA-1", wireId: 9, connectorId: 2, meterStart: 0 }),
    meter16("CP1", running, { at: since + 600_000, wh: 1_500, powerW: 7_200, wireId: 9 }),
  ]);
  await storeAll(db.pool, journal);
  await makeCdrs(db.pool);
  foreign.transactions.push(...transactions.bia, ...transactions.nobody);
  for (const id of foreign.transactions)
    foreign.cdrs.push(...(await cdrsOf(db, id)).map(({ cdr_id }) => cdr_id));
  anaStatement = await statementOf("default", anaId);
  foreign.statements.push(await statementOf("default", biaId));
  await otherOperator();
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
    expect(own.map((t) => t["transactionId"])).toEqual([running, ...[...transactions.ana].reverse()]);
    expect(own[3]).toMatchObject({
      ...{ energyWh: 10_000, totalMinor: 2_000, currency: "BRL", status: "ended", stationName: "CP1" },
      ...{ startedAt: new Date(NOON).toISOString(), billing: "billed" },
    });
    const first = (await ana.get("/v1/own/transactions?limit=2")).body as unknown as Items;
    const next = await items(ana, `/v1/own/transactions?limit=2&cursor=${first.nextCursor}`);
    expect([...first.items, ...next]).toEqual(own);
    expect((await items(bia, "/v1/own/transactions")).map((t) => t["transactionId"])).toEqual(
      transactions.bia,
    );
    const ended = await items(ana, "/v1/own/transactions?status=ended");
    expect(ended).toEqual(own.slice(1));
  });

  test("sees what runs: energy, power, and what it costs so far", async () => {
    const active = await items(ana, "/v1/own/transactions?status=active");
    expect(active).toMatchObject([
      { transactionId: running, energyWh: 1_500, powerW: 7_200, billing: null, totalMinor: null },
    ]);
    const detail = (await ana.get(`/v1/own/transactions/${running}`)).body;
    expect(detail).toMatchObject({
      ...{ transaction: active[0], tariffName: "Standard", cdr: null },
      price: { totalMinor: 300, currency: "BRL", lines: [{ component: "energy", quantity: 1_500 }] },
    });
    expect(await items(bia, "/v1/own/transactions?status=active")).toEqual([]);
  });

  test("sees each bill line by line, and takes its receipt", async () => {
    const cdrs = await items(ana, "/v1/own/cdrs");
    expect(cdrs.map((cdr) => cdr["transactionId"])).toEqual([...transactions.ana].reverse());
    const [cdr] = await items(ana, `/v1/own/cdrs?transactionId=${transactions.ana[0]}`);
    expect(cdr).toMatchObject({
      ...{ status: "standing", payer: "driver", totalMinor: 2_000, energyWh: 10_000, idToken: "ANA-1" },
      ...{ stationName: "CP1", lines: [{ component: "energy", amountMinor: 2_000 }] },
    });
    // Who decided what, and on which account it is booked, is the operator's to know.
    for (const field of ["createdBy", "reason", "cause", "tariffId", "paymentId", "driverId"])
      expect(cdr).not.toHaveProperty(field);
    const cdrId = String(cdr?.["cdrId"]);
    expect((await ana.get(`/v1/own/cdrs/${cdrId}`)).body).toEqual(cdr);
    expect((await ana.get(`/v1/own/transactions/${transactions.ana[0]}`)).body).toMatchObject({
      ...{ cdr, price: null },
    });
    const pdf = await ana.get(`/v1/own/cdrs/${cdrId}/receipt?language=en`);
    expect([pdf.status, pdf.headers]).toMatchObject([200, { "content-type": "application/pdf" }]);
    const { rows } = await db.pool.query("select cdr_id from receipt");
    expect(rows).toEqual([{ cdr_id: cdrId }]);
  });

  test("sees its statements and what it owes, and takes them as files", async () => {
    const statements = await items(ana, "/v1/own/statements");
    expect(statements).toMatchObject([{ statementId: anaStatement, closingMinor: 6_000, cdrCount: 3 }]);
    expect(statements[0]).not.toHaveProperty("account");
    const detail = (await ana.get(`/v1/own/statements/${anaStatement}`)).body;
    expect(detail).toMatchObject({ statement: statements[0], linesTruncated: false });
    const lines = detail["lines"] as { transactionId: string }[];
    expect(lines.map((line) => line.transactionId).sort()).toEqual([...transactions.ana].sort());
    const pdf = await ana.get(`/v1/own/statements/${anaStatement}/pdf`);
    expect([pdf.status, pdf.headers]).toMatchObject([200, { "content-type": "application/pdf" }]);
    expect((await ana.get("/v1/own/profile")).body["balances"]).toEqual([
      { currency: "BRL", amountMinor: 6_000 },
    ]);
  });

  test("finds nothing of other drivers, of the same operator or of another", async () => {
    const paths = [
      ...foreign.transactions.map((id) => `transactions/${id}`),
      ...foreign.cdrs.flatMap((id) => [`cdrs/${id}`, `cdrs/${id}/receipt`]),
      ...foreign.statements.flatMap((id) => [`statements/${id}`, `statements/${id}/pdf`]),
      ...["transactions/none", "cdrs/none", "cdrs/none/receipt", `statements/${randomUUID()}`],
    ];
    expect(paths.length).toBeGreaterThan(15);
    const receipts = async () => (await db.rows("select * from receipt")).length;
    const before = await receipts();
    for (const path of paths) {
      const reply = await ana.get(`/v1/own/${path}`);
      expect([reply.status, reply.body["code"]], path).toEqual([404, "NOT_FOUND"]);
    }
    // Nor is anything issued for who may not have it.
    expect(await receipts()).toBe(before);
    for (const id of foreign.transactions)
      expect(await items(ana, `/v1/own/cdrs?transactionId=${id}`)).toEqual([]);
  });

  test("is not told what is billed to somebody else", async () => {
    const [id] = transactions.ana;
    await db.pool.query(
      `insert into transaction_payer (transaction_id, operator_id, account, driver_id)
       select $1, operator_id, 'driver:' || driver_id, driver_id from driver where name = 'Bia'`,
      [id],
    );
    await makeCdrs(db.pool);
    expect((await ana.get(`/v1/own/transactions/${id}`)).body).toMatchObject({
      transaction: { cdrId: null, totalMinor: null, currency: null },
      ...{ cdr: null, price: null },
    });
    const [before] = await items(ana, `/v1/own/cdrs?transactionId=${id}`);
    expect(before).toMatchObject({ status: "corrected" });
    expect((await ana.get(`/v1/own/cdrs/${String(before?.["correctedBy"])}`)).status).toBe(404);
    await db.pool.query(
      "update transaction_payer set account = 'driver:' || $2, driver_id = $2 where transaction_id = $1",
      [id, anaId],
    );
    await makeCdrs(db.pool);
    expect((await ana.get(`/v1/own/transactions/${id}`)).body).toMatchObject({
      transaction: { totalMinor: 2_000 },
    });
  });

  test("wishes to be erased, which the operator is told, and may take it back", async () => {
    const wishes = () => db.rows("select name from driver where erasure_requested_at is not null");
    expect((await ana.get("/v1/own/profile")).body["erasureRequestedAt"]).toBeNull();
    const asked = (await ana.put("/v1/own/erasure-request")).body;
    expect(asked["erasureRequestedAt"]).toEqual(expect.any(String));
    expect((await ana.put("/v1/own/erasure-request")).body).toEqual(asked);
    expect((await ana.get("/v1/own/profile")).body).toMatchObject(asked);
    expect(await wishes()).toEqual([{ name: "Ana" }]);
    const owner = openBrowser(people.app);
    await createMember(db.pool, "owner@example.com", "owner");
    await owner.signIn("owner@example.com");
    expect(await items(owner, "/v1/drivers?erasureRequested=true")).toMatchObject([
      { name: "Ana", ...asked },
    ]);
    expect((await ana.delete("/v1/own/erasure-request")).body).toEqual({ erasureRequestedAt: null });
    expect(await wishes()).toEqual([]);
    const { rows } = await db.pool.query("select action from audit where action like 'driver.erasure%'");
    expect(rows.map(({ action }) => action as string)).toEqual([
      ...["driver.erasure-request", "driver.erasure-withdraw"],
    ]);
  });

  test("takes its data along: all of its own, nothing of others", async () => {
    const reply = await ana.get("/v1/own/data");
    expect(reply.status).toBe(200);
    const data = reply.body as Record<string, { transactionId: string }[]>;
    expect(data["transactions"]?.map((t) => t.transactionId).sort()).toEqual(
      [running, ...transactions.ana].sort(),
    );
    expect(data["cdrs"]).toHaveLength(4);
    const told = await db.rows("select actor from audit where action = 'driver.export'");
    expect(told).toEqual([{ actor: "ana@example.com" }]);
    expect(data["statements"]).toHaveLength(1);
    const text = JSON.stringify(data);
    for (const other of [...transactions.bia, ...transactions.nobody, "BIA-1", "bia@", "CARD-OF-NOBODY"])
      expect(text.toLowerCase()).not.toContain(other.toLowerCase());
  });

  test("takes along what its card's account was charged for it, and not for somebody before", async () => {
    const told = async () =>
      (await ana.get("/v1/own/data")).body["ledger"] as { account: string; amountMinor: number }[];
    const ofCard = async () =>
      (await told()).filter((e) => e.account === "token:ana-1").map((e) => e.amountMinor);
    const bill = (id: string | undefined, driverId: string | null) =>
      db.pool.query(
        `insert into transaction_payer (transaction_id, operator_id, account, driver_id)
         values ($1, 'default', 'token:ana-1', $2)
         on conflict (transaction_id) do update set account = excluded.account, driver_id = excluded.driver_id`,
        [id, driverId],
      );
    const before = await told();
    await bill(transactions.nobody[0], null);
    await makeCdrs(db.pool);
    expect(await told()).toEqual(before);
    await bill(transactions.ana[1], anaId);
    await makeCdrs(db.pool);
    expect(await ofCard()).toEqual([2_000]);
    expect(await told()).toHaveLength(before.length + 2);
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

describe("an invitation of a driver", () => {
  test("makes who accepts it this driver, whatever their address", async () => {
    const owner = openBrowser(people.app);
    await createMember(db.pool, "boss@example.com", "owner");
    await owner.signIn("boss@example.com");
    const caioId = await driver("Caio", "caio@home.example", null);
    const invite = (body: object) =>
      owner.post("/v1/invitations", { role: "driver", driverId: caioId, ...body });
    const refused = async (body: object) => {
      const reply = await invite({ email: "x@example.com", ...body });
      return [reply.status, reply.body["code"]];
    };
    expect(await refused({ role: "support" })).toEqual([400, "NOT_A_DRIVER"]);
    expect(await refused({ siteIds: ["site"] })).toEqual([400, "DRIVER_LIMITED"]);
    expect(await refused({ driverId: randomUUID() })).toEqual([404, "NOT_FOUND"]);
    // Known by another address to the operator, and the link handed over: no mailbox was shown to be theirs.
    const { link } = (await invite({ email: "caio@example.com" })).body;
    const caio = openBrowser(people.app);
    const accept = { token: tokenOf(link), name: "Caio", password: PASSWORD };
    expect((await caio.post("/v1/invitations/accept", accept)).status).toBe(200);
    expect((await caio.get("/v1/own/profile")).body).toMatchObject({ driverId: caioId, name: "Caio" });
    expect(await refused({ email: "y@example.com" })).toEqual([409, "DRIVER_SIGNS_IN"]);
    expect((await owner.get(`/v1/drivers/${caioId}`)).body["userId"]).toEqual(expect.any(String));
  });

  test("of a driver who is erased before it is accepted links nobody", async () => {
    const owner = openBrowser(people.app);
    await owner.signIn("boss@example.com");
    const goneId = await driver("Gone", "gone@home.example", null);
    const made = await owner.post("/v1/invitations", {
      ...{ email: "later@example.com", role: "driver", driverId: goneId },
    });
    await db.pool.query(
      `update driver set status = 'erased', erased_at = now(), name = null, email = null, notes = null
       where driver_id = $1`,
      [goneId],
    );
    const late = openBrowser(people.app);
    const accept = { token: tokenOf(made.body["link"]), name: "Late", password: PASSWORD };
    expect((await late.post("/v1/invitations/accept", accept)).status).toBe(200);
    expect((await late.get("/v1/own/profile")).body["code"]).toBe("NO_DRIVER");
  });
});

describe("nobody's driver", () => {
  test("is who has an account and is known under no such address, or has not shown to read it", async () => {
    const all = ["profile", "tokens", "transactions", "cdrs", "statements", "data"];
    for (const path of [...all, `transactions/${running}`, `statements/${anaStatement}`]) {
      const reply = await stranger.get(`/v1/own/${path}`);
      expect([reply.status, reply.body["code"]], path).toEqual([404, "NO_DRIVER"]);
    }
    await db.pool.query("update auth_user set email_verified = false where email = 'bia@example.com'");
    expect((await bia.get("/v1/own/profile")).status).toBe(404);
    await db.pool.query("update auth_user set email_verified = true where email = 'bia@example.com'");
  });
});
