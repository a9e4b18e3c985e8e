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
  templateId: string;
  fileId: string;
  reservationId: number;
  profileId: number;
  journal: Journal;
};

/** Five of each kind of fact that a station tells besides charging. */
async function tellFacts(db: TestDb, journal: Journal, operatorId: string, stationId: string): Promise<void> {
  const entry = `$1, $2, n, $3, $4, to_timestamp(${NOON / 1_000} + n / 2)`;
  const place = "er_id, journal_id, seq, operator_id, station_id";
  for (const sql of [
    `station_report (${place}, at, up_ms, of, seq_no, last, action, payload) select ${entry}, 1, 'variables', n, true,
       'NotifyReport', '{}'`,
    `station_event (${place}, at, idx, up_ms, kind, type) select ${entry}, 0, 1, 'security-event', 'X' || n`,
    `station_variable (${place}, read_at, variable_key, component, variable, attribute, secret, source)
       select ${entry}, n, 'C', 'V' || n, 'Actual', false, 'GetVariables'`,
    `station_report (${place}, at, up_ms, of, request_id, seq_no, last, action, payload)
       select ${entry.replace("$2, n,", "$2, n + 5,")}, 1, 'profiles', 9, n, true, 'ReportChargingProfiles',
         '{"evseId": 1, "chargingLimitSource": "CSO", "chargingProfile": [{"id": 1}]}'`,
    `certificate_request (${place}, at, up_ms, csr) select ${entry}, 1, 'csr'`,
  ]) {
    const params = [journal.erId, journal.journalId, operatorId, stationId];
    await db.pool.query(`insert into ${sql} from generate_series(1, 5) n`, params);
  }
}

/** Five reservations and charging profiles of a station, and its list of tokens. */
async function tellWishes(
  db: TestDb,
  journal: Journal,
  operatorId: string,
  stationId: string,
  commandId: string,
): Promise<void> {
  const params = [stationId, operatorId, journal.siteId, commandId];
  const place = "station_id, operator_id, site_id, command_id, issued_by";
  for (const sql of [
    `reservation (${place}, reservation_id, id_token, expires_at)
       select $1, $2, $3, $4, 'test', n, $2 || '-T0', now() + interval '1 hour'`,
    `charging_profile (${place}, profile_id, evse_id, purpose, stack_level, profile)
       select $1, $2, $3, $4, 'test', n, 1, 'TxDefaultProfile', n, '{}'`,
  ])
    await db.pool.query(`insert into ${sql} from generate_series(1, 5) n`, params);
  await db.pool.query(
    "insert into station_local_list (station_id, operator_id, version) values ($1, $2, 3)",
    [stationId, operatorId],
  );
}

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
  await tellFacts(db, journal, operatorId, stations[0] ?? "");
  const templates = stations.map(() => randomUUID());
  for (const [i, templateId] of templates.entries()) {
    await db.pool.query(
      "insert into station_template (template_id, operator_id, name, variables) values ($1, $2, $3, '[]')",
      [templateId, operatorId, `${operatorId} ${i}`],
    );
  }
  const commands = stations.map(() => randomUUID());
  for (const [i, commandId] of commands.entries()) {
    await db.pool.query(
      `insert into command (command_id, operator_id, site_id, er_id, station_id, kind, params, issued_by,
         issued_at, expires_at)
       values ($1, $2, $3, $4, $5, 'Reset', '{"type":"OnIdle"}', 'test', $6, now() + interval '1 hour')`,
      [commandId, operatorId, journal.siteId, journal.erId, stations[0], new Date(NOON + Math.floor(i / 2))],
    );
    await db.pool.query("insert into id_token (operator_id, id_token) values ($1, $2)", [
      operatorId,
      `${operatorId}-T${i}`,
    ]);
  }
  await tellWishes(db, journal, operatorId, stations[0] ?? "", commands[0] ?? "");
  const files = stations.map(() => randomUUID());
  for (const [i, fileId] of files.entries()) {
    await db.pool.query(
      `insert into file (file_id, operator_id, kind, name, size, sha256, station_id, command_id, created_at)
       values ($1, $2, 'log', $3, 9, $4, $5, $6, $7)`,
      [
        fileId,
        operatorId,
        `${operatorId} ${i}`,
        "0".repeat(64),
        stations[0],
        commands[0],
        new Date(NOON + Math.floor(i / 2)),
      ],
    );
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
    templateId: templates[0] ?? "",
    fileId: files[0] ?? "",
    reservationId: 1,
    profileId: 1,
    journal,
  };
}
