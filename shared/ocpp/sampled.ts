/**
 * Sampled values of a station → one `Reading` with integer units.
 *
 * Both OCPP versions list values as (measurand, phase, unit, value); this file knows what they mean. A
 * value that is no number is left out: the raw message keeps it. The measurand says what a value is; the
 * unit only says its scale, since stations in the field send watts as `Wh`.
 */
import { defined } from "../given.ts";
import type { Reading } from "../reading.ts";

export type SampledValue = {
  value: number;
  measurand: string;
  phase?: string | undefined;
  unit?: string | undefined;
  /** Power of ten of OCPP 2.x. */
  multiplier?: number | undefined;
};

const PHASE_INDEX: ReadonlyMap<string, number> = new Map(
  Object.entries({ L1: 0, L2: 1, L3: 2, "L1-N": 0, "L2-N": 1, "L3-N": 2 }),
);
const SCALE = /^(k?)(?:wh?|var|va|varh|vah)$/i;
const SCALED = /^(?:Energy|Power)\.(?:Active|Reactive)\./;

/** NaN: nobody knows how much that is, and a guess would be energy from nowhere. */
function scaleOf({ measurand, unit = "" }: SampledValue): number {
  const scale = SCALE.exec(unit.trim());
  if (scale !== null) return scale[1] === "" ? 1 : 1_000;
  return unit.trim() !== "" && SCALED.test(measurand) ? Number.NaN : 1;
}

/** Total and phases of one measurand. */
type Parts = { total?: number; phases: (number | undefined)[] };

function toParts(parts: Parts | undefined, sampled: SampledValue, value: number): Parts {
  const result = parts ?? { phases: [] };
  const phase = sampled.phase === undefined ? undefined : PHASE_INDEX.get(sampled.phase);
  if (phase !== undefined) result.phases[phase] = value;
  else if (sampled.phase === undefined) result.total = value;
  return result;
}

const sum = (values: (number | undefined)[]): number | undefined => {
  const known = values.filter((v) => v !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
};

/** Phases only where each one up to the last known is there: a hole would shift them. */
const allPhases = (parts: Parts, scale: number): number[] | undefined => {
  const phases = Array.from(parts.phases, (v) => Math.round((v ?? Number.NaN) * scale));
  if (phases.length === 0 && parts.total !== undefined) phases.push(Math.round(parts.total * scale));
  return phases.length > 0 && phases.every((v) => Number.isSafeInteger(v)) ? phases : undefined;
};

/** Adds up what a list of sampled values says about one moment. Phases L1-L2 and N are not mapped. */
export function toReading(values: readonly SampledValue[]): Reading {
  // A measurand may be called anything, `__proto__` too.
  const parts = new Map<string, Parts>();
  for (const sampled of values) {
    const value = sampled.value * 10 ** (sampled.multiplier ?? 0) * scaleOf(sampled);
    if (!Number.isFinite(value)) continue;
    parts.set(sampled.measurand, toParts(parts.get(sampled.measurand), sampled, value));
  }
  const whole = (name: string) => {
    const found = parts.get(name);
    const value = found === undefined ? undefined : (found.total ?? sum(found.phases));
    return value === undefined || !Number.isSafeInteger(Math.round(value)) ? undefined : Math.round(value);
  };
  const phases = (name: string) => {
    const found = parts.get(name);
    return found === undefined ? undefined : allPhases(found, 1_000);
  };
  const soc = whole("SoC");
  const exportW = whole("Power.Active.Export");
  return defined({
    energyImportWh: whole("Energy.Active.Import.Register"),
    energyExportWh: whole("Energy.Active.Export.Register"),
    powerW: whole("Power.Active.Import") ?? (exportW === undefined ? undefined : -exportW),
    currentPhasesMa: phases("Current.Import"),
    voltagePhasesMv: phases("Voltage"),
    socPercent: soc !== undefined && soc >= 0 && soc <= 100 ? soc : undefined,
  });
}
