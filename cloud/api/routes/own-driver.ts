/**
 * What a signed-in driver sees: its own profile, idTokens and transactions, and nothing of anybody else.
 *
 * A driver is who the operator has linked with the signed-in person, or else whoever has the e-mail address
 * that this person has shown to read.
 */
import { Readable } from "node:stream";
import { Type } from "typebox";
import { needs, type Actor } from "../actor.ts";
import type { App, Context } from "../app.ts";
import { exportDriver } from "../driver-export.ts";
import type { OwnIdToken, OwnProfile, OwnTransaction } from "../driver-schemas.ts";
import { DRIVER_COLUMNS, type DriverRow } from "../driver-store.ts";
import { conditions, iso, isoOf, PageOf, PageQuery, readCursor, toPage } from "../page.ts";
import { ApiProblem } from "../problem.ts";
import { TRANSACTION_COLUMNS, toTransaction, type TransactionRow } from "../transaction-view.ts";
import { DOCUMENT } from "./driver-data.ts";
import type { TokenRow } from "./id-tokens.ts";

/** @throws ApiProblem 404 NO_DRIVER. */
async function ownDriver({ db, operatorId, userId }: Actor): Promise<DriverRow> {
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

type BilledRow = TransactionRow & { site_name: string; total_minor: number | null; currency: string | null };

function toOwnTransaction(row: BilledRow): OwnTransaction {
  const { transactionId, siteId, stationId, evseId, status, startedAt, endedAt, energyWh } =
    toTransaction(row);
  return {
    ...{
      transactionId,
      siteId,
      siteName: row.site_name,
      stationId,
      evseId,
      status,
      startedAt,
      endedAt,
      energyWh,
    },
    ...{ totalMinor: row.total_minor, currency: row.currency },
  };
}

const route = (operationId: string, response: object) => ({
  schema: { operationId, ...needs("own:read"), tags: ["own"], response: { 200: response } },
});

export function ownDriverRoutes(app: App, context: Context): void {
  personRoutes(app, context);
  thingRoutes(app, context);
}

function personRoutes(app: App, { requireActor }: Context): void {
  app.get("/v1/own/profile", route("getOwnProfile", Type.Ref("OwnProfile")), async (request) => {
    const driver = await ownDriver(await requireActor(request));
    return {
      ...{ driverId: driver.driver_id, status: driver.status, name: driver.name, email: driver.email },
      ...{ phone: driver.phone, taxId: driver.tax_id, language: driver.language },
      createdAt: isoOf(driver.created_at),
    } satisfies OwnProfile;
  });

  app.get("/v1/own/data", route("exportOwnData", DOCUMENT), async (request, reply) => {
    const actor = await requireActor(request);
    // The operator's own notes about a person belong to what is kept about that person.
    const driver = await ownDriver(actor);
    return reply
      .type("application/json; charset=utf-8")
      .header("Content-Disposition", 'attachment; filename="my-data.json"')
      .send(Readable.from(exportDriver(actor.db, driver)) as unknown as object);
  });
}

function thingRoutes(app: App, { requireActor }: Context): void {
  app.get(
    "/v1/own/tokens",
    {
      schema: {
        ...route("listOwnIdTokens", PageOf("OwnIdToken")).schema,
        querystring: Type.Object(PageQuery),
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const where = conditions("t.operator_id = $1 and t.driver_id = $2", actor.operatorId, driver.driver_id);
      where.add("t.id_token > ?", readCursor(request.query, 1)?.[0]);
      const { rows } = await actor.db.query<TokenRow>(
        `select t.* from id_token t where ${where.sql} order by t.id_token limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(
        rows,
        request.query,
        (row) => [row.id_token],
        (row): OwnIdToken => ({
          ...{ idToken: row.id_token, type: row.type, status: row.status, label: row.label },
          expiresAt: iso(row.expires_at),
        }),
      );
    },
  );

  app.get(
    "/v1/own/transactions",
    {
      schema: {
        ...route("listOwnTransactions", PageOf("OwnTransaction")).schema,
        querystring: Type.Object(PageQuery),
      },
    },
    async (request) => {
      const actor = await requireActor(request);
      const driver = await ownDriver(actor);
      const own = "t.operator_id = $1 and t.driver_id = $2 and t.merged_into is null";
      const where = conditions(own, actor.operatorId, driver.driver_id);
      const [startedAt, id] = readCursor(request.query, 2) ?? [];
      where.add("(t.started_at, t.transaction_id) < (?::timestamptz, ?::uuid)", startedAt, id);
      const { rows } = await actor.db.query<BilledRow>(
        `select ${TRANSACTION_COLUMNS}, s.name as site_name, c.total_minor, c.currency
         from transaction t join site s using (site_id)
         left join transaction_billing b on b.transaction_id = t.transaction_id
         left join cdr c on c.cdr_id = b.cdr_id
         where ${where.sql} order by t.started_at desc, t.transaction_id desc
         limit ${(request.query.limit ?? 50) + 1}`,
        where.params,
      );
      return toPage(rows, request.query, (row) => [row.started_key, row.transaction_id], toOwnTransaction);
    },
  );
}
