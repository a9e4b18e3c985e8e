/**
 * AMQP 0-9-1 adapter of the link (amqplib): one connection, one channel to publish on (with publisher
 * confirms) and one to consume from.
 *
 * Messages are persistent and go through `amq.topic`, where RabbitMQ's MQTT plugin puts its own: so the
 * two adapters can talk to each other. A delivery is acknowledged when its handler settled.
 * Any trouble on a channel (refused declaration, cancelled consumer, closed channel) ends the connection.
 * It declares queues, never exchanges, policies or users: those are the broker's set-up.
 */
import { connect, type Channel, type ChannelModel, type ConfirmChannel, type Message } from "amqplib";
import { AppError, describeError } from "../errors.ts";
import type { Subscription } from "./link.ts";
import { credentialsOf, hostOf, type Dial, type DialContext, type Session } from "./session.ts";

const EXCHANGE = "amq.topic";
/** amqplib's word for a basic.nack; every other error of a publish is a lost channel. */
const NACKED = "message nacked";

/** `up/+/journal` → `up.*.journal`; `#` means the same on both sides. */
export function toRoutingKey(topic: string): string {
  return topic.replaceAll("/", ".").replaceAll("+", "*");
}

/** `up.er1.journal` → `up/er1/journal`. */
export function toTopic(routingKey: string): string {
  return routingKey.replaceAll(".", "/");
}

export const dialAmqp: Dial = async (context) => {
  const connection = await openConnection(context);
  let trouble: string | undefined;
  const fail = (reason: string): void => {
    trouble ??= reason;
    context.lost(trouble);
  };
  connection.on("error", (error) => (trouble ??= describeError(error)));
  connection.on("close", (error) => fail(error === undefined ? "connection closed" : describeError(error)));
  connection.on("handler-error", (error) => fail(describeError(error)));
  try {
    const publishing = watch(await connection.createConfirmChannel(), fail);
    const consuming = watch(await connection.createChannel(), fail);
    await consuming.prefetch(context.options.prefetch);
    await subscribeAll(consuming, context, fail);
    return sessionOn(connection, publishing);
  } catch (error) {
    await connection.close().catch(() => undefined);
    throw error;
  }
};

async function openConnection(context: DialContext): Promise<ChannelModel> {
  const { url, options } = context;
  const secure = url.protocol === "amqps:";
  return connect(
    {
      protocol: secure ? "amqps" : "amqp",
      hostname: hostOf(url),
      port: Number(url.port) || (secure ? 5671 : 5672),
      ...credentialsOf(url),
      vhost: url.pathname.slice(1),
      heartbeat: context.heartbeatS,
    },
    {
      clientProperties: { connection_name: options.name },
      noDelay: true,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      // Not in amqplib's types: it hands its options to net.connect, which takes a signal.
      ...({ signal: context.signal } as object),
    },
  );
}

/** A channel without an `error` listener would end the process. */
function watch<C extends Channel>(channel: C, fail: (reason: string) => void): C {
  channel.on("error", (error) => fail(describeError(error)));
  channel.on("close", () => fail("channel closed"));
  channel.on("handler-error", (error) => fail(describeError(error)));
  return channel;
}

/** Subscriptions with the same queue share it; those without one share an exclusive queue. */
async function subscribeAll(
  channel: Channel,
  context: DialContext,
  fail: (reason: string) => void,
): Promise<void> {
  const byQueue = Map.groupBy(context.options.subscriptions, ({ queue }) => queue?.name ?? "");
  for (const [name, subscriptions] of byQueue) {
    const queue = await declareQueue(channel, name, subscriptions[0]?.queue);
    for (const { pattern } of subscriptions) {
      await channel.bindQueue(queue, EXCHANGE, toRoutingKey(pattern));
    }
    await channel.consume(queue, (message) => {
      if (message === null) fail(`the broker cancelled the consumer of queue ${queue}: was it deleted?`);
      else void deliverAndAck(channel, message, context);
    });
  }
}

async function declareQueue(
  channel: Channel,
  name: string,
  settings: Subscription["queue"],
): Promise<string> {
  if (settings === undefined) {
    const declared = await channel.assertQueue("", { exclusive: true, durable: false, autoDelete: true });
    return declared.queue;
  }
  const { type, singleActiveConsumer, messageTtlMs } = settings;
  try {
    await channel.assertQueue(name, {
      durable: true,
      arguments: {
        "x-queue-type": type,
        ...(singleActiveConsumer === true ? { "x-single-active-consumer": true } : {}),
        ...(messageTtlMs === undefined ? {} : { "x-message-ttl": messageTtlMs }),
      },
    });
  } catch (error) {
    const hint = "if it exists with other settings, delete it when it is empty";
    throw new Error(`cannot declare queue ${name}; ${hint}`, { cause: error });
  }
  return name;
}

async function deliverAndAck(
  channel: Channel,
  message: Message & { fields: { routingKey: string } },
  context: DialContext,
): Promise<void> {
  await context.deliver(toTopic(message.fields.routingKey), message.content);
  try {
    channel.ack(message);
  } catch {
    // The channel is gone: the broker delivers the message again.
  }
}

function sessionOn(connection: ChannelModel, channel: ConfirmChannel): Session {
  let sent = 0;
  const returned = new Set<string>();
  // The broker sends a return before the confirm of the same message.
  channel.on("return", (message) => returned.add(String(message.properties.messageId)));
  return {
    publish: (topic, payload, { expirationMs, mandatory = false }) =>
      new Promise((resolve, reject) => {
        const messageId = String((sent += 1));
        const properties = {
          persistent: true,
          mandatory,
          messageId,
          ...(expirationMs === undefined ? {} : { expiration: String(expirationMs) }),
        };
        channel.publish(EXCHANGE, toRoutingKey(topic), payload, properties, (error: unknown) => {
          const unroutable = returned.delete(messageId);
          if (error instanceof Error) reject(error.message === NACKED ? refused(topic) : error);
          else if (unroutable) reject(nobodyBound(topic));
          else resolve();
        });
      }),
    close: () => connection.close(),
  };
}

function refused(topic: string): AppError {
  return new AppError("LINK_REFUSED", `the broker did not take the message for ${topic}`, {
    hint: "is a queue at its length limit?",
  });
}

function nobodyBound(topic: string): AppError {
  return new AppError("LINK_UNROUTABLE", `nobody listens for ${topic}`, {
    hint: "the receiver is not connected to this broker",
  });
}
