/**
 * Drivers in PostgreSQL: rows ↔ what the API tells, and the changes that routes and imports make.
 *
 * Invariants: an erased driver is never changed again. A driver's group is written to its idTokens, because
 * prices, bills and sites go by the token's. Whatever makes a token count or not bumps the policy (by the
 * caller). The audit names fields of a person, never their values: it would keep what an erasure must find.
 */
import { randomUUID } from "node:crypto";
import { bareTaxId, taxIdKind } from "../../shared/tax-id.ts";
import type { Client, Queryable } from "../db/pool.ts";
import type { Driver, DriverPatch, NewDriver } from "./driver-schemas.ts";
import { iso, isoOf } from "./page.ts";
import { ApiProblem, notFound } from "./problem.ts";

export type DriverRow = {
  driver_id: string;
  operator_id: string;
  status: Driver["status"];
  name: string | null;
  email: string | null;
  phone: string | null;
  tax_id: string | null;
  language: string;
  group_id: string | null;
  user_id: string | null;
  notes: string | null;
  name_key: string;
  version: number;
  created_at: Date;
  updated_at: Date;
  erasure_requested_at: Date | null;
  erased_at: Date | null;
  erasure_finished_at: Date | null;
  token_count: number;
};

/** Of the table `driver d`. */
export const DRIVER_COLUMNS = `d.*,
  (select count(*)::int from id_token t where t.driver_id = d.driver_id) as token_count`;

export const toDriver = (r: DriverRow): Driver => ({
  driverId: r.driver_id,
  operatorId: r.operator_id,
  status: r.status,
  name: r.name,
  email: r.email,
  phone: r.phone,
  taxId: r.tax_id,
  language: r.language,
  groupId: r.group_id,
  userId: r.user_id,
  notes: r.notes,
  tokenCount: r.token_count,
  createdAt: isoOf(r.created_at),
  updatedAt: isoOf(r.updated_at),
  erasureRequestedAt: iso(r.erasure_requested_at),
  erasedAt: iso(r.erased_at),
  erasureFinishedAt: iso(r.erasure_finished_at),
});

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @param lock holds the row until the transaction ends. @throws ApiProblem 404. */
export async function readDriver(
  db: Queryable,
  operatorId: string,
  driverId: string,
  lock = false,
): Promise<DriverRow> {
  const { rows } = UUID.test(driverId)
    ? await db.query<DriverRow>(
        `select ${DRIVER_COLUMNS} from driver d where d.operator_id = $1 and d.driver_id = $2
         ${lock ? "for update" : ""}`,
        [operatorId, driverId],
      )
    : { rows: [] };
  if (rows[0] === undefined) throw notFound("driver", driverId);
  return rows[0];
}

/** The same, to be changed. @throws ApiProblem 404, 409 DRIVER_ERASED. */
export async function lockDriver(client: Client, operatorId: string, driverId: string): Promise<DriverRow> {
  const driver = await readDriver(client, operatorId, driverId, true);
  if (driver.status !== "erased") return driver;
  throw new ApiProblem(409, "DRIVER_ERASED", "this driver was erased: make a new one for a new person");
}

const COLUMNS = [
  ["name", "name"],
  ["status", "status"],
  ["email", "email"],
  ["phone", "phone"],
  ["taxId", "tax_id"],
  ["language", "language"],
  ["groupId", "group_id"],
  ["userId", "user_id"],
  ["notes", "notes"],
] as const satisfies readonly (readonly [keyof DriverPatch, string])[];

/** @throws ApiProblem 400 INVALID_TAX_ID. */
export function checkedTaxId(taxId: string): string {
  if (taxIdKind(taxId) !== undefined) return bareTaxId(taxId);
  throw new ApiProblem(400, "INVALID_TAX_ID", "this is no CPF and no CNPJ: its check digits do not fit");
}

const told = (body: NewDriver | DriverPatch): [string, unknown][] =>
  COLUMNS.flatMap(([field, column]): [string, unknown][] => {
    const value = (body as DriverPatch)[field];
    if (value === undefined) return [];
    return [[column, field === "taxId" && typeof value === "string" ? checkedTaxId(value) : value]];
  });

