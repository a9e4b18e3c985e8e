/** Packed tokens say what the policy's list says, of every token and of no other. */
import { describe, expect, test } from "vitest";
import { fc } from "../../sim/services/property.ts";
import { tokenHash, type PolicyToken } from "../policy.ts";
import { NO_TOKENS, packTokens } from "./token-set.ts";

const SALT = "some salt";
const named = (idToken: string, more: Partial<PolicyToken> = {}): PolicyToken => ({
  hash: tokenHash(SALT, idToken),
  status: "Accepted",
  ...more,
});

describe("packed tokens", () => {
  test("hold what each token has, and nothing of what it has not", () => {
    const token = fc.record(
      {
        status: fc.constantFrom("Accepted" as const, "Blocked" as const),
        expiresAt: fc.integer({ min: 0, max: 4e12 }),
        groupId: fc.constantFrom("G1", "G2", "a group with a long name"),
        master: fc.constant(true),
        trusted: fc.constant(true),
        stations: fc.array(fc.constantFrom("CP-1", "CP-2"), { maxLength: 2 }),
        maxConcurrent: fc.integer({ min: 1, max: 9 }),
        maxEnergyWh: fc.integer({ min: 1, max: 1e6 }),
      },
      { requiredKeys: ["status"] },
    );
    const names = fc.uniqueArray(fc.stringMatching(/^[A-F0-9]{4,14}$/), { maxLength: 40 });
    fc.assert(
      fc.property(names, fc.array(token, { minLength: 40, maxLength: 40 }), (ids, all) => {
        const list = ids.map((id, n) => named(id, all[n]));
        const set = packTokens(SALT, list);
        expect(set.size).toBe(ids.length);
        ids.forEach((id, n) => expect(set.find(id)).toEqual(all[n]));
        expect(set.find("not there")).toBeUndefined();
      }),
    );
  });

  test("know a token in any case, of a hash that is there twice the last one, and nobody when empty", () => {
    const set = packTokens(SALT, [named("04A2"), named("04a2", { status: "Blocked" })]);
    expect(set.find("04a2")).toEqual({ status: "Blocked" });
    expect(set.find("04A2")).toEqual({ status: "Blocked" });
    expect(NO_TOKENS.find("04A2")).toBeUndefined();
    expect(packTokens(SALT, []).find("04A2")).toBeUndefined();
  });

  test("of another salt are strangers: a list is of no use at another site", () => {
    expect(packTokens("other salt", [named("04A2")]).find("04A2")).toBeUndefined();
  });

  test("50,000 of them, each in a group, take less than 10 MB", () => {
    const list = Array.from({ length: 50_000 }, (_, n) => named(`TOKEN-${n}`, { groupId: `G${n % 5_000}` }));
    const set = packTokens(SALT, list);
    expect(set.bytes).toBeLessThan(10e6 / 4);
    expect(set.find("TOKEN-49999")).toEqual({ status: "Accepted", groupId: "G4999" });
  });
});
