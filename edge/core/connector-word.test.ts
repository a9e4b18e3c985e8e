/** OCPP 1.6: what a connector has said before its transaction, where it counts for it and where it is not known. */
import { describe, expect, test } from "vitest";
import { addRegister, emptyCourse } from "./course.ts";
import { Bench, policyOf, recovered, TAG, TEN, time } from "./harness.ts";

const BOOT = { chargePointVendor: "V", chargePointModel: "M" };

function site() {
  const bench = new Bench({ policy: policyOf([TAG]), identity: { authorization: "local" } });
  let cp = bench.connect();
  const boot = () => void bench.result(cp, "BootNotification", BOOT);
  boot();
  const goTo = (s: number): void => void bench.pass(TEN + s * 1_000 - bench.now.at);
  const status = (s: number, word: string, connectorId = 1) => {
    goTo(s);
    const told = { connectorId, errorCode: "NoError", status: word, timestamp: time(s) };
    bench.result(cp, "StatusNotification", told);
  };
  const start = (s: number, more: object = {}) => {
    goTo(s);
    const told = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: time(s), ...more };
    return bench.result(cp, "StartTransaction", told)["transactionId"] as number;
  };
  const stop = (s: number, transactionId: number) => {
    goTo(s);
    bench.result(cp, "StopTransaction", { transactionId, meterStop: 5_000, timestamp: time(s) });
  };
  /** What the last start told, and what the ER remembers of the words since. */
  const begun = () => {
    const entry = bench.all("ocpp.handled").findLast(({ action }) => action === "StartTransaction");
    const open = bench.state.durable.transactions.get(entry?.transactionId ?? "");
    const words = open?.course?.words.map(([at, word]) => `${(at - TEN) / 1_000} ${word}`) ?? [];
    expect(recovered(bench.entries)).toEqual(bench.state.durable);
    return { told: entry?.stateAtStart, words };
  };
  const again = () => {
    bench.disconnect(cp);
    cp = bench.connect();
  };
  return { bench, boot, goTo, status, start, stop, begun, again };
}

describe("the word of a connector before the start", () => {
  test.each(["SuspendedEV", "SuspendedEVSE", "Charging"])("%s goes on to hold", (word) => {
    const at = site();
    at.status(1, word);
    at.start(2);
    at.status(10, "Charging");
    const words = word === "Charging" ? ["2 Charging"] : [`2 ${word}`, "10 Charging"];
    expect(at.begun()).toEqual({ told: word, words });
  });

  test.each(["Available", "Preparing", "Finishing", "Reserved", "Unavailable", "Faulted"])(
    "%s is over with the start",
    (word) => {
      const at = site();
      at.status(1, word);
      at.start(2);
      expect(at.begun()).toEqual({ told: undefined, words: [] });
    },
  );

  test("is the last one, and of this connector", () => {
    const at = site();
    at.status(1, "SuspendedEV");
    at.status(2, "SuspendedEVSE", 2);
    at.status(3, "Preparing");
    at.start(4);
    expect(at.begun()).toEqual({ told: undefined, words: [] });
  });

  test("of a refused start is still there for the next one", () => {
    const at = site();
    at.status(1, "SuspendedEV");
    at.start(2, { idTag: "NOBODY" });
    at.start(5);
    expect(at.begun()).toEqual({ told: "SuspendedEV", words: ["5 SuspendedEV"] });
  });

  test("that is of after the start counts from when it was said; whatever it is", () => {
    const at = site();
    at.status(10, "SuspendedEV");
    at.status(11, "Preparing");
    at.start(12, { timestamp: time(8) });
    expect(at.begun()).toEqual({ told: undefined, words: ["11 Preparing"] });
  });

  test("is not known of a connection or a boot before, until it is said again", () => {
    for (const away of ["again", "boot"] as const) {
      const at = site();
      at.status(1, "SuspendedEV");
      at[away]();
      const { seq } = at.bench.state.durable;
      at.start(2);
      expect(at.begun().told).toBeUndefined();
      const other = site();
      other.status(1, "SuspendedEV");
      other[away]();
      expect(other.bench.state.durable.seq).toBe(seq);
      other.status(2, "SuspendedEV");
      other.status(3, "SuspendedEV");
      // Once: then it is known again, and nothing new.
      expect(other.bench.state.durable.seq).toBe(seq + 1);
      other.start(4);
      expect(other.begun().told).toBe("SuspendedEV");
    }
  });

  test("is not known after a new start of the ER", () => {
    const at = site();
    at.status(1, "SuspendedEV");
    at.bench.restart();
    at.again();
    at.bench.now.at = TEN + 2_000;
    at.start(3);
    expect(at.begun().told).toBeUndefined();
  });

  test("is not that of the transaction before; said again it is, though nothing has changed", () => {
    const at = site();
    const first = at.start(1);
    at.status(2, "Charging");
    at.status(3, "SuspendedEV");
    at.stop(4, first);
    const second = at.start(5);
    expect(at.begun()).toEqual({ told: undefined, words: [] });
    at.stop(6, second);
    at.status(7, "SuspendedEV");
    at.start(8);
    expect(at.begun()).toEqual({ told: "SuspendedEV", words: ["8 SuspendedEV"] });
  });

  test("is not known while another transaction runs there, whose stop is missing", () => {
    const at = site();
    at.start(1);
    at.status(2, "SuspendedEV");
    at.start(3, { meterStart: 7 });
    expect(at.begun()).toEqual({ told: undefined, words: [] });
  });

  test("of a station that repeats itself costs no entry, but for the first time after it was away", () => {
    const at = site();
    for (let s = 1; s < 20; s++) at.status(s, "Charging");
    at.status(20, "Charging", 0);
    const { seq } = at.bench.state.durable;
    at.status(21, "Charging", 0);
    at.status(22, "Charging");
    expect(at.bench.state.durable.seq).toBe(seq);
  });
});

test("of two registers of one moment the higher one counts", () => {
  const course = emptyCourse();
  for (const [at, wh] of [
    [TEN, 0],
    [TEN + 1_000, 700],
    [TEN + 1_000, 710],
    [TEN + 1_000, 705],
    [TEN + 500, 9_000],
  ] as const)
    addRegister(course, at, wh);
  expect(course.registers).toEqual([TEN, 0, TEN + 1_000, 710]);
});

test("words are kept in the order of their times; of one moment the later told one counts", () => {
  const at = site();
  at.start(1);
  const told = (s: number, word: string) =>
    at.bench.result(1, "StatusNotification", {
      ...{ connectorId: 1, errorCode: "NoError", status: word, timestamp: time(s) },
    });
  told(20, "SuspendedEV");
  told(10, "Charging");
  told(20, "SuspendedEVSE");
  expect(at.begun().words).toEqual(["10 Charging", "20 SuspendedEVSE"]);
});
