/** Rules of alarms: what is watched, for which sites, and who hears of it. The kinds are in `core/alarm-kinds.ts`. */
import { Type } from "typebox";
import { Uuid } from "../../../shared/ids.ts";
import { ALARM_RULES_MAX } from "../../../shared/limits.ts";
import { ALARM_KINDS, alarmKind, readParams } from "../../core/alarm-kinds.ts";
import { changeOf } from "../../core/audit.ts";
import { tellAlarms } from "../../alarm-news.ts";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { AlarmKindView, AlarmRule, AlarmRulePatch, NewAlarmRule } from "../notify-schemas.ts";
import { conditions, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";
import type { AlarmRow } from "./alarms.ts";

type RuleRow = {
  rule_id: string;
  name: string;
  kind: AlarmRule["kind"];
  params: Record<string, number>;
  severity: AlarmRule["severity"];
  site_ids: string[] | null;
  raise_after_s: number;
  clear_after_s: number;
  emails: string[];
  webhook: boolean;
  enabled: boolean;
  created_at: Date;
  created_key: string;
  updated_at: Date;
};

const toRule = (r: RuleRow): AlarmRule => ({
  ruleId: r.rule_id,
  name: r.name,
  kind: r.kind,
  params: r.params,
  severity: r.severity,
  siteIds: r.site_ids,
  raiseAfterS: r.raise_after_s,
  clearAfterS: r.clear_after_s,
  emails: r.emails,
  webhook: r.webhook,
  enabled: r.enabled,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
});

const COLUMNS = [
  ["name", "name"],
  ["severity", "severity"],
  ["siteIds", "site_ids"],
  ["raiseAfterS", "raise_after_s"],
  ["clearAfterS", "clear_after_s"],
  ["emails", "emails"],
  ["webhook", "webhook"],
  ["enabled", "enabled"],
] as const satisfies readonly (readonly [keyof AlarmRulePatch, string])[];

/** Column and value of every field that the body tells, with the numbers of its kind. */
function told(body: AlarmRulePatch, kindName: string): [string, unknown][] {
  const fields: [string, unknown][] = COLUMNS.flatMap(([field, column]) =>
    body[field] === undefined ? [] : [[column, body[field]]],
  );
  const kind = alarmKind(kindName);
  if (body.params === undefined || kind === undefined) return fields;
  const params = readParams(kind, body.params);
  if (typeof params === "string") throw new ApiProblem(400, "INVALID_PARAMS", params);
  return [...fields, ["params", JSON.stringify(params)]];
}

/** @throws ApiProblem 400 UNKNOWN_SITE. */
async function checkSites(client: Client, actor: Actor, siteIds: readonly string[] | null | undefined) {
  if (siteIds === null || siteIds === undefined) return;
  const { rows } = await client.query<{ id: string }>(
    `select id from unnest($2::text[]) id
     where not exists (select from site s where s.operator_id = $1 and s.site_id = id) limit 1`,
    [actor.operatorId, siteIds],
  );
  if (rows[0] !== undefined) throw new ApiProblem(400, "UNKNOWN_SITE", `there is no site "${rows[0].id}"`);
}

async function insertRule(client: Client, actor: Actor, body: NewAlarmRule): Promise<RuleRow> {
  const { rows: counted } = await client.query<{ count: number }>(
    "select count(*)::int as count from alarm_rule where operator_id = $1",
    [actor.operatorId],
  );
  if ((counted[0]?.count ?? 0) >= ALARM_RULES_MAX)
    throw new ApiProblem(409, "TOO_MANY_RULES", `an operator has at most ${ALARM_RULES_MAX} alarm rules`);
  await checkSites(client, actor, body.siteIds);
  const fields: [string, unknown][] = [
    ["operator_id", actor.operatorId],
    ["kind", body.kind],
    ...told({ params: {}, ...body }, body.kind),
  ];
  const { rows } = await client.query<RuleRow>(
    `insert into alarm_rule (${fields.map(([column]) => column).join(", ")})
     values (${fields.map((_, i) => `$${i + 1}`).join(", ")}) returning *`,
    fields.map(([, value]) => value),
  );
  return rows[0] as RuleRow;
}

const lockRule = async (client: Client, actor: Actor, ruleId: string): Promise<RuleRow> => {
  const { rows } = await client.query<RuleRow>(
    "select * from alarm_rule where operator_id = $1 and rule_id = $2 for update",
    [actor.operatorId, ruleId],
  );
  if (rows[0] === undefined) throw notFound("alarm rule", ruleId);
  return rows[0];
};

async function patchRule(
  client: Client,
  actor: Actor,
  ruleId: string,
  patch: AlarmRulePatch,
): Promise<{ before: RuleRow; after: RuleRow }> {
  const before = await lockRule(client, actor, ruleId);
  await checkSites(client, actor, patch.siteIds);
  const fields = told(patch, before.kind);
  const { rows } = await client.query<RuleRow>(
    `update alarm_rule set ${["updated_at = now()", ...fields.map(([column], i) => `${column} = $${i + 3}`)].join(", ")}
     where operator_id = $1 and rule_id = $2 returning *`,
    [actor.operatorId, ruleId, ...fields.map(([, value]) => value)],
  );
  return { before, after: rows[0] as RuleRow };
}

/** Its alarms are over with it, and that is told. */
async function deleteRule(client: Client, actor: Actor, ruleId: string): Promise<RuleRow> {
  const rule = await lockRule(client, actor, ruleId);
  await client.query("delete from alarm where operator_id = $1 and rule_id = $2 and raised_at is null", [
    ...[actor.operatorId, ruleId],
  ]);
  const { rows } = await client.query<AlarmRow>(
    `update alarm set cleared_at = now(), cleared_because = 'rule-deleted'
     where operator_id = $1 and rule_id = $2 and cleared_at is null returning *`,
    [actor.operatorId, ruleId],
  );
  const { webhook } = rule;
  await tellAlarms(client, actor.operatorId, rows, { webhook, at: new Date() });
  await client.query("delete from alarm_rule where operator_id = $1 and rule_id = $2", [
    ...[actor.operatorId, ruleId],
  ]);
  return rule;
}

export function alarmRuleRoutes(app: App, { requireActor }: Context): void {
  const RuleParams = Type.Object({ ruleId: Uuid });
  const tags = ["alarms"];

  app.get(
    "/v1/alarm-kinds",
    {
      schema: {
        operationId: "listAlarmKinds",
        ...needs("alarms:read"),
        tags,
        description: "What a rule can watch for, and its numbers.",
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("AlarmKind")) }) },
      },
    },
    async (request) => {
      await requireActor(request);
      const items = Object.entries(ALARM_KINDS).map(([kind, { words, params }]) => ({ kind, words, params }));
      return { items: items as unknown as AlarmKindView[] };
    },
  );

  app.get(
    "/v1/alarm-rules",
    {
      schema: {
        operationId: "listAlarmRules",
        ...needs("alarms:read"),
        tags,
        description:
          "Rules are the operator's: whoever sees named sites only sees their alarms and no rules.",
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("AlarmRule") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const where = conditions("r.operator_id = $1", actor.operatorId);
      const after = readCursor(request.query, 2);
      where.add("(r.created_at, r.rule_id) > (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const limit = (request.query.limit ?? 50) + 1;
      const { rows } = await actor.db.query<RuleRow>(
        `select r.*, r.created_at::text as created_key from alarm_rule r where ${where.sql}
         order by r.created_at, r.rule_id limit ${limit}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.created_key, r.rule_id], toRule);
    },
  );

  app.post(
    "/v1/alarm-rules",
    {
      schema: {
        operationId: "createAlarmRule",
        ...needs("alarm-rules:write"),
        tags,
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        body: Type.Ref("NewAlarmRule"),
        response: { 201: Type.Ref("AlarmRule") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const body = request.body as NewAlarmRule;
      const { body: rule } = await writeOnce(actor, request, async (client) => {
        const row = await insertRule(client, actor, body);
        await audit(client, actor, request, "alarmRule.create", row.rule_id, body);
        return { status: 201, body: toRule(row) };
      });
      return reply.code(201).send(rule as AlarmRule);
    },
  );

  app.patch(
    "/v1/alarm-rules/:ruleId",
    {
      schema: {
        operationId: "updateAlarmRule",
        ...needs("alarm-rules:write"),
        tags,
        description: "Merge patch. A rule that is switched off ends its alarms.",
        params: RuleParams,
        body: Type.Ref("AlarmRulePatch"),
        response: { 200: Type.Ref("AlarmRule") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const patch = request.body as AlarmRulePatch;
      const { ruleId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const { before, after } = await patchRule(client, actor, ruleId, patch);
        const change = changeOf(toRule(before), toRule(after));
        await audit(client, actor, request, "alarmRule.update", ruleId, change);
        return { status: 200, body: toRule(after) };
      });
      return body as AlarmRule;
    },
  );

  app.delete(
    "/v1/alarm-rules/:ruleId",
    {
      schema: {
        operationId: "deleteAlarmRule",
        ...needs("alarm-rules:write"),
        tags,
        params: RuleParams,
        response: { 200: Type.Ref("AlarmRule") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { ruleId } = request.params;
      const { body } = await writeOnce(actor, request, async (client) => {
        const rule = await deleteRule(client, actor, ruleId);
        await audit(client, actor, request, "alarmRule.delete", ruleId, toRule(rule));
        return { status: 200, body: toRule(rule) };
      });
      return body as AlarmRule;
    },
  );
}
