/** Hours of transactions: every watt-hour in its hour, whatever comes late and whoever corrects it. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import {
  arrive,
  introduce,
  Journal,
  meter16,
  NOON,
  openTestDb,
  start16,
  stop16,
  type TestDb,
} from "../harness.ts";
import { storeBatches } from "../ingest/journal.ts";
import { rollUpEnergy } from "./energy.ts";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  await arrive(db.pool, new Journal("er-0", "site-0").commit([start16("CP0", randomUUID())]));
  await db.pool.query("delete from transaction");
  await db.pool.query("update site set time_zone = 'UTC'");
});
afterAll(() => db.close());

const H = 3_600_000;
const MIN = 60_000;
const hoursOf = (id: string) =>
  db.rows<{ h: number; wh: number; s: number }>(
    `select (extract(epoch from hour) * 1000 - ${NOON})::float8 / ${H} as h, energy_wh as wh, occupied_s as s
     from energy_hour where transaction_id = $1 order by hour`,
    id,
  );

type Tx = {
  from?: number;
  to?: number | null;
  start?: number | null;
  stop?: number | null;
  samples?: [number, number][];
};
/** Times are offsets to NOON. */
async function transaction({ from = 0, to = H, start = 0, stop = 1_000, samples = [] }: Tx): Promise<string> {
  const id = randomUUID();
  const at = (ms: number) => new Date(NOON + ms);
  const last = samples.length === 0 ? null : Math.max(...samples.map(([, wh]) => wh));
  for (const [ms, wh] of samples)
    await db.pool.query(
      "insert into transaction_sample (at, transaction_id, operator_id, energy_import_wh) values ($1, $2, 'default', $3)",
      [at(ms), id, wh],
    );
  await db.pool.query(
    `insert into transaction (transaction_id, operator_id, site_id, er_id, station_id, evse_id, started_at, ended_at,
       meter_start_wh, meter_stop_wh, last_energy_wh) values ($1, 'default', 'site-0', 'er-0', 'CP0', 1, $2, $3, $4, $5, $6)`,
    [id, at(from), to === null ? null : at(to), start, stop, last],
  );
  return id;
}

describe("where the energy goes", () => {
  test.each<[string, Tx, [number, number, number][]]>([
    ["within an hour", { from: 10 * MIN, to: 40 * MIN, stop: 5_000 }, [[0, 5_000, 1_800]]],
    [
      "without readings: evenly over its time",
      { from: 30 * MIN, to: 2 * H + 30 * MIN, stop: 8_000 },
      [
        [0, 2_000, 1_800],
        [1, 4_000, 3_600],
        [2, 2_000, 1_800],
      ],
    ],
    [
      "with readings: between them",
      {
        from: 30 * MIN,
        to: 2 * H,
        stop: 9_000,
        samples: [
          [H, 6_000],
          [H + 30 * MIN, 9_000],
        ],
      },
      [
        [0, 6_000, 1_800],
        [1, 3_000, 3_600],
      ],
    ],
    ["exactly one hour", { from: 0, to: H, stop: 7 }, [[0, 7, 3_600]]],
    [
      "a register that falls, and one beyond the end, take nothing and add nothing",
      {
        from: 0,
        to: 2 * H,
        stop: 2_000,
        samples: [
          [10 * MIN, 1_000],
          [20 * MIN, 400],
          [50 * MIN, 1_000],
          [H + 10 * MIN, 9_999],
        ],
      },
      [
        [0, 1_500, 3_600],
        [1, 500, 3_600],
      ],
    ],
    [
      "no start register: from the first reading on",
      { from: 0, to: H, start: null, stop: 5_500, samples: [[10 * MIN, 5_000]] },
      [[0, 500, 3_600]],
    ],
    ["no register at all: time without energy", { from: 0, to: H, start: null, stop: null }, [[0, 0, 3_600]]],
    ["an end below its start", { from: 0, to: H, start: 5_000, stop: 4_000 }, [[0, 0, 3_600]]],
    ["no time at all", { from: 0, to: 0 }, []],
  ])("%s", async (_what, tx, hours) => {
    const id = await transaction(tx);
    await rollUpEnergy(db.pool);
    expect((await hoursOf(id)).map(({ h, wh, s }) => [h, wh, s])).toEqual(hours);
  });

  test("hours are those of the site's clock, also where it is half an hour off", async () => {
    await db.pool.query("update site set time_zone = 'Asia/Kolkata' where site_id = 'site-0'");
    const id = await transaction({ from: 0, to: H, stop: 1_000 });
    await rollUpEnergy(db.pool);
    await db.pool.query("update site set time_zone = 'UTC' where site_id = 'site-0'");
    expect((await hoursOf(id)).map(({ h, wh }) => [h, wh])).toEqual([
      [-0.5, 500],
      [0.5, 500],
    ]);
  });

  test(
    "any course: the hours add up to the registers and to the time, and none is negative",
    { timeout: scaled(60_000) },
    async () => {
      const sample = fc.tuple(fc.integer({ min: -H, max: 5 * H }), fc.integer({ min: 0, max: 30_000 }));
      const course = fc.record({
        from: fc.integer({ min: 0, max: H }),
        length: fc.integer({ min: 1_000, max: 4 * H }),
        start: fc.integer({ min: 0, max: 10_000 }),
        energy: fc.integer({ min: 0, max: 30_000 }),
        samples: fc.array(sample, { maxLength: 12 }),
      });
      await fc.assert(
        fc.asyncProperty(course, async ({ from, length, start, energy, samples }) => {
          const id = await transaction({ from, to: from + length, start, stop: start + energy, samples });
          await rollUpEnergy(db.pool);
          const hours = await hoursOf(id);
          expect(hours.reduce((sum, hour) => sum + hour.wh, 0)).toBe(energy);
          expect(Math.abs(hours.reduce((sum, hour) => sum + hour.s, 0) - length / 1_000)).toBeLessThan(
            hours.length,
          );
          expect(hours.every((hour) => hour.wh >= 0)).toBe(true);
        }),
        { numRuns: scaled(60) },
      );
    },
  );
});

