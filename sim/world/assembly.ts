/**
 * Puts a world together from its seed: who talks to whom, and which checker looks on where.
 *
 * Everything that draws gets a generator of its own, in a fixed order, so that a change in one part does not
 * make another run of all the others.
 */
import { Commands, decodeWire } from "../../shared/wire.ts";
import { createBroker } from "./broker.ts";
import { createChance } from "./chance.ts";
import { createClockChecker } from "./checkers/clock.ts";
import { createCommandChecker } from "./checkers/commands.ts";
import { createCursorCheckers } from "./checkers/cursor.ts";
import { createJournals } from "./checkers/journal.ts";
import { createLedger } from "./checkers/ledger.ts";
import { createPriceChecker } from "./checkers/price.ts";
import { checkRecovered } from "./checkers/recovery.ts";
import { createReplyCheckers } from "./checkers/replies.ts";
import { checkNotNegative } from "./checkers/transactions.ts";
import { createEr, type ErWatch } from "./er.ts";
import { drawFaults } from "./faults.ts";
import { startFleet } from "./fleet.ts";
import { MUTANTS } from "./mutants.ts";
import { createSg, type SgWatch } from "./sg.ts";
import { createSockets } from "./sockets.ts";
import { createTimeline } from "./timeline.ts";
import { createTrace } from "./trace.ts";
import { startWorkload } from "./workload.ts";
import type { WorldOptions } from "./world.ts";

const START_MS = Date.UTC(2026, 10, 15, 8);
const ER_ID = "er-1";
const IDENTITY = {
  erId: ER_ID,
  siteId: "site-1",
  siteName: "World",
  timeZone: "UTC",
  release: "0.0.0",
  heartbeatIntervalS: 30,
  meterModels: new Map(),
  authorization: "online-first",
  unknownToken: "deny",
  provision: true,
} as const;

export type World = ReturnType<typeof assemble>;

/** @param path of the ER's journal. */
export function assemble(options: WorldOptions, path: string) {
  const mutant = options.mutant === undefined ? undefined : MUTANTS[options.mutant]?.();
  const chance = createChance([options.seed, 0x6d6f6f76]);
  const timeline = createTimeline(START_MS);
  const trace = createTrace(timeline.now, START_MS, options.verbose === true);
  const drawn = drawFaults(chance.fork());
  const faults = options.faults?.(drawn) ?? drawn;
  const part = () => ({ timeline, chance: chance.fork(), faults, trace });
  const [forSockets, forEr, forSg, forBroker] = [part(), part(), part(), part()];

  const replies = createReplyCheckers();
  const ledger = createLedger();
  const clock = createClockChecker();
  const price = createPriceChecker();
  const journals = createJournals((entry) => {
    replies.onEntry(entry);
    clock.onEntry(entry);
    price.onEntry(entry);
    commands.onEntry(entry);
  });
  const broker = createBroker({
    ...forBroker,
    toSg: (kind, payload) => sg.receive(kind, payload),
    toEr(kind, payload, delayMs) {
      if (kind === "commands") commands.onCarried(commandIdsOf(payload), delayMs);
      er.fromBroker(kind, payload);
    },
    onUp: () => er.input({ kind: "link.up" }),
    onDown: () => er.input({ kind: "link.down" }),
  });
  const commands = createCommandChecker(timeline.now);
  const sockets = createSockets({
    ...forSockets,
    toEr: (input) => er.input(input),
    onDelivered(socket, text) {
      replies.onDelivered(socket, text);
      ledger.onDelivered(socket, text);
      commands.onDelivered(socket, text);
    },
  });
  const sees = (checker: string) => mutant?.blind?.includes(checker) !== true;
  const erWatch: ErWatch = {
    onCommitted: (journal) => journals.current.follow(journal),
    onRecovered(runtime, journal, unsure) {
      journals.opened(journal, unsure);
      if (sees("recovery")) checkRecovered(runtime, journals.current);
    },
    onNow: (now) => clock.onNow(now),
    onJournalLost() {
      journals.lose();
      replies.journalLost();
      commands.journalLost();
    },
    onSend: (runtime, text) => commands.onSend(runtime, text),
  };
  const er = createEr({ ...forEr, path, mutant, identity: IDENTITY, broker, sockets, watch: erWatch });
  const cursor = createCursorCheckers(journals);
  const sgWatch: SgWatch = {
    onTaken(tables, taken, journalId) {
      cursor.taken(tables, taken, journalId);
      checkNotNegative(tables);
    },
    onAck: (tables, journalId, seq) => cursor.acked(tables, journalId, seq),
    onCommand: (row) => commands.onCommand(row),
  };
  const sg = createSg({
    ...forSg,
    erId: ER_ID,
    siteId: IDENTITY.siteId,
    broker,
    mutant,
    twin: options.twin,
    watch: sgWatch,
  });
  const fleet = startFleet({ ...part(), transportFactory: sockets.transportFactory });
  const workload = startWorkload({ ...part(), sg, fleet });
  const checkers = { journals, cursor, replies, commands, ledger, sees };
  return { faults, timeline, trace, broker, sockets, er, sg, fleet, workload, checkers };
}

const commandIdsOf = (payload: Buffer): string[] =>
  decodeWire(Commands, payload).commands.map(({ commandId }) => commandId);
