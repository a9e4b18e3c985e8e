/**
 * The ledger's language: accounts, postings, and which posting each business event makes. Pure.
 *
 * Double entry. An entry is a whole number of minor units on an account: above zero is a debit, below zero a
 * credit; the entries of a posting sum to zero per currency. So a payer's balance above zero is what it owes,
 * a clearing account's balance what the provider holds for the operator, and revenue and tax payable stand
 * below zero.
 *
 * Nothing is ever changed: what was wrong is reversed by a posting that names it. What moves no money (a
 * card's hold, a checkout that was opened, a free transaction) makes no posting: its entries are empty.
 * Storing is `cloud/ledger.ts`.
 */
import { AppError } from "../../shared/errors.ts";

/** Who may owe: they have statements. */
export const PAYER_KINDS = ["driver", "fleet", "token", "guest", "unassigned"] as const;
/** Accounts of the operator; of `clearing` there is one per provider. */
export const OWN_KINDS = [
  ...(["revenue", "tax", "clearing", "bank", "fees", "write-off", "rounding", "exchange"] as const),
] as const;
export type PayerKind = (typeof PAYER_KINDS)[number];
export type AccountKind = PayerKind | (typeof OWN_KINDS)[number];

/** `driver:3f0c…`, `clearing:stripe`, `revenue`. */
export type Account = string;

const WITH_SUBJECT: ReadonlySet<AccountKind> = new Set([...PAYER_KINDS, "clearing"]);
const SUBJECT_MAX = 200;

/** The names of all accounts there can be. */
export const accounts = {
  /** What a driver owes (above 0) or has to its credit. */
  driver: (driverId: string): Account => `driver:${driverId}`,
  /** What the tokens of a group owe together. */
  fleet: (groupId: string): Account => `fleet:${groupId}`,
  /** What a token owes that belongs to no driver and no group. */
  token: (idToken: string): Account => `token:${idToken}`,
  /** What a guest owes: one account per payment, so that it comes to zero when everything is settled. */
  guest: (paymentId: string): Account => `guest:${paymentId}`,
  /** Energy that nobody can be named for, by site. */
  unassigned: (siteId: string): Account => `unassigned:${siteId}`,
  /** What a provider has taken and not paid out yet. */
  clearing: (provider: string): Account => `clearing:${provider}`,
  revenue: "revenue",
  tax: "tax",
  bank: "bank",
  fees: "fees",
  writeOff: "write-off",
  rounding: "rounding",
  /** Between two currencies: what left the one stands here, and what came in the other. */
  exchange: "exchange",
} as const;

export type ParsedAccount = { kind: AccountKind; subject: string | null };

/** undefined: there can be no such account. */
export function parseAccount(account: Account): ParsedAccount | undefined {
  const colon = account.indexOf(":");
  const kind = (colon < 0 ? account : account.slice(0, colon)) as AccountKind;
  if (![...PAYER_KINDS, ...OWN_KINDS].includes(kind)) return undefined;
  if (WITH_SUBJECT.has(kind) !== colon >= 0) return undefined;
  const subject = colon < 0 ? null : account.slice(colon + 1);
  if (subject !== null && (subject === "" || subject.length > SUBJECT_MAX)) return undefined;
  return { kind, subject };
}

export const isPayer = (account: Account): boolean => {
  const kind = parseAccount(account)?.kind;
  return kind !== undefined && (PAYER_KINDS as readonly string[]).includes(kind);
};

export type Entry = { account: Account; currency: string; amountMinor: number };

export const POSTING_KINDS = [
  "charge",
  "payment",
  "refund",
  "overpayment-refund",
  "chargeback",
  "provider-fee",
  "payout",
  "write-off",
  "transfer",
  "tax-remittance",
  "rounding",
  "exchange",
  "reversal",
  "manual",
] as const;
export type PostingKind = (typeof POSTING_KINDS)[number];

