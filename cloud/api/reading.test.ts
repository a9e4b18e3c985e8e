/** Everything that is read: pages, details, who may see what. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  isoAt,
  Journal,
  arrive,
  handled,
  online,
  openTestApi,
  openTestDb,
  sampled,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import { createOperator, type Operator } from "./harness.ts";
import type { Page } from "./schemas.ts";

let db: TestDb;
let api: TestApi;
let mine: Operator;
let theirs: Operator;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  mine = await createOperator(db, "mine");
  theirs = await createOperator(db, "theirs");
  const payload = "bytes of theirs";
  const headers = { authorization: `Bearer ${theirs.key}` };
  const put = await api.app.inject({ method: "POST", url: "/v1/files?name=theirs.bin", payload, headers });
  theirs.fileId = put.json<{ fileId: string }>().fileId;
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Item = Record<string, unknown>;
const get = async (path: string, key = mine.key) => api.get(path, key);
const ok = async <T>(path: string, key = mine.key): Promise<T> => {
  const reply = await get(path, key);
  expect(reply.status, `${path}: ${reply.text}`).toBe(200);
  return reply.body as T;
};
const list = (path: string) => ok<Page<Item>>(path);

async function walk(path: string, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 100; pages++) {
    const glue = path.includes("?") ? "&" : "?";
    const page: Page<Item> = await list(
      `${path}${glue}limit=${limit}${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return items;
  }
  throw new Error("the list never ends");
}

const FROM = encodeURIComponent(isoAt(0));
const LISTS = () => [
  "/v1/sites",
  "/v1/ers",
  "/v1/stations",
  "/v1/connectors",
  `/v1/stations/${mine.stationId}/messages`,
  "/v1/transactions",
  "/v1/transactions?status=ended",
  "/v1/meters",
  `/v1/meters/${mine.meterId}/samples?from=${FROM}`,
  `/v1/stations/${mine.stationId}/commands`,
  "/v1/commands",
  "/v1/id-tokens",
  `/v1/stations/${mine.stationId}/reports`,
  `/v1/stations/${mine.stationId}/variables`,
  `/v1/stations/${mine.stationId}/events`,
  "/v1/station-events",
  "/v1/files",
  "/v1/certificate-requests",
];

describe("pages", () => {
  test("walking any list two by two gives all of it, each item once, in the same order", async () => {
    for (const path of LISTS()) {
      const all = await walk(path, 200);
      expect(all.length, path).toBeGreaterThan(path.includes("samples") ? 0 : 4);
      expect(await walk(path, 2), path).toEqual(all);
      expect(new Set(all.map((item) => JSON.stringify(item))).size, path).toBe(all.length);
    }
  });

  test("the samples of a meter are walked as well", async () => {
    const journal = new Journal("er-mine-s", "site-mine-s").commit(
      Array.from({ length: 7 }, (_, i) => sampled("s", i, i)),
    );
    await arrive(db.pool, journal, "mine");
    const path = `/v1/meters/er-mine-s.s/samples?from=${FROM}`;
    expect((await walk(path, 2)).map((item) => item["energyImportWh"])).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("a cursor with other filters is refused", async () => {
    const cursor = async (path: string) => (await list(path)).nextCursor;
    const pairs = [
      ["/v1/transactions?limit=2", "/v1/transactions?limit=2&status=active"],
      ["/v1/transactions?limit=2&status=active", "/v1/transactions?limit=2&status=ended"],
      ["/v1/stations?limit=2", `/v1/stations?limit=2&siteId=${mine.siteId}`],
      [
        `/v1/stations/${mine.stationId}/messages?limit=2`,
        `/v1/stations/${mine.stationId}/messages?limit=2&kind=station.online`,
      ],
    ] as const;
    for (const [one, other] of pairs) {
      const reply = await get(`${other}&cursor=${await cursor(one)}`);
      expect(reply, other).toMatchObject({ status: 400, body: { code: "INVALID_CURSOR" } });
    }
  });

  test("a cursor may be used with another page size", async () => {
    const first = await list("/v1/stations?limit=2");
    const second = await list(`/v1/stations?limit=3&cursor=${first.nextCursor}`);
    expect(second.items).toHaveLength(3);
  });

  test("garbage cursors are refused, also those that look like ours", async () => {
    const bent = (cursor: string, change: (parts: unknown[]) => void) => {
      const parts = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
      change(parts);
      return Buffer.from(JSON.stringify(parts)).toString("base64url");
    };
    for (const path of [
      "/v1/transactions",
      "/v1/commands",
      "/v1/connectors",
      `/v1/stations/${mine.stationId}/messages`,
    ]) {
      const good = (await list(`${path}?limit=1`)).nextCursor ?? "";
      const cursors = [
        "x",
        "%00",
        "e30",
        Buffer.from("[]").toString("base64url"),
        Buffer.from("null").toString("base64url"),
        bent(good, (parts) => (parts[0] = 2)),
        bent(good, (parts) => parts.pop()),
        bent(good, (parts) => (parts[3] = "never")),
        bent(good, (parts) => (parts[3] = "9".repeat(30))),
        bent(good, (parts) => (parts[2] = "\u0000")),
        bent(good, (parts) => parts.push("more")),
      ];
      for (const cursor of cursors) {
        const reply = await get(`${path}?limit=1&cursor=${cursor}`);
        expect(reply.status, `${path} ${cursor} ${reply.text}`).toBe(400);
      }
    }
  });

  test.each(["0", "201", "-1", "two", "1.5", ""])("limit=%s is refused", async (limit) => {
    expect(await get(`/v1/stations?limit=${limit}`)).toMatchObject({
      status: 400,
      body: { code: "INVALID_REQUEST" },
    });
  });
});

describe("what a page shows", () => {
  test("a site", async () => {
    expect(await ok(`/v1/sites/${mine.siteId}`)).toMatchObject({
      siteId: mine.siteId,
      operatorId: "mine",
      erOnline: true,
      stationCount: 5,
      stationsOnline: 5,
      stationsFaulted: 0,
      connectorCount: 10,
      activeTransactions: 5,
    });
  });

  test("an ER with its backlog", async () => {
    await db.pool.query("update er set journal_seq = 100 where er_id = $1", [mine.erId]);
    expect(await ok(`/v1/ers/${mine.erId}`)).toMatchObject({
      online: true,
      ackedSeq: 45,
      journalSeq: 100,
      backlog: 55,
      parkedEntries: 0,
    });
    expect(await ok("/v1/ers/er-mine-0")).toMatchObject({ online: false });
  });

  test("a station with its connectors and what runs on them", async () => {
    expect(await ok(`/v1/stations/${mine.stationId}`)).toMatchObject({
      online: true,
      protocol: "ocpp1.6",
      connectors: [
        {
          evseId: 1,
          status: "Occupied",
          detail: "Charging",
          transactionId: mine.transactionId,
          powerW: 7_000,
        },
        { evseId: 2, status: "Available", transactionId: null },
      ],
    });
  });

  test("connectors by status", async () => {
    const occupied = await list("/v1/connectors?status=Occupied");
    expect(occupied.items).toHaveLength(5);
    expect(await get("/v1/connectors?status=Strange")).toMatchObject({ status: 400 });
  });

  test("a transaction with its curve", async () => {
    expect(await ok(`/v1/transactions/${mine.transactionId}`)).toEqual({
      transaction: expect.objectContaining({
        transactionId: mine.transactionId,
        status: "active",
        energyWh: 500,
        powerW: 7_000,
        idToken: "mine-T0",
        authorizedBy: "sg",
        startedAt: isoAt(1_000),
        endedAt: null,
      }) as unknown,
      samples: [
        {
          at: isoAt(2_000),
          energyImportWh: 1_500,
          powerW: 7_000,
          currentPhasesMa: null,
          voltagePhasesMv: null,
          socPercent: null,
        },
      ],
      samplesTruncated: false,
      price: null,
      billing: null,
    });
  });

  test("transactions by status, token, station and need of a person", async () => {
    const count = async (query: string) => (await list(`/v1/transactions?${query}`)).items.length;
    expect(await count("status=active")).toBe(5);
    expect(await count("idToken=mine-T0")).toBe(1);
    const driverId = randomUUID();
    await db.pool.query("insert into driver (driver_id, operator_id, name) values ($1, 'mine', 'Ana')", [
      driverId,
    ]);
    await db.pool.query("update transaction set driver_id = $1 where id_token in ('mine-T0', 'theirs-T0')", [
      driverId,
    ]);
    expect(await count(`driverId=${driverId}`)).toBe(1);
    expect(await count(`stationId=${mine.stationId}`)).toBe(2);
    expect(await count("needsReview=true")).toBe(1);
    expect(await count("needsReview=false")).toBe(9);
    expect(await count(`siteId=${mine.siteId}&status=ended&idToken=mine-T0`)).toBe(0);
  });

  test("samples of a meter within a range, oldest first; without one, the last hour", async () => {
    const path = `/v1/meters/${mine.meterId}/samples`;
    expect((await list(path)).items).toEqual([]);
    expect((await list(`${path}?from=${FROM}`)).items).toMatchObject([{ energyImportWh: 1_000, powerW: 0 }]);
    expect((await list(`${path}?from=${FROM}&to=${FROM}`)).items).toEqual([]);
    expect(await get(`${path}?from=yesterday`)).toMatchObject({ status: 400 });
  });

  test("the timeline: newest first, by action and by kind, with directions and frames", async () => {
    const path = `/v1/stations/${mine.stationId}/messages`;
    const { items } = await list(path);
    expect(items.map((item) => item["action"])).toEqual([
      "StopTransaction",
      "StartTransaction",
      "MeterValues",
      "StartTransaction",
      "StatusNotification",
      "StatusNotification",
      null,
    ]);
    expect(items.at(-1)).toMatchObject({
      kind: "station.online",
      direction: "none",
      request: null,
      flags: [],
    });
    expect(items[2]).toMatchObject({
      direction: "in",
      transactionId: mine.transactionId,
      response: '[3,"m1",{}]',
    });
    expect((await list(`${path}?action=StartTransaction`)).items).toHaveLength(2);
    expect((await list(`${path}?kind=station.online`)).items).toHaveLength(1);
    expect((await list(`${path}?kind=station.online&action=MeterValues`)).items).toEqual([]);
  });

  test("a station whose name needs 190 characters in a URL", async () => {
    const name = `${"é".repeat(30)} #1`.replace("#", "%");
    await arrive(db.pool, new Journal("er-mine-x", "site-mine-x").commit([online(name)]), "mine");
    expect(await ok(`/v1/stations/${encodeURIComponent(name)}`)).toMatchObject({ stationId: name });
  });

  test("today's energy of a site, whatever time zone its ER claims", async () => {
    const journal = new Journal("er-mine-z", "site-mine-z").commit([{ kind: "er.stopped" }]);
    await arrive(db.pool, journal, "mine");
    expect(await ok("/v1/sites/site-mine-z")).toMatchObject({ energyTodayWh: 0 });
  });
});

/** The cloud's own: the key that signs policies, what commands and messages there are. And the stream. */
const EVERYBODYS = /^\/v1\/(events$|policy-key$|command-kinds$|alarm-kinds$|webhook-types$|ocpp\/)/;

