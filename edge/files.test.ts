/** Files between the box and the cloud: a cloud on the wire that breaks off, forgets and lies. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../sim/services/until.ts";
import type { Effect, Input } from "./core/types.ts";
import { createFetcher, type FirmwareSource } from "./files-fetch.ts";
import { startForwarder } from "./files-forward.ts";
import { startFiles } from "./files.ts";
import { TestFiles } from "./io/file-harness.ts";
import type { UploadPlace } from "./io/file-places.ts";
import type { Upload } from "./io/file-store.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
let cloud: Server;
let base: string;
let handle: Handler;
let requests: { method: string; url: string; headers: IncomingMessage["headers"] }[];
const cleanUps: (() => unknown)[] = [];

beforeEach(async () => {
  requests = [];
  cloud = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (chunk: Buffer) => parts.push(chunk));
    request.on("end", () => {
      requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
      handle(request, response, Buffer.concat(parts));
    });
  });
  await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(cloud.address() as { port: number }).port}`;
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  cloud.closeAllConnections();
  await new Promise((resolve) => cloud.close(resolve));
});

function newFiles(): TestFiles {
  const files = new TestFiles();
  cleanUps.push(() => files.remove());
  return files;
}
const quiet = () => undefined;

/**
 * Each request asks for what is still wanting. How much of the last piece had arrived when its line was cut
 * is the operating system's business, so at least so many requests were needed, each further on.
 */
function expectOnwards(asked: typeof requests, atLeast: number): void {
  const starts = asked.map((r) => Number(/^bytes=(\d+)-$/.exec(r.headers.range ?? "")?.[1] ?? 0));
  expect(asked[0]?.headers.range).toBeUndefined();
  expect(starts.length).toBeGreaterThanOrEqual(atLeast);
  for (const [i, start] of starts.entries()) if (i > 0) expect(start).toBeGreaterThan(starts[i - 1] ?? 0);
}

describe("firmware", () => {
  const bytes = randomBytes(1_000_000);
  const source = (): FirmwareSource => ({
    ...{ url: `${base}/firmware`, token: "secret-of-this-command" },
    ...{ sha256: sha256(bytes), size: bytes.length, name: "fw.bin" },
  });
  function fetcher(files: TestFiles) {
    const made = createFetcher({ store: files.store, onLog: quiet, random: () => 0 });
    cleanUps.push(() => made.stop());
    return made;
  }
  /** Sends from where it is asked to, and cuts the connection after so many bytes. */
  const cutAfter =
    (length: number): Handler =>
    (request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { "Content-Length": bytes.length - from });
      const piece = bytes.subarray(from, from + length);
      response.write(piece, () => {
        if (from + length < bytes.length) response.destroy();
        else response.end();
      });
    };

  test("goes on where the line was cut, as often as it takes, with its command's token", async () => {
    const files = newFiles();
    handle = cutAfter(400_000);
    await fetcher(files).ensure(source(), 60_000);
    expect(files.store.firmware(sha256(bytes))?.bytes).toBe(1_000_000);
    expectOnwards(requests, 3);
    expect(requests.every((r) => r.headers.authorization === "Bearer secret-of-this-command")).toBe(true);
  });

  test("goes on after a restart of the box", async () => {
    const files = newFiles();
    handle = cutAfter(700_000);
    await expect(fetcher(files).ensure(source(), 0)).rejects.toThrow();
    files.open();
    await fetcher(files).ensure(source(), 60_000);
    expectOnwards(requests, 2);
  });

  test("from a cloud that knows no ranges comes right all the same", async () => {
    const files = newFiles();
    handle = cutAfter(300_000);
    await expect(fetcher(files).ensure(source(), 0)).rejects.toThrow();
    handle = (_request, response) => void response.end(bytes);
    await fetcher(files).ensure(source(), 60_000);
    expect(files.store.firmware(sha256(bytes))).toBeDefined();
  });

  test("many who want it share one download; who wants it later finds it here", async () => {
    const files = newFiles();
    handle = cutAfter(bytes.length);
    const shared = fetcher(files);
    await Promise.all(Array.from({ length: 50 }, () => shared.ensure(source(), 60_000)));
    await shared.ensure(source(), 60_000);
    expect(requests).toHaveLength(1);
  });

  test("that is gone from the cloud, or is not what it should be, is given up with the reason", async () => {
    const files = newFiles();
    handle = (_request, response) => void response.writeHead(410).end();
    await expect(fetcher(files).ensure(source(), 60_000)).rejects.toThrow("HTTP 410");
    expect(requests).toHaveLength(1);
    handle = (_request, response) => void response.end(randomBytes(bytes.length));
    await expect(fetcher(files).ensure(source(), 60_000)).rejects.toThrow("SHA-256");
    expect(requests).toHaveLength(4);
    expect(files.store.usedBytes).toBe(0);
  });

  test("is not asked for any more once the command's time is up", async () => {
    handle = (_request, response) => void response.writeHead(503).end();
    await expect(fetcher(newFiles()).ensure(source(), 300)).rejects.toThrow("HTTP 503");
    expect(requests).toHaveLength(1);
  });
});

