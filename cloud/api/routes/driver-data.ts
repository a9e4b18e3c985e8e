/** What the law gives a driver (LGPD, Art. 18): everything that is kept about it, and to be forgotten. */
import { Readable } from "node:stream";
import { Type } from "typebox";
import { inTransaction, type Client } from "../../db/pool.ts";
import { eraseDriver, openOf, runningOf } from "../../erasure.ts";
import { needs } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { ERASURE_WORDS, type DriverErasure, type NewDriverErasure } from "../driver-schemas.ts";
import { exportDriver } from "../driver-export.ts";
import { readDriver, type DriverRow } from "../driver-store.ts";
import { iso, isoOf } from "../page.ts";
import { bumpPolicy } from "../policy-version.ts";
import { ApiProblem } from "../problem.ts";
import { audit } from "../write.ts";
import { DriverParams } from "./drivers.ts";

/** The answer of a document that is written piece by piece. */
export const DOCUMENT = {
  description: "The document",
  content: { "application/json": { schema: Type.Object({}, { additionalProperties: true }) } },
};

export function driverDataRoutes(app: App, { pool, requireActor }: Context): void {
  app.get(
    "/v1/drivers/:driverId/data",
    {
      schema: {
        operationId: "exportDriverData",
        ...needs("drivers:write"),
        tags: ["drivers"],
        description:
          "Everything that is kept about the person: the driver, its idTokens, transactions, CDRs, ledger, " +
          "payments, statements, and what the audit says of it. That it was asked for stands in the audit.",
        params: DriverParams,
        response: { 200: DOCUMENT },
      },
    },
    async (request, reply) => {
      const actor = await requireActor(request);
      const driver = await actor.db.transaction(async (client) => {
        const row = await readDriver(client, actor.operatorId, request.params.driverId);
        await audit(client, actor, request, "driver.export", row.driver_id, null);
        return row;
      });
      return reply
        .type("application/json; charset=utf-8")
        .header("Content-Disposition", `attachment; filename="driver-${driver.driver_id}.json"`)
        .send(Readable.from(exportDriver(actor.db, driver)) as unknown as object);
    },
  );

  app.post(
    "/v1/drivers/:driverId/erasures",
    {
      schema: {
        operationId: "eraseDriver",
        ...needs("drivers:write"),
        tags: ["drivers"],
        description:
          `The person goes, for good: needs \`{"confirm": "${ERASURE_WORDS}"}\`. Transactions, CDRs and the ` +
          "ledger keep their amounts under pseudonyms. What only mentions the person is gone through " +
          "afterwards (`finishedAt`). " +
          "Refused while a transaction of the driver runs (`DRIVER_CHARGES`), and while something is owed, paid in " +
          "advance or not billed yet (`DRIVER_OPEN_BALANCE`), unless `openBalance` is `leave`. Finished exports that " +
          "may hold the person are removed. Asked for again, it tells the same.",
        params: DriverParams,
        body: Type.Ref("NewDriverErasure"),
        response: { 200: Type.Ref("DriverErasure") },
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const { driverId } = request.params;
      const { operatorId } = actor;
      await readDriver(actor.db, operatorId, driverId);
      const body = request.body as NewDriverErasure;
      if (body.confirm !== ERASURE_WORDS)
        throw new ApiProblem(
          400,
          "NOT_CONFIRMED",
          `nothing brings a driver back: confirm with "${ERASURE_WORDS}"`,
        );
      // As the owner of the tables: accounts for signing in are out of an actor's reach.
      return inTransaction(pool, async (client) => {
        const driver = await readDriver(client, operatorId, driverId, true);
        if (driver.status === "erased") return toErasure(client, driver);
        const [running] = await runningOf(client, operatorId, driver.driver_id);
        if (running !== undefined)
          throw new ApiProblem(
            409,
            "DRIVER_CHARGES",
            `the transaction ${running} of this driver runs: stop it, or wait for its end`,
          );
        if (body.openBalance !== "leave") await checkEven(client, operatorId, driver.driver_id);
        const erased = await eraseDriver(client, operatorId, driver.driver_id, actor.name);
        await bumpPolicy(client, operatorId);
        await audit(client, actor, request, "driver.erase", driver.driver_id, erased);
        return toErasure(client, await readDriver(client, operatorId, driver.driver_id));
      });
    },
  );
}

/** @throws ApiProblem 409 DRIVER_OPEN_BALANCE. */
async function checkEven(client: Client, operatorId: string, driverId: string): Promise<void> {
  const { balances, unbilled } = await openOf(client, operatorId, driverId);
  if (balances.length === 0 && unbilled === 0) return;
  const sums = balances.map(({ account, currency, amountMinor }) => {
    const kind = account.startsWith("driver:") ? "the driver's account" : "the account of a token";
    return `${kind} stands at ${amountMinor} (minor units of ${currency}; above 0: owed to you)`;
  });
  if (unbilled > 0) sums.push(`${unbilled} transactions are not billed yet`);
  throw new ApiProblem(
    409,
    "DRIVER_OPEN_BALANCE",
    `${sums.join("; ")}. Settle it first, or leave it in the books with {"openBalance": "leave"}: ` +
      "nobody can be asked then",
  );
}

async function toErasure(client: Client, driver: DriverRow): Promise<DriverErasure> {
  const { rows } = await client.query<{ exports_removed: number }>(
    "select exports_removed from driver_erasure where driver_id = $1",
    [driver.driver_id],
  );
  return {
    driverId: driver.driver_id,
    erasedAt: isoOf(driver.erased_at ?? driver.updated_at),
    finishedAt: iso(driver.erasure_finished_at),
    exportsRemoved: rows[0]?.exports_removed ?? 0,
  };
}
