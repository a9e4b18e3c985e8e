/** Endpoints of outgoing webhooks: written, secrets made and changed. Deliveries are in `webhook-deliveries.ts`. */
import { randomBytes, randomUUID } from "node:crypto";
import { Type } from "typebox";
import { Uuid } from "../../../shared/ids.ts";
import { WEBHOOK_ENDPOINTS_MAX } from "../../../shared/limits.ts";
import { changeOf } from "../../core/audit.ts";
import { isWebhookFilter, WEBHOOK_TYPES } from "../../core/webhook-types.ts";
import type { Client } from "../../db/pool.ts";
import { sealWebhookSecret } from "../../webhook-secrets.ts";
import { refusalOf } from "../../webhook-target.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type {
  NewWebhookEndpoint,
  SecretRotation,
  WebhookEndpoint,
  WebhookEndpointPatch,
} from "../notify-schemas.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

type EndpointRow = {
  endpoint_id: string;
  url: string;
  description: string | null;
  event_types: string[];
  enabled: boolean;
  disabled_because: WebhookEndpoint["disabledBecause"];
  failing_since: Date | null;
  old_secret_until: Date | null;
  pending: number;
  failed: number;
  created_at: Date;
  created_key: string;
  updated_at: Date;
};

/** Without the secrets: they are read by what signs, and by nobody else. */
const ENDPOINTS = `
  select w.endpoint_id, w.url, w.description, w.event_types, w.enabled, w.disabled_because, w.failing_since,
    case when w.old_secret_until > now() then w.old_secret_until end as old_secret_until, w.created_at,
    w.created_at::text as created_key, w.updated_at,
    (select count(*)::int from webhook_delivery d
       where d.endpoint_id = w.endpoint_id and d.status = 'pending') as pending,
    (select count(*)::int from webhook_delivery d
       where d.endpoint_id = w.endpoint_id and d.status = 'failed') as failed
  from webhook_endpoint w`;

