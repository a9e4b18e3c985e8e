/**
 * What is broken when: a pure function of the seed, so that a run can be had again.
 *
 * Every part of the system has a timeline of its own, so that faults of different parts overlap as they
 * like; faults of one part never do. The first fault of each part falls into the first half of the run.
 */
import { assert } from "../../shared/errors.ts";
import { nextRandom, seedRandom } from "../../shared/ids.ts";

export type Part = "er" | "rabbitmq" | "sg" | "postgres" | "link" | "database link" | "stations";

export type FaultKind =
  /** SIGKILL, and a new start when its time is over. */
  | "kill"
  | "cut"
  | "reset"
  | "delay"
  | "stall"
  | "half-open"
  | "half-open up"
  | "half-open down"
  /** Some stations lose their sockets. */
  | "lose sockets";

export type Fault = {
  part: Part;
  kind: FaultKind;
  /** Milliseconds since the load began. */
  atMs: number;
  /** Until it is mended. */
  forMs: number;
  /** A random number for what the fault still has to choose. */
  dice: number;
};

type Range = readonly [min: number, max: number];
type Recipe = {
  part: Part;
  /** Between two faults of this part. */
  pauseMs: Range;
  /** `weight`: how often, compared with the others of the part. */
  kinds: readonly { kind: FaultKind; weight: number; forMs: Range }[];
};

const KILL: FaultKind = "kill";
const RECIPES: readonly Recipe[] = [
  {
    part: "link",
    pauseMs: [2_000, 15_000],
    kinds: [
      { kind: "cut", weight: 4, forMs: [200, 8_000] },
      { kind: "reset", weight: 4, forMs: [0, 0] },
      { kind: "delay", weight: 3, forMs: [1_000, 8_000] },
      { kind: "stall", weight: 8, forMs: [2_000, 12_000] },
      { kind: "half-open", weight: 2, forMs: [1_000, 8_000] },
      { kind: "half-open up", weight: 2, forMs: [1_000, 8_000] },
      { kind: "half-open down", weight: 2, forMs: [1_000, 8_000] },
      // Long enough for heartbeats to notice.
      { kind: "half-open", weight: 1, forMs: [35_000, 45_000] },
      { kind: "cut", weight: 1, forMs: [20_000, 60_000] },
    ],
  },
  { part: "er", pauseMs: [5_000, 25_000], kinds: [{ kind: KILL, weight: 1, forMs: [0, 4_000] }] },
  { part: "sg", pauseMs: [6_000, 35_000], kinds: [{ kind: KILL, weight: 1, forMs: [0, 5_000] }] },
  { part: "rabbitmq", pauseMs: [20_000, 80_000], kinds: [{ kind: KILL, weight: 1, forMs: [0, 5_000] }] },
  { part: "postgres", pauseMs: [10_000, 50_000], kinds: [{ kind: KILL, weight: 1, forMs: [0, 5_000] }] },
  {
    part: "database link",
    pauseMs: [8_000, 40_000],
    kinds: [
      { kind: "reset", weight: 3, forMs: [0, 0] },
      { kind: "delay", weight: 3, forMs: [500, 5_000] },
      { kind: "cut", weight: 2, forMs: [200, 4_000] },
      { kind: "stall", weight: 2, forMs: [500, 6_000] },
      { kind: "half-open", weight: 1, forMs: [500, 6_000] },
    ],
  },
  {
    // The site's own network. No delay and no stall: a CALL that waits in it is late through no fault of the ER.
    part: "stations",
    pauseMs: [2_000, 8_000],
    kinds: [
      { kind: "lose sockets", weight: 4, forMs: [0, 3_000] },
      { kind: "reset", weight: 1, forMs: [0, 0] },
      { kind: "half-open", weight: 1, forMs: [300, 5_000] },
      { kind: "half-open up", weight: 2, forMs: [300, 5_000] },
      { kind: "half-open down", weight: 2, forMs: [300, 5_000] },
    ],
  },
];

/** The faults of a run, in the order in which they begin. None lasts over its end. */
export function createSchedule(seed: number, durationMs: number): Fault[] {
  const faults = RECIPES.flatMap((recipe, index) => {
    const state = seedRandom([seed, index]);
    const draw = ([min, max]: Range) => min + (nextRandom(state) % (max - min + 1));
    const timeline: Fault[] = [];
    let atMs = draw([500, Math.max(500, Math.min(recipe.pauseMs[1], Math.floor(durationMs / 2)))]);
    while (atMs < durationMs) {
      const { kind, forMs } = pick(recipe, nextRandom(state));
      const lastsMs = Math.min(draw(forMs), durationMs - atMs);
      timeline.push({ part: recipe.part, kind, atMs, forMs: lastsMs, dice: nextRandom(state) });
      atMs += lastsMs + draw(recipe.pauseMs);
    }
    return timeline;
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function pick({ kinds }: Recipe, random: number): Recipe["kinds"][number] {
  let left = random % kinds.reduce((sum, each) => sum + each.weight, 0);
  const found = kinds.find((each) => (left -= each.weight) < 0);
  assert(found !== undefined, "weights add up to their sum");
  return found;
}

/** A fault as a line for people. */
export function describeFault({ part, kind, forMs }: Fault): string {
  return `${part}: ${kind}${forMs === 0 ? "" : ` for ${(forMs / 1_000).toFixed(1)} s`}`;
}
