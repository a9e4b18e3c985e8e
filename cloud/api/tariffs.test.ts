/** Tariffs over HTTP: versions, for whom they hold, previews; and that sites hear of every change. */
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { TariffTerms } from "../../shared/tariff.ts";
import { meter16, start16, stop16, storeAll, type Journal, type TestApi, type TestDb } from "../harness.ts";
import { readOk, useSite } from "../harness-site.ts";
import { createApiKey } from "./actor.ts";
import type { Page, TransactionDetail } from "./schemas.ts";
import type {
  PriceView,
  StationTariff,
  Tariff,
  TariffAssignment,
  TariffVersionView,
} from "./tariff-schemas.ts";

let db: TestDb;
let api: TestApi;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal, cp } = site));

const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 2_500_000, restrictions: { daysOfWeek: [1, 2, 3, 4, 5], from: "17:00", to: "21:00" } },
    { startFeeMicro: 1_000_000, perKwhMicro: 1_500_000, perIdleMinuteMicro: 500_000 },
  ],
  idleGraceMinutes: 10,
  tax: { name: "ISS", rateBp: 500, included: true },
};

const create = async (body: object = {}): Promise<Tariff> => {
  const reply = await api.send("POST", "/v1/tariffs", { name: randomUUID(), terms: TERMS, ...body });
  expect(reply.status, reply.text).toBe(201);
  return reply.body as Tariff;
};
const assign = async (tariffId: string, target: object): Promise<TariffAssignment> => {
  const reply = await api.send("POST", "/v1/tariff-assignments", { tariffId, target });
  expect(reply.status, reply.text).toBe(201);
  return reply.body as TariffAssignment;
};
const publish = (tariff: Tariff, body: object = {}, etag: string | undefined = `"${tariff.version}"`) =>
  api.send(
    ...["PUT" as const, `/v1/tariffs/${tariff.tariffId}`, { name: tariff.name, terms: TERMS, ...body }],
    etag === undefined ? {} : { "if-match": etag },
  );
const problem = (reply: { status: number; body: unknown }) => [
  reply.status,
  (reply.body as { code: string }).code,
];
const policyVersion = async () =>
  (
    await db.rows<{ policy_version: number }>(
      "select policy_version from site where site_id = $1",
      journal.siteId,
    )
  )[0]!.policy_version;

describe("a tariff", () => {
  test("is made with its first version, which nobody has yet", async () => {
    const tariff = await create();
    expect(tariff).toMatchObject({ version: 1, currentVersion: 1, validTo: null, assignments: 0 });
    expect(tariff.terms).toEqual(TERMS);
    const reply = await api.get(`/v1/tariffs/${tariff.tariffId}`);
    expect(reply.headers["etag"]).toBe('"1"');
    expect(reply.body).toEqual(tariff);
    const sql = "select 1 from audit where action = 'tariff.create' and subject = $1";
    const audited = await db.rows(sql, tariff.tariffId);
    expect(audited).toHaveLength(1);
  });

  test("is listed by name, page by page", async () => {
    const mark = randomUUID();
    for (const name of ["c", "A", "b"]) await create({ name: `${mark} ${name}` });
    const names: string[] = [];
    let cursor = "";
    do {
      const page = await readOk<Page<Tariff>>(api, `/v1/tariffs?limit=1${cursor && `&cursor=${cursor}`}`);
      names.push(...page.items.map((t) => t.name));
      cursor = page.nextCursor ?? "";
    } while (cursor !== "");
    expect(names.filter((name) => name.startsWith(mark))).toEqual(
      ["A", "b", "c"].map((name) => `${mark} ${name}`),
    );
  });

  test("has a name of its own", async () => {
    const { name } = await create();
    const reply = await api.send("POST", "/v1/tariffs", { name: name.toUpperCase(), terms: TERMS });
    expect(problem(reply)).toEqual([409, "TARIFF_EXISTS"]);
  });

  test.each([
    ["terms nobody can charge by", { terms: { ...TERMS, minimumMinor: 2, maximumMinor: 1 } }, "TARIFF_TERMS"],
    ["an element without a price", { terms: { ...TERMS, elements: [{}] } }, "TARIFF_TERMS"],
    ["a word that no terms have", { terms: { ...TERMS, elements: [{ perKwh: 1 }] } }, "INVALID_REQUEST"],
    [
      "a price that is no integer",
      { terms: { ...TERMS, elements: [{ perKwhMicro: 0.5 }] } },
      "INVALID_REQUEST",
    ],
    [
      "an hour that no clock shows",
      {
        terms: { ...TERMS, elements: [{ perKwhMicro: 1, restrictions: { from: "24:00" } }] },
      },
      "INVALID_REQUEST",
    ],
    ["a beginning in the past", { validFrom: "2020-01-01T00:00:00Z" }, "VALID_FROM_PAST"],
    ["an end before its beginning", { validTo: "2020-01-01T00:00:00Z" }, "VALID_TO_BEFORE_FROM"],
    [
      "an end at its beginning",
      { validFrom: "2099-01-01T00:00:00Z", validTo: "2099-01-01T00:00:00Z" },
      "VALID_TO_BEFORE_FROM",
    ],
  ])("is refused with %s", async (_what, body, code) => {
    const reply = await api.send("POST", "/v1/tariffs", { name: randomUUID(), terms: TERMS, ...body });
    expect(problem(reply)).toEqual([400, code]);
  });

  test("goes only if nobody ever had it", async () => {
    const [unused, used] = [await create(), await create()];
    const { assignmentId } = await assign(used.tariffId, { siteId: journal.siteId });
    expect((await api.send("DELETE", `/v1/tariff-assignments/${assignmentId}`, undefined)).status).toBe(200);
    expect(problem(await api.send("DELETE", `/v1/tariffs/${used.tariffId}`, undefined))).toEqual([
      ...[409, "TARIFF_IN_USE"],
    ]);
    expect((await api.send("DELETE", `/v1/tariffs/${unused.tariffId}`, undefined)).status).toBe(200);
    expect((await api.get(`/v1/tariffs/${unused.tariffId}`)).status).toBe(404);
  });
});

