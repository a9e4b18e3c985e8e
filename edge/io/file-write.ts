/**
 * Writing that survives a kill at any point: bytes to a `.part` file, documents by rename, folders synced.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { describeError } from "../../shared/errors.ts";
import { FILE_NAME_LENGTH_MAX } from "../../shared/limits.ts";

export type OnLog = (
  level: "info" | "warn" | "error",
  message: string,
  fields: Record<string, unknown>,
) => void;

export type Writer = {
  readonly bytes: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Of all bytes, from the first. Call it after `close`. */
  sha256(): Promise<string>;
  /** Synced and closed. Twice does no harm. */
  close(): Promise<void>;
};

/** SHA-256 of what lies there. */
export const hashOfFile = async (path: string): Promise<string> => (await hashOf(path)).digest("hex");

async function hashOf(path: string): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash;
}

/** Goes on after the first `from` bytes; what lies behind them goes. */
export async function openWriter(path: string, from: number): Promise<Writer> {
  const file = await open(path, from === 0 ? "w" : "r+", 0o600);
  let bytes = from;
  let closed: Promise<void> | undefined;
  if (from > 0) await file.truncate(from);
  // What was there before is read again, once: the hash of a file that goes on has no shortcut.
  const hash = from === 0 ? createHash("sha256") : await hashOf(path);
  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      let done = 0;
      while (done < chunk.length) {
        const { bytesWritten } = await file.write(chunk, done, chunk.length - done, bytes + done);
        done += bytesWritten;
      }
      bytes += chunk.length;
      hash.update(chunk);
    },
    sha256: async () => hash.copy().digest("hex"),
    close: () => (closed ??= file.sync().finally(() => file.close())),
  };
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `<folder>/<name>.json`, all of it or what was there before. */
export async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  const path = join(folder, `${name}.json`);
  const file = await open(`${path}.tmp`, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  await syncFolder(folder);
}

/** What a folder holds, by file name. Made where it is missing. */
export function listFolder(folder: string): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return readdirSync(folder);
}

/** Documents of a folder, by name. One that cannot be read is removed: the disk has hurt it. */
export function readDocs<T>(folder: string, onLog: OnLog): Map<string, T> {
  const docs = new Map<string, T>();
  for (const name of listFolder(folder)) {
    const path = join(folder, name);
    if (name.endsWith(".tmp")) rmSync(path, { force: true });
    if (!name.endsWith(".json")) continue;
    try {
      docs.set(name.slice(0, -5), JSON.parse(readFileSync(path, "utf8")) as T);
    } catch (error) {
      const reason = describeError(error);
      onLog("error", "what a file of a station is cannot be read: it is lost", { file: path, reason });
      rmSync(path, { force: true });
    }
  }
  return docs;
}

/** What a station calls a file, as a name that can be shown and saved: no path, no control characters. */
export function safeName(raw: string): string {
  let text = raw;
  try {
    text = decodeURIComponent(raw);
  } catch {
    // It is no escape; it stands for itself.
  }
  const clean = basename(text.replaceAll("\\", "/"))
    .replace(/[^\p{L}\p{N} ._()+@-]/gu, "_")
    .replace(/^[. ]+/, "")
    .slice(0, FILE_NAME_LENGTH_MAX);
  return clean === "" ? "log" : clean;
}
