/** What batches do to the rows that are there already: the rules of merging, on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { fc, scaled } from "../../sim/services/property.ts";
import type { EntryBody } from "../../shared/entry.ts";
import {
  event201,
  introduce,
  Journal,
  meter16,
  NOON,
  offline,
  online,
  openTestDb,
  sampled,
  start16,
  status16,
  stop16,
  storeAll,
  type TestDb,
} from "../harness.ts";
import { given } from "../../shared/given.ts";
import { storeHello } from "./hello.ts";
import { storeBatches } from "./journal.ts";

let db: TestDb;
let journal: Journal;
beforeAll(async () => {
  db = await openTestDb();
  journal = new Journal("er-m", "site-m");
  await introduce(db.pool, journal);
});
afterAll(() => db.close());

/** Each of these happenings arrives in a batch of its own. */
async function oneByOne(...bodies: EntryBody[]): Promise<void> {
  for (const body of bodies) await storeAll(db.pool, journal.commit([body]));
}

type Row = Record<string, unknown> & { flags: string[] };
const transaction = async (id: string) => {
  const [row] = await db.rows<Row>("select * from transaction where transaction_id = $1", id);
  return row;
};

describe("transactions", () => {
  test("start, readings and stop of three batches make one transaction", async () => {
    const id = randomUUID();
    await oneByOne(
      start16("CP1", id, { meterStart: 1_000 }),
      meter16("CP1", id, { at: 30_000, wh: 3_000, powerW: 7_000 }),
    );
    expect(await transaction(id)).toMatchObject({
      ended_at: null,
      power_w: 7_000,
      last_energy_wh: 3_000,
      evse_id: 1,
    });
    await oneByOne(stop16("CP1", id, { meterStop: 5_000 }));
    expect(await transaction(id)).toMatchObject({
      operator_id: "default",
      site_id: "site-m",
      er_id: "er-m",
      ocpp_transaction_id: "7",
      started_at: new Date(NOON),
      ended_at: new Date(NOON + 60_000),
      meter_start_wh: 1_000,
      meter_stop_wh: 5_000,
      power_w: 0,
      id_token: "TAG1",
      flags: [],
      needs_review: false,
    });
  });

  test("a register never falls: the highest one stays, and the fall is flagged", async () => {
    const id = randomUUID();
    await oneByOne(
      start16("CP1", id),
      meter16("CP1", id, { at: 1_000, wh: 4_000 }),
      meter16("CP1", id, { at: 2_000, wh: 3_500 }),
    );
    expect(await transaction(id)).toMatchObject({
      last_energy_wh: 4_000,
      flags: ["register-fell"],
      needs_review: false,
    });
  });

  test("a stop below the register that was seen is flagged", async () => {
    const id = randomUUID();
    await oneByOne(
      start16("CP1", id),
      meter16("CP1", id, { wh: 4_000 }),
      stop16("CP1", id, { meterStop: 3_000 }),
    );
    expect(await transaction(id)).toMatchObject({ meter_stop_wh: 3_000, flags: ["stop-below-register"] });
  });

  test("of two stops the lower register counts, and a person is told", async () => {
    const id = randomUUID();
    const conflict = { flags: ["conflicting-stop"] };
    await oneByOne(start16("CP1", id), stop16("CP1", id, { meterStop: 5_000 }));
    await oneByOne(
      stop16("CP1", id, { meterStop: 4_000 }, conflict),
      stop16("CP1", id, { meterStop: 9_000 }, conflict),
    );
    expect(await transaction(id)).toMatchObject({
      meter_stop_wh: 4_000,
      needs_review: true,
      flags: ["conflicting-stop"],
    });
  });

  test("a repeated stop changes nothing", async () => {
    const id = randomUUID();
    await oneByOne(start16("CP1", id), stop16("CP1", id, { meterStop: 5_000 }));
    const before = await transaction(id);
    await oneByOne(stop16("CP1", id, { meterStop: 1, at: 9_000_000 }, { basis: "repeat" }));
    expect(await transaction(id)).toEqual(before);
  });

  test("a stop without a start is a transaction whose time is estimated, for a person to look at", async () => {
    const id = randomUUID();
    await oneByOne(stop16("CP1", id, { meterStop: 900 }, { flags: ["orphan-stop"] }));
    expect(await transaction(id)).toMatchObject({
      meter_start_wh: null,
      meter_stop_wh: 900,
      started_at: new Date(NOON + 60_000),
      flags: ["orphan-stop", "time-estimated"],
      needs_review: true,
      authorized_by: "unknown",
    });
  });

  test("when the start comes late after all, its time counts and is no longer an estimate", async () => {
    const id = randomUUID();
    await oneByOne(
      event201("CP1", id, "Updated", { at: 10_000, wh: 200 }, { flags: ["start-missing"] }),
      event201("CP1", id, "Started", { at: 0, wh: 100, idToken: "AA" }, { basis: "policy" }),
    );
    expect(await transaction(id)).toMatchObject({
      started_at: new Date(NOON),
      meter_start_wh: 100,
      id_token: "AA",
      authorized_by: "policy",
      flags: ["register-fell", "start-missing"],
      needs_review: true,
    });
  });

  test("a reading that is late neither changes the present power nor revives what has ended", async () => {
    const id = randomUUID();
    await oneByOne(
      start16("CP1", id),
      meter16("CP1", id, { at: 9_000, wh: 2_000, powerW: 7_000 }),
      meter16("CP1", id, { at: 3_000, wh: 1_500, powerW: 1_000 }),
    );
    expect(await transaction(id)).toMatchObject({ power_w: 7_000, last_sample_at: new Date(NOON + 9_000) });
    await oneByOne(stop16("CP1", id), meter16("CP1", id, { at: 90_000, wh: 5_500, powerW: 3_000 }));
    expect(await transaction(id)).toMatchObject({
      power_w: 0,
      ended_at: new Date(NOON + 60_000),
      last_energy_wh: 5_500,
    });
  });
});

