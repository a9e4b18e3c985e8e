/**
 * Keeps stations able to work alone: their own lists, their offline settings and a safe default profile, so
 * that a dead ER still leaves a usable site. And keeps them as the operator's templates want them.
 *
 * Level, not edge: at every look the first thing in which a station is not as it should be is asked of it. It
 * is all upkeep: everything else overtakes it, few stations are called at a time, one that does not answer is
 * left alone for a while, one that refuses is asked again rarely. Without a policy nothing is done.
 */
import { hash } from "node:crypto";
import { given } from "../../shared/given.ts";
import {
  LOCAL_LIST_ENTRIES_DEFAULT,
  LOCAL_LIST_ENTRIES_MAX,
  LOCAL_LIST_ITEMS_DEFAULT,
  LOCAL_LIST_ITEMS_MAX,
  LOCAL_LIST_LINGER_MS,
  PROVISION_AGAIN_MS,
  PROVISION_CALLS_MAX,
  PROVISION_REFUSED_MS,
  PROVISION_SETTLE_MS,
} from "../../shared/limits.ts";
import { habitsOf } from "../../shared/ocpp/quirks.ts";
import {
  DEFAULT_PROFILE,
  LOCAL_LIST,
  OFFLINE_KEYS,
  settingsOf,
  TEMPLATE,
  upkeepCall,
  type KeptSetting,
  type Setting,
  type Upkeep,
} from "../../shared/ocpp/upkeep.ts";
import type { Call } from "../../shared/ocpp/dialect.ts";
import type { Policy } from "../../shared/policy.ts";
import { callByItself } from "./calls.ts";
import { trustedTime } from "./clock.ts";
import type { Context } from "./context.ts";
import { planList, sameWanted, takesBack, wantedTokens, type ListLimits, type Wanted } from "./local-list.ts";
import { isHeld } from "./registration.ts";
import { isOld, NO_PROVISION, type Provision, type Purpose, type Refusable } from "./provision-state.ts";
import { nextOfTemplates } from "./template.ts";
import type { Connection, Live, StationState } from "./types.ts";

type Rules = Omit<Policy, "tokens">;
type Task = { cause: string; wanted: Upkeep };

const LOOK_MS = 1_000;
/** Of a station where nothing was to do: time passes, and refusals and readings grow old. */
const LOOK_AGAIN_MS = 3_600_000;
/** Stations that are looked at closely at a time: a site that learns a new list stays quick. */
const LOOKS_MAX = 10;
/** Settings read at once from a station that does not say how many it takes, and ever. */
const READ_FIRST = 4;
const READ_MAX = 50;
/** A message about a transaction is tried this often before it is given up, with this pause that grows. */
const ATTEMPTS_MIN = 10;
const ATTEMPT_INTERVAL_S = 60;

export function onProvisionTick(context: Context): void {
  const { state, now } = context;
  const { live, durable, identity } = state;
  const { policy, provisioning } = live;
  if (!identity.provision || policy === undefined || live.pressure === "refuse") return;
  if (now.upMs - provisioning.lookedUpMs < LOOK_MS) return;
  provisioning.lookedUpMs = now.upMs;
  const list = wantedList(context, policy);
  const busy = underUpkeep(live);
  let looks = 0;
  for (const connectionId of live.byStation.values()) {
    if (busy.size >= PROVISION_CALLS_MAX || looks >= LOOKS_MAX) return;
    const connection = live.connections.get(connectionId);
    const station = durable.stations.get(connection?.stationId ?? "");
    if (connection === undefined || station?.booted !== true || busy.has(station.stationId)) continue;
    if (isHeld(context, station.stationId)) continue;
    if (!connection.talked || now.upMs - connection.openedUpMs < PROVISION_SETTLE_MS) continue;
    if (isSettled(context, connection, station, policy, list)) continue;
    looks += 1;
    if (lookAt(context, connection, station, policy, list)) busy.add(station.stationId);
  }
}

/** Stations that have a call of ours to answer, or one that waits. */
function underUpkeep(live: Live): Set<string> {
  const busy = new Set<string>();
  for (const { stationId, outstanding } of live.connections.values())
    if (outstanding?.background === true) busy.add(stationId);
  for (const [stationId, queue] of live.queues)
    if (queue.some((call) => call.background === true)) busy.add(stationId);
  return busy;
}

/** Nothing has changed since nothing was to be done. */
function isSettled(
  { state, now }: Context,
  { connectionId }: Connection,
  { stationId, provision, make, configuration }: StationState,
  policy: Rules,
  list: Wanted,
): boolean {
  const settled = state.live.provisioning.stations.get(stationId)?.settled;
  return (
    settled !== undefined &&
    settled.connectionId === connectionId &&
    settled.policy === policy &&
    settled.list === list &&
    settled.provision === provision &&
    settled.make === make &&
    settled.configuration === configuration &&
    now.upMs < settled.untilUpMs
  );
}

