/** Sums and shares of reports, and the days of a period. */
import { describe, expect, it } from "vitest";
import {
  barsOf,
  currenciesOf,
  daysOf,
  evenly,
  placesOf,
  stepFor,
  valueOf,
  type ReportLine,
} from "./reports.ts";

const line = (siteId: string, start: string, more: Partial<ReportLine>): ReportLine => ({
  ...{ siteId, stationId: null, start },
  ...more,
});

describe("reports", () => {
  it("sums per step and per place", () => {
    const lines = [
      line("b", "2026-03-02T03:00:00Z", { energyWh: 5 }),
      line("a", "2026-03-01T03:00:00Z", { energyWh: 10 }),
      line("b", "2026-03-01T03:00:00Z", { energyWh: 20 }),
      line("a", "2026-03-02T03:00:00Z", { energyWh: null }),
    ];
    expect(barsOf("energy", lines)).toEqual([
      { start: "2026-03-01T03:00:00Z", value: 30 },
      { start: "2026-03-02T03:00:00Z", value: 5 },
    ]);
    expect(placesOf("energy", lines).map(({ siteId, value }) => [siteId, value])).toEqual([
      ["b", 25],
      ["a", 10],
    ]);
  });

  it("keeps unknown apart from nothing", () => {
    expect(valueOf("energy", [line("a", "2026-03-01T00:00:00Z", { energyWh: null })])).toBeNull();
    expect(valueOf("energy", [line("a", "2026-03-01T00:00:00Z", { energyWh: 0 })])).toBe(0);
    expect(valueOf("uptime", [line("a", "2026-03-01T00:00:00Z", { onlineS: 0, offlineS: 0 })])).toBeNull();
  });

  it("weighs shares by their time, and leaves out what is not known", () => {
    const lines = [
      line("a", "2026-03-01T00:00:00Z", { onlineS: 100, offlineS: 0, unknownS: 0 }),
      line("b", "2026-03-01T00:00:00Z", { onlineS: 0, offlineS: 300, unknownS: 900 }),
    ];
    expect(valueOf("uptime", lines)).toBe(2_500);
    expect(valueOf("utilisation", [line("a", "x", { occupiedS: 30, availableS: 120 })])).toBe(2_500);
  });

  it("names the days of a period, across years", () => {
    expect(daysOf("week", "2026-01-03")).toEqual({ from: "2025-12-28", to: "2026-01-03" });
    expect(daysOf("lastMonth", "2026-01-15")).toEqual({ from: "2025-12-01", to: "2025-12-31" });
    expect(daysOf("month", "2026-03-15")).toEqual({ from: "2026-03-01", to: "2026-03-15" });
    expect(daysOf("year", "2026-03-15")).toEqual({ from: "2025-04-01", to: "2026-03-15" });
  });

  it("takes steps that make as many bars as one can read", () => {
    expect(stepFor("2026-03-01", "2026-03-02")).toBe("hour");
    expect(stepFor("2026-03-01", "2026-03-31")).toBe("day");
    expect(stepFor("2025-04-01", "2026-03-31")).toBe("month");
  });

  it("lets time go on evenly, by the clock of the site", () => {
    const bars = [
      { start: "2026-03-01T03:00:00Z", value: 7 },
      { start: "2026-03-04T03:00:00Z", value: 1 },
    ];
    const days = { from: "2026-03-01", to: "2026-03-03" };
    expect(evenly(bars, days, "day", "America/Sao_Paulo")).toEqual([
      { name: "2026-03-01", value: 7 },
      { name: "2026-03-02", value: null },
      { name: "2026-03-03", value: null },
      { name: "2026-03-04", value: 1 },
    ]);
    const hours = evenly(bars, { from: "2026-03-01", to: "2026-03-01" }, "hour", "America/Sao_Paulo");
    expect(hours).toHaveLength(25);
    expect(hours[0]).toEqual({ name: "2026-03-01 00", value: 7 });
    expect(
      evenly([], { from: "2026-01-15", to: "2026-03-01" }, "month", "UTC").map(({ name }) => name),
    ).toEqual([...["2026-01", "2026-02", "2026-03"]]);
  });

  it("knows which currencies there are", () => {
    const lines = [line("a", "x", { currency: "USD" }), line("a", "x", { currency: "BRL" })];
    expect(currenciesOf(lines)).toEqual(["BRL", "USD"]);
  });
});
