/**
 * What a file of idTokens and drivers changes: for every row whether it makes, changes or leaves its token,
 * or what is wrong with it. Pure: what is there is handed in, what is to be written comes out.
 *
 * A file that was read once changes nothing when it is read again. A driver is found by its id, else by its
 * e-mail address, else by its tax number, else it is the one the token has if the name is the same; else
 * there is a new one.
 */
import { tokenKey } from "../../shared/policy.ts";
import {
  DRIVER_FIELDS,
  TOKEN_FIELDS,
  type DriverFields,
  type ImportRow,
  type TokenFields,
} from "./token-csv.ts";

/** New ones are named by the place where they appear, until they have an id. */
export type DriverKey = string;

export type KnownToken = TokenFields & { driver: DriverKey | null };
export type KnownDriver = DriverFields & { groupId: string | null };

export type Known = {
  /** By their key (tokenKey). */
  tokens: ReadonlyMap<string, KnownToken>;
  drivers: ReadonlyMap<DriverKey, KnownDriver>;
  siteIds: ReadonlySet<string>;
  stationIds: ReadonlySet<string>;
};

export type RowReport = {
  line: number;
  idToken: string | null;
  result: "created" | "updated" | "unchanged" | "error";
  reason: string | null;
};

export type TokenWrite = { idToken: string; token: KnownToken; isNew: boolean; driverChanged: boolean };

export type Plan = {
  rows: RowReport[];
  tokens: TokenWrite[];
  newDrivers: Map<DriverKey, KnownDriver>;
  changedDrivers: Map<DriverKey, KnownDriver>;
};

const NEW_TOKEN: KnownToken = {
  ...{ type: null, status: "Accepted", label: null, groupId: null, master: false, expiresAt: null },
  ...{
    siteIds: null,
    stationIds: null,
    trusted: false,
    maxConcurrent: null,
    maxEnergyWh: null,
    driver: null,
  },
};
const NEW_DRIVER: KnownDriver = {
  ...{ name: null, email: null, phone: null, taxId: null, language: "pt-BR", groupId: null },
};

class RowError extends Error {}

/** No value and an empty text are the same in a table. */
const same = (a: unknown, b: unknown) =>
  JSON.stringify(a === "" ? null : a) === JSON.stringify(b === "" ? null : b);

/** Addresses of one mailbox, in whatever case. */
const sameValue = (field: keyof DriverFields, a: string | null, b: string | null) =>
  same(a, b) || (field === "email" && a?.toLowerCase() === b?.toLowerCase());

/** Drivers as they are after the rows so far. */
class Drivers {
  readonly all: Map<DriverKey, KnownDriver>;
  readonly isNew = new Set<DriverKey>();
  readonly changed = new Set<DriverKey>();
  private readonly by = { email: new Map<string, DriverKey>(), taxId: new Map<string, DriverKey>() };
  private readonly newNames = new Map<string, DriverKey>();
  /** Which line said it last: two that say something else are a mistake. */
  private readonly told = new Map<string, number>();

  constructor(known: ReadonlyMap<DriverKey, KnownDriver>) {
    this.all = new Map(known);
    for (const [key, driver] of known) this.index(key, driver);
  }

  private index(key: DriverKey, driver: KnownDriver): void {
    if (driver.email !== null) this.by.email.set(driver.email.toLowerCase(), key);
    if (driver.taxId !== null) this.by.taxId.set(driver.taxId, key);
  }

  private find(row: ImportRow, current: DriverKey | null): DriverKey | undefined {
    const { driverId = null, fields = {} } = row.driver ?? {};
    if (driverId !== null) {
      if (this.all.has(driverId)) return driverId;
      throw new RowError(`there is no driver "${driverId}"`);
    }
    const { email, taxId, name } = fields;
    const found =
      (email ? this.by.email.get(email.toLowerCase()) : undefined) ??
      (taxId ? this.by.taxId.get(taxId) : undefined);
    if (found !== undefined || !name) return found;
    if (current !== null && this.all.get(current)?.name === name) return current;
    return email || taxId ? undefined : this.newNames.get(name);
  }

