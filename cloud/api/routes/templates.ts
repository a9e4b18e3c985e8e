/** Configuration templates, and what the stations make of them. Every change becomes a new policy version. */
import { randomUUID } from "node:crypto";
import { Type } from "typebox";
import { CONFIGURATION_VIEW_MAX, TEMPLATES_MAX } from "../../../shared/limits.ts";
import { nameOf, placeId } from "../../../shared/ocpp/device-model.ts";
import { placeFor, refusalOf, type TemplateVariable } from "../../../shared/template.ts";
import { changeOf } from "../../core/audit.ts";
import type { StationFacts } from "../../core/configuration.ts";
import type { Client } from "../../db/pool.ts";
import type { TemplateRow } from "../../ingest/template-sql.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { readConfiguration, toConfigurationValue } from "../configuration-view.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { bumpPolicy } from "../policy-version.ts";
import { ApiProblem, notFound } from "../problem.ts";
import type { NewStationTemplate, StationTemplate, StationTemplatePatch } from "../template-schemas.ts";
import { audit, writeOnce } from "../write.ts";

const toTemplate = (r: TemplateRow): StationTemplate => ({
  templateId: r.template_id,
  operatorId: r.operator_id,
  name: r.name,
  vendor: r.vendor,
  model: r.model,
  firmware: r.firmware,
  siteIds: r.site_ids,
  priority: r.priority,
  variables: r.variables,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

const COLUMNS = [
  ["name", "name"],
  ["vendor", "vendor"],
  ["model", "model"],
  ["firmware", "firmware"],
  ["siteIds", "site_ids"],
  ["priority", "priority"],
  ["variables", "variables"],
] as const satisfies readonly (readonly [keyof NewStationTemplate, string])[];

type Body = NewStationTemplate | StationTemplatePatch;

/** Column and value of every field that the body tells. */
const told = (body: Body): [string, unknown][] =>
  COLUMNS.flatMap(([field, column]): [string, unknown][] => {
    if (!Object.hasOwn(body, field)) return [];
    const value = body[field] ?? (field === "priority" ? 0 : null);
    return [[column, field === "variables" ? JSON.stringify(value) : value]];
  });

/** @throws ApiProblem 400 TEMPLATE_VARIABLE_REFUSED, TEMPLATE_VARIABLE_TWICE, UNKNOWN_SITE. */
async function check(client: Client, actor: Actor, body: Body): Promise<void> {
  checkVariables(body.variables ?? []);
  const siteIds = body.siteIds ?? [];
  if (siteIds.length === 0) return;
  const { rows } = await client.query<{ id: string }>(
    `select id from unnest($2::text[]) id
     where not exists (select from site x where x.operator_id = $1 and x.site_id = id) limit 1`,
    [actor.operatorId, siteIds],
  );
  const [missing] = rows;
  if (missing !== undefined) throw new ApiProblem(400, "UNKNOWN_SITE", `there is no site "${missing.id}"`);
}

function checkVariables(variables: readonly TemplateVariable[]): void {
  const seen = new Set<string>();
  for (const variable of variables) {
    const { component = "" } = variable;
    const name = nameOf({ ...variable, component });
    const reason = refusalOf(variable);
    if (reason !== undefined)
      throw new ApiProblem(400, "TEMPLATE_VARIABLE_REFUSED", `${name} cannot stand in a template: ${reason}`);
    const places = (["ocpp1.6", "ocpp2.0.1"] as const).flatMap((protocol) => {
      const place = placeFor(protocol, variable);
      return place === undefined ? [] : [`${protocol} ${placeId(place)}`];
    });
    if (places.some((place) => seen.has(place)))
      throw new ApiProblem(400, "TEMPLATE_VARIABLE_TWICE", `${name} stands in the template twice`);
    for (const place of places) seen.add(place);
  }
}

/** @throws ApiProblem 409 TEMPLATE_EXISTS where another has the name. */
const unlessNameTaken = (name: string | undefined) => (error: unknown) => {
  if ((error as { constraint?: string }).constraint !== "station_template_name") throw error;
  throw new ApiProblem(409, "TEMPLATE_EXISTS", `there is a template "${name ?? ""}" already`);
};

/** @throws ApiProblem 409 TOO_MANY_TEMPLATES. */
async function insertTemplate(client: Client, actor: Actor, body: NewStationTemplate): Promise<TemplateRow> {
  await check(client, actor, body);
  const { rows: counted } = await client.query<{ count: number }>(
    "select count(*)::int as count from station_template where operator_id = $1",
    [actor.operatorId],
  );
  if ((counted[0]?.count ?? 0) >= TEMPLATES_MAX)
    throw new ApiProblem(409, "TOO_MANY_TEMPLATES", `an operator has at most ${TEMPLATES_MAX} templates`);
  const fields: [string, unknown][] = [
    ["operator_id", actor.operatorId],
    ["template_id", randomUUID()],
    ...told(body),
  ];
  const { rows } = await client
    .query<TemplateRow>(
      `insert into station_template (${fields.map(([column]) => column).join(", ")})
       values (${fields.map((_, index) => `$${index + 1}`).join(", ")}) returning *`,
      fields.map(([, value]) => value),
    )
    .catch(unlessNameTaken(body.name));
  return rows[0] as TemplateRow;
}

/** @throws ApiProblem 404. */
async function patchTemplate(
  client: Client,
  actor: Actor,
  templateId: string,
  patch: StationTemplatePatch,
): Promise<{ before: TemplateRow; after: TemplateRow }> {
  await check(client, actor, patch);
  const { rows: found } = await client.query<TemplateRow>(
    "select * from station_template where operator_id = $1 and template_id::text = $2 for update",
    [actor.operatorId, templateId],
  );
  const fields = told(patch);
  const changes = ["updated_at = now()", ...fields.map(([column], index) => `${column} = $${index + 3}`)];
  const { rows } = await client
    .query<TemplateRow>(
      `update station_template set ${changes.join(", ")} where operator_id = $1 and template_id::text = $2
       returning *`,
      [actor.operatorId, templateId, ...fields.map(([, value]) => value)],
    )
    .catch(unlessNameTaken(patch.name));
  const [[before], [after]] = [found, rows];
  if (before === undefined || after === undefined) throw notFound("template", templateId);
  return { before, after };
}

const TemplateParams = Type.Object({ templateId: Type.String({ maxLength: 64 }) });
const Once = Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) });

