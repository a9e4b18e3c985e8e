/**
 * The second wall, asked directly: SQL as the application's role, told one operator, sees and touches no
 * row of another, in every table there is. The tables come from the catalogue, so that a new one without a
 * wall fails here.
 *
 * Every table holds a row of each operator, made from what the catalogue says of its columns.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOperator, type Operator } from "../api/harness.ts";
import { openTestDb, type TestDb } from "../harness.ts";
import { allTables, columnsOf, everythingOf, fillTables } from "./fill-tables.ts";
import type { Pool } from "./pool.ts";
import { tenantDb, tenantPool } from "./tenant.ts";

let db: TestDb;
let behind: Pool;
let mine: Operator;
let tables: string[];

beforeAll(async () => {
  db = await openTestDb();
  behind = tenantPool(db.pool);
  mine = await createOperator(db, "mine");
  const theirs = await createOperator(db, "theirs");
  tables = await fillTables(db, [mine, theirs]);
});
afterAll(async () => {
  await behind.end();
  await db.close();
});

const as = (operatorId: string, siteIds: string[] | null = null) => tenantDb(behind, operatorId, siteIds);
/** Rows that are seen; none where the role may not read the table at all. */
const countOf = async (who: ReturnType<typeof as>, table: string, where: string) =>
  who.query<{ n: number }>(`select count(*)::int as n from ${table} where ${where}`).then(
    ({ rows }) => rows[0]?.n,
    (error: { code?: string }) => (error.code === "42501" ? 0 : Promise.reject(error)),
  );

/** Read by the program alone: codes and counters that no actor asks for. */
const mayRead = async (table: string) =>
  (
    await db.rows<{ may: boolean }>("select has_table_privilege('moov_tenant', $1, 'select') as may", table)
  )[0]?.may;

