/**
 * Checker `durability`: a station is never told something that is not in a committed block. Every answer that
 * reaches a station, over all crashes, is compared with the journal; only what changes nothing (a heartbeat,
 * a status that is known already) is answered without an entry.
 *
 * Checker `wire-ids`: open transaction ids of a station are unique, a repeated start gets the id of the first
 * one, and no id is ever told for a second start of a station, even by a journal that does not know the first.
 */
import type { Durable } from "../../../edge/core/types.ts";
import type { Entry } from "../../../shared/entry.ts";
import { contentKey } from "../../../edge/core/fold-message.ts";
import { v16 } from "../../../shared/ocpp/v16.ts";
import type { Socket } from "../sockets.ts";
import { Violation } from "../trace.ts";

const SILENT = new Set(["Heartbeat", "StatusNotification"]);

export function createReplyCheckers() {
  /** `stationId text` of every answer in the journal. */
  const committed = new Set<string>();
  /** Those of the journal of now: an answer of one that was lost may still be on its way. */
  const ofThisJournal = new Set<string>();
  /** `stationId content` of a start → the id that was told first by this journal. */
  const firstIds = new Map<string, number>();
  /** `stationId id` → the start that it was told for. */
  const startOf = new Map<string, string>();

  function repeated(
    socket: Socket,
    payload: Record<string, unknown>,
    answer: Record<string, unknown>,
    isOfThisJournal: boolean,
  ): void {
    const message = v16.read("StartTransaction", payload);
    if (message.kind !== "transaction") return;
    const key = `${socket.stationId} ${contentKey(message)}`;
    const id = Number(answer["transactionId"]);
    const first = firstIds.get(key) ?? id;
    if (isOfThisJournal) firstIds.set(key, first);
    if (isOfThisJournal && first !== id)
      throw new Violation("wire-ids", `${key} was told ${first}, then ${id}`);
    const name = `${socket.stationId} ${id}`;
    const owner = startOf.get(name) ?? key;
    startOf.set(name, owner);
    if (owner !== key) throw new Violation("wire-ids", `${id} was told for ${owner}, then for ${key}`);
  }

  return {
    onEntry(entry: Entry): void {
      if (entry.kind !== "ocpp.handled" && entry.kind !== "ocpp.rejected") return;
      if (entry.response === undefined) return;
      committed.add(`${entry.stationId} ${entry.response}`);
      ofThisJournal.add(`${entry.stationId} ${entry.response}`);
    },

    onDelivered(socket: Socket, text: string): void {
      const [type, messageId, payload] = JSON.parse(text) as [number, string, Record<string, unknown>];
      if (type === 2) return;
      const call = socket.calls.get(messageId);
      if (call !== undefined && SILENT.has(call.action)) return;
      if (!committed.has(`${socket.stationId} ${text}`)) {
        const what = call?.action ?? "something that is no CALL";
        throw new Violation(
          "durability",
          `${socket.stationId} was answered ${what} with ${text}, which is not committed`,
        );
      }
      if (type === 3 && call?.action === "StartTransaction")
        repeated(socket, call.payload, payload, ofThisJournal.has(`${socket.stationId} ${text}`));
    },

    /** What was repeated is new to a journal that does not know the first one. */
    journalLost(): void {
      firstIds.clear();
      ofThisJournal.clear();
    },

    everyTick(durable: Durable): void {
      for (const station of durable.stations.values()) {
        const ids = station.open.map((id) => durable.transactions.get(id)?.ocppTransactionId);
        if (new Set(ids).size === ids.length) continue;
        throw new Violation("wire-ids", `${station.stationId} has open transactions ${ids.join(", ")}`);
      }
    },
  };
}
