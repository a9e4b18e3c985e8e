/** The audit as people read it: filters from an address, details line by line. Pure. */
export type AuditFilter = {
  actor?: string;
  action?: string;
  subject?: string;
  from?: string;
  to?: string;
};

const DAY = /^\d{4}-\d\d-\d\d$/;

/** The beginning of a day of this browser's zone; undefined: no such day. */
function dayStart(day: string | undefined, daysLater: number): string | undefined {
  if (day === undefined || !DAY.test(day)) return undefined;
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + daysLater);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** Days of an address as instants: the last day is included. */
export function filterOf(search: { [K in keyof AuditFilter]?: string | undefined }): AuditFilter {
  const from = dayStart(search.from, 0);
  const to = dayStart(search.to, 1);
  return {
    ...(search.actor === undefined ? {} : { actor: search.actor }),
    ...(search.action === undefined ? {} : { action: search.action }),
    ...(search.subject === undefined ? {} : { subject: search.subject }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** One fact of an entry. `before` is there where a value was replaced. */
export type DetailLine = { name: string; before?: string; after: string };

const LINES_MAX = 60;
/** Nothing, or nothing yet. */
const NONE = "—";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? NONE
    : typeof value === "string"
      ? value
      : Array.isArray(value) && value.every((item) => typeof item !== "object" || item === null)
        ? value.map(String).join(", ")
        : JSON.stringify(value);

/** Names of nested values are joined by dots: `policy.offline.maxEnergyWh`. */
function flatten(value: unknown, prefix = ""): [name: string, text: string][] {
  if (!isRecord(value) || (prefix !== "" && Object.keys(value).length === 0))
    return [[prefix, textOf(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    flatten(inner, prefix === "" ? name : `${prefix}.${name}`),
  );
}

/** The detail of an entry, line by line; what changed shows both values, and what did not is left out. */
export function linesOf(detail: unknown): DetailLine[] {
  if (detail === null || detail === undefined) return [];
  if (!isRecord(detail)) return [{ name: "", after: textOf(detail) }];
  const { before, after, ...rest } = detail;
  const lines = flatten(rest)
    .filter(([name]) => name !== "")
    .map(([name, text]) => ({ name, after: text }));
  if (!isRecord(before) && !isRecord(after)) {
    const plain = [
      ...(before === undefined ? [] : [{ name: "before", after: textOf(before) }]),
      ...(after === undefined ? [] : [{ name: "after", after: textOf(after) }]),
    ];
    return [...lines, ...plain].slice(0, LINES_MAX);
  }
  const was = new Map(flatten(before ?? {}));
  const is = new Map(flatten(after ?? {}));
  const changed = [...new Set([...was.keys(), ...is.keys()])]
    .map((name) => ({ name, before: was.get(name) ?? NONE, after: is.get(name) ?? NONE }))
    .filter(({ name, before: old, after: now }) => name !== "" && old !== now);
  return [...changed, ...lines].slice(0, LINES_MAX);
}
