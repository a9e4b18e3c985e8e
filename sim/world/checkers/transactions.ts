/**
 * Checker `transactions`: each transaction of a station is exactly one transaction of the SG, with the energy
 * that the station's register counted; no other transaction exists. Energy is never negative, at no time.
 */
import type { Fleet, Truth } from "../fleet.ts";
import { readCall } from "../sockets.ts";
import type { Tables, TransactionRow } from "../store.ts";
import { Violation } from "../trace.ts";

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

/** What a message says about which transaction of its station: the name that the truth has for it. */
function nameOf(action: string, payload: Record<string, unknown>): string | undefined {
  switch (action) {
    case "StartTransaction":
      return `start ${String(payload["meterStart"])} ${String(payload["timestamp"])}`;
    case "StopTransaction":
      return `stop ${String(payload["meterStop"])} ${String(payload["timestamp"])}`;
    case "TransactionEvent":
      return String((payload["transactionInfo"] as Record<string, unknown> | undefined)?.["transactionId"]);
    default:
      return undefined;
  }
}

function namesOf(truth: Truth): string[] {
  if (truth.version === "2.0.1") return [truth.id];
  const iso = (at: number) => new Date(at).toISOString();
  const start = `start ${truth.meterStartWh} ${iso(truth.startedAt)}`;
  return truth.endedAt === undefined ? [start] : [start, `stop ${truth.meterStopWh} ${iso(truth.endedAt)}`];
}

/** After everything has drained. */
export function checkTransactions(fleet: Fleet, tables: Tables): void {
  const byName = new Map<string, Truth>();
  for (const truth of fleet.truths) {
    for (const name of namesOf(truth)) byName.set(`${truth.stationId} ${name}`, truth);
  }
  const rowsOf = new Map<Truth, Set<string>>(fleet.truths.map((truth) => [truth, new Set()]));
  const claimed = new Map<string, Truth>();
  for (const message of tables.messages) {
    const { station_id, transaction_id, action, request } = message;
    if (transaction_id === undefined || action === undefined || request === undefined) continue;
    const name = nameOf(action, readCall(request)?.payload ?? {});
    if (name === undefined) continue;
    const truth = byName.get(`${station_id} ${name}`);
    if (truth === undefined) return fail(`${station_id} said ${name}, of which it knows nothing`);
    rowsOf.get(truth)?.add(transaction_id);
    const other = claimed.get(transaction_id);
    if (other !== undefined && other !== truth) {
      fail(
        `${station_id}: one transaction at the SG is ${namesOf(other).join()} and ${namesOf(truth).join()}`,
      );
    }
    claimed.set(transaction_id, truth);
  }
  const forgetful = new Set(
    fleet.members.filter((m) => m.habits.includes("loses transaction id")).map((m) => m.station.id),
  );
  for (const [truth, ids] of rowsOf) checkOne(truth, ids, tables, forgetful.has(truth.stationId));
  for (const id of tables.transactions.keys()) {
    if (!claimed.has(id)) fail(`transaction ${id} exists at the SG only`);
  }
}

function checkOne(truth: Truth, ids: Set<string>, tables: Tables, forgetful: boolean): void {
  const what = `${truth.stationId} EVSE ${truth.evseId} ${namesOf(truth).join(" … ")}`;
  const rows = [...ids].map((id) => tables.transactions.get(id)).filter((row) => row !== undefined);
  // Its station does not say which one it means: a person is asked, that is all that can be done.
  if (forgetful && rows.length > 1 && rows.some((row) => row.needs_review)) return;
  const [row] = rows;
  if (row === undefined || rows.length > 1) return fail(`${what} is ${rows.length} transactions at the SG`);
  if (row.ended_at === undefined) fail(`${what} still runs at the SG`);
  const told = energyOf(row);
  const counted = (truth.meterStopWh ?? truth.meterStartWh) - truth.meterStartWh;
  if (told !== counted)
    fail(`${what} took ${counted} Wh, the SG says ${told} (flags ${row.flags.join(",")})`);
}
