/** One price for one transaction: worked examples, and clocks. What holds for any: `tariff-properties.test.ts`. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { minorDigits } from "../currency.ts";
import { termsProblem, type TariffTerms } from "../tariff.ts";
import { offsetSpanAt } from "./wall-clock.ts";
import { bandAt } from "./tariff-bands.ts";
import { priceTransaction, type Price, type Timeline } from "./tariff.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);

/** A session that takes `wh` evenly from start to end. */
const even = (startedAt: number, hours: number, wh: number, more: Partial<Timeline> = {}): Timeline => ({
  ...{ timeZone: "America/Sao_Paulo", startedAt, endedAt: startedAt + hours * HOUR },
  registers: [
    { at: startedAt, wh: 1_000 },
    { at: startedAt + hours * HOUR, wh: 1_000 + wh },
  ],
  ...{ states: [], timeQuality: "known" },
  ...more,
});
const brl = (terms: Omit<TariffTerms, "currency">): TariffTerms => ({ currency: "BRL", ...terms });
const amounts = (price: Price) => price.lines.map((l) => [l.component, l.quantity, l.amountMinor]);

describe("examples", () => {
  const noon = at("2026-03-10T15:00:00Z"); // Tuesday, 12:00 in São Paulo

  test("a start fee, energy, time and idle time after its grace, tax inside", () => {
    const terms = brl({
      elements: [
        {
          startFeeMicro: 2_000_000,
          perKwhMicro: 1_890_000,
          perChargingMinuteMicro: 100_000,
          perIdleMinuteMicro: 500_000,
        },
      ],
      idleGraceMinutes: 10,
      tax: { name: "ISS", rateBp: 500, included: true },
    });
    const timeline = even(noon, 1, 10_333, { states: [{ at: noon + 30 * MINUTE, state: "idle" }] });
    const price = priceTransaction(terms, timeline);
    // 10.333 kWh × 1.89 = 19.52937; 30 min × 0.10; 20 of 30 idle min × 0.50
    expect(amounts(price)).toEqual([
      ["start", 1, 200],
      ["energy", 10_333, 1_953],
      ["charging-time", 1_800, 300],
      ["idle-time", 1_200, 1_000],
    ]);
    // 34.53 / 1.05 = 32.8857…
    expect(price).toMatchObject({ currency: "BRL", totalMinor: 3_453, netMinor: 3_289, taxMinor: 164 });
    expect(price).toMatchObject({ energyWh: 10_333, chargingS: 1_800, idleS: 1_800, flags: [] });
  });

  test("tax that is added", () => {
    const terms = brl({
      elements: [{ perKwhMicro: 1_000_000 }],
      tax: { name: "ICMS", rateBp: 1_850, included: false },
    });
    expect(priceTransaction(terms, even(noon, 1, 10_010))).toMatchObject({
      ...{ netMinor: 1_001, taxMinor: 185, totalMinor: 1_186 },
    });
  });

  test("half a minor unit is rounded up, less is not", () => {
    const cost = (wh: number) =>
      priceTransaction(brl({ elements: [{ perKwhMicro: 1_000_000 }] }), even(noon, 1, wh)).totalMinor;
    expect([cost(4), cost(5), cost(14), cost(15)]).toEqual([0, 1, 1, 2]);
  });

  test("currencies with no and with three decimals", () => {
    const cost = (currency: string) =>
      priceTransaction({ currency, elements: [{ perKwhMicro: 1_500_000 }] }, even(noon, 1, 3_000)).totalMinor;
    expect([cost("CLP"), cost("BRL"), cost("KWD")]).toEqual([5, 450, 4_500]);
    expect(["JPY", "EUR", "TND"].map(minorDigits)).toEqual([0, 2, 3]);
  });

  test("a band that crosses midnight belongs to the day on which it begins", () => {
    // Friday 22:00 to Saturday 06:00.
    const terms = brl({
      elements: [
        { perKwhMicro: 500_000, restrictions: { daysOfWeek: [5], from: "22:00", to: "06:00" } },
        { perKwhMicro: 2_000_000 },
      ],
    });
    const lines = (from: string) =>
      priceTransaction(terms, even(at(from), 1, 10_000)).lines.map((l) => [l.elementIndex, l.quantity]);
    expect(lines("2026-03-13T21:00:00-03:00")).toEqual([[1, 10_000]]);
    expect(lines("2026-03-14T05:30:00-03:00")).toEqual([
      [0, 5_000],
      [1, 5_000],
    ]);
    expect(lines("2026-03-13T05:30:00-03:00")).toEqual([[1, 10_000]]);
    expect(lines("2026-03-14T22:30:00-03:00")).toEqual([[1, 10_000]]);
  });

  test("Sunday's night reaches into Monday", () => {
    const terms = brl({
      elements: [{ perKwhMicro: 1, restrictions: { daysOfWeek: [7], from: "23:00", to: "01:00" } }],
    });
    const price = priceTransaction(terms, even(at("2026-03-16T00:30:00-03:00"), 1, 10_000));
    expect(price.lines.map((l) => l.quantity)).toEqual([5_000]);
  });

  test("free minutes are free of time, not of energy", () => {
    const terms = brl({
      elements: [{ perKwhMicro: 1_000_000, perChargingMinuteMicro: 1_000_000 }],
      freeMinutes: 45,
    });
    expect(amounts(priceTransaction(terms, even(noon, 1, 1_000)))).toEqual([
      ["energy", 1_000, 100],
      ["charging-time", 900, 1_500],
    ]);
    expect(amounts(priceTransaction(terms, even(noon, 0.5, 1_000)))).toEqual([["energy", 1_000, 100]]);
  });

  test("what is free anyway takes nothing of the grace away", () => {
    const terms = brl({
      elements: [{ perIdleMinuteMicro: 1_000_000 }],
      ...{ freeMinutes: 30, idleGraceMinutes: 10 },
    });
    const states: Timeline["states"] = [{ at: noon + 10 * MINUTE, state: "idle" }];
    expect(amounts(priceTransaction(terms, even(noon, 1, 1_000, { states })))).toEqual([
      ["idle-time", 1_200, 2_000],
    ]);
  });

  test("the grace is for all idle time together; what the station does not give is nobody's to pay", () => {
    const terms = brl({
      elements: [{ perIdleMinuteMicro: 1_000_000, perChargingMinuteMicro: 10_000 }],
      idleGraceMinutes: 15,
    });
    const states: Timeline["states"] = [
      { at: noon + 10 * MINUTE, state: "idle" },
      { at: noon + 20 * MINUTE, state: "charging" },
      { at: noon + 30 * MINUTE, state: "suspended" },
      { at: noon + 40 * MINUTE, state: "idle" },
    ];
    const price = priceTransaction(terms, even(noon, 1, 1_000, { states }));
    expect(amounts(price)).toEqual([
      ["charging-time", 1_200, 20],
      ["idle-time", 900, 1_500],
    ]);
    expect(price).toMatchObject({ chargingS: 1_200, idleS: 1_800 });
  });

  test("minimum and maximum stand as lines of their own", () => {
    const terms = brl({
      elements: [{ perKwhMicro: 1_000_000 }],
      ...{ minimumMinor: 500, maximumMinor: 2_000 },
    });
    expect(amounts(priceTransaction(terms, even(noon, 1, 1_000)))).toEqual([
      ["energy", 1_000, 100],
      ["minimum", 1, 400],
    ]);
    expect(amounts(priceTransaction(terms, even(noon, 1, 90_000)))).toEqual([
      ["energy", 90_000, 9_000],
      ["maximum", 1, -7_000],
    ]);
    const total = (wh: number) => priceTransaction(terms, even(noon, 1, wh)).totalMinor;
    expect([4_990, 5_010, 19_990, 20_010].map(total)).toEqual([500, 501, 1_999, 2_000]);
  });

  test("what took no energy was no charge; what nobody has measured was one", () => {
    const terms = brl({
      elements: [{ startFeeMicro: 3_000_000, perKwhMicro: 1_000_000, perChargingMinuteMicro: 100_000 }],
      minimumMinor: 1_000,
    });
    // A station that says it charges and gives nothing.
    const nothing = { totalMinor: 0, lines: [], chargingS: 28_800 };
    expect(priceTransaction(terms, even(noon, 8, 0))).toMatchObject(nothing);
    const unmeasured = priceTransaction(terms, even(noon, 1, 0, { registers: [] }));
    expect(unmeasured).toMatchObject({ totalMinor: 1_000, flags: ["energy-unknown"] });
  });

  test("a register that falls is held to be what it was", () => {
    const registers = [
      { at: noon, wh: 1_000 },
      { at: noon + 10 * MINUTE, wh: 4_000 },
      { at: noon + 20 * MINUTE, wh: 10 },
      { at: noon + 30 * MINUTE, wh: 5_000 },
    ];
    const price = priceTransaction(
      brl({ elements: [{ perKwhMicro: 1_000_000 }] }),
      even(noon, 1, 0, { registers }),
    );
    expect(price).toMatchObject({ energyWh: 4_000, totalMinor: 400, flags: ["register-fell"] });
  });

  test("where nobody knows the time, the cheaper band counts and is flagged", () => {
    const terms = brl({
      elements: [
        { perKwhMicro: 3_000_000, restrictions: { from: "08:00", to: "20:00" } },
        { perKwhMicro: 1_000_000, perChargingMinuteMicro: 50_000 },
      ],
    });
    const estimated = priceTransaction(terms, even(noon, 1, 10_000, { timeQuality: "estimated" }));
    expect(estimated).toMatchObject({ totalMinor: 1_300, flags: ["cheaper-band"] });
    const nowhere = priceTransaction(terms, even(noon, 1, 10_000, { timeZone: "Mars/Olympus" }));
    expect(nowhere).toMatchObject({ totalMinor: 1_300, flags: ["cheaper-band"] });
    const duration = { timeQuality: "estimated", energyOnly: true } as const;
    expect(priceTransaction(terms, even(noon, 1, 10_000, duration))).toMatchObject({
      ...{ totalMinor: 1_000, flags: ["cheaper-band", "energy-only"] },
    });
  });

  test("terms that nobody could charge by are told apart", () => {
    const elements = [{ perKwhMicro: 1 }];
    expect(termsProblem(brl({ elements }))).toBeUndefined();
    expect(termsProblem(brl({ elements, minimumMinor: 2, maximumMinor: 1 }))?.pointer).toBe("/maximumMinor");
    expect(termsProblem(brl({ elements: [...elements, {}] }))?.pointer).toBe("/elements/1");
  });
});

