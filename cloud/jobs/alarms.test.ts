/** Alarms from the tables: every kind's condition on a real database, each raise and each clear told once. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ALARM_KIND_NAMES, type AlarmKindName } from "../core/alarm-kinds.ts";
import {
  arrive,
  GAUGES,
  Journal,
  offline,
  online,
  openTestDb,
  sampled,
  status16,
  type TestDb,
} from "../harness.ts";
import { ensureOperator } from "../sg.ts";
import { lookAtAlarms } from "./alarms.ts";

let db: TestDb;
const STATION = "CP1";
const [ER, SITE] = ["er-1", "site-1"];

beforeAll(async () => {
  db = await openTestDb();
  const journal = new Journal(ER, SITE).commit([
    online(STATION),
    status16(STATION, 1, "Available"),
    sampled("m1", 1_000, 100),
  ]);
  await arrive(db.pool, journal);
  await ensureOperator(db.pool, "other");
  await arrive(db.pool, new Journal("er-2", "site-2").commit([online("CP2")]), "other");
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.pool.query("delete from alarm_rule");
  for (const table of ["alarm", "webhook_endpoint", "webhook_event", "mail", "command", "parked_entry"])
    await db.pool.query(`delete from ${table}`);
  await well();
});

/** Nothing to complain about. */
async function well(): Promise<void> {
  await db.pool.query("update er set last_seen_at = now(), gauges = $1, gauges_at = now()", [
    JSON.stringify(GAUGES),
  ]);
  await db.pool.query("update station set online = true, online_changed_at = now()");
  await db.pool.query("update connector set status = 'Available', error_code = null");
  await db.pool.query("update meter set sampled_at = now(), state = 'ok'");
}

type RuleOptions = {
  operatorId?: string;
  raise?: number;
  clear?: number;
  emails?: string[];
  sites?: string[] | null;
};
async function rule(kind: AlarmKindName, params: object = {}, o: RuleOptions = {}): Promise<string> {
  const [row] = await db.rows<{ id: string }>(
    `insert into alarm_rule (operator_id, name, kind, params, severity, raise_after_s, clear_after_s, emails, site_ids)
     values ($1, $2, $2, $3, 'warning', $4, $5, $6, $7) returning rule_id as id`,
    ...[o.operatorId ?? "default", kind, JSON.stringify(params), o.raise ?? 0, o.clear ?? 0],
    ...[o.emails ?? [], o.sites ?? null],
  );
  return row?.id ?? "";
}
const look = () => lookAtAlarms(db.pool);
const alarms = () =>
  db.rows<{ subject: string; raised: boolean; cleared: string | null; detail: Record<string, unknown> }>(
    `select subject, raised_at is not null as raised, cleared_because as cleared, detail from alarm order by seen_at, subject`,
  );
const subjects = async () => (await alarms()).map((alarm) => alarm.subject);
const run = (sql: string, ...params: unknown[]) => db.pool.query(sql, params);

type Case = [AlarmKindName, object, string, () => Promise<unknown>, () => Promise<unknown>];
const gauges = (more: object) => run("update er set gauges = $1", JSON.stringify({ ...GAUGES, ...more }));
const commandSql = `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by,
  issued_at, expires_at, status) values (gen_random_uuid(), 'default', '${SITE}', '${ER}', '${STATION}', 'Reset', '{}', 'x',
  now() - interval '1 hour', now(), 'uncertain')`;
const parkedSql = `insert into parked_entry (er_id, journal_id, seq, operator_id, entry, reason, parked_at)
  values ('${ER}', '${randomUUID()}', 1, 'default', '{}', 'x', now() - interval '30 hours')`;
const transactionSql = (
  flags: string,
) => `insert into transaction (transaction_id, operator_id, site_id, er_id, station_id,
  evse_id, started_at, ended_at, flags) values ('00000000-0000-4000-8000-000000000001', 'default', '${SITE}', '${ER}',
  '${STATION}', 1, now() - interval '9 hours', now() - interval '8 hours', '{${flags}}')`;
const reviewed = "update transaction set reviewed_kinds = '{orphan-stop}'";
const paymentSql = `with p as (insert into payment_provider (provider_id, operator_id, kind, settings, secrets, secret_hints,
    endpoint_id) values (gen_random_uuid(), 'default', 'sandbox', '{}', '', '{}', 'e') returning provider_id)
  insert into payment (payment_id, operator_id, account, site_id, station_id, provider_id, kind, flow, amount_minor,
    currency, description, status, expires_at) select gen_random_uuid(), 'default', 'guest:x', '${SITE}', '${STATION}', provider_id, 'sandbox',
    'prepay', 100, 'BRL', 'x', 'disputed', now() from p`;

