/** Topics and envelopes: round trips, and what strangers may send. */
import { zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fc } from "../sim/services/property.ts";
import { AppError } from "./errors.ts";
import { WIRE_MESSAGE_BYTES_MAX } from "./limits.ts";
import { SignedPolicy } from "./policy.ts";
import {
  Ack,
  Answer,
  Ask,
  Commands,
  decodeBatch,
  decodeWire,
  downTopic,
  encodeBatch,
  encodeWire,
  Hello,
  parseTopic,
  upTopic,
  type Batch,
} from "./wire.ts";

const uuid = "01900000-0000-7000-8000-000000000001";
const ack = { v: 1 as const, journalId: uuid, seq: 17, resume: true, cloudTime: 1_793_527_200_000 };
const hello: Hello = {
  v: 1,
  erId: "er-1",
  siteId: "site-1",
  siteName: "Estação São José",
  timeZone: "America/Sao_Paulo",
  journalId: uuid,
  boot: uuid,
  release: "0.1.0",
  at: 1_793_527_200_000,
  upMs: 100_000,
  clock: "holdover",
  startedAt: 1_793_527_100_000,
  oldestSeq: 1,
  lastSeq: 9,
  ackedSeq: 3,
  policyVersion: 0,
  stations: [{ stationId: "a|b", protocol: "ocpp1.6", online: true, connectors: [] }],
};

function failure(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
const invalid = { name: "AppError", code: "WIRE_INVALID" };

describe("topics", () => {
  test("are read as they are written", () => {
    expect(upTopic("er-1", "hello")).toBe("up/er-1/hello");
    expect(parseTopic(downTopic("er-1", "ack"))).toEqual({ direction: "down", erId: "er-1", kind: "ack" });
  });

  test.each([
    "",
    "up",
    "up/er",
    "up/er/a/b",
    "up//ack",
    "up/e.r/ack",
    "up/#/ack",
    `up/${"x".repeat(65)}/ack`,
  ])("%j is none of ours", (topic) => {
    expect(parseTopic(topic)).toBeUndefined();
  });
});

describe("envelopes", () => {
  test("come out as they went in", () => {
    const ask = { v: 1 as const, correlationId: uuid, question: { kind: "lease" as const, count: 1_000 } };
    const answer = {
      v: 1 as const,
      correlationId: uuid,
      answer: { kind: "lease" as const, first: 1, count: 1_000 },
    };
    const policy = {
      v: 2 as const,
      version: 3,
      publicKey: "K",
      signature: "S",
      policy: JSON.stringify(Array.from({ length: 500 }, () => ({ status: "Accepted" }))),
    };
    expect(decodeWire(Ack, encodeWire(ack))).toEqual(ack);
    expect(decodeWire(Hello, encodeWire(hello))).toEqual(hello);
    expect(decodeWire(Ask, encodeWire(ask))).toEqual(ask);
    expect(decodeWire(Answer, encodeWire(answer))).toEqual(answer);
    expect(decodeWire(SignedPolicy, encodeWire(policy))).toEqual(policy);
    expect(encodeWire(policy).length).toBeLessThan(JSON.stringify(policy).length / 4);
  });

  test("unknown fields are kept: a newer SG may say more", () => {
    const newer = { ...ack, later: { a: 1 } };
    expect(decodeWire(Ack, Buffer.from(JSON.stringify(newer)))).toEqual(newer);
  });

  test.each<[string, unknown]>([
    ["another version", { ...ack, v: 2 }],
    ["a missing field", { ...ack, seq: undefined }],
    ["a wrong type", { ...ack, resume: "yes" }],
    ["a fraction", { ...ack, seq: 1.5 }],
    ["a negative number", { ...ack, seq: -1 }],
    ["an id that is none", { ...ack, journalId: "x" }],
    ["null", null],
    ["a list", [ack]],
  ])("%s is WIRE_INVALID", (_name, value) => {
    expect(failure(() => decodeWire(Ack, Buffer.from(JSON.stringify(value))))).toMatchObject(invalid);
  });

  test("one command of an unknown kind makes the message invalid, so that it is seen and not half done", () => {
    const command = {
      commandId: uuid,
      stationId: "CP-1",
      issuedAt: 0,
      expiresAt: 1,
      remainingMs: 1,
      kind: "Reset",
      params: {},
    };
    const message = (kind: string) => Buffer.from(JSON.stringify({ v: 1, commands: [{ ...command, kind }] }));
    expect(decodeWire(Commands, message("Reset")).commands).toHaveLength(1);
    // A word of a newer SG comes through: the ER says of that one command that it does not know it.
    expect(decodeWire(Commands, message("SelfDestruct")).commands).toHaveLength(1);
    expect(failure(() => decodeWire(Commands, message("x".repeat(65))))).toMatchObject(invalid);
  });

  test("bytes that are no JSON, cut zstd and bombs are refused with an AppError", () => {
    const packed = zstdCompressSync(Buffer.from(JSON.stringify(hello)));
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from("{"),
      packed.subarray(0, 40),
      Buffer.from([0xff, 0xfe]),
    ]) {
      expect(failure(() => decodeWire(Hello, bytes))).toMatchObject(invalid);
    }
    const bomb = zstdCompressSync(Buffer.alloc(9 * WIRE_MESSAGE_BYTES_MAX, 0x20));
    expect(bomb.length).toBeLessThan(100_000);
    expect(failure(() => decodeWire(Hello, bomb))).toMatchObject(invalid);
    const large = Buffer.alloc(WIRE_MESSAGE_BYTES_MAX + 1, 0x20);
    expect(failure(() => decodeWire(Hello, large))).toMatchObject({ code: "WIRE_TOO_LARGE" });
    expect(failure(() => decodeBatch(large))).toMatchObject({ code: "WIRE_TOO_LARGE" });
  });

  test("random bytes never cause anything but an AppError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(failure(() => decodeWire(Hello, Buffer.from(bytes)))).toBeInstanceOf(AppError);
        expect(failure(() => decodeBatch(Buffer.from(bytes)))).toBeInstanceOf(AppError);
      }),
    );
  });
});

