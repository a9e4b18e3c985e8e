/**
 * The seeded world: one process, one generator, one virtual clock; the real ER loop on a real journal, the real rules of the
 * SG, simulated stations, and a network that fails as told. Same seed, same run.
 *
 *   faults for S seconds  →  everything is mended: it must drain  →  drivers go home  →  everything must agree
 *
 * Checkers look on at every step (safety) and at the end (liveness); the first `Violation` ends the run.
 */
import { mkdtempSync, rmSync, accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../../shared/errors.ts";
import { createBroker, type Broker } from "./broker.ts";
import { createChance } from "./chance.ts";
import { createCommandChecker } from "./checkers/commands.ts";
import { createCursorCheckers } from "./checkers/cursor.ts";
import { createCommitted } from "./checkers/journal.ts";
import { checkMap, checkPolicy, checkProjection } from "./checkers/projection.ts";
import { checkLive, checkRecovered } from "./checkers/recovery.ts";
import { createReplyCheckers } from "./checkers/replies.ts";
import { checkNotNegative, checkTransactions } from "./checkers/transactions.ts";
import { createEr } from "./er.ts";
import { drawFaults, healed, type Faults } from "./faults.ts";
import { startFleet } from "./fleet.ts";
import { MUTANTS } from "./mutants.ts";
import type { PostgresTwin } from "./postgres.ts";
import { createSg } from "./sg.ts";
import { createSockets } from "./sockets.ts";
import { createTimeline } from "./timeline.ts";
import { createTrace, Violation } from "./trace.ts";
import { startWorkload } from "./workload.ts";

export type WorldOptions = {
  seed: number;
  /** Virtual time under faults. */
  seconds: number;
  /** Changes the faults that the seed has drawn. */
  faults?: (drawn: Faults) => Faults;
  mutant?: string;
  twin?: PostgresTwin;
  verbose?: boolean;
};

export type Outcome = {
  seed: number;
  faults: Faults;
  /** SHA-256 of everything that happened. */
  digest: string;
  /** How often each thing happened. */
  counts: Record<string, number>;
  violation?: { checker: string; saw: string; events: string[] };
};

const START_MS = Date.UTC(2026, 10, 15, 8);
/** After the faults: for sockets to be found dead, sleepers to come back, queues to empty. */
const DRAIN_MS = 150_000;
const CLOSE_DOWN_MS = 40_000;
const SETTLE_MS = 70_000;
const CHECK_EVERY_MS = 500;
const AUDIT_EVERY_MS = 30_000;

/** Runs one world. Never rejects for what it finds: that is the outcome's `violation`. */
export async function runWorld(options: WorldOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(scratchFolder(), "moov-world-"));
  const world = build(options, join(folder, "journal.sqlite"));
  const { faults, trace } = world;
  let violation: Outcome["violation"];
  try {
    await world.run();
  } catch (error) {
    const checker = error instanceof Violation ? error.checker : "no exception";
    const saw = error instanceof Violation ? error.message : `${describeError(error)}\n${(error as Error).stack}`;
    violation = { checker, saw, events: [...trace.last] };
  } finally {
    world.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const outcome = { seed: options.seed, faults, digest: trace.digest(), counts: trace.counts };
  return violation === undefined ? outcome : { ...outcome, violation };
}

/** Memory where there is a folder for it: the simulated disk need not be a slow one. */
function scratchFolder(): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}

