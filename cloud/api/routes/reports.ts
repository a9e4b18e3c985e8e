/** Reports of energy, revenue, utilisation and uptime, as JSON or CSV. What they say is in `reports.ts`. */
import { Type } from "typebox";
import { REPORT_DAYS_MAX, REPORT_LINES_MAX } from "../../../shared/limits.ts";
import { OneOf } from "../../../shared/schema.ts";
import type { Permission } from "../../core/access.ts";
import { csvHead, toCsv } from "../../exports/csv.ts";
import {
  readReport,
  REPORTS,
  stationsOf,
  type ReportLine,
  type ReportName,
  type ReportQuery,
} from "../../reports.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ApiProblem } from "../problem.ts";

const DAY_MS = 86_400_000;
const STEP_MS = { hour: 3_600_000, day: DAY_MS, month: 28 * DAY_MS };
/** Stations times steps that are looked at for one report. */
const LOOKED_AT_MAX = 20 * REPORT_LINES_MAX;

const tooLarge = () =>
  new ApiProblem(
    409,
    "REPORT_TOO_LARGE",
    "this report would be too long: take a shorter time, longer steps, or one site",
  );

/** @throws ApiProblem 400 INVALID_RANGE, 409 REPORT_TOO_LARGE. */
async function check(actor: Actor, name: ReportName, query: ReportQuery): Promise<void> {
  const ms = Date.parse(query.to) - Date.parse(query.from);
  if (!(ms > 0)) throw new ApiProblem(400, "INVALID_RANGE", "`from` must be before `to`");
  if (ms > REPORT_DAYS_MAX * DAY_MS)
    throw new ApiProblem(400, "INVALID_RANGE", `a report covers at most ${REPORT_DAYS_MAX} days`);
  if (name !== "utilisation" && name !== "uptime") return;
  const steps = Math.ceil(ms / STEP_MS[query.by]) + 1;
  if (steps * (await stationsOf(actor.db, query)) > LOOKED_AT_MAX) throw tooLarge();
}

function asCsv(name: ReportName, lines: readonly ReportLine[]): string {
  const { columns } = REPORTS[name];
  const rows = lines.map((line) => [
    line.siteId,
    line.stationId,
    line.start,
    ...columns.map((c) => line.values[c]),
  ]);
  return csvHead(["siteId", "stationId", "start", ...columns], {}) + toCsv(rows, {});
}

const WORDS: Record<ReportName, [string, Permission, string]> = {
  energy: [
    "getEnergyReport",
    "reports:read",
    "Energy, time and transactions. Late data are included when they come.",
  ],
  revenue: [
    "getRevenueReport",
    "money:read",
    "What CDRs say that stand, by the moment that a transaction ended.",
  ],
  utilisation: [
    "getUtilisationReport",
    "reports:read",
    "Share of the time with a transaction, of the time of all EVSEs, in hundredths of a percent.",
  ],
  uptime: [
    "getUptimeReport",
    "reports:read",
    "Share of the time with a connection, in hundredths of a percent; what a silent ER would tell is unknown.",
  ],
};

const schemaOf = (name: ReportName) =>
  Type.Object({
    siteId: Type.String(),
    stationId: Type.Union([Type.String(), Type.Null()]),
    start: Type.String({ format: "date-time" }),
    ...Object.fromEntries(
      REPORTS[name].columns.map((column) => [
        column,
        column === "currency" ? Type.String() : Type.Union([Type.Integer(), Type.Null()]),
      ]),
    ),
  });

export function reportRoutes(app: App, { requireActor }: Context): void {
  const Time = Type.String({ format: "date-time" });
  for (const name of Object.keys(REPORTS) as ReportName[]) {
    const [operationId, permission, description] = WORDS[name];
    app.get(
      `/v1/reports/${name}`,
      {
        schema: {
          operationId,
          ...needs(permission),
          tags: ["reports"],
          description: `${description} Hours, days and months are those of each site's clock.`,
          querystring: Type.Object({
            from: Time,
            to: Time,
            by: Type.Optional(OneOf(["hour", "day", "month"])),
            group: Type.Optional(OneOf(["site", "station"])),
            siteId: Type.Optional(Type.String({ maxLength: 64 })),
            stationId: Type.Optional(Type.String({ maxLength: 200 })),
            format: Type.Optional(OneOf(["json", "csv"])),
          }),
          response: {
            200: {
              description: "The report",
              content: {
                "application/json": { schema: Type.Object({ items: Type.Array(schemaOf(name)) }) },
                "text/csv": { schema: Type.String() },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const actor = await requireActor(request);
        const { by = "day", group = "site", format = "json", ...rest } = request.query;
        const query = { ...rest, by, group, operatorId: actor.operatorId };
        await check(actor, name, query);
        const lines = await readReport(actor.db, name, query);
        if (lines.length > REPORT_LINES_MAX) throw tooLarge();
        if (format === "csv")
          return reply
            .type("text/csv; charset=utf-8")
            .header("Content-Disposition", `attachment; filename="${name}-${rest.from.slice(0, 10)}.csv"`)
            .send(asCsv(name, lines) as never);
        return reply
          .type("application/json; charset=utf-8")
          .send({ items: lines.map(({ values, ...line }) => ({ ...line, ...values })) } as never);
      },
    );
  }
}
