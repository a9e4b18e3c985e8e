/** Batches → PostgreSQL: exactly once in effect, whatever the broker, the network and other copies do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Entry, EntryBody } from "../../shared/entry.ts";
import { Ack, decodeWire, type Batch } from "../../shared/wire.ts";
import { until } from "../../sim/services/until.ts";
import {
  arrive,
  handled,
  introduce,
  Journal,
  meter16,
  NOON,
  online,
  openTestDb,
  sampled,
  start16,
  status16,
  stop16,
  storeAll,
  type TestDb,
} from "../harness.ts";
import { createIngest, storeBatches } from "./journal.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

/** A journal of an ER of its own, known to the SG. */
async function known(siteId = `site-${randomUUID().slice(0, 8)}`): Promise<Journal> {
  const journal = new Journal(`er-${siteId}`, siteId);
  await introduce(db.pool, journal);
  return journal;
}

const store = (journal: Journal, ...batches: Batch[]) =>
  storeBatches(db.pool, new Map(), journal.erId, batches);
const cursorOf = async (journal: Journal) =>
  (
    await db.rows<{ seq: number; halted: string | null }>(
      "select seq, halted from journal where journal_id = $1",
      journal.journalId,
    )
  )[0];
/** Sequence numbers in the timeline, in order. */
const timeline = async (journal: Journal) =>
  (
    await db.rows<{ seq: number }>(
      "select seq from message where journal_id = $1 order by seq",
      journal.journalId,
    )
  ).map((r) => r.seq);
const parkedOf = (journal: Journal) =>
  db.rows<{ seq: number; entry: string; reason: string }>(
    "select seq, entry, reason from parked_entry where journal_id = $1 order by seq",
    journal.journalId,
  );
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const quiet = () => undefined;

describe("exactly once", () => {
  test("duplicates, reordering and gaps: each entry is stored once, the ack tells where to go on", async () => {
    const journal = (await known()).commitEach(upTo(6).map(() => online("CP1")));
    expect((await store(journal, journal.batch(2, 4))).ack).toMatchObject({ seq: 0, resume: true });
    expect((await store(journal, journal.batch(0, 2))).ack).toMatchObject({ seq: 2, resume: false });
    expect((await store(journal, journal.batch(0, 2))).ack).toMatchObject({ seq: 2, resume: false });
    expect((await store(journal, journal.batch(1, 4))).ack).toMatchObject({ seq: 4, resume: false });
    const both = await store(journal, journal.batch(4, 5), journal.batch(0, 1), journal.batch(4, 6));
    expect(both).toMatchObject({ verdict: "apply", entries: 2, ack: { seq: 6 } });
    expect(await timeline(journal)).toEqual(upTo(6));
  });

  test("two copies of the SG that get the same batches at the same time store them once", async () => {
    const journal = (await known()).commitEach(upTo(12).map((i) => online(`CP${i % 3}`)));
    const [a, b] = [db.anotherPool(), db.anotherPool()];
    const calls = upTo(12).flatMap((i) =>
      [a, b].map((pool) =>
        storeBatches(pool, new Map(), journal.erId, [journal.batch(i - 1, i)]).catch(() => undefined),
      ),
    );
    await Promise.all(calls);
    await storeAll(db.pool, journal);
    expect(await timeline(journal)).toEqual(upTo(12));
    expect(await cursorOf(journal)).toEqual({ seq: 12, halted: null });
  });

  test("an ack that was lost after the commit is given again", async () => {
    const journal = (await known()).commit([online("CP1")]);
    const acks: number[] = [];
    let broken = true;
    const ingest = createIngest({
      pool: db.pool,
      onLog: quiet,
      async sendAck(_erId, payload) {
        if (broken) throw new Error("the broker went away");
        acks.push(decodeWire(Ack, payload).seq);
      },
    });
    await ingest.onBatch(journal.erId, journal.batch());
    expect(await cursorOf(journal)).toMatchObject({ seq: 1 });
    broken = false;
    await ingest.onBatch(journal.erId, journal.batch());
    await ingest.stop();
    expect(acks).toEqual([1]);
    expect(await timeline(journal)).toEqual([1]);
  });

  test("many batches at once are stored in order, several per transaction", async () => {
    const journal = (await known()).commitEach(upTo(40).map(() => online("CP1")));
    const ingest = createIngest({ pool: db.pool, onLog: quiet, sendAck: async () => undefined });
    await Promise.all(upTo(40).map((i) => ingest.onBatch(journal.erId, journal.batch(i - 1, i))));
    await ingest.stop();
    expect(await timeline(journal)).toEqual(upTo(40));
    expect(ingest.counters).toMatchObject({ batches: 40, entries: 40, dropped: 0 });
    expect(ingest.counters.transactions).toBeLessThan(10);
  });

  test("what does not fit into the queue is dropped, and comes again", async () => {
    const journal = (await known()).commitEach(upTo(100).map(() => online("CP1")));
    const ingest = createIngest({ pool: db.pool, onLog: quiet, sendAck: async () => undefined });
    await Promise.all(upTo(100).map((i) => ingest.onBatch(journal.erId, journal.batch(i - 1, i))));
    expect(ingest.counters.dropped).toBeGreaterThan(0);
    await ingest.onBatch(journal.erId, journal.batch());
    await ingest.stop();
    expect(await timeline(journal)).toEqual(upTo(100));
  });

  test("after a roll-back of the SG's database the ER is asked for what is missing", async () => {
    const journal = (await known()).commitEach(upTo(4).map(() => online("CP1")));
    await storeAll(db.pool, journal);
    await db.pool.query("update journal set seq = 2, chain = $2 where journal_id = $1", [
      journal.journalId,
      journal.blocks[1]?.chain,
    ]);
    await db.pool.query("delete from message where journal_id = $1 and seq > 2", [journal.journalId]);
    journal.commit([online("CP1")]);
    expect((await store(journal, journal.batch(4))).ack).toMatchObject({ seq: 2, resume: true });
    expect((await store(journal, journal.batch(2))).ack).toMatchObject({ seq: 5, resume: false });
    expect(await timeline(journal)).toEqual(upTo(5));
  });

  test("what the ER no longer holds is recorded as a gap, once", async () => {
    const journal = (await known()).commitEach(upTo(5).map(() => online("CP1")));
    await store(journal, journal.batch(0, 1));
    journal.oldestSeq = 4;
    expect((await store(journal, journal.batch(3))).ack).toMatchObject({ seq: 5, resume: false });
    await store(journal, journal.batch(3));
    const gaps = await db.rows(
      "select first_seq, last_seq from journal_gap where journal_id = $1",
      journal.journalId,
    );
    expect(gaps).toEqual([{ first_seq: 2, last_seq: 3 }]);
  });
});

