/** Whole scenarios on a virtual network, in both versions, every frame checked against the schemas. */
import { expect, test } from "vitest";
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import type { Car } from "./car.ts";
import { driversComeAndGo, localStart } from "./behaviours/drivers.ts";
import { losesSocketEvery, rebootsEvery } from "./behaviours/habits.ts";
import { accepted, virtualWorld, type Script } from "./harness.ts";
import { createStation } from "./station.ts";
import type { Behaviour, EvseOptions, Json, OcppVersion, StationOptions } from "./types.ts";

const CAR: Car = { batteryWh: 58_000, socPercent: 40, maxAcW: 11_000, phases: 3, maxDcW: 120_000, seed: 1 };
const TOKEN = { idToken: "04A2B3C4" };
const AC: EvseOptions = { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" };
const DC: EvseOptions = { connectors: 2, maxPowerW: 100_000, phases: 3, kind: "DC" };
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function world(
  version: OcppVersion,
  more: Partial<StationOptions> & { script?: Script; seed?: number } = {},
) {
  const { script, seed = 1, ...options } = more;
  const virtual = virtualWorld(version, script);
  const state = seedRandom([seed]);
  const station = createStation({
    id: "CP 1",
    version,
    evses: [AC, AC],
    clock: virtual.clock,
    random: () => nextRandom(state),
    transportFactory: virtual.transportFactory,
    ...options,
  });
  virtual.clock.advance(SECOND);
  const { brain } = virtual;
  /** `Started`, `Ended CablePluggedIn`, … or the actions of OCPP 1.6, without readings. */
  const story = () =>
    brain.said.flatMap(({ action, payload }) => {
      if (action === "StatusNotification")
        return [`${place(payload)} ${payload["status"] ?? payload["connectorStatus"]}`];
      if (action === "TransactionEvent") {
        return payload["triggerReason"] === "MeterValuePeriodic"
          ? []
          : [`${payload["eventType"]} ${payload["triggerReason"]}`];
      }
      return action === "MeterValues" ? [] : [action];
    });
  return { ...virtual, station, story };
}

const place = (payload: Json) =>
  payload["evseId"] === undefined ? payload["connectorId"] : `${payload["evseId"]}.${payload["connectorId"]}`;

/** A session with everything: plug in, authorize, charge, stop with the token, unplug. */
function session({ station, clock }: ReturnType<typeof world>): void {
  station.plugIn(1, CAR);
  clock.advance(SECOND);
  station.presentToken(1, TOKEN);
  clock.advance(3 * MINUTE);
  station.presentToken(1, TOKEN);
  clock.advance(SECOND);
  station.unplug(1);
  clock.advance(SECOND);
}

test("OCPP 1.6: a session in the order of the standard, schema-valid throughout", () => {
  const w = world("1.6");
  session(w);
  expect(w.story()).toEqual([
    "BootNotification",
    "0 Available",
    "1 Available",
    "2 Available",
    "1 Preparing",
    "Authorize",
    "StartTransaction",
    "1 Charging",
    "StopTransaction",
    "1 Finishing",
    "1 Available",
  ]);
  const [stop] = w.brain.of("StopTransaction");
  const [start] = w.brain.of("StartTransaction");
  expect(stop?.payload).toMatchObject({ transactionId: 1, reason: "Local", idTag: TOKEN.idToken });
  const energyWh = Number(stop?.payload["meterStop"]) - Number(start?.payload["meterStart"]);
  // 11 kW for just under three minutes.
  expect(energyWh).toBeGreaterThan(480);
  expect(energyWh).toBeLessThan(550);
  const readings = w.brain.of("MeterValues");
  expect(readings.length).toBe(18);
  expect(readings.every(({ payload }) => payload["transactionId"] === 1)).toBe(true);
  expect(w.brain.faults).toEqual([]);
});

test("OCPP 2.0.1: a session as transaction events numbered without gaps, schema-valid throughout", () => {
  const w = world("2.0.1");
  session(w);
  expect(w.story()).toEqual([
    "BootNotification",
    "1.1 Available",
    "2.1 Available",
    "1.1 Occupied",
    "Authorize",
    "Started Authorized",
    "Updated ChargingStateChanged",
    "Ended StopAuthorized",
    "1.1 Available",
  ]);
  const events = w.brain.of("TransactionEvent");
  expect(events.map(({ payload }) => payload["seqNo"])).toEqual(events.map((_, index) => index));
  expect(
    new Set(events.map(({ payload }) => (payload["transactionInfo"] as Json)["transactionId"])).size,
  ).toBe(1);
  expect(events.at(-1)?.payload["transactionInfo"]).toMatchObject({ stoppedReason: "Local" });
  expect(w.brain.faults).toEqual([]);
});

test("a DC station tells the state of charge and takes more from the site than it gives", () => {
  const drawn: { watts: number; currentsMa: number[] }[] = [];
  const onPower = (_: number, watts: number, currentsMa: number[]) => drawn.push({ watts, currentsMa });
  const w = world("1.6", { evses: [DC], onPower });
  w.station.plugIn(1, CAR, 2);
  w.station.presentToken(1, TOKEN);
  w.clock.advance(2 * MINUTE);
  const last = w.brain.of("MeterValues").at(-1)?.payload as { connectorId: number; meterValue: Json[] };
  const values = last.meterValue[0]?.["sampledValue"] as {
    measurand: string;
    value: string;
    phase?: string;
  }[];
  expect(last.connectorId).toBe(2);
  expect(Number(values.find((each) => each.measurand === "SoC")?.value)).toBeGreaterThan(40);
  expect(values.some((each) => each.phase !== undefined)).toBe(false);
  const peak = drawn.at(-1);
  expect(peak?.watts).toBeGreaterThan(104_000);
  expect(peak?.currentsMa).toHaveLength(3);
  w.station.unplug(1);
  expect(drawn.at(-1)?.watts).toBe(0);
});

test("a full car suspends charging, and so does a limit of zero", () => {
  const w = world("1.6", { evses: [DC] });
  w.station.plugIn(1, { ...CAR, socPercent: 95 });
  w.station.presentToken(1, TOKEN);
  w.clock.advance(MINUTE);
  w.station.limitPower(1, 0);
  w.clock.advance(SECOND);
  w.station.limitPower(1, undefined);
  w.clock.advance(40 * MINUTE);
  expect(w.story().filter((line) => line.startsWith("1 "))).toEqual([
    "1 Available",
    "1 Preparing",
    "1 Charging",
    "1 SuspendedEVSE",
    "1 Charging",
    "1 SuspendedEV",
  ]);
  expect(w.station.state().evses[0]?.socPercent).toBe(100);
});

test("a token that is not accepted starts nothing; one refused at the start ends the transaction", () => {
  const invalid = { idTagInfo: { status: "Invalid" } };
  const refused = world("1.6", { script: { Authorize: () => invalid } });
  refused.station.plugIn(1, CAR);
  refused.station.presentToken(1, TOKEN);
  refused.clock.advance(5 * SECOND);
  expect(refused.brain.of("StartTransaction")).toEqual([]);

  const late = world("1.6", { script: { StartTransaction: () => ({ ...invalid, transactionId: 9 }) } });
  late.station.plugIn(1, CAR);
  late.station.presentToken(1, TOKEN);
  late.clock.advance(5 * SECOND);
  expect(late.brain.of("StopTransaction")[0]?.payload).toMatchObject({
    transactionId: 9,
    reason: "DeAuthorized",
  });
});

test("a token without a car waits for one, but not for long", () => {
  const w = world("1.6");
  w.station.presentToken(1, TOKEN);
  w.clock.advance(SECOND);
  expect(w.station.state().evses[0]?.connectors[0]?.state).toBe("Preparing");
  w.clock.advance(MINUTE);
  expect(w.station.state().evses[0]?.connectors[0]?.state).toBe("Available");
  w.station.plugIn(1, CAR);
  w.clock.advance(SECOND);
  expect(w.brain.of("StartTransaction")).toEqual([]);
});

test.each(["1.6", "2.0.1"] as const)(
  "OCPP %s: what happens offline is told afterwards, in order",
  (version) => {
    const w = world(version, { config: { MeterValueSampleInterval: "30" } });
    w.net.up = false;
    w.station.loseSocket(SECOND);
    const lostAt = w.clock.now();
    session(w);
    expect(w.station.state()).toMatchObject({ connected: false });
    const queued = w.station.state().queued;
    const before = w.brain.said.length;
    w.net.up = true;
    w.clock.advance(2 * MINUTE);
    const backAt = w.brain.said[before]?.at ?? 0;
    const told = w.brain.said.slice(before).filter(({ action }) => /Transaction|MeterValues/.test(action));
    expect(told).toHaveLength(queued);
    // After the registration the old comes before the new: states of connectors are news.
    const [boot, ...rest] = w.brain.said.slice(before, before + queued + 1);
    expect(boot?.action).toBe("BootNotification");
    expect(rest).toEqual(told);
    const times = told.map(({ payload }) => Date.parse(String(payload["timestamp"] ?? meterTime(payload))));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.every((at) => at > lostAt && at < backAt)).toBe(true);
    if (version === "2.0.1") expect(told.every(({ payload }) => payload["offline"] === true)).toBe(true);
    // The number that the late answer to StartTransaction gave is known to what follows it.
    else expect(told.slice(1).every(({ payload }) => payload["transactionId"] === 1)).toBe(true);
    expect(w.station.state().queued).toBe(0);
    expect(w.brain.faults).toEqual([]);
  },
);

