/**
 * Reports: from lines per site or station and step to bars over time and sums per place. Pure.
 *
 * Invariant: what is not known stays unknown (null), never zero; shares are of what is known of the time, so that
 * places of different size weigh as they should.
 */
export const REPORTS = ["energy", "revenue", "utilisation", "uptime"] as const;
export type ReportName = (typeof REPORTS)[number];
export const STEPS = ["hour", "day", "month"] as const;
export type Step = (typeof STEPS)[number];

/** The numbers of all reports; each has some of them. */
export type ReportLine = {
  siteId: string;
  stationId: string | null;
  start: string;
  currency?: string;
} & { [K in Measure]?: number | null };
type Measure =
  | "energyWh"
  | "occupiedS"
  | "transactions"
  | "cdrs"
  | "netMinor"
  | "taxMinor"
  | "totalMinor"
  | "availableS"
  | "onlineS"
  | "offlineS"
  | "unknownS";

export type Bar = { start: string; value: number | null };

const DAY_MS = 86_400_000;

const sumOf = (lines: readonly ReportLine[], measure: Measure): number | null => {
  const known = lines.map((line) => line[measure]).filter((value) => typeof value === "number");
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
};

const share = (part: number | null, whole: number | null): number | null =>
  part === null || whole === null || whole === 0 ? null : (10_000 * part) / whole;

/** What a report says of some of its lines together: Wh, minor units, or basis points. */
export function valueOf(name: ReportName, lines: readonly ReportLine[]): number | null {
  switch (name) {
    case "energy":
      return sumOf(lines, "energyWh");
    case "revenue":
      return sumOf(lines, "totalMinor");
    case "utilisation":
      return share(sumOf(lines, "occupiedS"), sumOf(lines, "availableS"));
    case "uptime": {
      const online = sumOf(lines, "onlineS");
      const offline = sumOf(lines, "offlineS");
      return online === null && offline === null ? null : share(online ?? 0, (online ?? 0) + (offline ?? 0));
    }
  }
}

function grouped<K>(lines: readonly ReportLine[], keyOf: (line: ReportLine) => K): Map<K, ReportLine[]> {
  const groups = new Map<K, ReportLine[]>();
  for (const line of lines) {
    const key = keyOf(line);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [line]);
    else group.push(line);
  }
  return groups;
}

/** One bar per step, in order of time. */
export function barsOf(name: ReportName, lines: readonly ReportLine[]): Bar[] {
  return [...grouped(lines, (line) => line.start)]
    .map(([start, group]) => ({ start, value: valueOf(name, group) }))
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

/** The wall clock of a zone as `YYYY-MM-DD HH`; UTC where the browser does not know the zone. */
function wallClock(at: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en", {
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", hourCycle: "h23" },
    timeZone,
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}`;
}

/** How much of a wall clock names a step. */
const NAME_LENGTH: Record<Step, number> = { hour: 13, day: 10, month: 7 };

/**
 * Bars with those between them of which there are no lines, so that time goes on evenly along the axis. `name` is
 * the step by the wall clock of the zone: `2026-03-01`, `2026-03`, `2026-03-01 14`.
 */
export function evenly(
  bars: readonly Bar[],
  days: { from: string; to: string },
  step: Step,
  timeZone: string,
): { name: string; value: number | null }[] {
  const nameOf = (clock: string) => clock.slice(0, NAME_LENGTH[step]);
  const known = new Map(
    bars.map(({ start, value }) => [nameOf(wallClock(Date.parse(start), timeZone)), value]),
  );
  const names = new Set<string>();
  for (let day = Date.parse(days.from); day <= Date.parse(days.to); day += DAY_MS)
    for (let hour = 0; hour < (step === "hour" ? 24 : 1); hour++)
      names.add(nameOf(wallClock(day + hour * 3_600_000, "UTC")));
  // A site further east or west has a step before the first, or after the last.
  for (const name of known.keys()) names.add(name);
  return [...names].sort().map((name) => ({ name, value: known.get(name) ?? null }));
}

export type Place = { siteId: string; stationId: string | null; value: number | null };

/** Places with what they have together, the largest first. */
export function placesOf(name: ReportName, lines: readonly ReportLine[]): Place[] {
  return [...grouped(lines, (line) => `${line.siteId} ${line.stationId ?? ""}`).values()]
    .map((group) => ({
      ...{ siteId: group[0]!.siteId, stationId: group[0]!.stationId },
      value: valueOf(name, group),
    }))
    .sort((a, b) => (b.value ?? -1) - (a.value ?? -1) || (a.siteId < b.siteId ? -1 : 1));
}

/** Currencies of the lines: sums of one of them only mean something. */
export const currenciesOf = (lines: readonly ReportLine[]): string[] =>
  [...new Set(lines.map(({ currency }) => currency).filter((currency) => currency !== undefined))].sort();

export const PERIODS = ["week", "month", "lastMonth", "quarter", "year", "custom"] as const;
export type Period = (typeof PERIODS)[number];

/** A period as days `YYYY-MM-DD`, the last one included; `today` likewise. Pure. */
export function daysOf(period: Exclude<Period, "custom">, today: string): { from: string; to: string } {
  const [year = 0, month = 1, day = 1] = today.split("-").map(Number);
  const text = (at: Date) => at.toISOString().slice(0, 10);
  const date = (y: number, m: number, d: number) => text(new Date(Date.UTC(y, m, d)));
  switch (period) {
    case "week":
      return { from: date(year, month - 1, day - 6), to: today };
    case "month":
      return { from: date(year, month - 1, 1), to: today };
    case "lastMonth":
      return { from: date(year, month - 2, 1), to: date(year, month - 1, 0) };
    case "quarter":
      return { from: date(year, month - 1, day - 89), to: today };
    case "year":
      return { from: date(year, month - 12, 1), to: today };
  }
}

const HOURS_UP_TO_DAYS = 3;
const DAYS_UP_TO_DAYS = 100;

/** Steps that make as many bars as one can read. */
export function stepFor(from: string, to: string): Step {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  return days <= HOURS_UP_TO_DAYS ? "hour" : days <= DAYS_UP_TO_DAYS ? "day" : "month";
}
