/** Alarms begin and end: literal states, and what holds for any course of conditions. */
import { describe, expect, test } from "vitest";
import { fc, scaled } from "../../sim/services/property.ts";
import { ALARM_KINDS, alarmKind, readParams } from "./alarm-kinds.ts";
import {
  nextSteps,
  type AlarmCondition,
  type AlarmStep,
  type AlarmTiming,
  type OpenAlarm,
} from "./alarms.ts";

const AT_ONCE: AlarmTiming = { raiseAfterS: 0, clearAfterS: 0 };
const SLOW: AlarmTiming = { raiseAfterS: 60, clearAfterS: 30 };
const firm = (subject: string): AlarmCondition => ({ subject, firm: true });
const weak = (subject: string): AlarmCondition => ({ subject, firm: false });
const waiting = (subject: string, seenAtMs = 0): OpenAlarm => ({
  alarmId: `a-${subject}`,
  subject,
  seenAtMs,
  raisedAtMs: null,
  goneAtMs: null,
});
const raised = (subject: string, goneAtMs: number | null = null): OpenAlarm => ({
  ...waiting(subject),
  raisedAtMs: 0,
  goneAtMs,
});

describe("one look", () => {
  test.each<[string, AlarmTiming, AlarmCondition[], OpenAlarm[], number, AlarmStep[]]>([
    ["nothing is, nothing was", AT_ONCE, [], [], 0, []],
    [
      "it is there: raised at once",
      AT_ONCE,
      [firm("x")],
      [],
      0,
      [{ kind: "begin", subject: "x", raised: true }],
    ],
    ["… or after a while", SLOW, [firm("x")], [], 0, [{ kind: "begin", subject: "x", raised: false }]],
    ["not over the threshold: nothing begins", AT_ONCE, [weak("x")], [], 0, []],
    ["not long enough", SLOW, [firm("x")], [waiting("x")], 59_999, []],
    ["long enough", SLOW, [firm("x")], [waiting("x")], 60_000, [{ kind: "raise", alarmId: "a-x" }]],
    ["gone before it was raised", SLOW, [], [waiting("x")], 60_000, [{ kind: "forget", alarmId: "a-x" }]],
    [
      "… or below the threshold",
      SLOW,
      [weak("x")],
      [waiting("x")],
      60_000,
      [{ kind: "forget", alarmId: "a-x" }],
    ],
    ["still there", SLOW, [firm("x")], [raised("x")], 90_000, []],
    ["below the threshold, but not over", SLOW, [weak("x")], [raised("x")], 90_000, []],
    ["gone: it waits", SLOW, [], [raised("x")], 90_000, [{ kind: "go", alarmId: "a-x" }]],
    ["gone, not long enough", SLOW, [], [raised("x", 90_000)], 119_999, []],
    ["gone long enough", SLOW, [], [raised("x", 90_000)], 120_000, [{ kind: "clear", alarmId: "a-x" }]],
    ["gone, and that is enough", AT_ONCE, [], [raised("x")], 5, [{ kind: "clear", alarmId: "a-x" }]],
    ["it came back", SLOW, [weak("x")], [raised("x", 90_000)], 95_000, [{ kind: "return", alarmId: "a-x" }]],
    [
      "each subject by itself, and told twice it is one",
      AT_ONCE,
      [weak("y"), firm("y"), firm("y"), firm("x")],
      [raised("x"), raised("z")],
      0,
      [
        { kind: "clear", alarmId: "a-z" },
        { kind: "begin", subject: "y", raised: true },
      ],
    ],
  ])("%s", (_what, timing, conditions, open, nowMs, steps) =>
    expect(nextSteps(timing, conditions, open, nowMs)).toEqual(steps),
  );

  test("where not everything was looked at, nothing ends", () => {
    expect(nextSteps(AT_ONCE, [firm("y")], [raised("x"), waiting("z")], 0, false)).toEqual([
      { kind: "begin", subject: "y", raised: true },
    ]);
  });
});

