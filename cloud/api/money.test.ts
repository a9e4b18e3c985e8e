/** CDRs, ledger, statements, receipts and the operator's settings in the API. */
import { randomUUID } from "node:crypto";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EntryBody } from "../../shared/entry.ts";
import { inTransaction } from "../db/pool.ts";
import { openTestApi, openTestDb, start16, stop16, storeAll, type TestApi, type TestDb } from "../harness.ts";
import {
  auditBooks,
  billingOf,
  cdrsOf,
  giveTariff,
  justAfter,
  openSite,
  type MoneySite,
} from "../harness-money.ts";
import { makeCdrs } from "../jobs/cdrs.ts";
import { makeStatements } from "../jobs/statements.ts";
import { balance } from "../ledger.ts";
import { paymentReceived } from "../core/ledger.ts";
import { post } from "../ledger.ts";
import { createApiKey } from "./actor.ts";
import type {
  BillingItem,
  CdrView,
  LedgerAccountView,
  LedgerPostingView,
  OperatorView,
  ReceiptCheck,
  ReceiptView,
  StatementLineView,
  StatementView,
} from "./money-schemas.ts";
import type { Page, TransactionDetail } from "./schemas.ts";

let db: TestDb;
let api: TestApi;
let site: MoneySite;
let key: string;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  await api.app.ready();
});
afterAll(async () => {
  await api.close();
  await db.close();
});
beforeEach(async () => {
  site = await openSite(db);
  key = await createApiKey(db.pool, site.operatorId, "books");
});

const happen = (...bodies: EntryBody[]) => storeAll(db.pool, site.journal.commit(bodies));
async function ok<T>(path: string): Promise<T> {
  const reply = await api.get(path, key);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as T;
}
type Method = "POST" | "PATCH";
const send = (method: Method, path: string, body: unknown, headers: Record<string, string> = {}) =>
  api.send(method, path, body, { authorization: `Bearer ${key}`, ...headers });
async function done<T>(method: Method, path: string, body: unknown): Promise<T> {
  const reply = await send(method, path, body);
  expect(reply.status, reply.text).toBeLessThan(300);
  return reply.body as T;
}
/** The code of a refusal. */
async function refused(method: Method, path: string, body: unknown): Promise<[number, string]> {
  const reply = await send(method, path, body);
  return [reply.status, (reply.body as { code: string }).code];
}
const owes = (account: string) => balance(db.pool, site.operatorId, account, "BRL");

/** A transaction of 4 kWh at R$ 8.00, billed. */
async function billed(idTag = "TAG1", wireId = 7): Promise<CdrView> {
  const id = randomUUID();
  await happen(start16(site.cp, id, { idTag, wireId }), stop16(site.cp, id, { wireId }));
  await makeCdrs(db.pool);
  const [cdr] = (await ok<Page<CdrView>>(`/v1/cdrs?transactionId=${id}`)).items;
  if (cdr === undefined) throw new Error("it has a CDR");
  return cdr;
}

/** The words of a PDF, as its streams hold them. */
function textOf(pdf: Buffer): string {
  const raw = pdf.toString("latin1");
  const texts: string[] = [];
  // By their lengths: the last byte of a stream may look like the end of a line.
  for (const match of raw.matchAll(/\/Length (\d+)\n\/Filter \/FlateDecode\n>>\nstream\n/g)) {
    const begin = match.index + match[0].length;
    const content = inflateSync(pdf.subarray(begin, begin + Number(match[1]))).toString("latin1");
    for (const [, array] of content.matchAll(/\[([^\]]*)\] TJ/g)) {
      const hex = [...(array ?? "").matchAll(/<([0-9a-f]*)>/g)].map((part) => part[1]).join("");
      texts.push(Buffer.from(hex, "hex").toString("latin1"));
    }
  }
  return texts.join("\n");
}
async function pdf(path: string): Promise<Buffer> {
  const reply = await api.app.inject({
    method: "GET",
    url: path,
    headers: { authorization: `Bearer ${key}` },
  });
  expect(reply.statusCode, reply.body.slice(0, 300)).toBe(200);
  expect(reply.headers["content-type"]).toBe("application/pdf");
  return reply.rawPayload;
}

