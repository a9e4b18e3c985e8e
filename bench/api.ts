/**
 * The API on the database of a big operator: 10,000 stations, 1,000,000 transactions. Every list and every
 * detail of the description is asked for, whole (permission, row-level security, view, JSON), and beside
 * it, in the same run, the bare queries that it asked PostgreSQL, by the owner of the tables.
 *
 * The plans are looked at as well: a big table that is read from end to end is told, however fast it was today.
 */
import { performance } from "node:perf_hooks";
import pg from "pg";
import { createApiKey } from "../cloud/api/actor.ts";
import type { App } from "../cloud/api/app.ts";
import { createMember, openBrowser, openPeopleApi } from "../cloud/api/harness-people.ts";
import { operationsOf, type Document } from "../cloud/api/openapi-document.ts";
import { migrate } from "../cloud/db/migrate.ts";
import { createPool, type Pool } from "../cloud/db/pool.ts";
import { ensureSigningKey } from "../cloud/ingest/policy.ts";
import { AppError } from "../shared/errors.ts";
import { fillBig, FULL, QUICK } from "./api-fill.ts";
import type { Bench, Context } from "./harness.ts";

const ROUNDS = 40;
/** Tables of which no page may need all rows. */
const BIG_ROWS = 50_000;
const P95_MS_MAX = 50;

type Asked = { text: string; values: unknown[] };
type Node = { "Node Type": string; "Relation Name"?: string; Plans?: Node[]; "Never Executed"?: boolean };

/** Every statement that this process sends, while `listening`. */
function listenToQueries() {
  const asked: Asked[] = [];
  let listening = false;
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function (...args: unknown[]) {
    const [text, values] = args;
    if (
      listening &&
      typeof text === "string" &&
      /^\s*(select|with)/i.test(text) &&
      !text.includes("set_config")
    )
      asked.push({ text, values: Array.isArray(values) ? (values as unknown[]) : [] });
    return query.apply(this, args);
  };
  return {
    async during(work: () => Promise<unknown>): Promise<Asked[]> {
      asked.length = 0;
      listening = true;
      await work();
      listening = false;
      return [...asked];
    },
    stop: () => void (prototype.query = query),
  };
}

const p95 = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return p95(times);
}

