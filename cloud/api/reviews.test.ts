/** The work queues: what waits for a person is there, under every kind, and goes when somebody has decided. */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody } from "../../shared/entry.ts";
import { KIND_OF_FLAG, REVIEW_KINDS } from "../core/review.ts";
import {
  event201,
  isoAt,
  Journal,
  listenLive,
  NOON,
  start16,
  stop16,
  storeAll,
  type TestApi,
  type TestDb,
} from "../harness.ts";
import { storeHello } from "../ingest/hello.ts";
import { createApiKey } from "./actor.ts";
import type { Review, ReviewDetail, ReviewSummary } from "./review-schemas.ts";
import type { Page, Transaction, TransactionDetail } from "./schemas.ts";
import { readOk, useSite } from "../harness-site.ts";

let db: TestDb;
let api: TestApi;
let otherKey: string;
let journal: Journal;
let cp: string;
useSite(async (site) => {
  ({ db, api, journal, cp } = site);
  otherKey = await createApiKey(db.pool, "default", "night shift");
});

const MIN = 60_000;
const happen = (...bodies: EntryBody[]) => storeAll(db.pool, journal.commit(bodies));
const ok = <T>(path: string) => readOk<T>(api, path);
const open = async (query = ""): Promise<Review[]> =>
  (await ok<Page<Review>>(`/v1/reviews?siteId=${journal.siteId}${query}`)).items;
const summary = () => ok<ReviewSummary>(`/v1/reviews/summary?siteId=${journal.siteId}`);
const transaction = async (id: string): Promise<Transaction> =>
  (await ok<TransactionDetail>(`/v1/transactions/${id}`)).transaction;
const resolve = (reviewId: string, body: object, headers: Record<string, string> = {}) =>
  api.send("POST", `/v1/reviews/${encodeURIComponent(reviewId)}/resolve`, body, headers);
const resolved = async (reviewId: string, body: object): Promise<ReviewDetail> => {
  const reply = await resolve(reviewId, body);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as ReviewDetail;
};
const asOther = () => ({ authorization: `Bearer ${otherKey}` });
const ofTransaction = (id: string) => `transaction:${id}`;
const closed = (transactionId: string, meterStopWh = 4_000): EntryBody => ({
  kind: "transaction.closed",
  stationId: cp,
  transactionId,
  reason: "connector-available",
  endedAt: NOON + 30 * MIN,
  meterStopWh,
});
const orphan = (id: string, o: Parameters<typeof stop16>[2] = {}, assumed?: object) =>
  stop16(cp, id, { at: 60 * MIN, meterStop: 9_000, ...o }, {
    flags: ["orphan-stop"],
    ...(assumed === undefined ? {} : { assumed }),
  } as Parameters<typeof stop16>[3]);