describe("what is refused", () => {
  test("an ER that never said hello is asked to begin again", async () => {
    const journal = new Journal("er-stranger", "site-stranger").commit([online("CP1")]);
    const result = await storeAll(db.pool, journal);
    expect(result).toMatchObject({ verdict: "resume", ack: { seq: 0, resume: true } });
    expect(await cursorOf(journal)).toBeUndefined();
  });

  test("a broken chain halts the journal, once and for all, and nothing is acked", async () => {
    const ours = (await known()).commit([online("CP1")]);
    await storeAll(db.pool, ours);
    const forged = new Journal(ours.erId, ours.siteId, ours.journalId)
      .commit([online("CP9")])
      .commit([online("CP9")]);
    const acks: string[] = [];
    const ingest = createIngest({
      pool: db.pool,
      onLog: quiet,
      sendAck: async (erId) => void acks.push(erId),
    });
    await ingest.onBatch(ours.erId, forged.batch(1));
    ours.commit([online("CP1")]);
    await ingest.onBatch(ours.erId, ours.batch());
    await ingest.stop();
    expect(acks).toEqual([]);
    expect(await cursorOf(ours)).toEqual({ seq: 1, halted: "the chain breaks before entry 2" });
    expect(await timeline(ours)).toEqual([1]);
  });
});

describe("a journal that was thinned for want of disk", () => {
  test("is taken from where the cursor stands; what went is recorded with its exact numbers, once", async () => {
    const journal = (await known()).commitEach(upTo(9).map(() => online("CP1")));
    await store(journal, journal.batch(0, 4));
    const { seq, at, upMs, clock } = journal.entries[2] as Entry;
    const ranges: [number, number][] = [
      [3, 5],
      [7, 7],
    ];
    const shed: Entry = { seq, at, upMs, clock, kind: "journal.shed", keptEveryS: 300, ranges };
    const kept = journal.entries.filter((entry) => [2, 6, 8].includes(entry.seq));
    journal.rewrite(1, 8, [...kept.slice(0, 1), shed, ...kept.slice(1)]);
    expect(await store(journal, journal.batch(1))).toMatchObject({
      verdict: "apply",
      ack: { seq: 9 },
      parked: 0,
    });
    expect((await store(journal, journal.batch(1))).verdict).toBe("repeat");
    expect(await timeline(journal)).toEqual([1, 2, 3, 4, 6, 8, 9]);
    const rows = await db.rows(
      "select seq, kept_every_s, first_at, ranges, entries from journal_shed where journal_id = $1",
      journal.journalId,
    );
    const told = [
      [5, 5],
      [7, 7],
    ];
    expect(rows).toEqual([{ seq: 5, kept_every_s: 300, first_at: new Date(at), ranges: told, entries: 2 }]);
  });
});

