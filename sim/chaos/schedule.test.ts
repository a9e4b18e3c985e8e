import { describe, expect, it } from "vitest";
import { createSchedule, type Fault } from "./schedule.ts";

const MINUTE = 60_000;

describe("the schedule of faults", () => {
  it("is the same for the same seed and another one for another seed", () => {
    expect(createSchedule(7, 10 * MINUTE)).toEqual(createSchedule(7, 10 * MINUTE));
    expect(createSchedule(7, 10 * MINUTE)).not.toEqual(createSchedule(8, 10 * MINUTE));
  });

  it("breaks every part even in half a minute, and ends with the run", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const faults = createSchedule(seed, MINUTE / 2);
      expect(new Set(faults.map((f) => f.part)).size, `seed ${seed}`).toBe(7);
      expect(faults.every((f) => f.atMs + f.forMs <= MINUTE / 2)).toBe(true);
    }
  });

  it("breaks one part once at a time", () => {
    const last = new Map<string, Fault>();
    for (const fault of createSchedule(3, 30 * MINUTE)) {
      const before = last.get(fault.part);
      if (before !== undefined) expect(fault.atMs).toBeGreaterThan(before.atMs + before.forMs);
      last.set(fault.part, fault);
    }
  });

  it("knows every kind of fault within ten minutes", () => {
    const kinds = new Set(createSchedule(1, 10 * MINUTE).map((f) => `${f.part} ${f.kind}`));
    expect(kinds).toContain("link half-open up");
    expect(kinds).toContain("link stall");
    expect(kinds).toContain("database link delay");
    expect(kinds.size).toBeGreaterThanOrEqual(15);
  });
});
