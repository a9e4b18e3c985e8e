/**
 * The loop of the ER: inputs → step → one commit → effects.
 *
 * Invariants: an effect is performed only after the commit that holds its entries; one commit takes all
 * inputs that wait; telemetry alone may wait COMMIT_LINGER_MS for company. When a commit fails nothing is
 * answered and nothing more is taken in until it succeeds: the state in memory is never ahead of what the
 * outside was told. What comes again by itself is not kept meanwhile; above all commands and the cloud's
 * time, which would be taken for younger than they are.
 *
 * It owns no socket, timer or clock of its own: they are handed in, so that the seeded world can drive the
 * same loop.
 */
import type { Entry } from "../shared/entry.ts";
import { describeError } from "../shared/errors.ts";
import {
  BLOCK_ENTRIES_MAX,
  COMMIT_LINGER_ENTRIES,
  COMMIT_LINGER_MS,
  SNAPSHOT_ENTRIES,
  TURN_INPUTS_MAX,
} from "../shared/limits.ts";
import { decodeSnapshot, emptyDurable, encodeSnapshot, fold } from "./core/fold.ts";
import { createState, step } from "./core/step.ts";
import type { Doc, Durable, Effect, Identity, Input, Now, State } from "./core/types.ts";
import type { Journal } from "./io/journal.ts";
import { Policy } from "../shared/policy.ts";
import { checkWire } from "../shared/wire.ts";

export type RuntimeOptions = {
  identity: Identity;
  journal: Journal;
  now: () => Now;
  /** Performs one effect. Must not throw; whatever it learns comes back as an input. */
  perform: (effect: Effect) => void;
  /** Asks for a `turn()` soon (0) or after a delay; the latest request counts. */
  schedule: (delayMs: number) => void;
  onCommitFailed: (reason: string, error: unknown) => void;
  /** How long acked entries are kept, so that a cloud restored from a backup can be fed again. */
  retentionMs: number;
};

const COMMIT_RETRY_MS = 1_000;
/** Inputs that somebody repeats: the ticker, and the cloud. */
const REPEATED: ReadonlySet<Input["kind"]> = new Set(["tick", "link.ack", "link.commands"]);

/**
 * Text of frames in one block: whatever zstd leaves of it, the batch stays a message that the broker and
 * the SG take.
 */
const BLOCK_TEXT_MAX = 1024 * 1024;

/** How many of the first entries make one block. */
function blockLength(entries: readonly Entry[]): number {
  const most = Math.min(entries.length, BLOCK_ENTRIES_MAX);
  let text = 0;
  for (let count = 0; count < most; count++) {
    const entry = entries[count];
    if (entry !== undefined && "request" in entry)
      text += entry.request.length + (entry.response?.length ?? 0);
    if (count > 0 && text > BLOCK_TEXT_MAX) return count;
  }
  return most;
}

/** Rebuilds the durable state: the snapshot, then every entry after it. */
export function recover(journal: Journal): { durable: Durable; replayed: number; coveredSeq: number } {
  const snapshot = journal.readDoc("snapshot") as string | undefined;
  const durable = snapshot === undefined ? emptyDurable() : decodeSnapshot(snapshot);
  const coveredSeq = durable.seq;
  let replayed = 0;
  for (const entry of journal.entries(coveredSeq)) {
    fold(durable, entry);
    replayed += 1;
  }
  // The last numbers of a thinned block may have no entry of their own.
  durable.seq = Math.max(durable.seq, journal.lastSeq);
  return { durable, replayed, coveredSeq };
}

/** A policy of an older release is none: the cloud sends the site's again. */
function readPolicy(journal: Journal): { policy: Policy | undefined; keys: string[] } {
  const keys = (journal.readDoc("policy-keys") as string[] | undefined) ?? [];
  try {
    return { policy: checkWire(Policy, journal.readDoc("policy")), keys };
  } catch {
    return { policy: undefined, keys };
  }
}

/** Against hours of retention less is nothing. */
const LEAP_MS = 10 * 60_000;

export class Runtime {
  readonly state: State;
  readonly replayed: number;
  private readonly options: RuntimeOptions;
  private inputs: Input[] = [];
  private entries: Entry[] = [];
  private docs: Doc[] = [];
  private effects: Effect[] = [];
  private urgent = false;
  private waitingSinceUpMs = 0;
  private snapshotSeq: number;
  private ackedSeq = 0;
  /** Wall clock minus monotonic clock, as last seen. */
  private basisMs: number | undefined;
  /** Since when the wall clock has run without a leap forward, which makes what is young look old. */
  private steadySinceUpMs = Number.NEGATIVE_INFINITY;
  /** Entries committed, commits made, inputs taken: for the metrics. */
  readonly counters = { inputs: 0, entries: 0, commits: 0, commitFailures: 0 };

  constructor(options: RuntimeOptions) {
    this.options = options;
    const { durable, replayed, coveredSeq } = recover(options.journal);
    const { policy, keys } = readPolicy(options.journal);
    this.state = createState(options.identity, durable, policy, options.journal.oldestSeq, keys);
    this.replayed = replayed;
    this.snapshotSeq = coveredSeq;
  }

  /** Entries up to here are in the stored snapshot: they are not replayed at a start. */
  get coveredSeq(): number {
    return this.snapshotSeq;
  }