describe("CDRs", () => {
  beforeEach(async () => void (await giveTariff(db, site.operatorId)));

  test("are listed by what one asks for", async () => {
    const first = await billed("A", 7);
    const second = await billed("B", 8);
    const numbers = async (query: string) =>
      (await ok<Page<CdrView>>(`/v1/cdrs?${query}`)).items.map((cdr) => cdr.number).sort((a, b) => a - b);
    expect(await numbers("limit=10")).toEqual([1, 2]);
    expect(await numbers("idToken=A")).toEqual([1]);
    expect(await numbers("payer=token:b")).toEqual([2]);
    expect(await numbers(`siteId=${site.journal.siteId}&stationId=${site.cp}`)).toEqual([1, 2]);
    expect(await numbers("status=corrected")).toEqual([]);
    expect(await numbers(`from=${encodeURIComponent(first.endedAt)}`)).toEqual([1, 2]);
    expect(await numbers(`to=${encodeURIComponent(first.endedAt)}`)).toEqual([]);
    const page = await ok<Page<CdrView>>("/v1/cdrs?limit=1");
    const next = await ok<Page<CdrView>>(`/v1/cdrs?limit=1&cursor=${page.nextCursor}`);
    expect(new Set([page.items[0]?.cdrId, next.items[0]?.cdrId])).toEqual(
      new Set([first.cdrId, second.cdrId]),
    );
    expect(await ok<CdrView>(`/v1/cdrs/${first.cdrId}`)).toMatchObject({
      ...{ status: "standing", energyWh: 4_000, netMinor: 727, taxMinor: 73, totalMinor: 800 },
      lines: [{ component: "energy", quantity: 4_000, priceMicro: 2_000_000, amountMinor: 800 }],
    });
    expect(await ok<TransactionDetail>(`/v1/transactions/${first.transactionId}`)).toMatchObject({
      billing: { status: "billed", reasons: [], cdrId: first.cdrId },
    });
    expect((await api.get(`/v1/cdrs/${randomUUID()}`, key)).status).toBe(404);
    expect((await api.get("/v1/cdrs/nonsense", key)).status).toBe(404);
  });

  test("are corrected by another price, then by another energy; the books follow", async () => {
    const cdr = await billed();
    const path = `/v1/cdrs/${cdr.cdrId}/corrections`;
    const reason = "the cable was broken";
    expect(await refused("POST", path, { reason })).toEqual([422, "CORRECTION_UNCLEAR"]);
    expect(await refused("POST", path, { reason, totalMinor: 800 })).toEqual([422, "NOTHING_CHANGES"]);
    const second = await done<CdrView>("POST", path, { reason, totalMinor: 550 });
    expect(second).toMatchObject({
      ...{ number: 2, corrects: cdr.cdrId, cause: "manual", reason, createdBy: "books" },
      ...{ totalMinor: 550, netMinor: 500, taxMinor: 50, energyWh: 4_000 },
      lines: [{ component: "correction", amountMinor: 550 }],
    });
    expect(await refused("POST", path, { reason, totalMinor: 1 })).toEqual([409, "CDR_CORRECTED"]);
    expect(await owes("token:tag1")).toBe(550);
    const third = await done<CdrView>("POST", `/v1/cdrs/${second.cdrId}/corrections`, {
      reason,
      energyWh: 1_000,
    });
    expect(third).toMatchObject({ totalMinor: 200, energyWh: 1_000, energyQuality: "decided" });
    expect(await ok<CdrView>(`/v1/cdrs/${cdr.cdrId}`)).toMatchObject({
      ...{ status: "corrected", correctedBy: second.cdrId, totalMinor: 800 },
    });
    expect(await auditBooks(db, site.operatorId)).toEqual([]);
    const audit = await db.rows("select action from audit where operator_id = $1", site.operatorId);
    expect(audit).toHaveLength(2);
    // The job finds nothing to do about it: the facts are the same.
    await db.pool.query("update transaction_billing set due_at = now() where operator_id = $1", [
      site.operatorId,
    ]);
    expect(await makeCdrs(db.pool)).toBe(0);
  });

  test("that were corrected by hand are not changed by what arrives later without a person", async () => {
    const cdr = await billed();
    const body = { reason: "goodwill", totalMinor: 100 };
    const second = await done<CdrView>("POST", `/v1/cdrs/${cdr.cdrId}/corrections`, body);
    const late = () =>
      db.pool.query("update transaction set meter_stop_wh = meter_stop_wh + 1000 where transaction_id = $1", [
        cdr.transactionId,
      ]);
    await late();
    await makeCdrs(db.pool);
    const [item] = (await ok<Page<BillingItem>>("/v1/billing-items?status=held")).items;
    expect(item).toMatchObject({ reasons: ["changed-after-correction"], cdrId: second.cdrId });
    const path = `/v1/billing-items/${cdr.transactionId}/decision`;
    expect(await done<BillingItem>("POST", path, { decision: "keep", note: "still fine" })).toMatchObject({
      ...{ status: "billed", cdrId: second.cdrId, decidedBy: "books" },
    });
    expect(await owes("token:tag1")).toBe(100);
    await late();
    await makeCdrs(db.pool);
    expect(await billingOf(db, cdr.transactionId)).toMatchObject({ status: "held" });
    await done("POST", path, { decision: "bill", note: "as metered" });
    expect((await cdrsOf(db, cdr.transactionId)).at(-1)).toMatchObject({
      energy_wh: 6_000,
      cause: "decision",
    });
    expect(await owes("token:tag1")).toBe(1_200);
    expect(await auditBooks(db, site.operatorId)).toEqual([]);
  });
});

