/** Statements: made for a period that is over, read, and as a file. */
import type { FastifyReply } from "fastify";
import { Type } from "typebox";
import { AppError } from "../../../shared/errors.ts";
import { parseAccount } from "../../core/ledger.ts";
import type { Client, Queryable } from "../../db/pool.ts";
import { statementPdf } from "../../pdf/statement.ts";
import type { Language } from "../../pdf/words.ts";
import { readIssuer } from "../../receipts.ts";
import {
  createStatement,
  monthOf,
  readLines,
  STATEMENT_LINES_MAX,
  type Period,
  type StatementRow,
} from "../../statements.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { NewStatement, StatementView } from "../money-schemas.ts";
import { LanguageQuery, languageOf, Once, Pdf, toStatement, toStatementLine, uuid } from "../money-view.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

const Params = Type.Object({ statementId: Type.String({ maxLength: 64 }) });

/** @throws ApiProblem 404. */
async function readRow(db: Queryable, actor: Actor, statementId: string): Promise<StatementRow> {
  const { rows } = await db.query<StatementRow>(
    "select * from statement where operator_id = $1 and statement_id = $2",
    [actor.operatorId, uuid("statement", statementId)],
  );
  if (rows[0] === undefined) throw notFound("statement", statementId);
  return rows[0];
}

/** @throws ApiProblem 422 PERIOD_UNCLEAR. */
async function periodOf(db: Queryable, actor: Actor, body: NewStatement): Promise<Period> {
  const { month, from, to } = body;
  if (month !== undefined && from === undefined && to === undefined)
    return monthOf(db, actor.operatorId, month);
  if (month !== undefined || from === undefined || to === undefined)
    throw new ApiProblem(422, "PERIOD_UNCLEAR", "give a month, or both from and to");
  const [first, last] = [Date.parse(from), Date.parse(to)];
  if (first >= last) throw new ApiProblem(422, "PERIOD_UNCLEAR", "to must be later than from");
  return { from: new Date(first).toISOString(), to: new Date(last).toISOString() };
}

async function currencyOf(db: Queryable, actor: Actor, body: NewStatement): Promise<string> {
  if (body.currency !== undefined) return body.currency;
  const sql = "select currency from operator where operator_id = $1";
  const { rows } = await db.query<{ currency: string }>(sql, [actor.operatorId]);
  return rows[0]?.currency ?? "BRL";
}

/** @throws ApiProblem 404, 422 PERIOD_NOT_OVER. */
async function create(client: Client, actor: Actor, body: NewStatement) {
  const period = await periodOf(client, actor, body);
  const currency = await currencyOf(client, actor, body);
  try {
    const statement = { account: body.account, currency, period, createdBy: actor.name };
    return await createStatement(client, actor.operatorId, statement);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code === "ACCOUNT_UNKNOWN") throw notFound("account", body.account);
    if (error.code === "PERIOD_NOT_OVER") throw new ApiProblem(422, error.code, error.message);
    throw error;
  }
}

/** Who it is for, by the name that is on file; of a fleet, its group is its name. */
async function partyName(db: Queryable, row: StatementRow): Promise<string | null> {
  const parsed = parseAccount(row.account);
  const sql = {
    driver: "select name from driver where operator_id = $1 and driver_id::text = $2",
    token: "select label as name from id_token where operator_id = $1 and token_key = $2",
  };
  if (parsed?.kind !== "driver" && parsed?.kind !== "token") return null;
  const { rows } = await db.query<{ name: string | null }>(sql[parsed.kind], [
    row.operator_id,
    parsed.subject,
  ]);
  return rows[0]?.name ?? null;
}

/** The file of a statement, as an answer. */
export async function sendStatement(
  reply: FastifyReply,
  db: Queryable,
  row: StatementRow,
  language: Language,
): Promise<FastifyReply> {
  const document = {
    statement: row,
    lines: await readLines(db, row),
    issuer: await readIssuer(db, row.operator_id),
    partyName: await partyName(db, row),
  };
  return reply
    .type("application/pdf")
    .header("Content-Disposition", `inline; filename="statement-${row.number}.pdf"`)
    .send(await statementPdf(document, language));
}

function writingRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/statements",
    {
      schema: {
        operationId: "createStatement",
        ...needs("money:write"),
        tags: ["money"],
        description:
          "Of a month of the operator's calendar, or of any time that is over. One that exists is given again (200).",
        headers: Once,
        body: Type.Ref("NewStatement"),
        response: { 200: Type.Ref("Statement"), 201: Type.Ref("Statement") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewStatement;
      const written = await writeOnce(actor, request, async (client) => {
        const { row, isNew } = await create(client, actor, body);
        if (isNew) await audit(client, actor, request, "statement.create", row.statement_id, body);
        return { status: isNew ? 201 : 200, body: toStatement(row) };
      });
      const view = written.body as StatementView;
      const status = written.status === 201 ? 201 : 200;
      return reply.code(status).header("Location", `/v1/statements/${view.statementId}`).send(view);
    },
  );
}

function readingRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/statements",
    {
      schema: {
        operationId: "listStatements",
        ...needs("money:read"),
        tags: ["money"],
        description: "By the end of their period, the latest first.",
        querystring: Type.Object({
          ...PageQuery,
          account: Type.Optional(Type.String({ maxLength: 220 })),
        }),
        response: { 200: PageOf("Statement") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const q = request.query;
      const where = conditions("t.operator_id = $1", actor.operatorId);
      where.add("t.account = ?", q.account);
      const after = readCursor(q, 2);
      where.add("(t.period_to, t.statement_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<StatementRow & { to_key: string }>(
        `select t.*, t.period_to::text as to_key from statement t where ${where.sql}
         order by t.period_to desc, t.statement_id desc limit ${(q.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, q, (r) => [r.to_key, r.statement_id], toStatement);
    },
  );

  app.get(
    "/v1/statements/:statementId",
    {
      schema: {
        operationId: "getStatement",
        ...needs("money:read"),
        tags: ["money"],
        params: Params,
        response: { 200: Type.Ref("StatementDetail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const row = await readRow(actor.db, actor, request.params.statementId);
      const lines = await readLines(actor.db, row);
      return {
        statement: toStatement(row),
        lines: lines.slice(0, STATEMENT_LINES_MAX).map(toStatementLine),
        linesTruncated: lines.length > STATEMENT_LINES_MAX,
      };
    },
  );

  app.get(
    "/v1/statements/:statementId/pdf",
    {
      schema: {
        operationId: "getStatementPdf",
        ...needs("money:read"),
        tags: ["money"],
        params: Params,
        querystring: LanguageQuery,
        response: { 200: Pdf },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const row = await readRow(actor.db, actor, request.params.statementId);
      return sendStatement(reply as never, actor.db, row, languageOf(request.query));
    },
  );
}

export function statementRoutes(app: App, context: Context): void {
  readingRoutes(app, context);
  writingRoutes(app, context);
}
