/** What a hello tells of running transactions, of clocks and of the box, while history still drains. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody } from "../../shared/entry.ts";
import type { ErGauges, Hello } from "../../shared/wire.ts";
import {
  GAUGES,
  health,
  introduce,
  Journal,
  meter16,
  NOON,
  online,
  openTestApi,
  openTestDb,
  start16,
  stop16,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import type { Er } from "../api/er-schemas.ts";
import type { Site, Station, Transaction, TransactionDetail } from "../api/schemas.ts";
import { storeHello } from "./hello.ts";
import { storeBatches } from "./journal.ts";

let db: TestDb;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Running = NonNullable<Hello["stations"][number]["transactions"]>[number];

const fresh = () => {
  const name = randomUUID().slice(0, 8);
  return new Journal(`er-${name}`, `site-${name}`);
};
const nameOf = (journal: Journal) => `CP-${journal.erId}`;

/** A hello whose one station tells which transactions run. */
const hello = (journal: Journal, transactions: Running[] | undefined, more: Partial<Hello> = {}) =>
  storeHello(
    db.pool,
    new Map(),
    journal.hello({
      stations: [
        {
          stationId: nameOf(journal),
          protocol: "ocpp1.6",
          online: true,
          connectors: [{ evseId: 1, connectorId: 1, status: "Occupied", at: NOON }],
          ...(transactions === undefined ? {} : { transactions }),
        },
      ],
      ...more,
    }),
    "default",
  );
const running = (transactionId: string, more: Partial<Running> = {}): Running => ({
  transactionId,
  ocppTransactionId: "7",
  evseId: 1,
  startedAt: NOON,
  idToken: "TAG1",
  meterStartWh: 1_000,
  energyImportWh: 9_000,
  ...more,
});
const store = (journal: Journal, from: number, to: number) =>
  storeBatches(db.pool, new Map(), journal.erId, [journal.batch(from, to)]);

const view = async (id: string): Promise<Transaction> => {
  const reply = await api.get(`/v1/transactions/${id}`);
  expect(reply.status, reply.text).toBe(200);
  return (reply.body as TransactionDetail).transaction;
};

test("what runs is on the page at once, its history comes behind and does not shake it", async () => {
  const journal = fresh();
  const id = randomUUID();
  await introduce(db.pool, journal);
  const cp = nameOf(journal);
  journal
    .commit([online(cp)])
    .commit([start16(cp, id, { meterStart: 1_000 })])
    .commit([meter16(cp, id, { at: 30_000, wh: 3_000, powerW: 7_000 })])
    .commit([stop16(cp, id, { at: 90_000, meterStop: 12_000 })]);
  await hello(journal, [running(id)], { lastSeq: 3 });
  expect(await view(id)).toMatchObject({
    status: "active",
    stationId: cp,
    ocppTransactionId: "7",
    idToken: "TAG1",
    energyWh: 8_000,
    flags: [],
  });
  const site = (await api.get(`/v1/sites/${journal.siteId}`)).body as Site;
  expect(site).toMatchObject({ activeTransactions: 1 });

  await store(journal, 0, 3);
  // The readings on their way are lower than what the hello told: no register fell.
  expect(await view(id)).toMatchObject({
    status: "active",
    energyWh: 8_000,
    flags: [],
    authorizedBy: "sg",
    needsReview: false,
  });
  await store(journal, 3, 4);
  expect(await view(id)).toMatchObject({ status: "ended", energyWh: 11_000, flags: [], meterStopWh: 12_000 });
});

test("what the ER does not know as running is over, although its end still drains", async () => {
  const journal = fresh();
  const id = randomUUID();
  await introduce(db.pool, journal);
  const cp = nameOf(journal);
  journal
    .commit([online(cp), start16(cp, id)])
    .commit([meter16(cp, id, { at: 30_000, wh: 3_000, powerW: 7_000 })])
    .commit([stop16(cp, id, { at: 90_000, meterStop: 5_000 })]);
  await store(journal, 0, 1);
  await hello(journal, [], { lastSeq: 4 });
  expect(await view(id)).toMatchObject({ status: "ended", endedUnseen: true, endedAt: null, powerW: 0 });
  const listed = async (status: string) =>
    (
      (await api.get(`/v1/transactions?status=${status}&siteId=${journal.siteId}`)).body as {
        items: Transaction[];
      }
    ).items.length;
  expect([await listed("active"), await listed("ended")]).toEqual([0, 1]);
  const [connector] = ((await api.get(`/v1/stations/${cp}`)).body as Station).connectors;
  expect(connector).toMatchObject({ transactionId: null });

  // A reading that is history does not bring it back.
  await store(journal, 1, 2);
  expect(await view(id)).toMatchObject({ endedUnseen: true });
  await store(journal, 2, 3);
  expect(await view(id)).toMatchObject({ status: "ended", endedUnseen: false, meterStopWh: 5_000 });
});

