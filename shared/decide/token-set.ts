/**
 * The tokens of a policy, packed: 50,000 of them take some 2 MB, and one is found in microseconds.
 *
 * Hashes lie sorted in one buffer and are searched by halves; what most tokens have (status, expiry, group)
 * lies in typed arrays beside them, what few have in a map. It decides nothing.
 */
import { defined } from "../given.ts";
import { tokenHash, type PolicyToken } from "../policy.ts";

const HASH_BYTES = 16;
const BLOCKED = 1;
const MASTER = 2;
const TRUSTED = 4;

export type TokenSet = {
  size: number;
  find: (idToken: string) => Omit<PolicyToken, "hash"> | undefined;
  /** Bytes held, without the few tokens that have a scope of their own. */
  bytes: number;
};

type Rare = Pick<PolicyToken, "stations" | "maxConcurrent" | "maxEnergyWh">;

export const NO_TOKENS: TokenSet = { size: 0, find: () => undefined, bytes: 0 };

/** Packs a policy's tokens. Of a hash that is there twice the last one counts. */
export function packTokens(salt: string, tokens: readonly PolicyToken[]): TokenSet {
  const sorted = [...new Map(tokens.map((token) => [token.hash, token])).values()]
    .map((token) => ({ token, hash: Buffer.from(token.hash, "base64url") }))
    .sort((a, b) => Buffer.compare(a.hash, b.hash));
  const hashes = Buffer.alloc(sorted.length * HASH_BYTES);
  const flags = new Uint8Array(sorted.length);
  const expiries = new Float64Array(sorted.length).fill(Number.NaN);
  const groups = new Uint32Array(sorted.length);
  const groupNames = [""];
  const groupIndex = new Map<string, number>();
  const rare = new Map<number, Rare>();
  sorted.forEach(({ token, hash }, index) => {
    hash.copy(hashes, index * HASH_BYTES, 0, HASH_BYTES);
    flags[index] =
      (token.status === "Blocked" ? BLOCKED : 0) |
      (token.master === true ? MASTER : 0) |
      (token.trusted === true ? TRUSTED : 0);
    if (token.expiresAt !== undefined) expiries[index] = token.expiresAt;
    if (token.groupId !== undefined) {
      let group = groupIndex.get(token.groupId);
      if (group === undefined) {
        group = groupNames.push(token.groupId) - 1;
        groupIndex.set(token.groupId, group);
      }
      groups[index] = group;
    }
    const { stations, maxConcurrent, maxEnergyWh } = token;
    const own: Rare = defined({ stations, maxConcurrent, maxEnergyWh });
    if (Object.keys(own).length > 0) rare.set(index, own);
  });

  function indexOf(hash: Buffer): number {
    let low = 0;
    let high = sorted.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const at = middle * HASH_BYTES;
      const order = hashes.compare(hash, 0, HASH_BYTES, at, at + HASH_BYTES);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  return {
    size: sorted.length,
    bytes: hashes.length + flags.byteLength + expiries.byteLength + groups.byteLength,
    find(idToken) {
      const index = indexOf(Buffer.from(tokenHash(salt, idToken), "base64url"));
      if (index === -1) return undefined;
      const bits = flags[index] ?? 0;
      const expiresAt = expiries[index] ?? Number.NaN;
      const group = groups[index] ?? 0;
      return defined({
        status: (bits & BLOCKED) === 0 ? ("Accepted" as const) : ("Blocked" as const),
        ...rare.get(index),
        expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt,
        groupId: group === 0 ? undefined : groupNames[group],
        master: (bits & MASTER) === 0 ? undefined : true,
        trusted: (bits & TRUSTED) === 0 ? undefined : true,
      });
    },
  };
}
