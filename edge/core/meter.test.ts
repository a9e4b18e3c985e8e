/**
 * Meter files, block planning, decoding and plausibility. The register bytes here are literal, from the
 * manuals or worked out by hand from their tables, so that encoder and decoder cannot be wrong together.
 */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { encode } from "../../sim/modbus-meter.ts";
import { loadMeterModels } from "../io/modbus.ts";
import type { Reading } from "../../shared/reading.ts";
import { checkPlausible, decode, meterModel, planReads, registersOf, remember } from "./meter.ts";
import type { Block, MeterModel } from "./meter.ts";

const models = loadMeterModels();
const model = (id: string): MeterModel => {
  const found = models.get(id);
  if (found === undefined) throw new Error(`no model ${id}`);
  return found;
};

/** A block from hex words as a manual prints them. */
const block = (fn: 3 | 4, address: number, hex: string): Block => {
  const bytes = Uint8Array.from(hex.match(/[0-9A-Fa-f]{2}/g) ?? [], (byte) => parseInt(byte, 16));
  return { function: fn, address, count: bytes.length / 2, bytes };
};

describe("decoding of literal registers", () => {
  test("SDM630: the manual's 43 66 33 34 at register 0 is 230.2 V", () => {
    // 1 A = 3F800000, 10.5 A = 41280000, 0 = 00000000; -2300 W = C50FC000; 6900.4 W = 45D7A333
    const live = block(
      4,
      0,
      `43663334 43660000 4365CCCD 3F800000 41280000 00000000 43664000 C50FC000 00000000`,
    );
    const total = block(4, 0x34, "45D7A333");
    // 50.02 Hz = 4248147B; 1234.567 kWh = 449A5225; 0.5 kWh = 3F000000
    const energy = block(4, 0x46, "4248147B 449A5225 3F000000");
    expect(decode(model("eastron-sdm630"), [live, total, energy])).toEqual({
      voltagePhasesMv: [230_200, 230_000, 229_800],
      currentPhasesMa: [1_000, 10_500, 0],
      powerPhasesW: [230, -2_300, 0],
      powerW: 6_900,
      frequencyMhz: 50_020,
      energyImportWh: 1_234_567,
      energyExportWh: 500,
    });
  });

  test("SDM120: one phase gives arrays of one, and its power is the total as well", () => {
    const live = block(4, 0, "43663334 00000000 00000000 40A00000 00000000 00000000 448FC000");
    const energy = block(4, 0x46, "42480000 42C80000 00000000");
    expect(decode(model("eastron-sdm120"), [live, energy])).toEqual({
      voltagePhasesMv: [230_200],
      currentPhasesMa: [5_000],
      powerPhasesW: [1_150],
      powerW: 1_150,
      frequencyMhz: 50_000,
      energyImportWh: 100_000,
      energyExportWh: 0,
    });
  });

  test("EM340: 32-bit integers come low word first", () => {
    // 230.5 V = 2305 = 0x0901; 12.345 A = 0x3039; -1500.0 W = -15000 = 0xFFFFC568
    const volts = "0901 0000 0903 0000 08FF 0000";
    const lineToLine = "0000 0000 0000 0000 0000 0000";
    const amps = "3039 0000 0000 0000 86A0 0001";
    const live = block(4, 0, `${volts} ${lineToLine} ${amps} C568 FFFF`);
    const phases23 = block(4, 0x14, "0000 0000 07D0 0000");
    // total 0x28, Hz at 0x33 in 0.1 Hz, import at 0x34 in 0.1 kWh: 123456.7 kWh = 1234567 = 0x0012D687
    const total = block(4, 0x28, "CD38 FFFF 0000 0000 0000 0000 0000 0000 0000 0000 0000 01F4 D687 0012");
    const exported = block(4, 0x4e, "000A 0000");
    expect(decode(model("carlo-gavazzi-em340"), [live, phases23, total, exported])).toEqual({
      voltagePhasesMv: [230_500, 230_700, 230_300],
      currentPhasesMa: [12_345, 0, 100_000],
      powerPhasesW: [-1_500, 0, 200],
      powerW: -1_300,
      frequencyMhz: 50_000,
      energyImportWh: 123_456_700,
      energyExportWh: 1_000,
    });
  });

  test("EM340: overflow (7FFF in the high word) is no value", () => {
    const live = block(4, 0, "FFFF 7FFF 0903 0000 08FF 0000");
    const total = block(4, 0x28, "0064 0000");
    expect(decode(model("carlo-gavazzi-em340"), [live, total])).toEqual({ powerW: 10 });
  });

  test("ABB: the manual's energy registers, 8567.20 kWh in and 2012.25 kWh out", () => {
    // A43/A44 User Manual 2CMC48001M0201, 9.11.1: the same map as B23/B24
    const energy = block(3, 0x5000, "00 00 00 00 00 0D 12 90 00 00 00 00 00 03 12 09");
    expect(decode(model("abb-b23"), [energy])).toEqual({
      energyImportWh: 8_567_200,
      energyExportWh: 2_012_250,
    });
  });

  test("ABB: all ones and 7FFF… are no value; absent phases at the end shorten the arrays", () => {
    // 231.4 V = 0x90A; 5.25 A = 0x20D; 1200.55 W = 0x1D4F7; 50.01 Hz = 0x1389
    const volts = "0000090A FFFFFFFF FFFFFFFF";
    const live = block(
      3,
      0x5b00,
      `${volts} ${"FFFFFFFF".repeat(3)} 0000020D ${"FFFFFFFF".repeat(3)} 0001D4F7 0001D4F7 7FFFFFFF 7FFFFFFF` +
        `${"7FFFFFFF".repeat(8)} 1389`,
    );
    const energy = block(3, 0x5000, "000000000001E240 FFFFFFFFFFFFFFFF");
    expect(decode(model("abb-b23"), [live, energy])).toEqual({
      voltagePhasesMv: [231_400],
      currentPhasesMa: [5_250],
      powerPhasesW: [1_201],
      powerW: 1_201,
      frequencyMhz: 50_010,
      energyImportWh: 1_234_560,
    });
  });

  test("a hole between phases makes the field unknown, as L3 must not pass for L2", () => {
    const live = block(3, 0x5b00, "0000090A FFFFFFFF 00000909");
    const energy = block(3, 0x5000, "000000000001E240");
    expect(decode(model("abb-b23"), [live, energy])).toEqual({ energyImportWh: 1_234_560 });
  });

  test("NaN and infinity are no value", () => {
    const bytes = block(4, 0, "7FC00000 43660000 43660000 7F800000 00000000 00000000");
    expect(() => decode(model("eastron-sdm630"), [bytes])).toThrow(/not one value/);
  });

  test("a block that came short gives what it holds", () => {
    const short = { ...block(4, 0x46, "42480000 42C8"), count: 6 };
    expect(decode(model("eastron-sdm120"), [short])).toEqual({ frequencyMhz: 50_000 });
  });

  test("no block, no reading", () => {
    expect(() => decode(model("abb-b23"), [])).toThrow(expect.objectContaining({ code: "METER_EMPTY" }));
  });
});

