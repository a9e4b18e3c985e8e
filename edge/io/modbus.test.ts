/**
 * The poller against simulated meters that misbehave, over real TCP sockets and a real serialport on a pty.
 * What must never happen: a value that was not in the register it is reported for.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Reading } from "../../shared/reading.ts";
import { startSimLine, type Fault, type RunningSim, type SimMeter } from "../../sim/modbus-meter.ts";
import { openPty, type Pty } from "../../sim/pty.ts";
import { meterModel, planReads, type MeterModel } from "../core/meter.ts";
import { loadMeterModels, startModbus, untilAligned, type BusConfig, type MeterConfig } from "./modbus.ts";

vi.setConfig({ testTimeout: 30_000 });

/** Two of its blocks have the same length, so an answer to one would pass for an answer to the other. */
const twin: MeterModel = meterModel("twin", {
  name: "Twin",
  status: "one",
  sources: ["none"],
  phases: 1,
  bus: { function: 4, word_order: "be", max_registers: 8, max_gap: 0, quiet_ms: 5, timeout_ms: 150 },
  values: {
    power: { register: 0, type: "f32", unit: "W" },
    power_phases: { registers: [2], type: "f32", unit: "W" },
    current_phases: { registers: [4], type: "f32", unit: "mA" },
    voltage_phases: { registers: [6], type: "f32", unit: "mV" },
    energy_import: { register: 100, type: "f64", unit: "Wh" },
    energy_export: { register: 104, type: "f64", unit: "Wh" },
    frequency: { register: 200, type: "u16", unit: "mHz" },
  },
});
const live = { powerW: 1_150, powerPhasesW: [1_150], currentPhasesMa: [5_000], voltagePhasesMv: [230_000] };
const truth: Reading = { ...live, energyImportWh: 777, energyExportWh: 55, frequencyMhz: 50_000 };
const models = new Map([...loadMeterModels(), ["twin", twin]]);

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function until(what: string, condition: () => boolean, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(5);
  }
}

async function pty(): Promise<Pty> {
  const opened = await openPty();
  cleanUps.push(opened.close);
  return opened;
}

type Transport = "tcp" | "rtu-over-tcp" | "rtu";
const transports: Transport[] = ["tcp", "rtu-over-tcp", "rtu"];
const serial = { kind: "rtu", baudRate: 9_600, parity: "even", stopBits: 1 } as const;

/** Simulated meters on one line of the given kind, and the bus to reach them. */
async function lineOf(kind: Transport, meters: SimMeter[]) {
  const end = kind === "rtu" ? await pty() : undefined;
  const listen = end === undefined ? { tcp: 0, rtu: kind === "rtu-over-tcp" } : { line: end.line };
  const sim: RunningSim = await startSimLine(listen, meters);
  cleanUps.push(sim.close);
  const bus = (configs: MeterConfig[]): BusConfig =>
    kind === "rtu"
      ? { ...serial, path: end?.path ?? "", meters: configs }
      : { kind, host: "127.0.0.1", port: sim.port, meters: configs };
  return { sim, bus };
}

function poll(bus: BusConfig, known = models) {
  const readings: { meterId: string; reading: Reading }[] = [];
  const health: string[] = [];
  const logs: string[] = [];
  const reasons: unknown[] = [];
  const poller = startModbus([bus], known, {
    onReading: (meterId, reading) => void readings.push({ meterId, reading }),
    onHealth: (meterId, state, reason) => void health.push(`${meterId} ${state}: ${reason}`),
    onLog(_level, message, { reason }) {
      logs.push(message);
      if (reason !== undefined) reasons.push(reason);
    },
  });
  cleanUps.push(poller.stop);
  const of = (meterId: string) => readings.filter((r) => r.meterId === meterId).map((r) => r.reading);
  return { poller, readings, health, logs, reasons, of };
}

const meter = (id: string, unitId: number, model = "twin", intervalMs = 50): MeterConfig => ({
  id,
  unitId,
  model,
  intervalMs,
});

