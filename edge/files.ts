/**
 * Files at the edge: firmware from the cloud to the stations, logs from the stations to the cloud.
 *
 * The core asks for a place (`files.prepare`) and gets the address that its station is to be told; a file that a
 * station has left is told to the core, and told again at every start until the cloud has it and the core has
 * written that down (`files.drop`). What is journalled, and when, is the core's business.
 */
import { join } from "node:path";
import { describeError } from "../shared/errors.ts";
import { given } from "../shared/given.ts";
import { FILES_BUDGET_MB, UPLOAD_MB_MAX } from "../shared/limits.ts";
import type { Config } from "./config.ts";
import type { Effect, Input } from "./core/types.ts";
import { createFetcher } from "./files-fetch.ts";
import { startForwarder } from "./files-forward.ts";
import { urlHost } from "./io/file-guard.ts";
import { startFileServer } from "./io/file-server.ts";
import type { NewPlace, Place } from "./io/file-places.ts";
import { openFileStore, type Upload } from "./io/file-store.ts";
import { startFtpServer } from "./io/ftp-server.ts";

export const DEFAULT_HTTP_PORT = 8_182;
export const DEFAULT_FTP_PORT = 8_121;

/** The HTTP server, and the FTP server if it is not switched off. Both or none. */
async function listen(
  config: NonNullable<Config["files"]>,
  shared: Pick<Parameters<typeof startFtpServer>[0], "store" | "onUpload" | "onLog">,
) {
  const { host = "0.0.0.0", http_port: httpPort = DEFAULT_HTTP_PORT } = config;
  const http = await startFileServer({ host, port: httpPort, ...shared });
  if (config.ftp === false) return { http };
  try {
    const port = config.ftp_port ?? DEFAULT_FTP_PORT;
    return {
      http,
      ftp: await startFtpServer({ host, port, ...shared, ...given("advertise", config.advertise) }),
    };
  } catch (error) {
    await http.stop();
    throw error;
  }
}
type Servers = Awaited<ReturnType<typeof listen>>;

type Prepare = Extract<Effect, { kind: "files.prepare" }>;

export type FilesOptions = {
  dataDir: string;
  config: Config["files"];
  /** Where the box is, as the station of this connection sees it. */
  localAddressOf: (connectionId: number) => string | undefined;
  onInput: (input: Input) => void;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};

export type Files = ReturnType<typeof startFiles>;

/** Stations are no browsers: nothing in a name that would have to be escaped. */
const plainName = (name: string): string => name.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, 100) || "firmware";

/** Nothing listens before a station has been told an address: most boxes never need to, and none all the time. */
export function startFiles(options: FilesOptions) {
  const { config = {}, onInput, onLog } = options;
  const store = openFileStore({
    folder: join(options.dataDir, "files"),
    budgetBytes: (config.budget_mb ?? FILES_BUDGET_MB) * 1024 * 1024,
    uploadBytesMax: (config.upload_max_mb ?? UPLOAD_MB_MAX) * 1024 * 1024,
    now: Date.now,
    onLog,
  });
  const received = ({ uploadId, stationId, name, bytes, sha256, commandId }: Upload) =>
    onInput({
      kind: "files.received",
      uploadId,
      stationId,
      name,
      bytes,
      sha256,
      ...given("commandId", commandId),
    });
  const fetcher = createFetcher({ store, onLog });
  const forwarder = startForwarder({
    store,
    onLog,
    onForwarded: ({ uploadId }, result) => onInput({ kind: "files.forwarded", uploadId, result }),
  });
  const onUpload = (upload: Upload) => {
    const { stationId, name, bytes } = upload;
    onLog("info", "a station has left a file", { stationId, name, bytes });
    received(upload);
    forwarder.kick();
  };
  let listening: Promise<Servers> | undefined;
  /** A port that is taken now may be free the next time. */
  function servers(): Promise<Servers> {
    listening ??= listen(config, { store, onUpload, onLog }).catch((error: unknown) => {
      listening = undefined;
      throw error;
    });
    return listening;
  }
  if (store.places.open().length > 0)
    servers().catch((error: unknown) =>
      onLog("error", "files are not served", { reason: describeError(error) }),
    );
  for (const upload of store.uploads()) {
    if (upload.forwarded === undefined) received(upload);
    else onInput({ kind: "files.forwarded", uploadId: upload.uploadId, result: upload.forwarded });
  }

  function locationOf(
    place: Place,
    host: string,
    { http, ftp }: Servers,
    protocol: Prepare["protocol"],
  ): string {
    // A station may put the name of its file behind it, with or without a slash of its own.
    const name = place.kind === "firmware" ? place.name : "";
    if (protocol === "ftp" && ftp !== undefined)
      return `ftp://${place.placeId}:${place.token}@${host}:${ftp.port}/${name}`;
    return `http://${host}:${http.port}/${place.kind}/${place.token}/${name}`;
  }

  async function prepare(effect: Prepare): Promise<string> {
    const address = config.advertise ?? options.localAddressOf(effect.connectionId);
    if (address === undefined) throw new Error("the station is not connected any more");
    if (effect.protocol === "ftp" && config.ftp === false)
      throw new Error("the station knows only FTP, which is switched off at this site ([files] ftp)");
    const ready = await servers();
    const { stationId, commandId, wanted } = effect;
    let place: NewPlace = { kind: "upload", stationId, commandId, transfer: wanted.transfer };
    if (wanted.kind === "firmware") {
      const { sha256, name } = wanted.transfer;
      await fetcher.ensure(wanted.transfer, effect.withinMs);
      place = { kind: "firmware", stationId, commandId, sha256, name: plainName(name) };
    }
    return locationOf(await store.places.make(place), urlHost(address), ready, effect.protocol);
  }

  return {
    /** Answers with `files.ready` or `files.failed`. */
    prepare(effect: Prepare): void {
      const { commandId } = effect;
      prepare(effect).then(
        (location) => onInput({ kind: "files.ready", commandId, location }),
        (error: unknown) => onInput({ kind: "files.failed", commandId, reason: describeError(error) }),
      );
    },
    drop(uploadId: string): void {
      store.dropUpload(uploadId).catch((error: unknown) =>
        onLog("warn", "a file that the cloud has could not be removed", {
          uploadId,
          reason: describeError(error),
        }),
      );
    },
    linkUp(): void {
      forwarder.kick();
    },
    /** For the gauges: what the files take, and how many wait for the cloud. */
    gauges: () => ({
      bytes: store.usedBytes,
      waiting: store.uploads().filter((upload) => upload.forwarded === undefined).length,
    }),
    async stop(): Promise<void> {
      const up = await listening?.catch(() => undefined);
      await Promise.all([up?.http.stop(), up?.ftp?.stop(), fetcher.stop(), forwarder.stop()]);
    },
  };
}
