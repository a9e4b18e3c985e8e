/**
 * Rows → the policy of a site: which of the operator's tokens may charge there, under which bounds.
 *
 * Pure. A token whose scope leaves the site out stands in its policy with no station at all, so that it is
 * refused as out of scope and not treated as unknown.
 */
import { given } from "../../shared/given.ts";
import { tokenHash, type Policy, type PolicyToken } from "../../shared/policy.ts";

export type TokenRow = {
  id_token: string;
  status: "Accepted" | "Blocked";
  group_id: string | null;
  master: boolean;
  expires_at: Date | null;
  site_ids: string[] | null;
  station_ids: string[] | null;
  trusted: boolean;
  max_concurrent: number | null;
  max_energy_wh: number | null;
};

export type SiteRules = {
  site_id: string;
  policy_version: number;
  unknown_token: Policy["unknownToken"];
  unknown_cap: Policy["unknownCap"];
  revocation: Policy["revocation"];
  default_limit_a: number | null;
  stale_after_s: number;
  old_after_s: number;
  policy_salt: string;
};

/**
 * Stations of the site where the token may charge, by their own names; undefined: the whole site.
 * @param identities station id → what the station calls itself, for the stations of this site.
 */
function scopeAt(
  row: Pick<TokenRow, "site_ids" | "station_ids">,
  siteId: string,
  identities: ReadonlyMap<string, string>,
): string[] | undefined {
  if (row.site_ids !== null && !row.site_ids.includes(siteId)) return [];
  if (row.station_ids === null) return undefined;
  return row.station_ids.map((id) => identities.get(id)).filter((identity) => identity !== undefined);
}

/** What the rule (`shared/decide/authorize.ts`) knows of a token at one site. */
export function tokenAt(
  row: TokenRow,
  siteId: string,
  identities: ReadonlyMap<string, string>,
): Omit<PolicyToken, "hash"> {
  return {
    status: row.status,
    ...given("groupId", row.group_id ?? undefined),
    ...given("expiresAt", row.expires_at?.getTime()),
    ...(row.master ? { master: true } : {}),
    ...given("stations", scopeAt(row, siteId, identities)),
    ...(row.trusted ? { trusted: true } : {}),
    ...given("maxConcurrent", row.max_concurrent ?? undefined),
    ...given("maxEnergyWh", row.max_energy_wh ?? undefined),
  };
}

/** A policy token, named by its hash with the site's salt. */
export const policyTokenAt = (
  row: TokenRow,
  site: Pick<SiteRules, "site_id" | "policy_salt">,
  identities: ReadonlyMap<string, string>,
): PolicyToken => ({
  hash: tokenHash(site.policy_salt, row.id_token),
  ...tokenAt(row, site.site_id, identities),
});

/** The document around the tokens. */
export function policyOf(
  site: SiteRules,
  tokens: PolicyToken[],
  recent: Policy["recent"],
  issuedAt: number,
): Policy {
  return {
    v: 2,
    siteId: site.site_id,
    version: site.policy_version,
    issuedAt,
    salt: site.policy_salt,
    unknownToken: site.unknown_token,
    unknownCap: site.unknown_cap,
    revocation: site.revocation,
    staleAfterS: site.stale_after_s,
    oldAfterS: site.old_after_s,
    ...given("defaultLimitA", site.default_limit_a ?? undefined),
    tokens,
    recent,
  };
}