describe("entries that cannot be applied", () => {
  test("unknown kinds, wrong numbers and unreadable blocks are parked with their bytes, the rest is stored", async () => {
    const journal = await known();
    journal.commit([online("CP1"), online("CP1"), online("CP1")], (entry) =>
      entry.seq === 2 ? { ...entry, kind: "er.dreamt" } : entry,
    );
    journal.commitBytes(Buffer.from([9, 1, 2, 3]), 2);
    journal.commit([online("CP1"), online("CP1")], (entry) =>
      entry.seq === 7 ? { ...entry, seq: 70 } : entry,
    );
    const result = await storeAll(db.pool, journal);
    expect(result).toMatchObject({ verdict: "apply", parked: 3, ack: { seq: 7 } });
    expect(await timeline(journal)).toEqual([1, 3, 6]);
    const parked = await parkedOf(journal);
    expect(parked.map(({ seq, reason }) => [seq, reason])).toEqual([
      [2, "unknown kind er.dreamt"],
      [4, expect.stringContaining("unknown codec 9")],
      [7, "says it is entry 70"],
    ]);
    expect(JSON.parse(parked[0]?.entry ?? "")).toMatchObject({ kind: "er.dreamt", seq: 2 });
    expect(parked[1]?.entry).toBe(Buffer.from([9, 1, 2, 3]).toString("base64"));
  });

  test("a block that holds more or fewer entries than it says is parked whole: none is applied twice or lost silently", async () => {
    const journal = await known();
    journal.commit([online("CP1"), online("CP1")]);
    const [block] = journal.blocks;
    if (block !== undefined) {
      const other = new Journal(journal.erId, journal.siteId, journal.journalId)
        .commitBytes(block.bytes, 1)
        .commit([online("CP1")]);
      await storeAll(db.pool, other);
    }
    expect(await timeline(journal)).toEqual([2]);
    expect(await parkedOf(journal)).toMatchObject([
      { seq: 1, reason: expect.stringContaining("holds 2 entries") as string },
    ]);
  });

  test("a frame that cannot be read is parked and still stands in the timeline", async () => {
    const journal = await known();
    const bad = { ...start16("CP1", randomUUID()), request: '[2,"x"' } as EntryBody;
    journal.commit([online("CP1"), bad, online("CP1")]);
    expect(await storeAll(db.pool, journal)).toMatchObject({ parked: 1, ack: { seq: 3 } });
    expect(await timeline(journal)).toEqual([1, 2, 3]);
  });

  const id = randomUUID();
  const huge = { connectorId: 99_999_999_999, errorCode: "NoError", status: "Available" };
  test.each<[string, EntryBody]>([
    ["a connector number beyond every integer", handled("CP1", "ocpp1.6", "StatusNotification", huge, {})],
    ["a register of 1e300", start16("CP1", id, { meterStart: 1e300 })],
    ["a register with a fraction", stop16("CP1", id, { meterStop: 1.5 })],
    ["a clock in the year 3000000", { ...online("CP1"), at: 9e16 } as unknown as EntryBody],
    [
      "a current beyond every integer",
      { ...sampled("grid", 1, 2), reading: { powerPhasesW: [9e15] } } as EntryBody,
    ],
  ])("%s is parked alone; it does not stop the journal", async (_what, poison) => {
    const journal = await known();
    journal.commit([...upTo(5).map(() => online("CP1")), poison, ...upTo(4).map(() => online("CP2"))]);
    expect(await storeAll(db.pool, journal)).toMatchObject({ verdict: "apply", parked: 1, ack: { seq: 10 } });
    expect(await timeline(journal)).toEqual([1, 2, 3, 4, 5, 7, 8, 9, 10]);
    const [parked] = await parkedOf(journal);
    expect(parked?.seq).toBe(6);
    expect(JSON.parse(parked?.entry ?? "")).toMatchObject({ seq: 6 });
    expect(await cursorOf(journal)).toEqual({ seq: 10, halted: null });
  });

  test("NUL and half surrogates, which stations do send, are stored readably and park nothing", async () => {
    const journal = await known();
    const payload = {
      chargePointVendor: "AC\u0000ME",
      chargePointModel: "M\ud800",
      firmwareVersion: "1\\u0000",
    };
    journal.commit([
      handled("CP1", "ocpp1.6", "BootNotification", payload, { status: "Accepted" }),
      start16("CP1", randomUUID(), { idTag: "TAG\u0000" }),
      {
        kind: "ocpp.rejected",
        stationId: "CP1",
        protocol: "ocpp1.6",
        request: "\u0000\ud801 no frame",
        code: "RpcFrameworkError",
        reason: "no JSON\u0000",
      },
      { kind: "station.offline", stationId: "CP1", reason: "closed\u0000" },
    ]);
    expect(await storeAll(db.pool, journal)).toMatchObject({ parked: 0, ack: { seq: 4 } });
    const [station] = await db.rows(
      "select vendor, model, firmware_version from station where site_id = $1",
      journal.siteId,
    );
    expect(station).toEqual({ vendor: "AC\ufffdME", model: "M\ufffd", firmware_version: "1\\u0000" });
    const frames = await db.rows<{ request: string }>(
      "select request from message where journal_id = $1 and request is not null order by seq",
      journal.journalId,
    );
    // Frames keep their escapes, byte for byte; only bare NULs, which make them no frames, are replaced.
    expect(JSON.parse(frames[0]?.request ?? "")).toEqual([2, "m1", "BootNotification", payload]);
    expect(frames[2]?.request).toBe("\ufffd\ufffd no frame");
  });
});

