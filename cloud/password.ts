/**
 * Passwords: Argon2id with Node's own crypto, kept as PHC strings, so that each hash says how it was made.
 *
 * Invariants: a password is compared in its NFKC form (the same characters typed on another keyboard are the
 * same password); a stored string with parameters beyond ours is not computed. Length and quality are asked
 * for where passwords are taken in (`api/user-schemas.ts`).
 */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(argon2);

/** OWASP's first choice for Argon2id: 19 MiB, two passes, one lane. About 30 ms of one core. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a stored string may ask of us: room for stronger parameters later. */
const MEMORY_KIB_MAX = 262_144;
const PASSES_MAX = 10;
const LANES_MAX = 4;

type Cost = { memoryKiB: number; passes: number; lanes: number };

const compute = (password: string, salt: Buffer, bytes: number, cost: Cost): Promise<Buffer> =>
  derive("argon2id", {
    message: Buffer.from(password.normalize("NFKC")),
    nonce: salt,
    memory: cost.memoryKiB,
    passes: cost.passes,
    parallelism: cost.lanes,
    tagLength: bytes,
  });

const text = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const cost = { memoryKiB: MEMORY_KIB, passes: PASSES, lanes: LANES };
  const hash = await compute(password, salt, HASH_BYTES, cost);
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${text(salt)}$${text(hash)}`;
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([\w+/]{11,86})\$([\w+/]{22,86})$/;

/** Whether this is the password of a stored string. What is no string of ours is nobody's password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const match = PHC.exec(stored);
  if (match === null) return false;
  const [memoryKiB, passes, lanes] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (memoryKiB < 8 * lanes || memoryKiB > MEMORY_KIB_MAX) return false;
  if (passes < 1 || passes > PASSES_MAX || lanes < 1 || lanes > LANES_MAX) return false;
  const [salt, hash] = [Buffer.from(match[4] ?? "", "base64"), Buffer.from(match[5] ?? "", "base64")];
  return timingSafeEqual(await compute(password, salt, hash.length, { memoryKiB, passes, lanes }), hash);
}
