/** Receipts: issued, made out to somebody, as a file, and checked by anybody who has the code. */
import { Type } from "typebox";
import type { FastifyReply } from "fastify";
import { bareTaxId, taxIdKind } from "../../../shared/tax-id.ts";
import { readReceiptCode } from "../../core/receipt.ts";
import type { Client, Queryable } from "../../db/pool.ts";
import { ensureReceipt, RECEIPTS, toPdf, type ReceiptOf, type ReceiptRow } from "../../receipts.ts";
import type { Language } from "../../pdf/words.ts";
import { needs, open, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { NewReceipt, ReceiptCheck, ReceiptCustomer, ReceiptView } from "../money-schemas.ts";
import { LanguageQuery, languageOf, Once, Pdf, toReceipt, uuid } from "../money-view.ts";
import { isoOf } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { createReadLimit } from "../read-limit.ts";
import { audit, writeOnce } from "../write.ts";

const Params = Type.Object({ receiptId: Type.String({ maxLength: 64 }) });

/** @throws ApiProblem 404. */
async function readRow(db: Queryable, actor: Actor, receiptId: string): Promise<ReceiptRow> {
  const { rows } = await db.query<ReceiptRow>(`${RECEIPTS} where r.operator_id = $1 and r.receipt_id = $2`, [
    actor.operatorId,
    uuid("receipt", receiptId),
  ]);
  if (rows[0] === undefined) throw notFound("receipt", receiptId);
  return rows[0];
}

/** @throws ApiProblem 422 RECEIPT_UNCLEAR. */
function subjectOf({ cdrId, postingId }: NewReceipt): ReceiptOf {
  if (cdrId !== undefined && postingId === undefined) return { cdrId };
  if (postingId !== undefined && cdrId === undefined) return { postingId };
  throw new ApiProblem(
    422,
    "RECEIPT_UNCLEAR",
    "a receipt is of a CDR or of a posting: give one of the two ids",
  );
}

/** @throws ApiProblem 404: there is no such thing, or it is none of which there are receipts. */
async function issue(client: Client, actor: Actor, of: ReceiptOf): Promise<ReceiptRow> {
  const row = await ensureReceipt(client, actor.operatorId, of);
  if (row !== undefined) return row;
  throw "cdrId" in of
    ? notFound("CDR", of.cdrId)
    : notFound("posting of money that came or went", of.postingId);
}

/** @throws ApiProblem 422 TAX_ID_INVALID. */
export function checkTaxId(country: string, taxId: string): string {
  if (country !== "BR") return taxId;
  if (taxIdKind(taxId) === undefined)
    throw new ApiProblem(
      422,
      "TAX_ID_INVALID",
      `"${taxId}" is no CPF and no CNPJ: its check digits are wrong`,
    );
  return bareTaxId(taxId);
}

async function setCustomer(client: Client, row: ReceiptRow, customer: ReceiptCustomer): Promise<void> {
  const { name = row.customer_name, taxId = row.customer_tax_id } = customer;
  const checked = typeof taxId === "string" ? checkTaxId(row.document.issuer.country, taxId) : null;
  await client.query(
    `insert into receipt_customer (receipt_id, operator_id, name, tax_id) values ($1, $2, $3, $4)
     on conflict (receipt_id) do update set name = excluded.name, tax_id = excluded.tax_id`,
    [row.receipt_id, row.operator_id, name, checked],
  );
}

function issuingRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/receipts",
    {
      schema: {
        operationId: "createReceipt",
        ...needs("money:write"),
        tags: ["money"],
        description:
          "Of a CDR, or of a posting by which money came or went. Issued once; asked for again, it is the same one.",
        headers: Once,
        body: Type.Ref("NewReceipt"),
        response: { 201: Type.Ref("Receipt") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewReceipt;
      const of = subjectOf(body);
      const written = await writeOnce(actor, request, async (client) => {
        const row = await issue(client, actor, of);
        if (body.customer !== undefined) await setCustomer(client, row, body.customer);
        // Whom it is made out to is the receipt's to know, and not the audit's.
        await audit(client, actor, request, "receipt.create", row.receipt_id, of);
        return { status: 201, body: toReceipt(await readRow(client, actor, row.receipt_id)) };
      });
      const view = written.body as ReceiptView;
      return reply.code(201).header("Location", `/v1/receipts/${view.receiptId}`).send(view);
    },
  );

  app.patch(
    "/v1/receipts/:receiptId/customer",
    {
      schema: {
        operationId: "updateReceiptCustomer",
        ...needs("money:write"),
        tags: ["money"],
        description: "Whom it is made out to. A CPF or CNPJ is checked by its digits.",
        params: Params,
        body: Type.Ref("ReceiptCustomer"),
        response: { 200: Type.Ref("Receipt") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const written = await writeOnce(actor, request, async (client) => {
        const row = await readRow(client, actor, request.params.receiptId);
        await setCustomer(client, row, request.body as ReceiptCustomer);
        await audit(client, actor, request, "receipt.customer", row.receipt_id, {});
        return { status: 200, body: toReceipt(await readRow(client, actor, row.receipt_id)) };
      });
      return written.body as ReceiptView;
    },
  );
}

/** The file of a receipt, as an answer. */
export async function sendReceipt(
  reply: FastifyReply,
  row: ReceiptRow,
  language: Language,
  webUrl: string | undefined,
): Promise<FastifyReply> {
  const bytes = await toPdf(row, language, webUrl === undefined ? null : `${webUrl}/receipts`);
  return reply
    .type("application/pdf")
    .header("Content-Disposition", `inline; filename="receipt-${row.number}.pdf"`)
    .send(bytes);
}

function fileRoutes(app: App, { requireActor, webUrl }: Context): void {
  app.get(
    "/v1/receipts/:receiptId",
    {
      schema: {
        operationId: "getReceipt",
        ...needs("money:read"),
        tags: ["money"],
        params: Params,
        response: { 200: Type.Ref("Receipt") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return toReceipt(await readRow(actor.db, actor, request.params.receiptId));
    },
  );

  app.get(
    "/v1/receipts/:receiptId/pdf",
    {
      schema: {
        operationId: "getReceiptPdf",
        ...needs("money:read"),
        tags: ["money"],
        params: Params,
        querystring: LanguageQuery,
        response: { 200: Pdf },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const row = await readRow(actor.db, actor, request.params.receiptId);
      return sendReceipt(reply as never, row, languageOf(request.query), webUrl);
    },
  );

  app.get(
    "/v1/cdrs/:cdrId/receipt",
    {
      schema: {
        operationId: "getCdrReceipt",
        ...needs("money:read"),
        tags: ["money"],
        description: "The receipt of a CDR as a PDF; issued now where it was not yet.",
        params: Type.Object({ cdrId: Type.String({ maxLength: 64 }) }),
        querystring: LanguageQuery,
        response: { 200: Pdf },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const cdrId = uuid("CDR", request.params.cdrId);
      const row = await actor.db.transaction((client) => issue(client, actor, { cdrId }));
      return sendReceipt(reply as never, row, languageOf(request.query), webUrl);
    },
  );
}

function toCheck(row: ReceiptRow): ReceiptCheck {
  const { document } = row;
  const cdr = document.kind === "cdr" ? document.cdr : undefined;
  const at = (ms: number | undefined) => (ms === undefined ? null : isoOf(new Date(ms)));
  const { code, number, kind, currency, amountMinor, issuedAt } = toReceipt(row);
  return {
    ...{ code, number, kind, currency, amountMinor, issuedAt },
    // Where it was charged, else where the operator keeps its books.
    timeZone: cdr?.timeZone ?? document.issuer.timeZone,
    ...{ issuerName: document.issuer.name, issuerTaxId: document.issuer.taxId },
    ...{ startedAt: at(cdr?.startedAt), endedAt: at(cdr?.endedAt), energyWh: cdr?.energyWh ?? null },
    standing: row.replaced_by === null,
  };
}

/** Checks of one address in a minute: somebody who goes through a pile of receipts has room. */
const CHECKS_PER_MIN = 120;

function checkRoutes(app: App, { pool }: Context): void {
  const limit = createReadLimit(CHECKS_PER_MIN);
  app.get(
    "/v1/receipt-codes/:code",
    {
      schema: {
        operationId: "checkReceiptCode",
        ...open("whoever holds a receipt may check that it is genuine; its code has 80 random bits"),
        tags: ["money"],
        description: "What a receipt says, but for whom it was made out to.",
        params: Type.Object({ code: Type.String({ maxLength: 40 }) }),
        response: { 200: Type.Ref("ReceiptCheck") },
      },
    },
    async (request) => {
      limit(request.ip);
      const code = readReceiptCode(request.params.code);
      const { rows } =
        code === undefined
          ? { rows: [] }
          : await pool.query<ReceiptRow>(`${RECEIPTS} where r.code = $1`, [code]);
      if (rows[0] === undefined) throw notFound("receipt with the code", request.params.code);
      return toCheck(rows[0]);
    },
  );
}

export function receiptRoutes(app: App, context: Context): void {
  issuingRoutes(app, context);
  fileRoutes(app, context);
  checkRoutes(app, context);
}
