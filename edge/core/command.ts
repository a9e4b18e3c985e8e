/**
 * Commands at the site: what somebody wants of a station, from its arrival to its end.
 *
 *   received ─► refused (finished: rejected / expired / superseded)
 *            ─► waiting (station away; an imperative is not accepted yet, the cloud sends it again)
 *            ─► preparing (its file is not at the box yet, `files.ts`; not accepted either)
 *            ─► accepted ─► called ─► finished: succeeded | rejected | failed | uncertain | expired
 *
 * `command.accepted` is committed before the CALL leaves. Imperatives are called once: without an answer they
 * are `uncertain`, until something that happens at the station shows that they were done. Wishes (availability,
 * configuration) are called again until the station has answered; of two wishes for one thing the newer counts.
 */
import { COMMAND_CLASS, wishTarget, type Command, type CommandBody } from "../../shared/command.ts";
import type { CommandOutcome } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { nextRandom } from "../../shared/ids.ts";
import { OCPP_CALL_QUEUE_MAX } from "../../shared/limits.ts";
import { commandProblems } from "../../shared/ocpp/command-schema.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import { holdsSecret } from "../../shared/ocpp/secrets.ts";
import { formatTime } from "../../shared/time.ts";
import { abandon, callNext, enqueue, onCallTick, type CallOutcome } from "./calls.ts";
import { bestTime, effect, record, type Context } from "./context.ts";
import { adaptCall } from "./habits.ts";
import { withFile } from "./files.ts";
import { inParts } from "./parts.ts";
import { commandWhileHeld } from "./registration.ts";
import type { Connection, Input } from "./types.ts";

const WAITING_MAX = 1_000;
const REASON_LENGTH_MAX = 500;

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
  if (isSuperseded(context, command)) return;
  if (live.byStation.get(command.stationId) === undefined) {
    const room = live.waiting.size < WAITING_MAX || live.waiting.has(command.commandId);
    const waits = mayWait(command) && room;
    if (waits) live.waiting.set(command.commandId, { command, deadlineUpMs });
    else finish(context, command, "rejected", { reason: "the station is offline" });
    return;
  }
  accept(context, command, deadlineUpMs);
}

/** A profile for whoever charges now must not meet the next driver. */
function mayWait({ kind, params }: Command): boolean {
  if (kind !== "SetChargingProfile") return COMMAND_CLASS[kind].waitsForStation;
  const { chargingProfilePurpose, transactionId } = params["chargingProfile"] as Record<string, unknown>;
  return chargingProfilePurpose !== "TxProfile" || transactionId !== undefined;
}

/**
 * What was left when it was published, counted from now on; less, when the clock says that it was long on
 * its way. A wrong clock can shorten a command's life but never prolong it.
 */
function timeLeft(context: Context, command: Command): number {
  return Math.min(command.remainingMs, command.expiresAt - bestTime(context));
}

/** The broker carries parameters of any shape; what does not fit its kind goes no further. */
function paramsProblem({ kind, params }: Command): string | undefined {
  const [problem] = commandProblems(kind, params);
  if (problem === undefined) return undefined;
  return `params of ${kind}: ${problem.pointer} ${problem.message}`.slice(0, 500);
}

/** Of two wishes for one thing the newer one counts, in whatever order they come. @returns true: this is not it. */
function isSuperseded(context: Context, command: Command): boolean {
  const { live, durable } = context.state;
  const target = wishTarget(command);
  if (target === undefined) return false;
  const same = (other: Command) =>
    other.stationId === command.stationId && wishTarget(other) === target && other !== command;
  const reason = "a newer command for the same thing has taken its place";
  const rivals = [
    ...[...live.waiting.values()].map(({ command: other }) => other),
    ...[...durable.commands.values()].flatMap((c) => (c.command === undefined ? [] : [c.command])),
  ].filter((other) => other.commandId !== command.commandId && same(other));
  if (rivals.some((other) => other.issuedAt > command.issuedAt)) {
    finish(context, command, "superseded", { reason });
    return true;
  }
  for (const other of rivals) {
    if (durable.commands.get(other.commandId)?.finished === true || isOutstanding(context, other)) continue;
    dropQueued(context, other);
    finish(context, other, "superseded", { reason });
  }
  return false;
}

function isOutstanding(context: Context, command: Command): boolean {
  const { live } = context.state;
  const connection = live.connections.get(live.byStation.get(command.stationId) ?? -1);
  return connection?.outstanding?.commandId === command.commandId;
}

function dropQueued(context: Context, { commandId, stationId }: Command): void {
  const { queues } = context.state.live;
  const left = (queues.get(stationId) ?? []).filter((call) => call.commandId !== commandId);
  if (left.length === 0) queues.delete(stationId);
  else queues.set(stationId, left);
}

