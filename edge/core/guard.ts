/**
 * Watches running transactions: bounds of unknown tokens, tokens that were revoked, stops that never came.
 *
 * Level, not edge: at every look the wanted state (ended, slowed) is worked out from what is known and asked of
 * the station again until it has happened; a station that was away meanwhile is asked when it is back. Nothing
 * here answers a station.
 */
import { revokedReason } from "../../shared/decide/authorize.ts";
import { given } from "../../shared/given.ts";
import { OPEN_TRANSACTIONS_PER_STATION_MAX } from "../../shared/limits.ts";
import { SLOW_DOWN, upkeepCall, type Upkeep } from "../../shared/ocpp/upkeep.ts";
import { callByItself, isCalling } from "./calls.ts";
import { record, type Context } from "./context.ts";
import { trustedTime } from "./clock.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { StationState } from "./types.ts";

/** How often all running transactions are looked at. */
const LOOK_MS = 1_000;
/** How often the tokens of running transactions are asked for, when no policy came. */
const TOKENS_MS = 60_000;
/** A station that has accepted a stop and goes on is asked again after this. */
const ASK_AGAIN_MS = 60_000;
/** OCPP and IEC 61851 know no lower current of an AC station that charges. */
const MIN_CURRENT_A = 6;
/** A transaction whose EVSE is free, or whose station is away, is closed when nothing was heard this long. */
const SILENT_MS = 24 * 3_600_000;

export function onGuardTick(context: Context): void {
  const { live, durable } = context.state;
  if (context.now.upMs - live.guardUpMs < LOOK_MS) return;
  live.guardUpMs = context.now.upMs;
  // Looking up every token is dear; a token changes with the policy, or expires.
  const version = live.policy?.issuedAt;
  const tokensDue = version !== live.guardedPolicy || context.now.upMs - live.tokensUpMs >= TOKENS_MS;
  if (tokensDue) Object.assign(live, { guardedPolicy: version, tokensUpMs: context.now.upMs });
  for (const transaction of [...durable.transactions.values()]) {
    if (tokensDue) revoke(context, transaction);
    const cause = stopCause(context, transaction);
    if (cause !== undefined) askToStop(context, transaction, cause);
    else if (transaction.revoked?.rule === "min-energy") askToSlowDown(context, transaction);
    closeIfSilent(context, transaction);
  }
  for (const station of durable.stations.values()) closeSurplus(context, station);
  for (const { named } of live.connections.values())
    for (const id of named) if (!durable.transactions.has(id)) named.delete(id);
  for (const id of live.guarded.keys())
    if (!durable.transactions.has(id.slice(id.indexOf(" ") + 1))) live.guarded.delete(id);
}

/** A token that may not charge any more: what the site's rule makes of it is written down once. */
function revoke(context: Context, transaction: OpenTransaction): void {
  const { live } = context.state;
  const { stationId, transactionId, idToken, revoked, energyImportWh = 0 } = transaction;
  if (live.policy === undefined || idToken === undefined || revoked !== undefined) return;
  const token = live.tokens.find(idToken);
  const reason =
    token === undefined
      ? wasListed(context, transaction, live.policy.issuedAt) && live.policy.unknownToken !== "allow"
        ? "removed"
        : undefined
      : revokedReason(token, stationId, trustedTime(context))?.reason;
  if (reason === undefined) return;
  const { rule, energyWh } = live.policy.revocation;
  record(context, {
    ...{ kind: "transaction.revoked", stationId, transactionId, reason, rule },
    ...given("stopAtWh", rule === "min-energy" ? energyImportWh + energyWh : undefined),
  });
}

/** A policy that was made before the cloud let the token in tells nothing of it: the token may be newer. */
function wasListed(
  { state }: Context,
  { listed, listedByCloudAt }: OpenTransaction,
  policyIssuedAt: number,
): boolean {
  if (listed !== true) return false;
  return listedByCloudAt === undefined || policyIssuedAt > listedByCloudAt + state.live.clockOffsetMs;
}

