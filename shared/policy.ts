/**
 * The policy: what a site needs to know to decide alone. One document per site, replaced whole, versioned,
 * signed by the SG.
 *
 * It is data, not code: `decide/` applies it, the same functions at the site and in the cloud. Tokens stand in
 * it as salted hashes: a stolen box gives away no list of cards. Only the few that were used at the site are
 * named, because stations keep them in lists of their own.
 */
import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { Type, type Static } from "typebox";
import { AppError } from "./errors.ts";
import { StationId, TopicId } from "./ids.ts";
import { POLICY_STATIONS_MAX, STATION_PASSWORDS_MAX, TEMPLATES_MAX } from "./limits.ts";
import { PASSWORD_HASH_PATTERN } from "./password.ts";
import { OneOf } from "./schema.ts";
import { PolicyTariffs } from "./tariff.ts";
import { Template } from "./template.ts";

/** Tokens are compared without regard to case (OCPP 1.6 CiString, 2.0.1 identifierString). */
export const tokenKey = (idToken: string): string => idToken.toLowerCase();

/** How a token is named in a policy: 16 bytes of SHA-256(salt, token), base64url, 22 characters. */
export function tokenHash(salt: string, idToken: string): string {
  return createHash("sha256")
    .update(`${salt}:${tokenKey(idToken)}`)
    .digest()
    .subarray(0, 16)
    .toString("base64url");
}

export const POLICY_TOKENS_MAX = 100_000;

const Short = Type.String({ minLength: 1, maxLength: 36 });

export const PolicyToken = Type.Object({
  hash: Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" }),
  status: OneOf(["Accepted", "Blocked"]),
  expiresAt: Type.Optional(
    Type.Integer({ description: "Unix milliseconds; the token is valid up to and including it" }),
  ),
  groupId: Type.Optional(Short),
  /** May stop every transaction of the site, may start none. */
  master: Type.Optional(Type.Boolean()),
  /** Stations where it may charge; absent: the whole site; empty: nowhere here. */
  stations: Type.Optional(Type.Array(StationId, { maxItems: 200 })),
  /** Charges on although the policy has become old. */
  trusted: Type.Optional(Type.Boolean()),
  /** Transactions of this token that may run at once at the site. */
  maxConcurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  /** Bound of one transaction that the site decides alone. */
  maxEnergyWh: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type PolicyToken = Static<typeof PolicyToken>;

/** What is wanted of one station, so that it holds while the cloud is away and after a restart. */
export const PolicyStation = Type.Object({
  stationId: StationId,
  /** It is held: answered so when it boots, and nobody may start there. */
  registration: Type.Optional(OneOf(["Pending", "Rejected"])),
  /** A held station boots again after this. */
  retryIntervalS: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  /** Hashes (`password.ts`) of the passwords that it may show, instead of the one in the ER's configuration. */
  passwordHashes: Type.Optional(
    Type.Array(Type.String({ pattern: PASSWORD_HASH_PATTERN }), {
      minItems: 1,
      maxItems: STATION_PASSWORDS_MAX,
    }),
  ),
  /** It has not shown one of them yet: the one in the ER's configuration counts as well. */
  configuredPassword: Type.Optional(Type.Boolean()),
});
export type PolicyStation = Static<typeof PolicyStation>;

/** What a token that is not listed gets: `allow` on private sites, `cap` on public ones, `deny` elsewhere. */
export const UnknownTokenRule = OneOf(["allow", "cap", "deny"]);
export type UnknownTokenRule = Static<typeof UnknownTokenRule>;

/** Bounds of what an unknown token may take (rule `cap`). */
export const UnknownTokenCap = Type.Object({
  energyWh: Type.Integer({ minimum: 100, maximum: 1_000_000 }),
  durationS: Type.Integer({ minimum: 60, maximum: 7 * 86_400 }),
  /** Starts of one unknown token within 24 hours. */
  startsPerDay: Type.Integer({ minimum: 1, maximum: 1_000 }),
  /** Sum of what all unknown tokens may take at the site within 24 hours. */
  siteEnergyWhPerDay: Type.Integer({ minimum: 100, maximum: 100_000_000 }),
});
export type UnknownTokenCap = Static<typeof UnknownTokenCap>;

/** What becomes of a running transaction when its token is revoked. */
export const RevocationRule = Type.Object({
  rule: OneOf(["finish", "stop-now", "min-energy"]),
  /** For `min-energy`: how much more it may take, slowly. */
  energyWh: Type.Integer({ minimum: 0, maximum: 100_000 }),
});
export type RevocationRule = Static<typeof RevocationRule>;

export const POLICY_DEFAULTS = {
  unknownCap: { energyWh: 10_000, durationS: 4 * 3_600, startsPerDay: 2, siteEnergyWhPerDay: 200_000 },
  revocation: { rule: "finish", energyWh: 2_000 },
  staleAfterS: 15 * 60,
  oldAfterS: 72 * 3_600,
} as const satisfies Record<string, unknown>;

export const Policy = Type.Object({
  v: Type.Literal(2),
  siteId: TopicId,
  version: Type.Integer({ minimum: 1 }),
  issuedAt: Type.Integer(),
  salt: Type.String({ minLength: 8, maxLength: 64 }),
  unknownToken: UnknownTokenRule,
  unknownCap: UnknownTokenCap,
  revocation: RevocationRule,
  /** Age of the last word of the cloud from which the policy counts as stale, and as old. */
  staleAfterS: Type.Integer({ minimum: 60 }),
  oldAfterS: Type.Integer({ minimum: 60 }),
  /** Current that a station may give when nobody governs it (its default profile); absent: none is set. */
  defaultLimitA: Type.Optional(Type.Integer({ minimum: 6, maximum: 500 })),
  tokens: Type.Array(PolicyToken, { maxItems: POLICY_TOKENS_MAX }),
  /** Tokens used at this site of late, by name, newest first: for the stations' own lists. */
  recent: Type.Array(Type.Object({ idToken: Short, lastUsedAt: Type.Integer() }), { maxItems: 2_000 }),
  /** Values that the site's stations should have, by what they are. */
  templates: Type.Optional(Type.Array(Template, { maxItems: TEMPLATES_MAX })),
  /** What charging costs there. */
  tariffs: Type.Optional(PolicyTariffs),
  /** Stations of which something is wanted that is not usual. */
  stations: Type.Optional(Type.Array(PolicyStation, { maxItems: POLICY_STATIONS_MAX })),
  /** Public keys (base64 SPKI) that the site trusts from now on, besides the one that signed this. */
  trustKeys: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 4 })),
});
export type Policy = Static<typeof Policy>;

