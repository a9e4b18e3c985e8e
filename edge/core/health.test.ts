/** What the box tells of itself, and when: regularly, and as soon as something gets worse. */
import { describe, expect, test } from "vitest";
import { checkWire, Hello } from "../../shared/wire.ts";
import { Bench, BOOT, policyOf, TAG, uuid } from "./harness.ts";
import type { BoxGauges, Pressure } from "./types.ts";

const GAUGES: BoxGauges = { journalBytes: 1_000, journalBudgetBytes: 2_000, rssBytes: 3_000 };
const MINUTE = 60_000;

function bench(): Bench {
  const box = new Bench();
  box.online(box.state.durable.seq);
  box.input({ kind: "gauges", gauges: GAUGES });
  return box;
}
const press = (box: Bench, pressure: Pressure) => box.input({ kind: "pressure", level: pressure });
const told = (box: Bench) => box.all("er.health").length;

describe("er.health", () => {
  test("comes after the first minute of a boot, then every five minutes, with all gauges", () => {
    const box = bench();
    box.connect();
    expect(told(box)).toBe(0);
    const out = box.pass(MINUTE);
    expect(out.urgent).toBe(false);
    expect(box.last("er.health")).toMatchObject({
      ...GAUGES,
      ...{ pressure: "none", linkUp: true, clockOffsetMs: 0, policyVersion: 0 },
      ...{ stationsConnected: 1, activeTransactions: 0 },
    });
    const { backlog, seq } = box.last("er.health");
    expect(backlog).toBe(seq - 1 - box.state.live.uplink.ackedSeq);
    expect(box.last("er.health")).not.toHaveProperty("policyAgeS");
    for (let i = 0; i < 4; i++) box.pass(MINUTE);
    expect(told(box)).toBe(1);
    box.pass(MINUTE);
    expect(told(box)).toBe(2);
  });

  test("never comes from a shell that measures nothing", () => {
    const box = new Bench();
    box.pass(60 * MINUTE);
    expect(told(box)).toBe(0);
  });

  test.each<[string, (box: Bench) => void, (box: Bench) => void]>([
    ["the journal fills up", (box) => press(box, "thin-60"), (box) => press(box, "none")],
    [
      "the link is gone",
      (box) => void box.input({ kind: "link.down" }),
      (box) => box.online(box.state.durable.seq),
    ],
  ])("comes at once when %s, but not when it gets better", (_, worsen, mend) => {
    const box = bench();
    box.pass(MINUTE);
    box.pass(MINUTE);
    expect(told(box)).toBe(1);
    worsen(box);
    box.pass(100);
    expect(told(box)).toBe(2);
    box.pass(MINUTE);
    mend(box);
    box.pass(100);
    expect(told(box)).toBe(2);
  });

  test("comes at most once a minute, however fast things get worse", () => {
    const box = bench();
    box.pass(MINUTE);
    press(box, "compact");
    press(box, "thin-60");
    press(box, "refuse");
    for (let i = 0; i < 59; i++) box.pass(1_000);
    expect(told(box)).toBe(1);
    box.pass(1_000);
    expect(told(box)).toBe(2);
    expect(box.last("er.health").pressure).toBe("refuse");
  });
});

describe("pressure", () => {
  test("is said once per change, in words, as loud as it matters", () => {
    const box = new Bench();
    for (const pressure of ["none", "compact", "thin-60", "thin-60", "thin-300", "refuse", "none"] as const)
      press(box, pressure);
    expect(box.effectsOf("log").map((log) => [log.level, log.fields["pressure"]])).toEqual([
      ["info", "compact"],
      ["warn", "thin-60"],
      ["warn", "thin-300"],
      ["error", "refuse"],
      ["info", "none"],
    ]);
    expect(box.state.live.pressure).toBe("none");
  });

  test("refuses who wants to start, and lets go on what runs", () => {
    const box = new Bench({ policy: policyOf([TAG, { idToken: "OTHER", status: "Accepted" }]) });
    const cp = box.connect();
    const start = (meterStart: number, idTag = "TAG") =>
      box.result(cp, "StartTransaction", {
        connectorId: 1,
        idTag,
        meterStart,
        timestamp: "2026-11-01T10:00:00Z",
      });
    const { transactionId } = start(0);
    press(box, "refuse");
    expect(start(1, "OTHER")["idTagInfo"]).not.toMatchObject({ status: "Accepted" });
    const stop = { transactionId, meterStop: 9, timestamp: "2026-11-01T11:00:00Z" };
    expect(box.result(cp, "StopTransaction", stop)).toBeDefined();
    expect(box.last("ocpp.handled").action).toBe("StopTransaction");
    expect(box.state.durable.transactions.size).toBe(0);
  });
});

describe("hello", () => {
  test("carries the gauges as soon as there are some", () => {
    const box = new Bench();
    box.input({ kind: "link.up" });
    expect(box.effectsOf("publish.hello").at(-1)?.hello).not.toHaveProperty("gauges");
    box.input({ kind: "gauges", gauges: { ...GAUGES, temperatureC: 55.5 } });
    box.input({ kind: "link.up" });
    const hello = box.effectsOf("publish.hello").at(-1)?.hello;
    expect(checkWire(Hello, hello).gauges).toMatchObject({ ...GAUGES, temperatureC: 55.5, linkUp: true });
  });
});

describe("a start", () => {
  const start = { kind: "start", boot: BOOT, release: "0.1.0", clock: "holdover", seed: [1] } as const;

  test("says how the process before it ended, and what became of a journal that was no use", () => {
    const setAside = { file: "journal-x.sqlite", reason: "it is damaged", journalId: uuid(9), lastSeq: 7 };
    const box = new Bench({ start: { previousEnd: "watchdog", reason: "the loop did not turn", setAside } });
    expect(box.entries.map((e) => e.kind)).toEqual(["er.started", "journal.set-aside"]);
    expect(box.last("er.started")).toMatchObject({
      previousEnd: "watchdog",
      reason: "the loop did not turn",
    });
    expect(box.last("journal.set-aside")).toMatchObject({ kind: "journal.set-aside", ...setAside });
    box.input(start);
    expect(box.last("er.started")).not.toHaveProperty("previousEnd");
  });
});