describe("one transaction per batch", () => {
  test("a session that is killed in the middle leaves nothing behind, and the next try stores everything", async () => {
    const journal = (await known()).commit([
      status16("CP1", 1, "Available"),
      sampled("grid", 1, 2),
      start16("CP1", randomUUID()),
    ]);
    const blocker = new pg.Client({ connectionString: db.url });
    await blocker.connect();
    await blocker.query("begin");
    // Held late in the batch: connectors and transactions are written by then.
    await blocker.query("lock table meter in share mode");
    const storing = storeAll(db.pool, journal).then(
      () => "stored",
      (error: unknown) => String(error),
    );
    const waiting = () =>
      db.rows<{ pid: number }>(
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into meter %'",
      );
    const [stuck] = await until("the batch waits for the lock", async () => {
      const found = await waiting();
      return found.length > 0 ? found : undefined;
    });
    await blocker.query("select pg_terminate_backend($1)", [stuck?.pid]);
    expect(await storing).toMatch(/terminat/);
    await blocker.query("rollback");
    await blocker.end();
    expect(await cursorOf(journal)).toEqual({ seq: 0, halted: null });
    expect(await timeline(journal)).toEqual([]);
    expect(await db.rows("select 1 from station where site_id = $1", journal.siteId)).toEqual([]);
    expect(await db.rows("select 1 from transaction where site_id = $1", journal.siteId)).toEqual([]);

    expect(await storeAll(db.pool, journal)).toMatchObject({ verdict: "apply", ack: { seq: 3 } });
    expect(await timeline(journal)).toEqual([1, 3]);
  });

  test("a batch that fails is retried through the same queue without forgetting what its stations are called", async () => {
    const journal = (await known())
      .commit([status16("CP1", 1, "Available")])
      .commit([status16("CP2", 1, "Available")]);
    const ingest = createIngest({ pool: db.pool, onLog: quiet, sendAck: async () => undefined });
    await db.pool.query("alter table message rename to message_away");
    await ingest.onBatch(journal.erId, journal.batch());
    await db.pool.query("alter table message_away rename to message");
    expect(ingest.counters.dropped).toBe(1);
    await ingest.onBatch(journal.erId, journal.batch());
    await ingest.stop();
    const stations = await db.rows(
      "select identity from station where site_id = $1 order by 1",
      journal.siteId,
    );
    expect(stations).toEqual([{ identity: "CP1" }, { identity: "CP2" }]);
  });
});