/** What the job does with the steps, in memory. */
function take(
  alarms: Map<string, OpenAlarm & { cleared: boolean }>,
  steps: AlarmStep[],
  nowMs: number,
): string[] {
  const told: string[] = [];
  for (const step of steps) {
    if (step.kind === "begin") {
      const alarmId = `${alarms.size}`;
      const raisedAtMs = step.raised ? nowMs : null;
      const { subject } = step;
      alarms.set(alarmId, { alarmId, subject, seenAtMs: nowMs, raisedAtMs, goneAtMs: null, cleared: false });
      if (step.raised) told.push(`raised ${alarmId}`);
      continue;
    }
    const alarm = alarms.get(step.alarmId);
    if (alarm === undefined || alarm.cleared)
      throw new Error(`a step about ${step.alarmId}, which is not open`);
    if (step.kind === "raise") {
      alarm.raisedAtMs = nowMs;
      told.push(`raised ${step.alarmId}`);
    } else if (step.kind === "go") alarm.goneAtMs = nowMs;
    else if (step.kind === "return") alarm.goneAtMs = null;
    else alarm.cleared = true;
    if (step.kind === "clear") told.push(`cleared ${step.alarmId}`);
  }
  return told;
}

test("any course: one open alarm per subject; each is raised once and cleared once, or is open; the end is heard", () => {
  const subjects = ["x", "y", "z"];
  const look = fc.record({
    pauseS: fc.integer({ min: 1, max: 90 }),
    levels: fc.tuple(...subjects.map(() => fc.constantFrom("none", "weak", "firm"))),
    complete: fc.boolean(),
  });
  const timing = fc.record({
    raiseAfterS: fc.constantFrom(0, 30, 120),
    clearAfterS: fc.constantFrom(0, 30, 120),
  });
  fc.assert(
    fc.property(timing, fc.array(look, { maxLength: 60 }), (rule, looks) => {
      const alarms = new Map<string, OpenAlarm & { cleared: boolean }>();
      const told: string[] = [];
      let nowMs = 0;
      const quiet = { pauseS: 120, levels: subjects.map(() => "none"), complete: true };
      for (const { pauseS, levels, complete } of [...looks, quiet, quiet, quiet]) {
        nowMs += pauseS * 1_000;
        const conditions = subjects.flatMap((subject, i) =>
          levels[i] === "none" ? [] : [{ subject, firm: levels[i] === "firm" }],
        );
        const open = [...alarms.values()].filter((alarm) => !alarm.cleared);
        told.push(...take(alarms, nextSteps(rule, conditions, open, nowMs, complete), nowMs));
        const still = [...alarms.values()].filter((alarm) => !alarm.cleared).map((alarm) => alarm.subject);
        expect(new Set(still).size).toBe(still.length);
      }
      // Nothing has been there for long: nothing is open.
      expect([...alarms.values()].filter((alarm) => !alarm.cleared)).toEqual([]);
      const times = (what: string) => told.filter((line) => line === what).length;
      for (const { alarmId, raisedAtMs } of alarms.values()) {
        const once = raisedAtMs === null ? 0 : 1;
        expect([times(`raised ${alarmId}`), times(`cleared ${alarmId}`)]).toEqual([once, once]);
      }
    }),
    { numRuns: scaled(500) },
  );
});

describe("the numbers of a rule", () => {
  test("usual ones where none are named, words for what is wrong", () => {
    const kind = ALARM_KINDS["er-offline"];
    expect(readParams(kind, {})).toEqual({ minutes: 10 });
    expect(readParams(kind, { minutes: 3 })).toEqual({ minutes: 3 });
    expect(readParams(kind, { minutes: 0 })).toBe("minutes is between 1 and 10080");
    expect(readParams(kind, { hours: 1 })).toContain('"hours"');
    expect(readParams(kind, { toString: 1 } as never)).toContain('"toString"');
  });

  test("there are no kinds by the names of an object's own things", () => {
    expect(alarmKind("constructor")).toBeUndefined();
    expect(alarmKind("er-offline")).toBe(ALARM_KINDS["er-offline"]);
  });
});