describe("what is held", () => {
  beforeEach(async () => void (await giveTariff(db, site.operatorId)));

  async function withoutRegister(): Promise<string> {
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id));
    await db.pool.query("update transaction set meter_start_wh = null where transaction_id = $1", [id]);
    await makeCdrs(db.pool);
    return id;
  }

  test("an energy that nobody knows is said by a person, or waived", async () => {
    const [billedId, waivedId] = [await withoutRegister(), await withoutRegister()];
    expect(await billingOf(db, billedId)).toMatchObject({ status: "held", reasons: ["energy-unknown"] });
    const path = (id: string) => `/v1/billing-items/${id}/decision`;
    const note = "read off the display";
    expect(await refused("POST", path(billedId), { decision: "bill", note })).toEqual([
      422,
      "ENERGY_MISSING",
    ]);
    expect(await refused("POST", path(billedId), { decision: "keep", note })).toEqual([
      422,
      "NOTHING_STANDS",
    ]);
    await done("POST", path(billedId), { decision: "bill", energyWh: 2_500, note });
    expect(await cdrsOf(db, billedId)).toMatchObject([
      { energy_wh: 2_500, total_minor: 500, energy_quality: "decided", cause: "decision" },
    ]);
    expect(await refused("POST", path(billedId), { decision: "waive", note })).toEqual([409, "NOT_HELD"]);
    await done("POST", path(waivedId), { decision: "waive", note });
    expect(await cdrsOf(db, waivedId)).toMatchObject([{ total_minor: 0, flags: ["no-energy", "waived"] }]);
    expect(await makeCdrs(db.pool)).toBe(0);
    expect(await auditBooks(db, site.operatorId)).toEqual([]);
  });

  test("what the work queue knows of is decided there", async () => {
    const id = randomUUID();
    await happen(start16(site.cp, id), stop16(site.cp, id, {}, { flags: ["conflicting-stop"] }));
    await makeCdrs(db.pool);
    const path = `/v1/billing-items/${id}/decision`;
    expect(await refused("POST", path, { decision: "bill", note: "x" })).toEqual([409, "REVIEW_FIRST"]);
    const reply = await send("POST", `/v1/reviews/transaction:${id}/resolve`, { action: "accept" });
    expect(reply.status, reply.text).toBe(200);
    await makeCdrs(db.pool);
    expect(await billingOf(db, id)).toMatchObject({ status: "billed" });
  });
});

