/**
 * Runs a server for as long as this process lives, and not a moment longer.
 *
 * A small watcher shell holds the read end of a pipe of ours: when we end in any way, even by SIGKILL,
 * it kills the server and removes its throw-away directory. The output goes to a file, for error messages.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../shared/errors.ts";

export type GuardedChild = {
  readonly pid: number;
  /** Resolves with the exit status, or the signal's name. */
  readonly exited: Promise<number | string>;
  readonly running: boolean;
  /** The last lines the server wrote. */
  logTail(): string;
  /** Sends the signal, and SIGKILL when it is still there after the grace period. */
  end(signal: NodeJS.Signals, graceMs: number): Promise<void>;
};

export type GuardedOptions = {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
  /** Sent to the server when this process is gone. */
  lastSignal: "KILL" | "QUIT" | "INT";
  /** Removed with everything in it when this process is gone. */
  throwAwayDir?: string;
};

/** A line on the pipe says that the server ended by itself; its end without a line, that we did. */
const WATCHER = `
( ( read -r line <&3 && exit 0
    kill -"$1" $$ 2>/dev/null
    [ -z "$2" ] || { sleep 1; rm -rf "$2"; }
  ) </dev/null >/dev/null 2>&1 & )
shift 2
exec 3<&- "$@"
`;

/** Starts a server under the watcher. It needs a POSIX shell. */
export function spawnGuarded(options: GuardedOptions): GuardedChild {
  const { command, args, env, cwd, logFile, lastSignal, throwAwayDir } = options;
  const log = openSync(logFile, "a");
  const child = spawn("/bin/sh", ["-c", WATCHER, "sh", lastSignal, throwAwayDir ?? "", command, ...args], {
    cwd,
    env,
    // Its own process group: Ctrl-C is for us, and we stop the server in order.
    detached: true,
    stdio: ["ignore", log, log, "pipe"],
  });
  closeSync(log);
  const pipe = child.stdio[3] as Writable;
  // The watcher may be gone before we write to it.
  pipe.on("error", () => undefined);
  const exited = new Promise<number | string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => {
      pipe.end("done\n");
      resolve(signal ?? code ?? "unknown");
    });
  });
  const running = (): boolean =>
    child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    exited,
    get running() {
      return running();
    },
    logTail: () => tail(logFile),
    end: async (signal, graceMs) => {
      if (!running()) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function tail(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-12).join("\n");
  } catch {
    return "(no output)";
  }
}

/**
 * A TCP port of 127.0.0.1 that nobody listens on, below the range that outgoing connections are given, so
 * that a server can come back to it after a restart.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await canListen(port)) return port;
  }
  throw new AppError("SERVICE_NO_PORT", "no free port found between 15000 and 32000 on 127.0.0.1");
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * Polls until the server is ready.
 *
 * @throws AppError SERVICE_START with the server's last output when it ends first or takes too long.
 */
export async function untilReady(
  name: string,
  child: GuardedChild,
  deadlineMs: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await ready())) {
    if (!child.running) {
      throw new AppError("SERVICE_START", `${name} ended while it started:\n${child.logTail()}`);
    }
    if (performance.now() > end) {
      await child.end("SIGKILL", 0);
      const message = `${name} was not ready after ${deadlineMs} ms:\n${child.logTail()}`;
      throw new AppError("SERVICE_START", message);
    }
    await sleep(50);
  }
}
