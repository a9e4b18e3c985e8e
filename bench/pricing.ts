/**
 * What pricing a transaction costs: a day of readings of one a minute, as the SG bills it, and an hour of
 * it, as an ER works the running cost out anew at each reading. The limit is a bare loop over the same
 * readings that multiplies each difference by a price.
 */
import { priceTransaction, type Timeline } from "../shared/decide/tariff.ts";
import type { TariffTerms } from "../shared/tariff.ts";
import { median, type Bench } from "./harness.ts";

const AT = 1_795_000_000_000;
const MINUTE_MS = 60_000;

const FLAT: TariffTerms = {
  currency: "BRL",
  elements: [{ startFeeMicro: 1_000_000, perKwhMicro: 1_890_000, perChargingMinuteMicro: 100_000 }],
};
const BANDS: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 3_000_000, restrictions: { daysOfWeek: [1, 2, 3, 4, 5], from: "17:30", to: "20:30" } },
    { perKwhMicro: 900_000, restrictions: { from: "22:00", to: "06:00" } },
    { startFeeMicro: 1_000_000, perKwhMicro: 1_890_000, perIdleMinuteMicro: 500_000 },
  ],
  idleGraceMinutes: 10,
  tax: { name: "ISS", rateBp: 500, included: true },
};

function timelineOf(minutes: number): Timeline {
  const registers = Array.from({ length: minutes + 1 }, (_, n) => ({ at: AT + n * MINUTE_MS, wh: n * 183 }));
  return {
    ...{ timeZone: "America/Sao_Paulo", startedAt: AT, endedAt: AT + minutes * MINUTE_MS, registers },
    states: [{ at: AT + (minutes - 30) * MINUTE_MS, state: "idle" }],
    timeQuality: "known",
  };
}

/** The least that anybody could do with the readings. */
function bareLoop({ registers }: Timeline): number {
  let micro = 0;
  let before = registers[0]?.wh ?? 0;
  for (const { wh } of registers) {
    micro += (wh - before) * 1_890;
    before = wh;
  }
  return micro;
}

function perReadingUs(timeline: Timeline, readings: number, run: (timeline: Timeline) => unknown): number {
  const times = Math.ceil(readings / timeline.registers.length);
  const start = performance.now();
  for (let n = 0; n < times; n++) run(timeline);
  return ((performance.now() - start) / (times * timeline.registers.length)) * 1_000;
}

export const pricing: Bench = {
  name: "pricing",
  about: "microseconds per reading of a transaction that is priced",
  run(context) {
    const rounds = context.quick ? 3 : 7;
    const readings = context.quick ? 200_000 : 1_000_000;
    const [day, hour] = [timelineOf(1_440), timelineOf(60)];
    const figures = [
      ["a day, one price", day, FLAT],
      ["a day, three bands", day, BANDS],
      ["an hour, three bands", hour, BANDS],
    ] as const;
    for (const [figure, timeline, terms] of figures) {
      const price = () => priceTransaction(terms, timeline);
      const measured: [number, number][] = [];
      // The first round is for the compiler.
      for (let round = 0; round <= rounds; round++) {
        const pair: [number, number] = [
          perReadingUs(timeline, readings, price),
          perReadingUs(timeline, readings, bareLoop),
        ];
        if (round > 0) measured.push(pair);
      }
      context.report({
        ...{ bench: "pricing", figure, unit: "µs" },
        value: median(measured.map(([us]) => us)),
        ...{ limit: median(measured.map(([, us]) => us)), limitOf: "bare loop" },
      });
    }
    return Promise.resolve();
  },
};
