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

export type Written = {
  status: number;
  body: unknown;
  /** Fields of the body that the first answer tells and a repeat does not: secrets. A repeat says null. */
  once?: readonly string[];
};

/** The body as it is stored for repeats. */
const kept = ({ body, once = [] }: Written): unknown =>
  once.length === 0
    ? body
    : { ...(body as object), ...Object.fromEntries(once.map((field) => [field, null])) };

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

const underWay = () =>
  new ApiProblem(
    409,
    "REQUEST_UNDER_WAY",
    "the first request with this key still runs: ask again in a moment",
  );

/** How long a repeat waits for the first one, at most: it must not hold a connection for as long as that runs. */
const WAIT_MS = 1_000;
const LOCK_NOT_AVAILABLE = "55P03";
/** What runs in this copy of the API: its repeats wait without a connection. */
const running = new Map<string, Promise<unknown>>();

/** @throws ApiProblem 409 REQUEST_UNDER_WAY. */
async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => (timer = setTimeout(resolve, WAIT_MS, "late")));
  try {
    for (let before = running.get(name); before !== undefined; before = running.get(name)) {
      const settled = before.then(
        () => "settled",
        () => "settled",
      );
      if ((await Promise.race([settled, late])) === "late") throw underWay();
    }
  } finally {
    clearTimeout(timer);
  }
  const done = work();
  running.set(name, done);
  try {
    return await done;
  } finally {
    running.delete(name);
  }
}

type Claim = { operatorId: string; actorId: string; key: string; bodyHash: string };

/** @returns undefined: it is ours to do; else what was answered. @throws ApiProblem 409, 422. */
async function claim(
  client: Client,
  { operatorId, actorId, key, bodyHash }: Claim,
): Promise<Written | undefined> {
  // Not the rows that another request removes at this moment: that one may run for long.
  await client.query(
    `delete from idempotency where (operator_id, actor, key) in (
       select operator_id, actor, key from idempotency where created_at < now() - $1 * interval '1 hour'
       limit 1000 for update skip locked)`,
    [IDEMPOTENCY_HOURS],
  );
  await client.query(`set local lock_timeout = ${WAIT_MS}`);
  const mine = await client
    .query(
      "insert into idempotency (operator_id, actor, key, body_hash) values ($1, $2, $3, $4) on conflict do nothing",
      [operatorId, actorId, key, bodyHash],
    )
    .catch((error: unknown) => {
      throw (error as { code?: string }).code === LOCK_NOT_AVAILABLE ? underWay() : error;
    });
  await client.query("set local lock_timeout to default");
  if (mine.rowCount !== 0) return undefined;
  const { rows } = await client.query<{ body_hash: string; status: number; response: unknown }>(
    "select body_hash, status, response from idempotency where operator_id = $1 and actor = $2 and key = $3",
    [operatorId, actorId, key],
  );
  const first = rows[0];
  if (first === undefined) throw underWay();
  if (first.body_hash !== bodyHash)
    throw new ApiProblem(422, "IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key was used with another request");
  return { status: first.status, body: first.response };
}

/**
 * Runs a write once per Idempotency-Key and actor: a repeat with the same body gets the first response again,
 * but for what is told once only (`once`). A repeat that arrives while the first one runs waits a moment for it.
 * @param body what of the request is compared, where that is not its parsed body.
 * @throws ApiProblem 409 REQUEST_UNDER_WAY; 422 IDEMPOTENCY_KEY_REUSED when the body is another one.
 */
export async function writeOnce(
  actor: Actor,
  request: FastifyRequest,
  work: (client: Client) => Promise<Written>,
  body: unknown = request.body,
): Promise<Written> {
  const key = idempotencyKey(request);
  if (key === undefined) return actor.db.transaction(work);
  const text = `${request.method} ${request.url}\n${JSON.stringify(body ?? null)}`;
  const bodyHash = createHash("sha256").update(text).digest("hex");
  const { operatorId, id: actorId } = actor;
  return alone(JSON.stringify([operatorId, actorId, key]), () =>
    actor.db.transaction(async (client) => {
      const known = await claim(client, { operatorId, actorId, key, bodyHash });
      if (known !== undefined) return known;
      const written = await work(client);
      await client.query(
        "update idempotency set status = $4, response = $5 where operator_id = $1 and actor = $2 and key = $3",
        [operatorId, actorId, key, written.status, JSON.stringify(kept(written))],
      );
      return written;
    }),
  );
}
