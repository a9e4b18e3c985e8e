/**
 * OCPP-J frames (OCPP 1.6 JSON §4, OCPP 2.0.1 part 4 §4): text ⇄ CALL, CALLRESULT, CALLERROR.
 *
 * The shape of a frame is guarded here before anything looks inside. What is no frame becomes `malformed`
 * with the message id where one can be recovered, so that the station gets an answer and keeps its socket.
 */
import type { Protocol } from "../entry.ts";
import { OCPP_MESSAGE_ID_LENGTH_TOLERATED } from "../limits.ts";

export type Frame =
  | { type: "call"; messageId: string; action: string; payload: Record<string, unknown> }
  | { type: "result"; messageId: string; payload: Record<string, unknown> }
  | { type: "error"; messageId: string; code: string; description: string; details: unknown }
  | {
      type: "malformed";
      messageId: string | undefined;
      answerable: boolean;
      code: RpcErrorCode;
      reason: string;
    };

/** Our names for CALLERROR codes; `errorCodeText` gives the spelling of the protocol. */
export type RpcErrorCode =
  | "NotImplemented"
  | "NotSupported"
  | "InternalError"
  | "ProtocolError"
  | "SecurityError"
  | "FormatViolation"
  | "PropertyConstraintViolation"
  | "OccurrenceConstraintViolation"
  | "TypeConstraintViolation"
  | "GenericError"
  | "MessageTypeNotSupported"
  | "RpcFrameworkError";

/** OCPP 1.6 misspells two codes and lacks two (JSON specification 1.6 §4.2.3). */
const SPELLING_16: Partial<Record<RpcErrorCode, string>> = {
  FormatViolation: "FormationViolation",
  OccurrenceConstraintViolation: "OccurenceConstraintViolation",
  MessageTypeNotSupported: "ProtocolError",
  RpcFrameworkError: "FormationViolation",
};

export function errorCodeText(protocol: Protocol, code: RpcErrorCode): string {
  return protocol === "ocpp1.6" ? (SPELLING_16[code] ?? code) : code;
}

/** Reads an error code as stations write it: both spellings of the two misspelt ones, in either version. */
export function readErrorCode(text: string): string {
  if (text === "FormationViolation") return "FormatViolation";
  if (text === "OccurenceConstraintViolation") return "OccurrenceConstraintViolation";
  return text;
}

const DEPTH_MAX = 64;
const ID_IN_BROKEN = /^\s*\[\s*([234])\s*,\s*"([^"\\]{1,128})"\s*,/;

const malformed = (code: RpcErrorCode, reason: string, messageId?: string, answerable = true): Frame => ({
  type: "malformed",
  messageId,
  answerable,
  code,
  reason,
});

/** Objects and arrays nested deeper than DEPTH_MAX, found without recursion. */
function tooDeep(root: unknown): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return true;
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      for (const child of Object.values(value))
        if (typeof child === "object" && child !== null) next.push(child);
    }
    level = next;
  }
  return false;
}

/** Text where text belongs: an object there may call itself anything, so it is never asked. */
const textOf = (value: unknown, otherwise: string): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : otherwise;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text of a WebSocket message → frame. Never throws. */
export function parseFrame(text: string): Frame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const [, type, id] = ID_IN_BROKEN.exec(text) ?? [];
    return malformed(
      "RpcFrameworkError",
      `no JSON: ${(error as Error).message.slice(0, 120)}`,
      id,
      type === "2",
    );
  }
  if (!Array.isArray(value)) return malformed("RpcFrameworkError", "not a JSON array", undefined, false);
  const [type, messageId] = value as unknown[];
  if (
    typeof messageId !== "string" ||
    messageId === "" ||
    messageId.length > OCPP_MESSAGE_ID_LENGTH_TOLERATED
  ) {
    return malformed("RpcFrameworkError", "no usable message id", undefined, false);
  }
  if (text.length > 1_024 && tooDeep(value)) {
    return malformed("FormatViolation", `nested deeper than ${DEPTH_MAX} levels`, messageId, type === 2);
  }
  switch (type) {
    case 2: {
      const [, , action, payload] = value as unknown[];
      if (value.length !== 4) {
        return malformed("FormatViolation", `a CALL has 4 elements, this one ${value.length}`, messageId);
      }
      if (typeof action !== "string" || action === "" || action.length > 64) {
        return malformed("FormatViolation", "the action is no text", messageId);
      }
      if (!isObject(payload)) return malformed("FormatViolation", "the payload is no object", messageId);
      return { type: "call", messageId, action, payload };
    }
    case 3: {
      const payload: unknown = value[2];
      if (!isObject(payload))
        return malformed("FormatViolation", "the payload is no object", messageId, false);
      return { type: "result", messageId, payload };
    }
    case 4:
      return {
        type: "error",
        messageId,
        code: readErrorCode(textOf(value[2], "GenericError")).slice(0, 64),
        description: textOf(value[3], "").slice(0, 255),
        details: value[4],
      };
    // CALLRESULTERROR and SEND (OCPP 2.1) are answered by nobody.
    case 5:
    case 6:
      return malformed("MessageTypeNotSupported", `message type ${type}`, messageId, false);
    default:
      return malformed(
        "MessageTypeNotSupported",
        `message type ${JSON.stringify(type)?.slice(0, 20)}`,
        messageId,
      );
  }
}

export function callText(messageId: string, action: string, payload: unknown): string {
  return `[2,${JSON.stringify(messageId)},${JSON.stringify(action)},${JSON.stringify(payload)}]`;
}

export function resultText(messageId: string, payload: unknown): string {
  return `[3,${JSON.stringify(messageId)},${JSON.stringify(payload)}]`;
}

export function errorText(
  protocol: Protocol,
  messageId: string,
  code: RpcErrorCode,
  description: string,
): string {
  const text = JSON.stringify(description.slice(0, 255));
  return `[4,${JSON.stringify(messageId)},"${errorCodeText(protocol, code)}",${text},{}]`;
}
