/** What an ER did alone, on PostgreSQL: revoked, closed, capped, assumed, called by itself; and what time it was. */
import { describe, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { EntryBody } from "../../shared/entry.ts";
import {
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
import type { Message, Page, Transaction, TransactionDetail } from "../api/schemas.ts";
import { readOk, useSite } from "../harness-site.ts";

let db: TestDb;
let api: TestApi;
let journal: Journal;
let cp: string;
useSite((site) => void ({ db, api, journal, cp } = site));

/** Each in a batch of its own, or all in one: the result must be the same. */
const ways = ["one by one", "in one batch"] as const;
async function happen(way: (typeof ways)[number], ...bodies: EntryBody[]): Promise<void> {
  if (way === "in one batch") return void (await storeAll(db.pool, journal.commit(bodies)));
  for (const body of bodies) await storeAll(db.pool, journal.commit([body]));
}
const view = async (id: string): Promise<Transaction> =>
  (await readOk<TransactionDetail>(api, `/v1/transactions/${id}`)).transaction;
const messages = async () =>
  ((await api.get(`/v1/stations/${cp}/messages`)).body as Page<Message>).items.reverse();

const MIN = 60_000;
const DAY = 86_400_000;

describe.each(ways)("transactions of a site that is alone, %s", (way) => {
  const closed = (transactionId: string): EntryBody => ({
    kind: "transaction.closed",
    stationId: cp,
    transactionId,
    reason: "connector-available",
    endedAt: NOON + 30 * MIN,
    meterStopWh: 4_000,
  });

  test("one whose stop never came is over, by the last that was heard, and waits for a person", async () => {
    const id = randomUUID();
    await happen(way, start16(cp, id), closed(id));
    expect(await view(id)).toMatchObject({
      status: "ended",
      endedAt: isoAt(30 * MIN),
      meterStopWh: 4_000,
      energyWh: 3_000,
      stoppedReason: "StopMissing",
      flags: ["stop-missing"],
      timeQuality: "estimated",
      needsReview: true,
    });
  });

  test("the station's own stop, when it comes after all, wins and clears the estimate", async () => {
    const id = randomUUID();
    await happen(way, start16(cp, id), closed(id), stop16(cp, id, { at: 2_000, meterStop: 6_000 }));
    expect(await view(id)).toMatchObject({
      endedAt: isoAt(2_000),
      meterStopWh: 6_000,
      meterStopOtherWh: null,
      energyWh: 5_000,
      stoppedReason: "Local",
      flags: [],
      timeQuality: "station",
      needsReview: false,
    });
  });

  test("of two stops the lower energy counts, and the other one is kept", async () => {
    const id = randomUUID();
    await happen(
      way,
      start16(cp, id),
      stop16(cp, id, { meterStop: 6_000 }),
      stop16(cp, id, { meterStop: 5_000 }, { flags: ["conflicting-stop"] }),
    );
    expect(await view(id)).toMatchObject({
      meterStopWh: 5_000,
      meterStopOtherWh: 6_000,
      energyWh: 4_000,
      needsReview: true,
    });
  });

  test("a revoked one says why", async () => {
    const id = randomUUID();
    await happen(way, start16(cp, id), {
      kind: "transaction.revoked",
      stationId: cp,
      transactionId: id,
      reason: "blocked",
      rule: "stop-now",
    });
    expect(await view(id)).toMatchObject({
      status: "active",
      revokedReason: "blocked",
      flags: ["revoked"],
      needsReview: false,
    });
  });

  test("one of an unknown token tells on which facts it was let in, and its bounds", async () => {
    const id = randomUUID();
    const decision = {
      status: "Accepted",
      reason: "unknown-capped",
      freshness: "stale" as const,
      cap: { energyWh: 10_000, durationS: 14_400 },
    };
    await happen(way, start16(cp, id, { idTag: "STRANGER" }, { basis: "policy", decision }), stop16(cp, id));
    expect(await view(id)).toMatchObject({
      idToken: "STRANGER",
      authorizedBy: "policy",
      authorizationReason: "unknown-capped",
      capEnergyWh: 10_000,
      capDurationS: 14_400,
      flags: ["unknown-capped"],
    });
  });

  test("an orphan begins where its ER last knew the connector, and says that this is a guess", async () => {
    const id = randomUUID();
    const assumed = { startedAt: NOON - 60 * MIN, meterStartWh: 2_000 };
    await happen(way, stop16(cp, id, { meterStop: 5_000 }, { flags: ["orphan-stop"], assumed }));
    expect(await view(id)).toMatchObject({
      startedAt: isoAt(-60 * MIN),
      meterStartWh: 2_000,
      energyWh: 3_000,
      flags: ["orphan-stop", "time-estimated"],
      timeQuality: "estimated",
      needsReview: true,
    });
  });

  test("calls of the ER's own say why, and which transaction they were for", async () => {
    const id = randomUUID();
    await happen(way, start16(cp, id), {
      kind: "ocpp.called",
      stationId: cp,
      protocol: "ocpp1.6",
      action: "RemoteStopTransaction",
      request: '[2,"a","RemoteStopTransaction",{"transactionId":7}]',
      response: '[3,"a",{"status":"Accepted"}]',
      cause: "cap-energy",
      transactionId: id,
    });
    expect((await messages()).at(-1)).toMatchObject({
      direction: "out",
      cause: "cap-energy",
      transactionId: id,
    });
  });
});

test("a command whose place another one has taken is superseded", async () => {
  const id = randomUUID();
  await storeAll(db.pool, journal.commit([start16(cp, randomUUID())]));
  await db.pool.query(
    `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, expires_at)
     values ($1, 'default', $2, $3, $4, 'Reset', '{}', 'test', now() + interval '1 hour')`,
    [id, journal.siteId, journal.erId, cp],
  );
  const finished: EntryBody = {
    kind: "command.finished",
    commandId: id,
    stationId: cp,
    status: "superseded",
  };
  await storeAll(db.pool, journal.commit([finished]));
  expect((await api.get(`/v1/commands/${id}`)).body).toMatchObject({ status: "superseded" });
});

describe("time as it is known now", () => {
  const started = (clockMs: number): EntryBody =>
    toldAt({ kind: "er.started", boot: journal.boot, release: "1.0.0" }, clockMs, 0);
  const synced = (clockMs: number, upMs: number, offsetMs: number): EntryBody =>
    toldAt({ kind: "clock.synced", offsetMs, source: "cloud" }, clockMs, upMs);
  const store = (...bodies: EntryBody[]) => storeAll(db.pool, journal.commit(bodies));

  test("a boot whose clock was a day behind: messages and transactions are seen shifted, raw ones stay", async () => {
    const id = randomUUID();
    await store(
      started(-DAY),
      toldAt(start16(cp, id, { at: MIN - DAY }), MIN - DAY, MIN),
      toldAt(stop16(cp, id, { at: 10 * MIN - DAY }), 10 * MIN - DAY, 10 * MIN),
    );
    expect(await view(id)).toMatchObject({ startedAt: isoAt(MIN - DAY), startedAtRaw: null });

    await store(synced(11 * MIN - DAY, 11 * MIN, DAY));
    expect(await view(id)).toMatchObject({
      startedAt: isoAt(MIN),
      startedAtRaw: isoAt(MIN - DAY),
      endedAt: isoAt(10 * MIN),
      endedAtRaw: isoAt(10 * MIN - DAY),
      timeQuality: "station",
      needsReview: false,
    });
    expect((await messages()).map((m) => [m.at, m.atRaw])).toEqual([
      [isoAt(MIN), isoAt(MIN - DAY)],
      [isoAt(10 * MIN), isoAt(10 * MIN - DAY)],
    ]);
    const raw = await db.rows<{ at: Date }>(
      "select at from message where er_id = $1 order by seq",
      journal.erId,
    );
    expect(raw.map((row) => row.at.getTime())).toEqual([NOON + MIN - DAY, NOON + 10 * MIN - DAY]);
  });

  test("a clock that was set while the ER ran: what came before is shifted, what came after is not", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await store(
      started(-DAY),
      toldAt(start16(cp, one, { at: MIN - DAY }), MIN - DAY, MIN),
      // NTP sets the clock; the cloud agrees with it.
      synced(2 * MIN, 2 * MIN, 0),
      toldAt(start16(cp, two, { at: 3 * MIN, wireId: 8 }), 3 * MIN, 3 * MIN),
    );
    expect(await view(one)).toMatchObject({ startedAt: isoAt(MIN), startedAtRaw: isoAt(MIN - DAY) });
    expect(await view(two)).toMatchObject({ startedAt: isoAt(3 * MIN), startedAtRaw: null });
  });

  test("what is learned in one boot says nothing about another", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await store(started(-DAY), toldAt(start16(cp, one, { at: MIN - DAY }), MIN - DAY, MIN));
    await store(
      started(DAY),
      toldAt(start16(cp, two, { at: DAY + MIN, wireId: 8 }), DAY + MIN, MIN),
      synced(DAY + 2 * MIN, 2 * MIN, -DAY),
    );
    expect(await view(one)).toMatchObject({ startedAt: isoAt(MIN - DAY), startedAtRaw: null });
    expect(await view(two)).toMatchObject({ startedAt: isoAt(MIN), startedAtRaw: isoAt(DAY + MIN) });
    const boots = await db.rows(
      "select offset_ms, source from er_boot where er_id = $1 order by first_seq",
      journal.erId,
    );
    expect(boots).toEqual([
      { offset_ms: null, source: null },
      { offset_ms: -DAY, source: "cloud" },
    ]);
  });

  test("the nearest of two corrections counts: a clock that drifts is right at both ends", async () => {
    const [early, late] = [randomUUID(), randomUUID()];
    await store(
      started(0),
      synced(MIN, MIN, 0),
      toldAt(start16(cp, early, { at: 2 * MIN }), 2 * MIN, 2 * MIN),
      toldAt(start16(cp, late, { at: 9 * DAY, wireId: 8 }), 9 * DAY, 9 * DAY),
      synced(10 * DAY, 10 * DAY, 2 * MIN),
    );
    expect(await view(early)).toMatchObject({ startedAt: isoAt(2 * MIN), startedAtRaw: null });
    expect(await view(late)).toMatchObject({ startedAt: isoAt(9 * DAY), startedAtRaw: null });
  });

  test("a station that kept the right time is believed, one that fits nowhere waits for a person", async () => {
    const [right, lost] = [randomUUID(), randomUUID()];
    await store(
      started(-DAY),
      toldAt(start16(cp, right, { at: MIN }), MIN - DAY, MIN),
      toldAt(start16(cp, lost, { at: -DAY / 2, wireId: 8 }), 2 * MIN - DAY, 2 * MIN),
      synced(3 * MIN - DAY, 3 * MIN, DAY),
    );
    expect(await view(right)).toMatchObject({
      startedAt: isoAt(MIN),
      timeQuality: "station",
      needsReview: false,
    });
    expect(await view(lost)).toMatchObject({
      startedAt: isoAt(2 * MIN),
      startedAtRaw: isoAt(-DAY / 2),
      timeQuality: "estimated",
      flags: ["time-implausible"],
      needsReview: true,
    });
  });

  test("a stamp of another year, and none at all", async () => {
    const [old, none] = [randomUUID(), randomUUID()];
    await store(
      started(0),
      toldAt(start16(cp, old, { at: -40 * 366 * DAY }), MIN, MIN),
      toldAt(meter16(cp, none, { at: MIN, wh: 5 }), MIN, MIN),
    );
    expect(await view(old)).toMatchObject({ startedAt: isoAt(MIN), timeQuality: "estimated" });
    expect(await view(none)).toMatchObject({ timeQuality: "estimated", flags: ["time-estimated"] });
  });
});