describe("every model", () => {
  test.each([...models.keys()])("%s: the blocks hold every value, within its limits", (id) => {
    const meter = model(id);
    const plan = planReads(meter);
    for (const read of plan) expect(read.count).toBeLessThanOrEqual(meter.maxRegisters);
    for (const value of meter.values) {
      const holds = plan.filter(
        (read) =>
          read.function === value.function &&
          read.address <= value.address &&
          value.address + registersOf(value.type) <= read.address + read.count,
      );
      expect(holds).toHaveLength(1);
    }
    expect(plan.length).toBeLessThan(meter.values.length);
  });

  test.each([...models.keys()])(
    "%s: what is encoded is decoded to the same, whatever the registers held",
    (id) => {
      const meter = model(id);
      const plan = planReads(meter);
      const blocksOf = (word: (key: number) => number): Block[] =>
        plan.map((read) => {
          const bytes = Buffer.alloc(2 * read.count);
          for (let i = 0; i < read.count; i++)
            bytes.writeUInt16BE(word(read.function * 0x10000 + read.address + i), 2 * i);
          return { ...read, bytes };
        });
      const words = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 256, maxLength: 256 });
      fc.assert(
        fc.property(words, (random) => {
          let reading;
          try {
            reading = decode(
              meter,
              blocksOf((key) => random[key % 256] ?? 0),
            );
          } catch {
            return; // not one value in these registers
          }
          const registers = encode(meter, reading);
          const again = decode(
            meter,
            blocksOf((key) => registers.get(key) ?? 0),
          );
          // A register without a mark for "no value" reads 0 where the reading lacks it.
          expect(again).toMatchObject(reading);
        }),
      );
    },
  );

  test.each([...models.keys()])("%s: a plain reading survives the registers to the digit", (id) => {
    const meter = model(id);
    const number = (max: number, step: number) =>
      fc.integer({ min: 0, max: max / step }).map((n) => n * step);
    const phases = (max: number, step: number) =>
      fc.array(number(max, step), { minLength: meter.phases, maxLength: meter.phases });
    // Steps that every model can show; energy below the point where 32-bit floats lose single Wh.
    const readings = fc.record({
      energyImportWh: number(8_000_000, 100),
      energyExportWh: number(8_000_000, 100),
      powerPhasesW: phases(60_000, 1),
      currentPhasesMa: phases(400_000, 10),
      voltagePhasesMv: phases(290_000, 100),
      frequencyMhz: number(65_000, 100),
    });
    fc.assert(
      fc.property(readings, (values) => {
        const powerW = values.powerPhasesW.reduce((sum, watts) => sum + watts, 0);
        const { frequencyMhz, ...others } = values;
        const knowsHz = meter.values.some((value) => value.field === "frequencyMhz");
        const reading = { ...others, powerW, ...(knowsHz ? { frequencyMhz } : {}) };
        const registers = encode(meter, reading);
        const blocks = planReads(meter).map((read) => {
          const bytes = Buffer.alloc(2 * read.count);
          for (let i = 0; i < read.count; i++)
            bytes.writeUInt16BE(registers.get(read.function * 0x10000 + read.address + i) ?? 0, 2 * i);
          return { ...read, bytes };
        });
        expect(decode(meter, blocks)).toEqual(reading);
      }),
    );
  });
});

