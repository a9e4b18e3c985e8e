/**
 * What an alarm rule can watch for: each kind is one condition in SQL, looked at again and again. The place to
 * add one.
 *
 * A condition gives one row per subject that it is about: `firm` where it is beyond its threshold (raises), not
 * firm where it is merely not over yet (neither raises nor clears): a value that trembles around a threshold
 * makes one alarm. What is not known at the moment (the ER is silent) is never firm, and clears nothing.
 *
 * Parameters: $1 operator, $2 sites (null: all), $3 the rule's numbers as jsonb. Columns: subject, site_id,
 * er_id, station_id, firm, detail (jsonb).
 */

export type AlarmParam = { min: number; max: number; default: number };

export type AlarmKind = {
  /** What it says, in the lists of the page and in mails. */
  words: { en: string; pt: string; es: string };
  params: Readonly<Record<string, AlarmParam>>;
  sql: string;
};

const MINUTES = { min: 1, max: 10_080, default: 15 };
const HOURS = { min: 1, max: 720, default: 24 };

/** Half an hour of trying, at the pace of the job that bills. */
const TRIES_IN_VAIN = 6;

const number = (name: string) => `($3::jsonb->>'${name}')::float8`;
const ago = (name: "minutes" | "hours") => `(now() - ${number(name)} * interval '1 ${name.slice(0, -1)}')`;
const site = (column: string) => `($2::text[] is null or ${column} = any ($2))`;

/** Hellos and batches come at least every minute. */
const HEARD = "coalesce(e.last_seen_at > now() - interval '150 seconds', false)";
const FRESH = `(${HEARD} and e.gauges_at > now() - interval '15 minutes')`;

/** A gauge of the ER: from `raise` on it is firm, below `hold` it is over. */
const gauge = (value: string, raise: string, hold: string, unit: string) => `
  select 'er:' || er_id as subject, site_id, er_id, null::text as station_id, value > ${raise} and fresh as firm,
    jsonb_build_object('${unit}', round(value::numeric)) as detail
  from (select e.er_id, e.site_id, ${FRESH} as fresh, (${value})::float8 as value
        from er e where e.operator_id = $1 and ${site("e.site_id")} and e.gauges is not null) g
  where value > ${hold}`;

/** Things of a site, or of none, that wait: one alarm per site, however many there are. */
const perSite = (from: string, at: string) => `
  select coalesce('site:' || q.site_id, 'payments') as subject, q.site_id, null::text as er_id,
    null::text as station_id, true as firm, jsonb_build_object('count', count(*), 'oldestAt', min(${at})) as detail
  from ${from} group by q.site_id`;

