/** Questions of an ER: may this token, and more transaction ids. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { introduce, Journal, openTestDb, type TestDb } from "../harness.ts";
import { answerQuestion } from "./ask.ts";

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

const ask = (idToken: string, purpose: "authorize" | "start" = "start", erId = "er-1") =>
  answerQuestion(db.pool, erId, { kind: "authorize", purpose, stationId: "CP1", idToken });

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

test("an ER that is not known gets no answer", async () => {
  expect(await ask("GOOD", "start", "er-stranger")).toBeUndefined();
  expect(await answerQuestion(db.pool, "er-stranger", { kind: "lease", count: 1 })).toBeUndefined();
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
