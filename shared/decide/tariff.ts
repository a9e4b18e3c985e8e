/**
 * What does this transaction cost? One rule: the site shows the running cost with it, the cloud bills with it.
 *
 * Pure, and all arithmetic is of integers. How it is rounded, and nowhere else:
 * 1. A register between two samples is what lies on the straight line between them, rounded down to a Wh. Energy
 *    is told apart by band as differences of registers, so no Wh is lost or counted twice.
 * 2. Time is kept in ms and rounded down to seconds once per line.
 * 3. A line is one price: one component of one element, over the whole transaction. Its amount is rounded once,
 *    half up, to the minor unit.
 * 4. Tax is rounded once, on the sum: half up where it is added; where prices include it, the net amount is.
 * So samples that say nothing new change nothing, a split changes a line by its one rounding more, and more energy
 * or time never costs less. `docs/tariffs.md` works an example through.
 */
import { minorDigits } from "../currency.ts";
import type { TariffTerms } from "../tariff.ts";
import { bandAt, cheapestBand, priceMicroOf, type Band, type Component } from "./tariff-bands.ts";
import { isTimeZone } from "./wall-clock.ts";

/**
 * `charging`: the car takes energy. `idle`: it could and does not (full, or not asked for by the car).
 * `suspended`: the site or the station gives none; that time is nobody's to pay.
 */
export type ChargeState = "charging" | "idle" | "suspended";

/** What is known of the course of a transaction. Times are Unix ms; lists are in the order of time. */
export type Timeline = {
  timeZone: string;
  startedAt: number;
  /** Of a running one: until when it is priced. */
  endedAt: number;
  /** The meter's register, cumulative; one that falls is held to be what it was. Less than two: unknown. */
  registers: readonly { at: number; wh: number }[];
  /** When the state changed. Before the first: `charging`. */
  states: readonly { at: number; state: ChargeState }[];
  /** `estimated`: nobody can say what time it was; each component counts at its cheapest price of the week. */
  timeQuality: "known" | "estimated";
  /** Nobody can say how long it took: only energy and the start are priced. */
  energyOnly?: boolean;
};

export type PriceComponent =
  | "start"
  | "energy"
  | "charging-time"
  | "idle-time"
  /** What is missing to the minimum, or too much (below 0) for the maximum. */
  | "minimum"
  | "maximum";

export type PriceLine = {
  component: PriceComponent;
  /** Into the terms' elements; null: none of them, a bound of the whole. */
  elementIndex: number | null;
  /** First and last moment at which something of it was taken. */
  from: number;
  to: number;
  quantity: number;
  unit: "Wh" | "s" | "start" | "adjustment";
  /** Per kWh, per minute, or per start; 0 for an adjustment. */
  priceMicro: number;
  amountMinor: number;
};

export type PriceFlag =
  /** Priced at the cheapest band: the time was not known, or the site's zone is none. */
  | "cheaper-band"
  /** Time was not priced. */
  | "energy-only"
  /** Less than two registers: no energy was priced. */
  | "energy-unknown"
  /** A register was lower than one before it. */
  | "register-fell"
  /* Said by who chooses the tariff, never by `priceTransaction`: */
  /** The site did not know what held by then, and showed a lower price: that one counts. */
  | "site-price"
  /** The site showed a price that cannot have held there. */
  | "site-price-unknown";

export type Price = {
  currency: string;
  netMinor: number;
  taxMinor: number;
  totalMinor: number;
  energyWh: number;
  chargingS: number;
  idleS: number;
  /** Their amounts add up to the total where prices include tax, and to the net amount where they do not. */
  lines: PriceLine[];
  flags: PriceFlag[];
};

/* What was taken, by component and element */

type Quantity = { amount: number; from: number; to: number };
type Tally = Record<Component, Map<number, Quantity>>;

function put(tally: Tally, component: Component, element: number, amount: number, from: number, to: number) {
  const known = tally[component].get(element);
  if (known === undefined) tally[component].set(element, { amount, from, to });
  else {
    known.amount += amount;
    known.from = Math.min(known.from, from);
    known.to = Math.max(known.to, to);
  }
}

