/**
 * Entries → changes: what an ER's journal means for the tables. Pure, and independent of arrival order
 * across stations.
 *
 * Rows of one batch are merged before they reach PostgreSQL, so that a batch costs a fixed number of
 * statements. An entry that cannot be applied is parked with its text and reason; the rest proceeds. A
 * transaction message whose start was never seen makes a transaction of its own that a person must look at:
 * nothing is dropped, nothing is rounded to "ok".
 */
import { Compile, type Validator } from "typebox/compile";
import { defined, given } from "../../shared/given.ts";
import * as schemas from "../../shared/entry.ts";
import type { Entry, EntryKind, EntryOf } from "../../shared/entry.ts";
import { unreachable } from "../../shared/errors.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import type { StationMessage, StationSample } from "../../shared/ocpp/message.ts";
import type { Changes, StationChange, TransactionChange } from "./changes.ts";

/** Names of a site's things in the whole system: a site's own ids are not unique. */
export type Names = {
  stationId: (identity: string) => string;
  meterId: (meterId: string) => string;
};

const BY_KIND: Record<EntryKind, Validator> = Object.fromEntries(
  Object.values(schemas)
    .filter((schema) => "properties" in schema && "kind" in schema.properties)
    .map((schema) => {
      const { properties } = schema as unknown as { properties: { kind: { const: string } } };
      return [properties.kind.const, Compile(schema as typeof schemas.OcppHandled) as unknown as Validator];
    }),
) as Record<EntryKind, Validator>;

/** The entry, checked, or the reason why it is none. */
export function readEntry(value: unknown): Entry | string {
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (typeof kind !== "string" || !Object.hasOwn(BY_KIND, kind)) return `unknown kind ${String(kind)}`;
  const validator = BY_KIND[kind as EntryKind];
  if (validator.Check(value)) return value as Entry;
  const [error] = validator.Errors(value);
  return `${error?.instancePath ?? ""} ${error?.message ?? "invalid"}`.trim();
}

/** Flags that put a transaction in front of a person. */
const REVIEW = new Set([
  "orphan-stop",
  "start-missing",
  "conflicting-stop",
  "matched-by-guess",
  "time-implausible",
  "schema-violation",
]);

/** Station times outside of this window around the ER's own time are not believed. */
const EARLIEST_MS = 366 * 86_400_000;
const LATEST_MS = 86_400_000;
const believable = (at: number | undefined, entryAt: number): number =>
  at !== undefined && at > entryAt - EARLIEST_MS && at < entryAt + LATEST_MS ? at : entryAt;

function stationOf(changes: Changes, stationId: string): StationChange {
  let station = changes.stations.get(stationId);
  if (station === undefined) {
    station = { station_id: stationId };
    changes.stations.set(stationId, station);
  }
  return station;
}

/** Keeps the time of the last change. What an ER's start put offline is not online before it comes back. */
function setOnline(changes: Changes, stationId: string, online: boolean, at: number): void {
  const station = stationOf(changes, stationId);
  const before = station.online ?? (changes.allOffline ? false : undefined);
  if (before === online) return;
  Object.assign(station, { online, online_changed_at: at }, before === undefined ? {} : { flapped: true });
}

