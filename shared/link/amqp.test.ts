/** What only the AMQP adapter does: named queues, mandatory messages, trouble with the broker's set-up. */
import { connect, type ChannelModel } from "amqplib";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { startProxy } from "../../sim/services/proxy.ts";
import { startRabbitmq } from "../../sim/services/rabbitmq.ts";
import { until } from "../../sim/services/until.ts";
import { toRoutingKey, toTopic } from "./amqp.ts";
import { closeAll, Peer, uniqueName, withPort } from "./harness.ts";

/** The operator's own connection to the broker. */
let operator: ChannelModel;
beforeAll(async () => {
  operator = await connect(inject("amqpUrl"));
});
afterAll(() => operator.close());
afterEach(closeAll);

test("topics and routing keys are the same words", () => {
  expect(toRoutingKey("up/+/journal")).toBe("up.*.journal");
  expect(toRoutingKey("down/er1/#")).toBe("down.er1.#");
  expect(toTopic("up.er1.journal")).toBe("up/er1/journal");
});

test("a mandatory message that nobody is bound for is refused, and only that one", async () => {
  const id = uniqueName();
  const a = await Peer.up(inject("amqpUrl"), []);
  const b = await Peer.up(inject("amqpUrl"), [`down/${id}/#`]);
  const send = (topic: string) => a.link.publish(topic, Buffer.from("x"), { mandatory: true });
  const outcomes = await Promise.allSettled([
    send(`down/${id}/a`),
    send(`down/no-${id}/a`),
    send(`down/${id}/b`),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({ reason: { code: "LINK_UNROUTABLE" } });
  await b.receive(2);
  await a.link.publish(`down/no-${id}/a`, Buffer.from("not mandatory"));
});

test("a named queue keeps messages while its consumer is away, and redelivers the unsettled", async () => {
  const id = uniqueName();
  const queue = { name: id, type: "quorum", singleActiveConsumer: true } as const;
  const proxy = await startProxy(Number(new URL(inject("amqpUrl")).port));
  const url = withPort(inject("amqpUrl"), proxy.port);
  let stuck = true;
  const sink = await Peer.up(url, [{ pattern: `up/+/${id}`, queue }], {
    prefetch: 4,
    onMessage: () => until("the consumer is let go", () => !stuck).then(() => undefined),
  });
  const source = await Peer.up(inject("amqpUrl"), []);
  const texts = Array.from({ length: 12 }, (_, i) => String(i));
  for (const text of texts) await source.link.publish(`up/er1/${id}`, Buffer.from(text));
  await sink.receive(4);
  proxy.cut();
  await until("the loss is noticed", () => !sink.link.up);
  stuck = false;
  expect(sink.received.length).toBe(4);
  proxy.heal();
  await until("everything arrived", () => new Set(sink.texts()).size === texts.length);
  const channel = await operator.createChannel();
  await until("everything is settled", async () => (await channel.checkQueue(id)).messageCount === 0);
  await sink.link.stop();
  await channel.deleteQueue(id);
  await channel.close();
  await proxy.stop();
});

test("two links on one queue share the messages, whatever pattern brought them", async () => {
  const id = uniqueName();
  const queue = { name: id, type: "classic" } as const;
  const subscriptions = [
    { pattern: `up/+/${id}`, queue },
    { pattern: `will/+/${id}`, queue },
  ];
  const one = await Peer.up(inject("amqpUrl"), subscriptions);
  const two = await Peer.up(inject("amqpUrl"), subscriptions);
  const source = await Peer.up(inject("amqpUrl"), []);
  for (let i = 0; i < 20; i += 1)
    await source.link.publish(`${i % 2 ? "up" : "will"}/er1/${id}`, Buffer.from(`${i}`));
  await until("all arrived", () => one.received.length + two.received.length === 20);
  expect(new Set([...one.texts(), ...two.texts()]).size).toBe(20);
  await closeAll();
  const channel = await operator.createChannel();
  await channel.deleteQueue(id);
  await channel.close();
});

test("an expired message is not delivered", async () => {
  const id = uniqueName();
  const queue = { name: id, type: "classic" } as const;
  const first = await Peer.up(inject("amqpUrl"), [{ pattern: `up/+/${id}`, queue }]);
  await first.link.stop();
  const source = await Peer.up(inject("amqpUrl"), []);
  await source.link.publish(`up/er1/${id}`, Buffer.from("stale"), { expirationMs: 1 });
  await source.link.publish(`up/er1/${id}`, Buffer.from("lasting"));
  const channel = await operator.createChannel();
  await until("it expired", async () => (await channel.checkQueue(id)).messageCount === 1);
  const second = await Peer.up(inject("amqpUrl"), [{ pattern: `up/+/${id}`, queue }]);
  await second.receive(1);
  expect(second.texts()).toEqual(["lasting"]);
  await second.link.stop();
  await channel.deleteQueue(id);
  await channel.close();
});

test("a queue that exists with other settings is named as the trouble until it is gone", async () => {
  const id = uniqueName();
  const channel = await operator.createChannel();
  await channel.assertQueue(id, { durable: true });
  const peer = Peer.create(inject("amqpUrl"), [
    { pattern: `up/+/${id}`, queue: { name: id, type: "quorum" } },
  ]);
  peer.link.start();
  await until("two attempts failed", () => peer.downs.length >= 2);
  expect(peer.ups).toBe(0);
  expect(peer.downs[0]).toContain(`cannot declare queue ${id}`);
  expect(peer.downs[0]).toMatch(/PRECONDITION.FAILED.*x-queue-type/);
  await channel.deleteQueue(id);
  await until("it is up", () => peer.link.up);
  await peer.link.stop();
  await channel.deleteQueue(id);
  await channel.close();
});

test("a queue that is deleted under its consumer is declared again", async () => {
  const id = uniqueName();
  const queue = { name: id, type: "classic" } as const;
  const peer = await Peer.up(inject("amqpUrl"), [{ pattern: `up/+/${id}`, queue }]);
  const channel = await operator.createChannel();
  await channel.deleteQueue(id);
  await until("the loss is noticed", () => peer.downs.length === 1);
  expect(peer.downs[0]).toContain(id);
  await until("it is up again", () => peer.link.up);
  await peer.link.publish(`up/er1/${id}`, Buffer.from("x"), { mandatory: true });
  await peer.receive(1);
  await peer.link.stop();
  await channel.deleteQueue(id);
  await channel.close();
});

test("a queue at its limit refuses, which is not a loss of the link", async () => {
  const id = uniqueName();
  const channel = await operator.createChannel();
  await channel.assertQueue(id, {
    durable: true,
    maxLength: 1,
    arguments: { "x-overflow": "reject-publish" },
  });
  await channel.bindQueue(id, "amq.topic", `up.*.${id}`);
  const peer = await Peer.up(inject("amqpUrl"), []);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () => peer.link.publish(`up/er1/${id}`, Buffer.from("x"))),
  );
  expect(outcomes[0]).toMatchObject({ status: "fulfilled" });
  expect(outcomes[9]).toMatchObject({ status: "rejected", reason: { code: "LINK_REFUSED" } });
  expect(peer.link.up).toBe(true);
  await channel.deleteQueue(id);
  await channel.close();
});

test("both adapters survive a restart of RabbitMQ", { timeout: 120_000 }, async () => {
  const broker = await startRabbitmq({ alwaysPrivate: true });
  try {
    const queue = { name: "sg.journal", type: "quorum", singleActiveConsumer: true } as const;
    const cloud = await Peer.up(broker.amqpUrl, [{ pattern: "up/+/journal", queue }]);
    const edge = await Peer.up(broker.mqttUrl, ["down/er1/#"]);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await broker.stopNode(signal);
      await until("both noticed", () => !cloud.link.up && !edge.link.up);
      await expect(edge.link.publish("up/er1/journal", Buffer.from("x"))).rejects.toMatchObject({
        code: "LINK_DOWN",
      });
      await broker.startNode();
      await until("both are back", () => cloud.link.up && edge.link.up, 60_000);
      await edge.link.publish("up/er1/journal", Buffer.from(signal));
      await cloud.link.publish("down/er1/ack", Buffer.from(signal));
      await until("both received", () => cloud.texts().includes(signal) && edge.texts().includes(signal));
    }
    await closeAll();
  } finally {
    await broker.stop();
  }
});
