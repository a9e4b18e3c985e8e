/**
 * What stations in the field do wrong, one fault per plug-in. Make a new one for every station: some count.
 *
 * Each comes from a real product; a CSMS has to survive all of them and, where it can, make sense of them.
 */
import type { Behaviour, Json, Station, StationEvent } from "../types.ts";

/** Says the start of each transaction twice: the same content under a new message id. */
export function repeatsTransactionStart(): Behaviour {
  let repeated = "";
  return {
    name: "repeats transaction start",
    event(event, station) {
      if (event.kind !== "answered") return;
      const starts = event.action === "StartTransaction" || event.payload["eventType"] === "Started";
      const content = JSON.stringify(event.payload);
      if (!starts || content === repeated) return;
      repeated = content;
      station.wire.call(event.action, event.payload);
    },
  };
}

/** OCPP 1.6: forgets the number of its transaction and says -1. */
export function losesTransactionId(): Behaviour {
  return {
    name: "loses transaction id",
    call: (_, payload) => ("transactionId" in payload ? { ...payload, transactionId: -1 } : payload),
  };
}

/** OCPP 2.0.1: every TransactionEvent has seqNo 0. */
export function reusesSeqNo(): Behaviour {
  return {
    name: "reuses seqNo",
    call: (_, payload) => ("seqNo" in payload ? { ...payload, seqNo: 0 } : payload),
  };
}

/** Spoils the JSON of the first frames with meter values. */
export function saysStrayComma(times = 1): Behaviour {
  let left = times;
  return {
    name: "says stray comma",
    frame(text) {
      if (left === 0 || !text.includes('"sampledValue":[')) return [text];
      left -= 1;
      return [text.replace('"sampledValue":[', '"sampledValue":[,')];
    },
  };
}

/** After each boot, a CALL without a payload. */
export function saysThreeElementCall(): Behaviour {
  return afterBoot("says three-element CALL", Infinity, (station) =>
    station.wire.sendRaw(JSON.stringify([2, "three", "Authorize"])),
  );
}

/** After the first boot, one frame larger than anybody should accept. */
export function saysOversizeFrame(bytes = 1024 * 1024): Behaviour {
  return afterBoot("says oversize frame", 1, (station) =>
    station.wire.sendRaw(
      JSON.stringify([2, "oversize", "DataTransfer", { vendorId: "sim", data: "x".repeat(bytes) }]),
    ),
  );
}

/** Offers these subprotocols, whatever it speaks. None: no `Sec-WebSocket-Protocol` at all. */
export function offersSubprotocols(...protocols: string[]): Behaviour {
  return { name: "offers subprotocols", handshake: (handshake) => ({ ...handshake, protocols }) };
}

/** Does not answer the CSMS: none of its calls, or none of these. */
export function ignoresCalls(...actions: string[]): Behaviour {
  return {
    name: "ignores calls",
    answers: (action) => actions.length > 0 && !actions.includes(action),
  };
}

/** Some time after the first boot opens another socket and leaves the first one open. */
export function opensTwoSockets(afterMs = 500): Behaviour {
  return afterBoot("opens two sockets", 1, (station) =>
    station.clock.setTimer(afterMs, () => station.wire.openSecond()),
  );
}

/** Its clock was never set: time begins in 1970 when it is switched on. */
export function livesIn1970(): Behaviour {
  let startedAt = 0;
  return {
    name: "lives in 1970",
    started(station) {
      startedAt = station.clock.now();
    },
    call: (_, payload) => shiftTimes(payload, startedAt) as Json,
  };
}

/** Registers after a boot only, not after every reconnect. The standard allows it; many servers forget it. */
export function skipsBootAfterReconnect(): Behaviour {
  return { name: "skips boot after reconnect", bootsAfterReconnect: false };
}

/** Message ids are 1, 2, 3, … and begin anew with every connection. */
export function countsMessageIds(): Behaviour {
  return { name: "counts message ids", messageId: String };
}

function afterBoot(name: string, times: number, act: (station: Station) => void): Behaviour {
  let left = times;
  return {
    name,
    event(event: StationEvent, station: Station) {
      if (event.kind !== "booted" || left === 0) return;
      left -= 1;
      act(station);
    },
  };
}

function shiftTimes(value: unknown, byMs: number): unknown {
  if (Array.isArray(value)) return value.map((each) => shiftTimes(each, byMs));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) =>
      name === "timestamp" && typeof each === "string"
        ? [name, new Date(Date.parse(each) - byMs).toISOString()]
        : [name, shiftTimes(each, byMs)],
    ),
  );
}
