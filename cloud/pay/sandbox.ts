/**
 * The provider for demonstrations and tests: a page of our own where one presses "pay" or "decline". No money
 * moves.
 *
 * It is a provider like the others: it has books of its own (`sandbox_payment`), tells by signed webhooks,
 * and knows nothing of our payments but the id. It refuses to exist in production, and without
 * SG_SANDBOX_PAYMENTS.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import { given } from "../../shared/given.ts";
import type { PaymentFacts, PaymentFlow } from "../core/payment.ts";
import type { SettlementFact } from "../core/settlement.ts";
import type { Pool } from "../db/pool.ts";
import {
  parseWebhook,
  ProviderFault,
  WebhookRefused,
  type Provider,
  type PaymentRef,
  type Told,
  type WebhookRequest,
} from "./provider.ts";

export const SANDBOX_SIGNATURE = "x-sandbox-signature";

type Row = {
  sandbox_id: string;
  payment_id: string;
  flow: PaymentFlow;
  amount_minor: number;
  currency: string;
  description: string;
  return_url: string;
  status: "open" | "declined" | "authorized" | "captured" | "cancelled" | "expired";
  captured_minor: number;
  refunds: { id: string; refundId: string; amountMinor: number }[];
  expires_at: Date;
};

export type SandboxOptions = {
  pool: Pool;
  operatorId: string;
  flow: PaymentFlow;
  webhookSecret: string;
  /** Where the page is. */
  publicUrl: string;
};

/** @throws AppError SANDBOX_REFUSED in production, and where nobody has asked for it. */
export function checkSandbox(allowed: boolean): void {
  const production = process.env["NODE_ENV"] === "production";
  if (allowed && !production) return;
  throw new AppError(
    "SANDBOX_REFUSED",
    production
      ? "the sandbox provider moves no money: it is not for production"
      : "the sandbox provider is not switched on",
    { hint: "for a demonstration set SG_SANDBOX_PAYMENTS=1, and not NODE_ENV=production" },
  );
}

/** It takes nothing for its service, and says so. */
const freeOf = (row: Row): SettlementFact => ({
  ...{ entryId: row.sandbox_id, of: "charge", currency: row.currency, feeMinor: 0 },
});

const factsOf = (row: Row): PaymentFacts => {
  const captured: PaymentFacts =
    row.captured_minor > 0 ? { capturedMinor: row.captured_minor, settlements: [freeOf(row)] } : {};
  const refunds = row.refunds.map(({ id, refundId, amountMinor }) => ({
    ...{ providerRefundId: id, refundId, amountMinor, status: "succeeded" as const },
  }));
  const money = { ...captured, ...(refunds.length === 0 ? {} : { refunds }) };
  switch (row.status) {
    case "open":
      return { progress: row.expires_at.getTime() < Date.now() ? "expired" : "pending" };
    case "declined":
      return { progress: row.expires_at.getTime() < Date.now() ? "expired" : "failed" };
    case "authorized":
      return { progress: "authorized", authorizedMinor: row.amount_minor, ...money };
    case "captured":
      return { progress: "authorized", ...money };
    case "cancelled":
    case "expired":
      return { progress: row.status };
  }
};

const toldOf = (row: Row): Told => ({
  checkoutId: row.sandbox_id,
  ...given("providerPaymentId", row.status === "open" ? undefined : row.sandbox_id),
  facts: factsOf(row),
  ...given("declineCode", row.status === "declined" ? "declined_by_person" : undefined),
});

