/** Alarms: read, and acknowledged. Their rules are in `alarm-rules.ts`; what raises them is `jobs/alarms.ts`. */
import { Type } from "typebox";
import { Uuid } from "../../../shared/ids.ts";
import { OneOf } from "../../../shared/schema.ts";
import { tellPages, type AlarmFacts } from "../../alarm-news.ts";
import type { Client } from "../../db/pool.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { Alarm, AlarmAcknowledgement } from "../notify-schemas.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { notFound } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";

export type AlarmRow = AlarmFacts & {
  severity: Alarm["severity"];
  raised_key: string;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
  note: string | null;
  cleared_because: Alarm["clearedBecause"];
};

export const toAlarm = (r: AlarmRow): Alarm => ({
  alarmId: r.alarm_id,
  ruleId: r.rule_id,
  name: r.name,
  kind: r.kind,
  severity: r.severity,
  subject: r.subject,
  siteId: r.site_id,
  erId: r.er_id,
  stationId: r.station_id,
  detail: r.detail,
  status: r.cleared_at !== null ? "cleared" : r.acknowledged_at === null ? "raised" : "acknowledged",
  raisedAt: isoOf(r.raised_at),
  acknowledgedAt: iso(r.acknowledged_at),
  acknowledgedBy: r.acknowledged_by,
  note: r.note,
  clearedAt: iso(r.cleared_at),
  clearedBecause: r.cleared_because,
});

/** Acknowledged once: whoever comes second gets what the first one said. */
async function acknowledge(
  client: Client,
  actor: Actor,
  alarmId: string,
  note: string | null,
): Promise<AlarmRow> {
  const { rowCount } = await client.query(
    `update alarm set acknowledged_at = now(), acknowledged_by = $3, note = $4
     where operator_id = $1 and alarm_id = $2 and raised_at is not null and acknowledged_at is null`,
    [actor.operatorId, alarmId, actor.name, note],
  );
  const { rows } = await client.query<AlarmRow>(
    "select * from alarm where operator_id = $1 and alarm_id = $2 and raised_at is not null",
    [actor.operatorId, alarmId],
  );
  if (rows[0] === undefined) throw notFound("alarm", alarmId);
  if (rowCount === 1) await tellPages(client, actor.operatorId, rows);
  return rows[0];
}

export function alarmRoutes(app: App, { requireActor }: Context): void {
  const AlarmParams = Type.Object({ alarmId: Uuid });
  const tags = ["alarms"];

  app.get(
    "/v1/alarms",
    {
      schema: {
        operationId: "listAlarms",
        ...needs("alarms:read"),
        tags,
        description: "The newest first. `status=open`: raised or acknowledged, and not cleared.",
        querystring: Type.Object({
          ...PageQuery,
          status: Type.Optional(OneOf(["open", "cleared"])),
          severity: Type.Optional(OneOf(["info", "warning", "critical"])),
          siteId: Type.Optional(Type.String({ maxLength: 64 })),
          stationId: Type.Optional(Type.String({ maxLength: 200 })),
        }),
        response: { 200: PageOf("Alarm") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { status, severity, siteId, stationId } = request.query;
      const where = conditions("a.operator_id = $1 and a.raised_at is not null", actor.operatorId);
      if (status !== undefined)
        where.add(status === "open" ? "a.cleared_at is null" : "a.cleared_at is not null");
      where.add("a.severity = ?", severity);
      where.add("a.site_id = ?", siteId);
      where.add("a.station_id = ?", stationId);
      const after = readCursor(request.query, 2);
      where.add("(a.raised_at, a.alarm_id) < (?::timestamptz, ?::uuid)", after?.[0], after?.[1]);
      const { rows } = await actor.db.query<AlarmRow>(
        `select a.*, a.raised_at::text as raised_key from alarm a where ${where.sql}
         order by a.raised_at desc, a.alarm_id desc limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (r) => [r.raised_key, r.alarm_id], toAlarm);
    },
  );

  app.post(
    "/v1/alarms/:alarmId/acknowledge",
    {
      schema: {
        operationId: "acknowledgeAlarm",
        ...needs("alarms:write"),
        tags,
        description: "Says that somebody is at it. The alarm stays open until its condition is over.",
        params: AlarmParams,
        body: Type.Ref("AlarmAcknowledgement"),
        response: { 200: Type.Ref("Alarm") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { alarmId } = request.params;
      const { note } = request.body as AlarmAcknowledgement;
      const { body } = await writeOnce(actor, request, async (client) => {
        const row = await acknowledge(client, actor, alarmId, note ?? null);
        await audit(client, actor, request, "alarm.acknowledge", alarmId, { note });
        return { status: 200, body: toAlarm(row) };
      });
      return body as Alarm;
    },
  );
}
