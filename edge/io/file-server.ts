/**
 * The HTTP server on the site's network from which stations load firmware and to which they upload logs.
 *
 *   GET  /firmware/<token>/<name>   with Range            PUT, POST  /upload/<token>/<file name>
 *
 * The token in the path is all that lets anybody in: unguessable, made for one station and one occasion, void
 * after a day. A body is the file itself, or multipart/form-data with one file in it. Nothing of a path ever
 * becomes a path on the disk. It knows nothing of OCPP.
 */
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { AppError, describeError } from "../../shared/errors.ts";
import { FILE_IDLE_MS_MAX, FILE_REQUEST_MS_MAX } from "../../shared/limits.ts";
import { listen } from "../../shared/listen.ts";
import { createGuard, plainAddress } from "./file-guard.ts";
import { boundaryOf, readMultipartFile } from "./file-multipart.ts";
import type { Place, UploadPlace } from "./file-places.ts";
import type { FileStore, Upload } from "./file-store.ts";

export type FileServerOptions = {
  host: string;
  port: number;
  store: FileStore;
  onUpload: (upload: Upload) => void;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
  /** Shorter ones, for tests. */
  limits?: { idleMs?: number; headersMs?: number };
};

const HEADERS_MS_MAX = 10_000;

/** What a station is told, by what went wrong. */
const STATUS: Record<string, number> = {
  FILE_TOO_LARGE: 413,
  FILE_EMPTY: 400,
  MULTIPART_BROKEN: 400,
  FILES_TOO_MANY: 503,
  FILES_NO_ROOM: 507,
};

/** `/upload/<token>/<any>/<name>` → its parts; undefined: no path of ours. */
export function parsePath(url: string | undefined) {
  const path = (url ?? "").split("?", 1)[0] ?? "";
  const match = /^\/(firmware|upload)\/([0-9a-f]{40})(?:\/(.{0,512}))?$/.exec(path);
  if (match === null) return undefined;
  const [, kind, token, rest = ""] = match;
  return { kind: kind as Place["kind"], token: token ?? "", name: rest.split("/").at(-1) ?? "" };
}

/**
 * One range of a file, as RFC 9110 §14 has it. `undefined`: the whole file (none asked for, several, or not
 * understood). `"none"`: there is nothing in it.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | "none" | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? "");
  if (match === null) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "none" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) return undefined;
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first >= size ? "none" : { first, last };
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  // What is left of a refused body is not read: the connection ends with the answer.
  const close = status >= 400 ? { Connection: "close" } : {};
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...close });
  response.end(`${text}\n`);
}

async function sendFirmware(
  store: FileStore,
  place: Extract<Place, { kind: "firmware" }>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = store.firmware(place.sha256);
  if (file === undefined) return answer(response, 404, "this firmware is not here any more");
  const etag = `"${place.sha256}"`;
  const condition = request.headers["if-range"];
  const same = condition === undefined || condition === etag;
  const range = same ? parseRange(request.headers.range, file.bytes) : undefined;
  const headers = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(place.name)}`,
    "Accept-Ranges": "bytes",
    ETag: etag,
  };
  if (range === "none") {
    response.writeHead(416, { ...headers, "Content-Range": `bytes */${file.bytes}`, "Content-Length": 0 });
    return void response.end();
  }
  const { first, last } = range ?? { first: 0, last: file.bytes - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    "Content-Length": last - first + 1,
    ...(range === undefined ? {} : { "Content-Range": `bytes ${first}-${last}/${file.bytes}` }),
  });
  if (request.method === "HEAD") return void response.end();
  await pipeline(createReadStream(file.path, { start: first, end: last }), response);
}

/** The name in the path counts before the one in the form: the station was told the path. */
async function takeUpload(
  store: FileStore,
  place: UploadPlace,
  name: string,
  request: IncomingMessage,
): Promise<Upload> {
  const boundary = boundaryOf(request.headers["content-type"]);
  const form: { name: string } = { name: "" };
  const raw: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
  const body = boundary === undefined ? raw : readMultipartFile(raw, boundary, (told) => (form.name = told));
  const incoming = await store.receiveUpload(place, () => name || form.name);
  try {
    for await (const chunk of body) await incoming.write(chunk);
    return await incoming.finish();
  } catch (error) {
    await incoming.abort();
    throw error;
  }
}

/** Starts listening. @throws AppError PORT_IN_USE and what `listen` throws. */
export async function startFileServer(options: FileServerOptions) {
  const { store, onLog, limits = {} } = options;
  const guard = createGuard();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const remoteAddress = plainAddress(request.socket.remoteAddress);
    const parts = parsePath(request.url);
    if (parts === undefined) return answer(response, 404, "this is where stations load and leave files");
    if (guard.blocked(remoteAddress)) return answer(response, 429, "too many wrong addresses");
    const place = store.places.of(parts.token);
    if (place === undefined || place.kind !== parts.kind) {
      guard.failed(remoteAddress);
      onLog("warn", "a file was asked for at an address that is not valid", { remoteAddress });
      return answer(response, 404, "this address is not valid, or not any more");
    }
    const reads = request.method === "GET" || request.method === "HEAD";
    const writes = request.method === "PUT" || request.method === "POST";
    const { stationId } = place;
    if (place.kind === "firmware") {
      if (!reads) return answer(response, 405, "firmware can be loaded here");
      await sendFirmware(store, place, request, response);
      return onLog("info", "firmware loaded", { stationId, name: place.name, range: request.headers.range });
    }
    if (!writes) return answer(response, 405, "files can be left here, with PUT or POST");
    if (/100-continue/i.test(request.headers.expect ?? "")) response.writeContinue();
    const upload = await takeUpload(store, place, parts.name, request);
    answer(response, 200, "thank you");
    options.onUpload(upload);
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    response.on("error", () => response.destroy());
    handle(request, response).catch((error: unknown) => {
      const status = error instanceof AppError ? (STATUS[error.code] ?? 500) : 500;
      const remoteAddress = plainAddress(request.socket.remoteAddress);
      onLog("warn", "a file of a station did not get through", {
        remoteAddress,
        reason: describeError(error),
      });
      answer(response, status, error instanceof AppError ? error.message : "it did not work");
    });
  };
  const server = createServer(
    {
      headersTimeout: limits.headersMs ?? HEADERS_MS_MAX,
      requestTimeout: FILE_REQUEST_MS_MAX,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMs ?? HEADERS_MS_MAX),
      keepAliveTimeout: 5_000,
      maxHeaderSize: 8 * 1024,
    },
    onRequest,
  );
  // Who waits for our word before a large body hears it when the token is right.
  server.on("checkContinue", onRequest);
  server.on("connection", (socket: Socket) => guard.admit(socket));
  server.setTimeout(limits.idleMs ?? FILE_IDLE_MS_MAX, (socket: Socket) => socket.destroy());

  const port = await listen(
    server,
    options,
    "another program uses the port: stop it, or set [files] http_port",
  );
  return {
    port,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        guard.closeAll();
      }),
  };
}
