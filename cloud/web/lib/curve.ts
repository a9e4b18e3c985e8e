/**
 * From samples to columns that a chart draws: seconds, kW, kWh. Pure.
 *
 * Invariant: what was not measured is a gap, never a line drawn through it.
 */
import type { MeterSample, Sample } from "../../api/schemas.ts";

type Column = (number | null)[];
export type Curve = { seconds: number[]; columns: Column[] };

/** A pause longer than this many usual steps is a gap … */
const GAP_STEPS = 4;
/** … but never one shorter than this. */
const GAP_SECONDS_MIN = 90;

const thousandth = (value: number | null | undefined) =>
  value === null || value === undefined ? null : value / 1_000;

/** The usual distance between samples: the median, which a few pauses do not move. */
function usualStep(seconds: readonly number[]): number {
  const steps = seconds.slice(1).map((second, index) => second - seconds[index]!);
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}

/** Puts an empty row into every pause, so that the line breaks there. */
export function withGaps({ seconds, columns }: Curve): Curve {
  const limit = Math.max(GAP_SECONDS_MIN, GAP_STEPS * usualStep(seconds));
  const out: Curve = { seconds: [], columns: columns.map(() => []) };
  seconds.forEach((second, row) => {
    const before = seconds[row - 1];
    if (before !== undefined && second - before > limit) {
      out.seconds.push(before + 1);
      for (const column of out.columns) column.push(null);
    }
    out.seconds.push(second);
    columns.forEach((column, index) => out.columns[index]!.push(column[row] ?? null));
  });
  return out;
}

/** Samples in order of time, one per second: stations repeat and reorder what they buffered. */
function inOrder<T extends { at: string }>(samples: readonly T[]): { seconds: number[]; sorted: T[] } {
  const bySecond = new Map<number, T>();
  for (const sample of samples) bySecond.set(Math.floor(Date.parse(sample.at) / 1_000), sample);
  const seconds = [...bySecond.keys()].sort((a, b) => a - b);
  return { seconds, sorted: seconds.map((second) => bySecond.get(second)!) };
}

/** Columns: power (kW), energy since the start (kWh). */
export function transactionCurve(samples: readonly Sample[], meterStartWh: number | null): Curve {
  const { seconds, sorted } = inOrder(samples);
  const start = meterStartWh ?? sorted.find((sample) => sample.energyImportWh !== null)?.energyImportWh ?? 0;
  const energy = (wh: number | null) => (wh === null ? null : Math.max(0, wh - start) / 1_000);
  return withGaps({
    seconds,
    columns: [
      sorted.map((sample) => thousandth(sample.powerW)),
      sorted.map((sample) => energy(sample.energyImportWh)),
    ],
  });
}

/** Columns: power of the whole (kW), then of each phase the meter has. */
export function meterCurve(samples: readonly MeterSample[]): Curve {
  const { seconds, sorted } = inOrder(samples);
  const phases = sorted.reduce((most, sample) => Math.max(most, sample.powerPhasesW?.length ?? 0), 0);
  const columns: Column[] = [sorted.map((sample) => thousandth(sample.powerW))];
  for (let phase = 0; phase < phases; phase++) {
    columns.push(sorted.map((sample) => thousandth(sample.powerPhasesW?.[phase])));
  }
  return withGaps({ seconds, columns });
}

/** The scale of an axis: it begins at zero, below only for what flows back, and ends on a round number. */
export function axisRange(min: number | null, max: number | null): [number, number] {
  return [-roundUp(Math.max(0, -(min ?? 0)), 0), roundUp(Math.max(0, max ?? 0), 1)];
}

function roundUp(value: number, least: number): number {
  if (value <= 0) return least;
  const target = Math.max(value * 1.05, least);
  const power = 10 ** Math.floor(Math.log10(target));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= target - 1e-9) ?? 10;
  return step * power;
}