/** What no list or detail of this database has, and what is no list and no detail. */
const LEFT_OUT = new Map([
  ["who asks, and the whole of a person as a document", /^\/v1\/(me|own\/data)\b/],
  [
    "a stream, a file or a whole table",
    /^\/v1\/events$|csv$|-exports$|exports\/now$|\/(content|file|qr|pdf|data)$/,
  ],
  ["made when it is asked for", /\/receipt$/],
  ["there are none here", /\/(reservations|charging-profiles|station-templates|files|receipts)\/\{/],
]);

/** By parameter. */
type Names = Record<string, string>;

/** Addresses of what is a driver's own, asked by one that has signed in. */
const OWN = "/v1/own/";
const DRIVER_EMAIL = "driver@example.com";

/** The driver of these names can sign in. @returns what stands for a parameter where it is the driver's own. */
async function letDriverIn(pool: Pool, { driverId }: Names): Promise<Names> {
  const userId = await createMember(pool, DRIVER_EMAIL, "driver", { operatorId: "big" });
  await pool.query("update driver set user_id = $2 where driver_id = $1", [driverId, userId]);
  const { rows } = await pool.query<Names>(
    `select payment_id as "paymentId" from payment where driver_id = $1 order by created_at limit 1`,
    [driverId],
  );
  if (rows[0] === undefined) throw new AppError("BENCH_API", `the driver ${driverId} has paid nothing`);
  return rows[0];
}

/** For each parameter something that is there, from the middle of what there is. */
async function namesOf(pool: Pool): Promise<Names> {
  const { rows } = await pool.query<Names>(
    `select t.site_id as "siteId", t.er_id as "erId", t.station_id as "stationId", t.id_token as "idToken",
       t.transaction_id as "transactionId", t.er_id || '.main' as "meterId",
       (select command_id from command c where c.operator_id = 'big' limit 1) as "commandId",
       'transaction:' || t.transaction_id as "reviewId", 'ocpp1.6' as protocol, 'Reset' as action,
       d.driver_id as "driverId", c.cdr_id as "cdrId", c.tariff_id as "tariffId", c.payer as account, c.payer,
       (select posting_id from ledger_posting p where p.cdr_id = c.cdr_id) as "postingId",
       (select statement_id from statement s where s.operator_id = 'big' and s.account = c.payer limit 1)
         as "statementId",
       (select payment_id from payment where operator_id = 'big' order by created_at desc offset 1000 limit 1)
         as "paymentId",
       (select endpoint_id from webhook_endpoint where operator_id = 'big' limit 1) as "endpointId",
       (select export_id from export where operator_id = 'big' limit 1) as "exportId", 'user-1000' as "userId",
       to_char(now() at time zone 'utc' - interval '30 days', 'YYYY-MM-DD"T"HH24:00:00"Z"') as from,
       to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:00:00"Z"') as to
     from transaction t join cdr c using (transaction_id) join driver d on d.driver_id = t.driver_id
     where t.operator_id = 'big' and 'conflicting-stop' = any (t.flags) and c.payer like 'driver:%'
     order by t.started_at desc limit 1`,
  );
  if (rows[0] === undefined) throw new AppError("BENCH_API", "the database is empty");
  return rows[0];
}

/**
 * The addresses of all lists and details, each list also by each of its filters. @throws AppError BENCH_API for
 * one that cannot be named: what is not measured is said in `LEFT_OUT`.
 */
function addressesOf(document: Document, operators: Names, own: Names): string[] {
  const addresses: string[] = [];
  for (const { path, method, operation } of operationsOf(document)) {
    const names = path.startsWith(OWN) ? { ...operators, ...own } : operators;
    const open = operation.security?.length === 0;
    if (method !== "GET" || open || [...LEFT_OUT.values()].some((reason) => reason.test(path))) continue;
    const valueOf = (name: string): string => {
      const value = path.startsWith("/v1/payment-providers/") && name === "kind" ? "stripe" : names[name];
      if (value === undefined) throw new AppError("BENCH_API", `nothing stands for "${name}" of ${path}`);
      return encodeURIComponent(value);
    };
    const query = (operation.parameters ?? []).filter((p) => p.in === "query");
    const asked = query.filter((p) => p.required === true).map(({ name }) => `${name}=${valueOf(name)}`);
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => valueOf(name));
    // A report over everything adds up everything: it is asked of a site and of a station.
    if (!path.startsWith("/v1/reports/"))
      addresses.push([filled, asked.join("&")].filter((part) => part !== "").join("?"));
    for (const { name, required } of query)
      if (required !== true && names[name] !== undefined)
        addresses.push(`${filled}?${[...asked, `${name}=${valueOf(name)}`].join("&")}`);
    if (path === "/v1/transactions")
      addresses.push(...["status=active", "status=ended", "needsReview=true"].map((q) => `${filled}?${q}`));
  }
  return addresses;
}

const scansOf = (node: Node): string[] => [
  ...(node["Node Type"] === "Seq Scan" ? [node["Relation Name"] ?? ""] : []),
  ...(node.Plans ?? []).flatMap(scansOf),
];

/** Big tables that a statement reads from end to end. */
async function wholeScans(pool: Pool, { text, values }: Asked, big: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await pool.query<{ "QUERY PLAN": [{ Plan: Node }] }>(
    `explain (format json) ${text}`,
    values,
  );
  return scansOf(rows[0]?.["QUERY PLAN"][0].Plan ?? { "Node Type": "" }).filter((table) => big.has(table));
}

