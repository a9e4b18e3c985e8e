/** A tariff between the API and the form where a person writes it. Text as typed; empty is not said. Pure. */
import type { TariffElement, TariffTerms } from "../../../shared/tariff.ts";
import type { NewTariff, Tariff } from "../../api/tariff-schemas.ts";
import { readDecimal, readMicro, readMinor, type Money } from "./money.ts";

export const PRICES = ["perKwh", "startFee", "perChargingMinute", "perIdleMinute"] as const;
export type PriceName = (typeof PRICES)[number];

export type ElementDraft = Record<PriceName, string> & {
  /** Stands for the element while it has no other name. */
  id: number;
  /** It counts at certain times only. */
  restricted: boolean;
  /** 1 is Monday; none: every day. */
  days: readonly number[];
  from: string;
  to: string;
};

export type TariffDraft = {
  name: string;
  currency: string;
  elements: readonly ElementDraft[];
  freeMinutes: string;
  idleGraceMinutes: string;
  minimum: string;
  maximum: string;
  taxed: boolean;
  taxName: string;
  taxRate: string;
  taxIncluded: boolean;
  /** As a `datetime-local` field has them, where the person sits; empty: at once, and without an end. */
  validFrom: string;
  validTo: string;
};

export const newElement = (id: number): ElementDraft => ({
  ...{ id, startFee: "", perKwh: "", perChargingMinute: "", perIdleMinute: "" },
  ...{ restricted: false, days: [], from: "", to: "" },
});

/** The form of a tariff that is known, or of a new one. A new version begins at once unless somebody says when. */
export function draftOf(tariff: Pick<Tariff, "name" | "terms"> | null, money: Money): TariffDraft {
  const terms = tariff?.terms ?? { currency: "BRL", elements: [{}] };
  const { currency, tax } = terms;
  const micro = (value: number | undefined) => (value === undefined ? "" : money.microText(value, currency));
  const minor = (value: number | undefined) => (value === undefined ? "" : money.minorText(value, currency));
  const count = (value: number | undefined) => (value === undefined ? "" : String(value));
  return {
    name: tariff?.name ?? "",
    currency,
    elements: terms.elements.map((element, id) => ({
      id,
      startFee: micro(element.startFeeMicro),
      perKwh: micro(element.perKwhMicro),
      perChargingMinute: micro(element.perChargingMinuteMicro),
      perIdleMinute: micro(element.perIdleMinuteMicro),
      restricted: element.restrictions !== undefined,
      days: element.restrictions?.daysOfWeek ?? [],
      from: element.restrictions?.from ?? "",
      to: element.restrictions?.to ?? "",
    })),
    freeMinutes: count(terms.freeMinutes),
    idleGraceMinutes: count(terms.idleGraceMinutes),
    minimum: minor(terms.minimumMinor),
    maximum: minor(terms.maximumMinor),
    taxed: tax !== undefined,
    taxName: tax?.name ?? "",
    taxRate: tax === undefined ? "" : money.percentText(tax.rateBp),
    taxIncluded: tax?.included ?? true,
    ...{ validFrom: "", validTo: "" },
  };
}

export type TariffProblem =
  | "required"
  | "amount"
  | "minutes"
  | "rate"
  | "noPrice"
  | "bounds"
  | "order"
  | "past";
/** By the place: `name`, `elements/0/perKwh`, `elements/0`, `minimum`, … */
export type TariffProblems = ReadonlyMap<string, TariffProblem>;

const MINUTES_MAX = 10_080;
const NAMES = {
  startFee: "startFeeMicro",
  perKwh: "perKwhMicro",
  perChargingMinute: "perChargingMinuteMicro",
  perIdleMinute: "perIdleMinuteMicro",
} as const satisfies Record<PriceName, keyof TariffElement>;

type Found = Map<string, TariffProblem>;

/** What a field says, or nothing and a problem. Empty is nothing without one. */
function read(
  found: Found,
  place: string,
  text: string,
  problem: TariffProblem,
  reader: (text: string) => number | undefined,
): number | undefined {
  if (text.trim() === "") return undefined;
  const value = reader(text);
  if (value === undefined || value < 0) {
    found.set(place, problem);
    return undefined;
  }
  return value;
}

