/**
 * Bills transactions: whatever is due (`transaction_billing.due_at`) is looked at, and gets the CDR that what
 * is known now asks for.
 *
 * Level-triggered: a look compares what a CDR would say with the one that stands (`basisOf`), so it may come
 * once or ten times, after a restart in the middle, and from several copies: each transaction is locked by
 * who looks at it, the others pass it by. Everything a look does is one transaction of the database. Who
 * makes things due: triggers in `0015_money.sql`. What is decided is `core/cdr.ts`.
 */
import { AppError, describeError } from "../../shared/errors.ts";
import { CDR_TRIES_DELAY_MAX_S } from "../../shared/limits.ts";
import {
  aboutTariff,
  basisOf,
  flagsOf,
  freePrice,
  judge,
  payerOf,
  priceBy,
  sameToken,
  type CdrPrice,
  type Decision,
  type Facts,
  type Standing,
  type Verdict,
} from "../core/cdr.ts";
import type { Account } from "../core/ledger.ts";
import { inTransaction, type Client, type Pool } from "../db/pool.ts";
import {
  momentsOf,
  toTransaction,
  TRANSACTION_COLUMNS,
  type TransactionRow,
} from "../api/transaction-view.ts";
import { storeCdr, type CdrRow, type NewCdr } from "../cdr-store.ts";
import { priceCourse, readCourse } from "../pricing.ts";

const BY = "billing";

type Row = TransactionRow & {
  last_sample_at: Date | null;
  time_zone: string;
  operator_currency: string;
  group_id: string | null;
  driver_id: string | null;
  payer_account: Account | null;
  payer_driver: string | null;
  payment_id: string | null;
  driver_gone: boolean;
  parked: boolean;
};

/** `t.driver_id`: whose the token was when it began. */
const READ = `
  select ${TRANSACTION_COLUMNS}, coalesce(s.time_zone, o.time_zone) as time_zone, o.currency as operator_currency,
    coalesce(k.group_id, g.group_id) as group_id, d.driver_id is not null as driver_gone,
    p.account as payer_account, p.driver_id as payer_driver, p.payment_id,
    exists (select from parked_entry e where e.er_id = t.er_id and e.resolved_at is null
      and position(t.transaction_id::text in e.entry) > 0) as parked
  from transaction t
  join operator o on o.operator_id = t.operator_id
  left join site s on s.site_id = t.site_id
  left join id_token k on k.operator_id = t.operator_id and k.token_key = lower(t.id_token)
  left join erased_token g on g.site_id = t.site_id and g.pseudonym = t.id_token
  left join driver d on d.driver_id = t.driver_id and d.status = 'erased'
  left join transaction_payer p on p.transaction_id = t.transaction_id
  where t.transaction_id = $1`;

function factsOf(row: Row): Facts {
  const seen = toTransaction(row);
  const { start, end } = momentsOf(row);
  // A person has said that no end will come: what was heard last is the end.
  const givenUp = row.ended_unseen && row.reviewed_kinds.includes("stop-missing");
  const heard = Math.max(row.last_sample_at?.getTime() ?? 0, start.raw) + start.at - start.raw;
  return {
    transactionId: row.transaction_id,
    siteId: row.site_id,
    over: end !== undefined || givenUp,
    startedAt: start.at,
    endedAt: Math.max(start.at, end?.at ?? heard),
    timeQuality: end === undefined ? "estimated" : seen.timeQuality,
    meterStartWh: seen.meterStartWh,
    meterStopWh: seen.meterStopWh,
    energyWh: seen.energyWh,
    stopTold: row.meter_stop_wh !== null,
    flags: seen.flags,
    idToken: row.id_token,
    refused: row.authorization_status !== null && row.authorization_status !== "Accepted",
    mergedInto: row.merged_into,
    writtenOff: row.written_off,
    reviewKinds: row.review_kinds,
    parked: row.parked,
    payerGone: row.driver_gone && row.payer_account === null && row.group_id === null,
  };
}

type Tariff = { tariffId: string; version: number } | undefined;
type Priced = { tariff: Tariff; price: CdrPrice };

