/**
 * From the station's socket to rows in PostgreSQL with all projections: load → ER → broker → sg ingest →
 * PostgreSQL.
 *
 * Every round sends a known number of messages in a closed loop and ends when the last one is committed; then
 * rows are counted: as many as were sent, none twice. The limit is a COPY of the same rows.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startAedes } from "../sim/services/aedes.ts";
import { AppError } from "../shared/errors.ts";
import { startCloud, type Cloud } from "./cloud.ts";
import {
  cpuMs,
  median,
  startEr,
  startLoad,
  type Bench,
  type Context,
  type ErChild,
  type Goal,
} from "./harness.ts";

const STATIONS = 400;
const ARRIVAL_MS_MAX = 60_000;

/** Rows are exactly what was sent. @throws AppError BENCH_LOSS */
async function checkExact(cloud: Cloud, erId: string, sent: number): Promise<void> {
  const { rows } = await cloud.pool.query<{
    handled: number;
    distinct: number;
    all: number;
    parked: number;
    open: number;
  }>(
    `select count(*) filter (where kind = 'ocpp.handled')::int as handled,
       count(distinct seq)::int as distinct, count(*)::int as all, (select count(*)::int from parked_entry) as parked,
       (select count(*)::int from transaction where needs_review) as open
     from message where er_id = $1`,
    [erId],
  );
  const row = rows[0];
  const exact = row?.handled === sent && row.distinct === row.all && row.parked === 0 && row.open === 0;
  if (!exact)
    throw new AppError("BENCH_LOSS", `${sent} messages were sent, PostgreSQL says ${JSON.stringify(row)}`);
}

/** Its policy has arrived, so the bench's token starts transactions, and its journal is being taken. */
async function untilLinked(er: ErChild): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const status = await er.status();
    if (status.policyVersion > 0 && status.backlog === 0 && status.leasedIdsLeft >= 1_000) return;
    await sleep(50);
  }
  throw new AppError("BENCH_LINK", "the ER does not reach the cloud");
}

async function measure(
  context: Context,
  over: string,
  brokerUrl: string,
  goal: Goal | undefined,
): Promise<void> {
  const perStation = context.quick ? 50 : 225;
  const cloud = await startCloud(context, brokerUrl);
  const erId = `bench-${over}`;
  const er = await startEr(context, { brokerUrl, erId });
  await untilLinked(er);
  const load = await startLoad(context);
  await load.connect(er.url, STATIONS);
  // BootNotification and the start of the transaction, each once.
  let sent = 2 * STATIONS;
  const rates: number[] = [];
  const answers: number[] = [];
  const copies: number[] = [];
  const cpu: { er: number; sg: number }[] = [];
  for (let round = 0; round < 3; round++) {
    const { lastSeq } = await er.status();
    await cloud.until(erId, lastSeq, ARRIVAL_MS_MAX);
    await cloud.checkpoint();
    const before = { er: cpuMs(er.pid), sg: cpuMs(cloud.pid) };
    const start = performance.now();
    const outcome = await load.closed(perStation, ARRIVAL_MS_MAX);
    await cloud.until(erId, lastSeq + outcome.sent, ARRIVAL_MS_MAX);
    rates.push((outcome.sent / (performance.now() - start)) * 1_000);
    answers.push(outcome.perS);
    const us = (ms: number) => Math.round((ms / outcome.sent) * 10_000) / 10;
    cpu.push({ er: us(cpuMs(er.pid) - before.er), sg: us(cpuMs(cloud.pid) - before.sg) });
    sent += outcome.sent;
    copies.push((await cloud.copy(lastSeq)).perS);
  }
  await checkExact(cloud, erId, sent);
  context.report({
    bench: "end-to-end",
    figure: `messages into PostgreSQL over ${over}`,
    value: median(rates),
    unit: "msg/s",
    limit: median(copies),
    limitOf: "COPY of the rows",
    ...(goal === undefined ? {} : { goal }),
    more: {
      rounds: rates.map(Math.round),
      answersPerS: Math.round(median(answers)),
      cpuUsPerMessage: { er: median(cpu.map((each) => each.er)), sg: median(cpu.map((each) => each.sg)) },
      messages: sent,
      exact: true,
    },
  });
  await er.stop();
  await cloud.stop();
}

export const endToEnd: Bench = {
  name: "end-to-end",
  about: "messages per second from the stations into PostgreSQL, over RabbitMQ and over MQTT; exactness",
  async run(context) {
    const { amqpUrl } = await context.services.rabbitmq();
    await measure(context, "amqp", amqpUrl, { of: "value", better: "more", target: 15_000, floor: 8_000 });
    if (context.quick) return;
    const broker = await startAedes();
    context.onEnd(() => broker.stop());
    await measure(context, "mqtt", broker.url, undefined);
  },
};
