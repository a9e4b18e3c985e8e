/**
 * The ER's watchdog: a thread that ends the process when its loop or its journal makes no progress any more,
 * and what it left behind for the next start.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Journal } from "./io/journal.ts";
import { readJsonFile } from "./io/site-journal.ts";
import { FAILING, TURNS, type WatchdogData } from "./watchdog-thread.ts";

const FILE = "watchdog.json";
const LIMITS = { stuckMs: 30_000, failingMs: 10 * 60_000, checkMs: 1_000 };
export type WatchdogLimits = typeof LIMITS;

/** Caps, not needs: the thread holds a timer and two numbers. */
const RESOURCES = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 };

export function startWatchdog(options: {
  folder: string;
  /** Shorter ones, for tests. */
  limits?: WatchdogLimits | undefined;
  /** The thread itself has failed: the ER goes on without. */
  onError: (error: Error) => void;
}) {
  const shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const counters = new Int32Array(shared);
  const file = join(options.folder, FILE);
  const workerData: WatchdogData = { watchdog: true, shared, file, ...(options.limits ?? LIMITS) };
  const worker = new Worker(new URL("./watchdog-thread.js", import.meta.url), {
    workerData,
    resourceLimits: RESOURCES,
    // What the process was started with is not for the thread.
    execArgv: [],
    name: "watchdog",
  });
  worker.on("error", options.onError);
  worker.unref();
  return {
    /** The loop has turned. `failing`: it cannot commit, and not because the disk is full. */
    turned(failing: boolean): void {
      Atomics.add(counters, TURNS, 1);
      Atomics.store(counters, FAILING, failing ? 1 : 0);
    },
    async stop(): Promise<void> {
      await worker.terminate();
    },
  };
}

export type PreviousEnd = { previousEnd?: "clean" | "crash" | "watchdog"; reason?: string };

/** How the process before this one ended: by what the watchdog left, else by the last entry of the journal. */
export function readPreviousEnd(
  folder: string,
  journal: Pick<Journal, "lastSeq" | "lastEntry">,
): PreviousEnd {
  const left = readJsonFile(join(folder, FILE)) as { reason?: unknown } | undefined;
  if (left !== undefined) {
    return { previousEnd: "watchdog", reason: String(left.reason ?? "it did not say why").slice(0, 1_000) };
  }
  if (journal.lastSeq === 0) return {};
  return { previousEnd: endedCleanly(journal) ? "clean" : "crash" };
}

function endedCleanly(journal: Pick<Journal, "lastEntry">): boolean {
  try {
    return journal.lastEntry()?.kind === "er.stopped";
  } catch {
    return false;
  }
}

/** It is told by the journal now. */
export function forgetPreviousEnd(folder: string): void {
  rmSync(join(folder, FILE), { force: true });
}
