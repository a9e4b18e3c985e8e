/** Parked entries, tried again: nothing is lost that could not be read, nothing is stored twice. */
import { expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { encodeBlock } from "../../shared/block.ts";
import type { Entry, EntryBody } from "../../shared/entry.ts";
import {
  handled,
  Journal,
  meter16,
  NOON,
  online,
  sampled,
  start16,
  status16,
  stop16,
  storeAll,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import type { Er } from "../api/er-schemas.ts";
import type { Review, ReviewDetail } from "../api/review-schemas.ts";
import type { Message, Page, Station, Transaction, TransactionDetail } from "../api/schemas.ts";
import { readOk, useSite } from "../harness-site.ts";

let db: TestDb;
let api: TestApi;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal, cp } = site));

/** What a release wrote that this one cannot read; `mend` is the release after it. */
const strange = (entry: Entry): unknown => ({ ...entry, kind: `${entry.kind}.v9` });
async function mend(): Promise<void> {
  await db.pool.query("update parked_entry set entry = replace(entry, '.v9\"', '\"') where er_id = $1", [
    journal.erId,
  ]);
}
/** Stores the happenings; those at the given places are parked. */
const happen = (parkedAt: number[], ...bodies: EntryBody[]) => {
  const from = journal.lastSeq;
  const raw = (entry: Entry) => (parkedAt.includes(entry.seq - from) ? strange(entry) : entry);
  return storeAll(db.pool, journal.commit(bodies, raw));
};
const ok = <T>(path: string) => readOk<T>(api, path);
const parked = async () =>
  (await ok<Page<Review>>(`/v1/reviews?siteId=${journal.siteId}&kind=entry-parked`)).items;
const replay = async (item: Review | undefined) => {
  const reply = await api.send("POST", `/v1/reviews/${item?.reviewId}/resolve`, { action: "replay" });
  expect(reply.status, reply.text).toBe(200);
  return (reply.body as ReviewDetail).review;
};
const view = async (id: string): Promise<Transaction> =>
  (await ok<TransactionDetail>(`/v1/transactions/${id}`)).transaction;
const actionsOf = async () =>
  (await ok<Page<Message>>(`/v1/stations/${cp}/messages`)).items.map((m) => m.action);

test("a start that could not be read takes its place before the end that came long ago", async () => {
  const id = randomUUID();
  await happen([1], start16(cp, id), meter16(cp, id, { wh: 3_000 }), stop16(cp, id));
  expect(await view(id)).toMatchObject({ flags: ["time-estimated"], energyWh: null, needsReview: true });
  await mend();
  const [item] = await parked();
  expect(await replay(item)).toMatchObject({ status: "resolved", resolution: { action: "replay" } });
  expect(await view(id)).toMatchObject({ flags: [], idToken: "TAG1", energyWh: 4_000, needsReview: false });
  expect(await actionsOf()).toEqual(["StopTransaction", "MeterValues", "StartTransaction"]);
  expect(await parked()).toEqual([]);
});

test("what fails again stays, with the new reason, and can be tried once more", async () => {
  const id = randomUUID();
  await happen([1], start16(cp, id));
  const [item] = await parked();
  await db.pool.query("update parked_entry set entry = replace(entry, '.v9\"', '.v10\"') where er_id = $1", [
    journal.erId,
  ]);
  expect(await replay(item)).toMatchObject({
    ...{ status: "open", actions: ["replay", "discard"], resolution: null },
    journal: { reason: "unknown kind ocpp.handled.v10" },
  });
  await db.pool.query("update parked_entry set entry = replace(entry, '.v10\"', '\"') where er_id = $1", [
    journal.erId,
  ]);
  expect(await replay(item)).toMatchObject({ status: "resolved" });
  expect(await view(id)).toMatchObject({ status: "active" });
  const audit = await db.rows(
    "select detail from audit where subject = $1 order by audit_id",
    item?.reviewId,
  );
  expect(audit).toMatchObject([{ detail: { failure: "unknown kind ocpp.handled.v10" } }, { detail: {} }]);
});

