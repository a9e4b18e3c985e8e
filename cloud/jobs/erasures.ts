/**
 * What only mentions a person who is gone (the raw timeline, parked entries, commands, the audit, …) is
 * masked, table by table and in portions, each in a transaction of its own.
 *
 * Which columns hold texts is asked of the catalogue, so that a new table is part of it without a word. What
 * it is about is left alone: master data, keys by which rows find each other, books that are kept by
 * accounts. Goes on where it stopped; what was looked for is forgotten when all has been seen.
 */
import type { Word } from "../core/erasure.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";

/** Of 8 kB each. */
const BLOCKS = 2_000;

/** What is the operator's own, and what `erasure.ts` has seen to. */
const LEFT_ALONE = [
  ...["operator", "site", "er", "station", "evse", "connector", "meter", "station_template", "setup_code"],
  ...["member", "invitation", "api_key", "alarm_rule", "webhook_endpoint", "payment_provider"],
  ...[
    "tariff",
    "tariff_version",
    "tariff_assignment",
    "money_counter",
    "ledger_account",
    "ledger_entry",
    "ledger_balance",
  ],
  ...["driver", "driver_erasure", "erased_token", "id_token"],
];

const TABLES = `
  select c.oid::regclass::text as name, (pg_relation_size(c.oid) / 8192)::int as blocks,
    json_agg(json_build_object('name', quote_ident(a.attname), 'type', format_type(a.atttypid, null))
      order by a.attnum) as columns
  from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> all ($1)
    and exists (select from pg_attribute o where o.attrelid = c.oid and o.attname = 'operator_id')
    and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attname not like '%\\_id'
    and format_type(a.atttypid, null) in ('text', 'text[]', 'json', 'jsonb', 'bytea', 'character varying')
    and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'f')
                      and a.attnum = any (k.conkey))
  group by c.oid order by 1`;

type Table = { name: string; blocks: number; columns: { name: string; type: string }[] };
type Erasure = { driver_id: string; operator_id: string; words: Word[]; progress: Record<string, number> };

const asText = ({ name, type }: Table["columns"][number]) =>
  type === "bytea" ? `encode(${name}, 'escape')` : `${name}::text`;

function masked({ name, type }: Table["columns"][number]): string {
  switch (type) {
    case "bytea":
      return `moov_mask(${name}, $4::jsonb)`;
    case "text[]":
      return `(select array_agg(moov_mask(x, $4::jsonb) order by n) from unnest(${name}) with ordinality as u(x, n))`;
    default:
      return `moov_mask(${name}::text, $4::jsonb)::${type}`;
  }
}

/** One portion. */
async function maskBlocks(client: Client, erasure: Erasure, table: Table, first: number): Promise<void> {
  const changes = table.columns.map((column) =>
    column.type === "text[]"
      ? `${column.name} = case when cardinality(${column.name}) > 0 then ${masked(column)} else ${column.name} end`
      : `${column.name} = ${masked(column)}`,
  );
  await client.query(
    `update ${table.name} set ${changes.join(", ")}
     where ctid >= $1::tid and ctid < $2::tid and operator_id = $3
       and (${table.columns.map((column) => `${asText(column)} ~* $5`).join(" or ")})`,
    [
      ...[`(${first},0)`, `(${first + BLOCKS},0)`, erasure.operator_id, JSON.stringify(erasure.words)],
      erasure.words.map(({ pattern }) => `(?:${pattern})`).join("|"),
    ],
  );
  await client.query(
    "update driver_erasure set progress = progress || jsonb_build_object($2::text, $3::int) where driver_id = $1",
    [erasure.driver_id, table.name, first + BLOCKS],
  );
}

/** Locked, so that several copies do not do the same. undefined: another one is at it, or it is done. */
async function claim(client: Client, driverId: string): Promise<Erasure | undefined> {
  const { rows } = await client.query<Erasure>(
    `select driver_id, operator_id, words, progress from driver_erasure
     where driver_id = $1 and words is not null for update skip locked`,
    [driverId],
  );
  return rows[0];
}

async function finish(pool: Pool, driverId: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query("update driver_erasure set words = null, progress = '{}' where driver_id = $1", [
      driverId,
    ]);
    await client.query("update driver set erasure_finished_at = now() where driver_id = $1", [driverId]);
  });
}

/** One table to its end, as it was when this began: what comes in later names nobody who is gone. */
async function maskTable(pool: Pool, driverId: string, table: Table): Promise<boolean> {
  for (;;) {
    const more = await inTransaction(pool, async (client) => {
      const erasure = await claim(client, driverId);
      if (erasure === undefined) return undefined;
      const first = erasure.progress[table.name] ?? 0;
      if (first >= table.blocks) return false;
      await maskBlocks(client, erasure, table, first);
      return true;
    });
    if (more !== true) return more === false;
  }
}

/** Everything for one who is gone. @returns whether all of it was seen. */
async function eraseOne(pool: Pool, driverId: string, words: readonly Word[]): Promise<boolean> {
  // Who is known by nothing that could be looked for is mentioned nowhere.
  const tables = words.length === 0 ? [] : (await pool.query<Table>(TABLES, [LEFT_ALONE])).rows;
  let whole = true;
  for (const table of tables) whole = (await maskTable(pool, driverId, table)) && whole;
  if (whole) await finish(pool, driverId);
  return whole;
}

/**
 * Goes through everything for whoever is gone and was not looked for yet; one that fails holds up no other.
 * @returns how many were finished.
 */
export async function runErasures(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ driver_id: string; words: Word[] }>(
    "select driver_id, words from driver_erasure where words is not null order by requested_at limit 100",
  );
  let finished = 0;
  const failures: unknown[] = [];
  for (const { driver_id: driverId, words } of rows)
    try {
      if (await eraseOne(pool, driverId, words)) finished += 1;
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
  return finished;
}
