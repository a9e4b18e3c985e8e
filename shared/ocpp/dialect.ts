/**
 * One OCPP version as seen by the ER and the SG: reading messages, answering them, calling the station.
 *
 * A dialect translates and nothing else: it decides nothing, keeps no state and reads no clock.
 * Payloads given to `read` and `outcome` have passed the official schema.
 */
import type { CommandBody } from "../command.ts";
import type { Decision } from "../decide/authorize.ts";
import type { CommandOutcome, Protocol } from "../entry.ts";
import type { StationMessage } from "./message.ts";
import { v16 } from "./v16.ts";
import { v201 } from "./v201.ts";

export type Call = { action: string; payload: Record<string, unknown> };
export type Refusal = { refused: string };

/** What a dialect must know about our side to turn a command into a call. */
export type CallContext = {
  /** The station's name for an open transaction of ours, if it is open on that station. */
  ocppTransactionId(transactionId: string): string | undefined;
  /** A positive 32-bit integer, unique enough for remoteStartId. */
  requestId: number;
};

export type Dialect = {
  /** Station → us. Actions of the standard that say nothing to the core are `other`. */
  read(action: string, payload: Record<string, unknown>): StationMessage;
  /** Fixed answers: everything that needs no decision. undefined: the action is not for a CSMS. */
  plainAnswer(action: string, now: { currentTime: string; heartbeatIntervalS: number }): object | undefined;
  authorizeAnswer(decision: Decision): object;
  /** Answer to a transaction message. `ocppTransactionId` only where the CSMS chooses it. */
  transactionAnswer(
    event: "Started" | "Updated" | "Ended",
    decision: Decision | undefined,
    ocppTransactionId: string | undefined,
  ): object;
  toCall(command: CommandBody, context: CallContext): Call | Refusal;
  /** The station's answer to such a call → how the command ended. */
  outcome(action: string, payload: Record<string, unknown>): { status: CommandOutcome; reason?: string };
};

export function dialectOf(protocol: Protocol): Dialect {
  return protocol === "ocpp1.6" ? v16 : v201;
}
