/** Sampled values as stations list them → integers with a unit. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { toReading, type SampledValue } from "./sampled.ts";
import { v16 } from "./v16.ts";
import { v201 } from "./v201.ts";

const energy = "Energy.Active.Import.Register";

describe("units", () => {
  test.each<[string, SampledValue, object]>([
    ["Wh", { value: 1_234.4, measurand: energy, unit: "Wh" }, { energyImportWh: 1_234 }],
    ["no unit is Wh", { value: 1_234, measurand: energy }, { energyImportWh: 1_234 }],
    ["kWh", { value: 1.2345, measurand: energy, unit: "kWh" }, { energyImportWh: 1_235 }],
    ["multiplier 3", { value: 2, measurand: energy, unit: "Wh", multiplier: 3 }, { energyImportWh: 2_000 }],
    [
      "multiplier -1",
      { value: 230, measurand: "Voltage", unit: "V", multiplier: -1 },
      { voltagePhasesMv: [23_000] },
    ],
    ["kWh in another spelling", { value: 2, measurand: energy, unit: "KWH" }, { energyImportWh: 2_000 }],
    ["a unit of energy that nobody knows", { value: 2, measurand: energy, unit: "MWh" }, {}],
    ["kW", { value: 7.4, measurand: "Power.Active.Import", unit: "kW" }, { powerW: 7_400 }],
    [
      "export is negative power",
      { value: 3, measurand: "Power.Active.Export", unit: "kW" },
      { powerW: -3_000 },
    ],
    [
      "exported energy",
      { value: 5, measurand: "Energy.Active.Export.Register", unit: "kWh" },
      { energyExportWh: 5_000 },
    ],
    ["amperes", { value: 16, measurand: "Current.Import", unit: "A" }, { currentPhasesMa: [16_000] }],
    ["state of charge", { value: 80, measurand: "SoC", unit: "Percent" }, { socPercent: 80 }],
    ["a state of charge that is none", { value: 130, measurand: "SoC" }, {}],
    [
      "an unknown measurand is left to the raw message",
      { value: 50, measurand: "Frequency", unit: "Hertz" },
      {},
    ],
    ["names of JavaScript's own", { value: 50, measurand: "constructor" }, {}],
  ])("%s", (_name, sampled, reading) => {
    expect(toReading([sampled])).toEqual(reading);
  });
});

describe("phases", () => {
  const volts = (phase: string | undefined, value: number): SampledValue => ({
    value,
    measurand: "Voltage",
    phase,
  });

  test("L1, L2, L3 in any order; L1-N counts as L1", () => {
    expect(toReading([volts("L3", 232), volts("L1-N", 230), volts("L2-N", 231)])).toEqual({
      voltagePhasesMv: [230_000, 231_000, 232_000],
    });
  });

  test("a hole would shift the phases, so they are left out", () => {
    expect(toReading([volts("L1", 230), volts("L3", 232)])).toEqual({});
  });

  test("energy and power of the phases add up where no total was sent", () => {
    const power = (phase: string | undefined, value: number) => ({
      value,
      measurand: "Power.Active.Import",
      phase,
    });
    expect(toReading([power("L1", 100), power("L2", 200), power("L3", 300)])).toEqual({ powerW: 600 });
    expect(toReading([power("L1", 100), power(undefined, 250)])).toEqual({ powerW: 250 });
  });

  test("line-to-line and neutral are not mistaken for a phase", () => {
    expect(toReading([volts("L1-L2", 400), volts("N", 1)])).toEqual({});
  });
});

describe("values that are none", () => {
  const sample = (sampledValue: object) =>
    v16.read("MeterValues", {
      connectorId: 1,
      meterValue: [{ timestamp: "2026-11-01T10:00:00Z", sampledValue: [sampledValue] }],
    });

  test.each(["", "   ", "n/a", "NaN", "Infinity"])("the text %j is no value, not zero", (value) => {
    expect(sample({ value })).toMatchObject({ samples: [{ at: Date.UTC(2026, 10, 1, 10) }] });
    expect(sample({ value })).not.toHaveProperty("samples.0.energyImportWh");
  });

  test("a signed value is a signature, not a register, even when it looks like a number", () => {
    expect(sample({ value: "30450221", format: "SignedData" })).not.toHaveProperty(
      "samples.0.energyImportWh",
    );
  });

  test("a multiplier that leads beyond any integer gives no value", () => {
    const unitOfMeasure = { multiplier: 1_000_000 };
    const sampledValue = ["Voltage", "Current.Import", energy].map((measurand) => ({
      value: 0,
      measurand,
      unitOfMeasure,
    }));
    const message = v201.read("MeterValues", {
      evseId: 1,
      meterValue: [{ timestamp: "2026-11-01T10:00:00Z", sampledValue }],
    });
    expect(message).toEqual({ kind: "sampled", evseId: 1, samples: [{ at: Date.UTC(2026, 10, 1, 10) }] });
  });

  test("whatever is sent, a reading holds safe integers only", () => {
    const measurand = fc.constantFrom(
      energy,
      "Power.Active.Import",
      "Current.Import",
      "Voltage",
      "SoC",
      "Power.Active.Export",
    );
    const phase = fc.constantFrom(undefined, "L1", "L2", "L3", "L1-N", "N");
    const unit = fc.constantFrom(undefined, "Wh", "kWh", "kW", "A", "Percent");
    const multiplier = fc.constantFrom(undefined, -400, -3, 0, 3, 300, 400);
    const value = fc.record({ value: fc.double(), measurand, phase, unit, multiplier });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 12 }), (values) => {
        for (const number of Object.values(toReading(values)).flat())
          expect(Number.isSafeInteger(number)).toBe(true);
      }),
    );
  });
});