/** Money came in, before the month that is over had ended. */
const postingSql = `with a as (insert into ledger_account (operator_id, account, kind) values
    ('default', 'bank', 'bank'), ('default', 'revenue', 'revenue') on conflict do nothing),
  p as (insert into ledger_posting (operator_id, reference, kind, occurred_at, booked_at)
    values ('default', gen_random_uuid()::text, 'manual', now(), now() - interval '40 days') returning *)
  insert into ledger_entry (operator_id, posting_id, line, account, currency, amount_minor, booked_at)
  select 'default', posting_id, line, account, 'BRL', amount, booked_at
  from p, (values (1, 'bank', 5), (2, 'revenue', -5)) as e(line, account, amount)`;

/** Energy was given for nothing, by a site that has a tariff. */
const freeSql = `with c as (insert into cdr (operator_id, number, transaction_id, cause, created_by, site_id, station_id, evse_id,
    payer, started_at, ended_at, time_zone, time_quality, energy_wh, energy_quality, flags, currency, net_minor, tax_minor,
    total_minor, price, basis)
    select 'default', 1, transaction_id, 'ended', 'x', site_id, station_id, 1, 'token:x', now() - interval '2 hours',
      now() - interval '1 hour', 'UTC', 'station', 100, 'registers', '{no-tariff}', 'BRL', 0, 0, 0, '{}', 'x'
    from transaction limit 1),
  t as (insert into tariff (tariff_id, operator_id, name) values (gen_random_uuid(), 'default', 'x') returning *)
  insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, site_id, assigned_by)
  select gen_random_uuid(), 'default', tariff_id, 'site:${SITE}', '${SITE}', 'x' from t`;

