/**
 * From a transaction that is over to its CDR: whether it is billed, held for a person or not billed at all,
 * who pays, and what a correction takes back. Pure.
 *
 * A CDR never changes. When what it was made from changes (`basisOf`), another one takes its place: the old
 * charge is reversed in the ledger and the new one booked. The terms that were agreed at the start stay: a
 * correction is priced by the tariff of the CDR that it corrects. Reading and writing is `jobs/cdrs.ts`;
 * prices are `shared/decide/tariff.ts`.
 */
import { priceTransaction, type Price, type PriceLine, type Timeline } from "../../shared/decide/tariff.ts";
import type { TariffTerms } from "../../shared/tariff.ts";
import { accounts, charge, reversal, type Account, type Posting } from "./ledger.ts";
import type { TimeQuality } from "./time.ts";

/** What is known of a transaction, as far as its bill depends on it. */
export type Facts = {
  transactionId: string;
  siteId: string;
  /** It has an end: told by the station, assumed by its ER, or put down to by a person. */
  over: boolean;
  startedAt: number;
  endedAt: number;
  timeQuality: TimeQuality;
  meterStartWh: number | null;
  meterStopWh: number | null;
  /** null: a register is missing. */
  energyWh: number | null;
  /** Its end is the station's own register. */
  stopTold: boolean;
  flags: readonly string[];
  idToken: string | null;
  /** The token was not let in. */
  refused: boolean;
  mergedInto: string | null;
  writtenOff: boolean;
  /** What waits for a person in the work queue. */
  reviewKinds: readonly string[];
  /** An entry that tells of it could not be read yet. */
  parked: boolean;
  /** Its driver was erased before it was told, and nobody else was named who pays. */
  payerGone: boolean;
};

/** A person's word about what the work queue does not know of. It is about the facts as they were then. */
export type Decision = { decision: "bill" | "waive" | "keep"; energyWh: number | null; basis: string };

/** The CDR that stands for the transaction now. */
export type Standing = { basis: string; cause: string; idToken: string | null; payer: Account };

export const HELD_REASONS = [
  "entry-parked",
  "energy-unknown",
  "refused-with-energy",
  "changed-after-correction",
  "payer-gone",
] as const;

export type Verdict =
  | { kind: "wait" }
  /** Nothing to bill; a CDR that stands is taken back to nothing. */
  | { kind: "none"; reason: "merged" | "refused" }
  | { kind: "held"; reasons: string[] }
  /** A person has looked at what changed: the CDR that stands goes on standing. */
  | { kind: "keep" }
  | { kind: "bill"; energyWh: number; energyQuality: EnergyQuality; free?: "written-off" | "waived" };

export type EnergyQuality = "registers" | "readings" | "decided";

const MANUAL = "manual";

/**
 * What becomes of it.
 * @param basis of the facts as they are now.
 */
export function judge(
  facts: Facts,
  basis: string,
  decision: Decision | undefined,
  standing: Standing | undefined,
): Verdict {
  if (facts.mergedInto !== null) return { kind: "none", reason: "merged" };
  if (!facts.over) return { kind: "wait" };
  if (facts.reviewKinds.length > 0) return { kind: "held", reasons: [...facts.reviewKinds] };
  const decided = decision?.basis === basis ? decision : undefined;
  if (facts.parked && decided === undefined) return { kind: "held", reasons: ["entry-parked"] };
  if (decided?.decision === "keep" && standing !== undefined) return { kind: "keep" };
  const energyWh = facts.energyWh ?? decided?.energyWh ?? null;
  const told = facts.energyWh !== null;
  const energyQuality = told ? (facts.stopTold ? "registers" : "readings") : "decided";
  if (facts.writtenOff) return { kind: "bill", energyWh: energyWh ?? 0, energyQuality, free: "written-off" };
  if (decided?.decision === "waive")
    return { kind: "bill", energyWh: energyWh ?? 0, energyQuality, free: "waived" };
  if (facts.refused && (facts.energyWh ?? 0) === 0) return { kind: "none", reason: "refused" };
  const reasons: string[] = [];
  if (facts.refused && decided === undefined) reasons.push("refused-with-energy");
  if (energyWh === null) reasons.push("energy-unknown");
  // A debt that nobody can be asked for: a person says whether it is one.
  if (facts.payerGone && standing === undefined && decided === undefined) reasons.push("payer-gone");
  // Somebody has set the price by hand: what arrives later is for somebody to judge as well.
  if (standing?.cause === MANUAL && standing.basis !== basis && decided === undefined)
    reasons.push("changed-after-correction");
  if (reasons.length > 0 || energyWh === null) return { kind: "held", reasons };
  return { kind: "bill", energyWh, energyQuality };
}

