/**
 * A place to pay for a payment that stands written down: a page of the provider's, or a Pix code. And the payment as
 * its payer sees it.
 *
 * Invariants: asked again after a lost answer, the same is asked with the same key; what a provider refuses is closed,
 * so that nothing waits for a page that there will never be.
 */
import { renderSVG } from "uqr";
import { given } from "../../shared/given.ts";
import { taxIdKind } from "../../shared/tax-id.ts";
import type { PayerPaymentView } from "../api/payer-schemas.ts";
import { isoOf } from "../api/page.ts";
import { ApiProblem } from "../api/problem.ts";
import { inTransaction } from "../db/pool.ts";
import { ProviderFault, type NewCheckout, type PaymentMethod, type ProviderKind } from "./provider.ts";
import { webhookUrl, type Pay } from "./providers.ts";
import type { PaymentRow, RefundRow } from "./rows.ts";
import { keep, takeTold } from "./store.ts";

export type Payer = {
  language: NewCheckout["language"];
  email: string | null;
  /** Without its points and dashes. */
  taxId: string | null;
  /** Where the payer comes back to. */
  returnUrl: string;
};

/** @throws ApiProblem 409 PROVIDER_REFUSED, 503 PROVIDER_UNREACHABLE. */
export async function openCheckout(pay: Pay, row: PaymentRow, payer: Payer): Promise<void> {
  const { row: providerRow, provider } = await pay.providers.get(pay.pool, row.provider_id);
  const kind = payer.taxId === null ? undefined : taxIdKind(payer.taxId);
  try {
    const checkout = await provider.createCheckout({
      ...{ paymentId: row.payment_id, amountMinor: row.amount_minor, currency: row.currency },
      ...{ description: row.description, language: payer.language, email: payer.email ?? undefined },
      taxId:
        kind === undefined || payer.taxId === null
          ? undefined
          : { type: kind === "cpf" ? "CPF" : "CNPJ", number: payer.taxId },
      returnUrl: payer.returnUrl,
      webhookUrl: webhookUrl(pay.settings, providerRow),
      expiresAt: row.expires_at,
      idempotencyKey: `${row.payment_id}:checkout`,
    });
    await inTransaction(pay.pool, async (client) => {
      await client.query(
        `update payment set checkout_url = $2, pix_code = $3, expires_at = $4 where payment_id = $1`,
        [row.payment_id, checkout.url ?? null, checkout.pixCode ?? null, checkout.expiresAt],
      );
      const { facts } = checkout;
      const { checkoutId, providerPaymentId } = checkout;
      const told = {
        facts,
        ...given("checkoutId", checkoutId),
        ...given("providerPaymentId", providerPaymentId),
      };
      await takeTold(client, row.payment_id, told, "answer");
    });
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error;
    if (error.kind === "unreachable")
      throw new ApiProblem(
        503,
        "PROVIDER_UNREACHABLE",
        "the payment provider does not answer; try again in a moment",
      );
    await inTransaction(pay.pool, (client) => keep(client, row.payment_id, 0, "refused by the provider"));
    await pay.pool.query("update payment set last_error = $2 where payment_id = $1", [
      row.payment_id,
      error.message.slice(0, 500),
    ]);
    throw new ApiProblem(
      409,
      "PROVIDER_REFUSED",
      "the payment provider does not take this payment; choose another way",
    );
  }
}

const METHOD: Record<ProviderKind, PaymentMethod> = {
  stripe: "card",
  "mercado-pago": "pix",
  sandbox: "sandbox",
};

/** Where to pay is told for as long as it may be paid. @param payable nobody has closed it. */
export function payerView(
  row: PaymentRow,
  refunds: readonly RefundRow[],
  payable: boolean,
): PayerPaymentView {
  const under = refunds.filter((refund) => refund.status === "requested" || refund.status === "pending");
  const open = payable && ["created", "pending", "failed"].includes(row.status);
  return {
    method: METHOD[row.kind],
    flow: row.flow,
    status: row.status,
    currency: row.currency,
    amountMinor: row.amount_minor,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    refundPendingMinor: under.reduce((sum, refund) => sum + refund.amount_minor, 0),
    declineCode: row.decline_code,
    checkoutUrl: open ? row.checkout_url : null,
    pixCode: open ? row.pix_code : null,
    pixQrSvg: open && row.pix_code !== null ? renderSVG(row.pix_code, { ecc: "M", border: 2 }) : null,
    expiresAt: isoOf(row.expires_at),
  };
}