describe.each(transports)("over %s", (kind) => {
  test.each(["eastron-sdm630", "carlo-gavazzi-em340", "abb-b23"])("reads a %s whole", async (model) => {
    const shape = models.get(model) as MeterModel;
    const reading = {
      energyImportWh: 1_234_500,
      energyExportWh: 600,
      powerW: 6_000,
      powerPhasesW: [1_000, 2_000, 3_000],
      currentPhasesMa: [4_340, 8_690, 13_040],
      voltagePhasesMv: [230_400, 230_100, 230_000],
      frequencyMhz: 49_900,
    };
    const { sim, bus } = await lineOf(kind, [{ model: shape, unitId: 7, reading: () => reading }]);
    const { readings, health } = poll(bus([meter("main", 7, model, 100)]));
    await until("two readings", () => readings.length >= 2);
    expect(readings[0]).toEqual({ meterId: "main", reading });
    expect(health).toEqual(["main ok: answers"]);
    const asked = sim.requests.get(7)?.slice(0, planReads(shape).length);
    expect(asked?.map(({ index: _, ...read }) => read)).toEqual(planReads(shape));
  });

  const faults: [string, Fault][] = [
    ["an answer that comes 500 ms late", { kind: "delay", ms: 500 }],
    ["an answer that comes just after the time ran out", { kind: "delay", ms: 160 }],
    ["no answer", { kind: "silence" }],
    ["a wrong transaction id", { kind: "wrong-transaction" }],
    ["another meter's answer", { kind: "wrong-unit" }],
    ["an answer byte by byte", { kind: "byte-by-byte", gapMs: 3 }],
    ["an answer twice", { kind: "duplicate" }],
    ["garbage instead of an answer", { kind: "garbage", bytes: Buffer.alloc(300, 0xff) }],
    ["zeros instead of an answer", { kind: "garbage", bytes: Buffer.alloc(20) }],
    ["noise in front of an answer", { kind: "noise", bytes: Buffer.from([0, 1, 4, 4, 0xff]) }],
    ["a failure of the device", { kind: "exception", code: 4 }],
  ];
  test.each(faults)(
    "%s is never taken for something else",
    async (_name, fault) => {
      // Blocks in the middle and at the start of a poll, a probe, and three requests in a row.
      const hit = new Set([1, 6, 7, 14, 20, 21, 22]);
      const sim: SimMeter = {
        model: twin,
        unitId: 1,
        reading: () => truth,
        faults: ({ index }) => (hit.has(index) ? fault : undefined),
      };
      const { bus, sim: running } = await lineOf(kind, [sim]);
      const { readings } = poll(bus([meter("main", 1)]));
      const beyond = () => (running.requests.get(1)?.length ?? 0) > 36 && readings.length > 4;
      await until("readings beyond the faults", beyond, 60_000);
      for (const { reading } of readings) expect(reading).toEqual(truth);
    },
    70_000,
  );

  test("a meter that is always late gives no reading, and is well again when it is on time", async () => {
    let late = true;
    const faults = (): Fault | undefined => (late ? { kind: "delay", ms: 250 } : undefined);
    const { bus } = await lineOf(kind, [{ model: twin, unitId: 1, reading: () => truth, faults }]);
    const { readings, health } = poll(bus([meter("main", 1)]));
    await until("the meter is lost", () => health.length === 1);
    expect(readings).toEqual([]);
    expect(health[0]).toMatch(/^main lost: /);
    late = false;
    await until("readings", () => readings.length >= 3);
    expect(health.slice(1)).toEqual(["main ok: answers again"]);
    for (const { reading } of readings) expect(reading).toEqual(truth);
  });

  test("a dead meter costs the healthy one on its line next to nothing, and comes back", async () => {
    let dead = true;
    const model = { ...(models.get("eastron-sdm630") as MeterModel), quietMs: 5, timeoutMs: 150 };
    const silence = (): Fault | undefined => (dead ? { kind: "silence" } : undefined);
    const { sim, bus } = await lineOf(kind, [
      { model, unitId: 1, reading: () => ({ powerW: 1 }) },
      { model, unitId: 2, reading: () => ({ powerW: 2 }), faults: silence },
    ]);
    const configs = [meter("alive", 1, "patient", 200), meter("dead", 2, "sdm", 200)];
    // A busy machine, on which the healthy one answers late, makes it no dead one.
    const patient = { ...model, timeoutMs: 5_000 };
    const { health, of, logs } = poll(
      bus(configs),
      new Map([
        ["patient", patient],
        ["sdm", model],
      ]),
    );
    await until("the dead meter is lost", () => health.some((event) => event.startsWith("dead lost")));
    expect(health).toContain("dead lost: no valid answer within 150 ms");
    const pollsOfDead = () => logs.filter((message) => message === "a poll failed").length;
    const requestsToDead = () => sim.requests.get(2)?.length ?? 0;
    const [before, polls, requests] = [of("alive").length, pollsOfDead(), requestsToDead()];
    await until("twelve more readings", () => of("alive").length >= before + 12);
    // Back-off doubles from 200 ms: far fewer polls than of the healthy one, each of one request.
    expect(pollsOfDead() - polls).toBeLessThanOrEqual(5);
    expect(requestsToDead() - requests).toBeLessThanOrEqual(pollsOfDead() - polls + 1);
    expect(health.filter((event) => event.startsWith("alive"))).toEqual(["alive ok: answers"]);
    dead = false;
    await until("the dead meter answers", () => of("dead").length > 0);
    expect(of("dead")[0]).toEqual({ powerW: 2 });
    expect(of("alive").every((reading) => reading.powerW === 1)).toBe(true);
    expect(health.at(-1)).toBe("dead ok: answers again");
  });

  test("registers that a meter refuses are left out, and said once", async () => {
    const faults: SimMeter["faults"] = ({ address }) =>
      address === 100 ? { kind: "exception", code: 2 } : undefined;
    const { bus } = await lineOf(kind, [{ model: twin, unitId: 1, reading: () => truth, faults }]);
    const { readings, logs } = poll(bus([meter("main", 1)]));
    await until("readings", () => readings.length >= 3);
    expect(readings[2]?.reading).toEqual({ ...live, frequencyMhz: 50_000 });
    expect(logs).toEqual(["a meter refuses a block of registers"]);
  });

  test("a meter that refuses everything is lost, and the reason says why", async () => {
    const faults = (): Fault => ({ kind: "exception", code: 11 });
    const { bus } = await lineOf(kind, [{ model: twin, unitId: 1, reading: () => truth, faults }]);
    const { readings, health } = poll(bus([meter("main", 1)]));
    await until("the meter is lost", () => health.length === 1);
    expect(health[0]).toMatch(/^main lost: Modbus exception 11/);
    expect(readings).toEqual([]);
  });

  test("stop ends a request that is under way, and no handler is called afterwards", async () => {
    const { sim, bus } = await lineOf(kind, [
      { model: twin, unitId: 1, reading: () => truth, faults: () => ({ kind: "delay", ms: 100 }) },
    ]);
    const { poller, readings, health } = poll(bus([meter("main", 1)]));
    await until("a request", () => (sim.requests.get(1)?.length ?? 0) >= 1);
    await poller.stop();
    await sleep(250);
    expect([readings, health]).toEqual([[], []]);
    expect(sim.requests.get(1)).toHaveLength(1);
  });
});

