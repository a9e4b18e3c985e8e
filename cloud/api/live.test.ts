/** Live events over a real connection: whose, which, what after a loss. */
import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SSE_CLIENTS_MAX, SSE_CLIENTS_PER_ACTOR_MAX } from "../../shared/limits.ts";
import { until } from "../../sim/services/until.ts";
import { listen } from "../db/pool.ts";
import { createHub } from "./live.ts";
import { openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { ensureOperator } from "../sg.ts";
import { createApiKey } from "./actor.ts";
import type { LiveEvent } from "./schemas.ts";

let db: TestDb;
let api: TestApi;
let base: string;
let rival: string;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  base = await api.app.listen({ host: "127.0.0.1", port: 0 });
  await ensureOperator(db.pool, "rival");
  rival = await createApiKey(db.pool, "rival", "rival");
});
const open = new Set<AbortController>();
afterEach(async () => {
  for (const controller of open) controller.abort();
  open.clear();
  await until("nobody listens any more", () => api.hub.size === 0);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

/** A page that follows events. */
async function follow(options: { key?: string; query?: string; lastEventId?: string } = {}) {
  const controller = new AbortController();
  open.add(controller);
  const { key = api.key, query = "", lastEventId } = options;
  const headers = {
    authorization: `Bearer ${key}`,
    ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
  };
  const response = await fetch(`${base}/v1/events${query}`, { headers, signal: controller.signal });
  let text = "";
  const { body } = response;
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
  };
  const ended = read().then(
    () => true,
    () => true,
  );
  const events = () =>
    [...text.matchAll(/id: (\S+)\nevent: (\S+)\ndata: (.*)\n\n/g)].map((m) => ({
      id: m[1] ?? "",
      type: m[2] ?? "",
      data: JSON.parse(m[3] ?? "") as LiveEvent,
    }));
  if (response.status === 200)
    await until("it begins with something", () => text.length > 0 || lastEventId !== undefined);
  return { response, events, text: () => text, close: () => controller.abort(), ended };
}

const notify = (operatorId: string, ...events: LiveEvent[]) =>
  api.hub.onNotify(JSON.stringify({ operatorId, events }));
const station = (stationId: string, siteId = "s1"): LiveEvent => ({ type: "station", siteId, stationId });

test("without a key there is no stream", async () => {
  expect((await follow({ key: "sg_wrong" })).response.status).toBe(401);
});

test("a new page is told to fetch everything, then hears its own operator's events", async () => {
  const [mine, theirs] = [await follow(), await follow({ key: rival })];
  expect(mine.response.headers.get("content-type")).toBe("text/event-stream");
  expect(mine.response.headers.get("cache-control")).toBe("no-store");
  notify("default", station("CP1"));
  notify("rival", station("THEIRS"));
  await until("both heard theirs", () => mine.events().length === 2 && theirs.events().length === 2);
  expect(mine.events().map((e) => e.data)).toEqual([{ type: "reset" }, station("CP1")]);
  expect(theirs.events().map((e) => e.data)).toEqual([{ type: "reset" }, station("THEIRS")]);
  expect(mine.events()[1]?.type).toBe("station");
});

test("a page that looks at one site hears that site, and what concerns no site", async () => {
  const page = await follow({ query: "?siteId=s1" });
  notify("default", station("OTHER", "s2"), station("CP1", "s1"), { type: "command", commandId: "c" });
  await until("it heard two", () => page.events().length === 3);
  expect(page.events().map((e) => e.data)).toEqual([
    { type: "reset" },
    station("CP1"),
    { type: "command", commandId: "c" },
  ]);
});

test("each hears of what it may read, at its sites; alarms of no site are for who sees all of them", async () => {
  const keyOf = (role: "billing" | "support", siteIds: string[] | null = null) =>
    createApiKey(db.pool, "default", "reader", { role, siteIds });
  const [billing, support, scoped] = [
    await follow({ key: await keyOf("billing") }),
    await follow({ key: await keyOf("support") }),
    await follow({ key: await keyOf("support", ["s1"]) }),
  ];
  const alarm = (alarmId: string, more: object = {}): LiveEvent => ({ type: "alarm", alarmId, ...more });
  const told: LiveEvent[] = [
    { type: "meter", siteId: "s1", meterId: "m" },
    alarm("here", { siteId: "s1" }),
    alarm("there", { siteId: "s2" }),
    alarm("mail"),
    { type: "transaction", siteId: "s1", transactionId: "last" },
  ];
  notify("default", ...told);
  const heard = (page: typeof billing) => page.events().map((e) => e.data);
  for (const page of [billing, support, scoped])
    await until("the last one arrived", () => heard(page).some((e) => e.transactionId === "last"));
  expect(heard(billing).slice(1)).toEqual([told[4]]);
  expect(heard(support).slice(1)).toEqual(told);
  expect(heard(scoped).slice(1)).toEqual([told[0], told[1], told[4]]);
});

test("the same event many times within a moment is one", async () => {
  const page = await follow();
  for (let i = 0; i < 50; i++) notify("default", station("CP1"));
  notify("default", station("LAST"));
  await until("the last one arrived", () => page.events().some((e) => e.data.stationId === "LAST"));
  expect(page.events().filter((e) => e.data.stationId === "CP1")).toHaveLength(1);
});

test("after a short loss, what was missed comes again and nothing else", async () => {
  const page = await follow();
  notify("default", station("A"));
  await until("A arrived", () => page.events().length === 2);
  page.close();
  notify("default", station("B"));
  notify("rival", station("THEIRS"));
  notify("default", station("C"));
  const back = await follow({ lastEventId: page.events()[1]?.id ?? "" });
  await until("both arrived", () => back.events().length === 2);
  expect(back.events().map((e) => e.data.stationId)).toEqual(["B", "C"]);
  notify("default", station("D"));
  await until("it goes on", () => back.events().length === 3);
});

test.each(["unknown", "another0-5", "-", "", "%00"])(
  "after the id %j, which is not ours, everything is fetched",
  async (lastEventId) => {
    notify("default", station("A"));
    const page = await follow({ lastEventId });
    await until("it is told", () => page.events().length === 1);
    expect(page.events()[0]?.data).toEqual({ type: "reset" });
  },
);

test("an id from too long ago means fetching everything", async () => {
  const page = await follow();
  notify("default", station("OLD"));
  await until("it arrived", () => page.events().length === 2);
  const lastEventId = page.events()[1]?.id ?? "";
  page.close();
  for (let i = 0; i < 2_100; i++) notify("default", station(`N${i}`));
  const back = await follow({ lastEventId });
  await until("it is told", () => back.events().length === 1);
  expect(back.events()[0]?.data).toEqual({ type: "reset" });
});

test("when notifications were missed, every page is told to fetch everything", async () => {
  const page = await follow();
  notify("default", station("LOST"));
  api.hub.reset();
  await until("it is told", () => page.events().length === 2);
  expect(page.events()[1]?.data).toEqual({ type: "reset" });
});

test("a quiet stream is kept alive by pings", async () => {
  const page = await follow();
  await until("it was pinged", () => page.text().includes(": ping\n\n"));
});

test("a page that goes away is forgotten", async () => {
  const page = await follow();
  expect(api.hub.size).toBe(1);
  page.close();
  await until("it is forgotten", () => api.hub.size === 0);
});

test("there are only so many streams of one key, and so many of all", async () => {
  const pages = await Promise.all(Array.from({ length: SSE_CLIENTS_PER_ACTOR_MAX }, () => follow()));
  expect(pages.every((page) => page.response.status === 200)).toBe(true);
  const ask = (key: string) => fetch(`${base}/v1/events`, { headers: { authorization: `Bearer ${key}` } });
  const more = await ask(api.key);
  expect(more.status).toBe(503);
  expect(more.headers.get("retry-after")).not.toBeNull();
  expect(await more.json()).toMatchObject({ status: 503, code: "TOO_MANY_STREAMS" });
  const other = await ask(await createApiKey(db.pool, "default", "other"));
  expect(other.status).toBe(200);
  await other.body?.cancel();
  expect(SSE_CLIENTS_MAX).toBeGreaterThan(SSE_CLIENTS_PER_ACTOR_MAX);
});

test("a key that is revoked hears and asks nothing more, nor does what was made with it; others go on", async () => {
  const listening = listen(db.url, ["sg_live"], {
    onNotify: (_channel, payload) => api.hub.onNotify(payload),
    onGap: () => undefined,
    onLost: () => undefined,
  });
  const make = async (key?: string) => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const { status, body } = await api.send("POST", "/v1/api-keys", { name: "k", role: "admin" }, headers);
    expect(status).toBe(201);
    return body as { key: string; keyId: string };
  };
  const parent = await make();
  const child = await make(parent.key);
  const pages = [await follow({ key: parent.key }), await follow({ key: child.key })];
  const other = await follow();
  await until("the notifications are heard", async () => {
    await db.pool.query("select pg_notify('sg_live', $1)", [
      JSON.stringify({ operatorId: "default", events: [station("HEARD")] }),
    ]);
    return other.events().length > 1;
  });
  // Remembered just now.
  expect((await api.get("/v1/sites", child.key)).status).toBe(200);
  expect((await api.send("DELETE", `/v1/api-keys/${parent.keyId}`, undefined)).status).toBe(200);
  for (const page of pages) expect(await page.ended).toBe(true);
  for (const { key } of [parent, child]) expect((await api.get("/v1/sites", key)).status).toBe(401);
  notify("default", station("AFTER"));
  await until("the other goes on", () => other.events().some((e) => e.data.stationId === "AFTER"));
  await listening.stop();
});

test("a stream ends after its time and is asked for again: by then its key may be good no more", async () => {
  const hub = createHub({ pingMs: 10, streamMs: 30 });
  const server = createServer((_request, response) =>
    hub.attach(response, {
      ...{ actorId: "key:1", operatorId: "default", siteIds: null },
      ...{ permissions: new Set(), siteId: undefined, lastEventId: undefined },
    }),
  );
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  expect(text).toContain("event: reset");
  expect(hub.hasRoom("key:1")).toBe(true);
  await until("it is forgotten", () => hub.size === 0);
  hub.stop();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});
