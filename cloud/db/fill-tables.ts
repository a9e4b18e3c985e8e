/**
 * For tests: a row of an operator in every table there is, made from what the catalogue says of its
 * columns. A new table is part of it without a word; a new type of column asks for a value.
 */
import { randomUUID } from "node:crypto";
import type { TestDb } from "../harness.ts";

/** What belongs to no operator: who somebody is, keys that sign and encrypt, counters, what was migrated. */
export const NOBODYS = /^(auth_.*|signing_key|secrets_key|own_id|kysely_.*)$/;

export type Column = { name: string; type: string; required: boolean };

const TABLES = `select k.relname as name from pg_class k
  where k.relnamespace = 'public'::regnamespace and k.relkind in ('r', 'p') and not k.relispartition order by 1`;

const COLUMNS = `select a.attname as name, format_type(a.atttypid, null) as type,
    a.attnotnull and not a.atthasdef and a.attidentity = '' as required
  from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''`;

/** Every table, those of nobody included; partitions are not tables of their own. */
export const allTables = async (db: TestDb): Promise<string[]> =>
  (await db.rows<{ name: string }>(TABLES)).map((row) => row.name);

export const columnsOf = (db: TestDb, table: string): Promise<Column[]> => db.rows<Column>(COLUMNS, table);

/** Something that a column can hold. */
function valueFor(type: string): unknown {
  switch (type) {
    case "text":
    case "uuid":
      return randomUUID();
    case "bigint":
    case "integer":
    case "smallint":
    case "numeric":
      return 1;
    case "boolean":
      return false;
    case "json":
    case "jsonb":
      return "{}";
    case "bytea":
      return Buffer.from(randomUUID());
    case "date":
    case "timestamp with time zone":
      return "2026-05-04T12:00:00Z";
    default:
      if (type.endsWith("[]")) return [];
      throw new Error(`no value for the type ${type}: teach valueFor`);
  }
}

type Whose = { operatorId: string; siteId: string; stationId: string; erId: string };

/**
 * A row of each operator in every table, whatever it would refer to. The database is spoilt for anything
 * that minds what rows say: its checks are dropped, references and triggers are not asked.
 * @returns the tables that belong to operators.
 */
export async function fillTables(db: TestDb, operators: readonly Whose[]): Promise<string[]> {
  const tables = (await allTables(db)).filter((name) => !NOBODYS.test(name));
  for (const { sql } of await db.rows<{ sql: string }>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as sql from pg_constraint
     where contype = 'c' and conrelid::regclass::text = any($1)`,
    tables,
  ))
    await db.pool.query(sql);
  const client = await db.pool.connect();
  await client.query("set session_replication_role = replica");
  for (const table of tables) {
    const columns = await columnsOf(db, table);
    for (const of of operators) {
      const known: Record<string, string> = {
        ...{ operator_id: of.operatorId, site_id: of.siteId, station_id: of.stationId, er_id: of.erId },
        currency: "BRL",
      };
      const used = columns.filter((column) => column.required || column.name in known);
      const names = used.map(({ name }) => name).join(", ");
      const places = used.map((_, i) => `$${i + 1}`).join(", ");
      const values = used.map(({ name, type }) => known[name] ?? valueFor(type));
      await client.query(`insert into ${table} (${names}) values (${places}) on conflict do nothing`, values);
    }
  }
  await client.query("set session_replication_role = origin");
  client.release();
  return tables;
}

/** All that an operator has, as text: to see that nothing of it was touched. */
export const everythingOf = async (db: TestDb, tables: readonly string[], operatorId: string) =>
  Promise.all(
    tables.map(async (table) => ({
      table,
      rows: (
        await db.rows<{ row: string }>(
          `select t::text as row from ${table} t where operator_id = $1 order by 1`,
          operatorId,
        )
      ).map(({ row }) => row),
    })),
  );
