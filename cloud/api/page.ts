/**
 * Lists: keyset pages. A cursor holds its version, the filters it belongs to and the last key, so that a
 * page costs the same however deep it is, and a cursor used with other filters is a clear error.
 */
import { createHash } from "node:crypto";
import { Type, type TSchema } from "typebox";
import { API_PAGE_DEFAULT, API_PAGE_MAX } from "../../shared/limits.ts";
import { ApiProblem } from "./problem.ts";
import type { Page } from "./schemas.ts";

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: API_PAGE_MAX, default: API_PAGE_DEFAULT })),
  cursor: Type.Optional(Type.String({ maxLength: 1_000 })),
};

export const PageOf = (name: string): TSchema =>
  Type.Object({ items: Type.Array(Type.Ref(name)), nextCursor: Type.Union([Type.String(), Type.Null()]) });

type Query = { limit?: number; cursor?: string } & Record<string, unknown>;

const VERSION = 1;

function filterHash(query: Query): string {
  const { limit: _limit, cursor: _cursor, ...filters } = query;
  const sorted = Object.entries(filters)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("base64url").slice(0, 8);
}

/**
 * The last key of the page before, or undefined for the first page. @throws ApiProblem 400 INVALID_CURSOR.
 */
export function readCursor(query: Query, parts: number): string[] | undefined {
  if (query.cursor === undefined) return undefined;
  const invalid = () =>
    new ApiProblem(400, "INVALID_CURSOR", "this cursor is not one of ours, or belongs to other filters");
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(query.cursor, "base64url").toString("utf8"));
  } catch {
    throw invalid();
  }
  if (!Array.isArray(value) || value.length !== parts + 2 || value[0] !== VERSION) throw invalid();
  if (value[1] !== filterHash(query)) throw invalid();
  return value.slice(2).map(String);
}

/** Cuts rows (fetched with `limit + 1`) to a page. `keyOf` gives the sort key of a row as text. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  query: Query,
  keyOf: (row: Row) => string[],
  toItem: (row: Row) => Item,
): Page<Item> {
  const limit = query.limit ?? API_PAGE_DEFAULT;
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  const cursor = more ? JSON.stringify([VERSION, filterHash(query), ...keyOf(last)]) : undefined;
  return {
    items: items.map(toItem),
    nextCursor: cursor === undefined ? null : Buffer.from(cursor).toString("base64url"),
  };
}

/** Collects `where` conditions with their parameters. */
export function conditions(first: string, ...values: unknown[]) {
  const clauses = [first];
  const params = [...values];
  return {
    params,
    /** `add("s.site_id = ?", id)`: each `?` is the next parameter; nothing is added for undefined. */
    add(clause: string, ...more: unknown[]) {
      if (more.some((value) => value === undefined)) return;
      let index = 0;
      clauses.push(clause.replaceAll("?", () => `$${params.length + ++index}`));
      params.push(...more);
    },
    get sql() {
      return clauses.join(" and ");
    },
  };
}

export const iso = (date: Date | null): string | null => (date === null ? null : date.toISOString());
export const isoOf = (date: Date): string => date.toISOString();