/** By the terms of the CDR that stands, where it is for the same token: they were agreed at the start. */
async function priceNow(
  client: Client,
  row: Row,
  facts: Facts,
  standing: CdrRow | undefined,
  energyWh: number,
) {
  const free = (): Priced => ({ tariff: undefined, price: freePrice(row.operator_currency, null) });
  const agreed = standing !== undefined && sameToken(standing.id_token, row.id_token) ? standing : undefined;
  if (!facts.over || facts.mergedInto !== null) return free();
  const terms = agreed?.price.terms;
  if (terms === null) return free();
  const course = await readCourse(client, row.operator_id, row.transaction_id);
  if (course === undefined) return free();
  if (agreed !== undefined && terms !== undefined) {
    const tariff = { tariffId: agreed.tariff_id ?? "", version: agreed.tariff_version ?? 0 };
    const chosen = aboutTariff(agreed.price.flags);
    return { tariff, price: priceBy(terms, course.timeline, energyWh, chosen) };
  }
  const priced = await priceCourse(client, row.operator_id, row.transaction_id, course);
  if (priced === undefined) return free();
  const tariff = { tariffId: priced.tariffId, version: priced.tariffVersion };
  const chosen = aboutTariff(priced.price.flags);
  return { tariff, price: priceBy(priced.terms, course.timeline, energyWh, chosen) };
}

function causeOf(
  standing: CdrRow | undefined,
  payer: Account,
  decision: Decision | undefined,
): NewCdr["cause"] {
  if (decision !== undefined) return "decision";
  if (standing === undefined) return "ended";
  return standing.payer === payer ? "late-data" : "payer";
}

type Look = {
  row: Row;
  facts: Facts;
  payer: Account;
  priced: Priced;
  basis: string;
  standing: CdrRow | undefined;
  decision: Decision | undefined;
};

/** What a verdict makes of flags and price. */
function cdrOf(look: Look, verdict: Extract<Verdict, { kind: "bill" | "none" }>): NewCdr {
  const { row, facts, payer, priced, basis, standing } = look;
  const free = verdict.kind === "none" ? verdict.reason : verdict.free;
  const energyWh = verdict.kind === "none" ? 0 : verdict.energyWh;
  const { currency, terms } = priced.price;
  const price = free === undefined ? priced.price : freePrice(currency, terms);
  return {
    operatorId: row.operator_id,
    transactionId: row.transaction_id,
    cause: causeOf(standing, payer, look.decision?.basis === basis ? look.decision : undefined),
    reason: null,
    createdBy: BY,
    ...{ siteId: row.site_id, stationId: row.station_id, evseId: row.evse_id, connectorId: row.connector_id },
    idToken: row.id_token,
    driverId: row.payer_driver ?? row.driver_id,
    paymentId: row.payment_id,
    payer,
    ...{ startedAt: facts.startedAt, endedAt: facts.endedAt, timeZone: row.time_zone },
    timeQuality: facts.timeQuality,
    ...{ meterStartWh: facts.meterStartWh, meterStopWh: facts.meterStopWh, energyWh },
    energyQuality:
      verdict.kind === "none" ? (facts.stopTold ? "registers" : "readings") : verdict.energyQuality,
    flags: flagsOf(facts.flags, price, energyWh, free),
    tariffId: priced.tariff?.tariffId ?? null,
    tariffVersion: priced.tariff?.version ?? null,
    price,
    basis,
  };
}

type Outcome = { status: string; reasons: string[]; cdrId: string | null; made: boolean };

async function carryOut(client: Client, look: Look, verdict: Verdict, nowMs: number): Promise<Outcome> {
  const { standing, basis } = look;
  const cdrId = standing?.cdr_id ?? null;
  if (verdict.kind === "wait") return { status: "pending", reasons: [], cdrId, made: false };
  if (verdict.kind === "held") return { status: "held", reasons: verdict.reasons, cdrId, made: false };
  if (verdict.kind === "keep") return { status: "billed", reasons: [], cdrId, made: false };
  const status = verdict.kind === "none" ? "none" : "billed";
  const reasons = verdict.kind === "none" ? [verdict.reason] : [];
  // What was never billed and needs no bill gets no CDR.
  if (standing === undefined ? verdict.kind === "none" : standing.basis === basis)
    return { status, reasons, cdrId, made: false };
  const row = await storeCdr(client, cdrOf(look, verdict), standing, nowMs);
  return { status, reasons, cdrId: row.cdr_id, made: true };
}

export type BillingRow = {
  transaction_id: string;
  cdr_id: string | null;
  decision: Decision["decision"] | null;
  decided_energy_wh: number | null;
  decided_basis: string | null;
};

