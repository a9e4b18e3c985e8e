/**
 * Energy meters as data: what a meter model's file says, which blocks of registers to read, how to read
 * numbers out of them, and whether those numbers can be true.
 *
 * Pure: no clock, no files, no wire. A value that the meter marks as missing is absent, never zero.
 * Implausible values are flagged, never dropped or mended: what was measured is a fact.
 */
import { Type, type Static } from "typebox";
import { Errors } from "typebox/value";
import { AppError } from "../../shared/errors.ts";
import type { Reading } from "../../shared/reading.ts";

export const RegisterType = Type.Union([
  Type.Literal("u16"),
  Type.Literal("s16"),
  Type.Literal("u32"),
  Type.Literal("s32"),
  Type.Literal("u64"),
  Type.Literal("s64"),
  Type.Literal("f32"),
  Type.Literal("f64"),
]);
export type RegisterType = Static<typeof RegisterType>;

const strict = { additionalProperties: false };
const Address = Type.Integer({ minimum: 0, maximum: 0xffff });
const Function = Type.Union([Type.Literal(3), Type.Literal(4)]);
/** What every value has: how it stands in the registers, and its unit there. `scale`: value = raw × scale. */
const encoding = (units: readonly string[]) => ({
  type: RegisterType,
  unit: Type.Union(units.map((unit) => Type.Literal(unit))),
  scale: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  function: Type.Optional(Function),
});
const total = (...units: string[]) =>
  Type.Optional(Type.Object({ register: Address, ...encoding(units) }, strict));
const perPhase = (...units: string[]) =>
  Type.Optional(
    Type.Object({ registers: Type.Array(Address, { minItems: 1, maxItems: 3 }), ...encoding(units) }, strict),
  );
/** Raw register contents that mean "no value", in hex with the high word first. */
const Sentinels = Type.Optional(Type.Array(Type.String({ pattern: "^[0-9A-F]{4,16}$" })));

/** One file in `edge/meters/`: addresses as on the wire (from 0), units as in the manual. */
export const MeterFile = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    /** How sure the registers are: manual, two or one independent implementations. */
    status: Type.Union([Type.Literal("official"), Type.Literal("two"), Type.Literal("one")]),
    sources: Type.Array(Type.String(), { minItems: 1 }),
    phases: Type.Union([Type.Literal(1), Type.Literal(3)]),
    bus: Type.Object(
      {
        function: Function,
        /** be = high word first, le = low word first. Bytes within a word are always high byte first. */
        word_order: Type.Union([Type.Literal("be"), Type.Literal("le")]),
        max_registers: Type.Integer({ minimum: 4, maximum: 125 }),
        /** Unneeded registers that a block may read along to save a request. */
        max_gap: Type.Integer({ minimum: 0, maximum: 125 }),
        /** Silence that the meter needs before a request. */
        quiet_ms: Type.Integer({ minimum: 0, maximum: 1_000 }),
        timeout_ms: Type.Integer({ minimum: 50, maximum: 10_000 }),
      },
      strict,
    ),
    absent: Type.Optional(
      Type.Object(
        { u16: Sentinels, s16: Sentinels, u32: Sentinels, s32: Sentinels, u64: Sentinels, s64: Sentinels },
        strict,
      ),
    ),
    values: Type.Object(
      {
        energy_import: total("Wh", "kWh", "MWh"),
        energy_export: total("Wh", "kWh", "MWh"),
        power: total("W", "kW"),
        power_phases: perPhase("W", "kW"),
        current_phases: perPhase("A", "mA"),
        voltage_phases: perPhase("V", "mV"),
        frequency: total("Hz", "mHz"),
      },
      strict,
    ),
  },
  strict,
);
export type MeterFile = Static<typeof MeterFile>;

type TotalField = "energyImportWh" | "energyExportWh" | "powerW" | "frequencyMhz";
type PhaseField = "powerPhasesW" | "currentPhasesMa" | "voltagePhasesMv";

/** One number in the registers. `phase` is 0 for L1; without it the number is a total. */
export type MeterValue = {
  function: 3 | 4;
  address: number;
  type: RegisterType;
  /** Reading's integer = raw × factor. */
  factor: number;
  absent: readonly bigint[];
} & ({ field: TotalField; phase?: undefined } | { field: PhaseField; phase: number });

