/**
 * What a station says, from its socket to the answer: connections, frames, CALLs.
 *
 * Invariants: one connection per station counts (the newest); a CALL gets exactly one answer, after the commit that
 * holds it; what is refused is kept as it came; one bad message never costs the socket.
 */
import { given } from "../../shared/given.ts";
import type { Decision } from "../../shared/decide/authorize.ts";
import type { Basis } from "../../shared/entry.ts";
import { ASK_DEADLINE_MS, OCPP_REJECTED_BYTES_MAX } from "../../shared/limits.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import { errorText, parseFrame, resultText, type Frame, type RpcErrorCode } from "../../shared/ocpp/frame.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { checkPayload, isKnownAction } from "../../shared/ocpp/schemas.ts";
import { formatTime } from "../../shared/time.ts";
import { onCallAnswer, onStationGone, onStationReady } from "./command.ts";
import { bestTime, effect, log, newId, record, type Context } from "./context.ts";
import { contentKey, stationOf } from "./fold.ts";
import {
  decideLocally,
  decideTransaction,
  decisionFlags,
  findByWireId,
  isReplayed,
  openOnEvse,
  resolveTransaction,
  takeTransactionId,
  transactionFields,
  type TransactionMessage,
} from "./transaction.ts";
import type { Connection, Input, PendingDecision } from "./types.ts";

type CallFrame = Extract<Frame, { type: "call" }>;
type Extra = { basis?: Basis; transactionId?: string; flags?: string[] };

const ANSWERS_KEPT = 4;
/** A station that speaks again this soon after an answer is emptying its queue: let it go on at once. */
const BURST_MS = 100;

export function onConnected(context: Context, input: Extract<Input, { kind: "station.connected" }>): void {
  const { live } = context.state;
  const { connectionId, stationId, protocol, remoteAddress } = input;
  const before = live.byStation.get(stationId);
  if (before !== undefined) {
    effect(context, { kind: "close", connectionId: before, code: 1008, reason: "replaced by a newer connection" });
    dropConnection(context, before, "replaced by a newer connection");
  }
  live.connections.set(connectionId, {
    connectionId,
    stationId,
    protocol,
    openedUpMs: context.now.upMs,
    talked: false,
    lastMessageAt: context.now.at,
    lastReplyUpMs: -BURST_MS,
    timeouts: 0,
    answered: [],
  });
  live.byStation.set(stationId, connectionId);
  record(context, { kind: "station.online", stationId, protocol, remoteAddress });
}

export function onDisconnected(context: Context, connectionId: number, reason: string): void {
  // A connection that was replaced is gone already: its close must not touch the new one.
  if (context.state.live.connections.has(connectionId)) dropConnection(context, connectionId, reason);
}

function dropConnection(context: Context, connectionId: number, reason: string): void {
  const { live } = context.state;
  const connection = live.connections.get(connectionId);
  if (connection === undefined) return;
  live.connections.delete(connectionId);
  live.byStation.delete(connection.stationId);
  for (const [id, pending] of live.pending) if (pending.connectionId === connectionId) live.pending.delete(id);
  onStationGone(context, connection);
  record(context, { kind: "station.offline", stationId: connection.stationId, reason });
}

export function onFrame(context: Context, connectionId: number, text: string): void {
  const connection = context.state.live.connections.get(connectionId);
  if (connection === undefined) return;
  connection.lastMessageAt = context.now.at;
  const frame = parseFrame(text);
  switch (frame.type) {
    case "call":
      onCall(context, connection, frame, text);
      return;
    case "result":
    case "error":
      onCallAnswer(context, connection, frame, text);
      return;
    case "malformed":
      refuse(context, connection, text, frame.messageId, frame.code, frame.reason, { silent: !frame.answerable });
  }
}

/** Keeps what was refused, and answers it with a CALLERROR unless there is nothing to answer. */
function refuse(
  context: Context,
  connection: Connection,
  text: string,
  messageId: string | undefined,
  code: RpcErrorCode,
  reason: string,
  options: { silent?: boolean; action?: string } = {},
): void {
  const { stationId, protocol } = connection;
  const response =
    options.silent === true || messageId === undefined ? undefined : errorText(protocol, messageId, code, reason);
  record(context, {
    kind: "ocpp.rejected",
    stationId,
    protocol,
    ...given("action", options.action),
    request: text.slice(0, OCPP_REJECTED_BYTES_MAX),
    ...given("response", response),
    code,
    reason: reason.slice(0, 500),
  });
  log(context, "warn", "station message refused", { stationId, action: options.action, code, reason });
  if (response !== undefined) effect(context, { kind: "send", connectionId: connection.connectionId, text: response });
}

