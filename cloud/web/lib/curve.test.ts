/** Samples into curves: gaps stay gaps, axes stay honest. */
import { describe, expect, it } from "vitest";
import { fc } from "../../../sim/services/property.ts";
import type { MeterSample, Sample } from "../../api/schemas.ts";
import { axisRange, meterCurve, transactionCurve, withGaps } from "./curve.ts";
import { slideWindow } from "./queries.ts";

const at = (second: number) => new Date(second * 1_000).toISOString();
const sample = (second: number, powerW: number | null, energyImportWh: number | null = null) =>
  ({
    at: at(second),
    powerW,
    energyImportWh,
    currentPhasesMa: null,
    voltagePhasesMv: null,
    socPercent: null,
  }) satisfies Sample;
const reading = (second: number, powerW: number, powerPhasesW: number[] | null = null) =>
  ({
    at: at(second),
    powerW,
    powerPhasesW,
    energyImportWh: null,
    energyExportWh: null,
  }) satisfies MeterSample;

describe("transactionCurve", () => {
  it("gives kW, and kWh since the start", () => {
    expect(transactionCurve([sample(10, 7_000, 1_500), sample(70, null, 2_500)], 1_000)).toEqual({
      seconds: [10, 70],
      columns: [
        [7, null],
        [0.5, 1.5],
      ],
    });
  });

  it("puts what a station sent late where it belongs, and a repeated instant once", () => {
    const curve = transactionCurve([sample(70, 2), sample(10, 1), sample(70, 3)], null);
    expect(curve.seconds).toEqual([10, 70]);
    expect(curve.columns[0]).toEqual([0.001, 0.003]);
  });
});

describe("meterCurve", () => {
  it("has a column for each phase that the meter has", () => {
    const curve = meterCurve([reading(0, 3_000, [1_000, 1_000, 1_000]), reading(10, 3_100, null)]);
    expect(curve.columns).toEqual([
      [3, 3.1],
      [1, null],
      [1, null],
      [1, null],
    ]);
  });
});

describe("withGaps", () => {
  it("breaks the line where nothing was measured", () => {
    const curve = withGaps({ seconds: [0, 10, 20, 500, 510], columns: [[1, 1, 1, 1, 1]] });
    expect(curve).toEqual({ seconds: [0, 10, 20, 21, 500, 510], columns: [[1, 1, 1, null, 1, 1]] });
  });

  it("does not call a slow station's rhythm a gap", () => {
    const seconds = [0, 900, 1_800, 2_700];
    expect(withGaps({ seconds, columns: [[1, 2, 3, 4]] }).seconds).toEqual(seconds);
  });
});

describe("axisRange", () => {
  it("begins at zero and holds every value", () => {
    const kw = fc.integer({ min: -500_000, max: 5_000_000 }).map((watts) => watts / 1_000);
    fc.assert(
      fc.property(kw, kw, (a, b) => {
        const [low, high] = axisRange(Math.min(a, b), Math.max(a, b));
        expect(low).toBeLessThanOrEqual(Math.min(0, a, b));
        expect(high).toBeGreaterThanOrEqual(Math.max(0, a, b));
        if (Math.min(a, b) >= 0) expect(low).toBeCloseTo(0);
      }),
    );
  });

  it("is never empty", () => {
    expect(axisRange(null, null)[1]).toBeGreaterThan(0);
    expect(axisRange(0, 0)[1]).toBeGreaterThan(0);
  });
});

describe("slideWindow", () => {
  it("adds what is new, once, and lets go of what is too old", () => {
    const known = [reading(10, 1), reading(20, 2)];
    const fresh = [reading(20, 2), reading(30, 3)];
    expect(slideWindow(known, fresh, 15_000).map(({ powerW }) => powerW)).toEqual([2, 3]);
  });
});
