/**
 * What a signed-in driver owes, and its payments of it: begun, looked at again and again, given up, with a receipt.
 * Which of them may be paid, and that nobody pays a debt twice, is `pay/balance.ts`.
 */
import { Type } from "typebox";
import { isGuestLanguage } from "../../core/guest-mail.ts";
import type { Queryable } from "../../db/pool.ts";
import { cancelBalance, CANCELLED, debtsOf, isOpen, ownPayment, payBalance } from "../../pay/balance.ts";
import { payerView } from "../../pay/checkout.ts";
import type { Pay } from "../../pay/providers.ts";
import type { PaymentRow } from "../../pay/rows.ts";
import { readRefunds } from "../../pay/store.ts";
import { ensureReceipt } from "../../receipts.ts";
import { countAttempt } from "../../throttle.ts";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { DriverRow } from "../driver-store.ts";
import { LanguageQuery, languageOf, Pdf } from "../money-view.ts";
import type { NewOwnPayment, OwnDebt, OwnPayment } from "../own-schemas.ts";
import { ownAccount, ownAccounts, ownDriver } from "../own-view.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { originOf } from "../people.ts";
import { ApiProblem, notFound } from "../problem.ts";
import { audit } from "../write.ts";
import { sendReceipt } from "./receipts.ts";

const Params = Type.Object({ paymentId: Type.String({ maxLength: 64 }) });

/** As the payer sees them, in the order of the rows. */
async function viewsOf(db: Queryable, rows: readonly PaymentRow[]): Promise<OwnPayment[]> {
  const ids = rows.map((row) => row.payment_id);
  const refunds = Map.groupBy(await readRefunds(db, ...ids), (refund) => refund.payment_id);
  return rows.map((row) => ({
    ...{ paymentId: row.payment_id, account: row.account, provider: row.kind },
    ...payerView(row, refunds.get(row.payment_id) ?? [], row.keep_minor !== 0),
    ...{ status: row.status, open: isOpen(row), hasReceipt: row.captured_minor > 0 },
    ...{ createdAt: isoOf(row.created_at), paidAt: iso(row.paid_at) },
  }));
}

async function viewOf(db: Queryable, row: PaymentRow): Promise<OwnPayment> {
  const [view] = await viewsOf(db, [row]);
  return view as OwnPayment;
}

export function ownPaymentRoutes(app: App, context: Context): void {
  debtRoute(app, context);
  listRoute(app, context);
  beginRoute(app, context);
  oneRoutes(app, context);
}

