/** The file server, by clients that mean well and others, over real sockets. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { sha256, TestFiles } from "./file-harness.ts";
import type { Place } from "./file-places.ts";
import { parsePath, parseRange, startFileServer } from "./file-server.ts";

let files: TestFiles;
let base: string;
let port: number;
let stop: () => Promise<void>;
beforeEach(async () => {
  files = new TestFiles();
  const server = await startFileServer({
    host: "127.0.0.1",
    port: 0,
    store: files.store,
    onUpload: (upload) => void files.uploads.push(upload),
    onLog: (_level, message) => void files.logs.push(message),
    limits: { idleMs: 1_500, headersMs: 1_500 },
  });
  ({ port, stop } = server);
  base = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  await stop();
  files.remove();
});

/** Bytes on the wire as they are given; resolves with all that came back when the socket closes. */
function raw(...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const got: Buffer[] = [];
    socket.on("data", (chunk) => got.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Buffer.concat(got).toString("latin1")));
    for (const part of parts) socket.write(part);
  });
}

const stored = () => files.uploads.map((u) => readFileSync(files.store.uploadPath(u.uploadId)));

describe("firmware", () => {
  test("is sent whole, in parts, and from where a station wants to go on", async () => {
    const { place, bytes, sha256: hash } = await files.firmwarePlace();
    const url = `${base}/firmware/${place.token}/fw-1.2.bin`;
    const get = async (range?: string, more: Record<string, string> = {}) => {
      const response = await fetch(url, { headers: { ...(range === undefined ? {} : { range }), ...more } });
      return { response, body: Buffer.from(await response.arrayBuffer()) };
    };
    const whole = await get();
    expect(whole.response.status).toBe(200);
    expect(whole.response.headers.get("etag")).toBe(`"${hash}"`);
    expect(whole.body).toEqual(bytes);
    const rest = await get("bytes=299990-");
    expect(rest.response.status).toBe(206);
    expect(rest.response.headers.get("content-range")).toBe("bytes 299990-299999/300000");
    expect(rest.body).toEqual(bytes.subarray(299_990));
    expect((await get("bytes=5-9")).body).toEqual(bytes.subarray(5, 10));
    expect((await get("bytes=-3")).body).toEqual(bytes.subarray(-3));
    const beyond = await get("bytes=300000-");
    expect(beyond.response.status).toBe(416);
    expect(beyond.response.headers.get("content-range")).toBe("bytes */300000");
    // Of another version nothing is appended.
    expect((await get("bytes=5-9", { "if-range": '"other"' })).response.status).toBe(200);
    expect((await get("bytes=5-9", { "if-range": `"${hash}"` })).response.status).toBe(206);
    const head = await fetch(url, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("300000");
  });

  test.each<[string | undefined, ReturnType<typeof parseRange>]>([
    [undefined, undefined],
    ["bytes=0-0", { first: 0, last: 0 }],
    ["bytes=0-99999", { first: 0, last: 9 }],
    ["bytes=9-", { first: 9, last: 9 }],
    ["bytes=10-", "none"],
    ["bytes=-0", "none"],
    ["bytes=-99", { first: 0, last: 9 }],
    ["bytes=5-2", undefined],
    ["bytes=-", undefined],
    ["bytes=0-1,3-4", undefined],
    ["bytes=a-b", undefined],
    ["bytes=99999999999999999999-", undefined],
    ["lines=1-2", undefined],
  ])("range %s of ten bytes", (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });
});

describe("an upload", () => {
  test.each(["PUT", "POST"] as const)("%s: the body is the file, the name is in the path", async (method) => {
    const place = await files.uploadPlace();
    const body = randomBytes(700_000);
    const response = await fetch(`${base}/upload/${place.token}/diag%20CP-1.tgz`, {
      body,
      method: method as string,
    });
    expect(response.status).toBe(200);
    expect(files.uploads[0]).toMatchObject({ name: "diag CP-1.tgz", bytes: 700_000, sha256: sha256(body) });
    expect(stored()).toEqual([body]);
  });

  test.each([
    ["", "log"],
    ["/", "log"],
    ["/logs/CP-1/today.txt", "today.txt"],
    ["/..%2f..%2f..%2fetc%2fpasswd", "passwd"],
    ["/a?name=b", "a"],
  ])("left at the place with %j behind its token is called %j", async (behind, name) => {
    const place = await files.uploadPlace();
    const response = await fetch(`${base}/upload/${place.token}${behind}`, { method: "PUT", body: "x" });
    expect(response.status).toBe(200);
    expect(files.uploads[0]?.name).toBe(name);
  });

  test("a form with a file in it, as browsers and some stations send it", async () => {
    const place = await files.uploadPlace();
    const form = new FormData();
    form.set("note", "hello");
    const body = randomBytes(300_000);
    form.set("file", new Blob([body]), "diagnostics.zip");
    const response = await fetch(`${base}/upload/${place.token}/`, { method: "POST", body: form });
    expect(response.status).toBe(200);
    expect(files.uploads[0]).toMatchObject({ name: "diagnostics.zip", sha256: sha256(body) });
  });

  test("without a length, in chunks, and with `Expect: 100-continue`", async () => {
    const place = await files.uploadPlace();
    const status = await new Promise((resolve, reject) => {
      const headers = { expect: "100-continue", "transfer-encoding": "chunked" };
      const path = `/upload/${place.token}/c.log`;
      const request = httpRequest({ port, host: "127.0.0.1", method: "PUT", path, headers });
      request.on("continue", () => request.end("body after the word"));
      request.on("response", (response) => resolve(response.statusCode)).on("error", reject);
      request.flushHeaders();
    });
    expect(status).toBe(200);
    expect(stored()).toEqual([Buffer.from("body after the word")]);
  });

  test("the same name again is another version; both are kept", async () => {
    const place = await files.uploadPlace();
    for (const body of ["one", "two"])
      await fetch(`${base}/upload/${place.token}/a.log`, { method: "PUT", body });
    expect(stored().map(String)).toEqual(["one", "two"]);
  });

  test("several stations at once do not meet", async () => {
    const bodies = Array.from({ length: 6 }, () => randomBytes(200_000));
    const places: Place[] = [];
    for (const i of bodies.keys()) places.push(await files.uploadPlace(`CP-${i}`));
    const sent = bodies.map((body, i) =>
      fetch(`${base}/upload/${places[i]?.token}/${i}.log`, { method: "PUT", body }),
    );
    expect((await Promise.all(sent)).map((r) => r.status)).toEqual(bodies.map(() => 200));
    for (const [i, body] of bodies.entries())
      expect(files.uploads.find((u) => u.stationId === `CP-${i}`)?.sha256).toBe(sha256(body));
  });
});

describe("who means no good", () => {
  test("without a token that is valid there is nothing to get and nothing to leave", async () => {
    const { place } = await files.firmwarePlace();
    const upload = await files.uploadPlace();
    const other = "0".repeat(40);
    const tries: [string, string][] = [
      ["GET", "/"],
      ["GET", `/firmware/${other}/fw-1.2.bin`],
      ["GET", `/firmware/${upload.token}/x`],
      ["PUT", `/upload/${other}/x`],
      ["PUT", `/upload/${place.token}/x`],
      ["GET", `/upload/${other}/x`],
      ["GET", `/firmware/${place.token}/../../places/${place.placeId}.json/%00`],
    ];
    const got: number[] = [];
    for (const [method, path] of tries) {
      const answer = await raw(
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      got.push(Number(answer.slice(9, 12)));
    }
    // The last one has a valid token: whatever stands behind it is a name, and what comes is the firmware.
    expect(got).toEqual([404, 404, 404, 404, 404, 404, 200]);
    expect(files.uploads).toEqual([]);
    expect(parsePath(`/upload/${other}/../../x`)?.name).toBe("x");
  });

  test("a place to write to cannot be read, and the other way round", async () => {
    const { place } = await files.firmwarePlace();
    const upload = await files.uploadPlace();
    expect((await fetch(`${base}/upload/${upload.token}/x`)).status).toBe(405);
    const response = await fetch(`${base}/firmware/${place.token}/x`, { method: "PUT", body: "x" });
    expect(response.status).toBe(405);
    expect(files.uploads).toEqual([]);
  });

  test("guessing tokens is slow: after twenty wrong ones an address is not heard for a minute", async () => {
    const place = await files.uploadPlace();
    const wrong = () =>
      fetch(`${base}/upload/${randomBytes(20).toString("hex")}/x`, { method: "PUT", body: "x" });
    for (let i = 0; i < 20; i++) expect((await wrong()).status).toBe(404);
    expect((await wrong()).status).toBe(429);
    const right = await fetch(`${base}/upload/${place.token}/x`, { method: "PUT", body: "x" });
    expect(right.status).toBe(429);
  });

  test("too large is refused in the middle of it, and leaves nothing", async () => {
    const place = await files.uploadPlace();
    const head = `PUT /upload/${place.token}/big HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n`;
    const answer = await raw(head, randomBytes(6_000_000));
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(files.store.usedBytes).toBe(0);
    expect(files.store.uploads()).toEqual([]);
  });

  test("an empty body, and a form that is cut off, are no files", async () => {
    const place = await files.uploadPlace();
    const url = `${base}/upload/${place.token}/x`;
    expect((await fetch(url, { method: "PUT", body: "" })).status).toBe(400);
    const headers = { "content-type": "multipart/form-data; boundary=X" };
    const body = '--X\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nhello';
    expect((await fetch(url, { method: "POST", headers, body })).status).toBe(400);
    expect(files.store.uploads()).toEqual([]);
  });

  test("a body that stops half-way: the connection is closed and nothing stays", async () => {
    const place = await files.uploadPlace();
    await raw(
      `PUT /upload/${place.token}/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`,
      "only this",
    );
    await until("it was given up", () => files.logs.includes("a file of a station did not get through"));
    expect(files.store.uploads()).toEqual([]);
    await until("its bytes are gone", () => files.store.usedBytes === 0);
    // Its place is free again.
    expect((await fetch(`${base}/upload/${place.token}/slow`, { method: "PUT", body: "all" })).status).toBe(
      200,
    );
  });

  test("headers that never end: the connection is closed", async () => {
    const answers = await Promise.all([raw("GET / HTTP/1.1\r\nHost"), raw(""), raw("nonsense\r\n\r\n")]);
    expect(answers[2]).toMatch(/^HTTP\/1.1 400 /);
  });

  test("more sockets of one address than sixteen are closed at once", async () => {
    const closed: number[] = [];
    const sockets = Array.from({ length: 20 }, (_, i) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.on("close", () => closed.push(i));
      return socket;
    });
    await until("four are gone", () => closed.length >= 4);
    for (const socket of sockets) socket.destroy();
  });

  test("an address is not valid any more after a day", async () => {
    const place = await files.uploadPlace();
    files.now += 24 * 3_600_000;
    expect((await fetch(`${base}/upload/${place.token}/x`, { method: "PUT", body: "x" })).status).toBe(404);
  });
});
