/**
 * Answers to stations: every one leaves together with the entry that holds it, after the commit.
 *
 * What is refused is kept as it came, cut to a bound.
 */
import type { EntryOf } from "../../shared/entry.ts";
import { given } from "../../shared/given.ts";
import { COMMIT_LINGER_MS, OCPP_REJECTED_BYTES_MAX } from "../../shared/limits.ts";
import { errorText, resultText, type RpcErrorCode } from "../../shared/ocpp/frame.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { maskFrame } from "../../shared/ocpp/secrets.ts";
import { onObserved, onStationReady } from "./command.ts";
import { effect, log, record, type Context } from "./context.ts";
import type { Connection } from "./types.ts";

/** What an entry says besides the frames. */
export type Extra = Partial<
  Pick<
    EntryOf<"ocpp.handled">,
    "basis" | "decision" | "assumed" | "tariff" | "stateAtStart" | "transactionId" | "flags"
  >
>;

/** A CALL that gets its answer, and what had to be tolerated to read it. */
export type Answered = { messageId: string; action: string; flags?: readonly string[] };

const ANSWERS_KEPT = 4;
/**
 * A station that speaks again this soon after the last time, an answer that lingered included, and so several
 * times in a row, is emptying its queue: let it go on at once.
 */
const BURST_MS = COMMIT_LINGER_MS + 100;
const BURST_MESSAGES = 4;
/** As many as the entry's schema allows. */
const FLAGS_MAX = 16;

/** Keeps what was refused, and answers it with a CALLERROR unless there is nothing to answer. */
export function refuse(
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
    options.silent === true || messageId === undefined
      ? undefined
      : errorText(protocol, messageId, code, reason);
  record(context, {
    kind: "ocpp.rejected",
    stationId,
    protocol,
    ...given("action", options.action),
    request: maskFrame(options.action ?? "", text).slice(0, OCPP_REJECTED_BYTES_MAX),
    ...given("response", response),
    code,
    reason: reason.slice(0, 500),
  });
  log(context, "warn", "station message refused", { stationId, action: options.action, code, reason });
  if (response !== undefined)
    effect(context, { kind: "send", connectionId: connection.connectionId, text: response });
}

/** Journals the message with its answer and sends the answer once that is committed. */
export function answer(
  context: Context,
  connection: Connection,
  frame: Answered,
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
    const soon = now.upMs - connection.lastReplyUpMs < BURST_MS;
    connection.burst = soon ? connection.burst + 1 : 0;
    const draining = connection.burst >= BURST_MESSAGES;
    record(
      context,
      {
        kind: "ocpp.handled",
        stationId,
        protocol,
        action: frame.action,
        // As it came, but for passwords that a station tells of itself.
        request: maskFrame(frame.action, text),
        response,
        ...(options.extra ?? {}),
        ...given("flags", flagsOf(frame, options.extra)),
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
  if (options.silent !== true && options.extra?.basis !== "repeat")
    observe(context, stationId, message, options.extra?.transactionId);
}

/** What a person should know of it; as many as an entry holds. */
function flagsOf({ flags: tolerated = [] }: Answered, extra: Extra = {}): string[] | undefined {
  const flags = [...new Set([...(extra.flags ?? []), ...tolerated])];
  return flags.length === 0 ? undefined : flags.slice(0, FLAGS_MAX);
}

/** What the message shows to have happened, for commands whose own answer never came. */
function observe(
  context: Context,
  stationId: string,
  message: StationMessage,
  transactionId: string | undefined,
): void {
  // Many stations say a boot after every lost connection: only a stated reason proves a reset (OCPP 2.x).
  const afterReset = message.kind === "booted" && /^(Remote|Scheduled)Reset$/.test(message.reason ?? "");
  if (afterReset) onObserved(context, stationId, { kind: "booted" });
  if (message.kind !== "transaction" || transactionId === undefined) return;
  if (message.event === "Ended") onObserved(context, stationId, { kind: "ended", transactionId });
  else if (message.idToken !== undefined) {
    const { evseId, idToken } = message;
    onObserved(context, stationId, { kind: "started", idToken: idToken.idToken, evseId });
  }
}