/** A cloud that takes uploads, with switches for what may go wrong. */
class Cloud {
  readonly held = new Map<string, { bytes: Buffer; told: { size: number; sha256: string; name: string } }>();
  /** Answers before it does anything; undefined: it works. */
  refuse: (method: string) => number | undefined = () => undefined;
  /** What it does not say although it is done: the line is cut first. */
  silent = false;
  pieces = 0;

  readonly handle: Handler = (request, response, body) => {
    const refusal = this.refuse(request.method ?? "");
    if (refusal !== undefined) return void response.writeHead(refusal).end();
    const id = request.url?.split("/").at(-1) ?? "";
    if (request.method === "PUT")
      this.held.set(id, {
        bytes: this.held.get(id)?.bytes ?? Buffer.alloc(0),
        told: JSON.parse(String(body)) as never,
      });
    const file = this.held.get(id);
    if (file === undefined) return void response.writeHead(404).end();
    let status = 200;
    if (request.method === "PATCH") {
      this.pieces += 1;
      if (Number(request.headers["upload-offset"]) === file.bytes.length)
        file.bytes = Buffer.concat([file.bytes, body]);
      else status = 409;
    }
    if (this.silent) return void response.destroy();
    const complete = file.bytes.length === file.told.size;
    if (complete && sha256(file.bytes) !== file.told.sha256) {
      file.bytes = Buffer.alloc(0);
      return void response.writeHead(422).end();
    }
    response.writeHead(status).end(JSON.stringify({ offset: file.bytes.length, complete }));
  };
}

