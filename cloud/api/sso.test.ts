/** Single sign-on against an OpenID provider that we did not write, on 127.0.0.1. */
import { createServer } from "node:http";
import { OAuth2Server, type MutableToken } from "oauth2-mock-server";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { createMember, openBrowser, openPeopleApi, tokenOf, type Browser } from "./harness-people.ts";

let db: TestDb;
let provider: OAuth2Server;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
/** What the provider says of whoever comes. */
let claims: Record<string, unknown> = {};

const sso = () => ({
  name: "Example",
  discoveryUrl: `${provider.issuer.url}/.well-known/openid-configuration`,
  clientId: "sg",
  clientSecret: "secret",
  domains: ["example.com"],
});

beforeAll(async () => {
  db = await openTestDb();
  provider = new OAuth2Server();
  await provider.issuer.keys.generate("RS256");
  await provider.start(0, "127.0.0.1");
  provider.service.on("beforeTokenSigning", (token: MutableToken) => {
    // The mock signs access and id token alike; the audience of the latter is the client.
    Object.assign(token.payload, claims);
  });
  api = await openPeopleApi(db.pool, { sso: sso() });
});
beforeEach(() => db.pool.query("delete from auth_throttle"));
afterAll(async () => {
  await api?.close();
  await provider?.stop();
  await db?.close();
});

/** The way of a browser: to the provider and back. @returns where it ends. */
async function comeBy(window: Browser, who: Record<string, unknown>, returnTo = "/sites"): Promise<string> {
  claims = { aud: "sg", ...who };
  const { status, body } = await window.post("/v1/auth/sso", { returnTo });
  expect(status).toBe(200);
  const there = await fetch(String(body["url"]), { redirect: "manual" });
  const back = new URL(there.headers.get("location") ?? "");
  expect(back.pathname).toBe("/v1/auth/callback/sso");
  const answer = await window.get(`${back.pathname}${back.search}`);
  expect(answer.status).toBe(302);
  return String((answer.headers as Record<string, unknown>)["location"]);
}

test("the sign-in page knows it by its name", async () => {
  expect((await openBrowser(api.app).get("/v1/auth/methods")).body).toMatchObject({
    sso: { name: "Example" },
  });
});

test("somebody of the operator's domain gets an account, and belongs to nobody until invited", async () => {
  const owner = openBrowser(api.app);
  await createMember(db.pool, "owner@example.com", "owner");
  await owner.signIn("owner@example.com");
  const made = await owner.post("/v1/invitations", { email: "sso@example.com", role: "support" });
  const window = openBrowser(api.app);
  const who = { sub: "u1", email: "SSO@example.com", name: "Single", email_verified: true };
  expect(await comeBy(window, who)).toBe("/sites");
  expect(await window.get("/v1/me")).toMatchObject({ status: 403, body: { code: "NO_MEMBER" } });
  const token = tokenOf(made.body["link"]);
  expect((await window.post("/v1/invitations/lookup", { token })).body).toMatchObject({ how: "sign-in" });
  expect((await window.post("/v1/invitations/accept", { token })).status).toBe(200);
  expect((await window.get("/v1/me")).body).toMatchObject({
    role: "support",
    person: { email: "sso@example.com", name: "Single", emailVerified: true },
  });
  // Comes again, with another name: the same account. Nothing of the provider's tokens is kept.
  expect(await comeBy(openBrowser(api.app), { ...who, name: "Other" })).toBe("/sites");
  const accounts = await db.rows(
    "select access_token, refresh_token, id_token from auth_account where provider_id = 'sso'",
  );
  expect(accounts).toEqual([{ access_token: null, refresh_token: null, id_token: null }]);
  const audit = await db.rows(
    "select detail from audit where action = 'session.create' and actor = 'sso@example.com'",
  );
  expect(audit.at(-1)).toMatchObject({ detail: { by: "sso" } });
});

