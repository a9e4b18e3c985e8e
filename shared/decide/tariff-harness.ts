/**
 * For tests of prices: any tariff, any course of a transaction, and what that costs, worked out a second time.
 *
 * `referencePrice` shares nothing with `tariff.ts` but its types: it goes minute by minute, asks the runtime what the
 * clock on the wall shows at each of them, and counts in BigInt. It is slow and has nothing to be clever about.
 */
import fc from "fast-check";
import type { TariffElement, TariffTerms } from "../tariff.ts";
import type { ChargeState, Price, PriceComponent, Timeline } from "./tariff.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

/* Any tariff */

const price = fc.option(fc.integer({ min: 0, max: 5_000_000 }), { nil: undefined });
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom("00", "15", "37"))
  .map(([hour, minute]) => `${String(hour).padStart(2, "0")}:${minute}`);
const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });

/** Without what is undefined. */
export const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

const anyElement = fc.record({
  ...{ startFeeMicro: price, perKwhMicro: price, perChargingMinuteMicro: price, perIdleMinuteMicro: price },
  restrictions: optional(
    fc
      .record({
        daysOfWeek: optional(fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 })),
        from: optional(time),
        to: optional(time),
      })
      .map(compact),
  ),
});

export const anyTerms = fc
  .record({
    currency: fc.constantFrom("BRL", "CLP", "KWD"),
    elements: fc.array(anyElement.map(compact), { minLength: 1, maxLength: 5 }),
    freeMinutes: optional(fc.integer({ min: 0, max: 240 })),
    idleGraceMinutes: optional(fc.integer({ min: 0, max: 120 })),
    minimumMinor: optional(fc.integer({ min: 0, max: 1_000 })),
    maximumMinor: optional(fc.integer({ min: 1_000, max: 20_000 })),
    tax: optional(
      fc.record({
        name: fc.constant("T"),
        rateBp: fc.integer({ min: 0, max: 5_000 }),
        included: fc.boolean(),
      }),
    ),
  })
  .map((terms) => compact(terms) as TariffTerms);

/* Any course */

const YEAR_2018 = 1_514_764_800_000;
const YEAR_2027 = 1_798_761_600_000;
/** When clocks on the walls jump. */
const JUMPS = [
  1_541_300_400_000, // 2018-11-04T03:00:00Z, São Paulo, forward
  1_550_368_800_000, // 2019-02-17T02:00:00Z, São Paulo, back
  1_774_746_000_000, // 2026-03-29T01:00:00Z, Berlin, forward
  1_792_890_000_000, // 2026-10-25T01:00:00Z, Berlin, back
  1_775_314_800_000, // 2026-04-04T15:00:00Z, Lord Howe, back
  1_791_041_400_000, // 2026-10-03T15:30:00Z, Lord Howe, forward
];

/** Some time before a night in which the clocks change, or anywhere. */
const anyStart = fc.oneof(
  fc.integer({ min: YEAR_2018, max: YEAR_2027 }),
  fc
    .tuple(fc.constantFrom(...JUMPS), fc.integer({ min: 0, max: 6 * HOUR }))
    .map(([jump, before]) => jump - before),
);
const anyZone = fc.constantFrom("America/Sao_Paulo", "Europe/Berlin", "Australia/Lord_Howe", "UTC");

/**
 * The same course twice: told of seldom, and often, with registers that lie on the same straight lines. Nothing but
 * the number of samples is different.
 * @param unitMs all its moments are multiples of it.
 */
