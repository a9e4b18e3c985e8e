/**
 * What stands on a receipt, as it is kept when it is issued: everything but the language and the person it is
 * made out to. Pure.
 *
 * Kept whole, because an operator moves, a site gets another name, and a receipt stays what it was.
 */
import type { CdrLine, EnergyQuality } from "./cdr.ts";
import type { PostingKind } from "./ledger.ts";
import type { TimeQuality } from "./time.ts";

/** Who issues it. */
export type Issuer = {
  name: string;
  taxId: string | null;
  country: string;
  address: string | null;
  footer: string | null;
  timeZone: string;
};

export type CdrPart = {
  cdrId: string;
  number: number;
  /** Of the CDR that it corrects. */
  correctsNumber: number | null;
  transactionId: string;
  siteName: string;
  station: string;
  evseId: number;
  startedAt: number;
  endedAt: number;
  timeZone: string;
  energyWh: number;
  meterStartWh: number | null;
  meterStopWh: number | null;
  timeQuality: TimeQuality;
  energyQuality: EnergyQuality;
  flags: string[];
  lines: CdrLine[];
  tax: { name: string; rateBp: number; included: boolean } | null;
  netMinor: number;
  taxMinor: number;
  totalMinor: number;
};

export type MoneyPart = {
  postingId: string;
  reference: string;
  kind: PostingKind;
  occurredAt: number;
  paymentId: string | null;
  provider: string | null;
  /** Above 0: received from the payer; below: given back. */
  amountMinor: number;
};

export type ReceiptDocument = { v: 1; issuer: Issuer; currency: string } & (
  | { kind: "cdr"; cdr: CdrPart }
  | { kind: "payment"; money: MoneyPart }
);

/** Of these postings there are receipts: money went from one hand to another. */
export const RECEIPT_POSTINGS: ReadonlySet<PostingKind> = new Set<PostingKind>([
  "payment",
  "transfer",
  "refund",
  "overpayment-refund",
]);

/** Without letters that are taken for digits, or for each other. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARACTERS = 16;
const CODE = /^[0-9A-HJKMNP-TV-Z]+$/;

/** 80 given random bits as a text that people can read to each other: `7M2K-…`. */
export function receiptCode(random: Uint8Array): string {
  let bits = 0n;
  for (const byte of random.subarray(0, 10)) bits = bits * 256n + BigInt(byte);
  const characters: string[] = [];
  for (let i = 0; i < CODE_CHARACTERS; i++) {
    characters.unshift(ALPHABET[Number(bits & 31n)] ?? "0");
    bits >>= 5n;
  }
  return (characters.join("").match(/.{4}/g) ?? []).join("-");
}

/** As people type it: small letters, no strokes, O for 0. undefined: it is none. */
export function readReceiptCode(text: string): string | undefined {
  const large = text.toUpperCase().replaceAll(/[\s-]/g, "");
  const bare = large.replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  if (bare.length !== CODE_CHARACTERS || !CODE.test(bare)) return undefined;
  return (bare.match(/.{4}/g) ?? []).join("-");
}
