/** Passkeys in a real browser, over real HTTP, with an authenticator that the browser simulates. */
import type { Browser as Chromium, CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../../sim/services/chromium.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { createMember, openBrowser, openPeopleApi, PASSWORD } from "./harness-people.ts";

type Result = { status: number; body: Record<string, unknown> };

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
let chromium: Chromium;
let page: Page;
let devtools: CDPSession;
let base: string;

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
  await createMember(db.pool, "ana@example.com", "support");
  await api.app.listen({ host: "127.0.0.1", port: 0 });
  base = `http://localhost:${(api.app.server.address() as { port: number }).port}`;
  chromium = await launchChromium();
  const context = await chromium.newContext();
  page = await context.newPage();
  devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await page.goto(`${base}/healthz`);
}, 60_000);
afterAll(async () => {
  await chromium?.close();
  await api?.close();
  await db?.close();
});

/** One that knows its owner, like a telephone; or a plain key in a USB port, which does not ask. */
const authenticator = async (kind: "phone" | "plain key"): Promise<string> => {
  const phone = kind === "phone";
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: phone ? "internal" : "usb",
      hasResidentKey: phone,
      hasUserVerification: phone,
      isUserVerified: phone,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
};

/** As the page does it. */
const call = (method: string, path: string, body?: unknown): Promise<Result> =>
  page.evaluate(
    async ([m, p, text]) => {
      const response = await fetch(p, {
        method: m,
        ...(text === null ? {} : { body: text, headers: { "content-type": "application/json" } }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    [method, path, body === undefined ? null : JSON.stringify(body)] as const,
  );

const create = (options: unknown): Promise<Record<string, unknown>> =>
  page.evaluate(async (json) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(json as never);
    const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
    return made.toJSON() as unknown as Record<string, unknown>;
  }, options);

const get = (options: unknown): Promise<Record<string, unknown>> =>
  page.evaluate(async (json) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json as never);
    const found = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
    return found.toJSON() as unknown as Record<string, unknown>;
  }, options);

test("is added by who is signed in, lets in without a password, and is removed", async () => {
  const authenticatorId = await authenticator("phone");
  expect(
    (await call("POST", "/v1/auth/sign-in", { email: "ana@example.com", password: PASSWORD })).body,
  ).toEqual({
    next: "done",
  });
  const options = await call("POST", "/v1/me/passkeys/options");
  expect(options).toMatchObject({ status: 200, body: { rp: { id: "localhost" } } });
  const added = await call("POST", "/v1/me/passkeys", {
    credential: await create(options.body),
    name: "Laptop",
  });
  expect(added).toMatchObject({ status: 201, body: { name: "Laptop" } });
  expect((await call("GET", "/v1/me/passkeys")).body["items"]).toEqual([added.body]);
  await call("POST", "/v1/auth/sign-out");
  expect((await call("GET", "/v1/me")).status).toBe(401);

  const challenge = await call("POST", "/v1/auth/passkeys/options");
  const credential = await get(challenge.body);
  expect(await call("POST", "/v1/auth/passkeys", { credential })).toMatchObject({
    status: 200,
    body: { next: "done" },
  });
  expect((await call("GET", "/v1/me")).body).toMatchObject({ keyName: "ana@example.com" });
  // The same answer again is no answer to another challenge.
  expect(await call("POST", "/v1/auth/passkeys", { credential })).toMatchObject({
    status: 400,
    body: { code: "SIGN_IN_AGAIN" },
  });
  await call("POST", "/v1/auth/passkeys/options");
  expect((await call("POST", "/v1/auth/passkeys", { credential })).status).toBeGreaterThanOrEqual(400);

  const path = `/v1/me/passkeys/${String(added.body["passkeyId"])}`;
  expect((await call("DELETE", path)).status).toBe(200);
  await call("POST", "/v1/auth/sign-out");
  const again = await call("POST", "/v1/auth/passkeys/options");
  expect(await call("POST", "/v1/auth/passkeys", { credential: await get(again.body) })).toMatchObject({
    status: 401,
    body: { code: "PASSKEY_REFUSED" },
  });
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
}, 30_000);

test("without its row in the audit none is added and none removed", async () => {
  const authenticatorId = await authenticator("phone");
  const refuse = (action: string) =>
    db.pool.query(`alter table audit add constraint none_of check (action <> '${action}') not valid`);
  const allow = () => db.pool.query("alter table audit drop constraint none_of");
  await call("POST", "/v1/auth/sign-in", { email: "ana@example.com", password: PASSWORD });
  const add = async () => {
    const { body } = await call("POST", "/v1/me/passkeys/options");
    return call("POST", "/v1/me/passkeys", { credential: await create(body), name: "Tablet" });
  };
  const known = async () => ((await call("GET", "/v1/me/passkeys")).body["items"] as object[]).length;
  const before = await known();
  await refuse("passkey.add");
  expect((await add()).status).toBe(500);
  expect(await known()).toBe(before);
  await allow();
  const added = await add();
  expect(added.status).toBe(201);
  const path = `/v1/me/passkeys/${String(added.body["passkeyId"])}`;
  await refuse("passkey.remove");
  expect((await call("DELETE", path)).status).toBe(500);
  expect(await known()).toBe(before + 1);
  await allow();
  expect((await call("DELETE", path)).status).toBe(200);
  const rows = await db.rows(
    "select action from audit where action like 'passkey.%' order by audit_id desc limit 2",
  );
  expect(rows).toEqual([{ action: "passkey.remove" }, { action: "passkey.add" }]);
  await call("POST", "/v1/auth/sign-out");
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
}, 30_000);

test("a device that does not ask who holds it neither adds one nor lets in", async () => {
  const authenticatorId = await authenticator("phone");
  await call("POST", "/v1/auth/sign-in", { email: "ana@example.com", password: PASSWORD });
  const options = (await call("POST", "/v1/me/passkeys/options")).body;
  expect(options).toMatchObject({ authenticatorSelection: { userVerification: "required" } });
  const added = await call("POST", "/v1/me/passkeys", { credential: await create(options), name: "Phone" });
  expect(added.status).toBe(201);
  await call("POST", "/v1/auth/sign-out");
  // A finger is asked for no more, and a page says that this is fine.
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  const lax = { ...(await call("POST", "/v1/auth/passkeys/options")).body, userVerification: "discouraged" };
  expect(await call("POST", "/v1/auth/passkeys", { credential: await get(lax) })).toMatchObject({
    status: 401,
    body: { code: "PASSKEY_UNVERIFIED" },
  });
  expect((await call("GET", "/v1/me")).status).toBe(401);
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  const plain = await authenticator("plain key");
  await call("POST", "/v1/auth/sign-in", { email: "ana@example.com", password: PASSWORD });
  const careless = {
    ...(await call("POST", "/v1/me/passkeys/options")).body,
    authenticatorSelection: { userVerification: "discouraged" },
  };
  expect(
    await call("POST", "/v1/me/passkeys", { credential: await create(careless), name: "Lax" }),
  ).toMatchObject({ status: 401, body: { code: "PASSKEY_UNVERIFIED" } });
  await call("POST", "/v1/auth/sign-out");
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: plain });
}, 30_000);

