/**
 * Our CALLs to stations: queued, one outstanding per station, journalled with the answer or the lack of it.
 *
 * A call is somebody's command, or the ER's own (`cause`: a bound was reached, a list must be kept up to date).
 * A person's come first, then those of a running transaction, upkeep last. What became of a command is told to
 * `command.ts`; of its own calls the journal keeps the frames, and the fold reads them.
 */
import type { CommandOutcome } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import {
  OCPP_BOOT_GRACE_MS,
  OCPP_CALL_QUEUE_MAX,
  OCPP_CALL_TIMEOUT_MS,
  OCPP_CALL_TIMEOUTS_MAX,
} from "../../shared/limits.ts";
import { dialectOf, type Call } from "../../shared/ocpp/dialect.ts";
import { callText, type Frame } from "../../shared/ocpp/frame.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import { maskFrame, maskSecrets } from "../../shared/ocpp/secrets.ts";
import { onCallOutcome } from "./command.ts";
import { effect, log, newId, record, type Context } from "./context.ts";
import { waitsForBoot } from "./habits.ts";
import { nextPart, wholeAnswer } from "./parts.ts";
import { callWhileHeld, invite, isHeld, REGISTRATION } from "./registration.ts";
import type { Connection, OutgoingCall } from "./types.ts";

type AnswerFrame = Extract<Frame, { type: "result" | "error" }>;

/** How a command's call ended; `unanswered`: it may have been done. */
export type CallOutcome =
  | { kind: "answered"; status: CommandOutcome; response?: unknown; reason?: string }
  | { kind: "unanswered"; reason: string; deadlineUpMs: number }
  | { kind: "never-sent"; status: CommandOutcome; reason: string };

const OWN_CALL_TTL_MS = 60_000;

/** @returns false when too many wait for this station already. */
export function enqueue(context: Context, stationId: string, call: OutgoingCall): boolean {
  const { queues } = context.state.live;
  const queue = queues.get(stationId) ?? [];
  if (queue.length >= OCPP_CALL_QUEUE_MAX) return false;
  queue.push(call);
  queues.set(stationId, queue);
  return true;
}

/**
 * A call that nobody has ordered. It waits its turn for a minute; whoever wants it asks again then.
 * @param own `background`: upkeep, which everything else may overtake.
 * @returns false when the station is not there, cannot be asked so, or is busy.
 */
export function callByItself(
  context: Context,
  stationId: string,
  call: Call,
  own: { cause: string; transactionId?: string; background?: boolean },
): boolean {
  const { live, durable } = context.state;
  const station = durable.stations.get(stationId);
  if (station === undefined || !live.byStation.has(stationId)) return false;
  if (isHeld(context, stationId) && own.cause !== REGISTRATION) return false;
  const violation = checkPayload(station.protocol, call.action, "Request", call.payload);
  if (violation !== undefined) {
    const { action } = call;
    log(context, "error", "a call of the ER's own breaks the schema", { stationId, action, ...violation });
    return false;
  }
  const deadlineUpMs = context.now.upMs + OWN_CALL_TTL_MS;
  if (!enqueue(context, stationId, { ...call, ...own, deadlineUpMs })) return false;
  callNext(context, stationId);
  return true;
}

/** Whether such a call of our own is under way or waits. */
export function isCalling(
  context: Context,
  stationId: string,
  cause: string,
  transactionId?: string,
): boolean {
  const { live } = context.state;
  const outstanding = live.connections.get(live.byStation.get(stationId) ?? -1)?.outstanding;
  const calls = [...(live.queues.get(stationId) ?? []), ...(outstanding === undefined ? [] : [outstanding])];
  return calls.some((c) => c.cause === cause && c.transactionId === transactionId);
}

const rank = (call: OutgoingCall): number =>
  call.commandId !== undefined ? 0 : call.background === true ? 2 : 1;

function takeNext(context: Context, stationId: string): OutgoingCall | undefined {
  const { queues } = context.state.live;
  const queue = queues.get(stationId);
  if (queue === undefined) return undefined;
  const best = Math.min(...queue.map(rank));
  const index = queue.findIndex((call) => rank(call) === best);
  const [call] = queue.splice(index, 1);
  if (queue.length === 0) queues.delete(stationId);
  return call;
}

/** A call that waited is not sent. A part of it may have been (`parts.ts`). */
function giveUp(
  context: Context,
  stationId: string,
  { commandId, parts }: OutgoingCall,
  status: CommandOutcome,
  why: string,
): void {
  if (commandId === undefined) return;
  const begun = parts !== undefined && parts.answers.length > 0;
  const reason = begun ? `only a part of it was done: ${why}` : why;
  onCallOutcome(context, commandId, stationId, {
    ...(begun ? { kind: "answered", status: "failed" } : { kind: "never-sent", status }),
    reason,
  });
}

/** Sends the next queued CALL if the station is there, has spoken and has nothing of ours to answer. */
export function callNext(context: Context, stationId: string): void {
  const { live, durable } = context.state;
  const { now } = context;
  const connection = live.connections.get(live.byStation.get(stationId) ?? -1);
  if (connection === undefined || connection.outstanding !== undefined) return;
  // Some stations drop the socket when they are called before they have said anything.
  const waits = !connection.talked || waitsForBoot(context, connection);
  if (waits && now.upMs - connection.openedUpMs < OCPP_BOOT_GRACE_MS) return;
  for (;;) {
    const call = takeNext(context, stationId);
    if (call === undefined) return;
    const { transactionId } = call;
    // Its number may be another transaction's by the time the call arrives.
    const ended = transactionId !== undefined && !durable.transactions.has(transactionId);
    const vain = ended ? "the transaction has ended meanwhile" : callWhileHeld(context, stationId, call);
    if (vain !== undefined) {
      giveUp(context, stationId, call, "rejected", vain);
      continue;
    }
    const messageId = newId(context);
    const text = callText(messageId, call.action, call.payload);
    invite(context, connection, call);
    connection.outstanding = { ...call, messageId, text, sentUpMs: now.upMs };
    const { connectionId } = connection;
    effect(context, { kind: "send", connectionId, text, notAfterUpMs: call.deadlineUpMs });
    return;
  }
}

