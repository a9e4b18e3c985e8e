/**
 * Checker `ledger`: what a station was told is at the SG. Every message that was answered stands there with
 * its content, unless it says nothing new, was given up for want of disk, or the journal that held it was lost.
 *
 * It also knows which starts and stops were answered at all, for the checkers of what became of them.
 */
import { readCall, type Socket } from "../sockets.ts";
import type { Tables } from "../store.ts";
import { Violation } from "../trace.ts";
import type { Journals } from "./journal.ts";

/** Answered without an entry when they say nothing new. */
const SILENT = new Set(["Heartbeat", "StatusNotification"]);

type Payload = Record<string, unknown>;

/** What a message says about which transaction of its station: the name that the truth has for it. */
export function nameOf(action: string, payload: Payload): string | undefined {
  switch (action) {
    case "StartTransaction":
      return `start ${String(payload["meterStart"])} ${String(payload["timestamp"])}`;
    case "StopTransaction":
      return `stop ${String(payload["meterStop"])} ${String(payload["timestamp"])}`;
    case "TransactionEvent": {
      const { transactionId } = (payload["transactionInfo"] ?? {}) as Payload;
      return `${String(payload["eventType"])} ${String(transactionId)}`;
    }
    default:
      return undefined;
  }
}

const contentOf = (stationId: string, action: string, payload: Payload) =>
  `${stationId} ${action} ${JSON.stringify(payload)}`;

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger() {
  /** Content of answered messages. */
  const told = new Set<string>();
  /** `stationId name` of answered starts, updates and stops. */
  const names = new Set<string>();

  return {
    /** @param name as `nameOf` makes it. */
    wasTold: (stationId: string, name: string) => names.has(`${stationId} ${name}`),

    onDelivered({ stationId, calls }: Socket, text: string): void {
      if (!text.startsWith("[3,")) return;
      const [, messageId] = JSON.parse(text) as [number, string];
      const call = calls.get(messageId);
      if (call === undefined || SILENT.has(call.action)) return;
      told.add(contentOf(stationId, call.action, call.payload));
      const name = nameOf(call.action, call.payload);
      if (name !== undefined) names.add(`${stationId} ${name}`);
    },

    /** After everything has drained. */
    atEnd(tables: Tables, journals: Journals): void {
      const held = new Set<string>();
      const hold = (stationId: string | undefined, request: string | undefined) => {
        const call = request === undefined ? undefined : readCall(request);
        if (stationId !== undefined && call !== undefined)
          held.add(contentOf(stationId, call.action, call.payload));
      };
      for (const { station_id, request } of tables.messages) hold(station_id, request);
      for (const { journalId, blocks } of journals.all.slice(0, -1)) {
        const lost = blocks.filter((block) => block.lastSeq > (tables.cursors.get(journalId)?.seq ?? 0));
        for (const entry of lost.flatMap(({ entries }) => entries))
          if (entry.kind === "ocpp.handled") hold(entry.stationId, entry.request);
      }
      // That these were readings and nothing else, the journal's checker has seen.
      for (const { journalId, blocks } of journals.all) {
        const shed = tables.shed.get(journalId);
        if (shed === undefined || shed.size === 0) continue;
        for (const entry of blocks.flatMap(({ entries }) => entries))
          if (shed.has(entry.seq) && entry.kind === "ocpp.handled") hold(entry.stationId, entry.request);
      }
      for (const content of told) {
        if (!held.has(content)) throw new Violation("ledger", `answered and not at the SG: ${content}`);
      }
    },
  };
}