describe("a model's file", () => {
  const file = {
    name: "X",
    status: "one",
    sources: ["a manual"],
    phases: 1,
    bus: { function: 3, word_order: "be", max_registers: 10, max_gap: 2, quiet_ms: 0, timeout_ms: 100 },
    values: { power: { register: 10, type: "s16", unit: "kW", scale: 0.1 } },
  };

  test("converts the manual's unit and scale", () => {
    const bytes = Uint8Array.of(0xff, 0xfe);
    expect(decode(meterModel("x", file), [{ function: 3, address: 10, count: 1, bytes }])).toEqual({
      powerW: -200,
    });
  });

  test.each([
    [
      { values: { power: { register: 10, type: "s16", unit: "A" } } },
      /x\.toml: values\.power\.unit must be one of W, kW/,
    ],
    [{ values: { powr: {} } }, /unknown key "powr"/],
    [{ values: {} }, /names no value/],
    [{ values: { power_phases: { registers: [1, 3, 5], type: "f32", unit: "W" } } }, /must name 1 registers/],
    [{ values: { power: { register: 65_535, type: "f32", unit: "W" } } }, /does not fit/],
    [{ bus: { ...file.bus, function: 6 } }, /bus\.function must be one of 3, 4/],
    [{ absent: { s16: ["7FFFFFFF"] } }, /absent\.s16 has "7FFFFFFF": wrong number of digits/],
    [{ phases: undefined }, /phases/],
  ])("says which key is wrong: %j", (change, message) => {
    const broken = JSON.parse(JSON.stringify({ ...file, ...change }));
    expect(() => meterModel("x", broken)).toThrow(message);
  });

  test("blocks neither exceed the limit nor bridge a gap that is too wide", () => {
    const values = {
      power: { register: 10, type: "f32", unit: "W" },
      frequency: { register: 14, type: "u16", unit: "Hz" },
      energy_import: { register: 18, type: "u64", unit: "Wh" },
      energy_export: { register: 22, type: "u64", unit: "Wh", function: 4 },
    };
    expect(planReads(meterModel("x", { ...file, values }))).toEqual([
      { function: 3, address: 10, count: 5 },
      { function: 3, address: 18, count: 4 },
      { function: 4, address: 22, count: 4 },
    ]);
    const tight = { ...file, bus: { ...file.bus, max_registers: 4, max_gap: 8 }, values };
    expect(planReads(meterModel("x", tight))[0]).toEqual({ function: 3, address: 10, count: 2 });
  });
});

