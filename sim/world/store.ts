/**
 * The SG's tables in memory, with the merge rules of `cloud/ingest/apply.ts` and `hello.ts`, and snapshots to
 * go back to.
 *
 * Rows are replaced, never changed, so that a snapshot is a copy of the maps. The rule of the cursor and the
 * projection are the real ones; `postgres.ts` holds these tables against the real SQL.
 */
import {
  emptyChanges,
  type Changes,
  type ConnectorChange,
  type TransactionChange,
} from "../../cloud/core/changes.ts";
import type { MessageRow, ParkedRow, SampleRow } from "../../cloud/core/changes.ts";
import { readBlocks } from "../../cloud/core/blocks.ts";
import { admit, type Block, type Cursor, type Verdict } from "../../cloud/core/cursor.ts";
import { project, type Names } from "../../cloud/core/project.ts";
import { firstChain } from "../../shared/block.ts";
import { defined } from "../../shared/given.ts";
import type { CommandKind } from "../../shared/command.ts";
import type { Entry } from "../../shared/entry.ts";
import type { PolicyToken } from "../../shared/policy.ts";
import type { Batch, Hello } from "../../shared/wire.ts";

export type TransactionRow = Omit<
  TransactionChange,
  "seen_at" | "started_at" | "min_energy_wh" | "seen_running"
> & {
  started_at: number;
};
export type StationRow = { station_id: string; online: boolean; protocol?: string };
export type CommandRow = {
  commandId: string;
  stationId: string;
  kind: CommandKind;
  params: Record<string, unknown>;
  status: string;
  issuedAt: number;
  expiresAt: number;
  sentAt?: number;
  acceptedAt?: number;
  finishedAt?: number;
  response?: unknown;
  reason?: string;
};

export type Tables = {
  /** The journal and place in it that the last hello told the state of. */
  hello: { journalId: string; snapshotSeq: number } | undefined;
  cursors: Map<string, Cursor>;
  /** When the ER's journal of now was first heard of. What one before it had accepted, nobody will finish. */
  journalAt: number;
  /** How often each entry was applied, by journalId. */
  applied: Map<string, readonly number[]>;
  /** Which of them only tell that they were given up for want of disk. */
  shed: Map<string, ReadonlySet<number>>;
  gaps: { firstSeq: number; lastSeq: number }[];
  parked: readonly ParkedRow[];
  messages: readonly MessageRow[];
  samples: readonly SampleRow[];
  stations: Map<string, StationRow>;
  connectors: Map<string, ConnectorChange>;
  transactions: Map<string, TransactionRow>;
  commands: Map<string, CommandRow>;
  /** By name. */
  tokens: Map<string, Omit<PolicyToken, "hash">>;
  policyVersion: number;
  leaseBlocks: number;
};

export type Taken = { verdict: Verdict["kind"]; seq: number; entries: Entry[] };
export type AdmitRule = typeof admit;

const NAMES: Names = { stationId: (identity) => identity, meterId: (meterId) => meterId };

export function emptyTables(): Tables {
  return {
    hello: undefined,
    cursors: new Map(),
    journalAt: 0,
    applied: new Map(),
    shed: new Map(),
    gaps: [],
    parked: [],
    messages: [],
    samples: [],
    stations: new Map(),
    connectors: new Map(),
    transactions: new Map(),
    commands: new Map(),
    tokens: new Map(),
    policyVersion: 1,
    leaseBlocks: 0,
  };
}

/** The tables as they are now; later changes do not touch it. */
export function snapshotOf(tables: Tables): Tables {
  return {
    ...tables,
    cursors: new Map(tables.cursors),
    applied: new Map(tables.applied),
    shed: new Map(tables.shed),
    gaps: [...tables.gaps],
    stations: new Map(tables.stations),
    connectors: new Map(tables.connectors),
    transactions: new Map(tables.transactions),
    commands: new Map(tables.commands),
    tokens: new Map(tables.tokens),
  };
}

