/**
 * Slips in JSON that stations make always in the same way, mended where what was meant is beyond doubt:
 * a value left out (`"transactionId":,`), a comma too many (`[,{`, `,]`), a number that is none (`NaN`), a
 * control character inside a text. Anything else stays broken.
 */

/** A text, to the end where nothing closes it: a text that fits nothing would be tried from each of its quotes. */
const TEXT = String.raw`"[^"\\]*(?:\\[^][^"\\]*)*(?:"|\\?$)`;
/** A name without a value, or a text that is passed over. */
const NO_VALUE = new RegExp(String.raw`(${TEXT}\s*:\s*)(?=[,}])|${TEXT}`, "gs");
const NOT_A_NUMBER = new RegExp(String.raw`${TEXT}|-?\b(?:NaN|nan|Infinity|inf)\b`, "gs");
const COMMAS = new RegExp(String.raw`${TEXT}|([[{,])(?:\s*,)+|,\s*(?=[\]}])`, "gs");
const CONTROL = /[\u0000-\u001f]/g;
const escapeOf = (sign: string): string => JSON.stringify(sign).slice(1, -1);

/** Slips are made in small messages; looking for them in long nonsense would keep everybody waiting. */
const MENDED_LENGTH_MAX = 32 * 1_024;

/** @returns the text with its slips mended; undefined: there is none that we know. */
export function mendJson(text: string): string | undefined {
  if (text.length > MENDED_LENGTH_MAX) return undefined;
  const mended = text
    .replace(NO_VALUE, (match: string, name: string | undefined) => (name === undefined ? match : ""))
    .replace(NOT_A_NUMBER, (match) => (match.startsWith('"') ? match.replace(CONTROL, escapeOf) : "null"))
    .replace(COMMAS, (match: string, before: string | undefined) =>
      match.startsWith('"') ? match : (before ?? ""),
    )
    // What a comma was taken from may end in one now: `{"a":,}`.
    .replace(COMMAS, (match: string, before: string | undefined) =>
      match.startsWith('"') ? match : (before ?? ""),
    );
  return mended === text ? undefined : mended;
}
