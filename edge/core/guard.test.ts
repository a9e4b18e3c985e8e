/**
 * Running transactions are watched: bounds, revoked tokens, stops that never came; ended when it is due, and
 * once.
 */
import { describe, expect, test } from "vitest";
import type { Policy } from "../../shared/policy.ts";
import { Bench, policyOf, recovered, signed, TAG, time, type NamedToken } from "./harness.ts";

const cap = { energyWh: 5_000, durationS: 3_600, startsPerDay: 9, siteEnergyWhPerDay: 99_000 };
const HOUR_MS = 3_600_000;

function charging(idTag: string, more: Partial<Policy> = {}, tokens: NamedToken[] = [TAG]) {
  const bench = new Bench({
    policy: policyOf(tokens, 1, more),
    identity: { authorization: "local", provision: false },
  });
  let cp = bench.connect();
  bench.pass(1);
  const { transactionId } = bench.result(cp, "StartTransaction", {
    ...{ connectorId: 1, idTag, meterStart: 1_000, timestamp: time() },
  }) as { transactionId: number };
  const meter = (wh: number) => {
    const sampledValue = [{ value: String(wh) }];
    const meterValue = [{ timestamp: time(bench.now.upMs / 1_000), sampledValue }];
    return bench.result(cp, "MeterValues", { connectorId: 1, transactionId, meterValue });
  };
  const calls = () => bench.sent(cp).filter((frame) => frame[0] === 2);
  const say = (status: string) => {
    const call = bench.lastCall(cp);
    return bench.frame(cp, JSON.stringify([3, call?.messageId, { status }]));
  };
  const reconnect = () => {
    cp = bench.connect();
    bench.result(cp, "Heartbeat", {});
  };
  return { bench, transactionId, meter, calls, say, reconnect, cp: () => cp };
}

describe("an unknown token with a cap", () => {
  const rules = { unknownToken: "cap", unknownCap: cap } as const;

  test("is ended at its energy, asked again after a minute when it goes on, and not after it has stopped", () => {
    const { bench, transactionId, meter, calls, say, cp } = charging("X", rules);
    meter(5_999);
    bench.pass(1_000);
    expect(calls()).toEqual([]);
    meter(6_000);
    bench.pass(1_000);
    expect(calls()).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", { transactionId }]]);
    say("Accepted");
    expect(bench.last("ocpp.called")).toMatchObject({
      cause: "cap-energy",
      transactionId: expect.any(String),
    });
    bench.pass(30_000);
    expect(calls()).toHaveLength(1);
    bench.pass(31_000);
    expect(calls()).toHaveLength(2);
    bench.result(cp(), "StopTransaction", { transactionId, meterStop: 6_010, timestamp: time(99) });
    say("Rejected");
    bench.pass(120_000);
    expect(calls()).toHaveLength(2);
  });

  test("is ended at its time, also when the ER and the station were away meanwhile", () => {
    const { bench, meter, calls, reconnect } = charging("X", rules);
    meter(1_500);
    bench.restart();
    bench.now.at += HOUR_MS;
    reconnect();
    bench.pass(1_000);
    expect(calls()).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", expect.anything()]]);
  });

  test("a clock that jumps ends nothing before its time", () => {
    const { bench, meter, calls } = charging("X", rules);
    meter(1_500);
    bench.now.at += 400 * 24 * HOUR_MS;
    bench.pass(1_000);
    expect(calls()).toEqual([]);
  });
});

