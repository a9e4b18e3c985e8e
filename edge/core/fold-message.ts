/**
 * durable state ← what a station's handled message says: connectors, transactions, whose token is used here.
 *
 * Part of `fold.ts`. A handled message is read again from its frames unless the step hands in what it has
 * already read.
 */
import type { IdToken } from "../../shared/command.ts";
import { given } from "../../shared/given.ts";
import type { EntryOf, Protocol } from "../../shared/entry.ts";
import {
  CONNECTORS_PER_STATION_MAX,
  EMERGENCY_ID_MAX,
  EMERGENCY_ID_MIN,
  RECENT_ANSWERS_PER_STATION,
  TOKEN_USE_MAX,
} from "../../shared/limits.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { readHandled as readHandledFrame } from "../../shared/ocpp/read-call.ts";
import { tokenKey } from "../../shared/policy.ts";
import { forgetWords, hearWord, openOn, rememberWord, takeWord } from "./connector-word.ts";
import { addRegister, emptyCourse, toldAt } from "./course.ts";
import { foldFileProtocols } from "./files.ts";
import { foldBoot, foldListConflict, foldReport } from "./provision-state.ts";
import { foldConfigurationBoot, foldReported } from "./template-state.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { Durable, StationState } from "./types.ts";

/** What a handled entry says, read from its frames. */
export type Handled = { message: StationMessage; answer: Record<string, unknown> };
type TransactionMessage = Extract<StationMessage, { kind: "transaction" }>;

const ENDED_KEPT = 16;

/** Identity of a transaction message by content: stations repeat messages under new message ids. */
export function contentKey(message: TransactionMessage): string {
  if (message.seqNo !== undefined) {
    return `${message.event}|${message.ocppTransactionId ?? ""}|${message.seqNo}|${message.atText}`;
  }
  return message.event === "Started"
    ? `Started|${message.evseId ?? 0}|${message.idToken?.idToken ?? ""}|${message.meterStartWh ?? ""}|${message.atText}`
    : `${message.event}|${message.ocppTransactionId ?? ""}|${message.meterStopWh ?? ""}|${message.atText}`;
}

const READING_KEY_MAX = 2_000;

/** Identity of a reading by content. Undefined for very long ones, which are never taken for repeats. */
export function readingKey(message: Extract<StationMessage, { kind: "sampled" }>): string | undefined {
  const key = JSON.stringify(message.samples);
  return key.length > READING_KEY_MAX ? undefined : key;
}

function readHandled(entry: EntryOf<"ocpp.handled">): Handled {
  const { action, payload } = readHandledFrame(entry.protocol, entry.request, entry.flags);
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

/** What the meter of an EVSE showed last: where the next transaction begins, should its start be lost. */
function hearRegister(
  station: StationState,
  at: number,
  evseId: number | undefined,
  samples: readonly { energyImportWh?: number | undefined }[],
): void {
  const energyWh = samples.findLast((sample) => sample.energyImportWh !== undefined)?.energyImportWh;
  if (evseId === undefined || evseId === 0 || energyWh === undefined) return;
  station.registers ??= {};
  if (Object.keys(station.registers).length >= CONNECTORS_PER_STATION_MAX && !(evseId in station.registers))
    return;
  station.registers[evseId] = { at, energyWh };
}

/**
 * The only EVSE of a station, where there is no doubt: what was heard of is not all there is, and a journal that
 * is young may know one EVSE of several.
 */
export function onlyEvse({ connectors, registers = {} }: StationState): number | undefined {
  const told = [...connectors.values()].map((connector) => connector.evseId).filter((id) => id !== 0);
  const evses = new Set([...told, ...Object.keys(registers).map(Number)]);
  return told.length > 0 && evses.size === 1 ? told[0] : undefined;
}

/** No EVSE gives more. */
const POWER_W_MAX = 1_000_000;

/** Whether an EVSE can have given what lies between what its meter showed last and this, until this entry. */
export function couldReach(
  register: { at: number; energyWh: number },
  energyWh: number,
  at: number,
): boolean {
  const mostWh = 1_000 + (POWER_W_MAX * Math.max(0, at - register.at)) / 3_600_000;
  return energyWh >= register.energyWh && energyWh - register.energyWh <= mostWh;
}

/**
 * Where a stop of a transaction that nobody knows must have been: what it took, the next one must not be given
 * as well.
 */
function evseOfOrphan(
  station: StationState,
  { meterStopWh }: TransactionMessage,
  at: number,
): number | undefined {
  const evseId = onlyEvse(station);
  const register = evseId === undefined ? undefined : station.registers?.[evseId];
  if (register === undefined || meterStopWh === undefined) return undefined;
  return couldReach(register, meterStopWh, at) ? evseId : undefined;
}

function foldLatest(station: StationState, evseId: number | undefined, transactionId: string): void {
  if (evseId === undefined || evseId === 0) return;
  station.latest ??= {};
  if (Object.keys(station.latest).length < CONNECTORS_PER_STATION_MAX || evseId in station.latest)
    station.latest[evseId] = transactionId;
}

/** The station spoke of it: when, and its register, which never falls. */
function hear(
  transaction: OpenTransaction,
  at: number,
  samples: { at?: number | undefined; energyImportWh?: number }[],
): void {
  transaction.heardAt = at;
  for (const sample of samples) {
    if (sample.energyImportWh === undefined) continue;
    addRegister((transaction.course ??= emptyCourse()), toldAt(sample.at, at), sample.energyImportWh);
    transaction.meterStartWh ??= sample.energyImportWh;
    transaction.energyImportWh = Math.max(transaction.energyImportWh ?? 0, sample.energyImportWh);
  }
}

export function endTransaction(
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
    openedAt: entry.at,
    openedBoot: durable.boot,
    openedUpMs: entry.upMs,
    heardAt: entry.at,
    ...given("cap", entry.decision?.cap),
    ...given("tariff", entry.tariff),
    ...given("meterStartWh", message.meterStartWh),
    ...given("energyImportWh", message.meterStartWh),
    ...(status === "Accepted"
      ? { ...given("idToken", message.idToken?.idToken), ...given("groupId", groupId) }
      : {}),
  };
  durable.transactions.set(transactionId, transaction);
  const station = stationOf(durable, entry.stationId, entry.protocol);
  station.open.push(transactionId);
  takeWord(station, transaction, toldAt(message.at, entry.at));
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

  const evseId = message.evseId ?? durable.transactions.get(transactionId)?.evseId;
  hearRegister(station, entry.at, evseId ?? evseOfOrphan(station, message, entry.at), [
    ...message.samples,
    { energyImportWh: message.meterStopWh ?? message.meterStartWh },
  ]);
  const key = contentKey(message);
  if (message.event !== "Updated" || message.idToken !== undefined) {
    remember(station.recent, { key, payload: handled.answer, transactionId }, RECENT_ANSWERS_PER_STATION);
  }
  if (message.event === "Ended") {
    endTransaction(durable, station, transactionId, wireId, message.meterStopWh);
    return;
  }
  if (message.event === "Started") foldLatest(station, message.evseId, transactionId);
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
    rememberToken(durable, entry, message.idToken);
    if (entry.decision?.reason === "listed") {
      transaction.listed = true;
      if (entry.basis === "sg") transaction.listedByCloudAt = entry.at;
    }
    Object.assign(transaction, given("cap", entry.decision?.cap), given("tariff", entry.tariff));
    Object.assign(transaction, given("groupId", acceptedStatus(handled.answer).groupId));
  }
  hear(transaction, entry.at, message.samples);
  hearWord(transaction, message.chargingState ?? entry.stateAtStart, toldAt(message.at, entry.at));
}