export type MeterModel = {
  id: string;
  name: string;
  status: MeterFile["status"];
  phases: 1 | 3;
  wordOrder: "be" | "le";
  maxRegisters: number;
  maxGap: number;
  quietMs: number;
  timeoutMs: number;
  values: readonly MeterValue[];
};

/** Registers to ask for in one request. */
export type Read = { function: 3 | 4; address: number; count: number };
/** Registers as they came: `bytes` holds two per register, high byte first. */
export type Block = Read & { bytes: Uint8Array };

const REGISTERS: Record<RegisterType, 1 | 2 | 4> = {
  u16: 1,
  s16: 1,
  u32: 2,
  s32: 2,
  f32: 2,
  u64: 4,
  s64: 4,
  f64: 4,
};
/** Reading's units: Wh, W, mA, mV, mHz. */
const UNIT: Record<string, number> = {
  Wh: 1,
  kWh: 1_000,
  MWh: 1_000_000,
  W: 1,
  kW: 1_000,
  mA: 1,
  A: 1_000,
  mV: 1,
  V: 1_000,
  mHz: 1,
  Hz: 1_000,
};
const TOTALS = {
  energy_import: "energyImportWh",
  energy_export: "energyExportWh",
  power: "powerW",
  frequency: "frequencyMhz",
} as const;
const PHASES = {
  power_phases: "powerPhasesW",
  current_phases: "currentPhasesMa",
  voltage_phases: "voltagePhasesMv",
} as const;

/** How many 16-bit registers a number of this type takes. */
export const registersOf = (type: RegisterType): number => REGISTERS[type];

/**
 * A meter model from its parsed file. `id` is the file's name without the ending.
 * @throws AppError METER_MODEL that names the file and the key.
 */
export function meterModel(id: string, file: unknown): MeterModel {
  const problem = firstProblem(file);
  if (problem !== undefined) throw broken(id, problem);
  const { bus, values, absent, ...head } = file as MeterFile;
  const shape = (value: { type: RegisterType; unit: string; scale?: number; function?: 3 | 4 }) => ({
    function: value.function ?? bus.function,
    type: value.type,
    factor: (value.scale ?? 1) * (UNIT[value.unit] ?? 1),
    absent: sentinels(id, value.type, absent),
  });
  const all: MeterValue[] = [];
  for (const [key, field] of Object.entries(TOTALS)) {
    const value = values[key as keyof typeof TOTALS];
    if (value !== undefined) all.push({ field, address: value.register, ...shape(value) });
  }
  for (const [key, field] of Object.entries(PHASES)) {
    const value = values[key as keyof typeof PHASES];
    if (value !== undefined && value.registers.length !== head.phases)
      throw broken(id, `values.${key}.registers must name ${head.phases} registers, one per phase`);
    value?.registers.forEach((address, phase) => all.push({ field, phase, address, ...shape(value) }));
  }
  if (all.length === 0) throw broken(id, "values names no value");
  const end = all.find((value) => value.address + REGISTERS[value.type] > 0x10000);
  if (end !== undefined) throw broken(id, `the register at ${end.address} does not fit before 65536`);
  return {
    id,
    name: head.name,
    status: head.status,
    phases: head.phases,
    wordOrder: bus.word_order,
    maxRegisters: bus.max_registers,
    maxGap: bus.max_gap,
    quietMs: bus.quiet_ms,
    timeoutMs: bus.timeout_ms,
    values: all,
  };
}

/** The first thing wrong with a file, in words that name the key. */
function firstProblem(file: unknown): string | undefined {
  const errors = Errors(MeterFile, file);
  const error = errors.find(({ keyword }) => keyword !== "boolean");
  if (error === undefined) return undefined;
  const key = error.instancePath.slice(1).replaceAll("/", ".") || "the file";
  if (error.keyword === "additionalProperties")
    return `${key} has an unknown key "${error.params.additionalProperties.join('", "')}"`;
  const allowed = errors.flatMap((other) =>
    other.keyword === "const" && other.instancePath === error.instancePath ? [other.params.allowedValue] : [],
  );
  return allowed.length > 0 ? `${key} must be one of ${allowed.join(", ")}` : `${key} ${error.message}`;
}

