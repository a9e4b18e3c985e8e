/**
 * Receipts: issued when they are first asked for, kept as they were then, checked by anybody who has the
 * code.
 *
 * Invariants: one per CDR and one per movement of money; numbered per operator without gaps; what a receipt
 * says never changes. The person it is made out to stands apart (`receipt_customer`), and goes when the
 * person goes.
 */
import { randomBytes } from "node:crypto";
import { AppError } from "../shared/errors.ts";
import { nextNumber, readCdr, type CdrRow } from "./cdr-store.ts";
import { isPayer, parseAccount, type Entry, type PostingKind } from "./core/ledger.ts";
import {
  receiptCode,
  RECEIPT_POSTINGS,
  type CdrPart,
  type Issuer,
  type MoneyPart,
  type ReceiptDocument,
} from "./core/receipt.ts";
import type { Queryable } from "./db/pool.ts";
import { receiptPdf } from "./pdf/receipt.ts";
import type { Language } from "./pdf/words.ts";

export type ReceiptRow = {
  receipt_id: string;
  operator_id: string;
  number: number;
  code: string;
  cdr_id: string | null;
  posting_id: string | null;
  document: ReceiptDocument;
  issued_at: Date;
  customer_name: string | null;
  customer_tax_id: string | null;
  /** Number of the CDR that has taken the place of its own. */
  replaced_by: number | null;
};

/**
 * Made out to whom somebody has put in, else to the driver who pays or has paid. The driver's id is taken out of the
 * account: compared the other way round, all drivers would be read.
 */
export const RECEIPTS = `
  select r.*, case when p.receipt_id is null then d.name else p.name end as customer_name,
    case when p.receipt_id is null then d.tax_id else p.tax_id end as customer_tax_id,
    (select n.number from cdr n where n.operator_id = r.operator_id and n.corrects = r.cdr_id) as replaced_by
  from receipt r
  left join receipt_customer p on p.receipt_id = r.receipt_id
  left join cdr c on c.cdr_id = r.cdr_id
  left join payment y on y.operator_id = r.operator_id and y.payment_id =
    case when r.document #>> '{money,paymentId}' ~ '^[0-9a-f-]{36}$' then (r.document #>> '{money,paymentId}')::uuid end
  left join driver d on d.operator_id = r.operator_id
    and d.driver_id = case when c.payer ~ '^driver:[0-9a-f-]{36}$' then substr(c.payer, 8)::uuid else y.driver_id end`;

export async function readIssuer(db: Queryable, operatorId: string): Promise<Issuer> {
  const { rows } = await db.query<Issuer>(
    `select coalesce(legal_name, name) as name, tax_id as "taxId", country, address, receipt_footer as footer,
       time_zone as "timeZone" from operator where operator_id = $1`,
    [operatorId],
  );
  if (rows[0] === undefined) throw new AppError("OPERATOR_UNKNOWN", `there is no operator "${operatorId}"`);
  return rows[0];
}

async function cdrPart(db: Queryable, cdr: CdrRow): Promise<CdrPart> {
  const { rows } = await db.query<{
    site_name: string | null;
    identity: string | null;
    corrects: number | null;
  }>(
    `select (select name from site where site_id = $2) as site_name,
       (select identity from station where station_id = $3) as identity,
       (select number from cdr where operator_id = $1 and cdr_id = $4) as corrects`,
    [cdr.operator_id, cdr.site_id, cdr.station_id, cdr.corrects],
  );
  const [names] = rows;
  return {
    ...{ cdrId: cdr.cdr_id, number: cdr.number, correctsNumber: names?.corrects ?? null },
    ...{ transactionId: cdr.transaction_id, siteName: names?.site_name ?? cdr.site_id },
    ...{ station: names?.identity ?? cdr.station_id, evseId: cdr.evse_id, timeZone: cdr.time_zone },
    ...{ startedAt: cdr.started_at.getTime(), endedAt: cdr.ended_at.getTime(), energyWh: cdr.energy_wh },
    ...{ meterStartWh: cdr.meter_start_wh, meterStopWh: cdr.meter_stop_wh },
    ...{ timeQuality: cdr.time_quality, energyQuality: cdr.energy_quality, flags: cdr.flags },
    ...{ lines: cdr.price.lines, tax: cdr.price.tax },
    ...{ netMinor: cdr.net_minor, taxMinor: cdr.tax_minor, totalMinor: cdr.total_minor },
  };
}

