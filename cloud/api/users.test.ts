/** Users, invitations, API keys, the first owner, the audit: who may give what, and the end of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestDb, arrive, Journal, type TestDb } from "../harness.ts";
import { createSetupCode, inviteFromConsole } from "../people.ts";
import { ensureOperator } from "../sg.ts";
import { createApiKey } from "./actor.ts";
import {
  createMember,
  openBrowser,
  openPeopleApi,
  PASSWORD,
  tokenOf,
  type Browser,
} from "./harness-people.ts";

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
const windows = new Map<string, Browser>();
let ownerId: string;

const browser = (): Browser => openBrowser(api.app);
const problem = (status: number, code: string) => ({ status, body: { status, code } });
const as = (name: string): Browser => windows.get(name) ?? browser();

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
  await ensureOperator(db.pool, "other");
  await arrive(db.pool, new Journal("er-n", "north").commit([{ kind: "er.stopped" }]));
  await arrive(db.pool, new Journal("er-s", "south").commit([{ kind: "er.stopped" }]));
  await arrive(db.pool, new Journal("er-o", "foreign").commit([{ kind: "er.stopped" }]), "other");
  ownerId = await createMember(db.pool, "owner@example.com", "owner");
  for (const role of ["admin", "operations", "billing", "support", "site-host", "installer"] as const)
    await createMember(db.pool, `${role}@example.com`, role, {
      siteIds: role === "site-host" ? ["north"] : null,
    });
  await createMember(db.pool, "owner@other.example", "owner", { operatorId: "other" });
  for (const email of ["owner", "admin", "operations", "billing", "support", "site-host", "installer"]) {
    const window = browser();
    await window.signIn(`${email}@example.com`);
    windows.set(email, window);
  }
  const other = browser();
  await other.signIn("owner@other.example");
  windows.set("other", other);
});
beforeEach(() => db.pool.query("delete from auth_throttle"));
afterAll(async () => {
  await api?.close();
  await db?.close();
});

const invite = (who: string, body: object, more?: object) => as(who).post("/v1/invitations", body, more);
const lookUp = (token: string) => browser().post("/v1/invitations/lookup", { token });
const accept = (window: Browser, token: string, more: object = {}) =>
  window.post("/v1/invitations/accept", { token, ...more });
const NEW = { name: "Bia", password: PASSWORD };

describe("invitations", () => {
  test("a link by mail makes an account whose address is verified, and signs in", async () => {
    const made = await invite("owner", { email: "Bia@Example.com", role: "support", siteIds: ["north"] });
    expect(made).toMatchObject({
      status: 201,
      body: { email: "bia@example.com", role: "support", siteIds: ["north"], state: "open", mailed: true },
    });
    expect(made.body["createdBy"]).toBe("owner@example.com");
    const mail = api.mails.at(-1);
    expect(mail?.to).toBe("Bia@Example.com");
    const token = tokenOf(mail?.text);
    expect(made.body["link"]).not.toContain(token);
    // Only hashes are stored.
    const stored = JSON.stringify([
      await db.rows(
        "select encode(mail_hash, 'escape') || encode(link_hash, 'escape') as h, i.* from invitation i",
      ),
      await db.rows("select response from idempotency"),
      await db.rows("select detail from audit"),
    ]);
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(tokenOf(made.body["link"]));
    expect((await lookUp(token)).body).toEqual({
      email: "bia@example.com",
      operatorName: "default",
      role: "support",
      how: "create",
    });
    const window = browser();
    expect(await accept(window, token)).toMatchObject(problem(400, "NAME_MISSING"));
    expect(await accept(window, token, { ...NEW, password: "short" })).toMatchObject({ status: 400 });
    expect(await accept(window, token, NEW)).toMatchObject({ status: 200, body: { next: "done" } });
    expect((await window.get("/v1/me")).body).toMatchObject({
      role: "support",
      siteIds: ["north"],
      person: { name: "Bia", emailVerified: true },
    });
    expect(await accept(browser(), token, NEW)).toMatchObject(problem(404, "INVITATION_GONE"));
    expect(await accept(browser(), tokenOf(made.body["link"]), NEW)).toMatchObject(
      problem(404, "INVITATION_GONE"),
    );
    expect(await invite("owner", { email: "bia@example.com", role: "admin" })).toMatchObject(
      problem(409, "ALREADY_MEMBER"),
    );
  });

  test("the link that the inviter sees proves no mailbox", async () => {
    const made = await invite("owner", { email: "handed@example.com", role: "billing" });
    const window = browser();
    await accept(window, tokenOf(made.body["link"]), NEW);
    expect((await window.get("/v1/me")).body).toMatchObject({ person: { emailVerified: false } });
  });

  test("an address that has an account joins only when signed in with it; the header chooses the operator", async () => {
    const made = await invite("other", { email: "support@example.com", role: "admin" });
    const token = tokenOf(made.body["link"]);
    expect((await lookUp(token)).body).toMatchObject({ how: "sign-in" });
    expect(await accept(browser(), token, NEW)).toMatchObject(problem(401, "SIGN_IN_FIRST"));
    expect(await accept(as("billing"), token, NEW)).toMatchObject(problem(401, "SIGN_IN_FIRST"));
    const window = as("support");
    expect((await accept(window, token)).status).toBe(200);
    // The password stays what it was.
    expect((await browser().signIn("support@example.com")).status).toBe(200);
    const me = async (operator?: string) =>
      (await window.get("/v1/me", operator === undefined ? {} : { "moov-operator": operator })).body;
    expect(await me()).toMatchObject({ operatorId: "default", role: "support" });
    expect(await me("other")).toMatchObject({ operatorId: "other", role: "admin" });
    expect((await me())["operators"]).toHaveLength(2);
    expect(await me("third")).toMatchObject({ status: 403, code: "NO_MEMBER" });
    await as("other").delete(`/v1/users/${((await me())["person"] as { userId: string }).userId}`);
    expect(await me("other")).toMatchObject({ status: 403, code: "NO_MEMBER" });
  });

  test("one is replaced by a newer one, revoked, or runs out; each is told", async () => {
    const first = await invite("owner", { email: "twice@example.com", role: "support" });
    const second = await invite("owner", { email: "twice@example.com", role: "billing" });
    expect(await lookUp(tokenOf(first.body["link"]))).toMatchObject(problem(404, "INVITATION_GONE"));
    expect((await lookUp(tokenOf(second.body["link"]))).status).toBe(200);
    const path = `/v1/invitations/${String(second.body["invitationId"])}`;
    expect(await as("other").delete(path)).toMatchObject(problem(404, "NOT_FOUND"));
    expect((await as("owner").delete(path)).body).toMatchObject({ state: "revoked" });
    expect((await lookUp(tokenOf(second.body["link"]))).status).toBe(404);
    const third = await invite("owner", { email: "twice@example.com", role: "billing" });
    await db.pool.query(
      "update invitation set expires_at = now() - interval '1 s' where invitation_id = $1",
      [third.body["invitationId"]],
    );
    expect((await lookUp(tokenOf(third.body["link"]))).status).toBe(404);
    const { body } = await as("owner").get("/v1/invitations?limit=3");
    const items = body["items"] as { state: string }[];
    expect(items.map((item) => item.state)).toEqual(["expired", "revoked", "revoked"]);
    const next = await as("owner").get(`/v1/invitations?limit=200&cursor=${String(body["nextCursor"])}`);
    expect(next.status).toBe(200);
    expect(JSON.stringify(next.body)).not.toContain("twice@example.com");
    expect(JSON.stringify((await as("other").get("/v1/invitations")).body)).not.toContain("twice");
  });

  test("asked for twice with one key it is made once, and the link is told once", async () => {
    const body = { email: "once@example.com", role: "support" };
    const key = { "idempotency-key": "k1" };
    const [first, again] = [await invite("owner", body, key), await invite("owner", body, key)];
    expect(first.body["link"]).toContain("#token=");
    expect(again.body).toMatchObject({ invitationId: first.body["invitationId"], link: null, mailed: true });
  });

  test("two who accept at once are one account", async () => {
    const made = await invite("owner", { email: "race@example.com", role: "support" });
    const token = tokenOf(made.body["link"]);
    const statuses = await Promise.all(
      [1, 2, 3, 4].map(async () => (await accept(browser(), token, NEW)).status),
    );
    expect(statuses.sort((a, b) => a - b)).toEqual([200, 404, 404, 404]);
  });

  test("an installer's membership ends by itself", async () => {
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const made = await invite("owner", { email: "fitter@example.com", role: "installer", expiresAt });
    const window = browser();
    await accept(window, tokenOf(made.body["link"]), NEW);
    expect((await window.get("/v1/me")).body).toMatchObject({ role: "installer" });
    await db.pool.query(
      "update member set expires_at = now() - interval '1 s' where role = 'installer' and expires_at is not null",
    );
    expect(await window.get("/v1/me")).toMatchObject(problem(403, "NO_MEMBER"));
    const past = { email: "p@example.com", role: "installer", expiresAt: "2020-01-01T00:00:00Z" };
    expect(await invite("owner", past)).toMatchObject(problem(400, "EXPIRED"));
  });
});

describe("nobody gives more than they have", () => {
  test.each([
    ["admin", "owner", 403],
    ["admin", "admin", 201],
    ["admin", "billing", 201],
    ["owner", "owner", 201],
    ["operations", "support", 403],
    ["billing", "driver", 403],
    ["site-host", "site-host", 403],
    ["installer", "installer", 403],
  ] as const)("%s invites %s: %i", async (giver, role, status) => {
    expect((await invite(giver, { email: `${giver}-${role}@example.com`, role })).status).toBe(status);
  });

  test("sites that do not exist or are another's are none; owners are for all sites and for good", async () => {
    const body = { email: "sites@example.com", role: "support" };
    expect(await invite("owner", { ...body, siteIds: ["foreign"] })).toMatchObject(
      problem(400, "UNKNOWN_SITE"),
    );
    expect(await invite("owner", { ...body, siteIds: [] })).toMatchObject(problem(400, "INVALID_REQUEST"));
    expect(await invite("owner", { ...body, role: "owner", siteIds: ["north"] })).toMatchObject(
      problem(400, "OWNER_LIMITED"),
    );
    expect(await invite("owner", { ...body, role: "root" })).toMatchObject(problem(400, "INVALID_REQUEST"));
  });

  test("an admin neither makes, changes, removes nor signs out an owner, nor becomes one", async () => {
    const [admin] = await db.rows<{ id: string }>(
      "select id from auth_user where email = 'admin@example.com'",
    );
    const asAdmin = as("admin");
    expect(await asAdmin.patch(`/v1/users/${admin?.id}`, { role: "owner" })).toMatchObject(
      problem(403, "GRANT_TOO_WIDE"),
    );
    for (const attempt of [
      asAdmin.patch(`/v1/users/${ownerId}`, { role: "support" }),
      asAdmin.delete(`/v1/users/${ownerId}`),
      asAdmin.delete(`/v1/users/${ownerId}/sessions`),
    ])
      expect(await attempt).toMatchObject(problem(403, "GRANT_TOO_WIDE"));
    expect((await as("owner").get("/v1/me")).status).toBe(200);
  });

  test("a key has at most the role, permissions, sites and words of who makes it", async () => {
    const make = (who: string, body: object) => as(who).post("/v1/api-keys", { name: "k", ...body });
    expect(await make("admin", { role: "owner" })).toMatchObject(problem(403, "GRANT_TOO_WIDE"));
    expect(await make("operations", { role: "support" })).toMatchObject(problem(403, "FORBIDDEN"));
    expect(await make("owner", { role: "support", permissions: ["money:write"] })).toMatchObject(
      problem(400, "PERMISSION_BEYOND_ROLE"),
    );
    expect(await make("owner", { role: "support", permissions: ["no:such"] })).toMatchObject(
      problem(400, "UNKNOWN_PERMISSION"),
    );
    expect(await make("owner", { role: "support", siteIds: ["foreign"] })).toMatchObject(
      problem(400, "UNKNOWN_SITE"),
    );
    // A narrowed key does not make a wider one.
    const { body } = await make("owner", {
      role: "admin",
      permissions: ["keys:write", "keys:read", "sites:read"],
    });
    const key = { authorization: `Bearer ${String(body["key"])}` };
    const child = (more: object) =>
      browser().post("/v1/api-keys", { name: "child", role: "admin", ...more }, key);
    expect(await child({})).toMatchObject(problem(403, "GRANT_TOO_WIDE"));
    expect(await child({ permissions: ["sites:read", "money:read"] })).toMatchObject(
      problem(403, "GRANT_TOO_WIDE"),
    );
    expect((await child({ permissions: ["sites:read"] })).status).toBe(201);
    // It is nobody: what is a person's own is not a key's.
    expect(await browser().get("/v1/me/sessions", key)).toMatchObject(problem(403, "PEOPLE_ONLY"));
  });
});

describe("API keys", () => {
  test("are shown once, do what they may within their sites, end in time or at once", async () => {
    const owner = as("owner");
    const made = await owner.post("/v1/api-keys", { name: "reader", role: "support", siteIds: ["north"] });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: "reader",
        role: "support",
        siteIds: ["north"],
        createdBy: "owner@example.com",
        revokedAt: null,
      },
    });
    const secret = String(made.body["key"]);
    const key = { authorization: `Bearer ${secret}` };
    const sites = await browser().get("/v1/sites", key);
    expect((sites.body["items"] as { siteId: string }[]).map((site) => site.siteId)).toEqual(["north"]);
    expect(await browser().get("/v1/users", key)).toMatchObject(problem(403, "FORBIDDEN"));
    const list = await owner.get("/v1/api-keys");
    expect(JSON.stringify(list.body)).not.toContain(secret);
    const path = `/v1/api-keys/${String(made.body["keyId"])}`;
    expect(await as("other").delete(path)).toMatchObject(problem(404, "NOT_FOUND"));
    expect((await owner.delete(path)).body["revokedAt"]).not.toBeNull();
    const fresh = await openPeopleApi(db.pool);
    expect(await openBrowser(fresh.app).get("/v1/sites", key)).toMatchObject(problem(401, "UNKNOWN_KEY"));
    await fresh.close();
    expect(
      await owner.post("/v1/api-keys", { name: "x", role: "support", expiresAt: "2020-01-01T00:00:00Z" }),
    ).toMatchObject(problem(400, "EXPIRED"));
  });
});

describe("users", () => {
  test("are listed as pages, without drivers unless asked for, and only one's own", async () => {
    await createMember(db.pool, "driver@example.com", "driver");
    const all: string[] = [];
    for (let cursor = ""; ;) {
      const { body } = await as("owner").get(`/v1/users?limit=2${cursor}`);
      all.push(...(body["items"] as { email: string }[]).map((user) => user.email));
      if (body["nextCursor"] === null) break;
      cursor = `&cursor=${String(body["nextCursor"])}`;
    }
    expect(all).toContain("owner@example.com");
    expect(all).not.toContain("driver@example.com");
    expect(all).not.toContain("owner@other.example");
    expect(new Set(all).size).toBe(all.length);
    const drivers = await as("owner").get("/v1/users?role=driver");
    expect(drivers.body["items"]).toMatchObject([{ email: "driver@example.com", role: "driver" }]);
    expect(await as("other").get(`/v1/users/${ownerId}`)).toMatchObject(problem(404, "NOT_FOUND"));
    expect(await as("other").delete(`/v1/users/${ownerId}/sessions`)).toMatchObject(
      problem(404, "NOT_FOUND"),
    );
    expect(await as("support").get("/v1/users")).toMatchObject(problem(403, "FORBIDDEN"));
  });

  test("a change holds from the next request on", async () => {
    const userId = await createMember(db.pool, "mover@example.com", "support");
    const window = browser();
    await window.signIn("mover@example.com");
    const patch = { role: "site-host", siteIds: ["south"] };
    expect((await as("admin").patch(`/v1/users/${userId}`, patch)).body).toMatchObject(patch);
    expect((await window.get("/v1/me")).body).toMatchObject(patch);
    expect((await as("admin").delete(`/v1/users/${userId}/sessions`)).body).toEqual({ revoked: 1 });
    expect((await window.get("/v1/me")).status).toBe(401);
    await window.signIn("mover@example.com");
    expect((await as("admin").delete(`/v1/users/${userId}`)).status).toBe(200);
    expect(await window.get("/v1/me")).toMatchObject(problem(403, "NO_MEMBER"));
  });

  test("an owner is left, whoever goes, and however many go at once", async () => {
    await ensureOperator(db.pool, "two");
    const ids = [];
    for (const name of ["a", "b"])
      ids.push(await createMember(db.pool, `${name}@two.example`, "owner", { operatorId: "two" }));
    const key = { authorization: `Bearer ${await createApiKey(db.pool, "two", "k")}` };
    const attempts = await Promise.all([
      browser().delete(`/v1/users/${ids[0]}`, key),
      browser().patch(`/v1/users/${ids[1]}`, { role: "admin" }, key),
    ]);
    expect(attempts.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([200, 409]);
    const [left] = await db.rows<{ user_id: string }>(
      "select user_id from member where operator_id = 'two' and role = 'owner'",
    );
    expect(await browser().delete(`/v1/users/${left?.user_id}`, key)).toMatchObject(
      problem(409, "LAST_OWNER"),
    );
    const limited = { expiresAt: new Date(Date.now() + 86_400_000).toISOString() };
    expect(await browser().patch(`/v1/users/${left?.user_id}`, limited, key)).toMatchObject(
      problem(400, "OWNER_LIMITED"),
    );
  });

  test("who is there for a time gives nothing for longer, neither to others nor to themselves", async () => {
    const end = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const options = { expiresAt: new Date(end(3)) };
    const userId = await createMember(db.pool, "interim@example.com", "admin", options);
    const window = browser();
    await window.signIn("interim@example.com");
    const tooLong = problem(403, "GRANT_TOO_WIDE");
    const key = (more: object, headers?: object) =>
      (headers === undefined ? window : browser()).post("/v1/api-keys", { name: "k", ...more }, headers);
    expect(await key({ role: "admin" })).toMatchObject(tooLong);
    expect(await key({ role: "support", expiresAt: end(4) })).toMatchObject(tooLong);
    const invitation = { email: "next@example.com", role: "admin" };
    expect(await window.post("/v1/invitations", invitation)).toMatchObject(tooLong);
    expect((await window.post("/v1/invitations", { ...invitation, expiresAt: end(2) })).status).toBe(201);
    const driver = { email: "drives@example.com", role: "driver" };
    expect((await window.post("/v1/invitations", driver)).status).toBe(201);
    const own = `/v1/users/${userId}`;
    expect(await window.patch(own, { expiresAt: null })).toMatchObject(tooLong);
    // A key that ends makes none that does not.
    const made = await key({ role: "admin", expiresAt: end(2) });
    expect(made.status).toBe(201);
    const bearer = { authorization: `Bearer ${String(made.body["key"])}` };
    expect(await key({ role: "admin" }, bearer)).toMatchObject(tooLong);
    // Whose time is cut loses what would last longer.
    expect((await as("owner").patch(own, { expiresAt: end(1) })).status).toBe(200);
    const left = await db.rows(
      "select from api_key where created_by = $1 and revoked_at is null",
      `user:${userId}`,
    );
    expect(left).toEqual([]);
  });

  test("keys that were made with a key end with the person who made that one", async () => {
    const userId = await createMember(db.pool, "chain@example.com", "admin");
    const window = browser();
    await window.signIn("chain@example.com");
    const make = async (from: Browser, more?: object) => {
      const made = await from.post("/v1/api-keys", { name: "chained", role: "admin" }, more);
      return { authorization: `Bearer ${String(made.body["key"])}` };
    };
    const second = await make(browser(), await make(window));
    const invited = await browser().post(
      "/v1/invitations",
      { email: "chained@example.com", role: "admin" },
      second,
    );
    expect((await as("owner").delete(`/v1/users/${userId}`)).status).toBe(200);
    expect(await db.rows("select from api_key where name = 'chained' and revoked_at is null")).toEqual([]);
    expect(await lookUp(tokenOf(invited.body["link"]))).toMatchObject(problem(404, "INVITATION_GONE"));
  });

  test("what somebody gave does not outlive their right to give it", async () => {
    const userId = await createMember(db.pool, "leaver@example.com", "admin");
    const window = browser();
    await window.signIn("leaver@example.com");
    const key = async (role: string) =>
      String((await window.post("/v1/api-keys", { name: role, role })).body["key"]);
    const keys = [await key("admin"), await key("support")];
    const invitation = await window.post("/v1/invitations", { email: "friend@example.com", role: "admin" });
    expect((await as("owner").patch(`/v1/users/${userId}`, { role: "operations" })).status).toBe(200);
    const revoked = await db.rows<{ name: string }>(
      "select name from api_key where created_by = $1 and revoked_at is not null order by name",
      `user:${userId}`,
    );
    expect(revoked.map((row) => row.name)).toEqual(["admin", "support"]);
    expect(keys).toHaveLength(2);
    expect(await lookUp(tokenOf(invitation.body["link"]))).toMatchObject(problem(404, "INVITATION_GONE"));
  });
});

describe("the first owner", () => {
  test("is who has the code of the log: once, while there is none", async () => {
    await ensureOperator(db.pool, "fresh");
    const fresh = await openPeopleApi(db.pool, { setupOperatorId: "fresh" });
    const window = openBrowser(fresh.app);
    expect((await window.get("/v1/setup")).body).toEqual({ ownerNeeded: true });
    const code = await createSetupCode(db.pool, "fresh");
    const second = await createSetupCode(db.pool, "fresh");
    expect(
      JSON.stringify(await db.rows("select encode(code_hash, 'escape') as h from setup_code")),
    ).not.toContain(code.replaceAll("-", ""));
    const setUp = (typed: string) =>
      window.post("/v1/setup", {
        code: typed,
        email: "First@example.com",
        name: "First",
        password: PASSWORD,
      });
    expect(await setUp("AAAA-BBBB-CCCC-DDDD")).toMatchObject(problem(403, "WRONG_SETUP_CODE"));
    expect(await setUp(code.toLowerCase().replaceAll("-", " "))).toMatchObject({ status: 200 });
    expect((await window.get("/v1/me")).body).toMatchObject({ operatorId: "fresh", role: "owner" });
    expect((await window.get("/v1/setup")).body).toEqual({ ownerNeeded: false });
    expect(await setUp(second)).toMatchObject(problem(403, "WRONG_SETUP_CODE"));
    const late = await createSetupCode(db.pool, "fresh");
    expect(await setUp(late)).toMatchObject(problem(409, "SETUP_DONE"));
    await fresh.close();
  });

  test("one who has lost everything comes back by a link from the command line", async () => {
    const link = await inviteFromConsole(db.pool, "default", "Owner@example.com", "owner");
    expect((await lookUp(link)).body).toMatchObject({ how: "recover", role: "owner" });
    const window = browser();
    const password = "found the server again";
    expect((await accept(window, link, { password })).status).toBe(200);
    expect((await window.get("/v1/me")).body).toMatchObject({ role: "owner", keyName: "owner@example.com" });
    // All other sessions and the old password are gone.
    expect((await as("owner").get("/v1/me")).status).toBe(401);
    expect((await browser().signIn("owner@example.com")).status).toBe(401);
    windows.set("owner", window);
  });
});

describe("the audit", () => {
  const list = async (query: string) =>
    (await as("owner").get(`/v1/audit-entries?${query}`)).body as {
      items: { action: string; actor: string; subject: string; at: string; auditId: string }[];
      nextCursor: string | null;
    };

  test("is filtered, paged, newest first, and one's own only", async () => {
    const all = await list("limit=200");
    expect(all.items.length).toBeGreaterThan(20);
    const ids = all.items.map((item) => Number(item.auditId));
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    const made = await list("action=key.create&limit=200");
    expect(new Set(made.items.map((item) => item.action))).toEqual(new Set(["key.create"]));
    const [one] = made.items;
    expect((await list(`subject=${one?.subject}`)).items.length).toBeGreaterThan(0);
    const byAdmin = await list("actor=admin@example.com");
    expect(new Set(byAdmin.items.map((item) => item.actor))).toEqual(new Set(["admin@example.com"]));
    const from = encodeURIComponent(one?.at ?? "");
    expect((await list(`from=${from}&limit=1&action=key.create`)).items).toHaveLength(1);
    expect((await list(`to=2000-01-01T00:00:00Z`)).items).toEqual([]);
    const first = await list("limit=5");
    const second = await list(`limit=5&cursor=${first.nextCursor}`);
    expect(Number(second.items[0]?.auditId)).toBeLessThan(Number(first.items[4]?.auditId));
    expect(
      await as("owner").get(`/v1/audit-entries?limit=5&cursor=${first.nextCursor}&action=x`),
    ).toMatchObject(problem(400, "INVALID_CURSOR"));
    expect(JSON.stringify((await as("other").get("/v1/audit-entries")).body)).not.toContain(
      "owner@example.com",
    );
    expect(await as("support").get("/v1/audit-entries")).toMatchObject(problem(403, "FORBIDDEN"));
  });

  test("comes as CSV of any length, in which nothing is a formula", async () => {
    await db.pool.query(
      `insert into audit (operator_id, actor, request_id, action, subject, detail)
       select 'default', 'bulk', 'r' || n, 'bulk.test', '=HYPERLINK("http://evil.example")', '{}'
       from generate_series(1, 2500) n`,
    );
    const response = await api.app.inject({
      url: "/v1/audit-entries/csv?actor=bulk",
      headers: { host: "localhost", cookie: [...as("owner").jar].map(([k, v]) => `${k}=${v}`).join("; ") },
    });
    expect(response.headers["content-type"]).toContain("text/csv");
    const lines = response.body.trim().split("\n");
    expect(lines).toHaveLength(2_501);
    expect(lines[0]).toBe("auditId,at,actor,action,subject,requestId,detail");
    expect(new Set(lines.slice(1).map((line) => line.split(",")[5])).size).toBe(2_500);
    expect(lines[1]).toContain(`"'=HYPERLINK`);
  });
});
