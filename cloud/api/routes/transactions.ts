/** Transactions: what happened, how much energy, on whose word. */
import { Type } from "typebox";
import { OneOf } from "../../../shared/schema.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Sample, Transaction } from "../schemas.ts";
import type { App, Context } from "../app.ts";

const SAMPLES_MAX = 5_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type TransactionRow = {
  transaction_id: string;
  ocpp_transaction_id: string | null;
  operator_id: string;
  site_id: string;
  station_id: string;
  evse_id: number;
  connector_id: number | null;
  charging_state: string | null;
  started_at: Date;
  /** Full precision, for the cursor. */
  started_key: string;
  ended_at: Date | null;
  meter_start_wh: number | null;
  meter_stop_wh: number | null;
  last_energy_wh: number | null;
  power_w: number | null;
  soc_percent: number | null;
  id_token: string | null;
  authorized_by: string;
  authorization_status: string | null;
  stopped_reason: string | null;
  flags: string[];
  needs_review: boolean;
};

/** Energy so far: never negative, unknown while one of the two registers is. */
function energyOf(r: TransactionRow): number | null {
  const end = r.meter_stop_wh ?? r.last_energy_wh;
  return end === null || r.meter_start_wh === null ? null : Math.max(0, end - r.meter_start_wh);
}

const toTransaction = (r: TransactionRow): Transaction => ({
  transactionId: r.transaction_id,
  ocppTransactionId: r.ocpp_transaction_id,
  operatorId: r.operator_id,
  siteId: r.site_id,
  stationId: r.station_id,
  evseId: r.evse_id,
  connectorId: r.connector_id,
  status: r.ended_at === null ? "active" : "ended",
  chargingState: r.charging_state,
  startedAt: isoOf(r.started_at),
  endedAt: iso(r.ended_at),
  meterStartWh: r.meter_start_wh,
  meterStopWh: r.meter_stop_wh,
  energyWh: energyOf(r),
  powerW: r.power_w,
  socPercent: r.soc_percent,
  idToken: r.id_token,
  authorizedBy: r.authorized_by,
  authorizationStatus: r.authorization_status,
  stoppedReason: r.stopped_reason,
  flags: r.flags,
  needsReview: r.needs_review,
});

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

export function transactionRoutes(app: App, { pool, requireActor }: Context): void {
  app.get(
    "/v1/transactions",
    {
      schema: {
        operationId: "listTransactions",
        tags: ["transactions"],
        description: "Newest first.",
        querystring: Type.Object({
          ...PageQuery,
          siteId: Type.Optional(Type.String()),
          stationId: Type.Optional(Type.String()),
          idToken: Type.Optional(Type.String({ maxLength: 36 })),
          status: Type.Optional(OneOf(["active", "ended"])),
          needsReview: Type.Optional(Type.Boolean()),
        }),
        response: { 200: PageOf("Transaction") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { siteId, stationId, idToken, status, needsReview } = request.query;
      const where = conditions("t.operator_id = $1", actor.operatorId);
      where.add("t.site_id = ?", siteId);
      where.add("t.station_id = ?", stationId);
      where.add("t.id_token = ?", idToken);
      where.add("(t.ended_at is null) = ?", status === undefined ? undefined : status === "active");
      where.add("t.needs_review = ?", needsReview);
      const after = readCursor(request.query, 2);
      where.add("(t.started_at, t.transaction_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await pool.query<TransactionRow>(
        `select t.*, t.started_at::text as started_key from transaction t where ${where.sql}
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
        tags: ["transactions"],
        params: Type.Object({ transactionId: Type.String() }),
        response: { 200: Type.Ref("TransactionDetail") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { transactionId } = request.params;
      if (!UUID.test(transactionId)) throw new ApiProblem(404, "NOT_FOUND", "transaction ids are UUIDs");
      const { rows } = await pool.query<TransactionRow>(
        "select t.*, '' as started_key from transaction t where t.operator_id = $1 and t.transaction_id = $2",
        [actor.operatorId, transactionId],
      );
      const row = rows[0];
      if (row === undefined) throw notFound("transaction", transactionId);
      const samples = await pool.query<SampleRow>(
        `select at, energy_import_wh, power_w, current_phases_ma, voltage_phases_mv, soc_percent
         from transaction_sample where transaction_id = $1 order by at limit ${SAMPLES_MAX + 1}`,
        [transactionId],
      );
      return {
        transaction: toTransaction(row),
        samples: samples.rows.slice(0, SAMPLES_MAX).map(toSample),
        samplesTruncated: samples.rows.length > SAMPLES_MAX,
      };
    },
  );
}
