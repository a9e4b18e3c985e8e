/** The FTP server: with a client that we did not write, and with one that knows no manners. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import { Client, FTPError } from "basic-ftp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { sha256, TestFiles } from "./file-harness.ts";
import type { Place } from "./file-places.ts";
import { startFtpServer } from "./ftp-server.ts";
import { joinPath } from "./ftp-session.ts";

let files: TestFiles;
let port: number;
let stop: () => Promise<void>;
const clients: Client[] = [];
const sockets: Socket[] = [];
beforeEach(async () => {
  files = new TestFiles();
  ({ port, stop } = await startFtpServer({
    host: "127.0.0.1",
    port: 0,
    store: files.store,
    onUpload: (upload) => void files.uploads.push(upload),
    onLog: (_level, message) => void files.logs.push(message),
    limits: { idleMs: 3_000, dataWaitMs: 1_500 },
  }));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await stop();
  files.remove();
});

async function login(place: Pick<Place, "placeId" | "token">): Promise<Client> {
  const client = new Client(30_000);
  clients.push(client);
  await client.access({ host: "127.0.0.1", port, user: place.placeId, password: place.token });
  return client;
}

/** A control connection by hand: what is sent, and the lines that come back. */
function talk(from?: string) {
  const socket = connect({ port, host: "127.0.0.1", ...(from === undefined ? {} : { localAddress: from }) });
  sockets.push(socket);
  const lines: string[] = [];
  let closed = false;
  let held = "";
  socket.on("data", (bytes) => {
    held += bytes.toString();
    const parts = held.split("\r\n");
    held = parts.pop() ?? "";
    lines.push(...parts);
  });
  socket.on("error", () => undefined);
  socket.on("close", () => (closed = true));
  return {
    socket,
    lines,
    get closed() {
      return closed;
    },
    /** The reply to a command: its code. */
    async say(command: string): Promise<string> {
      const before = lines.length;
      socket.write(`${command}\r\n`);
      await until(`a reply to ${command}`, () => lines.length > before);
      return lines[before] ?? "";
    },
    async login(place: Place): Promise<void> {
      await until("the greeting", () => lines.length > 0);
      await this.say(`USER ${place.placeId}`);
      expect(await this.say(`PASS ${place.token}`)).toMatch(/^230/);
    },
  };
}
const epsvPort = (reply: string) => Number(/\|\|\|(\d+)\|/.exec(reply)?.[1]);

describe("a station that knows only FTP", () => {
  test("loads its firmware, also from where it was broken off", async () => {
    const { place, bytes } = await files.firmwarePlace("fw.bin");
    const client = await login(place);
    expect(await client.size("fw.bin")).toBe(bytes.length);
    expect((await client.list()).map((f) => [f.name, f.size])).toEqual([["fw.bin", bytes.length]]);
    for (const start of [0, 1, 299_999, 300_000]) {
      const got: Buffer[] = [];
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          got.push(chunk);
          done();
        },
      });
      await client.downloadTo(sink, "/fw.bin", start);
      expect(Buffer.concat(got).equals(bytes.subarray(start)), `from ${start}`).toBe(true);
    }
  });

  test("leaves its logs, in a folder of its own choice", async () => {
    const place = await files.uploadPlace();
    const client = await login(place);
    const body = randomBytes(900_000);
    await client.ensureDir("/diagnostics/CP-1");
    expect(await client.pwd()).toBe("/diagnostics/CP-1");
    await client.uploadFrom(Readable.from([body]), "today.log");
    expect(files.uploads[0]).toMatchObject({ name: "today.log", bytes: 900_000, sha256: sha256(body) });
    expect(readFileSync(files.store.uploadPath(files.uploads[0]?.uploadId ?? "")).equals(body)).toBe(true);
    await client.uploadFrom(Readable.from([Buffer.from("second")]), "../../../../etc/passwd");
    expect(files.uploads[1]).toMatchObject({ name: "passwd", bytes: 6 });
  });

  test("cannot read where it may write, nor write where it may read, nor read anything else", async () => {
    const { place } = await files.firmwarePlace("fw.bin");
    const reader = await login(place);
    await expect(reader.uploadFrom(Readable.from([Buffer.from("x")]), "x")).rejects.toThrow(FTPError);
    await expect(reader.size("../places/x.json")).rejects.toThrow(/550/);
    const writer = await login(await files.uploadPlace());
    await expect(writer.size("fw.bin")).rejects.toThrow(/550/);
    expect(await writer.list()).toEqual([]);
    expect(files.store.uploads()).toEqual([]);
  });

  test("a wrong password is refused, and the third one ends it", async () => {
    const place = await files.uploadPlace();
    await expect(login({ ...place, token: "0".repeat(40) })).rejects.toThrow(/530/);
    await expect(login({ ...place, placeId: "anonymous" })).rejects.toThrow(/530/);
    const station = talk();
    await until("the greeting", () => station.lines.length > 0);
    await station.say(`USER ${place.placeId}`);
    for (let i = 0; i < 3; i++) expect(await station.say("PASS guess")).toMatch(/^530/);
    await until("it was closed", () => station.closed);
  });

  test("an upload that is too large is refused, and leaves nothing", async () => {
    const client = await login(await files.uploadPlace());
    const large = Readable.from(Array.from({ length: 60 }, () => Buffer.alloc(100_000)));
    await expect(client.uploadFrom(large, "large")).rejects.toThrow();
    await until("nothing is left of it", () => files.store.usedBytes === 0);
    expect(files.store.uploads()).toEqual([]);
  });
});

