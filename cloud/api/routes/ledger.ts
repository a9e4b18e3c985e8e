/** The ledger: accounts with their balances, postings, and what people book by hand. */
import { randomUUID } from "node:crypto";
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import {
  faultOf,
  isPayer,
  netEntries,
  OWN_KINDS,
  PAYER_KINDS,
  POSTING_KINDS,
  type Posting,
  type PostingKind,
} from "../../core/ledger.ts";
import type { Client, Queryable } from "../../db/pool.ts";
import { balances, post, reverse } from "../../ledger.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type {
  LedgerAccountView,
  LedgerPostingView,
  NewLedgerPosting,
  NewReversal,
} from "../money-schemas.ts";
import { Once, POSTINGS, toPosting, uuid, type PostingListRow } from "../money-view.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

const Id = Type.Optional(Type.String({ maxLength: 220 }));
const Time = Type.Optional(Type.String({ format: "date-time" }));

type AccountRow = { account: string; kind: string; subject: string | null; opened_at: Date };

/** With the balances of all of them, read at once. */
async function withBalances(db: Queryable, actor: Actor, rows: AccountRow[]): Promise<LedgerAccountView[]> {
  const sums = await balances(
    db,
    actor.operatorId,
    rows.map((row) => row.account),
  );
  return rows.map(({ account, kind, subject, opened_at }) => ({
    ...{ account, kind, subject, openedAt: isoOf(opened_at) },
    balances: sums
      .filter((sum) => sum.account === account)
      .map(({ currency, amountMinor }) => ({ currency, amountMinor })),
  }));
}

function accountRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/ledger/accounts",
    {
      schema: {
        operationId: "listLedgerAccounts",
        ...needs("money:read"),
        tags: ["money"],
        querystring: Type.Object({
          ...PageQuery,
          kind: Type.Optional(OneOf([...PAYER_KINDS, ...OWN_KINDS])),
          account: Id,
        }),
        response: { 200: PageOf("LedgerAccount") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const q = request.query;
      const where = conditions("operator_id = $1", actor.operatorId);
      where.add("kind = ?", q.kind);
      where.add("account = ?", q.account);
      where.add("account > ?", readCursor(q, 1)?.[0]);
      const { rows } = await actor.db.query<AccountRow>(
        `select account, kind, subject, opened_at from ledger_account where ${where.sql}
         order by account limit ${(q.limit ?? 50) + 1}`,
        where.params,
      );
      const page = toPage(
        rows,
        q,
        (r) => [r.account],
        (r) => r,
      );
      return { ...page, items: await withBalances(actor.db, actor, page.items) };
    },
  );
}

/** @throws ApiProblem 404. */
async function readView(db: Queryable, actor: Actor, postingId: string): Promise<LedgerPostingView> {
  const sql = `${POSTINGS} where p.operator_id = $1 and p.posting_id = $2`;
  const { rows } = await db.query<PostingListRow>(sql, [actor.operatorId, uuid("posting", postingId)]);
  if (rows[0] === undefined) throw notFound("posting", postingId);
  return toPosting(rows[0]);
}

function postingRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/ledger/postings",
    {
      schema: {
        operationId: "listLedgerPostings",
        ...needs("money:read"),
        tags: ["money"],
        description: "As they were booked, the latest first. `from` is inclusive, `to` is not.",
        querystring: Type.Object({
          ...PageQuery,
          ...{ account: Id, paymentId: Id, reference: Id, from: Time, to: Time },
          cdrId: Type.Optional(Type.String({ format: "uuid" })),
          kind: Type.Optional(OneOf([...POSTING_KINDS])),
        }),
        response: { 200: PageOf("LedgerPosting") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const q = request.query;
      const where = conditions("p.operator_id = $1", actor.operatorId);
      const ofAccount = `exists (select from ledger_entry e where e.operator_id = p.operator_id
        and e.posting_id = p.posting_id and e.account = ?)`;
      where.add(ofAccount, q.account);
      where.add("p.payment_id = ?", q.paymentId);
      where.add("p.reference = ?", q.reference);
      where.add("p.cdr_id = ?", q.cdrId);
      where.add("p.kind = ?", q.kind);
      where.add("p.booked_at >= ?", q.from);
      where.add("p.booked_at < ?", q.to);
      const after = readCursor(q, 2);
      where.add("(p.booked_at, p.posting_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<PostingListRow>(
        `${POSTINGS} where ${where.sql} order by p.booked_at desc, p.posting_id desc limit ${(q.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, q, (r) => [r.booked_key, r.posting_id], toPosting);
    },
  );

  app.get(
    "/v1/ledger/postings/:postingId",
    {
      schema: {
        operationId: "getLedgerPosting",
        ...needs("money:read"),
        tags: ["money"],
        params: Type.Object({ postingId: Type.String({ maxLength: 64 }) }),
        response: { 200: Type.Ref("LedgerPosting") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readView(actor.db, actor, request.params.postingId);
    },
  );
}

/** A payer is somebody who was billed or has paid before: a name that was mistyped opens no account. */
async function checkPayers(client: Client, actor: Actor, posting: Posting): Promise<void> {
  for (const { account } of posting.entries.filter((entry) => isPayer(entry.account))) {
    const { rows } = await client.query(
      "select from ledger_account where operator_id = $1 and account = $2",
      [actor.operatorId, account],
    );
    if (rows.length === 0) throw notFound("account", account);
  }
}

/** @throws ApiProblem 422 POSTING_INVALID. */
function toNewPosting(actor: Actor, body: NewLedgerPosting): Posting {
  const occurredAt = body.occurredAt === undefined ? Date.now() : Date.parse(body.occurredAt);
  const posting: Posting = {
    ...{ reference: `manual:${randomUUID()}`, kind: body.kind, occurredAt, note: body.note },
    ...{ entries: body.entries, bookedBy: actor.name },
    ...(body.paymentId === undefined ? {} : { paymentId: body.paymentId }),
  };
  const fault = faultOf(posting);
  if (fault !== undefined) throw new ApiProblem(422, "POSTING_INVALID", fault);
  return { ...posting, entries: netEntries(posting.entries) };
}

/** What people book, people take back; charges are put right by CDRs, payments by their provider. */
const BY_HAND: ReadonlySet<PostingKind> = new Set<PostingKind>([
  ...(["transfer", "write-off", "payout", "provider-fee", "tax-remittance", "rounding", "manual"] as const),
]);

function handRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/ledger/postings",
    {
      schema: {
        operationId: "createLedgerPosting",
        ...needs("money:write"),
        tags: ["money"],
        description: "Books by hand: a bank transfer, a write-off, … Entries sum to zero per currency.",
        headers: Once,
        body: Type.Ref("NewLedgerPosting"),
        response: { 201: Type.Ref("LedgerPosting") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const posting = toNewPosting(actor, request.body as NewLedgerPosting);
      const written = await writeOnce(actor, request, async (client) => {
        await checkPayers(client, actor, posting);
        const { postingId } = await post(client, actor.operatorId, posting);
        await audit(client, actor, request, "ledger.post", posting.reference, request.body);
        return { status: 201, body: await readView(client, actor, postingId ?? "") };
      });
      const view = written.body as LedgerPostingView;
      return reply.code(201).header("Location", `/v1/ledger/postings/${view.postingId}`).send(view);
    },
  );

  app.post(
    "/v1/ledger/postings/:postingId/reversal",
    {
      schema: {
        operationId: "reverseLedgerPosting",
        ...needs("money:write"),
        tags: ["money"],
        description: "Takes back, whole and once, what was booked by hand.",
        params: Type.Object({ postingId: Type.String({ maxLength: 64 }) }),
        headers: Once,
        body: Type.Ref("NewReversal"),
        response: { 201: Type.Ref("LedgerPosting") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { note } = request.body as NewReversal;
      const written = await writeOnce(actor, request, async (client) => {
        const first = await readView(client, actor, request.params.postingId);
        if (first.bookedBy === null || !BY_HAND.has(first.kind as PostingKind)) {
          const how = "correct a CDR for its charge, refund a payment at its provider";
          throw new ApiProblem(409, "NOT_BY_HAND", `${first.reference} was not booked by hand: ${how}`);
        }
        const event = { occurredAt: Date.now(), note, bookedBy: actor.name };
        const booked = await reverse(client, actor.operatorId, first.reference, event);
        await audit(client, actor, request, "ledger.reverse", first.reference, { note });
        return { status: 201, body: await readView(client, actor, booked?.postingId ?? "") };
      });
      const view = written.body as LedgerPostingView;
      return reply.code(201).header("Location", `/v1/ledger/postings/${view.postingId}`).send(view);
    },
  );
}

export function ledgerRoutes(app: App, context: Context): void {
  accountRoutes(app, context);
  postingRoutes(app, context);
  handRoutes(app, context);
}
