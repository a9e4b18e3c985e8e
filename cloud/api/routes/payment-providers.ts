/** The operator's accounts at payment providers. Secrets come in and never go out. */
import { randomBytes, randomUUID } from "node:crypto";
import { Type } from "typebox";
import { AppError } from "../../../shared/errors.ts";
import { changeOf } from "../../core/audit.ts";
import type { Queryable } from "../../db/pool.ts";
import { PROVIDER_KINDS, type ProviderKind } from "../../pay/provider.ts";
import { booksPayouts } from "../../pay/payouts.ts";
import { SECRET_NAMES, secretsAbout, webhookUrl, type Pay, type ProviderRow } from "../../pay/providers.ts";
import { isStripeCurrency } from "../../pay/stripe-books.ts";
import { checkSandbox } from "../../pay/sandbox.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { iso, isoOf } from "../page.ts";
import {
  PaymentProviderKind,
  type PaymentProviderPut,
  type PaymentProviderView,
} from "../payment-schemas.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

/** Stripe closes a page no sooner than half an hour after it was opened, and asking again takes its time. */
const STRIPE_PAY_MINUTES_MIN = 35;

const toProvider = (pay: Pay, r: ProviderRow): PaymentProviderView => ({
  providerId: r.provider_id,
  kind: r.kind,
  enabled: r.enabled,
  settings: r.settings as PaymentProviderView["settings"],
  secretHints: r.secret_hints,
  webhookUrl: webhookUrl(pay.settings, r),
  booksPayouts: booksPayouts(r),
  payoutsReadAt: iso(r.payouts_read_at),
  payoutsError: r.payouts_error,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/** What the audit may know of an account: nothing of its secrets. */
const toldOf = ({ enabled, settings }: ProviderRow) => ({ enabled, settings });

const hint = (secret: string): string => `…${secret.slice(-4)}`;

async function readProvider(
  db: Queryable,
  operatorId: string,
  kind: string,
): Promise<ProviderRow | undefined> {
  const { rows } = await db.query<ProviderRow>(
    "select * from payment_provider where operator_id = $1 and kind = $2",
    [operatorId, kind],
  );
  return rows[0];
}

/** @throws ApiProblem 400 INVALID_SETTINGS. */
function checkSettings(kind: ProviderKind, { settings }: PaymentProviderPut): void {
  const wrong = (pointer: string, message: string) =>
    new ApiProblem(400, "INVALID_SETTINGS", message, [{ pointer: `/body/settings/${pointer}`, message }]);
  const { minAmountMinor, defaultAmountMinor, maxAmountMinor } = settings;
  if (minAmountMinor > defaultAmountMinor || defaultAmountMinor > maxAmountMinor)
    throw wrong("defaultAmountMinor", "it lies between minAmountMinor and maxAmountMinor");
  if (kind === "mercado-pago" && settings.payerEmail === undefined)
    throw wrong(
      "payerEmail",
      "Mercado Pago asks for an e-mail of every payer: say which one stands for guests",
    );
  if (kind === "mercado-pago" && settings.currency !== "BRL") throw wrong("currency", "Pix is paid in BRL");
  if (kind === "stripe" && !isStripeCurrency(settings.currency))
    throw wrong(
      "currency",
      "Stripe counts amounts of this currency in other units than these: choose another one",
    );
  if (kind === "stripe" && settings.payMinutes < STRIPE_PAY_MINUTES_MIN)
    throw wrong("payMinutes", `Stripe keeps its page open for ${STRIPE_PAY_MINUTES_MIN} minutes or more`);
}

/** The secrets as they are from now on. @throws ApiProblem 400 INVALID_SECRETS. */
function mergeSecrets(
  kind: ProviderKind,
  before: Record<string, string>,
  told: Record<string, string> | undefined,
): Record<string, string> {
  // The sandbox signs to itself.
  const own: Record<string, string> =
    kind === "sandbox" ? { webhookSecret: randomBytes(24).toString("base64url") } : {};
  const merged: Record<string, string> = { ...own, ...before, ...told };
  const names = SECRET_NAMES[kind];
  const missing = names.filter((name) => merged[name] === undefined);
  const strange = Object.keys(told ?? {}).filter((name) => !names.includes(name));
  if (missing.length === 0 && strange.length === 0) return merged;
  throw new ApiProblem(400, "INVALID_SECRETS", `${kind} has the secrets ${names.join(" and ")}, all of them`);
}

export function paymentProviderRoutes(app: App, { requireActor, pay }: Context): void {
  const KindParams = Type.Object({ kind: PaymentProviderKind });

  app.get(
    "/v1/payment-providers",
    {
      schema: {
        operationId: "listPaymentProviders",
        ...needs("payments:read"),
        tags: ["payments"],
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("PaymentProvider")) }) },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { rows } = await actor.db.query<ProviderRow>(
        "select * from payment_provider where operator_id = $1 order by kind",
        [actor.operatorId],
      );
      return { items: rows.map((row) => toProvider(pay, row)) };
    },
  );

  app.get(
    "/v1/payment-providers/:kind",
    {
      schema: {
        operationId: "getPaymentProvider",
        ...needs("payments:read"),
        tags: ["payments"],
        params: KindParams,
        response: { 200: Type.Ref("PaymentProvider") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const row = await readProvider(actor.db, actor.operatorId, request.params.kind);
      if (row === undefined) throw notFound("payment provider", request.params.kind);
      return toProvider(pay, row);
    },
  );

  app.put(
    "/v1/payment-providers/:kind",
    {
      schema: {
        operationId: "putPaymentProvider",
        ...needs("payments:write"),
        tags: ["payments"],
        description:
          "Sets up an account at a provider. Secrets are written only; those that are absent stay as they were.",
        params: KindParams,
        body: Type.Ref("PaymentProviderPut"),
        response: { 200: Type.Ref("PaymentProvider") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const body = request.body as PaymentProviderPut;
      const kind = PROVIDER_KINDS.find((known) => known === request.params.kind) ?? "sandbox";
      if (kind === "sandbox") refuseSandbox(pay);
      checkSettings(kind, body);
      const { body: view } = await writeOnce(actor, request, async (client) => {
        const before = await readProvider(client, actor.operatorId, kind);
        const about = { operator_id: actor.operatorId, provider_id: before?.provider_id ?? randomUUID() };
        const secrets = mergeSecrets(
          kind,
          before === undefined ? {} : opened(pay, before, body),
          body.secrets,
        );
        const hints = Object.fromEntries(
          Object.entries(secrets).map(([name, secret]) => [name, hint(secret)]),
        );
        const { rows } = await client.query<ProviderRow>(
          `insert into payment_provider as p (provider_id, operator_id, kind, enabled, settings, secrets, secret_hints,
             endpoint_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (operator_id, kind) do update set enabled = excluded.enabled, settings = excluded.settings,
             secrets = excluded.secrets, secret_hints = excluded.secret_hints, version = p.version + 1,
             -- What was made while a person booked it stays that person's.
             payouts_from = case when p.settings->>'bookPayouts' = 'false' then now() else p.payouts_from end,
             payouts_page = null, payouts_check_at = now(), payouts_error = null,
             updated_at = now()
           returning *`,
          [
            ...[about.provider_id, actor.operatorId, kind, body.enabled ?? before?.enabled ?? true],
            JSON.stringify(body.settings),
            pay.box.seal(JSON.stringify(secrets), secretsAbout(about)),
            ...[JSON.stringify(hints), randomBytes(24).toString("base64url")],
          ],
        );
        const [row] = rows;
        if (row === undefined) throw new Error("insert returned no row");
        await audit(client, actor, request, "paymentProvider.put", kind, {
          ...changeOf(before === undefined ? {} : toldOf(before), toldOf(row)),
          secretsChanged: Object.keys(body.secrets ?? {}),
        });
        return { status: 200, body: toProvider(pay, row) };
      });
      return view as PaymentProviderView;
    },
  );
}

/** Where every secret is told anew, it does not matter that the old ones do not open any more. */
function opened(pay: Pay, row: ProviderRow, body: PaymentProviderPut): Record<string, string> {
  try {
    return JSON.parse(pay.box.open(row.secrets, secretsAbout(row))) as Record<string, string>;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const all = SECRET_NAMES[row.kind].every((name) => body.secrets?.[name] !== undefined);
    if (all) return {};
    throw new ApiProblem(409, error.code, `${error.message}: ${error.hint ?? "enter all secrets anew"}`);
  }
}

/** @throws ApiProblem 409 SANDBOX_REFUSED. */
function refuseSandbox(pay: Pay): void {
  try {
    checkSandbox(pay.settings.sandbox);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new ApiProblem(409, error.code, `${error.message}: ${error.hint ?? ""}`);
  }
}
