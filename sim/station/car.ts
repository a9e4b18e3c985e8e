/**
 * A car that charges: how much it draws at a given time after charging began.
 *
 * `chargeAt` is a closed form, a pure function of time: asked often or seldom, in any order, it tells the
 * same story. Three things shape the curve: the power ramps up over some seconds; below 80 % the battery
 * takes all it is offered, above it takes linearly less, down to 3 % of its best when full; whoever allows
 * least (EVSE or car) decides. A slow AC charge therefore tapers only in its last per cents, as real ones do.
 */

import { assert } from "../../shared/errors.ts";
import type { Random } from "../../shared/ids.ts";

export type Car = {
  batteryWh: number;
  /** May have a fraction. */
  socPercent: number;
  /** What its on-board charger takes, over all its phases. */
  maxAcW: number;
  phases: 1 | 2 | 3;
  maxDcW: number;
  /** Seeds the small noise of its power. */
  seed: number;
};

/** What one EVSE offers one car, unchanged while the plan lasts. */
export type ChargePlan = { car: Car; kind: "AC" | "DC"; limitW: number };

export type ChargePoint = { energyWh: number; powerW: number; socPercent: number; full: boolean };

const TAPER_FROM_SOC = 0.8;
const ACCEPTANCE_WHEN_FULL = 0.03;
const TAPER_SLOPE = (1 - ACCEPTANCE_WHEN_FULL) / (1 - TAPER_FROM_SOC);
/** What arrives in the battery of what the meter counts. */
const EFFICIENCY = 0.93;
const NOISE = 0.004;
const MS_PER_HOUR = 3_600_000;
const RAMP_MS = { AC: 6_000, DC: 12_000 } as const;

/** The phases that carry current: those that both sides have. */
export function phasesInUse(car: Car, evsePhases: number): number {
  return Math.min(car.phases, evsePhases);
}

/** The power an EVSE can give this car, in W, before the battery has its say. */
export function offeredPowerW(
  car: Car,
  evse: { kind: "AC" | "DC"; maxPowerW: number; phases: number },
): number {
  if (evse.kind === "DC") return Math.min(evse.maxPowerW, car.maxDcW);
  const perPhaseW = Math.min(evse.maxPowerW / evse.phases, car.maxAcW / car.phases);
  return perPhaseW * phasesInUse(car, evse.phases);
}

/** Energy, power and state of charge `elapsedMs` after the plan began. Values have fractions. */
export function chargeAt(plan: ChargePlan, elapsedMs: number): ChargePoint {
  const rampMs = RAMP_MS[plan.kind];
  const ramp = Math.max(0, Math.min(1, elapsedMs / rampMs));
  // While the power ramps up, charging proceeds as if time itself were slower.
  const effectiveMs = ramp < 1 ? (ramp * ramp * rampMs) / 2 : elapsedMs - rampMs / 2;
  const steady = steadyCharge(plan, effectiveMs / MS_PER_HOUR);
  const noise = 1 + NOISE * noiseAt(plan.car.seed, Math.floor(elapsedMs / 1000));
  return { ...steady, powerW: steady.powerW * ramp * noise };
}

function steadyCharge(plan: ChargePlan, hours: number): ChargePoint {
  const { batteryWh, maxDcW } = plan.car;
  const start = plan.car.socPercent / 100;
  const limitW = Math.min(plan.limitW, maxDcW);
  const point = (soc: number, powerW: number): ChargePoint => ({
    energyWh: ((soc - start) * batteryWh) / EFFICIENCY,
    powerW,
    socPercent: soc * 100,
    full: soc >= 1,
  });
  if (start >= 1) return point(start, 0);
  if (limitW <= 0) return point(start, 0);
  const knee = Math.min(1, TAPER_FROM_SOC + (1 - limitW / maxDcW) / TAPER_SLOPE);
  const constantHours = Math.max(0, knee - start) * (batteryWh / (EFFICIENCY * limitW));
  if (hours < constantHours) return point(start + (EFFICIENCY * limitW * hours) / batteryWh, limitW);

  // Above the knee acceptance falls linearly with the charge, hence exponentially with time.
  const from = Math.max(start, knee);
  if (from >= 1) return point(1, 0);
  const fromW = maxDcW * (1 - TAPER_SLOPE * (from - TAPER_FROM_SOC));
  const decay = Math.exp((-TAPER_SLOPE * EFFICIENCY * maxDcW * (hours - constantHours)) / batteryWh);
  const soc = from + (fromW * (1 - decay)) / (TAPER_SLOPE * maxDcW);
  return soc >= 1 ? point(1, 0) : point(soc, fromW * decay);
}

/** A repeatable number in [-1, 1) for a second of a charge (Wang's integer hash). */
function noiseAt(seed: number, second: number): number {
  let x = (seed ^ Math.imul(second + 1, 0x9e3779b1)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return ((x ^ (x >>> 16)) | 0) / 2 ** 31;
}

/** Cars as they are on the road; AC and DC numbers by data sheet, rounded. */
const MODELS: Omit<Car, "socPercent" | "seed">[] = [
  { batteryWh: 36_000, maxAcW: 7_400, phases: 1, maxDcW: 60_000 },
  { batteryWh: 52_000, maxAcW: 22_000, phases: 3, maxDcW: 130_000 },
  { batteryWh: 58_000, maxAcW: 11_000, phases: 3, maxDcW: 120_000 },
  { batteryWh: 77_000, maxAcW: 11_000, phases: 3, maxDcW: 150_000 },
  { batteryWh: 90_000, maxAcW: 22_000, phases: 3, maxDcW: 150_000 },
];

/** Any car, neither empty nor nearly full. */
export function drawCar(random: Random): Car {
  const model = MODELS[random() % MODELS.length] ?? MODELS[0];
  assert(model !== undefined, "there is at least one model");
  return { ...model, socPercent: 15 + (random() % 50), seed: random() };
}
