/**
 * Commands that go down to the ERs. Level-triggered: a NOTIFY makes it quick, the tick makes it sure.
 *
 * A command is sent again until its ER has accepted it or its time is up; the ER does the same commandId
 * once.
 */
import type { Command, FileTransfer } from "../../shared/command.ts";
import { given } from "../../shared/given.ts";
import { COMMAND_RESEND_MS } from "../../shared/limits.ts";
import type { Pool } from "../db/pool.ts";

type CommandRow = {
  er_id: string;
  command_id: string;
  identity: string;
  kind: string;
  params: Record<string, unknown>;
  transfer_token: string | null;
  firmware: { name: string; size: number; sha256: string } | null;
  issued_at: Date;
  expires_at: Date;
  remaining_ms: number;
};

/** What the ER needs to fetch the firmware of a command, or to bring the logs that it asks for. */
function transferOf(row: CommandRow, publicUrl: string): FileTransfer | undefined {
  const { command_id: commandId, transfer_token: token, params, firmware } = row;
  if (token === null) return undefined;
  const base = `${publicUrl}/er/v1/commands/${commandId}`;
  if (row.kind === "GetLog") {
    const { remoteLocation } = (params["log"] ?? {}) as { remoteLocation?: unknown };
    return remoteLocation === undefined ? { url: `${base}/uploads`, token } : undefined;
  }
  const { location, fileId } = (params["firmware"] ?? {}) as { location?: unknown; fileId?: unknown };
  if (location !== undefined || fileId === undefined) return undefined;
  return { url: `${base}/firmware`, token, ...firmware };
}

/**
 * Marks the commands that are due as sent and returns them by ER.
 * @param erId only this ER's, and all of its open ones (it has just said hello); otherwise those that are
 * due.
 * @param publicUrl where ERs reach the API: they fetch firmware and bring logs there.
 */
export async function takeDueCommands(
  pool: Pool,
  erId?: string,
  publicUrl = "http://127.0.0.1",
): Promise<Map<string, Command[]>> {
  const { rows } = await pool.query<CommandRow>(
    `with due as (
       select c.command_id from command c
       where c.status in ('pending', 'sent') and c.expires_at > now()
         and ($1::text is null or c.er_id = $1)
         and (c.after_policy is null
           or exists (select from er e where e.er_id = c.er_id and e.policy_version >= c.after_policy))
         and ($1::text is not null or c.sent_at is null or c.sent_at < now() - $2 * interval '1 millisecond')
       order by c.issued_at limit 200 for update skip locked
     )
     update command c set status = 'sent', sent_at = now(),
       transfer_token = case when c.kind in ('UpdateFirmware', 'GetLog') then coalesce(c.transfer_token,
         replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')) end
     from due, station s
     where c.command_id = due.command_id and s.station_id = c.station_id
     returning c.er_id, c.command_id, s.identity, c.kind, c.params, c.transfer_token, c.issued_at, c.expires_at,
       case when c.kind = 'UpdateFirmware' then (
         select json_build_object('name', f.name, 'size', f.size, 'sha256', f.sha256) from file f
         where f.operator_id = c.operator_id and f.file_id::text = lower(c.params->'firmware'->>'fileId')
           and f.kind = 'firmware' and f.completed_at is not null and f.deleted_at is null) end as firmware,
       greatest(0, extract(epoch from c.expires_at - now()) * 1000)::float8 as remaining_ms`,
    [erId ?? null, COMMAND_RESEND_MS],
  );
  const byEr = new Map<string, Command[]>();
  for (const row of rows) {
    const command = {
      commandId: row.command_id,
      stationId: row.identity,
      issuedAt: row.issued_at.getTime(),
      expiresAt: row.expires_at.getTime(),
      remainingMs: Math.trunc(row.remaining_ms),
      kind: row.kind,
      params: row.params,
      ...given("transfer", transferOf(row, publicUrl)),
    } as Command;
    const list = byEr.get(row.er_id) ?? [];
    list.push(command);
    byEr.set(row.er_id, list);
  }
  return byEr;
}

/** Commands that no ER has accepted in time. What an ER reports later still counts. @returns how many. */
export async function expireCommands(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `with expired as (
       update command set status = 'expired', finished_at = now(), reason = 'no ER accepted it in time',
         params = coalesce(masked_params, params), masked_params = null
       where status in ('pending', 'sent') and expires_at < now() - interval '5 seconds'
       returning command_id, site_id, operator_id, sent_at
     ), withdrawn as (
       -- Nobody can have told the station a password whose command was never sent.
       delete from station_password p using expired e
       where p.command_id = e.command_id and p.state = 'told' and e.sent_at is null returning e.site_id
     ), renewed as (
       update site set policy_version =
         greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
       where site_id in (select site_id from withdrawn) returning operator_id
     )
     select (select count(pg_notify('sg_policy', operator_id)) from renewed),
       pg_notify('sg_live', json_build_object('operatorId', operator_id, 'events', json_build_array(
       json_build_object('type', 'command', 'siteId', site_id, 'commandId', command_id)))::text) from expired`,
  );
  return rowCount ?? 0;
}
