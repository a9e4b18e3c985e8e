/** From what a person types to what the API takes. */
import { describe, expect, it } from "vitest";
import { draftOf, patchOf } from "./rules.ts";

const rules = {
  unknownToken: "deny",
  unknownCap: { energyWh: 10_500, durationS: 5_400, startsPerDay: 2, siteEnergyWhPerDay: 200_000 },
  revocation: { rule: "finish", energyWh: 2_000 },
  defaultLimitA: null,
  staleAfterS: 900,
  oldAfterS: 259_200,
} as const;

describe("rules of a site", () => {
  it("stand in the form in kWh, minutes and hours", () => {
    expect(draftOf(rules)).toMatchObject({
      capKwh: "10.5",
      capHours: "1.5",
      revocationKwh: "2",
      limitA: "",
      staleMinutes: "15",
      oldHours: "72",
    });
  });

  it("send nothing that was not changed", () => {
    expect(patchOf(draftOf(rules), rules)).toEqual({});
  });

  it("send whole Wh, seconds and amperes, and null for no limit", () => {
    const draft = { ...draftOf(rules), unknownToken: "cap" as const, capKwh: "7.25", limitA: "16" };
    expect(patchOf(draft, rules)).toEqual({
      unknownToken: "cap",
      unknownCap: { ...rules.unknownCap, energyWh: 7_250 },
      defaultLimitA: 16,
    });
    const limited = { ...rules, defaultLimitA: 16 };
    expect(patchOf({ ...draftOf(limited), limitA: "", oldHours: "24" }, limited)).toEqual({
      defaultLimitA: null,
      oldAfterS: 86_400,
    });
  });
});
