/**
 * Files at the box: firmware for its stations, what they upload, and the places they were told of.
 *
 *   firmware/<sha256>         fetched and checked; `….part`: being fetched, goes on after a restart
 *   uploads/<uploadId>.data   a whole upload; `….part`: being written, worthless after a restart
 *   uploads/<uploadId>.json   what it is: written last, so that an upload exists when this does
 *   places/<placeId>.json     see `file-places.ts`
 *
 * Names on the disk are ids of ours; what a station calls a file is only remembered. Everything that is told
 * to exist has been synced. All of it is bounded: the firmware that was fetched first goes first, an upload
 * stays until the cloud has it. It knows neither HTTP nor FTP, and nothing of the cloud.
 */
import { randomUUID } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { given } from "../../shared/given.ts";
import {
  FILE_WRITERS_MAX,
  FILES_DISK_FREE_BYTES_MIN,
  FILES_PER_PLACE_MAX,
  UPLOADS_MAX,
} from "../../shared/limits.ts";
import { openPlaces, type Transfer, type UploadPlace } from "./file-places.ts";
import {
  listFolder,
  openWriter,
  readDocs,
  safeName,
  syncFolder,
  writeJson,
  type OnLog,
  type Writer,
} from "./file-write.ts";

/** Something whole that a station has left here. */
export type Upload = {
  uploadId: string;
  stationId: string;
  commandId?: string;
  placeId: string;
  name: string;
  bytes: number;
  sha256: string;
  receivedAt: number;
  transfer: Transfer;
  /** What became of it in the cloud. */
  forwarded?: Forwarded;
};

/** A file that comes in: `finish` makes it exist, `abort` makes it never have been. */
export type Incoming<T> = {
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<T>;
  abort(): Promise<void>;
};

/** The cloud has it; does not want it any more; the disk has damaged it before the cloud had it. */
export type Forwarded = "complete" | "unwanted" | "damaged";

export type FileStoreOptions = {
  folder: string;
  /** Of all files together, and of one upload. */
  budgetBytes: number;
  uploadBytesMax: number;
  now: () => number;
  onLog: OnLog;
  /** Bytes that the disk must have left. */
  diskFreeBytesMin?: number;
};

export type FileStore = ReturnType<typeof openFileStore>;

const DISK_LOOK_BYTES = 8 * 1024 * 1024;
/** One after the other is what stations do; one more, where the first has been given up without a word. */
const PLACE_WRITERS_MAX = 2;
const SHA256 = /^[0-9a-f]{64}$/;

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

function noRoom(reason: string): AppError {
  return new AppError("FILES_NO_ROOM", `no room for more files: ${reason}`, {
    hint: "uploads leave the box when the cloud has them; raise [files] budget_mb, or free some disk",
  });
}

