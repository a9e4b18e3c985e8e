/**
 * What only mentions a person who is gone (the raw timeline, parked entries, commands, the audit, …) is
 * masked, table by table and in portions, each in a transaction of its own.
 *
 * Which columns hold texts is asked of the catalogue, so that a new table is part of it without a word. What
 * it is about is left alone: master data, keys by which rows find each other, books that are kept by
 * accounts. Goes on where it stopped; what was looked for is forgotten when all has been seen.
 *
 * Rows are written while it goes through them, some of them behind it. So it is done again for what has been
 * written since the pass before began, until a pass finds nothing (or there were PASSES_MAX: whoever has the
 * same name and is at work here would keep it going for ever).
 */
import type { Word } from "../core/erasure.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";
import { forgetExports } from "../erasure.ts";

/** Of 8 kB each. */
const BLOCKS = 2_000;

const PASSES_MAX = 8;

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
type Erasure = {
  driver_id: string;
  operator_id: string;
  words: Word[];
  progress: Record<string, number>;
  pass: number;
  /** Transactions from this one on: what this pass looks at. null: everything. */
  pass_since: string | null;
};

/** Bytes are looked at as the text that they are: written with escapes, a letter may stand before any word. */
const mentions = ({ name, type }: Table["columns"][number]) =>
  type === "bytea" ? `moov_mask(${name}, $4::jsonb) <> ${name}` : `${name}::text ~* $5`;

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

/** Written by this transaction ($6) or a later one. */
const SINCE = "($6::text is null or age(xmin) <= pg_current_xact_id()::text::bigint - $6::text::bigint)";

/** One portion. */
async function maskBlocks(client: Client, erasure: Erasure, table: Table, first: number): Promise<void> {
  const changes = table.columns.map((column) =>
    column.type === "text[]"
      ? `${column.name} = case when cardinality(${column.name}) > 0 then ${masked(column)} else ${column.name} end`
      : `${column.name} = ${masked(column)}`,
  );
  const { rowCount } = await client.query(
    `update ${table.name} set ${changes.join(", ")}
     where ctid >= $1::tid and ctid < $2::tid and operator_id = $3 and $5::text <> '' and ${SINCE}
       and (${table.columns.map(mentions).join(" or ")})`,
    [
      ...[`(${first},0)`, `(${first + BLOCKS},0)`, erasure.operator_id, JSON.stringify(erasure.words)],
      erasure.words.map(({ pattern }) => `(?:${pattern})`).join("|"),
      erasure.pass_since,
    ],
  );
  await client.query(
    `update driver_erasure set progress = progress || jsonb_build_object($2::text, $3::int), found = found or $4
     where driver_id = $1`,
    [erasure.driver_id, table.name, first + BLOCKS, (rowCount ?? 0) > 0],
  );
}

/** Locked, so that several copies do not do the same. undefined: another one is at it, or it is done. */
async function claim(client: Client, driverId: string): Promise<Erasure | undefined> {
  const { rows } = await client.query<Erasure>(
    `select driver_id, operator_id, words, progress, pass, pass_since::text from driver_erasure
     where driver_id = $1 and words is not null for update skip locked`,
    [driverId],
  );
  return rows[0];
}

/** From when on this pass lets the next one look. Said before anything is looked at. */
async function beginPass(pool: Pool, driverId: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ pass: number }>(
    `update driver_erasure set pass_began = coalesce(pass_began, pg_snapshot_xmin(pg_current_snapshot()))
     where driver_id = $1 and words is not null returning pass`,
    [driverId],
  );
  return rows[0]?.pass;
}

const NEXT_PASS = `
  update driver_erasure set pass = pass + 1, pass_since = pass_began, pass_began = null, found = false, progress = '{}'
  where driver_id = $1`;

/** Everything was seen: once more, or that was all. @returns whether it was. */
async function endPass(pool: Pool, driverId: string, pass: number): Promise<boolean | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ operator_id: string; found: boolean }>(
      `select operator_id, found from driver_erasure
       where driver_id = $1 and words is not null and pass = $2 for update skip locked`,
      [driverId, pass],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    if (pass === 1 || (row.found && pass < PASSES_MAX)) {
      await client.query(NEXT_PASS, [driverId]);
      return false;
    }
    await client.query("update driver_erasure set words = null, progress = '{}' where driver_id = $1", [
      driverId,
    ]);
    await client.query("update driver set erasure_finished_at = now() where driver_id = $1", [driverId]);
    // Made meanwhile, from texts that still named the person.
    await forgetExports(client, row.operator_id, "texts");
    return true;
  });
}

/** One table to its end, as it was when this began. */
async function maskTable(pool: Pool, driverId: string, table: Table, pass: number): Promise<boolean> {
  for (;;) {
    const more = await inTransaction(pool, async (client) => {
      const erasure = await claim(client, driverId);
      if (erasure === undefined || erasure.pass !== pass) return undefined;
      const first = erasure.progress[table.name] ?? 0;
      if (first >= table.blocks) return false;
      await maskBlocks(client, erasure, table, first);
      return true;
    });
    if (more !== true) return more === false;
  }
}

/** Everything for one who is gone. @returns whether all of it was seen; another copy may be at it. */
async function eraseOne(pool: Pool, driverId: string, words: readonly Word[]): Promise<boolean> {
  for (;;) {
    const pass = await beginPass(pool, driverId);
    if (pass === undefined) return false;
    // Who is known by nothing that could be looked for is mentioned nowhere.
    const tables = words.length === 0 ? [] : (await pool.query<Table>(TABLES, [LEFT_ALONE])).rows;
    let whole = true;
    for (const table of tables) whole = (await maskTable(pool, driverId, table, pass)) && whole;
    const isAll = whole ? await endPass(pool, driverId, pass) : undefined;
    if (isAll !== false) return isAll ?? false;
  }
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
