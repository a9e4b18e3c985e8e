/**
 * Commands at the site, and our CALLs to stations.
 *
 *   received ─► refused (finished: rejected / expired)
 *            ─► waiting (station away; not accepted yet, the cloud sends it again)
 *            ─► accepted ─► queued ─► called ─► finished: succeeded | rejected | failed | uncertain | expired
 *
 * `command.accepted` is committed before the CALL leaves. One CALL per station is outstanding. A CALL
 * without an answer is
 * `uncertain` and never repeated: the station may have done it.
 */
import { given } from "../../shared/given.ts";
import { COMMAND_CLASS, CommandParams, type Command } from "../../shared/command.ts";
import type { CommandOutcome } from "../../shared/entry.ts";
import { describeError } from "../../shared/errors.ts";
import { nextRandom } from "../../shared/ids.ts";
import {
  OCPP_BOOT_GRACE_MS,
  OCPP_CALL_QUEUE_MAX,
  OCPP_CALL_TIMEOUT_MS,
  OCPP_CALL_TIMEOUTS_MAX,
} from "../../shared/limits.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import { callText, type Frame } from "../../shared/ocpp/frame.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import { checkWire } from "../../shared/wire.ts";
import { bestTime, effect, log, newId, record, type Context } from "./context.ts";
import type { Connection, OutgoingCall } from "./types.ts";

type AnswerFrame = Extract<Frame, { type: "result" | "error" }>;

const WAITING_MAX = 1_000;

export function onCommand(context: Context, command: Command): void {
  const { durable, live } = context.state;
  if (durable.commands.has(command.commandId)) return;
  const deadlineUpMs =
    live.waiting.get(command.commandId)?.deadlineUpMs ?? context.now.upMs + timeLeft(context, command);
  if (deadlineUpMs <= context.now.upMs) {
    finish(context, command, "expired", { reason: "it arrived at the site after its deadline" });
    return;
  }
  const problem = paramsProblem(command);
  if (problem !== undefined) {
    finish(context, command, "rejected", { reason: problem });
    return;
  }
  if (durable.stations.get(command.stationId) === undefined) {
    finish(context, command, "rejected", { reason: "this site has never seen the station" });
    return;
  }
  if (live.byStation.get(command.stationId) === undefined) {
    const room = live.waiting.size < WAITING_MAX || live.waiting.has(command.commandId);
    const waits = COMMAND_CLASS[command.kind].waitsForStation && room;
    if (waits) live.waiting.set(command.commandId, { command, deadlineUpMs });
    else finish(context, command, "rejected", { reason: "the station is offline" });
    return;
  }
  accept(context, command, deadlineUpMs);
}

/**
 * What was left when it was published, counted from now on; less, when the clock says that it was long on
 * its way. A wrong clock can shorten a command's life but never prolong it.
 */
function timeLeft(context: Context, command: Command): number {
  return Math.min(command.remainingMs, command.expiresAt - bestTime(context));
}

/** The broker carries parameters of any shape; what does not fit its kind goes no further. */
function paramsProblem(command: Command): string | undefined {
  try {
    checkWire(CommandParams[command.kind], command.params);
    return undefined;
  } catch (error) {
    return `params of ${command.kind}: ${describeError(error)}`.slice(0, 500);
  }
}

function accept(context: Context, command: Command, deadlineUpMs: number): void {
  const { durable, live } = context.state;
  const { commandId, stationId } = command;
  live.waiting.delete(commandId);
  const station = durable.stations.get(stationId);
  if (station === undefined) return;
  const call = dialectOf(station.protocol).toCall(command, {
    ocppTransactionId(transactionId) {
      const transaction = durable.transactions.get(transactionId);
      return transaction?.stationId === stationId ? transaction.ocppTransactionId : undefined;
    },
    requestId: (nextRandom(live.random) >>> 1) + 1,
  });
  if ("refused" in call) {
    finish(context, command, "rejected", { reason: call.refused });
    return;
  }
  // Written strictly: what the standard does not allow never reaches the station.
  const violation = checkPayload(station.protocol, call.action, "Request", call.payload);
  if (violation !== undefined) {
    finish(context, command, "rejected", { reason: `${call.action}: ${violation.reason}` });
    return;
  }
  const queue = live.queues.get(stationId) ?? [];
  if (queue.length >= OCPP_CALL_QUEUE_MAX) {
    finish(context, command, "rejected", {
      reason: `${OCPP_CALL_QUEUE_MAX} commands already wait for this station`,
    });
    return;
  }
  record(context, { kind: "command.accepted", commandId, stationId, commandKind: command.kind });
  queue.push({ commandId, ...call, deadlineUpMs });
  live.queues.set(stationId, queue);
  callNext(context, stationId);
}

function finish(
  context: Context,
  command: { commandId: string; stationId: string },
  status: CommandOutcome,
  result: { response?: unknown; reason?: string },
): void {
  const { commandId, stationId } = command;
  context.state.live.waiting.delete(commandId);
  record(context, { kind: "command.finished", commandId, stationId, status, ...result });
}