const toEndpoint = (r: EndpointRow): WebhookEndpoint => ({
  endpointId: r.endpoint_id,
  url: r.url,
  description: r.description,
  eventTypes: r.event_types,
  enabled: r.enabled,
  disabledBecause: r.disabled_because,
  failingSince: iso(r.failing_since),
  oldSecretUntil: iso(r.old_secret_until),
  pending: r.pending,
  failed: r.failed,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

/** An endpoint without what its deliveries make of it by themselves. */
const settingsOf = ({ pending: _pending, failed: _failed, ...settings }: WebhookEndpoint) => settings;

const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;

/** @throws ApiProblem 404. */
async function readEndpoint(client: Client, actor: Actor, endpointId: string): Promise<WebhookEndpoint> {
  const sql = `${ENDPOINTS} where w.operator_id = $1 and w.endpoint_id = $2`;
  const { rows } = await client.query<EndpointRow>(sql, [actor.operatorId, endpointId]);
  if (rows[0] === undefined) throw notFound("webhook endpoint", endpointId);
  return toEndpoint(rows[0]);
}

export function webhookRoutes(app: App, { requireActor, webhookAllowPrivate, pay }: Context): void {
  const EndpointParams = Type.Object({ endpointId: Uuid });
  const tags = ["webhooks"];

  /** @throws ApiProblem 400 WEBHOOK_URL_REFUSED, UNKNOWN_EVENT_TYPE. */
  function check(body: { url?: string; eventTypes?: string[] }): void {
    const refusal = body.url === undefined ? undefined : refusalOf(body.url, webhookAllowPrivate);
    if (refusal !== undefined)
      throw new ApiProblem(400, "WEBHOOK_URL_REFUSED", `events are not sent there: ${refusal}`);
    const unknown = body.eventTypes?.find((filter) => !isWebhookFilter(filter));
    if (unknown !== undefined)
      throw new ApiProblem(
        400,
        "UNKNOWN_EVENT_TYPE",
        `there is no event type "${unknown}": GET /v1/webhook-types`,
      );
  }

  async function insert(client: Client, actor: Actor, body: NewWebhookEndpoint) {
    const { rows: counted } = await client.query<{ count: number }>(
      "select count(*)::int as count from webhook_endpoint where operator_id = $1",
      [actor.operatorId],
    );
    if ((counted[0]?.count ?? 0) >= WEBHOOK_ENDPOINTS_MAX)
      throw new ApiProblem(
        409,
        "TOO_MANY_ENDPOINTS",
        `an operator has at most ${WEBHOOK_ENDPOINTS_MAX} endpoints`,
      );
    const [secret, endpointId] = [newSecret(), randomUUID()];
    await client.query(
      `insert into webhook_endpoint (endpoint_id, operator_id, url, description, event_types, sealed_secret)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        ...[endpointId, actor.operatorId, body.url, body.description ?? null, body.eventTypes ?? []],
        sealWebhookSecret(pay.box, endpointId, secret),
      ],
    );
    return { ...(await readEndpoint(client, actor, endpointId)), secret };
  }

  /** Whoever switches it on again means it: what it said before counts no more. */
  async function patch(
    client: Client,
    actor: Actor,
    endpointId: string,
    body: WebhookEndpointPatch,
  ): Promise<void> {
    const fields: [string, unknown][] = (
      [
        ["url", body.url],
        ["description", body.description],
        ["event_types", body.eventTypes],
        ["enabled", body.enabled],
        ["disabled_because", body.enabled === undefined ? undefined : body.enabled ? null : "by-person"],
        ["failing_since", body.enabled === true || body.url !== undefined ? null : undefined],
      ] as [string, unknown][]
    ).filter(([, value]) => value !== undefined);
    const changes = ["updated_at = now()", ...fields.map(([column], i) => `${column} = $${i + 3}`)];
    await client.query(
      `update webhook_endpoint set ${changes.join(", ")}
       where operator_id = $1 and endpoint_id = $2`,
      [actor.operatorId, endpointId, ...fields.map(([, value]) => value)],
    );
  }

  app.get(
    "/v1/webhook-types",
    {
      schema: {
        operationId: "listWebhookTypes",
        ...needs("webhooks:read"),
        tags,
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("WebhookType")) }) },
      },
    },
    async (request) => {
      await requireActor(request);
      const items = Object.entries(WEBHOOK_TYPES).map(([type, words]) => ({ type, words }));
      return { items: items as never };
    },
  );

  app.get(
    "/v1/webhook-endpoints",
    {
      schema: {
        operationId: "listWebhookEndpoints",
        ...needs("webhooks:read"),
        tags,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("WebhookEndpoint") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("w.operator_id = $1", actor.operatorId);
      const after = readCursor(request.query, 2);
      where.add("(w.created_at, w.endpoint_id) > (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<EndpointRow>(
        `${ENDPOINTS} where ${where.sql} order by w.created_at, w.endpoint_id limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.created_key, r.endpoint_id], toEndpoint);
    },
  );

  app.post(
    "/v1/webhook-endpoints",
    {
      schema: {
        operationId: "createWebhookEndpoint",
        ...needs("webhooks:write"),
        tags,
        description: "The secret that signs is in this answer, and in no other.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewWebhookEndpoint"),
        response: { 201: Type.Ref("WebhookEndpointWithSecret") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewWebhookEndpoint;
      check(body);
      const { body: endpoint } = await writeOnce(actor, request, async (client) => {
        const made = await insert(client, actor, body);
        await audit(client, actor, request, "webhookEndpoint.create", made.endpointId, body);
        return { status: 201, body: made, once: ["secret"] };
      });
      return reply.code(201).send(endpoint as never);
    },
  );

  app.patch(
    "/v1/webhook-endpoints/:endpointId",
    {
      schema: {
        operationId: "updateWebhookEndpoint",
        ...needs("webhooks:write"),
        tags,
        description:
          "Merge patch. While it is off nothing is kept for it; what waited goes out when it is on again.",
        params: EndpointParams,
        body: Type.Ref("WebhookEndpointPatch"),
        response: { 200: Type.Ref("WebhookEndpoint") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const body = request.body as WebhookEndpointPatch;
      const { endpointId } = request.params;
      check(body);
      const { body: endpoint } = await writeOnce(actor, request, async (client) => {
        await client.query(
          "select from webhook_endpoint where operator_id = $1 and endpoint_id = $2 for update",
          [actor.operatorId, endpointId],
        );
        const before = await readEndpoint(client, actor, endpointId);
        await patch(client, actor, endpointId, body);
        const after = await readEndpoint(client, actor, endpointId);
        const change = changeOf(settingsOf(before), settingsOf(after));
        await audit(client, actor, request, "webhookEndpoint.update", endpointId, change);
        return { status: 200, body: after };
      });
      return endpoint as WebhookEndpoint;
    },
  );

  app.delete(
    "/v1/webhook-endpoints/:endpointId",
    {
      schema: {
        operationId: "deleteWebhookEndpoint",
        ...needs("webhooks:write"),
        tags,
        params: EndpointParams,
        response: { 200: Type.Ref("WebhookEndpoint") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { endpointId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const endpoint = await readEndpoint(client, actor, endpointId);
        const sql = "delete from webhook_endpoint where operator_id = $1 and endpoint_id = $2";
        await client.query(sql, [actor.operatorId, endpointId]);
        await audit(client, actor, request, "webhookEndpoint.delete", endpointId, { url: endpoint.url });
        return { status: 200, body: endpoint };
      });
      return body as WebhookEndpoint;
    },
  );

  app.post(
    "/v1/webhook-endpoints/:endpointId/rotate-secret",
    {
      schema: {
        operationId: "rotateWebhookSecret",
        ...needs("webhooks:write"),
        tags,
        description:
          "A new secret, in this answer and in no other. For a day, or as asked, the one before it signs as well.",
        params: EndpointParams,
        body: Type.Ref("SecretRotation"),
        response: { 200: Type.Ref("WebhookEndpointWithSecret") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { endpointId } = request.params;
      const { keepOldForS = 86_400 } = request.body as SecretRotation;
      const secret = newSecret();
      const { body: endpoint } = await writeOnce(actor, request, async (client) => {
        await readEndpoint(client, actor, endpointId);
        await client.query(
          `update webhook_endpoint set old_secret = secret, sealed_old_secret = sealed_secret, secret = null,
             sealed_secret = $3, old_secret_until = now() + $4 * interval '1 second', updated_at = now()
           where operator_id = $1 and endpoint_id = $2`,
          [actor.operatorId, endpointId, sealWebhookSecret(pay.box, endpointId, secret), keepOldForS],
        );
        await audit(client, actor, request, "webhookEndpoint.rotateSecret", endpointId, { keepOldForS });
        const rotated = { ...(await readEndpoint(client, actor, endpointId)), secret };
        return { status: 200, body: rotated, once: ["secret"] };
      });
      return endpoint as never;
    },
  );
}
