/** A statement as a PDF: what an account began with, everything that moved it, what it ended with. */
import { parseAccount, type PayerKind } from "../core/ledger.ts";
import type { Issuer } from "../core/receipt.ts";
import type { StatementLine, StatementRow } from "../statements.ts";
import { drawFacts, drawHead, drawTotal } from "./head.ts";
import { ACCENT, INK, LEFT, QUIET, RIGHT, Sheet, TINT, WIDTH } from "./sheet.ts";
import { fill, formatsOf, WORDS, type Formats, type Language, type Words } from "./words.ts";

/** More do not fit into a file that anybody reads; they are in the API. */
export const PDF_LINES_MAX = 2_000;

export type StatementDocument = {
  statement: StatementRow;
  lines: readonly StatementLine[];
  issuer: Issuer;
  /** Who owes it, by name; null: nobody has said. */
  partyName: string | null;
};

type Pen = { sheet: Sheet; words: Words; formats: Formats };

const COLUMNS = [
  { x: LEFT, width: 70, align: "left" },
  { x: LEFT + 74, width: 262, align: "left" },
  { x: LEFT + 340, width: 70, align: "right" },
  { x: LEFT + 414, width: WIDTH - 414, align: "right" },
] as const;

function cells(
  { sheet }: Pen,
  texts: readonly string[],
  style: { bold?: boolean; color?: string; size?: number },
) {
  const heights = texts.map((text, i) => {
    const column = COLUMNS[i] ?? COLUMNS[0];
    return sheet.text(text, column.x, sheet.y, {
      size: 8.5,
      ...style,
      width: column.width,
      align: column.align,
    });
  });
  sheet.y += Math.max(...heights) + 3;
}

function drawTableHead(pen: Pen): void {
  const { words, sheet } = pen;
  const style = { size: 7.5, color: QUIET, bold: true };
  cells(pen, [words.date, words.description, words.energy, words.amount], style);
  sheet.rule(sheet.y, LEFT, RIGHT, ACCENT);
  sheet.y += 6;
}

function describe({ words, formats }: Pen, line: StatementLine): string {
  const what = words.kind[line.kind];
  if (line.cdr_number === null || line.started_at === null || line.ended_at === null)
    return line.note === null ? `${what} · ${line.reference}` : `${what} · ${line.note}`;
  const where = [line.site_name, line.station_id].filter((text) => text !== null).join(", ");
  const when = `${formats.time(line.started_at.getTime())} – ${formats.time(line.ended_at.getTime())}`;
  const token = line.id_token === null ? "" : ` · ${line.id_token}`;
  return `${what} ${words.number} ${line.cdr_number} · ${where}\n${when}${token}`;
}

function drawLine(pen: Pen, line: StatementLine): void {
  const { sheet, formats } = pen;
  sheet.need(30);
  const { energy_wh: energyWh } = line;
  const energy = energyWh === null || line.cdr_number === null ? "" : formats.kWh(energyWh);
  const amount = formats.money(line.amount_minor);
  cells(pen, [formats.date(line.booked_at.getTime()), describe(pen, line), energy, amount], {});
  sheet.rule(sheet.y - 1);
  sheet.y += 4;
}

function drawSums({ sheet, words, formats }: Pen, statement: StatementRow): void {
  const sums = [
    [words.opening, statement.opening_minor],
    [words.charges, statement.charges_minor],
    [words.payments, statement.payments_minor],
    [words.other, statement.other_minor],
  ] as const;
  sheet.need(100);
  sheet.y += 8;
  for (const [label, minor] of sums) {
    sheet.text(label, LEFT, sheet.y, { color: QUIET, width: 404, align: "right" });
    sheet.text(formats.money(minor), LEFT + 414, sheet.y, {
      color: QUIET,
      width: WIDTH - 414,
      align: "right",
    });
    sheet.y += 15;
  }
  sheet.box(LEFT + 230, sheet.y, WIDTH - 230, 24, TINT, 4);
  const style = { bold: true, size: 11, color: INK, align: "right" } as const;
  sheet.text(words.closing, LEFT, sheet.y + 7, { ...style, width: 404 });
  const width = WIDTH - 414 - 8;
  sheet.text(formats.money(statement.closing_minor), LEFT + 414, sheet.y + 7, { ...style, width });
  sheet.y += 36;
}

function partyOf(words: Words, { statement, partyName }: StatementDocument): string {
  const parsed = parseAccount(statement.account);
  const kind = words.payer[(parsed?.kind ?? "unassigned") as PayerKind];
  return partyName === null ? `${kind} ${parsed?.subject ?? ""}` : `${kind} · ${partyName}`;
}

export async function statementPdf(document: StatementDocument, language: Language): Promise<Buffer> {
  const { statement, lines, issuer } = document;
  const words = WORDS[language];
  const formats = formatsOf(language, statement.currency, statement.time_zone);
  const number = `${words.number} ${statement.number}`;
  const createdAt = statement.created_at;
  // The end is the first moment that does not belong to it any more.
  const [from, to] = [statement.period_from.getTime(), statement.period_to.getTime() - 1];
  const period = `${formats.date(from)} – ${formats.date(to)}`;
  const sheet = new Sheet({
    title: `${words.statement} ${number}`,
    author: issuer.name,
    language,
    createdAt,
  });
  const pen = { sheet, words, formats };
  const issued = `${words.issued} ${formats.time(createdAt.getTime())}`;
  drawHead(sheet, issuer, words.statement, [number, period, issued]);
  sheet.rule(sheet.y - 6);
  sheet.y += 8;
  const closing = statement.closing_minor;
  const side = closing === 0 ? "" : closing > 0 ? ` ${words.owed}` : ` ${words.credit}`;
  const beside = `${statement.cdr_count} ${words.sessions}\n${formats.kWh(statement.energy_wh)}`;
  drawTotal(sheet, words.closing, `${formats.money(Math.abs(closing))}${side}`, beside);
  const facts = [
    [words.customer, partyOf(words, document)],
    [words.period, `${period} (${statement.time_zone})`],
  ] as const;
  drawFacts(sheet, facts, 2);
  drawTableHead(pen);
  sheet.onPage(() => drawTableHead(pen));
  for (const line of lines.slice(0, PDF_LINES_MAX)) drawLine(pen, line);
  if (lines.length === 0) cells(pen, ["", words.nothing], { color: QUIET });
  if (lines.length > PDF_LINES_MAX) cells(pen, ["", words.more], { color: QUIET });
  drawSums(pen, statement);
  if (issuer.footer !== null) {
    sheet.need(30);
    sheet.text(issuer.footer, LEFT, sheet.y, { size: 8.5, color: QUIET });
  }
  return sheet.end((n, m) => `${issuer.name} · ${words.statement} ${number} · ${fill(words.page, { n, m })}`);
}
