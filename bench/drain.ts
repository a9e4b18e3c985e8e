/**
 * How fast a site that was offline catches up: the backlog of its journal into PostgreSQL with all
 * projections, beside a COPY of the same rows. Once with 50 messages per commit, as a big site writes them,
 * and once with 4, as a small one does.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startCloud } from "./cloud.ts";
import { cpuMs, median, startEr, type Bench, type Context } from "./harness.ts";
import { fillJournal, openBenchJournal } from "./site.ts";

const OFFLINE_STEP_MS = 250;
const DEADLINE_MS = 120_000;

async function measure(context: Context, entries: number, perCommit: number): Promise<void> {
  const dir = context.dir();
  const { amqpUrl } = await context.services.rabbitmq();
  const cloud = await startCloud(context, amqpUrl);
  const rates: number[] = [];
  const copies: number[] = [];
  const cpu: number[] = [];
  const rounds = context.quick && perCommit < 50 ? 1 : 3;
  for (let round = 0; round < rounds; round++) {
    const erId = `bench-${perCommit}-${round}`;
    const data = join(dir, erId);
    mkdirSync(data);
    const journal = openBenchJournal(data);
    const share = Math.ceil(entries / rounds);
    fillJournal(journal, share, { perCommit, endAt: Date.now(), stepMs: OFFLINE_STEP_MS });
    const { lastSeq } = journal;
    journal.close();
    await cloud.pool.query("truncate message, transaction_sample");
    await cloud.checkpoint();
    const er = await startEr(context, { dir: data, erId, brokerUrl: amqpUrl });
    const before = cpuMs(cloud.pid);
    const start = performance.now();
    await cloud.until(erId, lastSeq, DEADLINE_MS);
    rates.push((lastSeq / (performance.now() - start)) * 1_000);
    cpu.push(((cpuMs(cloud.pid) - before) / lastSeq) * 1_000);
    await er.stop();
    copies.push((await cloud.copy(0)).perS);
  }
  await cloud.stop();
  context.report({
    bench: "drain",
    figure: `backlog into PostgreSQL, ${perCommit} per commit`,
    value: median(rates),
    unit: "entries/s",
    limit: median(copies),
    limitOf: "COPY of the rows",
    ...(perCommit < 50 ? {} : { goal: { of: "ratio", better: "more", target: 0.5, floor: 0.2 } }),
    more: {
      rounds: rates.map(Math.round),
      copies: copies.map(Math.round),
      entries,
      sgCpuUsPerEntry: median(cpu),
    },
  });
}

export const drain: Bench = {
  name: "drain",
  about: "a backlog made offline into PostgreSQL, beside COPY",
  async run(context) {
    await measure(context, context.entries, 50);
    await measure(context, Math.ceil(context.entries / 5), 4);
  },
};
