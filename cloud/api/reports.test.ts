/** Reports through the API: the numbers, the site's own days, what is not known, who may see what. */
import { randomUUID } from "node:crypto";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  arrive,
  Journal,
  NOON,
  offline,
  online,
  openTestApi,
  openTestDb,
  start16,
  stop16,
  toldAt,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import { rollUpEnergy } from "../jobs/energy.ts";
import { createApiKey } from "./actor.ts";

let db: TestDb;
let api: TestApi;
const H = 3_600_000;
/** Noon in Greenwich is 9 in São Paulo: the site's day ends 15 hours later. */
const MIDNIGHT = NOON + 15 * H;
const iso = (ms: number) => new Date(ms).toISOString();

beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
  const journal = new Journal("er-r", "site-r").commit([
    toldAt(online("CPr"), 0, 1_000),
    start16("CPr", randomUUID(), { at: 14 * H, meterStart: 0 }),
    toldAt(offline("CPr"), 6 * H, 2_000),
    toldAt(online("CPr"), 7 * H, 3_000),
  ]);
  const [id] = journal.entries.flatMap((entry) => ("transactionId" in entry ? [entry.transactionId] : []));
  journal.commit([stop16("CPr", id ?? "", { at: 16 * H, meterStop: 8_000 })]);
  await arrive(db.pool, journal);
  await arrive(db.pool, new Journal("er-s", "site-s").commit([toldAt(online("CPs"), 0, 1_000)]));
  await db.pool.query("update station set created_at = $1", [new Date(NOON - H)]);
  await db.pool.query("update er set last_seen_at = $1", [new Date(NOON + 24 * H)]);
  await db.pool.query(
    "insert into evse (station_id, evse_id, operator_id) values ('CPr', 2, 'default') on conflict do nothing",
  );
  await db.pool.query(
    "insert into evse (station_id, evse_id, operator_id) values ('CPr', 1, 'default') on conflict do nothing",
  );
  await rollUpEnergy(db.pool);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Line = { siteId: string; stationId: string | null; start: string } & Record<string, number | null>;
const report = async (name: string, more: string, key = api.key) => {
  const reply = await api.get(`/v1/reports/${name}?from=${iso(NOON)}&to=${iso(NOON + 24 * H)}&${more}`, key);
  expect(reply.status, reply.text).toBe(200);
  return (reply.body as { items: Line[] }).items;
};

describe("energy", () => {
  test("by day of the site's clock: what was charged over midnight is of two days", async () => {
    expect(await report("energy", "by=day&group=station")).toEqual([
      {
        siteId: "site-r",
        stationId: "CPr",
        start: iso(MIDNIGHT - 24 * H),
        energyWh: 4_000,
        occupiedS: 3_600,
        transactions: 1,
      },
      {
        siteId: "site-r",
        stationId: "CPr",
        start: iso(MIDNIGHT),
        energyWh: 4_000,
        occupiedS: 3_600,
        transactions: 1,
      },
    ]);
  });

  test("by hour and by month: the same energy, and one transaction is one", async () => {
    const hours = await report("energy", "by=hour&siteId=site-r");
    expect(hours.map((line) => [line.start, line["energyWh"]])).toEqual([
      [iso(NOON + 14 * H), 4_000],
      [iso(NOON + 15 * H), 4_000],
    ]);
    const months = await report("energy", "by=month");
    expect(months).toMatchObject([{ siteId: "site-r", stationId: null, energyWh: 8_000, transactions: 1 }]);
    expect(months[0]?.start).toBe("2026-05-01T03:00:00.000Z");
  });

  test("as CSV, the same", async () => {
    const reply = await api.get(
      `/v1/reports/energy?from=${iso(NOON)}&to=${iso(NOON + 24 * H)}&by=day&format=csv`,
    );
    expect(reply.headers["content-type"]).toBe("text/csv; charset=utf-8");
    const rows = parse<Record<string, string>>(reply.text, { columns: true });
    expect(rows.map((row) => [row["siteId"], row["energyWh"]])).toEqual([
      ["site-r", "4000"],
      ["site-r", "4000"],
    ]);
  });
});

test("utilisation: of the time of all EVSEs, in the part of the day that was asked for", async () => {
  const lines = await report("utilisation", "by=day&group=station&stationId=CPr");
  expect(lines).toEqual([
    // 15 hours of two EVSEs, one hour taken.
    {
      siteId: "site-r",
      stationId: "CPr",
      start: iso(MIDNIGHT - 24 * H),
      occupiedS: 3_600,
      availableS: 108_000,
      utilisationBp: 333,
    },
    {
      siteId: "site-r",
      stationId: "CPr",
      start: iso(MIDNIGHT),
      occupiedS: 3_600,
      availableS: 64_800,
      utilisationBp: 556,
    },
  ]);
});

