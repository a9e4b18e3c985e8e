/** Orphans find their transaction: by suggestion, and by the decision of a person. */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody } from "../../shared/entry.ts";
import {
  event201,
  introduce,
  isoAt,
  Journal,
  meter16,
  NOON,
  start16,
  stop16,
  storeAll,
  toldAt,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import type { Review, ReviewDetail } from "./review-schemas.ts";
import type { Message, Page, Site, Transaction, TransactionDetail } from "./schemas.ts";
import { readOk, useSite } from "../harness-site.ts";

let db: TestDb;
let api: TestApi;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal, cp } = site));

/** Stations' clocks are believed a few minutes into the future of their ER. */
const STEP = 2_000;
const happen = (...bodies: EntryBody[]) => storeAll(db.pool, journal.commit(bodies));
const ok = <T>(path: string) => readOk<T>(api, path);
const open = async () => (await ok<Page<Review>>(`/v1/reviews?siteId=${journal.siteId}`)).items;
const detail = (id: string) => ok<TransactionDetail>(`/v1/transactions/${id}`);
const view = async (id: string): Promise<Transaction> => (await detail(id)).transaction;
const suggested = async (id: string) =>
  (await ok<ReviewDetail>(`/v1/reviews/transaction:${id}`)).suggestions.map((s) => [
    s.transaction.transactionId,
    s.reason,
    s.energyWhAfter,
  ]);
const merge = (id: string, intoTransactionId: string) =>
  api.send("POST", `/v1/reviews/transaction:${id}/resolve`, { action: "merge", intoTransactionId });
const merged = async (id: string, into: string) => {
  const reply = await merge(id, into);
  expect(reply.status, reply.text).toBe(200);
};
const refused = async (id: string, into: string) => {
  const reply = await merge(id, into);
  return [reply.status, (reply.body as { code: string }).code];
};
const orphan = (id: string, o: Parameters<typeof stop16>[2] = {}) =>
  stop16(cp, id, { at: 60 * STEP, meterStop: 9_000, ...o }, { flags: ["orphan-stop"] });
/** The ER begins another journal: its disk was replaced. What it held before is over, and nobody saw how. */
async function anotherJournal(): Promise<void> {
  journal = new Journal(journal.erId, journal.siteId);
  await introduce(db.pool, journal);
}
const closed = (transactionId: string): EntryBody => ({
  kind: "transaction.closed",
  stationId: cp,
  transactionId,
  reason: "connector-available",
  endedAt: NOON + 30 * STEP,
  meterStopWh: 4_000,
});

describe("suggestions", () => {
  test("the same id in another journal comes first, then what is open and fits", async () => {
    const [old, fits, later, higher, twice, lost] = Array.from({ length: 6 }, () => randomUUID()) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    await happen(start16(cp, old, { wireId: 7 }));
    await anotherJournal();
    await happen(
      start16(cp, fits, { wireId: 8, at: 5 * STEP, meterStart: 2_000 }),
      start16(cp, later, { wireId: 9, at: 90 * STEP }),
      start16(cp, higher, { wireId: 10, meterStart: 9_500 }),
      start16(cp, twice, { wireId: 11, meterStart: 3_000 }),
      stop16(cp, twice, { wireId: 11, meterStop: 8_900, at: 55 * STEP }),
      orphan(lost, { wireId: 7 }),
    );
    expect(await suggested(lost)).toEqual([
      [old, "same-id", 8_000],
      [fits, "open", 7_000],
      [twice, "ended", 5_900],
    ]);
  });

  test("-1 is no id, and other stations are no candidates", async () => {
    const [other, before, lost] = [randomUUID(), randomUUID(), randomUUID()];
    await happen(
      start16(`${cp}-B`, other, { wireId: 7 }),
      orphan(before, { wireId: -1, at: STEP }),
      orphan(lost, { wireId: -1 }),
    );
    expect(await suggested(lost)).toEqual([]);
  });

  test("there are none where nothing can be merged", async () => {
    const id = randomUUID();
    await happen(start16(cp, randomUUID(), { wireId: 8 }), start16(cp, id), closed(id));
    expect(await suggested(id)).toEqual([]);
  });
});

