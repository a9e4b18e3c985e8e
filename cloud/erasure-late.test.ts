/**
 * What a person who goes leaves open, what comes late from a site that was alone, what is written while texts
 * are gone through, and files that were made before.
 */
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Driver } from "./api/driver-schemas.ts";
import { balance } from "./ledger.ts";
import { openFileFolder } from "./files.ts";
import { introduce, Journal, online, start16, stop16, storeAll } from "./harness.ts";
import { openDrivers, type Drivers } from "./harness-drivers.ts";
import { auditBooks, billingOf, cdrsOf, giveTariff } from "./harness-money.ts";
import { makeCdrs } from "./jobs/cdrs.ts";
import { runErasures } from "./jobs/erasures.ts";
import { expireExports, makeExports } from "./jobs/exports.ts";

const dir = join(tmpdir(), `sg-files-${randomUUID()}`);
const files = openFileFolder(dir);
const journal = new Journal("er-1", "site-1");
let wireId = 1;
let drivers: Drivers;
let db: Drivers["db"];

beforeAll(async () => {
  drivers = await openDrivers({ filesDir: dir });
  ({ db } = drivers);
  await giveTariff(db, "default");
  await introduce(db.pool, journal);
  await happened(online("CP1"));
});
afterAll(() => drivers.close());

async function happened(...bodies: Parameters<Journal["commit"]>[0]): Promise<void> {
  journal.commit(bodies);
  await storeAll(db.pool, journal);
}
/** 10 kWh: R$ 20.00. */
async function charges(idTag: string, at: number): Promise<string> {
  const id = randomUUID();
  const more = { at, wireId: ++wireId };
  await happened(
    start16("CP1", id, { ...more, idTag, meterStart: 1_000 }),
    stop16("CP1", id, { ...more, at: at + 3_600_000, meterStop: 11_000 }),
  );
  return id;
}
/** With a token of its own that counts since ever. */
async function person(more: object = {}, ofToken: object = {}): Promise<{ driver: Driver; idToken: string }> {
  const driver = await drivers.create({ name: "Somebody", ...more });
  const idToken = await drivers.token(ofToken);
  await drivers.attach(driver, idToken);
  await db.pool.query("update id_token set driver_since = '2026-01-01' where id_token = $1", [idToken]);
  return { driver, idToken };
}
const codeOf = (reply: { status: number; body: unknown }) => [
  reply.status,
  (reply.body as { code: string }).code,
];

describe("what is open", () => {
  test("stands in the way, billed or not, until it is settled or left by somebody's word", async () => {
    const { driver, idToken } = await person();
    await charges(idToken, 0);
    const unbilled = await drivers.erase(driver);
    expect(codeOf(unbilled)).toEqual([409, "DRIVER_OPEN_BALANCE"]);
    expect(unbilled.text).toContain("1 transactions are not billed yet");
    await makeCdrs(db.pool);
    const owed = await drivers.erase(driver, { openBalance: "refuse" });
    expect(codeOf(owed)).toEqual([409, "DRIVER_OPEN_BALANCE"]);
    expect(owed.text).toContain("2000 (minor units of BRL");
    expect(await db.rows("select from driver where status = 'erased'")).toEqual([]);
    // More than is owed is the person's money: it stands in the way as well.
    const pay = (amountMinor: number) =>
      drivers.post("/v1/ledger/postings", {
        ...{ kind: "transfer", note: "cash" },
        entries: [
          { account: "bank", currency: "BRL", amountMinor },
          { account: `driver:${driver.driverId}`, currency: "BRL", amountMinor: -amountMinor },
        ],
      });
    await pay(2_500);
    expect(codeOf(await drivers.erase(driver))).toEqual([409, "DRIVER_OPEN_BALANCE"]);
    const left = await drivers.erase(driver, { openBalance: "leave" });
    expect(left.status, left.text).toBe(200);
    expect(await balance(db.pool, "default", `driver:${driver.driverId}`, "BRL")).toBe(-500);
  });

  test("of a token, from before it was the person's, is the person's to settle too", async () => {
    const idToken = await drivers.token();
    await charges(idToken, 0);
    await makeCdrs(db.pool);
    const driver = await drivers.create({ name: "Somebody" });
    await drivers.attach(driver, idToken);
    const reply = await drivers.erase(driver);
    expect(codeOf(reply)).toEqual([409, "DRIVER_OPEN_BALANCE"]);
    expect(reply.text).toContain("the account of a token");
    expect(reply.text.toLowerCase()).not.toContain(idToken);
  });

  test("nothing: nobody has to say anything", async () => {
    expect((await drivers.erase((await person()).driver)).status).toBe(200);
  });
});

describe("a transaction that is told after its driver has gone", () => {
  test("is held for a person: waived, or billed to an account of nobody", async () => {
    const { driver, idToken } = await person();
    expect((await drivers.erase(driver)).status).toBe(200);
    const [waived, billed] = [await charges(idToken, 0), await charges(idToken, 10_000_000)];
    await makeCdrs(db.pool);
    expect(await billingOf(db, waived)).toMatchObject({ status: "held", reasons: ["payer-gone"] });
    const decide = (id: string, decision: string) =>
      drivers.post(`/v1/billing-items/${id}/decision`, { decision, note: "gone" });
    await decide(waived, "waive");
    await decide(billed, "bill");
    const account = `driver:${driver.driverId}` as const;
    expect(await cdrsOf(db, waived)).toMatchObject([{ total_minor: 0, flags: ["waived"] }]);
    expect(await cdrsOf(db, billed)).toMatchObject([{ total_minor: 2_000, payer: account }]);
    expect(await balance(db.pool, "default", account, "BRL")).toBe(2_000);
    // Looked at again, it stays what was decided.
    await db.pool.query("update transaction_billing set due_at = now()");
    expect(await makeCdrs(db.pool)).toBe(0);
    expect(await auditBooks(db, "default")).toEqual([]);
  });

  test("is the fleet's where the token was one's", async () => {
    const { driver, idToken } = await person({ groupId: "fleet-7" });
    expect((await drivers.erase(driver)).status).toBe(200);
    const id = await charges(idToken, 0);
    await makeCdrs(db.pool);
    expect(await cdrsOf(db, id)).toMatchObject([{ payer: "fleet:fleet-7", total_minor: 2_000 }]);
  });
});