test.each([
  ["a later hello says so", (journal: Journal, id: string) => hello(journal, [running(id)])],
  [
    "a message says so that is no history",
    async (journal: Journal, id: string) => {
      journal.commit([meter16(nameOf(journal), id, { at: 60_000, wh: 4_000 })]);
      await store(journal, 1, 2);
    },
  ],
])("what turns out to run is running again: %s", async (_name, say) => {
  const journal = fresh();
  const id = randomUUID();
  await introduce(db.pool, journal);
  journal.commit([online(nameOf(journal)), start16(nameOf(journal), id)]);
  await store(journal, 0, 1);
  await hello(journal, []);
  expect(await view(id)).toMatchObject({ status: "ended", endedUnseen: true });
  await say(journal, id);
  expect(await view(id)).toMatchObject({ status: "active", endedUnseen: false });
});

test("neither an older ER that does not tell, nor an older hello, ends anything", async () => {
  const journal = fresh();
  const id = randomUUID();
  await introduce(db.pool, journal);
  const cp = nameOf(journal);
  const early = journal.hello({
    stations: [{ stationId: cp, online: true, connectors: [], transactions: [] }],
  });
  journal.commit([online(cp), start16(cp, id)]);
  await store(journal, 0, 1);
  await hello(journal, undefined);
  await storeHello(db.pool, new Map(), early, "default");
  expect(await view(id)).toMatchObject({ status: "active" });
});

test("how the box is: the last word of it, and its history", async () => {
  const journal = fresh();
  await introduce(db.pool, journal);
  journal.commit([health({ backlog: 1 }), health({ backlog: 2 })]).commit([health({ backlog: 3 })]);
  await hello(journal, [], { lastSeq: 2, gauges: { ...GAUGES, backlog: 12, temperatureC: 61 } });
  const er = async () => (await api.get(`/v1/ers/${journal.erId}`)).body as Er;
  expect(await er()).toMatchObject({ gauges: { backlog: 12, temperatureC: 61 } });
  // What is history does not take the place of what the hello told.
  await store(journal, 0, 1);
  expect((await er()).gauges).toMatchObject({ backlog: 12 });
  await store(journal, 1, 2);
  expect((await er()).gauges).toMatchObject({ backlog: 3 });
  const page = async (query: string) =>
    (await api.get(`/v1/ers/${journal.erId}/health${query}`)).body as {
      items: { gauges: ErGauges }[];
      nextCursor: string;
    };
  const first = await page("?limit=2");
  expect(first.items.map((h) => h.gauges.backlog)).toEqual([3, 2]);
  const second = await page(`?limit=2&cursor=${first.nextCursor}`);
  expect(second.items.map((h) => h.gauges.backlog)).toEqual([1]);
});

test("a station's clock, and the ack that tells the version of the site's policy", async () => {
  const journal = fresh();
  const stations = [{ stationId: nameOf(journal), online: true, connectors: [], clockSkewMs: -400_000 }];
  const { ack } = await hello(journal, undefined, { stations });
  const [site] = await db.rows("select policy_version from site where site_id = $1", journal.siteId);
  expect(ack.policyVersion).toBe(site?.["policy_version"]);
  const station = (await api.get(`/v1/stations/${nameOf(journal)}`)).body as Station;
  expect(station.clockSkewMs).toBe(-400_000);
  // One that does not measure it leaves it as it is.
  await hello(journal, undefined);
  expect(((await api.get(`/v1/stations/${nameOf(journal)}`)).body as Station).clockSkewMs).toBe(-400_000);
});

test("how the program before ended, and which journals were set aside", async () => {
  const journal = fresh();
  await introduce(db.pool, journal);
  const start = (more: object): EntryBody => ({
    kind: "er.started",
    boot: journal.boot,
    release: "1.0.0",
    ...more,
  });
  journal.commit([
    start({ previousEnd: "watchdog", reason: "the loop stood still for 60 s" }),
    { kind: "journal.set-aside", file: "journal.sqlite.broken", reason: "malformed", lastSeq: 400 },
  ]);
  await store(journal, 0, 1);
  expect((await api.get(`/v1/ers/${journal.erId}`)).body).toMatchObject({
    previousEnd: "watchdog",
    previousReason: "the loop stood still for 60 s",
    setAside: [{ file: "journal.sqlite.broken", reason: "malformed", journalId: null, lastSeq: 400 }],
  });
});
