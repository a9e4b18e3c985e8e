/**
 * Text ⇄ Unix milliseconds. Pure: nothing here reads a clock.
 */

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/** The last text that was read: a message's times are checked, then read, and mostly all the same. */
let lastRead: { text: string; time: number | undefined } = { text: "", time: undefined };

/**
 * Reads a station's time as tolerantly as stations write it: a missing zone is taken as UTC, `+03` as
 * `+03:00`.
 * @returns Unix milliseconds, or undefined when the text is no time.
 */
export function parseTime(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  if (text !== lastRead.text) lastRead = { text, time: readTime(text) };
  return lastRead.time;
}

function readTime(text: string): number | undefined {
  const match = RFC3339.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = "0", fraction = "0", zone = "Z"] = match;
  const ms = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const utc = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    ms,
  );
  if (zone === "Z" || zone === "z") return utc;
  const sign = zone.startsWith("-") ? -1 : 1;
  const digits = zone.slice(1).replace(":", "");
  return utc - sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2, 4) || "0")) * 60_000;
}

const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * RFC 3339 in UTC with milliseconds. What four digits of a year cannot say becomes the nearest time that
 * they can.
 */
export function formatTime(atMs: number): string {
  return new Date(Math.min(Math.max(atMs, 0), LATEST_MS)).toISOString();
}

/**
 * How far a time zone is from UTC when its clocks show this: `-03:00`.
 * @param localText a time without a zone. @returns undefined when it is no time.
 */
export function zoneOffset(timeZone: string, localText: string): string | undefined {
  const local = parseTime(localText);
  if (local === undefined) return undefined;
  // The first guess may lie on the other side of a change of the clocks.
  const guess = offsetMs(timeZone, local);
  const minutes = Math.round(offsetMs(timeZone, local - guess) / 60_000);
  const two = (n: number) => String(n).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function offsetMs(timeZone: string, at: number): number {
  const date = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, ...date, ...clock }).formatToParts(at);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const shown = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return shown - Math.floor(at / 1_000) * 1_000;
}
