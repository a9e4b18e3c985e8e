/** Energy meters and their series. */
import { needs } from "../actor.ts";
import { Type } from "typebox";
import type { Reading } from "../../../shared/reading.ts";
import { notFound } from "../problem.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import type { Meter, MeterSample } from "../schemas.ts";
import type { App, Context } from "../app.ts";

type MeterRow = {
  meter_id: string;
  site_id: string;
  er_id: string;
  operator_id: string;
  model: string | null;
  state: Meter["state"];
  state_reason: string | null;
  sampled_at: Date | null;
  reading: Reading | null;
  flags: string[];
};

const toMeter = (r: MeterRow): Meter => ({
  meterId: r.meter_id,
  siteId: r.site_id,
  erId: r.er_id,
  operatorId: r.operator_id,
  model: r.model,
  state: r.state,
  stateReason: r.state_reason,
  sampledAt: iso(r.sampled_at),
  powerW: r.reading?.powerW ?? null,
  powerPhasesW: r.reading?.powerPhasesW ?? null,
  currentPhasesMa: r.reading?.currentPhasesMa ?? null,
  voltagePhasesMv: r.reading?.voltagePhasesMv ?? null,
  energyImportWh: r.reading?.energyImportWh ?? null,
  energyExportWh: r.reading?.energyExportWh ?? null,
  flags: r.flags,
});

type MeterSampleRow = {
  at: Date;
  power_w: number | null;
  power_phases_w: number[] | null;
  energy_import_wh: number | null;
  energy_export_wh: number | null;
};

const toMeterSample = (r: MeterSampleRow): MeterSample => ({
  at: isoOf(r.at),
  powerW: r.power_w,
  powerPhasesW: r.power_phases_w,
  energyImportWh: r.energy_import_wh,
  energyExportWh: r.energy_export_wh,
});

export function meterRoutes(app: App, { requireActor }: Context): void {
  const MeterParams = Type.Object({ meterId: Type.String() });

  app.get(
    "/v1/meters",
    {
      schema: {
        operationId: "listMeters",
        ...needs("meters:read"),
        tags: ["meters"],
        querystring: Type.Object({ ...PageQuery, siteId: Type.Optional(Type.String()) }),
        response: { 200: PageOf("Meter") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("m.operator_id = $1", actor.operatorId);
      where.add("m.site_id = ?", request.query.siteId);
      where.add("m.meter_id > ?", readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const sql = `select m.* from meter m where ${where.sql} order by m.meter_id limit ${limit}`;
      const { rows } = await actor.db.query<MeterRow>(sql, where.params);
      return toPage(rows, request.query, (r) => [r.meter_id], toMeter);
    },
  );

  app.get(
    "/v1/meters/:meterId",
    {
      schema: {
        operationId: "getMeter",
        ...needs("meters:read"),
        tags: ["meters"],
        params: MeterParams,
        response: { 200: Type.Ref("Meter") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { rows } = await actor.db.query<MeterRow>(
        "select * from meter where operator_id = $1 and meter_id = $2",
        [actor.operatorId, request.params.meterId],
      );
      if (rows[0] === undefined) throw notFound("meter", request.params.meterId);
      return toMeter(rows[0]);
    },
  );

  app.get(
    "/v1/meters/:meterId/samples",
    {
      schema: {
        operationId: "listMeterSamples",
        ...needs("meters:read"),
        tags: ["meters"],
        description: "Oldest first within [from, to); without `from` the last hour.",
        params: MeterParams,
        querystring: Type.Object({
          cursor: PageQuery.cursor,
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 })),
          from: Type.Optional(Type.String({ format: "date-time" })),
          to: Type.Optional(Type.String({ format: "date-time" })),
        }),
        response: { 200: PageOf("MeterSample") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const query = request.query;
      const where = conditions(
        "m.operator_id = $1 and m.meter_id = $2",
        actor.operatorId,
        request.params.meterId,
      );
      where.add("m.at >= ?::timestamptz", query.from ?? new Date(Date.now() - 3_600_000).toISOString());
      where.add("m.at < ?::timestamptz", query.to);
      where.add("m.at > ?::timestamptz", readCursor(query, 1)?.[0]);
      const limit = query.limit ?? 1_000;
      const { rows } = await actor.db.query<MeterSampleRow>(
        `select at, power_w, power_phases_w, energy_import_wh, energy_export_wh from meter_sample m
         where ${where.sql} order by m.at limit ${limit + 1}`,
        where.params,
      );
      return toPage(rows, { ...query, limit }, (r) => [isoOf(r.at)], toMeterSample);
    },
  );
}
