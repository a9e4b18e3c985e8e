/**
 * What commands make: a ReserveNow makes a reservation, a SetChargingProfile a profile, whoever orders it and
 * however. What becomes of them is read from the commands (views `reservation_state`, `charging_profile_state`).
 */
import type { CommandKind } from "../../shared/command.ts";
import type { Client } from "../db/pool.ts";
import { takeOwnId } from "./own-ids.ts";
import type { CommandRow } from "./routes/commands.ts";

type Fields = Record<string, unknown>;

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The parameters with the ids that are ours to give. */
export async function withOwnIds(client: Client, kind: CommandKind, params: Fields): Promise<Fields> {
  if (kind !== "ReserveNow" || params["id"] !== undefined) return params;
  return { ...params, id: await takeOwnId(client, "reservation") };
}

/** Objects of a command that was just taken. */
export async function keepObjects(client: Client, row: CommandRow): Promise<void> {
  switch (row.kind as CommandKind) {
    case "ReserveNow":
      return keepReservation(client, row);
    case "CancelReservation":
      return void (await client.query(
        "update reservation set cancel_command_id = $3 where station_id = $1 and reservation_id = $2",
        [row.station_id, row.params["reservationId"], row.command_id],
      ));
    case "SetChargingProfile":
      return keepProfile(client, row);
    case "ClearChargingProfile":
      return markCleared(client, row);
    default:
  }
}

type Token = { idToken: string; type?: string };

/** The same id again replaces what it named before, as it does in the station. */
async function keepReservation(client: Client, { params, ...row }: CommandRow): Promise<void> {
  const { id, evseId, connectorType, expiryDateTime } = params;
  const { idToken, type } = params["idToken"] as Token;
  const group = params["groupIdToken"] as Token | undefined;
  await client.query(
    `insert into reservation (station_id, reservation_id, operator_id, site_id, evse_id, connector_type, id_token,
       id_token_type, group_id, expires_at, issued_by, command_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (station_id, reservation_id) do update set
       evse_id = excluded.evse_id, connector_type = excluded.connector_type, id_token = excluded.id_token,
       id_token_type = excluded.id_token_type, group_id = excluded.group_id, expires_at = excluded.expires_at,
       issued_by = excluded.issued_by, created_at = now(), command_id = excluded.command_id,
       cancel_command_id = null, fact = null, fact_at = null, transaction_id = null`,
    [
      ...[row.station_id, id, row.operator_id, row.site_id],
      ...[evseId === 0 ? null : evseId, connectorType, idToken, type, group?.idToken],
      ...[expiryDateTime, row.issued_by, row.command_id],
    ],
  );
}

async function keepProfile(client: Client, { params, ...row }: CommandRow): Promise<void> {
  const profile = params["chargingProfile"] as Fields;
  const { id, chargingProfilePurpose, stackLevel, transactionId } = profile;
  const ours = typeof transactionId === "string" && UUID.test(transactionId) ? transactionId : null;
  await client.query(
    `insert into charging_profile (station_id, profile_id, operator_id, site_id, evse_id, purpose, stack_level,
       transaction_id, profile, issued_by, command_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (station_id, profile_id) do update set
       evse_id = excluded.evse_id, purpose = excluded.purpose, stack_level = excluded.stack_level,
       transaction_id = excluded.transaction_id, profile = excluded.profile, issued_by = excluded.issued_by,
       updated_at = now(), command_id = excluded.command_id, clear_command_id = null`,
    [
      ...[
        row.station_id,
        id,
        row.operator_id,
        row.site_id,
        params["evseId"],
        chargingProfilePurpose,
        stackLevel,
      ],
      ...[ours, JSON.stringify(profile), row.issued_by, row.command_id],
    ],
  );
}

/** Which profiles it clears: by their id, or by what they are. What is cleared already stays so. */
async function markCleared(client: Client, { params, ...row }: CommandRow): Promise<void> {
  const criteria = (params["chargingProfileCriteria"] ?? {}) as Fields;
  await client.query(
    `update charging_profile p set clear_command_id = $2
     where p.station_id = $1 and ($3::integer is null or p.profile_id = $3)
       and ($4::integer is null or p.evse_id = $4) and ($5::text is null or p.purpose = $5)
       and ($6::integer is null or p.stack_level = $6)
       and not exists (select from command x where x.command_id = p.clear_command_id and x.status = 'succeeded')`,
    [
      ...[row.station_id, row.command_id, params["chargingProfileId"] ?? null, criteria["evseId"] ?? null],
      ...[criteria["chargingProfilePurpose"] ?? null, criteria["stackLevel"] ?? null],
    ],
  );
}
