/**
 * durable state ← entry. The only place that changes `durable`: live and at a start it is the same
 * function, so a restarted ER knows exactly what it knew.
 *
 * A handled message is read again from its frames unless the step hands in what it has already read.
 */
import { given } from "../../shared/given.ts";
import type { Entry, EntryOf, Protocol } from "../../shared/entry.ts";
import { unreachable } from "../../shared/errors.ts";
import {
  CONNECTORS_PER_STATION_MAX,
  EMERGENCY_ID_MAX,
  EMERGENCY_ID_MIN,
  RECENT_ANSWERS_PER_STATION,
  RECENT_COMMANDS_MAX,
} from "../../shared/limits.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { remember as rememberReading } from "./meter.ts";
import type { Durable, MeterState, OpenTransaction, StationState } from "./types.ts";

/** What a handled entry says, read from its frames. */
export type Handled = { message: StationMessage; answer: Record<string, unknown> };
type TransactionMessage = Extract<StationMessage, { kind: "transaction" }>;

const ENDED_KEPT = 16;

export function emptyDurable(): Durable {
  return {
    seq: 0,
    boot: "",
    startedAt: 0,
    stations: new Map(),
    transactions: new Map(),
    leases: [],
    leasedEnd: 0,
    emergencyNext: 0,
    commands: new Map(),
    meters: new Map(),
    policyVersion: 0,
  };
}

/** Identity of a transaction message by content: stations repeat messages under new message ids. */
export function contentKey(message: TransactionMessage): string {
  if (message.seqNo !== undefined) {
    return `${message.event}|${message.ocppTransactionId ?? ""}|${message.seqNo}|${message.atText}`;
  }
  return message.event === "Started"
    ? `Started|${message.evseId ?? 0}|${message.idToken?.idToken ?? ""}|${message.meterStartWh ?? ""}|${message.atText}`
    : `${message.event}|${message.ocppTransactionId ?? ""}|${message.meterStopWh ?? ""}|${message.atText}`;
}

function readHandled(entry: EntryOf<"ocpp.handled">): Handled {
  const [, , action, payload] = JSON.parse(entry.request) as [
    number,
    string,
    string,
    Record<string, unknown>,
  ];
  const [, , answer] = JSON.parse(entry.response) as [number, string, Record<string, unknown>];
  return { message: dialectOf(entry.protocol).read(action, payload), answer };
}

export function stationOf(durable: Durable, stationId: string, protocol: Protocol): StationState {
  let station = durable.stations.get(stationId);
  if (station === undefined) {
    const empty = { online: false, booted: false, connectors: new Map(), open: [], recent: [], ended: [] };
    station = { stationId, protocol, ...empty };
    durable.stations.set(stationId, station);
  }
  station.protocol = protocol;
  return station;
}

function remember<T>(list: T[], item: T, max: number): void {
  list.push(item);
  if (list.length > max) list.shift();
}

/** The ids up to and including this one are used. */
function useTransactionId(durable: Durable, id: number): void {
  if (id >= EMERGENCY_ID_MIN) {
    durable.emergencyNext = id >= EMERGENCY_ID_MAX ? EMERGENCY_ID_MIN : id + 1;
    return;
  }
  const lease = durable.leases.find((l) => l.next <= id && id < l.end);
  if (lease !== undefined) lease.next = id + 1;
  durable.leases = durable.leases.filter((l) => l.next < l.end);
}

const acceptedStatus = (answer: Record<string, unknown>): { status?: string; groupId?: string } => {
  const info = (answer["idTagInfo"] ?? answer["idTokenInfo"]) as Record<string, unknown> | undefined;
  if (info === undefined) return {};
  const group =
    info["parentIdTag"] ?? (info["groupIdToken"] as Record<string, unknown> | undefined)?.["idToken"];
  return { status: String(info["status"]), ...given("groupId", group as string | undefined) };
};

