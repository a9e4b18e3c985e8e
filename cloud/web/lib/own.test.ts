/** A driver's own: the state of a charge in three words, and charges by month of the place's clock. */
import { describe, expect, it } from "vitest";
import { byMonth, chargeState } from "./own.ts";

describe("the state of a charge", () => {
  const of = (status: "active" | "ended", chargingState: string | null, powerW: number | null) =>
    chargeState({ status, chargingState, powerW });

  it("is charging until the station or the meter says that nothing flows", () => {
    expect(of("active", "Charging", 7_000)).toBe("charging");
    expect(of("active", null, null)).toBe("charging");
    expect(of("active", "SuspendedEV", 7_000)).toBe("waiting");
    expect(of("active", "Charging", 0)).toBe("waiting");
    expect(of("ended", "Charging", 7_000)).toBe("ended");
  });
});

describe("charges by month", () => {
  const charge = (startedAt: string, timeZone = "America/Sao_Paulo") => ({ startedAt, timeZone });

  it("go by the clock of the place, in their order", () => {
    const months = byMonth(
      [
        ...[charge("2026-12-01T03:00:00Z"), charge("2026-12-01T02:59:00Z"), charge("2026-11-01T12:00:00Z")],
        charge("2026-01-01T00:30:00Z"),
      ],
      "en",
    );
    expect(months.map(({ name, items }) => [name, items.length])).toEqual([
      ["December 2026", 1],
      ["November 2026", 2],
      ["December 2025", 1],
    ]);
  });

  it("of a zone that this browser does not know go by its own", () => {
    expect(byMonth([charge("2026-06-15T12:00:00Z", "Mars/Olympus")], "pt-BR")).toMatchObject([
      { name: "junho de 2026" },
    ]);
  });
});
