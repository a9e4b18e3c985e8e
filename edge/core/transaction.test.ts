/** Transactions of OCPP 1.6: ids, retries, refusals, stops that fit nothing. */
import { describe, expect, test } from "vitest";
import { EMERGENCY_ID_MAX, EMERGENCY_ID_MIN } from "../../shared/limits.ts";
import { Bench, policyOf, recovered, signed, TAG, time, uuid } from "./harness.ts";
import { takeTransactionId } from "./transaction.ts";
import { stationOf } from "./fold-message.ts";

const NO_ID = "tolerated:stop-without-id";
const start = (more: object = {}) => ({
  connectorId: 1,
  idTag: "TAG",
  meterStart: 1_000,
  timestamp: time(),
  ...more,
});
const stop = (transactionId: number, more: object = {}) => ({
  transactionId,
  meterStop: 5_000,
  timestamp: time(60),
  ...more,
});
const meter = (transactionId: number | undefined, wh: number, s = 30, connectorId = 1) => ({
  connectorId,
  ...(transactionId === undefined ? {} : { transactionId }),
  meterValue: [{ timestamp: time(s), sampledValue: [{ value: String(wh) }] }],
});

/** A site with a policy and one leased block, from 101 on. */
function site(count = 1_000) {
  const bench = new Bench({ policy: policyOf([TAG, { idToken: "MATE", status: "Accepted", groupId: "G" }]) });
  bench.online();
  bench.pass(100);
  const { ask } = bench.effectsOf("publish.ask").find((e) => e.ask.question.kind === "lease") ?? {};
  const answer = { kind: "lease" as const, first: 101, count };
  bench.input({ kind: "link.answer", answer: { v: 1, correlationId: ask?.correlationId ?? "", answer } });
  bench.input({ kind: "link.down" });
  return { bench, cp: bench.connect() };
}
const begin = (bench: Bench, cp: number, more: object = {}): number =>
  bench.result(cp, "StartTransaction", start(more))["transactionId"] as number;
const flagsOf = (bench: Bench) => bench.last("ocpp.handled").flags ?? [];

