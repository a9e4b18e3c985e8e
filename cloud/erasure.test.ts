/**
 * A person goes: afterwards neither its token nor its name, address or tax number is anywhere in the
 * database, and the books are what they were.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenHash } from "../shared/policy.ts";
import { createMember } from "./api/harness-people.ts";
import { ERASURE_WORDS, type Driver } from "./api/driver-schemas.ts";
import { createApiKey } from "./api/actor.ts";
import { handled, introduce, Journal, online, start16, stop16, storeAll } from "./harness.ts";
import { openDrivers, type Drivers } from "./harness-drivers.ts";
import { auditBooks, giveTariff } from "./harness-money.ts";
import { answerQuestion } from "./ingest/ask.ts";
import { readPolicy } from "./ingest/policy.ts";
import { makeCdrs } from "./jobs/cdrs.ts";
import { runErasures } from "./jobs/erasures.ts";
import { ensureReceipt } from "./receipts.ts";

let drivers: Drivers;
let db: Drivers["db"];
let api: Drivers["api"];
let create: Drivers["create"];
let attach: Drivers["attach"];
let statusAt: Drivers["statusAt"];
beforeAll(async () => {
  drivers = await openDrivers();
  ({ db, api, create, attach, statusAt } = drivers);
  await giveTariff(db, "default");
});
afterAll(() => drivers.close());

const NAME = "Iracema Quintão Valadares";
const EMAIL = "iracema.valadares@example.com";
const CPF = "52998224725";
const PHONE = "+55 11 98765-4321";
const TOKEN = "04A1B2C3D4E5F6";
const SHORT = "77";

/** Every cell of every table that is a text, JSON or bytes, asked of the catalogue. */
async function whereFound(words: readonly string[]): Promise<string[]> {
  const columns = await db.rows<{ place: string; name: string; type: string }>(
    `select c.oid::regclass::text as place, quote_ident(a.attname) as name, format_type(a.atttypid, null) as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
       and format_type(a.atttypid, null) in ('text', 'text[]', 'json', 'jsonb', 'bytea', 'character varying', 'uuid')`,
  );
  expect(columns.length).toBeGreaterThan(500);
  const found: string[] = [];
  for (const { place, name, type } of columns) {
    const text = type === "bytea" ? `encode(${name}, 'escape')` : `${name}::text`;
    const rows = await db.rows<{ word: string; value: string }>(
      `select word, left(${text}, 300) as value from ${place}, unnest($1::text[]) word
       where position(lower(word) in lower(${text})) > 0 limit 3`,
      words,
    );
    found.push(...rows.map(({ word, value }) => `${place}.${name}: ${word} in ${value}`));
  }
  return found;
}

/** What is open is another test's subject. */
const erase = (driver: Driver, more: object = {}) => drivers.erase(driver, { openBalance: "leave", ...more });

async function person(): Promise<Driver> {
  const driver = await create({
    ...{ name: NAME, email: EMAIL, taxId: CPF, phone: PHONE, notes: "knows the gate code" },
  });
  for (const idToken of [TOKEN, SHORT]) await attach(driver, idToken);
  return driver;
}

const journal = new Journal("er-1", "site-1");
let wireId = 1;
const happened = async (...bodies: Parameters<Journal["commit"]>[0]) => {
  journal.commit(bodies);
  await storeAll(db.pool, journal);
};
const charged = (id: string, idTag: string, at: number) => {
  const more = { at, wireId: ++wireId };
  return [
    start16("CP1", id, { ...more, idTag, meterStart: 1_000 }),
    stop16("CP1", id, { ...more, at: at + 3_600_000, meterStop: 11_000 }),
  ];
};

