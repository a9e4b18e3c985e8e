/**
 * What holds for any tariff and any course. Where nothing depends on rounding, prices are the same to the minor unit;
 * where something does, the bound is what rounding can do to a line, and nothing more.
 */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import type { TariffTerms } from "../tariff.ts";
import { anyTerms, anyTimeline, compact, courseIn, linesOf, referencePrice } from "./tariff-harness.ts";
import { priceTransaction, type Price, type Timeline } from "./tariff.ts";

const RUNS = { numRuns: scaled(1_000) };
const SECOND = 1_000;
const shares = fc.double({ min: 0, max: 1, noNaN: true });

/** All of it that is money. */
const told = ({ netMinor, taxMinor, totalMinor, energyWh, chargingS, idleS, lines }: Price) => ({
  ...{ netMinor, taxMinor, totalMinor, energyWh, chargingS, idleS, lines: linesOf(lines) },
});

type Taken = { quantity: number; amountMinor: number };
/** What was taken, and what it costs, by component and element. */
function taken(...prices: Price[]): Map<string, Taken> {
  const found = new Map<string, Taken>();
  for (const { component, elementIndex, quantity, amountMinor } of prices.flatMap((price) => price.lines)) {
    const name = `${component} ${elementIndex}`;
    const before = found.get(name) ?? { quantity: 0, amountMinor: 0 };
    const sum = { quantity: before.quantity + quantity, amountMinor: before.amountMinor + amountMinor };
    found.set(name, sum);
  }
  return found;
}
const sumOf = (component: string, ...prices: Price[]) =>
  prices
    .flatMap((price) => price.lines)
    .filter((line) => line.component === component)
    .reduce((all, line) => all + line.quantity, 0);

/** In two transactions, cut at one of the registers that were told of: what was taken until then is known exactly. */
function cut(timeline: Timeline, often: Timeline["registers"], share: number): [Timeline, Timeline] {
  const at = Math.floor(share * (often.length - 1));
  const here = often[at] ?? { at: 0, wh: 0 };
  const { states } = timeline;
  const state = states.findLast((word) => word.at <= here.at)?.state ?? "charging";
  return [
    { ...timeline, endedAt: here.at, registers: at === 0 ? [here, here] : often.slice(0, at + 1) },
    {
      ...{ ...timeline, startedAt: here.at },
      registers: at === often.length - 1 ? [here, here] : often.slice(at),
      states: [{ at: here.at, state }, ...states.filter((word) => word.at > here.at)],
    },
  ];
}

const once = { freeMinutes: undefined, idleGraceMinutes: undefined };
const bounds = { minimumMinor: undefined, maximumMinor: undefined };

