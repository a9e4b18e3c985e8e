/**
 * From what the cloud says to how it looks: one state per thing, with one icon and one tone everywhere.
 * Pure; the words are in the message files under the same names.
 */
import type { CommandView, Connector, Message, Meter, Station, Transaction } from "../../api/schemas.ts";

/** `accent`: energy flows. `amber`: somebody should look. `red`: broken. `quiet`: nothing to say. */
export type Tone = "accent" | "neutral" | "quiet" | "amber" | "red";

export type ConnectorState =
  | "free"
  | "charging"
  | "waiting"
  | "occupied"
  | "reserved"
  | "unavailable"
  | "faulted"
  | "unknown";

/** What a person saw when standing in front of the connector, the last time the station said so. */
export function connectorState(connector: Connector): ConnectorState {
  switch (connector.status) {
    case "Available":
      return "free";
    case "Reserved":
      return "reserved";
    case "Unavailable":
      return "unavailable";
    case "Faulted":
      return "faulted";
    case "Occupied":
      return occupiedState(connector);
    default:
      return "unknown";
  }
}

const WAITING = new Set(["Preparing", "EVConnected", "SuspendedEV", "SuspendedEVSE", "Finishing", "Idle"]);

function occupiedState(connector: Connector): ConnectorState {
  if (connector.detail !== null && WAITING.has(connector.detail)) return "waiting";
  if (connector.detail === "Charging") return "charging";
  if (connector.transactionId === null) return "occupied";
  return connector.powerW === 0 ? "waiting" : "charging";
}

export type IconName =
  | "bolt"
  | "circle"
  | "pause"
  | "plug"
  | "bookmark"
  | "ban"
  | "alert"
  | "offline"
  | "question"
  | "check"
  | "clock"
  | "x"
  | "send"
  | "in"
  | "out"
  | "dot"
  | "block";

export const CONNECTOR_LOOK: Record<ConnectorState, { icon: IconName; tone: Tone }> = {
  free: { icon: "circle", tone: "neutral" },
  charging: { icon: "bolt", tone: "accent" },
  waiting: { icon: "pause", tone: "neutral" },
  occupied: { icon: "plug", tone: "neutral" },
  reserved: { icon: "bookmark", tone: "neutral" },
  unavailable: { icon: "ban", tone: "quiet" },
  faulted: { icon: "alert", tone: "red" },
  unknown: { icon: "question", tone: "quiet" },
};

export type OnlineState = "online" | "offline";
export const ONLINE_LOOK: Record<OnlineState, { icon: IconName; tone: Tone }> = {
  online: { icon: "check", tone: "neutral" },
  offline: { icon: "offline", tone: "amber" },
};

/** Held is `Pending` or `Rejected`: nobody may start there. */
export const REGISTRATION_LOOK: Record<Station["registration"], { icon: IconName; tone: Tone }> = {
  Accepted: { icon: "check", tone: "neutral" },
  Pending: { icon: "pause", tone: "amber" },
  Rejected: { icon: "ban", tone: "red" },
};

export const METER_LOOK: Record<Meter["state"], { icon: IconName; tone: Tone }> = {
  ok: { icon: "check", tone: "neutral" },
  lost: { icon: "offline", tone: "amber" },
  unknown: { icon: "question", tone: "quiet" },
};

export type TransactionState =
  | "charging"
  | "waiting"
  | "ended"
  | "unseen"
  | "review"
  | "merged"
  | "writtenOff";

/** What a person has decided stands; else a transaction that a person must look at says so first. */
export function transactionState(transaction: Transaction): TransactionState {
  if (transaction.mergedInto !== null) return "merged";
  if (transaction.writtenOff) return "writtenOff";
  if (transaction.needsReview) return "review";
  if (transaction.endedUnseen) return "unseen";
  if (transaction.status === "ended") return "ended";
  const state = transaction.chargingState;
  return (state !== null && WAITING.has(state)) || transaction.powerW === 0 ? "waiting" : "charging";
}

export const TRANSACTION_LOOK: Record<TransactionState, { icon: IconName; tone: Tone }> = {
  charging: { icon: "bolt", tone: "accent" },
  waiting: { icon: "pause", tone: "neutral" },
  ended: { icon: "check", tone: "quiet" },
  unseen: { icon: "clock", tone: "neutral" },
  review: { icon: "alert", tone: "amber" },
  merged: { icon: "in", tone: "quiet" },
  writtenOff: { icon: "ban", tone: "quiet" },
};

export type CommandState =
  | "pending"
  | "sent"
  | "accepted"
  | "succeeded"
  | "rejected"
  | "failed"
  | "expired"
  | "uncertain"
  | "superseded";

export const COMMAND_LOOK: Record<CommandState, { icon: IconName; tone: Tone }> = {
  pending: { icon: "clock", tone: "neutral" },
  sent: { icon: "send", tone: "neutral" },
  accepted: { icon: "send", tone: "neutral" },
  succeeded: { icon: "check", tone: "accent" },
  rejected: { icon: "x", tone: "amber" },
  failed: { icon: "alert", tone: "red" },
  expired: { icon: "clock", tone: "amber" },
  uncertain: { icon: "question", tone: "amber" },
  superseded: { icon: "in", tone: "quiet" },
};

export type CommandStep = {
  name: CommandState;
  at: string | null;
  /** `done`: behind us, `now`: where it stands, `skipped`: never reached, `next`: to come. */
  phase: "done" | "now" | "skipped" | "next";
};

/** The four steps of a command's life; the last one is the outcome, once there is one. */
export function commandSteps(command: CommandView): CommandStep[] {
  const status = command.status as CommandState;
  const outcome = command.finishedAt !== null || !["pending", "sent", "accepted"].includes(status);
  const reached: [CommandState, string | null][] = [
    ["pending", command.issuedAt],
    ["sent", command.sentAt],
    ["accepted", command.acceptedAt],
  ];
  const steps = reached.map(([name, at]): CommandStep => {
    if (outcome) return { name, at, phase: at === null ? "skipped" : "done" };
    if (name === status) return { name, at, phase: "now" };
    return { name, at, phase: at === null ? "next" : "done" };
  });
  return [
    ...steps,
    outcome
      ? { name: status, at: command.finishedAt, phase: "now" }
      : { name: "succeeded", at: null, phase: "next" },
  ];
}

export const isFinished = (command: CommandView) => commandSteps(command).at(-1)?.phase === "now";

export type MessageState = "handled" | "called" | "rejected" | "failed" | "online" | "offline";

/** A call of ours that got no answer is `failed`: `reason` says why. */
export function messageState(message: Message): MessageState {
  switch (message.kind) {
    case "ocpp.rejected":
      return "rejected";
    case "ocpp.called":
      return message.response === null || isCallError(message.response) ? "failed" : "called";
    case "station.online":
      return "online";
    case "station.offline":
      return "offline";
    default:
      return "handled";
  }
}

/** OCPP-J: a CALLERROR is an array that begins with 4. */
const isCallError = (frame: string) => /^\s*\[\s*4\s*,/.test(frame);

export const MESSAGE_LOOK: Record<MessageState, { icon: IconName; tone: Tone }> = {
  handled: { icon: "in", tone: "quiet" },
  called: { icon: "out", tone: "neutral" },
  rejected: { icon: "x", tone: "red" },
  failed: { icon: "alert", tone: "amber" },
  online: { icon: "check", tone: "neutral" },
  offline: { icon: "offline", tone: "amber" },
};
