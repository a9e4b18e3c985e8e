/**
 * `npm run chaos -- [--minutes M] [--seed N] [--stations S] [--link amqp|mqtt] [--keep] [--quiet]`
 *
 * Real processes, killed and cut off at random under load; in the end what the stations were told must stand
 * in PostgreSQL. Exit status 1 when something differs, 2 for a wrong call or a system that does not start.
 */
import { parseArgs } from "node:util";
import { AppError, describeError } from "../../shared/errors.ts";
import { report } from "./report.ts";
import { runChaos } from "./run.ts";

const MINUTE_MS = 60_000;

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw new AppError(
    "CHAOS_ARGUMENT",
    `--${name} is a number from ${min} to ${max}, not ${JSON.stringify(text)}`,
  );
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      stations: { type: "string", default: "50" },
      link: { type: "string", default: "amqp" },
      keep: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
    },
  });
  const minutes = number("minutes", values.minutes, 0.1, 24 * 60);
  const seed = Math.trunc(number("seed", values.seed, 0, 2 ** 31));
  const stations = Math.trunc(number("stations", values.stations, 2, 1_000));
  const { link } = values;
  if (link !== "amqp" && link !== "mqtt") {
    throw new AppError("CHAOS_ARGUMENT", `--link is amqp or mqtt, not ${link}`);
  }
  const others = link === "amqp" ? "" : ` --link ${link}`;
  const replay = `npm run chaos -- --minutes ${minutes} --seed ${seed} --stations ${stations}${others}`;
  console.log(`seed ${seed}: ${minutes} minutes of faults, ${stations} stations   (${replay})`);
  const result = await runChaos({
    seed,
    durationMs: Math.round(minutes * MINUTE_MS),
    stations,
    link,
    commandLivesS: [1, 2, 4, 8, 15, 30],
    keep: values.keep,
    ...(values.quiet ? {} : { onLine: (line: string) => console.log(line) }),
  });
  console.log(`\nseed ${seed}\n${report(result, replay)}`);
  return result.differences.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const hint = error instanceof AppError && error.hint !== undefined ? `\n  ${error.hint}` : "";
  console.error(`${describeError(error)}${hint}`);
  process.exitCode = 2;
}