describe("any tariff, any course", () => {
  test("costs what it costs when it is worked out minute by minute", () => {
    fc.assert(
      fc.property(anyTerms, anyTimeline, (terms, timeline) => {
        expect(told(priceTransaction(terms, timeline))).toEqual(referencePrice(terms, timeline));
      }),
      { numRuns: scaled(600) },
    );
  });

  test("amounts are whole, lines add up, net and tax are the total", () => {
    fc.assert(
      fc.property(anyTerms, anyTimeline, (terms, timeline) => {
        const result = priceTransaction(terms, timeline);
        const { netMinor, taxMinor, totalMinor, lines } = result;
        const numbers = lines.flatMap((l) => [l.amountMinor, l.quantity, l.priceMicro, l.from, l.to]);
        expect([netMinor, taxMinor, totalMinor, ...numbers].every(Number.isSafeInteger)).toBe(true);
        expect(netMinor + taxMinor).toBe(totalMinor);
        expect(Math.min(netMinor, taxMinor, totalMinor)).toBeGreaterThanOrEqual(0);
        const sum = lines.reduce((all, line) => all + line.amountMinor, 0);
        expect(sum).toBe(terms.tax?.included === false ? netMinor : totalMinor);
        expect(sum).toBeLessThanOrEqual(terms.maximumMinor ?? Infinity);
        if (result.energyWh > 0) expect(sum).toBeGreaterThanOrEqual(terms.minimumMinor ?? 0);
        for (const line of lines) {
          expect(line.from).toBeGreaterThanOrEqual(timeline.startedAt);
          expect(line.to).toBeLessThanOrEqual(timeline.endedAt);
        }
      }),
      RUNS,
    );
  });

  test("more samples on the way change nothing at all", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(1), (terms, { timeline, often }) => {
        const seldom = told(priceTransaction(terms, timeline));
        expect(told(priceTransaction(terms, { ...timeline, registers: often }))).toEqual(seldom);
      }),
      RUNS,
    );
  });

  test("a state that is told again changes nothing at all", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(1), fc.array(shares, { maxLength: 5 }), (terms, { timeline }, where) => {
        const { startedAt, endedAt, states } = timeline;
        const again = where
          .map((share) => startedAt + Math.floor(share * (endedAt - startedAt)))
          .map((at) => ({ at, state: states.findLast((word) => word.at <= at)?.state ?? "charging" }));
        const chatty = [...states, ...again].sort((a, b) => a.at - b.at);
        const price = priceTransaction(terms, { ...timeline, states: chatty });
        expect(price).toEqual(priceTransaction(terms, timeline));
      }),
      RUNS,
    );
  });

  test("in two transactions it takes the same, line by line, and a line differs by its one rounding more", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(SECOND), shares, (given, { timeline, often }, share) => {
        const elements = given.elements.map((e) => compact({ ...e, startFeeMicro: undefined }));
        const terms = compact({ ...given, elements, ...once, ...bounds }) as object as TariffTerms;
        const whole = taken(priceTransaction(terms, timeline));
        const prices = cut(timeline, often, share).map((part) => priceTransaction(terms, part));
        // A part that took nothing was no charge.
        fc.pre(prices.every((part) => part.energyWh > 0));
        const parts = taken(...prices);
        expect([...parts.keys()].sort()).toEqual([...whole.keys()].sort());
        for (const [name, { quantity, amountMinor }] of whole) {
          expect([name, parts.get(name)?.quantity]).toEqual([name, quantity]);
          // Half a minor unit, twice instead of once.
          expect(Math.abs((parts.get(name)?.amountMinor ?? 0) - amountMinor)).toBeLessThanOrEqual(1);
        }
      }),
      RUNS,
    );
  });

  test("in two transactions what is given once is given twice, and what is asked once is asked twice", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(SECOND), shares, (given, { timeline, often }, share) => {
        const catchAll = {
          startFeeMicro: 1,
          perKwhMicro: 1,
          perChargingMinuteMicro: 1,
          perIdleMinuteMicro: 1,
        };
        const terms = { ...given, elements: [...given.elements, catchAll] };
        const all = { ...timeline, timeQuality: "known", energyOnly: false } as const;
        const whole = priceTransaction(terms, all);
        const parts = cut(all, often, share).map((part) => priceTransaction(terms, part));
        fc.pre(parts.every((part) => part.energyWh > 0));
        expect(sumOf("start", ...parts)).toBe(2);
        expect(sumOf("start", whole)).toBe(1);
        expect(sumOf("energy", ...parts)).toBe(sumOf("energy", whole));
        const [free, grace] = [(terms.freeMinutes ?? 0) * 60, (terms.idleGraceMinutes ?? 0) * 60];
        for (const component of ["charging-time", "idle-time"]) {
          const given = sumOf(component, whole) - sumOf(component, ...parts);
          expect(given).toBeGreaterThanOrEqual(0);
          expect(given).toBeLessThanOrEqual(free + (component === "idle-time" ? grace : 0));
        }
      }),
      RUNS,
    );
  });

  test("where everything has a price, everything is priced once: nothing is lost or counted twice", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(SECOND), (given, { timeline }) => {
        const catchAll = {
          startFeeMicro: 1,
          perKwhMicro: 1,
          perChargingMinuteMicro: 1,
          perIdleMinuteMicro: 1,
        };
        const elements = [...given.elements, catchAll];
        const terms = compact({ ...given, elements, freeMinutes: undefined }) as object as TariffTerms;
        const price = priceTransaction(terms, timeline);
        fc.pre(price.energyWh > 0);
        const grace = (terms.idleGraceMinutes ?? 0) * 60;
        expect(sumOf("energy", price)).toBe(price.energyWh);
        expect(sumOf("charging-time", price)).toBe(price.chargingS);
        expect(sumOf("idle-time", price)).toBe(Math.max(0, price.idleS - grace));
      }),
      RUNS,
    );
  });

  test("what took nothing costs nothing", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(1), (terms, { timeline }) => {
        const registers = timeline.registers.map(({ at }) => ({ at, wh: 5_000 }));
        const price = priceTransaction(terms, { ...timeline, registers });
        expect(price).toMatchObject({ netMinor: 0, taxMinor: 0, totalMinor: 0, lines: [] });
      }),
    );
  });

  test("more energy, or more time, never costs less", () => {
    const more = fc.integer({ min: 0, max: 50_000 });
    fc.assert(
      fc.property(anyTerms, courseIn(1), more, more, (terms, { timeline }, wh, seconds) => {
        const before = priceTransaction(terms, timeline);
        const last = timeline.registers.at(-1)!;
        const registers = [...timeline.registers.slice(0, -1), { ...last, wh: last.wh + wh }];
        const fuller = priceTransaction(terms, { ...timeline, registers });
        expect(fuller.totalMinor).toBeGreaterThanOrEqual(before.totalMinor);
        expect(fuller.netMinor).toBeGreaterThanOrEqual(before.netMinor);
        const longer = { ...timeline, endedAt: timeline.endedAt + seconds * 1_000 };
        expect(priceTransaction(terms, longer).totalMinor).toBeGreaterThanOrEqual(before.totalMinor);
      }),
      RUNS,
    );
  });

  test("an unknown time is as much of everything, at no more than it costs at any time", () => {
    fc.assert(
      fc.property(anyTerms, courseIn(SECOND), (terms, { timeline }) => {
        const estimated = priceTransaction(terms, { ...timeline, timeQuality: "estimated" });
        const known = priceTransaction(terms, { ...timeline, timeQuality: "known" });
        expect(estimated.flags).toContain("cheaper-band");
        for (const { component, quantity, priceMicro } of estimated.lines) {
          if (priceMicro === 0) continue;
          // What costs something at any time of the week is priced at all of them.
          expect(sumOf(component, known)).toBe(quantity);
          const prices = known.lines.filter((l) => l.component === component).map((l) => l.priceMicro);
          expect(Math.min(...prices)).toBeGreaterThanOrEqual(priceMicro);
        }
      }),
      RUNS,
    );
  });
});