export type Posting = {
  /** Unique per operator: the same event posted again is the same posting. `payment:<id>:captured`. */
  reference: string;
  kind: PostingKind;
  /** When it happened, Unix ms; when it was booked is the database's word. */
  occurredAt: number;
  entries: Entry[];
  cdrId?: string;
  paymentId?: string;
  /** The reference that this posting takes back. */
  reverses?: string;
  note?: string;
  /** Who has booked it by hand. */
  bookedBy?: string;
};

export const ENTRIES_MAX = 100;
const REFERENCE_MAX = 200;
const CURRENCY = /^[A-Z]{3}$/;

/**
 * Entries of one account and currency become one, what comes to zero goes. Ordered, so that equal is equal.
 */
export function netEntries(entries: readonly Entry[]): Entry[] {
  const sums = new Map<string, Entry>();
  for (const { account, currency, amountMinor } of entries) {
    const key = `${currency} ${account}`;
    const sum = (sums.get(key)?.amountMinor ?? 0) + amountMinor;
    sums.set(key, { account, currency, amountMinor: sum });
  }
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, entry]) => entry)
    .filter((entry) => entry.amountMinor !== 0);
}

/** Sum of the entries per currency. */
export function sumsOf(entries: readonly Entry[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { currency, amountMinor } of entries)
    sums.set(currency, (sums.get(currency) ?? 0) + amountMinor);
  return sums;
}

function faultOfEntry(entry: Entry): string | undefined {
  if (parseAccount(entry.account) === undefined) return `"${entry.account}" is no account`;
  if (!CURRENCY.test(entry.currency)) return `"${entry.currency}" is no currency of three letters (ISO 4217)`;
  if (!Number.isSafeInteger(entry.amountMinor))
    return `${entry.amountMinor} is no whole number of minor units`;
  return entry.amountMinor === 0 ? `an entry on ${entry.account} moves nothing` : undefined;
}

/**
 * What is wrong with a posting; undefined when it may be booked. One without entries may, and books nothing.
 */
export function faultOf(posting: Posting): string | undefined {
  const { reference, entries } = posting;
  if (reference.length === 0 || reference.length > REFERENCE_MAX)
    return `a reference has 1 to ${REFERENCE_MAX} characters`;
  if (entries.length > ENTRIES_MAX) return `a posting has at most ${ENTRIES_MAX} entries`;
  for (const entry of entries) {
    const fault = faultOfEntry(entry);
    if (fault !== undefined) return fault;
  }
  for (const [currency, sum] of sumsOf(entries)) {
    if (sum !== 0) return `the entries in ${currency} sum to ${sum}, not to 0`;
  }
  const names = entries.map((entry) => `${entry.currency} ${entry.account}`);
  return new Set(names).size < names.length ? "an account stands in it twice" : undefined;
}

type Event = { reference: string; occurredAt: number; currency: string };
type Optional = Partial<Pick<Posting, "cdrId" | "paymentId" | "note">>;
type Amount = Event & Optional & { amountMinor: number };

/** `amountMinor` goes from the second account to the first: debit first, credit second. */
function move(kind: PostingKind, debit: Account, credit: Account, event: Amount): Posting {
  const { currency, amountMinor, ...rest } = event;
  if (amountMinor < 0)
    throw new AppError("LEDGER_AMOUNT_NEGATIVE", `${kind} ${event.reference}: ${amountMinor} is below 0`);
  const entries = netEntries([
    { account: debit, currency, amountMinor },
    { account: credit, currency, amountMinor: -amountMinor },
  ]);
  return { ...rest, kind, entries };
}

/** A CDR: the payer owes the whole; what is net is revenue, the rest is owed to the state. */
export function charge(
  event: Event & Optional & { payer: Account; netMinor: number; taxMinor: number },
): Posting {
  const { payer, netMinor, taxMinor, currency, ...rest } = event;
  const entries = netEntries([
    { account: payer, currency, amountMinor: netMinor + taxMinor },
    { account: accounts.revenue, currency, amountMinor: -netMinor },
    { account: accounts.tax, currency, amountMinor: -taxMinor },
  ]);
  return { ...rest, kind: "charge", entries };
}

type OfProvider = Amount & { payer: Account; provider: string };
const split = <T extends OfProvider>({ payer, provider, ...event }: T) => ({
  payer,
  clearing: accounts.clearing(provider),
  event,
});

