/**
 * Blocks: the entries of one commit, compressed once. The same bytes lie in the ER's SQLite, travel inside
 * a batch and are read by the SG.
 *
 *   byte 0: codec (1 = zstd with dictionary 1) · rest: zstd of {"boot","entries":[…]}
 *
 * `chain` is a rolling hash over blocks: 16 bytes of SHA-256(previous chain ‖ firstSeq ‖ block bytes). The
 * first one of a journal follows the hash of its journalId. It shows the SG a journal that was altered or
 * restored.
 */
import { hash } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AppError } from "./errors.ts";
import type { Entry } from "./entry.ts";
import { BLOCK_BYTES_MAX } from "./limits.ts";
import { DICTIONARY_1 } from "./dictionary.ts";

const CODEC = 1;

/** @param effort zstd's level: 1 while somebody waits, more for what is kept for long. */
export function encodeBlock(boot: string, entries: readonly Entry[], effort = 1): Buffer {
  const text = `{"boot":"${boot}","entries":${JSON.stringify(entries)}}`;
  const packed = zstdCompressSync(Buffer.from(text), {
    dictionary: DICTIONARY_1,
    params: { [constants.ZSTD_c_compressionLevel]: effort, [constants.ZSTD_c_contentSizeFlag]: 0 },
  });
  return Buffer.concat([Buffer.from([CODEC]), packed]);
}

/**
 * @throws AppError BLOCK_UNREADABLE when the bytes are no block of a known codec. Entries are not validated
 * here.
 */
export function decodeBlock(bytes: Buffer): { boot: string; entries: unknown[] } {
  if (bytes[0] !== CODEC) throw new AppError("BLOCK_UNREADABLE", `unknown codec ${String(bytes[0])}`);
  try {
    const text = zstdDecompressSync(bytes.subarray(1), {
      dictionary: DICTIONARY_1,
      maxOutputLength: BLOCK_BYTES_MAX,
    }).toString("utf8");
    const value = JSON.parse(text) as { boot: string; entries: unknown[] };
    if (typeof value.boot !== "string" || !Array.isArray(value.entries))
      throw new Error("not the shape of a block");
    return value;
  } catch (error) {
    throw new AppError("BLOCK_UNREADABLE", "the block cannot be read", { cause: error });
  }
}

export function firstChain(journalId: string): string {
  return hash("sha256", journalId, "hex").slice(0, 32);
}

export function nextChain(previous: string, firstSeq: number, bytes: Buffer): string {
  return hash("sha256", Buffer.concat([Buffer.from(`${previous}:${firstSeq}:`), bytes]), "hex").slice(0, 32);
}
