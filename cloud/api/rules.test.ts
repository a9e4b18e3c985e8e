/** Rules of sites and scopes of tokens: written once, checked, audited, and told to the sites. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { until } from "../../sim/services/until.ts";
import { ensureSigningKey } from "../ingest/policy.ts";
import { arrive, Journal, online, openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import type { IdTokenView, SitePatch } from "./rule-schemas.ts";
import type { Site } from "./schemas.ts";

let db: TestDb;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1")]));
  await arrive(db.pool, new Journal("er-2", "site-2").commit([online("CP2")]));
  await arrive(db.pool, new Journal("er-3", "site-rival").commit([online("CP9")]), "rival").catch(
    () => undefined,
  );
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const site = async (siteId = "site-1") => (await api.get(`/v1/sites/${siteId}`)).body as Site;
const patch = (body: SitePatch | object, siteId = "site-1") => api.send("PATCH", `/v1/sites/${siteId}`, body);

describe("rules of a site", () => {
  test("a patch changes what it names, bumps this site's policy only, and is audited", async () => {
    const [before, other] = [await site(), await site("site-2")];
    const reply = await patch({ unknownToken: "cap", defaultLimitA: 16, staleAfterS: 600 });
    expect(reply.status, reply.text).toBe(200);
    const after = reply.body as Site;
    expect(after.rules).toEqual({
      ...before.rules,
      unknownToken: "cap",
      defaultLimitA: 16,
      staleAfterS: 600,
    });
    expect(after.policyVersion).toBeGreaterThan(before.policyVersion);
    expect(await site()).toEqual(after);
    expect((await site("site-2")).policyVersion).toBe(other.policyVersion);
    const rows = await db.rows<{ actor: string; detail: unknown }>(
      "select actor, detail from audit where action = 'site.update' and subject = 'site-1'",
    );
    expect(rows).toEqual([
      {
        actor: "test",
        detail: {
          before: {
            unknownToken: before.rules.unknownToken,
            defaultLimitA: before.rules.defaultLimitA,
            staleAfterS: before.rules.staleAfterS,
          },
          after: { unknownToken: "cap", defaultLimitA: 16, staleAfterS: 600 },
        },
      },
    ]);
  });

  test("nested rules are replaced whole; null takes the limit away", async () => {
    const unknownCap = { energyWh: 5_000, durationS: 3_600, startsPerDay: 1, siteEnergyWhPerDay: 50_000 };
    const revocation = { rule: "min-energy", energyWh: 500 };
    const reply = await patch({ unknownCap, revocation, defaultLimitA: null });
    expect((reply.body as Site).rules).toMatchObject({ unknownCap, revocation, defaultLimitA: null });
  });

  test.each([
    ["a rule that does not exist", { unknownToken: "maybe" }],
    ["half a cap", { unknownCap: { energyWh: 1_000 } }],
    ["a limit below what a car may draw", { defaultLimitA: 5 }],
    ["an unknown field", { name: "Parque" }],
    ["old before stale", { staleAfterS: 7_200, oldAfterS: 3_600 }],
  ])("%s is refused, and nothing changes", async (_what, body) => {
    const before = await site();
    const reply = await patch(body);
    expect(reply.status, reply.text).toBe(400);
    expect(await site()).toEqual(before);
  });

  test("a site that is not there, or another operator's, cannot be changed", async () => {
    expect(await patch({ unknownToken: "allow" }, "nowhere")).toMatchObject({ status: 404 });
    expect(await patch({ unknownToken: "allow" }, "site-rival")).toMatchObject({ status: 404 });
  });
});

describe("scope of a token", () => {
  const create = (body: object) =>
    api.send("POST", "/v1/id-tokens", { idToken: randomUUID().slice(0, 20), ...body });

  test("sites, stations, trust and bounds are kept, changed and cleared", async () => {
    const full = {
      siteIds: ["site-1", "site-2"],
      stationIds: ["CP1"],
      trusted: true,
      maxConcurrent: 2,
      maxEnergyWh: 40_000,
    };
    const reply = await create(full);
    expect(reply.status, reply.text).toBe(201);
    const token = reply.body as IdTokenView;
    expect(token).toMatchObject(full);
    const path = `/v1/id-tokens/${token.idToken}`;
    const changed = await api.send("PATCH", path, { siteIds: ["site-2"], trusted: false });
    expect(changed.body).toMatchObject({ ...full, siteIds: ["site-2"], trusted: false });
    const nothing = { siteIds: null, stationIds: null, maxConcurrent: null, maxEnergyWh: null };
    expect((await api.send("PATCH", path, nothing)).body).toMatchObject({ ...nothing, trusted: false });
    expect((await create({})).body).toMatchObject({ ...nothing, trusted: false });
  });

  test.each([
    ["a site that does not exist", { siteIds: ["site-1", "nowhere"] }, "UNKNOWN_SITE"],
    ["a station that does not exist", { stationIds: ["CP77"] }, "UNKNOWN_STATION"],
    ["no transactions at once", { maxConcurrent: 0 }, "INVALID_REQUEST"],
    ["a text for trust", { trusted: "yes" }, "INVALID_REQUEST"],
  ])("%s is refused", async (_what, body, code) => {
    expect(await create(body)).toMatchObject({ status: 400, body: { code } });
  });
});

test("the key that signs policies is told to whoever asks, once there is one", async () => {
  expect(await api.get("/v1/policy-key")).toMatchObject({ status: 404, body: { code: "NO_POLICY_KEY" } });
  await ensureSigningKey(db.pool);
  const { publicKey } = (await api.get("/v1/policy-key")).body as { publicKey: string };
  expect(publicKey).toMatch(/^[A-Za-z0-9+/]{59}=$/);
  await until("the same one again", async () => (await api.get("/v1/policy-key")).status === 200);
});
