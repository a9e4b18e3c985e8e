/** Station passwords: hashed with salt, verified to the byte. */
import { scryptSync } from "node:crypto";
import { expect, test } from "vitest";
import { hashPassword, PASSWORD_HASH_PATTERN, verifyPassword } from "./password.ts";

test("a hash is verified by its password and by no other, bytes included", async () => {
  const password = Buffer.from([0x00, 0xff, 0x3a, 0x24]);
  const hash = await hashPassword(password);
  expect(hash).toMatch(new RegExp(PASSWORD_HASH_PATTERN));
  expect(await verifyPassword(hash, password)).toBe(true);
  for (const other of [Buffer.alloc(0), password.subarray(1), Buffer.from([0x00, 0xff, 0x3a, 0x25])]) {
    expect(await verifyPassword(hash, other)).toBe(false);
  }
});

test("whatever cost a configuration may have is verified", async () => {
  const salt = Buffer.alloc(16, 1);
  for (const N of [16_384, 32_768, 65_536]) {
    const key = scryptSync("secret", salt, 32, { N, r: 8, p: 1, maxmem: 2 ** 28 });
    const hash = `scrypt$${N}$${salt.toString("base64url")}$${key.toString("base64url")}`;
    expect(hash).toMatch(new RegExp(PASSWORD_HASH_PATTERN));
    expect(await verifyPassword(hash, Buffer.from("secret"))).toBe(true);
  }
});

test("the same password never has the same hash", async () => {
  const [a, b] = await Promise.all([hashPassword(Buffer.from("x")), hashPassword(Buffer.from("x"))]);
  expect(a).not.toBe(b);
});

test("what is no hash verifies nothing", async () => {
  for (const hash of ["", "scrypt", "scrypt$16384$salt"])
    expect(await verifyPassword(hash, Buffer.from("x"))).toBe(false);
});

test("only costs that the box can bear are taken by the configuration", () => {
  const hash = (cost: number) => `scrypt$${cost}$${"A".repeat(22)}$${"A".repeat(43)}`;
  expect(hash(16_384)).toMatch(new RegExp(PASSWORD_HASH_PATTERN));
  for (const bad of [hash(2), hash(2 ** 30), `${hash(16_384)}x`, "plain"])
    expect(bad).not.toMatch(new RegExp(PASSWORD_HASH_PATTERN));
});
