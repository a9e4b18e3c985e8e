/** A tariff in a form, and back. */
import { describe, expect, it } from "vitest";
import type { TariffTerms } from "../../../shared/tariff.ts";
import { createMoney } from "./money.ts";
import { dayRuns, draftOf, newElement, tariffOf, termsOf } from "./tariff.ts";

const money = createMoney("pt-BR");
const NOW = Date.parse("2026-03-01T12:00:00Z");
const terms: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 1_200_000, restrictions: { daysOfWeek: [1, 2, 3, 4, 5], from: "22:00", to: "06:00" } },
    { startFeeMicro: 2_000_000, perKwhMicro: 1_895_000, perIdleMinuteMicro: 500_000 },
  ],
  idleGraceMinutes: 10,
  minimumMinor: 500,
  maximumMinor: 20_000,
  tax: { name: "ISS", rateBp: 550, included: true },
};

describe("the form of a tariff", () => {
  it("says what the tariff said", () => {
    expect(termsOf(draftOf({ name: "Dia", terms }, money))).toEqual({ terms, problems: new Map() });
    expect(termsOf(draftOf({ name: "Dia", terms }, createMoney("en"))).terms).toEqual(terms);
  });

  it("takes no empty tariff, and says where something is missing", () => {
    const { body, problems } = tariffOf(draftOf(null, money), NOW);
    expect(body).toBeNull();
    expect([...problems]).toEqual([
      ["elements/0", "noPrice"],
      ["name", "required"],
    ]);
  });

  it("finds what cannot be read, at its field", () => {
    const draft = {
      ...draftOf({ name: "Dia", terms }, money),
      elements: [{ ...newElement(0), perKwh: "abc", perIdleMinute: "0,0000001" }],
      freeMinutes: "1,5",
      minimum: "300",
      taxRate: "101",
      taxName: " ",
    };
    expect(Object.fromEntries(termsOf(draft).problems)).toEqual({
      "elements/0/perKwh": "amount",
      "elements/0/perIdleMinute": "amount",
      freeMinutes: "minutes",
      maximum: "bounds",
      taxRate: "rate",
      taxName: "required",
    });
  });

  it("keeps to the order of times", () => {
    const draft = draftOf({ name: "Dia", terms }, money);
    const at = (validFrom: string, validTo: string) =>
      tariffOf({ ...draft, validFrom, validTo }, NOW).problems;
    expect([...at("2020-01-01T00:00", "")]).toEqual([["validFrom", "past"]]);
    expect([...at("2030-01-02T00:00", "2030-01-01T00:00")]).toEqual([["validTo", "order"]]);
    const { body } = tariffOf({ ...draft, name: " Dia ", validFrom: "2030-01-01T00:00" }, NOW);
    expect(body).toEqual({ name: "Dia", terms, validFrom: new Date("2030-01-01T00:00").toISOString() });
  });

  it("drops times that were switched off", () => {
    const draft = draftOf({ name: "Dia", terms }, money);
    const elements = draft.elements.map((element) => ({ ...element, restricted: false }));
    expect(termsOf({ ...draft, elements }).terms?.elements[0]).toEqual({ perKwhMicro: 1_200_000 });
  });

  it("names days as runs", () => {
    expect(dayRuns([5, 1, 2, 3, 4])).toEqual([[1, 5]]);
    expect(dayRuns([6, 7, 1])).toEqual([
      [1, 1],
      [6, 7],
    ]);
  });
});