/** Why this transaction has to end now, if it has. */
export function stopCause(context: Context, transaction: OpenTransaction): string | undefined {
  const { cap, revoked, energyImportWh, meterStartWh } = transaction;
  if (revoked?.rule === "stop-now") return "revoked";
  if (revoked?.stopAtWh !== undefined && (energyImportWh ?? 0) >= revoked.stopAtWh) return "revoked";
  const takenWh = (energyImportWh ?? 0) - (meterStartWh ?? energyImportWh ?? 0);
  if (cap?.energyWh !== undefined && takenWh >= cap.energyWh) return "cap-energy";
  if (cap?.durationS !== undefined && runsForMs(context, transaction) >= cap.durationS * 1_000)
    return "cap-duration";
  return undefined;
}

/** By the monotonic clock within one boot; else by the wall clock, which may have been wrong. */
function runsForMs(context: Context, transaction: OpenTransaction): number {
  const { state, now } = context;
  return transaction.openedBoot === state.durable.boot
    ? now.upMs - transaction.openedUpMs
    : Math.max(0, now.at - transaction.openedAt);
}

function askToStop(context: Context, transaction: OpenTransaction, cause: string): void {
  const { ocppTransactionId } = transaction;
  ask(context, transaction, cause, { kind: "stop", ocppTransactionId });
}

/** Once it is known to be slow there is nothing more to ask. */
function askToSlowDown(context: Context, transaction: OpenTransaction): void {
  const { ocppTransactionId, evseId, slowed } = transaction;
  if (slowed === true) return;
  const wanted = { kind: "limit-transaction", ocppTransactionId, evseId, limitA: MIN_CURRENT_A } as const;
  ask(context, transaction, SLOW_DOWN, wanted);
}

/** Asks the station, unless it has just been asked. */
function ask(context: Context, transaction: OpenTransaction, cause: string, wanted: Upkeep): void {
  const { live, durable } = context.state;
  const { stationId, transactionId } = transaction;
  const key = `${cause} ${transactionId}`;
  const askedUpMs = live.guarded.get(key);
  if (askedUpMs !== undefined && context.now.upMs - askedUpMs < ASK_AGAIN_MS) return;
  const protocol = durable.stations.get(stationId)?.protocol;
  const call = protocol === undefined ? undefined : upkeepCall(protocol, wanted);
  if (call === undefined || isCalling(context, stationId, cause, transactionId)) return;
  if (callByItself(context, stationId, call, { cause, transactionId }))
    live.guarded.set(key, context.now.upMs);
}

/** No station has so many: of those whose stops it lost, the ones that nothing was heard of for longest go. */
function closeSurplus(context: Context, { stationId, open }: StationState): void {
  if (open.length <= OPEN_TRANSACTIONS_PER_STATION_MAX) return;
  const surplus = open
    .map((id) => context.state.durable.transactions.get(id))
    .filter((transaction) => transaction !== undefined)
    .sort((a, b) => a.heardAt - b.heardAt)
    .slice(0, open.length - OPEN_TRANSACTIONS_PER_STATION_MAX);
  for (const { transactionId, heardAt, energyImportWh } of surplus)
    record(context, {
      ...{ kind: "transaction.closed", stationId, transactionId, reason: "too-many", endedAt: heardAt },
      ...given("meterStopWh", energyImportWh),
    });
}

/**
 * Its stop never came: the station says that the EVSE is free, or is not there any more, and nothing was heard
 * of the transaction for a day. What the station told last is what it took.
 */
function closeIfSilent(context: Context, transaction: OpenTransaction): void {
  const { durable } = context.state;
  const { stationId, transactionId, evseId, heardAt, energyImportWh } = transaction;
  if (trustedTime(context) === undefined || context.now.at - heardAt < SILENT_MS) return;
  const station = durable.stations.get(stationId);
  const connectors = [...(station?.connectors.values() ?? [])].filter((c) => c.evseId === evseId);
  const free = connectors.length > 0 && connectors.every((c) => c.status === "Available");
  if (station?.online === true && !free) return;
  record(context, {
    ...{ kind: "transaction.closed", stationId, transactionId, reason: free ? "evse-free" : "station-away" },
    endedAt: heardAt,
    ...given("meterStopWh", energyImportWh),
  });
}
