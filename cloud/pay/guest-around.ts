/**
 * What is around a guest's session: its place, its commands, its transactions and what became of them. Reads
 * only.
 *
 * A guest has one token, and mostly one transaction. There may be more: a cable that was pulled and plugged
 * in again, a station that let the token in a second time. All of them are the guest's, and paid together.
 */
import type { Price } from "../../shared/decide/tariff.ts";
import { ER_ONLINE } from "../api/routes/sites.ts";
import type { GuestView } from "../core/guest.ts";
import type { Queryable } from "../db/pool.ts";
import { priceOf } from "../pricing.ts";

/**
 * Nobody charges at the EVSE, nobody else is about to, and a connector of it can be plugged into. One that
 * was never heard of is taken for free: its station will say.
 */
export async function evseFree(
  db: Queryable,
  place: { stationId: string; evseId: number },
  except: string | undefined,
): Promise<boolean> {
  const { rows } = await db.query<{ free: boolean }>(
    `select not exists (select from transaction t where t.station_id = $1 and t.evse_id = $2 and t.running)
       and not exists (select from guest_session o where o.station_id = $1 and o.evse_id = $2
         and o.state in ('starting', 'plug-in', 'charging') and o.guest_session_id is distinct from $3::uuid)
       and (not exists (select from connector c where c.station_id = $1 and c.evse_id = $2)
         or exists (select from connector c where c.station_id = $1 and c.evse_id = $2
           and (c.status = 'Available' or (c.status = 'Occupied' and coalesce(c.detail, '') not in
             ('Finishing', 'Charging', 'SuspendedEV', 'SuspendedEVSE'))))) as free`,
    [place.stationId, place.evseId, except ?? null],
  );
  return rows[0]?.free === true;
}

type AroundRow = {
  online: boolean;
  start_status: string | null;
  start_at: Date | null;
  stop_status: string | null;
  stop_at: Date | null;
};

export type OwnTransaction = {
  transaction_id: string;
  running: boolean;
  started_at: Date;
  linked: boolean;
  billing: "pending" | "held" | "billed" | "none" | null;
  cdr_id: string | null;
  number: number | null;
  total_minor: number | null;
  tax_minor: number | null;
  currency: string | null;
};

/** More than a station lets in with one token in any case that is not a fault of its own. */
const TRANSACTIONS_MAX = 20;

/** A token may be erased; what was its guest's stays the guest's. The one that counts most first. */
const TRANSACTIONS = `
  select t.transaction_id, t.running, t.started_at,
    exists (select from transaction_payer p where p.transaction_id = t.transaction_id
      and p.payment_id = g.payment_id::text) as linked,
    b.status as billing, b.cdr_id, d.number, d.total_minor, d.tax_minor, d.currency
  from guest_session g
  cross join lateral (
    select t.transaction_id from transaction t
      where t.site_id = g.site_id and lower(t.id_token) = g.id_token_key and t.merged_into is null
    union
    select p.transaction_id from transaction_payer p join transaction t using (transaction_id)
      where p.payment_id = g.payment_id::text and t.merged_into is null
  ) own
  join transaction t on t.transaction_id = own.transaction_id
  left join transaction_billing b on b.transaction_id = t.transaction_id
  left join cdr d on d.cdr_id = b.cdr_id
  where g.guest_session_id = $1
  order by t.running desc, coalesce(greatest(t.meter_stop_wh, t.last_energy_wh) - t.meter_start_wh, 0) desc,
    t.started_at limit ${TRANSACTIONS_MAX}`;

/** The transactions of a session's guest, the one that counts most first. */
export async function transactionsOf(db: Queryable, sessionId: string): Promise<OwnTransaction[]> {
  return (await db.query<OwnTransaction>(TRANSACTIONS, [sessionId])).rows;
}

/** What they cost, as well as it is known now; those that a tariff holds for. */
export async function pricesOf(
  db: Queryable,
  operatorId: string,
  own: readonly OwnTransaction[],
): Promise<Price[]> {
  const prices: Price[] = [];
  for (const { transaction_id: id } of own) {
    const priced = await priceOf(db, operatorId, id);
    if (priced !== undefined) prices.push(priced.price);
  }
  return prices;
}

type Billing = NonNullable<GuestView["billing"]>;

/** One bill of several: done when all are, and changed when the newest CDR of them is another. */
function billingOf(rows: readonly OwnTransaction[]): Billing | undefined {
  if (rows.length === 0) return undefined;
  const is = (status: OwnTransaction["billing"]) => rows.some((row) => row.billing === status);
  const newest = rows.reduce<OwnTransaction | undefined>(
    (last, row) => (row.number !== null && row.number > (last?.number ?? 0) ? row : last),
    undefined,
  );
  return {
    status: is(null) || is("pending") ? "pending" : is("held") ? "held" : is("billed") ? "billed" : "none",
    cdrId: newest?.cdr_id ?? undefined,
    totalMinor: rows.reduce((sum, row) => sum + (row.total_minor ?? 0), 0),
  };
}

export type Around = {
  online: boolean;
  start: GuestView["start"];
  stop: GuestView["stop"];
  transaction: GuestView["transaction"];
  runningMinor: number | undefined;
  billing: GuestView["billing"];
  /** In which it is priced; more than one is none that can be compared with the payment's. */
  currencies: string[];
};

/** @returns undefined: there is no such session. */
export async function readAround(
  db: Queryable,
  operatorId: string,
  sessionId: string,
): Promise<Around | undefined> {
  const { rows } = await db.query<AroundRow>(
    `select s.online and ${ER_ONLINE} as online, c.status as start_status, c.issued_at as start_at,
       x.status as stop_status, x.issued_at as stop_at
     from guest_session g
     join station s on s.station_id = g.station_id
     join er e on e.er_id = s.er_id
     left join command c on c.command_id = g.command_id
     left join command x on x.command_id = g.stop_command_id
     where g.guest_session_id = $1`,
    [sessionId],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const own = await transactionsOf(db, sessionId);
  const priced = await pricesOf(db, operatorId, own);
  const told = own.flatMap(({ currency }) => currency ?? []);
  const main = own[0];
  return {
    online: row.online,
    start: commandOf(row.start_status, row.start_at),
    stop: commandOf(row.stop_status, row.stop_at),
    transaction: main && {
      running: own.some(({ running }) => running),
      startedAtMs: main.started_at.getTime(),
    },
    runningMinor: main && priced.reduce((sum, price) => sum + price.totalMinor, 0),
    billing: billingOf(own),
    currencies: [...new Set(told.length > 0 ? told : priced.map((price) => price.currency))],
  };
}

const commandOf = (status: string | null, at: Date | null) =>
  status === null || at === null ? undefined : { status, issuedAtMs: at.getTime() };
