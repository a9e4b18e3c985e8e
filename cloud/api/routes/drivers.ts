/**
 * Drivers: the people behind idTokens. Blocking one refuses its idTokens at every site with the next policy.
 *
 * What is told about a person and how it goes again is in `driver-data.ts`.
 */
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { bareTaxId } from "../../../shared/tax-id.ts";
import type { AuditAction } from "../../core/audit.ts";
import type { Client } from "../../db/pool.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { Driver, DriverPatch, NewDriver } from "../driver-schemas.ts";
import {
  attachToken,
  detachToken,
  DRIVER_COLUMNS,
  insertDriver,
  lockDriver,
  readDriver,
  toDriver,
  updateDriver,
  type DriverRow,
} from "../driver-store.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { bumpPolicy } from "../policy-version.ts";
import { ApiProblem } from "../problem.ts";
import { TRANSACTION_COLUMNS, toTransaction, type TransactionRow } from "../transaction-view.ts";
import { audit, writeOnce } from "../write.ts";
import { toToken, type TokenRow } from "./id-tokens.ts";

const LAST_TRANSACTIONS = 10;
const TOKENS_SHOWN = 200;

export const DriverParams = Type.Object({ driverId: Type.String({ maxLength: 64 }) });
const TokenParams = Type.Object({
  driverId: Type.String({ maxLength: 64 }),
  idToken: Type.String({ maxLength: 36 }),
});
const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

const etagOf = ({ version }: DriverRow) => `"${version}"`;

/** @throws ApiProblem 428, 412. */
function checkMatch(request: FastifyRequest, driver: DriverRow): void {
  const header = request.headers["if-match"];
  if (header === undefined)
    throw new ApiProblem(
      428,
      "IF_MATCH_MISSING",
      "send If-Match with the ETag of the driver that you have read",
    );
  const tags = header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (tags.includes("*") || tags.includes(etagOf(driver))) return;
  throw new ApiProblem(412, "STALE_ETAG", "the driver was changed meanwhile: read it again, then decide");
}

export function driverRoutes(app: App, context: Context): void {
  listRoute(app, context);
  readRoutes(app, context);
  createRoute(app, context);
  patchRoute(app, context);
  tokenRoutes(app, context);
}

const SEARCH = `(position(lower(?) in d.name_key) > 0 or position(lower(?) in d.email_key) > 0 or d.tax_id = ?
  or exists (select from id_token k where k.operator_id = d.operator_id and k.token_key = lower(?)
    and k.driver_id = d.driver_id))`;

function listRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/drivers",
    {
      schema: {
        operationId: "listDrivers",
        ...needs("drivers:read"),
        tags: ["drivers"],
        description:
          "By name. `q` looks for a part of the name or the e-mail address, or a whole tax number or " +
          "idToken. Erased drivers are told only where `status=erased` asks for them.",
        querystring: Type.Object({
          ...PageQuery,
          q: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
          status: Type.Optional(OneOf(["active", "blocked", "erased"])),
          groupId: Type.Optional(Type.String({ maxLength: 36 })),
          erasureRequested: Type.Optional(Type.Boolean({ description: "Those that wish to be erased" })),
        }),
        response: { 200: PageOf("Driver") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { q, status, groupId, erasureRequested, limit = 50 } = request.query;
      const where = conditions("d.operator_id = $1", actor.operatorId);
      if (status === undefined) where.add("d.status <> ?", "erased");
      where.add("d.status = ?", status);
      where.add("d.group_id = ?", groupId);
      if (erasureRequested !== undefined)
        where.add(`d.erasure_requested_at is ${erasureRequested ? "not null" : "null"}`);
      where.add(SEARCH, q, q, q === undefined ? undefined : bareTaxId(q), q);
      const [name, id] = readCursor(request.query, 2) ?? [];
      where.add("(d.name_key, d.driver_id) > (?, ?::uuid)", name, id);
      const sql = `select ${DRIVER_COLUMNS} from driver d where ${where.sql}
        order by d.name_key, d.driver_id limit ${limit + 1}`;
      const { rows } = await actor.db.query<DriverRow>(sql, where.params);
      return toPage(rows, request.query, (r) => [r.name_key, r.driver_id], toDriver);
    },
  );
}

function readRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/drivers/:driverId",
    {
      schema: {
        operationId: "getDriver",
        ...needs("drivers:read"),
        tags: ["drivers"],
        description: "With its idTokens and its last transactions. The ETag is what a change is made on.",
        params: DriverParams,
        response: { 200: Type.Ref("DriverDetail") },
      },
    },
    async (request, reply) => {
      const { operatorId, db } = await requireActor(request);
      const driver = await readDriver(db, operatorId, request.params.driverId);
      const tokens = await db.query<TokenRow>(
        "select * from id_token where operator_id = $1 and driver_id = $2 order by id_token limit $3",
        [operatorId, driver.driver_id, TOKENS_SHOWN],
      );
      const transactions = await db.query<TransactionRow>(
        `select ${TRANSACTION_COLUMNS} from transaction t where t.operator_id = $1 and t.driver_id = $2
         order by t.started_at desc, t.transaction_id desc limit $3`,
        [operatorId, driver.driver_id, LAST_TRANSACTIONS],
      );
      return reply.header("ETag", etagOf(driver)).send({
        ...toDriver(driver),
        idTokens: tokens.rows.map(toToken),
        transactions: transactions.rows.map(toTransaction),
      });
    },
  );

  app.get(
    "/v1/drivers/:driverId/id-tokens",
    {
      schema: {
        operationId: "listDriverIdTokens",
        ...needs("drivers:read"),
        tags: ["drivers"],
        params: DriverParams,
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("IdToken") },
      },
    },
    async (request) => {
      const { operatorId, db } = await requireActor(request);
      const driver = await readDriver(db, operatorId, request.params.driverId);
      const where = conditions("t.operator_id = $1 and t.driver_id = $2", operatorId, driver.driver_id);
      where.add("t.id_token > ?", readCursor(request.query, 1)?.[0]);
      const sql = `select t.* from id_token t where ${where.sql} order by t.id_token
        limit ${(request.query.limit ?? 50) + 1}`;
      const { rows } = await db.query<TokenRow>(sql, where.params);
      return toPage(rows, request.query, (r) => [r.id_token], toToken);
    },
  );
}

function createRoute(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/drivers",
    {
      schema: {
        operationId: "createDriver",
        ...needs("drivers:write"),
        tags: ["drivers"],
        headers: Once,
        body: Type.Ref("NewDriver"),
        response: { 201: Type.Ref("Driver") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewDriver;
      const { body: made } = await writeOnce(actor, request, async (client) => {
        const row = await insertDriver(client, actor.operatorId, body);
        await audit(client, actor, request, "driver.create", row.driver_id, {
          fields: Object.keys(body).sort(),
        });
        return { status: 201, body: toDriver(row) };
      });
      const driver = made as Driver;
      return reply.code(201).header("Location", `/v1/drivers/${driver.driverId}`).send(driver);
    },
  );
}

function patchRoute(app: App, { requireActor }: Context): void {
  app.patch(
    "/v1/drivers/:driverId",
    {
      schema: {
        operationId: "updateDriver",
        ...needs("drivers:write"),
        tags: ["drivers"],
        description:
          'Merge patch; needs If-Match. `{"status":"blocked"}` refuses its idTokens at every site; what becomes ' +
          "of a transaction that runs is the site's rule for revoked tokens. `groupId` is written to all its " +
          "idTokens.",
        params: DriverParams,
        headers: Type.Object({
          ...Once.properties,
          "if-match": Type.Optional(Type.String({ maxLength: 200 })),
        }),
        body: Type.Ref("DriverPatch"),
        response: { 200: Type.Ref("Driver") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const patch = request.body as DriverPatch;
      const { body } = await writeOnce(actor, request, async (client) => {
        const before = await lockDriver(client, actor.operatorId, request.params.driverId);
        checkMatch(request, before);
        if (await updateDriver(client, before, patch)) await bumpPolicy(client, actor.operatorId);
        const detail = {
          fields: Object.keys(patch).sort(),
          ...(patch.status === undefined ? {} : { status: { before: before.status, after: patch.status } }),
        };
        await audit(client, actor, request, "driver.update", before.driver_id, detail);
        const row = await readDriver(client, actor.operatorId, before.driver_id);
        return { status: 200, body: { ...toDriver(row), etag: etagOf(row) } };
      });
      const { etag, ...driver } = body as Driver & { etag: string };
      return reply.header("ETag", etag).send(driver);
    },
  );
}

function tokenRoutes(app: App, { requireActor }: Context): void {
  const change = (
    method: "PUT" | "DELETE",
    schema: { operationId: string; description: string },
    action: AuditAction,
    work: (client: Client, driver: DriverRow, idToken: string) => Promise<void>,
  ) =>
    app.route({
      method,
      url: "/v1/drivers/:driverId/id-tokens/:idToken",
      schema: {
        ...schema,
        ...needs("drivers:write"),
        tags: ["drivers"],
        params: TokenParams,
        headers: Once,
        response: { 200: Type.Ref("Driver") },
      },
      handler: async (request) => {
        const actor = await requireActor(request);
        const { driverId, idToken } = request.params as { driverId: string; idToken: string };
        const { body } = await writeOnce(actor, request, async (client) => {
          const driver = await lockDriver(client, actor.operatorId, driverId);
          await work(client, driver, idToken);
          await bumpPolicy(client, actor.operatorId);
          await audit(client, actor, request, action, idToken, { driverId: driver.driver_id });
          return {
            status: 200,
            body: toDriver(await readDriver(client, actor.operatorId, driver.driver_id)),
          };
        });
        return body as Driver;
      },
    });
  change(
    "PUT",
    {
      operationId: "attachIdToken",
      description: "The idToken is this driver's from now on; what was charged with it before is not.",
    },
    "idToken.attach",
    attachToken,
  );
  change(
    "DELETE",
    {
      operationId: "detachIdToken",
      description: "The idToken is nobody's from now on and goes on counting: block it where it was lost.",
    },
    "idToken.detach",
    detachToken,
  );
}
