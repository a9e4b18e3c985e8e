/**
 * CSV exports: small ones at once, large ones made in the background and fetched when they are done. What can
 * be exported is in `exports/kinds.ts`; what makes the files is `jobs/exports.ts`.
 */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { Type } from "typebox";
import { Uuid } from "../../../shared/ids.ts";
import { EXPORT_ROWS_AT_ONCE_MAX, EXPORTS_OPEN_MAX } from "../../../shared/limits.ts";
import { OneOf } from "../../../shared/schema.ts";
import type { Client } from "../../db/pool.ts";
import { exportCsv, isSmall } from "../../exports/csv.ts";
import { EXPORT_KIND_NAMES, exportKind, type ExportKindName } from "../../exports/kinds.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { Export, NewExport } from "../notify-schemas.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

type ExportRow = {
  export_id: string;
  kind: ExportKindName;
  params: { from: string; to: string; siteId: string | null };
  status: Export["status"];
  created_by: string;
  created_at: Date;
  created_key: string;
  finished_at: Date | null;
  rows: number | null;
  bytes: number | null;
  error: string | null;
  expires_at: Date | null;
  /** Its time was up when it was read; of one row alone. */
  is_over?: boolean | null;
};

const toExport = (r: ExportRow): Export => ({
  exportId: r.export_id,
  kind: r.kind,
  from: r.params.from,
  to: r.params.to,
  siteId: r.params.siteId,
  status: r.status,
  createdBy: r.created_by,
  createdAt: isoOf(r.created_at),
  finishedAt: iso(r.finished_at),
  rows: r.rows,
  bytes: r.bytes,
  error: r.error,
  expiresAt: iso(r.expires_at),
});

/** @throws ApiProblem 403 EXPORT_FORBIDDEN, 400 INVALID_RANGE. */
function check(actor: Actor, { kind, from, to }: { kind: ExportKindName; from: string; to: string }): void {
  const { permission } = exportKind(kind);
  if (!actor.permissions.has(permission))
    throw new ApiProblem(403, "EXPORT_FORBIDDEN", `an export of ${kind} needs ${permission}`);
  if (Date.parse(from) >= Date.parse(to))
    throw new ApiProblem(400, "INVALID_RANGE", "`from` must be before `to`");
}

const nameOf = (kind: string, from: string) => `attachment; filename="${kind}-${from.slice(0, 10)}.csv"`;

/** @throws ApiProblem 404. */
async function readExport(db: Actor["db"] | Client, actor: Actor, exportId: string): Promise<ExportRow> {
  const { rows } = await db.query<ExportRow>(
    "select *, expires_at <= now() as is_over from export where operator_id = $1 and export_id = $2",
    [...[actor.operatorId, exportId]],
  );
  if (rows[0] === undefined) throw notFound("export", exportId);
  return rows[0];
}

