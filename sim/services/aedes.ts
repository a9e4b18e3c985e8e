/**
 * An MQTT broker inside this process (aedes), for `npm start` and for tests without RabbitMQ.
 *
 * Bounded in connections, topic levels and queue; nothing is kept over a restart. It is not for production:
 * one process, no permissions per topic.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Aedes } from "aedes";

export type EmbeddedBroker = {
  /** Without credentials, whether they are asked for or not. */
  url: string;
  port: number;
  stop(): Promise<void>;
};

export type EmbeddedBrokerOptions = {
  /** 0 or none: any free one. */
  port?: number;
  host?: string;
  /** User names and passwords. None: everybody may connect. */
  users?: Record<string, string>;
};

const CONNECTIONS_MAX = 1_000;
/** MQTT's connack codes 4 and 5 (section 3.2.2.3). */
const BAD_USERNAME_OR_PASSWORD = 4;

/** Starts the broker; resolves when it listens. */
export async function startAedes(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { port = 0, host = "127.0.0.1", users } = options;
  const broker = await Aedes.createBroker({
    concurrency: 100,
    queueLimit: 1_000,
    maxTopicLevels: 8,
    maxClientsIdLength: 256,
    connectTimeout: 10_000,
    drainTimeout: 30_000,
    authenticate: (_client, username, password, done) => {
      if (users === undefined) return done(null, true);
      const expected = username === undefined ? undefined : users[username];
      if (expected !== undefined && expected === password?.toString()) return done(null, true);
      const error = new Error("bad user name or password");
      done(Object.assign(error, { returnCode: BAD_USERNAME_OR_PASSWORD }), null);
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    broker.handle(socket);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `mqtt://${host}:${bound}`,
    port: bound,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
