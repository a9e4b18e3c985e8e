/**
 * Events for outgoing webhooks, into the outbox: in the transaction of what happened, so that what was rolled
 * back is never told and what was kept always is.
 *
 * Only what some endpoint of the operator wants becomes a row. Sent by `jobs/webhook-delivery.ts`.
 */
import { randomUUID } from "node:crypto";
import { assert } from "../shared/errors.ts";
import { WEBHOOK_DATA_BYTES_MAX } from "../shared/limits.ts";
import type { WebhookType } from "./core/webhook-types.ts";
import type { Queryable } from "./db/pool.ts";
import { toJson } from "./ingest/apply.ts";

export type WebhookEvent = {
  type: WebhookType;
  /** Thin: ids and a few numbers; whoever needs more asks the API. */
  data: object;
  siteId?: string | undefined;
  /** Makes it once: told again with the same key, it is no news. */
  key?: string;
  /** When it happened; else now. */
  at?: Date;
};

const YEAR_10000 = Date.UTC(10_000, 0);

/** A time that can be written: clocks of stations tell any. */
function plausible(at = new Date()): Date {
  const ms = at.getTime();
  return ms >= 0 && ms < YEAR_10000 ? at : new Date();
}

/** @returns how many deliveries were made. */
export async function emitAll(
  client: Queryable,
  operatorId: string,
  events: readonly WebhookEvent[],
): Promise<number> {
  if (events.length === 0) return 0;
  const rows = events.map((event) => {
    const { type, siteId: site_id, key: once_key, data } = event;
    assert(JSON.stringify(data).length <= WEBHOOK_DATA_BYTES_MAX, `the data of a ${type} event is thin`);
    return { event_id: randomUUID(), type, site_id, once_key, data, at: plausible(event.at) };
  });
  const { rows: made } = await client.query<{ made: number }>("select webhook_emit($1, $2) as made", [
    operatorId,
    toJson(rows),
  ]);
  return made[0]?.made ?? 0;
}

/** One event. Actors of named sites may tell of what they did, too. */
export const emit = (
  client: Queryable,
  operatorId: string,
  type: WebhookType,
  data: object,
  more: { siteId?: string | undefined; key?: string; at?: Date } = {},
): Promise<number> => emitAll(client, operatorId, [{ type, data, ...more }]);