describe("every kind is a queue", () => {
  test.each(Object.entries(KIND_OF_FLAG))("flag %s leads to %s", async (flag, kind) => {
    const id = randomUUID();
    if (flag === "time-estimated") await happen(stop16(cp, id));
    else if (flag === "unknown-capped") {
      const decision = { status: "Accepted", reason: "unknown-capped" };
      await happen(start16(cp, id, {}, { basis: "policy", decision }), stop16(cp, id));
    } else await happen(start16(cp, id), stop16(cp, id, {}, { flags: [flag] }));
    expect(await open()).toMatchObject([
      {
        reviewId: ofTransaction(id),
        ...{ status: "open", kind, kinds: [kind], information: false, stationId: cp, resolution: null },
        transaction: { transactionId: id, needsReview: true },
      },
    ]);
    expect((await open(`&kind=${kind}&stationId=${cp}`)).map((r) => r.reviewId)).toEqual([ofTransaction(id)]);
    expect(await open("&kind=entry-parked")).toEqual([]);
  });

  test("a stop that never came, and one that will not come any more", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await happen(start16(cp, one), closed(one), start16(cp, two, { wireId: 8, connectorId: 2 }));
    const stations = [
      { stationId: cp, protocol: "ocpp1.6" as const, online: true, connectors: [], transactions: [] },
    ];
    await storeHello(db.pool, new Map(), journal.hello({ stations, lastSeq: 9 }), "default");
    // Entries are on their way: the stop may be among them.
    expect((await open()).map((r) => r.reviewId)).toEqual([ofTransaction(one)]);
    await storeHello(db.pool, new Map(), journal.hello({ stations }), "default");
    const items = await open("&kind=stop-missing");
    expect(items.map((r) => r.reviewId).sort()).toEqual([one, two].map(ofTransaction).sort());
    await resolved(ofTransaction(two), { action: "accept" });
    expect((await open()).map((r) => r.reviewId)).toEqual([ofTransaction(one)]);
  });

  test("what began at a box that is gone", async () => {
    const id = randomUUID();
    await happen(start16(cp, id));
    const next = new Journal(`${journal.erId}-new`, journal.siteId);
    const stations = [
      { stationId: cp, protocol: "ocpp1.6" as const, online: true, connectors: [], transactions: [] },
    ];
    await storeHello(db.pool, new Map(), next.hello({ stations, lastSeq: 0 }), "default");
    expect(await open()).toMatchObject([{ reviewId: ofTransaction(id), kind: "stop-missing" }]);
    expect((await transaction(id)).status).toBe("ended");
  });

  test("commands, parked entries, gaps, and what an ER gave up", async () => {
    const commandId = randomUUID();
    journal.commit([start16(cp, randomUUID()), stop16(cp, randomUUID())], (entry) =>
      entry.seq === 2 ? { ...entry, kind: "ocpp.dreamt" } : entry,
    );
    await storeAll(db.pool, journal);
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
       values ($1, 'default', $2, $3, $4, 'Reset', '{}', 'test', now())`,
      [commandId, journal.siteId, journal.erId, cp],
    );
    journal.commit([
      { kind: "command.finished", commandId, stationId: cp, status: "uncertain" },
      { kind: "journal.set-aside", file: "journal-1.sqlite", reason: "malformed", lastSeq: 77 },
      { kind: "journal.shed", keptEveryS: 60, ranges: [[5, 5]] },
    ]);
    await storeAll(db.pool, journal);
    await db.pool.query(
      "insert into journal_gap (er_id, journal_id, operator_id, first_seq, last_seq) values ($1, $2, 'default', 40, 49)",
      [journal.erId, journal.journalId],
    );
    const items = new Map((await open()).map((item) => [item.kind, item]));
    const of = { erId: journal.erId, siteId: journal.siteId, resolution: null };
    expect(items.get("command-uncertain")).toMatchObject({
      ...{ ...of, reviewId: `command:${commandId}`, actions: ["done", "not-done"] },
      command: { status: "uncertain" },
    });
    expect(items.get("entry-parked")).toMatchObject({
      ...{ ...of, stationId: cp, actions: ["replay", "discard"] },
      journal: { firstSeq: 2, lastSeq: 2, entries: 1, reason: "unknown kind ocpp.dreamt" },
    });
    expect(items.get("journal-gap")).toMatchObject({ journal: { firstSeq: 40, lastSeq: 49, entries: 10 } });
    expect(items.get("journal-set-aside")).toMatchObject({
      ...{ information: true, actions: ["accept"] },
      journal: { file: "journal-1.sqlite", reason: "malformed", lastSeq: 77 },
    });
    expect(items.get("journal-shed")).toMatchObject({ information: true, journal: { entries: 1 } });
    const { kinds, open: work } = await summary();
    expect(kinds.map((k) => k.kind)).toEqual([...REVIEW_KINDS]);
    // The second line of the batch was the parked one: its transaction is not there.
    expect({ work, gaps: kinds.find((k) => k.kind === "journal-gap")?.open }).toEqual({ work: 3, gaps: 1 });

    for (const item of items.values()) {
      const [action] = item.kind === "entry-parked" ? ["discard"] : item.actions.slice(-1);
      await resolved(item.reviewId, { action });
    }
    expect(await open()).toEqual([]);
    expect((await open("&status=resolved")).map((item) => item.status)).toEqual(Array(5).fill("resolved"));
    expect((await ok<{ status: string }>(`/v1/commands/${commandId}`)).status).toBe("failed");
    const [kept] = await db.rows("select entry, resolution from parked_entry where er_id = $1", journal.erId);
    expect(kept).toMatchObject({
      resolution: "discarded",
      entry: expect.stringContaining("dreamt") as string,
    });
  });

  test("pages hold each item once, in order", async () => {
    const ids = Array.from({ length: 7 }, () => randomUUID());
    await happen(...ids.map((id, i) => orphan(id, { at: (i % 3) * MIN, wireId: 90 + i })));
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const more: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const page: Page<Review> = await ok(`/v1/reviews?siteId=${journal.siteId}&limit=2${more}`);
      seen.push(...page.items.map((item) => item.reviewId));
      cursor = page.nextCursor;
    }
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(new Set(ids.map(ofTransaction)));
  });

  test("are seen by their own operator only", async () => {
    const id = randomUUID();
    await happen(orphan(id));
    await db.pool.query(
      "insert into operator (operator_id, name) values ('them', 'them') on conflict do nothing",
    );
    const theirs = await createApiKey(db.pool, "them", "them");
    expect((await api.get("/v1/reviews", theirs)).body).toEqual({ items: [], nextCursor: null });
    expect(await api.get(`/v1/reviews/${ofTransaction(id)}`, theirs)).toMatchObject({ status: 404 });
    const asThem = { authorization: `Bearer ${theirs}` };
    expect(await resolve(ofTransaction(id), { action: "accept" }, asThem)).toMatchObject({ status: 404 });
    expect(await open()).toHaveLength(1);
  });
});

describe("energy that belongs to nobody", () => {
  test("is counted until somebody decides", async () => {
    const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
    await happen(
      orphan(one, { meterStop: 9_000 }, { startedAt: NOON, meterStartWh: 2_000 }),
      orphan(two, { wireId: 8 }),
      start16(cp, three, { wireId: 9 }),
      stop16(cp, three, { wireId: 9 }, { flags: ["conflicting-stop"] }),
    );
    expect(await summary()).toMatchObject({ unattributedWh: 7_000, unattributedUnknown: 1, open: 3 });
    await resolved(ofTransaction(two), { action: "write-off", note: "nobody knows" });
    expect(await summary()).toMatchObject({ unattributedWh: 7_000, unattributedUnknown: 0 });
    await resolved(ofTransaction(one), { action: "accept" });
    expect(await summary()).toMatchObject({ unattributedWh: 0, unattributedUnknown: 0, open: 1 });
    expect(await transaction(two)).toMatchObject({ writtenOff: true, needsReview: false });
    expect(await transaction(one)).toMatchObject({ writtenOff: false, needsReview: false, energyWh: 7_000 });
  });
});

describe("a decision", () => {
  test("is kept with who, when and why, and its audit row", async () => {
    const id = randomUUID();
    await happen(orphan(id));
    const { review, resolutions } = await resolved(ofTransaction(id), { action: "accept", note: "seen" });
    const resolution = { action: "accept", actor: "test", note: "seen", intoTransactionId: null };
    expect(review).toMatchObject({ status: "resolved", actions: [], resolution });
    expect(resolutions).toMatchObject([resolution]);
    expect(await ok(`/v1/reviews/${ofTransaction(id)}`)).toMatchObject({ review, resolutions });
    expect((await ok<Page<Review>>("/v1/reviews?status=resolved&kind=orphan-stop&limit=1")).items).toEqual([
      review,
    ]);
    const audit = await db.rows(
      "select actor, action, detail from audit where subject = $1",
      ofTransaction(id),
    );
    expect(audit).toMatchObject([{ actor: "test", action: "review.accept", detail: { note: "seen" } }]);
  });

  test("that makes no sense is refused, and changes nothing", async () => {
    const id = randomUUID();
    await happen(orphan(id));
    const refused = async (reviewId: string, body: object) => {
      const reply = await resolve(reviewId, body);
      return [reply.status, (reply.body as { code: string }).code];
    };
    expect(await refused(ofTransaction(id), { action: "done" })).toEqual([422, "ACTION_NOT_POSSIBLE"]);
    expect(await refused(ofTransaction(id), { action: "merge" })).toEqual([422, "INVALID_TARGET"]);
    const into = { intoTransactionId: randomUUID() };
    expect(await refused(ofTransaction(id), { action: "accept", ...into })).toEqual([422, "INVALID_TARGET"]);
    expect(await refused(ofTransaction(id), { action: "merge", ...into })).toEqual([404, "NOT_FOUND"]);
    expect(await refused(ofTransaction(id), { action: "burn" })).toEqual([400, "INVALID_REQUEST"]);
    expect(await refused(ofTransaction(randomUUID()), { action: "accept" })).toEqual([404, "NOT_FOUND"]);
    expect(await refused("nonsense", { action: "accept" })).toEqual([404, "NOT_FOUND"]);
    expect((await open())[0]).toMatchObject({ reviewId: ofTransaction(id), resolution: null });
  });

  test("by the same person twice is one; by another one it is told who was first", async () => {
    const id = randomUUID();
    await happen(orphan(id));
    const first = await resolved(ofTransaction(id), { action: "accept" });
    expect((await resolved(ofTransaction(id), { action: "accept" })).review).toEqual(first.review);
    const other = await resolve(ofTransaction(id), { action: "write-off" }, asOther());
    expect(other).toMatchObject({ status: 409, body: { code: "REVIEW_RESOLVED" } });
    expect(other.text).toContain("accept");
    expect(await db.rows("select 1 from audit where subject = $1", ofTransaction(id))).toHaveLength(1);
  });

  test("by two at the same time: one wins, the other hears of it", async () => {
    const id = randomUUID();
    await happen(orphan(id));
    const replies = await Promise.all([
      ...Array.from({ length: 4 }, () => resolve(ofTransaction(id), { action: "accept" })),
      ...Array.from({ length: 4 }, () => resolve(ofTransaction(id), { action: "write-off" }, asOther())),
    ]);
    const { writtenOff } = await transaction(id);
    const [won, lost] = writtenOff
      ? [replies.slice(4), replies.slice(0, 4)]
      : [replies.slice(0, 4), replies.slice(4)];
    expect(won.map((r) => r.status)).toEqual([200, 200, 200, 200]);
    expect(lost.map((r) => r.status)).toEqual([409, 409, 409, 409]);
    expect(
      await db.rows("select 1 from review_resolution where review_id = $1", ofTransaction(id)),
    ).toHaveLength(1);
  });

  test("with an Idempotency-Key gets the same answer again", async () => {
    const id = randomUUID();
    await happen(orphan(id));
    const headers = { "idempotency-key": randomUUID() };
    const first = await resolve(ofTransaction(id), { action: "accept" }, headers);
    expect((await resolve(ofTransaction(id), { action: "accept" }, headers)).body).toEqual(first.body);
    expect(await resolve(ofTransaction(id), { action: "write-off" }, headers)).toMatchObject({ status: 422 });
  });
});

describe("what arrives later still counts", () => {
  test("the stop of an accepted transaction wins; with another energy somebody looks again", async () => {
    const [same, other] = [randomUUID(), randomUUID()];
    await happen(start16(cp, same), closed(same), start16(cp, other, { wireId: 8 }), closed(other));
    for (const id of [same, other]) await resolved(ofTransaction(id), { action: "accept" });
    await happen(stop16(cp, same, { meterStop: 4_000 }), stop16(cp, other, { wireId: 8, meterStop: 6_000 }));
    expect(await transaction(same)).toMatchObject({ meterStopWh: 4_000, flags: [], needsReview: false });
    expect(await transaction(other)).toMatchObject({
      meterStopWh: 6_000,
      energyWh: 5_000,
      needsReview: true,
    });
    expect(await open()).toMatchObject([
      { reviewId: ofTransaction(other), kind: "changed-after-review", resolution: { action: "accept" } },
    ]);
    await resolved(ofTransaction(other), { action: "accept" });
    expect(await open()).toEqual([]);
    expect((await ok<ReviewDetail>(`/v1/reviews/${ofTransaction(other)}`)).resolutions).toHaveLength(2);
  });

  test("a stop that never came and comes after all needs nobody any more", async () => {
    const id = randomUUID();
    await happen(start16(cp, id), closed(id));
    await happen(stop16(cp, id, { meterStop: 6_000 }));
    expect(await open()).toEqual([]);
    expect(await resolve(ofTransaction(id), { action: "accept" })).toMatchObject({ status: 404 });
  });

  test("a running transaction without a start may be accepted; its end is no surprise", async () => {
    const id = randomUUID();
    await happen(event201(cp, id, "Updated", { wh: 3_000 }, { flags: ["start-missing"] }));
    expect(await open()).toMatchObject([{ kind: "start-missing", actions: ["accept"] }]);
    await resolved(ofTransaction(id), { action: "accept" });
    await happen(event201(cp, id, "Ended", { at: MIN, wh: 5_000 }));
    expect(await open()).toEqual([]);
  });

  test("a person's word about a command stands until the ER tells what happened", async () => {
    const commandId = randomUUID();
    await happen(start16(cp, randomUUID()));
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
       values ($1, 'default', $2, $3, $4, 'Reset', '{}', 'test', now())`,
      [commandId, journal.siteId, journal.erId, cp],
    );
    const finished = (status: "uncertain" | "rejected"): EntryBody => ({
      ...{ kind: "command.finished", commandId, stationId: cp, status },
    });
    const status = async () => (await ok<{ status: string }>(`/v1/commands/${commandId}`)).status;
    await happen(finished("uncertain"));
    const { review } = await resolved(`command:${commandId}`, { action: "done" });
    expect(review.command).toMatchObject({ status: "succeeded", reason: "by the word of test" });
    await happen(finished("uncertain"));
    expect(await status()).toBe("succeeded");
    await happen(finished("rejected"));
    expect(await status()).toBe("rejected");
  });
});

test("pages hear of what came up and of what was decided", async () => {
  const { heard, stop } = await listenLive(
    db,
    (event) => event.type === "review" && event.siteId === journal.siteId,
  );
  const id = randomUUID();
  await happen(orphan(id));
  await resolved(ofTransaction(id), { action: "accept" });
  const events = await heard(2);
  await stop();
  expect(events).toMatchObject([{ siteId: journal.siteId }, { siteId: journal.siteId, stationId: cp }]);
});

test("times of items are those of what happened", async () => {
  await happen(orphan(randomUUID(), { at: 5 * MIN }));
  expect((await open())[0]?.at).toBe(isoAt(5 * MIN));
});
