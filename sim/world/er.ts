/**
 * Houses the real ER loop: journal on a real SQLite file, virtual time, simulated broker and sockets, a box
 * whose clock lies and whose disk dies, and a process that may end at any commit point and come back.
 *
 * It is the shell that `edge/er.ts` is in production: it commits nothing, decides nothing, remembers nothing
 * of the site.
 */
import { bootClock } from "../../edge/clock.ts";
import { nextBatch, readDown } from "../../edge/io/broker.ts";
import { openJournal, type Journal } from "../../edge/io/journal.ts";
import type { Effect, Identity, Input, Now } from "../../edge/core/types.ts";
import { RELEASE, RELEASE_AT } from "../../edge/release.ts";
import { createPressureJob, type PressureJob } from "../../edge/pressure-job.ts";
import { Runtime } from "../../edge/runtime.ts";
import type { ClockState } from "../../shared/entry.ts";
import { encodeWire, type DownKind } from "../../shared/wire.ts";
import type { Broker } from "./broker.ts";
import { createDisk } from "./disk.ts";
import type { Faults } from "./faults.ts";
import { Crash, fragile } from "./fragile.ts";
import type { Mutant } from "./mutants.ts";
import type { Sockets } from "./sockets.ts";
import { recur, type Context } from "./spell.ts";
import type { Trace } from "./trace.ts";

/** What the world wants to hear of the ER. */
export type ErWatch = {
  /** A commit is on the disk; its effects are not performed yet. */
  onCommitted: (journal: Journal) => void;
  /**
   * A process begins: what it recovered, before its first input.
   * @param unsure last entry of an append that never returned: it may be there or not.
   */
  onRecovered: (runtime: Runtime, journal: Journal, unsure: number | undefined) => void;
  /** The ER was told what time it is. */
  onNow: (now: Now) => void;
  /** The journal is gone for good, with what the SG does not hold of it. */
  onJournalLost: () => void;
  /** A frame leaves for a station. */
  onSend: (runtime: Runtime, text: string) => void;
};

export type ErOptions = Context & {
  faults: Faults;
  trace: Trace;
  /** Of the journal's file. */
  path: string;
  identity: Omit<Identity, "journalId">;
  mutant: Mutant | undefined;
  watch: ErWatch;
  broker: Pick<Broker, "connect" | "abandon" | "publishUp">;
  sockets: Pick<Sockets, "send" | "close" | "erGone">;
};

const TICK_MS = 100;
const TURN_MS = 1;
const BATCH_CONFIRM_MS = 20;
/** Room on the disk: looked at this often, and so many old blocks are rewritten then. */
const ROOM_MS = 2_000;
const SLICES = 3;
const YOUNG_MS = 4_000;
const BLOCK_ENTRIES = 25;
/** What the pressure job leaves to others. */
const DISK_MARGIN_BYTES = 8 * 1024 * 1024;

export type Er = ReturnType<typeof createEr>;

