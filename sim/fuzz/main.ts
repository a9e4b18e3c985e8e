/** `npm run fuzz`: broken and hostile frames against the ER. A seed plays the same run again. */
import { parseArgs } from "node:util";
import type { Protocol } from "../../shared/entry.ts";
import { fuzzCore } from "./core.ts";
import { fuzzSocket, startLonelyEr } from "./socket.ts";

const HELP = `Fuzzing of the ER: frames of stations, valid and mutated, judged one by one.

Usage: npm run fuzz -- [options]

  --version V   1.6, 2.0.1 or 2.1 (default: one after the other)
  --frames N    frames of each version against the core (default 100000)
  --socket N    frames of each version over a real socket (default 2000)
  --seed N      plays the same run again (default: a new one, printed)
`;

const { values } = parseArgs({
  options: {
    version: { type: "string" },
    frames: { type: "string", default: "100000" },
    socket: { type: "string", default: "2000" },
    seed: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const VERSIONS: readonly Protocol[] = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"];

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const versions = VERSIONS.filter((v) => values.version === undefined || v === `ocpp${values.version}`);
  if (versions.length === 0) {
    process.stderr.write(`unknown version "${values.version ?? ""}": 1.6, 2.0.1 or 2.1\n`);
    return 2;
  }
  const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 32));
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`seed ${seed}`);
  let complaints = 0;
  for (const protocol of versions) {
    const began = performance.now();
    const report = fuzzCore(protocol, Number(values.frames), seed);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    const [before, after] = report.heapMb.map((mb) => mb.toFixed(1));
    const [small, large] = report.stateKb.map((kb) => kb.toFixed(0));
    say(`\n${protocol}: ${report.frames} frames against the core in ${seconds} s, ${report.entries} entries`);
    say(`  heap ${before} → ${after} MB, state ${small} → ${large} KB (at a quarter, at the end)`);
    say(`  our calls: ${report.commands.sent}, ended ${report.commands.finished}`);
    for (const [outcome, count] of Object.entries(report.outcomes)) say(`  ${outcome.padEnd(20)} ${count}`);
    complaints += show(report.complaints);
  }
  const er = await startLonelyEr();
  for (const protocol of versions) {
    const report = await fuzzSocket(er.url, protocol, Number(values.socket), seed);
    say(`\n${protocol}: ${report.frames} frames over a socket`);
    for (const [outcome, count] of Object.entries(report.outcomes)) say(`  ${outcome.padEnd(20)} ${count}`);
    complaints += show(report.complaints);
  }
  await er.stop();
  say(complaints === 0 ? "\nnothing found" : `\n${complaints} complaints; seed ${seed}`);
  return complaints === 0 ? 0 : 1;
}

function show(complaints: readonly string[]): number {
  for (const complaint of complaints) process.stdout.write(`  ! ${complaint}\n`);
  return complaints.length;
}

process.exitCode = await main();
