/** Files in the SG: what operators put here and take away, what ERs fetch and bring, and who may not. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import type { EntryBody } from "../../shared/entry.ts";
import { FILES_BYTES_PER_OPERATOR_MAX, FILES_COMING_PER_OPERATOR_MAX } from "../../shared/limits.ts";
import { until } from "../../sim/services/until.ts";
import { readOk, useSite, type TestSite } from "../harness-site.ts";
import { introduce, Journal, online, storeAll } from "../harness.ts";
import { takeDueCommands } from "../ingest/dispatch.ts";
import { ensureOperator } from "../sg.ts";
import { createApiKey } from "./actor.ts";
import type { File } from "./file-schemas.ts";
import type { CommandView, Page, Problem } from "./schemas.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let site: TestSite;
let base = "";
useSite(async (use) => {
  site = use;
  base ||= await site.api.app.listen({ port: 0, host: "127.0.0.1" });
  await storeAll(site.db.pool, site.journal.commit([online(site.cp)]));
});
type More = { body?: string | Buffer<ArrayBuffer>; headers?: Record<string, string> };
const call = (method: string, path: string, { headers, ...more }: More = {}, key = site.api.key) =>
  fetch(`${base}${path}`, { ...more, method, headers: { authorization: `Bearer ${key}`, ...headers } });
const put = async (bytes: Buffer<ArrayBuffer>, name = "fw.bin") => {
  const response = await call("POST", `/v1/files?name=${name}`, { body: bytes });
  expect(response.status, await response.clone().text()).toBe(201);
  return (await response.json()) as File;
};
const problem = async (response: Response) => [response.status, ((await response.json()) as Problem).code];
const list = (query: string) => readOk<Page<File>>(site.api, `/v1/files?${query}`);

/** A command, and what its ER gets of it. */
async function command(kind: string, params: object) {
  const made = await site.api.send("POST", `/v1/stations/${site.cp}/commands`, { kind, params });
  expect(made.status, made.text).toBe(202);
  const { commandId } = made.body as CommandView;
  const due = await takeDueCommands(site.db.pool, site.journal.erId, base);
  const sent = due.get(site.journal.erId)?.find((c) => c.commandId === commandId);
  return { commandId, transfer: sent?.transfer };
}
const getLog = () => command("GetLog", { logType: "DiagnosticsLog", requestId: 1 });

