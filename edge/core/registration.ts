/**
 * Stations that are held: wanted by the policy, told to the station when it boots (OCPP 1.6 §4.2, 2.0.1 B02, B03).
 *
 * Two things, kept apart. What is *wanted* stands in the policy: from that moment nobody may start at the station,
 * and its next BootNotification is answered so. What the station was *told* stands in the journal: from then on
 * until an accepted boot it must not speak and is hardly spoken to. Energy is never lost by it: an OCPP 1.6 station
 * that sends all the same is answered, above all its stops; a 2.x one hears SecurityError and keeps what it has.
 *
 * The tick brings both together. A station at Pending is asked to boot. A running one cannot be told by any message
 * of 2.x: its socket is closed, once, and most stations boot when they are back; those that do not go on until their
 * next boot, and only nobody may start there. One at Rejected must not be called: it boots after its interval.
 */
import type { Command } from "../../shared/command.ts";
import type { Decision } from "../../shared/decide/authorize.ts";
import {
  INVITED_MAX,
  INVITED_MS,
  REGISTRATION_ASK_MS,
  REGISTRATION_BOOT_MS,
  REGISTRATION_RETRY_S,
} from "../../shared/limits.ts";
import { upkeepCall } from "../../shared/ocpp/upkeep.ts";
import { tokenKey } from "../../shared/policy.ts";
import { callByItself } from "./calls.ts";
import { effect, log, type Context } from "./context.ts";
import type { Connection, OutgoingCall } from "./types.ts";

/** `cause` of our calls. */
export const REGISTRATION = "registration";

type Held = "Pending" | "Rejected";

/** A station that is to learn its registration: which one, and what was done for it. */
export type Registering = {
  wanted: Held | "Accepted";
  askedUpMs?: number;
  closed?: boolean;
};

const LOOK_MS = 1_000;

const wantedOf = ({ state }: Context, stationId: string): Held | undefined =>
  state.live.stationRules.get(stationId)?.registration;
const toldOf = ({ state }: Context, stationId: string): Held | undefined =>
  state.durable.stations.get(stationId)?.registration;

/** It was told so: no upkeep, and only what `commandWhileHeld` lets through. */
export const isHeld = (context: Context, stationId: string): boolean =>
  toldOf(context, stationId) !== undefined;

/** Makes the answer to a boot one that holds the station, where the policy wants that. */
export function holdIfWanted(context: Context, stationId: string, answer: object): void {
  const rule = context.state.live.stationRules.get(stationId);
  if (rule?.registration === undefined) return;
  const interval = rule.retryIntervalS ?? REGISTRATION_RETRY_S;
  Object.assign(answer, { status: rule.registration, interval });
}

/** Nobody starts at a station that is held or to be held. Who charges there already is let in, to end it. */
export function refuseWhileHeld(context: Context, stationId: string, idToken: string): Decision | undefined {
  if (wantedOf(context, stationId) === undefined && toldOf(context, stationId) === undefined)
    return undefined;
  const { live, durable } = context.state;
  if (live.tokens.find(idToken)?.master === true) return undefined;
  const key = tokenKey(idToken);
  for (const transactionId of durable.stations.get(stationId)?.open ?? []) {
    const other = durable.transactions.get(transactionId)?.idToken;
    if (other !== undefined && tokenKey(other) === key) return undefined;
  }
  return { status: "Invalid", reason: "station-held" };
}

/** Why an OCPP 2.x station that is held must not send this now; undefined: it may. */
export function refusedWhileHeld(
  context: Context,
  { stationId, protocol, invited }: Connection,
  action: string,
  payload: Record<string, unknown>,
): string | undefined {
  const told = toldOf(context, stationId);
  if (told === undefined || protocol === "ocpp1.6" || action === "BootNotification") return undefined;
  const askedUpMs = told === "Pending" ? invited?.get(invitation(action, payload["requestId"])) : undefined;
  if (askedUpMs !== undefined && context.now.upMs - askedUpMs < INVITED_MS) return undefined;
  return `the station is ${told}: only a BootNotification is expected`;
}

/** A report is expected under its id. */
const invitation = (action: string, requestId: unknown): string =>
  action === "NotifyReport" ? `${action} ${String(requestId)}` : action;