describe("the ledger", () => {
  beforeEach(async () => void (await giveTariff(db, site.operatorId)));

  test("tells accounts with their balances, and what moved them", async () => {
    const cdr = await billed();
    const accounts = await ok<Page<LedgerAccountView>>("/v1/ledger/accounts");
    expect(accounts.items.map((a) => [a.account, a.balances])).toEqual([
      ["revenue", [{ currency: "BRL", amountMinor: -727 }]],
      ["tax", [{ currency: "BRL", amountMinor: -73 }]],
      ["token:tag1", [{ currency: "BRL", amountMinor: 800 }]],
    ]);
    const postings = await ok<Page<LedgerPostingView>>("/v1/ledger/postings?account=token:tag1");
    expect(postings.items).toMatchObject([
      { reference: `cdr:${cdr.cdrId}`, kind: "charge", cdrId: cdr.cdrId },
    ]);
    expect((await ok<Page<LedgerPostingView>>("/v1/ledger/postings?kind=refund")).items).toEqual([]);
  });

  test("takes what people book: balanced, on accounts that are known, once per key; and takes it back once", async () => {
    await billed();
    const path = "/v1/ledger/postings";
    const writeOff = (minor: number, account = "token:tag1") => ({
      ...{ kind: "write-off", note: "card is gone" },
      entries: [
        { account: "write-off", currency: "BRL", amountMinor: minor },
        { account, currency: "BRL", amountMinor: -800 },
      ],
    });
    expect(await refused("POST", path, writeOff(799))).toEqual([422, "POSTING_INVALID"]);
    expect(await refused("POST", path, writeOff(800, "token:tag2"))).toEqual([404, "NOT_FOUND"]);
    const once = { "idempotency-key": randomUUID() };
    const [a, b] = [
      await send("POST", path, writeOff(800), once),
      await send("POST", path, writeOff(800), once),
    ];
    expect([a.status, b.body]).toEqual([201, a.body]);
    expect(await owes("token:tag1")).toBe(0);
    const posting = a.body as LedgerPostingView;
    const back = await done<LedgerPostingView>("POST", `${path}/${posting.postingId}/reversal`, {
      note: "found",
    });
    expect(back).toMatchObject({ kind: "reversal", reverses: posting.reference, bookedBy: "books" });
    await done("POST", `${path}/${posting.postingId}/reversal`, { note: "found" });
    expect(await owes("token:tag1")).toBe(800);
    const [charge] = (await ok<Page<LedgerPostingView>>(`${path}?kind=charge`)).items;
    expect(await refused("POST", `${path}/${charge?.postingId}/reversal`, { note: "x" })).toEqual([
      ...[409, "NOT_BY_HAND"],
    ]);
  });
});

