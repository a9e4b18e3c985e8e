/**
 * The names of everything that is read although the standard does not allow it, or that looks odd in a message
 * that it does allow. A name stands in the journal as the flag `tolerated:<id>`, so it never changes.
 */

/** What was done about it, in one sentence. */
export const TOLERANCES = {
  "broken-json": "A slip in the JSON (a value left out, a comma too many) was mended.",
  "other-version": "The station speaks another OCPP version than it negotiated; it was read as that one.",
  "extra-property": "Properties that the standard does not know were ignored.",
  "null-property": "A property that is null counts as absent.",
  "number-as-text": "A number that came as text was read as a number.",
  "text-as-number": "A text that came as a number was read as text.",
  "boolean-as-text": "A truth value that came as text or number was read as what it says.",
  "fraction-rounded": "A register with a fraction was rounded to whole Wh.",
  "over-long": "A text that is longer than allowed was kept.",
  "enum-spelling": "A word in another spelling of capitals was read as the word of the standard.",
  "other-version-word": "A word of another OCPP version was read as its counterpart.",
  "unknown-error-code": "An error code that the standard does not know counts as OtherError.",
  "unknown-reason": "A reason that the standard does not know was kept or counts as Other.",
  "unknown-state": "A charging state that the standard does not know was left out.",
  "unknown-meter-word": "A unit, context or measurand that the standard does not know was kept as data.",
  "empty-samples": "Meter values without any sample were left out.",
  "sample-without-value": "A sample without a usable value was left out.",
  "error-code-missing": "A status without error code counts as one without error.",
  "time-unreadable": "A time that is none was set aside; the time of receipt counts.",
  "time-missing": "The time was missing; the time of receipt counts.",
  "epoch-time": "A time in seconds or milliseconds since 1970 was read as such.",
  "stop-salvaged": "Of a stop that breaks the standard the id, the register and the time were used.",
  "time-without-zone": "A time without zone counts as UTC.",
  "local-time": "A time without zone was read in the station's own time zone.",
  "short-offset": "An offset without minutes was read as whole hours.",
  "time-before-2000": "A time from before the station knew the time was set aside.",
  "reservation-zero": "Reservation 0 counts as none.",
  "meter-stop-unknown": "A negative end register counts as unknown.",
  "stop-below-start": "The end register is below the start register; no energy is counted.",
  "local-transaction-id":
    "An id that this system never gave was set aside; the connector tells the transaction.",
  "stop-without-id": "A stop whose transaction never got its id was matched by connector, token and time.",
  "station-meter": "Meter values of a transaction came for connector 0.",
  "register-wrapped": "An energy register beyond any real meter was left out.",
  "power-unit": "Power in an energy unit was read as power.",
  "blank-vendor": "A station without a vendor's name was let in.",
} as const;
export type ToleranceId = keyof typeof TOLERANCES;

const PREFIX = "tolerated:";

/** @param detail what a later reading of the same frame has to know (an offset from UTC). */
export const flagOf = (id: ToleranceId, detail?: string): string =>
  detail === undefined ? `${PREFIX}${id}` : `${PREFIX}${id}:${detail}`;

/** Flag → tolerance and detail; undefined: a flag of another kind. */
export function readFlag(flag: string): { id: ToleranceId; detail?: string } | undefined {
  if (!flag.startsWith(PREFIX)) return undefined;
  const rest = flag.slice(PREFIX.length);
  const colon = rest.indexOf(":");
  const id = colon < 0 ? rest : rest.slice(0, colon);
  if (!Object.hasOwn(TOLERANCES, id)) return undefined;
  return colon < 0 ? { id: id as ToleranceId } : { id: id as ToleranceId, detail: rest.slice(colon + 1) };
}

export const isTolerance = (flag: string): boolean => flag.startsWith(PREFIX);
