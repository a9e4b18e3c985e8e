/**
 * What every benchmark needs: figures and their verdict, medians, processes to measure, a folder on a real
 * disk.
 *
 * A figure is worth something only beside a limit or a peer's shape that was measured in the same run:
 * absolute values change from box to box.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Status } from "../edge/io/http.ts";
import { ER_NODE_FLAGS } from "../edge/node-flags.ts";
import { AppError } from "../shared/errors.ts";
import type { Mix } from "./frames.ts";
import type { Order, Outcome } from "./load.ts";
import type { Services } from "./services.ts";

export const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What decides: the value itself or its ratio to the limit, and whether more of it is better. */
export type Goal = { of: "value" | "ratio"; better: "more" | "less"; target: number; floor: number };

export type Figure = {
  bench: string;
  figure: string;
  value: number;
  unit: string;
  /** Measured in the same run: what nothing can beat, or what a peer's shape does. */
  limit?: number;
  limitOf?: string;
  goal?: Goal;
  /** Anything else worth keeping: values of the rounds, settings. */
  more?: Record<string, unknown>;
};

export type Options = {
  quick: boolean;
  entries: number;
  journalMb: number;
  wearSeconds: number;
  /** Length of the outage, time between two readings, room of its journal. */
  outageHours: number;
  sampleS: number;
  budgetMb: number;
  profileDir: string | undefined;
};

export type Context = Options & {
  report(figure: Figure): void;
  /** A new folder on a disk, gone when the benchmark ends. */
  dir(): string;
  /** Runs when the benchmark ends, however it ends; the last one first. */
  onEnd(work: () => unknown): void;
  services: Services;
};

export type Bench = { name: string; about: string; run(context: Context): Promise<void> };

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

const TMPFS_MAGIC = 0x01021994;

/** @throws AppError BENCH_NO_DISK: numbers of a RAM disk say nothing about commits. */
export function diskDir(): string {
  const dir = mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), "moov-bench-"));
  if (statfsSync(dir).type !== TMPFS_MAGIC) return dir;
  rmSync(dir, { recursive: true });
  throw new AppError("BENCH_NO_DISK", "the temporary folder is a RAM disk", {
    hint: "set BENCH_DIR to a folder on a disk",
  });
}

/* Processes */

export type Child = {
  pid: number;
  ready: Record<string, unknown>;
  process: ChildProcess;
  stop(): Promise<void>;
};

/** Starts a program that says `{kind: "ready"}` by IPC and ends when the channel closes. */
export async function startChild(
  context: Context,
  file: string,
  args: string[],
  { profiled = false, flags = [] as readonly string[] } = {},
): Promise<Child> {
  const profile =
    profiled && context.profileDir !== undefined
      ? ["--cpu-prof", `--cpu-prof-dir=${context.profileDir}`]
      : [];
  const child = fork(join(ROOT, file), args, {
    execArgv: [...flags, ...profile],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    if (child.connected) child.disconnect();
    await exited;
  };
  context.onEnd(stop);
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.once("message", (message) => resolve(message as Record<string, unknown>));
    child.once("exit", (code) => reject(new AppError("BENCH_CHILD", `${file} ended with ${String(code)}`)));
  });
  return { pid: child.pid ?? 0, ready, process: child, stop };
}

export type ErChild = Child & { url: string; dir: string; status(): Promise<Status> };
export type ErOptions = { dir?: string; erId?: string; brokerUrl?: string };

/** The broker that is not there: nobody listens on this port of the loopback. */
const NO_BROKER = "amqp://127.0.0.1:1";

/** `er run` as it is delivered, on a folder of its own, without passwords. */
export async function startEr(context: Context, options: ErOptions = {}): Promise<ErChild> {
  const { dir = context.dir(), erId = "bench", brokerUrl = NO_BROKER } = options;
  const path = join(dir, "er.toml");
  writeFileSync(
    path,
    `er = "${erId}"\nsite = "${erId}"\ndata_dir = "."\n[broker]\nurl = "${brokerUrl}"\n[http]\nport = 0\n` +
      `[ocpp]\nhost = "127.0.0.1"\nport = 0\nauth = "open"\n` +
      `authorization = "local"\nunknown_token = "allow"\n` +
      `[log]\nlevel = "error"\n`,
  );
  const child = await startChild(context, "edge/main.js", ["run", "--config", path], {
    profiled: true,
    flags: ER_NODE_FLAGS,
  });
  const status = async () =>
    (await fetch(`http://127.0.0.1:${String(child.ready["httpPort"])}/status`)).json() as Promise<Status>;
  return { ...child, dir, url: urlOf(child), status };
}

export const urlOf = (child: Child) => `ws://127.0.0.1:${String(child.ready["ocppPort"])}/ocpp`;

export type Load = {
  connect(url: string, stations: number, options?: { prefix?: string; mix?: Mix }): Promise<void>;
  closed(perStation: number, durationMs: number): Promise<Outcome>;
  open(ratePerS: number, durationMs: number): Promise<Outcome>;
  disconnect(): Promise<void>;
};

export async function startLoad(context: Context): Promise<Load> {
  const { process: child } = await startChild(context, "bench/load.ts", []);
  let connections = 0;
  const send = (order: Order) =>
    new Promise<Outcome>((resolve, reject) => {
      child.once("message", (answer: { kind: string; outcome: Outcome; reason?: string }) => {
        if (answer.kind === "done") resolve(answer.outcome);
        else reject(new AppError("BENCH_LOAD", `load: ${answer.reason ?? "failed"}`));
      });
      child.send(order);
    });
  return {
    async connect(url, stations, { prefix = `S${connections++}-`, mix = "mixed" } = {}) {
      await send({ kind: "connect", url, stations, prefix, mix });
    },
    closed: (perStation, durationMs) => send({ kind: "closed", perStation, durationMs }),
    open: (ratePerS, durationMs) => send({ kind: "open", ratePerS, durationMs }),
    async disconnect() {
      await send({ kind: "disconnect" });
    },
  };
}

/* What the system says of a process (Linux) */

function field(path: string, name: string): number {
  const line = readFileSync(path, "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${name}:`));
  return Number(line?.split(/\s+/)[1] ?? Number.NaN);
}

/** Bytes that a process caused to be sent to the disk. */
export const writtenBytes = (pid: number) => field(`/proc/${pid}/io`, "write_bytes");
/** Resident memory, MB. */
export const rssMb = (pid: number) => field(`/proc/${pid}/status`, "VmRSS") / 1_024;

/** CPU time of a process so far, ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
