/** QR codes as SVG and as PNG, for stickers and screens. Pure. */
import { crc32, deflateSync } from "node:zlib";
import { encode, renderSVG } from "uqr";

/** Half of it may be scratched off a sticker … nearly: a quarter. */
const CORRECTION = "Q";
const QUIET_MODULES = 4;

export const qrSvg = (text: string): string => renderSVG(text, { ecc: CORRECTION, border: QUIET_MODULES });

const chunk = (type: string, data: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
};

/** Black and white, one bit for a pixel. @param scale pixels of one module. */
export function qrPng(text: string, scale: number): Buffer {
  const { data, size } = encode(text, { ecc: CORRECTION, border: QUIET_MODULES });
  const width = size * scale;
  const stride = Math.ceil(width / 8);
  const rows: Buffer[] = [];
  for (const modules of data) {
    const row = Buffer.alloc(1 + stride);
    for (let x = 0; x < width; x++) {
      const white = modules[Math.trunc(x / scale)] !== true;
      if (white) row[1 + (x >> 3)] = (row[1 + (x >> 3)] ?? 0) | (0x80 >> (x & 7));
    }
    for (let i = 0; i < scale; i++) rows.push(row);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(width, 4);
  // One bit, grey; the rest of the header is 0.
  header[8] = 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(rows))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