export function exportRoutes(app: App, { requireActor, files }: Context): void {
  const ExportParams = Type.Object({ exportId: Uuid });
  const tags = ["exports"];
  const Time = Type.String({ format: "date-time" });
  const csv = { description: "CSV, RFC 4180", content: { "text/csv": { schema: Type.String() } } };

  app.get(
    "/v1/exports/now",
    {
      schema: {
        operationId: "exportNow",
        ...needs("exports:read"),
        tags,
        description: `At once, up to ${EXPORT_ROWS_AT_ONCE_MAX} rows; what is larger is refused: POST /v1/exports.`,
        querystring: Type.Object({
          kind: OneOf(EXPORT_KIND_NAMES),
          from: Time,
          to: Time,
          siteId: Type.Optional(Type.String({ maxLength: 64 })),
          spreadsheet: Type.Optional(Type.Boolean()),
        }),
        response: { 200: csv },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { kind: name, from, to, siteId = null, spreadsheet } = request.query;
      check(actor, request.query);
      const kind = exportKind(name);
      const params = { from, to, siteId };
      if (!(await isSmall(actor.db, actor.operatorId, kind, params, EXPORT_ROWS_AT_ONCE_MAX)))
        throw new ApiProblem(
          409,
          "EXPORT_TOO_LARGE",
          `these are more than ${EXPORT_ROWS_AT_ONCE_MAX} rows: take a shorter time, or POST /v1/exports`,
        );
      // Rows that come in between are few: the file may have some more than were counted.
      const o = { layout: { spreadsheet }, rowsMax: 2 * EXPORT_ROWS_AT_ONCE_MAX };
      const pieces = exportCsv(actor.db, actor.operatorId, kind, params, o);
      return reply
        .type("text/csv; charset=utf-8")
        .header("Content-Disposition", nameOf(name, from))
        .send(Readable.from(pieces) as never);
    },
  );

  app.post(
    "/v1/exports",
    {
      schema: {
        operationId: "createExport",
        ...needs("exports:write"),
        tags,
        description: "Made in the background: look at it until its status is `done`, then download it.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewExport"),
        response: { 202: Type.Ref("Export") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewExport;
      check(actor, body);
      const { kind, from, to, siteId = null, spreadsheet = false } = body;
      const { body: made } = await writeOnce(actor, request, async (client) => {
        const { rows: open } = await client.query<{ count: number }>(
          "select count(*)::int as count from export where operator_id = $1 and status in ('waiting', 'running')",
          [actor.operatorId],
        );
        if ((open[0]?.count ?? 0) >= EXPORTS_OPEN_MAX)
          throw new ApiProblem(
            409,
            "TOO_MANY_EXPORTS",
            `${EXPORTS_OPEN_MAX} exports are being made: wait for one`,
          );
        const { rows } = await client.query<ExportRow>(
          `insert into export (export_id, operator_id, kind, params, created_by) values ($1, $2, $3, $4, $5)
           returning *`,
          [
            randomUUID(),
            actor.operatorId,
            kind,
            JSON.stringify({ from, to, siteId, spreadsheet }),
            actor.name,
          ],
        );
        const row = rows[0] as ExportRow;
        await audit(client, actor, request, "export.create", row.export_id, body);
        return { status: 202, body: toExport(row) };
      });
      const view = made as Export;
      return reply.code(202).header("Location", `/v1/exports/${view.exportId}`).send(view);
    },
  );

  app.get(
    "/v1/exports",
    {
      schema: {
        operationId: "listExports",
        ...needs("exports:read"),
        tags,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("Export") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("x.operator_id = $1", actor.operatorId);
      const after = readCursor(request.query, 2);
      where.add("(x.created_at, x.export_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<ExportRow>(
        `select x.*, x.created_at::text as created_key from export x where ${where.sql}
         order by x.created_at desc, x.export_id desc limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.created_key, r.export_id], toExport);
    },
  );

  app.get(
    "/v1/exports/:exportId",
    {
      schema: {
        operationId: "getExport",
        ...needs("exports:read"),
        tags,
        params: ExportParams,
        response: { 200: Type.Ref("Export") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return toExport(await readExport(actor.db, actor, request.params.exportId));
    },
  );

  app.get(
    "/v1/exports/:exportId/file",
    {
      schema: {
        operationId: "downloadExport",
        ...needs("exports:read"),
        tags,
        params: ExportParams,
        response: { 200: csv },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const row = await readExport(actor.db, actor, request.params.exportId);
      check(actor, { kind: row.kind, ...row.params });
      if (row.status !== "done")
        throw new ApiProblem(
          409,
          "EXPORT_NOT_DONE",
          `this export is ${row.status}${row.error === null ? "" : `: ${row.error}`}`,
        );
      const file = row.is_over === true ? undefined : await files.read(row.export_id);
      if (file === undefined)
        throw new ApiProblem(410, "EXPORT_GONE", "the file is not here any more: make the export again");
      return reply
        .type("text/csv; charset=utf-8")
        .header("Content-Disposition", nameOf(row.kind, row.params.from))
        .header("Content-Length", file.size)
        .send(file.stream as never);
    },
  );
}
