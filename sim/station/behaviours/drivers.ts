/** Behaviours of people: they plug in, authorize, charge, hold the place, and go. */
import type { IdToken } from "../../../shared/command.ts";
import { assert } from "../../../shared/errors.ts";
import { drawCar, type Car } from "../car.ts";
import type { Behaviour, EvseReport, Station } from "../types.ts";

type Range = readonly [min: number, max: number];

export type DriverOptions = {
  tokens: IdToken[];
  /** After the first boot until the first car arrives at each EVSE. */
  firstArrivalMs?: Range;
  /** Between a car that leaves and the next. */
  absenceMs?: Range;
  /** From the token to the end of the charge, unless the car is full earlier. */
  chargeMs?: Range;
  /** How long a car stays plugged in after its transaction. */
  holdMs?: Range;
  /** A driver who was not let charge by then drives away. */
  patienceMs?: number;
};

const PLUG_TO_TOKEN_MS: Range = [600, 1_500];
const RESERVED_ARRIVAL_MS: Range = [30_000, 60_000];
const PATIENCE_MS = 20_000;

/** Drivers come and go at every EVSE, one at a time, for as long as the station is on. */
export function driversComeAndGo(options: DriverOptions): Behaviour {
  const { tokens, absenceMs = [20_000, 90_000], chargeMs = [120_000, 360_000] } = options;
  const { holdMs = [2_000, 15_000], firstArrivalMs = absenceMs, patienceMs = PATIENCE_MS } = options;
  assert(tokens.length > 0, "drivers need at least one token");
  /** What the driver of each EVSE does next. */
  const next = new Map<number, () => void>();
  let begun = false;

  const plan = (station: Station, evseId: number, [min, max]: Range, act: () => void) => {
    next.get(evseId)?.();
    const ms = min + (station.random() % (max - min + 1));
    next.set(evseId, station.clock.setTimer(ms, act));
  };
  const leave = (station: Station, evseId: number) => {
    station.unplug(evseId);
    plan(station, evseId, absenceMs, () => arrive(station, evseId));
  };
  const finish = (station: Station, evseId: number, idToken: IdToken) => {
    if (evseOf(station, evseId).transaction && station.random() % 2 === 0) {
      // Ends the transaction, whose event plans the rest.
      station.presentToken(evseId, idToken);
    } else leave(station, evseId);
  };
  const arrive = (station: Station, evseId: number, invitedTo?: "Preparing" | "Reserved") => {
    const evse = evseOf(station, evseId);
    const wanted = invitedTo ?? "Available";
    const free = evse.connectors.filter((connector) => connector.state === wanted);
    const connector = free[station.random() % Math.max(1, free.length)];
    const drawn = tokens[station.random() % tokens.length];
    const idToken = wanted === "Reserved" ? holderOf(evse) : drawn;
    if (evse.plugged || connector === undefined || idToken === undefined) {
      return plan(station, evseId, absenceMs, () => arrive(station, evseId));
    }
    station.plugIn(evseId, drawCar(station.random), connector.connectorId);
    plan(station, evseId, PLUG_TO_TOKEN_MS, () => {
      if (evseOf(station, evseId).transaction === undefined) station.presentToken(evseId, idToken);
      plan(station, evseId, [patienceMs, patienceMs], () => {
        const { transaction } = evseOf(station, evseId);
        if (transaction === undefined) return leave(station, evseId);
        plan(station, evseId, chargeMs, () => finish(station, evseId, { idToken: transaction.idToken }));
      });
    });
  };

  const holderOf = ({ reservedFor }: EvseReport) => tokens.find((token) => token.idToken === reservedFor);

  return {
    name: "drivers come and go",
    event(event, station) {
      if (event.kind === "booted" && !begun) {
        begun = true;
        for (const evseId of station.evseIds) {
          plan(station, evseId, firstArrivalMs, () => arrive(station, evseId));
        }
      } else if (event.kind === "transactionEnded" && event.reason !== "EVDisconnected") {
        plan(station, event.evseId, holdMs, () => leave(station, event.evseId));
      } else if (event.kind === "status" && event.state === "Preparing") {
        // Somebody started it from afar: the driver must be near.
        const evse = evseOf(station, event.evseId);
        const invited = !evse.plugged && evse.transaction === undefined;
        if (invited)
          plan(station, event.evseId, [1_000, 3_000], () => arrive(station, event.evseId, "Preparing"));
      } else if (event.kind === "status" && event.state === "Reserved") {
        // Who has reserved it comes; everybody else goes elsewhere.
        if (holderOf(evseOf(station, event.evseId)) !== undefined)
          plan(station, event.evseId, RESERVED_ARRIVAL_MS, () => arrive(station, event.evseId, "Reserved"));
      }
    },
  };
}

/** One driver: plugs in, then shows the token. The car stays. */
export function localStart(options: {
  evseId: number;
  car: Car;
  idToken: IdToken;
  plugAfterMs?: number;
  tokenAfterMs?: number;
}): Behaviour {
  const { evseId, car, idToken, plugAfterMs = 0, tokenAfterMs = 1_000 } = options;
  let begun = false;
  return {
    name: "local start",
    event(event, station) {
      if (event.kind !== "booted" || begun) return;
      begun = true;
      station.clock.setTimer(plugAfterMs, () => station.plugIn(evseId, car));
      station.clock.setTimer(plugAfterMs + tokenAfterMs, () => station.presentToken(evseId, idToken));
    },
  };
}

function evseOf(station: Station, evseId: number): EvseReport {
  const evse = station.state().evses[evseId - 1];
  assert(evse !== undefined, `no EVSE ${evseId}`);
  return evse;
}
