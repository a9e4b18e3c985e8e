/**
 * The thread that watches the ER's loop: when it stands still, or can commit nothing for long, the process is
 * ended, so that the supervisor starts it anew. Before that it writes down why.
 *
 * It shares two counters with the loop and nothing else. It imports next to nothing: its memory is paid for on
 * every box.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { isMainThread, workerData } from "node:worker_threads";

/** Places in the shared counters: turns of the loop, and whether commits fail (1) or go through (0). */
export const TURNS = 0;
export const FAILING = 1;

export type WatchdogData = {
  watchdog: true;
  shared: SharedArrayBuffer;
  /** Where the reason is written. */
  file: string;
  stuckMs: number;
  failingMs: number;
  checkMs: number;
};
export type Verdict = { reason: string; details: Record<string, number> };

/**
 * Looks at the counters again and again. @returns a function that says why the process should end, or undefined.
 * A machine that slept has not been stuck: one look counts as at most twice the time between two.
 */
export function createJudge(limits: Pick<WatchdogData, "stuckMs" | "failingMs" | "checkMs">) {
  let turns = -1;
  let stillMs = 0;
  let failedMs = 0;
  return (seen: { turns: number; failing: boolean }, sinceLastMs: number): Verdict | undefined => {
    const passedMs = Math.min(sinceLastMs, 2 * limits.checkMs);
    stillMs = seen.turns === turns ? stillMs + passedMs : 0;
    turns = seen.turns;
    failedMs = seen.failing ? failedMs + passedMs : 0;
    const details = { turns, stillMs: Math.round(stillMs), failedMs: Math.round(failedMs) };
    if (stillMs >= limits.stuckMs)
      return { reason: `the loop has not turned for ${Math.round(stillMs / 1_000)} s`, details };
    if (failedMs >= limits.failingMs)
      return { reason: `no commit has succeeded for ${Math.round(failedMs / 1_000)} s`, details };
    return undefined;
  };
}

function writeReason(file: string, verdict: Verdict): void {
  const text = `${JSON.stringify({ at: Date.now(), ...verdict })}\n`;
  writeSync(2, `er: ended by its watchdog: ${verdict.reason}\n`);
  const handle = openSync(`${file}.new`, "w", 0o600);
  writeSync(handle, text);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(`${file}.new`, file);
}

function watch(data: WatchdogData): void {
  const counters = new Int32Array(data.shared);
  const judge = createJudge(data);
  let lastMs = performance.now();
  setInterval(() => {
    const nowMs = performance.now();
    const seen = { turns: Atomics.load(counters, TURNS), failing: Atomics.load(counters, FAILING) === 1 };
    const verdict = judge(seen, nowMs - lastMs);
    lastMs = nowMs;
    if (verdict === undefined) return;
    try {
      writeReason(data.file, verdict);
    } finally {
      process.kill(process.pid, "SIGKILL");
    }
  }, data.checkMs);
}

const data = workerData as Partial<WatchdogData> | null;
if (!isMainThread && data?.watchdog === true) watch(data as WatchdogData);
