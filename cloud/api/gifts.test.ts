/** What is taken back with a key, and what an operator may end of somebody's sessions. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestDb, type TestDb } from "../harness.ts";
import { ensureOperator } from "../sg.ts";
import { createMember, openBrowser, openPeopleApi, tokenOf, type Browser } from "./harness-people.ts";

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
let owner: Browser;
const browser = (): Browser => openBrowser(api.app);
const problem = (status: number, code: string) => ({ status, body: { status, code } });

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
  await ensureOperator(db.pool, "other");
  await createMember(db.pool, "owner@example.com", "owner");
  owner = browser();
  await owner.signIn("owner@example.com");
});
beforeEach(() => db.pool.query("delete from auth_throttle"));
afterAll(async () => {
  await api?.close();
  await db?.close();
});

describe("a key that is revoked", () => {
  const make = async (from: Browser, name: string, more?: object) => {
    const { status, body } = await from.post("/v1/api-keys", { name, role: "admin" }, more);
    expect(status).toBe(201);
    return { keyId: String(body["keyId"]), bearer: { authorization: `Bearer ${String(body["key"])}` } };
  };
  const livingKeys = async () =>
    (await db.rows<{ name: string }>("select name from api_key where revoked_at is null order by name")).map(
      (row) => row.name,
    );
  const invite = (email: string, bearer: object) =>
    browser().post("/v1/invitations", { email, role: "support" }, bearer);
  const lookUp = (link: unknown) => browser().post("/v1/invitations/lookup", { token: tokenOf(link) });

  test("takes along what was made with it, at any remove, and nothing else", async () => {
    const stays = await make(owner, "stays");
    const first = await make(owner, "first");
    const second = await make(browser(), "second", first.bearer);
    await make(browser(), "third", second.bearer);
    await make(browser(), "stays too", stays.bearer);
    const gone = [await invite("a@example.com", first.bearer), await invite("b@example.com", second.bearer)];
    const kept = await invite("c@example.com", stays.bearer);
    const used = await invite("d@example.com", first.bearer);
    const token = tokenOf(used.body["link"]);
    const person = browser();
    await person.post("/v1/invitations/accept", { token, name: "Di", password: "correct horse battery" });

    expect((await owner.delete(`/v1/api-keys/${first.keyId}`)).status).toBe(200);
    expect(await livingKeys()).toEqual(["stays", "stays too"]);
    for (const { body } of gone)
      expect(await lookUp(body["link"])).toMatchObject(problem(404, "INVITATION_GONE"));
    expect((await lookUp(kept.body["link"])).status).toBe(200);
    // Who has accepted is a person of their own, whom somebody has to remove.
    expect((await person.get("/v1/me")).body).toMatchObject({ role: "support" });
    const [entry] = await db.rows("select detail from audit where action = 'key.revoke'");
    expect(entry).toEqual({ detail: { name: "first", keysRevoked: 2, invitationsRevoked: 2 } });
  });

  test("of another operator takes nothing", async () => {
    const mine = await make(owner, "mine");
    await createMember(db.pool, "owner@other.example", "owner", { operatorId: "other" });
    const other = browser();
    await other.signIn("owner@other.example");
    expect(await other.delete(`/v1/api-keys/${mine.keyId}`)).toMatchObject(problem(404, "NOT_FOUND"));
    expect(await livingKeys()).toContain("mine");
  });
});

describe("signed out by an operator", () => {
  /** Of the right shape: it is refused before it is looked at. */
  const PASSKEY = { id: "x", rawId: "x", type: "public-key", response: {} };
  const me = (window: Browser, operator?: string) =>
    window.get("/v1/me", operator === undefined ? {} : { "moov-operator": operator });

  test("who belongs to no other is signed out altogether", async () => {
    const userId = await createMember(db.pool, "one@example.com", "support");
    const windows = [browser(), browser()];
    for (const window of windows) await window.signIn("one@example.com");
    expect((await owner.delete(`/v1/users/${userId}/sessions`)).body).toEqual({ revoked: 2 });
    for (const window of windows) {
      expect(await me(window)).toMatchObject(problem(401, "NO_KEY"));
      expect((await window.get("/v1/auth/session")).body).toMatchObject({ person: null });
    }
    expect(await db.rows("select from auth_session where user_id = $1", userId)).toEqual([]);
  });

  test("who belongs to another goes on there, and comes back here by signing in", async () => {
    const userId = await createMember(db.pool, "both@example.com", "support");
    await db.pool.query("insert into member (operator_id, user_id, role) values ('other', $1, 'billing')", [
      userId,
    ]);
    const window = browser();
    await window.signIn("both@example.com");
    expect((await owner.delete(`/v1/users/${userId}/sessions`)).body).toEqual({ revoked: 1 });
    expect(await me(window, "default")).toMatchObject(problem(401, "NO_SESSION"));
    expect((await me(window, "other")).body).toMatchObject({ operatorId: "other", role: "billing" });
    // Without a word of which: one where the session is good.
    expect((await me(window)).body).toMatchObject({ operatorId: "other" });
    // The old session makes no way in that outlasts it.
    expect(await window.post("/v1/me/passkeys/options")).toMatchObject(problem(403, "SIGN_IN_AGAIN"));
    expect(await window.post("/v1/me/passkeys", { name: "x", credential: PASSKEY })).toMatchObject(
      problem(403, "SIGN_IN_AGAIN"),
    );
    // Once more: there is nothing left to end.
    expect((await owner.delete(`/v1/users/${userId}/sessions`)).body).toEqual({ revoked: 0 });
    await window.signIn("both@example.com");
    expect((await me(window, "default")).body).toMatchObject({ operatorId: "default", role: "support" });
    expect((await window.post("/v1/me/passkeys/options")).status).toBe(200);
  });

  test("a membership elsewhere that has ended is none", async () => {
    const userId = await createMember(db.pool, "was@example.com", "support");
    await db.pool.query(
      `insert into member (operator_id, user_id, role, expires_at)
       values ('other', $1, 'installer', now() - interval '1 s')`,
      [userId],
    );
    const window = browser();
    await window.signIn("was@example.com");
    await owner.delete(`/v1/users/${userId}/sessions`);
    expect((await window.get("/v1/auth/session")).body).toMatchObject({ person: null });
  });
});