describe("a batch", () => {
  const batch: Batch = {
    v: 1,
    journalId: uuid,
    firstSeq: 5,
    blocks: [
      [2, 3],
      [1, 4],
    ],
    prevChain: "0".repeat(32),
    chain: "a".repeat(32),
    oldestSeq: 1,
    bytes: [Buffer.from([1, 0x0a, 3]), Buffer.from([1, 0, 0x0a, 0xff])],
  };
  const text = encodeBatch(batch);

  test("carries its blocks byte for byte, line feeds included", () => {
    expect(decodeBatch(text)).toEqual(batch);
  });

  test("whose lengths and bytes disagree is refused", () => {
    for (const bytes of [
      text.subarray(0, -1),
      Buffer.concat([text, Buffer.from([0])]),
      text.subarray(0, text.indexOf(10)),
    ]) {
      expect(failure(() => decodeBatch(bytes))).toMatchObject(invalid);
    }
  });

  test("with a broken header is refused", () => {
    const broken: object[] = [
      { blocks: [] },
      { blocks: [[0, 7]] },
      { blocks: [[501, 7]] },
      { blocks: [[1, 0]] },
      { blocks: [[1, 7, 7]] },
      { firstSeq: 0 },
      { chain: "A".repeat(32) },
      { prevChain: "" },
      { oldestSeq: 0 },
      { v: 2 },
    ];
    for (const change of broken) {
      expect(failure(() => decodeBatch(encodeBatch({ ...batch, ...change })))).toMatchObject(invalid);
    }
    const endless = Buffer.concat([Buffer.from(`{"v":1,"x":"${"y".repeat(70_000)}"}\n`), Buffer.from([1])]);
    expect(failure(() => decodeBatch(endless))).toMatchObject(invalid);
  });
});
