/**
 * A stand-in for Mercado Pago: Pix payments, cancellations, refunds and signed notifications, in the shapes
 * that the official SDK describes. The payer's bank is told by `pay`.
 */
import { createHmac, randomBytes, randomInt, randomUUID } from "node:crypto";
import { startPayServer, type PayServer, type Request, type Response } from "./server.ts";

type Refund = { id: number; payment_id: number; amount: number; status: string; date_created: string };
type Pix = {
  id: number;
  status: string;
  status_detail: string;
  currency_id: "BRL";
  transaction_amount: number;
  transaction_amount_refunded: number;
  payment_method_id: "pix";
  payment_type_id: "bank_transfer";
  external_reference: string;
  notification_url: string;
  date_created: string;
  date_last_updated: string;
  date_of_expiration: string;
  captured: true;
  /** What is kept of it, once it is paid. */
  fee_details: { type: "mercadopago_fee"; amount: number; fee_payer: "collector" }[];
  charges_details: {
    name: "mercadopago_fee";
    type: "fee";
    accounts: { from: "collector"; to: "mp" };
    amounts: { original: number; refunded: number };
  }[];
  transaction_details: { net_received_amount: number };
  refunds: Refund[];
  payer: unknown;
  point_of_interaction: {
    type: "PIX";
    transaction_data: { qr_code: string; qr_code_base64: string; ticket_url: string };
  };
};

export type MercadoPagoServer = PayServer & {
  /** What is kept of a Pix, in hundredths of a percent. */
  feeBp: number;
  /** Part of the fee is given back. */
  returnFee: (paymentId: string, amount: number) => void;
  webhookSecret: string;
  /** The payer's bank has paid. */
  pay: (paymentId: string) => void;
  /** Nobody paid the code in time. */
  expire: (paymentId: string) => void;
  /** Refunds of Pix may hang between the banks. */
  refundStatus: "approved" | "in_process" | "rejected";
  settleRefund: (refundId: number, status: "approved" | "rejected") => void;
  chargeBack: (paymentId: string, detail: "in_process" | "settled" | "reimbursed") => void;
  /** The payer complains there; `false`: that ended in the seller's favour. */
  mediate: (paymentId: string, open: boolean) => void;
  /** Its own check of the payer said no: there is no other try. */
  reject: (paymentId: string) => void;
  pixOf: (paymentId: string) => Pix;
};

const problem = (status: number, error: string, message: string): Response => ({
  status,
  body: { status, error, message, cause: [] },
});

const cents = (amount: number) => Math.round(amount * 100);