/** Flags of a CDR that no transaction has and no price. */
export type CdrFlag = "no-energy" | "no-tariff" | "written-off" | "waived" | "merged" | "refused";

/** What was priced, as far as it makes a difference. */
const priceKey = (tariff: { tariffId: string; version: number } | undefined, price: CdrPrice) => [
  ...[tariff?.tariffId ?? null, tariff?.version ?? null, price.currency, price.netMinor, price.taxMinor],
  price.lines.map((line) => [line.component, line.elementIndex, line.quantity, line.amountMinor]),
];

/** The same text for the same facts, what is only informative left out: everything a CDR depends on. */
export function basisOf(
  facts: Facts,
  payer: Account,
  tariff: { tariffId: string; version: number } | undefined,
  price: CdrPrice,
): string {
  const { startedAt, endedAt, timeQuality, meterStartWh, meterStopWh, energyWh, stopTold } = facts;
  return JSON.stringify([
    ...[startedAt, endedAt, timeQuality, meterStartWh, meterStopWh, energyWh, stopTold, payer],
    ...[facts.refused, facts.mergedInto, facts.writtenOff],
    priceKey(tariff, price),
  ]);
}

export type PayerFacts = {
  /** Told by whoever started it: a guest's payment, a driver in the app. */
  assigned: Account | undefined;
  /** Of the CDR that stands. */
  standing: Standing | undefined;
  idToken: string | null;
  groupId: string | null;
  driverId: string | null;
  siteId: string;
};

/** The token is the one that was billed, or has been forgotten since, with the person it belonged to. */
export const sameToken = (billed: string | null, now: string | null): boolean =>
  now === null || now === billed || now.startsWith("erased-");

/**
 * Who owes it. Tokens of a group are a fleet's and paid by it together; else its driver pays; a token that is
 * nobody's has an account of its own, so that the debt is seen. Once billed, the payer stays, unless the
 * token turns out to be another one: who leaves a fleet takes no old bills along.
 */
export function payerOf(facts: PayerFacts): Account {
  const { assigned, standing, idToken, groupId, driverId, siteId } = facts;
  if (assigned !== undefined) return assigned;
  if (standing !== undefined && sameToken(standing.idToken, idToken)) return standing.payer;
  if (groupId !== null) return accounts.fleet(groupId);
  if (driverId !== null) return accounts.driver(driverId);
  return idToken === null ? accounts.unassigned(siteId) : accounts.token(idToken.toLowerCase());
}

/** What somebody has put in by hand, beside the lines that a tariff makes. */
export type CdrLine = Omit<PriceLine, "component"> & { component: PriceLine["component"] | "correction" };

/** The whole arithmetic, as it is kept: the terms, what they were applied to, what came of it. */
export type CdrPrice = {
  currency: string;
  netMinor: number;
  taxMinor: number;
  totalMinor: number;
  lines: CdrLine[];
  tax: { name: string; rateBp: number; included: boolean } | null;
  /** null: nobody's terms, it was free. */
  terms: TariffTerms | null;
  chargingS: number | null;
  idleS: number | null;
  flags: string[];
};

export function freePrice(currency: string, terms: TariffTerms | null): CdrPrice {
  const none = { netMinor: 0, taxMinor: 0, totalMinor: 0, lines: [], flags: [] };
  return { currency, ...none, tax: terms?.tax ?? null, terms, chargingS: null, idleS: null };
}

function kept(price: Price, terms: TariffTerms): CdrPrice {
  const { currency, netMinor, taxMinor, totalMinor, lines, chargingS, idleS, flags } = price;
  const sums = { currency, netMinor, taxMinor, totalMinor };
  return { ...sums, lines, tax: terms.tax ?? null, terms, chargingS, idleS, flags };
}

/** What was taken while it charged, evenly: from the start to the end, where the station has not said when. */
function evenly({ startedAt, endedAt, states }: Timeline, energyWh: number): Timeline["registers"] {
  const spans: { from: number; to: number }[] = [];
  let [at, state]: [number, string] = [startedAt, "charging"];
  for (const change of [...states, { at: Math.max(startedAt, endedAt), state: "idle" }]) {
    const to = Math.min(Math.max(change.at, at), Math.max(startedAt, endedAt));
    if (state === "charging" && to > at) spans.push({ from: at, to });
    [at, state] = [to, change.state];
  }
  const whole = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  if (whole === 0)
    return [
      { at: startedAt, wh: 0 },
      { at: Math.max(startedAt, endedAt), wh: energyWh },
    ];
  let passed = 0;
  return spans.flatMap(({ from, to }) => {
    const [begin, end] = [passed, passed + to - from];
    passed = end;
    return [
      { at: from, wh: part(energyWh, begin, whole) },
      { at: to, wh: part(energyWh, end, whole) },
    ];
  });
}

