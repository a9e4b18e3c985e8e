/** The policy of a site: which tokens, named how, signed by whom, and how fast. */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { openPolicy, Policy, tokenHash, type SignedPolicy } from "../../shared/policy.ts";
import { packTokens } from "../../shared/decide/token-set.ts";
import { checkWire, decodeWire, encodeWire } from "../../shared/wire.ts";
import { SignedPolicy as SignedPolicySchema } from "../../shared/policy.ts";
import { arrive, introduce, Journal, online, openTestDb, start16, type TestDb } from "../harness.ts";
import { ensureSigningKey, readPolicy, readPublicKey, readSignedPolicy } from "./policy.ts";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  await arrive(db.pool, new Journal("er-1", "site-1").commit([online("CP1"), online("CP2")]));
  await arrive(db.pool, new Journal("er-2", "site-2").commit([online("CP1")]));
  await db.pool.query("insert into operator (operator_id, name) values ('rival', 'rival')");
  await db.pool.query(
    `insert into id_token (operator_id, id_token, status, group_id, master, expires_at, site_ids, station_ids,
       trusted, max_concurrent, max_energy_wh) values
     ('default', 'Blocked', 'Blocked', null, false, null, null, null, false, null, null),
     ('default', 'All', 'Accepted', 'G', true, '2030-01-01', null, null, true, 2, 9000),
     ('default', 'Here', 'Accepted', null, false, null, '{site-1}', null, false, null, null),
     ('default', 'There', 'Accepted', null, false, null, '{site-2}', '{site-2~CP1}', false, null, null),
     ('default', 'One', 'Accepted', null, false, null, null, '{CP2,site-2~CP1}', false, null, null),
     ('rival', 'THEIRS', 'Accepted', null, false, null, null, null, false, null, null)`,
  );
});
afterAll(() => db.close());

const tokenOf = (policy: Policy, idToken: string) =>
  policy.tokens.find((token) => token.hash === tokenHash(policy.salt, idToken));

/** The policy as the site's ER reads it. */
async function sentTo(siteId: string): Promise<Policy> {
  const policy = await readPolicy(db.pool, siteId);
  return checkWire(Policy, policy);
}

test("it lists the operator's tokens by salted hash, and no other's", async () => {
  const policy = await sentTo("site-1");
  expect(policy).toMatchObject({ v: 2, siteId: "site-1", unknownToken: "deny", recent: [] });
  expect(policy.tokens).toHaveLength(5);
  expect(JSON.stringify(policy)).not.toContain('Blocked","status');
  expect(tokenOf(policy, "ALL")).toEqual({
    hash: tokenHash(policy.salt, "all"),
    status: "Accepted",
    groupId: "G",
    master: true,
    expiresAt: Date.UTC(2030, 0, 1),
    trusted: true,
    maxConcurrent: 2,
    maxEnergyWh: 9_000,
  });
  expect(tokenOf(policy, "blocked")).toEqual({
    hash: tokenHash(policy.salt, "blocked"),
    status: "Blocked",
  });
  expect(tokenOf(policy, "THEIRS")).toBeUndefined();
  expect(await readPolicy(db.pool, "nowhere")).toBeUndefined();
});

test("a token that leaves the site out may charge nowhere there; stations go by their own names", async () => {
  const [one, two] = [await sentTo("site-1"), await sentTo("site-2")];
  expect(one.salt).not.toBe(two.salt);
  const stationsOf = (policy: Policy, idToken: string) => tokenOf(policy, idToken)?.stations;
  expect(["Here", "There", "One", "All"].map((t) => stationsOf(one, t))).toEqual([
    undefined,
    [],
    ["CP2"],
    undefined,
  ]);
  expect(["Here", "There", "One"].map((t) => stationsOf(two, t))).toEqual([[], ["CP1"], ["CP1"]]);
});

test("the rules of the site stand in it as they are in its row", async () => {
  await db.pool.query(
    `update site set unknown_token = 'cap', unknown_cap = $1, revocation = $2, default_limit_a = 16,
       stale_after_s = 600, old_after_s = 7200 where site_id = 'site-2'`,
    [
      JSON.stringify({ energyWh: 5_000, durationS: 3_600, startsPerDay: 1, siteEnergyWhPerDay: 50_000 }),
      JSON.stringify({ rule: "min-energy", energyWh: 1_000 }),
    ],
  );
  expect(await sentTo("site-2")).toMatchObject({
    unknownToken: "cap",
    unknownCap: { energyWh: 5_000, durationS: 3_600, startsPerDay: 1, siteEnergyWhPerDay: 50_000 },
    revocation: { rule: "min-energy", energyWh: 1_000 },
    defaultLimitA: 16,
    staleAfterS: 600,
    oldAfterS: 7_200,
  });
});

test("recent ones are those used here within 90 days, newest first, as they are listed", async () => {
  const days = async (journal: Journal, idTag: string, daysAgo: number) => {
    const id = randomUUID();
    const connection = journal.commit([start16("CP1", id, { idTag })]);
    await arrive(db.pool, connection);
    await db.pool.query(
      "update transaction set started_at = now() - $2 * interval '1 day' where transaction_id = $1",
      [id, daysAgo],
    );
  };
  const journal = () => new Journal("er-1", "site-1", randomUUID());
  await days(journal(), "all", 3);
  await days(journal(), "ALL", 1);
  await days(journal(), "Here", 2);
  await days(journal(), "One", 91);
  await days(journal(), "nobody's", 1);
  await days(new Journal("er-2", "site-2", randomUUID()), "There", 1);
  const { recent } = await sentTo("site-1");
  expect(recent.map((r) => r.idToken)).toEqual(["All", "Here"]);
  expect(Date.now() - (recent[0]?.lastUsedAt ?? 0)).toBeLessThan(1.1 * 86_400_000);
});

