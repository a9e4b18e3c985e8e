/** What time it was, seen with what was learned about the ER's clock. */
import { expect, test } from "vitest";
import { correctionMs, seenTime, worstOf } from "./time.ts";

const NOON = Date.UTC(2026, 4, 4, 12);
const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

/** An entry written at `upMs` of a boot that began at NOON in truth, on a clock that was off by `wrongMs`. */
const entry = (upMs: number, wrongMs: number) => ({ at: NOON + upMs + wrongMs, upMs, zeroMs: NOON });

test("a clock that agrees within the way of a message is left alone", () => {
  expect(correctionMs(entry(MIN, 4_000))).toBe(0);
  expect(correctionMs(entry(MIN, -6_000))).toBe(6_000);
  expect(correctionMs({ at: NOON, upMs: MIN, zeroMs: null })).toBe(0);
  expect(correctionMs({ at: NOON, upMs: null, zeroMs: NOON })).toBe(0);
});

test.each([
  ["right everywhere", 1 * MIN, 0, NOON + MIN, NOON + MIN, "station"],
  [
    "the station has its time from the ER that was wrong",
    MIN,
    -3 * DAY,
    NOON + MIN - 3 * DAY,
    NOON + MIN,
    "station",
  ],
  ["… and is a little off itself", MIN, -3 * DAY, NOON + 3 * MIN - 3 * DAY, NOON + 3 * MIN, "station"],
  ["the station kept the right time", MIN, -3 * DAY, NOON + 2 * MIN, NOON + 2 * MIN, "station"],
  ["the station is wrong in its own way", MIN, -3 * DAY, NOON - DAY, NOON + MIN, "estimated"],
  ["the ER ran ahead, the station with it", MIN, 2 * HOUR, NOON + MIN + 2 * HOUR, NOON + MIN, "station"],
  ["replayed after hours offline", 10 * HOUR, 0, NOON + MIN, NOON + MIN, "station"],
  ["from the future", MIN, 0, NOON + DAY, NOON + MIN, "estimated"],
  ["from years ago", MIN, 0, NOON - 400 * DAY, NOON + MIN, "estimated"],
] as const)("%s", (_name, upMs, wrongMs, stamp, at, quality) => {
  const raw = NOON + upMs + wrongMs;
  expect(seenTime(raw, stamp, entry(upMs, wrongMs))).toEqual({ at, raw, quality });
});

test("without a stamp it is when the ER heard of it, shifted with its clock", () => {
  const raw = NOON + MIN - DAY;
  expect(seenTime(raw, undefined, entry(MIN, -DAY))).toEqual({ at: NOON + MIN, raw, quality: "er" });
  // What the ER only assumed (the last it knew of a connector) moves with it.
  expect(seenTime(raw - HOUR, undefined, entry(MIN, -DAY)).at).toBe(NOON + MIN - HOUR);
});

test("a transaction is as sure as the worse of its times", () => {
  expect(worstOf("station", "station")).toBe("station");
  expect(worstOf("station", "er")).toBe("er");
  expect(worstOf("estimated", "station")).toBe("estimated");
});
