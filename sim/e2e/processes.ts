/**
 * The real programs as child processes, for tests that kill them: `npm start`, `er run`, `sg`. Each writes
 * its log to memory.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until } from "../services/until.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

// Ended with the test process at the latest, however it ends.
const children = new Set<ChildProcess>();
process.once("exit", () => children.forEach((child) => child.kill("SIGKILL")));

export type Program = {
  readonly pid: number;
  /** Everything it has printed. */
  output(): string;
  readonly running: boolean;
  /** Sends the signal and waits for the end. @returns the exit code, or null when the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
};

/** Starts a program of the project with this Node. */
export function startProgram(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child: ChildProcess = spawn(process.execPath, [...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const keep = (chunk: Buffer) => (text = (text + chunk.toString("utf8")).slice(-200_000));
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  children.add(child);
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  void ended.then(() => children.delete(child));
  return {
    pid: child.pid ?? 0,
    output: () => text,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    end(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}

/** Waits until the program has printed the text. */
export async function untilPrinted(program: Program, text: string, deadlineMs = 60_000): Promise<void> {
  await until(
    `"${text}" is printed`,
    () => {
      if (program.output().includes(text)) return true;
      if (!program.running)
        throw new Error(`the program ended before it printed "${text}":\n${program.output()}`);
      return false;
    },
    deadlineMs,
  );
}

const TOO_MANY_PAUSE_MS = 1_000;

/** A client of the API with one key. What it asks too often (429) it asks again, as any client should. */
export function apiClient(base: string, apiKey: string) {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 429) {
      await sleep(TOO_MANY_PAUSE_MS);
      return call(method, path, body);
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
  return {
    get: <T>(path: string) => call<T>("GET", path),
    post: <T>(path: string, body: unknown) => call<T>("POST", path, body),
    put: <T>(path: string, body: unknown) => call<T>("PUT", path, body),
    patch: <T>(path: string, body: unknown) => call<T>("PATCH", path, body),
  };
}