/** The policy's text, exactly as it was signed, with the Ed25519 signature over it. */
export const SignedPolicy = Type.Object({
  v: Type.Literal(2),
  /** Of the site's policy that is inside: to look at without opening it. */
  version: Type.Integer({ minimum: 1 }),
  /** The public key, base64 SPKI: what the ER trusts on first use, or has been told. */
  publicKey: Type.String({ maxLength: 200 }),
  signature: Type.String({ maxLength: 200 }),
  policy: Type.String({ maxLength: 32 * 1024 * 1024 }),
});
export type SignedPolicy = Static<typeof SignedPolicy>;

export function signPolicy(policy: Policy, privateKey: KeyObject): SignedPolicy {
  const text = JSON.stringify(policy);
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" }).toString("base64");
  const signature = sign(null, Buffer.from(text), privateKey).toString("base64");
  return { v: 2, version: policy.version, publicKey, signature, policy: text };
}

/**
 * The text inside, if its key is one of `trusted` and the signature is right.
 * @param trusted base64 SPKI keys; empty: whoever comes first is believed, and remembered by the caller.
 * @throws AppError POLICY_UNTRUSTED.
 */
export function openPolicy(signed: SignedPolicy, trusted: readonly string[]): unknown {
  if (trusted.length > 0 && !trusted.includes(signed.publicKey)) {
    throw new AppError("POLICY_UNTRUSTED", "the policy is signed with a key that this site does not trust", {
      hint: "if the SG was rebuilt, set policy.public_key to its new key and restart the ER",
    });
  }
  try {
    const key = createPublicKey({
      key: Buffer.from(signed.publicKey, "base64"),
      format: "der",
      type: "spki",
    });
    if (
      key.asymmetricKeyType === "ed25519" &&
      verify(null, Buffer.from(signed.policy), key, Buffer.from(signed.signature, "base64"))
    )
      return JSON.parse(signed.policy) as unknown;
  } catch (cause) {
    throw new AppError("POLICY_UNTRUSTED", "the policy's key or text cannot be read", { cause });
  }
  throw new AppError("POLICY_UNTRUSTED", "the policy's signature is wrong: it was altered on its way");
}