export function createEr(options: ErOptions) {
  const { timeline, chance, trace, watch, mutant } = options;
  let faults = options.faults.er;
  const disk = createDisk(options.path, chance.fork());
  let life: ({ runtime: Runtime; journal: Journal } & Pick<Journal, "close" | "limitBytes">) | undefined;
  let generation = 0;
  /** The wall clock of the box: when it was last right, how far it has jumped since, how fast it runs. */
  let wrong = { since: timeline.now(), jumpedMs: 0, driftPpm: faults.driftPpm };
  /** `everything`: no write succeeds. `growth`: the file does not grow, as SQLite itself sees to. */
  let full: "no" | "growth" | "everything" = "no";
  /** How much larger than the journal the room for it is; undefined: there is plenty. */
  let room: number | undefined;
  /** Thrown in a commit: the process dies, or a checker has seen something. */
  let thrown: Error | undefined;
  let unsure: number | undefined;

  const wall = () =>
    Math.round(timeline.now() + wrong.jumpedMs + ((timeline.now() - wrong.since) * wrong.driftPpm) / 1e6);

  /** Runs `work` as the process of now: a crash ends it, anything else that is thrown is a bug. */
  function alive(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      die(error.message, error.powerCut);
    }
  }

  /** A timer that does not outlive its process. */
  function timer(ms: number, work: () => void): () => void {
    const mine = generation;
    return timeline.setTimer(ms, () => {
      if (mine === generation) alive(work);
    });
  }

  function die(why: string, powerCut: boolean, clean = false): void {
    generation += 1;
    thrown = undefined;
    trace.say("er.died", `${why}${powerCut ? ", power cut" : ""}`);
    if (clean) life?.close();
    else disk.end(life?.close ?? (() => {}), powerCut, mutant?.unsynced === true);
    life = undefined;
    options.broker.abandon();
    options.sockets.erGone(powerCut);
    if (chance.happens(faults.journalLost)) {
      trace.say("er.journal-lost");
      disk.lose();
      unsure = undefined;
      watch.onJournalLost();
    }
    timeline.setTimer(faults.awayMs, () => start());
  }

  function perform(effect: Effect): void {
    const { runtime, journal } = life ?? {};
    if (runtime === undefined || journal === undefined) return;
    if (chance.happens(faults.crashBetweenEffects))
      throw new Crash(`before the effect ${effect.kind}`, chance.happens(faults.powerCut));
    switch (effect.kind) {
      case "send":
        watch.onSend(runtime, effect.text);
        return options.sockets.send(effect.connectionId, effect.text);
      case "close":
        return options.sockets.close(effect.connectionId, effect.code, effect.reason);
      case "log":
        if (effect.level !== "info")
          trace.say("er.log", `${effect.message} ${JSON.stringify(effect.fields)}`);
        return;
      case "publish.hello":
        options.broker.publishUp("hello", encodeWire(effect.hello));
        return;
      case "publish.ask":
        options.broker.publishUp("ask", encodeWire(effect.ask));
        return;
      case "publish.batch":
        return publishBatch(journal, effect.afterSeq);
      case "acked":
        return;
    }
  }

  function publishBatch(journal: Journal, afterSeq: number): void {
    const batch = nextBatch(journal, afterSeq);
    if (batch === undefined) return input({ kind: "batch.failed" });
    trace.say("er.batch", `${afterSeq + 1}–${batch.lastSeq}`);
    input({ kind: "batch.published", lastSeq: batch.lastSeq });
    const confirmed = options.broker.publishUp("journal", batch.payload);
    timer(BATCH_CONFIRM_MS, () => {
      if (!confirmed) input({ kind: "batch.failed" });
      else mutant?.confirmed?.(batch.lastSeq, journal.journalId, input);
    });
  }

  function input(value: Input): void {
    const { runtime } = life ?? {};
    if (runtime === undefined) return;
    const changed = mutant?.input === undefined ? value : mutant.input(value, runtime);
    if (changed !== undefined) runtime.input(changed);
  }

  function turn(runtime: Runtime): void {
    mutant?.beforeTurn?.(runtime);
    runtime.turn();
  }

  function openBox() {
    const stored = openJournal({ path: options.path, newJournalId: chance.uuid(timeline.now()) });
    if (full === "growth") stored.limitBytes(0);
    const weak = () =>
      fragile(stored, {
        chance,
        trace,
        disk,
        faults: () => faults,
        diskFull: () => full === "everything",
        onThrow: (error) => {
          thrown = error;
        },
        onUnsure: (seq) => {
          unsure = seq;
        },
        onCommitted: watch.onCommitted,
      });
    return { stored, journal: mutant?.journal?.(weak(), stored, timeline) ?? weak() };
  }

  function start(): void {
    generation += 1;
    if (chance.happens(faults.wrongAtBoot)) {
      wrong = { ...wrong, since: timeline.now(), jumpedMs: -timeline.now() + chance.between(0, 60_000) };
    }
    const { stored, journal } = openBox();
    const clock = bootClock(Math.max(stored.lastAt, RELEASE_AT), wall);
    const startedAt = timeline.now();
    const now = (): Now => {
      const value = { at: clock.now(), upMs: timeline.now() - startedAt };
      watch.onNow(value);
      return value;
    };
    let cancelTurn: () => void = () => {};
    let soon = false;
    const runtime: Runtime = new Runtime({
      identity: { ...options.identity, journalId: stored.journalId },
      journal,
      now,
      perform,
      schedule(delayMs) {
        if (delayMs === 0) {
          if (soon) return;
          soon = true;
          timer(TURN_MS, () => {
            soon = false;
            turn(runtime);
          });
          return;
        }
        cancelTurn();
        cancelTurn = timer(delayMs, () => turn(runtime));
      },
      onCommitFailed(reason) {
        if (thrown !== undefined) throw thrown;
        trace.say("er.commit-failed", reason);
      },
      retentionMs: faults.retentionMs,
    });
    life = { runtime, journal, close: stored.close, limitBytes: stored.limitBytes };
    watch.onRecovered(runtime, stored, unsure);
    unsure = undefined;
    mutant?.recovered?.(runtime);
    trace.say(
      "er.started",
      `${runtime.replayed} replayed, ends at ${stored.lastSeq}, clock ${clock.state} ${clock.now() - timeline.now()}`,
    );
    begin(runtime, createJob(runtime, journal, now), clock.state);
  }

  /** As `edge/self-watch.ts` does it. */
  function createJob(runtime: Runtime, journal: Journal, now: () => Now): PressureJob {
    return createPressureJob({
      ...{
        journal,
        now,
        youngMs: YOUNG_MS,
        blockEntries: BLOCK_ENTRIES,
        budgetBytes: 2 ** 40,
        reserveBytes: 4_096,
      },
      diskFreeBytes: () =>
        room === undefined
          ? undefined
          : DISK_MARGIN_BYTES + room * journal.usedBytes() - journal.usedBytes() - journal.freeBytes(),
      coveredSeq: () => runtime.coveredSeq,
      onLog(level, message, fields) {
        if (thrown !== undefined) throw thrown;
        trace.say("er.log", `${level} ${message} ${JSON.stringify(fields)}`);
      },
    });
  }

  function makeRoom(runtime: Runtime, job: PressureJob): void {
    const level = job.measure();
    if (level !== runtime.state.live.pressure) {
      trace.say("er.pressure", level);
      input({ kind: "pressure", level });
    }
    if (level === "none") return;
    runtime.relieve();
    const before = { ...job.counters };
    for (let slice = 0; slice < SLICES && job.slice(); slice++);
    if (job.counters.rewrittenBlocks > before.rewrittenBlocks) trace.say("er.packed");
    if (job.counters.shedEntries > before.shedEntries) trace.say("er.shed");
  }

  function begin(runtime: Runtime, job: PressureJob, clock: ClockState): void {
    const seed = [chance.word(), chance.word(), chance.word(), chance.word()];
    alive(() => {
      runtime.input({ kind: "start", boot: chance.uuid(timeline.now()), release: RELEASE, clock, seed });
      turn(runtime);
      options.broker.connect();
      const tick = () => {
        input({ kind: "tick" });
        timer(TICK_MS, tick);
      };
      timer(TICK_MS, tick);
      const look = () => {
        makeRoom(runtime, job);
        timer(ROOM_MS, look);
      };
      timer(ROOM_MS, look);
      const snapshot = () => {
        if (chance.happens(faults.checkpoint)) disk.checkpoint();
        runtime.snapshot();
        trace.say("er.snapshot", `at ${runtime.state.durable.seq}`);
        timer(faults.snapshotEveryMs, snapshot);
      };
      timer(faults.snapshotEveryMs, snapshot);
    });
  }

  const spells = [
    recur(options, faults.diskFull, () => {
      full = chance.pick(["growth", "everything"]);
      // What the file has is what it keeps; what is free in it may still be used.
      if (full === "growth") life?.limitBytes(0);
      trace.say("er.disk-full", full);
      return () => {
        full = "no";
        life?.limitBytes(undefined);
        trace.say("er.disk-free");
      };
    }),
    recur(options, faults.diskShort, () => {
      room = chance.pick([1.01, 1.1, 1.3, 1.8]);
      trace.say("er.disk-short", `room for ${room} journals`);
      return () => {
        room = undefined;
      };
    }),
    recur(options, faults.clockJump, () => {
      const { maxMs } = faults.clockJump;
      wrong = { ...wrong, jumpedMs: wrong.jumpedMs + Math.round((chance.word() / 2 ** 31 - 1) * maxMs) };
      trace.say("er.clock-jump", `now ${wall() - timeline.now()} ms off`);
      return () => {};
    }),
    recur(options, faults.restart, () => {
      alive(() => {
        if (life === undefined) return;
        life.runtime.stop();
        die("orderly stop", false, true);
      });
      return () => {};
    }),
  ];

  return {
    start,
    get runtime(): Runtime | undefined {
      return life?.runtime;
    },
    get journal(): Journal | undefined {
      return life?.journal;
    },
    /** @returns false when no process is there to take it. */
    input(value: Input): boolean {
      if (life === undefined) return false;
      input(value);
      return true;
    },
    fromBroker(kind: DownKind, payload: Buffer): void {
      input(readDown(kind, payload));
    },
    heal(mended: Faults): void {
      for (const end of spells) end();
      faults = mended.er;
      // Time arrives: the box is told what time it is, by NTP.
      wrong = { since: timeline.now(), jumpedMs: 0, driftPpm: 0 };
    },
    close(): void {
      generation += 1;
      life?.close();
      life = undefined;
    },
  };
}
