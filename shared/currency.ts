/** Currencies: how many digits stand after the point of their amounts. Pure, and no schemas: the page has it, too. */

const ZERO_DECIMALS = new Set(
  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "),
);
const THREE_DECIMALS = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));

/** Digits after the point of a currency's amounts (ISO 4217). */
export const minorDigits = (currency: string): 0 | 2 | 3 =>
  ZERO_DECIMALS.has(currency) ? 0 : THREE_DECIMALS.has(currency) ? 3 : 2;

/** 1240, BRL → "R$ 12,40". `Intl` by itself leaves out the digits of some currencies that have them (COP, HUF, IDR). */
export function amountText(language: string, amountMinor: number, currency: string): string {
  const digits = minorDigits(currency);
  return new Intl.NumberFormat(language, {
    ...{ style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits },
  }).format(amountMinor / 10 ** digits);
}
