/**
 * What running transactions cost, and telling it to stations that show it.
 *
 * The price is worked out anew from the remembered course whenever it is asked for: nothing is added up, so nothing
 * can drift, and a new start of the ER changes nothing. It is what the driver sees; what is billed is the cloud's
 * word, by the same function. What a driver was offered before the start comes with the cloud's word on the token, and
 * holds whatever the policy says. Without an offer, and a policy that knows a tariff, nothing is said: the cost is not
 * known then.
 */
import type { Decision } from "../../shared/decide/authorize.ts";
import { chargeStates } from "../../shared/decide/charge-state.ts";
import { chooseTariff } from "../../shared/decide/tariff-choice.ts";
import { priceTransaction, type Price, type Timeline } from "../../shared/decide/tariff.ts";
import { describeError } from "../../shared/errors.ts";
import { COST_AGAIN_MS } from "../../shared/limits.ts";
import { priceText } from "../../shared/ocpp/cost.ts";
import { upkeepCall, type Upkeep } from "../../shared/ocpp/upkeep.ts";
import { OfferedTariff, type TariffTerms, type TariffVersion } from "../../shared/tariff.ts";
import { checkWire } from "../../shared/wire.ts";
import { callByItself } from "./calls.ts";
import { knowsTime } from "./clock.ts";
import { bestTime, log, type Context } from "./context.ts";
import { emptyCourse, addRegister, addWord } from "./course.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { StationState } from "./types.ts";
import { isPlausible, type TransactionMessage } from "./transaction.ts";

export type CostsTold = {
  lookedUpMs: number;
  /** By our id of the transaction. */
  told: Map<string, { upMs: number; totalMinor: number }>;
};

const LOOK_MS = 5_000;
const RUNNING_COST = "running-cost";
const FINAL_COST = "final-cost";
const USER_PRICE = "user-price";

/** The tariff of something that starts there then. */
function tariffFor(
  context: Context,
  stationId: string,
  groupId: string | undefined,
  atMs: number,
): TariffVersion | undefined {
  const { live, identity } = context.state;
  const book = live.policy?.tariffs;
  if (book === undefined) return undefined;
  const question = { groupId, stationId, siteId: identity.siteId, atMs };
  return chooseTariff(book, question)?.version;
}

/** Those by which a transaction was begun, whatever has been learned since. */
const begunBy = ({ state }: Context, { tariff }: OpenTransaction): TariffTerms | undefined =>
  tariff?.terms ??
  (tariff &&
    state.live.policy?.tariffs?.versions.find(
      ({ tariffId, version }) => tariffId === tariff.tariffId && version === tariff.version,
    )?.terms);

/**
 * The cloud's word on a token, with what its holder was offered. An offer of a newer cloud that this ER cannot price by
 * keeps nobody from charging.
 */
export function readOffer<D extends { tariff?: unknown }>(
  context: Context,
  { tariff, ...told }: D,
): Omit<D, "tariff"> & { tariff?: OfferedTariff } {
  if (tariff === undefined) return told;
  try {
    return { ...told, tariff: checkWire(OfferedTariff, tariff) };
  } catch (error) {
    log(context, "warn", "an offered price is not shown: it cannot be read", {
      reason: describeError(error),
      hint: "update the ER to the release of the SG",
    });
    return told;
  }
}

const startOf = (
  context: Context,
  { startedAt, openedAt }: Pick<OpenTransaction, "startedAt" | "openedAt">,
) => (isPlausible(startedAt, bestTime(context)) ? startedAt : openedAt);

/**
 * By which tariff the cost of a transaction is shown from now on: told when it begins, and again when its token
 * becomes known.
 */
export function tariffToTell(
  context: Context,
  stationId: string,
  message: TransactionMessage,
  open: OpenTransaction | undefined,
  decision: Decision | undefined,
): OpenTransaction["tariff"] {
  const idToken = message.idToken?.idToken;
  const isKnown = open !== undefined && (idToken === undefined || open.idToken !== undefined);
  if (message.event === "Ended" || isKnown) return undefined;
  if (decision?.status === "Accepted" && decision.tariff !== undefined) return decision.tariff;
  const now = bestTime(context);
  const startedAt = startOf(context, open ?? { startedAt: message.at ?? now, openedAt: now });
  const groupId = groupOf(context, idToken) ?? decision?.groupId;
  const found = tariffFor(context, stationId, groupId, startedAt);
  return found && { tariffId: found.tariffId, version: found.version };
}

const groupOf = ({ state }: Context, idToken: string | undefined): string | undefined =>
  idToken === undefined ? undefined : state.live.tokens.find(idToken)?.groupId;

type Cost = { terms: TariffTerms; price: Price; state: "charging" | "idle"; energyWh: number | undefined };

/**
 * What a transaction costs up to a moment; undefined: nobody knows.
 * @param last what the message that is being answered adds; it is not remembered yet.
 */