function accept(context: Context, asked: Command, deadlineUpMs: number): void {
  const { durable, live } = context.state;
  const { commandId, stationId } = asked;
  live.waiting.delete(commandId);
  const station = durable.stations.get(stationId);
  if (station === undefined) return;
  if (asked.kind === "CloseConnection") {
    closeConnection(context, asked);
    return;
  }
  const held = commandWhileHeld(context, asked);
  if (held !== undefined) {
    finish(context, asked, "rejected", { reason: held });
    return;
  }
  const command = withFile(context, asked, deadlineUpMs);
  if (command === undefined) return;
  if ("refused" in command) {
    finish(context, asked, "rejected", { reason: command.refused });
    return;
  }
  const plain = dialectOf(station.protocol).toCall(command, {
    ocppTransactionId(transactionId) {
      const transaction = durable.transactions.get(transactionId);
      return transaction?.stationId === stationId ? transaction.ocppTransactionId : undefined;
    },
    requestId: (nextRandom(live.random) >>> 1) + 1,
    now: formatTime(bestTime(context)),
  });
  // Any CALL goes out as it was written.
  const call = "refused" in plain || command.kind === "Call" ? plain : adaptCall(context, station, plain);
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
  const transactionId = command.kind === "RequestStopTransaction" ? command.params.transactionId : undefined;
  const queued = enqueue(context, stationId, {
    ...{ ...(command.kind === "Call" ? call : inParts(station, call)), commandId, deadlineUpMs },
    ...given("transactionId", transactionId),
  });
  if (!queued) {
    const reason = `${OCPP_CALL_QUEUE_MAX} commands already wait for this station`;
    finish(context, command, "rejected", { reason });
    return;
  }
  live.preparing.delete(commandId);
  // Once: a wish that is called again was accepted the first time.
  if (!durable.commands.has(commandId)) {
    // A password stands in no journal: such a command is called once, and without an answer it is uncertain.
    const kept = holdsSecret(command.kind, command.params) ? undefined : command;
    record(context, {
      ...{ kind: "command.accepted", commandId, stationId, commandKind: command.kind },
      ...given("command", kept),
    });
  }
  callNext(context, stationId);
}

/** The file of a command is at the box, or cannot be had. A station that has left meanwhile is waited for. */
export function onFilePrepared(
  context: Context,
  input: Extract<Input, { kind: "files.ready" | "files.failed" }>,
): void {
  const { live } = context.state;
  const under = live.preparing.get(input.commandId);
  if (under === undefined) return;
  const { command, deadlineUpMs } = under;
  const away = live.byStation.get(command.stationId) === undefined;
  // The next tick finds that its time is up: nothing may be called that is not sent.
  if (deadlineUpMs <= context.now.upMs) return;
  if (input.kind === "files.ready") under.location = input.location;
  else if (away) live.preparing.delete(input.commandId);
  else return finish(context, command, "failed", { reason: input.reason });
  if (away) live.waiting.set(command.commandId, { command, deadlineUpMs });
  else accept(context, command, deadlineUpMs);
}

/** The socket is closed once that is committed: the station is free to come back at once. */
function closeConnection(context: Context, { commandId, stationId, kind }: Command): void {
  const connectionId = context.state.live.byStation.get(stationId);
  if (connectionId === undefined) return;
  record(context, { kind: "command.accepted", commandId, stationId, commandKind: kind });
  finish(context, { commandId, stationId }, "succeeded", {});
  effect(context, { kind: "close", connectionId, code: 1012, reason: "closed by the operator" });
}

function finish(
  context: Context,
  command: { commandId: string; stationId: string },
  status: CommandOutcome,
  result: { response?: unknown; reason?: string },
): void {
  const { commandId, stationId } = command;
  context.state.live.waiting.delete(commandId);
  context.state.live.preparing.delete(commandId);
  // A station may answer with a word of any length.
  const reason = result.reason?.slice(0, REASON_LENGTH_MAX);
  const body = { kind: "command.finished", commandId, stationId, status, ...result } as const;
  record(context, { ...body, ...given("reason", reason) });
}

/** A command's call has ended, one way or the other. */
export function onCallOutcome(
  context: Context,
  commandId: string,
  stationId: string,
  outcome: CallOutcome,
): void {
  if (outcome.kind !== "unanswered") {
    const { status, reason } = outcome;
    const response = outcome.kind === "answered" ? outcome.response : undefined;
    finish(context, { commandId, stationId }, status, {
      ...given("response", response),
      ...given("reason", reason),
    });
    return;
  }
  const command = context.state.durable.commands.get(commandId)?.command;
  if (command !== undefined && wishTarget(command) !== undefined)
    waitAgain(context, command, outcome.deadlineUpMs);
  else finish(context, { commandId, stationId }, "uncertain", { reason: outcome.reason });
}

