/**
 * Transactions at the site: which one a message belongs to, which id a new one gets, whether its token may.
 *
 * Every CALL that starts or stops something is answered, whatever it says: a refusal is an answer too. A
 * message whose transaction nobody knows gets one of its own, flagged for a person, so that no energy
 * vanishes.
 */
import { given } from "../../shared/given.ts";
import { decideStop, type Decision } from "../../shared/decide/authorize.ts";
import type { Basis } from "../../shared/entry.ts";
import { nextRandom } from "../../shared/ids.ts";
import { EMERGENCY_ID_MAX, EMERGENCY_ID_MIN } from "../../shared/limits.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { flagOf } from "../../shared/ocpp/tolerance.ts";
import { bestTime, newId, type Context } from "./context.ts";
import { couldReach, onlyEvse } from "./fold-message.ts";
import { decideLocally, refuseForWantOfRoom } from "./policy.ts";
import { refuseWhileHeld } from "./registration.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { Connection, State, StationState } from "./types.ts";

export type TransactionMessage = Extract<StationMessage, { kind: "transaction" }>;

/** A message whose own time is further back than this is a replay of something that happened offline. */
const REPLAY_AGE_MS = 120_000;
/** Times outside [2020, now + 5 min] are implausible. */
const PLAUSIBLE_FROM = 1_577_836_800_000;
const FUTURE_MS_MAX = 300_000;

function openTransactions(state: State, stationId: string): OpenTransaction[] {
  const open = state.durable.stations.get(stationId)?.open ?? [];
  return open.map((id) => state.durable.transactions.get(id)).filter((t) => t !== undefined);
}

/**
 * Stations may send readings of a running transaction without its id: the only one on that EVSE. Not when
 * another one has begun there since (its stop is missing), nor before the station has named it on this
 * connection: it may have ended, and another begun, while nobody listened.
 */
export function openOnEvse(state: State, connection: Connection, evseId: number): string | undefined {
  const { stationId, named } = connection;
  const latest = state.durable.stations.get(stationId)?.latest?.[evseId];
  const onEvse = openTransactions(state, stationId).filter(
    ({ transactionId: id, evseId: on }) => on === evseId && named.has(id) && (latest ?? id) === id,
  );
  return onEvse.length === 1 ? onEvse[0]?.transactionId : undefined;
}

/**
 * What a 1.6 station calls a transaction whose id it was never told (errata 3.18): no name of any
 * transaction.
 */
const NO_ID = "-1";

/** Whether a station's time can be one. @param now the best time that is known. */
export const isPlausible = (at: number, now: number): boolean =>
  at >= PLAUSIBLE_FROM && at <= now + FUTURE_MS_MAX;

/** Whether the message tells of something that happened offline. */
export function isReplayed(context: Context, message: TransactionMessage): boolean {
  return (
    message.offline === true || (message.at !== undefined && bestTime(context) - message.at > REPLAY_AGE_MS)
  );
}

/** The transaction of ours that a station calls by this id: open ones first, then the last ended ones. */
export function findByWireId(
  state: State,
  stationId: string,
  ocppTransactionId: string,
): { transactionId: string; open: OpenTransaction | undefined } | undefined {
  const station = state.durable.stations.get(stationId);
  if (station?.protocol === "ocpp1.6" && ocppTransactionId === NO_ID) return undefined;
  for (const open of openTransactions(state, stationId)) {
    if (open.ocppTransactionId === ocppTransactionId) return { transactionId: open.transactionId, open };
  }
  const ended = station?.ended.findLast((e) => e.ocppTransactionId === ocppTransactionId);
  return ended === undefined ? undefined : { transactionId: ended.transactionId, open: undefined };
}

/**
 * A stop without an id that a CSMS gives (OCPP 1.6 errata 3.18: `-1`): the one open transaction of the station
 * that it can belong to, if there is exactly one. A positive id was given by a journal before this one: what is
 * open here has another.
 */
