/**
 * A program that is killed and comes back, with its log in a file.
 *
 * It is started again, as a supervisor would, when it ends by itself; that is noted, since most programs
 * have no reason to.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnGuarded, type GuardedChild } from "../services/child.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RESTART_MS = 1_000;
const GRACE_MS = 20_000;

export type ProgramOptions = {
  name: string;
  /** Arguments for this Node. */
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  logFile: string;
};

export type Program = {
  /** Times it ended without having been told to, with the status and the last of its log. */
  readonly ownEnds: { status: number | string; log: string }[];
  start(): void;
  /** SIGKILL; it stays away until `start`. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit status. */
  stop(): Promise<number | string>;
  log(): string;
};

/** Prepares a program; it is not running yet. */
export function createProgram(options: ProgramOptions): Program {
  const { args, env = {}, logFile } = options;
  const ownEnds: Program["ownEnds"] = [];
  let child: GuardedChild | undefined;

  const start = (): void => {
    if (child !== undefined) return;
    const started = spawnGuarded({
      command: process.execPath,
      args: [...args],
      env: { ...process.env, ...env },
      cwd: ROOT,
      logFile,
      lastSignal: "KILL",
    });
    child = started;
    void started.exited.then(async (status) => {
      if (child !== started) return;
      ownEnds.push({ status, log: started.logTail() });
      await sleep(RESTART_MS);
      if (child !== started) return;
      child = undefined;
      start();
    });
  };
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | string> => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return "not running";
    await ending.end(signal, GRACE_MS);
    return ending.exited;
  };
  return {
    ownEnds,
    start,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    log: () => readFileSync(logFile, "utf8"),
  };
}