function debtRoute(app: App, { requireActor, pay }: Context): void {
  app.get(
    "/v1/own/debts",
    {
      schema: {
        operationId: "listOwnDebts",
        ...needs("own:read"),
        tags: ["own"],
        description: "What the driver owes now, account by account, and how each may be paid.",
        response: { 200: Type.Object({ items: Type.Array(Type.Ref("OwnDebt")) }) },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const own = await ownAccounts(actor.db, driver);
      const debts = await debtsOf(pay, actor.operatorId, [...own.keys()]);
      const { rows } = await actor.db.query<PaymentRow>(
        `select * from payment where operator_id = $1 and account = any ($2) and driver_id = $3
           and status in ('created', 'pending', 'failed', 'authorized') order by created_at`,
        [actor.operatorId, debts.map(({ account }) => account), driver.driver_id],
      );
      const open = rows.filter(isOpen);
      return {
        items: debts.map((debt): OwnDebt => {
          const of = open.find((row) => row.account === debt.account && row.currency === debt.currency);
          return { ...debt, idToken: own.get(debt.account) ?? null, openPaymentId: of?.payment_id ?? null };
        }),
      };
    },
  );
}

function listRoute(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/payments",
    {
      schema: {
        operationId: "listOwnPayments",
        ...needs("own:read"),
        tags: ["own"],
        description: "What the driver has paid of what it owed, or began to, the latest first.",
        querystring: Type.Object(PageQuery),
        response: { 200: PageOf("OwnPayment") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const where = conditions("p.operator_id = $1 and p.driver_id = $2", actor.operatorId, driver.driver_id);
      const [at, id] = readCursor(request.query, 2) ?? [];
      where.add("(p.created_at, p.payment_id) < (?::timestamptz, ?::uuid)", at, id);
      const { rows } = await actor.db.query<PaymentRow & { created_key: string }>(
        `select p.*, p.created_at::text as created_key from payment p where ${where.sql}
         order by p.created_at desc, p.payment_id desc limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      const views = new Map((await viewsOf(actor.db, rows)).map((view) => [view.paymentId, view]));
      return toPage(
        rows,
        request.query,
        (row) => [row.created_key, row.payment_id],
        (row) => views.get(row.payment_id),
      );
    },
  );
}

/** @throws ApiProblem 429. */
async function countBegin(pay: Pay, actor: Actor, driver: DriverRow): Promise<void> {
  const waitS = await countAttempt(pay.pool, "payer", `${actor.operatorId} ${driver.driver_id}`);
  if (waitS !== undefined)
    throw new ApiProblem(429, "TOO_MANY_REQUESTS", `too many payments were begun; try in ${waitS} s`);
}

function beginRoute(app: App, { requireActor, pay, webUrl }: Context): void {
  app.post(
    "/v1/own/payments",
    {
      schema: {
        operationId: "createOwnPayment",
        ...needs("own:write"),
        tags: ["own"],
        description:
          "Begins to pay what is owed: the answer tells where (`checkoutUrl`, or a Pix code). " +
          "The same `requestId` is one payment. One that is open is given again for the same amount and provider; " +
          "for others it is 409 `PAYMENT_OPEN`. Refused: `NOTHING_OWED`, `MORE_THAN_OWED`, `NO_PROVIDER`.",
        body: Type.Ref("NewOwnPayment"),
        response: { 201: Type.Ref("OwnPayment") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const wish = request.body as NewOwnPayment;
      const account = wish.account ?? ownAccount(driver);
      if (!(await ownAccounts(actor.db, driver)).has(account)) throw notFound("account", account);
      await countBegin(pay, actor, driver);
      const { operatorId, name } = actor;
      const who = {
        ...{ operatorId, driverId: driver.driver_id, actor: name, apiRequestId: request.id },
        ...{ origin: originOf(request, webUrl), email: driver.email, taxId: driver.tax_id },
      };
      const known = isGuestLanguage(driver.language) ? driver.language : "en";
      const { requestId, currency, amountMinor, provider, language = known } = wish;
      const paymentId = await payBalance(pay, who, {
        ...{ requestId, account, currency, amountMinor, provider, language },
      });
      const row = await ownPayment(actor.db, { operatorId, driverId: driver.driver_id, paymentId });
      return reply
        .code(201)
        .header("Location", `/v1/own/payments/${paymentId}`)
        .send(await viewOf(actor.db, row));
    },
  );
}

function oneRoutes(app: App, { requireActor, pay, webUrl }: Context): void {
  /** @throws ApiProblem 404. */
  async function find(actor: Actor, paymentId: string): Promise<PaymentRow> {
    const { driver_id: driverId } = await ownDriver(actor);
    return ownPayment(actor.db, { operatorId: actor.operatorId, driverId, paymentId });
  }

  app.get(
    "/v1/own/payments/:paymentId",
    {
      schema: {
        operationId: "getOwnPayment",
        ...needs("own:read"),
        tags: ["own"],
        description: "How it goes: look again every few seconds while it is open.",
        params: Params,
        response: { 200: Type.Ref("OwnPayment") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      return viewOf(actor.db, await find(actor, request.params.paymentId));
    },
  );

  app.post(
    "/v1/own/payments/:paymentId/cancel",
    {
      schema: {
        operationId: "cancelOwnPayment",
        ...needs("own:write"),
        tags: ["own"],
        description:
          "Closes the page or the code. One that is paid, or being taken, stays: 409 `ALREADY_PAID`. " +
          "Cancelled again, the same.",
        params: Params,
        response: { 200: Type.Ref("OwnPayment") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const row = await find(actor, request.params.paymentId);
      const isPaid = row.captured_minor > 0 || (isOpen(row) && !(await cancelBalance(pay, row)));
      if (isPaid)
        throw new ApiProblem(409, "ALREADY_PAID", "it has been paid, or is being taken at this moment");
      if (isOpen(row)) {
        const detail = { reason: CANCELLED };
        await actor.db.transaction((client) =>
          audit(client, actor, request, "payment.cancel", row.payment_id, detail),
        );
      }
      return viewOf(actor.db, await find(actor, row.payment_id));
    },
  );

  app.get(
    "/v1/own/payments/:paymentId/receipt",
    {
      schema: {
        operationId: "getOwnPaymentReceipt",
        ...needs("own:read"),
        tags: ["own"],
        description: "The receipt of what was paid, as a PDF; issued now where it was not yet.",
        params: Params,
        querystring: LanguageQuery,
        response: { 200: Pdf },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { payment_id: paymentId } = await find(actor, request.params.paymentId);
      const { rows } = await actor.db.query<{ posting_id: string }>(
        `select posting_id from ledger_posting where operator_id = $1 and kind = 'payment' and payment_id = $2
         order by booked_at limit 1`,
        [actor.operatorId, paymentId],
      );
      const [posting] = rows;
      if (posting === undefined)
        throw new ApiProblem(409, "NO_RECEIPT", "there is no receipt yet: nothing has been paid");
      const of = { postingId: posting.posting_id };
      const row = await actor.db.transaction((client) => ensureReceipt(client, actor.operatorId, of));
      if (row === undefined) throw notFound("receipt", paymentId);
      return sendReceipt(reply as never, row, languageOf(request.query), webUrl);
    },
  );
}
