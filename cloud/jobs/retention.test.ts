/**
 * What is kept and what goes: every table of the catalogue has its place, and of each that is trimmed the old
 * rows go, the young ones and those that still count stay.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { KEEP_GROUPS, readKeepDays, RETENTION, type Retention } from "../core/retention.ts";
import { allTables, columnsOf, fillTables } from "../db/fill-tables.ts";
import { PARTITIONED } from "../db/partitions.ts";
import { openFileFolder } from "../files.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { allJobs } from "./jobs.ts";
import { trimOld } from "./retention.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

type Deleting = Extract<Retention, { how: "delete" }>;
const deleting = Object.entries(RETENTION).filter(
  (entry): entry is [string, Deleting] => entry[1].how === "delete",
);
const keep = readKeepDays();
const daysOf = ({ days }: Deleting) => (typeof days === "number" ? days : keep[days]);

describe("the list", () => {
  test("has every table there is, once, and nothing else", async () => {
    const tables = (await allTables(db)).filter((name) => !name.startsWith("kysely"));
    expect(Object.keys(RETENTION).sort()).toEqual(tables.sort());
  });

  test("names what is there: columns, jobs, tables that rows go with, reasons", async () => {
    const jobs = allJobs({ pool: db.pool, files: openFileFolder(tmpdir()) }).map((job) => job.name);
    for (const [table, rule] of Object.entries(RETENTION)) {
      if (rule.how === "delete")
        expect(
          (await columnsOf(db, table)).map((column) => column.name),
          table,
        ).toContain(rule.age);
      if (rule.how === "job") expect(jobs, table).toContain(rule.job);
      if (rule.how === "kept") expect(rule.why.length, table).toBeGreaterThan(20);
      if (rule.how === "with") {
        const cascades = await db.rows(
          `select from pg_constraint where conrelid = $1::regclass and confrelid = $2::regclass and confdeltype = 'c'`,
          ...[table, rule.table],
        );
        expect(cascades, table).toHaveLength(1);
      }
    }
    const months = Object.entries(RETENTION).flatMap(([table, { how }]) =>
      how === "partitions" ? [table] : [],
    );
    expect(months.sort()).toEqual([...PARTITIONED].sort());
  });
});

test("days are configured by group, in their bounds", () => {
  expect(readKeepDays("timeline=730, mails=30")).toEqual({ ...keep, timeline: 730, mails: 30 });
  for (const text of ["messages=3", "timeline=1", "timeline", "timeline=1e3", "timeline=99999", "=5"])
    expect(() => readKeepDays(text), text).toThrow(AppError);
  for (const { days, min } of Object.values(KEEP_GROUPS)) expect(days).toBeGreaterThanOrEqual(min);
});

test("the documentation has each group with its numbers", () => {
  const text = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `([a-z]+)` \| (\d+) \| (\d+) \| \w/gm)].map(([, ...cells]) => cells);
  const groups = Object.entries(KEEP_GROUPS);
  expect(rows).toEqual(groups.map(([name, { days, min }]) => [name, String(days), String(min)]));
});

describe("in a database with a row of three operators in every table", () => {
  /** What makes a row one that may go, and what makes it stay however old it is. */
  const STATES: Record<string, [goes: string, stays: string]> = {
    parked_entry: ["resolved_at = now()", "resolved_at = null"],
    guest_session: ["state = 'settled', look_at = null", "state = 'charging'"],
    command: ["status = 'succeeded'", "status = 'pending'"],
    payment_event: ["due_at = null", "due_at = now()"],
    mail: ["status = 'sent'", "status = 'waiting'"],
  };

  beforeAll(async () => {
    const whose = (operatorId: string) => ({
      ...{
        operatorId,
        siteId: `site-${operatorId}`,
        stationId: `CP-${operatorId}`,
        erId: `er-${operatorId}`,
      },
    });
    await fillTables(db, ["old", "young", "counts"].map(whose));
    const client = await db.pool.connect();
    await client.query("set session_replication_role = replica");
    for (const [table, rule] of deleting) {
      const [goes, stays] = STATES[table] ?? [];
      const age = (days: number) => `${rule.age} = now() - interval '${days} days'`;
      const set = async (operatorId: string, ...changes: (string | undefined)[]) =>
        client.query(
          `update ${table} set ${changes.filter((change) => change !== undefined).join(", ")}
           where operator_id = $1`,
          [operatorId],
        );
      const days = Math.ceil(daysOf(rule));
      await set("old", age(days + 1), goes);
      await set("young", age(0), goes);
      if (stays === undefined) await client.query(`delete from ${table} where operator_id = 'counts'`);
      else await set("counts", age(days + 1), stays);
    }
    await client.query("set session_replication_role = origin");
    client.release();
  });

  test("each condition has its case here", () => {
    const conditions = deleting.flatMap(([table, { and }]) => (and === undefined ? [] : [table]));
    expect(Object.keys(STATES).sort()).toEqual(conditions.sort());
  });

  test("the old ones go, and nothing else", async () => {
    const before = await counts();
    await trimOld(db.pool, keep);
    const after = await counts();
    for (const [table, rule] of deleting) {
      expect(after.get(table), table).toEqual({ old: 0, young: 1, counts: rule.and === undefined ? 0 : 1 });
      before.delete(table);
    }
    for (const [table, count] of before)
      if (RETENTION[table]?.how === "kept" || RETENTION[table]?.how === "bounded")
        expect(after.get(table), table).toEqual(count);
    expect(await trimOld(db.pool, keep)).toBe(0);
  });

  async function counts(): Promise<Map<string, Record<string, number>>> {
    const all = new Map<string, Record<string, number>>();
    for (const table of Object.keys(RETENTION)) {
      if (!(await columnsOf(db, table)).some((column) => column.name === "operator_id")) continue;
      const [row] = await db.rows<Record<string, number>>(
        `select count(*) filter (where operator_id = 'old')::int as old,
           count(*) filter (where operator_id = 'young')::int as young,
           count(*) filter (where operator_id = 'counts')::int as counts from ${table}`,
      );
      all.set(table, row ?? {});
    }
    return all;
  }
});