const CASES: Case[] = [
  [
    "er-offline",
    { minutes: 10 },
    `er:${ER}`,
    () => run("update er set last_seen_at = now() - interval '11 minutes'"),
    well,
  ],
  [
    ...(["station-offline", { minutes: 15 }, `station:${STATION}`] as const),
    () => run("update station set online = false, online_changed_at = now() - interval '16 minutes'"),
    well,
  ],
  [
    ...(["connector-faulted", { minutes: 5 }, `connector:${STATION}:1:1`] as const),
    () =>
      run(
        "update connector set status = 'Faulted', status_at = now() - interval '6 minutes', error_code = 'X'",
      ),
    well,
  ],
  [
    "er-backlog",
    { entries: 1_000 },
    `er:${ER}`,
    () => gauges({ backlog: 1_001 }),
    () => gauges({ backlog: 799 }),
  ],
  [
    ...(["er-disk", { percent: 80 }, `er:${ER}`] as const),
    () => gauges({ journalBytes: 81, journalBudgetBytes: 100 }),
    () => gauges({ journalBytes: 74, journalBudgetBytes: 100 }),
  ],
  ["er-pressure", {}, `er:${ER}`, () => gauges({ pressure: "thin-60" }), well],
  [
    "er-clock",
    { seconds: 30 },
    `er:${ER}`,
    () => gauges({ clockOffsetMs: -31_000 }),
    () => gauges({ clockOffsetMs: 20_000 }),
  ],
  [
    ...(["meter-silent", { minutes: 15 }, `meter:${ER}.m1`] as const),
    () => run("update meter set sampled_at = now() - interval '16 minutes'"),
    well,
  ],
  [
    ...(["command-uncertain", { minutes: 5 }, `site:${SITE}`] as const),
    () => run(commandSql),
    () => run("update command set status = 'failed'"),
  ],
  [
    "orphan-stop",
    { hours: 4 },
    `site:${SITE}`,
    () => run(transactionSql("orphan-stop")),
    () => run(reviewed),
  ],
  [
    "work-queue",
    { hours: 24 },
    `site:${SITE}`,
    () => run(parkedSql),
    () => run("update parked_entry set resolved_at = now()"),
  ],
  [
    "entry-parked",
    {},
    `site:${SITE}`,
    () => run(parkedSql),
    () => run("update parked_entry set resolved_at = now()"),
  ],
  [
    ...(["billing-held", { hours: 1 }, `site:${SITE}`] as const),
    () =>
      run(`insert into transaction_billing (transaction_id, operator_id, site_id, status, updated_at)
        select transaction_id, operator_id, site_id, 'held', now() - interval '2 hours' from transaction
        on conflict (transaction_id) do update set status = 'held', updated_at = now() - interval '2 hours'`),
    () => run("update transaction_billing set status = 'none'"),
  ],
  [
    ...(["charged-free", { hours: 24 }, `site:${SITE}`] as const),
    async () => {
      await run(`${transactionSql("")} on conflict do nothing`);
      await run(freeSql);
    },
    () => run("update tariff_assignment set assigned_until = now()"),
  ],
  [
    ...(["statement-late", { hours: 1 }, "statements"] as const),
    () => run(postingSql),
    () =>
      run(`insert into statement_month (operator_id, period_from, period_to)
        select 'default', (d - interval '1 month') at time zone time_zone, d at time zone time_zone
        from operator, date_trunc('month', now() at time zone time_zone) d where operator_id = 'default'`),
  ],
  [
    ...(["payment-finding", { minutes: 10 }, `site:${SITE}`] as const),
    async () => {
      await run(paymentSql);
      await run(`insert into payment_finding (operator_id, site_id, payment_id, kind, detail, repaired, found_at)
        select operator_id, site_id, payment_id, 'refund-failed', '{}', false, now() - interval '11 minutes'
        from payment`);
    },
    async () => {
      await run("update payment_finding set resolved_at = now()");
      await run("update payment set status = 'captured'");
      await run("update payment_provider set kind = 'stripe', endpoint_id = 'another'");
    },
  ],
  [
    ...(["erasure-waits", { hours: 24 }, "erasures"] as const),
    () =>
      run(`insert into driver (driver_id, operator_id, name, erasure_requested_at)
        values (gen_random_uuid(), 'default', 'X', now() - interval '25 hours')`),
    () => run("update driver set erasure_requested_at = null"),
  ],
  [
    "payment-problem",
    { minutes: 15 },
    `site:${SITE}`,
    () => run(paymentSql),
    () => run("update payment set status = 'captured'"),
  ],
  [
    ...(["webhook-failing", { minutes: 60 }, "webhook:00000000-0000-4000-8000-000000000002"] as const),
    () =>
      run(`insert into webhook_endpoint (endpoint_id, operator_id, url, secret, failing_since)
        values ('00000000-0000-4000-8000-000000000002', 'default', 'https://x', 's', now() - interval '2 hours')`),
    () => run("update webhook_endpoint set failing_since = null"),
  ],
  [
    ...(["mail-failed", {}, "mail"] as const),
    () =>
      run(
        "insert into mail (operator_id, kind, recipient, title, status, finished_at) values ('default', 'x', 'a', 't', 'failed', now())",
      ),
    () => run("update mail set status = 'waiting'"),
  ],
];

describe("each kind", () => {
  test("has its case here", () =>
    expect(CASES.map(([kind]) => kind).sort()).toEqual([...ALARM_KIND_NAMES].sort()));

  test.each(CASES)(
    "%s: not while all is well, raised once, cleared once",
    async (kind, params, subject, break_, mend) => {
      await rule(kind, params);
      expect(await look()).toBe(0);
      await break_();
      expect(await look()).toBe(1);
      expect(await look()).toBe(0);
      expect(await alarms()).toMatchObject([{ subject, raised: true, cleared: null }]);
      await mend();
      expect(await look()).toBe(1);
      expect(await look()).toBe(0);
      expect(await alarms()).toMatchObject([{ subject, cleared: "condition" }]);
    },
  );
});

test("billing that fails again and again raises without waiting for hours", async () => {
  await rule("billing-held", { hours: 24 });
  await run(`${transactionSql("")} on conflict do nothing`);
  await run("update transaction_billing set status = 'pending', tries = 5");
  expect(await look()).toBe(0);
  await run("update transaction_billing set tries = 6");
  expect(await look()).toBe(1);
});

