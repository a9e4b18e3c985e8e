/** Identifiers: made from given random bits, sortable by time, unique. */
import { describe, expect, test } from "vitest";
import { Compile } from "typebox/compile";
import { fc } from "../sim/services/property.ts";
import { nextRandom, seedRandom, StationId, TopicId, Uuid, uuidV7, type RandomState } from "./ids.ts";

const uuid = Compile(Uuid);
const from = (state: RandomState) => () => nextRandom(state);

describe("UUID version 7", () => {
  test("has version, variant and the time that it was made", () => {
    const id = uuidV7(0x0123_4567_89ab, () => 0xffff_ffff);
    expect(id).toBe("01234567-89ab-7fff-bfff-ffffffffffff");
    expect(uuidV7(0, () => 0)).toBe("00000000-0000-7000-8000-000000000000");
  });

  test("sorts by time", () => {
    const at = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(at, at, fc.integer(), (a, b, seed) => {
        const random = from(seedRandom([seed]));
        const [first, second] = [uuidV7(a, random), uuidV7(b, random)];
        expect(uuid.Check(first)).toBe(true);
        if (a < b) expect(first < second).toBe(true);
        if (a > b) expect(first > second).toBe(true);
      }),
    );
  });

  test("is unique within one millisecond and between seeds", () => {
    const ids = new Set<string>();
    for (let seed = 0; seed < 10; seed++) {
      const random = from(seedRandom([seed, 7]));
      for (let i = 0; i < 5_000; i++) ids.add(uuidV7(1_793_527_200_000, random));
    }
    expect(ids.size).toBe(50_000);
  });
});

describe("the generator", () => {
  test("repeats from its seed and stays within 32 bits", () => {
    const a = seedRandom([1, 2, 3, 4]);
    const b = seedRandom([1, 2, 3, 4]);
    const values = Array.from({ length: 1_000 }, () => nextRandom(a));
    expect(values).toEqual(Array.from({ length: 1_000 }, () => nextRandom(b)));
    for (const value of values) expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(990);
  });
});

describe("names", () => {
  const topic = Compile(TopicId);
  const station = Compile(StationId);

  test("a topic level holds nothing that a broker reads as a level or a wildcard", () => {
    expect(topic.Check("er-01_A")).toBe(true);
    for (const bad of ["", "a.b", "a/b", "a#", "+", "é", "a b", "x".repeat(65)])
      expect(topic.Check(bad)).toBe(false);
  });

  test("a station may be called nearly anything that fits a URL's path", () => {
    for (const good of ["CP-1", "a|b", "a b", "Ø", "..", "1234567890"])
      expect(station.Check(good)).toBe(true);
    for (const bad of ["", "a/b", "a?b", "a#b", "a\u0000", "a\n", "x".repeat(65)])
      expect(station.Check(bad)).toBe(false);
  });
});
