/**
 * One chaos run: load, faults, mend everything, drain, compare.
 *
 * What is wrong is collected, not thrown: a run that does not drain still says what is missing.
 */
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../shared/errors.ts";
import { until } from "../services/until.ts";
import { startCommander, type Commander } from "./commander.ts";
import { compare, type Difference } from "./compare.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { startLoad, type Load } from "./load.ts";
import { createSchedule, describeFault, type Fault, type Part } from "./schedule.ts";
import { countOpenCommands, countStations, readCursor, readStored, type Stored } from "./stored.ts";
import { startSystem, type System, type SystemOptions } from "./system.ts";

export type ChaosOptions = {
  seed: number;
  /** How long things are broken. */
  durationMs: number;
  stations: number;
  link: SystemOptions["link"];
  /** Lives of commands to choose from, in seconds. */
  commandLivesS: readonly number[];
  /** To be told what happens, for people. */
  onLine?: (line: string) => void;
  /** Keep logs, journal and database also when nothing is wrong. */
  keep?: boolean;
};

export type ChaosResult = {
  faults: Fault[];
  ledger: Ledger;
  stored: Stored;
  commands: { taken: number; unanswered: number };
  /** From the last mend until the SG had everything that the ER held then. */
  drainMs: number;
  /** Entries that waited for the SG when everything was mended. */
  backlog: number;
  /** Unexpected ends of programs: an SG may give up at its start while there is no database. */
  sgStartsGivenUp: number;
  differences: Difference[];
  /** Where logs and data are; undefined when they were removed. */
  keptIn: string | undefined;
};

const DRAIN_MS = 120_000;
const FINISH_MS = 30_000;
const TOKENS = Array.from({ length: 40 }, (_, index) => `TAG-${index + 1}`);

/** Runs it. @throws only when the system does not come up, or PostgreSQL cannot be read in the end. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, durationMs, link } = options;
  const schedule = createSchedule(seed, durationMs);
  const system = await startSystem({ link, tokens: TOKENS });
  const log = createWriteStream(join(system.dir, "chaos.log"));
  const say = (line: string): void => {
    log.write(`${new Date().toISOString()} ${line}\n`);
    options.onLine?.(line);
  };
  await writeFile(join(system.dir, "schedule.json"), JSON.stringify(schedule, null, 1));
  say(`logs and data: ${system.dir}`);
  let keep = true;
  try {
    const result = await runIn(system, schedule, options, say);
    keep = options.keep === true || result.differences.length > 0;
    if (keep) await keepLedger(system.dir, result);
    return { ...result, keptIn: keep ? system.dir : undefined };
  } finally {
    log.end();
    await system.stop(keep);
  }
}

type Result = Omit<ChaosResult, "keptIn">;

async function runIn(
  system: System,
  schedule: Fault[],
  options: ChaosOptions,
  say: (line: string) => void,
): Promise<Result> {
  const { seed, durationMs } = options;
  const ledger = createLedger();
  const load = startLoad({ url: system.ocppUrl, count: options.stations, seed, tokens: TOKENS, ledger });
  await load.untilBooted();
  const known = async () => (await countStations(system.databaseUrl)) === options.stations;
  await until("the SG knows all stations", known, DRAIN_MS);
  say(`${options.stations} stations are in service`);
  const wrong: Difference[] = [];
  const step = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      wrong.push({ kind: "journal", text: `${what}: ${describeError(error)}` });
    }
  };
  const commander = startCommander({
    system,
    stations: load.stations,
    tokens: TOKENS,
    seed,
    everyMs: 15_000 / options.stations,
    livesS: options.commandLivesS,
  });
  const faults = await breakThings(system, load, schedule, durationMs, say);
  const { drainMs, backlog } = await drain(system, say, step);
  await step("the last commands", () => commander.stop());
  await step("stations after the mend", () => load.untilBooted());
  await step("the stations' last words", async () => {
    const unsaid = await load.finish(FINISH_MS);
    if (unsaid > 0) throw new Error(`${unsaid} messages stayed unsaid`);
  });
  say("the stations have left");
  const livesMs = Math.max(...options.commandLivesS) * 1_000;
  await step("commands", () => untilCommandsEnd(system, livesMs + DRAIN_MS));
  await step("the rest of the journal", () => untilDrained(system));
  await step("the end of the programs", async () => {
    const { er, sg } = await system.stopPrograms();
    if (er !== 0 || sg !== 0) throw new Error(`the ER ended with ${er}, the SG with ${sg}`);
  });
  const stored = await readStored(system.databaseUrl);
  const differences = [...wrong, ...judge(system, commander), ...compare(ledger, commander.issued, stored)];
  const commands = { taken: commander.issued.length, unanswered: commander.unanswered };
  const sgStartsGivenUp = system.sg.ownEnds.length;
  return { faults, ledger, stored, commands, drainMs, backlog, sgStartsGivenUp, differences };
}

/** Lets every fault happen at its time. @returns those that did. Faults of one part wait for each other. */
async function breakThings(
  system: System,
  load: Load,
  schedule: readonly Fault[],
  durationMs: number,
  say: (line: string) => void,
): Promise<Fault[]> {
  const beganAt = performance.now();
  const elapsed = () => performance.now() - beganAt;
  const done: Fault[] = [];
  const timelines = Map.groupBy(schedule, (fault): Part => fault.part);
  await Promise.all(
    [...timelines.values()].map(async (timeline) => {
      for (const fault of timeline) {
        await sleep(Math.max(0, fault.atMs - elapsed()));
        // A server that took long to come back has overslept it.
        if (elapsed() >= durationMs) return;
        say(`${(elapsed() / 1_000).toFixed(1).padStart(6)} s  ${describeFault(fault)}`);
        done.push(fault);
        if (fault.kind === "lose sockets") load.loseSockets(fault);
        else await system.breakFor({ ...fault, forMs: Math.min(fault.forMs, durationMs - elapsed()) });
      }
    }),
  );
  await sleep(Math.max(0, durationMs - elapsed()));
  return done;
}

