/**
 * Firmware from the cloud to the box, once for all stations: goes on where it was broken off, checked by its
 * SHA-256, tried again until somebody's deadline has passed.
 */
import { setTimeout as wait } from "node:timers/promises";
import { AppError, describeError } from "../shared/errors.ts";
import { FILE_BYTES_MAX, FILE_IDLE_MS_MAX } from "../shared/limits.ts";
import { transferBackoffMs } from "./files-backoff.ts";
import type { Transfer } from "./io/file-places.ts";
import type { FileStore } from "./io/file-store.ts";

export type FirmwareSource = Transfer & { sha256: string; size: number; name: string };

type OnLog = (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;

const FETCHES_MAX = 8;
const DAMAGED_MAX = 3;
/** What trying again cannot mend. */
const FINAL = new Set(["FILES_NO_ROOM", "FILE_TOO_LARGE", "FILE_INVALID", "FILE_GONE"]);

/** One request: what is missing is appended. @throws whatever broke it off; what has come is kept. */
async function fetchRest(store: FileStore, source: FirmwareSource, stop: AbortSignal): Promise<void> {
  const file = await store.fetchFirmware(source.sha256, source.size);
  const have = file.bytes;
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error("nothing came for too long")), FILE_IDLE_MS_MAX);
  try {
    if (have === source.size) return await file.finish();
    const response = await fetch(source.url, {
      headers: { Authorization: `Bearer ${source.token}`, ...(have > 0 ? { Range: `bytes=${have}-` } : {}) },
      redirect: "error",
      signal: AbortSignal.any([idle.signal, stop]),
    });
    const { status } = response;
    if ([401, 403, 404, 410].includes(status))
      throw new AppError("FILE_GONE", `the cloud does not give out this firmware (HTTP ${status})`);
    if ((status !== 200 && status !== 206) || response.body === null)
      throw new AppError("FETCH_FAILED", `the cloud answered HTTP ${status}`);
    // Who knows no ranges sends it from the beginning.
    let skip = status === 206 ? 0 : have;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      timer.refresh();
      const rest = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - rest.length;
      if (rest.length > 0) await file.write(rest);
    }
    if (file.bytes < source.size)
      throw new AppError("FETCH_FAILED", "the connection ended before the file did");
    await file.finish();
  } finally {
    clearTimeout(timer);
    await file.close();
  }
}

export type Fetcher = ReturnType<typeof createFetcher>;

export function createFetcher(options: { store: FileStore; onLog: OnLog; random?: () => number }) {
  const { store, onLog, random = Math.random } = options;
  const jobs = new Map<string, { promise: Promise<void>; untilMs: number }>();
  const stop = new AbortController();

  async function run(source: FirmwareSource, job: { untilMs: number }): Promise<void> {
    const { sha256, size, name } = source;
    for (let failures = 0, damaged = 0; ; failures++) {
      try {
        await fetchRest(store, source, stop.signal);
        return onLog("info", "firmware fetched", { name, sha256, bytes: size });
      } catch (error) {
        const code = error instanceof AppError ? error.code : "";
        if (code === "FILE_DAMAGED") damaged += 1;
        if (stop.signal.aborted || FINAL.has(code) || damaged >= DAMAGED_MAX) throw error;
        const pauseMs = transferBackoffMs(failures, random);
        if (performance.now() + pauseMs > job.untilMs) throw error;
        onLog("warn", "firmware: broken off, goes on in a moment", { name, reason: describeError(error) });
        await wait(pauseMs, undefined, { signal: stop.signal });
      }
    }
  }

  return {
    /**
     * Resolves when the firmware is here. Several who want the same one share one download.
     * @throws AppError and what the network says, when it cannot be had within `withinMs`.
     */
    async ensure(source: FirmwareSource, withinMs: number): Promise<void> {
      if (store.firmware(source.sha256) !== undefined) return;
      if (source.size > FILE_BYTES_MAX) throw new AppError("FILE_TOO_LARGE", "the firmware is too large");
      const untilMs = performance.now() + withinMs;
      const running = jobs.get(source.sha256);
      if (running !== undefined) {
        running.untilMs = Math.max(running.untilMs, untilMs);
        return running.promise;
      }
      if (jobs.size >= FETCHES_MAX)
        throw new AppError("FILES_TOO_MANY", `${FETCHES_MAX} firmwares are being fetched already`);
      const job = { promise: Promise.resolve(), untilMs };
      job.promise = run(source, job).finally(() => jobs.delete(source.sha256));
      jobs.set(source.sha256, job);
      return job.promise;
    },

    async stop(): Promise<void> {
      stop.abort(new Error("the ER stops"));
      await Promise.allSettled([...jobs.values()].map((job) => job.promise));
    },
  };
}