describe("texts that are written while they are gone through", () => {
  beforeAll(() => runErasures(db.pool));

  const mention = (text: string) =>
    db.pool.query(
      `insert into audit (operator_id, actor, request_id, action, subject, detail)
       values ('default', 'somebody', 'late', 'site.update', 'site-1', $1)`,
      [JSON.stringify({ note: text })],
    );
  const mentioned = (text: string) =>
    db.rows("select from audit where request_id = 'late' and position($1 in detail::text) > 0", text);

  test("are found by the next pass, and that by another one that finds nothing", async () => {
    const email = "late.writer@example.com";
    const { driver } = await person({ email });
    await drivers.erase(driver);
    // A copy that has gone through all tables, and was stopped there.
    await db.pool.query(
      `update driver_erasure set pass_began = pg_snapshot_xmin(pg_current_snapshot()), progress =
         (select jsonb_object_agg(c.oid::regclass::text, 1000000) from pg_class c where c.relkind = 'r')
       where driver_id = $1`,
      [driver.driverId],
    );
    await mention(`call ${email}`);
    expect(await runErasures(db.pool)).toBe(1);
    expect(await mentioned(email)).toEqual([]);
    const [row] = await db.rows(
      "select pass, words from driver_erasure where driver_id = $1",
      driver.driverId,
    );
    expect(row).toEqual({ pass: 3, words: null });
  });

  test("what cannot be masked does not keep it going for ever", async () => {
    const email = "stubborn@example.com";
    const { driver } = await person({ email });
    // A name that somebody keeps writing.
    await db.pool.query(
      `create table stubborn (operator_id text, note text);
       create function stubborn() returns trigger language plpgsql as $$ begin return old; end $$;
       create trigger stubborn before update on stubborn for each row execute function stubborn()`,
    );
    await db.pool.query("insert into stubborn values ('default', $1)", [`to ${email}`]);
    await drivers.erase(driver);
    expect(await runErasures(db.pool)).toBe(1);
    const [row] = await db.rows(
      "select pass, words, found from driver_erasure where driver_id = $1",
      driver.driverId,
    );
    expect(row).toEqual({ pass: 8, words: null, found: true });
    await db.pool.query("drop table stubborn");
  });

  test("bytes that are a text are one, whatever stands before a name; others stay", async () => {
    const email = "bytes@example.com";
    const { driver } = await person({ email });
    await db.pool.query("create table raw (operator_id text, n integer, bytes bytea)");
    const texts = [Buffer.from(`—${email}`), Buffer.concat([Buffer.from([0xff, 0x20]), Buffer.from(email)])];
    for (const [n, bytes] of texts.entries())
      await db.pool.query("insert into raw values ('default', $1, $2)", [n, bytes]);
    await drivers.erase(driver);
    expect(await runErasures(db.pool)).toBe(1);
    const rows = await db.rows<{ bytes: Buffer }>("select bytes from raw order by n");
    expect(rows[0]?.bytes.toString()).toMatch(/^—erased-\w+$/);
    expect(rows[1]?.bytes).toEqual(texts[1]);
    await db.pool.query("drop table raw");
  });
});

describe("files that were made before", () => {
  const DAY_MS = 86_400_000;
  const order = (kind: string) =>
    drivers.post<{ exportId: string }>("/v1/exports", {
      ...{ kind, from: new Date(Date.now() - 30 * DAY_MS).toISOString() },
      to: new Date(Date.now() + DAY_MS).toISOString(),
    });
  const fetch = (exportId: string) => drivers.api.get(`/v1/exports/${exportId}/file`);

  test("and may hold the person are gone; others stay; one that is being made begins anew", async () => {
    const { driver, idToken } = await person();
    const [tokens, samples, audit] = [
      await order("id-tokens"),
      await order("meter-samples"),
      await order("audit"),
    ];
    await makeExports(db.pool, files);
    expect((await fetch(tokens.exportId)).text).toContain(idToken);
    await db.pool.query("update export set status = 'running', held_until = now() where export_id = $1", [
      audit.exportId,
    ]);
    const reply = await drivers.erase(driver);
    expect(reply.body).toMatchObject({ exportsRemoved: 2 });
    expect(codeOf(await fetch(tokens.exportId))).toEqual([410, "EXPORT_GONE"]);
    expect((await fetch(samples.exportId)).status).toBe(200);
    expect(await db.rows("select status from export where export_id = $1", audit.exportId)).toEqual([
      { status: "waiting" },
    ]);
    expect(await expireExports(db.pool, files)).toBe(1);
    expect(await files.read(tokens.exportId)).toBeUndefined();
    // What was made from texts before all of them were gone through goes when they have been.
    await makeExports(db.pool, files);
    expect((await fetch(audit.exportId)).status).toBe(200);
    expect(await runErasures(db.pool)).toBeGreaterThan(0);
    expect(codeOf(await fetch(audit.exportId))).toEqual([410, "EXPORT_GONE"]);
    expect((await drivers.erase(driver)).body).toMatchObject({ exportsRemoved: 2 });
  });
});