describe("a merge", () => {
  test("gives the transaction its end, its registers, its readings and messages; energy counts once", async () => {
    const [one, lost] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one, { at: STEP }), meter16(cp, one, { at: 2 * STEP, wh: 2_000 }));
    await anotherJournal();
    const reading = { timestamp: isoAt(59 * STEP), sampledValue: [{ value: "8500" }] };
    const stop = orphan(lost, { reason: "EVDisconnected" }) as Extract<EntryBody, { kind: "ocpp.handled" }>;
    const [type, messageId, action, payload] = JSON.parse(stop.request) as [number, string, string, object];
    const request = JSON.stringify([type, messageId, action, { ...payload, transactionData: [reading] }]);
    await happen({ ...stop, request });
    await merged(lost, one);

    const { transaction, samples } = await detail(one);
    expect(transaction).toMatchObject({
      ...{ status: "ended", endedAt: isoAt(60 * STEP), meterStopWh: 9_000, energyWh: 8_000, powerW: 0 },
      ...{ stoppedReason: "EVDisconnected", needsReview: false, mergedInto: null, idToken: "TAG1" },
    });
    expect(samples.map((s) => s.energyImportWh)).toEqual([2_000, 8_500]);
    expect(await view(lost)).toMatchObject({
      mergedInto: one,
      energyWh: 0,
      needsReview: false,
      meterStopWh: 9_000,
    });
    expect((await detail(lost)).samples).toEqual([]);
    const { items } = await ok<Page<Transaction>>(`/v1/transactions?siteId=${journal.siteId}`);
    expect(items.map((item) => item.transactionId)).toEqual([one]);
    const messages = await ok<Page<Message>>(`/v1/stations/${cp}/messages`);
    expect(new Set(messages.items.map((m) => m.transactionId))).toEqual(new Set([one]));
    expect(await open()).toEqual([]);
    const resolution = { action: "merge", intoTransactionId: one };
    expect(await ok(`/v1/reviews/transaction:${lost}`)).toMatchObject({ review: { resolution } });
  });

  test("into one that its ER has closed: the stop wins", async () => {
    const [one, lost] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one), closed(one), orphan(lost, { wireId: 8 }));
    await merged(lost, one);
    expect(await view(one)).toMatchObject({
      ...{
        endedAt: isoAt(60 * STEP),
        meterStopWh: 9_000,
        energyWh: 8_000,
        flags: [],
        stoppedReason: "Local",
      },
    });
    expect(await open()).toEqual([]);
  });

  test("into one that has a stop of its own: that one stays", async () => {
    const [one, lost] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one), stop16(cp, one, { meterStop: 8_000 }), orphan(lost, { wireId: 8 }));
    await merged(lost, one);
    expect(await view(one)).toMatchObject({ meterStopWh: 8_000, energyWh: 7_000, endedAt: isoAt(60_000) });
    expect(await view(lost)).toMatchObject({ mergedInto: one, energyWh: 0 });
  });

  test("the real stop, when it comes after all: both are kept, the lower counts, somebody looks again", async () => {
    const [one, lost] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one), orphan(lost, { wireId: 8 }));
    await merged(lost, one);
    await happen(stop16(cp, one, { at: 50 * STEP, meterStop: 7_000 }));
    expect(await view(one)).toMatchObject({
      ...{ endedAt: isoAt(50 * STEP), meterStopWh: 7_000, meterStopOtherWh: 9_000, needsReview: true },
    });
    expect(await open()).toMatchObject([{ reviewId: `transaction:${one}`, kind: "changed-after-review" }]);
  });

  test("an orphan of which more arrives comes up again, and is merged again", async () => {
    const [one, lost] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one), orphan(lost, { wireId: 8 }));
    await merged(lost, one);
    await happen(
      stop16(cp, lost, { wireId: 8, meterStop: 8_000, at: 60 * STEP }, { flags: ["conflicting-stop"] }),
    );
    expect((await open()).map((r) => r.kinds)).toEqual([["conflicting-stop", "changed-after-review"]]);
    expect(await view(lost)).toMatchObject({ mergedInto: one, energyWh: 0 });
    // Its kinds say nothing of an orphan any more, its row does.
    expect((await open())[0]?.actions).toEqual(["merge", "accept", "write-off"]);
    await merged(lost, one);
    expect(await view(one)).toMatchObject({ meterStopWh: 8_000, meterStopOtherWh: 9_000 });
    expect(await open()).toEqual([]);
  });

  test("readings without a start belong to it, too", async () => {
    const [one, more] = [randomUUID(), randomUUID()];
    await happen(event201(cp, one, "Started", { wh: 1_000, idToken: "TAG1" }));
    await happen(event201(cp, more, "Updated", { at: 2 * STEP, wh: 3_000 }, { flags: ["start-missing"] }));
    expect(await refused(more, one)).toEqual([422, "ACTION_NOT_POSSIBLE"]);
    await happen(event201(cp, more, "Ended", { at: 3 * STEP, wh: 4_000 }));
    await merged(more, one);
    const { transaction, samples } = await detail(one);
    expect(transaction).toMatchObject({ status: "ended", endedAt: isoAt(3 * STEP), energyWh: 3_000 });
    expect(samples.map((s) => s.energyImportWh)).toEqual([1_000, 3_000, 4_000]);
  });

  test("the clock of the orphan's own journal tells when it ended", async () => {
    const DAY = 86_400_000;
    const [one, lost] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one));
    await anotherJournal();
    await happen(
      toldAt({ kind: "er.started", boot: journal.boot, release: "1.0.0" }, -DAY, 0),
      toldAt(orphan(lost, { at: 10 * STEP - DAY }), 10 * STEP - DAY, 10 * STEP),
    );
    await merged(lost, one);
    expect(await view(one)).toMatchObject({ endedAt: isoAt(10 * STEP - DAY) });
    const synced: EntryBody = { kind: "clock.synced", offsetMs: DAY, source: "cloud" };
    await happen(toldAt(synced, 11 * STEP - DAY, 11 * STEP));
    expect(await view(one)).toMatchObject({ endedAt: isoAt(10 * STEP), endedAtRaw: isoAt(10 * STEP - DAY) });
  });

  test("that cannot be right is refused", async () => {
    const [one, elsewhere, higher, lost, gone] = Array.from({ length: 5 }, () => randomUUID()) as [
      string,
      string,
      string,
      string,
      string,
    ];
    await happen(
      start16(cp, one),
      start16(`${cp}-B`, elsewhere, { wireId: 8 }),
      start16(cp, higher, { wireId: 9, meterStart: 9_001 }),
      orphan(lost, { wireId: 10 }),
      orphan(gone, { wireId: 12 }),
    );
    expect(await refused(lost, elsewhere)).toEqual([422, "INVALID_TARGET"]);
    expect(await refused(lost, lost)).toEqual([422, "INVALID_TARGET"]);
    expect(await refused(lost, higher)).toEqual([409, "REGISTERS_DO_NOT_FIT"]);
    expect(await refused(lost, randomUUID())).toEqual([404, "NOT_FOUND"]);
    await merged(gone, one);
    expect(await refused(lost, gone)).toEqual([409, "TARGET_MERGED"]);
    expect((await open()).map((r) => r.reviewId)).toEqual([`transaction:${lost}`]);
  });
});

test("energy of a site counts what was merged once", async () => {
  const [one, lost] = [randomUUID(), randomUUID()];
  const now = Date.now() - NOON;
  await happen(
    toldAt(start16(cp, one, { at: now - 2_000 }), now - 2_000, 1_000),
    toldAt(orphan(lost, { at: now - 1_000, wireId: 8 }), now - 1_000, 2_000),
  );
  await merged(lost, one);
  expect((await ok<Site>(`/v1/sites/${journal.siteId}`)).energyTodayWh).toBe(8_000);
});
