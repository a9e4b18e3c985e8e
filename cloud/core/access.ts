/**
 * Who may do what: permissions, the roles that bundle them, and what a site scope leaves of them.
 *
 * Default deny: what no list names is refused. A member or an API key has one role and a scope: the whole
 * operator, or named sites. What is the operator's and no site's (people, keys, money, tokens, …) is out of
 * reach of everybody whose scope is named sites: there is no part of it that would be theirs.
 *
 * Pure. The API asks at every request (`api/actor.ts`); PostgreSQL keeps rows apart besides
 * (`db/tenant.ts`).
 */

export const PERMISSIONS = [
  "operator:write",
  "users:read",
  "users:write",
  "keys:read",
  "keys:write",
  "audit:read",
  "sites:read",
  "sites:write",
  "ers:read",
  "stations:read",
  "stations:write",
  /** Unlock a connector, reset a station: what helps a driver on the phone. */
  "commands:support",
  "commands:send",
  /** Any message of OCPP, as it is. */
  "commands:expert",
  "transactions:read",
  "reviews:write",
  "meters:read",
  "files:read",
  "files:write",
  "templates:read",
  "templates:write",
  "id-tokens:read",
  "id-tokens:write",
  "drivers:read",
  "drivers:write",
  "tariffs:read",
  "tariffs:write",
  "money:read",
  "money:write",
  "payments:read",
  "payments:write",
  "alarms:read",
  "alarms:write",
  "alarm-rules:write",
  "webhooks:read",
  "webhooks:write",
  "exports:read",
  "exports:write",
  "reports:read",
  /** Whether and to whom mails go; never what they say. */
  "mails:read",
  "mails:write",
  /** What is a driver's own: transactions, receipts, tokens. */
  "own:read",
  /** What a driver wishes for itself: to be erased. */
  "own:write",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const ROLE_NAMES = [
  "owner",
  "admin",
  "operations",
  "billing",
  "support",
  "site-host",
  "installer",
  "driver",
] as const;
export type Role = (typeof ROLE_NAMES)[number];

const STAFF = PERMISSIONS.filter((permission) => !permission.startsWith("own:"));

const SEES_SITES = ["sites:read", "ers:read", "stations:read", "meters:read"] as const;

export const ROLES: Readonly<Record<Role, readonly Permission[]>> = {
  owner: STAFF,
  admin: STAFF.filter((permission) => permission !== "operator:write"),
  operations: [
    ...SEES_SITES,
    ...["sites:write", "stations:write", "commands:support", "commands:send", "commands:expert"],
    ...[
      "transactions:read",
      "reviews:write",
      "files:read",
      "files:write",
      "templates:read",
      "templates:write",
    ],
    ...["id-tokens:read", "id-tokens:write", "drivers:read", "tariffs:read"],
    ...["alarms:read", "alarms:write", "alarm-rules:write", "webhooks:read"],
    ...["exports:read", "exports:write", "reports:read"],
  ] as Permission[],
  billing: [
    ...["sites:read", "stations:read", "transactions:read", "reviews:write", "id-tokens:read"],
    ...["drivers:read", "drivers:write", "tariffs:read", "tariffs:write", "money:read", "money:write"],
    ...["payments:read", "payments:write", "audit:read", "exports:read", "exports:write", "reports:read"],
  ] as Permission[],
  support: [
    ...SEES_SITES,
    ...["transactions:read", "id-tokens:read", "drivers:read", "tariffs:read", "payments:read"],
    ...["alarms:read", "files:read", "templates:read", "reports:read", "commands:support"],
  ] as Permission[],
  "site-host": [
    ...SEES_SITES,
    ...["transactions:read", "tariffs:read", "alarms:read", "alarms:write", "reports:read"],
    "commands:support",
  ] as Permission[],
  installer: [
    ...SEES_SITES,
    ...["stations:write", "templates:read", "files:read", "alarms:read", "commands:support", "commands:send"],
  ] as Permission[],
  driver: ["own:read", "own:write"],
};

/** What sending a command takes. Unlocking and resetting help a driver on the phone; everything else takes more. */
export function permissionOfCommand(kind: string): Permission {
  if (kind === "Call") return "commands:expert";
  return kind === "UnlockConnector" || kind === "Reset" ? "commands:support" : "commands:send";
}

/** What is no site's: out of reach of a scope of named sites. */
const OPERATOR_WIDE: ReadonlySet<Permission> = new Set([
  ...(["operator:write", "users:read", "users:write", "keys:read", "keys:write", "audit:read"] as const),
  ...(["files:write", "templates:write", "id-tokens:read", "id-tokens:write"] as const),
  ...(["drivers:read", "drivers:write", "tariffs:write", "money:read", "money:write"] as const),
  ...(["payments:write", "alarm-rules:write", "webhooks:read", "webhooks:write"] as const),
  ...(["exports:read", "exports:write", "mails:read", "mails:write"] as const),
]);

/** `null`: all sites of the operator. */
export type SiteScope = readonly string[] | null;

/**
 * What a role may do in a scope.
 * @param only an API key's own list: it never widens what the role may.
 */
export function permissionsOf(
  role: Role,
  siteIds: SiteScope,
  only: readonly string[] | null = null,
): ReadonlySet<Permission> {
  return new Set(
    ROLES[role].filter(
      (permission) =>
        (siteIds === null || !OPERATOR_WIDE.has(permission)) && (only === null || only.includes(permission)),
    ),
  );
}

/** Whether a scope holds every site of another. */
export const holdsScope = (outer: SiteScope, inner: SiteScope): boolean =>
  outer === null || (inner !== null && inner.every((siteId) => outer.includes(siteId)));

/**
 * Whether somebody may give a role in a scope: never more than they may themselves, and owners are made by
 * owners alone.
 */
export function mayGrant(
  giver: { role: Role; siteIds: SiteScope; permissions: ReadonlySet<Permission> },
  given: { role: Role; siteIds: SiteScope; only?: readonly string[] | null },
): boolean {
  if (given.role === "owner" && giver.role !== "owner") return false;
  // A driver's own things are nobody else's: whoever manages people may make drivers.
  if (given.role === "driver") return giver.permissions.has("users:write");
  if (!holdsScope(giver.siteIds, given.siteIds)) return false;
  return [...permissionsOf(given.role, given.siteIds, given.only ?? null)].every((permission) =>
    giver.permissions.has(permission),
  );
}
