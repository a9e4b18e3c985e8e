/**
 * OCPP 1.6 tells what the car does by the status of the connector, and some stations tell it before they tell of the
 * transaction: what a connector without one has said last, so that a transaction that begins there begins with it.
 *
 * Known is only what was said on this connection, since the last boot, and of this connector without a transaction:
 * whatever was not listened to may have changed it. Part of `fold.ts`, but for what a start tells of it in its entry:
 * by that one the cloud prices the same course.
 */
import { isChargeWord, isWordAtStart } from "../../shared/decide/charge-state.ts";
import { CONNECTORS_PER_STATION_MAX } from "../../shared/limits.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { addWord, emptyCourse, toldAt } from "./course.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { Durable, StationState } from "./types.ts";

/** The station's word for the charging: by it, time is priced. */
export function hearWord(transaction: OpenTransaction, word: string | undefined, at: number): void {
  if (isChargeWord(word)) addWord((transaction.course ??= emptyCourse()), at, word);
}

export const openOn = (durable: Durable, { open }: StationState, evseId: number): OpenTransaction[] =>
  open.flatMap((id) => durable.transactions.get(id) ?? []).filter((t) => t.evseId === evseId);

export function rememberWord(station: StationState, evseId: number, word: string, at: number): void {
  if (evseId === 0 || !isChargeWord(word)) return;
  station.words ??= {};
  if (Object.keys(station.words).length < CONNECTORS_PER_STATION_MAX || evseId in station.words)
    station.words[evseId] = { at, word };
}

export function forgetWords(station: StationState): void {
  delete station.words;
}

/** A transaction has begun there: what was said after its start, and heard before it, is of it. */
export function takeWord(station: StationState, transaction: OpenTransaction, startedAt: number): void {
  const { evseId } = transaction;
  const heard = station.words?.[evseId];
  if (station.words === undefined || heard === undefined) return;
  delete station.words[evseId];
  if (heard.at > startedAt) hearWord(transaction, heard.word, heard.at);
}

/** What the connector was when this transaction began there, as far as it goes on to hold. */
export function stateAtStart(
  station: StationState,
  message: Extract<StationMessage, { kind: "transaction" }>,
  now: number,
): string | undefined {
  if (message.event !== "Started" || message.evseId === undefined) return undefined;
  const heard = station.words?.[message.evseId];
  if (heard === undefined || heard.at > toldAt(message.at, now)) return undefined;
  return isWordAtStart(heard.word) ? heard.word : undefined;
}

/** Whether the station has told this of the connector before, and nothing is new by it. */
export function isKnownStatus(
  durable: Durable,
  stationId: string,
  message: Extract<StationMessage, { kind: "status" }>,
): boolean {
  const station = durable.stations.get(stationId);
  const known = station?.connectors.get(`${message.evseId}:${message.connectorId}`);
  if (station === undefined || known === undefined) return false;
  const { status, detail, errorCode } = message;
  if (known.status !== status || known.detail !== detail || known.errorCode !== errorCode) return false;
  // It counts again for what begins there.
  const { evseId } = message;
  const isForgotten = evseId !== 0 && isWordAtStart(detail) && station.words?.[evseId] === undefined;
  return !(isForgotten && openOn(durable, station, evseId).length === 0);
}
