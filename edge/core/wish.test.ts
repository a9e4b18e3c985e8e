/** Commands whose answer never came: wishes are asked again, imperatives show themselves or stay uncertain. */
import { describe, expect, test } from "vitest";
import { wishTarget, type CommandBody } from "../../shared/command.ts";
import { Bench, policyOf, recovered, TAG, time, uuid } from "./harness.ts";

const availability = (operationalStatus: "Operative" | "Inoperative", evseId = 1): CommandBody => ({
  kind: "ChangeAvailability",
  params: { operationalStatus, evseId },
});
const HOUR_MS = 3_600_000;
const long = (n: number) => ({ issuedAt: 1_000 + n, expiresAt: 2e12, remainingMs: HOUR_MS });

function site() {
  const bench = new Bench({
    policy: policyOf([TAG]),
    identity: { authorization: "local", provision: false },
  });
  let cp = bench.connect();
  bench.result(cp, "Heartbeat", {});
  return {
    bench,
    cp: () => cp,
    drop: () => bench.disconnect(cp),
    back() {
      cp = bench.connect();
      bench.result(cp, "Heartbeat", {});
    },
    calls: () => bench.sent(cp).filter((frame) => frame[0] === 2),
    say: (payload: object) => bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, payload])),
    ends: () => bench.all("command.finished").map((e) => [e.commandId, e.status]),
  };
}

