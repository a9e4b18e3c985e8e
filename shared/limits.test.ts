/** Relations between limits of different files that the limits themselves cannot assert. */
import { expect, test } from "vitest";
import { encodeBlock } from "./block.ts";
import type { Entry } from "./entry.ts";
import { describeError, AppError } from "./errors.ts";
import * as limits from "./limits.ts";

test("every limit is a positive safe integer", () => {
  for (const [name, value] of Object.entries(limits)) {
    expect([name, Number.isSafeInteger(value) && value > 0]).toEqual([name, true]);
  }
});

test("a block of the largest frames that compress badly still fits into one message", () => {
  let state = 1;
  const noise = Array.from({ length: limits.OCPP_FRAME_BYTES_MAX }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return String.fromCharCode(33 + ((state >> 8) % 58));
  }).join("");
  const entry = {
    seq: 1,
    at: 0,
    upMs: 0,
    clock: "synced",
    kind: "ocpp.rejected",
    request: noise,
  } as unknown as Entry;
  const frames = limits.WIRE_MESSAGE_BYTES_MAX / limits.OCPP_FRAME_BYTES_MAX;
  expect(encodeBlock("b", [entry]).length * frames).toBeLessThan(limits.WIRE_MESSAGE_BYTES_MAX);
});

test("an error is described on one line, with its cause", () => {
  const cause = new Error("no space left on device");
  expect(describeError(new AppError("X", "the journal cannot be written", { cause }))).toBe(
    "the journal cannot be written (no space left on device)",
  );
  expect(describeError(Object.assign(new Error(""), { code: "ECONNREFUSED" }))).toBe("ECONNREFUSED");
  expect(describeError(new AggregateError([new Error("a"), new Error("b")]))).toBe("a; b");
  expect(describeError("text")).toBe("text");
});