describe("what comes later", () => {
  test("from the journal: while it runs, when it ends, and the same again when nothing has changed", async () => {
    const id = randomUUID();
    const journal = new Journal("er-late", "site-late")
      .commit([start16("CPl", id, { meterStart: 1_000 }), meter16("CPl", id, { at: 30 * MIN, wh: 3_000 })])
      .commit([stop16("CPl", id, { at: 2 * H, meterStop: 9_000 })]);
    await introduce(db.pool, journal);
    await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(0, 1)]);
    await rollUpEnergy(db.pool);
    const sum = async () => (await hoursOf(id)).reduce((total, hour) => total + hour.wh, 0);
    expect(await sum()).toBe(2_000);
    await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(1, 2)]);
    expect(await rollUpEnergy(db.pool)).toBeGreaterThan(0);
    const hours = await hoursOf(id);
    expect(hours.map((hour) => hour.wh)).toEqual([4_000, 4_000]);
    expect(await rollUpEnergy(db.pool)).toBe(0);
    expect(await hoursOf(id)).toEqual(hours);
  });

  test("a merge by a person takes it away, an earlier end takes hours away", async () => {
    const id = await transaction({ from: 0, to: 3 * H, stop: 3_000 });
    await rollUpEnergy(db.pool);
    expect(await hoursOf(id)).toHaveLength(3);
    await db.pool.query(
      "update transaction set ended_at = $2, meter_stop_wh = 600 where transaction_id = $1",
      [...[id, new Date(NOON + H)]],
    );
    await rollUpEnergy(db.pool);
    expect((await hoursOf(id)).map((hour) => hour.wh)).toEqual([600]);
    await db.pool.query("update transaction set merged_into = $1 where transaction_id = $1", [id]);
    await rollUpEnergy(db.pool);
    expect(await hoursOf(id)).toEqual([]);
  });

  test("several copies at once come to the same", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await transaction({ from: 0, to: 2 * H, stop: 1_000 + i }));
    await Promise.all([1, 2, 3].map(() => rollUpEnergy(db.pool)));
    for (const [i, id] of ids.entries())
      expect((await hoursOf(id)).reduce((total, hour) => total + hour.wh, 0)).toBe(1_000 + i);
  });
});
