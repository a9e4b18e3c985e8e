/** The SG as one program: health, metrics, the page, live events through PostgreSQL, and its end. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startProxy } from "../sim/services/proxy.ts";
import { until } from "../sim/services/until.ts";
import { arrive, Journal, online, openTestApi, openTestDb, type TestDb } from "./harness.ts";
import { issueApiKey, issueInvitation, startSg, type Sg, type SgConfig } from "./sg.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

const silent = pino({ level: "silent" });
const config = (more: Partial<SgConfig> = {}): SgConfig => ({
  roles: ["api"],
  databaseUrl: db.url,
  brokerUrl: inject("amqpUrl"),
  host: "127.0.0.1",
  port: 0,
  defaultOperatorId: "default",
  filesDir: join(tmpdir(), "sg-files-test"),
  ...more,
});
const get = (sg: Sg, path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${sg.port}${path}`, { headers });

test("all roles in one program: healthy, measured, and stopped without a trace", async () => {
  const sg = await startSg(config({ roles: ["api", "ingest", "jobs"] }), silent);
  const health = await until("it is healthy", async () => {
    const response = await get(sg, "/healthz");
    const body = (await response.json()) as { broker: string };
    return body.broker === "ok" ? { status: response.status, body } : undefined;
  });
  expect(health).toEqual({
    status: 200,
    body: { status: "ok", database: "ok", broker: "ok", roles: ["api", "ingest", "jobs"] },
  });
  const metrics = await get(sg, "/metrics");
  expect(metrics.headers.get("content-type")).toContain("text/plain");
  const text = await metrics.text();
  for (const name of [
    "sg_link_up 1",
    "sg_live_clients 0",
    "sg_ingest_entries 0",
    "sg_ingest_parked 0",
    "sg_db_connections",
    "process_cpu",
  ]) {
    expect(text).toContain(name);
  }
  await sg.stop();
  await expect(get(sg, "/healthz")).rejects.toThrow();
});

test("what ingest stores anywhere is heard by pages here", async () => {
  const sg = await startSg(config(), silent);
  const key = await issueApiKey(db.url, "default", "live");
  const controller = new AbortController();
  const stream = await fetch(`http://127.0.0.1:${sg.port}/v1/events`, {
    headers: { authorization: `Bearer ${key}` },
    signal: controller.signal,
  });
  let text = "";
  const reading = (async () => {
    for await (const chunk of stream.body ?? []) text += new TextDecoder().decode(chunk as Uint8Array);
  })().catch(() => undefined);
  await until(
    "PostgreSQL is listened to",
    async () =>
      (
        await db.rows(
          "select 1 from pg_stat_activity where application_name = 'sg-listen' and datname = current_database()",
        )
      ).length > 0,
  );
  await until("an event arrives", async () => {
    await arrive(db.pool, new Journal(`er-${text.length}`, "site-live").commit([online("LIVE")]));
    return text.includes("LIVE");
  });
  controller.abort();
  await reading;
  await sg.stop();
});

test("it stops at once while pages follow events", async () => {
  const sg = await startSg(config(), silent);
  const key = await issueApiKey(db.url, "default", "stop");
  const streams = await Promise.all(
    [1, 2, 3].map(() =>
      fetch(`http://127.0.0.1:${sg.port}/v1/events`, { headers: { authorization: `Bearer ${key}` } }),
    ),
  );
  const stopped = sg.stop().then(() => true);
  const ends = await Promise.all(streams.map((stream) => stream.text()));
  expect(ends.every((text) => text.includes("event: reset"))).toBe(true);
  expect(await stopped).toBe(true);
});

test("without its database it says so, and recovers", async () => {
  const url = new URL(db.url);
  const proxy = await startProxy(Number(url.port || 5432));
  url.port = String(proxy.port);
  const sg = await startSg(config({ databaseUrl: url.href }), silent);
  expect((await get(sg, "/healthz")).status).toBe(200);
  proxy.cut();
  const response = await until("it fails", async () => {
    const answer = await get(sg, "/healthz");
    return answer.status === 503 ? answer : undefined;
  });
  expect(await response.json()).toMatchObject({ status: "failing", broker: "not used" });
  proxy.heal();
  await until("it is healthy again", async () => (await get(sg, "/healthz")).status === 200);
  await sg.stop();
  await proxy.stop();
});

test("a port in use is an error that says what to do", async () => {
  const sg = await startSg(config(), silent);
  await expect(startSg(config({ port: sg.port }), silent)).rejects.toMatchObject({
    code: "PORT_IN_USE",
    hint: expect.stringContaining("SG_PORT") as string,
  });
  await sg.stop();
});

test("the page: files, its own router for unknown paths, nothing of it below /v1", async () => {
  const webRoot = await mkdtemp(join(tmpdir(), "sg-web-"));
  await writeFile(join(webRoot, "index.html"), "<title>page</title>");
  await writeFile(join(webRoot, "icon.svg"), "<svg/>");
  const api = await openTestApi(db.pool, { webRoot: `${webRoot}/` });
  const page = async (url: string) => api.app.inject({ url });
  expect((await page("/")).body).toContain("page");
  expect((await page("/icon.svg")).headers).toMatchObject({
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
  });
  const deep = await page("/sites/abc?tab=1");
  expect(deep).toMatchObject({ statusCode: 200, body: "<title>page</title>" });
  expect((await page("/v1/unknown")).json()).toMatchObject({ status: 404, code: "NOT_FOUND" });
  expect((await page("/assets/gone.js")).statusCode).toBe(404);
  for (const path of ["/../package.json", "/%2e%2e/package.json", "/..%2fpackage.json", "/icon.svg%00"]) {
    expect((await page(path)).body, path).not.toContain('moov-olt"');
  }
  expect((await page("/openapi.json")).json()).toMatchObject({ openapi: "3.1.0" });
  expect((await page("/docs/")).statusCode).toBe(200);
  await api.close();
  await rm(webRoot, { recursive: true });
});

test("without a page built, unknown paths are problems", async () => {
  const api = await openTestApi(db.pool);
  expect((await api.app.inject({ url: "/" })).json()).toMatchObject({ status: 404, code: "NOT_FOUND" });
  await api.close();
});

test("a fresh SG writes a code into its log; who has it becomes the owner, in a browser's way", async () => {
  const lines: { code?: string; msg: string }[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const fresh = config({ defaultOperatorId: "fresh" });
  const sg = await startSg(fresh, logger);
  const told = lines.find((line) => line.msg.includes("/setup"));
  expect(told?.code).toMatch(/^([A-Z2-9]{4}-){3}[A-Z2-9]{4}$/);
  const base = `http://localhost:${sg.port}`;
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${base}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: base, ...headers },
      body: JSON.stringify(body),
    });
  const person = { email: "ana@example.com", name: "Ana", password: "correct horse battery" };
  const foreign = await post(
    "/v1/setup",
    { code: told?.code, ...person },
    { origin: "https://evil.example" },
  );
  expect(foreign.status).toBe(403);
  const answer = await post("/v1/setup", { code: told?.code, ...person });
  expect(await answer.json()).toEqual({ next: "done" });
  const cookie = answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const me = await get(sg, "/v1/me", { cookie, host: `localhost:${sg.port}` });
  expect(await me.json()).toMatchObject({ operatorId: "fresh", role: "owner" });
  await sg.stop();
  // There is one: the next start tells no code.
  lines.length = 0;
  const again = await startSg(fresh, logger);
  expect(lines.filter((line) => line.msg.includes("/setup"))).toEqual([]);
  await again.stop();
});

test("a link from the command line lets somebody in, for a role that exists", async () => {
  const secret = await issueInvitation(db.url, "default", "Bia@example.com", "admin");
  await expect(issueInvitation(db.url, "default", "bia@example.com", "root")).rejects.toThrow("no role");
  const sg = await startSg(config(), silent);
  const answer = await fetch(`http://127.0.0.1:${sg.port}/v1/invitations/lookup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: secret }),
  });
  expect(await answer.json()).toMatchObject({ email: "bia@example.com", role: "admin", how: "create" });
  await sg.stop();
});
