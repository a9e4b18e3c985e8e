/**
 * The stations' sockets: ordered and whole as TCP is, until they are cut, hang half-open, or their ER dies.
 *
 * Invariants: frames of one direction arrive in order; after a cut nothing arrives; the ER hears of each
 * connection's end at most once. It reads no frame.
 */
import { PROTOCOLS, type Protocol } from "../../shared/entry.ts";
import { readFrame } from "../../shared/ocpp/read-call.ts";
import type { Input } from "../../edge/core/types.ts";
import type { Handshake, Transport, TransportEvents, TransportFactory } from "../station/types.ts";
import type { Faults } from "./faults.ts";
import { recur, type Context } from "./spell.ts";
import type { Trace } from "./trace.ts";

export type Socket = {
  connectionId: number;
  stationId: string;
  protocol: Protocol;
  /** The station's calls that were sent on it, by message id. */
  calls: Map<string, { action: string; payload: Record<string, unknown> }>;
};

export type SocketsOptions = Context & {
  faults: Faults;
  trace: Trace;
  /** Inputs for the ER; false when there is none to take them. */
  toEr: (input: Input) => boolean;
  /** A frame of the ER has reached its station. */
  onDelivered: (socket: Socket, text: string) => void;
};

type Line = Socket & {
  events: TransportEvents;
  /** Where each end stands. Either may believe in a line that the other has long forgotten. */
  station: "open" | "closed";
  er: "open" | "closed";
  /** Nothing passes, nobody notices. */
  hung: boolean;
  lastAt: { toEr: number; toStation: number };
};

const NOTICE_MS = 3_000;
const HUNG_NOTICE_MS = [20_000, 90_000] as const;
const ABNORMAL_CLOSURE = 1006;

export type Sockets = ReturnType<typeof createSockets>;

export function createSockets(options: SocketsOptions) {
  const { timeline, chance, trace } = options;
  let faults = options.faults.stations;
  let dark = false;
  const lines = new Map<number, Line>();
  let ids = 0;

  const latency = () => faults.latencyMs + (chance.word() % (faults.latencyMs + 1));

  function later(line: Line, way: "toEr" | "toStation", act: () => void): void {
    const at = Math.max(line.lastAt[way], timeline.now() + latency());
    line.lastAt[way] = at;
    timeline.setTimer(at - timeline.now(), () => {
      if (!line.hung) act();
    });
  }

  function closeAtStation(line: Line, code: number, reason: string): void {
    if (line.station === "closed") return;
    line.station = "closed";
    line.events.onClose(code, reason);
  }

  function closeAtEr(line: Line, reason: string): void {
    if (line.er === "closed") return;
    line.er = "closed";
    lines.delete(line.connectionId);
    options.toEr({ kind: "station.disconnected", connectionId: line.connectionId, reason });
  }

  function open(handshake: Handshake, events: TransportEvents): Transport {
    ids += 1;
    const line: Line = {
      connectionId: ids,
      stationId: handshake.stationId,
      protocol: PROTOCOLS.find((known) => handshake.protocols.includes(known)) ?? "ocpp1.6",
      calls: new Map(),
      events,
      station: "open",
      er: "closed",
      hung: false,
      lastAt: { toEr: 0, toStation: 0 },
    };
    const { connectionId, stationId, protocol } = line;
    later(line, "toEr", () => {
      if (line.station === "closed") return;
      const input = {
        kind: "station.connected",
        connectionId,
        stationId,
        protocol,
        remoteAddress: "10.0.0.1",
      } as const;
      if (dark || chance.happens(faults.refuse) || !options.toEr(input)) {
        closeAtStation(line, ABNORMAL_CLOSURE, "refused");
        return;
      }
      line.er = "open";
      lines.set(connectionId, line);
      trace.say("socket.open", `${stationId} #${connectionId}`);
      events.onOpen();
    });
    return {
      send: (text) => sendToEr(line, text),
      close: (code) => {
        if (line.station === "closed") return;
        line.station = "closed";
        later(line, "toEr", () => closeAtEr(line, `closed ${code ?? ABNORMAL_CLOSURE}`));
        if (line.hung) noticeLater(line);
      },
    };
  }

  function sendToEr(line: Line, text: string): void {
    const { connectionId, stationId, calls } = line;
    const call = readCall(text);
    if (call !== undefined) calls.set(call.messageId, call);
    trace.say("station.sent", `${stationId} #${connectionId} ${text}`);
    if (line.hung && line.er === "closed") {
      // The box at the other end has started anew and knows nothing of this connection.
      timeline.setTimer(latency(), () => closeAtStation(line, ABNORMAL_CLOSURE, "reset by peer"));
      return;
    }
    later(line, "toEr", () => {
      if (line.er === "open") options.toEr({ kind: "station.frame", connectionId, text });
    });
  }

  function noticeLater(line: Line): void {
    timeline.setTimer(chance.between(...HUNG_NOTICE_MS), () => closeAtEr(line, `closed ${ABNORMAL_CLOSURE}`));
  }

  const any = (): Line | undefined => [...lines.values()][chance.word() % Math.max(1, lines.size)];

  function cut(line: Line): void {
    trace.say("socket.cut", `${line.stationId} #${line.connectionId}`);
    line.hung = true;
    closeAtStation(line, ABNORMAL_CLOSURE, "cut");
    timeline.setTimer(chance.between(0, NOTICE_MS), () => closeAtEr(line, `closed ${ABNORMAL_CLOSURE}`));
  }

  const spells = [
    recur(options, faults.cut, () => {
      const line = any();
      if (line !== undefined) cut(line);
      return () => {};
    }),
    recur(options, faults.blackout, (forMs) => {
      trace.say("socket.blackout", `for ${forMs} ms`);
      dark = true;
      for (const line of lines.values()) cut(line);
      return () => {
        dark = false;
      };
    }),
    recur(options, faults.halfOpen, () => {
      const line = any();
      if (line === undefined) return () => {};
      trace.say("socket.hangs", `${line.stationId} #${line.connectionId}`);
      line.hung = true;
      noticeLater(line);
      return () => {};
    }),
  ];

  return {
    transportFactory: open satisfies TransportFactory,
    /** What `ws` does with a frame of the ER: sent when the socket is there, dropped when it is not. */
    send(connectionId: number, text: string): void {
      const line = lines.get(connectionId);
      if (line === undefined) return;
      later(line, "toStation", () => {
        if (line.station === "closed") return;
        trace.say("station.got", `${line.stationId} #${connectionId} ${text}`);
        options.onDelivered(line, text);
        line.events.onMessage(text);
      });
    },
    close(connectionId: number, code: number, reason: string): void {
      const line = lines.get(connectionId);
      if (line === undefined) return;
      later(line, "toStation", () => closeAtStation(line, code, reason));
      timeline.setTimer(2_000, () => closeAtEr(line, `closed ${code}`));
    },
    /** The ER's process has ended: its sockets close, or hang when the power went with it. */
    erGone(powerCut: boolean): void {
      for (const line of lines.values()) {
        line.er = "closed";
        if (powerCut) line.hung = true;
        else later(line, "toStation", () => closeAtStation(line, ABNORMAL_CLOSURE, "the peer is gone"));
      }
      lines.clear();
    },
    heal(mended: Faults): void {
      for (const end of spells) end();
      faults = mended.stations;
    },
  };
}

/** A CALL, if the text is one: as the ER reads it, so slips in the JSON are mended. */
export function readCall(
  text: string,
): { messageId: string; action: string; payload: Record<string, unknown> } | undefined {
  const { frame } = readFrame(text);
  return frame.type === "call" ? frame : undefined;
}