function highest(transaction: OpenTransaction, samples: { energyImportWh?: number }[]): void {
  for (const sample of samples) {
    if (sample.energyImportWh === undefined) continue;
    transaction.energyImportWh = Math.max(transaction.energyImportWh ?? 0, sample.energyImportWh);
  }
}

function endTransaction(
  durable: Durable,
  station: StationState,
  transactionId: string,
  ocppTransactionId: string,
  meterStopWh?: number,
): void {
  durable.transactions.delete(transactionId);
  station.open = station.open.filter((id) => id !== transactionId);
  const known = station.ended.find((e) => e.transactionId === transactionId);
  if (known === undefined) {
    remember(
      station.ended,
      { ocppTransactionId, transactionId, ...given("meterStopWh", meterStopWh) },
      ENDED_KEPT,
    );
  } else if (meterStopWh !== undefined && known.meterStopWh === undefined) {
    known.meterStopWh = meterStopWh;
  }
}

function openTransaction(
  durable: Durable,
  entry: EntryOf<"ocpp.handled">,
  transactionId: string,
  message: TransactionMessage,
  answer: Record<string, unknown>,
): OpenTransaction {
  const { status, groupId } = acceptedStatus(answer);
  const transaction: OpenTransaction = {
    transactionId,
    stationId: entry.stationId,
    ocppTransactionId: message.ocppTransactionId ?? String(answer["transactionId"]),
    evseId: message.evseId ?? 0,
    startedAt: message.at ?? entry.at,
    ...given("meterStartWh", message.meterStartWh),
    ...given("energyImportWh", message.meterStartWh),
    ...(status === "Accepted"
      ? { ...given("idToken", message.idToken?.idToken), ...given("groupId", groupId) }
      : {}),
  };
  durable.transactions.set(transactionId, transaction);
  stationOf(durable, entry.stationId, entry.protocol).open.push(transactionId);
  return transaction;
}

function foldTransaction(durable: Durable, entry: EntryOf<"ocpp.handled">, handled: Handled): void {
  const message = handled.message as TransactionMessage;
  const transactionId = entry.transactionId;
  if (transactionId === undefined || entry.basis === "repeat") return;
  const station = stationOf(durable, entry.stationId, entry.protocol);
  // A stop that was matched by guess ends the transaction under its own id, not under the one that nobody
  // knew.
  const known = durable.transactions.get(transactionId)?.ocppTransactionId;
  const wireId = known ?? message.ocppTransactionId ?? String(handled.answer["transactionId"]);
  if (entry.protocol === "ocpp1.6" && message.event === "Started") useTransactionId(durable, Number(wireId));

  const key = contentKey(message);
  if (message.event !== "Updated" || message.idToken !== undefined) {
    remember(station.recent, { key, payload: handled.answer, transactionId }, RECENT_ANSWERS_PER_STATION);
  }
  if (message.event === "Ended") {
    endTransaction(durable, station, transactionId, wireId, message.meterStopWh);
    return;
  }
  // A refused 1.6 start is kept by its id only: many stations report the transaction all the same, or never
  // speak of it.
  const refused = entry.protocol === "ocpp1.6" && acceptedStatus(handled.answer).status !== "Accepted";
  if (refused) {
    endTransaction(durable, station, transactionId, wireId);
    return;
  }
  if (station.ended.some((e) => e.transactionId === transactionId)) return;
  const transaction =
    durable.transactions.get(transactionId) ??
    openTransaction(durable, entry, transactionId, message, handled.answer);
  transaction.lastEventKey = key;
  if (message.evseId !== undefined && transaction.evseId === 0) transaction.evseId = message.evseId;
  if (message.idToken !== undefined && acceptedStatus(handled.answer).status === "Accepted") {
    transaction.idToken = message.idToken.idToken;
    Object.assign(transaction, given("groupId", acceptedStatus(handled.answer).groupId));
  }
  highest(transaction, message.samples);
}

