/** The mail of an invitation: in the outbox with the invitation, or neither of them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDb, type TestDb } from "../harness.ts";
import { letterBox } from "../mail.ts";
import { createMember, openBrowser, openPeopleApi, tokenOf, type Browser } from "./harness-people.ts";

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
let owner: Browser;

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool, { sendMail: letterBox(db.pool) });
  await createMember(db.pool, "owner@example.com", "owner");
  owner = openBrowser(api.app);
  await owner.signIn("owner@example.com");
});
afterAll(async () => {
  await api?.close();
  await db?.close();
});

const invite = (email: string, more: object = {}) =>
  owner.post("/v1/invitations", { email, role: "support" }, more);
const mails = () =>
  db.rows<{ operator_id: string; kind: string; recipient: string; content: { text: string } }>(
    "select operator_id, kind, recipient, content from mail order by created_at",
  );

test("whoever is told that it was mailed has a mail in the outbox, once per key", async () => {
  const key = { "idempotency-key": "k1" };
  const [first, again] = [await invite("ana@example.com", key), await invite("ana@example.com", key)];
  expect(first).toMatchObject({ status: 201, body: { mailed: true } });
  expect(again).toMatchObject({ status: 201, body: { mailed: true, link: null } });
  const waiting = await mails();
  expect(waiting).toMatchObject([
    { operator_id: "default", kind: "invitation", recipient: "ana@example.com" },
  ]);
  const token = tokenOf(waiting[0]?.content.text);
  const found = await openBrowser(api.app).post("/v1/invitations/lookup", { token });
  expect(found).toMatchObject({ status: 200, body: { email: "ana@example.com" } });
});

test("where the outbox takes none there is no invitation, and nobody is told that there is", async () => {
  await db.pool.query("alter table mail add constraint full_up check (recipient <> 'bia@example.com')");
  const before = (await mails()).length;
  expect((await invite("bia@example.com")).status).toBe(500);
  expect(await db.rows("select from invitation where email = 'bia@example.com'")).toEqual([]);
  expect(await db.rows("select from audit where detail->>'email' = 'bia@example.com'")).toEqual([]);
  expect((await mails()).length).toBe(before);
});

test("what is asked for by nobody who is known is nobody's mail", async () => {
  await openBrowser(api.app).post("/v1/auth/password-resets", { email: "owner@example.com" });
  await expect
    .poll(async () => (await mails()).at(-1))
    .toMatchObject({
      ...{ operator_id: null, kind: "sign-in", recipient: "owner@example.com" },
    });
});
