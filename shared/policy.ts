/**
 * The policy: what a site needs to know to decide alone. One document per site, replaced whole, versioned.
 *
 * It is data, not code: `decide/` applies it, the same functions at the site and in the cloud.
 */
import { Type, type Static } from "typebox";

export const TokenStatus = Type.Union([
  Type.Literal("Accepted"),
  Type.Literal("Blocked"),
  Type.Literal("Expired"),
  Type.Literal("Invalid"),
]);
export type TokenStatus = Static<typeof TokenStatus>;

export const PolicyToken = Type.Object({
  idToken: Type.String({ minLength: 1, maxLength: 36 }),
  status: Type.Union([Type.Literal("Accepted"), Type.Literal("Blocked")]),
  expiresAt: Type.Optional(
    Type.Integer({ description: "Unix milliseconds; the token is valid up to and including it" }),
  ),
  groupId: Type.Optional(Type.String({ maxLength: 36 })),
  /** May stop every transaction of the site, may start none. */
  master: Type.Optional(Type.Boolean()),
});
export type PolicyToken = Static<typeof PolicyToken>;

export const Policy = Type.Object({
  v: Type.Literal(1),
  version: Type.Integer({ minimum: 1 }),
  issuedAt: Type.Integer(),
  /** What a token that is not listed gets: `allow` on private sites, `deny` elsewhere. */
  unknownToken: Type.Union([Type.Literal("allow"), Type.Literal("deny")]),
  tokens: Type.Array(PolicyToken, { maxItems: 100_000 }),
});
export type Policy = Static<typeof Policy>;