/** @throws what the file system says when the folder cannot be made or read. */
export function openFileStore(options: FileStoreOptions) {
  const { now, onLog, budgetBytes } = options;
  const folders = {
    firmware: join(options.folder, "firmware"),
    uploads: join(options.folder, "uploads"),
    places: join(options.folder, "places"),
  };
  const places = openPlaces(folders.places, now, onLog);
  const uploads = readDocs<Upload>(folders.uploads, onLog);
  const firmware = new Map<string, { bytes: number; fetchedAt: number }>();
  /** Uploads that are being written, by place. */
  const writing = new Map<string, number>();
  /** Bytes of what is being written, by path. */
  const incoming = new Map<string, number>();
  const partial = new Map<string, number>();
  recover();

  function recover(): void {
    const found = new Set(readdirSync(folders.uploads));
    for (const [uploadId] of uploads) {
      if (found.has(`${uploadId}.data`)) continue;
      onLog("error", "an upload of a station is lost: its bytes are not there", { uploadId });
      uploads.delete(uploadId);
      rmSync(join(folders.uploads, `${uploadId}.json`), { force: true });
    }
    for (const name of found) {
      const [uploadId = "", ending] = name.split(".");
      if (ending === "part" || (ending === "data" && !uploads.has(uploadId)))
        rmSync(join(folders.uploads, name), { force: true });
    }
    for (const name of listFolder(folders.firmware)) {
      const { size, mtimeMs } = statSync(join(folders.firmware, name));
      const [sha256 = "", ending] = name.split(".");
      if (SHA256.test(sha256) && ending === undefined)
        firmware.set(sha256, { bytes: size, fetchedAt: mtimeMs });
      else if (SHA256.test(sha256) && ending === "part") partial.set(sha256, size);
    }
  }

  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  const usedBytes = () =>
    sum([...firmware.values()].map((f) => f.bytes)) +
    sum([...uploads.values()].map((u) => u.bytes)) +
    sum(partial.values()) +
    sum(incoming.values());

  /** What nobody loads at present, oldest first: halves of what nobody fetches, then whole firmware. */
  function evictOne(): boolean {
    const half = [...partial.keys()].find((sha256) => !incoming.has(sha256));
    if (half !== undefined) {
      partial.delete(half);
      rmSync(join(folders.firmware, `${half}.part`), { force: true });
      return true;
    }
    const served = new Set(places.open().map((place) => (place.kind === "firmware" ? place.sha256 : "")));
    const [oldest] = [...firmware.entries()]
      .filter(([sha256]) => !served.has(sha256))
      .sort(([, a], [, b]) => a.fetchedAt - b.fetchedAt);
    if (oldest === undefined) return false;
    firmware.delete(oldest[0]);
    rmSync(join(folders.firmware, oldest[0]), { force: true });
    onLog("info", "firmware dropped to make room", { sha256: oldest[0], bytes: oldest[1].bytes });
    return true;
  }

  function makeRoom(bytes: number): void {
    while (usedBytes() + bytes > budgetBytes) {
      if (!evictOne())
        throw noRoom(`${Math.round(usedBytes() / 1e6)} MB of ${Math.round(budgetBytes / 1e6)} are taken`);
    }
  }

  async function lookAtDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(options.folder);
    const least = options.diskFreeBytesMin ?? FILES_DISK_FREE_BYTES_MIN;
    if (bavail * bsize < least) throw noRoom(`the disk has ${Math.round((bavail * bsize) / 1e6)} MB left`);
  }

  /** Bytes → a `.part` file, counted, bounded and kept off a full disk. */
  function counted(key: string, writer: Writer, bytesMax: number): Writer {
    let sinceLook = 0;
    incoming.set(key, writer.bytes);
    partial.delete(key);
    const forget = () => incoming.delete(key);
    return {
      get bytes() {
        return writer.bytes;
      },
      async write(chunk) {
        if (writer.bytes + chunk.length > bytesMax) {
          const limit = `${Math.round(bytesMax / 1e6)} MB`;
          throw new AppError("FILE_TOO_LARGE", `the file is larger than ${limit}`);
        }
        makeRoom(chunk.length);
        incoming.set(key, writer.bytes + chunk.length);
        sinceLook += chunk.length;
        if (sinceLook > DISK_LOOK_BYTES) {
          sinceLook = 0;
          await lookAtDisk();
        }
        await writer.write(chunk);
      },
      sha256: () => writer.sha256(),
      close: () => writer.close().finally(forget),
    };
  }

  /** What is written becomes an upload: with its description, which comes last. */
  async function keepUpload(
    uploadId: string,
    place: UploadPlace,
    name: string,
    writer: Writer,
  ): Promise<Upload> {
    await writer.close();
    if (writer.bytes === 0) throw new AppError("FILE_EMPTY", "the file is empty");
    const { stationId, commandId, placeId, transfer } = place;
    const upload: Upload = {
      ...{ uploadId, stationId, placeId, name, bytes: writer.bytes },
      ...{ sha256: await writer.sha256(), receivedAt: now() },
      transfer,
      ...given("commandId", commandId),
    };
    const data = join(folders.uploads, `${uploadId}.data`);
    await rename(join(folders.uploads, `${uploadId}.part`), data);
    try {
      await writeJson(folders.uploads, uploadId, upload);
    } catch (error) {
      await rm(data, { force: true });
      throw error;
    }
    uploads.set(uploadId, upload);
    return upload;
  }

  async function dropUpload(uploadId: string): Promise<void> {
    await rm(join(folders.uploads, `${uploadId}.json`), { force: true });
    await rm(join(folders.uploads, `${uploadId}.data`), { force: true });
    uploads.delete(uploadId);
  }

  return {
    get usedBytes() {
      return usedBytes();
    },
    /** Places that stations were told of. */
    places,

    /** Whole firmware that is here. */
    firmware(sha256: string): { path: string; bytes: number } | undefined {
      const found = firmware.get(sha256);
      return found === undefined ? undefined : { path: join(folders.firmware, sha256), bytes: found.bytes };
    },

    /**
     * Goes on where the last attempt ended (`bytes`). Two at a time are refused. What was written stays after
     * `close`; `finish` makes it whole, and throws it away where it is not what it should be.
     * @throws AppError FILES_NO_ROOM, FILE_BUSY.
     */
    async fetchFirmware(sha256: string, size: number) {
      if (!SHA256.test(sha256)) throw new AppError("FILE_INVALID", "no SHA-256");
      if (incoming.has(sha256)) throw new AppError("FILE_BUSY", "this firmware is being fetched already");
      const path = join(folders.firmware, `${sha256}.part`);
      const have = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      incoming.set(sha256, have);
      partial.delete(sha256);
      try {
        await lookAtDisk();
        makeRoom(Math.max(0, size - have));
        const opened = await openWriter(path, have > size ? 0 : have);
        const writer = counted(sha256, opened, size);
        let finished = false;
        return {
          get bytes() {
            return writer.bytes;
          },
          write: (chunk: Uint8Array) => writer.write(chunk),
          async close(): Promise<void> {
            if (finished) return;
            partial.set(sha256, writer.bytes);
            await writer.close();
          },
          async finish(): Promise<void> {
            finished = true;
            await writer.close();
            const right = writer.bytes === size && (await writer.sha256()) === sha256;
            if (!right) {
              await rm(path, { force: true });
              throw new AppError("FILE_DAMAGED", "what was fetched is not what it should be (SHA-256)");
            }
            await rename(path, join(folders.firmware, sha256));
            await syncFolder(folders.firmware);
            firmware.set(sha256, { bytes: size, fetchedAt: now() });
          },
        };
      } catch (error) {
        incoming.delete(sha256);
        if (have > 0) partial.set(sha256, have);
        throw error;
      }
    },

    /**
     * A station begins to write.
     * @param nameOf asked at the end, what the station calls it.
     * @throws AppError FILES_NO_ROOM, FILES_TOO_MANY.
     */
    async receiveUpload(place: UploadPlace, nameOf: () => string): Promise<Incoming<Upload>> {
      const here = [...uploads.values()];
      const { placeId } = place;
      const atOnce = writing.get(placeId) ?? 0;
      const tooMany =
        here.length >= UPLOADS_MAX ||
        incoming.size >= FILE_WRITERS_MAX ||
        atOnce >= PLACE_WRITERS_MAX ||
        here.filter((upload) => upload.placeId === placeId).length + atOnce >= FILES_PER_PLACE_MAX;
      if (tooMany) throw new AppError("FILES_TOO_MANY", "too many files wait or are written at once");
      const uploadId = randomUUID();
      const path = join(folders.uploads, `${uploadId}.part`);
      incoming.set(uploadId, 0);
      writing.set(placeId, atOnce + 1);
      const ended = once(() => {
        incoming.delete(uploadId);
        const left = (writing.get(placeId) ?? 1) - 1;
        if (left > 0) writing.set(placeId, left);
        else writing.delete(placeId);
      });
      try {
        await lookAtDisk();
        const writer = counted(uploadId, await openWriter(path, 0), options.uploadBytesMax);
        const abort = async () => {
          await writer.close().catch(() => undefined);
          await rm(path, { force: true });
          ended();
        };
        return {
          abort,
          write: (chunk) => writer.write(chunk),
          async finish() {
            try {
              return await keepUpload(uploadId, place, safeName(nameOf()), writer);
            } finally {
              await abort();
            }
          },
        };
      } catch (error) {
        ended();
        throw error;
      }
    },

    /** Oldest first. */
    uploads: (): Upload[] => [...uploads.values()].sort((a, b) => a.receivedAt - b.receivedAt),
    uploadPath: (uploadId: string): string => join(folders.uploads, `${uploadId}.data`),

    /** The cloud has said what it thinks of it; it is kept until `dropUpload`. */
    async markForwarded(uploadId: string, forwarded: Forwarded): Promise<void> {
      const upload = uploads.get(uploadId);
      if (upload === undefined) return;
      const marked = { ...upload, forwarded };
      await writeJson(folders.uploads, uploadId, marked);
      uploads.set(uploadId, marked);
    },

    dropUpload,
  };
}