describe("clocks", () => {
  const night = brl({
    elements: [
      { perKwhMicro: 100_000, perChargingMinuteMicro: 0, restrictions: { from: "00:00", to: "03:00" } },
      { perKwhMicro: 1_000_000, perChargingMinuteMicro: 0 },
    ],
  });
  const minutes = (timeZone: string, from: string, hours: number) =>
    priceTransaction(night, even(at(from), hours, 60_000, { timeZone }))
      .lines.filter((l) => l.component === "charging-time")
      .map((l) => [l.elementIndex, l.quantity / 60]);

  test("Berlin: the night of spring has an hour less, that of autumn one more", () => {
    expect(minutes("Europe/Berlin", "2026-03-28T22:00:00Z", 6)).toEqual([
      [0, 120],
      [1, 240],
    ]);
    expect(minutes("Europe/Berlin", "2026-10-24T21:00:00Z", 6)).toEqual([
      [0, 240],
      [1, 120],
    ]);
  });

  test("São Paulo had such nights until 2019, at midnight", () => {
    // 2018-11-04 00:00 became 01:00; 2019-02-17 00:00 became 23:00 of the day before.
    expect(minutes("America/Sao_Paulo", "2018-11-04T02:00:00Z", 4)).toEqual([
      [0, 120],
      [1, 120],
    ]);
    expect(minutes("America/Sao_Paulo", "2019-02-17T01:00:00Z", 4)).toEqual([
      [0, 120],
      [1, 120],
    ]);
    expect(minutes("America/Sao_Paulo", "2026-02-17T02:00:00Z", 4)).toEqual([
      [0, 180],
      [1, 60],
    ]);
  });

  test("half an hour of Lord Howe, quarters of Nepal, seconds of an old local time", () => {
    const offset = (zone: string, text: string) => offsetSpanAt(zone, at(text)).offsetMs / MINUTE;
    expect(offset("Australia/Lord_Howe", "2026-04-04T14:59:59Z")).toBe(660);
    expect(offset("Australia/Lord_Howe", "2026-04-04T15:00:00Z")).toBe(630);
    expect(offset("Asia/Kathmandu", "2026-01-01T00:00:00Z")).toBe(345);
    expect(offset("America/Sao_Paulo", "1900-01-01T00:00:00Z")).toBeCloseTo(-(3 * 60 + 6 + 28 / 60), 5);
  });

  test("any instant: the offset is what the runtime shows on the wall", () => {
    const zones = ["America/Sao_Paulo", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"];
    const instants = fc.integer({ min: at("1990-01-01"), max: at("2040-01-01") });
    fc.assert(
      fc.property(fc.constantFrom(...zones), instants, (timeZone, instant) => {
        const { from, to, offsetMs } = offsetSpanAt(timeZone, instant);
        expect(from <= instant && instant < to).toBe(true);
        const wall = new Date(instant).toLocaleString("sv-SE", { timeZone });
        expect(new Date(instant + offsetMs).toISOString().slice(0, 19)).toBe(wall.replace(" ", "T"));
      }),
      { numRuns: scaled(2_000) },
    );
  });

  test("any instant: the band around it is the one that its wall clock names", () => {
    const terms = brl({
      elements: [
        { perKwhMicro: 1, restrictions: { daysOfWeek: [1, 6], from: "21:30", to: "02:15" } },
        { perKwhMicro: 2, restrictions: { from: "06:00", to: "09:00" } },
        { perKwhMicro: 3, restrictions: { daysOfWeek: [7] } },
      ],
    });
    const instants = fc.integer({ min: at("2015-01-01"), max: at("2030-01-01") });
    fc.assert(
      fc.property(fc.constantFrom("America/Sao_Paulo", "Europe/Berlin"), instants, (timeZone, instant) => {
        const wall = new Date(instant).toLocaleString("sv-SE", { timeZone });
        const day = new Date(`${wall.slice(0, 10)}T00:00:00Z`).getUTCDay() || 7;
        const time = wall.slice(11, 16);
        const first =
          ((day === 1 || day === 6) && time >= "21:30") || ((day === 2 || day === 7) && time < "02:15");
        const second = time >= "06:00" && time < "09:00";
        const band = bandAt(terms, timeZone, instant);
        expect(band.winners.energy).toBe(first ? 0 : second ? 1 : day === 7 ? 2 : -1);
        expect(band.from <= instant && instant < band.to).toBe(true);
      }),
      { numRuns: scaled(2_000) },
    );
  });
});

test("numbers beyond what a double holds are exact", () => {
  const terms: TariffTerms = { currency: "KWD", elements: [{ perKwhMicro: 9_999_999 }] };
  const timeline = even(at("2026-01-01"), 24 * 365, 123_456_789_123);
  // 1234567767773.210877 of the minor unit, of a product that no double holds
  expect(priceTransaction(terms, timeline).totalMinor).toBe(1_234_567_767_773);
});
