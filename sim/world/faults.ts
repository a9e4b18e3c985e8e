/**
 * Faults as one printable struct of probabilities. Every run draws its own from its seed, so that runs differ
 * in character: some have a bad network, some a bad disk, some everything.
 *
 * Probabilities are per message or per opportunity; `everyMs` is the mean time between two faults of a kind,
 * 0 for never.
 */
import { AppError } from "../../shared/errors.ts";
import type { Chance } from "./chance.ts";

/** A fault that comes, stays and goes. */
export type Spell = { everyMs: number; forMs: number };

export type Faults = {
  broker: {
    loss: number;
    duplicate: number;
    /** How much later a duplicate may arrive. */
    duplicateLagMs: number;
    /** A message that ignores the order of those before it. */
    reorder: number;
    delayMinMs: number;
    delayMeanMs: number;
    /** The broker refuses a publish, or its confirm is lost. */
    refuse: number;
    /** The ER's connection is lost, and it knows. */
    down: Spell;
    /** Nothing passes and nobody knows; what is sent meanwhile is lost, or held and delivered late. */
    partition: Spell & { oneWay: number; held: number };
  };
  sg: {
    /**
     * Per transaction: the process dies before the commit, or between commit and ack; the broker
     * redelivers.
     */
    crashBeforeCommit: number;
    crashBeforeAck: number;
    /** Answers to questions: never, or too late. */
    askLost: number;
    askLate: number;
    slow: Spell & { delayMs: number };
    down: Spell;
    /** Restored from a backup this old. */
    rollback: Spell;
    /** Transaction ids that a lease gives, and the least time between two leases. */
    leases: { count: number; everyMs: number };
  };
  er: {
    /** Per commit: the process dies in the middle of the write, which leaves anything from nothing to all. */
    crashBeforeAppend: number;
    crashAfterAppend: number;
    /** Per snapshot and trim: the same. */
    crashInSnapshot: number;
    /** Per effect. */
    crashBetweenEffects: number;
    /** An orderly stop and start. */
    restart: Spell;
    /** Mean time that the ER is away after a crash. */
    awayMs: number;
    /** Of crashes: the disk keeps only what was synced, the stations' sockets hang instead of being closed. */
    powerCut: number;
    /** Per crash or stop: the journal's file is gone, a new journal begins. */
    journalLost: number;
    diskFull: Spell;
    /** The disk gets short: the journal is packed, thinned, and in the end nobody may start. */
    diskShort: Spell;
    /** Per snapshot: SQLite's log goes into the database and starts anew. */
    checkpoint: number;
    /** The wall clock jumps by up to this much, either way. */
    clockJump: Spell & { maxMs: number };
    /** How much too fast the wall clock runs. */
    driftPpm: number;
    /** Per start: the box wakes up in 1970. */
    wrongAtBoot: number;
    snapshotEveryMs: number;
    retentionMs: number;
  };
  stations: {
    latencyMs: number;
    cut: Spell;
    /** The socket looks open to both ends; nothing passes. */
    halfOpen: Spell;
    refuse: number;
    /** Every socket is cut, none can be opened; then all come back at once, with all they have to say. */
    blackout: Spell;
    /** Per station: one of the bad habits of `habits.ts`. */
    misbehaviour: number;
    /** Per station: its clock is wrong. */
    wrongClock: number;
    countMax: number;
    /** Seconds between two readings of a running transaction. */
    sampleS: number;
  };
  workload: {
    commandEveryMs: number;
    /** Commands that live only a moment. */
    shortDeadline: number;
    policyEveryMs: number;
  };
};

const never: Spell = { everyMs: 0, forMs: 0 };
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** A quiet day: nothing fails, drivers come and go, a few commands are given. */
export function noFaults(): Faults {
  return {
    broker: {
      loss: 0,
      duplicate: 0,
      duplicateLagMs: 0,
      reorder: 0,
      delayMinMs: 5,
      delayMeanMs: 10,
      refuse: 0,
      down: never,
      partition: { ...never, oneWay: 0, held: 0 },
    },
    sg: {
      crashBeforeCommit: 0,
      crashBeforeAck: 0,
      askLost: 0,
      askLate: 0,
      slow: { ...never, delayMs: 0 },
      down: never,
      rollback: never,
      leases: { count: 1_000, everyMs: 0 },
    },
    er: {
      crashBeforeAppend: 0,
      crashAfterAppend: 0,
      crashInSnapshot: 0,
      crashBetweenEffects: 0,
      restart: never,
      awayMs: 0,
      powerCut: 0,
      journalLost: 0,
      diskFull: never,
      diskShort: never,
      checkpoint: 0,
      clockJump: { ...never, maxMs: 0 },
      driftPpm: 0,
      wrongAtBoot: 0,
      snapshotEveryMs: 60_000,
      retentionMs: 3 * DAY_MS,
    },
    stations: {
      latencyMs: 5,
      cut: never,
      halfOpen: never,
      refuse: 0,
      blackout: never,
      misbehaviour: 0,
      wrongClock: 0,
      countMax: 5,
      sampleS: 5,
    },
    workload: { commandEveryMs: 15_000, shortDeadline: 0, policyEveryMs: 60_000 },
  };
}

