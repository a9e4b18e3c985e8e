/**
 * What a station says, from its socket to the answer: connections, frames, CALLs.
 *
 * Invariants: one connection per station counts (the newest); a CALL gets exactly one answer, after the
 * commit that holds it; what is refused is kept as it came; one bad message never costs the socket.
 */
import { parseFrame } from "../../shared/ocpp/frame.ts";
import { checkPayload, isKnownAction } from "../../shared/ocpp/schemas.ts";
import { refuse } from "./answer.ts";
import { onCallAnswer } from "./calls.ts";
import { onStationGone } from "./command.ts";
import { effect, record, type Context } from "./context.ts";
import { onMessage, type CallFrame } from "./message.ts";
import type { Connection, Input } from "./types.ts";

export function onConnected(context: Context, input: Extract<Input, { kind: "station.connected" }>): void {
  const { live } = context.state;
  const { connectionId, stationId, protocol, remoteAddress } = input;
  const before = live.byStation.get(stationId);
  if (before !== undefined) {
    effect(context, {
      kind: "close",
      connectionId: before,
      code: 1008,
      reason: "replaced by a newer connection",
    });
    dropConnection(context, before, "replaced by a newer connection");
  }
  live.connections.set(connectionId, {
    connectionId,
    stationId,
    protocol,
    openedUpMs: context.now.upMs,
    talked: false,
    toldStatus: false,
    named: new Set(),
    resumed: false,
    lastMessageAt: context.now.at,
    lastReplyUpMs: Number.NEGATIVE_INFINITY,
    burst: 0,
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
  for (const [id, pending] of live.pending)
    if (pending.connectionId === connectionId) live.pending.delete(id);
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
      refuse(context, connection, text, frame.messageId, frame.code, frame.reason, {
        silent: !frame.answerable,
      });
  }
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
  refuse(context, connection, text, frame.messageId, violation.code, violation.reason, {
    action: frame.action,
  });
}

/**
 * OCPP 1.6 §4.10: a StopTransaction is answered with a result, whatever else is in it. Refusing one makes
 * stations repeat it for ever and leaves the driver unbilled; what matters is three fields.
 */
function salvageStop(connection: Connection, frame: CallFrame): Record<string, unknown> | undefined {
  if (connection.protocol !== "ocpp1.6" || frame.action !== "StopTransaction") return undefined;
  const { transactionId, meterStop, timestamp } = frame.payload;
  const payload = { transactionId, meterStop, timestamp };
  return checkPayload("ocpp1.6", "StopTransaction", "Request", payload) === undefined ? payload : undefined;
}
