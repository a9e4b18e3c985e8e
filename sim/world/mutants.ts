/**
 * Mistakes planted on purpose, each of a kind that somebody has made: a simulation that never fails proves
 * nothing.
 *
 * They are planted from outside, by wrapping what goes into the ER and the SG; the real code has no switches
 * for them.
 */
import { admit } from "../../cloud/core/cursor.ts";
import { emptyDurable, encodeSnapshot } from "../../edge/core/fold.ts";
import type { Input } from "../../edge/core/types.ts";
import type { Journal } from "../../edge/io/journal.ts";
import type { Runtime } from "../../edge/runtime.ts";
import type { Entry } from "../../shared/entry.ts";
import type { AdmitRule } from "./store.ts";
import type { Timeline } from "./timeline.ts";

export type Mutant = {
  /** Checkers that would see the planting itself instead of what it leads to. */
  blind?: readonly string[];
  /** The broker has confirmed the publish of a batch. */
  confirmed?: (lastSeq: number, journalId: string, input: (value: Input) => void) => void;
  /** What the core gets in place of an input. */
  input?: (value: Input, runtime: Runtime) => Input | undefined;
  journal?: (journal: Journal, disk: Journal, timeline: Timeline) => Journal;
  recovered?: (runtime: Runtime) => void;
  beforeTurn?: (runtime: Runtime) => void;
  admit?: AdmitRule;
  /** The SG acks before it commits. */
  acksFirst?: boolean;
};

/** The broker's confirm is taken for the cloud's ack. */
const confirmAsAck: Mutant = {
  confirmed: (lastSeq, journalId, input) =>
    input({ kind: "link.ack", ack: { v: 1, journalId, seq: lastSeq, resume: false, cloudTime: 0 } }),
};

/** The SG takes a batch although something is missing before it. */
const noGapCheck: Mutant = {
  admit: (cursor, batch) => admit({ ...cursor, seq: batch.firstSeq - 1, chain: batch.prevChain }, batch),
};

/** The ER never goes back: not when the cloud asks for it, not when acks stay away. */
const noRewind: Mutant = {
  input(value, runtime) {
    const { uplink } = runtime.state.live;
    if (value.kind === "tick") for (const batch of uplink.inFlight) batch.upMs = Number.MAX_SAFE_INTEGER;
    if (value.kind !== "link.ack" || !uplink.resumed) return value;
    return { ...value, ack: { ...value.ack, resume: false } };
  },
};

const FLUSH_MS = 200;

/** Effects are performed although the commit has not reached the disk. */
const replyBeforeCommit: Mutant = {
  journal(journal, disk, timeline) {
    let waiting: Parameters<Journal["append"]> | undefined;
    const flush = () => {
      const due = waiting;
      waiting = undefined;
      if (due !== undefined) journal.append(...due);
    };
    return Object.defineProperties(Object.create(journal) as Journal, {
      append: {
        value: (boot: string, entries: readonly Entry[], docs: Parameters<Journal["append"]>[2]) => {
          flush();
          waiting = docs === undefined ? [boot, entries] : [boot, entries, docs];
          timeline.setTimer(FLUSH_MS, () => {
            try {
              flush();
            } catch {
              // The process or the disk is gone, and with it what was answered already.
            }
          });
        },
      },
      lastSeq: { get: () => waiting?.[1].at(-1)?.seq ?? disk.lastSeq },
    });
  },
};

/** A repeated StartTransaction makes a transaction of its own. */
const forgetStartDedup: Mutant = {
  blind: ["recovery"],
  beforeTurn(runtime) {
    for (const station of runtime.state.durable.stations.values()) station.recent = [];
  },
};

/** Which commands were accepted is forgotten at a restart. */
const commandReplayedAfterRestart: Mutant = {
  blind: ["recovery"],
  recovered: (runtime) => runtime.state.durable.commands.clear(),
};

/** The ER starts with nothing but its place in the journal. */
const stateNotRecovered: Mutant = {
  journal: (journal, disk) =>
    Object.assign(Object.create(journal) as Journal, {
      readDoc: (key: string) =>
        key === "snapshot" ? encodeSnapshot({ ...emptyDurable(), seq: disk.lastSeq }) : disk.readDoc(key),
      *entries() {},
    }),
};

/** The SG acks, then commits; a crash in between loses what was acked. */
const ackBeforeCommit: Mutant = { acksFirst: true };

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "confirm-as-ack": confirmAsAck,
  "no-gap-check": noGapCheck,
  "no-rewind": noRewind,
  "reply-before-commit": replyBeforeCommit,
  "forget-start-dedup": forgetStartDedup,
  "command-replayed-after-restart": commandReplayedAfterRestart,
  "state-not-recovered": stateNotRecovered,
  "ack-before-commit": ackBeforeCommit,
};
