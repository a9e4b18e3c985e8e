/**
 * `npm run sim -- [--seeds COUNT] [--seed FIRST] [--seconds S] [--jobs J] [--faults JSON] [--calm]
 *   [--mutant NAME] [--mutants] [--postgres URL] [--verbose]`
 *
 * Runs the seeded world, on all cores, and says what it found. `--calm`: no faults but those given.
 * `--mutants`: plants every mistake of `mutants.ts` in turn and says within how many seeds it was found.
 * `--postgres`: a server on which it may make databases of its own, which have to agree. Exit status 1 after
 * a violation, or a mutant that was not found; 2 for a wrong call.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { migrate } from "../../cloud/db/migrate.ts";
import { AppError, describeError } from "../../shared/errors.ts";
import { createTestDatabase } from "../services/test-database.ts";
import { mergeFaults, noFaults } from "./faults.ts";
import { MUTANTS } from "./mutants.ts";
import { startPool } from "./pool.ts";
import { startTwin } from "./postgres.ts";
import { progress, report, summary } from "./report.ts";
import { runTask, type Done, type Task } from "./task.ts";

/** More than this at once, and only what fails is printed in full. */
const TOLD_ONE_BY_ONE = 20;
const FAILURES_MAX = 5;
const MUTANT_SEEDS = 200;

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$|^0$/.test(text)) return Number(text);
  throw new AppError("SIM_ARGUMENT", `--${name} must be a whole number, not ${JSON.stringify(text)}`);
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      seconds: { type: "string" },
      jobs: { type: "string", default: String(availableParallelism()) },
      faults: { type: "string", default: "{}" },
      calm: { type: "boolean", default: false },
      mutant: { type: "string" },
      mutants: { type: "boolean", default: false },
      postgres: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const { mutant, mutants } = values;
  mergeFaults(noFaults(), values.faults);
  if (mutant !== undefined && MUTANTS[mutant] === undefined) {
    const hint = `known mutants: ${Object.keys(MUTANTS).join(", ")}`;
    throw new AppError("SIM_MUTANT", `there is no mutant ${mutant}`, { hint });
  }
  return {
    ...values,
    seed: values.seed === undefined && mutants ? 1 : wholeNumber("seed", values.seed ?? randomSeed()),
    seeds: wholeNumber("seeds", values.seeds ?? String(mutants ? MUTANT_SEEDS : 1)),
    seconds: wholeNumber("seconds", values.seconds ?? (mutants ? "200" : "300")),
    jobs: Math.max(1, wholeNumber("jobs", values.jobs)),
  };
}

type Arguments = ReturnType<typeof readArguments>;

const randomSeed = () => String(Date.now() % 1_000_000_000);

function* tasks(given: Arguments, mutant: string | undefined): Generator<Task> {
  const { seed: first, seeds, seconds, faults, calm } = given;
  for (let seed = first; seed < first + seeds; seed++) yield { seed, seconds, faults, calm, mutant };
}

/** One after the other in this process, with what cannot be had in another one. */
async function runHere(given: Arguments): Promise<number> {
  let failed = 0;
  for (const task of tasks(given, given.mutant)) {
    const prepare = async (url: string) => void (await migrate(url));
    const database =
      given.postgres === undefined ? undefined : await createTestDatabase(given.postgres, prepare);
    const twin = database === undefined ? undefined : await startTwin(database.url);
    const done = await runTask(task, { verbose: given.verbose, ...(twin === undefined ? {} : { twin }) });
    await twin?.stop();
    await database?.drop();
    console.log(report(done));
    if (done.outcome.violation !== undefined) failed += 1;
  }
  return failed;
}

async function runSeeds(given: Arguments): Promise<number> {
  const pool = startPool(Math.min(given.jobs, given.seeds));
  const all: Done[] = [];
  const failed: Done[] = [];
  const say = progress(given.seeds);
  try {
    await pool.each(tasks(given, given.mutant), (done) => {
      all.push(done);
      const violated = done.outcome.violation !== undefined;
      if (violated) failed.push(done);
      if (violated || given.seeds <= TOLD_ONE_BY_ONE) console.log(report(done));
      else say(all.length, failed.length);
      return failed.length < FAILURES_MAX;
    });
  } finally {
    pool.stop();
  }
  if (given.seeds > 1) console.log(summary(all, given));
  return failed.length;
}

async function runMutants(given: Arguments): Promise<number> {
  const pool = startPool(given.jobs);
  let missed = 0;
  try {
    for (const mutant of Object.keys(MUTANTS)) {
      let tried = 0;
      let found: Done | undefined;
      await pool.each(tasks(given, mutant), (done) => {
        tried += 1;
        const { violation } = done.outcome;
        // An exception would be a mistake of the planting.
        if (violation === undefined || violation.checker === "no exception") return true;
        found = done;
        return false;
      });
      const { task, outcome } = found ?? {};
      if (found === undefined) missed += 1;
      const where = `found by the ${tried}. seed (${task?.seed}), by "${outcome?.violation?.checker}": `;
      const text = found === undefined ? `NOT FOUND in ${tried} seeds` : where + outcome?.violation?.saw;
      console.log(`${mutant.padEnd(32)} ${text.slice(0, 200)}`);
    }
  } finally {
    pool.stop();
  }
  console.log(`${Object.keys(MUTANTS).length - missed} of ${Object.keys(MUTANTS).length} mutants found`);
  return missed;
}

async function main(): Promise<number> {
  const given = readArguments();
  if (given.mutants) return await runMutants(given);
  if (given.verbose || given.postgres !== undefined) return await runHere(given);
  return await runSeeds(given);
}

try {
  process.exitCode = (await main()) === 0 ? 0 : 1;
} catch (error) {
  console.error(
    `${describeError(error)}${error instanceof AppError && error.hint ? `\n  ${error.hint}` : ""}`,
  );
  process.exitCode = 2;
}
