/**
 * What a station still has to say, and in which order it says it.
 *
 * Registration goes first and alone. After it, everything leaves in the order in which it happened. Messages
 * about transactions are kept until the CSMS answers them, over lost sockets and reboots, and are repeated
 * with the same content; all others are dropped with the connection.
 *
 *   waiting → sent → answered
 *                  → refused     again after a growing pause, at most `TransactionMessageAttempts` times
 *                  → unanswered  again, for as long as it takes
 *
 * Bounds: past `KEPT_MAX` the oldest periodic reading gives way, since the register of the next one covers
 * it; past `PASSING_MAX` the oldest of the droppable messages does.
 */
import type { StationConfig } from "./config.ts";
import type { Link } from "./link.ts";
import type { Clock, CallOutcome, EncodedCall, Json } from "./types.ts";

const KEPT_MAX = 2_000;
const PASSING_MAX = 100;
export const DRAIN_POLL_MS = 50;

export type Parcel = {
  call: EncodedCall;
  /** Kept until answered. `sparable`: may be given up when there is no room. */
  keep: "never" | "sparable" | "always";
  /** Once: with the answer, the last refusal, or `unanswered` when it was dropped. */
  done: (outcome: CallOutcome) => void;
};

type Entry = Parcel & { order: number; payload: Json | undefined; attempts: number; notBefore: number };

export type OutboxOptions = {
  link: Link;
  clock: Clock;
  config: StationConfig;
  /** Lets behaviours rewrite a payload, once, before it is first sent. */
  rewrite: (action: string, payload: Json) => Json;
  onOutcome: (action: string, payload: Json, outcome: CallOutcome) => void;
};

export class Outbox {
  #options: OutboxOptions;
  #registration: Entry | undefined;
  #kept: Entry[] = [];
  #passing: Entry[] = [];
  #orders = 0;
  #registered = false;
  #cancelRepeat: () => void = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Messages about transactions that the CSMS has not answered yet. */
  get keptCount(): number {
    return this.#kept.length;
  }

  get empty(): boolean {
    return this.#kept.length === 0 && this.#passing.length === 0 && this.#registration === undefined;
  }

  get registered(): boolean {
    return this.#registered;
  }

  /** The registration, which alone may leave before `open` was called. */
  register(parcel: Parcel): void {
    this.#registration = this.#entry(parcel);
    this.pump();
  }

  open(): void {
    this.#registered = true;
    this.pump();
  }

  /** The connection is gone: what is not kept is dropped. */
  close(): void {
    this.#registered = false;
    const dropped = this.#passing;
    this.#passing = [];
    this.#registration = undefined;
    for (const entry of dropped) entry.done({ kind: "unanswered" });
  }

  push(parcel: Parcel): void {
    const queue = parcel.keep === "never" ? this.#passing : this.#kept;
    queue.push(this.#entry(parcel));
    if (queue === this.#passing && queue.length > PASSING_MAX) {
      queue.shift()?.done({ kind: "unanswered" });
    } else if (queue === this.#kept && queue.length > KEPT_MAX) {
      // Never the first one: it may be under way.
      const spare = queue.findIndex((entry, index) => index > 0 && entry.keep === "sparable");
      queue.splice(Math.max(spare, 1), 1)[0]?.done({ kind: "unanswered" });
    }
    this.pump();
  }

  /** Calls `then` once everything is said, cannot be said, or took too long. */
  drained(clock: Clock, withinMs: number, then: () => void): void {
    const deadline = clock.now() + withinMs;
    const poll = () => {
      const unsaid = this.registered && !this.empty;
      if (unsaid && clock.now() < deadline) clock.setTimer(DRAIN_POLL_MS, poll);
      else then();
    };
    clock.setTimer(DRAIN_POLL_MS, poll);
  }

  /** Sends the next message when the link is free. */
  pump(): void {
    if (!this.#options.link.idle) return;
    const entry = this.#registration ?? (this.#registered ? this.#next() : undefined);
    if (entry === undefined) return;
    entry.payload ??= this.#options.rewrite(entry.call.action, entry.call.payload());
    if (entry === this.#registration) this.#registration = undefined;
    else if (entry.keep === "never") this.#passing.shift();
    const { payload } = entry;
    this.#options.link.call(entry.call.action, payload, (outcome) => {
      this.#settle(entry, outcome);
      this.#options.onOutcome(entry.call.action, payload, outcome);
    });
  }

  #entry(parcel: Parcel): Entry {
    this.#orders += 1;
    return { ...parcel, order: this.#orders, payload: undefined, attempts: 0, notBefore: 0 };
  }

  #next(): Entry | undefined {
    const [passing] = this.#passing;
    const [kept] = this.#kept;
    if (kept === undefined || kept.notBefore > this.#options.clock.now()) return passing;
    return passing !== undefined && passing.order < kept.order ? passing : kept;
  }

  #settle(entry: Entry, outcome: CallOutcome): void {
    if (entry.keep !== "never") {
      if (outcome.kind === "unanswered") return;
      if (outcome.kind === "refused" && this.#mayRepeat(entry)) return;
      this.#kept = this.#kept.filter((kept) => kept !== entry);
    }
    entry.done(outcome);
  }

  #mayRepeat(entry: Entry): boolean {
    const { clock, config } = this.#options;
    entry.attempts += 1;
    if (entry.attempts >= config.integer("TransactionMessageAttempts")) return false;
    const pauseMs = config.integer("TransactionMessageRetryInterval") * entry.attempts * 1_000;
    entry.notBefore = clock.now() + pauseMs;
    this.#cancelRepeat();
    this.#cancelRepeat = clock.setTimer(pauseMs, () => this.pump());
    return true;
  }
}
