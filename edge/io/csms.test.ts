/** The OCPP server over real sockets: handshake, passwords, frames of every kind, crowds. */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import { until } from "../../sim/services/until.ts";
import { OCPP_AUTH_FAILURES_PER_MIN, OCPP_FRAME_BYTES_MAX } from "../../shared/limits.ts";
import type { Input } from "../core/types.ts";
import { basicPassword, startCsms, stationIdOf, type CsmsOptions } from "./csms.ts";
import { hashPassword, passwordMark } from "../../shared/password.ts";

type Csms = Awaited<ReturnType<typeof startCsms>>;
const running: Csms[] = [];
const sockets: { terminate(): void }[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await Promise.all(running.splice(0).map((csms) => csms.stop()));
});

/** A server whose inputs are kept, and whose frames are answered by `answer`. */
async function serve(
  options: Partial<CsmsOptions> = {},
  answer: (text: string) => string | undefined = () => undefined,
) {
  const inputs: Input[] = [];
  const logs: { message: string; fields: Record<string, unknown> }[] = [];
  const csms: Csms = await startCsms({
    ...{ host: "127.0.0.1", port: 0, auth: () => ({ hashes: [], open: true }), assumeProtocol: undefined },
    onInput(input) {
      inputs.push(input);
      const text = input.kind === "station.frame" ? answer(input.text) : undefined;
      if (input.kind === "station.frame" && text !== undefined) csms.send(input.connectionId, text);
    },
    onLog: (_level, message, fields) => logs.push({ message, fields }),
    ...options,
  });
  running.push(csms);
  const of = <K extends Input["kind"]>(kind: K) =>
    inputs.filter((i) => i.kind === kind) as Extract<Input, { kind: K }>[];
  return { csms, inputs, logs, of };
}

