/**
 * The nouns of money: CDRs, what is held, the ledger, statements, receipts, and what an operator says of
 * itself. Like `schemas.ts`, and no code here either.
 *
 * Amounts are whole minor units of their currency.
 */
import { Type, type Static, type TSchema } from "typebox";
import { OneOf } from "../../shared/schema.ts";
import { lineFields, PRICE_COMPONENTS } from "./tariff-schemas.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Uuid = Type.String({ format: "uuid" });
const Minor = Type.Integer();
const Wh = Type.Integer();
const Currency = Type.String({ pattern: "^[A-Z]{3}$" });
const Account = Type.String({ minLength: 1, maxLength: 220 });
const Note = Type.String({ minLength: 1, maxLength: 500 });
const Closed = { additionalProperties: false } as const;
/** Far below what is counted exactly, and above every bill. */
const AMOUNT_MAX = 1_000_000_000_000;

/** Of a price, or put in by hand. */
export const CdrLine = Type.Object(
  { component: OneOf([...PRICE_COMPONENTS, "correction"]), ...lineFields },
  { $id: "CdrLine" },
);
export type CdrLineView = Static<typeof CdrLine>;

/** What a CDR tells the operator and whoever charged. */
export const cdrFields = {
  cdrId: Type.String(),
  /** Per operator, without gaps. */
  number: Type.Integer(),
  /** standing: this is what is owed for the transaction; corrected: another CDR has taken its place. */
  status: OneOf(["standing", "corrected"]),
  transactionId: Type.String(),
  /** The CDR whose place it takes, and the one that has taken its own. */
  corrects: Nullable(Type.String()),
  correctedBy: Nullable(Type.String()),
  createdAt: Time,
  idToken: Nullable(Type.String()),
  startedAt: Time,
  endedAt: Time,
  timeQuality: OneOf(["station", "er", "estimated"]),
  energyWh: Wh,
  energyQuality: OneOf(["registers", "readings", "decided"]),
  flags: Type.Array(Type.String()),
  currency: Type.String(),
  netMinor: Minor,
  taxMinor: Minor,
  totalMinor: Minor,
  tax: Nullable(Type.Object({ name: Type.String(), rateBp: Type.Integer(), included: Type.Boolean() })),
  lines: Type.Array(Type.Ref("CdrLine")),
};

export const Cdr = Type.Object(
  {
    ...cdrFields,
    cause: OneOf(["ended", "late-data", "payer", "decision", "manual"]),
    reason: Nullable(Type.String()),
    createdBy: Type.String(),
    siteId: Type.String(),
    stationId: Type.String(),
    evseId: Type.Integer(),
    connectorId: Nullable(Type.Integer()),
    driverId: Nullable(Type.String()),
    paymentId: Nullable(Type.String()),
    /** The account of the ledger that owes it. */
    payer: Type.String(),
    timeZone: Type.String(),
    meterStartWh: Nullable(Wh),
    meterStopWh: Nullable(Wh),
    tariffId: Nullable(Type.String()),
    tariffVersion: Nullable(Type.Integer()),
  },
  { $id: "Cdr" },
);
export type CdrView = Omit<Static<typeof Cdr>, "lines"> & { lines: CdrLineView[] };

/** One of the two: another price (with tax), or another energy, priced by the terms of the CDR. */
export const NewCdrCorrection = Type.Object(
  {
    reason: Note,
    totalMinor: Type.Optional(Type.Integer({ minimum: 0, maximum: AMOUNT_MAX })),
    energyWh: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
  },
  { $id: "NewCdrCorrection", ...Closed },
);
export type NewCdrCorrection = Static<typeof NewCdrCorrection>;

export const BillingItem = Type.Object(
  {
    transactionId: Type.String(),
    siteId: Type.String(),
    status: OneOf(["pending", "held", "billed", "none"]),
    /** Why it is held, or why there is nothing to bill. */
    reasons: Type.Array(Type.String()),
    /** The CDR that stands; of a held one: until somebody has decided. */
    cdrId: Nullable(Type.String()),
    decision: Nullable(OneOf(["bill", "waive", "keep"])),
    decidedBy: Nullable(Type.String()),
    decidedAt: Nullable(Time),
    note: Nullable(Type.String()),
    /** What went wrong when it was last tried, and how often. */
    error: Nullable(Type.String()),
    tries: Type.Integer(),
    updatedAt: Time,
  },
  { $id: "BillingItem" },
);
export type BillingItem = Static<typeof BillingItem>;

