/**
 * Batches → PostgreSQL, exactly once in effect: lock the cursor, admit, apply, move the cursor, commit, ack.
 *
 * A batch that cannot be stored now (database away, gap) is dropped: the ER's journal sends it again.
 * Nothing is kept here but a short queue per ER, so that batches that arrive together share one
 * transaction.
 */
import { firstChain } from "../../shared/block.ts";
import { describeError } from "../../shared/errors.ts";
import type { Entry } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { encodeWire, type Ack, type Batch } from "../../shared/wire.ts";
import type { LiveEvent } from "../api/schemas.ts";
import { readBlocks, textOf } from "../core/blocks.ts";
import { emptyChanges, type Changes } from "../core/changes.ts";
import { admit, type Block, type Cursor, type Verdict } from "../core/cursor.ts";
import { project, type Names } from "../core/project.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";
import { applyChanges, isRefusal, type Origin } from "./apply.ts";
import { liveEvents } from "./live-events.ts";
import { ensureStations, namesOf, type NameCache } from "./names.ts";
import { withoutKnown } from "./reread.ts";
import { emitHappenings } from "./webhook-events.ts";

/** Entries that one transaction takes when batches queue up. */
const ENTRIES_PER_TRANSACTION = 4_000;
const QUEUE_MAX = 64;

type ErRow = {
  site_id: string;
  operator_id: string;
  journal_id: string | null;
  snapshot_seq: number;
  /** Some system of the operator's wants to hear what happens. */
  listened: boolean;
};
type CursorRow = {
  seq: number;
  chain: string;
  halted: string | null;
  stored_as: string;
  history: string[];
  known_seq: number;
};

/**
 * `storedAs`: the journalId of its rows. A journal that was halted and is taken again is stored under another
 * one than it has; its entries up to `knownSeq` may be stored already, under those of `history`.
 */
type StoredCursor = Cursor & { storedAs: string; history: string[]; knownSeq: number };

export type IngestResult = {
  ack: Ack;
  verdict: Verdict["kind"];
  entries: number;
  parked: number;
  /** Why no webhook hears of it. */
  untold?: string;
};

export type IngestOptions = {
  pool: Pool;
  sendAck: (erId: string, payload: Buffer) => Promise<void>;
  onLog: (level: "info" | "warn" | "error", message: string, fields: Record<string, unknown>) => void;
};

/**
 * The cursor of a journal, locked until the end of the transaction; undefined for an ER that is not known.
 */