test("a payment of what a driver owes is of no site: the operator hears of it, no site does", async () => {
  await rule("payment-problem");
  await rule("payment-problem", {}, { sites: [SITE] });
  await run(`with p as (insert into payment_provider (provider_id, operator_id, kind, settings, secrets, secret_hints,
      endpoint_id) values (gen_random_uuid(), 'default', 'sandbox', '{}', '', '{}', 'balances')
      on conflict (operator_id, kind) do update set enabled = true returning provider_id)
    insert into payment (payment_id, operator_id, account, provider_id, kind, flow, amount_minor, currency, description,
      status, expires_at)
    select gen_random_uuid(), 'default', 'driver:x', provider_id, 'sandbox', 'prepay', 1, 'BRL', 'x', 'disputed', now()
    from p`);
  expect(await look()).toBe(1);
  expect((await alarms()).map(({ subject }) => subject)).toEqual(["payments"]);
  await run("update payment set status = 'captured'");
  expect(await look()).toBe(1);
});

test("a payout that came back, until another one is paid; and payouts that could not be read for a day", async () => {
  await rule("payment-problem");
  await rule("payment-problem", {}, { sites: [SITE] });
  await run(`insert into payment_provider (provider_id, operator_id, kind, settings, secrets, secret_hints, endpoint_id)
    values (gen_random_uuid(), 'default', 'mercado-pago', '{}', '', '{}', 'payouts')`);
  const payout = (id: string, status: string, hours: number) =>
    run(`insert into payout (provider_id, provider_payout_id, operator_id, kind, status, amount_minor, currency,
        made_at, arrives_at)
      select provider_id, '${id}', operator_id, kind, '${status}', 1, 'BRL', now() - interval '${hours} hours', now()
      from payment_provider where endpoint_id = 'payouts'`);
  await payout("po_1", "paid", 9);
  await payout("po_2", "failed", 5);
  await payout("po_3", "in_transit", 1);
  // Whose rule is for sites hears nothing of an account of all.
  expect(await look()).toBe(1);
  expect((await alarms()).map(({ subject }) => subject)).toEqual(["payments"]);
  await run("update payout set status = 'paid' where provider_payout_id = 'po_3'");
  expect(await look()).toBe(1);
  await run(`update payment_provider set payouts_error = 'no permission',
    payouts_from = now() - interval '9 days', payouts_read_at = now() - interval '23 hours' where endpoint_id = 'payouts'`);
  expect(await look()).toBe(0);
  await run(
    "update payment_provider set payouts_read_at = now() - interval '25 hours' where payouts_error <> ''",
  );
  expect(await look()).toBe(1);
  await run("update payment_provider set payouts_error = null");
  expect(await look()).toBe(1);
});

test("an erasure that does not end is one that waits", async () => {
  await rule("erasure-waits", { hours: 24 });
  await run(`with d as (insert into driver (driver_id, operator_id, status, erased_at)
      values (gen_random_uuid(), 'default', 'erased', now()) returning driver_id)
    insert into driver_erasure (driver_id, operator_id, words, requested_by, requested_at)
    select driver_id, 'default', '[]', 'x', now() - interval '25 hours' from d`);
  expect(await look()).toBe(1);
  await run("update driver_erasure set words = null");
  expect(await look()).toBe(1);
});

describe("what trembles and what is not known", () => {
  test("between the thresholds nothing begins and nothing ends", async () => {
    await rule("er-backlog", { entries: 1_000 });
    await gauges({ backlog: 900 });
    expect(await look()).toBe(0);
    for (const [backlog, told] of [
      [1_500, 1],
      [900, 0],
      [1_200, 0],
      [810, 0],
      [700, 1],
      [900, 0],
    ] as const) {
      await gauges({ backlog });
      expect(await look(), `${backlog}`).toBe(told);
    }
  });

  test("of an ER that is silent nothing new is believed, and nothing is over", async () => {
    await rule("station-offline", { minutes: 15 });
    await rule("er-backlog", { entries: 1_000 });
    const breaks = async () => {
      await run("update station set online = false, online_changed_at = now() - interval '1 hour'");
      await gauges({ backlog: 5_000 });
    };
    await breaks();
    await run("update er set last_seen_at = now() - interval '1 hour'");
    expect(await look()).toBe(0);
    await run("update er set last_seen_at = now()");
    expect(await look()).toBe(2);
    await run("update er set last_seen_at = now() - interval '1 hour'");
    expect(await look()).toBe(0);
    expect((await alarms()).every((alarm) => alarm.cleared === null)).toBe(true);
  });

  test("it has to be there long enough, and gone long enough", async () => {
    await rule("er-pressure", {}, { raise: 60, clear: 30 });
    await gauges({ pressure: "compact" });
    expect(await look()).toBe(0);
    expect(await alarms()).toMatchObject([{ raised: false }]);
    await gauges({ pressure: "none" });
    await look();
    expect(await alarms()).toEqual([]);
    await gauges({ pressure: "compact" });
    await look();
    await run("update alarm set seen_at = now() - interval '61 seconds'");
    expect(await look()).toBe(1);
    await gauges({ pressure: "none" });
    expect(await look()).toBe(0);
    await gauges({ pressure: "compact" });
    expect(await look()).toBe(0);
    expect(await db.rows("select gone_at from alarm")).toEqual([{ gone_at: null }]);
    await gauges({ pressure: "none" });
    await look();
    await run("update alarm set gone_at = now() - interval '31 seconds'");
    expect(await look()).toBe(1);
  });
});

