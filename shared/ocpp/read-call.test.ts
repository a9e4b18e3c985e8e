/** A station's frame read now and read again: the same facts, and nothing in it that keeps the ER busy. */
import { expect, test } from "vitest";
import type { Protocol } from "../entry.ts";
import { OCPP_FRAME_BYTES_MAX } from "../limits.ts";
import { assert } from "../errors.ts";
import { dialectOf } from "./dialect.ts";
import { readFrame, readHandled, readPayload } from "./read-call.ts";
import type { Offset } from "./notice.ts";

/** What the ER reads when the frame comes, and what is read of its entry. */
function twice(protocol: Protocol, action: string, payload: Record<string, unknown>, offset?: Offset) {
  const text = JSON.stringify([2, "1", action, payload]);
  const now = readPayload(protocol, action, payload, offset);
  assert("payload" in now, "it is read");
  const { payload: again } = readHandled(now.protocol, text, now.flags);
  const dialect = dialectOf(now.protocol);
  return { ...now, now: dialect.read(action, now.payload), again: dialect.read(action, again) };
}

test.each(["ocpp1.6", "ocpp2.0.1"] as const)(
  "a boot in the shape of both versions, over %s, is read again as it was read",
  (protocol) => {
    const { now, again } = twice(protocol, "BootNotification", {
      ...{ chargePointVendor: "V16", chargePointModel: "M16", reason: "PowerUp" },
      chargingStation: { vendorName: "V201", model: "M201" },
    });
    expect(again).toEqual(now);
  },
);

test("times without a zone on both sides of a change of the clocks are read again as they were read", () => {
  const offset: Offset = (text) => (text < "2026-10-25T02" ? "+02:00" : "+01:00");
  const sampled = (timestamp: string, value: string) => ({ timestamp, sampledValue: [{ value }] });
  const { now, again, flags } = twice(
    "ocpp1.6",
    "MeterValues",
    {
      connectorId: 1,
      meterValue: [sampled("2026-10-25T01:30:00", "1"), sampled("2026-10-25T03:30:00", "2")],
    },
    offset,
  );
  expect(flags).toContain("tolerated:local-time:+02:00");
  expect(again).toEqual(now);
});

test("surplus properties of any number go in one walk", () => {
  const meterValue = Array.from({ length: 16_000 }, (_, n) => ({ [`a${n}`]: 1 }));
  const payload = { connectorId: 1, meterValue };
  expect(JSON.stringify(payload).length).toBeLessThan(OCPP_FRAME_BYTES_MAX);
  expect(readPayload("ocpp1.6", "MeterValues", payload)).toMatchObject({
    payload: { meterValue: expect.anything() },
  });
});

test("a text that nothing closes is not looked at from each of its quotes", () => {
  for (let n = 0; n < 10; n++)
    expect(readFrame(`[2,"${n}","A",{"a":"${'\\"'.repeat(16_000)}`).frame.type).toBe("malformed");
});

test("a transaction's number that JSON cannot hold is no name: several would be one", () => {
  const event = (transactionId: number) => ({
    ...{ eventType: "Started", timestamp: "2026-11-01T10:00:00Z", triggerReason: "CablePluggedIn", seqNo: 0 },
    transactionInfo: { transactionId },
  });
  expect(readPayload("ocpp2.0.1", "TransactionEvent", event(7))).toMatchObject({
    payload: { transactionInfo: { transactionId: "7" } },
  });
  expect(readPayload("ocpp2.0.1", "TransactionEvent", event(2 ** 60))).not.toHaveProperty("payload");
});
