/**
 * Uploads of stations from the box to the cloud: in pieces, from where the last attempt ended, for ever.
 *
 * `PUT <transfer.url>/<uploadId>` tells what comes and hears how much of it the cloud has; `PATCH` appends. Both
 * answer `{offset, complete}`. An upload is done when the cloud has said `complete`: it has all bytes, and they
 * have the SHA-256 that the box has counted. One at a time; one that fails does not hold up the others.
 */
import { open } from "node:fs/promises";
import { AppError, describeError } from "../shared/errors.ts";
import { FORWARD_CHUNK_BYTES, FORWARD_CHUNK_MS_MAX } from "../shared/limits.ts";
import { transferBackoffMs } from "./files-backoff.ts";
import type { FileStore, Forwarded, Upload } from "./io/file-store.ts";
import { hashOfFile } from "./io/file-write.ts";

type OnLog = (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;

export type ForwarderOptions = {
  store: FileStore;
  onForwarded: (upload: Upload, result: Forwarded) => void;
  onLog: OnLog;
  random?: () => number;
};

type Progress = { offset: number; complete: boolean };

async function ask(
  upload: Upload,
  method: "PUT" | "PATCH",
  body: string | Buffer,
  headers: Record<string, string>,
  stop: AbortSignal,
): Promise<Progress | "unwanted" | "damaged"> {
  const response = await fetch(`${upload.transfer.url}/${upload.uploadId}`, {
    method,
    body: body as BodyInit,
    headers: { Authorization: `Bearer ${upload.transfer.token}`, ...headers },
    redirect: "error",
    signal: AbortSignal.any([stop, AbortSignal.timeout(FORWARD_CHUNK_MS_MAX)]),
  });
  const text = await response.text();
  if (response.status === 410) return "unwanted";
  if (response.status === 422) return "damaged";
  // 409: the cloud has another length than we thought, and says which.
  if (!response.ok && response.status !== 409) {
    throw new AppError("FORWARD_FAILED", `the cloud answered HTTP ${response.status}: ${text.slice(0, 200)}`);
  }
  const { offset, complete } = JSON.parse(text) as Partial<Progress>;
  if (typeof offset !== "number" || offset < 0 || offset > upload.bytes)
    throw new AppError("FORWARD_FAILED", "the cloud's answer makes no sense");
  return { offset, complete: complete === true };
}

/** Sends what is missing. @throws whatever breaks it off. */
async function forward(store: FileStore, upload: Upload, stop: AbortSignal): Promise<Forwarded> {
  const { name, bytes, sha256 } = upload;
  const path = store.uploadPath(upload.uploadId);
  const told = JSON.stringify({ name, size: bytes, sha256, receivedAt: upload.receivedAt });
  let at = await ask(upload, "PUT", told, { "Content-Type": "application/json" }, stop);
  const file = await open(path, "r");
  try {
    while (typeof at === "object" && !at.complete) {
      const chunk = Buffer.alloc(Math.min(FORWARD_CHUNK_BYTES, bytes - at.offset));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at.offset);
      if (bytesRead === 0)
        throw new AppError("FORWARD_FAILED", "the cloud has all of it and does not say so");
      const headers = { "Content-Type": "application/octet-stream", "Upload-Offset": String(at.offset) };
      const before = at.offset;
      at = await ask(upload, "PATCH", chunk.subarray(0, bytesRead), headers, stop);
      if (typeof at === "object" && !at.complete && at.offset === before)
        throw new AppError("FORWARD_FAILED", "the cloud did not take what was sent");
    }
  } finally {
    await file.close();
  }
  if (typeof at === "object") return "complete";
  if (at === "unwanted" || (await hashOfFile(path)) !== sha256) return at;
  throw new AppError("FORWARD_FAILED", "it was damaged on its way; it is sent again from its beginning");
}

export function startForwarder(options: ForwarderOptions) {
  const { store, onForwarded, onLog, random = Math.random } = options;
  const stop = new AbortController();
  const attempts = new Map<string, { failures: number; atMs: number }>();
  let wake: () => void = () => undefined;

  /** Sleeps until the next one is due, or somebody knocks. */
  function pause(): Promise<void> {
    const waiting = store.uploads().filter((upload) => upload.forwarded === undefined);
    const due = waiting.map((upload) => attempts.get(upload.uploadId)?.atMs ?? 0);
    const delayMs = Math.min(...due, performance.now() + 3_600_000) - performance.now();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, delayMs));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function attempt(upload: Upload): Promise<void> {
    const { uploadId, stationId, name } = upload;
    const failures = attempts.get(uploadId)?.failures ?? 0;
    try {
      const result = await forward(store, upload, stop.signal);
      await store.markForwarded(uploadId, result);
      attempts.delete(uploadId);
      const level = result === "complete" ? "info" : "warn";
      onLog(level, `a file of a station: ${result}`, { stationId, name, bytes: upload.bytes });
      onForwarded(upload, result);
    } catch (error) {
      if (stop.signal.aborted) return;
      // Said when it begins; then again and again would be no news.
      if (failures === 0)
        onLog("warn", "a file of a station waits at the box", {
          stationId,
          name,
          reason: describeError(error),
        });
      attempts.set(uploadId, {
        failures: failures + 1,
        atMs: performance.now() + transferBackoffMs(failures, random),
      });
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const next = store
        .uploads()
        .find((u) => u.forwarded === undefined && (attempts.get(u.uploadId)?.atMs ?? 0) <= performance.now());
      if (next === undefined) await pause();
      else await attempt(next);
    }
  }

  const running = run();
  return {
    /** There is something new, or the link is back: whatever waits is tried now. */
    kick(): void {
      for (const state of attempts.values()) state.atMs = 0;
      wake();
    },
    async stop(): Promise<void> {
      stop.abort(new Error("the ER stops"));
      wake();
      await running;
    },
  };
}
