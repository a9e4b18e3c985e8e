/** What is told of payments: webhooks as they came, and what asking the providers brought to light. */
import { Type } from "typebox";
import { replayEvent } from "../../pay/events.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { PaymentEventView, PaymentFindingView } from "../payment-schemas.ts";
import { notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

const IdempotencyHeader = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

type EventRow = {
  event_id: number;
  provider_id: string;
  provider_event_id: string;
  type: string;
  payment_id: string | null;
  occurred_at: Date | null;
  received_at: Date;
  outcome: PaymentEventView["outcome"];
  deliveries: number;
  processed_at: Date | null;
  last_error: string | null;
};

const toEvent = (r: EventRow): PaymentEventView => ({
  eventId: String(r.event_id),
  providerId: r.provider_id,
  providerEventId: r.provider_event_id,
  type: r.type,
  paymentId: r.payment_id,
  occurredAt: iso(r.occurred_at),
  receivedAt: isoOf(r.received_at),
  outcome: r.outcome,
  deliveries: r.deliveries,
  processedAt: iso(r.processed_at),
  lastError: r.last_error,
});

type FindingRow = {
  finding_id: number;
  payment_id: string;
  site_id: string;
  kind: PaymentFindingView["kind"];
  detail: unknown;
  repaired: boolean;
  found_at: Date;
  resolved_at: Date | null;
  resolved_by: string | null;
  note: string | null;
};

const toFinding = (r: FindingRow): PaymentFindingView => ({
  findingId: String(r.finding_id),
  paymentId: r.payment_id,
  siteId: r.site_id,
  kind: r.kind,
  detail: r.detail,
  repaired: r.repaired,
  foundAt: isoOf(r.found_at),
  resolvedAt: iso(r.resolved_at),
  resolvedBy: r.resolved_by,
  note: r.note,
});

export function paymentEventRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/payment-events",
    {
      schema: {
        operationId: "listPaymentEvents",
        ...needs("payments:read"),
        tags: ["payments"],
        description: "What providers told by webhooks, newest first.",
        querystring: Type.Object({
          ...PageQuery,
          paymentId: Type.Optional(Type.String({ format: "uuid" })),
          outcome: Type.Optional(Type.String({ maxLength: 20 })),
        }),
        response: { 200: PageOf("PaymentEvent") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { query } = request;
      const where = conditions("e.operator_id = $1", actor.operatorId);
      where.add("e.payment_id = ?::uuid", query.paymentId);
      where.add("e.outcome = ?", query.outcome);
      where.add("e.event_id < ?::bigint", readCursor(query, 1)?.[0]);
      const { rows } = await actor.db.query<EventRow>(
        `select e.event_id, e.provider_id, e.provider_event_id, e.type, e.payment_id, e.occurred_at, e.received_at,
           e.outcome, e.deliveries, e.processed_at, e.last_error
         from payment_event e where ${where.sql} order by e.event_id desc limit ${(query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, query, (r) => [String(r.event_id)], toEvent);
    },
  );

  app.post(
    "/v1/payment-events/:eventId/replay",
    {
      schema: {
        operationId: "replayPaymentEvent",
        ...needs("payments:write"),
        tags: ["payments"],
        description: "Reads a stored webhook again. What was right already stays as it is.",
        params: Type.Object({ eventId: Type.String({ pattern: "^[0-9]{1,15}$" }) }),
        headers: IdempotencyHeader,
        response: { 202: Type.Object({ eventId: Type.String() }) },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { eventId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        if (!(await replayEvent(client, actor.operatorId, Number(eventId))))
          throw notFound("payment event", eventId);
        await audit(client, actor, request, "paymentEvent.replay", eventId, {});
        return { status: 202, body: { eventId } };
      });
      return reply.code(202).send(body as { eventId: string });
    },
  );

  app.get(
    "/v1/payment-findings",
    {
      schema: {
        operationId: "listPaymentFindings",
        ...needs("payments:read"),
        tags: ["payments"],
        description:
          "What asking the providers brought to light, newest first: put right, or waiting for somebody.",
        querystring: Type.Object({ ...PageQuery, repaired: Type.Optional(Type.Boolean()) }),
        response: { 200: PageOf("PaymentFinding") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { query } = request;
      const where = conditions("f.operator_id = $1", actor.operatorId);
      where.add("f.repaired = ?", query.repaired);
      where.add("f.finding_id < ?::bigint", readCursor(query, 1)?.[0]);
      const { rows } = await actor.db.query<FindingRow>(
        `select f.* from payment_finding f where ${where.sql} order by f.finding_id desc
         limit ${(query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, query, (r) => [String(r.finding_id)], toFinding);
    },
  );

  app.post(
    "/v1/payment-findings/:findingId/resolve",
    {
      schema: {
        operationId: "resolvePaymentFinding",
        ...needs("payments:write"),
        tags: ["payments"],
        description: "Somebody has seen to it. Found again with something else to say, it is open again.",
        params: Type.Object({ findingId: Type.String({ pattern: "^[0-9]{1,15}$" }) }),
        headers: IdempotencyHeader,
        body: Type.Ref("PaymentFindingResolution"),
        response: { 200: Type.Ref("PaymentFinding") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { note } = request.body as { note: string };
      const { findingId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { rows } = await client.query<FindingRow>(
          `update payment_finding set repaired = true, note = $3, resolved_by = $4, resolved_at = now()
           where operator_id = $1 and finding_id = $2 returning *`,
          [actor.operatorId, findingId, note, actor.name],
        );
        const [row] = rows;
        if (row === undefined) throw notFound("payment finding", findingId);
        await audit(client, actor, request, "paymentFinding.resolve", findingId, { kind: row.kind, note });
        return { status: 200, body: toFinding(row) };
      });
      return body as PaymentFindingView;
    },
  );
}