export const ALARM_KINDS = {
  "er-offline": {
    words: { en: "ER offline", pt: "ER fora do ar", es: "ER sin conexión" },
    params: { minutes: { ...MINUTES, default: 10 } },
    sql: `
      select 'er:' || e.er_id as subject, e.site_id, e.er_id, null::text as station_id,
        e.last_seen_at < ${ago("minutes")} as firm, jsonb_build_object('lastSeenAt', e.last_seen_at) as detail
      from er e where e.operator_id = $1 and ${site("e.site_id")}
        and (not ${HEARD} or e.last_seen_at < ${ago("minutes")})`,
  },
  "station-offline": {
    words: { en: "Station offline", pt: "Estação fora do ar", es: "Estación sin conexión" },
    params: { minutes: MINUTES },
    sql: `
      select 'station:' || s.station_id as subject, s.site_id, s.er_id, s.station_id,
        ${HEARD} and s.online_changed_at < ${ago("minutes")} as firm,
        jsonb_build_object('offlineSince', s.online_changed_at) as detail
      from station s join er e using (er_id)
      where s.operator_id = $1 and ${site("s.site_id")} and not s.online and s.online_changed_at is not null`,
  },
  "connector-faulted": {
    words: { en: "Connector faulted", pt: "Conector com falha", es: "Conector con falla" },
    params: { minutes: { ...MINUTES, default: 5 } },
    sql: `
      select format('connector:%s:%s:%s', c.station_id, c.evse_id, c.connector_id) as subject, s.site_id, s.er_id,
        c.station_id, c.status_at < ${ago("minutes")} as firm,
        jsonb_strip_nulls(jsonb_build_object('faultedSince', c.status_at, 'errorCode', c.error_code)) as detail
      from connector c join station s using (station_id)
      where c.operator_id = $1 and ${site("s.site_id")} and c.status = 'Faulted'`,
  },
  "er-backlog": {
    words: { en: "ER far behind", pt: "ER muito atrasado", es: "ER muy atrasado" },
    params: { entries: { min: 100, max: 100_000_000, default: 10_000 } },
    sql: gauge("e.gauges->>'backlog'", number("entries"), `0.8 * ${number("entries")}`, "backlogEntries"),
  },
  "er-disk": {
    words: {
      en: "ER's journal fills its budget",
      pt: "Diário do ER quase cheio",
      es: "Diario del ER casi lleno",
    },
    params: { percent: { min: 10, max: 100, default: 80 } },
    sql: gauge(
      `100 * (e.gauges->>'journalBytes')::float8 / nullif((e.gauges->>'journalBudgetBytes')::float8, 0)`,
      number("percent"),
      `${number("percent")} - 5`,
      "percent",
    ),
  },
  "er-pressure": {
    words: {
      en: "ER gives up telemetry for want of disk",
      pt: "ER descarta telemetria por falta de disco",
      es: "El ER descarta telemetría por falta de disco",
    },
    params: {},
    sql: `
      select 'er:' || e.er_id as subject, e.site_id, e.er_id, null::text as station_id, ${FRESH} as firm,
        jsonb_build_object('pressure', e.gauges->>'pressure') as detail
      from er e where e.operator_id = $1 and ${site("e.site_id")} and e.gauges->>'pressure' <> 'none'`,
  },
  "er-clock": {
    words: { en: "ER's clock is wrong", pt: "Relógio do ER errado", es: "Reloj del ER incorrecto" },
    params: { seconds: { min: 1, max: 86_400, default: 30 } },
    sql: gauge(
      "abs((e.gauges->>'clockOffsetMs')::float8) / 1000",
      number("seconds"),
      `0.8 * ${number("seconds")}`,
      "offByS",
    ),
  },
  "meter-silent": {
    words: { en: "Meter silent", pt: "Medidor sem resposta", es: "Medidor sin respuesta" },
    params: { minutes: MINUTES },
    sql: `
      select 'meter:' || m.meter_id as subject, m.site_id, m.er_id, null::text as station_id, ${HEARD} as firm,
        jsonb_strip_nulls(jsonb_build_object('lastSampleAt', m.sampled_at, 'reason', m.state_reason)) as detail
      from meter m join er e using (er_id)
      where m.operator_id = $1 and ${site("m.site_id")} and m.sampled_at < ${ago("minutes")}`,
  },
  "command-uncertain": {
    words: {
      en: "Commands with an uncertain outcome",
      pt: "Comandos com resultado incerto",
      es: "Comandos con resultado incierto",
    },
    params: { minutes: { ...MINUTES, default: 5 } },
    sql: perSite(
      `(select c.site_id, coalesce(c.finished_at, c.issued_at) as at from command c
        where c.operator_id = $1 and ${site("c.site_id")} and c.status = 'uncertain') q where q.at < ${ago("minutes")}`,
      "q.at",
    ),
  },
  "orphan-stop": {
    words: {
      en: "Stops without a start",
      pt: "Fins de recarga sem início",
      es: "Finales de carga sin inicio",
    },
    params: { hours: { ...HOURS, default: 4 } },
    sql: perSite(
      `review_open q where q.operator_id = $1 and ${site("q.site_id")} and 'orphan-stop' = any (q.kinds)
         and q.at < ${ago("hours")}`,
      "q.at",
    ),
  },
  "work-queue": {
    words: {
      en: "Work waits for a person",
      pt: "Pendências aguardam uma pessoa",
      es: "Pendientes esperan a una persona",
    },
    params: { hours: HOURS },
    sql: perSite(
      `review_open q where q.operator_id = $1 and ${site("q.site_id")} and q.at < ${ago("hours")}
         and not q.kinds <@ '{journal-shed,journal-set-aside}'`,
      "q.at",
    ),
  },
  "entry-parked": {
    words: { en: "Entries parked", pt: "Registros retidos", es: "Registros apartados" },
    params: {},
    sql: perSite(
      `(select e.site_id, p.parked_at as at from parked_entry p join er e using (er_id)
        where p.operator_id = $1 and ${site("e.site_id")} and p.resolved_at is null) q`,
      "q.at",
    ),
  },
  "billing-held": {
    words: {
      en: "Transactions that cannot be billed",
      pt: "Recargas que não podem ser cobradas",
      es: "Cargas que no se pueden cobrar",
    },
    params: { hours: HOURS },
    // Held for somebody; or tried again and again in vain, which is a fault of ours and waits for no hours.
    sql: perSite(
      `(select b.site_id, b.updated_at as at from transaction_billing b
        where b.operator_id = $1 and ${site("b.site_id")} and b.status = 'held' and b.updated_at < ${ago("hours")}
        union all
        select b.site_id, b.updated_at from transaction_billing b
        where b.operator_id = $1 and ${site("b.site_id")} and b.tries >= ${TRIES_IN_VAIN}) q`,
      "q.at",
    ),
  },
  "charged-free": {
    words: {
      en: "Charging without a tariff, where there are tariffs",
      pt: "Recargas sem tarifa onde há tarifas",
      es: "Cargas sin tarifa donde hay tarifas",
    },
    params: { hours: HOURS },
    // A group's tariff says nothing of the others, who may charge for nothing on purpose.
    sql: perSite(
      `(select c.site_id, c.ended_at as at from cdr c
        where c.operator_id = $1 and ${site("c.site_id")} and c.ended_at >= ${ago("hours")}
          and 'no-tariff' = any (c.flags) and c.total_minor = 0 and c.energy_wh > 0
          and not exists (select from cdr n where n.corrects = c.cdr_id)
          and exists (select from tariff_assignment a where a.operator_id = $1 and a.assigned_until is null
            and a.group_id is null and (a.site_id is null or a.site_id = c.site_id))) q`,
      "q.at",
    ),
  },
  "statement-late": {
    words: {
      en: "Statements of a month are late",
      pt: "Extratos de um mês atrasados",
      es: "Estados de cuenta de un mes atrasados",
    },
    params: { hours: { ...HOURS, default: 24 } },
    // The last month that is over by the operator's calendar, where it had books before its end.
    sql: `
      select 'statements' as subject, null::text as site_id, null::text as er_id, null::text as station_id,
        true as firm, jsonb_build_object('from', m.since, 'to', m.until) as detail
      from operator o cross join lateral (
        select (d - interval '1 month') at time zone o.time_zone as since, d at time zone o.time_zone as until
        from date_trunc('month', now() at time zone o.time_zone) d) m
      where o.operator_id = $1 and $2::text[] is null and m.until < ${ago("hours")}
        and exists (select from ledger_posting p where p.operator_id = $1 and p.booked_at < m.until)
        and not exists (select from statement_month s where s.operator_id = $1 and s.period_from = m.since
          and s.period_to = m.until)`,
  },
  "payment-problem": {
    words: {
      en: "Payments that need a look",
      pt: "Pagamentos que precisam de atenção",
      es: "Pagos que piden atención",
    },
    params: { minutes: MINUTES },
    // Disputed, or asked of the provider several times in vain; payouts that the bank sent back and none has followed,
    // or that could not be read for a day.
    sql: perSite(
      `(select p.site_id, p.updated_at as at from payment p
        where p.operator_id = $1 and ${site("p.site_id")} and p.created_at > now() - interval '180 days'
          and (p.status = 'disputed'
            or (p.due_at is not null and p.attempts >= 3 and p.created_at < ${ago("minutes")}))
        union all
        select null, o.updated_at from payout o
        where o.operator_id = $1 and $2::text[] is null and o.status = 'failed'
          and o.updated_at > now() - interval '30 days' and not exists (select from payout n
            where n.provider_id = o.provider_id and n.status = 'paid' and n.made_at > o.made_at)
        union all
        select null, coalesce(a.payouts_read_at, a.payouts_from) from payment_provider a
        where a.operator_id = $1 and $2::text[] is null and a.payouts_error is not null
          and coalesce(a.payouts_read_at, a.payouts_from) < now() - interval '1 day') q`,
      "q.at",
    ),
  },
  "payment-finding": {
    words: {
      en: "Findings about payments that are open",
      pt: "Achados em aberto sobre pagamentos",
      es: "Hallazgos abiertos sobre pagos",
    },
    params: { minutes: { ...MINUTES, default: 60 } },
    // Providers that cannot be reached or refuse, refunds that failed, disputes, amounts that differ, …
    sql: `
      select coalesce('site:' || f.site_id, 'payments') as subject, f.site_id, null::text as er_id,
        null::text as station_id, true as firm, jsonb_build_object('count', count(*), 'oldestAt', min(f.found_at),
          'kinds', string_agg(distinct f.kind, ' ' order by f.kind)) as detail
      from payment_finding f
      where f.operator_id = $1 and ${site("f.site_id")} and not f.repaired and f.resolved_at is null
        and f.found_at < ${ago("minutes")}
      group by f.site_id`,
  },
  "erasure-waits": {
    words: {
      en: "People who wait to be erased",
      pt: "Pessoas que aguardam ser apagadas",
      es: "Personas que esperan ser borradas",
    },
    params: { hours: { ...HOURS, default: 72 } },
    // Wishes that nobody has looked at, and erasures whose texts are not gone through yet.
    sql: `
      select 'erasures' as subject, null::text as site_id, null::text as er_id, null::text as station_id,
        true as firm, jsonb_build_object('count', count(*), 'oldestAt', min(q.at)) as detail
      from (select d.erasure_requested_at as at from driver d
            where d.operator_id = $1 and d.erasure_requested_at is not null and d.status <> 'erased'
            union all
            select e.requested_at from driver_erasure e where e.operator_id = $1 and e.words is not null) q
      where $2::text[] is null and q.at < ${ago("hours")}
      having count(*) > 0`,
  },
  "webhook-failing": {
    words: {
      en: "A webhook endpoint does not take events",
      pt: "Um webhook não aceita eventos",
      es: "Un webhook no acepta eventos",
    },
    params: { minutes: { ...MINUTES, default: 60 } },
    sql: `
      select 'webhook:' || w.endpoint_id as subject, null::text as site_id, null::text as er_id,
        null::text as station_id, w.disabled_because is not distinct from 'gone'
          or w.failing_since < ${ago("minutes")} as firm,
        jsonb_strip_nulls(jsonb_build_object('url', split_part(w.url, '?', 1), 'failingSince', w.failing_since,
          'disabledBecause', w.disabled_because)) as detail
      from webhook_endpoint w
      where w.operator_id = $1 and $2::text[] is null
        and ((w.enabled and w.failing_since is not null) or w.disabled_because = 'gone')`,
  },
  "mail-failed": {
    words: {
      en: "Mails could not be sent",
      pt: "E-mails não puderam ser enviados",
      es: "No se pudieron enviar correos",
    },
    params: {},
    // One that was tried again, or is a day old, is no alarm any more.
    sql: `
      select 'mail' as subject, null::text as site_id, null::text as er_id, null::text as station_id, true as firm,
        jsonb_build_object('count', count(*), 'lastError', max(m.last_error)) as detail
      from mail m where m.operator_id = $1 and $2::text[] is null
        and m.status = 'failed' and m.finished_at > now() - interval '1 day'
      having count(*) > 0`,
  },
} as const satisfies Readonly<Record<string, AlarmKind>>;

export type AlarmKindName = keyof typeof ALARM_KINDS;
export const ALARM_KIND_NAMES = Object.keys(ALARM_KINDS) as AlarmKindName[];
export const alarmKind = (name: string): AlarmKind | undefined =>
  Object.hasOwn(ALARM_KINDS, name) ? ALARM_KINDS[name as AlarmKindName] : undefined;

/** The numbers of a rule, with the usual ones where it names none; or what is wrong with them. */
export function readParams(
  kind: AlarmKind,
  given: Readonly<Record<string, number>>,
): Record<string, number> | string {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(kind.params, name));
  if (unknown !== undefined) return `there is no number "${unknown}" in a rule of this kind`;
  const params: Record<string, number> = {};
  for (const [name, { min, max, default: usual }] of Object.entries(kind.params)) {
    const value = given[name] ?? usual;
    if (value < min || value > max) return `${name} is between ${min} and ${max}`;
    params[name] = value;
  }
  return params;
}