describe("a new version", () => {
  test("needs to know which one it replaces", async () => {
    const tariff = await create();
    const bare = await api.send("PUT", `/v1/tariffs/${tariff.tariffId}`, { name: "x", terms: TERMS });
    expect(problem(bare)).toEqual([428, "IF_MATCH_MISSING"]);
    const second = await publish(tariff, { name: `${tariff.name} II` });
    expect(second.status, second.text).toBe(200);
    expect(second.headers["etag"]).toBe('"2"');
    expect(second.body).toMatchObject({ version: 2, currentVersion: 2, name: `${tariff.name} II` });
    expect(problem(await publish(tariff))).toEqual([412, "STALE_ETAG"]);
  });

  test("of two who publish at once, one is told", async () => {
    const tariff = await create();
    const replies = await Promise.all([publish(tariff), publish(tariff)]);
    expect(new Set(replies.map((r) => r.status))).toEqual(new Set([200, 412]));
  });

  test("may wait for its time; the ones before it stay as they were", async () => {
    const tariff = await create();
    const dearer = { ...TERMS, elements: [{ perKwhMicro: 9_000_000 }] };
    const reply = await publish(tariff, { terms: dearer, validFrom: "2099-01-01T00:00:00Z" });
    expect(reply.body).toMatchObject({
      version: 2,
      currentVersion: 1,
      validFrom: "2099-01-01T00:00:00.000Z",
    });
    const { items } = await readOk<Page<TariffVersionView>>(api, `/v1/tariffs/${tariff.tariffId}/versions`);
    expect(items.map((v) => [v.version, v.terms])).toEqual([
      [2, dearer],
      [1, TERMS],
    ]);
    for (let version = 2; version <= 5; version++)
      await publish({ ...tariff, version }, { validFrom: "2099-01-01T00:00:00Z" });
    const tooMany = await publish({ ...tariff, version: 6 }, { validFrom: "2099-01-01T00:00:00Z" });
    expect(problem(tooMany)).toEqual([409, "TOO_MANY_VERSIONS_AHEAD"]);
  });

  test("keeps the currency", async () => {
    const reply = await publish(await create(), { terms: { ...TERMS, currency: "EUR" } });
    expect(problem(reply)).toEqual([400, "TARIFF_CURRENCY"]);
  });
});

