/** What a transaction costs, from what its journal told: which tariff, which course, which doubts. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../sim/services/property.ts";
import { chooseTariff } from "../shared/decide/tariff-choice.ts";
import type { EntryBody } from "../shared/entry.ts";
import type { TariffTerms } from "../shared/tariff.ts";
import {
  event201,
  handled,
  isoAt,
  meter16,
  NOON,
  start16,
  stop16,
  storeAll,
  toldAt,
  type Journal,
  type TestDb,
} from "./harness.ts";
import { useSite } from "./harness-site.ts";
import { priceOf, tariffFor } from "./pricing.ts";
import { readBook } from "./tariff-book.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

let db: TestDb;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, journal, cp } = site));

/** NOON is 09:00 in São Paulo, a Monday. */
const TERMS: TariffTerms = {
  currency: "BRL",
  elements: [
    { perKwhMicro: 2_000_000, restrictions: { from: "08:00", to: "10:00" } },
    { perKwhMicro: 1_000_000, perIdleMinuteMicro: 600_000 },
  ],
};
const flat = (perKwhMicro: number): TariffTerms => ({ currency: "BRL", elements: [{ perKwhMicro }] });

async function createTariff(terms: TariffTerms, more: { from?: number; to?: number } = {}): Promise<string> {
  const id = randomUUID();
  await db.pool.query("insert into tariff (tariff_id, operator_id, name) values ($1, 'default', $2)", [
    id,
    id,
  ]);
  await addVersion(id, 1, terms, more);
  return id;
}

const addVersion = (id: string, version: number, terms: TariffTerms, more: { from?: number; to?: number }) =>
  db.pool.query(
    `insert into tariff_version (tariff_id, version, operator_id, valid_from, valid_to, terms, created_by)
     values ($1, $2, 'default', $3, $4, $5, 'test')`,
    [
      ...[id, version, new Date(NOON + (more.from ?? -24 * HOUR))],
      ...[more.to === undefined ? null : new Date(NOON + more.to), JSON.stringify(terms)],
    ],
  );

async function assign(
  tariffId: string,
  to: { site?: string; station?: string; group?: string } = {},
  from = -24 * HOUR,
  until?: number,
): Promise<void> {
  const { site = null, station = null, group = null } = to;
  const target = group
    ? `group:${group}`
    : station
      ? `station:${station}`
      : site
        ? `site:${site}`
        : "operator";
  await db.pool.query(
    `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, site_id, station_id, group_id,
       assigned_from, assigned_until, assigned_by)
     values ($1, 'default', $2, $3, $4, $5, $6, $7, $8, 'test')`,
    [
      ...[randomUUID(), tariffId, target, site, station, group, new Date(NOON + from)],
      until === undefined ? null : new Date(NOON + until),
    ],
  );
}

const tell = async (...bodies: EntryBody[]) =>
  expect((await storeAll(db.pool, journal.commit(bodies))).parked).toBe(0);
/** Told when it happened, as a station does that is connected. */
const live = (body: EntryBody): EntryBody => {
  const { request = "" } = body as { request?: string };
  const stamp = /"timestamp":"([^"]+)"/.exec(request)?.[1] ?? isoAt(0);
  const at = Date.parse(stamp) - NOON;
  return toldAt(body, at, at + 24 * HOUR);
};
const tellLive = (...bodies: EntryBody[]) => tell(...bodies.map(live));
const status = (word: string, at: number) =>
  handled(
    cp,
    "ocpp1.6",
    "StatusNotification",
    { connectorId: 1, errorCode: "NoError", status: word, timestamp: isoAt(at) },
    {},
  );
const onSite = () => ({ site: journal.siteId });

test("a session over two bands, with idle time at its end", async () => {
  await assign(await createTariff(TERMS), onSite());
  const id = randomUUID();
  await tellLive(
    start16(cp, id),
    status("Charging", 0),
    meter16(cp, id, { at: HOUR, wh: 11_000 }),
    meter16(cp, id, { at: 2 * HOUR, wh: 16_000 }),
    status("SuspendedEV", 2 * HOUR),
    stop16(cp, id, { at: 2 * HOUR + 10 * MINUTE, meterStop: 16_000 }),
  );
  const priced = await priceOf(db.pool, "default", id);
  expect(priced?.price).toMatchObject({ energyWh: 15_000, idleS: 600, totalMinor: 3_100, flags: [] });
  expect(priced?.price.lines).toMatchObject([
    { component: "energy", elementIndex: 0, quantity: 10_000, amountMinor: 2_000 },
    { component: "energy", elementIndex: 1, quantity: 5_000, amountMinor: 500 },
    { component: "idle-time", elementIndex: 1, quantity: 600, amountMinor: 600 },
  ]);
  expect(priced).toMatchObject({ tariffVersion: 1, assignedBy: "site", terms: TERMS });
});

