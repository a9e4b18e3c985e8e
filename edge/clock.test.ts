/** A boot without a battery clock, and what happens when the time arrives. */
import { expect, test } from "vitest";
import { bootClock } from "./clock.ts";

const FLOOR = Date.UTC(2026, 10, 15);

test("a clock that is not behind the journal is taken as it is", () => {
  let wall = FLOOR;
  const clock = bootClock(FLOOR, () => wall);
  expect(clock.state).toBe("holdover");
  wall += 60_000;
  expect(clock.now()).toBe(FLOOR + 60_000);
});

test("a box that wakes up in 1970 goes on after the last block", () => {
  let wall = 5_000;
  const clock = bootClock(FLOOR, () => wall);
  expect(clock.state).toBe("untrusted");
  expect(clock.now()).toBeGreaterThan(FLOOR);
  wall += 60_000;
  expect(clock.now()).toBeGreaterThanOrEqual(FLOOR + 60_000);
});

test("when the time arrives it is the time, and no boot after it begins in the future", () => {
  let wall = 5_000;
  const clock = bootClock(FLOOR, () => wall);
  wall = FLOOR + 3_600_000;
  expect(clock.now()).toBe(FLOOR + 3_600_000);
  expect(bootClock(clock.now(), () => wall + 1).state).toBe("holdover");
});
