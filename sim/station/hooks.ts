/** What a station's behaviours make of what it does: each gets what the one before it returned. */
import type { Behaviour, Handshake, Json, Station, StationEvent } from "./types.ts";

export type Hooks = ReturnType<typeof createHooks>;

/** @param self what behaviours are given: there once the station has been started. */
export function createHooks(behaviours: Behaviour[], self: () => Station) {
  return {
    started: () => behaviours.forEach((behaviour) => behaviour.started?.(self())),
    event: (event: StationEvent) => behaviours.forEach((behaviour) => behaviour.event?.(event, self())),
    handshake: (handshake: Handshake) =>
      behaviours.reduce((h, behaviour) => behaviour.handshake?.(h) ?? h, handshake),
    rewrite: (action: string, payload: Json) =>
      behaviours.reduce((p, behaviour) => behaviour.call?.(action, p, self()) ?? p, payload),
    reshape: (text: string) =>
      behaviours.reduce(
        (texts, b) => (b.frame ? texts.flatMap((each) => b.frame?.(each, self()) ?? each) : texts),
        [text],
      ),
    bootsAfterReconnect: !behaviours.some((behaviour) => behaviour.bootsAfterReconnect === false),
  };
}