/** Takes batches as `storeBatches` does: everything or nothing, the cursor with it. */
export function takeBatches(tables: Tables, batches: readonly Batch[], rule: AdmitRule = admit): Taken {
  const journalId = batches[0]?.journalId ?? "";
  let cursor = tables.cursors.get(journalId);
  // Never said hello.
  if (cursor === undefined) return { verdict: "resume", seq: 0, entries: [] };
  let verdict: Verdict = { kind: "repeat" };
  const blocks: Block[] = [];
  for (const batch of batches) {
    verdict = rule(cursor, batch);
    if (verdict.kind === "repeat") continue;
    if (verdict.kind !== "apply") break;
    blocks.push(...verdict.blocks);
    cursor = verdict.cursor;
    if (verdict.gap !== undefined) tables.gaps.push(verdict.gap);
  }
  if (verdict.kind === "halt") tables.cursors.set(journalId, { ...cursor, halted: verdict.reason });
  if (blocks.length === 0) return { verdict: verdict.kind, seq: cursor.seq, entries: [] };
  const changes = emptyChanges();
  const entries = readBlocks(blocks, changes.parked);
  const counts = [...(tables.applied.get(journalId) ?? [])];
  const shed = new Set(tables.shed.get(journalId));
  for (const entry of entries) {
    const ranges = entry.kind === "journal.shed" ? entry.ranges : [[entry.seq, entry.seq] as const];
    for (const [first, last] of ranges)
      for (let seq = first; seq <= last; seq++) {
        counts[seq] = (counts[seq] ?? 0) + 1;
        if (entry.kind === "journal.shed") shed.add(seq);
      }
  }
  tables.applied.set(journalId, counts);
  tables.shed.set(journalId, shed);
  const snapshotSeq = tables.hello?.journalId === journalId ? tables.hello.snapshotSeq : 0;
  applyEntries(tables, entries, { snapshotSeq, changes });
  tables.cursors.set(journalId, cursor);
  return { verdict: verdict.kind === "repeat" ? "apply" : verdict.kind, seq: cursor.seq, entries };
}

/**
 * Projects entries and merges what they change.
 * @param known up to `snapshotSeq` a hello has told the state already; `changes` may hold what was parked.
 */
export function applyEntries(
  tables: Tables,
  entries: readonly Entry[],
  known: { snapshotSeq: number; changes: Changes } = { snapshotSeq: 0, changes: emptyChanges() },
): void {
  const { snapshotSeq, changes } = known;
  for (const entry of entries) project(changes, entry, NAMES, entry.seq <= snapshotSeq);
  tables.messages = [...tables.messages, ...changes.messages];
  tables.samples = [...tables.samples, ...changes.samples];
  tables.parked = [...tables.parked, ...changes.parked];
  if (changes.allOffline) {
    for (const [id, row] of tables.stations) tables.stations.set(id, { ...row, online: false });
  }
  for (const { station_id, online, protocol } of changes.stations.values()) {
    const before = tables.stations.get(station_id) ?? { station_id, online: false };
    tables.stations.set(station_id, {
      ...before,
      ...(online === undefined ? {} : { online }),
      ...(protocol === undefined ? {} : { protocol }),
    });
  }
  for (const [key, change] of changes.connectors) tables.connectors.set(key, change);
  for (const change of changes.transactions.values()) {
    const before = tables.transactions.get(change.transaction_id);
    tables.transactions.set(
      change.transaction_id,
      before === undefined ? begun(change) : merged(before, change),
    );
  }
  for (const change of changes.commands.values()) {
    const before = tables.commands.get(change.command_id);
    if (before === undefined) continue;
    const { accepted_at, finished_at, status, response, reason } = change;
    tables.commands.set(change.command_id, {
      ...before,
      ...(accepted_at === undefined ? {} : { acceptedAt: accepted_at }),
      ...(finished_at === undefined ? {} : { finishedAt: finished_at }),
      ...(response === undefined ? {} : { response }),
      ...(reason === undefined ? {} : { reason }),
      status: status ?? (/^(pending|sent|expired)$/.test(before.status) ? "accepted" : before.status),
    });
  }
}

