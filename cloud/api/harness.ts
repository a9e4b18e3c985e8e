/**
 * What the tests of the API look at: two operators with everything an operator can have. Used by tests
 * only.
 */
import { randomUUID } from "node:crypto";
import type { EntryBody } from "../../shared/entry.ts";
import {
  arrive,
  health,
  Journal,
  meter16,
  NOON,
  online,
  sampled,
  start16,
  status16,
  stop16,
  type TestDb,
} from "../harness.ts";
import { createApiKey } from "./actor.ts";
import { ensureOperator } from "../sg.ts";

export type Operator = {
  operatorId: string;
  key: string;
  siteId: string;
  erId: string;
  stationId: string;
  meterId: string;
  transactionId: string;
  commandId: string;
  /** An item of work: two stops that conflict. */
  reviewId: string;
  idToken: string;
  journal: Journal;
};

/**
 * An operator with two sites, stations with two connectors, meters, transactions, commands and tokens: five
 * of each or more.
 */
export async function createOperator(db: TestDb, operatorId: string): Promise<Operator> {
  await ensureOperator(db.pool, operatorId);
  const key = await createApiKey(db.pool, operatorId, `${operatorId}-key`);
  const journal = new Journal(`er-${operatorId}`, `site-${operatorId}`);
  const stations = Array.from({ length: 5 }, (_, i) => `${operatorId}-CP${i}`);
  const transactions = stations.flatMap(() => [randomUUID(), randomUUID()]);
  for (const [i, station] of stations.entries()) {
    const [open, ended] = [transactions[2 * i] ?? "", transactions[2 * i + 1] ?? ""];
    const bodies: EntryBody[] = [
      online(station),
      status16(station, 1, "Charging"),
      status16(station, 2, "Available"),
      start16(station, open, { at: 1_000, idTag: `${operatorId}-T${i}` }),
      meter16(station, open, { at: 2_000, wh: 1_500, powerW: 7_000 }),
      // All at the same moment: the order of a page must not rest on the time alone.
      start16(station, ended, { at: 1_000, connectorId: 2 }),
      stop16(station, ended, { at: 5_000, meterStop: 2_500 }, i === 0 ? { flags: ["conflicting-stop"] } : {}),
      sampled(`m${i}`, 1_000 + i, 100 * i),
      health({ backlog: i }),
    ];
    journal.commit(bodies);
  }
  await arrive(db.pool, journal, operatorId);
  for (let i = 0; i < 4; i++) {
    await arrive(
      db.pool,
      new Journal(`er-${operatorId}-${i}`, `site-${operatorId}-${i}`).commit([{ kind: "er.stopped" }]),
      operatorId,
    );
  }
  const commands = stations.map(() => randomUUID());
  for (const [i, commandId] of commands.entries()) {
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by, issued_at, expires_at)
       values ($1, $2, $3, $4, $5, 'Reset', '{"type":"OnIdle"}', 'test', $6, now() + interval '1 hour')`,
      [commandId, operatorId, journal.siteId, journal.erId, stations[0], new Date(NOON + Math.floor(i / 2))],
    );
    await db.pool.query("insert into id_token (operator_id, id_token) values ($1, $2)", [
      operatorId,
      `${operatorId}-T${i}`,
    ]);
  }
  return {
    operatorId,
    key,
    siteId: journal.siteId,
    erId: journal.erId,
    stationId: stations[0] ?? "",
    meterId: `${journal.erId}.m0`,
    transactionId: transactions[0] ?? "",
    commandId: commands[0] ?? "",
    reviewId: `transaction:${transactions[1]}`,
    idToken: `${operatorId}-T0`,
    journal,
  };
}