export const NewBillingDecision = Type.Object(
  {
    /** bill: as it is known now; waive: at nothing; keep: the CDR that stands goes on standing. */
    decision: OneOf(["bill", "waive", "keep"]),
    /** Where the energy is not known: what is billed. */
    energyWh: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
    note: Note,
  },
  { $id: "NewBillingDecision", ...Closed },
);
export type NewBillingDecision = Static<typeof NewBillingDecision>;

export const LedgerBalance = Type.Object(
  {
    currency: Type.String(),
    /** Above 0: it is owed to the operator (of payers), it is held for it (of providers). */
    amountMinor: Minor,
  },
  { $id: "LedgerBalance" },
);
type LedgerBalance = Static<typeof LedgerBalance>;

export const LedgerAccount = Type.Object(
  {
    account: Type.String(),
    kind: Type.String(),
    /** Whose it is: a driver's id, a group, a token, a payment, a provider. */
    subject: Nullable(Type.String()),
    openedAt: Time,
    balances: Type.Array(Type.Ref("LedgerBalance")),
  },
  { $id: "LedgerAccount" },
);
export type LedgerAccountView = Omit<Static<typeof LedgerAccount>, "balances"> & {
  balances: LedgerBalance[];
};

export const LedgerEntry = Type.Object(
  {
    account: Account,
    currency: Currency,
    amountMinor: Type.Integer({ minimum: -AMOUNT_MAX, maximum: AMOUNT_MAX }),
  },
  { $id: "LedgerEntry", ...Closed },
);
export type LedgerEntryView = Static<typeof LedgerEntry>;

export const LedgerPosting = Type.Object(
  {
    postingId: Type.String(),
    reference: Type.String(),
    kind: Type.String(),
    occurredAt: Time,
    bookedAt: Time,
    bookedBy: Nullable(Type.String()),
    cdrId: Nullable(Type.String()),
    paymentId: Nullable(Type.String()),
    /** The reference of the posting that it takes back. */
    reverses: Nullable(Type.String()),
    note: Nullable(Type.String()),
    entries: Type.Array(Type.Ref("LedgerEntry")),
  },
  { $id: "LedgerPosting" },
);
export type LedgerPostingView = Omit<Static<typeof LedgerPosting>, "entries"> & {
  entries: LedgerEntryView[];
};

export const NewLedgerPosting = Type.Object(
  {
    kind: OneOf(["transfer", "write-off", "payout", "provider-fee", "tax-remittance", "rounding", "manual"]),
    note: Note,
    occurredAt: Type.Optional(Time),
    paymentId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** They sum to zero per currency; debit above 0, credit below. */
    entries: Type.Array(Type.Ref("LedgerEntry"), { minItems: 2, maxItems: 50 }),
  },
  { $id: "NewLedgerPosting", ...Closed },
);
export type NewLedgerPosting = Omit<Static<typeof NewLedgerPosting>, "entries"> & {
  entries: LedgerEntryView[];
};

export const NewReversal = Type.Object({ note: Note }, { $id: "NewReversal", ...Closed });
export type NewReversal = Static<typeof NewReversal>;

/** What a statement tells the operator and whoever pays it. */
export const statementFields = {
  statementId: Type.String(),
  number: Type.Integer(),
  currency: Type.String(),
  /** What was booked from … on, and before … to. */
  from: Time,
  to: Time,
  timeZone: Type.String(),
  openingMinor: Minor,
  chargesMinor: Minor,
  paymentsMinor: Minor,
  otherMinor: Minor,
  /** Opening and everything between: the ledger's balance at the end. */
  closingMinor: Minor,
  cdrCount: Type.Integer(),
  energyWh: Wh,
  createdAt: Time,
};

export const Statement = Type.Object(
  { ...statementFields, account: Type.String(), createdBy: Type.String() },
  { $id: "Statement" },
);
export type StatementView = Static<typeof Statement>;