async function lockCursor(
  client: Client,
  erId: string,
  journalId: string,
): Promise<StoredCursor | undefined> {
  await client.query(
    `insert into journal (er_id, journal_id, operator_id, chain) select er_id, $2, operator_id,
      $3 from er where er_id = $1
     on conflict do nothing`,
    [erId, journalId, firstChain(journalId)],
  );
  const { rows } = await client.query<CursorRow>(
    `select seq, chain, halted, coalesce(stored_as, journal_id) as stored_as, history, known_seq
     from journal where er_id = $1 and journal_id = $2 for update`,
    [erId, journalId],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { seq, chain, history } = row;
  const halted = row.halted ?? undefined;
  return { seq, chain, halted, storedAs: row.stored_as, history, knownSeq: row.known_seq };
}

/**
 * Stores the batches of one journal that follow each other, as far as the rule admits them.
 *
 * What an entry says may be more than PostgreSQL can hold (a number out of range). Then everything is
 * rolled back and done again with care: the entries that are refused are parked, the rest is stored.
 */
export async function storeBatches(
  pool: Pool,
  cache: NameCache,
  erId: string,
  batches: readonly Batch[],
): Promise<IngestResult> {
  try {
    return await storeOnce(pool, cache, erId, batches, applyAll);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return storeOnce(pool, cache, erId, batches, applyInHalves);
  }
}

async function storeOnce(
  pool: Pool,
  cache: NameCache,
  erId: string,
  batches: readonly Batch[],
  apply: typeof applyAll,
): Promise<IngestResult> {
  const journalId = batches[0]?.journalId ?? "";
  return inTransaction(pool, async (client) => {
    const before = await lockCursor(client, erId, journalId);
    const er = await client.query<ErRow>(
      `select e.site_id, e.operator_id, e.journal_id, e.snapshot_seq, exists (
         select from webhook_endpoint w where w.operator_id = e.operator_id and w.enabled) as listened
       from er e where e.er_id = $1`,
      [erId],
    );
    const place = er.rows[0];
    // Never said hello: ask it to begin again, which makes it introduce itself.
    if (before === undefined || place === undefined) return answer(journalId, 0, "resume");
    const { site_id: siteId, operator_id: operatorId } = place;
    const origin: Origin = { erId, journalId: before.storedAs, siteId, operatorId };

    let cursor: Cursor = before;
    let verdict: Verdict = { kind: "repeat" };
    const blocks: Block[] = [];
    const gaps: Gap[] = [];
    for (const batch of batches) {
      verdict = admit(cursor, batch);
      if (verdict.kind === "repeat") continue;
      if (verdict.kind !== "apply") break;
      blocks.push(...verdict.blocks);
      cursor = verdict.cursor;
      if (verdict.gap !== undefined) gaps.push(verdict.gap);
    }
    if (verdict.kind === "halt" && before.halted === undefined) {
      const halt = "update journal set halted = $3, updated_at = now() where er_id = $1 and journal_id = $2";
      await client.query(halt, [erId, journalId, verdict.reason]);
      await notifyReview(client, origin);
    }
    if (blocks.length === 0) return answer(journalId, cursor.seq, verdict.kind);

    const changes = emptyChanges();
    let entries = readBlocks(blocks, changes.parked);
    const identities = entries.flatMap((entry) => ("stationId" in entry ? [entry.stationId] : []));
    const names = namesOf(await ensureStations(client, cache, identities, origin), origin);
    if ((blocks[0]?.firstSeq ?? Infinity) <= before.knownSeq) {
      const read = await withoutKnown(client, entries, names, erId, before.history);
      entries = read.entries;
      // The oldest entry that is left is stored already: so is what was before it.
      if (read.continues && before.seq === 0) gaps.splice(0, 1);
    }
    for (const gap of gaps) await recordGap(client, origin, gap);
    const snapshotSeq = place.journal_id === journalId ? place.snapshot_seq : 0;
    const parts = await apply(client, entries, changes, { origin, names, snapshotSeq });
    await client.query(
      "update journal set seq = $3, chain = $4, updated_at = now() where er_id = $1 and journal_id = $2",
      [erId, journalId, cursor.seq, cursor.chain],
    );
    const untold = place.listened ? await emitHappenings(client, parts, origin) : undefined;
    for (const part of parts) {
      const events = liveEvents(part, origin);
      if (events !== undefined) await client.query("select pg_notify('sg_live', $1)", [events]);
    }
    const last = verdict.kind === "repeat" ? "apply" : verdict.kind;
    const parked = parts.reduce((sum, part) => sum + part.parked.length, 0);
    return {
      ...answer(journalId, cursor.seq, last),
      entries: entries.length,
      parked,
      ...given("untold", untold),
    };
  });
}

type Target = { origin: Origin; names: Names; snapshotSeq: number };

/** Adds the entries to the changes and writes them. @returns what was written, in parts. */
async function applyAll(
  client: Client,
  entries: readonly Entry[],
  changes: Changes,
  to: Target,
): Promise<Changes[]> {
  projectAll(changes, entries, to.names, to.snapshotSeq);
  await applyChanges(client, changes, to.origin);
  return [changes];
}

/** Like applyAll, in smaller and smaller parts, until an entry that is refused stands alone and is parked. */
async function applyInHalves(
  client: Client,
  entries: readonly Entry[],
  changes: Changes,
  to: Target,
): Promise<Changes[]> {
  const parts: Changes[] = [];
  const todo: (readonly Entry[])[] = [entries];
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    await client.query("savepoint part");
    try {
      parts.push(...(await applyAll(client, part, emptyChanges(), to)));
      await client.query("release savepoint part");
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await client.query("rollback to savepoint part");
      const [first] = part;
      const half = Math.ceil(part.length / 2);
      if (part.length > 1) todo.push(part.slice(half), part.slice(0, half));
      else if (first !== undefined)
        changes.parked.push({ seq: first.seq, entry: textOf(first), reason: describeError(error) });
    }
  }
  await applyChanges(client, changes, to.origin);
  return [...parts, changes];
}

function projectAll(changes: Changes, entries: readonly Entry[], names: Names, snapshotSeq: number): void {
  for (const entry of entries) {
    try {
      project(changes, entry, names, entry.seq <= snapshotSeq);
    } catch (error) {
      changes.parked.push({ seq: entry.seq, entry: textOf(entry), reason: describeError(error) });
    }
  }
}

function answer(journalId: string, seq: number, verdict: Verdict["kind"]): IngestResult {
  const ack: Ack = { v: 1, journalId, seq, resume: verdict === "resume", cloudTime: Date.now() };
  return { ack, verdict, entries: 0, parked: 0 };
}

type Gap = { firstSeq: number; lastSeq: number };

async function notifyReview(client: Client, { siteId, erId, operatorId }: Origin): Promise<void> {
  const events: LiveEvent[] = [{ type: "review", siteId, erId }];
  await client.query("select pg_notify('sg_live', $1)", [JSON.stringify({ operatorId, events })]);
}

async function recordGap(client: Client, origin: Origin, gap: Gap): Promise<void> {
  await notifyReview(client, origin);
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
      await store(
        erId,
        taken.map((w) => w.batch),
      );
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
      if (result.parked > 0)
        onLog("error", "entries parked: see parked_entry", { erId, parked: result.parked });
      if (result.untold !== undefined)
        onLog("error", "no webhook hears of what came", { erId, reason: result.untold });
      if (result.verdict === "halt") {
        onLog("error", "this journal is not taken any more: see journal.halted", { erId, ...result.ack });
        return;
      }
      await options.sendAck(erId, encodeWire(result.ack));
    } catch (error) {
      // Not stored, or stored and not acked: the ER sends it again.
      counters.dropped += batches.length;
      onLog("warn", "batches dropped; the ER sends them again", {
        erId,
        count: batches.length,
        reason: describeError(error),
      });
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