/** `of` × `share` ÷ `whole`, rounded down. */
const part = (of: number, share: number, whole: number): number =>
  Number((BigInt(of) * BigInt(share)) / BigInt(whole));

/**
 * The course of it with another energy, and nothing else changed: taken when the readings say that it was taken, in
 * proportion; where there are none that rise, while it charged.
 */
export function withEnergy(timeline: Timeline, energyWh: number): Timeline {
  const first = timeline.registers[0]?.wh ?? 0;
  let highest = first;
  const rising = timeline.registers.map(({ at, wh }) => {
    highest = Math.max(highest, wh);
    return { at, wh: highest - first };
  });
  const taken = highest - first;
  const registers =
    taken === 0
      ? evenly(timeline, energyWh)
      : rising.map(({ at, wh }) => ({ at, wh: part(energyWh, wh, taken) }));
  return { ...timeline, registers };
}

/** What was said of the choice of a tariff stays said, however often it is priced by it. */
const ABOUT_TARIFF: ReadonlySet<string> = new Set(["site-price", "site-price-unknown"]);
export const aboutTariff = (flags: readonly string[]) => flags.filter((flag) => ABOUT_TARIFF.has(flag));

/**
 * By the terms and the course of it; the energy is the one that is billed, whatever the readings add up to.
 * @param chosen flags of the choice of the terms.
 */
export function priceBy(
  terms: TariffTerms,
  timeline: Timeline,
  energyWh: number,
  chosen: readonly string[] = [],
): CdrPrice {
  const asRead = priceTransaction(terms, timeline);
  const isBilled = asRead.energyWh === energyWh && !asRead.flags.includes("energy-unknown");
  const price = isBilled ? asRead : priceTransaction(terms, withEnergy(timeline, energyWh));
  const { flags, ...rest } = kept(price, terms);
  return { ...rest, flags: [...flags, ...chosen] };
}

/** What a CDR says beside its numbers: of the transaction, of its price, and of itself. */
export function flagsOf(
  transaction: readonly string[],
  price: CdrPrice,
  energyWh: number,
  free?: CdrFlag,
): string[] {
  const own: (CdrFlag | undefined)[] = [
    free,
    energyWh === 0 ? "no-energy" : undefined,
    price.terms === null ? "no-tariff" : undefined,
  ];
  const flags = [...transaction, ...price.flags, ...own].filter((flag) => flag !== undefined);
  return [...new Set(flags)].sort();
}

/** A price that a person has set, tax included; how much of it is tax the terms say. */
export function priceByHand(
  totalMinor: number,
  of: { currency: string; terms: TariffTerms | null; startedAt: number; endedAt: number },
): CdrPrice {
  const rateBp = BigInt(of.terms?.tax?.rateBp ?? 0);
  const whole = 10_000n + rateBp;
  const netMinor = Number((2n * BigInt(totalMinor) * 10_000n + whole) / (2n * whole));
  const included = of.terms?.tax?.included ?? true;
  const line: CdrLine = {
    ...{ component: "correction", elementIndex: null, from: of.startedAt, to: of.endedAt, quantity: 1 },
    ...{ unit: "adjustment", priceMicro: 0, amountMinor: included ? totalMinor : netMinor },
  };
  return {
    ...freePrice(of.currency, of.terms),
    ...{ netMinor, taxMinor: totalMinor - netMinor, totalMinor, lines: [line] },
  };
}

export type Charged = {
  cdrId: string;
  payer: Account;
  currency: string;
  netMinor: number;
  taxMinor: number;
  endedAt: number;
  paymentId: string | null;
};

const referenceOf = (cdrId: string) => `cdr:${cdrId}`;

export function chargeOf(cdr: Charged): Posting {
  const { cdrId, payer, currency, netMinor, taxMinor, endedAt, paymentId } = cdr;
  return charge({
    ...{ reference: referenceOf(cdrId), occurredAt: endedAt, currency, payer, netMinor, taxMinor, cdrId },
    ...(paymentId === null ? {} : { paymentId }),
  });
}

/** What a CDR books; one that corrects another takes that one's charge back first. */
export function postingsOf(cdr: Charged, corrects: Charged | undefined, nowMs: number): Posting[] {
  if (corrects === undefined) return [chargeOf(cdr)];
  const back = reversal(chargeOf(corrects), { occurredAt: nowMs, note: `corrected by ${cdr.cdrId}` });
  return [back, chargeOf(cdr)].filter((posting) => posting.entries.length > 0);
}
