/** What receipts and statements have in common: who issues them, what they are, and how much it comes to. */
import { formatTaxId, taxIdKind } from "../../shared/tax-id.ts";
import type { Issuer } from "../core/receipt.ts";
import { ACCENT, INK, LEFT, QUIET, RIGHT, TINT, WIDTH, type Sheet } from "./sheet.ts";

/** With the name of the number where it is one of Brazil's. */
export function taxIdText(taxId: string): string {
  const kind = taxIdKind(taxId);
  return kind === undefined ? taxId : `${kind.toUpperCase()} ${formatTaxId(taxId)}`;
}

/** The issuer to the left, the document to the right. */
export function drawHead(sheet: Sheet, issuer: Issuer, title: string, lines: readonly string[]): void {
  sheet.box(0, 0, 596, 6, ACCENT);
  const top = sheet.y - 8;
  let left = top + sheet.text(issuer.name, LEFT, top, { size: 15, bold: true, width: 290 }) + 3;
  const about = [issuer.taxId === null ? null : taxIdText(issuer.taxId), issuer.address];
  for (const line of about) {
    if (line !== null && line !== "")
      left += sheet.text(line, LEFT, left, { size: 8.5, color: QUIET, width: 290 }) + 1;
  }
  let right = top + sheet.text(title, 330, top, { size: 13, bold: true, color: ACCENT, align: "right" }) + 4;
  for (const line of lines)
    right += sheet.text(line, 330, right, { size: 8.5, color: QUIET, align: "right" }) + 1;
  sheet.y = Math.max(left, right) + 14;
}

/** The one number that everybody looks for. */
export function drawTotal(sheet: Sheet, label: string, total: string, beside: string): void {
  sheet.box(LEFT, sheet.y, WIDTH, 58, TINT, 6);
  sheet.text(label.toUpperCase(), LEFT + 16, sheet.y + 12, { size: 7.5, color: QUIET, spacing: 0.5 });
  sheet.text(total, LEFT + 16, sheet.y + 24, { size: 22, bold: true, color: INK, width: 280 });
  const width = 200;
  const side = { size: 10, color: QUIET, align: "right", width } as const;
  sheet.text(beside, RIGHT - 16 - width, sheet.y + 20, side);
  sheet.y += 76;
}

/** Facts in columns: label above, value below. */
export function drawFacts(
  sheet: Sheet,
  facts: readonly (readonly [string, string])[],
  columns: number,
): void {
  const width = WIDTH / columns;
  for (let i = 0; i < facts.length; i += columns) {
    const row = facts.slice(i, i + columns);
    sheet.need(40);
    const heights = row.map(([label, value], n) =>
      sheet.fact(label, value, LEFT + n * width, sheet.y, width - 14),
    );
    sheet.y += Math.max(...heights) + 9;
  }
  sheet.y += 8;
}
