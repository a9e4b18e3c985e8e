/**
 * Opens a link: picks the adapter by the URL's scheme and keeps a connection up until `stop`.
 *
 * Invariants: at most one connection at a time; `up` is true only between `onUp` and the loss; every publish
 * ends (confirm, refusal or loss); at most `prefetch` handlers run, over all subscriptions and over a
 * reconnect; no broker behaviour ends the process. Nothing is retried but the connection itself.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, assert, describeError } from "../errors.ts";
import {
  LINK_CONNECT_TIMEOUT_MS,
  LINK_HEARTBEAT_S,
  LINK_PENDING_BYTES_MAX,
  LINK_PENDING_PUBLISHES_MAX,
  LINK_STABLE_MS,
  LINK_STOP_MS,
  LINK_TOPIC_BYTES_MAX,
  WIRE_MESSAGE_BYTES_MAX,
} from "../limits.ts";
import { dialAmqp } from "./amqp.ts";
import { backoffMs } from "./backoff.ts";
import type { Link, LinkHandlers, LinkOptions } from "./link.ts";
import { dialMqtt } from "./mqtt.ts";
import type { Dial, PublishOptions, Session } from "./session.ts";

export type LinkTuning = {
  /** Numbers in [0, 1) for the jitter. */
  random?: () => number;
  heartbeatS?: number;
  connectTimeoutMs?: number;
};

/**
 * Makes a link; `start` opens it.
 *
 * @throws AppError LINK_URL when the URL is not one of a broker we can talk to.
 */
export function createLink(options: LinkOptions, handlers: LinkHandlers, tuning: LinkTuning = {}): Link {
  const { url, dial } = parseUrl(options.url);
  return new ReconnectingLink(dial, url, options, handlers, tuning);
}

function parseUrl(text: string): { url: URL; dial: Dial } {
  const hint = "write amqp://, amqps://, mqtt:// or mqtts://, then user:password@host:port";
  if (!URL.canParse(text)) throw new AppError("LINK_URL", "the broker's address is not a URL", { hint });
  const url = new URL(text);
  if (url.hostname === "") throw new AppError("LINK_URL", "the broker's address names no host", { hint });
  switch (url.protocol) {
    case "amqp:":
    case "amqps:":
      return { url, dial: dialAmqp };
    case "mqtt:":
    case "mqtts:":
      return { url, dial: dialMqtt };
    default:
      throw new AppError("LINK_URL", `the link cannot speak ${url.protocol}//`, { hint });
  }
}

class ReconnectingLink implements Link {
  readonly #dial: Dial;
  readonly #url: URL;
  readonly #options: LinkOptions;
  readonly #handlers: LinkHandlers;
  readonly #tuning: LinkTuning;
  readonly #stopping = new AbortController();
  readonly #gate: Gate;
  readonly #pending = new Pending();
  #session: Session | undefined;
  #connection = new AbortController();
  #running: Promise<void> | undefined;

  constructor(dial: Dial, url: URL, options: LinkOptions, handlers: LinkHandlers, tuning: LinkTuning) {
    assert(options.prefetch >= 1, "a link's prefetch is at least 1");
    this.#dial = dial;
    this.#url = url;
    this.#options = options;
    this.#handlers = handlers;
    this.#tuning = tuning;
    this.#gate = new Gate(options.prefetch);
  }