test("OCPP 2.0.1 says the state in its events, and need not name the EVSE again", async () => {
  await assign(await createTariff(TERMS), onSite());
  const id = randomUUID();
  const without = (body: EntryBody): EntryBody => {
    const entry = body as Extract<EntryBody, { kind: "ocpp.handled" }>;
    return { ...entry, request: entry.request.replace(/"evse":\{[^}]*\},?/, "") };
  };
  await tellLive(event201(cp, id, "Started", { at: 0, wh: 0, chargingState: "EVConnected" }));
  await tellLive(without(event201(cp, id, "Updated", { at: 10 * MINUTE, wh: 0, chargingState: "Charging" })));
  await tellLive(
    without(event201(cp, id, "Updated", { at: 2 * HOUR, wh: 4_000, chargingState: "SuspendedEV" })),
    without(event201(cp, id, "Ended", { at: 3 * HOUR, wh: 4_000, chargingState: "EVConnected" })),
  );
  const { price } = (await priceOf(db.pool, "default", id))!;
  expect(price).toMatchObject({ energyWh: 4_000, chargingS: 6_600, idleS: 3_600 });
});

test("one that runs costs what it has cost by its last reading", async () => {
  await assign(await createTariff(flat(1_000_000)), onSite());
  const id = randomUUID();
  await tellLive(start16(cp, id), meter16(cp, id, { at: HOUR, wh: 3_500 }));
  const running = await priceOf(db.pool, "default", id);
  expect(running?.price.totalMinor).toBe(250);
  expect(running?.timeline.endedAt).toBe(NOON + HOUR);
});

test("of two stops the lower register is priced; what lies above it is not", async () => {
  await assign(await createTariff(flat(1_000_000)), onSite());
  const id = randomUUID();
  await tellLive(
    start16(cp, id),
    meter16(cp, id, { at: HOUR / 2, wh: 9_000 }),
    stop16(cp, id, { at: HOUR, meterStop: 9_500 }),
    stop16(cp, id, { at: HOUR, meterStop: 4_000 }, { flags: ["conflicting-stop"] }),
  );
  expect((await priceOf(db.pool, "default", id))?.price).toMatchObject({ energyWh: 3_000, totalMinor: 300 });
});

test("where the time is not to be believed, the cheaper band counts and time is not priced", async () => {
  const terms = { ...TERMS, elements: TERMS.elements.map((e) => ({ ...e, perChargingMinuteMicro: 10_000 })) };
  await assign(await createTariff(terms), onSite());
  const id = randomUUID();
  await tell(start16(cp, id, {}, { flags: ["time-implausible"] }), stop16(cp, id, { at: HOUR }));
  expect((await priceOf(db.pool, "default", id))?.price).toMatchObject({
    ...{ totalMinor: 400, flags: ["cheaper-band", "energy-only"] },
  });
});

test("a clock that was found wrong moves the whole session to its true band", async () => {
  await assign(await createTariff(TERMS), onSite(), -48 * HOUR);
  const id = randomUUID();
  // The box believed it was three hours earlier, and so did the station.
  const behind = -3 * HOUR;
  const placed = (body: EntryBody, up: number) => toldAt(body, behind + up, up);
  const started = {
    ...{ kind: "er.started", boot: journal.boot, release: "1.0.0" },
  } as EntryBody;
  await tell(
    placed(started, 0),
    placed(start16(cp, id, { at: behind + MINUTE }), MINUTE),
    placed(meter16(cp, id, { at: behind + 30 * MINUTE, wh: 6_000 }), 30 * MINUTE),
    placed(stop16(cp, id, { at: behind + HOUR, meterStop: 11_000 }), HOUR),
    placed({ kind: "clock.synced", offsetMs: 3 * HOUR }, HOUR + 1_000),
  );
  const priced = await priceOf(db.pool, "default", id);
  // 06:01 to 07:00 it seemed, 09:01 to 10:00 it was: the dear band.
  expect(priced?.timeline).toMatchObject({ startedAt: NOON + MINUTE, timeQuality: "known" });
  expect(priced?.price).toMatchObject({ totalMinor: 2_000, flags: [] });
});

test("without a tariff there is no price, without a transaction neither", async () => {
  const id = randomUUID();
  await tell(start16(cp, id), stop16(cp, id));
  expect(await priceOf(db.pool, "default", id)).toBeUndefined();
  expect(await priceOf(db.pool, "default", randomUUID())).toBeUndefined();
  await assign(await createTariff(flat(1)), onSite());
  expect(await priceOf(db.pool, "somebody-else", id)).toBeUndefined();
  expect(await priceOf(db.pool, "default", id)).toBeDefined();
});

