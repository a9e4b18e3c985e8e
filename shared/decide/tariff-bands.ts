/**
 * Which element of a tariff prices what, at which time of the week: a tariff's restrictions compiled into a table
 * of the week, and a walk through time over it.
 *
 * Pure. A band is a span of time in which nothing changes: neither the elements that count nor the zone's offset
 * to UTC. Clocks that jump forward skip the minutes they skip, clocks that are set back live them twice.
 */
import type { TariffElement, TariffRestrictions, TariffTerms } from "../tariff.ts";
import { offsetSpanAt } from "./wall-clock.ts";

/** Index of the element that prices each component; -1: none does. */
export type Winners = { start: number; energy: number; charging: number; idle: number };
export type Component = keyof Winners;

/** `starts`: minutes of the week (Monday 00:00 is 0) from which the winners at the same index count. */
type Week = { starts: readonly number[]; winners: readonly Winners[] };

/** From `from` to `to` (exclusive) the same elements count. */
export type Band = { from: number; to: number; winners: Winners };

const DAY_MINUTES = 1_440;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const MINUTE_MS = 60_000;
const WEEK_MS = WEEK_MINUTES * MINUTE_MS;
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MINUTES * MINUTE_MS;
const ALWAYS: readonly number[] = [1, 2, 3, 4, 5, 6, 7];

const PRICE_OF = {
  start: "startFeeMicro",
  energy: "perKwhMicro",
  charging: "perChargingMinuteMicro",
  idle: "perIdleMinuteMicro",
} as const satisfies Record<Component, keyof TariffElement>;

export const priceMicroOf = (terms: TariffTerms, component: Component, element: number): number =>
  terms.elements[element]?.[PRICE_OF[component]] ?? 0;

const minuteOfDay = (text: string | undefined): number =>
  text === undefined ? 0 : Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

/** Spans of minutes of the week, [from, to), that may reach beyond its end. */
function spansOf(restrictions: TariffRestrictions | undefined): [number, number][] {
  const { daysOfWeek = ALWAYS, from, to } = restrictions ?? {};
  const begin = minuteOfDay(from);
  const end = minuteOfDay(to);
  const length = end > begin ? end - begin : end - begin + DAY_MINUTES;
  return daysOfWeek.map((day) => {
    const at = (day - 1) * DAY_MINUTES + begin;
    return [at, at + length];
  });
}

const within = (spans: readonly [number, number][], minute: number): boolean =>
  spans.some(([from, to]) => (minute >= from && minute < to) || minute + WEEK_MINUTES < to);

const same = (a: Winners | undefined, b: Winners): boolean =>
  a?.start === b.start && a.energy === b.energy && a.charging === b.charging && a.idle === b.idle;

function compile(terms: TariffTerms): Week {
  const spans = terms.elements.map((element) => spansOf(element.restrictions));
  const bounds = spans.flat(2).map((minute) => minute % WEEK_MINUTES);
  const starts: number[] = [];
  const winners: Winners[] = [];
  for (const minute of [...new Set([0, ...bounds])].sort((a, b) => a - b)) {
    const counting = terms.elements.map((_element, index) => within(spans[index] ?? [], minute));
    const winner = (component: Component) =>
      terms.elements.findIndex(
        (element, index) => counting[index] && element[PRICE_OF[component]] !== undefined,
      );
    const found = {
      start: winner("start"),
      energy: winner("energy"),
      charging: winner("charging"),
      idle: winner("idle"),
    };
    if (same(winners.at(-1), found)) continue;
    starts.push(minute);
    winners.push(found);
  }
  return { starts, winners };
}

/** By the identity of the terms, which never change. */
const compiled = new WeakMap<TariffTerms, Week>();

function weekOf(terms: TariffTerms): Week {
  let week = compiled.get(terms);
  if (week === undefined) {
    week = compile(terms);
    compiled.set(terms, week);
  }
  return week;
}

const cheapest = new WeakMap<TariffTerms, Band>();

/** For each component the element that asks least at any time of the week: for who cannot tell the time. */
export function cheapestBand(terms: TariffTerms): Band {
  let band = cheapest.get(terms);
  if (band === undefined) {
    const { winners } = weekOf(terms);
    const least = (component: Component) =>
      winners
        .map((each) => each[component])
        .reduce((a, b) => (priceMicroOf(terms, component, b) < priceMicroOf(terms, component, a) ? b : a));
    const found = {
      ...{ start: least("start"), energy: least("energy") },
      ...{ charging: least("charging"), idle: least("idle") },
    };
    band = { from: -Infinity, to: Infinity, winners: found };
    cheapest.set(terms, band);
  }
  return band;
}

/** Last index whose value is not above. */
function lastNotAbove(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The band around an instant, as far as nothing changes there for certain. */
export function bandAt(terms: TariffTerms, timeZone: string, at: number): Band {
  const { starts, winners } = weekOf(terms);
  if (starts.length === 1) return { from: -Infinity, to: Infinity, winners: winners[0] as Winners };
  const span = offsetSpanAt(timeZone, at);
  const local = at + span.offsetMs - FIRST_MONDAY_MS;
  const monday = local - (((local % WEEK_MS) + WEEK_MS) % WEEK_MS);
  const index = lastNotAbove(starts, Math.floor((local - monday) / MINUTE_MS));
  const instantOf = (minute: number) => monday + minute * MINUTE_MS - span.offsetMs + FIRST_MONDAY_MS;
  return {
    from: Math.max(span.from, instantOf(starts[index] ?? 0)),
    to: Math.min(span.to, instantOf(starts[index + 1] ?? WEEK_MINUTES)),
    winners: winners[index] as Winners,
  };
}
