/**
 * A file of idTokens and drivers → PostgreSQL: read strictly, planned whole (`core/token-import.ts`), written
 * in one transaction with one audit row and one new policy.
 *
 * UTF-8 with or without a byte order mark, commas or semicolons. Anything else that calls itself CSV is
 * refused rather than guessed: a name in the wrong encoding would be stored for good.
 */
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setImmediate as breathe } from "node:timers/promises";
import { parse, CsvError } from "csv-parse";
import type { FastifyRequest } from "fastify";
import { TOKEN_IMPORT_BYTES_MAX, TOKEN_IMPORT_ROWS_MAX } from "../../shared/limits.ts";
import { POLICY_TOKENS_MAX, tokenKey } from "../../shared/policy.ts";
import { formatTime } from "../../shared/time.ts";
import { CellError, readHeader, readRecord, type ImportRow } from "../core/token-csv.ts";
import {
  planImport,
  type Known,
  type KnownDriver,
  type KnownToken,
  type Plan,
} from "../core/token-import.ts";
import type { Client } from "../db/pool.ts";
import type { Actor } from "./actor.ts";
import type { IdTokenImport } from "./driver-schemas.ts";
import { bumpPolicy } from "./policy-version.ts";
import { ApiProblem } from "./problem.ts";
import type { TokenRow } from "./routes/id-tokens.ts";
import { audit, writeOnce } from "./write.ts";

export type ImportFile = {
  rows: (ImportRow | { line: number; idToken: string | null; error: string })[];
  withDrivers: boolean;
  sha256: string;
};

const PORTION = 2_000;
const CHUNK = 64 * 1024;

const refused = (code: string, detail: string) => new ApiProblem(400, code, detail);

/** @throws ApiProblem 413, 400. */
export async function readImportFile(body: AsyncIterable<Uint8Array>): Promise<ImportFile> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > TOKEN_IMPORT_BYTES_MAX)
      throw new ApiProblem(
        413,
        "IMPORT_TOO_LARGE",
        `a file has at most ${TOKEN_IMPORT_BYTES_MAX} bytes: cut it`,
      );
    pieces.push(piece);
  }
  const bytes = Buffer.concat(pieces);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  checkText(bytes);
  return { ...(await readRows(bytes)), sha256 };
}

/** @throws ApiProblem 400 INVALID_ENCODING. */
function checkText(bytes: Buffer): void {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refused("INVALID_ENCODING", "the file is not UTF-8: save it as “CSV UTF-8”");
  }
  if (bytes.includes(0)) throw refused("INVALID_ENCODING", "the file holds NUL: it is no text in UTF-8");
}

async function readRows(bytes: Buffer): Promise<Omit<ImportFile, "sha256">> {
  const [first = ""] = /^[^\r\n]*/.exec(bytes.toString("utf8", 0, CHUNK)) ?? [];
  const delimiter = first.split(";").length > first.split(",").length ? ";" : ",";
  const parser = parse({ delimiter, bom: true, info: true, relaxColumnCount: true, skipEmptyLines: true });
  // In pieces, so that the program goes on with other things meanwhile.
  const pieces = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, i) =>
    bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
  const source = Readable.from(pieces);
  source.on("error", (error) => parser.destroy(error));
  try {
    return await rowsOf(source.pipe(parser));
  } catch (error) {
    if (error instanceof CsvError) throw refused("INVALID_CSV", error.message);
    if (error instanceof CellError) throw refused("INVALID_CSV", `line 1: ${error.message}`);
    throw error;
  } finally {
    source.destroy();
    parser.destroy();
  }
}

type Parsed = { record: string[]; info: { lines: number } };

async function rowsOf(records: AsyncIterable<Parsed>): Promise<Omit<ImportFile, "sha256">> {
  const rows: ImportFile["rows"] = [];
  let header: ReturnType<typeof readHeader> | undefined;
  let line = 1;
  for await (const { record, info } of records) {
    if (header === undefined) header = readHeader(record);
    else if (rows.length >= TOKEN_IMPORT_ROWS_MAX)
      throw new ApiProblem(
        413,
        "IMPORT_TOO_LARGE",
        `a file has at most ${TOKEN_IMPORT_ROWS_MAX} rows: cut it`,
      );
    else rows.push(rowOf(header, record, line));
    line = info.lines + 1;
    if (rows.length % PORTION === 0) await breathe();
  }
  if (header === undefined)
    throw refused("INVALID_CSV", "the file is empty: its first line names the columns");
  return { rows, withDrivers: header.some((name) => name?.startsWith("driver") ?? false) };
}

