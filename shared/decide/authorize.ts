/**
 * May this token do this here? One rule, applied by the SG when it is asked and by the ER when no answer
 * comes in time.
 *
 * Pure: the two can disagree about how fresh their data is, never about the rule. First match wins:
 * blocked → expired → not for this station → master (may stop, never start) → too many at once → the site's
 * knowledge is old → listed → unknown (the site's rule). Expiry is asked of a trusted clock only.
 */
import { given } from "../given.ts";
import { tokenKey, type PolicyToken, type UnknownTokenCap, type UnknownTokenRule } from "../policy.ts";
import type { OfferedTariff } from "../tariff.ts";

export type AuthorizationStatus =
  | "Accepted"
  | "Blocked"
  | "Expired"
  | "Invalid"
  | "Unknown"
  | "ConcurrentTx"
  | "NotAtThisTime";

/** Bounds at which the site ends a transaction by itself. */
export type Cap = { energyWh?: number; durationS?: number };

export type Decision = {
  status: AuthorizationStatus;
  /** Stable words for logs and pages: `listed`, `blocked`, `expired`, `unknown-capped`, … */
  reason: string;
  groupId?: string;
  expiresAt?: number;
  cap?: Cap;
  /** What its holder was offered before the start. */
  tariff?: OfferedTariff;
};

/**
 * How well the site knows the cloud's mind. `none`: no policy has ever arrived.
 */
export type Freshness = "none" | "fresh" | "stale" | "old";

/** @param ageS seconds since the cloud last said that this is its policy; undefined when it never did. */
export function freshnessOf(
  policy: { staleAfterS: number; oldAfterS: number } | undefined,
  ageS: number | undefined,
): Freshness {
  if (policy === undefined) return "none";
  if (ageS === undefined || ageS >= policy.oldAfterS) return "old";
  return ageS < policy.staleAfterS ? "fresh" : "stale";
}

/** What unknown tokens have taken in the last 24 hours. */
export type UnknownUse = { startsOfToken: number; energyAtRiskWh: number };

export type AuthorizeQuestion = {
  /** What is known about the token, if anything. */
  token: Omit<PolicyToken, "hash"> | undefined;
  unknownToken: UnknownTokenRule;
  /** For the rule `cap`; without it an unknown token is refused. */
  unknownCap?: { rule: UnknownTokenCap; used: UnknownUse };
  /** `authorize`: shown to the reader, nothing started yet. */
  purpose: "authorize" | "start";
  stationId: string;
  /** Transactions of this token that run at the site, other than the one in question. */
  running: number;
  freshness: Freshness | "sg";
  /** The token was used at this site within the last 90 days. */
  usedHere: boolean;
  /** Unix milliseconds, or undefined while the clock is not trusted: then nothing expires. */
  atMs: number | undefined;
};

export function decideAuthorize(question: AuthorizeQuestion): Decision {
  const { token, freshness } = question;
  if (token === undefined) return decideUnknown(question);
  const known = { ...given("groupId", token.groupId), ...given("expiresAt", token.expiresAt) };
  const revoked = revokedReason(token, question.stationId, question.atMs);
  if (revoked !== undefined) return { ...revoked, ...known };
  if (token.master === true && question.purpose === "start") {
    return { status: "Invalid", reason: "master-cannot-start", ...known };
  }
  if (token.maxConcurrent !== undefined && question.running >= token.maxConcurrent) {
    return { status: "ConcurrentTx", reason: "too-many-at-once", ...known };
  }
  if (freshness === "old" && token.trusted !== true && token.master !== true && !question.usedHere) {
    return decideUnknown(question);
  }
  // What the cloud has said itself needs no bound of ours.
  const cap = freshness === "sg" ? undefined : token.maxEnergyWh;
  return {
    status: "Accepted",
    reason: "listed",
    ...known,
    ...given("cap", cap === undefined ? undefined : { energyWh: cap }),
  };
}

/** Why a token that is listed may not charge any more, or at all. */
export function revokedReason(
  token: Omit<PolicyToken, "hash">,
  stationId: string,
  atMs: number | undefined,
): { status: AuthorizationStatus; reason: string } | undefined {
  if (token.status === "Blocked") return { status: "Blocked", reason: "blocked" };
  if (token.expiresAt !== undefined && atMs !== undefined && atMs > token.expiresAt) {
    return { status: "Expired", reason: "expired" };
  }
  if (token.stations !== undefined && !token.stations.includes(stationId)) {
    return { status: "Invalid", reason: "out-of-scope" };
  }
  return undefined;
}

function decideUnknown(question: AuthorizeQuestion): Decision {
  const { unknownToken, unknownCap, token } = question;
  const which = token === undefined ? "unknown" : "old";
  if (unknownToken === "allow") return { status: "Accepted", reason: `${which}-allowed` };
  // The cloud knows who is unknown: a bounded risk is for a site that cannot ask.
  if (unknownToken === "deny" || unknownCap === undefined || question.freshness === "sg") {
    return { status: "Unknown", reason: `${which}-denied` };
  }
  const { rule, used } = unknownCap;
  if (used.startsOfToken >= rule.startsPerDay) return { status: "Unknown", reason: "unknown-too-often" };
  if (used.energyAtRiskWh + rule.energyWh > rule.siteEnergyWhPerDay) {
    return { status: "Unknown", reason: "unknown-site-limit" };
  }
  const cap = { energyWh: rule.energyWh, durationS: rule.durationS };
  return { status: "Accepted", reason: `${which}-capped`, cap };
}

export type StopQuestion = {
  /** Token and group that started the transaction. */
  startedBy: { idToken: string | undefined; groupId: string | undefined };
  idToken: string;
  token: Omit<PolicyToken, "hash"> | undefined;
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
