/**
 * Simulated energy meters: Modbus slaves for any of our meter models, on TCP or on a serial line, that can
 * be told to misbehave.
 *
 * The registers are encoded from the same file that the ER decodes with, so a test with this meter proves
 * the wire and the poller, not the file: the files are tested with registers out of the manuals.
 * The protocol is written by hand here, as faults need every byte. Function codes 3 and 4 only.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { registersOf, type MeterModel, type MeterValue, type Read } from "../edge/core/meter.ts";
import { crc16, withCrc } from "../edge/io/modbus-port.ts";
import type { Reading } from "../shared/reading.ts";

/** What goes wrong with one answer. */
export type Fault =
  | { kind: "delay"; ms: number }
  | { kind: "silence" }
  | { kind: "exception"; code: number }
  /** TCP only: the answer carries a number that was not asked with. */
  | { kind: "wrong-transaction" }
  | { kind: "wrong-unit" }
  | { kind: "byte-by-byte"; gapMs: number }
  /** Bytes instead of the answer. */
  | { kind: "garbage"; bytes: Uint8Array }
  /** Bytes in front of the answer. */
  | { kind: "noise"; bytes: Uint8Array }
  | { kind: "duplicate" }
  | { kind: "hang-up" };

export type SimRequest = Read & { /** Requests to this meter so far, from 0. */ index: number };
export type SimMeter = {
  model: MeterModel;
  unitId: number;
  reading: () => Reading;
  faults?: (request: SimRequest) => Fault | undefined;
};
/** `rtu`: on TCP, frames as on a serial line. Port 0 picks a free one. A line is one end of a serial line. */
export type SimListen = { tcp: number; rtu?: boolean } | { line: Duplex };
export type RunningSim = {
  port: number;
  /** Requests that came, per unit id. */
  requests: Map<number, SimRequest[]>;
  close(): Promise<void>;
};

/** Encodes a reading into the model's registers: key = function × 65536 + address. Lacking is "no value". */
export function encode(model: MeterModel, reading: Reading): Map<number, number> {
  const registers = new Map<number, number>();
  for (const value of model.values) {
    const field = reading[value.field];
    const number = Array.isArray(field) ? field[value.phase ?? 0] : field;
    const words = encodeValue(value, number);
    if (model.wordOrder === "le") words?.reverse();
    words?.forEach((word, i) => registers.set(value.function * 0x10000 + value.address + i, word));
  }
  return registers;
}

/** Words with the high one first; undefined for a missing value without a mark for that. */
function encodeValue(value: MeterValue, number: number | undefined): number[] | undefined {
  const size = registersOf(value.type);
  const view = new DataView(new ArrayBuffer(8));
  const isFloat = value.type === "f32" || value.type === "f64";
  if (number === undefined && !isFloat) {
    const mark = value.absent[0];
    if (mark === undefined) return undefined;
    view.setBigUint64(0, mark << BigInt(64 - 16 * size));
  } else {
    const raw = (number ?? NaN) / value.factor;
    if (value.type === "f32") view.setFloat32(0, raw);
    else if (value.type === "f64") view.setFloat64(0, raw);
    else view.setBigInt64(0, BigInt.asIntN(64, BigInt(Math.round(raw)) << BigInt(64 - 16 * size)));
  }
  return Array.from({ length: size }, (_, i) => view.getUint16(2 * i));
}

/** The answer without framing: unit, function, and data or an exception. */
function answerOf(meter: SimMeter, read: Read): Buffer {
  const exception = (code: number) => Buffer.from([meter.unitId, read.function | 0x80, code]);
  if (read.function !== 3 && read.function !== 4) return exception(1);
  if (read.count < 1 || read.count > meter.model.maxRegisters) return exception(3);
  const registers = encode(meter.model, meter.reading());
  const wanted = Array.from({ length: read.count }, (_, i) => read.function * 0x10000 + read.address + i);
  const missing = meter.model.values.some((value) => {
    const at = value.function * 0x10000 + value.address;
    return wanted.includes(at) && !registers.has(at);
  });
  if (missing || !wanted.some((key) => registers.has(key))) return exception(2);
  const answer = Buffer.alloc(3 + 2 * read.count);
  answer.set([meter.unitId, read.function, 2 * read.count]);
  wanted.forEach((key, i) => answer.writeUInt16BE(registers.get(key) ?? 0, 3 + 2 * i));
  return answer;
}

type Request = { unitId: number; read: Read; frame: (answer: Buffer, wrongTransaction: boolean) => Buffer };

/** The next request in MBAP framing, and the bytes it took. */
function parseTcp(bytes: Buffer): { request?: Request; taken: number } {
  if (bytes.length < 12) return { taken: 0 };
  const transaction = bytes.readUInt16BE(0);
  const frame = (answer: Buffer, wrong: boolean) => {
    const head = Buffer.alloc(6);
    head.writeUInt16BE((transaction + (wrong ? 1 : 0)) & 0xffff);
    head.writeUInt16BE(answer.length, 4);
    return Buffer.concat([head, answer]);
  };
  return { request: { ...readOf(bytes.subarray(6)), frame }, taken: 12 };
}

/** The next request in RTU framing. Bytes that do not fit are skipped one by one. */
function parseRtu(bytes: Buffer): { request?: Request; taken: number } {
  for (let start = 0; start + 8 <= bytes.length; start++) {
    const frame = bytes.subarray(start, start + 8);
    if (crc16(frame.subarray(0, 6)) === frame.readUInt16LE(6))
      return { request: { ...readOf(frame), frame: withCrc }, taken: start + 8 };
  }
  return { taken: Math.max(0, bytes.length - 7) };
}

