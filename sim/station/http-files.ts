/**
 * A simulated station's way to files: plain HTTP, with bounds on time and size. It knows nothing of messages.
 */
import { describeError } from "../../shared/errors.ts";
import type { FilePort } from "./upkeep.ts";

const TRANSFER_TIMEOUT_MS = 60_000;
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Uploads with PUT, behind the name of the file unless the address already ends in one. */
export const httpFiles: FilePort = {
  upload({ location, name, text }, done) {
    const address = location.endsWith("/") ? location + encodeURIComponent(name) : location;
    const headers = { "content-type": "text/plain; charset=utf-8" };
    ask(address, { method: "PUT", headers, body: text }).then(
      () => done(),
      (error: unknown) => done(describeError(error)),
    );
  },
  download(location, done) {
    ask(location, {}).then(done, (error: unknown) => done({ failure: describeError(error) }));
  },
};

async function ask(location: string, request: RequestInit): Promise<Uint8Array> {
  if (!/^https?:\/\//i.test(location)) throw new Error(`this station moves files over HTTP, not ${location}`);
  const response = await fetch(location, { ...request, signal: AbortSignal.timeout(TRANSFER_TIMEOUT_MS) });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > FILE_BYTES_MAX) throw new Error(`the file is larger than ${FILE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return Buffer.concat(chunks);
}
