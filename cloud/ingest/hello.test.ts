/** An ER says hello: what becomes known at once, and what a hello must never overwrite. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import type { Hello } from "../../shared/wire.ts";
import { introduce, Journal, NOON, online, openTestDb, status16, storeAll, type TestDb } from "../harness.ts";
import { storeHello } from "./hello.ts";
import { storeBatches } from "./journal.ts";

let db: TestDb;
beforeAll(async () => void (db = await openTestDb()));
afterAll(() => db.close());

const fresh = () => {
  const name = randomUUID().slice(0, 8);
  return new Journal(`er-${name}`, `site-${name}`);
};
const hello = (journal: Journal, more: Partial<Hello> = {}) =>
  storeHello(db.pool, new Map(), journal.hello(more), "default");
const station = (
  stationId: string,
  status: string,
  at = NOON,
  isOnline = true,
): Hello["stations"][number] => ({
  stationId,
  protocol: "ocpp1.6",
  online: isOnline,
  lastMessageAt: at,
  connectors: [{ evseId: 1, connectorId: 1, status, detail: "Charging", at }],
});
const connectors = (journal: Journal) =>
  db.rows<{ status: string }>(
    "select c.status from connector c join station s using (station_id) where s.site_id = $1 order by c.station_id",
    journal.siteId,
  );
const site = async (siteId: string) => (await db.rows("select * from site where site_id = $1", siteId))[0];

test("the first hello makes the site, the ER, its journal and its stations", async () => {
  const journal = fresh();
  const result = await hello(journal, {
    stations: [station("H1", "Occupied"), station("H2", "Available", NOON, false)],
  });
  expect(result).toMatchObject({
    operatorId: "default",
    siteId: journal.siteId,
    ack: { seq: 0, resume: true },
  });
  expect(result.policyVersion).toBeGreaterThanOrEqual(1);
  expect(await site(journal.siteId)).toMatchObject({
    name: `Site ${journal.siteId}`,
    time_zone: "America/Sao_Paulo",
  });
  const [er] = await db.rows("select * from er where er_id = $1", journal.erId);
  expect(er).toMatchObject({
    release: "1.0.0",
    journal_id: journal.journalId,
    clock: "synced",
    stopped_at: null,
  });
  const stations = await db.rows(
    "select station_id, online, protocol from station where site_id = $1 order by 1",
    journal.siteId,
  );
  expect(stations).toEqual([
    { station_id: "H1", online: true, protocol: "ocpp1.6" },
    { station_id: "H2", online: false, protocol: "ocpp1.6" },
  ]);
  expect(await connectors(journal)).toEqual([{ status: "Occupied" }, { status: "Available" }]);
});

test("it tells the ER where this SG stands", async () => {
  const journal = fresh();
  await hello(journal);
  await storeAll(db.pool, journal.commit([online("CP1"), online("CP1")]));
  expect((await hello(journal)).ack).toMatchObject({ journalId: journal.journalId, seq: 2, resume: true });
});

test("a site's new name and zone are taken over, its rules are not touched", async () => {
  const journal = fresh();
  await hello(journal);
  await db.pool.query("update site set policy_version = 7, unknown_token = 'allow' where site_id = $1", [
    journal.siteId,
  ]);
  const result = await hello(journal, { siteName: "Parque Novo", timeZone: "Europe/Berlin" });
  expect(result.policyVersion).toBe(7);
  expect(await site(journal.siteId)).toMatchObject({
    name: "Parque Novo",
    time_zone: "Europe/Berlin",
    policy_version: 7,
    unknown_token: "allow",
  });
});

test("an ER that moves is found at its new site", async () => {
  const [journal, there] = [fresh(), fresh()];
  await hello(journal);
  await hello(new Journal(journal.erId, there.siteId, journal.journalId));
  expect(await db.rows("select site_id from er where er_id = $1", journal.erId)).toEqual([
    { site_id: there.siteId },
  ]);
});

test.each(["Mars/Olympus", "", "x".repeat(100), "UTC\u0000"])(
  "the zone %j, which nobody knows, becomes UTC",
  async (timeZone) => {
    const journal = fresh();
    await hello(journal, { timeZone });
    expect(await site(journal.siteId)).toMatchObject({ time_zone: "UTC" });
  },
);

test("a snapshot that is older than what the journal has already said changes nothing of the map", async () => {
  const journal = fresh();
  await hello(journal);
  const early = journal.hello({
    stations: [station(`S-${journal.erId}`, "Faulted", NOON + 3_600_000, false)],
  });
  await storeAll(
    db.pool,
    journal.commit([online(`S-${journal.erId}`), status16(`S-${journal.erId}`, 1, "Available")]),
  );
  await storeHello(db.pool, new Map(), early, "default");
  expect(await connectors(journal)).toEqual([{ status: "Available" }]);
  expect(await db.rows("select online from station where site_id = $1", journal.siteId)).toEqual([
    { online: true },
  ]);
});

test("entries that the snapshot already includes are history: they fill the timeline and leave the map alone", async () => {
  const journal = fresh();
  const id = `S-${journal.erId}`;
  journal
    .commit([online(id), status16(id, 1, "Charging"), status16(id, 1, "Available")])
    .commit([status16(id, 1, "Faulted")]);
  await hello(journal, { lastSeq: 3, stations: [station(id, "Available")] });
  await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(0, 1)]);
  expect(await connectors(journal)).toEqual([{ status: "Available" }]);
  await storeBatches(db.pool, new Map(), journal.erId, [journal.batch(1)]);
  expect(await connectors(journal)).toEqual([{ status: "Faulted" }]);
  expect(await db.rows("select 1 from message where journal_id = $1", journal.journalId)).toHaveLength(4);
});

test("odd snapshots do no harm: a connector twice, NUL in every text", async () => {
  const journal = fresh();
  const id = `S-${journal.erId}`;
  const twice = {
    ...station(id, "Available"),
    connectors: [...station(id, "Faulted").connectors, ...station(id, "A\u0000").connectors],
  };
  await hello(journal, { stations: [twice, twice], siteName: "a\u0000b", release: "\u0000" });
  expect(await connectors(journal)).toEqual([{ status: "A\ufffd" }]);
});

test("what a lost journal had accepted is uncertain, until its own last words arrive", async () => {
  const lost = fresh();
  const id = randomUUID();
  await hello(lost, { stations: [station("CP1", "Available")] });
  await db.pool.query(
    `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, status, issued_by,
       expires_at, sent_at)
     select $1, 'default', $2, $3, station_id, 'Reset', '{"type":"OnIdle"}', 'accepted', 'test', now(), now()
     from station where site_id = $2`,
    [id, lost.siteId, lost.erId],
  );
  const status = async () =>
    (await db.rows<{ status: string }>("select status from command where command_id = $1", id))[0]?.status;
  await hello(lost);
  expect(await status()).toBe("accepted");
  await hello(new Journal(lost.erId, lost.siteId));
  expect(await status()).toBe("uncertain");
  await storeAll(
    db.pool,
    lost.commit([{ kind: "command.finished", commandId: id, stationId: "CP1", status: "succeeded" }]),
  );
  expect(await status()).toBe("succeeded");
});

test("hellos and batches of one ER at the same time never end in a deadlock", async () => {
  const journal = fresh();
  await introduce(db.pool, journal);
  const names = Array.from({ length: 20 }, (_, i) => `D${i}-${journal.erId}`);
  for (let i = 0; i < 15; i++)
    journal.commit(names.map((name) => status16(name, 1, i % 2 === 0 ? "Available" : "Faulted")));
  const batches = journal.blocks.map((_, i) => journal.batch(i, i + 1));
  const stations = [...names].reverse().map((name) => station(name, "Available"));
  const talk = async () => {
    for (let i = 0; i < 15; i++) await hello(journal, { stations });
  };
  const send = async () => {
    for (const batch of batches) await storeBatches(db.pool, new Map(), journal.erId, [batch]);
  };
  const results = await Promise.allSettled([talk(), send(), talk()]);
  expect(results.filter((r) => r.status === "rejected")).toEqual([]);
  expect(await db.rows("select seq from journal where er_id = $1", journal.erId)).toEqual([{ seq: 300 }]);
});

test("a hello that failed half-way leaves nothing that spoils the next one", async () => {
  const journal = fresh();
  const cache = new Map<string, string>();
  const said = journal.hello({ stations: [station(`S-${journal.erId}`, "Available")] });
  await db.pool.query("alter table connector rename to connector_away");
  await expect(storeHello(db.pool, cache, said, "default")).rejects.toThrow();
  await db.pool.query("alter table connector_away rename to connector");
  await storeHello(db.pool, cache, said, "default");
  expect(await connectors(journal)).toEqual([{ status: "Available" }]);
});
