/**
 * Text ⇄ Unix milliseconds. Pure: nothing here reads a clock.
 */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * Reads a station's time as tolerantly as stations write it: a missing zone is taken as UTC, `+03` as `+03:00`.
 * @returns Unix milliseconds, or undefined when the text is no time.
 */
export function parseTime(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const match = RFC3339.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = "0", fraction = "0", zone = "Z"] = match;
  const ms = Math.trunc(Number(`0.${fraction}`) * 1_000);
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), ms);
  if (zone === "Z" || zone === "z") return utc;
  const sign = zone.startsWith("-") ? -1 : 1;
  const digits = zone.slice(1).replace(":", "");
  return utc - sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2, 4) || "0")) * 60_000;
}

/** RFC 3339 in UTC with milliseconds. */
export function formatTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