describe("commands", () => {
  const COMMAND = `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, status, issued_by, expires_at,
    finished_at, reason) values ($1, 'default', 'site-m', $2, 'CP1', 'Reset', '{}', $3, 'test', now(), $4, $5)`;
  const command = async (id: string) => (await db.rows("select * from command where command_id = $1", id))[0];

  async function given(status: string, erId = "er-m"): Promise<string> {
    const id = randomUUID();
    await oneByOne(online("CP1"));
    const expired = status === "expired";
    await db.pool.query(COMMAND, [
      id,
      erId,
      status,
      expired ? new Date() : null,
      expired ? "no ER accepted it in time" : null,
    ]);
    return id;
  }
  const accepted = (commandId: string): EntryBody => ({
    kind: "command.accepted",
    commandId,
    stationId: "CP1",
    commandKind: "Reset",
  });
  const finished = (commandId: string, reason?: string): EntryBody => ({
    kind: "command.finished",
    commandId,
    stationId: "CP1",
    status: reason === undefined ? "succeeded" : "failed",
    response: { status: "Accepted" },
    ...(reason === undefined ? {} : { reason }),
  });

  test("accepted, then finished", async () => {
    const id = await given("sent");
    await oneByOne(accepted(id));
    expect(await command(id)).toMatchObject({ status: "accepted", finished_at: null });
    await oneByOne(finished(id, "the station is busy"));
    expect(await command(id)).toMatchObject({
      status: "failed",
      response: { status: "Accepted" },
      reason: "the station is busy",
    });
  });

  test("what happened at the site wins over the belief that the command had expired", async () => {
    const id = await given("expired");
    await oneByOne(accepted(id));
    expect(await command(id)).toMatchObject({ status: "accepted", finished_at: null, reason: null });
    await oneByOne(finished(id));
    expect(await command(id)).toMatchObject({ status: "succeeded", reason: null });
  });

  test("an ER cannot finish another ER's command", async () => {
    await introduce(db.pool, new Journal("er-other", "site-other"));
    const id = await given("sent", "er-other");
    await oneByOne(accepted(id), finished(id));
    expect(await command(id)).toMatchObject({ status: "sent", accepted_at: null });
  });
});

describe("meters", () => {
  const meter = async (id: string) =>
    (await db.rows("select * from meter where meter_id = $1", `er-m.${id}`))[0];
  const health = (meterId: string, state: "ok" | "lost", reason?: string): EntryBody => ({
    kind: "meter.health",
    meterId,
    state,
    model: "sdm630",
    ...(reason === undefined ? {} : { reason }),
  });

  test("lost with its reason, then readings again", async () => {
    await oneByOne(sampled("m1", 100, 5), health("m1", "lost", "timeout"));
    expect(await meter("m1")).toMatchObject({
      state: "lost",
      state_reason: "timeout",
      model: "sdm630",
      reading: { powerW: 5 },
    });
    await oneByOne(sampled("m1", 101, 6));
    expect(await meter("m1")).toMatchObject({
      state: "ok",
      state_reason: null,
      reading: { energyImportWh: 101, powerW: 6 },
    });
  });

  test("a reading with flags, then one without", async () => {
    await oneByOne({ ...sampled("m2", 100, 5), flags: ["energy-fell"] } as EntryBody);
    expect(await meter("m2")).toMatchObject({ flags: ["energy-fell"] });
    await oneByOne(health("m2", "ok"));
    expect(await meter("m2")).toMatchObject({ flags: ["energy-fell"] });
    await oneByOne(sampled("m2", 101, 5));
    expect(await meter("m2")).toMatchObject({ flags: [] });
  });
});

/* One batch or many */

const wh = fc.integer({ min: 0, max: 9_000 });
const at = fc.integer({ min: 0, max: 9 }).map((n) => n * 60_000);
const flags = fc
  .constantFrom([], ["conflicting-stop"], ["replayed"], ["start-missing"])
  .map((f) => ({ flags: [...f] }));
