/**
 * What the stations were told: every CALL of theirs that got a CALLRESULT, every CALL they received, and what
 * follows from that for each transaction. It listens to the frames on the stations' side of the wire and
 * believes nobody else.
 */
import { createHash } from "node:crypto";

type Json = Record<string, unknown>;

/** Messages that are about energy or money: each must be kept once it was answered. */
export const KEPT_ACTIONS: ReadonlySet<string> = new Set([
  "StartTransaction",
  "StopTransaction",
  "MeterValues",
  "TransactionEvent",
]);

/** A message about a transaction that was answered with a CALLRESULT. */
export type Told = {
  stationId: string;
  messageId: string;
  action: string;
  /** The same for a message that is said again under another id. */
  content: string;
  /** What the station calls the transaction. */
  wireId: string;
  /** The reading in it, where there is one. */
  sample?: { at: number; energyWh: number };
};

export type ToldTransaction = {
  stationId: string;
  wireId: string;
  meterStartWh?: number;
  meterStopWh?: number;
};

export type ReceivedCall = { stationId: string; messageId: string; action: string; at: number };

export type Ledger = {
  told: Told[];
  /** By station and wire id. */
  transactions: Map<string, ToldTransaction>;
  calls: ReceivedCall[];
  /** Frames the stations sent, by what became of them. */
  counts: { sent: number; answered: number; refused: number };
  /** What must not happen, seen on the wire. */
  wrong: string[];
  /** To be told of every frame as it crosses the wire. */
  frame(stationId: string, direction: "sent" | "received", text: string): void;
};

export const contentOf = (action: string, payload: unknown): string =>
  createHash("sha1")
    .update(`${action} ${JSON.stringify(payload)}`)
    .digest("base64url");

export const transactionKey = (stationId: string, wireId: string): string => `${stationId} ${wireId}`;

/** Opens an empty ledger. */
export function createLedger(now: () => number = Date.now): Ledger {
  const pending = new Map<string, { stationId: string; action: string; payload: Json }>();
  /** Which id a 1.6 start was told, by its content: a start has one id, an id has one start. */
  const idOfStart = new Map<string, string>();
  const startOfId = new Map<string, string>();
  const ledger: Ledger = {
    told: [],
    transactions: new Map(),
    calls: [],
    counts: { sent: 0, answered: 0, refused: 0 },
    wrong: [],
    frame(stationId, direction, text) {
      const [type, id, third, fourth] = JSON.parse(text) as [number, string, string | Json, Json];
      const key = `${stationId} ${id}`;
      if (direction === "sent") {
        if (type !== 2) return;
        ledger.counts.sent += 1;
        pending.set(key, { stationId, action: String(third), payload: fourth });
        return;
      }
      if (type === 2) {
        ledger.calls.push({ stationId, messageId: id, action: String(third), at: now() });
        return;
      }
      const call = pending.get(key);
      pending.delete(key);
      if (call === undefined) return void ledger.wrong.push(`${stationId} got an answer to nothing: ${text}`);
      if (type === 3) {
        ledger.counts.answered += 1;
        answered(stationId, id, call.action, call.payload, third as Json);
      } else {
        ledger.counts.refused += 1;
        ledger.wrong.push(`${stationId}: ${call.action} was refused: ${text.slice(0, 300)}`);
      }
    },
  };

  const answered = (
    stationId: string,
    messageId: string,
    action: string,
    payload: Json,
    answer: Json,
  ): void => {
    if (!KEPT_ACTIONS.has(action)) return;
    const content = contentOf(action, payload);
    const wireId = wireIdOf(action, payload, answer);
    if (wireId === undefined) return;
    const sample = sampleOf(payload);
    ledger.told.push({
      stationId,
      messageId,
      action,
      content,
      wireId,
      ...(sample === undefined ? {} : { sample }),
    });
    const key = transactionKey(stationId, wireId);
    const known = ledger.transactions.get(key) ?? { stationId, wireId };
    ledger.transactions.set(key, { ...known, ...registersOf(action, payload) });
    if (action === "StartTransaction") checkIds(stationId, wireId, `${stationId} ${content}`);
    const status = statusOf(answer);
    if (status !== undefined && status !== "Accepted") {
      ledger.wrong.push(`${stationId}: ${action} of ${wireId} was answered ${status}`);
    }
  };
  const checkIds = (stationId: string, wireId: string, start: string): void => {
    const before = idOfStart.get(start);
    if (before !== undefined && before !== wireId) {
      ledger.wrong.push(`${stationId}: one start was told two ids, ${before} and ${wireId}`);
    }
    const other = startOfId.get(wireId);
    if (other !== undefined && other !== start) {
      ledger.wrong.push(`${stationId}: id ${wireId} was told to another start too`);
    }
    idOfStart.set(start, wireId);
    startOfId.set(wireId, start);
  };
  return ledger;
}

/** Readings outside of a transaction have none. */
function wireIdOf(action: string, payload: Json, answer: Json): string | undefined {
  if (action === "StartTransaction") return String(answer["transactionId"]);
  if (action === "TransactionEvent") return String((payload["transactionInfo"] as Json)["transactionId"]);
  const id = payload["transactionId"];
  return id === undefined ? undefined : String(id);
}

function statusOf(answer: Json): string | undefined {
  const info = (answer["idTagInfo"] ?? answer["idTokenInfo"]) as { status?: string } | undefined;
  return info?.status;
}

/** The registers that the message states. */
function registersOf(action: string, payload: Json): Pick<ToldTransaction, "meterStartWh" | "meterStopWh"> {
  if (action === "StartTransaction") return { meterStartWh: Number(payload["meterStart"]) };
  if (action === "StopTransaction") return { meterStopWh: Number(payload["meterStop"]) };
  if (action !== "TransactionEvent") return {};
  const register = sampleOf(payload)?.energyWh;
  if (register === undefined) return {};
  if (payload["eventType"] === "Started") return { meterStartWh: register };
  return payload["eventType"] === "Ended" ? { meterStopWh: register } : {};
}

type MeterValue = { timestamp: string; sampledValue: { measurand?: string; value: string | number }[] };

/** These stations send one reading per message, the register first. */
function sampleOf(payload: Json): Told["sample"] {
  const [reading] = (payload["meterValue"] ?? payload["transactionData"] ?? []) as MeterValue[];
  const register = reading?.sampledValue.find((each) => each.measurand === "Energy.Active.Import.Register");
  if (reading === undefined || register === undefined) return undefined;
  return { at: Date.parse(reading.timestamp), energyWh: Number(register.value) };
}
