/**
 * Bytes of files on the SG's disk: firmware, and logs that come in pieces. What they are is in the table `file`.
 *
 * `<folder>/<first two of the id>/<id>` is whole, synced and checked; `….part` is on its way. Names are ids of
 * ours, never of a client. Pieces carry their offset: two that come at once write the same bytes twice.
 * Several copies of the SG need one folder (a shared file system).
 */
import { createHash } from "node:crypto";
import { constants, createReadStream, type ReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../shared/errors.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export type FileFolder = ReturnType<typeof openFileFolder>;

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** The folder is made when the first file comes. */
export function openFileFolder(folder: string) {
  const pathOf = (fileId: string): string => {
    if (!UUID.test(fileId)) throw new Error("file ids are UUIDs");
    return join(folder, fileId.slice(0, 2), fileId);
  };
  const partOf = (fileId: string) => `${pathOf(fileId)}.part`;
  const sizeOf = (path: string) =>
    stat(path).then(
      (s) => s.size,
      () => undefined,
    );

  /** Bytes from `offset` on, at most up to `sizeMax`; synced also when the stream breaks. @returns the length. */
  async function writeAt(
    path: string,
    offset: number,
    stream: AsyncIterable<Uint8Array>,
    sizeMax: number,
    onChunk: (chunk: Uint8Array) => void = () => undefined,
  ): Promise<number> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    let length = offset;
    try {
      for await (const chunk of stream) {
        if (length + chunk.length > sizeMax)
          throw new AppError("FILE_TOO_LARGE", "more bytes than were told");
        let done = 0;
        while (done < chunk.length)
          done += (await file.write(chunk, done, chunk.length - done, length + done)).bytesWritten;
        length += chunk.length;
        onChunk(chunk);
      }
      return length;
    } finally {
      await file.sync();
      await file.close();
    }
  }

  async function settle(fileId: string): Promise<void> {
    const path = pathOf(fileId);
    await rename(partOf(fileId), path);
    await syncFolder(dirname(path));
  }

  return {
    /** A whole file in one go. @throws AppError FILE_TOO_LARGE; what was written is gone then. */
    async put(fileId: string, stream: AsyncIterable<Uint8Array>, sizeMax: number) {
      const hash = createHash("sha256");
      try {
        const size = await writeAt(partOf(fileId), 0, stream, sizeMax, (chunk) => hash.update(chunk));
        await settle(fileId);
        return { size, sha256: hash.digest("hex") };
      } catch (error) {
        await rm(partOf(fileId), { force: true });
        throw error;
      }
    },

    /** How much of a file that comes in pieces is here. */
    length: async (fileId: string): Promise<number> =>
      (await sizeOf(pathOf(fileId))) ?? (await sizeOf(partOf(fileId))) ?? 0,

    /** Appends a piece. @returns the new length. */
    append: (fileId: string, offset: number, stream: AsyncIterable<Uint8Array>, size: number) =>
      writeAt(partOf(fileId), offset, stream, size),

    /** All pieces are here. @returns false: they are not what they should be, and are gone. */
    async finish(fileId: string, sha256: string): Promise<boolean> {
      if ((await sizeOf(pathOf(fileId))) !== undefined) return true;
      if ((await sha256Of(partOf(fileId))) !== sha256) {
        await rm(partOf(fileId), { force: true });
        return false;
      }
      await settle(fileId);
      return true;
    },

    /** Undefined when it is not here, or not whole. */
    async read(fileId: string, first = 0): Promise<{ stream: ReadStream; size: number } | undefined> {
      const path = pathOf(fileId);
      const size = await sizeOf(path);
      return size === undefined ? undefined : { stream: createReadStream(path, { start: first }), size };
    },

    async remove(fileId: string): Promise<void> {
      await rm(pathOf(fileId), { force: true });
      await rm(partOf(fileId), { force: true });
    },
  };
}
