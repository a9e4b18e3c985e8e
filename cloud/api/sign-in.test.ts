/** Signing in over HTTP: passwords, second factors, sessions, mails, what browsers may send, and guessing. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestDb, type TestDb } from "../harness.ts";
import {
  createMember,
  openBrowser,
  openPeopleApi,
  PASSWORD,
  tokenOf,
  totpOf,
  type Browser,
} from "./harness-people.ts";

type Api = Awaited<ReturnType<typeof openPeopleApi>>;

let db: TestDb;
let api: Api;
let owner: string;

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
  owner = await createMember(db.pool, "owner@example.com", "owner");
});
beforeEach(() => db.pool.query("delete from auth_throttle"));
afterAll(async () => {
  await api?.close();
  await db?.close();
});

const browser = (address?: string): Browser => openBrowser(api.app, undefined, address);
const problem = (status: number, code: string) => ({ status, body: { status, code } });

/** Somebody of their own for a test, signed in. */
async function person(email: string, role: Parameters<typeof createMember>[2] = "support") {
  const userId = await createMember(db.pool, email, role);
  const window = browser();
  expect(await window.signIn(email)).toMatchObject({ status: 200, body: { next: "done" } });
  return { userId, email, window };
}

describe("password", () => {
  test("signs in, tells who it is, and signs out at once", async () => {
    const window = browser();
    expect((await window.get("/v1/auth/session")).body).toEqual({ person: null, operators: [] });
    expect(await window.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
    // Whoever types the address in capitals means the same one.
    expect(await window.signIn("Owner@Example.com")).toMatchObject({ status: 200, body: { next: "done" } });
    expect((await window.get("/v1/me")).body).toMatchObject({
      operatorId: "default",
      keyName: "owner@example.com",
      role: "owner",
      siteIds: null,
      person: { userId: owner, email: "owner@example.com", emailVerified: true, twoFactor: false },
      operators: [{ operatorId: "default", name: "default", role: "owner" }],
    });
    expect((await window.get("/v1/auth/session")).body).toMatchObject({ person: { userId: owner } });
    const copy = new Map(window.jar);
    expect((await window.post("/v1/auth/sign-out")).status).toBe(200);
    expect(window.jar.has("sg")).toBe(false);
    // A cookie that somebody has kept is worth nothing any more.
    for (const [name, value] of copy) window.jar.set(name, value);
    expect(await window.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
  });

  test("no answer holds the session's token", async () => {
    const window = browser();
    const answer = await window.signIn("owner@example.com");
    const tokens = await db.rows<{ token: string }>("select token from auth_session");
    for (const { token } of tokens) {
      expect(JSON.stringify(answer.body)).not.toContain(token);
      expect(JSON.stringify((await window.get("/v1/auth/session")).body)).not.toContain(token);
    }
  });
});
