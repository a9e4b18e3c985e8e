/**
 * What stations in the field do wrong, one fault per plug-in. Make a new one for every station: some count.
 *
 * Each comes from a real product; a CSMS has to survive all of them and, where it can, make sense of them.
 */
import type { Behaviour, Clock, Json, Station, StationEvent } from "../types.ts";

/** Says the start of each transaction twice: the same content under a new message id. */
export function repeatsTransactionStart(): Behaviour {
  const repeated = new Set<string>();
  return {
    name: "repeats transaction start",
    event(event, station) {
      if (event.kind !== "answered") return;
      const content = JSON.stringify(event.payload);
      if (!isStart(event.action, event.payload) || repeated.has(content)) return;
      repeated.add(content);
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
  return hasWrongClock("lives in 1970", (at, startedAt) => at - startedAt);
}

/**
 * Every time that it says is wrong.
 * @param said what it takes for the time, Unix ms, from the true time and the time it was switched on at.
 */
export function hasWrongClock(name: string, said: (at: number, startedAt: number) => number): Behaviour {
  let startedAt = 0;
  /** What is said again, by another habit, has its wrong times already. */
  const done = new WeakSet<Json>();
  return {
    name,
    started(station) {
      startedAt = station.clock.now();
    },
    call(_, payload) {
      if (done.has(payload)) return payload;
      const wrong = mapTimes(payload, (at) => said(at, startedAt)) as Json;
      done.add(wrong);
      return wrong;
    },
  };
}

/** OCPP 1.6: numbers its transactions itself, -101, -102, …, whatever number it was told. */
export function countsTransactionsBelowZero(): Behaviour {
  const own = new Map<unknown, number>();
  return {
    name: "counts transactions below zero",
    call(_, payload) {
      const { transactionId } = payload;
      if (transactionId === undefined) return payload;
      if (!own.has(transactionId)) own.set(transactionId, -101 - own.size);
      return { ...payload, transactionId: own.get(transactionId) };
    },
  };
}

/** Every frame leaves twice, letter by letter the same. */
export function repeatsFrames(): Behaviour {
  return { name: "repeats frames", frame: (text) => [text, text] };
}

/** Some CALLs leave up to `maxMs` late, so that retries overtake them and they overtake others. */
export function speaksLate(clock: Clock, maxMs: number): Behaviour {
  let passing = false;
  return {
    name: "speaks late",
    frame(text, station) {
      if (passing || !text.startsWith("[2,") || station.random() % 4 > 0) return [text];
      clock.setTimer(station.random() % (maxMs + 1), () => {
        passing = true;
        station.wire.sendRaw(text);
        passing = false;
      });
      return [];
    },
  };
}

/** Says each stop again after some time, under a new message id. */
export function repeatsTransactionStop(afterMs: number): Behaviour {
  const repeated = new Set<string>();
  return {
    name: "repeats transaction stop",
    event(event, station) {
      if (event.kind !== "answered" || !isStop(event.action, event.payload)) return;
      const content = JSON.stringify(event.payload);
      if (repeated.has(content)) return;
      repeated.add(content);
      station.clock.setTimer(afterMs, () => station.wire.call(event.action, event.payload));
    },
  };
}

/** OCPP 2.0.1: an update of each transaction overtakes its start, and one comes after its end. */
export function updatesOutOfOrder(): Behaviour {
  let nth = 0;
  return {
    name: "updates out of order",
    frame(text) {
      const call = readCall(text);
      const eventType = call?.payload["eventType"];
      if (call === undefined || (eventType !== "Started" && eventType !== "Ended")) return [text];
      nth += 1;
      const { idToken: _, ...payload }: Json = {
        ...call.payload,
        eventType: "Updated",
        seqNo: 90 + (nth % 9),
      };
      const { transactionInfo } = payload as { transactionInfo?: Json };
      const { stoppedReason: __, ...info } = transactionInfo ?? {};
      const update = { ...payload, triggerReason: "MeterValuePeriodic", transactionInfo: info };
      const said = JSON.stringify([2, `out-of-order-${nth}`, call.action, update]);
      return eventType === "Started" ? [said, text] : [text, said];
    },
  };
}

/** The first transaction messages carry their numbers as text. */
export function saysNumbersAsText(times = 1): Behaviour {
  let left = times;
  return {
    name: "says numbers as text",
    frame(text) {
      const call = readCall(text);
      if (left === 0 || call === undefined || !/Transaction/.test(call.action)) return [text];
      left -= 1;
      const asText = (_: string, value: unknown) => (typeof value === "number" ? String(value) : value);
      return [
        `[2,${JSON.stringify(call.messageId)},"${call.action}",${JSON.stringify(call.payload, asText)}]`,
      ];
    },
  };
}

/** OCPP 1.6: every stop has a reason that the standard does not know. */
export function saysOddStopReason(): Behaviour {
  return {
    name: "says odd stop reason",
    call: (action, payload) =>
      action === "StopTransaction" ? { ...payload, reason: "CarWasFullAndDriverCameBack" } : payload,
  };
}

/** Every `every`th start is never said: the CSMS hears of the transaction by what comes after. */
export function losesTransactionStart(every: number): Behaviour {
  return loses("loses transaction start", isStart, every);
}

/** Every `every`th stop is never said: the transaction never ends for the CSMS. */
export function losesTransactionStop(every: number): Behaviour {
  return loses("loses transaction stop", isStop, every);
}

/** Ids of transactions that never were: no CSMS gives such a number, no station draws such a name. */
export const UNKNOWN_NUMBER_MIN = 1_000_000_000;
export const UNKNOWN_NAME = "nobody-knows-";

/** Some time after each boot stops a transaction that nobody has ever heard of, the day before. */
export function stopsUnknownTransaction(afterMs = 500): Behaviour {
  let nth = 0;
  const stop = (station: Station) => {
    nth += 1;
    const timestamp = new Date(station.clock.now() - 86_400_000).toISOString();
    if (station.version === "1.6") {
      const transactionId = UNKNOWN_NUMBER_MIN + nth;
      station.wire.call("StopTransaction", { transactionId, meterStop: nth, timestamp, reason: "PowerLoss" });
      return;
    }
    const transactionInfo = { transactionId: `${UNKNOWN_NAME}${nth}`, stoppedReason: "PowerLoss" };
    const event = { eventType: "Ended", timestamp, triggerReason: "AbnormalCondition", seqNo: 9 };
    station.wire.call("TransactionEvent", { ...event, transactionInfo });
  };
  return afterBoot("stops unknown transaction", Infinity, (station) =>
    station.clock.setTimer(afterMs, () => stop(station)),
  );
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

const isStart = (action: string, payload: Json): boolean =>
  action === "StartTransaction" || payload["eventType"] === "Started";
const isStop = (action: string, payload: Json): boolean =>
  action === "StopTransaction" || payload["eventType"] === "Ended";

/** Says a Heartbeat in place of some messages, and takes its answer for theirs. */
function loses(name: string, what: (action: string, payload: Json) => boolean, every: number): Behaviour {
  const said = new Map<string, boolean>();
  return {
    name,
    frame(text) {
      const call = readCall(text);
      if (call === undefined || !what(call.action, call.payload)) return [text];
      // A retry shares the fate of the first try.
      const content = JSON.stringify(call.payload);
      if (!said.has(content)) said.set(content, (said.size + 1) % every !== 0);
      return [said.get(content) === true ? text : JSON.stringify([2, call.messageId, "Heartbeat", {}])];
    },
  };
}

function readCall(text: string): { messageId: string; action: string; payload: Json } | undefined {
  if (!text.startsWith("[2,")) return undefined;
  const [, messageId, action, payload] = JSON.parse(text) as [number, string, string, Json];
  return { messageId, action, payload };
}

function mapTimes(value: unknown, said: (at: number) => number): unknown {
  if (Array.isArray(value)) return value.map((each) => mapTimes(each, said));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) =>
      name === "timestamp" && typeof each === "string"
        ? [name, new Date(said(Date.parse(each))).toISOString()]
        : [name, mapTimes(each, said)],
    ),
  );
}
