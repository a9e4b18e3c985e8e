/**
 * One Modbus line (a serial port, a TCP host, or a serial server behind TCP) and one request on it.
 *
 * Invariants: one request at a time; a line on which a request went unanswered is closed and opened anew, so
 * that nothing on its way can meet the next request; the line is silent before each request. It does not
 * retry and knows no meters.
 */
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import modbusSerial from "modbus-serial";
import { SerialPort } from "serialport";
import { AppError, describeError } from "../../shared/errors.ts";
import { MODBUS_BABBLE_MS_MAX, MODBUS_CONNECT_MS_MAX } from "../../shared/limits.ts";
import type { Block, Read } from "../core/meter.ts";
import { RtuPort } from "./modbus-port.ts";

export type LineConfig =
  | { kind: "tcp" | "rtu-over-tcp"; host: string; port: number }
  | { kind: "rtu"; path: string; baudRate: number; parity: "none" | "even" | "odd"; stopBits: 1 | 2 };

/** The slave answered that it will not (a Modbus exception). The line is in step. */
export class Refused extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** No valid answer: its answer may still come. */
export class Unanswered extends Error {}

export type Line = {
  /** Reads registers. Rejects with Refused, or with Unanswered after `timeoutMs`; then the line is closed. */
  request(unitId: number, read: Read, quietMs: number, timeoutMs: number): Promise<Block>;
  close(): Promise<void>;
  isOpen(): boolean;
};

/** How the line is called in messages. */
export const lineName = (config: LineConfig): string =>
  config.kind === "rtu" ? config.path : `${config.host}:${config.port}`;

/**
 * Opens a line. `signal` cuts it, or the attempt to open it.
 * @throws AppError MODBUS_LINE when it cannot be opened within MODBUS_CONNECT_MS_MAX.
 */
export async function openLine(config: LineConfig, signal: AbortSignal): Promise<Line> {
  const { stream, close } =
    config.kind === "rtu" ? await openSerial(config) : await openSocket(config, signal);
  let lastByteAt = performance.now();
  let ended: string | undefined;
  let onEnd = (_: Unanswered): void => {};
  const end = (reason: string) => {
    ended ??= reason;
    onEnd(new Unanswered(reason));
  };
  stream.on("data", () => (lastByteAt = performance.now()));
  stream.on("error", (error) => end(describeError(error)));
  stream.on("close", () => end("the line was closed"));

  const client = new modbusSerial.default(config.kind === "tcp" ? undefined : new RtuPort(stream));
  client.on("error", (error) => end(describeError(error)));
  if (config.kind === "tcp") await client.linkTCP(stream as Socket, { port: config.port });
  else await new Promise<void>((resolve) => client.open(() => resolve()));

  const closeOnce = async () => {
    end("the line was closed");
    await close();
  };

  const request = async (unitId: number, read: Read, quietMs: number, timeoutMs: number): Promise<Block> => {
    try {
      const broken = new Promise<never>((_, reject) => (onEnd = reject));
      broken.catch(() => {});
      await silence(() => lastByteAt, quietMs);
      if (ended !== undefined) throw new Unanswered(ended);
      client.setID(unitId);
      client.setTimeout(timeoutMs);
      const ask = read.function === 3 ? client.readHoldingRegisters : client.readInputRegisters;
      const { buffer } = await Promise.race([ask.call(client, read.address, read.count), broken]);
      if (buffer.length !== read.count * 2)
        throw new Unanswered(`${buffer.length} bytes instead of ${read.count * 2}`);
      // A copy, because modbus-serial hands out a view into its receive buffer.
      return { ...read, bytes: Uint8Array.from(buffer) };
    } catch (error) {
      const code = (error as { modbusCode?: number }).modbusCode;
      if (code !== undefined) throw new Refused(code, describeError(error));
      await closeOnce();
      throw error instanceof Unanswered ? error : new Unanswered(unansweredReason(error, timeoutMs));
    }
  };
  return { request, close: closeOnce, isOpen: () => ended === undefined };
}

function unansweredReason(error: unknown, timeoutMs: number): string {
  const timedOut = (error as { errno?: string }).errno === "ETIMEDOUT";
  return timedOut ? `no valid answer within ${timeoutMs} ms` : describeError(error);
}

/** Waits until nothing has arrived for `quietMs`. Late and repeated answers end here. */
async function silence(lastByteAt: () => number, quietMs: number): Promise<void> {
  const deadline = performance.now() + MODBUS_BABBLE_MS_MAX + quietMs;
  for (;;) {
    const waitMs = lastByteAt() + quietMs - performance.now();
    if (waitMs <= 0) return;
    if (performance.now() > deadline)
      throw new Unanswered("the line is never silent: is there another master, or noise?");
    await sleep(Math.ceil(waitMs));
  }
}

type Opened = { stream: Duplex; close(): Promise<void> };
type SerialConfig = Extract<LineConfig, { kind: "rtu" }>;
type SocketConfig = Exclude<LineConfig, { kind: "rtu" }>;

async function openSerial({ path, baudRate, parity, stopBits }: SerialConfig): Promise<Opened> {
  const stream = new SerialPort({ path, baudRate, parity, stopBits, autoOpen: false });
  // An adapter that is pulled out may report its end twice; the second time nobody waits for it.
  stream.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    stream.open((error) => (error === null ? resolve() : reject(cannotOpen(path, error))));
  });
  const close = () =>
    new Promise<void>((resolve) => {
      if (stream.isOpen) stream.close(() => resolve());
      else resolve();
    });
  return { stream, close };
}

async function openSocket({ host, port }: SocketConfig, signal: AbortSignal): Promise<Opened> {
  const stream = connect({ host, port, signal, noDelay: true, keepAlive: true });
  stream.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      stream.destroy();
      reject(cannotOpen(`${host}:${port}`, error));
    };
    const late = () => fail(new Error(`no connection within ${MODBUS_CONNECT_MS_MAX} ms`));
    const timer = setTimeout(late, MODBUS_CONNECT_MS_MAX);
    stream.once("error", fail);
    stream.once("connect", () => {
      stream.off("error", fail);
      resolve();
    });
    stream.once("connect", () => clearTimeout(timer));
    stream.once("close", () => clearTimeout(timer));
  });
  const close = async () => {
    stream.destroy();
  };
  return { stream, close };
}

function cannotOpen(name: string, cause: Error): AppError {
  return new AppError("MODBUS_LINE", `cannot open ${name}`, {
    cause,
    hint: "check the adapter or the address; it is tried again for ever",
  });
}
