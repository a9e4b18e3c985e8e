/**
 * Batches → PostgreSQL, exactly once in effect: lock the cursor, admit, apply, move the cursor, commit, ack.
 *
 * A batch that cannot be stored now (database away, gap) is dropped: the ER's journal sends it again. Nothing is kept here
 * but a short queue per ER, so that batches that arrive together share one transaction.
 */
import { decodeBlock, firstChain } from "../../shared/block.ts";
import { describeError } from "../../shared/errors.ts";
import type { Entry } from "../../shared/entry.ts";
import { encodeWire, type Ack, type Batch } from "../../shared/wire.ts";
import { emptyChanges, type Changes } from "../core/changes.ts";
import { admit, type Block, type Cursor, type Verdict } from "../core/cursor.ts";
import { project, readEntry } from "../core/project.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";
import { applyChanges, type Origin } from "./apply.ts";
import { liveEvents } from "./live-events.ts";
import { ensureStations, namesOf, type NameCache } from "./names.ts";

/** Entries that one transaction takes when batches queue up. */
const ENTRIES_PER_TRANSACTION = 4_000;
const QUEUE_MAX = 64;

type ErRow = { site_id: string; operator_id: string };
type CursorRow = { seq: number; chain: string; halted: string | null };

export type IngestResult = { ack: Ack; verdict: Verdict["kind"]; entries: number; parked: number };

export type IngestOptions = {
  pool: Pool;
  sendAck: (erId: string, payload: Buffer) => Promise<void>;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};

async function lockCursor(client: Client, erId: string, journalId: string, operatorId: string): Promise<Cursor> {
  await client.query(
    `insert into journal (er_id, journal_id, operator_id, chain) values ($1, $2, $3, $4) on conflict do nothing`,
    [erId, journalId, operatorId, firstChain(journalId)],
  );
  const { rows } = await client.query<CursorRow>(
    "select seq, chain, halted from journal where er_id = $1 and journal_id = $2 for update",
    [erId, journalId],
  );
  const row = rows[0];
  return { seq: row?.seq ?? 0, chain: row?.chain ?? "", halted: row?.halted ?? undefined };
}

/** The entries of admitted blocks; what cannot be read is parked. */
function readBlocks(blocks: readonly Block[], changes: Changes): Entry[] {
  const entries: Entry[] = [];
  for (const block of blocks) {
    let values: unknown[];
    try {
      values = decodeBlock(block.bytes).entries;
    } catch (error) {
      const entry = block.bytes.toString("base64");
      changes.parked.push({ seq: block.firstSeq, entry, reason: `block: ${describeError(error)}` });
      continue;
    }
    values.forEach((value, index) => {
      const entry = readEntry(value);
      const seq = block.firstSeq + index;
      if (typeof entry !== "string" && entry.seq === seq) entries.push(entry);
      else {
        const reason = typeof entry === "string" ? entry : `says it is entry ${entry.seq}`;
        changes.parked.push({ seq, entry: JSON.stringify(value), reason });
      }
    });
  }
  return entries;
}

/** Stores the batches of one journal that follow each other, as far as the rule admits them. */
export async function storeBatches(
  pool: Pool,
  cache: NameCache,
  erId: string,
  batches: readonly Batch[],
): Promise<IngestResult> {
  const journalId = batches[0]?.journalId ?? "";
  return inTransaction(pool, async (client) => {
    const er = await client.query<ErRow>("select site_id, operator_id from er where er_id = $1", [erId]);
    const place = er.rows[0];
    // Never said hello: ask it to begin again, which makes it introduce itself.
    if (place === undefined) return answer(journalId, 0, "resume");
    const origin: Origin = { erId, journalId, siteId: place.site_id, operatorId: place.operator_id };
    const before = await lockCursor(client, erId, journalId, origin.operatorId);

    let cursor = before;
    let verdict: Verdict = { kind: "repeat" };
    const blocks: Block[] = [];
    for (const batch of batches) {
      verdict = admit(cursor, batch);
      if (verdict.kind === "repeat") continue;
      if (verdict.kind !== "apply") break;
      blocks.push(...verdict.blocks);
      cursor = verdict.cursor;
      if (verdict.gap !== undefined) await recordGap(client, origin, verdict.gap);
    }
    if (verdict.kind === "halt" && before.halted === undefined) {
      const halt = "update journal set halted = $3, updated_at = now() where er_id = $1 and journal_id = $2";
      await client.query(halt, [erId, journalId, verdict.reason]);
    }
    if (blocks.length === 0) return answer(journalId, cursor.seq, verdict.kind);

    const changes = emptyChanges();
    const entries = readBlocks(blocks, changes);
    const identities = entries.flatMap((entry) => ("stationId" in entry ? [entry.stationId] : []));
    await ensureStations(client, cache, identities, origin);
    projectAll(changes, entries, namesOf(cache, origin));
    await applyChanges(client, changes, origin);
    await client.query(
      "update journal set seq = $3, chain = $4, updated_at = now() where er_id = $1 and journal_id = $2",
      [erId, journalId, cursor.seq, cursor.chain],
    );
    const events = liveEvents(changes, origin);
    if (events !== undefined) await client.query("select pg_notify('sg_live', $1)", [events]);
    const last = verdict.kind === "repeat" ? "apply" : verdict.kind;
    return { ...answer(journalId, cursor.seq, last), entries: entries.length, parked: changes.parked.length };
  });
}

