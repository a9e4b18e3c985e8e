/**
 * What goes wrong: keys, limits, hostile requests, a broken or absent database. Always a problem, never a
 * surprise.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { request as httpRequest } from "node:http";
import { API_RATE_PER_MIN } from "../../shared/limits.ts";
import { startProxy, type FaultProxy } from "../../sim/services/proxy.ts";
import { createPool } from "../db/pool.ts";
import { arrive, Journal, online, openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { createApiKey } from "./actor.ts";

let db: TestDb;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1")]));
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const problem = (status: number, code: string | RegExp) => ({
  status,
  headers: { "content-type": expect.stringMatching(/^application\/problem\+json/) as string },
  body: {
    type: expect.stringMatching(/^urn:moov-olt:problem:/) as string,
    title: expect.any(String) as string,
    status,
    code: typeof code === "string" ? code : (expect.stringMatching(code) as string),
    detail: expect.any(String) as string,
    instance: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
  },
});

/** A request as bytes say it, for what no client would send. */
function raw(path: string, headers: Record<string, string>, body?: Buffer, method = "POST") {
  return new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const { port } = api.app.server.address() as { port: number };
    const sent = httpRequest({ port, host: "127.0.0.1", path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          type: String(response.headers["content-type"]),
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

describe("keys", () => {
  test.each([
    ["no key", {}, "NO_KEY"],
    ["another scheme", { authorization: "Basic abc" }, "NO_KEY"],
    ["an empty key", { authorization: "Bearer " }, "NO_KEY"],
    ["a key with spaces", { authorization: "Bearer a b" }, "NO_KEY"],
    ["a huge key", { authorization: `Bearer ${"x".repeat(5_000)}` }, "NO_KEY"],
    ["an unknown key", { authorization: "Bearer sg_unknown" }, "UNKNOWN_KEY"],
    ["a key that is SQL", { authorization: "Bearer ';drop--" }, "UNKNOWN_KEY"],
  ])("%s is refused everywhere", async (_what, headers, code) => {
    for (const url of ["/v1/me", "/v1/sites", "/v1/events"]) {
      const reply = await api.app.inject({ url, headers });
      expect({
        status: reply.statusCode,
        headers: reply.headers,
        body: reply.json() as object,
      }).toMatchObject(problem(401, code));
    }
  });

  test("a revoked key is refused", async () => {
    const key = await createApiKey(db.pool, "default", "gone");
    await db.pool.query("update api_key set revoked_at = now() where name = 'gone'");
    expect(await api.get("/v1/me", key)).toMatchObject(problem(401, "UNKNOWN_KEY"));
  });

  test("a good key says whose it is, and is kept as a hash only", async () => {
    expect((await api.get("/v1/me")).body).toMatchObject({
      ...{ operatorId: "default", keyName: "test", role: "owner", siteIds: null },
    });
    const rows = await db.rows("select * from api_key");
    expect(JSON.stringify(rows)).not.toContain(api.key);
  });

  test("too many requests with one key are refused, other keys are served", async () => {
    const key = await createApiKey(db.pool, "default", "greedy");
    let last = await api.get("/v1/me", key);
    for (let i = 1; i <= API_RATE_PER_MIN && last.status === 200; i++) last = await api.get("/v1/me", key);
    expect(last).toMatchObject(problem(429, "TOO_MANY_REQUESTS"));
    expect(last.headers["retry-after"]).toMatch(/^\d+$/);
    expect((await api.get("/v1/me")).status).toBe(200);
  });
});

describe("requests that no client should send", () => {
  const KEY = () => ({ authorization: `Bearer ${api.key}`, "content-type": "application/json" });

  test("a huge body", async () => {
    expect(
      await api.send("POST", "/v1/id-tokens", { idToken: "A", label: "x".repeat(300_000) }),
    ).toMatchObject(problem(413, /TOO_LARGE/));
  });

  test("a body of another type", async () => {
    const reply = await api.send("POST", "/v1/id-tokens", "<xml/>", { "content-type": "application/xml" });
    expect(reply).toMatchObject(problem(415, /MEDIA_TYPE/));
  });

  test.each(["{", "", "nul", '{"idToken":"A","__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}'])(
    "the body %j",
    async (body) => {
      const reply = await api.send("POST", "/v1/id-tokens", body, { "content-type": "application/json" });
      expect(reply).toMatchObject(problem(400, /./));
    },
  );

  test("JSON that is deeper than any stack", async () => {
    const deep = `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`;
    const bodies = [
      deep,
      "[".repeat(100_000) + "]".repeat(100_000),
      `{"kind":"RequestStartTransaction","params":{"idToken":{"idToken":"A","more":${deep}}}}`,
      `{"kind":"${"x".repeat(1_000)}","params":${deep}}`,
    ];
    for (const body of bodies) {
      const reply = await api.send("POST", "/v1/stations/CP1/commands", body, {
        "content-type": "application/json",
        "idempotency-key": "deep",
      });
      expect(reply).toMatchObject(problem(400, "TOO_DEEP"));
    }
  });

  test("NUL and half surrogates in a body are refused or stored, and the lists still work", async () => {
    const texts = ["A\u0000B", "\u0000", "A\ud800B"];
    for (const [i, text] of texts.entries()) {
      const replies = [
        await api.send("POST", "/v1/id-tokens", { idToken: text }),
        await api.send("POST", "/v1/id-tokens", { idToken: `N${i}`, label: text }),
        await api.send("POST", "/v1/stations/CP1/commands", {
          kind: "ChangeConfiguration",
          params: { key: "k", value: text },
        }),
        await api.send("PATCH", "/v1/id-tokens/N", { label: text }),
      ];
      for (const reply of replies) expect([201, 202, 400, 404], reply.text).toContain(reply.status);
    }
    for (const list of ["/v1/id-tokens", "/v1/commands", "/v1/stations/CP1/commands"])
      expect((await api.get(list)).status).toBe(200);
  });

  test(
    "strange texts in every parameter of every route: an answer or a clear refusal, never an error of ours",
    { timeout: 120_000 },
    async () => {
      const { paths } = api.app.swagger() as {
        paths: Record<string, { get?: { parameters?: { name: string; in: string }[] } }>;
      };
      const texts = [
        "' or 1=1 --",
        "\u0000",
        "a\u0000b",
        "%",
        "\ud800",
        "../../etc/passwd",
        "9".repeat(400),
        "[]",
        "é",
        "$1",
        "null",
        "NaN",
        "1e999",
      ];
      const encode = (text: string) => (text === "\ud800" ? "%ed%a0%80" : encodeURIComponent(text));
      const statuses = new Set<number>();
      for (const [path, { get }] of Object.entries(paths)) {
        if (get === undefined || path === "/v1/events") continue;
        const queries = (get.parameters ?? []).filter((p) => p.in === "query");
        // A key for each: together they ask more than one key may in a minute.
        const key = await createApiKey(db.pool, "default", path);
        for (const text of texts) {
          const urls = [
            path.replaceAll(/\{\w+\}/g, encode(text)),
            ...queries.map((p) => `${path.replaceAll(/\{\w+\}/g, "CP1")}?${p.name}=${encode(text)}`),
          ];
          for (const url of urls) {
            const reply = await api.get(url, key);
            statuses.add(reply.status);
            // What is a person's own is no key's.
            const allowed = /^\/v1\/(me|own)\//.test(path) ? [400, 403] : [200, 400, 404];
            expect(allowed, `${url}: ${reply.text}`).toContain(reply.status);
            if (reply.status !== 200) expect(reply).toMatchObject(problem(reply.status, /./));
          }
        }
      }
      expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 404]));
      expect(await db.rows("select 1 from station")).toHaveLength(1);
    },
  );

  test("a parameter twice", async () => {
    expect(await api.get("/v1/stations?siteId=a&siteId=b")).toMatchObject(problem(400, "INVALID_REQUEST"));
  });

  test("bytes that are no UTF-8, in paths and in bodies", async () => {
    await api.app.listen({ host: "127.0.0.1", port: 0 });
    const path = await raw("/v1/stations/%E0%A4%A", KEY(), undefined, "GET");
    expect(path).toMatchObject({ status: 400, type: expect.stringContaining("problem+json") as string });
    const body = Buffer.concat([
      Buffer.from('{"idToken":"U'),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from('"}'),
    ]);
    const posted = await raw("/v1/id-tokens", KEY(), body);
    expect([201, 400]).toContain(posted.status);
  });

  test("an unknown path or method below /v1", async () => {
    expect(await api.get("/v1/stationz")).toMatchObject(problem(404, "NOT_FOUND"));
    const reply = await api.app.inject({ method: "DELETE", url: "/v1/stations/CP1" });
    expect({ status: reply.statusCode, headers: reply.headers, body: reply.json() as object }).toMatchObject(
      problem(404, "NOT_FOUND"),
    );
  });
});

describe("a database that", () => {
  test("lacks a table is an error of ours, told without its words", async () => {
    await db.pool.query("alter table id_token rename to id_token_away");
    const reply = await api.get("/v1/id-tokens");
    await db.pool.query("alter table id_token_away rename to id_token");
    expect(reply).toMatchObject(problem(500, "INTERNAL"));
    expect(reply.text).not.toContain("id_token");
  });

  test("is away is 503 with Retry-After, and served again when it is back", async () => {
    const url = new URL(db.url);
    const proxy: FaultProxy = await startProxy(Number(url.port || 5432));
    url.port = String(proxy.port);
    const pool = createPool(url.href, { max: 2, name: "sg-test-away" });
    const away = await openTestApi(pool);
    expect((await away.get("/v1/sites")).status).toBe(200);
    proxy.cut();
    for (let i = 0; i < 3; i++) {
      const reply = await away.get("/v1/sites");
      expect(reply, reply.text).toMatchObject(problem(503, "DATABASE_AWAY"));
      expect(reply.headers["retry-after"]).toBe("2");
    }
    proxy.heal();
    expect((await away.get("/v1/sites")).status).toBe(200);
    await away.close();
    await pool.end();
    await proxy.stop();
  });
});
