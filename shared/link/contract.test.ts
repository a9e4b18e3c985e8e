/**
 * The contract of a link, run against every pair of adapters through every broker. What belongs to one
 * adapter only is in `amqp.test.ts` and `mqtt.test.ts`.
 */
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { startAedes, type EmbeddedBroker } from "../../sim/services/aedes.ts";
import { startProxy, type FaultProxy } from "../../sim/services/proxy.ts";
import { until } from "../../sim/services/until.ts";
import { closeAll, exitOf, Peer, uniqueName, withPort } from "./harness.ts";

const USERS = { moov: "s3cret-aedes" };
let aedes: EmbeddedBroker;

beforeAll(async () => {
  aedes = await startAedes({ users: USERS });
});
afterAll(() => aedes.stop());
afterEach(closeAll);

const rabbitmqAmqp = (): string => inject("amqpUrl");
const rabbitmqMqtt = (): string => inject("mqttUrl");
const aedesMqtt = (): string => aedes.url.replace("//", `//moov:${USERS.moov}@`);

const pairs = [
  { name: "amqp and amqp through RabbitMQ", left: rabbitmqAmqp, right: rabbitmqAmqp },
  { name: "mqtt and amqp through RabbitMQ", left: rabbitmqMqtt, right: rabbitmqAmqp },
  { name: "mqtt and mqtt through RabbitMQ", left: rabbitmqMqtt, right: rabbitmqMqtt },
  { name: "mqtt and mqtt through aedes", left: aedesMqtt, right: aedesMqtt },
];

