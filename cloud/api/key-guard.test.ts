/** Keys that are none: limited by address, never at the cost of one that is good. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { API_FAILURES_PER_MIN } from "../../shared/limits.ts";
import { openTestApi, openTestDb, type TestApi, type TestDb } from "../harness.ts";
import { createApiKey } from "./actor.ts";

let db: TestDb;
let api: TestApi;
beforeAll(async () => {
  db = await openTestDb();
  api = await openTestApi(db.pool);
});
afterAll(async () => {
  await api?.close();
  await db?.close();
});

async function ask(key: string | undefined, remoteAddress: string, url = "/v1/sites") {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const reply = await api.app.inject({ url, headers, remoteAddress });
  return [reply.statusCode, reply.json<{ code?: string }>().code, reply.headers["retry-after"]];
}
async function wearOut(address: string): Promise<void> {
  for (let i = 0; i < API_FAILURES_PER_MIN; i++)
    expect(await ask(`sg_wrong${i}`, address)).toEqual([401, "UNKNOWN_KEY", undefined]);
}
const REFUSED = [429, "TOO_MANY_REQUESTS", "60"];

test("after so many wrong keys an address is refused, without a question to the database", async () => {
  await wearOut("192.0.2.1");
  expect(await ask("sg_wrong", "192.0.2.1")).toEqual(REFUSED);
  expect(await ask("sg_wrong", "192.0.2.1")).toEqual(REFUSED);
  const asked = vi.spyOn(db.pool, "query");
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`sg_x${i}`, "192.0.2.1")));
  // The list of good keys, if that was a second ago.
  expect(asked.mock.calls.length).toBeLessThanOrEqual(1);
  asked.mockRestore();
  for (const answer of answers) expect(answer).toEqual(REFUSED);
  expect(await ask("sg_wrong", "192.0.2.2")).toEqual([401, "UNKNOWN_KEY", undefined]);
});

test("a good key goes on from there, whether it was seen before or not, and is not counted", async () => {
  const seen = await createApiKey(db.pool, "default", "seen");
  const fresh = await createApiKey(db.pool, "default", "fresh");
  const gone = await createApiKey(db.pool, "default", "gone");
  await db.pool.query("update api_key set revoked_at = now() where name = 'gone'");
  for (let i = 0; i < API_FAILURES_PER_MIN + 10; i++) expect((await ask(seen, "192.0.2.9"))[0]).toBe(200);
  await wearOut("192.0.2.9");
  expect(await ask("sg_wrong", "192.0.2.9")).toEqual(REFUSED);
  expect((await ask(seen, "192.0.2.9"))[0]).toBe(200);
  await expect.poll(async () => (await ask(fresh, "192.0.2.9"))[0], { timeout: 3_000 }).toBe(200);
  expect(await ask(gone, "192.0.2.9")).toEqual(REFUSED);
});

test("requests without any key count too, by the /64 of IPv6; what is open is not counted", async () => {
  for (let i = 0; i < API_FAILURES_PER_MIN; i++)
    expect((await ask(undefined, `2001:db8:0:1::${i + 1}`))[1]).toBe("NO_KEY");
  expect(await ask(undefined, "2001:db8:0:1:ffff::1")).toEqual(REFUSED);
  expect((await ask(undefined, "2001:db8:0:2::1"))[1]).toBe("NO_KEY");
  expect((await ask(undefined, "2001:db8:0:1::1", "/v1/auth/methods"))[0]).toBe(200);
});
