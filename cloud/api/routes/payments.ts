/** Payments as operators see them: lists, refunds, cancellations, what providers told, what was found. */
import { Type } from "typebox";
import { refundableMinor } from "../../core/payment.ts";
import type { Queryable } from "../../db/pool.ts";
import { replayEvent } from "../../pay/events.ts";
import type { PaymentRow, RefundRow } from "../../pay/rows.ts";
import { giveBack, keep, lockPayment, paymentOf, readRefunds } from "../../pay/store.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import {
  PaymentProviderKind,
  PaymentStatus,
  type NewRefund,
  type PaymentDetailView,
  type PaymentEventView,
  type PaymentFindingView,
  type PaymentView,
  type RefundView,
} from "../payment-schemas.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const IdempotencyHeader = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });
const PaymentParams = Type.Object({ paymentId: Type.String({ maxLength: 100 }) });

export const toPayment = (r: PaymentRow): PaymentView => ({
  paymentId: r.payment_id,
  siteId: r.site_id,
  stationId: r.station_id,
  provider: r.kind,
  flow: r.flow,
  status: r.status,
  currency: r.currency,
  amountMinor: r.amount_minor,
  authorizedMinor: r.authorized_minor,
  capturedMinor: r.captured_minor,
  refundedMinor: r.refunded_minor,
  keepMinor: r.keep_minor,
  keepReason: r.keep_reason,
  declineCode: r.decline_code,
  providerPaymentId: r.provider_payment_id,
  flags: r.flags,
  lastError: r.last_error,
  createdAt: isoOf(r.created_at),
  expiresAt: isoOf(r.expires_at),
  paidAt: iso(r.paid_at),
  updatedAt: isoOf(r.updated_at),
});

const toRefund = (r: RefundRow): RefundView => ({
  refundId: r.refund_id,
  paymentId: r.payment_id,
  amountMinor: r.amount_minor,
  currency: r.currency,
  status: r.status,
  reason: r.reason,
  requestedBy: r.requested_by,
  providerRefundId: r.provider_refund_id,
  failure: r.failure,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/** @throws ApiProblem 404. */
async function readPayment(db: Queryable, operatorId: string, paymentId: string): Promise<PaymentRow> {
  if (!UUID.test(paymentId)) throw notFound("payment", paymentId);
  const { rows } = await db.query<PaymentRow>(
    "select p.* from payment p where p.operator_id = $1 and p.payment_id = $2",
    [operatorId, paymentId],
  );
  if (rows[0] === undefined) throw notFound("payment", paymentId);
  return rows[0];
}

async function readDetail(db: Queryable, row: PaymentRow): Promise<PaymentDetailView> {
  const payment = paymentOf(row, await readRefunds(db, row.payment_id));
  const { rows } = await db.query<NonNullable<PaymentDetailView["guest"]>>(
    `select guest_session_id as "guestSessionId", state, reason, id_token as "idToken", command_id as "commandId",
       transaction_id as "transactionId", cdr_id as "cdrId", price_minor as "priceMinor"
     from guest_session where operator_id = $1 and payment_id = $2`,
    [row.operator_id, row.payment_id],
  );
  return {
    payment: toPayment(row),
    refunds: payment.refunds.map(toRefund),
    refundableMinor: refundableMinor(payment.state, payment.unsentMinor),
    guest: rows[0] ?? null,
  };
}

export function paymentRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/payments",
    {
      schema: {
        operationId: "listPayments",
        ...needs("payments:read"),
        tags: ["payments"],
        querystring: Type.Object({
          ...PageQuery,
          siteId: Type.Optional(Type.String({ maxLength: 64 })),
          stationId: Type.Optional(Type.String({ maxLength: 200 })),
          status: Type.Optional(PaymentStatus),
          provider: Type.Optional(PaymentProviderKind),
        }),
        response: { 200: PageOf("Payment") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { query } = request;
      const where = conditions("p.operator_id = $1", actor.operatorId);
      where.add("p.site_id = ?", query.siteId);
      where.add("p.station_id = ?", query.stationId);
      where.add("p.status = ?", query.status);
      where.add("p.kind = ?", query.provider);
      const after = readCursor(query, 2);
      where.add("(p.created_at, p.payment_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<PaymentRow & { created_key: string }>(
        `select p.*, p.created_at::text as created_key from payment p where ${where.sql}
         order by p.created_at desc, p.payment_id desc limit ${(query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, query, (r) => [r.created_key, r.payment_id], toPayment);
    },
  );

  app.get(
    "/v1/payments/:paymentId",
    {
      schema: {
        operationId: "getPayment",
        ...needs("payments:read"),
        tags: ["payments"],
        params: PaymentParams,
        response: { 200: Type.Ref("PaymentDetail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const row = await readPayment(actor.db, actor.operatorId, request.params.paymentId);
      return readDetail(actor.db, row);
    },
  );

  changeRoutes(app, requireActor);
  eventRoutes(app, requireActor);
}

function changeRoutes(app: App, requireActor: Context["requireActor"]): void {
  app.post(
    "/v1/payments/:paymentId/refunds",
    {
      schema: {
        operationId: "refundPayment",
        ...needs("payments:write"),
        tags: ["payments"],
        description: "Gives money back, at most what was captured. Taken, not yet done: follow the payment.",
        params: PaymentParams,
        headers: IdempotencyHeader,
        body: Type.Ref("NewRefund"),
        response: { 202: Type.Ref("Refund") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { amountMinor, reason } = request.body as NewRefund;
      const { paymentId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await readPayment(client, actor.operatorId, paymentId);
        const payment = await lockPayment(client, paymentId);
        const most = refundableMinor(payment.state, payment.unsentMinor);
        if (amountMinor > most)
          throw new ApiProblem(
            409,
            "REFUND_TOO_LARGE",
            `at most ${most} minor units of this payment can be given back`,
          );
        const refund = await giveBack(client, payment, amountMinor, { by: actor.name, reason });
        await audit(client, actor, request, "payment.refund", paymentId, { amountMinor, reason });
        return { status: 202, body: toRefund(refund) };
      });
      return reply.code(202).send(body as RefundView);
    },
  );

  app.post(
    "/v1/payments/:paymentId/cancel",
    {
      schema: {
        operationId: "cancelPayment",
        ...needs("payments:write"),
        tags: ["payments"],
        description:
          "Lets go of what was authorized, or closes the page. What was captured is refunded instead (409).",
        params: PaymentParams,
        headers: IdempotencyHeader,
        body: Type.Ref("PaymentCancellation"),
        response: { 202: Type.Ref("Payment") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { reason } = request.body as { reason: string };
      const { paymentId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await readPayment(client, actor.operatorId, paymentId);
        const { state } = await lockPayment(client, paymentId);
        if (state.capturedMinor > 0)
          throw new ApiProblem(409, "ALREADY_CAPTURED", "this payment was captured: refund it instead");
        const { row } = await keep(client, paymentId, 0, reason);
        await client.query(
          `update guest_session set cancel_asked_at = now(), look_at = now()
           where operator_id = $1 and payment_id = $2`,
          [actor.operatorId, paymentId],
        );
        await audit(client, actor, request, "payment.cancel", paymentId, { reason });
        return { status: 202, body: toPayment(row) };
      });
      return reply.code(202).send(body as PaymentView);
    },
  );
}

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

function eventRoutes(app: App, requireActor: Context["requireActor"]): void {
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
