/**
 * Secrets that the database keeps for us: sealed with AES-256-GCM, bound to the row they belong to.
 *
 * The key comes from a file (SG_SECRETS_KEY_FILE), so that a stolen database tells nothing, or is made in the
 * database at the first start, which guards against little more than a glance. A sealed text names its key:
 * with another key it is refused by name, not misread. Nothing here ever goes to a log or an API.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import { inTransaction, type Pool } from "../db/pool.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NAME_BYTES = 4;

export type SecretBox = {
  /** @param about what it belongs to: opened for anything else, it does not open. */
  seal: (text: string, about: string) => Buffer;
  /** @throws AppError SECRETS_KEY_WRONG, SECRET_DAMAGED. */
  open: (sealed: Buffer, about: string) => string;
  /** A name that nobody can make who has not the key: the same for the same text. */
  sign: (text: string) => string;
};

const nameOf = (key: Buffer): Buffer => createHash("sha256").update(key).digest().subarray(0, NAME_BYTES);

export function secretBox(key: Buffer): SecretBox {
  const name = nameOf(key);
  const signer = createHmac("sha256", key).update("sg.sign").digest();
  return {
    seal(text, about) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(about));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([name, nonce, cipher.getAuthTag(), sealed]);
    },
    open(sealed, about) {
      if (!sealed.subarray(0, NAME_BYTES).equals(name)) {
        throw new AppError("SECRETS_KEY_WRONG", "the secret was sealed with another key", {
          hint: "start with the SG_SECRETS_KEY_FILE it was sealed with, or enter the provider's secrets anew",
        });
      }
      const nonceEnd = NAME_BYTES + NONCE_BYTES;
      const tagEnd = nonceEnd + TAG_BYTES;
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(NAME_BYTES, nonceEnd))
          .setAAD(Buffer.from(about))
          .setAuthTag(sealed.subarray(nonceEnd, tagEnd));
        return Buffer.concat([decipher.update(sealed.subarray(tagEnd)), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new AppError("SECRET_DAMAGED", "the secret does not open: it was changed, or is another's", {
          cause,
        });
      }
    },
    sign: (text) => createHmac("sha256", signer).update(text).digest("base64url"),
  };
}

/** The key of a file: 32 bytes, raw, as hex or as base64. @throws AppError SECRETS_KEY_INVALID. */
export function readSecretsKey(file: Buffer): Buffer {
  const text = file.toString("latin1").trim();
  if (file.length === KEY_BYTES) return file;
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  const decoded = Buffer.from(text, "base64");
  if (/^[A-Za-z0-9+/]{43}=$/.test(text) && decoded.length === KEY_BYTES) return decoded;
  throw new AppError("SECRETS_KEY_INVALID", "SG_SECRETS_KEY_FILE does not hold 32 bytes", {
    hint: "make one with: openssl rand -base64 32 > secrets-key",
  });
}

/** The box of the given key, or of the one in the database, made at the first start. Copies agree on one. */
export async function ensureSecretBox(pool: Pool, key?: Buffer): Promise<SecretBox> {
  if (key !== undefined) return secretBox(key);
  const kept = await inTransaction(pool, async (client) => {
    await client.query("select pg_advisory_xact_lock(hashtext('sg.secrets-key'))");
    const { rows } = await client.query<{ key: Buffer }>(
      "select key from secrets_key order by created_at desc limit 1",
    );
    if (rows[0] !== undefined) return rows[0].key;
    const made = randomBytes(KEY_BYTES);
    await client.query("insert into secrets_key (key_id, key) values ($1, $2)", [
      nameOf(made).toString("hex"),
      made,
    ]);
    return made;
  });
  return secretBox(kept);
}