describe("tenants", () => {
  test("no path shows anything of another operator, by id or by filter", async () => {
    const { paths } = api.app.swagger() as {
      paths: Record<
        string,
        Record<string, { parameters?: { name: string; in: string }[]; security?: object[] }>
      >;
    };
    const ids: Record<string, string> = { ...theirs } as never;
    let looked = 0;
    let shown = 0;
    for (const [path, methods] of Object.entries(paths)) {
      if (methods["get"] === undefined || EVERYBODYS.test(path)) continue;
      // Without an actor, or a person's: the matrix of permissions looks at these (permissions.test.ts).
      if (methods["get"].security?.length === 0 || /^\/v1\/(me|own)\//.test(path)) continue;
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(ids[name] ?? "missing"),
      );
      // Of what the harness has none, the matrix of permissions finds something (permissions.test.ts).
      if (filled.includes("missing")) continue;
      const filters = (methods["get"].parameters ?? []).filter(
        (p) => p.in === "query" && ids[p.name] !== undefined,
      );
      // Without it, samples are those of the last hour: none.
      const range = path.endsWith("/samples") ? [`?from=${FROM}`] : [""];
      const queries = [
        ...range,
        ...filters.map((p) => `?${p.name}=${encodeURIComponent(ids[p.name] ?? "")}`),
      ];
      for (const query of queries) {
        const url = `${filled}${query}`;
        const reply = await get(url);
        looked += 1;
        if (reply.status === 200) {
          expect(reply.text, url).not.toContain("theirs");
          // What belongs to one thing of theirs has nothing for us, named or not.
          if (path.includes("{")) expect(reply.body, url).toMatchObject({ items: [] });
        } else if (reply.status !== 400)
          expect(reply, url).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
        const own = await get(url, theirs.key);
        // Some ask for more than a path, whoever asks: a period, a kind.
        if (reply.status === 400) {
          expect(own, url).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST" } });
          continue;
        }
        expect(own.status, url).toBe(200);
        const word = {
          ...{ samples: /energyImportWh/, health: /pressure/, summary: /"open":1/ },
          ...{ "alarm-rules": /"ruleId"/, "mail-state": /"configured"/ },
        }[path.split("/").at(-1) ?? ""];
        // What an operator of the harness has none of proves nothing here; db/isolation.test.ts has it in
        // every table.
        if (own.text.startsWith('{"items":[]')) continue;
        shown += 1;
        expect(own.text, url).toMatch(word ?? /theirs/);
      }
    }
    expect(looked).toBeGreaterThan(40);
    expect(shown).toBeGreaterThan(25);
  });

  test("nothing of another operator can be changed", async () => {
    const headers = { authorization: `Bearer ${mine.key}` };
    const reset = { kind: "Reset", params: { type: "OnIdle" } };
    expect(await api.send("POST", `/v1/stations/${theirs.stationId}/commands`, reset, headers)).toMatchObject(
      { status: 404 },
    );
    expect(
      await api.send("PATCH", `/v1/id-tokens/${theirs.idToken}`, { status: "Blocked" }, headers),
    ).toMatchObject({ status: 404 });
    expect(await ok(`/v1/id-tokens/${theirs.idToken}`, theirs.key)).toMatchObject({ status: "Accepted" });
    // The same token may be known to two operators.
    expect(await api.send("POST", "/v1/id-tokens", { idToken: theirs.idToken }, headers)).toMatchObject({
      status: 201,
    });
  });

  test.each([
    "/v1/sites/none",
    "/v1/ers/none",
    "/v1/stations/none",
    "/v1/transactions/none",
    "/v1/transactions/00000000-0000-4000-8000-000000000000",
    "/v1/commands/none",
    "/v1/commands/00000000-0000-4000-8000-000000000000",
    "/v1/meters/none",
    "/v1/id-tokens/none",
    "/v1/nothing",
    "/v1/",
  ])("%s is not there", async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: { status: 404, code: "NOT_FOUND" } });
  });
});

test("frames of any content come out as they went in", async () => {
  const payload = { vendorId: "x", data: 'quote " backslash \\ nul \\u0000 emoji 🔌 \u2028' };
  const journal = new Journal("er-mine-f", "site-mine-f").commit([
    handled("mine-F", "ocpp1.6", "DataTransfer", payload, {}),
  ]);
  await arrive(db.pool, journal, "mine");
  const { items } = await list("/v1/stations/mine-F/messages");
  const [entry] = journal.entries;
  expect(items[0]?.["request"]).toBe(entry !== undefined && "request" in entry ? entry.request : "");
});
