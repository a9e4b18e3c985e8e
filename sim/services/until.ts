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
  deadlineMs = 30_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  let pauseMs = 10;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await sleep(pauseMs);
    // What comes at once is seen at once; what takes long is not asked for a hundred times a second.
    pauseMs = Math.min(pauseMs * 1.2, 100);
  }
}