describe("uptime", () => {
  test("an hour without a connection is an hour", async () => {
    const lines = await report("uptime", "by=day&group=station&stationId=CPr");
    expect(lines).toEqual([
      {
        siteId: "site-r",
        stationId: "CPr",
        start: iso(MIDNIGHT - 24 * H),
        onlineS: 50_400,
        offlineS: 3_600,
        unknownS: 0,
        uptimeBp: 9_333,
      },
      {
        siteId: "site-r",
        stationId: "CPr",
        start: iso(MIDNIGHT),
        onlineS: 32_400,
        offlineS: 0,
        unknownS: 0,
        uptimeBp: 10_000,
      },
    ]);
  });

  test("what a silent ER would tell is not known; before the first word nothing is", async () => {
    await db.pool.query("update er set last_seen_at = $1 where er_id = 'er-r'", [new Date(NOON + 10 * H)]);
    const [line] = await report("uptime", "by=month&group=station&stationId=CPr");
    expect(line).toMatchObject({
      onlineS: 9 * 3_600,
      offlineS: 3_600,
      unknownS: 14 * 3_600,
      uptimeBp: 9_000,
    });
    await db.pool.query("update er set last_seen_at = $1 where er_id = 'er-r'", [new Date(NOON + 24 * H)]);
    const before = await api.get(`/v1/reports/uptime?from=${iso(NOON - H)}&to=${iso(NOON)}&stationId=CPr`);
    expect((before.body as { items: Line[] }).items).toMatchObject([
      { onlineS: 0, offlineS: 0, unknownS: 3_600, uptimeBp: null },
    ]);
  });

  test("a box that started again had lost its stations when it was last heard of", async () => {
    const { rows } = await db.pool.query<{ journal_id: string }>(
      "select journal_id from er where er_id = 'er-s'",
    );
    const journal = rows[0]?.journal_id;
    const health =
      "insert into er_health (er_id, journal_id, seq, operator_id, at, gauges) values ('er-s', $1, 90, 'default', $2, '{}')";
    await db.pool.query(health, [journal, new Date(NOON + 5 * H)]);
    await db.pool.query(
      `insert into er_boot (er_id, journal_id, first_seq, operator_id, boot, started_at, up_ms, clock)
       values ('er-s', $1, 91, 'default', gen_random_uuid(), $2, 0, 'synced')`,
      [journal, new Date(NOON + 8 * H)],
    );
    const [line] = await report("uptime", "by=month&group=station&stationId=CPs");
    // It never came back.
    expect(line).toMatchObject({ onlineS: 5 * 3_600, offlineS: 19 * 3_600, unknownS: 0 });
  });
});

test("revenue: CDRs that stand, not those that were corrected; not for those who see one site", async () => {
  const cdr = async (number: number, totalMinor: number, corrects: string | null): Promise<string> => {
    const [row] = await db.rows<{ id: string }>(
      `insert into cdr (operator_id, number, transaction_id, corrects, cause, created_by, site_id, station_id, evse_id, payer,
         started_at, ended_at, time_zone, time_quality, energy_wh, energy_quality, currency, net_minor, tax_minor, total_minor,
         price, basis)
       select 'default', $1, transaction_id, $3, 'ended', 'x', site_id, station_id, 1, 'x', started_at, ended_at, 'UTC', 'er',
         8000, 'registers', 'BRL', $2::int - 100, 100, $2::int, '{}', 'x' from transaction limit 1 returning cdr_id as id`,
      ...[number, totalMinor, corrects],
    );
    return row?.id ?? "";
  };
  await cdr(2, 900, await cdr(1, 1_000, null));
  expect(await report("revenue", "by=month")).toMatchObject([
    {
      siteId: "site-r",
      currency: "BRL",
      cdrs: 1,
      netMinor: 800,
      taxMinor: 100,
      totalMinor: 900,
      energyWh: 8_000,
    },
  ]);
  const host = await createApiKey(db.pool, "default", "host", { role: "site-host", siteIds: ["site-r"] });
  expect((await api.get(`/v1/reports/revenue?from=${iso(NOON)}&to=${iso(NOON + H)}`, host)).status).toBe(403);
});

describe("who, and how much", () => {
  test("a scope of sites sees those", async () => {
    const host = await createApiKey(db.pool, "default", "host-s", { role: "site-host", siteIds: ["site-s"] });
    for (const name of ["energy", "utilisation", "uptime"]) {
      const lines = await report(name, "by=day", host);
      expect(
        lines.every((line) => line.siteId === "site-s"),
        name,
      ).toBe(true);
    }
    expect(await report("uptime", "by=month", host)).toHaveLength(1);
  });

  test("ranges that are none, too long, or too fine are refused in words", async () => {
    const ask = async (name: string, from: number, to: number, more = "") =>
      (await api.get(`/v1/reports/${name}?from=${iso(from)}&to=${iso(to)}${more}`)).body;
    expect(await ask("energy", NOON, NOON)).toMatchObject({ code: "INVALID_RANGE" });
    expect(await ask("energy", NOON, NOON + 401 * 24 * H)).toMatchObject({ code: "INVALID_RANGE" });
    await db.pool.query(
      `insert into station (station_id, identity, site_id, er_id, operator_id)
       select 'many-' || n, 'many-' || n, 'site-r', 'er-r', 'default' from generate_series(1, 30) n`,
    );
    expect(await ask("uptime", NOON - 400 * 24 * H, NOON, "&by=hour")).toMatchObject({
      code: "REPORT_TOO_LARGE",
    });
  });
});