/** On OCPP 1.6 the status of the connector says what the car does. */
function hearStatus(
  durable: Durable,
  station: StationState,
  message: Extract<StationMessage, { kind: "status" }>,
  entryAt: number,
): void {
  if (station.protocol !== "ocpp1.6") return;
  const [word, at] = [message.detail ?? message.status, toldAt(message.at, entryAt)];
  const running = openOn(durable, station, message.evseId);
  for (const transaction of running) hearWord(transaction, word, at);
  if (running.length === 0) rememberWord(station, message.evseId, word, at);
}

/** What it was told: whether it may go on. */
function foldRegistration(station: StationState, { status }: Record<string, unknown>): void {
  if (status === "Pending" || status === "Rejected") station.registration = status;
  else delete station.registration;
}

const MAKE_LENGTH_MAX = 100;
const makeOf = ({ vendor, model, firmwareVersion }: Extract<StationMessage, { kind: "booted" }>) => ({
  vendor: vendor.slice(0, MAKE_LENGTH_MAX),
  model: model.slice(0, MAKE_LENGTH_MAX),
  ...given("firmware", firmwareVersion?.slice(0, MAKE_LENGTH_MAX)),
});

export function foldHandled(durable: Durable, entry: EntryOf<"ocpp.handled">, read?: Handled): void {
  const handled = read ?? readHandled(entry);
  const { message } = handled;
  const station = stationOf(durable, entry.stationId, entry.protocol);
  switch (message.kind) {
    case "booted":
      station.booted = true;
      forgetWords(station);
      foldRegistration(station, handled.answer);
      station.make = makeOf(message);
      foldBoot(station, entry.at);
      foldConfigurationBoot(station, entry.at);
      return;
    case "status": {
      if (message.errorCode === "LocalListConflict") foldListConflict(station, entry.at);
      hearStatus(durable, station, message, entry.at);
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
      hearRegister(station, entry.at, message.evseId, message.samples);
      const transaction =
        entry.transactionId === undefined ? undefined : durable.transactions.get(entry.transactionId);
      if (transaction === undefined || entry.basis === "repeat") return;
      Object.assign(transaction, given("lastReadingKey", readingKey(message)));
      hear(transaction, entry.at, message.samples);
      return;
    }
    case "report":
      if (message.of !== "variables") return;
      foldReport(station, entry);
      foldFileProtocols(station, message.variables);
      foldReported(station, message.variables, entry.at);
      return;
    default:
      return;
  }
}

const UNKNOWN_STARTS_MAX = 1_000;
const DAY_MS = 86_400_000;

/** A start was allowed: whose token is used here, and what an unknown one may take. */
function rememberToken(durable: Durable, entry: EntryOf<"ocpp.handled">, { idToken, type }: IdToken): void {
  const key = tokenKey(idToken);
  const { decision } = entry;
  if (decision?.cap !== undefined && decision.reason.endsWith("-capped")) {
    durable.unknownStarts = durable.unknownStarts.filter((start) => entry.at - start.at < DAY_MS);
    remember(
      durable.unknownStarts,
      { key, at: entry.at, energyWh: decision.cap.energyWh ?? 0 },
      UNKNOWN_STARTS_MAX,
    );
  }
  if (decision?.reason !== "listed") return;
  durable.tokenUse.delete(key);
  durable.tokenUse.set(key, { idToken, ...given("type", type), at: entry.at });
  if (durable.tokenUse.size <= TOKEN_USE_MAX) return;
  const [oldest] = durable.tokenUse.keys();
  if (oldest !== undefined) durable.tokenUse.delete(oldest);
}
