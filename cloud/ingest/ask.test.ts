/** Questions of an ER: may this token, and more transaction ids. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { LeasedResource } from "../../shared/entry.ts";
import { arrive, introduce, Journal, online, openTestDb, start16, stop16, type TestDb } from "../harness.ts";
import { answerQuestion } from "./ask.ts";
import type { PassOn } from "./pass-on.ts";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  await introduce(db.pool, new Journal("er-1", "site-1"));
  await introduce(db.pool, new Journal("er-free", "site-free"));
  await db.pool.query("update site set unknown_token = 'allow' where site_id = 'site-free'");
  await db.pool.query(
    `insert into id_token (operator_id, id_token, status, group_id, master, expires_at) values
     ('default', 'GOOD', 'Accepted', 'G1', false, '2999-01-01'), ('default', 'BAD', 'Blocked', null, false, null),
     ('default', 'OLD', 'Accepted', null, false, '2020-01-01'), ('default', 'MASTER', 'Accepted', 'G1', true, null)`,
  );
  await db.pool.query("insert into operator (operator_id, name) values ('rival', 'rival')");
  await db.pool.query("insert into id_token (operator_id, id_token) values ('rival', 'THEIRS')");
});
afterAll(() => db.close());

const ask = (idToken: string, purpose: "authorize" | "start" = "start", erId = "er-1", stationId = "CP1") =>
  answerQuestion(db.pool, erId, { kind: "authorize", purpose, stationId, idToken });

test.each([
  ["GOOD", "start", { status: "Accepted", reason: "listed", groupId: "G1", expiresAt: Date.UTC(2999, 0, 1) }],
  ["good", "start", { status: "Accepted", reason: "listed" }],
  ["BAD", "start", { status: "Blocked" }],
  ["OLD", "start", { status: "Expired" }],
  ["MASTER", "start", { status: "Invalid", reason: "master-cannot-start" }],
  ["MASTER", "authorize", { status: "Accepted" }],
  ["NEVER-SEEN", "start", { status: "Unknown", reason: "unknown-denied" }],
  ["THEIRS", "start", { status: "Unknown" }],
] as const)("token %s, to %s", async (idToken, purpose, expected) => {
  expect(await ask(idToken, purpose)).toMatchObject({ kind: "authorize", ...expected });
});

test("a site may let unknown tokens charge", async () => {
  expect(await ask("NEVER-SEEN", "start", "er-free")).toMatchObject({
    status: "Accepted",
    reason: "unknown-allowed",
  });
  expect(await ask("BAD", "start", "er-free")).toMatchObject({ status: "Blocked" });
});

test.each([
  ["GOOD", "Accepted", { status: "Accepted", reason: "listed", certificateStatus: "Accepted" }],
  ["GOOD", "CertificateRevoked", { status: "Invalid", reason: "certificate-refused" }],
  ["GOOD", "CertificateExpired", { status: "Expired", reason: "certificate-refused" }],
  ["BAD", "CertificateRevoked", { status: "Blocked", certificateStatus: "CertificateRevoked" }],
  ["GOOD", undefined, { status: "Accepted" }],
] as const)("token %s whose contract's certificate is found %s", async (idToken, found, expected) => {
  const passOn: PassOn = Object.assign(async () => undefined, { certificate: async () => found });
  const contract = { certificate: "PEM" };
  const question = { kind: "authorize", purpose: "authorize", stationId: "CP1", idToken, contract } as const;
  const answer = await answerQuestion(db.pool, "er-1", question, passOn);
  expect(answer).toMatchObject({ kind: "authorize", ...expected });
});

test("an ER that is not known gets no answer", async () => {
  expect(await ask("GOOD", "start", "er-stranger")).toBeUndefined();
  expect(await answerQuestion(db.pool, "er-stranger", { kind: "lease", count: 1 })).toBeUndefined();
});

test("a bounded risk is for sites that cannot ask: with the rule cap a stranger is refused here", async () => {
  await introduce(db.pool, new Journal("er-cap", "site-cap"));
  await db.pool.query("update site set unknown_token = 'cap' where site_id = 'site-cap'");
  expect(await ask("NEVER-SEEN", "start", "er-cap")).toMatchObject({ status: "Unknown" });
});

test("a token charges where its scope says, by the stations' own names", async () => {
  await arrive(db.pool, new Journal("er-a", "site-a").commit([online("CP1"), online("CP2")]));
  await arrive(db.pool, new Journal("er-b", "site-b").commit([online("CP1"), online("CP2")]));
  await db.pool.query(
    `insert into id_token (operator_id, id_token, site_ids, station_ids) values
     ('default', 'SITE-B', '{site-b}', null), ('default', 'ONE', null, '{site-b~CP2,CP1}')`,
  );
  const status = async (...args: Parameters<typeof ask>) => {
    const answer = await ask(...args);
    return answer?.kind === "authorize" ? `${answer.status} ${answer.reason}` : "none";
  };
  expect(await status("SITE-B", "start", "er-a")).toBe("Invalid out-of-scope");
  expect(await status("SITE-B", "start", "er-b")).toBe("Accepted listed");
  expect(await status("ONE", "start", "er-a", "CP1")).toBe("Accepted listed");
  expect(await status("ONE", "start", "er-a", "CP2")).toBe("Invalid out-of-scope");
  expect(await status("ONE", "start", "er-b", "CP1")).toBe("Invalid out-of-scope");
  expect(await status("ONE", "start", "er-b", "CP2")).toBe("Accepted listed");
});

test("a token charges as often at once as it may, counted over the site", async () => {
  await db.pool.query(
    "insert into id_token (operator_id, id_token, max_concurrent) values ('default', 'TWICE', 2)",
  );
  const journal = new Journal("er-many", "site-many");
  const [one, two] = [randomUUID(), randomUUID()];
  await arrive(db.pool, journal.commit([start16("M1", one, { idTag: "twice" })]));
  expect(await ask("TWICE", "start", "er-many")).toMatchObject({ status: "Accepted" });
  await arrive(db.pool, journal.commit([start16("M2", two, { idTag: "TWICE" })]));
  expect(await ask("TWICE", "start", "er-many")).toMatchObject({
    status: "ConcurrentTx",
    reason: "too-many-at-once",
  });
  expect(await ask("TWICE", "start", "er-1")).toMatchObject({ status: "Accepted" });
  await arrive(db.pool, journal.commit([stop16("M1", one)]));
  expect(await ask("TWICE", "start", "er-many")).toMatchObject({ status: "Accepted" });
});

test.each([
  ["transaction", 1],
  ["reservation", 1],
  ["profile", 100_001],
] as const)("ids of a %s have blocks of their own, from %i on", async (resource: LeasedResource, firstId) => {
  const lease = async () => {
    const answer = await answerQuestion(db.pool, "er-1", { kind: "lease", resource, count: 1_000 });
    if (answer?.kind !== "lease") throw new Error("no lease");
    return answer;
  };
  const [one, two] = [await lease(), await lease()];
  expect(one).toMatchObject({ resource, count: 1_000 });
  expect((one.first - firstId) % 1_000).toBe(0);
  expect(two.first).toBe(one.first + 1_000);
});

test("leases never overlap, however many ask at the same time", async () => {
  const pools = [db.pool, db.anotherPool()];
  const asked = Array.from({ length: 20 }, (_, i) =>
    answerQuestion(pools[i % 2] ?? db.pool, "er-1", { kind: "lease", count: 1_000 }),
  );
  const leases = await Promise.all(asked);
  const ids = new Set<number>();
  for (const lease of leases) {
    if (lease?.kind !== "lease") throw new Error("no lease");
    for (let id = lease.first; id < lease.first + lease.count; id++) ids.add(id);
  }
  expect(ids.size).toBe(20_000);
  expect(Math.min(...ids)).toBeGreaterThanOrEqual(1);
});