/** Our call asks the station for a message: it may send it although it is held. */
export function invite(context: Context, connection: Connection, { action, payload }: OutgoingCall): void {
  const expected =
    action === "TriggerMessage"
      ? String(payload["requestedMessage"])
      : action === "GetBaseReport" || action === "GetReport"
        ? invitation("NotifyReport", payload["requestId"])
        : undefined;
  if (expected === undefined || !isHeld(context, connection.stationId)) return;
  connection.invited ??= new Map();
  connection.invited.delete(expected);
  connection.invited.set(expected, context.now.upMs);
  const [oldest] = connection.invited.keys();
  if (connection.invited.size > INVITED_MAX && oldest !== undefined) connection.invited.delete(oldest);
}

/** What prepares a station for its work, or sees how it is. */
const WHILE_PENDING: ReadonlySet<Command["kind"]> = new Set([
  ...(["TriggerMessage", "GetVariables", "SetVariables", "GetBaseReport", "GetReport"] as const),
  ...(["GetConfiguration", "ChangeConfiguration", "Reset", "Call"] as const),
]);
const STARTS: ReadonlySet<Command["kind"]> = new Set(["RequestStartTransaction", "ReserveNow"]);

/** Why this command is not for a station that is held; undefined: it may go. */
export function commandWhileHeld(context: Context, { stationId, kind }: Command): string | undefined {
  const told = toldOf(context, stationId);
  const wanted = wantedOf(context, stationId);
  if (told === undefined) {
    if (wanted === undefined || !STARTS.has(kind)) return undefined;
    return `the station is to be held (${wanted}): nothing may be started there`;
  }
  if (told === "Pending" && WHILE_PENDING.has(kind)) return undefined;
  return `the station is held (${told}): release it first`;
}

/** Why a call that has waited must not go out any more: the station may be held since. */
export function callWhileHeld(
  context: Context,
  stationId: string,
  { commandId, cause }: OutgoingCall,
): string | undefined {
  const command = context.state.durable.commands.get(commandId ?? "")?.command;
  if (command !== undefined) return commandWhileHeld(context, command);
  const told = toldOf(context, stationId);
  // A command that tells a secret is not kept; all of those prepare a station.
  const prepares = commandId !== undefined || cause === REGISTRATION;
  if (told === undefined || (told === "Pending" && prepares)) return undefined;
  return `the station is held (${told}): release it first`;
}

/** Stations that know another registration than the one that is wanted are made to boot. */
export function onRegistrationTick(context: Context): void {
  const { live } = context.state;
  const { registering } = live;
  if (context.now.upMs - registering.lookedUpMs < LOOK_MS) return;
  registering.lookedUpMs = context.now.upMs;
  for (const [stationId, connectionId] of live.byStation) {
    const connection = live.connections.get(connectionId);
    const wanted = wantedOf(context, stationId) ?? "Accepted";
    if (connection === undefined || wanted === (toldOf(context, stationId) ?? "Accepted")) {
      registering.stations.delete(stationId);
      continue;
    }
    let under = registering.stations.get(stationId);
    if (under?.wanted !== wanted) {
      under = { wanted };
      registering.stations.set(stationId, under);
    }
    bringToBoot(context, connection, under);
  }
}

function bringToBoot(context: Context, connection: Connection, under: Registering): void {
  const { stationId, protocol, connectionId } = connection;
  const { upMs } = context.now;
  const told = toldOf(context, stationId);
  const mayAsk = told === "Pending" || (told === undefined && protocol === "ocpp1.6");
  if (mayAsk && upMs - (under.askedUpMs ?? Number.NEGATIVE_INFINITY) >= REGISTRATION_ASK_MS) {
    const call = upkeepCall(protocol, { kind: "trigger", message: "boot" });
    if (call !== undefined && callByItself(context, stationId, call, { cause: REGISTRATION })) {
      under.askedUpMs = upMs;
      return;
    }
  }
  if (told !== undefined || under.closed === true) return;
  if (mayAsk && upMs - (under.askedUpMs ?? upMs) < REGISTRATION_BOOT_MS) return;
  // On a new connection it may be about to boot by itself.
  if (connection.booted !== true && upMs - connection.openedUpMs < REGISTRATION_BOOT_MS) return;
  under.closed = true;
  const { wanted } = under;
  log(context, "info", "a running station is to be held: its connection is closed", { stationId, wanted });
  effect(context, { kind: "close", connectionId, code: 1012, reason: "the station is to boot" });
}
