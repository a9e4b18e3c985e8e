/**
 * Live events: what ingest and the API notify goes to the pages that look, by server-sent events.
 *
 * Events carry ids only. A short history answers `Last-Event-ID`; where it does not reach back, the client
 * gets `reset` and fetches everything: a lost event costs a request, never a truth. Events of the same
 * thing within a moment are one.
 */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { SSE_CLIENTS_MAX, SSE_CLIENTS_PER_ACTOR_MAX } from "../../shared/limits.ts";
import type { Permission, SiteScope } from "../core/access.ts";
import type { LiveEvent } from "./schemas.ts";

const HISTORY_MAX = 2_000;
const FLUSH_MS = 250;
const PING_MS = 15_000;
/** A stream ends after this and is asked for again: by then a key or a session may be good no more. */
const STREAM_MS_MAX = 15 * 60_000;
/** A client that does not read is cut off at this many buffered bytes. */
const BUFFER_BYTES_MAX = 1024 * 1024;

/** What somebody must be allowed to read to hear that it has changed. `reset` tells nothing. */
const NEEDS: Record<LiveEvent["type"], Permission | null> = {
  reset: null,
  er: "ers:read",
  station: "stations:read",
  transaction: "transactions:read",
  meter: "meters:read",
  command: "stations:read",
  message: "stations:read",
  review: "transactions:read",
  alarm: "alarms:read",
};

/** What a notification holds besides whose it is. */
export type LiveNews = {
  events?: LiveEvent[];
  /** Actors who may less from now on. */
  changed?: string[];
};

type Item = { n: number; operatorId: string; event: LiveEvent };
type LiveClient = {
  actorId: string;
  sinceMs: number;
  operatorId: string;
  /** What they may see … */
  siteIds: SiteScope;
  permissions: ReadonlySet<Permission>;
  /** … and what they asked for. */
  siteId: string | undefined;
  response: ServerResponse;
  waiting: Map<string, Item>;
};

export type Hub = ReturnType<typeof createHub>;

/** Milliseconds between flushes and pings may be given, so that a test need not wait. */
export function createHub({ flushMs = FLUSH_MS, pingMs = PING_MS, streamMs = STREAM_MS_MAX } = {}) {
  const boot = randomUUID().slice(0, 8);
  const history: Item[] = [];
  const clients = new Set<LiveClient>();
  const listeners: ((actorIds: readonly string[] | null) => void)[] = [];
  let n = 0;

  const may = ({ permissions }: LiveClient, needed: Permission | null) =>
    needed === null || permissions.has(needed);
  const wants = (client: LiveClient, item: Item) =>
    item.operatorId === client.operatorId &&
    may(client, NEEDS[item.event.type]) &&
    (client.siteIds === null ||
      (item.event.siteId !== undefined && client.siteIds.includes(item.event.siteId))) &&
    (client.siteId === undefined || item.event.siteId === undefined || item.event.siteId === client.siteId);

  function write(client: LiveClient, text: string): void {
    if (client.response.writableLength > BUFFER_BYTES_MAX) client.response.destroy();
    else client.response.write(text);
  }

  const frame = (id: number, event: LiveEvent) =>
    `id: ${boot}-${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

  function add(operatorId: string, event: LiveEvent): void {
    const item = { n: ++n, operatorId, event };
    history.push(item);
    if (history.length > HISTORY_MAX) history.shift();
    for (const client of clients) if (wants(client, item)) client.waiting.set(JSON.stringify(event), item);
  }

  /** Streams are asked for again, as who they are now; whoever remembers actors forgets them. */
  function change(operatorId: string, actorIds: readonly string[]): void {
    for (const listener of listeners) listener(actorIds);
    for (const client of clients)
      if (client.operatorId === operatorId && actorIds.includes(client.actorId)) client.response.end();
  }

  /** Everybody fetches everything: notifications were missed. */
  function reset(): void {
    for (const listener of listeners) listener(null);
    history.length = 0;
    n += 1;
    for (const client of clients) {
      client.waiting.clear();
      write(client, frame(n, { type: "reset" }));
    }
  }

  const flusher = setInterval(() => {
    for (const client of clients) {
      if (client.waiting.size === 0) continue;
      const items = [...client.waiting.values()].sort((a, b) => a.n - b.n);
      client.waiting.clear();
      write(client, items.map((item) => frame(item.n, item.event)).join(""));
    }
  }, flushMs);
  const pinger = setInterval(() => {
    for (const client of clients) {
      if (performance.now() - client.sinceMs > streamMs) client.response.end();
      else write(client, ": ping\n\n");
    }
  }, pingMs);

  return {
    get size() {
      return clients.size;
    },
    /** Whether there is room for one more stream of this actor's. */
    hasRoom(actorId: string): boolean {
      const own = [...clients].filter((client) => client.actorId === actorId).length;
      return clients.size < SSE_CLIENTS_MAX && own < SSE_CLIENTS_PER_ACTOR_MAX;
    },
    /** Payload of NOTIFY sg_live. */
    onNotify(payload: string): void {
      const { operatorId, events, changed } = JSON.parse(payload) as LiveNews & { operatorId: string };
      for (const event of events ?? []) add(operatorId, event);
      if (changed !== undefined) change(operatorId, changed);
    },
    /** Told which actors may less from now on; null: some may have been missed. */
    onChanged(listener: (actorIds: readonly string[] | null) => void): void {
      listeners.push(listener);
    },
    reset,
    /** Takes over a response. Ask `hasRoom` first. */
    attach(
      response: ServerResponse,
      who: Omit<LiveClient, "response" | "waiting" | "sinceMs"> & { lastEventId: string | undefined },
    ): void {
      const client: LiveClient = {
        actorId: who.actorId,
        sinceMs: performance.now(),
        operatorId: who.operatorId,
        siteIds: who.siteIds,
        permissions: who.permissions,
        siteId: who.siteId,
        response,
        waiting: new Map(),
      };
      response.writeHead(200, {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
        // A stream ends with its connection: kept alive, it would hold up the end of the server for a minute.
        Connection: "close",
        "X-Accel-Buffering": "no",
      });
      const [lastBoot, last] = (who.lastEventId ?? "").split("-");
      const since = Number(last);
      const reaches = lastBoot === boot && history.length > 0 && since >= (history[0]?.n ?? Infinity) - 1;
      if (reaches) {
        for (const item of history)
          if (item.n > since && wants(client, item)) write(client, frame(item.n, item.event));
      } else write(client, frame(n, { type: "reset" }));
      clients.add(client);
      response.on("close", () => clients.delete(client));
    },
    stop(): void {
      clearInterval(flusher);
      clearInterval(pinger);
      for (const client of clients) client.response.end();
    },
  };
}
