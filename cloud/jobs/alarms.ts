/**
 * Alarms: every rule's condition is asked of the tables again and again, and its open alarms are brought in
 * line (`core/alarms.ts`). What is told (mail, webhook, pages) is written in the same transaction as the alarm, so
 * that each raise and each clear is told once.
 *
 * One copy at a time for each operator. A rule that cannot be looked at stops no other rule.
 */
import { randomUUID } from "node:crypto";
import { ALARM_SUBJECTS_MAX } from "../../shared/limits.ts";
import { tellAlarms, type AlarmFacts } from "../alarm-news.ts";
import { alarmKind } from "../core/alarm-kinds.ts";
import { alarmMail, type AlarmNews } from "../core/alarm-mail.ts";
import { nextSteps, type AlarmStep, type OpenAlarm } from "../core/alarms.ts";
import type { Client, Pool } from "../db/pool.ts";
import { queueMail } from "../mail.ts";
import { alone } from "./runner.ts";

type RuleRow = {
  rule_id: string;
  operator_id: string;
  name: string;
  kind: string;
  params: Record<string, number>;
  severity: string;
  site_ids: string[] | null;
  raise_after_s: number;
  clear_after_s: number;
  emails: string[];
  webhook: boolean;
  enabled: boolean;
};

type ConditionRow = {
  subject: string;
  site_id: string | null;
  er_id: string | null;
  station_id: string | null;
  firm: boolean;
  detail: Record<string, unknown>;
};

/** An alarm that was raised or cleared just now. */
type ToldRow = AlarmFacts & { site_name: string | null };

type OpenRow = {
  alarm_id: string;
  subject: string;
  seen: number;
  raised: number | null;
  gone: number | null;
};

const OPEN = `
  select alarm_id, subject, extract(epoch from seen_at)::float8 * 1000 as seen,
    extract(epoch from raised_at)::float8 * 1000 as raised, extract(epoch from gone_at)::float8 * 1000 as gone
  from alarm where rule_id = $1 and cleared_at is null`;

const BEGIN = `
  insert into alarm (alarm_id, operator_id, rule_id, name, kind, severity, subject, site_id, er_id, station_id, detail,
    seen_at, raised_at)
  select r.alarm_id, $2, $3, $4, $5, $6, r.subject, r.site_id, r.er_id, r.station_id, r.detail, now(),
    case when r.raised then now() end
  from jsonb_to_recordset($1) as r(alarm_id uuid, subject text, site_id text, er_id text, station_id text,
    detail jsonb, raised boolean)
  on conflict do nothing`;

/** What it is about now, for those who look: only where it differs. */
const DETAILS = `
  update alarm a set detail = r.detail
  from jsonb_to_recordset($1) as r(subject text, detail jsonb)
  where a.rule_id = $2 and a.subject = r.subject and a.cleared_at is null and a.detail is distinct from r.detail`;

const STEP: Record<Exclude<AlarmStep["kind"], "begin">, string> = {
  raise: "update alarm set raised_at = now() where alarm_id = any ($1)",
  go: "update alarm set gone_at = now() where alarm_id = any ($1)",
  return: "update alarm set gone_at = null where alarm_id = any ($1)",
  clear: "update alarm set cleared_at = now(), cleared_because = $2 where alarm_id = any ($1)",
  forget: "delete from alarm where alarm_id = any ($1)",
};

const TOLD = `
  select a.alarm_id, a.rule_id, a.name, a.kind, a.severity, a.subject, a.site_id, a.er_id, a.station_id, a.detail,
    a.raised_at, a.cleared_at, s.name as site_name
  from alarm a left join site s using (site_id) where a.alarm_id = any ($1) order by a.subject`;

/** What the condition says; `complete`: there was no more of it. */
async function ask(
  client: Client,
  rule: RuleRow,
): Promise<{ conditions: ConditionRow[]; complete: boolean }> {
  const kind = alarmKind(rule.kind);
  if (!rule.enabled || kind === undefined) return { conditions: [], complete: true };
  const { rows } = await client.query<ConditionRow>(
    `with given as (select $1::text, $2::text[], $3::jsonb)
     select * from (${kind.sql}) c order by firm desc nulls last, subject limit ${ALARM_SUBJECTS_MAX + 1}`,
    [rule.operator_id, rule.site_ids, JSON.stringify(rule.params)],
  );
  return { conditions: rows.slice(0, ALARM_SUBJECTS_MAX), complete: rows.length <= ALARM_SUBJECTS_MAX };
}

const toOpen = (row: OpenRow): OpenAlarm => ({
  alarmId: row.alarm_id,
  subject: row.subject,
  seenAtMs: row.seen,
  raisedAtMs: row.raised,
  goneAtMs: row.gone,
});

