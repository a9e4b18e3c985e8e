/**
 * Sessions of guests: reads what is known of one, decides (`core/guest.ts`), and does that step, in one
 * transaction.
 *
 * Invariants: the session's row is locked for a step, and its EVSE while a start is decided, so that one
 * start is sent for one payment and one payment starts at one EVSE; a step asks nobody: it writes a command,
 * or what is to be kept of a payment, and others carry that out.
 */
import { accounts } from "../core/ledger.ts";
import {
  guestStep,
  type GuestReason,
  type GuestState,
  type GuestStep,
  type GuestView,
} from "../core/guest.ts";
import { availableMinor, isGood, isOver } from "../core/payment.ts";
import { given } from "../../shared/given.ts";
import { describeError } from "../../shared/errors.ts";
import { ApiProblem } from "../api/problem.ts";
import { insertCommand } from "../api/routes/commands.ts";
import { inTransaction, type Client } from "../db/pool.ts";
import { setPayer } from "../ledger.ts";
import { find } from "./books.ts";
import { evseFree, readAround, transactionsOf } from "./guest-around.ts";
import { mailReceipt } from "./guest-receipt.ts";
import type { Pay } from "./providers.ts";
import type { PaymentRow } from "./rows.ts";
import { keep, paymentOf, readRefunds } from "./store.ts";

const BATCH = 50;
const LEASE_S = 30;
/** A step that failed for a reason of ours is tried again after this. */
const AGAIN_S = 15;

export type GuestRow = {
  guest_session_id: string;
  operator_id: string;
  site_id: string;
  station_id: string;
  evse_id: number;
  payment_id: string;
  id_token: string;
  language: string;
  email: string | null;
  tax_id: string | null;
  state: GuestState;
  reason: GuestReason | null;
  tariff_id: string | null;
  tariff_version: number | null;
  cap_energy_wh: number | null;
  command_id: string | null;
  commanded_at: Date | null;
  stop_command_id: string | null;
  stop_asked_at: Date | null;
  cancel_asked_at: Date | null;
  transaction_id: string | null;
  cdr_id: string | null;
  price_minor: number | null;
  created_at: Date;
  updated_at: Date;
  look_at: Date | null;
};

/** Looks at the sessions that are due; one that fails holds up no other. @returns how many. */
export async function workGuests(pay: Pay): Promise<number> {
  const { rows } = await pay.pool.query<{ guest_session_id: string }>(
    `with due as (
       select guest_session_id from guest_session where look_at <= now() order by look_at limit ${BATCH}
       for update skip locked
     )
     update guest_session g set look_at = now() + interval '${LEASE_S} seconds'
     from due where g.guest_session_id = due.guest_session_id returning g.guest_session_id`,
  );
  const failures: unknown[] = [];
  for (const { guest_session_id: id } of rows)
    await workGuest(pay, id).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
  return rows.length;
}

/** Steps of one session until it waits. */
export async function workGuest(pay: Pay, sessionId: string): Promise<void> {
  try {
    for (let step = 0; step < 6; step++) {
      // Before the step that ends the looking: what is not mailed is looked at again.
      await mailReceipt(pay, sessionId);
      const done = await inTransaction(pay.pool, (client) => stepGuest(client, sessionId));
      if (done === "wait") return;
    }
  } catch (error) {
    await pay.pool.query(
      "update guest_session set look_at = now() + $2 * interval '1 second' where guest_session_id = $1",
      [sessionId, AGAIN_S],
    );
    throw new Error(`the session ${sessionId} of a guest: ${describeError(error)}`, { cause: error });
  }
}

async function stepGuest(client: Client, sessionId: string): Promise<GuestStep["do"] | "link"> {
  // Before the session is locked: whoever bills locks the transaction's billing first, and then the session.
  if (await linkTransactions(client, sessionId)) return "link";
  // As does whoever takes what a provider told: the payment first, or the two would wait for each other.
  await client.query(
    `select from payment where payment_id = (select payment_id from guest_session where guest_session_id = $1)
     for update`,
    [sessionId],
  );
  const { rows } = await client.query<GuestRow>(
    "select * from guest_session where guest_session_id = $1 for update",
    [sessionId],
  );
  const [row] = rows;
  if (row === undefined) return "wait";
  if (row.command_id === null)
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `sg.evse ${row.station_id} ${row.evse_id}`,
    ]);
  const { view, payment } = await readView(client, row);
  const step = guestStep(view, Date.now());
  await carryOut(client, row, payment, step);
  return step.do;
}

/**
 * Transactions of the session's token are known: their bills go to the guest. @returns whether there was
 * anything new.
 */
async function linkTransactions(client: Client, sessionId: string): Promise<boolean> {
  const own = await transactionsOf(client, sessionId);
  const { rows } = await client.query<GuestRow>("select * from guest_session where guest_session_id = $1", [
    sessionId,
  ]);
  const [row] = rows;
  const [main] = own;
  if (row === undefined || main === undefined) return false;
  const unlinked = own.filter(({ linked }) => !linked);
  if (unlinked.length === 0 && main.transaction_id === row.transaction_id) return false;
  for (const { transaction_id: transactionId } of unlinked)
    await setPayer(client, {
      ...{ operatorId: row.operator_id, transactionId, paymentId: row.payment_id },
      account: accounts.guest(row.payment_id),
    });
  await client.query("update guest_session set transaction_id = $2 where guest_session_id = $1", [
    sessionId,
    main.transaction_id,
  ]);
  return true;
}

