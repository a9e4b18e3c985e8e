/**
 * What the tests of simulated stations talk to: a small CSMS, over real sockets or a virtual network.
 *
 * It accepts everything unless told otherwise, numbers transactions, and writes down every frame with what
 * the official schemas say about it. It is no model of a real CSMS.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer, type WebSocket } from "ws";
import { virtualClock } from "./clock.ts";
import { frameChecker } from "./schemas.ts";
import type { Json, OcppVersion, TransportEvents, TransportFactory } from "./types.ts";

export type Said = { id: string; action: string; payload: Json; at: number };
/** Instead of an answer: a CALLERROR, or silence. */
export type Reply = Json | "refuse" | "ignore";
export type Script = Record<string, (payload: Json, nth: number) => Reply>;

export const accepted = { status: "Accepted" };

/** A CSMS without a wire: takes the text of a frame, gives the text of the answer. */
export class CsmsBrain {
  /** CALLs of the station, in order. */
  readonly said: Said[] = [];
  /** Frames that are not as the standard wants them, both ways. */
  readonly faults: string[] = [];
  readonly #version: OcppVersion;
  readonly #script: Script;
  readonly #now: () => number;
  readonly #waiting = new Map<string, (payload: Json) => void>();
  readonly #check;
  #transactions = 0;
  #calls = 0;

  constructor(version: OcppVersion, script: Script = {}, now: () => number = Date.now) {
    this.#version = version;
    this.#script = script;
    this.#now = now;
    this.#check = frameChecker(version);
  }

  of(action: string): Said[] {
    return this.said.filter((each) => each.action === action);
  }

  /** Returns the answer, if there is to be one. */
  hear(text: string): string | undefined {
    const fault = this.#check("sent", text);
    if (fault !== undefined) this.faults.push(`${fault}: ${text.slice(0, 300)}`);
    let frame: unknown[];
    try {
      frame = JSON.parse(text) as unknown[];
    } catch {
      return undefined;
    }
    const [type, id, action, payload] = frame as [number, string, string, Json | undefined];
    if (type !== 2) {
      this.#waiting.get(id)?.(type === 3 ? (frame[2] as Json) : { error: frame[2] });
      return undefined;
    }
    if (payload === undefined) return JSON.stringify([4, id, "FormationViolation", "", {}]);
    this.said.push({ id, action, payload, at: this.#now() });
    const reply = this.#script[action]?.(payload, this.of(action).length) ?? this.#answer(action, payload);
    if (reply === "ignore") return undefined;
    const answer = reply === "refuse" ? [4, id, "InternalError", "", {}] : [3, id, reply];
    const answerText = JSON.stringify(answer);
    const own = this.#check("received", answerText);
    if (own !== undefined) this.faults.push(`CSMS: ${own}`);
    return answerText;
  }

  /** A CALL to the station; the promise gets the answer, or `{error: code}`. */
  ask(send: (text: string) => void, action: string, payload: Json): Promise<Json> {
    this.#calls += 1;
    const id = `csms-${this.#calls}`;
    const text = JSON.stringify([2, id, action, payload]);
    const own = this.#check("received", text);
    if (own !== undefined) this.faults.push(`CSMS: ${own}`);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      send(text);
    });
  }

  #answer(action: string, payload: Json): Json {
    const idTagInfo = accepted;
    switch (action) {
      case "BootNotification":
        return { currentTime: new Date(this.#now()).toISOString(), interval: 300, status: "Accepted" };
      case "Heartbeat":
        return { currentTime: new Date(this.#now()).toISOString() };
      case "Authorize":
        return this.#version === "1.6" ? { idTagInfo } : { idTokenInfo: accepted };
      case "StartTransaction":
        this.#transactions += 1;
        return { idTagInfo, transactionId: this.#transactions };
      case "TransactionEvent":
        return payload["eventType"] === "Started" ? { idTokenInfo: accepted } : {};
      case "DataTransfer":
        return accepted;
      default:
        return {};
    }
  }
}

/** A CSMS on an ephemeral port of this machine. One brain per station id. */
export async function startTestCsms(script: Script = {}) {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    maxPayload: 256 * 1024,
    handleProtocols: (offered) => (offered.has("ocpp1.6") ? "ocpp1.6" : ([...offered][0] ?? false)),
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const brains = new Map<string, CsmsBrain>();
  const sockets: { id: string; protocol: string; authorization: string | undefined; socket: WebSocket }[] =
    [];
  const closeCodes: number[] = [];
  server.on("connection", (socket, request) => {
    const id = decodeURIComponent(request.url?.split("/").at(-1) ?? "");
    sockets.push({ id, protocol: socket.protocol, authorization: request.headers.authorization, socket });
    const version = socket.protocol === "ocpp1.6" ? "1.6" : "2.0.1";
    const brain = brains.get(id) ?? new CsmsBrain(version, script);
    brains.set(id, brain);
    socket.on("message", (data) => {
      const answer = brain.hear(data.toString());
      if (answer !== undefined) socket.send(answer);
    });
    socket.on("error", () => {});
    socket.on("close", (code) => closeCodes.push(code));
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `ws://127.0.0.1:${port}/ocpp`,
    sockets,
    closeCodes,
    brain(id: string): CsmsBrain {
      const brain = brains.get(id);
      if (brain === undefined) throw new Error(`${id} has never connected`);
      return brain;
    },
    /** Calls the station over its newest socket. */
    ask(id: string, action: string, payload: Json): Promise<Json> {
      const open = sockets.findLast((each) => each.id === id);
      return this.brain(id).ask((text) => open?.socket.send(text), action, payload);
    },
    async close(): Promise<void> {
      for (const { socket } of sockets) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A world in one thread: a clock that jumps, and a network that can be down. */
export function virtualWorld(version: OcppVersion, script: Script = {}) {
  const clock = virtualClock(Date.UTC(2026, 0, 15, 8));
  const brain = new CsmsBrain(version, script, clock.now);
  const frames: string[] = [];
  const latencyMs = 20;
  const net = { up: true, protocols: [] as string[], opened: 0 };
  let open: { events: TransportEvents; closed: boolean } | undefined;
  const transportFactory: TransportFactory = (handshake, events) => {
    const wire = { events, closed: false };
    net.protocols = handshake.protocols;
    const later = (fn: () => void) => clock.setTimer(latencyMs, () => wire.closed || fn());
    later(() => {
      if (!net.up) return events.onClose(1006, "the network is down");
      net.opened += 1;
      open = wire;
      events.onOpen();
    });
    return {
      send(text) {
        frames.push(`${clock.now()} > ${text}`);
        later(() => {
          const answer = brain.hear(text);
          if (answer !== undefined) deliver(wire, answer);
        });
      },
      close() {
        wire.closed = true;
      },
    };
  };
  const deliver = (wire: NonNullable<typeof open>, text: string) => {
    clock.setTimer(latencyMs, () => {
      if (wire.closed) return;
      frames.push(`${clock.now()} < ${text}`);
      wire.events.onMessage(text);
    });
  };
  return {
    clock,
    brain,
    frames,
    net,
    transportFactory,
    /** Asks, and lets enough time pass for the answer. */
    async ask(action: string, payload: Json): Promise<Json> {
      const wire = open;
      const answer = brain.ask((text) => wire && deliver(wire, text), action, payload);
      clock.advance(10 * latencyMs);
      return Promise.race([answer, sleep(0).then(() => ({ error: "no answer" }))]);
    },
  };
}

/** Waits until it holds; throws after the deadline, saying what it waited for. */
export async function until(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await sleep(10);
  }
}