test("a session that is not fresh adds none", async () => {
  const authenticatorId = await authenticator("phone");
  await call("POST", "/v1/auth/sign-in", { email: "ana@example.com", password: PASSWORD });
  const options = await call("POST", "/v1/me/passkeys/options");
  const credential = await create(options.body);
  await db.pool.query("update auth_session set created_at = now() - interval '2 hours'");
  for (const attempt of [
    call("POST", "/v1/me/passkeys/options"),
    call("POST", "/v1/me/passkeys", { credential, name: "x" }),
  ])
    expect(await attempt).toMatchObject({ status: 403, body: { code: "SIGN_IN_AGAIN" } });
  await call("POST", "/v1/auth/sign-out");
  await devtools.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
}, 30_000);

test("what no device has made is refused as a mistake of the sender", async () => {
  const window = openBrowser(api.app);
  await window.signIn("ana@example.com");
  const junk = { id: "AAAA", rawId: "AAAA", type: "public-key", response: {} };
  await window.post("/v1/me/passkeys/options");
  expect(await window.post("/v1/me/passkeys", { credential: junk, name: "x" })).toMatchObject({
    status: 400,
    body: { code: "PASSKEY_REFUSED" },
  });
  const stranger = openBrowser(api.app);
  expect(await stranger.post("/v1/auth/passkeys", { credential: junk })).toMatchObject({
    status: 400,
    body: { code: "SIGN_IN_AGAIN" },
  });
  await stranger.post("/v1/auth/passkeys/options");
  expect(await stranger.post("/v1/auth/passkeys", { credential: junk })).toMatchObject({
    status: 401,
    body: { code: "PASSKEY_REFUSED" },
  });
});
