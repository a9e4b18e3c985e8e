/**
 * What a station's message means for the site: decide, ask the cloud first where that is worth it, answer.
 *
 * Every message that is not refused gets one answer; one that repeats an answered message gets the first
 * answer again.
 */
import type { Decision } from "../../shared/decide/authorize.ts";
import { given } from "../../shared/given.ts";
import {
  ASK_DEADLINE_MS,
  ASKED_TOKEN_LENGTH_MAX,
  PASS_ON_DEADLINE_MS,
  PENDING_PER_STATION_MAX,
} from "../../shared/limits.ts";
import { toDecimal } from "../../shared/ocpp/cost.ts";
import { dialectOf } from "../../shared/ocpp/dialect.ts";
import type { Frame } from "../../shared/ocpp/frame.ts";
import type { StationMessage } from "../../shared/ocpp/message.ts";
import { readFrame } from "../../shared/ocpp/read-call.ts";
import { checkPayload } from "../../shared/ocpp/schemas.ts";
import { formatTime } from "../../shared/time.ts";
import type { Answer, Question } from "../../shared/wire.ts";
import { answer, refuse, type Answered, type Extra } from "./answer.ts";
import { onStationTime, onTimeTold } from "./clock.ts";
import { bestTime, effect, newId, type Context } from "./context.ts";
import { isKnownStatus, stateAtStart } from "./connector-word.ts";
import { costToTell, readOffer, tariffToTell, tellFinalCost, tellUserPrice } from "./cost.ts";
import { contentKey, readingKey, stationOf } from "./fold-message.ts";
import {
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
import { onMasterToken } from "./master.ts";
import { basisOf, decideLocally, refuseForWantOfRoom } from "./policy.ts";
import { holdIfWanted, refuseWhileHeld } from "./registration.ts";
import type { Connection, PassedOn, PendingDecision } from "./types.ts";

/** `flags`: what had to be tolerated to read it. */
export type CallFrame = Extract<Frame, { type: "call" }> & { flags?: readonly string[] };

/** What the cloud has said to a question about a station's message. */
type Told = Exclude<Answer["answer"], { kind: "lease" }>;

export function onMessage(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  flags: string[],
): void {
  const message = dialectOf(connection.protocol).read(frame.action, frame.payload);
  hearTime(context, connection, message);
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
          ? openOnEvse(context.state, connection, message.evseId)
          : findByWireId(context.state, connection.stationId, message.ocppTransactionId)?.transactionId;
      if (found !== undefined) connection.named.add(found);
      const before = context.state.durable.transactions.get(found ?? "")?.lastReadingKey;
      const repeated = before !== undefined && before === readingKey(message);
      const extra: Extra = {
        basis: repeated ? "repeat" : "none",
        ...given("transactionId", found),
        ...given("flags", repeated ? ["repeat"] : undefined),
      };
      plain(context, connection, frame, text, message, { extra, telemetry: true });
      return;
    }
    case "heartbeat":
      plain(context, connection, frame, text, message, { silent: true });
      return;
    case "status": {
      const silent = isKnownStatus(context.state.durable, connection.stationId, message);
      plain(context, connection, frame, text, message, { extra: { basis: "none" }, silent });
      return;
    }
    case "pass-on":
    case "charging-needs":
      if (!passOn(context, connection, frame, text, message))
        plain(context, connection, frame, text, message, { extra: { basis: "none" } });
      return;
    default:
      plain(context, connection, frame, text, message, { extra: { basis: "none" } });
  }
}

/** The station's time, where the message tells what happens now. */
function hearTime(context: Context, connection: Connection, message: StationMessage): void {
  if (message.kind === "status") connection.toldStatus = true;
  // 1.6 does not say of a transaction message whether it was queued.
  const live =
    message.kind === "status" ||
    (message.kind === "transaction" && message.seqNo !== undefined && message.offline !== true);
  if (live && message.at !== undefined) onStationTime(context, connection, message.at);
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
  const now = {
    currentTime: formatTime(bestTime(context)),
    heartbeatIntervalS: identity.heartbeatIntervalS,
  };
  const payload = dialectOf(connection.protocol).plainAnswer(frame.action, now, frame.payload);
  if (payload === undefined) {
    const reason = `${frame.action} is not for a CSMS, or not supported`;
    refuse(context, connection, text, frame.messageId, "NotSupported", reason, { action: frame.action });
    return;
  }
  if (message.kind === "booted") holdIfWanted(context, connection.stationId, payload);
  const { protocol } = connection;
  const odd =
    frame.flags?.length === 0 ? undefined : checkPayload(protocol, frame.action, "Response", payload);
  // What was tolerated may be what the answer has to repeat: writing is strict.
  if (odd !== undefined) {
    const { frame: raw } = readFrame(text);
    const asked = raw.type === "call" ? raw.payload : {};
    const { code, reason } = checkPayload(protocol, frame.action, "Request", asked) ?? odd;
    refuse(context, connection, text, frame.messageId, code, reason, { action: frame.action });
    return;
  }
  if (message.kind === "booted" || message.kind === "heartbeat") onTimeTold(context, connection.stationId);
  answer(context, connection, frame, text, message, payload, options);
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
  frame: Answered,
  text: string,
  message: TransactionMessage,
): boolean {
  const { state } = context;
  const key = contentKey(message);
  const recent = stationOf(state.durable, connection.stationId, connection.protocol).recent;
  // Without a time a new start looks like the one before: it is, once that has ended.
  const anew = message.event === "Started" && message.seqNo === undefined && message.at === undefined;
  const before = recent.findLast(
    (r) => r.key === key && !(anew && !state.durable.transactions.has(r.transactionId)),
  );
  const known = findByWireId(state, connection.stationId, message.ocppTransactionId ?? "");
  const transactionId =
    before?.transactionId ?? (known?.open?.lastEventKey === key ? known.transactionId : undefined);
  if (transactionId === undefined) return false;
  if (message.event !== "Ended") connection.named.add(transactionId);
  const extra: Extra = { basis: "repeat", transactionId, flags: ["repeat"] };
  answer(context, connection, frame, text, message, (before?.payload ?? {}) as object, { extra });
  return true;
}