describe("statements", () => {
  beforeEach(async () => void (await giveTariff(db, site.operatorId)));

  test("say what the ledger says: opening, charges, payments, closing, one after the other", async () => {
    const before = new Date(Date.now() - 60_000).toISOString();
    await billed();
    const between = await justAfter();
    const second = await billed("TAG1", 8);
    await done("POST", `/v1/cdrs/${second.cdrId}/corrections`, { reason: "goodwill", totalMinor: 500 });
    const payment = paymentReceived({
      ...{ reference: "payment:p1:captured", occurredAt: Date.now(), currency: "BRL", amountMinor: 1_000 },
      ...{ payer: "token:tag1", provider: "sandbox", paymentId: "p1" },
    });
    await inTransaction(db.pool, (client) => post(client, site.operatorId, payment));
    const after = await justAfter();
    const make = (from: string, to: string) =>
      done<StatementView>("POST", "/v1/statements", { account: "token:tag1", from, to });
    const first = await make(before, between);
    const next = await make(between, after);
    expect(first).toMatchObject({
      openingMinor: 0,
      chargesMinor: 800,
      closingMinor: 800,
      number: 1,
      cdrCount: 1,
    });
    expect(next).toMatchObject({
      ...{ openingMinor: 800, chargesMinor: 500, paymentsMinor: -1_000, otherMinor: 0, closingMinor: 300 },
      ...{ number: 2, cdrCount: 1, energyWh: 4_000 },
    });
    expect(next.closingMinor).toBe(await owes("token:tag1"));
    expect(await make(between, after)).toEqual(next);
    const detail = await ok<{ lines: StatementLineView[] }>(`/v1/statements/${next.statementId}`);
    expect(detail.lines.map((line) => [line.kind, line.amountMinor])).toEqual([
      ["charge", 800],
      ["reversal", -800],
      ["charge", 500],
      ["payment", -1_000],
    ]);
    expect((await ok<Page<StatementView>>("/v1/statements?account=token:tag1")).items).toHaveLength(2);
    const text = textOf(await pdf(`/v1/statements/${next.statementId}/pdf`));
    expect(text).toContain("Extrato");
    expect(text).toContain("R$ 3,00 a pagar");
    const english = textOf(await pdf(`/v1/statements/${next.statementId}/pdf?language=en`));
    expect(english).toContain("Closing balance");
  });

  test("are of what is over, of accounts that there are", async () => {
    await billed();
    const account = "token:tag1";
    const soon = {
      account,
      from: new Date(0).toISOString(),
      to: new Date(Date.now() + 60_000).toISOString(),
    };
    expect(await refused("POST", "/v1/statements", soon)).toEqual([422, "PERIOD_NOT_OVER"]);
    expect(await refused("POST", "/v1/statements", { account })).toEqual([422, "PERIOD_UNCLEAR"]);
    const unknown = { account: "token:nobody", month: "2026-01" };
    expect(await refused("POST", "/v1/statements", unknown)).toEqual([404, "NOT_FOUND"]);
  });

  test("of a month are made when it is over, by the operator's calendar, once, and by several jobs at a time", async () => {
    await db.pool.query("alter table ledger_posting disable trigger user");
    await db.pool.query("alter table ledger_entry disable trigger user");
    await db.pool.query("alter table cdr disable trigger user");
    await db.pool.query("update operator set time_zone = 'Pacific/Auckland' where operator_id = $1", [
      site.operatorId,
    ]);
    await billed("TAG1", 7);
    await billed("TAG2", 8);
    // As if they had been booked in the last moments of the operator's last month, and the first ones of this.
    const end = `(date_trunc('month', now() at time zone 'Pacific/Auckland') at time zone 'Pacific/Auckland')`;
    for (const [token, sign] of [
      ["TAG1", "-"],
      ["TAG2", "+"],
    ] as const) {
      const at = `${end} ${sign} interval '1 second'`;
      const cdr = "(select cdr_id from cdr where operator_id = $1 and id_token = $2)";
      const posting = `(select posting_id from ledger_posting where cdr_id = ${cdr})`;
      await db.pool.query(
        `update ledger_entry set booked_at = ${at} where posting_id = ${posting} and operator_id = $1`,
        [...[site.operatorId, token]],
      );
      await db.pool.query(`update ledger_posting set booked_at = ${at} where cdr_id = ${cdr}`, [
        site.operatorId,
        token,
      ]);
      await db.pool.query(`update cdr set created_at = ${at} where cdr_id = ${cdr}`, [
        site.operatorId,
        token,
      ]);
    }
    for (const table of ["ledger_posting", "ledger_entry", "cdr"])
      await db.pool.query(`alter table ${table} enable trigger user`);
    await Promise.all([makeStatements(db.pool), makeStatements(db.pool)]);
    expect(await makeStatements(db.pool)).toBe(0);
    const { items } = await ok<Page<StatementView>>("/v1/statements");
    expect(items).toMatchObject([
      { account: "token:tag1", chargesMinor: 800, closingMinor: 800, cdrCount: 1, createdBy: "month-end" },
    ]);
    expect(new Date(items[0]?.to ?? "").toLocaleString("en-GB", { timeZone: "Pacific/Auckland" })).toMatch(
      /^01\/\d\d\/\d{4}, 00:00:00$/,
    );
  });
});

