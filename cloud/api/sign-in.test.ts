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

describe("guessing", () => {
  test("a wrong password and an unknown address get the same answer, and are the same work", async () => {
    const answers = [];
    for (const email of ["owner@example.com", "nobody@example.com"]) {
      const { status, body, setCookie } = await browser().signIn(email, "wrong horse battery");
      const { instance: _instance, ...rest } = body;
      answers.push({ status, rest, setCookie });
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ status: 401, rest: { code: "WRONG_CREDENTIALS" } });
  });

  test("eight wrong ones close an account where they come from, not for its owner elsewhere", async () => {
    for (const email of ["owner@example.com", "ghost@example.com"]) {
      for (let i = 0; i < 8; i++)
        expect((await browser("192.0.2.7").signIn(email, `guess number ${i}`)).status).toBe(401);
      const locked = await browser("192.0.2.7").signIn(email);
      expect(locked).toMatchObject(problem(429, "TOO_MANY_ATTEMPTS"));
      expect(Number((locked.headers as Record<string, string>)["retry-after"])).toBeGreaterThan(800);
      // Whether it exists or not is told by no lock.
      expect((await browser("192.0.2.8").signIn(email, "wrong horse")).status).toBe(401);
    }
    // What is refused here does not add up to a lock elsewhere.
    for (let i = 0; i < 50; i++)
      expect((await browser("192.0.2.7").signIn("owner@example.com", "x")).status).toBe(429);
    expect((await browser("192.0.2.9").signIn("owner@example.com")).status).toBe(200);
    expect((await browser("192.0.2.7").signIn("owner@example.com")).status).toBe(429);
    // It ends by itself.
    await db.pool.query("update auth_throttle set blocked_until = now() - interval '1 second'");
    expect((await browser("192.0.2.7").signIn("owner@example.com")).status).toBe(200);
  });

  test("fifty wrong ones from many addresses close an account for all, whether it exists or not", async () => {
    for (const email of ["owner@example.com", "ghost@example.com"]) {
      for (let i = 0; i < 50; i++)
        expect((await browser(`198.51.100.${i}`).signIn(email, `guess number ${i}`)).status).toBe(401);
      expect(await browser("203.0.113.99").signIn(email)).toMatchObject(problem(429, "TOO_MANY_ATTEMPTS"));
    }
  }, 60_000);

  test("a right one takes back itself and what was mistyped here, not what others have tried", async () => {
    const guess = (address: string) => browser(address).signIn("owner@example.com", "wrong horse");
    for (let i = 0; i < 49; i++) expect((await guess(`198.51.100.${i}`)).status).toBe(401);
    for (let i = 0; i < 3; i++)
      expect((await browser("198.51.100.1").signIn("owner@example.com")).status).toBe(200);
    expect((await guess("198.51.100.1")).status).toBe(401);
    expect((await guess("203.0.113.1")).status).toBe(429);
  }, 60_000);

  test("many guesses at once from one address are no more than eight", async () => {
    const guesses = Array.from({ length: 20 }, (_, i) =>
      browser("198.51.100.7").signIn("owner@example.com", `guess number ${i}`),
    );
    const statuses = (await Promise.all(guesses)).map((answer) => answer.status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(8);
    expect(statuses.filter((status) => status === 429)).toHaveLength(12);
  });

  test("challenges for passkeys are rows: one address cannot fill the table with them", async () => {
    const ask = (address: string) => browser(address).post("/v1/auth/passkeys/options");
    const statuses: number[] = [];
    for (let i = 0; i < 241; i++) statuses.push((await ask("203.0.113.20")).status);
    expect(statuses.slice(-2)).toEqual([200, 429]);
    expect((await ask("203.0.113.21")).status).toBe(200);
    const [row] = await db.rows<{ count: number }>("select count(*)::int as count from auth_verification");
    expect(row?.count).toBe(241);
  }, 60_000);

  test("one address cannot try many accounts; the neighbour can; an IPv6 subscriber is one address", async () => {
    const tries = async (address: (i: number) => string) => {
      const statuses = [];
      for (let i = 0; i < 61; i++)
        statuses.push((await browser(address(i)).signIn(`a${i}@example.com`, "wrong horse")).status);
      return statuses.slice(-2);
    };
    expect(await tries(() => "203.0.113.7")).toEqual([401, 429]);
    expect((await browser("203.0.113.8").signIn("owner@example.com")).status).toBe(200);
    expect(await tries((i) => `2001:db8:0:1::${i + 1}`)).toEqual([401, 429]);
    expect((await browser("2001:db8:0:2::1").signIn("owner@example.com")).status).toBe(200);
  }, 60_000);

  test("what is no sign-in is refused before anything is computed", async () => {
    const window = browser();
    const post = (body: unknown) => window.post("/v1/auth/sign-in", body);
    expect(await post({ email: "ünïcode@example.com", password: PASSWORD })).toMatchObject(
      problem(400, "INVALID_EMAIL"),
    );
    expect(await post({ email: "owner@example.com", password: "x".repeat(201) })).toMatchObject(
      problem(400, "INVALID_REQUEST"),
    );
    expect(await post({ email: { $ne: null }, password: PASSWORD })).toMatchObject(
      problem(400, "INVALID_REQUEST"),
    );
    expect((await post({ email: "a@example.com", password: "x", pad: "y".repeat(40_000) })).status).toBe(413);
    expect(await post({ email: "owner@example.com\0", password: PASSWORD })).toMatchObject({ status: 400 });
    window.jar.set("sg", `${"a".repeat(32)}.${"b".repeat(44)}`);
    expect(await window.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
    window.jar.set("sg", "%00%ff");
    expect(await window.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
  });
});

describe("second factor", () => {
  /** With an authenticator app from now on. */
  async function enrolled(email: string) {
    const { window, userId } = await person(email);
    expect(await window.post("/v1/me/totp", { password: "not the password" })).toMatchObject(
      problem(400, "WRONG_PASSWORD"),
    );
    const { body } = await window.post("/v1/me/totp", { password: PASSWORD });
    const { totpUri, backupCodes } = body as { totpUri: string; backupCodes: string[] };
    expect(totpUri).toMatch(/^otpauth:\/\/totp\/Moov\.olt:/);
    // Not before a code has shown that the app has it.
    expect((await browser().signIn(email)).body).toEqual({ next: "done" });
    expect(await window.post("/v1/me/totp/confirm", { code: "000000" })).toMatchObject(
      problem(401, "WRONG_CODE"),
    );
    expect((await window.post("/v1/me/totp/confirm", { code: totpOf(totpUri) })).status).toBe(200);
    expect((await window.get("/v1/me")).body).toMatchObject({ person: { twoFactor: true } });
    await db.pool.query("delete from auth_used_code");
    return { window, userId, totpUri, backupCodes };
  }

  test("is asked for, and lets in by a code, once", async () => {
    const { totpUri } = await enrolled("totp@example.com");
    const window = browser();
    expect((await window.signIn("totp@example.com")).body).toEqual({ next: "second-factor" });
    expect(await window.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
    const code = totpOf(totpUri);
    const second = (w: Browser, value: string) =>
      w.post("/v1/auth/second-factor", { method: "totp", code: value });
    expect(await second(window, "123456")).toMatchObject(problem(401, "WRONG_CODE"));
    expect((await second(window, code)).body).toEqual({ next: "done" });
    expect((await window.get("/v1/me")).body).toMatchObject({ keyName: "totp@example.com" });
    // Somebody who looked over the shoulder comes too late.
    const other = browser();
    await other.signIn("totp@example.com");
    expect(await second(other, code)).toMatchObject(problem(401, "WRONG_CODE"));
    expect(await other.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
    // Five guesses, then the password again.
    const third = browser();
    await third.signIn("totp@example.com");
    for (let i = 0; i < 5; i++)
      expect(await second(third, `00000${i}`)).toMatchObject(problem(401, "WRONG_CODE"));
    expect(await second(third, totpOf(totpUri, Date.now() + 30_000))).toMatchObject(
      problem(400, "SIGN_IN_AGAIN"),
    );
    expect(await second(browser(), totpOf(totpUri, Date.now() + 30_000))).toMatchObject(
      problem(401, "SIGN_IN_AGAIN"),
    );
  });

  test("a backup code lets in once; new ones end the old ones; without it again by password", async () => {
    const { window: first, backupCodes } = await enrolled("backup@example.com");
    expect(backupCodes.length).toBeGreaterThan(5);
    const attempt = async (code: string) => {
      const window = browser();
      expect((await window.signIn("backup@example.com")).body).toEqual({ next: "second-factor" });
      return window.post("/v1/auth/second-factor", { method: "backup-code", code });
    };
    expect((await attempt(backupCodes[0] ?? "")).body).toEqual({ next: "done" });
    expect(await attempt(backupCodes[0] ?? "")).toMatchObject(problem(401, "WRONG_CODE"));
    const renewed = await first.post("/v1/me/backup-codes", { password: PASSWORD });
    const codes = renewed.body["backupCodes"] as string[];
    expect(await attempt(backupCodes[1] ?? "")).toMatchObject(problem(401, "WRONG_CODE"));
    expect((await attempt(codes[1] ?? "")).body).toEqual({ next: "done" });
    // What is stored lets nobody in.
    const stored = await db.rows("select secret, backup_codes from auth_two_factor");
    expect(JSON.stringify(stored)).not.toContain(codes[2]);
    expect(await first.post("/v1/me/totp/disable", { password: "wrong" })).toMatchObject(
      problem(400, "WRONG_PASSWORD"),
    );
    expect((await first.post("/v1/me/totp/disable", { password: PASSWORD })).status).toBe(200);
    expect((await browser().signIn("backup@example.com")).body).toEqual({ next: "done" });
  });

  test("an account is locked after ten wrong codes, over any number of sign-ins", async () => {
    const { totpUri } = await enrolled("codes@example.com");
    let last = { status: 0, body: {} };
    for (let i = 0; i < 11; i++) {
      const window = browser();
      await window.signIn("codes@example.com");
      last = await window.post("/v1/auth/second-factor", { method: "totp", code: `1234${i + 10}` });
    }
    expect(last).toMatchObject(problem(429, "TOO_MANY_ATTEMPTS"));
    const window = browser();
    await window.signIn("codes@example.com");
    expect(
      await window.post("/v1/auth/second-factor", { method: "totp", code: totpOf(totpUri) }),
    ).toMatchObject(problem(429, "TOO_MANY_ATTEMPTS"));
  });
});

describe("sessions", () => {
  test("are listed without what they are made of, and end at once, one by one or all others", async () => {
    const { window: first, userId } = await person("sessions@example.com");
    const windows = [browser(), browser(), browser()];
    for (const window of windows) {
      window.headers["user-agent"] = "Firefox";
      await window.signIn("sessions@example.com");
    }
    const { body } = await first.get("/v1/me/sessions");
    const items = body["items"] as {
      sessionId: string;
      current: boolean;
      userAgent: string;
      address: string;
    }[];
    expect(items).toHaveLength(4);
    expect(items.filter((item) => item.current)).toHaveLength(1);
    expect(items[0]).toMatchObject({ userAgent: "Firefox", address: "192.0.2.1" });
    expect(Object.keys(items[0] ?? {})).not.toContain("token");
    const [newest] = items;
    expect((await first.delete(`/v1/me/sessions/${newest?.sessionId}`)).status).toBe(200);
    expect(await windows[2]?.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
    expect((await windows[1]?.get("/v1/me"))?.status).toBe(200);
    expect((await first.delete("/v1/me/sessions")).body).toEqual({ revoked: 2 });
    expect((await windows[1]?.get("/v1/me"))?.status).toBe(401);
    expect((await first.get("/v1/me")).status).toBe(200);
    // Nobody's else.
    const { window: stranger } = await person("stranger@example.com");
    const [mine] = await db.rows<{ id: string }>("select id from auth_session where user_id = $1", userId);
    expect(await stranger.delete(`/v1/me/sessions/${mine?.id}`)).toMatchObject(problem(404, "NOT_FOUND"));
    expect((await first.get("/v1/me")).status).toBe(200);
  });

  test("one that has run out is none", async () => {
    const { window, userId } = await person("late@example.com");
    await db.pool.query("update auth_session set expires_at = now() - interval '1 s' where user_id = $1", [
      userId,
    ]);
    expect(await window.get("/v1/me")).toMatchObject(problem(401, "NO_KEY"));
  });

  test("a changed password ends the others; keys have no sessions", async () => {
    const { window } = await person("change@example.com");
    const other = browser();
    await other.signIn("change@example.com");
    const change = (password: string) =>
      window.post("/v1/me/password", { password, newPassword: "another horse battery" });
    expect(await change("wrong horse battery")).toMatchObject(problem(400, "WRONG_PASSWORD"));
    expect((await change(PASSWORD)).status).toBe(200);
    expect((await window.get("/v1/me")).status).toBe(200);
    expect((await other.get("/v1/me")).status).toBe(401);
    expect((await browser().signIn("change@example.com")).status).toBe(401);
    expect((await browser().signIn("change@example.com", "another horse battery")).status).toBe(200);
  });
});

describe("what a browser may send", () => {
  test("cookies are HttpOnly, SameSite=Lax and of this host; over https also Secure", async () => {
    const [plain = ""] = (await browser().signIn("owner@example.com")).setCookie;
    expect(plain).toMatch(/^sg=/);
    expect(plain).toMatch(/; HttpOnly/i);
    expect(plain).toMatch(/; SameSite=Lax/i);
    expect(plain).not.toMatch(/Domain|Secure/i);
    const secure = await openPeopleApi(db.pool, { webUrl: "https://olt.example" });
    const window = openBrowser(secure.app, "https://olt.example");
    const lines = (await window.signIn("owner@example.com")).setCookie;
    for (const line of lines) {
      expect(line).toMatch(/^__Host-sg/);
      for (const part of [/; Path=\/(;|$)/i, /; HttpOnly/i, /; Secure/i, /; SameSite=Lax/i])
        expect(line).toMatch(part);
      expect(line).not.toMatch(/Domain/i);
    }
    expect((await window.get("/v1/me")).status).toBe(200);
    // The weaker name is not taken for it.
    window.jar.set("sg", window.jar.get("__Host-sg") ?? "");
    window.jar.delete("__Host-sg");
    expect((await window.get("/v1/me")).status).toBe(401);
    await secure.close();
  });

  test("a write by cookie comes from the page itself", async () => {
    const { window } = await person("csrf@example.com", "owner");
    const write = (more: object) => window.patch("/v1/me", { name: "x" }, more);
    for (const origin of [
      "https://evil.example",
      "http://localhost.evil.example",
      "null",
      "http://localhost:81",
    ])
      expect(await write({ origin }), origin).toMatchObject(problem(403, "CROSS_ORIGIN"));
    expect(await write({ origin: undefined })).toMatchObject(problem(403, "CROSS_ORIGIN"));
    const invite = { email: "x@example.com", role: "admin" };
    expect(await window.post("/v1/invitations", invite, { origin: "https://evil.example" })).toMatchObject(
      problem(403, "CROSS_ORIGIN"),
    );
    expect((await write({})).status).toBe(200);
    // Nobody is signed in by another page either.
    expect(
      await browser().post(
        "/v1/auth/sign-in",
        { email: "owner@example.com", password: PASSWORD },
        { origin: "https://evil.example" },
      ),
    ).toMatchObject(problem(403, "CROSS_ORIGIN"));
    // A page behind https that the SG was not told of hears what to do.
    expect(await write({ origin: "https://localhost" })).toMatchObject({
      body: { detail: expect.stringContaining("SG_WEB_URL") as string },
    });
  });
});

describe("mail", () => {
  const lastMail = () => api.mails.at(-1);

  test("a forgotten password: the same answer for anybody, one link, once, all sessions end", async () => {
    const { window } = await person("forgot@example.com");
    const ask = (email: string) => browser().post("/v1/auth/password-resets", { email });
    const before = api.mails.length;
    const [known, unknown] = [await ask("forgot@example.com"), await ask("unknown@example.com")];
    expect([known.status, known.body]).toEqual([202, { done: true }]);
    expect([unknown.status, unknown.body]).toEqual([202, { done: true }]);
    expect(api.mails.length).toBe(before + 1);
    expect(lastMail()).toMatchObject({ to: "forgot@example.com" });
    expect(lastMail()?.text).toContain("http://localhost/reset-password#token=");
    const token = tokenOf(lastMail()?.text);
    expect(JSON.stringify(await db.rows("select * from auth_verification"))).not.toContain(token);
    const set = (password: string) => browser().post("/v1/auth/passwords", { token, password });
    expect(await set("short")).toMatchObject(problem(400, "INVALID_REQUEST"));
    expect((await set("a new horse battery")).status).toBe(200);
    expect(await set("a newer horse battery")).toMatchObject(problem(400, "LINK_USED_UP"));
    expect((await window.get("/v1/me")).status).toBe(401);
    expect((await browser().signIn("forgot@example.com", "a new horse battery")).status).toBe(200);
  });

  test("nobody's mailbox is filled", async () => {
    await createMember(db.pool, "flood@example.com", "support");
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      const window = browser(`198.51.100.${i}`);
      statuses.push((await window.post("/v1/auth/password-resets", { email: "Flood@example.com" })).status);
    }
    expect(statuses).toEqual([202, 202, 202, 202, 429]);
  });

  test("an address is verified by who is signed in with it, and by nobody else", async () => {
    const { window, userId } = await person("verify@example.com");
    await db.pool.query("update auth_user set email_verified = false where id = $1", [userId]);
    expect((await window.post("/v1/me/email-verifications")).status).toBe(202);
    expect(lastMail()).toMatchObject({ to: "verify@example.com" });
    const token = tokenOf(lastMail()?.text);
    const { window: stranger } = await person("stranger2@example.com");
    const confirm = (w: Browser) => w.post("/v1/me/email-verifications/confirm", { token });
    expect(await confirm(stranger)).toMatchObject(problem(400, "LINK_OF_ANOTHER"));
    expect(await confirm(browser())).toMatchObject(problem(401, "NO_KEY"));
    expect((await confirm(window)).status).toBe(200);
    expect((await window.get("/v1/me")).body).toMatchObject({ person: { emailVerified: true } });
  });

  test("the first proof of a mailbox takes away what somebody else may have left in the account", async () => {
    const { window, userId } = await person("hijack@example.com");
    await db.pool.query("update auth_user set email_verified = false where id = $1", [userId]);
    await db.pool.query(
      `insert into auth_passkey (id, user_id, public_key, credential_id, counter, device_type, backed_up)
       values ('p', $1, 'k', 'c', 0, 'singleDevice', false)`,
      [userId],
    );
    const { body } = await window.post("/v1/me/totp", { password: PASSWORD });
    await window.post("/v1/me/totp/confirm", { code: totpOf(String(body["totpUri"])) });
    await browser().post("/v1/auth/password-resets", { email: "hijack@example.com" });
    const reset = { token: tokenOf(lastMail()?.text), password: "the mailbox is mine" };
    expect((await browser().post("/v1/auth/passwords", reset)).status).toBe(200);
    expect((await window.get("/v1/me")).status).toBe(401);
    expect((await browser().signIn("hijack@example.com", "the mailbox is mine")).body).toEqual({
      next: "done",
    });
    expect(await db.rows("select 1 from auth_passkey where user_id = $1", userId)).toEqual([]);
  });

  test("without SMTP the page is told so, and no link is written anywhere", async () => {
    const mute = await openPeopleApi(db.pool, { sendMail: undefined });
    const window = openBrowser(mute.app);
    expect((await window.get("/v1/auth/methods")).body).toEqual({
      password: true,
      passkeys: true,
      sso: null,
      mail: false,
    });
    expect((await window.post("/v1/auth/password-resets", { email: "owner@example.com" })).status).toBe(202);
    await mute.close();
  });
});

test("what a person does stands in the audit of their operators", async () => {
  const { window, userId } = await person("audited@example.com");
  await browser().signIn("audited@example.com", "wrong horse battery");
  await window.patch("/v1/me", { name: "Ana" });
  const rows = await db.rows<{ action: string }>(
    "select action, actor from audit where operator_id = 'default' and subject = $1 order by audit_id",
    userId,
  );
  expect(rows.map((row) => row.action)).toEqual(["session.create", "session.refuse", "person.update"]);
});
