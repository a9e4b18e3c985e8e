/** The price of a tariff as it is now, and what an amount buys by it. Pure. */
import { bandAt, priceMicroOf, type Winners } from "../../../shared/decide/tariff-bands.ts";
import { minorDigits } from "../../../shared/currency.ts";
import type { TariffElement, TariffTerms } from "../../../shared/tariff.ts";

/** In millionths of the currency; null: costs nothing now. */
export type PriceNow = {
  startMicro: number | null;
  kwhMicro: number | null;
  chargingMinuteMicro: number | null;
  idleMinuteMicro: number | null;
  /** When other prices begin, in Unix milliseconds; null: not within a week. */
  untilMs: number | null;
};

const WEEK_MS = 7 * 86_400_000;

function pricesOf(terms: TariffTerms, winners: Winners) {
  const of = (component: keyof Winners): number | null => {
    const micro = winners[component] < 0 ? 0 : priceMicroOf(terms, component, winners[component]);
    return micro === 0 ? null : micro;
  };
  return {
    startMicro: of("start"),
    kwhMicro: of("energy"),
    chargingMinuteMicro: of("charging"),
    idleMinuteMicro: of("idle"),
  };
}

/** The band may end where only the clock changes: it goes on as long as the prices are the same. */
export function priceNow(terms: TariffTerms, timeZone: string, nowMs: number): PriceNow {
  let band = bandAt(terms, timeZone, nowMs);
  const now = pricesOf(terms, band.winners);
  for (let step = 0; step < 200 && band.to < nowMs + WEEK_MS; step++) {
    const { to } = band;
    band = bandAt(terms, timeZone, to);
    if (JSON.stringify(pricesOf(terms, band.winners)) !== JSON.stringify(now)) return { ...now, untilMs: to };
    if (band.to <= to) break;
  }
  return { ...now, untilMs: null };
}

/** About how much energy an amount buys at a price per kWh, when nothing else costs; null: it is not by the kWh. */
export function energyFor(
  amountMinor: number,
  { kwhMicro, startMicro }: PriceNow,
  currency: string,
): number | null {
  if (kwhMicro === null) return null;
  const amountMicro = amountMinor * 10 ** (6 - minorDigits(currency)) - (startMicro ?? 0);
  return amountMicro <= 0 ? 0 : Math.floor((amountMicro / kwhMicro) * 1_000);
}

/** Amounts to choose from: the usual one, and round ones around it, within the bounds. */
export function choicesOf(defaultMinor: number, minMinor: number, maxMinor: number): number[] {
  const wanted = [defaultMinor / 2, defaultMinor, defaultMinor * 2].map(Math.round);
  const within = wanted.filter((minor) => minor >= minMinor && minor <= maxMinor);
  return [...new Set([...within, defaultMinor])].sort((a, b) => a - b);
}

/** "22:00–06:00", and the days of the week by number (1 is Monday); null: always. */
export function whenOf({
  restrictions,
}: TariffElement): { days: readonly number[]; hours: string | null } | null {
  const { daysOfWeek, from, to } = restrictions ?? {};
  const days =
    daysOfWeek === undefined || daysOfWeek.length === 7 ? [] : daysOfWeek.toSorted((a, b) => a - b);
  const hours = from === undefined && to === undefined ? null : `${from ?? "00:00"}–${to ?? "24:00"}`;
  return days.length === 0 && hours === null ? null : { days, hours };
}
