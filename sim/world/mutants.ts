/**
 * Mistakes planted on purpose, each of a kind that somebody has made: a simulation that never fails proves
 * nothing.
 *
 * They are planted from outside, by wrapping what goes into the ER and the SG; the real code has no switches
 * for them. Each is made anew for each world, so that it may remember. To add one: write it, name it in
 * `MUTANTS`; `npm run sim -- --mutants` and the tests plant whatever is named there.
 */
import { admit } from "../../cloud/core/cursor.ts";
import { emptyDurable, encodeSnapshot } from "../../edge/core/fold.ts";
import type { Input } from "../../edge/core/types.ts";
import type { Journal } from "../../edge/io/journal.ts";
import type { Runtime } from "../../edge/runtime.ts";
import { findByWireId } from "../../edge/core/transaction.ts";
import type { Entry } from "../../shared/entry.ts";
import { EMERGENCY_ID_MIN, LEASE_BLOCK_SIZE } from "../../shared/limits.ts";
import { readCall } from "./sockets.ts";
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
  /** Commits are not synced: a power cut takes what the system had not written yet. */
  unsynced?: boolean;
};

/** The broker's confirm is taken for the cloud's ack. */
const confirmAsAck = (): Mutant => ({
  confirmed: (lastSeq, journalId, input) =>
    input({ kind: "link.ack", ack: { v: 1, journalId, seq: lastSeq, resume: false, cloudTime: 0 } }),
});

/** The SG takes a batch although something is missing before it. */
const noGapCheck = (): Mutant => ({
  admit: (cursor, batch) => admit({ ...cursor, seq: batch.firstSeq - 1, chain: batch.prevChain }, batch),
});

/** The ER never goes back: not when the cloud asks for it, not when acks stay away. */
const noRewind = (): Mutant => ({
  input(value, runtime) {
    const { uplink } = runtime.state.live;
    if (value.kind === "tick") for (const batch of uplink.inFlight) batch.upMs = Number.MAX_SAFE_INTEGER;
    if (value.kind !== "link.ack" || !uplink.resumed) return value;
    return { ...value, ack: { ...value.ack, resume: false } };
  },
});

const FLUSH_MS = 200;

/** Effects are performed although the commit has not reached the disk. */
const replyBeforeCommit = (): Mutant => ({
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
});

/** A repeated StartTransaction makes a transaction of its own. */
const forgetStartDedup = (): Mutant => ({
  blind: ["recovery"],
  beforeTurn(runtime) {
    for (const station of runtime.state.durable.stations.values()) station.recent = [];
  },
});

/** Which commands were accepted is forgotten at a restart. */
const commandReplayedAfterRestart = (): Mutant => ({
  blind: ["recovery"],
  recovered: (runtime) => runtime.state.durable.commands.clear(),
});

/** The ER starts with nothing but its place in the journal. */
const stateNotRecovered = (): Mutant => ({
  journal: (journal, disk) =>
    Object.assign(Object.create(journal) as Journal, {
      readDoc: (key: string) =>
        key === "snapshot" ? encodeSnapshot({ ...emptyDurable(), seq: disk.lastSeq }) : disk.readDoc(key),
      *entries() {},
    }),
});

/** The SG acks, then commits; a crash in between loses what was acked. */
const ackBeforeCommit = (): Mutant => ({ acksFirst: true });

/** SQLite without `synchronous=FULL`. */
const commitWithoutSync = (): Mutant => ({ unsynced: true });

const HOUR_MS = 3_600_000;

/** A command's deadline is not looked at once it has reached the site. */
const commandAfterDeadline = (): Mutant => ({
  input(value) {
    if (value.kind !== "link.commands") return value;
    const commands = value.commands.map((command) => ({
      ...command,
      expiresAt: command.expiresAt + HOUR_MS,
      remainingMs: command.remainingMs + HOUR_MS,
    }));
    return { ...value, commands };
  },
});

/** What the cloud said of the clock goes into the entries themselves. */
const clockRewritten = (): Mutant => {
  let offsetMs = () => 0;
  return {
    blind: ["recovery"],
    recovered: ({ state }) => {
      offsetMs = () => state.live.clockOffsetMs;
    },
    journal: (journal) =>
      Object.assign(Object.create(journal) as Journal, {
        append: (boot: string, entries: readonly Entry[], docs?: Parameters<Journal["append"]>[2]) =>
          journal.append(
            boot,
            entries.map((entry) => ({ ...entry, at: entry.at + offsetMs() })),
            docs,
          ),
      }),
  };
};

