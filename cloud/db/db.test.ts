/** The schema and its partitions. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDb, type TestDb } from "../harness.ts";
import { migrate } from "./migrate.ts";
import { ensurePartitions, monthStart, PARTITIONED } from "./partitions.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

const partitions = async (table: string) =>
  (
    await db.rows<{ name: string }>(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1",
      table,
    )
  ).map((row) => row.name);

describe("migrations", () => {
  test("migrating again, also several at once, changes nothing", async () => {
    expect(await Promise.all([migrate(db.url), migrate(db.url), migrate(db.url)])).toEqual([[], [], []]);
  });

  test("the schema is the one of the committed snapshot", async () => {
    const columns = await db.rows<{ line: string }>(
      `select format('%s.%s %s%s%s', c.table_name, c.column_name, c.udt_name, case c.is_nullable when 'NO' then ' not null' else '' end,
         ' default ' || c.column_default) as line
       from information_schema.columns c join pg_class k on k.relname = c.table_name and k.relnamespace = 'public'::regnamespace
       where c.table_schema = 'public' and not k.relispartition and c.table_name not like 'kysely%'
       order by c.table_name, c.ordinal_position`,
    );
    const constraints = await db.rows<{ line: string }>(
      `select format('%s: %s', conrelid::regclass, pg_get_constraintdef(oid)) as line from pg_constraint
       where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c') and conrelid <> 0
         and conrelid::regclass::text not like 'kysely%' order by 1`,
    );
    const indexes = await db.rows<{ line: string }>(
      `select indexdef as line from pg_indexes i join pg_class k on k.relname = i.tablename and k.relnamespace = 'public'::regnamespace
       where schemaname = 'public' and not k.relispartition and tablename not like 'kysely%' order by 1`,
    );
    const text = [columns, constraints, indexes]
      .map((part) => part.map((row) => row.line).join("\n"))
      .join("\n\n");
    await expect(`${text}\n`).toMatchFileSnapshot("schema.snapshot.txt");
  });

  test("every table but the key-value ones and those of people who sign in knows its operator", async () => {
    const without = await db.rows<{ name: string }>(
      `select relname as name from pg_class k where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and not relispartition and relname not like 'kysely%' and relname not in ('signing_key', 'own_id', 'secrets_key')
         and not starts_with(relname, 'auth_')
         and not exists (select from pg_attribute a where a.attrelid = k.oid and a.attname = 'operator_id')`,
    );
    expect(without).toEqual([]);
  });
});

describe("partitions", () => {
  test("months around a date, over the end of the year", async () => {
    expect([-1, 0, 1, 2].map((offset) => monthStart(new Date("2031-12-31T23:59:59Z"), offset))).toEqual([
      "2031-11-01",
      "2031-12-01",
      "2032-01-01",
      "2032-02-01",
    ]);
    expect(await ensurePartitions(db.pool, new Date("2031-12-31T23:59:59Z"))).toBe(4 * PARTITIONED.length);
    expect(await partitions("message")).toEqual(
      expect.arrayContaining([
        "message_2031_11",
        "message_2031_12",
        "message_2032_01",
        "message_2032_02",
        "message_default",
      ]),
    );
    expect(await ensurePartitions(db.pool, new Date("2031-12-01T00:00:00Z"))).toBe(0);
  });

  test("rows that waited in the default partition are moved, exactly those of the month, with their index", async () => {
    const times = [
      "2035-02-28T23:59:59.999Z",
      "2035-03-01T00:00:00Z",
      "2035-03-31T23:59:59.999Z",
      "2035-05-01T00:00:00Z",
      "2040-01-01T00:00:00Z",
    ];
    for (const at of times) {
      await db.pool.query(
        "insert into meter_sample (at, meter_id, operator_id, power_w) values ($1, 'p', 'default', 1)",
        [at],
      );
    }
    await ensurePartitions(db.pool, new Date("2035-03-15T00:00:00Z"));
    const found = await db.rows<{ at: Date; part: string }>(
      "select at, tableoid::regclass::text as part from meter_sample where meter_id = 'p' order by at",
    );
    expect(found.map((row) => row.part)).toEqual([
      "meter_sample_2035_02",
      "meter_sample_2035_03",
      "meter_sample_2035_03",
      "meter_sample_2035_05",
      "meter_sample_default",
    ]);
    expect(found.map((row) => row.at.toISOString())).toEqual(times.map((at) => new Date(at).toISOString()));
    const indexes = await db.rows("select 1 from pg_indexes where tablename = 'meter_sample_2035_03'");
    expect(indexes).toHaveLength(2);
  });

  test("several copies at the same time make each month once", async () => {
    const pools = [db.pool, db.anotherPool(), db.anotherPool()];
    const made = await Promise.all(
      pools.map((pool) => ensurePartitions(pool, new Date("2037-07-01T00:00:00Z"))),
    );
    expect(made.reduce((a, b) => a + b, 0)).toBe(4 * PARTITIONED.length);
  });

  test("rows that arrive while the months are made are neither lost nor in the way", async () => {
    let stop = false;
    const writers = [1, 2, 3].map(async (n) => {
      let written = 0;
      for (; !stop; written++) {
        await db.pool.query(
          "insert into transaction_sample (at, transaction_id, operator_id) values ($1, gen_random_uuid(), 'default')",
          [new Date(Date.UTC(2050, n, 10))],
        );
      }
      return written;
    });
    for (let month = 0; month < 4; month++) {
      await ensurePartitions(db.pool, new Date(Date.UTC(2050, month, 1)));
    }
    stop = true;
    const written = (await Promise.all(writers)).reduce((a, b) => a + b, 0);
    const [row] = await db.rows(
      "select count(*) as n, count(*) filter (where tableoid = 'transaction_sample_default'::regclass) as waiting from transaction_sample",
    );
    expect(row).toEqual({ n: written, waiting: 0 });
  });
});
