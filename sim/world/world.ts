/**
 * The seeded world: one process, one generator, one virtual clock; the real ER loop on a real journal, the
 * real rules of the SG, simulated stations, and a network that fails as told. Same seed, same run.
 *
 *   faults for S seconds → everything is mended, it must drain → drivers go home → everything must agree
 *
 * Checkers look on at every step (safety) and at the end (liveness); the first `Violation` ends the run.
 */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../../shared/errors.ts";
import { assemble, type World } from "./assembly.ts";
import { checkMap, checkPolicy, checkProjection } from "./checkers/projection.ts";
import { checkLive } from "./checkers/recovery.ts";
import { checkTransactions } from "./checkers/transactions.ts";
import { healed, type Faults } from "./faults.ts";
import type { PostgresTwin } from "./postgres.ts";
import { Violation } from "./trace.ts";

export type WorldOptions = {
  seed: number;
  /** Virtual time under faults. */
  seconds: number;
  /** Changes the faults that the seed has drawn. */
  faults?: (drawn: Faults) => Faults;
  /** A name of `MUTANTS`. */
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

/** After the faults: for sockets to be found dead, sleepers to come back, queues to empty. */
const DRAIN_MS = 150_000;
const CLOSE_DOWN_MS = 40_000;
const SETTLE_MS = 70_000;
const CHECK_EVERY_MS = 500;
const AUDIT_EVERY_MS = 30_000;

/** Runs one world. Never rejects for what it finds: that is the outcome's `violation`. */
export async function runWorld(options: WorldOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(scratchFolder(), "moov-world-"));
  const world = assemble(options, join(folder, "journal.sqlite"));
  const { faults, trace } = world;
  let violation: Outcome["violation"];
  try {
    await live(world, options);
  } catch (error) {
    const checker = error instanceof Violation ? error.checker : "no exception";
    const saw =
      error instanceof Violation ? error.message : `${describeError(error)}\n${(error as Error).stack}`;
    violation = { checker, saw, events: [...trace.last] };
  } finally {
    world.er.close();
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

async function live(world: World, options: WorldOptions): Promise<void> {
  const { er, fleet } = world;
  er.start();
  await pass(world, options.seconds * 1_000);
  heal(world);
  await pass(world, DRAIN_MS);
  fleet.closeDown(CLOSE_DOWN_MS);
  await pass(world, CLOSE_DOWN_MS + SETTLE_MS);
  checkEnd(world);
  await options.twin?.compare(world.sg.tables);
}

/** Lets time pass, event by event. */
async function pass(world: World, ms: number): Promise<void> {
  const { timeline, sg, er, checkers } = world;
  const until = timeline.now() + ms;
  let checkedAt = timeline.now();
  let auditedAt = timeline.now();
  while (timeline.step(until)) {
    if (sg.pending !== undefined) await sg.pending;
    if (timeline.now() - checkedAt < CHECK_EVERY_MS) continue;
    checkedAt = timeline.now();
    checkNow(world);
    if (timeline.now() - auditedAt < AUDIT_EVERY_MS || er.journal === undefined) continue;
    auditedAt = timeline.now();
    checkers.committed.audit(er.journal);
  }
}

/** Safety: what must hold at any moment, beyond what is checked at each commit, answer, batch and start. */
function checkNow({ er, sg, checkers }: World): void {
  const { runtime, journal } = er;
  if (runtime === undefined || journal === undefined) return;
  checkers.cursor.everyTick(runtime, journal, sg.tables);
  checkers.replies.everyTick(runtime.state.durable);
  if (checkers.sees("recovery")) checkLive(runtime, checkers.committed);
}

function heal({ faults, trace, workload, broker, sockets, er, sg }: World): void {
  trace.say("world.healed");
  workload.stop();
  for (const each of [broker, sockets, er, sg]) each.heal(healed(faults));
}

function checkEnd(world: World): void {
  const { er, sg, fleet, checkers } = world;
  checkDrained(world);
  checkTransactions(fleet, sg.tables);
  checkProjection(sg.tables, checkers.committed);
  checkers.commands.atEnd(sg.tables);
  const { runtime } = er;
  if (runtime === undefined) return;
  checkMap(sg.tables, runtime.state.durable);
  checkPolicy(sg.tables, runtime.state.live.policy);
}

/** Checker `drained`, liveness: with nothing in the way, everything arrives. */
function checkDrained({ er, sg, fleet, checkers }: World): void {
  const fail = (saw: string): never => {
    throw new Violation("drained", saw);
  };
  const { runtime } = er;
  if (runtime === undefined) return fail("the ER is not there");
  const { seq } = checkers.committed;
  const cursorSeq = sg.tables.cursors.get(er.journalId)?.seq;
  const { ackedSeq } = runtime.state.live.uplink;
  if (cursorSeq !== seq) fail(`the SG holds ${cursorSeq} of ${seq} entries`);
  if (ackedSeq !== seq) fail(`the ER knows of ${ackedSeq} of ${seq} acked entries`);
  const open = [...sg.tables.commands.values()].filter(({ status }) =>
    /^(pending|sent|accepted)$/.test(status),
  );
  if (open.length > 0) fail(`${open.length} commands are not finished: ${JSON.stringify(open[0])}`);
  const unsaid = fleet.members.filter(({ station }) => station.state().queued > 0);
  if (unsaid.length === 0) return;
  fail(`${unsaid.map((m) => `${m.station.id} (${m.habits.join()})`).join(", ")} has unanswered messages`);
}
