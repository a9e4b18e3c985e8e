/**
 * What a station's messages, and the ER without them, say about transactions. Part of `project.ts`.
 *
 * A transaction's row may be made by any of its messages. Nothing is overwritten that a station said: what
 * the ER assumes (a start nobody saw, an end that never came) has fields of its own or a flag.
 */
import { isChargeWord } from "../../shared/decide/charge-state.ts";
import { defined, given } from "../../shared/given.ts";
import type { EntryOf } from "../../shared/entry.ts";
import type { StationMessage, StationSample } from "../../shared/ocpp/message.ts";
import { isTolerance } from "../../shared/ocpp/tolerance.ts";
import type { Changes, ChargeStateRow, EntryTime, TransactionChange } from "./changes.ts";
import { KIND_OF_FLAG } from "./review.ts";

/** Flags that put a transaction in front of a person as soon as they are there. */
const NEEDS_REVIEW: ReadonlySet<string> = new Set(
  Object.keys(KIND_OF_FLAG).filter((flag) => flag !== "time-estimated" && flag !== "unknown-capped"),
);

/** Station times outside of this window around the ER's own time are not believed. */
const EARLIEST_MS = 366 * 86_400_000;
const LATEST_MS = 86_400_000;
const believable = (at: number | undefined, entryAt: number): number =>
  at !== undefined && at > entryAt - EARLIEST_MS && at < entryAt + LATEST_MS ? at : entryAt;

/** PostgreSQL knows no times that are much older, and no station has any. */
const stampOf = (at: number | undefined) => (at === undefined || at < 0 ? undefined : at);

type Told = { at: number; upMs: number; seq: number };

/** The station's own time with the entry that told of it, so that it can be judged again later. */
const timeOf = (entry: Told, stamp?: number): EntryTime => ({
  at: entry.at,
  upMs: entry.upMs,
  seq: entry.seq,
  ...given("stamp", stampOf(stamp)),
});

function transactionOf(
  changes: Changes,
  transactionId: string,
  stationId: string,
  seen: { at: number; time: EntryTime },
): TransactionChange {
  let transaction = changes.transactions.get(transactionId);
  if (transaction === undefined) {
    transaction = {
      transaction_id: transactionId,
      station_id: stationId,
      seen_at: seen.at,
      seen_time: seen.time,
      flags: [],
      needs_review: false,
    };
    changes.transactions.set(transactionId, transaction);
  }
  return transaction;
}

function addFlags(transaction: TransactionChange, flags: readonly string[] | undefined): void {
  for (const flag of flags ?? []) {
    if (!transaction.flags.includes(flag)) transaction.flags.push(flag);
    transaction.needs_review ||= NEEDS_REVIEW.has(flag);
  }
}

function addSamples(
  changes: Changes,
  transaction: TransactionChange,
  samples: StationSample[],
  entryAt: number,
): void {
  for (const sample of samples) {
    const at = believable(sample.at, entryAt);
    const { energyImportWh, powerW, currentPhasesMa, voltagePhasesMv, socPercent } = sample;
    if (energyImportWh === undefined && powerW === undefined && socPercent === undefined) continue;
    const row = defined({
      at,
      transaction_id: transaction.transaction_id,
      energy_import_wh: energyImportWh,
      power_w: powerW,
      current_phases_ma: currentPhasesMa,
      voltage_phases_mv: voltagePhasesMv,
      soc_percent: socPercent,
    });
    changes.samples.push(row);
    if (energyImportWh !== undefined) {
      if (energyImportWh < (transaction.last_energy_wh ?? 0)) addFlags(transaction, ["register-fell"]);
      transaction.last_energy_wh = Math.max(transaction.last_energy_wh ?? 0, energyImportWh);
      transaction.min_energy_wh = Math.min(transaction.min_energy_wh ?? energyImportWh, energyImportWh);
    }
    transaction.last_sample_at = Math.max(transaction.last_sample_at ?? 0, at);
    if (powerW !== undefined && at >= (transaction.power_at ?? 0)) {
      transaction.power_at = at;
      transaction.power_w = transaction.ended_at === undefined ? powerW : 0;
    }
    if (socPercent !== undefined && at >= (transaction.soc_at ?? 0))
      Object.assign(transaction, { soc_percent: socPercent, soc_at: at });
  }
}

type TransactionMessage = Extract<StationMessage, { kind: "transaction" }>;

function answeredStatus(response: string): { status?: string; transactionId?: string } {
  const [, , answer] = JSON.parse(response) as [
    number,
    string,
    Record<string, Record<string, unknown> | number>,
  ];
  const info = (answer["idTagInfo"] ?? answer["idTokenInfo"]) as Record<string, unknown> | undefined;
  const id = answer["transactionId"];
  return {
    ...given("status", info === undefined ? undefined : String(info["status"])),
    ...given("transactionId", id === undefined ? undefined : String(id)),
  };
}

/** On which facts the token was let in, or was not. */
function applyDecision(
  transaction: TransactionChange,
  entry: EntryOf<"ocpp.handled">,
  idToken: string,
  status: string | undefined,
): void {
  const { decision } = entry;
  transaction.id_token = idToken;
  Object.assign(
    transaction,
    defined({
      authorized_by: entry.basis,
      authorization_status: status,
      authorization_reason: decision?.reason,
      cap_energy_wh: decision?.cap?.energyWh,
      cap_duration_s: decision?.cap?.durationS,
    }),
  );
  // A debt until a person has found out whose it was.
  if (decision?.reason === "unknown-capped") addFlags(transaction, ["unknown-capped"]);
}

