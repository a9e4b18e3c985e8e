/**
 * The audit: who wrote what, newest first, as pages or as one CSV file. Nobody can change it by the API.
 */
import { Readable } from "node:stream";
import { stringify } from "csv-stringify/sync";
import { Type } from "typebox";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem } from "../problem.ts";
import type { AuditEntry } from "../user-schemas.ts";

type AuditRow = {
  audit_id: number;
  at: Date;
  actor: string;
  action: string;
  subject: string;
  request_id: string;
  detail: unknown;
};

const toEntry = (r: AuditRow): AuditEntry => ({
  auditId: String(r.audit_id),
  at: isoOf(r.at),
  actor: r.actor,
  action: r.action,
  subject: r.subject,
  requestId: r.request_id,
  detail: r.detail,
});

const text = Type.Optional(Type.String({ minLength: 1, maxLength: 300 }));
const time = Type.Optional(Type.String({ format: "date-time" }));
const Filters = { actor: text, action: text, subject: text, from: time, to: time };
type Filters = { actor?: string; action?: string; subject?: string; from?: string; to?: string };

const CHUNK_ROWS = 1_000;
const COLUMNS = ["auditId", "at", "actor", "action", "subject", "requestId", "detail"] as const;

async function readRows(
  actor: Actor,
  filters: Filters,
  before: string | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const where = conditions("a.operator_id = $1", actor.operatorId);
  where.add("a.actor = ?", filters.actor);
  where.add("a.action = ?", filters.action);
  where.add("a.subject = ?", filters.subject);
  where.add("a.at >= ?::timestamptz", filters.from);
  where.add("a.at < ?::timestamptz", filters.to);
  where.add("a.audit_id < ?::bigint", before);
  const { rows } = await actor.db.query<AuditRow>(
    `select audit_id, at, actor, action, subject, request_id, detail from audit a
     where ${where.sql} order by a.audit_id desc limit ${limit}`,
    where.params,
  );
  return rows;
}

/** What a spreadsheet would take for a formula is text. */
const csv = (rows: unknown[][]): string => stringify(rows, { escape_formulas: true });

async function* csvLines(actor: Actor, filters: Filters): AsyncGenerator<string> {
  yield csv([[...COLUMNS]]);
  let before: string | undefined;
  for (;;) {
    const rows = await readRows(actor, filters, before, CHUNK_ROWS);
    if (rows.length === 0) return;
    yield csv(
      rows
        .map(toEntry)
        .map((entry) =>
          COLUMNS.map((column) => (column === "detail" ? JSON.stringify(entry.detail) : entry[column])),
        ),
    );
    if (rows.length < CHUNK_ROWS) return;
    before = String(rows.at(-1)?.audit_id);
  }
}

export function auditRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/audit-entries",
    {
      schema: {
        operationId: "listAuditEntries",
        ...needs("audit:read"),
        tags: ["audit"],
        description: "Newest first. `from` is included, `to` is not.",
        querystring: Type.Object({ ...PageQuery, ...Filters }),
        response: { 200: PageOf("AuditEntry") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const before = readCursor(request.query, 1)?.[0];
      if (before !== undefined && !/^\d{1,18}$/.test(before))
        throw new ApiProblem(400, "INVALID_CURSOR", "this cursor is not one of ours");
      const rows = await readRows(actor, request.query, before, (request.query.limit ?? 50) + 1);
      return toPage(rows, request.query, (r) => [String(r.audit_id)], toEntry);
    },
  );

  app.get(
    "/v1/audit-entries/csv",
    {
      schema: {
        operationId: "exportAudit",
        ...needs("audit:read"),
        tags: ["audit"],
        description: "The same as one file, as long as it is: it is written while it is read.",
        querystring: Type.Object(Filters),
        response: { 200: { description: "CSV", content: { "text/csv": { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      void reply.header("Content-Disposition", 'attachment; filename="audit.csv"');
      void reply.header("Cache-Control", "no-store").type("text/csv; charset=utf-8");
      // Its schema says text; what is sent is the text as it is made.
      return reply.send(Readable.from(csvLines(actor, request.query)) as unknown as string);
    },
  );
}
