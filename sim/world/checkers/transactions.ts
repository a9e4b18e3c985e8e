/**
 * Checker `transactions`: each transaction of a station is exactly one transaction of the SG, with the energy
 * that the station's register counted; no other transaction exists. Energy is never negative, at no time.
 *
 * What no system can know is judged by what must still hold: energy is never counted twice, and where a
 * person is needed, a person is asked.
 */
import { UNKNOWN_NAME, UNKNOWN_NUMBER_MIN } from "../../station/behaviours/misbehaviours.ts";
import type { Fleet, Truth } from "../fleet.ts";
import { NAMELESS, NO_START, NO_STOP } from "../habits.ts";
import { readCall } from "../sockets.ts";
import type { Tables, TransactionRow } from "../store.ts";
import { Violation } from "../trace.ts";
import type { Journals } from "./journal.ts";
import { nameOf, type Ledger } from "./ledger.ts";

const fail = (saw: string): never => {
  throw new Violation("transactions", saw);
};

const energyOf = (row: TransactionRow): number | undefined => {
  const end = row.meter_stop_wh ?? row.last_energy_wh;
  return end === undefined || row.meter_start_wh === undefined ? undefined : end - row.meter_start_wh;
};

export function checkNotNegative(tables: Tables): void {
  for (const row of tables.transactions.values()) {
    const energyWh = energyOf(row) ?? 0;
    if (energyWh < 0) fail(`${row.transaction_id} of ${row.station_id} has ${energyWh} Wh`);
  }
}

const iso = (at: number) => new Date(at).toISOString();

/** As its station names its start, its end, and what may come in between. */
function namesOf(truth: Truth): { start: string; stop: string | undefined; other: string[] } {
  const { id, version, meterStartWh, startedAt, meterStopWh, endedAt } = truth;
  if (version !== "1.6") return { start: `Started ${id}`, stop: `Ended ${id}`, other: [`Updated ${id}`] };
  const stop = endedAt === undefined ? undefined : `stop ${meterStopWh} ${iso(endedAt)}`;
  return { start: `start ${meterStartWh} ${iso(startedAt)}`, stop, other: [] };
}

/** Whether the message speaks of a transaction that never was. */
function isInvented(action: string, payload: Record<string, unknown>): boolean {
  const { transactionId } = (payload["transactionInfo"] ?? {}) as Record<string, unknown>;
  return action === "StopTransaction"
    ? Number(payload["transactionId"]) >= UNKNOWN_NUMBER_MIN && Number(payload["meterStop"]) < 1_000
    : String(transactionId).startsWith(UNKNOWN_NAME);
}

type Judged = { fleet: Fleet; tables: Tables; journals: Journals; ledger: Ledger };

/** After everything has drained. */
export function checkTransactions(judged: Judged): void {
  const { fleet, tables } = judged;
  const truthOf = truthsByName(fleet);
  const rowsOf = new Map<Truth, Set<string>>(fleet.truths.map((truth) => [truth, new Set()]));
  /** Our transaction → what it is at its station. */
  const claimed = new Map<string, string>();
  for (const { station_id, transaction_id, action, request } of tables.messages) {
    if (transaction_id === undefined || action === undefined || request === undefined) continue;
    const payload = readCall(request)?.payload ?? {};
    const name = nameOf(action, payload);
    if (name === undefined) continue;
    const truth = truthOf.get(`${station_id} ${name}`);
    const what = truth === undefined ? `${station_id} ${name}` : describe(truth);
    if (truth !== undefined) rowsOf.get(truth)?.add(transaction_id);
    else if (!isInvented(action, payload)) fail(`${station_id} said ${name}, of which it knows nothing`);
    else if (tables.transactions.get(transaction_id)?.needs_review !== true)
      fail(`${what} was invented, and nobody is asked about it`);
    const other = claimed.get(transaction_id) ?? what;
    if (other !== what) fail(`one transaction at the SG is ${other} and ${what}`);
    claimed.set(transaction_id, what);
  }
  const scattered = scatteredTruths(judged, truthOf);
  for (const [truth, ids] of rowsOf) {
    const rows = [...ids].map((id) => tables.transactions.get(id)).filter((row) => row !== undefined);
    if (scattered.has(truth)) checkScattered(truth, rows);
    else checkOne(truth, rows, judged.ledger);
  }
  for (const id of tables.transactions.keys()) {
    if (!claimed.has(id)) fail(`transaction ${id} exists at the SG only`);
  }
}

