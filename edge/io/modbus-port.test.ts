/** RTU framing, against frames as manuals print them. */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { findAnswer, RtuPort, withCrc } from "./modbus-port.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** SDM630: Phase 1 line to neutral volts, 230.2 V. */
const sdmRequest = hex("01 04 00 00 00 02 71 CB");
const sdmAnswer = hex("01 04 04 43 66 33 34 1B 38");
/** A43/A44 User Manual 2CMC48001M0201, 9.11.1: the energy registers. */
const abbRequest = hex("05 03 50 00 00 24 55 55");
const abbAnswer = hex(
  "05 03 48 00000000000D1290 0000000000031209 00000000000A0086 0000000000041705 0000000000012B18" +
    "000000000002EBED 00000000000EA7FE 000000000003DB92 00000000000ACC6C 2F9F",
);

describe("the answer in a stream of bytes", () => {
  test.each([
    [sdmRequest, sdmAnswer],
    [abbRequest, abbAnswer],
  ])("is found where the manual's check sum fits", (request, answer) => {
    expect(withCrc(request.subarray(0, 6))).toEqual(request);
    expect(withCrc(answer.subarray(0, -2))).toEqual(answer);
    expect(findAnswer(answer, request)).toEqual({ start: 0, length: answer.length });
    const noisy = Buffer.concat([hex("00 01 04 04 FF"), answer, hex("01")]);
    expect(findAnswer(noisy, request)).toEqual({ start: 5, length: answer.length });
  });

  test("is not there while a byte is missing or one is wrong", () => {
    for (let length = 0; length < sdmAnswer.length; length++)
      expect(findAnswer(sdmAnswer.subarray(0, length), sdmRequest)).toBeUndefined();
    for (let i = 0; i < sdmAnswer.length; i++) {
      const flipped = Buffer.from(sdmAnswer);
      flipped.writeUInt8(flipped.readUInt8(i) ^ 0x10, i);
      expect(findAnswer(flipped, sdmRequest)).toBeUndefined();
    }
  });

  test("may be an exception, but not that of another unit or function", () => {
    const exception = (unit: number, code: number) => withCrc(Uint8Array.of(unit, code, 2));
    expect(findAnswer(exception(1, 0x84), sdmRequest)).toEqual({ start: 0, length: 5 });
    expect(findAnswer(exception(2, 0x84), sdmRequest)).toBeUndefined();
    expect(findAnswer(exception(1, 0x83), sdmRequest)).toBeUndefined();
  });
});

describe("the port", () => {
  test("drops what comes unasked, and what was left over from before", async () => {
    const fromSlave = new PassThrough();
    const port = new RtuPort(fromSlave);
    const frames: Buffer[] = [];
    port.on("data", (frame: Buffer) => frames.push(frame));
    const receive = async (bytes: Buffer) => {
      fromSlave.emit("data", bytes);
    };
    await receive(sdmAnswer);
    expect(frames).toEqual([]);
    port.write(sdmRequest);
    await receive(sdmAnswer.subarray(0, 4));
    port.write(sdmRequest);
    await receive(sdmAnswer.subarray(4));
    expect(frames).toEqual([]);
    await receive(Buffer.concat([sdmAnswer, sdmAnswer]));
    await receive(sdmAnswer);
    expect(frames).toEqual([sdmAnswer]);
  });
});
