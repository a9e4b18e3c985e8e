/** For tests of drivers: the API, and drivers with tokens made by it as an operator makes them. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { tokenHash } from "../shared/policy.ts";
import { ERASURE_WORDS, type Driver } from "./api/driver-schemas.ts";
import { openTestApi, openTestDb } from "./harness.ts";
import { readPolicy } from "./ingest/policy.ts";

export async function openDrivers(options: { filesDir?: string } = {}) {
  const db = await openTestDb();
  const api = await openTestApi(db.pool, options);
  await api.app.ready();

  async function post<T>(path: string, body: object): Promise<T> {
    const reply = await api.send("POST", path, body, { "idempotency-key": randomUUID() });
    expect(reply.status, reply.text).toBeLessThan(300);
    return reply.body as T;
  }
  return {
    db,
    api,
    post,
    create: (body: object): Promise<Driver> => post("/v1/drivers", body),
    /** A token of nobody. @returns its text. */
    async token(more: object = {}): Promise<string> {
      const idToken = randomUUID().slice(0, 18);
      await post("/v1/id-tokens", { idToken, ...more });
      return idToken;
    },
    async attach({ driverId }: Driver, idToken: string): Promise<void> {
      const reply = await api.send("PUT", `/v1/drivers/${driverId}/id-tokens/${idToken}`, undefined);
      expect(reply.status, reply.text).toBe(200);
    },
    erase: ({ driverId }: Driver, more: object = {}) =>
      api.send("POST", `/v1/drivers/${driverId}/erasures`, { confirm: ERASURE_WORDS, ...more }),
    /** How the token stands in the policy of a site. */
    async statusAt(siteId: string, idToken: string): Promise<string | undefined> {
      const policy = await readPolicy(db.pool, siteId);
      const hash = tokenHash(policy?.salt ?? "", idToken);
      return policy?.tokens.find((one) => one.hash === hash)?.status;
    },
    async close(): Promise<void> {
      await api.close();
      await db.close();
    },
  };
}
export type Drivers = Awaited<ReturnType<typeof openDrivers>>;