function answerTransaction(
  context: Context,
  connection: Connection,
  frame: Answered,
  text: string,
  message: TransactionMessage,
  options: { told: Decision | undefined; flags: string[] },
): void {
  const { state } = context;
  const station = stationOf(state.durable, connection.stationId, connection.protocol);
  const resolved = resolveTransaction(context, station, message);
  if (message.event === "Ended") connection.named.delete(resolved.transactionId);
  else connection.named.add(resolved.transactionId);
  const { decision, basis } = decideTransaction(
    context,
    connection.stationId,
    message,
    resolved.open,
    options.told,
  );
  const wireId =
    message.event === "Started" && message.ocppTransactionId === undefined
      ? String(takeTransactionId(state, station))
      : message.ocppTransactionId;
  const tariff = tariffToTell(context, connection.stationId, message, resolved.open, decision);
  const open = resolved.open && { ...resolved.open, ...given("tariff", tariff) };
  const price = costToTell(context, connection.stationId, message, open);
  const totalCost = price === undefined ? undefined : toDecimal(price.totalMinor, price.currency);
  const dialect = dialectOf(connection.protocol);
  const payload = dialect.transactionAnswer(message.event, decision, wireId, totalCost);
  const flags = [...options.flags, ...resolved.flags, ...decisionFlags(decision)];
  const extra: Extra = {
    basis,
    ...given("decision", decision === undefined ? undefined : basisOf(context, decision, basis === "sg")),
    ...given("assumed", resolved.assumed),
    ...given("tariff", tariff),
    ...given("stateAtStart", stateAtStart(station, message, context.now.at)),
    ...transactionFields(resolved.transactionId, flags),
  };
  answer(context, connection, frame, text, message, payload, {
    extra,
    telemetry: message.event === "Updated" && message.idToken === undefined,
  });
  if (message.event === "Ended" && price !== undefined && wireId !== undefined)
    tellFinalCost(context, connection.stationId, wireId, price);
}

function answerAuthorize(
  context: Context,
  connection: Connection,
  frame: Answered,
  text: string,
  message: Extract<StationMessage, { kind: "authorize" }>,
  told: Decision | undefined,
  certificate?: string,
): void {
  const { live } = context.state;
  const { idToken } = message.idToken;
  const full =
    refuseForWantOfRoom(context, idToken) ?? refuseWhileHeld(context, connection.stationId, idToken);
  const decision = full ?? told ?? decideLocally(context, connection.stationId, idToken, "authorize");
  const byCloud = full === undefined && told !== undefined;
  // Nobody has looked at the certificate: the contract's id alone is no proof of it.
  const certificateStatus =
    message.contract === undefined ? undefined : (certificate ?? "NoCertificateAvailable");
  const isMaster = decision.status === "Accepted" && live.tokens.find(idToken)?.master === true;
  const master = isMaster ? onMasterToken(context, connection) : undefined;
  const flags = [...decisionFlags(decision), ...(master === undefined ? [] : [master])];
  const extra: Extra = {
    basis: byCloud ? "sg" : "policy",
    decision: basisOf(context, decision, byCloud),
    ...given("flags", flags.length ? flags : undefined),
  };
  const payload = dialectOf(connection.protocol).authorizeAnswer(decision, certificateStatus);
  answer(context, connection, frame, text, message, payload, { extra });
  if (decision.status === "Accepted") tellUserPrice(context, connection.stationId, idToken, decision.tariff);
}

/**
 * Asks the cloud where that is worth it. @returns true when the answer now waits for the cloud or the
 * deadline.
 */
