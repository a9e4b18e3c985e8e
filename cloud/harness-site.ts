/**
 * For tests: one SG with its API for a file, and an ER with a site of its own, introduced, for each test.
 * It knows nothing of what happens there.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { introduce, Journal, openTestApi, openTestDb, type TestApi, type TestDb } from "./harness.ts";

export type TestSite = { db: TestDb; api: TestApi; journal: Journal; cp: string };

/** @param use gets, before each test, the SG of this file and the journal of a new ER; `cp`: a station's name. */
export function useSite(use: (site: TestSite) => void | Promise<void>): void {
  let db: TestDb;
  let api: TestApi;
  beforeAll(async () => {
    db = await openTestDb();
    api = await openTestApi(db.pool);
  });
  afterAll(async () => {
    await api.close();
    await db.close();
  });
  beforeEach(async () => {
    const name = randomUUID().slice(0, 8);
    const journal = new Journal(`er-${name}`, `site-${name}`);
    await introduce(db.pool, journal);
    await use({ db, api, journal, cp: `CP-${name}` });
  });
}

/** What the API answers to a GET that must succeed. */
export async function readOk<T>(api: TestApi, path: string): Promise<T> {
  const reply = await api.get(path);
  expect(reply.status, reply.text).toBe(200);
  return reply.body as T;
}
