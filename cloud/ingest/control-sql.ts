/**
 * Registrations, passwords, reservations and local lists in PostgreSQL: what a batch says of them.
 *
 * Where it changes what a site's ER must know, the site gets a new policy in the same transaction.
 */
import type { Changes, LocalListChange } from "../core/changes.ts";
import type { Client } from "../db/pool.ts";
import { toJson, type Origin } from "./apply.ts";

const ms = (column: string) => `to_timestamp(${column} / 1000.0)`;

/** A password that was shown is the station's from now on: those that were set before it count no more. */
const PASSWORDS_SHOWN = `
  with shown as (
    select distinct on (p.station_id) p.station_id, p.mark, p.set_at
    from json_to_recordset($1::json) as r(station_id text, mark text) join station_password p using (station_id, mark)
    order by p.station_id, p.set_at desc, p.mark desc
  ), gone as (
    delete from station_password p using shown s
    where p.station_id = s.station_id and (p.set_at, p.mark) < (s.set_at, s.mark) returning p.station_id
  ), kept as (
    update station_password p set state = 'current' from shown s
    where p.station_id = s.station_id and p.mark = s.mark and p.state = 'told' returning p.station_id
  )
  select station_id from gone union select station_id from kept`;

/** The station did not take it. Of a call without an answer nobody knows: then it goes on counting. */
const PASSWORDS_REFUSED = `
  delete from station_password p using command c
  where p.state = 'told' and p.command_id = any($1::uuid[]) and c.command_id = p.command_id and c.er_id = $2
  returning p.station_id`;

const BUMP = `
  update site set policy_version = greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
  where site_id in (select site_id from station where station_id = any($1)) returning operator_id`;

/** Commands that wait for this policy may go. */
const AFTER_POLICY = `
  select pg_notify('sg_command', $1) where exists (
    select from command where er_id = $1 and status = 'pending' and after_policy <= $2)`;

/** What was used was used, whatever else was said. */
const RESERVATIONS = `
  update reservation v set fact = r.fact, fact_at = ${ms("r.at")},
    transaction_id = coalesce(r.transaction_id, v.transaction_id)
  from json_to_recordset($1::json) as r(station_id text, reservation_id integer, fact text, at float8,
    transaction_id uuid)
  where v.station_id = r.station_id and v.reservation_id = r.reservation_id and v.operator_id = $2
    and (v.fact is null or (r.fact = 'used' and v.fact <> 'used'))`;

const LISTS_KNOWN = `
  insert into station_local_list (station_id, operator_id)
  select distinct r.station_id, $2 from json_to_recordset($1::json) as r(station_id text)
  on conflict do nothing`;

const LISTS = `
  update station_local_list l set
    entries = case r.entries
      when 'replace' then r.added
      when 'change' then (l.entries - coalesce(r.removed, '{}')) || r.added
      when 'check' then case when l.version = r.version then l.entries end
      else l.entries end,
    version = coalesce(r.version, l.version),
    checked_at = coalesce(${ms("r.checked_at")}, l.checked_at),
    updated_at = coalesce(${ms("r.updated_at")}, l.updated_at),
    last_result = coalesce(r.last_result, l.last_result),
    last_result_at = coalesce(${ms("r.last_result_at")}, l.last_result_at)
  from json_to_recordset($1::json) as r(station_id text, version integer, entries text, added jsonb, removed text[],
    checked_at float8, updated_at float8, last_result text, last_result_at float8)
  where l.station_id = r.station_id`;

/** The n-th word on each list: a statement takes one of each. */
function rounds(lists: readonly LocalListChange[]): LocalListChange[][] {
  const counts = new Map<string, number>();
  const made: LocalListChange[][] = [];
  for (const list of lists) {
    const n = counts.get(list.station_id) ?? 0;
    counts.set(list.station_id, n + 1);
    (made[n] ??= []).push(list);
  }
  return made;
}

async function applyPasswords(client: Client, changes: Changes, erId: string): Promise<void> {
  const stationIds: string[] = [];
  const shown = [...changes.passwordsShown].flatMap(([station_id, marks]) =>
    [...marks].map((mark) => ({ station_id, mark })),
  );
  if (shown.length > 0) {
    const { rows } = await client.query<{ station_id: string }>(PASSWORDS_SHOWN, [toJson(shown)]);
    stationIds.push(...rows.map((row) => row.station_id));
  }
  const refused = [...changes.commands.values()].filter(({ status = "" }) =>
    /^(rejected|failed)$/.test(status),
  );
  if (refused.length > 0) {
    const { rows } = await client.query<{ station_id: string }>(PASSWORDS_REFUSED, [
      refused.map((command) => command.command_id),
      erId,
    ]);
    stationIds.push(...rows.map((row) => row.station_id));
  }
  if (stationIds.length === 0) return;
  const { rows } = await client.query<{ operator_id: string }>(BUMP, [stationIds]);
  for (const operatorId of new Set(rows.map((row) => row.operator_id)))
    await client.query("select pg_notify('sg_policy', $1)", [operatorId]);
}

export async function applyControl(client: Client, changes: Changes, origin: Origin): Promise<void> {
  await applyPasswords(client, changes, origin.erId);
  const { policy_version: version } = changes.er;
  if (version !== undefined) await client.query(AFTER_POLICY, [origin.erId, version]);
  const reservations = [...changes.reservations.values()];
  if (reservations.length > 0) await client.query(RESERVATIONS, [toJson(reservations), origin.operatorId]);
  if (changes.lists.length === 0) return;
  await client.query(LISTS_KNOWN, [toJson(changes.lists), origin.operatorId]);
  for (const round of rounds(changes.lists)) await client.query(LISTS, [toJson(round)]);
}