/** The station's word for the charging, where it says one: by it, time is priced. */
function addChargeState(
  changes: Changes,
  place: Pick<ChargeStateRow, "station_id" | "evse_id" | "transaction_id">,
  state: string | undefined,
  at: number,
): void {
  if (place.evse_id === 0 || !isChargeWord(state)) return;
  const name = `${place.station_id} ${place.evse_id ?? place.transaction_id} ${at}`;
  changes.chargeStates.set(name, { ...place, at, state });
}

/** On OCPP 1.6 the status of a connector says it. */
export function applyStatusWord(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  message: Extract<StationMessage, { kind: "status" }>,
  stationId: string,
): void {
  if (entry.protocol !== "ocpp1.6") return;
  const place = { station_id: stationId, evse_id: message.evseId };
  addChargeState(changes, place, message.detail ?? message.status, believable(message.at, entry.at));
}

/** A start, an update or an end, as the station told it and the ER answered it. */
export function applyTransaction(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  message: TransactionMessage,
  stationId: string,
  history: boolean,
): void {
  if (entry.transactionId === undefined || entry.basis === "repeat") return;
  const at = believable(message.at, entry.at);
  const { assumed } = entry;
  const time = timeOf(entry, message.at);
  const seen = {
    at: assumed?.startedAt ?? at,
    time: assumed?.startedAt === undefined ? time : timeOf(entry),
  };
  const transaction = transactionOf(changes, entry.transactionId, stationId, seen);
  const answered = answeredStatus(entry.response);
  // Readings kept during a short loss of the socket are everyday; a replayed start or stop is worth knowing.
  // What was tolerated in a message stands beside the message.
  const everyday = (flag: string) =>
    isTolerance(flag) || (message.event === "Updated" && flag === "replayed");
  addFlags(
    transaction,
    entry.flags?.filter((flag) => !everyday(flag)),
  );
  const told = defined({
    ocpp_transaction_id: message.ocppTransactionId ?? answered.transactionId,
    evse_id: message.evseId,
    connector_id: message.connectorId,
    charging_state: message.chargingState,
    told_tariff_id: entry.tariff?.tariffId,
    told_tariff_version: entry.tariff?.version,
    meter_start_wh: transaction.meter_start_wh ?? message.meterStartWh ?? assumed?.meterStartWh,
  });
  Object.assign(transaction, told);
  const place = defined({
    ...{ station_id: stationId, transaction_id: entry.transactionId },
    evse_id: message.evseId ?? transaction.evse_id,
  });
  addChargeState(changes, place, message.chargingState ?? entry.stateAtStart, at);
  if (message.meterStartWh !== undefined) {
    transaction.last_energy_wh = Math.max(transaction.last_energy_wh ?? 0, message.meterStartWh);
  }
  if (message.event === "Started") Object.assign(transaction, { started_at: at, start_time: time });
  if (message.idToken !== undefined && message.event !== "Ended") {
    applyDecision(transaction, entry, message.idToken.idToken, answered.status);
  }
  addSamples(changes, transaction, message.samples, entry.at);
  if (message.event === "Ended") return applyEnd(transaction, message, at, time);
  if (!history) transaction.seen_running = true;
  // OCPP 1.6 answers a refused start with an id all the same; it counts as ended unless the station goes on.
  const refused =
    entry.protocol === "ocpp1.6" && answered.status !== undefined && answered.status !== "Accepted";
  if (!refused) return;
  Object.assign(transaction, { ended_at: at, end_time: time, power_w: 0, stopped_reason: "DeAuthorized" });
}

/** Of two stops the lower register counts; both are kept. */
function applyEnd(
  transaction: TransactionChange,
  message: TransactionMessage,
  at: number,
  time: EntryTime,
): void {
  Object.assign(
    transaction,
    { ended_at: at, end_time: time, power_w: 0 },
    given("stopped_reason", message.stoppedReason),
  );
  const { meterStopWh } = message;
  if (meterStopWh === undefined) return;
  transaction.meter_stop_wh = Math.min(transaction.meter_stop_wh ?? meterStopWh, meterStopWh);
  transaction.meter_stop_max_wh = Math.max(transaction.meter_stop_max_wh ?? meterStopWh, meterStopWh);
  if (meterStopWh < (transaction.last_energy_wh ?? 0)) addFlags(transaction, ["stop-below-register"]);
}

/** Readings of a running transaction. */
export function applySampled(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  samples: StationSample[],
  stationId: string,
  history: boolean,
): void {
  if (entry.transactionId === undefined || entry.basis === "repeat") return;
  const seen = { at: entry.at, time: timeOf(entry) };
  const transaction = transactionOf(changes, entry.transactionId, stationId, seen);
  if (!history) transaction.seen_running = true;
  addSamples(changes, transaction, samples, entry.at);
}

/** What the ER did to a transaction by itself: its token was revoked, or its stop never came. */
export function applyOwn(
  changes: Changes,
  entry: EntryOf<"transaction.revoked" | "transaction.closed">,
  stationId: string,
): void {
  const seen = { at: entry.at, time: timeOf(entry) };
  const transaction = transactionOf(changes, entry.transactionId, stationId, seen);
  if (entry.kind === "transaction.revoked") {
    transaction.revoked_reason = entry.reason;
    return addFlags(transaction, ["revoked"]);
  }
  Object.assign(transaction, { closed_at: entry.endedAt }, given("closed_meter_wh", entry.meterStopWh));
}
