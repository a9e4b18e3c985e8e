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
import { isGood, isOver } from "../core/payment.ts";
import { given } from "../../shared/given.ts";
import { describeError } from "../../shared/errors.ts";
import { ApiProblem } from "../api/problem.ts";
import { insertCommand } from "../api/routes/commands.ts";
import { ER_ONLINE } from "../api/routes/sites.ts";
import { inTransaction, type Client, type Queryable } from "../db/pool.ts";
import { setPayer } from "../ledger.ts";
import { priceOf } from "../pricing.ts";
import { find } from "./books.ts";
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

/** What is around the session: the place, its commands, its transaction and what became of that. */
type AroundRow = {
  online: boolean;
  start_status: string | null;
  start_at: Date | null;
  stop_status: string | null;
  stop_at: Date | null;
  transaction_id: string | null;
  running: boolean | null;
  started_at: Date | null;
  billing: "pending" | "held" | "billed" | "none" | null;
  cdr_id: string | null;
  total_minor: number | null;
};

const AROUND = `
  select s.online and ${ER_ONLINE} as online, c.status as start_status, c.issued_at as start_at,
    x.status as stop_status, x.issued_at as stop_at, t.transaction_id, t.running, t.started_at,
    b.status as billing, b.cdr_id, d.total_minor
  from guest_session g
  join station s on s.station_id = g.station_id
  join er e on e.er_id = s.er_id
  left join command c on c.command_id = g.command_id
  left join command x on x.command_id = g.stop_command_id
  left join lateral (
    select u.* from (
      select t.transaction_id, t.running, t.started_at,
        greatest(t.meter_stop_wh, t.last_energy_wh) - t.meter_start_wh as wh
      from transaction t
      where t.site_id = g.site_id and lower(t.id_token) = g.id_token_key and t.merged_into is null
      union all
      -- A token may be erased; what was its guest's stays.
      select t.transaction_id, t.running, t.started_at, greatest(t.meter_stop_wh, t.last_energy_wh) - t.meter_start_wh
      from transaction t where t.transaction_id = g.transaction_id and t.merged_into is null
    ) u order by u.running desc, coalesce(u.wh, 0) desc, u.started_at limit 1
  ) t on true
  left join transaction_billing b on b.transaction_id = t.transaction_id
  left join cdr d on d.cdr_id = b.cdr_id
  where g.guest_session_id = $1`;

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
  if (await linkTransaction(client, sessionId)) return "link";
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
 * The transaction of the session's token is known: the bill goes to the guest. @returns whether there was a
 * new one.
 */
async function linkTransaction(client: Client, sessionId: string): Promise<boolean> {
  const [around] = (await client.query<AroundRow>(AROUND, [sessionId])).rows;
  const { rows } = await client.query<GuestRow>("select * from guest_session where guest_session_id = $1", [
    sessionId,
  ]);
  const [row] = rows;
  const transactionId = around?.transaction_id ?? undefined;
  if (row === undefined || transactionId === undefined || transactionId === row.transaction_id) return false;
  await setPayer(client, {
    ...{ operatorId: row.operator_id, transactionId, paymentId: row.payment_id },
    account: accounts.guest(row.payment_id),
  });
  await client.query("update guest_session set transaction_id = $2 where guest_session_id = $1", [
    sessionId,
    transactionId,
  ]);
  return true;
}

/** Everything that the decision rests on. */
async function readView(client: Client, row: GuestRow) {
  const { rows } = await client.query<PaymentRow>("select * from payment where payment_id = $1", [
    row.payment_id,
  ]);
  const [paymentRow] = rows;
  const [around] = (await client.query<AroundRow>(AROUND, [row.guest_session_id])).rows;
  if (paymentRow === undefined || around === undefined)
    throw new Error(`the session ${row.guest_session_id} has no payment or no place`);
  const { state } = paymentOf(paymentRow, await readRefunds(client, row.payment_id));
  const place = { stationId: row.station_id, evseId: row.evse_id };
  const transactionId = around.transaction_id ?? undefined;
  const priced =
    transactionId === undefined ? undefined : await priceOf(client, row.operator_id, transactionId);
  const view: GuestView = {
    state: row.state,
    reason: row.reason ?? undefined,
    flow: paymentRow.flow,
    payment: {
      good: isGood(state) && paymentRow.keep_minor === null,
      over: isOver(state) || (state.capturedMinor > 0 && !isGood(state)),
      paidAtMs: paymentRow.paid_at?.getTime(),
      limitMinor:
        state.capturedMinor > 0 && state.flow === "prepay" ? state.capturedMinor : state.authorizedMinor,
    },
    place: {
      online: around.online,
      free: row.command_id !== null || (await evseFree(client, place, row.guest_session_id)),
    },
    start: commandOf(around.start_status, around.start_at),
    stop: commandOf(around.stop_status, around.stop_at),
    stopAsked: row.stop_asked_at !== null,
    cancelAsked: row.cancel_asked_at !== null,
    transaction:
      around.running === null || around.started_at === null
        ? undefined
        : { running: around.running, startedAtMs: around.started_at.getTime() },
    runningMinor: priced?.price.totalMinor ?? (transactionId === undefined ? undefined : 0),
    billing:
      around.billing === null
        ? undefined
        : { status: around.billing, cdrId: around.cdr_id ?? undefined, totalMinor: around.total_minor ?? 0 },
    settledBy: row.cdr_id ?? undefined,
  };
  return { view, payment: paymentRow };
}

const commandOf = (status: string | null, at: Date | null) =>
  status === null || at === null ? undefined : { status, issuedAtMs: at.getTime() };

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
