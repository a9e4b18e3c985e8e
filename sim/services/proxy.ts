/**
 * A TCP proxy that breaks on demand: for tests of everything that has a network in the middle.
 *
 * It breaks connections, never bytes: what comes out of a connection is a prefix of what went in, in order.
 * A connection that was half-open is not healed (its bytes are gone) but reset; one that stalled goes on.
 */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** `up`: from who connects to the target; `down`: what comes back. */
export type Direction = "up" | "down" | "both";

export type FaultProxy = {
  readonly port: number;
  /** Sockets that are open now: two for a connection that reaches the target. */
  readonly connections: number;
  /** Resets all connections and every new one, until `heal`. */
  cut(): void;
  /** Resets all connections once; new ones are let through. */
  reset(): void;
  /** Ends every fault: new connections are let through, held bytes go on, half-open connections are reset. */
  heal(): void;
  /** Everything takes this much longer, each way. */
  delay(ms: number): void;
  /** Holds all bytes back; `heal` lets them go, late but complete. */
  stall(): void;
  /** Swallows what is sent and keeps the sockets open, old and new ones: a black hole. */
  halfOpen(direction?: Direction): void;
  stop(): Promise<void>;
};

type Fault = { kind: "none" | "cut" | "stall" } | { kind: "half-open"; direction: Direction };

/** One direction of one connection. */
type Lane = {
  direction: "up" | "down";
  from: Socket;
  to: Socket;
  held: { at: number; chunk: Buffer }[];
  heldBytes: number;
  swallows: boolean;
};

/** Held bytes after which the sender is left unread, as a full window would. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Closes with a RST. Not while the socket is being shut down: libuv refuses that, and the handle would never be
 * closed.
 */
function breakOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Listens on a free port of 127.0.0.1 and forwards to the target port of the same host. */
export async function startProxy(targetPort: number): Promise<FaultProxy> {
  let fault: Fault = { kind: "none" };
  let delayMs = 0;
  const sockets = new Set<Socket>();
  const lanes = new Set<Lane>();
  /** They lead nowhere: accepted into a black hole, or their other end has closed and nobody told them. */
  const lost = new Set<Socket>();

  const adopt = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      lost.delete(socket);
    });
  };
  const release = (lane: Lane): void => {
    if (fault.kind === "stall" || lane.swallows) return;
    for (let first = lane.held[0]; first !== undefined; first = lane.held[0]) {
      const waitMs = first.at - performance.now();
      if (waitMs > 0) return void setTimeout(() => release(lane), waitMs).unref();
      lane.held.shift();
      lane.heldBytes -= first.chunk.length;
      if (!lane.to.destroyed && !lane.to.write(first.chunk)) lane.from.pause();
    }
    if (!lane.to.writableNeedDrain) lane.from.resume();
  };
  const swallow = (lane: Lane): void => {
    Object.assign(lane, { swallows: true, held: [], heldBytes: 0 });
    lane.from.resume();
  };
  const hides = (direction: "up" | "down"): boolean =>
    fault.kind === "half-open" && (fault.direction === "both" || fault.direction === direction);
  const carry = (direction: "up" | "down", from: Socket, to: Socket): void => {
    const lane: Lane = { direction, from, to, held: [], heldBytes: 0, swallows: hides(direction) };
    lanes.add(lane);
    from.on("data", (chunk) => {
      if (lane.swallows) return;
      lane.held.push({ at: performance.now() + delayMs, chunk });
      lane.heldBytes += chunk.length;
      if (lane.heldBytes > HELD_BYTES_MAX) from.pause();
      if (lane.held.length === 1) release(lane);
    });
    to.on("drain", () => release(lane));
    from.on("close", () => {
      lanes.delete(lane);
      // A black hole swallows the end of a connection too.
      if (lane.swallows && !to.destroyed) lost.add(to);
      else to.destroy();
    });
  };

  const server = createServer((client) => {
    adopt(client);
    if (fault.kind === "cut") return void breakOff(client);
    if (fault.kind === "half-open" && fault.direction === "both") {
      lost.add(client);
      return void client.resume();
    }
    const target = connect(targetPort, "127.0.0.1");
    adopt(target);
    target.on("error", () => breakOff(client));
    carry("up", client, target);
    carry("down", target, client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });

  const reset = (): void => {
    for (const socket of sockets) breakOff(socket);
  };
  /** Ends the fault before: bytes that were swallowed are gone, and so is their connection. */
  const change = (next: Fault): void => {
    fault = next;
    for (const socket of lost) breakOff(socket);
    for (const lane of lanes) {
      if (!lane.swallows) continue;
      breakOff(lane.from);
      breakOff(lane.to);
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    cut: () => {
      change({ kind: "cut" });
      reset();
    },
    reset,
    heal: () => {
      change({ kind: "none" });
      delayMs = 0;
      for (const lane of lanes) {
        for (const each of lane.held) each.at = 0;
        release(lane);
      }
    },
    delay: (ms) => {
      delayMs = ms;
    },
    stall: () => change({ kind: "stall" }),
    halfOpen: (direction = "both") => {
      change({ kind: "half-open", direction });
      for (const lane of lanes) {
        if (hides(lane.direction)) swallow(lane);
      }
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      reset();
      await closed;
    },
  };
}
