/**
 * fast-check, set up for every property of the house: the same commit draws the same cases, so a red run is red
 * again. What no one has drawn yet is looked for by hand, with `PROPERTY_SEED` and `PROPERTY_RUNS` (docs/testing.md).
 *
 * Properties take fast-check from here. A setup file would load it in every test file, most of which draw nothing.
 */
import fc from "fast-check";

const DEFAULT_SEED = 20_261;

const wanted = process.env["PROPERTY_SEED"] ?? String(DEFAULT_SEED);
/** Where draws begin. */
export const SEED = wanted === "random" ? Math.trunc(Math.random() * 2 ** 31) : Number(wanted);
if (!Number.isInteger(SEED)) throw new Error(`PROPERTY_SEED is an integer or "random", not ${wanted}`);
if (wanted === "random") console.log(`PROPERTY_SEED=${SEED}`);

const FACTOR = Number(process.env["PROPERTY_RUNS"] ?? 1);
if (!(FACTOR > 0)) throw new Error("PROPERTY_RUNS is a factor, such as 20");

/** As many as a test asks for, of runs and of the milliseconds they may take, times what `PROPERTY_RUNS` says. */
export const scaled = (count: number): number => Math.ceil(count * FACTOR);

fc.configureGlobal({ seed: SEED, numRuns: scaled(100) });

export { fc };
