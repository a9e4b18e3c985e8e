/** For tests: a file store in a folder of its own, with one place of each kind. Used by tests only. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UploadPlace } from "./file-places.ts";
import { openFileStore, type FileStore, type FileStoreOptions, type Upload } from "./file-store.ts";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export class TestFiles {
  readonly folder = mkdtempSync(join(tmpdir(), "er-files-"));
  readonly logs: string[] = [];
  readonly uploads: Upload[] = [];
  store: FileStore;
  now = Date.UTC(2026, 4, 4);
  private readonly more: Partial<FileStoreOptions>;

  constructor(more: Partial<FileStoreOptions> = {}) {
    this.more = more;
    this.store = this.open();
  }

  /** As the next start of the ER finds it. */
  open(): FileStore {
    this.store = openFileStore({
      folder: this.folder,
      budgetBytes: 20_000_000,
      uploadBytesMax: 5_000_000,
      diskFreeBytesMin: 0,
      now: () => this.now,
      onLog: (_level, message) => void this.logs.push(message),
      ...this.more,
    });
    return this.store;
  }

  async uploadPlace(stationId = "CP-1"): Promise<UploadPlace> {
    const transfer = { url: "http://127.0.0.1:1/uploads", token: "t".repeat(32) };
    return (await this.store.places.make({ kind: "upload", stationId, transfer })) as UploadPlace;
  }

  /** Firmware that is here. */
  async keepFirmware(bytes: Buffer = randomBytes(300_000)): Promise<{ bytes: Buffer; sha256: string }> {
    const hash = sha256(bytes);
    const file = await this.store.fetchFirmware(hash, bytes.length);
    await file.write(bytes);
    await file.finish();
    return { bytes, sha256: hash };
  }

  async firmwarePlace(name = "fw-1.2.bin") {
    const firmware = await this.keepFirmware();
    const place = await this.store.places.make({
      kind: "firmware",
      stationId: "CP-1",
      sha256: firmware.sha256,
      name,
    });
    return { ...firmware, place };
  }

  async keepUpload(bytes: Buffer, place?: UploadPlace): Promise<Upload> {
    const incoming = await this.store.receiveUpload(place ?? (await this.uploadPlace()), () => "log.txt");
    await incoming.write(bytes);
    return incoming.finish();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