const happening = (ids: string[]): fc.Arbitrary<EntryBody> => {
  const id = fc.constantFrom(...ids);
  const station = fc.constantFrom("P1", "P2");
  return fc.oneof(
    fc.tuple(station, id, at, wh, flags).map(([s, i, a, w, f]) => start16(s, i, { at: a, meterStart: w }, f)),
    fc.tuple(station, id).map(([s, i]) => start16(s, i, { status: "Invalid" })),
    fc
      .tuple(station, id, at, wh, fc.option(wh), fc.option(fc.integer({ min: 0, max: 100 })))
      .map(([s, i, a, w, p, soc]) =>
        meter16(s, i, {
          at: a,
          wh: w,
          ...given("powerW", p ?? undefined),
          ...given("socPercent", soc ?? undefined),
        }),
      ),
    fc.tuple(station, id, at, wh, flags).map(([s, i, a, w, f]) => stop16(s, i, { at: a, meterStop: w }, f)),
    fc
      .tuple(station, id, at, wh)
      .map(([s, i, a, w]) => event201(s, i, "Updated", { at: a, wh: w, chargingState: "Charging" })),
    fc
      .tuple(station, fc.constantFrom("Available", "Preparing", "Faulted"))
      .map(([s, v]) => status16(s, 1, v)),
    station.map(online),
    station.map(offline),
    fc.constant<EntryBody>({ kind: "er.started", boot: ids[0] ?? "", release: "1.0.0" }),
    fc.constant<EntryBody>({
      kind: "meter.health",
      meterId: "g",
      state: "lost",
      model: "x",
      reason: "timeout",
    }),
    wh.map((w) => sampled("g", w, w)),
  );
};

/** Everything that the entries of a site made of the tables, without the names of the site itself. */
async function picture(siteId: string) {
  const queries = [
    `select identity, protocol, online, online_changed_at, last_message_at from station where site_id = $1 order by 1`,
    `select s.identity, c.evse_id, c.status, c.detail, c.status_at from connector c join station s using (station_id)
     where s.site_id = $1 order by 1, 2`,
    `select ocpp_transaction_id, evse_id, connector_id, charging_state, started_at, ended_at, meter_start_wh, meter_stop_wh,
       last_energy_wh, power_w, soc_percent, last_sample_at, id_token, authorized_by, authorization_status, stopped_reason,
       array(select unnest(flags) order by 1) as flags, needs_review
     from transaction where site_id = $1 order by right(transaction_id::text, 1)`,
    `select state, state_reason, model, sampled_at, reading, flags from meter where site_id = $1`,
    `select m.seq, m.at, m.kind, m.request from message m join er e using (er_id) where e.site_id = $1 order by 1`,
    `select count(*) from transaction_sample s join transaction t using (transaction_id) where t.site_id = $1`,
  ];
  return Promise.all(queries.map((sql) => db.rows(sql, siteId)));
}

/** A hello that says of each transaction in these happenings that it runs, with facts of its own. */
function saysRunning(own: Journal, bodies: readonly EntryBody[]) {
  const ids = bodies.flatMap((b) =>
    "transactionId" in b && b.transactionId !== undefined ? [b.transactionId] : [],
  );
  const transactions = [...new Set(ids)].map((transactionId) => ({
    ...{ transactionId, ocppTransactionId: "99", evseId: 3, startedAt: NOON - 1, idToken: "HELLO" },
    ...{ meterStartWh: 12_345, energyImportWh: 99_999 },
  }));
  const stationId = bodies.flatMap((b) => ("transactionId" in b && "stationId" in b ? [b.stationId] : []))[0];
  const stations =
    stationId === undefined ? [] : [{ stationId, online: false, connectors: [], transactions }];
  return own.hello({ lastSeq: 0, stations });
}

test(
  "however a journal is cut into batches and transactions, the rows are the same in the end",
  { timeout: scaled(120_000) },
  async () => {
    const idsOf = () => [0, 1].map((n) => randomUUID().slice(0, -1) + n);
    const marks = ["00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"];
    await fc.assert(
      fc.asyncProperty(fc.array(happening(marks), { minLength: 1, maxLength: 14 }), async (bodies) => {
        const sites = [`m-${randomUUID()}`, `m-${randomUUID()}`];
        for (const [index, siteId] of sites.entries()) {
          const ids = idsOf();
          const mine = bodies.map((b) =>
            "transactionId" in b && b.transactionId !== undefined
              ? { ...b, transactionId: ids[marks.indexOf(b.transactionId)] ?? "" }
              : b,
          );
          const own = new Journal(siteId, siteId).commitEach(mine as EntryBody[]);
          await introduce(db.pool, new Journal(siteId, siteId, own.journalId));
          const batches = own.blocks.map((_, i) => own.batch(i, i + 1));
          if (index === 0) await storeBatches(db.pool, new Map(), siteId, batches);
          else {
            await storeHello(db.pool, new Map(), saysRunning(own, mine as EntryBody[]), "default");
            for (const batch of batches) await storeBatches(db.pool, new Map(), siteId, [batch]);
          }
        }
        const [whole, parts] = await Promise.all(sites.map(picture));
        expect(parts).toEqual(whole);
      }),
      { numRuns: scaled(60) },
    );
  },
);
