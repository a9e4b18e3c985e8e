/**
 * What a first `npm start` finds in its database: an owner and an API key, some tokens, a tariff, and a way to
 * pay that moves no money, so that everything can be tried at once.
 *
 * Invariants: nothing is given twice, and nothing that somebody has deleted or changed comes back: what is
 * there is remembered beside the credentials. A database that is not our own gets tokens and a key, no prices.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { acceptInvitation, findInvitation, inviteFromConsole, ownerMissing } from "../cloud/people.ts";
import { createPool, inTransaction, type Pool } from "../cloud/db/pool.ts";
import { issueApiKey } from "../cloud/sg.ts";
import type { TariffTerms } from "../shared/tariff.ts";
import { AppError } from "../shared/errors.ts";

export const TOKENS = [
  { idToken: "DEMO-ANA", label: "Ana" },
  { idToken: "DEMO-BRUNO", label: "Bruno" },
  { idToken: "DEMO-CLARA", label: "Clara" },
  { idToken: "DEMO-DIEGO", label: "Diego" },
];

/** R$ 1.00 to start, R$ 1.95 per kWh, and R$ 0.50 per minute for who stays plugged in after ten full ones. */
const DEMO_TERMS: TariffTerms = {
  currency: "BRL",
  elements: [{ startFeeMicro: 1_000_000, perKwhMicro: 1_950_000, perIdleMinuteMicro: 500_000 }],
  idleGraceMinutes: 10,
  tax: { name: "ISS", rateBp: 500, included: true },
};

const DEMO_PAYMENTS = {
  currency: "BRL",
  defaultAmountMinor: 5_000,
  minAmountMinor: 1_000,
  maxAmountMinor: 30_000,
  payMinutes: 30,
};

export type Credentials = {
  apiKey: string;
  owner?: { email: string; password: string };
  /** Prices and a provider were given. */
  prices?: boolean;
};

const OWNER_EMAIL = "owner@example.com";

/** The owner of the last start, or one for a database that has none. Nobody else's database gets one. */
async function ensureOwner(pool: Pool, known: Credentials["owner"]): Promise<Credentials["owner"]> {
  const mine =
    "select from member m join auth_user u on u.id = m.user_id where u.email = $1 and m.role = 'owner'";
  if (known !== undefined && (await pool.query(mine, [known.email])).rowCount !== 0) return known;
  if (!(await ownerMissing(pool, "default"))) return undefined;
  const owner = { email: OWNER_EMAIL, password: randomBytes(12).toString("base64url") };
  const link = await inviteFromConsole(pool, "default", owner.email, "owner");
  await inTransaction(pool, async (client) => {
    const invitation = await findInvitation(client, link);
    if (invitation === undefined) throw new AppError("OWNER_NOT_MADE", "the invitation of the owner is gone");
    await acceptInvitation(client, invitation, { name: "Demo", password: owner.password });
  });
  return owner;
}

/** Key and owner of the last start if the database still knows them, or new ones. */
export async function ensureCredentials(path: string, databaseUrl: string): Promise<Credentials> {
  const last = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Partial<Credentials>) : {};
  const pool = createPool(databaseUrl, { max: 1, name: "start" });
  try {
    const found = await pool.query(
      "select from api_key where key_hash = sha256($1::bytea) and revoked_at is null",
      [Buffer.from(last.apiKey ?? "")],
    );
    const apiKey =
      last.apiKey !== undefined && found.rowCount === 1
        ? last.apiKey
        : await issueApiKey(databaseUrl, "default", "local");
    const owner = await ensureOwner(pool, last.owner);
    const credentials: Credentials = {
      apiKey,
      ...(owner === undefined ? {} : { owner }),
      ...(last.prices === true && last.apiKey === apiKey ? { prices: true } : {}),
    };
    writeFileSync(path, `${JSON.stringify(credentials)}\n`, { mode: 0o600 });
    return credentials;
  } finally {
    await pool.end();
  }
}

export async function ensureTokens(databaseUrl: string): Promise<void> {
  const pool = createPool(databaseUrl, { max: 1, name: "start" });
  await pool.query(
    `insert into id_token (operator_id, id_token, label)
     select 'default', t.id_token, t.label from json_to_recordset($1::json) as t(id_token text, label text)
     on conflict do nothing`,
    [JSON.stringify(TOKENS.map((t) => ({ id_token: t.idToken, label: t.label })))],
  );
  await pool.end();
}

type Ask = <T>(method: "GET" | "POST" | "PUT" | "PATCH", path: string, body?: object) => Promise<T>;

/** The API as its key sees it. @throws AppError DEMO_NOT_MADE. */
export const asking =
  (baseUrl: string, apiKey: string): Ask =>
  async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok)
      throw new AppError("DEMO_NOT_MADE", `${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };

/** A tariff for everybody and the sandbox provider, where the operator has none yet. Once. */
export async function ensurePrices(ask: Ask, path: string): Promise<void> {
  const credentials = JSON.parse(readFileSync(path, "utf8")) as Credentials;
  if (credentials.prices === true) return;
  const { items } = await ask<{ items: unknown[] }>("GET", "/v1/tariffs?limit=1");
  if (items.length === 0) {
    const { tariffId } = await ask<{ tariffId: string }>("POST", "/v1/tariffs", {
      name: "Demo",
      terms: DEMO_TERMS,
    });
    await ask("POST", "/v1/tariff-assignments", { tariffId, target: {} });
    await ask("PATCH", "/v1/operator", { legalName: "Moov.olt Demo" });
    await ask("PUT", "/v1/payment-providers/sandbox", { settings: DEMO_PAYMENTS });
  }
  writeFileSync(path, `${JSON.stringify({ ...credentials, prices: true })}\n`, { mode: 0o600 });
}

/** Where a guest pays at a simulated station; undefined: it has not come within `waitMs`. */
export async function guestAddress(ask: Ask, stationId: string, waitMs: number): Promise<string | undefined> {
  for (const endMs = Date.now() + waitMs; Date.now() < endMs;) {
    const { items } = await ask<{ items: { stationId: string }[] }>("GET", "/v1/stations?limit=200");
    if (items.some((station) => station.stationId === stationId))
      return (await ask<{ url: string }>("GET", `/v1/stations/${stationId}/evses/1/qr`)).url;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return undefined;
}