describe("a token that is revoked while it charges", () => {
  const blocked = (more: Partial<Policy>) =>
    signed(policyOf([{ ...TAG, status: "Blocked" }], 2, { ...more }));
  const rule = (name: Policy["revocation"]["rule"]) => ({ revocation: { rule: name, energyWh: 500 } });

  test("finish: it is written down, and charges on", () => {
    const { bench, calls } = charging("TAG");
    bench.input({ kind: "link.policy", signed: blocked(rule("finish")) });
    for (let i = 0; i < 3; i++) bench.pass(1_000);
    expect(bench.all("transaction.revoked")).toMatchObject([{ rule: "finish", reason: "blocked" }]);
    expect(calls()).toEqual([]);
  });

  test("stop-now: it is ended, over a restart of the ER as well", () => {
    const { bench, calls, reconnect } = charging("TAG");
    bench.input({ kind: "link.policy", signed: blocked(rule("stop-now")) });
    bench.pass(1_000);
    expect(calls()).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", expect.anything()]]);
    bench.restart();
    reconnect();
    bench.pass(1_000);
    expect(calls()).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", expect.anything()]]);
    expect(bench.all("transaction.revoked")).toHaveLength(1);
  });

  test("min-energy: it is slowed down once, and ended when it has had its due", () => {
    const { bench, meter, calls, say } = charging("TAG");
    meter(3_000);
    bench.input({ kind: "link.policy", signed: blocked(rule("min-energy")) });
    bench.pass(1_000);
    expect(calls()).toMatchObject([
      [
        2,
        expect.any(String),
        "SetChargingProfile",
        { csChargingProfiles: { chargingProfilePurpose: "TxProfile" } },
      ],
    ]);
    say("Accepted");
    bench.pass(120_000);
    expect(calls()).toHaveLength(1);
    meter(3_500);
    bench.pass(1_000);
    expect(calls().at(-1)).toMatchObject([2, expect.any(String), "RemoteStopTransaction", expect.anything()]);
  });

  test("a token that the cloud let in is not taken for removed by a policy that was made before it", () => {
    const bench = new Bench({ policy: policyOf([], 1), identity: { provision: false } });
    bench.online();
    const cp = bench.connect();
    bench.pass(60_000);
    const start = { connectorId: 1, idTag: "NEW", meterStart: 0, timestamp: time(60) };
    expect(bench.call(cp, "StartTransaction", start)).toBeUndefined();
    const { ask } = bench.effectsOf("publish.ask").findLast((e) => e.ask.question.kind === "authorize") ?? {};
    const answer = { kind: "authorize" as const, status: "Accepted" as const, reason: "listed" };
    bench.input({ kind: "link.answer", answer: { v: 1, correlationId: ask?.correlationId ?? "", answer } });
    const arrives = (version: number, issuedAt: number) => {
      bench.input({ kind: "link.policy", signed: signed(policyOf([], version, { issuedAt })) });
      bench.pass(1_000);
      return bench.all("transaction.revoked").map((entry) => entry.reason);
    };
    expect(arrives(2, bench.now.at - 30_000)).toEqual([]);
    expect(arrives(3, bench.now.at)).toEqual(["removed"]);
  });

  test("a token that is gone from the list is revoked; one that was unknown from the start is not", () => {
    const listed = charging("TAG");
    listed.bench.input({ kind: "link.policy", signed: signed(policyOf([], 2)) });
    listed.bench.pass(1_000);
    expect(listed.bench.all("transaction.revoked")).toMatchObject([{ reason: "removed" }]);
    const unknown = charging("X", { unknownToken: "allow" });
    unknown.bench.input({ kind: "link.policy", signed: signed(policyOf([TAG], 2)) });
    unknown.bench.pass(1_000);
    expect(unknown.bench.all("transaction.revoked")).toEqual([]);
  });

  test("a token that expires while it charges is revoked by the same rule", () => {
    const { bench } = charging("TAG", {}, [{ ...TAG, expiresAt: 1_793_527_200_000 + 5_000 }]);
    bench.pass(4_000);
    expect(bench.all("transaction.revoked")).toEqual([]);
    bench.pass(61_000);
    expect(bench.all("transaction.revoked")).toMatchObject([{ reason: "expired" }]);
  });
});

describe("a stop that never comes", () => {
  test("after a day of silence, with the EVSE free, the transaction is closed with what was known", () => {
    const { bench, meter, cp } = charging("TAG");
    meter(4_000);
    const heardAt = bench.now.at;
    bench.result(cp(), "StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status: "Available", timestamp: time(1) },
    });
    bench.pass(24 * HOUR_MS - 1_000);
    expect(bench.all("transaction.closed")).toEqual([]);
    bench.pass(1_000);
    expect(bench.all("transaction.closed")).toMatchObject([
      { reason: "evse-free", endedAt: heardAt, meterStopWh: 4_000 },
    ]);
    expect(bench.state.durable.transactions.size).toBe(0);
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("a stop that comes after all belongs to the same transaction, and is no conflict", () => {
    const { bench, transactionId, cp } = charging("TAG");
    bench.disconnect(cp());
    bench.pass(25 * HOUR_MS);
    expect(bench.all("transaction.closed")).toMatchObject([{ reason: "station-away" }]);
    const again = bench.connect();
    const at = time(bench.now.upMs / 1_000);
    bench.result(again, "StopTransaction", { transactionId, meterStop: 9_000, timestamp: at });
    const stop = bench.last("ocpp.handled");
    expect(stop.transactionId).toBe(bench.all("transaction.closed")[0]?.transactionId);
    expect(stop.flags ?? []).not.toContain("conflicting-stop");
  });

  test("a station that is connected and busy may be silent for long: a car that is full", () => {
    const { bench, cp } = charging("TAG");
    bench.result(cp(), "StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status: "SuspendedEV", timestamp: time(1) },
    });
    bench.pass(40 * HOUR_MS);
    expect(bench.all("transaction.closed")).toEqual([]);
  });
});

describe("a master token at a 1.6 reader", () => {
  const master = { ...TAG, idToken: "MASTER", master: true };

  test("ends the one transaction that runs", () => {
    const { bench, transactionId, calls, cp } = charging("TAG", {}, [TAG, master]);
    expect(bench.result(cp(), "Authorize", { idTag: "MASTER" })).toMatchObject({
      idTagInfo: { status: "Accepted" },
    });
    expect(calls()).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", { transactionId }]]);
    expect(bench.last("ocpp.handled").flags).toEqual(["master-stop"]);
  });

  test("of several ends the one whose connector has just been touched; in doubt none", () => {
    const { bench, transactionId, calls, cp } = charging("TAG", {}, [TAG, master]);
    const second = { connectorId: 2, idTag: "TAG", meterStart: 0, timestamp: time(1) };
    bench.result(cp(), "StartTransaction", second);
    bench.pass(120_000);
    bench.result(cp(), "Authorize", { idTag: "MASTER" });
    expect(bench.last("ocpp.handled").flags).toEqual(["master-ambiguous"]);
    expect(calls()).toEqual([]);
    bench.result(cp(), "StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status: "SuspendedEV", timestamp: time(121) },
    });
    bench.result(cp(), "Authorize", { idTag: "MASTER" });
    expect(calls()).toMatchObject([[2, expect.any(String), "RemoteStopTransaction", { transactionId }]]);
  });
});
