/**
 * What somebody may give to others: roles, sites, time. Used wherever a membership or a key is made or changed.
 *
 * Invariants: nobody gives more than they have, and nobody changes who has more than they do; owners are made
 * and changed by owners, and are so for all sites and for good.
 */
import { mayGrant, type Role, type SiteScope } from "../core/access.ts";
import type { Client } from "../db/pool.ts";
import type { Actor } from "./actor.ts";
import { ApiProblem } from "./problem.ts";

export type Grant = {
  role: Role;
  siteIds: SiteScope;
  expiresAt: Date | null;
  only?: readonly string[] | null;
};

/** @throws ApiProblem 403 GRANT_TOO_WIDE. */
export function checkGrant(actor: Actor, given: Grant): void {
  if (mayGrant(actor, given)) return;
  throw new ApiProblem(
    403,
    "GRANT_TOO_WIDE",
    given.role === "owner"
      ? "only an owner makes or changes owners"
      : `"${actor.name}" (${actor.role}) may not give or change the role ${given.role} for these sites: it may more`,
  );
}

/**
 * Whether it ends no later than whoever gives it: else a membership for a week would make itself a key for
 * ever. What is a driver's own is not the giver's.
 */
export const endsInTime = (giver: Pick<Actor, "expiresAt">, { role, expiresAt }: Grant): boolean =>
  giver.expiresAt === null || role === "driver" || (expiresAt !== null && expiresAt <= giver.expiresAt);

/** @throws ApiProblem 403 GRANT_TOO_WIDE. */
export function checkEnd(actor: Actor, given: Grant): void {
  if (endsInTime(actor, given)) return;
  const end = actor.expiresAt?.toISOString();
  throw new ApiProblem(
    403,
    "GRANT_TOO_WIDE",
    `what "${actor.name}" gives ends when its own time does: say expiresAt, ${end} or earlier`,
  );
}

/** @throws ApiProblem 400: what makes no sense, whoever gives it. */
export function checkMembership({ role, siteIds, expiresAt }: Grant): void {
  if (expiresAt !== null && expiresAt.getTime() <= Date.now())
    throw new ApiProblem(400, "EXPIRED", "expiresAt is in the past");
  if (role === "owner" && (siteIds !== null || expiresAt !== null))
    throw new ApiProblem(400, "OWNER_LIMITED", "an owner is one for all sites and without an end");
  if (role === "driver" && siteIds !== null)
    throw new ApiProblem(400, "DRIVER_LIMITED", "what is a driver's own is at every site: leave siteIds out");
}

/** @throws ApiProblem 400 UNKNOWN_SITE: a scope that names what does not exist would shut out without a word. */
export async function checkSites(client: Client, actor: Actor, siteIds: SiteScope): Promise<void> {
  if (siteIds === null) return;
  const { rows } = await client.query<{ id: string }>(
    `select id from unnest($2::text[]) id
     where not exists (select from site s where s.operator_id = $1 and s.site_id = id) limit 1`,
    [actor.operatorId, siteIds],
  );
  if (rows[0] !== undefined) throw new ApiProblem(400, "UNKNOWN_SITE", `there is no site "${rows[0].id}"`);
}
