/**
 * Station passwords: stored only as slow hashes (scrypt), compared in constant time.
 *
 *   scrypt$<N>$<salt base64url>$<key base64url>
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";

const COST = 16_384;
const KEY_BYTES = 32;
const MARK_CHARS = 16;

const derive = (password: Buffer, salt: Buffer, cost: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Node's own bound is too low for the costs above the usual one.
    scrypt(password, salt, KEY_BYTES, { N: cost, r: 8, p: 1, maxmem: 2 * 128 * 8 * cost }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

/** A line for the configuration file, or for a policy. */
export async function hashPassword(password: Buffer): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, COST);
  return `scrypt$${COST}$${salt.toString("base64url")}$${key.toString("base64url")}`;
}

export const PASSWORD_HASH_PATTERN = "^scrypt\\$(16384|32768|65536)\\$[A-Za-z0-9_-]{22}\\$[A-Za-z0-9_-]{43}$";

export async function verifyPassword(hash: string, password: Buffer): Promise<boolean> {
  const [, cost, salt, key] = hash.split("$");
  if (cost === undefined || salt === undefined || key === undefined) return false;
  const expected = Buffer.from(key, "base64url");
  const actual = await derive(password, Buffer.from(salt, "base64url"), Number(cost));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** Names a password's hash in a journal, so that the cloud learns which of several a station has shown. */
export const passwordMark = (hash: string): string =>
  createHash("sha256").update(hash).digest("base64url").slice(0, MARK_CHARS);
