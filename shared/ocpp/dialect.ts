/**
 * One OCPP version as seen by the ER and the SG: reading messages, answering them, calling the station.
 *
 * A dialect translates and nothing else: it decides nothing, keeps no state and reads no clock.
 * Payloads given to `read` and `outcome` have passed the official schema.
 */
import type { CommandBody } from "../command.ts";
import type { Decision } from "../decide/authorize.ts";
import type { CommandOutcome, Protocol } from "../entry.ts";
import type { StationMessage, StationVariable } from "./message.ts";
import { v16 } from "./v16.ts";
import { v201 } from "./v201.ts";
import { v21 } from "./v21.ts";

export type Call = { action: string; payload: Record<string, unknown> };
export type Refusal = { refused: string };

/** What a dialect must know about our side to turn a command into a call. */
export type CallContext = {
  /** The station's name for an open transaction of ours, if it is open on that station. */
  ocppTransactionId(transactionId: string): string | undefined;
  /** A positive 32-bit integer, unique enough for remoteStartId and for the ids of reports. */
  requestId: number;
  /** The time for "at once", as text. */
  now: string;
  /** A reservation that has no id yet gets this one. */
  reservationId?: number;
};

export type Dialect = {
  /** Station → us. Actions of the standard that say nothing to the core are `other`. */
  read(action: string, payload: Record<string, unknown>): StationMessage;
  /** Fixed answers: everything that needs no decision. undefined: the action is not for a CSMS. */
  plainAnswer(
    action: string,
    now: { currentTime: string; heartbeatIntervalS: number },
    payload?: Record<string, unknown>,
  ): object | undefined;
  /** @param certificateStatus what the cloud says of a contract certificate, where one was shown. */
  authorizeAnswer(decision: Decision, certificateStatus?: string): object;
  /** Answer to a transaction message. `ocppTransactionId` only where the CSMS chooses it. */
  transactionAnswer(
    event: "Started" | "Updated" | "Ended",
    decision: Decision | undefined,
    ocppTransactionId: string | undefined,
    /** What it costs so far, or has cost, where that is known: decimal, with tax. */
    totalCost?: number,
  ): object;
  toCall(command: CommandBody, context: CallContext): Call | Refusal;
  /** The station's answer to such a call → how the command ended. */
  outcome(action: string, payload: Record<string, unknown>): { status: CommandOutcome; reason?: string };
  /** What an answered call tells of the station's configuration: values read, or written and accepted. */
  variables(
    action: string,
    request: Record<string, unknown>,
    response: Record<string, unknown>,
  ): StationVariable[];
};

const DIALECTS: Record<Protocol, Dialect> = { "ocpp1.6": v16, "ocpp2.0.1": v201, "ocpp2.1": v21 };

export const dialectOf = (protocol: Protocol): Dialect => DIALECTS[protocol];

/** Messages of a station whose answer needs a decision; all others are in `plainAnswer`. */
const DECIDED = new Set(["Authorize", "StartTransaction", "StopTransaction", "TransactionEvent"]);

/** Whether a CSMS has to answer this action. In each version every other action is one that a CSMS sends. */
export function isFromStation(protocol: Protocol, action: string): boolean {
  if (DECIDED.has(action)) return true;
  const now = { currentTime: "", heartbeatIntervalS: 0 };
  return dialectOf(protocol).plainAnswer(action, now) !== undefined;
}