/** CALLRESULT or CALLERROR. A late one is kept in the log with its age, never matched to another call. */
export function onCallAnswer(
  context: Context,
  connection: Connection,
  frame: AnswerFrame,
  text: string,
): void {
  const { stationId, protocol } = connection;
  const call = connection.outstanding;
  if (call === undefined || call.messageId !== frame.messageId) {
    const { messageId } = frame;
    log(context, "warn", "answer to no call of ours", { stationId, messageId });
    return;
  }
  delete connection.outstanding;
  connection.timeouts = 0;
  journalCall(context, connection, call, { response: text });
  if (call.commandId !== undefined && !callPart(context, stationId, call, frame)) {
    const whole = frame.type === "error" ? frame : { ...frame, payload: wholeAnswer(call, frame.payload) };
    onCallOutcome(context, call.commandId, stationId, outcomeOf(protocol, call.action, whole));
  }
  callNext(context, stationId);
}

/** The next part of a command that goes in several calls. @returns false when this answer ends the command. */
function callPart(context: Context, stationId: string, call: OutgoingCall, frame: AnswerFrame): boolean {
  const next = frame.type === "error" ? undefined : nextPart(call, frame.payload);
  if (next?.commandId === undefined) return false;
  if (enqueue(context, stationId, next)) return true;
  giveUp(context, stationId, next, "failed", "too many commands wait for this station");
  return true;
}

/** An answer that cannot be read fails its call at once; the next one may go. */
export function onBrokenAnswer(
  context: Context,
  connection: Connection,
  messageId: string | undefined,
): void {
  const { outstanding: call, stationId } = connection;
  if (call === undefined || call.messageId !== messageId) return;
  delete connection.outstanding;
  connection.timeouts = 0;
  journalCall(context, connection, call, { failure: "broken-answer" });
  const reason = "the station's answer is broken JSON";
  if (call.commandId !== undefined)
    onCallOutcome(context, call.commandId, stationId, { kind: "answered", status: "failed", reason });
  callNext(context, stationId);
}

function outcomeOf(protocol: Connection["protocol"], action: string, frame: AnswerFrame): CallOutcome {
  if (frame.type === "error") {
    const description = frame.description === "" ? "" : `: ${frame.description}`;
    const reason = `the station answered ${frame.code}${description}`;
    return { kind: "answered", status: "failed", reason };
  }
  const violation = checkPayload(protocol, action, "Response", frame.payload);
  const { status, reason } = dialectOf(protocol).outcome(action, frame.payload);
  const odd = violation === undefined ? undefined : `the answer breaks the schema: ${violation.reason}`;
  const response = maskSecrets(action, frame.payload);
  return { kind: "answered", status, response, ...given("reason", reason ?? odd) };
}

/** Frames as they were on the wire, but for passwords: those leave the box in no journal. */
function journalCall(
  context: Context,
  connection: Connection,
  call: NonNullable<Connection["outstanding"]>,
  result: { response?: string; failure?: string },
): void {
  const { stationId, protocol } = connection;
  const { action, text, commandId, cause, transactionId } = call;
  const { response, failure } = result;
  record(context, {
    kind: "ocpp.called",
    ...{ stationId, protocol, action, request: maskFrame(action, text) },
    ...given("commandId", commandId),
    ...given("cause", cause),
    ...given("transactionId", transactionId),
    ...given("response", response === undefined ? undefined : maskFrame(action, response)),
    ...given("failure", failure),
  });
}

/** The outstanding CALL gets no answer any more. */
export function abandon(context: Context, connection: Connection, failure: string, reason: string): void {
  const call = connection.outstanding;
  if (call === undefined) return;
  delete connection.outstanding;
  journalCall(context, connection, call, { failure });
  if (call.commandId !== undefined)
    onCallOutcome(context, call.commandId, connection.stationId, {
      ...{ kind: "unanswered", reason, deadlineUpMs: call.deadlineUpMs },
    });
}

/** Deadlines of calls that wait, and of those that got no answer. */
export function onCallTick(context: Context): void {
  const { live } = context.state;
  const { now } = context;
  for (const [stationId, queue] of [...live.queues]) {
    const late = queue.filter((call) => call.deadlineUpMs <= now.upMs);
    const left = queue.filter((call) => call.deadlineUpMs > now.upMs);
    if (left.length === 0) live.queues.delete(stationId);
    else live.queues.set(stationId, left);
    for (const call of late) giveUp(context, stationId, call, "expired", "the station was busy too long");
    callNext(context, stationId);
  }
  for (const connection of [...live.connections.values()]) {
    const call = connection.outstanding;
    if (call === undefined || now.upMs - call.sentUpMs < OCPP_CALL_TIMEOUT_MS) continue;
    const reason = `no answer within ${OCPP_CALL_TIMEOUT_MS / 1_000} s`;
    abandon(context, connection, "timeout", reason);
    // Upkeep must not cost a socket: some stations answer no call at all, and charge.
    if (call.background !== true) connection.timeouts += 1;
    if (connection.timeouts >= OCPP_CALL_TIMEOUTS_MAX) {
      const { connectionId } = connection;
      effect(context, { kind: "close", connectionId, code: 1008, reason: "calls stay without an answer" });
    }
    callNext(context, connection.stationId);
  }
}
