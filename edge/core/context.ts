/**
 * The hand that a step writes with: entries get their head here, the durable state follows at once.
 */
import type { Entry, EntryBody } from "../../shared/entry.ts";
import { nextRandom, uuidV7 } from "../../shared/ids.ts";
import { fold } from "./fold.ts";
import type { Handled } from "./fold-message.ts";
import type { Effect, Now, Output, State } from "./types.ts";

export type Context = {
  readonly state: State;
  readonly now: Now;
  readonly out: Output;
};

export function createContext(state: State, now: Now): Context {
  return { state, now, out: { entries: [], effects: [], docs: [], urgent: false } };
}

/**
 * Adds an entry to the commit of this step and applies it.
 * @param telemetry true when nobody waits and no money or state is at stake: it may wait for company.
 */
export function record(
  context: Context,
  body: EntryBody,
  options: { handled?: Handled; telemetry?: boolean } = {},
): void {
  const { state, now, out } = context;
  const entry = {
    seq: state.durable.seq + 1,
    at: now.at,
    upMs: Math.trunc(now.upMs),
    clock: state.live.clock,
    ...body,
  } as Entry;
  out.entries.push(entry);
  if (options.telemetry !== true) out.urgent = true;
  fold(state.durable, entry, options.handled);
}

export function effect(context: Context, value: Effect): void {
  context.out.effects.push(value);
}

export function log(
  context: Context,
  level: "info" | "warn" | "error",
  message: string,
  fields: Record<string, unknown>,
): void {
  effect(context, { kind: "log", level, message, fields });
}

export function newId(context: Context): string {
  return uuidV7(Math.max(0, context.now.at), () => nextRandom(context.state.live.random));
}

/** The best time the ER knows: its wall clock, corrected by what the cloud said. */
export function bestTime(context: Context): number {
  return context.now.at + context.state.live.clockOffsetMs;
}
