/**
 * By what a person who is gone is found in texts, and what stands there instead. Pure; the patterns are
 * PostgreSQL's regular expressions (`moov_mask`).
 *
 * A text that could be anything else (a token "12", a name "Ana") is replaced only where the text around it
 * says what it is: everybody's records must stay true. Fields of the person's own are emptied whatever they
 * hold.
 */

export type Word = { pattern: string; is: string };

export type Person = {
  tokens: readonly { idToken: string; pseudonym: string }[];
  pseudonym: string;
  name: string | null;
  email: string | null;
  phone: string | null;
  taxId: string | null;
};

const literal = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, "\\$&");

const hex4 = (unit: string) => unit.charCodeAt(0).toString(16).padStart(4, "0");

/** As it is, and as JSON may write it. */
function inJson(text: string): string {
  const escaped = literal(text).replaceAll(/[\u0080-\uffff]/g, (unit) => `\\\\u${hex4(unit)}`);
  return escaped === literal(text) ? escaped : `(?:${literal(text)}|${escaped})`;
}

/** Not a part of a longer word. A line break that JSON has escaped ends in a letter, and is none. */
const alone = (pattern: string) => `(?:(?<![[:alnum:]])|(?<=\\\\[nrt]))${pattern}(?![[:alnum:]])`;

/** Where a key says that it is a token; also in JSON within JSON. */
const asToken = (pattern: string) => `(?<="id(?:Tag|Token)\\\\*"\\s*:\\s*\\\\*")${pattern}(?=\\\\*")`;

/** Long and mixed enough to be nothing else: letters alone may be a word of OCPP ("Accepted") or of ours. */
const isDistinctive = (token: string) =>
  /\d/.test(token) && (token.length >= 12 || (token.length >= 8 && /\D/.test(token)));

const spelled = (taxId: string) =>
  taxId.length === 11
    ? taxId.replace(/^(.{3})(.{3})(.{3})(..)$/, "$1.$2.$3-$4")
    : taxId.replace(/^(..)(.{3})(.{3})(.{4})(..)$/, "$1.$2.$3/$4-$5");

export function wordsOf(person: Person): Word[] {
  const is = person.pseudonym;
  const words: Word[] = person.tokens.map(({ idToken, pseudonym }) => ({
    pattern: (isDistinctive(idToken) ? alone : asToken)(inJson(idToken)),
    is: pseudonym,
  }));
  const { name, email, phone, taxId } = person;
  if (email !== null) words.push({ pattern: alone(inJson(email)), is });
  if (taxId !== null)
    words.push({ pattern: alone(literal(taxId)), is }, { pattern: alone(literal(spelled(taxId))), is });
  if (phone !== null && phone.replaceAll(/\D/g, "").length >= 8)
    words.push({ pattern: `(?<![[:alnum:]])${literal(phone)}(?![[:alnum:]])`, is });
  if (name !== null && name.length >= 8 && /\S\s+\S/.test(name))
    words.push({ pattern: alone(inJson(name)), is });
  return words;
}
