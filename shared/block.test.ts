/** Blocks: what is packed comes out again; what is damaged is refused in words, never by a crash. */
import { constants, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fc } from "../sim/services/property.ts";
import { decodeBlock, encodeBlock, firstChain, nextChain } from "./block.ts";
import type { Entry } from "./entry.ts";
import { AppError } from "./errors.ts";
import { BLOCK_BYTES_MAX } from "./limits.ts";

const boot = "01900000-0000-7000-8000-000000000001";
const entry = (seq: number, reason: string): Entry => ({
  seq,
  at: 1_793_527_200_000 + seq,
  upMs: seq,
  clock: "synced",
  kind: "station.offline",
  stationId: "CP-1",
  reason,
});

function refusal(bytes: Buffer): unknown {
  try {
    return decodeBlock(bytes);
  } catch (error) {
    return error;
  }
}

describe("a block", () => {
  test("decode ∘ encode is the identity", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 20 }), (reasons) => {
        const entries = reasons.map((reason, i) => entry(i + 1, reason));
        expect(decodeBlock(encodeBlock(boot, entries))).toEqual({ boot, entries });
      }),
    );
  });

  test("is much smaller than its text, even with one entry", () => {
    const one = entry(1, "closed 1006");
    expect(encodeBlock(boot, [one]).length).toBeLessThan(JSON.stringify(one).length * 0.75);
  });

  test("cut anywhere is refused with BLOCK_UNREADABLE", () => {
    const bytes = encodeBlock(boot, [entry(1, "closed 1006"), entry(2, "replaced")]);
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(bytes.subarray(0, length))).toMatchObject({
        name: "AppError",
        code: "BLOCK_UNREADABLE",
      });
    }
  });

  test("damaged anywhere is refused or differs from the chain, and never crashes", () => {
    const bytes = encodeBlock(boot, [entry(1, "closed 1006"), entry(2, "replaced")]);
    const chain = nextChain(firstChain(boot), 1, bytes);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        const result = refusal(damaged);
        if (result instanceof Error) expect(result).toBeInstanceOf(AppError);
        expect(nextChain(firstChain(boot), 1, damaged)).not.toBe(chain);
      }),
    );
  });

  test("random bytes are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(refusal(Buffer.from(bytes))).toBeInstanceOf(AppError);
        expect(refusal(Buffer.from([1, ...bytes]))).toBeInstanceOf(AppError);
      }),
    );
  });

  test("JSON that is no block is refused", () => {
    for (const text of ["null", "[]", "7", '{"boot":1,"entries":[]}', '{"boot":"x","entries":{}}']) {
      const packed = zstdCompressSync(Buffer.from(text));
      expect(refusal(Buffer.concat([Buffer.from([1]), packed]))).toMatchObject({ code: "BLOCK_UNREADABLE" });
    }
  });

  test("a bomb is refused without being unpacked", () => {
    const params = { [constants.ZSTD_c_compressionLevel]: 1 };
    const bomb = zstdCompressSync(Buffer.alloc(BLOCK_BYTES_MAX + 1, 0x20), { params });
    expect(bomb.length).toBeLessThan(BLOCK_BYTES_MAX / 1_000);
    const before = process.memoryUsage().rss;
    expect(refusal(Buffer.concat([Buffer.from([1]), bomb]))).toMatchObject({ code: "BLOCK_UNREADABLE" });
    expect(process.memoryUsage().rss - before).toBeLessThan(2 * BLOCK_BYTES_MAX);
  });
});

describe("the chain", () => {
  const bytes = encodeBlock(boot, [entry(1, "x")]);

  test("depends on the journal, on what came before, on the place and on every byte", () => {
    const start = firstChain(boot);
    const chain = nextChain(start, 1, bytes);
    expect(start).toMatch(/^[0-9a-f]{32}$/);
    expect(chain).toMatch(/^[0-9a-f]{32}$/);
    expect(nextChain(start, 1, bytes)).toBe(chain);
    expect(firstChain(boot.replace("1", "2"))).not.toBe(start);
    expect(nextChain(chain, 1, bytes)).not.toBe(chain);
    expect(nextChain(start, 2, bytes)).not.toBe(chain);
    expect(nextChain(start, 1, Buffer.concat([bytes, Buffer.from([0])]))).not.toBe(chain);
  });

  test("is the same on every machine: SHA-256 of the journal's id", () => {
    expect(firstChain("")).toBe("e3b0c44298fc1c149afbf4c8996fb924");
  });
});