export const courseIn = (unitMs: number) =>
  fc
    .record({
      timeZone: anyZone,
      startedAt: anyStart.map((start) => Math.floor(start / unitMs) * unitMs),
      steps: fc.array(
        fc.record({
          ms: fc.integer({ min: 1, max: (40 * MINUTE) / unitMs }).map((n) => n * unitMs),
          wh: fc.oneof(fc.integer({ min: 0, max: 9_000 }), fc.integer({ min: 0, max: 3 })),
          parts: fc.integer({ min: 1, max: 4 }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      states: fc.array(
        fc.record({
          at: fc.integer({ min: 0, max: (10 * HOUR) / unitMs }).map((n) => n * unitMs),
          state: fc.constantFrom<ChargeState>("charging", "idle", "idle", "suspended"),
        }),
        { maxLength: 6 },
      ),
      timeQuality: fc.constantFrom<Timeline["timeQuality"]>("known", "known", "known", "estimated"),
      energyOnly: fc.constantFrom(false, false, false, true),
    })
    .map(({ timeZone, startedAt, steps, states, timeQuality, energyOnly }) => {
      const seldom = [{ at: startedAt, wh: 5_000 }];
      const often = [...seldom];
      for (const { ms, wh, parts } of steps) {
        const last = often.at(-1) ?? { at: 0, wh: 0 };
        for (let i = 1; i <= parts; i++) often.push({ at: last.at + i * ms, wh: last.wh + i * wh });
        seldom.push(often.at(-1) ?? last);
      }
      const timeline: Timeline = {
        ...{ timeZone, startedAt, endedAt: seldom.at(-1)?.at ?? startedAt, registers: seldom, timeQuality },
        states: states
          .map(({ at: ms, state }) => ({ at: startedAt + ms, state }))
          .sort((a, b) => a.at - b.at),
        ...(energyOnly ? { energyOnly } : {}),
      };
      return { timeline, often };
    });

/** Also with what nobody should tell: registers that fall, come before the start or after the end, or are missing. */
export const anyTimeline = fc
  .tuple(
    courseIn(1),
    fc.constantFrom("as it is", "as it is", "falls", "cut", "unknown"),
    fc.array(fc.integer({ min: -4_000, max: 4_000 }), { minLength: 7, maxLength: 7 }),
  )
  .map(([{ timeline }, how, noise]): Timeline => {
    const { registers, startedAt, endedAt } = timeline;
    if (how === "unknown") return { ...timeline, registers: registers.slice(0, 1) };
    if (how === "falls")
      return { ...timeline, registers: registers.map((r, i) => ({ ...r, wh: r.wh + (noise[i] ?? 0) })) };
    if (how === "as it is") return timeline;
    const third = Math.floor((endedAt - startedAt) / 3);
    return { ...timeline, startedAt: startedAt + third, endedAt: endedAt - third };
  });

/* What it costs, worked out a second time */

type Component = "start" | "energy" | "charging-time" | "idle-time";
const FIELD = {
  ...{ start: "startFeeMicro", energy: "perKwhMicro" },
  ...{ "charging-time": "perChargingMinuteMicro", "idle-time": "perIdleMinuteMicro" },
} as const satisfies Record<Component, keyof TariffElement>;
const UNITS = { start: 1n, energy: 1_000n, "charging-time": 60n, "idle-time": 60n };
const DIGITS: Record<string, number> = { BRL: 2, CLP: 0, KWD: 3 };
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

type Wall = { day: number; minute: number };
const formats = new Map<string, Intl.DateTimeFormat>();

function wallAt(timeZone: string, instant: number): Wall {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const parts = { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    format = new Intl.DateTimeFormat("en-GB", { timeZone, ...parts });
    formats.set(timeZone, format);
  }
  const [, day = "", hour = "", minute = ""] = /^(\w{3}),? (\d\d):(\d\d)/.exec(format.format(instant)) ?? [];
  return { day: DAYS.indexOf(day) + 1, minute: Number(hour) * 60 + Number(minute) };
}

const minuteOf = (text = "00:00") => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

function counts({ restrictions = {} }: TariffElement, { day, minute }: Wall): boolean {
  const { daysOfWeek = [1, 2, 3, 4, 5, 6, 7] } = restrictions;
  const [from, to] = [minuteOf(restrictions.from), minuteOf(restrictions.to)];
  const yesterday = day === 1 ? 7 : day - 1;
  if (from < to) return daysOfWeek.includes(day) && minute >= from && minute < to;
  return (daysOfWeek.includes(day) && minute >= from) || (daysOfWeek.includes(yesterday) && minute < to);
}

const winnerAt = ({ elements }: TariffTerms, component: Component, wall: Wall): number =>
  elements.findIndex((element) => element[FIELD[component]] !== undefined && counts(element, wall));

const priceOf = ({ elements }: TariffTerms, component: Component, winner: number): number =>
  elements[winner]?.[FIELD[component]] ?? 0;

/** The least that it costs at any minute of the week: an element, or -1 where some minute is free. */
function cheapest(terms: TariffTerms, component: Component): number {
  let least: number | undefined;
  for (let day = 1; day <= 7; day++)
    for (let minute = 0; minute < 1_440; minute++) {
      const winner = winnerAt(terms, component, { day, minute });
      if (least === undefined || priceOf(terms, component, winner) < priceOf(terms, component, least))
        least = winner;
    }
  return least ?? -1;
}

/** From, each full minute on the way, to: between two of them no clock on a wall changes its minute. */
function edges(from: number, to: number, more: readonly number[] = []): number[] {
  const found = new Set([from, to, ...more.filter((moment) => moment > from && moment < to)]);
  for (let minute = Math.ceil(from / MINUTE) * MINUTE; minute < to; minute += MINUTE)
    if (minute > from) found.add(minute);
  return [...found].sort((a, b) => a - b);
}

const halfUp = (numerator: bigint, denominator: bigint) =>
  Number(numerator / denominator + (2n * (numerator % denominator) >= denominator ? 1n : 0n));

export type ReferenceLine = {
  component: PriceComponent;
  priceMicro: number;
  quantity: number;
  amountMinor: number;
};
export type ReferencePrice = Pick<
  Price,
  "netMinor" | "taxMinor" | "totalMinor" | "energyWh" | "chargingS" | "idleS"
> & { lines: ReferenceLine[] };

/** Lines of the same price are one, what costs nothing is left out: which element it was is no matter of money. */
export function linesOf(
  lines: readonly { component: PriceComponent; priceMicro: number; quantity: number; amountMinor: number }[],
): ReferenceLine[] {
  return lines
    .filter((line) => line.priceMicro > 0 || line.amountMinor !== 0)
    .map(({ component, priceMicro, quantity, amountMinor }) => ({
      ...{ component, priceMicro, quantity, amountMinor },
    }));
}

type Counter = (component: Component, moment: number, amount: number) => void;

function countEnergy(timeline: Timeline, count: Counter): number | undefined {
  const { registers, startedAt, endedAt } = timeline;
  if (registers.length < 2) return undefined;
  const inside = (moment: number) => Math.max(startedAt, Math.min(endedAt, moment));
  let highest = registers[0]?.wh ?? 0;
  let last = inside(registers[0]?.at ?? 0);
  let sum = 0;
  for (const register of registers) {
    const until = inside(register.at);
    const energy = Math.max(0, register.wh - highest);
    let before = 0;
    const moments = edges(last, until);
    // What rises within no time at all is taken at that moment.
    if (until === last && energy > 0) count("energy", last, energy);
    for (const [i, moment] of moments.entries()) {
      if (i === 0) continue;
      const reached = Number((BigInt(energy) * BigInt(moment - last)) / BigInt(until - last));
      count("energy", moments[i - 1] ?? last, reached - before);
      before = reached;
    }
    sum += energy;
    highest = Math.max(highest, register.wh);
    last = until;
  }
  return sum;
}

function countTime(terms: TariffTerms, timeline: Timeline, count: Counter) {
  const { startedAt, endedAt, states } = timeline;
  const freeUntil = startedAt + (terms.freeMinutes ?? 0) * MINUTE;
  let grace = (terms.idleGraceMinutes ?? 0) * MINUTE;
  const spent = { charging: 0, idle: 0, suspended: 0 };
  const moments = edges(startedAt, endedAt, [freeUntil, ...states.map((word) => word.at)]);
  for (const [i, to] of moments.entries()) {
    const from = moments[i - 1];
    if (from === undefined) continue;
    const state = states.findLast((word) => word.at <= from)?.state ?? "charging";
    spent[state] += to - from;
    if (state === "suspended" || from < freeUntil) continue;
    const given = state === "idle" ? Math.min(grace, to - from) : 0;
    grace -= given;
    count(state === "idle" ? "idle-time" : "charging-time", from, to - from - given);
  }
  return spent;
}

export function referencePrice(terms: TariffTerms, timeline: Timeline): ReferencePrice {
  const { startedAt, timeZone, timeQuality, energyOnly = false } = timeline;
  const taken = new Map<Component, Map<number, number>>();
  const winner = (component: Component, moment: number) =>
    timeQuality === "estimated"
      ? cheapest(terms, component)
      : winnerAt(terms, component, wallAt(timeZone, moment));
  const count: Counter = (component, moment, amount) => {
    const of = taken.get(component) ?? new Map<number, number>();
    taken.set(component, of);
    if (amount === 0) return;
    const element = timeQuality === "estimated" ? -2 : winner(component, moment);
    of.set(element, (of.get(element) ?? 0) + amount);
  };
  const energyWh = countEnergy(timeline, count);
  count("start", startedAt, 1);
  const spent = energyOnly ? { charging: 0, idle: 0 } : countTime(terms, timeline, count);
  const minor = 10n ** BigInt(6 - (DIGITS[terms.currency] ?? 0));
  const lines: ReferenceLine[] = [];
  // What took nothing was no charge.
  const components = energyWh === 0 ? [] : (["start", "energy", "charging-time", "idle-time"] as const);
  for (const component of components) {
    for (const [element, amount] of [...(taken.get(component) ?? [])].sort(([a], [b]) => a - b)) {
      const quantity = component.endsWith("time") ? Math.floor(amount / 1_000) : amount;
      const priceMicro = priceOf(terms, component, element === -2 ? cheapest(terms, component) : element);
      const amountMinor = halfUp(BigInt(quantity) * BigInt(priceMicro), UNITS[component] * minor);
      lines.push({ component, priceMicro, quantity, amountMinor });
    }
  }
  const sum = lines.reduce((all, line) => all + line.amountMinor, 0);
  const atLeast = Math.max(sum, energyWh === 0 ? 0 : (terms.minimumMinor ?? 0));
  const bounded = Math.min(atLeast, terms.maximumMinor ?? Infinity);
  if (bounded !== sum)
    lines.push({
      ...{ component: bounded > sum ? "minimum" : "maximum", priceMicro: 0, quantity: 1 },
      amountMinor: bounded - sum,
    });
  const { rateBp = 0, included = true } = terms.tax ?? {};
  const tax = included
    ? bounded - halfUp(BigInt(bounded) * 10_000n, 10_000n + BigInt(rateBp))
    : halfUp(BigInt(bounded) * BigInt(rateBp), 10_000n);
  const netMinor = included ? bounded - tax : bounded;
  return {
    ...{ netMinor, taxMinor: tax, totalMinor: netMinor + tax, energyWh: energyWh ?? 0 },
    chargingS: Math.floor(spent.charging / 1_000),
    idleS: Math.floor(spent.idle / 1_000),
    lines: linesOf(lines),
  };
}