  get up(): boolean {
    return this.#session !== undefined;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    const deadline = AbortSignal.timeout(LINK_STOP_MS);
    this.#stopping.abort();
    const session = this.#session;
    if (session === undefined) this.#connection.abort();
    else await Promise.race([this.#leave(session), this.#running, aborted(deadline)]);
    this.#connection.abort();
    await this.#running;
  }

  async #leave(session: Session): Promise<void> {
    await this.#pending.settled();
    await session.close().catch(() => undefined);
  }

  async publish(topic: string, payload: Buffer, options: PublishOptions = {}): Promise<void> {
    checkMessage(topic, payload);
    const session = this.#session;
    if (session === undefined || this.#stopping.signal.aborted) throw this.#down("not connected");
    try {
      await this.#pending.track(payload.length, () => session.publish(topic, payload, options));
    } catch (error) {
      throw error instanceof AppError ? error : this.#down(describeError(error));
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const random = this.#tuning.random ?? Math.random;
    let failures = 0;
    while (!signal.aborted) {
      const upMs = await this.#connectOnce();
      // A connection that is closed at once (another's topic, a stolen client id) must not become a hot loop.
      failures = upMs >= LINK_STABLE_MS ? 0 : failures + 1;
      await sleep(backoffMs(failures - 1, random), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Dials and stays until the connection is lost. Returns how long it was up, in ms. */
  async #connectOnce(): Promise<number> {
    const connection = (this.#connection = new AbortController());
    const lost = Promise.withResolvers<string>();
    let gone: string | undefined;
    const onLost = (reason: string): void => {
      if (gone !== undefined) return;
      gone = reason;
      this.#session = undefined;
      this.#pending.rejectAll(this.#down(reason));
      lost.resolve(reason);
    };
    const timeoutMs = this.#tuning.connectTimeoutMs ?? LINK_CONNECT_TIMEOUT_MS;
    const timeout = setTimeout(() => connection.abort(), timeoutMs);
    let session: Session;
    try {
      session = await this.#dial({
        options: this.#options,
        url: this.#url,
        heartbeatS: this.#tuning.heartbeatS ?? LINK_HEARTBEAT_S,
        deliver: (topic, payload) =>
          this.#gate.run(async () => {
            if (gone === undefined) await this.#handlers.onMessage(topic, payload);
          }),
        lost: onLost,
        signal: connection.signal,
      });
    } catch (error) {
      const late = connection.signal.aborted;
      connection.abort();
      this.#reportDown(late ? `no answer within ${timeoutMs} ms` : describeError(error));
      return 0;
    } finally {
      clearTimeout(timeout);
    }
    const upSince = performance.now();
    if (gone === undefined) {
      this.#session = session;
      if (this.#stopping.signal.aborted) connection.abort();
      else this.#handlers.onUp();
    }
    const reason = await lost.promise;
    connection.abort();
    this.#reportDown(reason);
    return performance.now() - upSince;
  }

  #reportDown(reason: string): void {
    if (!this.#stopping.signal.aborted) this.#handlers.onDown(this.#scrub(reason));
  }

  #down(reason: string): AppError {
    const message = `the link to the broker at ${this.#url.host} is down: ${this.#scrub(reason)}`;
    return new AppError("LINK_DOWN", message, { hint: "it reconnects by itself; send again when it is up" });
  }

  #scrub(reason: string): string {
    const { password } = this.#url;
    if (password === "") return reason;
    return reason.replaceAll(password, "***").replaceAll(decodeURIComponent(password), "***");
  }
}

function checkMessage(topic: string, payload: Buffer): void {
  if (topic === "" || /[.+*#\0]/.test(topic) || Buffer.byteLength(topic) > LINK_TOPIC_BYTES_MAX) {
    throw new AppError("LINK_TOPIC", `cannot publish to the topic "${topic}"`, {
      hint: "topics are levels separated by /, without dots and wildcards",
    });
  }
  if (payload.length > WIRE_MESSAGE_BYTES_MAX) {
    const message = `a message of ${payload.length} bytes for ${topic} is over ${WIRE_MESSAGE_BYTES_MAX}`;
    throw new AppError("LINK_TOO_LARGE", message);
  }
}

/** At most `width` tasks run at a time, first come first served. The adapters bound those that wait. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(width: number) {
    this.#free = width;
  }

  /** Resolves when the task ended, however it ended. */
  async run(task: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((enter) => this.#waiting.push(enter));
    try {
      await task();
    } catch {
      // The contract of onMessage: what it throws settles the message like what it returns.
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** Publishes that wait for their confirm, bounded in number and bytes. */
class Pending {
  readonly #rejects = new Set<(error: AppError) => void>();
  #bytes = 0;
  #onEmpty: (() => void) | undefined;

  async track(bytes: number, send: () => Promise<void>): Promise<void> {
    if (this.#rejects.size >= LINK_PENDING_PUBLISHES_MAX || this.#bytes + bytes > LINK_PENDING_BYTES_MAX) {
      throw new AppError("LINK_BUSY", "too many messages wait for the broker's confirm", {
        hint: "the broker is slow or blocks publishers (memory or disk alarm)",
      });
    }
    const loss = Promise.withResolvers<never>();
    this.#rejects.add(loss.reject);
    this.#bytes += bytes;
    try {
      await Promise.race([send(), loss.promise]);
    } finally {
      this.#rejects.delete(loss.reject);
      this.#bytes -= bytes;
      if (this.#rejects.size === 0) this.#onEmpty?.();
    }
  }

  rejectAll(error: AppError): void {
    for (const reject of this.#rejects) reject(error);
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    if (this.#rejects.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