function transactionOf(
  changes: Changes,
  transactionId: string,
  stationId: string,
  at: number,
): TransactionChange {
  let transaction = changes.transactions.get(transactionId);
  if (transaction === undefined) {
    transaction = {
      transaction_id: transactionId,
      station_id: stationId,
      seen_at: at,
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
    transaction.needs_review ||= REVIEW.has(flag);
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
    if (at < (transaction.last_sample_at ?? 0)) continue;
    transaction.last_sample_at = at;
    if (powerW !== undefined && transaction.ended_at === undefined) transaction.power_w = powerW;
    if (socPercent !== undefined) transaction.soc_percent = socPercent;
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

function applyTransaction(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  message: TransactionMessage,
  stationId: string,
) {
  if (entry.transactionId === undefined || entry.basis === "repeat") return;
  const at = believable(message.at, entry.at);
  const transaction = transactionOf(changes, entry.transactionId, stationId, at);
  const answered = answeredStatus(entry.response);
  // Readings kept during a short loss of the socket are everyday; a replayed start or stop is worth knowing.
  addFlags(
    transaction,
    message.event === "Updated" ? entry.flags?.filter((f) => f !== "replayed") : entry.flags,
  );
  const told = defined({
    ocpp_transaction_id: message.ocppTransactionId ?? answered.transactionId,
    evse_id: message.evseId,
    connector_id: message.connectorId,
    charging_state: message.chargingState,
    meter_start_wh: transaction.meter_start_wh ?? message.meterStartWh,
  });
  Object.assign(transaction, told);
  if (message.meterStartWh !== undefined) {
    transaction.last_energy_wh = Math.max(transaction.last_energy_wh ?? 0, message.meterStartWh);
  }
  if (message.event === "Started") transaction.started_at = at;
  if (message.idToken !== undefined && message.event !== "Ended") {
    transaction.id_token = message.idToken.idToken;
    Object.assign(
      transaction,
      given("authorized_by", entry.basis),
      given("authorization_status", answered.status),
    );
  }
  addSamples(changes, transaction, message.samples, entry.at);
  if (message.event !== "Ended") {
    // OCPP 1.6 answers a refused start with an id all the same; it counts as ended unless the station goes
    // on.
    const refused =
      entry.protocol === "ocpp1.6" && answered.status !== undefined && answered.status !== "Accepted";
    if (refused) Object.assign(transaction, { ended_at: at, power_w: 0, stopped_reason: "DeAuthorized" });
    return;
  }
  transaction.ended_at = at;
  transaction.power_w = 0;
  Object.assign(transaction, given("stopped_reason", message.stoppedReason));
  if (message.meterStopWh === undefined) return;
  transaction.meter_stop_wh = Math.min(transaction.meter_stop_wh ?? message.meterStopWh, message.meterStopWh);
  if (message.meterStopWh < (transaction.last_energy_wh ?? 0)) addFlags(transaction, ["stop-below-register"]);
}

function applyMessage(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  stationId: string,
  history: boolean,
): void {
  const [, , , payload] = JSON.parse(entry.request) as [number, string, string, Record<string, unknown>];
  const message = dialectOf(entry.protocol).read(entry.action, payload);
  switch (message.kind) {
    case "booted": {
      const { vendor, model, serialNumber, firmwareVersion } = message;
      Object.assign(
        stationOf(changes, stationId),
        { vendor, model, booted_at: entry.at },
        given("serial_number", serialNumber),
        given("firmware_version", firmwareVersion),
      );
      return;
    }
    case "status":
      if (history) return;
      changes.connectors.set(`${stationId} ${message.evseId} ${message.connectorId}`, {
        station_id: stationId,
        evse_id: message.evseId,
        connector_id: message.connectorId,
        status: message.status,
        ...given("detail", message.detail),
        ...given("error_code", message.errorCode),
        status_at: entry.at,
      });
      return;
    case "transaction":
      return applyTransaction(changes, entry, message, stationId);
    case "sampled": {
      if (entry.transactionId === undefined) return;
      const transaction = transactionOf(changes, entry.transactionId, stationId, entry.at);
      addSamples(changes, transaction, message.samples, entry.at);
      return;
    }
    default:
      return;
  }
}

function applyOcpp(
  changes: Changes,
  entry: EntryOf<"ocpp.handled" | "ocpp.rejected" | "ocpp.called">,
  names: Names,
  history: boolean,
): void {
  const stationId = names.stationId(entry.stationId);
  const handled = entry.kind === "ocpp.handled" ? entry : undefined;
  const called = entry.kind === "ocpp.called" ? entry : undefined;
  const row = defined({
    at: entry.at,
    station_id: stationId,
    seq: entry.seq,
    kind: entry.kind,
    protocol: entry.protocol,
    action: entry.action,
    request: entry.request,
    response: entry.response,
    reason: entry.kind === "ocpp.rejected" ? `${entry.code}: ${entry.reason}` : called?.failure,
    command_id: called?.commandId,
    transaction_id: handled?.transactionId,
    flags: handled?.flags,
  });
  changes.messages.push(row);
  const station = stationOf(changes, stationId);
  station.last_message_at = entry.at;
  station.protocol = entry.protocol;
  if (entry.kind === "ocpp.handled") applyMessage(changes, entry, stationId, history);
}

function applyConnection(
  changes: Changes,
  entry: EntryOf<"station.online" | "station.offline">,
  names: Names,
  history: boolean,
): void {
  const stationId = names.stationId(entry.stationId);
  if (!history) setOnline(changes, stationId, entry.kind === "station.online", entry.at);
  if (entry.kind === "station.online") stationOf(changes, stationId).protocol = entry.protocol;
  const base = { at: entry.at, station_id: stationId, seq: entry.seq, kind: entry.kind };
  if (entry.kind === "station.online") {
    changes.messages.push({ ...base, protocol: entry.protocol, ...given("reason", entry.remoteAddress) });
  } else changes.messages.push({ ...base, reason: entry.reason });
}

function applyMeter(changes: Changes, entry: EntryOf<"meter.sampled" | "meter.health">, names: Names): void {
  const meterId = names.meterId(entry.meterId);
  const meter = changes.meters.get(meterId) ?? { meter_id: meterId };
  changes.meters.set(meterId, meter);
  if (entry.kind === "meter.health") {
    Object.assign(meter, { state: entry.state, model: entry.model }, given("state_reason", entry.reason));
    return;
  }
  const { reading } = entry;
  delete meter.state_reason;
  Object.assign(meter, { sampled_at: entry.at, reading, flags: entry.flags ?? [], state: "ok" });
  changes.meterSamples.push({
    at: entry.at,
    meter_id: meterId,
    ...given("energy_import_wh", reading.energyImportWh),
    ...given("energy_export_wh", reading.energyExportWh),
    ...given("power_w", reading.powerW),
    ...given("power_phases_w", reading.powerPhasesW),
  });
}

function applyCommand(changes: Changes, entry: EntryOf<"command.accepted" | "command.finished">): void {
  const command = changes.commands.get(entry.commandId) ?? { command_id: entry.commandId };
  changes.commands.set(entry.commandId, command);
  if (entry.kind === "command.accepted") command.accepted_at = entry.at;
  else {
    const { status, response, reason } = entry;
    Object.assign(
      command,
      { finished_at: entry.at, status },
      given("response", response),
      given("reason", reason),
    );
  }
}

/**
 * Adds what one checked entry means to the changes of its batch. Throws only on a bug or a frame that
 * cannot be read.
 * @param history the ER's last hello was newer than this entry and has told how the site is now: what the
 * entry says of
 *   connections and connectors is past, and must not overwrite the map while a backlog drains.
 */
export function project(changes: Changes, entry: Entry, names: Names, history = false): void {
  changes.er.clock = entry.clock;
  switch (entry.kind) {
    case "ocpp.handled":
    case "ocpp.rejected":
    case "ocpp.called":
      return applyOcpp(changes, entry, names, history);
    case "station.online":
    case "station.offline":
      return applyConnection(changes, entry, names, history);
    case "meter.sampled":
    case "meter.health":
      return applyMeter(changes, entry, names);
    case "command.accepted":
    case "command.finished":
      return applyCommand(changes, entry);
    case "policy.applied":
      changes.er.policy_version = entry.version;
      return;
    case "clock.synced":
      changes.er.clock_offset_ms = entry.offsetMs;
      return;
    case "er.started":
      Object.assign(changes.er, {
        boot: entry.boot,
        release: entry.release,
        started_at: entry.at,
        stopped_at: null,
      });
      if (history) return;
      for (const station of changes.stations.values()) {
        if (station.online === true) setOnline(changes, station.station_id, false, entry.at);
      }
      changes.allOffline = true;
      changes.offlineAt ??= entry.at;
      return;
    case "er.stopped":
      changes.er.stopped_at = entry.at;
      return;
    case "lease.granted":
      return;
    default:
      unreachable(entry);
  }
}
