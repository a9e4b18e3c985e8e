/**
 * idTokens and their drivers as cells of a table. Pure; the format of the file is `csv-parse`'s and
 * `csv-stringify`'s business, what a file changes is `token-import.ts`.
 *
 * What was written comes back the same. A cell that a spreadsheet would take for a formula is written with an
 * apostrophe before it, and read without it. An empty cell is no value; a column that is missing, and an
 * empty cell of a driver, say nothing.
 */
import { bareTaxId, taxIdKind } from "../../shared/tax-id.ts";
import { formatTime, parseTime } from "../../shared/time.ts";

export type TokenFields = {
  type: string | null;
  status: "Accepted" | "Blocked";
  label: string | null;
  groupId: string | null;
  master: boolean;
  /** Unix ms. */
  expiresAt: number | null;
  siteIds: string[] | null;
  stationIds: string[] | null;
  trusted: boolean;
  maxConcurrent: number | null;
  maxEnergyWh: number | null;
};

export type DriverFields = {
  name: string | null;
  email: string | null;
  phone: string | null;
  taxId: string | null;
  language: string | null;
};

/** @throws CellError when it is none. */
type Read<T> = (cell: string) => T;

/** What is wrong with a row, in words for who made it. */
export class CellError extends Error {}

/** Separates ids in a cell; it stands in none. Alone: none at all. */
const BETWEEN_IDS = "#";

const text =
  (max: number): Read<string | null> =>
  (cell) => {
    if (cell.length > max) throw new CellError(`has ${cell.length} characters; at most ${max} are taken`);
    return cell === "" ? null : cell;
  };

const oneOf =
  <T extends string>(words: readonly T[]): Read<T | null> =>
  (cell) => {
    const word = words.find((one) => one.toLowerCase() === cell.toLowerCase());
    if (word === undefined && cell !== "") throw new CellError(`is none of ${words.join(", ")}`);
    return word ?? null;
  };

const flag: Read<boolean> = (cell) => {
  if (cell === "") return false;
  return oneOf(["true", "false"])(cell) === "true";
};

const integer =
  (max: number): Read<number | null> =>
  (cell) => {
    if (cell === "") return null;
    const value = /^\d{1,12}$/.test(cell) ? Number(cell) : 0;
    if (value < 1 || value > max) throw new CellError(`is no whole number from 1 to ${max}`);
    return value;
  };

const time: Read<number | null> = (cell) => {
  if (cell === "") return null;
  // The last moment of a day, where only a day is told.
  const at = parseTime(/^\d{4}-\d\d-\d\d$/.test(cell) ? `${cell}T23:59:59Z` : cell);
  if (at === undefined || at < 0) throw new CellError("is no time like 2027-03-01T00:00:00Z");
  return at;
};

const ids =
  (countMax: number, lengthMax: number): Read<string[] | null> =>
  (cell) => {
    if (cell === "") return null;
    const list = cell.split(BETWEEN_IDS).filter((id) => id !== "");
    if (list.length > countMax) throw new CellError(`names more than ${countMax}`);
    for (const id of list) text(lengthMax)(id);
    return list;
  };

const matching =
  (max: number, pattern: RegExp, what: string): Read<string | null> =>
  (cell) => {
    if (cell !== "" && !pattern.test(cell)) throw new CellError(`is no ${what}`);
    return text(max)(cell);
  };

const taxId: Read<string | null> = (cell) => {
  if (cell === "") return null;
  if (taxIdKind(cell) === undefined)
    throw new CellError("is no CPF and no CNPJ: its check digits do not fit");
  return bareTaxId(cell);
};

const TOKEN: { [K in keyof TokenFields]: Read<TokenFields[K]> } = {
  type: text(20),
  status: (cell) => oneOf(["Accepted", "Blocked"])(cell) ?? "Accepted",
  label: text(100),
  groupId: text(36),
  master: flag,
  expiresAt: time,
  siteIds: ids(1_000, 64),
  stationIds: ids(200, 200),
  trusted: flag,
  maxConcurrent: integer(100),
  maxEnergyWh: integer(1_000_000_000),
};

const DRIVER: { [K in keyof DriverFields]: Read<DriverFields[K]> } = {
  name: text(200),
  email: matching(254, /^[^@\s]+@[^@\s]+$/, "e-mail address"),
  phone: matching(30, /^[0-9+() .-]{3,}$/, "phone number"),
  taxId,
  language: oneOf(["pt-BR", "en", "es"]),
};

