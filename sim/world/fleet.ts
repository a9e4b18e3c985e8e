/**
 * The street: stations of both versions with drivers who hurry, some with bad habits, and the truth about
 * each transaction as the station itself knows it.
 */
import { driversComeAndGo } from "../station/behaviours/drivers.ts";
import { rebootsEvery } from "../station/behaviours/habits.ts";
import {
  countsMessageIds,
  ignoresCalls,
  losesTransactionId,
  opensTwoSockets,
  repeatsTransactionStart,
  saysStrayComma,
  saysThreeElementCall,
  skipsBootAfterReconnect,
} from "../station/behaviours/misbehaviours.ts";
import { createStation } from "../station/station.ts";
import type { Behaviour, OcppVersion, Station, StationEvent, TransportFactory } from "../station/types.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { Timeline } from "./timeline.ts";

/** One transaction as its station knows it. */
export type Truth = {
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

export type Member = { station: Station; version: OcppVersion; habits: string[] };

/** Tokens that drivers carry; the SG lists all but the last one. */
export const TOKENS = ["TOKEN-A", "TOKEN-B", "TOKEN-C", "TOKEN-D", "STRANGER"] as const;

const TIMING = { callTimeoutMs: 8_000, rebootMs: 2_000, reconnectMinMs: 500, reconnectMaxMs: 10_000 };
const HURRY = {
  firstArrivalMs: [200, 10_000],
  absenceMs: [1_000, 15_000],
  chargeMs: [5_000, 60_000],
  holdMs: [500, 4_000],
} as const;

/** Sends each start twice at once: it did not wait for the answer. Same content, another message id. */
function stuttersStart(): Behaviour {
  let times = 0;
  return {
    name: "stutters start",
    frame(text) {
      const starts = text.includes('"StartTransaction"') || text.includes('"eventType":"Started"');
      if (!starts) return [text];
      times += 1;
      const frame = JSON.parse(text) as unknown[];
      return [text, JSON.stringify([2, `again-${times}-${String(frame[1]).slice(-12)}`, ...frame.slice(2)])];
    },
  };
}

const HABITS: readonly [() => Behaviour, ...(() => Behaviour)[]] = [
  repeatsTransactionStart,
  stuttersStart,
  countsMessageIds,
  skipsBootAfterReconnect,
  saysThreeElementCall,
  () => saysStrayComma(2),
  () => opensTwoSockets(5_000),
  () => ignoresCalls("Reset", "UnlockConnector"),
  () => rebootsEvery(60_000),
];

export function startFleet(options: {
  timeline: Timeline;
  chance: Chance;
  faults: Faults;
  transportFactory: TransportFactory;
}) {
  const { timeline, chance, faults } = options;
  const truths: Truth[] = [];
  const count = chance.between(2, 5);
  const members = Array.from({ length: count }, (_, index): Member => {
    const own = chance.fork();
    const version: OcppVersion = index === 0 || (index > 1 && chance.happens(0.5)) ? "1.6" : "2.0.1";
    const evses = chance.between(1, 2);
    const odd = () => chance.happens(faults.stations.misbehaviour);
    const habits: Behaviour[] = [];
    if (odd()) habits.push(chance.pick(HABITS)());
    // With one EVSE a person could still tell which transaction it means, and so can the ER.
    const forgets = habits.length === 0 && version === "1.6" && evses === 1 && odd();
    if (forgets) habits.push(losesTransactionId());
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
      config: { MeterValueSampleInterval: "5" },
      behaviours: [
        driversComeAndGo({ tokens: TOKENS.map((idToken) => ({ idToken, type: "ISO14443" })), ...HURRY }),
        ...habits,
      ],
      onEvent: (event) => note(event, () => station, version),
    });
    return { station, version, habits: habits.map(({ name }) => name) };
  });

  function note(event: StationEvent, stationOf: () => Station, version: OcppVersion): void {
    if (event.kind !== "transactionStarted" && event.kind !== "transactionEnded") return;
    const station = stationOf();
    const { evseId } = event;
    const evse = station.state().evses[evseId - 1];
    if (evse === undefined) return;
    if (event.kind === "transactionStarted") {
      if (evse.transaction === undefined) return;
      const { id, idToken, energyWh } = evse.transaction;
      const meterStartWh = evse.meterWh - energyWh;
      truths.push({
        stationId: station.id,
        version,
        id,
        evseId,
        idToken,
        startedAt: timeline.now(),
        meterStartWh,
      });
      return;
    }
    const truth = truths.findLast((t) => t.stationId === station.id && t.evseId === evseId);
    if (truth !== undefined) Object.assign(truth, { endedAt: timeline.now(), meterStopWh: evse.meterWh });
  }

  return {
    members,
    truths,
    /** What stations still have to say about their transactions. */
    unsaid: () => members.reduce((sum, { station }) => sum + station.state().queued, 0),
    /** Every driver is sent home; what is unsaid is said first. */
    closeDown(graceMs: number): void {
      for (const { station } of members) void station.stop(graceMs);
    },
  };
}

export type Fleet = ReturnType<typeof startFleet>;
