/**
 * `npm run sim -- --seed N --seconds S [--runs R] [--faults JSON] [--calm] [--mutant NAME] [--postgres URL]
 *   [--verbose]`
 *
 * Runs the seeded world and says what it found. `--calm`: no faults but those given. `--postgres`: a server
 * on which it may make databases of its own, which have to agree. Exit status 1 after a violation, 2 for a
 * wrong call.
 */
import { parseArgs } from "node:util";
import { migrate } from "../../cloud/db/migrate.ts";
import { AppError, describeError } from "../../shared/errors.ts";
import { createTestDatabase } from "../services/test-database.ts";
import { mergeFaults, noFaults } from "./faults.ts";
import { MUTANTS } from "./mutants.ts";
import { report } from "./report.ts";
import { startTwin } from "./postgres.ts";
import { runWorld } from "./world.ts";

const prepare = async (url: string) => void (await migrate(url));

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AppError("SIM_ARGUMENT", `--${name} must be a whole number, not ${JSON.stringify(text)}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seconds: { type: "string", default: "300" },
      runs: { type: "string", default: "1" },
      faults: { type: "string", default: "{}" },
      calm: { type: "boolean", default: false },
      mutant: { type: "string" },
      postgres: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const { mutant } = values;
  if (mutant !== undefined && MUTANTS[mutant] === undefined) {
    const hint = `known mutants: ${Object.keys(MUTANTS).join(", ")}`;
    throw new AppError("SIM_MUTANT", `there is no mutant ${mutant}`, { hint });
  }
  const first = wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000));
  const seconds = wholeNumber("seconds", values.seconds);
  const runs = wholeNumber("runs", values.runs);
  let failed = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const startedMs = performance.now();
    const database =
      values.postgres === undefined ? undefined : await createTestDatabase(values.postgres, prepare);
    const twin = database === undefined ? undefined : await startTwin(database.url);
    const outcome = await runWorld({
      seed,
      seconds,
      faults: (drawn) => mergeFaults(values.calm ? noFaults() : drawn, values.faults),
      verbose: values.verbose,
      ...(mutant === undefined ? {} : { mutant }),
      ...(twin === undefined ? {} : { twin }),
    });
    await twin?.stop();
    await database?.drop();
    const given = `${values.calm ? " --calm" : ""}${values.faults === "{}" ? "" : ` --faults '${values.faults}'`}`;
    console.log(report(outcome, { seconds, mutant, given, ms: performance.now() - startedMs }));
    if (outcome.violation !== undefined) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(
    `${describeError(error)}${error instanceof AppError && error.hint ? `\n  ${error.hint}` : ""}`,
  );
  process.exitCode = 2;
}
