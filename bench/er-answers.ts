/**
 * Answers per second of an ER, each after its durable commit, and how long a station waits for one.
 *
 * Closed loop at 1, 100 and 1,000 stations, beside a bare echo server, the prototype (see peers.ts) and a raw
 * file that is synced after 1 and after 50 messages. Open loop at 1,000 messages per second, as a big site
 * would offer them.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createCar, readingFrame } from "./frames.ts";
import {
  median,
  startChild,
  startEr,
  startLoad,
  urlOf,
  type Bench,
  type Context,
  type Load,
} from "./harness.ts";
import { PER_CONNECTION_MAX, type Outcome } from "./load.ts";

const STATIONS = [1, 100, 1_000];
const RATIO = { of: "ratio", better: "more", target: 0.7, floor: 0.4 } as const;

/** Messages per second into a file that is synced after every so many of them. */
function rawFile(dir: string, perSync: number, durationMs: number): number {
  const text = `${readingFrame(createCar(0, "S", "mixed"), new Date().toISOString())}\n`;
  const chunk = Buffer.from(text.repeat(perSync));
  const file = openSync(join(dir, `raw-${perSync}`), "w");
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < durationMs; count += perSync) {
    writeSync(file, chunk);
    fdatasyncSync(file);
  }
  closeSync(file);
  return (count / (performance.now() - start)) * 1_000;
}

async function oneRound(load: Load, url: string, stations: number, durationMs: number): Promise<Outcome> {
  await load.connect(url, stations);
  const outcome = await load.closed(PER_CONNECTION_MAX, durationMs);
  await load.disconnect();
  return outcome;
}

const medianOf = (outcomes: readonly Outcome[], key: keyof Outcome) =>
  median(outcomes.map((each) => each[key]));

async function closedLoops(
  context: Context,
  load: Load,
  urls: { er: string; echo: string; prototype: string },
) {
  const bench = "er-answers";
  for (const stations of STATIONS) {
    const results = { er: [] as Outcome[], echo: [] as Outcome[], prototype: [] as Outcome[] };
    const rounds = stations === 1 && !context.quick ? 5 : 3;
    for (let round = 0; round < rounds; round++) {
      for (const name of ["echo", "prototype", "er"] as const) {
        results[name].push(await oneRound(load, urls[name], stations, context.quick ? 700 : 2_500));
      }
    }
    const at = `${stations} station${stations === 1 ? "" : "s"}`;
    const value = medianOf(results.er, "perS");
    const more = {
      p50Ms: medianOf(results.er, "p50Ms"),
      p99Ms: medianOf(results.er, "p99Ms"),
      rounds: results.er.map((each) => Math.round(each.perS)),
      limitP50Ms: medianOf(results.prototype, "p50Ms"),
      limitP99Ms: medianOf(results.prototype, "p99Ms"),
    };
    const limit = medianOf(results.prototype, "perS");
    context.report({
      bench,
      figure: `durable answers, ${at}`,
      value,
      unit: "msg/s",
      limit,
      limitOf: "prototype",
      goal: RATIO,
      more,
    });
    const echo = medianOf(results.echo, "perS");
    context.report({
      bench,
      figure: `the same beside sockets`,
      value,
      unit: "msg/s",
      limit: echo,
      limitOf: "bare echo",
    });
    context.report({
      bench,
      figure: `p50 / p99, ${at}`,
      value: more.p50Ms,
      unit: `ms / ${more.p99Ms.toFixed(1)} ms`,
    });
  }
}

async function openLoop(context: Context, load: Load, url: string): Promise<void> {
  const outcomes: Outcome[] = [];
  await load.connect(url, 1_000);
  for (let round = 0; round < 3; round++)
    outcomes.push(await load.open(1_000, context.quick ? 1_500 : 4_000));
  await load.disconnect();
  const figure = (name: string, value: number, target: number, floor: number) =>
    context.report({
      bench: "er-answers",
      figure: `${name} at 1,000 msg/s of 1,000 stations`,
      value,
      unit: "ms",
      goal: { of: "value", better: "less", target, floor },
      more: { perS: medianOf(outcomes, "perS") },
    });
  figure("p50", medianOf(outcomes, "p50Ms"), 5, 50);
  figure("p99", medianOf(outcomes, "p99Ms"), 20, 50);
}

export const erAnswers: Bench = {
  name: "er-answers",
  about: "the ER's durable answers per second, and how long a station waits",
  async run(context) {
    const dir = context.dir();
    for (const perSync of [1, 50]) {
      const rounds = [1, 2, 3].map(() => rawFile(dir, perSync, context.quick ? 150 : 400));
      context.report({
        bench: "er-answers",
        figure: `raw file, ${perSync} per sync`,
        value: median(rounds),
        unit: "msg/s",
      });
    }
    const load = await startLoad(context);
    const er = await startEr(context);
    const echo = await startChild(context, "bench/peers.ts", ["echo"]);
    const prototype = await startChild(context, "bench/peers.ts", ["prototype", dir]);
    await closedLoops(context, load, { er: er.url, echo: urlOf(echo), prototype: urlOf(prototype) });
    await openLoop(context, load, er.url);
  },
};