/** Money came in at a provider: a pre-payment that was paid (Pix), or a hold that was captured (card). */
export function paymentReceived(input: OfProvider): Posting {
  const { payer, clearing, event } = split(input);
  return move("payment", clearing, payer, event);
}
export const prePaymentReceived = paymentReceived;
export const paymentCaptured = paymentReceived;

/** Money went back to the payer: a service that was not rendered, a goodwill, a price that was corrected. */
export function refund(input: OfProvider): Posting {
  const { payer, clearing, event } = split(input);
  return move("refund", payer, clearing, event);
}

/** What a pre-payment was more than the price goes back. */
export function overpaymentRefund(input: OfProvider): Posting {
  const { payer, clearing, event } = split(input);
  return move("overpayment-refund", payer, clearing, event);
}

/** The payer's bank took the money back; the payer owes again. */
export function chargeback(input: OfProvider): Posting {
  const { payer, clearing, event } = split(input);
  return move("chargeback", payer, clearing, event);
}

/** As `move`; an amount below 0 goes the other way. */
const moveEither = (kind: PostingKind, debit: Account, credit: Account, event: Amount): Posting =>
  event.amountMinor >= 0
    ? move(kind, debit, credit, event)
    : move(kind, credit, debit, { ...event, amountMinor: -event.amountMinor });

/** What the provider keeps for its service; below 0: gives back of it. */
export const providerFee = ({ provider, ...event }: Amount & { provider: string }): Posting =>
  moveEither("provider-fee", accounts.fees, accounts.clearing(provider), event);

/** The provider has paid out to the operator's bank; below 0: has taken from it. */
export const payout = ({ provider, ...event }: Amount & { provider: string }): Posting =>
  moveEither("payout", accounts.bank, accounts.clearing(provider), event);

/** What the provider holds in one currency has become `into` in another, at its own rate; below 0: back. */
export function exchanged(
  input: Amount & { provider: string; into: { currency: string; amountMinor: number } },
): Posting {
  const { provider, into, currency, amountMinor, ...event } = input;
  const clearing = accounts.clearing(provider);
  const entries = netEntries([
    { account: clearing, currency, amountMinor: 0 - amountMinor },
    { account: accounts.exchange, currency, amountMinor },
    { account: clearing, ...into },
    { account: accounts.exchange, currency: into.currency, amountMinor: 0 - into.amountMinor },
  ]);
  return { ...event, kind: "exchange", entries };
}

/** Paid without a provider: by bank transfer or in cash. */
export const transferReceived = ({ payer, ...event }: Amount & { payer: Account }): Posting =>
  move("transfer", accounts.bank, payer, event);

/** What will not be paid any more. */
export const writeOff = ({ payer, ...event }: Amount & { payer: Account }): Posting =>
  move("write-off", accounts.writeOff, payer, event);

/** Tax went to the state. */
export const taxRemitted = (event: Amount): Posting =>
  move("tax-remittance", accounts.tax, accounts.bank, event);

/** A difference of a few minor units that a provider's rounding leaves: above 0 is to the payer's benefit. */
export function rounding({ payer, currency, amountMinor, ...event }: Amount & { payer: Account }): Posting {
  const entries = netEntries([
    { account: accounts.rounding, currency, amountMinor },
    { account: payer, currency, amountMinor: -amountMinor },
  ]);
  return { ...event, kind: "rounding", entries };
}

/** Takes a posting back, whole. */
export function reversal(
  of: Posting,
  event: { occurredAt: number; note?: string; bookedBy?: string },
): Posting {
  const { reference, entries, cdrId, paymentId } = of;
  return {
    reference: `reversal:${reference}`,
    kind: "reversal",
    reverses: reference,
    ...event,
    ...(cdrId === undefined ? {} : { cdrId }),
    ...(paymentId === undefined ? {} : { paymentId }),
    // `0 - x`: there is no negative zero among the amounts.
    entries: netEntries(entries.map((entry) => ({ ...entry, amountMinor: 0 - entry.amountMinor }))),
  };
}