function onCall(context: Context, connection: Connection, frame: CallFrame, text: string): void {
  const { protocol } = connection;
  const repeated = connection.answered.find((a) => a.messageId === frame.messageId && a.request === text);
  if (repeated !== undefined) {
    effect(context, { kind: "send", connectionId: connection.connectionId, text: repeated.response });
    return;
  }
  // The same frame again while the first one still waits for the cloud: one answer will do.
  for (const pending of context.state.live.pending.values()) {
    if (pending.connectionId === connection.connectionId && pending.frameText === text) return;
  }
  if (!isKnownAction(protocol, frame.action)) {
    refuse(context, connection, text, frame.messageId, "NotImplemented", `unknown action ${frame.action}`, {
      action: frame.action,
    });
    return;
  }
  const violation = checkPayload(protocol, frame.action, "Request", frame.payload);
  if (violation === undefined) {
    onMessage(context, connection, frame, text, []);
    return;
  }
  const salvaged = salvageStop(connection, frame);
  if (salvaged !== undefined) {
    onMessage(context, connection, { ...frame, payload: salvaged }, text, ["schema-violation"]);
    return;
  }
  refuse(context, connection, text, frame.messageId, violation.code, violation.reason, { action: frame.action });
}

/**
 * OCPP 1.6 §4.10: a StopTransaction is answered with a result, whatever else is in it. Refusing one makes stations repeat
 * it for ever and leaves the driver unbilled; what matters is three fields.
 */
function salvageStop(connection: Connection, frame: CallFrame): Record<string, unknown> | undefined {
  if (connection.protocol !== "ocpp1.6" || frame.action !== "StopTransaction") return undefined;
  const { transactionId, meterStop, timestamp } = frame.payload;
  const payload = { transactionId, meterStop, timestamp };
  return checkPayload("ocpp1.6", "StopTransaction", "Request", payload) === undefined ? payload : undefined;
}

function onMessage(context: Context, connection: Connection, frame: CallFrame, text: string, flags: string[]): void {
  const message = dialectOf(connection.protocol).read(frame.action, frame.payload);
  switch (message.kind) {
    case "authorize":
      if (!askFirst(context, connection, frame, text, message)) {
        answerAuthorize(context, connection, frame, text, message, undefined);
      }
      return;
    case "transaction":
      onTransaction(context, connection, frame, text, message, flags);
      return;
    case "sampled": {
      const found =
        message.ocppTransactionId === undefined
          ? openOnEvse(context.state, connection.stationId, message.evseId)
          : findByWireId(context.state, connection.stationId, message.ocppTransactionId)?.transactionId;
      const extra = { basis: "none" as const, ...given("transactionId", found) };
      plain(context, connection, frame, text, message, { extra, telemetry: true });
      return;
    }
    case "heartbeat":
      plain(context, connection, frame, text, message, { silent: true });
      return;
    case "status": {
      const silent = sameStatus(context, connection, message);
      plain(context, connection, frame, text, message, { extra: { basis: "none" }, silent });
      return;
    }
    case "booted":
    case "data":
    case "other":
      plain(context, connection, frame, text, message, { extra: { basis: "none" } });
  }
}

function sameStatus(context: Context, connection: Connection, message: Extract<StationMessage, { kind: "status" }>) {
  const known = context.state.durable.stations
    .get(connection.stationId)
    ?.connectors.get(`${message.evseId}:${message.connectorId}`);
  return (
    known !== undefined &&
    known.status === message.status &&
    known.detail === message.detail &&
    known.errorCode === message.errorCode
  );
}

/** Messages whose answer needs no decision. `silent`: nothing new, so nothing is journalled. */
function plain(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  message: StationMessage,
  options: { extra?: Extra; telemetry?: boolean; silent?: boolean },
): void {
  const { identity } = context.state;
  const payload = dialectOf(connection.protocol).plainAnswer(frame.action, {
    currentTime: formatTime(bestTime(context)),
    heartbeatIntervalS: identity.heartbeatIntervalS,
  });
  if (payload === undefined) {
    const reason = `${frame.action} is not for a CSMS, or not supported`;
    refuse(context, connection, text, frame.messageId, "NotSupported", reason, { action: frame.action });
    return;
  }
  answer(context, connection, frame, text, message, payload, options);
}

/** Journals the message with its answer and sends the answer once that is committed. */
function answer(
  context: Context,
  connection: Connection,
  frame: { messageId: string; action: string },
  text: string,
  message: StationMessage,
  payload: object,
  options: { extra?: Extra; telemetry?: boolean; silent?: boolean } = {},
): void {
  const { now } = context;
  const { stationId, protocol, connectionId } = connection;
  const response = resultText(frame.messageId, payload);
  if (options.silent !== true) {
    const handled = { message, answer: payload as Record<string, unknown> };
    const draining = now.upMs - connection.lastReplyUpMs < BURST_MS;
    record(
      context,
      {
        kind: "ocpp.handled",
        stationId,
        protocol,
        action: frame.action,
        request: text,
        response,
        ...(options.extra ?? {}),
      },
      { handled, telemetry: options.telemetry === true && !draining },
    );
  }
  connection.lastReplyUpMs = now.upMs;
  connection.answered.push({ messageId: frame.messageId, request: text, response });
  if (connection.answered.length > ANSWERS_KEPT) connection.answered.shift();
  effect(context, { kind: "send", connectionId, text: response });
  if (!connection.talked) {
    connection.talked = true;
    onStationReady(context, connection);
  }
}

