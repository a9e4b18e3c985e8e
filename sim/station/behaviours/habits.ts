/** Behaviours of stations and networks that are legal, and a nuisance. */
import type { Behaviour, Station } from "../types.ts";

/** Restarts, again and again; transactions end with reason Reboot. */
export function rebootsEvery(everyMs: number): Behaviour {
  return { name: "reboots", started: (station) => repeat(station, everyMs, () => station.reboot()) };
}

/** Loses its socket without a close frame, again and again. Running transactions go on. */
export function losesSocketEvery(everyMs: number, forMs: number): Behaviour {
  return {
    name: "loses its socket",
    started: (station) => repeat(station, everyMs, () => station.loseSocket(forMs)),
  };
}

/** Every `everyMs`, give or take a quarter, so that a fleet does not act as one. */
function repeat(station: Station, everyMs: number, act: () => void): void {
  const jitterMs = Math.round(everyMs / 4);
  const ms = everyMs - jitterMs + (station.random() % (2 * jitterMs + 1));
  station.clock.setTimer(ms, () => {
    act();
    repeat(station, everyMs, act);
  });
}
