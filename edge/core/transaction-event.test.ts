/** Transactions of OCPP 2.0.1: TransactionEvent in every order in which stations send it. */
import { describe, expect, test } from "vitest";
import { Bench, policyOf, recovered, signed, TAG, time } from "./harness.ts";

type Event = "Started" | "Updated" | "Ended";
const token = (idToken = "TAG") => ({ idToken, type: "ISO14443" });
const event = (
  eventType: Event,
  seqNo: number,
  more: { transactionId?: string; info?: object } & Record<string, unknown> = {},
) => {
  const { transactionId = "tx-1", info = {}, ...rest } = more;
  return {
    ...{ eventType, seqNo, timestamp: time(seqNo), triggerReason: "ChargingStateChanged" },
    transactionInfo: { transactionId, ...info },
    ...rest,
  };
};
const register = (value: number, context = "Sample.Periodic") => ({
  meterValue: [{ timestamp: time(), sampledValue: [{ value, context }] }],
});
const evse = { evse: { id: 1, connectorId: 1 } };

function site() {
  const bench = new Bench({ policy: policyOf([TAG, { ...TAG, idToken: "MASTER", master: true }]) });
  return { bench, cp: bench.connect("CP-1", "ocpp2.0.1") };
}
const send = (bench: Bench, cp: number, payload: object) => {
  const result = bench.result(cp, "TransactionEvent", payload);
  const { transactionId, flags } = bench.last("ocpp.handled");
  return { result, transactionId, flags };
};
const open = (bench: Bench) => [...bench.state.durable.transactions.values()];

describe("a regular transaction", () => {
  test("TC_E_03 cable plug-in first: the token comes with an Updated event", () => {
    const { bench, cp } = site();
    const started = send(bench, cp, event("Started", 0, { ...evse, ...register(100, "Transaction.Begin") }));
    expect(started).toMatchObject({ result: {}, flags: undefined });
    expect(open(bench)).toMatchObject([{ ocppTransactionId: "tx-1", evseId: 1, meterStartWh: 100 }]);
    expect(open(bench)[0]).not.toHaveProperty("idToken");
    const authorized = send(bench, cp, event("Updated", 1, { idToken: token() }));
    expect(authorized).toMatchObject({
      result: { idTokenInfo: { status: "Accepted" } },
      transactionId: started.transactionId,
    });
    expect(open(bench)).toMatchObject([{ idToken: "TAG" }]);
    send(bench, cp, event("Updated", 2, register(900)));
    expect(open(bench)).toMatchObject([{ energyImportWh: 900 }]);
    const info = { stoppedReason: "Local" };
    const ended = send(
      bench,
      cp,
      event("Ended", 3, { idToken: token(), info, ...register(1_000, "Transaction.End") }),
    );
    expect(ended).toMatchObject({
      result: { idTokenInfo: { status: "Accepted" } },
      transactionId: started.transactionId,
    });
    expect(open(bench)).toEqual([]);
  });

  test("TC_E_04 authorization first: the token comes with Started", () => {
    const { bench, cp } = site();
    const { result } = send(bench, cp, event("Started", 0, { idToken: token() }));
    expect(result).toEqual({ idTokenInfo: { status: "Accepted" } });
    send(bench, cp, event("Updated", 1, evse));
    expect(open(bench)).toMatchObject([{ idToken: "TAG", evseId: 1 }]);
  });

  test("TC_E_16 deauthorized: an unknown token is told so, the transaction goes on until the station ends it", () => {
    const { bench, cp } = site();
    const { result, flags } = send(bench, cp, event("Started", 0, { idToken: token("NONE") }));
    expect(result).toEqual({ idTokenInfo: { status: "Unknown" } });
    expect(flags).toEqual(["token-unknown-denied"]);
    expect(open(bench)[0]).not.toHaveProperty("idToken");
    expect(
      send(bench, cp, event("Ended", 1, { info: { stoppedReason: "DeAuthorized" } })).flags,
    ).toBeUndefined();
    expect(open(bench)).toEqual([]);
  });

  test("TC_C_49 a master pass may stop but not start", () => {
    const { bench, cp } = site();
    send(bench, cp, event("Started", 0, { idToken: token() }));
    const stop = send(bench, cp, event("Ended", 1, { idToken: token("MASTER") }));
    expect(stop.result).toEqual({ idTokenInfo: { status: "Accepted" } });
    const begin = send(bench, cp, event("Started", 0, { transactionId: "tx-2", idToken: token("MASTER") }));
    expect(begin.result).toEqual({ idTokenInfo: { status: "Invalid" } });
  });

  test("the cloud is asked about the token of Started and Updated, not of Ended", () => {
    const { bench, cp } = site();
    bench.online();
    const asks = () => bench.effectsOf("publish.ask").filter((e) => e.ask.question.kind === "authorize");
    expect(bench.call(cp, "TransactionEvent", event("Started", 0, { idToken: token() }))).toBeUndefined();
    expect(asks()).toHaveLength(1);
    const correlationId = asks()[0]?.ask.correlationId ?? "";
    const answer = { kind: "authorize" as const, status: "Blocked" as const, reason: "blocked" };
    bench.input({ kind: "link.answer", answer: { v: 1, correlationId, answer } });
    expect(bench.sent(cp).at(-1)?.[2]).toEqual({ idTokenInfo: { status: "Blocked" } });
    expect(bench.last("ocpp.handled").basis).toBe("sg");
    expect(bench.call(cp, "TransactionEvent", event("Ended", 1, { idToken: token() }))?.[0]).toBe(3);
    expect(asks()).toHaveLength(1);
  });
});

