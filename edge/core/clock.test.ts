/** What time it is: stations that kept it, stations that have it wrong, and what was asked after a silence. */
import { describe, expect, test } from "vitest";
import { formatTime } from "../../shared/time.ts";
import { Bench, policyOf, recovered, TAG, TEN, time } from "./harness.ts";

const status = (atMs: number, connectorId = 1) => ({
  ...{ connectorId, errorCode: "NoError", status: "Available", timestamp: formatTime(atMs) },
});
const YEAR_MS = 365 * 86_400_000;

describe("a box that woke up without time", () => {
  const lost = () => new Bench({ start: { clock: "untrusted" } });

  test("believes three stations that kept it and agree, and says who told", () => {
    const bench = lost();
    const truth = () => bench.now.at + YEAR_MS;
    for (const id of ["CP-1", "CP-2"]) bench.result(bench.connect(id), "StatusNotification", status(truth()));
    expect(bench.all("clock.synced")).toEqual([]);
    bench.result(bench.connect("CP-3"), "StatusNotification", status(truth() + 2_000));
    expect(bench.all("clock.synced")).toMatchObject([{ offsetMs: YEAR_MS, source: "stations" }]);
    expect(bench.state.live.clock).toBe("holdover");
    expect(bench.result(bench.connect("CP-4"), "Heartbeat", {})).toEqual({
      currentTime: formatTime(TEN + YEAR_MS),
    });
  });

  test("does not believe one station that says it three times, nor three that differ, nor the past", () => {
    const bench = lost();
    const cp = bench.connect();
    for (const n of [1, 2, 3]) bench.result(cp, "StatusNotification", status(TEN + YEAR_MS, n));
    bench.result(bench.connect("CP-2"), "StatusNotification", status(TEN + YEAR_MS + 60_000));
    bench.result(bench.connect("CP-3"), "StatusNotification", status(TEN + YEAR_MS - 60_000));
    for (const id of ["CP-5", "CP-6", "CP-7"])
      bench.result(bench.connect(id), "StatusNotification", status(TEN - YEAR_MS));
    expect(bench.all("clock.synced")).toEqual([]);
  });

  test("does not believe stations that it has told the time itself", () => {
    const bench = lost();
    for (const id of ["CP-1", "CP-2", "CP-3"]) {
      const cp = bench.connect(id);
      bench.result(cp, "Heartbeat", {});
      bench.result(cp, "StatusNotification", status(bench.now.at));
    }
    expect(bench.state.live.clock).toBe("untrusted");
  });

  test("goes by the cloud's time as soon as it is told, also to see that a token has expired", () => {
    const bench = new Bench({
      policy: policyOf([{ ...TAG, expiresAt: TEN + 1 }]),
      start: { clock: "untrusted" },
      identity: { authorization: "local", provision: false },
    });
    const cp = bench.connect();
    const statusOf = () =>
      (bench.result(cp, "Authorize", { idTag: "TAG" })["idTagInfo"] as { status: string }).status;
    bench.now.at += 1_000;
    expect(statusOf()).toBe("Accepted");
    bench.online();
    bench.ack(0, { cloudTime: bench.now.at + YEAR_MS });
    expect(bench.last("clock.synced")).toMatchObject({ source: "cloud" });
    expect(statusOf()).toBe("Expired");
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
  });
});

describe("a station whose clock is wrong", () => {
  test("is told the time again, once an hour, and its skew stands in the hello", () => {
    const bench = new Bench();
    const cp = bench.connect();
    const calls = () => bench.sent(cp).filter((frame) => frame[0] === 2);
    bench.result(cp, "StatusNotification", status(TEN - 300_000));
    expect(calls()).toEqual([]);
    bench.result(cp, "StatusNotification", { ...status(TEN - 301_000), status: "Preparing" });
    expect(calls()).toMatchObject([
      [2, expect.any(String), "TriggerMessage", { requestedMessage: "Heartbeat" }],
    ]);
    bench.frame(cp, JSON.stringify([3, bench.lastCall(cp)?.messageId, { status: "Accepted" }]));
    bench.result(cp, "StatusNotification", status(TEN - 400_000));
    expect(calls()).toHaveLength(1);
    bench.online();
    expect(bench.effectsOf("publish.hello").at(-1)?.hello.stations).toMatchObject([
      { clockSkewMs: -400_000 },
    ]);
    bench.pass(3_600_000);
    bench.result(cp, "StatusNotification", { ...status(TEN - 400_000), status: "Charging" });
    expect(calls()).toHaveLength(2);
  });
});

describe("a station that is back", () => {
  const start = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time() };
  const running = () => {
    const bench = new Bench({
      policy: policyOf([TAG]),
      identity: { authorization: "local", provision: false },
    });
    const cp = bench.connect();
    bench.result(cp, "StatusNotification", status(TEN));
    const { transactionId } = bench.result(cp, "StartTransaction", start) as { transactionId: number };
    bench.restart();
    const again = bench.connect();
    const asked = () =>
      bench
        .sent(again)
        .filter((frame) => frame[0] === 2)
        .map((frame) => frame[3]);
    const answer = () =>
      bench.frame(again, JSON.stringify([3, bench.lastCall(again)?.messageId, { status: "Accepted" }]));
    return { bench, again, transactionId, asked, answer };
  };

  test("is asked for its connectors and its running transaction, once, when it tells nothing by itself", () => {
    const { bench, again, asked, answer } = running();
    bench.result(again, "Heartbeat", {});
    bench.pass(9_000);
    expect(asked()).toEqual([]);
    bench.pass(1_000);
    answer();
    expect(asked()).toEqual([
      { requestedMessage: "StatusNotification" },
      { requestedMessage: "MeterValues", connectorId: 1 },
    ]);
    answer();
    bench.pass(60_000);
    expect(asked()).toHaveLength(2);
    expect(bench.all("ocpp.called")).toMatchObject([{ cause: "resume" }, { cause: "resume" }]);
  });

  test("is not asked for what it tells by itself", () => {
    const { bench, again, transactionId, asked } = running();
    bench.pass(1_000);
    bench.result(again, "StatusNotification", { ...status(bench.now.at), status: "Charging" });
    const meterValue = [{ timestamp: formatTime(bench.now.at), sampledValue: [{ value: "10" }] }];
    bench.result(again, "MeterValues", { connectorId: 1, transactionId, meterValue });
    bench.pass(30_000);
    expect(asked()).toEqual([]);
  });
});