const ESTIMATED = "time-estimated";

function begun(change: TransactionChange): TransactionRow {
  const { seen_at, started_at, min_energy_wh: _, seen_running: __, ...row } = change;
  const flags = started_at === undefined ? [...change.flags, ESTIMATED] : [...change.flags];
  return { ...row, started_at: started_at ?? seen_at, flags };
}

const least = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
const greatest = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
const below = (a: number | undefined, b: number | undefined) => a !== undefined && b !== undefined && a < b;

const newer = (at: number | undefined, before: number | undefined) =>
  at !== undefined && at >= (before ?? Number.NEGATIVE_INFINITY);

/** `on conflict (transaction_id) do update` of `transaction-sql.ts`. */
function merged(before: TransactionRow, change: TransactionChange): TransactionRow {
  const { seen_at: _, started_at, min_energy_wh, seen_running: __, ...rest } = change;
  const flags = new Set([...before.flags, ...change.flags]);
  if (below(min_energy_wh, before.last_energy_wh)) flags.add("register-fell");
  if (below(change.meter_stop_wh, before.last_energy_wh)) flags.add("stop-below-register");
  if (started_at !== undefined) flags.delete(ESTIMATED);
  const ended = (change.ended_at ?? before.ended_at) !== undefined;
  const columns = {
    meter_start_wh: before.meter_start_wh ?? change.meter_start_wh,
    meter_stop_wh: least(before.meter_stop_wh, change.meter_stop_wh),
    meter_stop_max_wh: greatest(before.meter_stop_max_wh, change.meter_stop_max_wh),
    seen_time: before.seen_time,
    last_energy_wh: greatest(before.last_energy_wh, change.last_energy_wh),
    last_sample_at: greatest(before.last_sample_at, change.last_sample_at),
    power_w: ended ? 0 : newer(change.power_at, before.power_at) ? change.power_w : before.power_w,
    power_at: greatest(before.power_at, change.power_at),
    soc_percent: newer(change.soc_at, before.soc_at) ? change.soc_percent : before.soc_percent,
    soc_at: greatest(before.soc_at, change.soc_at),
  };
  const known = defined(columns);
  return {
    ...before,
    ...rest,
    ...known,
    started_at: started_at ?? before.started_at,
    flags: [...flags],
    needs_review: before.needs_review || change.needs_review,
  };
}

/** What a hello makes known at once, and where the journal stands. */
export function takeHello(tables: Tables, hello: Hello, at: number): { seq: number } {
  const { journalId } = hello;
  if (!tables.cursors.has(journalId)) tables.journalAt = at;
  for (const row of tables.commands.values()) {
    const forgotten = row.status === "accepted" && (row.sentAt ?? 0) < tables.journalAt;
    if (forgotten) tables.commands.set(row.commandId, { ...row, status: "uncertain", finishedAt: at });
  }
  const cursor = tables.cursors.get(journalId) ?? { seq: 0, chain: firstChain(journalId), halted: undefined };
  tables.cursors.set(journalId, cursor);
  tables.hello = { journalId, snapshotSeq: hello.lastSeq };
  if (hello.lastSeq < cursor.seq) return { seq: cursor.seq };
  for (const { stationId, protocol, online, connectors } of hello.stations) {
    tables.stations.set(stationId, {
      station_id: stationId,
      online,
      ...(protocol === undefined ? {} : { protocol }),
    });
    for (const connector of connectors) {
      const key = `${stationId} ${connector.evseId} ${connector.connectorId}`;
      tables.connectors.set(key, {
        station_id: stationId,
        evse_id: connector.evseId,
        connector_id: connector.connectorId,
        status: connector.status,
        ...(connector.detail === undefined ? {} : { detail: connector.detail }),
        ...(connector.errorCode === undefined ? {} : { error_code: connector.errorCode }),
        status_at: connector.at,
      });
    }
  }
  return { seq: cursor.seq };
}
