/** What both dialects need: reading the fields of a CALL, and laying out a sample. */
import type { EncodedCall, Json, OutletSample } from "./types.ts";

/** The payload of a CALL does not have the form that the standard asks for. */
export class FormatError extends Error {}

export function text(payload: Json, name: string): string {
  const value = payload[name];
  if (typeof value !== "string") throw new FormatError(`${name} must be text`);
  return value;
}

export function integer(payload: Json, name: string): number {
  const value = payload[name];
  if (!Number.isInteger(value)) throw new FormatError(`${name} must be an integer`);
  return value as number;
}

export function object(payload: Json, name: string): Json {
  const value = payload[name];
  if (typeof value !== "object" || value === null) throw new FormatError(`${name} must be an object`);
  return value as Json;
}

export function list(payload: Json, name: string): Json[] {
  const value = payload[name];
  if (!Array.isArray(value)) throw new FormatError(`${name} must be a list`);
  return value as Json[];
}

/** The field, when it is one of these words. */
export function oneOf<Word extends string>(payload: Json, name: string, words: readonly Word[]): Word {
  const value = words.find((word) => word === payload[name]);
  if (value === undefined) throw new FormatError(`${name} must be one of ${words.join(", ")}`);
  return value;
}

/** The field, when it is there. */
export const textIn = (payload: Json, name: string): string | undefined =>
  payload[name] === undefined ? undefined : text(payload, name);

export const integerIn = (payload: Json, name: string): number | undefined =>
  payload[name] === undefined ? undefined : integer(payload, name);

/** In unix milliseconds. */
export const timeIn = (payload: Json, name: string): number | undefined =>
  payload[name] === undefined ? undefined : Date.parse(text(payload, name));

export function call(action: string, payload: Json): EncodedCall {
  return { action, payload: () => payload };
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** The meter value of a sample; `write` puts number and unit into the version's own fields. */
export function meterValue(sample: OutletSample, write: (value: number, unit: string) => Json): Json {
  const value = (number: number, measurand: string, unit: string, phase?: string) => ({
    ...write(number, unit),
    context: sample.context,
    measurand,
    location: measurand === "SoC" ? "EV" : "Outlet",
    ...(phase === undefined ? {} : { phase }),
  });
  // Direct current has no phases.
  const phase = (index: number, suffix = "") => (sample.kind === "AC" ? `L${index + 1}${suffix}` : undefined);
  return {
    timestamp: iso(sample.at),
    sampledValue: [
      value(sample.energyWh, "Energy.Active.Import.Register", "Wh"),
      value(sample.powerW, "Power.Active.Import", "W"),
      ...sample.currentsA.map((amps, index) => value(amps, "Current.Import", "A", phase(index))),
      ...sample.voltagesV.map((volts, index) => value(volts, "Voltage", "V", phase(index, "-N"))),
      ...(sample.socPercent === undefined ? [] : [value(sample.socPercent, "SoC", "Percent")]),
    ],
  };
}
