/**
 * The load generator, a process of its own: many stations on raw `ws` clients, told by IPC what to do.
 *
 *   connect     sockets, BootNotification, a transaction each      closed   one outstanding CALL per station
 *   open        so many messages per second, answered or not       disconnect
 *
 * A station of the ER may send 50 messages per second and 500 in a burst: a closed loop stays below that,
 * since a station that is slowed down measures the brake.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { OCPP_STATION_BURST } from "../shared/limits.ts";
import {
  bootFrame,
  createCar,
  readingFrame,
  readStart,
  startFrame,
  stopFrame,
  type Car,
  type Mix,
} from "./frames.ts";

export type Order =
  | { kind: "connect"; url: string; stations: number; prefix: string; mix: Mix }
  | { kind: "closed"; perStation: number; durationMs: number }
  | { kind: "open"; ratePerS: number; durationMs: number }
  | { kind: "disconnect" };

export type Outcome = {
  /** CALLs sent, all of which were answered; bytes of them. */
  sent: number;
  bytes: number;
  elapsedMs: number;
  perS: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
};

/** CALLs a station may send per connection without meeting the ER's brake. */
export const PER_CONNECTION_MAX = OCPP_STATION_BURST - 20;

const CONNECTING_MAX = 50;
const ANSWER_TIMEOUT_MS = 20_000;

type Station = {
  car: Car;
  socket: WebSocket;
  sentAt: number;
  left: number;
  onAnswer: (text: string) => void;
};

let stations: Station[] = [];
let closing = false;
/** The time as text, made anew only now and then: it is the server that is measured. */
let nowText = new Date().toISOString();
setInterval(() => (nowText = new Date().toISOString()), 20).unref();

function dial(car: Car, url: string): Promise<Station> {
  return new Promise((resolve, reject) => {
    const options = { perMessageDeflate: false, handshakeTimeout: ANSWER_TIMEOUT_MS };
    const socket = new WebSocket(`${url}/${car.stationId}`, car.protocol, options);
    const station: Station = { car, socket, sentAt: 0, left: 0, onAnswer: () => undefined };
    socket.on("message", (data) => station.onAnswer((data as Buffer).toString("latin1")));
    socket.once("open", () => resolve(station));
    socket.once("error", reject);
    socket.once("close", (code) => {
      if (!closing)
        process.send?.({ kind: "failed", reason: `the server closed a station's socket: ${code}` });
    });
  });
}

function call(station: Station, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("a station got no answer")), ANSWER_TIMEOUT_MS);
    station.onAnswer = (answer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    station.socket.send(text);
  });
}

async function onAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: CONNECTING_MAX }, worker));
}

async function connect(order: Extract<Order, { kind: "connect" }>): Promise<void> {
  closing = false;
  const cars = Array.from({ length: order.stations }, (_, index) =>
    createCar(index, order.prefix, order.mix),
  );
  await onAll(cars, async (car) => {
    const station = await dial(car, order.url);
    await call(station, bootFrame(car));
    readStart(car, await call(station, startFrame(car, nowText)));
    stations.push(station);
  });
}

async function disconnect(): Promise<void> {
  await onAll(stations, async (station) => void (await call(station, stopFrame(station.car, nowText))));
  closing = true;
  await onAll(stations, async ({ socket }) => {
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.close(1000);
    await closed;
  });
  stations = [];
}

/** Counts and times the answers of one measurement. */
class Meter {
  private latencies: Float64Array;
  private readonly startedAt = performance.now();
  answered = 0;
  sent = 0;
  bytes = 0;

  constructor(max: number) {
    this.latencies = new Float64Array(max);
  }

  send(station: Station): void {
    const text = readingFrame(station.car, nowText);
    this.sent += 1;
    this.bytes += text.length;
    station.sentAt = performance.now();
    station.socket.send(text);
  }

  answer(station: Station): void {
    this.latencies[this.answered++] = performance.now() - station.sentAt;
  }

  outcome(): Outcome {
    const elapsedMs = performance.now() - this.startedAt;
    const sorted = this.latencies.subarray(0, this.answered).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const perS = (this.answered / elapsedMs) * 1_000;
    const { sent, bytes } = this;
    return { sent, bytes, elapsedMs, perS, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}

function closedLoop({ perStation, durationMs }: Extract<Order, { kind: "closed" }>): Promise<Outcome> {
  return new Promise((resolve) => {
    const meter = new Meter(perStation * stations.length);
    const end = performance.now() + durationMs;
    let running = stations.length;
    for (const station of stations) {
      station.left = perStation;
      const next = () => {
        if (station.left-- > 0 && performance.now() < end) meter.send(station);
        else if (--running === 0) resolve(meter.outcome());
      };
      station.onAnswer = () => {
        meter.answer(station);
        next();
      };
      next();
    }
  });
}

/** Sends on time, whatever the server does; a station whose answer is late is left out until it came. */
async function openLoop({ ratePerS, durationMs }: Extract<Order, { kind: "open" }>): Promise<Outcome> {
  const meter = new Meter(Math.ceil((ratePerS * durationMs) / 1_000) + 1);
  for (const station of stations) {
    station.sentAt = 0;
    station.onAnswer = () => {
      meter.answer(station);
      station.sentAt = 0;
    };
  }
  const start = performance.now();
  for (let due = 0; performance.now() - start < durationMs;) {
    for (; (due / ratePerS) * 1_000 <= performance.now() - start; due++) {
      const station = stations[due % stations.length];
      if (station !== undefined && station.sentAt === 0) meter.send(station);
    }
    await sleep(1);
  }
  const deadline = performance.now() + ANSWER_TIMEOUT_MS;
  while (meter.answered < meter.sent && performance.now() < deadline) await sleep(5);
  if (meter.answered < meter.sent)
    throw new Error(`${meter.sent - meter.answered} messages were not answered`);
  return meter.outcome();
}

async function obey(order: Order): Promise<Outcome | undefined> {
  switch (order.kind) {
    case "connect":
      return void (await connect(order));
    case "closed":
      return closedLoop(order);
    case "open":
      return openLoop(order);
    case "disconnect":
      return void (await disconnect());
  }
}

process.on("message", (order: Order) => {
  obey(order).then(
    (outcome) => process.send?.({ kind: "done", outcome }),
    (error: unknown) => process.send?.({ kind: "failed", reason: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ kind: "ready" });
