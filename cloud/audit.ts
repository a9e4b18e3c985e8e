/**
 * The audit: who did what, one row in the transaction of what was done. Nothing else writes it (but for what
 * happens to a person of several operators or of none, `api/routes/auth.ts`), and no row is ever changed; a
 * person who is erased is masked in it.
 */
import type { AuditAction } from "./core/audit.ts";
import type { Queryable } from "./db/pool.ts";

export type AuditRow = {
  operatorId: string;
  /** A key's name, a person's e-mail address, `console`. */
  actor: string;
  requestId: string;
  action: AuditAction;
  subject: string;
  detail: unknown;
};

export async function writeAudit(client: Queryable, row: AuditRow): Promise<void> {
  await client.query(
    "insert into audit (operator_id, actor, request_id, action, subject, detail) values ($1, $2, $3, $4, $5, $6)",
    [row.operatorId, row.actor, row.requestId, row.action, row.subject, JSON.stringify(row.detail ?? null)],
  );
}
