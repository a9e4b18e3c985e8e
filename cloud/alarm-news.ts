/**
 * What is told of alarms that were raised, acknowledged or cleared, in the transaction in which that happened:
 * to the pages that look, and to the operator's own systems. Mails are the job's (`jobs/alarms.ts`).
 */
import { notifyLive } from "./api/write.ts";
import type { Client } from "./db/pool.ts";
import { emitAll } from "./webhooks.ts";

export type AlarmFacts = {
  alarm_id: string;
  rule_id: string | null;
  name: string;
  kind: string;
  severity: string;
  subject: string;
  site_id: string | null;
  er_id: string | null;
  station_id: string | null;
  detail: Record<string, unknown>;
  raised_at: Date;
  cleared_at: Date | null;
};

/** To those who look; nothing but which alarm, and where. */
export const tellPages = (client: Client, operatorId: string, alarms: readonly AlarmFacts[]): Promise<void> =>
  notifyLive(
    client,
    operatorId,
    alarms.map(({ alarm_id: alarmId, site_id: siteId, station_id: stationId }) => ({
      type: "alarm" as const,
      alarmId,
      ...(siteId === null ? {} : { siteId }),
      ...(stationId === null ? {} : { stationId }),
    })),
  );

/** Raised or cleared. @param webhook whether the rule tells the operator's own systems. */
export async function tellAlarms(
  client: Client,
  operatorId: string,
  alarms: readonly AlarmFacts[],
  { webhook, at }: { webhook: boolean; at: Date },
): Promise<void> {
  await tellPages(client, operatorId, alarms);
  if (!webhook) return;
  const events = alarms.map((alarm) => ({
    type: alarm.cleared_at === null ? ("alarm.raised" as const) : ("alarm.cleared" as const),
    siteId: alarm.site_id ?? undefined,
    at,
    data: {
      alarmId: alarm.alarm_id,
      ruleId: alarm.rule_id,
      name: alarm.name,
      kind: alarm.kind,
      severity: alarm.severity,
      subject: alarm.subject,
      siteId: alarm.site_id,
      erId: alarm.er_id,
      stationId: alarm.station_id,
      raisedAt: alarm.raised_at,
      clearedAt: alarm.cleared_at,
      detail: alarm.detail,
    },
  }));
  await emitAll(client, operatorId, events);
}
