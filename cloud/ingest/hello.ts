/**
 * An ER says hello: its site and itself are known, the map is right at once, and it learns where this SG
 * stands.
 *
 * The snapshot tells the state after `lastSeq`. Entries up to there, when they drain, are history: they
 * fill the timeline and the transactions but leave the map alone. A hello that comes after newer entries
 * were stored changes nothing of the map.
 */
import type { Ack, Hello } from "../../shared/wire.ts";
import { given } from "../../shared/given.ts";
import { firstChain } from "../../shared/block.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";
import { CONNECTORS, toJson } from "./apply.ts";
import type { Names } from "../core/project.ts";
import { ensureStations, namesOf, type NameCache } from "./names.ts";
import { ENDED_UNSEEN, RUNNING } from "./transaction-sql.ts";

const ms = (column: string) => `to_timestamp(${column} / 1000.0)`;

export type HelloResult = { ack: Ack; siteId: string; operatorId: string; policyVersion: number };

const UPSERT_ER = `
  insert into er as e (er_id, site_id, operator_id, release, boot, started_at, journal_id, journal_seq,
                       policy_version, clock, last_seen_at, stopped_at, snapshot_seq, gauges, gauges_at)
  values ($1, $2, $3, $4, $5, ${ms("$6::float8")}, $7, $8, $9, $10, now(), null, $8, $11,
    case when $11::json is null then null else now() end)
  on conflict (er_id) do update set
    site_id = excluded.site_id, release = excluded.release, boot = excluded.boot,
    started_at = excluded.started_at, journal_id = excluded.journal_id, journal_seq = excluded.journal_seq,
    policy_version = excluded.policy_version, clock = excluded.clock, last_seen_at = now(),
    stopped_at = null, snapshot_seq = excluded.snapshot_seq,
    gauges = coalesce(excluded.gauges, e.gauges), gauges_at = coalesce(excluded.gauges_at, e.gauges_at)`;

const STATIONS = `
  update station s set
    er_id = $2, protocol = coalesce(r.protocol, s.protocol), online = r.online,
    online_changed_at = case when s.online = r.online then s.online_changed_at else now() end,
    last_message_at = greatest(s.last_message_at, ${ms("r.last_message_at")}),
    clock_skew_ms = coalesce(r.clock_skew_ms, s.clock_skew_ms)
  from json_to_recordset($1::json) as r(station_id text, protocol text, online boolean, last_message_at float8,
       clock_skew_ms bigint)
  where s.station_id = r.station_id`;

async function applySnapshot(
  client: Client,
  cache: NameCache,
  hello: Hello,
  operatorId: string,
): Promise<void> {
  const er = { erId: hello.erId, siteId: hello.siteId, operatorId };
  const names = namesOf(
    await ensureStations(
      client,
      cache,
      hello.stations.map((s) => s.stationId),
      er,
    ),
    er,
  );
  const stations = hello.stations.map((s) => ({
    station_id: names.stationId(s.stationId),
    protocol: s.protocol,
    online: s.online,
    last_message_at: s.lastMessageAt,
    clock_skew_ms: s.clockSkewMs,
  }));
  if (stations.length > 0) await client.query(STATIONS, [toJson(stations), hello.erId]);
  const connectors = hello.stations.flatMap((s) =>
    s.connectors.map((c) => ({
      station_id: names.stationId(s.stationId),
      evse_id: c.evseId,
      connector_id: c.connectorId,
      status: c.status,
      detail: c.detail,
      error_code: c.errorCode,
      status_at: c.at,
    })),
  );
  // One statement changes a row once: of a connector that is named twice the last one counts.
  const unique = new Map(connectors.map((c) => [`${c.station_id} ${c.evse_id} ${c.connector_id}`, c]));
  if (unique.size > 0) await client.query(CONNECTORS, [toJson([...unique.values()]), operatorId]);
  await applyRunning(client, names, hello, operatorId);
}

/** Transactions that run are shown at once; those that do not any more are over, although nobody saw how. */
async function applyRunning(client: Client, names: Names, hello: Hello, operatorId: string): Promise<void> {
  const { erId, siteId, journalId } = hello;
  const telling = hello.stations.filter((s) => s.transactions !== undefined);
  if (telling.length === 0) return;
  const running = telling.flatMap((s) =>
    (s.transactions ?? []).map((t) => ({
      transaction_id: t.transactionId,
      ocpp_transaction_id: t.ocppTransactionId,
      station_id: names.stationId(s.stationId),
      evse_id: t.evseId,
      started_at: t.startedAt,
      id_token: t.idToken,
      meter_start_wh: t.meterStartWh,
      energy_import_wh: t.energyImportWh,
    })),
  );
  const unique = new Map(running.map((row) => [row.transaction_id, row]));
  if (unique.size > 0)
    await client.query(RUNNING, [toJson([...unique.values()]), operatorId, siteId, erId, journalId]);
  const stationIds = telling.map((s) => names.stationId(s.stationId));
  const online = telling.filter((s) => s.online).map((s) => names.stationId(s.stationId));
  await client.query(ENDED_UNSEEN, [erId, stationIds, [...unique.keys()], online]);
}

