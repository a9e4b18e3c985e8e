/** Each row of the quirk table that is about handshakes and sockets, and strangers at the door. */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import { hashPassword } from "../../shared/password.ts";
import { until } from "../../sim/services/until.ts";
import type { Input } from "../core/types.ts";
import { startCsms, type CsmsOptions, type StationOptions } from "./csms.ts";

const row = test;

type Csms = Awaited<ReturnType<typeof startCsms>>;
const running: Csms[] = [];
const sockets: { terminate(): void }[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await Promise.all(running.splice(0).map((csms) => csms.stop()));
});

async function serve(options: Partial<CsmsOptions> = {}) {
  const inputs: Input[] = [];
  const logs: { message: string; fields: Record<string, unknown> }[] = [];
  const csms: Csms = await startCsms({
    ...{ host: "127.0.0.1", port: 0, auth: () => ({ hashes: [], open: true }), assumeProtocol: undefined },
    onInput: (input) => inputs.push(input),
    onLog: (_level, message, fields) => logs.push({ message, fields }),
    ...options,
  });
  running.push(csms);
  const connected = () => inputs.flatMap((i) => (i.kind === "station.connected" ? [i] : []));
  const frames = () => inputs.flatMap((i) => (i.kind === "station.frame" ? [i.text] : []));
  return { csms, inputs, logs, connected, frames };
}

function dial(csms: Csms, path: string, protocols: string[], options: ClientOptions = {}): WebSocket {
  const url = `ws://127.0.0.1:${csms.port}${path}`;
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}
async function open(...args: Parameters<typeof dial>): Promise<WebSocket> {
  const socket = dial(...args);
  await once(socket, "open");
  return socket;
}
const closed = async (socket: WebSocket): Promise<number> => (await once(socket, "close"))[0] as number;
const basic = (user: string, password: string | Buffer): ClientOptions => {
  const value = Buffer.concat([Buffer.from(`${user}:`), Buffer.from(password)]).toString("base64");
  return { headers: { authorization: `Basic ${value}` } };
};

/** What a raw TCP client gets as its first answer; undefined: the socket was closed without one. */
async function raw(csms: Csms, text: string | Buffer): Promise<string | undefined> {
  const socket = connectTcp(csms.port, "127.0.0.1");
  socket.on("error", () => undefined);
  sockets.push({ terminate: () => socket.destroy() });
  socket.write(text);
  const first = await Promise.race([once(socket, "data"), once(socket, "close").then(() => undefined)]);
  return first === undefined ? undefined : (first[0] as Buffer).toString("latin1");
}
const handshake = (lines: string[], path = "/ocpp/CP-1") =>
  `${[`GET ${path} HTTP/1.1`, "Host: x", ...lines].join("\r\n")}\r\n\r\n`;
const KEY = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==";
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY];