describe("a person with everything", () => {
  let driver: Driver;
  let userId: string;
  const before = randomUUID();
  const billed = randomUUID();
  const running = randomUUID();
  let totals: unknown[];
  const books = () =>
    db.rows(
      `select c.number, c.transaction_id, c.driver_id, c.energy_wh, c.total_minor, c.net_minor from cdr c order by number`,
    );

  beforeAll(async () => {
    await introduce(db.pool, journal);
    await drivers.post("/v1/id-tokens", { idToken: TOKEN, label: NAME });
    await drivers.post("/v1/id-tokens", { idToken: SHORT });
    // Charged before it was anybody's: owed by the token.
    await happened(online("CP1"), ...charged(before, TOKEN.toLowerCase(), 0));
    await makeCdrs(db.pool);
    driver = await person();
    userId = await createMember(db.pool, EMAIL, "driver");
    // From before the invitation.
    await db.pool.query(
      `insert into audit (operator_id, actor, request_id, action, subject, detail)
       values (null, $1, 'r', 'session.create', $2, '{"address": "192.0.2.77"}')`,
      [EMAIL, userId],
    );
    await db.pool.query("update id_token set driver_since = '2026-01-01'");
    await happened(
      ...charged(billed, TOKEN, 7_200_000),
      handled("CP1", "ocpp1.6", "Authorize", { idTag: SHORT }, { idTagInfo: { status: "Accepted" } }),
      handled("CP1", "ocpp1.6", "DataTransfer", { vendorId: "x", data: JSON.stringify({ card: TOKEN }) }, {}),
      handled("CP1", "ocpp2.0.1", "NotifyCustomerInformation", { data: `name: ${NAME}\nmail: ${EMAIL}` }, {}),
      handled("CP1", "ocpp1.6", "MeterValues", { connectorId: 1, meterValue: [{ value: SHORT }] }, {}),
      start16("CP1", running, { at: 20_000_000, idTag: TOKEN, wireId: 900, connectorId: 2 }),
    );
    await makeCdrs(db.pool);
    await mentions();
    totals = await books();
    expect(totals).toHaveLength(2);
  });

  /** Rows that mention the person in passing, where other parts of the system leave them. */
  async function mentions(): Promise<void> {
    const commandId = randomUUID();
    for (const [sql, ...params] of [
      [
        `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
         values ($1, 'default', 'site-1', 'er-1', 'CP1', 'RequestStartTransaction', $2, $3, now())`,
        ...[commandId, JSON.stringify({ idToken: { idToken: SHORT, type: "Local" } }), EMAIL],
      ],
      [
        `insert into reservation (station_id, reservation_id, operator_id, site_id, id_token, expires_at, issued_by, command_id)
         values ('CP1', 1, 'default', 'site-1', $1, now(), 'x', $2)`,
        ...[TOKEN.toLowerCase(), commandId],
      ],
      [
        `insert into station_local_list (station_id, operator_id, version, entries) values ('CP1', 'default', 1, $1)`,
        JSON.stringify({
          [TOKEN]: { status: "Accepted" },
          [SHORT]: { status: "Accepted" },
          OTHER: { status: "Accepted" },
        }),
      ],
      [
        `insert into parked_entry (er_id, journal_id, seq, operator_id, entry, reason)
         values ('er-1', $1, 9999, 'default', $2, 'x')`,
        ...[
          journal.journalId,
          JSON.stringify({ request: JSON.stringify([2, "1", "Authorize", { idTag: SHORT }]) }),
        ],
      ],
      [
        `insert into review_resolution (operator_id, review_id, kinds, site_id, action, actor, note, item)
         values ('default', 'transaction:x', '{}', 'site-1', 'accept', 'x', $1, $2)`,
        ...[`told ${NAME} on ${PHONE}, CPF 529.982.247-25`, JSON.stringify({ idToken: TOKEN })],
      ],
      [
        `insert into mail (operator_id, kind, recipient, title, content) values ('default', 'statement', $1, 'Statement', $2)`,
        ...[EMAIL.toUpperCase(), JSON.stringify({ text: `Dear ${NAME}` })],
      ],
      [
        `insert into audit (operator_id, actor, request_id, action, subject) values ('default', $1, 'r', 'own.read', 'x')`,
        EMAIL,
      ],
    ] as [string, ...unknown[]][])
      await db.pool.query(sql, params);
    const [cdr] = await db.rows<{ cdr_id: string }>(
      "select cdr_id from cdr where transaction_id = $1",
      billed,
    );
    await ensureReceipt(db.pool, "default", { cdrId: cdr?.cdr_id ?? "" });
    await db.pool.query(
      `insert into receipt_customer (receipt_id, operator_id, name, tax_id)
       select receipt_id, operator_id, $1, $2 from receipt on conflict (receipt_id) do update set name = $1, tax_id = $2`,
      [NAME, CPF],
    );
  }

  test("is told whole before", async () => {
    const reply = await api.get(`/v1/drivers/${driver.driverId}/data`);
    expect(reply.status).toBe(200);
    const data = reply.body as Record<string, { transactionId?: string; idToken?: string }[]>;
    expect(data["driver"]).toMatchObject({ name: NAME, email: EMAIL, taxId: CPF });
    expect(data["idTokens"]?.map((t) => t.idToken)).toEqual([TOKEN, SHORT]);
    expect(data["transactions"]?.map((t) => t.transactionId).sort()).toEqual([billed, running].sort());
    expect(data["cdrs"]?.map((c) => c.transactionId)).toEqual([billed]);
    expect(data["ledger"]).toHaveLength(1);
    expect(data["audit"]?.length).toBeGreaterThan(2);
    expect((await whereFound([TOKEN, NAME, EMAIL, CPF])).length).toBeGreaterThan(20);
  });

  test("is not erased without the words, by another operator, or while it charges", async () => {
    const code = (reply: { status: number; body: unknown }) => [
      reply.status,
      (reply.body as { code: string }).code,
    ];
    expect(code(await erase(driver, { confirm: "yes" }))).toEqual([400, "NOT_CONFIRMED"]);
    expect(code(await erase(driver))).toEqual([409, "DRIVER_CHARGES"]);
    await db.pool.query("insert into operator (operator_id, name) values ('rival', 'Rival')");
    const key = await createApiKey(db.pool, "rival", "rival");
    const reply = await api.app.inject({
      ...{ method: "POST", url: `/v1/drivers/${driver.driverId}/erasures` },
      ...{ headers: { authorization: `Bearer ${key}` }, payload: { confirm: ERASURE_WORDS } },
    });
    expect(reply.statusCode).toBe(404);
    expect(await db.rows("select from driver where status = 'erased'")).toHaveLength(0);
  });

  test("goes at once from what is its own, then from everything, and asked for again it is the same", async () => {
    // Over, and not billed yet: the bill comes after the person has gone.
    await happened(stop16("CP1", running, { at: 30_000_000, meterStop: 21_000, wireId: 900 }));
    const reply = await erase(driver);
    expect(reply.status, reply.text).toBe(200);
    expect(reply.body).toMatchObject({ driverId: driver.driverId, finishedAt: null });
    expect(await db.rows("select from id_token")).toHaveLength(0);
    expect(await db.rows("select from auth_user where id = $1", userId)).toHaveLength(0);
    expect((await erase(driver)).body).toEqual(reply.body);
    expect(await runErasures(db.pool)).toBe(1);
    expect(await runErasures(db.pool)).toBe(0);
    const again = (await erase(driver)).body as { finishedAt: string };
    expect(Date.parse(again.finishedAt)).toBeGreaterThan(0);
  });

  test("is nowhere any more", async () => {
    const words = [TOKEN, NAME, "Quint\\u00e3o", EMAIL, CPF, "529.982.247-25", PHONE, "192.0.2.77"];
    expect(await whereFound(words)).toEqual([]);
    expect(
      await whereFound([`"idTag":"${SHORT}"`, `"idToken":"${SHORT}"`, `\\"idTag\\":\\"${SHORT}\\"`]),
    ).toEqual([]);
    expect(await db.rows("select from transaction where id_token = $1", SHORT)).toHaveLength(0);
    const [list] = await db.rows<{ entries: object }>("select entries from station_local_list");
    expect(Object.keys(list?.entries ?? {})).toEqual(["OTHER"]);
  });

  test("a text that only looks like a short token is left as it was", async () => {
    const [row] = await db.rows<{ request: string }>(
      "select request from message where action = 'MeterValues'",
    );
    expect(row?.request).toContain(`"value":"${SHORT}"`);
  });

  test("leaves the books as they were, and owes what was not billed yet", async () => {
    expect(await books()).toEqual(totals);
    await makeCdrs(db.pool);
    const all = (await books()) as { transaction_id: string; driver_id: string }[];
    expect(all.slice(0, 2)).toEqual(totals);
    expect(all.slice(2)).toMatchObject([{ transaction_id: running, driver_id: driver.driverId }]);
    const payers = await db.rows<{ payer: string }>("select payer from cdr order by number");
    expect(payers.map(({ payer }) => payer.replace(/erased-\w+/, "erased"))).toEqual([
      ...["token:erased", `driver:${driver.driverId}`, `driver:${driver.driverId}`],
    ]);
    expect(await auditBooks(db, "default")).toEqual([]);
    await expect(db.pool.query("update cdr set total_minor = total_minor + 1")).rejects.toThrow(
      /append-only/,
    );
    await expect(db.pool.query("update cdr set payer = 'driver:x'")).rejects.toThrow(/append-only/);
    await expect(db.pool.query("delete from ledger_account where kind = 'token'")).rejects.toThrow(
      /append-only/,
    );
  });

  test("its tokens are refused at every site, and what comes in late names nobody", async () => {
    expect([await statusAt("site-1", TOKEN), await statusAt("site-1", SHORT)]).toEqual([
      "Blocked",
      "Blocked",
    ]);
    await db.pool.query("update site set unknown_token = 'allow'");
    const ask = (idToken: string) =>
      answerQuestion(db.pool, "er-1", {
        kind: "authorize",
        purpose: "start",
        stationId: "CP1",
        idToken,
      } as never);
    expect(await ask(TOKEN.toLowerCase())).toMatchObject({ status: "Blocked" });
    expect(await ask("SOMEBODY")).toMatchObject({ status: "Accepted" });
    const late = randomUUID();
    await happened(
      ...charged(late, TOKEN, 40_000_000),
      handled(
        "CP1",
        "ocpp2.0.1",
        "Authorize",
        { idToken: { idToken: TOKEN.toLowerCase(), type: "ISO14443" } },
        {},
      ),
    );
    expect(await whereFound([TOKEN])).toEqual([]);
    const [row] = await db.rows<{ id_token: string; driver_id: string }>(
      "select id_token, driver_id from transaction where transaction_id = $1",
      late,
    );
    expect(row).toEqual({
      id_token: expect.stringMatching(/^erased-/) as string,
      driver_id: driver.driverId,
    });
  });

  test("a card that is given to somebody else counts again", async () => {
    await drivers.post("/v1/id-tokens", { idToken: TOKEN });
    const policy = await readPolicy(db.pool, "site-1");
    const mine = policy?.tokens.filter((one) => one.hash === tokenHash(policy.salt, TOKEN));
    expect(mine?.map((one) => one.status)).toEqual(["Accepted"]);
  });
});