export function createSandbox(options: SandboxOptions): Provider {
  const { pool, operatorId, flow, webhookSecret, publicUrl } = options;

  async function change(ref: PaymentRef, sql: string, ...params: unknown[]): Promise<Told> {
    const { rows } = await pool.query<Row>(
      `update sandbox_payment set ${sql} where payment_id = $1 and operator_id = $2 returning *`,
      [ref.paymentId, operatorId, ...params],
    );
    return rows[0] === undefined ? fetchState(ref) : toldOf(rows[0]);
  }

  async function read(ref: PaymentRef): Promise<Row> {
    const { rows } = await pool.query<Row>(
      "select * from sandbox_payment where payment_id = $1 and operator_id = $2",
      [ref.paymentId, operatorId],
    );
    if (rows[0] !== undefined) return rows[0];
    throw new ProviderFault("refused", "NOT_FOUND", `the sandbox knows no payment ${ref.paymentId}`);
  }

  const fetchState = async (ref: PaymentRef): Promise<Told> => toldOf(await read(ref));

  return {
    kind: "sandbox",
    method: "sandbox",
    flow,
    leastMinor: () => 1,
    fetch: fetchState,
    async createCheckout(checkout) {
      await pool.query(
        `insert into sandbox_payment (sandbox_id, operator_id, payment_id, flow, amount_minor, currency, description,
           return_url, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (payment_id) do nothing`,
        [
          ...[
            randomBytes(24).toString("base64url"),
            operatorId,
            checkout.paymentId,
            flow,
            checkout.amountMinor,
          ],
          ...[checkout.currency, checkout.description, checkout.returnUrl, checkout.expiresAt],
        ],
      );
      const row = await read({ ...checkout, checkoutId: undefined, providerPaymentId: undefined });
      return {
        ...toldOf(row),
        url: `${publicUrl}/v1/guest/sandbox-checkouts/${row.sandbox_id}`,
        expiresAt: row.expires_at,
      };
    },
    async capture(ref, { amountMinor }) {
      const row = await read(ref);
      if (row.status === "captured" && row.captured_minor === amountMinor) return toldOf(row);
      if (row.status !== "authorized" || amountMinor > row.amount_minor)
        throw new ProviderFault("refused", "NOT_CAPTURABLE", `the sandbox payment is ${row.status}`);
      return change(ref, "status = 'captured', captured_minor = $3", amountMinor);
    },
    cancel: async (ref) => {
      const row = await read(ref);
      if (row.status === "captured" || row.status === "cancelled") return toldOf(row);
      return change(ref, "status = 'cancelled'");
    },
    async refund(ref, { refundId, amountMinor }) {
      const row = await read(ref);
      if (row.refunds.some((refund) => refund.refundId === refundId)) return toldOf(row);
      const back = row.refunds.reduce((sum, refund) => sum + refund.amountMinor, 0);
      if (amountMinor > row.captured_minor - back)
        throw new ProviderFault("refused", "TOO_MUCH", "more than was captured cannot be given back");
      const refund = { id: `sr_${randomBytes(8).toString("hex")}`, refundId, amountMinor };
      return change(ref, "refunds = refunds || $3::jsonb", JSON.stringify([refund]));
    },
    verifyWebhook({ headers, body }: WebhookRequest) {
      const told = headers[SANDBOX_SIGNATURE];
      const wanted = signatureOf(webhookSecret, body);
      if (typeof told !== "string" || told.length !== wanted.length)
        throw new WebhookRefused(`there is no ${SANDBOX_SIGNATURE} that fits`);
      if (!timingSafeEqual(Buffer.from(told), Buffer.from(wanted)))
        throw new WebhookRefused(`the ${SANDBOX_SIGNATURE} does not fit`);
    },
    readEvent(body) {
      const raw = parseWebhook(body);
      const { id, type, paymentId, at } = raw;
      if (typeof id !== "string" || typeof type !== "string" || typeof paymentId !== "string")
        throw new WebhookRefused("the body is no event of the sandbox");
      const occurredAt = typeof at === "number" ? new Date(at) : undefined;
      return { eventId: id, type, occurredAt, about: { paymentId } };
    },
  };
}

const signatureOf = (secret: string, body: Buffer): string =>
  createHmac("sha256", secret).update(body).digest("hex");

/** A checkout as its page shows it. */
export async function readSandboxCheckout(
  pool: Pool,
  sandboxId: string,
): Promise<(Row & { operator_id: string }) | undefined> {
  const { rows } = await pool.query<Row & { operator_id: string }>(
    "select * from sandbox_payment where sandbox_id = $1",
    [sandboxId],
  );
  return rows[0];
}

/** Somebody has pressed a button on the page. @returns whether there was something to decide. */
export async function decideSandboxCheckout(pool: Pool, sandboxId: string, pays: boolean): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update sandbox_payment set
       status = case when not $2 then 'declined' when flow = 'prepay' then 'captured' else 'authorized' end,
       captured_minor = case when $2 and flow = 'prepay' then amount_minor else 0 end
     where sandbox_id = $1 and status in ('open', 'declined') and expires_at > now()`,
    [sandboxId, pays],
  );
  return (rowCount ?? 0) > 0;
}

/** The webhook that tells of it: what is new is asked for. */
export function sandboxWebhook(webhookSecret: string, paymentId: string, type: string): WebhookRequest {
  const event = { id: `se_${randomBytes(12).toString("hex")}`, type, paymentId, at: Date.now() };
  const body = Buffer.from(JSON.stringify(event));
  return { headers: { [SANDBOX_SIGNATURE]: signatureOf(webhookSecret, body) }, query: {}, body };
}