describe("firmware", () => {
  test("is put here, listed, given back byte for byte, and deleted", async () => {
    const bytes = randomBytes(3_000_000);
    const file = await put(bytes);
    expect(file).toMatchObject({ kind: "firmware", name: "fw.bin", size: 3_000_000, sha256: sha256(bytes) });
    expect(file.status).toBe("complete");
    expect((await list("kind=firmware")).items).toContainEqual(file);
    const content = await call("GET", `/v1/files/${file.fileId}/content`);
    expect(content.headers.get("content-disposition")).toContain("attachment");
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await call("DELETE", `/v1/files/${file.fileId}`)).status).toBe(200);
    expect((await call("GET", `/v1/files/${file.fileId}/content`)).status).toBe(404);
    expect((await list("kind=firmware")).items).not.toContainEqual(file);
    const audits = await site.db.rows(
      "select action from audit where subject = $1 order by audit_id",
      file.fileId,
    );
    expect(audits).toEqual([{ action: "file.create" }, { action: "file.delete" }]);
  });

  test("of any content type; the same bytes under the same name are one file", async () => {
    const bytes = Buffer.from(JSON.stringify({ is: "json" }));
    const headers = { "content-type": "application/json" };
    const first = await call("POST", "/v1/files?name=fw.json", { body: bytes, headers });
    expect(first.status).toBe(201);
    const again = await call("POST", "/v1/files?name=fw.json", { body: bytes });
    expect(again.status).toBe(201);
    expect(await again.json()).toEqual(await first.json());
    expect((await put(bytes, "other.json")).sha256).toBe(sha256(bytes));
  });

  test("without a name, with a path for a name, without bytes, without a key: refused", async () => {
    const body = "x";
    expect((await call("POST", "/v1/files", { body })).status).toBe(400);
    for (const name of ["..%2Fx", "..", "."])
      expect((await call("POST", `/v1/files?name=${name}`, { body })).status).toBe(400);
    expect(await problem(await call("POST", "/v1/files?name=x"))).toEqual([400, "EMPTY_FILE"]);
    expect(await problem(await call("POST", "/v1/files?name=x", { body }, "sg_wrong"))).toEqual([
      401,
      "UNKNOWN_KEY",
    ]);
  });

  test("whose sender goes away in the middle is not here", async () => {
    const before = (await list("kind=firmware")).items.length;
    const url = new URL(base);
    const socket = connect(Number(url.port), url.hostname);
    const head = `POST /v1/files?name=half HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${site.api.key}\r\n`;
    socket.write(`${head}Content-Length: 1000000\r\n\r\n`);
    socket.write(randomBytes(100_000), () => socket.destroy());
    await until("it is gone", () => socket.closed);
    expect((await list("kind=firmware")).items).toHaveLength(before);
  });

  test("that is too large is refused with a reason, however it comes, and nothing of it stays", async () => {
    await site.db.pool.query(
      `insert into file (file_id, operator_id, kind, name, size, sha256, completed_at)
       values ($1, 'default', 'firmware', 'full', $2, 'x', now())`,
      [randomUUID(), FILES_BYTES_PER_OPERATOR_MAX - 100_000],
    );
    try {
      const pieces = (count: number) =>
        new ReadableStream<Uint8Array>({
          pull: (stream) => (count-- > 0 ? stream.enqueue(randomBytes(64_000)) : stream.close()),
        });
      const bodies = [randomBytes(30_000_000), pieces(200)];
      for (const body of bodies) {
        const more = { body, duplex: "half", headers: { authorization: `Bearer ${site.api.key}` } };
        const response = await fetch(`${base}/v1/files?name=big`, { ...more, method: "POST" } as RequestInit);
        expect(await problem(response)).toEqual([413, "FILE_TOO_LARGE"]);
      }
      // Two that fit, but not together.
      const both = await Promise.all(
        ["a", "b"].map((name) => call("POST", `/v1/files?name=${name}`, { body: randomBytes(60_000) })),
      );
      expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 413]));
    } finally {
      await site.db.pool.query("update file set deleted_at = now() where name in ('full', 'a', 'b')");
    }
  });

  test("only so many at the same time; whose sender went away makes room", async () => {
    const url = new URL(base);
    const head = `POST /v1/files?name=slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${site.api.key}\r\n`;
    const open = () => {
      const socket = connect(Number(url.port), url.hostname);
      socket.write(`${head}Content-Length: 1000000\r\n\r\nxx`);
      return socket;
    };
    const sockets = Array.from({ length: FILES_COMING_PER_OPERATOR_MAX }, open);
    const status = async () => (await call("POST", "/v1/files?name=slow", { body: randomBytes(10) })).status;
    await until("they are coming", async () => {
      if ((await status()) === 429) return true;
      // Who asks takes a place as well, and one of them may have been refused for it.
      sockets.push(open());
      return false;
    });
    for (const socket of sockets) socket.destroy();
    await until("they are gone", async () => (await status()) === 201);
  });

  test("another operator sees nothing of it", async () => {
    await ensureOperator(site.db.pool, "other");
    const stranger = await createApiKey(site.db.pool, "other", "k");
    const file = await put(randomBytes(10), "mine.bin");
    for (const [method, path] of [
      ["GET", `/v1/files/${file.fileId}`],
      ["GET", `/v1/files/${file.fileId}/content`],
      ["DELETE", `/v1/files/${file.fileId}`],
    ] as const)
      expect((await call(method, path, {}, stranger)).status, path).toBe(404);
    expect(((await (await call("GET", "/v1/files", {}, stranger)).json()) as Page<File>).items).toEqual([]);
    for (const id of ["nonsense", "..%2f..%2fetc", randomUUID()])
      expect((await call("GET", `/v1/files/${id}/content`)).status, id).toBe(404);
  });
});