describe("plausibility", () => {
  const sdm = model("eastron-sdm630");
  const good = {
    energyImportWh: 1_000_000,
    energyExportWh: 500,
    powerW: 6_900,
    powerPhasesW: [2_300, 2_300, 2_300],
    currentPhasesMa: [10_000, 10_000, 10_000],
    voltagePhasesMv: [230_000, 230_500, 229_500],
    frequencyMhz: 50_000,
  };

  const after = (reading: Reading) => remember(undefined, reading, 0);

  test("a plain reading has no flags, on its own and after another", () => {
    expect(checkPlausible(sdm, undefined, good, 0)).toEqual([]);
    expect(checkPlausible(sdm, after(good), { ...good, energyImportWh: 1_000_115 }, 60_000)).toEqual([]);
  });

  test.each([
    [
      "voltage-range",
      { voltagePhasesMv: [230_000, 80_000, 230_000], powerPhasesW: [2_300, 800, 2_300], powerW: 5_400 },
    ],
    ["voltage-range", { voltagePhasesMv: [230_000, 400_000, 230_000] }],
    ["frequency-range", { frequencyMhz: 500_000 }],
    ["frequency-range", { frequencyMhz: 0 }],
    ["phase-sum", { powerW: -6_900 }],
    ["power-exceeds-current", { currentPhasesMa: [10_000, 10, 10_000] }],
    ["energy-fell", { energyImportWh: 999_999 }],
    ["energy-fell", { energyExportWh: 0 }],
    ["energy-jump", { energyImportWh: 1_010_000 }],
  ])("flags %s: %j", (flag, change) => {
    expect(checkPlausible(sdm, after(good), { ...good, ...change }, 60_000)).toEqual([flag]);
  });

  test("a car between two polls is no energy jump, nor is a long silence", () => {
    const idle = after({ energyImportWh: 0, powerW: 0 });
    expect(checkPlausible(sdm, idle, { energyImportWh: 366, powerW: 0 }, 60_000)).toEqual([]);
    expect(checkPlausible(sdm, idle, { energyImportWh: 90_000, powerW: 0 }, 3_600_000)).toEqual([]);
  });

  test("one step of a coarse counter is no energy jump", () => {
    const em340 = model("carlo-gavazzi-em340");
    expect(checkPlausible(em340, after({ energyImportWh: 0 }), { energyImportWh: 100 }, 1_000)).toEqual([]);
    expect(checkPlausible(sdm, after({ energyImportWh: 0 }), { energyImportWh: 4_000 }, 1_000)).toEqual([
      "energy-jump",
    ]);
  });

  test("the same digits under load are frozen after a minute and five polls, at rest never", () => {
    const repeat = (reading: Reading, polls: number, intervalMs: number) => {
      let previous = after(reading);
      for (let poll = 1; poll < polls; poll++) previous = remember(previous, { ...reading }, intervalMs);
      return checkPlausible(sdm, previous, reading, intervalMs);
    };
    expect(repeat(good, 59, 1_000)).toEqual([]);
    expect(repeat(good, 60, 1_000)).toEqual(["frozen"]);
    expect(repeat(good, 4, 60_000)).toEqual([]);
    expect(repeat(good, 5, 60_000)).toEqual(["frozen"]);
    const rest = { ...good, powerW: 0, powerPhasesW: [0, 0, 0], currentPhasesMa: [0, 0, 0] };
    expect(repeat(rest, 500, 1_000)).toEqual([]);
  });

  test("any changed digit, or a value that came or went, starts the count anew", () => {
    const repeated = { ...after(good), unchangedMs: 99_000, unchangedPolls: 99 };
    const { frequencyMhz: _, ...without } = good;
    for (const other of [without, { ...good, voltagePhasesMv: [230_000, 230_500, 229_400] }])
      expect(remember(repeated, other, 1_000)).toEqual({ reading: other, unchangedMs: 0, unchangedPolls: 0 });
    expect(remember(repeated, { ...good }, 1_000).unchangedPolls).toBe(100);
  });

  test("values that are absent are not judged", () => {
    expect(checkPlausible(sdm, after({ energyImportWh: 5 }), { powerW: 100 }, 1_000)).toEqual([]);
  });
});
