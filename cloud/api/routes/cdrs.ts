/** CDRs: what each transaction costs, and what people put right. */
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { readCdr } from "../../cdr-store.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { correctCdr, decideBilling } from "../correct-cdr.ts";
import type { BillingItem, CdrView, NewBillingDecision, NewCdrCorrection } from "../money-schemas.ts";
import {
  CDRS,
  Once,
  toBillingItem,
  toCdr,
  uuid,
  type BillingItemRow,
  type CdrListRow,
} from "../money-view.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { notFound } from "../problem.ts";
import { audit, notifyLive, writeOnce } from "../write.ts";
import type { Queryable } from "../../db/pool.ts";

const Id = Type.Optional(Type.String({ maxLength: 220 }));
const Time = Type.Optional(Type.String({ format: "date-time" }));

/** @throws ApiProblem 404. */
async function readView(db: Queryable, actor: Actor, cdrId: string): Promise<CdrView> {
  const sql = `${CDRS} where c.operator_id = $1 and c.cdr_id = $2`;
  const { rows } = await db.query<CdrListRow>(sql, [actor.operatorId, uuid("CDR", cdrId)]);
  if (rows[0] === undefined) throw notFound("CDR", cdrId);
  return toCdr(rows[0]);
}

function readingRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/cdrs",
    {
      schema: {
        operationId: "listCdrs",
        ...needs("money:read"),
        tags: ["money"],
        description: "By the end of their transaction, the latest first. `from` is inclusive, `to` is not.",
        querystring: Type.Object({
          ...PageQuery,
          ...{ siteId: Id, stationId: Id, driverId: Id, idToken: Id, payer: Id, paymentId: Id },
          transactionId: Type.Optional(Type.String({ format: "uuid" })),
          ...{ from: Time, to: Time, status: Type.Optional(OneOf(["standing", "corrected"])) },
        }),
        response: { 200: PageOf("Cdr") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const q = request.query;
      const where = conditions("c.operator_id = $1", actor.operatorId);
      where.add("c.site_id = ?", q.siteId);
      where.add("c.station_id = ?", q.stationId);
      where.add("c.driver_id = ?", q.driverId);
      where.add("c.id_token = ?", q.idToken);
      where.add("c.payer = ?", q.payer);
      where.add("c.payment_id = ?", q.paymentId);
      where.add("c.transaction_id = ?", q.transactionId);
      where.add("c.ended_at >= ?", q.from);
      where.add("c.ended_at < ?", q.to);
      where.add("(n.cdr_id is null) = ?", q.status === undefined ? undefined : q.status === "standing");
      const after = readCursor(q, 2);
      where.add("(c.ended_at, c.cdr_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<CdrListRow>(
        `${CDRS} where ${where.sql} order by c.ended_at desc, c.cdr_id desc limit ${(q.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, q, (r) => [r.ended_key, r.cdr_id], toCdr);
    },
  );

  app.get(
    "/v1/cdrs/:cdrId",
    {
      schema: {
        operationId: "getCdr",
        ...needs("money:read"),
        tags: ["money"],
        params: Type.Object({ cdrId: Type.String({ maxLength: 64 }) }),
        response: { 200: Type.Ref("Cdr") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return readView(actor.db, actor, request.params.cdrId);
    },
  );
}

function correctionRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/cdrs/:cdrId/corrections",
    {
      schema: {
        operationId: "correctCdr",
        ...needs("money:write"),
        tags: ["money"],
        description: "Makes another CDR in its place; the old charge is reversed and the new one booked.",
        params: Type.Object({ cdrId: Type.String({ maxLength: 64 }) }),
        headers: Once,
        body: Type.Ref("NewCdrCorrection"),
        response: { 201: Type.Ref("Cdr") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const cdrId = uuid("CDR", request.params.cdrId);
      const body = request.body as NewCdrCorrection;
      const written = await writeOnce(actor, request, async (client) => {
        const cdr = await readCdr(client, actor.operatorId, cdrId);
        if (cdr === undefined) throw notFound("CDR", cdrId);
        const row = await correctCdr(client, actor, cdr, body, Date.now());
        const detail = { ...body, correctedBy: row.cdr_id, before: cdr.total_minor, after: row.total_minor };
        await audit(client, actor, request, "cdr.correct", cdrId, detail);
        return { status: 201, body: await readView(client, actor, row.cdr_id) };
      });
      const view = written.body as CdrView;
      return reply.code(201).header("Location", `/v1/cdrs/${view.cdrId}`).send(view);
    },
  );
}

const ITEMS = "select b.*, b.updated_at::text as updated_key from transaction_billing b";

function heldRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/billing-items",
    {
      schema: {
        operationId: "listBillingItems",
        ...needs("money:read"),
        tags: ["money"],
        description:
          "How far the billing of transactions is. Held ones wait for a person: `reasons` says why.",
        querystring: Type.Object({
          ...PageQuery,
          status: Type.Optional(OneOf(["pending", "held", "billed", "none"])),
          siteId: Id,
          transactionId: Type.Optional(Type.String({ format: "uuid" })),
        }),
        response: { 200: PageOf("BillingItem") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const q = request.query;
      const where = conditions("b.operator_id = $1", actor.operatorId);
      where.add("b.status = ?", q.status);
      where.add("b.site_id = ?", q.siteId);
      where.add("b.transaction_id = ?", q.transactionId);
      const after = readCursor(q, 2);
      where.add("(b.updated_at, b.transaction_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<BillingItemRow>(
        `${ITEMS} where ${where.sql} order by b.updated_at desc, b.transaction_id desc limit ${(q.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, q, (r) => [r.updated_key, r.transaction_id], toBillingItem);
    },
  );

  app.post(
    "/v1/billing-items/:transactionId/decision",
    {
      schema: {
        operationId: "decideBilling",
        ...needs("money:write"),
        tags: ["money"],
        description:
          "About what is held for reasons that the work queue does not know. It is billed at once.",
        params: Type.Object({ transactionId: Type.String({ maxLength: 64 }) }),
        headers: Once,
        body: Type.Ref("NewBillingDecision"),
        response: { 200: Type.Ref("BillingItem") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const id = uuid("transaction", request.params.transactionId);
      const body = request.body as NewBillingDecision;
      const written = await writeOnce(actor, request, async (client) => {
        await decideBilling(client, actor, id, body, Date.now());
        await audit(client, actor, request, `billing.${body.decision}`, id, body);
        const sql = `${ITEMS} where b.operator_id = $1 and b.transaction_id = $2`;
        const { rows } = await client.query<BillingItemRow>(sql, [actor.operatorId, id]);
        if (rows[0] === undefined) throw notFound("transaction", id);
        const item = toBillingItem(rows[0]);
        await notifyLive(client, actor.operatorId, [
          { type: "transaction", siteId: item.siteId, transactionId: id },
        ]);
        return { status: 200, body: item };
      });
      return written.body as BillingItem;
    },
  );
}

export function cdrRoutes(app: App, context: Context): void {
  readingRoutes(app, context);
  correctionRoutes(app, context);
  heldRoutes(app, context);
}
