/**
 * The real ingest on a real PostgreSQL, fed with the very batches and hellos that the tables in memory get.
 *
 * Checker `postgres`: both give the same verdict and the same cursor for each of them, and hold the same rows
 * in the end. It has no backups: with a twin the SG is never rolled back.
 */
import { createPool } from "../../cloud/db/pool.ts";
import { storeHello } from "../../cloud/ingest/hello.ts";
import { storeBatches } from "../../cloud/ingest/journal.ts";
import type { NameCache } from "../../cloud/ingest/names.ts";
import type { Batch, Hello } from "../../shared/wire.ts";
import type { Tables, Taken, TransactionRow } from "./store.ts";
import { Violation } from "./trace.ts";

const OPERATOR = "world";

export type PostgresTwin = Awaited<ReturnType<typeof startTwin>>;
type Rows = Record<string, unknown>[];

/** Column by column of a transaction, in the order in which both sides tell it. */
const COLUMNS = [
  "transaction_id",
  "station_id",
  "ocpp_transaction_id",
  "evse_id",
  "connector_id",
  "charging_state",
  "started_at",
  "ended_at",
  "meter_start_wh",
  "meter_stop_wh",
  "last_energy_wh",
  "power_w",
  "power_at",
  "soc_percent",
  "soc_at",
  "last_sample_at",
  "id_token",
  "authorized_by",
  "authorization_status",
  "stopped_reason",
  "flags",
  "needs_review",
] as const satisfies readonly (keyof TransactionRow)[];

/** Times come as Unix milliseconds, so that both sides can be compared as they are. */
const selected = (column: string) =>
  column.endsWith("_at") ? `(extract(epoch from ${column}) * 1000)::bigint as ${column}` : column;
const TRANSACTIONS = `
  select ${COLUMNS.map(selected).join(", ")}
  from transaction order by transaction_id`;

function mustAgree(what: string, ours: unknown, theirs: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  if (a !== b)
    throw new Violation(
      "postgres",
      `${what}: in memory ${a?.slice(0, 900)}, in PostgreSQL ${b?.slice(0, 900)}`,
    );
}

/** @param url an empty, migrated database of its own. */
export async function startTwin(url: string) {
  const pool = createPool(url, { max: 2, name: "world" });
  const cache: NameCache = new Map();
  const rows = async (sql: string): Promise<Rows> => (await pool.query<Record<string, unknown>>(sql)).rows;
  await pool.query("insert into operator (operator_id, name) values ($1, 'World')", [OPERATOR]);

  return {
    async takeHello(hello: Hello, seq: number): Promise<void> {
      const { ack } = await storeHello(pool, cache, hello, OPERATOR);
      mustAgree("cursor at hello", seq, ack.seq);
    },
    async takeBatches(erId: string, batches: readonly Batch[], taken: Taken): Promise<void> {
      const { verdict, ack, parked } = await storeBatches(pool, cache, erId, batches);
      mustAgree("verdict and cursor", [taken.verdict, taken.seq, 0], [verdict, ack.seq, parked]);
    },
    /** All rows that the journal made. */
    async compare(tables: Tables): Promise<void> {
      const transactions = [...tables.transactions.values()]
        .sort((a, b) => (a.transaction_id < b.transaction_id ? -1 : 1))
        .map((row) => COLUMNS.map((column) => canonical(column, row[column])));
      const stored = await rows(TRANSACTIONS);
      const theirs = stored.map((row) => COLUMNS.map((column) => canonical(column, row[column])));
      mustAgree("transactions", transactions.length, theirs.length);
      transactions.forEach((row, index) => mustAgree("transaction", row, theirs[index]));
      const [counts] = await rows(
        `select (select count(*) from message) as messages,
           (select count(*) from transaction_sample) as samples`,
      );
      mustAgree("rows", { messages: tables.messages.length, samples: tables.samples.length }, counts);
      const connectors = await rows(
        "select station_id, evse_id, connector_id, status from connector order by 1, 2, 3",
      );
      const own = [...tables.connectors.values()].map((c) => [
        c.station_id,
        c.evse_id,
        c.connector_id,
        c.status,
      ]);
      mustAgree("connectors", own.map(String).sort(), connectors.map((c) => String(Object.values(c))).sort());
      const stations = await rows("select station_id, online from station order by 1");
      const online = [...tables.stations.values()].map((s) => String([s.station_id, s.online])).sort();
      mustAgree("stations", online, stations.map((s) => String(Object.values(s))).sort());
    },
    stop: () => pool.end(),
  };
}

/** An absent column and NULL are the same; flags are a set; what nobody has said yet is `unknown`, EVSE 0. */
function canonical(column: string, value: unknown): unknown {
  if (column === "flags") return [...(value as string[])].sort();
  if (column === "authorized_by") return value ?? "unknown";
  if (column === "evse_id") return value ?? 0;
  return value ?? null;
}
