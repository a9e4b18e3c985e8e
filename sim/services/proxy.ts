/**
 * A TCP proxy that breaks on demand: for tests of everything that has a network in the middle.
 *
 * It breaks connections, never bytes: what comes out is a prefix of what went in. A connection that was
 * half-open is not healed (its bytes are gone) but reset.
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export type FaultProxy = {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Resets all connections and every new one, until `heal`. */
  cut(): void;
  /** Lets new connections through again; ends delay and half-open. */
  heal(): void;
  /** Everything takes this much longer, each way. */
  delay(ms: number): void;
  /** Accepts connections and swallows what they send, old and new ones. */
  halfOpen(): void;
  stop(): Promise<void>;
};

type Mode = "open" | "cut" | "half-open";

/** Listens on a free port of 127.0.0.1 and forwards to the target port of the same host. */
export async function startProxy(targetPort: number): Promise<FaultProxy> {
  let mode: Mode = "open";
  let delayMs = 0;
  const sockets = new Set<Socket>();
  const swallowing = new Set<Socket>();

  const adopt = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      swallowing.delete(socket);
    });
  };
  const swallow = (socket: Socket): void => {
    swallowing.add(socket);
    socket.resume();
  };
  const forward = (from: Socket, to: Socket): void => {
    from.on("data", (chunk) => {
      if (swallowing.has(from)) return;
      const write = (): void => {
        if (swallowing.has(from) || to.destroyed) return;
        if (!to.write(chunk)) from.pause();
      };
      if (delayMs > 0) setTimeout(write, delayMs).unref();
      else write();
    });
    to.on("drain", () => from.resume());
    from.on("close", () => {
      if (!swallowing.has(from)) to.destroy();
    });
  };

  const server = createServer((client) => {
    adopt(client);
    if (mode === "cut") return void client.resetAndDestroy();
    if (mode === "half-open") return swallow(client);
    const target = connect(targetPort, "127.0.0.1");
    adopt(target);
    target.on("error", () => client.resetAndDestroy());
    forward(client, target);
    forward(target, client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });

  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    cut: () => {
      mode = "cut";
      reset();
    },
    heal: () => {
      mode = "open";
      delayMs = 0;
      for (const socket of swallowing) socket.resetAndDestroy();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    halfOpen: () => {
      mode = "half-open";
      for (const socket of sockets) swallow(socket);
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      reset();
      await closed;
    },
  };
}