function askFirst(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  message: Extract<PendingDecision["message"], { kind: "authorize" | "transaction" }>,
): boolean {
  const { live, identity } = context.state;
  const idToken = message.idToken?.idToken;
  if (identity.authorization !== "online-first" || !live.uplink.up || !live.uplink.present) return false;
  if (idToken === undefined || idToken === "" || idToken.length > ASKED_TOKEN_LENGTH_MAX) return false;
  if (refuseWhileHeld(context, connection.stationId, idToken) !== undefined) return false;
  if (asksTooMuch(context, connection)) return false;
  const purpose = message.kind === "authorize" ? "authorize" : "start";
  const contract = message.kind === "authorize" ? message.contract : undefined;
  const { stationId } = connection;
  const question = { kind: "authorize" as const, purpose, stationId, idToken } as const;
  const asked = { ...question, ...given("contract", contract) };
  // Looking at a certificate takes longer than looking up a name.
  const deadlineMs = contract === undefined ? ASK_DEADLINE_MS : PASS_ON_DEADLINE_MS;
  ask(context, connection, frame, text, { message, question: asked, deadlineMs });
  return true;
}

/** What only the cloud can answer. @returns false when it cannot be asked. */
function passOn(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  message: PassedOn,
): boolean {
  const { uplink } = context.state.live;
  if (!uplink.up || !uplink.present || asksTooMuch(context, connection)) return false;
  const { stationId, protocol } = connection;
  const { action, payload } = frame;
  const question = { kind: "ocpp" as const, stationId, protocol, action, payload };
  ask(context, connection, frame, text, { message, question, deadlineMs: PASS_ON_DEADLINE_MS });
  return true;
}

/** A station has one CALL under way, some have a few; what waits here is kept with its frame. */
function asksTooMuch({ state }: Context, { connectionId }: Connection): boolean {
  let waiting = 0;
  for (const pending of state.live.pending.values()) if (pending.connectionId === connectionId) waiting += 1;
  return waiting >= PENDING_PER_STATION_MAX;
}

function ask(
  context: Context,
  connection: Connection,
  frame: CallFrame,
  text: string,
  asked: { message: PendingDecision["message"]; question: Question; deadlineMs: number },
): void {
  const correlationId = newId(context);
  const { message, question, deadlineMs } = asked;
  context.state.live.pending.set(correlationId, {
    ...{ correlationId, connectionId: connection.connectionId },
    ...{ frameText: text, messageId: frame.messageId, action: frame.action, payload: frame.payload },
    ...{ message, ...given("flags", frame.flags), deadlineUpMs: context.now.upMs + deadlineMs },
  });
  effect(context, { kind: "publish.ask", ask: { v: 1, correlationId, question } });
}

/** The cloud has answered, or the deadline has passed (`told` undefined): the station gets its answer. */
export function onDecided(context: Context, correlationId: string, told: Told | undefined): void {
  const { live } = context.state;
  const pending = live.pending.get(correlationId);
  if (pending === undefined) return;
  live.pending.delete(correlationId);
  const connection = live.connections.get(pending.connectionId);
  if (connection === undefined) return;
  const { message, frameText } = pending;
  const decision = told?.kind === "authorize" ? readOffer(context, told) : undefined;
  if (message.kind === "pass-on" || message.kind === "charging-needs") {
    answerPassedOn(context, connection, pending, told?.kind === "ocpp" ? told.payload : undefined);
  } else if (message.kind === "authorize") {
    answerAuthorize(context, connection, pending, frameText, message, decision, decision?.certificateStatus);
  } else if (!answerRepeat(context, connection, pending, frameText, message)) {
    answerTransaction(context, connection, pending, frameText, message, { told: decision, flags: [] });
  }
}

/** The cloud's answer as it stands, if it is one; otherwise the honest word that nobody could say. */
function answerPassedOn(
  context: Context,
  connection: Connection,
  pending: PendingDecision,
  payload: Record<string, unknown> | undefined,
): void {
  const { message, frameText: text, action } = pending;
  if (payload !== undefined && checkPayload(connection.protocol, action, "Response", payload) === undefined) {
    answer(context, connection, pending, text, message, payload, { extra: { basis: "sg" } });
    return;
  }
  const frame: CallFrame = { type: "call", ...pending };
  plain(context, connection, frame, text, message, { extra: { basis: "none" } });
}

/** Questions whose time is up are decided at the site; the cloud is not asked again until it is heard. */
export function onDecisionTick(context: Context): void {
  const { live } = context.state;
  for (const pending of [...live.pending.values()]) {
    if (pending.deadlineUpMs > context.now.upMs) continue;
    // A slow word of somebody behind the cloud does not mean that the cloud is away.
    const { message } = pending;
    const passedOn = message.kind === "authorize" && message.contract !== undefined;
    if (message.kind === "transaction" || (message.kind === "authorize" && !passedOn))
      live.uplink.present = false;
    onDecided(context, pending.correlationId, undefined);
  }
}