describe("a person who works here too", () => {
  test("keeps the account and stays in the audit; whoever is only known by a short name loses the fields alone", async () => {
    await createMember(db.pool, "chefe@example.com", "operations");
    const driver = await create({ name: "Ana", email: "chefe@example.com" });
    await db.pool.query(
      `insert into audit (operator_id, actor, request_id, action, subject, detail)
       values ('default', 'chefe@example.com', 'r', 'site.update', 'site-1', '{"name": "Rua Ana"}')`,
    );
    expect((await erase(driver)).status).toBe(200);
    expect(await runErasures(db.pool)).toBe(1);
    expect(await db.rows("select from auth_user where email = 'chefe@example.com'")).toHaveLength(1);
    expect(
      await db.rows(
        "select actor, detail from audit where actor = 'chefe@example.com' and action = 'site.update'",
      ),
    ).toEqual([{ actor: "chefe@example.com", detail: { name: "Rua Ana" } }]);
    expect((await api.get(`/v1/drivers/${driver.driverId}`)).body).toMatchObject({
      ...{ status: "erased", name: null, email: null, phone: null, taxId: null, notes: null, idTokens: [] },
    });
    expect((await api.get("/v1/drivers?status=erased")).status).toBe(200);
    const changed = await api.send(
      "PATCH",
      `/v1/drivers/${driver.driverId}`,
      { name: "X" },
      { "if-match": "*" },
    );
    expect([changed.status, (changed.body as { code: string }).code]).toEqual([409, "DRIVER_ERASED"]);
  });
});