describe("one operator and another", () => {
  test("every table has rows of both, and is behind the wall", async () => {
    const open = await db.rows<{ name: string }>(
      `select relname as name from pg_class where relname = any($1) and not relrowsecurity`,
      tables,
    );
    expect(open).toEqual([]);
    for (const table of tables) {
      const [row] = await db.rows<{ n: number }>(
        `select count(distinct operator_id)::int as n from ${table} where operator_id in ('mine', 'theirs')`,
      );
      expect(row?.n, table).toBe(2);
    }
  });

  test("no row of another is seen, all of one's own are", async () => {
    let readable = 0;
    for (const table of tables) {
      if (!(await mayRead(table))) continue;
      readable += 1;
      const [own] = await db.rows<{ n: number }>(
        `select count(*)::int as n from ${table} where operator_id = 'mine'`,
      );
      expect(await countOf(as("mine"), table, "true"), table).toBe(own?.n);
      expect(await countOf(as("mine"), table, "operator_id <> 'mine'"), table).toBe(0);
    }
    expect(readable).toBeGreaterThan(tables.length * 0.9);
  });

  test("who was told nothing, or an operator that is none, sees nothing", async () => {
    for (const table of tables) {
      if (!(await mayRead(table))) continue;
      const untold = await behind.query<{ n: number }>(
        `select count(*)::int as n from ${table} where moov_operator() is null`,
      );
      expect(untold.rows[0]?.n, table).toBe(0);
      for (const odd of ["", "nobody", "mine' or true --", "%"])
        expect(await countOf(as(odd), table, "true"), table).toBe(0);
    }
  });

  test("no row is made for another, wherever rows may be made at all", async () => {
    const before = await everythingOf(db, tables, "theirs");
    let made = 0;
    for (const table of tables) {
      const [may] = await db.rows<{ insert: boolean; columns: string[] }>(
        `select has_table_privilege('moov_tenant', $1, 'insert') as insert, array_agg(attname::text) as columns
         from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
        table,
      );
      if (may?.insert !== true) continue;
      made += 1;
      // One's own row, with the other's name on it.
      const values = may.columns.map((name) => (name === "operator_id" ? "'theirs'" : `r.${name}`));
      const copy = `insert into ${table} (${may.columns.join(", ")}) overriding system value
        select ${values.join(", ")} from ${table} r where r.operator_id = 'mine' limit 1`;
      await expect(as("mine").query(copy), table).rejects.toMatchObject({
        code: "42501",
        message: expect.stringContaining("row-level security") as string,
      });
    }
    expect(made).toBeGreaterThan(20);
    expect(await everythingOf(db, tables, "theirs")).toEqual(before);
  });

  test("no row of another is changed, deleted or taken over", async () => {
    const before = await everythingOf(db, tables, "theirs");
    for (const table of tables) {
      // Where the role may not write at all, the wall is not even reached.
      const tried = async (sql: string) =>
        as("mine")
          .query(sql)
          .then(({ rowCount }) => rowCount)
          .catch((error: { code?: string }) => (error.code === "42501" ? 0 : Promise.reject(error)));
      expect(
        await tried(`update ${table} set operator_id = operator_id where operator_id = 'theirs'`),
        table,
      ).toBe(0);
      expect(await tried(`delete from ${table} where operator_id = 'theirs'`), table).toBe(0);
      await expect(
        as("mine").query(`update ${table} set operator_id = 'theirs' where operator_id = 'mine'`),
        table,
        // Of the wall, the missing right, or a table that nobody may change at all.
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|P0001|23001)$/) as string });
    }
    expect(await everythingOf(db, tables, "theirs")).toEqual(before);
  });

  test("partitions cannot be asked past their table", async () => {
    const partitions = await db.rows<{ name: string }>(
      "select relname as name from pg_class where relispartition and relkind = 'r' and relnamespace = 'public'::regnamespace",
    );
    expect(partitions.length).toBeGreaterThan(3);
    for (const { name } of partitions)
      await expect(as("mine").query(`select 1 from ${name}`), name).rejects.toMatchObject({ code: "42501" });
  });

  test("who somebody is, and the keys that sign, are out of reach", async () => {
    for (const name of (await allTables(db)).filter((table) => /^(auth_|kysely_|secrets_key)/.test(table)))
      await expect(as("mine").query(`select * from ${name}`), name).rejects.toMatchObject({ code: "42501" });
    await expect(as("mine").query("select private_key from signing_key")).rejects.toMatchObject({
      code: "42501",
    });
  });

  test("views show what whoever asks may see", async () => {
    const views = await db.rows<{ name: string; options: string[] | null }>(
      `select relname as name, reloptions as options from pg_class
       where relkind = 'v' and relnamespace = 'public'::regnamespace`,
    );
    expect(views.length).toBeGreaterThan(2);
    for (const { name, options } of views) expect(options, name).toContain("security_invoker=true");
  });
});

describe("one site and another", () => {
  test("a scope of named sites sees the rows of these sites, of their boxes and stations, and no others'", async () => {
    const scoped = as("mine", [mine.siteId]);
    const other = as("mine", ["site-mine-0"]);
    let siteBound = 0;
    for (const table of tables) {
      const columns = (await columnsOf(db, table)).map((c) => c.name);
      if (table === "file" || !columns.includes("site_id")) continue;
      siteBound += 1;
      expect(await countOf(scoped, table, `site_id is distinct from '${mine.siteId}'`), table).toBe(0);
      expect(await countOf(other, table, `site_id = '${mine.siteId}'`), table).toBe(0);
    }
    expect(siteBound).toBeGreaterThan(5);
    for (const table of [
      "connector",
      "message",
      "station_variable",
      "transaction_sample",
      "meter_sample",
      "er_health",
    ]) {
      expect(await countOf(scoped, table, "true"), table).toBeGreaterThan(0);
      expect(await countOf(other, table, "true"), table).toBe(0);
    }
  });

  test("a connection that changes hands asks for whoever has it now", async () => {
    const one = tenantPool({ options: { ...db.pool.options, max: 1 } } as Pool);
    try {
      for (const [operatorId, siteIds] of [
        ["mine", null],
        ["theirs", null],
        ["mine", ["site-mine-0"]],
        ["mine", null],
      ] as const) {
        const seen = await tenantDb(one, operatorId, siteIds).query<{ id: string }>(
          "select distinct operator_id as id from site",
        );
        expect(seen.rows).toEqual([{ id: operatorId }]);
      }
      const failed = tenantDb(one, "theirs", null).transaction(async (client) =>
        client.query("select 1 / 0"),
      );
      await expect(failed).rejects.toThrow("division");
      const after = await tenantDb(one, "mine", null).query("select 1 from site where operator_id <> 'mine'");
      expect(after.rows).toEqual([]);
    } finally {
      await one.end();
    }
  });
});
