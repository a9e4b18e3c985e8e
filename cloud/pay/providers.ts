/**
 * The providers of the operators: rows → implementations, with their secrets opened. Known ones are
 * remembered as long as their row has the same version. A secret leaves this file only inside an
 * implementation.
 */
import { AppError } from "../../shared/errors.ts";
import type { PaymentFlow } from "../core/payment.ts";
import type { Pool, Queryable } from "../db/pool.ts";
import { createMercadoPago } from "./mercado-pago.ts";
import { PROVIDER_TIMEOUT_MS, type Provider, type ProviderKind } from "./provider.ts";
import { checkSandbox, createSandbox } from "./sandbox.ts";
import type { SecretBox } from "./secrets.ts";
import { createStripe } from "./stripe.ts";

/** How this installation reaches providers, and is reached by them and by guests. */
export type PaySettings = {
  /** Without a slash at its end. */
  publicUrl: () => string;
  /** The sandbox may be configured: never in production. */
  sandbox: boolean;
  /** Other places than the providers' own. */
  stripeUrl?: string;
  mercadoPagoUrl?: string;
  timeoutMs?: number;
};

/** What an operator says of a provider, and everybody may know. */
export type ProviderSettings = {
  currency: string;
  /** What is reserved or prepaid, where the guest does not choose; bounds of what may be chosen. */
  defaultAmountMinor: number;
  minAmountMinor: number;
  maxAmountMinor: number;
  /** How long a guest has to pay. */
  payMinutes: number;
  /** For Mercado Pago: stands for guests who give no e-mail. */
  payerEmail?: string;
  /** `false`: the account takes money of something else, too, and its payouts are booked by hand. */
  bookPayouts?: boolean;
  /** For the sandbox: as which kind of payment it behaves. */
  flow?: PaymentFlow;
};

export type ProviderRow = {
  provider_id: string;
  operator_id: string;
  kind: ProviderKind;
  enabled: boolean;
  settings: ProviderSettings;
  secrets: Buffer;
  secret_hints: Record<string, string>;
  endpoint_id: string;
  version: number;
  payouts_from: Date;
  payouts_read_at: Date | null;
  payouts_page: string | null;
  payouts_error: string | null;
  created_at: Date;
  updated_at: Date;
};

/** Secrets that each kind needs, by the names that the API gives them. */
export const SECRET_NAMES: Record<ProviderKind, readonly string[]> = {
  stripe: ["secretKey", "webhookSecret"],
  "mercado-pago": ["accessToken", "webhookSecret"],
  sandbox: ["webhookSecret"],
};

export type KnownProvider = { row: ProviderRow; provider: Provider };

/** What sealed secrets are bound to. */
export const secretsAbout = (row: Pick<ProviderRow, "operator_id" | "provider_id">): string =>
  `${row.operator_id}/${row.provider_id}`;

export const webhookUrl = (settings: PaySettings, row: Pick<ProviderRow, "kind" | "endpoint_id">): string =>
  `${settings.publicUrl()}/v1/payment-webhooks/${row.kind}/${row.endpoint_id}`;

export type Providers = ReturnType<typeof createProviders>;

export function createProviders(pool: Pool, box: SecretBox, settings: PaySettings) {
  const known = new Map<string, KnownProvider>();

  /** @throws AppError SECRETS_KEY_WRONG, SECRET_DAMAGED, SANDBOX_REFUSED. */
  function build(row: ProviderRow): Provider {
    const secrets = JSON.parse(box.open(row.secrets, secretsAbout(row))) as Record<string, string>;
    const { secretKey = "", accessToken = "", webhookSecret = "" } = secrets;
    const timeoutMs = settings.timeoutMs ?? PROVIDER_TIMEOUT_MS;
    switch (row.kind) {
      case "stripe":
        return createStripe({ secretKey, webhookSecret }, settings.stripeUrl, timeoutMs);
      case "mercado-pago":
        return createMercadoPago(
          { accessToken, webhookSecret },
          { payerEmail: row.settings.payerEmail ?? "" },
          settings.mercadoPagoUrl,
          timeoutMs,
        );
      case "sandbox": {
        checkSandbox(settings.sandbox);
        const flow = row.settings.flow ?? "authorize";
        const publicUrl = settings.publicUrl();
        return createSandbox({ pool, operatorId: row.operator_id, flow, webhookSecret, publicUrl });
      }
    }
  }

  function open(row: ProviderRow): KnownProvider {
    const remembered = known.get(row.provider_id);
    if (remembered !== undefined && remembered.row.version === row.version) return { ...remembered, row };
    const opened = { row, provider: build(row) };
    known.set(row.provider_id, opened);
    return opened;
  }

  return {
    open,
    /** @throws AppError PROVIDER_UNKNOWN, and what `open` throws. */
    async get(db: Queryable, providerId: string): Promise<KnownProvider> {
      const { rows } = await db.query<ProviderRow>("select * from payment_provider where provider_id = $1", [
        providerId,
      ]);
      if (rows[0] === undefined)
        throw new AppError("PROVIDER_UNKNOWN", `there is no payment provider ${providerId}`);
      return open(rows[0]);
    },
    /** Those that guests of an operator may pay with now. One that cannot be opened is left out. */
    async offered(db: Queryable, operatorId: string): Promise<KnownProvider[]> {
      const { rows } = await db.query<ProviderRow>(
        "select * from payment_provider where operator_id = $1 and enabled order by kind",
        [operatorId],
      );
      return rows.flatMap((row) => {
        try {
          return [open(row)];
        } catch (error) {
          if (error instanceof AppError) return [];
          throw error;
        }
      });
    },
  };
}

/** What everything about payments works with. */
export type Pay = { pool: Pool; box: SecretBox; providers: Providers; settings: PaySettings };

export const createPay = (pool: Pool, box: SecretBox, settings: PaySettings): Pay => ({
  ...{ pool, box, settings },
  providers: createProviders(pool, box, settings),
});