describe("an ER fetches firmware", () => {
  test("with the token of its command, from where it was broken off", async () => {
    const bytes = randomBytes(500_000);
    const { fileId } = await put(bytes);
    const { transfer } = await command("UpdateFirmware", { firmware: { fileId }, requestId: 1 });
    expect(transfer).toMatchObject({ name: "fw.bin", size: 500_000, sha256: sha256(bytes) });
    const get = async (range?: string) => {
      const headers = {
        authorization: `Bearer ${transfer?.token}`,
        ...(range === undefined ? {} : { range }),
      };
      const response = await fetch(transfer?.url ?? "", { headers });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    };
    expect(await get()).toEqual({ status: 200, body: bytes });
    expect(await get("bytes=499999-")).toEqual({ status: 206, body: bytes.subarray(499_999) });
    expect((await get("bytes=500000-")).status).toBe(416);
    await call("DELETE", `/v1/files/${fileId}`);
    expect((await get()).status).toBe(410);
  });

  test("whose id was written in capitals", async () => {
    const bytes = randomBytes(10);
    const { fileId } = await put(bytes);
    const { transfer } = await command("UpdateFirmware", { firmware: { fileId: fileId.toUpperCase() } });
    const response = await fetch(transfer?.url ?? "", {
      headers: { authorization: `Bearer ${transfer?.token}` },
    });
    expect([response.status, Buffer.from(await response.arrayBuffer())]).toEqual([200, bytes]);
  });

  test("and brings nothing with its token", async () => {
    const { fileId } = await put(randomBytes(10));
    const { transfer } = await command("UpdateFirmware", { firmware: { fileId } });
    const response = await fetch((transfer?.url ?? "").replace(/firmware$/, `uploads/${randomUUID()}`), {
      method: "PUT",
      headers: { authorization: `Bearer ${transfer?.token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "x", size: 1, sha256: sha256(Buffer.from("x")) }),
    });
    expect(response.status).toBe(401);
  });

  test("not with another token, nor with that of another command", async () => {
    const { fileId } = await put(randomBytes(10));
    const one = await command("UpdateFirmware", { firmware: { fileId }, requestId: 1 });
    const logs = await getLog();
    for (const token of ["", "x", logs.transfer?.token ?? ""]) {
      const headers = { authorization: `Bearer ${token}` };
      expect((await fetch(one.transfer?.url ?? "", { headers })).status).toBe(401);
    }
    const nowhere = `${base}/er/v1/commands/${randomUUID()}/firmware`;
    expect((await fetch(nowhere, { headers: { authorization: "Bearer x" } })).status).toBe(401);
    // The token is for boxes: it is in no answer of the API.
    expect((await site.api.get(`/v1/commands/${one.commandId}`)).text).not.toContain(one.transfer?.token);
  });

  test("a command names firmware that is here, or an address; sent again, its token is the same", async () => {
    const send = (firmware: object) =>
      site.api.send("POST", `/v1/stations/${site.cp}/commands`, {
        kind: "UpdateFirmware",
        params: { firmware },
      });
    expect(await send({ fileId: randomUUID() })).toMatchObject({
      status: 400,
      body: { code: "NO_FIRMWARE" },
    });
    expect(await send({})).toMatchObject({ status: 400, body: { code: "NO_FIRMWARE" } });
    const { transfer } = await command("UpdateFirmware", { firmware: { location: "http://vendor/fw" } });
    expect(transfer).toBeUndefined();
    const { commandId, transfer: first } = await getLog();
    const again = (await takeDueCommands(site.db.pool, site.journal.erId, base)).get(site.journal.erId);
    expect(again?.find((c) => c.commandId === commandId)?.transfer).toEqual(first);
    const elsewhere = await command("GetLog", {
      ...{ logType: "SecurityLog", requestId: 1, log: { remoteLocation: "ftp://x/" } },
    });
    expect(elsewhere.transfer).toBeUndefined();
  });
});

describe("an ER brings a log", () => {
  const bytes = randomBytes(100_000);
  type Told = { offset: number; complete: boolean };
  async function bring(more: { size?: number; sha256?: string } = {}) {
    const { commandId, transfer } = await getLog();
    const uploadId = randomUUID();
    const url = `${transfer?.url}/${uploadId}`;
    const authorization = `Bearer ${transfer?.token}`;
    const told = {
      name: "diag.tgz",
      size: bytes.length,
      sha256: sha256(bytes),
      receivedAt: 1_777_777_777_000,
      ...more,
    };
    const declare = (change: object = {}) =>
      fetch(url, {
        method: "PUT",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ ...told, ...change }),
      });
    const append = (offset: number, piece: Buffer<ArrayBuffer>) =>
      fetch(url, {
        method: "PATCH",
        headers: {
          authorization,
          "content-type": "application/octet-stream",
          "upload-offset": String(offset),
        },
        body: piece,
      });
    return { commandId, uploadId, url, authorization, declare, append };
  }
  const told = async (response: Response) => (await response.json()) as Told;

  test("in pieces; it is there when all of it is there", async () => {
    const { commandId, uploadId, declare, append } = await bring();
    expect(await told(await declare())).toEqual({ offset: 0, complete: false });
    expect(await told(await append(0, bytes.subarray(0, 60_000)))).toEqual({
      offset: 60_000,
      complete: false,
    });
    expect(await told(await declare())).toEqual({ offset: 60_000, complete: false });
    const [file] = (await list(`commandId=${commandId}`)).items;
    expect(file).toMatchObject({
      fileId: uploadId,
      kind: "log",
      status: "at-box",
      stationId: site.cp,
      commandId,
    });
    expect((await call("GET", `/v1/files/${uploadId}/content`)).status).toBe(404);
    expect(await told(await append(60_000, bytes.subarray(60_000)))).toEqual({
      offset: 100_000,
      complete: true,
    });
    expect((await list(`stationId=${site.cp}`)).items[0]).toMatchObject({ status: "complete" });
    const content = await call("GET", `/v1/files/${uploadId}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    // Whoever has not heard that it is done asks again.
    expect(await told(await declare())).toEqual({ offset: 100_000, complete: true });
    expect((await append(0, bytes)).status).toBe(409);
  });

  test("a piece at the wrong place is refused, with the right one; what a cut line has brought counts", async () => {
    const { url, authorization, declare, append } = await bring();
    await declare();
    await append(0, bytes.subarray(0, 1_000));
    for (const offset of [0, 999, 1_001, 50_000]) {
      const response = await append(offset, bytes.subarray(offset, offset + 10));
      expect([response.status, await told(response)]).toEqual([409, { offset: 1_000, complete: false }]);
    }
    const { port, hostname, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `PATCH ${pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nUpload-Offset: 1000\r\n`,
    );
    socket.write("Content-Type: application/octet-stream\r\nContent-Length: 99000\r\n\r\n");
    socket.write(bytes.subarray(1_000, 31_000));
    await until("it has arrived", async () => (await told(await declare())).offset === 31_000);
    socket.destroy();
    expect(await told(await append(31_000, bytes.subarray(31_000)))).toEqual({
      offset: 100_000,
      complete: true,
    });
  });

  test("with other bytes than it has told of begins anew", async () => {
    const { declare, append } = await bring();
    await declare();
    expect((await append(0, randomBytes(100_000))).status).toBe(422);
    expect(await told(await declare())).toEqual({ offset: 0, complete: false });
    expect(await told(await append(0, bytes))).toEqual({ offset: 100_000, complete: true });
  });

  test("more than it has told of, another file under the same id, an upload nobody was told of: refused", async () => {
    const { declare, append } = await bring();
    expect((await append(0, bytes)).status).toBe(404);
    await declare();
    expect((await append(0, randomBytes(100_001))).status).toBe(413);
    expect((await declare({ sha256: "0".repeat(64) })).status).toBe(422);
    expect((await declare({ size: 1 })).status).toBe(422);
    expect((await declare({ size: 10 ** 12 })).status).toBe(400);
    expect((await append(Number.NaN, bytes)).status).toBe(409);
  });

  test("with a wrong token, or into another command's upload: refused", async () => {
    const one = await bring();
    await one.declare();
    const two = await bring();
    const other = one.url.replace(one.commandId, two.commandId);
    const put = (authorization: string, url: string) =>
      fetch(url, {
        method: "PUT",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ name: "x", size: 1, sha256: sha256(Buffer.from("x")) }),
      });
    expect((await put("Bearer x", one.url)).status).toBe(401);
    expect((await put(two.authorization, one.url)).status).toBe(401);
    expect((await put(two.authorization, other)).status).toBe(404);
  });

  test("that was deleted meanwhile is not wanted any more", async () => {
    const { uploadId, declare, append } = await bring();
    await declare();
    expect((await call("DELETE", `/v1/files/${uploadId}`)).status).toBe(200);
    expect((await declare()).status).toBe(410);
    expect((await append(0, bytes)).status).toBe(410);
  });

  test("more than its operator has room for: refused, also when the journal has told of it before", async () => {
    const { uploadId, commandId, declare, append } = await bring();
    const received: EntryBody = {
      ...{ kind: "file.received", uploadId, stationId: site.cp, commandId, name: "diag.tgz" },
      ...{ bytes: bytes.length, sha256: sha256(bytes) },
    };
    await storeAll(site.db.pool, site.journal.commit([received]));
    const full = randomUUID();
    const insert = `insert into file (file_id, operator_id, kind, name, size, sha256, completed_at, forwarded_at)
      values ($1, 'default', 'log', 'full', $2, 'x', $3, now())`;
    await site.db.pool.query(insert, [full, FILES_BYTES_PER_OPERATOR_MAX - 50_000, new Date()]);
    const response = await declare();
    expect(await problem(response)).toEqual([507, "FILES_FULL"]);
    expect((await append(0, bytes)).status).toBe(507);
    // What a box has lost takes no room here.
    await site.db.pool.query("update file set completed_at = null where file_id = $1", [full]);
    expect((await declare()).status).toBe(200);
    expect(await told(await append(0, bytes))).toMatchObject({ complete: true });
    await site.db.pool.query("delete from file where file_id = $1", [full]);
  });

  test("a command cannot bring files without end", async () => {
    const { url, authorization } = await bring();
    const statuses = new Set<number>();
    for (let i = 0; i < 70; i++) {
      const response = await fetch(url.replace(/[^/]*$/, randomUUID()), {
        method: "PUT",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ name: "x", size: 1, sha256: sha256(Buffer.from("x")) }),
      });
      statuses.add(response.status);
    }
    expect([...statuses]).toEqual([200, 507]);
  });

  test("the journal tells that it waits at the box, whichever comes first, and what became of it", async () => {
    const { commandId, uploadId, declare, append } = await bring();
    const received: EntryBody = {
      ...{ kind: "file.received", uploadId, stationId: site.cp, commandId, name: "diag.tgz" },
      ...{ bytes: bytes.length, sha256: sha256(bytes) },
    };
    await storeAll(site.db.pool, site.journal.commit([received]));
    expect((await list(`stationId=${site.cp}`)).items[0]).toMatchObject({
      fileId: uploadId,
      status: "at-box",
    });
    await declare();
    expect(await told(await append(0, bytes))).toMatchObject({ complete: true });
    const forwarded: EntryBody = { kind: "file.forwarded", uploadId, stationId: site.cp, result: "complete" };
    await storeAll(site.db.pool, site.journal.commit([forwarded]));
    expect((await list(`stationId=${site.cp}`)).items).toMatchObject([
      { fileId: uploadId, status: "complete" },
    ]);
    // The SG was restored from a backup of before: the box has delivered, and it is not here.
    await site.db.pool.query("update file set completed_at = null where file_id = $1", [uploadId]);
    expect((await list(`stationId=${site.cp}`)).items[0]?.status).toBe("lost");
  });

  test("a box cannot speak of another operator's files", async () => {
    const { commandId, uploadId, declare } = await bring();
    await declare();
    await ensureOperator(site.db.pool, "other");
    const own = randomUUID();
    const journal = new Journal(`er-${uploadId.slice(0, 8)}`, `site-${uploadId.slice(0, 8)}`);
    await introduce(site.db.pool, journal, "other");
    const head = { uploadId, stationId: "X" };
    journal.commit([
      { kind: "file.received", ...head, name: "evil", bytes: 1, sha256: "0".repeat(64) },
      { kind: "file.forwarded", ...head, result: "complete" },
      {
        kind: "file.received",
        ...head,
        uploadId: own,
        commandId,
        name: "x",
        bytes: 1,
        sha256: "0".repeat(64),
      },
    ]);
    await storeAll(site.db.pool, journal);
    const named = await site.db.rows("select command_id from file where file_id = $1", own);
    expect(named).toEqual([{ command_id: null }]);
    expect((await list(`stationId=${site.cp}`)).items[0]).toMatchObject({
      name: "diag.tgz",
      status: "at-box",
    });
  });
});
