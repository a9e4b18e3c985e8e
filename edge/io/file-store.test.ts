/** What the box keeps of files, over a kill at any point and within its bounds. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FILE_PLACE_MS, FILES_PER_PLACE_MAX } from "../../shared/limits.ts";
import { sha256, TestFiles } from "./file-harness.ts";
import { safeName } from "./file-write.ts";

let files: TestFiles;
beforeEach(() => void (files = new TestFiles()));
afterEach(() => files.remove());
const inFolder = (name: string) => readdirSync(join(files.folder, name));

describe("an upload", () => {
  test("is there after a restart, with its bytes and all that is known of it", async () => {
    const bytes = randomBytes(200_000);
    const upload = await files.keepUpload(bytes);
    expect(upload).toMatchObject({
      stationId: "CP-1",
      name: "log.txt",
      bytes: 200_000,
      sha256: sha256(bytes),
    });
    const again = files.open();
    expect(again.uploads()).toEqual([upload]);
    expect(readFileSync(again.uploadPath(upload.uploadId))).toEqual(bytes);
    expect(again.usedBytes).toBe(200_000);
  });

  test("that was being written when the power went is gone, with its bytes", async () => {
    const incoming = await files.store.receiveUpload(await files.uploadPlace(), () => "half");
    await incoming.write(randomBytes(1_000));
    expect(inFolder("uploads")).toHaveLength(1);
    expect(files.open().uploads()).toEqual([]);
    expect(inFolder("uploads")).toEqual([]);
    expect(files.store.usedBytes).toBe(0);
    await incoming.abort();
  });

  test("whose description was not written yet never was; half of a description neither", async () => {
    const upload = await files.keepUpload(randomBytes(1_000));
    const json = join(files.folder, "uploads", `${upload.uploadId}.json`);
    writeFileSync(`${json}.tmp`, readFileSync(json).subarray(0, 20));
    rmSync(json);
    expect(files.open().uploads()).toEqual([]);
    expect(inFolder("uploads")).toEqual([]);
  });

  test("whose bytes or description the disk has lost is said to be lost, the others stay", async () => {
    const lost = await files.keepUpload(randomBytes(1_000));
    const torn = await files.keepUpload(randomBytes(1_000));
    const kept = await files.keepUpload(randomBytes(1_000));
    rmSync(files.store.uploadPath(lost.uploadId));
    writeFileSync(join(files.folder, "uploads", `${torn.uploadId}.json`), "\0\0\0");
    expect(files.open().uploads()).toEqual([kept]);
    expect(files.logs).toContain("an upload of a station is lost: its bytes are not there");
    expect(files.logs).toContain("what a file of a station is cannot be read: it is lost");
    expect(inFolder("uploads").sort()).toEqual([`${kept.uploadId}.data`, `${kept.uploadId}.json`].sort());
  });

  test("that the cloud has is known to be so after a restart, and gone when it is dropped", async () => {
    const upload = await files.keepUpload(randomBytes(1_000));
    await files.store.markForwarded(upload.uploadId, "complete");
    expect(files.open().uploads()[0]?.forwarded).toBe("complete");
    await files.store.dropUpload(upload.uploadId);
    expect(inFolder("uploads")).toEqual([]);
    expect(files.store.usedBytes).toBe(0);
  });

  test("that is empty, aborted or too large leaves nothing", async () => {
    const place = await files.uploadPlace();
    const empty = await files.store.receiveUpload(place, () => "empty");
    await expect(empty.finish()).rejects.toMatchObject({ code: "FILE_EMPTY" });
    const aborted = await files.store.receiveUpload(place, () => "aborted");
    await aborted.write(randomBytes(1_000));
    await aborted.abort();
    const large = await files.store.receiveUpload(place, () => "large");
    await large.write(randomBytes(4_999_999));
    await expect(large.write(randomBytes(2))).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
    await large.abort();
    expect(inFolder("uploads")).toEqual([]);
    expect(files.store.usedBytes).toBe(0);
  });

  test("one station cannot leave files without end, nor write many at once", async () => {
    const place = await files.uploadPlace();
    const two = [
      await files.store.receiveUpload(place, () => "a"),
      await files.store.receiveUpload(place, () => "b"),
    ];
    await expect(files.store.receiveUpload(place, () => "c")).rejects.toMatchObject({
      code: "FILES_TOO_MANY",
    });
    for (const incoming of two) await incoming.abort();
    for (let i = 0; i < FILES_PER_PLACE_MAX; i++) await files.keepUpload(randomBytes(10), place);
    await expect(files.keepUpload(randomBytes(10), place)).rejects.toMatchObject({ code: "FILES_TOO_MANY" });
    await files.keepUpload(randomBytes(10), await files.uploadPlace("CP-2"));
  });
});

describe("firmware", () => {
  test("goes on where it was broken off, also after a kill, and is checked as a whole", async () => {
    const bytes = randomBytes(500_000);
    const hash = sha256(bytes);
    const first = await files.store.fetchFirmware(hash, bytes.length);
    await first.write(bytes.subarray(0, 123_456));
    // No close: the process is gone.
    files.open();
    const second = await files.store.fetchFirmware(hash, bytes.length);
    expect(second.bytes).toBe(123_456);
    await second.write(bytes.subarray(123_456));
    await second.finish();
    expect(files.open().firmware(hash)?.bytes).toBe(500_000);
    expect(readFileSync(files.store.firmware(hash)?.path ?? "")).toEqual(bytes);
    await first.close();
  });

  test("that is not what it should be is thrown away, and begins anew", async () => {
    const hash = sha256(randomBytes(10));
    const file = await files.store.fetchFirmware(hash, 1_000);
    await file.write(randomBytes(1_000));
    await expect(file.finish()).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    expect(inFolder("firmware")).toEqual([]);
    const again = await files.store.fetchFirmware(hash, 1_000);
    expect(again.bytes).toBe(0);
    await again.close();
  });

  test("more bytes than were told are refused", async () => {
    const file = await files.store.fetchFirmware("0".repeat(64), 1_000);
    await expect(file.write(randomBytes(1_001))).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
    await file.close();
  });

  test("the one that was fetched first makes room, one that a station may still load does not", async () => {
    files.remove();
    files = new TestFiles({ budgetBytes: 1_000_000 });
    const old = await files.keepFirmware(randomBytes(400_000));
    files.now += 1_000;
    const recent = await files.keepFirmware(randomBytes(400_000));
    files.now += 1_000;
    const newest = await files.keepFirmware(randomBytes(400_000));
    expect(files.store.firmware(old.sha256)).toBeUndefined();
    const known = [recent, newest];
    for (const { sha256: hash } of known)
      await files.store.places.make({ kind: "firmware", stationId: "CP-1", sha256: hash, name: "fw" });
    const more = files.keepFirmware(randomBytes(400_000));
    await expect(more).rejects.toMatchObject({ code: "FILES_NO_ROOM" });
    for (const { sha256: hash } of known) expect(files.store.firmware(hash)).toBeDefined();
    files.now += FILE_PLACE_MS;
    await files.keepFirmware(randomBytes(400_000));
    expect(files.store.firmware(recent.sha256)).toBeUndefined();
  });

  test("uploads never make room: they are the only copy", async () => {
    files.remove();
    files = new TestFiles({ budgetBytes: 1_000_000 });
    const place = await files.uploadPlace();
    for (let i = 0; i < 3; i++) await files.keepUpload(randomBytes(300_000), place);
    await expect(files.keepUpload(randomBytes(300_000), place)).rejects.toMatchObject({
      code: "FILES_NO_ROOM",
    });
    expect(files.store.uploads()).toHaveLength(3);
    expect(files.store.usedBytes).toBe(900_000);
  });

  test("nothing is taken in while the disk is nearly full: the journal comes first", async () => {
    files.remove();
    files = new TestFiles({ diskFreeBytesMin: Number.MAX_SAFE_INTEGER });
    await expect(files.keepUpload(randomBytes(10))).rejects.toMatchObject({ code: "FILES_NO_ROOM" });
    expect(inFolder("uploads")).toEqual([]);
  });
});

describe("a place", () => {
  test("is found by its token alone, over a restart, for a day", async () => {
    const place = await files.uploadPlace();
    expect(place.token).toMatch(/^[0-9a-f]{40}$/);
    expect(files.open().places.of(place.token)).toEqual(place);
    expect(files.store.places.of(place.placeId)).toBeUndefined();
    expect(files.store.places.of("")).toBeUndefined();
    files.now += FILE_PLACE_MS;
    expect(files.store.places.of(place.token)).toBeUndefined();
    await files.uploadPlace();
    expect(inFolder("places")).toHaveLength(1);
  });
});

test("what a station calls a file is never a path", () => {
  const names = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "a\\b\\c.log",
    "....//x",
    "\0\n.bashrc",
    "",
    "%",
    "..",
    "/",
  ];
  expect(names.map(safeName)).toEqual([
    "passwd",
    "passwd",
    "c.log",
    "x",
    "__.bashrc",
    "log",
    "_",
    "log",
    "log",
  ]);
  expect(safeName("x".repeat(500))).toHaveLength(128);
  expect(existsSync("/etc/passwd")).toBe(true);
});