  /** The driver of a row, with what the row says of it. @throws RowError. */
  of(row: ImportRow & { driver: NonNullable<ImportRow["driver"]> }, current: DriverKey | null): DriverKey {
    const { fields } = row.driver;
    const key = this.find(row, current) ?? `line ${row.line}`;
    const before = this.all.get(key) ?? NEW_DRIVER;
    const after = { ...before };
    for (const field of DRIVER_FIELDS) {
      const value = fields[field];
      if (value === undefined || sameValue(field, value, before[field])) continue;
      this.agree(key, field, row.line);
      after[field] = value;
    }
    if (after.name === null) throw new RowError("a driver needs a driverName");
    this.free("email", after.email?.toLowerCase(), key);
    this.free("taxId", after.taxId ?? undefined, key);
    for (const field of DRIVER_FIELDS)
      if (fields[field] !== undefined) this.told.set(`${key} ${field}`, row.line);
    if (!this.all.has(key)) {
      this.isNew.add(key);
      if (after.email === null && after.taxId === null) this.newNames.set(after.name, key);
    } else if (!same(before, after) && !this.isNew.has(key)) this.changed.add(key);
    if (before.email !== null && !same(before.email, after.email))
      this.by.email.delete(before.email.toLowerCase());
    if (before.taxId !== null && before.taxId !== after.taxId) this.by.taxId.delete(before.taxId);
    this.all.set(key, after);
    this.index(key, after);
    return key;
  }

  private agree(key: DriverKey, field: string, line: number): void {
    const told = this.told.get(`${key} ${field}`);
    if (told !== undefined && told !== line)
      throw new RowError(`line ${told} says something else of the ${field} of the same driver`);
  }

  private free(field: "email" | "taxId", value: string | undefined, key: DriverKey): void {
    const holder = value === undefined ? undefined : this.by[field].get(value);
    if (holder !== undefined && holder !== key) throw new RowError(`another driver has this ${field}`);
  }
}

function checkScope(token: Partial<TokenFields>, known: Known): void {
  const site = token.siteIds?.find((id) => !known.siteIds.has(id));
  if (site !== undefined) throw new RowError(`there is no site "${site}"`);
  const station = token.stationIds?.find((id) => !known.stationIds.has(id));
  if (station !== undefined) throw new RowError(`there is no station "${station}"`);
}

/** The driver of the token after the row. */
function driverOf(row: ImportRow, before: KnownToken, drivers: Drivers): DriverKey | null {
  if (row.driver === undefined) return before.driver;
  if (row.driver === null) return null;
  return drivers.of({ ...row, driver: row.driver }, before.driver);
}

function tokenAfter(row: ImportRow, before: KnownToken, drivers: Drivers): KnownToken {
  const driver = driverOf(row, before, drivers);
  const after: KnownToken = { ...before, ...row.token, driver };
  const group =
    driver === null || driver === before.driver ? null : (drivers.all.get(driver)?.groupId ?? null);
  return row.token.groupId === undefined && group !== null ? { ...after, groupId: group } : after;
}

/** @param rows in the order of the file; a text is what could not be read of its line. */
export function planImport(
  rows: readonly (ImportRow | { line: number; idToken: string | null; error: string })[],
  known: Known,
): Plan {
  const drivers = new Drivers(known.drivers);
  const seen = new Map<string, number>();
  const report: RowReport[] = [];
  const tokens: TokenWrite[] = [];
  for (const row of rows) {
    const { line, idToken } = row;
    const failed = (reason: string) => report.push({ line, idToken, result: "error", reason });
    if ("error" in row) {
      failed(row.error);
      continue;
    }
    const key = tokenKey(row.idToken);
    const first = seen.get(key);
    try {
      if (first !== undefined) throw new RowError(`the idToken stands in line ${first} already`);
      if (key.startsWith("erased-")) throw new RowError("names of this form stand for people who are gone");
      checkScope(row.token, known);
      const found = known.tokens.get(key);
      if (found === undefined && /^\s|\s$|[\u0000-\u001f\u007f]/.test(row.idToken))
        throw new RowError("the idToken begins or ends with a blank, or holds a control character");
      const before = found ?? NEW_TOKEN;
      const changedBefore = drivers.changed.size;
      const token = tokenAfter(row, before, drivers);
      seen.set(key, line);
      const changes = [...TOKEN_FIELDS, "driver" as const].some(
        (field) => !same(before[field], token[field]),
      );
      const isNew = found === undefined;
      if (isNew || changes)
        tokens.push({ idToken: row.idToken, token, isNew, driverChanged: before.driver !== token.driver });
      const touched = changes || drivers.changed.size > changedBefore;
      report.push({
        line,
        idToken,
        result: isNew ? "created" : touched ? "updated" : "unchanged",
        reason: null,
      });
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      failed(error.message);
    }
  }
  const some = (keys: Iterable<DriverKey>) =>
    new Map([...keys].map((key) => [key, drivers.all.get(key) ?? NEW_DRIVER]));
  return { rows: report, tokens, newDrivers: some(drivers.isNew), changedDrivers: some(drivers.changed) };
}
