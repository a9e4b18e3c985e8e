/**
 * A halted journal that a person lets go on: what the ER has and the SG has not is stored, the rest is not
 * doubled.
 */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody } from "../../shared/entry.ts";
import {
  health,
  introduce,
  Journal,
  meter16,
  online,
  sampled,
  start16,
  stop16,
  storeAll,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import type { Review } from "../api/review-schemas.ts";
import type { Message, Page, Transaction, TransactionDetail } from "../api/schemas.ts";
import { storeHello } from "./hello.ts";
import { storeBatches } from "./journal.ts";
import { readOk, useSite } from "../harness-site.ts";

let db: TestDb;
let api: TestApi;
let ours: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal: ours, cp } = site));

const ok = <T>(path: string) => readOk<T>(api, path);
const open = async () => (await ok<Page<Review>>(`/v1/reviews?siteId=${ours.siteId}`)).items;
const resolve = (item: Review | undefined, action: string) =>
  api.send("POST", `/v1/reviews/${item?.reviewId}/resolve`, { action });
const view = async (id: string): Promise<Transaction> =>
  (await ok<TransactionDetail>(`/v1/transactions/${id}`)).transaction;
const lines = async () => (await ok<Page<Message>>(`/v1/stations/${cp}/messages?limit=200`)).items.length;
const cursor = async () =>
  (await db.rows("select seq, halted from journal where journal_id = $1", ours.journalId))[0];

/** The same disk, copied: its history goes on on its own from here. */
function copyOf(journal: Journal, blocks = journal.blocks.length): Journal {
  const copy = new Journal(journal.erId, journal.siteId, journal.journalId);
  copy.blocks.push(...journal.blocks.slice(0, blocks));
  const count = copy.blocks.reduce((sum, block) => sum + block.count, 0);
  copy.entries.push(...journal.entries.slice(0, count));
  return copy;
}

const common = (id: string): EntryBody[] => [
  start16(cp, id),
  meter16(cp, id, { wh: 2_000 }),
  sampled("grid", 5_000, 10),
  health(),
];