describe("receipts", () => {
  beforeEach(async () => {
    await giveTariff(db, site.operatorId);
    await done<OperatorView>("PATCH", "/v1/operator", {
      ...{ legalName: "Recargas São João Ltda.", taxId: "11.222.333/0001-81", address: "Rua das Flores, 1" },
    });
  });

  test("of a CDR: the same file each time, in both languages, with all that was reckoned", async () => {
    const cdr = await billed();
    const path = `/v1/cdrs/${cdr.cdrId}/receipt`;
    const first = await pdf(path);
    expect((await pdf(path)).equals(first)).toBe(true);
    const text = textOf(first);
    for (const part of ["Recibo de recarga", "Recargas São João Ltda.", "CNPJ 11.222.333/0001-81", "R$ 8,00"])
      expect(text).toContain(part);
    expect(text).toContain("ISS 10 % (incluído)");
    expect(text).toContain("Horários informados pela estação.");
    expect(textOf(await pdf(`${path}?language=en`))).toContain("Times as told by the station.");
    expect((await api.get(`${path}?language=xx`, key)).status).toBe(400);
  });

  test("are numbered without gaps, one for each, however many ask at once", async () => {
    const cdrs = [await billed("A", 7), await billed("B", 8)];
    const asked = cdrs.flatMap((cdr) => [cdr, cdr, cdr, cdr]);
    const views = await Promise.all(
      asked.map((cdr) => done<ReceiptView>("POST", "/v1/receipts", { cdrId: cdr.cdrId })),
    );
    expect(new Set(views.map((view) => view.number))).toEqual(new Set([1, 2]));
    expect(new Set(views.map((view) => view.code)).size).toBe(2);
    expect(await refused("POST", "/v1/receipts", { cdrId: randomUUID() })).toEqual([404, "NOT_FOUND"]);
    expect(await refused("POST", "/v1/receipts", {})).toEqual([422, "RECEIPT_UNCLEAR"]);
  });

  test("say what they said when they were issued; whom they are made out to may be put in, and go", async () => {
    const cdr = await billed();
    const body = { cdrId: cdr.cdrId, customer: { name: "Maria Araújo", taxId: "529.982.247-25" } };
    const wrong = { cdrId: cdr.cdrId, customer: { taxId: "529.982.247-26" } };
    expect(await refused("POST", "/v1/receipts", wrong)).toEqual([422, "TAX_ID_INVALID"]);
    const view = await done<ReceiptView>("POST", "/v1/receipts", body);
    expect(view).toMatchObject({ customerTaxId: "52998224725", amountMinor: 800, kind: "cdr" });
    await done("PATCH", "/v1/operator", { legalName: "Another Name", taxId: null });
    const text = textOf(await pdf(`/v1/receipts/${view.receiptId}/pdf`));
    expect(text).toContain("Maria Araújo · CPF 529.982.247-25");
    expect(text).toContain("Recargas São João Ltda.");
    const path = `/v1/receipts/${view.receiptId}/customer`;
    expect(await done<ReceiptView>("PATCH", path, { name: null, taxId: null })).toMatchObject({
      ...{ customerName: null, customerTaxId: null },
    });
    expect(textOf(await pdf(`/v1/receipts/${view.receiptId}/pdf`))).not.toContain("Maria");
    expect(JSON.stringify(await db.rows("select detail from audit"))).not.toContain("52998224725");
  });

  test("of a driver bear its name, as does its statement, and no name when it has gone", async () => {
    const driverId = randomUUID();
    await db.pool.query(
      "insert into driver (driver_id, operator_id, name, tax_id) values ($1, $2, 'João Pereira', '52998224725')",
      [driverId, site.operatorId],
    );
    await db.pool.query(
      `insert into id_token (operator_id, id_token, driver_id, driver_since) values ($1, 'CARD', $2, '2020-01-01')`,
      [site.operatorId, driverId],
    );
    const from = new Date(Date.now() - 60_000).toISOString();
    const cdr = await billed("card");
    expect(cdr).toMatchObject({ payer: `driver:${driverId}`, driverId });
    const path = `/v1/cdrs/${cdr.cdrId}/receipt`;
    expect(textOf(await pdf(path))).toContain("João Pereira · CPF 529.982.247-25");
    const statement = { account: `driver:${driverId}`, from, to: await justAfter() };
    const { statementId } = await done<StatementView>("POST", "/v1/statements", statement);
    expect(textOf(await pdf(`/v1/statements/${statementId}/pdf`))).toContain("Motorista · João Pereira");
    await db.pool.query(
      "update driver set status = 'erased', erased_at = now(), name = null, tax_id = null where driver_id = $1",
      [driverId],
    );
    expect(textOf(await pdf(path))).not.toContain("Pereira");
  });

  test("are checked by anybody who has the code, who also learns of a correction", async () => {
    const cdr = await billed();
    const { code } = await done<ReceiptView>("POST", "/v1/receipts", { cdrId: cdr.cdrId });
    const check = async (text: string) => {
      const reply = await api.app.inject({
        method: "GET",
        url: `/v1/receipt-codes/${encodeURIComponent(text)}`,
      });
      return { status: reply.statusCode, body: JSON.parse(reply.body) as ReceiptCheck };
    };
    const typed = code.toLowerCase().replaceAll("-", " ").replaceAll("0", "o");
    expect(await check(typed)).toMatchObject({
      body: { code, amountMinor: 800, energyWh: 4_000, issuerTaxId: "11222333000181", standing: true },
    });
    expect((await check("0000-0000-0000-0000")).status).toBe(404);
    expect((await check("x")).status).toBe(404);
    await done("POST", `/v1/cdrs/${cdr.cdrId}/corrections`, { reason: "x", totalMinor: 1 });
    expect(await check(code)).toMatchObject({ body: { amountMinor: 800, standing: false } });
    expect(textOf(await pdf(`/v1/cdrs/${cdr.cdrId}/receipt`))).toContain("substituído pelo registro nº 2");
  });

  test("are checked so often from one address, and no more", async () => {
    const check = (remoteAddress: string) =>
      api.app.inject({ method: "GET", url: "/v1/receipt-codes/0000-0000-0000-0000", remoteAddress });
    for (let i = 0; i < 120; i++) expect((await check("203.0.113.9")).statusCode).toBe(404);
    const refusal = await check("203.0.113.9");
    expect([refusal.statusCode, refusal.json<{ code: string }>().code]).toEqual([429, "TOO_MANY_REQUESTS"]);
    expect((await check("203.0.113.10")).statusCode).toBe(404);
  });

  test("of money: what was paid and what was given back; of nothing else", async () => {
    const cdr = await billed();
    const payment = paymentReceived({
      ...{ reference: "payment:p1:paid", occurredAt: Date.now(), currency: "BRL", amountMinor: 1_000 },
      ...{ payer: "token:tag1", provider: "mercado-pago", paymentId: "p1" },
    });
    const booked = await inTransaction(db.pool, (client) => post(client, site.operatorId, payment));
    const view = await done<ReceiptView>("POST", "/v1/receipts", { postingId: booked.postingId });
    expect(view).toMatchObject({ kind: "payment", amountMinor: 1_000, cdrId: null });
    const text = textOf(await pdf(`/v1/receipts/${view.receiptId}/pdf?language=en`));
    expect(text).toContain("Payment receipt");
    expect(text).toContain("R$10.00");
    const [charge] = (await ok<Page<LedgerPostingView>>(`/v1/ledger/postings?cdrId=${cdr.cdrId}`)).items;
    expect(await refused("POST", "/v1/receipts", { postingId: charge?.postingId })).toEqual([
      404,
      "NOT_FOUND",
    ]);
  });
});

describe("the operator", () => {
  test("says what stands on its receipts; what cannot be is refused", async () => {
    const path = "/v1/operator";
    expect(await refused("PATCH", path, { taxId: "11.222.333/0001-80" })).toEqual([422, "TAX_ID_INVALID"]);
    expect(await refused("PATCH", path, { timeZone: "Moon/Base" })).toEqual([400, "UNKNOWN_TIME_ZONE"]);
    expect(await refused("PATCH", path, { operatorId: "x" })).toEqual([400, "INVALID_REQUEST"]);
    await done("PATCH", path, {
      country: "DE",
      taxId: "DE 123456789",
      currency: "EUR",
      timeZone: "Europe/Berlin",
    });
    expect(await ok<OperatorView>(path)).toMatchObject({
      ...{
        operatorId: site.operatorId,
        country: "DE",
        taxId: "DE 123456789",
        currency: "EUR",
        legalName: null,
      },
    });
    const helper = await createApiKey(db.pool, site.operatorId, "support", { role: "support" });
    const reply = await api.send("PATCH", path, {}, { authorization: `Bearer ${helper}` });
    expect(reply.status).toBe(403);
  });
});
