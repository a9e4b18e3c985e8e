/**
 * A sheet of A4 that is written from top to bottom: the few shapes that receipts and statements are made of.
 *
 * The same calls give the same bytes: the only time in the file is the one that is handed in. Text that no
 * font of PDF knows (an emoji in a name) is written as a question mark, never refused.
 */
import PDFDocument from "pdfkit";
import { encode } from "uqr";

export const INK = "#13211f";
export const QUIET = "#5d6b69";
export const ACCENT = "#0b6e5f";
export const LINE = "#d8e0de";
export const TINT = "#f0f6f4";
export const LEFT = 48;
export const RIGHT = 547;
export const WIDTH = RIGHT - LEFT;
const BOTTOM = 770;

type Align = "left" | "right" | "center";
export type TextStyle = {
  size?: number;
  bold?: boolean;
  color?: string;
  width?: number;
  align?: Align;
  /** One line: what is longer ends in three points. */
  oneLine?: boolean;
  spacing?: number;
};

/** The standard fonts speak Windows-1252. */
const FONT_LACKS = /[^\u0020-\u007e\u00a0-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ\n]/gu;
const writable = (text: string) => text.normalize("NFC").replaceAll(FONT_LACKS, "?");

export class Sheet {
  readonly #doc: InstanceType<typeof PDFDocument>;
  readonly #parts: Buffer[] = [];
  readonly #ended: Promise<void>;
  #onPage: (() => void) | undefined;
  y = 48;

  constructor(about: { title: string; author: string; language: string; createdAt: Date }) {
    this.#doc = new PDFDocument({
      ...{ size: "A4", margin: 0, bufferPages: true, lang: about.language, displayTitle: true },
      info: {
        Title: about.title,
        Author: about.author,
        CreationDate: about.createdAt,
        ModDate: about.createdAt,
      },
    });
    this.#doc.on("data", (part: Buffer) => void this.#parts.push(part));
    this.#ended = new Promise((resolve) => this.#doc.on("end", resolve));
  }

  /** What is drawn at the top of each further page. */
  onPage(draw: () => void): void {
    this.#onPage = draw;
  }

  /** Goes on at the next page where less than this is left. */
  need(height: number): void {
    if (this.y + height <= BOTTOM) return;
    this.#doc.addPage();
    this.y = 48;
    this.#onPage?.();
  }

  text(text: string, x: number, y: number, style: TextStyle = {}): number {
    const {
      size = 9.5,
      bold = false,
      color = INK,
      width = RIGHT - x,
      align = "left",
      oneLine,
      spacing,
    } = style;
    const options = {
      width,
      align,
      lineGap: 1.5,
      ...(spacing === undefined ? {} : { characterSpacing: spacing }),
    };
    const fitted = { ...options, ...(oneLine ? { height: size + 3, ellipsis: true, lineBreak: true } : {}) };
    const doc = this.#doc.font(bold ? "Helvetica-Bold" : "Helvetica").fontSize(size);
    const written = writable(text);
    const height = oneLine ? size * 1.2 : doc.heightOfString(written, options);
    doc.fillColor(color).text(written, x, y, fitted);
    return height;
  }

  box(x: number, y: number, width: number, height: number, color: string, radius = 0): void {
    this.#doc.roundedRect(x, y, width, height, radius).fill(color);
  }

  rule(y: number, from = LEFT, to = RIGHT, color = LINE): void {
    this.#doc.moveTo(from, y).lineTo(to, y).lineWidth(0.7).strokeColor(color).stroke();
  }

  /** A small heading, and below it what it says. @returns the height. */
  fact(label: string, value: string, x: number, y: number, width: number): number {
    this.text(label.toUpperCase(), x, y, { size: 7, color: QUIET, width, spacing: 0.4 });
    return 11 + this.text(value, x, y + 11, { width });
  }

  qr(text: string, x: number, y: number, size: number): void {
    const { data } = encode(text, { ecc: "M", border: 0 });
    const module = size / data.length;
    for (const [row, cells] of data.entries()) {
      for (const [column, dark] of cells.entries()) {
        // A hair wider, so that no white lines show between them.
        if (dark) this.#doc.rect(x + column * module, y + row * module, module + 0.05, module + 0.05);
      }
    }
    this.#doc.fill(INK);
  }

  /** The bytes of the whole. @param foot says what stands at the foot of page n of m. */
  async end(foot: (n: number, m: number) => string): Promise<Buffer> {
    const { count } = this.#doc.bufferedPageRange();
    for (let i = 0; i < count; i++) {
      this.#doc.switchToPage(i);
      this.rule(794);
      this.text(foot(i + 1, count), LEFT, 802, { size: 7.5, color: QUIET, width: WIDTH, align: "center" });
    }
    this.#doc.end();
    await this.#ended;
    return Buffer.concat(this.#parts);
  }
}