/** @returns whether the station was called. */
function lookAt(
  context: Context,
  { connectionId }: Connection,
  station: StationState,
  policy: Rules,
  list: Wanted,
): boolean {
  const { stations } = context.state.live.provisioning;
  const { at, upMs } = context.now;
  const { stationId, provision, make, configuration } = station;
  const asked = stations.get(stationId)?.asked ?? {};
  let untilUpMs = upMs + LOOK_AGAIN_MS;
  for (const { purpose, cause, call } of tasksOf(station, policy, list, at)) {
    const digest = hash("sha256", JSON.stringify(call), "base64url");
    // It got no answer, or one that led nowhere.
    const before = asked[purpose];
    const againUpMs = (before?.upMs ?? 0) + PROVISION_AGAIN_MS;
    if (before?.connectionId === connectionId && before.digest === digest && upMs < againUpMs) {
      untilUpMs = Math.min(untilUpMs, againUpMs);
      continue;
    }
    if (!callByItself(context, stationId, call, { cause, background: true })) return false;
    stations.set(stationId, { asked: { ...asked, [purpose]: { connectionId, digest, upMs } } });
    return true;
  }
  const settled = { connectionId, policy, list, provision, make, configuration, untilUpMs };
  stations.set(stationId, { asked, settled });
  return false;
}

/** What is to be asked of a station, the more important first. Neither waits for the other's answer to come. */
function tasksOf(
  station: StationState,
  policy: Rules,
  list: Wanted,
  at: number,
): { purpose: Purpose; cause: string; call: Call }[] {
  const alone = nextTask(station, policy, list, at);
  const call = alone === undefined ? undefined : upkeepCall(station.protocol, alone.wanted);
  const { templates = [] } = policy;
  const readMax = readsAtOnce(station, station.provision ?? NO_PROVISION);
  const template = templates.length === 0 ? undefined : nextOfTemplates(station, templates, readMax, at);
  return [
    ...(alone === undefined || call === undefined
      ? []
      : [{ purpose: "alone" as const, cause: alone.cause, call }]),
    ...(template === undefined ? [] : [{ purpose: "template" as const, cause: TEMPLATE, call: template }]),
  ];
}

/** Settings that a station tells at once. */
function readsAtOnce({ make }: StationState, known: Provision): number {
  const most = habitsOf(make).keysPerReadMax ?? READ_MAX;
  return Math.min(Math.max(numberOf(known, "itemsPerRead") ?? READ_FIRST, 1), most);
}

/** The first thing in which a station is not as it should be. */
function nextTask(station: StationState, policy: Rules, list: Wanted, at: number): Task | undefined {
  const known = station.provision ?? NO_PROVISION;
  const read = unreadSettings(station, known, policy, at);
  if (read !== undefined) return { cause: OFFLINE_KEYS, wanted: read };
  const keepsList = hasList(station, known) && !isRefused(known, "list", "", at);
  if (keepsList && !known.list.checked) return { cause: LOCAL_LIST, wanted: { kind: "read-list-version" } };
  const write = wrongSettings(station, known, policy, at);
  if (write !== undefined) return { cause: OFFLINE_KEYS, wanted: write };
  if (keepsList && station.protocol !== "ocpp1.6" && known.list.limitAsked !== true)
    return { cause: LOCAL_LIST, wanted: { kind: "ask-list-limit" } };
  const update = keepsList
    ? planList(list, station, known.list.held, known.list.version, listLimits(known))
    : undefined;
  if (update !== undefined) return { cause: LOCAL_LIST, wanted: { kind: "send-list", ...update } };
  return profileTask(station, known, policy, at);
}

function unreadSettings(
  station: StationState,
  known: Provision,
  policy: Rules,
  at: number,
): Upkeep | undefined {
  const old = isOld(known, at);
  const unread = settingsOf(station.protocol).filter(
    (setting) =>
      (old || known.settings[setting] === undefined) &&
      (setting !== "costShown" || policy.tariffs !== undefined),
  );
  if (unread.length === 0) return undefined;
  const atOnce = Math.min(readsAtOnce(station, known), old ? READ_FIRST : READ_MAX);
  return { kind: "read-settings", settings: unread.slice(0, atOnce) };
}

function wrongSettings(
  station: StationState,
  known: Provision,
  policy: Rules,
  at: number,
): Upkeep | undefined {
  const values = wantedSettings(known, policy).filter(({ setting, value }) => {
    const has = known.settings[setting];
    if (has?.value === undefined || has.readOnly === true || sameValue(has.value, value)) return false;
    return !isRefused(known, setting, value, at);
  });
  if (values.length === 0) return undefined;
  const atOnce = station.protocol === "ocpp1.6" ? 1 : (numberOf(known, "itemsPerWrite") ?? 1);
  return { kind: "write-settings", values: values.slice(0, Math.max(atOnce, 1)) };
}

