/**
 * The street: stations of both versions with drivers who hurry, some with bad habits, and the truth about
 * each transaction as the station itself knows it.
 */
import { driversComeAndGo } from "../station/behaviours/drivers.ts";
import { createStation } from "../station/station.ts";
import type { OcppVersion, Station, StationEvent, TransportFactory } from "../station/types.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import { drawHabits, type Habits } from "./habits.ts";
import type { Timeline } from "./timeline.ts";

/** One transaction as its station knows it. Times are the station's own. */
export type Truth = {
  member: Member;
  stationId: string;
  version: OcppVersion;
  /** The station's own id, which is the wire id in OCPP 2.0.1. */
  id: string;
  evseId: number;
  idToken: string;
  startedAt: number;
  meterStartWh: number;
  endedAt?: number;
  meterStopWh?: number;
};

export type Member = { station: Station; version: OcppVersion } & Pick<Habits, "habits" | "implausible">;

/** Tokens that drivers carry; the SG lists all but the last one. */
export const TOKENS = ["TOKEN-A", "TOKEN-B", "TOKEN-C", "TOKEN-D", "STRANGER"] as const;

const TIMING = { callTimeoutMs: 8_000, rebootMs: 2_000, reconnectMinMs: 500, reconnectMaxMs: 10_000 };
const HURRY = {
  firstArrivalMs: [200, 10_000],
  absenceMs: [1_000, 15_000],
  chargeMs: [5_000, 60_000],
  holdMs: [500, 4_000],
} as const;

export type FleetOptions = {
  timeline: Timeline;
  chance: Chance;
  faults: Faults;
  transportFactory: TransportFactory;
};

export type Fleet = ReturnType<typeof startFleet>;

export function startFleet(options: FleetOptions) {
  const { timeline, chance, faults } = options;
  const truths: Truth[] = [];
  const count = chance.between(2, faults.stations.countMax);
  const members = Array.from({ length: count }, (_, index): Member => {
    const own = chance.fork();
    const old = index === 0 || (index > 1 && chance.happens(0.5));
    const version: OcppVersion = old ? "1.6" : index % 2 === 1 ? "2.0.1" : "2.1";
    const evses = chance.between(1, 2);
    const { behaviours, said, ...habits } = drawHabits({ timeline, chance, faults, version, evses });
    const station: Station = createStation({
      id: `S${index + 1}`,
      version,
      evses: Array.from({ length: evses }, () =>
        chance.happens(0.5)
          ? { connectors: 1, maxPowerW: 22_000, phases: 3, kind: "AC" as const }
          : { connectors: 1, maxPowerW: 100_000, phases: 3, kind: "DC" as const },
      ),
      clock: timeline,
      random: () => own.word(),
      transportFactory: options.transportFactory,
      timing: TIMING,
      config: { MeterValueSampleInterval: String(faults.stations.sampleS) },
      behaviours: [
        driversComeAndGo({ tokens: TOKENS.map((idToken) => ({ idToken, type: "ISO14443" })), ...HURRY }),
        ...behaviours,
      ],
      onEvent: (event) => note(event, member, said(timeline.now())),
    });
    const member = { station, version, ...habits };
    return member;
  });

  function note(event: StationEvent, member: Member, saidAt: number): void {
    if (event.kind !== "transactionStarted" && event.kind !== "transactionEnded") return;
    const { station, version } = member;
    const { evseId } = event;
    const evse = station.state().evses[evseId - 1];
    if (evse === undefined) return;
    if (event.kind === "transactionStarted") {
      if (evse.transaction === undefined) return;
      const { id, idToken, energyWh } = evse.transaction;
      const meterStartWh = evse.meterWh - energyWh;
      truths.push({
        member,
        stationId: station.id,
        version,
        id,
        evseId,
        idToken,
        startedAt: saidAt,
        meterStartWh,
      });
      return;
    }
    const truth = truths.findLast((t) => t.stationId === station.id && t.evseId === evseId);
    if (truth !== undefined) Object.assign(truth, { endedAt: saidAt, meterStopWh: evse.meterWh });
  }

  return {
    members,
    truths,
    /** Stations that have still something to say about their transactions. */
    unsaid: () => members.filter(({ station }) => station.state().queued > 0),
    /** Every driver is sent home; what is unsaid is said first. */
    closeDown(graceMs: number): void {
      for (const { station } of members) void station.stop(graceMs);
    },
  };
}