  /** Inputs that wait for a turn: what feeds them slows down when there are many. */
  get backlog(): number {
    return this.inputs.length;
  }

  input(input: Input): void {
    this.inputs.push(input);
    if (this.inputs.length === 1) this.options.schedule(0);
  }

  /** Takes what waits, commits, performs. Call it when `schedule` asked for it. */
  turn(): void {
    const now = this.options.now();
    this.watchClock(now);
    if (this.counters.commitFailures > 0 && !this.commit(now)) {
      this.inputs = this.inputs.filter((input) => !REPEATED.has(input.kind));
      return;
    }
    const taken = this.inputs.splice(0, TURN_INPUTS_MAX);
    this.counters.inputs += taken.length;
    for (const input of taken) this.take(input, now);
    this.settle(now);
    if (this.inputs.length > 0) this.options.schedule(0);
  }

  private take(input: Input, now: Now): void {
    const out = step(this.state, input, now);
    if (out.entries.length > 0 && this.entries.length === 0) this.waitingSinceUpMs = now.upMs;
    this.entries.push(...out.entries);
    this.docs.push(...out.docs);
    this.effects.push(...out.effects);
    this.urgent ||= out.urgent;
    // Nothing to commit and nothing waiting: an answer like Heartbeat's can go at once.
    if (this.entries.length === 0) this.performAll(now);
  }

  /** Commits now, or later if only telemetry waits. */
  private settle(now: Now): void {
    if (this.entries.length === 0) return;
    const waitedMs = now.upMs - this.waitingSinceUpMs;
    const due = this.urgent || this.entries.length >= COMMIT_LINGER_ENTRIES || waitedMs >= COMMIT_LINGER_MS;
    if (due) this.commit(now);
    else this.options.schedule(COMMIT_LINGER_MS - waitedMs);
  }

  private commit(now: Now): boolean {
    const { journal } = this.options;
    try {
      // A turn may make more than a batch can carry: a stop with a thousand stations, or commands that
      // expire at once.
      while (this.entries.length > 0) {
        const block = this.entries.slice(0, blockLength(this.entries));
        journal.append(this.state.durable.boot, block, this.docs);
        this.entries = this.entries.slice(block.length);
        this.docs = [];
        this.counters.commits += 1;
        this.counters.entries += block.length;
      }
    } catch (error) {
      this.counters.commitFailures += 1;
      this.options.onCommitFailed(describeError(error), error);
      this.options.schedule(COMMIT_RETRY_MS);
      return false;
    }
    this.counters.commitFailures = 0;
    this.urgent = false;
    this.performAll(now);
    this.take({ kind: "committed", seq: journal.lastSeq, oldestSeq: journal.oldestSeq }, now);
    if (journal.lastSeq - this.snapshotSeq >= SNAPSHOT_ENTRIES) this.snapshot();
    return true;
  }

  private performAll(now: Now): void {
    const effects = this.effects;
    this.effects = [];
    for (const effect of effects) {
      if (effect.kind === "acked") this.ackedSeq = effect.seq;
      else if (effect.kind !== "send" || (effect.notAfterUpMs ?? Infinity) > now.upMs)
        this.options.perform(effect);
    }
  }

  /**
   * Stores the durable state, so that the next start replays little, and drops what is acked, old and
   * covered. A disk that is full costs the snapshot, not the process: the next one is as good.
   */
  snapshot(): void {
    const { journal, retentionMs, onCommitFailed } = this.options;
    // The state may be ahead of the disk by what lingers: a snapshot of that would never be replayed right.
    if (this.entries.length > 0) return;
    try {
      journal.writeDoc("snapshot", encodeSnapshot(this.state.durable));
      this.snapshotSeq = this.state.durable.seq;
      const { at, upMs } = this.options.now();
      if (upMs - this.steadySinceUpMs >= retentionMs) this.trim(at - retentionMs);
    } catch (error) {
      onCommitFailed(`snapshot: ${describeError(error)}`, error);
    }
  }

  /** Drops what is acked and covered now: the retention counts only while there is room. */
  relieve(): void {
    try {
      this.trim(Infinity);
    } catch (error) {
      this.options.onCommitFailed(`trim: ${describeError(error)}`, error);
    }
  }

  /**
   * A box that wakes up without time gets it later, and what it wrote meanwhile looks as old as its error was. No
   * age is believed before the clock has run steadily for as long as entries are to be kept.
   */
  private watchClock({ at, upMs }: Now): void {
    const { journal } = this.options;
    const basisMs = at - upMs;
    const expectedMs = this.basisMs ?? (journal.lastSeq === 0 ? basisMs : journal.lastAt - upMs);
    if (basisMs - expectedMs > LEAP_MS) this.steadySinceUpMs = upMs;
    this.basisMs = basisMs;
  }

  private trim(beforeAt: number): void {
    const { journal } = this.options;
    if (journal.trim(Math.min(this.ackedSeq, this.snapshotSeq), beforeAt) > 0) {
      this.state.live.uplink.oldestSeq = journal.oldestSeq;
    }
  }

  /** A clean end: everything that waits is taken, committed and performed. */
  stop(): void {
    this.input({ kind: "stop" });
    while (this.inputs.length > 0 && this.counters.commitFailures === 0) this.turn();
    if (this.entries.length > 0) this.commit(this.options.now());
    if (this.entries.length === 0) this.snapshot();
  }
}