/** Gives the band of each moment; moments mostly come in order, so the last one is looked at first. */
class Bands {
  #last: Band;
  readonly #terms: TariffTerms;
  readonly #timeZone: string;

  constructor(terms: TariffTerms, timeline: Timeline, cheaper: boolean) {
    this.#terms = terms;
    this.#timeZone = timeline.timeZone;
    this.#last = cheaper ? cheapestBand(terms) : bandAt(terms, timeline.timeZone, timeline.startedAt);
  }

  at(at: number): Band {
    if (at < this.#last.from || at >= this.#last.to) this.#last = bandAt(this.#terms, this.#timeZone, at);
    return this.#last;
  }
}

/** `part / whole` of `wh`, rounded down. */
function share(wh: number, part: number, whole: number): number {
  const product = wh * part;
  return Number.isSafeInteger(product)
    ? Math.floor(product / whole)
    : Number((BigInt(wh) * BigInt(part)) / BigInt(whole));
}

function tallyEnergy(tally: Tally, bands: Bands, timeline: Timeline, flags: Set<PriceFlag>): number {
  const { registers, startedAt, endedAt } = timeline;
  const [first] = registers;
  if (first === undefined || registers.length < 2) {
    flags.add("energy-unknown");
    return 0;
  }
  const clamp = (at: number) => Math.min(Math.max(at, startedAt), endedAt);
  let [at, wh] = [clamp(first.at), first.wh];
  for (const told of registers) {
    if (told.wh < wh) flags.add("register-fell");
    const until = Math.max(at, clamp(told.at));
    if (told.wh > wh) tallyBetween(tally, bands, { at, until, energyWh: told.wh - wh });
    at = until;
    wh = Math.max(wh, told.wh);
  }
  return wh - first.wh;
}

/** What was taken between two registers, evenly. */
function tallyBetween(tally: Tally, bands: Bands, span: { at: number; until: number; energyWh: number }) {
  const { until, energyWh } = span;
  let [at, taken] = [span.at, 0];
  while (taken < energyWh) {
    const band = bands.at(at);
    const to = Math.min(band.to, until);
    const sum = to >= until ? energyWh : share(energyWh, to - span.at, until - span.at);
    if (sum > taken) put(tally, "energy", band.winners.energy, sum - taken, at, to);
    [at, taken] = [to, sum];
  }
}

const MINUTE_MS = 60_000;

function tallyTime(tally: Tally, bands: Bands, terms: TariffTerms, timeline: Timeline) {
  const { startedAt, endedAt, states } = timeline;
  const spent = { charging: 0, idle: 0, suspended: 0 };
  const freeUntil = startedAt + (terms.freeMinutes ?? 0) * MINUTE_MS;
  let graceMs = (terms.idleGraceMinutes ?? 0) * MINUTE_MS;
  let state: ChargeState = "charging";
  let at = startedAt;
  for (const change of [...states, { at: endedAt, state }]) {
    const until = Math.min(Math.max(change.at, at), endedAt);
    spent[state] += until - at;
    let from = Math.min(Math.max(at, freeUntil), until);
    if (state === "idle") {
      // What is free anyway takes nothing of the grace away.
      const given = Math.min(until - from, graceMs);
      graceMs -= given;
      from += given;
    }
    while (state !== "suspended" && from < until) {
      const band = bands.at(from);
      const to = Math.min(band.to, until);
      put(tally, state, band.winners[state], to - from, from, to);
      from = to;
    }
    [at, state] = [until, change.state];
  }
  return spent;
}

/* What that costs */

/** Rounded half up. */
const divide = (numerator: bigint, denominator: bigint): number =>
  Number((2n * numerator + denominator) / (2n * denominator));

/** What one price is for. */
const PER = { start: 1n, energy: 1_000n, charging: 60n, idle: 60n } as const;
const WORDS = {
  start: ["start", "start"],
  energy: ["energy", "Wh"],
  charging: ["charging-time", "s"],
  idle: ["idle-time", "s"],
} as const satisfies Record<Component, readonly [PriceComponent, PriceLine["unit"]]>;

function linesOf(terms: TariffTerms, tally: Tally): PriceLine[] {
  const microPerMinor = 10n ** BigInt(6 - minorDigits(terms.currency));
  const lines: PriceLine[] = [];
  for (const component of ["start", "energy", "charging", "idle"] as const) {
    const isTime = component === "charging" || component === "idle";
    for (const [element, { amount, from, to }] of [...tally[component]].sort(([a], [b]) => a - b)) {
      if (element < 0) continue;
      const quantity = isTime ? Math.floor(amount / 1_000) : amount;
      const priceMicro = priceMicroOf(terms, component, element);
      const [name, unit] = WORDS[component];
      const amountMinor = divide(BigInt(quantity) * BigInt(priceMicro), PER[component] * microPerMinor);
      lines.push({
        ...{ component: name, elementIndex: element, from, to, quantity, unit, priceMicro, amountMinor },
      });
    }
  }
  return lines;
}

/** Keeps the sum within the bounds, by a line of its own. */
function addBounds(terms: TariffTerms, lines: PriceLine[], timeline: Timeline, minimum: boolean): number {
  const sum = lines.reduce((total, line) => total + line.amountMinor, 0);
  const { minimumMinor = 0, maximumMinor = Infinity } = terms;
  const bounded = Math.min(Math.max(sum, minimum ? minimumMinor : 0), maximumMinor);
  if (bounded === sum) return sum;
  lines.push({
    component: bounded > sum ? "minimum" : "maximum",
    ...{ elementIndex: null, from: timeline.startedAt, to: timeline.endedAt },
    ...{ quantity: 1, unit: "adjustment", priceMicro: 0, amountMinor: bounded - sum },
  });
  return bounded;
}

function withTax(terms: TariffTerms, sumMinor: number): Pick<Price, "netMinor" | "taxMinor" | "totalMinor"> {
  const { rateBp = 0, included = true } = terms.tax ?? {};
  const sum = BigInt(sumMinor);
  if (included) {
    const netMinor = divide(sum * 10_000n, 10_000n + BigInt(rateBp));
    return { netMinor, taxMinor: sumMinor - netMinor, totalMinor: sumMinor };
  }
  const taxMinor = divide(sum * BigInt(rateBp), 10_000n);
  return { netMinor: sumMinor, taxMinor, totalMinor: sumMinor + taxMinor };
}

/**
 * A transaction that took no energy at all costs nothing, however long it stood there: it was no charge. Where the
 * energy is unknown, everything else counts.
 */
export function priceTransaction(terms: TariffTerms, timeline: Timeline): Price {
  const flags = new Set<PriceFlag>();
  const cheaper = timeline.timeQuality === "estimated" || !isTimeZone(timeline.timeZone);
  if (cheaper) flags.add("cheaper-band");
  const ordered = { ...timeline, endedAt: Math.max(timeline.endedAt, timeline.startedAt) };
  const bands = new Bands(terms, ordered, cheaper);
  const tally: Tally = { start: new Map(), energy: new Map(), charging: new Map(), idle: new Map() };
  const { startedAt } = ordered;
  const start = bands.at(startedAt).winners.start;
  const energyWh = tallyEnergy(tally, bands, ordered, flags);
  const charged = energyWh > 0 || flags.has("energy-unknown");
  put(tally, "start", start, 1, startedAt, startedAt);
  let spent = { charging: 0, idle: 0 };
  if (ordered.energyOnly === true) flags.add("energy-only");
  else spent = tallyTime(tally, bands, terms, ordered);
  const lines = charged ? linesOf(terms, tally) : [];
  const sum = addBounds(terms, lines, ordered, charged);
  return {
    currency: terms.currency,
    ...withTax(terms, sum),
    energyWh,
    chargingS: Math.floor(spent.charging / 1_000),
    idleS: Math.floor(spent.idle / 1_000),
    lines,
    flags: [...flags],
  };
}
