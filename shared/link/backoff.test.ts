import { expect, test } from "vitest";
import { LINK_BACKOFF_MS_MAX, LINK_BACKOFF_MS_MIN } from "../limits.ts";
import { backoffCeilingMs, backoffMs } from "./backoff.ts";

test("the ceiling doubles from the minimum to the maximum and stays there", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(backoffCeilingMs)).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  expect(backoffCeilingMs(10_000)).toBe(LINK_BACKOFF_MS_MAX);
  expect(backoffCeilingMs(-1)).toBe(LINK_BACKOFF_MS_MIN);
});

test("the pause is spread over the whole range below the ceiling", () => {
  expect(backoffMs(3, () => 0)).toBe(0);
  expect(backoffMs(3, () => 0.5)).toBe(2_000);
  expect(backoffMs(3, () => 0.999_999)).toBe(3_999);
});
