/**
 * Microseconds per message of the pure parts, so that a profile has numbers to start with. One process, no
 * I/O: the journal of the core's run is thrown away. The limit is JSON.parse of the same text, which nobody
 * can do without.
 */
import { decodeBlock, encodeBlock } from "../shared/block.ts";
import { decideAuthorize } from "../shared/decide/authorize.ts";
import { packTokens } from "../shared/decide/token-set.ts";
import type { Entry } from "../shared/entry.ts";
import { tokenHash } from "../shared/policy.ts";
import { parseFrame } from "../shared/ocpp/frame.ts";
import { checkPayload } from "../shared/ocpp/schemas.ts";
import { emptyChanges } from "../cloud/core/changes.ts";
import { project, readEntry } from "../cloud/core/project.ts";
import { emptyDurable } from "../edge/core/fold.ts";
import { createState, step } from "../edge/core/step.ts";
import type { Input } from "../edge/core/types.ts";
import { bootFrame, createCar, readingFrame, readStart, startFrame } from "./frames.ts";
import { median, type Bench, type Context } from "./harness.ts";
import { identityOf } from "./site.ts";

const AT = 1_795_000_000_000;
const JOURNAL_ID = "01900000-0000-7000-8000-000000000000";
const STATIONS = 100;
const BLOCK = 50;

/** Frames of running transactions and the entries that the core makes of them. */
function createCore(count: number) {
  const state = createState(identityOf("bench", JOURNAL_ID), emptyDurable(), undefined, 1);
  const entries: Entry[] = [];
  let upMs = 0;
  const take = (input: Input) => {
    upMs += 1;
    const out = step(state, input, { at: AT + upMs, upMs });
    entries.push(...out.entries);
    return out.effects.map((effect) => (effect.kind === "send" ? effect.text : "")).join("");
  };
  take({ kind: "start", boot: JOURNAL_ID, release: "bench", clock: "synced", seed: [1] });
  const cars = Array.from({ length: STATIONS }, (_, index) => createCar(index, "S", "mixed"));
  const at = new Date(AT).toISOString();
  cars.forEach((car, connectionId) => {
    const { stationId, protocol } = car;
    take({ kind: "station.connected", connectionId, stationId, protocol, remoteAddress: "127.0.0.1" });
    take({ kind: "station.frame", connectionId, text: bootFrame(car) });
    readStart(car, take({ kind: "station.frame", connectionId, text: startFrame(car, at) }));
  });
  const frames = Array.from({ length: count }, (_, index): Input & { kind: "station.frame" } => {
    const connectionId = index % STATIONS;
    const car = cars[connectionId] ?? createCar(0, "S", "mixed");
    return { kind: "station.frame", connectionId, text: readingFrame(car, at) };
  });
  const started = entries.splice(0);
  return { frames, take, entries, started };
}

type Part = { name: string; run: () => unknown };

function measure(context: Context, parts: readonly Part[], count: number): void {
  const rounds = context.quick ? 3 : 7;
  const times = new Map<string, number[]>();
  // The first round is for the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run } of parts) {
      const start = performance.now();
      run();
      const us = ((performance.now() - start) / count) * 1_000;
      if (round > 0) times.set(name, [...(times.get(name) ?? []), us]);
    }
  }
  const of = (name: string) => median(times.get(name) ?? []);
  const [limit] = parts;
  for (const { name } of parts) {
    context.report({
      bench: "cores",
      figure: name,
      value: of(name),
      unit: "µs",
      ...(name === limit?.name ? {} : { limit: of(limit?.name ?? ""), limitOf: "JSON.parse" }),
    });
  }
}

function protocolPart(count: number, perRound: number) {
  const { frames, take, entries } = createCore(count);
  const texts = frames.map((frame) => frame.text);
  let next = 0;
  return {
    entries,
    parts: [
      {
        name: "JSON.parse of a frame",
        run: () => texts.slice(0, perRound).forEach((text) => JSON.parse(text) as unknown),
      },
      {
        name: "frame: parse and check",
        run: () => {
          for (const text of texts.slice(0, perRound)) {
            const frame = parseFrame(text);
            if (frame.type !== "call") throw new Error("no CALL");
            const protocol = frame.action === "MeterValues" ? "ocpp1.6" : "ocpp2.0.1";
            if (checkPayload(protocol, frame.action, "Request", frame.payload) !== undefined)
              throw new Error("invalid");
          }
        },
      },
      {
        name: "core: step",
        run: () => frames.slice(next, (next += perRound)).forEach((frame) => take(frame)),
      },
    ] satisfies Part[],
  };
}

function blockParts(entries: readonly Entry[], perRound: number): Part[] {
  const groups = (size: number) =>
    Array.from({ length: Math.floor(perRound / size) }, (_, index) =>
      entries.slice(index * size, (index + 1) * size),
    );
  const fifties = groups(BLOCK);
  const blocks = fifties.map((group) => encodeBlock(JOURNAL_ID, group));
  const values = blocks.map((block) => decodeBlock(block).entries);
  const names = { stationId: (id: string) => id, meterId: (id: string) => id };
  const encodeAll = (all: Entry[][]) => () => all.forEach((group) => encodeBlock(JOURNAL_ID, group));
  return [
    { name: "block: encode, 4 entries each", run: encodeAll(groups(4)) },
    { name: "block: encode, 50 entries each", run: encodeAll(fifties) },
    { name: "block: decode, 50 entries each", run: () => blocks.forEach((block) => decodeBlock(block)) },
    { name: "entry: check", run: () => values.flat().forEach((value) => readEntry(value)) },
    {
      name: "entry: project",
      run: () => {
        for (const group of values) {
          const changes = emptyChanges();
          for (const value of group) project(changes, value as Entry, names);
        }
      },
    },
  ];
}

const TOKENS = 50_000;

/** A site that knows 50,000 tokens decides on one of them. */
function decisionPart(perRound: number): Part {
  const hashes = Array.from({ length: TOKENS }, (_, n) => tokenHash("salt", `TOKEN-${n}`));
  const set = packTokens(
    "salt",
    hashes.map((hash) => ({ hash, status: "Accepted", groupId: "G" })),
  );
  return {
    name: "decision: one of 50,000 tokens",
    run: () => {
      for (let n = 0; n < perRound; n++) {
        const decision = decideAuthorize({
          ...{ token: set.find(`TOKEN-${(n * 7_919) % TOKENS}`), unknownToken: "deny", purpose: "start" },
          ...{ stationId: "S1", running: 0, freshness: "fresh", usedHere: true, atMs: AT },
        });
        if (decision.status !== "Accepted") throw new Error("not accepted");
      }
    },
  };
}

export const cores: Bench = {
  name: "cores",
  about: "microseconds per message of the pure parts",
  run(context) {
    const perRound = 10_000;
    const core = protocolPart(perRound * 9, perRound);
    const source = createCore(perRound);
    for (const frame of source.frames) source.take(frame);
    measure(
      context,
      [...core.parts, ...blockParts(source.entries, perRound), decisionPart(perRound)],
      perRound,
    );
    return Promise.resolve();
  },
};