/**
 * A wish does no harm when it is fulfilled twice: it goes on waiting, for the station or its deadline.
 * @param deadlineUpMs as it was counted since the command arrived; after a restart only the clock knows it.
 */
function waitAgain(
  context: Context,
  command: Command,
  deadlineUpMs = deadlineByClock(context, command),
): void {
  context.state.live.waiting.set(command.commandId, { command, deadlineUpMs });
}

function deadlineByClock(context: Context, { issuedAt, expiresAt }: Command): number {
  const leftMs = Math.min(expiresAt - issuedAt, expiresAt - bestTime(context));
  return context.now.upMs + Math.max(0, leftMs);
}

/** The station has spoken on this connection: what waited for it may go. */
export function onStationReady(context: Context, connection: Connection): void {
  const { stationId } = connection;
  for (const { command, deadlineUpMs } of [...context.state.live.waiting.values()]) {
    if (command.stationId === stationId) accept(context, command, deadlineUpMs);
  }
  callNext(context, stationId);
}

export function onStationGone(context: Context, connection: Connection): void {
  const { live } = context.state;
  abandon(context, connection, "disconnected", "the station disconnected before it answered");
  // The ER's own calls are made anew from what is known when the station is back.
  const left = (live.queues.get(connection.stationId) ?? []).filter((call) => call.commandId !== undefined);
  if (left.length === 0) live.queues.delete(connection.stationId);
  else live.queues.set(connection.stationId, left);
}

/** Deadlines, wishes whose station is there again, and stops whose transaction has ended by itself. */
export function onCommandTick(context: Context): void {
  const { live, durable } = context.state;
  for (const { command, deadlineUpMs } of [...live.waiting.values()]) {
    const { kind, params } = command;
    if (deadlineUpMs <= context.now.upMs)
      finish(context, command, "expired", { reason: "the station did not come back in time" });
    else if (kind === "RequestStopTransaction" && !durable.transactions.has(params.transactionId))
      finish(context, command, "rejected", { reason: "the transaction has ended meanwhile" });
    else if (isTalking(context, command.stationId)) accept(context, command, deadlineUpMs);
  }
  for (const { command, deadlineUpMs } of [...live.preparing.values()]) {
    const reason = "its file was not at the box in time";
    if (deadlineUpMs <= context.now.upMs) finish(context, command, "expired", { reason });
  }
  onCallTick(context);
}

function isTalking(context: Context, stationId: string): boolean {
  const { live } = context.state;
  return live.connections.get(live.byStation.get(stationId) ?? -1)?.talked === true;
}

/** After a restart: imperatives that were accepted may have reached their station; wishes are called again. */
export function onCommandStart(context: Context): void {
  for (const { commandId, stationId, finished, command } of [...context.state.durable.commands.values()]) {
    if (finished) continue;
    if (command !== undefined && wishTarget(command) !== undefined) waitAgain(context, command);
    else {
      const reason = "the ER was restarted before the station answered";
      finish(context, { commandId, stationId }, "uncertain", { reason });
    }
  }
}

/** How long after its call something that happens is still taken for its effect. */
const OBSERVED_WITHIN_MS = 10 * 60_000;

export type Observed =
  | { kind: "ended"; transactionId: string }
  | { kind: "started"; idToken: string | undefined; evseId: number | undefined }
  | { kind: "booted" };

/** Something happened at a station: a command whose outcome was uncertain may show to have been done. */
export function onObserved(context: Context, stationId: string, observed: Observed): void {
  for (const state of context.state.durable.commands.values()) {
    const { command } = state;
    if (state.uncertainAt === undefined || command === undefined || state.stationId !== stationId) continue;
    if (Math.abs(context.now.at - state.uncertainAt) > OBSERVED_WITHIN_MS) continue;
    const seen = effectOf(command, observed);
    if (seen !== undefined) finish(context, state, "succeeded", { reason: `observed: ${seen}` });
  }
}

function effectOf(command: CommandBody, observed: Observed): string | undefined {
  switch (observed.kind) {
    case "ended":
      return command.kind === "RequestStopTransaction" &&
        command.params.transactionId === observed.transactionId
        ? "the transaction has ended"
        : undefined;
    case "started": {
      if (command.kind !== "RequestStartTransaction") return undefined;
      const { idToken, evseId } = command.params;
      const fits = idToken.idToken === observed.idToken && (evseId ?? observed.evseId) === observed.evseId;
      return fits ? "a transaction of this token has begun" : undefined;
    }
    case "booted":
      return command.kind === "Reset" ? "the station has started anew" : undefined;
  }
}