describe("whose and what for", () => {
  test("sites of the rule alone, and never another operator's", async () => {
    await arrive(db.pool, new Journal("er-3", "site-3").commit([online("CP3"), offline("CP3")]));
    await well();
    await rule("er-offline", { minutes: 5 }, { sites: ["site-3", "site-2"] });
    await run("update er set last_seen_at = now() - interval '1 hour'");
    await look();
    expect(await subjects()).toEqual(["er:er-3"]);
    await rule("er-offline", { minutes: 5 }, { operatorId: "other" });
    await look();
    expect((await subjects()).sort()).toEqual(["er:er-2", "er:er-3"]);
  });

  test("mails and events: one letter per rule and look, one event per alarm; none when nothing happened", async () => {
    await run(
      "insert into webhook_endpoint (operator_id, url, secret, event_types) values ('default', 'https://x', 's', '{alarm.*}')",
    );
    await rule("er-offline", { minutes: 5 }, { emails: ["a@example.org", "b@example.org"] });
    await run("update er set last_seen_at = now() - interval '1 hour' where operator_id = 'default'");
    expect(await look()).toBe(2);
    await look();
    const letters = await db.rows<{ recipient: string; title: string; text: string }>(
      "select recipient, title, content->>'text' as text from mail order by recipient",
    );
    expect(letters.map((letter) => letter.recipient)).toEqual(["a@example.org", "b@example.org"]);
    expect(letters[0]?.title).toBe("Moov.olt: er-offline: 2 novo / new");
    expect(letters[0]?.text).toContain("- er:er-1 (Site site-1) — lastSeenAt: ");
    expect(
      await db.rows("select type, site_id, data->>'subject' as subject from webhook_event order by 3"),
    ).toEqual([
      { type: "alarm.raised", site_id: "site-1", subject: "er:er-1" },
      { type: "alarm.raised", site_id: "site-3", subject: "er:er-3" },
    ]);
    await well();
    await look();
    expect(await db.rows("select from webhook_event where type = 'alarm.cleared'")).toHaveLength(2);
    expect(await db.rows("select from mail")).toHaveLength(4);
  });

  test("a rule that is switched off ends its alarms", async () => {
    await rule("er-pressure", {}, { clear: 3_600 });
    await gauges({ pressure: "compact" });
    await look();
    await run("update alarm_rule set enabled = false");
    expect(await look()).toBe(2);
    expect((await alarms()).every((alarm) => alarm.cleared === "rule-changed")).toBe(true);
  });

  test("several copies at once raise each alarm once; one that fails stops no other and leaves nothing", async () => {
    const bad = await rule("er-backlog", { entries: "many" });
    await rule("er-offline", { minutes: 5 });
    await run("update er set last_seen_at = now() - interval '1 hour' where er_id = 'er-1'");
    const looks = await Promise.allSettled([1, 2, 3, 4].map(() => lookAtAlarms(db.pool)));
    expect(looks.filter((l) => l.status === "rejected").length).toBeGreaterThan(0);
    expect(await subjects()).toEqual(["er:er-1"]);
    await run("delete from alarm_rule where rule_id = $1", bad);
    expect(await look()).toBe(0);
  });

  test("a new operator has rules that can be looked at", async () => {
    await ensureOperator(db.pool, "fresh");
    const rules = await db.rows<{ kind: string }>("select kind from alarm_rule where operator_id = 'fresh'");
    expect(rules.length).toBeGreaterThan(10);
    for (const { kind } of rules) expect(ALARM_KIND_NAMES).toContain(kind);
    expect(await look()).toBe(0);
  });
});
