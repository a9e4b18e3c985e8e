/**
 * The policy of a site: read from the tables, signed, ready to be sent.
 *
 * 50,000 tokens are hashed for each site in turn; that is done in portions, so that the program goes on with
 * other things meanwhile.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import { AppError } from "../../shared/errors.ts";
import {
  POLICY_TOKENS_MAX,
  signPolicy,
  type Policy,
  type PolicyToken,
  type SignedPolicy,
} from "../../shared/policy.ts";
import { policyOf, policyTokenAt, type SiteRules, type TokenRow } from "../core/policy.ts";
import { inTransaction, type Pool, type Queryable } from "../db/pool.ts";
import { readPolicyTariffs } from "../tariff-book.ts";
import { readPolicyStations } from "./policy-stations.ts";
import { readTemplates, templatesAt } from "./template-sql.ts";

const PORTION = 2_000;
/** Tokens count as used at a site for this long (3 months). */
const RECENT_DAYS = 90;
const RECENT_MAX = 2_000;

/** Of the table `id_token t`. Whose driver is blocked is blocked, whatever the token itself says. */
export const TOKEN_COLUMNS = `t.id_token,
  case when exists (select from driver d where d.driver_id = t.driver_id and d.status <> 'active')
    then 'Blocked' else t.status end as status,
  t.group_id, t.master, t.expires_at, t.site_ids, t.station_ids,
  t.trusted, t.max_concurrent, t.max_energy_wh`;

export const publicKeyOf = (key: KeyObject): string =>
  createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");

/**
 * The key that signs policies: the given one, or the one in the database, which is made at the first start.
 * Copies that start at the same time agree on one.
 * @param pem private key of `SG_POLICY_KEY_FILE`; its public half is noted, so that the API can tell it.
 * @throws AppError POLICY_KEY_INVALID when the PEM is no Ed25519 private key.
 */
export async function ensureSigningKey(pool: Pool, pem?: string): Promise<KeyObject> {
  const own = pem === undefined ? undefined : readKey(pem, "SG_POLICY_KEY_FILE");
  return inTransaction(pool, async (client) => {
    await client.query("select pg_advisory_xact_lock(hashtext('sg.signing-key'))");
    if (own !== undefined) {
      await client.query(
        `insert into signing_key (public_key) values ($1)
         on conflict (public_key) do update set activated_at = now(), retired_at = null`,
        [publicKeyOf(own)],
      );
      return own;
    }
    const { rows } = await client.query<{ public_key: string; private_key: string }>(
      `select public_key, private_key from signing_key where private_key is not null and retired_at is null
       order by activated_at desc limit 1`,
    );
    const [row] = rows;
    if (row !== undefined) {
      // The API tells the key that signs, also after a key of a file was given up.
      await client.query(
        `update signing_key set activated_at = now() where public_key = $1
           and activated_at < (select max(activated_at) from signing_key)`,
        [row.public_key],
      );
      return readKey(row.private_key, "table signing_key");
    }
    const made = generateKeyPairSync("ed25519").privateKey;
    await client.query("insert into signing_key (public_key, private_key) values ($1, $2)", [
      publicKeyOf(made),
      made.export({ type: "pkcs8", format: "pem" }),
    ]);
    return made;
  });
}

function readKey(pem: string, where: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new AppError("POLICY_KEY_INVALID", `${where}: this is no private key in PEM form`, { cause });
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new AppError("POLICY_KEY_INVALID", `${where}: the key is ${key.asymmetricKeyType}, not Ed25519`, {
    hint: "make one with: openssl genpkey -algorithm ed25519 -out policy-key.pem",
  });
}

/** The public key that signs policies now, base64 SPKI; undefined before the first start of an ingest. */
export async function readPublicKey(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ public_key: string }>(
    "select public_key from signing_key order by activated_at desc limit 1",
  );
  return rows[0]?.public_key;
}

