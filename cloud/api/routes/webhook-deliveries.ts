/** Deliveries of events: looked at, and sent again by a person. What sends them is `jobs/webhook-delivery.ts`. */
import { randomUUID } from "node:crypto";
import { Type } from "typebox";
import { Uuid } from "../../../shared/ids.ts";
import { WEBHOOK_REPLAY_MAX } from "../../../shared/limits.ts";
import { OneOf } from "../../../shared/schema.ts";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { WebhookDelivery, WebhookReplay } from "../notify-schemas.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

type DeliveryRow = {
  delivery_id: string;
  endpoint_id: string;
  event_id: string;
  type: string;
  site_id: string | null;
  at: Date;
  data: unknown;
  status: WebhookDelivery["status"];
  attempts: number;
  created_at: Date;
  created_key: string;
  next_at: Date;
  last_at: Date | null;
  last_status: number | null;
  last_error: string | null;
  last_response: string | null;
  finished_at: Date | null;
};

const DELIVERIES = `
  select d.*, d.created_at::text as created_key, e.type, e.site_id, e.at, e.data
  from webhook_delivery d join webhook_event e using (event_id)`;

const toDelivery = (r: DeliveryRow): WebhookDelivery => ({
  deliveryId: r.delivery_id,
  endpointId: r.endpoint_id,
  eventId: r.event_id,
  type: r.type,
  siteId: r.site_id,
  happenedAt: isoOf(r.at),
  data: r.data,
  status: r.status,
  attempts: r.attempts,
  createdAt: isoOf(r.created_at),
  nextAt: r.status === "pending" ? isoOf(r.next_at) : null,
  lastAt: iso(r.last_at),
  lastStatus: r.last_status,
  lastError: r.last_error,
  lastResponse: r.last_response,
  finishedAt: iso(r.finished_at),
});

const AGAIN = "status = 'pending', attempts = 0, next_at = now(), finished_at = null";

/** Any of them, also one that was delivered: the receiver knows it by its webhook-id. @throws ApiProblem 404. */
async function sendAgain(client: Client, actor: Actor, deliveryId: string): Promise<WebhookDelivery> {
  await client.query(`update webhook_delivery set ${AGAIN} where operator_id = $1 and delivery_id = $2`, [
    ...[actor.operatorId, deliveryId],
  ]);
  const { rows } = await client.query<DeliveryRow>(
    `${DELIVERIES} where d.operator_id = $1 and d.delivery_id = $2`,
    [actor.operatorId, deliveryId],
  );
  if (rows[0] === undefined) throw notFound("delivery", deliveryId);
  return toDelivery(rows[0]);
}

/** @throws ApiProblem 404, 409 ENDPOINT_DISABLED. */
async function checkEndpoint(client: Client, actor: Actor, endpointId: string): Promise<void> {
  const { rows } = await client.query<{ enabled: boolean }>(
    "select enabled from webhook_endpoint where operator_id = $1 and endpoint_id = $2",
    [actor.operatorId, endpointId],
  );
  if (rows[0] === undefined) throw notFound("webhook endpoint", endpointId);
  if (!rows[0].enabled)
    throw new ApiProblem(409, "ENDPOINT_DISABLED", "this endpoint is switched off: switch it on first");
}

export function webhookDeliveryRoutes(app: App, { requireActor }: Context): void {
  const EndpointParams = Type.Object({ endpointId: Uuid });
  const tags = ["webhooks"];

  app.get(
    "/v1/webhook-deliveries",
    {
      schema: {
        operationId: "listWebhookDeliveries",
        ...needs("webhooks:read"),
        tags,
        description: "The newest first, for as long as events are kept (30 days).",
        querystring: Type.Object({
          ...PageQuery,
          endpointId: Type.Optional(Uuid),
          status: Type.Optional(OneOf(["pending", "delivered", "failed"])),
          type: Type.Optional(Type.String({ maxLength: 50 })),
        }),
        response: { 200: PageOf("WebhookDelivery") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { endpointId, status, type } = request.query;
      const where = conditions("d.operator_id = $1", actor.operatorId);
      where.add("d.endpoint_id = ?::uuid", endpointId);
      where.add("d.status = ?", status);
      where.add("e.type = ?", type);
      const after = readCursor(request.query, 2);
      where.add("(d.created_at, d.delivery_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<DeliveryRow>(
        `${DELIVERIES} where ${where.sql} order by d.created_at desc, d.delivery_id desc
         limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.created_key, r.delivery_id], toDelivery);
    },
  );

  app.post(
    "/v1/webhook-deliveries/:deliveryId/replay",
    {
      schema: {
        operationId: "replayWebhookDelivery",
        ...needs("webhooks:write"),
        tags,
        description: "Sends the event again, under the same webhook-id, with all its tries.",
        params: Type.Object({ deliveryId: Uuid }),
        response: { 200: Type.Ref("WebhookDelivery") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { deliveryId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const delivery = await sendAgain(client, actor, deliveryId);
        await audit(client, actor, request, "webhookDelivery.replay", deliveryId, {});
        return { status: 200, body: delivery };
      });
      return body as WebhookDelivery;
    },
  );

  app.post(
    "/v1/webhook-endpoints/:endpointId/replay",
    {
      schema: {
        operationId: "replayWebhookFailures",
        ...needs("webhooks:write"),
        tags,
        description: `Sends again what has failed since then, the oldest first, ${WEBHOOK_REPLAY_MAX} at most.`,
        params: EndpointParams,
        body: Type.Ref("WebhookReplay"),
        response: { 200: Type.Object({ count: Type.Integer() }) },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { endpointId } = request.params;
      const { since } = request.body as WebhookReplay;
      const { body } = await writeOnce(actor, request, async (client) => {
        await checkEndpoint(client, actor, endpointId);
        const { rowCount } = await client.query(
          `update webhook_delivery set ${AGAIN} where delivery_id in (
             select delivery_id from webhook_delivery where operator_id = $1 and endpoint_id = $2
               and status = 'failed' and finished_at >= $3 order by finished_at limit ${WEBHOOK_REPLAY_MAX})`,
          [actor.operatorId, endpointId, since],
        );
        const count = rowCount ?? 0;
        await audit(client, actor, request, "webhookEndpoint.replay", endpointId, { since, count });
        return { status: 200, body: { count } };
      });
      return body as { count: number };
    },
  );

  app.post(
    "/v1/webhook-endpoints/:endpointId/test",
    {
      schema: {
        operationId: "testWebhookEndpoint",
        ...needs("webhooks:write"),
        tags,
        description: "An event `webhook.test` for this endpoint alone, whatever it listens to.",
        params: EndpointParams,
        response: { 202: Type.Object({ eventId: Uuid }) },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { endpointId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        await checkEndpoint(client, actor, endpointId);
        const eventId = randomUUID();
        await client.query(
          `with event as (
             insert into webhook_event (event_id, operator_id, type, at, data)
             values ($3, $1, 'webhook.test', now(), jsonb_build_object('endpointId', $2::text))
             returning event_id, operator_id)
           insert into webhook_delivery (operator_id, endpoint_id, event_id)
           select operator_id, $2::uuid, event_id from event`,
          [actor.operatorId, endpointId, eventId],
        );
        await audit(client, actor, request, "webhookEndpoint.test", endpointId, {});
        return { status: 202, body: { eventId } };
      });
      return reply.code(202).send(body as { eventId: string });
    },
  );
}
