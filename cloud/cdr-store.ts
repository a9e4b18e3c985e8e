/**
 * CDRs in PostgreSQL: written once, numbered per operator without gaps, each with what it books.
 *
 * Invariants: a CDR, its number, its postings and the place it takes as the current one of its transaction
 * are written in one transaction; one that corrects takes the charge of the one before it back. The price is
 * what `core/cdr.ts` says. When there is to be one is for the job (`jobs/cdrs.ts`) or a person
 * (`api/routes/cdrs.ts`) to say.
 */
import { AppError } from "../shared/errors.ts";
import { postingsOf, type CdrPrice, type Charged, type EnergyQuality } from "./core/cdr.ts";
import type { Account } from "./core/ledger.ts";
import type { TimeQuality } from "./core/time.ts";
import type { Queryable } from "./db/pool.ts";
import { BOOK_TIME, openBooks, post } from "./ledger.ts";
import { emit } from "./webhooks.ts";

export type Series = "cdr" | "statement" | "receipt";

/** The next number; whoever else wants one waits until this transaction ends, so that none is left out. */
export async function nextNumber(client: Queryable, operatorId: string, series: Series): Promise<number> {
  const { rows } = await client.query<{ last: number }>(
    `insert into money_counter as c (operator_id, series, last) values ($1, $2, 1)
     on conflict (operator_id, series) do update set last = c.last + 1 returning last`,
    [operatorId, series],
  );
  if (rows[0] === undefined) throw new AppError("NUMBER_NOT_DRAWN", `no ${series} number for ${operatorId}`);
  return rows[0].last;
}

/** What stands in a CDR, but for what its writing gives it. */
export type NewCdr = {
  operatorId: string;
  transactionId: string;
  cause: "ended" | "late-data" | "payer" | "decision" | "manual";
  reason: string | null;
  createdBy: string;
  siteId: string;
  stationId: string;
  evseId: number;
  connectorId: number | null;
  idToken: string | null;
  driverId: string | null;
  paymentId: string | null;
  payer: Account;
  startedAt: number;
  endedAt: number;
  timeZone: string;
  timeQuality: TimeQuality;
  meterStartWh: number | null;
  meterStopWh: number | null;
  energyWh: number;
  energyQuality: EnergyQuality;
  flags: readonly string[];
  tariffId: string | null;
  tariffVersion: number | null;
  price: CdrPrice;
  basis: string;
};

export type CdrRow = {
  cdr_id: string;
  operator_id: string;
  number: number;
  transaction_id: string;
  corrects: string | null;
  cause: NewCdr["cause"];
  reason: string | null;
  created_by: string;
  created_at: Date;
  site_id: string;
  station_id: string;
  evse_id: number;
  connector_id: number | null;
  id_token: string | null;
  driver_id: string | null;
  payment_id: string | null;
  payer: Account;
  started_at: Date;
  ended_at: Date;
  time_zone: string;
  time_quality: TimeQuality;
  meter_start_wh: number | null;
  meter_stop_wh: number | null;
  energy_wh: number;
  energy_quality: EnergyQuality;
  flags: string[];
  tariff_id: string | null;
  tariff_version: number | null;
  currency: string;
  net_minor: number;
  tax_minor: number;
  total_minor: number;
  price: CdrPrice;
  basis: string;
};

const chargedOf = (row: CdrRow): Charged => ({
  cdrId: row.cdr_id,
  payer: row.payer,
  currency: row.currency,
  netMinor: row.net_minor,
  taxMinor: row.tax_minor,
  endedAt: row.ended_at.getTime(),
  paymentId: row.payment_id,
});

const INSERT = `
  insert into cdr (operator_id, number, transaction_id, corrects, cause, reason, created_by, site_id, station_id,
    evse_id, connector_id, id_token, driver_id, payment_id, payer, started_at, ended_at, time_zone, time_quality,
    meter_start_wh, meter_stop_wh, energy_wh, energy_quality, flags, tariff_id, tariff_version, currency, net_minor,
    tax_minor, total_minor, price, basis, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25, $26, $27, $28, $29, $30, $31, $32, ${BOOK_TIME})
  returning *`;

/**
 * Writes a CDR and books it.
 * @param standing the one whose place it takes.
 * @param nowMs when it is corrected.
 */
export async function storeCdr(
  client: Queryable,
  cdr: NewCdr,
  standing: CdrRow | undefined,
  nowMs: number,
): Promise<CdrRow> {
  const { price } = cdr;
  await openBooks(client, cdr.operatorId);
  const number = await nextNumber(client, cdr.operatorId, "cdr");
  const { rows } = await client.query<CdrRow>(INSERT, [
    ...[cdr.operatorId, number, cdr.transactionId, standing?.cdr_id ?? null, cdr.cause, cdr.reason],
    ...[cdr.createdBy, cdr.siteId, cdr.stationId, cdr.evseId, cdr.connectorId, cdr.idToken, cdr.driverId],
    ...[cdr.paymentId, cdr.payer, new Date(cdr.startedAt), new Date(cdr.endedAt), cdr.timeZone],
    ...[cdr.timeQuality, cdr.meterStartWh, cdr.meterStopWh, cdr.energyWh, cdr.energyQuality, cdr.flags],
    ...[cdr.tariffId, cdr.tariffVersion, price.currency, price.netMinor, price.taxMinor, price.totalMinor],
    ...[JSON.stringify(price), cdr.basis],
  ]);
  const [row] = rows;
  if (row === undefined) throw new AppError("CDR_NOT_WRITTEN", `no CDR for ${cdr.transactionId}`);
  const corrects = standing === undefined ? undefined : chargedOf(standing);
  for (const posting of postingsOf(chargedOf(row), corrects, nowMs))
    await post(client, cdr.operatorId, posting);
  const hint = { operatorId: cdr.operatorId, transactionId: cdr.transactionId, cdrId: row.cdr_id };
  const { siteId, stationId, transactionId } = cdr;
  const live = {
    operatorId: cdr.operatorId,
    events: [{ type: "transaction", siteId, stationId, transactionId }],
  };
  await client.query("select pg_notify('sg_cdr', $1), pg_notify('sg_live', $2)", [
    JSON.stringify(hint),
    JSON.stringify(live),
  ]);
  const { totalMinor, currency } = price;
  const data = { cdrId: row.cdr_id, transactionId, totalMinor, currency };
  const type = standing === undefined ? "cdr.created" : "cdr.corrected";
  await emit(client, cdr.operatorId, type, data, { siteId, key: `${type}:${row.cdr_id}` });
  return row;
}

/** @returns undefined where there is none. */
export async function readCdr(db: Queryable, operatorId: string, cdrId: string): Promise<CdrRow | undefined> {
  const { rows } = await db.query<CdrRow>("select * from cdr where operator_id = $1 and cdr_id = $2", [
    operatorId,
    cdrId,
  ]);
  return rows[0];
}
