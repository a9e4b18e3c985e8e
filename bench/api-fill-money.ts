/**
 * What a cloud operator's database holds of people and money, for `api.ts`: a CDR with its postings for nearly
 * every transaction, drivers with statements, guests with payments, alarms, webhooks, hours of energy. Made in
 * PostgreSQL from the transactions that `api-fill.ts` has made; amounts are alike, sums are right.
 */
import { priceBy } from "../cloud/core/cdr.ts";
import type { TariffTerms } from "../shared/tariff.ts";

const TARIFF_ID = "00000000-0000-7000-8000-000000000001";
const ENERGY_WH = 9_000;

const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [{ startFeeMicro: 1_000_000, perKwhMicro: 1_950_000, perIdleMinuteMicro: 500_000 }],
  idleGraceMinutes: 10,
  tax: { name: "ISS", rateBp: 500, included: true },
};

const PRICE = priceBy(
  TERMS,
  {
    ...{ timeZone: "America/Sao_Paulo", startedAt: 0, endedAt: 3_600_000, timeQuality: "known" },
    registers: [
      { at: 0, wh: 0 },
      { at: 3_600_000, wh: ENERGY_WH },
    ],
    states: [{ at: 0, state: "charging" }],
  },
  ENERGY_WH,
);

/** What is numbered per operator. */
const NUMBER = "row_number() over (partition by t.operator_id order by t.started_at)";
/** One in five is a guest who pays by card, one in two of the rest a driver whom we know. */
const isGuest = (i: string) => `${i}::bigint % 5 = 0`;

