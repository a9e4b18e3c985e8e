/** A signed-in driver's statements: what it owed at the beginning of a month, what came, what it owes at its end. */
import { Type } from "typebox";
import { readLines, STATEMENT_LINES_MAX, type StatementRow } from "../../statements.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { LanguageQuery, languageOf, Pdf, toStatementLine, uuid } from "../money-view.ts";
import type { OwnStatementDetail } from "../own-schemas.ts";
import { ownAccount, ownDriver, toOwnStatement } from "../own-view.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { notFound } from "../problem.ts";
import { sendStatement } from "./statements.ts";

const Params = Type.Object({ statementId: Type.String({ maxLength: 64 }) });

/** @throws ApiProblem 404. */
async function readOwn(actor: Actor, statementId: string): Promise<StatementRow> {
  const account = ownAccount(await ownDriver(actor));
  const { rows } = await actor.db.query<StatementRow>(
    "select * from statement where operator_id = $1 and account = $2 and statement_id = $3",
    [actor.operatorId, account, uuid("statement", statementId)],
  );
  if (rows[0] === undefined) throw notFound("statement", statementId);
  return rows[0];
}

export function ownStatementRoutes(app: App, context: Context): void {
  listRoute(app, context);
  readRoutes(app, context);
}

function listRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/statements",
    {
      schema: {
        operationId: "listOwnStatements",
        ...needs("own:read"),
        tags: ["own"],
        description: "By the end of their period, the latest first.",
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("OwnStatement") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const account = ownAccount(await ownDriver(actor));
      const where = conditions("t.operator_id = $1 and t.account = $2", actor.operatorId, account);
      const [to, id] = readCursor(request.query, 2) ?? [];
      where.add("(t.period_to, t.statement_id) < (?::timestamptz, ?::uuid)", to, id);
      const { rows } = await actor.db.query<StatementRow & { to_key: string }>(
        `select t.*, t.period_to::text as to_key from statement t where ${where.sql}
         order by t.period_to desc, t.statement_id desc limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (row) => [row.to_key, row.statement_id], toOwnStatement);
    },
  );
}

function readRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/statements/:statementId",
    {
      schema: {
        operationId: "getOwnStatement",
        ...needs("own:read"),
        tags: ["own"],
        params: Params,
        response: { 200: Type.Ref("OwnStatementDetail") },
      },
    },
    async (request): Promise<OwnStatementDetail> => {
      const actor = await requireActor(request);
      const row = await readOwn(actor, request.params.statementId);
      const lines = await readLines(actor.db, row);
      return {
        statement: toOwnStatement(row),
        lines: lines.slice(0, STATEMENT_LINES_MAX).map(toStatementLine),
        linesTruncated: lines.length > STATEMENT_LINES_MAX,
      };
    },
  );

  app.get(
    "/v1/own/statements/:statementId/pdf",
    {
      schema: {
        operationId: "getOwnStatementPdf",
        ...needs("own:read"),
        tags: ["own"],
        params: Params,
        querystring: LanguageQuery,
        response: { 200: Pdf },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const row = await readOwn(actor, request.params.statementId);
      return sendStatement(reply as never, actor.db, row, languageOf(request.query));
    },
  );
}
