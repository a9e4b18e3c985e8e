/**
 * Who asks: an API key → an actor. Routes take the actor as an argument; nothing is hung onto the request.
 *
 * Only the SHA-256 of a key is stored. Known keys are remembered for a short while, so that a revoked one
 * dies soon.
 */
import { createHash, randomBytes } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { API_RATE_PER_MIN } from "../../shared/limits.ts";
import type { Pool, Queryable } from "../db/pool.ts";
import { ApiProblem } from "./problem.ts";

export type Actor = { operatorId: string; keyName: string };

const REMEMBER_MS = 30_000;
const KEYS_MAX = 1_000;

const digest = (key: string) => createHash("sha256").update(key).digest();

/** Makes a key and stores its hash. The key itself is returned once and never again. */
export async function createApiKey(db: Queryable, operatorId: string, name: string): Promise<string> {
  const key = `sg_${randomBytes(32).toString("base64url")}`;
  await db.query("insert into api_key (key_hash, operator_id, name, prefix) values ($1, $2, $3, $4)", [
    digest(key),
    operatorId,
    name,
    key.slice(0, 7),
  ]);
  return key;
}

export function createAuthenticator(pool: Pool) {
  const known = new Map<string, { actor: Actor; untilMs: number }>();
  const used = new Map<string, { count: number; sinceMs: number }>();

  async function lookUp(key: string): Promise<Actor> {
    const { rows } = await pool.query<{ operator_id: string; name: string }>(
      "select operator_id, name from api_key where key_hash = $1 and revoked_at is null",
      [digest(key)],
    );
    const row = rows[0];
    if (row === undefined)
      throw new ApiProblem(401, "UNKNOWN_KEY", "this API key is not known, or was revoked");
    return { operatorId: row.operator_id, keyName: row.name };
  }

  function limit(key: string, nowMs: number): void {
    const entry = used.get(key);
    if (entry === undefined || nowMs - entry.sinceMs > 60_000) {
      used.set(key, { count: 1, sinceMs: nowMs });
      return;
    }
    entry.count += 1;
    if (entry.count > API_RATE_PER_MIN) {
      throw new ApiProblem(
        429,
        "TOO_MANY_REQUESTS",
        `more than ${API_RATE_PER_MIN} requests in a minute with this key`,
      );
    }
  }

  /** @throws ApiProblem 401, 429. */
  return async function requireActor(request: FastifyRequest): Promise<Actor> {
    const match = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? "");
    const key = match?.[1];
    if (key === undefined) {
      throw new ApiProblem(401, "NO_KEY", "send `Authorization: Bearer <apiKey>`");
    }
    const nowMs = performance.now();
    const found = known.get(key);
    if (found !== undefined && found.untilMs > nowMs) {
      limit(key, nowMs);
      return found.actor;
    }
    const actor = await lookUp(key);
    if (known.size >= KEYS_MAX) known.clear();
    known.set(key, { actor, untilMs: nowMs + REMEMBER_MS });
    limit(key, nowMs);
    return actor;
  };
}