const decisionOf = (b: BillingRow): Decision | undefined =>
  b.decision === null || b.decided_basis === null
    ? undefined
    : { decision: b.decision, energyWh: b.decided_energy_wh, basis: b.decided_basis };

/** Everything that is known of one now; nothing is written. */
export async function lookAt(client: Client, billing: BillingRow): Promise<Look> {
  const row = (await client.query<Row>(READ, [billing.transaction_id])).rows[0];
  if (row === undefined) throw new AppError("TRANSACTION_GONE", `there is no ${billing.transaction_id}`);
  const standing =
    billing.cdr_id === null
      ? undefined
      : (await client.query<CdrRow>("select * from cdr where cdr_id = $1", [billing.cdr_id])).rows[0];
  const facts = factsOf(row);
  const before: Standing | undefined = standing && {
    ...{ basis: standing.basis, cause: standing.cause, idToken: standing.id_token, payer: standing.payer },
  };
  const payer = payerOf({
    assigned: row.payer_account ?? undefined,
    ...{ standing: before, idToken: row.id_token, groupId: row.group_id, driverId: row.driver_id },
    siteId: row.site_id,
  });
  const decision = decisionOf(billing);
  const energyWh = facts.energyWh ?? decision?.energyWh ?? 0;
  const priced = await priceNow(client, row, facts, standing, energyWh);
  // A decided energy is no fact: what was decided about is what was known without it.
  const known =
    facts.energyWh === null ? { ...priced, price: freePrice(priced.price.currency, null) } : priced;
  const basis = basisOf(facts, payer, known.tariff, known.price);
  return { row, facts, payer, priced, basis, standing, decision };
}

const standingOf = (look: Look): Standing | undefined =>
  look.standing && {
    ...{ basis: look.standing.basis, cause: look.standing.cause },
    ...{ idToken: look.standing.id_token, payer: look.standing.payer },
  };

const SETTLE = `
  update transaction_billing set status = $2, reasons = $3, cdr_id = $4, due_at = null, tries = 0, error = null,
    updated_at = case when (status, reasons, cdr_id) is distinct from ($2, $3::text[], $4::uuid) then now()
                      else updated_at end
  where transaction_id = $1`;

/** Looks at one that the caller has locked. @returns whether a CDR was made. */
export async function billOne(client: Client, billing: BillingRow, nowMs: number): Promise<boolean> {
  const look = await lookAt(client, billing);
  const verdict = judge(look.facts, look.basis, look.decision, standingOf(look));
  const { status, reasons, cdrId, made } = await carryOut(client, look, verdict, nowMs);
  await client.query(SETTLE, [billing.transaction_id, status, reasons, cdrId]);
  return made;
}

export const BILLING_COLUMNS = "transaction_id, cdr_id, decision, decided_energy_wh, decided_basis";

const CLAIM = `
  select ${BILLING_COLUMNS} from transaction_billing where due_at <= clock_timestamp()
  order by due_at limit 1 for update skip locked`;

/** It is tried again later, and later still; meanwhile the others go on. */
const POSTPONE = `
  update transaction_billing set tries = tries + 1, error = left($2, 500),
    due_at = clock_timestamp() + least(30 * 2 ^ least(tries, 20), $3) * interval '1 second'
  where transaction_id = $1`;

/**
 * Until nothing is due, or the time is up: a program that is to stop does not wait for a backlog.
 * @returns how many CDRs were made. @throws AppError CDR_FAILED, after all others.
 */
export async function makeCdrs(pool: Pool, maxMs = Infinity): Promise<number> {
  let made = 0;
  const failed: string[] = [];
  const endMs = performance.now() + maxMs;
  for (let more = true; more && performance.now() < endMs;) {
    let claimed: BillingRow | undefined;
    try {
      const isMade = await inTransaction(pool, async (client) => {
        claimed = (await client.query<BillingRow>(CLAIM)).rows[0];
        return claimed !== undefined && (await billOne(client, claimed, Date.now()));
      });
      more = claimed !== undefined;
      if (isMade) made++;
    } catch (error) {
      // Nothing was claimed: it is the database that fails, not a transaction.
      if (claimed === undefined) throw error;
      failed.push(`${claimed.transaction_id}: ${describeError(error)}`);
      await pool.query(POSTPONE, [claimed.transaction_id, describeError(error), CDR_TRIES_DELAY_MAX_S]);
    }
  }
  if (failed.length > 0)
    throw new AppError("CDR_FAILED", `${failed.length} could not be billed, the first: ${failed[0]}`);
  return made;
}
