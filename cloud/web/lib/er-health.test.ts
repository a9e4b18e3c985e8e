/** What a box's gauges mean. */
import { describe, expect, it } from "vitest";
import type { Er } from "../../api/er-schemas.ts";
import { freshnessOf, isSkewed, journalPercent, policyAgeS, troublesOf } from "./er-health.ts";

const NOW = Date.parse("2026-11-22T16:00:00Z");
const rules = { staleAfterS: 900, oldAfterS: 259_200 } as never;
const site = { rules, policyVersion: NOW - 3_600_000 };
const gauges = {
  backlog: 0,
  journalBytes: 100,
  journalBudgetBytes: 400,
  pressure: "none",
  linkUp: true,
  clockOffsetMs: 3,
  policyVersion: NOW - 3_600_000,
  policyAgeS: 10,
  stationsConnected: 4,
  activeTransactions: 2,
} as const;
const er = (change: Partial<Er> = {}, box: Record<string, unknown> = {}) =>
  ({
    online: true,
    startedAt: new Date(NOW - 60_000).toISOString(),
    backlog: 0,
    clock: "synced",
    clockOffsetMs: 3,
    policyVersion: site.policyVersion,
    previousEnd: "clean",
    gauges: { ...gauges, ...box },
    gaugesAt: new Date(NOW - 5_000).toISOString(),
    ...change,
  }) as Er;
const troubles = (change: Partial<Er> = {}, box: Record<string, unknown> = {}) =>
  troublesOf(er(change, box), site, NOW);

describe("troublesOf", () => {
  it("is silent when all is well, and when an old ER tells nothing", () => {
    expect(troubles()).toEqual([]);
    expect(troubles({ gauges: null, gaugesAt: null })).toEqual([]);
  });

  it.each<[Partial<Er>, Record<string, unknown>, string[]]>([
    [{}, { pressure: "compact" }, []],
    [{}, { pressure: "thin-60" }, ["pressure-thin"]],
    [{}, { pressure: "refuse", diskFreeBytes: 1_000_000 }, ["pressure-refuse", "disk-low"]],
    [{ previousEnd: "watchdog" }, {}, ["watchdog"]],
    [{ previousEnd: "crash", startedAt: "2026-11-20T16:00:00Z" }, {}, []],
    [{ clock: "untrusted" }, { clockOffsetMs: 900_000 }, ["clock"]],
    [{}, { clockOffsetMs: -900_000 }, ["clock-off"]],
    [{ clockOffsetMs: 900_000 }, {}, []],
    [{ backlog: 500 }, {}, ["backlog"]],
    [{}, { diskWearPercent: 90, temperatureC: 85 }, ["wear", "hot"]],
    [{ policyVersion: null }, {}, ["policy-none"]],
    [{ policyVersion: 5 }, {}, ["policy-late"]],
    [{ online: false, policyVersion: 5 }, {}, []],
  ])("names what is wrong: %j %j", (change, box, expected) => {
    expect(troubles(change, box)).toEqual(expected);
  });
});

describe("freshness of the policy", () => {
  it("grows old while the site cannot be heard", () => {
    const away = (hours: number) =>
      er({ online: false, gaugesAt: new Date(NOW - hours * 3_600_000).toISOString() });
    expect(policyAgeS(away(1), NOW)).toBe(3_610);
    expect(freshnessOf(er(), rules, NOW)).toBe("fresh");
    expect(freshnessOf(away(1), rules, NOW)).toBe("stale");
    expect(freshnessOf(away(100), rules, NOW)).toBe("old");
    expect(freshnessOf(er({ policyVersion: null }), rules, NOW)).toBe("none");
  });
});

describe("numbers", () => {
  it("takes a journal's share of its budget", () => {
    expect(journalPercent(gauges)).toBe(25);
    expect(journalPercent({ ...gauges, journalBudgetBytes: 0 })).toBeNull();
  });

  it("bears five minutes of a station's clock, either way", () => {
    expect([null, 0, 300_000, -300_000, 300_001, -400_000].map((ms) => isSkewed(ms))).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});
