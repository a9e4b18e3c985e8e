/**
 * What a station says, from its socket to the answer: connections, frames, CALLs.
 *
 * Invariants: one connection per station counts (the newest); a CALL gets exactly one answer, after the
 * commit that holds it; what is refused is kept as it came; one bad message never costs the socket.
 */
import type { Protocol } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { readFrame, readPayload } from "../../shared/ocpp/read-call.ts";
import { isKnownAction } from "../../shared/ocpp/schemas.ts";
import { refuse } from "./answer.ts";
import { onBrokenAnswer, onCallAnswer } from "./calls.ts";
import { onStationGone } from "./command.ts";
import { effect, record, type Context } from "./context.ts";
import { zoneOffsetOf } from "./habits.ts";
import { onDecided, onMessage, type CallFrame } from "./message.ts";
import { refusedWhileHeld } from "./registration.ts";
import type { Connection, Input } from "./types.ts";

export function onConnected(context: Context, input: Extract<Input, { kind: "station.connected" }>): void {
  const { live } = context.state;
  const { connectionId, stationId, protocol, remoteAddress, passwordMark } = input;
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
  const shown = given("passwordMark", passwordMark);
  record(context, { kind: "station.online", stationId, protocol, remoteAddress, ...shown });
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
  const { frame, flags } = readFrame(text);
  switch (frame.type) {
    case "call":
      onCall(context, connection, { ...frame, flags }, text);
      return;
    case "result":
    case "error":
      onCallAnswer(context, connection, frame, text);
      return;
    case "malformed":
      refuse(context, connection, text, frame.messageId, frame.code, frame.reason, {
        silent: !frame.answerable,
      });
      onBrokenAnswer(context, connection, frame.messageId);
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
  const { stationId } = connection;
  const { action, messageId } = frame;
  const read = readPayload(protocol, action, frame.payload, zoneOffsetOf(context, stationId));
  if (!("payload" in read)) {
    const reason = isKnownAction(protocol, action) ? read.reason : `unknown action ${action}`;
    refuse(context, connection, text, messageId, read.code, reason, { action });
    return;
  }
  if (read.protocol !== protocol) switchProtocol(context, connection, read.protocol);
  if (action === "BootNotification") connection.booted = true;
  const held = refusedWhileHeld(context, connection, action, read.payload);
  if (held !== undefined)
    return refuse(context, connection, text, messageId, "SecurityError", held, { action });
  const flags = [...(frame.flags ?? []), ...read.flags];
  onMessage(context, connection, { ...frame, payload: read.payload, flags }, text, []);
}

/** It speaks what it speaks, whatever it negotiated: from here on, on this connection. */
function switchProtocol(context: Context, connection: Connection, protocol: Protocol): void {
  const { connectionId, stationId } = connection;
  // What it has asked before is answered as it was asked.
  for (const pending of [...context.state.live.pending.values()])
    if (pending.connectionId === connectionId) onDecided(context, pending.correlationId, undefined);
  connection.protocol = protocol;
  record(context, { kind: "station.online", stationId, protocol });
}
