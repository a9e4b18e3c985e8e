/** The audit of updates: what was there before and what is there now, of each thing that can be changed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { arrive, Journal, openTestDb, type TestDb } from "../harness.ts";
import { TERMS } from "../harness-money.ts";
import { createMember, openBrowser, openPeopleApi, type Browser } from "./harness-people.ts";

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
let owner: Browser;

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
  await arrive(db.pool, new Journal("er-n", "north").commit([{ kind: "er.stopped" }]));
  await createMember(db.pool, "owner@example.com", "owner");
  owner = openBrowser(api.app);
  await owner.signIn("owner@example.com");
});
afterAll(async () => {
  await api?.close();
  await db?.close();
});

async function detailsOf(action: string): Promise<Record<string, unknown>[]> {
  const sql = "select detail from audit where action = $1 order by audit_id";
  return (await db.rows<{ detail: Record<string, unknown> }>(sql, action)).map(({ detail }) => detail);
}

async function made(path: string, body: object, id: string): Promise<string> {
  const answer = await owner.post(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return `${path}/${encodeURIComponent(String(answer.body[id]))}`;
}

test("who was admin until yesterday: a role that changes, a membership that ends", async () => {
  const userId = await createMember(db.pool, "ana@example.com", "admin");
  const path = `/v1/users/${userId}`;
  expect((await owner.patch(path, { role: "support", siteIds: ["north"] })).status).toBe(200);
  // Nothing changes: that is told as well.
  expect((await owner.patch(path, { role: "support" })).status).toBe(200);
  const email = "ana@example.com";
  expect(await detailsOf("user.update")).toEqual([
    {
      email,
      before: { role: "admin", siteIds: null },
      after: { role: "support", siteIds: ["north"] },
    },
    { email, before: {}, after: {} },
  ]);
  expect((await owner.delete(path)).status).toBe(200);
  expect(await detailsOf("user.remove")).toMatchObject([
    { email, before: { role: "support", siteIds: ["north"], expiresAt: null }, after: {} },
  ]);
});

test.each([
  {
    action: "idToken.update",
    make: () => made("/v1/id-tokens", { idToken: "AB12", label: "old" }, "idToken"),
    patch: { status: "Blocked", label: "old", maxEnergyWh: 5_000 },
    before: { status: "Accepted", maxEnergyWh: null },
    after: { status: "Blocked", maxEnergyWh: 5_000 },
  },
  {
    action: "alarmRule.update",
    make: () =>
      made("/v1/alarm-rules", { name: "disk", kind: "er-disk", severity: "info", emails: [] }, "ruleId"),
    patch: { name: "disk", enabled: false, emails: ["night@example.com"] },
    before: { enabled: true, emails: [] },
    after: { enabled: false, emails: ["night@example.com"] },
  },
  {
    action: "template.update",
    make: () =>
      made(
        "/v1/station-templates",
        { name: "all", variables: [{ variable: "HeartbeatInterval", value: "300" }] },
        "templateId",
      ),
    patch: { name: "all", vendor: "Acme" },
    before: { vendor: null },
    after: { vendor: "Acme" },
  },
  {
    action: "webhookEndpoint.update",
    make: () => made("/v1/webhook-endpoints", { url: "https://hooks.example.com/a" }, "endpointId"),
    patch: { url: "https://hooks.example.com/b", enabled: false },
    before: { url: "https://hooks.example.com/a", enabled: true, disabledBecause: null },
    after: { url: "https://hooks.example.com/b", enabled: false, disabledBecause: "by-person" },
  },
])("$action tells what changed and nothing else", async ({ action, make, patch, before, after }) => {
  const answer = await owner.patch(await make(), patch);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(await detailsOf(action)).toEqual([{ before, after }]);
});

test("an operator's own data: the fields that changed", async () => {
  const { name } = (await owner.get("/v1/operator")).body;
  expect((await owner.patch("/v1/operator", { name, receiptFooter: "Thank you" })).status).toBe(200);
  expect(await detailsOf("operator.update")).toEqual([
    { before: { receiptFooter: null }, after: { receiptFooter: "Thank you" } },
  ]);
});

test("a tariff's new version: terms before and after", async () => {
  const terms = (perKwhMicro: number) => ({ ...TERMS, elements: [{ perKwhMicro }] });
  const path = await made("/v1/tariffs", { name: "day", terms: terms(1_000_000) }, "tariffId");
  const body = { name: "day", terms: terms(2_000_000) };
  const published = await owner.put(path, body, { "if-match": '"1"' });
  expect(published.status, JSON.stringify(published.body)).toBe(200);
  expect(await detailsOf("tariff.publish")).toMatchObject([
    {
      before: { version: 1, terms: { elements: [{ perKwhMicro: 1_000_000 }] } },
      after: { version: 2, terms: { elements: [{ perKwhMicro: 2_000_000 }] } },
    },
  ]);
});