describe("many who go", () => {
  test("a token that is a word of ours takes no other record along", async () => {
    const driver = await create({ name: "Bo" });
    await drivers.post("/v1/id-tokens", { idToken: "Accepted" });
    await api.send("PUT", `/v1/drivers/${driver.driverId}/id-tokens/Accepted`, undefined);
    const said = { status: "Accepted", idToken: "accepted" };
    await db.pool.query(
      `insert into audit (operator_id, actor, request_id, action, subject, detail)
       values ('default', 'somebody', 'r', 'station.word', 'CP1', $1)`,
      [JSON.stringify(said)],
    );
    expect((await erase(driver)).status).toBe(200);
    expect(await runErasures(db.pool)).toBe(1);
    const [row] = await db.rows<{ detail: object }>("select detail from audit where action = 'station.word'");
    expect(row?.detail).toEqual({ status: "Accepted", idToken: expect.stringMatching(/^erased-/) });
  });

  test("one that cannot be gone through holds up no other", async () => {
    const ids: string[] = [];
    for (const email of ["first.gone@example.com", "second.gone@example.com"]) {
      const driver = await create({ name: "Bo", email });
      ids.push(driver.driverId);
      expect((await erase(driver)).status).toBe(200);
    }
    const words = JSON.stringify([{ pattern: "(", is: "erased-x" }]);
    await db.pool.query("update driver_erasure set words = $2 where driver_id = $1", [ids[0], words]);
    await expect(runErasures(db.pool)).rejects.toThrow(/regular expression/);
    const open = await db.rows<{ driver_id: string }>(
      "select driver_id from driver_erasure where words is not null",
    );
    expect(open.map((row) => row.driver_id)).toEqual([ids[0]]);
    await db.pool.query("update driver_erasure set words = null");
  });
});
