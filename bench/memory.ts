/**
 * What the ER keeps in memory, and how soon it answers after a start with a big journal.
 *
 * The big journal holds incompressible blocks (its size is what matters) and, behind the last snapshot, as
 * many ordinary entries as a start can ever have to replay.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Entry } from "../shared/entry.ts";
import { SNAPSHOT_ENTRIES } from "../shared/limits.ts";
import { encodeSnapshot } from "../edge/core/fold.ts";
import { recover } from "../edge/runtime.ts";
import { median, rssMb, startEr, startLoad, type Bench, type Context } from "./harness.ts";
import { fillJournal, openBenchJournal } from "./site.ts";

const STATIONS = 1_000;
const MESSAGES_EACH = 50;
/** Long enough for the collector to have been at work on what the load left behind. */
const SETTLE_MS = 10_000;

async function resident(context: Context): Promise<void> {
  const er = await startEr(context);
  const settleMs = context.quick ? SETTLE_MS / 5 : SETTLE_MS;
  await sleep(settleMs);
  const report = (figure: string, value: number, target: number, floor: number, more = {}) =>
    context.report({
      bench: "memory",
      figure,
      value,
      unit: "MB",
      goal: { of: "value", better: "less", target, floor },
      more,
    });
  report("RSS of an idle ER", rssMb(er.pid), 80, 120);
  const load = await startLoad(context);
  await load.connect(er.url, STATIONS);
  await load.closed(MESSAGES_EACH, 60_000);
  const busy = rssMb(er.pid);
  // Ordinary life goes on while it settles: without any work the collector has no reason to run.
  await load.open(100, settleMs);
  report(`RSS with ${STATIONS} stations that charge`, rssMb(er.pid), 150, 250, {
    rightAfterLoadMb: Math.round(busy),
  });
  await er.stop();
}

/**
 * Blocks of noise until the file is big, a snapshot, and the longest tail that a start can find behind one.
 */
function fillBig(dir: string, megabytes: number): number {
  const journal = openBenchJournal(dir);
  const perBlock = 100;
  while (journal.writtenBytes < megabytes * 1e6) {
    const entries = Array.from({ length: perBlock }, (_, index): Entry => ({
      seq: journal.lastSeq + 1 + index,
      at: Date.now(),
      upMs: 0,
      clock: "holdover",
      kind: "ocpp.rejected",
      stationId: "noise",
      protocol: "ocpp1.6",
      request: randomBytes(3_000).toString("base64"),
      code: "FormatViolation",
      reason: "noise",
    }));
    journal.append("", entries);
  }
  journal.writeDoc("snapshot", encodeSnapshot(recover(journal).durable));
  fillJournal(journal, journal.lastSeq + SNAPSHOT_ENTRIES - 500, {
    perCommit: 50,
    endAt: Date.now(),
    stepMs: 250,
  });
  const bytes = journal.sizeBytes();
  journal.close();
  return bytes;
}

async function firstAnswer(context: Context): Promise<void> {
  const dir = context.dir();
  const bytes = fillBig(dir, context.journalMb);
  const load = await startLoad(context);
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    const er = await startEr(context, { dir });
    await load.connect(er.url, 1);
    times.push(performance.now() - start);
    await load.disconnect();
    // Killed, not stopped: a clean stop would leave a snapshot and nothing to replay.
    er.process.kill("SIGKILL");
    await er.stop();
  }
  context.report({
    bench: "memory",
    figure: `start to the first answer, journal of ${Math.round(bytes / 1e6)} MB`,
    value: median(times),
    unit: "ms",
    goal: { of: "value", better: "less", target: 1_000, floor: 3_000 },
    more: { rounds: times.map(Math.round), replayed: SNAPSHOT_ENTRIES - 500 },
  });
}

export const memory: Bench = {
  name: "memory",
  about: "memory of the ER, and its start with a big journal",
  async run(context) {
    await resident(context);
    await firstAnswer(context);
  },
};
