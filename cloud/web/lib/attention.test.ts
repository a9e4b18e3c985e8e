/** The overview's answer. */
import { describe, expect, it } from "vitest";
import type { Er } from "../../api/er-schemas.ts";
import type { Connector, Site } from "../../api/schemas.ts";
import { answerOf, attentionOf, connectorName, totalsOf } from "./attention.ts";

const NOW = Date.parse("2026-11-22T16:00:00Z");
const site = (change: Partial<Site> = {}): Site => ({
  siteId: "s",
  operatorId: "o",
  name: "Garagem",
  timeZone: "America/Sao_Paulo",
  erOnline: true,
  stationCount: 4,
  stationsOnline: 4,
  stationsFaulted: 0,
  connectorCount: 6,
  activeTransactions: 2,
  powerW: 14_000,
  energyTodayWh: 30_000,
  rules: {
    unknownToken: "deny",
    unknownCap: { energyWh: 10_000, durationS: 14_400, startsPerDay: 2, siteEnergyWhPerDay: 200_000 },
    revocation: { rule: "finish", energyWh: 2_000 },
    defaultLimitA: null,
    staleAfterS: 900,
    oldAfterS: 259_200,
  },
  policyVersion: 1,
  ...change,
});
const er = (change: Partial<Er> = {}) =>
  ({
    erId: "e",
    siteId: "s",
    online: true,
    lastSeenAt: "2026-11-22T16:00:00Z",
    backlog: 3,
    clock: "synced",
    parkedEntries: 0,
    ...change,
  }) as Er;
const kinds = (sites: Site[], ers: Er[], faulted: Connector[] = []) =>
  attentionOf(sites, ers, faulted, NOW).map(({ kind }) => kind);

describe("attentionOf", () => {
  it("is silent when all is well", () => {
    expect(kinds([site()], [er()])).toEqual([]);
  });

  it("says once that an ER is offline, not again for every station behind it", () => {
    expect(
      kinds([site({ erOnline: false, stationsOnline: 0 })], [er({ online: false, backlog: 900 })]),
    ).toEqual(["er-offline"]);
  });

  it("puts broken connectors first", () => {
    const faulted = {
      stationId: "A",
      evseId: 2,
      connectorId: 1,
      errorCode: "GroundFailure",
      statusAt: null,
    } as Connector;
    expect(kinds([site({ stationsOnline: 3 })], [er()], [faulted])).toEqual(["faulted", "stations-offline"]);
  });

  it("names backlog, clock and parked entries", () => {
    const late = er({ backlog: 500, clock: "untrusted", parkedEntries: 2 });
    expect(kinds([site()], [late])).toEqual(["backlog", "clock", "parked"]);
  });
});

describe("what a box tells of itself", () => {
  it("puts a journal that is full before everything that can wait", () => {
    const full = er({ backlog: 900, gauges: { pressure: "refuse" } as never });
    expect(kinds([site({ stationsOnline: 3 })], [full])).toEqual([
      "journal-full",
      "stations-offline",
      "backlog",
    ]);
  });

  it("tells for a day that an ER had to end itself", () => {
    const ended = (startedAt: string) => kinds([site()], [er({ previousEnd: "watchdog", startedAt })]);
    expect(ended("2026-11-22T15:00:00Z")).toEqual(["watchdog"]);
    expect(ended("2026-11-20T15:00:00Z")).toEqual([]);
  });
});

describe("answerOf", () => {
  const answer = (...sites: Site[]) => answerOf(sites, []);

  it("answers in one word", () => {
    expect(answer(site())).toBe("charging");
    expect(answer(site({ activeTransactions: 0 }))).toBe("ready");
    expect(answer(site({ erOnline: false }), site({ erOnline: false }))).toBe("lost");
    expect(answerOf([site()], attentionOf([site({ stationsOnline: 1 })], [er()], [], NOW))).toBe("attention");
  });
});

describe("sums and names", () => {
  it("adds up the sites", () => {
    expect(totalsOf([site(), site({ powerW: 1_000 })])).toEqual({
      sites: 2,
      connectors: 12,
      active: 4,
      powerW: 15_000,
      energyTodayWh: 60_000,
    });
  });

  it("names a connector by its EVSE, and by its own number where there are several", () => {
    expect(connectorName({ evseId: 3, connectorId: 1 })).toBe("3");
    expect(connectorName({ evseId: 3, connectorId: 2 })).toBe("3.2");
    expect(connectorName({ evseId: 3, connectorId: null })).toBe("3");
  });
});