function rowOf(
  header: ReturnType<typeof readHeader>,
  record: string[],
  line: number,
): ImportFile["rows"][number] {
  try {
    return readRecord(header, record, line);
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    const idToken = record[header.indexOf("idToken")]?.slice(0, 36) ?? null;
    return { line, idToken, error: error.message };
  }
}

/* What is there */

export const toKnown = (r: Omit<TokenRow, "operator_id" | "created_at" | "updated_at">): KnownToken => ({
  ...{ type: r.type, status: r.status, label: r.label, groupId: r.group_id, master: r.master },
  ...{ expiresAt: r.expires_at?.getTime() ?? null, siteIds: r.site_ids, stationIds: r.station_ids },
  ...{
    trusted: r.trusted,
    maxConcurrent: r.max_concurrent,
    maxEnergyWh: r.max_energy_wh,
    driver: r.driver_id,
  },
});

async function readKnown(client: Client, operatorId: string, file: ImportFile): Promise<Known> {
  const keys = file.rows.flatMap((row) => ("error" in row ? [] : [tokenKey(row.idToken)]));
  const tokens = await client.query<TokenRow>(
    "select * from id_token where operator_id = $1 and token_key = any($2) for update",
    [operatorId, keys],
  );
  const drivers = file.withDrivers
    ? await client.query<KnownDriver & { driverId: string }>(
        `select driver_id::text as "driverId", name, email, phone, tax_id as "taxId", language,
           group_id as "groupId"
         from driver where operator_id = $1 and status <> 'erased' for update`,
        [operatorId],
      )
    : { rows: [] };
  // One without columns of drivers leaves every token with whom it has.
  const ids = async (table: "site" | "station") =>
    (
      await client.query<{ id: string }>(`select ${table}_id as id from ${table} where operator_id = $1`, [
        operatorId,
      ])
    ).rows;
  return {
    tokens: new Map(tokens.rows.map((row) => [tokenKey(row.id_token), toKnown(row)])),
    drivers: new Map(drivers.rows.map(({ driverId, ...driver }) => [driverId, driver])),
    siteIds: new Set((await ids("site")).map(({ id }) => id)),
    stationIds: new Set((await ids("station")).map(({ id }) => id)),
  };
}

/* What is written */

const NEW_DRIVERS = `
  insert into driver (driver_id, operator_id, name, email, phone, tax_id, language)
  select r."driverId", $1, r.name, r.email, r.phone, r."taxId", coalesce(r.language, 'pt-BR')
  from json_to_recordset($2::json) as r("driverId" uuid, name text, email text, phone text, "taxId" text,
    language text)`;

const CHANGED_DRIVERS = `
  update driver d set name = r.name, email = r.email, phone = r.phone, tax_id = r."taxId", language = r.language,
    version = version + 1, updated_at = now()
  from json_to_recordset($2::json) as r("driverId" uuid, name text, email text, phone text, "taxId" text,
    language text)
  where d.operator_id = $1 and d.driver_id = r."driverId"`;

const TOKENS = `
  insert into id_token as t (operator_id, id_token, type, status, label, group_id, master, expires_at, site_ids,
    station_ids, trusted, max_concurrent, max_energy_wh, driver_id, driver_since)
  select $1, r."idToken", r.type, r.status, r.label, r."groupId", r.master, r."expiresAt",
    r."siteIds", r."stationIds", r.trusted, r."maxConcurrent", r."maxEnergyWh", r.driver,
    case when r.driver is not null then now() end
  from json_to_recordset($2::json) as r("idToken" text, type text, status text, label text, "groupId" text,
    master boolean, "expiresAt" timestamptz, "siteIds" text[], "stationIds" text[], trusted boolean,
    "maxConcurrent" integer, "maxEnergyWh" bigint, driver uuid)
  on conflict (operator_id, lower(id_token)) do update set type = excluded.type, status = excluded.status,
    label = excluded.label, group_id = excluded.group_id, master = excluded.master, expires_at = excluded.expires_at,
    site_ids = excluded.site_ids, station_ids = excluded.station_ids, trusted = excluded.trusted,
    max_concurrent = excluded.max_concurrent, max_energy_wh = excluded.max_energy_wh, driver_id = excluded.driver_id,
    driver_since = case when t.driver_id is not distinct from excluded.driver_id then t.driver_since
      else excluded.driver_since end,
    updated_at = now()`;

