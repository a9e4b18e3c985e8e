/**
 * Several simulated stations with drivers who come and go: the street in front of the demo.
 *
 * Repeats for the same seed as far as the network allows; every station has its own stream of randomness,
 * so that one station's fate does not change another's.
 */
import type { IdToken } from "../shared/command.ts";
import { nextRandom, seedRandom } from "../shared/ids.ts";
import { driversComeAndGo } from "./station/behaviours/drivers.ts";
import { systemClock } from "./station/clock.ts";
import { httpFiles } from "./station/http-files.ts";
import { socketTransport } from "./station/socket.ts";
import { createStation } from "./station/station.ts";
import type { Behaviour, Clock, Station, StationOptions, TransportFactory } from "./station/types.ts";
import type { FilePort } from "./station/upkeep.ts";

export type FleetStation = Pick<StationOptions, "id" | "version" | "evses"> &
  Partial<Pick<StationOptions, "vendor" | "model" | "password" | "config" | "timing" | "onFrame">> & {
    /** On top of the drivers. */
    behaviours?: Behaviour[];
    /** Nobody comes who was not asked to: it is free for guests. */
    byInvitation?: boolean;
  };

export type FleetOptions = {
  /** Of the CSMS, without a station's id: `ws://host:9220/ocpp`. */
  url: string;
  /** The tokens that the drivers carry. */
  tokens: IdToken[];
  stations?: FleetStation[];
  seed?: number;
  /** What the whole fleet draws from the site, after each change. Currents by phase, L1 to L3. */
  onTotalPower?: (watts: number, phaseCurrentsMa: number[]) => void;
  /** For a run without real time or network. */
  clock?: Clock;
  transportFactory?: TransportFactory;
  files?: FilePort;
};

export type Fleet = {
  stations: Station[];
  /** Lets every station end its transactions and close. */
  stop: (graceMs?: number) => Promise<void>;
};

/** Whoever charges there without being asked comes after more than two weeks. */
const NEVER_MS = [1_500_000_000, 2_000_000_000] as const;

/** Where a guest of the demo always finds a free place. */
export const GUEST_STATION_ID = "AC-4";

/** A fast charger with two outlets, a double AC post and three wallboxes: every version of OCPP. */
export const DEMO_STATIONS: FleetStation[] = [
  {
    id: "DC-1",
    version: "2.0.1",
    model: "Rapid 100",
    evses: [
      { connectors: 1, maxPowerW: 100_000, phases: 3, kind: "DC" },
      { connectors: 1, maxPowerW: 50_000, phases: 3, kind: "DC" },
    ],
  },
  {
    id: "AC-1",
    version: "1.6",
    model: "Post 22",
    evses: [
      { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" },
      { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" },
    ],
  },
  {
    id: "AC-2",
    version: "1.6",
    model: "Wallbox 7",
    evses: [{ connectors: 1, maxPowerW: 7_400, phases: 1, kind: "AC" }],
  },
  {
    id: "AC-3",
    version: "2.1",
    model: "Wallbox 11",
    evses: [{ connectors: 1, maxPowerW: 11_000, phases: 3, kind: "AC" }],
  },
  {
    id: GUEST_STATION_ID,
    version: "2.0.1",
    model: "Wallbox 11",
    evses: [{ connectors: 1, maxPowerW: 11_000, phases: 3, kind: "AC" }],
    byInvitation: true,
  },
];

/** Switches the stations on. The first charge of each begins within three seconds of its boot. */
export function startFleet(options: FleetOptions): Fleet {
  const { url, tokens, stations = DEMO_STATIONS, seed = 1, clock = systemClock, files = httpFiles } = options;
  const transportFactory = options.transportFactory ?? socketTransport({ url });
  const drawn = new Map<string, { watts: number; currentsMa: number[] }>();
  const total = () => {
    const all = [...drawn.values()];
    const phase = (index: number) => all.reduce((sum, each) => sum + (each.currentsMa[index] ?? 0), 0);
    const watts = all.reduce((sum, each) => sum + each.watts, 0);
    options.onTotalPower?.(watts, [phase(0), phase(1), phase(2)]);
  };
  const running = stations.map(({ behaviours = [], byInvitation = false, ...each }, index) => {
    const drivers = byInvitation
      ? driversComeAndGo({ tokens, absenceMs: NEVER_MS })
      : driversComeAndGo({ tokens, firstArrivalMs: [200, 1_000] });
    const state = seedRandom([seed, index]);
    return createStation({
      ...each,
      clock,
      random: () => nextRandom(state),
      transportFactory,
      files,
      behaviours: [drivers, ...behaviours],
      onPower(evseId, watts, currentsMa) {
        drawn.set(`${each.id} ${evseId}`, { watts, currentsMa });
        total();
      },
    });
  });
  return {
    stations: running,
    async stop(graceMs) {
      await Promise.all(running.map((station) => station.stop(graceMs)));
    },
  };
}
