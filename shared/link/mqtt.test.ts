/** What only the MQTT adapter does, and what both do with a server that is no broker: seen on the wire. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { connectAsync } from "mqtt";
import { afterEach, expect, inject, test } from "vitest";
import { until } from "../../sim/services/until.ts";
import { createLink } from "./connect.ts";
import { closeAll, Peer, uniqueName } from "./harness.ts";

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  await closeAll();
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A broker that accepts everything, then says what it is told to. */
async function scriptedBroker(): Promise<{
  url: string;
  say: (bytes: Buffer) => void;
  heard: () => Buffer[];
}> {
  const heard: Buffer[] = [];
  let client: Socket | undefined;
  const port = await listen((socket) => {
    client = socket;
    socket.on("data", (bytes) => {
      heard.push(bytes);
      if (bytes[0] === 0x10) socket.write(Buffer.from([0x20, 2, 0, 0]));
      if (bytes[0] === 0x82) socket.write(Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 1]));
    });
  });
  return { url: `mqtt://127.0.0.1:${port}`, say: (bytes) => client?.write(bytes), heard: () => heard };
}

/** PUBLISH, QoS 1, topic "a" (MQTT 3.1.1 section 3.3). */
function publishPacket(id: number, text: string, retain = false): Buffer {
  const body = Buffer.concat([Buffer.from([0, 1, 0x61, id >> 8, id & 0xff]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0x32 | (retain ? 1 : 0), body.length]), body]);
}

function pubacks(heard: Buffer[]): number[] {
  const ids: number[] = [];
  const bytes = Buffer.concat(heard.filter(([first]) => first === 0x40));
  for (let at = 0; at + 4 <= bytes.length; at += 4) ids.push(bytes.readUInt16BE(at + 2));
  return ids;
}

test("PUBACK is sent when the handler settled, not before, and for each message on its own", async () => {
  const broker = await scriptedBroker();
  const turns = new Map<string, () => void>();
  const peer = await Peer.up(broker.url, ["a"], {
    prefetch: 3,
    onMessage: (_topic, payload) => new Promise((resolve) => turns.set(payload.toString(), resolve)),
  });
  for (const [id, text] of [
    [1, "one"],
    [2, "two"],
    [515, "three"],
    [4, "four"],
  ] as const) {
    broker.say(publishPacket(id, text));
  }
  await until("three handlers run", () => turns.size === 3);
  expect(pubacks(broker.heard())).toEqual([]);
  turns.get("three")?.();
  await until("the third is acknowledged", () => pubacks(broker.heard()).length === 1);
  await until("the fourth has its turn", () => turns.has("four"));
  turns.get("one")?.();
  await until("the first is acknowledged", () => pubacks(broker.heard()).length === 2);
  expect(pubacks(broker.heard())).toEqual([515, 1]);
  expect(peer.downs).toEqual([]);
});

test("it speaks MQTT 3.1.1 with a clean session under its own name", async () => {
  const broker = await scriptedBroker();
  const peer = Peer.create(broker.url, ["a"]);
  await peer.start();
  const connect = broker.heard()[0] ?? Buffer.alloc(0);
  expect(connect.subarray(2, 9)).toEqual(Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4]));
  expect(connect[9]).toBe(0b0000_0010);
});

test("a broker that floods is left unread beyond the bound, and nothing is lost", async () => {
  const broker = await scriptedBroker();
  let open = false;
  const peer = await Peer.up(broker.url, ["a"], {
    prefetch: 1,
    onMessage: () => until("the handlers are let go", () => open).then(() => undefined),
  });
  const count = 2_000;
  for (let id = 1; id <= count; id += 1) broker.say(publishPacket(id, String(id)));
  await peer.receive(1);
  open = true;
  await until("all are acknowledged", () => pubacks(broker.heard()).length === count);
  expect(peer.texts()).toEqual(Array.from({ length: count }, (_, i) => String(i + 1)));
});

test("a retained message is acknowledged and not handed over", async () => {
  const id = uniqueName();
  const other = await connectAsync(inject("mqttUrl"));
  await other.publishAsync(`up/${id}/old`, "old", { qos: 1, retain: true });
  const peer = await Peer.up(inject("mqttUrl"), [`up/${id}/old`]);
  await peer.link.publish(`up/${id}/old`, Buffer.from("new"));
  await peer.receive(1);
  expect(peer.texts()).toEqual(["new"]);
  await other.publishAsync(`up/${id}/old`, "", { qos: 1, retain: true });
  await other.endAsync();

  const broker = await scriptedBroker();
  const second = await Peer.up(broker.url, ["a"]);
  broker.say(publishPacket(7, "old", true));
  await until("it is acknowledged", () => pubacks(broker.heard()).length === 1);
  expect(second.received).toEqual([]);
});

