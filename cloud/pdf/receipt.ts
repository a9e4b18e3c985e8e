/** A receipt as a PDF, made from what was kept when it was issued, and whom it is made out to. */
import type { CdrLine } from "../core/cdr.ts";
import type { CdrPart, MoneyPart, ReceiptDocument } from "../core/receipt.ts";
import { drawFacts, drawHead, drawTotal, taxIdText } from "./head.ts";
import { ACCENT, INK, LEFT, LINE, QUIET, RIGHT, Sheet, WIDTH } from "./sheet.ts";
import { fill, formatsOf, WORDS, type Formats, type Language, type Words } from "./words.ts";

export type Receipt = {
  number: number;
  code: string;
  issuedAt: number;
  document: ReceiptDocument;
  customer: { name: string | null; taxId: string | null };
  /** Of the CDR that stands in its place now. */
  replacedBy: number | null;
  /** Where anybody may check the code; null: nobody has said what our address is. */
  verifyUrl: string | null;
};

type Pen = { sheet: Sheet; words: Words; formats: Formats };

function quantityOf({ words, formats }: Pen, line: CdrLine): string {
  if (line.unit === "Wh") return formats.kWh(line.quantity);
  if (line.unit === "s") return formats.duration(line.quantity * 1_000);
  return line.unit === "start" ? `${line.quantity} ×` : words.per[line.unit];
}

const priceOf = ({ words, formats }: Pen, line: CdrLine): string =>
  line.unit === "adjustment" ? "" : `${formats.price(line.priceMicro)}${words.per[line.unit]}`;

const COLUMNS = [
  { x: LEFT, width: 196, align: "left" },
  { x: LEFT + 200, width: 92, align: "right" },
  { x: LEFT + 296, width: 110, align: "right" },
  { x: LEFT + 410, width: WIDTH - 410, align: "right" },
] as const;

function row(
  { sheet }: Pen,
  cells: readonly string[],
  style: { bold?: boolean; color?: string; size?: number },
) {
  sheet.need(18);
  const heights = cells.map((cell, i) => {
    const column = COLUMNS[i] ?? COLUMNS[0];
    return sheet.text(cell, column.x, sheet.y, { ...style, width: column.width, align: column.align });
  });
  sheet.y += Math.max(...heights) + 6;
}

/** Sums stand to the right, under the amounts. */
function sum({ sheet }: Pen, label: string, amount: string, bold = false) {
  const style = { bold, color: bold ? INK : QUIET, align: "right", size: bold ? 11 : 9.5 } as const;
  sheet.text(label, LEFT + 150, sheet.y, { ...style, width: 256 });
  const height = sheet.text(amount, LEFT + 410, sheet.y, { ...style, width: WIDTH - 410 });
  sheet.y += height + 4;
}

function drawLines(pen: Pen, cdr: CdrPart): void {
  const { sheet, words, formats } = pen;
  const head = { size: 7.5, color: QUIET, bold: true };
  row(pen, [words.description, words.quantity, words.price, words.amount], head);
  sheet.rule(sheet.y - 3, LEFT, RIGHT, ACCENT);
  sheet.y += 4;
  for (const line of cdr.lines) {
    const name = words.component[line.component];
    row(pen, [name, quantityOf(pen, line), priceOf(pen, line), formats.money(line.amountMinor)], {});
    sheet.rule(sheet.y - 4);
    sheet.y += 2;
  }
  if (cdr.lines.length === 0) row(pen, [words.free, formats.kWh(cdr.energyWh), "", formats.money(0)], {});
  sheet.y += 4;
  if (cdr.tax !== null) {
    const { name, rateBp, included } = cdr.tax;
    const label = `${name} ${formats.percent(rateBp)}${included ? ` (${words.included})` : ""}`;
    sum(pen, words.net, formats.money(cdr.netMinor));
    sum(pen, label, formats.money(cdr.taxMinor));
  }
  sum(pen, words.total, formats.money(cdr.totalMinor), true);
  sheet.y += 10;
}

/** In words, what the numbers rest upon. Flags that say nothing to a driver are left out. */
function qualityLines(words: Words, cdr: CdrPart): string[] {
  const keys = [cdr.timeQuality, cdr.energyQuality, ...cdr.flags];
  return keys.map((key) => words.qualityOf[key]).filter((text) => text !== undefined);
}

function drawNotes({ sheet, words }: Pen, cdr: CdrPart, replacedBy: number | null): void {
  const notes = [...qualityLines(words, cdr)];
  if (cdr.correctsNumber !== null) notes.unshift(fill(words.corrects, { n: cdr.correctsNumber }));
  if (replacedBy !== null) notes.unshift(fill(words.replaced, { n: replacedBy }));
  sheet.need(30 + notes.length * 13);
  sheet.text(words.quality.toUpperCase(), LEFT, sheet.y, { size: 7, color: QUIET, spacing: 0.4 });
  sheet.y += 12;
  for (const note of notes) sheet.y += sheet.text(note, LEFT, sheet.y, { size: 8.5, color: QUIET }) + 2;
  sheet.y += 12;
}

