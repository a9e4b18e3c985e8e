/**
 * Somebody who works for the operator asks a driver to pay: a mail says what is owed and where it is paid, behind
 * the driver's own sign-in. Nothing is booked by it, and no payment is begun.
 */
import { Type } from "typebox";
import { isGuestLanguage } from "../../core/guest-mail.ts";
import { paymentRequestMail } from "../../core/payment-mail.ts";
import type { Pool } from "../../db/pool.ts";
import { queueMail } from "../../mail.ts";
import { debtsOf, type Debt } from "../../pay/balance.ts";
import { countAttempt } from "../../throttle.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import type { DriverPaymentRequest } from "../driver-schemas.ts";
import { readDriver, type DriverRow } from "../driver-store.ts";
import { ownAccounts } from "../own-view.ts";
import { ApiProblem } from "../problem.ts";
import { audit, writeOnce } from "../write.ts";
import { DriverParams } from "./drivers.ts";

/** Who would find the driver behind its sign-in. */
const SIGNS_IN = `
  select 1 from auth_user u join member m on m.user_id = u.id and m.operator_id = $1
  where u.id = $2 or ($2::text is null and u.email_verified and lower(u.email) = $3)`;

/** @throws ApiProblem 409: there is nothing to pay, no way to, nobody to ask, or no sign-in to do it behind. */
async function checkAsked(pool: Pool, driver: DriverRow, debts: readonly Debt[]): Promise<string> {
  if (debts.length === 0) throw new ApiProblem(409, "NOTHING_OWED", "the driver owes nothing");
  if (debts.every(({ ways }) => ways.length === 0))
    throw new ApiProblem(
      409,
      "NO_PROVIDER",
      `there is no payment provider for ${debts[0]?.currency ?? "it"}: set one up first`,
    );
  if (driver.email === null)
    throw new ApiProblem(409, "NO_EMAIL", "the driver has no e-mail address: enter one first");
  const { rowCount } = await pool.query(SIGNS_IN, [
    ...[driver.operator_id, driver.user_id, driver.email.toLowerCase()],
  ]);
  if (rowCount === 0)
    throw new ApiProblem(
      409,
      "DRIVER_CANNOT_SIGN_IN",
      "the driver cannot sign in yet: invite it first, then it sees what it owes and pays it",
    );
  return driver.email;
}

export function driverPaymentRoutes(app: App, { pool, pay, people, mailFrom, requireActor }: Context): void {
  app.post(
    "/v1/drivers/:driverId/payment-requests",
    {
      schema: {
        operationId: "askDriverToPay",
        ...needs("payments:write"),
        tags: ["drivers"],
        description:
          "Mails the driver what it owes and where it pays it. Refused: `NOTHING_OWED`, `NO_PROVIDER`, `NO_EMAIL`, " +
          "`DRIVER_CANNOT_SIGN_IN`. Without a mail server the mail waits: hand the address on yourself.",
        params: DriverParams,
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String({ maxLength: 200 })) }),
        response: { 202: Type.Ref("DriverPaymentRequest") },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const { operatorId } = actor;
      const driver = await readDriver(actor.db, operatorId, request.params.driverId);
      const accounts = await ownAccounts(actor.db, driver);
      const debts = await debtsOf(pay, operatorId, [...accounts.keys()]);
      const to = await checkAsked(pool, driver, debts);
      const url = people.mailer.page("/my/statements");
      const owed = debts.map(({ currency, owedMinor: amountMinor }) => ({ currency, amountMinor }));
      const { body } = await writeOnce(actor, request, async (client) => {
        const waitS = await countAttempt(pool, "mailbox", to.toLowerCase());
        if (waitS !== undefined)
          throw new ApiProblem(429, "TOO_MANY_REQUESTS", `this mailbox got enough mails; try in ${waitS} s`);
        const { rows } = await client.query<{ name: string }>(
          "select coalesce(legal_name, name) as name from operator where operator_id = $1",
          [operatorId],
        );
        const operator = rows[0]?.name ?? operatorId;
        const language = isGuestLanguage(driver.language) ? driver.language : "en";
        const letter = paymentRequestMail(language, { operator, owed, url });
        await queueMail(client, { operatorId, kind: "payment-request", to, ...letter });
        await audit(client, actor, request, "driver.payment-request", driver.driver_id, { owed });
        const told: DriverPaymentRequest = { email: to, mailed: mailFrom !== undefined, url, owed };
        return { status: 202, body: told };
      });
      return reply.code(202).send(body as DriverPaymentRequest);
    },
  );
}
