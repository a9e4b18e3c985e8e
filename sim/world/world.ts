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

/** After the faults: for sockets to be found dead, sleepers to come back, queues to empty: a message that was
 * refused is repeated after minutes. At most this long. */
const DRAIN_MS = 900_000;
/** … and then for everything to be said; some stations are slow, and have much to say. */
const CLOSE_DOWN_MS = 300_000;
const STEP_MS = 10_000;
const SETTLE_MS = 70_000;
const CHECK_EVERY_MS = 500;
const COMPARE_EVERY_MS = 2_000;
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
  const said = () => fleet.unsaid().length === 0;
  await passUntil(world, DRAIN_MS, () => said() && fleet.members.every((m) => m.station.state().booted));
  fleet.closeDown(CLOSE_DOWN_MS);
  await passUntil(world, CLOSE_DOWN_MS, said);
  await pass(world, SETTLE_MS);
  checkEnd(world);
  await options.twin?.compare(world.sg.tables);
}

/** At least one step, at most `ms`. */
async function passUntil(world: World, ms: number, done: () => boolean): Promise<void> {
  for (let passed = 0; passed === 0 || (passed < ms && !done()); passed += STEP_MS)
    await pass(world, STEP_MS);
}

/** Lets time pass, event by event. */
async function pass(world: World, ms: number): Promise<void> {
  const { timeline, sg, er, checkers } = world;
  const until = timeline.now() + ms;
  let checkedAt = timeline.now();
  let auditedAt = timeline.now();
  let comparedAt = timeline.now();
  let comparedSeq = 0;
  while (timeline.step(until)) {
    if (sg.pending !== undefined) await sg.pending;
    if (timeline.now() - checkedAt < CHECK_EVERY_MS) continue;
    checkedAt = timeline.now();
    checkNow(world);
    const { durable } = er.runtime?.state ?? {};
    // It takes long, and nothing is new when nothing was committed.
    if (
      durable !== undefined &&
      durable.seq !== comparedSeq &&
      timeline.now() - comparedAt >= COMPARE_EVERY_MS
    ) {
      comparedSeq = durable.seq;
      comparedAt = timeline.now();
      compareState(world);
    }
    if (timeline.now() - auditedAt < AUDIT_EVERY_MS || er.journal === undefined) continue;
    auditedAt = timeline.now();
    checkers.journals.current.audit(er.journal);
  }
}

/** Safety: what must hold at any moment, beyond what is checked at each commit, answer, batch and start. */
function checkNow({ er, sg, checkers }: World): void {
  const { runtime, journal } = er;
  if (runtime === undefined || journal === undefined) return;
  checkers.cursor.everyTick(runtime, journal, sg.tables);
  checkers.replies.everyTick(runtime.state.durable);
}

function compareState({ er, checkers }: World): void {
  if (er.runtime !== undefined && checkers.sees("recovery")) checkLive(er.runtime, checkers.journals.current);
}

function heal({ faults, trace, workload, broker, sockets, er, sg }: World): void {
  trace.say("world.healed");
  workload.stop();
  for (const each of [broker, sockets, er, sg]) each.heal(healed(faults));
}

function checkEnd(world: World): void {
  const { er, sg, fleet, checkers } = world;
  const { journals, ledger, commands } = checkers;
  const { tables } = sg;
  checkDrained(world);
  ledger.atEnd(tables, journals);
  checkTransactions({ fleet, tables, journals, ledger });
  checkProjection(tables, journals, commands.lostAt);
  commands.atEnd(tables);
  const { runtime } = er;
  if (runtime === undefined) return;
  checkMap(tables, runtime.state.durable);
  checkPolicy(tables, runtime.state.live);
}

/** Checker `drained`, liveness: with nothing in the way, everything arrives. */
function checkDrained({ er, sg, fleet, checkers }: World): void {
  const fail = (saw: string): never => {
    throw new Violation("drained", saw);
  };
  const { runtime } = er;
  if (runtime === undefined) return fail("the ER is not there");
  const { seq, journalId } = checkers.journals.current;
  const cursorSeq = sg.tables.cursors.get(journalId)?.seq;
  const { ackedSeq } = runtime.state.live.uplink;
  if (cursorSeq !== seq) fail(`the SG holds ${cursorSeq} of ${seq} entries`);
  if (ackedSeq !== seq) fail(`the ER knows of ${ackedSeq} of ${seq} acked entries`);
  const open = [...sg.tables.commands.values()].filter(({ status }) =>
    /^(pending|sent|accepted)$/.test(status),
  );
  if (open.length > 0) fail(`${open.length} commands are not finished: ${JSON.stringify(open[0])}`);
  const unsaid = fleet.unsaid().map(({ station, habits }) => {
    return `${station.id} (${habits.join()}) ${station.state().queued}`;
  });
  if (unsaid.length > 0) fail(`stations have unanswered messages: ${unsaid.join(", ")}`);
}
