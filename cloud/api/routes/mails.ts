/** The outbox of mails: what waits, what was sent, what could not be. Their content is not shown. */
import { Type } from "typebox";
import { Uuid } from "../../../shared/ids.ts";
import { OneOf } from "../../../shared/schema.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { Mail, MailState } from "../notify-schemas.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

type MailRow = {
  mail_id: string;
  kind: string;
  recipient: string;
  title: string;
  status: Mail["status"];
  attempts: number;
  next_at: Date;
  created_at: Date;
  created_key: string;
  last_error: string | null;
  finished_at: Date | null;
};

const MAILS = `
  select m.mail_id, m.kind, m.recipient, m.title, m.status, m.attempts, m.next_at, m.created_at,
    m.created_at::text as created_key, m.last_error, m.finished_at from mail m`;

const toMail = (r: MailRow): Mail => ({
  mailId: r.mail_id,
  kind: r.kind,
  recipient: r.recipient,
  subject: r.title,
  status: r.status,
  attempts: r.attempts,
  createdAt: isoOf(r.created_at),
  nextAt: r.status === "waiting" ? isoOf(r.next_at) : null,
  lastError: r.last_error,
  finishedAt: iso(r.finished_at),
});

type StateRow = { waiting: number; failed: number; oldest: Date | null; last_error: string | null };

export function mailRoutes(app: App, { requireActor, mailFrom }: Context): void {
  const tags = ["mails"];

  app.get(
    "/v1/mail-state",
    {
      schema: {
        operationId: "getMailState",
        ...needs("mails:read"),
        tags,
        description: "Whether mails can be sent at all, and how many wait or have failed.",
        response: { 200: Type.Ref("MailState") },
      },
    },
    async (request) => {
      const { db, operatorId } = await requireActor(request);
      const { rows } = await db.query<StateRow>(
        `select count(*) filter (where status = 'waiting')::int as waiting,
           count(*) filter (where status = 'failed')::int as failed,
           min(created_at) filter (where status = 'waiting') as oldest,
           (array_agg(last_error order by next_at desc) filter (where status = 'waiting' and last_error is not null))[1]
             as last_error
         from mail where operator_id = $1 and status in ('waiting', 'failed')`,
        [operatorId],
      );
      const row = rows[0];
      const state: MailState = {
        configured: mailFrom !== undefined,
        from: mailFrom ?? null,
        waiting: row?.waiting ?? 0,
        failed: row?.failed ?? 0,
        oldestWaitingAt: iso(row?.oldest ?? null),
        lastError: row?.last_error ?? null,
      };
      return state;
    },
  );

  app.get(
    "/v1/mails",
    {
      schema: {
        operationId: "listMails",
        ...needs("mails:read"),
        tags,
        description: "The newest first, for 90 days. What they say is not shown: there may be secrets in it.",
        querystring: Type.Object({
          ...PageQuery,
          status: Type.Optional(OneOf(["waiting", "sent", "failed"])),
          kind: Type.Optional(Type.String({ maxLength: 50 })),
        }),
        response: { 200: PageOf("Mail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("m.operator_id = $1", actor.operatorId);
      where.add("m.status = ?", request.query.status);
      where.add("m.kind = ?", request.query.kind);
      const after = readCursor(request.query, 2);
      where.add("(m.created_at, m.mail_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<MailRow>(
        `${MAILS} where ${where.sql} order by m.created_at desc, m.mail_id desc
         limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.created_key, r.mail_id], toMail);
    },
  );

  app.post(
    "/v1/mails/:mailId/retry",
    {
      schema: {
        operationId: "retryMail",
        ...needs("mails:write"),
        tags,
        description: "Sends a mail that has failed once more, with all its tries.",
        params: Type.Object({ mailId: Uuid }),
        response: { 200: Type.Ref("Mail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { mailId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await client.query(
          `update mail set status = 'waiting', attempts = 0, next_at = now(), finished_at = null
           where operator_id = $1 and mail_id = $2 and status = 'failed' and content is not null`,
          [actor.operatorId, mailId],
        );
        const { rows } = await client.query<MailRow>(`${MAILS} where m.operator_id = $1 and m.mail_id = $2`, [
          ...[actor.operatorId, mailId],
        ]);
        if (rows[0] === undefined) throw notFound("mail", mailId);
        if (rows[0].status === "sent") throw new ApiProblem(409, "MAIL_SENT", "this mail was sent already");
        await audit(client, actor, request, "mail.retry", mailId, {});
        return { status: 200, body: toMail(rows[0]) };
      });
      return body as Mail;
    },
  );
}