type Ask = (url: string) => Promise<number>;

/** One key may ask so often in a minute; the bench asks more. */
const ASKED_MAX = 1_000;

async function openApi(pool: Pool): Promise<{ app: App; ask: Ask; close: () => Promise<void> }> {
  const { app, close } = await openPeopleApi(pool);
  const driver = openBrowser(app);
  let key = "";
  let used = 0;
  return {
    ...{ app, close },
    async ask(url) {
      if (url.startsWith(OWN)) {
        if (driver.jar.size === 0) await driver.signIn(DRIVER_EMAIL);
        return (await driver.get(url)).status;
      }
      if (used++ % ASKED_MAX === 0) key = await createApiKey(pool, "big", "bench");
      const reply = await app.inject({ method: "GET", url, headers: { authorization: `Bearer ${key}` } });
      return reply.statusCode;
    },
  };
}

async function run(context: Context): Promise<void> {
  const url = await context.services.database();
  await migrate(url);
  const pool = createPool(url, { max: 4, name: "bench-api" });
  context.onEnd(() => pool.end());
  const size = context.quick ? QUICK : FULL;
  await fillBig(pool, size);
  await ensureSigningKey(pool, undefined);
  const listener = listenToQueries();
  context.onEnd(listener.stop);
  const { app, ask, close } = await openApi(pool);
  context.onEnd(close);
  const document = JSON.parse(JSON.stringify(app.swagger())) as Document;
  const { rows: counts } = await pool.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and reltuples > $1",
    [BIG_ROWS],
  );
  const big = new Set(counts.map(({ name }) => name));
  const results: { address: string; ms: number; bareMs: number; scans: string[] }[] = [];
  const names = await namesOf(pool);
  const own = await letDriverIn(pool, names);
  for (const address of addressesOf(document, names, own)) {
    const status = await ask(address);
    if (status !== 200) throw new AppError("BENCH_API", `GET ${address} answers ${status}`);
    const asked = await listener.during(() => ask(address));
    const ms = await timed(() => ask(address));
    const bareMs = await timed(async () => {
      for (const { text, values } of asked) await pool.query(text, values);
    });
    const scans = (await Promise.all(asked.map((one) => wholeScans(pool, one, big)))).flat();
    results.push({ address, ms, bareMs, scans });
    console.error(
      `${ms.toFixed(1).padStart(9)} ms  ${bareMs.toFixed(1).padStart(9)} ms bare  GET ${address}`,
    );
  }
  report(context, results, size);
}

function report(
  context: Context,
  results: { address: string; ms: number; bareMs: number; scans: string[] }[],
  size: object,
): void {
  results.sort((a, b) => b.ms - a.ms);
  for (const { address, ms, bareMs } of results.slice(0, 12))
    context.report({
      ...{ bench: "api", figure: `p95 of GET ${address}`, value: ms, unit: "ms", limit: bareMs },
      limitOf: "bare queries",
      goal: { of: "value", better: "less", target: P95_MS_MAX / 2, floor: P95_MS_MAX },
    });
  const slow = results.filter(({ ms }) => ms > P95_MS_MAX);
  const scanned = results.filter(({ scans }) => scans.length > 0);
  const zero = { of: "value", better: "less", target: 0, floor: 0 } as const;
  context.report({
    ...{
      bench: "api",
      figure: `of ${results.length} addresses slower than 50 ms`,
      value: slow.length,
      unit: "",
    },
    goal: zero,
    more: { size, addresses: slow.map(({ address }) => address) },
  });
  context.report({
    ...{ bench: "api", figure: "that read a big table whole", value: scanned.length, unit: "" },
    goal: zero,
    more: { scans: scanned.map(({ address, scans }) => `${address}: ${scans.join(", ")}`) },
  });
}

export const api: Bench = {
  name: "api",
  about: "lists and details at 10,000 stations and 1,000,000 transactions, against their bare queries",
  run,
};
