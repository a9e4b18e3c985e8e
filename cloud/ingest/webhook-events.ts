/**
 * What a batch tells the operator's own systems: events for the outbox, in the batch's transaction.
 *
 * Called only where the operator has an endpoint at all; one question and one insert, however much the batch
 * holds. Each event is named by what happened, so that history that comes twice is told once.
 */
import { describeError } from "../../shared/errors.ts";
import type { Changes } from "../core/changes.ts";
import type { Client } from "../db/pool.ts";
import {
  isStopMissing,
  toTransaction,
  TRANSACTION_COLUMNS,
  type TransactionRow,
} from "../api/transaction-view.ts";
import { emitAll, type WebhookEvent } from "../webhooks.ts";
import { isRefusal, type Origin } from "./apply.ts";

function dataOf(row: TransactionRow): object {
  const { transactionId, siteId, stationId, evseId, connectorId, ...t } = toTransaction(row);
  const { startedAt, endedAt, timeQuality, meterStartWh, meterStopWh, energyWh, stoppedReason, flags } = t;
  return {
    ...{ transactionId, siteId, stationId, evseId, connectorId, startedAt, endedAt, timeQuality },
    ...{ meterStartWh, meterStopWh, energyWh, stoppedReason, flags },
    // The ER assumed the end; the station's own may still come.
    ...(isStopMissing(row) ? { endEstimated: true } : {}),
  };
}

async function transactionEvents(client: Client, changes: Changes): Promise<WebhookEvent[]> {
  const told = [...changes.transactions.values()];
  const started = new Set(told.filter((t) => t.start_time !== undefined).map((t) => t.transaction_id));
  const ended = new Set(
    told.filter((t) => t.ended_at !== undefined || t.closed_at !== undefined).map((t) => t.transaction_id),
  );
  if (started.size + ended.size === 0) return [];
  const { rows } = await client.query<TransactionRow>(
    `select ${TRANSACTION_COLUMNS} from transaction t where t.transaction_id = any ($1)`,
    [[...new Set([...started, ...ended])]],
  );
  return rows.flatMap((row) => {
    const { transaction_id: id, site_id: siteId } = row;
    const data = dataOf(row);
    const events: WebhookEvent[] = [];
    if (started.has(id))
      events.push({
        type: "transaction.started",
        siteId,
        data,
        key: `transaction.started:${id}`,
        at: row.started_at,
      });
    const at = row.ended_at ?? row.closed_at;
    if (ended.has(id) && at !== null) {
      const how = row.ended_at === null ? "closed" : "ended";
      events.push({ type: "transaction.ended", siteId, data, key: `transaction.ended:${id}:${how}`, at });
    }
    return events;
  });
}

function connectionEvents(changes: Changes, { siteId, erId, journalId }: Origin): WebhookEvent[] {
  return changes.messages.flatMap((message): WebhookEvent[] => {
    const { kind, seq, station_id: stationId, at, reason } = message;
    if (kind !== "station.online" && kind !== "station.offline") return [];
    const data = {
      stationId,
      siteId,
      ...(kind === "station.offline" ? { reason: reason?.slice(0, 500) } : {}),
    };
    return [{ type: kind, siteId, data, key: `${kind}:${erId}:${journalId}:${seq}`, at: new Date(at) }];
  });
}

/**
 * After the changes were written: what is told is what is there now. Nothing that cannot be told holds up what
 * is told of: the rows stay, the events go.
 * @returns why events could not be told.
 */
export async function emitHappenings(
  client: Client,
  parts: readonly Changes[],
  origin: Origin,
): Promise<string | undefined> {
  await client.query("savepoint told");
  try {
    for (const changes of parts) {
      const events = [...connectionEvents(changes, origin), ...(await transactionEvents(client, changes))];
      await emitAll(client, origin.operatorId, events);
    }
    await client.query("release savepoint told");
    return undefined;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await client.query("rollback to savepoint told");
    return describeError(error);
  }
}
