/**
 * What happened, one line per event: hashed in full, so that two runs can be compared, and kept for the last
 * few.
 *
 * A `Violation` is a checker's word: it ends the run.
 */
import { createHash } from "node:crypto";

const KEPT = 40;
const LINE_MAX = 240;

export type Trace = ReturnType<typeof createTrace>;

/** What a checker saw that must not be. */
export class Violation extends Error {
  readonly checker: string;

  constructor(checker: string, saw: string) {
    super(saw);
    this.name = "Violation";
    this.checker = checker;
  }
}

export function createTrace(now: () => number, startMs: number, verbose: boolean) {
  const hash = createHash("sha256");
  const last: string[] = [];
  const counts: Record<string, number> = {};
  return {
    counts,
    /** Events before the failure, oldest first. */
    last,
    /** @param what a short name, counted; @param detail free text. */
    say(what: string, detail = ""): void {
      counts[what] = (counts[what] ?? 0) + 1;
      const line = `${((now() - startMs) / 1_000).toFixed(3).padStart(9)} ${what} ${detail}`.trimEnd();
      hash.update(`${line}\n`);
      last.push(line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line);
      if (last.length > KEPT) last.shift();
      if (verbose) process.stdout.write(`${last.at(-1)}\n`);
    },
    count(what: string): void {
      counts[what] = (counts[what] ?? 0) + 1;
    },
    digest: () => hash.copy().digest("hex"),
  };
}
