/** Drivers: written, found, blocked, and whose an idToken and a transaction are. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrive, introduce, isoAt, Journal, online, start16, stop16, storeAll } from "../harness.ts";
import { openDrivers, type Drivers } from "../harness-drivers.ts";
import { answerQuestion } from "../ingest/ask.ts";
import { readPolicy } from "../ingest/policy.ts";
import { createApiKey } from "./actor.ts";
import type { Driver } from "./driver-schemas.ts";
import type { IdTokenView } from "./rule-schemas.ts";

let drivers: Drivers;
let db: Drivers["db"];
let api: Drivers["api"];
let create: Drivers["create"];
let token: Drivers["token"];
let attach: Drivers["attach"];
let statusAt: Drivers["statusAt"];
beforeAll(async () => {
  drivers = await openDrivers();
  ({ db, api, create, token, attach, statusAt } = drivers);
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1")]));
  await arrive(db.pool, new Journal("er-2", "site-2").commit([online("CP2")]));
});
afterAll(() => drivers.close());

const CPF = "529.982.247-25";

const patch = (driver: Driver, body: object, tag = "*") =>
  api.send("PATCH", `/v1/drivers/${driver.driverId}`, body, { "if-match": tag });
const read = (path: string) => api.get(path).then(({ body }) => body);
const items = async <T>(path: string) => ((await read(path)) as { items: T[] }).items;

describe("a driver", () => {
  test("is made, told, and stands in the audit by the names of its fields only", async () => {
    const made = await create({
      name: "Ana Lima",
      email: "Ana@Example.com",
      taxId: CPF,
      phone: "+55 11 99999-0000",
    });
    expect(made).toMatchObject({ status: "active", taxId: "52998224725", language: "pt-BR", tokenCount: 0 });
    expect(await read(`/v1/drivers/${made.driverId}`)).toMatchObject({
      ...made,
      idTokens: [],
      transactions: [],
    });
    const [row] = await db.rows<{ detail: unknown }>(
      "select detail from audit where action = 'driver.create' and subject = $1",
      made.driverId,
    );
    expect(row?.detail).toEqual({ fields: ["email", "name", "phone", "taxId"] });
  });

  test.each([
    ["check digits that do not fit", { name: "X", taxId: "529.982.247-26" }, 400, "INVALID_TAX_ID"],
    ["no e-mail address", { name: "X", email: "nobody" }, 400, "INVALID_REQUEST"],
    ["a blank name", { name: "  " }, 400, "INVALID_REQUEST"],
    ["somebody who does not belong here", { name: "X", userId: "u-1" }, 400, "UNKNOWN_USER"],
    ["another one's address, in other case", { name: "X", email: "aNa@example.com" }, 409, "DRIVER_EXISTS"],
    ["another one's tax number", { name: "X", taxId: "52998224725" }, 409, "DRIVER_EXISTS"],
  ])("%s is refused", async (_what, body, status, code) => {
    const reply = await api.send("POST", "/v1/drivers", body);
    expect([reply.status, (reply.body as { code: string }).code]).toEqual([status, code]);
  });

  test("is changed on what was read of it", async () => {
    const driver = await create({ name: "Bruno Reis" });
    const tag = String((await api.get(`/v1/drivers/${driver.driverId}`)).headers["etag"]);
    const missing = await api.send("PATCH", `/v1/drivers/${driver.driverId}`, { notes: "x" });
    expect([missing.status, (missing.body as { code: string }).code]).toEqual([428, "IF_MATCH_MISSING"]);
    const reply = await patch(driver, { notes: "prefers mornings", language: "es" }, tag);
    expect(reply.status, reply.text).toBe(200);
    expect(reply.body).toMatchObject({ notes: "prefers mornings", language: "es", name: "Bruno Reis" });
    expect((await patch(driver, { notes: null }, tag)).status).toBe(412);
    expect((await patch(driver, { notes: null }, String(reply.headers["etag"]))).status).toBe(200);
  });

  test("is found by parts of name and address, by whole tax number and token, page by page", async () => {
    const made = await create({ name: "Zuleica Prado", email: "zu@frota.example", taxId: "111.444.777-35" });
    const idToken = await token();
    await attach(made, idToken);
    for (const q of ["leica", "ZU@FROTA", "111.444.777-35", "11144477735", idToken.toUpperCase()])
      expect(
        (await items<Driver>(`/v1/drivers?q=${encodeURIComponent(q)}`)).map((d) => d.driverId),
        q,
      ).toEqual([made.driverId]);
    expect(await items(`/v1/drivers?q=${idToken.slice(0, 5)}`)).toEqual([]);
    const all = await items<Driver>("/v1/drivers");
    const paged: Driver[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const path: string = `/v1/drivers?limit=1${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const page = (await read(path)) as { items: Driver[]; nextCursor: string | null };
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(all.length).toBeGreaterThan(2);
    expect(paged).toEqual(all);
    const names = all.map((d) => d.name ?? "");
    expect(names).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test("of another operator is none", async () => {
    const driver = await create({ name: "Carla" });
    await db.pool.query(
      "insert into operator (operator_id, name) values ('rival', 'Rival') on conflict do nothing",
    );
    const key = await createApiKey(db.pool, "rival", "rival");
    for (const path of ["", "/id-tokens", "/data"])
      expect((await api.get(`/v1/drivers/${driver.driverId}${path}`, key)).status).toBe(404);
    expect((await api.get("/v1/drivers/nobody")).status).toBe(404);
  });
});

describe("idTokens of a driver", () => {
  test("are attached once, listed, and detached", async () => {
    const [one, two] = [await create({ name: "Um" }), await create({ name: "Dois" })];
    const idToken = await token();
    await attach(one, idToken);
    await attach(one, idToken.toUpperCase());
    const taken = await api.send("PUT", `/v1/drivers/${two.driverId}/id-tokens/${idToken}`, undefined);
    expect([taken.status, (taken.body as { code: string }).code]).toEqual([409, "ID_TOKEN_TAKEN"]);
    expect(await items(`/v1/drivers/${one.driverId}/id-tokens`)).toMatchObject([
      { idToken, driverId: one.driverId },
    ]);
    expect(
      (await items<IdTokenView>(`/v1/id-tokens?driverId=${one.driverId}`)).map((t) => t.idToken),
    ).toEqual([idToken]);
    const path = `/v1/drivers/${one.driverId}/id-tokens/${idToken}`;
    expect((await api.send("DELETE", path, undefined)).body).toMatchObject({ tokenCount: 0 });
    expect((await api.send("DELETE", path, undefined)).status).toBe(404);
    expect(await read(`/v1/id-tokens/${idToken}`)).toMatchObject({ driverId: null });
  });

  test("that another had before tell nothing of that one in who has them now", async () => {
    const [before, now] = [await create({ name: "Antes" }), await create({ name: "Agora" })];
    const idToken = await token();
    await attach(before, idToken);
    await api.send("DELETE", `/v1/drivers/${before.driverId}/id-tokens/${idToken}`, undefined);
    await attach(now, idToken);
    await api.send("PATCH", `/v1/id-tokens/${idToken}`, { status: "Blocked" });
    const { body } = await api.get(`/v1/drivers/${now.driverId}/data`);
    expect(JSON.stringify(body)).not.toContain(before.driverId);
    const { audit } = body as { audit: { action: string; subject: string }[] };
    expect(audit.filter(({ action }) => action.startsWith("idToken.")).map(({ action }) => action)).toEqual([
      ...["idToken.attach", "idToken.update"],
    ]);
  });

  test("belong to the driver's group, and groups are counted", async () => {
    const driver = await create({ name: "Frota", groupId: "fleet-a" });
    const [first, second] = [await token({ groupId: "old" }), await token()];
    await attach(driver, first);
    await attach(driver, second);
    expect(await read(`/v1/id-tokens/${first}`)).toMatchObject({ groupId: "fleet-a" });
    await api.send("PATCH", `/v1/id-tokens/${second}`, { status: "Blocked" });
    expect(await items("/v1/id-token-groups")).toEqual([
      { groupId: "fleet-a", tokenCount: 2, blockedCount: 1, driverCount: 1 },
    ]);
    expect(
      (await items<IdTokenView>("/v1/id-tokens?groupId=fleet-a&status=Blocked")).map((t) => t.idToken),
    ).toEqual([second]);
    expect((await patch(driver, { groupId: null })).status).toBe(200);
    expect(await read(`/v1/id-tokens/${first}`)).toMatchObject({ groupId: null });
    expect(await items("/v1/id-token-groups")).toEqual([]);
  });

  test("of a blocked driver are refused at every site, by the policy and when asked, until it is let in again", async () => {
    const driver = await create({ name: "Devedor" });
    const idToken = await token();
    await attach(driver, idToken);
    const ask = () =>
      answerQuestion(db.pool, "er-1", {
        kind: "authorize",
        purpose: "start",
        stationId: "CP1",
        idToken,
      } as never);
    expect(await ask()).toMatchObject({ status: "Accepted" });
    const version = async () => (await readPolicy(db.pool, "site-2"))?.version ?? 0;
    const before = await version();
    expect((await patch(driver, { status: "blocked" })).status).toBe(200);
    expect(await version()).toBeGreaterThan(before);
    expect([await statusAt("site-1", idToken), await statusAt("site-2", idToken)]).toEqual([
      "Blocked",
      "Blocked",
    ]);
    expect(await ask()).toMatchObject({ status: "Blocked" });
    expect(await read(`/v1/id-tokens/${idToken}`)).toMatchObject({ status: "Accepted" });
    await patch(driver, { status: "active" });
    expect(await statusAt("site-1", idToken)).toBe("Accepted");
    expect(await ask()).toMatchObject({ status: "Accepted" });
  });

  test("what was charged belongs to whom the token was when it began", async () => {
    const [first, second] = [await create({ name: "Antes" }), await create({ name: "Depois" })];
    const idToken = await token();
    const since = (driver: Driver, at: number) =>
      db.pool.query("update id_token set driver_id = $2, driver_since = $3 where id_token = $1", [
        ...[idToken, driver.driverId, isoAt(at)],
      ]);
    const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
    const journal = new Journal("er-who", "site-who");
    await introduce(db.pool, journal);
    const charge = async (id: string, at: number, wireId: number) => {
      journal.commit([
        start16("CPW", id, { at, idTag: idToken.toUpperCase(), wireId }),
        stop16("CPW", id, { at: at + 1_000, wireId }),
      ]);
      await storeAll(db.pool, journal);
    };
    journal.commit([online("CPW")]);
    await charge(ids[0], 0, 1);
    await since(first, 10_000);
    await charge(ids[1], 20_000, 2);
    await since(second, 30_000);
    await charge(ids[2], 40_000, 3);
    const rows = await db.rows<{ transaction_id: string; driver_id: string | null }>(
      "select transaction_id, driver_id from transaction where site_id = 'site-who' order by started_at",
    );
    expect(rows.map((row) => row.driver_id)).toEqual([null, first.driverId, second.driverId]);
    const detail = (await read(`/v1/drivers/${second.driverId}`)) as {
      transactions: { transactionId: string }[];
    };
    expect(detail.transactions.map((t) => t.transactionId)).toEqual([ids[2]]);
  });
});