describe("handshakes", () => {
  row(
    "no-subprotocol: the station's own assumption counts before that of the ER; none is echoed",
    async () => {
      const own: Record<string, StationOptions> = { "CP-2": { assumeProtocol: "ocpp2.0.1" } };
      const { csms, connected } = await serve({ assumeProtocol: "ocpp1.6", stationOptions: (id) => own[id] });
      expect((await open(csms, "/ocpp/CP-1", [])).protocol).toBe("");
      expect((await open(csms, "/ocpp/CP-2", [])).protocol).toBe("");
      expect(connected().map(({ protocol }) => protocol)).toEqual(["ocpp1.6", "ocpp2.0.1"]);
      // An assumption is for those who offer nothing, not for those who offer something else.
      expect(await raw(csms, handshake([...UPGRADE, "Sec-WebSocket-Protocol: soap"]))).toMatch(/ 101 /);
      expect(connected()).toHaveLength(2);
    },
  );

  row("no-connection-upgrade: an answer, and a line in the log that names the header", async () => {
    const { csms, logs, inputs } = await serve();
    const lines = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY];
    expect(await raw(csms, handshake(lines))).toMatch(/^HTTP\/1\.1 426 /);
    expect(logs).toMatchObject([{ fields: { reason: expect.stringContaining("Connection: Upgrade") } }]);
    expect(inputs).toEqual([]);
  });

  row("protocol-list: the newest that both know", async () => {
    const { csms, connected } = await serve();
    await open(csms, "/ocpp/CP-1", ["ocpp1.6", "ocpp2.0.1", "ocpp3.0"]);
    expect(connected()).toMatchObject([{ protocol: "ocpp2.0.1" }]);
  });

  row("compression-offered: not agreed to, and it goes on without", async () => {
    const { csms, frames } = await serve();
    const socket = await open(csms, "/ocpp/CP-1", ["ocpp1.6"], { perMessageDeflate: true });
    expect(socket.extensions).toBe("");
    socket.send("x".repeat(2_000));
    await until("the frame arrived", () => frames().length === 1);
  });

  row("encoded-identity: decoded before it is compared with the Basic user", async () => {
    const hash = await hashPassword(Buffer.from("secret"));
    const auth = (id: string) => ({ hashes: id === "site|7 b" ? [hash] : [] });
    const { csms, connected } = await serve({ auth });
    await open(csms, "/ocpp/site%7C7%20b", ["ocpp1.6"], basic("site|7 b", "secret"));
    expect(connected()).toMatchObject([{ stationId: "site|7 b" }]);
  });

  row("raw-password: compared as bytes", async () => {
    const bytes = Buffer.from([0x00, 0xff, 0xfe, 0x3a, 0x80, 0x0a, 0x01, 0xc3]);
    const hash = await hashPassword(bytes);
    const { csms, connected } = await serve({ auth: () => ({ hashes: [hash] }) });
    await open(csms, "/ocpp/CP-1", ["ocpp1.6"], basic("CP-1", bytes));
    expect(connected()).toHaveLength(1);
  });

  row("keba-http-probe: any GET is answered", async () => {
    const { csms } = await serve();
    for (const path of ["/ocpp/CP-1", "/", "/ocpp/CP-1?x=1"])
      expect((await fetch(`http://127.0.0.1:${csms.port}${path}`)).status).toBe(426);
  });

  test.each<[string, string, RegExp]>([
    ["without a key", handshake(UPGRADE.slice(0, 3)), /^HTTP\/1\.1 400 /],
    ["with a short key", handshake([...UPGRADE.slice(0, 3), "Sec-WebSocket-Key: x"]), /^HTTP\/1\.1 400 /],
    ["of version 7", handshake([...UPGRADE.slice(0, 2), "Sec-WebSocket-Version: 7", KEY]), /^HTTP\/1\.1 4/],
    ["by POST", handshake(UPGRADE).replace("GET", "POST"), /^HTTP\/1\.1 4/],
    [
      "to something else than a WebSocket",
      handshake(["Connection: Upgrade", "Upgrade: h2c"]),
      /^HTTP\/1\.1 4/,
    ],
    ["to a path with a slash in its name", handshake(UPGRADE, "/ocpp/a%2Fb"), /^HTTP\/1\.1 404 /],
    ["to a path of bad escapes", handshake(UPGRADE, "/ocpp/%zz"), /^HTTP\/1\.1 404 /],
    ["to a path above", handshake(UPGRADE, "/ocpp/../x"), /^HTTP\/1\.1 404 /],
    ["with headers of 100 KB", handshake([...UPGRADE, `X: ${"y".repeat(100_000)}`]), /^HTTP\/1\.1 4/],
    ["with a bad subprotocol", handshake([...UPGRADE, "Sec-WebSocket-Protocol: ,,"]), /^HTTP\/1\.1 400 /],
    ["in no HTTP at all", "\u0016\u0003\u0001\u0002\u0000\r\n\r\n", /^HTTP\/1\.1 400 /],
  ])("a handshake %s is answered and hinders nobody", async (_name, text, answer) => {
    const { csms, inputs } = await serve();
    expect(await raw(csms, text)).toMatch(answer);
    expect(inputs).toEqual([]);
    await open(csms, "/ocpp/CP-1", ["ocpp1.6"]);
  });

  test("frames that come in one packet with the handshake are taken", async () => {
    const { csms, frames } = await serve();
    const frame = Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x61, 0x62, 0x63]);
    const text = handshake([...UPGRADE, "Sec-WebSocket-Protocol: ocpp1.6"]);
    expect(await raw(csms, Buffer.concat([Buffer.from(text), frame]))).toMatch(/^HTTP\/1\.1 101 /);
    await until("the frame arrived", () => frames().length === 1);
    expect(frames()).toEqual(["abc"]);
  });
});