async function drain(
  system: System,
  say: (line: string) => void,
  step: (what: string, work: () => Promise<unknown>) => Promise<void>,
): Promise<{ drainMs: number; backlog: number }> {
  const mendedAt = performance.now();
  let goal = 0;
  let backlog = 0;
  await step("draining", async () => {
    const then = await until("the ER answers", () => system.status(), DRAIN_MS);
    goal = then.lastSeq;
    const stored = await until("PostgreSQL answers", () => readCursor(system.databaseUrl), DRAIN_MS);
    backlog = then.lastSeq - stored;
    say(`everything is mended; of ${then.lastSeq} entries ${backlog} wait for the SG`);
    const drained = async () => ((await system.status())?.ackedSeq ?? 0) >= goal;
    await until("the SG has what the ER held", drained, DRAIN_MS);
  });
  const drainMs = performance.now() - mendedAt;
  say(`drained after ${(drainMs / 1_000).toFixed(1)} s`);
  return { drainMs, backlog };
}

async function untilDrained(system: System): Promise<void> {
  const drained = async () => {
    const is = await system.status();
    return is !== undefined && is.stationsConnected === 0 && is.ackedSeq === is.lastSeq;
  };
  await until("the SG has the whole journal", drained, DRAIN_MS);
}

async function untilCommandsEnd(system: System, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const open = await countOpenCommands(system.databaseUrl);
    if (open === 0) return;
    if (performance.now() > end) throw new Error(`${open} never came to an end`);
    await sleep(500);
  }
}

/** What the programs themselves did wrong. */
function judge({ er, sg }: System, commander: Commander): Difference[] {
  const found = commander.wrong.map((text): Difference => ({ kind: "command", text }));
  for (const { status, log } of er.ownEnds) {
    found.push({ kind: "journal", text: `the ER ended by itself with ${status}:\n${log}` });
  }
  // A start without a database is given up, and the supervisor tries again. Nothing else is.
  for (const { status, log } of sg.ownEnds) {
    const lastStart = log.split("\n").slice(-3).join("\n");
    if (/^sg: /m.test(lastStart)) continue;
    found.push({ kind: "journal", text: `the SG ended by itself with ${status}:\n${log}` });
  }
  return found;
}

async function keepLedger(dir: string, { ledger, stored, differences }: Result): Promise<void> {
  const lines = (list: readonly unknown[]) => list.map((each) => JSON.stringify(each)).join("\n");
  await writeFile(join(dir, "told.jsonl"), lines(ledger.told));
  await writeFile(join(dir, "calls.jsonl"), lines(ledger.calls));
  await writeFile(join(dir, "commands.jsonl"), lines(stored.commands));
  await writeFile(join(dir, "differences.txt"), differences.map((d) => `${d.kind}: ${d.text}`).join("\n"));
}
