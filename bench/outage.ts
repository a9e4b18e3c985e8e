/**
 * How long a site can be without internet: an outage at simulated speed on a real journal file, then its
 * backlog into PostgreSQL by the real programs. What the stations were told must stand there, every Wh of it.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../shared/errors.ts";
import { startCloud, type Cloud } from "./cloud.ts";
import { startEr, type Bench, type Context } from "./harness.ts";
import { liveThroughOutage, type OutageResult } from "./outage-site.ts";

const HOUR_MS = 3_600_000;
const MB = 1024 * 1024;
const CONNECTORS = 100;
const METERS = 4;
const DRAIN_MS_MAX = 30 * 60_000;
const RAM_BYTES_MIN = 4 * 1024 * MB;

/** Memory where there is room: filling a journal in minutes instead of weeks must not wait for each commit. */
function fastDir(context: Context): string {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    if (bavail * bsize < RAM_BYTES_MIN) return context.dir();
    const dir = mkdtempSync("/dev/shm/moov-outage-");
    context.onEnd(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
  } catch {
    return context.dir() || tmpdir();
  }
}

type Stored = { ocpp_transaction_id: string; meter_stop_wh: number | null; last_energy_wh: number | null };

/** Every transaction that a station was told of stands there once, with the energy that it told. */
async function compare(cloud: Cloud, erId: string, { transactions }: OutageResult): Promise<void> {
  const { rows } = await cloud.pool.query<Stored>(
    "select ocpp_transaction_id, meter_stop_wh, last_energy_wh from transaction where er_id = $1",
    [erId],
  );
  const stored = new Map(rows.map((row) => [row.ocpp_transaction_id, row]));
  const wrong: string[] = [];
  if (rows.length !== transactions.length || stored.size !== rows.length)
    wrong.push(`${transactions.length} transactions were told, ${rows.length} are stored`);
  for (const told of transactions) {
    const row = stored.get(told.ocppTransactionId);
    const wh = row?.meter_stop_wh ?? row?.last_energy_wh;
    const neverDelivered = wh === null && told.meterStartWh === told.meterStopWh;
    if (row === undefined || (wh !== told.meterStopWh && !neverDelivered))
      wrong.push(`${told.ocppTransactionId}: told ${told.meterStopWh} Wh, stored ${String(wh)}`);
  }
  if (wrong.length > 0)
    throw new AppError("OUTAGE_WRONG", `${wrong.length} differences:\n${wrong.slice(0, 20).join("\n")}`);
}

function fill(context: Context, dir: string): { result: OutageResult; hours: number } {
  const hours = context.outageHours;
  const startedMs = performance.now();
  const result = liveThroughOutage({
    path: join(dir, "journal.sqlite"),
    startAt: Date.now() - hours * HOUR_MS - 120_000,
    durationMs: hours * HOUR_MS,
    connectors: CONNECTORS,
    meters: METERS,
    sampleMs: context.sampleS * 1_000,
    budgetBytes: context.budgetMb * MB,
    reserveBytes: Math.min(64, context.budgetMb / 4) * MB,
    seed: 1,
    onHour(hour, usedBytes, pressure) {
      if (hour % 24 !== 0) return;
      const realS = Math.round((performance.now() - startedMs) / 1_000);
      console.error(`bench: day ${hour / 24}: ${(usedBytes / MB).toFixed(0)} MB, ${pressure} (${realS} s)`);
    },
  });
  return { result, hours };
}

export const outage: Bench = {
  name: "outage",
  about:
    "a site of 100 connectors without internet, then its way back (--hours 24 --sample-s 60 --budget-mb 2048)",
  async run(context) {
    const erId = "outage";
    const dir = join(fastDir(context), erId);
    mkdirSync(dir);
    const { result, hours } = fill(context, dir);
    const { transactions, ...figures } = result;
    const mb = result.usedBytes / MB;
    context.report({
      bench: "outage",
      figure: `journal after ${hours} h, a reading every ${context.sampleS} s`,
      value: mb,
      unit: "MB",
      goal: { of: "value", better: "less", target: context.budgetMb * 0.75, floor: context.budgetMb },
      more: { ...figures, transactions: transactions.length, mbPer30Days: Math.round((mb / hours) * 720) },
    });
    const { amqpUrl } = await context.services.rabbitmq();
    const cloud = await startCloud(context, amqpUrl);
    const startedMs = performance.now();
    const er = await startEr(context, { dir, erId, brokerUrl: amqpUrl });
    await cloud.until(erId, result.lastSeq, DRAIN_MS_MAX);
    const seconds = (performance.now() - startedMs) / 1_000;
    await compare(cloud, erId, result);
    await er.stop();
    await cloud.stop();
    context.report({
      bench: "outage",
      figure: `way back of ${hours} h, all energies equal`,
      value: seconds,
      unit: "s",
      more: {
        entries: result.lastSeq,
        perS: Math.round(result.lastSeq / seconds),
        transactions: transactions.length,
      },
    });
  },
};
