/** Transactions: what happened, how much energy, on whose word. */
import { needs } from "../actor.ts";
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import type { Queryable } from "../../db/pool.ts";
import { priceOf } from "../../pricing.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Sample, TransactionBilling } from "../schemas.ts";
import type { App, Context } from "../app.ts";
import type { TransactionPrice } from "../tariff-schemas.ts";
import { toPrice } from "../tariff-view.ts";
import {
  NEEDS_REVIEW,
  toTransaction,
  TRANSACTION_COLUMNS,
  type TransactionRow,
} from "../transaction-view.ts";

const SAMPLES_MAX = 5_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type SampleRow = {
  at: Date;
  energy_import_wh: number | null;
  power_w: number | null;
  current_phases_ma: number[] | null;
  voltage_phases_mv: number[] | null;
  soc_percent: number | null;
};

const toSample = (r: SampleRow): Sample => ({
  at: isoOf(r.at),
  energyImportWh: r.energy_import_wh,
  powerW: r.power_w,
  currentPhasesMa: r.current_phases_ma,
  voltagePhasesMv: r.voltage_phases_mv,
  socPercent: r.soc_percent,
});

async function readPrice(db: Queryable, operatorId: string, id: string): Promise<TransactionPrice | null> {
  const priced = await priceOf(db, operatorId, id);
  if (priced === undefined) return null;
  const { tariffId, tariffVersion, tariffName, assignedBy, price } = priced;
  return { tariffId, tariffVersion, tariffName, assignedBy, price: toPrice(price) };
}

async function readBilling(
  db: Queryable,
  operatorId: string,
  transactionId: string,
): Promise<TransactionBilling | null> {
  const { rows } = await db.query<TransactionBilling>(
    `select status, reasons, cdr_id as "cdrId" from transaction_billing where operator_id = $1 and transaction_id = $2`,
    [operatorId, transactionId],
  );
  return rows[0] ?? null;
}

export function transactionRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/transactions",
    {
      schema: {
        operationId: "listTransactions",
        ...needs("transactions:read"),
        tags: ["transactions"],
        description: "Newest first, without those that were merged into another one.",
        querystring: Type.Object({
          ...PageQuery,
          siteId: Type.Optional(Type.String()),
          stationId: Type.Optional(Type.String()),
          idToken: Type.Optional(Type.String({ maxLength: 36 })),
          driverId: Type.Optional(
            Type.String({ format: "uuid", description: "Whose the idToken was when it began" }),
          ),
          status: Type.Optional(OneOf(["active", "ended"])),
          needsReview: Type.Optional(Type.Boolean()),
        }),
        response: { 200: PageOf("Transaction") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { siteId, stationId, idToken, driverId, status, needsReview } = request.query;
      const where = conditions("t.operator_id = $1 and t.merged_into is null", actor.operatorId);
      where.add("t.site_id = ?", siteId);
      where.add("t.station_id = ?", stationId);
      // As tokens are compared, and as they are indexed.
      where.add("t.token_key = ?", idToken?.toLowerCase());
      where.add("t.driver_id = ?", driverId);
      // As it stands in the index of those that run.
      if (status !== undefined) where.add(status === "active" ? "t.running" : "not t.running");
      where.add(`${NEEDS_REVIEW} = ?`, needsReview);
      const after = readCursor(request.query, 2);
      where.add("(t.started_at, t.transaction_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<TransactionRow>(
        `select ${TRANSACTION_COLUMNS} from transaction t where ${where.sql}
         order by t.started_at desc, t.transaction_id desc limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.started_key, r.transaction_id], toTransaction);
    },
  );

  app.get(
    "/v1/transactions/:transactionId",
    {
      schema: {
        operationId: "getTransaction",
        ...needs("transactions:read"),
        tags: ["transactions"],
        params: Type.Object({ transactionId: Type.String() }),
        response: { 200: Type.Ref("TransactionDetail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { transactionId } = request.params;
      if (!UUID.test(transactionId)) throw new ApiProblem(404, "NOT_FOUND", "transaction ids are UUIDs");
      const { rows } = await actor.db.query<TransactionRow>(
        `select ${TRANSACTION_COLUMNS} from transaction t where t.operator_id = $1 and t.transaction_id = $2`,
        [actor.operatorId, transactionId],
      );
      const row = rows[0];
      if (row === undefined) throw notFound("transaction", transactionId);
      const samples = await actor.db.query<SampleRow>(
        `select at, energy_import_wh, power_w, current_phases_ma, voltage_phases_mv, soc_percent
         from transaction_sample where transaction_id = $1 order by at limit ${SAMPLES_MAX + 1}`,
        [transactionId],
      );
      return {
        transaction: toTransaction(row),
        samples: samples.rows.slice(0, SAMPLES_MAX).map(toSample),
        samplesTruncated: samples.rows.length > SAMPLES_MAX,
        price: await readPrice(actor.db, actor.operatorId, row.transaction_id),
        billing: await readBilling(actor.db, actor.operatorId, row.transaction_id),
      };
    },
  );
}
