/**
 * Policies on their way down: one at a time, each site's once per round, however many changes and hellos ask
 * for it.
 *
 * Nothing is kept: what could not be sent is asked for again by the ER's next hello, which tells its version.
 */
import type { KeyObject } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../shared/errors.ts";
import { encodeWire } from "../../shared/wire.ts";
import type { Pool } from "../db/pool.ts";
import { readSignedPolicy } from "./policy.ts";

/** Between two rounds, so that a thousand tokens changed one by one do not send the policy a thousand times. */
const PAUSE_MS = 1_000;

export type PolicySenderOptions = {
  pool: Pool;
  key: KeyObject;
  send: (erId: string, payload: Buffer) => Promise<void>;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};

export function createPolicySender(options: PolicySenderOptions) {
  const { pool, key, send, onLog } = options;
  /** Site → its ERs that are to hear. */
  let wanted = new Map<string, Set<string>>();
  let running: Promise<void> | undefined;
  const stopping = new AbortController();

  async function round(): Promise<void> {
    const sites = wanted;
    wanted = new Map();
    for (const [siteId, erIds] of sites) {
      if (stopping.signal.aborted) return;
      try {
        const policy = await readSignedPolicy(pool, siteId, key);
        if (policy === undefined) continue;
        const payload = encodeWire(policy);
        for (const erId of erIds) await send(erId, payload);
      } catch (error) {
        onLog("warn", "policy not sent; the ER asks again", { siteId, reason: describeError(error) });
      }
    }
  }

  async function run(): Promise<void> {
    while (wanted.size > 0 && !stopping.signal.aborted) {
      await round();
      await sleep(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    running = undefined;
  }

  function want(siteId: string, erId: string): void {
    const erIds = wanted.get(siteId) ?? new Set();
    wanted.set(siteId, erIds.add(erId));
    running ??= run();
  }

  return {
    /** This ER has another version than its site. */
    want,
    /** Rules of the operator's sites have changed: their ERs that are there hear of it. */
    async changed(operatorId: string): Promise<void> {
      const { rows } = await pool.query<{ er_id: string; site_id: string }>(
        `select e.er_id, e.site_id from er e join site s using (site_id)
         where e.operator_id = $1 and e.last_seen_at > now() - interval '5 minutes'
           and e.policy_version <> s.policy_version`,
        [operatorId],
      );
      for (const row of rows) want(row.site_id, row.er_id);
    },
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