export async function startMercadoPagoServer(): Promise<MercadoPagoServer> {
  const payments = new Map<number, Pix>();
  const webhookSecret = randomBytes(32).toString("hex");

  /** Signed are the payment's id, the request's id and the time; the body is not. */
  function notify(pix: Pix, action: "payment.created" | "payment.updated"): void {
    // Whatever is told of has changed.
    pix.date_last_updated = new Date(
      Math.max(Date.now(), Date.parse(pix.date_last_updated) + 1),
    ).toISOString();
    const id = randomInt(1e11, 2e11);
    const body = JSON.stringify({
      ...{ id, live_mode: false, type: "payment", action, api_version: "v1", user_id: 44_444 },
      ...{ date_created: new Date().toISOString(), data: { id: String(pix.id) } },
    });
    const requestId = randomUUID();
    const ts = String(Date.now());
    const v1 = createHmac("sha256", webhookSecret)
      .update(`id:${pix.id};request-id:${requestId};ts:${ts};`)
      .digest("hex");
    const { pathname } = new URL(pix.notification_url);
    server.outbox.push({
      path: `${pathname}?data.id=${pix.id}&type=payment`,
      headers: {
        "x-signature": `ts=${ts},v1=${v1}`,
        "x-request-id": requestId,
        "content-type": "application/json",
      },
      body,
      id: String(id),
    });
  }

  function create(body: Record<string, unknown>): Response {
    const amount = Number(body["transaction_amount"]);
    const email = (body["payer"] as { email?: string } | undefined)?.email;
    if (!(amount > 0) || !Number.isInteger(cents(amount)) || body["payment_method_id"] !== "pix")
      return problem(400, "bad_request", "Invalid transaction_amount");
    if (email === undefined) return problem(400, "bad_request", "payer.email must be a valid email");
    const id = randomInt(1e9, 2e9);
    const code = `00020126580014br.gov.bcb.pix0136${randomUUID()}5204000053039865802BR6304${String(id).slice(-4)}`;
    const pix: Pix = {
      ...{
        id,
        status: "pending",
        status_detail: "pending_waiting_transfer",
        currency_id: "BRL",
        refunds: [],
      },
      ...{ transaction_amount: amount, transaction_amount_refunded: 0, captured: true },
      ...{ fee_details: [], charges_details: [], transaction_details: { net_received_amount: 0 } },
      ...{ payment_method_id: "pix", payment_type_id: "bank_transfer", payer: body["payer"] },
      external_reference: String(body["external_reference"]),
      notification_url: String(body["notification_url"]),
      date_created: new Date().toISOString(),
      date_last_updated: new Date().toISOString(),
      date_of_expiration: String(body["date_of_expiration"]),
      point_of_interaction: {
        type: "PIX",
        transaction_data: {
          qr_code: code,
          qr_code_base64: Buffer.from("png").toString("base64"),
          ticket_url: `https://www.mercadopago.test/payments/${id}/ticket`,
        },
      },
    };
    payments.set(id, pix);
    notify(pix, "payment.created");
    return { status: 201, body: pix };
  }

  function refund(pix: Pix, body: Record<string, unknown>): Response {
    const amount = Number(body["amount"] ?? pix.transaction_amount);
    if (pix.status !== "approved")
      return problem(400, "bad_request", "The action requested is not valid for the current payment state");
    const back = pix.refunds
      .filter((r) => r.status !== "rejected")
      .reduce((sum, r) => sum + cents(r.amount), 0);
    if (cents(amount) > cents(pix.transaction_amount) - back)
      return problem(400, "bad_request", "Amount to refund is greater than the payment's");
    const made: Refund = {
      ...{ id: randomInt(1e9, 2e9), payment_id: pix.id, amount, status: server.refundStatus },
      date_created: new Date().toISOString(),
    };
    pix.refunds.push(made);
    tally(pix);
    notify(pix, "payment.updated");
    return { status: 201, body: made };
  }

  function tally(pix: Pix): void {
    const back = pix.refunds
      .filter((r) => r.status === "approved")
      .reduce((sum, r) => sum + cents(r.amount), 0);
    pix.transaction_amount_refunded = back / 100;
    if (back === 0) return;
    const whole = back === cents(pix.transaction_amount);
    Object.assign(
      pix,
      whole ? { status: "refunded", status_detail: "refunded" } : { status_detail: "partially_refunded" },
    );
  }

  function handle(request: Request): Response {
    if (!String(request.headers["authorization"]).startsWith("Bearer "))
      return problem(401, "unauthorized", "invalid access token");
    const body = request.body === "" ? {} : (JSON.parse(request.body) as Record<string, unknown>);
    const [, , , key, noun] = request.path.split("/");
    if (request.method === "POST" && key === undefined) return create(body);
    const pix = payments.get(Number(key));
    if (pix === undefined) return problem(404, "not_found", "Payment not found");
    if (noun === "refunds")
      return request.method === "POST" ? refund(pix, body) : { status: 200, body: pix.refunds };
    if (request.method === "GET") return { status: 200, body: pix };
    if (body["status"] !== "cancelled" || pix.status !== "pending")
      return problem(400, "bad_request", "The action requested is not valid for the current payment state");
    Object.assign(pix, { status: "cancelled", status_detail: "by_collector" });
    notify(pix, "payment.updated");
    return { status: 200, body: pix };
  }

  function pixOf(paymentId: string): Pix {
    const pix = [...payments.values()].find((p) => p.external_reference === paymentId);
    if (pix === undefined) throw new Error("the stand-in for Mercado Pago knows no such payment");
    return pix;
  }

  const change = (pix: Pix, fields: Partial<Pix>) => {
    Object.assign(pix, fields);
    notify(pix, "payment.updated");
  };

  const server: MercadoPagoServer = Object.assign(await startPayServer(handle, "x-idempotency-key"), {
    webhookSecret,
    refundStatus: "approved" as const,
    pixOf,
    feeBp: 0,
    pay: (paymentId: string) => {
      const pix = pixOf(paymentId);
      const fee = Math.round((cents(pix.transaction_amount) * server.feeBp) / 10_000) / 100;
      change(pix, {
        ...{ status: "approved", status_detail: "accredited" },
        fee_details: [{ type: "mercadopago_fee", amount: fee, fee_payer: "collector" }],
        transaction_details: { net_received_amount: (cents(pix.transaction_amount) - cents(fee)) / 100 },
      });
    },
    returnFee: (paymentId: string, refunded: number) => {
      const pix = pixOf(paymentId);
      const original = pix.fee_details[0]?.amount ?? 0;
      const accounts = { from: "collector", to: "mp" } as const;
      change(pix, {
        charges_details: [
          { name: "mercadopago_fee", type: "fee", accounts, amounts: { original, refunded } },
        ],
      });
    },
    expire: (paymentId: string) =>
      change(pixOf(paymentId), { status: "cancelled", status_detail: "expired" }),
    mediate: (paymentId: string, open: boolean) =>
      change(pixOf(paymentId), {
        status: open ? "in_mediation" : "approved",
        status_detail: open ? "pending" : "accredited",
      }),
    reject: (paymentId: string) =>
      change(pixOf(paymentId), { status: "rejected", status_detail: "rejected_high_risk" }),
    chargeBack: (paymentId: string, detail: string) =>
      change(pixOf(paymentId), { status: "charged_back", status_detail: detail }),
    settleRefund(refundId: number, status: "approved" | "rejected") {
      for (const pix of payments.values()) {
        const found = pix.refunds.find((r) => r.id === refundId);
        if (found === undefined) continue;
        found.status = status;
        tally(pix);
        notify(pix, "payment.updated");
      }
    },
  });
  return server;
}