function broken(id: string, problem: string): AppError {
  return new AppError("METER_MODEL", `${id}.toml: ${problem}`, {
    hint: "see edge/meters/ for complete files",
  });
}

function sentinels(id: string, type: RegisterType, absent: MeterFile["absent"]): bigint[] {
  if (type === "f32" || type === "f64") return [];
  return (absent?.[type] ?? []).map((hex) => {
    if (hex.length !== REGISTERS[type] * 4)
      throw broken(id, `absent.${type} has "${hex}": wrong number of digits`);
    return BigInt(`0x${hex}`);
  });
}

/** The fewest block reads that cover all values, within the model's limits, in ascending order. */
export function planReads(model: MeterModel): Read[] {
  const sorted = model.values.toSorted((a, b) => a.function - b.function || a.address - b.address);
  const reads: Read[] = [];
  for (const value of sorted) {
    const end = value.address + REGISTERS[value.type];
    const last = reads.at(-1);
    const joins =
      last !== undefined &&
      last.function === value.function &&
      value.address - (last.address + last.count) <= model.maxGap &&
      end - last.address <= model.maxRegisters;
    if (joins) last.count = Math.max(last.count, end - last.address);
    else reads.push({ function: value.function, address: value.address, count: REGISTERS[value.type] });
  }
  return reads;
}

/**
 * The reading that the blocks hold. Values in no block, marked as missing or beyond any integer are absent.
 * Missing phases at the end shorten a phase array; a hole makes the whole field unknown.
 * @throws AppError METER_EMPTY when not one value is left.
 */
export function decode(model: MeterModel, blocks: readonly Block[]): Reading {
  const reading: Reading = {};
  const phases: Partial<Record<PhaseField, (number | undefined)[]>> = {};
  for (const value of model.values) {
    const number = decodeValue(model, value, blocks);
    if (value.phase !== undefined) (phases[value.field] ??= [])[value.phase] = number;
    else if (number !== undefined) reading[value.field] = number;
  }
  for (const field of Object.values(PHASES)) {
    const known = phases[field] ?? [];
    const length = known.findLastIndex((number) => number !== undefined) + 1;
    const numbers = known.slice(0, length).filter((number) => number !== undefined);
    if (length > 0 && numbers.length === length) reading[field] = numbers;
  }
  if (Object.keys(reading).length === 0)
    throw new AppError("METER_EMPTY", `the meter answered, but with not one value (model ${model.id})`, {
      hint: "check that the configured model is the one that is installed",
    });
  return reading;
}

function decodeValue(model: MeterModel, value: MeterValue, blocks: readonly Block[]): number | undefined {
  const size = REGISTERS[value.type];
  const block = blocks.find(
    (b) =>
      b.function === value.function &&
      b.address <= value.address &&
      value.address + size <= b.address + Math.min(b.count, b.bytes.length / 2),
  );
  if (block === undefined) return undefined;
  const start = (value.address - block.address) * 2;
  const words = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < size; i++) {
    const from = start + 2 * (model.wordOrder === "be" ? i : size - 1 - i);
    words.setUint16(2 * i, ((block.bytes[from] ?? 0) << 8) | (block.bytes[from + 1] ?? 0));
  }
  if (value.absent.includes(words.getBigUint64(0) >> BigInt(64 - 16 * size))) return undefined;
  // Adding zero turns -0, which JSON and comparisons treat unevenly, into 0.
  const number = Math.round(numberOf(words, value.type) * value.factor) + 0;
  return Number.isSafeInteger(number) ? number : undefined;
}

function numberOf(words: DataView, type: RegisterType): number {
  switch (type) {
    case "u16":
      return words.getUint16(0);
    case "s16":
      return words.getInt16(0);
    case "u32":
      return words.getUint32(0);
    case "s32":
      return words.getInt32(0);
    case "u64":
      return Number(words.getBigUint64(0));
    case "s64":
      return Number(words.getBigInt64(0));
    case "f32":
      return words.getFloat32(0);
    case "f64":
      return words.getFloat64(0);
  }
}

