/**
 * A parked entry is tried again with the code of today: once a release can read it, what it says is stored as if
 * it had arrived in its place.
 *
 * All or nothing. It is history: what it says fills the timeline and the transactions, and leaves alone how the
 * site is now, which later entries have told.
 */
import { decodeBlock } from "../../shared/block.ts";
import type { Entry } from "../../shared/entry.ts";
import { describeError } from "../../shared/errors.ts";
import { emptyChanges, type Changes } from "../core/changes.ts";
import { project, readEntry } from "../core/project.ts";
import type { Client } from "../db/pool.ts";
import { applyChanges, isRefusal, type Origin } from "./apply.ts";
import { emitHappenings } from "./webhook-events.ts";
import { liveEvents } from "./live-events.ts";
import { ensureStations, namesOf } from "./names.ts";
import { knownRows } from "./reread.ts";

/** Begins the reason of a block that was parked whole, with its bytes in base64. */
const WHOLE_BLOCK = "block: ";

type Row = { entry: string; reason: string; site_id: string; operator_id: string };

/** What was parked, read again; or why it is still none. */
function read(row: Row, seq: number): Entry[] | string {
  let values: unknown[];
  try {
    values = row.reason.startsWith(WHOLE_BLOCK)
      ? decodeBlock(Buffer.from(row.entry, "base64")).entries
      : [JSON.parse(row.entry)];
  } catch (error) {
    return describeError(error);
  }
  const entries: Entry[] = [];
  for (const value of values) {
    const entry = readEntry(value);
    if (typeof entry === "string") return entry;
    // A block may begin with entries that were stored before it was parked.
    if (entry.seq >= seq) entries.push(entry);
  }
  const [first] = entries;
  if (first?.seq !== seq) return `says it is entry ${String(first?.seq)}`;
  return entries;
}

/** What was stored of it although it was parked: the line of the timeline goes before its meaning is read. */
async function withoutStored(client: Client, changes: Changes, origin: Origin): Promise<void> {
  const rows = changes.messages.map((m) => ({ table: "message" as const, key: m.station_id, ...m }));
  const known = await knownRows(client, rows, origin.erId, [origin.journalId]);
  changes.messages = changes.messages.filter((_message, index) => !known.has(index));
}

/** Leaves how things are to those who have told it since. */
async function asHistory(client: Client, changes: Changes): Promise<void> {
  changes.er = {};
  changes.meters.clear();
  changes.lists = [];
  const { rows } = await client.query<{ station_id: string; booted_at: Date | null }>(
    "select station_id, booted_at from station where station_id = any($1)",
    [[...changes.stations.keys()]],
  );
  for (const { station_id: stationId, booted_at: bootedAt } of rows) {
    const station = changes.stations.get(stationId);
    if (bootedAt === null || station?.booted_at === undefined) continue;
    if (bootedAt.getTime() <= station.booted_at) continue;
    changes.stations.set(stationId, { station_id: stationId });
  }
}

async function apply(client: Client, entries: Entry[], origin: Origin): Promise<Changes> {
  const identities = entries.flatMap((entry) => ("stationId" in entry ? [entry.stationId] : []));
  const names = namesOf(await ensureStations(client, new Map(), identities, origin), origin);
  const changes = emptyChanges();
  for (const entry of entries) project(changes, entry, names, true);
  await withoutStored(client, changes, origin);
  await asHistory(client, changes);
  await applyChanges(client, changes, origin);
  return changes;
}

/**
 * Tries it, in the caller's transaction, which holds the ER's journals.
 * @returns why it stays parked, or undefined when it was stored.
 */
export async function replayParked(
  client: Client,
  parked: { erId: string; journalId: string; seq: number },
): Promise<string | undefined> {
  const { erId, journalId, seq } = parked;
  const { rows } = await client.query<Row>(
    `select p.entry, p.reason, e.site_id, e.operator_id from parked_entry p join er e using (er_id)
     where p.er_id = $1 and p.journal_id = $2 and p.seq = $3 for update of p`,
    [erId, journalId, seq],
  );
  const [row] = rows;
  if (row === undefined) return "it is not there any more";
  const set = async (what: string, value: string) =>
    void (await client.query(
      `update parked_entry set ${what} where er_id = $1 and journal_id = $2 and seq = $3`,
      [erId, journalId, seq, value],
    ));
  const block = row.reason.startsWith(WHOLE_BLOCK) ? WHOLE_BLOCK : "";
  const entries = read(row, seq);
  if (typeof entries === "string") {
    await set("reason = $4", block + entries);
    return entries;
  }
  const origin = { erId, journalId, siteId: row.site_id, operatorId: row.operator_id };
  await client.query("savepoint replay");
  try {
    const changes = await apply(client, entries, origin);
    await emitHappenings(client, [changes], origin);
    const events = liveEvents(changes, origin);
    if (events !== undefined) await client.query("select pg_notify('sg_live', $1)", [events]);
  } catch (error) {
    await client.query("rollback to savepoint replay");
    const { code } = error as { code?: unknown };
    // The database went away, or a bug of PostgreSQL's: that says nothing about the entry.
    if (typeof code === "string" && !isRefusal(error)) throw error;
    const reason = describeError(error);
    await set("reason = $4", block + reason);
    return reason;
  }
  await set("resolution = $4, resolved_at = now()", "replayed");
  return undefined;
}
