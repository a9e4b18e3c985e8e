/**
 * Half a minute of chaos with real processes: ER, RabbitMQ, SG and PostgreSQL killed, the links between them
 * broken, under the load of 50 stations. `npm run chaos` does the same for longer.
 */
import { expect, it } from "vitest";
import { report } from "./report.ts";
import { runChaos } from "./run.ts";

const SEED = 20_260_501;
const MS = 24_000;
const STATIONS = 50;

it(
  "loses nothing, doubles nothing and does nothing late through half a minute of chaos",
  { timeout: 300_000 },
  async () => {
    const result = await runChaos({
      seed: SEED,
      durationMs: MS,
      stations: STATIONS,
      link: "amqp",
      commandLivesS: [1, 2, 4, 6],
    });
    const text = report(
      result,
      `npm run chaos -- --minutes ${MS / 60_000} --seed ${SEED} --stations ${STATIONS}`,
    );
    console.log(text);
    expect(result.differences.slice(0, 10), text).toEqual([]);
    // It was a run worth the name.
    expect(new Set(result.faults.map((f) => f.part)).size).toBeGreaterThanOrEqual(6);
    expect(result.ledger.transactions.size).toBeGreaterThan(STATIONS);
    expect(result.stored.commands.length).toBeGreaterThan(10);
    expect(result.ledger.calls.length).toBeGreaterThan(0);
  },
);