describe("silence on a line", () => {
  test("is kept before every request for as long as the model asks", async () => {
    const answeredAt: number[] = [];
    const askedAt: number[] = [];
    const faults = () => void askedAt.push(performance.now());
    const reading = () => (answeredAt.push(performance.now()), truth);
    const { bus } = await lineOf("rtu-over-tcp", [{ model: twin, unitId: 1, reading, faults }]);
    const shy = new Map([["twin", { ...twin, quietMs: 60 }]]);
    const { readings } = poll(bus([meter("main", 1)]), shy);
    await until("readings", () => readings.length >= 3);
    const gaps = askedAt.slice(1).map((at, i) => at - (answeredAt[i] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(60);
  });

  test("that never comes makes the meter lost, with the reason", async () => {
    const end = await pty();
    const babble = setInterval(() => end.line.write(Buffer.from([0x55])), 1);
    cleanUps.push(() => clearInterval(babble));
    const shy = new Map([["twin", { ...twin, quietMs: 200 }]]);
    const { readings, health, reasons } = poll(
      { ...serial, path: end.path, meters: [meter("main", 1)] },
      shy,
    );
    await until("lost", () => health.length === 1);
    expect(health[0]).toMatch(/^main lost: /);
    // This process babbles: when it is held up, that is a silence, and the poll fails for another reason.
    const never = /^the line is never silent/;
    await until("the reason", () => reasons.some((reason) => never.test(String(reason))));
    expect(readings).toEqual([]);
  });
});

describe("a line that goes away", () => {
  test("TCP: refused for a while, cut in the middle, and back", async () => {
    const port = (await lineOf("tcp", [])).sim;
    await port.close();
    const bus: BusConfig = { kind: "tcp", host: "127.0.0.1", port: port.port, meters: [meter("main", 1)] };
    const { health, readings } = poll(bus);
    await until("lost", () => health.length === 1);
    expect(health[0]).toMatch(/^main lost: cannot open 127\.0\.0\.1:\d+ \(.*ECONNREFUSED/);
    const faults: SimMeter["faults"] = ({ index }) => (index === 7 ? { kind: "hang-up" } : undefined);
    const sim = await startSimLine({ tcp: port.port }, [
      { model: twin, unitId: 1, reading: () => truth, faults },
    ]);
    cleanUps.push(sim.close);
    await until("readings beyond the cut", () => (sim.requests.get(1)?.length ?? 0) > 20);
    expect(health.slice(1)).toEqual(["main ok: answers again"]);
    for (const { reading } of readings) expect(reading).toEqual(truth);
  });

  test("serial: the adapter is pulled out and plugged in again", async () => {
    const dir = mkdtempSync(join(tmpdir(), "modbus-"));
    cleanUps.push(() => rmSync(dir, { recursive: true }));
    const path = join(dir, "adapter");
    const plugIn = async () => {
      const opened = await pty();
      symlinkSync(opened.path, path);
      await startSimLine({ line: opened.line }, [{ model: twin, unitId: 1, reading: () => truth }]);
      return opened;
    };
    const first = await plugIn();
    const { health, readings } = poll({ ...serial, path, meters: [meter("main", 1)] });
    await until("readings", () => readings.length > 2);
    await first.close();
    rmSync(path);
    await until("lost", () => health.length === 2);
    expect(health[1]).toMatch(/^main lost: cannot open .*adapter/);
    await plugIn();
    await until("back", () => health.length === 3);
    expect(health).toEqual([
      expect.stringMatching(/ok/),
      expect.stringMatching(/lost/),
      "main ok: answers again",
    ]);
  });
});

describe("models", () => {
  test("those of the project load, under the names of their files", () => {
    const required = ["eastron-sdm630", "eastron-sdm120", "carlo-gavazzi-em340", "abb-b23"];
    expect([...loadMeterModels().keys()]).toEqual(expect.arrayContaining(required));
  });

  test.each([
    ["name = ", /broken\.toml is not TOML/],
    ['name = "X"', /broken\.toml: the file must have required properties/],
  ])("a broken file is named: %s", (text, message) => {
    const dir = mkdtempSync(join(tmpdir(), "meters-"));
    cleanUps.push(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, "broken.toml"), text);
    expect(() => loadMeterModels(pathToFileURL(`${dir}/`))).toThrow(message);
  });

  test("an unknown model is refused at the start, with those that are known", () => {
    const bus: BusConfig = { kind: "tcp", host: "127.0.0.1", port: 1, meters: [meter("main", 1, "sdm999")] };
    const start = () => startModbus([bus], models, { onReading: () => {}, onHealth: () => {} });
    expect(start).toThrow(
      expect.objectContaining({ code: "METER_MODEL", hint: expect.stringMatching(/abb-b23/) }),
    );
  });
});

test("polls are aligned to multiples of the interval, and an early timer does not poll twice", () => {
  expect(untilAligned(60_000, 10_000)).toBe(10_000);
  expect(untilAligned(63_500, 10_000)).toBe(6_500);
  expect(untilAligned(69_998, 10_000)).toBe(10_002);
});
