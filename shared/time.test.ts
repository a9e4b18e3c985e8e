/** Times as stations write them, and as we do. */
import { describe, expect, test } from "vitest";
import { fc } from "../sim/services/property.ts";
import { formatTime, parseTime } from "./time.ts";

const ten = Date.UTC(2026, 10, 1, 10, 0, 0);

describe("reading", () => {
  test.each<[string, number]>([
    ["2026-11-01T10:00:00Z", ten],
    ["2026-11-01T10:00:00z", ten],
    ["2026-11-01t10:00:00Z", ten],
    ["2026-11-01 10:00:00Z", ten],
    ["2026-11-01T10:00:00", ten],
    ["2026-11-01T10:00", ten],
    [" 2026-11-01T10:00:00Z ", ten],
    ["2026-11-01T10:00:00.5Z", ten + 500],
    ["2026-11-01T10:00:00.123456789Z", ten + 123],
    ["2026-11-01T13:00:00+03", ten],
    ["2026-11-01T13:00:00+03:00", ten],
    ["2026-11-01T15:30:00+0530", ten],
    ["2026-11-01T06:30:00-03:30", ten],
    ["1970-01-01T00:32:33Z", 1_953_000],
  ])("%s", (text, at) => {
    expect(parseTime(text)).toBe(at);
  });

  test.each([
    "",
    "yesterday",
    "2026-11-01",
    "10:00:00",
    "2026-11-01T10:00:00 CET",
    "20261101T100000Z",
    "12026-11-01T10:00:00Z",
  ])("%j is no time", (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  test.each([[undefined], [null], [1_793_527_200_000], [{}], [[]]])("%j is no text, so no time", (value) => {
    expect(parseTime(value)).toBeUndefined();
  });
});

describe("writing", () => {
  test("UTC with milliseconds", () => {
    expect(formatTime(ten + 7)).toBe("2026-11-01T10:00:00.007Z");
  });

  test("what is written is read again", () => {
    const at = fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(at, (ms) => {
        expect(parseTime(formatTime(ms))).toBe(ms);
      }),
    );
  });

  test("a number beyond all calendars gives a time that stations can read, never a crash", () => {
    for (const ms of [1e18, 1e300, -1e300, -1, Date.UTC(12_000, 0)]) {
      expect(formatTime(ms)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });
});
