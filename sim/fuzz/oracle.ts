/**
 * What the answers to a frame of a station must be, said again from the standard and not from the code under test.
 *
 * A CALL gets exactly one answer under its message id; a valid one a CALLRESULT that its schema allows; one that
 * is refused a CALLERROR with the code of the version. What is no CALL gets none, but for a frame whose id can be
 * read although nothing else can.
 */
import type { Protocol } from "../../shared/entry.ts";
import { isFromStation } from "../../shared/ocpp/dialect.ts";
import { checkPayload, isKnownAction } from "../../shared/ocpp/schemas.ts";

/** CALLERROR codes that each version knows (OCPP 1.6-J §4.2.3 with its misspellings, 2.0.1 and 2.1 part 4 §4.3). */
const COMMON = ["NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError"];
const CODES_16 = new Set([
  ...COMMON,
  ...["FormationViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation"],
  ...["TypeConstraintViolation", "GenericError"],
]);
const CODES_2 = new Set([
  ...COMMON,
  ...["FormatViolation", "PropertyConstraintViolation", "OccurrenceConstraintViolation"],
  ...["TypeConstraintViolation", "GenericError", "MessageTypeNotSupported", "RpcFrameworkError"],
]);

/** How a frame was taken. */
export type Outcome =
  | "handled"
  | "tolerated"
  | "refused payload"
  | "unknown action"
  | "not supported"
  | "bad shape"
  | "broken JSON"
  | "broken JSON mended"
  | "ignored";

export type Verdict = { outcome: Outcome } | { complaint: string };

type Answer = [type: number, messageId: string, ...rest: unknown[]];

const spell = (protocol: Protocol, code: string): string => {
  if (protocol !== "ocpp1.6") return code;
  if (code === "FormatViolation" || code === "RpcFrameworkError") return "FormationViolation";
  if (code === "MessageTypeNotSupported") return "ProtocolError";
  return code === "OccurrenceConstraintViolation" ? "OccurenceConstraintViolation" : code;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function depthOf(value: unknown): number {
  let depth = 0;
  for (let level = [value]; level.length > 0; depth++)
    level = level.flatMap((v) =>
      typeof v === "object" && v !== null ? (Object.values(v) as unknown[]) : [],
    );
  return depth;
}

/** @param sent texts that went to the station because of this frame, without CALLs of ours. */
export function judge(protocol: Protocol, text: string, sent: readonly string[]): Verdict {
  const answers = sent.map((answer) => JSON.parse(answer) as Answer);
  const wrong = (what: string): Verdict => ({
    complaint: `${what}: ${text.slice(0, 600)} → ${sent.join(" ")}`,
  });
  if (answers.length > 1) return wrong("more than one answer");
  const [answer] = answers;
  if (answer?.[0] === 4) {
    const known = protocol === "ocpp1.6" ? CODES_16 : CODES_2;
    if (!known.has(String(answer[2]))) return wrong("a code that the version does not know");
    if (typeof answer[3] !== "string" || !isObject(answer[4])) return wrong("a CALLERROR of the wrong shape");
  }
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return judgeBroken(protocol, text, answer, wrong);
  }
  if (!Array.isArray(frame))
    return answer === undefined ? { outcome: "ignored" } : wrong("an answer to no frame");
  const [type, id] = frame as unknown[];
  const usable = typeof id === "string" && id !== "" && id.length <= 128;
  if (type !== 2 || !usable) {
    if (answer === undefined) return { outcome: "ignored" };
    // A frame of an unknown kind is told so, under its id.
    if (usable && answer[0] === 4 && answer[1] === id && ![3, 4, 5, 6].includes(type as number))
      return { outcome: "bad shape" };
    return wrong("an answer to no CALL");
  }
  if (answer === undefined) return wrong("no answer to a CALL");
  if (answer[1] !== id) return wrong("another message id");
  return judgeCall(protocol, frame, answer, wrong);
}

type Wrong = (what: string) => Verdict;

function judgeBroken(protocol: Protocol, text: string, answer: Answer | undefined, wrong: Wrong): Verdict {
  const id = /^\s*\[\s*2\s*,\s*"([^"\\]{1,128})"\s*,/.exec(text)?.[1];
  if (answer === undefined)
    return id === undefined ? { outcome: "ignored" } : wrong("no answer to a broken CALL");
  if (answer[1] !== id && id !== undefined) return wrong("another message id");
  if (answer[0] === 3) return { outcome: "broken JSON mended" };
  const code = String(answer[2]);
  // What was mended may still be refused for what it says.
  const known = new Set(
    ["RpcFrameworkError", "NotImplemented", "NotSupported"].map((c) => spell(protocol, c)),
  );
  return known.has(code) || code.endsWith("Violation")
    ? { outcome: "broken JSON" }
    : wrong("another code for broken JSON");
}

function judgeCall(protocol: Protocol, frame: unknown[], answer: Answer, wrong: Wrong): Verdict {
  const [, , action, payload] = frame;
  const refusedWith = (code: string, outcome: Outcome): Verdict =>
    answer[0] === 4 && answer[2] === spell(protocol, code)
      ? { outcome }
      : wrong(`not ${spell(protocol, code)}`);
  const shaped =
    frame.length === 4 &&
    typeof action === "string" &&
    action !== "" &&
    action.length <= 64 &&
    isObject(payload);
  if (!shaped) return refusedWith("FormatViolation", "bad shape");
  // How deep is too deep, the standard does not say.
  if (depthOf(payload) > 60 && answer[2] === spell(protocol, "FormatViolation"))
    return { outcome: "bad shape" };
  const other = protocol === "ocpp1.6" ? "ocpp2.0.1" : "ocpp1.6";
  if (!isKnownAction(protocol, action))
    return answer[0] === 3 && isKnownAction(other, action)
      ? { outcome: "tolerated" }
      : refusedWith("NotImplemented", "unknown action");
  const violation = checkPayload(protocol, action, "Request", payload);
  if (!isFromStation(protocol, action)) {
    if (violation === undefined) return refusedWith("NotSupported", "not supported");
    return answer[0] === 4 ? { outcome: "not supported" } : wrong("a result for what is not supported");
  }
  if (answer[0] === 3) {
    const odd = checkPayload(protocol, action, "Response", answer[2]);
    const asOther = odd === undefined ? undefined : checkPayload(other, action, "Response", answer[2]);
    if (odd !== undefined && (violation === undefined || asOther !== undefined))
      return wrong(`the answer breaks its schema (${odd.reason})`);
    return { outcome: violation === undefined ? "handled" : "tolerated" };
  }
  if (violation === undefined) return wrong("a valid CALL was refused");
  return refusedWith(violation.code, "refused payload");
}
