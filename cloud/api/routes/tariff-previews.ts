/** What would something cost, by a tariff or by terms that nobody has saved. Nothing is stored. */
import { Type } from "typebox";
import { isTimeZone } from "../../../shared/decide/wall-clock.ts";
import { priceTransaction } from "../../../shared/decide/tariff.ts";
import type { TariffTerms } from "../../../shared/tariff.ts";
import { plannedTimeline } from "../../core/preview.ts";
import type { Queryable } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { PriceView, TariffPreview, TermsPreview } from "../tariff-schemas.ts";
import { readTariff, toPrice } from "../tariff-view.ts";
import { checkTerms } from "./tariffs.ts";

/** @throws ApiProblem 404, 400 UNKNOWN_TIME_ZONE, PREVIEW_PLACE. */
async function zoneOf(db: Queryable, actor: Actor, session: TariffPreview): Promise<string> {
  const { siteId, timeZone } = session;
  if (timeZone !== undefined) {
    if (isTimeZone(timeZone)) return timeZone;
    throw new ApiProblem(
      400,
      "UNKNOWN_TIME_ZONE",
      `"${timeZone}" is no IANA time zone like America/Sao_Paulo`,
    );
  }
  if (siteId === undefined)
    throw new ApiProblem(
      400,
      "PREVIEW_PLACE",
      "name a siteId or a timeZone: prices go by the wall clock there",
    );
  const { rows } = await db.query<{ time_zone: string }>(
    "select time_zone from site where operator_id = $1 and site_id = $2",
    [actor.operatorId, siteId],
  );
  if (rows[0] === undefined) throw notFound("site", siteId);
  return rows[0].time_zone;
}

/** @throws ApiProblem 400 PREVIEW_ENERGY. */
async function preview(actor: Actor, session: TariffPreview, terms: TariffTerms): Promise<PriceView> {
  const { energyWh, powerW, curve, startedAt, chargingMinutes, idleMinutes = 0 } = session;
  if ([energyWh, powerW, curve].filter((way) => way !== undefined).length !== 1)
    throw new ApiProblem(400, "PREVIEW_ENERGY", "say how much it takes by one of energyWh, powerW and curve");
  const points = curve ?? [{ minute: 0, powerW: powerW ?? 0 }];
  const timeline = plannedTimeline({
    startedAt: startedAt === undefined ? Date.now() : Date.parse(startedAt),
    timeZone: await zoneOf(actor.db, actor, session),
    ...{ chargingMinutes, idleMinutes },
    curve: [...points].sort((a, b) => a.minute - b.minute),
    ...(energyWh === undefined ? {} : { energyWh }),
  });
  return toPrice(priceTransaction(terms, timeline));
}

export function tariffPreviewRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/tariffs/:tariffId/previews",
    {
      schema: {
        operationId: "previewTariff",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        description: "What would this session cost by the tariff's last version? Nothing is stored.",
        params: Type.Object({ tariffId: Type.String({ maxLength: 64 }) }),
        body: Type.Ref("TariffPreview"),
        response: { 200: Type.Ref("Price") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { terms } = await readTariff(actor.db, actor.operatorId, request.params.tariffId);
      return preview(actor, request.body as TariffPreview, terms);
    },
  );

  app.post(
    "/v1/tariff-previews",
    {
      schema: {
        operationId: "previewTerms",
        ...needs("tariffs:read"),
        tags: ["tariffs"],
        description: "What would this session cost by terms that are not saved? Nothing is stored.",
        body: Type.Ref("TermsPreview"),
        response: { 200: Type.Ref("Price") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { terms, ...session } = request.body as TermsPreview;
      checkTerms(terms);
      return preview(actor, session, terms);
    },
  );
}