/** A start forgets how much of its leased block is used. */
const leasedIdGivenTwice = (): Mutant => ({
  blind: ["recovery"],
  recovered({ state }) {
    for (const lease of state.durable.leases) lease.next -= (lease.next - 1) % LEASE_BLOCK_SIZE;
  },
});

/** Without a lease every start of the ER counts from the same number on. */
const emergencyIdGivenTwice = (): Mutant => ({
  blind: ["recovery"],
  recovered({ state }) {
    state.durable.emergencyNext = EMERGENCY_ID_MIN;
  },
});

/** A stop whose transaction the ER does not know is answered, and that was it. */
const unknownStopDropped = (): Mutant => ({
  input(value, { state }) {
    if (value.kind !== "station.frame") return value;
    const call = readCall(value.text);
    const stops = call?.action === "StopTransaction" || call?.payload["eventType"] === "Ended";
    const stationId = state.live.connections.get(value.connectionId)?.stationId;
    if (call === undefined || !stops || stationId === undefined) return value;
    const { transactionId } = (call.payload["transactionInfo"] ?? call.payload) as Record<string, unknown>;
    if (findByWireId(state, stationId, String(transactionId)) !== undefined) return value;
    return { ...value, text: JSON.stringify([2, call.messageId, "Heartbeat", {}]) };
  },
});

/** What is given up for want of disk is not told. */
const shedWithoutEntry = (): Mutant => ({
  blind: ["journal"],
  journal: (journal) =>
    Object.assign(Object.create(journal) as Journal, {
      rewrite: (place: Parameters<Journal["rewrite"]>[0], boot: string, entries: Entry[]) =>
        journal.rewrite(
          place,
          boot,
          entries.filter(({ kind }) => kind !== "journal.shed"),
        ),
    }),
});

/** Starts and stops are given up as well. */
const shedTooMuch = (): Mutant => ({
  blind: ["journal"],
  journal: (journal) =>
    Object.assign(Object.create(journal) as Journal, {
      rewrite(place: Parameters<Journal["rewrite"]>[0], boot: string, entries: Entry[]) {
        const shed = entries.find((entry) => entry.kind === "journal.shed");
        const victim = entries.find(
          (entry) => entry.kind === "ocpp.handled" && /Start|Stop/.test(entry.action),
        );
        if (shed === undefined || victim === undefined) return journal.rewrite(place, boot, entries);
        const ranges = [...shed.ranges, [victim.seq, victim.seq] as [number, number]].sort(
          (a, b) => a[0] - b[0],
        );
        const told = { ...shed, seq: ranges[0]?.[0] ?? shed.seq, ranges };
        const left = entries.filter((entry) => entry !== victim && entry !== shed);
        journal.rewrite(
          place,
          boot,
          [...left, told].sort((a, b) => a.seq - b.seq),
        );
      },
    }),
});

/** What somebody was offered does not reach the ER: it shows what holds there. */
const offerForgotten = (): Mutant => ({
  input(value) {
    if (value.kind !== "link.answer" || value.answer.answer.kind !== "authorize") return value;
    const { tariff: _tariff, ...answer } = value.answer.answer;
    return { ...value, answer: { ...value.answer, answer } };
  },
});

export const MUTANTS: Readonly<Record<string, () => Mutant>> = {
  "confirm-as-ack": confirmAsAck,
  "no-gap-check": noGapCheck,
  "no-rewind": noRewind,
  "reply-before-commit": replyBeforeCommit,
  "forget-start-dedup": forgetStartDedup,
  "command-replayed-after-restart": commandReplayedAfterRestart,
  "state-not-recovered": stateNotRecovered,
  "ack-before-commit": ackBeforeCommit,
  "commit-without-sync": commitWithoutSync,
  "command-after-deadline": commandAfterDeadline,
  "clock-rewritten": clockRewritten,
  "leased-id-given-twice": leasedIdGivenTwice,
  "emergency-id-given-twice": emergencyIdGivenTwice,
  "unknown-stop-dropped": unknownStopDropped,
  "shed-without-entry": shedWithoutEntry,
  "shed-too-much": shedTooMuch,
  "offer-forgotten": offerForgotten,
};
