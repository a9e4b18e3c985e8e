/**
 * Houses the real ER loop: journal on a real SQLite file, virtual time, simulated broker and sockets, and a
 * process that may die at any commit point and come back.
 *
 * It is the shell that `edge/er.ts` is in production: it commits nothing, decides nothing, remembers nothing
 * of the site.
 */
import { nextBatch, readDown } from "../../edge/io/broker.ts";
import { openJournal, type Journal } from "../../edge/io/journal.ts";
import type { Effect, Identity, Input } from "../../edge/core/types.ts";
import { RELEASE, RELEASE_AT } from "../../edge/release.ts";
import { Runtime } from "../../edge/runtime.ts";
import { encodeWire, type DownKind } from "../../shared/wire.ts";
import type { Broker } from "./broker.ts";
import type { Faults } from "./faults.ts";
import type { Mutant } from "./mutants.ts";
import type { Sockets } from "./sockets.ts";
import { recur, type Context } from "./spell.ts";
import type { Trace } from "./trace.ts";

/** What the world wants to hear of the ER. */
export type ErWatch = {
  /** A commit is on the disk; its effects are not performed yet. */
  onCommitted: (journal: Journal) => void;
  /** A process begins: what it recovered, before its first input. */
  onRecovered: (runtime: Runtime, journal: Journal) => void;
  /** A frame leaves for a station. */
  onSend: (runtime: Runtime, text: string) => void;
};

export type ErOptions = Context & {
  faults: Faults;
  trace: Trace;
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

/** The process dies here. */
class Crash extends Error {}

export type Er = ReturnType<typeof createEr>;

export function createEr(options: ErOptions) {
  const { timeline, chance, trace, watch, mutant } = options;
  let faults = options.faults.er;
  let life: { runtime: Runtime; journal: Journal; startedAt: number } | undefined;
  let generation = 0;
  /** Wall clock of the box minus true time. */
  let clockShiftMs = 0;
  let diskFull = false;
  let crash: Crash | undefined;
  const journalId = chance.uuid(timeline.now());

  /** Runs `work` as the process of now: a crash ends it, anything else that is thrown is a bug. */
  function alive(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      die(error.message);
    }
  }

  /** A timer that does not outlive its process. */
  function timer(ms: number, work: () => void): () => void {
    const mine = generation;
    return timeline.setTimer(ms, () => {
      if (mine === generation) alive(work);
    });
  }

  function die(why: string): void {
    generation += 1;
    crash = undefined;
    const powerCut = chance.happens(faults.powerCut);
    trace.say("er.died", `${why}${powerCut ? ", power cut" : ""}`);
    life?.journal.close();
    life = undefined;
    options.broker.abandon();
    options.sockets.erGone(powerCut);
    timeline.setTimer(faults.awayMs, () => start());
  }

  /** The journal with its weak points: a disk that fills up, a process that dies around the commit. */
  function fragile(journal: Journal): Journal {
    const dies = (probability: number, where: string) => {
      if (!chance.happens(probability)) return;
      crash = new Crash(where);
      throw crash;
    };
    const full = () => {
      if (diskFull) throw new Error("database or disk is full");
    };
    const overrides: Pick<Journal, "append" | "writeDoc" | "trim"> = {
      append(boot, entries, docs) {
        if (entries.length === 0) return;
        full();
        dies(faults.crashBeforeAppend, "before append");
        journal.append(boot, entries, docs);
        trace.say(
          "er.commit",
          `${entries[0]?.seq}–${journal.lastSeq} ${entries.map((e) => e.kind).join(" ")}`,
        );
        watch.onCommitted(journal);
        dies(faults.crashAfterAppend, "after append");
      },
      writeDoc(key, value) {
        full();
        journal.writeDoc(key, value);
      },
      trim(seq, beforeAt) {
        full();
        return journal.trim(seq, beforeAt);
      },
    };
    return Object.assign(Object.create(journal) as Journal, overrides);
  }

  function perform(effect: Effect): void {
    const { runtime, journal } = life ?? {};
    if (runtime === undefined || journal === undefined) return;
    if (chance.happens(faults.crashBetweenEffects)) throw new Crash(`before the effect ${effect.kind}`);
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

  /** As `edge/er.ts`: the clock of a boot is never behind what the journal has seen. */
  function bootClock(lastAt: number): "holdover" | "untrusted" {
    const floor = Math.max(lastAt, RELEASE_AT);
    const wall = timeline.now() + clockShiftMs;
    if (wall >= floor) return "holdover";
    clockShiftMs += floor + 1_000 - wall;
    return "untrusted";
  }

  function turn(runtime: Runtime): void {
    mutant?.beforeTurn?.(runtime);
    runtime.turn();
  }

  function start(): void {
    generation += 1;
    if (chance.happens(faults.wrongAtBoot)) clockShiftMs = -timeline.now();
    const disk = openJournal({ path: options.path, newJournalId: journalId });
    const journal = mutant?.journal?.(fragile(disk), disk, timeline) ?? fragile(disk);
    let cancelTurn: () => void = () => {};
    let soon = false;
    const startedAt = timeline.now();
    const runtime: Runtime = new Runtime({
      identity: { ...options.identity, journalId: disk.journalId },
      journal,
      now: () => ({ at: timeline.now() + clockShiftMs, upMs: timeline.now() - startedAt }),
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
        if (crash !== undefined) throw crash;
        trace.say("er.commit-failed", reason);
      },
      retentionMs: faults.retentionMs,
    });
    life = { runtime, journal, startedAt };
    watch.onRecovered(runtime, disk);
    mutant?.recovered?.(runtime);
    const clock = bootClock(disk.lastAt);
    trace.say(
      "er.started",
      `${runtime.replayed} replayed, ends at ${disk.lastSeq}, clock ${clock} ${clockShiftMs}`,
    );
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
      const snapshot = () => {
        runtime.snapshot();
        trace.say("er.snapshot", `at ${runtime.state.durable.seq}, oldest ${disk.oldestSeq}`);
        timer(faults.snapshotEveryMs, snapshot);
      };
      timer(faults.snapshotEveryMs, snapshot);
    });
  }

  const spells = [
    recur(options, faults.diskFull, () => {
      diskFull = true;
      trace.say("er.disk-full");
      return () => {
        diskFull = false;
        trace.say("er.disk-free");
      };
    }),
    recur(options, faults.clockJump, () => {
      const { maxMs } = faults.clockJump;
      clockShiftMs += chance.between(0, 2 * maxMs) - maxMs;
      trace.say("er.clock-jump", `now ${clockShiftMs} ms off`);
      return () => {};
    }),
    recur(options, faults.restart, () => {
      alive(() => {
        life?.runtime.stop();
        if (life !== undefined) throw new Crash("orderly stop");
      });
      return () => {};
    }),
  ];

  return {
    journalId,
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
      clockShiftMs = 0;
    },
    close(): void {
      generation += 1;
      life?.journal.close();
      life = undefined;
    },
  };
}
