/**
 * Identifiers: how they look, and how they are made from given random bits.
 *
 * Nothing here draws randomness itself: the caller hands in a `Random`, so that a seeded run repeats.
 */
import { Type } from "typebox";

/** A broker topic level: no dots, slashes or wildcards, so that `/` and `.` map onto each other. */
export const TopicId = Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" });

/** OCPP identity of a station as it stands (decoded) in its URL. */
export const StationId = Type.String({ minLength: 1, maxLength: 64, pattern: "^[^\\u0000-\\u001f/?#]+$" });

export const Uuid = Type.String({
  pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
});

/** Uniform unsigned 32-bit integers. */
export type Random = () => number;

/**
 * The state of the sfc32 generator: four 32-bit words. Plain data, so that it can live in a pure core's
 * state.
 */
export type RandomState = [number, number, number, number];

/** Steps the generator in place and returns an unsigned 32-bit integer (Doty-Humphrey's sfc32, PractRand). */
export function nextRandom(s: RandomState): number {
  const t = (((s[0] + s[1]) | 0) + s[3]) | 0;
  s[3] = (s[3] + 1) | 0;
  s[0] = s[1] ^ (s[1] >>> 9);
  s[1] = (s[2] + (s[2] << 3)) | 0;
  s[2] = (s[2] << 21) | (s[2] >>> 11);
  s[2] = (s[2] + t) | 0;
  return t >>> 0;
}

/** A generator from a seed: 128 random bits in production, one small number in a simulation. */
export function seedRandom(seed: readonly number[]): RandomState {
  const state: RandomState = [seed[0] ?? 1, seed[1] ?? 2, seed[2] ?? 3, seed[3] ?? 1];
  for (let i = 0; i < 16; i++) nextRandom(state);
  return state;
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

/** UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits. */
export function uuidV7(atMs: number, random: Random): string {
  const high = Math.floor(atMs / 0x10000);
  const a = random();
  const b = random();
  const c = random();
  const variant = 0x8000 | (a & 0x3fff);
  const version = 0x7000 | ((a >>> 14) & 0xfff);
  const time = `${hex(high, 8)}-${hex(atMs % 0x10000, 4)}`;
  return `${time}-${hex(version, 4)}-${hex(variant, 4)}-${hex(b, 8)}${hex(c >>> 16, 4)}`;
}