describe("a log", () => {
  const place = async (files: TestFiles) => {
    const transfer = { url: `${base}/uploads`, token: "t".repeat(32) };
    return (await files.store.places.make({ kind: "upload", stationId: "CP-1", transfer })) as UploadPlace;
  };
  const leave = async (files: TestFiles, bytes: Buffer) => files.keepUpload(bytes, await place(files));
  function forwarder(files: TestFiles) {
    const done: [string, string][] = [];
    const onForwarded = (upload: Upload, result: string) => void done.push([upload.uploadId, result]);
    const started = startForwarder({ store: files.store, onForwarded, onLog: quiet, random: () => 0 });
    cleanUps.push(() => started.stop());
    return { done, started };
  }

  test("reaches the cloud in pieces, whole, and is marked so before anybody is told", async () => {
    const files = newFiles();
    const taker = new Cloud();
    handle = taker.handle;
    const bytes = randomBytes(1_000_000);
    const { uploadId } = await leave(files, bytes);
    const { done } = forwarder(files);
    await until("it is forwarded", () => done.length === 1);
    expect(done).toEqual([[uploadId, "complete"]]);
    expect(taker.held.get(uploadId)?.bytes.equals(bytes)).toBe(true);
    expect(taker.pieces).toBe(4);
    expect(files.open().uploads()[0]?.forwarded).toBe("complete");
    expect(requests.every((r) => r.headers.authorization === `Bearer ${"t".repeat(32)}`)).toBe(true);
  });

  test("waits while the link is down, goes on where it was when it is back, also after a restart", async () => {
    const files = newFiles();
    const taker = new Cloud();
    handle = taker.handle;
    const bytes = randomBytes(1_000_000);
    const { uploadId } = await leave(files, bytes);
    taker.refuse = (method) => (method === "PATCH" && taker.pieces >= 2 ? 502 : undefined);
    const first = forwarder(files);
    await until("half of it is there", () => (taker.held.get(uploadId)?.bytes.length ?? 0) > 500_000);
    await first.started.stop();
    expect(first.done).toEqual([]);
    files.open();
    taker.refuse = () => undefined;
    const second = forwarder(files);
    await until("it is forwarded", () => second.done.length === 1);
    expect(taker.pieces).toBe(4);
    expect(taker.held.get(uploadId)?.bytes.equals(bytes)).toBe(true);
  });

  test("whose last piece arrived but not the answer is not sent again", async () => {
    const files = newFiles();
    const taker = new Cloud();
    handle = taker.handle;
    const { uploadId } = await leave(files, randomBytes(1_000));
    taker.silent = true;
    const { done, started } = forwarder(files);
    await until("the cloud knows of it", () => taker.held.has(uploadId));
    taker.held.get(uploadId)!.bytes = Buffer.alloc(0);
    taker.silent = false;
    started.kick();
    await until("it is forwarded", () => done.length === 1);
    expect(taker.pieces).toBe(1);
  });

  test("is sent again with a pause by a box whose cloud takes nothing", async () => {
    const files = newFiles();
    await leave(files, randomBytes(1_000));
    let pieces = 0;
    handle = (request, response) => {
      if (request.method === "PATCH") pieces += 1;
      response.writeHead(request.method === "PATCH" ? 409 : 200).end(JSON.stringify({ offset: 0 }));
    };
    const logs: unknown[] = [];
    const started = startForwarder({
      ...{ store: files.store, onForwarded: () => undefined, random: () => 0 },
      onLog: (_level, _message, fields) => void logs.push(fields["reason"]),
    });
    cleanUps.push(() => started.stop());
    await until("it is said", () => logs.length === 1);
    expect(pieces).toBe(1);
    expect(logs).toEqual([expect.stringContaining("did not take")]);
  });

  test("is never given up: refused, forgotten and damaged on the way, it is sent until it is there", async () => {
    const files = newFiles();
    const taker = new Cloud();
    handle = taker.handle;
    const bytes = randomBytes(300_000);
    const { uploadId } = await leave(files, bytes);
    let failures = 0;
    taker.refuse = (method) => [500, 401, 404, 403][method === "PUT" ? failures++ : 9];
    const { done, started } = forwarder(files);
    for (let i = 1; i <= 4; i++) {
      await until(`attempt ${i}`, () => failures >= i);
      await until("it is sent", () => (started.kick(), failures > i || done.length > 0));
    }
    await until("it is forwarded", () => done.length === 1);
    expect(taker.held.get(uploadId)?.bytes.equals(bytes)).toBe(true);
    expect(files.store.uploads()).toHaveLength(1);
  });

  test("that nobody wants any more, and one whose bytes the disk has lost, do not stay for ever", async () => {
    const files = newFiles();
    const taker = new Cloud();
    handle = taker.handle;
    taker.refuse = () => 410;
    const unwanted = await leave(files, randomBytes(10));
    const { done, started } = forwarder(files);
    await until("it is unwanted", () => done.length === 1);
    expect(done[0]).toEqual([unwanted.uploadId, "unwanted"]);
    taker.refuse = () => 422;
    const whole = await leave(files, randomBytes(10));
    const damaged = await leave(files, randomBytes(10));
    writeFileSync(files.store.uploadPath(damaged.uploadId), randomBytes(10));
    started.kick();
    await until("the damaged one is out", () => done.length === 2);
    expect(done[1]).toEqual([damaged.uploadId, "damaged"]);
    expect(files.store.uploads().find((u) => u.uploadId === whole.uploadId)?.forwarded).toBeUndefined();
  });

  test("that fails does not hold up the others", async () => {
    const files = newFiles();
    const taker = new Cloud();
    const stuck = await leave(files, randomBytes(10));
    handle = (request, response, body) =>
      request.url?.includes(stuck.uploadId) === true
        ? void response.writeHead(500).end()
        : taker.handle(request, response, body);
    files.now += 1_000;
    const other = await leave(files, randomBytes(10));
    const { done } = forwarder(files);
    await until("the other is forwarded", () => done.length === 1);
    expect(done[0]?.[0]).toBe(other.uploadId);
  });
});