function drawCdr(pen: Pen, cdr: CdrPart, replacedBy: number | null): void {
  const { sheet, words, formats } = pen;
  const total = cdr.totalMinor === 0 ? words.free : formats.money(cdr.totalMinor);
  drawTotal(
    sheet,
    words.total,
    total,
    `${formats.kWh(cdr.energyWh)}\n${formats.duration(cdr.endedAt - cdr.startedAt)} h`,
  );
  const register = (wh: number | null) => (wh === null ? "–" : formats.kWh(wh));
  const facts = [
    [words.place, cdr.siteName],
    [words.station, `${cdr.station} · EVSE ${cdr.evseId}`],
    [words.record, `${words.number} ${cdr.number}`],
    [words.start, formats.time(cdr.startedAt)],
    [words.end, formats.time(cdr.endedAt)],
    [words.meter, `${register(cdr.meterStartWh)} > ${register(cdr.meterStopWh)}`],
  ] as const;
  drawFacts(sheet, facts, 3);
  drawLines(pen, cdr);
  drawNotes(pen, cdr, replacedBy);
  sheet.text(`${words.transaction} ${cdr.transactionId}`, LEFT, sheet.y, { size: 7.5, color: QUIET });
  sheet.y += 16;
}

function drawMoney({ sheet, words, formats }: Pen, money: MoneyPart): void {
  const label = money.amountMinor < 0 ? words.amountRefunded : words.amountReceived;
  const when = formats.time(money.occurredAt);
  drawTotal(sheet, label, formats.money(Math.abs(money.amountMinor)), when);
  const facts = [
    [words.description, words.kind[money.kind]],
    [words.provider, money.provider ?? words.kind.transfer],
    [words.date, when],
    [words.payment, money.paymentId ?? "–"],
    [words.reference, money.reference],
  ] as const;
  drawFacts(sheet, facts, 3);
}

function drawVerification({ sheet, words }: Pen, receipt: Receipt): void {
  sheet.need(110);
  sheet.rule(sheet.y);
  const top = sheet.y + 14;
  const { code, verifyUrl } = receipt;
  const x = verifyUrl === null ? LEFT : LEFT + 84;
  if (verifyUrl !== null) sheet.qr(`${verifyUrl}/${code}`, LEFT, top, 66);
  sheet.text(words.verify.toUpperCase(), x, top + 4, { size: 7, color: QUIET, spacing: 0.4 });
  sheet.text(code, x, top + 16, { size: 14, bold: true, color: ACCENT, spacing: 0.6 });
  const hint = verifyUrl === null ? words.verifyHint : fill(words.verifyAt, { url: verifyUrl });
  sheet.text(hint, x, top + 38, { size: 8.5, color: QUIET });
  sheet.y = top + 80;
}

const titleOf = (words: Words, { document }: Receipt): string => {
  if (document.kind === "cdr") return words.receipt;
  return document.money.amountMinor < 0 ? words.refundReceipt : words.paymentReceipt;
};

/** The same receipt in the same language is the same file, byte by byte. */
export async function receiptPdf(receipt: Receipt, language: Language): Promise<Buffer> {
  const { document, customer } = receipt;
  const { issuer, currency } = document;
  const words = WORDS[language];
  const zone = document.kind === "cdr" ? document.cdr.timeZone : issuer.timeZone;
  const formats = formatsOf(language, currency, zone);
  const title = titleOf(words, receipt);
  const number = `${words.number} ${receipt.number}`;
  const issued = `${words.issued} ${formats.time(receipt.issuedAt)}`;
  const createdAt = new Date(receipt.issuedAt);
  const sheet = new Sheet({ title: `${title} ${number}`, author: issuer.name, language, createdAt });
  const pen = { sheet, words, formats };
  drawHead(sheet, issuer, title, [number, issued, zone]);
  sheet.rule(sheet.y - 6, LEFT, RIGHT, LINE);
  sheet.y += 8;
  if (customer.name !== null || customer.taxId !== null) {
    const taxId = customer.taxId === null ? null : taxIdText(customer.taxId);
    const who = [customer.name, taxId].filter((text) => text !== null).join(" · ");
    drawFacts(sheet, [[words.customer, who]], 1);
  }
  if (document.kind === "cdr") drawCdr(pen, document.cdr, receipt.replacedBy);
  else drawMoney(pen, document.money);
  drawVerification(pen, receipt);
  if (issuer.footer !== null) {
    sheet.need(30);
    sheet.y += sheet.text(issuer.footer, LEFT, sheet.y, { size: 8.5, color: QUIET }) + 4;
  }
  if (issuer.country === "BR") sheet.text(words.notFiscal, LEFT, sheet.y, { size: 7.5, color: QUIET });
  return sheet.end((n, m) => `${issuer.name} · ${title} ${number} · ${fill(words.page, { n, m })}`);
}