type PostingRow = {
  posting_id: string;
  reference: string;
  kind: PostingKind;
  occurred_at: Date;
  payment_id: string | null;
  entries: Entry[];
};

/** undefined: there is no such posting, or it is none of which there are receipts. */
async function moneyPart(db: Queryable, operatorId: string, postingId: string) {
  const { rows } = await db.query<PostingRow>(
    `select p.posting_id, p.reference, p.kind, p.occurred_at, p.payment_id,
       (select json_agg(json_build_object('account', e.account, 'currency', e.currency,
          'amountMinor', e.amount_minor))
        from ledger_entry e where e.operator_id = p.operator_id and e.posting_id = p.posting_id) as entries
     from ledger_posting p where p.operator_id = $1 and p.posting_id = $2`,
    [operatorId, postingId],
  );
  const [row] = rows;
  if (row === undefined || !RECEIPT_POSTINGS.has(row.kind)) return undefined;
  const payer = row.entries.find((entry) => isPayer(entry.account));
  const clearing = row.entries
    .map((entry) => parseAccount(entry.account))
    .find((a) => a?.kind === "clearing");
  if (payer === undefined) return undefined;
  const money: MoneyPart = {
    ...{ postingId, reference: row.reference, kind: row.kind, occurredAt: row.occurred_at.getTime() },
    ...{ paymentId: row.payment_id, provider: clearing?.subject ?? null, amountMinor: -payer.amountMinor },
  };
  return { money, currency: payer.currency };
}

export type ReceiptOf = { cdrId: string } | { postingId: string };

async function find(db: Queryable, operatorId: string, of: ReceiptOf): Promise<ReceiptRow | undefined> {
  const [column, id] = "cdrId" in of ? ["cdr_id", of.cdrId] : ["posting_id", of.postingId];
  const sql = `${RECEIPTS} where r.operator_id = $1 and r.${column} = $2`;
  return (await db.query<ReceiptRow>(sql, [operatorId, id])).rows[0];
}

async function documentOf(
  db: Queryable,
  operatorId: string,
  of: ReceiptOf,
): Promise<ReceiptDocument | undefined> {
  const issuer = await readIssuer(db, operatorId);
  if ("cdrId" in of) {
    const cdr = await readCdr(db, operatorId, of.cdrId);
    if (cdr === undefined) return undefined;
    return { v: 1, issuer, currency: cdr.currency, kind: "cdr", cdr: await cdrPart(db, cdr) };
  }
  const part = await moneyPart(db, operatorId, of.postingId);
  return part && { v: 1, issuer, currency: part.currency, kind: "payment", money: part.money };
}

/**
 * The receipt of a CDR or of a movement of money, issued now where it was not yet.
 * @param client inside a transaction.
 * @returns undefined where there is nothing that it could be the receipt of.
 */
export async function ensureReceipt(
  client: Queryable,
  operatorId: string,
  of: ReceiptOf,
): Promise<ReceiptRow | undefined> {
  const before = await find(client, operatorId, of);
  if (before !== undefined) return before;
  // A number that is drawn is used: nobody else issues it in between.
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`moov.receipt ${operatorId}`]);
  const meanwhile = await find(client, operatorId, of);
  if (meanwhile !== undefined) return meanwhile;
  const document = await documentOf(client, operatorId, of);
  if (document === undefined) return undefined;
  await client.query(
    `insert into receipt (operator_id, number, code, cdr_id, posting_id, document) values ($1, $2, $3, $4, $5, $6)`,
    [
      ...[operatorId, await nextNumber(client, operatorId, "receipt"), receiptCode(randomBytes(10))],
      ...["cdrId" in of ? of.cdrId : null, "postingId" in of ? of.postingId : null, JSON.stringify(document)],
    ],
  );
  return find(client, operatorId, of);
}

/** The file. @param verifyUrl where codes are checked, without a slash at its end. */
export const toPdf = (row: ReceiptRow, language: Language, verifyUrl: string | null): Promise<Buffer> =>
  receiptPdf(
    {
      ...{ number: row.number, code: row.code, issuedAt: row.issued_at.getTime(), document: row.document },
      customer: { name: row.customer_name, taxId: row.customer_tax_id },
      ...{ replacedBy: row.replaced_by, verifyUrl },
    },
    language,
  );