const meterTime = (payload: Json) => (payload["meterValue"] as Json[] | undefined)?.[0]?.["timestamp"];

test("a transaction goes on while the socket is lost", () => {
  const w = world("2.0.1");
  w.station.plugIn(1, CAR);
  w.station.presentToken(1, TOKEN);
  w.clock.advance(10 * SECOND);
  w.station.loseSocket(MINUTE);
  w.clock.advance(5 * MINUTE);
  const events = w.brain.of("TransactionEvent").map(({ payload }) => payload);
  expect(events.filter((payload) => payload["eventType"] === "Ended")).toEqual([]);
  expect(events.map((payload) => payload["seqNo"])).toEqual(events.map((_, index) => index));
  const offline = events.filter((payload) => payload["offline"] === true);
  expect(offline.length).toBeGreaterThanOrEqual(5);
  expect(offline.length).toBeLessThan(9);
});

test("an unanswered message is repeated with the same content until it is answered", () => {
  const w = world("1.6", { script: { StartTransaction: (_, nth) => (nth < 3 ? "ignore" : started(7)) } });
  w.station.plugIn(1, CAR);
  w.station.presentToken(1, TOKEN);
  w.clock.advance(3 * MINUTE);
  const starts = w.brain.of("StartTransaction");
  expect(starts).toHaveLength(3);
  expect(new Set(starts.map(({ payload }) => JSON.stringify(payload))).size).toBe(1);
  expect(new Set(starts.map(({ id }) => id)).size).toBe(3);
  expect(w.station.state().evses[0]?.transaction?.numberOfCsms).toBe(7);
});