export const TOKEN_FIELDS = Object.keys(TOKEN) as (keyof TokenFields)[];
export const DRIVER_FIELDS = Object.keys(DRIVER) as (keyof DriverFields)[];
const driverColumn = (field: string) => `driver${field.charAt(0).toUpperCase()}${field.slice(1)}`;
/** The header, in the order in which it is written. */
export const TOKEN_COLUMNS = ["idToken", ...TOKEN_FIELDS] as const;
export const DRIVER_COLUMNS = ["driverId", ...DRIVER_FIELDS.map(driverColumn)] as const;

const FORMULA = /^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
const GUARDED = /^'+[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

/** As it may stand in a cell without becoming a formula. */
export const guarded = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);
const unguarded = (cell: string): string => (GUARDED.test(cell) ? cell.slice(1) : cell);

function cellOf(field: string, value: unknown): string {
  if (value === null || value === undefined || value === false) return "";
  if (Array.isArray(value)) return value.length === 0 ? BETWEEN_IDS : value.join(BETWEEN_IDS);
  return field === "expiresAt" ? formatTime(value as number) : String(value);
}

export type ExportRow = {
  idToken: string;
  token: TokenFields;
  driver: (DriverFields & { driverId: string }) | null;
};

/** @param withDrivers whether the columns of drivers are there. */
export function recordOf(row: ExportRow, withDrivers: boolean): string[] {
  const { token, driver } = row;
  const cells = [row.idToken, ...TOKEN_FIELDS.map((field) => cellOf(field, token[field]))];
  if (withDrivers)
    cells.push(driver?.driverId ?? "", ...DRIVER_FIELDS.map((field) => cellOf(field, driver?.[field])));
  return cells.map(guarded);
}

export type Header = readonly (string | undefined)[];

/** Names of columns without regard to case and blanks. @throws CellError. */
export function readHeader(record: readonly string[]): Header {
  const known = new Map([...TOKEN_COLUMNS, ...DRIVER_COLUMNS].map((name) => [name.toLowerCase(), name]));
  const header = record.map((cell) => known.get(cell.trim().toLowerCase()));
  const stranger = record.find((_, i) => header[i] === undefined);
  if (stranger !== undefined)
    throw new CellError(`there is no column "${stranger.slice(0, 50)}": ${[...known.values()].join(", ")}`);
  if (!header.includes("idToken")) throw new CellError('the column "idToken" is missing');
  if (new Set(header).size !== header.length) throw new CellError("a column is there twice");
  return header;
}

export type ImportRow = {
  line: number;
  idToken: string;
  /** Of the columns that there are. */
  token: Partial<TokenFields>;
  /** The file has columns of drivers; the driver of the row, null: it says that there is none. */
  driver: { driverId: string | null; fields: Partial<DriverFields> } | null | undefined;
};

/** @throws CellError. */
export function readRecord(header: Header, record: readonly string[], line: number): ImportRow {
  if (record.length !== header.length)
    throw new CellError(`the row has ${record.length} cells, the header ${header.length}`);
  const cells = new Map(header.map((name, i) => [name, unguarded(record[i] ?? "")]));
  const read = <T>(name: string, how: Read<T>): T => {
    try {
      return how(cells.get(name) ?? "");
    } catch (error) {
      throw error instanceof CellError ? new CellError(`${name} ${error.message}`) : error;
    }
  };
  const idToken = read("idToken", text(36));
  if (idToken === null) throw new CellError("idToken is empty");
  const token: Record<string, unknown> = {};
  for (const field of TOKEN_FIELDS)
    if (cells.has(field)) token[field] = read(field, TOKEN[field] as Read<unknown>);
  return { line, idToken, token: token as Partial<TokenFields>, driver: readDriver(cells, read) };
}

function readDriver(
  cells: ReadonlyMap<string | undefined, string>,
  read: <T>(name: string, how: Read<T>) => T,
): ImportRow["driver"] {
  const names = DRIVER_COLUMNS.filter((name) => cells.has(name));
  if (names.length === 0) return undefined;
  if (names.every((name) => cells.get(name) === "")) return null;
  const fields: Record<string, unknown> = {};
  // Of a driver in several rows one has to say it.
  for (const field of DRIVER_FIELDS) {
    const name = driverColumn(field);
    if ((cells.get(name) ?? "") !== "") fields[field] = read(name, DRIVER[field] as Read<unknown>);
  }
  return { driverId: read("driverId", text(64)), fields: fields as Partial<DriverFields> };
}