function onTransaction(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  message: TransactionMessage,
  flags: string[],
): void {
  if (answerRepeat(context, connection, frame, text, message)) return;
  if (message.event !== "Ended" && message.idToken !== undefined && !isReplayed(context, message)) {
    if (askFirst(context, connection, frame, text, message)) return;
  }
  answerTransaction(context, connection, frame, text, message, { told: undefined, flags });
}

/** A message that was answered before gets its first answer again, under whatever message id it comes. */
function answerRepeat(
  context: Context,
  connection: Connection,
  frame: { messageId: string; action: string },
  text: string,
  message: TransactionMessage,
): boolean {
  const { state } = context;
  const key = contentKey(message);
  const recent = stationOf(state.durable, connection.stationId, connection.protocol).recent;
  const before = recent.findLast((r) => r.key === key);
  const known = findByWireId(state, connection.stationId, message.ocppTransactionId ?? "");
  const transactionId = before?.transactionId ?? (known?.open?.lastEventKey === key ? known.transactionId : undefined);
  if (transactionId === undefined) return false;
  const extra: Extra = { basis: "repeat", transactionId, flags: ["repeat"] };
  answer(context, connection, frame, text, message, (before?.payload ?? {}) as object, { extra });
  return true;
}

function answerTransaction(
  context: Context,
  connection: Connection,
  frame: { messageId: string; action: string },
  text: string,
  message: TransactionMessage,
  options: { told: Decision | undefined; flags: string[] },
): void {
  const { state } = context;
  const station = stationOf(state.durable, connection.stationId, connection.protocol);
  const resolved = resolveTransaction(context, station, message);
  const { decision, basis } = decideTransaction(context, message, resolved.open, options.told);
  const wireId =
    message.event === "Started" && message.ocppTransactionId === undefined
      ? String(takeTransactionId(state, station))
      : message.ocppTransactionId;
  const payload = dialectOf(connection.protocol).transactionAnswer(message.event, decision, wireId);
  const flags = [...options.flags, ...resolved.flags, ...decisionFlags(decision)];
  const extra: Extra = { basis, ...transactionFields(resolved.transactionId, flags) };
  answer(context, connection, frame, text, message, payload, {
    extra,
    telemetry: message.event === "Updated" && message.idToken === undefined,
  });
}

function answerAuthorize(
  context: Context,
  connection: Connection,
  frame: { messageId: string; action: string },
  text: string,
  message: Extract<StationMessage, { kind: "authorize" }>,
  told: Decision | undefined,
): void {
  const decision = told ?? decideLocally(context, message.idToken.idToken, "authorize");
  const flags = decisionFlags(decision);
  const extra: Extra = { basis: told === undefined ? "policy" : "sg", ...given("flags", flags.length ? flags : undefined) };
  const payload = dialectOf(connection.protocol).authorizeAnswer(decision);
  answer(context, connection, frame, text, message, payload, { extra });
}

/** Asks the cloud where that is worth it. @returns true when the answer now waits for the cloud or the deadline. */
function askFirst(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  message: PendingDecision["message"],
): boolean {
  const { live, identity } = context.state;
  const idToken = message.idToken?.idToken;
  if (identity.authorization !== "online-first" || !live.uplink.up || !live.uplink.present) return false;
  if (idToken === undefined || idToken === "") return false;
  const correlationId = newId(context);
  live.pending.set(correlationId, {
    correlationId,
    connectionId: connection.connectionId,
    frameText: text,
    messageId: frame.messageId,
    action: frame.action,
    message,
    deadlineUpMs: context.now.upMs + ASK_DEADLINE_MS,
  });
  const purpose = message.kind === "authorize" ? "authorize" : "start";
  const question = { kind: "authorize" as const, purpose, stationId: connection.stationId, idToken } as const;
  effect(context, { kind: "publish.ask", ask: { v: 1, correlationId, question } });
  return true;
}

/** The cloud has answered, or the deadline has passed (`told` undefined): the station gets its answer. */
export function onDecided(context: Context, correlationId: string, told: Decision | undefined): void {
  const { live } = context.state;
  const pending = live.pending.get(correlationId);
  if (pending === undefined) return;
  live.pending.delete(correlationId);
  const connection = live.connections.get(pending.connectionId);
  if (connection === undefined) return;
  const { message, frameText } = pending;
  if (message.kind === "authorize") answerAuthorize(context, connection, pending, frameText, message, told);
  else if (!answerRepeat(context, connection, pending, frameText, message)) {
    answerTransaction(context, connection, pending, frameText, message, { told, flags: [] });
  }
}

/** Questions whose time is up are decided at the site; the cloud is not asked again until it is heard. */
export function onDecisionTick(context: Context): void {
  const { live } = context.state;
  for (const pending of [...live.pending.values()]) {
    if (pending.deadlineUpMs > context.now.upMs) continue;
    live.uplink.present = false;
    onDecided(context, pending.correlationId, undefined);
  }
}