/** Everything that the decision rests on. */
async function readView(client: Client, row: GuestRow) {
  const { rows } = await client.query<PaymentRow>("select * from payment where payment_id = $1", [
    row.payment_id,
  ]);
  const [paymentRow] = rows;
  const around = await readAround(client, row.operator_id, row.guest_session_id);
  if (paymentRow === undefined || around === undefined)
    throw new Error(`the session ${row.guest_session_id} has no payment or no place`);
  const { state, unsentMinor } = paymentOf(paymentRow, await readRefunds(client, row.payment_id));
  const good = isGood(state, unsentMinor);
  const place = { stationId: row.station_id, evseId: row.evse_id };
  const view: GuestView = {
    state: row.state,
    reason: row.reason ?? undefined,
    flow: paymentRow.flow,
    payment: {
      good: good && paymentRow.keep_minor === null,
      over: isOver(state) || (state.capturedMinor > 0 && !good),
      paidAtMs: paymentRow.paid_at?.getTime(),
      limitMinor: availableMinor(state, unsentMinor),
      kept: paymentRow.keep_minor !== null,
    },
    place: {
      online: around.online,
      free: row.command_id !== null || (await evseFree(client, place, row.guest_session_id)),
    },
    ...{ start: around.start, stop: around.stop, transaction: around.transaction },
    stopAsked: row.stop_asked_at !== null,
    cancelAsked: row.cancel_asked_at !== null,
    ...{ runningMinor: around.runningMinor, billing: around.billing },
    comparable: around.currencies.every((currency) => currency === paymentRow.currency),
    settledBy: row.cdr_id ?? undefined,
  };
  if (!view.comparable)
    await find(client, paymentRow, "currency-differs", { billedIn: around.currencies }, false);
  return { view, payment: paymentRow };
}

async function carryOut(client: Client, row: GuestRow, payment: PaymentRow, step: GuestStep): Promise<void> {
  switch (step.do) {
    case "wait":
      return write(client, row, { state: step.state, reason: step.reason ?? null, lookInMs: step.lookInMs });
    case "start":
      return start(client, row);
    case "stop":
      return stop(client, row, step.reason);
    case "release": {
      await keep(client, row.payment_id, 0, step.reason);
      const state = step.reason === "payment-expired" ? "expired" : "released";
      return write(client, row, { state, reason: step.reason, lookInMs: 0 });
    }
    case "settle":
      return settle(client, row, payment, step);
  }
}

type Written = {
  state: GuestState;
  reason: GuestReason | null;
  /** undefined: nothing more to come. */
  lookInMs: number | undefined;
  commandId?: string;
  stopCommandId?: string;
  cdrId?: string;
  priceMinor?: number;
};

async function write(client: Client, row: GuestRow, w: Written): Promise<void> {
  await client.query(
    `update guest_session set state = $2, reason = $3, look_at = now() + $4::float8 * interval '1 millisecond',
       command_id = coalesce($5, command_id), commanded_at = case when $5 is null then commanded_at else now() end,
       stop_command_id = coalesce($6, stop_command_id), cdr_id = coalesce($7, cdr_id),
       price_minor = coalesce($8, price_minor),
       updated_at = case when (state, reason) is distinct from ($2, $3) then now() else updated_at end
     where guest_session_id = $1`,
    [
      ...[row.guest_session_id, w.state, w.reason, w.lookInMs ?? null],
      ...[w.commandId ?? null, w.stopCommandId ?? null, w.cdrId ?? null, w.priceMinor ?? null],
    ],
  );
}

const GUEST_ACTOR = "guest";

/** A refusal of the command itself is a start that was refused. */
async function start(client: Client, row: GuestRow): Promise<void> {
  const params = { idToken: { idToken: row.id_token, type: "Central" }, evseId: row.evse_id };
  const actor = { operatorId: row.operator_id, name: GUEST_ACTOR };
  try {
    await client.query("savepoint command");
    const command = await insertCommand(client, actor, row.station_id, {
      kind: "RequestStartTransaction",
      params,
    });
    await write(client, row, {
      state: "starting",
      reason: null,
      lookInMs: 2_000,
      commandId: command.command_id,
    });
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    await client.query("rollback to savepoint command");
    await keep(client, row.payment_id, 0, "start-refused");
    await write(client, row, { state: "released", reason: "start-refused", lookInMs: undefined });
  }
}

async function stop(client: Client, row: GuestRow, reason: GuestReason): Promise<void> {
  const actor = { operatorId: row.operator_id, name: GUEST_ACTOR };
  const asked = { kind: "RequestStopTransaction", params: { transactionId: row.transaction_id } };
  const command = await insertCommand(client, actor, row.station_id, asked);
  await write(client, row, { state: "charging", reason, lookInMs: 3_000, stopCommandId: command.command_id });
}

async function settle(
  client: Client,
  row: GuestRow,
  payment: PaymentRow,
  step: Extract<GuestStep, { do: "settle" }>,
): Promise<void> {
  const late = row.state === "released" || row.state === "expired" || row.reason === "late-start";
  const why = step.cdrId === undefined ? "held" : late ? "late-start" : row.reason;
  await keep(
    client,
    row.payment_id,
    step.totalMinor,
    step.cdrId === undefined ? "held" : `cdr ${step.cdrId}`,
  );
  if (late) {
    const detail = { priceMinor: step.totalMinor, ...given("cdrId", step.cdrId) };
    await find(client, payment, "late-transaction", detail, false);
  }
  await write(client, row, {
    state: step.cdrId === undefined ? "finishing" : "settled",
    reason: why,
    lookInMs: step.cdrId === undefined ? 3_600_000 : 0,
    ...given("cdrId", step.cdrId),
    priceMinor: step.totalMinor,
  });
}
