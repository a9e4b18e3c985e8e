/** Rows of money as the API tells them, and the few things that its routes share. */
import { Type } from "typebox";
import type { CdrRow } from "../cdr-store.ts";
import type { Entry, PostingKind } from "../core/ledger.ts";
import type { ReceiptRow } from "../receipts.ts";
import type { StatementLine, StatementRow } from "../statements.ts";
import { LANGUAGES, type Language } from "../pdf/words.ts";
import { OneOf } from "../../shared/schema.ts";
import { UUID } from "./command-objects.ts";
import type {
  BillingItem,
  CdrView,
  LedgerPostingView,
  ReceiptView,
  StatementLineView,
  StatementView,
} from "./money-schemas.ts";
import { iso, isoOf } from "./page.ts";
import { notFound } from "./problem.ts";

export const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });
export const LanguageQuery = Type.Object({
  language: Type.Optional(OneOf([...LANGUAGES])),
});
export const languageOf = (query: { language?: Language }): Language => query.language ?? "pt-BR";
export const Pdf = {
  description: "The file",
  content: { "application/pdf": { schema: Type.String({ format: "binary" }) } },
};

/** @throws ApiProblem 404: what is no UUID is nobody's id. */
export function uuid(what: string, id: string): string {
  if (!UUID.test(id)) throw notFound(what, id);
  return id.toLowerCase();
}

/** CDRs with what has become of them: `cdr c`, left join the one that corrects it. */
export const CDRS = `select c.*, c.ended_at::text as ended_key, n.cdr_id as corrected_by
  from cdr c left join cdr n on n.corrects = c.cdr_id`;
export type CdrListRow = CdrRow & { ended_key: string; corrected_by: string | null };

export function toCdr(r: CdrListRow): CdrView {
  return {
    cdrId: r.cdr_id,
    number: r.number,
    status: r.corrected_by === null ? "standing" : "corrected",
    transactionId: r.transaction_id,
    corrects: r.corrects,
    correctedBy: r.corrected_by,
    cause: r.cause,
    reason: r.reason,
    createdAt: isoOf(r.created_at),
    createdBy: r.created_by,
    siteId: r.site_id,
    stationId: r.station_id,
    evseId: r.evse_id,
    connectorId: r.connector_id,
    idToken: r.id_token,
    driverId: r.driver_id,
    paymentId: r.payment_id,
    payer: r.payer,
    startedAt: isoOf(r.started_at),
    endedAt: isoOf(r.ended_at),
    timeZone: r.time_zone,
    timeQuality: r.time_quality,
    meterStartWh: r.meter_start_wh,
    meterStopWh: r.meter_stop_wh,
    energyWh: r.energy_wh,
    energyQuality: r.energy_quality,
    flags: r.flags,
    tariffId: r.tariff_id,
    tariffVersion: r.tariff_version,
    currency: r.currency,
    netMinor: r.net_minor,
    taxMinor: r.tax_minor,
    totalMinor: r.total_minor,
    tax: r.price.tax,
    lines: r.price.lines.map((line) => ({
      ...line,
      from: isoOf(new Date(line.from)),
      to: isoOf(new Date(line.to)),
    })),
  };
}

export type BillingItemRow = {
  transaction_id: string;
  site_id: string;
  status: BillingItem["status"];
  reasons: string[];
  cdr_id: string | null;
  decision: BillingItem["decision"];
  decided_by: string | null;
  decided_at: Date | null;
  note: string | null;
  error: string | null;
  tries: number;
  updated_at: Date;
  updated_key: string;
};

export const toBillingItem = (r: BillingItemRow): BillingItem => ({
  transactionId: r.transaction_id,
  siteId: r.site_id,
  status: r.status,
  reasons: r.reasons,
  cdrId: r.cdr_id,
  decision: r.decision,
  decidedBy: r.decided_by,
  decidedAt: iso(r.decided_at),
  note: r.note,
  error: r.error,
  tries: r.tries,
  updatedAt: isoOf(r.updated_at),
});

export type PostingListRow = {
  posting_id: string;
  reference: string;
  kind: PostingKind;
  occurred_at: Date;
  booked_at: Date;
  booked_key: string;
  booked_by: string | null;
  cdr_id: string | null;
  payment_id: string | null;
  reverses: string | null;
  note: string | null;
  entries: Entry[];
};

export const POSTINGS = `
  select p.*, p.booked_at::text as booked_key,
    (select json_agg(json_build_object('account', e.account, 'currency', e.currency,
       'amountMinor', e.amount_minor) order by e.line)
     from ledger_entry e where e.operator_id = p.operator_id and e.posting_id = p.posting_id) as entries
  from ledger_posting p`;

export const toPosting = (r: PostingListRow): LedgerPostingView => ({
  postingId: r.posting_id,
  reference: r.reference,
  kind: r.kind,
  occurredAt: isoOf(r.occurred_at),
  bookedAt: isoOf(r.booked_at),
  bookedBy: r.booked_by,
  cdrId: r.cdr_id,
  paymentId: r.payment_id,
  reverses: r.reverses,
  note: r.note,
  entries: r.entries,
});

export const toStatement = (r: StatementRow): StatementView => ({
  statementId: r.statement_id,
  number: r.number,
  account: r.account,
  currency: r.currency,
  from: isoOf(r.period_from),
  to: isoOf(r.period_to),
  timeZone: r.time_zone,
  openingMinor: r.opening_minor,
  chargesMinor: r.charges_minor,
  paymentsMinor: r.payments_minor,
  otherMinor: r.other_minor,
  closingMinor: r.closing_minor,
  cdrCount: r.cdr_count,
  energyWh: r.energy_wh,
  createdAt: isoOf(r.created_at),
  createdBy: r.created_by,
});

export const toStatementLine = (r: StatementLine): StatementLineView => ({
  bookedAt: isoOf(r.booked_at),
  kind: r.kind,
  reference: r.reference,
  amountMinor: r.amount_minor,
  note: r.note,
  cdrId: r.cdr_id,
  cdrNumber: r.cdr_number,
  transactionId: r.transaction_id,
  stationId: r.station_id,
  startedAt: iso(r.started_at),
  endedAt: iso(r.ended_at),
  energyWh: r.energy_wh,
});

export function toReceipt(r: ReceiptRow): ReceiptView {
  const { document } = r;
  return {
    receiptId: r.receipt_id,
    number: r.number,
    code: r.code,
    kind: document.kind,
    cdrId: r.cdr_id,
    postingId: r.posting_id,
    currency: document.currency,
    amountMinor: document.kind === "cdr" ? document.cdr.totalMinor : document.money.amountMinor,
    customerName: r.customer_name,
    customerTaxId: r.customer_tax_id,
    issuedAt: isoOf(r.issued_at),
    replacedBy: r.replaced_by,
  };
}
