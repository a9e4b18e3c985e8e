/**
 * May this token do this here? One rule, applied by the SG when it is asked and by the ER when no answer
 * comes in time.
 *
 * Pure: the two can disagree about how fresh their data is, never about the rule. First match wins:
 * blocked → expired → master token (may stop, never start) → listed → unknown (the site's rule).
 */
import type { PolicyToken } from "../policy.ts";

export type AuthorizationStatus = "Accepted" | "Blocked" | "Expired" | "Invalid" | "Unknown";

export type Decision = {
  status: AuthorizationStatus;
  /**
   * Stable words for logs and pages: `listed`, `blocked`, `expired`, `master-cannot-start`, `unknown-
   * allowed`, …
   */
  reason: string;
  groupId?: string;
  expiresAt?: number;
};

/** Tokens are compared without regard to case (OCPP 1.6 CiString, 2.0.1 identifierString). */
export const tokenKey = (idToken: string): string => idToken.toLowerCase();

export type AuthorizeQuestion = {
  /** What is known about the token, if anything. */
  token: PolicyToken | undefined;
  unknownToken: "allow" | "deny";
  /** `authorize`: shown to the reader, nothing started yet. */
  purpose: "authorize" | "start";
  /** Unix milliseconds, or undefined while the clock is not trusted: then nothing expires. */
  atMs: number | undefined;
};

export function decideAuthorize(question: AuthorizeQuestion): Decision {
  const { token, atMs } = question;
  if (token === undefined) {
    return question.unknownToken === "allow"
      ? { status: "Accepted", reason: "unknown-allowed" }
      : { status: "Unknown", reason: "unknown-denied" };
  }
  const known = {
    ...(token.groupId === undefined ? {} : { groupId: token.groupId }),
    ...(token.expiresAt === undefined ? {} : { expiresAt: token.expiresAt }),
  };
  if (token.status === "Blocked") return { status: "Blocked", reason: "blocked", ...known };
  if (token.expiresAt !== undefined && atMs !== undefined && atMs > token.expiresAt) {
    return { status: "Expired", reason: "expired", ...known };
  }
  if (token.master === true && question.purpose === "start") {
    return { status: "Invalid", reason: "master-cannot-start", ...known };
  }
  return { status: "Accepted", reason: "listed", ...known };
}

export type StopQuestion = {
  /** Token and group that started the transaction. */
  startedBy: { idToken: string | undefined; groupId: string | undefined };
  idToken: string;
  token: PolicyToken | undefined;
};

/**
 * May this token stop that transaction? The same token, the same group, or a master token may (OCPP 1.6
 * §3.10, 2.0.1 C01). It is told to the station; a transaction that has already ended stays ended.
 */
export function decideStop(question: StopQuestion): Decision {
  const { startedBy, idToken, token } = question;
  const groupId = token?.groupId;
  const group = groupId === undefined ? {} : { groupId };
  if (startedBy.idToken !== undefined && tokenKey(startedBy.idToken) === tokenKey(idToken))
    return { status: "Accepted", reason: "same-token", ...group };
  if (groupId !== undefined && groupId === startedBy.groupId)
    return { status: "Accepted", reason: "same-group", ...group };
  if (token?.master === true && token.status !== "Blocked")
    return { status: "Accepted", reason: "master", ...group };
  return { status: token?.status === "Blocked" ? "Blocked" : "Invalid", reason: "not-its-token", ...group };
}