describe("for whom it holds", () => {
  beforeEach(async () => {
    await storeAll(db.pool, journal.commit([start16(cp, randomUUID())]));
  });
  const holding = async (query = "") =>
    (await readOk<StationTariff>(api, `/v1/stations/${cp}/tariff${query}`)).tariff;

  test("a station, its site, everybody: the nearest counts, and the site hears of it", async () => {
    const [all, site, station] = [await create(), await create(), await create()];
    const before = await policyVersion();
    await assign(all.tariffId, {});
    expect(await holding()).toMatchObject({ tariffId: all.tariffId, assignedBy: "operator", version: 1 });
    await assign(site.tariffId, { siteId: journal.siteId });
    expect(await holding()).toMatchObject({ tariffId: site.tariffId, assignedBy: "site", name: site.name });
    const { assignmentId } = await assign(station.tariffId, { stationId: cp });
    expect(await holding()).toMatchObject({ tariffId: station.tariffId, assignedBy: "station" });
    const after = await policyVersion();
    expect(after).toBeGreaterThan(before);
    await publish(station);
    expect(await policyVersion()).toBeGreaterThan(after);
    expect(await holding()).toMatchObject({ tariffId: station.tariffId, version: 2 });
    await api.send("DELETE", `/v1/tariff-assignments/${assignmentId}`, undefined);
    expect(await holding()).toMatchObject({ tariffId: site.tariffId });
    expect(await holding("?at=2020-01-01T00:00:00Z")).toBeNull();
  });

  test("a place has one tariff: the next one ends the one before", async () => {
    const [first, second] = [await create(), await create()];
    await assign(first.tariffId, { siteId: journal.siteId });
    await assign(second.tariffId, { siteId: journal.siteId });
    const list = (query: string) =>
      readOk<Page<TariffAssignment>>(api, `/v1/tariff-assignments?siteId=${journal.siteId}${query}`);
    expect((await list("")).items).toMatchObject([{ tariffId: second.tariffId, assignedUntil: null }]);
    expect((await list("&ended=true")).items).toMatchObject([{ tariffId: first.tariffId }]);
    expect(await readOk<Tariff>(api, `/v1/tariffs/${first.tariffId}`)).toMatchObject({ assignments: 0 });
  });

  test.each([
    [{ siteId: "nowhere" }, "UNKNOWN_SITE"],
    [{ stationId: "nobody" }, "UNKNOWN_STATION"],
    [{ siteId: "a", groupId: "b" }, "TARIFF_TARGET"],
  ])("%j is no target", async (target, code) => {
    const { tariffId } = await create();
    expect(problem(await api.send("POST", "/v1/tariff-assignments", { tariffId, target }))).toEqual([
      400,
      code,
    ]);
  });

  test("another operator's tariffs are not there", async () => {
    const tariff = await create();
    const other = `op-${randomUUID().slice(0, 8)}`;
    await db.pool.query("insert into operator (operator_id, name) values ($1, $1)", [other]);
    const key = await createApiKey(db.pool, other, "other");
    const as = { authorization: `Bearer ${key}` };
    expect((await api.get(`/v1/tariffs/${tariff.tariffId}`, key)).status).toBe(404);
    const body = { tariffId: tariff.tariffId, target: {} };
    expect((await api.send("POST", "/v1/tariff-assignments", body, as)).status).toBe(404);
    expect((await api.get("/v1/tariffs", key)).body).toMatchObject({ items: [] });
  });

  test("who sees named sites only sees what holds there, and what holds for everybody", async () => {
    const [mine, all] = [await create(), await create()];
    await assign(mine.tariffId, { siteId: journal.siteId });
    await assign(all.tariffId, {});
    const host = await createApiKey(db.pool, "default", "host", {
      ...{ role: "site-host", siteIds: ["another-site"] },
    });
    const seen = (await api.get("/v1/tariff-assignments?limit=200", host)).body as Page<TariffAssignment>;
    const tariffs = seen.items.map((item) => item.tariffId);
    expect(tariffs).toContain(all.tariffId);
    expect(tariffs).not.toContain(mine.tariffId);
    expect((await api.get(`/v1/stations/${cp}/tariff`, host)).status).toBe(404);
  });
});

