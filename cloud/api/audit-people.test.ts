/** What people do with their accounts: the change and its audit row are there together, or neither is. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { inTransaction } from "../db/pool.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { createPerson } from "../people.ts";
import { createMember, openBrowser, openPeopleApi, PASSWORD, tokenOf, totpOf } from "./harness-people.ts";

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
let address = 0;

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
});
beforeEach(() => db.pool.query("delete from auth_throttle"));
afterEach(() => db.pool.query("alter table audit drop constraint if exists none_of"));
afterAll(async () => {
  await api?.close();
  await db?.close();
});

const browser = () => openBrowser(api.app, "http://localhost", `192.0.2.${++address}`);
async function member(email: string) {
  const userId = await createMember(db.pool, email, "owner");
  const window = browser();
  expect((await window.signIn(email)).status).toBe(200);
  return { userId, window };
}
/** From now on no row of this action can be written. */
const refuse = (action: string) =>
  db.pool.query(`alter table audit add constraint none_of check (action <> '${action}') not valid`);
const auditOf = (email: string) =>
  db.rows<{ operator_id: string | null; action: string; detail: unknown }>(
    "select operator_id, action, detail from audit where actor = $1 order by audit_id",
    email,
  );
const actionsOf = async (email: string) => (await auditOf(email)).map(({ action }) => action);
/** All that is a person's, to see that nothing of it has changed. */
const accountOf = (userId: string) =>
  db.rows(
    `select u.name, u.email_verified, u.two_factor_enabled, a.password,
       (select json_agg(s.id order by s.id) from auth_session s where s.user_id = u.id) as sessions,
       (select json_agg(f.secret) from auth_two_factor f where f.user_id = u.id) as factors
     from auth_user u join auth_account a on a.user_id = u.id where u.id = $1`,
    userId,
  );

describe("without an audit row there is no change", () => {
  test.each([
    [
      "session.create",
      (w) => w.post("/v1/auth/sign-in", { email: "session.create@x.example", password: PASSWORD }),
    ],
    ["session.revoke", (w) => w.delete("/v1/me/sessions")],
    ["session.revoke-own", (w) => w.post("/v1/auth/sign-out")],
    ["person.update", (w) => w.patch("/v1/me", { name: "Another" })],
    [
      "password.change",
      (w) => w.post("/v1/me/password", { password: PASSWORD, newPassword: `${PASSWORD} 2` }),
    ],
    ["totp.enrol", (w) => w.post("/v1/me/totp", { password: PASSWORD })],
  ] as [string, (window: ReturnType<typeof browser>) => Promise<{ status: number; setCookie: string[] }>][])(
    "%s",
    async (name, act) => {
      const email = `${name}@x.example`;
      const { userId, window } = await member(email);
      await browser().signIn(email);
      const before = await accountOf(userId);
      await refuse(name.replace(/-own$/, ""));
      const answer = await act(window);
      expect(answer.status).toBe(500);
      expect(answer.setCookie).toEqual([]);
      expect(await accountOf(userId)).toEqual(before);
      await db.pool.query("alter table audit drop constraint none_of");
      expect((await act(window)).status).toBe(200);
      expect(await accountOf(userId)).not.toEqual(before);
    },
  );

  test("totp.enable and totp.disable", async () => {
    const { userId, window } = await member("totp@x.example");
    const { body } = await window.post("/v1/me/totp", { password: PASSWORD });
    const code = totpOf(String(body["totpUri"]));
    await refuse("totp.enable");
    expect((await window.post("/v1/me/totp/confirm", { code })).status).toBe(500);
    expect(await accountOf(userId)).toMatchObject([{ two_factor_enabled: false }]);
    await db.pool.query("alter table audit drop constraint none_of");
    expect((await window.post("/v1/me/totp/confirm", { code })).status).toBe(200);
    expect(await accountOf(userId)).toMatchObject([{ two_factor_enabled: true }]);
    await refuse("totp.disable");
    expect((await window.post("/v1/me/totp/disable", { password: PASSWORD })).status).toBe(500);
    expect(await accountOf(userId)).toMatchObject([{ two_factor_enabled: true }]);
    await db.pool.query("alter table audit drop constraint none_of");
    expect((await window.post("/v1/me/totp/disable", { password: PASSWORD })).status).toBe(200);
    expect(await actionsOf("totp@x.example")).toEqual([
      ...["session.create", "totp.enrol", "totp.enable", "totp.disable"],
    ]);
  });

  test("password.reset: the link is used up, the password is the old one", async () => {
    const { userId, window } = await member("reset@x.example");
    await window.post("/v1/auth/password-resets", { email: "reset@x.example" });
    await expect.poll(() => api.mails.at(-1)?.to).toBe("reset@x.example");
    const token = tokenOf(api.mails.at(-1)?.text);
    const before = await accountOf(userId);
    await refuse("password.reset");
    const reset = () => browser().post("/v1/auth/passwords", { token, password: `${PASSWORD} 3` });
    expect((await reset()).status).toBe(500);
    expect(await accountOf(userId)).toEqual(before);
    await db.pool.query("alter table audit drop constraint none_of");
    await window.post("/v1/auth/password-resets", { email: "reset@x.example" });
    await expect.poll(() => api.mails.length).toBeGreaterThan(1);
    const fresh = tokenOf(api.mails.at(-1)?.text);
    const done = await browser().post("/v1/auth/passwords", { token: fresh, password: `${PASSWORD} 3` });
    expect(done.status).toBe(200);
    expect(await actionsOf("reset@x.example")).toEqual(["session.create", "password.reset"]);
  });
});

test("what is refused changes nothing and stands as refused; failures still count", async () => {
  const { window } = await member("refused@x.example");
  const wrong = { password: "not it at all", newPassword: `${PASSWORD} 2` };
  expect((await window.post("/v1/me/password", wrong)).status).toBe(400);
  expect((await browser().signIn("refused@x.example", "not it at all")).status).toBe(401);
  expect(await actionsOf("refused@x.example")).toEqual(["session.create", "session.refuse"]);
});

test("a name shows what it was before", async () => {
  const { window } = await member("name@x.example");
  expect((await window.patch("/v1/me", { name: "Ana" })).status).toBe(200);
  expect((await auditOf("name@x.example")).at(-1)).toMatchObject({
    ...{ action: "person.update", detail: { before: { name: "name" }, after: { name: "Ana" } } },
  });
});

test("who belongs to no operator leaves rows as well, which no operator sees", async () => {
  const email = "nobody@x.example";
  const person = { email, name: "Nobody", password: PASSWORD, emailVerified: true };
  await inTransaction(db.pool, (client) => createPerson(client, person));
  const window = browser();
  expect((await window.signIn(email)).status).toBe(200);
  expect((await window.post("/v1/auth/sign-out")).status).toBe(200);
  expect(await auditOf(email)).toMatchObject([
    { operator_id: null, action: "session.create" },
    { operator_id: null, action: "session.revoke" },
  ]);
  const { window: owner } = await member("sees@x.example");
  const seen = await owner.get(`/v1/audit-entries?limit=200`);
  expect(seen.status).toBe(200);
  expect(JSON.stringify(seen.body)).not.toContain(email);
});

test("signing out stands in the audit; without a session there is nothing to tell", async () => {
  const { window } = await member("out@x.example");
  expect((await window.post("/v1/auth/sign-out")).status).toBe(200);
  expect((await window.post("/v1/auth/sign-out")).status).toBe(200);
  expect((await auditOf("out@x.example")).slice(1)).toMatchObject([
    { action: "session.revoke", detail: { by: "sign-out" } },
  ]);
});
