/**
 * What a signed-in driver sees of itself: profile with what it owes, idTokens, everything that is kept about
 * it, and its wish to be erased. Its transactions and bills are in `own-charges.ts` and `own-statements.ts`.
 *
 * Erasing is the operator's to do: a wish changes nothing but that the operator is told, and can be taken back.
 */
import { Readable } from "node:stream";
import { Type } from "typebox";
import type { AuditAction } from "../../core/audit.ts";
import { balances } from "../../ledger.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { exportDriver } from "../driver-export.ts";
import { lockDriver } from "../driver-store.ts";
import type { OwnErasureRequest, OwnIdToken, OwnProfile } from "../own-schemas.ts";
import { ownAccount, ownDriver } from "../own-view.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { audit, writeOnce } from "../write.ts";
import { DOCUMENT } from "./driver-data.ts";
import type { TokenRow } from "./id-tokens.ts";

export function ownDriverRoutes(app: App, context: Context): void {
  profileRoute(app, context);
  dataRoute(app, context);
  erasureRoutes(app, context);
  tokenRoute(app, context);
}

function profileRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/profile",
    {
      schema: {
        operationId: "getOwnProfile",
        ...needs("own:read"),
        tags: ["own"],
        description: "Who the signed-in driver is to the operator, and what it owes.",
        response: { 200: Type.Ref("OwnProfile") },
      },
    },
    async (request): Promise<OwnProfile> => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const { rows } = await actor.db.query<{ name: string }>(
        "select name from operator where operator_id = $1",
        [actor.operatorId],
      );
      const owed = await balances(actor.db, actor.operatorId, [ownAccount(driver)]);
      return {
        ...{ driverId: driver.driver_id, status: driver.status, name: driver.name, email: driver.email },
        ...{ phone: driver.phone, taxId: driver.tax_id, language: driver.language },
        operatorName: rows[0]?.name ?? actor.operatorId,
        createdAt: isoOf(driver.created_at),
        erasureRequestedAt: iso(driver.erasure_requested_at),
        balances: owed.map(({ currency, amountMinor }) => ({ currency, amountMinor })),
      };
    },
  );
}

function dataRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/data",
    {
      schema: {
        operationId: "exportOwnData",
        ...needs("own:read"),
        tags: ["own"],
        description: "Everything that is kept about the driver, the operator's own notes included.",
        response: { 200: DOCUMENT },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      // The operator's own notes about a person belong to what is kept about that person.
      const driver = await ownDriver(actor);
      await actor.db.transaction((client) =>
        audit(client, actor, request, "driver.export", driver.driver_id, null),
      );
      return reply
        .type("application/json; charset=utf-8")
        .header("Content-Disposition", 'attachment; filename="my-data.json"')
        .send(Readable.from(exportDriver(actor.db, driver)) as unknown as object);
    },
  );
}

function erasureRoutes(app: App, { requireActor }: Context): void {
  const change = (
    method: "PUT" | "DELETE",
    schema: { operationId: string; description: string },
    action: AuditAction,
  ) =>
    app.route({
      method,
      url: "/v1/own/erasure-request",
      schema: {
        ...schema,
        ...needs("own:write"),
        tags: ["own"],
        response: { 200: Type.Ref("OwnErasureRequest") },
      },
      handler: async (request) => {
        const actor = await requireActor(request);
        const { driver_id: driverId } = await ownDriver(actor);
        const written = await writeOnce(actor, request, async (client) => {
          const driver = await lockDriver(client, actor.operatorId, driverId);
          const asked = method === "PUT";
          let at = driver.erasure_requested_at;
          if ((at !== null) !== asked) {
            const { rows } = await client.query<{ at: Date | null }>(
              `update driver set erasure_requested_at = case when $3 then now() end
               where operator_id = $1 and driver_id = $2 returning erasure_requested_at as at`,
              [actor.operatorId, driverId, asked],
            );
            at = rows[0]?.at ?? null;
            await audit(client, actor, request, action, driverId, null);
          }
          return { status: 200, body: { erasureRequestedAt: iso(at) } };
        });
        return written.body as OwnErasureRequest;
      },
    });
  change(
    "PUT",
    {
      operationId: "requestOwnErasure",
      description:
        "The driver wishes to be erased: the operator is told, and does it. Asked again, the same.",
    },
    "driver.erasure-request",
  );
  change(
    "DELETE",
    { operationId: "withdrawOwnErasure", description: "The driver wishes to stay after all." },
    "driver.erasure-withdraw",
  );
}

function tokenRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/tokens",
    {
      schema: {
        operationId: "listOwnIdTokens",
        ...needs("own:read"),
        tags: ["own"],
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("OwnIdToken") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const where = conditions("t.operator_id = $1 and t.driver_id = $2", actor.operatorId, driver.driver_id);
      where.add("t.id_token > ?", readCursor(request.query, 1)?.[0]);
      const { rows } = await actor.db.query<TokenRow>(
        `select t.* from id_token t where ${where.sql} order by t.id_token limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(
        rows,
        request.query,
        (row) => [row.id_token],
        (row): OwnIdToken => ({
          ...{ idToken: row.id_token, type: row.type, status: row.status, label: row.label },
          expiresAt: iso(row.expires_at),
        }),
      );
    },
  );
}