describe("what would it cost", () => {
  // A Friday, 16:30 in São Paulo.
  const session = { startedAt: "2026-05-08T19:30:00Z", timeZone: "America/Sao_Paulo", chargingMinutes: 60 };
  const ask = async (body: object) => {
    const reply = await api.send("POST", "/v1/tariff-previews", { terms: TERMS, ...session, ...body });
    expect(reply.status, reply.text).toBe(200);
    return reply.body as PriceView;
  };
  const lines = (price: PriceView) => price.lines.map((l) => [l.component, l.quantity, l.amountMinor]);

  test("by energy, by power, by a curve, and with idle time", async () => {
    const expected = [
      ["start", 1, 100],
      ["energy", 5_000, 1_250],
      ["energy", 5_000, 750],
    ];
    expect(lines(await ask({ energyWh: 10_000 }))).toEqual(expected);
    expect(lines(await ask({ powerW: 10_000 }))).toEqual(expected);
    const curve = [
      { minute: 0, powerW: 2_000 },
      { minute: 30, powerW: 20_000 },
    ];
    const curved = await ask({ curve, idleMinutes: 270 });
    expect(lines(curved)).toEqual([
      ["start", 1, 100],
      ["energy", 10_000, 2_500],
      ["energy", 1_000, 150],
      // Grace until 17:40; nothing is asked for it in the element of the evening.
      ["idle-time", 15_600, 13_000],
    ]);
    expect(curved).toMatchObject({ totalMinor: 15_750, netMinor: 15_000, taxMinor: 750 });
  });

  test("of a tariff, at a site", async () => {
    const { tariffId } = await create();
    const { timeZone: _zone, ...rest } = session;
    const at = { ...rest, siteId: journal.siteId, energyWh: 10_000 };
    const reply = await api.send("POST", `/v1/tariffs/${tariffId}/previews`, at);
    expect(reply.body).toMatchObject({ currency: "BRL", totalMinor: 2_100, flags: [] });
  });

  test.each([
    [{}, 400, "PREVIEW_ENERGY"],
    [{ energyWh: 1, powerW: 1 }, 400, "PREVIEW_ENERGY"],
    [{ energyWh: 1, timeZone: "Mars/Olympus" }, 400, "UNKNOWN_TIME_ZONE"],
    [{ energyWh: 1, timeZone: undefined }, 400, "PREVIEW_PLACE"],
    [{ energyWh: 1, timeZone: undefined, siteId: "nowhere" }, 404, "NOT_FOUND"],
    [{ energyWh: 1, terms: { ...TERMS, elements: [{}] } }, 400, "TARIFF_TERMS"],
  ])("%j says what is missing", async (body, status, code) => {
    const reply = await api.send("POST", "/v1/tariff-previews", { terms: TERMS, ...session, ...body });
    expect(problem(reply)).toEqual([status, code]);
  });
});

test("a transaction shows what it costs and why", async () => {
  const { tariffId, name } = await create({
    terms: { currency: "BRL", elements: [{ perKwhMicro: 1_000_000 }] },
  });
  const [before, after] = [randomUUID(), randomUUID()];
  await storeAll(db.pool, journal.commit([start16(cp, before), stop16(cp, before)]));
  await assign(tariffId, { siteId: journal.siteId });
  await db.pool.query("update tariff_assignment set assigned_from = '2026-01-01' where tariff_id = $1", [
    tariffId,
  ]);
  const unpriced = await readOk<TransactionDetail>(api, `/v1/transactions/${before}`);
  // The assignment held, the version did not exist yet.
  expect(unpriced.price).toBeNull();
  await db.pool.query("delete from tariff_version where tariff_id = $1", [tariffId]);
  await db.pool.query(
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
     values ($1, 1, 'default', '2026-01-01', '{"currency":"BRL","elements":[{"perKwhMicro":1000000}]}', 'test')`,
    [tariffId],
  );
  await storeAll(db.pool, journal.commit([start16(cp, after), meter16(cp, after, { wh: 3_000 })]));
  const { price } = await readOk<TransactionDetail>(api, `/v1/transactions/${after}`);
  expect(price).toMatchObject({ tariffId, tariffVersion: 1, tariffName: name, assignedBy: "site" });
  expect(price?.price).toMatchObject({ totalMinor: 200, energyWh: 2_000 });
});
