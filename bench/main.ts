/**
 * npm run bench [-- name …]: measures, prints one JSON line per figure on stdout and a table on stderr.
 *
 * README.md beside this file says how to read it.
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { AppError, describeError } from "../shared/errors.ts";
import { api } from "./api.ts";
import { cores } from "./cores.ts";
import { drain } from "./drain.ts";
import { endToEnd } from "./end-to-end.ts";
import { erAnswers } from "./er-answers.ts";
import { diskDir, type Bench, type Context, type Figure, type Options } from "./harness.ts";
import { memory } from "./memory.ts";
import { outage } from "./outage.ts";
import { pricing } from "./pricing.ts";
import { createServices } from "./services.ts";
import { uplink } from "./uplink.ts";
import { wear } from "./wear.ts";

const BENCHES: Bench[] = [erAnswers, endToEnd, drain, wear, memory, uplink, cores, pricing, api, outage];

const USAGE = `npm run bench [-- name …] [options]

${BENCHES.map((bench) => `  ${bench.name.padEnd(12)}${bench.about}`).join("\n")}

  --quick            short rounds, for a first look
  --entries N        entries of the backlog in drain (200000)
  --journal-mb N     size of the journal in memory (200)
  --wear-seconds N   length of the run at 2 messages per second in wear (60)
  --hours N          length of the outage (24); 720 are 30 days
  --sample-s N       seconds between two readings of a car in the outage (60)
  --budget-mb N      room of the journal in the outage (2048)
  --cpu-prof DIR     CPU profiles of the ER and the SG, for Chrome's developer tools
  BENCH_DIR          a folder on a disk, where the temporary one is none
`;

const ratioOf = ({ value, limit }: Figure) => (limit === undefined ? undefined : value / limit);

type Verdict = "target" | "floor" | "below" | "";

function verdictOf(figure: Figure): Verdict {
  const { goal } = figure;
  const judged = goal?.of === "ratio" ? ratioOf(figure) : figure.value;
  if (goal === undefined || judged === undefined) return "";
  const reaches = (bound: number) => (goal.better === "more" ? judged >= bound : judged <= bound);
  return reaches(goal.target) ? "target" : reaches(goal.floor) ? "floor" : "below";
}

const short = (value: number) => Number(value.toPrecision(4));

function toLine(figure: Figure): string {
  const { bench, figure: name, value, unit, limit, limitOf, goal, more } = figure;
  const ratio = ratioOf(figure);
  return JSON.stringify({
    bench,
    figure: name,
    value: short(value),
    unit,
    ...(limit === undefined || ratio === undefined
      ? {}
      : { limit: short(limit), limitOf, ratio: short(ratio) }),
    ...(goal === undefined
      ? {}
      : { target: goal.target, floor: goal.floor, judged: goal.of, verdict: verdictOf(figure) }),
    ...more,
  });
}

function toTable(figures: readonly Figure[]): string {
  const number = (value: number | undefined) =>
    value === undefined
      ? ""
      : value >= 1_000
        ? Math.round(value).toLocaleString("en")
        : String(Number(value.toPrecision(3)));
  const rows = figures.map((figure) => [
    figure.bench,
    figure.figure,
    `${number(figure.value)} ${figure.unit}`,
    figure.limit === undefined ? "" : `${number(figure.limit)} ${figure.limitOf ?? ""}`,
    number(ratioOf(figure)),
    figure.goal === undefined
      ? ""
      : `${figure.goal.better === "more" ? "≥" : "≤"} ${figure.goal.target} (${figure.goal.floor})`,
    verdictOf(figure),
  ]);
  const all = [["bench", "figure", "value", "limit", "ratio", "target (floor)", "reaches"], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function readOptions() {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: flag,
      help: flag,
      entries: text,
      "journal-mb": text,
      "wear-seconds": text,
      hours: text,
      "sample-s": text,
      "budget-mb": text,
      "cpu-prof": text,
    },
  });
  const quick = values.quick === true;
  const number = (value: string | undefined, fallback: number) => {
    const found = value === undefined ? fallback : Number(value);
    if (Number.isInteger(found) && found > 0) return found;
    throw new AppError("BENCH_OPTION", `"${value ?? ""}" is no positive integer`);
  };
  const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
  const options: Options = {
    quick,
    entries: number(values.entries, quick ? 40_000 : 200_000),
    journalMb: number(values["journal-mb"], quick ? 50 : 200),
    wearSeconds: number(values["wear-seconds"], quick ? 6 : 60),
    outageHours: number(values.hours, quick ? 2 : 24),
    sampleS: number(values["sample-s"], 60),
    budgetMb: number(values["budget-mb"], 2_048),
    profileDir: values["cpu-prof"],
  };
  const names = positionals.length > 0 ? positionals : BENCHES.map((bench) => bench.name);
  return { options, names, help: values.help === true || unknown.length > 0 };
}

type Ends = (() => unknown)[];

/** The last one first, down to the first `keep` of them. */
async function endAll(ends: Ends, keep = 0): Promise<void> {
  while (ends.length > keep) {
    try {
      await ends.pop()?.();
    } catch (error) {
      console.error(`bench: cleaning up: ${describeError(error)}`);
    }
  }
}

async function runAll(benches: readonly Bench[], options: Options, ends: Ends): Promise<Figure[]> {
  const figures: Figure[] = [];
  const services = createServices((work) => ends.push(work));
  // What the services need at the end stays at the bottom of the list.
  const shared = ends.length;
  for (const bench of benches) {
    console.error(`bench: ${bench.name} …`);
    const context: Context = {
      ...options,
      services,
      report(figure) {
        figures.push(figure);
        console.log(toLine(figure));
      },
      dir() {
        const dir = diskDir();
        ends.push(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
        return dir;
      },
      onEnd: (work) => ends.push(work),
    };
    await bench.run(context);
    await endAll(ends, shared);
  }
  return figures;
}

async function main(): Promise<void> {
  const { options, names, help } = readOptions();
  if (help) return void console.error(USAGE);
  const ends: Ends = [];
  const stop = () => void endAll(ends).finally(() => process.exit(1));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    const figures = await runAll(
      BENCHES.filter((bench) => names.includes(bench.name)),
      options,
      ends,
    );
    console.error(`\n${toTable(figures)}`);
  } finally {
    await endAll(ends);
  }
}

main().catch((error: unknown) => {
  console.error(`bench: ${describeError(error)}`);
  process.exitCode = 1;
});
