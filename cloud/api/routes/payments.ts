/** Payments as operators see them: lists, refunds, cancellations. What is told of them: `payment-events.ts`. */
import { Type } from "typebox";
import { refundableMinor } from "../../core/payment.ts";
import { feesOf } from "../../core/settlement.ts";
import type { Queryable } from "../../db/pool.ts";
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
  account: r.account,
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
  feeMinor: r.fee_minor,
  feesByHand: r.fees_by_hand,
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
    fees: feesOf(row.settlements).filter(({ feeMinor }) => feeMinor !== 0),
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
          account: Type.Optional(Type.String({ maxLength: 220 })),
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
      where.add("p.account = ?", query.account);
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
