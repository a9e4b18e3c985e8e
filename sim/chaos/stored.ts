/** What PostgreSQL holds at the end of a run, read past the SG: plain SQL, so that no code of the SG is believed. */
import { Client } from "pg";
import { contentOf } from "./ledger.ts";

export type StoredMessage = {
  stationId: string;
  journalId: string;
  seq: number;
  kind: string;
  action: string;
  messageId: string;
  /** Empty where the request is not a CALL. */
  content: string;
  transactionId?: string;
  commandId?: string;
  isRepeat: boolean;
};

export type StoredTransaction = {
  transactionId: string;
  stationId: string;
  wireId: string;
  meterStartWh: number | null;
  meterStopWh: number | null;
  hasEnded: boolean;
  needsReview: boolean;
  flags: string[];
};

export type StoredCommand = {
  commandId: string;
  stationId: string;
  kind: string;
  status: string;
  issuedAt: number;
  expiresAt: number;
  reason: string | null;
};

export type StoredSample = { transactionId: string; at: number; energyWh: number; copies: number };

export type Stored = {
  messages: StoredMessage[];
  transactions: StoredTransaction[];
  samples: StoredSample[];
  commands: StoredCommand[];
  /** Journals, entries that could not be applied, entries that were never seen, journals no longer taken. */
  journals: number;
  parked: number;
  gaps: number;
  halted: number;
};

const PAGE = 5_000;

const MESSAGES = `
  select station_id, journal_id, seq::float8, kind, coalesce(action, '') as action, request,
    transaction_id, command_id, coalesce('repeat' = any (flags), false) as is_repeat
  from message where kind in ('ocpp.handled', 'ocpp.called')
  order by journal_id, seq, station_id limit ${PAGE} offset $1`;

const TRANSACTIONS = `
  select transaction_id as "transactionId", station_id as "stationId", coalesce(ocpp_transaction_id, '') as "wireId",
    meter_start_wh::float8 as "meterStartWh", meter_stop_wh::float8 as "meterStopWh",
    ended_at is not null as "hasEnded", needs_review as "needsReview", flags from transaction`;

const SAMPLES = `
  select transaction_id as "transactionId", (extract(epoch from at) * 1000)::float8 as at,
    energy_import_wh::float8 as "energyWh", count(*)::int as copies
  from transaction_sample where energy_import_wh is not null group by transaction_id, at, energy_import_wh`;

const COMMANDS = `
  select command_id as "commandId", station_id as "stationId", kind, status, reason,
    (extract(epoch from issued_at) * 1000)::float8 as "issuedAt",
    (extract(epoch from expires_at) * 1000)::float8 as "expiresAt"
  from command order by issued_at`;

const COUNTS = `
  select (select count(*)::int from journal) as journals, (select count(*)::int from parked_entry) as parked,
    (select count(*)::int from journal_gap) as gaps,
    (select count(*)::int from journal where halted is not null) as halted`;

type MessageRow = {
  station_id: string;
  journal_id: string;
  seq: number;
  kind: string;
  action: string;
  request: string;
  transaction_id: string | null;
  command_id: string | null;
  is_repeat: boolean;
};

/** The last entry that the SG has stored; undefined while PostgreSQL cannot be asked. */
export function readCursor(databaseUrl: string): Promise<number | undefined> {
  return readNumber(databaseUrl, "select coalesce(max(seq), 0)::float8 as value from journal");
}

/** Commands that have not come to an end; undefined while PostgreSQL cannot be asked. */
export function countOpenCommands(databaseUrl: string): Promise<number | undefined> {
  const open = "status in ('pending', 'sent', 'accepted')";
  return readNumber(databaseUrl, `select count(*)::float8 as value from command where ${open}`);
}

/** Stations that the SG knows; undefined while PostgreSQL cannot be asked. */
export function countStations(databaseUrl: string): Promise<number | undefined> {
  return readNumber(databaseUrl, "select count(*)::float8 as value from station");
}

async function readNumber(databaseUrl: string, sql: string): Promise<number | undefined> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<{ value: number }>(sql)).rows[0]?.value;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Reads everything that a run may have stored. */
export async function readStored(databaseUrl: string): Promise<Stored> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const messages: StoredMessage[] = [];
    for (;;) {
      const page = await client.query<MessageRow>(MESSAGES, [messages.length]);
      messages.push(...page.rows.map(toMessage));
      if (page.rows.length < PAGE) break;
    }
    const { rows: transactions } = await client.query<StoredTransaction>(TRANSACTIONS);
    const { rows: samples } = await client.query<StoredSample>(SAMPLES);
    const { rows: commands } = await client.query<StoredCommand>(COMMANDS);
    const { rows: counts } =
      await client.query<Pick<Stored, "journals" | "parked" | "gaps" | "halted">>(COUNTS);
    const [found] = counts;
    if (found === undefined) throw new Error("a query of counts returned no row");
    return { messages, transactions, samples, commands, ...found };
  } finally {
    await client.end();
  }
}

function toMessage(row: MessageRow): StoredMessage {
  const [, messageId, action, payload] = JSON.parse(row.request) as [number, string, string, unknown];
  return {
    stationId: row.station_id,
    journalId: row.journal_id,
    seq: row.seq,
    kind: row.kind,
    action: row.action,
    messageId,
    content: contentOf(action, payload),
    ...(row.transaction_id === null ? {} : { transactionId: row.transaction_id }),
    ...(row.command_id === null ? {} : { commandId: row.command_id }),
    isRepeat: row.is_repeat,
  };
}
