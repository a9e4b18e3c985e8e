/**
 * What providers tell us, and the page of the sandbox. Nobody has to be known: a webhook is believed for its
 * signature.
 */
import { Type } from "typebox";
import { amountText } from "../../../shared/currency.ts";
import { AppError, describeError } from "../../../shared/errors.ts";
import { takeWebhook } from "../../pay/events.ts";
import { secretsAbout, type Pay, type ProviderRow } from "../../pay/providers.ts";
import {
  checkSandbox,
  decideSandboxCheckout,
  readSandboxCheckout,
  sandboxWebhook,
} from "../../pay/sandbox.ts";
import { open } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { PaymentProviderKind } from "../payment-schemas.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { createReadLimit } from "../read-limit.ts";

/** Stripe's largest events are far below this. */
const WEBHOOK_BYTES_MAX = 256 * 1024;

export async function paymentWebhookRoutes(app: App, { pay }: Context): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Bytes as they came: signatures are over them.
    scope.addContentTypeParser(
      "*",
      { parseAs: "buffer", bodyLimit: WEBHOOK_BYTES_MAX },
      (_request, body, done) => done(null, body),
    );
    webhookRoute(scope as unknown as App, pay);
    sandboxRoutes(scope as unknown as App, pay);
  });
}

/** Of one address in a minute: far above what a provider has to say, who sends it again after a 429. */
const WEBHOOKS_PER_MIN = 3_000;

function webhookRoute(app: App, pay: Pay): void {
  const limit = createReadLimit(WEBHOOKS_PER_MIN);
  app.post(
    "/v1/payment-webhooks/:kind/:endpointId",
    {
      bodyLimit: WEBHOOK_BYTES_MAX,
      schema: {
        operationId: "takePaymentWebhook",
        ...open("a provider is known by the signature of what it sends"),
        tags: ["payments"],
        params: Type.Object({ kind: PaymentProviderKind, endpointId: Type.String({ maxLength: 100 }) }),
        response: { 200: Type.Object({ taken: Type.Boolean() }) },
      },
    },
    async (request) => {
      limit(request.ip);
      const { kind, endpointId } = request.params;
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const query = Object.fromEntries(
        Object.entries(request.query as Record<string, unknown>).flatMap(([name, value]) =>
          typeof value === "string" ? [[name, value]] : [],
        ),
      );
      const taken = await takeWebhook(pay, kind, endpointId, { headers: request.headers, query, body }).catch(
        (error: unknown) => {
          if (!(error instanceof AppError)) throw error;
          request.log.error({ kind, reason: describeError(error) }, "a payment webhook cannot be read");
          throw new ApiProblem(
            503,
            "PROVIDER_NOT_READY",
            "this provider is not set up here; send it again later",
          );
        },
      );
      if (taken === "unknown-endpoint") throw notFound("webhook endpoint", endpointId);
      if (taken === "refused") {
        request.log.warn({ kind }, "a payment webhook with a signature that does not fit");
        throw new ApiProblem(400, "WEBHOOK_REFUSED", "the signature does not fit");
      }
      return { taken: true };
    },
  );
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** @param returnUrl where the form leads on to: browsers ask for it as for the form's own address. */
const pageHeaders = (returnUrl: string) => ({
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; " +
    `form-action 'self' ${new URL(returnUrl).origin}`,
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
});

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>body{font:18px system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem}
button{font:inherit;padding:.8rem 1.2rem;margin:.3rem .3rem 0 0}</style>
<main><h1>${title}</h1>${content}</main></html>`;

function sandboxRoutes(app: App, pay: Pay): void {
  const params = Type.Object({ sandboxId: Type.String({ maxLength: 64 }) });

  async function find(sandboxId: string) {
    try {
      checkSandbox(pay.settings.sandbox);
    } catch {
      throw notFound("page", sandboxId);
    }
    const row = await readSandboxCheckout(pay.pool, sandboxId);
    if (row === undefined) throw notFound("page", sandboxId);
    return row;
  }

  app.get(
    "/v1/guest/sandbox-checkouts/:sandboxId",
    { schema: { hide: true, ...open("whoever pays has no account"), params } },
    async (request, reply) => {
      const row = await find(request.params.sandboxId);
      const amount = amountText("en", row.amount_minor, row.currency);
      const decided = row.status !== "open" && row.status !== "declined";
      const form = `<form method="post"><button name="decision" value="pay">Pay</button>
<button name="decision" value="decline">Decline</button></form>`;
      const content = `<p>${escapeHtml(row.description)}</p><p><strong>${escapeHtml(amount)}</strong></p>
<p>No money moves here.</p>${decided ? `<p>It is ${row.status}.</p>` : form}
<p><a href="${escapeHtml(row.return_url)}">Back</a></p>`;
      return reply
        .headers(pageHeaders(row.return_url))
        .type("text/html; charset=utf-8")
        .send(page("Sandbox payment", content));
    },
  );

  app.post(
    "/v1/guest/sandbox-checkouts/:sandboxId",
    { bodyLimit: 1_024, schema: { hide: true, ...open("whoever pays has no account"), params } },
    async (request, reply) => {
      const row = await find(request.params.sandboxId);
      const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
      const decision = new URLSearchParams(text).get("decision");
      if (decision !== "pay" && decision !== "decline")
        throw new ApiProblem(400, "INVALID_REQUEST", "the decision is pay or decline");
      const decided = await decideSandboxCheckout(pay.pool, row.sandbox_id, decision === "pay");
      if (decided) await tellOurselves(pay, row.operator_id, row.payment_id, decision);
      return reply.code(303).header("Location", row.return_url).send();
    },
  );
}

/** The sandbox sends its webhook the way that any provider does. */
async function tellOurselves(pay: Pay, operatorId: string, paymentId: string, what: string): Promise<void> {
  const { rows } = await pay.pool.query<ProviderRow>(
    "select * from payment_provider where operator_id = $1 and kind = 'sandbox'",
    [operatorId],
  );
  const [row] = rows;
  if (row === undefined) return;
  const { webhookSecret = "" } = JSON.parse(pay.box.open(row.secrets, secretsAbout(row))) as Record<
    string,
    string
  >;
  await takeWebhook(
    pay,
    "sandbox",
    row.endpoint_id,
    sandboxWebhook(webhookSecret, paymentId, `checkout.${what}`),
  );
}
