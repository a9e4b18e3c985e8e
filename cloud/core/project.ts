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
import { readHandled } from "../../shared/ocpp/read-call.ts";
import type { Changes, StationChange } from "./changes.ts";
import { applyLocalList, applyPassword, applyReservation, toldRegistration } from "./project-control.ts";
import { applyCalled, applyFacts } from "./project-station.ts";
import { applyTemplateCall } from "./project-template.ts";
import { applyOwn, applySampled, applyStatusWord, applyTransaction } from "./project-transaction.ts";

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

function applyMessage(
  changes: Changes,
  entry: EntryOf<"ocpp.handled">,
  stationId: string,
  history: boolean,
): void {
  const { payload } = readHandled(entry.protocol, entry.request, entry.flags);
  const message = dialectOf(entry.protocol).read(entry.action, payload);
  applyReservation(changes, entry, message, stationId);
  switch (message.kind) {
    case "booted": {
      const { vendor, model, serialNumber, firmwareVersion } = message;
      Object.assign(
        stationOf(changes, stationId),
        { vendor, model, booted_at: entry.at },
        given("serial_number", serialNumber),
        given("firmware_version", firmwareVersion),
        given("registration_told", toldRegistration(entry)),
      );
      return;
    }
    case "status":
      applyStatusWord(changes, entry, message, stationId);
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
      return applyTransaction(changes, entry, message, stationId, history);
    case "sampled":
      return applySampled(changes, entry, message.samples, stationId, history);
    default:
      return applyFacts(changes, entry, message, payload, stationId);
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
    transaction_id: handled?.transactionId ?? called?.transactionId,
    flags: handled?.flags,
    up_ms: entry.upMs,
    cause: called?.cause,
  });
  changes.messages.push(row);
  const station = stationOf(changes, stationId);
  station.last_message_at = entry.at;
  station.protocol = entry.protocol;
  if (entry.kind === "ocpp.handled") applyMessage(changes, entry, stationId, history);
  if (entry.kind !== "ocpp.called") return;
  applyCalled(changes, entry, stationId);
  applyTemplateCall(changes, entry, stationId);
  applyLocalList(changes, entry, stationId);
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
  const { at, seq, kind, upMs: up_ms } = entry;
  const base = { at, station_id: stationId, seq, kind, up_ms };
  if (entry.kind === "station.online") {
    changes.messages.push({ ...base, protocol: entry.protocol, ...given("reason", entry.remoteAddress) });
    applyPassword(changes, entry, stationId);
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
  if (entry.kind === "command.accepted")
    Object.assign(command, { accepted_at: entry.at, accepted_seq: entry.seq });
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

/** What the box says of a file. Whether it is here is the SG's own knowledge. */
function applyFile(
  changes: Changes,
  entry: EntryOf<"file.received" | "file.forwarded">,
  stationId: string,
): void {
  const file = changes.files.get(entry.uploadId) ?? { file_id: entry.uploadId, station_id: stationId };
  changes.files.set(entry.uploadId, file);
  if (entry.kind === "file.forwarded") {
    Object.assign(file, { forwarded_at: entry.at, forwarded: entry.result });
    return;
  }
  const { name, bytes: size, sha256, commandId } = entry;
  Object.assign(file, { name, size, sha256, received_at: entry.at }, given("command_id", commandId));
}

/** What was online before the ER's program ended is not any more, unless the last hello knows better. */
function applyStart(changes: Changes, entry: EntryOf<"er.started">, history: boolean): void {
  const { boot, release } = entry;
  Object.assign(changes.er, { boot, release, started_at: entry.at, stopped_at: null });
  changes.boots.push(
    defined({
      first_seq: entry.seq,
      boot,
      started_at: entry.at,
      up_ms: entry.upMs,
      clock: entry.clock,
      previous_end: entry.previousEnd,
      reason: entry.reason,
    }),
  );
  if (history) return;
  for (const station of changes.stations.values()) {
    if (station.online === true) setOnline(changes, station.station_id, false, entry.at);
  }
  changes.allOffline = true;
  changes.offlineAt ??= entry.at;
}

/** Every reading is kept; the latest one stands at the ER, unless a hello has told a later one. */
function applyHealth(changes: Changes, entry: EntryOf<"er.health">, history: boolean): void {
  const { kind: _kind, seq, at, upMs: _upMs, clock: _clock, ...gauges } = entry;
  changes.health.push({ seq, at, gauges });
  if (!history) changes.er.gauges = gauges;
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
      changes.clocks.push({
        seq: entry.seq,
        at: entry.at,
        up_ms: entry.upMs,
        offset_ms: entry.offsetMs,
        ...given("source", entry.source),
      });
      return;
    case "er.started":
      return applyStart(changes, entry, history);
    case "er.health":
      return applyHealth(changes, entry, history);
    case "er.stopped":
      changes.er.stopped_at = entry.at;
      return;
    case "transaction.revoked":
    case "transaction.closed":
      return applyOwn(changes, entry, names.stationId(entry.stationId));
    case "journal.set-aside":
      changes.setAsides.push(
        defined({
          seq: entry.seq,
          at: entry.at,
          file: entry.file,
          reason: entry.reason,
          old_journal_id: entry.journalId,
          old_last_seq: entry.lastSeq,
        }),
      );
      return;
    case "journal.shed":
      changes.shed.push({
        seq: entry.seq,
        kept_every_s: entry.keptEveryS,
        first_at: entry.at,
        ranges: entry.ranges,
        entries: entry.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0),
      });
      return;
    case "file.received":
    case "file.forwarded":
      return applyFile(changes, entry, names.stationId(entry.stationId));
    case "lease.granted":
      return;
    default:
      unreachable(entry);
  }
}
