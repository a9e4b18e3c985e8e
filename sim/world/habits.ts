/**
 * What the stations of a world do wrong: drawn for each one, with what a checker has to know about it.
 *
 * `lossy` habits destroy what no system can give back; everything else must end in a whole transaction.
 */
import { rebootsEvery } from "../station/behaviours/habits.ts";
import {
  countsMessageIds,
  countsTransactionsBelowZero,
  hasWrongClock,
  ignoresCalls,
  losesTransactionId,
  losesTransactionStart,
  losesTransactionStop,
  opensTwoSockets,
  repeatsFrames,
  repeatsTransactionStart,
  repeatsTransactionStop,
  reusesSeqNo,
  saysNumbersAsText,
  saysOddStopReason,
  saysStrayComma,
  saysThreeElementCall,
  skipsBootAfterReconnect,
  speaksLate,
  stopsUnknownTransaction,
  updatesOutOfOrder,
} from "../station/behaviours/misbehaviours.ts";
import type { Behaviour, OcppVersion } from "../station/types.ts";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { Timeline } from "./timeline.ts";

export type Habits = {
  behaviours: Behaviour[];
  /** Names of the behaviours, for the checkers and for the person who reads. */
  habits: string[];
  /** What the station takes for the time. */
  said: (at: number) => number;
  /** … which nobody can believe. */
  implausible: boolean;
};

/** Habits after which the SG cannot know which transaction a message means. */
export const NAMELESS = ["loses transaction id", "counts transactions below zero"];
export const NO_START = "loses transaction start";
export const NO_STOP = "loses transaction stop";

type Make = (timeline: Timeline, faults: Faults) => Behaviour;
type List = readonly [Make, ...Make[]];

const EVERY_VERSION: List = [
  repeatsTransactionStart,
  stuttersStart,
  countsMessageIds,
  skipsBootAfterReconnect,
  saysThreeElementCall,
  repeatsFrames,
  () => saysStrayComma(2),
  () => saysNumbersAsText(2),
  () => opensTwoSockets(5_000),
  () => ignoresCalls("Reset", "UnlockConnector"),
  () => rebootsEvery(60_000),
  () => repeatsTransactionStop(10_000),
  () => losesTransactionStop(3),
  () => stopsUnknownTransaction(),
  (timeline, faults) => speaksLate(timeline, faults.stations.blackout.everyMs > 0 ? 300 : 10_000),
];
const V16: List = [saysOddStopReason, tellsStateFirst];
/** With one EVSE a person could still tell which transaction it means, and so can the ER. */
const V16_ONE_EVSE: List = [losesTransactionId, countsTransactionsBelowZero, () => losesTransactionStart(3)];
const V201: List = [reusesSeqNo, updatesOutOfOrder, () => losesTransactionStart(3)];

const YEAR_MS = 365 * 86_400_000;
const CLOCKS: readonly [
  name: string,
  said: (at: number, startedAt: number) => number,
  implausible: boolean,
][] = [
  ["lives in 1970", (at, startedAt) => at - startedAt, true],
  ["lives in 2099", (at) => at + 73 * YEAR_MS, true],
  ["runs 2 % fast", (at, startedAt) => at + Math.round((at - startedAt) * 0.02), false],
  ["runs 4 minutes ahead", (at) => at + 240_000, false],
];

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

/** Tells what the car does before it tells of the transaction in which it does it. */
function tellsStateFirst(): Behaviour {
  let times = 0;
  return {
    name: "tells state first",
    frame(text) {
      if (!text.includes('"StartTransaction"')) return [text];
      const [type, , , { connectorId, timestamp }] = JSON.parse(text) as [number, string, string, Start];
      const status = { connectorId, timestamp, errorCode: "NoError", status: "SuspendedEVSE" };
      return [JSON.stringify([type, `first-${++times}`, "StatusNotification", status]), text];
    },
  };
}
type Start = { connectorId: number; timestamp: string };

export function drawHabits(options: {
  timeline: Timeline;
  chance: Chance;
  faults: Faults;
  version: OcppVersion;
  evses: number;
}): Habits {
  const { timeline, chance, faults, version, evses } = options;
  const odd = () => chance.happens(faults.stations.misbehaviour);
  const behaviours: Behaviour[] = [];
  const own = version !== "1.6" ? V201 : evses === 1 ? V16_ONE_EVSE : V16;
  if (odd()) behaviours.push(chance.pick(chance.happens(0.3) ? own : EVERY_VERSION)(timeline, faults));
  const clock = chance.happens(faults.stations.wrongClock)
    ? CLOCKS[chance.word() % CLOCKS.length]
    : undefined;
  const startedAt = timeline.now();
  if (clock !== undefined) behaviours.push(hasWrongClock(clock[0], clock[1]));
  return {
    behaviours,
    habits: behaviours.map(({ name }) => name),
    said: (at) => clock?.[1](at, startedAt) ?? at,
    implausible: clock?.[2] ?? false,
  };
}