export const StatementLine = Type.Object(
  {
    bookedAt: Time,
    kind: Type.String(),
    reference: Type.String(),
    amountMinor: Minor,
    note: Nullable(Type.String()),
    cdrId: Nullable(Type.String()),
    cdrNumber: Nullable(Type.Integer()),
    transactionId: Nullable(Type.String()),
    stationId: Nullable(Type.String()),
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    energyWh: Nullable(Wh),
  },
  { $id: "StatementLine" },
);
export type StatementLineView = Static<typeof StatementLine>;

export const StatementDetail = Type.Object(
  {
    statement: Type.Ref("Statement"),
    lines: Type.Array(Type.Ref("StatementLine")),
    /** There are more; the account's postings have them all. */
    linesTruncated: Type.Boolean(),
  },
  { $id: "StatementDetail" },
);

/** Of a month of the operator's calendar, or of any time that is over. */
export const NewStatement = Type.Object(
  {
    account: Account,
    /** Absent: the operator's. */
    currency: Type.Optional(Currency),
    month: Type.Optional(Type.String({ pattern: "^20[0-9]{2}-(0[1-9]|1[0-2])$" })),
    from: Type.Optional(Time),
    to: Type.Optional(Time),
  },
  { $id: "NewStatement", ...Closed },
);
export type NewStatement = Static<typeof NewStatement>;

export const ReceiptCustomer = Type.Object(
  {
    name: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 120 }))),
    /** CPF or CNPJ; in other countries, as it is. */
    taxId: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 30 }))),
  },
  { $id: "ReceiptCustomer", ...Closed },
);
export type ReceiptCustomer = Static<typeof ReceiptCustomer>;

export const Receipt = Type.Object(
  {
    receiptId: Type.String(),
    number: Type.Integer(),
    code: Type.String(),
    kind: OneOf(["cdr", "payment"]),
    cdrId: Nullable(Type.String()),
    postingId: Nullable(Type.String()),
    currency: Type.String(),
    /** Of a payment: below 0 where money was given back. */
    amountMinor: Minor,
    customerName: Nullable(Type.String()),
    customerTaxId: Nullable(Type.String()),
    issuedAt: Time,
    /** Number of the CDR that has taken the place of its own. */
    replacedBy: Nullable(Type.Integer()),
  },
  { $id: "Receipt" },
);
export type ReceiptView = Static<typeof Receipt>;

/** One of the two. */
export const NewReceipt = Type.Object(
  {
    cdrId: Type.Optional(Uuid),
    postingId: Type.Optional(Uuid),
    customer: Type.Optional(Type.Ref("ReceiptCustomer")),
  },
  { $id: "NewReceipt", ...Closed },
);
export type NewReceipt = { cdrId?: string; postingId?: string; customer?: ReceiptCustomer };

/** What anybody is told who has the code of a receipt. */
export const ReceiptCheck = Type.Object(
  {
    code: Type.String(),
    number: Type.Integer(),
    kind: OneOf(["cdr", "payment"]),
    issuerName: Type.String(),
    issuerTaxId: Nullable(Type.String()),
    issuedAt: Time,
    /** Whose clock the times are shown by. */
    timeZone: Type.String(),
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    energyWh: Nullable(Wh),
    currency: Type.String(),
    /** Of a payment: below 0 where money was given back. */
    amountMinor: Minor,
    /** false: a correction has taken its place. */
    standing: Type.Boolean(),
  },
  { $id: "ReceiptCheck" },
);
export type ReceiptCheck = Static<typeof ReceiptCheck>;

const Line = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const settings = {
  name: Line(120),
  /** As it stands on receipts; null: the name. */
  legalName: Nullable(Line(160)),
  /** CNPJ or CPF where the country is BR. */
  taxId: Nullable(Line(30)),
  country: Type.String({ pattern: "^[A-Z]{2}$" }),
  address: Nullable(Line(400)),
  /** Of what is free, and of statements where nothing else is said. */
  currency: Currency,
  /** Where its months begin and end. */
  timeZone: Line(64),
  receiptFooter: Nullable(Line(400)),
};

export const Operator = Type.Object({ operatorId: Type.String(), ...settings }, { $id: "Operator" });
export type OperatorView = Static<typeof Operator>;
export const OperatorPatch = Type.Partial(Type.Object(settings), { $id: "OperatorPatch", ...Closed });
export type OperatorPatch = Static<typeof OperatorPatch>;
