/**
 * When an alarm begins and ends: what a rule's condition says now, and the alarms that are open, give the next
 * steps. Pure, and level-triggered: steps that were missed are taken at the next look.
 *
 * Of a rule and a subject at most one alarm is open. It waits until the condition has been there long enough,
 * is raised once, stays while the condition is there or comes and goes, and is cleared once, when it has been
 * gone long enough.
 */

export type AlarmCondition = { subject: string; firm: boolean };

export type OpenAlarm = {
  alarmId: string;
  subject: string;
  /** When the condition was seen first. */
  seenAtMs: number;
  /** null: it has not been there long enough yet. */
  raisedAtMs: number | null;
  /** Since when the condition has been gone; null: it is there. */
  goneAtMs: number | null;
};

export type AlarmTiming = { raiseAfterS: number; clearAfterS: number };

export type AlarmStep =
  /** A new one; `raised` at once, or it waits. */
  | { kind: "begin"; subject: string; raised: boolean }
  | { kind: "raise"; alarmId: string }
  /** The condition is gone … */
  | { kind: "go"; alarmId: string }
  /** … and there again before it was cleared. */
  | { kind: "return"; alarmId: string }
  | { kind: "clear"; alarmId: string }
  /** It was never raised. */
  | { kind: "forget"; alarmId: string };

function stepOf(
  timing: AlarmTiming,
  alarm: OpenAlarm,
  condition: AlarmCondition | undefined,
  nowMs: number,
): AlarmStep | undefined {
  const { alarmId, raisedAtMs, goneAtMs } = alarm;
  if (raisedAtMs === null) {
    if (condition?.firm !== true) return { kind: "forget", alarmId };
    return nowMs - alarm.seenAtMs >= timing.raiseAfterS * 1_000 ? { kind: "raise", alarmId } : undefined;
  }
  if (condition !== undefined) return goneAtMs === null ? undefined : { kind: "return", alarmId };
  if (nowMs - (goneAtMs ?? nowMs) >= timing.clearAfterS * 1_000) return { kind: "clear", alarmId };
  return goneAtMs === null ? { kind: "go", alarmId } : undefined;
}

/**
 * @param complete the conditions are all there are: false where there were more than could be looked at. Then
 * nothing ends, because it may only be out of sight.
 */
export function nextSteps(
  timing: AlarmTiming,
  conditions: readonly AlarmCondition[],
  open: readonly OpenAlarm[],
  nowMs: number,
  complete = true,
): AlarmStep[] {
  const bySubject = new Map<string, AlarmCondition>();
  for (const condition of conditions) {
    if (bySubject.get(condition.subject)?.firm !== true) bySubject.set(condition.subject, condition);
  }
  const steps: AlarmStep[] = [];
  for (const alarm of open) {
    const condition = bySubject.get(alarm.subject);
    bySubject.delete(alarm.subject);
    if (condition === undefined && !complete) continue;
    const step = stepOf(timing, alarm, condition, nowMs);
    if (step !== undefined) steps.push(step);
  }
  for (const { subject, firm } of bySubject.values()) {
    if (firm) steps.push({ kind: "begin", subject, raised: timing.raiseAfterS === 0 });
  }
  return steps;
}
