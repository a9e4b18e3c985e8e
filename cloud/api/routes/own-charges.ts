/**
 * A signed-in driver's transactions, those that run included, and what they cost: CDRs and their receipts.
 * Nothing of anybody else is there, whoever is asked for it by its id.
 */
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { priceOf } from "../../pricing.ts";
import { ensureReceipt } from "../../receipts.ts";
import type { Queryable } from "../../db/pool.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { LanguageQuery, languageOf, Pdf, uuid } from "../money-view.ts";
import type { OwnCdr, OwnTransactionDetail } from "../own-schemas.ts";
import {
  OWN,
  OWN_CDR,
  OWN_CDRS,
  OWN_TRANSACTIONS,
  ownDriver,
  toOwnCdr,
  toOwnTransaction,
  type OwnCdrRow,
  type OwnTransactionRow,
} from "../own-view.ts";
import { conditions, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { notFound } from "../problem.ts";
import { toPrice } from "../tariff-view.ts";
import { sendReceipt } from "./receipts.ts";

const Id = Type.String({ maxLength: 64 });

export function ownChargeRoutes(app: App, context: Context): void {
  transactionRoutes(app, context);
  cdrRoutes(app, context);
  receiptRoute(app, context);
}

async function findCdr(
  db: Queryable,
  operatorId: string,
  driverId: string,
  cdrId: string,
): Promise<OwnCdr | undefined> {
  const { rows } = await db.query<OwnCdrRow>(`${OWN_CDRS} where ${OWN_CDR} and c.cdr_id = $3`, [
    ...[operatorId, driverId, cdrId],
  ]);
  return rows[0] && toOwnCdr(rows[0]);
}

function transactionRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/transactions",
    {
      schema: {
        operationId: "listOwnTransactions",
        ...needs("own:read"),
        tags: ["own"],
        description: "Newest first.",
        querystring: Type.Object({ ...PageQuery, status: Type.Optional(OneOf(["active", "ended"])) }),
        response: { 200: PageOf("OwnTransaction") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const { status } = request.query;
      const where = conditions(OWN, actor.operatorId, driver.driver_id);
      if (status !== undefined) where.add(status === "active" ? "t.running" : "not t.running");
      const [startedAt, id] = readCursor(request.query, 2) ?? [];
      where.add("(t.started_at, t.transaction_id) < (?::timestamptz, ?::uuid)", startedAt, id);
      const { rows } = await actor.db.query<OwnTransactionRow>(
        `${OWN_TRANSACTIONS} where ${where.sql} order by t.started_at desc, t.transaction_id desc
         limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (row) => [row.started_key, row.transaction_id], toOwnTransaction);
    },
  );

  app.get(
    "/v1/own/transactions/:transactionId",
    {
      schema: {
        operationId: "getOwnTransaction",
        ...needs("own:read"),
        tags: ["own"],
        description: "With what it costs: so far while it runs, then as it is billed.",
        params: Type.Object({ transactionId: Id }),
        response: { 200: Type.Ref("OwnTransactionDetail") },
      },
    },
    async (request): Promise<OwnTransactionDetail> => {
      const actor = await requireActor(request);
      const { driver_id: driverId } = await ownDriver(actor);
      const id = uuid("transaction", request.params.transactionId);
      const { rows } = await actor.db.query<OwnTransactionRow>(
        `${OWN_TRANSACTIONS} where ${OWN} and t.transaction_id = $3`,
        [actor.operatorId, driverId, id],
      );
      if (rows[0] === undefined) throw notFound("transaction", id);
      const transaction = toOwnTransaction(rows[0]);
      const { cdrId, billing } = transaction;
      const cdr = cdrId === null ? undefined : await findCdr(actor.db, actor.operatorId, driverId, cdrId);
      // What is billed stands in its CDR; what is not charged for has no price.
      const open = billing === null || billing === "pending" || billing === "held";
      const priced = cdr === undefined && open ? await priceOf(actor.db, actor.operatorId, id) : undefined;
      return {
        transaction,
        tariffName: priced?.tariffName ?? null,
        price: priced === undefined ? null : toPrice(priced.price),
        cdr: cdr ?? null,
      };
    },
  );
}

function cdrRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/cdrs",
    {
      schema: {
        operationId: "listOwnCdrs",
        ...needs("own:read"),
        tags: ["own"],
        description: "By the end of their transaction, the latest first, those that were corrected too.",
        querystring: Type.Object({
          ...PageQuery,
          transactionId: Type.Optional(Type.String({ format: "uuid" })),
        }),
        response: { 200: PageOf("OwnCdr") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const where = conditions(OWN_CDR, actor.operatorId, driver.driver_id);
      where.add("c.transaction_id = ?", request.query.transactionId);
      const [endedAt, id] = readCursor(request.query, 2) ?? [];
      where.add("(c.ended_at, c.cdr_id) < (?::timestamptz, ?::uuid)", endedAt, id);
      const { rows } = await actor.db.query<OwnCdrRow>(
        `${OWN_CDRS} where ${where.sql} order by c.ended_at desc, c.cdr_id desc
         limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (row) => [row.ended_key, row.cdr_id], toOwnCdr);
    },
  );

  app.get(
    "/v1/own/cdrs/:cdrId",
    {
      schema: {
        operationId: "getOwnCdr",
        ...needs("own:read"),
        tags: ["own"],
        params: Type.Object({ cdrId: Id }),
        response: { 200: Type.Ref("OwnCdr") },
      },
    },
    async (request): Promise<OwnCdr> => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const cdrId = uuid("CDR", request.params.cdrId);
      const cdr = await findCdr(actor.db, actor.operatorId, driver.driver_id, cdrId);
      if (cdr === undefined) throw notFound("CDR", cdrId);
      return cdr;
    },
  );
}

function receiptRoute(app: App, { requireActor, webUrl }: Context): void {
  app.get(
    "/v1/own/cdrs/:cdrId/receipt",
    {
      schema: {
        operationId: "getOwnCdrReceipt",
        ...needs("own:read"),
        tags: ["own"],
        description: "The receipt of a CDR as a PDF; issued now where it was not yet.",
        params: Type.Object({ cdrId: Id }),
        querystring: LanguageQuery,
        response: { 200: Pdf },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const cdrId = uuid("CDR", request.params.cdrId);
      if ((await findCdr(actor.db, actor.operatorId, driver.driver_id, cdrId)) === undefined)
        throw notFound("CDR", cdrId);
      const row = await actor.db.transaction((client) => ensureReceipt(client, actor.operatorId, { cdrId }));
      if (row === undefined) throw notFound("CDR", cdrId);
      return sendReceipt(reply as never, row, languageOf(request.query), webUrl);
    },
  );
}
