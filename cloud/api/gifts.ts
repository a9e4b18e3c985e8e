/**
 * What somebody gave while they could: keys and open invitations, theirs and those given with keys that they
 * gave. It ends when whoever gave it could not give it any more: a person who goes or may less, a key that is
 * revoked. Memberships that were accepted are people's own and stay.
 */
import { mayGrant, permissionsOf, type Role } from "../core/access.ts";
import type { Client } from "../db/pool.ts";
import type { Actor } from "./actor.ts";
import { endsInTime, type Grant } from "./grant.ts";
import { notifyChanged } from "./write.ts";

type Gift = { role: Role; site_ids: string[] | null; expires_at: Date | null };
type KeyRow = Gift & { key_id: string; permissions: string[] | null };
type InvitationRow = Gift & { invitation_id: string };

/** Who gives, and the keys that they gave, and the keys that were given with those. */
const GIVERS = `with recursive giver(id) as (
  select $2::text
  union
  select 'key:' || k.key_id from giver g join api_key k on k.operator_id = $1 and k.created_by = g.id)`;

/**
 * Ends what could not be given any more; all copies hear that the giver may less, and the keys nothing.
 * @param giverId `user:…` or `key:…`, as an actor's id. @param left what they are now; undefined: nothing.
 */
export async function endGifts(
  client: Client,
  actor: Actor,
  giverId: string,
  left: Grant | undefined,
): Promise<{ keysRevoked: number; invitationsRevoked: number }> {
  const giver = left && { ...left, permissions: permissionsOf(left.role, left.siteIds) };
  const tooMuch = (r: Gift & { permissions?: string[] | null }) =>
    giver === undefined ||
    !giver.permissions.has("permissions" in r ? "keys:write" : "users:write") ||
    !endsInTime(giver, { role: r.role, siteIds: r.site_ids, expiresAt: r.expires_at }) ||
    !mayGrant(giver, { role: r.role, siteIds: r.site_ids, only: r.permissions ?? null });
  const params = [actor.operatorId, giverId];
  const keys = await client.query<KeyRow>(
    `${GIVERS} select key_id, role, permissions, site_ids, expires_at from api_key
     where operator_id = $1 and created_by in (select id from giver) and revoked_at is null for update`,
    params,
  );
  const keyIds = keys.rows.filter(tooMuch).map((r) => r.key_id);
  const invitations = await client.query<InvitationRow>(
    `${GIVERS} select invitation_id, role, site_ids, member_expires_at as expires_at from invitation
     where operator_id = $1 and created_by in (select id from giver) and accepted_at is null
       and revoked_at is null for update`,
    params,
  );
  const invitationIds = invitations.rows.filter(tooMuch).map((r) => r.invitation_id);
  await client.query(
    "update api_key set revoked_at = now() where operator_id = $1 and key_id = any ($2::uuid[])",
    [actor.operatorId, keyIds],
  );
  const gone = keyIds.map((id) => `key:${id}`);
  await notifyChanged(client, actor.operatorId, [giverId, ...gone]);
  await client.query(
    "update invitation set revoked_at = now() where operator_id = $1 and invitation_id = any ($2::uuid[])",
    [actor.operatorId, invitationIds],
  );
  return { keysRevoked: keyIds.length, invitationsRevoked: invitationIds.length };
}