/** PostgreSQL's text holds no NUL. */
const clean = (text: string) => text.replaceAll("\0", "\ufffd");

/** The zone, where PostgreSQL knows it: a wrong one would break every query of a day's energy. */
async function knownTimeZone(pool: Pool, timeZone: string): Promise<string> {
  const zone = clean(timeZone);
  const known = pool.query("select now() at time zone $1::text", [zone]);
  return known.then(
    () => zone,
    (error: { code?: string }) => {
      if (error.code === "22023") return "UTC";
      throw error;
    },
  );
}

/**
 * A command that a journal before this one had accepted, nobody will finish: it may have been done. Most ERs
 * have never had another journal.
 *
 * $1 ER, $2 journal.
 */
const FORGOTTEN = `
  update command c set status = 'uncertain', finished_at = now(),
    reason = 'the journal of the ER that had accepted it was lost'
  from journal j
  where j.er_id = $1 and j.journal_id = $2
    and exists (select from journal o where o.er_id = j.er_id and o.created_at < j.created_at)
    and c.operator_id = j.operator_id and c.issued_at > j.created_at - interval '30 days'
    and c.er_id = j.er_id and c.status = 'accepted' and c.sent_at < j.created_at`;

/**
 * Everything of one hello in one transaction. A new ER belongs to the given operator until enrolment says
 * otherwise.
 */
export async function storeHello(
  pool: Pool,
  cache: NameCache,
  hello: Hello,
  defaultOperatorId: string,
): Promise<HelloResult> {
  const timeZone = await knownTimeZone(pool, hello.timeZone);
  return inTransaction(pool, async (client) => {
    // Before anything else, as batches do it: whoever holds the journal's row may wait for the others,
    // never the other way.
    const lock = "select from journal where er_id = $1 and journal_id = $2 for update";
    await client.query(lock, [hello.erId, hello.journalId]);
    await client.query(
      `insert into site as s (site_id, operator_id, name, time_zone) values ($1, $2, $3, $4)
       on conflict (site_id) do update set name = excluded.name, time_zone = excluded.time_zone
       where (s.name, s.time_zone) is distinct from (excluded.name, excluded.time_zone)`,
      [hello.siteId, defaultOperatorId, clean(hello.siteName), timeZone],
    );
    const site = await client.query<{ operator_id: string; policy_version: number }>(
      "select operator_id, policy_version from site where site_id = $1",
      [hello.siteId],
    );
    const operatorId = site.rows[0]?.operator_id ?? defaultOperatorId;
    await client.query(UPSERT_ER, [
      hello.erId,
      hello.siteId,
      operatorId,
      clean(hello.release),
      hello.boot,
      hello.startedAt,
      hello.journalId,
      hello.lastSeq,
      hello.policyVersion,
      hello.clock,
      hello.gauges === undefined ? null : toJson(hello.gauges),
    ]);
    await client.query(
      `insert into journal (er_id, journal_id, operator_id, chain) values ($1, $2, $3,
      $4) on conflict do nothing`,
      [hello.erId, hello.journalId, operatorId, firstChain(hello.journalId)],
    );
    const cursor = await client.query<{ seq: number }>(
      // Locked, so that no batch slips in between this look and the snapshot.
      "select seq from journal where er_id = $1 and journal_id = $2 for update",
      [hello.erId, hello.journalId],
    );
    const seq = cursor.rows[0]?.seq ?? 0;
    if (hello.lastSeq >= seq) await applySnapshot(client, cache, hello, operatorId);
    await client.query(FORGOTTEN, [hello.erId, hello.journalId]);
    const { siteId, erId } = hello;
    const events = [
      { type: "er", siteId, erId },
      { type: "station", siteId },
      { type: "transaction", siteId },
    ];
    await client.query("select pg_notify('sg_live', $1)", [JSON.stringify({ operatorId, events })]);
    return {
      ack: {
        v: 1,
        journalId: hello.journalId,
        seq,
        resume: true,
        cloudTime: Date.now(),
        helloUpMs: hello.upMs,
        ...given("policyVersion", site.rows[0]?.policy_version),
      },
      siteId,
      operatorId,
      policyVersion: site.rows[0]?.policy_version ?? 1,
    };
  });
}
