/** Each misbehaviour does what its name says, and only that. */
import { expect, test } from "vitest";
import { nextRandom, seedRandom } from "../../../shared/ids.ts";
import type { Car } from "../car.ts";
import { virtualWorld, type Script } from "../harness.ts";
import { createStation } from "../station.ts";
import type { Behaviour, Json, OcppVersion } from "../types.ts";
import * as misbehaviours from "./misbehaviours.ts";

const CAR: Car = { batteryWh: 58_000, socPercent: 40, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 1 };
const SECOND = 1_000;

/** A station with one misbehaviour, after a short session. */
function run(version: OcppVersion, behaviour: Behaviour, script?: Script) {
  const virtual = virtualWorld(version, script);
  const state = seedRandom([1]);
  const station = createStation({
    id: "BAD",
    version,
    evses: [{ connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" }],
    clock: virtual.clock,
    random: () => nextRandom(state),
    transportFactory: virtual.transportFactory,
    behaviours: [behaviour],
  });
  virtual.clock.advance(SECOND);
  station.plugIn(1, CAR);
  station.presentToken(1, { idToken: "A" });
  virtual.clock.advance(30 * SECOND);
  station.unplug(1);
  virtual.clock.advance(SECOND);
  return { ...virtual, station };
}

const contents = (said: { payload: Json }[]) => new Set(said.map(({ payload }) => JSON.stringify(payload)));

test.each([
  ["1.6", "StartTransaction"],
  ["2.0.1", "TransactionEvent"],
] as const)("%s: repeats the start under a new message id", (version, action) => {
  const { brain } = run(version, misbehaviours.repeatsTransactionStart());
  const starts = brain.of(action).filter(({ payload }) => (payload["eventType"] ?? "Started") === "Started");
  expect(starts).toHaveLength(2);
  expect(contents(starts).size).toBe(1);
  expect(starts[0]?.id).not.toBe(starts[1]?.id);
});

test("loses the transaction id", () => {
  const { brain } = run("1.6", misbehaviours.losesTransactionId());
  const ids = [...brain.of("MeterValues"), ...brain.of("StopTransaction")].map(
    (e) => e.payload["transactionId"],
  );
  expect(ids.length).toBeGreaterThan(2);
  expect(new Set(ids)).toEqual(new Set([-1]));
});

test("reuses seqNo 0", () => {
  const { brain } = run("2.0.1", misbehaviours.reusesSeqNo());
  expect(new Set(brain.of("TransactionEvent").map(({ payload }) => payload["seqNo"]))).toEqual(new Set([0]));
});

test("says a stray comma once, and repeats the message correctly when nobody answers", () => {
  const { brain, clock, station } = run("1.6", misbehaviours.saysStrayComma());
  expect(brain.faults).toHaveLength(1);
  expect(brain.faults[0]).toMatch(/^not JSON.*"sampledValue":\[,\{/);
  clock.advance(60 * SECOND);
  expect(brain.of("MeterValues").length).toBeGreaterThan(0);
  expect(station.state().queued).toBe(0);
});

test("says a CALL of three elements", () => {
  const { brain, frames } = run("1.6", misbehaviours.saysThreeElementCall());
  expect(brain.faults.join()).toContain("a CALL has four elements");
  expect(frames.some((frame) => frame.endsWith('> [2,"three","Authorize"]'))).toBe(true);
});

test("says one oversize frame, even after another boot", () => {
  const { frames, station, clock } = run("1.6", misbehaviours.saysOversizeFrame(300_000));
  station.reboot();
  clock.advance(30 * SECOND);
  expect(frames.filter((frame) => frame.length > 300_000)).toHaveLength(1);
});

test("offers other subprotocols, or none", () => {
  expect(run("1.6", misbehaviours.offersSubprotocols("ocpp1.5")).net.protocols).toEqual(["ocpp1.5"]);
  expect(run("1.6", misbehaviours.offersSubprotocols()).net.protocols).toEqual([]);
});

test("ignores all calls, or some", async () => {
  const request = { requestedMessage: "Heartbeat" };
  const deaf = run("1.6", misbehaviours.ignoresCalls());
  expect(await deaf.ask("TriggerMessage", request)).toEqual({ error: "no answer" });
  const picky = run("1.6", misbehaviours.ignoresCalls("GetConfiguration"));
  expect(await picky.ask("TriggerMessage", request)).toEqual({ status: "Accepted" });
  expect(await picky.ask("GetConfiguration", {})).toEqual({ error: "no answer" });
});

test("opens two sockets at once", () => {
  const { net, brain } = run("1.6", misbehaviours.opensTwoSockets());
  expect(net.opened).toBe(2);
  expect(brain.of("BootNotification")).toHaveLength(2);
  expect(brain.of("StopTransaction")).toHaveLength(1);
});

test("lives in 1970", () => {
  const { brain } = run("1.6", misbehaviours.livesIn1970());
  for (const action of ["StatusNotification", "StartTransaction", "StopTransaction"]) {
    for (const { payload } of brain.of(action)) expect(payload["timestamp"]).toMatch(/^1970-01-01T00:00/);
  }
  expect(JSON.stringify(brain.of("MeterValues")[0]?.payload)).toContain('"timestamp":"1970-01-01T00:00');
});

test("skips the boot after a reconnect, not after a reboot", () => {
  const { brain, station, clock } = run("1.6", misbehaviours.skipsBootAfterReconnect());
  station.loseSocket(SECOND);
  clock.advance(10 * SECOND);
  expect(station.state().booted).toBe(true);
  expect(brain.of("BootNotification")).toHaveLength(1);
  station.reboot();
  clock.advance(10 * SECOND);
  expect(brain.of("BootNotification")).toHaveLength(2);
});

test("counts message ids from 1 on every connection", () => {
  const { brain, station, clock } = run("1.6", misbehaviours.countsMessageIds());
  const first = brain.said.map(({ id }) => id);
  expect(first).toEqual(first.map((_, index) => String(index + 1)));
  station.loseSocket(SECOND);
  clock.advance(10 * SECOND);
  expect(brain.said[first.length]?.id).toBe("1");
});

test("repeats every frame letter by letter", () => {
  const { frames } = run("1.6", misbehaviours.repeatsFrames());
  const sent = frames.filter((frame) => frame.includes("> ")).map((frame) => frame.replace(/^.*?> /, ""));
  expect(sent.length).toBeGreaterThan(4);
  for (let nth = 0; nth < sent.length; nth += 2) expect(sent[nth + 1]).toBe(sent[nth]);
});

test("speaks late: retries overtake what was held back, and everything is said in the end", () => {
  const behaviour = misbehaviours.speaksLate({ now: () => 0, setTimer: (_, fn) => later(fn) }, 60 * SECOND);
  const held: (() => void)[] = [];
  const later = (fn: () => void) => {
    held.push(fn);
    return () => {};
  };
  const { brain, clock, station } = run("1.6", behaviour);
  clock.advance(600 * SECOND);
  expect(held.length).toBeGreaterThan(0);
  expect(station.state().queued).toBe(0);
  const before = brain.said.length;
  const late = [...held];
  for (const speak of late) speak();
  clock.advance(SECOND);
  expect(brain.said.length).toBeGreaterThanOrEqual(before + late.length);
});

test.each([
  ["1.6", "StopTransaction"],
  ["2.0.1", "TransactionEvent"],
] as const)("%s: repeats the stop later, under a new message id", (version, action) => {
  const { brain, clock } = run(version, misbehaviours.repeatsTransactionStop(10 * SECOND));
  clock.advance(20 * SECOND);
  const stops = brain.of(action).filter(({ payload }) => (payload["eventType"] ?? "Ended") === "Ended");
  expect(stops).toHaveLength(2);
  expect(contents(stops).size).toBe(1);
  expect(stops[0]?.id).not.toBe(stops[1]?.id);
});

test("an update overtakes the start, another one comes after the end", () => {
  const { brain } = run("2.0.1", misbehaviours.updatesOutOfOrder());
  const events = brain.of("TransactionEvent").map(({ payload }) => payload["eventType"]);
  expect(events.slice(0, 2)).toEqual(["Updated", "Started"]);
  expect(events.slice(-2)).toEqual(["Ended", "Updated"]);
  expect(brain.faults).toEqual([]);
});

test("numbers its transactions below zero, each with its own number", () => {
  const { brain } = run("1.6", misbehaviours.countsTransactionsBelowZero());
  const ids = [...brain.of("MeterValues"), ...brain.of("StopTransaction")].map(
    (e) => e.payload["transactionId"],
  );
  expect(ids.length).toBeGreaterThan(2);
  expect(new Set(ids)).toEqual(new Set([-101]));
});

test("says numbers as text, once", () => {
  const { brain } = run("1.6", misbehaviours.saysNumbersAsText());
  expect(brain.of("StartTransaction")[0]?.payload["meterStart"]).toMatch(/^\d+$/);
  expect(brain.faults).toHaveLength(1);
});

test("says a stop with a reason that nobody knows", () => {
  const { brain } = run("1.6", misbehaviours.saysOddStopReason());
  expect(brain.of("StopTransaction")[0]?.payload["reason"]).toBe("CarWasFullAndDriverCameBack");
});

test.each([
  ["1.6", "StartTransaction", "StopTransaction"],
  ["2.0.1", "Started", "Ended"],
] as const)("%s: loses each start, or each stop, and nothing else", (version, start, stop) => {
  const events = (behaviour: Behaviour) => {
    const { brain, station } = run(version, behaviour);
    expect(station.state().queued).toBe(0);
    return brain.said.map(({ action, payload }) => (payload["eventType"] as string | undefined) ?? action);
  };
  const withoutStart = events(misbehaviours.losesTransactionStart(1));
  expect(withoutStart).not.toContain(start);
  expect(withoutStart).toContain(stop);
  const withoutStop = events(misbehaviours.losesTransactionStop(1));
  expect(withoutStop).toContain(start);
  expect(withoutStop).not.toContain(stop);
});

test.each(["1.6", "2.0.1"] as const)("%s: stops a transaction that never was, after each boot", (version) => {
  const { brain, clock, station } = run(version, misbehaviours.stopsUnknownTransaction());
  station.reboot();
  clock.advance(10 * SECOND);
  const invented = brain.said.filter(({ payload }) => {
    const { transactionId } = (payload["transactionInfo"] ?? payload) as Json;
    return (
      Number(transactionId) > misbehaviours.UNKNOWN_NUMBER_MIN ||
      String(transactionId).startsWith(misbehaviours.UNKNOWN_NAME)
    );
  });
  expect(contents(invented).size).toBe(2);
  expect(brain.faults).toEqual([]);
});

test("has a wrong clock", () => {
  const wrong = misbehaviours.hasWrongClock("an hour ahead", (at) => at + 3_600_000);
  const { brain, clock } = run("1.6", wrong);
  const [start] = brain.of("StartTransaction");
  const ahead = Date.parse(String(start?.payload["timestamp"])) - clock.now();
  expect(Math.abs(ahead - 3_600_000)).toBeLessThan(60_000);
});