/** A method frame of AMQP 0-9-1 on channel 0 (section 4.2.3). */
function amqpMethod(id: number, fields: Buffer): Buffer {
  const frame = Buffer.alloc(11 + fields.length + 1, 0xce);
  frame.writeUInt8(1, 0);
  frame.writeUInt16BE(0, 1);
  frame.writeUInt32BE(4 + fields.length, 3);
  frame.writeUInt32BE(id, 7);
  fields.copy(frame, 11);
  return frame;
}

/** connection.start with PLAIN, so that the client tells its password. */
function amqpStart(): Buffer {
  const longText = (text: string) =>
    Buffer.from(`\0\0\0${String.fromCharCode(text.length)}${text}`, "latin1");
  const versionAndProperties = Buffer.from([0, 9, 0, 0, 0, 0]);
  return amqpMethod(0x000a_000a, Buffer.concat([versionAndProperties, longText("PLAIN"), longText("en_US")]));
}

/** connection.close with the password in its text: some brokers are indiscreet. */
function echo(socket: Socket): void {
  const text = "ACCESS_REFUSED for hidden-word";
  const fields = Buffer.from(`\x01\x93${String.fromCharCode(text.length)}${text}\0\0\0\0`, "latin1");
  socket.write(amqpMethod(0x000a_0032, fields));
}

test.each(["mqtt", "amqp"])("%s: no behaviour of a server ends the process", async (scheme) => {
  const behaviours: ((socket: Socket) => void)[] = [
    (socket) => socket.destroy(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    (socket) => void socket.write(Buffer.alloc(4_096, 0xff)),
    (socket) => void socket.once("data", () => socket.write(Buffer.from([0x20, 2, 0, 5]))),
    (socket) => void socket.once("data", () => socket.end(Buffer.from([0x20, 2, 0, 0, 0x30]))),
    (socket) => void socket.once("data", () => socket.write(Buffer.from("AMQP\0\0\x09\x01", "latin1"))),
    (socket) => {
      socket.once("data", () => {
        socket.write(amqpStart());
        socket.once("data", () => echo(socket));
      });
    },
    (socket) => void socket.resume(),
  ];
  let turn = 0;
  const port = await listen((socket) => behaviours[turn++ % behaviours.length]?.(socket));
  const peer = Peer.create(`${scheme}://user:hidden-word@127.0.0.1:${port}`, ["a"], {
    connectTimeoutMs: 2_000,
  });
  peer.link.start();
  await until("each was met", () => peer.downs.length > behaviours.length);
  expect(peer.ups).toBe(0);
  expect(peer.downs.every((reason) => reason !== "" && !reason.includes("hidden-word"))).toBe(true);
  if (scheme === "amqp") expect(peer.downs.join()).toContain("ACCESS_REFUSED for ***");
});

test.each(["http://broker", "not a url", "mqtt://", "ws://broker:1"])(
  "the address %s is refused clearly",
  (url) => {
    const handlers = { onMessage: () => undefined, onUp: () => undefined, onDown: () => undefined };
    const create = () => createLink({ url, name: "x", subscriptions: [], prefetch: 1 }, handlers);
    expect(create).toThrow(
      expect.objectContaining({ code: "LINK_URL", hint: expect.stringContaining("amqp://") }),
    );
  },
);

test.each(["", "up/er.1/x", "up/+/x", "up/#", "x".repeat(300)])(
  "the topic '%s' is refused",
  async (topic) => {
    const peer = await Peer.up(inject("mqttUrl"), []);
    await expect(peer.link.publish(topic, Buffer.from("x"))).rejects.toMatchObject({ code: "LINK_TOPIC" });
    await expect(peer.link.publish("up/x", Buffer.alloc(9_000_000))).rejects.toMatchObject({
      code: "LINK_TOO_LARGE",
    });
    expect(peer.link.up).toBe(true);
  },
);

test("publishes that wait for their confirm are bounded", async () => {
  const broker = await scriptedBroker();
  const peer = await Peer.up(broker.url, []);
  const outcomes: string[] = [];
  const publishing = Array.from({ length: 5_000 }, () =>
    peer.link.publish("up/er1/x", Buffer.from("x")).catch((error) => outcomes.push(error.code)),
  );
  await until("the surplus is refused", () => outcomes.length > 0);
  expect(new Set(outcomes)).toEqual(new Set(["LINK_BUSY"]));
  expect(peer.link.up).toBe(true);
  await peer.link.stop();
  await Promise.all(publishing);
  expect(new Set(outcomes)).toEqual(new Set(["LINK_BUSY", "LINK_DOWN"]));
});