function wantedSettings(known: Provision, policy: Rules): { setting: KeptSetting; value: string }[] {
  const { unknownToken, unknownCap } = policy;
  const attempts = Math.max(numberOf(known, "messageAttempts") ?? 0, ATTEMPTS_MIN);
  return [
    { setting: "localAuthorizeOffline", value: "true" },
    { setting: "listEnabled", value: "true" },
    // Who is let in is decided by the ER as long as it is there.
    { setting: "localPreAuthorize", value: "false" },
    { setting: "offlineTxForUnknownId", value: String(unknownToken !== "deny") },
    { setting: "stopTxOnInvalidId", value: "true" },
    ...(unknownToken === "cap"
      ? [{ setting: "maxEnergyOnInvalidId" as const, value: String(unknownCap.energyWh) }]
      : []),
    { setting: "messageAttempts", value: String(attempts) },
    { setting: "messageAttemptInterval", value: String(ATTEMPT_INTERVAL_S) },
  ];
}

/** Stations write booleans as they like. */
function sameValue(has: string, wanted: string): boolean {
  const plain = has.trim().toLowerCase();
  if (wanted === "true") return plain === "true" || plain === "1";
  if (wanted === "false") return plain === "false" || plain === "0";
  return Number(plain) === Number(wanted);
}

function numberOf(known: Provision, setting: Setting): number | undefined {
  const value = known.settings[setting]?.value?.trim();
  return value === undefined || !/^\d{1,9}$/.test(value) ? undefined : Number(value);
}

function isRefused(known: Provision, what: Refusable, value: string, at: number): boolean {
  const refusal = known.refused[what];
  return refusal?.value === value && Math.abs(at - refusal.at) < PROVISION_REFUSED_MS;
}

function hasList({ protocol }: StationState, { settings }: Provision): boolean {
  if (protocol !== "ocpp1.6") {
    const available = settings.listAvailable?.value ?? settings.listEnabled?.value;
    return available !== undefined && settings.listAvailable?.value?.toLowerCase() !== "false";
  }
  const length = settings.listEntriesMax?.value;
  const features = settings.features?.value;
  return length !== "0" && (features?.includes("LocalAuthListManagement") ?? length !== undefined);
}

function listLimits(known: Provision): ListLimits {
  const told = [numberOf(known, "listEntriesMax"), known.list.entriesMax].filter((n) => n !== undefined);
  const items = numberOf(known, "listItemsPerMessage") ?? LOCAL_LIST_ITEMS_DEFAULT;
  return {
    entriesMax: Math.min(LOCAL_LIST_ENTRIES_MAX, ...(told.length > 0 ? told : [LOCAL_LIST_ENTRIES_DEFAULT])),
    itemsMax: Math.min(LOCAL_LIST_ITEMS_MAX, Math.max(items, 1)),
    bytesMax: numberOf(known, "listBytesPerMessage") ?? Number.POSITIVE_INFINITY,
  };
}

function profileTask(station: StationState, known: Provision, policy: Rules, at: number): Task | undefined {
  const { settings, profile } = known;
  const able =
    station.protocol === "ocpp1.6"
      ? settings.features?.value?.includes("SmartCharging") === true
      : settings.smartCharging?.value?.toLowerCase() === "true";
  const { defaultLimitA: limitA } = policy;
  const right = limitA === profile.limitA && (profile.checked || limitA === undefined);
  if (!able || right || isRefused(known, "profile", String(limitA), at)) return undefined;
  return { cause: DEFAULT_PROFILE, wanted: { kind: "default-profile", ...given("limitA", limitA) } };
}

/**
 * What the lists of the site should hold. A token that is used once more changes nothing; new ones wait for
 * company; who may not charge any more is told at once.
 */
function wantedList(context: Context, policy: Rules): Wanted {
  const { state, now } = context;
  const { provisioning, tokens } = state.live;
  const before = provisioning.wanted;
  const due = before === undefined || now.upMs - before.takenUpMs >= LOCAL_LIST_LINGER_MS;
  if (!due && before.policy === policy) return before.list;
  const uses = [
    ...policy.recent.map(({ idToken, lastUsedAt: at }) => ({ idToken, at })),
    ...state.durable.tokenUse.values(),
  ];
  const list = wantedTokens(uses, tokens.find, policy.unknownToken, trustedTime(context));
  const { upMs: takenUpMs } = now;
  if (
    before === undefined ||
    (!due && takesBack(before.list, list)) ||
    (due && !sameWanted(before.list, list))
  )
    provisioning.wanted = { list, policy, takenUpMs };
  else provisioning.wanted = { ...before, policy, ...(due ? { takenUpMs } : {}) };
  return provisioning.wanted.list;
}
