/**
 * What the tests of the link share: a peer that records everything, and a process that must end by itself.
 * Used by tests only.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { until } from "../../sim/services/until.ts";
import { createLink } from "./connect.ts";
import type { Link, LinkHandlers, Subscription } from "./link.ts";

export type PeerOptions = {
  prefetch?: number;
  heartbeatS?: number;
  connectTimeoutMs?: number;
  onMessage?: LinkHandlers["onMessage"];
};

const open = new Set<Peer>();

/** Quick reconnects; the spread of the pauses is tested in backoff.test.ts. */
const JITTER = 0.05;

/** One end of a link under test. */
export class Peer {
  readonly link: Link;
  readonly received: { topic: string; payload: Buffer }[] = [];
  readonly downs: string[] = [];
  ups = 0;

  private constructor(url: string, subscriptions: Subscription[], options: PeerOptions) {
    const { prefetch = 32, onMessage, ...tuning } = options;
    this.link = createLink(
      { url, name: uniqueName(), subscriptions, prefetch },
      {
        onMessage: (topic, payload) => {
          this.received.push({ topic, payload });
          return onMessage?.(topic, payload);
        },
        onUp: () => (this.ups += 1),
        onDown: (reason) => this.downs.push(reason),
      },
      { random: () => JITTER, ...tuning },
    );
  }

  static create(url: string, subscriptions: (string | Subscription)[], options: PeerOptions = {}): Peer {
    const list = subscriptions.map((one) => (typeof one === "string" ? { pattern: one } : one));
    const peer = new Peer(url, list, options);
    open.add(peer);
    return peer;
  }

  /** Creates a peer and waits until its subscriptions are in place. */
  static async up(
    url: string,
    subscriptions: (string | Subscription)[],
    options: PeerOptions = {},
  ): Promise<Peer> {
    const peer = Peer.create(url, subscriptions, options);
    await peer.start();
    return peer;
  }

  async start(): Promise<void> {
    this.link.start();
    await until(`the link is up; so far: ${this.downs.join("; ")}`, () => this.link.up);
  }

  async receive(count: number): Promise<{ topic: string; payload: Buffer }[]> {
    await until(`${count} messages arrived`, () => this.received.length >= count);
    return this.received;
  }

  texts(): string[] {
    return this.received.map(({ payload }) => payload.toString());
  }
}

/** Stops every peer that a test left running. */
export async function closeAll(): Promise<void> {
  await Promise.all([...open].map((peer) => peer.link.stop()));
  open.clear();
}

/** For topics, queues and clients: tests share one broker. */
export function uniqueName(): string {
  return `t${randomBytes(6).toString("hex")}`;
}

export function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

/**
 * Runs a process that opens a link, stops it in the given state and has nothing else to do.
 * Returns its exit status: not 0 when it had to be killed.
 */
export function exitOf(url: string, ready: "up" | "down" | "dialling"): Promise<number> {
  const script = `
    import { createLink } from ${JSON.stringify(new URL("./connect.ts", import.meta.url).href)};
    const finish = (state) => { if (state === ${JSON.stringify(ready)}) void link.stop(); };
    const url = ${JSON.stringify(url)};
    const link = createLink(
      { url, name: "${uniqueName()}", subscriptions: [{ pattern: "a/#" }], prefetch: 1 },
      { onMessage: () => {}, onUp: () => finish("up"), onDown: () => finish("down") },
    );
    link.start();
    setTimeout(() => finish("dialling"), 300);
  `;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ["--input-type=module", "-e", script], { timeout: 15_000 });
    child.stderr?.pipe(process.stderr);
    child.on("exit", (code) => resolve(code ?? -1));
  });
}
