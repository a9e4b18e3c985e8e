/**
 * Live: one stream of events for the page; each event names what changed and the matching queries are
 * fetched again.
 *
 * Invariants: one connection at a time; a query is fetched again at most once per interval and never while
 * its last fetch is under way, so that a slow cloud is never stormed; a hidden page fetches nothing. While
 * the stream is down, what is on screen is asked for every 15 s instead.
 */
import type { QueryClient, QueryKey } from "@tanstack/react-query";
import type { LiveEvent } from "../../api/schemas.ts";
import { credentials } from "./session.ts";
import { createSseParser } from "./sse.ts";
import { createValue } from "./value.ts";

/** `refused`: the cloud answers, and tells this person nothing, as one who belongs to no organisation. */
export type LiveState = "connecting" | "live" | "reconnecting" | "refused";
export const liveState = createValue<LiveState>("connecting");
/** Since when nothing is heard, in Unix milliseconds of this browser. */
export const lostAt = createValue<number | null>(null);

/** Details may follow closely; lists and sums cost the cloud more and change with every station. */
const FAST_MS = 500;
const SLOW_MS = 2_000;
const SLOW_KEYS = new Set([
  "sites",
  "site",
  "ers",
  "stations",
  "faulted",
  "transactions",
  "meters",
  "meter-samples",
  "reviews",
  "review-summary",
  "configuration",
  "events",
  "all-events",
  "files",
  "profiles",
  "reservations",
  "local-list",
  "certificate-requests",
]);
const POLL_WHILE_DOWN_MS = 15_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** The cloud pings every 15 s: twice that in silence means the connection is dead without saying so. */
const SILENCE_MS_MAX = 35_000;

/** What a message of a station may change, of that station and in lists of all. Only what is shown is fetched. */
const OF_STATION_MESSAGES = [
  ...["messages", "station", "configuration", "events", "reservations", "profiles", "local-list"],
  ...["station-password"],
];
const OF_MESSAGES = ["all-events", "certificate-requests", "files", "command"];

/** The query keys (see queries.ts) that an event makes old. Pure. Null: all of them. */
export function keysOf(event: LiveEvent): QueryKey[] | null {
  const { siteId, stationId } = event;
  const site: QueryKey[] = siteId === undefined ? [["sites"], ["site"]] : [["sites"], ["site", siteId]];
  const station: QueryKey[] = [
    siteId === undefined ? ["stations"] : ["stations", siteId],
    stationId === undefined ? ["station"] : ["station", stationId],
  ];
  switch (event.type) {
    case "reset":
      return null;
    case "er":
      return [["ers"], ...site];
    case "station":
      return [["faulted"], ...station, ...site];
    case "transaction": {
      const one = event.transactionId === undefined ? ["transaction"] : ["transaction", event.transactionId];
      return [["transactions"], one, ...station, ...site];
    }
    case "meter": {
      const { meterId } = event;
      if (meterId === undefined) return [["meters"], ["meter"], ["meter-samples"]];
      return [["meters"], ["meter", meterId], ["meter-samples", meterId]];
    }
    case "alarm":
      return [["alarms"]];
    case "review":
      return [["reviews"], ["review"], ["review-summary"]];
    case "command":
      return [
        stationId === undefined ? ["commands"] : ["commands", stationId],
        event.commandId === undefined ? ["command"] : ["command", event.commandId],
        ...["reservations", "profiles", "station-password"].map((noun) => [noun]),
      ];
    case "message":
      return [...OF_MESSAGES, ...OF_STATION_MESSAGES].map((noun) =>
        stationId === undefined || !OF_STATION_MESSAGES.includes(noun) ? [noun] : [noun, stationId],
      );
  }
}

