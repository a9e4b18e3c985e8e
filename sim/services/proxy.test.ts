import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startProxy, type FaultProxy } from "./proxy.ts";
import { until } from "./until.ts";

let proxy: FaultProxy;
let stopEcho: () => Promise<void>;
const clients: Socket[] = [];
let echoed: () => number;

beforeEach(async () => {
  let bytes = 0;
  echoed = () => bytes;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stopEcho = () => new Promise((resolve) => server.close(() => resolve()));
  proxy = await startProxy((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.stop();
  await stopEcho();
});

function open(): { socket: Socket; heard: () => Buffer; ended: () => string | undefined } {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  const chunks: Buffer[] = [];
  let ended: string | undefined;
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", (error: NodeJS.ErrnoException) => (ended = error.code));
  socket.on("close", () => (ended ??= "closed"));
  return { socket, heard: () => Buffer.concat(chunks), ended: () => ended };
}

test("it forwards more than any buffer holds, unchanged", async () => {
  const client = open();
  const sent = Buffer.alloc(20_000_000, "0123456789abcdef");
  client.socket.write(sent);
  await until("all came back", () => client.heard().length >= sent.length);
  expect(client.heard().equals(sent)).toBe(true);
});

test("cut resets what is open and what comes, heal lets new connections through", async () => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.cut();
  await until("it was reset", () => client.ended() === "ECONNRESET");
  const late = open();
  await until("the late one was refused", () => late.ended() !== undefined);
  proxy.heal();
  const next = open();
  next.socket.write("b");
  await until("it echoes", () => next.heard().toString() === "b");
});

test("half-open swallows silently, and resets when healed", async () => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.halfOpen();
  const late = open();
  client.socket.write("b");
  late.socket.write("c");
  // Two sockets of the first connection, one of the late one, which leads nowhere.
  await until("both were taken", () => client.socket.bytesWritten === 2 && proxy.connections === 3);
  expect([client.ended(), late.ended(), client.heard().toString()]).toEqual([undefined, undefined, "a"]);
  proxy.heal();
  await until("both were reset", () => client.ended() === "ECONNRESET" && late.ended() === "ECONNRESET");
});

test("delay holds bytes back and keeps their order", async () => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.delay(100);
  const since = performance.now();
  for (const letter of "bcdef") client.socket.write(letter);
  await until("it echoes", () => client.heard().toString() === "abcdef");
  expect(performance.now() - since).toBeGreaterThan(190);
});

test("heal lets nothing overtake what is still delayed", async () => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.delay(60_000);
  const before = client.socket.bytesWritten;
  client.socket.write("b");
  await until("it was taken", () => client.socket.bytesWritten > before);
  proxy.heal();
  client.socket.write("c");
  await until("it echoes", () => client.heard().toString() === "abc");
});

test("stall holds everything back and lets it go when healed, on the same connection", async () => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.stall();
  const late = open();
  client.socket.write("b");
  late.socket.write("c");
  // The late one gets through to the echo, its bytes do not.
  await until("both are connected", () => proxy.connections === 4);
  expect([client.heard().toString(), late.heard().toString()]).toEqual(["a", ""]);
  proxy.heal();
  await until("both echo", () => client.heard().toString() === "ab" && late.heard().toString() === "c");
  expect([client.ended(), late.ended()]).toEqual([undefined, undefined]);
});

test("reset breaks what is open once and lets new connections through", async () => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.reset();
  await until("it was reset", () => client.ended() === "ECONNRESET");
  const next = open();
  next.socket.write("b");
  await until("it echoes", () => next.heard().toString() === "b");
});

test.each(["up", "down"] as const)("half-open %s only swallows that direction", async (direction) => {
  const client = open();
  client.socket.write("a");
  await until("it echoes", () => client.heard().toString() === "a");
  proxy.halfOpen(direction);
  client.socket.write("b");
  // Only what comes back is lost when the echo hears it: it answers into the void.
  const heardByEcho = direction === "down" ? 2 : 1;
  await until("the echo heard what it should", () => echoed() === heardByEcho);
  expect([client.ended(), client.heard().toString()]).toEqual([undefined, "a"]);
  proxy.heal();
  await until("it was reset", () => client.ended() === "ECONNRESET");
  expect([echoed(), client.heard().toString()]).toEqual([heardByEcho, "a"]);
});