test("what PostgreSQL cannot hold stays parked, and nothing of it is stored", async () => {
  const id = randomUUID();
  await happen([], online(cp), stop16(cp, id, { meterStop: 1.5 }));
  const [item] = await parked();
  expect(item).toMatchObject({ journal: { firstSeq: 2 } });
  expect(await replay(item)).toMatchObject({ status: "open" });
  expect(await actionsOf()).toEqual([null]);
  expect(await api.get(`/v1/transactions/${id}`)).toMatchObject({ status: 404 });
});

test("a frame whose line is in the timeline already gets no second one", async () => {
  const id = randomUUID();
  const broken = { ...start16(cp, id), response: "no frame" } as EntryBody;
  await happen([], broken);
  expect(await actionsOf()).toEqual(["StartTransaction"]);
  const [item] = await parked();
  const good = (start16(cp, id) as Extract<EntryBody, { kind: "ocpp.handled" }>).response;
  await db.pool.query(
    "update parked_entry set entry = (entry::jsonb || jsonb_build_object('response', $2::text))::text where er_id = $1",
    [journal.erId, good],
  );
  expect(await replay(item)).toMatchObject({ status: "resolved" });
  expect(await view(id)).toMatchObject({ status: "active", idToken: "TAG1" });
  expect(await actionsOf()).toEqual(["StartTransaction"]);
});

test("it is history: how the site is now is left alone", async () => {
  const boot = (firmwareVersion: string): EntryBody =>
    handled(
      cp,
      "ocpp1.6",
      "BootNotification",
      { chargePointVendor: "A", chargePointModel: "M", firmwareVersion },
      { status: "Accepted", currentTime: new Date(NOON).toISOString(), interval: 300 },
    );
  await happen(
    [1, 2, 3, 4],
    boot("1.0"),
    status16(cp, 1, "Faulted"),
    sampled("grid", 1_000, 10),
    { kind: "er.started", boot: randomUUID(), release: "0.9" },
    boot("2.0"),
    status16(cp, 1, "Available"),
    sampled("grid", 9_000, 99),
    online(cp),
  );
  const [station, er] = [`/v1/stations/${cp}`, `/v1/ers/${journal.erId}`];
  const meters = `/v1/meters?siteId=${journal.siteId}`;
  const before = [await ok<Station>(station), await ok(meters), await ok<Er>(er)];
  await mend();
  for (const item of await parked()) expect(await replay(item)).toMatchObject({ status: "resolved" });
  const after = await ok<Er>(er);
  expect([await ok(station), await ok(meters), { ...after, parkedEntries: 4 }]).toEqual(before);
  const series = await db.rows("select 1 from meter_sample where meter_id = $1", `${journal.erId}.grid`);
  expect(series).toHaveLength(2);
  expect((await actionsOf()).filter((action) => action === "BootNotification")).toHaveLength(2);
});

test("a block that could not be opened is taken as a whole, what was known of it aside", async () => {
  const [one, two] = [randomUUID(), randomUUID()];
  const bodies = [start16(cp, one), start16(cp, two, { wireId: 8 })];
  const entries = bodies.map((body, i) => {
    const seq = i + 1;
    return { seq, at: NOON + seq, upMs: seq, clock: "synced", ...body } as Entry;
  });
  const good = encodeBlock(journal.boot, entries);
  const bad = Buffer.from(good);
  bad[0] = 9;
  await storeAll(db.pool, journal.commitBytes(bad, 2));
  const [item] = await parked();
  expect(item).toMatchObject({
    journal: { firstSeq: 1, reason: "block: unknown codec 9" },
  });
  expect(await replay(item)).toMatchObject({ status: "open" });
  await db.pool.query("update parked_entry set entry = $2 where er_id = $1", [
    journal.erId,
    good.toString("base64"),
  ]);
  expect(await replay(item)).toMatchObject({ status: "resolved" });
  expect(await view(one)).toMatchObject({ status: "active" });
  expect(await view(two)).toMatchObject({ ocppTransactionId: "8" });
});

test("two who try it at the same time store it once", async () => {
  const id = randomUUID();
  await happen([1], meter16(cp, id, { wh: 3_000 }));
  await mend();
  const [item] = await parked();
  await Promise.all([replay(item), replay(item), replay(item)]);
  expect((await ok<TransactionDetail>(`/v1/transactions/${id}`)).samples).toHaveLength(1);
  expect(await actionsOf()).toEqual(["MeterValues"]);
});