async function writePlan(client: Client, operatorId: string, plan: Plan): Promise<void> {
  const made = new Map([...plan.newDrivers.keys()].map((key) => [key, randomUUID() as string]));
  const idOf = (key: string | null) => (key === null ? null : (made.get(key) ?? key));
  const withIds = (drivers: Plan["newDrivers"]) =>
    [...drivers].map(([key, driver]) => ({ driverId: idOf(key), ...driver }));
  const tokens = plan.tokens.map(({ idToken, token }) => ({
    ...{ idToken, ...token, driver: idOf(token.driver) },
    // As text: a number of seconds would lose its last millisecond far in the future.
    expiresAt: token.expiresAt === null ? null : formatTime(token.expiresAt),
  }));
  const write = async (sql: string, rows: readonly unknown[]) => {
    for (let i = 0; i < rows.length; i += PORTION)
      await client.query(sql, [operatorId, JSON.stringify(rows.slice(i, i + PORTION))]);
  };
  // An address that one driver gives up may be another's in the same file.
  await client.query(
    "update driver set email = null, tax_id = null where operator_id = $1 and driver_id = any($2::uuid[])",
    [operatorId, [...plan.changedDrivers.keys()]],
  );
  await write(CHANGED_DRIVERS, withIds(plan.changedDrivers));
  await write(NEW_DRIVERS, withIds(plan.newDrivers));
  // Made while there were few drivers, the plan that checks references would look at all of them each time.
  await client.query("discard plans");
  await write(TOKENS, tokens);
}

/** @throws ApiProblem 409. */
async function checkRoom(client: Client, operatorId: string, plan: Plan): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    "select count(*)::int as count from id_token where operator_id = $1",
    [operatorId],
  );
  const count = (rows[0]?.count ?? 0) + plan.tokens.filter(({ isNew }) => isNew).length;
  if (count > POLICY_TOKENS_MAX)
    throw new ApiProblem(409, "TOO_MANY_ID_TOKENS", `an operator has at most ${POLICY_TOKENS_MAX} idTokens`);
}

export type ImportOptions = { dryRun: boolean; onError: "reject" | "skip" };

export async function importTokens(
  actor: Actor,
  request: FastifyRequest,
  file: ImportFile,
  { dryRun, onError }: ImportOptions,
): Promise<IdTokenImport> {
  const { operatorId } = actor;
  const run = async (client: Client): Promise<IdTokenImport> => {
    // One after the other: the second sees what the first has written.
    await client.query("select pg_advisory_xact_lock(hashtext($1))", [`tokens of ${operatorId}`]);
    const plan = planImport(file.rows, await readKnown(client, operatorId, file));
    await checkRoom(client, operatorId, plan);
    const count = (result: string) => plan.rows.filter((row) => row.result === result).length;
    const counts = {
      ...{ created: count("created"), updated: count("updated") },
      ...{ unchanged: count("unchanged"), errors: count("error") },
      ...{ driversCreated: plan.newDrivers.size, driversUpdated: plan.changedDrivers.size },
    };
    const told = { ...counts, rows: plan.rows };
    if (dryRun) return { status: "dry-run", ...told };
    if (counts.errors > 0 && onError === "reject") return { status: "rejected", ...told };
    if (plan.tokens.length + plan.changedDrivers.size > 0) {
      await writePlan(client, operatorId, plan);
      await bumpPolicy(client, operatorId);
      await audit(client, actor, request, "idToken.import", operatorId, { ...counts, sha256: file.sha256 });
    }
    return { status: "applied", ...told };
  };
  if (dryRun) return actor.db.transaction(run);
  const work = async (client: Client) => ({ status: 200, body: await run(client) });
  return (await writeOnce(actor, request, work, file.sha256)).body as IdTokenImport;
}
