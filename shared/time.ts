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
