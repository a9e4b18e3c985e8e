/**
 * Brazilian tax numbers: CPF (people, 11 digits) and CNPJ (firms, 14 places), with their check digits.
 *
 * Kept bare, shown with their punctuation. Since July 2026 the first twelve places of a CNPJ may be letters:
 * each place then counts as its character's code minus 48, which for digits is what it always was. Pure;
 * knows nothing of whether a number was ever given to anybody.
 */

export type TaxIdKind = "cpf" | "cnpj";

const CPF = /^\d{11}$/;
const CNPJ = /^[0-9A-Z]{12}\d{2}$/;
const CNPJ_WEIGHTS = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];

/** Without points, strokes and blanks, letters large. */
export const bareTaxId = (text: string): string => text.replaceAll(/[.\-/\s]/g, "").toUpperCase();

const valueOf = (character: string) => character.charCodeAt(0) - 48;

function checkDigit(places: string, weights: readonly number[]): number {
  const sum = weights.reduce((total, weight, i) => total + weight * valueOf(places[i] ?? "0"), 0);
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

const cpfWeights = (count: number) => Array.from({ length: count }, (_, i) => count + 1 - i);

/** All places the same: the check digits hold, and nobody has it. */
const repeated = (bare: string) => bare.split("").every((character) => character === bare[0]);

/**
 * Which of the two a text is, with or without punctuation; undefined: neither, or its check digits are wrong.
 */
export function taxIdKind(text: string): TaxIdKind | undefined {
  const bare = bareTaxId(text);
  if (repeated(bare)) return undefined;
  if (CPF.test(bare)) {
    const right = [9, 10].every((n) => checkDigit(bare, cpfWeights(n)) === valueOf(bare[n] ?? ""));
    return right ? "cpf" : undefined;
  }
  if (!CNPJ.test(bare)) return undefined;
  const right = [12, 13].every(
    (n) => checkDigit(bare, CNPJ_WEIGHTS.slice(13 - n)) === valueOf(bare[n] ?? ""),
  );
  return right ? "cnpj" : undefined;
}

/** With its punctuation, where it is one of the two; else as it is. */
export function formatTaxId(text: string): string {
  const bare = bareTaxId(text);
  if (CPF.test(bare)) return bare.replace(/^(.{3})(.{3})(.{3})(..)$/, "$1.$2.$3-$4");
  if (CNPJ.test(bare)) return bare.replace(/^(..)(.{3})(.{3})(.{4})(..)$/, "$1.$2.$3/$4-$5");
  return text;
}
