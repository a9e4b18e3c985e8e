/**
 * What the clock on the wall of a time zone shows at an instant, by the rules of the IANA database that the
 * runtime brings.
 *
 * Pure: the same instant and zone give the same answer; what was looked up is only remembered, up to a bound.
 * It answers with spans of constant offset, so that who walks through time looks up a day once.
 */

const DAY_MS = 86_400_000;
/** A day of a zone that is remembered: two months of eight zones. */
const REMEMBERED_MAX = 500;

/** Between `from` and `to` (exclusive) local time is UTC plus `offsetMs`. */
export type OffsetSpan = { from: number; to: number; offsetMs: number };

type Zone = { format: Intl.DateTimeFormat; days: Map<number, OffsetSpan[]> };
const zones = new Map<string, Zone>();
let remembered = 0;

/** Whether the runtime knows a zone of this name. */
export function isTimeZone(timeZone: string): boolean {
  try {
    zoneOf(timeZone);
    return true;
  } catch {
    return false;
  }
}

function zoneOf(timeZone: string): Zone {
  let zone = zones.get(timeZone);
  if (zone === undefined) {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    zone = { format, days: new Map() };
    zones.set(timeZone, zone);
  }
  return zone;
}

const OFFSET = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

function offsetAt({ format }: Zone, at: number): number {
  const name = format.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const [, sign, hours = "0", minutes = "0", seconds = "0"] = OFFSET.exec(name) ?? [];
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000;
  return sign === "-" ? -ms : ms;
}

/** No zone changes its offset twice within a day of UTC. */
function lookUpDay(zone: Zone, day: number): OffsetSpan[] {
  const [from, to] = [day * DAY_MS, (day + 1) * DAY_MS];
  const [first, last] = [offsetAt(zone, from), offsetAt(zone, to)];
  if (first === last) return [{ from, to, offsetMs: first }];
  let [before, after] = [from, to];
  while (after - before > 1_000) {
    const middle = before + Math.floor((after - before) / 2_000) * 1_000;
    if (offsetAt(zone, middle) === first) before = middle;
    else after = middle;
  }
  const spans = [{ from, to: after, offsetMs: first }];
  return after < to ? [...spans, { from: after, to, offsetMs: last }] : spans;
}

/** The span of constant offset around an instant, within its day of UTC. */
export function offsetSpanAt(timeZone: string, at: number): OffsetSpan {
  const zone = zoneOf(timeZone);
  const day = Math.floor(at / DAY_MS);
  let spans = zone.days.get(day);
  if (spans === undefined) {
    if (remembered >= REMEMBERED_MAX) {
      for (const other of zones.values()) other.days.clear();
      remembered = 0;
    }
    spans = lookUpDay(zone, day);
    zone.days.set(day, spans);
    remembered += 1;
  }
  return spans.find((span) => at < span.to) as OffsetSpan;
}