export function templateRoutes(app: App, context: Context): void {
  readRoutes(app, context);
  writeRoutes(app, context);
  configurationRoute(app, context);
}

function readRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/station-templates",
    {
      schema: {
        operationId: "listStationTemplates",
        ...needs("templates:read"),
        tags: ["templates"],
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("StationTemplate") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("t.operator_id = $1", actor.operatorId);
      where.add('t.template_id::text collate "C" > ?', readCursor(request.query, 1)?.[0]);
      const limit = (request.query.limit ?? 50) + 1;
      const sql = `select t.* from station_template t where ${where.sql} order by t.template_id limit ${limit}`;
      const { rows } = await actor.db.query<TemplateRow>(sql, where.params);
      return toPage(rows, request.query, (r) => [r.template_id], toTemplate);
    },
  );

  app.get(
    "/v1/station-templates/:templateId",
    {
      schema: {
        operationId: "getStationTemplate",
        ...needs("templates:read"),
        tags: ["templates"],
        params: TemplateParams,
        response: { 200: Type.Ref("StationTemplate") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { templateId } = request.params;
      const { rows } = await actor.db.query<TemplateRow>(
        "select * from station_template where operator_id = $1 and template_id::text = $2",
        [actor.operatorId, templateId],
      );
      if (rows[0] === undefined) throw notFound("template", templateId);
      return toTemplate(rows[0]);
    },
  );
}

const CREATE = `Wanted values for the stations of a make. A variable without a component is a key of OCPP 1.6;
what both versions know needs to be named once. The ERs carry it out, also while they are alone.`;

function writeRoutes(app: App, { requireActor }: Context): void {
  app.post(
    "/v1/station-templates",
    {
      schema: {
        operationId: "createStationTemplate",
        ...needs("templates:write"),
        tags: ["templates"],
        description: CREATE,
        headers: Once,
        body: Type.Ref("NewStationTemplate"),
        response: { 201: Type.Ref("StationTemplate") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewStationTemplate;
      const { body: template } = await writeOnce(actor, request, async (client) => {
        const row = await insertTemplate(client, actor, body);
        await bumpPolicy(client, actor.operatorId);
        await audit(client, actor, request, "template.create", row.template_id, body);
        return { status: 201, body: toTemplate(row) };
      });
      const view = template as StationTemplate;
      return reply.code(201).header("Location", `/v1/station-templates/${view.templateId}`).send(view);
    },
  );

  app.patch(
    "/v1/station-templates/:templateId",
    {
      schema: {
        operationId: "updateStationTemplate",
        ...needs("templates:write"),
        tags: ["templates"],
        description: "Merge patch: fields that are absent stay; `variables` are replaced whole.",
        params: TemplateParams,
        headers: Once,
        body: Type.Ref("StationTemplatePatch"),
        response: { 200: Type.Ref("StationTemplate") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { templateId } = request.params;
      const patch = request.body as StationTemplatePatch;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { before, after } = await patchTemplate(client, actor, templateId, patch);
        await bumpPolicy(client, actor.operatorId);
        const change = changeOf(toTemplate(before), toTemplate(after));
        await audit(client, actor, request, "template.update", templateId, change);
        return { status: 200, body: toTemplate(after) };
      });
      return body as StationTemplate;
    },
  );

  app.delete(
    "/v1/station-templates/:templateId",
    {
      schema: {
        operationId: "deleteStationTemplate",
        ...needs("templates:write"),
        tags: ["templates"],
        description: "Tells the template as it was. What has been written stays at the stations.",
        params: TemplateParams,
        headers: Once,
        response: { 200: Type.Ref("StationTemplate") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { templateId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { rows } = await client.query<TemplateRow>(
          "delete from station_template where operator_id = $1 and template_id::text = $2 returning *",
          [actor.operatorId, templateId],
        );
        if (rows[0] === undefined) throw notFound("template", templateId);
        await bumpPolicy(client, actor.operatorId);
        await audit(client, actor, request, "template.delete", templateId, null);
        return { status: 200, body: toTemplate(rows[0]) };
      });
      return body as StationTemplate;
    },
  );
}

function configurationRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/stations/:stationId/configuration",
    {
      schema: {
        operationId: "getStationConfiguration",
        ...needs("stations:read"),
        tags: ["templates"],
        description:
          "Every known value of the station, in one form for OCPP 1.6 and 2.x, beside what templates want of it.",
        params: Type.Object({ stationId: Type.String() }),
        querystring: Type.Object({ drift: Type.Optional(Type.Boolean()) }),
        response: { 200: Type.Ref("StationConfiguration") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { stationId } = request.params;
      const { rows } = await actor.db.query<StationFacts & { station_id: string; site_id: string }>(
        `select station_id, site_id, protocol, vendor, model, firmware_version, booted_at from station
         where operator_id = $1 and station_id = $2`,
        [actor.operatorId, stationId],
      );
      const [station] = rows;
      if (station === undefined) throw notFound("station", stationId);
      const all = await readConfiguration(actor.db, actor.operatorId, station);
      const { drift } = request.query;
      const items = all.filter((item) => drift === undefined || item.drift === drift);
      return {
        ...{ stationId, protocol: station.protocol },
        driftCount: all.filter((item) => item.drift).length,
        values: items.slice(0, CONFIGURATION_VIEW_MAX).map(toConfigurationValue),
        truncated: items.length > CONFIGURATION_VIEW_MAX,
      };
    },
  );
}