const describe = (truth: Truth) => {
  const { start, stop } = namesOf(truth);
  return `${truth.stationId} (${truth.member.habits.join()}) EVSE ${truth.evseId} ${start} … ${stop}`;
};

function truthsByName({ truths }: Fleet): Map<string, Truth> {
  const byName = new Map<string, Truth>();
  for (const truth of truths) {
    const { start, stop, other } = namesOf(truth);
    for (const name of [start, stop, ...other])
      if (name !== undefined) byName.set(`${truth.stationId} ${name}`, truth);
  }
  return byName;
}

/** Transactions of which a lost journal took a part, or which began under one and went on under another. */
function scatteredTruths({ journals, tables }: Judged, truthOf: Map<string, Truth>): Set<Truth> {
  const scattered = new Set<Truth>();
  const journalOf = new Map<Truth, string>();
  for (const { journalId, blocks } of journals.all) {
    const held = tables.cursors.get(journalId)?.seq ?? 0;
    for (const entry of blocks.flatMap(({ entries }) => entries)) {
      if (entry.kind !== "ocpp.handled") continue;
      const call = readCall(entry.request);
      const name = call === undefined ? undefined : nameOf(call.action, call.payload);
      const truth = name === undefined ? undefined : truthOf.get(`${entry.stationId} ${name}`);
      if (truth === undefined) continue;
      if (entry.seq > held || (journalOf.get(truth) ?? journalId) !== journalId) scattered.add(truth);
      journalOf.set(truth, journalId);
    }
  }
  return scattered;
}

const counted = (truth: Truth) => (truth.meterStopWh ?? truth.meterStartWh) - truth.meterStartWh;
const told = (rows: TransactionRow[]) => rows.reduce((sum, row) => sum + Math.max(0, energyOf(row) ?? 0), 0);

/** Parts of it may be gone, and nobody knows that the rest is one: but nothing is counted twice. */
function checkScattered(truth: Truth, rows: TransactionRow[]): void {
  if (told(rows) > counted(truth))
    fail(`${describe(truth)} took ${counted(truth)} Wh, the SG says ${told(rows)} in ${rows.length} parts`);
  // A start that was refused, or was never heard of again, took nothing.
  const done = rows.filter((row) => row.ended_at !== undefined && !row.needs_review && told([row]) > 0);
  if (done.length > 1)
    fail(`${describe(truth)} is ${done.length} transactions in which nobody sees anything`);
}

function checkOne(truth: Truth, rows: TransactionRow[], ledger: Ledger): void {
  const { habits, implausible } = truth.member;
  const { start, stop } = namesOf(truth);
  const asked = rows.some((row) => row.needs_review);
  // Its station does not say which one it means: a person is asked, that is all that can be done.
  if (rows.length > 1 && asked && habits.some((habit) => NAMELESS.includes(habit))) return;
  const unsaid = (habit: string, name: string | undefined) =>
    habits.includes(habit) && (name === undefined || !ledger.wasTold(truth.stationId, name));
  const [row] = rows;
  if (unsaid(NO_START, start)) return checkWithoutStart(truth, rows);
  if (row === undefined || rows.length > 1)
    return fail(`${describe(truth)} is ${rows.length} transactions at the SG`);
  if (unsaid(NO_STOP, stop)) {
    if (told(rows) > counted(truth)) fail(`${describe(truth)} never ended and has ${told(rows)} Wh`);
    return;
  }
  if (row.ended_at === undefined) fail(`${describe(truth)} still runs at the SG`);
  if (energyOf(row) !== counted(truth)) {
    const flags = row.flags.join(",");
    fail(`${describe(truth)} took ${counted(truth)} Wh, the SG says ${energyOf(row)} (flags ${flags})`);
  }
  if (implausible && !asked)
    fail(`${describe(truth)} has times that nobody can believe, and nobody is asked`);
}

function checkWithoutStart(truth: Truth, rows: TransactionRow[]): void {
  const [row] = rows;
  if (row === undefined || rows.length > 1 || row.ended_at === undefined || !row.needs_review)
    return fail(`the start of ${describe(truth)} was never said: ${JSON.stringify(rows)}`);
  if (told(rows) > counted(truth))
    fail(`the start of ${describe(truth)} was never said, the SG says ${told(rows)} of ${counted(truth)} Wh`);
}
