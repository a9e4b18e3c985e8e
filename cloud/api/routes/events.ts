/** Live events as a stream: ids of what changed. */
import { Type } from "typebox";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ApiProblem } from "../problem.ts";

export function eventRoutes(app: App, { hub, requireActor }: Context): void {
  app.get(
    "/v1/events",
    {
      schema: {
        operationId: "streamEvents",
        ...needs("sites:read"),
        tags: ["events"],
        description:
          "Server-sent events with ids of what changed (LiveEvent), of what the actor may read; fetch what you show. " +
          "Last-Event-ID is honoured.",
        querystring: Type.Object({ siteId: Type.Optional(Type.String()) }),
        response: {
          200: { description: "The stream", content: { "text/event-stream": { schema: Type.String() } } },
        },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      if (!hub.hasRoom(actor.id))
        throw new ApiProblem(
          503,
          "TOO_MANY_STREAMS",
          "too many event streams are open; try again in a moment",
        );
      const lastEventId = request.headers["last-event-id"];
      reply.hijack();
      hub.attach(reply.raw, {
        actorId: actor.id,
        operatorId: actor.operatorId,
        siteIds: actor.siteIds,
        permissions: actor.permissions,
        siteId: request.query.siteId,
        lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
      });
    },
  );
}