/** In order; `transactions` and `stations` as in `Size`. */
export function moneyStatements(stations: number, transactions: number): readonly string[] {
  const price = JSON.stringify(PRICE).replaceAll("'", "''");
  const { netMinor, taxMinor, totalMinor } = PRICE;
  return [
    `insert into tariff (tariff_id, operator_id, name)
       select case when n = 1 then '${TARIFF_ID}'::uuid else gen_random_uuid() end, 'big', 'Tariff ' || n
       from generate_series(1, 200) n`,
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
       select tariff_id, v, 'big', now() - interval '2 years' + v * interval '1 month',
       '${JSON.stringify(TERMS)}', 'bench'
       from tariff, generate_series(1, 10) v`,
    `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, site_id, assigned_from,
       assigned_by)
       select gen_random_uuid(), 'big', '${TARIFF_ID}'::uuid, 'site:' || site_id, site_id,
       now() - interval '2 years', 'bench'
       from site where operator_id = 'big'
       union all select gen_random_uuid(), 'big', '${TARIFF_ID}'::uuid, 'operator', null,
       now() - interval '2 years', 'bench'`,
    `insert into driver (driver_id, operator_id, name, email, language)
       select gen_random_uuid(), operator_id, 'Driver ' || id_token, lower(id_token) || '@example.com', 'pt-BR'
       from id_token where substr(id_token, 4)::int % 2 = 0`,
    // Filled tables have no statistics yet: a plan without them joins everything with everything.
    "analyze",
    `update id_token k set driver_id = d.driver_id, driver_since = now() - interval '2 years'
       from driver d where d.operator_id = k.operator_id and d.email = lower(k.id_token) || '@example.com'`,
    `update transaction t set driver_id = k.driver_id from id_token k
       where k.operator_id = t.operator_id and k.id_token = t.id_token and k.driver_id is not null`,
    `create temp table money as
       select t.*, ${NUMBER} as number, gen_random_uuid() as new_cdr, gen_random_uuid() as new_payment,
         ${isGuest("t.ocpp_transaction_id")} as guest from transaction t where t.ended_at is not null`,
    `alter table money add payer text`,
    `update money set payer = case when guest then 'guest:' || new_payment
       when driver_id is not null then 'driver:' || driver_id else 'token:' || lower(id_token) end`,
    "analyze",
    `insert into cdr (cdr_id, operator_id, number, transaction_id, cause, created_by, created_at, site_id,
       station_id,
         evse_id, connector_id, id_token, driver_id, payment_id, payer, started_at, ended_at, time_zone,
         time_quality,
         meter_start_wh, meter_stop_wh, energy_wh, energy_quality, tariff_id, tariff_version, currency, net_minor,
         tax_minor, total_minor, price, basis)
       select new_cdr, operator_id, number, transaction_id, 'ended', 'billing', ended_at, site_id, station_id,
       evse_id,
         connector_id, id_token, driver_id::text, case when guest then new_payment::text end, payer,
         started_at, ended_at,
         'America/Sao_Paulo', 'station', meter_start_wh, meter_stop_wh, ${ENERGY_WH}, 'registers',
         '${TARIFF_ID}', 1, 'BRL',
         ${netMinor}, ${taxMinor}, ${totalMinor}, '${price}', md5(transaction_id::text) from money`,
    `insert into transaction_billing (transaction_id, operator_id, site_id, status, reasons, cdr_id, updated_at)
       select transaction_id, operator_id, site_id, case when number % 5000 = 0 then 'held' else 'billed' end,
         case when number % 5000 = 0 then '{entry-parked}'::text[] else '{}' end,
         case when number % 5000 = 0 then null else new_cdr end, ended_at from money`,
    `insert into transaction_payer (transaction_id, operator_id, account, payment_id)
       select transaction_id, operator_id, payer, new_payment::text from money where guest`,
    `insert into money_counter (operator_id, series, last)
       select operator_id, 'cdr', max(number) from money group by operator_id`,
    `insert into ledger_account (operator_id, account, kind, subject, opened_at)
       select operator_id, payer, split_part(payer, ':', 1), split_part(payer, ':', 2), min(started_at)
       from money group by 1, 2
       union all select o, a, split_part(a, ':', 1), nullif(split_part(a, ':', 2), ''), now() - interval '2 years'
       from unnest(array['big', 'other']) o, unnest(array['revenue', 'tax', 'clearing:stripe']) a`,
    `insert into ledger_posting (operator_id, posting_id, reference, kind, occurred_at, booked_at, cdr_id)
       select operator_id, new_cdr, 'cdr:' || new_cdr, 'charge', ended_at, ended_at, new_cdr from money`,
    `insert into ledger_entry (operator_id, posting_id, line, account, currency, amount_minor, booked_at)
       select m.operator_id, m.new_cdr, e.line, e.account, 'BRL', e.amount, m.ended_at from money m, lateral (values
         (1, m.payer, ${totalMinor}), (2, 'revenue', ${-netMinor}), (3, 'tax', ${-taxMinor})) e(line, account,
         amount)`,
    `insert into payment_provider (provider_id, operator_id, kind, settings, secrets, secret_hints, endpoint_id)
       select gen_random_uuid(), o, 'stripe', '{"currency":"BRL","defaultAmountMinor":5000,"minAmountMinor":500,
         "maxAmountMinor":30000,"payMinutes":40}', '', '{}', 'bench-' || o from unnest(array['big', 'other']) o`,
    `insert into payment (payment_id, operator_id, account, site_id, station_id, provider_id, kind, flow, amount_minor,
       currency,
         description, status, progress, authorized_minor, captured_minor, refunded_minor, checkout_id,
         provider_payment_id, expires_at, keep_minor, created_at, updated_at, paid_at, check_at)
       select m.new_payment, m.operator_id, m.payer, m.site_id, m.station_id, p.provider_id, 'stripe', 'authorize',
       5000, 'BRL',
         m.site_id || ' · ' || m.station_id,
         case when m.number % 4 = 0 then 'partially_refunded' else 'captured' end,
         'authorized', 5000, ${totalMinor}, case when m.number % 4 = 0 then 100 else 0 end, 'cs_' || m.new_payment,
         'pi_' || m.new_payment, m.started_at + interval '40 minutes', ${totalMinor}, m.started_at, m.ended_at,
         m.started_at, null
       from money m join payment_provider p on p.operator_id = m.operator_id where m.guest`,
    `insert into refund (refund_id, operator_id, site_id, payment_id, amount_minor, currency, status, reason,
       requested_by,
         provider_refund_id, sent_at)
       select gen_random_uuid(), operator_id, site_id, payment_id, 100, 'BRL', 'succeeded', 'goodwill', 'bench',
         're_' || payment_id, now() from payment where refunded_minor > 0`,
    `insert into ledger_posting (operator_id, posting_id, reference, kind, occurred_at, booked_at, payment_id)
       select operator_id, payment_id, 'payment:' || payment_id || ':captured', 'payment', updated_at, updated_at,
         payment_id::text from payment`,
    `insert into ledger_entry (operator_id, posting_id, line, account, currency, amount_minor, booked_at)
       select p.operator_id, p.payment_id, e.line, e.account, 'BRL', e.amount, p.updated_at from payment p,
       lateral (values
         (1, 'clearing:stripe', ${totalMinor}), (2, 'guest:' || p.payment_id, ${-totalMinor})) e(line, account,
         amount)`,
    `insert into payment_event (operator_id, site_id, provider_id, provider_event_id, type, payment_id, occurred_at,
         received_at, body, outcome, due_at)
       select p.operator_id, p.site_id, p.provider_id, 'evt_' || n || p.payment_id, 'payment_intent.succeeded',
         p.payment_id, p.created_at, p.created_at, '{}', 'applied', null from payment p, generate_series(1, 2) n`,
    `insert into payment_finding (operator_id, site_id, payment_id, kind, detail, repaired, found_at)
       select operator_id, site_id, payment_id, 'shortfall', '{"owedMinor":1}', refunded_minor = 0, updated_at
       from payment where abs(hashtext(payment_id::text)) % 50 = 0`,
    `insert into guest_session (guest_session_id, operator_id, site_id, station_id, evse_id, request_id, payment_id,
         id_token, language, state, transaction_id, cdr_id, price_minor, created_at, look_at)
       select gen_random_uuid(), operator_id, site_id, station_id, evse_id, 'request-' || new_payment, new_payment,
         'GUEST-' || upper(substr(md5(new_payment::text), 1, 14)), 'pt-BR', 'settled', transaction_id, new_cdr,
         ${totalMinor}, started_at, null from money where guest on conflict do nothing`,
    `insert into statement (operator_id, number, account, currency, period_from, period_to, time_zone,
       opening_minor,
         charges_minor, payments_minor, other_minor, closing_minor, cdr_count, energy_wh, created_by, created_at)
       select operator_id, row_number() over (partition by operator_id order by month, payer), payer, 'BRL', month,
         month + interval '1 month', 'America/Sao_Paulo', 0, n * ${totalMinor}, 0, 0, n * ${totalMinor}, n,
         n * ${ENERGY_WH}, 'statements', month + interval '1 month'
       from (select operator_id, payer, date_trunc('month', ended_at) as month, count(*)::int as n from money
         where not guest group by 1, 2, 3) s`,
    `insert into payment (payment_id, operator_id, account, driver_id, request_id, provider_id, kind, flow,
       amount_minor, currency, description, status, progress, authorized_minor, captured_minor, expires_at,
       keep_minor, keep_reason, created_at, updated_at, paid_at, check_at)
       select gen_random_uuid(), s.operator_id, s.account, split_part(s.account, ':', 2)::uuid, 'wish-' || s.number,
         p.provider_id, 'stripe', 'authorize', s.closing_minor, 'BRL', 'Big', 'captured', 'authorized',
         s.closing_minor, s.closing_minor, s.period_to, s.closing_minor, 'balance', s.period_to, s.period_to,
         s.period_to, null
       from statement s join payment_provider p on p.operator_id = s.operator_id where s.account like 'driver:%'`,
    `insert into statement_cdr (statement_id, cdr_id, operator_id)
       select s.statement_id, m.new_cdr, m.operator_id
       from money m join statement s on s.operator_id = m.operator_id
         and s.account = m.payer and s.period_from = date_trunc('month', m.ended_at) where not m.guest`,
    `insert into receipt (operator_id, number, code, cdr_id, document, issued_at)
       select operator_id, row_number() over (partition by operator_id order by number), md5(new_cdr::text),
       new_cdr, '{}',
         ended_at from money where guest`,
    `insert into alarm_rule (operator_id, name, kind, severity)
       select o, 'Offline ' || n, 'station-offline', 'warning' from unnest(array['big', 'other']) o,
       generate_series(1, 50) n`,
    `insert into alarm (alarm_id, operator_id, rule_id, name, kind, severity, subject, site_id, station_id, seen_at,
         raised_at, gone_at, cleared_at)
       select gen_random_uuid(), s.operator_id, (select rule_id
       from alarm_rule r where r.operator_id = s.operator_id limit 1),
         'Offline', 'station-offline', 'warning', 'station:' || s.station_id || ':' || i, s.site_id,
         s.station_id, at, at,
         case when i % 200 = 0 then null else at + interval '1 hour' end,
         case when i % 200 = 0 then null else at + interval '1 hour' end
       from generate_series(1,
       ${Math.trunc(transactions / 20)}) i join station s on s.station_id = 'CP-' || i % ${stations},
         lateral (select now() - i * interval '10 minutes' as at) a`,
    `insert into webhook_endpoint (operator_id, url, secret)
       select o, 'https://hooks.example.com/' || n, 'whsec_bench' from unnest(array['big', 'other']) o,
       generate_series(1, 3) n`,
    `insert into webhook_event (event_id, operator_id, type, site_id, at, data, created_at)
       select new_cdr, operator_id, 'cdr.created', site_id, ended_at, '{}', ended_at from money
       where number % 5 = 0`,
    `insert into webhook_delivery (operator_id, endpoint_id, event_id, status, attempts, created_at, last_at,
       last_status)
       select e.operator_id, (select endpoint_id
       from webhook_endpoint w where w.operator_id = e.operator_id limit 1),
         e.event_id, 'delivered', 1, e.created_at, e.created_at, 200 from webhook_event e`,
    `insert into mail (operator_id, kind, recipient, title, status, created_at, finished_at)
       select ${"case when n % 10 = 9 then 'other' else 'big' end"}, 'receipt', 'd' || n || '@example.com',
       'Receipt', 'sent',
         now() - n * interval '1 minute', now() from generate_series(1, ${Math.trunc(transactions / 10)}) n`,
    `insert into export (export_id, operator_id, kind, params, status, created_by, created_at)
       select gen_random_uuid(), 'big', 'transactions',
       '{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z","siteId":null,"spreadsheet":false}',
         'failed', 'bench', now() - n * interval '1 hour'
       from generate_series(1, 1000) n`,
    `insert into energy_hour (transaction_id, hour, operator_id, site_id, station_id, evse_id, energy_wh,
       occupied_s)
       select transaction_id, date_trunc('hour', started_at) + h * interval '1 hour', operator_id, site_id,
       station_id,
         evse_id, ${ENERGY_WH / 2}, 1800 from money, generate_series(0, 1) h`,
    "drop table money",
    `insert into auth_user (id, name, email) select 'user-' || n, 'Person ' || n, 'p' || n || '@example.com'
       from generate_series(1, 2000) n`,
    `insert into member (operator_id, user_id, role)
       select 'big', id, 'support' from auth_user where id like 'user-%'`,
  ];
}