describe("signs of life", () => {
  // Longer than a busy machine keeps this process from running.
  const lively = { pingIntervalMs: 20, silenceMs: 1_500 };
  const outlived = () => {
    const begunMs = performance.now();
    return () => performance.now() - begunMs > 2 * lively.silenceMs;
  };
  const silent = { autoPong: false } as ClientOptions;

  for (const id of ["en-no-pong", "evduty-no-pong"])
    test(`a station that answers no ping but talks stays (${id})`, async () => {
      const { csms, connected } = await serve(lively);
      const socket = await open(csms, "/ocpp/CP-1", ["ocpp1.6"], silent);
      const talk = setInterval(() => socket.send('[2,"1","Heartbeat",{}]'), 50);
      let pings = 0;
      socket.on("ping", () => pings++);
      const isOver = outlived();
      await until("many pings went unanswered", () => pings >= 25 && isOver());
      clearInterval(talk);
      expect(socket.readyState).toBe(WebSocket.OPEN);
      expect(connected()).toHaveLength(1);
    });

  row("en-no-pong: `ping = false` of the station turns pings off", async () => {
    const { csms } = await serve({ ...lively, stationOptions: (id) => ({ ping: id !== "CP-1" }) });
    const quiet = await open(csms, "/ocpp/CP-1", ["ocpp1.6"], silent);
    const other = await open(csms, "/ocpp/CP-2", ["ocpp1.6"]);
    const pings = { quiet: 0, other: 0 };
    quiet.on("ping", () => pings.quiet++);
    other.on("ping", () => pings.other++);
    await until("the other one was pinged", () => pings.other >= 3);
    expect(pings.quiet).toBe(0);
  });

  row("evduty-no-pong: complete silence ends a socket, pings or not", async () => {
    const { csms } = await serve({ ...lively, stationOptions: () => ({ ping: false }) });
    expect(await closed(await open(csms, "/ocpp/CP-1", ["ocpp1.6"], silent))).toBe(1006);
  });

  row("rare-pings: a station's own ping is a sign of life", async () => {
    const { csms } = await serve({ ...lively, stationOptions: () => ({ ping: false }) });
    const socket = await open(csms, "/ocpp/CP-1", ["ocpp1.6"], silent);
    let pongs = 0;
    socket.on("pong", () => pongs++);
    const ping = setInterval(() => socket.ping(), 100);
    const isOver = outlived();
    await until("it has outlived the silence", () => pongs >= 10 && isOver());
    clearInterval(ping);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  row("compressed-unasked: closed with 1002, the next one is taken at once", async () => {
    const { csms, connected, frames } = await serve();
    const socket = await open(csms, "/ocpp/CP-1", ["ocpp1.6"]);
    const tcp = (socket as unknown as { _socket: Socket })._socket;
    tcp.write(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x61]));
    expect(await closed(socket)).toBe(1002);
    await open(csms, "/ocpp/CP-1", ["ocpp1.6"]);
    expect(connected()).toHaveLength(2);
    expect(frames()).toEqual([]);
  });
});
