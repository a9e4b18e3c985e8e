import { expect, test } from "vitest";
import { chargeAt, offeredPowerW, type Car, type ChargePlan } from "./car.ts";

const car: Car = { batteryWh: 60_000, socPercent: 20, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 7 };
const dc: ChargePlan = { car, kind: "DC", limitW: 100_000 };
const MINUTE = 60_000;

test("power ramps up, holds, tapers above 80 % and ends when full", () => {
  expect(chargeAt(dc, 0).powerW).toBe(0);
  expect(chargeAt(dc, 6_000).powerW).toBeGreaterThan(45_000);
  expect(chargeAt(dc, 6_000).powerW).toBeLessThan(55_000);
  expect(chargeAt(dc, 5 * MINUTE).powerW).toBeCloseTo(100_000, -3);
  const half = chargeAt(dc, 30 * MINUTE);
  expect(half.socPercent).toBeGreaterThan(80);
  expect(half.powerW).toBeLessThan(95_000);
  const full = chargeAt(dc, 5 * 60 * MINUTE);
  expect(full).toMatchObject({ powerW: 0, socPercent: 100, full: true });
});

test("energy is the integral of power, and the battery gets less than the meter counts", () => {
  let integralWh = 0;
  for (let ms = 0; ms < 60 * MINUTE; ms += 250)
    integralWh += chargeAt(dc, ms + 125).powerW * (250 / 3_600_000);
  const { energyWh, socPercent } = chargeAt(dc, 60 * MINUTE);
  expect(Math.abs(integralWh - energyWh) / energyWh).toBeLessThan(0.002);
  expect(((socPercent - 20) / 100) * car.batteryWh).toBeCloseTo(energyWh * 0.93, 3);
});

test("a charge is a pure function of time that never runs backwards", () => {
  let last = chargeAt(dc, 0);
  for (let ms = 0; ms <= 90 * MINUTE; ms += 7_000) {
    const point = chargeAt(dc, ms);
    expect(chargeAt(dc, ms)).toEqual(point);
    expect(point.energyWh).toBeGreaterThanOrEqual(last.energyWh);
    expect(point.socPercent).toBeLessThanOrEqual(100);
    last = point;
  }
});

test("the weaker of car and station decides, phase by phase", () => {
  const onePhase: Car = { ...car, maxAcW: 7_400, phases: 1 };
  const ac = { kind: "AC" as const, phases: 3, maxPowerW: 22_000 };
  expect(offeredPowerW(car, ac)).toBe(11_000);
  expect(offeredPowerW(onePhase, ac)).toBeCloseTo(7_333, 0);
  expect(offeredPowerW(car, { kind: "AC", phases: 1, maxPowerW: 7_400 })).toBeCloseTo(3_667, 0);
  expect(offeredPowerW(car, { kind: "DC", phases: 3, maxPowerW: 150_000 })).toBe(120_000);
});
