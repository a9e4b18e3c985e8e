/**
 * Writes through the API: one transaction holds the change, its audit row, its idempotency record and its
 * notifications.
 */
import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { IDEMPOTENCY_HOURS } from "../../shared/limits.ts";
import { writeAudit } from "../audit.ts";
import type { AuditAction } from "../core/audit.ts";
import type { Client } from "../db/pool.ts";
import type { Actor } from "./actor.ts";
import { ApiProblem } from "./problem.ts";
import type { LiveNews } from "./live.ts";
import type { LiveEvent } from "./schemas.ts";

export type Written = { status: number; body: unknown };

export async function audit(
  client: Client,
  actor: Actor,
  request: FastifyRequest,
  action: AuditAction,
  subject: string,
  detail: unknown,
): Promise<void> {
  const { operatorId, name } = actor;
  await writeAudit(client, { operatorId, actor: name, requestId: request.id, action, subject, detail });
}

/** PostgreSQL takes less than 8,000 bytes in one notification: a hundred of our events are more than that. */
const EVENTS_MAX = 20;

async function notify(client: Client, operatorId: string, name: keyof LiveNews, items: readonly unknown[]) {
  for (let i = 0; i < items.length; i += EVENTS_MAX) {
    const text = JSON.stringify({ operatorId, [name]: items.slice(i, i + EVENTS_MAX) });
    await client.query("select pg_notify('sg_live', $1)", [text]);
  }
}

export const notifyLive = (client: Client, operatorId: string, events: LiveEvent[]): Promise<void> =>
  notify(client, operatorId, "events", events);

/** Who may less from now on: `key:…`, `user:…`. Their streams end, and every copy asks anew who they are. */
export const notifyChanged = (client: Client, operatorId: string, actorIds: string[]): Promise<void> =>
  notify(client, operatorId, "changed", actorIds);

function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return undefined;
  if (typeof header !== "string" || header.length === 0 || header.length > 200) {
    throw new ApiProblem(
      400,
      "INVALID_IDEMPOTENCY_KEY",
      "Idempotency-Key is one text of 1 to 200 characters",
    );
  }
  return header;
}

/**
 * Runs a write once per Idempotency-Key and actor: a repeat with the same body gets the first response again.
 * A repeat that arrives while the first one runs waits for it on the unique index.
 * @throws ApiProblem 422 IDEMPOTENCY_KEY_REUSED when the body is another one.
 */
export async function writeOnce(
  actor: Actor,
  request: FastifyRequest,
  work: (client: Client) => Promise<Written>,
): Promise<Written> {
  const key = idempotencyKey(request);
  return actor.db.transaction(async (client) => {
    if (key === undefined) return work(client);
    const text = `${request.method} ${request.url}\n${JSON.stringify(request.body ?? null)}`;
    const bodyHash = createHash("sha256").update(text).digest("hex");
    await client.query("delete from idempotency where created_at < now() - $1 * interval '1 hour'", [
      IDEMPOTENCY_HOURS,
    ]);
    const mine = await client.query(
      "insert into idempotency (operator_id, actor, key, body_hash) values ($1, $2, $3, $4) on conflict do nothing",
      [actor.operatorId, actor.id, key, bodyHash],
    );
    const where = "where operator_id = $1 and actor = $2 and key = $3";
    if (mine.rowCount === 0) {
      const { rows } = await client.query<{ body_hash: string; status: number; response: unknown }>(
        `select body_hash, status, response from idempotency ${where}`,
        [actor.operatorId, actor.id, key],
      );
      const first = rows[0];
      if (first === undefined)
        throw new ApiProblem(409, "REQUEST_UNDER_WAY", "the first request with this key still runs");
      if (first.body_hash !== bodyHash) {
        throw new ApiProblem(
          422,
          "IDEMPOTENCY_KEY_REUSED",
          "this Idempotency-Key was used with another request",
        );
      }
      return { status: first.status, body: first.response };
    }
    const written = await work(client);
    await client.query(`update idempotency set status = $4, response = $5 ${where}`, [
      actor.operatorId,
      actor.id,
      key,
      written.status,
      JSON.stringify(written.body),
    ]);
    return written;
  });
}
