/** What the ingest tells an operator's own systems: each happening once, with the batch or not at all. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  arrive,
  introduce,
  Journal,
  meter16,
  NOON,
  offline,
  online,
  openTestDb,
  start16,
  status16,
  stop16,
  storeAll,
  type TestDb,
} from "../harness.ts";
import { storeBatches } from "./journal.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());
beforeEach(async () => {
  await db.pool.query("delete from webhook_endpoint");
  await db.pool.query("delete from webhook_event");
});

const listen = (types = "{}") =>
  db.pool.query(
    "insert into webhook_endpoint (operator_id, url, secret, event_types) values ('default', 'https://x', 's', $1)",
    [types],
  );
type Row = { type: string; site_id: string; at: Date; data: Record<string, unknown> };
const events = () => db.rows<Row>("select type, site_id, at, data from webhook_event order by type, at");
const types = async () => (await events()).map((event) => event.type);

let n = 0;
const journalOf = () => new Journal(`er-${++n}`, `site-${n}`);

test("nobody listens: nothing is kept", async () => {
  await arrive(db.pool, journalOf().commit([online("CP1"), start16("CP1", randomUUID())]));
  expect(await events()).toEqual([]);
});

test("a station comes and goes, a transaction begins and ends: once each, also when the batch comes again", async () => {
  await listen();
  const id = randomUUID();
  const journal = journalOf()
    .commit([online("CPx"), start16("CPx", id, { at: 1_000 }), meter16("CPx", id, { at: 2_000, wh: 1_500 })])
    .commit([stop16("CPx", id, { at: 60_000, meterStop: 5_000 }), offline("CPx")]);
  await introduce(db.pool, journal);
  await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(0, 1)]);
  expect(await types()).toEqual(["station.online", "transaction.started"]);
  await storeAll(db.pool, journal);
  await storeAll(db.pool, journal);
  const told = await events();
  expect(told.map((event) => event.type)).toEqual([
    ...["station.offline", "station.online", "transaction.ended", "transaction.started"],
  ]);
  expect(told[2]).toEqual({
    type: "transaction.ended",
    site_id: journal.siteId,
    at: new Date(NOON + 60_000),
    data: {
      transactionId: id,
      siteId: journal.siteId,
      stationId: "CPx",
      evseId: 1,
      connectorId: 1,
      startedAt: new Date(NOON + 1_000).toISOString(),
      endedAt: new Date(NOON + 60_000).toISOString(),
      timeQuality: "station",
      meterStartWh: 1_000,
      meterStopWh: 5_000,
      energyWh: 4_000,
      stoppedReason: "Local",
      flags: [],
    },
  });
  // No card, no name: those who may know it ask the API.
  expect(JSON.stringify(told)).not.toContain("TAG1");
});

test("an end that the ER assumed, and the station's own that comes later, are two", async () => {
  await listen("{transaction.ended}");
  const id = randomUUID();
  const journal = journalOf()
    .commit([start16("CPy", id)])
    .commit([
      {
        kind: "transaction.closed",
        stationId: "CPy",
        transactionId: id,
        reason: "gone",
        endedAt: NOON + 9_000,
      },
    ])
    .commit([stop16("CPy", id)]);
  await introduce(db.pool, journal);
  for (let block = 0; block < 3; block++)
    await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(block, block + 1)]);
  const told = await events();
  expect(told.map((event) => event.data["endEstimated"] ?? false)).toContain(true);
  expect(told).toHaveLength(2);
});

test("only of one's own operator, and only what was asked for", async () => {
  await listen("{station.*}");
  const id = randomUUID();
  await db.pool.query(
    "insert into operator (operator_id, name) values ('other', 'other') on conflict do nothing",
  );
  await arrive(db.pool, journalOf().commit([online("CPo"), start16("CPo", id)]), "other");
  expect(await events()).toEqual([]);
  await arrive(db.pool, journalOf().commit([online("CPp"), start16("CPp", randomUUID())]));
  expect(await types()).toEqual(["station.online"]);
});

test("what cannot be told holds up nothing: the rows are there, and it is said", async () => {
  await listen();
  await db.pool.query(
    "alter table webhook_event add constraint no_such check (data->>'stationId' <> 'CPbad')",
  );
  const journal = journalOf().commit([online("CPbad"), status16("CPbad", 1, "Available")]);
  const result = await arrive(db.pool, journal);
  await db.pool.query("alter table webhook_event drop constraint no_such");
  expect(result).toMatchObject({ verdict: "apply", entries: 2, parked: 0 });
  expect(result.untold).toContain("no_such");
  expect(await db.rows("select online from station where station_id = 'CPbad'")).toEqual([{ online: true }]);
});

test("times beyond every calendar, and text that no database holds, are told all the same", async () => {
  await listen();
  const journal = journalOf().commit(
    [online("CPz"), { kind: "station.offline", stationId: "CPz", reason: "a\0b" }],
    (entry) => ({ ...entry, at: Date.UTC(20_000, 0) }),
  );
  const result = await arrive(db.pool, journal);
  expect(result.untold).toBeUndefined();
  expect(await types()).toEqual(["station.offline", "station.online"]);
});

test("a command that has its outcome is told by whoever writes it, once", async () => {
  await listen("{command.finished}");
  await arrive(db.pool, journalOf().commit([online("CPc")]));
  const [station] = await db.rows<{ site_id: string; er_id: string }>(
    "select * from station where station_id = 'CPc'",
  );
  const id = randomUUID();
  await db.pool.query(
    `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
     values ($1, 'default', $2, $3, 'CPc', 'Reset', '{}', 'x', now())`,
    [id, station?.site_id, station?.er_id],
  );
  for (const status of ["sent", "accepted", "expired", "expired", "succeeded"])
    await db.pool.query("update command set status = $2, finished_at = now() where command_id = $1", [
      id,
      status,
    ]);
  const told = await events();
  expect(told.map((event) => event.data["status"])).toEqual(["expired", "succeeded"]);
  expect(told[0]?.data).toMatchObject({ commandId: id, kind: "Reset", stationId: "CPc" });
});