describe("a wish", () => {
  test("whose answer was lost is told again when the station is back, and accepted once", () => {
    const { bench, drop, back, calls, say, ends } = site();
    bench.command(1, availability("Inoperative"), long(1));
    expect(calls()).toHaveLength(1);
    drop();
    expect(ends()).toEqual([]);
    back();
    expect(calls()).toHaveLength(1);
    say({ status: "Accepted" });
    expect(ends()).toEqual([[uuid(1), "succeeded"]]);
    expect(bench.all("command.accepted")).toHaveLength(1);
  });

  test("is not forgotten over a restart of the ER", () => {
    const { bench, back, calls, say, ends } = site();
    bench.command(1, availability("Inoperative"), long(1));
    bench.restart();
    expect(ends()).toEqual([]);
    back();
    expect(calls()).toMatchObject([[2, expect.any(String), "ChangeAvailability", { type: "Inoperative" }]]);
    say({ status: "Accepted" });
    expect(ends()).toEqual([[uuid(1), "succeeded"]]);
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("gives way to a newer one for the same thing, in whatever order they come; others stay", () => {
    const { bench, drop, back, calls, ends } = site();
    drop();
    bench.command(1, availability("Inoperative"), long(1));
    bench.command(3, availability("Operative"), long(3));
    bench.command(2, availability("Inoperative"), long(2));
    bench.command(4, availability("Inoperative", 2), long(0));
    expect(ends()).toEqual([
      [uuid(1), "superseded"],
      [uuid(2), "superseded"],
    ]);
    back();
    expect(calls()).toMatchObject([[2, expect.any(String), "ChangeAvailability", { type: "Operative" }]]);
  });

  test("whose station has gone lives no longer because the clock of the box was put back", () => {
    const { bench, drop, ends } = site();
    bench.command(1, availability("Inoperative"), long(1));
    bench.now.at -= 10 * HOUR_MS;
    drop();
    bench.pass(HOUR_MS);
    expect(ends()).toEqual([[uuid(1), "expired"]]);
  });

  test("expires when its station does not come back in time", () => {
    const { bench, drop, ends } = site();
    bench.command(1, availability("Inoperative"), long(1));
    drop();
    bench.pass(2e12);
    expect(ends()).toEqual([[uuid(1), "expired"]]);
  });
});

describe("an imperative without an answer", () => {
  const begin = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time() };

  test("is uncertain; what then happens at the station shows that it was done", () => {
    const { bench, cp, drop, back, ends } = site();
    const start = bench.result(cp(), "StartTransaction", begin);
    const [transactionId = ""] = bench.state.durable.transactions.keys();
    bench.command(1, { kind: "RequestStopTransaction", params: { transactionId } });
    drop();
    expect(ends()).toEqual([[uuid(1), "uncertain"]]);
    back();
    const stop = { transactionId: start["transactionId"], meterStop: 5, timestamp: time(9) };
    bench.result(cp(), "StopTransaction", stop);
    expect(ends().at(-1)).toEqual([uuid(1), "succeeded"]);
    expect(bench.last("command.finished").reason).toBe("observed: the transaction has ended");
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });

  test("start and reset show themselves as well; a stranger's start and a late boot do not", () => {
    const { bench, cp, drop, back, ends, say } = site();
    bench.command(1, { kind: "RequestStartTransaction", params: { idToken: { idToken: "TAG" }, evseId: 1 } });
    drop();
    back();
    bench.result(cp(), "StartTransaction", { ...begin, connectorId: 2 });
    expect(ends()).toEqual([[uuid(1), "uncertain"]]);
    bench.result(cp(), "StartTransaction", begin);
    expect(ends().at(-1)).toEqual([uuid(1), "succeeded"]);
    bench.command(2, { kind: "Reset", params: { type: "Immediate" } });
    drop();
    back();
    bench.pass(11 * 60_000);
    say({ status: "Accepted" });
    bench.result(cp(), "BootNotification", { chargePointVendor: "V", chargePointModel: "M" });
    expect(ends().at(-1)).toEqual([uuid(2), "uncertain"]);
  });

  test("a stop is not sent when its transaction has ended while it waited", () => {
    const { bench, cp, calls, say, ends } = site();
    const start = bench.result(cp(), "StartTransaction", begin);
    const [transactionId = ""] = bench.state.durable.transactions.keys();
    bench.command(1, { kind: "GetConfiguration", params: {} });
    bench.command(2, { kind: "RequestStopTransaction", params: { transactionId } });
    const stop = { transactionId: start["transactionId"], meterStop: 5, timestamp: time(9) };
    bench.result(cp(), "StopTransaction", stop);
    say({ configurationKey: [] });
    expect(calls()).toHaveLength(1);
    expect(ends()).toEqual([
      [uuid(1), "succeeded"],
      [uuid(2), "rejected"],
    ]);
  });

  test("a stop that waits for its station ends with its transaction", () => {
    const { bench, cp, drop, back, calls, ends } = site();
    bench.result(cp(), "StartTransaction", begin);
    const [transactionId = ""] = bench.state.durable.transactions.keys();
    drop();
    bench.command(1, { kind: "RequestStopTransaction", params: { transactionId } }, long(1));
    bench.pass(25 * HOUR_MS);
    expect(bench.all("transaction.closed")).toHaveLength(1);
    back();
    expect(calls()).toEqual([]);
    expect(ends()[0]?.[0]).toBe(uuid(1));
  });
});

describe("a command with a password", () => {
  const PASSWORD = "correct horse";
  const change: CommandBody = {
    kind: "ChangeConfiguration",
    params: { key: "AuthorizationKey", value: PASSWORD },
  };
  const written = (bench: Bench) =>
    JSON.stringify(bench.entries) + JSON.stringify(bench.state.durable.commands);

  test("reaches the station, and stands nowhere in the journal, nor in what is told of it", () => {
    const { bench, calls, say, ends } = site();
    bench.command(1, change, long(1));
    expect(calls()).toMatchObject([[2, expect.any(String), "ChangeConfiguration", change.params]]);
    say({ status: "Accepted" });
    expect(ends()).toEqual([[uuid(1), "succeeded"]]);
    bench.command(2, { kind: "GetConfiguration", params: {} }, long(2));
    say({ configurationKey: [{ key: "AuthorizationKey", readonly: false, value: PASSWORD }] });
    expect(bench.last("ocpp.called").response).toContain('"value":"***"');
    expect(bench.last("command.finished").response).toMatchObject({ configurationKey: [{ value: "***" }] });
    expect(written(bench)).not.toContain(PASSWORD);
  });

  test("is called once: what the journal does not hold cannot be called again", () => {
    const { bench, drop, back, calls, ends } = site();
    bench.command(1, change, long(1));
    drop();
    expect(ends()).toEqual([[uuid(1), "uncertain"]]);
    back();
    expect(calls()).toEqual([]);
  });

  test("waits for a station that is away", () => {
    const { bench, drop, back, calls } = site();
    drop();
    bench.command(1, change, long(1));
    back();
    expect(calls()).toMatchObject([[2, expect.any(String), "ChangeConfiguration", change.params]]);
    expect(written(bench)).not.toContain(PASSWORD);
  });
});

test("a password that a station tells in a report stands nowhere, whether the report is taken or refused", () => {
  const bench = new Bench({ policy: policyOf([TAG]), identity: { authorization: "local" } });
  const cp = bench.connect("CP-1", "ocpp2.0.1");
  const report = (more: object) => ({
    ...{ requestId: 1, seqNo: 0, generatedAt: time() },
    reportData: [
      {
        component: { name: "SecurityCtrlr" },
        variable: { name: "BasicAuthPassword" },
        variableAttribute: [{ value: "correct horse" }],
        ...more,
      },
    ],
  });
  bench.result(cp, "NotifyReport", report({}));
  expect(bench.call(cp, "NotifyReport", report({ variableCharacteristics: 7 }))?.[0]).toBe(4);
  expect(bench.last("ocpp.handled").request).toContain('"value":"***"');
  expect(bench.last("ocpp.rejected").request).toContain('"value":"***"');
  expect(JSON.stringify(bench.entries)).not.toContain("correct horse");
  expect(recovered(bench.entries)).toEqual(bench.state.durable);
});

test("the same variable of another EVSE, or another attribute of it, is another wish", () => {
  const set = (evse: number, attributeType?: "Target"): CommandBody => ({
    kind: "SetVariables",
    params: {
      setVariableData: [
        {
          component: { name: "EVSE", evse: { id: evse } },
          variable: { name: "Power" },
          attributeValue: "7000",
          ...(attributeType === undefined ? {} : { attributeType }),
        },
      ],
    },
  });
  const targets = [set(1), set(2), set(1, "Target")].map(wishTarget);
  expect(new Set(targets).size).toBe(3);
  expect(wishTarget(set(1))).toBe(targets[0]);
});

test("a profile for whoever charges now does not wait for a station that is away: it would meet the next driver", () => {
  const { bench, drop, ends } = site();
  drop();
  const profile = (more: object): CommandBody => ({
    kind: "SetChargingProfile",
    params: {
      evseId: 1,
      chargingProfile: {
        ...{
          id: 100_001,
          stackLevel: 1,
          chargingProfileKind: "Relative",
          chargingProfilePurpose: "TxProfile",
        },
        chargingSchedule: [
          { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] },
        ],
        ...more,
      },
    },
  });
  bench.command(1, profile({}), long(1));
  expect(ends()).toEqual([[uuid(1), "rejected"]]);
  bench.command(2, profile({ transactionId: uuid(9) }), long(2));
  bench.command(3, profile({ id: 100_002, chargingProfilePurpose: "TxDefaultProfile" }), long(3));
  expect(ends()).toHaveLength(1);
});