describe("the box as a whole", () => {
  const bytes = randomBytes(200_000);
  const dataDir = () => {
    const folder = mkdtempSync(join(tmpdir(), "er-data-"));
    cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  function start(folder: string) {
    const inputs: Input[] = [];
    const files = startFiles({
      dataDir: folder,
      config: { host: "127.0.0.1", http_port: 0, ftp_port: 0 },
      localAddressOf: () => "::ffff:127.0.0.1",
      onInput: (input) => void inputs.push(input),
      onLog: quiet,
    });
    cleanUps.push(() => files.stop());
    return { files, inputs, of: (kind: Input["kind"]) => inputs.filter((input) => input.kind === kind) };
  }
  const prepare = (more: Partial<Extract<Effect, { kind: "files.prepare" }>>) => ({
    ...{
      kind: "files.prepare" as const,
      commandId: "c1",
      stationId: "CP-1",
      connectionId: 1,
      withinMs: 5_000,
    },
    ...{
      protocol: "http" as const,
      wanted: { kind: "upload" as const, transfer: { url: `${base}/u`, token: "t" } },
    },
    ...more,
  });
  const firmware = () => ({
    kind: "firmware" as const,
    transfer: {
      url: `${base}/fw`,
      token: "t",
      sha256: sha256(bytes),
      size: bytes.length,
      name: "fw 1/2.bin",
    },
  });

  test("a station loads its firmware from the box, by HTTP or FTP, and the cloud is asked once", async () => {
    handle = (_request, response) => void response.end(bytes);
    const box = start(dataDir());
    for (const protocol of ["http", "ftp"] as const)
      box.files.prepare(prepare({ protocol, wanted: firmware() }));
    await until("both are ready", () => box.of("files.ready").length === 2);
    const locations = box.of("files.ready").map((input) => ("location" in input ? input.location : ""));
    const http = locations.find((l) => l.startsWith("http")) ?? "";
    expect(http).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/firmware\/[0-9a-f]{40}\/fw_1_2\.bin$/);
    expect(Buffer.from(await (await fetch(http)).arrayBuffer()).equals(bytes)).toBe(true);
    const ftp = locations.find((l) => l.startsWith("ftp")) ?? "";
    expect(ftp).toMatch(/^ftp:\/\/[0-9a-f]{16}:[0-9a-f]{40}@127\.0\.0\.1:\d+\/fw_1_2\.bin$/);
    expect(requests).toHaveLength(1);
  });

  test("what a station leaves is told, told again after a restart, and gone when that is journalled", async () => {
    handle = (_request, response) => void response.writeHead(503).end();
    const folder = dataDir();
    const box = start(folder);
    box.files.prepare(prepare({}));
    await until("it is ready", () => box.of("files.ready").length === 1);
    const [ready] = box.of("files.ready");
    const location = ready !== undefined && "location" in ready ? ready.location : "";
    await fetch(`${location}diag.tgz`, { method: "PUT", body: "log" });
    await until("it is told", () => box.of("files.received").length === 1);
    expect(box.of("files.received")[0]).toMatchObject({
      stationId: "CP-1",
      commandId: "c1",
      name: "diag.tgz",
      bytes: 3,
    });
    expect(box.files.gauges()).toEqual({ bytes: 3, waiting: 1 });
    await box.files.stop();

    const taker = new Cloud();
    handle = taker.handle;
    const again = start(folder);
    expect(again.of("files.received")).toEqual(box.of("files.received"));
    await until("it is forwarded", () => again.of("files.forwarded").length === 1);
    await again.files.stop();

    // Killed before that was journalled: it is told once more, and nothing is sent twice.
    const third = start(folder);
    const [forwarded] = third.of("files.forwarded");
    expect(forwarded).toMatchObject({ result: "complete" });
    third.files.drop(forwarded?.kind === "files.forwarded" ? forwarded.uploadId : "");
    await until("it is gone", () => third.files.gauges().bytes === 0);
    expect(readdirSync(join(folder, "files", "uploads"))).toEqual([]);
    expect(taker.pieces).toBe(1);
  });

  test("what cannot be had is said: no firmware, no connection, FTP switched off", async () => {
    handle = (_request, response) => void response.writeHead(410).end();
    const box = start(dataDir());
    box.files.prepare(prepare({ wanted: firmware() }));
    await until("it has failed", () => box.of("files.failed").length === 1);
    expect(box.of("files.failed")[0]).toMatchObject({
      reason: expect.stringContaining("HTTP 410") as string,
    });
    const away = startFiles({
      dataDir: dataDir(),
      config: { host: "127.0.0.1", http_port: 0, ftp: false },
      localAddressOf: (connectionId) => (connectionId === 1 ? undefined : "127.0.0.1"),
      onInput: (input) => void box.inputs.push(input),
      onLog: quiet,
    });
    cleanUps.push(() => away.stop());
    away.prepare(prepare({}));
    away.prepare(prepare({ connectionId: 2, protocol: "ftp" }));
    await until("both have failed", () => box.of("files.failed").length === 3);
  });
});