/** Full jitter: many pages that lost the same cloud must not come back in the same second. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

type Refresher = { touch: (keys: QueryKey[] | null) => void; stop: () => void };

/** Collects what is old and fetches it again, throttled per key. */
function createRefresher(client: QueryClient): Refresher {
  const dirty = new Map<string, { key: QueryKey; notBefore: number }>();
  const lastAt = new Map<string, number>();

  const flush = () => {
    if (document.hidden) return;
    const now = Date.now();
    for (const [name, { key, notBefore }] of dirty) {
      if (now < notBefore || client.isFetching({ queryKey: key }) > 0) continue;
      dirty.delete(name);
      lastAt.set(name, now);
      void client.invalidateQueries({ queryKey: key }, { cancelRefetch: false });
    }
    if (lastAt.size > 1_000) lastAt.clear();
  };
  const timer = setInterval(flush, FAST_MS / 2);

  return {
    touch(keys) {
      if (keys === null) {
        dirty.clear();
        void client.invalidateQueries({}, { cancelRefetch: false });
        return;
      }
      for (const key of keys) {
        const name = key.join("\n");
        if (dirty.has(name)) continue;
        const interval = SLOW_KEYS.has(String(key[0])) ? SLOW_MS : FAST_MS;
        dirty.set(name, { key, notBefore: (lastAt.get(name) ?? 0) + interval });
      }
    },
    stop: () => clearInterval(timer),
  };
}

class RefusedError extends Error {}

type Stream = {
  signal: AbortSignal;
  lastId: string | null;
  onOpen: () => void;
  onEvent: (e: LiveEvent) => void;
};

/** Reads one connection until it ends; returns the id of the last event. Throws when it breaks. */
async function readStream(stream: Stream, noteId: (id: string) => void): Promise<void> {
  const controller = new AbortController();
  const signal = AbortSignal.any([stream.signal, controller.signal]);
  let timer = setTimeout(() => controller.abort(), SILENCE_MS_MAX);
  try {
    const headers: Record<string, string> = {
      accept: "text/event-stream",
      ...credentials(),
    };
    if (stream.lastId !== null) headers["last-event-id"] = stream.lastId;
    const response = await fetch("/v1/events", { headers, signal, cache: "no-store" });
    if (response.status === 403) throw new RefusedError();
    if (!response.ok || response.body === null) throw new Error(`events: HTTP ${response.status}`);
    stream.onOpen();
    const parse = createSseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), SILENCE_MS_MAX);
      for (const { id, data } of parse(value)) {
        if (id !== null) noteId(id);
        stream.onEvent(JSON.parse(data) as LiveEvent);
      }
    }
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

/**
 * Keeps the page live until the returned function is called. A refused key, or a session that has ended, ends in
 * the API's own 401.
 */
export function startLive(client: QueryClient): () => void {
  const stop = new AbortController();
  const refresher = createRefresher(client);
  let lastId: string | null = null;

  const poll = setInterval(() => {
    if (liveState.get() !== "live" && !document.hidden) refresher.touch(null);
  }, POLL_WHILE_DOWN_MS);

  void (async () => {
    for (let attempt = 0, opened = false; !stop.signal.aborted; attempt++) {
      const onOpen = () => {
        liveState.set("live");
        lostAt.set(null);
        attempt = 0;
        // Events may have been missed while nothing was connected and the cloud had nothing to replay from.
        if (opened && lastId === null) refresher.touch(null);
        // What failed meanwhile is not in any event.
        if (opened) void client.refetchQueries({ predicate: (query) => query.state.status === "error" });
        opened = true;
      };
      const onEvent = (event: LiveEvent) => refresher.touch(keysOf(event));
      const ended = readStream({ signal: stop.signal, lastId, onOpen, onEvent }, (id) => (lastId = id));
      const why: unknown = await ended.catch((error: unknown) => error);
      if (stop.signal.aborted) return;
      const refused = why instanceof RefusedError;
      liveState.set(refused ? "refused" : "reconnecting");
      lostAt.set(refused ? null : (lostAt.get() ?? Date.now()));
      await sleep(backoffMs(attempt, Math.random()), stop.signal);
    }
  })();

  return () => {
    stop.abort();
    clearInterval(poll);
    refresher.stop();
    liveState.set("connecting");
    lostAt.set(null);
  };
}
