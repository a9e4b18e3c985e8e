/**
 * What is a signed-in driver's own: who it is, and rows of its transactions, CDRs and statements as it is told
 * them. Everything that is asked for carries the operator and the driver.
 *
 * A driver is who the operator has linked with the signed-in person, or else whoever has the e-mail address
 * that this person has shown to read.
 */
import { accounts, type Account } from "../core/ledger.ts";
import type { Queryable } from "../db/pool.ts";
import type { StatementRow } from "../statements.ts";
import type { Actor } from "./actor.ts";
import { DRIVER_COLUMNS, type DriverRow } from "./driver-store.ts";
import { toCdr, toStatement, type CdrListRow } from "./money-view.ts";
import type { OwnCdr, OwnStatement, OwnTransaction } from "./own-schemas.ts";
import { iso } from "./page.ts";
import { ApiProblem } from "./problem.ts";
import { TRANSACTION_COLUMNS, toTransaction, type TransactionRow } from "./transaction-view.ts";

/** @throws ApiProblem 404 NO_DRIVER. */
export async function ownDriver({ db, operatorId, userId }: Actor): Promise<DriverRow> {
  const { rows } =
    userId === undefined
      ? { rows: [] }
      : await db.query<DriverRow>(
          `select ${DRIVER_COLUMNS} from driver d
           where d.operator_id = $1 and d.status <> 'erased' and (d.user_id = $2
             or (d.user_id is null and d.email_key = (
                   select lower(u.email) from auth_user u where u.id = $2 and u.email_verified)))
           order by d.user_id nulls last limit 1`,
          [operatorId, userId],
        );
  const [driver] = rows;
  if (driver !== undefined) return driver;
  throw new ApiProblem(
    404,
    "NO_DRIVER",
    userId === undefined
      ? "a key is nobody: sign in"
      : "the operator knows no driver with your verified e-mail address: ask them",
  );
}

/** Where what a driver owes is booked. */
export const ownAccount = (driver: DriverRow): Account => accounts.driver(driver.driver_id);

/**
 * Where what a driver owes may stand: its own account, and those of its tokens, for what they had charged before
 * they were its. With the token of each.
 */
export async function ownAccounts(db: Queryable, driver: DriverRow): Promise<Map<Account, string | null>> {
  const { rows } = await db.query<{ token_key: string; id_token: string }>(
    "select token_key, id_token from id_token where operator_id = $1 and driver_id = $2",
    [driver.operator_id, driver.driver_id],
  );
  return new Map([
    [ownAccount(driver), null],
    ...rows.map((row): [Account, string] => [accounts.token(row.token_key), row.id_token]),
  ]);
}

type Place = { site_name: string | null; site_zone: string | null; station_name: string | null };

export type OwnTransactionRow = TransactionRow &
  Place & {
    last_sample_at: Date | null;
    billing: OwnTransaction["billing"];
    cdr_id: string | null;
    total_minor: number | null;
    currency: string | null;
  };

/** The table `transaction t` of $1 operator and $2 driver; what is billed to somebody else is not told. */
export const OWN_TRANSACTIONS = `
  select ${TRANSACTION_COLUMNS}, s.name as site_name, s.time_zone as site_zone, n.identity as station_name,
    b.status as billing, c.cdr_id, c.total_minor, c.currency
  from transaction t join site s using (site_id)
  left join station n on n.station_id = t.station_id
  left join transaction_billing b on b.transaction_id = t.transaction_id
  left join cdr c on c.cdr_id = b.cdr_id and c.driver_id = $2::text`;
/** Without those that were merged into another one. */
export const OWN = "t.operator_id = $1 and t.driver_id = $2::uuid and t.merged_into is null";

export function toOwnTransaction(row: OwnTransactionRow): OwnTransaction {
  const seen = toTransaction(row);
  const { transactionId, siteId, stationId, evseId, status, chargingState, startedAt, endedAt } = seen;
  return {
    ...{ transactionId, siteId, siteName: row.site_name ?? siteId, timeZone: row.site_zone ?? "UTC" },
    ...{ stationId, stationName: row.station_name ?? stationId, evseId, status, chargingState },
    ...{ startedAt, endedAt, energyWh: seen.energyWh, powerW: seen.powerW, socPercent: seen.socPercent },
    heardAt: iso(row.last_sample_at),
    // What is begun again in the tables of bills is nobody's while it runs.
    billing: status === "active" ? null : (row.billing ?? "pending"),
    ...{ cdrId: row.cdr_id, totalMinor: row.total_minor, currency: row.currency },
  };
}

export type OwnCdrRow = CdrListRow & Place;

/** The table `cdr c`, with what has become of it and the names of its place. */
export const OWN_CDRS = `
  select c.*, c.ended_at::text as ended_key, n.cdr_id as corrected_by, s.name as site_name,
    s.time_zone as site_zone, m.identity as station_name
  from cdr c left join cdr n on n.corrects = c.cdr_id
  left join site s on s.site_id = c.site_id
  left join station m on m.station_id = c.station_id`;
export const OWN_CDR = "c.operator_id = $1 and c.driver_id = $2::text";

const payerOf = (payer: string): OwnCdr["payer"] => {
  if (payer.startsWith("driver:")) return "driver";
  return payer.startsWith("fleet:") ? "fleet" : "other";
};

export function toOwnCdr(row: OwnCdrRow): OwnCdr {
  const { cdrId, number, status, transactionId, corrects, correctedBy, createdAt, ...cdr } = toCdr(row);
  const { siteId, stationId, evseId, idToken, startedAt, endedAt, timeZone, timeQuality } = cdr;
  const { energyWh, energyQuality, flags, currency, netMinor, taxMinor, totalMinor, tax, lines } = cdr;
  return {
    ...{ cdrId, number, status, transactionId, corrects, correctedBy, createdAt },
    ...{ siteId, siteName: row.site_name ?? siteId, timeZone },
    ...{ stationId, stationName: row.station_name ?? stationId, evseId, idToken, payer: payerOf(row.payer) },
    ...{ startedAt, endedAt, timeQuality, energyWh, energyQuality, flags },
    ...{ currency, netMinor, taxMinor, totalMinor, tax, lines },
  };
}

export function toOwnStatement(row: StatementRow): OwnStatement {
  const { account: _account, createdBy: _createdBy, ...statement } = toStatement(row);
  return statement;
}