function foldHandled(durable: Durable, entry: EntryOf<"ocpp.handled">, handled: Handled): void {
  const { message } = handled;
  const station = stationOf(durable, entry.stationId, entry.protocol);
  switch (message.kind) {
    case "booted":
      station.booted = true;
      return;
    case "status": {
      const name = `${message.evseId}:${message.connectorId}`;
      if (station.connectors.size >= CONNECTORS_PER_STATION_MAX && !station.connectors.has(name)) return;
      station.connectors.set(name, {
        evseId: message.evseId,
        connectorId: message.connectorId,
        status: message.status,
        ...given("detail", message.detail),
        ...given("errorCode", message.errorCode),
        at: entry.at,
      });
      return;
    }
    case "transaction":
      foldTransaction(durable, entry, handled);
      return;
    case "sampled": {
      const transaction =
        entry.transactionId === undefined ? undefined : durable.transactions.get(entry.transactionId);
      if (transaction !== undefined) highest(transaction, message.samples);
      return;
    }
    default:
      return;
  }
}

function foldCommand(
  durable: Durable,
  entry: EntryOf<"command.accepted"> | EntryOf<"command.finished">,
): void {
  const { commandId, stationId } = entry;
  durable.commands.set(commandId, { commandId, stationId, finished: entry.kind === "command.finished" });
  if (durable.commands.size <= RECENT_COMMANDS_MAX) return;
  for (const [id, command] of durable.commands) {
    if (!command.finished) continue;
    durable.commands.delete(id);
    return;
  }
}

/** Monotonic time since the meter's last sample; undefined for the first one of a boot. */
export function elapsedSince(meter: MeterState | undefined, upMs: number): number | undefined {
  return meter?.upMs === undefined || meter.upMs > upMs ? undefined : upMs - meter.upMs;
}

/** Applies one entry. `handled` saves reading the frames again where the step has just done it. */
export function fold(durable: Durable, entry: Entry, handled?: Handled): void {
  durable.seq = entry.seq;
  switch (entry.kind) {
    case "ocpp.handled":
      foldHandled(durable, entry, handled ?? readHandled(entry));
      return;
    case "er.started":
      durable.boot = entry.boot;
      durable.startedAt = entry.at;
      for (const station of durable.stations.values()) station.online = false;
      return;
    case "station.online":
      stationOf(durable, entry.stationId, entry.protocol).online = true;
      return;
    case "station.offline": {
      const station = durable.stations.get(entry.stationId);
      if (station !== undefined) station.online = false;
      return;
    }
    case "meter.sampled": {
      const before = durable.meters.get(entry.meterId) ?? { state: "unknown" };
      const previous = rememberReading(before.previous, entry.reading, elapsedSince(before, entry.upMs) ?? 0);
      durable.meters.set(entry.meterId, { ...before, previous, upMs: entry.upMs });
      return;
    }
    case "meter.health":
      durable.meters.set(entry.meterId, {
        ...durable.meters.get(entry.meterId),
        state: entry.state,
        model: entry.model,
      });
      return;
    case "command.accepted":
    case "command.finished":
      foldCommand(durable, entry);
      return;
    case "policy.applied":
      durable.policyVersion = entry.version;
      return;
    case "lease.granted":
      durable.leasedEnd = entry.first + entry.count;
      durable.leases.push({ next: entry.first, end: durable.leasedEnd });
      return;
    case "ocpp.rejected":
    case "ocpp.called":
    case "clock.synced":
    case "er.stopped":
      return;
    default:
      unreachable(entry);
  }
}

/** Durable state ⇄ text, for the snapshot that saves replaying the whole journal. */
export function encodeSnapshot(durable: Durable): string {
  return JSON.stringify(durable, (_key, value: unknown) =>
    value instanceof Map ? { $map: [...value.entries()] } : value,
  );
}

export function decodeSnapshot(text: string): Durable {
  const value = JSON.parse(text, (_key, v: unknown) => {
    const pairs =
      typeof v === "object" && v !== null ? (v as { $map?: [string, unknown][] }).$map : undefined;
    return pairs === undefined ? v : new Map(pairs);
  }) as Durable;
  return { ...emptyDurable(), ...value };
}