function build(options: WorldOptions, path: string) {
  const mutant = options.mutant === undefined ? undefined : MUTANTS[options.mutant];
  const chance = createChance([options.seed, 0x6d6f6f76]);
  const timeline = createTimeline(START_MS);
  const trace = createTrace(timeline.now, START_MS, options.verbose === true);
  const drawn = drawFaults(chance.fork());
  const faults = options.faults?.(drawn) ?? drawn;
  const part = () => ({ timeline, chance: chance.fork(), faults, trace });
  const sees = (checker: string) => mutant?.blind?.includes(checker) !== true;

  const replies = createReplyCheckers();
  let broker: Broker | undefined;
  const theBroker = (): Broker => broker as Broker;
  const commands = createCommandChecker(timeline.now, () => theBroker().slowestDownMs);

  const sockets = createSockets({
    ...part(),
    toEr: (input) => er.input(input),
    onDelivered(socket, text) {
      replies.onDelivered(socket, text);
      commands.onDelivered(socket, text);
    },
  });
  const er = createEr({
    ...part(),
    path,
    mutant,
    identity: {
      erId: "er-1",
      siteId: "site-1",
      siteName: "World",
      timeZone: "UTC",
      release: "0.0.0",
      heartbeatIntervalS: 30,
      meterModels: new Map(),
      authorization: "online-first",
      unknownToken: "deny",
    },
    broker: {
      connect: () => theBroker().connect(),
      abandon: () => theBroker().abandon(),
      publish: (kind, payload) => theBroker().publishUp(kind, payload),
    },
    sockets: { send: sockets.send, close: sockets.close, gone: sockets.erGone },
    watch: {
      onCommitted: (journal) => committed.follow(journal),
      onRecovered(runtime, journal) {
        committed.audit(journal);
        if (sees("recovery")) checkRecovered(runtime, committed);
      },
      onSend: (runtime, _connectionId, text) => commands.onSend(runtime, text),
    },
  });
  const committed = createCommitted(er.journalId, (entry) => replies.onEntry(entry));
  const cursor = createCursorCheckers(committed);
  const sg = createSg({
    ...part(),
    erId: "er-1",
    broker: theBroker,
    mutant,
    twin: options.twin,
    watch: {
      onTaken(tables, taken, journalId) {
        cursor.taken(tables, taken, journalId);
        checkNotNegative(tables);
      },
      onAck: (tables, _journalId, seq) => cursor.acked(tables, seq),
      onCommand: (row) => commands.onCommand(row),
    },
  });
  broker = createBroker({
    ...part(),
    toSg: (kind, payload) => sg.receive(kind, payload),
    toEr: (kind, payload) => er.fromBroker(kind, payload),
    onUp: () => er.input({ kind: "link.up" }),
    onDown: () => er.input({ kind: "link.down" }),
  });
  const fleet = startFleet({ ...part(), transportFactory: sockets.transportFactory });
  const workload = startWorkload({ ...part(), sg, fleet });

  function everyTick(): void {
    const { runtime, journal } = er;
    if (runtime === undefined || journal === undefined) return;
    cursor.everyTick(runtime, journal, sg.tables);
    replies.everyTick(runtime.state.durable);
    if (sees("recovery")) checkLive(runtime, committed);
  }

  async function pass(ms: number): Promise<void> {
    const until = timeline.now() + ms;
    let checkedAt = timeline.now();
    let auditedAt = timeline.now();
    while (timeline.step(until)) {
      if (sg.pending !== undefined) await sg.pending;
      if (timeline.now() - checkedAt < CHECK_EVERY_MS) continue;
      checkedAt = timeline.now();
      everyTick();
      if (timeline.now() - auditedAt < AUDIT_EVERY_MS || er.journal === undefined) continue;
      auditedAt = timeline.now();
      committed.audit(er.journal);
    }
  }

  function heal(): void {
    trace.say("world.healed");
    const mended = healed(faults);
    workload.stop();
    for (const each of [theBroker(), sockets, er, sg]) each.heal(mended);
  }

  return {
    faults,
    trace,
    async run(): Promise<void> {
      er.start();
      await pass(options.seconds * 1_000);
      heal();
      await pass(DRAIN_MS);
      fleet.closeDown(CLOSE_DOWN_MS);
      await pass(CLOSE_DOWN_MS + SETTLE_MS);
      checkDrained();
      checkTransactions(fleet, sg.tables);
      checkProjection(sg.tables, committed);
      commands.atEnd(sg.tables);
      const { runtime } = er;
      if (runtime === undefined) return;
      checkMap(sg.tables, runtime.state.durable);
      checkPolicy(sg.tables, runtime.state.live.policy);
      await options.twin?.compare(sg.tables);
      trace.count(`transactions ${fleet.truths.length}`);
    },
    close: () => er.close(),
  };

  /** Liveness: with nothing in the way, everything arrives. */
  function checkDrained(): void {
    const fail = (saw: string): never => {
      throw new Violation("drained", saw);
    };
    const { runtime } = er;
    if (runtime === undefined) return fail("the ER is not there");
    const cursorSeq = sg.tables.cursors.get(er.journalId)?.seq;
    const { ackedSeq } = runtime.state.live.uplink;
    if (cursorSeq !== committed.seq) fail(`the SG holds ${cursorSeq} of ${committed.seq} entries`);
    if (ackedSeq !== committed.seq) fail(`the ER knows of ${ackedSeq} of ${committed.seq} acked entries`);
    const open = [...sg.tables.commands.values()].filter(({ status }) => /^(pending|sent|accepted)$/.test(status));
    if (open.length > 0) fail(`${open.length} commands are not finished: ${JSON.stringify(open[0])}`);
    const unsaid = fleet.members.filter(({ station }) => station.state().queued > 0);
    if (unsaid.length > 0) {
      fail(`${unsaid.map((m) => `${m.station.id} (${m.habits.join()})`).join(", ")} has unanswered messages`);
    }
  }
}