describe("which tariff holds", () => {
  const basis = async (atMs: number, idToken?: string) => {
    const place = { operatorId: "default", siteId: journal.siteId, stationId: cp, atMs: NOON + atMs };
    const found = await tariffFor(db.pool, { ...place, idToken });
    return found === undefined ? undefined : [found.assignedBy, found.version];
  };

  test("a token's group before the station, the station before its site, the site before everybody", async () => {
    await tell(start16(cp, randomUUID()));
    const group = `fleet-${cp}`;
    await db.pool.query("insert into id_token (operator_id, id_token, group_id) values ('default', $1, $2)", [
      `TAG-${cp}`,
      group,
    ]);
    expect(await basis(0)).toBeUndefined();
    await assign(await createTariff(flat(1)), {}, -24 * HOUR, HOUR);
    expect(await basis(0)).toEqual(["operator", 1]);
    await assign(await createTariff(flat(1)), onSite());
    expect(await basis(0)).toEqual(["site", 1]);
    await assign(await createTariff(flat(1)), { ...onSite(), station: cp });
    expect(await basis(0)).toEqual(["station", 1]);
    await assign(await createTariff(flat(1)), { group });
    expect(await basis(0)).toEqual(["station", 1]);
    expect(await basis(0, `tag-${cp}`)).toEqual(["group", 1]);
    expect(await basis(0, "somebody's")).toEqual(["station", 1]);
  });

  test("what held when it began counts, also after it was changed", async () => {
    const [first, second] = [await createTariff(flat(1)), await createTariff(flat(2))];
    await addVersion(first, 2, flat(3), { from: -HOUR, to: HOUR });
    await assign(first, onSite(), -24 * HOUR, 2 * HOUR);
    await assign(second, onSite(), 2 * HOUR);
    expect(await basis(-25 * HOUR)).toBeUndefined();
    expect(await basis(-2 * HOUR)).toEqual(["site", 1]);
    expect(await basis(0)).toEqual(["site", 2]);
    // A version that has ended gives way to the one before, which has not.
    expect(await basis(HOUR)).toEqual(["site", 1]);
    expect(await basis(2 * HOUR)).toEqual(["site", 1]);
  });

  test("what is read from a moment on says the same as everything would, ever after", async () => {
    const times = fc.integer({ min: -20, max: 20 });
    const versions = fc.array(
      fc.record({ from: times, length: fc.option(fc.integer({ min: 1, max: 15 })) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    const run = fc.asyncProperty(versions, times, async (given, since) => {
      const id = randomUUID();
      await db.pool.query("insert into tariff (tariff_id, operator_id, name) values ($1, 'default', $2)", [
        id,
        id,
      ]);
      for (const [i, { from, length }] of given.entries()) {
        const to = length === null ? {} : { to: (from + length) * HOUR };
        await addVersion(id, i + 1, flat(i + 1), { from: from * HOUR, ...to });
      }
      const site = randomUUID();
      await db.pool.query(
        "insert into site (site_id, operator_id, name) values ($1, 'default', 'Somewhere')",
        [site],
      );
      await assign(id, { site }, -100 * HOUR);
      const target = [`site:${site}`];
      const some = await readBook(db.pool, "default", site, NOON + since * HOUR, target);
      const all = given.map(({ from, length }, i) => ({
        ...{ tariffId: id, version: i + 1, validFrom: NOON + from * HOUR, terms: flat(i + 1) },
        ...(length === null ? {} : { validTo: NOON + (from + length) * HOUR }),
      }));
      for (let at = since; at <= 40; at++) {
        const question = { siteId: site, stationId: cp, atMs: NOON + at * HOUR };
        expect(chooseTariff(some, question)).toEqual(chooseTariff({ ...some, versions: all }, question));
      }
    });
    await fc.assert(run, { numRuns: scaled(40) });
  });

  test("a version never changes", async () => {
    const id = await createTariff(flat(1));
    await expect(
      db.pool.query("update tariff_version set terms = '{}' where tariff_id = $1", [id]),
    ).rejects.toThrow("does not change");
  });
});

describe("what the site showed", () => {
  /** Dearer, or cheaper, from an hour before it began on; the site has not heard of it. */
  async function sold(first: number, second: number, told?: object): Promise<string> {
    const id = await createTariff(flat(first));
    await addVersion(id, 2, flat(second), { from: -HOUR });
    await db.pool.query("delete from tariff_assignment where target = $1", [`site:${journal.siteId}`]);
    await assign(id, onSite(), -24 * HOUR);
    const transactionId = randomUUID();
    const tariff = { tariffId: id, version: 1, ...told };
    await tellLive(
      start16(cp, transactionId, { meterStart: 0 }, { tariff }),
      stop16(cp, transactionId, { at: HOUR, meterStop: 10_000 }),
    );
    return transactionId;
  }
  const priced = async (id: string) => {
    const found = await priceOf(db.pool, "default", id);
    return found && [found.price.totalMinor, found.assignedBy, found.tariffVersion, ...found.price.flags];
  };

  test("is what it costs, where a dearer price has not reached the site yet", async () => {
    expect(await priced(await sold(1_890_000, 2_500_000))).toEqual([1_890, "shown", 1, "site-price"]);
  });

  test("is not, where a lower price was announced by then", async () => {
    expect(await priced(await sold(2_500_000, 1_890_000))).toEqual([1_890, "site", 2]);
  });

  test("says nothing where it is what held", async () => {
    expect(await priced(await sold(1_890_000, 2_500_000, { version: 2 }))).toEqual([2_500, "site", 2]);
  });

  test("counts for nothing where it cannot have held there: what is none, what was not begun, what was never for here", async () => {
    const held = [2_500, "site", 2, "site-price-unknown"];
    const elsewhere = await createTariff(flat(1));
    await db.pool.query("insert into site (site_id, operator_id, name) values ($1, 'default', 'x')", [
      elsewhere,
    ]);
    await assign(elsewhere, { site: elsewhere });
    const later = await createTariff(flat(1), { from: HOUR });
    await assign(later, { group: `later-${cp}` });
    const notYet = await createTariff(flat(1));
    await tellLive(start16(cp, randomUUID(), { wireId: 3 }));
    await assign(notYet, { ...onSite(), station: cp }, HOUR);
    for (const told of [
      ...[{ version: 3 }, { tariffId: randomUUID() }, { tariffId: "t" }, { tariffId: elsewhere }],
      ...[{ tariffId: later }, { tariffId: notYet }],
    ])
      expect(await priced(await sold(1_890_000, 2_500_000, told))).toEqual(held);
  });

  test("of another operator's tariff is none", async () => {
    const [theirs, operator, long] = [randomUUID(), `op-${randomUUID()}`, "2020-01-01"];
    await db.pool.query("insert into operator (operator_id, name) values ($1, 'x')", [operator]);
    await db.pool.query("insert into tariff (tariff_id, operator_id, name) values ($1, $2, 'x')", [
      theirs,
      operator,
    ]);
    await db.pool.query(
      `insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
       values ($1, 1, $2, $3, $4, 'x')`,
      [theirs, operator, long, JSON.stringify(flat(1))],
    );
    await db.pool.query(
      `insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, assigned_from, assigned_by)
       values ($1, $2, $3, 'operator', $4, 'x')`,
      [randomUUID(), operator, theirs, long],
    );
    expect(await priced(await sold(1_890_000, 2_500_000, { tariffId: theirs }))).toEqual([
      ...[2_500, "site", 2, "site-price-unknown"],
    ]);
  });

  test("holds from the millisecond on that the site was told, though it was made some microseconds later", async () => {
    const fleet = randomUUID();
    const made = isoAt(0).replace("Z", "456Z");
    await db.pool.query(
      `with t as (insert into tariff (tariff_id, operator_id, name) values ($1::uuid, 'default', $1::text)),
       v as (insert into tariff_version (tariff_id, version, operator_id, valid_from, terms, created_by)
         values ($1::uuid, 1, 'default', $2, $3, 'test'))
       insert into tariff_assignment (assignment_id, operator_id, tariff_id, target, group_id, assigned_from, assigned_by)
       values ($1::uuid, 'default', $1::uuid, 'group:' || $4::text, $4, $2, 'test')`,
      [fleet, made, JSON.stringify(flat(1_000_000)), `g-${cp}`],
    );
    expect(await priced(await sold(1_890_000, 2_500_000, { tariffId: fleet }))).toEqual([
      ...[1_000, "shown", 1, "site-price"],
    ]);
  });

  test("may be of a group that the token is not in any more, and of an assignment that has ended", async () => {
    const fleet = await createTariff(flat(1_000_000));
    await assign(fleet, { group: `g-${cp}` }, -24 * HOUR, -HOUR);
    expect(await priced(await sold(1_890_000, 2_500_000, { tariffId: fleet }))).toEqual([
      ...[1_000, "shown", 1, "site-price"],
    ]);
  });
});
