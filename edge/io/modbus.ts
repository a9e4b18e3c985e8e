/**
 * Polls energy meters over Modbus: RTU on a serial port, TCP, and RTU through a serial server on TCP.
 *
 * Invariants: one master per line, which asks its meters one after the other; polls are aligned to the
 * wall clock and skipped, never queued, when late; a late answer is never taken for that to a later request;
 * a dead meter is asked ever less often so that it does not starve the others; a lost line is tried for ever.
 * It does not judge readings (see checkPlausible) and stores nothing.
 *
 * Late answers: Modbus RTU answers carry no number, only unit, function and length. Three things keep them
 * apart: the line is reopened after an unanswered request, it must be silent before the next, and a meter
 * that owes an answer is first asked for something of another length. Slaves answer in order, so once that
 * answer is here, nothing older can follow.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "smol-toml";
import { AppError, describeError } from "../../shared/errors.ts";
import {
  METER_BACKOFF_MS_MAX,
  METER_LOST_AFTER_POLLS,
  MODBUS_LATE_MS_MAX,
  MODBUS_REOPEN_MS_MAX,
  MODBUS_REOPEN_MS_MIN,
} from "../../shared/limits.ts";
import type { Reading } from "../../shared/reading.ts";
import {
  decode,
  meterModel,
  planReads,
  registersOf,
  type Block,
  type MeterModel,
  type Read,
} from "../core/meter.ts";
import { lineName, openLine, Refused, Unanswered, type Line, type LineConfig } from "./modbus-line.ts";

export type MeterConfig = { id: string; model: string; unitId: number; intervalMs: number };
export type BusConfig = LineConfig & { meters: MeterConfig[] };
export type LogLevel = "debug" | "info" | "warn";
export type MeterHandlers = {
  onReading(meterId: string, reading: Reading): void;
  /** On each change only; the first answer, or the first loss, is a change too. */
  onHealth(meterId: string, state: "ok" | "lost", reason: string): void;
  onLog?(level: LogLevel, message: string, fields: Record<string, unknown>): void;
};

/**
 * Reads all meter models; the key is the file's name without `.toml`.
 * @throws AppError METER_MODEL that names the file and what is wrong in it.
 */
export function loadMeterModels(dir = new URL("../meters/", import.meta.url)): Map<string, MeterModel> {
  const models = new Map<string, MeterModel>();
  for (const name of readdirSync(dir)
    .filter((file) => file.endsWith(".toml"))
    .sort()) {
    const id = basename(name, ".toml");
    models.set(id, meterModel(id, parseToml(name, readFileSync(new URL(name, dir), "utf8"))));
  }
  return models;
}

function parseToml(name: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new AppError("METER_MODEL", `${name} is not TOML`, { cause });
  }
}

/**
 * Starts one poller per bus. `stop` resolves when nothing is under way and no handler will be called again.
 * @throws AppError METER_MODEL when a meter names a model that does not exist.
 */
export function startModbus(
  buses: BusConfig[],
  models: Map<string, MeterModel>,
  handlers: MeterHandlers,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const pollers = buses.map((bus) => new BusPoller(bus, models, handlers, stopping.signal));
  const running = Promise.all(pollers.map((poller) => poller.run()));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(pollers.map((poller) => poller.close()));
      await running;
    },
  };
}

/** A meter on a bus. Times are of the monotonic clock. */
type Meter = MeterConfig & {
  shape: MeterModel;
  plan: Read[];
  /** Requests of different lengths, shortest first, to find out whether the meter is in step. */
  probes: Read[];
  /** Addresses of blocks that the meter does not have. */
  refused: Set<number>;
  /** Register counts of requests that may still be answered, with the time they were sent. */
  owed: Map<number, number>;
  state: "unknown" | "ok" | "lost";
  failures: number;
  dueAt: number;
};

function meterOf(config: MeterConfig, models: Map<string, MeterModel>): Meter {
  const shape = models.get(config.model);
  if (shape === undefined)
    throw new AppError("METER_MODEL", `meter ${config.id} names the unknown model "${config.model}"`, {
      hint: `known models: ${[...models.keys()].join(", ")}`,
    });
  const plan = planReads(shape);
  const probes = probesOf(shape, plan);
  const dueAt = performance.now() + untilAligned(Date.now(), config.intervalMs);
  const fresh = { owed: new Map<number, number>(), refused: new Set<number>(), failures: 0 };
  return { ...config, shape, plan, probes, dueAt, state: "unknown", ...fresh };
}

/** Beginnings of the plan's blocks, up to the end of each value, shortest first: one of each length. */
function probesOf(shape: MeterModel, plan: Read[]): Read[] {
  const probes = new Map<number, Read>();
  for (const read of plan) {
    for (const value of shape.values) {
      const count = value.address + registersOf(value.type) - read.address;
      const inside = value.function === read.function && count > 0 && count <= read.count;
      if (inside && !probes.has(count)) probes.set(count, { ...read, count });
    }
  }
  return [...probes.values()].toSorted((a, b) => a.count - b.count);
}

/**
 * Milliseconds to the next multiple of the interval on the wall clock. A timer that fires a little early
 * belongs to the multiple ahead, not to two of them.
 */
export function untilAligned(nowMs: number, intervalMs: number): number {
  const waitMs = intervalMs - (nowMs % intervalMs);
  return waitMs < intervalMs / 10 ? waitMs + intervalMs : waitMs;
}

/** One master. */
class BusPoller {
  readonly #bus: BusConfig;
  readonly #meters: Meter[];
  readonly #handlers: MeterHandlers;
  readonly #signal: AbortSignal;
  #line: Line | undefined;
  /** Why the line could not be opened, and when that was. */
  #lineError: { at: number; error: unknown } | undefined;

