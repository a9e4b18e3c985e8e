/** A guest's session as the guest sees it. Reads only; knows no secrets and no ids of others. */
import type { GuestSessionView } from "../api/guest-schemas.ts";
import { isoOf } from "../api/page.ts";
import { notFound } from "../api/problem.ts";
import {
  energyOf,
  TRANSACTION_COLUMNS,
  toTransaction,
  type TransactionRow,
} from "../api/transaction-view.ts";
import type { Queryable } from "../db/pool.ts";
import { payerView } from "./checkout.ts";
import { readRefunds } from "./store.ts";
import { pricesOf, transactionsOf, type OwnTransaction } from "./guest-around.ts";
import type { GuestRow } from "./guest.ts";
import type { PaymentRow } from "./rows.ts";

type Row = GuestRow & { code: string; site_name: string; time_zone: string; identity: string };

/** @throws ApiProblem 404. */
export async function readGuest(db: Queryable, sessionId: string): Promise<GuestSessionView> {
  const { rows } = await db.query<Row>(
    `select g.*, coalesce(q.code, '') as code, i.name as site_name, i.time_zone, s.identity from guest_session g
     join site i on i.site_id = g.site_id join station s on s.station_id = g.station_id
     left join evse_code q on q.station_id = g.station_id and q.evse_id = g.evse_id
     where g.guest_session_id = $1`,
    [sessionId],
  );
  const [row] = rows;
  if (row === undefined) throw notFound("session", sessionId);
  const own = await transactionsOf(db, row.guest_session_id);
  return {
    guestSessionId: row.guest_session_id,
    code: row.code,
    siteName: row.site_name,
    stationName: row.identity,
    evseId: row.evse_id,
    timeZone: row.time_zone,
    language: row.language as GuestSessionView["language"],
    state: row.state,
    reason: row.reason,
    payment: await readPayment(db, row.payment_id),
    charging: await readCharging(db, own),
    price: await readPrice(db, row, own),
    capEnergyWh: row.cap_energy_wh,
    stopAsked: row.stop_asked_at !== null || row.cancel_asked_at !== null,
    hasReceipt: row.state === "settled" && row.cdr_id !== null,
    createdAt: isoOf(row.created_at),
  };
}

async function readPayment(db: Queryable, paymentId: string): Promise<GuestSessionView["payment"]> {
  const { rows } = await db.query<PaymentRow>("select * from payment where payment_id = $1", [paymentId]);
  const [row] = rows;
  if (row === undefined) throw notFound("payment", paymentId);
  return payerView(row, await readRefunds(db, paymentId), row.keep_minor === null);
}

/** All that the guest has charged, as if it were one. */
async function readCharging(
  db: Queryable,
  own: readonly OwnTransaction[],
): Promise<GuestSessionView["charging"]> {
  if (own.length === 0) return null;
  const { rows } = await db.query<TransactionRow>(
    `select ${TRANSACTION_COLUMNS} from transaction t where t.transaction_id = any($1::uuid[])
     order by t.running desc, t.started_at desc`,
    [own.map((one) => one.transaction_id)],
  );
  const seen = rows.map(toTransaction);
  const [last] = seen;
  if (last === undefined) return null;
  const energies = rows.map(energyOf).filter((wh) => wh !== null);
  return {
    startedAt: seen.reduce((first, { startedAt }) => (startedAt < first ? startedAt : first), last.startedAt),
    endedAt: last.endedAt,
    energyWh: energies.length === 0 ? null : energies.reduce((sum, wh) => sum + wh, 0),
    powerW: last.powerW,
    socPercent: last.socPercent,
  };
}

async function readPrice(
  db: Queryable,
  row: GuestRow,
  own: readonly OwnTransaction[],
): Promise<GuestSessionView["price"]> {
  const sum = (prices: readonly { totalMinor: number; taxMinor: number }[], final: boolean) => ({
    totalMinor: prices.reduce((total, price) => total + price.totalMinor, 0),
    taxMinor: prices.reduce((total, price) => total + price.taxMinor, 0),
    final,
  });
  const billed = own.flatMap(({ total_minor: totalMinor, tax_minor: taxMinor }) =>
    totalMinor === null || taxMinor === null ? [] : [{ totalMinor, taxMinor }],
  );
  if (row.cdr_id !== null && billed.length > 0) return sum(billed, true);
  const priced = await pricesOf(db, row.operator_id, own);
  return priced.length === 0 ? null : sum(priced, false);
}