describe.each(pairs)("$name", ({ left, right }) => {
  let proxies: FaultProxy[] = [];
  afterEach(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    proxies = [];
  });

  async function proxied(url: string): Promise<{ proxy: FaultProxy; url: string }> {
    const proxy = await startProxy(Number(new URL(url).port));
    proxies.push(proxy);
    return { proxy, url: withPort(url, proxy.port) };
  }

  test.each([0, 1, 256 * 1024, 2 * 1024 * 1024])("carries %i bytes unchanged, both ways", async (size) => {
    const id = uniqueName();
    const a = await Peer.up(left(), [`down/${id}/#`]);
    const b = await Peer.up(right(), [`up/+/${id}`]);
    const payload = randomBytes(size);
    await a.link.publish(`up/er1/${id}`, payload);
    await b.link.publish(`down/${id}/ack`, payload);
    const atB = await b.receive(1);
    const atA = await a.receive(1);
    expect(atB[0]?.topic).toBe(`up/er1/${id}`);
    expect(atA[0]?.topic).toBe(`down/${id}/ack`);
    expect(atB[0]?.payload.equals(payload)).toBe(true);
    expect(atA[0]?.payload.equals(payload)).toBe(true);
  });

  test("+ matches one level, # the rest, and nothing else arrives", async () => {
    const id = uniqueName();
    const a = await Peer.up(left(), []);
    const b = await Peer.up(right(), [`${id}/+/journal`, `${id}/down/#`]);
    const sent = [
      "er1/journal",
      "er1/ask",
      "er1/x/journal",
      "journal",
      "down/a",
      "down/a/b/c",
      "down2/a",
      "er2/journal",
    ];
    for (const topic of sent) await a.link.publish(`${id}/${topic}`, Buffer.from(topic));
    await a.link.publish(`${id}/down/end`, Buffer.from("down/end"));
    await until("the last one arrived", () => b.texts().includes("down/end"));
    expect(b.texts().sort()).toEqual(["down/a", "down/a/b/c", "down/end", "er1/journal", "er2/journal"]);
  });

  test("messages of one publisher keep their order", async () => {
    const id = uniqueName();
    const a = await Peer.up(left(), []);
    const b = await Peer.up(right(), [`up/${id}/#`], { prefetch: 1 });
    const texts = Array.from({ length: 200 }, (_, i) => String(i));
    await Promise.all(texts.map((text) => a.link.publish(`up/${id}/journal`, Buffer.from(text))));
    await b.receive(texts.length);
    expect(b.texts()).toEqual(texts);
  });

  test("a publish resolves with the broker's confirm only, and rejects when the link is lost", async () => {
    const line = await proxied(left());
    const a = await Peer.up(line.url, []);
    line.proxy.halfOpen();
    let outcome: unknown;
    const publishing = a.link.publish("up/er1/journal", Buffer.from("x")).then(
      () => (outcome = "resolved"),
      (error: unknown) => (outcome = error),
    );
    const other = await Peer.up(left(), []);
    await other.link.publish("up/er1/journal", Buffer.from("a whole round trip later"));
    expect(outcome).toBeUndefined();
    line.proxy.cut();
    await publishing;
    expect(outcome).toMatchObject({ code: "LINK_DOWN" });
  });

  test("a publish while down rejects at once and is not sent later", async () => {
    const id = uniqueName();
    const line = await proxied(left());
    const a = Peer.create(line.url, []);
    const b = await Peer.up(right(), [`up/${id}/#`]);
    await expect(a.link.publish(`up/${id}/a`, Buffer.from("early"))).rejects.toMatchObject({
      code: "LINK_DOWN",
    });
    await a.start();
    line.proxy.cut();
    await until("the loss is noticed", () => !a.link.up);
    await expect(a.link.publish(`up/${id}/a`, Buffer.from("lost"))).rejects.toMatchObject({
      code: "LINK_DOWN",
    });
    line.proxy.heal();
    await until("it is up again", () => a.link.up);
    await a.link.publish(`up/${id}/a`, Buffer.from("later"));
    await b.receive(1);
    expect(b.texts()).toEqual(["later"]);
  });

  test("a broker that is absent at the start is waited for", async () => {
    const id = uniqueName();
    const line = await proxied(right());
    line.proxy.cut();
    const b = Peer.create(line.url, [`up/${id}/#`]);
    b.link.start();
    await until("two attempts failed", () => b.downs.length >= 2);
    expect(b.ups).toBe(0);
    line.proxy.heal();
    await until("it is up", () => b.link.up);
    const a = await Peer.up(left(), []);
    await a.link.publish(`up/${id}/a`, Buffer.from("hello"));
    await b.receive(1);
  });

  test("after a cut both sides come back with their subscriptions", async () => {
    const id = uniqueName();
    const [lineA, lineB] = [await proxied(left()), await proxied(right())];
    const a = await Peer.up(lineA.url, [`down/${id}/#`]);
    const b = await Peer.up(lineB.url, [`up/${id}/#`]);
    for (let round = 1; round <= 3; round += 1) {
      for (const { proxy } of [lineA, lineB]) proxy.cut();
      await until("both noticed", () => !a.link.up && !b.link.up);
      for (const { proxy } of [lineA, lineB]) proxy.heal();
      await until("both are back", () => a.link.up && b.link.up);
      expect([a.ups, b.ups]).toEqual([round + 1, round + 1]);
      await a.link.publish(`up/${id}/x`, Buffer.from(`up ${round}`));
      await b.link.publish(`down/${id}/x`, Buffer.from(`down ${round}`));
      await until(
        "both received",
        () => b.texts().includes(`up ${round}`) && a.texts().includes(`down ${round}`),
      );
    }
  });

  test("a half-open connection is noticed by its silence", async () => {
    const line = await proxied(right());
    const b = await Peer.up(line.url, [], { heartbeatS: 1, connectTimeoutMs: 500 });
    line.proxy.halfOpen();
    await until("the silence is noticed", () => !b.link.up);
    await until("an attempt into the silence failed", () =>
      b.downs.some((reason) => /no answer/.test(reason)),
    );
    line.proxy.heal();
    await until("it is back", () => b.link.up);
  });

  test("at most prefetch handlers run, and every message gets its turn", async () => {
    const id = uniqueName();
    const a = await Peer.up(left(), []);
    const turns: (() => void)[] = [];
    let running = 0;
    let most = 0;
    const b = await Peer.up(right(), [`up/${id}/#`, `also/${id}/#`], {
      prefetch: 3,
      onMessage: async () => {
        most = Math.max(most, (running += 1));
        await new Promise<void>((resolve) => turns.push(resolve));
        running -= 1;
      },
    });
    for (let i = 0; i < 10; i += 1) {
      await a.link.publish(`up/${id}/x`, Buffer.from(`up ${i}`));
      await a.link.publish(`also/${id}/x`, Buffer.from(`also ${i}`));
    }
    for (let done = 0; done < 20; done += 1) {
      await until("a handler waits", () => turns.length > 0);
      expect(running).toBeLessThanOrEqual(3);
      turns.shift()?.();
    }
    await until("all ended", () => running === 0);
    expect(new Set(b.texts()).size).toBe(20);
    expect(most).toBe(3);
  });

  test("a handler that throws settles its message like any other", async () => {
    const id = uniqueName();
    const a = await Peer.up(left(), []);
    const b = await Peer.up(right(), [`up/${id}/#`], {
      prefetch: 2,
      onMessage: () => {
        throw new Error("cannot use this");
      },
    });
    for (let i = 0; i < 25; i += 1) await a.link.publish(`up/${id}/x`, Buffer.from(String(i)));
    await b.receive(25);
    expect(new Set(b.texts()).size).toBe(25);
    expect(b.downs).toEqual([]);
  });

  test("a handler may wait for its own publish", async () => {
    const id = uniqueName();
    const a = await Peer.up(left(), [`down/${id}/#`]);
    const b = await Peer.up(right(), [`up/${id}/#`], {
      prefetch: 2,
      onMessage: (_topic, payload) => b.link.publish(`down/${id}/ack`, payload),
    });
    const texts = Array.from({ length: 50 }, (_, i) => String(i));
    await Promise.all(texts.map((text) => a.link.publish(`up/${id}/x`, Buffer.from(text))));
    await a.receive(50);
    expect(a.texts().sort()).toEqual(texts.sort());
  });

  test("wrong credentials are reported without the password, again and again", async () => {
    const url = new URL(right());
    url.password = "wr%40ng-secret";
    const b = Peer.create(url.href, []);
    b.link.start();
    await until("two attempts failed", () => b.downs.length >= 2);
    expect(b.ups).toBe(0);
    expect(b.downs.join()).toMatch(/refused|not authorized|bad user/i);
    expect(b.downs.join()).not.toMatch(/ng-secret/);
  });

  test("stop waits for the confirms of what was published", async () => {
    const id = uniqueName();
    const a = await Peer.up(left(), []);
    const b = await Peer.up(right(), [`up/${id}/#`]);
    const published = Promise.all(
      Array.from({ length: 20 }, (_, i) => a.link.publish(`up/${id}/x`, Buffer.from(String(i)))),
    );
    await a.link.stop();
    await published;
    await b.receive(20);
    expect(a.link.up).toBe(false);
    expect(a.downs).toEqual([]);
    await expect(a.link.publish(`up/${id}/x`, Buffer.from("x"))).rejects.toMatchObject({ code: "LINK_DOWN" });
  });

  test.each([
    { state: "up", cut: false, half: false },
    { state: "without a broker", cut: true, half: false },
    { state: "with a broker that does not answer", cut: false, half: true },
  ])("stop leaves nothing open when the link is $state", async ({ cut, half }) => {
    const line = await proxied(left());
    if (cut) line.proxy.cut();
    if (half) line.proxy.halfOpen();
    const ready = cut ? "down" : half ? "dialling" : "up";
    expect(await exitOf(line.url, ready)).toBe(0);
    await until("the connections are gone", () => half || line.proxy.connections === 0);
  });
});
