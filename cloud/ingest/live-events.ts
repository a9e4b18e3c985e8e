/**
 * What a batch changed, for pages that look: ids only, small enough for one NOTIFY. When too much changed,
 * the kind of thing and the site are enough: the page fetches what it shows.
 */
import type { LiveEvent } from "../api/schemas.ts";
import type { Changes } from "../core/changes.ts";
import { KIND_OF_FLAG } from "../core/review.ts";

/** NOTIFY takes less than 8000 bytes. */
const BYTES_MAX = 7_500;

/** Somebody may have to look: told once too often rather than once too rarely. */
function needsPerson(changes: Changes): boolean {
  const { parked, shed, setAsides, clocks } = changes;
  if (parked.length + shed.length + setAsides.length + clocks.length > 0) return true;
  if ([...changes.commands.values()].some((c) => c.status !== undefined)) return true;
  return [...changes.transactions.values()].some(
    (t) => t.closed_at !== undefined || t.ended_at !== undefined || t.flags.some((f) => f in KIND_OF_FLAG),
  );
}

export function liveEvents(
  changes: Changes,
  origin: { erId: string; siteId: string; operatorId: string },
): string | undefined {
  const { siteId, erId } = origin;
  const events: LiveEvent[] = [{ type: "er", siteId, erId }];
  const stations = new Set([
    ...changes.stations.keys(),
    ...[...changes.connectors.values()].map((c) => c.station_id),
  ]);
  for (const stationId of stations) events.push({ type: "station", siteId, stationId });
  for (const stationId of new Set(changes.messages.map((m) => m.station_id))) {
    events.push({ type: "message", siteId, stationId });
  }
  for (const t of changes.transactions.values()) {
    events.push({ type: "transaction", siteId, stationId: t.station_id, transactionId: t.transaction_id });
  }
  for (const meterId of changes.meters.keys()) events.push({ type: "meter", siteId, meterId });
  for (const commandId of changes.commands.keys()) events.push({ type: "command", siteId, commandId });

  if (needsPerson(changes)) events.push({ type: "review", siteId, erId });

  const text = JSON.stringify({ operatorId: origin.operatorId, events });
  if (Buffer.byteLength(text) <= BYTES_MAX) return text;
  const types = [...new Set(events.map((event) => event.type))];
  return JSON.stringify({ operatorId: origin.operatorId, events: types.map((type) => ({ type, siteId })) });
}
