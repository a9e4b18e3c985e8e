/** Plays cases, several at a time, and tells how each one ended. */
import { setTimeout as sleep } from "node:timers/promises";
import { CASE_IDS, type CaseId } from "./case-ids.ts";
import type { Csms } from "./csms.ts";
import { NotApplicable } from "./outcome.ts";
import { createTools, type Case } from "./suite.ts";

export type Result = CaseId & {
  outcome: "passed" | "failed" | "not-applicable";
  /** Why it failed or is not applicable. */
  reason: string | undefined;
  ms: number;
};

export type RunOptions = {
  csms: Csms;
  cases: readonly Case[];
  /** Which of the lists are played. */
  wanted: (id: CaseId) => boolean;
  parallel?: number;
  onResult?: (result: Result) => void;
};

/** More make the cases wait for each other's processors. */
const PARALLEL = 8;
const CASE_MS_MAX = 90_000;

async function play(
  csms: Csms,
  { version, id }: CaseId,
  found: Case | undefined,
): Promise<Omit<Result, keyof CaseId | "ms">> {
  if (found === undefined) return { outcome: "failed", reason: "there is no test for it" };
  if (found.kind === "not-applicable") return { outcome: "not-applicable", reason: found.reason };
  const tools = createTools(csms, version, id);
  const { station } = tools;
  const late = new AbortController();
  const deadline = sleep(CASE_MS_MAX, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error(`not done after ${CASE_MS_MAX / 1_000} s`)),
    () => undefined,
  );
  try {
    await Promise.race([found.run(tools), deadline]);
    if (station.violations.length === 0) return { outcome: "passed", reason: undefined };
    return { outcome: "failed", reason: station.violations.join("; ") };
  } catch (error) {
    if (error instanceof NotApplicable) return { outcome: "not-applicable", reason: error.message };
    const said = error instanceof Error ? error.message : String(error);
    return { outcome: "failed", reason: [said, ...station.violations].join("; ") };
  } finally {
    late.abort();
    await station.disconnect("lost");
  }
}

/** Plays the wanted cases of the lists, in their order. @returns one result for each of them. */
export async function runCases(options: RunOptions): Promise<Result[]> {
  const { csms, cases, wanted, parallel = PARALLEL, onResult } = options;
  const byId = new Map(cases.map((each) => [each.id, each]));
  const waiting = CASE_IDS.filter(wanted);
  const order = new Map(waiting.map((each, index) => [each.id, index]));
  const results: Result[] = [];
  const queue = [...waiting];
  async function work(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const startedMs = performance.now();
      const ended = await play(csms, next, byId.get(next.id));
      const result = { ...next, ...ended, ms: Math.round(performance.now() - startedMs) };
      results.push(result);
      onResult?.(result);
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, waiting.length) }, work));
  return results.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
}
