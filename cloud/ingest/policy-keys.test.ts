/** One key after another: at no time does a policy come that its ER cannot trust. */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPolicy } from "../../shared/policy.ts";
import { introduce, Journal, openTestDb, type TestDb } from "../harness.ts";
import { managePolicyKeys, type KeyChange } from "./policy-keys.ts";
import { ensureSigningKey, readPublicKey, readSignedPolicy } from "./policy.ts";

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
  await introduce(db.pool, new Journal("er-1", "site-1"));
});
afterAll(() => db.close());

const keys = async (change: KeyChange = {}) =>
  (await managePolicyKeys(db.url, change)).split("\n").map((line) => line.split(/\s+/));
/** A policy as the ingest sends it after a start, opened by an ER that trusts these keys. */
async function sent(trusted: string[], pem?: string) {
  const signed = await readSignedPolicy(db.pool, "site-1", await ensureSigningKey(db.pool, pem));
  if (signed === undefined) throw new Error("there is a policy");
  const { trustKeys = [] } = openPolicy(signed, trusted) as { trustKeys?: string[] };
  return { signer: signed.publicKey, version: signed.version, trusted: [signed.publicKey, ...trustKeys] };
}

test("a key is announced, used, and the old one retired", async () => {
  const first = await sent([]);
  const old = first.signer;
  expect(first.trusted).toEqual([old]);

  const [, [next = ""] = []] = await keys({ make: true });
  const announced = await sent(first.trusted);
  expect(announced).toMatchObject({ signer: old, trusted: [old, next] });
  expect(announced.version).toBeGreaterThan(first.version);
  expect(await readPublicKey(db.pool)).toBe(old);

  await expect(keys({ retire: old })).rejects.toMatchObject({ code: "POLICY_KEY_IN_USE" });
  expect((await keys({ use: next })).map((row) => row[1])).toEqual(["trusted", "signs"]);
  const used = await sent(announced.trusted);
  expect(used).toMatchObject({ signer: next, trusted: [next, old] });
  expect(await readPublicKey(db.pool)).toBe(next);

  expect((await keys({ retire: old })).map((row) => row[1])).toEqual(["retired", "signs"]);
  expect(await sent([next])).toMatchObject({ signer: next, trusted: [next] });
});

test("one of a file is announced by its public half", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const listed = await keys({ announce: pem });
  const [publicKey = "", state, place] = listed.at(-1) ?? [];
  expect([state, place]).toEqual(["announced", "(file)"]);
  const { trusted } = await sent([]);
  expect(trusted).toContain(publicKey);
  expect(await sent(trusted, pem)).toMatchObject({ signer: publicKey });
  await expect(keys({ use: publicKey })).rejects.toMatchObject({ code: "POLICY_KEY_UNKNOWN" });
  await expect(keys({ announce: "nonsense" })).rejects.toMatchObject({ code: "POLICY_KEY_INVALID" });
});
