/**
 * The ER's look at itself: room on the disk, health of the box, progress of the loop.
 *
 * It owns the timers of these three and nothing of the site: what it finds goes to the core as inputs. What it
 * does to the journal it does in slices between the turns of the loop.
 */
import { describeError } from "../shared/errors.ts";
import { DEFAULT_BUDGET_MB, type Config } from "./config.ts";
import type { Input, Now, Pressure } from "./core/types.ts";
import { diskFreeBytes, readGauges } from "./io/gauges.ts";
import { faultOf } from "./io/journal-file.ts";
import type { Journal } from "./io/journal.ts";
import { createFaultCount, suspectJournal } from "./io/site-journal.ts";
import { createPressureJob } from "./pressure-job.ts";
import type { Runtime } from "./runtime.ts";
import { startWatchdog, type WatchdogLimits } from "./watchdog.ts";

const MEASURE_MS = 1_000;
const GAUGES_MS = 10_000;
/** A slice of work on old blocks is followed by a rest of twice its length, and of this at least. */
const SLICE_REST_MS_MIN = 10;
/** With less on the disk, a failed write is one for want of room, whatever SQLite calls it. */
const FULL_BELOW_BYTES = 1024 * 1024;
const MB = 1024 * 1024;

export type SelfWatchOptions = {
  config: Config;
  journal: Journal;
  runtime: Pick<Runtime, "coveredSeq" | "counters" | "relieve">;
  now: () => Now;
  input: (input: Input) => void;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
  /** Ends the process: it cannot go on with this journal. */
  end: (reason: string) => void;
  limits?: WatchdogLimits | undefined;
};
export type SelfWatch = ReturnType<typeof startSelfWatch>;

/** Bytes that the journal may take, and what of them is kept for transactions that run. */
export function roomOf(config: Config): { budgetBytes: number; reserveBytes: number } {
  const budgetMb = config.journal?.budget_mb ?? DEFAULT_BUDGET_MB;
  const reserveMb = config.journal?.reserve_mb ?? Math.min(64, Math.floor(budgetMb / 4));
  return { budgetBytes: budgetMb * MB, reserveBytes: reserveMb * MB };
}

export function startSelfWatch(options: SelfWatchOptions) {
  const { config, journal, runtime, input, now, onLog } = options;
  const folder = config.data_dir;
  const job = createPressureJob({
    journal,
    ...roomOf(config),
    diskFreeBytes: () => diskFreeBytes(folder),
    coveredSeq: () => runtime.coveredSeq,
    now,
    onLog,
  });
  const watchdog = startWatchdog({
    folder,
    limits: options.limits,
    onError: (error) =>
      onLog("warn", "the watchdog has stopped; the ER goes on without", { reason: error.message }),
  });
  const faultCount = createFaultCount();
  let fault: ReturnType<typeof faultOf>;
  let told: Pressure = "none";
  let gauges = readGauges(folder);
  let slice: NodeJS.Timeout | undefined;

  function measure(): void {
    const pressure = job.measure();
    if (pressure !== told) {
      told = pressure;
      input({ kind: "pressure", level: pressure });
    }
    if (pressure === "none") return;
    runtime.relieve();
    if (slice === undefined) work();
  }

  function work(): void {
    const beganMs = performance.now();
    job.measure();
    const more = job.slice();
    const restMs = Math.max(SLICE_REST_MS_MIN, 2 * (performance.now() - beganMs));
    slice = more ? setTimeout(work, restMs) : undefined;
  }

  function look(): void {
    gauges = readGauges(folder);
    const { usedBytes, budgetBytes } = job.room;
    input({
      kind: "gauges",
      gauges: {
        ...gauges,
        journalBytes: usedBytes,
        journalBudgetBytes: Math.trunc(budgetBytes),
        writtenBytes: journal.writtenBytes,
      },
    });
  }

  measure();
  look();
  const timers = [setInterval(measure, MEASURE_MS), setInterval(look, GAUGES_MS)];

  return {
    job,
    get gauges() {
      return gauges;
    },
    /** After each turn of the loop. */
    turned(): void {
      const failing = runtime.counters.commitFailures > 0;
      if (!failing) faultCount(undefined);
      watchdog.turned(failing && fault !== "full");
    },
    /** A commit, a snapshot or a trim has failed. */
    onFailed(error: unknown): void {
      fault = faultOf(error);
      if (fault === "io" && (diskFreeBytes(folder) ?? Infinity) < FULL_BELOW_BYTES) fault = "full";
      const reason = faultCount(fault === "full" ? undefined : error);
      if (reason === undefined) return;
      try {
        suspectJournal(folder, now().at, reason);
      } catch (cause) {
        onLog("error", "it could not even be written down that the journal is to be checked", {
          reason: describeError(cause),
        });
      }
      options.end(reason);
    },
    async stop(): Promise<void> {
      for (const timer of timers) clearInterval(timer);
      clearTimeout(slice);
      await watchdog.stop();
    },
  };
}
