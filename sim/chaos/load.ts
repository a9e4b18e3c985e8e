/**
 * Stations that charge cars, half of them OCPP 1.6 and half 2.x: well-behaved ones, which repeat what was
 * not answered and come back when their socket is gone. Every frame goes into the ledger.
 */
import { nextRandom, seedRandom } from "../../shared/ids.ts";
import { until } from "../services/until.ts";
import { driversComeAndGo } from "../station/behaviours/drivers.ts";
import { systemClock } from "../station/clock.ts";
import { socketTransport } from "../station/socket.ts";
import { createStation } from "../station/station.ts";
import type { EvseOptions, Station } from "../station/types.ts";
import type { Ledger } from "./ledger.ts";
import type { Fault } from "./schedule.ts";

const SOCKET_LOSS_SHARE = 0.3;
/** Quick ones, so that a run of a minute sees many transactions begin and end. */
const TIMING = {
  callTimeoutMs: 10_000,
  rebootMs: 800,
  reconnectMinMs: 200,
  reconnectMaxMs: 2_000,
  contactorMs: 300,
  tickMs: 500,
};
const DRIVERS = {
  firstArrivalMs: [100, 2_000],
  absenceMs: [300, 4_000],
  chargeMs: [1_000, 15_000],
  holdMs: [200, 2_000],
  patienceMs: 4_000,
} as const;
const BOOT_MS = 60_000;

export type Load = {
  stations: readonly Station[];
  /** Some stations lose their sockets, for as long as the fault lasts. */
  loseSockets(fault: Fault): void;
  untilBooted(): Promise<void>;
  /** Ends all transactions and says what is left to say. @returns messages that stayed unsaid. */
  finish(deadlineMs: number): Promise<number>;
};

/** Switches the stations on. */
export function startLoad(options: {
  url: string;
  count: number;
  seed: number;
  tokens: readonly string[];
  ledger: Ledger;
}): Load {
  const { count, seed, ledger } = options;
  const tokens = options.tokens.map((idToken) => ({ idToken, type: "ISO14443" }));
  const transportFactory = socketTransport({ url: options.url });
  const stations = Array.from({ length: count }, (_, index): Station => {
    const state = seedRandom([seed, 1_000 + index]);
    const version = index % 2 === 0 ? "1.6" : index % 4 === 1 ? "2.0.1" : "2.1";
    const id = `${version === "1.6" ? "A" : "B"}-${String(index + 1).padStart(3, "0")}`;
    return createStation({
      id,
      version,
      evses: evsesOf(index),
      clock: systemClock,
      random: () => nextRandom(state),
      transportFactory,
      timing: TIMING,
      config: { MeterValueSampleInterval: "1", TransactionMessageRetryInterval: "1" },
      behaviours: [driversComeAndGo({ tokens, ...DRIVERS })],
      onFrame: (direction, text) => ledger.frame(id, direction, text),
    });
  });
  return {
    stations,
    loseSockets({ dice, forMs }) {
      const state = seedRandom([dice]);
      for (const station of stations) {
        if (nextRandom(state) / 2 ** 32 < SOCKET_LOSS_SHARE) station.loseSocket(forMs);
      }
    },
    untilBooted: () =>
      until("all stations are in service", () => stations.every((s) => s.state().booted), BOOT_MS).then(
        () => undefined,
      ),
    async finish(deadlineMs) {
      await Promise.all(stations.map((station) => station.stop(deadlineMs)));
      return stations.reduce((sum, station) => sum + station.state().queued, 0);
    },
  };
}

/** Wallboxes, double posts and fast chargers by turns. */
function evsesOf(index: number): EvseOptions[] {
  const ac: EvseOptions = { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" };
  const dc: EvseOptions = { connectors: 1, maxPowerW: 150_000, phases: 3, kind: "DC" };
  return [[ac], [ac, ac], [dc, dc]][Math.floor(index / 2) % 3] ?? [ac];
}