/** The last reading of a meter, and for how long it has repeated itself to the last digit. Plain data. */
export type Previous = { reading: Reading; unchangedMs: number; unchangedPolls: number };

/** Durable: what is known of a meter. */
export type MeterState = {
  previous?: Previous;
  upMs?: number;
  model?: string;
  state: "ok" | "lost" | "unknown";
};

/** What to keep of a reading for the next check. `elapsedMs`: monotonic time since the previous one. */
export function remember(previous: Previous | undefined, reading: Reading, elapsedMs: number): Previous {
  if (previous === undefined || !sameReading(previous.reading, reading))
    return { reading, unchangedMs: 0, unchangedPolls: 0 };
  const { unchangedMs, unchangedPolls } = previous;
  return { reading, unchangedMs: unchangedMs + elapsedMs, unchangedPolls: unchangedPolls + 1 };
}

function sameReading(a: Reading, b: Reading): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Reading>;
  return [...keys].every((key) => String(a[key]) === String(b[key]));
}
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** Why a reading cannot be quite true; empty if it can. `elapsedMs`: monotonic time since `previous`. */
export function checkPlausible(
  model: MeterModel,
  previous: Previous | undefined,
  reading: Reading,
  elapsedMs: number,
): string[] {
  const flags: string[] = [];
  const { powerW, frequencyMhz, powerPhasesW = [], voltagePhasesMv = [], currentPhasesMa = [] } = reading;
  if (voltagePhasesMv.some((mv) => mv < 85_000 || mv > 300_000)) flags.push("voltage-range");
  if (frequencyMhz !== undefined && (frequencyMhz < 45_000 || frequencyMhz > 65_000))
    flags.push("frequency-range");
  // The total and the phases may be read in different requests, between which a car may have started.
  const phaseSumW = sum(powerPhasesW);
  const slackW = 100 + sum(powerPhasesW.map(Math.abs)) / 10;
  if (powerW !== undefined && powerPhasesW.length === model.phases && Math.abs(phaseSumW - powerW) > slackW)
    flags.push("phase-sum");
  // No power factor makes active power exceed volts times amperes: a wrong scale, or a wrong register.
  const apparentW = voltagePhasesMv.map((mv, phase) => (mv * (currentPhasesMa[phase] ?? NaN)) / 1e6);
  if (powerPhasesW.some((watts, phase) => Math.abs(watts) > 100 + (apparentW[phase] ?? NaN) * 1.15))
    flags.push("power-exceeds-current");
  const underLoad = Math.abs(powerW ?? phaseSumW) >= 100 || currentPhasesMa.some((ma) => ma >= 500);
  if (previous === undefined) return flags;
  const { unchangedMs, unchangedPolls } = remember(previous, reading, elapsedMs);
  if (underLoad && unchangedMs >= FROZEN_MS && unchangedPolls >= FROZEN_POLLS) flags.push("frozen");
  flags.push(...checkEnergy(model, previous.reading, reading, elapsedMs));
  return flags;
}

/** Volts and amperes of a loaded line never repeat to the last digit for this long. */
const FROZEN_MS = 60_000;
const FROZEN_POLLS = 5;
/** What may have been drawn unseen between two polls, on top of three times what was seen. */
const UNSEEN_W = 100_000;

function checkEnergy(model: MeterModel, before: Reading, now: Reading, elapsedMs: number): string[] {
  const flags = new Set<string>();
  const seenW = Math.max(Math.abs(before.powerW ?? 0), Math.abs(now.powerW ?? 0));
  for (const field of ["energyImportWh", "energyExportWh"] as const) {
    const deltaWh = (now[field] ?? NaN) - (before[field] ?? NaN);
    const stepWh = model.values.find((value) => value.field === field)?.factor ?? 1;
    const explainedWh = ((3 * seenW + UNSEEN_W) * elapsedMs) / 3_600_000 + 2 * stepWh;
    if (deltaWh < 0) flags.add("energy-fell");
    if (deltaWh > explainedWh) flags.add("energy-jump");
  }
  return [...flags];
}