/** @throws ApiProblem 409 where another driver has it. */
const unlessTaken = (error: unknown) => {
  const { constraint } = error as { constraint?: string };
  const what = {
    driver_email: "e-mail address",
    driver_tax_id: "tax number",
    driver_user: "signed-in person",
  }[constraint ?? ""];
  if (what === undefined) throw error;
  throw new ApiProblem(409, "DRIVER_EXISTS", `another driver of this operator has this ${what}`);
};

/** @throws ApiProblem 400 UNKNOWN_USER: only somebody who belongs to the operator can be its driver. */
async function checkUser(client: Client, operatorId: string, userId: string | null | undefined) {
  if (userId === undefined || userId === null) return;
  const { rowCount } = await client.query("select from member where operator_id = $1 and user_id = $2", [
    ...[operatorId, userId],
  ]);
  if (rowCount === 0)
    throw new ApiProblem(400, "UNKNOWN_USER", "there is no such user here: invite them with the role driver");
}

export async function insertDriver(client: Client, operatorId: string, body: NewDriver): Promise<DriverRow> {
  await checkUser(client, operatorId, body.userId);
  const driverId = randomUUID();
  const fields: [string, unknown][] = [["driver_id", driverId], ["operator_id", operatorId], ...told(body)];
  await client
    .query(
      `insert into driver (${fields.map(([column]) => column).join(", ")})
       values (${fields.map((_, i) => `$${i + 1}`).join(", ")})`,
      fields.map(([, value]) => value),
    )
    .catch(unlessTaken);
  return readDriver(client, operatorId, driverId);
}

/** @returns whether sites have to hear of it. */
export async function updateDriver(client: Client, driver: DriverRow, patch: DriverPatch): Promise<boolean> {
  const { operator_id: operatorId, driver_id: driverId } = driver;
  await checkUser(client, operatorId, patch.userId);
  const fields = told(patch);
  const changes = fields.map(([column], i) => `${column} = $${i + 3}`);
  await client
    .query(
      `update driver set ${["version = version + 1", "updated_at = now()", ...changes].join(", ")}
       where operator_id = $1 and driver_id = $2`,
      [operatorId, driverId, ...fields.map(([, value]) => value)],
    )
    .catch(unlessTaken);
  if (patch.groupId !== undefined)
    await client.query(
      "update id_token set group_id = $3, updated_at = now() where operator_id = $1 and driver_id = $2",
      [operatorId, driverId, patch.groupId],
    );
  return patch.groupId !== undefined || (patch.status !== undefined && patch.status !== driver.status);
}

/** A driver's group, where it has one, becomes its token's. @throws ApiProblem 404, 409. */
export async function attachToken(client: Client, driver: DriverRow, idToken: string): Promise<void> {
  const where = "where operator_id = $1 and token_key = lower($2)";
  const { rows } = await client.query<{ driver_id: string | null }>(
    `select driver_id from id_token ${where} for update`,
    [driver.operator_id, idToken],
  );
  const [token] = rows;
  if (token === undefined) throw notFound("idToken", idToken);
  if (token.driver_id === driver.driver_id) return;
  if (token.driver_id !== null)
    throw new ApiProblem(
      409,
      "ID_TOKEN_TAKEN",
      `the idToken belongs to the driver ${token.driver_id}: detach it there`,
    );
  await client.query(
    `update id_token set driver_id = $3, driver_since = now(), group_id = coalesce($4, group_id),
       updated_at = now()
     ${where}`,
    [driver.operator_id, idToken, driver.driver_id, driver.group_id],
  );
}

/** What was charged with it so far stays the driver's. @throws ApiProblem 404. */
export async function detachToken(client: Client, driver: DriverRow, idToken: string): Promise<void> {
  const { rowCount } = await client.query(
    `update id_token set driver_id = null, driver_since = null, updated_at = now()
     where operator_id = $1 and token_key = lower($2) and driver_id = $3`,
    [driver.operator_id, idToken, driver.driver_id],
  );
  if (rowCount === 0) throw notFound("idToken of this driver", idToken);
}