describe("a regular charging session", () => {
  test("TC_003_CSMS plug in first; TC_004_1_CSMS identification first", () => {
    const { bench, cp } = site();
    expect(bench.result(cp, "Authorize", { idTag: "TAG" })).toEqual({ idTagInfo: { status: "Accepted" } });
    const { transactionId, idTagInfo } = bench.result(cp, "StartTransaction", start());
    expect({ transactionId, idTagInfo }).toEqual({ transactionId: 101, idTagInfo: { status: "Accepted" } });
    expect(bench.result(cp, "MeterValues", meter(101, 3_000))).toEqual({});
    const own = bench.last("ocpp.handled").transactionId ?? "";
    expect(bench.state.durable.transactions.get(own)).toMatchObject({
      meterStartWh: 1_000,
      energyImportWh: 3_000,
    });
    expect(bench.result(cp, "StopTransaction", stop(101, { idTag: "TAG" }))).toEqual({
      idTagInfo: { status: "Accepted" },
    });
    expect(bench.state.durable.transactions.size).toBe(0);
    expect(new Set(bench.all("ocpp.handled").map((e) => e.transactionId))).toEqual(new Set([undefined, own]));
    expect(bench.all("ocpp.handled").flatMap((e) => e.flags ?? [])).toEqual([]);
  });

  test("TC_005_1_CSMS a stop without an idTag has an empty answer", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    expect(bench.result(cp, "StopTransaction", stop(id, { reason: "EVDisconnected" }))).toEqual({});
  });

  test("another token of the same group may stop, a stranger is told Invalid; both stops count", () => {
    const { bench, cp } = site();
    const first = begin(bench, cp, { idTag: "MATE" });
    const other = { ...TAG, idToken: "MATE2", groupId: "G" };
    bench.input({
      kind: "link.policy",
      signed: signed(policyOf([TAG, other, { ...TAG, idToken: "MATE", groupId: "G" }], 2)),
    });
    expect(bench.result(cp, "StopTransaction", stop(first, { idTag: "MATE2" }))).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
    const second = begin(bench, cp, { timestamp: time(70) });
    expect(bench.result(cp, "StopTransaction", stop(second, { idTag: "MATE2" }))).toMatchObject({
      idTagInfo: { status: "Invalid" },
    });
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  test("a group whose name OCPP 1.6 must shorten is still one group", () => {
    const groupId = "a-group-with-a-name-of-36-characters";
    const tokens = [
      { ...TAG, groupId },
      { ...TAG, idToken: "MATE", groupId },
    ];
    const bench = new Bench({ policy: policyOf(tokens) });
    const cp = bench.connect();
    const answer = bench.result(cp, "StopTransaction", stop(begin(bench, cp), { idTag: "MATE" }));
    expect(answer).toMatchObject({ idTagInfo: { status: "Accepted", parentIdTag: groupId.slice(0, 20) } });
  });

  test("TC_023 a refused start gets an id and an answer, and runs no transaction", () => {
    const { bench, cp } = site();
    const result = bench.result(cp, "StartTransaction", start({ idTag: "NONE" }));
    expect(result).toEqual({ transactionId: 101, idTagInfo: { status: "Invalid" } });
    expect(bench.state.durable.transactions.size).toBe(0);
    const refused = bench.last("ocpp.handled").transactionId;
    // Many stations report the transaction all the same: it is the same one, and its stop is no conflict.
    bench.result(cp, "MeterValues", meter(101, 1_100));
    expect(bench.last("ocpp.handled").transactionId).toBe(refused);
    bench.result(cp, "StopTransaction", stop(101, { reason: "DeAuthorized" }));
    expect(bench.last("ocpp.handled")).toMatchObject({ transactionId: refused });
    expect(flagsOf(bench)).toEqual([]);
    expect(begin(bench, cp)).toBe(102);
  });
});

describe("transaction ids", () => {
  test("come from leased blocks, each once, across a restart", () => {
    const { bench, cp } = site();
    const ids = [1, 2, 3].map((n) => begin(bench, cp, { timestamp: time(n) }));
    bench.restart();
    expect([...ids, begin(bench, bench.connect(), { timestamp: time(9) })]).toEqual([101, 102, 103, 104]);
  });

  test("when none is left, come from the emergency range, each once, across a restart", () => {
    const { bench, cp } = site(1);
    const ids = [1, 2, 3].map((n) => begin(bench, cp, { timestamp: time(n) }));
    expect(ids[0]).toBe(101);
    expect(ids[1]).toBeGreaterThanOrEqual(EMERGENCY_ID_MIN);
    expect(ids[2]).toBe((ids[1] ?? 0) + 1);
    bench.restart();
    expect(begin(bench, bench.connect(), { timestamp: time(9) })).toBe((ids[2] ?? 0) + 1);
  });

  test("of the emergency range wrap around and skip what is in use", () => {
    const { bench, cp } = site(1);
    begin(bench, cp);
    bench.state.durable.emergencyNext = EMERGENCY_ID_MAX;
    expect(begin(bench, cp, { timestamp: time(1) })).toBe(EMERGENCY_ID_MAX);
    expect(bench.state.durable.emergencyNext).toBe(EMERGENCY_ID_MIN);
    expect(begin(bench, cp, { timestamp: time(2) })).toBe(EMERGENCY_ID_MIN);
    bench.state.durable.emergencyNext = EMERGENCY_ID_MAX;
    expect(takeTransactionId(bench.state, stationOf(bench.state.durable, "CP-1", "ocpp1.6"))).toBe(
      EMERGENCY_ID_MIN + 1,
    );
  });

  test("a lease that reaches into the emergency range is not taken", () => {
    const bench = new Bench();
    bench.online();
    bench.pass(100);
    const { ask } = bench.effectsOf("publish.ask").find((e) => e.ask.question.kind === "lease") ?? {};
    const answer = { kind: "lease" as const, first: EMERGENCY_ID_MIN - 10, count: 1_000 };
    bench.input({ kind: "link.answer", answer: { v: 1, correlationId: ask?.correlationId ?? "", answer } });
    expect(bench.state.durable.leases).toEqual([]);
    expect(bench.all("lease.granted")).toEqual([]);
  });
});

describe("a repeated start", () => {
  test("gets its first id and decision, under a new message id, after a restart, and when the token is gone by now", () => {
    const { bench, cp } = site();
    const first = bench.result(cp, "StartTransaction", start());
    expect(bench.result(cp, "StartTransaction", start())).toEqual(first);
    bench.input({ kind: "link.policy", signed: signed(policyOf([], 2)) });
    bench.restart();
    expect(bench.result(bench.connect(), "StartTransaction", start())).toEqual(first);
    expect(bench.last("ocpp.handled")).toMatchObject({ basis: "repeat", flags: ["repeat"] });
    expect(bench.state.durable.transactions.size).toBe(1);
    expect(bench.state.durable.leases[0]?.next).toBe(102);
  });

  test("while the first one waits for the cloud is still one transaction", () => {
    const { bench, cp } = site();
    bench.online();
    bench.call(cp, "StartTransaction", start(), "a");
    bench.call(cp, "StartTransaction", start(), "b");
    bench.pass(2_000);
    const [first, second] = ["a", "b"].map((id) => bench.sent(cp).filter((frame) => frame[1] === id));
    expect(first).toHaveLength(1);
    expect(second).toHaveLength(1);
    expect(second?.[0]?.[2]).toEqual(first?.[0]?.[2]);
    expect(bench.state.durable.transactions.size).toBe(1);
  });

  test("at another time, connector or register is another transaction", () => {
    const { bench, cp } = site();
    const ids = [{}, { connectorId: 2 }, { meterStart: 1_001 }, { timestamp: time(1) }].map((more) =>
      begin(bench, cp, more),
    );
    expect(ids).toEqual([101, 102, 103, 104]);
  });
});

describe("a stop", () => {
  test("of an id that nobody knows is answered and kept as an orphan", () => {
    const { bench, cp } = site();
    expect(bench.result(cp, "StopTransaction", stop(999))).toEqual({});
    expect(bench.last("ocpp.handled")).toMatchObject({
      flags: ["orphan-stop"],
      transactionId: expect.any(String),
    });
  });

  test("TC_037 with id -1 belongs to the one transaction that it fits", () => {
    const { bench, cp } = site();
    begin(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    expect(bench.result(cp, "StopTransaction", stop(-1))).toEqual({});
    expect(bench.last("ocpp.handled")).toMatchObject({
      transactionId: own,
      flags: ["matched-by-guess", NO_ID],
    });
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  test("with id -1 and two that fit is an orphan; a register that is too low fits nothing", () => {
    const { bench, cp } = site();
    begin(bench, cp);
    begin(bench, cp, { connectorId: 2, meterStart: 9_000 });
    bench.result(cp, "StopTransaction", stop(-1, { meterStop: 20_000 }));
    expect(flagsOf(bench)).toEqual(["orphan-stop", NO_ID]);
    bench.result(cp, "StopTransaction", stop(-1, { meterStop: 2_000 }));
    expect(flagsOf(bench)).toEqual(["matched-by-guess", NO_ID]);
    bench.result(cp, "StopTransaction", stop(-1, { meterStop: 2_001 }));
    expect(flagsOf(bench)).toEqual(["orphan-stop", NO_ID]);
  });

  test("of which nobody saw the start begins where the one EVSE was last heard of; of two EVSEs nothing is known", () => {
    const { bench, cp } = site();
    const status = (connectorId: number) =>
      bench.result(cp, "StatusNotification", { connectorId, errorCode: "NoError", status: "Available" });
    status(0);
    status(1);
    bench.result(cp, "MeterValues", meter(undefined, 1_000, 1));
    const assumed = [4_000, 4_500].map((meterStop, n) => {
      bench.pass(60_000);
      bench.result(cp, "StopTransaction", stop(-1, { meterStop, timestamp: time(100 * (n + 1)) }));
      return bench.last("ocpp.handled").assumed?.meterStartWh;
    });
    expect(assumed).toEqual([1_000, 4_000]);
    // No EVSE gives three megawatt-hours in a minute: that was another meter.
    bench.pass(60_000);
    bench.result(cp, "StopTransaction", stop(-1, { meterStop: 3_000_000, timestamp: time(800) }));
    expect(bench.last("ocpp.handled").assumed).toBeUndefined();
    status(2);
    bench.pass(60_000);
    bench.result(cp, "StopTransaction", stop(-1, { meterStop: 9_000, timestamp: time(900) }));
    expect(bench.last("ocpp.handled").assumed).toBeUndefined();
  });

  test("of an id that a lost journal gave never ends a transaction of this one", () => {
    const { bench, cp } = site();
    begin(bench, cp);
    bench.result(cp, "StopTransaction", stop(999));
    expect(flagsOf(bench)).toEqual(["orphan-stop"]);
    expect(bench.state.durable.transactions.size).toBe(1);
  });

  test("with id -1 is never taken for an earlier stop with id -1", () => {
    const { bench, cp } = site();
    const own = [1, 2].map((n) => {
      begin(bench, cp, { timestamp: time(n * 100) });
      bench.result(cp, "StopTransaction", stop(-1, { timestamp: time(n * 100 + 50) }));
      expect(flagsOf(bench)).toEqual(["matched-by-guess", NO_ID]);
      return bench.last("ocpp.handled").transactionId;
    });
    expect(own[0]).not.toBe(own[1]);
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  test("after a stop that was guessed, the real id still finds its transaction", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.result(cp, "StopTransaction", stop(-1));
    bench.result(cp, "MeterValues", meter(id, 5_000, 90));
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
  });

  test("repeated gets the first answer; with another register both are kept and a person is told", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.result(cp, "StopTransaction", stop(id, { idTag: "TAG" }));
    bench.restart();
    const again = bench.connect();
    expect(bench.result(again, "StopTransaction", stop(id, { idTag: "TAG" }))).toEqual({
      idTagInfo: { status: "Accepted" },
    });
    expect(flagsOf(bench)).toEqual(["repeat"]);
    expect(bench.result(again, "StopTransaction", stop(id, { meterStop: 6_000 }))).toEqual({});
    expect(bench.last("ocpp.handled")).toMatchObject({ transactionId: own, flags: ["conflicting-stop"] });
  });

  test.each<[string, object, string]>([
    ["an unknown reason", { reason: "Boredom" }, "tolerated:unknown-reason"],
    ["an idTag that is too long", { idTag: "x".repeat(40) }, "schema-violation"],
    ["an idTag of a wrong type", { idTag: {} }, "schema-violation"],
    ["an unknown field", { vendor: { x: 1 } }, "tolerated:extra-property"],
    ["data that is no list", { transactionData: "none" }, "schema-violation"],
    ["samples without a time", { transactionData: [{ sampledValue: [] }] }, "tolerated:time-missing"],
    [
      "data of nulls",
      { transactionData: [null, { sampledValue: [null] }, { sampledValue: null }] },
      "schema-violation",
    ],
  ])("with %s is answered, flagged, and read the same after a restart", (_name, more, flag) => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    expect(bench.result(cp, "StopTransaction", { ...stop(id), ...more })).toEqual({});
    expect(flagsOf(bench)).toContain(flag);
    expect(bench.state.durable.transactions.size).toBe(0);
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("that does not say which, when or how much is answered all the same, for a person to look at", () => {
    const { bench, cp } = site();
    for (const key of ["transactionId", "meterStop", "timestamp"]) {
      expect(bench.call(cp, "StopTransaction", { ...stop(101), [key]: {} })?.[0]).toBe(3);
      expect(flagsOf(bench)).toContain(key === "timestamp" ? "time-implausible" : "schema-violation");
    }
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("below the start is kept as it came: billing is not the ER's business", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    expect(bench.result(cp, "StopTransaction", stop(id, { meterStop: -1 }))).toEqual({});
    expect(bench.state.durable.transactions.size).toBe(0);
  });
});

describe("meter values", () => {
  test("after the end belong to the transaction but do not open it again", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.result(cp, "StopTransaction", stop(id));
    expect(bench.result(cp, "MeterValues", meter(id, 7_000, 90))).toEqual({});
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
    expect(bench.state.durable.transactions.size).toBe(0);
  });

  test("without an id belong to nothing on a new connection, before the station has named it", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.disconnect(cp);
    const again = bench.connect();
    bench.result(again, "MeterValues", meter(undefined, 9_000));
    expect(bench.last("ocpp.handled").transactionId).toBeUndefined();
    expect(bench.state.durable.transactions.get(own ?? "")?.energyImportWh).toBe(1_000);
    bench.result(again, "MeterValues", meter(id, 2_000));
    bench.result(again, "MeterValues", meter(undefined, 2_500));
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
  });

  test("without an id belong to the transaction on their EVSE; with an unknown id to none", () => {
    const { bench, cp } = site();
    begin(bench, cp);
    const own = bench.last("ocpp.handled").transactionId;
    bench.result(cp, "MeterValues", meter(undefined, 2_000));
    expect(bench.last("ocpp.handled").transactionId).toBe(own);
    bench.result(cp, "MeterValues", meter(undefined, 2_000, 30, 2));
    expect(bench.last("ocpp.handled").transactionId).toBeUndefined();
    bench.result(cp, "MeterValues", meter(4_711, 2_000));
    expect(bench.last("ocpp.handled").transactionId).toBeUndefined();
  });

  test("without an id are not those of a transaction whose stop is missing, once another one was there", () => {
    const { bench, cp } = site();
    begin(bench, cp);
    const next = begin(bench, cp, { meterStart: 2_000, timestamp: time(100) });
    bench.result(cp, "StopTransaction", stop(next, { meterStop: 9_000, timestamp: time(200) }));
    bench.result(cp, "MeterValues", meter(undefined, 9_000, 201));
    expect(bench.last("ocpp.handled").transactionId).toBeUndefined();
  });

  test("wait for company, a start does not", () => {
    const { bench, cp } = site();
    bench.pass(1_000);
    expect(bench.frame(cp, JSON.stringify([2, "m", "MeterValues", meter(undefined, 1)])).urgent).toBe(false);
    bench.pass(1_000);
    expect(bench.frame(cp, JSON.stringify([2, "s", "StartTransaction", start()])).urgent).toBe(true);
  });

  test("do not wait when a station empties its queue, each message after the answer to the one before", () => {
    const { bench, cp } = site();
    const urgent = Array.from({ length: 8 }, (_, nth) => {
      // An answer that lingered, and the way to the station and back.
      bench.pass(270);
      return bench.frame(cp, JSON.stringify([2, `q${nth}`, "MeterValues", meter(undefined, nth)])).urgent;
    });
    expect(urgent.slice(0, 3)).toEqual([false, false, false]);
    expect(urgent.slice(-3)).toEqual([true, true, true]);
  });

  test("the register of a transaction never falls", () => {
    const { bench, cp } = site();
    const id = begin(bench, cp);
    for (const wh of [2_000, 4_000, 3_000]) bench.result(cp, "MeterValues", meter(id, wh));
    expect([...bench.state.durable.transactions.values()][0]?.energyImportWh).toBe(4_000);
  });
});

describe("what happened while the station was offline", () => {
  test("TC_039_CSMS offline transaction: start and stop are replayed late, flagged, and never asked about", () => {
    const { bench, cp } = site();
    bench.online();
    bench.pass(3_600_000);
    bench.ack(0);
    const id = begin(bench, cp);
    expect(flagsOf(bench)).toEqual(["replayed"]);
    bench.result(cp, "StopTransaction", stop(id));
    expect(flagsOf(bench)).toEqual(["replayed"]);
    expect(bench.effectsOf("publish.ask").filter((e) => e.ask.question.kind === "authorize")).toEqual([]);
  });

  test("TC_037_3_CSMS offline start with an invalid id is answered Invalid, so that the station may stop it", () => {
    const { bench, cp } = site();
    bench.pass(3_600_000);
    expect(bench.result(cp, "StartTransaction", start({ idTag: "NONE" }))).toMatchObject({
      idTagInfo: { status: "Invalid" },
    });
  });

  test.each(["1970-01-01T00:32:33Z", "2019-12-31T23:59:59Z", "2026-11-01T10:06:00Z"])(
    "the time %s is implausible",
    (timestamp) => {
      const { bench, cp } = site();
      begin(bench, cp, { timestamp });
      expect(flagsOf(bench)).toContain("time-implausible");
    },
  );

  test("a box whose own clock is wrong still tells live from late, once the cloud has said the time", () => {
    const { bench, cp } = site();
    bench.online();
    bench.ack(0, { cloudTime: bench.now.at - 3_600_000 });
    const true_ = (s: number) => time(s - 3_600);
    bench.input({ kind: "link.down" });
    begin(bench, cp, { timestamp: true_(0) });
    expect(flagsOf(bench)).toEqual([]);
    begin(bench, cp, { timestamp: true_(-600) });
    expect(flagsOf(bench)).toEqual(["replayed"]);
  });
});

test("transactions of other stations are never mixed up", () => {
  const { bench, cp } = site();
  const other = bench.connect("CP-2");
  const id = begin(bench, cp);
  bench.result(other, "StopTransaction", stop(id));
  expect(flagsOf(bench)).toEqual(["orphan-stop"]);
  expect([...bench.state.durable.transactions.values()]).toMatchObject([{ stationId: "CP-1" }]);
  expect(uuid(1)).not.toBe(bench.last("ocpp.handled").transactionId);
});
