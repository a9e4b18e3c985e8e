/**
 * The receipt of a guest: of the CDR by which the session was settled, made out to the tax number that the
 * guest gave, and mailed once for each CDR to who left an address. Who charged more than once has a receipt
 * for each: the mail brings all of them, the page the newest.
 */
import { guestReceiptMail, isGuestLanguage } from "../core/guest-mail.ts";
import { ApiProblem } from "../api/problem.ts";
import { inTransaction, type Client } from "../db/pool.ts";
import { queueMail } from "../mail.ts";
import { LANGUAGES, type Language } from "../pdf/words.ts";
import { ensureReceipt, toPdf, type ReceiptRow } from "../receipts.ts";
import { transactionsOf } from "./guest-around.ts";
import { guestToken } from "./guest-open.ts";
import type { Pay } from "./providers.ts";

type Settled = {
  guest_session_id: string;
  operator_id: string;
  cdr_id: string;
  mailed_cdr_id: string | null;
  language: string;
  email: string | null;
  tax_id: string | null;
  /** Of all that was charged. */
  price_minor: number;
  currency: string;
  site_name: string;
};

const SETTLED = `
  select g.guest_session_id, g.operator_id, g.cdr_id, g.mailed_cdr_id, g.language, g.email, g.tax_id, g.price_minor,
    d.currency, i.name as site_name
  from guest_session g join cdr d on d.cdr_id = g.cdr_id join site i on i.site_id = g.site_id
  where g.guest_session_id = $1 and g.state = 'settled'`;

const fileLanguage = (language: string): Language => LANGUAGES.find((known) => known === language) ?? "en";

async function receiptOf(client: Client, row: Settled, cdrId: string): Promise<ReceiptRow> {
  const of = { cdrId };
  const receipt = await ensureReceipt(client, row.operator_id, of);
  if (receipt === undefined) throw new Error(`there is no CDR ${cdrId}`);
  if (row.tax_id === null || receipt.customer_tax_id !== null) return receipt;
  await client.query(
    `insert into receipt_customer (receipt_id, operator_id, name, tax_id) values ($1, $2, null, $3)
     on conflict (receipt_id) do nothing`,
    [receipt.receipt_id, row.operator_id, row.tax_id],
  );
  return (await ensureReceipt(client, row.operator_id, of)) ?? receipt;
}

export type GuestReceipt = { number: number; pdf: Buffer };

/** @param verifyUrl where codes of receipts are checked. @throws ApiProblem 409 while there is none. */
export async function guestReceipt(
  pay: Pay,
  sessionId: string,
  verifyUrl: string | null,
): Promise<GuestReceipt> {
  return inTransaction(pay.pool, async (client) => {
    const [row] = (await client.query<Settled>(SETTLED, [sessionId])).rows;
    if (row === undefined)
      throw new ApiProblem(409, "NO_RECEIPT", "there is no receipt yet: the charging has not been billed");
    const receipt = await receiptOf(client, row, row.cdr_id);
    return { number: receipt.number, pdf: await toPdf(receipt, fileLanguage(row.language), verifyUrl) };
  });
}

/** Who left an address gets the receipts of what stands now, once. */
export async function mailReceipt(pay: Pay, sessionId: string): Promise<void> {
  await inTransaction(pay.pool, async (client) => {
    const [row] = (await client.query<Settled>(`${SETTLED} for update of g`, [sessionId])).rows;
    if (row === undefined || row.email === null || row.mailed_cdr_id === row.cdr_id) return;
    const url = `${pay.settings.publicUrl()}/g/${sessionId}#${guestToken(pay, sessionId)}`;
    const mail = guestReceiptMail(isGuestLanguage(row.language) ? row.language : "en", {
      ...{ site: row.site_name, totalMinor: row.price_minor, currency: row.currency, url },
      again: row.mailed_cdr_id !== null,
    });
    const attachments = [];
    for (const { cdr_id: cdrId } of await transactionsOf(client, sessionId)) {
      if (cdrId === null) continue;
      const receipt = await receiptOf(client, row, cdrId);
      const content = await toPdf(receipt, fileLanguage(row.language), null);
      attachments.push({ name: `receipt-${receipt.number}.pdf`, type: "application/pdf", content });
    }
    await queueMail(client, {
      operatorId: row.operator_id,
      kind: "receipt",
      to: row.email,
      ...mail,
      attachments,
    });
    await client.query("update guest_session set mailed_cdr_id = cdr_id where guest_session_id = $1", [
      sessionId,
    ]);
  });
}