/** Station id → own name, of the stations of one site. */
export async function readIdentities(db: Queryable, siteId: string): Promise<Map<string, string>> {
  const { rows } = await db.query<{ station_id: string; identity: string }>(
    "select station_id, identity from station where site_id = $1",
    [siteId],
  );
  return new Map(rows.map((row) => [row.station_id, row.identity]));
}

/** Listed tokens that were used at the site of late, newest first: for the stations' own lists. */
async function readRecent(db: Queryable, operatorId: string, siteId: string): Promise<Policy["recent"]> {
  const { rows } = await db.query<{ id_token: string; used_at: Date }>(
    `select k.id_token, u.used_at from (
       select lower(id_token) as name, max(started_at) as used_at from transaction
       where site_id = $2 and id_token is not null and started_at > now() - $3 * interval '1 day'
         and started_at < now() + interval '1 day'
       group by 1
     ) u join id_token k on k.operator_id = $1 and k.token_key = u.name
     order by u.used_at desc, k.id_token limit $4`,
    [operatorId, siteId, RECENT_DAYS, RECENT_MAX],
  );
  return rows.map((row) => ({ idToken: row.id_token, lastUsedAt: row.used_at.getTime() }));
}

/** Tokens of people who are gone, of whom only hashes are left: the latest ones, as far as there is room. */
async function readErasedTokens(db: Queryable, siteId: string, limit: number): Promise<PolicyToken[]> {
  const { rows } = await db.query<{ hash: string }>(
    "select hash from erased_token where site_id = $1 order by erased_at desc, hash limit $2",
    [siteId, Math.max(0, limit)],
  );
  return rows.map(({ hash }) => ({ hash, status: "Blocked" }));
}

/** The policy of a site as it is now; undefined for a site that is not known. */
export async function readPolicy(pool: Pool, siteId: string): Promise<Policy | undefined> {
  const found = await pool.query<SiteRules & { operator_id: string }>(
    `select site_id, operator_id, policy_version, unknown_token, unknown_cap, revocation, default_limit_a,
       stale_after_s, old_after_s, policy_salt
     from site where site_id = $1`,
    [siteId],
  );
  const [site] = found.rows;
  if (site === undefined) return undefined;
  const identities = await readIdentities(pool, siteId);
  const { rows } = await pool.query<TokenRow>(
    `select ${TOKEN_COLUMNS} from id_token t where t.operator_id = $1 order by t.id_token`,
    [site.operator_id],
  );
  const tokens: PolicyToken[] = [];
  for (const row of rows) {
    tokens.push(policyTokenAt(row, site, identities));
    if (tokens.length % PORTION === 0) await breathe();
  }
  tokens.push(...(await readErasedTokens(pool, siteId, POLICY_TOKENS_MAX - tokens.length)));
  const policy = policyOf(site, tokens, await readRecent(pool, site.operator_id, siteId), Date.now());
  const templates = templatesAt(await readTemplates(pool, site.operator_id), siteId);
  const stations = await readPolicyStations(pool, siteId);
  const tariffs = await readPolicyTariffs(pool, site.operator_id, siteId, identities);
  return {
    ...policy,
    ...(templates.length === 0 ? {} : { templates }),
    ...(tariffs === undefined ? {} : { tariffs }),
    ...(stations.length === 0 ? {} : { stations }),
  };
}

/** Keys that ERs may trust besides the one that signs: those to come, and those of late. */
async function readTrustKeys(db: Queryable, signer: string): Promise<string[]> {
  const { rows } = await db.query<{ public_key: string }>(
    `select public_key from signing_key where retired_at is null and public_key <> $1
     order by created_at desc limit 4`,
    [signer],
  );
  return rows.map((row) => row.public_key);
}

/** Reads and signs. */
export async function readSignedPolicy(
  pool: Pool,
  siteId: string,
  key: KeyObject,
): Promise<SignedPolicy | undefined> {
  const policy = await readPolicy(pool, siteId);
  if (policy === undefined) return undefined;
  const trustKeys = await readTrustKeys(pool, publicKeyOf(key));
  return signPolicy(trustKeys.length === 0 ? policy : { ...policy, trustKeys }, key);
}
