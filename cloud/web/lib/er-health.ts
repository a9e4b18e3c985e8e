/**
 * How the box at a site is, out of its gauges: what an operator should know and do, the worst first. Pure;
 * the words are in the message files under the same names.
 */
import type { Er } from "../../api/er-schemas.ts";
import type { Site } from "../../api/schemas.ts";

/** A link that carries this many entries late is behind, not merely busy. */
export const BACKLOG_ENTRIES = 500;
/** Two hellos: until then a policy that has just changed is on its way. */
const POLICY_LATE_MS = 120_000;
const CLOCK_OFF_MS = 60_000;
const DISK_LOW_BYTES = 500_000_000;
const WEAR_PERCENT = 80;
const HOT_C = 80;
/** How long a bad end of the program before is told at the top. */
const PREVIOUS_END_MS = 24 * 3_600_000;

export type Freshness = "none" | "fresh" | "stale" | "old";

export type ErTrouble =
  | "pressure-refuse"
  | "pressure-thin"
  | "watchdog"
  | "crash"
  | "clock"
  | "clock-off"
  | "backlog"
  | "disk-low"
  | "wear"
  | "hot"
  | "policy-none"
  | "policy-old"
  | "policy-late";

/** What stops people from charging, or may soon lose something, is red. */
export const troubleTone = (trouble: ErTrouble): "red" | "amber" =>
  trouble === "pressure-refuse" ? "red" : "amber";

/**
 * Age in seconds of the cloud's last word on the policy; null when the ER never heard one or does not tell.
 * While the ER cannot be heard it is taken to hear nothing either.
 */
export function policyAgeS(er: Pick<Er, "gauges" | "gaugesAt" | "online">, nowMs: number): number | null {
  const told = er.gauges?.policyAgeS;
  if (told === undefined || er.gaugesAt === null) return null;
  return er.online ? told : told + Math.max(0, nowMs - Date.parse(er.gaugesAt)) / 1_000;
}

/** The tier by which the site decides when it is alone. */
export function freshnessOf(
  er: Pick<Er, "gauges" | "gaugesAt" | "online" | "policyVersion">,
  rules: Pick<Site["rules"], "staleAfterS" | "oldAfterS">,
  nowMs: number,
): Freshness {
  if (er.policyVersion === null) return "none";
  const ageS = policyAgeS(er, nowMs);
  if (ageS === null) return er.online ? "fresh" : "stale";
  return ageS >= rules.oldAfterS ? "old" : ageS >= rules.staleAfterS ? "stale" : "fresh";
}

/** True time minus the ER's, in milliseconds, as last told: times are viewed shifted by it. */
export const clockOffsetMs = (er: Pick<Er, "gauges" | "clockOffsetMs">): number | null =>
  er.gauges?.clockOffsetMs ?? er.clockOffsetMs;

/** The share of its budget that the journal takes, in percent; null when the ER does not tell. */
export function journalPercent(gauges: Pick<Er, "gauges">["gauges"]): number | null {
  if (gauges === null || gauges.journalBudgetBytes === 0) return null;
  return (gauges.journalBytes / gauges.journalBudgetBytes) * 100;
}

/** What is wrong with the box, the worst first. An ER that cannot be heard is told of elsewhere. */
export function troublesOf(er: Er, site: Pick<Site, "rules" | "policyVersion">, nowMs: number): ErTrouble[] {
  const { gauges } = er;
  const found: ErTrouble[] = [];
  if (gauges?.pressure === "refuse") found.push("pressure-refuse");
  if (gauges?.pressure === "thin-60" || gauges?.pressure === "thin-300") found.push("pressure-thin");
  const justStarted = er.startedAt !== null && nowMs - Date.parse(er.startedAt) < PREVIOUS_END_MS;
  if (justStarted && er.previousEnd === "watchdog") found.push("watchdog");
  if (justStarted && er.previousEnd === "crash") found.push("crash");
  if (er.clock === "untrusted") found.push("clock");
  else if (Math.abs(clockOffsetMs(er) ?? 0) >= CLOCK_OFF_MS) found.push("clock-off");
  if (er.backlog >= BACKLOG_ENTRIES) found.push("backlog");
  if (gauges?.diskFreeBytes !== undefined && gauges.diskFreeBytes < DISK_LOW_BYTES) found.push("disk-low");
  if (gauges?.diskWearPercent !== undefined && gauges.diskWearPercent >= WEAR_PERCENT) found.push("wear");
  if (gauges?.temperatureC !== undefined && gauges.temperatureC >= HOT_C) found.push("hot");
  found.push(...policyTroubles(er, site, nowMs));
  return found;
}

function policyTroubles(er: Er, site: Pick<Site, "rules" | "policyVersion">, nowMs: number): ErTrouble[] {
  const freshness = freshnessOf(er, site.rules, nowMs);
  if (freshness === "none") return ["policy-none"];
  if (freshness === "old") return ["policy-old"];
  // A policy's version is the time of its last change.
  const late = er.policyVersion !== site.policyVersion && nowMs - site.policyVersion > POLICY_LATE_MS;
  return er.online && late ? ["policy-late"] : [];
}

/** A station whose clock is further off than this writes times that nobody should believe. */
const SKEW_MS_MAX = 5 * 60_000;

/** Whether a station's clock needs a person's attention. */
export const isSkewed = (clockSkewMs: number | null): clockSkewMs is number =>
  clockSkewMs !== null && Math.abs(clockSkewMs) > SKEW_MS_MAX;