function dial(
  csms: Csms,
  path = "/ocpp/CP-1",
  protocols: string[] = ["ocpp1.6"],
  options: ClientOptions = {},
): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${csms.port}${path}`, protocols, {
    perMessageDeflate: false,
    ...options,
  });
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
/** The HTTP status with which a handshake was refused. */
async function refused(...args: Parameters<typeof dial>): Promise<number | undefined> {
  const [, response] = (await once(dial(...args), "unexpected-response")) as [
    unknown,
    { statusCode?: number },
  ];
  return response.statusCode;
}
const basic = (user: string, password: string | Buffer): ClientOptions => {
  const value = Buffer.concat([Buffer.from(`${user}:`), Buffer.from(password)]).toString("base64");
  return { headers: { authorization: `Basic ${value}` } };
};

describe("the station's name in the URL", () => {
  test.each([
    ["/ocpp/CP-1", "CP-1"],
    ["/ocpp/CP-1/", "CP-1"],
    ["/ocpp/CP-1?token=x", "CP-1"],
    ["/ocpp/a%7Cb%20c", "a|b c"],
    ["/ocpp/%C3%98", "Ø"],
  ])("%s is %s", (url, id) => {
    expect(stationIdOf(url)).toBe(id);
  });

  test.each([
    "/",
    "/ocpp",
    "/ocpp/",
    "/ocpp/a/b",
    "/other/CP-1",
    "/ocpp/%",
    "/ocpp/%FF",
    "/ocpp/a%2Fb",
    "/ocpp/a%00",
    `/ocpp/${"x".repeat(65)}`,
    undefined,
  ])("%s is none", (url) => {
    expect(stationIdOf(url)).toBeUndefined();
  });

  test("arrives decoded; a path that is none is answered 404", async () => {
    const { csms, of } = await serve();
    await open(csms, "/ocpp/a%7Cb%20c");
    expect(of("station.connected")).toMatchObject([
      { stationId: "a|b c", protocol: "ocpp1.6", remoteAddress: "127.0.0.1" },
    ]);
    expect(await refused(csms, "/elsewhere")).toBe(404);
  });
});

describe("TC_088_CSMS, TC_B_58 subprotocol negotiation", () => {
  test.each<[string[], string]>([
    [["ocpp1.6"], "ocpp1.6"],
    [["ocpp2.0.1"], "ocpp2.0.1"],
    [["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"],
    [["ocpp2.1", "ocpp2.0.1"], "ocpp2.1"],
    [["ocpp1.5", "ocpp1.6"], "ocpp1.6"],
  ])("%j → %s", async (offered, chosen) => {
    const { csms, of } = await serve();
    expect((await open(csms, "/ocpp/CP-1", offered)).protocol).toBe(chosen);
    expect(of("station.connected")).toMatchObject([{ protocol: chosen }]);
  });

  test("none in common: the handshake ends without one, then the socket closes, with a log line", async () => {
    const { csms, inputs, logs } = await serve();
    const socket = connectTcp(csms.port, "127.0.0.1");
    const lines = [
      "GET /ocpp/CP-1 HTTP/1.1",
      "Host: x",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
    ];
    socket.write(
      `${[...lines, "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Protocol: soap"].join("\r\n")}\r\n\r\n`,
    );
    const text = (await once(socket, "data"))[0] as Buffer;
    socket.destroy();
    expect(text.toString()).toMatch(/^HTTP\/1\.1 101 /);
    expect(text.toString()).not.toMatch(/sec-websocket-protocol/i);
    expect(logs[0]).toMatchObject({
      message: expect.stringContaining("no common OCPP version"),
      fields: { offered: "soap" },
    });
    expect(inputs).toEqual([]);
  });

  test("none offered: refused, unless the configuration says what to assume", async () => {
    const strict = await serve();
    expect(await closed(dial(strict.csms, "/ocpp/CP-1", []))).toBe(1002);
    const lenient = await serve({ assumeProtocol: "ocpp1.6" });
    expect((await open(lenient.csms, "/ocpp/CP-1", [])).protocol).toBe("");
    expect(lenient.of("station.connected")).toMatchObject([{ protocol: "ocpp1.6" }]);
  });
});

describe("basic authentication", async () => {
  const raw = Buffer.from([0x00, 0xff, 0xfe, 0x3a, 0x80]);
  const hashes = new Map([
    ["CP-1", await hashPassword(Buffer.from("secret:with:colons"))],
    ["CP-2", await hashPassword(raw)],
  ]);
  const auth = (id: string) => ({ hashes: [hashes.get(id) ?? []].flat() });
  const tryIt = (csms: Csms, path: string, options?: ClientOptions) =>
    refused(csms, path, ["ocpp1.6"], options);

  test("TC_085_CSMS, TC_A_01 valid: text, raw bytes, and again at once", async () => {
    const { csms, of } = await serve({ auth });
    for (let i = 0; i < 2; i++) {
      await open(csms, "/ocpp/CP-1", ["ocpp1.6"], basic("CP-1", "secret:with:colons"));
      await open(csms, "/ocpp/CP-2", ["ocpp1.6"], basic("CP-2", raw));
    }
    expect(of("station.connected")).toHaveLength(4);
  });

  test("TC_A_02, TC_A_03 wrong user, wrong password, none, unknown station: 401, and nothing comes in", async () => {
    const { csms, inputs, logs } = await serve({ auth });
    expect(await tryIt(csms, "/ocpp/CP-1", basic("CP-1", "wrong"))).toBe(401);
    expect(await tryIt(csms, "/ocpp/CP-1", basic("CP-2", raw))).toBe(401);
    expect(await tryIt(csms, "/ocpp/CP-1")).toBe(401);
    expect(await tryIt(csms, "/ocpp/CP-9", basic("CP-9", "x"))).toBe(401);
    expect(await tryIt(csms, "/ocpp/CP-1", { headers: { authorization: "Bearer x" } })).toBe(401);
    expect(inputs).toEqual([]);
    expect(logs).toHaveLength(5);
    expect(JSON.stringify(logs)).not.toContain("secret");
  });

  test("of several passwords each lets in, and it is told which one; one in hex is the same as its bytes", async () => {
    const next = await hashPassword(Buffer.from("conformance-1234"));
    const both = [hashes.get("CP-1") ?? "", next];
    const { csms, of } = await serve({ auth: () => ({ hashes: both }) });
    const hex = Buffer.from("conformance-1234").toString("hex");
    for (const password of ["secret:with:colons", "conformance-1234", hex, hex])
      await open(csms, "/ocpp/CP-1", ["ocpp1.6"], basic("CP-1", password));
    const marks = of("station.connected").map((input) => input.passwordMark);
    expect(marks).toEqual([both[0], next, next, next].map((hash) => passwordMark(hash ?? "")));
  });

  test("in a lab any password will do, and one that counts is told", async () => {
    const { csms, of } = await serve({ auth: () => ({ hashes: [...hashes.values()], open: true }) });
    await open(csms);
    await open(csms, "/ocpp/CP-1", ["ocpp1.6"], basic("CP-1", "wrong"));
    await open(csms, "/ocpp/CP-1", ["ocpp1.6"], basic("CP-1", "secret:with:colons"));
    const marks = of("station.connected").map((input) => input.passwordMark);
    expect(marks).toEqual([undefined, undefined, passwordMark(hashes.get("CP-1") ?? "")]);
  });

  test("guessing is slow: after a few wrong passwords the address is told 429, even with the right one", async () => {
    const { csms } = await serve({ auth: () => ({ hashes: [] }) });
    const codes = await Promise.all(
      Array.from({ length: OCPP_AUTH_FAILURES_PER_MIN }, () => tryIt(csms, "/ocpp/X")),
    );
    expect(new Set(codes)).toEqual(new Set([401]));
    expect(await tryIt(csms, "/ocpp/CP-1", basic("CP-1", "secret:with:colons"))).toBe(429);
  });

  test("the header is read to the byte", () => {
    expect(basicPassword(basic("a", raw).headers?.["authorization"] as string, "a")).toEqual(raw);
    expect(basicPassword(basic("a:b", "c").headers?.["authorization"] as string, "a:b")).toEqual(
      Buffer.from("c"),
    );
    for (const header of [undefined, "", "Basic", "Basic !", "Basic YQ==", "Digest YTpi"]) {
      expect(basicPassword(header, "a")).toBeUndefined();
    }
  });
});

describe("frames", () => {
  test("go in as text and out as text", async () => {
    const { csms, of } = await serve({}, (text) => `re:${text}`);
    const socket = await open(csms);
    socket.send('[2,"é"]');
    expect(String((await once(socket, "message"))[0])).toBe('re:[2,"é"]');
    expect(of("station.frame")).toMatchObject([{ text: '[2,"é"]' }]);
  });

  test("of the largest size are taken; one byte more closes with 1009", async () => {
    const { csms, of } = await serve();
    const socket = await open(csms);
    socket.send("x".repeat(OCPP_FRAME_BYTES_MAX));
    await until("the frame arrived", () => of("station.frame").length === 1);
    socket.send("x".repeat(OCPP_FRAME_BYTES_MAX + 1));
    expect(await closed(socket)).toBe(1009);
    await until("the core knows", () => of("station.disconnected").length === 1);
    expect(of("station.frame")).toHaveLength(1);
    await open(csms);
  });

  test.each<[string, number, (socket: WebSocket, tcp: Socket) => void]>([
    ["binary", 1003, (socket) => socket.send(Buffer.from([1, 2, 3]))],
    ["invalid UTF-8", 1007, (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false })],
    [
      "compressed without negotiation",
      1002,
      (_, tcp) => tcp.write(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x61])),
    ],
    ["without a mask", 1002, (_, tcp) => tcp.write(Buffer.from([0x81, 0x01, 0x61]))],
  ])("%s close with %i, and the next connection is taken at once", async (_name, code, send) => {
    const { csms, of } = await serve();
    const socket = await open(csms);
    send(socket, (socket as unknown as { _socket: Socket })._socket);
    expect(await closed(socket)).toBe(code);
    await open(csms);
    expect(of("station.frame")).toEqual([]);
    await until("both connections are known", () => of("station.connected").length === 2);
  });

  test("a flood of 2 000 from one station: all answered, none lost, in order", async () => {
    const { csms } = await serve({}, (text) => text);
    const socket = await open(csms);
    const answers: string[] = [];
    socket.on("message", (data) => answers.push(String(data as Buffer)));
    const sent = Array.from({ length: 2_000 }, (_, i) => `[2,"${i}","Heartbeat",{}]`);
    for (const text of sent) socket.send(text);
    await until("all are answered", () => answers.length === sent.length);
    expect(answers).toEqual(sent);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test("to a connection that is gone are dropped in silence", async () => {
    const { csms, of } = await serve();
    (await open(csms)).terminate();
    await until("it is gone", () => of("station.disconnected").length === 1);
    csms.send(1, "late");
    csms.close(1, 1000, "late");
    csms.send(99, "nobody");
    expect(csms.connections).toBe(0);
  });
});

describe("connections", () => {
  test("two of one station are two inputs: which one counts is the core's business; `close` ends one", async () => {
    const { csms, of } = await serve();
    const old = await open(csms);
    await open(csms);
    expect(of("station.connected").map((i) => i.connectionId)).toEqual([1, 2]);
    csms.close(1, 1008, "replaced by a newer connection");
    expect(await closed(old)).toBe(1008);
    await until("the core knows", () => of("station.disconnected").length === 1);
    expect(of("station.disconnected")[0]).toMatchObject({ connectionId: 1, reason: "closed 1008" });
  });

  test("200 stations that come back at once are all let in", async () => {
    const { csms, of } = await serve();
    await Promise.all(Array.from({ length: 200 }, (_, i) => open(csms, `/ocpp/CP-${i}`)));
    expect(csms.connections).toBe(200);
    expect(new Set(of("station.connected").map((i) => i.stationId)).size).toBe(200);
  });

  test("a plain GET on the URL gets an answer", async () => {
    const { csms, inputs } = await serve();
    const response = await fetch(`http://127.0.0.1:${csms.port}/ocpp/CP-1`);
    expect(response.status).toBe(426);
    expect(await response.text()).toContain("/ocpp/<stationId>");
    expect(inputs).toEqual([]);
  });

  test("nonsense instead of a handshake hinders nobody", async () => {
    const { csms } = await serve();
    const texts = [
      "GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\n",
      "\u0000\u0001\u0002\r\n\r\n",
      "GET /ocpp/CP-1 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ];
    for (const text of texts) {
      const socket = connectTcp(csms.port, "127.0.0.1");
      socket.on("error", () => undefined);
      sockets.push({ terminate: () => socket.destroy() });
      socket.write(text);
    }
    await open(csms);
  });

  test("a stop says 1001 and does not wait for half a handshake", async () => {
    const { csms, of } = await serve();
    const socket = await open(csms);
    const half = connectTcp(csms.port, "127.0.0.1");
    half.on("error", () => undefined);
    await once(half, "connect");
    half.write("GET /ocpp/CP-2 HTTP/1.1\r\nHost: x\r\n");
    const silent = connectTcp(csms.port, "127.0.0.1");
    await once(silent, "connect");
    const code = closed(socket);
    await until("the stop ended", async () => (await csms.stop(), true), 5_000);
    expect(await code).toBe(1001);
    expect(of("station.disconnected")).toHaveLength(1);
    half.destroy();
    silent.destroy();
    running.splice(0);
  });

  test("a port in use is named", async () => {
    const { csms } = await serve();
    await expect(serve({ port: csms.port })).rejects.toMatchObject({
      ...{
        code: "PORT_IN_USE",
        message: `cannot listen on 127.0.0.1:${csms.port}`,
        hint: expect.stringContaining("[ocpp] port"),
      },
    });
  });
});