/** Sends the next queued CALL if the station is there, has spoken and has nothing of ours to answer. */
function callNext(context: Context, stationId: string): void {
  const { live } = context.state;
  const { now } = context;
  const connectionId = live.byStation.get(stationId);
  const connection = connectionId === undefined ? undefined : live.connections.get(connectionId);
  if (connection === undefined || connection.outstanding !== undefined) return;
  // Some stations drop the socket when they are called before they have said anything.
  if (!connection.talked && now.upMs - connection.openedUpMs < OCPP_BOOT_GRACE_MS) return;
  const queue = live.queues.get(stationId);
  const call = queue?.shift();
  if (queue?.length === 0) live.queues.delete(stationId);
  if (call === undefined) return;
  const messageId = newId(context);
  const text = callText(messageId, call.action, call.payload);
  connection.outstanding = { ...call, messageId, text, sentUpMs: now.upMs };
  effect(context, {
    kind: "send",
    connectionId: connection.connectionId,
    text,
    notAfterUpMs: call.deadlineUpMs,
  });
}

/** The station has spoken on this connection: what waited for it may go. */
export function onStationReady(context: Context, connection: Connection): void {
  const { stationId } = connection;
  for (const { command, deadlineUpMs } of [...context.state.live.waiting.values()]) {
    if (command.stationId === stationId) accept(context, command, deadlineUpMs);
  }
  callNext(context, stationId);
}

/** CALLRESULT or CALLERROR. A late one is kept in the log with its age, never matched to another call. */
export function onCallAnswer(
  context: Context,
  connection: Connection,
  frame: AnswerFrame,
  text: string,
): void {
  const call = connection.outstanding;
  if (call === undefined || call.messageId !== frame.messageId) {
    log(context, "warn", "answer to no call of ours", {
      stationId: connection.stationId,
      messageId: frame.messageId,
    });
    return;
  }
  delete connection.outstanding;
  connection.timeouts = 0;
  journalCall(context, connection, call, { response: text });
  if (frame.type === "error") {
    const reason = `the station answered ${frame.code}${frame.description === "" ? "" : `: ${frame.description}`}`;
    finish(context, withStation(call, connection), "failed", { reason });
  } else {
    const violation = checkPayload(connection.protocol, call.action, "Response", frame.payload);
    const outcome = dialectOf(connection.protocol).outcome(call.action, frame.payload);
    const odd = violation === undefined ? undefined : `the answer breaks the schema: ${violation.reason}`;
    finish(context, withStation(call, connection), outcome.status, {
      response: frame.payload,
      ...given("reason", outcome.reason ?? odd),
    });
  }
  callNext(context, connection.stationId);
}

const withStation = (call: OutgoingCall, connection: Connection) => ({
  commandId: call.commandId,
  stationId: connection.stationId,
});

function journalCall(
  context: Context,
  connection: Connection,
  call: NonNullable<Connection["outstanding"]>,
  result: { response?: string; failure?: string },
): void {
  const { stationId, protocol } = connection;
  const { action, text: request, commandId } = call;
  record(context, { kind: "ocpp.called", stationId, protocol, action, request, commandId, ...result });
}

function abandon(context: Context, connection: Connection, failure: string, reason: string): void {
  const call = connection.outstanding;
  if (call === undefined) return;
  delete connection.outstanding;
  journalCall(context, connection, call, { failure });
  finish(context, withStation(call, connection), "uncertain", { reason });
}

export function onStationGone(context: Context, connection: Connection): void {
  abandon(context, connection, "disconnected", "the station disconnected before it answered");
}

/**
 * Deadlines: calls without an answer, commands that have waited too long, stations that may be called by
 * now.
 */
export function onCommandTick(context: Context): void {
  const { live } = context.state;
  const { now } = context;
  for (const { command, deadlineUpMs } of [...live.waiting.values()]) {
    if (deadlineUpMs <= now.upMs)
      finish(context, command, "expired", { reason: "the station did not come back in time" });
  }
  for (const [stationId, queue] of [...live.queues]) {
    for (const call of queue.filter((c) => c.deadlineUpMs <= now.upMs)) {
      finish(context, { commandId: call.commandId, stationId }, "expired", {
        reason: "the station was busy too long",
      });
    }
    const left = queue.filter((c) => c.deadlineUpMs > now.upMs);
    if (left.length === 0) live.queues.delete(stationId);
    else live.queues.set(stationId, left);
    callNext(context, stationId);
  }
  for (const connection of [...live.connections.values()]) {
    const call = connection.outstanding;
    if (call === undefined || now.upMs - call.sentUpMs < OCPP_CALL_TIMEOUT_MS) continue;
    abandon(context, connection, "timeout", `no answer within ${OCPP_CALL_TIMEOUT_MS / 1_000} s`);
    connection.timeouts += 1;
    if (connection.timeouts >= OCPP_CALL_TIMEOUTS_MAX) {
      const { connectionId } = connection;
      effect(context, { kind: "close", connectionId, code: 1008, reason: "calls stay without an answer" });
    }
    callNext(context, connection.stationId);
  }
}

/** After a restart: what was accepted may have reached its station. */
export function onCommandStart(context: Context): void {
  for (const command of [...context.state.durable.commands.values()]) {
    if (command.finished) continue;
    finish(context, command, "uncertain", { reason: "the ER was restarted before the station answered" });
  }
}
