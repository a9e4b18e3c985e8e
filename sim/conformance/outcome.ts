/** How a case ends other than by passing: it failed, or the CSMS cannot be tested for it here. */
import { isDeepStrictEqual } from "node:util";

/** The CSMS did not do what the case demands. The message is the line that the report prints. */
export class CaseFailure extends Error {
  override name = "CaseFailure";
}

/** The case says nothing about this CSMS; the reason is printed. */
export class NotApplicable extends Error {
  override name = "NotApplicable";
}

/** @throws CaseFailure with this message when the condition does not hold. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new CaseFailure(message);
}

const short = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 400);

/** @throws CaseFailure naming what differs. */
export function checkEqual(what: string, actual: unknown, expected: unknown): void {
  check(isDeepStrictEqual(actual, expected), `${what} is ${short(actual)}, not ${short(expected)}`);
}

/** Every property that `expected` names has that value, at any depth; others may be there. */
export function checkHas(what: string, actual: unknown, expected: unknown): void {
  if (typeof expected !== "object" || expected === null || typeof actual !== "object" || actual === null) {
    return checkEqual(what, actual, expected);
  }
  if (Array.isArray(expected) && Array.isArray(actual))
    checkEqual(`the length of ${what}`, actual.length, expected.length);
  for (const [key, value] of Object.entries(expected))
    checkHas(`${what}.${key}`, (actual as Record<string, unknown>)[key], value);
}
