/**
 * What a person decides about money: another price or energy for a CDR, and what becomes of a transaction
 * that is held. In the transaction of the caller, under the lock of the transaction's billing: the job waits,
 * or comes first.
 */
import { aboutTariff, flagsOf, HELD_REASONS, priceBy, priceByHand, type CdrPrice } from "../core/cdr.ts";
import { storeCdr, type CdrRow } from "../cdr-store.ts";
import type { Client } from "../db/pool.ts";
import { BILLING_COLUMNS, billOne, lookAt, type BillingRow } from "../jobs/cdrs.ts";
import { readCourse, type Course } from "../pricing.ts";
import type { Actor } from "./actor.ts";
import type { NewBillingDecision, NewCdrCorrection } from "./money-schemas.ts";
import { ApiProblem, notFound } from "./problem.ts";

type Locked = BillingRow & { status: string; reasons: string[] };

async function lockBilling(client: Client, operatorId: string, transactionId: string): Promise<Locked> {
  const { rows } = await client.query<Locked>(
    `select ${BILLING_COLUMNS}, status, reasons from transaction_billing
     where operator_id = $1 and transaction_id = $2 for update`,
    [operatorId, transactionId],
  );
  if (rows[0] === undefined) throw notFound("transaction to bill", transactionId);
  return rows[0];
}

type Corrected = { price: CdrPrice; energyWh: number; startedAt: number; endedAt: number };

/**
 * Another price, or the price of another energy: by the terms that were agreed, its time as it went.
 * @throws ApiProblem 422 CORRECTION_UNCLEAR, NO_TERMS.
 */
function correctedPrice(cdr: CdrRow, course: Course, body: NewCdrCorrection): Corrected {
  const { totalMinor, energyWh = cdr.energy_wh } = body;
  if ((totalMinor === undefined) === (body.energyWh === undefined))
    throw new ApiProblem(422, "CORRECTION_UNCLEAR", "give one of totalMinor and energyWh");
  const { terms } = cdr.price;
  if (totalMinor !== undefined) {
    const times = { startedAt: cdr.started_at.getTime(), endedAt: cdr.ended_at.getTime() };
    return {
      ...times,
      price: priceByHand(totalMinor, { currency: cdr.currency, terms, ...times }),
      energyWh,
    };
  }
  if (terms === null)
    throw new ApiProblem(422, "NO_TERMS", "no tariff held for it, so energy has no price: give totalMinor");
  const { timeline } = course;
  const times = { startedAt: timeline.startedAt, endedAt: timeline.endedAt };
  const price = priceBy(terms, timeline, energyWh, aboutTariff(cdr.price.flags));
  return { ...times, price, energyWh };
}

/** @throws ApiProblem 404, 409 CDR_CORRECTED, 422 CORRECTION_UNCLEAR, NO_TERMS, NOTHING_CHANGES. */
export async function correctCdr(
  client: Client,
  actor: Actor,
  cdr: CdrRow,
  body: NewCdrCorrection,
  nowMs: number,
): Promise<CdrRow> {
  const billing = await lockBilling(client, actor.operatorId, cdr.transaction_id);
  if (billing.cdr_id !== cdr.cdr_id) {
    const detail = `CDR no. ${cdr.number} was corrected already: correct the one that stands, ${billing.cdr_id}`;
    throw new ApiProblem(409, "CDR_CORRECTED", detail);
  }
  const course = await readCourse(client, actor.operatorId, cdr.transaction_id);
  if (course === undefined) throw notFound("transaction", cdr.transaction_id);
  const { price, energyWh, startedAt, endedAt } = correctedPrice(cdr, course, body);
  if (price.totalMinor === cdr.total_minor && energyWh === cdr.energy_wh)
    throw new ApiProblem(422, "NOTHING_CHANGES", "the CDR says that already");
  const row = await storeCdr(
    client,
    {
      ...{ operatorId: cdr.operator_id, transactionId: cdr.transaction_id, cause: "manual" },
      ...{ reason: body.reason, createdBy: actor.name, siteId: cdr.site_id, stationId: cdr.station_id },
      ...{
        evseId: cdr.evse_id,
        connectorId: cdr.connector_id,
        idToken: cdr.id_token,
        driverId: cdr.driver_id,
      },
      ...{ paymentId: cdr.payment_id, payer: cdr.payer, startedAt, endedAt },
      ...{ timeZone: cdr.time_zone, timeQuality: cdr.time_quality },
      ...{ meterStartWh: cdr.meter_start_wh, meterStopWh: cdr.meter_stop_wh, energyWh },
      energyQuality: body.energyWh === undefined ? cdr.energy_quality : "decided",
      flags: flagsOf(course.flags, price, energyWh),
      ...{ tariffId: cdr.tariff_id, tariffVersion: cdr.tariff_version, price },
      // Of the same facts: nothing has changed but what somebody thinks of them.
      basis: cdr.basis,
    },
    cdr,
    nowMs,
  );
  await client.query(
    "update transaction_billing set cdr_id = $2, updated_at = now() where transaction_id = $1",
    [cdr.transaction_id, row.cdr_id],
  );
  return row;
}

/** @throws ApiProblem 409 NOT_HELD, REVIEW_FIRST, 422 ENERGY_MISSING, ENERGY_KNOWN, NOTHING_STANDS. */
function checkDecision(billing: Locked, body: NewBillingDecision, energyKnown: boolean): void {
  if (billing.status !== "held")
    throw new ApiProblem(409, "NOT_HELD", `it is ${billing.status}: only what is held waits for a decision`);
  const others = billing.reasons.filter((reason) => !(HELD_REASONS as readonly string[]).includes(reason));
  if (others.length > 0)
    throw new ApiProblem(409, "REVIEW_FIRST", `decide in the work queue first: ${others.join(", ")}`);
  if (body.decision === "keep" && billing.cdr_id === null)
    throw new ApiProblem(422, "NOTHING_STANDS", "there is no CDR yet that could be kept: bill or waive");
  if (body.energyWh !== undefined && (energyKnown || body.decision !== "bill"))
    throw new ApiProblem(422, "ENERGY_KNOWN", "energyWh goes with bill, where the energy is not known");
  if (body.decision === "bill" && !energyKnown && body.energyWh === undefined)
    throw new ApiProblem(422, "ENERGY_MISSING", "a register is missing: say what is billed by energyWh");
}

/** Decides, and bills at once what the decision asks for. */
export async function decideBilling(
  client: Client,
  actor: Actor,
  transactionId: string,
  body: NewBillingDecision,
  nowMs: number,
): Promise<void> {
  const billing = await lockBilling(client, actor.operatorId, transactionId);
  const { facts, basis } = await lookAt(client, billing);
  checkDecision(billing, body, facts.energyWh !== null);
  const decided = {
    decision: body.decision,
    decided_energy_wh: body.energyWh ?? null,
    decided_basis: basis,
  };
  await client.query(
    `update transaction_billing set decision = $2, decided_energy_wh = $3, decided_basis = $4, decided_by = $5,
       decided_at = now(), note = $6 where transaction_id = $1`,
    [transactionId, decided.decision, decided.decided_energy_wh, basis, actor.name, body.note],
  );
  await billOne(client, { ...billing, ...decided }, nowMs);
}