export function costOf(context: Context, open: OpenTransaction, last?: TransactionMessage): Cost | undefined {
  const now = bestTime(context);
  const known = knowsTime(context) && isPlausible(open.startedAt, now);
  const startedAt = startOf(context, open);
  const groupId = groupOf(context, open.idToken) ?? open.groupId;
  const terms = begunBy(context, open) ?? tariffFor(context, open.stationId, groupId, startedAt)?.terms;
  if (terms === undefined) return undefined;
  const at = last?.at !== undefined && isPlausible(last.at, now) ? last.at : now;
  const endedAt = Math.max(startedAt, at);
  const { registers, words } = open.course ?? emptyCourse();
  const course = { registers: [...registers], words: [...words] };
  for (const sample of last?.samples ?? [])
    if (sample.energyImportWh !== undefined) addRegister(course, sample.at ?? at, sample.energyImportWh);
  if (last?.meterStopWh !== undefined) addRegister(course, endedAt, last.meterStopWh);
  if (last?.chargingState !== undefined) addWord(course, at, last.chargingState);
  const timeline = timelineOf(context, open, course, { startedAt, endedAt, known });
  return {
    terms,
    price: priceTransaction(terms, timeline),
    state: timeline.states.at(-1)?.state === "idle" ? "idle" : "charging",
    energyWh: timeline.registers.at(-1)?.wh,
  };
}

function timelineOf(
  { state }: Context,
  open: OpenTransaction,
  course: NonNullable<OpenTransaction["course"]>,
  times: { startedAt: number; endedAt: number; known: boolean },
): Timeline {
  const { startedAt, endedAt, known } = times;
  const registers = open.meterStartWh === undefined ? [] : [{ at: startedAt, wh: open.meterStartWh }];
  for (let i = 0; i + 1 < course.registers.length; i += 2)
    registers.push({ at: course.registers[i] ?? 0, wh: course.registers[i + 1] ?? 0 });
  const [first] = registers;
  // Nothing was told since the start: nothing was taken as far as anybody knows.
  if (registers.length === 1 && first !== undefined) registers.push(first);
  return {
    timeZone: state.identity.timeZone,
    ...{ startedAt, endedAt, registers },
    states: chargeStates(
      course.words.map(([at, word]) => ({ at, word })),
      startedAt,
    ),
    timeQuality: known ? "known" : "estimated",
  };
}

/* Telling it */

/** What the answer to a transaction message may say of its cost. */
export function costToTell(
  context: Context,
  stationId: string,
  message: TransactionMessage,
  open: OpenTransaction | undefined,
): Price | undefined {
  const station = context.state.durable.stations.get(stationId);
  if (open === undefined || message.event === "Started") return undefined;
  if (message.event === "Updated" && station?.protocol !== "ocpp2.1") return undefined;
  if (station?.protocol === "ocpp1.6" && !showsCost(station)) return undefined;
  return costOf(context, open, message)?.price;
}

/** Whether the station says that it shows what things cost. */
function showsCost(station: StationState | undefined): boolean {
  const value = station?.provision?.settings.costShown?.value;
  return value !== undefined && /^(true|1)$/i.test(value.trim());
}

function tell(
  context: Context,
  stationId: string,
  wanted: Upkeep,
  own: { cause: string; transactionId?: string },
) {
  const station = context.state.durable.stations.get(stationId);
  if (station === undefined || !showsCost(station)) return false;
  const call = upkeepCall(station.protocol, wanted);
  // Upkeep: a station that does not answer it charges all the same.
  return call !== undefined && callByItself(context, stationId, call, { ...own, background: true });
}

/** Running costs, where they have changed, and not too often. */
export function onCostTick(context: Context): void {
  const { state, now } = context;
  const { costs } = state.live;
  if (now.upMs - costs.lookedUpMs < LOOK_MS) return;
  costs.lookedUpMs = now.upMs;
  for (const open of state.durable.transactions.values()) {
    const { transactionId, stationId, ocppTransactionId } = open;
    const before = costs.told.get(transactionId);
    if (before !== undefined && now.upMs - before.upMs < COST_AGAIN_MS) continue;
    if (!showsCost(state.durable.stations.get(stationId))) continue;
    const cost = costOf(context, open);
    if (cost === undefined || cost.price.totalMinor === before?.totalMinor) continue;
    const wanted = { kind: "running-cost", ocppTransactionId, at: bestTime(context), ...cost } as const;
    if (tell(context, stationId, wanted, { cause: RUNNING_COST, transactionId }))
      costs.told.set(transactionId, { upMs: now.upMs, totalMinor: cost.price.totalMinor });
  }
  for (const id of costs.told.keys()) if (!state.durable.transactions.has(id)) costs.told.delete(id);
}

/** It has ended: to stations that cannot be told in the answer. */
export function tellFinalCost(context: Context, stationId: string, id: string, price: Price): void {
  const wanted = { kind: "final-cost", ocppTransactionId: id, price } as const;
  tell(context, stationId, wanted, { cause: FINAL_COST });
}

/** A driver was let in: what it will cost, to stations that show it before the start. */
export function tellUserPrice(
  context: Context,
  stationId: string,
  idToken: string,
  offered: OfferedTariff | undefined,
): void {
  const tariff = offered ?? tariffFor(context, stationId, groupOf(context, idToken), bestTime(context));
  if (tariff === undefined) return;
  const text = priceText(tariff.terms);
  tell(context, stationId, { kind: "user-price", idToken, text }, { cause: USER_PRICE });
}
