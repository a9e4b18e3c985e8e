/**
 * Passwords of stations: set here, told to the station where that is wanted.
 *
 * Only slow hashes are kept. A password that the station is being told counts beside those before it until it has
 * shown it, or has refused it (`ingest/control-sql.ts`): nothing that goes wrong on the way locks a station out.
 */
import type { Protocol } from "../../shared/entry.ts";
import { STATION_PASSWORDS_MAX } from "../../shared/limits.ts";
import { hashPassword, passwordMark } from "../../shared/password.ts";
import type { Client, Queryable } from "../db/pool.ts";
import type { Actor } from "./actor.ts";
import type { NewPassword, StationPassword } from "./control-schemas.ts";
import { iso } from "./page.ts";
import { findOrCreate, findStation, tellSite, type Place } from "./prepare-station.ts";
import { ApiProblem } from "./problem.ts";
import { insertCommand } from "./routes/commands.ts";
import type { NewCommand } from "./schemas.ts";
import { notifyLive } from "./write.ts";

/** What the standards allow: 16 to 20 bytes (OCPP 1.6, in hex), 16 to 40 characters (2.x). */
const LENGTHS = { "ocpp1.6": [16, 20], "2.x": [16, 40] } as const;

/** @throws ApiProblem 400 PASSWORD_LENGTH. */
function checkLength(password: string, protocol: Protocol): void {
  const is16 = protocol === "ocpp1.6";
  const [min, max] = LENGTHS[is16 ? "ocpp1.6" : "2.x"];
  const length = is16 ? Buffer.byteLength(password) : password.length;
  if (length >= min && length <= max) return;
  const unit = is16 ? "bytes" : "characters";
  const detail = `a station that speaks ${protocol} can be told a password of ${min} to ${max} ${unit}`;
  throw new ApiProblem(400, "PASSWORD_LENGTH", detail, [{ pointer: "/body/password", message: detail }]);
}

function tellingCommand(password: string, protocol: Protocol): NewCommand {
  if (protocol === "ocpp1.6") {
    const value = Buffer.from(password).toString("hex");
    return { kind: "ChangeConfiguration", params: { key: "AuthorizationKey", value } };
  }
  const component = { name: "SecurityCtrlr" };
  const variable = { name: "BasicAuthPassword" };
  const setVariableData = [{ component, variable, attributeValue: password }];
  return { kind: "SetVariables", params: { setVariableData } };
}

async function readPassword(db: Queryable, { stationId }: Place): Promise<StationPassword> {
  const { rows } = await db.query<{ state: "current" | "told"; set_at: Date; command_id: string | null }>(
    "select state, set_at, command_id from station_password where station_id = $1 order by set_at desc limit 1",
    [stationId],
  );
  const [row] = rows;
  const state = row === undefined ? "configured" : row.state === "current" ? "set" : "changing";
  return { stationId, state, setAt: iso(row?.set_at ?? null), commandId: row?.command_id ?? null };
}

export async function stationPassword(
  client: Client,
  actor: Actor,
  stationId: string,
): Promise<StationPassword> {
  return readPassword(client, await findStation(client, actor, stationId));
}

/** A password with its hash, which takes a while to make. */
export type Hashed = NewPassword & { hash: string };
export const hashed = async (body: NewPassword): Promise<Hashed> => ({
  ...body,
  hash: await hashPassword(Buffer.from(body.password)),
});

/** @throws ApiProblem 400, 404, 409. */
export async function setPassword(
  client: Client,
  actor: Actor,
  stationId: string,
  { hash, password, siteId, tellStation = false }: Hashed,
): Promise<StationPassword> {
  const place = tellStation
    ? await findStation(client, actor, stationId)
    : await findOrCreate(client, actor, stationId, siteId);
  await lockStation(client, place);
  const insert =
    "insert into station_password (station_id, mark, operator_id, hash, state) values ($1, $2, $3, $4, $5)";
  const values = [place.stationId, passwordMark(hash), actor.operatorId, hash];
  if (!tellStation) {
    await recallCommands(client, actor, place);
    await client.query("delete from station_password where station_id = $1", [place.stationId]);
    await client.query(insert, [...values, "current"]);
    await tellSite(client, actor, place);
    return readPassword(client, place);
  }
  await checkRoom(client, place);
  const protocol = place.protocol as Protocol | null;
  if (protocol === null) {
    const reason = "the station has never connected: set its password there, and here without tellStation";
    throw new ApiProblem(409, "PROTOCOL_UNKNOWN", reason);
  }
  checkLength(password, protocol);
  await client.query(insert, [...values, "told"]);
  // Told only when its ER can check it: a station connects anew at once.
  const afterPolicy = await tellSite(client, actor, place);
  const command = await insertCommand(client, actor, place.stationId, tellingCommand(password, protocol), {
    afterPolicy,
  });
  await client.query("update station_password set command_id = $3 where station_id = $1 and mark = $2", [
    ...[place.stationId, passwordMark(hash), command.command_id],
  ]);
  return readPassword(client, place);
}

/** One change of a station's passwords at a time: what counts them must not be overtaken. */
const lockStation = async (client: Client, { stationId }: Place) =>
  void (await client.query("select from station where station_id = $1 for no key update", [stationId]));

/** A station that was not told a password yet must not be told it when another one counts. */
async function recallCommands(client: Client, actor: Actor, { stationId, siteId }: Place): Promise<void> {
  const { rows } = await client.query<{ command_id: string }>(
    `update command set status = 'superseded', finished_at = now(), reason = 'another password was set meanwhile',
       params = coalesce(masked_params, params), masked_params = null
     where status = 'pending' and command_id in (select command_id from station_password where station_id = $1)
     returning command_id`,
    [stationId],
  );
  for (const { command_id: commandId } of rows)
    await notifyLive(client, actor.operatorId, [{ type: "command", siteId, commandId }]);
}

/** @throws ApiProblem 409 when the station was told several that it has not shown. */
async function checkRoom(client: Client, { stationId }: Place): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    "select count(*)::int as count from station_password where station_id = $1",
    [stationId],
  );
  if ((rows[0]?.count ?? 0) < STATION_PASSWORDS_MAX) return;
  throw new ApiProblem(
    409,
    "PASSWORD_CHANGING",
    "the station was told several passwords and has shown none: set the one it has, without tellStation",
  );
}

/** From now on the password in its ER's configuration counts. @throws ApiProblem 404. */
export async function forgetPassword(
  client: Client,
  actor: Actor,
  stationId: string,
): Promise<StationPassword> {
  const place = await findStation(client, actor, stationId);
  await lockStation(client, place);
  await recallCommands(client, actor, place);
  await client.query("delete from station_password where station_id = $1", [place.stationId]);
  await tellSite(client, actor, place);
  return readPassword(client, place);
}