/** The faults of one run. Each group is on or off as a whole, so that rare combinations come up. */
export function drawFaults(chance: Chance): Faults {
  const rate = (max: number) => (chance.happens(0.5) ? (chance.between(1, 100) * max) / 100 : 0);
  const spell = (probability: number, everyMs: number, forMs: number): Spell =>
    chance.happens(probability)
      ? {
          everyMs: chance.between(everyMs >> 1, 2 * everyMs),
          forMs: chance.between(forMs >> 2, 2 * forMs),
        }
      : never;
  const rollback = spell(0.35, 120_000, 60_000);
  const goesBack = rollback.everyMs > 0;
  // A cloud that goes back needs what was acked before: then neither the journal is lost, nor does the clock
  // make it look old.
  const jumps = [3_000, 60_000, 3_600_000, goesBack ? 3_600_000 : YEAR_MS] as const;
  const clockJump = { ...spell(0.4, 80_000, 0), maxMs: chance.pick(jumps) };
  const wrongAtBoot = rate(0.5);
  const steady = clockJump.everyMs === 0 && wrongAtBoot === 0;
  const shortMs = steady ? chance.between(0, 60_000) : 20_000;
  // Thousands of messages wait when all stations come back; a few seconds each would be an hour.
  const blackout = spell(0.15, 120_000, 120_000);
  const dark = blackout.everyMs > 0;
  const journalLost = !goesBack && chance.happens(0.3) ? chance.pick([0.1, 0.5]) : 0;
  const snapshotEveryMs = chance.between(10_000, 60_000);
  // What is acked goes at once then, and a cloud that goes back needs it.
  const short = !goesBack && snapshotEveryMs % 3 === 0;
  return {
    broker: {
      loss: rate(0.6),
      duplicate: rate(0.3),
      duplicateLagMs: chance.between(0, 20_000),
      reorder: rate(0.5),
      delayMinMs: chance.between(1, 50),
      delayMeanMs: chance.pick([5, 50, 300, 1_000]),
      refuse: rate(0.1),
      down: spell(0.5, 60_000, 15_000),
      partition: { ...spell(0.5, 60_000, 15_000), oneWay: rate(1), held: rate(1) },
    },
    sg: {
      crashBeforeCommit: rate(0.2),
      crashBeforeAck: rate(0.2),
      askLost: rate(0.5),
      askLate: rate(0.5),
      slow: { ...spell(0.3, 60_000, 20_000), delayMs: chance.between(500, 15_000) },
      down: spell(0.3, 90_000, 20_000),
      rollback,
      // Without leased ids a journal that begins anew has only the emergency range.
      leases: chance.happens(journalLost > 0 ? 0.3 : 0.7)
        ? { count: 1_000, everyMs: 0 }
        : { count: chance.between(1, 8), everyMs: chance.between(20_000, 120_000) },
    },
    er: {
      crashBeforeAppend: rate(0.01),
      crashAfterAppend: rate(0.01),
      crashInSnapshot: rate(0.2),
      crashBetweenEffects: rate(0.01),
      restart: spell(0.3, 90_000, 3_000),
      awayMs: chance.between(500, 8_000),
      powerCut: rate(1),
      journalLost,
      diskFull: spell(0.4, 60_000, 10_000),
      diskShort: short ? { everyMs: 30_000, forMs: 30_000 } : never,
      checkpoint: rate(0.5),
      clockJump,
      driftPpm: chance.happens(0.3) ? chance.between(-20_000, 20_000) : 0,
      wrongAtBoot,
      snapshotEveryMs,
      retentionMs: goesBack ? 3 * DAY_MS : shortMs,
    },
    stations: {
      latencyMs: dark ? chance.between(1, 8) : chance.between(1, 200),
      cut: spell(0.5, 20_000, 3_000),
      halfOpen: spell(0.4, 60_000, 20_000),
      refuse: rate(0.3),
      blackout,
      misbehaviour: rate(1),
      wrongClock: rate(0.5),
      countMax: chance.happens(0.04) ? 20 : 5,
      sampleS: dark ? 1 : 5,
    },
    workload: {
      commandEveryMs: chance.between(1_000, 15_000),
      shortDeadline: rate(1),
      policyEveryMs: chance.between(10_000, 60_000),
    },
  };
}

/** The same world after everything has been mended: what is slow by nature stays so. */
export function healed(faults: Faults): Faults {
  const calm = noFaults();
  const { snapshotEveryMs, retentionMs } = faults.er;
  const { latencyMs, countMax, sampleS } = faults.stations;
  return {
    ...calm,
    er: { ...calm.er, snapshotEveryMs, retentionMs },
    stations: { ...calm.stations, latencyMs, countMax, sampleS },
  };
}

/**
 * `{"broker":{"loss":0.5}}` over the given faults, group by group.
 * @throws AppError SIM_FAULTS when the text is no JSON object or names a fault that does not exist.
 */
export function mergeFaults(faults: Faults, text: string): Faults {
  const hint = `for example '{"broker":{"loss":0.5}}'; the names are those of sim/world/faults.ts`;
  const merge = (base: object, over: object, path: string): object => {
    const merged: Record<string, unknown> = { ...base };
    for (const [name, value] of Object.entries(over)) {
      const before = merged[name];
      if (before === undefined || typeof before !== typeof value) {
        throw new AppError("SIM_FAULTS", `there is no such fault: ${path}${name}`, { hint });
      }
      merged[name] =
        typeof before === "object" ? merge(before as object, value as object, `${path}${name}.`) : value;
    }
    return merged;
  };
  let over: unknown;
  try {
    over = JSON.parse(text);
  } catch (cause) {
    throw new AppError("SIM_FAULTS", "the faults are no JSON", { cause, hint });
  }
  return merge(faults, over as object, "") as Faults;
}