const minutesOf = (text: string) => {
  const value = readDecimal(text, 0);
  return value === undefined || value > MINUTES_MAX ? undefined : value;
};
const rateOf = (text: string) => {
  const value = readDecimal(text.replace("%", ""), 2);
  return value === undefined || value > 10_000 ? undefined : value;
};

function elementOf(draft: ElementDraft, place: string, found: Found): TariffElement {
  const element: TariffElement = {};
  for (const name of PRICES) {
    const value = read(found, `${place}/${name}`, draft[name], "amount", readMicro);
    if (value !== undefined) element[NAMES[name]] = value;
  }
  if (PRICES.every((name) => draft[name].trim() === "")) found.set(place, "noPrice");
  const { days, from, to } = draft;
  const restrictions = {
    ...(days.length === 0 ? {} : { daysOfWeek: [...days].sort((a, b) => a - b) }),
    ...(from === "" ? {} : { from }),
    ...(to === "" ? {} : { to }),
  };
  if (draft.restricted && Object.keys(restrictions).length > 0) element.restrictions = restrictions;
  return element;
}

/** What the form says. `terms` is null while something in it cannot be read. */
export function termsOf(draft: TariffDraft): { terms: TariffTerms | null; problems: TariffProblems } {
  const found: Found = new Map();
  const { currency } = draft;
  const amount = (text: string) => readMinor(text, currency);
  if (!/^[A-Z]{3}$/.test(currency)) found.set("currency", "required");
  const elements = draft.elements.map((element, at) => elementOf(element, `elements/${at}`, found));
  const optional = {
    freeMinutes: read(found, "freeMinutes", draft.freeMinutes, "minutes", minutesOf),
    idleGraceMinutes: read(found, "idleGraceMinutes", draft.idleGraceMinutes, "minutes", minutesOf),
    minimumMinor: read(found, "minimum", draft.minimum, "amount", amount),
    maximumMinor: read(found, "maximum", draft.maximum, "amount", amount),
  };
  const { minimumMinor = 0, maximumMinor = Infinity } = optional;
  if (minimumMinor > maximumMinor) found.set("maximum", "bounds");
  const terms: TariffTerms = { currency, elements, ...said(optional) };
  if (draft.taxed) {
    const rateBp = read(found, "taxRate", draft.taxRate, "rate", rateOf);
    if (draft.taxRate.trim() === "") found.set("taxRate", "required");
    if (draft.taxName.trim() === "") found.set("taxName", "required");
    terms.tax = { name: draft.taxName.trim(), rateBp: rateBp ?? 0, included: draft.taxIncluded };
  }
  return { terms: found.size === 0 ? terms : null, problems: found };
}

/** Without what is not said. */
const said = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const instantOf = (local: string) => (local === "" ? undefined : new Date(local).toISOString());

/** What is sent: null while something is wrong with it. `nowMs` is the cloud's. */
export function tariffOf(
  draft: TariffDraft,
  nowMs: number,
): { body: NewTariff | null; problems: TariffProblems } {
  const { terms, problems: ofTerms } = termsOf(draft);
  const problems = new Map(ofTerms);
  const name = draft.name.trim();
  if (name === "") problems.set("name", "required");
  const validFrom = instantOf(draft.validFrom);
  const validTo = instantOf(draft.validTo);
  if (validFrom !== undefined && Date.parse(validFrom) < nowMs - 60_000) problems.set("validFrom", "past");
  if (
    validTo !== undefined &&
    Date.parse(validTo) <= (validFrom === undefined ? nowMs : Date.parse(validFrom))
  )
    problems.set("validTo", "order");
  if (terms === null || problems.size > 0) return { body: null, problems };
  return { body: { name, terms, ...said({ validFrom, validTo }) }, problems };
}

/** Days as runs: [1,2,3,4,5] → [[1,5]]; the week does not wrap. Pure. */
export function dayRuns(days: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const day of [...days].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === day - 1) last[1] = day;
    else runs.push([day, day]);
  }
  return runs;
}