test("a refused message is given up after TransactionMessageAttempts, and the others follow", () => {
  const w = world("1.6", { script: { StartTransaction: () => "refuse" } });
  session(w);
  w.clock.advance(MINUTE);
  expect(w.brain.of("StartTransaction")).toHaveLength(3);
  expect(w.brain.of("StopTransaction")[0]?.payload).toMatchObject({ transactionId: -1 });
  expect(w.station.state().queued).toBe(0);
});

const started = (transactionId: number) => ({ idTagInfo: accepted, transactionId });

test("registration is repeated until accepted, and nothing else is said before", () => {
  const script: Script = {
    BootNotification: (_, nth) => ({
      currentTime: "2026-01-15T08:00:00Z",
      interval: 5,
      status: nth < 3 ? "Pending" : "Accepted",
    }),
  };
  const w = world("2.0.1", { script });
  w.clock.advance(12 * SECOND);
  expect(w.brain.said.slice(0, 4).map(({ action }) => action)).toEqual([
    "BootNotification",
    "BootNotification",
    "BootNotification",
    "StatusNotification",
  ]);
  w.clock.advance(11 * SECOND);
  expect(w.brain.of("Heartbeat").length).toBeGreaterThanOrEqual(2);
});

test("the same seed tells the same story, another seed another one", () => {
  const run = (seed: number) => {
    const behaviours: Behaviour[] = [
      driversComeAndGo({ tokens: [TOKEN, { idToken: "B" }] }),
      rebootsEvery(20 * MINUTE),
      losesSocketEvery(7 * MINUTE, 30 * SECOND),
    ];
    const w = world("2.0.1", { seed, behaviours, evses: [DC, AC] });
    w.clock.advance(120 * MINUTE);
    expect(w.brain.faults).toEqual([]);
    return w.frames;
  };
  const first = run(5);
  expect(first.length).toBeGreaterThan(500);
  expect(run(5)).toEqual(first);
  expect(run(6)).not.toEqual(first);
});

test("drivers who come and go leave a clean trail: each start has its stop, readings in between", () => {
  const behaviours = [driversComeAndGo({ tokens: [TOKEN], firstArrivalMs: [200, 500] })];
  const w = world("1.6", { behaviours });
  w.clock.advance(3 * SECOND);
  expect(w.brain.of("StartTransaction").length).toBeGreaterThan(0);
  w.clock.advance(60 * MINUTE);
  const starts = w.brain.of("StartTransaction").length;
  expect(starts).toBeGreaterThan(12);
  expect(starts - w.brain.of("StopTransaction").length).toBeLessThanOrEqual(2);
  expect(w.brain.faults).toEqual([]);
});

test("one driver plugs in and starts by token", () => {
  const w = world("1.6", { behaviours: [localStart({ evseId: 2, car: CAR, idToken: TOKEN })] });
  w.clock.advance(5 * SECOND);
  expect(w.brain.of("StartTransaction")[0]?.payload).toMatchObject({ connectorId: 2, idTag: TOKEN.idToken });
});

test("a station that is switched off stops its transactions, begins no other, and falls silent", async () => {
  const w = world("1.6", {
    behaviours: [driversComeAndGo({ tokens: [TOKEN], absenceMs: [0, 10], holdMs: [0, 10] })],
  });
  w.clock.advance(10 * SECOND);
  const starts = w.brain.of("StartTransaction").length;
  expect(starts).toBeGreaterThan(0);
  const stopped = [w.station.stop(), w.station.stop()];
  w.clock.advance(3 * SECOND);
  await Promise.all(stopped);
  expect(w.brain.of("StopTransaction")).toHaveLength(starts);
  const frames = w.frames.length;
  w.clock.advance(10 * MINUTE);
  expect(w.frames).toHaveLength(frames);
});

test("a card being checked while the station is switched off starts nothing", async () => {
  const w = world("1.6");
  w.station.plugIn(1, CAR);
  w.station.presentToken(1, TOKEN);
  const stopped = w.station.stop();
  w.clock.advance(3 * SECOND);
  await stopped;
  expect(w.brain.of("Authorize")).toHaveLength(1);
  expect(w.brain.of("StartTransaction")).toEqual([]);
});
