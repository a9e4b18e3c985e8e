/** Waiting in tests: for a condition, with a deadline, never for a fixed time. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Polls until the condition holds; returns its value.
 *
 * @throws Error naming what was waited for, after the deadline (in ms).
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 15_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await sleep(10);
  }
}