const readOf = (pdu: Buffer) => ({
  unitId: pdu.readUInt8(0),
  read: { function: pdu.readUInt8(1) as 3 | 4, address: pdu.readUInt16BE(2), count: pdu.readUInt16BE(4) },
});

/** Answers one request, with its fault. */
async function respond(
  stream: Duplex,
  meter: SimMeter,
  request: Request,
  fault: Fault | undefined,
): Promise<void> {
  const send = (bytes: Uint8Array) => {
    if (!stream.destroyed && stream.writable) stream.write(bytes);
  };
  const answer = answerOf(meter, request.read);
  const frame = (pdu: Buffer) => request.frame(pdu, fault?.kind === "wrong-transaction");
  switch (fault?.kind) {
    case "silence":
      return;
    case "hang-up":
      return void stream.destroy();
    case "garbage":
      return send(fault.bytes);
    case "exception":
      return send(frame(Buffer.from([meter.unitId, request.read.function | 0x80, fault.code])));
    case "wrong-unit":
      answer[0] = (meter.unitId + 1) & 0xff;
      return send(frame(answer));
    case "duplicate":
      return send(Buffer.concat([frame(answer), frame(answer)]));
    case "noise":
      return send(Buffer.concat([fault.bytes, frame(answer)]));
    case "byte-by-byte":
      for (const byte of frame(answer)) {
        send(Buffer.from([byte]));
        await sleep(fault.gapMs);
      }
      return;
    case "delay":
      await sleep(fault.ms);
      return send(frame(answer));
    default:
      return send(frame(answer));
  }
}

/** Serves meters that share one line. As on a real line, a meter answers its requests in order. */
export async function startSimLine(listen: SimListen, meters: SimMeter[]): Promise<RunningSim> {
  const requests = new Map<number, SimRequest[]>(meters.map((meter) => [meter.unitId, []]));
  const busy = new Map<number, Promise<void>>();
  const serve = (stream: Duplex, parse: typeof parseTcp) => {
    let buffer: Buffer = Buffer.alloc(0);
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (;;) {
        const { request, taken } = parse(buffer);
        buffer = buffer.subarray(taken);
        if (request === undefined) return;
        const meter = meters.find((candidate) => candidate.unitId === request.unitId);
        const seen = requests.get(request.unitId);
        if (meter === undefined || seen === undefined) continue;
        const simRequest = { ...request.read, index: seen.length };
        seen.push(simRequest);
        const before = busy.get(meter.unitId) ?? Promise.resolve();
        const answered = before.then(() => respond(stream, meter, request, meter.faults?.(simRequest)));
        busy.set(meter.unitId, answered);
      }
    });
  };
  if ("line" in listen) {
    serve(listen.line, parseRtu);
    return { port: 0, requests, close: async () => void listen.line.removeAllListeners("data") };
  }
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    serve(socket, listen.rtu === true ? parseRtu : parseTcp);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.tcp, "127.0.0.1", resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port: (server.address() as AddressInfo).port, requests, close };
}

/** Serves one meter. */
export function startSimMeter(meter: SimMeter & { listen: SimListen }): Promise<RunningSim> {
  return startSimLine(meter.listen, [meter]);
}

export type Load = {
  /** From now on this consumer draws so many watts, spread evenly over its phases. Negative feeds in. */
  setPower(consumerId: string, watts: number, phases?: readonly (1 | 2 | 3)[]): void;
  /** What a meter that sees all consumers shows now. */
  reading(): Reading;
};

/** Adds up what consumers draw, and counts the energy. Deterministic in `nowMs`, which must not go back. */
export function createLoad(nowMs: () => number, start: { importWh?: number; exportWh?: number } = {}): Load {
  const consumers = new Map<string, [number, number, number]>();
  let at = nowMs();
  // In watt milliseconds, so that nothing is lost between two polls.
  let imported = (start.importWh ?? 0) * 3_600_000;
  let exported = (start.exportWh ?? 0) * 3_600_000;
  const phases = () =>
    [0, 1, 2].map((l) => Math.round(sum([...consumers.values()].map((watts) => watts[l] ?? 0))));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const advance = () => {
    const energy = sum(phases()) * (nowMs() - at);
    if (energy > 0) imported += energy;
    else exported -= energy;
    at = nowMs();
  };
  /** Mains voltage is never quite still, and a meter that shows the same digits for long counts as frozen. */
  const voltage = (l: number) => Math.round(230_000 + 900 * Math.sin(at / 7_300 + 2.1 * l));
  return {
    setPower(consumerId, watts, used = [1, 2, 3]) {
      advance();
      const share = (l: 1 | 2 | 3) => (used.includes(l) ? watts / used.length : 0);
      consumers.set(consumerId, [share(1), share(2), share(3)]);
    },
    reading() {
      advance();
      const powerPhasesW = phases();
      const voltagePhasesMv = [0, 1, 2].map(voltage);
      return {
        energyImportWh: Math.floor(imported / 3_600_000),
        energyExportWh: Math.floor(exported / 3_600_000),
        powerW: sum(powerPhasesW),
        powerPhasesW,
        voltagePhasesMv,
        currentPhasesMa: powerPhasesW.map((w, l) =>
          Math.round((Math.abs(w) * 1e6) / (voltagePhasesMv[l] ?? 230_000)),
        ),
        frequencyMhz: 50_000 + Math.round(15 * Math.sin(at / 11_000)),
      };
    },
  };
}