test("it is signed with one key, however many programs start at once, and the key can be read", async () => {
  const keys = await Promise.all([1, 2, 3].map(() => ensureSigningKey(db.pool)));
  const publicKey = await readPublicKey(db.pool);
  for (const key of keys) {
    const signed = (await readSignedPolicy(db.pool, "site-1", key)) as SignedPolicy;
    expect(signed.publicKey).toBe(publicKey);
    expect(openPolicy(signed, [publicKey ?? ""])).toMatchObject({ siteId: "site-1" });
  }
  expect(await db.rows("select from signing_key")).toHaveLength(1);
});

test("a key of one's own signs instead, and the one in the database again without it", async () => {
  const before = await readPublicKey(db.pool);
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const own = await ensureSigningKey(db.pool, pem);
  const signed = await readSignedPolicy(db.pool, "site-1", own);
  expect(signed?.publicKey).toBe(await readPublicKey(db.pool));
  expect(signed?.publicKey).not.toBe(before);
  expect((await db.rows("select from signing_key where private_key is not null")).length).toBe(1);
  await ensureSigningKey(db.pool);
  expect(await readPublicKey(db.pool)).toBe(before);
});

test("what is no Ed25519 key is refused by name", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
  const pem = rsa.export({ type: "pkcs8", format: "pem" }).toString();
  await expect(ensureSigningKey(db.pool, pem)).rejects.toMatchObject({ code: "POLICY_KEY_INVALID" });
  await expect(ensureSigningKey(db.pool, "nothing")).rejects.toMatchObject({ code: "POLICY_KEY_INVALID" });
});

test("50,000 tokens fit into one message, and the site finds each of them", async () => {
  await introduce(db.pool, new Journal("er-big", "site-big"), "rival");
  await db.pool.query(
    "insert into id_token (operator_id, id_token, group_id) select 'rival', 'RFID-' || n, 'G' || n % 50 from generate_series(1, 50000) n",
  );
  await db.pool.query("update site set operator_id = 'rival' where site_id = 'site-big'");
  const key = await ensureSigningKey(db.pool);
  const bytes = encodeWire((await readSignedPolicy(db.pool, "site-big", key)) as SignedPolicy);
  expect(bytes.length).toBeLessThan(8 * 1024 * 1024);
  const opened = checkWire(Policy, openPolicy(decodeWire(SignedPolicySchema, bytes), []));
  const tokens = packTokens(opened.salt, opened.tokens);
  expect(tokens.size).toBe(50_001);
  expect(tokens.find("rfid-31415")).toMatchObject({ status: "Accepted", groupId: "G15" });
  expect(tokens.find("RFID-50001")).toBeUndefined();
});

test("tariffs that hold at the site stand in it, stations by their own names; those of other sites do not", async () => {
  const before = await sentTo("site-1");
  expect(before).not.toHaveProperty("tariffs");
  const terms = { currency: "BRL", elements: [{ perKwhMicro: 1_000_000 }] };
  const [tariffId, other] = [randomUUID(), randomUUID()];
  for (const id of [tariffId, other]) {
    await db.pool.query("insert into tariff (tariff_id, operator_id, name) values ($1, 'default', $2)", [
      ...[id, id],
    ]);
    await db.pool.query(
      `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
       select $1, n, 'default', '2026-01-01'::timestamptz + (n - 1) * interval '1 month', $2, 'test' from generate_series(1, 3) n`,
      [id, JSON.stringify(terms)],
    );
  }
  const [station] = await db.rows<{ station_id: string; identity: string }>(
    "select station_id, identity from station where site_id = 'site-1' order by identity limit 1",
  );
  const assign = (id: string, target: string, place: (string | null | undefined)[], until?: string) =>
    db.pool.query(
      `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, site_id, station_id, group_id,
         assigned_from, assigned_until, assigned_by)
       values ($1, 'default', $2, $3, $4, $5, $6, '2026-01-01', $7, 'test')`,
      [randomUUID(), id, target, ...place, until ?? null],
    );
  await assign(tariffId, `station:${station?.station_id}`, ["site-1", station?.station_id, null]);
  await assign(tariffId, "group:fleet", [null, null, "fleet"]);
  await assign(tariffId, "operator", [null, null, null], "2026-02-01");
  await assign(other, "site:site-2", ["site-2", null, null]);
  const { tariffs } = await sentTo("site-1");
  const from = Date.parse("2026-01-01T00:00:00Z");
  expect(tariffs?.assignments).toHaveLength(2);
  expect(tariffs?.assignments).toEqual(
    expect.arrayContaining([
      { tariffId, from, stationId: station?.identity },
      { tariffId, from, groupId: "fleet" },
    ]),
  );
  // Only the version that counts by now: the ones before it priced what has ended long ago.
  expect(tariffs?.versions).toEqual([{ tariffId, version: 3, validFrom: expect.any(Number), terms }]);
  expect((await sentTo("site-2")).tariffs?.versions.map((v) => v.tariffId).sort()).toEqual(
    [tariffId, other].sort(),
  );
});
