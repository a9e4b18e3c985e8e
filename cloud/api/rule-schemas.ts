/**
 * The nouns of who may charge: idTokens and the rules of sites, as JSON Schema. Like `schemas.ts`, and no code
 * here either.
 */
import { Type, type Static, type TSchema } from "typebox";
import { RevocationRule, UnknownTokenCap, UnknownTokenRule } from "../../shared/policy.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Wh = Type.Integer();

/** How the site decides when it is alone. */
export const SiteRules = Type.Object(
  {
    unknownToken: UnknownTokenRule,
    unknownCap: UnknownTokenCap,
    revocation: RevocationRule,
    /** Current that a station may give when nobody governs it. */
    defaultLimitA: Nullable(Type.Integer({ minimum: 6, maximum: 500 })),
    /** Age of the cloud's last word from which the site's knowledge counts as stale, and as old. */
    staleAfterS: Type.Integer({ minimum: 60, maximum: 365 * 86_400 }),
    oldAfterS: Type.Integer({ minimum: 60, maximum: 365 * 86_400 }),
  },
  { $id: "SiteRules" },
);
export type SiteRules = Static<typeof SiteRules>;

export const SitePatch = Type.Partial(Type.Object(SiteRules.properties), {
  $id: "SitePatch",
  additionalProperties: false,
});
export type SitePatch = Static<typeof SitePatch>;

export const PolicyKey = Type.Object(
  {
    /** Ed25519, SPKI, base64: what an ER pins as `policy.public_key`. */
    publicKey: Type.String(),
  },
  { $id: "PolicyKey" },
);

export const IdTokenView = Type.Object(
  {
    idToken: Type.String(),
    operatorId: Type.String(),
    type: Nullable(Type.String()),
    status: Type.Union([Type.Literal("Accepted"), Type.Literal("Blocked")]),
    label: Nullable(Type.String()),
    groupId: Nullable(Type.String()),
    master: Type.Boolean(),
    expiresAt: Nullable(Time),
    /** Where it may charge; null: everywhere. Both count, where both are given. */
    siteIds: Nullable(Type.Array(Type.String())),
    stationIds: Nullable(Type.Array(Type.String())),
    /** Charges on although its site has not heard of the cloud for long. */
    trusted: Type.Boolean(),
    maxConcurrent: Nullable(Type.Integer()),
    /** Bound of one transaction that a site decides alone. */
    maxEnergyWh: Nullable(Wh),
    /** Whose it is. */
    driverId: Nullable(Type.String()),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: "IdToken" },
);
export type IdTokenView = Static<typeof IdTokenView>;

const SiteIds = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1_000 });
const StationIds = Type.Array(Type.String({ maxLength: 200 }), { maxItems: 200 });
const MaxConcurrent = Type.Integer({ minimum: 1, maximum: 100 });
const MaxEnergyWh = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });

export const NewIdToken = Type.Object(
  {
    idToken: Type.String({ minLength: 1, maxLength: 36 }),
    type: Type.Optional(Type.String({ maxLength: 20 })),
    label: Type.Optional(Type.String({ maxLength: 100 })),
    groupId: Type.Optional(Type.String({ minLength: 1, maxLength: 36 })),
    master: Type.Optional(Type.Boolean()),
    expiresAt: Type.Optional(Time),
    siteIds: Type.Optional(SiteIds),
    stationIds: Type.Optional(StationIds),
    trusted: Type.Optional(Type.Boolean()),
    maxConcurrent: Type.Optional(MaxConcurrent),
    maxEnergyWh: Type.Optional(MaxEnergyWh),
  },
  { $id: "NewIdToken", additionalProperties: false },
);
export type NewIdToken = Static<typeof NewIdToken>;

export const IdTokenPatch = Type.Object(
  {
    status: Type.Optional(Type.Union([Type.Literal("Accepted"), Type.Literal("Blocked")])),
    label: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
    groupId: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 36 }))),
    master: Type.Optional(Type.Boolean()),
    expiresAt: Type.Optional(Nullable(Time)),
    siteIds: Type.Optional(Nullable(SiteIds)),
    stationIds: Type.Optional(Nullable(StationIds)),
    trusted: Type.Optional(Type.Boolean()),
    maxConcurrent: Type.Optional(Nullable(MaxConcurrent)),
    maxEnergyWh: Type.Optional(Nullable(MaxEnergyWh)),
  },
  { $id: "IdTokenPatch", additionalProperties: false },
);
export type IdTokenPatch = Static<typeof IdTokenPatch>;