test("joins the account of a verified address, and no other", async () => {
  const userId = await createMember(db.pool, "verified@example.com", "admin");
  const window = openBrowser(api.app);
  await comeBy(window, { sub: "u2", email: "verified@example.com", email_verified: true });
  expect((await window.get("/v1/me")).body).toMatchObject({ person: { userId }, role: "admin" });
  const unproved = await createMember(db.pool, "unproved@example.com", "admin");
  await db.pool.query("update auth_user set email_verified = false where id = $1", [unproved]);
  const other = openBrowser(api.app);
  const end = await comeBy(other, { sub: "u3", email: "unproved@example.com", email_verified: true });
  expect(end).toContain("/sign-in?error=");
  expect((await other.get("/v1/auth/session")).body).toMatchObject({ person: null });
});

test.each([
  ["another domain", { sub: "e1", email: "me@evil.example", email_verified: true }, "domain_not_allowed"],
  [
    "a domain that ends like ours",
    { sub: "e2", email: "me@notexample.com", email_verified: true },
    "domain_not_allowed",
  ],
  [
    "an address that the provider denies",
    { sub: "e3", email: "x@example.com", email_verified: false },
    "email_not_verified",
  ],
  [
    "a token for somebody else's client",
    { sub: "e4", email: "y@example.com", email_verified: true, aud: "other" },
    "unable_to_get_user_info",
  ],
  [
    "a token of another sign-in",
    { sub: "e5", email: "z@example.com", email_verified: true, nonce: "other" },
    "unable_to_get_user_info",
  ],
  [
    "a token that has run out",
    { sub: "e6", email: "t@example.com", email_verified: true, exp: 1_000 },
    "unable_to_get_user_info",
  ],
] as const)("refused: %s", async (_what, who, code) => {
  const window = openBrowser(api.app);
  const end = new URL(await comeBy(window, who), "http://localhost");
  expect([end.pathname, end.searchParams.get("error")]).toEqual(["/sign-in", code]);
  expect((await window.get("/v1/auth/session")).body).toMatchObject({ person: null });
  expect(await db.rows("select 1 from auth_user where email = $1", who.email)).toEqual([]);
});

test("a way back that another browser began, or that leads elsewhere, is refused", async () => {
  claims = { aud: "sg", sub: "u9", email: "victim@example.com", email_verified: true };
  const attacker = openBrowser(api.app);
  const { body } = await attacker.post("/v1/auth/sso", {});
  const there = await fetch(String(body["url"]), { redirect: "manual" });
  const back = new URL(there.headers.get("location") ?? "");
  const victim = openBrowser(api.app);
  const answer = await victim.get(`${back.pathname}${back.search}`);
  expect(String((answer.headers as Record<string, unknown>)["location"])).toContain("/sign-in?error=");
  expect((await victim.get("/v1/auth/session")).body).toMatchObject({ person: null });
  for (const returnTo of ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
    expect((await victim.post("/v1/auth/sso", { returnTo })).status, returnTo).toBe(400);
});

test("a provider that is away or hangs holds up nobody, and is used when it is back", async () => {
  const late = createServer(() => undefined);
  await new Promise<void>((done) => late.listen(0, "127.0.0.1", done));
  const { port } = late.address() as { port: number };
  const discoveryUrl = `http://127.0.0.1:${port}/.well-known/openid-configuration`;
  const lone = await openPeopleApi(db.pool, { sso: { ...sso(), discoveryUrl } });
  const window = openBrowser(lone.app);
  const start = () => window.post("/v1/auth/sso", {});
  expect(await start()).toMatchObject({ status: 503, body: { code: "SSO_AWAY" } });
  expect((await window.signIn("owner@example.com")).status).toBe(200);
  late.closeAllConnections();
  await new Promise((done) => late.close(done));
  const back = new OAuth2Server();
  await back.issuer.keys.generate("RS256");
  await back.start(port, "127.0.0.1");
  await until("the provider is used", async () => (await start()).status === 200);
  await back.stop();
  await lone.close();
  const none = await openPeopleApi(db.pool);
  expect(await openBrowser(none.app).post("/v1/auth/sso", {})).toMatchObject({ status: 404 });
  await none.close();
}, 60_000);