describe("two histories under one journalId", () => {
  test("are both kept: the second one is taken from its oldest entry, what is the same once", async () => {
    const [shared, mine, theirs] = [randomUUID(), randomUUID(), randomUUID()];
    ours.commitEach(common(shared));
    const copy = copyOf(ours);
    ours.commitEach([start16(cp, mine, { wireId: 8 }), sampled("grid", 5_100, 10), online(cp)]);
    await storeAll(db.pool, ours);
    const before = await lines();
    copy.commitEach([
      stop16(cp, shared, { meterStop: 3_000 }),
      start16(cp, theirs, { wireId: 9 }),
      meter16(cp, theirs, { wh: 1_500, wireId: 9 }),
      stop16(cp, theirs, { wireId: 9 }),
    ]);
    expect((await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(7)])).verdict).toBe("halt");
    const [item] = await open();
    expect(item).toMatchObject({
      ...{ kind: "journal-halted", actions: ["resume-journal"] },
      journal: { lastSeq: 7, reason: "the chain breaks before entry 8" },
    });

    expect(await resolve(item, "resume-journal")).toMatchObject({ status: 200 });
    const { ack } = await storeHello(db.pool, new Map(), copy.hello({ ackedSeq: 7 }), "default");
    expect(ack).toMatchObject({ seq: 0, resume: true });
    expect(await storeAll(db.pool, copy)).toMatchObject({ verdict: "apply", ack: { seq: 8 }, parked: 0 });
    expect(await cursor()).toEqual({ seq: 8, halted: null });

    // Four messages of the copy are new; of what both have nothing is there twice.
    expect(await lines()).toBe(before + 4);
    const { transaction, samples } = await ok<TransactionDetail>(`/v1/transactions/${shared}`);
    expect(transaction).toMatchObject({ status: "ended", energyWh: 2_000 });
    expect(samples).toHaveLength(1);
    expect(await view(mine)).toMatchObject({ ocppTransactionId: "8", status: "active" });
    expect(await view(theirs)).toMatchObject({ ocppTransactionId: "9", energyWh: 4_000 });
    const meter = await db.rows(
      "select energy_import_wh from meter_sample where meter_id = $1 order by at",
      `${ours.erId}.grid`,
    );
    expect(meter.map((row) => row["energy_import_wh"])).toEqual([5_000, 5_100]);
    expect(await db.rows("select 1 from er_health where er_id = $1", ours.erId)).toHaveLength(1);
    expect(await open()).toEqual([]);

    // It goes on as any other, and repeats are repeats.
    expect((await storeAll(db.pool, copy)).verdict).toBe("repeat");
    copy.commitEach([online(cp)]);
    expect(await storeAll(db.pool, copy)).toMatchObject({ verdict: "apply", ack: { seq: 9 } });
    expect(await lines()).toBe(before + 5);
  });

  test("the oldest entry that is left is a known one: nothing is missing before it", async () => {
    const id = randomUUID();
    ours.commitEach(common(id));
    const copy = copyOf(ours);
    await storeAll(db.pool, ours.commitEach([online(cp), online(cp)]));
    copy.commitEach([stop16(cp, id), online(cp), online(cp)]);
    await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(6)]);
    await resolve((await open())[0], "resume-journal");
    // Its retention has taken the first block: it says so.
    copy.oldestSeq = 2;
    expect(await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(1)])).toMatchObject({
      ack: { seq: 7 },
    });
    expect(await db.rows("select 1 from journal_gap where er_id = $1", ours.erId)).toEqual([]);
    expect(await view(id)).toMatchObject({ status: "ended", energyWh: 4_000 });
  });

  test("it is an unknown one: what may be missing before it is recorded, and somebody looks at it", async () => {
    const id = randomUUID();
    ours.commitEach(common(id));
    const copy = copyOf(ours);
    await storeAll(db.pool, ours.commitEach([online(cp), online(cp)]));
    copy.commitEach([start16(cp, randomUUID(), { wireId: 5 }), stop16(cp, id), online(cp)]);
    await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(6)]);
    await resolve((await open())[0], "resume-journal");
    copy.oldestSeq = 6;
    expect(await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(5)])).toMatchObject({
      ack: { seq: 7 },
    });
    expect(await open()).toMatchObject([{ kind: "journal-gap", journal: { firstSeq: 1, lastSeq: 5 } }]);
    expect(await view(id)).toMatchObject({ status: "ended" });
  });

  test("a batch that was under way asks the ER to begin again, and a third history halts again", async () => {
    ours.commitEach(common(randomUUID()));
    const [copy, third] = [copyOf(ours), copyOf(ours, 3)];
    await storeAll(db.pool, ours.commitEach([online(cp)]));
    copy.commitEach([online(cp), online(cp)]);
    await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(5)]);
    await resolve((await open())[0], "resume-journal");
    const late = await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(5)]);
    expect(late).toMatchObject({ verdict: "resume", ack: { seq: 0, resume: true } });
    await storeAll(db.pool, copy);
    third.commitEach([health(), health(), health(), health()]);
    expect((await storeBatches(db.pool, new Map(), third.erId, [third.batch(6)])).verdict).toBe("halt");
    const [item] = await open();
    expect(item).toMatchObject({ kind: "journal-halted", resolution: { action: "resume-journal" } });
    expect(await resolve(item, "resume-journal")).toMatchObject({ status: 200 });
    expect(await storeAll(db.pool, third)).toMatchObject({ verdict: "apply", ack: { seq: 7 } });
    expect(await open()).toEqual([]);
  });
});

test("a halted journal that its ER does not write any more can be put away, and not be resumed", async () => {
  ours.commitEach([online(cp)]);
  const copy = copyOf(ours, 0).commitEach([online("X"), online("X")]);
  await storeAll(db.pool, ours);
  await storeBatches(db.pool, new Map(), copy.erId, [copy.batch(1)]);
  const [item] = await open();
  expect(await resolve(item, "accept")).toMatchObject({ status: 422, body: { code: "ACTION_NOT_POSSIBLE" } });
  await introduce(db.pool, new Journal(ours.erId, ours.siteId));
  expect((await open())[0]?.actions).toEqual(["accept"]);
  expect(await resolve(item, "accept")).toMatchObject({ status: 200 });
  expect(await open()).toEqual([]);
  // Its disk comes back: it is nobody's any more, and must not be forgotten.
  await introduce(db.pool, ours);
  expect((await open())[0]).toMatchObject({ reviewId: item?.reviewId, resolution: { action: "accept" } });
});