function projectAll(changes: Changes, entries: readonly Entry[], names: ReturnType<typeof namesOf>): void {
  for (const entry of entries) {
    try {
      project(changes, entry, names);
    } catch (error) {
      changes.parked.push({ seq: entry.seq, entry: JSON.stringify(entry), reason: describeError(error) });
    }
  }
}

function answer(journalId: string, seq: number, verdict: Verdict["kind"]): IngestResult {
  const ack: Ack = { v: 1, journalId, seq, resume: verdict === "resume", cloudTime: Date.now() };
  return { ack, verdict, entries: 0, parked: 0 };
}

async function recordGap(client: Client, origin: Origin, gap: { firstSeq: number; lastSeq: number }): Promise<void> {
  await client.query(
    `insert into journal_gap (er_id, journal_id, operator_id, first_seq, last_seq) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [origin.erId, origin.journalId, origin.operatorId, gap.firstSeq, gap.lastSeq],
  );
}

type Waiting = { batch: Batch; done: () => void };

/** Takes batches of many ERs: one transaction at a time per ER, several ERs side by side. */
export function createIngest(options: IngestOptions) {
  const { pool, onLog } = options;
  const cache: NameCache = new Map();
  const queues = new Map<string, Waiting[]>();
  const counters = { batches: 0, entries: 0, transactions: 0, dropped: 0, parked: 0 };
  let stopped = false;

  /** What waits for this ER and is of one journal, up to the size of a transaction. */
  function take(queue: Waiting[]): Waiting[] {
    const journalId = queue[0]?.batch.journalId;
    let entries = 0;
    let count = 0;
    for (const { batch } of queue) {
      entries += batch.blocks.reduce((sum, [n]) => sum + n, 0);
      if (batch.journalId !== journalId || (count > 0 && entries > ENTRIES_PER_TRANSACTION)) break;
      count += 1;
    }
    return queue.splice(0, count);
  }

  async function drain(erId: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0 && !stopped) {
      const taken = take(queue);
      await store(erId, taken.map((w) => w.batch));
      for (const { done } of taken) done();
    }
    for (const { done } of queue.splice(0)) done();
    queues.delete(erId);
  }

  async function store(erId: string, batches: Batch[]): Promise<void> {
    try {
      const result = await storeBatches(pool, cache, erId, batches);
      counters.transactions += 1;
      counters.entries += result.entries;
      counters.parked += result.parked;
      if (result.parked > 0) onLog("error", "entries parked: see parked_entry", { erId, parked: result.parked });
      if (result.verdict === "halt") {
        onLog("error", "this journal is not taken any more: see journal.halted", { erId, ...result.ack });
        return;
      }
      await options.sendAck(erId, encodeWire(result.ack));
    } catch (error) {
      // Not stored, not acked: the ER sends it again. A name cached by a transaction that was rolled back may be wrong.
      cache.clear();
      counters.dropped += batches.length;
      onLog("warn", "batches dropped; the ER sends them again", { erId, count: batches.length, reason: describeError(error) });
    }
  }

  return {
    counters,
    /** Resolves when the batch is stored and acked, or dropped. Never rejects. */
    onBatch(erId: string, batch: Batch): Promise<void> {
      counters.batches += 1;
      const queue = queues.get(erId) ?? [];
      if (queue.length >= QUEUE_MAX) {
        counters.dropped += 1;
        return Promise.resolve();
      }
      const finished = new Promise<void>((done) => queue.push({ batch, done }));
      if (!queues.has(erId)) {
        queues.set(erId, queue);
        void drain(erId, queue);
      }
      return finished;
    },
    async stop(): Promise<void> {
      stopped = true;
      while (queues.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}
