/** The jobs role: makes what is missing, whatever was missed, and tries again. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { monthStart, PARTITIONED } from "../db/partitions.ts";
import { arrive, Journal, openTestDb, start16, type TestDb } from "../harness.ts";
import { refreshPolicies, startJobs } from "./jobs.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

const nextMonth = () => `message_${monthStart(new Date(), 1).slice(0, 7).replace("-", "_")}`;
const exists = async () =>
  (await db.rows<{ found: boolean }>("select to_regclass($1) is not null as found", nextMonth()))[0]?.found;

test("a start makes the partitions that are missing; two copies do no harm", async () => {
  await db.pool.query(`drop table ${nextMonth()}`);
  const logs: unknown[] = [];
  const copies = [0, 1].map(() =>
    startJobs({ pool: db.pool, onLog: (level, _message, fields) => logs.push([level, fields]) }),
  );
  await until("the month is there", exists);
  await Promise.all(copies.map((copy) => copy.stop()));
  expect(logs).toEqual([["info", { count: 1 }]]);
  expect(PARTITIONED).toContain("message");
});

test("when it cannot, it says so and the program lives on", async () => {
  const pool = db.anotherPool(1);
  await db.pool.query("alter table message rename to message_away");
  const logs: string[] = [];
  await db.pool.query(`drop table ${nextMonth()}`);
  const jobs = startJobs({ pool, onLog: (level, message) => logs.push(`${level}: ${message}`) });
  await until("it has said so", () => logs.some((line) => line.includes("partitions")));
  await jobs.stop();
  await db.pool.query("alter table message_away rename to message");
  expect(logs).toContain("error: partitions could not be made; tried again in an hour");
  expect(logs.filter((line) => !line.startsWith("error: "))).toEqual([]);
});

test("a site whose tokens were used since its policy of yesterday gets a new one, once", async () => {
  const id = randomUUID();
  await db.pool.query("insert into id_token (operator_id, id_token) values ('default', 'Used')");
  await arrive(db.pool, new Journal("er-used", "site-used").commit([start16("CP1", id, { idTag: "USED" })]));
  await db.pool.query("update transaction set started_at = now() - interval '1 hour'");
  const version = async () =>
    (await db.rows<{ v: number }>("select policy_version as v from site where site_id = 'site-used'"))[0]?.v;
  const fresh = await version();
  expect(await refreshPolicies(db.pool)).toBe(0);
  await db.pool.query("update site set policy_version = policy_version - 2 * 86400000");
  expect(await refreshPolicies(db.pool)).toBe(1);
  expect(await version()).toBeGreaterThanOrEqual(fresh ?? 0);
  expect(await refreshPolicies(db.pool)).toBe(0);
});