describe("names", () => {
  const namesAt = async (siteId: string) =>
    db.rows<{ station_id: string; identity: string }>(
      "select station_id, identity from station where site_id = $1 order by 2",
      siteId,
    );

  test("two sites with a station of the same name have two stations", async () => {
    const [a, b] = [await known(), await known()];
    for (const journal of [a, b])
      await storeAll(db.pool, journal.commit([status16("TWIN", 1, "Available"), sampled("grid", 1, 2)]));
    expect(await namesAt(a.siteId)).toEqual([{ station_id: "TWIN", identity: "TWIN" }]);
    expect(await namesAt(b.siteId)).toEqual([{ station_id: `${b.siteId}~TWIN`, identity: "TWIN" }]);
    const meters = await db.rows("select meter_id from meter where site_id in ($1, $2)", a.siteId, b.siteId);
    expect(meters).toHaveLength(2);
  });

  test("also when both come at the same moment: no message of one site lands at the other", async () => {
    const journals = await Promise.all(upTo(6).map(() => known()));
    const names = upTo(5).map((i) => `RACE${i}-${journals[0]?.siteId}`);
    for (const [i, journal] of journals.entries()) {
      const order = i % 2 === 0 ? names : [...names].reverse();
      journal.commit(order.map((name) => status16(name, 1, "Available")));
    }
    const results = await Promise.allSettled(journals.map((journal) => storeAll(db.pool, journal)));
    expect(results.filter((r) => r.status === "rejected")).toEqual([]);
    for (const { siteId, journalId } of journals) {
      expect((await namesAt(siteId)).map((s) => s.identity)).toEqual([...names].sort());
      const strangers = await db.rows(
        "select 1 from message m join station s using (station_id) where m.journal_id = $1 and s.site_id <> $2",
        journalId,
        siteId,
      );
      expect(strangers).toEqual([]);
    }
  });

  test("a station that calls itself by another site's long name takes nothing from it", async () => {
    const [a, b] = [await known(), await known()];
    await storeAll(db.pool, a.commit([online("SHARED"), online(`${b.siteId}~SHARED`)]));
    await storeAll(db.pool, b.commit([online("SHARED")]));
    expect(await namesAt(b.siteId)).toEqual([{ station_id: `${b.siteId}~SHARED~2`, identity: "SHARED" }]);
  });
});

describe("live events", () => {
  test("a batch tells what changed by ids, in one notification", async () => {
    const journal = await known();
    const listener = new pg.Client({ connectionString: db.url });
    await listener.connect();
    const heard: string[] = [];
    listener.on("notification", (message) => heard.push(message.payload ?? ""));
    await listener.query("listen sg_live");
    const id = randomUUID();
    await storeAll(
      db.pool,
      journal.commit([status16("LIVE", 1, "Available"), start16("LIVE", id), sampled("grid", 1, 2)]),
    );
    await until("the notification arrived", () => heard.length > 0);
    const { siteId, erId } = journal;
    expect(JSON.parse(heard[0] ?? "")).toEqual({
      operatorId: "default",
      events: [
        { type: "er", siteId, erId },
        { type: "station", siteId, stationId: "LIVE" },
        { type: "message", siteId, stationId: "LIVE" },
        { type: "transaction", siteId, stationId: "LIVE", transactionId: id },
        { type: "meter", siteId, meterId: `${erId}.grid` },
      ],
    });
    await listener.end();
  });

  test("too much for one notification, also in bytes, is told by kind and site", async () => {
    const journal = await known();
    journal.commit(upTo(60).map((i) => online(`${"充".repeat(20)}${i}`)));
    expect(await storeAll(db.pool, journal)).toMatchObject({ ack: { seq: 60 }, parked: 0 });
  });
});

test("a batch of an ER that was stopped and started brings its stations back as they are", async () => {
  const journal = await known();
  await storeAll(db.pool, journal.commit([online("CP-A"), online("CP-B")]));
  journal.commit([{ kind: "er.started", boot: randomUUID(), release: "1.1.0" }, online("CP-B")]);
  await storeAll(db.pool, journal);
  const stations = await db.rows<{ identity: string; online: boolean; online_changed_at: Date }>(
    "select identity, online, online_changed_at from station where site_id = $1 order by 1",
    journal.siteId,
  );
  expect(stations).toEqual([
    { identity: "CP-A", online: false, online_changed_at: new Date(NOON + 3_000) },
    { identity: "CP-B", online: true, online_changed_at: new Date(NOON + 4_000) },
  ]);
});

test("samples of several years lie in the tables, in a partition or the default one", async () => {
  const journal = await known();
  const id = randomUUID();
  await arrive(
    db.pool,
    journal.commit([start16("CP-Y", id), meter16("CP-Y", id, { at: -300 * 86_400_000, wh: 1 })]),
  );
  expect(await db.rows("select 1 from transaction_sample where transaction_id = $1", id)).toHaveLength(1);
});