describe("events that are repeated", () => {
  test("get their first answer, under a new message id and after a restart", () => {
    const { bench, cp } = site();
    const first = send(bench, cp, event("Started", 0, { idToken: token() }));
    bench.input({ kind: "link.policy", signed: signed(policyOf([], 2)) });
    bench.restart();
    const again = bench.connect("CP-1", "ocpp2.0.1");
    const second = send(bench, again, event("Started", 0, { idToken: token() }));
    expect(second).toEqual({ ...first, flags: ["repeat"] });
    expect(open(bench)).toHaveLength(1);
  });

  test("an Updated without a token is known as a repeat by its content, and keeps its transaction", () => {
    const { bench, cp } = site();
    const { transactionId } = send(bench, cp, event("Started", 0));
    send(bench, cp, event("Updated", 1, register(500)));
    const again = send(bench, cp, event("Updated", 1, register(500)));
    expect(again).toEqual({ result: {}, transactionId, flags: ["repeat"] });
  });

  test("TC_E_53 seqNo that begins again is not a repeat when the time is another", () => {
    const { bench, cp } = site();
    send(bench, cp, event("Started", 0));
    const { flags, transactionId } = send(bench, cp, event("Ended", 0, { timestamp: time(50) }));
    expect(flags).toBeUndefined();
    expect(open(bench)).toEqual([]);
    const other = send(bench, cp, event("Started", 0, { transactionId: "tx-2" }));
    expect(other.transactionId).not.toBe(transactionId);
    expect(other.flags).toBeUndefined();
  });

  test("two Ended with different registers are a conflict for a person", () => {
    const { bench, cp } = site();
    send(bench, cp, event("Started", 0));
    send(bench, cp, event("Ended", 1, register(1_000, "Transaction.End")));
    expect(send(bench, cp, event("Ended", 2, register(2_000, "Transaction.End"))).flags).toEqual([
      "conflicting-stop",
    ]);
  });
});

describe("events in a wrong order", () => {
  test("Ended without Started makes a transaction of its own, flagged", () => {
    const { bench, cp } = site();
    const ended = send(bench, cp, event("Ended", 5, register(1_000, "Transaction.End")));
    expect(ended).toMatchObject({ result: {}, flags: ["orphan-stop"] });
    // What comes late belongs to it and does not open it again.
    const started = send(bench, cp, event("Started", 0));
    expect(started.transactionId).toBe(ended.transactionId);
    expect(open(bench)).toEqual([]);
  });

  test("Updated without Started opens a transaction, flagged; its Started belongs to it", () => {
    const { bench, cp } = site();
    const updated = send(bench, cp, event("Updated", 3, { ...evse, ...register(500) }));
    expect(updated.flags).toEqual(["start-missing"]);
    const started = send(bench, cp, event("Started", 0));
    expect(started.transactionId).toBe(updated.transactionId);
    expect(open(bench)).toHaveLength(1);
  });

  test("Updated after Ended does not open the transaction again", () => {
    const { bench, cp } = site();
    const { transactionId } = send(bench, cp, event("Started", 0));
    send(bench, cp, event("Ended", 2));
    expect(send(bench, cp, event("Updated", 1)).transactionId).toBe(transactionId);
    expect(open(bench)).toEqual([]);
  });

  test("two transactions at once on two EVSEs stay apart, with readings that name only the EVSE", () => {
    const { bench, cp } = site();
    const one = send(bench, cp, event("Started", 0, { evse: { id: 1 } }));
    const two = send(bench, cp, event("Started", 0, { transactionId: "tx-2", evse: { id: 2 } }));
    bench.result(cp, "MeterValues", { evseId: 2, ...register(700) });
    expect(bench.last("ocpp.handled").transactionId).toBe(two.transactionId);
    bench.result(cp, "MeterValues", { evseId: 0, ...register(700) });
    expect(bench.last("ocpp.handled").transactionId).toBeUndefined();
    expect(one.transactionId).not.toBe(two.transactionId);
  });
});

describe("what happened offline", () => {
  test("is flagged by the station's word or by its time", () => {
    const { bench, cp } = site();
    expect(send(bench, cp, event("Started", 0, { offline: true })).flags).toEqual(["replayed"]);
    bench.pass(600_000);
    expect(send(bench, cp, event("Updated", 1)).flags).toEqual(["replayed"]);
    const timestamp = "1970-01-01T00:00:10Z";
    expect(send(bench, cp, event("Updated", 2, { timestamp })).flags).toContain("time-implausible");
  });

  test("TC_C_20 is decided at the site, never asked", () => {
    const { bench, cp } = site();
    bench.online();
    const payload = event("Started", 0, { offline: true, idToken: token("NONE") });
    expect(send(bench, cp, payload).result).toEqual({ idTokenInfo: { status: "Unknown" } });
  });
});

test("a restart in the middle of everything knows what was known", () => {
  const { bench, cp } = site();
  send(bench, cp, event("Started", 0, { idToken: token(), ...evse }));
  send(bench, cp, event("Updated", 1, register(500)));
  send(bench, cp, event("Started", 0, { transactionId: "tx-2" }));
  send(bench, cp, event("Ended", 9, { transactionId: "tx-3" }));
  expect(recovered(bench.entries)).toEqual(bench.state.durable);
});
