/**
 * Money between the API (integers) and people (text): minor units of a currency, micro units of prices. Pure.
 *
 * Invariant: text becomes an integer digit by digit, never by a floating-point product; what cannot be read
 * exactly is refused instead of rounded.
 */
import { useMemo } from "react";
import { useLocale } from "use-intl";
import { minorDigits } from "../../../shared/currency.ts";

const MICRO_DIGITS = 6;
/** As many digits as are counted exactly. */
const DIGITS_MAX = 14;

/**
 * "1.234,56" or "1,234.56" or "1234.5" as an integer of `digits` digits after the point. Undefined: not a number,
 * too large, or finer than the unit.
 */
export function readDecimal(text: string, digits: number): number | undefined {
  const bare = text.replaceAll(/[\s\u00a0\u202f]/g, "");
  const match = /^([+-]?)(\d[\d.,]*)$/.exec(bare);
  if (match === null) return undefined;
  const [, sign, body = ""] = match;
  // The last of the marks is the point; marks of one kind that stand more than once group digits.
  const last = Math.max(body.lastIndexOf(","), body.lastIndexOf("."));
  const mark = last < 0 ? "" : body[last]!;
  const grouping = mark !== "" && body.split(mark).length > 2;
  const [whole, fraction] = last < 0 || grouping ? [body, ""] : [body.slice(0, last), body.slice(last + 1)];
  const bareWhole = whole.replaceAll(/[.,]/g, "");
  const bareFraction = fraction.replace(/0+$/, "");
  if (bareFraction.length > digits || bareWhole.length + digits > DIGITS_MAX) return undefined;
  const value = Number(bareWhole + bareFraction.padEnd(digits, "0"));
  return sign === "-" && value !== 0 ? -value : value;
}

/** An integer with its point, for a field in which a person goes on writing. */
export function writeDecimal(value: number, digits: number, locale: string, least = 0): string {
  const sign = value < 0 ? "-" : "";
  const text = String(Math.abs(value)).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits).replace(/0+$/, "");
  const point = new Intl.NumberFormat(locale).formatToParts(0.5).find(({ type }) => type === "decimal");
  const shown = fraction.padEnd(Math.min(least, digits), "0");
  return `${sign}${whole}${shown === "" ? "" : `${point?.value ?? "."}${shown}`}`;
}

export const readMinor = (text: string, currency: string) => readDecimal(text, minorDigits(currency));
export const readMicro = (text: string) => readDecimal(text, MICRO_DIGITS);

export type Money = ReturnType<typeof createMoney>;

const kept = new Map<string, Intl.NumberFormat>();
function formatter(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const name = `${locale} ${JSON.stringify(options)}`;
  const found = kept.get(name) ?? new Intl.NumberFormat(locale, options);
  kept.set(name, found);
  return found;
}

/** The formatters of one locale. */
export function createMoney(locale: string) {
  const show = (value: number, currency: string, least: number, most: number) =>
    formatter(locale, {
      style: "currency",
      currency,
      minimumFractionDigits: least,
      maximumFractionDigits: most,
    }).format(value);
  return {
    locale,
    /** 1240, BRL → "R$ 12,40" */
    amount: (minor: number, currency: string) => {
      const digits = minorDigits(currency);
      return show(minor / 10 ** digits, currency, digits, digits);
    },
    /** 1895000, BRL → "R$ 1,895": as fine as the price is. */
    price: (micro: number, currency: string) =>
      show(micro / 10 ** MICRO_DIGITS, currency, minorDigits(currency), MICRO_DIGITS),
    /** For a field: 1240, BRL → "12,40" */
    minorText: (minor: number, currency: string) =>
      writeDecimal(minor, minorDigits(currency), locale, minorDigits(currency)),
    /** For a field: 1895000 → "1,895" */
    microText: (micro: number, currency: string) =>
      writeDecimal(micro, MICRO_DIGITS, locale, minorDigits(currency)),
    /** For a field: 550 basis points → "5,5" */
    percentText: (bp: number) => writeDecimal(bp, 2, locale),
    /** 500 basis points → "5%" */
    rate: (bp: number) =>
      formatter(locale, { style: "percent", maximumFractionDigits: 2 }).format(bp / 10_000),
  };
}

/** Money in the locale on screen. */
export function useMoney(): Money {
  const locale = useLocale();
  return useMemo(() => createMoney(locale), [locale]);
}