function guessTransaction(
  state: State,
  stationId: string,
  message: TransactionMessage,
): OpenTransaction | undefined {
  const { at, meterStopWh } = message;
  const fitting = openTransactions(state, stationId).filter(
    (t) =>
      (at === undefined || t.startedAt <= at) &&
      (meterStopWh === undefined || (t.energyImportWh ?? 0) <= meterStopWh),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

export type Resolved = {
  transactionId: string;
  open: OpenTransaction | undefined;
  flags: string[];
  /** Of a transaction whose start nobody has seen. */
  assumed?: { startedAt: number; meterStartWh: number };
};

/**
 * A transaction whose start nobody has seen began where the connector was last heard of: the register then,
 * if it fits. Only where there is no doubt about the EVSE: a 1.6 stop does not tell it.
 */
function assumeStart(
  context: Context,
  station: StationState,
  message: TransactionMessage,
): Resolved["assumed"] {
  const evseId = message.evseId ?? onlyEvse(station);
  const register = evseId === undefined ? undefined : station.registers?.[evseId];
  if (register === undefined) return undefined;
  const stopWh =
    message.meterStopWh ?? message.samples.find((s) => s.energyImportWh !== undefined)?.energyImportWh;
  if (stopWh !== undefined && !couldReach(register, stopWh, context.now.at)) return undefined;
  if (message.at !== undefined && message.at < register.at) return undefined;
  return { startedAt: register.at, meterStartWh: register.energyWh };
}

const BELOW_START = flagOf("stop-below-start");

/** Some stations end one Wh before they began. */
const endsBelowStart = (open: OpenTransaction | undefined, { meterStopWh }: TransactionMessage): boolean =>
  meterStopWh !== undefined && open?.meterStartWh !== undefined && meterStopWh < open.meterStartWh;

/** Which transaction the message belongs to, and what a person should know about that. */
export function resolveTransaction(
  context: Context,
  station: StationState,
  message: TransactionMessage,
): Resolved {
  const { state } = context;
  const flags: string[] = [];
  if (message.at === undefined || !isPlausible(message.at, bestTime(context))) {
    flags.push("time-implausible");
  } else if (isReplayed(context, message)) {
    flags.push("replayed");
  }
  const wireId = message.ocppTransactionId;
  const found = wireId === undefined ? undefined : findByWireId(state, station.stationId, wireId);
  if (found !== undefined) {
    if (endsBelowStart(found.open, message)) flags.push(BELOW_START);
    const before = station.ended.find((e) => e.transactionId === found.transactionId);
    if (before !== undefined && message.event === "Ended" && before.meterStopWh !== undefined) {
      flags.push("conflicting-stop");
    }
    return { ...found, flags };
  }
  if (message.event !== "Started" && message.seqNo === undefined && !(Number(wireId) > 0)) {
    const guess = guessTransaction(state, station.stationId, message);
    if (guess !== undefined) {
      return { transactionId: guess.transactionId, open: guess, flags: [...flags, "matched-by-guess"] };
    }
  }
  if (message.event === "Ended") flags.push("orphan-stop");
  if (message.event === "Updated") flags.push("start-missing");
  const assumed = message.event === "Ended" ? assumeStart(context, station, message) : undefined;
  return { transactionId: newId(context), open: undefined, flags, ...given("assumed", assumed) };
}

/** The next id for OCPP 1.6: from a leased block, or from the emergency range when none is left. */
export function takeTransactionId(state: State, station: StationState): number {
  const { durable, live } = state;
  const lease = durable.leases[0];
  if (lease !== undefined) return lease.next;
  const span = EMERGENCY_ID_MAX - EMERGENCY_ID_MIN + 1;
  const used = new Set([
    ...station.ended.map((e) => e.ocppTransactionId),
    ...[...durable.transactions.values()].map((t) => t.ocppTransactionId),
  ]);
  let id =
    durable.emergencyNext === 0 ? EMERGENCY_ID_MIN + (nextRandom(live.random) % span) : durable.emergencyNext;
  while (used.has(String(id))) id = id >= EMERGENCY_ID_MAX ? EMERGENCY_ID_MIN : id + 1;
  return id;
}

/** Ids of leased blocks that are left. */
export function leasedIdsLeft(state: State): number {
  return state.durable.leases.reduce((sum, lease) => sum + lease.end - lease.next, 0);
}

/**
 * What the answer to a transaction message says about its token.
 * @param told the cloud's decision, where it came in time.
 */
export function decideTransaction(
  context: Context,
  stationId: string,
  message: TransactionMessage,
  open: OpenTransaction | undefined,
  told: Decision | undefined,
): { decision: Decision | undefined; basis: Basis } {
  const idToken = message.idToken?.idToken;
  if (idToken === undefined) return { decision: undefined, basis: "none" };
  if (message.event === "Ended") {
    const token = context.state.live.tokens.find(idToken);
    const startedBy = { idToken: open?.idToken, groupId: startedByGroup(open, token?.groupId) };
    const decision = decideStop({ startedBy, idToken, token });
    return { decision, basis: "policy" };
  }
  // What happened offline has happened: its place in the journal comes out of the reserve.
  const full = isReplayed(context, message)
    ? undefined
    : (refuseForWantOfRoom(context, idToken) ?? refuseWhileHeld(context, stationId, idToken));
  if (full !== undefined) return { decision: full, basis: "policy" };
  if (told !== undefined) return { decision: told, basis: "sg" };
  const decision = decideLocally(context, stationId, idToken, "start", open?.transactionId);
  return { decision, basis: "policy" };
}

/**
 * OCPP 1.6 was told a group's name cut to 20 characters, and that is what its transaction is remembered
 * with.
 */
function startedByGroup(open: OpenTransaction | undefined, groupId: string | undefined): string | undefined {
  const known = open?.groupId;
  return known?.length === 20 && groupId?.startsWith(known) === true ? groupId : known;
}

const ORDINARY = new Set(["listed", "same-token"]);

/** Facts of the decision worth showing to a person. */
export const decisionFlags = (decision: Decision | undefined): string[] =>
  decision === undefined || ORDINARY.has(decision.reason) ? [] : [`token-${decision.reason}`];

export const transactionFields = (transactionId: string, flags: string[]) => ({
  transactionId,
  ...given("flags", flags.length === 0 ? undefined : flags),
});
