/**
 * Another key for policies, without an ER that stops trusting the cloud: announce it, wait until the ERs have the
 * policy that says so, use it, and retire the old one when no ER needs it any more.
 */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import { createPool, inTransaction, type Client } from "../db/pool.ts";
import { publicKeyOf } from "./policy.ts";

/** At most one of them; `announce` is a PEM, of a private or a public key. */
export type KeyChange = {
  make?: boolean | undefined;
  announce?: string | undefined;
  use?: string | undefined;
  retire?: string | undefined;
};

function publicHalf(pem: string): string {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === "ed25519")
      return key.export({ type: "spki", format: "der" }).toString("base64");
  } catch (cause) {
    throw new AppError("POLICY_KEY_INVALID", "the file holds no key in PEM form", { cause });
  }
  throw new AppError("POLICY_KEY_INVALID", "the key in the file is not Ed25519", {
    hint: "make one with: openssl genpkey -algorithm ed25519 -out policy-key.pem",
  });
}

const announced = (client: Client, publicKey: string, privateKey: string | null) =>
  client.query(
    `insert into signing_key (public_key, private_key, activated_at) values ($1, $2, '-infinity')
     on conflict (public_key) do update set retired_at = null`,
    [publicKey, privateKey],
  );

async function use(client: Client, publicKey: string): Promise<void> {
  const { rowCount } = await client.query(
    `update signing_key set activated_at = now(), retired_at = null
     where public_key = $1 and private_key is not null`,
    [publicKey],
  );
  if (rowCount === 0) {
    throw new AppError("POLICY_KEY_UNKNOWN", `the database holds no private key for ${publicKey}`, {
      hint: "a key of a file is used by setting SG_POLICY_KEY_FILE; sg policy-key lists those of the database",
    });
  }
}

async function retire(client: Client, publicKey: string): Promise<void> {
  const { rows } = await client.query<{ public_key: string }>(
    "select public_key from signing_key where retired_at is null order by activated_at desc limit 1",
  );
  if (rows[0]?.public_key === publicKey) {
    throw new AppError("POLICY_KEY_IN_USE", "this key signs the policies now", {
      hint: "use another one first",
    });
  }
  const { rowCount } = await client.query(
    "update signing_key set retired_at = now() where public_key = $1 and retired_at is null",
    [publicKey],
  );
  if (rowCount === 0) throw new AppError("POLICY_KEY_UNKNOWN", `there is no key ${publicKey}`);
}

/** Every site gets a new policy, which tells what is trusted from now on. */
async function tellSites(client: Client): Promise<void> {
  await client.query(
    `update site set policy_version =
       greatest(policy_version + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
  );
  await client.query("select pg_notify('sg_policy', operator_id) from operator");
}

async function listKeys(client: Client): Promise<string> {
  const { rows } = await client.query<{ public_key: string; place: string; state: string }>(
    `select public_key, case when private_key is null then 'file' else 'database' end as place,
       case when retired_at is not null then 'retired'
            when activated_at = (select max(activated_at) from signing_key where retired_at is null) then 'signs'
            when activated_at = '-infinity' then 'announced' else 'trusted' end as state
     from signing_key order by created_at`,
  );
  return rows.map((row) => `${row.public_key}  ${row.state} (${row.place})`).join("\n");
}

/**
 * Changes what is asked for, and lists the keys as they are then.
 * @throws AppError POLICY_KEY_INVALID, POLICY_KEY_UNKNOWN, POLICY_KEY_IN_USE.
 */
export async function managePolicyKeys(databaseUrl: string, change: KeyChange): Promise<string> {
  const pool = createPool(databaseUrl, { max: 1, name: "sg-policy-key" });
  try {
    return await inTransaction(pool, async (client) => {
      await client.query("select pg_advisory_xact_lock(hashtext('sg.signing-key'))");
      if (change.make === true) {
        const { privateKey } = generateKeyPairSync("ed25519");
        const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
        await announced(client, publicKeyOf(privateKey), pem);
      } else if (change.announce !== undefined) await announced(client, publicHalf(change.announce), null);
      else if (change.use !== undefined) await use(client, change.use);
      else if (change.retire !== undefined) await retire(client, change.retire);
      else return listKeys(client);
      await tellSites(client);
      return listKeys(client);
    });
  } finally {
    await pool.end();
  }
}