test("a command that something was ordered by stays as long as that", async () => {
  const [ordered, alone] = [randomUUID(), randomUUID()];
  for (const id of [ordered, alone])
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, issued_at,
         expires_at, status)
       values ($1, 'old', 'site-old', 'er-old', 'CP-old', 'Reset', '{}', 'x', now() - interval '500 days', now(), 'succeeded')`,
      [id],
    );
  await db.pool.query(
    `insert into charging_profile (station_id, profile_id, operator_id, site_id, evse_id, purpose, stack_level, profile,
       issued_by, command_id) values ('CP-old', 77, 'old', 'site-old', 1, 'TxDefaultProfile', 1, '{}', 'x', $1)`,
    [ordered],
  );
  await trimOld(db.pool, keep);
  const left = await db.rows("select command_id from command where command_id in ($1, $2)", ordered, alone);
  expect(left).toEqual([{ command_id: ordered }]);
});

test("months of the big tables go as a whole when their last day is old enough; early rows go from the rest", async () => {
  await db.pool.query("create table message_2020_01 (like message including defaults)");
  await db.pool.query(
    "alter table message attach partition message_2020_01 for values from ('2020-01-01') to ('2020-02-01')",
  );
  const months = async () =>
    (
      await db.rows<{ name: string }>(
        "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'message'::regclass",
      )
    ).map((row) => row.name);
  const before = await months();
  const messages = `insert into message (at, er_id, journal_id, seq, operator_id, station_id, kind, up_ms)
    select t, 'er-old', $1, n, 'old', 'CP-old', 'x', 1
    from unnest(array['2020-01-05', '2019-06-01', now()::text]::timestamptz[]) with ordinality as u(t, n)`;
  await db.pool.query(messages, [randomUUID()]);
  expect(await trimOld(db.pool, keep)).toBe(2);
  expect(await months()).toEqual(before.filter((name) => name !== "message_2020_01"));
  expect(await db.rows("select from message where at < '2021-01-01'")).toEqual([]);
});

test("logs go with their bytes; firmware stays", async () => {
  const files = openFileFolder(join(tmpdir(), `sg-files-${randomUUID()}`));
  const ids = { log: randomUUID(), young: randomUUID(), firmware: randomUUID() };
  for (const [name, id] of Object.entries(ids)) {
    await files.put(id, Readable.from([Buffer.from(name)]), 100);
    await db.pool.query(
      `insert into file (file_id, operator_id, kind, name, size, sha256, created_at)
       values ($1, 'old', $2, $3, 3, 'x', now() - $4 * interval '1 day')`,
      [id, name === "firmware" ? "firmware" : "log", name, name === "young" ? 1 : 500],
    );
  }
  expect(await trimOld(db.pool, keep)).toBe(0);
  expect(await trimOld(db.pool, keep, files)).toBe(1);
  expect(await files.read(ids.log)).toBeUndefined();
  for (const id of [ids.young, ids.firmware]) expect(await files.read(id)).toBeDefined();
});

test("more than one portion goes in one run; a table that cannot be trimmed stops no other", async () => {
  await db.pool.query(
    `insert into charge_state (station_id, evse_id, at, operator_id, state)
     select 'CP-old', 1, now() - interval '500 days' + n * interval '1 second', 'old', 'x' from generate_series(1, 12000) n`,
  );
  await db.pool.query("alter table station_event rename to station_event_away");
  await expect(trimOld(db.pool, keep)).rejects.toThrow(/station_event/);
  expect(await db.rows("select from charge_state where operator_id = 'old'")).toEqual([]);
  await db.pool.query("alter table station_event_away rename to station_event");
});
