/** Writes once per Idempotency-Key: what a repeat gets, and how long it waits for a first one that is slow. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDb, type TestDb } from "../harness.ts";
import { inTransaction } from "../db/pool.ts";
import { createMember, openBrowser, openPeopleApi, type Browser } from "./harness-people.ts";

let db: TestDb;
let api: Awaited<ReturnType<typeof openPeopleApi>>;
let owner: Browser;
let ownerId: string;

beforeAll(async () => {
  db = await openTestDb();
  api = await openPeopleApi(db.pool);
  ownerId = await createMember(db.pool, "owner@example.com", "owner");
  owner = openBrowser(api.app);
  await owner.signIn("owner@example.com");
});
afterAll(async () => {
  await api?.close();
  await db?.close();
});

const keyed = () => ({ "idempotency-key": randomUUID() });
const count = async (table: string) =>
  (await db.rows<{ n: number }>(`select count(*)::int as n from ${table}`))[0]?.n ?? 0;

describe("what is told once", () => {
  test("the secret of an endpoint is kept nowhere for repeats, and a repeat says null", async () => {
    const once = keyed();
    const body = { url: "https://hooks.example.com/a" };
    const first = await owner.post("/v1/webhook-endpoints", body, once);
    expect(first.body["secret"]).toMatch(/^whsec_/);
    const again = await owner.post("/v1/webhook-endpoints", body, once);
    expect(again).toMatchObject({ status: 201, body: { ...first.body, secret: null } });
    const path = `/v1/webhook-endpoints/${String(first.body["endpointId"])}/rotate-secret`;
    const turn = keyed();
    const rotated = await owner.post(path, {}, turn);
    expect(rotated.body["secret"]).toMatch(/^whsec_/);
    expect((await owner.post(path, {}, turn)).body).toEqual({ ...rotated.body, secret: null });
    expect(JSON.stringify(await db.rows("select response from idempotency"))).not.toContain("whsec_");
  });
});

describe("a repeat while the first one runs", () => {
  const body = { idToken: "SLOW1" };
  /** Until the work is done, tokens are locked, so whoever makes the token waits in the middle of the write. */
  const slowly = <T>(work: () => Promise<T>): Promise<T> =>
    inTransaction(db.pool, async (client) => {
      await client.query("lock table id_token in access exclusive mode");
      return work();
    });
  const connections = async () =>
    (
      await db.rows<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity
         where datname = current_database() and application_name like '%-tenant' and state <> 'idle'`,
      )
    )[0]?.n;

  test("is told so while the first one still runs, and thirty of them hold no connection", async () => {
    const once = keyed();
    const { first, repeats, held } = await slowly(async () => {
      const slow = owner.post("/v1/id-tokens", body, once);
      await expect.poll(connections).toBe(1);
      const asked = Promise.all(Array.from({ length: 30 }, () => owner.post("/v1/id-tokens", body, once)));
      // Others get on meanwhile.
      expect((await owner.get("/v1/sites")).status).toBe(200);
      const connected = await connections();
      const answers = await asked;
      return { first: { slow }, repeats: answers, held: connected };
    });
    expect(held).toBe(1);
    expect(new Set(repeats.map(({ status, body: told }) => `${status} ${String(told["code"])}`))).toEqual(
      new Set(["409 REQUEST_UNDER_WAY"]),
    );
    const made = await first.slow;
    expect(made.status).toBe(201);
    expect((await owner.post("/v1/id-tokens", body, once)).body).toEqual(made.body);
    expect((await db.rows("select from id_token where id_token = 'SLOW1'")).length).toBe(1);
  });

  test("that runs in another copy of the API is told so as well", async () => {
    const once = keyed();
    const answer = await inTransaction(db.pool, async (client) => {
      await client.query(
        "insert into idempotency (operator_id, actor, key, body_hash) values ('default', $1, $2, 'x')",
        [`user:${ownerId}`, once["idempotency-key"]],
      );
      return owner.post("/v1/id-tokens", { idToken: "ELSEWHERE" }, once);
    });
    expect(answer).toMatchObject({ status: 409, body: { code: "REQUEST_UNDER_WAY" } });
    expect(await db.rows("select from id_token where id_token = 'ELSEWHERE'")).toEqual([]);
  });

  test("waits for nobody who removes old keys for long", async () => {
    await db.pool.query(
      `insert into idempotency (operator_id, actor, key, body_hash, created_at)
       values ('default', 'key:x', 'old', 'x', now() - interval '30 hours')`,
    );
    const answer = await inTransaction(db.pool, async (client) => {
      await client.query("delete from idempotency where key = 'old'");
      return owner.post("/v1/id-tokens", { idToken: "MEANWHILE" }, keyed());
    });
    expect(answer.status).toBe(201);
  });

  test("has an end that holds for its own statements only: the write itself may wait", async () => {
    const { slow } = await slowly(async () => {
      const asked = owner.post("/v1/id-tokens", { idToken: "PATIENT" }, keyed());
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return { slow: asked };
    });
    expect((await slow).status).toBe(201);
  });
});

describe("bodies that are files", () => {
  const text = { "content-type": "text/csv; charset=utf-8" };
  test("an import is done once per key, and another file with it is refused", async () => {
    const once = keyed();
    const path = "/v1/id-token-imports";
    const file = "idToken,label\nIMP1,one\n";
    const replies = await Promise.all(
      Array.from({ length: 5 }, () => owner.post(path, file, { ...text, ...once })),
    );
    expect(replies[0]).toMatchObject({ status: 200, body: { status: "applied", created: 1 } });
    // Not "unchanged": what the first one answered.
    for (const reply of replies) expect(reply.body).toEqual(replies[0]?.body);
    const other = await owner.post(path, "idToken\nIMP2\n", { ...text, ...once });
    expect(other).toMatchObject({ status: 422, body: { code: "IDEMPOTENCY_KEY_REUSED" } });
    const trial = await owner.post(`${path}?dryRun=true`, file, { ...text, ...once });
    expect(trial.body).toMatchObject({ status: "dry-run", unchanged: 1 });
  });

  test("a file is put once per key, also when it was removed meanwhile", async () => {
    const once = keyed();
    const put = (bytes: string) =>
      owner.post("/v1/files?name=fw.bin", bytes, { "content-type": "application/octet-stream", ...once });
    const [first, ...others] = await Promise.all([put("firmware"), put("firmware"), put("firmware")]);
    expect(first?.status).toBe(201);
    for (const other of others) expect(other.body).toEqual(first?.body);
    expect(await count("file")).toBe(1);
    expect((await owner.delete(`/v1/files/${String(first?.body["fileId"])}`)).status).toBe(200);
    expect((await put("firmware")).body).toEqual(first?.body);
    expect(await count("file")).toBe(1);
    expect(await put("another")).toMatchObject({ status: 422, body: { code: "IDEMPOTENCY_KEY_REUSED" } });
  });
});
