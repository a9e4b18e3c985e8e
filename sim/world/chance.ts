/** Draws from the world's generator: everything that is random in a run comes from here, in a fixed order. */
import { nextRandom, seedRandom, uuidV7 } from "../../shared/ids.ts";

export type Chance = {
  /** Uniform unsigned 32-bit integer. */
  word(): number;
  /** True with this probability. */
  happens(probability: number): boolean;
  /** Integer of [min, max]. */
  between(min: number, max: number): number;
  /** Exponentially distributed milliseconds with this mean, at most ten times the mean. */
  around(meanMs: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  uuid(atMs: number): string;
  /** A generator of its own, so that what one part draws does not shift what the others draw. */
  fork(): Chance;
};

export function createChance(seed: readonly number[]): Chance {
  const state = seedRandom(seed);
  const word = () => nextRandom(state);
  const unit = () => word() / 2 ** 32;
  return {
    word,
    happens: (probability) => unit() < probability,
    between: (min, max) => min + (word() % (max - min + 1)),
    around: (meanMs) => Math.round(Math.min(10, -Math.log(1 - unit())) * meanMs),
    pick: (list) => list[word() % list.length] ?? list[0],
    uuid: (atMs) => uuidV7(Math.max(0, atMs), word),
    fork: () => createChance([word(), word(), word(), word()]),
  };
}