  constructor(bus: BusConfig, models: Map<string, MeterModel>, handlers: MeterHandlers, signal: AbortSignal) {
    this.#bus = bus;
    this.#meters = bus.meters.map((config) => meterOf(config, models));
    this.#handlers = handlers;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    if (this.#meters.length === 0) return;
    while (!this.#signal.aborted) {
      const meter = this.#next();
      const waitMs = meter.dueAt - performance.now();
      if (waitMs > 0) await sleep(Math.ceil(waitMs), undefined, { signal: this.#signal }).catch(() => {});
      else await this.#turn(meter);
    }
    await this.close();
  }

  async close(): Promise<void> {
    await this.#line?.close();
  }

  /**
   * The meter to ask next: the one that waits longest, but a lost one only when no other is due. On a line
   * that is never idle, a lost one that waits for longer than any back-off gets its turn all the same.
   */
  #next(): Meter {
    const now = performance.now();
    const yields = (meter: Meter) => meter.state === "lost" && now - meter.dueAt < METER_BACKOFF_MS_MAX;
    const rank = (meter: Meter) => (meter.dueAt <= now && yields(meter) ? now : meter.dueAt);
    return this.#meters.reduce((best, meter) => (rank(meter) < rank(best) ? meter : best));
  }

  async #turn(meter: Meter): Promise<void> {
    let reading: Reading;
    try {
      reading = await this.#poll(meter);
    } catch (error) {
      if (!this.#signal.aborted) this.#failed(meter, error);
      return;
    }
    if (this.#signal.aborted) return;
    const wasLost = meter.state === "lost";
    meter.failures = 0;
    this.#schedule(meter, 0);
    this.#setState(meter, "ok", wasLost ? "answers again" : "answers");
    this.#handlers.onReading(meter.id, reading);
  }

  /** One reading; a meter in good standing gets a second try. */
  async #poll(meter: Meter): Promise<Reading> {
    try {
      return await this.#read(meter);
    } catch (error) {
      if (!(error instanceof Unanswered) || meter.failures > 0 || this.#signal.aborted) throw error;
      this.#log("debug", "a meter did not answer and is asked again", {
        meterId: meter.id,
        reason: error.message,
      });
      return await this.#read(meter);
    }
  }

  async #read(meter: Meter): Promise<Reading> {
    await this.#resync(meter);
    const blocks: Block[] = [];
    for (const read of meter.plan) {
      try {
        blocks.push(await this.#request(meter, read));
      } catch (error) {
        // 1 to 3: the meter does not have these registers. The others are still worth having.
        if (!(error instanceof Refused) || error.code > 3) throw error;
        if (!meter.refused.has(read.address))
          this.#log("warn", "a meter refuses a block of registers", {
            meterId: meter.id,
            model: meter.model,
            address: read.address,
            count: read.count,
            reason: error.message,
          });
        meter.refused.add(read.address);
      }
    }
    return decode(meter.shape, blocks);
  }

  /** Settles what is owed: asks for something that no owed answer can be mistaken for. */
  async #resync(meter: Meter): Promise<void> {
    const now = performance.now();
    for (const [count, at] of meter.owed) if (now - at > MODBUS_LATE_MS_MAX) meter.owed.delete(count);
    if (meter.owed.size === 0) return;
    const { owed, refused } = meter;
    const probe = meter.probes.find(({ count, address }) => !owed.has(count) && !refused.has(address));
    if (probe === undefined) throw new Error("no valid answer; one to an earlier request may still come");
    await this.#request(meter, probe);
    owed.clear();
  }

  async #request(meter: Meter, read: Read): Promise<Block> {
    const line = await this.#open();
    try {
      return await line.request(meter.unitId, read, meter.shape.quietMs, meter.shape.timeoutMs);
    } catch (error) {
      if (error instanceof Unanswered) meter.owed.set(read.count, performance.now());
      throw error;
    }
  }

  async #open(): Promise<Line> {
    if (this.#line?.isOpen() === true) return this.#line;
    const failed = this.#lineError;
    if (failed !== undefined && performance.now() - failed.at < MODBUS_REOPEN_MS_MIN) throw failed.error;
    try {
      const line = await openLine(this.#bus, this.#signal);
      if (this.#signal.aborted) await line.close();
      this.#line = line;
    } catch (error) {
      this.#lineError = { at: performance.now(), error };
      throw error;
    }
    if (failed !== undefined) {
      this.#lineError = undefined;
      this.#log("info", "a meter line is back", { line: lineName(this.#bus) });
      for (const meter of this.#meters) meter.dueAt = Math.min(meter.dueAt, performance.now());
    }
    return this.#line;
  }

  #failed(meter: Meter, error: unknown): void {
    meter.failures += 1;
    const reason = describeError(error);
    const overdue = meter.failures - METER_LOST_AFTER_POLLS;
    const most = this.#lineError === undefined ? METER_BACKOFF_MS_MAX : MODBUS_REOPEN_MS_MAX;
    this.#schedule(meter, overdue < 0 ? 0 : Math.min(meter.intervalMs * 2 ** Math.min(overdue, 20), most));
    this.#log("debug", "a poll failed", { meterId: meter.id, reason, failures: meter.failures });
    if (overdue >= 0) this.#setState(meter, "lost", reason);
  }

  #schedule(meter: Meter, delayMs: number): void {
    meter.dueAt = performance.now() + delayMs + untilAligned(Date.now() + delayMs, meter.intervalMs);
  }

  #setState(meter: Meter, state: "ok" | "lost", reason: string): void {
    if (meter.state === state) return;
    meter.state = state;
    this.#handlers.onHealth(meter.id, state, reason);
  }

  #log(level: LogLevel, message: string, fields: Record<string, unknown>): void {
    this.#handlers.onLog?.(level, message, fields);
  }
}
