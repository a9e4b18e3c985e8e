/** Signed policies: only what was signed, by whom it was signed. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openPolicy, POLICY_DEFAULTS, signPolicy, tokenHash, type Policy } from "./policy.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const policy: Policy = {
  ...{ v: 2, siteId: "site-1", version: 3, issuedAt: 1, salt: "12345678", unknownToken: "deny" },
  ...POLICY_DEFAULTS,
  ...{ tokens: [], recent: [] },
};

describe("a signed policy", () => {
  const signed = signPolicy(policy, privateKey);

  test("opens for whom its key is trusted, or who trusts whoever comes first", () => {
    expect(openPolicy(signed, [signed.publicKey])).toEqual(policy);
    expect(openPolicy(signed, [])).toEqual(policy);
  });

  test.each([
    ["its text was altered", { ...signed, policy: signed.policy.replace("deny", "allow") }],
    [
      "its signature is another's",
      { ...signed, signature: signPolicy({ ...policy, version: 4 }, privateKey).signature },
    ],
    ["its signature is no base64", { ...signed, signature: "§" }],
    ["its key is none", { ...signed, publicKey: "AAAA" }],
    ["its key is of another kind", { ...signed, publicKey: rsaKey() }],
  ])("does not open when %s", (_why, altered) => {
    expect(() => openPolicy(altered, [])).toThrowError(expect.objectContaining({ code: "POLICY_UNTRUSTED" }));
  });

  test("does not open for whom its key is a stranger's, and says what to do", () => {
    const stranger = signPolicy(policy, generateKeyPairSync("ed25519").privateKey);
    expect(() => openPolicy(stranger, [signed.publicKey])).toThrowError(
      expect.objectContaining({ code: "POLICY_UNTRUSTED", hint: expect.stringContaining("public_key") }),
    );
  });
});

function rsaKey(): string {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 512 });
  return publicKey.export({ type: "spki", format: "der" }).toString("base64").slice(0, 200);
}

test("a token's hash knows no case and depends on the salt", () => {
  expect(tokenHash("salt", "ABC")).toBe(tokenHash("salt", "abc"));
  expect(tokenHash("salt", "ABC")).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(tokenHash("other", "ABC")).not.toBe(tokenHash("salt", "ABC"));
});
