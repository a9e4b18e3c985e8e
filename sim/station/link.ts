/**
 * The station's end of OCPP-J: one connection that is always wanted, and remote calls over it.
 *
 *   closed → connecting → open → closed → …      (stopped for good by `stop`)
 *
 * Invariants: at most one CALL of ours is unanswered; each call's `done` is called exactly once; events of a
 * socket that was given up are ignored; the answer to a CALL of the CSMS leaves before anything it causes.
 * It does not know what the messages mean and keeps none of them.
 */
import { assert, describeError } from "../../shared/errors.ts";
import type { Random } from "../../shared/ids.ts";
import type {
  Behaviour,
  CallOutcome,
  Clock,
  Handshake,
  Json,
  Timing,
  Transport,
  TransportFactory,
} from "./types.ts";

const UNANSWERED_IN_A_ROW_MAX = 3;
const ABNORMAL_CLOSURE = 1006;

/** Thrown by a handler to answer a CALL with a CALLERROR. */
export class CallRefusal extends Error {
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }
}

export type LinkOptions = {
  handshake: () => Handshake;
  clock: Clock;
  random: Random;
  timing: Timing;
  transportFactory: TransportFactory;
  behaviours: Behaviour[];
  newMessageId: () => string;
  /** Lets behaviours rewrite a text just before it is sent. */
  reshape: (text: string) => string[];
  onFrame: (direction: "sent" | "received", text: string) => void;
  onOpen: () => void;
  onClose: (code: number, reason: string) => void;
  /** Answers a CALL, or throws (a `CallRefusal`, or anything else for an InternalError). */
  onCall: (action: string, payload: Json) => Json;
  /** The link may take a call again. */
  onIdle: () => void;
};

type Pending = { id: string; done: (outcome: CallOutcome) => void; cancelTimer: () => void };

export class Link {
  #options: LinkOptions;
  #transport: Transport | undefined;
  #abandoned: Transport | undefined;
  #open = false;
  #stopped = true;
  #answering = false;
  #pending: Pending | undefined;
  #calls = 0;
  #attempt = 0;
  #unansweredInARow = 0;
  #cancelReconnect: () => void = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether `call` may be used now. */
  get idle(): boolean {
    return this.#open && this.#pending === undefined && !this.#answering;
  }

  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  /** Closes for good. */
  stop(code?: number): void {
    this.#stopped = true;
    this.#cancelReconnect();
    this.#abandoned?.close();
    this.#giveUp("stopped", code);
  }

  /** Closes and comes back after `ms`. Without a code the socket is cut. */
  leave(ms: number, code?: number): void {
    if (this.#stopped) return;
    this.#giveUp("closed by the station", code);
    this.#reconnectIn(ms);
  }

  /** Opens another socket and forgets this one without closing it. */
  openSecond(): void {
    this.#abandoned?.close();
    this.#abandoned = this.#transport;
    this.#transport = undefined;
    this.#closed(ABNORMAL_CLOSURE, "opened another socket");
    this.#connect();
  }

  sendRaw(text: string): void {
    for (const each of this.#options.reshape(text)) {
      this.#options.onFrame("sent", each);
      this.#transport?.send(each);
    }
  }

  call(action: string, payload: Json, done: (outcome: CallOutcome) => void): void {
    assert(this.idle, "a call while another one is under way");
    this.#calls += 1;
    const nth = this.#calls;
    const id = this.#options.behaviours.findLast((b) => b.messageId)?.messageId?.(nth);
    const { clock, timing } = this.#options;
    const pending: Pending = {
      id: id ?? this.#options.newMessageId(),
      done,
      cancelTimer: clock.setTimer(timing.callTimeoutMs, () => this.#timedOut(pending)),
    };
    this.#pending = pending;
    this.sendRaw(JSON.stringify([2, pending.id, action, payload]));
  }

  #connect(): void {
    const { transportFactory, handshake } = this.#options;
    const transport = transportFactory(handshake(), {
      onOpen: () => {
        if (this.#transport !== transport) return;
        this.#open = true;
        this.#calls = 0;
        this.#unansweredInARow = 0;
        this.#options.onOpen();
      },
      onMessage: (text) => {
        if (this.#transport === transport) this.#received(text);
      },
      onClose: (code, reason) => {
        if (this.#transport !== transport) return;
        this.#transport = undefined;
        this.#closed(code, reason);
        this.#reconnectIn(this.#backOffMs());
      },
    });
    this.#transport = transport;
  }

  /** Between half and all of a delay that doubles, so that a fleet does not come back in one moment. */
  #backOffMs(): number {
    const { reconnectMinMs, reconnectMaxMs } = this.#options.timing;
    const delayMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return Math.round(delayMs * (0.5 + this.#options.random() / 2 ** 33));
  }

  #reconnectIn(ms: number): void {
    if (this.#stopped) return;
    this.#cancelReconnect();
    this.#cancelReconnect = this.#options.clock.setTimer(ms, () => this.#connect());
  }

  #giveUp(reason: string, closeCode: number | undefined): void {
    const transport = this.#transport;
    this.#cancelReconnect();
    this.#transport = undefined;
    transport?.close(closeCode);
    if (this.#open) this.#closed(closeCode ?? ABNORMAL_CLOSURE, reason);
  }

  #closed(code: number, reason: string): void {
    this.#open = false;
    this.#settle({ kind: "unanswered" });
    this.#options.onClose(code, reason);
  }

  #settle(outcome: CallOutcome): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.cancelTimer();
    pending.done(outcome);
  }

  #timedOut(pending: Pending): void {
    if (this.#pending !== pending) return;
    this.#unansweredInARow += 1;
    this.#settle({ kind: "unanswered" });
    // Half-open sockets and stuck servers look the same from here: a new connection cures both.
    if (this.#unansweredInARow >= UNANSWERED_IN_A_ROW_MAX) this.leave(this.#backOffMs());
    else this.#options.onIdle();
  }

  #received(text: string): void {
    this.#options.onFrame("received", text);
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (!Array.isArray(frame)) return;
    const [type, id] = frame as unknown[];
    if (type === 2) this.#answer(String(id), String(frame[2]), asJson(frame[3]));
    else if (this.#pending?.id === id && (type === 3 || type === 4)) {
      this.#attempt = 0;
      this.#unansweredInARow = 0;
      if (type === 3) this.#settle({ kind: "answered", payload: asJson(frame[2]) });
      else this.#settle({ kind: "refused", code: String(frame[2]), description: String(frame[3]) });
      if (this.#open) this.#options.onIdle();
    }
  }

  #answer(id: string, action: string, payload: Json): void {
    if (this.#options.behaviours.some((behaviour) => behaviour.answers?.(action) === false)) return;
    this.#answering = true;
    let reply: unknown[];
    try {
      reply = [3, id, this.#options.onCall(action, payload)];
    } catch (error) {
      const code = error instanceof CallRefusal ? error.code : "InternalError";
      reply = [4, id, code, describeError(error).slice(0, 255), {}];
    }
    this.sendRaw(JSON.stringify(reply));
    this.#answering = false;
    this.#options.onIdle();
  }
}

function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
