/**
 * MQTT 3.1.1 adapter of the link (mqtt.js): QoS 1 both ways, clean session, no offline store.
 *
 * 3.1.1 because RabbitMQ before 3.13 refuses MQTT 5. mqtt.js works through incoming packets one by one, so a
 * handler that publishes would wait for a PUBACK that waits behind it: messages are therefore read ahead of
 * their handlers (bounded), and each PUBACK is written when its handler settled. mqtt.js's own reconnecting
 * is off: every connection has its own client. Retained messages are dropped: they may be of any age.
 * 3.1.1 cannot say that nobody listens, so `mandatory` and `expirationMs` have no effect.
 */
import { connect, type IPublishPacket, type MqttClient } from "mqtt";
import { describeError } from "../errors.ts";
import { LINK_HELD_BYTES_MAX, LINK_HELD_MESSAGES_MAX } from "../limits.ts";
import { credentialsOf, hostOf, type Dial, type DialContext, type Session } from "./session.ts";

/** Given to mqtt.js's callback: "not acknowledged, go on with the next packet". */
const UNACKNOWLEDGED = new Error("acknowledged later");

export const dialMqtt: Dial = (context) =>
  new Promise((resolve, reject) => {
    const client = openClient(context);
    let trouble: string | undefined;
    const drop = (reason: string): void => {
      trouble ??= reason;
      client.stream.destroy();
    };
    client.on("error", (error) => drop(describeError(error)));
    client.on("close", () => {
      const reason = trouble ?? "connection closed by the broker";
      reject(new Error(reason));
      context.lost(reason);
    });
    context.signal.addEventListener("abort", () => drop("given up"), { once: true });
    if (context.signal.aborted) drop("given up");
    client.handleMessage = receiver(client, context);
    client.once("connect", () => {
      const patterns = context.options.subscriptions.map(({ pattern }) => pattern);
      subscribe(client, patterns, (error) => {
        if (error === undefined) resolve(sessionOn(client));
        else drop(`the broker refused the subscription to ${patterns.join(", ")}: ${describeError(error)}`);
      });
    });
  });

function openClient({ url, options, heartbeatS }: DialContext): MqttClient {
  const secure = url.protocol === "mqtts:";
  return connect({
    protocol: secure ? "mqtts" : "mqtt",
    host: hostOf(url),
    port: Number(url.port) || (secure ? 8883 : 1883),
    ...credentialsOf(url),
    clientId: options.name,
    protocolVersion: 4,
    clean: true,
    keepalive: heartbeatS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
}

function subscribe(client: MqttClient, patterns: string[], done: (error?: Error) => void): void {
  if (patterns.length === 0) return done();
  client.subscribe(patterns, { qos: 1 }, (error, granted) => {
    const refused = granted?.find(({ qos }) => qos > 2);
    if (error !== null) done(error);
    else if (refused !== undefined) done(new Error(`not allowed: ${refused.topic}`));
    else done();
  });
}

/** Takes messages until the bound is reached, then leaves the socket unread until one settles. */
function receiver(client: MqttClient, context: DialContext): MqttClient["handleMessage"] {
  const held = { messages: 0, bytes: 0 };
  let resume: (() => void) | undefined;
  const full = (): boolean => held.messages >= LINK_HELD_MESSAGES_MAX || held.bytes >= LINK_HELD_BYTES_MAX;
  return (packet, next) => {
    if (packet.retain) return next();
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    held.messages += 1;
    held.bytes += payload.length;
    void context.deliver(packet.topic, payload).then(() => {
      held.messages -= 1;
      held.bytes -= payload.length;
      acknowledge(client, packet);
      if (full()) return;
      resume?.();
      resume = undefined;
    });
    if (full()) resume = () => next(UNACKNOWLEDGED);
    else next(UNACKNOWLEDGED);
  };
}

/** PUBACK, MQTT 3.1.1 section 3.4: two fixed bytes and the packet identifier. */
function acknowledge(client: MqttClient, packet: IPublishPacket): void {
  const id = packet.messageId;
  if (packet.qos !== 1 || id === undefined || !client.connected || client.stream.destroyed) return;
  client.stream.write(Buffer.from([0x40, 0x02, id >> 8, id & 0xff]));
}

function sessionOn(client: MqttClient): Session {
  return {
    publish: async (topic, payload) => {
      await client.publishAsync(topic, payload, { qos: 1 });
    },
    close: () => client.endAsync(),
  };
}
