/**
 * Rows → CSV (RFC 4180, UTF-8, CRLF), page by page. What a spreadsheet would take for a formula is text: names
 * and reasons come from outside. Memory is that of one page, whatever the file.
 */
import { stringify } from "csv-stringify/sync";
import { AppError } from "../../shared/errors.ts";
import { EXPORT_PAGE_ROWS } from "../../shared/limits.ts";
import type { Queryable } from "../db/pool.ts";
import { pageSql, type ExportKind } from "./kinds.ts";

export type CsvLayout = { spreadsheet?: boolean | undefined };

/** Times as the API tells them; NUL cannot come out of PostgreSQL. */
const cellOf = (value: unknown): unknown => (value instanceof Date ? value.toISOString() : value);

export function toCsv(rows: readonly (readonly unknown[])[], layout: CsvLayout): string {
  return stringify(
    rows.map((row) => row.map(cellOf)),
    {
      delimiter: layout.spreadsheet === true ? ";" : ",",
      record_delimiter: "windows",
      escape_formulas: true,
      cast: { boolean: (value) => (value ? "true" : "false") },
    },
  );
}

export const csvHead = (names: readonly string[], layout: CsvLayout): string =>
  `${layout.spreadsheet === true ? "\ufeff" : ""}${toCsv([names], layout)}`;

export type ExportParams = { from: string; to: string; siteId: string | null };
type Page = { key_at: string; key_id: string } & Record<string, unknown>;

/**
 * The file in pieces. @param onPage hears how many rows there are so far.
 * @throws AppError EXPORT_TOO_LARGE beyond `rowsMax`.
 */
export async function* exportCsv(
  db: Queryable,
  operatorId: string,
  kind: ExportKind,
  params: ExportParams,
  o: { layout: CsvLayout; rowsMax: number; onPage?: (rows: number) => Promise<void> },
): AsyncGenerator<string> {
  const sql = pageSql(kind, EXPORT_PAGE_ROWS);
  const names = Object.keys(kind.columns);
  yield csvHead(names, o.layout);
  let after: [string | null, string | null] = [null, null];
  for (let count = 0; ;) {
    const { rows } = await db.query<Page>(sql, [operatorId, params.from, params.to, params.siteId, ...after]);
    count += rows.length;
    if (count > o.rowsMax)
      throw new AppError("EXPORT_TOO_LARGE", `an export has at most ${o.rowsMax} rows: take a shorter time`);
    if (rows.length > 0)
      yield toCsv(
        rows.map((row) => names.map((_, i) => row[`c${i}`])),
        o.layout,
      );
    await o.onPage?.(count);
    const last = rows.at(-1);
    if (last === undefined || rows.length < EXPORT_PAGE_ROWS) return;
    after = [last.key_at, last.key_id];
  }
}

/** Whether it is no more than `max` rows, without reading all of them. */
export async function isSmall(
  db: Queryable,
  operatorId: string,
  kind: ExportKind,
  params: ExportParams,
  max: number,
): Promise<boolean> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from (select 1 from ${kind.from} where ${kind.where} limit ${max + 1}) x`,
    [operatorId, params.from, params.to, params.siteId],
  );
  return (rows[0]?.n ?? 0) <= max;
}
