/**
 * Exports that were asked for → files, which are removed when their time is up. Whoever makes one holds it and
 * says so with every page; one that is held by nobody any more is made again from its beginning.
 */
import { Readable } from "node:stream";
import { describeError } from "../../shared/errors.ts";
import { EXPORT_BYTES_MAX, EXPORT_HOLD_MS, EXPORT_KEEP_DAYS, EXPORT_ROWS_MAX } from "../../shared/limits.ts";
import type { Pool } from "../db/pool.ts";
import { exportCsv, type ExportParams } from "../exports/csv.ts";
import { exportKind, type ExportKindName } from "../exports/kinds.ts";
import type { FileFolder } from "../files.ts";

const TRIES_MAX = 3;

type Row = {
  export_id: string;
  operator_id: string;
  kind: ExportKindName;
  params: ExportParams & { spreadsheet?: boolean };
  attempts: number;
};

const TAKE = `
  update export x set status = 'running', attempts = x.attempts + 1, held_until = now() + $1 * interval '1 millisecond'
  from (select export_id from export
        where status = 'waiting' or (status = 'running' and held_until < now())
        order by created_at limit 1 for update skip locked) due
  where x.export_id = due.export_id
  returning x.export_id, x.operator_id, x.kind, x.params, x.attempts`;

const HOLD = `
  update export set rows = $3, held_until = now() + $4 * interval '1 millisecond'
  where export_id = $1 and attempts = $2 and status = 'running'`;

const DONE = `
  update export set status = 'done', rows = $3, bytes = $4, finished_at = now(), error = null,
    expires_at = now() + $5 * interval '1 day'
  where export_id = $1 and attempts = $2 and status = 'running'`;

const FAILED = `
  update export set status = case when attempts >= $4 then 'failed' else 'waiting' end, error = $3,
    finished_at = case when attempts >= $4 then now() end,
    expires_at = case when attempts >= $4 then now() + $5 * interval '1 day' end
  where export_id = $1 and attempts = $2 and status = 'running'`;

async function make(pool: Pool, files: FileFolder, row: Row): Promise<void> {
  const { export_id: id, attempts, params } = row;
  let rows = 0;
  const pieces = exportCsv(pool, row.operator_id, exportKind(row.kind), params, {
    layout: params,
    rowsMax: EXPORT_ROWS_MAX,
    async onPage(count) {
      rows = count;
      const { rowCount } = await pool.query(HOLD, [id, attempts, count, EXPORT_HOLD_MS]);
      if (rowCount === 0) throw new Error("it was cancelled, or somebody else makes it");
    },
  });
  try {
    const { size } = await files.put(id, Readable.from(encoded(pieces)), EXPORT_BYTES_MAX);
    await pool.query(DONE, [id, attempts, rows, size, EXPORT_KEEP_DAYS]);
  } catch (error) {
    const reason = describeError(error).slice(0, 500);
    await pool.query(FAILED, [id, attempts, reason, TRIES_MAX, EXPORT_KEEP_DAYS]);
  }
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece, "utf8");
}

/** @returns how many were made, or tried. */
export async function makeExports(pool: Pool, files: FileFolder): Promise<number> {
  for (let made = 0; ; made++) {
    const [row] = (await pool.query<Row>(TAKE, [EXPORT_HOLD_MS])).rows;
    if (row === undefined) return made;
    await make(pool, files, row);
  }
}

/** @returns how many whose time was up are gone. */
export async function expireExports(pool: Pool, files: FileFolder): Promise<number> {
  const { rows } = await pool.query<{ export_id: string }>(
    "select export_id from export where expires_at < now() order by expires_at limit 1000",
  );
  for (const { export_id: id } of rows) {
    await files.remove(id);
    await pool.query("delete from export where export_id = $1", [id]);
  }
  return rows.length;
}