/** Writes the steps. @returns the alarms that were raised and cleared. */
async function take(
  client: Client,
  rule: RuleRow,
  steps: readonly AlarmStep[],
  conditions: readonly ConditionRow[],
): Promise<{ raised: string[]; cleared: string[] }> {
  const bySubject = new Map(conditions.map((condition) => [condition.subject, condition]));
  const begun = steps.flatMap((step) =>
    step.kind === "begin"
      ? [{ ...bySubject.get(step.subject), alarm_id: randomUUID(), raised: step.raised }]
      : [],
  );
  if (begun.length > 0) {
    const { operator_id, rule_id, name, kind, severity } = rule;
    await client.query(BEGIN, [JSON.stringify(begun), operator_id, rule_id, name, kind, severity]);
  }
  const idsOf = (kind: keyof typeof STEP) =>
    steps.flatMap((step) => (step.kind !== "begin" && step.kind === kind ? [step.alarmId] : []));
  for (const kind of ["raise", "go", "return", "clear", "forget"] as const) {
    const ids = idsOf(kind);
    const because = kind === "clear" ? [rule.enabled ? "condition" : "rule-changed"] : [];
    if (ids.length > 0) await client.query(STEP[kind], [ids, ...because]);
  }
  const atOnce = begun.filter((alarm) => alarm.raised).map((alarm) => alarm.alarm_id);
  return { raised: [...atOnce, ...idsOf("raise")], cleared: idsOf("clear") };
}

const newsOf = (row: ToldRow): AlarmNews => ({
  subject: row.subject,
  siteName: row.site_name,
  detail: row.detail,
});

async function tell(
  client: Client,
  rule: RuleRow,
  raised: ToldRow[],
  cleared: ToldRow[],
  at: Date,
): Promise<void> {
  const { webhook } = rule;
  await tellAlarms(client, rule.operator_id, [...raised, ...cleared], { webhook, at });
  if (rule.emails.length === 0) return;
  const letter = alarmMail({
    rule,
    raised: raised.map(newsOf),
    cleared: cleared.map(newsOf),
    at: at.toISOString(),
  });
  for (const to of rule.emails)
    await queueMail(client, { operatorId: rule.operator_id, kind: "alarm", to, ...letter });
}

/** @returns how many alarms were raised and cleared. */
async function lookAt(client: Client, rule: RuleRow, now: Date): Promise<number> {
  const { conditions, complete } = await ask(client, rule);
  const { rows } = await client.query<OpenRow>(OPEN, [rule.rule_id]);
  const timing = {
    raiseAfterS: rule.raise_after_s,
    // A rule that was switched off has nothing to wait for.
    clearAfterS: rule.enabled ? rule.clear_after_s : 0,
  };
  const steps = nextSteps(timing, conditions, rows.map(toOpen), now.getTime(), complete);
  if (rows.length > 0 && conditions.length > 0) {
    const details = conditions.map(({ subject, detail }) => ({ subject, detail }));
    await client.query(DETAILS, [JSON.stringify(details), rule.rule_id]);
  }
  const { raised, cleared } = await take(client, rule, steps, conditions);
  const ids = [...raised, ...cleared];
  if (ids.length === 0) return 0;
  const told = (await client.query<ToldRow>(TOLD, [ids])).rows;
  await tell(
    client,
    rule,
    told.filter((row) => row.cleared_at === null),
    told.filter((row) => row.cleared_at !== null),
    now,
  );
  return ids.length;
}

async function lookAtOperator(client: Client, operatorId: string, onFailed: (error: unknown) => void) {
  const { rows } = await client.query<RuleRow & { now: Date }>(
    `select r.*, now() as now from alarm_rule r where r.operator_id = $1
       and (r.enabled or exists (select from alarm a where a.rule_id = r.rule_id and a.cleared_at is null))
     order by r.created_at, r.rule_id for share`,
    [operatorId],
  );
  let count = 0;
  for (const rule of rows) {
    await client.query("savepoint rule");
    try {
      count += await lookAt(client, rule, rule.now);
      await client.query("release savepoint rule");
    } catch (error) {
      await client.query("rollback to savepoint rule");
      onFailed(error);
    }
  }
  return count;
}

/**
 * Looks at all rules once. @returns how many alarms were raised and cleared. @throws the first failure, after
 * everything else was looked at.
 */
export async function lookAtAlarms(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ operator_id: string }>("select operator_id from operator order by 1");
  const failures: unknown[] = [];
  const onFailed = (error: unknown) => void failures.push(error);
  let count = 0;
  for (const { operator_id: id } of rows) {
    count += await alone(pool, `alarms ${id}`, (client) => lookAtOperator(client, id, onFailed));
  }
  if (failures.length > 0) throw failures[0];
  return count;
}