describe("a client that knows no manners", () => {
  test("gets nothing before it has logged in", async () => {
    const client = talk();
    await until("the greeting", () => client.lines.length > 0);
    for (const command of ["PASV", "EPSV", "LIST", "STOR x", "RETR x", "CWD /", "SIZE x", "REST 1", "PASS x"])
      expect(await client.say(command), command).toMatch(/^5(30|03)/);
    expect(await client.say("NOOP")).toMatch(/^200/);
    expect(await client.say("AUTH TLS")).toMatch(/^502/);
  });

  test("hears what is not here, and nothing breaks", async () => {
    const client = talk();
    await client.login(await files.uploadPlace());
    const said = [
      "PORT 127,0,0,1,4,1",
      "EPRT |1|127.0.0.1|80|",
      "SITE EXEC id",
      "DELE x",
      "RNFR x",
      "X",
      "",
      "TYPE Q",
    ];
    for (const command of said) expect(await client.say(command), command).toMatch(/^50/);
    // Nobody has asked for a data connection.
    for (const command of ["STOR x", "LIST"]) expect(await client.say(command)).toMatch(/^425/);
    await client.say("REST 5");
    expect(await client.say("STOR x")).toMatch(/^554/);
    expect(await client.say("RETR ../../../etc/passwd")).toMatch(/^550/);
    expect(await client.say("REST -1")).toMatch(/^501/);
    expect(await client.say("QUIT")).toMatch(/^221/);
    await until("it was closed", () => client.closed);
  });

  test("a data connection that does not come is not waited for", async () => {
    const client = talk();
    await client.login(await files.uploadPlace());
    await client.say("EPSV");
    expect(await client.say("STOR x")).toMatch(/^150/);
    await until("it was given up", () => client.lines.some((line) => line.startsWith("425")));
    expect(await client.say("NOOP")).toMatch(/^200/);
  });

  test("a data connection from another address is refused; the station's own still gets through", async () => {
    const client = talk();
    await client.login(await files.uploadPlace());
    const dataPort = epsvPort(await client.say("EPSV"));
    const stranger = connect({ port: dataPort, host: "127.0.0.1", localAddress: "127.0.0.2" });
    sockets.push(stranger);
    let thrownOut = false;
    stranger.on("close", () => (thrownOut = true)).on("error", () => undefined);
    stranger.write("evil");
    await until("the stranger is out", () => thrownOut);
    expect(files.logs).toContain("FTP: a data connection from elsewhere was refused");
    const data = connect(dataPort, "127.0.0.1");
    sockets.push(data);
    await client.say("STOR good.log");
    data.end("good");
    await until("it has arrived", () => files.uploads.length === 1);
    expect(readFileSync(files.store.uploadPath(files.uploads[0]?.uploadId ?? "")).toString()).toBe("good");
  });

  test("ABOR ends an upload in the middle, and nothing of it stays", async () => {
    const client = talk();
    await client.login(await files.uploadPlace());
    const data = connect(epsvPort(await client.say("EPSV")), "127.0.0.1");
    sockets.push(data);
    data.on("error", () => undefined);
    await client.say("STOR half.log");
    data.write("half of it");
    await until("the first bytes are here", () => files.store.usedBytes > 0);
    client.socket.write(Buffer.from([0xff, 0xf4, 0xff, 0xf2]));
    client.socket.write("ABOR\r\n");
    await until("both are answered", () => client.lines.at(-1)?.startsWith("226") === true);
    expect(client.lines.at(-2)).toMatch(/^426/);
    expect(files.store.uploads()).toEqual([]);
    expect(files.store.usedBytes).toBe(0);
  });

  test("lines without end, and too many of them, end it", async () => {
    const long = talk();
    long.socket.write("A".repeat(5_000));
    await until("it was closed", () => long.closed);
    const many = talk();
    many.socket.write("NOOP\r\n".repeat(500));
    await until("it was closed", () => many.closed);
  });

  test("silence ends it; a data connection on which nothing moves too", async () => {
    const silent = talk();
    const slow = talk();
    await slow.login(await files.uploadPlace());
    const data = connect(epsvPort(await slow.say("EPSV")), "127.0.0.1");
    sockets.push(data);
    data.on("error", () => undefined);
    await slow.say("STOR slow.log");
    data.write("a");
    await until("the upload is given up", () => slow.lines.some((line) => line.startsWith("426")));
    await until("the silent one is closed", () => silent.closed);
    expect(files.store.uploads()).toEqual([]);
  });

  test("a path is a name, never more", () => {
    expect(joinPath("/a", "../../../etc/passwd")).toBe("/etc/passwd");
    expect(joinPath("/a/b", "./c//d/..")).toBe("/a/b/c");
    expect(joinPath("/a", "..")).toBe("/");
    expect(joinPath("/", "x".repeat(1_000)).length).toBe(255);
  });
});
