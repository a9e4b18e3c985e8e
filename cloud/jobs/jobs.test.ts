/** The jobs role: makes what is missing, whatever was missed, and tries again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { monthStart, PARTITIONED } from "../db/partitions.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { startJobs } from "./jobs.ts";

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
  expect(logs).toEqual([["info", { made: 1 }]]);
  expect(PARTITIONED).toContain("message");
});

test("when it cannot, it says so and the program lives on", async () => {
  const pool = db.anotherPool(1);
  await db.pool.query("alter table message rename to message_away");
  const logs: string[] = [];
  await db.pool.query(`drop table ${nextMonth()}`);
  const jobs = startJobs({ pool, onLog: (level) => logs.push(level) });
  await until("it has said so", () => logs.length > 0);
  await jobs.stop();
  await db.pool.query("alter table message_away rename to message");
  expect(logs).toEqual(["error"]);
});
